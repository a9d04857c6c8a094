"""Release rules, columns, series and folds with an injected leak, and the same without."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from regime.labels.episodes import EpisodeLabels
from regime.panel.as_of import AsOf
from regime.panel.calendar import session_closes
from regime.panel.release_times import release_times
from regime.schema import Labels
from regime.sources.catalogue import Catalogue, Release, SeriesSpec
from regime.splits.walk_forward import Fold, PurgedWalkForward
from regime.studies.leakage.fold_leaks import TrainedFold
from regime.studies.leakage.release_leaks import WEEKDAYS, find_publisher
from tests.audit.planted.market import Rng, clean_series, market

__all__ = [
    "SERIES_LEAKS",
    "LabelledColumns",
    "Observations",
    "clean_folds",
    "clean_rows",
    "clean_rule_rows",
    "columns",
    "early_rule_rows",
    "leaky_folds",
    "leaky_rows",
    "market_with",
]

YEARS = ("2008-01-01", "2019-12-31")
SHIFTS = (0.5, 1.0, 2.0, 3.0, 4.0, 5.0)
SERIES_LEAKS = (
    "look-ahead series",
    "smoothed index",
    "back-filled gap",
    "scaled series",
    "forward P/E",
)
LINKED = ("spy", "nasdaq", "eem", "hyg", "tlt", "dbc")


@dataclass(frozen=True, kw_only=True, eq=False)
class Observations:
    """A long table and the catalogue that it is read by.

    Parameters
    ----------
    table : DataFrame
        LabelledColumns `series, period, released, value`.
    sessions : DatetimeIndex
    catalogue : Catalogue
    size : float
        Of the injected leak; 0 for none.
    """

    table: pd.DataFrame
    sessions: pd.DatetimeIndex
    catalogue: Catalogue
    size: float = 0.0


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelledColumns:
    """A table of columns with the labels of its market.

    Parameters
    ----------
    table : DataFrame, shape (n_sessions, n_columns)
    labels : Labels
    prices : DataFrame
    size : float
        Sessions between the leaky column and the label.
    """

    table: pd.DataFrame
    labels: Labels
    prices: pd.DataFrame
    size: float = 0.0


def clean_rule_rows(rng: Rng, catalogue: Catalogue) -> Observations:
    """Values of one series of the catalogue, released as its rule says."""
    spec = _spec(rng, catalogue)
    return _released(spec, _periods(spec), catalogue, 0.0)


def early_rule_rows(rng: Rng, catalogue: Catalogue) -> Observations:
    """Half a day to five days early, or dated on a wrong weekday, and earlier in a panel."""
    while True:
        spec = _spec(rng, catalogue)
        periods, size = _periods(spec), float(rng.choice(SHIFTS))
        if (
            find_publisher(spec.path).period_weekdays[1:] == () and rng.random() < 0.4
        ):  # a weekly report, dated too early
            size = float(rng.integers(1, 5))
            moved = _released(spec, periods - pd.Timedelta(days=size), catalogue, 0.0)
            return Observations(
                table=moved.table, sessions=moved.sessions, catalogue=catalogue, size=size
            )
        clean, early = (
            _released(spec, periods, catalogue, 0.0),
            _released(spec, periods, catalogue, size),
        )
        if not _shown(clean).equals(
            _shown(early)
        ):  # half a day within one night shows nothing sooner: no leak
            return early


def columns(rng: Rng, *, leaky: bool) -> LabelledColumns:
    """Clean columns about a market, and where `leaky` one that is made from its labels."""
    while True:
        prices = market(rng, 2500)
        labels = EpisodeLabels(depth=1.5, volatility_halflife=63)(prices)
        counts = labels.regime.value_counts()
        if (
            counts.min() >= 80 and counts.sum() >= 1500
        ):  # one long fall teaches nobody what a fall looks like
            break
    moves = np.log(prices["sp500"]).diff()
    table = pd.DataFrame(
        {
            "drawdown": prices["sp500"] / prices["sp500"].rolling(126, min_periods=20).max() - 1,
            "volatility": moves.ewm(halflife=10, min_periods=20).std(),
            "relative": np.log(prices["nasdaq"] / prices["eem"]).diff(21),
            "noise": rng.standard_normal(len(prices)),
            "learned": labels.weights["deleveraging"]
            .where(labels.known_at == prices.index)
            .ffill(),
        }
    )
    size = int(rng.integers(-5, 6))
    return LabelledColumns(
        table=table.assign(injected=_from_label(rng, labels, size)) if leaky else table,
        labels=labels,
        prices=prices,
        size=float(abs(size)),
    )


def clean_folds(rng: Rng) -> tuple[list[TrainedFold], pd.DatetimeIndex, int]:
    """Folds of the package's base splitter, the sessions, and the embargo."""
    return _folds(rng, "")


def leaky_folds(rng: Rng) -> tuple[list[TrainedFold], pd.DatetimeIndex, int]:
    """Folds without purge, with too short an embargo, or with labels from after the refit."""
    leak = str(rng.choice(["purge", "embargo", "later"]))
    while (
        True
    ):  # where no row is known in between, a shorter embargo or a later refit lets nothing in
        seed = int(rng.integers(2**31))
        clean, leaky = (
            _folds(np.random.default_rng(seed), ""),
            _folds(np.random.default_rng(seed), leak),
        )
        if any(
            not np.array_equal(a.train, b.train) for a, b in zip(clean[0], leaky[0], strict=True)
        ):
            return leaky


def clean_rows(rng: Rng) -> Observations:
    """A small market and one clean series."""
    prices = market(rng, 2500)
    name, values = clean_series(rng, prices)
    return market_with(prices, {name: values})


def market_with(
    prices: pd.DataFrame, extra: dict[str, pd.Series], size: float = 0.0
) -> Observations:
    """Prices, and further series, all known at the close of their base period.

    Parameters
    ----------
    prices : DataFrame, shape (n_sessions, n_assets)
    extra : dict of str to Series
        By period.
    size : float
        Of the injected leak.
    """
    series = {**{name: prices[name] for name in prices}, **extra}
    parts = [
        pd.DataFrame(
            {
                "series": name,
                "period": values.index,
                "value": values.to_numpy(dtype=float),
                "released": session_closes(pd.DatetimeIndex(values.index)),
            }
        )
        for name, values in series.items()
    ]
    specs = {
        name: SeriesSpec(
            name=name,
            title=name,
            unit="index",
            frequency="daily",
            release=Release(at_close=True),
            low=-1e9,
            high=1e9,
            max_age_days=60,
            path=f"prices/{name}.csv",
            column="close",
        )
        for name in series
    }
    return Observations(
        table=pd.concat(parts, ignore_index=True),
        sessions=pd.DatetimeIndex(prices.index),
        catalogue=Catalogue(series=specs),
        size=size,
    )


def leaky_rows(rng: Rng, kind: str) -> Observations:
    """A small market and one series that contains the future.

    Parameters
    ----------
    rng : Generator
    kind : str
        One of `SERIES_LEAKS`.
    """
    prices, size = market(rng, 2500), int(rng.integers(1, 6))
    base = np.log(prices[str(rng.choice(LINKED))]) + 0.003 * rng.standard_normal(len(prices))
    if kind == "look-ahead series":
        future = np.log(prices["sp500"]).diff().rolling(size).sum().shift(-size)
        made = [
            lambda: 100 * np.exp(base.shift(-size)),
            lambda: 5 * future + 0.05 * rng.standard_normal(len(prices)),
            lambda: 50 + 100 * (future + 0.3 * future.std() * rng.standard_normal(len(prices))),
        ]
        values = made[int(rng.integers(3))]()
    elif kind == "smoothed index":
        values = -base.rolling(2 * size + 1, center=True).mean() * 10
    elif kind == "back-filled gap":
        values = _filled(rng, 100 * np.exp(base))
    elif kind == "scaled series":
        made = [
            lambda: (base - base.mean()) / base.std(),
            lambda: (base - base.min()) / (base.max() - base.min()),
            lambda: base.rank(pct=True),
        ]
        values = made[int(rng.integers(3))]()
    else:
        return _forward_multiple(rng, prices)
    return market_with(prices, {"injected": values.dropna()}, size=float(size))


def _spec(rng: Rng, catalogue: Catalogue) -> SeriesSpec:
    return catalogue.series[
        str(rng.choice([name for name, spec in catalogue.series.items() if not spec.splice]))
    ]


def _periods(spec: SeriesSpec) -> pd.DatetimeIndex:
    """Periods of a series from 2008 to 2019, as its publisher dates them."""
    days = pd.date_range(*YEARS)
    expected = find_publisher(spec.path).period_weekdays
    weekdays = np.asarray(WEEKDAYS)[days.day_of_week]
    if spec.frequency == "monthly":
        return pd.date_range(*YEARS, freq="ME")
    if spec.frequency == "weekly":
        # Of several possible weekdays the last but one, Thursday rather than Friday.
        return days[weekdays == expected[-2 if len(expected) in (3, 4) else -1]]
    periods = days[np.isin(weekdays, expected)]
    return periods if spec.frequency == "continuous" else periods[periods.day_of_week < 5]


def _released(
    spec: SeriesSpec, periods: pd.DatetimeIndex, catalogue: Catalogue, early: float
) -> Observations:
    released = release_times(periods, spec.release) - pd.Timedelta(days=early)
    table = pd.DataFrame(
        {
            "series": spec.name,
            "period": periods,
            "released": released,
            "value": np.arange(len(periods)) + 100.0,
        }
    )
    return Observations(
        table=table, sessions=pd.bdate_range(*YEARS, name="date"), catalogue=catalogue, size=early
    )


def _shown(made: Observations) -> pd.DataFrame:
    ages = {str(name): 400 for name in made.table["series"].unique()}
    return AsOf(made.table, ages).panel(made.sessions).values


def _from_label(rng: Rng, labels: Labels, size: int) -> pd.Series:
    """A column made from the label: a flag, a code, a smoothed or a noisy flag.

    Off by some sessions.
    """
    flag = labels.weights[str(rng.choice(["fragile", "deleveraging"]))].round()
    made = [
        lambda: flag.shift(size),
        lambda: labels.regime.cat.codes.astype(float).shift(size),
        lambda: flag.shift(size) + 0.25 * rng.standard_normal(len(flag)),
        lambda: flag.fillna(0.0).rolling(5, center=True).mean(),
    ]
    return made[int(rng.integers(len(made)))]()


def _folds(rng: Rng, leak: str) -> tuple[list[TrainedFold], pd.DatetimeIndex, int]:
    prices = market(rng, 1500)
    dates, embargo, size = (
        pd.DatetimeIndex(prices.index),
        int(rng.integers(6, 30)),
        int(rng.integers(1, 6)),
    )
    labeller = EpisodeLabels(depth=1.5, volatility_halflife=63)
    splits = PurgedWalkForward(
        first_test=dates[700].date(), refit_months=6, embargo=embargo, minimum_train=50
    )
    used = PurgedWalkForward(
        first_test=dates[700].date(), refit_months=6, embargo=embargo - size, minimum_train=50
    )
    made = []
    for fold in splits.folds(dates):
        begin = int(fold.test[0])
        as_of = dates[min(begin - 1 + size, len(dates) - 1)] if leak == "later" else fold.refit
        labels = labeller(prices.loc[:as_of], as_of)
        if leak == "purge":
            labels = labeller(prices)
            rows = np.flatnonzero(labels.weights["calm"].notna().to_numpy()[: begin - embargo])
        elif leak == "later":
            rows = splits.train_rows(
                Fold(refit=as_of, test=np.arange(begin + size, begin + size + 1)), labels
            )
        else:
            rows = (used if leak == "embargo" else splits).train_rows(fold, labels)
        made.append(TrainedFold(fold=fold, train=rows, labels=labels))
    return made, dates, embargo


def _filled(rng: Rng, values: pd.Series) -> pd.Series:
    """Gaps of two or three weeks filled from their ends.

    Straight, or with the value that ended them.
    """
    result, straight = values.copy(), rng.random() < 0.5
    for start in np.linspace(60, len(values) - 60, int(rng.integers(4, 10))).astype(int):
        result.iloc[start : start + int(rng.integers(8, 20))] = np.nan
    return result.interpolate() if straight else result.bfill()


def _forward_multiple(rng: Rng, prices: pd.DataFrame) -> Observations:
    """Month-end price over nearly the earnings of a year later, with trailing earnings."""
    months = pd.date_range(prices.index[0], prices.index[-1], freq="ME")
    growth = (
        pd.Series(0.08 * rng.standard_normal(len(months) + 24)).ewm(halflife=2).mean().to_numpy()
    )
    later = pd.period_range(months[0], periods=len(months) + 24, freq="M")
    earned = pd.Series(10 * np.exp(np.cumsum(0.004 + growth)), later)
    price = prices["sp500"].reindex(months, method="ffill")
    ahead = int(rng.integers(9, 15))
    noise = np.exp(float(rng.uniform(0.0, 0.02)) * rng.standard_normal(len(months)))
    multiple = price / (earned.shift(-ahead).reindex(months.to_period("M")).to_numpy() * noise)
    trailing = pd.Series(earned.to_numpy()[: len(months)], months)
    return market_with(
        prices,
        {"forward_pe_sp500": multiple.dropna(), "sp500_earnings": trailing},
        size=30.4 * ahead,
    )

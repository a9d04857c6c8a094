"""No row may know what comes after it: the ground, the whole chain, and leaks that must be caught.

What is built from the first t sessions must equal, bit for bit, the first t rows of what is built
from all of them, and must not change when the rest is stirred. The builders of the stages and
mechanisms are walked and probed by the package's own audit (tests/audit/test_builders.py); here
stand the formulas of the ground, which the audit itself rests on, under a law written a second
time.
"""

import ast
import functools
import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

import regime
from regime import jump_model, kernels, performance, transforms
from regime.features.feature_set import FeatureSet
from regime.labels.episodes import EpisodeLabels
from regime.panel import calendar
from regime.panel.as_of import AsOf
from regime.panel.release_times import release_times
from regime.parallel import NoProgress
from regime.pipeline.market_data import read_market
from regime.pipeline.settings import load_settings
from regime.pipeline.strategy import decide
from regime.pipeline.walk_forward import walk_forward
from regime.schema import REGIMES, Labels
from regime.sources.catalogue import load_catalogue
from regime.sources.simulated import SimulatedSource
from regime.splits.walk_forward import PurgedWalkForward
from tests.audit.registry.discovery import discover

ROOMS = ("kernels", "performance", "jump_model")
ROWS = re.compile(
    r"\b(Series|DataFrame|ndarray|NDArray|Column|Floats|Integers|Positions|Days|DatetimeIndex|Labels"
    r"|Panel|Feature|Loadings|Fold|Iterator)\b"
)
CUTS, STIRS = (257, 1100, 1723), (600, 1500)
FEATURES, CATALOGUE = FeatureSet(), load_catalogue()
SPLITS = PurgedWalkForward(first_test=date(2010, 6, 1), refit_months=9, minimum_train=300)


@dataclass(frozen=True)
class Given:
    """What is known: the panel, somebody's signals, and the observations behind the panel."""

    values: pd.DataFrame
    age: pd.DataFrame
    signals: pd.DataFrame
    observations: pd.DataFrame

    def until(self, t: int) -> "Given":
        """What was known at the close of session t - 1."""
        return Given(
            self.values.iloc[:t],
            self.age.iloc[:t],
            self.signals.iloc[:t],
            self.observations[self._known(t)],
        )

    def stirred(self, t: int) -> "Given":
        """The same until session t - 1, and another future, in which every series has values."""
        rng, known = np.random.default_rng(t), self._known(t)
        values, signals, observed = (
            self.values.copy(),
            self.signals.copy(),
            self.observations.copy(),
        )
        values.iloc[t:] = values.iloc[t:].fillna(1.0) * np.exp(
            rng.normal(0, 0.5, values.iloc[t:].shape)
        )
        signals.iloc[t:] = signals.iloc[t:].to_numpy()[rng.permutation(len(signals) - t)]
        observed.loc[~known, "value"] *= np.exp(rng.normal(0, 0.5, int((~known).sum())))
        return Given(values, self.age, signals, observed)

    def _known(self, t: int) -> pd.Series:
        return (
            self.observations["released"]
            <= calendar.session_closes(self.values.index[t - 1 : t])[0]
        )

    @property
    def dates(self) -> pd.DatetimeIndex:
        return self.values.index

    @property
    def close(self) -> pd.Series:
        return self.values["sp500"]

    @property
    def returns(self) -> pd.Series:
        return self.close.pct_change()

    @property
    def market(self) -> pd.DataFrame:
        return self.values[["sp500", "nasdaq", "eem", "hyg"]]

    @functools.cached_property
    def x(self) -> np.ndarray:
        """One column with gaps, as kernels take it."""
        return self.values["naaim"].where(self.age["naaim"] < 6).to_numpy(dtype=float).copy()

    @functools.cached_property
    def moves(self) -> np.ndarray:
        return np.ascontiguousarray(
            transforms.clipped_moves(self.market, list(self.market), 63).to_numpy()
        )


@dataclass(frozen=True)
class Known:
    """Rows, and the position of the session from whose close on each is known (-1: never)."""

    rows: Any
    at: np.ndarray


@dataclass(frozen=True)
class Hindsight:
    """A whole training sample in, coefficients or smoothed rows out.

    Beside its home, only `user` may ask for it.
    """

    home: str
    user: str = ""


def labelled(labels: Labels) -> Known:
    known_at = labels.known_at
    at = np.where(
        known_at.notna(), known_at.index.searchsorted(known_at.fillna(pd.Timestamp(0))), -1
    )
    return Known(pd.concat([labels.weights, labels.span_end.astype("int64")], axis=1), at)


def regained(d: Given) -> Known:
    table = performance.drawdown_table(d.returns.fillna(0.0), count=len(d.dates)).sort_values(
        "start"
    )
    over = np.where(table["end"].notna(), d.dates.searchsorted(table["end"].fillna(d.dates[0])), -1)
    return Known(
        table.assign(**{name: table[name].astype("int64") for name in ("start", "trough", "end")}),
        over,
    )


def whole_months(d: Given, rows: pd.Series) -> Known:
    """A month is known to be whole when a session of the next has come."""
    after = d.dates.searchsorted(rows.index.to_timestamp(how="end").normalize(), side="right")
    return Known(rows, np.where(np.arange(len(rows)) < len(rows) - 1, after, -1))


def whole_years(d: Given, rows: pd.DataFrame) -> Known:
    after = d.dates.searchsorted(
        pd.to_datetime([f"{year}-12-31" for year in rows.index]), side="right"
    )
    return Known(rows, np.where(np.arange(len(rows)) < len(rows) - 1, after, -1))


def monthly(d: Given) -> np.ndarray:
    return (transforms.volatility(d.close, 252) * 21**0.5).to_numpy(copy=True)


def online_states(d: Given) -> np.ndarray:
    rows = jump_model.jump_features(d.returns.fillna(0.0)).fillna(0.0).to_numpy()
    return jump_model.fit_jump_model(rows[:250], n_states=2, penalty=5.0).online(rows)


def ages_of(d: Given) -> dict[str, int]:
    return {
        name: CATALOGUE.series[name].max_age_days
        for name in d.observations["series"].cat.categories
    }


def as_of_panel(d: Given) -> pd.DataFrame:
    panel = AsOf(d.observations, ages_of(d)).panel(d.dates)
    return pd.concat([panel.values, panel.age], axis=1)


BUILDERS: dict[str, Callable[..., Any] | Hindsight] = {
    "kernels.ewm_mean": lambda d: kernels.ewm_mean(d.x, 21.0, 20),
    "kernels.ewm_std": lambda d: kernels.ewm_std(d.x, 21.0, 20),
    "kernels.fall_state": lambda d: kernels.fall_state(
        np.log(d.close.to_numpy(copy=True)), monthly(d), 2.0, 0.5
    ),
    "kernels.mean_correlation": lambda d: kernels.mean_correlation(d.moves, 42.0, 63),
    "kernels.rolling_extreme": lambda d: kernels.rolling_extreme(d.x, 63, 10, 1),
    "kernels.rolling_mean": lambda d: kernels.rolling_mean(d.x, 63, 10),
    "kernels.rolling_rank": lambda d: np.column_stack(
        [kernels.rolling_rank(d.x, days, 10) for days in (0, 252)]
    ),
    "kernels.rolling_zscore": lambda d: kernels.rolling_zscore(d.x, 63, 10),
    "performance.finite_values": lambda d: performance.finite_values(d.returns.fillna(0.0)),
    "performance.excess_values": lambda d: performance.excess_values(
        d.returns.fillna(0.0), d.returns.fillna(0.0) / 2
    ),
    "performance.drawdowns": lambda d: performance.drawdowns(d.returns.fillna(0.0).to_numpy()),
    "performance.drawdown_table": regained,
    "performance.monthly_returns": lambda d: whole_months(
        d, performance.monthly_returns(d.returns.fillna(0.0))
    ),
    "performance.monthly_table": lambda d: whole_years(
        d, performance.monthly_table(d.returns.fillna(0.0))
    ),
    "performance.rolling_sharpe": lambda d: performance.rolling_sharpe(d.returns.fillna(0.0)),
    "performance.realised_volatility": lambda d: performance.realised_volatility(d.returns),
    "jump_model.JumpModel.online": online_states,
    "jump_model.JumpModel.smoothed": Hindsight("regime.jump_model"),
    "jump_model.jump_features": lambda d: jump_model.jump_features(d.returns),
    "jump_model.standardise": Hindsight("regime.jump_model", "regime.labels.jump"),
}


def modules(rooms: tuple[str, ...]) -> Iterator[ModuleType]:
    for name in rooms:
        room = importlib.import_module(f"regime.{name}")
        yield room
        for found in pkgutil.walk_packages(getattr(room, "__path__", []), f"{room.__name__}."):
            yield importlib.import_module(found.name)


def gives_rows(function: Any) -> bool:
    """Whether what a function is said to return may have a row a session.

    One that does not say may.
    """
    plain = inspect.unwrap(getattr(function, "py_func", function))
    return bool(ROWS.search(str(plain.__annotations__.get("return", "Series"))))


def builders(of: ModuleType) -> Iterator[str]:
    """Names, after `regime.`, of the public functions and methods of a module that give rows."""
    for name, thing in vars(of).items():
        if (
            name.startswith("_")
            or getattr(getattr(thing, "py_func", thing), "__module__", None) != of.__name__
        ):
            continue
        place = f"{of.__name__}.{name}".removeprefix("regime.")
        if inspect.isclass(thing):
            if not inspect.isabstract(thing) and not getattr(thing, "_is_protocol", False):
                yield from (
                    f"{place}.{method}"
                    for method, function in inspect.getmembers(thing, inspect.isfunction)
                    if (method == "__call__" or not method.startswith("_"))
                    and function.__module__.startswith("regime")
                    and gives_rows(function)
                )
        elif inspect.isfunction(getattr(thing, "py_func", thing)) and gives_rows(thing):
            yield place


def faults(call: Callable[..., Any], d: Given) -> list[str]:
    """Where a build from the beginning alone, or beside another future, differs from the whole."""
    whole = call(d)
    found = {f"cut at {t}": differs(whole, call(d.until(t)), t) for t in CUTS}
    found |= {f"stirred from {t}": differs(whole, call(d.stirred(t)), t) for t in STIRS}
    return [f"{where}: {fault}" for where, fault in found.items() if fault]


def differs(whole: Any, part: Any, t: int) -> str:
    """The first row known by session t - 1 in which two results differ in a bit.

    Nothing if there is none.
    """
    if not isinstance(whole, Known):
        whole, part = (Known(result, np.arange(len(result))) for result in (whole, part))
    rows = [np.flatnonzero((told.at >= 0) & (told.at < t)) for told in (whole, part)]
    if not np.array_equal(*rows):
        return f"{len(rows[1])} rows are known, {len(rows[0])} of them with hindsight"
    a, b = (bits(told.rows)[rows[0]] for told in (whole, part))
    odd = np.flatnonzero((a != b).any(axis=tuple(range(1, a.ndim))))
    return f"row {rows[0][odd[0]]}" if odd.size else ""


def bits(rows: Any) -> np.ndarray:
    values = np.asarray(rows)
    if values.dtype.kind not in "fO":
        return values
    numbers = values.astype(np.float64)
    return np.where(np.isnan(numbers), np.nan, numbers).view(np.int64)


@pytest.fixture(scope="module")
def given() -> Given:
    names = sorted({*FEATURES.inputs, "spy", "dgs3mo", "hyg", "nasdaq", "eem"})
    reading = SimulatedSource(seed=5, years=8).read(CATALOGUE, names, release_times=release_times)
    known = {name: CATALOGUE.series[name].max_age_days for name in names}
    panel, rng = AsOf(reading.observations, known).panel(reading.sessions), np.random.default_rng(1)
    drawn = pd.DataFrame(
        rng.dirichlet(np.ones(4), len(reading.sessions)), reading.sessions, list(REGIMES)
    )
    signals = (
        drawn.ewm(halflife=5)
        .mean()
        .assign(volatility=rng.uniform(0.05, 0.5, len(drawn)), price=panel.values["sp500"])
    )
    return Given(
        panel.values,
        panel.age,
        signals.mask(rng.random(signals.shape) < 0.02),
        reading.observations,
    )


FOUND = sorted(name for module in modules(ROOMS) for name in builders(module))


def test_every_builder_is_registered_and_no_other():
    assert len(FOUND) > 15
    unknown, gone = sorted(set(FOUND) - set(BUILDERS)), sorted(set(BUILDERS) - set(FOUND))
    assert not unknown, (
        f"say in BUILDERS how these are called, or make them private: {', '.join(unknown)}"
    )
    assert not gone, f"registered, but not in the package: {', '.join(gone)}"


@pytest.mark.parametrize(
    "name", [name for name, call in BUILDERS.items() if not isinstance(call, Hindsight)]
)
def test_a_builder_knows_nothing_of_what_comes_after(given, name):
    assert faults(BUILDERS[name], given) == []


def test_results_are_worth_comparing(given):
    """A builder that gave NaN alone, or knew no row by the cuts, would pass for nothing."""
    for name, call in BUILDERS.items():
        if isinstance(call, Hindsight):
            continue
        result = call(given)
        rows, at = (
            (result.rows, result.at)
            if isinstance(result, Known)
            else (result, np.arange(len(result)))
        )
        early = pd.DataFrame(np.asarray(rows)).loc[(at >= 0) & (at < CUTS[-1])]
        assert early.notna().any().mean() > 0.9, name


def users_of(word: str) -> set[str]:
    """Modules of the package that import a name or look it up on something."""
    home, found = Path(regime.__file__).parent, set()
    for path in home.rglob("*.py"):
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        names = {
            alias.name for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names
        }
        if word in names | {node.attr for node in nodes if isinstance(node, ast.Attribute)}:
            found.add(".".join(path.relative_to(home.parent).with_suffix("").parts))
    return found


@pytest.mark.parametrize(
    "name", [name for name, call in BUILDERS.items() if isinstance(call, Hindsight)]
)
def test_what_reads_a_whole_sample_is_used_by_builders_under_the_law_alone(name):
    told = BUILDERS[name]
    assert users_of(name.split(".")[-1]) <= {told.home, told.user}
    assert not told.user or any(
        f"regime.{found.name}".startswith(told.user) for found in discover()
    )


# Each leak is one that a reader might overlook; each twin is what it should have been.
LEAKS: dict[str, tuple[Callable[[Given], Any], Callable[[Given], Any]]] = {
    "centred window": (
        lambda d: d.close.rolling(21, center=True).mean(),
        lambda d: d.close.rolling(21).mean(),
    ),
    "shift the wrong way": (lambda d: d.close.shift(-1), lambda d: d.close.shift(1)),
    "scaler of the whole sample": (
        lambda d: (d.close - d.close.mean()) / d.close.std(),
        lambda d: (d.close - d.close.expanding().mean()) / d.close.expanding().std(),
    ),
    "rank in the whole sample": (
        lambda d: d.close.rank(pct=True),
        lambda d: d.close.expanding().rank(pct=True),
    ),
    "filled backwards": (lambda d: pd.Series(d.x).bfill(), lambda d: pd.Series(d.x).ffill()),
    "interpolated": (lambda d: pd.Series(d.x).interpolate(), lambda d: pd.Series(d.x).ffill()),
    "smoothed states": (lambda d: smoothed_states(d), online_states),
    "value by period, not by release": (lambda d: by_period(d), as_of_panel),
    "labels known too early": (
        lambda d: hasty(d),
        lambda d: labelled(EpisodeLabels(depth=1.5)(d.market)),
    ),
}


def smoothed_states(d: Given) -> np.ndarray:
    rows = jump_model.jump_features(d.returns.fillna(0.0)).fillna(0.0).to_numpy()
    return jump_model.fit_jump_model(rows, n_states=2, penalty=5.0).labels


def by_period(d: Given) -> pd.DataFrame:
    own = d.observations[d.observations["series"] == "dgs10"]
    return own.set_index("period")["value"].reindex(d.dates, method="ffill").to_frame()


def hasty(d: Given) -> Known:
    return Known(labelled(EpisodeLabels(depth=1.5)(d.market)).rows, np.arange(len(d.dates)))


@pytest.mark.parametrize("leak", LEAKS)
def test_a_planted_leak_is_caught_and_its_honest_twin_is_not(given, leak):
    leaking, honest = LEAKS[leak]
    assert {"cut", "stirred"} <= {fault.split()[0] for fault in faults(leaking, given)}
    assert faults(honest, given) == []


def test_one_bit_is_enough():
    rows = np.linspace(0.1, 1, 10)
    part = rows.copy()
    part[3] = np.nextafter(part[3], 2)
    assert differs(rows, part, 4) == "row 3" and differs(rows, part, 3) == ""
    assert differs(rows, np.where(rows < 0.5, rows, np.nan), 10) == "row 4"
    assert differs(Known(rows, np.arange(10)), Known(rows, np.arange(10) + 1), 5) == (
        "4 rows are known, 5 of them with hindsight"
    )


def test_an_unregistered_builder_is_found():
    planted = ModuleType("regime.features.planted")
    exec(
        "class Scaler:\n"
        "    def __call__(self, x: 'pd.DataFrame') -> 'pd.DataFrame': ...\n"
        "    def name(self) -> str: ...\n"
        "def scale(x: 'pd.Series') -> 'pd.Series': ...\n"
        "def untold(x): ...\n"
        "def count(x: 'pd.Series') -> int: ...\n"
        "def _own(x: 'pd.Series') -> 'pd.Series': ...\n",
        vars(planted),
    )
    assert sorted(builders(planted)) == [
        "features.planted.Scaler.__call__",
        "features.planted.scale",
        "features.planted.untold",
    ]
    assert not set(builders(planted)) & set(BUILDERS)


def test_the_whole_chain_from_release_to_exposure_knows_nothing_of_what_comes_after():
    """Panel, features, labels, folds, model and rule together, as a run strings them."""
    settings = load_settings(
        "demo.yaml",
        [
            "source.SimulatedSource.years=8",
            "splits.first_test=2011-01-01",
            "splits.refit_months=12",
            "splits.minimum_train=500",
            "model.seeds=1",
            "parallel.jobs=1",
            "tracking=NullTracker",
        ],
    )
    reading = settings.source.read(CATALOGUE, settings.series, release_times=release_times)

    def chain(observations: pd.DataFrame, sessions: pd.DatetimeIndex) -> pd.DataFrame:
        market_data = read_market(
            settings, CATALOGUE, replace(reading, observations=observations, sessions=sessions)
        )
        forecast = walk_forward(
            settings, settings.features(market_data.panel), market_data.market, NoProgress()
        )
        return forecast.probabilities.assign(
            exposure=decide(settings, market_data, forecast.probabilities)
        )

    whole = chain(reading.observations, reading.sessions)
    for day in ("2011-09-30", "2013-02-14"):
        known = (
            reading.observations["released"] <= calendar.session_closes(pd.DatetimeIndex([day]))[0]
        )
        stirred = reading.observations.copy()
        stirred.loc[~known, "value"] *= np.random.default_rng(1).uniform(
            0.7, 1.4, int((~known).sum())
        )
        past = chain(reading.observations[known], reading.sessions[reading.sessions <= day])
        assert len(past) > 100 and differs(whole, past, len(past)) == ""
        assert differs(whole, chain(stirred, reading.sessions), len(past)) == ""

"""What kind of episode a day belongs to.

Macro (312), one market alone (519), a shock of volatility, or none.

The two shapes are named for days of Bitcoin: on 12 March 2020 everything was sold for dollars, on
19 May 2021 one market was. Each piece of evidence lies in [0, 1] and is filled at a published or
plain level; nothing is fitted.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from regime.errors import ConfigError
from regime.mechanisms.cross_asset.breadth import HAVENS, MARKETS
from regime.mechanisms.cross_asset.mechanism import NAMES, CrossAssetSelling
from regime.mechanisms.dollar.mechanism import DollarStress
from regime.mechanisms.dollar.stress import INPUTS as DOLLAR
from regime.mechanisms.dollar.stress import dash_for_dollars
from regime.mechanisms.long_end import LongEnd, rate_volatility
from regime.mechanisms.reserves.funding import INPUTS as RESERVES
from regime.mechanisms.reserves.mechanism import ReserveScarcity
from regime.schema import MONTH, WEEK
from regime.transforms import (
    YEARS_5,
    log_moves,
    panel_columns,
    rolling_percentile,
    saturate,
    scaled_moves,
)

__all__ = ["EVIDENCE", "INPUTS", "Episode", "episode_signals", "volatility_jump", "worst_moves"]

# Weights of what makes broad selling a 312: what everything is sold for, and whether anything is
# spared, count twice.
EVIDENCE = {
    "dollars": 2.0,
    "havens": 2.0,
    "funding": 1.0,
    "credit": 1.0,
    "rates": 1.0,
    "one_factor": 1.0,
}
SOLD = (*MARKETS, "eth")
INPUTS = tuple(dict.fromkeys((*SOLD, *HAVENS, *DOLLAR, *RESERVES, "move", "hy_oas", "vix")))
TITLES = {**NAMES, "eth": "Ether"}


def worst_moves(prices: pd.DataFrame) -> pd.DataFrame:
    """The lesser of each market's scaled moves over 5 and 10 sessions.

    Parameters
    ----------
    prices : DataFrame, shape (n_sessions, n_markets)

    Returns
    -------
    DataFrame, shape (n_sessions, n_markets), volatilities
        NaN where neither is known.

    **Known at:** row t uses prices up to t.
    """
    fast, slow = scaled_moves(prices, WEEK), scaled_moves(prices, 2 * WEEK)
    return pd.DataFrame(np.fmin(fast.to_numpy(), slow.to_numpy()), prices.index, prices.columns)


def volatility_jump(vix: pd.Series) -> pd.Series:
    """Log of the highest VIX of a week over its median of the month before, shape (n_sessions,).

    **Known at:** row t uses rows up to t.
    """
    logs = pd.Series(np.log(vix.where(vix > 0)), vix.index)
    before = logs.shift(WEEK).rolling(MONTH, min_periods=MONTH // 2).median()
    return logs.rolling(WEEK, min_periods=1).max() - before


def episode_signals(values: pd.DataFrame) -> pd.DataFrame:
    """What the evidence is read from.

    Parameters
    ----------
    values : DataFrame, shape (n_sessions, n_series)
        The panel's values; of `INPUTS` any may be missing.

    Returns
    -------
    DataFrame, shape (n_sessions, 10)
        sold (share of markets), dash, haven_failure, correlation_rank, funding and backstop (in [0,
        1]), credit (log change of the high-yield spread over a month), rates (log distance of the
        MOVE to its mean), worst and equities (scaled moves), jump (of the VIX, in logs). NaN where
        unknown.

    **Known at:** row t uses rows up to t.
    """
    v = panel_columns(values, INPUTS)
    selling, scarcity = CrossAssetSelling().history(v), ReserveScarcity().parts(v)
    worst = worst_moves(v[list(SOLD)])
    return pd.DataFrame(
        {
            "sold": np.fmax(selling["breadth_5"], selling["breadth_10"]),
            "dash": dash_for_dollars(v),
            "haven_failure": selling["haven_failure"],
            "correlation_rank": rolling_percentile(selling["correlation"], YEARS_5, YEARS_5 // 5),
            "funding": np.fmax(scarcity["funding"], scarcity["backstop"]),
            "credit": log_moves(v[["hy_oas"]], MONTH)["hy_oas"],
            "rates": rate_volatility(v),
            "worst": worst.min(axis=1),
            "equities": worst["sp500"],
            "jump": volatility_jump(v["vix"]),
        }
    )


@dataclass(frozen=True, kw_only=True)
class Episode:
    """Grades a day as a 312, a 519 or a shock of volatility.

    The grade of a 312 is the geometric mean of how broad selling is and of the evidence that it is
    for money: a bid dollar, failing havens, strained funding, wider credit, volatile rates, one
    factor. That of a 519 is how deep the worst market fell, times how little the others did. That
    of a shock is how far the VIX has jumped.

    Parameters
    ----------
    narrow, broad : float
        Shares of markets sold at which selling begins to count as broad, and does so fully.
    fallen, deepest : float
        Scaled moves of the worst market at which its fall begins to count, and does so fully;
        negative.
    doubled : float
        Ratio of the VIX to its median of the month before at which a shock is full.
    wider : float
        Ratio of the high-yield spread to that of a month before at which credit is full.
    macro, named : float
        Grade from which a 312, and from which one of the others, is called so.

    Examples
    --------
    >>> Episode(broad=0.1)
    Traceback (most recent call last):
    regime.errors.ConfigError: broad: must be above narrow = 0.25, got 0.1
    """

    narrow: float = 0.25
    broad: float = 0.75
    fallen: float = -1.5
    deepest: float = -3.5
    doubled: float = 2.0
    wider: float = 1.5
    macro: float = 0.5
    named: float = 0.4

    def __post_init__(self) -> None:
        faults = [
            f"{field.name}: must be positive, got {getattr(self, field.name):g}"
            for field in fields(self)
            if field.name not in ("fallen", "deepest") and not getattr(self, field.name) > 0
        ]
        if not self.narrow < self.broad:
            faults.append(f"broad: must be above narrow = {self.narrow:g}, got {self.broad:g}")
        if not self.deepest < self.fallen < 0:
            faults.append(
                f"deepest: must be below fallen = {self.fallen:g}, both negative, got "
                f"{self.deepest:g}"
            )
        faults += [
            f"{name}: must be above 1, got {getattr(self, name):g}"
            for name in ("doubled", "wider")
            if not getattr(self, name) > 1
        ]
        if faults:
            raise ConfigError(faults)

    def evidence(self, signals: pd.DataFrame) -> pd.DataFrame:
        """Every piece of evidence.

        Parameters
        ----------
        signals : DataFrame, shape (n_sessions, 10)
            As of `episode_signals`.

        Returns
        -------
        DataFrame, shape (n_sessions, 10), in [0, 1]
            breadth, those of `EVIDENCE`, alone (depth of the worst market), calm (equities do not
            fall), jump.

        **Known at:** row t uses row t.
        """
        s = signals
        return pd.DataFrame(
            {
                "breadth": saturate(s["sold"] - self.narrow, self.broad - self.narrow),
                "dollars": saturate(s["dash"], DollarStress().severe_dash),
                "havens": saturate(s["haven_failure"], 2.0 * CrossAssetSelling().failed),
                "funding": s["funding"],
                "credit": saturate(s["credit"], float(np.log(self.wider))),
                "rates": saturate(s["rates"], LongEnd().full_volatility),
                "one_factor": saturate(s["correlation_rank"] - 0.5, 0.5),
                "alone": saturate(s["worst"] - self.fallen, self.deepest - self.fallen),
                "calm": 1.0 - saturate(s["equities"], self.fallen),
                "jump": saturate(s["jump"], float(np.log(self.doubled))),
            }
        )

    def grades(self, evidence: pd.DataFrame) -> pd.DataFrame:
        """Grades of every session.

        Parameters
        ----------
        evidence : DataFrame, shape (n_sessions, 10)

        Returns
        -------
        DataFrame, shape (n_sessions, 3), in [0, 1]
            macro, one_market, volatility_shock. NaN where what a grade rests on is unknown; that of
            a 312 needs half of the weight of its evidence.

        **Known at:** row t uses row t.
        """
        zero = pd.Series(0.0, evidence.index)
        weight = sum((evidence[name].notna() * share for name, share in EVIDENCE.items()), zero)
        total = sum((evidence[name].fillna(0.0) * share for name, share in EVIDENCE.items()), zero)
        shown = total / weight.where(weight >= 0.5 * sum(EVIDENCE.values()))
        others = np.minimum(1.0 - evidence["breadth"], evidence["calm"])
        return pd.DataFrame(
            {
                "macro": np.sqrt(evidence["breadth"] * shown),
                "one_market": evidence["alone"] * others,
                "volatility_shock": evidence["jump"],
            }
        )

    def kind(self, grades: pd.Series) -> str | None:
        """The word for the grades of a day: 312, else volatility shock or 519, else quiet.

        None if unknown.
        """
        if pd.isna(grades["macro"]):
            return None
        if grades["macro"] >= self.macro:
            return "312"
        words = {"volatility_shock": "volatility shock", "one_market": "519"}
        largest = max(words, key=lambda name: float(np.nan_to_num(grades[name])))
        return words[largest] if grades[largest] >= self.named else "quiet"

    def reasons(self, signals: pd.Series, worst: pd.Series) -> list[str]:
        """What speaks for and against a 312 on one day, in words; what is unknown is left out.

        Parameters
        ----------
        signals : Series, shape (10,)
            A row of `episode_signals`.
        worst : Series, shape (n_markets,)
            A row of `worst_moves`.
        """
        sold = signals["sold"]
        dash = signals["dash"]
        havens = signals["haven_failure"]
        kind = "everything" if sold >= self.broad else "many, not all" if sold > 0.5 else "few"
        money = signals["funding"]
        times = np.exp(signals["jump"])
        market = TITLES.get(str(worst.idxmin()), str(worst.idxmin())) if worst.notna().any() else ""
        statements = (
            (sold, f"{sold:.0%} of markets are down by a volatility within two weeks: {kind}"),
            (
                dash,
                f"the dollar rises while equities and gold are sold, by {dash:.1f} volatilities"
                if dash > 0
                else "nothing is sold for dollars",
            ),
            (havens, f"gold and Treasuries {'' if havens > 0 else 'do not '}fall with equities"),
            (
                money,
                "overnight funding is "
                f"{'strained' if money >= 0.5 else 'tight' if money > 0.1 else 'easy'}",
            ),
            (
                signals["credit"],
                f"the high-yield spread is {np.expm1(signals['credit']):+.0%} on a month ago",
            ),
            (
                signals["worst"],
                f"the worst market is {market}, {signals['worst']:+.1f} volatilities",
            ),
            (signals["jump"], f"the VIX reached {times:.1f} times its median of the month before"),
        )
        return [words for value, words in statements if pd.notna(value)]

"""What was held before, in and after every spell of stress, what that saved and what it missed."""

from __future__ import annotations

import numpy as np
import pandas as pd

from regime.arrays import Floats
from regime.errors import InvalidDataError
from regime.schema import MONTH, QUARTER, WEEK, check_dates

__all__ = ["episode_costs"]

# Sessions over which holdings are averaged, and over which a missed rebound is counted.
BEFORE = 2 * WEEK
AFTER = MONTH
REBOUND = QUARTER
OUT = 0.5  # exposure below this is out of the market


def episode_costs(
    exposure: pd.Series, returns: pd.Series, cash: pd.Series, spells: pd.DataFrame
) -> pd.DataFrame:
    """Exposure, return and loss avoided around each spell of stress that overlaps the sessions.

    What the rule earned is ``held * market + (1 - held) * cash`` each session, before costs.

    Parameters
    ----------
    exposure : Series, shape (n_sessions,), fraction of capital
        Held over each session, from the close before to its own: what was decided, after its fill
        (`BacktestResult.exposure`).
    returns, cash : Series, shape (n_sessions,), fraction a session
        Of the market and of cash, on the same sessions.
    spells : DataFrame, one row a spell
        `start` and `end`, first and last session; `name` where there is one.

    Returns
    -------
    DataFrame, one row a spell
        `first` and `last` (within the sessions of the exposure), `name` (empty where unnamed),
        `exposure_before` (mean of 10 sessions), `exposure_inside`, `exposure_after` (mean of 21
        sessions), `market_return` and `rule_return` inside, `loss_avoided` (the rule's less the
        market's), `missed_after` (the market's less the rule's over 63 sessions after),
        `sessions_to_cut` (from the first to the first with less than half held; NaN where that
        never came) and `sessions_to_return` (from the last to the first with half or more; 0 where
        it was held on the last, NaN where nothing was cut, or the data end before).

    Raises
    ------
    InvalidDataError
        If dates differ, a value is missing, or a spell ends before it starts.
    """
    table = _joint_table(exposure, returns, cash)
    absent = [name for name in ("start", "end") if name not in spells]
    if absent:
        raise InvalidDataError(
            f"Spells: column `{absent[0]}` is absent; give start and end, and name if there is one"
        )
    names = spells["name"] if "name" in spells else [""] * len(spells)
    rows = []
    for start, end, name in zip(spells["start"], spells["end"], names, strict=True):
        if not start <= end:
            raise InvalidDataError(
                f"Spells: start {start} must not lie after end {end}, and neither be missing"
            )
        a = table.index.searchsorted(start)
        b = table.index.searchsorted(end, side="right")
        if a < b:
            rows.append(
                {
                    "first": table.index[a],
                    "last": table.index[b - 1],
                    "name": str(name),
                    **_row(table, a, b),
                }
            )
    return pd.DataFrame(rows, columns=["first", "last", "name", *_row(table, 0, 1)])


def _row(table: pd.DataFrame, a: int, b: int) -> dict[str, float]:
    """Figures of the spell on rows a to b - 1."""
    held = table["held"].to_numpy()
    market = _growth(table["market"].iloc[a:b])
    rule = _growth(table["rule"].iloc[a:b])
    after = table.iloc[b : b + REBOUND]
    return {
        "exposure_before": _mean(held[max(a - BEFORE, 0) : a]),
        "exposure_inside": _mean(held[a:b]),
        "exposure_after": _mean(held[b : b + AFTER]),
        "market_return": market,
        "rule_return": rule,
        "loss_avoided": rule - market,
        "missed_after": _growth(after["market"]) - _growth(after["rule"]),
        **_cut_and_return(held, a, b),
    }


def _cut_and_return(held: Floats, a: int, b: int) -> dict[str, float]:
    """Sessions until the market was left, and until it was held again."""
    cuts = np.flatnonzero(held[a:b] < OUT)
    returns = np.flatnonzero(held[b - 1 :] >= OUT)
    return {
        "sessions_to_cut": float(cuts[0]) if cuts.size else np.nan,
        "sessions_to_return": float(returns[0]) if cuts.size and returns.size else np.nan,
    }


def _mean(held: Floats) -> float:
    return float(held.mean()) if held.size else np.nan


def _growth(returns: pd.Series) -> float:
    return float(np.prod(1.0 + returns.to_numpy())) - 1.0 if len(returns) else np.nan


def _joint_table(exposure: pd.Series, returns: pd.Series, cash: pd.Series) -> pd.DataFrame:
    check_dates(exposure.index, "Exposure")
    for name, column in (("returns", returns), ("cash", cash)):
        if not column.index.equals(exposure.index):
            raise InvalidDataError(
                f"Spells: `{name}` must have the dates of `exposure`; reindex it"
            )
    if exposure.empty:
        raise InvalidDataError("Spells: the exposure has no session")
    table = pd.DataFrame({"held": exposure, "market": returns, "cash": cash}).astype(float)
    gap = table.isna().any(axis=1)
    if gap.any():
        raise InvalidDataError(
            f"Spells: {gap.idxmax():%Y-%m-%d} has a missing value; a gap is not a zero"
        )
    return table.assign(
        rule=table["held"] * table["market"] + (1.0 - table["held"]) * table["cash"]
    )

"""The three most telling results of a stress test in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import pandas as pd

__all__ = ["sentences"]

HOLD = "sharpe_buy_and_hold"
NAMES = {"buy_and_hold": "buy and hold", "vol_target_12": "the 12 % volatility target"}


class _Case(NamedTuple):
    """One stress, and the two Sharpe ratios under it."""

    what: str
    sharpe: float
    hold: float

    @property
    def lead(self) -> float:
        return self.sharpe - self.hold


def sentences(tables: Mapping[str, pd.DataFrame]) -> tuple[str, ...]:
    """What costs may be, how much was luck, and what hurts most.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Of a `StressReport`.
    """
    return _costs(tables["costs"], tables["break_even"]), _luck(tables["paths"]), _hurt(tables)


def _costs(costs: pd.DataFrame, break_even: pd.DataFrame) -> str:
    """At which cost the rule loses its lead."""
    own = costs.loc[1] if 1 in costs.index else costs.iloc[0]
    parts = [
        f"{_against(row.ahead, row.cost_bps)} {NAMES.get(str(name), str(name))}{_why(row)}"
        for name, row in break_even.iterrows()
    ]
    return (
        f"At {own['cost_bps']:g} bp one way the Sharpe ratio is {own['sharpe']:.2f}; by that "
        "ratio the rule is "
        f"{' and '.join(parts)}."
    )


def _against(ahead: str, cost: float) -> str:
    return {
        "always": "ahead of",
        "never": "behind",
        "below": f"ahead below {cost:.3g} bp of",
        "above": f"ahead only above {cost:.3g} bp of",
    }.get(ahead, "not to be compared with")


def _why(row: pd.Series) -> str:
    return {"always": " at any cost up to 1000 bp", "never": " even at no cost"}.get(row.ahead, "")


def _luck(paths: pd.DataFrame) -> str:
    """In how many redrawn histories the rule wins."""
    rule, rivals = paths.iloc[0], paths.iloc[1:]
    wins = " and ".join(
        f"{NAMES.get(str(name), str(name))} in {row['wins']:.0%}" for name, row in rivals.iterrows()
    )
    return (
        f"In histories redrawn in blocks its Sharpe ratio lies between {rule['sharpe_5']:.2f} and "
        f"{rule['sharpe_95']:.2f} nine times in ten and beats {wins} of them; one in twenty falls "
        f"{-rule['max_drawdown_5']:.0%} or more."
    )


def _hurt(tables: Mapping[str, pd.DataFrame]) -> str:
    """The stress that takes most of the lead over buying and holding, which is stressed alike."""
    plain = tables["delays"].iloc[0]
    ours, theirs = float(plain["sharpe"]), float(plain[HOLD])
    found = [case for case in _stressed(tables, theirs) if pd.notna(case.lead)]
    worst = min(found, key=lambda case: case.lead, default=None)
    if worst is None or not worst.lead < ours - theirs:
        return f"No stress narrows the distance to buy and hold: a Sharpe ratio of {ours:.2f} against {theirs:.2f}."
    return (
        f"What hurts most is {worst.what}: its Sharpe ratio is {worst.sharpe:.2f} against "
        f"{worst.hold:.2f} of buy "
        f"and hold, in place of {ours:.2f} against {theirs:.2f}."
    )


def _stressed(tables: Mapping[str, pd.DataFrame], hold: float) -> Iterator[_Case]:
    """Every stress but the first case of its table, which is none.

    Medians where there are seeds.
    """
    for delay, row in tables["delays"].iloc[1:].iterrows():
        yield _Case(f"an order filled {delay} sessions late", row["sharpe"], row[HOLD])
    for year, row in tables["years"].iterrows():
        yield _Case(f"a history without {year}", row["sharpe"], row[HOLD])
    starts = tables["starts"]
    # A start that leaves little is another history, not the same one with less luck.
    for start, row in (
        starts[starts["sessions"] >= starts["sessions"].max() / 2].iloc[1:].iterrows()
    ):
        yield _Case(f"a start on {start:%Y-%m-%d}", row["sharpe"], row[HOLD])
    for share, row in tables["missing"].iloc[1:].iterrows():
        yield _Case(f"signals lost on {share:.0%} of the sessions", row["sharpe"], hold)
    for (size, halflife), row in tables["noise"].iloc[1:].iterrows():
        lasting = f" that fades by half in {halflife:g} sessions" if halflife else ""
        yield _Case(f"an error of {size:g} in the log odds{lasting}", row["sharpe"], hold)
    for multiple, row in tables["costs"].iterrows():
        if 1 < multiple <= 5:
            yield _Case(f"a cost {multiple:g} times as high", row["sharpe"], row[HOLD])

"""The three most telling results of a stress test in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import pandas as pd

__all__ = ["stress_sentences"]

HOLD = "sharpe_buy_and_hold"
BENCHMARKS = {"buy_and_hold": "buy and hold", "vol_target_12": "the 12 % volatility target"}


class _Case(NamedTuple):
    """One stress, and the two Sharpe ratios under it."""

    name: str
    sharpe: float
    hold: float

    @property
    def lead(self) -> float:
        return self.sharpe - self.hold


def stress_sentences(tables: Mapping[str, pd.DataFrame]) -> tuple[str, ...]:
    """Break-even cost, spread over resampled histories, and the most harmful stress.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Of a `StressReport`.
    """
    return (
        _break_even_sentence(tables["costs"], tables["break_even"]),
        _resampling_sentence(tables["paths"]),
        _worst_case_sentence(tables),
    )


def _break_even_sentence(costs: pd.DataFrame, break_even: pd.DataFrame) -> str:
    """At which cost the rule loses its lead."""
    plain = costs.loc[1] if 1 in costs.index else costs.iloc[0]
    comparisons = [
        f"{_against(row.ahead, row.cost_bps)} {_benchmark(name)}{_range(row.ahead)}"
        for name, row in break_even.iterrows()
    ]
    return (
        f"At {plain['cost_bps']:g} bp one way the Sharpe ratio is {plain['sharpe']:.2f}; by that "
        f"ratio the rule is {' and '.join(comparisons)}."
    )


def _benchmark(name: object) -> str:
    return BENCHMARKS.get(str(name), str(name))


def _against(ahead: str, cost: float) -> str:
    return {
        "always": "ahead of",
        "never": "behind",
        "below": f"ahead below {cost:.3g} bp of",
        "above": f"ahead only above {cost:.3g} bp of",
    }.get(ahead, "not to be compared with")


def _range(ahead: str) -> str:
    return {"always": " at any cost up to 1000 bp", "never": " even at no cost"}.get(ahead, "")


def _resampling_sentence(paths: pd.DataFrame) -> str:
    """In how many resampled histories the rule wins."""
    rule = paths.iloc[0]
    wins = " and ".join(
        f"{_benchmark(name)} in {row['wins']:.0%}" for name, row in paths.iloc[1:].iterrows()
    )
    return (
        f"In histories redrawn in blocks its Sharpe ratio lies between {rule['sharpe_5']:.2f} and "
        f"{rule['sharpe_95']:.2f} nine times in ten and beats {wins} of them; one in twenty falls "
        f"{-rule['max_drawdown_5']:.0%} or more."
    )


def _worst_case_sentence(tables: Mapping[str, pd.DataFrame]) -> str:
    """The stress that takes most of the lead over buying and holding, which is stressed alike."""
    plain = tables["delays"].iloc[0]
    sharpe = float(plain["sharpe"])
    hold = float(plain[HOLD])
    cases = [case for case in _cases(tables, hold) if pd.notna(case.lead)]
    worst = min(cases, key=lambda case: case.lead, default=None)
    if worst is None or not worst.lead < sharpe - hold:
        return (
            f"No stress narrows the distance to buy and hold: a Sharpe ratio of {sharpe:.2f} "
            f"against {hold:.2f}."
        )
    return (
        f"What hurts most is {worst.name}: its Sharpe ratio is {worst.sharpe:.2f} against "
        f"{worst.hold:.2f} of buy and hold, in place of {sharpe:.2f} against {hold:.2f}."
    )


def _cases(tables: Mapping[str, pd.DataFrame], hold: float) -> Iterator[_Case]:
    """Every stress but the undisturbed first row of its table; medians where there are seeds."""
    for delay, row in tables["delays"].iloc[1:].iterrows():
        yield _Case(f"an order filled {delay} sessions late", row["sharpe"], row[HOLD])
    for year, row in tables["years"].iterrows():
        yield _Case(f"a history without {year}", row["sharpe"], row[HOLD])
    starts = tables["starts"]
    # A start that leaves little is another history, not the same one with a worse outcome.
    long_enough = starts["sessions"] >= starts["sessions"].max() / 2
    for start, row in starts[long_enough].iloc[1:].iterrows():
        yield _Case(f"a start on {start:%Y-%m-%d}", row["sharpe"], row[HOLD])
    for share, row in tables["missing"].iloc[1:].iterrows():
        yield _Case(f"signals lost on {share:.0%} of the sessions", row["sharpe"], hold)
    for (size, halflife), row in tables["noise"].iloc[1:].iterrows():
        lasting = f" that fades by half in {halflife:g} sessions" if halflife else ""
        yield _Case(f"an error of {size:g} in the log odds{lasting}", row["sharpe"], hold)
    for multiple, row in tables["costs"].iterrows():
        if 1 < multiple <= 5:
            yield _Case(f"a cost {multiple:g} times as high", row["sharpe"], row[HOLD])

"""What a model cannot do, in sentences made of its own figures."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from regime.evaluation.bootstrap import sharpe_difference_interval
from regime.evaluation.scores import measure_skill
from regime.evaluation.truth import Truth
from regime.schema import STRESS
from regime.workflows.honesty import Honesty
from regime.workflows.luck import Luck
from regime.workflows.settings import Settings
from regime.workflows.strategy import Strategy
from regime.workflows.verdict import Verdict

__all__ = ["limits"]

LEAST_DAYS = 250  # of half a sample that is worth a figure
NAMED = 4  # missed spells that are listed


def limits(
    settings: Settings,
    truth: Truth,
    probabilities: pd.DataFrame,
    rivals: pd.DataFrame,
    verdict: Verdict,
    strategy: Strategy,
    *,
    luck: Luck | None = None,
    honesty: Honesty | None = None,
) -> tuple[str, ...]:
    """Sentences for the section "What this model cannot do".

    Parameters
    ----------
    settings : Settings
    truth : Truth
    probabilities : DataFrame, shape (n_test_sessions, 4)
    rivals : DataFrame, shape (n_sessions, n_rivals)
    verdict : Verdict
    strategy : Strategy
    luck : Luck, optional
        What its accounts do not show is told.
    honesty : Honesty, optional
        Its figures by event, by years and by definition take the place of those by halves.
    """
    return (
        "It cannot forecast: it says whether a deleveraging is under way at a close, and was not "
        "tested on when the "
        "next one begins.",
        *_events(verdict.spells),
        *(
            _halves(settings, truth, probabilities, rivals, verdict)
            if honesty is None
            else honesty.doubts()
        ),
        *_ranking(verdict),
        *_money(settings, strategy),
        *(() if luck is None else luck.doubts()),
    )


def _events(spells: pd.DataFrame) -> Iterator[str]:
    if spells.empty:
        return
    missed = spells[~spells["caught"]]
    yield (
        f"It was judged on {len(spells)} spells, and days within one are not independent: that "
        "number, not the "
        f"number of days, is the size of the sample."
    )
    if len(missed):
        listed = ", ".join(f"{row.start:%B %Y}" for row in missed.itertuples())
        told = f": {listed}" if len(missed) <= NAMED else ""
        lengths = (missed["end"] - missed["start"]).dt.days.median()
        yield f"It missed {len(missed)} of them, half of those shorter than {lengths:.0f} calendar days{told}."


def _halves(
    settings: Settings,
    truth: Truth,
    probabilities: pd.DataFrame,
    rivals: pd.DataFrame,
    verdict: Verdict,
) -> Iterator[str]:
    """Halves of the sample whose interval of skill includes zero."""
    if verdict.skill is None:
        return
    against, days = verdict.skill.against, probabilities.index
    middle = len(days) // 2
    for half in (days[:middle], days[middle:]):
        known = truth.stress.reindex(half).dropna()
        if len(known) < LEAST_DAYS or not 0 < known.mean() < 1:
            continue
        own = measure_skill(
            truth,
            probabilities[STRESS].loc[half],
            rivals.loc[half, against],
            against=against,
            seed=settings.seed,
        )
        if own.interval[0] <= 0:
            yield (
                f"From {half[0]:%Y} to {half[-1]:%Y} alone its lead over the best baseline may be "
                "luck: "
                f"{own.skill:.1%} of log loss, 90% interval {own.interval[0]:.1%} to "
                f"{own.interval[1]:.1%}."
            )


def _ranking(verdict: Verdict) -> Iterator[str]:
    table = verdict.table["average_precision"]
    rival = table.drop("model")
    if len(rival) and table["model"] <= rival.max() + 0.01:
        yield (
            "It ranks days no better than a rule of thumb: average precision "
            f"{table['model']:.2f}, against "
            f"{rival.max():.2f} of the best baseline; what it adds are better probabilities."
        )


def _money(settings: Settings, strategy: Strategy) -> Iterator[str]:
    own, rival = strategy.result, strategy.benchmarks["vol_target_12"]
    if len(own.returns) < LEAST_DAYS:
        return
    lead = sharpe_difference_interval(
        own.returns, rival.returns, own.cash_returns, seed=settings.seed
    )
    if lead.low <= 0:
        yield (
            "It has not been shown to make money beyond the 12 % volatility target: the "
            "difference of their Sharpe "
            f"ratios is {lead.estimate:.2f}, 90% interval {lead.low:.2f} to {lead.high:.2f}."
        )

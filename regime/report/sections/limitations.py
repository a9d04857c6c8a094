"""What a model cannot do, in sentences made of its own figures."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from regime.evaluation.bootstrap import sharpe_difference_interval
from regime.evaluation.scores import measure_skill
from regime.pipeline.scored_run import ScoredRun, Scores
from regime.schema import STRESS
from regime.studies.significance.assessment import Significance
from regime.studies.significance.sensitivity import Sensitivity

__all__ = ["limitations"]

FEWEST = 250  # sessions below which half a sample, or a backtest, is not measured
MOST_NAMED = 4  # missed spells that are listed
LEAST_LEAD = 0.01  # of average precision over the best baseline


def limitations(
    run: ScoredRun,
    *,
    significance: Significance | None = None,
    sensitivity: Sensitivity | None = None,
) -> tuple[str, ...]:
    """Sentences for the section "What this model cannot do".

    Parameters
    ----------
    run : ScoredRun
    significance : Significance, optional
        Adds what its tests do not show.
    sensitivity : Sensitivity, optional
        Its caveats by event, by years and by definition replace those by halves of the sample.
    """
    return (
        "It cannot forecast: it says whether a deleveraging is under way at a close, and was not "
        "tested on when the next one begins.",
        *_spell_sentences(run.scores.spells),
        *(_half_sentences(run) if sensitivity is None else sensitivity.caveats()),
        *_ranking_sentences(run.scores),
        *_return_sentences(run),
        *(() if significance is None else significance.caveats()),
    )


def _spell_sentences(spells: pd.DataFrame) -> Iterator[str]:
    if spells.empty:
        return
    yield (
        f"It was scored on {len(spells)} spells, and days within one are not independent: that "
        "number, not the number of days, is the size of the sample."
    )
    missed = spells[~spells["caught"]]
    if len(missed):
        listed = ", ".join(f"{row.start:%B %Y}" for row in missed.itertuples())
        names = f": {listed}" if len(missed) <= MOST_NAMED else ""
        median = (missed["end"] - missed["start"]).dt.days.median()
        yield (
            f"It missed {len(missed)} of them, half of those shorter than {median:.0f} calendar "
            f"days{names}."
        )


def _half_sentences(run: ScoredRun) -> Iterator[str]:
    """Halves of the sample whose interval of skill includes zero."""
    if run.scores.skill is None:
        return
    against = run.scores.skill.against
    days = run.probabilities.index
    middle = len(days) // 2
    for half in (days[:middle], days[middle:]):
        known = run.truth.stress.reindex(half).dropna()
        if len(known) < FEWEST or not 0 < known.mean() < 1:
            continue
        measured = measure_skill(
            run.truth,
            run.probabilities[STRESS].loc[half],
            run.baselines.loc[half, against],
            against=against,
            seed=run.settings.seed,
        )
        low, high = measured.interval
        if low <= 0:
            yield (
                f"From {half[0]:%Y} to {half[-1]:%Y} alone its skill over the best baseline is not "
                f"significant: {measured.skill:.1%} of log loss, 90% interval {low:.1%} to "
                f"{high:.1%}."
            )


def _ranking_sentences(scores: Scores) -> Iterator[str]:
    precision = scores.table["average_precision"]
    baselines = precision.drop("model")
    if len(baselines) and precision["model"] <= baselines.max() + LEAST_LEAD:
        yield (
            "It ranks days no better than a rule of thumb: average precision "
            f"{precision['model']:.2f}, against {baselines.max():.2f} of the best baseline; what "
            "it adds are better probabilities."
        )


def _return_sentences(run: ScoredRun) -> Iterator[str]:
    rule = run.strategy.result
    target = run.strategy.benchmarks["vol_target_12"]
    if len(rule.returns) < FEWEST:
        return
    difference = sharpe_difference_interval(
        rule.returns, target.returns, rule.cash_returns, seed=run.settings.seed
    )
    if difference.low <= 0:
        yield (
            "It has not been shown to make money beyond the 12 % volatility target: the difference "
            f"of their Sharpe ratios is {difference.estimate:.2f}, 90% interval "
            f"{difference.low:.2f} to {difference.high:.2f}."
        )

"""How far skill depends on single crises, on the years and on the definition of stress."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from regime.arrays import Booleans, Floats
from regime.artifacts import to_json_records
from regime.evaluation.scores import average_precision, log_losses, scored_rows, skill_interval
from regime.evaluation.truth import Truth, truth_from_labels
from regime.labels.jump import JumpModelLabels
from regime.performance import annual_sharpe
from regime.pipeline.market_data import MarketData
from regime.pipeline.scored_run import ScoredRun
from regime.pipeline.settings import Settings
from regime.pipeline.strategy import Strategy
from regime.schema import MONTH, QUARTER

__all__ = [
    "EffectiveSample",
    "ScoredSessions",
    "Sensitivity",
    "analyse_sensitivity",
    "crisis_table",
    "definition_table",
    "effective_sample",
    "period_table",
    "scored_sessions",
]

AROUND = MONTH  # sessions on either side that are left out with a crisis
BLOCK = QUARTER  # sessions over which losses are dependent: the block of the skill's bootstrap
SPAN = 10  # years
FEWEST = 250  # sessions below which a figure is NaN
INFLATION = (2022, 2023)  # the one fall of stocks and bonds together since 1981
DEPTHS = (1.5, 2.0, 2.5)  # of a fall, monthly volatilities
CORE_WEIGHTS = (0.5, 0.7, 1.0)  # of the S&P 500 in the risk basket
PENALTIES = (20.0, 50.0, 100.0)  # of the jump model
SMALLEST = 1e-300  # keeps a division by a sum of squares defined
SKILL_COLUMNS = ("skill", "low", "high")


@dataclass(frozen=True, kw_only=True)
class EffectiveSample:
    """How much independent evidence a sample holds.

    Parameters
    ----------
    spells : int
        Spells of stress with a session in the sample.
    events : float
        Number of spells of equal length with the same weight (Kish): below `spells` where few hold
        most sessions.
    sessions : int
    independent : float
        Number of independent sessions that would measure the mean gain over the best baseline
        equally well, given its dependence over 63 sessions.

    Notes
    -----
    **Source:** Kish (1965), "Survey Sampling"; the variance of a mean by overlapping blocks is
    Carlstein's (1986).
    """

    spells: int
    events: float
    sessions: int
    independent: float


@dataclass(frozen=True, kw_only=True, eq=False)
class ScoredSessions:
    """Known sessions with truth, probabilities and losses of the model and its baselines.

    Parameters
    ----------
    days : DatetimeIndex, shape (n_known,)
    stress : ndarray, shape (n_known,)
        0 or 1.
    probabilities, losses : mapping of str to ndarray, shape (n_known,)
        By forecast, ``model`` among them.
    against : str
        The baseline that gains are over.
    seed : int
        Of the bootstrap.
    """

    days: pd.DatetimeIndex
    stress: Floats
    probabilities: Mapping[str, Floats]
    losses: Mapping[str, Floats]
    against: str
    seed: int

    @property
    def gain(self) -> Floats:
        """Loss of the baseline less that of the model, shape (n_known,)."""
        gain: Floats = self.losses[self.against] - self.losses["model"]
        return gain

    def skill(self, rows: Booleans) -> dict[str, float]:
        """``skill``, ``low`` and ``high`` on some sessions; NaN where few or of one class."""
        if rows.sum() < FEWEST or not 0 < self.stress[rows].mean() < 1:
            return dict.fromkeys(SKILL_COLUMNS, float("nan"))
        model = self.losses["model"][rows]
        baseline = self.losses[self.against][rows]
        low, high = skill_interval(model, baseline, seed=self.seed)
        return {"skill": float(1 - model.mean() / baseline.mean()), "low": low, "high": high}

    def precision(self, rows: Booleans) -> dict[str, float]:
        """Average precision of the model and of the baseline that ranks best; NaN without rows."""
        if not rows.any():
            return {"average_precision": float("nan"), "best_baseline_precision": float("nan")}
        precisions = {
            name: average_precision(self.stress[rows], probability[rows])
            for name, probability in self.probabilities.items()
        }
        return {
            "average_precision": precisions.pop("model"),
            "best_baseline_precision": max(precisions.values()),
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class Sensitivity:
    """What a model's skill rests on.

    Parameters
    ----------
    against : str or None
        Best baseline; None where the truth has one class only, and all tables are empty then.
    skill : float
        Over it, on all sessions.
    sample : EffectiveSample or None
    crises : DataFrame, one row a spell, in order of time
        ``start``, ``end``, ``sessions``, ``share`` of the whole gain in the spell and 21 sessions
        around it (NaN where there is no gain), and ``skill``, ``low``, ``high`` without these.
    periods : DataFrame, one row a period
        ``sessions``, ``spells``, ``skill``, ``low``, ``high``, ``average_precision``,
        ``best_baseline_precision``, ``sharpe``, ``sharpe_vol_target_12``; NaN where there is
        nothing to score.
    definitions : DataFrame, one row a definition of stress
        ``base_rate``, ``against``, ``skill``, ``low``, ``high``, ``average_precision``,
        ``best_baseline_precision``: the same probabilities, scored against it. Falls are named by
        their depth in monthly volatilities and the weight of the S&P 500 in the basket.

    Examples
    --------
    >>> empty = pd.DataFrame()
    >>> print(
    ...     *Sensitivity(
    ...         against=None,
    ...         skill=0.0,
    ...         sample=None,
    ...         crises=empty,
    ...         periods=empty,
    ...         definitions=empty,
    ...     ).sentences()
    ... )
    The sensitivity of the skill cannot be analysed: the truth of these sessions has one class only.
    """

    against: str | None
    skill: float
    sample: EffectiveSample | None
    crises: pd.DataFrame
    periods: pd.DataFrame
    definitions: pd.DataFrame

    def summary(self) -> dict[str, Any]:
        """The object ``sensitivity`` of summary.json: plain, what is undefined None."""
        sample = self.sample
        return {
            "against": self.against,
            "events": None
            if sample is None
            else {
                "spells": sample.spells,
                "effective": sample.events,
                "sessions": sample.sessions,
                "independent": sample.independent,
            },
            "crises": to_json_records(self.crises, "crises"),
            "periods": to_json_records(self.periods.rename_axis("period").reset_index(), "periods"),
            "definitions": to_json_records(
                self.definitions.rename_axis("definition").reset_index(), "definitions"
            ),
            "sentences": list(self.sentences()),
        }

    def sentences(self) -> tuple[str, ...]:
        """The analysis in plain words."""
        if self.sample is None:
            return (
                "The sensitivity of the skill cannot be analysed: the truth of these sessions has "
                "one class only.",
            )
        return (
            _sample_sentence(self.sample),
            *_crisis_sentences(self),
            *_period_sentences(self.periods),
            *_definition_sentences(self),
        )

    def caveats(self) -> tuple[str, ...]:
        """Those of the sentences that the limitations must hold: where the skill is not robust."""
        if self.sample is None:
            return self.sentences()
        rests_on_a_crisis = bool((self.crises["low"] <= 0).any())
        rests_on_a_definition = len(self.definitions) > 0 and bool(
            (self.definitions["low"] <= 0).any()
        )
        return (
            _sample_sentence(self.sample),
            *(_crisis_sentences(self) if rests_on_a_crisis else ()),
            *_period_sentences(self.periods),
            *(_definition_sentences(self) if rests_on_a_definition else ()),
        )


def analyse_sensitivity(run: ScoredRun) -> Sensitivity:
    """Leave out one crisis, take the years apart, and vary the definition of stress.

    Parameters
    ----------
    run : ScoredRun
        The `truth` of its settings is varied for the definitions.

    Returns
    -------
    Sensitivity
    """
    if run.scores.skill is None:
        empty = pd.DataFrame()
        return Sensitivity(
            against=None,
            skill=float("nan"),
            sample=None,
            crises=empty,
            periods=empty,
            definitions=empty,
        )
    against = run.scores.skill.against
    forecasts = run.stress_forecasts
    scored = scored_sessions(run.truth, forecasts, against=against, seed=run.settings.seed)
    return Sensitivity(
        against=against,
        skill=run.scores.skill.skill,
        sample=effective_sample(scored, run.truth),
        crises=crisis_table(scored, run.truth),
        periods=period_table(scored, run.strategy),
        definitions=definition_table(run.settings, run.market_data, forecasts),
    )


def scored_sessions(
    truth: Truth, forecasts: Mapping[str, pd.Series], *, against: str | None, seed: int
) -> ScoredSessions:
    """Losses of forecasts on the sessions whose truth is known.

    Parameters
    ----------
    truth : Truth
    forecasts : mapping of str to Series, shape (n_test_sessions,)
        Probability of stress by name, ``model`` among them, on one index.
    against : str or None
        The baseline that gains are over; None for the one of the lowest log loss.
    seed : int
        Of the bootstrap.
    """
    stress = truth.stress.reindex(forecasts["model"].index).dropna()
    probabilities = {
        name: scored_rows(truth, forecast, name)[1] for name, forecast in forecasts.items()
    }
    losses = {
        name: log_losses(stress.to_numpy(), probability)
        for name, probability in probabilities.items()
    }
    best = min((name for name in losses if name != "model"), key=lambda name: losses[name].mean())
    return ScoredSessions(
        days=pd.DatetimeIndex(stress.index),
        stress=stress.to_numpy(),
        probabilities=probabilities,
        losses=losses,
        against=against or best,
        seed=seed,
    )


def effective_sample(scored: ScoredSessions, truth: Truth) -> EffectiveSample:
    """How much independent evidence the scored sessions hold."""
    lengths = np.array([inside.sum() for _, _, inside in _spells(scored, truth)], dtype=float)
    gain = scored.gain - scored.gain.mean()
    # Means of all blocks of the circle: their variance is that of a mean of dependent sessions.
    width = min(BLOCK, len(gain))
    sums = np.convolve(np.r_[gain, gain[: width - 1]], np.ones(width), mode="valid")
    variance = max(float(np.mean(gain**2)), SMALLEST)
    dependence = float(np.mean(sums**2)) / width / variance
    return EffectiveSample(
        spells=len(lengths),
        events=float(lengths.sum() ** 2 / max((lengths**2).sum(), SMALLEST)),
        sessions=len(gain),
        independent=len(gain) / max(dependence, 1.0),
    )


def crisis_table(scored: ScoredSessions, truth: Truth) -> pd.DataFrame:
    """Skill without each spell, and the share of the whole gain that was made around it.

    Parameters
    ----------
    scored : ScoredSessions
    truth : Truth

    Returns
    -------
    DataFrame, one row a spell
        As `Sensitivity.crises`.
    """
    rows = []
    total = float(scored.gain.sum())
    for start, end, inside in _spells(scored, truth):
        first, last = np.flatnonzero(inside)[[0, -1]]
        around = np.zeros(len(inside), dtype=bool)
        around[max(first - AROUND, 0) : last + AROUND + 1] = True
        rows.append(
            {
                "start": start,
                "end": end,
                "sessions": int(inside.sum()),
                "share": float(scored.gain[around].sum()) / total if total > 0 else float("nan"),
                **scored.skill(~around),
            }
        )
    return pd.DataFrame(rows, columns=["start", "end", "sessions", "share", *SKILL_COLUMNS])


def period_table(scored: ScoredSessions, strategy: Strategy) -> pd.DataFrame:
    """Skill and Sharpe ratios of each ten years from the first, and without 2022 and 2023.

    Parameters
    ----------
    scored : ScoredSessions
    strategy : Strategy

    Returns
    -------
    DataFrame, one row a period
        As `Sensitivity.periods`.
    """
    first = scored.days[0].year
    last = scored.days[-1].year
    rows = {
        f"{low} to {min(low + SPAN - 1, last)}": _period(
            scored, strategy, low, low + SPAN - 1, inside=True
        )
        for low in range(first, last + 1, SPAN)
    }
    low, high = INFLATION
    overlaps = first <= high and last >= low
    within = first >= low and last <= high
    if overlaps and not within:
        rows[f"Without {low}-{high}"] = _period(scored, strategy, low, high, inside=False)
    return pd.DataFrame.from_dict(rows, orient="index")


def definition_table(
    settings: Settings, market_data: MarketData, forecasts: Mapping[str, pd.Series]
) -> pd.DataFrame:
    """The same forecasts against other definitions of stress, each with its own best baseline.

    Parameters
    ----------
    settings : Settings
        Its `truth` at other depths and weights of the S&P 500, and jump models of three penalties.
    market_data : MarketData
    forecasts : mapping of str to Series, shape (n_test_sessions,)
        As in `scored_sessions`.

    Returns
    -------
    DataFrame, one row a definition
        As `Sensitivity.definitions`; those with one class only are left out.
    """
    rows = {}
    for name, truth in _definitions(settings, market_data):
        known = truth.stress.reindex(forecasts["model"].index).dropna()
        if len(known) < FEWEST or not 0 < known.mean() < 1:
            continue
        scored = scored_sessions(truth, forecasts, against=None, seed=settings.seed)
        every = np.ones(len(scored.days), dtype=bool)
        rows[name] = {
            "base_rate": float(known.mean()),
            "against": scored.against,
            **scored.skill(every),
            **scored.precision(every),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def _spells(
    scored: ScoredSessions, truth: Truth
) -> Iterator[tuple[pd.Timestamp, pd.Timestamp, Booleans]]:
    """First and last session of each spell with a known session here, and which are inside it."""
    for start, end in truth.spells.itertuples(index=False):
        inside = np.asarray((scored.days >= start) & (scored.days <= end))
        if inside.any():
            yield start, end, inside


def _period(
    scored: ScoredSessions, strategy: Strategy, low: int, high: int, *, inside: bool
) -> dict[str, float]:
    """Figures of the sessions inside some years, or outside them."""
    rows = _in_years(scored.days, low, high) == inside
    begins = np.r_[scored.stress[:1] == 1, np.diff(scored.stress) == 1]
    result = strategy.result
    held = _in_years(pd.DatetimeIndex(result.returns.index), low, high) == inside
    cash = result.cash_returns.to_numpy()[held]
    sharpe, target_sharpe = (
        annual_sharpe(traded.returns.to_numpy()[held] - cash)
        if held.sum() >= FEWEST
        else float("nan")
        for traded in (result, strategy.benchmarks["vol_target_12"])
    )
    return {
        "sessions": int(rows.sum()),
        "spells": int(begins[rows].sum()),
        **scored.skill(rows),
        **scored.precision(rows),
        "sharpe": sharpe,
        "sharpe_vol_target_12": target_sharpe,
    }


def _in_years(days: pd.DatetimeIndex, low: int, high: int) -> Booleans:
    return np.asarray((days.year >= low) & (days.year <= high))


def _definitions(settings: Settings, market_data: MarketData) -> Iterator[tuple[str, Truth]]:
    """Other truths of the same market, by their names."""
    for core_weight in CORE_WEIGHTS:
        for depth in DEPTHS:
            labeller = replace(settings.truth, depth=depth, core_weight=core_weight)
            yield (
                f"falls of {depth:g} volatilities, S&P 500 {core_weight:.0%}",
                truth_from_labels(labeller(market_data.market)),
            )
    for penalty in PENALTIES:
        jump_model = JumpModelLabels(
            penalties=(penalty,), windows=(None,), core_weight=settings.truth.core_weight
        )
        yield (
            f"jump model's worst state, penalty {penalty:g}",
            truth_from_labels(jump_model(market_data.market)),
        )


def _sample_sentence(sample: EffectiveSample) -> str:
    spells = f"{sample.spells} spell{'s' if sample.spells > 1 else ''}"
    return (
        f"The sample has {spells} of stress, whose lengths make them worth {sample.events:.1f} "
        f"equal ones; its {sample.sessions:,} sessions measure the gain over the best baseline as "
        f"well as {sample.independent:,.0f} independent ones would."
    )


def _crisis_sentences(result: Sensitivity) -> Iterator[str]:
    usable = result.crises.dropna(subset=["skill"])
    if usable.empty or not result.skill > 0:
        return
    worst = usable.loc[usable["skill"].idxmin()]
    not_significant = int((usable["low"] <= 0).sum())
    yield (
        f"Without the spell of {worst['start']:%B %Y} and {AROUND} sessions around it the skill "
        f"over the best baseline would be {_skill_words(worst)} instead of {result.skill:.1%}; "
        f"left out one at a time, {not_significant} of {len(usable)} spells would leave an "
        "interval that includes zero."
    )


def _period_sentences(periods: pd.DataFrame) -> Iterator[str]:
    for name, row in periods.iterrows():
        if len(periods) > 1 and row["low"] <= 0:
            when = str(name) if str(name).startswith("Without") else f"From {name} alone"
            yield (
                f"{when} the skill over the best baseline is not significant: {_skill_words(row)}."
            )


def _definition_sentences(result: Sensitivity) -> Iterator[str]:
    table = result.definitions
    if table.empty:
        return
    worst = table.loc[table["skill"].idxmin()]
    ahead = (table["skill"] > 0).sum()
    significant = (table["low"] > 0).sum()
    yield (
        f"Under {len(table)} definitions of a deleveraging it is ahead of the best baseline in "
        f"{ahead}, significantly in {significant}; least under this one, over "
        f"`{worst['against']}`: {worst.name}, {_skill_words(worst)}."
    )


def _skill_words(row: pd.Series) -> str:
    return f"{row['skill']:.1%} of log loss (90% interval {row['low']:.1%} to {row['high']:.1%})"

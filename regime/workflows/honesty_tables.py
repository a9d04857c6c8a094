"""What a lead over a rival is made of: events, crises, years, definitions of the truth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from regime.evaluation.scores import average_precision, log_losses, scored_rows, skill_interval
from regime.evaluation.truth import Truth, truth_from_labels
from regime.labels.jump import JumpModelLabels
from regime.performance import annual_sharpe
from regime.workflows.data import World
from regime.workflows.settings import Settings
from regime.workflows.strategy import Strategy

__all__ = [
    "AROUND",
    "EffectiveNumber",
    "Scored",
    "crisis_table",
    "definition_table",
    "effective_number",
    "period_table",
    "scored_sessions",
]

AROUND = 21  # sessions on either side that go with a crisis
BLOCK = 63  # sessions over which losses hang together: the block of the skill's own bootstrap
SPAN = 10  # years
FEWEST = 250  # sessions that are worth a figure
INFLATION = (2022, 2023)  # the one fall of stocks and bonds together since 1981
DEPTHS, CORE_WEIGHTS, PENALTIES = (1.5, 2.0, 2.5), (0.5, 0.7, 1.0), (20.0, 50.0, 100.0)


@dataclass(frozen=True, kw_only=True)
class EffectiveNumber:
    """How many independent pieces of evidence a sample holds.

    Parameters
    ----------
    spells : int
        Spells of stress with a session in the sample.
    events : float
        So many spells of equal length would weigh the same (Kish): below `spells` where few hold
        most sessions.
    sessions : int
    independent : float
        So many independent sessions would know the mean gain over the best rival as well: what is
        left after its dependence over 63 sessions.

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
class Scored:
    """Known sessions with truth, probabilities and losses of the model and its rivals.

    Parameters
    ----------
    days : DatetimeIndex, shape (n_known,)
    stress : ndarray, shape (n_known,)
        0 or 1.
    probabilities, losses : mapping of str to ndarray, shape (n_known,)
        By forecast, ``model`` among them.
    against : str
        The rival that gains are over.
    seed : int
        Of the bootstrap.
    """

    days: pd.DatetimeIndex
    stress: np.ndarray
    probabilities: Mapping[str, np.ndarray]
    losses: Mapping[str, np.ndarray]
    against: str
    seed: int

    @property
    def gain(self) -> np.ndarray:
        """Loss of the rival less that of the model, shape (n_known,)."""
        gain: np.ndarray = self.losses[self.against] - self.losses["model"]
        return gain

    def skill(self, rows: np.ndarray) -> dict[str, float]:
        """``skill``, ``low`` and ``high`` on some sessions.

        NaN where they are few or of one class.
        """
        if rows.sum() < FEWEST or not 0 < self.stress[rows].mean() < 1:
            return dict.fromkeys(("skill", "low", "high"), float("nan"))
        ours, theirs = self.losses["model"][rows], self.losses[self.against][rows]
        low, high = skill_interval(ours, theirs, seed=self.seed)
        return {"skill": float(1 - ours.mean() / theirs.mean()), "low": low, "high": high}

    def precision(self, rows: np.ndarray) -> dict[str, float]:
        """Average precision of the model and of the rival that ranks best.

        NaN without a positive.
        """
        if not rows.any():
            return {"average_precision": float("nan"), "best_rival_precision": float("nan")}
        found = {
            name: average_precision(self.stress[rows], own[rows])
            for name, own in self.probabilities.items()
        }
        return {
            "average_precision": found.pop("model"),
            "best_rival_precision": max(found.values()),
        }


def scored_sessions(
    truth: Truth, forecasts: Mapping[str, pd.Series], *, against: str | None, seed: int
) -> Scored:
    """Losses of forecasts on the sessions whose truth is known.

    Parameters
    ----------
    truth : Truth
    forecasts : mapping of str to Series, shape (n_test_sessions,)
        Probability of stress by name, ``model`` among them, on one index.
    against : str or None
        The rival that gains are over; None for the one of the lowest log loss.
    seed : int
        Of the bootstrap.
    """
    stress = truth.stress.reindex(forecasts["model"].index).dropna()
    known = {name: scored_rows(truth, own, name)[1] for name, own in forecasts.items()}
    losses = {name: log_losses(stress.to_numpy(), own) for name, own in known.items()}
    best = min((name for name in losses if name != "model"), key=lambda name: losses[name].mean())
    return Scored(
        days=pd.DatetimeIndex(stress.index),
        stress=stress.to_numpy(),
        probabilities=known,
        losses=losses,
        against=against or best,
        seed=seed,
    )


def effective_number(scored: Scored, truth: Truth) -> EffectiveNumber:
    """How much independent evidence the scored sessions hold."""
    lengths = np.array([own.sum() for _, _, own in _spells(scored, truth)], dtype=float)
    gain = scored.gain - scored.gain.mean()
    # Means of all blocks of the circle: their variance is that of a mean of dependent sessions.
    width = min(BLOCK, len(gain))
    sums = np.convolve(np.r_[gain, gain[: width - 1]], np.ones(width), mode="valid")
    dependence = float(np.mean(sums**2)) / width / max(float(np.mean(gain**2)), 1e-300)
    return EffectiveNumber(
        spells=len(lengths),
        events=float(lengths.sum() ** 2 / max((lengths**2).sum(), 1e-300)),
        sessions=len(gain),
        independent=len(gain) / max(dependence, 1.0),
    )


def crisis_table(scored: Scored, truth: Truth) -> pd.DataFrame:
    """Skill without each spell, and the share of the whole gain that was made around it.

    Parameters
    ----------
    scored : Scored
    truth : Truth

    Returns
    -------
    DataFrame, one row a spell
        As `Honesty.crises`.
    """
    rows, whole = [], float(scored.gain.sum())
    for start, end, inside in _spells(scored, truth):
        first, last = np.flatnonzero(inside)[[0, -1]]
        around = np.zeros(len(inside), dtype=bool)
        around[max(first - AROUND, 0) : last + AROUND + 1] = True
        rows.append(
            {
                "start": start,
                "end": end,
                "sessions": int(inside.sum()),
                "share": float(scored.gain[around].sum()) / whole if whole > 0 else float("nan"),
                **scored.skill(~around),
            }
        )
    return pd.DataFrame(rows, columns=["start", "end", "sessions", "share", "skill", "low", "high"])


def period_table(scored: Scored, strategy: Strategy) -> pd.DataFrame:
    """Skill and Sharpe ratios of each ten years from the first, and without 2022 and 2023.

    Parameters
    ----------
    scored : Scored
    strategy : Strategy

    Returns
    -------
    DataFrame, one row a span
        As `Honesty.periods`.
    """
    first, last = scored.days[0].year, scored.days[-1].year
    spans = {
        f"{low} to {min(low + SPAN - 1, last)}": (low, low + SPAN - 1, True)
        for low in range(first, last + 1, SPAN)
    }
    low, high = INFLATION
    if first <= high and last >= low and not (first >= low and last <= high):
        spans[f"Without {low}-{high}"] = (low, high, False)
    return pd.DataFrame.from_dict(
        {name: _period(scored, strategy, *span) for name, span in spans.items()}, orient="index"
    )


def definition_table(
    settings: Settings, world: World, forecasts: Mapping[str, pd.Series]
) -> pd.DataFrame:
    """The same forecasts against other definitions of stress, each with the rival that is best by it.

    Parameters
    ----------
    settings : Settings
        Its `truth` at other depths and weights of the S&P 500, and jump models of three penalties.
    world : World
    forecasts : mapping of str to Series, shape (n_test_sessions,)
        As in `scored_sessions`.

    Returns
    -------
    DataFrame, one row a definition
        As `Honesty.definitions`; those that find one class only are left out.
    """
    rows = {}
    for name, truth in _truths(settings, world):
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
    scored: Scored, truth: Truth
) -> Iterator[tuple[pd.Timestamp, pd.Timestamp, np.ndarray]]:
    """First and last session of each spell that has a known session here, and which sessions are its."""
    for start, end in truth.spells.itertuples(index=False):
        inside = np.asarray((scored.days >= start) & (scored.days <= end))
        if inside.any():
            yield start, end, inside


def _period(
    scored: Scored, strategy: Strategy, low: int, high: int, inside: bool
) -> dict[str, float]:
    rows = np.asarray((scored.days.year >= low) & (scored.days.year <= high)) == inside
    begins = np.r_[scored.stress[:1] == 1, np.diff(scored.stress) == 1]
    own, target = strategy.result, strategy.benchmarks["vol_target_12"]
    held = np.asarray((own.returns.index.year >= low) & (own.returns.index.year <= high)) == inside
    cash = own.cash_returns.to_numpy()[held]
    ratios = [
        annual_sharpe(result.returns.to_numpy()[held] - cash)
        if held.sum() >= FEWEST
        else float("nan")
        for result in (own, target)
    ]
    return {
        "sessions": int(rows.sum()),
        "spells": int(begins[rows].sum()),
        **scored.skill(rows),
        **scored.precision(rows),
        "sharpe": ratios[0],
        "sharpe_vol_target_12": ratios[1],
    }


def _truths(settings: Settings, world: World) -> Iterator[tuple[str, Truth]]:
    for core in CORE_WEIGHTS:
        for depth in DEPTHS:
            yield (
                f"falls of {depth:g} volatilities, S&P 500 {core:.0%}",
                truth_from_labels(
                    replace(settings.truth, depth=depth, core_weight=core)(world.market)
                ),
            )
    for penalty in PENALTIES:
        labels = JumpModelLabels(
            penalties=(penalty,), windows=(None,), core_weight=settings.truth.core_weight
        )
        yield (
            f"jump model's worst state, penalty {penalty:g}",
            truth_from_labels(labels(world.market)),
        )

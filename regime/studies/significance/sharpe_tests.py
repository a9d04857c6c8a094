"""Whether the rule's Sharpe ratio is significant, adjusted for every trial that was made."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from regime.evaluation.pbo import BacktestOverfitting, measure_selection_bias
from regime.evaluation.sharpe_tests import (
    DeflatedSharpe,
    MinimumBacktest,
    MinimumTrackRecord,
    ProbabilisticSharpe,
    deflated_sharpe,
    minimum_backtest,
    minimum_track_record,
    probabilistic_sharpe,
    sharpe_sample,
)
from regime.pipeline.strategy import Strategy
from regime.schema import YEAR
from regime.studies.significance.trial_ledger import TrialLedger

__all__ = ["SharpeSignificance", "assess_sharpe"]

FEWEST = YEAR  # sessions below which nothing is tested
ROUNDING = 1e-12  # returns whose range is below it do not move
CONFIDENCE = 0.95  # a lower probability is a caveat
MOST_OVERFITTING = 0.2  # a higher probability of overfitting is a caveat
THIS_RUN = "this run"


@dataclass(frozen=True, kw_only=True)
class SharpeSignificance:
    """The rule's Sharpe ratio against what as many trials without skill would show.

    Parameters
    ----------
    sharpe : ProbabilisticSharpe
        That it is above zero.
    over_target : ProbabilisticSharpe
        That it is above the realised Sharpe ratio of the 12 % volatility target.
    deflated : DeflatedSharpe
        With the variance of the Sharpe ratios of the trials whose returns are known; trials that
        differ little need little adjustment.
    independent : DeflatedSharpe
        As if the trials had nothing in common: the variance is that of one estimate of no skill.
    overfitting : BacktestOverfitting or None
        Over the trials whose returns are known; None for fewer than two.
    track_record : MinimumTrackRecord
    backtest : MinimumBacktest or None
        None for one trial alone.
    trials : int
        This run included.
    shared_sessions : int
        Sessions on which `deflated` and `overfitting` compare the trials: all that they have in
        common with this run.
    counted : str
        Which trials count, in words.

    Examples
    --------
    >>> sample = sharpe_sample(pd.Series([0.012, -0.008] * 500))
    >>> alone = deflated_sharpe(sample, trials=1, variance=0.001)
    >>> result = SharpeSignificance(
    ...     sharpe=probabilistic_sharpe(sample),
    ...     over_target=probabilistic_sharpe(sample, 0.02),
    ...     deflated=alone,
    ...     independent=alone,
    ...     overfitting=None,
    ...     track_record=minimum_track_record(sample),
    ...     backtest=None,
    ...     trials=1,
    ...     shared_sessions=1000,
    ...     counted="Trials: this run alone.",
    ... )
    >>> round(result.summary()["p_above_zero"], 3), list(result.caveats())
    (1.0, [])
    """

    sharpe: ProbabilisticSharpe
    over_target: ProbabilisticSharpe
    deflated: DeflatedSharpe
    independent: DeflatedSharpe
    overfitting: BacktestOverfitting | None
    track_record: MinimumTrackRecord
    backtest: MinimumBacktest | None
    trials: int
    shared_sessions: int
    counted: str

    def summary(self) -> dict[str, Any]:
        """Plain figures; None for what is undefined or infinite."""
        years = self.track_record.years
        return {
            "sharpe": self.sharpe.sample.annual,
            "p_above_zero": self.sharpe.probability,
            "p_above_vol_target_12": self.over_target.probability,
            "deflated_sharpe": self.deflated.probability,
            "deflated_sharpe_independent": self.independent.probability,
            "shared_sessions": self.shared_sessions,
            "pbo": None if self.overfitting is None else self.overfitting.probability,
            "minimum_track_record_years": years if math.isfinite(years) else None,
            "minimum_backtest_years": None if self.backtest is None else self.backtest.years,
        }

    def sentences(self) -> tuple[str, ...]:
        """Each test in plain words."""
        lines = [str(self.sharpe), str(self.track_record), self.counted]
        if self.trials > 1:
            lines.append(str(self.deflated))
        if self.overfitting is not None:
            lines.append(
                "That adjusts for how much those trials differ, which is little where they are "
                "alike; for independent trials it would be "
                f"{self.independent.probability:.3f}."
            )
            lines.append(str(self.overfitting))
        if self.backtest is not None:
            lines.append(str(self.backtest))
        return tuple(lines)

    def caveats(self) -> Iterator[str]:
        """What these tests do not show."""
        weakest = min((self.deflated, self.independent), key=lambda test: test.probability)
        if weakest.probability <= CONFIDENCE:
            which = (
                f"adjusted for {self.trials:,} trials the deflated"
                if self.trials > 1
                else "the probabilistic"
            )
            yield (
                f"Its Sharpe ratio is not significant: {which} Sharpe ratio is "
                f"{weakest.probability:.2f}, and {CONFIDENCE:g} would be needed."
            )
        if self.over_target.probability <= CONFIDENCE:
            yield (
                "That its Sharpe ratio is above the one of the 12 % volatility target has a "
                f"probability of {self.over_target.probability:.0%}."
            )
        if self.overfitting is not None and self.overfitting.probability >= MOST_OVERFITTING:
            yield (
                "Choosing the best of its trials by their record does not carry over to other "
                f"years: probability of overfitting {self.overfitting.probability:.0%}."
            )


def assess_sharpe(strategy: Strategy, ledger: TrialLedger) -> SharpeSignificance | None:
    """Tests of the rule's daily returns, adjusted for all trials of a ledger.

    Parameters
    ----------
    strategy : Strategy
    ledger : TrialLedger

    Returns
    -------
    SharpeSignificance or None
        None where there are less than 252 returns, or they are those of cash throughout.
    """
    returns = strategy.result.returns
    cash = strategy.result.cash_returns
    if len(returns) < FEWEST or not _moves(returns - cash):
        return None
    sample = sharpe_sample(returns, cash)
    target = strategy.benchmarks["vol_target_12"].returns
    target_sharpe = sharpe_sample(target, cash).sharpe if _moves(target - cash) else 0.0
    trials = ledger.trials + 1
    independent = deflated_sharpe(sample, trials=trials, variance=1 / (sample.observations - 1))
    shared = _shared_sessions(returns, ledger)
    comparable = (
        bool(ledger.returns) and len(shared) >= FEWEST and _moves((returns - cash).loc[shared])
    )
    compared = (
        measure_selection_bias(
            {**ledger.returns, THIS_RUN: returns}, cash=cash, chosen=THIS_RUN, counted=trials
        )
        if comparable
        else None
    )
    return SharpeSignificance(
        sharpe=probabilistic_sharpe(sample),
        over_target=probabilistic_sharpe(sample, target_sharpe),
        deflated=independent if compared is None else compared.deflated,
        independent=independent,
        overfitting=None if compared is None else compared.overfitting,
        track_record=minimum_track_record(sample),
        backtest=minimum_backtest(trials) if trials > 1 else None,
        trials=trials,
        shared_sessions=len(returns) if compared is None else len(shared),
        counted=_counted(ledger, None if compared is None else shared),
    )


def _moves(excess: pd.Series) -> bool:
    return bool(np.ptp(excess.to_numpy()) > ROUNDING)


def _shared_sessions(returns: pd.Series, ledger: TrialLedger) -> pd.Index:
    """Sessions of this run on which every trial with returns has one."""
    shared = returns.index
    for series in ledger.returns.values():
        shared = shared.intersection(series.index)
    return shared


def _counted(ledger: TrialLedger, shared: pd.Index | None) -> str:
    if shared is None or not len(shared):
        return f"Trials: {ledger.note}."
    return (
        f"Trials: {ledger.note}; the {len(ledger.returns)} whose returns were kept are compared "
        f"with it from {shared[0]:%Y-%m-%d} to {shared[-1]:%Y-%m-%d}."
    )

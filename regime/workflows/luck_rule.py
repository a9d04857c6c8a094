"""Whether the rule's Sharpe ratio may be luck: what is left of it once every trial is counted."""

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
from regime.workflows.ledger import Ledger
from regime.workflows.strategy import Strategy

__all__ = ["RuleLuck", "rule_luck"]

FEWEST = 252  # sessions below which no account is opened
STILL = 1e-12  # a spread of returns below it is rounding
SURE, CARRIES = 0.95, 0.2
OWN = "this run"


@dataclass(frozen=True, kw_only=True)
class RuleLuck:
    """The rule's Sharpe ratio against what that many trials show by luck.

    Parameters
    ----------
    sharpe : ProbabilisticSharpe
        That it is above zero.
    over : ProbabilisticSharpe
        That it is above the Sharpe ratio that the 12 % volatility target had.
    deflated : DeflatedSharpe
        With the variance of the Sharpe ratios of the trials whose returns are known; trials that
        differ little ask for little.
    independent : DeflatedSharpe
        As if the trials had nothing in common: the variance is that of one estimate of no skill.
    overfitting : BacktestOverfitting or None
        Over the trials whose returns are known; None for fewer than two.
    record : MinimumTrackRecord
    backtest : MinimumBacktest or None
        None for one trial alone.
    trials : int
        This run included.
    shared : int
        Sessions on which `deflated` and `overfitting` compare the trials: all that they have in
        common with this run.
    counted : str
        Which trials count, in words.
    """

    sharpe: ProbabilisticSharpe
    over: ProbabilisticSharpe
    deflated: DeflatedSharpe
    independent: DeflatedSharpe
    overfitting: BacktestOverfitting | None
    record: MinimumTrackRecord
    backtest: MinimumBacktest | None
    trials: int
    shared: int
    counted: str

    def summary(self) -> dict[str, Any]:
        """Plain figures; None for what is undefined or infinite."""
        years = self.record.years
        return {
            "sharpe": self.sharpe.sample.annual,
            "p_above_zero": self.sharpe.probability,
            "p_above_vol_target_12": self.over.probability,
            "deflated_sharpe": self.deflated.probability,
            "deflated_sharpe_independent": self.independent.probability,
            "shared_sessions": self.shared,
            "pbo": None if self.overfitting is None else self.overfitting.probability,
            "minimum_track_record_years": years if math.isfinite(years) else None,
            "minimum_backtest_years": None if self.backtest is None else self.backtest.years,
        }

    def sentences(self) -> tuple[str, ...]:
        """Each account in plain words."""
        told = [
            str(self.sharpe),
            str(self.record),
            self.counted,
            *([str(self.deflated)] if self.trials > 1 else []),
        ]
        if self.overfitting is not None:
            told += [
                "That is by how much those trials differ, which is little where they are alike; "
                "had they nothing "
                f"in common, it would be {self.independent.probability:.3f}.",
                str(self.overfitting),
            ]
        return (*told, *([] if self.backtest is None else [str(self.backtest)]))

    def doubts(self) -> Iterator[str]:
        """What these accounts do not show."""
        worst = min((self.deflated, self.independent), key=lambda found: found.probability)
        if worst.probability <= SURE:
            counted = (
                f"with {self.trials:,} trials counted the deflated"
                if self.trials > 1
                else "the probabilistic"
            )
            yield (
                f"Its Sharpe ratio may be luck: {counted} Sharpe ratio is "
                f"{worst.probability:.2f}, and {SURE:g} "
                "would be needed."
            )
        if self.over.probability <= SURE:
            yield (
                "That its Sharpe ratio is above the one that the 12 % volatility target had has "
                "a probability of "
                f"{self.over.probability:.0%}."
            )
        if self.overfitting is not None and self.overfitting.probability >= CARRIES:
            yield (
                "Choosing the best of its trials by their record does not carry over to other "
                "years: probability "
                f"of overfitting {self.overfitting.probability:.0%}."
            )


def rule_luck(strategy: Strategy, ledger: Ledger) -> RuleLuck | None:
    """Accounts of the rule's daily returns among all trials of a ledger.

    Parameters
    ----------
    strategy : Strategy
    ledger : Ledger

    Returns
    -------
    RuleLuck or None
        None where there are less than 252 returns, or they never leave those of cash.
    """
    own, cash, target = (
        strategy.result.returns,
        strategy.result.cash_returns,
        strategy.benchmarks["vol_target_12"],
    )
    if len(own) < FEWEST or not _moves(own - cash):
        return None
    sample, trials = sharpe_sample(own, cash), ledger.trials + 1
    bar = sharpe_sample(target.returns, cash).sharpe if _moves(target.returns - cash) else 0.0
    alone = deflated_sharpe(sample, trials=trials, variance=1 / (sample.observations - 1))
    shared, known = _shared(own, ledger), {**ledger.returns, OWN: own}
    usable = bool(ledger.returns) and len(shared) >= FEWEST and _moves((own - cash).loc[shared])
    among = measure_selection_bias(known, cash=cash, chosen=OWN, counted=trials) if usable else None
    return RuleLuck(
        sharpe=probabilistic_sharpe(sample),
        over=probabilistic_sharpe(sample, bar),
        deflated=alone if among is None else among.deflated,
        independent=alone,
        overfitting=None if among is None else among.overfitting,
        record=minimum_track_record(sample),
        backtest=minimum_backtest(trials) if trials > 1 else None,
        trials=trials,
        shared=len(own) if among is None else len(shared),
        counted=_counted(ledger, None if among is None else shared),
    )


def _moves(excess: pd.Series) -> bool:
    return bool(np.ptp(excess.to_numpy()) > STILL)


def _shared(own: pd.Series, ledger: Ledger) -> pd.Index:
    """Sessions of this run on which every trial with returns has one."""
    shared = own.index
    for series in ledger.returns.values():
        shared = shared.intersection(series.index)
    return shared


def _counted(ledger: Ledger, shared: pd.Index | None) -> str:
    where = (
        ""
        if shared is None or not len(shared)
        else (
            f"; the {len(ledger.returns)} whose returns were kept are compared with it from "
            f"{shared[0]:%Y-%m-%d} to "
            f"{shared[-1]:%Y-%m-%d}"
        )
    )
    return f"Trials: {ledger.note}{where}."

"""The accounts of a ledger: what is left of the chosen trial once all trials are counted."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

import pandas as pd

from regime.errors import InvalidDataError
from regime.evaluation.cscv import BacktestOverfitting, block_sums, overfitting_of_blocks
from regime.evaluation.overfitting import DeflatedSharpe, deflated_sharpe, sharpe_sample
from regime.performance import finite_values
from regime.sessions import YEAR

__all__ = ["Accounts", "accounts"]


@dataclass(frozen=True, kw_only=True)
class Accounts:
    """Luck in a ledger of trials.

    Parameters
    ----------
    chosen : hashable
        The trial that is shipped.
    trials : int
        That count: those with returns, or more where more were made.
    sessions : int
        On which all trials have returns.
    sharpes : Series, index trial
        Sharpe ratio a year over those sessions.
    variance : float
        Of the trials' Sharpe ratios per session (n - 1).
    deflated : DeflatedSharpe
        Of the chosen trial.
    overfitting : BacktestOverfitting
        Over the trials with returns.

    Examples
    --------
    >>> days = pd.bdate_range("2024-01-01", periods=80)
    >>> wave = pd.Series(range(80), index=days) % 5 / 100 - 0.0195
    >>> found = accounts({"steady": wave, "late": wave.shift(1, fill_value=0.0), "short": -wave}, blocks=4)
    >>> found.chosen, found.trials, round(float(found.sharpes["short"]), 2)
    ('steady', 3, -0.56)
    """

    chosen: Hashable
    trials: int
    sessions: int
    sharpes: pd.Series = field(repr=False)
    variance: float
    deflated: DeflatedSharpe
    overfitting: BacktestOverfitting

    def __str__(self) -> str:
        return (
            f"{self.trials:,} trials over {self.sessions:,} sessions; trial {self.chosen} has a "
            "Sharpe ratio of "
            f"{self.sharpes[self.chosen]:.2f} a year, the median trial "
            f"{self.sharpes.median():.2f}. "
            f"{self.deflated} {self.overfitting}"
        )


def accounts(
    ledger_returns: Mapping[Hashable, pd.Series],
    *,
    cash: pd.Series | float = 0.0,
    chosen: Hashable | None = None,
    counted: int | None = None,
    blocks: int = 16,
) -> Accounts:
    """Deflated Sharpe ratio of the chosen trial and probability of overfitting over all trials of a ledger.

    Parameters
    ----------
    ledger_returns : mapping of trial to Series, fraction a session
        Daily net returns of every trial, at least two; the sessions that all of them have are
        compared.
    cash : Series or float, fraction a session
        A Series must have a value on all of these sessions. The returns of a rival in its place ask
        how much more than the rival is luck.
    chosen : hashable, optional
        The trial that is shipped; by default the one with the highest Sharpe ratio.
    counted : int, optional
        Number of trials where more were made than have returns; by default those with returns.
    blocks : int
        Of sessions, for the probability of overfitting.

    Raises
    ------
    InvalidDataError
        If there are fewer than two trials, too few common sessions, a missing return or an unknown
        `chosen`.

    Notes
    -----
    Trials that differ little have Sharpe ratios that differ little, and their variance then asks
    for little: the deflated Sharpe ratio judges a search over the trials that there are, not over
    what might have been tried.
    """
    excess = _common(ledger_returns, cash)
    sums = block_sums(excess, blocks)
    ratios = pd.Series(
        sums.sharpe(), index=pd.Index(list(ledger_returns), name="trial", tupleize_cols=False)
    )
    best = ratios.index[int(ratios.argmax())] if chosen is None else chosen
    if best not in ledger_returns:
        raise InvalidDataError(
            f"accounts: no returns of the chosen trial {best}; there are "
            f"{', '.join(map(str, ledger_returns))}"
        )
    if counted is not None and counted < len(ratios):
        raise InvalidDataError(
            f"accounts: {counted} trials are counted but {len(ratios)} have returns"
        )
    variance = float(ratios.var())
    return Accounts(
        chosen=best,
        trials=counted or len(ratios),
        sessions=len(excess),
        variance=variance,
        sharpes=ratios.mul(math.sqrt(YEAR)).rename("sharpe"),
        deflated=deflated_sharpe(
            sharpe_sample(excess.iloc[:, ratios.index.get_loc(best)]),
            trials=counted or len(ratios),
            variance=variance,
        ),
        overfitting=overfitting_of_blocks(sums),
    )


def _common(ledger_returns: Mapping[Hashable, pd.Series], cash: pd.Series | float) -> pd.DataFrame:
    """Returns over cash on the sessions that all trials have, a column a trial."""
    if len(ledger_returns) < 2:
        raise InvalidDataError(
            f"accounts: luck is judged among trials, got {len(ledger_returns)}; give every one made"
        )
    for series in ledger_returns.values():
        finite_values(series)
    table = pd.concat(
        list(ledger_returns.values()), axis=1, join="inner", keys=range(len(ledger_returns))
    )
    if isinstance(cash, pd.Series):
        finite_values(cash.reindex(table.index))  # names the first session without cash
        return table.sub(cash.reindex(table.index), axis=0)
    return table - cash

"""Resampled histories: the sessions of the accounts drawn again in blocks."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from regime.arrays import Floats, Integers
from regime.errors import ConfigError, InvalidDataError
from regime.performance import annual_sharpe, drawdowns, finite_values
from regime.studies.stress.account import AccountHistory

__all__ = ["block_rows", "bootstrapped_paths", "path_summary"]

QUANTILES = (5, 50, 95)  # percent


def bootstrapped_paths(
    accounts: Mapping[str, AccountHistory], *, paths: int = 1000, block: float = 63, seed: int = 7
) -> pd.DataFrame:
    """Sharpe ratio and drawdown of every account over resampled histories, the same for all.

    A row that is drawn holds one session of every account: its net return, and what cash earned.
    What the market did, what was held and what was paid that session thus stay together, and so
    does all of it inside a block; no order is made up where two blocks meet.

    Parameters
    ----------
    accounts : mapping of str to AccountHistory
        The rule first, on the same sessions.
    paths : int
        Histories, each as long as the sample; at least 1.
    block : float
        Mean length of a block in sessions; see `block_rows`.
    seed : int

    Returns
    -------
    DataFrame, shape (n_paths, 2 x n_accounts)
        Columns (``sharpe`` or ``max_drawdown``, name); NaN where a figure is not defined.

    Raises
    ------
    ConfigError
        If `paths` or `block` is below 1.
    InvalidDataError
        If there is no account, or their sessions differ.

    Notes
    -----
    **Source:** Politis and Romano (1994), "The Stationary Bootstrap".
    """
    if paths < 1:
        raise ConfigError(f"paths: must be at least 1, got {paths}")
    returns, cash = _joint_returns(accounts)
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(paths):
        drawn = block_rows(len(cash), block, rng)
        sharpe = [annual_sharpe(values[drawn] - cash[drawn]) for values in returns]
        deepest = [float(drawdowns(values[drawn]).min()) for values in returns]
        rows.append(sharpe + deepest)
    columns = pd.MultiIndex.from_product(
        [["sharpe", "max_drawdown"], list(accounts)], names=["figure", "name"]
    )
    return pd.DataFrame(rows, columns=columns)


def path_summary(paths: pd.DataFrame) -> pd.DataFrame:
    """Percentiles over the resampled histories, one row an account.

    Parameters
    ----------
    paths : DataFrame, shape (n_paths, 2 x n_accounts)
        From `bootstrapped_paths`.

    Returns
    -------
    DataFrame
        `sharpe_5`, `sharpe_50`, `sharpe_95` and the same of `max_drawdown` (percentiles over
        paths); of the rule less the account `gap_5`, `gap_50`, `gap_95` (Sharpe ratio), and the
        shares of paths in which the rule's is better: `wins` (Sharpe ratio), `wins_drawdown`. These
        are NaN for the rule itself.
    """
    rule, *benchmarks = paths["sharpe"].columns
    rows = {}
    for name in (rule, *benchmarks):
        gap = paths["sharpe"][rule] - paths["sharpe"][name]
        shallower = paths["max_drawdown"][rule] > paths["max_drawdown"][name]
        against = {
            **_percentiles("gap", gap),
            "wins": float((gap > 0).mean()),
            "wins_drawdown": float(shallower.mean()),
        }
        rows[name] = {
            **_percentiles("sharpe", paths["sharpe"][name]),
            **_percentiles("max_drawdown", paths["max_drawdown"][name]),
            **(dict.fromkeys(against, np.nan) if name == rule else against),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("name")


def block_rows(sessions: int, block: float, rng: np.random.Generator) -> Integers:
    """Rows of one resampled history: blocks of random start and geometric length, in a circle.

    The end of the sample is joined to its beginning.

    Parameters
    ----------
    sessions : int
        Rows of the sample, and of the history.
    block : float
        Mean length, at least 1. A block as long as the sample is the sample itself.
    rng : Generator

    Returns
    -------
    ndarray of int, shape (sessions,)

    Raises
    ------
    ConfigError
        If `block` is below 1.
    """
    if not block >= 1.0:
        raise ConfigError(f"block: must be at least 1 session, got {block}")
    steps = np.arange(sessions)
    if block >= sessions:
        return steps
    begins = rng.random(sessions) < 1.0 / block
    begins[0] = True
    first = np.maximum.accumulate(np.where(begins, steps, 0))
    rows: Integers = (rng.integers(sessions, size=sessions)[first] + steps - first) % sessions
    return rows


def _joint_returns(accounts: Mapping[str, AccountHistory]) -> tuple[list[Floats], Floats]:
    """Returns of every account, and of cash, on the same sessions."""
    if not accounts:
        raise InvalidDataError("Stress: no account to draw from; give the rule's first")
    rule, first = next(iter(accounts.items()))
    for name, account in accounts.items():
        if not account.returns.index.equals(first.returns.index):
            raise InvalidDataError(
                f"Stress: `{name}` has other sessions than `{rule}`; trade all on the same dates"
            )
    returns = [finite_values(account.returns) for account in accounts.values()]
    return returns, finite_values(first.cash)


def _percentiles(name: str, values: pd.Series) -> dict[str, float]:
    known = values.dropna()
    return {
        f"{name}_{q}": float(np.percentile(known, q)) if len(known) else np.nan for q in QUANTILES
    }

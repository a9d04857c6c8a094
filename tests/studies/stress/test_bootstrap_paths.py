"""Redrawn histories.

Blocks of the right length, all accounts in step, the sample itself as one block.
"""

import numpy as np
import pandas as pd
import pytest

from regime.errors import ConfigError, InvalidDataError
from regime.studies.stress.account import SingleAssetAccount
from regime.studies.stress.bootstrap_paths import block_rows, bootstrapped_paths, path_summary

N = 800


@pytest.fixture(scope="module")
def accounts():
    rng = np.random.default_rng(9)
    dates = pd.bdate_range("2015-01-05", periods=N + 1, name="date")
    account = SingleAssetAccount(
        prices=pd.Series(np.exp(rng.normal(0.0004, 0.01, N + 1).cumsum()), dates),
        cash=pd.Series(rng.uniform(0, 2e-4, N + 1), dates),
    )
    timed = (
        pd.Series((rng.random(N + 1) < 0.9).astype(float), dates).rolling(5, min_periods=1).mean()
    )
    return {"rule": account.trade(timed), "hold": account.trade(pd.Series(1.0, dates))}


@pytest.mark.parametrize("block", [N, N + 1, float("inf")])
def test_one_block_as_long_as_the_sample_is_the_sample(accounts, block):
    paths = bootstrapped_paths(accounts, paths=3, block=block)
    for name, account in accounts.items():
        assert set(paths["sharpe"][name]) == {account.sharpe}
        assert set(paths["max_drawdown"][name]) == {account.max_drawdown}
    assert block_rows(N, block, np.random.default_rng(0)).tolist() == list(range(N))


@pytest.mark.parametrize("block", [1, 10, 63])
def test_blocks_have_their_mean_length_and_run_on_in_order(block):
    rng = np.random.default_rng(1)
    rows = np.array([block_rows(N, block, rng) for _ in range(200)])
    assert rows.min() >= 0 and rows.max() < N
    follows = np.diff(rows, axis=1) % N == 1
    # A new block begins with probability 1 / block, and by chance lands on the next row once in N.
    assert (~follows).mean() == pytest.approx(1 / block, rel=0.1, abs=0.005)
    counts = np.bincount(rows.ravel(), minlength=N)
    assert counts.std() / counts.mean() < 3 * np.sqrt(
        2 * block / 200
    )  # the end is joined to the beginning


def test_a_path_by_hand_and_the_same_history_for_all(accounts):
    paths = bootstrapped_paths(accounts, paths=4, block=20, seed=5)
    rng = np.random.default_rng(5)
    for path in range(4):
        rows = block_rows(N, 20, rng)
        for name, account in accounts.items():
            returns, cash = account.returns.to_numpy()[rows], account.cash.to_numpy()[rows]
            excess, curve = returns - cash, np.r_[1.0, np.cumprod(1 + returns)]
            assert paths["sharpe"][name][path] == pytest.approx(
                excess.mean() / excess.std(ddof=1) * 252**0.5
            )
            assert paths["max_drawdown"][name][path] == pytest.approx(
                (curve / np.maximum.accumulate(curve) - 1).min()
            )


def test_equal_accounts_stay_equal_on_every_path(accounts):
    summary = path_summary(
        bootstrapped_paths({"rule": accounts["rule"], "twin": accounts["rule"]}, paths=50)
    )
    assert (
        summary.loc["twin", ["gap_5", "gap_50", "gap_95", "wins", "wins_drawdown"]].tolist()
        == [0.0] * 5
    )
    assert summary.loc["rule", ["gap_5", "wins"]].isna().all()


def test_the_summary_by_hand(accounts):
    paths = bootstrapped_paths(accounts, paths=101, block=30)
    row = path_summary(paths).loc["hold"]
    gap = paths["sharpe"]["rule"] - paths["sharpe"]["hold"]
    assert row["gap_50"] == gap.median() and row["wins"] == (gap > 0).mean()
    assert (
        row["sharpe_5"]
        == np.percentile(paths["sharpe"]["hold"], 5)
        < row["sharpe_50"]
        < row["sharpe_95"]
    )
    assert row["max_drawdown_5"] < row["max_drawdown_95"] <= 0
    assert (
        row["wins_drawdown"]
        == (paths["max_drawdown"]["rule"] > paths["max_drawdown"]["hold"]).mean()
    )


def test_seeds_repeat(accounts):
    one, same, other = (bootstrapped_paths(accounts, paths=5, seed=seed) for seed in (1, 1, 2))
    assert one.equals(same) and not one.equals(other)


def test_what_is_refused(accounts):
    with pytest.raises(ConfigError, match="paths: must be at least 1, got 0"):
        bootstrapped_paths(accounts, paths=0)
    for block in (0.5, float("nan")):
        with pytest.raises(ConfigError, match="block: must be at least 1 session"):
            bootstrapped_paths(accounts, paths=1, block=block)
    with pytest.raises(InvalidDataError, match="no account"):
        bootstrapped_paths({})
    short = SingleAssetAccount(
        prices=pd.Series([1.0, 2.0, 3.0], pd.bdate_range("2015-01-05", periods=3, name="date"))
    )
    with pytest.raises(InvalidDataError, match="`other` has other sessions than `rule`"):
        bootstrapped_paths({**accounts, "other": short.trade(pd.Series(1.0, short.sessions))})

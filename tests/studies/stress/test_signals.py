"""Lost and wrong signals.

Nothing lost changes nothing, and the noise has the size that is asked for.
"""

import numpy as np
import pandas as pd
import pytest

from regime.backtest.costs import Costs
from regime.errors import ConfigError
from regime.schema import REGIMES
from regime.studies.stress.account import SingleAssetAccount
from regime.studies.stress.signals import (
    drop_signals,
    missing_days,
    perturb_probabilities,
    probability_noise,
)

N = 3000


@pytest.fixture(scope="module")
def signals():
    rng = np.random.default_rng(3)
    weights = np.exp(pd.DataFrame(rng.normal(0, 1, (N, 4))).ewm(halflife=10).mean() * 8)
    dates = pd.bdate_range("2005-01-03", periods=N, name="date")
    table = pd.DataFrame(weights.div(weights.sum(axis=1), axis=0).to_numpy(), dates, list(REGIMES))
    return table.assign(volatility=0.2)


@pytest.fixture(scope="module")
def account(signals):
    steps = np.random.default_rng(4).normal(0.0003, 0.01, N)
    return SingleAssetAccount(
        prices=pd.Series(np.exp(steps.cumsum()), signals.index), costs=Costs(bps=5)
    )


def rule(table):
    """Out while a deleveraging is likely; a lost signal leaves what was held."""
    return (
        (table["deleveraging"] < 0.4)
        .astype(float)
        .where(table["deleveraging"].notna())
        .ffill()
        .fillna(1.0)
    )


def log_odds(table, first="deleveraging", second="calm"):
    return np.log(table[first] / table[second])


def test_nothing_lost_changes_nothing(account, signals):
    plain = account.trade(rule(signals)).figures()
    row = missing_days(account, signals, rule, shares=[0.0]).loc[0.0]
    assert (
        row["sharpe"] == row["sharpe_worst"] == plain["sharpe"]
        and row["turnover"] == plain["turnover"]
    )
    assert row["max_drawdown"] == row["max_drawdown_worst"] == plain["max_drawdown"]
    assert drop_signals(signals, 0.0, np.random.default_rng(0)).equals(signals)


def test_a_share_of_whole_sessions_is_lost(signals):
    for share in (0.01, 0.2, 1.0):
        gone = drop_signals(signals, share, np.random.default_rng(5)).isna()
        assert gone.all(axis=1).equals(gone.any(axis=1)) and gone.all(axis=1).sum() == round(
            share * N
        )
    few, many = (
        drop_signals(signals, share, np.random.default_rng(5)).isna()["calm"]
        for share in (0.05, 0.2)
    )
    assert (many | ~few).all()


def test_medians_and_the_worst_by_hand(account, signals):
    row = missing_days(account, signals, rule, shares=[0.2], seeds=5, seed=11).loc[0.2]
    found = [
        account.trade(rule(drop_signals(signals, 0.2, np.random.default_rng([11, draw]))))
        for draw in range(5)
    ]
    assert row["sharpe"] == np.median([one.sharpe for one in found])
    assert row["sharpe_worst"] == min(one.sharpe for one in found)
    assert row["max_drawdown_worst"] == min(one.max_drawdown for one in found)
    assert row["turnover"] == np.median([one.turnover for one in found])


def test_all_lost_is_never_having_traded(account, signals):
    row = missing_days(account, signals, rule, shares=[1.0], seeds=2).loc[1.0]
    assert (
        row["turnover"] == 0.0
        and row["sharpe"] == account.trade(pd.Series(1.0, signals.index)).sharpe
    )


@pytest.mark.parametrize("halflife", [0.0, 21.0])
def test_noise_has_its_size_in_log_odds_and_keeps_probabilities(signals, halflife):
    wrong = perturb_probabilities(signals, 0.8, np.random.default_rng(6), halflife)
    assert wrong[list(REGIMES)].sum(axis=1).to_numpy() == pytest.approx(1.0)
    assert wrong["volatility"].equals(signals["volatility"]) and list(wrong) == list(signals)
    for pair in (("deleveraging", "calm"), ("fragile", "recovery")):
        error = log_odds(wrong, *pair) - log_odds(signals, *pair)
        assert error.std() == pytest.approx(0.8, rel=0.2 if halflife else 0.05)
        assert error.autocorr() == pytest.approx(
            0.5 ** (1 / halflife) if halflife else 0.0, abs=0.06
        )


def test_one_probability_alone_is_moved_against_the_rest(signals):
    alone = signals[["deleveraging"]]
    wrong = perturb_probabilities(alone, 0.5, np.random.default_rng(7))["deleveraging"]
    error = np.log(wrong / (1 - wrong)) - np.log(
        alone["deleveraging"] / (1 - alone["deleveraging"])
    )
    assert error.std() == pytest.approx(0.5, rel=0.05) and abs(error.mean()) < 0.05


def test_certain_and_missing_probabilities_stay(signals):
    table = signals.iloc[:4].copy()
    table.iloc[0, :4] = [1.0, 0.0, 0.0, 0.0]
    table.iloc[1, :4] = np.nan
    wrong = perturb_probabilities(table, 1.0, np.random.default_rng(8))
    assert wrong.iloc[0, :4].tolist() == [1.0, 0.0, 0.0, 0.0] and wrong.iloc[1, :4].isna().all()
    assert perturb_probabilities(table, 0.0, np.random.default_rng(8)).equals(table)


def test_the_table_of_noise(account, signals):
    table = probability_noise(
        account, signals, rule, sizes=[0.0, 1.0], halflives=[0.0, 21.0], seeds=3, seed=2
    )
    assert list(table.index) == [(0.0, 0.0), (1.0, 0.0), (1.0, 21.0)]
    assert table.loc[(0.0, 0.0), "sharpe"] == account.trade(rule(signals)).sharpe
    found = [
        account.trade(
            rule(perturb_probabilities(signals, 1.0, np.random.default_rng([2, draw]), 21.0))
        ).sharpe
        for draw in range(3)
    ]
    assert table.loc[(1.0, 21.0), "sharpe"] == np.median(found)
    assert table.loc[(1.0, 0.0), "turnover"] > table.loc[(0.0, 0.0), "turnover"]


def test_what_is_refused(account, signals):
    rng = np.random.default_rng(0)
    with pytest.raises(ConfigError, match=r"share: must lie in \[0, 1\], got 1.2"):
        drop_signals(signals, 1.2, rng)
    with pytest.raises(ConfigError, match="size: must be 0 or more and finite, got -1"):
        perturb_probabilities(signals, -1.0, rng)
    with pytest.raises(ConfigError, match="halflife"):
        perturb_probabilities(signals, 1.0, rng, float("inf"))
    for table in (missing_days, probability_noise):
        with pytest.raises(ConfigError, match="seeds: must be at least 1, got 0"):
            table(account, signals, rule, seeds=0)

"""The accounts of a ledger against their parts, and against ledgers whose luck is known."""

import math

import numpy as np
import pandas as pd
import pytest

from regime.errors import InvalidDataError
from regime.evaluation.accounts import accounts
from regime.evaluation.cscv import backtest_overfitting
from regime.evaluation.overfitting import deflated_sharpe, sharpe_sample
from regime.performance import sharpe_ratio

DAYS = pd.bdate_range("2005-01-03", periods=1600, name="date")


def ledger(seed=0, trials=12, **gains):
    rng = np.random.default_rng(seed)
    table = {
        f"t{trial}": pd.Series(rng.normal(0, 0.01, len(DAYS)), index=DAYS)
        for trial in range(trials)
    }
    return {name: one + gains.get(name, 0.0) for name, one in table.items()}


def test_accounts_are_their_parts():
    returns = ledger(t3=0.002)
    found = accounts(returns)
    ratios = {name: sharpe_ratio(one) for name, one in returns.items()}
    assert found.chosen == max(ratios, key=ratios.get) == "t3" and (
        found.trials,
        found.sessions,
    ) == (12, 1600)
    assert found.sharpes.to_dict() == pytest.approx(ratios)
    assert found.variance == pytest.approx(np.var(list(ratios.values()), ddof=1) / 252)
    told = deflated_sharpe(sharpe_sample(returns["t3"]), trials=12, variance=found.variance)
    assert found.deflated.probability == pytest.approx(told.probability)
    whole = backtest_overfitting(pd.DataFrame(returns))
    assert found.overfitting.probability == whole.probability and np.array_equal(
        found.overfitting.chosen, whole.chosen
    )


def test_noise_is_called_noise_and_a_trend_is_not():
    noise = [accounts(ledger(seed), blocks=8) for seed in range(12)]
    assert np.mean([found.deflated.probability > 0.95 for found in noise]) < 0.2
    assert 0.3 < np.mean([found.overfitting.probability for found in noise]) < 0.7
    trend = accounts(ledger(1, t3=0.002), blocks=8)
    assert trend.deflated.probability > 0.95 and trend.overfitting.probability < 0.1


def test_trials_without_returns_count_too():
    returns = ledger(2)
    few, many = accounts(returns, blocks=4), accounts(returns, counted=500, blocks=4)
    assert many.trials == 500 and many.deflated.probability < few.deflated.probability
    assert many.overfitting.trials == 12 and many.variance == few.variance


def test_the_chosen_may_be_another_than_the_best():
    returns = ledger(3)
    worst = min(returns, key=lambda name: sharpe_ratio(returns[name]))
    found = accounts(returns, chosen=worst, blocks=4)
    assert (
        found.chosen == worst
        and found.deflated.probability < accounts(returns, blocks=4).deflated.probability
    )
    assert str(found).startswith(
        f"12 trials over 1,600 sessions; trial {worst} has a Sharpe ratio of "
    )


def test_only_the_sessions_of_all_trials_are_compared():
    returns = ledger(4, trials=3)
    returns["t1"], returns["t2"] = returns["t1"][200:], returns["t2"][:-100]
    found = accounts(returns, blocks=4)
    assert found.sessions == 1300
    assert found.sharpes["t0"] == pytest.approx(sharpe_ratio(returns["t0"][200:-100]))


def test_cash_or_a_rival_is_taken_from_every_trial():
    returns, cash = ledger(5, trials=3), pd.Series(0.0001, index=DAYS) * np.arange(len(DAYS)) / 800
    assert accounts(returns, cash=cash, blocks=4).sharpes["t1"] == pytest.approx(
        sharpe_ratio(returns["t1"], cash)
    )
    assert accounts(returns, cash=0.001, blocks=4).sharpes["t1"] == pytest.approx(
        sharpe_ratio(returns["t1"], 0.001)
    )
    longer = pd.concat([cash, pd.Series([0.5], index=[DAYS[-1] + pd.Timedelta(days=9)])])
    assert accounts(returns, cash=longer, blocks=4).sharpes.equals(
        accounts(returns, cash=cash, blocks=4).sharpes
    )


def test_keys_of_any_kind_and_a_trial_that_never_moved():
    returns = dict(zip([1, (2, "b"), "three"], ledger(6, trials=3).values(), strict=True))
    returns["cash"] = pd.Series(0.0, index=DAYS)
    found = accounts(returns, chosen=(2, "b"), blocks=4)
    assert (
        found.sharpes.iloc[3] == 0
        and found.chosen == (2, "b")
        and not math.isnan(found.deflated.probability)
    )
    with pytest.raises(InvalidDataError, match="without spread"):
        accounts(returns, chosen="cash", blocks=4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: accounts({}), "luck is judged among trials, got 0"),
        (lambda: accounts(ledger(trials=1)), "got 1; give every one made"),
        (
            lambda: accounts(ledger(trials=3), chosen="t9"),
            "no returns of the chosen trial t9; there are t0, t1, t2",
        ),
        (lambda: accounts(ledger(trials=3), counted=2), "2 trials are counted but 3 have returns"),
        (
            lambda: accounts(ledger(trials=2) | {"x": ledger()["t0"].where(lambda r: r > 0)}),
            "a gap is not a zero",
        ),
        (
            lambda: accounts(ledger(trials=2), cash=ledger()["t0"][5:]),
            "2005-01-03.*is not a finite number",
        ),
        (
            lambda: accounts({"a": ledger()["t0"][:9], "b": ledger()["t1"]}),
            "got 16 blocks of 9 sessions",
        ),
        (
            lambda: accounts({"a": ledger()["t0"][:9], "b": ledger()["t1"][9:]}),
            "got 16 blocks of 0 sessions",
        ),
    ],
)
def test_a_ledger_without_an_account_is_refused(call, message):
    with pytest.raises(InvalidDataError, match=message):
        call()

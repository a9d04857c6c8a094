"""The rule's Sharpe ratio among all trials, against the functions of the evaluation."""

from types import SimpleNamespace

import pandas as pd

from regime.evaluation.pbo import measure_selection_bias
from regime.evaluation.sharpe_tests import deflated_sharpe, probabilistic_sharpe, sharpe_sample
from regime.studies.significance.sharpe_tests import assess_sharpe
from regime.studies.significance.trial_ledger import NO_LEDGER, TrialLedger


def test_alone_the_deflated_ratio_is_the_probabilistic_one(make_strategy):
    strategy = make_strategy()
    result = assess_sharpe(strategy, NO_LEDGER)
    sample = sharpe_sample(strategy.result.returns)
    assert result.sharpe == probabilistic_sharpe(sample) and result.trials == 1
    assert (
        result.deflated.probability == result.independent.probability == result.sharpe.probability
    )
    assert result.overfitting is None and result.backtest is None
    assert result.shared_sessions == 1499
    assert str(result.deflated) not in result.sentences()
    target = sharpe_sample(strategy.benchmarks["vol_target_12"].returns).sharpe
    assert result.over_target == probabilistic_sharpe(sample, target)
    assert result.over_target.probability < result.sharpe.probability


def test_every_trial_counts_whether_its_returns_were_kept_or_not(make_strategy, make_trials):
    strategy = make_strategy()
    kept = make_trials(6)
    result = assess_sharpe(strategy, TrialLedger(rows=8, tuned=200, returns=kept, note="8 rows"))
    expected = measure_selection_bias(
        {**kept, "this run": strategy.result.returns}, chosen="this run", counted=209
    )
    assert result.trials == 209 and result.deflated == expected.deflated
    assert result.overfitting.probability == expected.overfitting.probability
    assert result.overfitting.trials == 7 and result.backtest.trials == 209
    sample = sharpe_sample(strategy.result.returns)
    assert result.independent == deflated_sharpe(sample, trials=209, variance=1 / 1498)
    fewer = assess_sharpe(strategy, TrialLedger(rows=8, returns=kept, note="8 rows"))
    assert result.deflated.probability < fewer.deflated.probability < result.sharpe.probability
    assert str(result.deflated) in result.sentences()


def test_trials_of_other_years_are_counted_but_not_compared(make_strategy, make_trials):
    strategy = make_strategy()
    later = {
        name: returns.set_axis(returns.index + pd.DateOffset(years=28))
        for name, returns in make_trials(3).items()
    }
    result = assess_sharpe(strategy, TrialLedger(rows=3, returns=later, note="3 rows"))
    assert result.trials == 4 and result.overfitting is None
    assert result.deflated == result.independent and result.deflated.trials == 4
    part = {name: returns.iloc[:600] for name, returns in make_trials(3).items()}
    shorter = assess_sharpe(strategy, TrialLedger(rows=3, returns=part, note="3 rows"))
    days = strategy.result.returns.index
    assert shorter.shared_sessions == 600
    assert f"from {days[0]:%Y-%m-%d} to {days[599]:%Y-%m-%d}" in shorter.counted


def test_returns_of_cash_and_short_records_are_not_tested(make_strategy):
    strategy = make_strategy()
    result = strategy.result
    in_cash = SimpleNamespace(
        result=SimpleNamespace(returns=result.cash_returns, cash_returns=result.cash_returns),
        benchmarks=strategy.benchmarks,
    )
    short = SimpleNamespace(
        result=SimpleNamespace(
            returns=result.returns[:100], cash_returns=result.cash_returns[:100]
        ),
        benchmarks=strategy.benchmarks,
    )
    assert assess_sharpe(in_cash, NO_LEDGER) is None
    assert assess_sharpe(short, NO_LEDGER) is None


def test_caveats_are_what_is_not_significant(make_strategy, make_trials):
    strong = assess_sharpe(make_strategy(mean=0.0020, target=-0.001), NO_LEDGER)
    assert list(strong.caveats()) == []
    ledger = TrialLedger(rows=300, returns=make_trials(6), note="300 rows")
    weak = assess_sharpe(make_strategy(mean=0.0001), ledger)
    assert weak.independent.probability <= 0.95 and weak.over_target.probability <= 0.95
    caveats = list(weak.caveats())
    assert len(caveats) >= 2 and "301" in caveats[0]

"""All tests of significance of one run together: its gate, skill and rule in one summary."""

import json
from dataclasses import replace
from types import SimpleNamespace

from regime.studies.significance.assessment import assess_significance
from regime.studies.significance.scoring import apply_gate
from regime.studies.significance.sharpe_tests import assess_sharpe
from regime.studies.significance.trial_ledger import TrialLedger


def test_the_summary_is_plain_and_finite(make_run, make_strategy, make_trials):
    ledger = TrialLedger(rows=4, returns=make_trials(4), note="4 rows")
    run = make_run(2.0, strategy=make_strategy(mean=-0.0005))
    result = assess_significance(run, ledger)
    summary = json.loads(json.dumps(result.summary(), allow_nan=False))
    assert set(summary) == {"trials", "counted", "skill", "rule", "sentences"}
    assert summary["trials"] == 5 and summary["counted"] == "4 rows"
    assert summary["rule"]["minimum_track_record_years"] is None
    assert 0 <= summary["rule"]["pbo"] <= 1
    assert summary["sentences"] == list(result.skill.sentences() + result.rule.sentences())


def test_the_parts_are_those_of_the_run(make_run, make_trials):
    ledger = TrialLedger(rows=4, returns=make_trials(4), note="4 rows")
    run = make_run(2.0)
    result = assess_significance(run, ledger)
    assert result.gate == apply_gate(run.settings, run.scores)
    assert result.rule.deflated == assess_sharpe(run.strategy, ledger).deflated
    assert result.caveats() == (*result.skill.caveats(), *result.rule.caveats())


def test_what_cannot_be_tested_has_one_sentence_each_and_no_caveat(
    make_run, make_strategy, planted_truth
):
    strategy = make_strategy()
    cash = strategy.result.cash_returns
    idle = SimpleNamespace(
        result=SimpleNamespace(returns=cash, cash_returns=cash), benchmarks=strategy.benchmarks
    )
    calm = replace(planted_truth, stress=planted_truth.stress * 0.0)
    result = assess_significance(make_run(2.0, truth=calm, strategy=idle))
    assert result.skill is None and result.rule is None and result.caveats() == ()
    assert len(result.sentences()) == 2 and not result.gate.passed

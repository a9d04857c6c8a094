"""Label use: a column made from the label is detected, a merely informative one is not."""

import numpy as np
import pandas as pd
import pytest

from regime.studies.leakage.label_leaks import label_findings, point_in_time_scores
from tests.audit.planted.data import columns


@pytest.fixture(scope="module")
def clean():
    item = columns(np.random.default_rng(3), leaky=False)
    returns = item.prices["sp500"].pct_change(fill_method=None)
    scores = point_in_time_scores(
        item.prices["sp500"], returns, 1600 * returns.ewm(halflife=10, min_periods=5).std()
    )
    return item, scores


def test_point_in_time_scores_are_causal(clean):
    item, scores = clean
    close, cut = item.prices["sp500"], 1200
    returns = close.pct_change(fill_method=None)
    vix = 1600 * returns.ewm(halflife=10, min_periods=5).std()
    part = point_in_time_scores(close.iloc[:cut], returns.iloc[:cut], vix.iloc[:cut])
    pd.testing.assert_frame_equal(part, scores.iloc[:cut])


def test_clean_columns_pass(clean):
    item, scores = clean
    table = pd.concat([item.table, scores.add_suffix(", score")], axis=1)
    assert label_findings(table, item.labels, scores) == []


@pytest.mark.parametrize("flag", ["fragile", "deleveraging", "recovery"])
@pytest.mark.parametrize("shift", [-2, 0, 2])
def test_a_shifted_flag_is_detected(clean, flag, shift):
    item, scores = clean
    table = item.table.assign(injected=item.labels.weights[flag].round().shift(shift))
    findings = label_findings(table, item.labels, scores, {"injected": "a.py:1"})
    assert [(item.name, item.location, item.unit) for item in findings] == [
        ("injected", "a.py:1", "share")
    ]
    assert 0.2 < findings[0].size <= 1.0


def test_noise_and_smoothing_do_not_hide_it(clean):
    item, scores = clean
    flag = item.labels.weights["deleveraging"].round()
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "noisy": flag + 0.3 * rng.standard_normal(len(flag)),
            "smooth": flag.fillna(0.0).rolling(9, center=True).mean(),
            "code": item.labels.regime.cat.codes.astype(float),
        }
    )
    assert {item.name for item in label_findings(table, item.labels, scores)} == {
        "noisy",
        "smooth",
        "code",
    }


def test_too_short_a_history_is_not_tested(clean):
    item, scores = clean
    short = type(item.labels)(
        weights=item.labels.weights.iloc[:300],
        span_end=item.labels.span_end.iloc[:300],
        known_at=item.labels.known_at.iloc[:300],
    )
    assert label_findings(item.table.iloc[:300], short, scores.iloc[:300]) == []

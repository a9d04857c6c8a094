"""Use of the label: what is made from it is found, what is merely good is not."""

import numpy as np
import pandas as pd
import pytest

from regime.studies.leakage.label_leaks import knowable, label_findings
from tests.audit.planted.data import columns


@pytest.fixture(scope="module")
def honest():
    item = columns(np.random.default_rng(3), leaky=False)
    returns = item.prices["sp500"].pct_change(fill_method=None)
    known = knowable(
        item.prices["sp500"], returns, 1600 * returns.ewm(halflife=10, min_periods=5).std()
    )
    return item, known


def test_what_is_knowable_is_causal(honest):
    item, known = honest
    close, cut = item.prices["sp500"], 1200
    returns = close.pct_change(fill_method=None)
    vix = 1600 * returns.ewm(halflife=10, min_periods=5).std()
    part = knowable(close.iloc[:cut], returns.iloc[:cut], vix.iloc[:cut])
    pd.testing.assert_frame_equal(part, known.iloc[:cut])


def test_honest_columns_pass(honest):
    item, known = honest
    table = pd.concat([item.table, known.add_suffix(", known")], axis=1)
    assert label_findings(table, item.labels, known) == []


@pytest.mark.parametrize("flag", ["fragile", "deleveraging", "recovery"])
@pytest.mark.parametrize("off", [-2, 0, 2])
def test_a_flag_is_found_days_off_as_well(honest, flag, off):
    item, known = honest
    table = item.table.assign(planted=item.labels.weights[flag].round().shift(off))
    found = label_findings(table, item.labels, known, {"planted": "a.py:1"})
    assert [(one.name, one.place, one.unit) for one in found] == [("planted", "a.py:1", "share")]
    assert 0.2 < found[0].size <= 1.0


def test_noise_and_smoothing_do_not_hide_it(honest):
    item, known = honest
    flag = item.labels.weights["deleveraging"].round()
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "noisy": flag + 0.3 * rng.standard_normal(len(flag)),
            "smooth": flag.fillna(0.0).rolling(9, center=True).mean(),
            "code": item.labels.regime.cat.codes.astype(float),
        }
    )
    assert {one.name for one in label_findings(table, item.labels, known)} == {
        "noisy",
        "smooth",
        "code",
    }


def test_too_little_history_says_nothing(honest):
    item, known = honest
    short = type(item.labels)(
        weights=item.labels.weights.iloc[:300],
        span_end=item.labels.span_end.iloc[:300],
        known_at=item.labels.known_at.iloc[:300],
    )
    assert label_findings(item.table.iloc[:300], short, known.iloc[:300]) == []

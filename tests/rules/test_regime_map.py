"""RegimeMap: by hand and against means taken over whole tables."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regime.errors import ConfigError
from regime.rules.stack import RuleStack
from regime.rules.threshold import RegimeMap, Threshold
from regime.schema import REGIMES

NAN = math.nan
EACH = st.tuples(*[st.floats(0, 1)] * 4)


def table(rows):
    return pd.DataFrame(
        rows,
        columns=list(REGIMES),
        index=pd.bdate_range("2024-01-01", periods=len(rows), name="date"),
        dtype=float,
    )


def drawn(seed, days=60):
    return table(np.random.default_rng(seed).dirichlet(np.ones(4), days))


@given(
    seed=st.integers(0, 10**6),
    each=EACH,
    halflife=st.sampled_from([0.0, 1.0, 7.5]),
    scale=st.sampled_from([1.0, 0.5]),
)  # rows need not add up to 1
@settings(max_examples=60, deadline=None)
def test_expected_is_the_weighted_mean_and_likeliest_that_of_the_largest(
    seed, each, halflife, scale
):
    rows, names = drawn(seed) * scale, dict(zip(REGIMES, each, strict=True))
    smooth = rows.ewm(halflife=halflife, adjust=False).mean() if halflife else rows
    mean = (smooth * np.array(each)).sum(axis=1) / smooth.sum(axis=1)
    assert RegimeMap(**names, halflife=halflife)(rows).tolist() == pytest.approx(
        mean.tolist(), abs=1e-12
    )
    likeliest = smooth.idxmax(axis=1).map(names)
    assert (
        RegimeMap(**names, halflife=halflife, how="likeliest")(rows).tolist() == likeliest.tolist()
    )


@given(seed=st.integers(0, 10**6), level=st.floats(0, 1))
@settings(max_examples=40, deadline=None)
def test_one_exposure_for_all_regimes_is_that_exposure(seed, level):
    same = dict.fromkeys(REGIMES, level)
    assert (RegimeMap(**same)(drawn(seed)) == level).all()
    assert (RegimeMap(**same, how="likeliest")(drawn(seed)) == level).all()


def test_by_hand():
    rows = table([[0.5, 0.3, 0.2, 0.0], [0.1, 0.2, 0.6, 0.1], [0.0, 0.0, 0.0, 1.0]])
    rule = RegimeMap(calm=1.0, fragile=0.5, deleveraging=0.0, recovery=0.8)
    assert rule(rows).tolist() == pytest.approx([0.65, 0.28, 0.8])
    assert RegimeMap(fragile=0.5, recovery=0.8, how="likeliest")(rows).tolist() == [1.0, 0.0, 0.8]


def test_of_equally_likely_regimes_the_lower_exposure_counts():
    rows = table([[0.4, 0.2, 0.4, 0.0], [0.4, 0.4, 0.2, 0.0]])
    assert RegimeMap(calm=0.9, fragile=0.3, how="likeliest")(rows).tolist() == [0.0, 0.3]


def test_a_missing_probability_keeps_what_was_known():
    rows = table(
        [[NAN] * 4, [0.2, 0.2, 0.6, 0.0], [0.9, 0.1, NAN, 0.0], [0.0] * 4, [1.0, 0.0, 0.0, 0.0]]
    )
    assert RegimeMap()(rows).tolist() == pytest.approx([1.0, 0.4, 0.4, 0.4, 1.0])


def test_it_scales_what_is_proposed():
    rows = table([[0.6, 0.0, 0.4, 0.0], [0.2, 0.0, 0.8, 0.0]])
    assert RuleStack(Threshold(level=0.5), RegimeMap())(rows).tolist() == pytest.approx([0.6, 0.0])
    assert RegimeMap().step(None, rows.iloc[0], 0.5)[1] == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RegimeMap(calm=1.2), r"^calm: must lie in \[0, 1\], got 1.2"),
        (lambda: RegimeMap(recovery=-0.1), "^recovery: "),
        (lambda: RegimeMap(how="mean"), "^how: must be expected or likeliest, got mean"),
        (lambda: RegimeMap(halflife=-1.0), "^halflife: "),
        (lambda: RegimeMap(halflife=NAN), "^halflife: "),
    ],
)
def test_parameters_out_of_range_are_refused_by_name(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


def test_sentences():
    assert str(RegimeMap(how="likeliest", halflife=5)) == (
        "calm 1, fragile 1, deleveraging 0, recovery 1, by the likeliest regime (halflife 5)"
    )

"""EnsembleLabels: a mean that waits for all of its parts."""

import numpy as np
import pandas as pd
import pytest

from regime.config import build
from regime.errors import ConfigError
from regime.labels.ensemble import EnsembleLabels
from regime.labels.episodes import EpisodeLabels
from regime.labels.jump import JumpModelLabels


@pytest.fixture(scope="module")
def mixed_market():
    rng = np.random.default_rng(3)
    dates = pd.bdate_range("2000-01-03", periods=1200, name="date")
    return pd.DataFrame({"sp500": np.exp((rng.standard_t(4, 1200) * 0.01).cumsum())}, index=dates)


SHALLOW, DEEP = EpisodeLabels(depth=1.5), EpisodeLabels(depth=3)


def test_weights_and_dates(mixed_market):
    mean = EnsembleLabels(labellers=(SHALLOW, DEEP), weights=(1, 3))(mixed_market)
    first, second = SHALLOW(mixed_market), DEEP(mixed_market)
    known = first.known_at.notna() & second.known_at.notna()
    assert (mean.known_at.notna() == known).all() and known.any() and not known.all()
    np.testing.assert_allclose(
        mean.weights[known], 0.25 * first.weights[known] + 0.75 * second.weights[known]
    )
    assert (mean.known_at[known] == np.maximum(first.known_at[known], second.known_at[known])).all()
    assert (mean.span_end[known] == mean.known_at[known]).all()


def test_one_part_is_itself(mixed_market):
    single = EnsembleLabels(labellers=(DEEP,))(mixed_market)
    pd.testing.assert_frame_equal(single.weights, DEEP(mixed_market).weights)


@pytest.mark.parametrize("cut", [300, 700, 1000])
def test_truncation_law(mixed_market, cut):
    labeller, date = EnsembleLabels(labellers=(SHALLOW, DEEP)), mixed_market.index[cut - 1]
    whole, part = labeller(mixed_market), labeller(mixed_market, date)
    known = whole.known_by(date)
    assert (known == part.known_by(date)).all()
    pd.testing.assert_frame_equal(whole.weights[known], part.weights[known], check_exact=True)
    pd.testing.assert_series_equal(whole.known_at[known], part.known_at[known], check_exact=True)


def test_with_a_jump_model_everything_waits_for_the_cut(mixed_market):
    cut = mixed_market.index[1000]
    labels = EnsembleLabels(labellers=(SHALLOW, JumpModelLabels()))(mixed_market, cut)
    assert (labels.known_at.dropna() == cut).all() and labels.known_at.notna().sum() > 200


def test_faults_and_schema():
    with pytest.raises(ConfigError, match="labellers: needs at least one"):
        EnsembleLabels(labellers=())
    with pytest.raises(ConfigError, match="weights: needs one for each of 2 labellers, got 1"):
        EnsembleLabels(weights=(1.0,))
    with pytest.raises(ConfigError, match="weights: must be positive"):
        EnsembleLabels(weights=(1.0, 0.0))
    content = {"labellers": ["JumpModelLabels", {"EpisodeLabels": {"depth": 3}}]}
    assert build(EnsembleLabels, content, "x.yaml") == EnsembleLabels(
        labellers=(JumpModelLabels(), DEEP)
    )

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from regime.errors import ConfigError, InvalidDataError
from regime.pipeline.walk_forward import final_model
from regime.studies.explain.model_in_force import model_in_force


def test_the_model_of_every_block_gives_the_bits_of_the_walk_forward(quick, forecast):
    settings, market_data, features = quick
    for fold in forecast.folds:
        for position in (fold.test[0], fold.test[len(fold.test) // 2], fold.test[-1]):
            day = features.index[position]
            in_force = model_in_force(settings, features, market_data.market, day)
            assert (in_force.session, in_force.refit) == (day, fold.refit)
            row = in_force.model.predict_proba(features.loc[[day]])[0]
            assert row.tobytes() == forecast.probabilities.loc[day].to_numpy().tobytes()


def test_sessions_after_the_day_change_nothing(quick):
    settings, market_data, features = quick
    day = pd.Timestamp("2013-10-09")
    changed, market = features.copy(), market_data.market.copy()
    changed.loc[changed.index > day] = 99.0
    market.loc[market.index > day] *= np.random.default_rng(1).uniform(
        0.1, 9.0, size=market[market.index > day].shape
    )
    before, after = (
        model_in_force(settings, *frames, day)
        for frames in ((features, market_data.market), (changed, market))
    )
    assert before.model.parts == after.model.parts and before.window == after.window


def test_a_day_without_a_session_counts_as_the_one_before(quick):
    settings, market_data, features = quick
    saturday = pd.Timestamp("2013-10-12")
    assert saturday not in features.index
    assert model_in_force(settings, features, market_data.market, saturday).session == pd.Timestamp(
        "2013-10-11"
    )


def test_after_the_last_session_it_is_the_model_that_a_run_saves(quick):
    settings, market_data, features = quick
    found = model_in_force(
        settings, features, market_data.market, features.index[-1] + pd.Timedelta(days=40)
    )
    saved, window = final_model(settings, features, market_data.market)
    assert found.session == found.refit == features.index[-1]
    assert found.model.parts == saved.parts_ and found.window == window
    inside = model_in_force(settings, features, market_data.market, features.index[-1])
    assert inside.refit < features.index[-1] and inside.model.parts != saved.parts_


@pytest.mark.parametrize("day", ["2011-12-30", "2012-01-02", "1999-01-04"])
def test_before_the_first_block_there_is_no_model(quick, day):
    settings, market_data, features = quick
    with pytest.raises(
        ConfigError,
        match=r"as_of: no model was in force on .*begins on 2012-01-03; name a later day",
    ):
        model_in_force(settings, features, market_data.market, pd.Timestamp(day))


def test_a_block_that_had_too_little_history_is_named(quick):
    settings, market_data, features = quick
    strict = replace(settings, splits=replace(settings.splits, minimum_train=1700))
    with pytest.raises(
        InvalidDataError, match="no model could be fitted at the close of 2011-12-30"
    ):
        model_in_force(strict, features, market_data.market, pd.Timestamp("2012-05-01"))

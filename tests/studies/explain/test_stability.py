from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from regime.errors import ConfigError
from regime.parallel import NoProgress
from regime.studies.explain.stability import importance_by_refit, stability_table


def test_importance_is_of_each_blocks_own_model(quick, forecast):
    settings, market_data, features = quick
    importance = importance_by_refit(
        settings, features, market_data.market, pd.Timestamp("2013-06-03"), NoProgress()
    )
    assert list(importance.index) == [fold.refit for fold in forecast.folds[:2]]
    assert set(importance.columns) == set(settings.model.columns)
    assert (importance >= 0).all(axis=None)
    table = stability_table(importance, settings.features.specs)
    assert np.allclose(table.drop(columns="rank_correlation").sum(axis=1), 1.0)
    assert np.isnan(table["rank_correlation"].iloc[0])
    assert table["rank_correlation"].iloc[1:].between(-1, 1).all()


def test_rank_correlation_is_one_for_the_same_order_and_minus_one_for_the_reverse(specs):
    importance = pd.DataFrame(
        [[3.0, 2.0, 1.0], [9.0, 5.0, 4.0], [1.0, 2.0, 3.0], [0.0, 0.0, 0.0]], columns=list("abc")
    )
    found = stability_table(importance, specs)["rank_correlation"]
    np.testing.assert_allclose(found, [np.nan, 1.0, -1.0, np.nan])


def test_without_a_trained_refit_there_is_no_stability(quick):
    settings, market_data, features = quick
    strict = replace(settings, splits=replace(settings.splits, minimum_train=10**6))
    with pytest.raises(ConfigError, match="stability: no refit up to 2014-01-02 could be trained"):
        importance_by_refit(
            strict, features, market_data.market, pd.Timestamp("2014-01-02"), NoProgress()
        )

"""Combinatorial splits of the shipped model on real labels, on years before the test alone."""

import numpy as np
import pytest
from sklearn.model_selection import cross_validate

from regime.evaluation.paths import path_distribution
from regime.evaluation.scores import log_losses
from regime.parallel import NoProgress
from regime.pipeline.market_data import read_market_data
from regime.pipeline.settings import load_settings
from regime.pipeline.walk_forward import signed_model
from regime.schema import STRESS_CODE
from regime.splits.combinatorial import CombinatorialPurgedKFold

LAST = "2004-12-31"


@pytest.fixture(scope="module")
def known(real_data):
    """Shipped model, features and labels of sessions whose regime was known by end of 2004."""
    settings = load_settings("us_macro.yaml", ["model.seeds=1", "model.linear_weight=1.0"])
    market_data = read_market_data(settings, real_data, NoProgress())
    labels = settings.labels(market_data.market.loc[:LAST])
    rows = labels.known_at.notna().to_numpy()
    model = signed_model(settings)
    return model, settings.features(market_data.panel).loc[:LAST, list(model.columns)][rows], labels


def score(model, X, y):
    return -log_losses(y.to_numpy()[:, STRESS_CODE], model.predict_proba(X)[:, STRESS_CODE]).mean()


@pytest.mark.real
def test_paths_of_the_shipped_model(known):
    model, X, labels = known
    splits = CombinatorialPurgedKFold()
    y = labels.weights.loc[X.index]
    found = cross_validate(
        model,
        X,
        y,
        cv=splits.purged_by(labels),
        scoring=score,
        return_estimator=True,
        return_indices=True,
        error_score="raise",
    )
    ends = np.maximum(labels.span_end, labels.known_at).loc[X.index]
    for indices, chosen in zip(found["indices"]["train"], splits.tested, strict=True):
        edges = splits.edges(len(X))
        assert len(indices) > 5000  # spans of years must not eat the training rows
        for group in chosen:
            dates = X.index[edges[group] : edges[group + 1]]
            reach, train = ends.loc[dates].max(), X.index[indices]
            assert ((ends.iloc[indices] < dates[0]).to_numpy() | (train > reach)).all()
    tests = zip(found["estimator"], found["indices"]["test"], strict=True)
    paths = splits.assemble(
        [model.predict_proba(X.iloc[rows])[:, STRESS_CODE] for model, rows in tests], len(X)
    )
    truth = y.to_numpy()[:, STRESS_CODE]
    losses = path_distribution(lambda path: log_losses(truth, path).mean(), paths, name="log loss")
    assert paths.shape == (5, len(X)) and np.isfinite(paths).all()
    assert losses.values.max() < 0.9 * log_losses(truth, np.full(len(X), truth.mean())).mean()
    assert 0 < losses.deviation < 0.05

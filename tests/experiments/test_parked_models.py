"""Models that are parked in experiments/ still fit, and labels of onsets still follow the falls."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from regime.labels.episodes import EpisodeLabels
from regime.models.classifier import DeleveragingClassifier, TreeSettings
from regime.schema import REGIMES, STRESS_CODE
from regime.splits.walk_forward import PurgedWalkForward

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
SMALL = TreeSettings(rounds=15, leaf_rows=20, column_share=0.5)


@pytest.fixture(autouse=True)
def scripts(monkeypatch):
    """Modules of experiments/ by name, as its scripts import them."""
    monkeypatch.syspath_prepend(str(EXPERIMENTS))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", None)).startswith(str(EXPERIMENTS)):
            del sys.modules[name]


@pytest.fixture
def rows():
    rng = np.random.default_rng(8)
    X = pd.DataFrame(rng.normal(size=(600, 3)), columns=["rank", "a", "b"])
    stress = rng.random(600) < 1 / (1 + np.exp(-(1.5 * X["a"] + X["rank"] - 1)))
    calm = np.where(X["b"] > 0, "calm", np.where(X["b"] > -0.7, "fragile", "recovery"))
    return X, np.where(stress, "deleveraging", calm)


@pytest.fixture
def market():
    rng = np.random.default_rng(11)
    shocks = rng.standard_t(4, (1500, 2)) * 0.01
    dates = pd.bdate_range("2000-01-03", periods=1500, name="date")
    return pd.DataFrame(100 * np.exp(shocks.cumsum(axis=0)), index=dates, columns=["sp500", "gold"])


def check_probabilities(p, y):
    assert p.shape == (len(y), len(REGIMES))
    np.testing.assert_allclose(p.sum(axis=1), 1.0, atol=1e-12)
    stress = y == "deleveraging"
    assert p[stress, STRESS_CODE].mean() > 1.2 * p[~stress, STRESS_CODE].mean()


@pytest.mark.parametrize("library", ["sklearn", "catboost"])
def test_trees_of_another_library_fit(rows, library):
    pytest.importorskip(library, reason="not installed with the package")
    import challengers

    kinds = {
        "sklearn": challengers.HistGradientChallenger,
        "catboost": challengers.CatBoostChallenger,
    }
    X, y = rows
    plan = {"core": ("a", "rank"), "trees": SMALL, "phase_trees": SMALL}
    model = kinds[library](**plan).fit(X, y)
    check_probabilities(model.predict_proba(X), y)
    assert not hasattr(model, "parts_")  # which a bundle would be written from
    ours, theirs = (
        kind(**plan, linear_weight=1.0).fit(X, y)
        for kind in (kinds[library], DeleveragingClassifier)
    )
    assert ours.heads_.linear == theirs.parts_.linear


def test_boosting_on_a_baseline_fits_and_without_trees_is_its_curve(rows):
    from residual_boosting import ResidualBoostingClassifier

    from regime.models.calibration_curves import fit_platt

    X, y = rows
    plan = {"core": ("a",), "baseline": "rank", "phase_trees": SMALL}
    model = ResidualBoostingClassifier(**plan, trees=SMALL).fit(X, y)
    assert model.columns == ("a", "rank")
    check_probabilities(model.predict_proba(X), y)
    leafless = ResidualBoostingClassifier(**plan, trees=TreeSettings(leaf_rows=10**6), clip=10.0)
    curve = fit_platt(X["rank"].to_numpy(), (y == "deleveraging").astype(float))
    np.testing.assert_allclose(
        leafless.fit(X, y).predict_proba(X)[:, STRESS_CODE],
        curve.predict(X["rank"].to_numpy()),
        atol=1e-12,
    )


def test_onsets_are_the_sessions_before_a_peak_and_known_when_the_horizon_is_over(market):
    from onset_labels import OnsetLabels

    labeller = EpisodeLabels(depth=1.0)
    labels = OnsetLabels(labellers=(labeller,), horizon=21)(market)
    peaks = market.index.get_indexer(labeller.episodes(market)["start"])
    onset = [any(t < peak + 1 <= t + 21 for peak in peaks) for t in range(len(market))]
    known = labels.known_at.notna().to_numpy()
    share = labels.weights["deleveraging"].to_numpy()
    assert known.any() and 0 < share[known].mean() < 1
    assert (share[known] == np.array(onset, dtype=float)[known]).all()
    waited = market.index.get_indexer(labels.known_at[known]) - np.flatnonzero(known)
    # At the earliest: where falls follow each other closely, no row may be known that soon.
    assert waited.min() >= 21
    date = market.index[900]
    part = OnsetLabels(labellers=(labeller,), horizon=21)(market[:901])
    assert (labels.known_by(date)[:901] == part.known_by(date)).all()


def test_the_onset_head_walks_forward_on_what_each_refit_knew(market):
    from datetime import date

    from onset_head import ONSET, walk_onset
    from onset_labels import OnsetLabels

    X = pd.DataFrame({"past": market["sp500"].pct_change(20)})
    onset = OnsetLabels(labellers=(EpisodeLabels(depth=1.0),))
    splits = PurgedWalkForward(first_test=date(2004, 1, 1), minimum_train=400)
    model = DeleveragingClassifier(
        core=("past",), trees=SMALL, phase_trees=TreeSettings(leaf_rows=10**9)
    )
    whole, part = (
        walk_onset(model, X[:n], onset(market[:n]), splits.folds(X.index[:n]), minimum_train=400)
        for n in (1500, 1300)
    )
    assert whole.name == ONSET and whole["2004":].between(0, 1).all()
    pd.testing.assert_series_equal(whole[:1300], part, check_exact=True)


@pytest.mark.parametrize("script", sorted(EXPERIMENTS.glob("*.py")), ids=lambda path: path.stem)
def test_a_script_compiles(script):
    compile(script.read_text(encoding="utf-8"), str(script), "exec")

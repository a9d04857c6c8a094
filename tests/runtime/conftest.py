"""A small fitted model and its bundle, made once."""

import lightgbm
import numpy as np
import pytest

from regime.runtime.bundle import write_bundle
from regime.runtime.formula import Linear, ModelParts

FEATURES = ("rates_change_63", "vix_level_1", "trend_exposure_252", "gex_rank_252", "breadth_5")
QUIET = {"verbosity": -1, "num_threads": 1, "deterministic": True, "force_row_wise": True}


@pytest.fixture(scope="session")
def saved_parts():
    random = np.random.default_rng(3)
    x = random.normal(size=(500, len(FEATURES)))
    x[random.random(x.shape) < 0.1] = np.nan
    stress = (np.nan_to_num(x[:, 0]) + random.normal(size=500) > 0.5).astype(float)

    def text(seed, label, columns, **params):
        data = lightgbm.Dataset(x, label, feature_name=columns)
        return lightgbm.train({**QUIET, "seed": seed, **params}, data, 12).model_to_string()

    return ModelParts(
        features=FEATURES,
        stress_boosters=tuple(
            text(seed, stress, list(FEATURES), objective="binary", extra_trees=True)
            for seed in (1, 2)
        ),
        linear=Linear(
            center=(0.1, 0.2, 0.3, 0.4, 1 / 3),
            scale=(1.0, 2.0, 3.0, 0.7, 1e-3),
            clip=(3.0,) * 5,
            coef=(0.5, 0.0, -0.2, 1 / 7, 1e-17),
            intercept=-0.2,
        ),
        linear_weight=0.4,
        slope=1.1,
        intercept=-0.3,
        # Trained on a bare array: its columns are called Column_0, ...
        phase_booster=text(
            3, random.integers(0, 3, 500), "auto", objective="multiclass", num_class=3
        ),
        phase_prior=(0.6, 0.2, 0.2),
    )


@pytest.fixture(scope="session")
def golden_columns():
    x = np.random.default_rng(4).normal(size=(20, len(FEATURES)))
    x[3, 0] = x[7, 2] = np.nan
    return {name: x[:, i] for i, name in enumerate(FEATURES)}


@pytest.fixture(scope="session")
def bundle_arguments(saved_parts, golden_columns):
    return {
        "parts": saved_parts,
        "golden": golden_columns,
        "rule": {"Threshold": {"enter": 0.6}},
        "training_window": ("1990-01-02", "2004-12-31"),
        "data_hash": "ab" * 32,
    }


@pytest.fixture
def saved_bundle(tmp_path, bundle_arguments):
    return write_bundle(tmp_path / "model", **bundle_arguments)

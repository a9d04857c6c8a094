"""Writing: nothing is lost in the text, and nothing is ever half there."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from regime.errors import BundleError, ConfigError
from regime.runtime.bundle import write_bundle
from regime.runtime.formula import Linear, ModelParts
from regime.runtime.predict import SavedModel, load_model


def test_what_is_loaded_equals_what_was_saved(saved_bundle, saved_parts, golden_columns):
    model = load_model(saved_bundle)
    assert model.parts == saved_parts
    np.testing.assert_array_equal(
        model.predict_proba(golden_columns), SavedModel(saved_parts).predict_proba(golden_columns)
    )


def test_equal_parts_give_equal_bytes(tmp_path, bundle_arguments):
    one, two = (write_bundle(tmp_path / name, **bundle_arguments) for name in ("one", "two"))
    assert {path.name: path.read_bytes() for path in one.iterdir()} == {
        path.name: path.read_bytes() for path in two.iterdir()
    }


def test_the_bundle_says_where_it_comes_from(saved_bundle):
    about = load_model(saved_bundle).metadata
    assert about["rule"] == {"Threshold": {"enter": 0.6}}
    assert about["training_window"] == {"first": "1990-01-02", "last": "2004-12-31"}
    assert about["data_hash"] == "ab" * 32
    assert set(about["versions"]) >= {"python", "numpy", "lightgbm"}


def test_json_is_strict_and_missing_golden_values_are_null(saved_bundle):
    def refuse(name):
        raise AssertionError(name)

    for path in saved_bundle.glob("*.json"):
        json.loads(path.read_text(), parse_constant=refuse)
    assert (
        json.loads((saved_bundle / "golden.json").read_text())["columns"]["rates_change_63"][3]
        is None
    )


@pytest.mark.parametrize(
    "parts",
    [
        ModelParts(
            features=("a",),
            linear=Linear(center=(0.0,), scale=(1.0,), clip=(1.0,), coef=(1.0,), intercept=0.0),
            linear_weight=1.0,
            phase_prior=(1.0, 0.0, 0.0),
        ),
    ],
    ids=["linear alone"],
)
def test_a_model_without_boosters_is_saved_too(tmp_path, parts):
    folder = write_bundle(
        tmp_path / "m",
        parts,
        golden={"a": [0.5, np.nan]},
        rule={},
        training_window=("a", "b"),
        data_hash="",
    )
    assert load_model(folder).parts == parts


def test_a_thousand_features_and_a_large_rule_are_fine(tmp_path):
    n = 1000
    names = tuple(f"feature_{i}" for i in range(n))
    values = tuple(np.random.default_rng(0).normal(size=n).tolist())
    linear = Linear(center=values, scale=(1.0,) * n, clip=(3.0,) * n, coef=values, intercept=0.0)
    parts = ModelParts(
        features=names, linear=linear, linear_weight=1.0, phase_prior=(1.0, 0.0, 0.0)
    )
    golden = {name: np.full(20, 1 / 3) for name in names}
    folder = write_bundle(
        tmp_path / "m",
        parts,
        golden=golden,
        rule={"text": "x" * 2_000_000},
        training_window=("a", "b"),
        data_hash="",
    )
    assert load_model(folder).parts == parts


def test_probabilities_of_the_fitted_model_must_agree(
    tmp_path, bundle_arguments, saved_parts, golden_columns
):
    fitted = SavedModel(saved_parts).predict_proba(golden_columns)
    write_bundle(tmp_path / "m", **bundle_arguments, golden_probabilities=fitted)
    with pytest.raises(BundleError, match="otherwise than the fitted one"):
        write_bundle(tmp_path / "m", **bundle_arguments, golden_probabilities=fitted + 1e-6)
    with pytest.raises(BundleError, match="otherwise than the fitted one"):
        write_bundle(tmp_path / "m", **bundle_arguments, golden_probabilities=fitted[:3])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rule": {"enter": float("nan")}}, "model.json: content must be plain and finite"),
        ({"rule": {"path": Path()}}, "model.json: content must be plain"),
        (
            {
                "golden": dict.fromkeys(
                    (
                        "rates_change_63",
                        "vix_level_1",
                        "trend_exposure_252",
                        "gex_rank_252",
                        "breadth_5",
                    ),
                    np.empty(0),
                )
            },
            "at least one row",
        ),
    ],
)
def test_content_that_cannot_be_saved_leaves_nothing(tmp_path, bundle_arguments, change, message):
    with pytest.raises(BundleError, match=message):
        write_bundle(tmp_path / "deep" / "m", **{**bundle_arguments, **change})
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_no_bundle_is_never_replaced(tmp_path, bundle_arguments):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ConfigError, match="would be lost"):
        write_bundle(tmp_path, **bundle_arguments)
    with pytest.raises(ConfigError, match="is a file; a saved model is a folder"):
        write_bundle(tmp_path / "thesis.txt", **bundle_arguments)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


class Fault(OSError):
    pass


def fail_at(monkeypatch, owner, name, count):
    """The call number `count` of `owner.name` raises; answers how often it was called."""
    original, calls = getattr(owner, name), []

    def call(*args, **kwargs):
        calls.append(name)
        if len(calls) == count:
            raise Fault(f"{name} call {count}")
        return original(*args, **kwargs)

    monkeypatch.setattr(owner, name, call)
    return calls


@pytest.mark.parametrize("older", [False, True], ids=["first bundle", "older bundle"])
@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (os, "fsync"),
        (os, "replace"),
        (os, "rename"),
        (os, "open"),
        (os, "mkdir"),
        (Path, "write_bytes"),
        (Path, "read_bytes"),
    ],
    ids=["fsync", "replace", "rename", "open", "mkdir", "write", "read back"],
)
def test_a_fault_at_any_step_leaves_the_old_bundle_or_none(
    tmp_path, bundle_arguments, owner, name, older
):
    folder = tmp_path / "model"
    if older:
        write_bundle(folder, **bundle_arguments)
    standing, raised, count, calls = "ab" * 32 if older else None, 0, 0, [None]
    while len(calls) >= count:  # until the fault lies behind the last call
        count += 1
        with pytest.MonkeyPatch.context() as patch:
            calls = fail_at(patch, owner, name, count)
            try:
                write_bundle(folder, **{**bundle_arguments, "data_hash": "cd" * 32})
                standing = "cd" * 32  # no fault, or one in clearing up
                continue
            except (Fault, ConfigError, BundleError):
                raised += 1
        assert (load_model(folder).metadata["data_hash"] if folder.exists() else None) == standing
        assert [path for path in tmp_path.iterdir() if path != folder] == []
    assert raised or (name, older) == ("rename", False)  # only an older bundle is moved first
    assert load_model(folder).metadata["data_hash"] == "cd" * 32
    assert [path for path in tmp_path.iterdir() if path != folder] == []

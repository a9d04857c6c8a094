"""Loading: only what was written is used, by name, with numpy and lightgbm alone."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace

import lightgbm
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regime.errors import BundleError, InvalidDataError, MissingDataError
from regime.runtime.formula import REGIMES, ModelParts
from regime.runtime.manifest import MANIFEST, make_manifest
from regime.runtime.predict import SavedModel, load_model


def forge(folder, name, change):
    """Change one JSON file and write a manifest that fits: damage that a hash cannot find."""
    content = json.loads((folder / name).read_text())
    change(content)
    (folder / name).write_text(json.dumps(content))
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != MANIFEST}
    (folder / MANIFEST).write_bytes(make_manifest(files))


@pytest.fixture
def no_lightgbm(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("lightgbm saw a damaged file")

    monkeypatch.setattr(lightgbm, "Booster", refuse)


def test_columns_go_by_name_and_others_are_ignored(saved_bundle, golden_columns):
    model = load_model(saved_bundle)
    expected = model.predict_proba(golden_columns)
    frame = pd.DataFrame(golden_columns)[list(reversed(model.features))].assign(
        note="text", other=np.inf
    )
    np.testing.assert_array_equal(model.predict_proba(frame), expected)
    assert expected.shape == (20, 4) and np.abs(expected.sum(axis=1) - 1).max() < 1e-12


def test_a_row_scores_the_same_alone_and_among_many(saved_bundle, golden_columns):
    model = load_model(saved_bundle)
    whole = model.predict_proba(golden_columns)
    for row in range(20):
        alone = model.predict_proba(
            {name: values[row : row + 1] for name, values in golden_columns.items()}
        )
        np.testing.assert_array_equal(alone[0], whole[row])


def test_contributions_sum_to_the_log_odds(saved_bundle, golden_columns):
    model = load_model(saved_bundle)
    given, stress = model.contributions(golden_columns), model.predict_proba(golden_columns)[:, 2]
    np.testing.assert_allclose(given.sum(axis=1), np.log(stress / (1 - stress)), atol=1e-9)
    assert given.shape == (20, len(model.features) + 1) and np.ptp(given[:, -1]) < 1e-12
    empty = {name: values[:0] for name, values in golden_columns.items()}
    assert model.contributions(empty).shape == (0, len(model.features) + 1)


def test_a_missing_value_adds_nothing_to_the_logistic(saved_parts):
    logistic = replace(saved_parts, stress_boosters=(), linear_weight=1.0)
    row = dict.fromkeys(logistic.features, np.array([0.5])) | {
        logistic.features[0]: np.array([np.nan])
    }
    given = SavedModel(logistic).contributions(row)[0]
    assert given[0] == 0 and given[2] == pytest.approx(1.1 * -0.2 * (0.5 - 0.3) / 3.0)


def test_predict_names_the_most_probable_regime(saved_bundle, golden_columns):
    model = load_model(saved_bundle)
    expected = [REGIMES[code] for code in model.predict_proba(golden_columns).argmax(axis=1)]
    assert model.predict(golden_columns).tolist() == expected
    assert model.regimes == REGIMES


def test_no_rows_give_no_rows(saved_bundle):
    model = load_model(saved_bundle)
    assert model.predict_proba({name: [] for name in model.features}).shape == (0, 4)


def test_a_missing_column_is_named(saved_bundle, golden_columns):
    columns = {
        "vix_levl_1" if name == "vix_level_1" else name: values
        for name, values in golden_columns.items()
    }
    with pytest.raises(
        InvalidDataError, match="`vix_level_1` is missing; did you mean to call `vix_levl_1` so"
    ):
        load_model(saved_bundle).predict_proba(columns)


@given(data=st.data())
@settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_flipped_byte_anywhere_is_refused_before_lightgbm(saved_bundle, no_lightgbm, data):
    path = data.draw(st.sampled_from(sorted(saved_bundle.iterdir())))
    content = path.read_bytes()
    place = data.draw(st.integers(0, len(content) - 1))
    flipped = content[place] ^ data.draw(st.integers(1, 255))
    path.write_bytes(content[:place] + bytes([flipped]) + content[place + 1 :])
    try:
        with pytest.raises(BundleError):
            load_model(saved_bundle)
    finally:
        path.write_bytes(content)


@given(data=st.data())
@settings(
    deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_cut_or_longer_file_is_refused_before_lightgbm(saved_bundle, no_lightgbm, data):
    path = data.draw(st.sampled_from(sorted(saved_bundle.iterdir())))
    content = path.read_bytes()
    cut = data.draw(st.integers(0, len(content) - 1))
    path.write_bytes(content[:cut] if data.draw(st.booleans()) else content + content[cut:])
    try:
        with pytest.raises(BundleError):
            load_model(saved_bundle)
    finally:
        path.write_bytes(content)


def test_files_of_two_bundles_do_not_mix(saved_bundle, no_lightgbm):
    one, two = saved_bundle / "stress_0.txt", saved_bundle / "stress_1.txt"
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)
    with pytest.raises(BundleError) as error:
        load_model(saved_bundle)
    assert len(error.value.faults) == 2


def test_golden_rows_that_do_not_come_out_again_refuse_the_model(saved_bundle):
    def nudge(content):
        content["probabilities"][5][2] += 2e-9

    forge(saved_bundle, "golden.json", nudge)
    with pytest.raises(BundleError, match="golden row 5"):
        load_model(saved_bundle)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        (
            "model.json",
            lambda c: c["versions"].update(lightgbm="3.3.5"),
            "written with lightgbm 3.3.5.*>=3,<4",
        ),
        ("model.json", lambda c: c["versions"].update(lightgbm="new"), "expected form"),
        ("model.json", lambda c: c["features"].reverse(), "golden row 0"),
        ("model.json", lambda c: c["features"].pop(), "5 coefficients for 4 features"),
        ("model.json", lambda c: c["features"].append(c["features"][0]), "unique"),
        ("model.json", lambda c: c["regimes"].reverse(), "regimes are"),
        (
            "model.json",
            lambda c: c.update(stress_boosters=["phase.txt"]),
            "gives 3 scores a row, must give 1",
        ),
        ("model.json", lambda c: c.update(stress_boosters=["../x.txt"]), "expected form"),
        (
            "model.json",
            lambda c: c.update(stress_boosters=["golden.json"]),
            "lightgbm cannot read it",
        ),
        ("model.json", lambda c: c.pop("calibration"), "expected form"),
        ("model.json", lambda c: c.update(linear_weight=7), "linear_weight"),
        ("model.json", lambda c: c.update(linear="x"), "expected form"),
        ("model.json", lambda c: c["linear"].update(intercept="x"), "expected form"),
        ("golden.json", lambda c: c.update(probabilities=[]), "no rows"),
        ("golden.json", lambda c: c["probabilities"].pop(), "shape"),
        ("golden.json", lambda c: c["probabilities"][0].__setitem__(0, None), "golden row 0"),
        ("golden.json", lambda c: c["columns"].pop("breadth_5"), "`breadth_5` is missing"),
    ],
)
def test_a_forged_bundle_is_refused_in_words(saved_bundle, name, change, message):
    forge(saved_bundle, name, change)
    with pytest.raises(BundleError, match=message):
        load_model(saved_bundle)


@pytest.mark.parametrize("name", ["model.json", "golden.json"])
def test_a_bundle_without_its_model_or_golden_rows_is_refused(saved_bundle, name):
    (saved_bundle / name).unlink()
    files = {
        path.name: path.read_bytes() for path in saved_bundle.iterdir() if path.name != MANIFEST
    }
    (saved_bundle / MANIFEST).write_bytes(make_manifest(files))
    with pytest.raises(BundleError, match="expected form"):
        load_model(saved_bundle)


def test_no_folder_is_missing_data(tmp_path):
    with pytest.raises(MissingDataError, match="a saved model is a folder"):
        load_model(tmp_path / "nowhere")


def test_a_booster_of_other_columns_is_refused(saved_parts):
    other = ModelParts(
        features=("a", *saved_parts.features[1:]),
        stress_boosters=saved_parts.stress_boosters,
        phase_prior=(1.0, 0.0, 0.0),
    )
    with pytest.raises(BundleError, match="stress booster 0"):
        SavedModel(other)


def test_a_booster_finds_its_own_columns_among_the_features(saved_parts, golden_columns):
    stress = saved_parts.stress_boosters
    alone = ModelParts(
        features=saved_parts.features, stress_boosters=stress, phase_prior=(1.0, 0.0, 0.0)
    )
    among = ModelParts(
        features=("extra", *reversed(saved_parts.features)),
        stress_boosters=stress,
        phase_prior=(1.0, 0.0, 0.0),
    )
    columns = {**golden_columns, "extra": np.full(20, 9.0)}
    np.testing.assert_array_equal(
        SavedModel(among).predict_proba(columns), SavedModel(alone).predict_proba(columns)
    )


ALONE = """
import sys
allowed = {"regime", "regime.arrays", "regime.errors", "regime.runtime"}
blocked = {"pandas", "sklearn", "pyarrow", "mlflow", "yaml", "pydantic", "polars", "joblib"}
blocked |= {"numba", "matplotlib"}

class Wall:
    def find_spec(self, name, path=None, target=None):
        inside = name in allowed or name.startswith("regime.runtime.")
        if name.split(".")[0] in blocked or (name.split(".")[0] == "regime" and not inside):
            raise ImportError(f"{name} is not installed here")

sys.meta_path.insert(0, Wall())
import regime
model = regime.load_model(sys.argv[1])
print(model.predict_proba({name: [0.25, float("nan")] for name in model.features}).tolist())
assert not blocked & set(sys.modules), blocked & set(sys.modules)
"""


def test_it_works_where_only_numpy_and_lightgbm_are_installed(saved_bundle, tmp_path):
    moved = tmp_path / "elsewhere"
    shutil.move(saved_bundle, moved)
    done = subprocess.run(
        [sys.executable, "-c", ALONE, str(moved)], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    model = load_model(moved)
    assert (
        json.loads(done.stdout)
        == model.predict_proba({name: [0.25, np.nan] for name in model.features}).tolist()
    )
    assert done.stderr == ""

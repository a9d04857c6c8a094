"""Write a saved model: LightGBM text, JSON, golden rows and a manifest, whole or not at all."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from regime.artifacts import replaced_folder, to_json
from regime.errors import BundleError, ConfigError
from regime.runtime.columns import to_matrix
from regime.runtime.formula import REGIMES, ModelParts
from regime.runtime.manifest import MANIFEST, make_manifest, read_files
from regime.runtime.predict import TOLERANCE, SavedModel, open_model

__all__ = ["write_bundle"]


def write_bundle(
    folder: str | Path,
    parts: ModelParts,
    *,
    golden: Mapping[str, ArrayLike] | Any,
    golden_probabilities: ArrayLike | None = None,
    rule: Mapping[str, Any],
    training_window: tuple[str, str],
    data_hash: str,
    versions: Mapping[str, str] | None = None,
    about: Mapping[str, Any] | None = None,
) -> Path:
    """Save a model that `load_model` reads.

    The bundle is written to a temporary folder, read back, checked against its golden rows, and
    only then renamed; an older bundle is replaced, or left unchanged after an error.

    Parameters
    ----------
    folder : str or Path
        Destination: absent, empty, or an older bundle.
    parts : ModelParts
    golden : mapping of name to array, or a data frame, n_rows >= 1
        Rows that every loader must reproduce; about 20 will do. NaN is allowed.
    golden_probabilities : array, shape (n_rows, 4), optional
        What the fitted model gave for them. Without it the probabilities are those of `parts`.
    rule : mapping
        Parameters of the exposure rule: plain content.
    training_window : (first, last) dates as ISO text
    data_hash : str
        SHA-256 of the data it was trained on.
    versions : mapping, optional
        Versions beyond those of python, numpy and lightgbm, which are always noted.
    about : mapping, optional
        Anything else that a reader wants to know: plain content.

    Returns
    -------
    Path
        `folder`.

    Raises
    ------
    BundleError
        If the saved model does not give `golden_probabilities` within 1e-9, or content is not
        plain.
    ConfigError
        If `folder` holds something that is not a bundle.
    """
    folder = Path(folder)
    _refuse_other_content(folder)
    model = SavedModel(parts)
    first, last = training_window
    notes = {
        **(about or {}),
        "rule": dict(rule),
        "training_window": {"first": first, "last": last},
        "data_hash": data_hash,
        "versions": {**(versions or {}), **_versions()},
    }
    files = _booster_files(parts)
    files["model.json"] = _json(
        {**_content(parts), "versions": notes["versions"], "about": notes}, "model.json"
    )
    files["golden.json"] = _json(_golden(model, golden, golden_probabilities), "golden.json")
    with replaced_folder(folder) as staged:
        for name, content in {**files, MANIFEST: make_manifest(files)}.items():
            (staged / name).write_bytes(content)
        open_model(read_files(staged), str(folder))
    return folder


def _refuse_other_content(folder: Path) -> None:
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MANIFEST).is_file():
        raise ConfigError(
            f"{folder}: holds files that are not a saved model and would be lost; "
            "name another folder"
        )
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder}: is a file; a saved model is a folder")


def _booster_files(parts: ModelParts) -> dict[str, bytes]:
    files = {f"stress_{i}.txt": text.encode() for i, text in enumerate(parts.stress_boosters)}
    return (
        files
        if parts.phase_booster is None
        else {**files, "phase.txt": parts.phase_booster.encode()}
    )


def _content(parts: ModelParts) -> dict[str, Any]:
    return {
        "features": list(parts.features),
        "regimes": list(REGIMES),
        "stress_boosters": [f"stress_{i}.txt" for i in range(len(parts.stress_boosters))],
        "linear": None if parts.linear is None else asdict(parts.linear),
        "linear_weight": parts.linear_weight,
        "calibration": {"slope": parts.slope, "intercept": parts.intercept},
        "phase_booster": None if parts.phase_booster is None else "phase.txt",
        "phase_prior": list(parts.phase_prior),
    }


def _golden(model: SavedModel, golden: Any, expected: ArrayLike | None) -> dict[str, Any]:
    x = to_matrix(golden, model.features)
    probabilities = model.predict_proba(golden)
    if not len(x):
        raise BundleError("golden: give at least one row, or nothing proves the saved model")
    if expected is not None:
        values = np.asarray(expected, dtype=np.float64)
        if (
            values.shape != probabilities.shape
            or not (np.abs(values - probabilities) <= TOLERANCE).all()
        ):
            raise BundleError(
                "golden_probabilities: the model as saved scores otherwise than the fitted one; "
                "its parts were not all handed over"
            )
    columns = {name: _nullable(x[:, i]) for i, name in enumerate(model.features)}
    return {"columns": columns, "probabilities": probabilities.tolist()}


def _nullable(values: NDArray[np.float64]) -> list[float | None]:
    return [None if value != value else value for value in values.tolist()]


def _versions() -> dict[str, str]:
    import lightgbm

    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "lightgbm": lightgbm.__version__,
    }


def _json(content: Any, name: str) -> bytes:
    try:
        return to_json(content)
    except (TypeError, ValueError) as error:
        raise BundleError(f"{name}: content must be plain and finite ({error})") from None

"""Load a saved model and score named columns; works where only numpy and lightgbm are installed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regime.arrays import Floats
from regime.errors import BundleError, InvalidDataError
from regime.runtime.columns import to_matrix
from regime.runtime.formula import (
    REGIMES,
    Linear,
    ModelParts,
    linear_terms,
    probabilities,
    stress_log_odds,
)
from regime.runtime.manifest import parse_json, read_files

__all__ = ["TOLERANCE", "SavedModel", "load_model", "open_model"]

TOLERANCE = 1e-9


class SavedModel:
    """A fitted classifier that scores named columns.

    Parameters
    ----------
    parts : ModelParts
        What was fitted.
    metadata : mapping, optional
        The rest of the bundle: rule, training window, data hash, versions.

    Raises
    ------
    BundleError
        If a booster's text does not fit the features.

    Examples
    --------
    >>> line = Linear(center=(0.0,), scale=(1.0,), clip=(3.0,), coef=(1.0,), intercept=0.0)
    >>> prior = (0.5, 0.25, 0.25)
    >>> parts = ModelParts(features=("vix",), linear=line, linear_weight=1.0, phase_prior=prior)
    >>> SavedModel(parts).predict_proba({"vix": [0.0]})
    array([[0.25 , 0.125, 0.5  , 0.125]])
    """

    def __init__(self, parts: ModelParts, metadata: Mapping[str, Any] | None = None) -> None:
        self.parts = parts
        self.metadata: dict[str, Any] = dict(metadata or {})
        self._stress = [
            _booster(text, parts.features, 1, f"stress booster {i}")
            for i, text in enumerate(parts.stress_boosters)
        ]
        self._phase = (
            _booster(parts.phase_booster, parts.features, 3, "phase booster")
            if parts.phase_booster
            else None
        )

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the columns that a call needs."""
        return self.parts.features

    @property
    def regimes(self) -> tuple[str, ...]:
        """Names of the columns of `predict_proba`, in order."""
        return REGIMES

    def predict_proba(self, columns: Any) -> Floats:
        """Probabilities of the regimes.

        Parameters
        ----------
        columns : mapping of name to one-dimensional array, or a data frame
            At least `features`, in any order and in their own units; NaN is allowed, other columns
            are ignored.

        Returns
        -------
        ndarray, shape (n_rows, 4)
            Columns in `regimes` order, rows sum to 1, never NaN. A row's bits do not depend on the
            other rows.

        Raises
        ------
        InvalidDataError
            Naming the columns that are missing, hold text or infinities, or differ in length.

        **Known at:** a row uses that row of `columns` alone.
        """
        x = to_matrix(columns, self.features)
        if not len(x):
            return np.empty((0, len(REGIMES)))
        parts = self.parts
        raw = np.column_stack(
            [np.empty((len(x), 0)), *(head.raw_scores(x) for head in self._stress)]
        )
        blend = stress_log_odds(x, raw, linear=parts.linear, linear_weight=parts.linear_weight)
        return probabilities(
            blend,
            None if self._phase is None else self._phase.raw_scores(x),
            slope=parts.slope,
            intercept=parts.intercept,
            phase_prior=parts.phase_prior,
        )

    def contributions(self, columns: Any) -> Floats:
        """What each feature adds to the calibrated log-odds of a deleveraging.

        Parameters
        ----------
        columns : mapping of name to one-dimensional array, or a data frame
            As in `predict_proba`.

        Returns
        -------
        ndarray, shape (n_rows, n_features + 1)
            Columns in the order of `features`, the last the same for all rows of a model: its
            baseline. A row sums to the log-odds of its probability of
            ``deleveraging``.

        **Source:** for the trees the Shapley values of Lundberg and Lee, as lightgbm's
        ``pred_contrib`` gives them.
        """
        x, parts = to_matrix(columns, self.features), self.parts
        total = np.zeros((len(x), len(self.features) + 1))
        if not len(x):
            return total
        for head in self._stress:
            total += (1.0 - parts.linear_weight) / len(self._stress) * head.contributions(x)
        if parts.linear is not None:
            total[:, :-1] += parts.linear_weight * linear_terms(x, parts.linear)
            total[:, -1] += parts.linear_weight * parts.linear.intercept
        total *= parts.slope
        total[:, -1] += parts.intercept
        return total

    def predict(self, columns: Any) -> NDArray[np.str_]:
        """Most probable regime of each row, shape (n_rows,); `columns` as in `predict_proba`."""
        names: NDArray[np.str_] = np.asarray(REGIMES)
        most: NDArray[np.intp] = self.predict_proba(columns).argmax(axis=1)
        return names[most]


def load_model(path: str | Path) -> SavedModel:
    """Saved model of a folder, checked before use.

    The manifest is checked before lightgbm sees a byte (a cut model text can crash the process, a
    changed one can be silently wrong); then versions; then the golden rows must come out again
    within 1e-9.

    Parameters
    ----------
    path : str or Path
        Folder written by `regime run`.

    Returns
    -------
    SavedModel

    Raises
    ------
    MissingDataError
        If there is no such folder.
    BundleError
        If anything in it is not as written.
    """
    return open_model(read_files(Path(path)), str(path))


def open_model(files: Mapping[str, bytes], location: str) -> SavedModel:
    """Saved model of files whose manifest was checked.

    Versions and golden rows are checked here.
    """
    try:
        content = parse_json(files["model.json"], f"{location}/model.json")
        golden = parse_json(files["golden.json"], f"{location}/golden.json")
        if tuple(content["regimes"]) != REGIMES:
            raise BundleError(
                f"regimes are {content['regimes']}, this package knows {list(REGIMES)}"
            )
        _check_lightgbm(str(content["versions"]["lightgbm"]))
        model = SavedModel(_parts(content, files), content["about"])
        _check_golden(model, golden)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BundleError(
            f"{location}: model.json or golden.json does not have the expected form ({error!r})"
        ) from None
    except InvalidDataError as error:
        raise BundleError([f"{location}: {fault}" for fault in error.faults]) from None
    return model


def _parts(content: Mapping[str, Any], files: Mapping[str, bytes]) -> ModelParts:
    line, phase = content["linear"], content["phase_booster"]
    tuples = (
        {}
        if line is None
        else {key: tuple(line[key]) for key in ("center", "scale", "clip", "coef")}
    )
    return ModelParts(
        features=tuple(content["features"]),
        stress_boosters=tuple(files[name].decode() for name in content["stress_boosters"]),
        linear=None if line is None else Linear(**tuples, intercept=line["intercept"]),
        linear_weight=content["linear_weight"],
        slope=content["calibration"]["slope"],
        intercept=content["calibration"]["intercept"],
        phase_booster=None if phase is None else files[phase].decode(),
        phase_prior=tuple(content["phase_prior"]),
    )


def _check_lightgbm(written: str) -> None:
    import lightgbm

    here = lightgbm.__version__
    if written.split(".")[0] != here.split(".")[0]:
        major = int(written.split(".")[0])
        raise BundleError(
            f"written with lightgbm {written}, here is {here}: the text form may change between "
            f"major versions; install lightgbm>={major},<{major + 1}"
        )


def _check_golden(model: SavedModel, golden: Mapping[str, Any]) -> None:
    columns = {
        name: np.asarray(values, dtype=np.float64) for name, values in golden["columns"].items()
    }
    expected = np.asarray(golden["probabilities"], dtype=np.float64)
    if expected.ndim != 2 or not len(expected):
        raise BundleError("golden.json holds no rows")
    probabilities = model.predict_proba(columns)
    if probabilities.shape != expected.shape:
        raise BundleError(
            f"golden.json: probabilities of shape {expected.shape}, the model gives "
            f"{probabilities.shape}"
        )
    far = ~(np.abs(probabilities - expected) <= TOLERANCE).all(axis=1)
    if far.any():
        row = int(np.flatnonzero(far)[0])
        raise BundleError(
            f"golden row {row} gives {probabilities[row].tolist()}, was "
            f"{expected[row].tolist()} when saved (tolerance {TOLERANCE:g}); this build of "
            "lightgbm or numpy scores differently, do not use it"
        )


@dataclass(frozen=True, eq=False)
class _Head:
    """One booster and the positions of its columns, matched by name, among the features."""

    booster: Any
    positions: NDArray[np.int64]

    def raw_scores(self, x: Floats) -> Floats:
        # One thread: on busy cores two are slower than one, and the order of sums stays fixed.
        columns = np.ascontiguousarray(x[:, self.positions])
        return np.asarray(
            self.booster.predict(columns, raw_score=True, num_threads=1), dtype=np.float64
        )

    def contributions(self, x: Floats) -> Floats:
        """Shapley values by feature and the expected score last, shape (n_rows, n_features + 1)."""
        shapley = self.booster.predict(
            np.ascontiguousarray(x[:, self.positions]), pred_contrib=True, num_threads=1
        )
        values = np.zeros((len(x), x.shape[1] + 1))
        values[:, self.positions] = shapley[:, :-1]
        values[:, -1] = shapley[:, -1]
        return values


def _booster(text: str, features: tuple[str, ...], outputs: int, name: str) -> _Head:
    import lightgbm

    try:
        booster = lightgbm.Booster(model_str=text)
    except lightgbm.basic.LightGBMError as error:
        raise BundleError(f"{name}: lightgbm cannot read it ({error})") from None
    names = booster.feature_name()
    unnamed = all(
        re.fullmatch(r"Column_\d+", column) for column in names
    )  # trained on a bare array
    unknown = set(names) - set(features)
    if len(names) != len(features) if unnamed else unknown:
        raise BundleError(
            f"{name}: its {len(names)} columns are not among the {len(features)} features"
        )
    if booster.num_model_per_iteration() != outputs:
        raise BundleError(
            f"{name}: gives {booster.num_model_per_iteration()} scores a row, must give {outputs}"
        )
    positions = (
        np.arange(len(features))
        if unnamed
        else np.asarray([features.index(column) for column in names])
    )
    return _Head(booster, positions)

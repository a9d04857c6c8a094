"""The classifier: small boosted trees and a sign-bounded logistic, averaged; the door to LightGBM.

P(deleveraging) comes from binary heads, where a monotone constraint means one sign; a second head
shares out what is left among calm, fragile and recovery. A fitted classifier holds `ModelParts`,
and scores with `runtime.formula`: what is saved is what was tested.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from regime.arrays import Floats
from regime.errors import ConfigError, InvalidDataError
from regime.models.linear_head import fit_logistic, loadings
from regime.runtime.formula import Linear, ModelParts
from regime.runtime.predict import SavedModel
from regime.schema import REGIMES, STRESS_CODE

__all__ = ["DeleveragingClassifier", "TreeSettings"]

REST = tuple(position for position in range(len(REGIMES)) if position != STRESS_CODE)


@dataclass(frozen=True, kw_only=True)
class TreeSettings:
    """Size and regularisation of the boosted trees; few, small and slow, for there are few events.

    Parameters
    ----------
    rounds, leaves, leaf_rows : int
        Trees, leaves a tree, least rows a leaf.
    learning_rate, column_share, l2 : float
        Step, share of the columns offered to each tree, ridge on leaf values.

    Examples
    --------
    >>> TreeSettings(leaves=5).arguments(seed=7)["num_leaves"]
    5
    """

    rounds: int = 150
    leaves: int = 7
    leaf_rows: int = 400
    learning_rate: float = 0.03
    column_share: float = 0.3
    l2: float = 10.0

    def __post_init__(self) -> None:
        for name in ("rounds", "leaf_rows"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name}: must be at least 1, got {getattr(self, name)}")
        if self.leaves < 2:
            raise ConfigError(f"leaves: must be at least 2, got {self.leaves}")
        for name in ("learning_rate", "column_share"):
            if not 0 < getattr(self, name) <= 1:
                raise ConfigError(f"{name}: must lie in (0, 1], got {getattr(self, name)}")
        if not self.l2 >= 0:
            raise ConfigError(f"l2: must be 0 or more, got {self.l2}")

    def arguments(self, seed: int) -> dict[str, Any]:
        """LightGBM's names for them, one thread and deterministic."""
        return {
            "num_leaves": self.leaves,
            "min_data_in_leaf": self.leaf_rows,
            "learning_rate": self.learning_rate,
            "feature_fraction": self.column_share,
            "lambda_l2": self.l2,
            "extra_trees": True,
            "seed": seed,
            "num_threads": 1,
            "deterministic": True,
            "force_row_wise": True,
            "verbosity": -1,
        }


@dataclass(kw_only=True, eq=False)
class DeleveragingClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Probabilities of the four regimes from named features.

    Parameters
    ----------
    core : tuple of str
        Features that enter the trees and the logistic on their own.
    composites : mapping of str to tuple of str
        Groups of features that enter the logistic as one prior-signed column each.
    signs : mapping of str to int
        Expected sign of each feature; absent means 0, free. Binding on trees and logistic.
    penalty : float
        Ridge on the logistic's coefficients, in rows.
    composite_weight : float
        Scale of the composites against the core columns; smaller shrinks more.
    linear_weight : float
        Share of the logistic in the averaged log-odds, in [0, 1].
    clip : float
        Bound on standard scores.
    seeds : int
        Boosters that differ by seed alone and are averaged.
    trees, phase_trees : TreeSettings
        Of the binary heads and of the head over the other three regimes.
    seed : int

    Attributes
    ----------
    parts_ : ModelParts
        What a saved model is written from.
    classes_ : ndarray of str, shape (4,)
        `REGIMES`, always all four and in that order.
    feature_names_in_, n_features_in_
        As scikit-learn has them.

    Raises
    ------
    ConfigError
        If a number is out of its range, with every such fault.

    Examples
    --------
    >>> X = pd.DataFrame({"vix": np.linspace(10, 50, 400)})
    >>> y = np.where(X["vix"] > 30, "deleveraging", "calm")
    >>> model = DeleveragingClassifier(core=("vix",), linear_weight=1.0).fit(X, y)
    >>> model.predict(pd.DataFrame({"vix": [12.0, 48.0]})).tolist()
    ['calm', 'deleveraging']
    """

    core: tuple[str, ...]
    composites: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    signs: Mapping[str, int] = field(default_factory=dict)
    penalty: float = 100.0
    composite_weight: float = 1.0
    linear_weight: float = 0.5
    clip: float = 3.0
    seeds: int = 2
    trees: TreeSettings = field(default_factory=TreeSettings)
    phase_trees: TreeSettings = field(default_factory=lambda: TreeSettings(rounds=60))
    seed: int = 7

    def __post_init__(self) -> None:
        # Here and not in fit, as scikit-learn would have it: a typo is reported before data are
        # read.
        faults = [
            f"{name}: must be positive, got {value}"
            for name in ("penalty", "clip", "composite_weight", "seeds")
            if not (value := getattr(self, name)) > 0
        ]
        if not 0 <= self.linear_weight <= 1:
            faults.append(f"linear_weight: must lie in [0, 1], got {self.linear_weight}")
        if self.seed < 0:
            faults.append(f"seed: must be 0 or more, got {self.seed}")
        if not self.core:
            faults.append("core: must name at least one feature")
        faults += [
            f"signs: `{name}` must be -1, 0 or 1, got {sign}"
            for name, sign in self.signs.items()
            if sign not in (-1, 0, 1)
        ]
        if faults:
            raise ConfigError(faults)

    @property
    def columns(self) -> tuple[str, ...]:
        """Features that the model reads, core first, each once."""
        members = (name for group in self.composites.values() for name in group)
        return tuple(dict.fromkeys((*self.core, *members)))

    def fit(self, X: pd.DataFrame, y: Any) -> DeleveragingClassifier:
        """Fit all heads.

        Parameters
        ----------
        X : DataFrame, shape (n_rows, n_columns)
            Must hold `columns`; others are ignored. NaN allowed.
        y : array of str, shape (n_rows,), or of float, shape (n_rows, 4)
            Regimes, or soft weights in `REGIMES` order whose rows sum to 1.

        Raises
        ------
        InvalidDataError
            If a column is missing, X and y differ in length, a label is no regime or no row of
            weights, or no row has any weight of deleveraging or of the rest.
        """
        from threadpoolctl import threadpool_limits

        matrix, weights = self._matrix(X), _soft(y)
        if len(matrix) != len(weights):
            raise InvalidDataError(
                f"fit: X has {len(matrix)} rows, y {len(weights)}; give one label a row"
            )
        if not 0 < weights[:, STRESS_CODE].sum() < len(weights):
            raise InvalidDataError("fit: the labels hold one class only; widen the training window")
        # LightGBM's threads are set by its parameters, those of BLAS here: on busy cores two are
        # slower than one.
        with threadpool_limits(limits=1):
            self.parts_ = self._fit_parts(matrix, weights)
        self.classes_ = np.asarray(REGIMES)
        self.feature_names_in_ = np.asarray(list(X.columns), dtype=object)
        self.n_features_in_ = X.shape[1]
        return self

    def linear_on(self, X: pd.DataFrame, y: Any) -> Linear:
        """Fit the logistic alone on other labels, as those of one definition of a fall.

        Parameters
        ----------
        X, y
            As for `fit`.
        """
        from threadpoolctl import threadpool_limits

        with threadpool_limits(limits=1):
            return self._fit_linear(self._matrix(X), _soft(y)[:, STRESS_CODE])

    def predict_proba(self, X: pd.DataFrame) -> Floats:
        """Probabilities, shape (n_rows, 4), in `REGIMES` order; columns are taken by name."""
        check_is_fitted(self, "parts_")
        return SavedModel(self.parts_).predict_proba(X)

    def predict(self, X: pd.DataFrame) -> NDArray[np.str_]:
        """Regime of highest probability, shape (n_rows,)."""
        names: NDArray[np.str_] = np.asarray(REGIMES)
        most: NDArray[np.intp] = self.predict_proba(X).argmax(axis=1)
        return names[most]

    def _fit_parts(self, matrix: Floats, weights: Floats) -> ModelParts:
        stress = weights[:, STRESS_CODE]
        linear = self._fit_linear(matrix, stress) if self.linear_weight > 0 else None
        boosters = self._fit_boosters(matrix, stress) if self.linear_weight < 1 else ()
        phase, prior = self._fit_phase(matrix, weights)
        return ModelParts(
            features=self.columns,
            stress_boosters=boosters,
            linear=linear,
            linear_weight=self.linear_weight,
            phase_booster=phase,
            phase_prior=prior,
        )

    def _matrix(self, X: pd.DataFrame) -> Floats:
        missing = [name for name in self.columns if name not in X]
        if missing:
            raise InvalidDataError(
                f"the model's column `{missing[0]}` is missing ({len(missing)} in all)"
            )
        return np.ascontiguousarray(X[list(self.columns)].to_numpy(dtype=float))

    def _fit_linear(self, matrix: Floats, stress: Floats) -> Linear:
        known = np.isfinite(matrix)
        count = np.maximum(known.sum(axis=0), 1)
        center = np.where(known, matrix, 0.0).sum(axis=0) / count
        spread = np.sqrt((np.where(known, matrix - center, 0.0) ** 2).sum(axis=0) / count)
        scale = np.where(spread > 1e-12, spread, 1.0)
        scores = np.nan_to_num(np.clip((matrix - center) / scale, -self.clip, self.clip), nan=0.0)
        load, allowed = loadings(
            self.columns, self.core, self.composites, self.signs, self.composite_weight
        )
        coef, intercept = fit_logistic(scores @ load, stress, penalty=self.penalty, signs=allowed)
        return Linear(
            center=_plain(center),
            scale=_plain(scale),
            clip=_plain(np.full(len(center), self.clip)),
            coef=_plain(load @ coef),
            intercept=intercept,
        )

    def _fit_boosters(
        self, matrix: Floats, stress: Floats, base: Floats | None = None
    ) -> tuple[str, ...]:
        """Texts of the binary boosters.

        With log-odds `base` (n_rows,) they learn what is to be added to these.
        """
        signs = [self.signs.get(name, 0) for name in self.core]
        return tuple(
            _boost(
                matrix[:, : len(self.core)],
                stress,
                self.core,
                base=base,
                rounds=self.trees.rounds,
                parameters={
                    **self.trees.arguments(self.seed + member),
                    "objective": "cross_entropy",
                    "monotone_constraints": signs,
                },
            )
            for member in range(self.seeds)
        )

    def _fit_phase(
        self, matrix: Floats, weights: Floats
    ) -> tuple[str | None, tuple[float, float, float]]:
        rest = weights[:, REST]
        share = np.maximum(rest.sum(axis=0), 1e-6)
        prior = tuple(float(part) for part in share / share.sum())
        if (
            rest.sum(axis=0) < self.phase_trees.leaf_rows
        ).any():  # a phase too rare to learn: shares alone
            return None, (prior[0], prior[1], prior[2])
        rows, label = np.nonzero(rest > 0)
        text = _boost(
            matrix[rows, : len(self.core)],
            label.astype(float),
            self.core,
            weight=rest[rows, label],
            rounds=self.phase_trees.rounds,
            parameters={
                **self.phase_trees.arguments(self.seed),
                "objective": "multiclass",
                "num_class": 3,
            },
        )
        return text, (prior[0], prior[1], prior[2])


def _boost(
    x: Floats,
    y: Floats,
    names: tuple[str, ...],
    *,
    rounds: int,
    parameters: dict[str, Any],
    weight: Floats | None = None,
    base: Floats | None = None,
) -> str:
    """Text of one fitted booster."""
    import lightgbm

    data = lightgbm.Dataset(
        x, label=y, weight=weight, init_score=base, feature_name=list(names), free_raw_data=True
    )
    return str(lightgbm.train(parameters, data, num_boost_round=rounds).model_to_string())


def _soft(y: Any) -> Floats:
    values = np.asarray(y)
    if values.ndim == 2:
        weights = values.astype(float)
        if weights.shape[1] != len(REGIMES) or not (np.abs(weights.sum(axis=1) - 1) < 1e-9).all():
            raise InvalidDataError(
                f"fit: soft labels need {len(REGIMES)} weights a row that sum to 1; "
                "leave rows of unknown regime out"
            )
        return weights
    unknown = sorted(set(map(str, values.tolist())) - set(REGIMES))
    if unknown:
        raise InvalidDataError(f"fit: `{unknown[0]}` is no regime; known are {', '.join(REGIMES)}")
    return np.asarray(values[:, None] == np.asarray(REGIMES)[None, :], dtype=np.float64)


def _plain(values: Floats) -> tuple[float, ...]:
    return tuple(float(value) for value in values)

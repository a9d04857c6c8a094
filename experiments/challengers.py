"""Parked: boosted trees of other libraries behind the classifier's interface, for comparison.

A challenger differs from `DeleveragingClassifier` in the library of its trees, and in nothing else:
the same columns, signs, sizes, seeds, logistic and formula. It serves comparisons; a saved model
holds LightGBM's trees alone. CatBoost is not installed with the package (`pip install catboost`).
"""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from regime.arrays import Floats
from regime.errors import ConfigError
from regime.models.classifier import REST, DeleveragingClassifier, TreeSettings
from regime.runtime.columns import to_matrix
from regime.runtime.formula import Linear, probabilities, stress_log_odds
from regime.schema import REGIMES, STRESS_CODE

__all__ = ["CatBoostChallenger", "ChallengerParts", "HistGradientChallenger"]


@dataclass(frozen=True, kw_only=True, eq=False)
class ChallengerParts:
    """What a challenger scores with, as `ModelParts` are what the classifier scores with.

    Parameters
    ----------
    stress : tuple of object
        Fitted models of deleveraging or not.
    linear : Linear or None
    linear_weight : float
    phase : object or None
        Fitted model over calm, fragile, recovery.
    phase_prior : tuple of three floats
        Their shares where there is no such model.
    """

    stress: tuple[Any, ...]
    linear: Linear | None
    linear_weight: float
    phase: Any
    phase_prior: tuple[float, float, float]


class _Challenger(DeleveragingClassifier, ABC):
    """The classifier with the trees of another library; `heads_` replaces `parts_`."""

    def fit(self, X: pd.DataFrame, y: Any) -> DeleveragingClassifier:
        """Fit all heads; arguments and errors as of `DeleveragingClassifier.fit`."""
        super().fit(X, y)
        # A bundle is written from `parts_`, and cannot hold these.
        self.heads_: ChallengerParts = self.__dict__.pop("parts_")
        return self

    def predict_proba(self, X: pd.DataFrame) -> Floats:
        """Probabilities, shape (n_rows, 4), in `REGIMES` order; columns are taken by name."""
        from threadpoolctl import threadpool_limits

        check_is_fitted(self, "heads_")
        x, heads = to_matrix(X, self.columns), self.heads_
        if not len(x):
            return np.empty((0, len(REGIMES)))
        core = np.ascontiguousarray(x[:, : len(self.core)])
        with threadpool_limits(limits=1):
            raw = np.column_stack(
                [np.empty((len(x), 0)), *(self._raw(head, core) for head in heads.stress)]
            )
            phase = None if heads.phase is None else self._raw(heads.phase, core)
        blend = stress_log_odds(x, raw, linear=heads.linear, linear_weight=heads.linear_weight)
        return probabilities(blend, phase, slope=1.0, intercept=0.0, phase_prior=heads.phase_prior)

    def _fit_parts(self, matrix: Floats, weights: Floats) -> Any:
        stress, core = weights[:, STRESS_CODE], matrix[:, : len(self.core)]
        # On a column without a value one library fails, and another splits off an empty leaf.
        core = np.ascontiguousarray(np.where(np.isnan(core).all(axis=0), 0.0, core))
        linear = self._fit_linear(matrix, stress) if self.linear_weight > 0 else None
        members = range(self.seeds) if self.linear_weight < 1 else ()
        phase, prior = self._fit_phase_head(core, weights[:, REST])
        return ChallengerParts(
            stress=tuple(self._stress_head(core, stress, self.seed + member) for member in members),
            linear=linear,
            linear_weight=self.linear_weight,
            phase=phase,
            phase_prior=prior,
        )

    def _fit_phase_head(self, core: Floats, rest: Floats) -> tuple[Any, tuple[float, float, float]]:
        """As the classifier's: shares alone where a phase is too rare to learn."""
        share = np.maximum(rest.sum(axis=0), 1e-6)
        calm, fragile, recovery = (float(part) for part in share / share.sum())
        if (rest.sum(axis=0) < self.phase_trees.leaf_rows).any():
            return None, (calm, fragile, recovery)
        rows, label = np.nonzero(rest > 0)
        return self._phase_head(core[rows], label, rest[rows, label]), (calm, fragile, recovery)

    def _signs(self) -> list[int]:
        return [self.signs.get(name, 0) for name in self.core]

    @abstractmethod
    def _stress_head(self, x: Floats, stress: Floats, seed: int) -> Any:
        """Fitted model of the share of deleveraging."""

    @abstractmethod
    def _phase_head(self, x: Floats, label: NDArray[np.int64], weight: Floats) -> Any:
        """Fitted model over the three other regimes."""

    @abstractmethod
    def _raw(self, head: Any, x: Floats) -> Floats:
        """Log-odds (n_rows,) of a binary head, scores (n_rows, 3) of the other."""


@dataclass(kw_only=True, eq=False)
class HistGradientChallenger(_Challenger):
    """`DeleveragingClassifier` with the trees of scikit-learn's HistGradientBoostingClassifier.

    It takes no soft labels: a row enters once as deleveraging and once as not, each with its
    weight, so that `leaf_rows` may count a row twice. There is no early stopping, whose sample is
    random.

    Examples
    --------
    >>> X = pd.DataFrame({"vix": np.linspace(10, 50, 400)})
    >>> y = np.where(X["vix"] > 30, "deleveraging", "calm")
    >>> trees = TreeSettings(leaf_rows=20, column_share=1.0)
    >>> model = HistGradientChallenger(core=("vix",), linear_weight=0.0, trees=trees).fit(X, y)
    >>> model.predict(pd.DataFrame({"vix": [12.0, 48.0]})).tolist()
    ['calm', 'deleveraging']
    """

    def _stress_head(self, x: Floats, stress: Floats, seed: int) -> Any:
        row, label = np.nonzero(np.column_stack([1.0 - stress, stress]) > 0)
        weight = np.where(label == 1, stress[row], 1.0 - stress[row])
        return _fit_hist_gradient(x[row], label, weight, self.trees, seed, self._signs())

    def _phase_head(self, x: Floats, label: NDArray[np.int64], weight: Floats) -> Any:
        return _fit_hist_gradient(x, label, weight, self.phase_trees, self.seed, None)

    def _raw(self, head: Any, x: Floats) -> Floats:
        return np.asarray(head.decision_function(x), dtype=np.float64)


def _fit_hist_gradient(
    x: Floats,
    label: NDArray[np.int64],
    weight: Floats,
    trees: TreeSettings,
    seed: int,
    signs: list[int] | None,
) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        max_iter=trees.rounds,
        max_leaf_nodes=trees.leaves,
        min_samples_leaf=trees.leaf_rows,
        max_depth=None,
        learning_rate=trees.learning_rate,
        max_features=trees.column_share,
        l2_regularization=trees.l2,
        monotonic_cst=signs,
        early_stopping=False,
        random_state=seed,
    ).fit(x, label, sample_weight=weight)


@dataclass(kw_only=True, eq=False)
class CatBoostChallenger(_Challenger):
    """`DeleveragingClassifier` with the trees of CatBoost.

    Trees grow leaf by leaf as LightGBM's do; deleveraging is learnt from soft labels as they are.
    CatBoost imposes signs on symmetric trees alone: where a core column has one, trees of
    deleveraging are these, as deep as `leaves` asks for and without `leaf_rows`.

    Raises
    ------
    ConfigError
        If catboost is not installed, or any number is out of its range.

    Examples
    --------
    >>> issubclass(CatBoostChallenger, DeleveragingClassifier)
    True
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        _catboost()  # before any data is read

    def _stress_head(self, x: Floats, stress: Floats, seed: int) -> Any:
        parameters = {
            **_arguments(self.trees, seed, self._signs()),
            "loss_function": "CrossEntropy",
        }
        return _catboost().CatBoost({**parameters, "boost_from_average": True}).fit(x, stress)

    def _phase_head(self, x: Floats, label: NDArray[np.int64], weight: Floats) -> Any:
        parameters = {**_arguments(self.phase_trees, self.seed, []), "loss_function": "MultiClass"}
        return (
            _catboost()
            .CatBoost({**parameters, "classes_count": 3})
            .fit(x, label, sample_weight=weight)
        )

    def _raw(self, head: Any, x: Floats) -> Floats:
        return np.asarray(
            head.predict(x, prediction_type="RawFormulaVal", thread_count=1), dtype=np.float64
        )


def _arguments(trees: TreeSettings, seed: int, signs: list[int]) -> dict[str, Any]:
    """CatBoost's names for them, one thread, and nothing written to disk."""
    form: dict[str, Any] = {
        "grow_policy": "Lossguide",
        "max_leaves": trees.leaves,
        "min_data_in_leaf": trees.leaf_rows,
    }
    if any(signs):
        form = {
            "grow_policy": "SymmetricTree",
            "depth": (trees.leaves - 1).bit_length(),
            "monotone_constraints": signs,
        }
    return {
        **form,
        "iterations": trees.rounds,
        "learning_rate": trees.learning_rate,
        "rsm": trees.column_share,
        "l2_leaf_reg": trees.l2,
        "bootstrap_type": "No",
        "random_seed": seed,
        "thread_count": 1,
        "allow_writing_files": False,
        "logging_level": "Silent",
    }


def _catboost() -> Any:
    try:
        return importlib.import_module("catboost")
    except ImportError:
        raise ConfigError(
            "model: CatBoostChallenger needs catboost: pip install catboost"
        ) from None

"""Ranges of what tuning chooses: labels, features by mechanism, form of the model, smoothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from regime.errors import ConfigError
from regime.labels.ensemble import EnsembleLabels
from regime.labels.episodes import EpisodeLabels
from regime.labels.jump import JumpModelLabels
from regime.pipeline.settings import Settings
from regime.pipeline.tuned_choices import TunedParameters
from regime.studies.tuning.trial import Trial

__all__ = ["FeatureGroups", "SearchSpace", "feature_groups"]

Names = tuple[str, ...]
LINEAR_STEP = 0.1
ROUNDS_STEP = 50
JUMP_STEP = 0.1


@dataclass(frozen=True, kw_only=True)
class FeatureGroups:
    """Features of a config by mechanism, and how tuning may choose among them.

    Parameters
    ----------
    always : tuple of str
        Core features of the first mechanism: a model needs some.
    core : mapping of str to tuple of str
        Other core features, in or out mechanism by mechanism.
    composites : mapping of str to tuple of str
        Those of the config, in or out one by one.
    more : mapping of str to tuple of str
        Features with an expected sign that the config leaves out, one composite a mechanism.
    """

    always: Names
    core: Mapping[str, Names]
    composites: Mapping[str, Names]
    more: Mapping[str, Names]


@dataclass(frozen=True, kw_only=True)
class SearchSpace:
    """Ranges of everything that a trial may choose; called with a trial, it gives its parameters.

    Parameters
    ----------
    depths, baskets : tuple of tuple of float
        Sets of depths of a fall and of weights of the core in the basket; every pair of a set's
        depth and the other's weight is one labeller.
    recover : tuple of float
        Share of a fall that ends it.
    partial : tuple of bool
        Whether a running fall trains; see `EpisodeLabels`.
    jump_share : float
        Greatest share of jump-model labels, in [0, 1).
    jump_states : tuple of int
    linear_weight, penalty, composite_weight : tuple of float
        Least and greatest; the last two on a logarithmic scale.
    leaves, rounds, leaf_rows : tuple of int
        Least and greatest; the last on a logarithmic scale. Sampled only where trees have a weight.
    monotone : tuple of bool
        Whether core features are bound to their expected signs.
    smoothing : tuple of float
        Halflives of the probability, sessions. 0 alone by default: a saved model has no memory,
        and on inner folds smoothing made probabilities worse; it belongs to the rule.

    Raises
    ------
    ConfigError
        With every range that is empty or reversed.

    Examples
    --------
    >>> from regime.studies.tuning.trial import describe_space
    >>> from regime.pipeline.settings import load_settings
    >>> base = load_settings("demo.yaml")
    >>> describe_space(lambda trial: SearchSpace(leaves=(3, 7))(trial, base))["leaves"]
    ['int', 3, 7, 1, False]
    """

    depths: tuple[tuple[float, ...], ...] = (
        (2.0,),
        (1.5, 2.0),
        (2.0, 2.5),
        (1.5, 2.0, 2.5),
        (1.0, 1.5, 2.0, 2.5, 3.0),
    )
    baskets: tuple[tuple[float, ...], ...] = ((1.0,), (0.7,), (1.0, 0.7), (1.0, 0.7, 0.5))
    recover: tuple[float, ...] = (0.33, 0.5, 0.67)
    partial: tuple[bool, ...] = (False, True)
    jump_share: float = 0.5
    jump_states: tuple[int, ...] = (2, 3)
    linear_weight: tuple[float, float] = (0.0, 1.0)
    penalty: tuple[float, float] = (3.0, 300.0)
    composite_weight: tuple[float, float] = (0.3, 3.0)
    leaves: tuple[int, int] = (3, 15)
    rounds: tuple[int, int] = (50, 300)
    leaf_rows: tuple[int, int] = (100, 800)
    monotone: tuple[bool, ...] = (False, True)
    smoothing: tuple[float, ...] = (0.0,)

    def __post_init__(self) -> None:
        sets = ("depths", "baskets", "recover", "partial", "jump_states", "monotone", "smoothing")
        faults = [f"{name}: needs at least one choice" for name in sets if not getattr(self, name)]
        for name in (
            "linear_weight",
            "penalty",
            "composite_weight",
            "leaves",
            "rounds",
            "leaf_rows",
        ):
            low, high = getattr(self, name)
            if low > high:
                faults.append(f"{name}: the least, {low}, is above the greatest, {high}")
        if not 0 <= self.jump_share < 1:
            faults.append(f"jump_share: must lie in [0, 1), got {self.jump_share}")
        if faults:
            raise ConfigError(faults)

    def __call__(self, trial: Trial, base: Settings) -> TunedParameters:
        """Parameters of a trial.

        Parameters
        ----------
        trial : Trial
            Asked for every parameter by name.
        base : Settings
            Whatever is not chosen stays as it is there.

        Returns
        -------
        TunedParameters
        """
        return TunedParameters(
            labels=self._labels(trial),
            model=self._model(trial, base),
            smoothing=float(trial.suggest_categorical("smoothing", self.smoothing)),
        )

    def start(self, base: Settings) -> dict[str, Any]:
        """Parameters of the config itself, as far as the space has them: where the search begins.

        Parameters
        ----------
        base : Settings

        Returns
        -------
        dict of str to value
            By parameter; one that the space cannot express is left out.
        """
        parts = base.labels.labellers if isinstance(base.labels, EnsembleLabels) else (base.labels,)
        falls = [part for part in parts if isinstance(part, EpisodeLabels)]
        sets = {
            "depths": (self.depths, {part.depth for part in falls}),
            "baskets": (self.baskets, {part.core_weight for part in falls}),
        }
        params: dict[str, Any] = {
            name: _as_text(option)
            for name, (options, current) in sets.items()
            for option in options
            if set(option) == current
        }
        groups = feature_groups(base)
        params |= {f"in.{name}": True for name in (*groups.core, *groups.composites)}
        params |= {f"in.{name}": False for name in groups.more}
        if len(falls) == len(parts):
            params["jump_share"] = 0.0
        values: dict[str, set[Any]] = {
            "recover": {part.recover for part in falls},
            "partial": {part.partial for part in falls},
            "monotone": {False},
            "smoothing": {0.0},
        }
        params |= {
            name: min(current)
            for name, current in values.items()
            if len(current) == 1 and current <= {*getattr(self, name)}
        }
        trees = base.model.trees
        numbers = {
            "penalty": base.model.penalty,
            "composite_weight": base.model.composite_weight,
            "leaves": trees.leaves,
            "leaf_rows": trees.leaf_rows,
            "linear_weight": _stepped(base.model.linear_weight, self.linear_weight[0], LINEAR_STEP),
            "rounds": int(_stepped(trees.rounds, self.rounds[0], ROUNDS_STEP)),
        }
        return params | {
            name: value
            for name, value in numbers.items()
            if getattr(self, name)[0] <= value <= getattr(self, name)[1]
        }

    def simplicity(self, params: Mapping[str, Any]) -> tuple[float, ...]:
        """Key by which trials are ordered; the lower, the simpler.

        In this order: fewer groups of features, fewer labellers, no trees before trees, fewer
        leaves, fewer rounds, more rows a leaf, signs bound before free ones, a higher penalty,
        lighter composites, less smoothing.

        Parameters
        ----------
        params : mapping of str to value
            Of a complete trial.

        Returns
        -------
        tuple of float, length 9
        """
        trees = float(params["linear_weight"]) < 1.0
        groups = sum(bool(value) for name, value in params.items() if name.startswith("in."))
        falls = len(_numbers(params["depths"])) * len(_numbers(params["baskets"]))
        labellers = falls + (params.get("jump_share", 0.0) > 0)
        size = (params["leaves"], params["rounds"], -params["leaf_rows"]) if trees else (0, 0, 0)
        return (
            float(groups),
            float(labellers),
            *map(float, size),
            float(not params["monotone"]),
            -float(params["penalty"]),
            float(params["composite_weight"]),
            float(params["smoothing"]),
        )

    def _labels(self, trial: Trial) -> EnsembleLabels:
        depths = _numbers(
            trial.suggest_categorical("depths", [_as_text(option) for option in self.depths])
        )
        baskets = _numbers(
            trial.suggest_categorical("baskets", [_as_text(option) for option in self.baskets])
        )
        recover = trial.suggest_categorical("recover", self.recover)
        partial = trial.suggest_categorical("partial", self.partial)
        falls = tuple(
            EpisodeLabels(depth=depth, core_weight=weight, recover=recover, partial=partial)
            for weight in baskets
            for depth in depths
        )
        share = (
            trial.suggest_float("jump_share", 0.0, self.jump_share, step=JUMP_STEP)
            if self.jump_share
            else 0.0
        )
        if share < JUMP_STEP / 2:
            return EnsembleLabels(labellers=falls)
        jump = JumpModelLabels(
            n_states=trial.suggest_categorical("jump_states", self.jump_states), recover=recover
        )
        return EnsembleLabels(
            labellers=(*falls, jump),
            weights=(*(1.0,) * len(falls), round(len(falls) * share / (1.0 - share), 6)),
        )

    def _model(self, trial: Trial, base: Settings) -> Any:
        groups = feature_groups(base)
        chosen = {
            name: trial.suggest_categorical(f"in.{name}", [False, True])
            for name in (*groups.core, *groups.composites, *groups.more)
        }
        core = set(groups.always).union(
            *(members for name, members in groups.core.items() if chosen[name])
        )
        composites = {
            name: members
            for name, members in {**groups.composites, **groups.more}.items()
            if chosen[name]
        }
        signs = {
            spec.name: spec.sign for spec in base.features.specs if spec.name in core and spec.sign
        }
        monotone = trial.suggest_categorical("monotone", self.monotone)
        weight = round(
            trial.suggest_float("linear_weight", *self.linear_weight, step=LINEAR_STEP), 6
        )
        model = replace(
            base.model,
            core=tuple(name for name in base.model.core if name in core),
            composites=composites,
            signs={**base.model.signs, **(signs if monotone else {})},
            linear_weight=weight,
            penalty=trial.suggest_float("penalty", *self.penalty, log=True),
            composite_weight=trial.suggest_float(
                "composite_weight", *self.composite_weight, log=True
            ),
        )
        if weight >= 1.0:
            return model
        trees = replace(
            base.model.trees,
            leaves=trial.suggest_int("leaves", *self.leaves),
            rounds=trial.suggest_int("rounds", *self.rounds, step=ROUNDS_STEP),
            leaf_rows=trial.suggest_int("leaf_rows", *self.leaf_rows, log=True),
        )
        return replace(model, trees=trees)


def feature_groups(base: Settings) -> FeatureGroups:
    """Features of a config by mechanism, and those that it could add."""
    specs = {spec.name: spec for spec in base.features.specs}
    core: dict[str, Names] = {}
    for name in base.model.core:
        mechanism = _slug(specs[name].mechanism)
        core[mechanism] = (*core.get(mechanism, ()), name)
    first = next(iter(core))
    composites = {name: tuple(members) for name, members in base.model.composites.items()}
    more: dict[str, Names] = {}
    for spec in specs.values():
        if spec.sign and spec.name not in base.model.columns:
            mechanism = f"more_{_slug(spec.mechanism)}"
            more[mechanism] = (*more.get(mechanism, ()), spec.name)
    return FeatureGroups(
        always=core.pop(first),
        core={f"core_{mechanism}": names for mechanism, names in core.items()},
        composites=composites,
        more=more,
    )


def _slug(title: str) -> str:
    return "_".join("".join(char if char.isalnum() else " " for char in title).split())


def _as_text(values: tuple[float, ...]) -> str:
    return " ".join(f"{value:g}" for value in values)


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(float(part) for part in text.split())


def _stepped(value: float, low: float, step: float) -> float:
    """Nearest value on the grid of a step."""
    return round(low + round((value - low) / step) * step, 6)

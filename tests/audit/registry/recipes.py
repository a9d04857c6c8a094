"""How to call the builders whose signature does not say it, and why some public things are none."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from regime.labels.ensemble import EnsembleLabels
from regime.labels.episodes import EpisodeLabels
from regime.labels.jump import JumpModelLabels
from regime.models.calibration_curves import known_rows
from regime.models.classifier import TreeSettings
from regime.rules.allocation import Allocation
from regime.rules.overlays import CapStep, Cooldown, Floor, VolatilityTarget
from regime.rules.price_rules import DrawdownStop, ReentryOnTrend
from regime.rules.threshold import Hysteresis
from regime.schema import REGIMES
from regime.studies.leakage.builders import (
    as_numbers,
    feature_set,
    labeller_builders,
    panel_builders,
    rule_builder,
)
from regime.studies.leakage.findings import Finding
from regime.studies.leakage.inputs import Learned, Rows
from regime.studies.leakage.probes import Builder
from regime.studies.leakage.subject import Subject
from tests.audit.registry.classes import builders_of_class
from tests.audit.registry.conventions import (
    SHORT,
    builder_of_function,
    folds_of,
    refits_of,
    stress_of,
)
from tests.audit.registry.discovery import Found, discover
from tests.audit.registry.forecast_recipes import FORECAST_RECIPES
from tests.audit.registry.mechanism_recipes import MECHANISM_RECIPES, reading_builder, reads
from tests.audit.registry.parts import PARTS

__all__ = ["RECIPES", "builders"]

BLOCKS = (
    4000  # sessions that building blocks are probed on; what a run calls itself is probed on all
)
Recipe = Callable[[Found, Subject], list[Builder]]


def builders(
    subject: Subject, found: list[Found] | None = None
) -> tuple[list[Builder], list[Finding]]:
    """Every builder of the package, ready to be probed, and what nobody says how to call.

    Parameters
    ----------
    subject : Subject
    found : list of Found, optional
        What to look at; by default what walking the package finds.
    """
    blocks = subject.last(BLOCKS)
    made: list[Builder] = []
    unknown: list[Finding] = []
    for item in discover() if found is None else found:
        own = _builders_of(
            item, subject if item.name in RECIPES and item.name not in MECHANISM_RECIPES else blocks
        )
        made += own or []
        if own is None:
            unknown.append(
                Finding(
                    kind="unregistered",
                    name=item.name,
                    place=item.place,
                    evidence="Found by walking the package, but nothing says how to call it: name its "
                    "arguments as others do, or add it to RECIPES or PARTS.",
                )
            )
    return made, unknown


def _builders_of(item: Found, subject: Subject) -> list[Builder] | None:
    if item.name in RECIPES:
        return RECIPES[item.name](item, subject)
    if item.name in PARTS:
        return []
    if inspect.isclass(item.thing):
        covered = {type(family) for family in subject.features.families}
        if reads(item.thing):
            made: Any = item.thing
            return [reading_builder(item, made(), subject)]
        return [] if item.thing in covered else builders_of_class(item, subject)
    builder = builder_of_function(item, subject)
    return None if builder is None else [builder]


def _features(item: Found, subject: Subject) -> list[Builder]:
    return [feature_set(subject)]


def _panel(item: Found, subject: Subject) -> list[Builder]:
    return panel_builders(subject)


def _averaged_labels(item: Found, subject: Subject) -> list[Builder]:
    """The config's own mixture where it has one, else two depths."""
    own = (
        subject.labels
        if isinstance(subject.labels, EnsembleLabels)
        else EnsembleLabels(labellers=(EpisodeLabels(), EpisodeLabels(depth=1.5)))
    )
    return labeller_builders(item.name, item.place, own, subject.market)


def _rules(item: Found, subject: Subject) -> list[Builder]:
    """The config's own rule, and a stack or a blend of others.

    Overlays show only behind a rule that leaves.
    """
    parts = (
        Hysteresis(enter=0.6, leave=0.4),
        ReentryOnTrend(),
        DrawdownStop(),
        Cooldown(),
        VolatilityTarget(),
        CapStep(per_day=0.25),
        Floor(),
    )
    own = [subject.rule] if type(subject.rule) is item.thing else []
    return [
        rule_builder(item.name, item.place, rule, subject)
        for rule in (*own, item.thing(rules=parts))
    ]


def _allocation(item: Found, subject: Subject) -> list[Builder]:
    """Weights over the basket, hedged with its last asset, for a made-up exposure."""
    assets = [str(name) for name in subject.market.columns]
    held = Allocation(
        risk=dict.fromkeys(assets[:-1], 1.0 / (len(assets) - 1)), hedge={assets[-1]: 1.0}
    )
    fall = 1.0 - subject.close / subject.close.rolling(63, min_periods=1).max()
    given = Rows(frames={"exposure": (1.0 - 4.0 * fall).clip(0.0, 1.0), "prices": subject.market})

    def build(part: Rows, t: int) -> pd.DataFrame:
        exposure = part.frames["exposure"].clip(
            0.0, 1.0
        )  # what the audit puts in place of a future may lie outside
        return held(exposure, part.frames["prices"])

    return [Builder(name=item.name, place=item.place, given=given, build=build)]


def _jump_labels(item: Found, subject: Subject) -> list[Builder]:
    """Two penalties over two windows of six years.

    The law does not depend on how many are averaged.
    """
    labeller = JumpModelLabels(penalties=(20.0, 50.0), windows=(None, 4.0), n_init=1)
    return labeller_builders(item.name, item.place, labeller, subject.last(SHORT).market)[:1]


def _classifier(item: Found, subject: Subject) -> list[Builder]:
    """A small classifier fitted at each refit on what was known by then."""
    short = subject.last(BLOCKS)
    features = short.features(short.panel)[list(subject.model.columns)]
    trees = TreeSettings(rounds=4, leaf_rows=20)
    signs = {spec.name: spec.sign or 1 for spec in short.features.specs}
    model = replace(
        subject.model, seeds=1, trees=trees, phase_trees=replace(trees, rounds=2), signs=signs
    )
    truth, known_at = stress_of(short)

    def build(part: Learned, t: int) -> pd.DataFrame:
        from sklearn.base import clone

        X, blocks = part.rows.frames["features"], []
        for fold in folds_of(short, part.sessions):
            rows = known_rows(part.truth, part.known_at, fold.refit)
            if part.truth[rows].nunique() < 2:
                continue
            stress = part.truth[rows].to_numpy()
            weights = np.column_stack(
                [0.6 * (1 - stress), 0.2 * (1 - stress), stress, 0.2 * (1 - stress)]
            )
            fitted = clone(model).fit(X[rows], weights)
            block = X.iloc[fold.test]
            blocks.append(pd.DataFrame(fitted.predict_proba(block), block.index, list(REGIMES)))
        return (
            pd.concat(blocks)
            if blocks
            else pd.DataFrame(columns=list(REGIMES), index=part.sessions[:0])
        )

    given = Learned(
        rows=Rows(frames={"features": features}),
        truth=truth,
        known_at=known_at,
        refitted=refits_of(short),
    )
    return [Builder(name=item.name, place=item.place, given=given, build=build)]


def _splitter(item: Found, subject: Subject) -> list[Builder]:
    """Refit of each session's block: the calendar alone, whatever comes later."""

    def build(part: Rows, t: int) -> pd.DataFrame:
        table = pd.DataFrame({"refit": pd.Series(pd.NaT, part.sessions, dtype="M8[us]")})
        for fold in subject.splits.folds(part.sessions):
            table.iloc[fold.test, 0] = fold.refit
        return as_numbers(table)

    return [
        Builder(
            name=item.name,
            place=item.place,
            given=Rows(frames={"close": subject.close}),
            build=build,
            delay=False,
        )
    ]


def _releases(item: Found, subject: Subject) -> list[Builder]:
    """Release instants of a few rules: later periods change nothing."""
    from regime.sources.catalogue import Release

    rules = (
        Release(at_close=True),
        Release(days=1, time="09:00", holidays="federal"),
        Release(weekday="thursday", time="12:00"),
        Release(calendar_days=25, time="16:15"),
    )

    def build(part: Rows, t: int) -> pd.DataFrame:
        return pd.DataFrame(
            {
                f"rule {place}": item.thing(part.sessions, rule).asi8.astype(float)
                for place, rule in enumerate(rules)
            },
            index=part.sessions,
        )

    return [
        Builder(
            name=item.name,
            place=item.place,
            given=Rows(frames={"close": subject.close}),
            build=build,
            delay=False,
        )
    ]


def _calendar(item: Found, subject: Subject) -> list[Builder]:
    def build(part: Rows, t: int) -> pd.DataFrame:
        return pd.DataFrame(
            {"close": item.thing(part.sessions).asi8.astype(float)}, index=part.sessions
        )

    return [
        Builder(
            name=item.name,
            place=item.place,
            given=Rows(frames={"close": subject.close}),
            build=build,
            delay=False,
        )
    ]


RECIPES: Mapping[str, Recipe] = {
    **MECHANISM_RECIPES,
    **FORECAST_RECIPES,
    "features.feature_set.FeatureSet": _features,
    "labels.ensemble.EnsembleLabels": _averaged_labels,
    "labels.jump.JumpModelLabels": _jump_labels,
    "models.classifier.DeleveragingClassifier": _classifier,
    "panel.as_of.AsOf": _panel,
    "panel.calendar.session_closes": _calendar,
    "panel.release_times.release_times": _releases,
    "rules.allocation.Allocation": _allocation,
    "rules.stack.Blend": _rules,
    "rules.stack.RuleStack": _rules,
    "splits.walk_forward.PurgedWalkForward": _splitter,
}

"""Builders of the whole package: custom ones where the signature does not say how to call."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace

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
    feature_set_builder,
    labeller_builders,
    numeric_table,
    panel_builders,
    rule_builder,
)
from regime.studies.leakage.findings import Finding
from regime.studies.leakage.inputs import CalibratorInput, FrameInput
from regime.studies.leakage.probes import Builder
from regime.studies.leakage.subject import AuditSubject
from tests.audit.registry.auto_detected import (
    REFIT_SESSIONS,
    builder_of_function,
    folds_of,
    refits_of,
    stress_of,
)
from tests.audit.registry.class_builders import builders_of_class
from tests.audit.registry.discovery import PublicObject, discover
from tests.audit.registry.exemptions import EXEMPTIONS
from tests.audit.registry.forecast_builders import FORECAST_BUILDERS
from tests.audit.registry.mechanism_builders import MECHANISM_BUILDERS, reading_builder, reads

__all__ = ["CUSTOM_BUILDERS", "builders"]

BLOCK_SESSIONS = 4000  # for building blocks; what a run calls itself is probed on all sessions
BuilderFactory = Callable[[PublicObject, AuditSubject], list[Builder]]


def builders(
    subject: AuditSubject, objects: list[PublicObject] | None = None
) -> tuple[list[Builder], list[Finding]]:
    """Every builder of the package, ready to be probed, and a finding for each unregistered one.

    Parameters
    ----------
    subject : AuditSubject
    objects : list of PublicObject, optional
        By default all that `discover` finds.
    """
    blocks = subject.last(BLOCK_SESSIONS)
    ready: list[Builder] = []
    unregistered: list[Finding] = []
    for item in discover() if objects is None else objects:
        on_all = item.name in CUSTOM_BUILDERS and item.name not in MECHANISM_BUILDERS
        of_item = _builders_of(item, subject if on_all else blocks)
        if of_item is not None:
            ready += of_item
            continue
        unregistered.append(
            Finding(
                kind="unregistered",
                name=item.name,
                location=item.location,
                evidence="Nothing says how to call it: name its arguments as others do, or add it "
                "to CUSTOM_BUILDERS or EXEMPTIONS.",
            )
        )
    return ready, unregistered


def _builders_of(item: PublicObject, subject: AuditSubject) -> list[Builder] | None:
    if item.name in CUSTOM_BUILDERS:
        return CUSTOM_BUILDERS[item.name](item, subject)
    if item.name in EXEMPTIONS:
        return []
    if inspect.isclass(item.target):
        covered = {type(family) for family in subject.features.families}
        if reads(item.target):
            return [reading_builder(item, item.target(), subject)]
        return [] if item.target in covered else builders_of_class(item, subject)
    builder = builder_of_function(item, subject)
    return None if builder is None else [builder]


def _features(item: PublicObject, subject: AuditSubject) -> list[Builder]:
    return [feature_set_builder(subject)]


def _panel(item: PublicObject, subject: AuditSubject) -> list[Builder]:
    return panel_builders(subject)


def _averaged_labels(item: PublicObject, subject: AuditSubject) -> list[Builder]:
    """The ensemble of the config where it has one, else two depths."""
    ensemble = (
        subject.labels
        if isinstance(subject.labels, EnsembleLabels)
        else EnsembleLabels(labellers=(EpisodeLabels(), EpisodeLabels(depth=1.5)))
    )
    return labeller_builders(item.name, item.location, ensemble, subject.market)


def _rules(item: PublicObject, subject: AuditSubject) -> list[Builder]:
    """The config's rule, and a stack or a blend of others: overlays need a rule that exits."""
    parts = (
        Hysteresis(enter=0.6, leave=0.4),
        ReentryOnTrend(),
        DrawdownStop(),
        Cooldown(),
        VolatilityTarget(),
        CapStep(per_day=0.25),
        Floor(),
    )
    of_config = [subject.rule] if type(subject.rule) is item.target else []
    return [
        rule_builder(item.name, item.location, rule, subject)
        for rule in (*of_config, item.target(rules=parts))
    ]


def _allocation(item: PublicObject, subject: AuditSubject) -> list[Builder]:
    """Weights over the basket, hedged with its last asset, for a synthetic exposure."""
    assets = [str(name) for name in subject.market.columns]
    allocation = Allocation(
        risk=dict.fromkeys(assets[:-1], 1.0 / (len(assets) - 1)), hedge={assets[-1]: 1.0}
    )
    drawdown = 1.0 - subject.close / subject.close.rolling(63, min_periods=1).max()
    inputs = FrameInput(
        frames={"exposure": (1.0 - 4.0 * drawdown).clip(0.0, 1.0), "prices": subject.market}
    )

    def build(part: FrameInput, t: int) -> pd.DataFrame:
        exposure = part.frames["exposure"].clip(0.0, 1.0)  # a perturbed one may lie outside
        return allocation(exposure, part.frames["prices"])

    return [Builder(name=item.name, location=item.location, inputs=inputs, build=build)]


def _jump_labels(item: PublicObject, subject: AuditSubject) -> list[Builder]:
    """Two penalties and two windows: the number averaged does not matter."""
    labeller = JumpModelLabels(penalties=(20.0, 50.0), windows=(None, 4.0), n_init=1)
    return labeller_builders(
        item.name, item.location, labeller, subject.last(REFIT_SESSIONS).market
    )[:1]


def _classifier(item: PublicObject, subject: AuditSubject) -> list[Builder]:
    """A small classifier fitted at each refit on what was known by then."""
    short = subject.last(BLOCK_SESSIONS)
    features = short.features(short.panel)[list(subject.model.columns)]
    trees = TreeSettings(rounds=4, leaf_rows=20)
    signs = {spec.name: spec.sign or 1 for spec in short.features.specs}
    model = replace(
        subject.model, seeds=1, trees=trees, phase_trees=replace(trees, rounds=2), signs=signs
    )
    truth, known_at = stress_of(short)

    def build(part: CalibratorInput, t: int) -> pd.DataFrame:
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

    inputs = CalibratorInput(
        rows=FrameInput(frames={"features": features}),
        truth=truth,
        known_at=known_at,
        refit_positions=refits_of(short),
    )
    return [Builder(name=item.name, location=item.location, inputs=inputs, build=build)]


def _splitter(item: PublicObject, subject: AuditSubject) -> list[Builder]:
    """Refit of each session's block, which depends on the calendar alone."""

    def build(part: FrameInput, t: int) -> pd.DataFrame:
        table = pd.DataFrame({"refit": pd.Series(pd.NaT, part.sessions, dtype="M8[us]")})
        for fold in subject.splits.folds(part.sessions):
            table.iloc[fold.test, 0] = fold.refit
        return numeric_table(table)

    return [
        Builder(
            name=item.name,
            location=item.location,
            inputs=FrameInput(frames={"close": subject.close}),
            build=build,
            moves_with_delay=False,
        )
    ]


def _releases(item: PublicObject, subject: AuditSubject) -> list[Builder]:
    """Release instants of a few rules, which later periods must not change."""
    from regime.sources.catalogue import Release

    rules = (
        Release(at_close=True),
        Release(days=1, time="09:00", holidays="federal"),
        Release(weekday="thursday", time="12:00"),
        Release(calendar_days=25, time="16:15"),
    )

    def build(part: FrameInput, t: int) -> pd.DataFrame:
        return pd.DataFrame(
            {
                f"rule {number}": item.target(part.sessions, rule).asi8.astype(float)
                for number, rule in enumerate(rules)
            },
            index=part.sessions,
        )

    return [
        Builder(
            name=item.name,
            location=item.location,
            inputs=FrameInput(frames={"close": subject.close}),
            build=build,
            moves_with_delay=False,
        )
    ]


def _calendar(item: PublicObject, subject: AuditSubject) -> list[Builder]:
    def build(part: FrameInput, t: int) -> pd.DataFrame:
        return pd.DataFrame(
            {"close": item.target(part.sessions).asi8.astype(float)}, index=part.sessions
        )

    return [
        Builder(
            name=item.name,
            location=item.location,
            inputs=FrameInput(frames={"close": subject.close}),
            build=build,
            moves_with_delay=False,
        )
    ]


CUSTOM_BUILDERS: Mapping[str, BuilderFactory] = {
    **MECHANISM_BUILDERS,
    **FORECAST_BUILDERS,
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

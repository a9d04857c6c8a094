"""Calibrators, rules, labellers and panels with an injected leak, and the same without."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from regime.labels.episodes import EpisodeLabels
from regime.models.calibration_curves import calibrated
from regime.panel.as_of import AsOf
from regime.panel.calendar import session_closes
from regime.rules.overlays import CapStep, MinimumHold, VolatilityTarget
from regime.rules.stack import RuleStack
from regime.rules.threshold import Hysteresis
from regime.schema import Labels
from regime.splits.walk_forward import Fold
from regime.studies.leakage.builders import labeller_builders
from regime.studies.leakage.inputs import CalibratorInput, FrameInput, ObservationInput
from regime.studies.leakage.probes import Builder
from tests.audit.planted.market import Rng, market

__all__ = [
    "clean_calibrator",
    "clean_labels",
    "clean_panel",
    "clean_rule",
    "leaky_calibrator",
    "leaky_labels",
    "leaky_panel",
    "leaky_rule",
]

N = 1200  # sessions of a synthetic market


def clean_calibrator(rng: Rng) -> Builder:
    """`calibrated` in yearly folds."""
    return _calibrator(
        rng,
        lambda part, folds: calibrated(part.rows.frames["score"], part.truth, part.known_at, folds),
    )


def leaky_calibrator(rng: Rng) -> Builder:
    """A calibrator fitted on its block, on unknown truths, or on scores of the whole sample."""

    def scaled(part: CalibratorInput, folds: Any) -> pd.Series:
        ranks = part.rows.frames["score"].rank(pct=True)
        return calibrated(ranks, part.truth, part.known_at, folds)

    def late(part: CalibratorInput, folds: Any) -> pd.Series:
        moved = [
            Fold(
                refit=part.sessions[min(int(fold.test[0]) + size, len(part.sessions) - 1)],
                test=fold.test,
            )
            for fold in folds
        ]
        return calibrated(part.rows.frames["score"], part.truth, part.known_at, moved)

    def early(part: CalibratorInput, folds: Any) -> pd.Series:
        scored = part.rows.frames["score"].shift(-size)
        return calibrated(scored, part.truth, part.known_at, folds)

    while True:
        size, leak = int(rng.integers(1, 6)), (scaled, late, early)[int(rng.integers(3))]
        leaky = _calibrator(rng, leak)
        whole = leaky.build(leaky.inputs, 0)
        for t in (
            leaky.inputs.suspect_positions()
        ):  # a fit that nothing new entered is no leak: look at every refit
            if (
                not leaky.build(leaky.inputs.truncated(int(t)), 0)
                .iloc[t - 20 :]
                .equals(whole.iloc[t - 20 : t + 1])
            ):
                return leaky


def clean_rule(rng: Rng) -> Builder:
    """A stack of rules with random parameters."""
    return _rule(rng, 0)


def leaky_rule(rng: Rng) -> tuple[Builder, int]:
    """A rule that decides on the signals of one to five sessions later."""
    size = int(rng.integers(1, 6))
    return _rule(rng, size), size


def clean_labels(rng: Rng) -> list[Builder]:
    """`EpisodeLabels` of random depth."""
    return labeller_builders("clean labels", "tests", _labeller(rng), market(rng, N))


def leaky_labels(rng: Rng) -> tuple[list[Builder], int]:
    """A labeller that uses sessions after its date, or dates knowledge sessions too early."""
    clean, size = _labeller(rng), int(rng.integers(1, 6))

    def beyond(prices: pd.DataFrame, as_of: pd.Timestamp | None = None) -> Labels:
        if as_of is None:
            return clean(prices)
        position = prices.index.searchsorted(as_of) + size
        return clean(prices, prices.index[min(int(position), len(prices) - 1)])

    def early(prices: pd.DataFrame, as_of: pd.Timestamp | None = None) -> Labels:
        labels = clean(prices, as_of)
        position = np.maximum(prices.index.searchsorted(labels.known_at) - size, 0)
        known = pd.Series(prices.index[np.minimum(position, len(prices) - 1)], prices.index)
        return Labels(
            weights=labels.weights,
            span_end=labels.span_end,
            known_at=known.where(labels.known_at.notna()).rename("known_at"),
        )

    leaky = (beyond, early)[int(rng.integers(2))]
    return labeller_builders("leaky labels", "injected", leaky, market(rng, N)), size


def clean_panel(rng: Rng) -> Builder:
    """The as-of panel of a few series, some with vintages."""
    return _as_of(rng, lambda table: table)


def leaky_panel(rng: Rng, kind: str) -> tuple[Builder, float]:
    """A panel with the last vintage from the first release on, or with releases days too early."""
    size = float(rng.choice([0.5, 1.0, 2.0, 3.0, 4.0, 5.0]))

    def final(table: pd.DataFrame) -> pd.DataFrame:
        first = table.groupby(["series", "period"], observed=True)["released"].transform("min")
        return table.assign(released=first)

    def early(table: pd.DataFrame) -> pd.DataFrame:
        return table.assign(released=table["released"] - pd.Timedelta(days=size))

    return _as_of(rng, final if kind == "revised vintage" else early, revision=size), size


def _calibrator(rng: Rng, forecast: Callable[[CalibratorInput, Any], pd.Series]) -> Builder:
    prices = market(rng, N)
    labels = EpisodeLabels(depth=1.5, volatility_halflife=63)(prices)
    score = (1 - prices["sp500"] / prices["sp500"].rolling(63, min_periods=1).max()).rename("score")

    def build(part: CalibratorInput, t: int) -> pd.DataFrame:
        starts = range(500, len(part.sessions), 60)
        folds = [
            Fold(
                refit=part.sessions[start - 1],
                test=np.arange(start, min(start + 60, len(part.sessions))),
            )
            for start in starts
        ]
        return forecast(part, folds).to_frame("column")

    inputs = CalibratorInput(
        rows=FrameInput(frames={"score": score}),
        truth=labels.weights["deleveraging"],
        known_at=labels.known_at,
        refit_positions=tuple(range(500, N, 60)),
    )
    return Builder(name="calibrator", location="injected", inputs=inputs, build=build)


def _rule(rng: Rng, size: int) -> Builder:
    enter = float(rng.uniform(0.4, 0.8))
    rule = RuleStack(
        Hysteresis(enter=enter, leave=enter - 0.2),
        MinimumHold(days=int(rng.integers(1, 6))),
        VolatilityTarget(target=0.12),
        CapStep(per_day=0.5),
    )
    noise = pd.Series(rng.standard_normal(N)).ewm(halflife=5).mean()
    stress = (0.45 + 0.9 * noise).clip(0.01, 0.97).to_numpy()
    signals = pd.DataFrame({"deleveraging": stress}, market(rng, N).index)
    volatility = pd.Series(0.1 + 0.1 * rng.random(N), signals.index)

    def build(part: FrameInput, t: int) -> pd.DataFrame:
        table = part.frames["signals"].assign(volatility=part.frames["volatility"])
        return rule(table.shift(-size).ffill()).to_frame("exposure")

    return Builder(
        name="rule",
        location="injected",
        build=build,
        inputs=FrameInput(
            frames={"signals": signals, "volatility": volatility}, probability_frames=("signals",)
        ),
    )


def _labeller(rng: Rng) -> EpisodeLabels:
    return EpisodeLabels(
        depth=float(rng.uniform(1.0, 2.0)),
        fragile=int(rng.integers(5, 30)),
        volatility_halflife=63,
        core_weight=float(rng.choice([0.5, 1.0])),
        partial=bool(rng.random() < 0.5),
    )


def _as_of(
    rng: Rng, distort: Callable[[pd.DataFrame], pd.DataFrame], revision: float = 2.0
) -> Builder:
    """Five series: at the close, in the evening, next morning, weekly, and one that is revised."""
    days = market(rng, N).index
    closes, parts = session_closes(days), []
    delays = {"close": 0.0, "evening": 0.2, "morning": 0.7, "weekly": 1.02, "revised": 0.7}
    for name, delay in delays.items():
        rows = np.arange(2, N, 5) if name == "weekly" else np.arange(N)
        values = np.cumsum(rng.standard_normal(len(rows))) + 100
        first = pd.DataFrame(
            {
                "series": name,
                "period": days[rows],
                "value": values,
                "released": closes[rows] + pd.Timedelta(days=delay),
            }
        )
        parts.append(first)
        if name == "revised":
            parts.append(
                first.assign(
                    value=values + rng.standard_normal(len(rows)),
                    released=first["released"] + pd.Timedelta(days=revision),
                )
            )
    table = pd.concat(parts, ignore_index=True)

    def build(part: ObservationInput, t: int) -> pd.DataFrame:
        return (
            AsOf(distort(part.observations), dict.fromkeys(delays, 20)).panel(part.sessions).values
        )

    inputs = ObservationInput(observations=table, sessions=days)
    return Builder(name="panel", location="injected", inputs=inputs, build=build)

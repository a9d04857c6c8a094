"""Builders of columns with an injected leak, and the same builders without."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from regime import transforms
from regime.mechanisms.cta.exposure import trend_exposure, triggers_broken
from regime.studies.leakage.inputs import FrameInput
from regime.studies.leakage.probes import Builder
from tests.audit.planted.market import Rng, panel

__all__ = ["BUILDER_LEAKS", "clean_builder", "leaky_builder"]

N = 1200  # sessions of a synthetic market
Compute = Callable[[pd.DataFrame], pd.Series]
Leak = Callable[[pd.Series, pd.Series, int], pd.Series]

# From a clean output, an input and a number of sessions to an output that knows more.
BUILDER_LEAKS: dict[str, tuple[Leak, ...]] = {
    "future row": (
        lambda y, x, k: y.shift(-k),
        lambda y, x, k: y + 0.3 * (x.shift(-k) - x),
        lambda y, x, k: y.where(x.shift(-k) > 0.98 * x, y + 1.0),
        lambda y, x, k: x.iloc[::-1].rolling(k + 1, min_periods=1).max().iloc[::-1] - x,
    ),
    "whole-sample scaler": (
        lambda y, x, k: (y - y.mean()) / y.std(),
        lambda y, x, k: (y - y.min()) / (y.max() - y.min()),
        lambda y, x, k: y.rank(pct=True),
        lambda y, x, k: y.clip(y.quantile(0.02), y.quantile(0.98)),
        lambda y, x, k: y - y.mean(),
        lambda y, x, k: y / y.ffill().iloc[-1],
    ),
    "centred window": (
        lambda y, x, k: y.rolling(2 * k + 1, center=True).mean(),
        lambda y, x, k: y.rolling(2 * k + 1, center=True, min_periods=1).median(),
        lambda y, x, k: pd.Series(
            np.convolve(y.fillna(0.0), np.ones(2 * k + 1))[k : k + len(y)], y.index
        ),
        lambda y, x, k: y.ewm(halflife=k).mean().iloc[::-1].ewm(halflife=k).mean().iloc[::-1],
    ),
    "back-fill": (
        lambda y, x, k: y.bfill(),
        lambda y, x, k: y.interpolate(limit_direction="both"),
        lambda y, x, k: y.where(np.arange(len(y)) % (k + 1) == 0).bfill(),
    ),
}


def clean_builder(rng: Rng) -> tuple[Builder, Compute, pd.DataFrame]:
    """A random clean transform of a random column, with its function and its input."""
    values = panel(rng, N)
    name = str(rng.choice([column for column in values if column != "gaps"]))
    days, other = int(rng.choice([5, 10, 21, 63])), str(rng.choice(["sp500", "vix", "dgs10"]))
    library: dict[str, Compute] = {
        "change": lambda v: transforms.change(v[name], days),
        "volatility": lambda v: transforms.volatility(v[name].abs() + 1.0, days),
        "deviation": lambda v: transforms.log_deviation(v[name].abs() + 1.0, 2 * days),
        "zscore": lambda v: transforms.zscore(v[name], 2 * days),
        "percentile": lambda v: transforms.rolling_percentile(v[name], 4 * days),
        "drawdown": lambda v: transforms.fall_from_high(v[name].abs() + 1.0, 2 * days),
        "trend": lambda v: trend_exposure(v[name].abs() + 1.0),
        "triggers": lambda v: triggers_broken(v[name].abs() + 1.0, (10, 20, 40)) + 0.1 * v[name],
        "gap": lambda v: v[name] - v[other].ewm(halflife=days).mean(),
        "correlation": lambda v: v[name].diff().rolling(2 * days).corr(v["sp500"].diff()),
        "expanding": lambda v: (
            (v[name] - v[name].expanding(20).mean()) / v[name].expanding(20).std()
        ),
        "carried": lambda v: v["gaps"].ffill() - v["gaps"].ffill().shift(days),
    }
    kind = str(rng.choice(list(library)))
    compute = library[kind]
    return _of_values(f"clean {kind} of {name}", values, compute), compute, values


def leaky_builder(rng: Rng, kind: str) -> tuple[Builder, int]:
    """A builder with a leak of `kind` somewhere, and its size in sessions.

    Parameters
    ----------
    rng : Generator
    kind : str
        One of `BUILDER_LEAKS`.
    """
    while True:
        builder, size, effective = _try_builder(rng, kind)
        if effective:
            return builder, size


def _try_builder(rng: Rng, kind: str) -> tuple[Builder, int, bool]:
    _, compute, values = clean_builder(rng)
    size = int(rng.integers(1, 6))
    leak = BUILDER_LEAKS[kind][int(rng.integers(len(BUILDER_LEAKS[kind])))]
    column = "gaps" if kind == "back-fill" else str(rng.choice(["sp500", "vix", "dgs10", "eem"]))
    first, last = _leaky_period(rng)

    def leaky(v: pd.DataFrame) -> pd.Series:
        changed = leak(clean(v), v[column], size)
        inside = (v.index >= values.index[first]) & (v.index <= values.index[last])
        return changed.where(inside, clean(v))

    clean: Compute = (lambda v: v["gaps"]) if kind == "back-fill" else compute
    builder = _of_values(f"leaky {kind}", values, leaky)
    whole = builder.build(builder.inputs, 0)
    # By brute force, at every fourth session: a clip that clips nothing is no leak.
    effective = any(
        not builder.build(builder.inputs.truncated(t), t).equals(whole.iloc[: t + 1])
        for t in range(first, last, 4)
    )
    return builder, size, effective


def _of_values(name: str, values: pd.DataFrame, compute: Compute) -> Builder:
    return Builder(
        name=name,
        location="injected",
        inputs=FrameInput(frames={"values": values}),
        build=lambda part, t: compute(part.frames["values"]).astype(float).to_frame("column"),
    )


def _leaky_period(rng: Rng) -> tuple[int, int]:
    """All of the history, or a part of it of at least a tenth."""
    if rng.random() < 0.5:
        return 0, N - 1
    length = int(rng.integers(N // 10, N // 2))
    first = int(rng.integers(N // 5, N - length))
    return first, first + length

"""Mechanisms on 9,000 sessions.

Comovement against a numpy window at a time, and all feature columns at once.

Usage: python benchmarks/mechanisms.py [--json]
"""

import json
import sys
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from regime.features.feature_set import FeatureSet
from regime.mechanisms.cross_asset.comovement import (
    absorption_ratio,
    average_correlation,
    turbulence,
)
from regime.schema import Panel

CLAIM = 0.5
SECONDS = 3.0
ROWS = 9000
MARKETS = 15
LOOKBACK = 63
REPEATS = 3
HALFLIFE = 252.0
SHRINKAGE = 0.3
MINIMUM = 126
Quantity = Callable[[pd.DataFrame], pd.Series]


def markets() -> pd.DataFrame:
    """Moves of markets that share a factor."""
    rng = np.random.default_rng(7)
    moves = 0.6 * rng.normal(size=(ROWS, 1)) + 0.8 * rng.normal(size=(ROWS, MARKETS))
    return pd.DataFrame(
        moves, pd.bdate_range("1990-01-02", periods=ROWS, name="date"), list(range(MARKETS))
    )


def panel(features: FeatureSet) -> Panel:
    """Walks for every series that a feature reads."""
    steps = np.random.default_rng(1).normal(0, 0.01, (ROWS, len(features.inputs)))
    values = pd.DataFrame(
        100 * np.exp(steps.cumsum(axis=0)), markets().index, list(features.inputs)
    )
    return Panel(values=values, age=values * 0.0)


def by_window(reading: Callable[[np.ndarray], float]) -> Quantity:
    """A reading of the correlations about zero of each window, one window at a time."""

    def quantity(moves: pd.DataFrame) -> pd.Series:
        values = moves.clip(-6, 6).to_numpy()
        out = np.full(len(values), np.nan)
        for t in range(LOOKBACK - 1, len(values)):
            window = values[t - LOOKBACK + 1 : t + 1]
            cross = window.T @ window
            scale = np.sqrt(np.diag(cross))
            out[t] = reading(cross / np.outer(scale, scale))
        return pd.Series(out, moves.index)

    return quantity


def plain_turbulence(moves: pd.DataFrame) -> pd.Series:
    """Squared distance of each day from the shrunk covariance of the days before it, day by day."""
    values, keep = moves.to_numpy(), 0.5 ** (1 / HALFLIFE)
    cross = np.zeros((MARKETS, MARKETS))
    weight = 0.0
    out = np.full(len(values), np.nan)
    for t, now in enumerate(values):
        if t >= MINIMUM:
            scale = np.sqrt(np.diag(cross))
            pattern = (1 - SHRINKAGE) * cross / np.outer(scale, scale)
            np.fill_diagonal(pattern, 1.0)
            z = now / (scale / np.sqrt(weight))
            out[t] = z @ np.linalg.solve(pattern, z) / MARKETS
        cross, weight = keep * cross + np.outer(now, now), keep * weight + 1.0
    return pd.Series(out, moves.index)


PAIRS = MARKETS * (MARKETS - 1)
QUANTITIES: dict[str, tuple[Quantity, Quantity]] = {
    "average correlation": (
        lambda m: average_correlation(m, LOOKBACK),
        by_window(lambda c: float((c.sum() - MARKETS) / PAIRS)),
    ),
    "absorption ratio": (
        lambda m: absorption_ratio(m, LOOKBACK),
        by_window(lambda c: float(np.linalg.eigvalsh(c)[-3:].sum() / MARKETS)),
    ),
    "turbulence": (lambda m: turbulence(m, HALFLIFE, SHRINKAGE, MINIMUM), plain_turbulence),
}


def seconds(action: Callable[[], object]) -> float:
    """Processor seconds of one call."""
    begin = time.process_time()
    action()
    return time.process_time() - begin


def row(name: str, moves: pd.DataFrame) -> dict[str, object]:
    """Least seconds of each over interleaved repeats, and whether known values are equal."""
    ours, plain = QUANTITIES[name]
    a, b = ours(moves).to_numpy(), plain(moves).to_numpy()  # compiles as well
    both = np.isfinite(a) & np.isfinite(b)
    equal = bool(
        both.sum() > ROWS - 2 * LOOKBACK - MINIMUM and np.allclose(a[both], b[both], rtol=1e-8)
    )
    fast, slow = np.array(
        [(seconds(lambda: ours(moves)), seconds(lambda: plain(moves))) for _ in range(REPEATS)]
    ).min(axis=0)
    return {
        "quantity": name,
        "own_seconds": round(fast, 4),
        "numpy_seconds": round(slow, 4),
        "ratio": round(fast / slow, 3),
        "values_equal": equal,
    }


def measure() -> dict[str, object]:
    moves, features = markets(), FeatureSet().with_mechanisms
    rows = [row(name, moves) for name in QUANTITIES]
    ratio = sum(r["own_seconds"] for r in rows) / sum(r["numpy_seconds"] for r in rows)
    known = panel(features)
    features(known)  # compiles
    whole = min(seconds(lambda: features(known)) for _ in range(REPEATS))
    return {
        "claim": f"at most {CLAIM:g}x numpy at equal values; all feature columns in at most "
        f"{SECONDS:g} s",
        "rows": ROWS,
        "markets": MARKETS,
        "quantities": rows,
        "ratio": round(ratio, 3),
        "feature_columns": len(features.specs),
        "feature_seconds": round(whole, 2),
        "passed": bool(
            ratio <= CLAIM and whole <= SECONDS and all(r["values_equal"] for r in rows)
        ),
    }


def main() -> int:
    result = measure()
    if "--json" in sys.argv[1:]:
        print(json.dumps(result))
    else:
        print(pd.DataFrame(result["quantities"]).to_string(index=False))
        print(f"all {result['feature_columns']} feature columns: {result['feature_seconds']} s")
        print(f"claim: {result['claim']}: {'kept' if result['passed'] else 'BROKEN'}")
    return 0 if result["passed"] else 1


if __name__ == "__main__":
    raise SystemExit(main())

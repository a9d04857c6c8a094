"""Compiled kernels behind the feature transforms against pandas, at equal values.

Usage: python benchmarks/features.py [--json]
"""

import json
import sys
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from regime import kernels

CLAIM = 0.33
ROWS = 8000
COLUMNS = 100
REPEATS = 5
CORRELATED = (
    12  # columns whose pairs are correlated, as many as the risk basket of the features has markets
)

Own = Callable[[np.ndarray], np.ndarray]
Theirs = Callable[[pd.DataFrame], pd.DataFrame]
STATISTICS: dict[str, tuple[Own, Theirs]] = {
    "mean 200": (
        lambda x: kernels.rolling_mean(x, 200, 100),
        lambda f: f.rolling(200, min_periods=100).mean(),
    ),
    "z-score 252": (
        lambda x: kernels.rolling_zscore(x, 252, 126),
        lambda f: (
            (f - f.rolling(252, min_periods=126).mean()) / f.rolling(252, min_periods=126).std()
        ),
    ),
    "rank 252": (
        lambda x: kernels.rolling_rank(x, 252, 126),
        lambda f: f.rolling(252, min_periods=126).rank(pct=True),
    ),
    "rank 1260": (
        lambda x: kernels.rolling_rank(x, 1260, 630),
        lambda f: f.rolling(1260, min_periods=630).rank(pct=True),
    ),
    "rank of all": (
        lambda x: kernels.rolling_rank(x, 0, 1000),
        lambda f: f.expanding(1000).rank(pct=True),
    ),
    "maximum 252": (
        lambda x: kernels.rolling_extreme(x, 252, 63, 1),
        lambda f: f.rolling(252, min_periods=63).max(),
    ),
    "mean halflife 21": (
        lambda x: kernels.ewm_mean(x, 21.0, 20),
        lambda f: f.ewm(halflife=21, min_periods=20, ignore_na=True).mean(),
    ),
    "deviation halflife 126": (
        lambda x: kernels.ewm_std(x, 126.0, 20),
        lambda f: f.ewm(halflife=126, min_periods=20, ignore_na=True).std(),
    ),
}


def table() -> np.ndarray:
    """Random walks with gaps, a quarter of which begin late."""
    rng = np.random.default_rng(7)
    values = np.cumsum(rng.normal(size=(ROWS, COLUMNS)), axis=0)
    values[rng.random(values.shape) < 0.02] = np.nan
    for column in range(0, COLUMNS, 4):
        values[: rng.integers(0, 3000), column] = np.nan
    return values


def pandas_correlation(frame: pd.DataFrame) -> pd.DataFrame:
    """Mean over pairs of the exponential correlation about zero."""

    def mean(column: pd.Series) -> pd.Series:
        return column.ewm(halflife=42, ignore_na=True).mean()

    pairs = []
    for i in range(CORRELATED):
        for j in range(i):
            both = frame[i].notna() & frame[j].notna()
            a, b = frame[i].where(both), frame[j].where(both)
            pairs.append(
                (mean(a * b) / np.sqrt(mean(a * a) * mean(b * b))).where(both.cumsum() >= 63)
            )
    return pd.concat(pairs, axis=1).mean(axis=1).to_frame()


def seconds(action: Callable[[], object]) -> float:
    """Processor seconds of one call."""
    begin = time.process_time()
    action()
    return time.process_time() - begin


def row(
    name: str, ours: Callable[[], np.ndarray], theirs: Callable[[], pd.DataFrame]
) -> dict[str, object]:
    """Least seconds of each over interleaved repeats, and whether their values are equal."""
    a, b = ours(), theirs().to_numpy()  # compiles as well
    equal = bool(np.allclose(a, b, rtol=1e-8, atol=1e-9, equal_nan=True))
    times = np.array([(seconds(ours), seconds(theirs)) for _ in range(REPEATS)])
    fast, slow = times.min(axis=0)
    return {
        "statistic": name,
        "own_seconds": round(fast, 4),
        "pandas_seconds": round(slow, 4),
        "ratio": round(fast / slow, 3),
        "values_equal": equal,
    }


def measure() -> dict[str, object]:
    values = table()
    frame, columns = pd.DataFrame(values), [np.ascontiguousarray(column) for column in values.T]
    rows = [
        row(name, lambda f=ours: np.array([f(x) for x in columns]).T, lambda f=theirs: f(frame))
        for name, (ours, theirs) in STATISTICS.items()
    ]
    few = np.ascontiguousarray(values[:, :CORRELATED])
    rows.append(
        row(
            "mean correlation of 12",
            lambda: kernels.mean_correlation(few, 42.0, 63)[:, None],
            lambda: pandas_correlation(frame),
        )
    )
    ratio = sum(r["own_seconds"] for r in rows) / sum(r["pandas_seconds"] for r in rows)
    return {
        "claim": f"at most {CLAIM:g}x pandas at equal values",
        "rows": ROWS,
        "columns": COLUMNS,
        "statistics": rows,
        "ratio": round(ratio, 3),
        "passed": bool(ratio <= CLAIM and all(r["values_equal"] for r in rows)),
    }


def main() -> int:
    result = measure()
    if "--json" in sys.argv[1:]:
        print(json.dumps(result))
    else:
        print(pd.DataFrame(result["statistics"]).to_string(index=False))
        print(
            f"all together {result['ratio']}x, claim {CLAIM:g}x: "
            f"{'kept' if result['passed'] else 'BROKEN'}"
        )
    return 0 if result["passed"] else 1


if __name__ == "__main__":
    raise SystemExit(main())

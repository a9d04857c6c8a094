"""Own jump model against the `jumpmodels` package, at equal labels.

Usage: python benchmarks/jump_model.py [--json]
"""

import json
import sys
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
from jumpmodels.jump import JumpModel as Reference

from regime.jump_model import fit_jump_model, jump_features, standardise

CLAIM = 20.0
ROWS = 6000
STARTS = 10
PENALTIES = (20.0, 50.0, 100.0)


def features() -> tuple[np.ndarray, np.ndarray]:
    """Standardised features of simulated returns with calm and stressed periods; the returns."""
    rng = np.random.default_rng(7)
    stress = np.zeros(ROWS, bool)
    for t in range(1, ROWS):
        stress[t] = rng.random() < (0.98 if stress[t - 1] else 0.005)
    returns = pd.Series(
        np.where(stress, rng.normal(-0.002, 0.022, ROWS), rng.normal(0.0007, 0.008, ROWS))
    )
    table = jump_features(returns).dropna()
    return standardise(table), returns[table.index].to_numpy()


def timed(action: Callable[[], object], repeats: int) -> tuple[object, float]:
    """Result, and the least processor seconds of `repeats` calls."""
    seconds = []
    for _ in range(repeats):
        begin = time.process_time()
        result = action()
        seconds.append(time.process_time() - begin)
    return result, min(seconds)


def measure() -> dict[str, object]:
    X, returns = features()
    fit_jump_model(X[:100], n_states=2, penalty=1.0)  # compiles
    rows = []
    for penalty in PENALTIES:
        ours, fast = timed(
            lambda p=penalty: fit_jump_model(X, n_states=2, penalty=p, n_init=STARTS), 5
        )
        theirs, slow = timed(
            lambda p=penalty: Reference(n_components=2, jump_penalty=p, n_init=STARTS).fit(
                X, ret_ser=returns, sort_by="cumret"
            ),
            1,
        )
        labels = ours.sorted_by(-returns).labels
        rows.append(
            {
                "penalty": penalty,
                "own_seconds": round(fast, 4),
                "jumpmodels_seconds": round(slow, 3),
                "ratio": round(slow / fast, 1),
                "labels_equal": bool((labels == theirs.labels_).all()),
                "objective_difference": float(ours.objective - theirs.val_),
            }
        )
    worst = min(row["ratio"] for row in rows)
    passed = worst >= CLAIM and all(row["labels_equal"] for row in rows)
    return {
        "claim": f"at least {CLAIM:g}x jumpmodels at equal labels",
        "rows": ROWS,
        "features": X.shape[1],
        "starts": STARTS,
        "fits": rows,
        "ratio": worst,
        "passed": passed,
    }


def main() -> int:
    result = measure()
    if "--json" in sys.argv:
        print(json.dumps(result))
    else:
        print(pd.DataFrame(result["fits"]).to_string(index=False))
        print(
            f"least ratio {result['ratio']}x, claim {CLAIM:g}x: "
            f"{'kept' if result['passed'] else 'BROKEN'}"
        )
    return 0 if result["passed"] else 1


if __name__ == "__main__":
    raise SystemExit(main())

"""Walk-forward with two processes against the same loop in one thread, at identical predictions.

The claim is about processes that are up; what their start adds, once a run, is told beside it.

Usage: python benchmarks/walk_forward.py [--json]
"""

import json
import sys
import time
from dataclasses import replace
from datetime import date

import pandas as pd
from joblib.externals.loky import get_reusable_executor

from regime.progress import NoProgress
from regime.sources.simulated import SimulatedSource
from regime.workflows.data import World, read_world
from regime.workflows.forecast import Forecast, walk_forward
from regime.workflows.settings import Parallel, Settings, load_settings

CLAIM, ROUNDS, PROCESSES = 0.7, 2, 2


def example() -> Settings:
    """The demo's model on forty years, refitted every half year of the last twenty."""
    settings = load_settings("demo.yaml")
    return replace(settings, start=date(1985, 1, 2), source=SimulatedSource(years=40, start=date(1985, 1, 2)),
                   splits=replace(settings.splits, first_test=date(2005, 1, 1)))


def timed(settings: Settings, jobs: int, world: World, features: pd.DataFrame) -> tuple[Forecast, float]:
    """Forecast, and its wall seconds."""
    begin = time.perf_counter()
    forecast = walk_forward(replace(settings, parallel=Parallel(jobs=jobs)), features, world.market, NoProgress())
    return forecast, time.perf_counter() - begin


def measure() -> dict[str, object]:
    settings = example()
    world = read_world(settings, None, NoProgress())
    features = settings.features(world.panel)
    begin = replace(settings, splits=replace(settings.splits, first_test=date(2024, 1, 1)))
    timed(begin, 1, world, features)  # what is imported and compiled on first use
    serial, parallel, start = [], [], []
    for _ in range(ROUNDS):
        get_reusable_executor(max_workers=PROCESSES).shutdown(wait=True)
        start.append(timed(begin, PROCESSES, world, features)[1] - timed(begin, PROCESSES, world, features)[1])
        spread, fast = timed(settings, PROCESSES, world, features)
        alone, slow = timed(settings, 1, world, features)
        serial.append(slow)
        parallel.append(fast)
    identical = alone.probabilities.to_numpy().tobytes() == spread.probabilities.to_numpy().tobytes()
    ratio = min(parallel) / min(serial)
    return {"claim": f"at most {CLAIM:g}x the one-thread loop at identical predictions", "sessions": len(features),
            "refits": len(alone.folds), "processes": PROCESSES, "parallel_seconds": round(min(parallel), 2),
            "serial_seconds": round(min(serial), 2), "start_seconds": round(min(start), 2),
            "ratio": round(ratio, 3), "identical": identical, "passed": bool(identical and ratio <= CLAIM)}


def main() -> int:
    result = measure()
    if "--json" in sys.argv[1:]:
        print(json.dumps(result))
    else:
        print(f"{result['claim']}: {result['ratio']}x ({result['parallel_seconds']} s against "
              f"{result['serial_seconds']} s, and {result['start_seconds']} s once for the processes to start; "
              f"{result['refits']} refits over {result['sessions']} sessions; identical: {result['identical']})")
    return 0 if result["passed"] else 1


if __name__ == "__main__":
    raise SystemExit(main())

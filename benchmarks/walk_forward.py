"""Walk-forward with two processes against the same loop in one thread, at identical predictions.

Each pair of rounds starts a cold pool, so the processes' own start is paid for in full.

Usage: python benchmarks/walk_forward.py [--json]
"""

import json
import sys
import time
from dataclasses import replace
from datetime import date

from joblib.externals.loky import get_reusable_executor

from regime.progress import NoProgress
from regime.sources.simulated import SimulatedSource
from regime.workflows.data import read_world
from regime.workflows.forecast import Forecast, walk_forward
from regime.workflows.settings import Parallel, Settings, load_settings

CLAIM, ROUNDS, PROCESSES = 0.7, 2, 2


def example() -> Settings:
    """The demo's model on forty years, refitted in each of the last twenty."""
    settings = load_settings("demo.yaml")
    return replace(settings, start=date(1985, 1, 2), source=SimulatedSource(years=40, start=date(1985, 1, 2)),
                   splits=replace(settings.splits, first_test=date(2005, 1, 1), refit_months=12))


def timed(settings: Settings, jobs: int, features, market) -> tuple[Forecast, float]:
    """Forecast, and wall seconds with `jobs` processes started anew."""
    get_reusable_executor(max_workers=PROCESSES).shutdown(wait=True)
    begin = time.perf_counter()
    forecast = walk_forward(replace(settings, parallel=Parallel(jobs=jobs)), features, market, NoProgress())
    return forecast, time.perf_counter() - begin


def measure() -> dict[str, object]:
    settings = example()
    world = read_world(settings, None, NoProgress())
    features = settings.features(world.panel)
    timed(settings, 1, features.iloc[:6000], world.market.iloc[:6000])  # imports and compiled code for both
    serial, parallel = [], []
    for _ in range(ROUNDS):
        alone, slow = timed(settings, 1, features, world.market)
        spread, fast = timed(settings, PROCESSES, features, world.market)
        serial.append(slow)
        parallel.append(fast)
    identical = alone.probabilities.to_numpy().tobytes() == spread.probabilities.to_numpy().tobytes()
    ratio = min(parallel) / min(serial)
    return {"claim": f"at most {CLAIM:g}x the one-thread loop at identical predictions", "sessions": len(features),
            "refits": len(alone.folds), "processes": PROCESSES, "parallel_seconds": round(min(parallel), 2),
            "serial_seconds": round(min(serial), 2), "ratio": round(ratio, 3), "identical": identical,
            "passed": bool(identical and ratio <= CLAIM)}


def main() -> int:
    result = measure()
    if "--json" in sys.argv[1:]:
        print(json.dumps(result))
    else:
        print(f"{result['claim']}: {result['ratio']}x ({result['parallel_seconds']} s against "
              f"{result['serial_seconds']} s; {result['refits']} refits over {result['sessions']} sessions; "
              f"identical: {result['identical']})")
    return 0 if result["passed"] else 1


if __name__ == "__main__":
    raise SystemExit(main())

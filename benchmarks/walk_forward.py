"""Walk-forward with two processes, of this host or of a Dask cluster, against the same loop in one.

The claim is about running processes; their start, once a run, is reported apart.

Usage: python benchmarks/walk_forward.py [--json]
"""

import json
import logging
import os
import sys
import time
from dataclasses import replace
from datetime import date

import pandas as pd
from distributed import LocalCluster
from joblib.externals.loky import get_reusable_executor

from regime.parallel import NoProgress, Parallel
from regime.pipeline.market_data import MarketData, read_market_data
from regime.pipeline.settings import Settings, load_settings
from regime.pipeline.walk_forward import Forecast, walk_forward
from regime.sources.simulated import SimulatedSource

CLAIM = 0.7
ROUNDS = 2
PROCESSES = 2


def example() -> Settings:
    """The demo's model on forty years, refitted every half year of the last twenty."""
    settings = load_settings("demo.yaml")
    return replace(
        settings,
        start=date(1985, 1, 2),
        source=SimulatedSource(years=40, start=date(1985, 1, 2)),
        splits=replace(settings.splits, first_test=date(2005, 1, 1)),
    )


def timed(
    settings: Settings, parallel: Parallel, market_data: MarketData, features: pd.DataFrame
) -> tuple[Forecast, float]:
    """Forecast, and its wall seconds."""
    begin = time.perf_counter()
    forecast = walk_forward(
        replace(settings, parallel=parallel), features, market_data.market, NoProgress()
    )
    return forecast, time.perf_counter() - begin


def measure() -> dict[str, object]:
    settings = example()
    market_data = read_market_data(settings, None, NoProgress())
    features = settings.features(market_data.panel)
    short = replace(settings, splits=replace(settings.splits, first_test=date(2023, 1, 1)))
    with LocalCluster(
        n_workers=PROCESSES,
        threads_per_worker=1,
        dashboard_address=":0",
        silence_logs=logging.CRITICAL,
    ) as cluster:
        ways = {
            "serial": Parallel(backend="serial"),
            "loky": Parallel(jobs=PROCESSES),
            "dask": Parallel(backend="dask", address=cluster.scheduler_address),
        }
        timed(
            short, ways["serial"], market_data, features
        )  # what is imported and compiled on first use
        first = {name: timed(short, way, market_data, features)[1] for name, way in ways.items()}
        start = {
            name: first[name] - timed(short, way, market_data, features)[1]
            for name, way in ways.items()
        }
        rounds = [
            {name: timed(settings, way, market_data, features) for name, way in ways.items()}
            for _ in range(ROUNDS)
        ]
    get_reusable_executor(max_workers=PROCESSES).shutdown(wait=True)
    seconds = {name: min(timings[name][1] for timings in rounds) for name in ways}
    bits = {
        forecast.probabilities.to_numpy().tobytes()
        for timings in rounds
        for forecast, _ in timings.values()
    }
    spread = {name: seconds[name] / seconds["serial"] for name in ("loky", "dask")}
    return {
        "claim": f"at most {CLAIM:g}x the loop in one process at identical predictions",
        "sessions": len(features),
        "refits": len(rounds[0]["serial"][0].folds),
        "processes": PROCESSES,
        **{f"{name}_seconds": round(value, 2) for name, value in seconds.items()},
        **{f"{name}_start_seconds": round(start[name], 2) for name in spread},
        **{f"{name}_ratio": round(value, 3) for name, value in spread.items()},
        **{f"{name}_efficiency": round(1 / value / PROCESSES, 3) for name, value in spread.items()},
        "load": round(os.getloadavg()[0], 1),
        "identical": len(bits) == 1,
        "passed": bool(len(bits) == 1 and max(spread.values()) <= CLAIM),
    }


def main() -> int:
    result = measure()
    if "--json" in sys.argv[1:]:
        print(json.dumps(result))
    else:
        print(
            f"{result['claim']}: loky {result['loky_ratio']}x ({result['loky_seconds']} s), dask "
            f"{result['dask_ratio']}x ({result['dask_seconds']} s) of {result['serial_seconds']} "
            "s; once for the "
            f"processes to start {result['loky_start_seconds']} and "
            f"{result['dask_start_seconds']} s; "
            f"{result['refits']} refits over {result['sessions']} sessions; identical: "
            f"{result['identical']}; "
            f"load {result['load']}"
        )
    return 0 if result["passed"] else 1


if __name__ == "__main__":
    raise SystemExit(main())

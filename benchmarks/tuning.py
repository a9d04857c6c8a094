"""One study by two workers against one, at identical trials, and what 200 trials of it would take.

Forty simulated years stand for the real history; trials are random, as the first of a study are, so
that both run the same ones. The workers' start (imports, once a study) is part of the time.

Usage: python benchmarks/tuning.py [--json]
"""

import json
import os
import sys
import tempfile
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

from regime.parallel import NoProgress
from regime.pipeline.market_data import read_market_data
from regime.pipeline.settings import load_settings
from regime.sources.simulated import SimulatedSource
from regime.studies.tuning.objective import InnerSample, inner_sample, outer_blocks
from regime.studies.tuning.search_space import SearchSpace
from regime.studies.tuning.study import Study, StudyPlan
from regime.studies.tuning.workers import run_search

TRIALS = 100
STUDY = 200
SPEEDUP = 1.6
MINUTES = 25.0


def example() -> InnerSample:
    """The demo's model on forty years before a block."""
    settings = load_settings("demo.yaml")
    settings = replace(
        settings,
        start=date(1985, 1, 2),
        source=SimulatedSource(years=40, start=date(1985, 1, 2)),
        splits=replace(settings.splits, first_test=date(2020, 1, 1)),
    )
    market_data = read_market_data(settings, None, NoProgress())
    block = outer_blocks(settings, market_data.sessions)[0]
    features = settings.features(market_data.panel)
    return inner_sample(settings, market_data, features, block, NoProgress())


def timed(sample: InnerSample, workers: int, folder: Path) -> tuple[Study, float]:
    """A new study, and its wall seconds."""
    plan = StudyPlan(
        name="benchmark",
        storage=f"journal://{folder / 'journal'}",
        locks=folder,
        folds=len(sample.folds),
        startup=TRIALS + 1,
    )
    begin = time.perf_counter()
    study, _ = run_search(
        plan, sample, SearchSpace(), total=TRIALS, workers=workers, progress=NoProgress()
    )
    return study, time.perf_counter() - begin


def measure() -> dict[str, object]:
    sample = example()
    seconds: dict[int, float] = {}
    trials = []
    for workers in (1, 2):
        with tempfile.TemporaryDirectory() as scratch:
            study, seconds[workers] = timed(sample, workers, Path(scratch))
            trials.append([(study.params(number), study.folds(number)) for number in range(TRIALS)])
    ratio = seconds[1] / seconds[2]
    minutes = STUDY * seconds[2] / TRIALS / 60
    identical = trials[0] == trials[1]
    return {
        "claim": f"two workers at least {SPEEDUP:g}x one; {STUDY} trials at most {MINUTES:g} min",
        "trials": TRIALS,
        "sessions": len(sample.features),
        "folds": len(sample.folds),
        "one_worker_seconds": round(seconds[1], 1),
        "two_workers_seconds": round(seconds[2], 1),
        "seconds_a_trial": round(seconds[1] / TRIALS, 2),
        "speedup": round(ratio, 2),
        f"minutes_of_{STUDY}_trials": round(minutes, 1),
        "identical": identical,
        "load": round(os.getloadavg()[0], 2),
        "passed": bool(identical and ratio >= SPEEDUP and minutes <= MINUTES),
    }


def main() -> int:
    result = measure()
    if "--json" in sys.argv[1:]:
        print(json.dumps(result))
    else:
        print("\n".join(f"{name}: {value}" for name, value in result.items()))
    return 0 if result["passed"] else 1


if __name__ == "__main__":
    raise SystemExit(main())

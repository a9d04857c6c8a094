"""One study by two workers against one, at identical trials, and what 200 trials of it would take.

The worlds' forty years stand for the real history; trials are at random, as the first of a study
are, so that both make the same ones. Workers' start (imports, once a study) is part of the time.

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

from regime.models.study_plan import StudyPlan
from regime.models.tuning import Study
from regime.progress import NoProgress
from regime.sources.simulated import SimulatedSource
from regime.workflows.data import read_world
from regime.workflows.settings import load_settings
from regime.workflows.tune_objective import KnownYears, known_years, outer_blocks
from regime.workflows.tune_space import SearchSpace
from regime.workflows.tune_workers import search

TRIALS, STUDY = 100, 200
SPEEDUP, MINUTES = 1.6, 25.0


def example() -> KnownYears:
    """The demo's model on forty years before a block."""
    settings = load_settings("demo.yaml")
    settings = replace(
        settings,
        start=date(1985, 1, 2),
        source=SimulatedSource(years=40, start=date(1985, 1, 2)),
        splits=replace(settings.splits, first_test=date(2020, 1, 1)),
    )
    world = read_world(settings, None, NoProgress())
    block = outer_blocks(settings, world.sessions)[0]
    return known_years(settings, world, settings.features(world.panel), block, NoProgress())


def timed(known: KnownYears, workers: int, place: Path) -> tuple[Study, float]:
    """A new study, and its wall seconds."""
    plan = StudyPlan(
        name="benchmark",
        storage=f"journal://{place / 'journal'}",
        locks=place,
        folds=len(known.folds),
        startup=TRIALS + 1,
    )
    begin = time.perf_counter()
    study, _ = search(
        plan, known, SearchSpace(), total=TRIALS, workers=workers, progress=NoProgress()
    )
    return study, time.perf_counter() - begin


def measure() -> dict[str, object]:
    known, seconds, trials = example(), {}, []
    for workers in (1, 2):
        with tempfile.TemporaryDirectory() as scratch:
            study, seconds[workers] = timed(known, workers, Path(scratch))
            trials.append([(study.params(number), study.folds(number)) for number in range(TRIALS)])
    ratio, minutes, identical = (
        seconds[1] / seconds[2],
        STUDY * seconds[2] / TRIALS / 60,
        trials[0] == trials[1],
    )
    return {
        "claim": f"two workers at least {SPEEDUP:g}x one; {STUDY} trials at most {MINUTES:g} min",
        "trials": TRIALS,
        "sessions": len(known.features),
        "folds": len(known.folds),
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

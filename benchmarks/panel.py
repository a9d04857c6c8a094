"""As-of panel against a loop of `pandas.merge_asof` over the series, at equal values.

Usage: python benchmarks/panel.py [--json]
"""

import json
import sys
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from regime.panel.as_of import AsOf
from regime.panel.calendar import session_closes
from regime.schema import Panel

CLAIM, SERIES, REPEATS = 10.0, 110, 20
SESSIONS = pd.bdate_range("1993-01-01", "2024-12-31", name="date")
MAX_AGE = {f"series_{number:03d}": 10 if number % 4 else 40 for number in range(SERIES)}


def observations() -> pd.DataFrame:
    """Three daily series for one weekly, each with its own start and publication lag."""
    rng = np.random.default_rng(7)
    frames = []
    for number, name in enumerate(MAX_AGE):
        periods = SESSIONS[rng.integers(0, 3000) :][:: 1 if number % 4 else 5]
        released = (periods + pd.Timedelta(hours=int(rng.integers(20, 90)))).tz_localize("UTC")
        frames.append(
            pd.DataFrame(
                {
                    "series": name,
                    "period": periods,
                    "released": released,
                    "value": rng.normal(size=len(periods)),
                }
            )
        )
    return pd.concat(frames, ignore_index=True).astype({"series": "category"})


def merge_asof_panel(
    rows: pd.DataFrame, max_age: dict[str, int], sessions: pd.DatetimeIndex
) -> Panel:
    """The same panel with one `merge_asof` a series."""
    closes = pd.DataFrame({"cut": session_closes(sessions), "date": sessions})
    values, ages = {}, {}
    for name, group in rows.groupby("series", observed=True):
        known = pd.merge_asof(
            closes, group.sort_values("released"), left_on="cut", right_on="released"
        )
        age = (known["date"] - known["period"]).dt.days
        values[name] = known["value"].where(age <= max_age[str(name)]).to_numpy()
        ages[name] = age.to_numpy()
    return Panel(
        values=pd.DataFrame(values, index=sessions), age=pd.DataFrame(ages, index=sessions)
    )


def timed(action: Callable[[], Panel], repeats: int) -> tuple[Panel, float]:
    """Result, and the least processor seconds of `repeats` calls."""
    seconds = []
    for _ in range(repeats):
        begin = time.process_time()
        result = action()
        seconds.append(time.process_time() - begin)
    return result, min(seconds)


def measure() -> dict[str, object]:
    rows = observations()
    session_closes(SESSIONS)  # the calendar is built once and serves both
    own, fast = timed(lambda: AsOf(rows, MAX_AGE).panel(SESSIONS), REPEATS)
    theirs, slow = timed(lambda: merge_asof_panel(rows, MAX_AGE, SESSIONS), 3)
    equal = all(
        np.array_equal(a.to_numpy(), b.to_numpy(), equal_nan=True)
        for a, b in ((own.values, theirs.values), (own.age, theirs.age))
    )
    ratio = slow / fast
    return {
        "claim": f"at least {CLAIM:g}x a merge_asof loop at equal values",
        "sessions": len(SESSIONS),
        "series": SERIES,
        "rows": len(rows),
        "own_seconds": round(fast, 4),
        "merge_asof_seconds": round(slow, 3),
        "ratio": round(ratio, 1),
        "values_equal": equal,
        "passed": bool(equal and ratio >= CLAIM),
    }


def main() -> int:
    result = measure()
    if "--json" in sys.argv[1:]:
        print(json.dumps(result))
    else:
        print(
            f"{result['claim']}: {result['ratio']}x ({result['own_seconds']} s against "
            f"{result['merge_asof_seconds']} s; {result['sessions']} sessions x "
            f"{result['series']} series, "
            f"{result['rows']} rows; values equal: {result['values_equal']})"
        )
    return 0 if result["passed"] else 1


if __name__ == "__main__":
    sys.exit(main())

"""Fixtures shared by all tests; the folder of real data comes from REGIME_REAL_DATA alone."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

REAL = "REGIME_REAL_DATA"

# The same examples every time; random ones in `make torture`, where a failing example prints the
# decorator `@reproduce_failure(...)` that replays it.
settings.register_profile("fixed", derandomize=True, database=None, deadline=None)
settings.register_profile("torture", database=None, deadline=None, print_blob=True)
settings.load_profile("torture" if os.environ.get("REGIME_TORTURE") else "fixed")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real market data; its tests are skipped where none is named."""
    if not os.environ.get(REAL):
        pytest.skip(f"{REAL} is not set")
    return Path(os.environ[REAL])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """With a folder of real data named, a skipped real test is a failure."""
    report = yield
    if report.skipped and os.environ.get(REAL) and item.get_closest_marker("real"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid}: skipped although {REAL} is set"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many tests on real data ran and passed."""
    passed = terminalreporter.stats.get("passed", [])
    terminalreporter.write_line(
        f"real-data tests run: {sum('real' in report.keywords for report in passed)}"
    )

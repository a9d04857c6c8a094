"""Progress bars on standard error, for people only."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from regime.parallel import NoProgress, Progress, Stage

if TYPE_CHECKING:
    from rich import progress as rich_progress

__all__ = ["RichProgress", "watching"]


@contextmanager
def watching(quiet: bool) -> Iterator[Progress]:
    """Bars while the context is open; none if standard error is no terminal, or on request.

    Parameters
    ----------
    quiet : bool
        Whether to show nothing.
    """
    if quiet or not sys.stderr.isatty():
        yield NoProgress()
        return
    from rich import progress as bars
    from rich.console import Console

    columns = (
        bars.SpinnerColumn(),
        bars.TextColumn("{task.description}", markup=False),
        bars.BarColumn(),
        bars.MofNCompleteColumn(),
        bars.TimeElapsedColumn(),
    )
    with bars.Progress(*columns, console=Console(stderr=True), redirect_stdout=False) as shown:
        yield RichProgress(shown)


class RichProgress:
    """A `Progress` that draws one bar a stage.

    Parameters
    ----------
    bars : rich.progress.Progress
        Started and stopped by whoever made it.
    """

    def __init__(self, bars: rich_progress.Progress) -> None:
        self._bars = bars

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[Stage]:
        """Draw the bar of one stage; one of unknown length pulses until it ends."""
        task = self._bars.add_task(name, total=total)
        try:
            yield _Bar(self._bars, task)
            if total is None:  # done: a pulse becomes a full bar
                self._bars.update(task, total=1, completed=1)
        finally:
            self._bars.stop_task(task)


class _Bar:
    def __init__(self, bars: rich_progress.Progress, task: rich_progress.TaskID) -> None:
        self._bars, self._task = bars, task

    def advance(self, n: int = 1) -> None:
        """Move the bar on."""
        self._bars.advance(self._task, n)

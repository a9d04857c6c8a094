import io
import sys

import pytest
from rich import progress as bars
from rich.console import Console

from regime.cli.progress import RichProgress, watching
from regime.parallel import NoProgress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    return screen


def test_bars_are_drawn_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _terminal(monkeypatch)
    with watching(quiet=False) as progress, progress.stage("refits", total=3) as stage:
        stage.advance(2)
    assert isinstance(progress, RichProgress)
    assert "refits" in terminal.getvalue() and "2/3" in terminal.getvalue()


def test_nothing_is_drawn_where_silence_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _terminal(monkeypatch)
    with watching(quiet=True) as progress, progress.stage("refits") as stage:
        stage.advance()
    assert isinstance(progress, NoProgress) and terminal.getvalue() == ""


def test_nothing_is_drawn_where_standard_error_is_no_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with watching(quiet=False) as progress, progress.stage("refits") as stage:
        stage.advance()
    assert isinstance(progress, NoProgress) and capsys.readouterr() == ("", "")


def _bars() -> bars.Progress:
    return bars.Progress(
        console=Console(file=io.StringIO(), force_terminal=True), auto_refresh=False
    )


def test_a_stage_of_unknown_length_ends_full() -> None:
    with _bars() as shown, RichProgress(shown).stage("reading") as stage:
        stage.advance(5)
        assert shown.tasks[0].total is None
    assert (shown.tasks[0].total, shown.tasks[0].completed) == (1, 1)


def test_a_stage_that_fails_stops_where_it_was_and_the_fault_goes_on() -> None:
    with _bars() as shown:
        with pytest.raises(KeyError), RichProgress(shown).stage("refits", total=4) as stage:
            stage.advance(1)
            raise KeyError("x")
        assert shown.tasks[0].completed == 1 and shown.tasks[0].stop_time is not None


def test_stages_may_stand_within_stages() -> None:
    with _bars() as shown:
        progress = RichProgress(shown)
        with progress.stage("folds", total=1) as outer, progress.stage("members", total=2) as inner:
            inner.advance(2)
            outer.advance()
    assert [task.completed for task in shown.tasks] == [1, 2]

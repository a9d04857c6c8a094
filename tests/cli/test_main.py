"""Exit codes and messages: every fault is one message on standard error, and nothing else."""

import errno
import os
import subprocess
import sys
from typing import Any

import pytest

from regime.cli import main
from regime.errors import (
    BundleError,
    ConfigError,
    GateError,
    InvalidDataError,
    LeakageError,
    MissingDataError,
    RegimeError,
)

Capture = pytest.CaptureFixture[str]
HEAVY = ("pandas", "numpy", "rich", "pydantic", "plotly", "mlflow", "lightgbm")


def _raising(error: BaseException) -> Any:
    def act(options: dict[str, Any]) -> None:
        raise error

    return act


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RegimeError("x"), 1),
        (ConfigError("x"), 2),
        (MissingDataError("x"), 3),
        (InvalidDataError("x"), 4),
        (BundleError("x"), 4),
        (LeakageError("x"), 5),
        (GateError("x"), 6),
    ],
)
def test_each_kind_of_fault_has_its_exit_code(
    straw: Any, capsys: Capture, error: Exception, code: int
) -> None:
    straw.act = _raising(error)
    assert main(["run", "--json"]) == code
    assert capsys.readouterr() == ("", "regime: error: x\n")


def test_several_faults_are_one_message(straw: Any, capsys: Capture) -> None:
    straw.act = _raising(InvalidDataError(["a.csv: line 3: text in numbers", "b.csv: empty"]))
    assert main(["run"]) == 4
    assert capsys.readouterr().err == (
        "regime: error: 2 faults:\n  a.csv: line 3: text in numbers\n  b.csv: empty\n"
    )


def test_an_unexpected_error_is_one_line_with_the_way_to_the_rest(
    straw: Any, capsys: Capture
) -> None:
    straw.act = _raising(ZeroDivisionError("first\nsecond"))
    assert main(["run"]) == 1
    err = capsys.readouterr().err
    assert err.startswith(
        "regime: error: ZeroDivisionError: first second (unexpected: run again with --traceback"
    )
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [["--traceback", "run"], ["run", "--traceback"], ["run", "--json", "--traceback", "a=1"]],
)
def test_the_traceback_may_be_asked_for_anywhere(
    straw: Any, capsys: Capture, arguments: list[str]
) -> None:
    straw.act = _raising(ConfigError("x"))
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert "Traceback (most recent call last)" in err and err.endswith("regime: error: x\n")


def test_the_traceback_may_be_asked_for_by_the_environment(
    straw: Any, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    straw.act = _raising(ValueError("x"))
    monkeypatch.setenv("REGIME_TRACEBACK", "1")
    assert main(["run"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_an_interrupt_is_130(straw: Any, capsys: Capture) -> None:
    straw.act = _raising(KeyboardInterrupt())
    assert main(["run"]) == 130
    assert capsys.readouterr() == ("", "regime: interrupted\n")


def test_a_full_disk_is_named_without_a_mystery(straw: Any, capsys: Capture) -> None:
    straw.act = _raising(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "out/report.html"))
    assert main(["run"]) == 1
    assert capsys.readouterr().err == "regime: error: out/report.html: No space left on device\n"


def test_a_missing_library_says_what_to_install(straw: Any, capsys: Capture) -> None:
    straw.act = _raising(ModuleNotFoundError("No module named 'pandas'", name="pandas"))
    assert main(["run"]) == 1
    assert "pip install 'deleverage[research]'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["rnu"], "No such command 'rnu'. Did you mean 'run'?"),
        (["run", "--jsno"], "--json"),
        (["run", "--data"], "--data"),
        (["evaluate", "p.parquet"], "--data"),
        (["evaluate", "--data", "d"], "PROBABILITIES"),
        (["features", "demo.yaml"], "--out"),
        (["config"], "Missing command"),
        (["config", "shwo"], "Did you mean 'show'?"),
        (["run", "a.yaml", "b.yaml"], "one config at a time, got a.yaml, b.yaml"),
        (["features", "--out", "f.parquet", "a=1"], "name a config"),
    ],
)
def test_wrong_usage_is_2_with_a_remedy(
    straw: Any, capsys: Capture, arguments: list[str], part: str
) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("regime: error: ") and part in err and err.count("\n") == 1
    assert straw.calls == []


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--help"],
        ["run", "--help"],
        ["features", "--help"],
        ["evaluate", "--help"],
        ["config", "--help"],
        ["config", "show", "--help"],
    ],
)
def test_help_is_help(straw: Any, capsys: Capture, arguments: list[str]) -> None:
    assert main(arguments) == 0
    out, err = capsys.readouterr()
    assert out.startswith("Usage: regime") and err == ""


def test_version_is_the_packages(capsys: Capture) -> None:
    import regime

    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"regime {regime.__version__}\n"


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from regime.cli import main; main(['--help']); "
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")


def test_a_reader_that_goes_away_is_met_with_silence() -> None:
    code = "import sys; from regime.cli import main; sys.exit(main(['--help']))"
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=write, stderr=subprocess.PIPE, text=True
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")

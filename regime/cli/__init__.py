"""The command `regime`: parses, calls a workflow, prints, and maps errors to exit codes.

Exit codes: 0 done; 2 to 6 as in `regime.errors`; 1 unexpected; 130 interrupted; 141 when the reader
of the output closed it.
"""

from __future__ import annotations

import os
import sys
import traceback
import warnings
from collections.abc import Sequence

__all__ = ["main"]

TRACEBACK = "--traceback"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments after the name of the program; those of the process by default.
    """
    arguments = list(sys.argv[1:] if argv is None else argv) or ["--help"]
    loud = TRACEBACK in arguments or os.environ.get("REGIME_TRACEBACK", "") not in ("", "0")
    with warnings.catch_warnings():
        if not sys.warnoptions:
            # Deprecations of other packages do not help a user.
            warnings.filterwarnings("ignore", module=r"(?!regime\b)")
        return _guarded([argument for argument in arguments if argument != TRACEBACK], loud)


def _guarded(arguments: list[str], loud: bool) -> int:
    try:
        code = _dispatch(arguments)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # The interpreter flushes once more on its way out, and must find somewhere to write.
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123
        return 141
    except KeyboardInterrupt:
        print("regime: interrupted", file=sys.stderr)
        return 130
    except Exception as error:
        if loud:
            traceback.print_exc()
        message, code = _explained(error)
        print(f"regime: error: {message}", file=sys.stderr)
        return code


def _dispatch(arguments: list[str]) -> int:
    import typer

    from regime.cli.app import app

    command = typer.main.get_command(app)
    try:
        with command.make_context("regime", arguments) as context:
            command.invoke(context)
    except typer.Exit as done:
        return done.exit_code
    except typer.Abort:
        raise KeyboardInterrupt from None
    return 0


def _explained(error: Exception) -> tuple[str, int]:
    """One message for people, and the exit code."""
    from regime.errors import RegimeError

    if isinstance(error, RegimeError):
        return str(error), error.exit_code
    if hasattr(error, "format_message"):  # typer's usage errors
        return _usage(error, str(error.format_message())), 2
    if isinstance(error, ModuleNotFoundError) and not str(error.name).startswith("regime"):
        return (
            f"module {error.name} is missing; install the full package: pip install "
            "'deleverage[research]'",
            1,
        )
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'the system'}: {error.strerror}", 1
    message = " ".join(f"{type(error).__name__}: {error}".split())
    return (
        f"{message} (unexpected: run again with {TRACEBACK} or REGIME_TRACEBACK=1 to see where)",
        1,
    )


def _usage(error: Exception, message: str) -> str:
    context = getattr(error, "ctx", None)
    return f"{message} (see `{context.command_path} --help`)" if context else message

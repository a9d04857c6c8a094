"""Standard output reserved for the answer; output of libraries goes to standard error."""

from __future__ import annotations

import contextlib
import ctypes
import io
import os
import sys
from collections.abc import Iterator

__all__ = ["reserved_stdout"]


@contextlib.contextmanager
def reserved_stdout() -> Iterator[None]:
    """Send output to standard error while the context is open, of compiled code too."""
    sys.stdout.flush()
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(io.UnsupportedOperation, ValueError, AttributeError, OSError):
            _swap(stack, sys.stdout.fileno(), sys.stderr.fileno())
        stack.enter_context(contextlib.redirect_stdout(sys.stderr))
        yield


def _swap(stack: contextlib.ExitStack, out: int, err: int) -> None:
    kept = os.dup(out)
    os.dup2(err, out)
    stack.callback(os.close, kept)
    stack.callback(os.dup2, kept, out)
    stack.callback(_flush_compiled)


def _flush_compiled() -> None:
    """Empty the C library's buffers, which would otherwise reach the real output at exit."""
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).fflush(None)

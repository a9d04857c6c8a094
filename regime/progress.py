"""How a long computation tells that it moves, without knowing who watches.

A workflow takes a `Progress` and opens one stage after another; the command line draws bars, a
test counts, and `NoProgress` does nothing.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

__all__ = ["NoProgress", "Progress", "Stage"]


class Stage(Protocol):
    """One named part of a computation while it runs."""

    def advance(self, n: int = 1) -> None:
        """Report `n` more units done."""


class Progress(Protocol):
    """Whoever watches a computation."""

    def stage(self, name: str, total: int | None = None) -> AbstractContextManager[Stage]:
        """Open a stage.

        Parameters
        ----------
        name : str
            What is being done, e.g. ``"refits"``.
        total : int, optional
            Units in the stage; None where the number is not known beforehand.

        Returns
        -------
        context manager of Stage
            Leaving it ends the stage, whether done or failed.
        """


class _Silent:
    def advance(self, n: int = 1) -> None:
        """Do nothing."""


class NoProgress:
    """A watcher that does not look.

    Examples
    --------
    >>> with NoProgress().stage("refits", total=40) as stage:
    ...     stage.advance()
    """

    def stage(self, name: str, total: int | None = None) -> AbstractContextManager[Stage]:
        """Open a stage of which nothing is reported."""
        return nullcontext(_Silent())

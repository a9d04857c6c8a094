"""A part of the page that needs no change of the page: a title, a sentence, a figure and tables."""

from __future__ import annotations

import re
from dataclasses import dataclass

from regime.errors import InvalidDataError
from regime.report.figures import Figure
from regime.report.tables import Table

__all__ = ["Section"]

# Ids that the page itself gives: a section of such a name would hide a part of the page.
TAKEN = frozenset(
    {
        "today",
        "last",
        "regimes",
        "probabilities",
        "why",
        "families",
        "scores",
        "baselines",
        "reliability",
        "wealth",
        "performance",
        "rolling",
        "months",
        "drawdowns",
        "episodes",
        "sweep",
        "stress",
        "curves",
        "simulation",
        "facts",
        "limitations",
        "notes",
        "lineage",
        "figure-data",
    }
)


@dataclass(frozen=True, kw_only=True)
class Section:
    """One further part of a page, such as the reading of one mechanism.

    Parameters
    ----------
    key : str
        Its id in the page: small letters, digits and hyphens, and none of the page's own.
    title : str
        Its heading.
    sentence : str
        What it shows, in words.
    figure : Figure, optional
        Its own title is not shown; its key must be none of the page's own either.
    tables : tuple of Table

    Raises
    ------
    InvalidDataError
        If a key is not of that form or is taken.
    """

    key: str
    title: str
    sentence: str
    figure: Figure | None = None
    tables: tuple[Table, ...] = ()

    def __post_init__(self) -> None:
        for key in (self.key, self.key if self.figure is None else self.figure.key):
            if (
                not re.fullmatch(r"[a-z][a-z0-9-]*", key)
                or key in TAKEN
                or key.startswith("simulation-")
            ):
                raise InvalidDataError(
                    f"Section: key {key!r} must be small letters, digits and hyphens, and not "
                    "the id of a part that every page has; choose another"
                )

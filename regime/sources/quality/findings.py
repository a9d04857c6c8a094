"""What a check finds: its name, its severity, on which days, and the evidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from regime.arrays import Integers

__all__ = [
    "CheckVerdict",
    "DataFinding",
    "FindingSeverity",
    "dated",
    "iso",
    "listed",
    "plural",
    "verdict_of",
]

FindingSeverity = Literal["note", "warning", "fault"]
CheckVerdict = Literal["ok", "warning", "fault"]
MOST_DATES = 500
MOST_EVIDENCE = 20


@dataclass(frozen=True, kw_only=True)
class DataFinding:
    """One finding of a check.

    Parameters
    ----------
    check : str
        Which check, in one word.
    severity : {"note", "warning", "fault"}
        A note is a property to know of; a warning is about rows to look at; a fault breaks a rule.
    text : str
        One sentence with the location and the evidence.
    count : int
        Rows, days or runs concerned.
    column : str
        Column of the file, where there are several.
    dates : tuple of str
        ISO dates concerned, rising; the first 500.
    evidence : tuple of mapping
        What the check saw, a row each; the first 20.
    """

    check: str
    severity: FindingSeverity
    text: str
    count: int = 1
    column: str = ""
    dates: tuple[str, ...] = ()
    evidence: tuple[Mapping[str, float | str], ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "dates", tuple(self.dates[:MOST_DATES]))
        object.__setattr__(self, "evidence", tuple(self.evidence[:MOST_EVIDENCE]))


def verdict_of(findings: Iterable[DataFinding]) -> CheckVerdict:
    """Verdict of a series: its most severe finding; notes leave it "ok".

    Examples
    --------
    >>> verdict_of([DataFinding(check="revised", severity="note", text="one vintage")])
    'ok'
    """
    severities = {finding.severity for finding in findings}
    if "fault" in severities:
        return "fault"
    return "warning" if "warning" in severities else "ok"


def iso(day: int | np.int64) -> str:
    """ISO date of a day counted from 1970-01-01."""
    return str(np.datetime64(int(day), "D"))


def dated(days: Integers | Sequence[int]) -> tuple[str, ...]:
    """ISO dates of the first days."""
    return tuple(iso(day) for day in days[:MOST_DATES])


def listed(texts: Sequence[str], most: int = 8) -> str:
    """Texts for a sentence; what is beyond `most` is counted.

    Examples
    --------
    >>> listed(["a", "b", "c"], 2)
    'a, b and 1 more'
    """
    shown = ", ".join(texts[:most])
    return shown if len(texts) <= most else f"{shown} and {len(texts) - most} more"


def plural(count: int, word: str) -> str:
    """Count and word: ``"1 row"``, ``"1,204 rows"``."""
    return f"{count:,} {word}{'' if count == 1 else 's'}"

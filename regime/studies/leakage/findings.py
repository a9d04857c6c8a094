"""What an audit found: leaks with their name, place and size, and how much was looked at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

__all__ = ["AuditReport", "Check", "Finding", "Severity", "Unit", "in_order"]

Severity = Literal["leak", "warning"]
Unit = Literal["sessions", "days", "rows", "share", "correlation", ""]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One use of what was not yet known, or one thing that nobody could check.

    Parameters
    ----------
    kind : str
        What it is: ``look-ahead``, ``delay``, ``unregistered`` (builders); ``label use``;
        ``purge``, ``embargo``, ``refit`` (folds); ``release``, ``weekday``, ``revised``
        (catalogue); ``lead``, ``straight line``, ``back-fill``, ``whole-sample scale``,
        ``foresight``, ``unread`` (series).
    name : str
        The builder, feature, series, rule or fold.
    place : str
        File and line, catalogue entry, or date of the fold.
    evidence : str
        What was seen, as a sentence.
    size : float, optional
        How far it reaches, in `unit`; None where there is nothing to measure.
    unit : {"sessions", "days", "rows", "share", "correlation", ""}
    severity : {"leak", "warning"}
        A warning is a known impurity that the catalogue declares.

    Examples
    --------
    >>> print(Finding(kind="look-ahead", name="trend", place="a.py:3", size=2, unit="sessions", evidence="Moved."))
    trend (a.py:3): look-ahead, 2 sessions. Moved.
    """

    kind: str
    name: str
    place: str
    evidence: str
    size: float | None = None
    unit: Unit = ""
    severity: Severity = "leak"

    def __str__(self) -> str:
        reach = f", {self.amount}" if self.size is not None else ""
        return f"{self.name} ({self.place}): {self.kind}{reach}. {self.evidence}"

    @property
    def amount(self) -> str:
        """Size and unit for people; empty where there is none."""
        if self.size is None:
            return ""
        unit = self.unit[:-1] if self.size == 1 and self.unit.endswith("s") else self.unit
        return f"{self.size:.3g} {unit}".strip()


@dataclass(frozen=True, kw_only=True)
class Check:
    """One part of an audit: how much it looked at.

    Parameters
    ----------
    name : str
        ``builders``, ``label use``, ``folds``, ``releases`` or ``series``.
    checked : int
        Builders, features, folds or series.
    probes : int
        Comparisons made, e.g. builders times dates times laws.
    leaks, warnings : int
    seconds : float
    """

    name: str
    checked: int
    probes: int
    leaks: int
    warnings: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class AuditReport:
    """Everything that an audit has to say.

    Parameters
    ----------
    findings : tuple of Finding
        Leaks first.
    checks : tuple of Check
    seconds : float

    Examples
    --------
    >>> AuditReport(findings=(), checks=(), seconds=0.1).verdict
    'clean'
    """

    findings: tuple[Finding, ...]
    checks: tuple[Check, ...]
    seconds: float

    @property
    def leaks(self) -> tuple[Finding, ...]:
        """Findings that are leaks."""
        return tuple(finding for finding in self.findings if finding.severity == "leak")

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """Findings that the catalogue declares."""
        return tuple(finding for finding in self.findings if finding.severity == "warning")

    @property
    def verdict(self) -> Literal["clean", "leaks"]:
        """``leaks`` if there is any."""
        return "leaks" if self.leaks else "clean"

    @property
    def sentence(self) -> str:
        """The verdict and what it rests on, for a page or a terminal."""
        looked = ", ".join(f"{check.checked:,} {check.name}" for check in self.checks)
        found = f"{len(self.leaks)} leaks" if self.leaks else "nothing looks ahead"
        return f"Audit: {found}; looked at {looked}; {len(self.warnings)} known impurities."

    def to_dict(self) -> dict[str, Any]:
        """Plain content for JSON: `verdict`, `checks` by name, `findings`, `seconds`."""
        checks = {
            check.name: {key: value for key, value in asdict(check).items() if key != "name"}
            for check in self.checks
        }
        return {
            "verdict": self.verdict,
            "checks": checks,
            "findings": [asdict(finding) for finding in self.findings],
            "seconds": round(self.seconds, 1),
        }


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Leaks before warnings, else as they came."""
    return tuple(sorted(findings, key=lambda finding: finding.severity != "leak"))

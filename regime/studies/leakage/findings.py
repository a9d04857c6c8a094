"""What a leakage audit found: each leak with its location and size, and how much was checked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

__all__ = ["AuditReport", "Check", "Finding", "Severity", "Unit", "leaks_first"]

Severity = Literal["leak", "warning"]
Unit = Literal["sessions", "days", "rows", "share", "correlation", ""]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One use of information before it was known, or one item that could not be checked.

    Parameters
    ----------
    kind : str
        ``look-ahead``, ``delay``, ``probe failed`` (builders); ``label use``; ``purge``,
        ``embargo``, ``refit`` (folds); ``release``, ``weekday``, ``revised`` (catalogue); ``lead``,
        ``straight line``, ``back-fill``, ``whole-sample scale``, ``forward multiple``,
        ``unreadable`` (series).
    name : str
        The builder, feature, series, rule or fold.
    location : str
        File and line, catalogue entry, or date of the fold.
    evidence : str
        What was observed, as a sentence.
    size : float, optional
        How far ahead it reaches, in `unit`; None where there is nothing to measure.
    unit : {"sessions", "days", "rows", "share", "correlation", ""}
    severity : {"leak", "warning"}
        A warning is a known impurity that the catalogue declares.

    Examples
    --------
    >>> print(Finding(kind="look-ahead", name="trend", location="a.py:3", size=2,
    ...               unit="sessions", evidence="The value changed."))
    trend (a.py:3): look-ahead, 2 sessions. The value changed.
    """

    kind: str
    name: str
    location: str
    evidence: str
    size: float | None = None
    unit: Unit = ""
    severity: Severity = "leak"

    def __str__(self) -> str:
        amount = f", {self.amount}" if self.size is not None else ""
        return f"{self.name} ({self.location}): {self.kind}{amount}. {self.evidence}"

    @property
    def amount(self) -> str:
        """Size and unit in words; empty where there is none."""
        if self.size is None:
            return ""
        unit = self.unit[:-1] if self.size == 1 and self.unit.endswith("s") else self.unit
        return f"{self.size:.3g} {unit}".strip()


@dataclass(frozen=True, kw_only=True)
class Check:
    """One part of an audit: how much it covered.

    Parameters
    ----------
    name : str
        ``builders``, ``label use``, ``folds``, ``releases`` or ``series``.
    checked : int
        Builders, features, folds or series.
    probes : int
        Comparisons made, such as builders times dates times kinds of probe.
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
    """Result of a leakage audit.

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
        """Impurities that the catalogue declares."""
        return tuple(finding for finding in self.findings if finding.severity == "warning")

    @property
    def verdict(self) -> Literal["clean", "leaks"]:
        """``leaks`` if there is any."""
        return "leaks" if self.leaks else "clean"

    def to_dict(self) -> dict[str, Any]:
        """Content for JSON: `verdict`, `checks` by name, `findings`, `seconds`."""
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


def leaks_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Leaks before warnings, otherwise in the order given."""
    return tuple(sorted(findings, key=lambda finding: finding.severity != "leak"))

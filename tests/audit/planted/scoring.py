"""Power and false alarms of the audit: synthetic leaks that it detects, clean inputs that it flags.

The detectors are called as any user calls them and know nothing of what was injected.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from regime.sources.catalogue import Catalogue, load_catalogue
from regime.studies.leakage.findings import Finding
from regime.studies.leakage.fold_leaks import fold_findings
from regime.studies.leakage.label_leaks import label_findings, point_in_time_scores
from regime.studies.leakage.probes import Builder, probe
from regime.studies.leakage.release_leaks import release_findings
from regime.studies.leakage.series_leaks import series_findings
from tests.audit.planted import builders as columns
from tests.audit.planted import data, parts
from tests.audit.planted.market import Rng

__all__ = ["CLEAN", "KINDS", "Injection", "inject", "score"]

DATES = 50


@dataclass(frozen=True, kw_only=True)
class Injection:
    """One audited input, with the leak that was injected.

    Parameters
    ----------
    kind : str
        Class of the leak, or ``clean: ...``.
    size : float
        Sessions or days; 0 for a clean input, or where a leak has no size.
    findings : tuple of Finding
        Result of the audit.
    """

    kind: str
    size: float
    findings: tuple[Finding, ...]

    @property
    def detected(self) -> bool:
        """Whether the audit reported a leak."""
        return any(finding.severity == "leak" for finding in self.findings)


Injector = Callable[[Rng, Catalogue], tuple[float, list[Finding]]]


def inject(kind: str, seed: int, catalogue: Catalogue | None = None) -> Injection:
    """Injection one leak, or nothing, and audit it.

    Parameters
    ----------
    kind : str
        One of `KINDS` or `CLEAN`.
    seed : int
        Two seeds differ in position, form and size.
    catalogue : Catalogue, optional
        Whose release rules are falsified; the shipped one by default.

    Returns
    -------
    Injection
    """
    rng = np.random.default_rng([seed, sum(map(ord, kind))])
    size, findings = {**KINDS, **CLEAN}[kind](rng, catalogue or load_catalogue())
    return Injection(kind=kind, size=size, findings=tuple(findings))


def score(
    kinds: Iterable[str] = (), count: int = 20, controls: int = 200, seed: int = 0
) -> pd.DataFrame:
    """How many leaks of each class were detected, and how many clean inputs raised an alarm.

    Parameters
    ----------
    kinds : iterable of str
        Classes of leaks; all by default.
    count : int
        Leaks a class.
    controls : int
        Clean inputs in all.
    seed : int

    Returns
    -------
    DataFrame, one row a class
        Columns ``injected``, ``detected``, ``share``; of the clean ones ``detected`` counts false
        alarms.
    """
    catalogue = load_catalogue()
    each = -(-controls // len(CLEAN))
    rows = {}
    for kind, many in [
        *((kind, count) for kind in kinds or KINDS),
        *((kind, each) for kind in CLEAN),
    ]:
        if many:
            detected = sum(
                inject(kind, seed + number, catalogue).detected for number in range(many)
            )
            rows[kind] = {"injected": many, "detected": detected, "share": detected / many}
    return pd.DataFrame.from_dict(rows, orient="index")


def _probed(builders: Builder | list[Builder]) -> list[Finding]:
    several = builders if isinstance(builders, list) else [builders]
    return [finding for builder in several for finding in probe(builder, dates=DATES)]


def _builder(kind: str) -> Injector:
    def leaky(rng: Rng, catalogue: Catalogue) -> tuple[float, list[Finding]]:
        builder, size = columns.leaky_builder(rng, kind)
        return float(size), _probed(builder)

    return leaky


def _panel(kind: str) -> Injector:
    def leaky(rng: Rng, catalogue: Catalogue) -> tuple[float, list[Finding]]:
        builder, size = parts.leaky_panel(rng, kind)
        return size, _probed(builder)

    return leaky


def _series(kind: str) -> Injector:
    def leaky(rng: Rng, catalogue: Catalogue) -> tuple[float, list[Finding]]:
        rows = data.leaky_rows(rng, kind)
        findings = series_findings(rows.table, rows.sessions, rows.catalogue)
        return rows.size, [
            finding for finding in findings if finding.name in ("injected", "forward_pe_sp500")
        ]

    return leaky


def _labels(rng: Rng, catalogue: Catalogue) -> tuple[float, list[Finding]]:
    builders, size = parts.leaky_labels(rng)
    return float(size), _probed(builders)


def _rule(rng: Rng, catalogue: Catalogue) -> tuple[float, list[Finding]]:
    builder, size = parts.leaky_rule(rng)
    return float(size), _probed(builder)


def _release(rng: Rng, catalogue: Catalogue) -> tuple[float, list[Finding]]:
    rows = data.early_rule_rows(rng, catalogue)
    return rows.size, release_findings(rows.table, catalogue)


def _label_column(rng: Rng, catalogue: Catalogue) -> tuple[float, list[Finding]]:
    item = data.columns(rng, leaky=True)
    return item.size, [finding for finding in _label_use(item) if finding.name == "injected"]


def _label_use(item: data.LabelledColumns) -> list[Finding]:
    returns = item.prices["sp500"].pct_change(fill_method=None)
    vix = 1600 * returns.ewm(halflife=10, min_periods=5).std()
    return label_findings(
        item.table, item.labels, point_in_time_scores(item.prices["sp500"], returns, vix)
    )


def _folds(rng: Rng, catalogue: Catalogue) -> tuple[float, list[Finding]]:
    trained, sessions, embargo = data.leaky_folds(rng)
    return 0.0, fold_findings(trained, sessions, embargo=embargo)


def _clean_folds(rng: Rng, catalogue: Catalogue) -> tuple[float, list[Finding]]:
    trained, sessions, embargo = data.clean_folds(rng)
    return 0.0, fold_findings(trained, sessions, embargo=embargo)


def _clean_release(rng: Rng, catalogue: Catalogue) -> tuple[float, list[Finding]]:
    return 0.0, release_findings(data.clean_rule_rows(rng, catalogue).table, catalogue)


def _clean_series(rng: Rng, catalogue: Catalogue) -> tuple[float, list[Finding]]:
    rows = data.clean_rows(rng)
    return 0.0, series_findings(rows.table, rows.sessions, rows.catalogue)


KINDS: Mapping[str, Injector] = {
    **{kind: _builder(kind) for kind in columns.BUILDER_LEAKS},
    "revised vintage": _panel("revised vintage"),
    "release read early": _panel("release read early"),
    "wrong release day": _release,
    "leaky calibrator": lambda rng, catalogue: (0.0, _probed(parts.leaky_calibrator(rng))),
    "rule on later signals": _rule,
    "label known early": _labels,
    "label as feature": _label_column,
    "leaky folds": _folds,
    **{kind: _series(kind) for kind in data.SERIES_LEAKS},
}
CLEAN: Mapping[str, Injector] = {
    "clean: builder": lambda rng, catalogue: (0.0, _probed(columns.clean_builder(rng)[0])),
    "clean: calibrator": lambda rng, catalogue: (0.0, _probed(parts.clean_calibrator(rng))),
    "clean: rule": lambda rng, catalogue: (0.0, _probed(parts.clean_rule(rng))),
    "clean: labels": lambda rng, catalogue: (0.0, _probed(parts.clean_labels(rng))),
    "clean: panel": lambda rng, catalogue: (0.0, _probed(parts.clean_panel(rng))),
    "clean: columns": lambda rng, catalogue: (0.0, _label_use(data.columns(rng, leaky=False))),
    "clean: folds": _clean_folds,
    "clean: release": _clean_release,
    "clean: series": _clean_series,
}

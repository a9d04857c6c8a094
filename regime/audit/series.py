"""What each series knows that it cannot: statistical checks of the data themselves."""

from __future__ import annotations

import pandas as pd

from regime.audit.fills import fill_findings
from regime.audit.findings import Finding
from regime.audit.foresight import foresight_findings
from regime.audit.leads import lead_findings, peer_findings
from regime.audit.observed import observed
from regime.sources.catalogue import Catalogue

__all__ = ["series_findings"]


def series_findings(
    observations: pd.DataFrame,
    sessions: pd.DatetimeIndex,
    catalogue: Catalogue,
    *,
    thorough: bool = True,
) -> list[Finding]:
    """Series that lead the market or their relatives, are filled from the future, or scaled by it.

    Parameters
    ----------
    observations : DataFrame
        Long table of `series, period, released, value`.
    sessions : DatetimeIndex, shape (n_sessions,)
    catalogue : Catalogue
    thorough : bool
        Whether to take the slower tests as well.

    Returns
    -------
    list of Finding
        Kinds ``lead``, ``straight line``, ``back-fill``, ``whole-sample scale``, ``foresight``.
    """
    series = observed(observations, sessions, catalogue)
    found = lead_findings(series, len(sessions), thorough=thorough) + fill_findings(
        series, sessions
    )
    if thorough:
        found += peer_findings(series, len(sessions))
    return found + foresight_findings(series)

"""The truth behind a simulated run, for its page."""

from __future__ import annotations

import pandas as pd

from regime.config import find_config
from regime.panel.release_times import release_times
from regime.pipeline.settings import Settings
from regime.report.simulation_figures import RISKY, SimulatedView
from regime.sources.catalogue import load_catalogue
from regime.sources.simulated import SimulatedSource

__all__ = ["simulated_view"]

FUNDING = ("sofr", "iorb", "reserves", "fed_assets")


def simulated_view(settings: Settings) -> SimulatedView | None:
    """Truth and published prices of the config's simulated market; None where it reads files.

    Parameters
    ----------
    settings : Settings

    Returns
    -------
    SimulatedView or None

    **Known at:** the end of the simulation: it enters the report alone, after all forecasts.
    """
    source = settings.source
    if not isinstance(source, SimulatedSource):
        return None
    catalogue = load_catalogue(find_config(settings.catalogue))
    reading = source.read(catalogue, {*RISKY, "vix", *FUNDING}, release_times=release_times)
    table = _as_of_sessions(reading.observations, reading.sessions)
    truth = source.truth()
    return SimulatedView(
        prices=table[["vix", *RISKY]],
        regimes=truth.regimes["regime"],
        crises=truth.crises,
        flows=truth.flows.xs("equity", axis=1, level="market"),
        triggers=truth.triggers,
        trend_exposure=truth.positions["trend_exposure"],
        reserves=100 * table["reserves"] / table["fed_assets"],
        funding=100 * (table["sofr"] - table["iorb"]),
    )


def _as_of_sessions(observations: pd.DataFrame, sessions: pd.DatetimeIndex) -> pd.DataFrame:
    """Each series' value of the last period up to each session; the first value before it."""
    wide = {
        str(name): rows.set_index("period")["value"].reindex(sessions, method="ffill").bfill()
        for name, rows in observations.groupby("series", observed=True)
    }
    return pd.DataFrame(wide, index=sessions)

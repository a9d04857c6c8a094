"""What a world publishes: prices, rates, balance sheets, surveys, by catalogue name and period."""

from __future__ import annotations

import pandas as pd

from regime.sources.simulation.assets import asset_prices
from regime.sources.simulation.rates import rate_series
from regime.sources.simulation.surveys import survey_series
from regime.sources.simulation.world import World

__all__ = ["published"]


def published(world: World) -> dict[str, pd.Series]:
    """Every series of a world.

    Parameters
    ----------
    world : World, n sessions

    Returns
    -------
    dict of str to Series
        Catalogue name to values by period, in the catalogue's unit; no NaN, no period after the
        last session.
    """
    return asset_prices(world) | rate_series(world) | survey_series(world)

"""Every mechanism asked once: the readings of one decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from regime.errors import MissingDataError
from regime.mechanisms import MECHANISMS
from regime.mechanisms.base import MarketView, Mechanism, MechanismReading, NoReading
from regime.parallel import NoProgress, Progress

__all__ = ["MechanismReadings", "Readings", "read_mechanisms"]

Readings = Mapping[str, MechanismReading | NoReading]


@dataclass(frozen=True, kw_only=True)
class MechanismReadings:
    """What the mechanisms say at one decision.

    Parameters
    ----------
    as_of : Timestamp
        Decision date.
    readings : mapping of str to MechanismReading or NoReading
        By the keys of `MECHANISMS`, in its order.

    Examples
    --------
    >>> silent = {key: NoReading(name=key, reason="no data") for key in MECHANISMS}
    >>> content = MechanismReadings(as_of=pd.Timestamp("2024-08-06"), readings=silent).to_dict()
    >>> list(content)[:3], content["cross_asset"]["crypto"]
    (['as_of', 'cta', 'gamma'], {'available': False, 'reason': 'no data'})
    """

    as_of: pd.Timestamp
    readings: Readings

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON: one mapping a mechanism, some inside that of another."""
        content = {key: reading.to_dict() for key, reading in self.readings.items()}
        for key in self.readings:
            outer = MECHANISMS[key].within
            if outer in content:
                content[outer][key] = content.pop(key)
        return {"as_of": f"{self.as_of:%Y-%m-%d}", **content}


def read_mechanisms(
    view: MarketView,
    mechanisms: Mapping[str, Mechanism] | None = None,
    progress: Progress | None = None,
) -> MechanismReadings:
    """Every reading of one decision.

    Parameters
    ----------
    view : MarketView
    mechanisms : mapping of str to Mechanism, optional
        By key, those whose parameters are not the standard ones.
    progress : Progress, optional

    Returns
    -------
    MechanismReadings

    Raises
    ------
    InvalidDataError
        If a file of the user's breaks its rules. Only missing data make a mechanism unavailable.

    **Known at:** the close of ``view.as_of``.
    """
    chosen = mechanisms or {}
    readings: dict[str, MechanismReading | NoReading] = {}
    with (progress or NoProgress()).stage("mechanisms", total=len(MECHANISMS)) as stage:
        for key in MECHANISMS:
            mechanism = chosen[key] if key in chosen else MECHANISMS[key]()
            try:
                readings[key] = mechanism.read(view)
            except MissingDataError as error:
                readings[key] = NoReading(name=key, reason=str(error))
            stage.advance()
    return MechanismReadings(as_of=view.as_of, readings=readings)

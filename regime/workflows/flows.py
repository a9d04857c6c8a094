"""`regime flows`: what every mechanism of a deleveraging says at one decision."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from regime.errors import MissingDataError
from regime.mechanisms.analogs import Analogs
from regime.mechanisms.cross_asset import CrossAssetSelling
from regime.mechanisms.crypto import CryptoStress
from regime.mechanisms.cta_reading import TrendFollowers
from regime.mechanisms.dealer_gamma import DealerGamma
from regime.mechanisms.dollar import DollarStress
from regime.mechanisms.long_end import LongEnd
from regime.mechanisms.market_depth import MarketDepth
from regime.mechanisms.pension import PensionFunds
from regime.mechanisms.positions import Positions
from regime.mechanisms.reading import Absent, MechanismReading
from regime.mechanisms.reserves import ReserveScarcity
from regime.mechanisms.valuation import TechValuation
from regime.mechanisms.vol_control import VolControl
from regime.pipeline.settings import Settings, settings_of
from regime.progress import NoProgress, Progress
from regime.workflows.flows_inputs import FlowInputs, OwnFiles, read_inputs

__all__ = ["Flows", "Readers", "Readings", "flows", "read_mechanisms"]

Readings = Mapping[str, MechanismReading | Absent]
# Keys of the JSON, in order; crypto stands inside cross_asset.
KEYS = (
    "cta",
    "gamma",
    "positions",
    "vol_control",
    "pension",
    "reserves",
    "dollar",
    "valuation",
    "long_end",
    "cross_asset",
    "depth",
    "analogs",
)


@dataclass(frozen=True, kw_only=True)
class Readers:
    """Every mechanism with its parameters.

    Parameters
    ----------
    cta, gamma, positions, vol_control, pension : mechanisms of positions and of flows that are
    forced
    reserves, dollar, valuation, long_end : mechanisms of money, and of what is paid for earnings
    cross_asset, crypto, depth, analogs : mechanisms of selling, and of its likeness to the past

    Examples
    --------
    >>> len(Readers.__dataclass_fields__)
    13
    """

    cta: TrendFollowers = field(default_factory=TrendFollowers)
    gamma: DealerGamma = field(default_factory=DealerGamma)
    positions: Positions = field(default_factory=Positions)
    vol_control: VolControl = field(default_factory=VolControl)
    pension: PensionFunds = field(default_factory=PensionFunds)
    reserves: ReserveScarcity = field(default_factory=ReserveScarcity)
    dollar: DollarStress = field(default_factory=DollarStress)
    valuation: TechValuation = field(default_factory=TechValuation)
    long_end: LongEnd = field(default_factory=LongEnd)
    cross_asset: CrossAssetSelling = field(default_factory=CrossAssetSelling)
    crypto: CryptoStress = field(default_factory=CryptoStress)
    depth: MarketDepth = field(default_factory=MarketDepth)
    analogs: Analogs = field(default_factory=Analogs)

    def calls(self, inputs: FlowInputs) -> dict[str, Callable[[], MechanismReading | Absent]]:
        """How each is asked, by name, in order."""
        v, date, more = inputs.values, inputs.as_of, inputs.histories
        return {
            "cta": lambda: self.cta(v, date),
            "gamma": lambda: self.gamma(as_of=date, chain=inputs.chain, gex=v.get("gex")),
            "positions": lambda: self.positions(v, date),
            "vol_control": lambda: self.vol_control(v, date),
            "pension": lambda: self.pension(v, date, inputs.calendar),
            "reserves": lambda: self.reserves(v, date),
            "dollar": lambda: self.dollar(v, date, broad=more.get("broad_dollar")),
            "valuation": lambda: self.valuation(v, date, inputs.tables),
            "long_end": lambda: self.long_end(v, date, term_premium=more.get("term_premium")),
            "cross_asset": lambda: self.cross_asset(v, date),
            "crypto": lambda: self.crypto(v, date),
            "depth": lambda: self.depth(v, date, inputs.book, inputs.tables.closes),
            "analogs": lambda: self.analogs(v, date),
        }


@dataclass(frozen=True, kw_only=True)
class Flows:
    """What the mechanisms say at one decision.

    Parameters
    ----------
    as_of : Timestamp
        Decision date.
    readings : mapping of str to MechanismReading or Absent
        By the names of `Readers`.

    Examples
    --------
    >>> silent = {name: Absent(name=name, reason="no data") for name in Readers.__dataclass_fields__}
    >>> told = Flows(as_of=pd.Timestamp("2024-08-06"), readings=silent).to_dict()
    >>> list(told)[:3], told["cross_asset"]["crypto"]
    (['as_of', 'cta', 'gamma'], {'available': False, 'reason': 'no data'})
    """

    as_of: pd.Timestamp
    readings: Readings

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        told = {name: self.readings[name].to_dict() for name in KEYS}
        told["cross_asset"]["crypto"] = self.readings["crypto"].to_dict()
        return {"as_of": f"{self.as_of:%Y-%m-%d}", **told}


def flows(
    config: str | Path | Settings = "us_macro.yaml",
    *,
    data: str | Path | None = None,
    as_of: str | None = None,
    own: OwnFiles | None = None,
    overrides: Sequence[str] = (),
    progress: Progress | None = None,
) -> Flows:
    """Ask every mechanism what it says at one decision.

    Parameters
    ----------
    config : str, Path or Settings
        A file, the name of a shipped config, or settings made in Python; its source, start and
        catalogue are used.
    data : str or Path, optional
        Data folder; not needed by a config that simulates.
    as_of : str, optional
        Decision date, as 2024-08-06; the session before where it is none, the last one by default.
    own : OwnFiles, optional
        Files of the user's: an option chain, a forward multiple, an order book, market
        capitalisations.
    overrides : sequence of str
        ``section.key=value``.
    progress : Progress, optional

    Returns
    -------
    Flows

    Raises
    ------
    ConfigError, MissingDataError, InvalidDataError
        As `read_inputs`. A mechanism without data is no error: it steps aside in its reading.

    **Known at:** the close of the decision date.
    """
    watch = progress or NoProgress()
    settings = settings_of(config, overrides, data)
    with watch.stage("reading series"):
        inputs = read_inputs(settings, Path(data) if data is not None else None, as_of, own)
    return read_mechanisms(inputs, progress=watch)


def read_mechanisms(
    inputs: FlowInputs, readers: Readers | None = None, progress: Progress | None = None
) -> Flows:
    """Every reading of one decision.

    Parameters
    ----------
    inputs : FlowInputs
    readers : Readers, optional
    progress : Progress, optional

    Returns
    -------
    Flows

    Raises
    ------
    InvalidDataError
        If a file of the user's breaks its rules. Only a want of data makes a mechanism step aside.
    """
    calls, readings = (readers or Readers()).calls(inputs), {}
    with (progress or NoProgress()).stage("mechanisms", total=len(calls)) as stage:
        for name, ask in calls.items():
            try:
                readings[name] = ask()
            except MissingDataError as error:
                readings[name] = Absent(name=name, reason=str(error))
            stage.advance()
    return Flows(as_of=inputs.as_of, readings=readings)

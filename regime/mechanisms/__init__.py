"""The mechanisms of a deleveraging, one folder or file each, and the registry of them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from regime.registry import PluginTable

if TYPE_CHECKING:
    from regime.mechanisms.base import Mechanism

__all__ = ["MECHANISMS"]

# By key, in the order of the page; each is imported when it is first used.
MECHANISMS: PluginTable[type[Mechanism]] = PluginTable(
    {
        "cta": "regime.mechanisms.cta.mechanism:TrendFollowers",
        "gamma": "regime.mechanisms.dealer_gamma.mechanism:DealerGamma",
        "positions": "regime.mechanisms.futures_positioning.mechanism:FuturesPositions",
        "vol_control": "regime.mechanisms.volatility_targeting.mechanism:VolControl",
        "pension": "regime.mechanisms.pension:PensionFunds",
        "reserves": "regime.mechanisms.reserves.mechanism:ReserveScarcity",
        "long_end": "regime.mechanisms.long_end:LongEnd",
        "dollar": "regime.mechanisms.dollar.mechanism:DollarStress",
        "valuation": "regime.mechanisms.tech_valuation.mechanism:TechValuation",
        "cross_asset": "regime.mechanisms.cross_asset.mechanism:CrossAssetSelling",
        "crypto": "regime.mechanisms.crypto:CryptoStress",
        "depth": "regime.mechanisms.market_depth.mechanism:MarketDepth",
        "analogs": "regime.mechanisms.analogs.mechanism:Analogs",
    }
)

"""Probabilities to exposure, as small objects that compose.

`RULES` lists every rule that a config may name: a frozen dataclass on `regime.rules.base.Rule`,
under the name of its class. A rule that defines `Rule.encoded` can be swept as well.
"""

from typing import Any

from regime.registry import PluginTable

__all__ = ["RULES"]

RULES: PluginTable[type[Any]] = PluginTable(
    {
        "Threshold": "regime.rules.threshold:Threshold",
        "Hysteresis": "regime.rules.threshold:Hysteresis",
        "Ramp": "regime.rules.threshold:Ramp",
        "RegimeMap": "regime.rules.threshold:RegimeMap",
        "DrawdownStop": "regime.rules.price_rules:DrawdownStop",
        "ReentryOnTrend": "regime.rules.price_rules:ReentryOnTrend",
        "MinimumHold": "regime.rules.overlays:MinimumHold",
        "Cooldown": "regime.rules.overlays:Cooldown",
        "CapStep": "regime.rules.overlays:CapStep",
        "VolatilityTarget": "regime.rules.overlays:VolatilityTarget",
        "Floor": "regime.rules.overlays:Floor",
        "Blend": "regime.rules.stack:Blend",
        "RuleStack": "regime.rules.stack:RuleStack",
    }
)

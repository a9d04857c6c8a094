"""Regimes after the fact, with the day from which each is known.

`LABELLERS` lists every definition of the regimes: a frozen dataclass whose call
``labeller(market, as_of)`` gives `Labels`.
"""

from regime.registry import PluginTable

__all__ = ["LABELLERS"]

LABELLERS: PluginTable[type] = PluginTable(
    {
        "EpisodeLabels": "regime.labels.episodes:EpisodeLabels",
        "JumpModelLabels": "regime.labels.jump:JumpModelLabels",
        "EnsembleLabels": "regime.labels.ensemble:EnsembleLabels",
    }
)

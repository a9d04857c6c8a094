"""Forecasts of the regimes: the classifier, its calibration, and the baselines that it must beat.

`BASELINES` lists every baseline, in the order of the tables. A baseline is a function of any of
``close``, ``returns``, ``vix``, ``X`` (features), ``truth``, ``known_at`` and ``folds``, by these
names. One that takes ``folds`` returns out-of-sample probabilities of stress; one that does not
returns a score, higher for more stress, which is calibrated in the folds.
"""

from collections.abc import Callable

import pandas as pd

from regime.registry import PluginTable

__all__ = ["BASELINES"]

BASELINES: PluginTable[Callable[..., pd.Series]] = PluginTable(
    {
        "base_rate": "regime.models.baselines:base_rate",
        "persistence": "regime.models.baselines:persistence_score",
        "vix": "regime.models.baselines:vix_level",
        "drawdown_252": "regime.models.baselines:drawdown_252",
        "below_200dma": "regime.models.baselines:below_200dma",
        "realised_vol": "regime.models.baselines:realised_vol",
        "downside_rank": "regime.models.baselines:downside_rank",
        "elastic_net": "regime.models.baselines:elastic_net",
        "online_jump": "regime.models.baselines:online_jump",
    }
)

"""What a trade costs.

Depends on: errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from regime.errors import ConfigError

__all__ = ["Costs"]


@dataclass(frozen=True, kw_only=True)
class Costs:
    """Cost of a trade as a fraction of the notional that changes hands.

    Parameters
    ----------
    bps : float
        One way, in basis points of traded notional, the same for every asset; in [0, 1000].

    Examples
    --------
    >>> Costs(bps=5).rates(["SPY"])
    array([0.0005])
    """

    bps: float = 5.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.bps <= 1000.0:
            raise ConfigError(f"bps: must lie in [0, 1000] basis points one way, got {self.bps}")

    def __str__(self) -> str:
        return f"{self.bps:g} bp one way on traded notional"

    def rates(self, assets: Sequence[str]) -> np.ndarray:
        """One-way cost of each asset, shape (n_assets,), fraction of traded notional."""
        return np.full(len(assets), self.bps / 1e4)

"""What a trade costs, and what holding costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from regime.arrays import Floats
from regime.errors import ConfigError
from regime.schema import YEAR

__all__ = ["HIGHEST_BPS", "Costs"]

HIGHEST_BPS = 1000.0


@dataclass(frozen=True, kw_only=True)
class Costs:
    """Cost of a trade by traded notional, and cost of holding a position by time.

    A trade pays `bps` + half-spread + `impact_bps` x |change of the decided weight|, each in basis
    points of the traded notional; the change is that since the asset's order before, so it is known
    before the fill.

    Parameters
    ----------
    bps : float
        Commission one way, the same for every asset; in [0, 1000].
    half_spread_bps : float, or mapping of asset to float
        Half of the distance from bid to ask, paid one way; in [0, 1000]. A mapping names every
        asset that is traded.
    impact_bps : float
        Added for a decision that moves the whole capital, in proportion for a smaller one; in [0,
        1000].
    holding_bps : float, or mapping of asset to float
        A year, of what is held (fund fees, borrow), 1/252 of it each session; in [0, 1000]. It is
        taken out of the total-return level of the asset, so it appears in returns and not among
        trading costs.

    Examples
    --------
    >>> Costs(bps=5).rates(["SPY"])
    array([0.0005])
    >>> print(Costs(bps=1, half_spread_bps={"SPY": 0.5, "HYG": 2}))
    1 bp one way on traded notional, half-spread SPY 0.5, HYG 2 bp
    >>> print(Costs(bps=1, impact_bps=10, holding_bps=9))
    1 bp one way on traded notional, impact 10 bp x change of weight, holding 9 bp a year
    """

    bps: float = 5.0
    half_spread_bps: float | Mapping[str, float] = 0.0
    impact_bps: float = 0.0
    holding_bps: float | Mapping[str, float] = 0.0

    def __post_init__(self) -> None:
        for name in ("bps", "half_spread_bps", "impact_bps", "holding_bps"):
            cost = getattr(self, name)
            per = "a year" if name == "holding_bps" else "one way"
            for asset, value in cost.items() if isinstance(cost, Mapping) else [("", cost)]:
                if not 0.0 <= value <= HIGHEST_BPS:
                    of = f"`{asset}` " if asset else ""
                    raise ConfigError(
                        f"{name}: {of}must lie in [0, {HIGHEST_BPS:g}] basis points {per}, got "
                        f"{value}"
                    )

    def __str__(self) -> str:
        parts = [f"{self.bps:g} bp one way on traded notional"]
        if self.half_spread_bps:
            parts.append(f"half-spread {_words(self.half_spread_bps)} bp")
        if self.impact_bps:
            parts.append(f"impact {self.impact_bps:g} bp x change of weight")
        if self.holding_bps:
            parts.append(f"holding {_words(self.holding_bps)} bp a year")
        return ", ".join(parts)

    def half_spreads(self, assets: Sequence[str]) -> Floats:
        """Half-spread of each asset, shape (n_assets,), basis points."""
        return _by_asset(self.half_spread_bps, assets, "half_spread_bps")

    def rates(self, assets: Sequence[str]) -> Floats:
        """One-way cost of each asset without impact, shape (n_assets,), fraction of notional."""
        return (self.bps + self.half_spreads(assets)) / 1e4

    def holding(self, assets: Sequence[str]) -> Floats:
        """Cost of holding each asset for a session, shape (n_assets,), fraction of its value."""
        return _by_asset(self.holding_bps, assets, "holding_bps") / 1e4 / YEAR


def _by_asset(cost: float | Mapping[str, float], assets: Sequence[str], name: str) -> Floats:
    if not isinstance(cost, Mapping):
        return np.full(len(assets), float(cost))
    missing = [asset for asset in assets if asset not in cost]
    if missing:
        raise ConfigError(
            f"{name}: `{missing[0]}` is traded and has no number; given: "
            f"{', '.join(cost) or 'none'}"
        )
    return np.array([float(cost[asset]) for asset in assets])


def _words(cost: float | Mapping[str, float]) -> str:
    if not isinstance(cost, Mapping):
        return f"{cost:g}"
    return ", ".join(f"{asset} {value:g}" for asset, value in cost.items())

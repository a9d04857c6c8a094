"""All families in one call: a panel in, features with their specifications out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from regime.errors import ConfigError
from regime.features.cross_asset import CrossAssetFeatures
from regime.features.crowding import CrowdingFeatures
from regime.features.crypto import CryptoFeatures
from regime.features.depth import DepthFeatures
from regime.features.dollar import DollarFeatures
from regime.features.dollar_stress import DollarStressFeatures
from regime.features.feature import Feature
from regime.features.gamma import GammaFeatures
from regime.features.leadership import LeadershipFeatures
from regime.features.liquidity import LiquidityFeatures
from regime.features.long_end import LongEndFeatures
from regime.features.positioning import PositioningFeatures
from regime.features.reserves import ReserveFeatures
from regime.features.selling import SellingFeatures
from regime.features.trend import TrendFeatures
from regime.features.valuation import ValuationFeatures
from regime.schema import FeatureSpec, Panel, check_features

__all__ = ["FeatureSet"]


@dataclass(frozen=True, kw_only=True)
class FeatureSet:
    """The five families, and on request what the mechanisms add to them.

    Its columns depend on these arguments alone, never on the data.

    Parameters
    ----------
    liquidity, dollar, valuation, positioning, cross_asset : family objects
        The ground: what a model has by default, and its rivals with it.
    mechanisms : bool
        Whether the columns of the mechanisms join. Off, a run neither reads their series nor lets
        its rivals see them, so that trying them is a choice that is written down.
    trend, gamma, crowding, depth : family objects
        Of positioning: trend followers, dealers, futures and funds, market depth.
    reserves, long_end : family objects
        Of liquidity: reserve scarcity, dear long money.
    dollar_stress : family object
        Of the dollar: dash, debasement, carry.
    leadership : family object
        Of valuation: leaders, rotation, multiples.
    selling, crypto : family objects
        Of cross-asset: selling that does not choose, crypto.

    Examples
    --------
    >>> len({spec.family for spec in FeatureSet().specs}), len(FeatureSet().whole.specs) > 2 * len(FeatureSet().specs)
    (5, True)
    """

    liquidity: LiquidityFeatures = field(default_factory=LiquidityFeatures)
    dollar: DollarFeatures = field(default_factory=DollarFeatures)
    valuation: ValuationFeatures = field(default_factory=ValuationFeatures)
    positioning: PositioningFeatures = field(default_factory=PositioningFeatures)
    cross_asset: CrossAssetFeatures = field(default_factory=CrossAssetFeatures)
    mechanisms: bool = False
    trend: TrendFeatures = field(default_factory=TrendFeatures)
    gamma: GammaFeatures = field(default_factory=GammaFeatures)
    crowding: CrowdingFeatures = field(default_factory=CrowdingFeatures)
    depth: DepthFeatures = field(default_factory=DepthFeatures)
    reserves: ReserveFeatures = field(default_factory=ReserveFeatures)
    long_end: LongEndFeatures = field(default_factory=LongEndFeatures)
    dollar_stress: DollarStressFeatures = field(default_factory=DollarStressFeatures)
    leadership: LeadershipFeatures = field(default_factory=LeadershipFeatures)
    selling: SellingFeatures = field(default_factory=SellingFeatures)
    crypto: CryptoFeatures = field(default_factory=CryptoFeatures)

    def __post_init__(self) -> None:
        names = [spec.name for spec in self.specs]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ConfigError(
                f"two features are called `{twice[0]}`; change one of their lookbacks"
            )

    @property
    def whole(self) -> FeatureSet:
        """The same with the columns of the mechanisms, which come after those of the ground."""
        return replace(self, mechanisms=True)

    @property
    def families(self) -> tuple[Any, ...]:
        """The objects whose features are built, in the order of the columns."""
        ground = (self.positioning, self.liquidity, self.dollar, self.valuation, self.cross_asset)
        added = (
            self.trend,
            self.gamma,
            self.crowding,
            self.depth,
            self.reserves,
            self.long_end,
            self.dollar_stress,
            self.leadership,
            self.selling,
            self.crypto,
        )
        return (*ground, *added) if self.mechanisms else ground

    @property
    def features(self) -> tuple[Feature, ...]:
        """Every feature, in the order of the columns."""
        return tuple(feature for family in self.families for feature in family.features())

    @property
    def specs(self) -> tuple[FeatureSpec, ...]:
        """What each column is, in order."""
        return tuple(feature.spec for feature in self.features)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Catalogue names of every series read, sorted."""
        return tuple(sorted({name for spec in self.specs for name in spec.inputs}))

    def __call__(self, panel: Panel) -> pd.DataFrame:
        """Compute all features.

        Parameters
        ----------
        panel : Panel, shape (n_sessions, n_series)

        Returns
        -------
        DataFrame, shape (n_sessions, n_features), float64
            NaN where an input is missing or its history is too short.

        **Known at:** row t uses the panel's rows up to t.
        """
        table = pd.DataFrame(
            {feature.spec.name: feature(panel.values) for feature in self.features},
            index=panel.values.index,
        )
        return check_features(table, self.specs)

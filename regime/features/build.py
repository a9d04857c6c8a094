"""All families in one call: a panel in, features with their specifications out.

Depends on: errors, schema, panel frames by their schema, the five family modules.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from regime.errors import ConfigError
from regime.features.cross_asset import CrossAssetFeatures
from regime.features.dollar import DollarFeatures
from regime.features.feature import Feature
from regime.features.liquidity import LiquidityFeatures
from regime.features.positioning import PositioningFeatures
from regime.features.valuation import ValuationFeatures
from regime.schema import FeatureSpec, Panel, check_features

__all__ = ["FeatureSet"]


@dataclass(frozen=True, kw_only=True)
class FeatureSet:
    """The five families; its columns depend on these arguments alone, never on the data.

    Parameters
    ----------
    liquidity, dollar, valuation, positioning, cross_asset : family objects

    Examples
    --------
    >>> len({spec.family for spec in FeatureSet().specs})
    5
    """

    liquidity: LiquidityFeatures = field(default_factory=LiquidityFeatures)
    dollar: DollarFeatures = field(default_factory=DollarFeatures)
    valuation: ValuationFeatures = field(default_factory=ValuationFeatures)
    positioning: PositioningFeatures = field(default_factory=PositioningFeatures)
    cross_asset: CrossAssetFeatures = field(default_factory=CrossAssetFeatures)

    def __post_init__(self) -> None:
        names = [spec.name for spec in self.specs]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ConfigError(f"two features are called `{twice[0]}`; change one of their lookbacks")

    @property
    def features(self) -> tuple[Feature, ...]:
        """Every feature, in the order of the columns."""
        families = (self.positioning, self.liquidity, self.dollar, self.valuation, self.cross_asset)
        return tuple(feature for family in families for feature in family.features())

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
        table = pd.DataFrame({feature.spec.name: feature(panel.values) for feature in self.features},
                             index=panel.values.index)
        return check_features(table, self.specs)

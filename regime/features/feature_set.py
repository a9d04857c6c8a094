"""All features in one call: a panel in, columns with their specifications out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from regime.config import build
from regime.errors import ConfigError
from regime.feature import Feature
from regime.features.cross_asset import CrossAssetFeatures
from regime.features.dollar import DollarFeatures
from regime.features.liquidity import LiquidityFeatures
from regime.features.positioning import PositioningFeatures
from regime.features.valuation import ValuationFeatures
from regime.mechanisms import MECHANISMS
from regime.mechanisms.base import FeatureBuilder
from regime.schema import FeatureSpec, Panel, check_features

__all__ = ["FeatureSet"]

# Columns of the mechanisms stand by family, inside a family in the order of the registry.
FAMILY_ORDER = ("positioning", "liquidity", "dollar", "valuation", "cross_asset")


@dataclass(frozen=True, kw_only=True)
class FeatureSet:
    """The five families, and on request what the mechanisms add to them.

    Its columns depend on these arguments alone, never on the data.

    Parameters
    ----------
    liquidity, dollar, valuation, positioning, cross_asset : family objects
        The core: what a model has by default, and its baselines with it.
    mechanisms : bool
        Whether the columns of the mechanisms join. Off, a run neither reads their series nor lets
        its baselines see them, so that trying them is a choice that is recorded.
    mechanism_parameters : mapping of str to mapping
        Parameters of a mechanism's features by its key, such as ``{"cta": {"crowding": 1000}}``;
        the standard ones by default.

    Raises
    ------
    ConfigError
        If a mechanism or a parameter is unknown, or two features have one name.

    Examples
    --------
    >>> core = FeatureSet()
    >>> len({spec.family for spec in core.specs})
    5
    >>> core.with_mechanisms.specs[: len(core.specs)] == core.specs
    True
    """

    liquidity: LiquidityFeatures = field(default_factory=LiquidityFeatures)
    dollar: DollarFeatures = field(default_factory=DollarFeatures)
    valuation: ValuationFeatures = field(default_factory=ValuationFeatures)
    positioning: PositioningFeatures = field(default_factory=PositioningFeatures)
    cross_asset: CrossAssetFeatures = field(default_factory=CrossAssetFeatures)
    mechanisms: bool = False
    mechanism_parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        faults: list[str] = []
        for key in self.mechanism_parameters:
            try:
                self._mechanism_family(key)
            except ConfigError as error:
                faults.extend(error.faults)
        if faults:
            raise ConfigError(faults)
        names = [spec.name for spec in self.specs]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ConfigError(
                f"two features are called `{twice[0]}`; change one of their lookbacks"
            )

    @property
    def with_mechanisms(self) -> FeatureSet:
        """The same with the columns of the mechanisms, which come after those of the core."""
        return replace(self, mechanisms=True)

    @property
    def families(self) -> tuple[FeatureBuilder, ...]:
        """The objects whose features are built: the core, then the mechanisms by their registry."""
        return (*self._core, *self._added)

    @property
    def features(self) -> tuple[Feature, ...]:
        """Every feature, in the order of the columns."""
        added = [feature for family in self._added for feature in family.features()]
        added.sort(key=lambda feature: FAMILY_ORDER.index(feature.spec.family))
        return (*(feature for family in self._core for feature in family.features()), *added)

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

    @property
    def _core(self) -> tuple[FeatureBuilder, ...]:
        return (self.positioning, self.liquidity, self.dollar, self.valuation, self.cross_asset)

    @property
    def _added(self) -> tuple[FeatureBuilder, ...]:
        if not self.mechanisms:
            return ()
        families = (self._mechanism_family(key) for key in MECHANISMS)
        return tuple(family for family in families if family is not None)

    def _mechanism_family(self, key: str) -> FeatureBuilder | None:
        """The family object of a mechanism with its parameters; None where it adds no column."""
        family = MECHANISMS.resolve(key).family
        parameters = self.mechanism_parameters.get(key, {})
        if family is not None:
            return build(family, parameters, f"mechanism_parameters.{key}")
        if parameters:
            raise ConfigError(f"mechanism_parameters: `{key}` adds no feature; leave it out")
        return None

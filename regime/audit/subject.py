"""What an audit is about: the parts of one config and the data that they would be given.

Depends on: schema, and the stages whose parts it holds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from regime.features.build import FeatureSet
from regime.models.classifier import DeleveragingClassifier
from regime.rules.base import Rule
from regime.schema import Labels, Panel
from regime.splits.walk_forward import PurgedWalkForward

__all__ = ["Labeller", "Subject"]

Labeller = Callable[..., Labels]


@dataclass(frozen=True, kw_only=True, eq=False)
class Subject:
    """Parts and data of one run, aligned to one index of sessions.

    Parameters
    ----------
    observations : DataFrame
        Long table of `series, period, released, value`.
    max_age : mapping of str to int
        Calendar days until which a value may be used.
    panel : Panel, shape (n_sessions, n_series)
    market : DataFrame, shape (n_sessions, n_assets), prices
    returns : Series, shape (n_sessions,), fraction
    features, labels, truth, splits, model, rule : parts of the config

    Examples
    --------
    >>> sorted(Subject.__dataclass_fields__)[:3]
    ['features', 'labels', 'market']
    """

    observations: pd.DataFrame
    max_age: Mapping[str, int]
    panel: Panel
    market: pd.DataFrame
    returns: pd.Series
    features: FeatureSet
    labels: Labeller
    truth: Labeller
    splits: PurgedWalkForward
    model: DeleveragingClassifier
    rule: Rule

    @property
    def sessions(self) -> pd.DatetimeIndex:
        """Dates of the panel."""
        return self.panel.values.index

    @property
    def values(self) -> pd.DataFrame:
        """What was known at each close, shape (n_sessions, n_series)."""
        return self.panel.values

    @property
    def inputs(self) -> pd.DataFrame:
        """Those of the values that features read, and the market, shape (n_sessions, n_inputs)."""
        names = dict.fromkeys((*self.features.inputs, *self.market.columns))
        return self.values[[name for name in names if name in self.values]]

    @property
    def close(self) -> pd.Series:
        """S&P 500 closes."""
        return self.market["sp500"]

    @property
    def bars(self) -> pd.DataFrame:
        """Bars made up around the closes, swinging by what the VIX says, shape (n_sessions, 4)."""
        close = self.close
        swing, opening = self.values["vix"] / 100 / 252 ** 0.5 / 4, close.shift(1).fillna(close)
        both = pd.concat([opening, close], axis=1)
        return pd.DataFrame({"open": opening, "high": both.max(axis=1) * (1 + swing),
                             "low": both.min(axis=1) * (1 - swing), "close": close})

    def last(self, count: int) -> Subject:
        """The same over the last `count` sessions: enough for parts with a short memory, and quicker."""
        rows = slice(max(len(self.sessions) - count, 0), None)
        panel = Panel(values=self.panel.values.iloc[rows], age=self.panel.age.iloc[rows])
        parts: dict[str, Any] = {"panel": panel, "market": self.market.iloc[rows], "returns": self.returns.iloc[rows]}
        return replace(self, **parts)

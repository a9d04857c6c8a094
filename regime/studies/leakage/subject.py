"""What an audit is about: the parts of one config and the data that they would be given."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from regime.features.feature_set import FeatureSet
from regime.models.classifier import DeleveragingClassifier
from regime.rules.base import Rule
from regime.schema import Labels, Panel
from regime.splits.walk_forward import PurgedWalkForward

__all__ = ["Labeller", "Subject"]

Labeller = Callable[..., Labels]
# Columns of a fund's file that mechanisms read beside its price.
FUNDS, SHARES = ("spy", "qqq"), ("open", "high", "low", "close", "volume", "traded")


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

    @cached_property
    def every(self) -> pd.DataFrame:
        """Every series of the catalogue and the bars of the funds, shape (n_sessions, n_series).

        What the data have no value of is made up, so that whatever reads it can be asked: a law of
        time holds for all numbers.
        """
        bars = {
            f"{fund}_{column}": self.bars[column]
            for fund in (*FUNDS, "sp500")
            for column in self.bars
        }
        names = dict.fromkeys(
            (*self.max_age, *(f"{fund}_{share}" for fund in FUNDS for share in SHARES))
        )
        columns = {
            name: self.values[name]
            for name in names
            if name in self.values and bool(self.values[name].notna().any())
        }
        table = {
            name: columns[name] if name in columns else bars.get(name, self._walk(name))
            for name in names
        }
        return pd.DataFrame(table, index=self.sessions)

    def _walk(self, name: str) -> pd.Series:
        """A positive random walk of its own."""
        steps = np.random.default_rng(zlib.crc32(name.encode())).normal(
            0.0, 0.01, len(self.sessions)
        )
        return pd.Series(100.0 * np.exp(np.cumsum(steps)), index=self.sessions)

    @property
    def close(self) -> pd.Series:
        """S&P 500 closes."""
        return self.market["sp500"]

    @property
    def bars(self) -> pd.DataFrame:
        """Bars made up around the closes, swinging by what the VIX says, shape (n_sessions, 4)."""
        close = self.close
        swing, opening = self.values["vix"] / 100 / 252**0.5 / 4, close.shift(1).fillna(close)
        both = pd.concat([opening, close], axis=1)
        return pd.DataFrame(
            {
                "open": opening,
                "high": both.max(axis=1) * (1 + swing),
                "low": both.min(axis=1) * (1 - swing),
                "close": close,
            }
        )

    def last(self, count: int) -> Subject:
        """The same over the last `count` sessions.

        Enough for parts with a short memory, and quicker.
        """
        rows = slice(max(len(self.sessions) - count, 0), None)
        panel = Panel(values=self.panel.values.iloc[rows], age=self.panel.age.iloc[rows])
        parts: dict[str, Any] = {
            "panel": panel,
            "market": self.market.iloc[rows],
            "returns": self.returns.iloc[rows],
        }
        return replace(self, **parts)

"""What a leakage audit examines: the parts of one config with the data that they run on."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from regime.features.feature_set import FeatureSet
from regime.labels.basket import Labeller
from regime.models.classifier import DeleveragingClassifier
from regime.rules.base import Rule
from regime.schema import Panel
from regime.splits.walk_forward import PurgedWalkForward

__all__ = ["AuditSubject"]

# Funds whose bars mechanisms read, and the columns of their files.
FUNDS = ("spy", "qqq")
BAR_COLUMNS = ("open", "high", "low", "close", "volume", "traded")


@dataclass(frozen=True, kw_only=True, eq=False)
class AuditSubject:
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
    >>> sorted(AuditSubject.__dataclass_fields__)[:3]
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
        """Values known at each close, shape (n_sessions, n_series)."""
        return self.panel.values

    @property
    def inputs(self) -> pd.DataFrame:
        """Series that features read, and the market, shape (n_sessions, n_inputs)."""
        names = dict.fromkeys((*self.features.inputs, *self.market.columns))
        return self.values[[name for name in names if name in self.values]]

    @cached_property
    def all_series(self) -> pd.DataFrame:
        """Every series of the catalogue and the bars of the funds, shape (n_sessions, n_series).

        A series without values is replaced by a random walk, so that whatever reads it can be
        probed: whether a builder looks ahead does not depend on the numbers.
        """
        synthetic = {
            f"{fund}_{column}": self.bars[column]
            for fund in (*FUNDS, "sp500")
            for column in self.bars
        }
        bar_names = [f"{fund}_{column}" for fund in FUNDS for column in BAR_COLUMNS]
        table = {}
        for name in dict.fromkeys((*self.max_age, *bar_names)):
            if name in self.values and bool(self.values[name].notna().any()):
                table[name] = self.values[name]
            else:
                table[name] = synthetic.get(name, self._random_walk(name))
        return pd.DataFrame(table, index=self.sessions)

    def _random_walk(self, name: str) -> pd.Series:
        """A positive random walk, seeded by the name."""
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        steps = rng.normal(0.0, 0.01, len(self.sessions))
        return pd.Series(100.0 * np.exp(np.cumsum(steps)), index=self.sessions)

    @property
    def close(self) -> pd.Series:
        """S&P 500 closes."""
        return self.market["sp500"]

    @property
    def bars(self) -> pd.DataFrame:
        """Synthetic bars around the closes, as wide as the VIX implies, shape (n_sessions, 4)."""
        close = self.close
        width = self.values["vix"] / 100 / 252**0.5 / 4
        opening = close.shift(1).fillna(close)
        both = pd.concat([opening, close], axis=1)
        return pd.DataFrame(
            {
                "open": opening,
                "high": both.max(axis=1) * (1 + width),
                "low": both.min(axis=1) * (1 - width),
                "close": close,
            }
        )

    def last(self, count: int) -> AuditSubject:
        """The same over the last `count` sessions, for parts with a short memory."""
        rows = slice(max(len(self.sessions) - count, 0), None)
        parts: dict[str, Any] = {
            "panel": Panel(values=self.panel.values.iloc[rows], age=self.panel.age.iloc[rows]),
            "market": self.market.iloc[rows],
            "returns": self.returns.iloc[rows],
        }
        return replace(self, **parts)

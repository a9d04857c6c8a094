"""Several labellers as one: the ensemble of their labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, TypeAlias

import numpy as np
import pandas as pd

from regime.errors import ConfigError
from regime.labels import LABELLERS
from regime.labels.basket import Labeller
from regime.labels.episodes import EpisodeLabels
from regime.labels.jump import JumpModelLabels
from regime.schema import REGIMES, Labels

__all__ = ["EnsembleLabels"]

Member: TypeAlias = Annotated[Labeller, LABELLERS]


@dataclass(frozen=True, kw_only=True)
class EnsembleLabels:
    """Weighted mean of the regimes that several labellers name.

    A row is known once **every** member knows it: its weights would otherwise change when the next
    member does.

    Parameters
    ----------
    labellers : tuple of Labeller
        Any of `LABELLERS` but an ensemble.
    weights : tuple of float
        Positive, one a labeller; empty for equal ones.

    Examples
    --------
    >>> dates = pd.bdate_range("2020-01-01", periods=400, name="date")
    >>> steps = np.r_[np.tile([1.01, 0.995], 150), np.full(20, 0.98), np.full(80, 1.01)]
    >>> market = pd.DataFrame({"sp500": steps.cumprod()}, index=dates)
    >>> shallow, deep = EpisodeLabels(depth=2.0), EpisodeLabels(depth=4.0)
    >>> ensemble = EnsembleLabels(labellers=(shallow, deep), weights=(3, 1))
    >>> ensemble(market).weights.loc["2021-03-15"].tolist()
    [0.0, 0.0, 1.0, 0.0]
    """

    labellers: tuple[Member, ...] = (EpisodeLabels(), JumpModelLabels())
    weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if any(isinstance(labeller, EnsembleLabels) for labeller in self.labellers):
            raise ConfigError("labellers: an ensemble holds no ensemble; name its members instead")
        if not self.labellers:
            raise ConfigError("labellers: needs at least one")
        if self.weights and len(self.weights) != len(self.labellers):
            raise ConfigError(
                f"weights: needs one for each of {len(self.labellers)} labellers, "
                f"got {len(self.weights)}"
            )
        if not all(weight > 0 for weight in self.weights):
            raise ConfigError(f"weights: must be positive, got {self.weights}")

    def __call__(self, market: pd.DataFrame, as_of: pd.Timestamp | None = None) -> Labels:
        """Labels as they stood at the close of `as_of`; arguments as for `Labeller`.

        **Known at:** the latest `known_at` of the members; so with `span_end`.
        """
        members = [labeller(market, as_of) for labeller in self.labellers]
        shares = np.array(self.weights or (1.0,) * len(members))
        mixed = np.zeros((len(market), len(REGIMES)))
        for share, member in zip(shares / shares.sum(), members, strict=True):
            mixed += share * member.weights.to_numpy()
        mixed /= mixed.sum(axis=1, keepdims=True)  # shares sum to 1 only up to rounding
        latest = {
            name: pd.concat([getattr(member, name) for member in members], axis=1).max(
                axis=1, skipna=False
            )
            for name in ("span_end", "known_at")
        }
        return Labels(
            weights=pd.DataFrame(mixed, index=market.index, columns=list(REGIMES)),
            span_end=latest["span_end"].rename("span_end"),
            known_at=latest["known_at"].rename("known_at"),
        )

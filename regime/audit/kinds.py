"""Builders that are objects: families of features, labellers, rules."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from regime.audit.discovery import Found, place_of
from regime.audit.given import Rows
from regime.audit.probes import Builder
from regime.audit.subject import Subject
from regime.errors import RegimeError
from regime.rules.base import Rule
from regime.schema import REGIMES

__all__ = [
    "NUMBERS",
    "as_numbers",
    "builders_of_class",
    "feature_builders",
    "labeller_builders",
    "rule_builder",
]

# Values of arguments that have no default; any would do, for a law of time holds for all of them.
NUMBERS: Mapping[str, float] = {
    "lookback": 21,
    "days": 21,
    "span": 21,
    "window": 21,
    "horizon": 21,
    "minimum": 5,
    "halflife": 21.0,
    "sign": 1,
    "level": 0.5,
    "depth": 2.0,
    "recovered": 0.5,
    "recover": 0.5,
    "core_weight": 0.5,
    "target": 0.12,
    "cap": 1.0,
    "enter": 0.6,
    "leave": 0.4,
    "low": 0.2,
    "high": 0.6,
    "per_day": 0.25,
    "penalty": 50.0,
    "fragile": 21,
}
# sessions on which features are asked that the config does without: ranks of five years fill them
BESIDE = 1800
# A class with none of these makes nothing by itself.
ACTIVE = (
    "__call__",
    "fit",
    "predict",
    "predict_proba",
    "transform",
    "folds",
    "split",
    "panel",
    "history",
    "read",
)


def builders_of_class(found: Found, subject: Subject) -> list[Builder] | None:
    """Builders of one public class; empty where it builds nothing, None where that cannot be told.

    Parameters
    ----------
    found : Found
    subject : Subject
        Data to ask it about.
    """
    thing = found.thing
    if inspect.isabstract(thing) or getattr(thing, "_is_protocol", False):
        return []
    made = _made(thing)
    if issubclass(thing, Rule):
        return None if made is None else [rule_builder(found.name, found.place, made, subject)]
    if inspect.isfunction(getattr(thing, "features", None)):
        return (
            None
            if made is None
            else feature_builders(made.features(), subject, subject.every.iloc[-BESIDE:])
        )
    call = vars(thing).get("__call__")
    if call is not None and {"market", "as_of"} <= set(inspect.signature(call).parameters):
        return (
            None
            if made is None
            else labeller_builders(found.name, found.place, made, subject.market)
        )
    return None if set(ACTIVE) & set(vars(thing)) else []


def feature_builders(
    features: Iterable[Any], subject: Subject, values: pd.DataFrame | None = None
) -> list[Builder]:
    """One builder a feature, over the panel's values.

    Over its own inputs among `values` where these are given.
    """
    given = Rows(frames={"values": subject.inputs})

    def of(feature: Any) -> Builder:
        own = given
        if values is not None:
            own = Rows(
                frames={"values": values[[name for name in feature.spec.inputs if name in values]]}
            )
        return Builder(
            name=feature.spec.name,
            place=place_of(feature.compute),
            given=own,
            build=lambda part, t: feature(part.frames["values"]).to_frame(),
        )

    return [of(feature) for feature in features]


def labeller_builders(
    name: str, place: str, labeller: Callable[..., Any], market: pd.DataFrame
) -> list[Builder]:
    """Two laws of a labeller.

    What it says as of a date, and what it says for good once a row is known.

    Parameters
    ----------
    name, place : str
    labeller : callable
        ``labeller(market, as_of) -> Labels``.
    market : DataFrame, shape (n_sessions, n_assets), prices
    """
    sessions = pd.DatetimeIndex(market.index)
    given = Rows(frames={"market": market})
    whole: list[Any] = []

    def at(part: Rows, t: int) -> pd.DataFrame:
        labels = labeller(part.frames["market"], sessions[t])
        return as_numbers(labels.weights.assign(known_at=labels.known_at, span_end=labels.span_end))

    def settled(part: Rows, t: int) -> pd.DataFrame:
        if not whole:
            whole.append(labeller(market))
        labels = whole[0] if part is given else labeller(part.frames["market"])
        known = (
            whole[0].known_by(sessions[t]).iloc[: len(labels.weights)]
        )  # what the whole history says was known by t
        return as_numbers(labels.weights.assign(known_at=labels.known_at).where(known))

    return [
        Builder(name=f"{name}, as of a date", place=place, given=given, build=at, dated=True),
        Builder(name=f"{name}, once known", place=place, given=given, build=settled, dated=True),
    ]


def rule_builder(name: str, place: str, rule: Any, subject: Subject) -> Builder:
    """Exposure that a rule decides, asked about made-up signals.

    Parameters
    ----------
    name, place : str
        How findings call it.
    rule : Rule
    subject : Subject
        For its sessions.
    """

    def build(part: Rows, t: int) -> pd.DataFrame:
        others = {name: part.frames[name] for name in ("volatility", "price")}
        signals = part.frames["probabilities"].assign(**others)
        return pd.DataFrame({"exposure": rule(signals)})

    return Builder(name=name, place=place, given=_signals(subject), build=build)


def as_numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Dates as days since 1970-01-01, missing ones as NaN, and the rest as floats."""

    def plain(column: pd.Series) -> pd.Series:
        if not pd.api.types.is_datetime64_any_dtype(column.dtype):
            return column.astype(float)
        days = column.to_numpy(dtype="M8[D]").astype(float)
        return pd.Series(np.where(column.isna(), np.nan, days), index=column.index)

    return pd.DataFrame({str(name): plain(table[name]) for name in table}, index=table.index)


def _signals(subject: Subject) -> Rows:
    """Probabilities that follow the falls of the index with noise, its volatility, and its total return as a level."""
    rng, n = np.random.default_rng(7), len(subject.sessions)
    fall = 1.0 - subject.close / subject.close.rolling(63, min_periods=1).max()
    stress = np.clip(5.0 * fall.to_numpy() + 0.2 * rng.standard_normal(n), 0.01, 0.97)
    table = pd.DataFrame({name: (1.0 - stress) / 3.0 for name in REGIMES}, subject.sessions).assign(
        deleveraging=stress
    )
    volatility = subject.returns.ewm(halflife=21).std() * 252**0.5
    price = (1.0 + subject.returns.fillna(0.0)).cumprod()
    frames = {"probabilities": table, "volatility": volatility.fillna(0.15), "price": price}
    return Rows(frames=frames, shares=("probabilities",))


def _made(thing: Callable[..., Any]) -> Any:
    """An instance by its defaults and the usual numbers; None where that is not enough."""
    parameters = inspect.signature(thing).parameters.values()
    needed = [
        parameter.name
        for parameter in parameters
        if parameter.default is parameter.empty and parameter.kind is parameter.KEYWORD_ONLY
    ]
    try:
        return thing(**{name: NUMBERS[name] for name in needed})
    except (RegimeError, TypeError, ValueError, KeyError):
        return None

"""Builders of the public classes of the package: families of features, labellers, rules."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from regime.errors import RegimeError
from regime.rules.base import Rule
from regime.studies.leakage.builders import feature_builders, labeller_builders, rule_builder
from regime.studies.leakage.probes import Builder
from regime.studies.leakage.subject import Subject
from tests.audit.registry.discovery import Found

__all__ = ["NUMBERS", "builders_of_class"]

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

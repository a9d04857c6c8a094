"""Builders of the public classes of the package: families of features, labellers, rules."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from regime.errors import RegimeError
from regime.rules.base import Rule
from regime.studies.leakage.builders import feature_builders, labeller_builders, rule_builder
from regime.studies.leakage.probes import Builder
from regime.studies.leakage.subject import AuditSubject
from tests.audit.registry.discovery import PublicObject

__all__ = ["NUMBERS", "builders_of_class"]

# Values of arguments without a default: any will do.
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
FAMILY_SESSIONS = 1800  # for features that the config does not use
# A class with none of these methods builds nothing by itself.
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


def builders_of_class(item: PublicObject, subject: AuditSubject) -> list[Builder] | None:
    """Builders of one public class; empty if it builds nothing, None if that is unknown.

    Parameters
    ----------
    item : PublicObject
    subject : AuditSubject
        Data to call it on.
    """
    target = item.target
    if inspect.isabstract(target) or getattr(target, "_is_protocol", False):
        return []
    call = vars(target).get("__call__")
    arguments = set() if call is None else set(inspect.signature(call).parameters)
    is_rule = issubclass(target, Rule)
    is_family = inspect.isfunction(getattr(target, "features", None))
    is_labeller = {"market", "as_of"} <= arguments
    if not (is_rule or is_family or is_labeller):
        return None if set(ACTIVE) & set(vars(target)) else []
    instance = _default_instance(target)
    if instance is None:
        return None
    if is_rule:
        return [rule_builder(item.name, item.location, instance, subject)]
    if is_family:
        values = subject.all_series.iloc[-FAMILY_SESSIONS:]
        return feature_builders(instance.features(), subject, values)
    return labeller_builders(item.name, item.location, instance, subject.market)


def _default_instance(target: Callable[..., Any]) -> Any:
    """An instance by its defaults and `NUMBERS`; None where that is not enough."""
    parameters = inspect.signature(target).parameters.values()
    needed = [
        parameter.name
        for parameter in parameters
        if parameter.default is parameter.empty and parameter.kind is parameter.KEYWORD_ONLY
    ]
    try:
        return target(**{name: NUMBERS[name] for name in needed})
    except (RegimeError, TypeError, ValueError, KeyError):
        return None

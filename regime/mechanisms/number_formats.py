"""How the key numbers of a mechanism are written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from regime.formatting import NOTHING

__all__ = [
    "BASIS_POINTS",
    "CHANGE",
    "LEVEL",
    "SCORE",
    "SHARE",
    "SIGMAS",
    "flow_range",
    "number_format",
]


def number_format(form: str, factor: float = 1.0) -> Callable[[Any], str]:
    """Writer of a number times a factor, in a form such as ``{:+.1%}``."""
    return lambda value: form.format(factor * value)


def flow_range(value: Mapping[str, float | None]) -> str:
    """A range of flows, USD bn: ``-20 (-30 to -10)``."""
    texts = []
    for name in ("mid", "low", "high"):
        flow = value[name]
        if flow is None:
            return NOTHING
        texts.append("0" if round(flow) == 0 else f"{flow:+.0f}")
    mid, low, high = texts
    return f"{mid} ({low} to {high})"


SHARE = number_format("{:.0%}")
CHANGE = number_format("{:+.1%}")
LEVEL = number_format("{:,.0f}")
SCORE = number_format("{:.2f}")
SIGMAS = number_format("{:+.1f}")
BASIS_POINTS = number_format("{:+.0f}")

"""The dealer-gamma reading in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from regime.mechanisms.gamma_profile import CONVENTIONS

__all__ = ["SIDES", "chain_sentence", "convention_words", "daily_sentence"]

SIDES = {1: "long", -1: "short", 0: "flat"}
EFFECTS = {
    1: "they lean against moves",
    -1: "they trade with moves",
    0: "they neither lean nor push",
}


def convention_words(convention: str) -> str:
    """What a sign convention takes dealers to hold, such as ``dealers long calls and short puts``."""
    calls, puts = (SIDES[int(sign)] for sign in CONVENTIONS[convention])
    return f"dealers {calls} calls and {puts} puts"


def chain_sentence(values: Mapping[str, Any]) -> str:
    """State, zero gamma, walls, and how old the chain is."""
    walls = ", ".join(
        f"{side} wall {values[f'{side}_wall']:g}"
        for side in ("call", "put")
        if values[f"{side}_wall"] is not None
    )
    age = {0: "of the day itself", 1: "1 day old"}.get(
        values["age_days"], f"{values['age_days']} days old"
    )
    own = values["zero_dte"]
    day = (
        f"; options of its own date make {own['gross_share']:.0%} of the gross"
        if own["options"]
        else ""
    )
    return (
        f"With {convention_words(values['convention'])}, dealers are {values['state']}, "
        f"{_money(values['total_usd'])} per 1 % at {values['spot']:g}: {EFFECTS[values['sign']]}; "
        f"{_zero(values)}; "
        f"{walls}{day}. Chain of {values['chain_date']}, {age}; its open interest is of the "
        "evening before."
    )


def daily_sentence(values: Mapping[str, Any]) -> str:
    """State, rank, and when gamma was last below zero."""
    rank, since = values["percentile"], values["days_since_negative"]
    among = (
        "" if pd.isna(rank) else f", rank {rank:.0%} among the last {values['lookback']} sessions"
    )
    last = (
        ""
        if pd.isna(since) or values["sign"] < 0
        else (
            f"; not below zero for {values['lookback']} sessions or more"
            if since >= values["lookback"]
            else f"; last below zero {since:.0f} sessions ago"
        )
    )
    return (
        f"By the daily series dealers are {values['state']}: {EFFECTS[values['sign']]}; "
        f"{_money(values['total_usd'])} per 1 %{among}{last}."
    )


def _zero(values: Mapping[str, Any]) -> str:
    zero, distance = values["nearest_zero"], values["distance_to_zero"]
    if zero is None:
        return "it changes sign nowhere on the grid"
    others = f" (the nearest of {len(values['zeros'])})" if len(values["zeros"]) > 1 else ""
    return f"zero gamma{others} at {zero:.0f}, {abs(distance):.1%} {'above' if distance > 0 else 'below'} the spot"


def _money(dollars: float) -> str:
    size = abs(dollars)
    return f"${size / 1e9:.1f}bn" if size >= 1e8 else f"${size / 1e6:.1f}mn"

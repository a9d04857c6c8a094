"""Usual spans in trading sessions."""

from __future__ import annotations

__all__ = ["MONTH", "QUARTER", "WEEK", "YEAR"]

WEEK = 5
MONTH = 21
QUARTER = 63
YEAR = 252

"""Usual spans in trading sessions."""

from __future__ import annotations

__all__ = ["MONTH", "QUARTER", "WEEK", "YEAR"]

WEEK, MONTH, QUARTER, YEAR = 5, 21, 63, 252

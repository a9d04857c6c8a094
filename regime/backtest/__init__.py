"""Exposure to equity: vectorbt behind one adapter, and an oracle of our own.

``from regime.backtest import backtest, Costs`` is all that somebody with a signal of his own needs;
names load on first use, so that importing the package stays light.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from regime.backtest.book import BacktestResult
    from regime.backtest.costs import Costs
    from regime.backtest.engine import backtest

__all__ = ["BacktestResult", "Costs", "backtest"]

_HOME = {
    "BacktestResult": "regime.backtest.book",
    "Costs": "regime.backtest.costs",
    "backtest": "regime.backtest.engine",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'regime.backtest' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOME[name]), name)

"""Exposure to equity curve, with vectorbt behind one adapter.

``from regime.backtest import backtest, Costs`` is all that somebody with a signal of his own needs;
names load on first use, so that importing the package stays light.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from regime.backtest.costs import Costs
    from regime.backtest.engine import backtest
    from regime.backtest.result import BacktestResult

__all__ = ["BacktestResult", "Costs", "backtest"]

_HOME = {
    "BacktestResult": "regime.backtest.result",
    "Costs": "regime.backtest.costs",
    "backtest": "regime.backtest.engine",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'regime.backtest' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOME[name]), name)

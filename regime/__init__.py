"""Deleveraging regimes: who is forced to sell, since when, and what a portfolio does about it.

`import regime` touches no disk, no network and no heavy library; names load on first use, so that
`regime.load_model` works where only numpy and lightgbm are installed.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from regime.runtime.predict import SavedModel, load_model
    from regime.schema import REGIMES, Regime
    from regime.workflows.run import RunResult, run

__all__ = ["REGIMES", "Regime", "RunResult", "SavedModel", "load_model", "run"]
__version__ = "0.1.0"

_HOME = {
    "REGIMES": "regime.schema",
    "Regime": "regime.schema",
    "RunResult": "regime.workflows.run",
    "SavedModel": "regime.runtime.predict",
    "load_model": "regime.runtime.predict",
    "run": "regime.workflows.run",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'regime' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOME[name]), name)

"""Workflows of straw: they note how they were called, and do what the test asks of them."""

from __future__ import annotations

import math
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

SUMMARY = {
    "config": "configs/demo.yaml",
    "data": {"first": "1990-01-02", "last": "2024-12-31", "series": {"vix": "ok", "move": "stale"}},
    "out_of_sample": {"first": "2005-01-03", "last": "2024-12-31", "days": 5033, "refits": 40},
    "scores": {
        "model": {"log_loss": 0.31, "brier": 0.09, "average_precision": 0.5, "auc": 0.85},
        "baselines": {
            "vix": {"log_loss": 0.3, "brier": 0.08, "average_precision": 0.44, "auc": 0.86},
            "base_rate": {"log_loss": 0.4, "brier": 0.1, "average_precision": 0.2, "auc": math.nan},
        },
        "best_baseline": "vix",
        "skill": -0.033,
        "interval": [-0.2, 0.1],
    },
    "events": {"caught": "7/11", "median_lag": 9.0, "false_alarms_per_year": 1.1},
    "backtest": {
        "strategy": {"sharpe": 0.6, "max_drawdown": -0.2},
        "benchmarks": {"buy_and_hold": {"sharpe": 0.5}},
    },
    "bundle": "out/bundle",
    "mlflow_run_id": "abc123",
    "report": "out/report.html",
    "seconds": 12.3,
}


@dataclass
class Straw:
    """What was asked, and what to do about it."""

    calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = field(default_factory=list)
    act: Callable[[dict[str, Any]], None] = lambda _: None
    summary: dict[str, Any] = field(default_factory=lambda: dict(SUMMARY))

    def called(self, name: str, result: Callable[[], Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            self.calls.append((name, arguments, options))
            self.act(options)
            return result()

        return call


@pytest.fixture
def straw(monkeypatch: pytest.MonkeyPatch) -> Straw:
    made = Straw()
    results: dict[str, tuple[str, Callable[[], Any]]] = {
        "workflows.run": ("run", lambda: types.SimpleNamespace(summary=made.summary, out=None)),
        "workflows.features": ("build_features", lambda: None),
        "workflows.evaluate": ("evaluate", lambda: made.summary),
        "pipeline.settings": ("load_settings", lambda: {"model": {"trees": 150}, "seed": 7}),
    }
    for module, (function, result) in results.items():
        stub = types.ModuleType(f"regime.{module}")
        setattr(stub, function, made.called(function, result))
        monkeypatch.setitem(sys.modules, stub.__name__, stub)
    monkeypatch.setenv("REGIME_TRACEBACK", "")
    return made

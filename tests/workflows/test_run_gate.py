"""A run and its gate on skill: what a refused run writes, and what an advisory one does."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import pandas as pd
import pytest

from regime.cli import main
from regime.errors import GateError
from regime.migrations import SCHEMA_VERSION
from regime.pipeline.settings import load_settings
from regime.schema import REGIMES
from regime.tracking import Run
from regime.workflows.run import run

OVERRIDES = [
    "source.SimulatedSource.years=8",
    "splits.first_test=2012-01-01",
    "splits.refit_months=12",
    "model.seeds=1",
    "parallel.jobs=1",
    "tracking=NullTracker",
]
OUTPUT = {
    "summary.json",
    "probabilities.parquet",
    "exposure.parquet",
    "report.html",
    "bundle",
    "page",
}


class RecordingRun(Run):
    """A record that keeps what is entered."""

    seen: ClassVar[dict[str, Any]] = {}

    def set_tags(self, tags):
        self.seen["tags"] = dict(tags)

    def log_metrics(self, metrics, step=0):
        self.seen["metrics"] = set(metrics)

    def log_artifacts(self, path, under=None):
        self.seen["artifacts"] = {file.name for file in path.iterdir()}

    def register(self, bundle, name, *, inputs, outputs):
        self.seen["registered"] = name
        return "1"


@dataclass(frozen=True, kw_only=True)
class RecordingTracker:
    """A tracker of one recording run; it notes whether the run ended well."""

    @contextmanager
    def run(self, name: str, tags: Any = None) -> Iterator[Run]:
        RecordingRun.seen.clear()
        yield RecordingRun()
        RecordingRun.seen["ended"] = "well"


def test_a_refused_run_writes_everything_registers_nothing_and_ends_with_6(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = replace(
        load_settings("demo.yaml", OVERRIDES), tracking=RecordingTracker(), skill_gate="required"
    )
    with pytest.raises(GateError, match="out/demo, nothing was registered") as error:
        run(settings)
    assert error.value.exit_code == 6
    out = tmp_path / "out" / "demo"
    assert {path.name for path in out.iterdir()} == OUTPUT
    recorded = RecordingRun.seen
    assert recorded["artifacts"] == OUTPUT and "registered" not in recorded
    assert recorded["ended"] == "well"
    summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    assert next(iter(summary.items())) == ("schema_version", SCHEMA_VERSION)
    gate = summary["skill_gate"]
    assert gate["required"] and not gate["passed"]
    assert recorded["tags"]["skill_gate"] == gate["text"] in str(error.value)
    assert "significance" in recorded["metrics"]
    assert {"skill", "rule", "sentences"} <= set(summary["significance"])
    assert summary["sensitivity"]["events"]["spells"] >= 1
    page = (out / "report.html").read_text(encoding="utf-8")
    assert all(f'id="{key}"' in page for key in ("calibration", "significance", "sensitivity"))
    probabilities = pd.read_parquet(out / "probabilities.parquet")
    assert list(probabilities.columns) == list(REGIMES)


def test_an_advisory_gate_lets_a_run_without_skill_end_with_0(whole_run):
    gate = whole_run.summary["skill_gate"]
    scores = whole_run.summary["scores"]
    assert (whole_run.code, gate["required"]) == (0, False)
    assert gate["passed"] is (scores["interval"][0] > 0)
    assert gate["baseline"] == scores["best_baseline"]


def test_a_missing_ledger_costs_no_training(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["run", "demo.yaml", "ledger=trials.csv"]) == 3
    assert "ledger: trials.csv: no such file" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []

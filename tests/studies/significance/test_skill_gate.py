"""The gate of skill.

Shuffled labels and pure noise are refused, a real signal passes, and a refusal ends a run.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest

from regime.cli import main
from regime.errors import ConfigError, GateError
from regime.evaluation.skill import Skill
from regime.progress import NoProgress
from regime.records import Run
from regime.schema import REGIMES, Labels
from regime.workflows.data import read_world
from regime.workflows.forecast import walk_forward
from regime.workflows.gate import gate
from regime.workflows.run import run
from regime.workflows.settings import load_settings
from regime.workflows.verdict import Verdict, judge, rivals, truth_of

QUIET = NoProgress()
OVERRIDES = [
    "source.SimulatedSource.years=11",
    "splits.first_test=2012-01-01",
    "splits.refit_months=12",
    "model.seeds=1",
    "parallel.jobs=1",
    "tracking=NullTracker",
]


@pytest.fixture(scope="module")
def quick():
    """Settings of a small run, its world, its features and its truth."""
    settings = load_settings("demo.yaml", OVERRIDES)
    world = read_world(settings, None, QUIET)
    return settings, world, settings.features(world.panel), truth_of(settings, world, None)


@dataclass(frozen=True)
class Shuffled:
    """Real labels, each known row with the weights of another."""

    inner: Any
    seed: int

    def __call__(self, market: pd.DataFrame, as_of: pd.Timestamp | None = None) -> Labels:
        labels = self.inner(market, as_of)
        rows = np.flatnonzero(labels.known_at.notna())
        weights = labels.weights.copy()
        weights.iloc[rows] = weights.iloc[
            np.random.default_rng(self.seed).permutation(rows)
        ].to_numpy()
        return Labels(weights=weights, span_end=labels.span_end, known_at=labels.known_at)


def held(settings, world, features, truth, rival_features=None):
    """The gate on the walk-forward of these settings and features, against all rivals."""
    forecast = walk_forward(settings, features, world.market, QUIET)
    others = rivals(
        world, features if rival_features is None else rival_features, truth, forecast.folds, QUIET
    )
    return gate(settings, judge(settings, truth, forecast.probabilities, others))


@pytest.mark.parametrize("seed", [1, 2])
def test_shuffled_labels_are_refused(quick, seed):
    settings, world, features, truth = quick
    found = held(replace(settings, labels=Shuffled(settings.labels, seed)), world, features, truth)
    assert not found.passed and found.text.startswith(f"no skill over {found.rival}: ")


@pytest.mark.parametrize("seed", [1, 2])
def test_pure_noise_is_refused(quick, seed):
    settings, world, features, truth = quick
    draw = np.random.default_rng(seed)
    noise = pd.DataFrame(
        draw.normal(size=features.shape), index=features.index, columns=features.columns
    )
    slow = noise.ewm(
        halflife=21
    ).mean()  # as slow as real features: chance patterns last as long as spells
    for made in (noise, slow):
        assert not held(settings, world, made, truth).passed


def test_a_signal_passes(quick):
    settings, world, features, truth = quick
    tilt = truth.stress.fillna(0.0).to_numpy()
    draw = np.random.default_rng(3)
    told = features.copy()
    for name in settings.model.core[:6]:
        told[name] = tilt + draw.normal(0, 1.0, len(tilt))
    # Its rivals see the folder as it is, as anybody else would.
    found = held(replace(settings, gate="required"), world, told, truth, rival_features=features)
    assert found.passed and not found.shut and found.text.startswith(f"skill over {found.rival}: ")


def verdict(skill: float, low: float, high: float) -> Verdict:
    table = pd.DataFrame({"log_loss": [0.3, 0.4]}, index=["model", "vix"])
    return Verdict(
        table=table,
        folds=None,
        skill=Skill(against="vix", skill=skill, interval=(low, high)),
        events={},
        spells=pd.DataFrame(),
    )


@pytest.mark.parametrize(
    ("skill", "low", "passed"),
    [(0.2, 0.01, True), (0.2, 0.0, False), (0.2, -0.1, False), (-0.1, -0.2, False)],
)
def test_the_whole_interval_must_lie_above_zero(quick, skill, low, passed):
    for needed in ("advisory", "required"):
        found = gate(replace(quick[0], gate=needed), verdict(skill, low, 0.3))
        assert found.passed is passed and found.required is (needed == "required")
        assert found.shut is (needed == "required" and not passed) and found.rival == "vix"
    assert found.text.startswith("skill over vix" if passed else "no skill over vix")
    assert f"{skill:.1%} of its log loss" in found.text


def test_what_cannot_be_scored_does_not_pass(quick):
    nothing = replace(verdict(0.1, 0.1, 0.2), skill=None)
    found = gate(replace(quick[0], gate="required"), nothing)
    assert found.shut and found.rival is None and "one class only" in found.text
    assert found.error(Path("out")).exit_code == 6


def test_a_gate_of_another_kind_is_refused():
    with pytest.raises(ConfigError, match=r"gate: .*'advisory' or 'required', got `strict`"):
        load_settings("demo.yaml", ["gate=strict"])
    with pytest.raises(ConfigError, match="gate: must be advisory or required"):
        replace(load_settings("demo.yaml"), gate="strict")


class Witness(Run):
    """A record that notes what is entered."""

    seen: ClassVar[dict[str, Any]] = {}

    def set_tags(self, tags):
        self.seen.update(tags)

    def log_artifacts(self, path, under=None):
        self.seen["artifacts"] = sorted(file.name for file in path.iterdir())

    def register(self, bundle, name, *, inputs, outputs):
        self.seen["registered"] = name
        return "1"


@dataclass(frozen=True, kw_only=True)
class Tracked:
    """A tracker of one witness; it notes how the run ended."""

    @contextmanager
    def run(self, name: str, tags: Any = None) -> Iterator[Run]:
        Witness.seen.clear()
        yield Witness()
        Witness.seen["ended"] = "well"


def test_a_refused_run_writes_everything_registers_nothing_and_ends_with_6(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = replace(
        load_settings("demo.yaml", ["source.SimulatedSource.years=8", *OVERRIDES[1:]]),
        tracking=Tracked(),
        gate="required",
    )
    with pytest.raises(
        GateError, match=r"no skill over .*the outputs are in out/demo, nothing was registered"
    ) as told:
        run(settings)
    assert told.value.exit_code == 6
    names = {
        "summary.json",
        "probabilities.parquet",
        "exposure.parquet",
        "report.html",
        "bundle",
        "page",
    }
    assert {path.name for path in (tmp_path / "out" / "demo").iterdir()} == names
    assert set(Witness.seen["artifacts"]) == names and "registered" not in Witness.seen
    assert Witness.seen["gate"].startswith("no skill over ") and Witness.seen["ended"] == "well"
    summary = json.loads((tmp_path / "out" / "demo" / "summary.json").read_text(encoding="utf-8"))
    assert summary["gate"]["required"] and not summary["gate"]["passed"]
    assert {"skill", "rule", "sentences"} <= set(summary["luck"]) and summary["honesty"]["events"][
        "spells"
    ] >= 1
    page = (tmp_path / "out" / "demo" / "report.html").read_text(encoding="utf-8")
    assert (
        "Is it luck?" in page
        and "On what does the verdict rest?" in page
        and "No skill over" in page
    )
    assert list(pd.read_parquet(tmp_path / "out/demo/probabilities.parquet").columns) == list(
        REGIMES
    )


def test_an_advisory_gate_lets_a_run_without_skill_end_with_0(whole_run):
    found = whole_run.summary["gate"]
    low = whole_run.summary["scores"]["interval"][0]
    assert (whole_run.code, found["required"], found["passed"]) == (0, False, low > 0)
    assert found["text"].startswith(f"{'skill' if low > 0 else 'no skill'} over {found['rival']}: ")


def test_a_ledger_that_is_away_costs_no_training(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["run", "demo.yaml", "ledger=trials.csv"]) == 3
    assert "ledger: trials.csv: no such file" in capsys.readouterr().err and not list(
        tmp_path.iterdir()
    )

"""Trials made before a run: which count, and the errors of a damaged ledger."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from regime.errors import InvalidDataError, MissingDataError
from regime.pipeline.settings import load_settings
from regime.sources.file_source import FileSource
from regime.studies.significance.trial_ledger import NO_LEDGER, read_trial_ledger


@pytest.fixture(scope="module")
def settings():
    return replace(load_settings("demo.yaml", ["tracking=NullTracker"]), source=FileSource())


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """Three rows, two with daily returns."""
    folder = tmp_path / "experiments"
    (folder / "returns").mkdir(parents=True)
    (folder / "ledger.csv").write_text("trial,question\n1,a\n2,b\n3,c\n")
    days = pd.bdate_range("2020-01-01", periods=300, name="date")
    for trial in (1, 3):
        net = pd.DataFrame(
            {"net": np.random.default_rng(trial).normal(0, 0.01, 300)}, index=days
        ).astype("float32")
        net.to_parquet(folder / "returns" / f"{trial:04d}.parquet")
    return folder


def test_rows_count_and_returns_are_read(settings, ledger):
    for named in (ledger, ledger / "ledger.csv"):
        counted = read_trial_ledger(replace(settings, ledger=str(named)))
        assert (counted.rows, counted.tuned, counted.trials) == (3, 0, 3) and set(
            counted.returns
        ) == {
            "1",
            "3",
        }
        assert counted.returns["1"].dtype == np.float64 and len(counted.returns["1"]) == 300
        assert counted.note == f"3 rows of {ledger / 'ledger.csv'} count"


def test_the_default_ledger_counts_for_a_run_on_files_alone(settings, ledger, monkeypatch):
    monkeypatch.chdir(ledger.parent)
    assert read_trial_ledger(settings).rows == 3
    simulated = load_settings("demo.yaml", ["tracking=NullTracker"])
    assert read_trial_ledger(simulated) is NO_LEDGER and NO_LEDGER.trials == 0
    assert read_trial_ledger(replace(simulated, ledger=str(ledger))).rows == 3


def test_without_a_ledger_a_run_is_the_only_one(settings, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert read_trial_ledger(settings) is NO_LEDGER
    assert read_trial_ledger(replace(settings, ledger="")) is NO_LEDGER
    assert "the only one" in NO_LEDGER.note


@pytest.mark.parametrize("beside", [True, False], ids=["beside the ledger", "in configs"])
def test_finished_trials_of_tuning_count_once(settings, ledger, beside):
    table = ledger / "ledger.csv"
    table.write_text("trial,trials\n1,\n2,40\n3,100\n")
    assert read_trial_ledger(replace(settings, ledger=str(ledger))).trials == 103
    tuned = ledger / "tuned.yaml" if beside else ledger.parent / "configs" / "tuned.yaml"
    tuned.parent.mkdir(exist_ok=True)
    tuned.write_text(block(settings.name, 2005, 90, 60) + block("other", 2005, 500, 0))
    counted = read_trial_ledger(replace(settings, ledger=str(ledger)))
    assert (counted.rows, counted.tuned) == (
        3,
        150,
    ) and "150 finished trials of tuning" in counted.note
    table.write_text("trial,trials\n1,\n2,40\n3,400\n")
    assert read_trial_ledger(replace(settings, ledger=str(ledger))).tuned == 400


def test_trials_of_the_choices_that_a_config_uses_count_without_a_ledger_too(settings, ledger):
    chosen = ledger.parent / "mine.yaml"
    chosen.write_text(block(settings.name, 2005, 30, 12))
    alone = read_trial_ledger(replace(settings, ledger="", tuned=str(chosen)))
    assert (alone.rows, alone.trials) == (
        0,
        42,
    ) and "42 finished trials of tuning count" in alone.note
    assert read_trial_ledger(replace(settings, ledger=str(ledger), tuned=str(chosen))).trials == 45


def block(config, year, complete, pruned):
    head = "" if config == "other" else "blocks:\n"
    return (
        head
        + f"""- config: {config}
  year: {year}
  first: {year}-01-01
  last: {year + 4}-12-31
  known_until: {year - 1}-12-31
  study: s
  seed: 7
  trials: {{wanted: 200, complete: {complete}, pruned: {pruned}, failed: 3}}
  rival: vix
  chosen: {{}}
  best: {{}}
  within: 1
  plateau: {{}}
  design:
    labels: {{EpisodeLabels: {{}}}}
    model: {{core: [positioning_vix]}}
"""
    )


def test_a_named_ledger_that_does_not_exist_is_an_error(settings, tmp_path):
    with pytest.raises(
        MissingDataError, match=r"ledger: .*trials\.csv: no such file; name the table of trials"
    ):
        read_trial_ledger(replace(settings, ledger=str(tmp_path / "trials.csv")))


@pytest.mark.parametrize("text", ["question\na\n", "trial\n1\n1\n", "trial\na\n", "trial\n1.5\n"])
def test_a_table_without_a_column_of_trials_is_refused(settings, ledger, text):
    (ledger / "ledger.csv").write_text(text)
    with pytest.raises(
        InvalidDataError, match="needs a column `trial` of whole numbers, each once"
    ):
        read_trial_ledger(replace(settings, ledger=str(ledger)))


def test_damaged_files_are_named(settings, ledger):
    (ledger / "returns" / "0003.parquet").write_bytes(b"not parquet")
    with pytest.raises(InvalidDataError, match=r"0003\.parquet: not a parquet file"):
        read_trial_ledger(replace(settings, ledger=str(ledger)))
    pd.DataFrame({"a": [1.0], "b": [2.0]}).to_parquet(ledger / "returns" / "0003.parquet")
    with pytest.raises(
        InvalidDataError, match=r"0003\.parquet: needs one column of daily returns by date"
    ):
        read_trial_ledger(replace(settings, ledger=str(ledger)))
    (ledger / "ledger.csv").write_text("")
    with pytest.raises(InvalidDataError, match=r"ledger\.csv: not a csv"):
        read_trial_ledger(replace(settings, ledger=str(ledger)))

"""Runs on a folder of files.

Equal to the source they came from, causal, and whole without what is optional.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from regime.cli import main
from regime.pipeline.settings import settings_of
from regime.sources.file_source import FileSource

CUT = pd.Timestamp("2013-03-15")


def rewrite(path: Path, change) -> None:
    """Change the table of one file."""
    table = change(pd.read_csv(path, dtype=str))
    table.to_csv(path, index=False)


def test_files_give_bit_for_bit_what_the_simulated_market_gives(command, whole_run):
    answer = command(
        "run",
        "demo.yaml",
        "source.SimulatedSource.years=8",
        "splits.first_test=2012-01-01",
        "splits.refit_months=12",
        "model.seeds=1",
        "parallel.jobs=1",
        "tracking=NullTracker",
    )
    assert answer.code == 0
    for name in ("probabilities", "exposure"):
        pd.testing.assert_frame_equal(answer.frame(name), whole_run.frame(name), check_exact=True)
    assert answer.summary["scores"] == whole_run.summary["scores"]


def test_a_folder_replaces_the_simulated_source_and_the_summary_has_its_hash(
    simulated_folder, command, whole_run
):
    assert isinstance(settings_of("demo.yaml", (), simulated_folder).source, FileSource)
    answer = command(
        "run",
        "demo.yaml",
        "--data",
        simulated_folder,
        "splits.first_test=2012-01-01",
        "splits.refit_months=12",
        "model.seeds=1",
        "parallel.jobs=1",
        "tracking=NullTracker",
    )
    assert answer.summary["data"]["hash"] == whole_run.summary["data"]["hash"]
    pd.testing.assert_frame_equal(
        answer.frame("probabilities"), whole_run.frame("probabilities"), check_exact=True
    )


def test_a_folder_that_ends_earlier_gives_the_same_past(run_folder, own_folder, whole_run):
    for path in own_folder.rglob("*.csv"):
        rewrite(path, lambda table: table[table["date"] <= f"{CUT:%Y-%m-%d}"])
    answer = run_folder()
    assert answer.code == 0 and answer.summary["data"]["last"] == f"{CUT:%Y-%m-%d}"
    for name in ("probabilities", "exposure"):
        pd.testing.assert_frame_equal(
            answer.frame(name), whole_run.frame(name).loc[:CUT], check_exact=True
        )


def test_the_same_command_works_on_later_dates(command, own_folder):
    later = pd.DateOffset(years=28)  # the calendar repeats, weekday by weekday
    for path in own_folder.rglob("*.csv"):
        rewrite(
            path,
            lambda table: table.assign(
                date=(pd.to_datetime(table["date"]) + later).dt.strftime("%Y-%m-%d")
            ),
        )
    answer = command(
        "run",
        "us_macro.yaml",
        "--data",
        own_folder,
        "--json",
        "tracking=NullTracker",
        "parallel.jobs=1",
    )
    assert answer.code == 0
    summary = json.loads(answer.stdout)
    assert summary["data"]["last"] == "2041-12-31" == summary["out_of_sample"]["last"]
    assert (
        summary["out_of_sample"]["first"]
        == f"{answer.frame('probabilities').index[0]:%Y-%m-%d}"
        >= "2038"
    )
    assert answer.frame("probabilities").notna().all(axis=None)


def test_missing_optional_series_are_named_and_the_run_goes_on(run_folder, own_folder, whole_run):
    (own_folder / "prices/^SKEW.csv").unlink()
    (own_folder / "prices/^VVIX.csv").write_text("")
    rewrite(own_folder / "macro/MOVE.csv", lambda table: table.iloc[:-60])
    rewrite(
        own_folder / "prices/^VIX3M.csv",
        lambda table: table.assign(
            close=table["close"].where(table["date"] != "2012-06-15", "99999")
        ),
    )
    answer = run_folder()
    assert (answer.code, answer.stderr) == (0, "")
    series = answer.summary["data"]["series"]
    assert [series[name]["verdict"] for name in ("skew", "vvix", "move", "vix3m")] == [
        "absent",
        "empty",
        "stale",
        "ok",
    ]
    assert (
        series["vix3m"]["refused"] == 1
        and "2012-06-15: `close` 99999 is outside" in series["vix3m"]["note"]
    )
    assert "Missing or stale: " in answer.stdout and "Values refused: vix3m (1)" in answer.stdout
    for name in ("skew", "vvix", "move"):
        assert name in answer.stdout
    page = (answer.out / "report.html").read_text(encoding="utf-8")
    assert "skew: no file prices/^SKEW.csv" in page and "2012-06-15: `close` 99999" in page
    assert answer.frame("probabilities").index.equals(whole_run.frame("probabilities").index)


def test_columns_depend_on_the_config_alone(simulated_folder, own_folder, tmp_path):
    for name in ("prices/^SKEW.csv", "macro/SOFR.csv", "prices/BTC-USD.csv"):
        (own_folder / name).unlink()
    whole, spoilt = tmp_path / "whole.parquet", tmp_path / "spoilt.parquet"
    for folder, out in ((simulated_folder, whole), (own_folder, spoilt)):
        assert (
            main(["features", "us_macro.yaml", "--data", str(folder), "--out", str(out), "--quiet"])
            == 0
        )
    before, after = pd.read_parquet(whole), pd.read_parquet(spoilt)
    assert list(after.columns) == list(before.columns) and (after.dtypes == np.float64).all()
    gone = {
        "positioning_skew_deviation_252",
        "liquidity_funding_spread_252",
        "cross_asset_bitcoin_drawdown_63",
    }
    assert after[sorted(gone)].isna().all(axis=None) and before[sorted(gone)].notna().any().all()


def test_evaluate_gives_a_run_its_own_scores(command, simulated_folder, whole_run):
    answer = command(
        "evaluate",
        whole_run.out / "probabilities.parquet",
        "--data",
        simulated_folder,
        "--json",
        "splits.first_test=2012-01-01",
        "splits.refit_months=12",
    )
    assert answer.code == 0
    summary = json.loads(answer.stdout)
    assert summary == answer.summary
    for key in ("schema_version", "scores", "events"):
        assert summary[key] == whole_run.summary[key]


def test_a_list_of_episodes_reaches_the_scores_and_nothing_else(run_folder, whole_run, tmp_path):
    path = tmp_path / "episodes.csv"
    path.write_text(
        "name,start,trough,end,counts\na,2012-03-01,2012-05-01,2012-07-01,1\n"
        "b,2013-04-01,2013-05-15,,1\nc,2010-02-01,2010-06-01,2010-09-01,1\n"
    )
    answer = run_folder("--episodes", path)
    assert answer.code == 0 and answer.summary["scores"] != whole_run.summary["scores"]
    for name in ("probabilities.parquet", "exposure.parquet"):
        assert (answer.out / name).read_bytes() == (whole_run.out / name).read_bytes()


@pytest.mark.parametrize(
    "change",
    [
        ("source.SimulatedSource.seed=8",),
        ("labels.EpisodeLabels.depth=1.5",),
        ("model.penalty=300",),
    ],
)
def test_what_is_overridden_is_what_runs(command, whole_run, change):
    answer = command(
        "run",
        "demo.yaml",
        "source.SimulatedSource.years=8",
        "splits.first_test=2012-01-01",
        "splits.refit_months=12",
        "model.seeds=1",
        "parallel.jobs=1",
        "tracking=NullTracker",
        *change,
    )
    assert answer.code == 0
    assert not answer.frame("probabilities").equals(whole_run.frame("probabilities"))

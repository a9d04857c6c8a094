"""The main job on the real folder.

It ends, is causal to the bit, and takes the folder as it comes.
"""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import regime
from regime.cli import main
from regime.config import find_config
from regime.evaluation.scores import ranking_scores
from regime.evaluation.truth import truth_from_episodes
from regime.models.baselines import rule_of_thumb_scores
from regime.parallel import NoProgress
from regime.pipeline.market_data import read_market_data
from regime.pipeline.settings import load_settings
from regime.sources.catalogue import load_catalogue
from regime.workflows.evaluate import evaluate
from regime.workflows.features import build_features
from regime.workflows.run import RunResult

pytestmark = pytest.mark.real

QUICK = (
    "splits.first_test=2022-01-01",
    "splits.refit_months=12",
    "model.seeds=1",
    "parallel.jobs=1",
    "tracking=NullTracker",
)
TABLES = ("probabilities.parquet", "exposure.parquet")
# Average precision of raw scores, sessions 2005 to 2024, printed by the project's independent
# scorer.
REFERENCE_PRECISIONS = {
    "vix": 0.439,
    "drawdown_252": 0.396,
    "below_200dma": 0.461,
    "realised_vol": 0.324,
    "downside_rank": 0.601,
}


def same(rows: list[str], date: int) -> list[str]:
    return rows


def until(last: str) -> Callable[[list[str], int], list[str]]:
    """Keep the rows up to a date."""
    return lambda rows, date: [row for row in rows if row.split(",", date + 1)[date] <= last]


def in_later_years(rows: list[str], date: int) -> list[str]:
    """Move every date by 28 years, after which the calendar repeats itself weekday by weekday."""
    fields = [row.split(",") for row in rows]
    return [
        ",".join([*row[:date], str(int(row[date][:4]) + 28) + row[date][4:], *row[date + 1 :]])
        for row in fields
    ]


def copied(folder: Path, to: Path, change: Callable[[list[str], int], list[str]]) -> Path:
    """The files that the run reads, their rows changed.

    Rows are passed with the position of their date.
    """
    catalogue = load_catalogue().only(load_settings("us_macro.yaml").series)
    for path in {part.path for spec in catalogue.series.values() for part in spec.parts}:
        if (folder / path).is_file():
            header, *rows = (folder / path).read_text(encoding="utf-8-sig").splitlines()
            (to / path).parent.mkdir(parents=True, exist_ok=True)
            (to / path).write_text(
                "\n".join([header, *change(rows, header.split(",").index("date"))]) + "\n"
            )
    return to


def run(folder: Path, out: Path, episodes: Path | None = None, *overrides: str) -> RunResult:
    return regime.run(
        "us_macro.yaml", data=folder, out=out, episodes=episodes, overrides=[*QUICK, *overrides]
    )


@pytest.fixture(scope="module")
def episodes(real_data: Path) -> Path:
    path = real_data.parent / "episodes.csv"
    if not path.is_file():
        pytest.fail(f"{path}: the list of episodes must lie beside the data folder")
    return path


@pytest.fixture(scope="module")
def result(real_data: Path, episodes: Path, tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    return run(real_data, tmp_path_factory.mktemp("real") / "out", episodes)


@pytest.fixture(scope="module")
def sessions(real_data: Path) -> pd.DatetimeIndex:
    """Dates of the market series, read without the package."""
    dates = pd.read_csv(real_data / "prices" / "^GSPC.csv", usecols=["date"], parse_dates=["date"])[
        "date"
    ]
    return pd.DatetimeIndex(dates, name="date")


@pytest.fixture(scope="module")
def features(real_data: Path) -> pd.DataFrame:
    return build_features("us_macro.yaml", data=real_data)


def test_the_run_covers_exactly_the_sessions_of_the_market(result, sessions):
    expected = sessions[sessions >= "2022-01-01"]
    for name, columns in zip(TABLES, (list(regime.REGIMES), ["exposure"]), strict=True):
        frame = pd.read_parquet(result.out / name)
        assert (
            list(frame.index) == list(expected)
            and frame.index.name == "date"
            and frame.index.tz is None
        )
        assert list(frame.columns) == columns and (frame.dtypes == np.float64).all()
        assert frame.notna().all(axis=None)
    assert (result.probabilities.sum(axis=1) - 1).abs().max() < 1e-9


def test_now_is_the_last_session_of_the_folder_and_nothing_required_is_missing(result, sessions):
    data = json.loads((result.out / "summary.json").read_text())["data"]
    assert data["last"] == f"{sessions[-1]:%Y-%m-%d}" == result.summary["out_of_sample"]["last"]
    assert {data["series"][name]["verdict"] for name in ("sp500", "spy", "vix", "dgs3mo")} == {"ok"}
    assert set(data["series"]) == set(load_settings("us_macro.yaml").series)


def test_every_baseline_is_scored(result):
    scores = result.summary["scores"]
    assert set(REFERENCE_PRECISIONS) <= set(scores["baselines"])
    for row in (scores["model"], *scores["baselines"].values()):
        assert all(
            np.isfinite(row[key]) for key in ("log_loss", "brier", "average_precision", "auc")
        )


def test_the_list_of_episodes_reaches_the_evaluation_only(real_data, episodes, result, tmp_path):
    table = pd.read_csv(episodes, dtype=str)
    for column in ("start", "trough", "end"):
        table[column] = (pd.to_datetime(table[column]) - pd.Timedelta(days=91)).dt.strftime(
            "%Y-%m-%d"
        )
    table.assign(name="x").to_csv(tmp_path / "renamed.csv", index=False)
    others = {
        "shifted": run(real_data, tmp_path / "shifted", tmp_path / "renamed.csv"),
        "none": run(real_data, tmp_path / "none"),
    }
    for name, other in others.items():
        assert other.summary["scores"]["model"] != result.summary["scores"]["model"], name
        for table_name in TABLES:
            assert (other.out / table_name).read_bytes() == (
                result.out / table_name
            ).read_bytes(), name


@pytest.mark.parametrize("last", ["1998-08-31", "2008-09-15", "2020-03-16"])
def test_features_of_a_cut_folder_equal_those_of_the_whole_bit_for_bit(
    real_data, features, tmp_path, last
):
    cut = build_features("us_macro.yaml", data=copied(real_data, tmp_path, until(last)))
    assert f"{cut.index[-1]:%Y-%m-%d}" == last
    pd.testing.assert_frame_equal(cut, features.loc[:last], check_exact=True, check_freq=False)


def test_probabilities_and_exposure_of_a_cut_folder_equal_those_of_the_whole(
    real_data, episodes, result, tmp_path
):
    folder = copied(real_data, tmp_path / "data", until("2023-10-27"))
    cut = run(folder, tmp_path / "out", episodes)
    pd.testing.assert_frame_equal(
        cut.probabilities,
        result.probabilities.loc[:"2023-10-27"],
        check_exact=True,
        check_freq=False,
    )
    pd.testing.assert_series_equal(
        cut.exposure, result.exposure.loc[:"2023-10-27"], check_exact=True, check_freq=False
    )


def test_the_same_command_works_on_later_dates(real_data, result, tmp_path, capsys):
    folder = copied(real_data, tmp_path / "data", in_later_years)
    quick = [text.replace("2022", "2050") for text in QUICK]
    assert (
        main(
            [
                "run",
                "us_macro.yaml",
                "--data",
                str(folder),
                "--out",
                str(tmp_path / "out"),
                "--json",
                *quick,
            ]
        )
        == 0
    )
    summary = json.loads(capsys.readouterr().out)
    assert (
        summary["data"]["last"]
        == str(int(result.summary["data"]["last"][:4]) + 28) + result.summary["data"]["last"][4:]
    )
    assert summary["out_of_sample"]["days"] == result.summary["out_of_sample"]["days"]


def test_evaluate_gives_the_run_its_own_scores(real_data, episodes, result):
    summary = evaluate(
        result.out / "probabilities.parquet", data=real_data, episodes=episodes, overrides=QUICK
    )
    for key in ("scores", "events"):
        assert summary[key] == result.summary[key]


def test_the_saved_model_scores_the_last_session_of_the_folder(result, features):
    model = regime.load_model(result.out / "bundle")
    golden = json.loads((result.out / "bundle" / "golden.json").read_text())["probabilities"]
    shuffled = features[list(features.columns[::-1])].iloc[-len(golden) :]
    np.testing.assert_allclose(model.predict_proba(shuffled), golden, rtol=0, atol=1e-9)


def test_baselines_of_the_workflow_rank_as_in_the_independent_scorer(real_data, episodes):
    market_data = read_market_data(load_settings("us_macro.yaml"), real_data, NoProgress())
    scores = rule_of_thumb_scores(
        market_data.close, market_data.returns, market_data.panel.values["vix"]
    )
    truth = truth_from_episodes(episodes, market_data.sessions)
    table = ranking_scores(truth, {name: scores[name].loc["2005":"2024"] for name in scores})
    for name, precision in REFERENCE_PRECISIONS.items():
        assert table.loc[name, "average_precision"] == pytest.approx(precision, abs=0.01), name


def test_faults_of_real_files_come_together_and_optional_ones_do_not_stop(
    real_data, tmp_path, capsys
):
    folder = copied(real_data, tmp_path / "data", same)
    (folder / "prices/^SKEW.csv").unlink()
    (folder / "macro/SOFR.csv").write_text("")
    out = tmp_path / "features.parquet"
    command = ["features", "us_macro.yaml", "--data", str(folder), "--out", str(out)]
    assert main(command) == 0
    table = pd.read_parquet(out)
    assert (
        table["positioning_skew_deviation_252"].isna().all()
        and table["positioning_vix"].notna().any()
    )
    out.unlink()
    (folder / "prices/SPY.csv").unlink()
    (folder / "macro/MOVE.csv").write_text("<html>")
    (folder / "prices/^VIX.csv").write_text(
        (folder / "prices/^VIX.csv").read_text().replace("82.69", "eighty")
    )
    capsys.readouterr()
    assert main(command) == 4 and not out.exists()
    error = capsys.readouterr().err
    assert error.startswith("regime: error: 3 faults:") and "`eighty` is no number" in error
    assert all(
        path in error for path in ("prices/SPY.csv", "macro/MOVE.csv", "prices/^VIX.csv: line ")
    )


def test_the_demo_config_takes_the_folder_too(real_data, tmp_path, capsys):
    out = tmp_path / "features.parquet"
    assert (
        main(
            ["features", str(find_config("demo.yaml")), "--data", str(real_data), "--out", str(out)]
        )
        == 0
    )
    assert pd.read_parquet(out).index[0] >= pd.Timestamp("2006-01-02")

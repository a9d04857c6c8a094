"""The demo as a stranger meets it: one command, its files, its saved model, its record."""

import json
import math
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest

import regime
from regime.cli import main
from regime.migrations import SCHEMA_VERSION
from regime.schema import REGIMES
from regime.sources.simulated import SimulatedSource

SMALL = [
    "source.SimulatedSource.years=9",
    "splits.first_test=2012-01-01",
    "splits.refit_months=12",
    "model.seeds=1",
]
BASELINES = {
    "base_rate",
    "persistence",
    "vix",
    "drawdown_252",
    "below_200dma",
    "realised_vol",
    "downside_rank",
    "elastic_net",
    "online_jump",
}
COMMAND = "import sys; from regime.cli import main; sys.exit(main(sys.argv[1:]))"
LOAD = """
import json, sys
import numpy as np
import regime
model = regime.load_model(sys.argv[1])
golden = json.loads(open(sys.argv[1] + "/golden.json").read())
rows = reversed(golden["columns"].items())
columns = {name: np.array(values, dtype=float) for name, values in rows}
answer = model.predict_proba(columns)
assert not {"mlflow", "vectorbt", "regime.schema", "regime.config"} & set(sys.modules)
difference = np.abs(answer - np.array(golden["probabilities"])).max()
print(json.dumps([list(model.regimes), difference, len(answer)]))
"""


class Demo(NamedTuple):
    """One run of the command: where it stood, what it wrote and what it printed."""

    folder: Path
    out: Path
    stdout: str
    stderr: str

    @property
    def summary(self) -> dict[str, Any]:
        """The object of summary.json, read strictly."""

        def refuse(constant: str) -> None:
            raise AssertionError(f"summary.json holds {constant}")

        return json.loads(
            (self.out / "summary.json").read_text(encoding="utf-8"), parse_constant=refuse
        )

    def frame(self, name: str) -> pd.DataFrame:
        """One of the two tables."""
        return pd.read_parquet(self.out / f"{name}.parquet")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """The command in a process of its own, config left out."""
    folder = tmp_path_factory.mktemp("demo")
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, "run", "--out", "out", "--json", *SMALL],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return Demo(folder, folder / "out", done.stdout, done.stderr)


@pytest.fixture(scope="module", autouse=True)
def mlflow_page(demo: Demo) -> Iterator[str]:
    """Address of `mlflow ui` on the demo's database.

    Begun before the other tests, for it is slow to answer.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "mlflow",
            "ui",
            "--backend-store-uri",
            f"sqlite:///{demo.folder / 'mlruns/mlflow.db'}",
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
            "--workers",
            "1",
        ],
        cwd=demo.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
    )  # spares it twenty helpers
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)


@pytest.fixture
def inside(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the demo ran, as working directory."""
    monkeypatch.chdir(demo.folder)
    return demo.folder


def test_standard_output_is_the_summary_and_nothing_else(demo: Demo) -> None:
    assert demo.stdout.count("\n") == 1 and demo.stderr == ""
    assert json.loads(demo.stdout) == demo.summary


@pytest.mark.parametrize(
    ("name", "columns"), [("probabilities", list(REGIMES)), ("exposure", ["exposure"])]
)
def test_tables_have_every_session_and_no_gap(demo: Demo, name: str, columns: list[str]) -> None:
    frame, sessions = demo.frame(name), SimulatedSource(seed=7, years=9).sessions
    assert list(frame.columns) == columns and (frame.dtypes == np.float64).all()
    assert (
        isinstance(frame.index, pd.DatetimeIndex)
        and frame.index.name == "date"
        and frame.index.tz is None
    )
    assert list(frame.index) == list(sessions[sessions >= "2012-01-01"])
    assert frame.notna().all(axis=None) and ((frame >= 0) & (frame <= 1)).all(axis=None)
    if name == "probabilities":
        assert (frame.sum(axis=1) - 1).abs().max() < 1e-9


def test_summary_has_the_promised_keys(demo: Demo) -> None:
    summary = demo.summary
    assert summary["schema_version"] == SCHEMA_VERSION
    assert {
        "config",
        "data",
        "out_of_sample",
        "scores",
        "events",
        "backtest",
        "audit",
        "skill_gate",
        "significance",
        "sensitivity",
        "calibration",
        "stress",
        "bundle",
        "mlflow_run_id",
        "report",
        "seconds",
    } <= set(summary)
    assert set(summary["data"]) == {"first", "last", "series", "hash"}
    assert {"verdict", "last", "refused", "note"} == set(summary["data"]["series"]["sp500"])
    assert set(summary["backtest"]) == {"strategy", "benchmarks"}
    assert set(summary["backtest"]["benchmarks"]) == {"buy_and_hold", "200dma", "vol_target_12"}
    assert summary["config"] == "configs/demo.yaml" and summary["seconds"] > 0
    days = demo.frame("probabilities").index
    assert summary["out_of_sample"] == {
        "first": f"{days[0]:%Y-%m-%d}",
        "last": f"{days[-1]:%Y-%m-%d}",
        "days": len(days),
        "refits": 3,
    }
    for key in ("bundle", "report"):
        assert (demo.folder / summary[key]).exists()


def test_scores_of_model_and_baselines_are_whole_and_agree_with_each_other(demo: Demo) -> None:
    scores = demo.summary["scores"]
    assert {"model", "baselines", "best_baseline", "skill", "interval"} <= set(scores)
    assert set(scores["baselines"]) == BASELINES
    for row in (scores["model"], *scores["baselines"].values()):
        assert all(
            math.isfinite(row[key]) for key in ("log_loss", "brier", "average_precision", "auc")
        )
    losses = {name: row["log_loss"] for name, row in scores["baselines"].items()}
    assert scores["best_baseline"] == min(losses, key=losses.__getitem__)
    assert scores["skill"] == pytest.approx(
        1 - scores["model"]["log_loss"] / min(losses.values()), abs=1e-12
    )
    low, high = scores["interval"]
    assert low < scores["skill"] < high
    # The simulated regimes can be predicted.
    assert scores["model"]["log_loss"] < losses["base_rate"]


def test_events_are_counted_for_the_model_and_its_best_baseline(demo: Demo) -> None:
    events = demo.summary["events"]
    assert set(events) == {"model", demo.summary["scores"]["best_baseline"]}
    assert all(
        {"spells", "caught", "median_lag", "false_alarms_per_year"} <= set(row)
        for row in events.values()
    )


def test_nothing_is_left_lying_about(demo: Demo) -> None:
    assert {path.name for path in demo.folder.iterdir()} == {"out", "mlruns"}
    assert {path.name for path in demo.out.iterdir()} == {
        "probabilities.parquet",
        "exposure.parquet",
        "summary.json",
        "report.html",
        "bundle",
        "page",
    }


def test_a_second_run_repeats_the_first_and_ends_with_the_table_and_the_path_of_the_report(
    demo: Demo, inside: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "demo.yaml", "--out", "again", *SMALL]) == 0
    out, err = capsys.readouterr()
    for part in (
        "This model",
        "Elastic-net logistic",
        "Buy and hold",
        demo.summary["scores"]["verdict"][:40],
        f"Report: {Path('again') / 'report.html'}",
        "MLflow run: ",
    ):
        assert part in out, part
    assert err == ""
    for name in ("probabilities.parquet", "exposure.parquet"):
        assert (inside / "again" / name).read_bytes() == (demo.out / name).read_bytes()


def test_python_gives_what_the_command_gives_whatever_the_number_of_processes(
    demo: Demo, inside: Path
) -> None:
    from regime.parallel import NoProgress

    result = regime.run(
        "demo.yaml",
        out="python",
        progress=NoProgress(),
        overrides=[*SMALL, "parallel.jobs=1", "tracking=NullTracker"],
    )
    assert isinstance(result, regime.RunResult) and result.out == Path("python")
    pd.testing.assert_frame_equal(
        result.probabilities, demo.frame("probabilities"), check_exact=True, check_freq=False
    )
    pd.testing.assert_series_equal(
        result.exposure, demo.frame("exposure")["exposure"], check_exact=True, check_freq=False
    )
    theirs, mine = demo.summary, json.loads((inside / "python" / "summary.json").read_text())
    for key in ("data", "out_of_sample", "scores", "events", "backtest", "rule"):
        assert mine[key] == theirs[key] == json.loads(json.dumps(result.summary[key])), key
    assert result.summary["mlflow_run_id"] is None


def test_the_saved_model_gives_its_golden_probabilities_in_a_clean_process(demo: Demo) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(demo.out / "bundle")],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    names, difference, rows = json.loads(done.stdout)
    assert tuple(names) == REGIMES and difference < 1e-9 and rows >= 10


def test_the_saved_model_scores_the_features_command_as_the_run_did(
    demo: Demo, inside: Path
) -> None:
    assert main(["features", "demo.yaml", "--out", "features.parquet", "--quiet", *SMALL]) == 0
    features = pd.read_parquet("features.parquet")
    assert (features.dtypes == np.float64).all() and 40 <= features.shape[1] <= 60
    assert features.index.name == "date" and features.index[-1] == demo.frame("exposure").index[-1]
    golden = json.loads((demo.out / "bundle" / "golden.json").read_text())
    rows = len(golden["probabilities"])
    answer = regime.load_model(demo.out / "bundle").predict_proba(features.iloc[-rows:])
    np.testing.assert_allclose(answer, golden["probabilities"], rtol=0, atol=1e-9)


def test_the_run_is_recorded_whole(demo: Demo) -> None:
    from mlflow.tracking import MlflowClient

    uri = f"sqlite:///{demo.folder / 'mlruns' / 'mlflow.db'}"
    client, summary = MlflowClient(uri, uri), demo.summary
    run = client.get_run(summary["mlflow_run_id"])
    assert run.info.status == "FINISHED"
    assert (
        run.data.params["splits.refit_months"] == "12"
        and run.data.tags["data_hash"] == summary["data"]["hash"]
    )
    assert run.data.metrics["skill"] == summary["scores"]["skill"]
    assert (
        run.data.metrics["baseline.vix.log_loss"]
        == summary["scores"]["baselines"]["vix"]["log_loss"]
    )
    assert (
        run.data.metrics["significance.deflated_sharpe"]
        == summary["significance"]["rule"]["deflated_sharpe"]
    )
    assert run.data.tags["skill_gate"] == summary["skill_gate"]["text"]
    stored = {item.path for item in client.list_artifacts(run.info.run_id)}
    assert {
        "summary.json",
        "report.html",
        "probabilities.parquet",
        "exposure.parquet",
        "bundle",
        "model",
    } <= stored
    (version, *_) = client.search_model_versions("name='deleveraging-demo'")
    assert version.run_id


def test_the_registered_model_answers_with_the_four_regimes(
    demo: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow

    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{demo.folder / 'mlruns' / 'mlflow.db'}")
    mlflow.set_tracking_uri(None)
    golden = json.loads((demo.out / "bundle" / "golden.json").read_text())
    frame = pd.DataFrame(
        {name: np.array(values, dtype=float) for name, values in golden["columns"].items()}
    )
    answer = mlflow.pyfunc.load_model("models:/deleveraging-demo/1").predict(frame)
    assert list(answer.columns) == list(REGIMES)
    np.testing.assert_allclose(answer.to_numpy(), golden["probabilities"], rtol=0, atol=1e-9)


def test_mlflow_shows_the_runs(mlflow_page: str) -> None:
    assert b"MLflow" in _get(mlflow_page)
    names = _get(f"{mlflow_page}ajax-api/2.0/mlflow/experiments/search?max_results=10")
    assert "deleveraging-demo" in {item["name"] for item in json.loads(names)["experiments"]}


def _get(url: str, seconds: float = 120) -> bytes:
    """Body of a page of a server that may still be starting."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    begun = time.monotonic()
    while True:
        try:
            return direct.open(url, timeout=5).read()
        except OSError:
            assert time.monotonic() - begun < seconds, f"no answer from {url}"
            time.sleep(0.2)

"""Commands hand their arguments to one workflow, and print its answer."""

import json
from pathlib import Path
from typing import Any

import pytest

from regime.cli import main
from regime.parallel import NoProgress

Capture = pytest.CaptureFixture[str]


def test_run_passes_everything_on(straw: Any, tmp_path: Path) -> None:
    options = ["--data", str(tmp_path), "--out", "out", "--episodes", "e.csv", "--quiet"]
    assert main(["run", "us.yaml", "splits.embargo=10", *options, "model.trees=5"]) == 0
    ((name, arguments, keywords),) = straw.calls
    assert (name, arguments) == ("run", ("us.yaml",))
    assert isinstance(keywords.pop("progress"), NoProgress)
    assert keywords == {
        "data": tmp_path,
        "out": Path("out"),
        "episodes": Path("e.csv"),
        "overrides": ["splits.embargo=10", "model.trees=5"],
    }


@pytest.mark.parametrize(
    ("arguments", "config", "overrides"),
    [
        ([], "configs/demo.yaml", []),
        (["a=1"], "configs/demo.yaml", ["a=1"]),
        (["a=1", "us.yaml"], "us.yaml", ["a=1"]),
    ],
)
def test_the_config_may_be_left_out_or_stand_anywhere(
    straw: Any, arguments: list[str], config: str, overrides: list[str]
) -> None:
    assert main(["run", *arguments]) == 0
    assert straw.calls[0][1] == (config,) and straw.calls[0][2]["overrides"] == overrides


def test_a_file_with_an_equals_sign_in_its_name_is_a_config(straw: Any, tmp_path: Path) -> None:
    path = tmp_path / "penalty=50.yaml"
    path.write_text("seed: 7\n")
    assert main(["run", str(path), "a=1"]) == 0
    assert straw.calls[0][1] == (str(path),) and straw.calls[0][2]["overrides"] == ["a=1"]


def test_json_is_one_line_of_the_summary_and_nothing_else(straw: Any, capsys: Capture) -> None:
    straw.act = lambda options: print("a library talks")
    assert main(["run", "--json"]) == 0
    out, err = capsys.readouterr()
    assert out.endswith("\n") and out.count("\n") == 1
    parsed = json.loads(out)
    assert list(parsed) == ["schema_version", *straw.summary] and parsed["schema_version"] == 2
    assert parsed["scores"]["baselines"]["base_rate"]["auc"] is None
    assert "a library talks" in err


def test_run_ends_with_tables_verdict_and_the_path_of_the_report(
    straw: Any, capsys: Capture
) -> None:
    assert main(["run"]) == 0
    out = capsys.readouterr().out
    for part in (
        "VIX (best baseline)",
        "0.3100",
        "7/11",
        "Buy and hold",
        "does not beat the best baseline (VIX)",
        "Report: out/report.html",
        "Saved model: out/bundle",
        "Missing or stale: move",
        "5,033 sessions, 40 refits",
    ):
        assert part in out, part


def test_features_names_the_file(straw: Any, capsys: Capture) -> None:
    assert main(["features", "demo.yaml", "--data", "d", "--out", "f.parquet", "a=1"]) == 0
    ((name, arguments, keywords),) = straw.calls
    assert (name, arguments) == ("build_features", ("demo.yaml",))
    assert keywords.pop("progress") is not None
    assert keywords == {
        "data": Path("d"),
        "out": Path("f.parquet"),
        "overrides": ["a=1"],
        "mechanisms": False,
    }
    assert capsys.readouterr().out == "Features: f.parquet\n"


def test_evaluate_scores_a_file(straw: Any, capsys: Capture) -> None:
    straw.summary = {"scores": straw.summary["scores"], "events": straw.summary["events"]}
    assert (
        main(
            ["evaluate", "p.parquet", "--data", "d", "--episodes", "e.csv", "--out", "o", "--json"]
        )
        == 0
    )
    ((name, arguments, keywords),) = straw.calls
    assert (name, arguments) == ("evaluate", (Path("p.parquet"),))
    assert keywords.pop("progress") is not None
    assert keywords == {
        "data": Path("d"),
        "episodes": Path("e.csv"),
        "out": Path("o"),
        "config": "configs/us_macro.yaml",
        "overrides": [],
    }
    assert set(json.loads(capsys.readouterr().out)) == {"schema_version", "scores", "events"}
    assert main(["evaluate", "p.parquet", "--data", "d", "own.yaml", "splits.refit_months=12"]) == 0
    assert "This model" in capsys.readouterr().out
    assert straw.calls[1][2]["config"] == "own.yaml"
    assert straw.calls[1][2]["overrides"] == ["splits.refit_months=12"]


def test_config_show_prints_yaml_with_the_files_it_came_from(
    straw: Any, capsys: Capture, tmp_path: Path
) -> None:
    import yaml

    (tmp_path / "base.yaml").write_text("seed: 3\n")
    (tmp_path / "own.yaml").write_text("extends: base.yaml\n")
    path = str(tmp_path / "own.yaml")
    assert main(["config", "show", path, "seed=7"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[:2] == [f"# {path} over {tmp_path / 'base.yaml'}", "# seed=7"]
    assert yaml.safe_load(out) == {"model": {"trees": 150}, "seed": 7}
    assert straw.calls == [("load_settings", (path, ["seed=7"]), {})]


def test_config_show_gives_json_too(straw: Any, capsys: Capture, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("seed: 7\n")
    path = str(tmp_path / "own.yaml")
    assert main(["config", "show", path, "--json"]) == 0
    content = {"model": {"trees": 150}, "seed": 7}
    assert json.loads(capsys.readouterr().out) == {
        "schema_version": 2,
        "files": [path],
        "overrides": [],
        "config": content,
    }


def test_config_show_of_a_config_that_is_not_there(straw: Any, capsys: Capture) -> None:
    assert main(["config", "show", "nowhere.yaml"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and "nowhere.yaml: no such config" in err

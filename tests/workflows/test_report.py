"""`regime report` on what version 1 wrote: golden files of that version, drawn by this one."""

import json
import shutil
from pathlib import Path

import pytest

from regime.cli import main
from regime.report.content import load_content, save_content
from regime.report.page import render

GOLDEN = Path(__file__).parents[1] / "golden" / "v1"


@pytest.fixture
def old_run(tmp_path: Path) -> Path:
    """A writable copy of an output folder of version 1."""
    return Path(shutil.copytree(GOLDEN / "run", tmp_path / "run"))


def test_the_page_of_an_output_folder_of_version_1_is_drawn(
    old_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(old_run), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer == {"schema_version": 2, "report": str(old_run / "report.html")}
    page = (old_run / "report.html").read_text(encoding="utf-8")
    for part in (
        "baselines",
        "significance",
        "sensitivity",
        "calibration",
        "simulation",
        "limitations",
        "episodes",
        "mechanism-pension",
    ):
        assert f'id="{part}"' in page, part
    assert 'data-figure="skill-over-baselines"' in page
    assert 'data-figure="simulation-prices"' in page


def test_a_page_of_version_1_becomes_one_of_this_version_without_loss(
    old_run: Path, tmp_path: Path
) -> None:
    content = load_content(old_run / "page")
    assert list(content.stress) == ["delays", "costs", "break_even"]
    assert content.stress["break_even"].index.name == "benchmark"
    assert [section.key for section in content.sections][1:] == [
        "calibration",
        "significance",
        "sensitivity",
    ]
    assert content.summary["schema_version"] == 2 and "significance" in content.summary
    save_content(content, tmp_path / "again")
    again = json.loads((tmp_path / "again" / "content.json").read_text(encoding="utf-8"))
    assert list(again) == ["schema_version", "frames", "content"] and again["schema_version"] == 2
    assert render(load_content(tmp_path / "again")) == render(content)


def test_a_saved_page_of_version_1_comes_back_with_its_values() -> None:
    content = load_content(GOLDEN / "page")
    assert content.baselines["vix"].tolist() == [0.1, 0.5]
    assert content.member_range["high"].tolist() == [0.2, 0.7]
    assert content.exposure.tolist() == [1.0, 0.4] and content.exposure.name == "exposure"
    assert content.limitations == ("It does not foresee.",)
    assert content.truth.empty and content.equity.empty and content.simulation is None
    (section,) = content.sections
    assert (section.key, section.figure) == ("significance", None)
    assert section.tables[0].rows[0].leads == frozenset({0})
    assert content.summary["significance"]["skill"] == {"best_baseline": "vix"}


def test_the_page_of_an_mlflow_run_of_version_1_is_drawn(old_run: Path, tmp_path: Path) -> None:
    artifacts = tmp_path / "mlruns" / "artifacts" / "abc123" / "artifacts"
    shutil.copytree(old_run, artifacts)
    target = tmp_path / "page.html"
    tracking = ["--tracking", str(tmp_path / "mlruns")]
    assert main(["report", "abc123", "--out", str(target), *tracking]) == 0
    assert main(["report", str(old_run)]) == 0
    assert target.read_bytes() == (old_run / "report.html").read_bytes()


def test_a_page_of_a_later_version_is_refused_with_the_version(
    old_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = old_run / "page" / "content.json"
    saved = json.loads(path.read_text(encoding="utf-8"))
    del saved["version"]
    path.write_text(json.dumps({"schema_version": 7, **saved}), encoding="utf-8")
    assert main(["report", str(old_run)]) == 4
    err = capsys.readouterr().err
    assert "schema version 7" in err and "reads 1 to 2" in err and "install the version" in err
    assert not (old_run / "report.html").exists()


@pytest.mark.parametrize("what", ["nowhere", "empty"])
def test_what_is_no_run_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    (tmp_path / "empty").mkdir()
    assert main(["report", str(tmp_path / what)]) == 3
    assert what in capsys.readouterr().err

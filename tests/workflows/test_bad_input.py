"""What a user may get wrong.

An exit code, one message with location, rule, value and remedy, and nothing written.
"""

import os
from pathlib import Path

import pandas as pd
import pytest

from regime.errors import ConfigError
from regime.pipeline.settings import load_settings, settings_of

VIX, SPY, MOVE = "prices/^VIX.csv", "prices/SPY.csv", "macro/MOVE.csv"


def lines_of(path: Path) -> list[str]:
    return path.read_text().splitlines()


def write_lines(path: Path, lines: list[str]) -> None:
    path.write_text("\n".join(lines) + "\n")


def remove(path: Path) -> None:
    path.unlink()


def empty(path: Path) -> None:
    path.write_text("")


def page(path: Path) -> None:
    path.write_text("<!DOCTYPE html>\n<html><body>Too many requests</body></html>\n")


def repeat(path: Path) -> None:
    lines = lines_of(path)
    write_lines(path, [*lines[:101], lines[100], *lines[101:]])


def swap(path: Path) -> None:
    lines = lines_of(path)
    lines[100], lines[101] = lines[101], lines[100]
    write_lines(path, lines)


def in_field(text: str):
    def change(path: Path) -> None:
        lines = lines_of(path)
        date, _, rest = lines[100].partition(",")
        lines[100] = ",".join([date, text, *rest.split(",")[1:]])
        write_lines(path, lines)

    return change


def end_early(path: Path) -> None:
    write_lines(path, lines_of(path)[:-60])


def american(path: Path) -> None:
    write_lines(path, [line.replace("-", "/") for line in lines_of(path)])


def rename(path: Path) -> None:
    lines = lines_of(path)
    write_lines(path, [lines[0].replace("close", "Close").replace("value", "Value"), *lines[1:]])


# line 101 of a daily file of the simulated market
DATE = "2006-05-25"
FAULTS = [
    (VIX, remove, 3, "required series `vix`: no such file; put it into the data folder"),
    (VIX, end_early, 3, "days old, at most 7 allowed; bring the file up to date"),
    (VIX, empty, 4, "required series `vix`: the file has no values; fetch it again"),
    (VIX, page, 4, "line 1: a page of HTML, not CSV"),
    (
        VIX,
        in_field("99999"),
        4,
        f"line 101, {DATE}: `close` 99999 is outside 0.5..1500 percent; correct the file",
    ),
    (VIX, in_field("-3"), 4, "`close` -3 is outside 0.5..1500 percent"),
    (
        VIX,
        in_field("n/a"),
        4,
        "line 101: column `close`: `n/a` is no number; leave the field empty",
    ),
    (VIX, repeat, 4, f"line 102: date {DATE} repeats: keep one row a date"),
    (VIX, swap, 4, f"line 102: date {DATE} follows 2006-05-26: sort the file by date"),
    (VIX, american, 4, "is not of the form YYYY-MM-DD"),
    (VIX, rename, 4, "line 1: no column `close` (is it `Close`?)"),
    (MOVE, page, 4, "line 1: a page of HTML, not CSV"),
    (MOVE, in_field("twelve"), 4, "line 101: column `value`: `twelve` is no number"),
    (MOVE, repeat, 4, f"line 102: date {DATE} repeats"),
    (MOVE, swap, 4, "sort the file by date"),
]


@pytest.mark.parametrize(("path", "spoil", "code", "message"), FAULTS)
def test_a_fault_of_the_data_is_one_message_and_writes_nothing(
    run_folder, own_folder, path, spoil, code, message
):
    spoil(own_folder / path)
    answer = run_folder("tracking={Tracker: {}}")
    assert (answer.code, answer.stdout) == (code, "")
    assert answer.stderr.startswith(f"regime: error: {path}: ") and answer.stderr.count("\n") == 1
    assert message in answer.stderr
    assert (
        list(answer.out.parent.iterdir()) == []
    )  # neither output nor a record of a run that never began


def test_faults_of_several_files_come_together(run_folder, own_folder):
    page(own_folder / MOVE)
    repeat(own_folder / VIX)
    remove(own_folder / SPY)
    in_field("x")(own_folder / "macro/SOFR.csv")
    answer = run_folder()
    assert answer.code == 4
    first, *faults = answer.stderr.splitlines()
    assert first == "regime: error: 4 faults:"
    assert sorted(fault.split(":")[0].strip() for fault in faults) == [
        "macro/MOVE.csv",
        "macro/SOFR.csv",
        SPY,
        VIX,
    ]


def test_an_older_output_stays_as_it_was(run_folder, own_folder, whole_run):
    out = own_folder.parent / "place" / "out"
    out.mkdir()
    (out / "summary.json").write_text("{}")
    page(own_folder / VIX)
    assert run_folder().code == 4
    assert [(path.name, path.read_text()) for path in out.iterdir()] == [("summary.json", "{}")]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            ["run", "us_macro.yaml", "--data", "nowhere"],
            3,
            "nowhere: no such folder; give the data folder with --data",
        ),
        (["run", "us_macro.yaml"], 2, "us_macro reads files; name their folder with --data DIR"),
        (
            ["features", "us_macro.yaml"],
            2,
            "us_macro reads files; name their folder with --data DIR",
        ),
        (
            ["run", "us_macor.yaml"],
            2,
            "us_macor.yaml: no such config; did you mean `us_macro.yaml`?",
        ),
        (
            ["run", "splits.refit_month=3"],
            2,
            "configs/demo.yaml, splits: unknown key `refit_month`; did you mean `refit_months`?",
        ),
        (
            ["run", "slpits.refit_months=3"],
            2,
            "configs/demo.yaml: unknown key `slpits`; did you mean `splits`?",
        ),
        (
            ["run", "splits.horizn=3"],
            2,
            "splits: unknown key `horizn`; known: embargo, first_test, minimum_train, refit_months",
        ),
        (["run", "model.seeds=one"], 2, "configs/demo.yaml, model.seeds: "),
        (
            ["run", "parallel.jobs=true"],
            2,
            "configs/demo.yaml, parallel.jobs: must be a number, got `true`",
        ),
        (["run", "splits.first_test=soon"], 2, "got `soon`"),
        (["run", "model.penalty=.nan"], 2, "model.penalty: Input should be a finite number"),
        (["run", "model.linear_weight=2"], 2, "model: linear_weight: must lie in [0, 1], got 2"),
        (
            ["run", "features.dollar.lookback=0"],
            2,
            "features.dollar: lookback: must be positive, got 0",
        ),
        (["run", "features.dollar.lookback=21"], 2, "two features are called `dollar_momentum_21`"),
        (["run", "source.years=3"], 2, "name one class, FileSource or SimulatedSource"),
        (["run", "rule.rules.9.MinimumHold.days=3"], 2, "no item 9 in a list of 3; the first is 0"),
        (["run", "basket=[sp500,sp5000]"], 2, "series `sp5000`: not in the catalogue"),
        (
            ["run", "catalogue=seris.yaml"],
            2,
            "seris.yaml: no such config; did you mean `series.yaml`?",
        ),
        (["run", "name=../elsewhere"], 2, "name: must be fit for a folder"),
        (["run", "seed=-1"], 2, "seed: must be 0 or more, got -1"),
        (["run", "start=2050-01-01"], 4, "start: 2050-01-01 leaves 0 sessions of the data"),
        (
            ["run", "splits.first_test=2050-01-01", "tracking=NullTracker"],
            2,
            "splits.first_test: 2050-01-01 leaves no session to test",
        ),
        (
            [
                "run",
                "splits.minimum_train=9000",
                "splits.refit_months=48",
                "tracking=NullTracker",
                "parallel.jobs=1",
            ],
            4,
            "too short a history: no refit has enough labelled rows",
        ),
        (["run", "--episodes", "none.csv"], 3, "none.csv: no such file"),
        (["evaluate", "none.parquet", "--data", "nowhere"], 3, "none.parquet: no such file"),
    ],
)
def test_a_fault_of_the_command_is_one_message_and_writes_nothing(
    command, arguments, code, message
):
    answer = command(*arguments)
    assert (answer.code, answer.stdout) == (code, "")
    assert (
        message in answer.stderr
        and answer.stderr.startswith("regime: error: ")
        and answer.stderr.count("\n") == 1
    )
    assert list(answer.out.parent.iterdir()) == []


def test_faults_of_a_config_come_together_with_file_and_section(command, tmp_path):
    own = tmp_path / "own.yaml"
    own.write_text(
        "extends: demo.yaml\nsplits: {refit_month: 3}\nmodel: {seeds: many}\nlabels: "
        "JumpModelLables\n"
    )
    answer = command("run", own)
    first, *faults = answer.stderr.splitlines()
    assert (answer.code, first) == (2, "regime: error: 3 faults:")
    assert sorted(faults) == [
        f"  {own}, labels: unknown class `JumpModelLables`; did you mean `JumpModelLabels`?",
        f"  {own}, model.seeds: Input should be a valid integer, unable to parse string as an "
        "integer, got `many`",
        f"  {own}, splits: unknown key `refit_month`; did you mean `refit_months`?",
    ]


@pytest.mark.parametrize(
    ("content", "code", "message"),
    [
        ("", 3, "the file is empty"),
        ("name,start,trough,end,counts\n", 3, "no episode in it"),
        (
            "name,start,end,counts\na,2012-03-01,2012-07-01,1\n",
            4,
            "line 1: column `trough` is missing",
        ),
        (
            "name,start,trough,end,counts\na,2012-03-01,May,2012-07-01,1\n",
            4,
            "line 2: `trough` must be a date",
        ),
        ("name,start,trough,end,counts\na,2012-03-01,2012-02-01,2012-07-01,2\n", 4, "2 faults"),
    ],
)
def test_a_bad_list_of_episodes_is_refused_before_the_training(
    command, tmp_path, content, code, message
):
    path = tmp_path / "episodes.csv"
    path.write_text(content)
    answer = command("run", "--episodes", path)
    assert answer.code == code and message in answer.stderr and str(path) in answer.stderr
    assert list(answer.out.parent.iterdir()) == []


@pytest.mark.parametrize("verb", [["run"], ["features", "demo.yaml"]])
def test_an_output_that_is_in_the_way_is_refused_before_the_training(command, tmp_path, verb):
    (tmp_path / "place" / "out").write_text("mine")
    if verb[0] == "features":
        (tmp_path / "place" / "out").unlink()
        (tmp_path / "place" / "out").mkdir()
    answer = command(*verb)
    assert (answer.code, answer.stdout) == (2, "")
    assert answer.stderr.startswith("regime: error: out: cannot write there (")
    assert [path.name for path in answer.out.parent.iterdir()] == ["out"]


def test_a_read_only_folder_is_refused_before_the_training(command, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: mode & os.W_OK == 0)
    answer = command("run")
    assert (answer.code, answer.stderr) == (
        2,
        "regime: error: out: cannot write there (. is read-only); choose another path\n",
    )


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pd.DataFrame({"date": ["2012-01-03"], "p": [0.5]}), "column `deleveraging` is missing"),
        (
            pd.DataFrame({"date": ["yesterday"], "deleveraging": [0.5]}),
            "row 1: `yesterday` is not a date",
        ),
        (
            pd.DataFrame({"date": ["2012-01-03", "2012-01-04"], "deleveraging": [0.5, 1.5]}),
            "2012-01-04: 1.5 lies outside [0, 1]",
        ),
        (
            pd.DataFrame({"date": ["2012-01-07"], "deleveraging": [0.5]}),
            "2012-01-07 is no session of the data",
        ),
        (
            pd.DataFrame({"date": ["2012-01-04", "2012-01-03"], "deleveraging": [0.5, 0.5]}),
            "dates must rise strictly",
        ),
        (
            pd.DataFrame({"date": ["2006-06-01"], "deleveraging": [0.5]}),
            "set splits.first_test earlier",
        ),
    ],
)
def test_probabilities_from_elsewhere_are_checked(
    command, simulated_folder, tmp_path, table, message
):
    path = tmp_path / "theirs.csv"
    table.to_csv(path, index=False)
    answer = command("evaluate", path, "--data", simulated_folder, "splits.first_test=2012-01-01")
    assert answer.code == 4 and message in answer.stderr
    assert not answer.out.exists()


def test_settings_made_in_python_take_no_overrides():
    with pytest.raises(ConfigError, match="override `seed=3`: only for a config file"):
        settings_of(load_settings("demo.yaml"), ["seed=3"], None)

"""`regime data check` on folders of straw.

Exit codes as a run's, one object of JSON, a table for people.
"""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regime.cli import main
from regime.errors import RegimeError
from regime.panel.calendar import business_days
from regime.workflows.data_check import check_data

Capture = pytest.CaptureFixture[str]
NUMBERS = business_days(17_000, 19_000, False)
DAYS = pd.DatetimeIndex(
    NUMBERS[(NUMBERS >= 17_000) & (NUMBERS <= 19_000)].astype("M8[D]").astype("M8[us]")
)
WEEKS = pd.date_range(DAYS[0], DAYS[-1], freq="W-WED")
CATALOGUE = """
checks:
  series:
    vix: {bars: {}}
    euro: {references: [{path: noon.csv, tolerance: 0.018, neighbours: true}]}
  tables:
    noon: {title: Noon rate, paths: [noon.csv], unit: USD/EUR, changes: log, low: 0.5, high: 2}
    chains: {title: Chains, paths: ["chain_*.csv"], frequency: irregular, columns: [bid, ask],
             chain: {}}
    absent: {title: Absent, paths: [nowhere.csv]}
kinds:
  price: {unit: USD, frequency: daily, release: {at_close: true}, low: 0.01, high: 1.0e+5,
          max_age_days: 7, column: close, changes: log}
series:
  sp500: {kind: price, title: S&P 500, required: true, path: sp500.csv}
  vix: {kind: price, title: VIX, required: true, path: vix.csv, max_step: 100}
  euro: {kind: price, title: Euro, path: euro.csv}
  assets: {kind: price, title: Assets, frequency: weekly, max_age_days: 16, high: 1.0e+9, low: 1,
           path: assets.csv, column: value}
  older: {kind: price, title: Older, path: older.csv}
"""


def walk(rows: int, seed: int, size: float = 0.006) -> np.ndarray:
    return np.exp(np.random.default_rng(seed).normal(scale=size, size=rows).cumsum())


def write(folder: Path, path: str, dates: pd.DatetimeIndex, **columns: Any) -> None:
    pd.DataFrame({"date": dates.strftime("%Y-%m-%d"), **columns}).to_csv(folder / path, index=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine.yaml").write_text(CATALOGUE)
    (tmp_path / "run.yaml").write_text("catalogue: mine.yaml\n")
    data = tmp_path / "data"
    data.mkdir()
    write(data, "sp500.csv", DAYS, close=2000 * walk(len(DAYS), 1))
    opening, close = 20 * walk(len(DAYS), 2), 20 * walk(len(DAYS), 3)
    write(
        data,
        "vix.csv",
        DAYS,
        open=opening,
        high=np.maximum(opening, close),
        low=np.minimum(opening, close),
        close=close,
    )
    write(data, "euro.csv", DAYS, close=1.2 * walk(len(DAYS), 4))
    write(data, "noon.csv", DAYS, value=1.2 * walk(len(DAYS), 4))
    write(data, "assets.csv", WEEKS, value=4e6 * walk(len(WEEKS), 5))
    write(data, "older.csv", DAYS, close=50 * walk(len(DAYS), 6))
    write(
        data,
        "chain_1.csv",
        DAYS[[5, 5]],
        expiry="2030-01-18",
        bid=[1, 3],
        ask=2,
        iv=0.2,
        open_interest=5,
    )
    return data


def change(folder: Path, path: str, column: str, row: int | slice, factor: float) -> None:
    table = pd.read_csv(folder / path)
    table[column] = table[column].astype(float)
    place = slice(row, row + 1) if isinstance(row, int) else row
    table.loc[table.index[place], column] *= factor
    table.to_csv(folder / path, index=False)


def checked(folder: Path, capsys: Capture, config: str = "mine.yaml") -> tuple[int, dict[str, Any]]:
    code = main(
        ["data", "check", str(folder.parent / config), "--data", str(folder), "--json", "--quiet"]
    )
    out, err = capsys.readouterr()
    assert out.count("\n") == 1 and err == ""
    return code, json.loads(out)


def checks(found: dict[str, Any], severity: str = "warning") -> set[str]:
    return {finding["check"] for finding in found["findings"] if finding["severity"] == severity}


@pytest.mark.parametrize("config", ["mine.yaml", "run.yaml"])
def test_a_sound_folder(folder: Path, capsys: Capture, config: str) -> None:
    code, summary = checked(folder, capsys, config)
    assert list(summary) == ["schema_version", "data", "series", "tables", "verdict"]
    assert list(summary["series"]) == ["sp500", "vix", "euro", "assets", "older"]
    assert list(summary["tables"]) == ["noon.csv", "chain_1.csv"]
    assert [one["verdict"] for one in summary["series"].values()] == ["ok"] * 5
    assert (code, summary["verdict"], summary["data"]["stops"]) == (
        0,
        "warning",
        [],
    )  # a crossed quote in the chain
    assert checks(summary["tables"]["chain_1.csv"]) == {"crossed"}
    row = summary["series"]["sp500"]
    assert {
        "verdict",
        "sentence",
        "first",
        "last",
        "released",
        "age_days",
        "max_age_days",
        "gaps",
        "repeats",
        "outliers",
        "findings",
        "rows",
        "required",
    } <= set(row)
    assert (row["last"], row["released"], row["age_days"], row["max_age_days"]) == (
        f"{DAYS[-1]:%Y-%m-%d}",
        f"{DAYS[-1]:%Y-%m-%d}T21:00:00+00:00",
        0,
        7,
    )
    (folder / "chain_1.csv").unlink()
    assert checked(folder, capsys)[1]["verdict"] == "ok"


def test_planted_faults_are_warnings_with_their_dates_and_stop_nothing(
    folder: Path, capsys: Capture
) -> None:
    change(folder, "euro.csv", "close", 700, 1.07)
    change(folder, "vix.csv", "close", 300, 1.4)
    table = pd.read_csv(folder / "older.csv")
    table.drop(index=range(900, 930)).to_csv(folder / "older.csv", index=False)
    code, summary = checked(folder, capsys)
    assert (code, summary["verdict"]) == (0, "warning")
    found = summary["series"]
    assert checks(found["euro"]) == {"bad_tick", "cross_series"}
    assert all(
        finding["dates"] == [f"{DAYS[700]:%Y-%m-%d}"] for finding in found["euro"]["findings"]
    )
    assert checks(found["vix"]) == {"bad_tick", "outside_bar"}
    assert (found["older"]["gaps"]["missing"], checks(found["older"])) == (30, {"hole"})


def test_a_thousandth_in_an_optional_series_is_a_fault_that_does_not_stop(
    folder: Path, capsys: Capture
) -> None:
    change(folder, "assets.csv", "value", slice(150, None), 1e-3)
    code, summary = checked(folder, capsys)
    found = summary["series"]["assets"]
    assert (code, summary["verdict"], found["verdict"]) == (0, "warning", "fault")
    assert f"from {WEEKS[150]:%Y-%m-%d} on multiplied by 0.001" in found["sentence"]
    assert found["findings"][0]["evidence"][0]["factor"] == pytest.approx(1e-3)


@pytest.mark.parametrize(("path", "by"), [("sp500.csv", 1e-3), ("vix.csv", 1e3)])
def test_a_thousandth_in_a_required_series_stops(
    folder: Path, capsys: Capture, path: str, by: float
) -> None:
    change(folder, path, "close", slice(800, None), by)
    code, summary = checked(folder, capsys)
    assert (code, summary["verdict"], summary["data"]["exit_code"]) == (4, "fault", 4)
    assert f"{path}: required series" in summary["data"]["stops"][0]


@pytest.mark.parametrize("path", ["sp500.csv", "vix.csv", "older.csv"])
@pytest.mark.parametrize(
    "content",
    [
        b"<html>",
        b"date,close\n2024-01-02,x\n",
        b"date,close\n2024-01-02\n",
        b"\xff\xfe",
        b"date,close\n2024-01-02,1\n2024-01-02,1\n",
    ],
)
def test_a_file_that_a_run_refuses_stops_whoever_needs_it(
    folder: Path, capsys: Capture, path: str, content: bytes
) -> None:
    (folder / path).write_bytes(content)
    code, summary = checked(folder, capsys)
    assert (code, summary["verdict"]) == (4, "fault")
    assert any(text.startswith(f"{path}: ") for text in summary["data"]["stops"])
    assert summary["series"][path.removesuffix(".csv")]["verdict"] == "fault"


def test_what_is_missing_stops_with_three_where_required_and_not_at_all_elsewhere(
    folder: Path, capsys: Capture
) -> None:
    (folder / "older.csv").unlink()
    code, summary = checked(folder, capsys)
    assert (code, checks(summary["series"]["older"])) == (0, {"absent"})
    (folder / "vix.csv").unlink()
    code, summary = checked(folder, capsys)
    assert (code, summary["verdict"], checks(summary["series"]["vix"], "fault")) == (
        3,
        "fault",
        {"absent"},
    )


def test_a_broken_table_beside_the_catalogue_stops_nothing(folder: Path, capsys: Capture) -> None:
    (folder / "noon.csv").write_bytes(b"<html>")
    code, summary = checked(folder, capsys)
    assert (code, summary["tables"]["noon.csv"]["verdict"]) == (0, "fault")
    assert checks(summary["series"]["euro"]) == {"no_reference"}


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--data", "nowhere"], 3, "no such folder"),
        ([], 2, "name their folder with --data"),
        (["nothing.yaml", "--data", "."], 2, "no such config"),
    ],
)
def test_what_cannot_be_checked_is_one_message(
    arguments: list[str], code: int, words: str, capsys: Capture
) -> None:
    assert main(["data", "check", *arguments]) == code
    out, err = capsys.readouterr()
    assert out == "" and words in err and err.count("\n") == 1


def test_an_expectation_of_an_unknown_series_is_refused(folder: Path, capsys: Capture) -> None:
    path = folder.parent / "mine.yaml"
    path.write_text(CATALOGUE.replace("vix: {bars: {}}", "vixx: {bars: {}}"))
    assert main(["data", "check", str(path), "--data", str(folder), "--quiet"]) == 2
    assert "series.vixx: not in the catalogue" in capsys.readouterr().err


def test_an_empty_folder_has_no_now(tmp_path: Path, capsys: Capture) -> None:
    code = main(["data", "check", "--data", str(tmp_path), "--json", "--quiet"])
    summary = json.loads(capsys.readouterr().out)
    assert (code, summary["data"]["now"], summary["data"]["counts"]["fault"]) == (3, None, 4)


def test_people_get_tables_the_gravest_first_and_the_verdict_last(
    folder: Path, capsys: Capture
) -> None:
    change(folder, "assets.csv", "value", slice(150, None), 1e-3)
    change(folder, "euro.csv", "close", 700, 1.07)
    arguments = [
        "data",
        "check",
        str(folder.parent / "mine.yaml"),
        "--data",
        str(folder),
        "--quiet",
    ]
    assert main(arguments) == 0
    out = capsys.readouterr().out
    for part in (
        "Series",
        "sp500 (required)",
        "Tables that no run reads",
        "noon.csv",
        "Outliers",
        "Faults:\n  assets: the unit has changed",
        "Warnings:\n  euro: 1 value jumped and came back",
    ):
        assert part in out, part
    assert out.index("Faults:") < out.index("Warnings:") < out.rindex("Verdict: warning")
    assert "Notes:" not in out
    (folder / "noon.csv").write_bytes(b"\xef\xbb\xbf" + (folder / "noon.csv").read_bytes())
    assert main([*arguments, "--notes"]) == 0
    assert "Notes:\n  noon.csv: begins with a byte-order mark" in capsys.readouterr().out


def test_a_check_writes_nothing_and_is_quick(folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.parent.rglob("*") if path.is_file()}
    begun = time.process_time()
    check_data(folder.parent / "mine.yaml", data=folder)
    assert time.process_time() - begun < 5
    assert {
        path: path.read_bytes() for path in folder.parent.rglob("*") if path.is_file()
    } == before


@given(
    path=st.sampled_from(
        ["sp500.csv", "vix.csv", "euro.csv", "noon.csv", "assets.csv", "chain_1.csv"]
    ),
    place=st.floats(0, 1),
    junk=st.sampled_from(
        [
            b"",
            b"\n",
            b",",
            b"\x00",
            b"\xff",
            b'"',
            b"inf",
            b"-1e308",
            b"1e308",
            b"1e-320",
            b"9999-12-31",
            b"0001-01-01",
            b"\n2031-01-01,1\n",
            b"date",
            b"<script>",
            b"-",
            b"nan",
        ]
    ),
    cut=st.integers(0, 40),
)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_damaged_bytes_give_findings_or_a_typed_error_never_a_crash(
    folder: Path, path: str, place: float, junk: bytes, cut: int
) -> None:
    whole = (folder / path).read_bytes()
    at = int(place * len(whole))
    try:
        (folder / path).write_bytes(whole[:at] + junk + whole[at + cut :])
        result = check_data(folder.parent / "mine.yaml", data=folder)
        json.dumps(result.summary, allow_nan=True)
        assert result.exit_code in (0, 3, 4)
    except RegimeError as error:
        assert error.exit_code in (3, 4)
    finally:
        (folder / path).write_bytes(whole)

"""A data folder read strictly: splices, bounds, "now", the hash, and every fault at once."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regime.errors import ConfigError, InvalidDataError, MissingDataError, RegimeError
from regime.sources.catalogue import Catalogue, Release, SeriesSpec, SplicePart
from regime.sources.file_source import FileSource, SourceReading

DAYS = pd.bdate_range("2024-01-01", "2024-03-29")
LATER, SOONER = Release(days=1), Release(days=0, time="08:00")


def spec(name: str, **changes: object) -> SeriesSpec:
    base = {
        "name": name,
        "title": name,
        "unit": "percent",
        "frequency": "daily",
        "release": LATER,
        "low": 0.01,
        "high": 10_000.0,
        "max_age_days": 7,
        "path": f"{name}.csv",
        "column": "value",
    }
    return SeriesSpec(**{**base, **changes})  # type: ignore[arg-type]


CATALOGUE = Catalogue(
    series={
        item.name: item
        for item in [
            spec("sp500", path="p/m.csv", column="close", required=True),
            spec("sp500_high", path="p/m.csv", column="high"),
            spec("vix", required=True),
            spec(
                "rate",
                splice=(
                    SplicePart(path="old.csv", scale=100.0, release=SOONER),
                    SplicePart(path="older.csv", proxy=False),
                ),
            ),
            spec(
                "held",
                path="long.csv",
                column="net",
                where={"who": "funds", "what": "vix"},
                low=-1e6,
                high=1e6,
            ),
            spec("oil", max_step=10.0),
        ]
    }
)


def released_next_day(periods: pd.DatetimeIndex, release: Release) -> pd.DatetimeIndex:
    """Stand-in for the panel's rules: 21:00 UTC, `days` calendar days later."""
    return (periods + pd.Timedelta(days=release.days or 0, hours=21)).tz_localize("UTC")


def write(folder: Path, path: str, dates: pd.DatetimeIndex, **columns: object) -> None:
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame({"date": dates.strftime("%Y-%m-%d"), **columns}).to_csv(folder / path, index=False)


def fill(folder: Path) -> Path:
    count = len(DAYS)
    write(folder, "p/m.csv", DAYS, high=np.arange(count) + 102.0, close=np.arange(count) + 100.0)
    write(folder, "vix.csv", DAYS, value=20.0)
    write(folder, "rate.csv", DAYS[40:], value=5.0)
    write(folder, "old.csv", DAYS[20:60], value=0.04)
    write(folder, "older.csv", DAYS[:30], value=3.0)
    write(folder, "oil.csv", DAYS, value=70.0)
    long = DAYS.repeat(2)
    write(
        folder,
        "long.csv",
        long,
        who=["funds", "banks"] * count,
        what="vix",
        net=np.arange(2 * count) - 50,
    )
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return fill(tmp_path)


def read(
    folder: Path, catalogue: Catalogue = CATALOGUE, names: list[str] | None = None
) -> SourceReading:
    return FileSource().read(catalogue, folder, names, release_times=released_next_day)


def series(reading: SourceReading, name: str) -> pd.Series:
    rows = reading.observations[reading.observations["series"] == name]
    return rows.set_index("period")["value"]


def replace_line(path: Path, number: int, text: str) -> None:
    lines = path.read_text().splitlines()
    lines[number - 1] = text
    path.write_text("\n".join(lines) + "\n")


def faults_of(kind: type[RegimeError], folder: Path) -> tuple[str, ...]:
    with pytest.raises(RegimeError) as error:
        read(folder)
    assert type(error.value) is kind
    return error.value.faults


def test_a_sound_folder(folder: Path) -> None:
    reading = read(folder)
    assert reading.sessions.equals(DAYS.rename("date"))
    assert [status.verdict for status in reading.status.values()] == ["ok"] * 6
    assert series(reading, "sp500_high").tolist() == [
        value + 2 for value in series(reading, "sp500")
    ]
    assert list(reading.observations["series"].drop_duplicates()) == list(CATALOGUE.series)
    assert (
        reading.observations["released"] > reading.observations["period"].dt.tz_localize("UTC")
    ).all()
    status = reading.status["sp500"]
    assert (status.first, status.last, status.rows, status.note) == (
        DAYS[0],
        DAYS[-1],
        len(DAYS),
        "",
    )


def test_a_long_table_gives_the_rows_asked_for(folder: Path) -> None:
    assert series(read(folder), "held").tolist() == list(range(-50, 2 * len(DAYS) - 50, 2))


def test_splices_serve_before_the_first_date_of_those_before_them(folder: Path) -> None:
    reading = read(folder)
    assert series(reading, "rate").tolist() == [3.0] * 20 + [4.0] * 20 + [5.0] * (len(DAYS) - 40)
    status = reading.status["rate"]
    assert status.proxy_rows == 20
    assert status.note == f"20 rows from a proxy, until {DAYS[39]:%Y-%m-%d}"


def test_a_splice_may_have_its_own_release(folder: Path) -> None:
    rows = read(folder).observations.query("series == 'rate'")
    delay = (
        rows["released"].dt.tz_localize(None).dt.normalize() - rows["period"]
    ).dt.days.to_numpy()
    assert delay.tolist() == [1] * 20 + [0] * 20 + [1] * (len(DAYS) - 40)


def test_without_its_main_file_the_splices_serve_to_the_end(folder: Path) -> None:
    (folder / "rate.csv").unlink()
    reading = read(folder)
    assert series(reading, "rate").tolist() == [3.0] * 20 + [4.0] * 40
    assert reading.status["rate"].proxy_rows == 40


def test_rows_after_now_are_ignored_and_now_is_the_last_session(folder: Path) -> None:
    later = DAYS.append(pd.bdate_range("2090-01-02", periods=3))
    write(folder, "oil.csv", later, value=[70.0] * len(DAYS) + [9e9] * 3)
    reading = read(folder)
    assert reading.status["oil"].last == DAYS[-1]
    assert reading.status["oil"].refused == 0


def test_far_future_folders_need_no_clock(folder: Path) -> None:
    days = pd.bdate_range("2091-01-01", periods=50)
    write(folder, "p/m.csv", days, high=102.0, close=100.0)
    write(folder, "vix.csv", days, value=20.0)
    assert read(folder, names=["sp500", "vix"]).sessions[-1] == days[-1]


@pytest.mark.parametrize(
    ("days", "verdict", "note"),
    [
        (DAYS[:0], "empty", "oil.csv has no values"),
        (DAYS[-1:] + pd.Timedelta(days=3), "not_begun", "no row up to the last session"),
        (DAYS[:30], "stale", "last value 2024-02-09 is 49 days old, at most 7 allowed"),
    ],
)
def test_an_optional_series_may_be_away(
    folder: Path, days: pd.DatetimeIndex, verdict: str, note: str
) -> None:
    write(folder, "oil.csv", days, value=70.0)
    status = read(folder).status["oil"]
    assert (status.verdict, status.note) == (verdict, note)


@pytest.mark.parametrize("content", [b"", b"\n \n", b"date,value\n"])
def test_an_optional_file_may_be_empty(folder: Path, content: bytes) -> None:
    (folder / "oil.csv").write_bytes(content)
    assert read(folder).status["oil"].verdict == "empty"


def test_an_absent_optional_series_is_named(folder: Path) -> None:
    (folder / "oil.csv").unlink()
    reading = read(folder)
    assert (reading.status["oil"].verdict, reading.status["oil"].note) == (
        "absent",
        "no file oil.csv",
    )
    assert series(reading, "oil").empty


def test_a_where_that_matches_nothing_is_empty(folder: Path) -> None:
    write(folder, "long.csv", DAYS, who="banks", what="vix", net=1)
    assert read(folder).status["held"].verdict == "empty"


@pytest.mark.parametrize("text", ["1e9", "inf", "-5", "1e400"])
def test_a_value_out_of_range_is_missing_where_optional(folder: Path, text: str) -> None:
    replace_line(folder / "oil.csv", 11, f"{DAYS[9]:%Y-%m-%d},{text}")
    reading = read(folder)
    assert DAYS[9] not in series(reading, "oil").index
    status = reading.status["oil"]
    assert (status.verdict, status.refused, status.rows) == ("ok", 1, len(DAYS) - 1)
    assert f"oil.csv: line 11, {DAYS[9]:%Y-%m-%d}: `value`" in status.note
    assert "is outside 0.01..10000 percent" in status.note


def test_a_value_out_of_range_is_a_fault_where_required(folder: Path) -> None:
    replace_line(folder / "vix.csv", 11, f"{DAYS[9]:%Y-%m-%d},1e9")
    (fault,) = faults_of(InvalidDataError, folder)
    assert "vix.csv: required series `vix`" in fault
    assert "line 11, 2024-01-12: `value` 1e+09 is outside 0.01..10000 percent" in fault
    assert "correct the file" in fault


def test_a_change_of_unit_ends_a_series(folder: Path) -> None:
    values = np.where(np.arange(len(DAYS)) < 50, 4000.0, 4.0)
    write(folder, "oil.csv", DAYS, value=values)
    status = read(folder).status["oil"]
    assert (status.last, status.refused) == (DAYS[49], len(DAYS) - 50)
    assert "line 52, 2024-03-11: `value` 4 has changed its unit" in status.note


def test_missing_values_are_no_rows(folder: Path) -> None:
    replace_line(folder / "vix.csv", 5, f"{DAYS[3]:%Y-%m-%d},.")
    replace_line(folder / "vix.csv", 6, f"{DAYS[4]:%Y-%m-%d},")
    assert read(folder).status["vix"].rows == len(DAYS) - 2


def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match="no such folder; give the data folder with --data"):
        read(tmp_path / "nowhere")


def test_an_empty_folder_names_every_required_series(tmp_path: Path) -> None:
    faults = faults_of(MissingDataError, tmp_path)
    assert [fault.split(":")[0] for fault in faults] == ["p/m.csv", "vix.csv"]
    assert all("no such file; put it into the data folder" in fault for fault in faults)


@pytest.mark.parametrize(
    ("content", "kind", "fault"),
    [
        (b"", InvalidDataError, "required series `vix`: the file has no values"),
        (b"date,value\n", InvalidDataError, "required series `vix`: the file has no values"),
        (b"date,value\n2024-03-28,\n", InvalidDataError, "the file has no values"),
        (b"date,value\n2030-01-02,20\n", MissingDataError, "no row up to the last session"),
        (
            b"date,value\n2024-03-01,20\n",
            MissingDataError,
            "last value 2024-03-01 is 28 days old, at most 7 allowed",
        ),
        (b"<html>", InvalidDataError, "vix.csv: line 1: a page of HTML"),
        (b"date,close\n2024-03-28,20\n", InvalidDataError, "vix.csv: line 1: no column `value`"),
        (
            b"date,value\n2024-03-28,20\n2024-03-28,21\n",
            InvalidDataError,
            "vix.csv: line 3: date 2024-03-28 repeats",
        ),
        (
            b"date,value\n2024-03-28,20\n2024-03-27,21\n",
            InvalidDataError,
            "vix.csv: line 3: date 2024-03-27 follows",
        ),
        (b"date,value\n03/28/2024,20\n", InvalidDataError, "vix.csv: line 2: date `03/28/2024`"),
        (
            b"date,value\n2024-03-28,twenty\n",
            InvalidDataError,
            "vix.csv: line 2: column `value`: `twenty`",
        ),
    ],
)
def test_faults_of_a_required_file(
    folder: Path, content: bytes, kind: type[RegimeError], fault: str
) -> None:
    (folder / "vix.csv").write_bytes(content)
    (found,) = faults_of(kind, folder)
    assert fault in found


@pytest.mark.parametrize(
    "content",
    [
        b"<html>",
        b"date,value\n2024-03-28,20\n2024-03-28,21\n",
        b"date,value\n1/2/24,1\n",
        b"date,value\n2024-03-28,text\n",
        b"when,value\n2024-03-28,1\n",
    ],
)
def test_a_broken_optional_file_is_a_fault_too(folder: Path, content: bytes) -> None:
    (folder / "oil.csv").write_bytes(content)
    (fault,) = faults_of(InvalidDataError, folder)
    assert fault.startswith("oil.csv: line ")


def test_several_faults_come_together_and_broken_data_outrank_missing_ones(folder: Path) -> None:
    (folder / "p/m.csv").unlink()
    replace_line(folder / "vix.csv", 4, "2024-01-03,x")
    (folder / "older.csv").write_bytes(b"<html>")
    replace_line(folder / "long.csv", 4, "yesterday,funds,vix,1")
    faults = faults_of(InvalidDataError, folder)
    assert sorted(fault.split(":")[0] for fault in faults) == [
        "long.csv",
        "older.csv",
        "p/m.csv",
        "vix.csv",
    ]


def test_one_fault_of_a_shared_file_is_reported_once(folder: Path) -> None:
    (folder / "p/m.csv").write_bytes(b"<html>")
    assert len(faults_of(InvalidDataError, folder)) == 1


def test_a_directory_in_place_of_a_file(folder: Path) -> None:
    (folder / "oil.csv").unlink()
    (folder / "oil.csv").mkdir()
    assert "must be a readable file" in faults_of(InvalidDataError, folder)[0]


def test_required_series_are_checked_whatever_the_names(folder: Path) -> None:
    (folder / "vix.csv").unlink()
    with pytest.raises(MissingDataError, match="required series `vix`"):
        read(folder, names=["oil"])


def test_names_choose_series_and_the_market_gives_the_sessions_all_the_same(folder: Path) -> None:
    reading = read(folder, names=["oil"])
    assert list(reading.status) == ["oil"]
    assert set(reading.observations["series"]) == {"oil"}
    assert reading.sessions[-1] == DAYS[-1]
    with pytest.raises(ConfigError, match="series `oill`: not in the catalogue"):
        read(folder, names=["oill"])


def test_each_file_is_opened_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    whole = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: opened.append(path.name) or whole(path))
    read(folder)
    assert sorted(opened) == sorted(path.name for path in folder.rglob("*.csv"))


def test_the_hash_is_that_of_the_bytes_read(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    before = read(folder).hash
    assert read(fill(tmp_path_factory.mktemp("twin"))).hash == before
    (folder / "unread.csv").write_text("anything")
    assert read(folder).hash == before
    with (folder / "vix.csv").open("a") as file:
        file.write("\n")
    assert read(folder).hash != before


def test_the_hash_tells_files_apart_that_swap_contents(folder: Path) -> None:
    before = read(folder).hash
    vix, oil = (folder / "vix.csv").read_bytes(), (folder / "oil.csv").read_bytes()
    (folder / "vix.csv").write_bytes(oil)
    (folder / "oil.csv").write_bytes(vix)
    assert read(folder).hash != before


@given(cut=st.integers(5, len(DAYS) - 1))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_folder_cut_at_any_date_reads_the_same_up_to_it(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    whole, short = read(folder), tmp_path_factory.mktemp("cut")
    for path in folder.rglob("*.csv"):
        rows = [
            line
            for line in path.read_text().splitlines()
            if line < f"{DAYS[cut]:%Y-%m-%d}" or "date" in line
        ]
        (short / path.relative_to(folder)).parent.mkdir(exist_ok=True)
        (short / path.relative_to(folder)).write_text("\n".join(rows) + "\n")
    reading = read(short)
    expected = whole.observations[whole.observations["period"] < DAYS[cut]].reset_index(drop=True)
    pd.testing.assert_frame_equal(reading.observations, expected, check_exact=True)
    assert reading.sessions.equals(whole.sessions[:cut])

"""Declared repairs: they do what they say, row by row, and are sentences.

Nothing else is ever repaired.
"""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regime.errors import ConfigError
from regime.sources.catalogue import Catalogue, Release, SeriesSpec, load_catalogue
from regime.sources.file_source import FileSource, SourceReading
from regime.sources.repairs import Repair, apply_repairs, repaired_days

DAYS = pd.bdate_range("2024-01-01", periods=60)
NUMBERS = DAYS.to_numpy().astype("M8[D]").astype(np.int64)
DROP = Repair(kind="drop", first=date(2024, 1, 10), last=date(2024, 1, 11), reason="stale")
SCALE = Repair(kind="scale", last=date(2024, 1, 31), factor=5, reason="older contracts")
REPLACE = Repair(
    kind="replace",
    first=date(2024, 3, 1),
    last=date(2024, 3, 5),
    path="twin.csv",
    reason="bad ticks",
)


def twin(repair):
    return NUMBERS[::2], np.full(len(NUMBERS[::2]), 77.0)


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ({"kind": "drop", "reason": " ", "first": date(2024, 1, 1)}, "reason: say what"),
        ({"kind": "drop", "reason": "x"}, "first: give `first`, `last` or both"),
        (
            {"kind": "drop", "reason": "x", "first": date(2024, 1, 2), "last": date(2024, 1, 1)},
            "must not be after last",
        ),
        ({"kind": "scale", "reason": "x", "first": date(2024, 1, 2)}, "factor: a positive number"),
        (
            {"kind": "scale", "reason": "x", "first": date(2024, 1, 2), "factor": -5},
            "factor: a positive number",
        ),
        (
            {"kind": "drop", "reason": "x", "first": date(2024, 1, 2), "factor": 5},
            "factor: a positive number",
        ),
        (
            {"kind": "replace", "reason": "x", "first": date(2024, 1, 2)},
            "path: the file to take values from",
        ),
        (
            {"kind": "drop", "reason": "x", "first": date(2024, 1, 2), "path": "a.csv"},
            "path: the file to take values",
        ),
        (
            {"kind": "replace", "reason": "x", "first": date(2024, 1, 2), "path": "../a.csv"},
            "path: must stay inside",
        ),
    ],
)
def test_an_impossible_repair_is_refused(arguments, fault):
    with pytest.raises(ConfigError, match=fault):
        Repair(**arguments)


def test_each_kind_does_what_it_says_and_tells_it():
    values = np.arange(60.0) + 1
    values[7] = np.nan
    repaired, sentences = apply_repairs([DROP, SCALE, REPLACE], NUMBERS, values, twin)
    expected = pd.Series(values, index=DAYS)
    expected[:"2024-01-31"] *= 5
    expected["2024-01-10":"2024-01-11"] = np.nan
    expected["2024-03-01":"2024-03-05"] = [
        77.0 if day in NUMBERS[::2] else np.nan for day in NUMBERS[44:47]
    ]
    np.testing.assert_array_equal(repaired, expected)
    assert values[0] == 1.0  # the file's own are untouched
    assert sentences == (
        "1 row dropped: 2024-01-11 (stale)",
        "21 rows multiplied by 5: 2024-01-01 to 2024-01-31 (older contracts)",
        "3 rows taken from twin.csv: 2024-03-01 to 2024-03-05 (bad ticks)",
    )


def test_a_repair_that_meets_no_row_is_not_reported():
    later = Repair(kind="drop", first=date(2030, 1, 1), reason="none yet")
    values, sentences = apply_repairs([later], NUMBERS, np.ones(60), twin)
    assert sentences == () and values.tolist() == [1.0] * 60
    assert not repaired_days([later], NUMBERS).any()
    assert repaired_days([DROP], NUMBERS).sum() == 2


@given(cut=st.integers(0, 60))
def test_repairs_of_a_shorter_file_are_those_of_the_longer_one(cut):
    values = np.arange(60.0) + 1
    whole, _ = apply_repairs([DROP, SCALE, REPLACE], NUMBERS, values, twin)
    short, _ = apply_repairs([DROP, SCALE, REPLACE], NUMBERS[:cut], values[:cut], twin)
    np.testing.assert_array_equal(short, whole[:cut])


def spec(name: str, **changes: object) -> SeriesSpec:
    base = {
        "name": name,
        "title": name,
        "unit": "USD",
        "frequency": "daily",
        "release": Release(days=1),
        "low": 0.01,
        "high": 1000.0,
        "max_age_days": 7,
        "path": f"{name}.csv",
        "column": "value",
    }
    return SeriesSpec(**{**base, **changes})  # type: ignore[arg-type]


def read(folder: Path, *repairs: Repair, **changes: object) -> SourceReading:
    catalogue = Catalogue(
        series={one.name: one for one in (spec("sp500"), spec("oil", repairs=repairs, **changes))}
    )
    return FileSource().read(
        catalogue, folder, release_times=lambda periods, rule: periods.tz_localize("UTC")
    )


def values(reading: SourceReading) -> pd.Series:
    rows = reading.observations.query("series == 'oil'")
    return rows.set_index("period")["value"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, numbers in {
        "sp500": np.full(60, 100.0),
        "oil": np.arange(60.0) + 1,
        "twin": np.full(60, 77.0),
    }.items():
        pd.DataFrame({"date": DAYS.strftime("%Y-%m-%d"), "value": numbers}).to_csv(
            tmp_path / f"{name}.csv", index=False
        )
    return tmp_path


def test_a_reading_is_repaired_counted_and_reported(folder: Path) -> None:
    reading = read(folder, DROP, SCALE, REPLACE)
    found, status = values(reading), reading.status["oil"]
    assert pd.Timestamp("2024-01-10") not in found.index
    assert (found["2024-01-01"], found["2024-02-01"], found["2024-03-04"]) == (5.0, 24.0, 77.0)
    assert (status.repaired, status.rows, status.verdict) == (3, 58, "ok")
    assert "repaired: 2 rows dropped: 2024-01-10 to 2024-01-11 (stale)" in status.note
    assert (read(folder).status["oil"].repaired, read(folder).status["oil"].note) == (0, "")


def test_repairs_come_before_the_range_is_looked_at(folder: Path) -> None:
    (folder / "oil.csv").write_text(
        (folder / "oil.csv").read_text().replace("2024-01-11,9.0", "2024-01-11,9e9")
    )
    assert read(folder).status["oil"].refused == 1
    assert read(folder, DROP).status["oil"].refused == 0


def test_a_twin_is_part_of_the_hash_and_its_absence_leaves_the_rows_out(folder: Path) -> None:
    with_twin = read(folder, REPLACE)
    assert with_twin.hash != read(folder, DROP).hash
    (folder / "twin.csv").unlink()
    without = read(folder, REPLACE)
    assert "2024-03-04" not in values(without).index
    assert without.status["oil"].rows == with_twin.status["oil"].rows - 3


def test_one_wrong_unit_in_the_middle_is_refused_alone(folder: Path) -> None:
    (folder / "oil.csv").write_text(
        (folder / "oil.csv").read_text().replace("2024-02-20,37.0", "2024-02-20,0.02")
    )
    reading = read(folder, max_step=100.0)
    assert (reading.status["oil"].refused, reading.status["oil"].rows) == (1, 59)
    assert "line 38, 2024-02-20: `value` 0.02 has changed its unit" in reading.status["oil"].note


def test_the_shipped_repairs_are_the_known_faults() -> None:
    declared = {name: one.repairs for name, one in load_catalogue().series.items() if one.repairs}
    assert {repair.first for repair in declared["move"]} == {date(2023, 3, 15), date(2023, 6, 20)}
    assert all(repair.kind == "drop" for repair in declared["move"])
    minis = {name for name, repairs in declared.items() if repairs[0].factor == 5}
    assert minis == {
        f"cot_tff_{part}"
        for part in (
            "sp500_lev_net",
            "sp500_am_net",
            "sp500_open_interest",
            "nq_lev_long",
            "nq_lev_short",
            "nq_open_interest",
            "sp500_dealer_long",
            "sp500_dealer_short",
            "nq_dealer_long",
            "nq_dealer_short",
            "nq_am_long",
            "nq_am_short",
        )
    }
    assert {repairs[0].last for name, repairs in declared.items() if name in minis} == {
        date(2023, 5, 1)
    }

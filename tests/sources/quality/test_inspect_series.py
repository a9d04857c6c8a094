"""One series or table through all its checks.

Planted faults are found by name, and sound folders stay silent.
"""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from regime.panel.calendar import business_days, session_closes
from regime.panel.release_times import release_times
from regime.sources.catalogue import Catalogue, Release, SeriesSpec, SplicePart
from regime.sources.data_folder import DataFolder
from regime.sources.quality.calendar_gaps import Sessions
from regime.sources.quality.expectations import (
    BarColumns,
    ChainColumns,
    Expectation,
    RecordColumns,
    ReferenceSeries,
    TableSpec,
)
from regime.sources.quality.inspect_series import CalendarContext, Inspection, inspect_series
from regime.sources.quality.inspect_table import inspect_table
from regime.sources.repairs import Repair

NUMBERS = business_days(16_436, 19_000, False)
NUMBERS = NUMBERS[(NUMBERS >= 16_436) & (NUMBERS <= 19_000)]  # 2015-01-01 .. 2022-01-08
DAYS = pd.DatetimeIndex(NUMBERS.astype("M8[D]").astype("M8[us]"))
FEDERAL = np.setdiff1d(NUMBERS, business_days(16_436, 19_000, True))
CONTEXT = CalendarContext(
    sessions=Sessions(days=NUMBERS, federal=FEDERAL, now=int(NUMBERS[-1])),
    release_times=release_times,
    session_closes=session_closes,
)


def path_of(size: float = 0.01, seed: int = 0) -> np.ndarray:
    return 100 * np.exp(np.random.default_rng(seed).normal(scale=size, size=len(DAYS)).cumsum())


def write(folder: Path, path: str, dates: pd.DatetimeIndex, **columns: Any) -> None:
    pd.DataFrame({"date": dates.strftime("%Y-%m-%d"), **columns}).to_csv(folder / path, index=False)


def spec(**changes: Any) -> SeriesSpec:
    base = {
        "name": "oil",
        "title": "Oil",
        "unit": "USD",
        "frequency": "daily",
        "release": Release(at_close=True),
        "low": 0.1,
        "high": 1e5,
        "max_age_days": 7,
        "path": "oil.csv",
        "column": "value",
        "changes": "log",
    }
    return SeriesSpec(**{**base, **changes})


def series(folder: Path, one: SeriesSpec, expectation: Expectation | None = None) -> Inspection:
    files = DataFolder(folder, Catalogue(series={one.name: one}))
    return inspect_series(one, expectation or Expectation(), files, CONTEXT)


def table(folder: Path, path: str, **changes: Any) -> list[Inspection]:
    return inspect_table(
        TableSpec(**{"name": "t", "title": "T", "paths": (path,), **changes}),
        path,
        DataFolder(folder),
        CONTEXT,
    )


def checks_of(inspection: Inspection, severity: str = "") -> dict[str, int]:
    return {one.check: one.count for one in inspection.findings if severity in ("", one.severity)}


def text(inspection: Inspection, check: str) -> str:
    return next(one.text for one in inspection.findings if one.check == check)


def test_a_sound_series_has_its_row_and_no_warning(tmp_path: Path) -> None:
    write(tmp_path, "oil.csv", DAYS, value=path_of())
    one = series(tmp_path, spec())
    assert (one.verdict, one.sentence, one.findings) == ("ok", "no warning and no fault", ())
    assert (one.first, one.last, one.rows) == (NUMBERS[0], NUMBERS[-1], len(DAYS))
    assert (one.age_days, one.max_age_days, one.gaps.missing, one.repeats, one.outliers) == (
        0,
        7,
        0,
        0,
        0,
    )
    assert one.released == pd.Timestamp("2022-01-07 21:00", tz="UTC")


def test_planted_faults_are_all_named_and_counted_in_the_row(tmp_path: Path) -> None:
    values = path_of()
    values[500] *= 1.3
    values[900:906] = values[900]
    dates = DAYS.delete([300, 301, *range(1200, 1215)])
    write(tmp_path, "oil.csv", dates, value=np.delete(values, [300, 301, *range(1200, 1215)]))
    one = series(tmp_path, spec())
    assert checks_of(one) == {"gaps": 17, "hole": 1, "bad_tick": 1, "frozen": 1}
    assert (one.verdict, one.gaps.missing, one.repeats, one.outliers) == ("warning", 17, 1, 1)
    assert f"{DAYS[500]:%Y-%m-%d}" in one.sentence
    assert "no row on" not in one.sentence  # a note is not what made the verdict


@pytest.mark.parametrize(("required", "verdict"), [(True, "fault"), (False, "warning")])
def test_a_series_that_ends_early_or_is_absent(
    tmp_path: Path, required: bool, verdict: str
) -> None:
    assert (checks_of(series(tmp_path, spec(required=required)))) == {"absent": 1}
    write(tmp_path, "oil.csv", DAYS[:100], value=path_of()[:100])
    one = series(tmp_path, spec(required=required))
    assert (one.verdict, one.age_days) == (verdict, int(NUMBERS[-1] - NUMBERS[99]))
    assert f"ends early: the last value is of {DAYS[99]:%Y-%m-%d}" in one.sentence
    write(tmp_path, "oil.csv", DAYS[:0], value=[])
    assert (series(tmp_path, spec(required=required)).verdict, series(tmp_path, spec()).rows) == (
        verdict,
        0,
    )


def test_values_out_of_range_are_a_fault_with_the_first_line(tmp_path: Path) -> None:
    values = path_of()
    values[[400, 600]] = [1e9, -5]
    write(tmp_path, "oil.csv", DAYS, value=values)
    one = series(tmp_path, spec())
    assert (one.verdict, checks_of(one, "fault")) == ("fault", {"out_of_range": 2})
    assert "oil.csv: line 402" in one.sentence
    assert one.outliers >= 2


@pytest.mark.parametrize(
    ("content", "check"),
    [
        (b"date,value\n2021-01-04,1\n2021-01-05\n", "torn"),
        (b"\xff\xfed\x00", "encoding"),
        (b"<html>", "html"),
        (b"date,value\n2021-01-04,1,2\n2021-01-05,1\n", "ragged"),
        (b"date,value\n2021-01-04,x\n", "unreadable"),
        (b"date,value\n2021-01-05,1\n2021-01-04,1\n", "unreadable"),
        (b"date,value\n1/4/21,1\n", "unreadable"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_typed_fault(
    tmp_path: Path, content: bytes, check: str
) -> None:
    (tmp_path / "oil.csv").write_bytes(content)
    one = series(tmp_path, spec())
    assert (
        one.verdict == "fault"
        and check in checks_of(one, "fault")
        and "unreadable" in checks_of(one)
    )
    (other,) = table(tmp_path, "oil.csv")
    assert other.verdict == "fault" and check in checks_of(other, "fault")


def test_every_series_of_a_broken_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "oil.csv").write_bytes(b"<html>")
    both = [spec(), spec(name="gas", column="gas")]
    folder = DataFolder(tmp_path, Catalogue(series={one.name: one for one in both}))
    assert [
        "unreadable" in checks_of(inspect_series(one, Expectation(), folder, CONTEXT))
        for one in both
    ] == [True, True]


def test_a_thousandth_is_a_fault_and_a_declared_scale_turns_it_into_a_note(tmp_path: Path) -> None:
    values = path_of(0.005)
    values[800:] /= 1000
    write(tmp_path, "oil.csv", DAYS, value=values)
    one = series(tmp_path, spec(low=1e-3))
    assert f"the unit has changed: from {DAYS[800]:%Y-%m-%d} on multiplied by 0.001" in one.sentence
    repair = Repair(kind="scale", first=DAYS[800].date(), factor=1000, reason="billions since")
    repaired = series(tmp_path, spec(low=1e-3, repairs=(repair,)))
    assert (repaired.verdict, checks_of(repaired, "note")) == (
        "ok",
        {"repaired": 1, "unit_break": 1},
    )
    assert text(repaired, "unit_break").endswith("corrected by a declared repair")


def test_a_wrong_repair_is_seen_through(tmp_path: Path) -> None:
    values = path_of(0.005)
    values[800:] /= 1000
    write(tmp_path, "oil.csv", DAYS, value=values)
    late = Repair(kind="scale", first=DAYS[805].date(), factor=1000, reason="billions since")
    assert checks_of(series(tmp_path, spec(low=1e-3, repairs=(late,))), "fault") == {
        "unit_break": 2
    }


def test_dropped_ticks_are_notes_and_others_stay_warnings(tmp_path: Path) -> None:
    values = path_of()
    values[[500, 900]] *= 1.3
    write(tmp_path, "oil.csv", DAYS, value=values)
    drops = tuple(
        Repair(kind="drop", first=day.date(), last=day.date(), reason="bad tick")
        for day in DAYS[[500, 900]]
    )
    both = series(tmp_path, spec(repairs=drops))
    assert (both.verdict, checks_of(both, "note")) == (
        "ok",
        {"repaired": 1, "bad_tick": 2, "gaps": 2},
    )
    one = series(tmp_path, spec(repairs=drops[:1]))
    assert (one.verdict, checks_of(one, "warning")) == ("warning", {"bad_tick": 1})


def test_references_and_bars_of_an_expectation(tmp_path: Path) -> None:
    close = path_of(0.03)
    opening = np.concatenate([[close[0]], close[:-1]])
    stale = close.copy()
    stale[700] = stale[699]
    bars = {
        "open": opening,
        "high": np.maximum(opening, stale),
        "low": np.minimum(opening, stale),
        "close": stale,
    }
    write(tmp_path, "oil.csv", DAYS, value=stale)
    write(tmp_path, "bars.csv", DAYS, **bars)
    write(tmp_path, "true.csv", DAYS, value=close)
    expectation = Expectation(
        bars=BarColumns(path="bars.csv"),
        references=(ReferenceSeries(path="true.csv"), ReferenceSeries(path="absent.csv")),
    )
    one = series(tmp_path, spec(), expectation)
    assert checks_of(one) == {"cross_series": 1, "stale_bar": 1}
    assert all(f"{DAYS[700]:%Y-%m-%d}" in finding.dates for finding in one.findings)
    day = DAYS[700].date()
    repaired = series(
        tmp_path,
        spec(repairs=(Repair(kind="drop", first=day, last=day, reason="stale"),)),
        expectation,
    )
    assert (repaired.verdict, set(checks_of(repaired, "note"))) == (
        "ok",
        {"repaired", "gaps", "stale_bar", "cross_series"},
    )
    (tmp_path / "true.csv").write_text("date,value\n2021-01-04,x\n")
    assert checks_of(series(tmp_path, spec(), expectation)) == {"no_reference": 1, "stale_bar": 1}


def test_what_must_be_known_is_a_note(tmp_path: Path) -> None:
    write(tmp_path, "oil.csv", DAYS[600:], value=path_of()[600:])
    write(tmp_path, "old.csv", DAYS[:700], value=path_of()[:700])
    midnight = Release(calendar_days=1, zone="UTC", time="00:00", roll=False)
    splice = (SplicePart(path="old.csv"),)
    one = series(tmp_path, spec(revised=True, caveat="survivors", release=midnight, splice=splice))
    assert (one.verdict, checks_of(one)) == (
        "ok",
        {"proxy": 600, "revised": 1, "caveat": 1, "late_known": 1},
    )
    assert "public at 00:00 UTC, at the earliest 3 hours after the New York close" in text(
        one, "late_known"
    )
    assert (
        f"600 rows from {DAYS[0]:%Y-%m-%d} to {DAYS[599]:%Y-%m-%d} come from old.csv, a proxy"
        in text(one, "proxy")
    )


def test_rows_after_now_and_federal_holidays_are_reported(tmp_path: Path) -> None:
    kept = ~np.isin(NUMBERS, FEDERAL)
    later = DAYS[kept].append(pd.DatetimeIndex(["2030-01-02"]))
    write(tmp_path, "oil.csv", later, value=np.append(path_of()[kept], 5.0))
    one = series(tmp_path, spec())
    assert checks_of(one) == {"later": 1, "gaps": len(FEDERAL)} and one.last == NUMBERS[-1]
    assert f"{len(FEDERAL)} of them federal holidays" in text(one, "gaps")


def test_a_long_table_gives_one_result_a_group(tmp_path: Path) -> None:
    weeks = pd.date_range(DAYS[0], DAYS[-1], freq="W-TUE")
    rows = pd.concat(
        [
            pd.DataFrame(
                {
                    "date": weeks.strftime("%Y-%m-%d"),
                    "who": who,
                    "held": 1e5 * held,
                    "long": 4e4 * held,
                    "short": -3e4 * held,
                }
            )
            for who, held in (
                ("a", path_of(0.05, 1)[: len(weeks)]),
                ("b", path_of(0.05, 2)[: len(weeks)]),
            )
        ]
    )
    broken = (rows["who"] == "b") & (rows["date"] >= "2020-01-01")
    rows.loc[broken, ["held", "long", "short"]] *= 5
    rows.to_csv(tmp_path / "cot.csv", index=False)
    declared = {
        "by": "who",
        "frequency": "weekly",
        "columns": ("held", "long", "short"),
        "shorts": ("short",),
        "one_unit": True,
        "max_age_days": 20,
    }
    first, second = table(tmp_path, "cot.csv", **declared)
    assert (first.name, first.verdict, checks_of(first)) == (
        "cot.csv[a]",
        "ok",
        {"negative_shorts": len(weeks)},
    )
    assert (second.verdict, set(checks_of(second))) == ("fault", {"negative_shorts", "unit_break"})
    assert "from 2020-01-07 on multiplied by 5 (" in second.sentence


def test_columns_bars_and_holidays_of_a_table(tmp_path: Path) -> None:
    all_days = pd.bdate_range(DAYS[0], DAYS[-1])
    values = pd.Series(path_of(), index=DAYS).reindex(all_days).ffill().to_numpy(copy=True)
    write(tmp_path, "curve.csv", all_days, front=values, back=values * 1.1)
    (one,) = table(
        tmp_path, "curve.csv", columns=("front", "back"), changes="log", low=0.1, high=1e5
    )
    holidays = len(all_days) - len(DAYS)
    assert checks_of(one) == {"holiday_repeats": holidays} and one.repeats == holidays
    values[50] *= 2
    write(
        tmp_path, "curve.csv", all_days, front=values, back=np.where(values > 100, np.inf, values)
    )
    (one,) = table(
        tmp_path, "curve.csv", columns=("front", "back"), changes="log", low=0.1, high=1e5
    )
    assert {finding.column for finding in one.findings if finding.check == "bad_tick"} == {"front"}
    assert text(one, "out_of_range").startswith("`back`: ") and one.verdict == "fault"


def test_prices_sums_chains_and_events(tmp_path: Path) -> None:
    close = path_of()
    write(tmp_path, "etf.csv", DAYS, close=close, adj_close=close, unadj_close=close * 1.1)
    (etf,) = table(tmp_path, "etf.csv", columns=("close",), adjusted=True)
    write(tmp_path, "sum.csv", DAYS, total=3e-4, mean=1e-4, n=3)
    (sums,) = table(
        tmp_path,
        "sum.csv",
        columns=("total",),
        records=RecordColumns(total="total", mean="mean", count="n"),
    )
    day = pd.DatetimeIndex(["2021-07-04"] * 3)
    write(
        tmp_path,
        "chain.csv",
        day,
        expiry=["2021-07-02", "2021-08-20", "2021-08-20"],
        bid=[1, 2, 3],
        ask=[2, 1, 4],
        iv=[0.2, 0.2, 0],
        open_interest=[1, 1, 0],
    )
    (chain,) = table(
        tmp_path, "chain.csv", columns=("bid",), frequency="irregular", chain=ChainColumns()
    )
    write(
        tmp_path,
        "news.csv",
        pd.DatetimeIndex(["2021-05-05", "2021-05-05", "2020-01-01"]),
        eps=[1.0, 2.0, None],
    )
    (news,) = table(tmp_path, "news.csv", columns=("eps",), frequency="events")
    assert (checks_of(etf), checks_of(news)) == ({"adjusted": len(DAYS)}, {})
    assert set(checks_of(sums)) == {"daily_sum"}
    assert checks_of(chain) == {"off_session": 1, "expired": 1, "crossed": 1, "empty": 1}


def test_a_table_without_values_or_with_a_missing_column(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", DAYS[:50], value=None)
    (empty,) = table(tmp_path, "a.csv")
    assert checks_of(empty) == {"empty": 1}
    (lacking,) = table(tmp_path, "a.csv", columns=("close",))
    assert lacking.verdict == "fault" and "no column `close`" in lacking.sentence
    (barless,) = table(tmp_path, "a.csv", bars=BarColumns())
    assert checks_of(barless) == {"empty": 1}


def test_finding_nothing_wrong_is_the_rule_over_clean_folders(tmp_path: Path) -> None:
    flagged = []
    for seed in range(100):
        tails = np.random.default_rng(seed).standard_t(4, size=len(DAYS)) * 0.007
        write(tmp_path, "oil.csv", DAYS, value=np.round(50 * np.exp(tails.cumsum()), 2).clip(0.01))
        if series(tmp_path, replace(spec(), high=1e9, low=1e-6)).verdict != "ok":
            flagged.append(seed)
    assert len(flagged) <= 1, flagged


def test_repairs_of_one_day_carry_their_reason(tmp_path: Path) -> None:
    write(tmp_path, "oil.csv", DAYS, value=path_of())
    repair = Repair(
        kind="drop", first=date(2020, 3, 2), last=date(2020, 3, 2), reason="198.71 was reported"
    )
    one = series(tmp_path, spec(repairs=(repair,)))
    assert (
        text(one, "repaired") == "declared repair, 1 row dropped: 2020-03-02 (198.71 was reported)"
    )

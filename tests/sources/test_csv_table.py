"""One CSV file, read strictly: what counts as a number or a date, and which line a fault is on."""

import numpy as np
import pytest

from regime.errors import InvalidDataError
from regime.sources.csv_table import CsvTable, parse_table

GOOD = b"date,value\n2024-01-02,1.5\n2024-01-03,2\n"


def table_of(content: bytes, *columns: str) -> CsvTable:
    table = parse_table(content, "a.csv", columns or ("value",))
    assert table is not None
    return table


def every(table: CsvTable) -> np.ndarray:
    return np.arange(len(table.days))


@pytest.mark.parametrize(
    "content",
    [
        GOOD,
        b"\xef\xbb\xbf" + GOOD,
        GOOD.replace(b"\n", b"\r\n"),
        GOOD.replace(b"\n", b"\r"),
        GOOD.rstrip(b"\n"),
        GOOD + b"\n\n",
        b'"date","value"\n"2024-01-02","1.5"\n2024-01-03, 2 \n',
        b"other,value,date\n,1.5,2024-01-02\n,2e0,2024-01-03\n",
    ],
)
def test_forms_that_mean_the_same(content: bytes) -> None:
    table = table_of(content)
    assert table.numbers("value", every(table)).tolist() == [1.5, 2.0]
    assert np.datetime64(int(table.days[1]), "D") == np.datetime64("2024-01-03")


@pytest.mark.parametrize("content", [b"", b"  \r\n\n", b"date,value\n", b"date,value"])
def test_a_file_without_rows_is_none(content: bytes) -> None:
    assert parse_table(content, "a.csv", ["value"]) is None


def test_nothing_and_a_dot_are_missing() -> None:
    table = table_of(b"date,value\n2024-01-02,\n2024-01-03,.\n2024-01-04, \n2024-01-05,7\n")
    assert np.isnan(table.numbers("value", every(table))).tolist() == [True, True, True, False]


@pytest.mark.parametrize(
    "text", ["abc", "1,5", "1_0", "0x1", "NaN", "nan", "#N/A", "NA", "1.5%", "٣", "--", "1.2.3"]
)
def test_text_in_numbers_names_its_line(text: str) -> None:
    table = table_of(
        f'date,value\n2024-01-02,1\n\n2024-01-03,2\n2024-01-04,"{text}"\n2024-01-05,x\n'.encode()
    )
    with pytest.raises(
        InvalidDataError,
        match=r"a\.csv: line 5: column `value`: `.*` is no number; leave the field",
    ):
        table.numbers("value", every(table))


def test_infinite_and_huge_numbers_reach_the_range_check() -> None:
    table = table_of(b"date,value\n2024-01-02,inf\n2024-01-03,-1e400\n")
    assert table.numbers("value", every(table)).tolist() == [np.inf, -np.inf]


@pytest.mark.parametrize(
    "text", ["01/02/2024", "2024-1-2", "20240102", "2024-02-30", "", "2024-01-02 16:00", "45293"]
)
def test_any_other_date_form_is_refused(text: str) -> None:
    with pytest.raises(
        InvalidDataError, match=r"a\.csv: line 3: date `.*` is not of the form YYYY-MM-DD"
    ):
        table_of(f"date,value\n2024-01-02,1\n{text},2\n2024-01-04,3\n".encode())


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"<!DOCTYPE html><html>\n", "line 1: a page of HTML"),
        (b"\n <html>", "line 1: a page of HTML"),
        (b"Exceeded the daily hits limit\n", "line 1: no column `date`"),
        (b"date,Value\n2024-01-02,1\n", r"line 1: no column `value` \(is it `Value`\?\)"),
        (b"date,value,value\n2024-01-02,1,2\n", "line 1: column `value` is named twice"),
        (b"date,value\n2024-01-02,1\n2024-01-03\n", "line 3: 1 fields where the header has 2"),
        (b"date,value\n2024-01-02,1,\n", "line 2: 3 fields where the header has 2"),
        (b"date,value\n2024-01-02,1\n2024-01-03,\xff\n", r"a\.csv"),
        (
            b"date,value\n2024-01-02," + b"9" * 200_000 + b"\n2024-01-03\n",
            "line 3: 1 fields|line 2: 1 fields",
        ),
        (b"\n" + GOOD, "the header is ``"),
        (b"\xff\xfed\x00a\x00", "not UTF-8"),
    ],
)
def test_a_broken_file_names_line_rule_and_mend(content: bytes, fault: str) -> None:
    with pytest.raises(InvalidDataError, match=fault):
        table_of(content)


def test_dates_must_rise_among_the_rows_asked_for() -> None:
    rows = b"2024-01-02,a,1\n2024-01-03,a,2\n2024-01-02,b,3\n2024-01-02,b,4\n2024-01-01,a,4\n"
    table = table_of(b"date,kind,value\n" + rows, "kind", "value")
    table.check_rising(np.flatnonzero(table.rows({"kind": "a"}))[:2])
    with pytest.raises(
        InvalidDataError, match="line 5: date 2024-01-02 repeats: keep one row a date"
    ):
        table.check_rising(np.flatnonzero(table.rows({"kind": "b"})))
    with pytest.raises(
        InvalidDataError, match="line 6: date 2024-01-01 follows 2024-01-03: sort the file"
    ):
        table.check_rising(np.flatnonzero(table.rows({"kind": "a"})))


def test_where_may_name_several_columns() -> None:
    table = table_of(
        b"date,kind,side,value\n2024-01-02,a,long,1\n2024-01-02,a,short,2\n",
        "kind",
        "side",
        "value",
    )
    assert table.rows({"kind": "a", "side": "short"}).tolist() == [False, True]
    assert table.rows(None).all()

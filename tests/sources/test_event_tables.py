"""Event files: every column as text, faults by file and column."""

import pytest

from regime.errors import InvalidDataError, MissingDataError
from regime.sources.event_tables import read_events


def write(tmp_path, text):
    path = tmp_path / "earnings.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_column_comes_as_text(tmp_path):
    table = read_events(
        write(tmp_path, "date,ticker,surprise_pct,note\n2024-02-01,NA,,kept\n2024-01-31,A,1.5,\n"),
        ["ticker", "surprise_pct"],
    )
    assert table.columns.tolist() == ["date", "ticker", "surprise_pct", "note"]
    assert table.to_numpy().tolist() == [
        ["2024-02-01", "NA", "", "kept"],
        ["2024-01-31", "A", "1.5", ""],
    ]


def test_a_header_alone_is_an_empty_table(tmp_path):
    table = read_events(write(tmp_path, "date,ticker\n"), ["ticker"])
    assert table.empty and table.columns.tolist() == ["date", "ticker"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the file is empty"),
        ("date,tiker\n2024-01-01,A\n", r"no column `ticker` \(is it `tiker`\?\)"),
        ("ticker\nA\n", "no column `date`"),
        ("<html>", "a page of HTML"),
        ("date,ticker\n2024-01-01,A,B\n", "3 fields where the header has 2"),
        ("date,ticker\n01/02/2024,A\n", "YYYY-MM-DD"),
    ],
)
def test_what_is_no_table_of_events_is_refused(tmp_path, text, words):
    with pytest.raises(InvalidDataError, match=words) as caught:
        read_events(write(tmp_path, text), ["ticker"])
    assert "earnings.csv" in str(caught.value)


def test_a_file_that_is_not_there_is_missing(tmp_path):
    with pytest.raises(MissingDataError, match="no such file"):
        read_events(tmp_path / "earnings.csv", ["ticker"])

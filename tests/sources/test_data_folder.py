"""One reader of a folder: which series it can give, and each file opened and parsed once."""

import hashlib
from pathlib import Path

import pytest

from regime.errors import InvalidDataError
from regime.sources import csv_table
from regime.sources.catalogue import Catalogue, Release, SeriesSpec, load_catalogue
from regime.sources.data_folder import DataFolder, available_series

NAMES = ("sp500", "spy", "spy_volume", "spy_open", "vix", "qqq")


def write(folder, path, text):
    (folder / path).parent.mkdir(exist_ok=True)
    (folder / path).write_text(text, encoding="utf-8")


def names(folder, strict=()):
    return set(
        available_series(
            load_catalogue().with_bars(["spy", "qqq"]).only([*NAMES, "spy_traded"]), folder, strict
        ).series
    )


def test_a_series_whose_column_a_file_lacks_is_left_out(tmp_path):
    write(tmp_path, "prices/SPY.csv", '\ufeffdate,adj_close,"volume"\n')
    assert names(tmp_path) == {*NAMES} - {"spy_open"}


def test_required_and_strict_series_and_absent_files_stay(tmp_path):
    write(tmp_path, "prices/SPY.csv", "date,price\n")
    assert names(tmp_path) == {"sp500", "spy", "vix", "qqq"}
    assert names(tmp_path, ["spy_volume"]) == {"sp500", "spy", "vix", "qqq", "spy_volume"}
    assert names(None) == {*NAMES, "spy_traded"}


def test_what_is_no_table_is_left_to_the_source(tmp_path):
    for text in ("<html>", "", "\n", "close,volume\n"):
        write(tmp_path, "prices/SPY.csv", text)
        assert names(tmp_path) == {*NAMES, "spy_traded"}, text


def spec(name, path, column="value", **changes):
    return SeriesSpec(
        name=name,
        title=name,
        unit="index",
        frequency="daily",
        release=Release(at_close=True),
        low=0.0,
        high=1e6,
        max_age_days=10,
        path=path,
        column=column,
        **changes,
    )


ROWS = "date,a,b,c,known\n2024-01-02,1,10,x,2024-01-03\n2024-01-03,2,,y,2024-01-04\n"


def test_a_file_is_opened_once_and_parsed_in_one_pass_whoever_asks(tmp_path, monkeypatch):
    (tmp_path / "t.csv").write_text(ROWS, encoding="utf-8")
    catalogue = Catalogue(series={"a": spec("a", "t.csv", "a"), "b": spec("b", "t.csv", "b")})
    passes = []
    read = csv_table._read
    monkeypatch.setattr(csv_table, "_read", lambda *args: passes.append(args[2]) or read(*args))
    opened = []
    content = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: opened.append(path) or content(path))
    folder = DataFolder(tmp_path, catalogue)
    folder.announce("t.csv", ["c", "known", "not_there"])
    assert folder.series(catalogue.series["a"], None).values.tolist() == [1.0, 2.0]
    assert folder.series(catalogue.series["b"], None).values.tolist() == [10.0]
    columns = folder.columns("t.csv", ["a"], {"c": "y"})
    assert columns.numbers["a"].tolist() == [2.0]
    assert folder.texts("t.csv", "c") == ["x", "y"]
    assert folder.dates("t.csv", "known", now=int(columns.days[0]) - 1).tolist() == [19725]
    assert folder.header("t.csv") == ("date", "a", "b", "c", "known")
    assert folder.computed("t.csv", len) == folder.computed("t.csv", len) == len(ROWS)
    assert (len(opened), len(passes)) == (1, 1)


def test_a_column_that_was_not_announced_is_parsed_alone(tmp_path):
    (tmp_path / "t.csv").write_text(ROWS, encoding="utf-8")
    folder = DataFolder(tmp_path)
    assert folder.columns("t.csv", ["a"]).finite("a")[1].tolist() == [1.0, 2.0]
    days, values = folder.columns("t.csv", ["b"]).finite("b")
    assert (days.tolist(), values.tolist()) == ([19724], [10.0])
    with pytest.raises(InvalidDataError, match=r"t\.csv: line 1: no column `d`"):
        folder.columns("t.csv", ["d"])


def test_a_damaged_announced_column_leaves_the_others_readable(tmp_path):
    (tmp_path / "t.csv").write_bytes(b"date,a,c\n2024-01-02,1,\xff\n")
    folder = DataFolder(tmp_path)
    folder.announce("t.csv", ["c"])
    assert folder.columns("t.csv", ["a"]).numbers["a"].tolist() == [1.0]
    with pytest.raises(InvalidDataError):
        folder.texts("t.csv", "c")


def test_every_series_of_a_broken_file_carries_its_fault(tmp_path):
    (tmp_path / "t.csv").write_text("date,a\n2024-01-02,1\n", encoding="utf-8")
    both = Catalogue(series={"a": spec("a", "t.csv", "a"), "b": spec("b", "t.csv", "b")})
    folder = DataFolder(tmp_path, both)
    for each in both.series.values():
        rows = folder.series(each, None)
        assert not len(rows.days) and not rows.absent
        assert rows.faults[0].startswith("t.csv: line 1: no column `b`")


def test_absent_and_unreadable_files_are_different(tmp_path):
    (tmp_path / "d.csv").mkdir()
    folder = DataFolder(
        tmp_path, Catalogue(series={"a": spec("a", "a.csv"), "d": spec("d", "d.csv")})
    )
    absent = folder.series(spec("a", "a.csv"), None)
    assert absent.absent and absent.faults == ()
    assert "must be a readable file" in folder.series(spec("d", "d.csv"), None).faults[0]
    assert folder.columns("a.csv", ["value"]) is None
    assert folder.header("a.csv") == folder.header("d.csv") == ()
    assert folder.computed("d.csv", len) == 0
    assert folder.files() == [] and folder.matching("*.csv") == []


def test_the_hash_is_that_of_the_files_read(tmp_path):
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("date,value\n2024-01-02,1\n", encoding="utf-8")
    folder = DataFolder(tmp_path, Catalogue(series={"a": spec("a", "a.csv")}))
    before = folder.hash()
    folder.series(spec("a", "a.csv"), None)
    digest = hashlib.sha256((tmp_path / "a.csv").read_bytes()).hexdigest()
    assert before == hashlib.sha256(b"").hexdigest()
    assert folder.hash() == hashlib.sha256(f"a.csv\0{digest}\n".encode()).hexdigest()

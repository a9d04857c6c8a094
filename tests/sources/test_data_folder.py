"""Which series a folder can give, by the headers of its files alone."""

from regime.sources.catalogue import load_catalogue
from regime.sources.data_folder import available_series

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

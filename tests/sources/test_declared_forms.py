"""Missing codes and thousands.

Only what the catalogue declares for a file, and nothing by guess.
"""

import numpy as np
import pytest

from regime.errors import ConfigError, InvalidDataError
from regime.sources.catalogue import Release, SeriesSpec, SplicePart
from regime.sources.csv_table import CsvTable, parse_table


def table_of(*texts: str) -> CsvTable:
    rows = "".join(f'2024-01-{day:02d},"{text}"\n' for day, text in enumerate(texts, start=1))
    table = parse_table(f"date,value\n{rows}".encode(), "a.csv", ["value"])
    assert table is not None
    return table


def numbers(*texts: str, **declared: object) -> list[float]:
    return table_of(*texts).numbers("value", np.arange(len(texts)), **declared).tolist()  # type: ignore[arg-type]


@pytest.mark.parametrize("code", ["ND", "-9999", "#N/A", "NaN", "null"])
def test_a_declared_code_is_no_value_and_an_undeclared_one_is_text_or_a_number(code: str) -> None:
    found = numbers("1", code, "2", missing=(code,))
    assert found[0] == 1 and np.isnan(found[1]) and found[2] == 2
    if code == "-9999":
        assert numbers("1", code, "2") == [1, -9999, 2]
    else:
        with pytest.raises(InvalidDataError, match="line 3: column `value`"):
            numbers("1", code, "2")


@pytest.mark.parametrize(
    ("mark", "text"),
    [(",", "1,234,567.5"), ("'", "1'234'567.5"), (" ", "1 234 567.5"), ("_", "1_234_567.5")],
)
def test_declared_thousands_are_read_and_undeclared_ones_refused(mark: str, text: str) -> None:
    assert numbers(text, f"-{text}", "12", "", thousands=mark)[:3] == [1234567.5, -1234567.5, 12]
    with pytest.raises(InvalidDataError, match="line 2: column `value`"):
        numbers(text)


@pytest.mark.parametrize("text", ["1,23", "1,2345", ",123", "1,234,56", "12,34,567", "1.5,000"])
def test_what_is_grouped_otherwise_is_no_number(text: str) -> None:
    with pytest.raises(InvalidDataError, match="line 3: column `value`"):
        numbers("1", text, thousands=",")


def test_a_file_declares_its_own_marks_only() -> None:
    base = {
        "name": "x",
        "title": "X",
        "unit": "u",
        "frequency": "daily",
        "release": Release(days=1),
        "low": 0.0,
        "high": 1.0,
        "max_age_days": 7,
        "path": "x.csv",
        "column": "value",
    }
    with pytest.raises(ConfigError, match="thousands: must be one of"):
        SeriesSpec(**base, thousands=".")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="thousands: must be one of"):
        SeriesSpec(**base, splice=(SplicePart(path="y.csv", thousands="x"),))  # type: ignore[arg-type]

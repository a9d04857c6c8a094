"""The dollar on real data: what was expected of the dates of the issue, and the great dashes."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from regime.mechanisms.dollar import INPUTS, DollarStress, carry_unwind, dash_for_dollars, equity_correlation
from regime.panel.as_of import AsOf
from regime.panel.releases import release_times
from regime.sources.catalogue import load_catalogue
from regime.sources.files import FileSource

pytestmark = pytest.mark.real
GOLDEN = Path(__file__).parent.parent / "golden" / "flows_expectations.dollar.yaml"
READINGS: dict[str, dict[str, Any]] = {f"{row['date']}": row for row in yaml.safe_load(GOLDEN.read_text())["readings"]}
NAMES = [*INPUTS, "broad_dollar"]


@pytest.fixture(scope="module")
def known(real_data: Path) -> AsOf:
    catalogue = load_catalogue()
    reading = FileSource().read(catalogue, real_data, NAMES, release_times=release_times)
    return AsOf(reading.observations, {name: catalogue.series[name].max_age_days for name in NAMES})


@pytest.fixture(scope="module")
def values(known: AsOf) -> pd.DataFrame:
    sessions = known.history("sp500", pd.Timestamp("2024-12-31")).loc["2002":].index
    return known.panel(pd.DatetimeIndex(sessions, name="date")).values


def holds(value: Any, expected: Any) -> bool:
    """Whether a value of a reading is of the expected sign, beyond a bound, unknown, or what stands there."""
    words = str(expected).split()
    if words[0] in ("positive", "negative", "above", "below") and value is not None:
        bound = float(words[1]) if len(words) > 1 else 0.0
        return bool(value > bound if words[0] in ("positive", "above") else value < bound)
    if words[0] == "not":
        return bool(value is not None and value != " ".join(words[1:]))
    return value is None if expected == "unknown" else bool(value == expected)


def at(reading: dict[str, Any], path: str) -> Any:
    for key in path.split("."):
        reading = reading[key]
    return reading


@pytest.mark.parametrize("date", READINGS)
def test_what_was_expected_before_the_first_run(values: pd.DataFrame, date: str) -> None:
    row, reading = READINGS[date], DollarStress()(values, pd.Timestamp(date)).to_dict()
    missed = [path for path, expected in row["expect"].items() if not holds(at(reading, path), expected)]
    assert missed == row.get("missed", []), {path: at(reading, path) for path in missed}
    assert not missed or row["outcome"]


def test_all_dates_of_the_issue_are_there() -> None:
    assert list(READINGS) == ["2008-09-16", "2011-08-09", "2018-02-06", "2019-09-18", "2020-02-25", "2020-03-13",
                              "2021-05-20", "2022-06-13", "2023-03-13", "2024-08-06"]


def test_the_great_dashes_are_those_that_are_remembered(values: pd.DataFrame) -> None:
    score = dash_for_dollars(values)
    assert "2020-03-16" <= f"{score.idxmax():%Y-%m-%d}" <= "2020-03-23"
    worst = score.groupby(pd.PeriodIndex(score.index, freq="M")).max().nlargest(4)
    assert {"2020-03", "2008-10"} <= {str(month) for month in worst.index}
    assert score.loc["2021-05"].max() < 0.3  # the 519 type is no dash


def test_dollar_and_equities_changed_sign(values: pd.DataFrame) -> None:
    """A trap of the study: with equities in some years, against them in others."""
    link = equity_correlation(values)
    assert link.loc["2010":"2012"].mean() < -0.3 and link.loc["2022"].mean() < -0.3
    assert link.loc["2003"].mean() > 0.2 and link.loc["2015"].mean() > 0.1


def test_the_carry_trade_came_off_in_the_weeks_that_are_remembered(values: pd.DataFrame) -> None:
    unwind = carry_unwind(values)
    assert unwind.loc["2024-08-05":"2024-08-06"].max() > 3 and unwind.loc["2008-10-20":"2008-10-28"].max() > 2


def test_the_broad_index_is_told_inside_its_vintage(values: pd.DataFrame, known: AsOf) -> None:
    day = pd.Timestamp("2022-09-28")
    told = DollarStress()(values, day, broad=known.history("broad_dollar", day)).to_dict()["broad"]
    assert told["move_63"] > 0.5 and told["vintage"] == "one, revised"

"""The long end on real data: what was expected of the dates of the issue, and when it was the story."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from regime.mechanisms.long_end import INPUTS, LongEnd, bear_steepening, mortgage_spread, rate_volatility
from regime.panel.as_of import AsOf
from regime.panel.releases import release_times
from regime.sources.catalogue import load_catalogue
from regime.sources.files import FileSource

pytestmark = pytest.mark.real
GOLDEN = Path(__file__).parent.parent / "golden" / "flows_expectations.long_end.yaml"
READINGS: dict[str, dict[str, Any]] = {f"{row['date']}": row for row in yaml.safe_load(GOLDEN.read_text())["readings"]}
NAMES = ["sp500", *INPUTS, "term_premium"]


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
    row, reading = READINGS[date], LongEnd()(values, pd.Timestamp(date)).to_dict()
    missed = [path for path, expected in row["expect"].items() if not holds(at(reading, path), expected)]
    assert missed == row.get("missed", []), {path: at(reading, path) for path in missed}
    assert not missed or row["outcome"]


def test_all_dates_of_the_issue_are_there() -> None:
    assert list(READINGS) == ["2008-09-16", "2011-08-09", "2018-02-06", "2019-09-18", "2020-02-25", "2020-03-13",
                              "2021-05-20", "2022-06-13", "2023-03-13", "2024-08-06"]


def test_it_strains_when_long_money_was_the_story(values: pd.DataFrame) -> None:
    score = LongEnd().score(values)
    strained = (score >= 0.5).groupby(score.index.year).sum()
    assert strained.loc[2013] > 20 and strained.loc[2022] > 50  # the taper tantrum, and the hikes
    assert strained.loc[[2010, 2012, 2014, 2017, 2019]].max() <= 2
    assert bear_steepening(values, 21).loc["2023-09-20":"2023-10-31"].max() > 1.5  # the term premium's autumn
    assert bear_steepening(values).loc["2019-08"].max() == 0.0


def test_mortgages_were_widest_when_nobody_bought_them(values: pd.DataFrame) -> None:
    spread = mortgage_spread(values)
    assert spread.loc["2008-10":"2008-12"].max() > 2.5 and spread.loc["2023"].max() > 2.7
    assert spread.loc["2021"].mean() < 1.7


def test_the_stale_days_of_the_move_are_not_read(values: pd.DataFrame) -> None:
    """169.65 of 2023-03-15 is the close before, written again; the index stood at 198.71."""
    move = values["move"]
    assert move.loc["2023-03-15"] == move.loc["2023-03-16"] == pytest.approx(173.59, abs=6)
    assert rate_volatility(values).loc["2023-03-14":"2023-03-20"].min() > 0.2


def test_the_term_premium_is_told_inside_its_vintage(values: pd.DataFrame, known: AsOf) -> None:
    day = pd.Timestamp("2023-10-31")
    told = LongEnd()(values, day, term_premium=known.history("term_premium", day)).to_dict()["term_premium"]
    assert told["change_63_points"] > 0.4 and told["vintage"] == "one, revised"

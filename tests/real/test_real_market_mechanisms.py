"""Valuation, cross-asset selling, crypto and depth on real data.

What was expected, what was read, and known facts.
"""

import operator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from regime.errors import InvalidDataError
from regime.mechanisms.cross_asset.mechanism import CrossAssetSelling
from regime.mechanisms.crypto import CryptoStress
from regime.mechanisms.market_depth.mechanism import MarketDepth
from regime.mechanisms.tech_valuation.mechanism import TechValuation, ValuationTables
from regime.panel.as_of import AsOf
from regime.panel.calendar import session_closes
from regime.panel.releases import release_times
from regime.sources.catalogue import load_catalogue
from regime.sources.files import FileSource

pytestmark = pytest.mark.real
GOLDEN = Path(__file__).parents[1] / "golden"
EXPECTED = {
    name: yaml.safe_load((GOLDEN / f"flows_expectations.{name}.yaml").read_text(encoding="utf-8"))
    for name in ("cross_asset", "crypto", "depth", "valuation")
}
CASES = [(name, str(date)) for name, dates in EXPECTED.items() for date in dates]
HOLDS = {">=": operator.ge, "<=": operator.le}


@pytest.fixture(scope="module")
def values(real_data: Path) -> pd.DataFrame:
    catalogue = load_catalogue().with_bars(["spy", "qqq"])
    reading = FileSource().read(catalogue, real_data, release_times=release_times)
    sessions = reading.sessions[reading.sessions >= pd.Timestamp("1990-01-01")]
    return AsOf(reading.observations, catalogue.max_age).panel(sessions).values


@pytest.fixture(scope="module")
def tables(real_data: Path, values: pd.DataFrame) -> ValuationTables:
    folder = real_data / "valuation"
    return ValuationTables(
        earnings=pd.read_csv(folder / "earnings_surprise_sp500.csv", dtype=str),
        capex=pd.read_csv(folder / "hyperscaler_capex_quarterly.csv", dtype=str),
        closes=session_closes(pd.DatetimeIndex(values.index)),
    )


@pytest.fixture(scope="module")
def read(values: pd.DataFrame, tables: ValuationTables) -> Any:
    made: dict[tuple[str, str], dict[str, Any]] = {}

    def one(name: str, date: str) -> dict[str, Any]:
        if (name, date) not in made:
            made[name, date] = {
                "cross_asset": lambda: CrossAssetSelling()(values, date),
                "crypto": lambda: CryptoStress()(values, date),
                "depth": lambda: MarketDepth()(values, date, closes=tables.closes),
                "valuation": lambda: TechValuation()(values, date, tables),
            }[name]().to_dict()
        return made[name, date]

    return one


def at(told: dict[str, Any], place: str) -> Any:
    for key in place.split("."):
        told = told[key]
    return told


def holds(value: Any, condition: str) -> bool:
    word, bound = condition.split(" ", 1)
    if word == "is":
        return str(value).lower() == bound
    return value is not None and HOLDS[word](value, float(bound))


@pytest.mark.parametrize(("name", "date"), CASES)
def test_readings_are_as_expected_or_a_known_miss(read: Any, name: str, date: str) -> None:
    told = read(name, date)
    for one in EXPECTED[name][pd.Timestamp(date).date()]:
        value = at(told, one["at"])
        golden = one["read"]
        close = pytest.approx(golden, rel=2e-3, abs=1e-4) if isinstance(golden, float) else golden
        assert value == close, one
        assert holds(value, one["expect"]) != ("outcome" in one), f"{one['at']} is {value}: {one}"


def test_all_dates_of_the_issue_have_expectations_and_few_are_missed() -> None:
    dates = {
        "2008-09-16",
        "2011-08-09",
        "2018-02-06",
        "2019-09-18",
        "2020-02-25",
        "2020-03-13",
        "2021-05-20",
        "2022-06-13",
        "2023-03-13",
        "2024-08-06",
    }
    told = [one for name in EXPECTED for ones in EXPECTED[name].values() for one in ones]
    assert all({str(date) for date in EXPECTED[name]} == dates for name in EXPECTED)
    assert (
        all(one["because"] for one in told)
        and sum("outcome" in one for one in told) <= len(told) / 10
    )


def test_a_312_and_a_519_are_not_alike(read: Any) -> None:
    macro, crypto = (read("cross_asset", date) for date in ("2020-03-13", "2021-05-20"))
    assert macro["breadth"]["10"] > 4 * crypto["breadth"]["10"]
    assert macro["havens"]["failed"] and not crypto["havens"]["failed"]
    assert all(
        read("crypto", date)["bitcoin"]["return_5"] < -0.2 for date in ("2020-03-13", "2021-05-20")
    )


def test_turbulence_is_largest_in_the_crises(values: pd.DataFrame) -> None:
    week = CrossAssetSelling().history(values)["turbulence_week"]
    worst = week[week.index >= "2000-01-01"].nlargest(60)
    assert set(worst.index.year) <= {
        2000,
        2001,
        2006,
        2007,
        2008,
        2011,
        2013,
        2015,
        2016,
        2018,
        2020,
        2024,
    }
    assert worst.index[0].year in (2008, 2020)


def test_reports_of_the_leaders_against_the_record(
    values: pd.DataFrame, tables: ValuationTables
) -> None:
    """Nvidia's report of 2023-05-24 moved the next session by 24 %.

    Meta's of 2022-02-02 by -26 %.
    """
    from regime.mechanisms.tech_valuation.earnings import earnings_events, report_reactions

    events = earnings_events(tables.earnings)
    moved = report_reactions(
        events, values[["nvda", "meta"]], values["sp500"] * 0 + 1, tables.closes
    )
    moved.index = values.index[moved["session"]]
    assert moved.loc["2023-05-25", "reaction"] == pytest.approx(0.2437, abs=0.002)
    assert moved.loc["2022-02-03", "reaction"] == pytest.approx(-0.2639, abs=0.002)


def test_the_sampled_file_has_no_release_dates(real_data: Path, values: pd.DataFrame) -> None:
    sampled = pd.read_csv(real_data / "valuation" / "forward_pe_consensus_sampled.csv", dtype=str)
    with pytest.raises(InvalidDataError, match="column `released` is absent"):
        TechValuation()(values, "2024-08-06", ValuationTables(multiples=sampled))


def test_nothing_is_infinite(values: pd.DataFrame) -> None:
    for history in (
        CrossAssetSelling().history(values),
        CryptoStress().history(values),
        MarketDepth()(values, values.index[-1]).history,
    ):
        assert not np.isinf(history.to_numpy(dtype=float)).any()

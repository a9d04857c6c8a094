"""Futures positions, rule-driven funds and pension funds on real data.

Expectations written before, and published facts.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from regime.mechanisms.futures_positioning.contracts import CONTRACTS
from regime.mechanisms.futures_positioning.mechanism import FuturesPositions
from regime.mechanisms.futures_positioning.positioning import net_share
from regime.mechanisms.pension import PensionFunds
from regime.mechanisms.volatility_targeting.margin_debt import margin_growth
from regime.mechanisms.volatility_targeting.mechanism import VolControl
from regime.mechanisms.volatility_targeting.risk_parity import ASSETS, risk_parity_exposure
from regime.mechanisms.volatility_targeting.vol_control import vol_control_exposure
from regime.panel.as_of import AsOf
from regime.panel.release_times import release_times
from regime.sources.catalogue import load_catalogue
from regime.sources.file_source import FileSource

pytestmark = pytest.mark.real
GOLDEN = Path(__file__).parents[1] / "golden"
MECHANISMS = {
    "positions": FuturesPositions(),
    "vol_control": VolControl(),
    "pension": PensionFunds(),
}


def expectations(name: str) -> list[dict[str, Any]]:
    """What was expected on each date, what was read, and which expectations were missed."""
    text = (GOLDEN / f"flows_expectations.{name}.yaml").read_text(encoding="utf-8")
    readings: list[dict[str, Any]] = yaml.safe_load(text)["readings"]
    return readings


CASES = [
    pytest.param(name, row, id=f"{name}-{row['date']}")
    for name in MECHANISMS
    for row in expectations(name)
]


@pytest.fixture(scope="module")
def values(real_data: Path) -> pd.DataFrame:
    groups = [group for contract in CONTRACTS.values() for group in contract.groups.values()]
    names = {name for group in groups for name in group.inputs} | {
        contract.price for contract in CONTRACTS.values()
    }
    catalogue = load_catalogue().only(names | {*ASSETS.values(), "sp500", "dgs3mo", "margin_debt"})
    reading = FileSource().read(catalogue, real_data, catalogue.series, release_times=release_times)
    return AsOf(reading.observations, catalogue.max_age).panel(reading.sessions).values


def at(table: dict[str, Any], path: str) -> Any:
    found: Any = table
    for part in path.split("."):
        found = found[part]
    return found


def holds(found: Any, wanted: Any) -> bool:
    """Whether a reading is as expected: a sign, a bound, or what must stand there."""
    kind, _, bound = str(wanted).partition(" ")
    if kind in ("positive", "above"):
        return bool(found > float(bound or 0))
    if kind in ("negative", "below"):
        return bool(found < float(bound or 0))
    return bool(found == wanted)


@pytest.mark.parametrize(("name", "row"), CASES)
def test_expected_readings(values: pd.DataFrame, name: str, row: dict[str, Any]) -> None:
    table = MECHANISMS[name](values, pd.Timestamp(row["date"])).to_dict()
    missed = {path for path, wanted in row["expect"].items() if not holds(at(table, path), wanted)}
    assert missed == set(row.get("misses", []))  # a known miss must stay one, with its explanation
    assert row["outcome"].startswith("Missed") if missed else row["outcome"] == "as expected"
    for path, number in row["read"].items():
        number_read = isinstance(number, int | float) and not isinstance(number, bool)
        assert at(table, path) == (
            pytest.approx(number, rel=1e-3, abs=1e-6) if number_read else number
        )


@pytest.mark.parametrize("name", MECHANISMS)
def test_the_future_does_not_change_a_reading(values: pd.DataFrame, name: str) -> None:
    for date in ("2011-08-09", "2020-03-13"):
        whole = MECHANISMS[name](values, pd.Timestamp(date))
        assert whole.to_dict() == MECHANISMS[name](values.loc[:date], pd.Timestamp(date)).to_dict()


def test_a_report_counts_from_the_friday_of_its_publication(values: pd.DataFrame) -> None:
    """That of Tuesday, 30 July 2024."""
    share = net_share(values, CONTRACTS["sp500"].groups["leveraged_funds"])
    assert share["2024-08-02"] == pytest.approx(-247_211 / 2_058_295)
    assert share["2024-08-01"] != share["2024-08-02"] == share["2024-08-08"] != share["2024-08-09"]


def test_the_change_of_unit_leaves_no_mark(values: pd.DataFrame) -> None:
    """Contracts became five times as many on 2 May 2023; shares and entries do not know."""
    for contract, group in (
        ("sp500", "leveraged_funds"),
        ("sp500", "asset_managers"),
        ("nasdaq", "leveraged_funds"),
    ):
        share = net_share(values, CONTRACTS[contract].groups[group]).loc["2022":"2024"]
        step = abs(share["2023-05-05"] - share["2023-04-28"])
        assert step < share.diff().abs()[share.diff() != 0].quantile(0.9)
    before, after = (
        FuturesPositions(contracts=("sp500",))(values, pd.Timestamp(date)).to_dict()["contracts"][
            "sp500"
        ]
        for date in ("2023-05-04", "2023-05-05")
    )
    assert abs(before["price_above_entry"] - after["price_above_entry"]) < 0.05


def test_dealers_are_absent_where_their_file_is(values: pd.DataFrame) -> None:
    there = {
        date: FuturesPositions(contracts=("sp500",))(values, pd.Timestamp(date)).to_dict()[
            "contracts"
        ]["sp500"]
        for date in ("2023-02-03", "2023-09-05", "2024-02-06", "2024-08-06")
    }
    assert [table["dealers"]["available"] for table in there.values()] == [True, False, True, False]
    assert all(table["available"] for table in there.values())


def test_margin_growth_is_what_finra_prints(values: pd.DataFrame, real_data: Path) -> None:
    printed = pd.read_csv(
        real_data / "positioning/finra_margin_debt_yoy.csv", index_col=0, parse_dates=True
    )["yoy_pct"]
    growth = margin_growth(values["margin_debt"], values["sp500"])["debt"] * 100
    fresh = (values["margin_debt"] != values["margin_debt"].shift(1)) & growth.notna()
    ours = growth[fresh]
    months = (pd.DatetimeIndex(ours.index).to_period("M") - 1).to_timestamp(how="end").normalize()
    theirs = printed.reindex(months)
    assert len(ours) > 300 and theirs.notna().all()
    np.testing.assert_allclose(ours, theirs, atol=0.0051)


def test_exposures_rank_as_those_of_another_author(values: pd.DataFrame, real_data: Path) -> None:
    """Somebody else's models of the same funds, made with other windows and caps."""
    prices = pd.DataFrame({title: values[name] for title, name in ASSETS.items()})
    for file, ours, least in (
        ("sp_voltarget", vol_control_exposure(values["sp500"]), 0.95),
        ("riskparity_model_equity", risk_parity_exposure(prices)["equities"], 0.80),
    ):
        path = next((real_data / "positioning").glob(f"{file}*allocation.csv"))
        theirs = pd.read_csv(path, index_col=0, parse_dates=True)["value"]
        both = pd.DataFrame({"ours": ours, "theirs": theirs.reindex(ours.index)}).dropna()
        assert len(both) > 3000 and both.corr("spearman").iloc[0, 1] > least, file


def test_november_2020(values: pd.DataFrame) -> None:
    month = PensionFunds()(values, pd.Timestamp("2020-11-30")).to_dict()["month"]
    assert month["flow_usd_bn"]["mid"] == pytest.approx(-36, abs=1) and month["sessions_left"] == 0


def test_features_are_finite_move_and_know_no_future(values: pd.DataFrame) -> None:
    recent = values.loc["1990":]
    families = (MECHANISMS[key].family() for key in ("positions", "vol_control", "pension"))
    for feature in (feature for family in families for feature in family.features()):
        column = feature(recent)
        known = column.dropna()
        assert len(known) > 1500 and np.isfinite(known).all() and known.nunique() > 20, (
            feature.spec.name
        )
        assert known.abs().max() < 5, feature.spec.name
        assert (
            feature(recent.iloc[:7000]).to_numpy().tobytes()
            == column.iloc[:7000].to_numpy().tobytes()
        )

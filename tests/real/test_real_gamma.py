"""Real chains and the daily series.

Expectations written down first, and what other people's numbers say.

`tests/golden/flows_expectations.gamma.yaml` holds the expected signs, and an outcome beside each
miss.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from regime.mechanisms.dealer_gamma.daily_series import GammaFeatures
from regime.mechanisms.dealer_gamma.mechanism import DealerGamma
from regime.panel.as_of import AsOf
from regime.panel.release_times import release_times
from regime.sources.catalogue import load_catalogue
from regime.sources.file_source import FileSource
from regime.sources.option_chains import read_chain

pytestmark = pytest.mark.real

GOLDEN = Path(__file__).parents[1] / "golden/flows_expectations.gamma.yaml"
EXPECTED = yaml.safe_load(GOLDEN.read_text(encoding="utf-8"))
LOW, HIGH = 0.2, 0.8
# Read from 16:00 of the day on; the Sunday's and the holiday's on the session after.
CHAINS = {
    "SPX_2022-03-23": "2022-03-23",
    "SPX_2023-08-20": "2023-08-21",
    "SPX_2023-09-04": "2023-09-05",
    "SPX_2023-09-14": "2023-09-14",
    "SPY_2023-09-14": "2023-09-14",
}


@pytest.fixture(scope="module")
def gex_values(real_data):
    catalogue = load_catalogue()
    reading = FileSource().read(catalogue, real_data, ["gex", "dix"], release_times=release_times)
    return AsOf(reading.observations, catalogue.max_age).panel(reading.sessions).values


def chain_file(real_data, name):
    return real_data / f"positioning/option_chain_{name}.csv"


def level(rank):
    if rank is None:
        return "unknown"
    return "low" if rank <= LOW else "high" if rank >= HIGH else "middle"


@pytest.mark.parametrize("date", EXPECTED)
def test_the_reading_of_the_date_is_the_expected_one_or_a_known_miss(gex_values, date):
    reading, told = DealerGamma()(as_of=pd.Timestamp(date), gex=gex_values["gex"]), EXPECTED[date]
    if told.get("expect") == "absent":
        assert not reading.available and "no daily gamma is known" in reading.reason
        return
    values = reading.values
    hits = {
        "sign": values["sign"] == told["sign"],
        "level": told["level"] in ("any", level(values["percentile"])),
    }
    missed = sorted(name for name, hit in hits.items() if not hit)
    assert missed == sorted(told.get("missed", [])), (values["total_usd"], values["percentile"])
    assert bool(missed) == ("outcome" in told)


def test_gamma_was_negative_in_the_two_shocks_and_known_a_day_later(gex_values):
    for day, after in (("2018-02-05", "2018-02-06"), ("2020-03-16", "2020-03-17")):
        assert (
            DealerGamma()(as_of=pd.Timestamp(after), gex=gex_values["gex"]).values["sign"] == -1
        ), day
    raw = gex_values["gex"].loc["2018-02-02":"2018-02-06"]
    assert raw.loc["2018-02-06"] < 0 < raw.loc["2018-02-02"]


@pytest.mark.parametrize("name", CHAINS)
def test_every_row_of_a_chain_is_kept_or_counted(real_data, name):
    values = DealerGamma()(
        as_of=pd.Timestamp(CHAINS[name]), chain=read_chain(chain_file(real_data, name))
    ).values
    counts, raw = values["options"], pd.read_csv(chain_file(real_data, name))
    assert counts["given"] == len(raw) == counts["kept"] + sum(counts["dropped"].values())
    crossed = (raw["bid"] > raw["ask"]) & (raw["expiry"] >= raw["date"])
    assert counts["dropped"]["crossed"] == crossed.sum()
    if (raw["expiry"] < raw["date"]).any():
        assert counts["dropped"]["expired"] == (raw["expiry"] < raw["date"]).sum() == 1476
    # What is left out for want of a volatility holds next to no interest that could carry gamma.
    assert counts["dropped"]["no_volatility"] < 0.05 * counts["given"]
    assert len(values["zeros"]) >= 1 and abs(values["distance_to_zero"]) < 0.05


@pytest.mark.parametrize("name", CHAINS)
def test_the_total_is_near_the_one_of_the_vendors_gammas(real_data, name):
    """Their gammas have four digits and terms of their own.

    Calls and puts nearly cancel in the net.
    """
    values = DealerGamma()(
        as_of=pd.Timestamp(CHAINS[name]), chain=read_chain(chain_file(real_data, name))
    ).values
    raw = pd.read_csv(chain_file(real_data, name))
    raw = raw[raw["expiry"] >= raw["date"]]
    theirs = raw["gamma"] * raw["open_interest"] * raw["spot"] ** 2
    net = (theirs * np.where(raw["type"] == "C", 1, -1)).sum()
    assert values["gross_usd"] == pytest.approx(theirs.sum(), rel=0.03)
    assert values["total_usd"] == pytest.approx(net, abs=0.03 * theirs.sum())
    assert np.sign(values["total_usd"]) == np.sign(net)


def test_volatilities_solved_from_mid_prices_are_the_vendors(real_data):
    chain = read_chain(chain_file(real_data, "SPX_2023-09-04"))
    given = DealerGamma()(as_of=pd.Timestamp("2023-09-05"), chain=chain).values
    solved = DealerGamma()(as_of=pd.Timestamp("2023-09-05"), chain=chain.assign(iv=np.nan)).values
    assert (
        solved["options"]["volatilities_solved"] > 5000
        and given["options"]["volatilities_solved"] < 10
    )
    assert solved["gross_usd"] == pytest.approx(given["gross_usd"], rel=0.01)
    assert solved["total_usd"] == pytest.approx(given["total_usd"], abs=0.01 * given["gross_usd"])
    assert solved["nearest_zero"] == pytest.approx(given["nearest_zero"], rel=0.002)


def test_the_exchanges_own_form_reads_as_the_plain_one(real_data):
    """The same quotes in both forms; theirs has the hour, half an hour after the close."""
    page = real_data.parent / "vendor_samples/cboe_SPX_2023-09-14_quotedata.csv"
    plain = read_chain(chain_file(real_data, "SPX_2023-09-14")).set_index("symbol").sort_index()
    own = read_chain(page).set_index("symbol").sort_index()
    same = ["spot", "expiry", "strike", "type", "bid", "ask", "iv", "open_interest", "underlying"]
    pd.testing.assert_frame_equal(own[same], plain[same], check_dtype=False)
    readings = [
        DealerGamma()(as_of=pd.Timestamp("2023-09-14"), chain=table.reset_index()).values
        for table in (own, plain)
    ]
    assert readings[0]["options"]["dropped"] == readings[1]["options"]["dropped"]
    assert readings[0]["total_usd"] == pytest.approx(
        readings[1]["total_usd"], abs=0.01 * readings[1]["gross_usd"]
    )
    assert readings[0]["minutes_after_cut_off"] == 31


def test_carry_of_a_real_chain_is_that_of_its_day(real_data, gex_values):
    """In September 2023 bills paid 5.4 % and the index 1.5 %.

    Quotes were made a little above the closing index.
    """
    from regime.mechanisms.dealer_gamma.implied import implied_carry
    from regime.mechanisms.dealer_gamma.option_chain import check_chain, live_contracts

    options = live_contracts(check_chain(read_chain(chain_file(real_data, "SPX_2023-09-14"))))
    found = implied_carry(options)
    assert found.rate[0] == pytest.approx(0.055, abs=0.005)
    later = (options.years > 0.25) & (options.years < 1.5)
    assert np.median(found.dividend_yield[later]) == pytest.approx(0.014, abs=0.004)
    assert (
        1.0 < found.quote_spot / options.spot < 1.0015 and found.from_chain >= 0.9 * found.expiries
    )


def test_features_of_the_daily_series_lean_the_way_theory_says(gex_values):
    """Not a score: the mean of each feature in March 2020 against its mean in the quiet 2017."""
    made = pd.DataFrame(
        {feature.spec.name: feature(gex_values) for feature in GammaFeatures().features()}
    )
    quiet = made.loc["2017"].mean()
    for feature in GammaFeatures().features():
        crash = made.loc["2020-02-28":"2020-03-31", feature.spec.name].mean()
        lean = np.sign(crash - quiet[feature.spec.name])
        assert feature.spec.sign in (0, lean), feature.spec.name

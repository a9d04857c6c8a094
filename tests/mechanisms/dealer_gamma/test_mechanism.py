"""The reading: the toy chain to its last digit, what is known when, and what steps aside."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from regime.errors import ConfigError, InvalidDataError
from regime.mechanisms.base import NoReading
from regime.mechanisms.dealer_gamma.mechanism import DealerGamma
from regime.mechanisms.dealer_gamma.profile import CONVENTIONS

DAY = pd.Timestamp("2024-01-02")
SESSIONS = pd.bdate_range("2022-01-03", periods=600, name="date")


def toy(**columns):
    """S = 5000, r = q = 0.

    By hand, gammas .00139097 .00092683 .00096438 .00093626 times interest times 25 mn.
    """
    chain = pd.DataFrame(
        {
            "date": DAY,
            "underlying": "SPX",
            "spot": 5000.0,
            "strike": [5000.0, 4800.0, 5200.0, 5000.0],
            "expiry": DAY + pd.to_timedelta([30, 30, 60, 60], unit="D"),
            "type": list("CPCP"),
            "iv": [0.20, 0.25, 0.18, 0.21],
            "open_interest": [1000, 2000, 1500, 800],
        }
    )
    return chain.assign(**columns)


def gex_of(values=None):
    values = np.linspace(-1e9, 5e9, 600) if values is None else values
    return pd.Series(values, SESSIONS[: len(values)], dtype=float)


def read(chain=None, gex=None, as_of=DAY, **parameters):
    return DealerGamma(**parameters)(as_of=as_of, chain=chain, gex=gex)


def test_the_toy_chain_to_the_printed_digits():
    values = read(toy()).values
    assert (
        round(values["total_usd"], 2) == 5_871_793.06
        and round(values["nearest_zero"], 4) == 4955.7114
    )
    assert (
        values["zeros"] == [values["nearest_zero"]]
        and values["state"] == "long gamma"
        and values["sign"] == 1
    )
    assert values["distance_to_zero"] == pytest.approx(4955.7114 / 5000 - 1, abs=1e-8)
    assert values["call_wall"] == 5200 and values["put_wall"] == 4800
    # By hand: .00139097 x 1000 x 100 x 5000^2 x 1 % = 34.774 mn, and so on.
    net = [-0.00092683 * 2000, 0.00139097 * 1000 - 0.00093626 * 800, 0.00096438 * 1500]
    np.testing.assert_allclose(values["strikes"]["net"], np.array(net) * 25e6, rtol=2e-5)
    assert values["gross_usd"] == pytest.approx(values["calls_usd"] - values["puts_usd"])


def test_profile_strikes_and_total_agree():
    values = read(toy()).values
    spots, profile = values["profile"]["spot"], values["profile"]["gamma_usd"]
    assert len(spots) == 121 and spots[60] == 5000.0 and profile[60] == values["total_usd"]
    assert spots[0] == pytest.approx(4250) and spots[-1] == pytest.approx(5750)
    assert sum(values["strikes"]["net"]) == pytest.approx(values["total_usd"])
    assert values["zero_dte"]["later_usd"] + values["zero_dte"]["total_usd"] == pytest.approx(
        values["total_usd"]
    )


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_the_convention_is_printed_and_signs_the_total(convention):
    reading = read(toy(), convention=convention)
    calls, puts = CONVENTIONS[convention]
    assert reading.values["convention"] == convention
    assert convention in reading.values["assumptions"][0]
    assert (
        f"{'long' if calls > 0 else 'short'} calls and {'long' if puts > 0 else 'short'} puts"
        in reading.sentence
    )
    total = (34.774e6 + 36.164e6) * calls + (46.341e6 + 18.725e6) * puts
    assert reading.values["total_usd"] == pytest.approx(total, rel=1e-3)
    if calls == puts:
        assert reading.values["nearest_zero"] is None and "changes sign nowhere" in reading.sentence


def test_the_sentence_states_the_reading_and_the_chains_age():
    assert read(toy(), as_of=DAY + pd.Timedelta(days=3)).sentence == (
        "With dealers long calls and short puts, dealers are long gamma, $5.9mn per 1 % at 5000: "
        "they lean against "
        "moves; zero gamma at 4956, 0.9% below the spot; call wall 5200, put wall 4800. Chain of "
        "2024-01-02, 3 days "
        "old; its open interest is of the evening before."
    )


def test_a_chain_counts_from_its_close_until_it_is_old():
    assert read(toy()).values["age_days"] == 0
    early = read(toy(), as_of=DAY - pd.Timedelta(days=1))
    assert early == NoReading(
        name="gamma",
        reason="the chain of 2024-01-02 was not yet known on 2024-01-01, and no daily "
        "gamma is known on 2024-01-01",
    )
    old = read(toy(), as_of=DAY + pd.Timedelta(days=8))
    assert isinstance(old, NoReading) and "8 days old, at most 7 count" in old.reason


def test_quotes_a_little_after_the_close_count_for_it_and_say_so():
    late = read(toy(quoted=DAY + pd.Timedelta(hours=16, minutes=31)))
    assert (
        late.values["quoted"] == "2024-01-02 16:31" and late.values["minutes_after_cut_off"] == 31
    )
    assert isinstance(read(toy(quoted=DAY + pd.Timedelta(hours=17, minutes=1))), NoReading)
    assert isinstance(
        read(toy(quoted=DAY + pd.Timedelta(hours=16, minutes=31)), grace_minutes=0), NoReading
    )
    assert (
        read(toy(quoted=DAY + pd.Timedelta(hours=20)), as_of=DAY + pd.Timedelta(days=1)).values[
            "age_days"
        ]
        == 1
    )


def test_of_several_chains_the_newest_known_one_is_read():
    both = pd.concat([toy(), toy(date=DAY + pd.Timedelta(days=1), spot=5100.0)], ignore_index=True)
    assert read(both).values["spot"] == 5000
    assert read(both, as_of=DAY + pd.Timedelta(days=1)).values["spot"] == 5100


def test_rows_that_carry_nothing_are_dropped_counted_and_change_nothing():
    odd = pd.concat(
        [
            toy(bid=1.0, ask=1.1),
            toy(bid=1.0, ask=1.1, expiry=DAY - pd.Timedelta(days=1)),
            toy(bid=2.0, ask=1.1, strike=[5001.0, 4801, 5201, 5002]),
            toy(bid=1.0, ask=1.1, strike=[5003.0, 4803, 5203, 5004], open_interest=0),
            toy(bid=0.0, ask=0.0, strike=[5005.0, 4805, 5205, 5006], iv=0.0),
        ],
        ignore_index=True,
    )
    options = read(odd).values["options"]
    assert options["dropped"] == {
        "expired": 4,
        "crossed": 4,
        "zero_interest": 4,
        "no_volatility": 4,
    }
    assert (options["given"], options["kept"], options["open_interest_kept"]) == (20, 4, 5300)
    assert read(odd).values["total_usd"] == read(toy()).values["total_usd"]


def test_a_chain_of_which_nothing_is_left_steps_aside():
    empty = read(toy(open_interest=0), gex=None)
    assert isinstance(empty, NoReading)
    assert "no option of the chain of 2024-01-02 can carry gamma (4 zero interest)" in empty.reason
    fallen = read(toy(open_interest=0), gex_of())
    assert fallen.values["source"] == "daily" and "4 zero interest" in fallen.values["chain"]


def test_options_of_the_day_are_split_off():
    own = toy(expiry=[DAY, DAY + pd.Timedelta(days=30), DAY + pd.Timedelta(days=60), DAY])
    values = read(own).values
    assert values["zero_dte"]["options"] == 2 and 0.5 < values["zero_dte"]["gross_share"] < 1
    assert "options of its own date make" in read(own).sentence
    assert values["zero_dte"]["total_usd"] + values["zero_dte"]["later_usd"] == pytest.approx(
        values["total_usd"]
    )
    assert any("3.25 hours left" in told for told in values["assumptions"])


@pytest.mark.parametrize(
    ("underlying", "told"),
    [("SPY", "options on SPY are American and treated as European"), ("SPX", None), ("", None)],
)
def test_american_options_are_said_to_be_treated_as_european(underlying, told):
    said = [
        line
        for line in read(toy(underlying=underlying)).values["assumptions"]
        if "American" in line
    ]
    assert said == ([told] if told else [])


def test_stated_rates_are_used_and_told():
    values = read(toy(), rate=0.05, dividend_yield=0.01).values
    assert values["total_usd"] != pytest.approx(5_871_793.06, rel=1e-3)
    assert "rate 0.05 and dividend yield 0.01, continuous" in values["assumptions"]
    assert (
        "rate and dividend yield 0: no expiry has quotes that give them"
        in read(toy()).values["assumptions"]
    )


def test_the_daily_series_alone():
    reading = read(gex=gex_of(), as_of=SESSIONS[-1])
    values = reading.values
    assert values["source"] == "daily" and values["chain"] == "no option chain was given"
    assert (
        values["total_usd"] == 5e9
        and values["percentile"] == 1.0
        and values["state"] == "long gamma"
    )
    assert values["days_since_negative"] == 252 and values["change_5"] < 0.5
    assert reading.sentence == (
        "By the daily series dealers are long gamma: they lean against moves; $5.0bn per 1 %, "
        "rank 100% among the last 252 sessions; not below zero for 252 sessions or more."
    )
    short = read(gex=-gex_of(), as_of=SESSIONS[-1])
    assert short.values["sign"] == -1 and short.values["days_since_negative"] == 0
    assert short.sentence.startswith(
        "By the daily series dealers are short gamma: they trade with moves; $5.0bn"
    )


def test_the_daily_series_beside_a_chain():
    gex = gex_of()
    gex.index = pd.bdate_range(end=DAY, periods=600, name="date")
    reading = read(toy(), gex=gex)
    assert reading.values["source"] == "chain" and reading.values["daily"]["total_usd"] == 5e9
    assert list(reading.history) == ["gex", "rank"] and len(reading.history) == 600


def test_nothing_after_the_date_is_read():
    gex, rng = gex_of(), np.random.default_rng(1)
    as_of = SESSIONS[400]
    stirred = gex.copy()
    stirred.iloc[401:] = rng.normal(0, 1e12, 199)
    for other in (gex.iloc[:401], stirred):
        reading, again = read(gex=gex, as_of=as_of), read(gex=other, as_of=as_of)
        assert reading.to_dict() == again.to_dict()
        pd.testing.assert_frame_equal(reading.history, again.history, check_exact=True)


@pytest.mark.parametrize("gex", [None, gex_of([]), gex_of([1e9, np.nan])])
def test_without_chain_and_value_it_steps_aside(gex):
    reading = read(gex=gex, as_of=SESSIONS[1])
    assert reading == NoReading(
        name="gamma", reason="no option chain was given, and no daily gamma is known on 2022-01-04"
    )


def test_a_short_history_leaves_ranks_unknown():
    reading = read(gex=gex_of([1e9, 2e9]), as_of=SESSIONS[1])
    assert reading.values["percentile"] is None and reading.values["days_since_negative"] is None
    assert reading.sentence.endswith("$2.0bn per 1 %.")


def test_the_reading_is_json():
    for reading in (read(toy()), read(gex=gex_of(), as_of=SESSIONS[-1])):
        assert json.loads(json.dumps(reading.to_dict(), allow_nan=False))["available"] is True


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("convention", "naive"),
        ("rate", 5.0),
        ("dividend_yield", -1.0),
        ("grid_width", 1.5),
        ("grid_points", 120),
        ("lookback", 1),
        ("max_age_days", -1),
        ("grace_minutes", 600),
        ("quoted_at", "noon"),
        ("same_day_hours", 0.0),
    ],
)
def test_a_parameter_out_of_range_is_named(name, value):
    with pytest.raises(ConfigError, match=f"^{name.removeprefix('grid_')}: |^{name}: "):
        replace(DealerGamma(), **{name: value})


def test_a_broken_chain_is_refused_even_if_it_is_not_yet_known():
    with pytest.raises(InvalidDataError, match="strike"):
        read(toy().drop(columns="strike"), as_of=DAY - pd.Timedelta(days=30))

"""Reserve scarcity on real data: September 2019, and quarter ends."""

import numpy as np
import pandas as pd
import pytest

from regime.mechanisms.reserves.demand_curve import demand_slope
from regime.mechanisms.reserves.funding import INPUTS, funding_spread, funding_tail
from regime.mechanisms.reserves.mechanism import ReserveScarcity
from regime.mechanisms.reserves.money_calendar import KINDS, calendar_kinds, rate_days

pytestmark = pytest.mark.real
NAMES = ["sp500", *(name for name in INPUTS if name != "bank_assets")]
STRESS = slice("2019-09-17", "2019-10-31")  # the weeks after the tax date


@pytest.fixture(scope="module")
def score(values: pd.DataFrame) -> pd.Series:
    return ReserveScarcity().score(values)


def test_september_2019_stands_out(values: pd.DataFrame, score: pd.Series) -> None:
    assert score.idxmax() == pd.Timestamp("2019-09-18") and score.max() > 0.8
    reading = ReserveScarcity()(values, pd.Timestamp("2019-09-18")).to_dict()
    assert (reading["funding"]["sofr_iorb_bp"], reading["funding"]["tail_bp"]) == pytest.approx(
        (315, 375)
    )
    assert min(reading["parts"].values()) > 0.5  # each part for itself
    # Known at 16:00 on the 17th: repo of the 16th and the Desk's first operation, not yet 5.25.
    before = ReserveScarcity()(values, pd.Timestamp("2019-09-17")).to_dict()
    assert before["state"] == "scarce" and before["funding"]["sofr_iorb_bp"] == pytest.approx(33)
    assert ReserveScarcity()(values, pd.Timestamp("2019-09-13")).to_dict()["state"] != "scarce"


def ends(values: pd.DataFrame) -> pd.Series:
    """Sessions at which the rate of a quarter's last day, or of the day after, is known."""
    kinds = calendar_kinds(rate_days(pd.DatetimeIndex(values.index)))
    return pd.Series(
        np.isin(kinds, [KINDS.index("quarter end"), KINDS.index("after quarter end")]), values.index
    )


def test_ordinary_quarter_ends_do_not(values: pd.DataFrame, score: pd.Series) -> None:
    around = score[ends(values)].loc["2014-10":].drop(score[STRESS].index, errors="ignore").dropna()
    assert len(around) > 75 and around.max() < ReserveScarcity().scarce and around.median() < 0.1
    # Above 0.3 are two of 2019, before the squeeze, and four of 2020, when the loans of the
    # pandemic were out.
    assert set(around[around > 0.3].index.year) == {2019, 2020} and (around > 0.3).sum() == 6
    assert score.max() > 2 * around.max()


def test_a_quarter_end_adds_to_the_spread_and_the_adjustment_takes_most_of_it_off(
    values: pd.DataFrame,
) -> None:
    raw, own = (funding_spread(values, adjusted) for adjusted in (False, True))
    tail = [funding_tail(values, adjusted) for adjusted in (False, True)]
    codes = calendar_kinds(rate_days(pd.DatetimeIndex(values.index)))
    last = (
        pd.Series(codes == KINDS.index("quarter end"), values.index)
        & (values.index > "2019-03")
        & own.notna()
    )
    ordinary = pd.Series(codes == 0, values.index)

    def added(spread: pd.Series) -> pd.Series:
        return (spread - spread[ordinary].rolling(5).median().reindex(spread.index).ffill())[last]

    assert abs(added(own).mean()) < 0.6 * added(raw).mean()  # 2.5 of 5.0 bp
    assert abs(added(tail[1]).mean()) < 0.4 * added(tail[0]).mean()  # 2.5 of 12.5 bp


def test_the_demand_curve_is_steep_when_the_new_york_fed_says_so(values: pd.DataFrame) -> None:
    """Staff Report 1019: negative in 2010-11 and 2018-19, flat in 2012-17 and after mid-2020."""
    t = demand_slope(values)["t"]
    steep = (t < -2).groupby(t.index.year).mean()
    assert steep.loc[2011] > 0.7 and steep.loc[2019] > 0.7
    assert steep.loc[[2014, 2015, 2016, 2017, 2022, 2023]].max() < 0.2


def test_the_run_of_march_2023_shows_when_the_report_comes(values: pd.DataFrame) -> None:
    use = {
        date: ReserveScarcity()(values, pd.Timestamp(date)).to_dict()["backstops"][
            "discount_window_usd_bn"
        ]
        for date in ("2023-03-16", "2023-03-17")
    }
    assert use["2023-03-16"] < 10 < 150 < use["2023-03-17"]  # H.4.1 came on the 16th at 16:30


def test_balances_on_dates_that_were_published(values: pd.DataFrame) -> None:
    reading = ReserveScarcity()(values, pd.Timestamp("2022-12-30")).to_dict()
    assert reading["backstops"]["buffer_rrp_usd_bn"] == 2553.716
    assert reading["runoff"]["usd_bn_per_month"] == pytest.approx(
        -80, abs=20
    )  # caps of 95, not all of them met
    assert (
        reading["share_of_bank_assets"] == pytest.approx(0.15, abs=0.03)
        and "proxy" in reading["basis"]
    )

"""The long end on real data: when it was the story."""

import pandas as pd
import pytest

from regime.mechanisms.long_end import (
    INPUTS,
    LongEnd,
    bear_steepening,
    mortgage_spread,
    rate_volatility,
)
from regime.panel.as_of import AsOf

pytestmark = pytest.mark.real
NAMES = ["sp500", *INPUTS, "term_premium"]


def test_it_strains_when_long_money_was_the_story(values: pd.DataFrame) -> None:
    score = LongEnd().score(values)
    strained = (score >= 0.5).groupby(score.index.year).sum()
    assert strained.loc[2013] > 20 and strained.loc[2022] > 50  # the taper tantrum, and the hikes
    assert strained.loc[[2010, 2012, 2014, 2017, 2019]].max() <= 2
    assert (
        bear_steepening(values, 21).loc["2023-09-20":"2023-10-31"].max() > 1.5
    )  # the term premium's autumn
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
    told = LongEnd()(values, day, term_premium=known.history("term_premium", day)).to_dict()[
        "term_premium"
    ]
    assert told["change_63_points"] > 0.4 and told["vintage"] == "one, revised"

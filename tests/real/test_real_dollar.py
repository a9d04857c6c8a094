"""The dollar on real data: the great dashes."""

import pandas as pd
import pytest

from regime.mechanisms.dollar.mechanism import DollarStress
from regime.mechanisms.dollar.stress import (
    INPUTS,
    carry_unwind,
    dash_for_dollars,
    equity_correlation,
)
from regime.panel.as_of import AsOf

pytestmark = pytest.mark.real
NAMES = [*INPUTS, "broad_dollar"]


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
    assert (
        unwind.loc["2024-08-05":"2024-08-06"].max() > 3
        and unwind.loc["2008-10-20":"2008-10-28"].max() > 2
    )


def test_the_broad_index_is_told_inside_its_vintage(values: pd.DataFrame, known: AsOf) -> None:
    day = pd.Timestamp("2022-09-28")
    told = DollarStress()(values, day, broad=known.history("broad_dollar", day)).to_dict()["broad"]
    assert told["move_63"] > 0.5 and told["vintage"] == "one, revised"

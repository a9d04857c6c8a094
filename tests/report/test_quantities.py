import math

import numpy as np
import pandas as pd
import pytest

from regime.formatting import display_name, format_value, quantity_of


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("log_loss", 0.24118, "0.2412"),
        ("max_drawdown", -0.178, "−17.8%"),
        ("turnover", np.float64(3.94), "3.9×"),
        ("auc", None, "–"),
        ("sharpe", math.nan, "–"),
        ("caught", "9/11", "9/11"),
        ("caught", 9, "9"),
        ("days", 5040, "5,040"),
        ("never_seen", 1234567, "1,234,567"),
        ("never_seen", 0.123456, "0.1235"),
        ("never_seen", True, "True"),
        ("first", pd.Timestamp("2020-02-03"), "3 Feb 2020"),
        ("end", pd.NaT, "–"),
        ("sharpe_vix", 0.5, "0.50"),
        ("max_drawdown_worst", -0.5, "−50.0%"),
    ],
)
def test_each_quantity_is_written_in_its_form(key: str, value: object, text: str) -> None:
    assert format_value(key, value) == text


@pytest.mark.parametrize(
    ("key", "label"),
    [
        ("sharpe", "Sharpe"),
        ("sharpe_buy_and_hold", "Sharpe, buy and hold"),
        ("sharpe_vix", "Sharpe, VIX"),
        ("max_drawdown_5", "Deepest drawdown, 5% point"),
        ("gap_95", "Gap of Sharpe, 95% point"),
    ],
)
def test_columns_of_rivals_and_percentiles_are_of_their_quantity(key: str, label: str) -> None:
    found = quantity_of(key)
    assert found is not None and found.label == label
    assert quantity_of("robust_anything") is None


def test_an_unknown_key_gets_a_readable_name_and_a_known_one_its_own() -> None:
    assert display_name("some_new_rule") == "Some new rule"
    assert display_name("below_200dma") == "Below 200-day average"
    assert display_name("") == ""

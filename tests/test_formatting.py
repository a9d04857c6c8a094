import math

import numpy as np
import pandas as pd
import pytest

from regime.formatting import (
    chance,
    display_name,
    format_value,
    judge_skill,
    minus_signs,
    percent,
    quantity_of,
    signed,
    spoken_date,
)


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
        ("gap_95", "Difference in Sharpe, 95% point"),
    ],
)
def test_columns_of_benchmarks_and_percentiles_are_of_their_quantity(key: str, label: str) -> None:
    found = quantity_of(key)
    assert found is not None and found.label == label
    assert quantity_of("robust_anything") is None


def test_an_unknown_key_gets_a_readable_name_and_a_known_one_its_own() -> None:
    assert display_name("some_new_rule") == "Some new rule"
    assert display_name("below_200dma") == "Below 200-day average"
    assert display_name("") == ""


@pytest.mark.parametrize(
    ("skill", "interval", "tone", "part"),
    [
        (
            0.1,
            [0.02, 0.2],
            "ahead",
            "beats the best baseline (VIX): its log loss is 10.0% lower, 90% interval 2.0% to "
            "20.0%",
        ),
        (0.1, [-0.02, 0.2], "unsure", "includes zero, so this may be chance"),
        (0.1, [0.0, 0.2], "unsure", "includes zero"),
        (0.1, None, "unsure", "without an interval"),
        (
            0.0,
            [-0.1, 0.1],
            "behind",
            "does not beat the best baseline (VIX): its log loss is the same",
        ),
        (-0.04, [-0.2, 0.1], "behind", "4.0% higher; prefer the baseline"),
        (None, None, "unknown", "No skill can be measured"),
        (math.nan, [math.nan, math.nan], "unknown", "No skill can be measured"),
    ],
)
def test_the_skill_is_judged_by_its_interval(
    skill: float | None, interval: object, tone: str, part: str
) -> None:
    found = judge_skill({"best_baseline": "vix", "skill": skill, "interval": interval})
    assert found.tone == tone
    assert part in found.text


def test_scores_of_nothing_give_no_judge_skill() -> None:
    assert judge_skill({}).tone == "unknown"


def test_no_probability_is_written_as_nought_or_one() -> None:
    assert [chance(p) for p in (0.0, 0.001, 0.01, 0.5, 0.999, 1.0)] == [
        "less than 1%",
        "less than 1%",
        "1%",
        "50%",
        "more than 99%",
        "more than 99%",
    ]
    assert [percent(p) for p in (0.0001, 0.5, 0.9999)] == ["<1%", "50%", ">99%"]


def test_signs_dates_and_missing_numbers() -> None:
    assert [signed(value) for value in (0.126, -1.0, 0.0, None)] == ["+0.13", "−1.00", "+0.00", "–"]
    assert minus_signs("-1 to -2") == "−1 to −2"
    assert spoken_date(pd.Timestamp("2025-03-04")) == "4 March 2025"

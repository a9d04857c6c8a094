import numpy as np
import pandas as pd
import pytest

from regime.report.reasons import reason_bars, reason_sentence


def _reasons(**now: float) -> pd.DataFrame:
    return pd.DataFrame({"name": list(now), "now": list(now.values())})


def test_bars_grow_from_the_middle_and_the_strongest_fills_its_half() -> None:
    bars = reason_bars(_reasons(dollar=0.5, cross_asset=-1.0, valuation=0.0))
    assert [(bar.name, bar.left, bar.width) for bar in bars] == [
        ("Cross-asset selling", 0.0, 50.0),
        ("Dollar", 50.0, 25.0),
        ("Valuation", 50.0, 0.0),
    ]
    assert [bar.amount for bar in bars] == ["−1.00", "+0.50", "+0.00"] and bars[0].mark is None


def test_the_tick_of_a_week_ago_stays_within_the_room() -> None:
    table = _reasons(dollar=0.5, valuation=-0.25).assign(
        week_ago=[-2.0, np.nan], text=["Strong.", None]
    )
    first, second = reason_bars(table)
    assert (first.mark, first.change, first.text) == (0.0, "−2.00 a week ago", "Strong.")
    assert (second.mark, second.change, second.text) == (None, "", "")
    assert (first.left, first.width) == (50.0, 12.5)


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (
            {"dollar": np.log(2), "valuation": -np.log(4)},
            "Dollar speaks most for a deleveraging and multiplies its odds by 2.0; Valuation most "
            "against it and divides them "
            "by 4.0.",
        ),
        (
            {"dollar": np.log(3)},
            "Dollar speaks most for a deleveraging and multiplies its odds by 3.0.",
        ),
        (
            {"dollar": -np.log(1.5)},
            "Dollar speaks most against a deleveraging and divides its odds by 1.5.",
        ),
        ({"dollar": 0.0}, "Nothing speaks for a deleveraging or against it."),
    ],
)
def test_the_sentence_names_the_strongest_on_each_side(now: dict[str, float], words: str) -> None:
    assert reason_sentence(_reasons(**now)) == words


def test_the_sentence_names_what_moved_most() -> None:
    table = _reasons(dollar=0.5, valuation=0.4).assign(week_ago=[0.45, 0.9])
    assert reason_sentence(table).endswith(
        "; in a week Valuation moved most, down by 0.50 log-odds."
    )
    assert "in a week" not in reason_sentence(_reasons(dollar=0.5).assign(week_ago=0.47))


def test_no_reasons_are_no_bars_and_a_gap_is_left_out() -> None:
    assert reason_bars(pd.DataFrame()) == () and reason_sentence(pd.DataFrame()) == ""
    assert [bar.name for bar in reason_bars(_reasons(dollar=np.nan, valuation=1.0))] == [
        "Valuation"
    ]

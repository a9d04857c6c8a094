import numpy as np
import pandas as pd
import pytest

from regime.report.frame_tables import (
    change_table,
    fall_table,
    frame_table,
    month_table,
    spell_sentence,
    spell_table,
)
from regime.schema import REGIMES

INDEX = pd.bdate_range("2024-01-30", periods=8, name="date")


def test_a_frame_becomes_a_table_in_the_form_of_its_quantities() -> None:
    frame = pd.DataFrame(
        {
            "sharpe": [0.5, np.nan],
            "max_drawdown_vix": [-0.25, -0.5],
            "sessions": [3, 4],
            "reason": ["late", None],
        },
        index=pd.Index([1.0, 2.5], name="multiple"),
    )
    table = frame_table(frame, "Costs", "A note.")
    assert table.header == ("Multiple", "Sharpe", "Deepest drawdown, VIX", "Sessions", "Reason")
    assert [(row.name, *row.cells) for row in table.rows] == [
        ("1", "0.50", "−25.0%", "3", "late"),
        ("2.5", "–", "−50.0%", "4", "–"),
    ]
    assert table.title == "Costs" and table.note == "A note."


@pytest.mark.parametrize(
    ("index", "corner", "heads"),
    [
        (
            pd.MultiIndex.from_tuples([(0.0, 21.0), (-0.5, 0.0)], names=["size", "halflife"]),
            "Size, Halflife",
            ["0, 21", "−0.5, 0"],
        ),
        (
            pd.DatetimeIndex(["2020-01-02", "2021-03-04"], name="start"),
            "Start",
            ["2 Jan 2020", "4 Mar 2021"],
        ),
        (pd.Index(["buy_and_hold", "vix"]), "", ["Buy and hold", "VIX"]),
        (pd.Index([2007, 2008]), "", ["2007", "2008"]),
    ],
)
def test_heads_of_the_rows_are_for_people(index: pd.Index, corner: str, heads: list[str]) -> None:
    table = frame_table(pd.DataFrame({"sharpe": [1.0, 2.0]}, index=index), "T")
    assert table.header[0] == corner and [row.name for row in table.rows] == heads


def test_frames_without_rows_or_columns_are_tables_too() -> None:
    assert frame_table(pd.DataFrame(), "T").rows == ()
    assert [row.cells for row in frame_table(pd.DataFrame(index=["a"]), "T").rows] == [()]


def test_months_are_compounded_and_shaded_by_their_size() -> None:
    equity = pd.Series([1.0, 1.1, 1.1, 1.1, 1.1, 1.1, 1.045, 1.045], index=INDEX)
    (row,) = month_table(equity).rows
    assert row.name == "2024" and row.cells[:3] == ("10.0", "−5.0", "") and row.cells[12] == "4.5"
    assert row.tones[0] == 1.0 and row.tones[1] == pytest.approx(-0.83) and row.tones[2] == 0.0


def test_a_tiny_loss_is_nought_without_a_minus() -> None:
    equity = pd.Series([1.0, *[0.9999] * 7], index=INDEX)
    assert month_table(equity).rows[0].cells[0] == "0.0"


def test_falls_stand_beside_the_benchmarks_from_the_same_start() -> None:
    equity = pd.DataFrame(
        {
            "strategy": [1.0, 0.9, 0.95, 1.0, 1.0, 0.95, 0.96, 0.97],
            "buy_and_hold": [1.0, 0.8, 0.7, 1.0, 1.0, 0.5, 0.6, 0.7],
        },
        index=INDEX,
    )
    table = fall_table(equity)
    assert table.header == (
        "",
        "From",
        "Trough",
        "Regained",
        "Depth",
        "Buy and hold",
        "Sessions down",
        "Sessions to regain",
    )
    assert [row.cells for row in table.rows] == [
        ("31 Jan 2024", "31 Jan 2024", "2 Feb 2024", "−10.0%", "−20.0%", "1", "2"),
        ("6 Feb 2024", "6 Feb 2024", "–", "−5.0%", "−50.0%", "1", "–"),
    ]


def test_a_rule_alone_has_falls_and_one_that_never_fell_has_none() -> None:
    alone = pd.DataFrame({"strategy": [1.0, 0.9, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]}, index=INDEX)
    assert len(fall_table(alone).rows) == 1 and "Buy and hold" not in fall_table(alone).header
    assert fall_table(alone + np.arange(8.0)[:, None]).rows == ()


SPELLS = pd.DataFrame(
    {
        "first": INDEX[[0, 4]],
        "last": INDEX[[2, 6]],
        "name": ["Crash", ""],
        "market_return": [-0.2, -0.1],
        "rule_return": [-0.05, -0.15],
        "missed_after": [0.06, 0.02],
    }
)


def test_spells_are_told_in_a_sentence_and_a_table() -> None:
    assert spell_sentence(SPELLS) == (
        "Inside 2 listed spells the rule did better than the market in 1: on average it returned "
        "−10.0%, the market "
        "−15.0%; over the 63 sessions after them it fell 4.0% behind the market."
    )
    table = spell_table(SPELLS)
    assert [row.name for row in table.rows] == ["Crash", "Spell 2"]
    assert table.header[:3] == ("", "First", "Last") and table.rows[0].cells[0] == "30 Jan 2024"


def test_spells_without_returns_say_nothing() -> None:
    assert spell_sentence(SPELLS[["name", "first", "last"]]) == ""
    assert spell_sentence(SPELLS.assign(rule_return=np.nan)) == ""


def test_what_changed_holds_now_yesterday_and_a_week_ago() -> None:
    probabilities = pd.DataFrame(0.0, INDEX, list(REGIMES)).assign(calm=1.0)
    probabilities.iloc[-1] = [0.2, 0.1, 0.7, 0.0]
    probabilities.iloc[-2] = [0.1, 0.8, 0.1, 0.0]
    table = change_table(probabilities, pd.Series([1.0] * 7 + [0.25], index=INDEX))
    assert {row.name: row.cells for row in table.rows} == {
        "Deleveraging": ("70%", "10%", "<1%"),
        "Fragile": ("10%", "80%", "<1%"),
        "Most likely": ("Deleveraging", "Fragile", "Calm"),
        "Rule holds": ("25%", "100%", "100%"),
    }
    assert len(change_table(probabilities.iloc[:1], pd.Series(dtype=float)).rows) == 3

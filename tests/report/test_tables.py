import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest

from regime.report.tables import (
    backtest_table,
    change_table,
    detection_table,
    episode_sentence,
    episode_table,
    forecast_score_table,
    frame_table,
    importance_table,
    lineage_table,
    monthly_return_table,
    worst_drawdown_table,
)
from regime.schema import REGIMES

INDEX = pd.bdate_range("2024-01-30", periods=8, name="date")


def _scores(**losses: float | None) -> dict[str, object]:
    named = {
        name: {"log_loss": loss, "brier": 0.1, "average_precision": None, "auc": 0.8}
        for name, loss in losses.items()
    }
    return {
        "model": named.pop("model"),
        "baselines": named,
        "best_baseline": "vix",
        "skill": 0.1,
        "interval": [0, 0.2],
    }


def test_scores_put_the_model_first_then_rank_by_log_loss_and_mark_the_best_baseline() -> None:
    table = forecast_score_table(_scores(model=0.9, base_rate=0.5, persistence=None, vix=0.2))
    assert [row.name for row in table.rows] == ["This model", "VIX", "Base rate", "Persistence"]
    assert [row.badge for row in table.rows] == ["", "best baseline", "", ""]
    assert [row.own for row in table.rows] == [True, False, False, False]
    assert table.header == ("", "Log loss", "Brier", "Average precision", "AUC")
    assert table.rows[3].cells == ("–", "0.1000", "–", "0.800")


def test_the_best_of_a_column_is_marked_by_the_direction_of_its_quantity() -> None:
    backtest = {
        "strategy": {"sharpe": 0.7, "max_drawdown": -0.18, "turnover": 4.0},
        "benchmarks": {"buy_and_hold": {"sharpe": 0.5, "max_drawdown": -0.55, "turnover": 0.0}},
    }
    table = backtest_table(backtest)
    assert table.header == ("", "Sharpe", "Deepest drawdown", "Turnover a year")
    assert [row.leads for row in table.rows] == [frozenset({0, 1}), frozenset()]


def test_the_lowest_log_loss_leads_and_ties_lead_together() -> None:
    table = forecast_score_table(_scores(model=0.3, vix=0.2, base_rate=0.2))
    assert [0 in row.leads for row in table.rows] == [False, True, True]
    assert all(1 in row.leads for row in table.rows)


@pytest.mark.parametrize(
    ("events", "names"),
    [
        ({"caught": "3/4", "median_lag": 5.0}, ["This model"]),
        ({"model": {"caught": "3/4"}, "vix": {"caught": "2/4"}}, ["This model", "VIX"]),
        (
            {"model": {"caught": "3/4"}, "baselines": {"vix": {"caught": "2/4"}}},
            ["This model", "VIX"],
        ),
        ({}, []),
    ],
)
def test_events_are_read_flat_or_nested(events: Mapping[str, object], names: list[str]) -> None:
    assert [row.name for row in detection_table(events).rows] == names


def test_every_row_has_a_cell_for_every_column_even_where_keys_differ() -> None:
    table = detection_table(
        {"model": {"caught": "3/4", "surprise": 1.5}, "vix": {"median_lag": 7.0}}
    )
    assert table.header == ("", "Caught", "Median lag, sessions", "Surprise")
    assert [row.cells for row in table.rows] == [("3/4", "–", "1.5"), ("–", "7", "–")]


def test_a_table_of_nothing_has_no_rows() -> None:
    assert forecast_score_table({}).rows == () and backtest_table({}).rows == ()


def test_importance_is_ordered_and_its_shares_add_up() -> None:
    rows = importance_table(
        {"dollar": 1.0, "liquidity": 3.0, "valuation": math.nan, "positioning": -2.0}
    )
    assert rows == (
        ("Liquidity", 1.0, "75%"),
        ("Dollar", pytest.approx(1 / 3), "25%"),
        ("Positioning", 0.0, "0%"),
    )


def test_importance_of_nothing_but_zeros_divides_by_nothing() -> None:
    assert importance_table({"dollar": 0.0}) == (("Dollar", 0.0, "0%"),)
    assert importance_table({}) == ()


def test_lineage_leaves_out_what_is_missing_and_adds_what_is_given() -> None:
    summary = {
        "config": "demo.yaml",
        "bundle": None,
        "data": {"first": "2000-01-03", "last": "2020-01-03", "hash": "abc"},
    }
    names = {row.name: row.cells[0] for row in lineage_table(summary, {"commit": "1a2b"}).rows}
    assert names == {
        "Config": "demo.yaml",
        "Data": "2000-01-03 to 2020-01-03",
        "Data hash": "abc",
        "Commit": "1a2b",
    }


def test_columns_may_be_chosen() -> None:
    backtest = {
        "strategy": {"sharpe": 0.7, "orders": 12.0},
        "benchmarks": {"buy_and_hold": {"sharpe": 0.5}},
    }
    table = backtest_table(backtest, ("sharpe", "turnover"))
    assert table.header == ("", "Sharpe") and [row.cells for row in table.rows] == [
        ("0.70",),
        ("0.50",),
    ]


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
    (row,) = monthly_return_table(equity).rows
    assert row.name == "2024" and row.cells[:3] == ("10.0", "−5.0", "") and row.cells[12] == "4.5"
    assert row.tones[0] == 1.0 and row.tones[1] == pytest.approx(-0.83) and row.tones[2] == 0.0


def test_a_tiny_loss_is_zero_without_a_minus() -> None:
    equity = pd.Series([1.0, *[0.9999] * 7], index=INDEX)
    assert monthly_return_table(equity).rows[0].cells[0] == "0.0"


def test_drawdowns_stand_beside_the_benchmarks_from_the_same_start() -> None:
    equity = pd.DataFrame(
        {
            "strategy": [1.0, 0.9, 0.95, 1.0, 1.0, 0.95, 0.96, 0.97],
            "buy_and_hold": [1.0, 0.8, 0.7, 1.0, 1.0, 0.5, 0.6, 0.7],
        },
        index=INDEX,
    )
    table = worst_drawdown_table(equity)
    assert table.header == (
        "",
        "From",
        "Trough",
        "Recovered",
        "Depth",
        "Buy and hold",
        "Sessions down",
        "Sessions to recovery",
    )
    assert [row.cells for row in table.rows] == [
        ("31 Jan 2024", "31 Jan 2024", "2 Feb 2024", "−10.0%", "−20.0%", "1", "2"),
        ("6 Feb 2024", "6 Feb 2024", "–", "−5.0%", "−50.0%", "1", "–"),
    ]


def test_a_rule_alone_has_drawdowns_and_one_that_never_fell_has_none() -> None:
    alone = pd.DataFrame({"strategy": [1.0, 0.9, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]}, index=INDEX)
    assert (
        len(worst_drawdown_table(alone).rows) == 1
        and "Buy and hold" not in worst_drawdown_table(alone).header
    )
    assert worst_drawdown_table(alone + np.arange(8.0)[:, None]).rows == ()


EPISODES = pd.DataFrame(
    {
        "first": INDEX[[0, 4]],
        "last": INDEX[[2, 6]],
        "name": ["Crash", ""],
        "market_return": [-0.2, -0.1],
        "rule_return": [-0.05, -0.15],
        "missed_after": [0.06, 0.02],
    }
)


def test_episodes_make_a_sentence_and_a_table() -> None:
    assert episode_sentence(EPISODES) == (
        "Inside 2 listed episodes the rule did better than the market in 1: on average it returned "
        "−10.0%, the market "
        "−15.0%; over the 63 sessions after them it fell 4.0% behind the market."
    )
    table = episode_table(EPISODES)
    assert [row.name for row in table.rows] == ["Crash", "Episode 2"]
    assert table.header[:3] == ("", "First", "Last") and table.rows[0].cells[0] == "30 Jan 2024"


def test_episodes_without_returns_make_no_sentence() -> None:
    assert episode_sentence(EPISODES[["name", "first", "last"]]) == ""
    assert episode_sentence(EPISODES.assign(rule_return=np.nan)) == ""


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

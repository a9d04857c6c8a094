import math
from collections.abc import Mapping

import pytest

from regime.report.tables import (
    event_table,
    importance_table,
    lineage_table,
    performance_table,
    score_table,
)


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
    table = score_table(_scores(model=0.9, base_rate=0.5, persistence=None, vix=0.2))
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
    table = performance_table(backtest)
    assert table.header == ("", "Sharpe", "Deepest drawdown", "Turnover a year")
    assert [row.leads for row in table.rows] == [frozenset({0, 1}), frozenset()]


def test_the_lowest_log_loss_leads_and_ties_lead_together() -> None:
    table = score_table(_scores(model=0.3, vix=0.2, base_rate=0.2))
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
    assert [row.name for row in event_table(events).rows] == names


def test_every_row_has_a_cell_for_every_column_even_where_keys_differ() -> None:
    table = event_table({"model": {"caught": "3/4", "surprise": 1.5}, "vix": {"median_lag": 7.0}})
    assert table.header == ("", "Caught", "Median lag, sessions", "Surprise")
    assert [row.cells for row in table.rows] == [("3/4", "–", "1.5"), ("–", "7", "–")]


def test_a_table_of_nothing_has_no_rows() -> None:
    assert score_table({}).rows == () and performance_table({}).rows == ()


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
    table = performance_table(backtest, ("sharpe", "turnover"))
    assert table.header == ("", "Sharpe") and [row.cells for row in table.rows] == [
        ("0.70",),
        ("0.50",),
    ]

"""Specifications hold for plotly itself, and say what the frames say."""

import json
import re
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regime.report.content import ReportContent
from regime.report.figures import Figure, figure_layout, plotly_text, shades, spans
from regime.report.page import figures_of
from regime.report.regime_figures import probability_figure, regime_figure
from regime.report.wealth_figures import equity_drawdown, rolling_figure, wealth_figure
from regime.schema import REGIMES


def _resolved(node: Any, figure: Figure) -> Any:
    """What the page's script makes of a specification, with a black for each colour."""
    if isinstance(node, str):
        return "#000000" if node.startswith("var(") else node
    if isinstance(node, list):
        return [_resolved(item, figure) for item in node]
    if not isinstance(node, dict):
        return node
    if "column" in node:
        return figure.columns[node["column"]]
    if "regimes" in node:
        return [" ".join(f"{label} {figure.columns[name][0]}" for label, name in node["regimes"])]
    return {key: _resolved(item, figure) for key, item in node.items()}


def test_plotly_accepts_every_specification(full_content: ReportContent) -> None:
    figures = figures_of(full_content)
    assert [figure.key for figure in figures] == [
        "regimes",
        "probabilities",
        "baselines",
        "reliability",
        "wealth",
        "rolling",
        "sweep",
        "curves",
        "cta-exposure",
    ]
    for figure in figures:
        drawn = go.Figure(
            data=_resolved(figure.traces, figure), layout=_resolved(figure.layout, figure)
        )
        assert len(drawn.data) == len(figure.traces)
        assert set(figure.fit) <= set(figure.layout)


def test_columns_of_a_figure_are_of_one_length_and_none_is_left_out(
    full_content: ReportContent,
) -> None:
    for figure in figures_of(full_content):
        named = set(re.findall(r'"column": "([^"]+)"', json.dumps(figure.traces)))
        words = [
            trace["text"]["regimes"]
            for trace in figure.traces
            if isinstance(trace.get("text"), dict)
        ]
        named |= {name for pairs in words for _, name in pairs}
        assert named == set(figure.columns) and set(figure.coarse) <= set(figure.columns)
        assert len({len(values) for values in figure.columns.values()}) <= 1
        if "date" in figure.columns:
            assert len(figure.columns["date"]) == len(full_content.probabilities)
        assert figure.alternative and figure.caption.endswith(".")


def test_every_figure_says_what_it_shows(full_content: ReportContent) -> None:
    for figure in figures_of(full_content)[:-1]:
        assert (
            figure.sentence.endswith(".")
            and "nan" not in (figure.sentence + figure.alternative).lower()
        ), figure.key


def test_stacked_traces_begin_with_deleveraging_and_cover_all_regimes(
    report_content: ReportContent,
) -> None:
    figure = probability_figure(report_content.probabilities)
    assert figure.traces[0]["y"]["column"] == "deleveraging"
    assert {trace["y"]["column"] for trace in figure.traces} == set(REGIMES)


def test_regimes_become_codes_in_the_order_of_the_enum_and_unknown_a_gap() -> None:
    index = pd.bdate_range("2020-01-01", periods=5, name="date")
    probabilities = pd.DataFrame(np.eye(4)[[0, 1, 2, 3, 2]], index=index, columns=list(REGIMES))
    truth = pd.Series(["calm", None, "deleveraging", "recovery"], index=index[:4])
    figure = regime_figure(pd.Series(100.0, index=index), truth, probabilities)
    assert figure.columns["model"].tolist() == [0, 1, 2, 3, 2]
    np.testing.assert_array_equal(figure.columns["known"], [0, np.nan, 2, 3, np.nan])
    assert [(shade["x0"], shade["x1"]) for shade in figure.layout["shapes"]] == [
        ("2020-01-03", "2020-01-03")
    ]


def test_truth_of_a_categorical_and_no_truth_at_all() -> None:
    index = pd.bdate_range("2020-01-01", periods=3, name="date")
    probabilities = pd.DataFrame(np.eye(4)[[0, 0, 0]], index=index, columns=list(REGIMES))
    truth = pd.Series(
        pd.Categorical(["calm", None, "fragile"], categories=list(REGIMES)), index=index
    )
    figure = regime_figure(pd.Series(1.0, index=index), truth, probabilities)
    np.testing.assert_array_equal(figure.columns["known"], [0, np.nan, 1])
    bare = regime_figure(pd.Series(1.0, index=index), pd.Series(dtype=object), probabilities)
    assert "known" not in bare.columns and "after the fact" not in bare.caption


def test_closes_left_out_are_named_in_the_caption(report_content: ReportContent) -> None:
    later = report_content.probabilities.loc["2010":]
    figure = regime_figure(report_content.prices, report_content.truth, later)
    assert figure.columns["price"][0] == report_content.prices[later.index[0]]
    assert (
        "Closes before 1 January 2010, the first session out of sample, are not shown."
        in figure.caption
    )


def test_words_of_the_wealth_figure_hold_growth_and_fall(report_content: ReportContent) -> None:
    index = pd.bdate_range("2020-01-01", periods=4, name="date")
    equity = pd.DataFrame(
        {"strategy": [1.0, 1.2, 0.9, 1.5], "buy_and_hold": [1.0, 0.5, 0.25, 0.75]}, index=index
    )
    figure = wealth_figure(equity, pd.Series(1.0, index=index))
    assert figure.sentence == (
        "This rule turns 1 into 1.50 with a maximum drawdown of 25%; "
        "Buy and hold turns 1 into 0.75 with a maximum drawdown of 75%."
    )
    np.testing.assert_allclose(figure.columns["drawdown strategy"], [0, 0, -0.25, 0])


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=40))
def test_a_drawdown_is_never_positive_and_nought_at_each_new_high(values: list[float]) -> None:
    equity = pd.DataFrame({"a": values})
    fall = equity_drawdown(equity)["a"].to_numpy()
    high = np.array(values) >= np.maximum.accumulate([1.0, *values])[1:]
    assert (fall <= 0).all() and (fall > -1).all() and (fall[high] == 0).all()


@given(st.lists(st.booleans(), max_size=60))
def test_spans_are_the_runs_of_true(flags: list[bool]) -> None:
    index = pd.bdate_range("2020-01-01", periods=len(flags))
    found = pd.Series(False, index=index)
    for first, last in spans(pd.Series(flags, index=index, dtype=bool)):
        assert not found[first:last].any() and (
            first == index[0] or not flags[index.get_loc(first) - 1]
        )
        found[first:last] = True
    assert found.tolist() == flags


def test_the_spread_stands_under_the_probabilities_and_its_mean_is_told() -> None:
    index = pd.bdate_range("2020-01-01", periods=3, name="date")
    probabilities = pd.DataFrame(np.eye(4)[[0, 2, 0]], index=index, columns=list(REGIMES))
    spread = pd.DataFrame({"low": [0.0, 0.5], "high": [0.2, 0.9]}, index=index[:2])
    figure = probability_figure(probabilities, spread)
    assert figure.sentence.endswith("The members differ by 30 points on average.")
    np.testing.assert_array_equal(figure.columns["low"], [0.0, 0.5, np.nan])
    assert [trace.get("fill") for trace in figure.traces[4:]] == [None, "tonexty", None]
    assert "yaxis2" not in probability_figure(probabilities, pd.DataFrame()).layout


def test_shades_are_one_rectangle_a_spell() -> None:
    mask = pd.Series([True, False, True, True], index=pd.bdate_range("2020-01-01", periods=4))
    found = shades(mask, 0.5, y0=0.1)
    assert [(shade["x0"], shade["x1"], shade["y0"], shade["opacity"]) for shade in found] == [
        ("2020-01-01", "2020-01-01", 0.1, 0.5),
        ("2020-01-03", "2020-01-06", 0.1, 0.5),
    ]


def test_a_rolling_ratio_is_that_of_its_window_over_cash() -> None:
    random, index = np.random.default_rng(5), pd.bdate_range("2020-01-01", periods=400, name="date")
    returns = pd.DataFrame(
        random.normal(0.001, 0.01, (400, 2)), index, ["strategy", "buy_and_hold"]
    )
    equity, cash = (1 + returns).cumprod(), pd.Series(0.0002, index=index[1:])
    figure = rolling_figure(equity, cash)
    assert figure is not None
    window = returns["strategy"].iloc[-252:] - 0.0002
    assert figure.columns["ratio strategy"][-1] == pytest.approx(
        window.mean() / window.std() * 252**0.5
    )
    assert (
        np.isfinite(figure.columns["ratio strategy"]).sum() == 400 - 252
    )  # the first session has no return
    bare = rolling_figure(equity, pd.Series(dtype=float))
    assert bare is not None and "bills not subtracted" in bare.caption
    assert rolling_figure(equity.iloc[:200], cash) is None


def test_a_year_in_bills_does_not_flatten_the_others() -> None:
    random, index = (
        np.random.default_rng(5),
        pd.bdate_range("2000-01-01", periods=5000, name="date"),
    )
    returns = pd.DataFrame(
        random.normal(0.0004, 0.01, (5000, 2)), index, ["strategy", "buy_and_hold"]
    )
    returns.iloc[3000:3255, 0] = 0.0001 + 1e-6 * random.standard_normal(255)
    figure = rolling_figure((1 + returns).cumprod(), pd.Series(dtype=float))
    assert figure is not None and np.nanmax(figure.columns["ratio strategy"]) > 100
    assert figure.layout["yaxis"]["range"][1] < 10


def test_names_reach_plotly_letter_by_letter() -> None:
    assert plotly_text("<b>a&b</b>") == "&lt;b&gt;a&amp;b&lt;/b&gt;"


def test_layouts_lay_what_is_given_over_the_common_ground() -> None:
    layout = figure_layout(
        yaxis={"type": "log"}, xaxis={"anchor": "y2"}, margin={"l": 1}, hoversubplots="axis"
    )
    assert layout["yaxis"]["type"] == "log" and layout["yaxis"]["gridcolor"] == "var(--grid)"
    assert layout["xaxis"]["anchor"] == "y2" and layout["xaxis"]["type"] == "date"
    assert (
        layout["margin"] == {"l": 1, "r": 10, "t": 10, "b": 28}
        and layout["hoversubplots"] == "axis"
    )


def test_more_benchmarks_than_colours_are_still_drawn(report_content: ReportContent) -> None:
    equity = pd.concat(
        [report_content.equity["buy_and_hold"].rename(f"rule {i}") for i in range(7)], axis=1
    )
    figure = wealth_figure(equity, pd.Series(dtype=float))
    assert len(figure.traces) == 15
    assert np.isnan(figure.columns["exposure"]).all()


@pytest.mark.parametrize("column", ["exposure", "date"])
def test_a_benchmark_named_like_a_column_of_ours_takes_nothing_away(
    report_content: ReportContent, column: str
) -> None:
    equity = report_content.equity.rename(columns={"200dma": column})
    figure = wealth_figure(equity, report_content.exposure)
    np.testing.assert_array_equal(figure.columns["exposure"], report_content.exposure)
    assert figure.columns["date"].dtype.kind == "M"

import dataclasses
import json
import re

import numpy as np
import pandas as pd
import pytest

from regime.report.content import ReportContent
from regime.report.page import embedded_data, render
from regime.report.simulation_figures import fact_table, simulation_figures
from regime.schema import REGIMES

OTHERS = ("households", "value_investors")  # who take the other side


@pytest.fixture
def shown(report_content: ReportContent) -> pd.DatetimeIndex:
    return report_content.probabilities.index


def test_four_figures_over_the_dates_of_the_model(simulated_view, shown):
    figures = simulation_figures(simulated_view, shown)
    assert [figure.key for figure in figures] == [
        "simulation-prices",
        "simulation-flows",
        "simulation-triggers",
        "simulation-reserves",
    ]
    for figure in figures:
        assert len({len(column) for column in figure.columns.values()}) == 1, figure.key
        named = set(re.findall(r'"column": "([^"]+)"', json.dumps(figure.traces)))
        assert (
            named <= set(figure.columns)
            and len(figure.alternative) > 60
            and figure.caption.endswith(".")
        )
    assert all((figure.columns["date"][0] >= np.datetime64(shown[0])) for figure in figures[:3])
    assert json.dumps(embedded_data(figures))


def test_marks_stand_at_the_start_of_each_crisis_in_view(simulated_view, shown):
    prices = simulation_figures(simulated_view, shown)[0]
    start = simulated_view.crises["start"]
    for kind, row, base in (("312", 0, "sp500"), ("519", 1, "btc")):
        marked = np.flatnonzero(np.isfinite(prices.columns[kind]))
        assert prices.columns["date"][marked].tolist() == [start[row].to_datetime64()]
        assert prices.columns[kind][marked[0]] > prices.columns[base][marked[0]]
    assert not np.isfinite(prices.columns["false_alarm"]).any()  # before the first date shown
    assert "1 of type 312" in prices.alternative and "slow bear" not in prices.alternative


def test_weekly_flows_are_sums_and_their_axis_sees_the_whole_stack(simulated_view, shown):
    flows = simulation_figures(simulated_view, shown)[1]
    week = slice("2010-03-01", "2010-03-05")
    place = list(flows.columns["date"]).index(np.datetime64("2010-03-05"))
    rule_driven = simulated_view.flows.loc[week].drop(columns=list(OTHERS)).sum()
    assert flows.columns["dealers"][place] == pytest.approx(rule_driven["dealers"])
    assert flows.columns["sold"][place] == pytest.approx(rule_driven.clip(upper=0).sum())
    assert flows.columns["bought"][place] == pytest.approx(rule_driven.clip(lower=0).sum())


def test_each_session_has_one_mark_by_regime_over_reserves(simulated_view, shown):
    reserves = simulation_figures(simulated_view, shown)[3]
    marks = np.column_stack([reserves.columns[name] for name in REGIMES])
    assert (np.isfinite(marks).sum(axis=1) == 1).all()
    assert reserves.layout["xaxis"]["type"] == "linear"


def test_facts_are_those_of_the_frames(simulated_view):
    table = fact_table(
        simulated_view.prices,
        simulated_view.regimes,
        simulated_view.reserves,
        simulated_view.funding,
    )
    cells = {row.name: row.cells[0] for row in table.rows}
    moves = np.log(simulated_view.prices["sp500"]).diff().dropna()
    assert (
        cells["Volatility a year"] == f"{moves.std() * 252**0.5:.1%}"
        and cells["VIX, mean"] == "20.0"
    )
    assert cells["Excess kurtosis of daily returns"] == f"{moves.kurt():.1f}"
    calm, stress = map(
        float, cells["Correlation of risky markets, calm and deleveraging"].split(", ")
    )
    assert 0.1 < calm < 0.3 < 0.5 < stress
    least, middle, most = (
        float(part.replace("−", "-").replace(" bp", ""))
        for part in next(row for row in table.rows if "SOFR" in row.name).cells[0].split(", ")
    )
    assert least - middle > middle - most >= 0
    assert all(len(row.cells) == len(table.header) - 1 for row in table.rows)


def test_the_page_gets_a_section_of_its_own(simulated_view, report_content):
    page = render(dataclasses.replace(report_content, simulation=simulated_view))
    for part in (
        'id="simulation"',
        'id="simulation-prices"',
        'data-figure="simulation-reserves"',
        "Stylised facts",
        'href="#simulation"',
    ):
        assert part in page, part
    assert page.count('class="key"') == 4  # regimes, probabilities, simulated prices, reserves
    assert 'id="simulation"' not in render(report_content)

import json

import numpy as np
import pandas as pd
import pytest

from regime.report.robustness_figures import curve_figure, sweep_figure

SWEEP = pd.DataFrame(
    {
        "enter": [0.4, 0.5, 0.4, 0.5, 0.6],
        "days": [10, 10, 2, 2, 2],
        "robust_sharpe": [0.3, 0.5, 0.1, 0.4, np.nan],
        "chosen": [False, True, False, False, False],
    }
)


def test_the_heat_map_has_a_cell_a_setting_and_gaps_where_there_is_none() -> None:
    figure = sweep_figure(SWEEP)
    heat = figure.traces[0]
    assert (heat["x"], heat["y"]) == (["0.4", "0.5", "0.6"], ["2", "10"])
    assert heat["z"] == [[0.1, 0.4, None], [0.3, 0.5, None]]
    json.dumps(figure.traces, allow_nan=False)


def test_the_chosen_cell_is_framed_and_described_with_its_neighbours() -> None:
    figure = sweep_figure(SWEEP)
    (frame,) = figure.layout["shapes"]
    assert (frame["x0"], frame["x1"], frame["y0"], frame["y1"]) == (0.5, 1.5, 0.5, 1.5)
    assert figure.sentence == (
        "The setting in use, Enter 0.5 and Days 10, has a robust Sharpe of 0.50, more than 75% "
        "of those shown; half of the settings shown reach 0.35."
    )
    assert sweep_figure(SWEEP.assign(chosen=False)).sentence.startswith("No setting is marked")


def test_parameters_may_be_words_and_many_columns_hide_their_values() -> None:
    wide = pd.DataFrame(
        {
            "a": list(range(12)) * 2,
            "rule": ["<b>"] * 12 + ["ramp"] * 12,
            "robust_sharpe": 1.0,
            "chosen": False,
        }
    )
    heat = sweep_figure(wide).traces[0]
    assert heat["y"] == ["&lt;b&gt;", "Ramp"] and "texttemplate" not in heat
    assert "texttemplate" in sweep_figure(SWEEP).traces[0]


def _table(index: list[float], **columns: list[float]) -> pd.DataFrame:
    return pd.DataFrame(columns, index=index)


def test_curves_stand_side_by_side_on_one_scale_with_the_benchmarks() -> None:
    figure = curve_figure(
        {
            "costs": _table([2.0, 1.0, 0.0], sharpe=[0.5, 0.6, 0.7], sharpe_vix=[-0.2, 0.1, 0.2]),
            "delays": _table([1, 5], sharpe=[0.6, 0.3]),
            "noise": _table([1], sharpe=[0.1]),
        }
    )
    assert figure is not None
    assert [(trace["name"], trace["yaxis"]) for trace in figure.traces] == [
        ("VIX", "y"),
        ("This rule", "y"),
        ("This rule", "y2"),
    ]
    assert figure.traces[1]["x"] == ["0", "1", "2"] and figure.traces[1]["text"] == [
        "",
        "0.60",
        "0.50",
    ]
    assert figure.layout["yaxis"]["range"] == figure.layout["yaxis2"]["range"]
    assert figure.layout["yaxis"]["range"][0] < -0.2 and figure.layout["yaxis"]["range"][1] > 0.7
    assert figure.sentence == (
        "At 2 times the costs the Sharpe ratio is 0.50 instead of 0.60 at 1. Filled 5 sessions "
        "after the decision the Sharpe ratio is 0.30 instead of 0.60 at 1."
    )


def test_one_table_takes_the_whole_width() -> None:
    figure = curve_figure({"delays": _table([1, 2], sharpe=[0.6, np.nan])})
    assert (
        figure is not None
        and figure.layout["xaxis"]["domain"] == [0, 1]
        and "yaxis2" not in figure.layout
    )


@pytest.mark.parametrize(
    "stress",
    [
        {},
        {"noise": _table([1], sharpe=[0.1])},
        {"costs": _table([1], cagr=[0.1])},
        {"costs": pd.DataFrame({"sharpe": [0.5]}, index=["one"])},
        {"costs": _table([1], sharpe=[np.nan])},
    ],
)
def test_tables_that_are_no_curve_are_left_alone(stress: dict[str, pd.DataFrame]) -> None:
    assert curve_figure(stress) is None

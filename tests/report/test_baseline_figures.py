import numpy as np
import pandas as pd
import pytest

from regime.report.baseline_figures import baseline_figure, reliability_figure
from regime.schema import REGIMES

INDEX = pd.bdate_range("2020-01-01", periods=4, name="date")
STRESS = np.array([0.1, 0.8, 0.6, 0.2])
MODEL = pd.DataFrame(
    {"calm": 1 - STRESS, "fragile": 0.0, "deleveraging": STRESS, "recovery": 0.0},
    INDEX,
    list(REGIMES),
)
TRUTH = pd.Series(["calm", "deleveraging", "deleveraging", "calm"], INDEX)
BASELINES = pd.DataFrame(
    {"vix": [0.2, 0.5, 0.5, 0.3], "persistence": [np.nan, 0.1, 0.9, 0.9]}, INDEX
)


def test_rows_stand_by_log_loss_each_with_baseline_and_model() -> None:
    figure = baseline_figure(BASELINES, MODEL, TRUTH, {"vix": 0.31, "persistence": 0.25})
    assert [trace["y"]["column"] for trace in figure.traces] == [
        "baseline persistence",
        "model",
        "baseline vix",
        "model",
    ]
    assert [trace["yaxis"] for trace in figure.traces] == ["y", "y", "y2", "y2"]
    assert [words["text"] for words in figure.layout["annotations"]] == [
        "Persistence, log loss 0.2500",
        "VIX, log loss 0.3100",
    ]
    assert figure.layout["xaxis"]["anchor"] == "y2" and len(figure.layout["shapes"]) == 1
    np.testing.assert_array_equal(figure.columns["baseline persistence"], BASELINES["persistence"])


def test_rows_do_not_overlap_and_leave_room_for_their_words() -> None:
    figure = baseline_figure(BASELINES, MODEL, TRUTH, {})
    (low, high), (below_low, below_high) = (
        figure.layout["yaxis"]["domain"],
        figure.layout["yaxis2"]["domain"],
    )
    assert 0 <= below_low < below_high < low < high < 1


def test_the_sentence_compares_sessions_inside_and_outside() -> None:
    figure = baseline_figure(BASELINES, MODEL, TRUTH, {"vix": 0.31})
    assert figure.sentence == (
        "On sessions of deleveraging the model's probability averages 70%, on all others 15%; of "
        "the baselines VIX has the highest, 50% and 25%."
    )
    assert [words["text"] for words in figure.layout["annotations"]][
        1
    ] == "Persistence"  # no score, hence last
    bare = baseline_figure(BASELINES, MODEL, pd.Series(dtype=object), {})
    assert bare.sentence == "" and "Shaded" not in bare.caption and bare.layout["shapes"] == []


def _reliability(*names: str) -> pd.DataFrame:
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "forecaster": name,
                    "forecast": [0.8, 0.1],
                    "observed": [0.6, 0.1],
                    "sessions": [100, 300],
                }
            )
            for name in names
        ],
        ignore_index=True,
    )


def test_the_diagram_shows_the_model_and_the_best_and_counts_both() -> None:
    figure = reliability_figure(
        _reliability("vix", "persistence", "model"), {"vix": 0.3, "persistence": 0.2}
    )
    assert [trace["name"] for trace in figure.traces[1::2]] == ["This model", "Persistence", "VIX"]
    assert [trace["visible"] for trace in figure.traces[1::2]] == [True, True, "legendonly"]
    assert figure.columns["forecast"].tolist() == [0.1] * 3 + [0.8] * 3
    assert np.isfinite(figure.columns["sessions model"]).sum() == 2
    assert "tap a name" not in figure.caption


def test_the_diagram_says_which_baselines_it_leaves_out() -> None:
    figure = reliability_figure(_reliability("a", "b", "c", "d", "e", "model"), {})
    assert (
        len(figure.traces) == 1 + 2 * 4 and "The 3 best baselines of 5 are drawn" in figure.caption
    )


def test_the_diagram_speaks_of_the_highest_bin_that_is_no_accident() -> None:
    table = pd.concat(
        [
            _reliability("model"),
            pd.DataFrame(
                {"forecaster": ["model"], "forecast": [0.95], "observed": [0.0], "sessions": [3]}
            ),
        ]
    )
    assert reliability_figure(table, {}).sentence == (
        "Where the model forecast 80% on average, a deleveraging was under way on 60% of 100 "
        "sessions; over all bins the forecast is 5.7 points off the observed share."
    )


@pytest.mark.parametrize("names", [("vix",), ("model",)])
def test_one_forecaster_is_enough(names: tuple[str, ...]) -> None:
    figure = reliability_figure(_reliability(*names), {})
    assert len(figure.traces) == 3 and bool(figure.sentence) == (names == ("model",))

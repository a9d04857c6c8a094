import numpy as np
import pandas as pd
import pytest

from regime.errors import InvalidDataError
from regime.evaluation.events import alarm_sessions, episode_detection, event_scores
from regime.evaluation.truth import Truth


def series(values, first: str = "2015-01-01") -> pd.Series:
    return pd.Series(
        np.asarray(values, dtype=float), pd.bdate_range(first, periods=len(values), name="date")
    )


def truth_with(n: int, *spells: tuple[int, int]) -> Truth:
    stress = np.zeros(n)
    for a, b in spells:
        stress[a : b + 1] = 1
    stress = series(stress)
    return Truth(stress=stress, known_at=pd.Series(stress.index, index=stress.index))


def scores_at(n: int, *positions: int) -> pd.Series:
    score = np.zeros(n)
    score[list(positions)] = 1
    return series(score)


def test_alarm_on_the_highest_sessions():
    assert np.flatnonzero(alarm_sessions(series([1, 5, 3, 4, 2]), 2)).tolist() == [1, 3]


def test_ties_go_to_the_higher_recent_mean_then_to_the_earlier():
    score = series([1, 0, 0, 3, 1, 0, 0, 0])
    # the two ones tie: the second follows a 3, so its mean over 21 sessions is higher (5/5 against
    # 1)
    score.iloc[0] = 0.5
    score.iloc[1] = 1
    assert np.flatnonzero(alarm_sessions(score, 2)).tolist() == [3, 4]
    assert np.flatnonzero(alarm_sessions(series(np.ones(6)), 2)).tolist() == [0, 1]


@pytest.mark.parametrize(("position", "lag"), [(51, 1), (50, 0), (40, 0), (39, None), (52, None)])
def test_caught_within_and_up_to_ten_sessions_before(position, lag):
    result = event_scores(truth_with(100, (50, 51)), scores_at(100, position, 99))
    assert result.caught == (lag is not None) and result.median_lag == lag


def test_false_alarms_are_runs_apart_from_spells():
    truth = truth_with(504, (100, 105))
    # six alarm sessions: two in one run far away, one far away, one 10 before (not false), two
    # inside
    result = event_scores(truth, scores_at(504, 300, 301, 400, 90, 101, 102))
    assert result.alarm_sessions == 6 and result.spells == 1 and result.caught == 1
    assert result.false_alarms_per_year == pytest.approx(2 / 2)
    assert result.median_lag == 0


def test_run_that_touches_a_spell_is_not_false():
    truth = truth_with(252, (100, 102))
    assert event_scores(truth, scores_at(252, 88, 89, 90)).false_alarms_per_year == 0


def test_lag_is_the_median_over_caught_spells():
    truth = truth_with(300, (50, 54), (120, 124), (200, 204))
    result = event_scores(truth, scores_at(300, 52, 53, 54, 124, *range(270, 281)))
    assert (result.spells, result.caught, result.median_lag) == (3, 2, 3.0)
    table = episode_detection(truth, scores_at(300, 52, 53, 54, 124, *range(270, 281)))
    assert table["lag"].tolist()[:2] == [2, 4] and np.isnan(table["lag"].iloc[2])
    assert table["caught"].tolist() == [True, True, False] and pd.isna(table["first_alarm"].iloc[2])
    assert table["first_alarm"].iloc[0] == truth.stress.index[52]


def test_spell_cut_by_the_window_is_no_spell_but_no_false_alarm_either():
    truth = truth_with(200, (10, 30), (100, 110), (180, 190))
    # 28 stress sessions in the window, 28 alarms: at both cut spells, in the whole one and in one
    # place else
    alarms = [*range(20, 31), *range(101, 110), *range(182, 186), *range(140, 144)]
    result = event_scores(truth, scores_at(200, *alarms)[20:186])
    assert result.alarm_sessions == len(alarms) == 28
    assert (result.spells, result.caught) == (1, 1)
    assert result.false_alarms_per_year == pytest.approx(1 / (166 / 252))


def test_window_equals_the_same_rows_alone():
    truth = truth_with(300, (50, 54), (120, 124), (200, 204))
    score = series(np.random.default_rng(1).random(300))
    part = Truth(stress=truth.stress[40:260], known_at=truth.known_at[40:260])
    assert event_scores(truth, score[40:260]) == event_scores(part, score[40:260])


def test_no_stress_gives_no_alarm():
    result = event_scores(truth_with(50), series(np.arange(50)))
    assert (result.spells, result.caught, result.median_lag, result.alarm_sessions) == (
        0,
        0,
        None,
        0,
    )
    assert (
        result.false_alarms_per_year == 0
        and episode_detection(truth_with(50), series(np.arange(50))).empty
    )


def test_unknown_sessions_are_outside_the_window():
    truth = truth_with(120, (50, 54))
    stress = truth.stress.copy()
    stress.iloc[100:] = np.nan
    cut = Truth(stress=stress, known_at=truth.known_at.where(stress.notna()))
    score = series(np.arange(120))  # highest where nothing is known
    assert event_scores(cut, score) == event_scores(truth, score[:100])


def test_window_without_truth_is_refused():
    with pytest.raises(InvalidDataError, match="known truth"):
        event_scores(truth_with(20, (5, 6)), series(np.ones(20), "2040-01-02"))


def test_perfect_and_constant_scores():
    truth = truth_with(500, (100, 130), (300, 320))
    perfect = event_scores(truth, truth.stress)
    assert (perfect.caught, perfect.median_lag, perfect.false_alarms_per_year) == (2, 0, 0)
    assert event_scores(truth, series(np.ones(500))).alarm_sessions == perfect.alarm_sessions

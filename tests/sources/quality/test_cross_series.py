"""One quantity from two sources, with errors planted in one of them."""

import numpy as np
import pytest

from regime.sources.quality.cross_series import (
    check_direction,
    compare_with_reference,
    confirm_ticks,
)
from regime.sources.quality.findings import iso
from regime.sources.quality.values import bad_ticks

ROWS = 1500
DAYS = np.arange(14_000, 14_000 + ROWS)


def two_hours(seed=0, size=0.006):
    """The same rate at noon and in the evening: what moves in between is in the next noon."""
    path = np.exp(
        np.random.default_rng(seed).normal(scale=size / np.sqrt(2), size=2 * ROWS).cumsum()
    )
    return path[::2], path[1::2]


def test_a_mirror_is_exact_and_one_wrong_digit_is_found():
    noon, _ = two_hours()
    wrong = noon.copy()
    wrong[700] *= 1.002
    assert (
        compare_with_reference(
            DAYS, noon, (DAYS, noon), "b.csv", 0.001, changes="log", neighbours=False
        )
        == []
    )
    (finding,) = compare_with_reference(
        DAYS, wrong, (DAYS, noon), "b.csv", 0.001, changes="log", neighbours=False
    )
    assert (finding.severity, finding.dates) == ("warning", (iso(DAYS[700]),))
    assert "1 value of 1,500 compared deviating from b.csv by more than 0.10%" in finding.text


@pytest.mark.parametrize("size", [-0.17, -0.05, 0.025, 0.17])
def test_another_hour_of_the_day_is_no_error_and_a_bad_tick_is(size):
    noon, evening = two_hours(1)
    sound = {"changes": "log", "neighbours": True}
    assert compare_with_reference(DAYS, evening, (DAYS, noon), "noon", 0.018, **sound) == []
    assert (
        compare_with_reference(
            DAYS, evening, (DAYS, noon), "noon", 0.018, changes="log", neighbours=False
        )
        == []
    )
    evening[[300, 900]] *= 1 + size
    (finding,) = compare_with_reference(
        DAYS, evening, (DAYS, noon), "noon", 0.018 if abs(size) > 0.03 else 0.008, **sound
    )
    assert {iso(DAYS[300]), iso(DAYS[900])} <= set(finding.dates)
    assert finding.count <= 4


def test_a_move_between_the_two_hours_is_inside_the_band():
    noon, evening = two_hours(2)
    noon[601:], evening[600:] = (
        noon[601:] * 1.05,
        evening[600:] * 1.05,
    )  # news in the afternoon of day 600
    both = (DAYS, evening), (DAYS, noon)
    assert (
        compare_with_reference(*both[0], both[1], "noon", 0.018, changes="log", neighbours=True)
        == []
    )
    assert (
        compare_with_reference(*both[0], both[1], "noon", 0.03, changes="log", neighbours=False)[
            0
        ].count
        == 1
    )


def test_days_without_a_reference_near_are_not_compared():
    noon, evening = two_hours(3)
    evening[500:600] *= 2
    far = (np.delete(DAYS, range(480, 620)), np.delete(noon, range(480, 620)))
    assert (
        compare_with_reference(DAYS, evening, far, "noon", 0.1, changes="log", neighbours=False)
        == []
    )
    near = compare_with_reference(
        DAYS, evening, (far[0], far[1]), "noon", 0.1, changes="log", neighbours=True
    )
    assert near == []
    nothing = (DAYS[:0], noon[:0])
    assert (
        compare_with_reference(DAYS, evening, nothing, "noon", 0.1, changes="log", neighbours=True)
        == []
    )


def test_the_band_holds_the_rows_beside_a_day_that_the_reference_lacks():
    theirs = (np.array([0, 2, 4]), np.array([10.0, 20.0, 10.0]))
    days, values = np.array([1, 3, 5]), np.array([15.0, 25.0, 10.0])
    (finding,) = compare_with_reference(
        days, values, theirs, "b", 1.0, changes="linear", neighbours=True
    )
    assert finding.dates == (iso(3),)
    assert (
        finding.evidence[0]["low"],
        finding.evidence[0]["high"],
        finding.evidence[0]["excess"],
    ) == (
        10.0,
        20.0,
        5.0,
    )


def test_a_tick_that_the_reference_has_too_is_an_event():
    noon, _ = two_hours(4)
    noon[700] *= 1.2
    (tick,) = bad_ticks(DAYS, noon, "log")
    other = noon * 1.0001
    expected = confirm_ticks(
        tick, DAYS, noon, (DAYS, other), "b.csv", 0.001, changes="log", neighbours=False
    )
    assert (expected.severity, expected.dates) == ("note", tick.dates)
    assert expected.text.endswith("b.csv has the same")
    other[700] /= 1.2
    assert (
        confirm_ticks(
            tick, DAYS, noon, (DAYS, other), "b.csv", 0.001, changes="log", neighbours=False
        )
        == tick
    )
    assert (
        confirm_ticks(
            tick, DAYS, noon, (DAYS[:0], other[:0]), "b", 1, changes="log", neighbours=False
        )
        == tick
    )


def test_a_series_quoted_the_other_way_round_moves_against_its_reference():
    net = np.random.default_rng(5).normal(size=ROWS).cumsum()
    noise = np.random.default_rng(6).normal(scale=0.3, size=ROWS).cumsum()
    (finding,) = check_direction(DAYS, -net + noise, (DAYS, net), "b.csv")
    assert (finding.check, finding.severity) == ("direction", "note")
    assert check_direction(DAYS, net + noise, (DAYS, net), "b.csv") == []
    assert check_direction(DAYS, noise, (DAYS, net), "b.csv") == []
    assert check_direction(DAYS[:20], -net[:20], (DAYS[:20], net[:20]), "b.csv") == []
    assert check_direction(DAYS, np.zeros(ROWS), (DAYS, net), "b.csv") == []

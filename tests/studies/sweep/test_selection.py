"""Choosing from a sweep: by neighbours and blocks, with what was known before."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from regime.errors import ConfigError
from regime.studies.sweep.grid import Grid, ParameterGrid, StackGrid
from regime.studies.sweep.selection import (
    best_setting,
    chosen_by_year,
    heat_map,
    in_spans,
    plateau,
    robust_score,
)
from regime.studies.sweep.sweep import SweepResult

DAYS, YEAR = 100, math.sqrt(252)


def result_of(sharpe):
    """A result whose Sharpe ratios by block are `sharpe`; NaN for a block in cash."""
    sharpe = np.asarray(sharpe, dtype=float)
    sums = np.where(np.isnan(sharpe), 0.0, sharpe / YEAR * 0.01 * DAYS)
    squares = np.where(np.isnan(sharpe), 0.0, 0.01**2 * (DAYS - 1) + sums**2 / DAYS)
    return SweepResult(
        table=pd.DataFrame(index=range(len(sharpe))),
        blocks=pd.RangeIndex(sharpe.shape[1]),
        days=np.full(sharpe.shape[1], DAYS),
        sums=sums,
        squares=squares,
    )


def test_the_blocks_of_a_result_give_its_sharpe_ratios():
    sharpe = [[1.0, -0.5, math.nan], [0.3, 2.0, 0.1]]
    np.testing.assert_allclose(result_of(sharpe).sharpe_by_block(), sharpe, rtol=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_robust_score_by_brute_force(seed):
    rng = np.random.default_rng(seed)
    grid = ParameterGrid.product({"a": range(4), "b": range(3), "c": range(2)})
    sharpe = rng.normal(0, 1, (24, int(rng.integers(1, 7))))
    sharpe[rng.random(sharpe.shape) < 0.1] = math.nan
    score = robust_score(result_of(sharpe), grid)
    places = list(itertools.product(range(4), range(3), range(2)))
    for i, here in enumerate(places):
        near = [
            j
            for j, there in enumerate(places)
            if sum(abs(p - q) for p, q in zip(here, there, strict=True)) <= 1
        ]
        assert score[i] == pytest.approx(np.median(np.nan_to_num(sharpe[near])), abs=1e-9)


def test_many_settings_are_scored_in_parts():
    grid = ParameterGrid.product({"a": range(100), "b": range(90)})
    sharpe = np.random.default_rng(0).normal(0, 1, (9000, 3))
    score = robust_score(result_of(sharpe), grid)
    assert score[4095] == pytest.approx(np.median(sharpe[[4095, 4094, 4096, 4005, 4185]]), abs=1e-9)


def test_a_lonely_peak_loses_to_a_broad_hill():
    line = np.array([0.1, 0.1, 3.0, 0.1, 0.1, 0.6, 0.7, 0.6, 0.1])
    result, grid = (
        result_of(np.tile(line[:, None], (1, 4))),
        ParameterGrid.product({"days": range(9)}),
    )
    assert robust_score(result, grid).idxmax() in (5, 6)
    assert best_setting(robust_score(result, grid)) in (5, 6)


def test_rounding_does_not_choose_among_equals():
    sharpe = np.tile([[0.4], [0.7], [0.7], [0.7], [0.4]], (1, 4))
    grid = ParameterGrid.product({"days": range(5)})
    for seed in range(8):
        noise = np.random.default_rng(seed).normal(0, 1e-14, sharpe.shape)
        assert best_setting(robust_score(result_of(sharpe + noise), grid)) == 1


def test_one_exceptional_year_does_not_decide():
    steady, exceptional = [0.5] * 5, [0.1, 0.1, 0.1, 0.1, 9.0]
    result, grid = (
        result_of([steady, steady, steady, exceptional, exceptional, exceptional]),
        ParameterGrid.product({"days": range(6)}),
    )
    assert robust_score(result, grid).idxmax() <= 2


def test_a_setting_without_neighbours_has_no_score_and_is_never_chosen():
    grid = ParameterGrid(
        axes=({"a": (1, 2, 3, 9)},),
        stack=np.zeros(4, np.int64),
        steps=np.array([[0], [1], [2], [8]]),
    )
    result = result_of([[0.1, 0.2], [0.3, 0.2], [0.2, 0.1], [9.0, 9.0]])
    assert math.isnan(robust_score(result, grid)[3])
    assert best_setting(robust_score(result, grid)) != 3 and not plateau(result, grid)[3]
    alone = ParameterGrid(axes=grid.axes, stack=np.zeros(1, np.int64), steps=np.array([[8]]))
    with pytest.raises(ConfigError, match="no setting has a neighbour"):
        best_setting(robust_score(result_of([[1.0]]), alone))


def test_the_choice_of_a_year_uses_the_years_before_it():
    rng = np.random.default_rng(3)
    levels = [0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
    grid = Grid(stacks=(StackGrid(rules=({"Threshold": {"level": levels}},)),))
    dates = pd.bdate_range("2001-01-01", "2009-12-31", name="date")
    signals = pd.DataFrame({"deleveraging": rng.uniform(0, 1, len(dates))}, index=dates)
    sharpe = rng.normal(0, 1, (6, 9))
    changed = sharpe.copy()
    changed[:, 6:] = rng.normal(0, 5, (6, 3))

    def choices(values):
        result = replace(result_of(values), blocks=pd.Index(range(2001, 2010)))
        return chosen_by_year(result, grid, signals, 4)

    table, exposure = choices(sharpe)
    other, _ = choices(changed)
    assert table.index.tolist() == [2005, 2006, 2007, 2008, 2009]
    assert table["setting"][:3].equals(other["setting"][:3])
    assert not table["setting"][3:].equals(other["setting"][3:])
    for year, setting, rule, earned in table.itertuples():
        before = result_of(sharpe[:, : year - 2001])
        score = robust_score(in_spans(before), grid.parameter_grid())
        assert setting == score.idxmax() and rule == str(grid.rule(setting))
        assert earned == pytest.approx(sharpe[setting, year - 2001])
        decided = grid.rule(setting)(signals)
        assert exposure.loc[str(year)].equals(decided.loc[str(year)])
    assert choices(sharpe[:, :9])[0].equals(table)


@pytest.mark.parametrize(
    ("count", "starts"), [(10, [0, 5]), (13, [0, 3, 8]), (12, [0, 7]), (2, [0]), (5, [0])]
)
def test_spans_count_back_from_the_last_year(count, starts):
    sharpe = np.random.default_rng(0).normal(0, 1, (3, count))
    result = result_of(sharpe)
    spans = in_spans(result)
    assert spans.blocks.tolist() == starts
    assert spans.days.sum() == result.days.sum()
    np.testing.assert_allclose(spans.sums.sum(axis=1), result.sums.sum(axis=1))


def test_the_heat_map_moves_two_parameters_and_holds_the_others():
    hysteresis = {"enter": [0.5, 0.6, 0.7], "leave": [0.2, 0.3, 0.4], "halflife": [0, 5]}
    grid = Grid(
        stacks=(
            StackGrid(rules=({"Threshold": {"level": [0.4, 0.5]}},)),
            StackGrid(rules=({"Hysteresis": hysteresis}, {"MinimumHold": {"days": [1, 2]}})),
        )
    )
    score = pd.Series(np.arange(len(grid), dtype=float))
    chosen = 17
    table = heat_map(score, grid, chosen)
    assert table.columns.tolist() == [
        "Hysteresis.enter",
        "Hysteresis.leave",
        "robust_sharpe",
        "chosen",
    ]
    assert len(table) == 9 and table["chosen"].sum() == 1
    assert table.loc[table["chosen"], "robust_sharpe"].item() == chosen
    leave, hold = grid.rule(chosen).rules
    for row in table.itertuples(index=False):
        rule = grid.rule(int(row.robust_sharpe)).rules
        assert (rule[0].enter, rule[0].leave) == (row[0], row[1])
        assert (rule[0].halflife, rule[1]) == (leave.halflife, hold)
    assert heat_map(score, grid, 1).empty


def test_a_plateau_is_connected_and_within_one_error():
    # Blocks of the best neighbourhood vary, so that there is an error; a second hill as high lies
    # apart.
    noise = np.array([-0.2, 0.2, -0.1, 0.1])
    line = np.array([0.0, 0.9, 1.0, 0.9, 0.0, -1.0, 0.0, 0.9, 0.99, 0.9, 0.0])
    result, grid = result_of(line[:, None] + noise), ParameterGrid.product({"days": range(11)})
    score, flat = robust_score(result, grid), plateau(result, grid)
    best = int(score.idxmax())
    assert flat[best] and best in (1, 2, 3) and not flat[5:].any()
    inside = np.flatnonzero(flat)
    assert (np.diff(inside) == 1).all()
    error = (
        math.sqrt(math.pi / 2)
        * np.median(line[best - 1 : best + 2, None] + noise, axis=0).std(ddof=1)
        / 2
    )
    assert (score[inside] >= score[best] - error - 1e-9).all()
    edge = [i for i in (inside[0] - 1, inside[-1] + 1) if 0 <= i < 11]
    assert (score[edge] < score[best] - error + 1e-9).all()


def test_a_plateau_of_one_block_is_the_best_with_its_equals():
    result, grid = (
        result_of([[0.0], [1.0], [1.0], [1.0], [0.0]]),
        ParameterGrid.product({"days": range(5)}),
    )
    assert plateau(result, grid).tolist() == (robust_score(result, grid) > 0.99).tolist()


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (
            lambda r, g: robust_score(r, ParameterGrid.product({"a": range(3)})),
            "^grid: holds 3 settings, the result 2",
        ),
        (lambda r, g: robust_score(r.before(0), g), "^result: a robust score needs blocks"),
    ],
)
def test_questions_without_an_answer_are_refused(act, message):
    with pytest.raises(ConfigError, match=message):
        act(result_of([[0.1, 0.2, 0.3], [0.2, 0.1, 0.0]]), ParameterGrid.product({"a": range(2)}))

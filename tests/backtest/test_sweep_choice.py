"""Choosing from a sweep: by neighbours and blocks, with what was known before."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest

from regime.backtest.sweep import SweepResult
from regime.backtest.sweep_choice import best_before, plateau, robust_score
from regime.errors import ConfigError
from regime.rule_programs import Lattice

DAYS, YEAR = 100, math.sqrt(252)


def result_of(sharpe):
    """A result whose Sharpe ratios by block are those given; NaN for a block in cash."""
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
    given = [[1.0, -0.5, math.nan], [0.3, 2.0, 0.1]]
    np.testing.assert_allclose(result_of(given).sharpe_by_block(), given, rtol=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_robust_score_by_brute_force(seed):
    rng = np.random.default_rng(seed)
    lattice = Lattice.product({"a": range(4), "b": range(3), "c": range(2)})
    sharpe = rng.normal(0, 1, (24, int(rng.integers(1, 7))))
    sharpe[rng.random(sharpe.shape) < 0.1] = math.nan
    score = robust_score(result_of(sharpe), lattice)
    places = list(itertools.product(range(4), range(3), range(2)))
    for i, here in enumerate(places):
        near = [
            j
            for j, there in enumerate(places)
            if sum(abs(p - q) for p, q in zip(here, there, strict=True)) <= 1
        ]
        assert score[i] == pytest.approx(np.median(np.nan_to_num(sharpe[near])), abs=1e-9)


def test_many_settings_are_scored_in_parts():
    lattice = Lattice.product({"a": range(100), "b": range(90)})
    sharpe = np.random.default_rng(0).normal(0, 1, (9000, 3))
    score = robust_score(result_of(sharpe), lattice)
    assert score[4095] == pytest.approx(np.median(sharpe[[4095, 4094, 4096, 4005, 4185]]), abs=1e-9)


def test_a_lonely_peak_loses_to_a_broad_hill():
    line = np.array([0.1, 0.1, 3.0, 0.1, 0.1, 0.6, 0.7, 0.6, 0.1])
    result, lattice = result_of(np.tile(line[:, None], (1, 4))), Lattice.product({"days": range(9)})
    assert robust_score(result, lattice).idxmax() in (5, 6)
    assert best_before(result, lattice, 4) in (5, 6)


def test_one_lucky_year_does_not_decide():
    steady, lucky = [0.5] * 5, [0.1, 0.1, 0.1, 0.1, 9.0]
    result, lattice = (
        result_of([steady, steady, steady, lucky, lucky, lucky]),
        Lattice.product({"days": range(6)}),
    )
    assert robust_score(result, lattice).idxmax() <= 2


def test_a_setting_without_neighbours_has_no_score_and_is_never_chosen():
    lattice = Lattice(
        axes=({"a": (1, 2, 3, 9)},),
        part=np.zeros(4, np.int64),
        steps=np.array([[0], [1], [2], [8]]),
    )
    result = result_of([[0.1, 0.2], [0.3, 0.2], [0.2, 0.1], [9.0, 9.0]])
    assert math.isnan(robust_score(result, lattice)[3])
    assert best_before(result, lattice, 2) != 3 and not plateau(result, lattice)[3]
    alone = Lattice(axes=lattice.axes, part=np.zeros(1, np.int64), steps=np.array([[8]]))
    with pytest.raises(ConfigError, match="no setting has a neighbour"):
        best_before(result_of([[1.0]]), alone, 1)


def test_the_choice_for_a_block_does_not_know_it():
    rng = np.random.default_rng(3)
    sharpe, lattice = rng.normal(0, 1, (12, 6)), Lattice.product({"a": range(4), "b": range(3)})
    changed = sharpe.copy()
    changed[:, 3:] = rng.normal(0, 5, (12, 3))
    assert best_before(result_of(sharpe), lattice, 3) == best_before(result_of(changed), lattice, 3)
    assert (
        best_before(result_of(sharpe), lattice, 3)
        == robust_score(result_of(sharpe[:, :3]), lattice).idxmax()
    )
    assert best_before(result_of(sharpe), lattice, 4, purge=1) == best_before(
        result_of(sharpe), lattice, 3
    )
    assert (
        best_before(result_of(sharpe), lattice, 6)
        == robust_score(result_of(sharpe), lattice).idxmax()
    )


def test_a_plateau_is_connected_and_within_one_error():
    # Blocks of the best neighbourhood vary, so that there is an error; a second hill as high lies
    # apart.
    noise = np.array([-0.2, 0.2, -0.1, 0.1])
    line = np.array([0.0, 0.9, 1.0, 0.9, 0.0, -1.0, 0.0, 0.9, 0.99, 0.9, 0.0])
    result, lattice = result_of(line[:, None] + noise), Lattice.product({"days": range(11)})
    score, flat = robust_score(result, lattice), plateau(result, lattice)
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
    result, lattice = (
        result_of([[0.0], [1.0], [1.0], [1.0], [0.0]]),
        Lattice.product({"days": range(5)}),
    )
    assert plateau(result, lattice).tolist() == (robust_score(result, lattice) > 0.99).tolist()


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda r, g: best_before(r, g, 0), "^block: at least one block must lie before it"),
        (lambda r, g: best_before(r, g, 1, purge=1), "^block: "),
        (lambda r, g: best_before(r, g, 4), "^block: "),
        (lambda r, g: best_before(r, g, 2, purge=-1), "^block: "),
        (
            lambda r, g: robust_score(r, Lattice.product({"a": range(3)})),
            "^lattice: holds 3 settings, the result 2",
        ),
        (lambda r, g: robust_score(r.before(0), g), "^result: a robust score needs blocks"),
    ],
)
def test_questions_without_an_answer_are_refused(act, message):
    with pytest.raises(ConfigError, match=message):
        act(result_of([[0.1, 0.2, 0.3], [0.2, 0.1, 0.0]]), Lattice.product({"a": range(2)}))

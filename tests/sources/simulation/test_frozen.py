"""The rules of the worlds were frozen before any model was scored on them.

A change that moves these numbers makes new worlds: scores on the old ones count for nothing then,
and the new ones need seeds that nobody has looked at. The ledger of experiments says so, and so
must a change of this file.
"""

import pytest

from regime.sources.simulated import SimulatedSource
from regime.sources.simulation.assets import published_series
from regime.sources.simulation.world import simulate_world

FROZEN = {
    7: (
        {
            "sp500": 1522.838366583885,
            "btc": 1444.6499226607123,
            "hy_oas": 5.719489663156826,
            "gex": 3052858612.289521,
            "sofr": 1.214844905694727,
        },
        [1262, 27, 168, 55],
        -2317.1360642025325,
        {"false_alarm": 11, "unwind": 3, "519": 2, "312": 2},
    ),
    1: (
        {
            "sp500": 1609.3312379976294,
            "btc": 282.5465703835742,
            "hy_oas": 4.899741627816945,
            "gex": 4833099201.158648,
            "sofr": 1.2247258524091216,
        },
        [727, 510, 136, 139],
        -2494.62814504942,
        {"unwind": 4, "slow_bear": 1, "false_alarm": 1, "312": 1},
    ),
}


@pytest.mark.parametrize("seed", FROZEN)
def test_worlds_are_the_frozen_ones(seed):
    last, sessions, forced, crises = FROZEN[seed]
    source = SimulatedSource(seed=seed, years=6)
    series, truth = published_series(simulate_world(seed, source.sessions)), source.truth()
    assert {name: series[name].iloc[-1] for name in last} == pytest.approx(last, rel=1e-6)
    assert truth.regimes["regime"].value_counts(sort=False).tolist() == sessions
    assert truth.forced.to_numpy().sum() == pytest.approx(forced, rel=1e-6)
    assert truth.crises["type"].value_counts().to_dict() == crises

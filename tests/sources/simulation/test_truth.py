"""The truth of a world: regimes from forced flows, crises by type, the potential of a shock."""

import numpy as np
import pandas as pd
import pytest

from regime.schema import REGIMES
from regime.sources.simulated import SimulatedSource
from regime.sources.simulation.rules import AGENTS, EQUITY, FUNDS, LEVERAGE, MARKETS, SPEEDS, STATES
from regime.sources.simulation.truth import (
    APART,
    FLOOR,
    LEAST,
    PEAK,
    fire_sale,
    regime_codes,
    selling_episodes,
)

CALM, FRAGILE, DELEVERAGING, RECOVERY = range(4)
TYPES = {"312", "unwind", "519", "false_alarm", "slow_bear"}


def test_frames_cover_every_session(worlds):
    truth, sessions = worlds[0].truth, worlds[0].world.sessions
    for frame in (truth.regimes, truth.flows, truth.forced, truth.triggers, truth.positions):
        assert frame.index.equals(sessions) and frame.notna().all().all()
    assert list(truth.flows.columns) == [(agent, market) for agent in AGENTS for market in MARKETS]
    assert list(truth.triggers.columns) == list(SPEEDS) and set(STATES) < set(
        truth.positions.columns
    )
    assert truth.regimes["regime"].equals(
        SimulatedSource(seed=0, years=30, start=sessions[0].date()).true_regimes()
    )


def test_every_kind_of_event_comes_from_inside_the_worlds(worlds):
    crises = pd.concat([made.truth.crises for made in worlds])
    counts = crises["type"].value_counts()
    assert set(counts.index) == TYPES and (counts >= 2 * len(worlds)).all(), counts
    for made in worlds:
        table = made.truth.crises
        assert table["start"].is_monotonic_increasing and (table["start"] <= table["end"]).all()
        assert {"unwind", "false_alarm"} <= set(table["type"])
    selling = crises[crises["type"].isin(["312", "unwind"])]
    assert 0.2 < (selling["trigger"] == "").mean() < 0.9  # some need no shock at all
    assert selling["fall"].median() < -0.10


def test_deleveraging_spells_are_the_crises(worlds):
    for made in worlds:
        inside = pd.Series(False, index=made.world.sessions)
        for row in made.truth.crises.itertuples():
            if row.type in ("312", "unwind"):
                inside[row.start : row.end] = True
        assert inside.equals(made.regime("deleveraging").rename(None))


def moves(made, kind: str, name: str) -> list[float]:
    """Log moves of a published series from a week before each crisis of a type to its end."""
    series, sessions = np.log(made.daily(name)), made.world.sessions
    rows = made.truth.crises[made.truth.crises["type"] == kind]
    return [
        series[row.end] - series.iloc[max(sessions.get_loc(row.start) - 5, 0)]
        for row in rows.itertuples()
    ]


def test_a_312_sells_everything_for_dollars_and_a_519_one_market(worlds):
    def mean(kind: str, name: str) -> float:
        return float(np.mean([move for made in worlds for move in moves(made, kind, name)]))

    assert mean("312", "sp500") < -0.04 and mean("312", "dollar_index") > 0.02
    for haven in ("tlt", "gold"):
        assert mean("312", haven) < mean("unwind", haven) - 0.01, haven
    assert (
        mean("519", "btc") < -0.25
        and abs(mean("519", "sp500")) < 0.02
        and abs(mean("519", "dollar_index")) < 0.01
    )
    funding = [
        made.truth.positions["funding"][row.start : row.end].max()
        for made in worlds
        for row in made.truth.crises.itertuples()
        if row.type == "312"
    ]
    assert np.median(funding) > 15


def test_bears_and_alarms_fall_without_sellers(worlds):
    for made in worlds:
        pressure, price = made.truth.regimes["pressure"], made.published["sp500"]
        for row in made.truth.crises.itertuples():
            if row.type == "slow_bear":
                assert made.regime("deleveraging")[row.start : row.end].mean() < 0.15
            if row.type == "false_alarm":
                assert (
                    row.fall < -0.03 and not made.regime("deleveraging")[row.start : row.end].any()
                )
                assert (
                    pressure[row.start : row.end].mean() < PEAK
                    and len(price[row.start : row.end]) <= 5
                )
    falls = [
        row.fall
        for made in worlds
        for row in made.truth.crises.itertuples()
        if row.type == "slow_bear"
    ]
    assert np.median(falls) < -0.15


def test_regimes_are_what_their_names_say(worlds):
    for made in worlds:
        regimes, forced = made.truth.regimes, made.truth.forced["equity"] / made.world.dollars
        by = forced.groupby(regimes["regime"], observed=True).mean()
        assert by["deleveraging"] < 5 * by["calm"] < 0
        potential = regimes["fire_sale"].groupby(regimes["regime"], observed=True).mean()
        assert potential["fragile"] > 2 * potential["calm"]
        gap = pd.Series((made.world.path.price - made.world.path.value)[:, EQUITY], regimes.index)
        change = gap.diff().groupby(regimes["regime"], observed=True).mean()
        assert change["deleveraging"] < 0 < change["recovery"]
        assert set(regimes["regime"].unique()) == set(REGIMES)


def test_fragile_markets_break_more_often(worlds):
    """Chance of a deleveraging within a month, from fragile and from calm sessions."""
    chances = {"fragile": [], "calm": []}
    for made in worlds:
        soon = (
            made.regime("deleveraging")
            .iloc[::-1]
            .rolling(21, min_periods=1)
            .max()
            .iloc[::-1]
            .shift(-1)
        )
        for name, found in chances.items():
            found.append(soon[made.regime(name)].mean())
    assert np.mean(chances["fragile"]) > 1.8 * np.mean(chances["calm"])


def test_spells_are_long_runs_with_a_peak():
    pressure = np.zeros(100)
    pressure[10:20] = FLOOR + 0.1  # never reaches the peak
    pressure[30:36], pressure[33] = FLOOR + 0.1, PEAK + 0.1
    pressure[36 + APART - 2 : 50] = FLOOR + 0.1  # so near that it is the same spell
    pressure[60 : 60 + LEAST - 1] = PEAK + 1  # too short
    pressure[90:] = PEAK + 1
    assert selling_episodes(pressure, PEAK, FLOOR) == [(30, 50), (90, 100)]


def test_recovery_ends_when_half_of_the_damage_is_regained():
    gap = np.r_[np.zeros(30), np.linspace(0, -0.10, 10), np.linspace(-0.09, 0.0, 10), np.zeros(10)]
    brittle = np.zeros(60, bool)
    brittle[20:45] = True
    codes = regime_codes(gap, [(30, 40)], brittle)
    lengths = (
        (CALM, 20),
        (FRAGILE, 10),
        (DELEVERAGING, 10),
        (RECOVERY, 4),
        (FRAGILE, 1),
        (CALM, 15),
    )
    assert codes.tolist() == [code for code, length in lengths for _ in range(length)]
    never = regime_codes(np.minimum.accumulate(gap), [(30, 40)], brittle)
    assert (never[40:] == RECOVERY).all()
    at_once = regime_codes(np.r_[gap[:40], np.zeros(20)], [(30, 40)], brittle)
    assert at_once[40] == RECOVERY and at_once[41] == FRAGILE


def test_potential_rises_with_leverage(worlds):
    world = worlds[1].world
    path = world.path
    more = path._replace(hold=path.hold.copy(), state=path.state.copy())
    more.state[:, LEVERAGE] *= 1.3
    more.hold[:, FUNDS] *= 1.3
    base, levered = fire_sale(world.rules, path), fire_sale(world.rules, more)
    assert (
        (base >= 0).all()
        and (levered[2:] >= base[2:] - 1e-12).all()
        and levered.mean() > 1.2 * base.mean()
    )


@pytest.mark.parametrize("seed", [3, 4])
def test_truth_is_a_function_of_the_seed(seed):
    source = SimulatedSource(seed=seed, years=4)
    first, again = source.truth(), SimulatedSource(seed=seed, years=4).truth()
    pd.testing.assert_frame_equal(first.flows, again.flows, check_exact=True)
    pd.testing.assert_frame_equal(first.crises, again.crises, check_exact=True)
    assert not first.flows.equals(SimulatedSource(seed=seed + 1, years=4).truth().flows)

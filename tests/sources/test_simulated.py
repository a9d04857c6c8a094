import time
from datetime import date
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from regime.errors import ConfigError
from regime.panel.as_of import AsOf
from regime.panel.release_times import release_times
from regime.schema import REGIMES, check_observations
from regime.sources.catalogue import load_catalogue
from regime.sources.simulated import SimulatedSource
from regime.sources.simulation.draws import Draws, pulled


@pytest.fixture(scope="module")
def catalogue():
    return load_catalogue()


@pytest.fixture(scope="module")
def source():
    return SimulatedSource()


@pytest.fixture(scope="module")
def reading(source, catalogue):
    return source.read(catalogue, release_times=release_times)


def values(reading, name: str) -> pd.Series:
    rows = reading.observations[reading.observations["series"] == name]
    return rows.set_index("period")["value"]


def test_reading_has_the_shape_of_a_folder(reading, catalogue, source):
    check_observations(reading.observations)
    assert set(reading.status) == set(catalogue.series)
    given = {name for name, status in reading.status.items() if status.verdict == "ok"}
    assert given == set(reading.observations["series"].unique()) and len(given) >= 140
    assert set(catalogue.required) | {"sp500", "spy", "vix", "dgs3mo"} <= given
    assert all(
        status.verdict == "absent" and status.note
        for name, status in reading.status.items()
        if name not in given
    )
    assert reading.sessions.equals(source.sessions) and reading.sessions.name == "date"
    assert reading.sessions.equals(pd.DatetimeIndex(values(reading, "sp500").index, name="date"))


def test_values_lie_in_the_catalogues_ranges_and_before_now(reading, catalogue):
    for name, rows in reading.observations.groupby("series", observed=True):
        spec = catalogue.series[str(name)]
        assert rows["value"].between(spec.low, spec.high).all(), name
        assert (
            rows["period"].is_monotonic_increasing and rows["period"].max() <= reading.sessions[-1]
        ), name
        status = reading.status[str(name)]
        assert (status.rows, status.first, status.last) == (
            len(rows),
            rows["period"].iloc[0],
            rows["period"].iloc[-1],
        )


def test_released_by_the_catalogues_rules(reading, catalogue):
    for name in ("sp500", "dgs10", "reserves", "btc", "margin_debt"):
        rows = reading.observations[reading.observations["series"] == name]
        expected = release_times(pd.DatetimeIndex(rows["period"]), catalogue.series[name].release)
        assert (rows["released"].array == expected).all(), name


def test_panel_of_it_is_full_and_fresh(reading, catalogue):
    panel = AsOf(reading.observations, max_age=catalogue.max_age).panel(reading.sessions)
    given = [name for name, status in reading.status.items() if status.verdict == "ok"]
    late = panel.values[given].iloc[300:]
    shut = [
        name for name in given if name.startswith("cot_")
    ]  # its publisher was shut in 2013 and 2018-19
    assert (
        late.drop(columns=shut).notna().all().all()
        and panel.values.drop(columns=given).isna().all().all()
    )
    assert late[shut].isna().mean().max() < 0.02
    assert (late["sp500"].to_numpy() == values(reading, "sp500").to_numpy()[300:]).all()


def test_same_seed_same_bits_and_another_seed_another_world(reading, source, catalogue):
    again = SimulatedSource().read(catalogue, release_times=release_times)
    pd.testing.assert_frame_equal(reading.observations, again.observations, check_exact=True)
    assert again.hash == reading.hash
    other = SimulatedSource(seed=8)
    assert other.read(catalogue, release_times=release_times).hash != reading.hash
    assert not other.true_regimes().equals(source.true_regimes())


def test_longer_world_begins_with_the_shorter(reading, source, catalogue):
    short = SimulatedSource(years=9)
    part = short.read(catalogue, release_times=release_times)
    settled = (
        len(short.sessions) - 63
    )  # whether forced selling lasts, and pauses, is known a little later
    assert (short.true_regimes()[:settled] == source.true_regimes()[:settled]).all()
    for name in part.observations["series"].unique():
        one, whole = values(part, name), values(reading, name)
        assert one.to_numpy() == pytest.approx(whole[: len(one)].to_numpy(), rel=1e-12), name


def test_names_choose_series_without_moving_them(reading, source, catalogue):
    few = source.read(catalogue, ["vix", "sp500", "nfci"], release_times=release_times)
    assert list(few.status) == [
        name for name in catalogue.series if name in ("vix", "sp500", "nfci")
    ]
    assert few.status["nfci"].verdict == "absent" and few.hash == reading.hash
    pd.testing.assert_series_equal(values(few, "vix"), values(reading, "vix"), check_exact=True)
    nothing = source.read(catalogue, ["nfci"], release_times=release_times)
    assert nothing.observations.empty and nothing.sessions.equals(source.sessions)


def test_world_has_all_regimes_and_recovery_follows_selling(source):
    world = source.true_regimes()
    assert (
        tuple(world.cat.categories) == REGIMES
        and world.cat.ordered
        and world.index.equals(source.sessions)
    )
    runs = world[world.ne(world.shift())].astype(str).tolist()
    assert set(runs) == set(REGIMES)
    assert all(after == "recovery" for before, after in pairwise(runs) if before == "deleveraging")
    assert all(before == "deleveraging" for before, after in pairwise(runs) if after == "recovery")
    assert 5 <= runs.count("deleveraging") <= 40
    assert 0.02 < (world == "deleveraging").mean() < 0.25


def test_regimes_move_what_the_domain_says_they_move(reading, source):
    world = source.true_regimes()

    def mean(series: pd.Series, regime: str) -> float:
        return float(series.reindex(world.index, method="ffill")[world == regime].mean())

    equity = values(reading, "sp500").pct_change()
    for name, higher in (
        ("vix", True),
        ("hy_oas", True),
        ("gex", False),
        ("putcall_equity", True),
        ("skew", False),
    ):
        assert (
            mean(values(reading, name), "deleveraging") > mean(values(reading, name), "calm")
        ) is higher, name
    assert mean(equity, "deleveraging") < 0 < mean(equity, "calm") and mean(equity, "recovery") > 0
    assert mean(values(reading, "dollar_index").pct_change(), "deleveraging") > 0
    assert (
        equity[(world == "deleveraging").to_numpy()].std()
        > 1.7 * equity[(world == "calm").to_numpy()].std()
    )


def test_regimes_overlap_so_that_no_level_tells_them_apart(reading, source):
    vix, stress = (
        values(reading, "vix").to_numpy(),
        (source.true_regimes() == "deleveraging").to_numpy(),
    )
    assert np.quantile(vix[~stress], 0.9) > np.quantile(vix[stress], 0.25)
    order = np.argsort(-vix)
    share = stress[order][: stress.sum()].mean()
    assert 0.25 < share < 0.85


def test_funds_follow_what_they_hold(reading):
    returns = pd.DataFrame(
        {name: values(reading, name) for name in ("sp500", "spy", "qqq", "tlt", "dgs10")}
    )
    change = returns.pct_change()
    assert change["spy"].corr(change["sp500"]) > 0.9999
    assert (change["spy"] - change["sp500"]).mean() * 252 == pytest.approx(0.018, abs=1e-3)
    assert 0.7 < change["qqq"].corr(change["sp500"]) < 0.99
    assert change["tlt"].corr(returns["dgs10"].diff()) < -0.8
    high, low = values(reading, "sp500_high"), values(reading, "sp500_low")
    assert (low <= returns["sp500"]).all() and (returns["sp500"] <= high).all()


def test_sessions_are_weekdays_off_the_holidays(source):
    days = source.sessions
    assert (days.day_of_week < 5).all() and 250 <= len(days) / 16 <= 253
    assert not {"2006-01-02", "2008-03-21", "2015-07-03", "2021-12-24"} & set(
        days.strftime("%Y-%m-%d")
    )
    assert {"2006-01-03", "2010-11-11", "2021-06-18"} <= set(days.strftime("%Y-%m-%d"))


def test_fast(source, catalogue):
    begun = time.process_time()
    source.read(catalogue, release_times=release_times)
    assert time.process_time() - begun < 2


def test_thirty_years_take_less_than_five_seconds(catalogue):
    begun = time.process_time()
    reading = SimulatedSource(years=30, start=date(1992, 1, 2)).read(
        catalogue, release_times=release_times
    )
    assert time.process_time() - begun < 5 and len(reading.sessions) > 7500


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"seed": -1}, "seed: must be 0 or more, got -1"),
        ({"years": 0}, "years: must lie in 1..60, got 0"),
        ({"start": date(1900, 1, 1)}, "start: must lie in 1970"),
    ],
)
def test_arguments_are_checked(argument, message):
    with pytest.raises(ConfigError, match=message):
        SimulatedSource(**argument)


def test_streams_do_not_move_each_other():
    draws = Draws(seed=1, n=50)
    first = draws.normal("a")
    draws.normal("b")
    assert (draws.normal("a") == first).all() and not (draws.normal("b") == first).any()


def test_pulled_is_the_recursion():
    target, noise, x = np.array([1.0, 2, 2]), np.array([0.1, 0.0, -0.2]), 0.5
    expected = []
    for goal, shock in zip(target, noise, strict=True):
        x = x + 0.25 * (goal - x) + shock
        expected.append(x)
    assert pulled(target, 0.25, noise, first=0.5) == pytest.approx(expected, abs=1e-14)

"""The probes: every class of leak is detected with its size, and a causal builder passes."""

import numpy as np
import pandas as pd
import pytest

from regime.panel.as_of import AsOf
from regime.panel.calendar import session_closes
from regime.studies.leakage.inputs import FrameInput, ObservationInput
from regime.studies.leakage.probes import Builder, look_ahead_distance, probe, probe_dates
from tests.audit.planted.market import panel
from tests.audit.planted.parts import (
    clean_labels,
    clean_panel,
    clean_rule,
    leaky_labels,
    leaky_panel,
    leaky_rule,
)

VALUES = panel(np.random.default_rng(5), 700)


def builder(compute, **arguments):
    return Builder(
        name="injected",
        location="here.py:1",
        inputs=FrameInput(frames={"values": VALUES}),
        build=lambda part, t: compute(part.frames["values"]).astype(float).to_frame("column"),
        **arguments,
    )


@pytest.mark.parametrize("k", [1, 2, 5])
def test_a_future_row_is_detected_with_its_distance(k):
    findings = probe(builder(lambda v: v["sp500"].shift(-k)), dates=20)
    assert [(item.kind, item.size, item.unit) for item in findings] == [
        ("look-ahead", k, "sessions")
    ]
    assert findings[0].location == "here.py:1" and "column" in findings[0].evidence


@pytest.mark.parametrize("half", [1, 3])
def test_a_centred_window_reaches_half_its_width(half):
    findings = probe(
        builder(lambda v: v["vix"].rolling(2 * half + 1, center=True).mean()), dates=20
    )
    assert [item.size for item in findings] == [half]


def test_a_whole_sample_scaler_reaches_to_the_end():
    findings = probe(
        builder(lambda v: (v["sp500"] - v["sp500"].mean()) / v["sp500"].std()), dates=10
    )
    assert findings[0].size > 500


def test_a_gap_filled_backwards_is_detected():
    findings = probe(builder(lambda v: v["gaps"].bfill()), dates=20)
    assert 1 <= findings[0].size <= 8


def test_the_length_of_the_data_is_a_leak_without_a_distance():
    findings = probe(builder(lambda v: v["sp500"] * len(v)), dates=10)
    assert findings[0].size is None and "length of the data" in findings[0].evidence


def test_a_leak_in_a_tenth_of_history_is_detected():
    def local(v):
        inside = (v.index >= VALUES.index[300]) & (v.index < VALUES.index[370])
        return v["sp500"].where(~inside, v["sp500"].shift(-1))

    assert probe(builder(local), dates=50)


def test_a_builder_that_fails_without_the_future_is_a_leak():
    def refuses(v):
        if len(v) < 700:
            raise ValueError("not enough rows")
        return v["sp500"]

    assert probe(builder(refuses), dates=5)[0].kind == "look-ahead"


def test_a_column_that_ignores_a_delay_is_reported():
    fixed = VALUES["sp500"].copy()
    findings = probe(builder(lambda v: fixed.reindex(v.index)), dates=5)
    assert [item.kind for item in findings] == ["delay"]
    assert (
        probe(builder(lambda v: fixed.reindex(v.index), exempt_from_delay=("column",)), dates=5)
        == []
    )


def test_a_constant_contains_no_data():
    assert probe(builder(lambda v: 0.0 * v["sp500"].fillna(1.0) + 1.0), dates=5) == []


@pytest.mark.parametrize(
    "compute",
    [
        lambda v: v["sp500"].ewm(halflife=10).mean(),
        lambda v: v["gaps"].ffill().expanding(5).rank(),
        lambda v: v["late"].rolling(20).std(),
    ],
)
def test_a_causal_builder_passes(compute):
    assert probe(builder(compute), dates=30) == []


def test_half_a_day_is_seen_in_what_is_published():
    days = pd.DatetimeIndex(VALUES.index[:200])
    evening = session_closes(days) + pd.Timedelta(hours=12)
    table = pd.DataFrame(
        {"series": "late", "period": days, "released": evening, "value": np.arange(200.0)}
    )

    def build(part, t):
        early = part.observations.assign(
            released=part.observations["released"] - pd.Timedelta(hours=12)
        )
        return AsOf(early, {"late": 20}).panel(part.sessions).values

    findings = probe(
        Builder(
            name="panel",
            location="p",
            inputs=ObservationInput(observations=table, sessions=days),
            build=build,
        )
    )
    assert findings[0].size == pytest.approx(0.5) and findings[0].unit == "days"


@pytest.mark.parametrize("seed", [0, 1])
def test_leaky_panels_rules_and_labels_are_detected_and_clean_ones_pass(seed):
    def rng():
        return np.random.default_rng(seed)

    assert probe(leaky_panel(rng(), "revised vintage")[0], dates=30)
    assert probe(leaky_panel(rng(), "release read early")[0], dates=30)
    assert probe(leaky_rule(rng())[0], dates=30)
    assert [item for builder in leaky_labels(rng())[0] for item in probe(builder, dates=25)]
    for clean in (clean_panel(rng()), clean_rule(rng()), *clean_labels(rng())):
        assert probe(clean, dates=15) == []


def test_dates_are_spread_over_the_history():
    full = pd.DataFrame({"x": np.r_[np.full(100, np.nan), np.ones(900)]})
    positions = probe_dates(full, 50, np.random.default_rng(0), np.asarray([5, 500, 501]))
    assert positions.min() >= 100 and positions.max() <= 998
    assert all(((positions >= low) & (positions < low + 40)).any() for low in range(100, 980, 40))
    assert 500 in positions and 5 not in positions
    assert probe_dates(full.iloc[:101], 50, np.random.default_rng(0)).size == 1


def test_a_finding_names_the_column_and_its_builder():
    wide = Builder(
        name="set",
        location="set.py:1",
        inputs=FrameInput(frames={"values": VALUES}),
        build=lambda part, t: part.frames["values"][["sp500"]].assign(
            bad=part.frames["values"]["vix"].shift(-2)
        ),
        for_column=lambda column: builder(lambda v: v["vix"].shift(-2).rename(column)),
    )
    findings = probe(wide, dates=10)
    assert [(item.name, item.location) for item in findings] == [("bad", "here.py:1")]
    assert look_ahead_distance(wide, 300, "bad") == 2.0

"""Release rules against the schedules of publishers: too early, or on wrong weekdays."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from regime.panel.release_times import release_times
from regime.sources.catalogue import Catalogue, Release, load_catalogue
from regime.studies.leakage.release_leaks import (
    PUBLISHERS,
    find_publisher,
    release_findings,
    revised_input_findings,
    rule_findings,
)
from tests.audit.planted.data import clean_rule_rows, early_rule_rows

CATALOGUE = load_catalogue()


def table(name, periods, release):
    days = pd.DatetimeIndex(periods)
    return pd.DataFrame(
        {"series": name, "period": days, "released": release_times(days, release), "value": 1.0}
    )


def findings_of(name, release, start="2015-01-01", end="2017-12-31", freq="B", catalogue=CATALOGUE):
    rows = table(name, pd.date_range(start, end, freq=freq), release)
    return [item for item in release_findings(rows, catalogue) if item.name == name]


def test_the_shipped_rules_are_late_enough():
    assert rule_findings(CATALOGUE, CATALOGUE.series, release_times) == []
    assert all(
        find_publisher(spec.path).name != "unknown publisher" for spec in CATALOGUE.series.values()
    )
    assert len({publisher.name for publisher in PUBLISHERS}) == len(PUBLISHERS)


@pytest.mark.parametrize(
    ("name", "freq", "rule", "size"),
    [
        (
            "fed_assets",
            "W-WED",
            Release(days=0, time="16:30"),
            1.0,
        ),  # Wednesday's figure on Wednesday
        (
            "fed_assets",
            "W-WED",
            Release(days=1, time="09:00"),
            7.5 / 24,
        ),  # on Thursday morning instead of 16:30
        (
            "dgs10",
            "B",
            Release(at_close=True),
            0.25 / 24 + 3 / 24,
        ),  # a yield at the close; 13:00 on half days
        ("cot_ust10_spec_long", "W-TUE", Release(days=1, time="15:30"), 2.0),
        (
            "sofr",
            "B",
            Release(days=0, time="20:00"),
            2.5,
        ),  # Friday's on Friday evening, not on Monday
        ("btc", "D", Release(calendar_days=0, time="16:00"), 4 / 24),
        ("gex", "B", Release(at_close=True), 4 / 24),
        ("naaim", "W-WED", Release(days=0, time="12:00"), 21 / 24),
        ("margin_debt", "ME", Release(calendar_days=1, time="16:15"), 24.0),
        (
            "nikkei",
            "B",
            Release(calendar_days=0, time="09:00", zone="Asia/Tokyo", roll=False),
            0.25,
        ),
    ],
)
def test_an_early_rule_is_detected_with_its_lead(name, freq, rule, size):
    early = [item for item in findings_of(name, rule, freq=freq) if item.kind == "release"]
    assert len(early) == 1
    assert early[0].size == pytest.approx(size, abs=0.1)
    assert early[0].unit == "days" and name in early[0].location


def test_half_days_are_no_leak_and_a_midday_release_is():
    assert findings_of("spy", CATALOGUE.series["spy"].release) == []
    assert findings_of("spy", Release(days=0, time="13:30"))


def test_a_report_delayed_by_a_shutdown_is_detected():
    rule = replace(CATALOGUE.series["cot_ust10_spec_long"].release, late={})
    assert (
        findings_of("cot_ust10_spec_long", rule, "2018-06-01", "2019-06-01", "W-TUE")[0].size > 20
    )
    assert (
        findings_of(
            "cot_ust10_spec_long",
            CATALOGUE.series["cot_ust10_spec_long"].release,
            "2018-06-01",
            "2019-06-01",
            "W-TUE",
        )
        == []
    )


def test_wrong_weekdays_are_counted():
    thursday = Release(weekday="thursday", time="16:30")
    wrong = findings_of("fed_assets", thursday, freq="W-TUE")
    assert [(item.kind, item.unit, item.size) for item in wrong] == [("weekday", "rows", 156.0)]
    weeks = pd.date_range("2005-01-05", "2015-01-01", freq="W-WED")

    def kinds(further):
        rows = table("fed_assets", [*weeks, *further], thursday)
        return [
            item.kind for item in release_findings(rows, CATALOGUE) if item.name == "fed_assets"
        ]

    assert kinds(pd.date_range("2015-01-06", periods=8, freq="W-TUE")) == [
        "weekday"
    ]  # few, but in a row
    assert kinds([pd.Timestamp("2015-01-06")]) == []  # a holiday


def test_revised_series_must_be_declared_and_their_use_is_a_warning():
    undeclared = Catalogue(series={"nfci": replace(CATALOGUE.series["nfci"], revised=False)})
    assert [
        item.kind
        for item in release_findings(
            table("nfci", [], CATALOGUE.series["nfci"].release), undeclared
        )
    ] == ["revised"]
    warned = revised_input_findings(CATALOGUE, ["nfci", "sp500", "no_such_series"])
    assert [(item.name, item.severity) for item in warned] == [("nfci", "warning")]


@pytest.mark.parametrize("seed", range(12))
def test_early_rules_are_detected_and_clean_ones_pass(seed):
    clean = clean_rule_rows(np.random.default_rng(seed), CATALOGUE)
    assert release_findings(clean.table, CATALOGUE) == []
    early = early_rule_rows(np.random.default_rng(seed), CATALOGUE)
    assert 0.5 <= early.size <= 5.0
    assert release_findings(early.table, CATALOGUE)


def test_earliest_instants_use_the_time_zone_of_the_publisher():
    tokyo = find_publisher("prices/^N225.csv").earliest(pd.DatetimeIndex(["2024-01-04"]))
    assert tokyo[0] == pd.Timestamp("2024-01-04 06:00", tz="UTC")
    fed = find_publisher("macro/WALCL.csv").earliest(pd.DatetimeIndex(["2024-07-03"]))
    assert fed[0] == pd.Timestamp("2024-07-04 20:30", tz="UTC")  # a holiday would only delay it

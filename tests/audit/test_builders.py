"""Parts of a config as builders: what `regime audit` probes, and that a leak in any is detected."""

import numpy as np
import pandas as pd
import pytest

from regime.feature import FeatureFamily
from regime.labels import LABELLERS
from regime.mechanisms import MECHANISMS
from regime.mechanisms.base import Mechanism, MechanismReading, NoReading
from regime.rules.threshold import Threshold
from regime.studies.leakage.builders import (
    config_builders,
    feature_builders,
    feature_set_builder,
    mechanism_builders,
    reading_history,
    rule_builder,
)
from regime.studies.leakage.probes import probe, source_location
from regime.transforms import zscore


class Ahead(Mechanism):
    """Its history is dated three sessions too early."""

    key, title, group = "ahead", "Ahead", "tests"

    def read(self, view):
        close = view.values["sp500"]
        return MechanismReading(
            name="ahead", sentence="x", values={}, history=close.shift(-3).to_frame("close")
        )


class WholeSample(Mechanism):
    """Its history is scaled by the whole sample, once there is enough of it."""

    key, title, group = "whole_sample", "Whole sample", "tests"

    def read(self, view):
        close = view.values["sp500"]
        if len(close) < 300:
            return NoReading(name="whole_sample", reason="short history")
        scaled = (close - close.mean()) / close.std()
        return MechanismReading(
            name="whole_sample", sentence="x", values={}, history=scaled.to_frame("scaled")
        )


class Causal(Mechanism):
    """An average of the past, once there is enough of it."""

    key, title, group = "causal", "Causal", "tests"

    def read(self, view):
        close = view.values["sp500"]
        if len(close) < 300:
            return NoReading(name="causal", reason="short history")
        average = close.ewm(halflife=5).mean()
        return MechanismReading(
            name="causal", sentence="x", values={}, history=average.to_frame("average")
        )


class Silent(Mechanism):
    """Never has a reading."""

    key, title, group = "silent", "Silent", "tests"

    def read(self, view):
        return NoReading(name="silent", reason="no data")


def test_every_part_of_a_config_is_probed(subject):
    names = {builder.name for builder in config_builders(subject)}
    assert {"features.feature_set.FeatureSet", "panel.as_of.AsOf", "rule"} <= names
    assert {
        f"{part}, {when}" for part in ("labels", "truth") for when in ("as of a date",)
    } <= names
    assert {f"mechanisms.{key}" for key in MECHANISMS} <= names
    used = {type(subject.labels).__name__, type(subject.truth).__name__}
    for name in set(LABELLERS) - used:
        assert f"{name}, once known" in names


def test_every_mechanism_has_a_history_to_compare(subject):
    for builder in mechanism_builders(subject):
        if builder.name.startswith("mechanisms."):
            history = builder.build(builder.inputs, 0)
            assert history is not None and history.notna().any().any(), builder.name


def test_the_features_of_every_mechanism_are_probed(subject):
    probed = {builder.name for builder in config_builders(subject)}
    of_config = {spec.name for spec in subject.features.specs}
    with_mechanisms = {spec.name for spec in subject.features.with_mechanisms.specs}
    assert with_mechanisms > of_config
    assert with_mechanisms - of_config <= probed


@pytest.mark.parametrize(("mechanism", "size"), [(Ahead, 3.0), (WholeSample, None)])
def test_a_mechanism_whose_history_looks_ahead_is_detected(subject, mechanism, size):
    findings = probe(reading_history("x", mechanism(), subject), dates=6)
    assert [finding.kind for finding in findings] == ["look-ahead"]
    assert size is None or findings[0].size == size
    assert "test_builders.py:" in findings[0].location


@pytest.mark.parametrize("mechanism", [Causal, Silent])
def test_a_mechanism_without_look_ahead_passes(subject, mechanism):
    assert probe(reading_history("x", mechanism(), subject), dates=6) == []


def test_a_mechanism_in_the_registry_is_probed_without_another_change(subject):
    with MECHANISMS.added("ahead", f"{__name__}:Ahead"):
        builders = {builder.name: builder for builder in mechanism_builders(subject)}
    assert probe(builders["mechanisms.ahead"], dates=3)


def test_a_rule_that_reads_later_signals_is_detected(subject):
    class Late:
        def __call__(self, signals):
            return Threshold(level=0.5)(signals.shift(-2).ffill())

    findings = probe(rule_builder("late", "x", Late(), subject.last(400)), dates=6)
    assert {(finding.kind, finding.size) for finding in findings} == {("look-ahead", 2.0)}


def test_the_feature_set_narrows_to_one_feature(subject):
    whole = feature_set_builder(subject)
    name = subject.features.specs[0].name
    assert whole.for_column(name).name == name
    table = whole.build(whole.inputs, 0)
    single = feature_builders(subject.features.features[:1], subject)[0]
    pd.testing.assert_series_equal(single.build(single.inputs, 0)[name], table[name])


def test_the_location_is_a_file_and_a_line():
    assert source_location(zscore).startswith("regime/transforms.py:")
    assert source_location(Threshold).startswith("regime/rules/threshold.py:")
    assert source_location(FeatureFamily.__call__).startswith("regime/feature.py:")
    assert source_location(Causal().read).endswith(f"test_builders.py:{line_of(Causal.read)}")


def line_of(function):
    return function.__code__.co_firstlineno


def test_every_series_of_the_catalogue_has_values_real_ones_first(subject):
    table = subject.all_series
    assert set(subject.max_age) <= set(table.columns)
    assert {"spy_open", "qqq_traded"} <= set(table.columns)
    assert table.notna().any().all()
    pd.testing.assert_series_equal(table["vix"], subject.values["vix"])
    again = subject.last(len(subject.sessions)).all_series
    np.testing.assert_array_equal(again["uup"], table["uup"])  # the same walk every time

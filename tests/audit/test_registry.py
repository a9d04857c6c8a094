"""Every builder of the package is found by walking it, can be called, and does not look ahead."""

import os
import sys
import types

import numpy as np
import pandas as pd
import pytest

from regime.rules.threshold import Threshold
from regime.studies.leakage.probes import probe
from tests.audit.registry.auto_detected import builder_of_function, table_of
from tests.audit.registry.class_builders import builders_of_class
from tests.audit.registry.custom_builders import CUSTOM_BUILDERS, builders
from tests.audit.registry.discovery import PublicObject, discover
from tests.audit.registry.exemptions import EXEMPTIONS

DATES = 10 if os.environ.get("REGIME_TORTURE") else 1
GROUPS = 8
# Sessions since the last change of a sign that never changes in this simulation: a count from the
# first session on, which a delay of all inputs leaves as it is.
UNMOVED = {"dollar_link_age_63"}


def public(target, name="features.injected.target"):
    return PublicObject(name=name, target=target, location="injected.py:1")


@pytest.fixture(scope="module")
def registered(subject):
    return builders(subject)


def test_every_public_object_has_a_builder_or_an_exemption(registered):
    ready, unregistered = registered
    assert unregistered == []
    assert {
        "features.feature_set.FeatureSet",
        "mechanisms.cta.exposure.trend_exposure",
        "panel.as_of.AsOf",
        "rules.stack.Blend",
        "models.calibration_curves.calibrated",
        "labels.episodes.EpisodeLabels, once known",
    } <= {builder.name for builder in ready}


@pytest.mark.parametrize("group", range(GROUPS))
def test_no_builder_of_the_package_looks_ahead(registered, group):
    for builder in registered[0][group::GROUPS]:
        findings = probe(builder, dates=DATES)
        if builder.name in UNMOVED:
            findings = [finding for finding in findings if finding.kind != "delay"]
        assert findings == [], builder.name


def test_custom_builders_and_exemptions_name_objects_that_exist():
    names = {item.name for item in discover()}
    assert set(CUSTOM_BUILDERS) <= names
    assert set(EXEMPTIONS) <= names
    assert not set(CUSTOM_BUILDERS) & set(EXEMPTIONS)


def test_a_new_module_is_walked_over(monkeypatch):
    import regime.features

    module = types.ModuleType("regime.features.injected")
    exec("def leaky_thing(values): ...\ndef _private(): ...\n", module.__dict__)
    module.leaky_thing.__module__ = module.__name__
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(
        "pkgutil.walk_packages",
        lambda path, prefix: (
            [types.SimpleNamespace(name=module.__name__)] if prefix == "regime.features." else []
        ),
    )
    assert [item.name for item in discover(["features"])] == ["features.injected.leaky_thing"]
    assert regime.features is sys.modules["regime.features"]


def centred(x: pd.Series, lookback: int) -> pd.Series:
    return x.rolling(2 * lookback // 4 + 1, center=True).mean()


def causal_table(values: pd.DataFrame, halflife: float = 3.0) -> pd.Series:
    return values["sp500"].ewm(halflife=halflife).mean()


def on_array(x: np.ndarray) -> np.ndarray:
    return np.r_[x[1:], np.nan]


def of_two(sofr: pd.Series, iorb: pd.Series) -> pd.Series:
    return sofr - iorb


def unknown_argument(widget: object) -> pd.Series:
    return pd.Series([1.0])


def no_values(values: pd.DataFrame) -> pd.Series:
    return values["sp500"] * np.nan


def test_a_signature_says_how_a_function_is_called(subject):
    assert probe(builder_of_function(public(centred), subject), dates=8)[0].size == 5  # half of 10
    assert probe(builder_of_function(public(causal_table), subject), dates=8) == []
    assert probe(builder_of_function(public(on_array), subject), dates=8)[0].size == 1
    named = builder_of_function(public(of_two), subject)
    assert named.inputs.frames["sofr"].name == "sofr"


@pytest.mark.parametrize("target", [unknown_argument, no_values])
def test_a_function_that_cannot_be_called_is_unregistered(subject, target):
    _, unregistered = builders(subject, [public(target)])
    assert [(item.kind, item.location) for item in unregistered] == [
        ("unregistered", "injected.py:1")
    ]


def test_classes_are_recognised_by_their_methods(subject):
    class Family:
        def features(self):
            return subject.features.features[:2]

    class Record:
        pass

    class Fitted:
        def predict(self, X):
            return X

    assert len(builders_of_class(public(Family), subject)) == 2
    assert builders_of_class(public(Record), subject) == []
    assert builders_of_class(public(Fitted), subject) is None
    assert len(builders_of_class(public(Threshold, "rules.threshold.Threshold"), subject)) == 1


def test_any_output_with_one_row_a_session_becomes_a_table(subject):
    dates = subject.sessions[:5]
    wide = table_of((pd.Series(range(5), dates), np.ones((5, 2))), dates, "x")
    assert wide.shape == (5, 3)
    assert table_of(dates, dates, "x").shape == (5, 1)
    assert table_of(
        lambda values: values["a"], dates, "x", pd.DataFrame({"a": np.ones(5)}, dates)
    ).shape == (5, 1)
    with pytest.raises(TypeError, match="one row a session"):
        table_of(np.ones(4), dates, "x")

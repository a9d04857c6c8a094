"""Every builder is found by walking the package and can be asked; one that cannot is named."""

import sys
import types

import numpy as np
import pandas as pd
import pytest

from regime.rules.threshold import Threshold
from regime.studies.leakage.builders import feature_builders, feature_set
from regime.studies.leakage.probes import place_of, probe
from regime.transforms import zscore
from tests.audit.registry.classes import builders_of_class
from tests.audit.registry.conventions import builder_of_function, table_of
from tests.audit.registry.discovery import Found, discover
from tests.audit.registry.parts import PARTS
from tests.audit.registry.recipes import RECIPES, builders


def found(thing, name="features.planted.thing"):
    return Found(name=name, thing=thing, place="planted.py:1")


def test_every_public_thing_is_a_builder_or_a_part_of_one(subject):
    made, unknown = builders(subject)
    assert unknown == []
    names = {item.name for item in made}
    assert {
        "features.feature_set.FeatureSet",
        "mechanisms.cta.exposure.trend_exposure",
        "panel.as_of.AsOf",
        "rules.stack.Blend",
        "models.calibration_curves.calibrated",
        "labels.episodes.EpisodeLabels, once known",
    } <= names
    assert len(made) > 50


def test_recipes_and_parts_name_things_that_exist():
    names = {item.name for item in discover()}
    assert set(RECIPES) <= names
    assert set(PARTS) <= names
    assert not set(RECIPES) & set(PARTS)


def test_a_new_module_is_walked_over(monkeypatch):
    import regime.features

    module = types.ModuleType("regime.features.planted")
    exec("def leaky_thing(values): ...\ndef _private(): ...\n", module.__dict__)
    module.leaky_thing.__module__ = module.__name__
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(
        "pkgutil.walk_packages",
        lambda path, prefix: (
            [types.SimpleNamespace(name=module.__name__)] if prefix == "regime.features." else []
        ),
    )
    assert [item.name for item in discover(["features"])] == ["features.planted.leaky_thing"]
    assert regime.features is sys.modules["regime.features"]


def test_a_place_is_a_file_and_a_line():
    assert place_of(zscore).startswith("regime/transforms.py:")
    assert place_of(Threshold).startswith("regime/rules/threshold.py:")


def centred(x: pd.Series, lookback: int) -> pd.Series:
    return x.rolling(2 * lookback // 4 + 1, center=True).mean()


def honest_table(values: pd.DataFrame, halflife: float = 3.0) -> pd.Series:
    return values["sp500"].ewm(halflife=halflife).mean()


def on_array(x: np.ndarray) -> np.ndarray:
    return np.r_[x[1:], np.nan]


def of_two(sofr: pd.Series, iorb: pd.Series) -> pd.Series:
    return sofr - iorb


def strange(widget: object) -> pd.Series:
    return pd.Series([1.0])


def nothing(values: pd.DataFrame) -> pd.Series:
    return values["sp500"] * np.nan


def test_a_function_says_by_its_signature_how_it_is_called(subject):
    assert (
        probe(builder_of_function(found(centred), subject), dates=8)[0].size == 5
    )  # half of 10 rows
    assert probe(builder_of_function(found(honest_table), subject), dates=8) == []
    assert probe(builder_of_function(found(on_array), subject), dates=8)[0].size == 1
    named = builder_of_function(found(of_two), subject)
    assert named.given.frames["sofr"].name == "sofr"


@pytest.mark.parametrize("thing", [strange, nothing])
def test_what_cannot_be_asked_is_unregistered(subject, thing):
    _, unknown = builders(subject, [found(thing)])
    assert [(item.kind, item.place) for item in unknown] == [("unregistered", "planted.py:1")]


def test_classes_are_told_by_what_they_do(subject):
    class Family:
        def features(self):
            return subject.features.features[:2]

    class Bag:
        pass

    class Fitted:
        def predict(self, X):
            return X

    assert len(builders_of_class(found(Family), subject)) == 2
    assert builders_of_class(found(Bag), subject) == []
    assert builders_of_class(found(Fitted), subject) is None
    assert len(builders_of_class(found(Threshold, "rules.threshold.Threshold"), subject)) == 1


def test_the_feature_set_narrows_to_one_feature(subject):
    whole = feature_set(subject)
    name = subject.features.specs[0].name
    assert whole.narrow(name).name == name
    table = whole.build(whole.given, 0)
    single = feature_builders(subject.features.features[:1], subject)[0]
    pd.testing.assert_series_equal(single.build(single.given, 0)[name], table[name])


def test_a_table_comes_of_whatever_has_a_row_a_session(subject):
    dates = subject.sessions[:5]
    wide = table_of((pd.Series(range(5), dates), np.ones((5, 2))), dates, "x")
    assert wide.shape == (5, 3)
    assert table_of(dates, dates, "x").shape == (5, 1)
    assert table_of(
        lambda values: values["a"], dates, "x", pd.DataFrame({"a": np.ones(5)}, dates)
    ).shape == (5, 1)
    with pytest.raises(TypeError, match="no row a session"):
        table_of(np.ones(4), dates, "x")

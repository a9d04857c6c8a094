"""The audit asks every mechanism: all are known to it, and a reading that looks ahead is caught."""

import numpy as np
import pandas as pd
import pytest

from regime.mechanisms.base import MechanismReading, NoReading
from regime.mechanisms.dollar.mechanism import DollarStress
from regime.mechanisms.pension import PensionFunds
from regime.mechanisms.volatility_targeting.mechanism import VolControl
from regime.studies.leakage.probes import probe
from tests.audit.registry.discovery import Found, discover
from tests.audit.registry.mechanism_recipes import MECHANISM_RECIPES, reading_builder, reads
from tests.audit.registry.parts import PARTS
from tests.audit.registry.recipes import builders

# Probed at a few dates here; the audit of the package does so at many.
QUICK = (
    "mechanisms.dollar.mechanism.DollarStress",
    "mechanisms.pension.PensionFunds",
    "mechanisms.volatility_targeting.mechanism.VolControl",
    "mechanisms.long_end.LongEnd",
    "mechanisms.dealer_gamma.mechanism.DealerGamma",
    "mechanisms.tech_valuation.earnings.reaction_asymmetry",
    "mechanisms.tech_valuation.earnings.trailing_earnings",
    "mechanisms.tech_valuation.leadership.largest_members",
    "mechanisms.tech_valuation.multiples.user_multiple",
    "mechanisms.tech_valuation.multiples.as_reported_multiple",
    "mechanisms.market_depth.mechanism.spread_estimates",
    "mechanisms.market_depth.spread_estimators.HalfSpread",
    "mechanisms.futures_positioning.positioning.squeeze_pressure",
    "mechanisms.long_end.curve_states",
)


@pytest.fixture(scope="module")
def made(subject):
    found = [item for item in discover() if item.name.startswith(("mechanisms.", "features."))]
    ready, unknown = builders(subject, found)
    return {builder.name: builder for builder in ready}, unknown


def test_every_public_thing_of_the_mechanisms_and_features_is_known(made):
    assert made[1] == []
    assert {name for name in made[0] if name.startswith("mechanisms.")} >= set(MECHANISM_RECIPES)
    assert not set(MECHANISM_RECIPES) & set(PARTS)


def test_every_reading_is_asked_by_its_date(made):
    asked = {
        name
        for name, builder in made[0].items()
        if builder.dated and name.startswith("mechanisms.")
    }
    assert {name.rsplit(".", 1)[-1] for name in asked} >= {
        "Analogs",
        "CrossAssetSelling",
        "CryptoStress",
        "DealerGamma",
        "DollarStress",
        "LongEnd",
        "MarginDebt",
        "MarketDepth",
        "PensionFunds",
        "FuturesPositions",
        "ReserveScarcity",
        "RiskParity",
        "TechValuation",
        "TrendFollowers",
        "VolControl",
    }


def test_every_reading_says_something_on_the_made_up_rest(made):
    """A mechanism that steps aside could not be caught."""
    for name, builder in made[0].items():
        if builder.dated and name.startswith("mechanisms."):
            table = builder.build(builder.given, len(builder.given.sessions) - 1)
            assert any(str(column).startswith("value") for column in table), name
            assert any(str(column).startswith("history") for column in table), name


@pytest.mark.parametrize("name", QUICK)
def test_mechanisms_are_clean(made, name):
    assert probe(made[0][name], dates=2) == []


def test_the_features_of_mechanisms_are_asked_one_by_one(made, subject):
    names = {spec.name for spec in subject.features.with_mechanisms.specs} - {
        spec.name for spec in subject.features.specs
    }
    assert len(names) > 60 and names <= set(made[0])


def test_what_is_a_reading(subject):
    assert all(reads(thing) for thing in (DollarStress, PensionFunds, VolControl))
    assert not reads(MechanismReading) and not reads(type(subject.features))


def found():
    return Found(name="mechanisms.planted.Reader", thing=object, place="planted.py:1")


def test_a_reading_that_looks_ahead_is_caught_wherever_it_tells(subject):
    def ahead(values, as_of):
        close = values["sp500"]
        later = close.shift(-3).loc[:as_of]
        return MechanismReading(
            name="x",
            sentence="x",
            values={"now": close.loc[:as_of].iloc[-1]},
            history=later.to_frame("later"),
        )

    def after(values, as_of):
        close = values["sp500"]
        state = "up" if close.iloc[-1] > close.loc[as_of] else "down"
        return MechanismReading(name="x", sentence="x", values={"deep": [{"state": state}]})

    def honest(values, as_of):
        known = values.loc[:as_of, "sp500"]
        return MechanismReading(
            name="x",
            sentence="x",
            values={"now": known.iloc[-1], "none": None, "word": "calm"},
            history=known.to_frame("close"),
        )

    assert "look-ahead" in {
        finding.kind for finding in probe(reading_builder(found(), ahead, subject), dates=3)
    }
    assert {
        finding.kind for finding in probe(reading_builder(found(), after, subject), dates=6)
    } == {"look-ahead"}
    assert probe(reading_builder(found(), honest, subject), dates=3) == []


def test_one_that_steps_aside_has_nothing_to_be_caught_with(subject):
    absent = reading_builder(
        found(), lambda values, as_of: NoReading(name="x", reason="no data"), subject
    )
    assert probe(absent, dates=2) == []


def test_every_series_of_the_catalogue_has_values_real_ones_first(subject):
    every = subject.every
    assert set(subject.max_age) <= set(every.columns) and {"spy_open", "qqq_traded"} <= set(
        every.columns
    )
    assert every.notna().any().all()
    pd.testing.assert_series_equal(every["vix"], subject.values["vix"])
    again = subject.last(len(subject.sessions)).every
    np.testing.assert_array_equal(again["uup"], every["uup"])  # the same walk every time

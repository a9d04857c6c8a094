"""Readings asked for a date of a panel that goes on: none may use the later rows."""

import pytest

from regime.mechanisms import MECHANISMS
from regime.mechanisms.base import MechanismReading, NoReading
from regime.mechanisms.dollar.mechanism import DollarStress
from regime.mechanisms.pension import PensionFunds
from regime.mechanisms.volatility_targeting.mechanism import VolControl
from regime.studies.leakage.probes import probe
from tests.audit.registry.custom_builders import builders
from tests.audit.registry.discovery import PublicObject, discover
from tests.audit.registry.exemptions import EXEMPTIONS
from tests.audit.registry.mechanism_builders import MECHANISM_BUILDERS, reading_builder, reads


@pytest.fixture(scope="module")
def of_mechanisms(subject):
    objects = [item for item in discover() if item.name.startswith("mechanisms.")]
    ready, unregistered = builders(subject, objects)
    assert unregistered == []
    return {builder.name: builder for builder in ready}


def test_custom_builders_are_used(of_mechanisms):
    assert set(MECHANISM_BUILDERS) <= set(of_mechanisms)
    assert not set(MECHANISM_BUILDERS) & set(EXEMPTIONS)


def test_every_mechanism_is_asked_by_date(of_mechanisms):
    by_date = {
        name.rsplit(".", 1)[-1]
        for name, builder in of_mechanisms.items()
        if builder.depends_on_date
    }
    assert {mechanism.__name__ for mechanism in MECHANISMS.values()} <= by_date


def test_every_reading_has_values_and_history_on_the_synthetic_series(of_mechanisms):
    """A mechanism without a reading could not be caught."""
    for name, builder in of_mechanisms.items():
        if builder.depends_on_date:
            table = builder.build(builder.inputs, len(builder.inputs.sessions) - 1)
            assert any(str(column).startswith("value") for column in table), name
            assert any(str(column).startswith("history") for column in table), name


def test_what_is_a_reading(subject):
    assert all(reads(target) for target in (DollarStress, PensionFunds, VolControl))
    assert not reads(MechanismReading) and not reads(type(subject.features))


def item():
    return PublicObject(name="mechanisms.injected.Reader", target=object, location="injected.py:1")


def history_ahead(values, as_of):
    close = values["sp500"]
    later = close.shift(-3).loc[:as_of]
    return MechanismReading(
        name="x",
        sentence="x",
        values={"now": close.loc[:as_of].iloc[-1]},
        history=later.to_frame("later"),
    )


def word_ahead(values, as_of):
    close = values["sp500"]
    state = "up" if close.iloc[-1] > close.loc[as_of] else "down"
    return MechanismReading(name="x", sentence="x", values={"deep": [{"state": state}]})


def causal(values, as_of):
    known = values.loc[:as_of, "sp500"]
    return MechanismReading(
        name="x",
        sentence="x",
        values={"now": known.iloc[-1], "none": None, "word": "calm"},
        history=known.to_frame("close"),
    )


def unavailable(values, as_of):
    return NoReading(name="x", reason="no data")


@pytest.mark.parametrize("read", [history_ahead, word_ahead])
def test_a_reading_that_looks_ahead_is_detected(subject, read):
    findings = probe(reading_builder(item(), read, subject), dates=6)
    assert "look-ahead" in {finding.kind for finding in findings}


@pytest.mark.parametrize("read", [causal, unavailable])
def test_a_causal_reading_and_no_reading_pass(subject, read):
    assert probe(reading_builder(item(), read, subject), dates=3) == []

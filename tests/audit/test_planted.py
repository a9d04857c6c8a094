"""Power and false alarms of the audit on random leaks; with REGIME_TORTURE=1 the full count."""

import os

import numpy as np
import pytest

from tests.audit.planted.market import clean_series, market
from tests.audit.planted.scoring import CLEAN, KINDS, inject, score

FULL = bool(os.environ.get("REGIME_TORTURE"))
LEAKS, CONTROLS = (25, 225) if FULL else (1, len(CLEAN))


@pytest.fixture(scope="module")
def table():
    """Injected, detected and share of each class; printed where all were counted."""
    return score(count=LEAKS, controls=CONTROLS, seed=1000)


@pytest.mark.parametrize("kind", KINDS)
def test_leaks_of_each_class_are_detected(table, kind):
    assert table.loc[kind, "injected"] == LEAKS
    assert table.loc[kind, "share"] >= 0.85


@pytest.mark.parametrize("kind", CLEAN)
def test_clean_inputs_pass(table, kind):
    assert table.loc[kind, "detected"] <= (1 if FULL else 0)


def test_nearly_all_are_detected_with_few_false_alarms(table, capsys):
    clean = table.index.str.startswith("clean")
    leaks = table[~clean]
    controls = table[clean]
    with capsys.disabled():
        print(f"\n{table.to_string()}" if FULL else "", end="")
    assert leaks["detected"].sum() >= 0.95 * leaks["injected"].sum()
    assert controls["detected"].sum() <= 0.01 * controls["injected"].sum()


def test_a_finding_has_name_location_and_size():
    injection = inject("wrong release day", seed=1)
    assert injection.detected and injection.size >= 0.5
    assert all(
        item.name and item.location and item.evidence and item.size for item in injection.findings
    )
    assert inject("clean: release", seed=1).findings == ()


def test_the_same_seed_injects_the_same():
    assert inject("future row", 5).findings == inject("future row", 5).findings
    assert inject("future row", 5).findings != inject("future row", 6).findings


def test_a_small_score_counts_each_class():
    table = score(kinds=["back-fill", "wrong release day"], count=3, controls=0)
    assert table.loc["wrong release day"].to_dict() == {"injected": 3, "detected": 3, "share": 1.0}
    assert table.shape == (2, 3)


def test_the_synthetic_market_has_falls_and_calm():
    prices = market(np.random.default_rng(0), 2500)
    moves = np.log(prices["sp500"]).diff().dropna()
    assert (prices > 0).all().all() and moves.kurt() > 1
    assert (prices["sp500"] / prices["sp500"].cummax() - 1).min() < -0.15
    names = {clean_series(np.random.default_rng(seed), prices)[0] for seed in range(60)}
    assert len(names) > 10

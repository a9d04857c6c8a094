"""Grades of episodes, by hand from made-up evidence, and as quantities of a made-up market."""

import numpy as np
import pandas as pd
import pytest

from regime.errors import ConfigError
from regime.mechanisms.analogs.episode import (
    EVIDENCE,
    INPUTS,
    Episode,
    episode_signals,
    volatility_jump,
    worst_moves,
)

DATES = pd.bdate_range("2012-01-02", periods=900, name="date")
SIGNALS = {
    "sold": 0.1,
    "dash": 0.0,
    "haven_failure": -1.0,
    "correlation_rank": 0.3,
    "funding": 0.0,
    "credit": 0.0,
    "rates": -0.1,
    "worst": -1.0,
    "equities": 0.5,
    "jump": 0.0,
}


def signals(**changes):
    return pd.DataFrame({**SIGNALS, **changes}, index=DATES[:1])


def graded(**changes):
    episode = Episode()
    grades = episode.grades(episode.evidence(signals(**changes))).iloc[0]
    return episode.kind(grades), grades


def market(seed=5):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {name: 100 * np.exp(rng.normal(0, 0.01, len(DATES)).cumsum()) for name in INPUTS}, DATES
    )


def test_everything_sold_for_dollars_is_a_312():
    kind, grades = graded(
        sold=1.0,
        dash=2.0,
        haven_failure=1.5,
        correlation_rank=1.0,
        funding=1.0,
        credit=0.7,
        rates=0.9,
        worst=-6.0,
        equities=-5.0,
        jump=1.2,
    )
    assert kind == "312" and grades["macro"] == 1.0 and grades["one_market"] == 0.0


def test_one_market_alone_is_a_519():
    kind, grades = graded(worst=-3.5)
    assert kind == "519" and grades["macro"] == 0.0 and grades["one_market"] == 1.0


def test_a_jump_of_the_vix_without_a_bid_for_money_is_a_shock():
    kind, grades = graded(sold=0.5625, worst=-4.0, equities=-3.0, jump=np.log(2.5), credit=0.2)
    assert (
        kind == "volatility shock" and grades["macro"] < 0.5 and grades["volatility_shock"] == 1.0
    )


def test_nothing_sold_is_quiet_whatever_funding_does():
    kind, grades = graded(funding=1.0, rates=1.0)
    assert kind == "quiet" and grades["macro"] == 0.0


def test_the_grade_of_a_312_by_hand():
    """Breadth (0.65 - 0.25) / 0.5 = 0.8; evidence (2 x 0.5 + 2 x 0.3 + 0 + 0 + 1 + 0.2) / 8 = 0.35.

    Root of 0.28.
    """
    _, grades = graded(sold=0.65, dash=0.75, haven_failure=0.3, rates=0.6, correlation_rank=0.6)
    assert grades["macro"] == pytest.approx(np.sqrt(0.8 * 0.35))


def test_unknown_evidence_is_left_out_and_half_of_its_weight_is_needed():
    known, grades = graded(
        sold=1.0,
        dash=1.5,
        haven_failure=1.0,
        funding=np.nan,
        credit=np.nan,
        rates=np.nan,
        correlation_rank=np.nan,
    )
    assert known == "312" and grades["macro"] == 1.0
    missing, grades = graded(sold=1.0, dash=np.nan, haven_failure=np.nan, funding=np.nan)
    assert missing is None and np.isnan(grades["macro"])
    assert sum(EVIDENCE.values()) == 8.0


def test_evidence_and_grades_lie_between_0_and_1():
    episode, rng = Episode(), np.random.default_rng(1)
    wild = pd.DataFrame(
        rng.normal(0, 3, (500, len(SIGNALS))), columns=list(SIGNALS), index=DATES[:500]
    )
    evidence = episode.evidence(wild.assign(funding=rng.random(500)))
    for table in (evidence, episode.grades(evidence)):
        assert ((table >= 0) & (table <= 1)).all(axis=None)


def test_reasons_are_words_of_what_is_known():
    row = signals(sold=0.8, dash=1.0, jump=np.log(3.0), credit=np.nan).iloc[0]
    told = Episode().reasons(row, pd.Series({"sp500": -1.0, "btc": -3.2}))
    assert told[0].startswith("80% of markets") and "everything" in told[0]
    assert any("worst market is Bitcoin" in words for words in told)
    assert any("3.0 times" in words for words in told) and not any(
        "high-yield" in words for words in told
    )


def test_signals_are_causal_bit_for_bit_and_bounded_by_no_input():
    values = market()
    whole = episode_signals(values)
    for cut in (350, 899):
        part = episode_signals(values.iloc[:cut])
        assert part.to_numpy().tobytes() == whole.iloc[:cut].to_numpy().tobytes()
    assert not np.isinf(whole.to_numpy()).any() and whole.iloc[500:].notna().all(axis=None)
    few = episode_signals(values[["sp500", "vix"]])
    assert few[["dash", "credit", "sold"]].isna().all(axis=None) and few["jump"].notna().any()


def test_worst_moves_are_the_lesser_of_a_week_and_a_fortnight():
    values = market()[["sp500", "btc"]]
    values.iloc[-3:] *= 0.9
    worst = worst_moves(values)
    assert (worst.iloc[-1] < -2).all() and worst.columns.tolist() == ["sp500", "btc"]


def test_the_jump_is_the_highest_of_a_week_over_the_month_before_it():
    vix = pd.Series(15.0, DATES)
    vix.iloc[-4:] = [30.0, 45.0, 20.0, 18.0]
    jump = volatility_jump(vix)
    assert jump.iloc[-1] == pytest.approx(np.log(3.0)) and jump.iloc[-5] == 0.0
    assert np.isnan(volatility_jump(vix.where(vix.index > DATES[-10])).iloc[-1])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"narrow": 0.8}, "broad: must be above narrow"),
        ({"deepest": -1.0}, "deepest: must be below fallen"),
        ({"doubled": 0.9}, "doubled: must be above 1"),
        ({"macro": 0.0}, "macro: must be positive"),
    ],
)
def test_impossible_parameters_are_refused(arguments, words):
    with pytest.raises(ConfigError, match=words):
        Episode(**arguments)

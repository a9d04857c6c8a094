"""The whole stress test on a simulated world, in little."""

import json
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from regime.errors import ConfigError, InvalidDataError
from regime.labels.episodes import EpisodeLabels
from regime.parallel import NoProgress
from regime.pipeline.market_data import read_market_data
from regime.pipeline.settings import load_settings
from regime.pipeline.strategy import decide, trade
from regime.schema import REGIMES
from regime.studies.stress.retraining import MovedLabels, label_noise, simulated_worlds
from regime.studies.stress.stress_test import StressPlan, StressReport, run_stress_test

SMALL = StressPlan(seeds=2, paths=20)
QUICK = ("tracking=NullTracker", "splits.refit_months=24", "model.seeds=1", "parallel.jobs=1")


@pytest.fixture(scope="module")
def settings():
    return load_settings("demo.yaml", QUICK)


@pytest.fixture(scope="module")
def market_data(settings):
    return read_market_data(settings, None, NoProgress())


@pytest.fixture(scope="module")
def probabilities(market_data):
    """Of some shape, over the last six years."""
    days = market_data.sessions[-1500:]
    odds = (
        pd.Series(np.random.default_rng(3).normal(0, 0.3, 1500), days).ewm(halflife=10).mean() * 8
    )
    stressed = 1 / (1 + np.exp(-odds))
    return pd.DataFrame(
        {name: stressed if name == "deleveraging" else (1 - stressed) / 3 for name in REGIMES}
    )


@pytest.fixture(scope="module")
def exposure(settings, market_data, probabilities):
    return decide(settings, market_data, probabilities)


@pytest.fixture(scope="module")
def spells(probabilities):
    days = probabilities.index
    return pd.DataFrame(
        {"start": days[[100, 700]], "end": days[[130, 705]], "name": ["one", "two"]}
    )


@pytest.fixture(scope="module")
def report(settings, market_data, probabilities, exposure, spells):
    return run_stress_test(
        settings, market_data, probabilities, exposure, spells, NoProgress(), plan=SMALL
    )


def test_the_plain_cases_are_the_account_of_the_run(settings, market_data, exposure, report):
    strategy = trade(settings, market_data, exposure, NoProgress())
    ours = strategy.result.summary()
    for row in (
        report.delays.loc[1],
        report.costs.loc[1],
        report.missing.loc[0.0],
        report.noise.loc[(0.0, 0.0)],
        report.starts.iloc[0],
    ):
        assert row["sharpe"] == pytest.approx(ours["sharpe"], abs=1e-9)
        assert row["max_drawdown"] == pytest.approx(ours["max_drawdown"], abs=1e-9)
        assert row["turnover"] == pytest.approx(ours["turnover"], abs=1e-7)
    for name in ("buy_and_hold", "vol_target_12"):
        theirs = strategy.benchmarks[name].summary()["sharpe"]
        assert report.delays.loc[1, f"sharpe_{name}"] == pytest.approx(theirs, abs=1e-9)


def test_spells_are_those_that_were_given(report, spells, market_data):
    assert report.spells["name"].tolist() == ["one", "two"]
    assert report.spells["first"].tolist() == spells["start"].tolist()
    grown = (1 + market_data.returns.loc[spells["start"][0] : spells["end"][0]]).prod() - 1
    assert report.spells["market_return"][0] == pytest.approx(grown)


def test_the_report_is_plain_and_finite(report):
    rows = report.to_dict()
    assert set(rows) == {
        "delays",
        "costs",
        "break_even",
        "starts",
        "years",
        "missing",
        "noise",
        "paths",
        "spells",
    }
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows
    assert rows["delays"][0]["delay"] == 1 and rows["break_even"][0]["benchmark"] == "buy_and_hold"
    assert rows["spells"][0]["first"] == f"{report.spells['first'][0]:%Y-%m-%d}"
    assert [row["name"] for row in rows["paths"]] == ["strategy", "buy_and_hold", "vol_target_12"]
    assert rows["paths"][0]["wins"] is None and rows["noise"][1] == {
        "size": 0.5,
        "halflife": 0.0,
        **report.noise.iloc[1].to_dict(),
    }


def test_three_sentences(report):
    cost, resampling, worst = report.sentences()
    assert cost.startswith(
        f"At 5 bp one way the Sharpe ratio is {report.costs.loc[1, 'sharpe']:.2f};"
    )
    assert f"beats buy and hold in {report.paths.loc['buy_and_hold', 'wins']:.0%}" in resampling
    assert "buy and hold" in worst and all(text.endswith(".") for text in (cost, resampling, worst))


def table(index, name, **columns):
    return pd.DataFrame(columns, index=pd.Index(index, name=name))


def test_what_hurts_most_is_what_takes_most_of_the_lead(report):
    lead = {"sharpe": [0.6, 0.5], "sharpe_buy_and_hold": [0.4, 0.4]}
    even = {"sharpe": [0.6], "sharpe_buy_and_hold": [0.4]}
    years = table([2007, 2008], "year", sharpe=[0.3, 0.7], sharpe_buy_and_hold=[0.1, 0.75])
    calm = replace(
        report,
        delays=table([1, 5], "delay", **lead),
        years=years,
        starts=table(pd.to_datetime(["2005-01-03"]), "start", sessions=[2000.0], **even),
        missing=report.missing.assign(sharpe=0.6),
        noise=report.noise.assign(sharpe=0.6),
        costs=table([1], "multiple", cost_bps=[5.0], **even),
    )
    assert calm.sentences()[2] == (
        "What hurts most is a history without 2008: its Sharpe ratio is 0.70 against 0.75 "
        "of buy and hold, in place of 0.60 against 0.40."
    )
    unhurt = replace(calm, delays=calm.delays.iloc[:1], years=years.iloc[:1])
    assert unhurt.sentences()[2].startswith("No stress narrows the distance to buy and hold")


@pytest.mark.parametrize(
    ("ahead", "cost", "words"),
    [
        ("always", np.nan, "ahead of buy and hold at any cost up to 1000 bp"),
        ("below", 12.34, "ahead below 12.3 bp of"),
        ("never", np.nan, "behind buy and hold even at no cost"),
        ("above", 3.0, "ahead only above 3 bp of"),
        ("", np.nan, "not to be compared with buy and hold"),
    ],
)
def test_every_end_of_the_break_even_has_its_words(report, ahead, cost, words):
    row = pd.DataFrame(
        {"cost_bps": [cost], "sharpe": [cost], "ahead": [ahead], "reason": [""]}, ["buy_and_hold"]
    )
    assert words in replace(report, break_even=row).sentences()[0]


def test_runs_repeat_bit_for_bit(settings, market_data, probabilities, exposure, spells, report):
    again = run_stress_test(
        settings, market_data, probabilities, exposure, spells, NoProgress(), plan=SMALL
    )
    for name, own in again.tables().items():
        pd.testing.assert_frame_equal(own, report.tables()[name], check_exact=True)


def test_an_exposure_that_the_rule_did_not_decide_is_refused(
    settings, market_data, probabilities, exposure, spells
):
    other = exposure.copy()
    other.iloc[4] = 1.0 - other.iloc[4]
    with pytest.raises(InvalidDataError, match=f"{other.index[4]:%Y-%m-%d} is .* the rule decides"):
        run_stress_test(
            settings, market_data, probabilities, other, spells, NoProgress(), plan=SMALL
        )
    own = run_stress_test(
        settings,
        market_data,
        probabilities,
        other * 0 + 0.5,
        spells,
        NoProgress(),
        plan=SMALL,
        rule=lambda rows: pd.Series(0.5, rows.index),
    )
    assert own.missing["turnover"].eq(own.missing["turnover"].iloc[0]).all()
    with pytest.raises(InvalidDataError, match="has no probability"):
        run_stress_test(
            settings,
            market_data,
            probabilities.iloc[5:],
            exposure,
            spells,
            NoProgress(),
            plan=SMALL,
        )


def test_without_spells_the_table_is_empty(settings, market_data, probabilities, exposure, spells):
    found = run_stress_test(
        settings, market_data, probabilities, exposure, spells.iloc[:0], NoProgress(), plan=SMALL
    )
    assert found.spells.empty and found.to_dict()["spells"] == []


@pytest.mark.parametrize(
    "fault",
    [
        {"seeds": 0},
        {"paths": 0},
        {"block": 0.5},
        {"label_seeds": -1},
        {"seed": -1},
        {"label_share": 1.5},
        {"worlds": (-1,)},
    ],
)
def test_a_plan_out_of_range_is_refused(fault):
    with pytest.raises(ConfigError, match=f"^{next(iter(fault))}: "):
        StressPlan(**fault)


def test_moved_labels_keep_their_shares_and_are_known_with_the_later_row(market_data):
    plain = EpisodeLabels(core_weight=1.0)
    one, moved = (
        plain(market_data.market),
        MovedLabels(labels=plain, share=1.0, seed=1)(market_data.market),
    )
    assert moved.weights.sum().tolist() == one.weights.sum().tolist()
    changed = (moved.weights != one.weights).any(axis=1) & one.known_at.notna()
    assert changed.sum() > 50
    assert (moved.known_at[changed] >= one.known_at[changed]).all()
    assert moved.known_at[~changed].dropna().ge(one.known_at[~changed].dropna()).all()
    unmoved = MovedLabels(labels=plain, share=0.0, seed=1)(market_data.market)
    assert unmoved.weights.equals(one.weights) and unmoved.known_at.equals(one.known_at)


def test_every_refit_finds_the_same_labels_moved(market_data):
    labels = MovedLabels(labels=EpisodeLabels(core_weight=1.0), share=0.5, seed=2)
    last, whole = market_data.sessions[3000], labels(market_data.market)
    then = labels(market_data.market, last)
    both = then.known_at.notna() & (whole.known_at <= last)
    assert then.weights[both].equals(whole.weights[both]) and both.sum() > 2000


def test_moved_labels_out_of_range_are_refused():
    with pytest.raises(ConfigError, match=r"^share: "):
        MovedLabels(labels=EpisodeLabels(), share=2.0, seed=0)
    with pytest.raises(ConfigError, match=r"^seed: "):
        MovedLabels(labels=EpisodeLabels(), share=0.2, seed=-1)


def test_training_on_moved_labels_gives_another_account(settings, market_data):
    table = label_noise(settings, market_data, [0, 1], NoProgress(), share=0.5)
    assert list(table.index) == [0, 1] and table["sharpe"].nunique() == 2
    assert table["sharpe_buy_and_hold"].nunique() == 1 and table.notna().all(axis=None)


def test_worlds_are_runs_of_the_config(settings):
    first_test = date(2012, 1, 1)
    table = simulated_worlds(settings, [3], years=8, first_test=first_test)
    assert list(table.index) == [3] and {"sharpe", "max_drawdown", "sharpe_vol_target_12"} <= set(
        table
    )
    assert table.notna().all(axis=None) and (table["max_drawdown"] <= 0).all()


def test_what_is_trained_anew_is_asked_for(
    settings, market_data, probabilities, exposure, spells, monkeypatch
):
    asked = []
    empty = pd.DataFrame({"sharpe": [0.1]}, pd.Index([5], name="seed"))
    for name in ("label_noise", "simulated_worlds"):
        monkeypatch.setattr(
            f"regime.studies.stress.retraining.{name}",
            lambda *given, name=name, **more: asked.append((name, given[-2], more)) or empty,
        )
    plan = replace(SMALL, label_seeds=3, label_share=0.1, worlds=(5, 6))
    found = run_stress_test(
        settings, market_data, probabilities, exposure, spells, NoProgress(), plan=plan
    )
    assert asked == [("label_noise", range(3), {"share": 0.1}), ("simulated_worlds", (5, 6), {})]
    assert isinstance(found, StressReport) and found.to_dict()["worlds"] == [
        {"seed": 5, "sharpe": 0.1}
    ]

"""On what a verdict rests: every figure again by hand, and the sections and limits made of them."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from regime.evaluation.scores import log_losses
from regime.evaluation.skill import skill_interval
from regime.evaluation.truth import Truth, truth_from_labels
from regime.performance import annual_sharpe
from regime.progress import NoProgress
from regime.schema import REGIMES
from regime.workflows.data import read_world
from regime.workflows.gate import gate
from regime.workflows.honesty import honesty
from regime.workflows.honesty_sections import honesty_sections
from regime.workflows.honesty_tables import effective_number, period_table, scored_sessions
from regime.workflows.ledger import Ledger
from regime.workflows.limits import limits
from regime.workflows.luck import luck
from regime.workflows.settings import load_settings
from regime.workflows.strategy import decide, trade
from regime.workflows.verdict import judge

QUIET = NoProgress()


@pytest.fixture(scope="module")
def case():
    """A simulated world with a model that knows the truth half, and two rivals that know less."""
    settings = load_settings(
        "demo.yaml",
        [
            "tracking=NullTracker",
            "source.SimulatedSource.years=16",
            "source.SimulatedSource.start=2009-01-02",
            "start=2009-01-02",
        ],
    )
    world = read_world(settings, None, QUIET)
    truth = truth_from_labels(settings.truth(world.market))
    days, draw = world.sessions[world.sessions >= "2012-01-01"], np.random.default_rng(2)
    tilt = truth.stress.reindex(days).fillna(0.0).to_numpy()
    stress = 1 / (1 + np.exp(2.0 - 2.5 * tilt - draw.normal(0, 0.7, len(days))))
    model = pd.DataFrame(
        {name: stress if name == "deleveraging" else (1 - stress) / 3 for name in REGIMES},
        index=days,
    )
    rivals = pd.DataFrame(
        {
            "weak": 1 / (1 + np.exp(1.5 - 1.5 * tilt - draw.normal(0, 0.7, len(days)))),
            "base_rate": 0.2,
        },
        index=days,
    ).reindex(world.sessions)
    verdict = judge(settings, truth, model, rivals)
    strategy = trade(settings, world, decide(settings, world, model), QUIET)
    return settings, world, truth, model, rivals, verdict, strategy


@pytest.fixture(scope="module")
def found(case):
    return honesty(*case)


@pytest.fixture(scope="module")
def losses(case):
    """Losses of model and best rival on the known sessions."""
    _, _, truth, model, rivals, verdict, _ = case
    known = truth.stress.reindex(model.index).dropna()
    return known, {
        "model": log_losses(known.to_numpy(), model.loc[known.index, "deleveraging"].to_numpy()),
        "rival": log_losses(
            known.to_numpy(), rivals.loc[known.index, verdict.skill.against].to_numpy()
        ),
    }


def test_each_crisis_is_left_out_with_its_surroundings(case, found, losses):
    known, loss = losses
    gain = loss["rival"] - loss["model"]
    assert len(found.crises) >= 5 and found.crises["start"].is_monotonic_increasing
    for row in found.crises.itertuples():
        low, high = (
            known.index.searchsorted(row.start),
            known.index.searchsorted(row.end, side="right") - 1,
        )
        assert known.iloc[low : high + 1].eq(1).all() and row.sessions == high - low + 1
        out = np.zeros(len(known), dtype=bool)
        out[max(low - 21, 0) : high + 22] = True
        kept = {name: own[~out] for name, own in loss.items()}
        assert row.skill == pytest.approx(1 - kept["model"].mean() / kept["rival"].mean())
        assert (row.low, row.high) == skill_interval(
            kept["model"], kept["rival"], seed=case[0].seed
        )
        assert row.share == pytest.approx(gain[out].sum() / gain.sum())


def test_spans_hold_every_session_once_and_inflation_is_left_out(case, found, losses):
    known, loss = losses
    spans = [name for name in found.periods.index if not name.startswith("Without")]
    assert spans == ["2012 to 2021", f"2022 to {known.index[-1].year}"]
    assert found.periods.loc[spans, "sessions"].sum() == len(known)
    assert found.periods.loc[spans, "spells"].sum() == len(found.crises)
    rest = ~known.index.year.isin([2022, 2023])
    row = found.periods.loc["Without 2022-2023"]
    assert row["sessions"] == rest.sum() < len(known)
    assert row["skill"] == pytest.approx(
        1 - loss["model"][rest].mean() / loss["rival"][rest].mean()
    )
    book = case[-1].result
    held = ~book.returns.index.year.isin([2022, 2023])
    assert row["sharpe"] == pytest.approx(
        annual_sharpe((book.returns - book.cash_returns)[held].to_numpy())
    )


def test_a_sample_of_those_years_alone_or_of_others_has_no_row_without_them(case):
    _, _, truth, model, rivals, _, strategy = case
    for first, last in (("2022-01-01", "2023-12-31"), ("2013-01-01", "2019-12-31")):
        days = model.loc[first:last].index
        scored = scored_sessions(
            truth,
            {"model": model.loc[days, "deleveraging"], "weak": rivals.loc[days, "weak"]},
            against="weak",
            seed=7,
        )
        assert len(period_table(scored, strategy)) == 1


def test_the_own_definition_gives_the_verdict_again(case, found):
    settings, _, _, _, _, verdict, _ = case
    table = found.definitions
    assert (
        9 <= len(table) <= 12
        and sum(name.startswith("jump model") for name in table.index) == len(table) - 9
    )
    own = table.loc[
        f"falls of {settings.truth.depth:g} volatilities, S&P 500 {settings.truth.core_weight:.0%}"
    ]
    assert own["against"] == verdict.skill.against and own["skill"] == verdict.skill.skill
    assert (own["low"], own["high"]) == verdict.skill.interval
    assert own["average_precision"] == verdict.table.loc["model", "average_precision"]
    assert own["base_rate"] == verdict.table.loc["model", "base_rate"]
    assert table["skill"].idxmax() == own.name  # the model was told this truth and no other


def scored(gain, stress):
    days = pd.bdate_range("2000-01-03", periods=len(gain), name="date")
    truth = Truth(
        stress=pd.Series(stress, index=days, dtype=float), known_at=pd.Series(days, index=days)
    )
    made = scored_sessions(
        truth, {"model": truth.stress * 0.5, "flat": truth.stress * 0 + 0.3}, against="flat", seed=7
    )
    return replace(
        made, losses={"model": np.zeros(len(gain)), "flat": np.asarray(gain, dtype=float)}
    ), truth


def test_equal_spells_count_whole_and_one_long_one_hardly_more_than_itself():
    draw = np.random.default_rng(1).normal(size=6300)
    equal = np.arange(6300) % 630 < 60
    number = effective_number(*scored(draw, equal))
    assert number.spells == 10 and number.events == pytest.approx(10.0) and number.sessions == 6300
    lopsided = np.arange(6300) < 3000
    lopsided[4000:6000:500] = True
    assert effective_number(*scored(draw, lopsided)).events == pytest.approx(
        3004**2 / (3000**2 + 4)
    )


def test_sessions_that_repeat_each_other_count_once():
    draw = np.random.default_rng(1)
    stress = np.arange(6300) % 630 < 60
    free = effective_number(*scored(draw.normal(size=6300), stress)).independent
    tied = effective_number(*scored(np.repeat(draw.normal(size=630), 10), stress)).independent
    assert 4000 < free <= 6300 and 400 < tied < 1000


def test_the_summary_is_plain_and_finite(found):
    summary = json.loads(json.dumps(found.summary(), allow_nan=False))
    assert set(summary) == {"against", "events", "crises", "periods", "definitions", "sentences"}
    assert summary["crises"][0]["start"] == f"{found.crises['start'].iloc[0]:%Y-%m-%d}"
    assert summary["periods"][-1]["period"] == "Without 2022-2023"
    assert all(isinstance(line, str) and line.endswith(".") for line in summary["sentences"])


def test_a_truth_of_one_class_is_said(case):
    settings, world, truth, model, rivals, _, strategy = case
    calm = Truth(stress=truth.stress * 0.0, known_at=truth.known_at)
    verdict = judge(settings, calm, model, rivals)
    nothing = honesty(settings, world, calm, model, rivals, verdict, strategy)
    assert nothing.number is None and len(nothing.sentences()) == len(nothing.doubts()) == 1
    json.dumps(nothing.summary(), allow_nan=False)
    lucky = luck(settings, calm, model, rivals, verdict, strategy)
    first, second = honesty_sections(gate(settings, verdict), lucky, nothing)
    assert "no skill can be shown" in first.sentence.lower() and second.tables == ()


def test_doubts_grow_as_the_model_fades(case, found):
    settings, world, truth, model, rivals, _, strategy = case
    draw = np.random.default_rng(5).normal(0, 0.3, len(model))
    weak = rivals.loc[model.index, "weak"]
    stress = 1 / (1 + np.exp(-(np.log(weak / (1 - weak)) + draw)))
    twin = pd.DataFrame(
        {name: stress if name == "deleveraging" else (1 - stress) / 3 for name in REGIMES}
    )
    frail = honesty(
        settings, world, truth, twin, rivals, judge(settings, truth, twin, rivals), strategy
    )
    assert len(frail.doubts()) > len(found.doubts()) >= 1
    assert any("no lead over the best rival is shown" in line for line in frail.doubts())
    assert frail.skill < 0 and frail.crises["share"].isna().all()  # there is no gain to share
    assert any("left out one at a time" in line for line in found.sentences())


def test_two_sections_say_it_and_hold_the_tables(case, found):
    settings, _, truth, model, rivals, verdict, strategy = case
    days = strategy.result.returns.index
    kept = {
        str(i): pd.Series(np.random.default_rng(i).normal(0, 0.01, len(days)), days)
        for i in range(4)
    }
    lucky = luck(
        settings,
        truth,
        model,
        rivals,
        verdict,
        strategy,
        Ledger(rows=4, returns=kept, note="4 rows"),
    )
    first, second = honesty_sections(gate(settings, verdict), lucky, found)
    assert (first.key, first.title) == ("luck", "Is it luck?")
    assert (second.key, second.title) == ("ground", "On what does the verdict rest?")
    assert (
        first.sentence.startswith("Skill over Weak: ")
        and "`" not in first.sentence + second.sentence
    )
    assert [len(table.rows) for table in first.tables] == [2, 8]
    assert [len(table.rows) for table in second.tables] == [
        len(found.crises),
        3,
        len(found.definitions),
    ]
    for table in (*first.tables, *second.tables):
        assert all(len(row.cells) == max(len(table.header) - 1, 1) for row in table.rows)
        assert not any("nan" in cell for row in table.rows for cell in row.cells)


def test_limits_take_their_sentences_from_these(case, found):
    settings, _, truth, model, rivals, verdict, strategy = case
    lucky = luck(settings, truth, model, rivals, verdict, strategy)
    old = limits(settings, truth, model, rivals, verdict, strategy)
    new = limits(settings, truth, model, rivals, verdict, strategy, luck=lucky, honesty=found)
    assert set(found.doubts()) | set(lucky.doubts()) <= set(new)
    assert old[0] == new[0] and not any(
        " alone its lead over the best baseline" in line for line in new
    )

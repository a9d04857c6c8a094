"""Tuning from a config to a file of choices.

What a study may see, how it is killed and resumed, what is chosen.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from regime.cli import main
from regime.config import dump
from regime.errors import ConfigError, LeakageError, MissingDataError
from regime.labels.episodes import EpisodeLabels
from regime.labels.jump import JumpModelLabels
from regime.models.search_space import Given, offers
from regime.models.study_plan import StudyPlan
from regime.models.tuning import Study
from regime.progress import NoProgress
from regime.schema import Panel
from regime.splits.walk_forward import Fold
from regime.workflows.data import World, read_world
from regime.workflows.settings import Settings, load_settings
from regime.workflows.tune import TuneSettings, study_name, tune
from regime.workflows.tune_choices import (
    BlockChoice,
    Design,
    Tuned,
    load_tuned,
    save_choices,
    settings_by_fold,
    settings_for_block,
)
from regime.workflows.tune_objective import Block, Evaluation, KnownYears, known_years, outer_blocks
from regime.workflows.tune_space import SearchSpace, feature_groups

torture = pytest.mark.skipif(
    not os.environ.get("REGIME_TORTURE"), reason="minutes of killed processes: make torture"
)

OVERRIDES = (
    "source.SimulatedSource.years=9",
    "splits.first_test=2012-01-01",
    "splits.minimum_train=500",
    "model.seeds=1",
    "tracking=NullTracker",
    "parallel.jobs=1",
)
QUICK = SearchSpace(
    depths=((2.0,), (1.5, 2.0)), baskets=((1.0,),), jump_share=0.0, leaves=(3, 5), rounds=(50, 50)
)
HOW = TuneSettings(space=QUICK)


@pytest.fixture(scope="module")
def tiny() -> Settings:
    return load_settings("demo.yaml", OVERRIDES)


@pytest.fixture(scope="module")
def tiny_world(tiny: Settings) -> World:
    return read_world(tiny, None, NoProgress())


SMOOTHING = SearchSpace(smoothing=(0.0, 1.0, 2.0))


@pytest.fixture(scope="module")
def tiny_features(tiny: Settings, tiny_world: World) -> pd.DataFrame:
    return tiny.features(tiny_world.panel)


@pytest.fixture(scope="module")
def known(tiny: Settings, tiny_world: World, tiny_features: pd.DataFrame) -> KnownYears:
    return known_years(
        tiny, tiny_world, tiny_features, outer_blocks(tiny, tiny_world.sessions)[0], NoProgress()
    )


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def skills(known: KnownYears, designs: Sequence[Design]) -> list[list[float]]:
    evaluation = Evaluation(known)
    return [list(evaluation(design)) for design in designs]


def designs(settings: Settings) -> list[Design]:
    """The config's own, one with all that a design can have, one of trees alone."""
    space = SMOOTHING
    start = space.start(settings)
    every = {
        **start,
        **{name: True for name in start if name.startswith("in.")},
        "jump_share": 0.3,
        "jump_states": 2,
        "smoothing": 2.0,
        "monotone": True,
        "partial": True,
    }
    return [
        space(Given(params), settings) for params in (start, every, {**start, "linear_weight": 0.0})
    ]


class TestBlocks:
    def test_four_blocks_of_five_years_and_one_that_has_only_begun(self, tiny):
        settings = replace(tiny, splits=replace(tiny.splits, first_test=date(2005, 1, 1)))
        sessions = pd.bdate_range("1990-01-01", "2024-12-31", name="date")
        blocks = outer_blocks(settings, sessions)
        assert [block.year for block in blocks] == [2005, 2010, 2015, 2020]
        assert blocks[0].last == date(2009, 12, 31) and blocks[-1].last == date(2024, 12, 31)
        assert [
            block.year for block in outer_blocks(settings, sessions[sessions < "2020-01-01"])
        ] == [2005, 2010, 2015]

    def test_inner_folds_follow_each_other_up_to_the_block(self, known):
        sessions = known.features.index
        assert sessions[-1] < pd.Timestamp("2012-01-01") and len(known.folds) == 5
        served = np.concatenate([fold.test for fold in known.folds])
        assert served.tolist() == list(range(int(served[0]), len(sessions)))
        assert all(fold.refit == sessions[fold.test[0] - 1] for fold in known.folds)
        assert (
            max(len(fold.test) for fold in known.folds)
            - min(len(fold.test) for fold in known.folds)
            <= 1
        )

    def test_a_history_too_short_for_inner_folds_is_told(self, tiny, tiny_world, tiny_features):
        settings = replace(tiny, splits=replace(tiny.splits, minimum_train=1200))
        with pytest.raises(
            ConfigError, match=r"block 2012: \d+ sessions before it are too few for 5 inner folds"
        ):
            known_years(
                settings,
                tiny_world,
                tiny_features,
                Block(first=date(2012, 1, 1), last=date(2016, 12, 31)),
                NoProgress(),
            )


class TestWhatAStudySees:
    def test_nothing_after_the_blocks_beginning_changes_a_bit_of_it(self, tiny, tiny_world, known):
        rng = np.random.default_rng(3)
        later = tiny_world.sessions >= pd.Timestamp("2012-01-01")
        values = tiny_world.panel.values.copy()
        values[later] = values[later] * rng.uniform(0.5, 2.0, values[later].shape)
        market, returns = tiny_world.market.copy(), tiny_world.returns.copy()
        market[later] = values.loc[later, market.columns]
        returns[later] = rng.normal(0, 0.05, later.sum())
        other = replace(
            tiny_world,
            panel=Panel(values=values, age=tiny_world.panel.age),
            market=market,
            returns=returns,
        )
        again = known_years(tiny, other, tiny.features(other.panel), known.block, NoProgress())
        assert study_name(again, HOW) == study_name(known, HOW)
        assert (again.rival, again.rival_losses) == (known.rival, known.rival_losses)
        assert skills(again, designs(tiny)) == skills(known, designs(tiny))

    def test_later_sessions_may_be_missing_altogether(self, tiny, tiny_world, tiny_features, known):
        cut = tiny_world.sessions < pd.Timestamp("2012-01-01")
        other = replace(
            tiny_world,
            panel=Panel(values=tiny_world.panel.values[cut], age=tiny_world.panel.age[cut]),
            market=tiny_world.market[cut],
            returns=tiny_world.returns[cut],
        )
        again = known_years(tiny, other, tiny_features[cut], known.block, NoProgress())
        assert study_name(again, HOW) == study_name(known, HOW)
        assert skills(again, designs(tiny)[:1]) == skills(known, designs(tiny)[:1])

    def test_an_inner_fold_does_not_see_the_next(self, tiny, known):
        """Fewer folds of the same lengths: the first ones have the same values."""
        end = int(known.folds[3].test[0])
        shorter = replace(
            known,
            features=known.features.iloc[:end],
            market=known.market.iloc[:end],
            folds=known.folds[:3],
            rival_losses=known.rival_losses[:3],
        )
        for own, whole in zip(
            skills(shorter, designs(tiny)), skills(known, designs(tiny)), strict=True
        ):
            assert own == whole[:3]

    def test_memory_of_labels_changes_no_bit(self, tiny, known):
        design = designs(tiny)[1]
        evaluation = Evaluation(known)
        assert list(evaluation(design)) == list(evaluation(design)) == skills(known, [design])[0]

    def test_skill_is_what_the_scores_say(self, tiny, known):
        from regime.workflows.forecast import _one_block, signed_model

        design, stress = designs(tiny)[0], known.truth.stress
        settings = replace(tiny, labels=design.labels, model=design.model)
        expected = []
        for fold, rival in zip(known.folds, known.rival_losses, strict=True):
            block = _one_block(
                fold,
                known.features[list(design.model.columns)],
                known.market.loc[: fold.refit],
                signed_model(settings),
                settings.labels,
                settings.splits,
                False,
            )[0]
            truth = stress.reindex(block.index)
            p = block["deleveraging"][truth.notna()].clip(1e-4, 1 - 1e-4)
            truth = truth.dropna()
            expected.append(
                1 - float(-(truth * np.log(p) + (1 - truth) * np.log(1 - p)).mean()) / rival
            )
        np.testing.assert_allclose(skills(known, [design])[0], expected, rtol=1e-12)

    def test_the_probabilities_of_a_trial_can_be_had_again(self, tiny, known):
        plain, smooth = (
            Evaluation(known).probabilities(replace(designs(tiny)[0], smoothing=halflife))
            for halflife in (0.0, 2.0)
        )
        assert (
            plain.index.equals(known.features.index[known.folds[0].test[0] :])
            and plain.between(0, 1).all()
        )
        np.testing.assert_allclose(smooth, plain.ewm(halflife=2.0, adjust=False).mean(), atol=1e-12)

    def test_a_fold_that_cannot_be_trained_is_forecast_at_the_known_rate(self, tiny, known):
        none = replace(designs(tiny)[0], labels=EpisodeLabels(depth=90.0))
        found = skills(known, [none])[0]
        assert all(np.isfinite(found)) and np.mean(found) < np.mean(
            skills(known, designs(tiny)[:1])[0]
        )


class TestTheSpace:
    def test_it_begins_with_the_config_itself(self, tiny):
        whole = load_settings("us_macro.yaml")
        for settings in (whole, tiny):
            design = SearchSpace()(Given(SearchSpace().start(settings)), settings)
            assert dump(design) == dump(Design(labels=settings.labels, model=settings.model))

    def test_a_config_outside_the_space_begins_with_what_the_space_has(self, tiny):
        odd = replace(tiny, labels=JumpModelLabels(), model=replace(tiny.model, penalty=1e6))
        start = SearchSpace().start(odd)
        assert (
            not {"depths", "baskets", "penalty", "jump_share", "recover"} & set(start)
            and start["leaves"] == 7
        )

    def test_every_feature_is_in_one_group_at_most(self, tiny):
        groups = feature_groups(tiny)
        names = [
            name
            for part in (groups.core, groups.composites, groups.more)
            for own in part.values()
            for name in own
        ] + list(groups.always)
        assert len(names) == len(set(names)) and set(tiny.model.columns) <= set(names)
        signed = {spec.name for spec in tiny.features.specs if spec.sign}
        assert signed <= set(names) and groups.always

    def test_labels_features_form_and_smoothing_follow_the_answers(self, tiny):
        space, start = SMOOTHING, SMOOTHING.start(tiny)
        design = space(
            Given(
                {
                    **start,
                    "depths": "1.5 2",
                    "baskets": "1 0.7",
                    "jump_share": 0.5,
                    "jump_states": 3,
                    "recover": 0.67,
                    "in.rates": False,
                    "in.more_credit": True,
                    "monotone": True,
                    "in.core_long_end": False,
                    "linear_weight": 1.0,
                    "smoothing": 2.0,
                }
            ),
            tiny,
        )
        falls, jump = design.labels.labellers[:-1], design.labels.labellers[-1]
        assert {(part.depth, part.core_weight, part.recover) for part in falls} == {
            (depth, weight, 0.67) for depth in (1.5, 2.0) for weight in (1.0, 0.7)
        }
        assert (
            jump.n_states == 3
            and design.labels.weights == (1, 1, 1, 1, 4)
            and design.smoothing == 2.0
        )
        assert "rates" not in design.model.composites and "more_credit" in design.model.composites
        assert (
            "liquidity_rate10_change_63" not in design.model.core
            and design.model.linear_weight == 1.0
        )
        assert design.model.signs["positioning_drawdown_252"] == 1

    def test_what_is_offered_names_the_study(self, known):
        names = {
            study_name(known, how)
            for how in (
                HOW,
                replace(HOW, space=replace(QUICK, leaves=(3, 6))),
                replace(HOW, deviations=1.0),
                replace(HOW, share=0.5),
                replace(HOW, space=replace(QUICK, partial=(False,))),
            )
        }
        other = replace(
            known, settings=replace(known.settings, model=replace(known.settings.model, clip=4.0))
        )
        market = known.market * (1 + 1e-9)
        names |= {study_name(other, HOW), study_name(replace(known, market=market), HOW)}
        assert len(names) == 7 and all(name.startswith("demo-2012-") for name in names)
        assert study_name(known, replace(HOW, startup=9)) == study_name(known, HOW)

    def test_simplicity_goes_by_groups_then_labellers_then_trees_then_penalty(self, tiny):
        space, start = SMOOTHING, SMOOTHING.start(tiny)
        simpler = [
            {"in.rates": False},
            {"depths": "2"},
            {"linear_weight": 1.0},
            {"leaves": 6},
            {"rounds": 100},
            {"leaf_rows": 500},
            {"monotone": True},
            {"penalty": 31.0},
            {"composite_weight": 0.9},
        ]
        keys = [space.simplicity({**start, **change}) for change in simpler]
        assert all(key < space.simplicity(start) for key in keys)
        assert keys == sorted(keys)  # what stands first weighs more than all that follows
        assert space.simplicity({**start, "smoothing": 1.0}) > space.simplicity(start)
        without = {
            name: value
            for name, value in start.items()
            if name not in ("leaves", "rounds", "leaf_rows")
        }
        assert space.simplicity({**without, "linear_weight": 1.0}) == keys[2]

    @pytest.mark.parametrize(
        ("field", "value"), [("depths", ()), ("penalty", (30.0, 3.0)), ("jump_share", 1.0)]
    )
    def test_an_empty_or_turned_range_is_refused(self, field, value):
        with pytest.raises(ConfigError, match=f"^{field}: "):
            SearchSpace(**{field: value})

    def test_all_of_the_space_can_be_built(self, tiny):
        rng = np.random.default_rng(7)
        space = SearchSpace()
        asked = offers(lambda trial: space(trial, tiny))
        for _ in range(30):
            params = {
                name: what[1 + rng.integers(len(what) - 1)]
                if what[0] == "one of"
                else rng.choice(what[1:3])
                for name, what in asked.items()
            }
            design = space(Given(params), tiny)
            replace(tiny, labels=design.labels, model=design.model)
            assert len(space.simplicity(params)) == 9


def choice(tiny: Settings, year: int = 2012, **changes: object) -> BlockChoice:
    figures = {
        "trial": 3,
        "value": 0.1,
        "mean": 0.2,
        "deviation": 0.2,
        "standard_error": 0.1,
        "folds": [0.1, 0.3],
    }
    given = {
        "config": "demo",
        "year": year,
        "first": date(year, 1, 1),
        "last": date(year + 4, 12, 31),
        "known_until": date(year - 1, 12, 30),
        "study": "demo-x",
        "seed": 7,
        "rival": "vix",
        "within": 2,
        "trials": {"wanted": 4, "complete": 4},
        "chosen": figures,
        "best": figures,
        "plateau": {"monotone": {"true": 2}, "penalty": {"low": 1.0, "median": 2.0, "high": 3.5}},
        "design": replace(designs(tiny)[1], smoothing=0.0),
    }
    return BlockChoice(**{**given, **changes})


class TestChoices:
    def test_there_and_back_through_a_file(self, tiny, tmp_path):
        path = tmp_path / "tuned.yaml"
        save_choices(path, [choice(tiny, 2017), choice(tiny)])
        found = load_tuned(path)
        assert [block.year for block in found.blocks] == [2012, 2017]
        assert dump(found.blocks[0]) == dump(choice(tiny))
        assert found.blocks[0].design.labels == choice(tiny).design.labels

    def test_another_block_or_config_stays_and_the_same_is_replaced(self, tiny, tmp_path):
        path = tmp_path / "tuned.yaml"
        save_choices(path, [choice(tiny), choice(tiny, config="us_macro"), choice(tiny, 2017)])
        save_choices(path, [choice(tiny, within=9)])
        assert [(block.config, block.year, block.within) for block in load_tuned(path).blocks] == [
            ("demo", 2012, 9),
            ("demo", 2017, 2),
            ("us_macro", 2012, 2),
        ]
        assert [file.name for file in tmp_path.iterdir()] == ["tuned.yaml"]

    def test_settings_of_a_block_have_its_design_and_nothing_else_of_it(self, tiny):
        tuned = Tuned(blocks=(choice(tiny),))
        found = settings_for_block(tiny, tuned, 2012)
        assert found.labels == designs(tiny)[1].labels and dump(found.model) == dump(
            designs(tiny)[1].model
        )
        assert dump(replace(found, labels=tiny.labels, model=tiny.model)) == dump(tiny)
        with pytest.raises(ConfigError, match="no choice for 2017 of demo; known: 2012"):
            settings_for_block(tiny, tuned, 2017)

    def test_each_fold_takes_its_blocks_choice_and_outside_the_configs(self, tiny):
        sessions = pd.bdate_range("2010-01-01", "2018-12-31", name="date")
        settings = replace(tiny, splits=replace(tiny.splits, first_test=date(2011, 7, 1)))
        folds = settings.splits.folds(sessions)
        now = Fold(refit=sessions[-1], test=np.asarray([len(sessions)]))
        found = settings_by_fold(settings, Tuned(blocks=(choice(tiny),)), [*folds, now], sessions)
        first = [sessions[fold.test[0]].year for fold in folds]
        assert {
            year for year, own in zip(first, found, strict=False) if own is not settings
        } == set(range(2012, 2017))
        assert found[-1] is settings and len({id(own) for own in found}) == 2

    def test_a_choice_that_smooths_is_refused_where_it_would_be_dropped(self, tiny):
        tuned = Tuned(blocks=(choice(tiny, design=designs(tiny)[1]),))
        with pytest.raises(ConfigError, match="a saved model has no memory to smooth with"):
            settings_for_block(tiny, tuned, 2012)

    def test_a_choice_made_after_the_refit_is_a_leak(self, tiny):
        sessions = pd.bdate_range("2010-01-01", "2013-12-31", name="date")[:-3]
        late = choice(tiny, first=date(2012, 1, 20), known_until=date(2012, 1, 19))
        fold = Fold(
            refit=pd.Timestamp("2012-01-18"),
            test=np.arange(sessions.searchsorted(pd.Timestamp("2012-01-20")), 600),
        )
        with pytest.raises(
            LeakageError, match="block 2012: chosen on sessions up to 2012-01-19, after the refit"
        ):
            settings_by_fold(tiny, Tuned(blocks=(late,)), [fold], sessions)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"known_until": date(2012, 1, 1)}, "known_until: 2012-01-01 must lie before"),
            ({"last": date(2011, 1, 1)}, "last: 2011-01-01 lies before"),
        ],
    )
    def test_a_choice_that_saw_its_block_is_refused(self, tiny, changes, message):
        with pytest.raises(ConfigError, match=message):
            choice(tiny, **changes)

    def test_blocks_that_overlap_are_refused(self, tiny):
        with pytest.raises(ConfigError, match="2012 and 2014 of demo overlap"):
            Tuned(blocks=(choice(tiny, 2014), choice(tiny)))

    def test_a_choice_for_columns_that_the_config_has_no_more_says_so(self, tiny):
        model = replace(tiny.model, core=("positioning_gone_9",))
        tuned = Tuned(blocks=(choice(tiny, design=Design(labels=tiny.labels, model=model)),))
        with pytest.raises(
            ConfigError, match=r"block 2012 of demo: .*positioning_gone_9.*; tune it again"
        ):
            settings_for_block(tiny, tuned, 2012)

    def test_a_file_with_a_typo_gets_an_answer(self, tmp_path):
        (tmp_path / "tuned.yaml").write_text("blocks:\n- {config: demo, yeer: 2012}\n")
        with pytest.raises(ConfigError, match=r"unknown key `yeer`; did you mean `year`\?"):
            load_tuned(tmp_path / "tuned.yaml")
        with pytest.raises(MissingDataError, match="no such file"):
            load_tuned(tmp_path / "none.yaml")


class TestTheWholeWay:
    def test_a_block_is_tuned_and_its_choice_can_be_taken(self, tiny, here):
        stages: dict[str, int] = {}

        class Watch(NoProgress):
            def stage(self, name, total=None):
                from contextlib import nullcontext

                class Counter:
                    def advance(self, n=1):
                        stages[name] = stages.get(name, 0) + n

                return nullcontext(Counter())

        result = tune(tiny, trials=3, block=2012, out="tuned.yaml", how=HOW, progress=Watch())
        (found,) = load_tuned("tuned.yaml").blocks
        assert dump(found) == dump(result.choices[0]) and result.notes == ()
        assert found.trials == {"wanted": 3, "complete": 3, "pruned": 0, "failed": 0}
        assert stages == {"trials before 2012": 3}
        assert found.known_until < date(2012, 1, 1) and found.chosen["trial"] in range(3)
        assert len(found.chosen["folds"]) == 5
        assert (
            settings_for_block(tiny, load_tuned("tuned.yaml"), 2012).labels == found.design.labels
        )
        assert json.loads(json.dumps(result.summary))["blocks"][0]["first"] == "2012-01-01"
        assert sorted(path.name for path in here.iterdir()) == ["mlruns", "tuned.yaml"]

    def test_a_study_that_has_enough_is_only_read(self, tiny, here):
        first = tune(tiny, trials=2, block=2012, out="a.yaml", how=HOW)
        begun = time.monotonic()
        again = tune(tiny, trials=1, block=2012, out="b.yaml", how=HOW)
        assert time.monotonic() - begun < 10
        assert (
            again.choices[0].chosen == first.choices[0].chosen
            and again.choices[0].trials["complete"] == 2
        )

    @torture
    def test_all_blocks_are_tuned_where_none_is_named(self, tiny, here):
        early = replace(tiny, splits=replace(tiny.splits, first_test=date(2011, 1, 1)))
        result = tune(early, trials=1, out="tuned.yaml", how=replace(HOW, years=2))
        assert [choice.year for choice in result.choices] == [2011, 2013]
        assert (
            result.choices[0].known_until
            < date(2011, 1, 1)
            < result.choices[1].known_until
            < date(2013, 1, 1)
        )

    @torture
    def test_two_workers_give_what_one_gives(self, tiny, here):
        alone, spread = (
            tune(
                tiny,
                trials=5,
                workers=workers,
                block=2012,
                out=f"{workers}.yaml",
                how=HOW,
                storage=f"journal://{here}/{workers}.journal",
            )
            for workers in (1, 2)
        )
        tables = []
        for workers, result in ((1, alone), (2, spread)):
            study = opened(result.choices[0].study, here / f"{workers}.journal")
            tables.append(
                [(study.params(number), study.folds(number)) for number in study.trials().index]
            )
        assert tables[0] == tables[1] and len(tables[0]) == 5
        assert alone.choices[0].chosen == spread.choices[0].chosen


def opened(name: str, journal: Path) -> Study:
    return Study(
        StudyPlan(
            name=name,
            storage=f"journal://{journal}",
            locks=journal.parent / "mlruns" / "tuning",
            folds=5,
        )
    )


SCRIPT = """
import os, sys
from regime.workflows import tune_objective
from regime.workflows.settings import load_settings
from regime.workflows.tune import TuneSettings, tune
from regime.workflows.tune_space import SearchSpace
QUICK = SearchSpace(depths=((2.0,), (1.5, 2.0)), baskets=((1.0,),), jump_share=0.0, leaves=(3, 5), rounds=(50, 50))
evaluate, begun = tune_objective.Evaluation.__call__, []
def dying(self, design):
    begun.append(1)
    for number, value in enumerate(evaluate(self, design)):
        if len(begun) == DEATH and number == 2:
            os.kill(os.getpid(), int(sys.argv[1]))
        yield value
if __name__ == "__main__":
    DEATH, total, workers = map(int, sys.argv[2:5])
    tune_objective.Evaluation.__call__ = dying
    tune(load_settings("demo.yaml", sys.argv[5:]), trials=total, workers=workers, block=2012, out="tuned.yaml",
         how=TuneSettings(space=QUICK))
"""


def listening() -> None:
    """Take Ctrl-C as a terminal's child would.

    A background job's children inherit that it is ignored.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def script(place: Path, number: int, death: int, total: int, workers: int) -> subprocess.Popen[str]:
    (place / "script.py").write_text(SCRIPT)
    return subprocess.Popen(
        [
            sys.executable,
            "script.py",
            str(number),
            str(death),
            str(total),
            str(workers),
            *OVERRIDES,
        ],
        cwd=place,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=listening,
    )


class TestKilledAndResumed:
    def test_killed_at_trial_7_of_20_and_resumed_it_has_20_distinct_finished_trials(
        self, tiny, here
    ):
        done = script(here, signal.SIGKILL, 7, 20, 1)
        done.communicate(timeout=300)
        assert done.returncode == -signal.SIGKILL and not (here / "tuned.yaml").exists()
        journal = here / "mlruns" / "tuning.journal"
        with journal.open("ab") as file:
            file.write(b'{"op_code":5,"worker_id":"torn')
        result = tune(tiny, trials=20, block=2012, out="tuned.yaml", how=HOW)
        assert len(result.notes) == 2 and "30 bytes were cut" in result.notes[0]
        assert result.notes[1].startswith("1 trials that dead workers had left running")
        study = opened(result.choices[0].study, journal)
        states = study.trials()["state"]
        finished = states[states.isin(["complete", "pruned"])].index
        assert len(finished) == 20 and states.tolist()[6] == "failed" and len(states) == 21
        assert len({json.dumps(study.params(number), sort_keys=True) for number in finished}) == 20

    @torture
    def test_ctrl_c_leaves_a_study_that_goes_on(self, tiny, here):
        done = script(here, signal.SIGINT, 3, 6, 1)
        _, stderr = done.communicate(timeout=300)
        assert done.returncode != 0 and "KeyboardInterrupt" in stderr
        result = tune(tiny, trials=4, block=2012, out="tuned.yaml", how=HOW)
        assert result.notes == () and result.choices[0].trials == {
            "wanted": 4,
            "complete": 4,
            "pruned": 0,
            "failed": 1,
        }

    @torture
    def test_a_worker_killed_costs_one_trial_and_the_others_go_on(self, here):
        total = 16
        run = script(here, signal.SIGTERM, 10**6, total, 2)
        journal = here / "mlruns" / "tuning.journal"
        while not (
            journal.exists()
            and len(workers_of(run.pid)) == 2
            and journal.read_text(encoding="utf-8").count('"seconds"') >= 3
        ):
            assert run.poll() is None, run.communicate()
            time.sleep(0.02)
        os.kill(workers_of(run.pid)[0], signal.SIGKILL)
        _, stderr = run.communicate(timeout=300)
        assert run.returncode == 0, stderr
        trials = load_tuned(here / "tuned.yaml").blocks[0].trials
        assert trials["complete"] + trials["pruned"] == total and trials["failed"] <= 1

    @pytest.mark.parametrize(
        ("number", "delay"), [(signal.SIGKILL, 6), (signal.SIGINT, 0), (signal.SIGINT, 6)]
    )
    @torture
    def test_workers_end_with_whoever_began_them(self, here, number, delay):
        """While they start, and while they work."""
        run = script(here, signal.SIGTERM, 10**6, 10**4, 2)
        while len(workers_of(run.pid)) < 2:
            assert run.poll() is None, run.communicate()
            time.sleep(0.02)
        time.sleep(delay)
        run.send_signal(number)
        _, stderr = run.communicate(
            timeout=60
        )  # the workers hold these pipes too, so that they have ended
        assert run.returncode != 0 and stderr.count("Traceback") == (number == signal.SIGINT), (
            stderr
        )


def workers_of(parent: int) -> list[int]:
    """Processes that a parent has begun to work, by their order."""
    command = [
        "ps",
        "-ww",
        "-o",
        "pid=,args=",
        "--ppid",
        str(parent),
    ]  # whole lines, however narrow the terminal
    listed = subprocess.run(command, capture_output=True, text=True).stdout
    return [int(line.split()[0]) for line in listed.splitlines() if "spawn_main" in line]


class TestMistakes:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"trials": 0}, "trials: must be at least 1, got 0"),
            ({"workers": 0}, "workers: must be at least 1, got 0"),
            ({"storage": "tuning.log"}, "storage: `tuning.log` is of no known kind"),
            (
                {"storage": "postgresql://ann:secret@127.0.0.1:1/x"},
                "storage: cannot use postgresql://ann:\\*\\*\\*@",
            ),
            ({"block": 2013}, "block: no block begins in 2013; blocks of demo begin in 2012, 2017"),
            ({"out": "."}, "it is a folder"),
        ],
    )
    def test_they_are_told_before_anything_is_searched(self, tiny, here, arguments, message):
        with pytest.raises(ConfigError, match=message):
            tune(tiny, **{"trials": 1, "out": "tuned.yaml", "how": HOW, **arguments})
        assert not (here / "tuned.yaml").exists()

    def test_a_file_that_holds_something_else_is_not_written_over(self, tiny, here):
        Path("tuned.yaml").write_text("name: mine\n")
        with pytest.raises(ConfigError, match="unknown key `name`"):
            tune(tiny, trials=1, out="tuned.yaml", how=HOW)
        assert Path("tuned.yaml").read_text() == "name: mine\n"

    def test_an_error_of_a_worker_is_told_as_its_own(self, tiny, here):
        spoilt = TuneSettings(space=replace(QUICK, recover=(7.0,)))
        with pytest.raises(ConfigError, match=r"recover: must lie in \(0, 1\], got 7.0"):
            tune(tiny, trials=2, workers=2, block=2012, out="tuned.yaml", how=spoilt)

    @pytest.mark.parametrize(("field", "value"), [("years", 0), ("share", 1.0)])
    def test_odd_ways_are_refused(self, field, value):
        with pytest.raises(ConfigError, match=f"^{field}: "):
            TuneSettings(**{field: value})


class TestCommand:
    def test_from_the_command_line_to_one_line_of_json_and_a_record(self, here, capfd):
        overrides = [item for item in OVERRIDES if not item.startswith("tracking")]
        arguments = [
            "tune",
            "demo.yaml",
            "--trials",
            "2",
            "--workers",
            "1",
            "--block",
            "2012",
            "--out",
            "c/tuned.yaml",
        ]
        assert main([*arguments, "--json", *overrides]) == 0
        printed = capfd.readouterr()
        (line,) = printed.out.splitlines()
        summary = json.loads(line)
        assert summary["blocks"][0]["trials"]["complete"] == 2 and summary["storage"].startswith(
            "journal:///"
        )
        artifacts = here / "mlruns" / "artifacts" / summary["mlflow_run_id"] / "artifacts"
        assert {path.name for path in (artifacts / "block-2012").iterdir()} >= {
            "trials.csv",
            "choice.json",
            "optimization_history.html",
            "plotly.min.js",
        }
        table = pd.read_csv(artifacts / "block-2012" / "trials.csv", index_col="number")
        assert len(table) == 2 and {"value", "penalty", "in.rates", "depths"} <= set(table)
        assert main([*arguments, *overrides]) == 0
        told = capfd.readouterr().out
        assert (
            "Plateau before 2012" in told and "Choices: c/tuned.yaml" in told and "penalty" in told
        )

    @pytest.mark.parametrize(
        "wrong", [["--trials", "0"], ["--storage", "nowhere"], ["--block", "1999"]]
    )
    def test_mistakes_exit_with_2(self, here, capfd, wrong):
        assert main(["tune", "demo.yaml", "--out", "tuned.yaml", *wrong, *OVERRIDES]) == 2
        assert capfd.readouterr().err.startswith(f"regime: error: {wrong[0].strip('-')}: ")

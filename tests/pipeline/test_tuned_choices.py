"""Choices of tuning: a file written and read, and the settings of each fold that follow."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from regime.config import dump
from regime.errors import ConfigError, LeakageError, MissingDataError
from regime.labels.ensemble import EnsembleLabels
from regime.labels.episodes import EpisodeLabels
from regime.labels.jump import JumpModelLabels
from regime.pipeline.settings import Settings, load_settings
from regime.pipeline.tuned_choices import (
    BlockResult,
    TunedChoices,
    TunedParameters,
    load_tuned,
    save_choices,
    settings_by_fold,
    settings_for_block,
    upgrade_tuned,
)
from regime.splits.walk_forward import Fold

OLD = Path(__file__).parents[1] / "golden" / "v1" / "tuned.yaml"


@pytest.fixture(scope="module")
def tiny() -> Settings:
    return load_settings("demo.yaml", ("tracking=NullTracker",))


def chosen(settings: Settings, smoothing: float = 0.0) -> TunedParameters:
    """Other labels and another model than the config's."""
    labels = EnsembleLabels(
        labellers=(EpisodeLabels(depth=2.0, partial=True), JumpModelLabels(n_states=2)),
        weights=(1.0, 0.5),
    )
    model = replace(settings.model, linear_weight=0.4, penalty=12.5)
    return TunedParameters(labels=labels, model=model, smoothing=smoothing)


def choice(tiny: Settings, year: int = 2012, **changes: object) -> BlockResult:
    figures = {
        "trial": 3,
        "value": 0.1,
        "mean": 0.2,
        "deviation": 0.2,
        "standard_error": 0.1,
        "folds": [0.1, 0.3],
    }
    fields = {
        "config": "demo",
        "year": year,
        "first": date(year, 1, 1),
        "last": date(year + 4, 12, 31),
        "known_until": date(year - 1, 12, 30),
        "study": "demo-x",
        "seed": 7,
        "baseline": "vix",
        "within": 2,
        "trials": {"wanted": 4, "complete": 4},
        "chosen": figures,
        "best": figures,
        "plateau": {"monotone": {"true": 2}, "penalty": {"low": 1.0, "median": 2.0, "high": 3.5}},
        "parameters": chosen(tiny),
    }
    return BlockResult(**{**fields, **changes})


class TestChoices:
    def test_there_and_back_through_a_file(self, tiny, tmp_path):
        path = tmp_path / "tuned.yaml"
        save_choices(path, [choice(tiny, 2017), choice(tiny)])
        found = load_tuned(path)
        assert [block.year for block in found.blocks] == [2012, 2017]
        assert dump(found.blocks[0]) == dump(choice(tiny))
        assert found.blocks[0].parameters.labels == choice(tiny).parameters.labels

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

    def test_settings_of_a_block_have_its_parameters_and_nothing_else_of_it(self, tiny):
        tuned = TunedChoices(blocks=(choice(tiny),))
        found = settings_for_block(tiny, tuned, 2012)
        assert found.labels == chosen(tiny).labels and dump(found.model) == dump(chosen(tiny).model)
        assert dump(replace(found, labels=tiny.labels, model=tiny.model)) == dump(tiny)
        with pytest.raises(ConfigError, match="no choice for 2017 of demo; known: 2012"):
            settings_for_block(tiny, tuned, 2017)

    def test_each_fold_takes_its_blocks_choice_and_outside_the_configs(self, tiny):
        sessions = pd.bdate_range("2010-01-01", "2018-12-31", name="date")
        settings = replace(tiny, splits=replace(tiny.splits, first_test=date(2011, 7, 1)))
        folds = settings.splits.folds(sessions)
        now = Fold(refit=sessions[-1], test=np.asarray([len(sessions)]))
        found = settings_by_fold(
            settings, TunedChoices(blocks=(choice(tiny),)), [*folds, now], sessions
        )
        first = [sessions[fold.test[0]].year for fold in folds]
        assert {
            year for year, own in zip(first, found, strict=False) if own is not settings
        } == set(range(2012, 2017))
        assert found[-1] is settings and len({id(own) for own in found}) == 2

    def test_a_choice_that_smooths_is_refused_where_it_would_be_dropped(self, tiny):
        tuned = TunedChoices(blocks=(choice(tiny, parameters=chosen(tiny, smoothing=2.0)),))
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
            settings_by_fold(tiny, TunedChoices(blocks=(late,)), [fold], sessions)

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
            TunedChoices(blocks=(choice(tiny, 2014), choice(tiny)))

    def test_a_choice_for_columns_that_the_config_has_no_more_says_so(self, tiny):
        model = replace(tiny.model, core=("positioning_gone_9",))
        tuned = TunedChoices(
            blocks=(choice(tiny, parameters=TunedParameters(labels=tiny.labels, model=model)),)
        )
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


class TestVersions:
    def test_a_file_of_version_1_is_read_and_written_in_this_one(self, tiny, tmp_path):
        old = yaml.safe_load(OLD.read_text(encoding="utf-8"))
        assert "schema_version" not in old and {"rival", "design"} <= set(old["blocks"][0])
        (block,) = load_tuned(OLD).blocks
        assert block.baseline == old["blocks"][0]["rival"]
        parameters = old["blocks"][0]["design"]
        labels = {"EnsembleLabels": parameters["labels"].pop("AveragedLabels")}
        assert dump(block.parameters) == {**parameters, "labels": labels}
        assert settings_for_block(tiny, load_tuned(OLD), 2012).labels == block.parameters.labels
        path = tmp_path / "tuned.yaml"
        path.write_text(OLD.read_text(encoding="utf-8"), encoding="utf-8")
        save_choices(path, [choice(tiny, 2017)])
        new = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert new["schema_version"] == 2 and not {"rival", "design"} & set(new["blocks"][0])
        assert dump(load_tuned(path).blocks[0]) == dump(block)

    @pytest.mark.parametrize("version", [0, 3, "2"])
    def test_a_version_that_cannot_be_read_is_refused(self, tmp_path, version):
        path = tmp_path / "tuned.yaml"
        path.write_text(yaml.safe_dump({"schema_version": version, "blocks": []}))
        with pytest.raises(ConfigError, match=rf"tuned\.yaml: schema_version: {version} cannot"):
            load_tuned(path)

    def test_content_of_this_version_is_not_renamed(self):
        content = {"schema_version": 2, "blocks": [{"rival": "vix"}]}
        assert upgrade_tuned(content) == {"blocks": [{"rival": "vix"}]}
        assert upgrade_tuned({"blocks": None, "name": 1}) == {"blocks": None, "name": 1}

"""The search space: it begins at the config, covers each feature once, and orders trials."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from regime.config import dump
from regime.errors import ConfigError
from regime.labels.jump import JumpModelLabels
from regime.pipeline.settings import load_settings
from regime.pipeline.tuned_choices import TunedParameters
from regime.studies.tuning.search_space import SearchSpace, feature_groups
from regime.studies.tuning.trial import describe_space, replay
from regime.workflows.tune import TuneSettings, study_name

WITH_SMOOTHING = SearchSpace(smoothing=(0.0, 1.0, 2.0))
HOW = TuneSettings()


def parameters_of(space, params, settings):
    return replay(lambda trial: space(trial, settings), params)


class TestTheSpace:
    def test_it_begins_with_the_config_itself(self, tiny):
        whole = load_settings("us_macro.yaml")
        for settings in (whole, tiny):
            chosen = parameters_of(SearchSpace(), SearchSpace().start(settings), settings)
            assert dump(chosen) == dump(
                TunedParameters(labels=settings.labels, model=settings.model)
            )

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
        space, start = WITH_SMOOTHING, WITH_SMOOTHING.start(tiny)
        chosen = parameters_of(
            space,
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
            },
            tiny,
        )
        falls, jump = chosen.labels.labellers[:-1], chosen.labels.labellers[-1]
        assert {(part.depth, part.core_weight, part.recover) for part in falls} == {
            (depth, weight, 0.67) for depth in (1.5, 2.0) for weight in (1.0, 0.7)
        }
        assert (
            jump.n_states == 3
            and chosen.labels.weights == (1, 1, 1, 1, 4)
            and chosen.smoothing == 2.0
        )
        assert "rates" not in chosen.model.composites and "more_credit" in chosen.model.composites
        assert (
            "liquidity_rate10_change_63" not in chosen.model.core
            and chosen.model.linear_weight == 1.0
        )
        assert chosen.model.signs["positioning_drawdown_252"] == 1

    def test_what_is_offered_names_the_study(self, sample):
        names = {
            study_name(sample, how)
            for how in (
                HOW,
                replace(HOW, space=replace(SearchSpace(), leaves=(3, 6))),
                replace(HOW, deviations=1.0),
                replace(HOW, share=0.5),
                replace(HOW, space=replace(SearchSpace(), partial=(False,))),
            )
        }
        other = replace(
            sample,
            settings=replace(sample.settings, model=replace(sample.settings.model, clip=4.0)),
        )
        market = sample.market * (1 + 1e-9)
        names |= {study_name(other, HOW), study_name(replace(sample, market=market), HOW)}
        assert len(names) == 7 and all(name.startswith("demo-2012-") for name in names)
        assert study_name(sample, replace(HOW, startup=9)) == study_name(sample, HOW)

    def test_simplicity_goes_by_groups_then_labellers_then_trees_then_penalty(self, tiny):
        space, start = WITH_SMOOTHING, WITH_SMOOTHING.start(tiny)
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
        ranges = describe_space(lambda trial: space(trial, tiny))
        for _ in range(30):
            params = {
                name: what[1 + rng.integers(len(what) - 1)]
                if what[0] == "one of"
                else rng.choice(what[1:3])
                for name, what in ranges.items()
            }
            chosen = parameters_of(space, params, tiny)
            replace(tiny, labels=chosen.labels, model=chosen.model)
            assert len(space.simplicity(params)) == 9

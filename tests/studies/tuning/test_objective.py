"""The objective of tuning: what a study may use, and that its skill is the scores'."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from regime.errors import ConfigError
from regime.labels.episodes import EpisodeLabels
from regime.parallel import NoProgress
from regime.pipeline.tuned_choices import TunedParameters
from regime.schema import Panel
from regime.studies.tuning.objective import (
    InnerSample,
    Objective,
    OuterBlock,
    inner_sample,
    outer_blocks,
    smooth_probabilities,
)
from regime.workflows.tune import TuneSettings, study_name

HOW = TuneSettings()


def skills(sample: InnerSample, candidates: Sequence[TunedParameters]) -> list[list[float]]:
    objective = Objective(sample)
    return [list(objective(parameters)) for parameters in candidates]


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

    def test_inner_folds_follow_each_other_up_to_the_block(self, sample):
        sessions = sample.features.index
        assert sessions[-1] < pd.Timestamp("2012-01-01") and len(sample.folds) == 5
        served = np.concatenate([fold.test for fold in sample.folds])
        assert served.tolist() == list(range(int(served[0]), len(sessions)))
        assert all(fold.refit == sessions[fold.test[0] - 1] for fold in sample.folds)
        assert (
            max(len(fold.test) for fold in sample.folds)
            - min(len(fold.test) for fold in sample.folds)
            <= 1
        )

    def test_a_history_too_short_for_inner_folds_is_refused(
        self, tiny, tiny_market_data, tiny_features
    ):
        settings = replace(tiny, splits=replace(tiny.splits, minimum_train=1200))
        with pytest.raises(
            ConfigError, match=r"block 2012: \d+ sessions before it are too few for 5 inner folds"
        ):
            inner_sample(
                settings,
                tiny_market_data,
                tiny_features,
                OuterBlock(first=date(2012, 1, 1), last=date(2016, 12, 31)),
                NoProgress(),
            )


class TestWhatAStudyMayUse:
    def test_nothing_after_the_blocks_beginning_changes_a_bit_of_it(
        self, tiny, tiny_market_data, sample, candidates
    ):
        rng = np.random.default_rng(3)
        later = tiny_market_data.sessions >= pd.Timestamp("2012-01-01")
        values = tiny_market_data.panel.values.copy()
        values[later] = values[later] * rng.uniform(0.5, 2.0, values[later].shape)
        market, returns = tiny_market_data.market.copy(), tiny_market_data.returns.copy()
        market[later] = values.loc[later, market.columns]
        returns[later] = rng.normal(0, 0.05, later.sum())
        other = replace(
            tiny_market_data,
            panel=Panel(values=values, age=tiny_market_data.panel.age),
            market=market,
            returns=returns,
        )
        again = inner_sample(tiny, other, tiny.features(other.panel), sample.block, NoProgress())
        assert study_name(again, HOW) == study_name(sample, HOW)
        assert (again.baseline, again.baseline_losses) == (sample.baseline, sample.baseline_losses)
        assert skills(again, candidates) == skills(sample, candidates)

    def test_later_sessions_may_be_missing_altogether(
        self, tiny, tiny_market_data, tiny_features, sample, candidates
    ):
        cut = tiny_market_data.sessions < pd.Timestamp("2012-01-01")
        other = replace(
            tiny_market_data,
            panel=Panel(
                values=tiny_market_data.panel.values[cut], age=tiny_market_data.panel.age[cut]
            ),
            market=tiny_market_data.market[cut],
            returns=tiny_market_data.returns[cut],
        )
        again = inner_sample(tiny, other, tiny_features[cut], sample.block, NoProgress())
        assert study_name(again, HOW) == study_name(sample, HOW)
        assert skills(again, candidates[:1]) == skills(sample, candidates[:1])

    def test_an_inner_fold_does_not_see_the_next(self, sample, candidates):
        """Fewer folds of the same lengths: the first ones have the same values."""
        end = int(sample.folds[3].test[0])
        shorter = replace(
            sample,
            features=sample.features.iloc[:end],
            market=sample.market.iloc[:end],
            folds=sample.folds[:3],
            baseline_losses=sample.baseline_losses[:3],
        )
        for own, whole in zip(skills(shorter, candidates), skills(sample, candidates), strict=True):
            assert own == whole[:3]

    def test_the_cache_of_labels_changes_no_bit(self, sample, candidates):
        parameters = candidates[1]
        objective = Objective(sample)
        first, second = (list(objective(parameters)) for _ in range(2))
        assert first == second == skills(sample, [parameters])[0]

    def test_skill_is_what_the_scores_say(self, tiny, sample, candidates):
        from regime.pipeline.walk_forward import _one_block, signed_model

        parameters = candidates[0]
        stress = sample.truth.stress
        settings = replace(tiny, labels=parameters.labels, model=parameters.model)
        expected = []
        for fold, baseline_loss in zip(sample.folds, sample.baseline_losses, strict=True):
            block = _one_block(
                fold,
                sample.features[list(parameters.model.columns)],
                sample.market.loc[: fold.refit],
                signed_model(settings),
                settings.labels,
                settings.splits,
                False,
            )[0]
            truth = stress.reindex(block.index)
            p = block["deleveraging"][truth.notna()].clip(1e-4, 1 - 1e-4)
            truth = truth.dropna()
            expected.append(
                1 - float(-(truth * np.log(p) + (1 - truth) * np.log(1 - p)).mean()) / baseline_loss
            )
        np.testing.assert_allclose(skills(sample, [parameters])[0], expected, rtol=1e-12)

    def test_probabilities_of_a_trial_are_smoothed_through_all_folds(self, sample, candidates):
        plain, smooth = (
            Objective(sample).probabilities(replace(candidates[0], smoothing=halflife))
            for halflife in (0.0, 2.0)
        )
        assert (
            plain.index.equals(sample.features.index[sample.folds[0].test[0] :])
            and plain.between(0, 1).all()
        )
        np.testing.assert_allclose(smooth, plain.ewm(halflife=2.0, adjust=False).mean(), atol=1e-12)

    def test_a_fold_that_cannot_be_trained_is_forecast_at_the_known_rate(self, sample, candidates):
        rare = replace(candidates[0], labels=EpisodeLabels(depth=90.0))
        values = skills(sample, [rare])[0]
        assert all(np.isfinite(values)) and np.mean(values) < np.mean(
            skills(sample, candidates[:1])[0]
        )


class TestSmoothing:
    P = np.random.default_rng(7).uniform(size=200)

    @pytest.mark.parametrize("halflife", [1.0, 2.0, 8.5])
    def test_it_is_the_exponential_mean_from_the_first_row_on(self, halflife):
        expected = pd.Series(self.P).ewm(halflife=halflife, adjust=False).mean()
        smooth = smooth_probabilities(self.P, halflife)
        np.testing.assert_allclose(smooth, expected, rtol=0, atol=1e-14)

    def test_a_halflife_of_0_changes_no_bit(self):
        assert smooth_probabilities(self.P, 0.0).tobytes() == self.P.tobytes()

    def test_later_rows_change_no_earlier_ones(self):
        whole, part = (smooth_probabilities(p, 2.0) for p in (self.P, self.P[:120]))
        assert whole[:120].tobytes() == part.tobytes()

    def test_rows_still_sum_to_one(self):
        table = np.random.default_rng(7).dirichlet(np.ones(4), 100)
        np.testing.assert_allclose(smooth_probabilities(table, 2.0).sum(axis=1), 1.0, atol=1e-12)

    def test_a_halflife_may_change_from_row_to_row(self):
        halflives = np.r_[np.full(100, 2.0), np.zeros(50), np.full(50, 1.0)]
        mixed = smooth_probabilities(self.P, halflives)
        assert mixed[:100].tobytes() == smooth_probabilities(self.P[:100], 2.0).tobytes()
        assert mixed[100:150].tobytes() == self.P[100:150].tobytes()
        assert mixed[150] == 0.5 * self.P[149] + 0.5 * self.P[150]

    def test_a_negative_halflife_is_refused(self):
        with pytest.raises(ConfigError, match=r"smoothing: .* got -1\.0"):
            smooth_probabilities(self.P, -1.0)

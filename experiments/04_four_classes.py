"""Ask whether one 4-class booster does better than binary heads, judged on 1980-2004 alone.

Monotone constraints mean one sign for every class of a multiclass model, so the heads of the shipped
model are binary. This is the comparison: the same columns, the same size of trees, no logistic.

usage: python experiments/04_four_classes.py DATA
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import lightgbm
import numpy as np
import pandas as pd

from regime.evaluation.scores import score_table
from regime.evaluation.truth import truth_from_labels
from regime.progress import NoProgress
from regime.schema import REGIMES
from regime.workflows.data import read_world
from regime.workflows.forecast import walk_forward
from regime.workflows.settings import Settings, load_settings

LAST = "2004-12-31"
BASE = ("splits.first_test=1980-01-01", "splits.refit_months=12", "model.seeds=1", "model.linear_weight=0.0")


def four_classes(settings: Settings, features: pd.DataFrame, market: pd.DataFrame) -> pd.DataFrame:
    columns, blocks = list(settings.model.core), []
    for fold in settings.splits.folds(features.index):
        labels = settings.labels(market.loc[:fold.refit], fold.refit)
        rows = settings.splits.train_rows(fold, labels)
        weights = labels.weights.to_numpy()[rows]
        place, regime = np.nonzero(weights > 0)
        data = lightgbm.Dataset(features[columns].to_numpy()[rows][place], label=regime, weight=weights[place, regime])
        parameters = {**settings.model.trees.arguments(settings.model.seed), "objective": "multiclass", "num_class": 4}
        booster = lightgbm.train(parameters, data, num_boost_round=settings.model.trees.rounds)
        block = features[columns].iloc[fold.test]
        blocks.append(pd.DataFrame(booster.predict(block.to_numpy()), index=block.index, columns=list(REGIMES)))
    return pd.concat(blocks)


def main(data: str) -> None:
    settings = load_settings("us_macro.yaml", BASE)
    world = read_world(settings, Path(data), NoProgress())
    features, market = settings.features(world.panel).loc[:LAST], world.market.loc[:LAST]
    truth = truth_from_labels(settings.truth(market))
    table = score_table(truth, {
        "binary heads": walk_forward(settings, features, market, NoProgress()).probabilities,
        "4 classes": four_classes(settings, features, market),
        "binary heads, twice the trees": walk_forward(replace(settings, model=replace(
            settings.model, trees=replace(settings.model.trees, rounds=300))), features, market,
            NoProgress()).probabilities})
    print(table.drop(columns="days").round(4).to_string())


if __name__ == "__main__":
    main(sys.argv[1])

"""Ask whether one 4-class booster does better than binary heads, judged on 1980-2004 alone.

Monotone constraints mean one sign for every class of a multiclass model, so the heads of the
shipped model are binary. This is the comparison: the same columns, the same size of trees, no
logistic.

usage: python experiments/04_four_classes.py DATA
"""

from __future__ import annotations

import sys
from dataclasses import replace

import lightgbm
import numpy as np
import pandas as pd
from inner import BASE, MAIN, enter, read_years

from regime.evaluation.scores import score_table
from regime.parallel import NoProgress
from regime.pipeline.settings import Settings
from regime.pipeline.walk_forward import walk_forward
from regime.schema import REGIMES


def four_classes(settings: Settings, features: pd.DataFrame, market: pd.DataFrame) -> pd.DataFrame:
    columns = list(settings.model.core)
    blocks = []
    for fold in settings.splits.folds(features.index):
        labels = settings.labels(market.loc[: fold.refit], fold.refit)
        rows = settings.splits.train_rows(fold, labels)
        weights = labels.weights.to_numpy()[rows]
        row, regime = np.nonzero(weights > 0)
        data = lightgbm.Dataset(
            features[columns].to_numpy()[rows][row], label=regime, weight=weights[row, regime]
        )
        parameters = {
            **settings.model.trees.arguments(settings.model.seed),
            "objective": "multiclass",
            "num_class": 4,
        }
        booster = lightgbm.train(parameters, data, num_boost_round=settings.model.trees.rounds)
        block = features[columns].iloc[fold.test]
        blocks.append(
            pd.DataFrame(
                booster.predict(block.to_numpy()), index=block.index, columns=list(REGIMES)
            )
        )
    return pd.concat(blocks)


def main(data: str) -> None:
    years = read_years(data, (*BASE, "model.linear_weight=0.0"))
    settings = years.base
    features = years.features
    market = years.market
    table = (
        score_table(
            years.truths()[MAIN],
            {
                "binary heads": walk_forward(
                    settings, features, market, NoProgress()
                ).probabilities,
                "4 classes": four_classes(settings, features, market),
                "binary heads, twice the trees": walk_forward(
                    replace(
                        settings,
                        model=replace(
                            settings.model, trees=replace(settings.model.trees, rounds=300)
                        ),
                    ),
                    features,
                    market,
                    NoProgress(),
                ).probabilities,
            },
        )
        .drop(columns="days")
        .round(4)
    )
    print(table.to_string())
    enter("04_four_classes", table, "the number of trees, not the form")


if __name__ == "__main__":
    main(sys.argv[1])

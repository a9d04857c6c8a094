"""Ask whether the model beats the unlearned rivals on simulated worlds that nobody looked at.

The rules of the worlds were frozen in a commit before a model was scored on them; seeds 1000 to
1019 are for this question alone. A world has thirty years from 1992, of which the first ten only
train.

Three questions a seed, the first being the one that a run of the config answers:
  falls/falls  trained on falls of the risk basket and scored against them, as the config does
  falls/true   the same forecasts against the world's true regimes, which come from forced flows
  true/true    trained and scored on the true regimes, each known once its spell and recovery are
  over (--true)

The ratio is over the best of the five unlearned rivals, each taken as it stands and calibrated in
the model's folds, whichever ranks better.

usage: python experiments/03_simulated_worlds.py [--seeds FIRST LAST] [--true] [--out FILE.csv]
[section.key=value ...]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from regime.evaluation.scores import ranking_scores, score_table
from regime.evaluation.truth import Truth, truth_from_labels
from regime.models.baselines import RAW_SCORES, raw_scores
from regime.progress import NoProgress
from regime.schema import REGIMES, Labels
from regime.sources.simulated import SimulatedSource
from regime.studies.significance.scoring import fit_baselines
from regime.workflows.data import World, read_world
from regime.workflows.forecast import Forecast, walk_forward
from regime.workflows.settings import Settings, load_settings

UNSEEN = (1000, 1019)
YEARS, FIRST, FIRST_TEST = 30, date(1992, 1, 2), date(2002, 1, 1)
SETTLED = 21  # sessions after which a quiet one is known to have been so
LEAST_RATIO, MOST_PRECISION = 1.3, 0.95


@dataclass(frozen=True, kw_only=True)
class TrueLabels:
    """True regimes as labels.

    A spell of selling and its recovery are known at their end, the rest a month later.
    """

    regime: pd.Series

    def __call__(self, market: pd.DataFrame, as_of: pd.Timestamp | None = None) -> Labels:
        """Labels over the sessions of `market`, which ends at a refit."""
        regime = self.regime.reindex(market.index)
        codes = pd.Series(regime.cat.codes, market.index)
        spell = (codes >= REGIMES.index("deleveraging")).astype(int)
        run = spell.ne(spell.shift()).cumsum()
        days = pd.Series(market.index, market.index)
        ended = (
            days.groupby(run).transform("last").where(run < run.iloc[-1])
        )  # the last run is not over
        known = ended.where(spell == 1, days.shift(-SETTLED)).rename("known_at")
        if as_of is not None:
            known = known.where(known <= as_of)
        weights = (
            pd.get_dummies(codes).reindex(columns=range(len(REGIMES)), fill_value=0).astype(float)
        )
        weights.columns = list(REGIMES)
        return Labels(
            weights=weights.where(known.notna()), span_end=known.rename("span_end"), known_at=known
        )


def settings_for(seed: int, overrides: list[str]) -> Settings:
    settings = load_settings("demo.yaml", overrides)
    return replace(
        settings,
        start=FIRST,
        source=SimulatedSource(seed=seed, years=YEARS, start=FIRST),
        splits=replace(settings.splits, first_test=FIRST_TEST),
    )


def questions(
    settings: Settings,
    world: World,
    features: pd.DataFrame,
    also_true: bool,
) -> Iterator[tuple[str, Forecast, Truth]]:
    assert isinstance(settings.source, SimulatedSource)
    labels = TrueLabels(regime=settings.source.world())
    true = truth_from_labels(labels(world.market))
    forecast = walk_forward(settings, features, world.market, NoProgress())
    yield "falls/falls", forecast, truth_from_labels(settings.truth(world.market))
    yield "falls/true", forecast, true
    if also_true:
        yield (
            "true/true",
            walk_forward(replace(settings, labels=labels), features, world.market, NoProgress()),
            true,
        )


def precision(
    world: World, features: pd.DataFrame, forecast: Forecast, truth: Truth
) -> dict[str, float]:
    """Average precision of the model, of every rival at its better, and what follows from them."""
    days = forecast.probabilities.index
    table = fit_baselines(world, features, truth, forecast.folds, NoProgress()).loc[days]
    learned = score_table(
        truth, {"model": forecast.probabilities, **{str(name): table[name] for name in table}}
    )
    plain = raw_scores(world.close, world.returns, world.panel.values["vix"]).loc[days]
    unlearned = ranking_scores(truth, {str(name): plain[name] for name in plain})[
        "average_precision"
    ]
    found = learned["average_precision"]
    five = {name: float(max(found[name], unlearned[name])) for name in RAW_SCORES}
    return {
        "base_rate": float(learned.loc["model", "base_rate"]),
        "model": float(found["model"]),
        **five,
        "elastic_net": float(found["elastic_net"]),
        "ratio": float(found["model"]) / max(five.values()),
    }


def main() -> None:
    arguments = _parse()
    rows: list[dict[str, Any]] = []
    for seed in range(arguments.seeds[0], arguments.seeds[1] + 1):
        settings = settings_for(seed, arguments.overrides)
        world = read_world(settings, None, NoProgress())
        features = settings.features(world.panel)
        for question, forecast, truth in questions(settings, world, features, arguments.true):
            rows.append(
                {"question": question, "seed": seed, **precision(world, features, forecast, truth)}
            )
            print(
                {
                    key: round(value, 3) if isinstance(value, float) else value
                    for key, value in rows[-1].items()
                },
                file=sys.stderr,
                flush=True,
            )
    table = pd.DataFrame(rows).set_index(["question", "seed"])
    if arguments.out is not None:
        table.to_csv(arguments.out)
    print(table.sort_index().round(3).to_string())
    for question, part in table.groupby(level="question"):
        held = (part["ratio"] >= LEAST_RATIO) & (part["model"] <= MOST_PRECISION)
        means = part.mean().round(3).to_dict()
        print(
            f"{question}: mean {means}; mean model over mean best rival "
            f"{part['model'].mean() / part[list(RAW_SCORES)].max(axis=1).mean():.3f}; "
            f"{held.sum()} of {len(part)} seeds with a ratio of {LEAST_RATIO} or more and at most "
            f"{MOST_PRECISION}"
        )


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("overrides", nargs="*", metavar="section.key=value")
    parser.add_argument("--seeds", type=int, nargs=2, default=UNSEEN, metavar=("FIRST", "LAST"))
    parser.add_argument(
        "--true", action="store_true", help="also train and score on the true regimes"
    )
    parser.add_argument("--out", type=Path, default=None)
    return parser.parse_args()


if __name__ == "__main__":
    main()

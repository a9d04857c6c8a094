"""Ask whether the model beats the rules of thumb on simulated markets that nobody looked at.

The rules of the simulation were frozen in a commit before a model was scored on it; seeds 1000 to
1019 are for this question alone. A market has thirty years from 1992, of which the first ten only
train.

Three questions a seed, the first being the one that a run of the config answers:
  falls/falls  trained on falls of the risk basket and scored against them, as the config does
  falls/true   the same forecasts against the market's true regimes, which come from forced flows
  true/true    trained and scored on the true regimes, each known once its episode and recovery are
               over (--true)

The ratio is over the best of the five rules of thumb, each as it stands and calibrated in the
model's folds, whichever ranks better.

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
from regime.models.baselines import RULE_OF_THUMB_SCORES, rule_of_thumb_scores
from regime.parallel import NoProgress
from regime.pipeline.market_data import MarketData, read_market_data
from regime.pipeline.settings import Settings, load_settings
from regime.pipeline.walk_forward import Forecast, walk_forward
from regime.schema import REGIMES, Labels
from regime.sources.simulated import SimulatedSource
from regime.studies.significance.scoring import fit_baselines

UNSEEN = (1000, 1019)
YEARS = 30
FIRST = date(1992, 1, 2)
FIRST_TEST = date(2002, 1, 1)
SETTLED = 21  # sessions after which a calm one is known to have been calm
LEAST_RATIO = 1.3
MOST_PRECISION = 0.95


@dataclass(frozen=True, kw_only=True)
class TrueLabels:
    """True regimes as labels: an episode and its recovery known at their end, the rest later."""

    regime: pd.Series

    def __call__(self, market: pd.DataFrame, as_of: pd.Timestamp | None = None) -> Labels:
        """Labels over the sessions of `market`, which ends at a refit."""
        regime = self.regime.reindex(market.index)
        codes = pd.Series(regime.cat.codes, market.index)
        episode = (codes >= REGIMES.index("deleveraging")).astype(int)
        run = episode.ne(episode.shift()).cumsum()
        days = pd.Series(market.index, market.index)
        ended = (
            days.groupby(run).transform("last").where(run < run.iloc[-1])
        )  # the last run is not over
        known = ended.where(episode == 1, days.shift(-SETTLED)).rename("known_at")
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
    market_data: MarketData,
    features: pd.DataFrame,
    also_true: bool,
) -> Iterator[tuple[str, Forecast, Truth]]:
    assert isinstance(settings.source, SimulatedSource)
    labels = TrueLabels(regime=settings.source.true_regimes())
    true = truth_from_labels(labels(market_data.market))
    forecast = walk_forward(settings, features, market_data.market, NoProgress())
    yield "falls/falls", forecast, truth_from_labels(settings.truth(market_data.market))
    yield "falls/true", forecast, true
    if also_true:
        yield (
            "true/true",
            walk_forward(
                replace(settings, labels=labels), features, market_data.market, NoProgress()
            ),
            true,
        )


def precision(
    market_data: MarketData, features: pd.DataFrame, forecast: Forecast, truth: Truth
) -> dict[str, float]:
    """Average precision of the model and of every baseline at its better, and their ratio."""
    days = forecast.probabilities.index
    table = fit_baselines(market_data, features, truth, forecast.folds, NoProgress()).loc[days]
    learned = score_table(
        truth, {"model": forecast.probabilities, **{str(name): table[name] for name in table}}
    )
    plain = rule_of_thumb_scores(
        market_data.close, market_data.returns, market_data.panel.values["vix"]
    ).loc[days]
    unlearned = ranking_scores(truth, {str(name): plain[name] for name in plain})[
        "average_precision"
    ]
    fitted = learned["average_precision"]
    five = {name: float(max(fitted[name], unlearned[name])) for name in RULE_OF_THUMB_SCORES}
    return {
        "base_rate": float(learned.loc["model", "base_rate"]),
        "model": float(fitted["model"]),
        **five,
        "elastic_net": float(fitted["elastic_net"]),
        "ratio": float(fitted["model"]) / max(five.values()),
    }


def main() -> None:
    arguments = _parse()
    rows: list[dict[str, Any]] = []
    for seed in range(arguments.seeds[0], arguments.seeds[1] + 1):
        settings = settings_for(seed, arguments.overrides)
        market_data = read_market_data(settings, None, NoProgress())
        features = settings.features(market_data.panel)
        for question, forecast, truth in questions(settings, market_data, features, arguments.true):
            rows.append(
                {
                    "question": question,
                    "seed": seed,
                    **precision(market_data, features, forecast, truth),
                }
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
            f"{question}: mean {means}; mean model over mean best baseline "
            f"{part['model'].mean() / part[list(RULE_OF_THUMB_SCORES)].max(axis=1).mean():.3f}; "
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

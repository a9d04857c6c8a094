"""Ask which labels, columns and model are best, judged on 1980-2004 alone.

Every choice of the shipped config was made by this comparison: walk-forward refits inside the years
that train the first out-of-sample block, scored against three definitions of a fall. No row after
2004 is read.

usage: python experiments/02_inner_folds.py DATA
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import pandas as pd
from inner import enter, read_years

from regime.evaluation.scores import score_table
from regime.evaluation.truth import Truth
from regime.labels.ensemble import EnsembleLabels
from regime.labels.episodes import EpisodeLabels
from regime.labels.jump import JumpModelLabels
from regime.models.baselines import baseline_probabilities
from regime.parallel import NoProgress
from regime.pipeline.settings import Settings
from regime.pipeline.walk_forward import walk_forward


def falls(
    weights: tuple[float, ...], depths: tuple[float, ...] = (1.5, 2.0, 2.5)
) -> tuple[EpisodeLabels, ...]:
    return tuple(
        EpisodeLabels(depth=depth, core_weight=weight) for weight in weights for depth in depths
    )


def variants(base: Settings) -> dict[str, Settings]:
    """One change at a time from the shipped config."""
    model = base.model
    splits = base.splits
    core = model.core

    def labelled(
        *labellers: EpisodeLabels | JumpModelLabels, weights: tuple[float, ...] = ()
    ) -> Settings:
        return replace(base, labels=EnsembleLabels(labellers=labellers, weights=weights))

    def without(*words: str) -> tuple[str, ...]:
        return tuple(name for name in core if not any(word in name for word in words))

    return {
        "shipped": base,
        "refit half-yearly": replace(base, splits=replace(splits, refit_months=6)),
        "refit monthly": replace(base, splits=replace(splits, refit_months=1)),
        "labels: S&P falls only": labelled(*falls((1.0,))),
        "labels: one depth, S&P only": labelled(EpisodeLabels(depth=2.0, core_weight=1.0)),
        "labels: quarter jump model, 2 states": labelled(
            *falls((1.0, 0.7)), JumpModelLabels(), weights=(1,) * 6 + (2,)
        ),
        "labels: quarter jump model, 3 states": labelled(
            *falls((1.0, 0.7)), JumpModelLabels(n_states=3), weights=(1,) * 6 + (2,)
        ),
        "labels: jump model only, 2 states": labelled(JumpModelLabels()),
        "logistic only": replace(base, model=replace(model, linear_weight=1.0)),
        "trees only": replace(base, model=replace(model, linear_weight=0.0)),
        "no composites": replace(base, model=replace(model, composites={})),
        "composites weigh double": replace(base, model=replace(model, composite_weight=2.0)),
        "penalty 100": replace(base, model=replace(model, penalty=100.0)),
        "penalty 10": replace(base, model=replace(model, penalty=10.0)),
        "trees twice as many": replace(
            base, model=replace(model, trees=replace(model.trees, rounds=300))
        ),
        "core without fall state": replace(base, model=replace(model, core=without("fall_"))),
        "core without small and large falls": replace(
            base, model=replace(model, core=without("small_", "large_"))
        ),
        "core without rate change": replace(base, model=replace(model, core=without("rate10"))),
        "core: baselines' scores only": replace(
            base, model=replace(model, core=without("fall_", "mean_return", "rate10", "shock"))
        ),
    }


def main(data: str) -> None:
    years = read_years(data)
    truths = years.truths()
    rows: dict[str, dict[str, float]] = {}
    for name, settings in variants(years.base).items():
        forecast = walk_forward(settings, years.features, years.market, NoProgress())
        if not rows:
            days = forecast.probabilities.index
            for baseline in ("downside_rank", "below_200dma"):
                rows[f"baseline: {baseline}"] = _cells(
                    truths,
                    {
                        key: baseline_probabilities(
                            years.scores[[baseline]], truth.stress, truth.known_at, forecast.folds
                        )[baseline].loc[days]
                        for key, truth in truths.items()
                    },
                )
        rows[name] = _cells(truths, dict.fromkeys(truths, forecast.probabilities))
        print(
            name,
            {key: round(value, 4) for key, value in rows[name].items()},
            file=sys.stderr,
            flush=True,
        )
    table = pd.DataFrame(rows).T.round(4)
    print(table.to_string())
    enter("02_inner_folds", table, "the shipped config", trials=len(rows) - 2)


def _cells(truths: dict[str, Truth], forecasts: dict[str, Any]) -> dict[str, float]:
    cells = {}
    for key, truth in truths.items():
        row = score_table(truth, {"model": forecasts[key]}).iloc[0]
        cells |= {
            f"{key} loss": float(row["log_loss"]),
            f"{key} AP": float(row["average_precision"]),
        }
    return cells


if __name__ == "__main__":
    main(sys.argv[1])

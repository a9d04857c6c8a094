"""Ask which structure of the model is best, judged on 1980-2004 alone.

Three questions: other libraries' trees, and trees boosted on a baseline's log-odds; averages over
labels, penalties, training windows and seeds; a second head that asks whether a fall begins within
21 sessions. No row after 2004 is read.

usage: python experiments/09_structure.py DATA [structure | averages | onset]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from challengers import CatBoostChallenger, HistGradientChallenger
from inner import MAIN, TRUTHS, Years, enter, read_years
from onset_head import walk_onset
from onset_labels import OnsetLabels
from residual_boosting import ResidualBoostingClassifier

from regime.evaluation.scores import measure_skill, score_table
from regime.evaluation.truth import Truth, truth_from_labels
from regime.labels.ensemble import EnsembleLabels
from regime.labels.episodes import EpisodeLabels
from regime.models.baselines import baseline_probabilities
from regime.models.classifier import DeleveragingClassifier, TreeSettings
from regime.parallel import NoProgress
from regime.pipeline.settings import Settings
from regime.pipeline.walk_forward import signed_model, walk_forward
from regime.schema import Labels

NO_PHASES = TreeSettings(leaf_rows=10**9)  # only P(deleveraging) is scored here


@dataclass(frozen=True, kw_only=True)
class Recent:
    """Labels of the last years before each refit alone."""

    labels: Any
    years: float

    def __call__(self, market: pd.DataFrame, as_of: pd.Timestamp | None = None) -> Labels:
        """Labels as they stood at the close of `as_of`, older rows unknown."""
        whole = self.labels(market, as_of)
        old = whole.weights.index < (as_of or market.index[-1]) - pd.Timedelta(
            days=round(365.25 * self.years)
        )
        return Labels(
            weights=whole.weights.mask(np.tile(old[:, None], 4)),
            span_end=whole.span_end.mask(old),
            known_at=whole.known_at.mask(old),
        )


def made_by(
    kind: type[DeleveragingClassifier], model: DeleveragingClassifier, **changes: Any
) -> DeleveragingClassifier:
    """The same model of another class."""
    return kind(**{**model.get_params(deep=False), **changes})


def structures(base: Settings) -> dict[str, Settings]:
    model = base.model
    half = {"linear_weight": 0.5}

    def on(kind: type[DeleveragingClassifier], **changes: Any) -> Settings:
        return replace(base, model=made_by(kind, model, **changes))

    def trees(**changes: Any) -> dict[str, TreeSettings]:
        return {"trees": replace(model.trees, **changes)}

    members = tuple(name for group in model.composites.values() for name in group)
    return {
        "shipped": base,
        "trees only: LightGBM": replace(base, model=replace(model, linear_weight=0.0)),
        "trees only: HistGradientBoosting": on(HistGradientChallenger, linear_weight=0.0),
        "trees only: CatBoost": on(CatBoostChallenger, linear_weight=0.0),
        "logistic only": replace(base, model=replace(model, linear_weight=1.0)),
        "shipped, trees by HistGradientBoosting": on(HistGradientChallenger),
        "shipped, trees by CatBoost": on(CatBoostChallenger),
        "boosted on downside rank": on(ResidualBoostingClassifier, **half),
        "boosted on downside rank, 60 trees": on(
            ResidualBoostingClassifier, **half, **trees(rounds=60)
        ),
        "boosted on downside rank, 300 trees": on(
            ResidualBoostingClassifier, **half, **trees(rounds=300)
        ),
        "boosted on below_200dma": on(
            ResidualBoostingClassifier, **half, baseline="positioning_distance_200"
        ),
        "boosted on the own logistic": on(ResidualBoostingClassifier, **half, baseline=""),
        "boosted on the own logistic, 60 trees": on(
            ResidualBoostingClassifier, **half, baseline="", **trees(rounds=60)
        ),
        "composites' members free": replace(
            base,
            model=replace(
                model, core=(*model.core, *members), composites={}, signs=dict.fromkeys(members, 0)
            ),
        ),
        "composites' members free, logistic signed": replace(
            base, model=replace(model, composites={f"{name}_alone": (name,) for name in members})
        ),
        "one composite of all members": replace(
            base, model=replace(model, composites={"all": members})
        ),
    }


def ensembles(base: Settings) -> tuple[dict[str, Settings], dict[str, tuple[str, ...]]]:
    """Single forecasts, and the names of those whose probabilities are averaged."""
    model = base.model
    whole = base.labels
    assert isinstance(whole, EnsembleLabels)
    labels = {
        f"label: depth {part.depth}, core {part.core_weight}": replace(base, labels=part)
        for part in whole.labellers
        if isinstance(part, EpisodeLabels)
    }
    penalties = {
        f"penalty {value:g}": replace(base, model=replace(model, penalty=value))
        for value in (10.0, 100.0, 300.0)
    }
    windows = {
        f"window {years} years": replace(base, labels=Recent(labels=whole, years=years))
        for years in (11, 20)
    }
    seeds = {
        f"seed {seed}": replace(base, model=replace(model, seed=seed)) for seed in (8, 9, 10, 11)
    }
    groups = {
        "labels": tuple(labels),
        "penalties": ("shipped", *penalties),
        "windows": ("shipped", *windows),
        "seeds": ("shipped", *seeds),
    }
    mixed = {f"mean over {name} ({len(group)} forecasts)": group for name, group in groups.items()}
    mixed["mean over all of these"] = tuple(
        dict.fromkeys(name for group in groups.values() for name in group)
    )
    singles = {
        "shipped": base,
        **labels,
        **penalties,
        **windows,
        **seeds,
        "5 seeds in one model": replace(base, model=replace(model, seeds=5)),
    }
    return singles, mixed


class Table:
    """Scores of forecasts, one row each."""

    def __init__(self, truths: Mapping[str, Truth], reference: str) -> None:
        self.truths, self.reference = truths, reference
        self.rows: dict[str, dict[str, float | str]] = {}
        self.kept: dict[str, pd.Series] = {}

    def add(
        self, name: str, forecasts: Mapping[str, pd.Series], seconds: float = float("nan")
    ) -> None:
        """Score one forecast against each truth."""
        cells: dict[str, float | str] = {}
        for key, truth in self.truths.items():
            row = score_table(truth, {"model": forecasts[key]}).iloc[0]
            cells |= {
                f"{key} loss": round(float(row["log_loss"]), 4),
                f"{key} AP": round(float(row["average_precision"]), 4),
            }
        self.kept[name] = forecasts[MAIN]
        against = self.kept.get(self.reference)
        if against is not None and name != self.reference:
            gain = measure_skill(
                self.truths[MAIN], forecasts[MAIN], against, against=self.reference
            )
            cells["gain"] = (
                f"{gain.skill:+.3f} ({gain.interval[0]:+.3f} to {gain.interval[1]:+.3f})"
            )
        self.rows[name] = cells | {"seconds": round(seconds, 1)}
        print(name, self.rows[name], file=sys.stderr, flush=True)

    def show(self, title: str, verdict: str = "") -> None:
        """Print the table, and enter it with a verdict."""
        print(
            f"\n{title}: {len(self.rows)} rows; "
            f"gain: log-loss skill over {self.reference}, {MAIN}, with 90 % interval"
        )
        table = pd.DataFrame(self.rows).T
        print(table.to_string())
        if verdict:
            enter(
                f"09_structure: {title.partition(';')[0]}",
                table,
                verdict,
                trials=sum(not name.startswith(("baseline", "shipped")) for name in self.rows),
            )


def regimes_table(years: Years) -> tuple[Table, Any]:
    truths = years.truths()
    forecast = walk_forward(years.base, years.features, years.market, NoProgress())
    table, days = Table(truths, "shipped"), forecast.probabilities.index
    table.add("shipped", dict.fromkeys(truths, forecast.probabilities["deleveraging"]))
    for baseline in ("downside_rank", "below_200dma"):
        table.add(
            f"baseline: {baseline}",
            {
                key: baseline_probabilities(
                    years.scores[[baseline]], truth.stress, truth.known_at, forecast.folds
                )[baseline].loc[days]
                for key, truth in truths.items()
            },
        )
    return table, forecast


def run_all(table: Table, years: Years, variants: Mapping[str, Settings]) -> None:
    for name, settings in variants.items():
        if name not in table.rows:
            begun = time.perf_counter()
            quick = replace(settings, model=replace(settings.model, phase_trees=NO_PHASES))
            p = walk_forward(quick, years.features, years.market, NoProgress()).probabilities[
                "deleveraging"
            ]
            table.add(name, dict.fromkeys(table.truths, p), time.perf_counter() - begun)


def ask_structure(years: Years) -> None:
    table, _ = regimes_table(years)
    run_all(table, years, structures(years.base))
    names = ["shipped", "shipped, trees by HistGradientBoosting", "shipped, trees by CatBoost"]
    table.add(
        "mean over three libraries",
        dict.fromkeys(table.truths, mean([table.kept[name] for name in names])),
    )
    names = ["logistic only", "boosted on downside rank, 300 trees"]
    table.add(
        "mean of logistic and boosted rank",
        dict.fromkeys(table.truths, mean([table.kept[n] for n in names])),
    )
    table.show("structure", "the shipped form")


def ask_averages(years: Years) -> None:
    table, _ = regimes_table(years)
    singles, mixed = ensembles(years.base)
    run_all(table, years, singles)
    for name, group in mixed.items():
        table.add(name, dict.fromkeys(table.truths, mean([table.kept[member] for member in group])))
    table.show("averages", "means over labels alone help")


def mean(forecasts: list[pd.Series]) -> pd.Series:
    return pd.concat(forecasts, axis=1).mean(axis=1, skipna=False)


def ask_onset(years: Years) -> None:
    """Onsets over sessions outside of a fall; a second table has those since the VIX is known."""
    nowcast = walk_forward(years.base, years.features, years.market, NoProgress()).probabilities
    folds, model = years.base.splits.folds(years.features.index), signed_model(years.base)
    parts = tuple(part for part in years.base.labels.labellers if isinstance(part, EpisodeLabels))  # type: ignore[union-attr]
    logistic = replace(model, linear_weight=1.0, phase_trees=NO_PHASES)
    designs: dict[str, Callable[[OnsetLabels], pd.Series]] = {}
    for name, design in {
        "onset: the shipped columns": replace(model, phase_trees=NO_PHASES),
        "onset: logistic only": logistic,
        "onset: logistic, penalty 300": replace(logistic, penalty=300.0),
        "onset: few trees": replace(
            model, linear_weight=0.0, phase_trees=NO_PHASES, trees=replace(model.trees, rounds=50)
        ),
    }.items():
        designs[name] = lambda labels, design=design: walk_onset(
            design, years.features, labels(years.market), folds
        )
    for at_risk in (True, False):
        truths = {
            key: truth_from_labels(
                OnsetLabels(labellers=(labeller,), at_risk=at_risk)(years.market)
            )
            for key, labeller in TRUTHS.items()
        }
        forecasts = {
            name: dict.fromkeys(truths, run(OnsetLabels(labellers=parts, at_risk=at_risk)))
            for name, run in designs.items()
        }
        forecasts["P(fragile) of the shipped model"] = dict.fromkeys(
            truths, nowcast["fragile"].reindex(years.features.index)
        )
        baselines = {
            key: baseline_probabilities(years.scores, truth.stress, truth.known_at, folds)
            for key, truth in truths.items()
        }
        forecasts |= {
            f"baseline: {name}": {key: baselines[key][name] for key in truths}
            for name in baselines[MAIN]
        }
        show_onset(years, truths, forecasts, "outside of falls" if at_risk else "all sessions")


def show_onset(
    years: Years,
    truths: Mapping[str, Truth],
    forecasts: Mapping[str, Mapping[str, pd.Series]],
    title: str,
) -> None:
    for first, with_vix in (("1980-01-01", False), ("1993-01-01", True)):
        table = Table(truths, "baseline: base_rate")
        days = years.features.loc[first:].index
        for name in sorted(forecasts, key=lambda name: name != table.reference):
            if with_vix or "vix" not in name:
                table.add(
                    name, {key: forecast.loc[days] for key, forecast in forecasts[name].items()}
                )
        begins = {
            key: int(truth.stress.loc[days].eq(1).astype(int).diff().eq(1).sum())
            for key, truth in truths.items()
        }
        rates = {
            key: round(float(truth.stress.loc[days].mean()), 3) for key, truth in truths.items()
        }
        table.show(
            f"onset within 21 sessions, {title}, since {first[:4]}; runs of positives {begins}, "
            f"base rate {rates}",
            "" if with_vix else "no skill",
        )


def main(data: str, *questions: str) -> None:
    years = read_years(data)
    asked = {"structure": ask_structure, "averages": ask_averages, "onset": ask_onset}
    for question in questions or tuple(asked):
        asked[question](years)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(*sys.argv[1:])

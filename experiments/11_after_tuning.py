"""Ask whether what the tuned trials have in common beats the shipped config on 1980-2004 alone.

Four studies of 200 trials liked three things: labels in which a running fall already counts, a
share of jump-model labels, and composites of the dollar, of havens and of comovement. Here each is
added to the shipped config alone.

usage: python experiments/11_after_tuning.py DATA
"""

from __future__ import annotations

import sys
from dataclasses import replace

import pandas as pd
from inner import BASE, MAIN, Years, enter, read_years

from regime.evaluation.scores import measure_skill, score_table
from regime.labels.ensemble import EnsembleLabels
from regime.labels.episodes import EpisodeLabels
from regime.labels.jump import JumpModelLabels
from regime.parallel import NoProgress
from regime.pipeline.settings import Settings
from regime.pipeline.walk_forward import walk_forward

GROUPS = {
    "dollar": ("dollar funding", "carry", "dollar stress"),
    "havens": ("havens",),
    "comovement": ("comovement",),
    "credit": ("credit",),
    "selling": ("cross-asset selling",),
    "long end": ("long end and housing",),
}
TOGETHER = ("dollar", "havens", "comovement", "credit", "selling")


def variants(base: Settings) -> dict[str, Settings]:
    """One change at a time, then those that the studies agree on."""
    labels = base.labels
    assert isinstance(labels, EnsembleLabels)
    falls = tuple(part for part in labels.labellers if isinstance(part, EpisodeLabels))

    def labelled(
        partial: bool = False,
        recover: float = 0.5,
        jump: float = 0.0,
        states: int = 3,
        depths: tuple[float, ...] = (),
    ) -> EnsembleLabels:
        made = tuple(replace(part, partial=partial, recover=recover) for part in falls)
        if depths:
            made = tuple(
                EpisodeLabels(depth=depth, core_weight=weight, partial=partial, recover=recover)
                for weight in (1.0, 0.7)
                for depth in depths
            )
        if not jump:
            return EnsembleLabels(labellers=made)
        jump_labels = JumpModelLabels(n_states=states, recover=recover)
        return EnsembleLabels(
            labellers=(*made, jump_labels),
            weights=(*(1.0,) * len(made), len(made) * jump / (1 - jump)),
        )

    def taking(settings: Settings, *groups: str) -> Settings:
        wanted = {mechanism: name for name in groups for mechanism in GROUPS[name]}
        more = {
            f"all of {name}": tuple(
                spec.name
                for spec in base.features.specs
                if wanted.get(spec.mechanism) == name
                and spec.sign
                and spec.name not in base.model.columns
            )
            for name in groups
        }
        return replace(
            settings,
            model=replace(settings.model, composites={**settings.model.composites, **more}),
        )

    partial = replace(base, labels=labelled(partial=True))
    jump = replace(base, labels=labelled(partial=True, jump=0.2))
    return {
        "shipped": base,
        "a running fall counts": partial,
        "five depths": replace(base, labels=labelled(depths=(1.0, 1.5, 2.0, 2.5, 3.0))),
        "two thirds regained end a fall": replace(base, labels=labelled(recover=0.67)),
        "a fifth of jump model labels": replace(base, labels=labelled(jump=0.2)),
        "running falls and jump model": jump,
        "penalty 5": replace(base, model=replace(base.model, penalty=5.0)),
        **{f"and {name}": taking(base, name) for name in GROUPS},
        "and what the studies agree on": taking(base, *TOGETHER),
        "running falls and what the studies agree on": taking(partial, *TOGETHER),
        "running falls, jump model and what the studies agree on": taking(jump, *TOGETHER),
    }


def row(years: Years, p: pd.Series, shipped: pd.Series) -> dict[str, float | str]:
    truths = years.truths()
    scores = {name: score_table(truth, {"model": p}).iloc[0] for name, truth in truths.items()}
    cells: dict[str, float | str] = {}
    for name, score in scores.items():
        cells |= {
            f"{name} loss": round(float(score["log_loss"]), 4),
            f"{name} AP": round(float(score["average_precision"]), 4),
        }
    if p is not shipped:
        gain = measure_skill(truths[MAIN], p, shipped, against="shipped")
        cells["gain"] = f"{gain.skill:+.3f} ({gain.interval[0]:+.3f} to {gain.interval[1]:+.3f})"
    return cells


def main(data: str) -> None:
    years = read_years(data, (*BASE, "features.mechanisms=true"))
    rows, shipped = {}, None
    for name, settings in variants(years.base).items():
        p = walk_forward(settings, years.features, years.market, NoProgress()).probabilities[
            "deleveraging"
        ]
        shipped = p if shipped is None else shipped
        rows[name] = row(years, p, shipped)
        print(name, rows[name], file=sys.stderr, flush=True)
    table = pd.DataFrame(rows).T
    print(table.to_string())
    enter("11_after_tuning", table, "the shipped config", trials=len(rows) - 1)


if __name__ == "__main__":
    main(sys.argv[1])

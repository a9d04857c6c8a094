"""Ask what each mechanism adds to the shipped model: every one alone, all of them, and all but one.

A mechanism enters as one composite: the mean of its columns that have an expected sign and are not
in the core. The choice is made on 1980-2004 (`inner`); most mechanisms have no data there, so
`later` also shows 2005-2024 by decade and without 2022-23. Those are looks: with a scorer each is
entered into ledger.csv with its daily returns (record.py), and nothing is chosen by them.

usage: python experiments/10_mechanisms.py DATA inner
       python experiments/10_mechanisms.py DATA later OUT

The second writes OUT/DESIGN/{probabilities,exposure}.parquet.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd
from inner import BASE, LAST, MAIN, TRUTHS, enter

from regime.evaluation.scores import measure_skill, score_table
from regime.evaluation.truth import Truth, truth_from_labels
from regime.parallel import NoProgress
from regime.pipeline.market_data import MarketData, read_market_data
from regime.pipeline.settings import Settings, load_settings
from regime.pipeline.strategy import decide
from regime.pipeline.walk_forward import walk_forward
from regime.schema import check_exposure, check_probabilities

GROUPS = {
    "trend": ("trend followers",),
    "options": ("dealers and option sellers", "dealer gamma"),
    "positions": ("crowding", "futures positions"),
    "pension": ("pension funds",),
    "funds": ("volatility control", "risk parity", "margin debt"),
    "depth": ("depth",),
    "reserves": ("funding", "reserves", "reserve scarcity"),
    "credit": ("credit",),
    "long end": ("long end", "long end and housing"),
    "dollar": ("dollar funding", "carry", "dollar stress"),
    "leadership": ("leadership",),
    "multiple": ("multiple",),
    "crypto": ("crypto",),
    "selling": ("cross-asset selling", "havens", "comovement"),
}
SPANS = {
    "inner": {
        "1980-89": ("1980", "1989"),
        "1990-99": ("1990", "1999"),
        "2000-04": ("2000", "2004"),
    },
    "later": {"2005-14": ("2005", "2014"), "2015-24": ("2015", "2024")},
}
SHOCK = ("2022-01-01", "2023-12-31")


def composites(settings: Settings) -> dict[str, tuple[str, ...]]:
    """Columns of each mechanism that have an expected sign and are not read on their own."""
    group = {mechanism: name for name, members in GROUPS.items() for mechanism in members}
    columns = defaultdict(list)
    for spec in settings.features.specs:
        if spec.sign and spec.mechanism in group and spec.name not in settings.model.core:
            columns[group[spec.mechanism]].append(spec.name)
    return {name: tuple(columns[name]) for name in GROUPS}


def designs(base: Settings, question: str) -> dict[str, Settings]:
    """The shipped model, all mechanisms, all but one, and (on inner years) each one alone."""
    every = composites(base)
    shipped = base.model.composites

    def reading(columns: Mapping[str, tuple[str, ...]]) -> Settings:
        return replace(base, model=replace(base.model, composites=dict(columns)))

    variants = {"shipped": base, "core alone": reading({}), "all": reading(every)}
    variants |= {
        f"all but {name}": reading({key: value for key, value in every.items() if key != name})
        for name in every
    }
    if question == "inner":
        variants |= {f"core and {name}": reading({name: value}) for name, value in every.items()}
        variants |= {
            f"shipped and {name}": reading({**shipped, f"all of {name}": value})
            for name, value in every.items()
        }
    return variants


def gain(truth: Truth, model: pd.Series, shipped: pd.Series, days: pd.Index) -> str:
    """Log-loss skill over the shipped model, with its 90 % interval."""
    result = measure_skill(truth, model.loc[days], shipped.loc[days], against="shipped")
    return f"{result.skill:+.3f} ({result.interval[0]:+.3f} to {result.interval[1]:+.3f})"


def row(
    truths: Mapping[str, Truth], p: pd.Series, shipped: pd.Series, question: str
) -> dict[str, float | str]:
    """Scores of one design on the main truth, and its gain over the shipped model in each span."""
    scores = {name: score_table(truth, {"model": p}).iloc[0] for name, truth in truths.items()}
    spans = {name: p.loc[slice(*span)].index for name, span in SPANS[question].items()}
    spans = {"all": p.index, **spans}
    if question == "later":
        spans["2015-24 without 2022-23"] = spans["2015-24"][
            ~spans["2015-24"].isin(p.loc[slice(*SHOCK)].index)
        ]
    return {
        **{f"{name} loss": round(float(score["log_loss"]), 4) for name, score in scores.items()},
        "AP": round(float(scores[MAIN]["average_precision"]), 4),
        **(
            {}
            if p is shipped
            else {name: gain(truths[MAIN], p, shipped, days) for name, days in spans.items()}
        ),
    }


def write(
    folder: Path, settings: Settings, market_data: MarketData, probabilities: pd.DataFrame
) -> None:
    """What a scorer reads."""
    folder.mkdir(parents=True, exist_ok=True)
    check_probabilities(probabilities).to_parquet(folder / "probabilities.parquet")
    exposure = decide(settings, market_data, probabilities)
    check_exposure(exposure).to_frame("exposure").to_parquet(folder / "exposure.parquet")


def main(data: str, question: str, out: str = "") -> None:
    over = BASE if question == "inner" else ("splits.refit_months=12", "model.seeds=1")
    base = load_settings("us_macro.yaml", (*over, "features.mechanisms=true"))
    market_data = read_market_data(base, Path(data), NoProgress())
    last = LAST if question == "inner" else "2024-12-31"
    features, market = base.features(market_data.panel).loc[:last], market_data.market.loc[:last]
    truths = {name: truth_from_labels(labeller(market)) for name, labeller in TRUTHS.items()}
    rows, shipped = {}, None
    for name, settings in designs(base, question).items():
        p = walk_forward(settings, features, market, NoProgress()).probabilities
        shipped = p["deleveraging"] if shipped is None else shipped
        rows[name] = row(
            truths, p["deleveraging"] if name != "shipped" else shipped, shipped, question
        )
        print(name, rows[name], file=sys.stderr, flush=True)
        if out:
            write(Path(out) / name.replace(" ", "_"), settings, market_data, p)
    table = pd.DataFrame(rows).T
    print(table.to_string())
    verdict = "the shipped composites" if question == "inner" else "nothing is chosen by these"
    enter(f"10_mechanisms: {question}", table, verdict, trials=len(rows) - 1)


if __name__ == "__main__":
    main(*sys.argv[1:])

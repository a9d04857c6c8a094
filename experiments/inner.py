"""The years that choices are made on, and the list in which every experiment on them is entered.

An experiment reads no row after 2004. Its trials count: `enter` logs its table to MLflow, and adds
a row with the run's id, the number of its trials and of all so far to experiments.csv.
"""

from __future__ import annotations

import csv
import sys
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from regime.evaluation.truth import Truth, truth_from_labels
from regime.labels.episodes import EpisodeLabels
from regime.models.baselines import rule_of_thumb_scores
from regime.parallel import NoProgress
from regime.pipeline.market_data import read_market_data
from regime.pipeline.settings import Settings, load_settings
from regime.tracking import Tracker, read_commit

LAST = "2004-12-31"
MAIN = "core 0.7"  # the truth of the config, against which differences get an interval
TRUTHS = {
    f"core {weight}": EpisodeLabels(depth=2.0, core_weight=weight) for weight in (1.0, 0.7, 0.5)
}
BASE = ("splits.first_test=1980-01-01", "splits.refit_months=12", "model.seeds=1")
LIST = Path(__file__).parent / "experiments.csv"
FIELDS = ("experiment", "commit", "run_id", "trials", "trials_so_far", "verdict")


@dataclass(frozen=True, kw_only=True)
class Years:
    """Everything that is known at the end of the last year that may be read."""

    base: Settings
    features: pd.DataFrame
    market: pd.DataFrame
    scores: pd.DataFrame

    def truths(self) -> dict[str, Truth]:
        """Three definitions of a fall."""
        return {name: truth_from_labels(labeller(self.market)) for name, labeller in TRUTHS.items()}


def read_years(data: str, overrides: tuple[str, ...] = BASE, last: str = LAST) -> Years:
    """Features, markets and the baselines' scores up to `last`."""
    base = load_settings("us_macro.yaml", overrides)
    market_data = read_market_data(base, Path(data), NoProgress())
    scores = rule_of_thumb_scores(
        market_data.close.loc[:last],
        market_data.returns.loc[:last],
        market_data.panel.values["vix"].loc[:last],
        rank_start="1963-01-01",
    )
    return Years(
        base=base,
        features=base.features(market_data.panel).loc[:last],
        market=market_data.market.loc[:last],
        scores=scores,
    )


def enter(experiment: str, table: pd.DataFrame, verdict: str, trials: int | None = None) -> None:
    """Log an experiment's table to MLflow and add its row to experiments.csv.

    Parameters
    ----------
    experiment : str
        Name of the script, and of the question where it asks several.
    table : DataFrame
        One row a trial, unless `trials` says how many.
    verdict : str
    trials : int, optional
    """
    count = len(table) if trials is None else trials
    now = read_commit()
    with Tracker(experiment="experiments").run(
        experiment, tags={"trials": count, "verdict": verdict}
    ) as run:
        run.log_json(
            "table.json",
            {
                str(name): {str(key): value for key, value in row.items() if pd.notna(value)}
                for name, row in table.to_dict("index").items()
            },
        )
    rows = list(csv.DictReader(LIST.open())) if LIST.exists() else []
    so_far = count + sum(int(row["trials"]) for row in rows)
    made_by = "" if now is None else now.id[:12] + ("+" if now.dirty else "")
    with LIST.open("a", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        if not rows:
            writer.writeheader()
        writer.writerow(
            dict(
                zip(FIELDS, (experiment, made_by, run.run_id, count, so_far, verdict), strict=True)
            )
        )
    print(f"{experiment}: run {run.run_id}, {count} trials, {so_far} so far", file=sys.stderr)

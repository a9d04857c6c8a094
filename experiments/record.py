"""Score the output of a run with an independent scorer and enter the look into the ledger.

Every look at out-of-sample years is a trial: it gets a row in ledger.csv and its daily net returns
in returns/, good or bad, because later tests of significance need all of them. Its column `trials`
says how many trials on earlier years had been made by then.

usage: python experiments/record.py OUT --scorer SCORER.py --data DIR --episodes FILE
                                    --question TEXT [--verdict TEXT] [--run-id ID]
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import json
import types
from pathlib import Path
from typing import Any

import pandas as pd

from regime.artifacts import output_file
from regime.tracking import read_commit

HERE = Path(__file__).parent
LEDGER = HERE / "ledger.csv"
RETURNS = HERE / "returns"
EXPERIMENTS = HERE / "experiments.csv"
FIELDS = (
    "trial",
    "commit",
    "run_id",
    "config",
    "question",
    "skill",
    "against",
    "skill_low",
    "skill_high",
    "average_precision",
    "best_baseline_average_precision",
    "caught",
    "sharpe",
    "max_drawdown",
    "turnover",
    "verdict",
    "trials",
)
WINDOW = "2005-2024"
FIRST = "2005-01-03"
COST = 0.0005
FILL = 2


def main() -> None:
    arguments = _parse()
    scorer = _load(arguments.scorer)
    probabilities = arguments.out / "probabilities.parquet"
    exposure = arguments.out / "exposure.parquet"
    scores = scorer.main(
        str(probabilities), str(exposure), str(arguments.data), str(arguments.episodes)
    )
    trial = 1 + sum(1 for _ in csv.DictReader(LEDGER.open())) if LEDGER.exists() else 1
    row = _row(trial, scores[WINDOW], arguments)
    _write_returns(RETURNS / f"{trial:04d}.parquet", scorer, arguments.data, exposure)
    _append(row)
    print(json.dumps(row))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path, help="folder of a run")
    for name in ("scorer", "data", "episodes"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--question", required=True)
    parser.add_argument("--verdict", default="")
    parser.add_argument(
        "--run-id", default=None, help="in MLflow; by default that of the run's summary"
    )
    parser.add_argument(
        "--commit", default=None, help="of the code that made the output; by default today's"
    )
    return parser.parse_args()


def _load(path: Path) -> types.ModuleType:
    spec = importlib.util.spec_from_file_location("scorer", path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{path}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _row(trial: int, scores: dict[str, Any], arguments: argparse.Namespace) -> dict[str, Any]:
    summary_file = arguments.out / "summary.json"
    skill = scores["log_loss_skill"]
    now = read_commit()
    summary = json.loads(summary_file.read_text()) if summary_file.exists() else {}
    precision = dict(scores["average_precision"])
    today = None if now is None else now.id[:12] + ("+" if now.dirty else "")
    return {
        "trial": trial,
        "commit": arguments.commit or today,
        "run_id": arguments.run_id or summary.get("mlflow_run_id"),
        "config": summary.get("config"),
        "question": arguments.question,
        "skill": skill["skill"],
        "against": skill["against"],
        "skill_low": skill["interval_90"][0],
        "skill_high": skill["interval_90"][1],
        "average_precision": precision.pop("model"),
        "best_baseline_average_precision": max(precision.values()),
        "caught": scores["events"]["model"]["caught"],
        "sharpe": scores["strategy"]["sharpe"],
        "max_drawdown": scores["strategy"]["max_drawdown"],
        "turnover": scores["strategy"]["turnover"],
        "verdict": arguments.verdict,
        "trials": _trials(),
    }


def _trials() -> int:
    """Trials on earlier years so far, by the list of experiments."""
    return (
        sum(int(row["trials"]) for row in csv.DictReader(EXPERIMENTS.open()))
        if EXPERIMENTS.exists()
        else 0
    )


def _write_returns(path: Path, scorer: types.ModuleType, data: Path, exposure: Path) -> None:
    """Daily net returns by the scorer's accounting: fixed fractions, costs on their change."""
    close, returns, cash, _ = scorer.market(data)
    sessions = close.index[close.index >= FIRST]
    decided = pd.read_parquet(exposure).iloc[:, 0].reindex(sessions).reindex(close.index)
    held = decided.shift(FILL).fillna(1.0)
    net = held * returns + (1 - held) * cash - held.diff().abs().fillna(0.0) * COST
    with output_file(path) as staged:
        net.loc[sessions].astype("float32").to_frame("net").to_parquet(staged, compression="zstd")


def _append(row: dict[str, Any]) -> None:
    new = not LEDGER.exists()
    with LEDGER.open("a", newline="") as file:
        writer = csv.DictWriter(file, FIELDS)
        if new:
            writer.writeheader()
        writer.writerow(row)


if __name__ == "__main__":
    main()

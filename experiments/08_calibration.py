"""Ask whether the model's probabilities should be calibrated once more, judged on 1980-2004 alone.

Walk-forward refits from 1970 on; from 1980 on each block is calibrated on the forecasts of earlier
blocks whose labels were known at its refit, so no curve has seen a row that trained its model, nor
a later one. No row after 2004 is read. Gains are in log loss against no calibration, with
block-bootstrap intervals.

usage: python experiments/08_calibration.py DATA
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
from inner import BASE, LAST, enter, read_years

from regime.evaluation.bootstrap import bootstrap_interval
from regime.evaluation.calibration import binned_brier_parts, coverage_table, reliability_table
from regime.evaluation.scores import log_losses, score_table, scored_rows
from regime.evaluation.truth import Truth, truth_from_labels
from regime.models.conformal import AdaptiveConformal
from regime.models.recalibration import Recalibration
from regime.parallel import NoProgress
from regime.pipeline.walk_forward import walk_forward
from regime.schema import REGIMES

FIRST = "1980-01-01"
WAYS = {
    "none": Recalibration(),
    **{
        f"{method}, {name}": Recalibration(method=method, window=window)
        for method in ("platt", "isotonic", "venn_abers")
        for name, window in (("all forecasts", 0), ("ten years", 2520))
    },
}
SETS = {
    f"{coverage:.0%}, rate {rate}": AdaptiveConformal(coverage=coverage, rate=rate)
    for coverage in (0.8, 0.9)
    for rate in (0.0, 0.001, 0.005)
}


def main(data: str) -> None:
    years = read_years(data, ("splits.first_test=1970-01-01", *BASE[1:]))
    settings = years.base
    market = years.market
    forecast = walk_forward(settings, years.features, market, NoProgress())
    labels = settings.labels(market)
    sessions = forecast.probabilities.reindex(market.index)
    folds = [fold for fold in forecast.folds if market.index[fold.test[0]] >= pd.Timestamp(FIRST)]
    judged = np.concatenate([fold.test for fold in folds])
    forecasts = {name: way(sessions, labels, folds).iloc[judged] for name, way in WAYS.items()}
    truths = years.truths()
    table = pd.concat({name: scores(truth, forecasts) for name, truth in truths.items()})
    _show("log loss, Brier, ranking; gain in thousandths of a nat and its 90 % interval", table)
    _show("Brier score by regime, truth core 0.7", by_regime(truths["core 0.7"], forecasts))
    _show("reliability, truth core 0.7", reliability(truths["core 0.7"], forecasts))
    _show("log loss by half", halves(truths, forecasts))
    for name, sets in SETS.items():
        _show(
            f"sets of {name}",
            coverage_table(
                sets(forecast.probabilities, labels).loc[FIRST:], truth_from_labels(labels)
            ),
        )
    enter("08_calibration", table, "none", trials=len(WAYS) + len(SETS) - 1)


def scores(truth: Truth, forecasts: dict[str, pd.DataFrame]) -> pd.DataFrame:
    table = score_table(truth, forecasts)[
        ["log_loss", "brier", "average_precision", "multi_log_loss"]
    ]
    losses = {
        name: pd.Series(log_losses(*scored_rows(truth, forecast, name)))
        for name, forecast in forecasts.items()
    }
    rows = {}
    for name, loss in losses.items():
        gain = 1000 * (losses["none"] - loss)
        interval = bootstrap_interval(np.mean, gain, draws=500, block=250)
        rows[name] = {"gain": interval.estimate, "low": interval.low, "high": interval.high}
    parts = {
        name: _parts(*scored_rows(truth, forecast, name)) for name, forecast in forecasts.items()
    }
    return table.join(pd.DataFrame(parts).T).join(pd.DataFrame(rows).T)


def by_regime(truth: Truth, forecasts: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """One regime against the rest."""
    rows = {}
    for name, forecast in forecasts.items():
        came = truth.regime.reindex(forecast.index)
        known = came.notna().to_numpy()
        for regime in REGIMES:
            hit, p = (
                came.eq(regime).to_numpy(dtype=float)[known],
                forecast[regime].to_numpy()[known],
            )
            rows[name, regime] = {
                "brier": np.mean((p - hit) ** 2),
                **_parts(hit, p),
                "forecast": p.mean(),
                "observed": hit.mean(),
            }
    return pd.DataFrame(rows).T


def reliability(truth: Truth, forecasts: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Observed share by bin of the forecast, one column a way, sessions in brackets."""
    table = reliability_table(truth, forecasts)
    table["bin"] = np.minimum((table["forecast"] * 10).astype(int), 9) / 10
    table["cell"] = [
        f"{observed:.2f} ({sessions})"
        for observed, sessions in zip(table["observed"], table["sessions"], strict=True)
    ]
    return table.set_index(["bin", "forecaster"])["cell"].unstack().fillna("")[list(forecasts)]  # noqa: PD010


def halves(truths: dict[str, Truth], forecasts: dict[str, pd.DataFrame]) -> pd.DataFrame:
    rows = {}
    for key, truth in truths.items():
        for name, forecast in forecasts.items():
            for half in (slice(FIRST, "1991"), slice("1992", LAST)):
                stress, p = scored_rows(truth, forecast.loc[half], name)
                rows.setdefault(name, {})[f"{key} from {half.start[:4]}"] = log_losses(
                    stress, p
                ).mean()
    return pd.DataFrame(rows).T


def _parts(stress: np.ndarray, probability: np.ndarray) -> dict[str, float]:
    parts = binned_brier_parts(stress, probability)
    return {
        "reliability": parts.reliability,
        "resolution": parts.resolution,
        "uncertainty": parts.uncertainty,
    }


def _show(title: str, table: pd.DataFrame) -> None:
    print(f"\n{title}\n{table.round(4).to_string()}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])

"""A report's content that looks like a real run's: twenty years of a seeded market with planted falls."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from regime.report.page import ReportContent
from regime.report.world_facts import RISKY
from regime.report.world_figures import SimulatedView
from regime.schema import REGIMES

FALLS = (("2007-10-10", 340), ("2011-07-22", 50), ("2015-08-18", 40), ("2018-10-04", 55), ("2020-02-20", 23),
         ("2022-01-04", 190))
SCORES = {
    "model": (0.2412, 0.0725, 0.631, 0.912), "base_rate": (0.4301, 0.1302, 0.159, 0.5),
    "persistence": (0.3391, 0.1003, 0.401, 0.781), "vix": (0.3012, 0.0914, 0.442, 0.862),
    "drawdown_252": (0.3094, 0.0937, 0.401, 0.854), "below_200dma": (0.2977, 0.0901, 0.463, 0.866),
    "realised_vol": (0.3105, 0.0942, 0.431, 0.848), "downside_rank": (0.2731, 0.0803, 0.598, 0.901),
    "elastic_net": (0.2689, 0.0795, 0.574, 0.893), "online_jump": (0.3322, 0.0988, 0.377, 0.799),
}
PERFORMANCE = {
    "strategy": (0.0935, 0.098, 0.71, -0.178, 3.9), "buy_and_hold": (0.1012, 0.193, 0.52, -0.552, 0.0),
    "200dma": (0.0851, 0.121, 0.58, -0.223, 6.4), "vol_target_12": (0.0889, 0.114, 0.64, -0.261, 5.2),
}


def _truth(index: pd.DatetimeIndex) -> pd.Series:
    codes = np.zeros(len(index), dtype=int)
    for start, days in FALLS:
        at = index.searchsorted(pd.Timestamp(start))
        codes[at - 21:at], codes[at:at + days] = 1, 2
        codes[at + days:at + days + days // 2 + 15] = 3
    regimes = pd.Series(np.array(REGIMES, dtype=object)[codes], index=index, name="regime")
    regimes.iloc[-30:] = None
    return regimes


def _market(codes: np.ndarray, random: np.random.Generator) -> np.ndarray:
    drift, risk = np.array([0.0006, 0.0002, -0.0016, 0.0011]), np.array([0.007, 0.009, 0.021, 0.014])
    return drift[codes] + risk[codes] * random.standard_t(5, len(codes)) / 1.3


def _probabilities(codes: np.ndarray, index: pd.DatetimeIndex, random: np.random.Generator) -> pd.DataFrame:
    noise = pd.DataFrame(random.normal(0, 2.4, (len(codes), 4))).ewm(halflife=10).mean().to_numpy()
    scores = pd.DataFrame(1.5 * np.eye(4)[codes] + [1.5, 0.2, 0.0, 0.1], index=index).ewm(halflife=5).mean().to_numpy()
    soft = np.exp(1.3 * scores + 1.1 * noise)
    return pd.DataFrame(soft / soft.sum(axis=1, keepdims=True), index=index, columns=list(REGIMES))


def _summary(index: pd.DatetimeIndex) -> dict[str, object]:
    keys = ("log_loss", "brier", "average_precision", "auc")
    scores = {name: dict(zip(keys, values, strict=True)) for name, values in SCORES.items()}
    kinds = ("cagr", "volatility", "sharpe", "max_drawdown", "turnover")
    performance = {name: dict(zip(kinds, values, strict=True)) for name, values in PERFORMANCE.items()}
    first, last = f"{index[0]:%Y-%m-%d}", f"{index[-1]:%Y-%m-%d}"
    return {
        "config": "configs/us_macro.yaml",
        "data": {"first": "1927-12-30", "last": last, "series": 118, "hash": "9f2c" * 16},
        "out_of_sample": {"first": first, "last": last, "days": len(index), "refits": 41},
        "scores": {"model": scores.pop("model"), "baselines": scores, "best_baseline": "elastic_net", "skill": 0.103,
                   "interval": [-0.021, 0.214]},
        "events": {"model": {"caught": "9/11", "median_lag": 8.0, "false_alarms_per_year": 0.85},
                   "downside_rank": {"caught": "10/11", "median_lag": 11.0, "false_alarms_per_year": 1.2}},
        "backtest": {"strategy": performance.pop("strategy"), "benchmarks": performance},
        "bundle": "out/bundle", "mlflow_run_id": "5c0ffee15600dcafe0123456789abcde", "report": "out/report.html",
        "seconds": 84.2,
    }


@pytest.fixture(scope="session")
def report_content() -> ReportContent:
    random, index = np.random.default_rng(7), pd.bdate_range("2005-01-03", "2025-03-14", name="date")
    truth = _truth(index)
    codes = truth.map({name: i for i, name in enumerate(REGIMES)}).fillna(0).to_numpy(dtype=int)
    returns, probabilities = _market(codes, random), _probabilities(codes, index, random)
    exposure = (1.15 - 1.5 * probabilities["deleveraging"]).clip(0, 1).round(2).rename("exposure")
    held = exposure.shift(2).fillna(1.0).to_numpy()
    earned = {"strategy": held * returns, "buy_and_hold": returns, "200dma": returns * (codes != 2) * 0.9,
              "vol_target_12": 0.6 * returns}
    return ReportContent(
        title="Deleveraging regimes, United States", summary=_summary(index),
        prices=pd.Series(1200 * np.exp(np.cumsum(returns)), index=index, name="sp500"), truth=truth,
        probabilities=probabilities, exposure=exposure, equity=(1 + pd.DataFrame(earned, index=index)).cumprod(),
        notes=("sofr99: absent from the folder; its 2 columns are NaN.",
               "move: stale, last value 2025-02-21 is older than 10 days."),
        config_text="model:\n  Ensemble:\n    trees: 150\n    leaves: 7\nsplits:\n  embargo: 21\n",
        families={"cross_asset": 0.41, "positioning": 0.22, "liquidity": 0.17, "valuation": 0.12, "dollar": 0.08},
        lineage={"commit": "1a2b3c4d", "lightgbm": "4.7.0", "seed": 7})


AGENTS = ("trend_followers", "volatility_targets", "risk_parity", "levered_funds", "dealers", "pension", "households",
          "value_investors")


@pytest.fixture(scope="session")
def simulated_view() -> SimulatedView:
    random, days = np.random.default_rng(3), pd.bdate_range("2004-01-01", "2025-03-14", name="date")
    n = len(days)
    codes = np.zeros(n, int)
    codes[3000:3060], codes[3060:3100], codes[2950:3000] = 2, 3, 1
    moves = random.standard_normal((n, len(RISKY))) * np.where(codes == 2, 0.02, 0.008)[:, None]
    moves += random.standard_normal((n, 1)) * np.where(codes == 2, 0.03, 0.004)[:, None]
    prices = pd.DataFrame(100 * np.exp(moves.cumsum(axis=0)), days, list(RISKY)).assign(vix=20.0)
    crises = pd.DataFrame({"type": ["312", "519", "false_alarm"], "start": days[[3000, 3500, 200]],
                           "end": days[[3059, 3510, 204]]})
    reserves = pd.Series(np.linspace(8, 20, n), days)
    return SimulatedView(
        prices=prices, regimes=pd.Series(pd.Categorical.from_codes(codes, list(REGIMES), ordered=True), days),
        crises=crises, flows=pd.DataFrame(random.normal(0, 5, (n, len(AGENTS))), days, list(AGENTS)),
        triggers=pd.DataFrame({s: prices["sp500"].ewm(span=k).mean()
                               for s, k in (("short", 38), ("medium", 122), ("long", 347))}),
        trend_exposure=pd.Series(np.sin(np.arange(n) / 50), days), reserves=reserves,
        funding=np.exp(-(reserves - 10)) * 10 - 6)

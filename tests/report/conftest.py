"""A report's content that looks like a real run's.

Twenty years of a seeded market with planted falls.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from regime.report.content import ReportContent
from regime.report.figures import DATE, Figure, figure_layout
from regime.report.sections.section import Section
from regime.report.simulation_figures import RISKY, SimulatedView
from regime.report.tables import Row, Table
from regime.schema import REGIMES

FALLS = (
    ("2007-10-10", 340),
    ("2011-07-22", 50),
    ("2015-08-18", 40),
    ("2018-10-04", 55),
    ("2020-02-20", 23),
    ("2022-01-04", 190),
)
SCORES = {
    "model": (0.2412, 0.0725, 0.631, 0.912),
    "base_rate": (0.4301, 0.1302, 0.159, 0.5),
    "persistence": (0.3391, 0.1003, 0.401, 0.781),
    "vix": (0.3012, 0.0914, 0.442, 0.862),
    "drawdown_252": (0.3094, 0.0937, 0.401, 0.854),
    "below_200dma": (0.2977, 0.0901, 0.463, 0.866),
    "realised_vol": (0.3105, 0.0942, 0.431, 0.848),
    "downside_rank": (0.2731, 0.0803, 0.598, 0.901),
    "elastic_net": (0.2689, 0.0795, 0.574, 0.893),
    "online_jump": (0.3322, 0.0988, 0.377, 0.799),
}
PERFORMANCE = {
    "strategy": (0.0935, 0.098, 0.71, -0.178, 3.9),
    "buy_and_hold": (0.1012, 0.193, 0.52, -0.552, 0.0),
    "200dma": (0.0851, 0.121, 0.58, -0.223, 6.4),
    "vol_target_12": (0.0889, 0.114, 0.64, -0.261, 5.2),
}


def _truth(index: pd.DatetimeIndex) -> pd.Series:
    codes = np.zeros(len(index), dtype=int)
    for start, days in FALLS:
        at = index.searchsorted(pd.Timestamp(start))
        codes[at - 21 : at], codes[at : at + days] = 1, 2
        codes[at + days : at + days + days // 2 + 15] = 3
    regimes = pd.Series(np.array(REGIMES, dtype=object)[codes], index=index, name="regime")
    regimes.iloc[-30:] = None
    return regimes


def _market(codes: np.ndarray, random: np.random.Generator) -> np.ndarray:
    drift, risk = (
        np.array([0.0006, 0.0002, -0.0016, 0.0011]),
        np.array([0.007, 0.009, 0.021, 0.014]),
    )
    return drift[codes] + risk[codes] * random.standard_t(5, len(codes)) / 1.3


def _probabilities(
    codes: np.ndarray, index: pd.DatetimeIndex, random: np.random.Generator
) -> pd.DataFrame:
    noise = pd.DataFrame(random.normal(0, 2.4, (len(codes), 4))).ewm(halflife=10).mean().to_numpy()
    scores = (
        pd.DataFrame(1.5 * np.eye(4)[codes] + [1.5, 0.2, 0.0, 0.1], index=index)
        .ewm(halflife=5)
        .mean()
        .to_numpy()
    )
    soft = np.exp(1.3 * scores + 1.1 * noise)
    return pd.DataFrame(soft / soft.sum(axis=1, keepdims=True), index=index, columns=list(REGIMES))


def _summary(index: pd.DatetimeIndex) -> dict[str, object]:
    keys = ("log_loss", "brier", "average_precision", "auc")
    scores = {name: dict(zip(keys, values, strict=True)) for name, values in SCORES.items()}
    kinds = ("cagr", "volatility", "sharpe", "max_drawdown", "turnover")
    performance = {
        name: dict(zip(kinds, values, strict=True)) for name, values in PERFORMANCE.items()
    }
    first, last = f"{index[0]:%Y-%m-%d}", f"{index[-1]:%Y-%m-%d}"
    return {
        "config": "configs/us_macro.yaml",
        "data": {"first": "1927-12-30", "last": last, "series": 118, "hash": "9f2c" * 16},
        "out_of_sample": {"first": first, "last": last, "days": len(index), "refits": 41},
        "scores": {
            "model": scores.pop("model"),
            "baselines": scores,
            "best_baseline": "elastic_net",
            "skill": 0.103,
            "interval": [-0.021, 0.214],
        },
        "events": {
            "model": {"caught": "9/11", "median_lag": 8.0, "false_alarms_per_year": 0.85},
            "downside_rank": {"caught": "10/11", "median_lag": 11.0, "false_alarms_per_year": 1.2},
        },
        "backtest": {"strategy": performance.pop("strategy"), "benchmarks": performance},
        "bundle": "out/bundle",
        "mlflow_run_id": "5c0ffee15600dcafe0123456789abcde",
        "report": "out/report.html",
        "seconds": 84.2,
    }


@pytest.fixture(scope="session")
def report_content() -> ReportContent:
    random, index = (
        np.random.default_rng(7),
        pd.bdate_range("2005-01-03", "2025-03-14", name="date"),
    )
    truth = _truth(index)
    codes = truth.map({name: i for i, name in enumerate(REGIMES)}).fillna(0).to_numpy(dtype=int)
    returns, probabilities = _market(codes, random), _probabilities(codes, index, random)
    exposure = (1.15 - 1.5 * probabilities["deleveraging"]).clip(0, 1).round(2).rename("exposure")
    held = exposure.shift(2).fillna(1.0).to_numpy()
    earned = {
        "strategy": held * returns,
        "buy_and_hold": returns,
        "200dma": returns * (codes != 2) * 0.9,
        "vol_target_12": 0.6 * returns,
    }
    return ReportContent(
        title="Deleveraging regimes, United States",
        summary=_summary(index),
        prices=pd.Series(1200 * np.exp(np.cumsum(returns)), index=index, name="sp500"),
        truth=truth,
        probabilities=probabilities,
        exposure=exposure,
        equity=(1 + pd.DataFrame(earned, index=index)).cumprod(),
        notes=(
            "sofr99: absent from the folder; its 2 columns are NaN.",
            "move: stale, last value 2025-02-21 is older than 10 days.",
        ),
        config_text="model:\n  Ensemble:\n    trees: 150\n    leaves: 7\nsplits:\n  embargo: 21\n",
        families={
            "cross_asset": 0.41,
            "positioning": 0.22,
            "liquidity": 0.17,
            "valuation": 0.12,
            "dollar": 0.08,
        },
        lineage={"commit": "1a2b3c4d", "lightgbm": "4.7.0", "seed": 7},
    )


EPISODES = (
    "Great financial crisis",
    "Euro crisis",
    "China devaluation",
    "Volatility and the Fed, late 2018",
    "Pandemic",
    "Inflation bear",
)
BENCHMARKS = ("sharpe_buy_and_hold", "sharpe_200dma", "sharpe_vol_target_12")


def _baselines(content: ReportContent, random: np.random.Generator) -> pd.DataFrame:
    """The model's probability through ever more noise; one baseline starts late."""
    stress = content.probabilities["deleveraging"]
    noise = (
        pd.DataFrame(random.normal(0, 1, (len(stress), 9)), index=stress.index)
        .ewm(halflife=15)
        .mean()
    )
    names = [name for name in SCORES if name != "model"]
    table = pd.DataFrame(
        {
            name: 1
            / (
                1
                + np.exp(
                    -(
                        np.log(stress / (1 - stress)) * (0.9 - 0.08 * place)
                        + (2 + place) * noise[place]
                    )
                )
            )
            for place, name in enumerate(names)
        }
    )
    table["base_rate"] = 0.16
    table.loc[:"2008-06-30", "online_jump"] = np.nan
    return table


def _reliability(random: np.random.Generator) -> pd.DataFrame:
    rows = []
    for name in SCORES:
        for place in range(10):
            forecast = (place + 0.5) / 10
            observed = float(
                np.clip(forecast + random.normal(0, 0.03 if name == "model" else 0.1), 0, 1)
            )
            rows.append((name, forecast, observed, int(3000 * np.exp(-0.6 * place)) + 12))
    return pd.DataFrame(rows, columns=["forecaster", "forecast", "observed", "sessions"])


def _episodes() -> pd.DataFrame:
    rows = []
    for place, ((start, days), name) in enumerate(zip(FALLS, EPISODES, strict=True)):
        first = pd.Timestamp(start)
        market, rule = -0.12 - 0.06 * place, -0.03 - 0.02 * place - (0.2 if place == 1 else 0)
        rows.append(
            (
                first,
                first + pd.offsets.BDay(days),
                name,
                0.95,
                0.35,
                0.6,
                market,
                rule,
                rule - market,
                0.04 - 0.02 * place,
                4.0 + place,
                np.nan if place == 3 else 12.0 + 5 * place,
            )
        )
    return pd.DataFrame(
        rows,
        columns=[
            "first",
            "last",
            "name",
            "exposure_before",
            "exposure_inside",
            "exposure_after",
            "market_return",
            "rule_return",
            "loss_avoided",
            "missed_after",
            "sessions_to_cut",
            "sessions_to_return",
        ],
    )


def _stress() -> dict[str, pd.DataFrame]:
    def table(name: str, index: list[object], sharpes: list[float]) -> pd.DataFrame:
        own = np.array(sharpes)
        columns = {
            "sharpe": own,
            "max_drawdown": -0.18 - 0.02 * np.arange(len(own)),
            "cagr": own * 0.11,
            "turnover": 3.9,
            **{name: own * 0.7 + 0.1 - 0.05 * i for i, name in enumerate(BENCHMARKS)},
        }
        return pd.DataFrame(columns, index=pd.Index(index, name=name))

    years = table("year", list(range(2005, 2026)), list(0.71 + 0.05 * np.sin(np.arange(21))))
    noise = pd.DataFrame(
        {
            "sharpe": [0.71, 0.64],
            "sharpe_worst": [0.71, 0.5],
            "max_drawdown": [-0.18, -0.22],
            "max_drawdown_worst": [-0.18, -0.27],
            "turnover": [3.9, 6.1],
        },
        index=pd.MultiIndex.from_tuples([(0.0, 0.0), (1.0, 21.0)], names=["size", "halflife"]),
    )
    paths = pd.DataFrame(
        {
            "sharpe_5": [0.31, 0.12],
            "sharpe_50": [0.7, 0.5],
            "sharpe_95": [1.1, 0.9],
            "gap_50": [np.nan, 0.2],
            "wins": [np.nan, 0.83],
        },
        index=["strategy", "buy_and_hold"],
    )
    even = pd.DataFrame(
        {
            "cost_bps": [31.2, np.nan],
            "sharpe": [0.52, np.nan],
            "ahead": ["below", "always"],
            "reason": ["ahead below 31.2 bp", "ahead at any cost up to 1000 bp"],
        },
        index=pd.Index(["vol_target_12", "buy_and_hold"], name="benchmark"),
    )
    return {
        "delays": table("delay", [1, 2, 3, 4, 5], [0.71, 0.66, 0.62, 0.57, 0.55]),
        "costs": table("multiple", [0.0, 1.0, 2.0, 5.0, 10.0], [0.73, 0.71, 0.68, 0.6, 0.46]),
        "break_even": even,
        "noise": noise,
        "bootstrap": paths,
        "leave_one_year_out": years,
    }


def _sweep() -> pd.DataFrame:
    rows = [
        (enter, half, 0.6 - 4 * (enter - 0.55) ** 2 - 0.0006 * (half - 10) ** 2)
        for enter in (0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8)
        for half in (1, 2, 5, 10, 15, 21)
    ]
    table = pd.DataFrame(rows, columns=["enter", "halflife", "robust_sharpe"])
    table.loc[3, "robust_sharpe"] = np.nan
    return table.assign(chosen=(table["enter"] == 0.5) & (table["halflife"] == 10))


def _section(index: pd.DatetimeIndex) -> Section:
    """What a later mechanism will hand over: one figure, one sentence, one table."""
    held = np.sin(np.arange(len(index)) / 90)
    figure = Figure(
        key="cta-exposure",
        title="Trend followers",
        height=260,
        fit=("yaxis",),
        regimes=False,
        caption="Modelled exposure, multiples of their size.",
        alternative="Trend followers swing between -1 and 1. " * 2,
        columns={"date": index.to_numpy(), "held": held},
        coarse=("held",),
        traces=[
            {
                "type": "scatter",
                "mode": "lines",
                "x": DATE,
                "y": {"column": "held"},
                "name": "Exposure",
                "line": {"color": "var(--accent)", "width": 1.3},
                "hovertemplate": "%{y:.2f}",
            }
        ],
        layout=figure_layout(yaxis={"tickformat": ".1f", "fixedrange": True}),
    )
    rows = (
        Row(name="Next trigger", cells=("5,512", "−2.1%")),
        Row(name="Full reversal", cells=("5,230", "−7.1%")),
    )
    return Section(
        key="mechanism-cta",
        title="Trend followers",
        figure=figure,
        sentence="Trend followers are long and would begin to sell 2.1% lower.",
        tables=(Table(title="Trigger prices", header=("", "S&P 500", "From here"), rows=rows),),
    )


@pytest.fixture(scope="session")
def full_content(report_content: ReportContent) -> ReportContent:
    """Every part that a page can have, apart from the simulated market."""
    random, stress = np.random.default_rng(11), report_content.probabilities["deleveraging"]
    width = 0.7 * stress * (1 - stress) + random.uniform(0, 0.02, len(stress))
    checks = {
        "builders": {"checked": 12, "leaks": 0, "warnings": 1},
        "folds": {"checked": 41, "leaks": 0},
        "series": {"checked": 118, "leaks": 0, "warnings": 2},
    }
    reasons = pd.DataFrame(
        {
            "name": ["cross_asset", "positioning", "liquidity", "valuation", "dollar"],
            "now": [-1.31, 0.42, -0.25, 0.18, 0.02],
            "week_ago": [-0.9, 0.1, -0.31, 0.17, np.nan],
            "text": [
                "Correlations across markets are low and credit is firm.",
                "Trend followers and volatility targets are nearly full.",
                "Reserves are ample; funding trades at the rate on reserves.",
                "The premium of earnings over real yields is thin.",
                None,
            ],
        }
    )
    return dataclasses.replace(
        report_content,
        summary={**report_content.summary, "audit": {"verdict": "clean", "checks": checks}},
        cash=pd.Series(0.00006, index=report_content.equity.index[1:]),
        member_range=pd.DataFrame(
            {"low": (stress - width).clip(0, 1), "high": (stress + width).clip(0, 1)}
        ),
        baselines=_baselines(report_content, random),
        reliability=_reliability(random),
        reasons=reasons,
        episodes=_episodes(),
        sweep=_sweep(),
        sweep_notes=(
            "1,791 settings were tried; the deflated Sharpe ratio is 0.93 and the probability "
            "of backtest overfitting 0.21.",
        ),
        stress=_stress(),
        stress_notes=("The rule loses its lead over the volatility target above 31 basis points.",),
        limitations=(
            "It does not foresee a fall that begins overnight from a calm market.",
            "It has seen 11 episodes: no statistic on episodes is firm.",
            "It leaves late after V-shaped troughs and misses part of the rebound.",
        ),
        sections=(_section(report_content.probabilities.index),),
    )


AGENTS = (
    "trend_followers",
    "volatility_targets",
    "risk_parity",
    "levered_funds",
    "dealers",
    "pension",
    "households",
    "value_investors",
)


@pytest.fixture(scope="session")
def simulated_view() -> SimulatedView:
    random, days = np.random.default_rng(3), pd.bdate_range("2004-01-01", "2025-03-14", name="date")
    n = len(days)
    codes = np.zeros(n, int)
    codes[3000:3060], codes[3060:3100], codes[2950:3000] = 2, 3, 1
    moves = random.standard_normal((n, len(RISKY))) * np.where(codes == 2, 0.02, 0.008)[:, None]
    moves += random.standard_normal((n, 1)) * np.where(codes == 2, 0.03, 0.004)[:, None]
    prices = pd.DataFrame(100 * np.exp(moves.cumsum(axis=0)), days, list(RISKY)).assign(vix=20.0)
    crises = pd.DataFrame(
        {
            "type": ["312", "519", "false_alarm"],
            "start": days[[3000, 3500, 200]],
            "end": days[[3059, 3510, 204]],
        }
    )
    reserves = pd.Series(np.linspace(8, 20, n), days)
    return SimulatedView(
        prices=prices,
        regimes=pd.Series(pd.Categorical.from_codes(codes, list(REGIMES), ordered=True), days),
        crises=crises,
        flows=pd.DataFrame(random.normal(0, 5, (n, len(AGENTS))), days, list(AGENTS)),
        triggers=pd.DataFrame(
            {
                s: prices["sp500"].ewm(span=k).mean()
                for s, k in (("short", 38), ("medium", 122), ("long", 347))
            }
        ),
        trend_exposure=pd.Series(np.sin(np.arange(n) / 50), days),
        reserves=reserves,
        funding=np.exp(-(reserves - 10)) * 10 - 6,
    )

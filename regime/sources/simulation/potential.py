"""How much forced selling a shock would set off.

What makes a market fragile, computed from every position.
"""

from __future__ import annotations

import numpy as np

from regime.sources.simulation import state as at
from regime.sources.simulation.draws import YEAR, Floats
from regime.sources.simulation.market import NEWEST, Path
from regime.sources.simulation.rules import COMMODITY, CREDIT, EQUITY, FUNDS, TARGET, TREND, Rules

__all__ = ["SHOCK", "fire_sale"]

SHOCK = 0.04  # log fall of equity tomorrow


def fire_sale(rules: Rules, path: Path) -> Floats:
    """Log fall of equity that the rules' sales would add, in all, to a fall of `SHOCK` tomorrow, shape (n,), >= 0.

    Each agent's position after the shock is compared with what its rule would then let it hold:
    levered funds with their limit, volatility targets and trend followers with their targets;
    dealers add the part of the shock that they amplify. Nobody reacts to the others' sales: the
    true fall is larger.
    """
    variance = path.variance[:, EQUITY]
    shocked = variance + NEWEST * (SHOCK**2 - variance)
    sales = (
        _levered(rules, path, variance, shocked)
        + _targeted(rules, path, shocked)
        + _trending(rules, path, shocked)
    )
    thin = np.clip((shocked * YEAR / rules.usual[EQUITY] ** 2) ** (0.5 * rules.thinning), 0.6, 2.2)
    hedged = SHOCK * (1 / (1 + np.minimum(path.state[:, at.GAMMA], 0.0)) - 1)
    return np.asarray(sales * rules.depth[EQUITY] * thin + hedged)


def _levered(rules: Rules, path: Path, variance: Floats, shocked: Floats) -> Floats:
    leverage, limit = path.state[:, at.LEVERAGE], path.state[:, at.LIMIT]
    loss = (
        SHOCK
        * rules.fund_mix[EQUITY]
        / rules.fund_mix[[EQUITY, CREDIT, COMMODITY]].sum()
        * leverage
    )
    after = leverage * (1 - SHOCK) / np.maximum(1 - loss, 0.2)
    allowed = limit * (variance / np.maximum(shocked, 1e-12)) ** (0.5 * rules.fund_caution)
    share = np.clip(1 - 0.92 * allowed / np.maximum(after, 1e-6), 0.0, 1.0) * (after > allowed)
    return np.asarray(share * path.hold[:, FUNDS, EQUITY])


def _targeted(rules: Rules, path: Path, shocked: Floats) -> Floats:
    exposure = np.minimum(
        rules.target_cap, rules.target_volatility / np.sqrt(YEAR * np.maximum(shocked, 1e-12))
    )
    return np.asarray(np.maximum(path.hold[:, TARGET, EQUITY] - rules.target_size * exposure, 0.0))


def _trending(rules: Rules, path: Path, shocked: Floats) -> Floats:
    daily = np.sqrt(np.maximum(shocked, 1e-12))[:, None]
    gap = np.exp(path.price[:, [EQUITY]] - SHOCK) / path.average[:, EQUITY] - 1
    signal = np.tanh(rules.trend_steepness * gap / (daily * np.sqrt(rules.spans))).mean(axis=1)
    signal = np.where(signal < 0, signal * rules.trend_short, signal)
    scale = np.minimum(rules.usual[EQUITY] / (daily[:, 0] * YEAR**0.5), 1.6)
    return np.asarray(
        np.maximum(path.hold[:, TREND, EQUITY] - rules.trend_size[EQUITY] * signal * scale, 0.0)
    )

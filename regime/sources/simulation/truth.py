"""What really happened in a simulated market: regimes, flows by agent, trigger prices, crises.

The regimes follow from forced selling. How fragile the market is follows from every position: it is
the forced selling that a shock would set off.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from regime.arrays import Booleans, Floats, Integers
from regime.schema import REGIMES, YEAR
from regime.sources.simulation.market import NEWEST, Path
from regime.sources.simulation.news import KINDS, News
from regime.sources.simulation.rules import (
    AGENTS,
    COMMODITY,
    CREDIT,
    CRYPTO,
    DASH,
    EQUITY,
    FUNDS,
    GAMMA,
    GOLD,
    INDEX_START,
    LEVERAGE,
    LIMIT,
    MARKETS,
    SMALL,
    SPEEDS,
    STATES,
    TARGET,
    TECH,
    TREASURY,
    TREND,
    Rules,
)
from regime.sources.simulation.world import SimulatedWorld

__all__ = ["SHOCK", "GroundTruth", "fire_sale", "ground_truth", "regime_codes", "selling_episodes"]


CALM, FRAGILE, DELEVERAGING, RECOVERY = range(len(REGIMES))
SessionSpan = tuple[int, int]

# Forced selling, in usual daily volatilities of what it moves, smoothed over three sessions: where
# a run of it begins and ends, what it must reach to be a deleveraging, how far apart two must lie,
# how long one must last.
FLOOR = 0.15
PEAK = 0.50
APART = 10
LEAST = 5
CRYPTO_FLOOR, CRYPTO_PEAK = 0.08, 0.30  # the same for crypto alone
SHOCK = 0.04  # log fall of equity tomorrow whose forced sales measure fragility
# Weights of what must be sold.
RISKY = {EQUITY: 0.40, CREDIT: 0.25, COMMODITY: 0.15, TECH: 0.10, SMALL: 0.10}
# Further fall after a shock: fragile from the first on, until the second.
BRITTLE, SOUND = 0.08, 0.045
ALARM = 0.035  # fall within five sessions of a shock that makes an alarm of it


@dataclass(frozen=True, kw_only=True)
class GroundTruth:
    """The truth of one simulated market; no source shows it.

    Parameters
    ----------
    regimes : DataFrame, shape (n_sessions, 3)
        ``regime``: ordered categorical. ``pressure``: forced selling of equity and credit, in usual
        daily volatilities, smoothed. ``fire_sale``: log fall that forced sales would add to a shock
        of 4 % tomorrow.
    flows : DataFrame, shape (n_sessions, n_agents * n_markets), USD bn
        What each agent bought (positive) or sold on the session, by ``agent`` and ``market``.
    forced : DataFrame, shape (n_sessions, n_markets), USD bn
        The part of it that rules or lenders forced, <= 0.
    triggers : DataFrame, shape (n_sessions, 3), index points
        Close of the S&P 500 tomorrow at which each speed of the trend followers flips.
    positions : DataFrame, shape (n_sessions, n_states)
        Leverage and its limit, exposures, dealers' gamma, reserves, funding spread and the like.
    crises : DataFrame
        Columns `type`, `start`, `end`, `fall` (log, from the peak of the weeks before), `forced`
        (USD bn), `trigger` (kind of the news just before, empty for none). Types: ``312``
        (everything sold), ``unwind`` (risky assets sold, havens held), ``519`` (crypto alone),
        ``false_alarm``, ``slow_bear``.
    """

    regimes: pd.DataFrame
    flows: pd.DataFrame
    forced: pd.DataFrame
    triggers: pd.DataFrame
    positions: pd.DataFrame
    crises: pd.DataFrame


def ground_truth(world: SimulatedWorld) -> GroundTruth:
    """Truth of a simulated market over its sessions."""
    rules = world.rules
    path = world.path
    sessions = world.sessions
    scaled = _scaled(world)
    pressure = _smooth((scaled[:, list(RISKY)] * list(RISKY.values())).sum(axis=1))
    potential = fire_sale(rules, path)
    selling = selling_episodes(pressure, PEAK, FLOOR)
    codes = regime_codes(
        (path.price - path.value)[:, EQUITY], selling, _between(potential, BRITTLE, SOUND)
    )
    names = pd.MultiIndex.from_product([AGENTS, MARKETS], names=["agent", "market"])
    flows = (path.flow * world.dollars[:, None, None]).reshape(len(sessions), -1)
    forced = pd.DataFrame(
        path.pressure / world.impact * world.dollars[:, None], sessions, list(MARKETS)
    )
    regime = pd.Categorical.from_codes(codes, categories=list(REGIMES), ordered=True)
    return GroundTruth(
        regimes=pd.DataFrame(
            {"regime": regime, "pressure": pressure, "fire_sale": potential}, index=sessions
        ),
        flows=pd.DataFrame(flows, sessions, names),
        forced=forced,
        triggers=pd.DataFrame(INDEX_START * path.average[:, EQUITY], sessions, list(SPEEDS)),
        positions=pd.DataFrame(
            {
                **{name: path.state[:, i] for i, name in enumerate(STATES)},
                "trend_exposure": path.hold[:, TREND, EQUITY] / rules.trend_size[EQUITY],
            },
            sessions,
        ),
        crises=_crises(world, selling, forced),
    )


def selling_episodes(pressure: Floats, peak: float, floor: float) -> list[SessionSpan]:
    """First and one past the last session of each run above `floor` that also exceeds `peak`."""
    merged: list[list[int]] = []
    for first, last in _runs(pressure > floor):
        if merged and first - merged[-1][1] < APART:
            merged[-1][1] = last
        else:
            merged.append([first, last])
    return [
        (first, last)
        for first, last in merged
        if last - first >= LEAST and pressure[first:last].max() > peak
    ]


def regime_codes(gap: Floats, selling: list[SessionSpan], brittle: Booleans) -> Integers:
    """Position in `REGIMES` of each session: forced selling, then recovery to half of its cost.

    `gap` is what flows have added to the log price, or taken from it: news neither ends nor
    prolongs a recovery.
    """
    codes = np.where(brittle, FRAGILE, CALM).astype(np.int64)
    for number, (first, last) in enumerate(selling):
        codes[first:last] = DELEVERAGING
        top = gap[max(first - 21, 0) : last].max()
        low = gap[first:last].min()
        until = selling[number + 1][0] if number + 1 < len(selling) else len(gap)
        regained = np.flatnonzero(gap[last:until] >= (top + low) / 2)
        codes[last : last + max(regained[0], 1) if regained.size else until] = RECOVERY
    return codes


def _crises(
    world: SimulatedWorld, selling: list[SessionSpan], forced: pd.DataFrame
) -> pd.DataFrame:
    """One row an event, by start."""
    sessions, price = world.sessions, world.path.price
    taken = _mask(selling, len(sessions), before=10, after=10)
    alone = selling_episodes(_smooth(_scaled(world)[:, CRYPTO]), CRYPTO_PEAK, CRYPTO_FLOOR)
    crypto = [episode for episode in alone if not taken[slice(*episode)].any()]
    in_selling = _mask(selling, len(sessions))
    bears = [
        episode
        for episode in _runs(world.news.bear > 0)
        if in_selling[slice(*episode)].mean() < 0.15
    ]
    events = [
        (("312" if _everything(world, episode) else "unwind"), *episode) for episode in selling
    ]
    events += [("519", *episode) for episode in crypto] + [
        ("slow_bear", *episode) for episode in bears
    ]
    events += [("false_alarm", *episode) for episode in _false_alarms(world, selling)]
    rows = [
        {
            "type": kind,
            "start": sessions[first],
            "end": sessions[last - 1],
            "fall": _fall(price[:, CRYPTO if kind == "519" else EQUITY], first, last),
            "forced": float(forced.iloc[first:last].to_numpy().sum()),
            "trigger": _trigger(world.news, first, crypto=kind == "519"),
        }
        for kind, first, last in sorted(events, key=lambda event: event[1])
    ]
    return pd.DataFrame(rows, columns=["type", "start", "end", "fall", "forced", "trigger"])


def _everything(world: SimulatedWorld, episode: SessionSpan) -> bool:
    """Whether lenders called for cash and the havens were sold by about a usual month's move."""
    rows = slice(*episode)
    month = world.rules.usual * np.sqrt(21 / YEAR)
    pushed = -world.path.pressure[rows].sum(axis=0)
    cash = world.state(DASH)[rows].max() > 0
    return bool(cash and pushed[TREASURY] > month[TREASURY] and pushed[GOLD] > 0.7 * month[GOLD])


def _false_alarms(world: SimulatedWorld, selling: list[SessionSpan]) -> Iterator[SessionSpan]:
    """Shocks that moved equity and set nothing off in the month after them."""
    shocks, price = world.news.shocks, world.price(EQUITY)
    taken = _mask(selling, len(shocks), before=21, after=5)
    for t in np.flatnonzero((shocks > 0) & (shocks < 1 + list(KINDS).index("decree"))):
        after = price[t : t + 5]
        if t > 0 and not taken[t] and price[t - 1] - after.min() > ALARM:
            yield int(t), int(t + len(after))


def _trigger(news: News, first: int, *, crypto: bool) -> str:
    """Kind of the last shock in the 15 sessions up to the start; empty for none."""
    kinds = list(KINDS)
    seen = [kinds[number - 1] for number in news.shocks[max(first - 15, 0) : first + 1] if number]
    fitting = [kind for kind in seen if (kind == "decree") == crypto]
    return fitting[-1] if fitting else ""


def _fall(price: Floats, first: int, last: int) -> float:
    return float(price[first:last].min() - price[max(first - 21, 0) : first + 1].max())


def _between(values: Floats, begins: float, ends: float) -> Booleans:
    """True from where `values` exceed `begins` until they are at or below `ends`."""
    state = np.where(values > begins, 1.0, np.where(values <= ends, 0.0, np.nan))
    return np.asarray(pd.Series(state).ffill().fillna(0.0).to_numpy() > 0)


def _scaled(world: SimulatedWorld) -> Floats:
    """Forced selling pressure in usual daily volatilities of each market, >= 0."""
    return np.asarray(-world.path.pressure / (world.rules.usual / YEAR**0.5))


def _smooth(values: Floats) -> Floats:
    return np.asarray(pd.Series(values).ewm(halflife=3, adjust=False).mean().to_numpy())


def _mask(spans: list[SessionSpan], n: int, *, before: int = 0, after: int = 0) -> Booleans:
    mask = np.zeros(n, bool)
    for first, last in spans:
        mask[max(first - before, 0) : last + after] = True
    return mask


def _runs(mask: Booleans) -> list[SessionSpan]:
    edges = np.flatnonzero(np.diff(np.r_[0, mask.astype(np.int8), 0]))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def fire_sale(rules: Rules, path: Path) -> Floats:
    """Log fall of equity that forced sales would add to a fall of `SHOCK`, shape (n,), >= 0.

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
    hedged = SHOCK * (1 / (1 + np.minimum(path.state[:, GAMMA], 0.0)) - 1)
    return np.asarray(sales * rules.depth[EQUITY] * thin + hedged)


def _levered(rules: Rules, path: Path, variance: Floats, shocked: Floats) -> Floats:
    leverage, limit = path.state[:, LEVERAGE], path.state[:, LIMIT]
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

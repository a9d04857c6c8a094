"""Trend followers in the S&P 500: position, turning levels, and what they would trade."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from regime import kernels
from regime.errors import ConfigError
from regime.feature import Feature, FeatureFamily, check_positive
from regime.mechanisms.base import (
    Capital,
    Chart,
    KeyNumber,
    MarketView,
    Mechanism,
    MechanismReading,
    NoReading,
)
from regime.mechanisms.cta.exposure import TrendBook, speeds
from regime.mechanisms.cta.fund_size import ASSETS, R2, R2_LATER, fund_scale
from regime.mechanisms.cta.futures_price import excess_log_price, future_carry
from regime.mechanisms.cta.scenarios import HORIZONS, price_scenarios
from regime.mechanisms.cta.trend_rules import PriceAgo, solve_level
from regime.mechanisms.number_formats import CHANGE, LEVEL, SHARE, SIGMAS, flow_range
from regime.transforms import rolling_percentile

__all__ = ["TrendFeatures", "TrendFollowers", "held_price", "trigger_levels"]

FIRST = "1990-01-01"  # rows before it say nothing about positions since 2000
MONTHS = (1, 3, 6, 12)
WIDE = 0.6  # log distance within which the level of no exposure is looked for
INPUTS = ("sp500", "es", "dgs3mo", "spy")
FARTHEST = 10.0  # daily volatilities: beyond it a level is out of reach, however far it is
BOOK = TrendBook()
SLOW = TrendBook(
    filters={name: speeds()[name] for name in ("medium", "long")},
    weights={"medium": 0.5, "long": 0.5},
)


def held_price(values: pd.DataFrame) -> pd.Series:
    """Log of the roll-adjusted S&P 500 future, from what the panel has.

    Parameters
    ----------
    values : DataFrame, shape (n_sessions, n_series)
        Columns sp500 and, where there are any, es, dgs3mo and spy.

    Returns
    -------
    Series, shape (n_sessions,)
        See `excess_log_price`.

    **Known at:** row t uses rows up to t.
    """
    return excess_log_price(
        values["sp500"], *(values.get(name) for name in ("es", "dgs3mo", "spy"))
    )


def trigger_levels(close: pd.Series, log_price: pd.Series, book: TrendBook) -> pd.DataFrame:
    """Closes of the cash index at which each speed turns at the next session.

    Parameters
    ----------
    close, log_price : Series, shape (n_sessions,)
        The cash index, and the log of what is held.
    book : TrendBook

    Returns
    -------
    DataFrame, shape (n_sessions, n_speeds), index points
        The carry of one session, a hundredth of a percent, is left out. NaN until a filter's window
        is full.

    **Known at:** row t uses rows up to t.
    """
    return pd.DataFrame(
        {
            name: close * np.exp(rule.turning_level(log_price) - log_price)
            for name, rule in book.filters.items()
        }
    )


@dataclass(frozen=True, kw_only=True)
class TrendFeatures:
    """Features of trend followers in the S&P 500, in units that need no size of theirs.

    Parameters
    ----------
    crowding : int
        Sessions over which positions are ranked.
    month : int
        Sessions over which days of one-way selling are counted.

    Examples
    --------
    >>> [feature.spec.name for feature in TrendFeatures().features()][:2]
    ['positioning_trigger_distance', 'positioning_slow_trend_exposure_1260']
    """

    crowding: int = 1260
    month: int = 21

    def __post_init__(self) -> None:
        check_positive(self)

    def features(self) -> tuple[Feature, ...]:
        """Every feature of the mechanism, in the order of the columns."""
        make = FeatureFamily("positioning", "trend followers")
        return (
            make("trigger_distance", 0, -1, INPUTS, _nearest_trigger),
            make(
                "slow_trend_exposure",
                self.crowding,
                -1,
                INPUTS,
                lambda v: rolling_percentile(SLOW.exposure(held_price(v)), self.crowding),
            ),
            make("fall_selling", 5, 1, INPUTS, _fall_selling),
            make("trend_orders_open", 0, -1, INPUTS, _orders_open),
            make(
                "one_way_selling", self.month, 1, INPUTS, lambda v: _one_way_selling(v, self.month)
            ),
        )


def _nearest_trigger(values: pd.DataFrame) -> pd.Series:
    """Signed distance to the nearest level in daily volatilities; positive above it."""
    log_price = held_price(values)
    daily = BOOK.volatility(log_price)
    away = np.column_stack(
        [(log_price - rule.turning_level(log_price)) / daily for rule in BOOK.filters.values()]
    )
    nearest = away[np.arange(len(away)), np.argmin(np.nan_to_num(np.abs(away), nan=np.inf), axis=1)]
    whole = ~np.isnan(away).any(axis=1)
    return pd.Series(
        np.where(whole, np.clip(nearest, -FARTHEST, FARTHEST), np.nan), index=values.index
    )


def _fall_selling(values: pd.DataFrame) -> pd.Series:
    """Position after a flat week less that after a fall of two volatilities, in full sizes."""
    log_price, week = held_price(values), price_scenarios("1w")
    return BOOK.after(log_price, week["flat"]) - BOOK.after(log_price, week["down"])


def _orders_open(values: pd.DataFrame) -> pd.Series:
    """Position ordered less position held: what is still to be traded if nothing moves."""
    log_price = held_price(values)
    return BOOK.target(log_price) - BOOK.exposure(log_price)


def _one_way_selling(values: pd.DataFrame, month: int) -> pd.Series:
    """Share of a month's sessions on which they would sell in every scenario of the next week."""
    log_price = held_price(values)
    held = BOOK.exposure(log_price)
    best = np.maximum.reduce(
        [
            (BOOK.after(log_price, scenario) - held).to_numpy()
            for scenario in price_scenarios("1w").values()
        ]
    )
    sells = pd.Series(np.where(np.isnan(best), np.nan, best < 0.0), index=values.index)
    return sells.rolling(month, min_periods=month).mean()


@dataclass(frozen=True, kw_only=True)
class TrendFollowers(Mechanism):
    """What trend followers hold in the S&P 500, where they turn, and what they would trade.

    Parameters
    ----------
    book : TrendBook
        Their rule.
    size : float
        Volatilities of the horizon that the up and down scenarios move.
    since : str
        First day of the years that the exposure is ranked in.
    capital : Capital, optional
        USD bn behind an exposure of 1; by default from the fit to a fund index.

    Raises
    ------
    ConfigError
        If a parameter is impossible.

    Examples
    --------
    >>> dates = pd.bdate_range("2020-01-01", periods=900, name="date")
    >>> closes = 1000 * np.exp(np.cumsum(np.tile([0.011, -0.009], 450)))
    >>> rising = pd.DataFrame({"sp500": closes}, index=dates)
    >>> cta = TrendFollowers()(rising, dates[-1]).to_dict()["sp500"]
    >>> cta["broken"], cta["held"]
    ({'short': False, 'medium': False, 'long': False}, 'the index alone')
    """

    key = "cta"
    title = "Trend followers"
    group = "Positioning and forced flows"
    inputs = INPUTS
    family = TrendFeatures
    numbers = (
        KeyNumber("sp500.exposure", "exposure", CHANGE),
        KeyNumber("sp500.percentile", "percentile since 2000", SHARE),
        KeyNumber("sp500.triggers.short", "short trigger", LEVEL),
        KeyNumber("sp500.triggers.medium", "medium trigger", LEVEL),
        KeyNumber("sp500.triggers.long", "long trigger", LEVEL),
        KeyNumber("sp500.nearest.sigmas", "nearest trigger, sigmas", SIGMAS),
        *(
            KeyNumber(
                f"sp500.flows_usd_bn.{horizon}.{scenario}",
                f"{label}, {scenario} scenario, USD bn",
                flow_range,
            )
            for horizon, label in (("1w", "week"), ("1m", "month"))
            for scenario in ("up", "flat", "down")
        ),
    )
    chart = Chart("Exposure, of full size", ".0%", {"exposure": "Exposure"})

    book: TrendBook = field(default_factory=TrendBook)
    size: float = 2.0
    since: str = "2000-01-01"
    capital: Capital | None = None

    def __post_init__(self) -> None:
        price_scenarios("1w", self.size)
        try:
            pd.Timestamp(self.since)
        except ValueError as error:
            raise ConfigError(
                f"since: must be a day such as 2000-01-01, got {self.since}"
            ) from error

    def read(self, view: MarketView) -> MechanismReading | NoReading:
        """Reading of a market view; see `__call__`."""
        return self(view.values, view.as_of)

    def __call__(self, values: pd.DataFrame, as_of: pd.Timestamp) -> MechanismReading | NoReading:
        """Read the table of one decision.

        Parameters
        ----------
        values : DataFrame, shape (n_sessions, n_series)
            The panel's values; read are sp500, es, dgs3mo and spy.
        as_of : Timestamp
            Decision date; later rows are not read.

        Returns
        -------
        MechanismReading or NoReading
            NoReading without enough closes of the S&P 500.

        **Known at:** the close of `as_of`.
        """
        known = values.loc[FIRST:as_of]
        have = int(known["sp500"].notna().sum()) if "sp500" in known else 0
        if have <= self.book.reach:
            return NoReading(
                name="cta",
                reason=f"the slowest filter reads {self.book.reach} closes of the S&P 500; "
                f"{have} are known",
            )
        log_price = held_price(known)
        if (
            self.book.exposure(log_price).tail(1).isna().all()
            or known["sp500"].tail(1).isna().all()
        ):
            return NoReading(
                name="cta", reason="the S&P 500 has no close or no volatility on the date"
            )
        history = self._history(known["sp500"], log_price)
        read = {
            **self._position(known["sp500"], log_price, history),
            **self._trades(log_price),
            **self._basis(known, log_price),
        }
        return MechanismReading(
            name="cta",
            sentence=_sentence(read),
            values={"sp500": read},
            history=history.loc[self.since :],
        )

    def _history(self, close: pd.Series, log_price: pd.Series) -> pd.DataFrame:
        levels = trigger_levels(close, log_price, self.book).add_prefix("trigger_")
        return levels.assign(exposure=self.book.exposure(log_price), sp500=close)

    def _position(
        self, close: pd.Series, log_price: pd.Series, history: pd.DataFrame
    ) -> dict[str, Any]:
        last, now = history.iloc[-1], float(close.iloc[-1])
        daily = float(self.book.volatility(log_price).iloc[-1])
        triggers = {name: float(last[f"trigger_{name}"]) for name in self.book.filters}
        away = {name: float(np.log(now / level)) / daily for name, level in triggers.items()}
        nearest = min(away, key=lambda name: abs(away[name]))
        ranked = np.ascontiguousarray(history.loc[self.since :, "exposure"].to_numpy())
        signals = self.book.signals(log_price).iloc[-1].clip(-1.0, 1.0)
        return {
            "close": now,
            "exposure": last["exposure"],
            "ordered": self.book.target(log_price).iloc[-1],
            "percentile": kernels.rolling_rank(ranked, 0, 252)[-1] if ranked.size else None,
            "since": self.since,
            "speeds": {name: float(signals[name]) for name in self.book.filters},
            "triggers": triggers,
            "broken": {name: bool(now < level) for name, level in triggers.items()},
            "distance_sigmas": away,
            "nearest": {"speed": nearest, "sigmas": away[nearest]},
            "volatility": daily * np.sqrt(252),
            "no_exposure_below": self._no_exposure(now, log_price, daily),
        }

    def _no_exposure(self, close: float, log_price: pd.Series, daily: float) -> float:
        """Close of the next session at which the whole order, clipped speeds and all, is zero."""
        keep = 0.5 ** (1.0 / self.book.halflife)
        levels = {
            name: float((rule.turning_level(log_price) - log_price).iloc[-1])
            for name, rule in self.book.filters.items()
        }

        def order(step: float) -> float:
            sizing = np.sqrt(keep * daily**2 + (1.0 - keep) * step**2)
            return sum(
                self.book.weights[name]
                * float(np.clip((step - levels[name]) / (sizing * rule.size), -1.0, 1.0))
                for name, rule in self.book.filters.items()
            )

        return close * float(np.exp(solve_level(order, -WIDE, WIDE)))

    def _trades(self, log_price: pd.Series) -> dict[str, Any]:
        recent = log_price.iloc[
            -3 * self.book.reach :
        ]  # what lies further back has left the averages
        held = float(self.book.exposure(recent).iloc[-1])
        daily = float(self.book.volatility(recent, self.book.recent).iloc[-1])
        paths = {horizon: price_scenarios(horizon, self.size) for horizon in HORIZONS}
        changes = {
            horizon: {
                name: float(self.book.after(recent, scenario).iloc[-1]) - held
                for name, scenario in of.items()
            }
            for horizon, of in paths.items()
        }
        moves = {
            horizon: {
                name: float(np.expm1(scenario.move * daily * np.sqrt(scenario.sessions)))
                for name, scenario in of.items()
            }
            for horizon, of in paths.items()
        }
        money = self.capital or fund_scale(self.book.full_at)
        return {
            "flows_usd_bn": {
                horizon: {name: money.flows(change) for name, change in of.items()}
                for horizon, of in changes.items()
            },
            "seller_in_every_scenario": max(changes["1w"].values()) < 0.0,
            "seller_in_every_scenario_1m": max(changes["1m"].values()) < 0.0,
            "down_minus_flat_usd_bn": {
                horizon: money.flows(of["down"] - of["flat"]) for horizon, of in changes.items()
            },
            "scenario_sigmas": self.size,
            "scenario_moves": moves,
            "usd_bn_per_exposure": money.to_dict(),
            "assets_usd_bn": ASSETS.to_dict(),
            "r2": R2,
            "r2_later": R2_LATER,
        }

    def _basis(self, known: pd.DataFrame, log_price: pd.Series) -> dict[str, Any]:
        close = known["sp500"]
        recent = close.loc[known.index[-1] - pd.DateOffset(years=2) :]
        ago = {
            f"{months}m": float(
                np.exp(PriceAgo(months=months).turning_level(np.log(recent)).iloc[-1])
            )
            for months in MONTHS
        }
        carry = _carry(known)
        held = (
            "the front future, rolled"
            if not np.isnan(carry)
            else "the index with bills and dividends"
        )
        if (
            np.isnan(carry)
            and (log_price.diff() - np.log(close).diff()).tail(1).abs().max() < 1e-12
        ):
            held = "the index alone"
        return {"price_ago_levels": ago, "carry": carry, "held": held}


def _carry(known: pd.DataFrame) -> float:
    if "es" not in known:
        return float("nan")
    none = pd.Series(0.0, index=known.index)
    return float(future_carry(known["sp500"], known["es"], none).iloc[-1])


def _sentence(read: dict[str, Any]) -> str:
    side = "long" if read["exposure"] > 0 else "short"
    rank = read["percentile"]
    ranked = (
        "" if rank is None else f", higher than on {rank:.0%} of days since {read['since'][:4]}"
    )
    broken = [name for name, is_broken in read["broken"].items() if is_broken]
    levels = ", ".join(f"{name} {level:,.0f}" for name, level in read["triggers"].items())
    which = (
        "all of them" if len(broken) == len(read["broken"]) else f"the {' and '.join(broken)} one"
    )
    position = f"below {which}" if broken else "above all of them"
    below = f"; the index at {read['close']:,.0f} is {position}"
    week = read["flows_usd_bn"]["1w"]
    month = read["flows_usd_bn"]["1m"]
    moves = read["scenario_moves"]
    every = (
        "sell in every scenario"
        if read["seller_in_every_scenario"]
        else f"{_trade(week['flat'])} in a flat scenario"
    )
    return (
        f"Trend followers are {side} the S&P 500 at {abs(read['exposure']):.0%} of their full "
        f"size{ranked}. "
        f"They turn at {levels}{below}. Over a week they would {every}, and "
        f"{_trade(week['down'])} on a fall of "
        f"{-moves['1w']['down']:.1%}; over a month, {_trade(month['down'])} on one of "
        f"{-moves['1m']['down']:.1%}. "
        f"The amounts rest on a fit that explains {read['r2']:.0%} of a fund index."
    )


def _trade(flow: dict[str, float]) -> str:
    if not abs(flow["mid"]) >= 0.5:
        return "trade little"
    near, far = sorted((abs(flow["low"]), abs(flow["high"])))
    action = "buy" if flow["mid"] > 0 else "sell"
    return f"{action} USD {abs(flow['mid']):.0f} bn ({near:.0f}-{far:.0f})"

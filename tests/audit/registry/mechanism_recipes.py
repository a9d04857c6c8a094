"""How to ask the mechanisms.

Readings of a date, and quantities whose arguments do not say what they are.

A reading of date t must be the same whatever comes after t: its history up to t, and every number
and word that it tells of t.
"""

from __future__ import annotations

import inspect
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from regime.mechanisms.base import MechanismReading
from regime.mechanisms.cta.exposure import TrendBook
from regime.mechanisms.futures_positioning.contracts import CONTRACTS
from regime.mechanisms.tech_valuation.earnings import reaction_asymmetry, report_reactions
from regime.studies.leakage.inputs import Published, Rows
from regime.studies.leakage.probes import Builder
from regime.studies.leakage.subject import Subject
from tests.audit.registry.conventions import table_of
from tests.audit.registry.discovery import Found

__all__ = ["MECHANISM_RECIPES", "reading_builder", "reads"]

# sessions that a reading is asked on: ranks of five years are short of it, laws of time are not
READ = 800
FLOWN = 700  # sessions on which events are laid
Recipe = Callable[[Found, Subject], list[Builder]]


def reads(thing: Any) -> bool:
    """Whether a class is a mechanism's reading: called with the panel's values and a date."""
    call = vars(thing).get("__call__")
    return call is not None and {"values", "as_of"} <= set(inspect.signature(call).parameters)


def reading_builder(item: Found, made: Callable[..., Any], subject: Subject) -> Builder:
    """History and values of a reading as of each date.

    Parameters
    ----------
    item : Found
    made : callable
        ``made(values, as_of) -> MechanismReading | NoReading``.
    subject : Subject
    """
    short = subject.last(READ)

    def build(part: Rows, t: int) -> pd.DataFrame:
        with np.errstate(
            all="ignore"
        ):  # what the audit puts in place of a future may be beyond any market
            return _told(made(part.frames["values"], short.sessions[t]), short.sessions[t])

    given = Rows(frames={"values": short.every})
    return Builder(name=item.name, place=item.place, given=given, build=build, dated=True)


def _told(reading: Any, date: pd.Timestamp) -> pd.DataFrame:
    """What a reading says as rows.

    Its history, and on the date whatever it tells of it, words as numbers.

    Parameters
    ----------
    reading : MechanismReading or NoReading
    date : Timestamp
    """
    if not isinstance(reading, MechanismReading):
        return pd.DataFrame(index=pd.DatetimeIndex([date], name="date"))
    told = {
        f"value {place}": pd.Series(value, index=[date])
        for place, value in _leaves(reading.values, "")
    }
    past = {f"history {name}": reading.history[name] for name in reading.history}
    return pd.DataFrame({**past, **told}, dtype=float).rename_axis("date")


def _leaves(value: Any, place: str) -> Iterator[tuple[str, float]]:
    """Every number of nested values by its place; a word becomes its checksum, and nothing NaN."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, f"{place}.{key}")
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from _leaves(item, f"{place}.{i}")
    else:
        yield (
            place,
            float(zlib.crc32(value.encode()))
            if isinstance(value, str)
            else float("nan" if value is None else value),
        )


def _gamma(item: Found, subject: Subject) -> list[Builder]:
    """The reading of dealers' gamma by the daily series."""
    return [
        reading_builder(
            item, lambda values, as_of: item.thing()(as_of=as_of, gex=values["gex"]), subject
        )
    ]


def _of_values(call: Callable[[Any, pd.DataFrame], Any], delay: bool = True) -> Recipe:
    """Recipe of a function that is called with the panel's values in its own way."""

    def recipe(item: Found, subject: Subject) -> list[Builder]:
        def build(part: Rows, t: int) -> pd.DataFrame:
            with np.errstate(all="ignore"):
                return table_of(call(item.thing, part.frames["values"]), part.sessions, item.name)

        given = Rows(frames={"values": subject.last(READ).every})
        return [Builder(name=item.name, place=item.place, given=given, build=build, delay=delay)]

    return recipe


def _of_bars(item: Found, subject: Subject) -> list[Builder]:
    """A model of bars, called with them alone."""
    return [
        Builder(
            name=item.name,
            place=item.place,
            given=Rows(frames={"bars": subject.bars}),
            build=lambda part, t: table_of(
                item.thing()(part.frames["bars"]), part.sessions, item.name
            ),
        )
    ]


def _of_events(call: Callable[[Any, pd.DataFrame, pd.DataFrame], Any]) -> Recipe:
    """Recipe of a function of events: the observations themselves, each an event of its release.

    What is called gets the function, the events (ticker, released, date, value) and prices over the
    sessions.
    """

    def recipe(item: Found, subject: Subject) -> list[Builder]:
        short = subject.last(FLOWN)
        names = [str(name) for name in short.market.columns]
        rows = subject.observations
        own = rows[
            rows["series"].isin(names)
            & (rows["period"].dt.day_of_week == 2)
            & (rows["period"] >= short.sessions[0])
        ]

        def build(part: Published, t: int) -> pd.DataFrame:
            table = part.observations
            events = pd.DataFrame(
                {
                    "ticker": table["series"].astype(str),
                    "released": table["released"],
                    "date": table["period"],
                    "value": table["value"],
                }
            ).reset_index(drop=True)
            prices = short.market.loc[: part.sessions[-1]]
            return table_of(call(item.thing, events, prices), part.sessions, item.name)

        return [
            Builder(
                name=item.name,
                place=item.place,
                build=build,
                delay=False,
                given=Published(observations=own, sessions=short.sessions),
            )
        ]

    return recipe


def _reports(events: pd.DataFrame) -> pd.DataFrame:
    """Events as announcements of earnings.

    A surprise either way, and earnings of the size of a hundredth.
    """
    surprise = np.where(events["date"].dt.day % 3 > 0, 4.0, -4.0)
    return events.assign(
        surprise=surprise * events["value"] / (1.0 + events["value"]), eps=events["value"] / 100.0
    )


def _largest(thing: Any, events: pd.DataFrame, prices: pd.DataFrame) -> pd.DataFrame:
    table = thing(events.assign(market_cap=events["value"]), prices.index, 3)
    return table.reindex(columns=list(prices.columns), fill_value=False).astype(float)


def _asymmetry(thing: Any, events: pd.DataFrame, prices: pd.DataFrame) -> pd.DataFrame:
    reacted = report_reactions(_reports(events), prices, prices["sp500"] * 0.0 + 1.0)
    return reaction_asymmetry(reacted, pd.DatetimeIndex(prices.index), 126)


def _dated(events: pd.DataFrame, column: str) -> pd.DataFrame:
    """Events of one series, as a user's own file would have them."""
    own = events[events["ticker"] == "sp500"]
    return own.assign(date=own["date"].dt.strftime("%Y-%m-%d"), **{column: own["value"]})


def _curve_codes(thing: Any, values: pd.DataFrame) -> pd.Series:
    words = thing(values)
    return pd.Series(
        [zlib.crc32(word.encode()) if isinstance(word, str) else np.nan for word in words],
        values.index,
    )


def _states(thing: Any, values: pd.DataFrame) -> pd.DataFrame:
    return pd.concat(
        [table.add_prefix(f"{name} ") for name, table in thing(values).items()], axis=1
    )


def _pressure(thing: Any, values: pd.DataFrame) -> pd.Series:
    price = values["sp500"]
    return thing(-values["vix"] / 100.0, price.rolling(42, min_periods=5).mean(), price, -1)


SP500 = CONTRACTS["sp500"]
LEVERAGED = SP500.groups["leveraged_funds"]
MECHANISM_RECIPES: Mapping[str, Recipe] = {
    "mechanisms.futures_positioning.positioning.contract_price": _of_values(
        lambda thing, v: thing(v, SP500)
    ),
    "mechanisms.futures_positioning.positioning.net_position": _of_values(
        lambda thing, v: thing(v, LEVERAGED)
    ),
    "mechanisms.futures_positioning.positioning.net_share": _of_values(
        lambda thing, v: thing(v, LEVERAGED)
    ),
    "mechanisms.futures_positioning.positioning.new_reports": _of_values(
        lambda thing, v: thing(v, LEVERAGED).astype(float), delay=False
    ),
    "mechanisms.futures_positioning.positioning.squeeze_pressure": _of_values(_pressure),
    "mechanisms.cta.futures_price.future_carry": _of_values(
        lambda thing, v: thing(v["sp500"], v["sp500"] * (1.0 + v["vix"] / 1e4), v["sp500"] * 0.0)
    ),
    "mechanisms.cta.mechanism.trigger_levels": _of_values(
        lambda thing, v: thing(v["sp500"], np.log(v["sp500"]), TrendBook())
    ),
    "mechanisms.dealer_gamma.mechanism.DealerGamma": _gamma,
    "mechanisms.tech_valuation.earnings.reaction_asymmetry": _of_events(_asymmetry),
    "mechanisms.tech_valuation.earnings.trailing_earnings": _of_events(
        lambda thing, events, prices: thing(_reports(events), prices.index)
    ),
    "mechanisms.events.known_values": _of_events(
        lambda thing, events, prices: thing(
            _dated(events, "value"), "value", prices.index, name="own", longest_age=45
        )
    ),
    "mechanisms.analogs.episode.episode_signals": _of_values(lambda thing, v: thing(v)),
    "mechanisms.market_depth.spread_estimators.HalfSpread": _of_bars,
    "mechanisms.tech_valuation.leadership.largest_members": _of_events(_largest),
    "mechanisms.tech_valuation.leadership.rotation": _of_values(
        lambda thing, v: thing(v["nasdaq"], v["sp500"])
    ),
    "mechanisms.long_end.curve_states": _of_values(_curve_codes),
    "mechanisms.volatility_targeting.margin_debt.margin_growth": _of_values(
        lambda thing, v: thing(v["margin_debt"], v["sp500"])
    ),
    "mechanisms.market_depth.mechanism.book_depth": _of_events(
        lambda thing, events, prices: thing(_dated(events, "depth"), prices.index)
    ),
    "mechanisms.market_depth.mechanism.spread_estimates": _of_values(
        lambda thing, v: thing(v, "spy")
    ),
    "mechanisms.analogs.market_state.market_state": _of_values(_states),
    "mechanisms.tech_valuation.multiples.as_reported_multiple": _of_events(
        lambda thing, events, prices: thing(_reports(events), prices)
    ),
    "mechanisms.tech_valuation.multiples.user_multiple": _of_events(
        lambda thing, events, prices: thing(_dated(events, "forward_pe"), prices.index)
    ),
    "mechanisms.pension.return_to_date": _of_values(lambda thing, v: thing(v["sp500"], "month")),
}

"""Custom builders of mechanisms: readings of a date, and functions with arguments of their own.

A reading of date t must be the same whatever comes after t: its history up to t, and every number
and word that it states for t.
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
from regime.studies.leakage.inputs import FrameInput, ObservationInput
from regime.studies.leakage.probes import Builder
from regime.studies.leakage.subject import AuditSubject
from tests.audit.registry.auto_detected import table_of
from tests.audit.registry.discovery import PublicObject

__all__ = ["MECHANISM_BUILDERS", "reading_builder", "reads"]

READING_SESSIONS = 800  # of history for a reading
EVENT_SESSIONS = 700  # over which events are distributed
BuilderFactory = Callable[[PublicObject, AuditSubject], list[Builder]]


def reads(target: Any) -> bool:
    """Whether a class is a mechanism's reading: called with the panel's values and a date."""
    call = vars(target).get("__call__")
    return call is not None and {"values", "as_of"} <= set(inspect.signature(call).parameters)


def reading_builder(item: PublicObject, read: Callable[..., Any], subject: AuditSubject) -> Builder:
    """History and values of a reading as of each date.

    Parameters
    ----------
    item : PublicObject
    read : callable
        ``read(values, as_of) -> MechanismReading | NoReading``.
    subject : AuditSubject
    """
    short = subject.last(READING_SESSIONS)

    def build(part: FrameInput, t: int) -> pd.DataFrame:
        date = short.sessions[t]
        with np.errstate(all="ignore"):  # perturbed values may lie outside of any real market
            return _reading_table(read(part.frames["values"], date), date)

    inputs = FrameInput(frames={"values": short.all_series})
    return Builder(
        name=item.name, location=item.location, inputs=inputs, build=build, depends_on_date=True
    )


def _reading_table(reading: Any, date: pd.Timestamp) -> pd.DataFrame:
    """History of a reading, and on its date all its values, words as numbers."""
    if not isinstance(reading, MechanismReading):
        return pd.DataFrame(index=pd.DatetimeIndex([date], name="date"))
    values = {
        f"value {path}": pd.Series(value, index=[date])
        for path, value in _leaves(reading.values, "")
    }
    history = {f"history {name}": reading.history[name] for name in reading.history}
    return pd.DataFrame({**history, **values}, dtype=float).rename_axis("date")


def _leaves(value: Any, path: str) -> Iterator[tuple[str, float]]:
    """Every number of nested values by its path; a word becomes its checksum, None becomes NaN."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}")
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from _leaves(item, f"{path}.{i}")
    else:
        yield (
            path,
            float(zlib.crc32(value.encode()))
            if isinstance(value, str)
            else float("nan" if value is None else value),
        )


def _gamma(item: PublicObject, subject: AuditSubject) -> list[Builder]:
    """The reading of dealer gamma from the daily series."""
    return [
        reading_builder(
            item, lambda values, as_of: item.target()(as_of=as_of, gex=values["gex"]), subject
        )
    ]


def _of_values(
    call: Callable[[Any, pd.DataFrame], Any], moves_with_delay: bool = True
) -> BuilderFactory:
    """Builders of a function that is called with the panel's values in its own way."""

    def recipe(item: PublicObject, subject: AuditSubject) -> list[Builder]:
        def build(part: FrameInput, t: int) -> pd.DataFrame:
            with np.errstate(all="ignore"):
                return table_of(call(item.target, part.frames["values"]), part.sessions, item.name)

        inputs = FrameInput(frames={"values": subject.last(READING_SESSIONS).all_series})
        return [
            Builder(
                name=item.name,
                location=item.location,
                inputs=inputs,
                build=build,
                moves_with_delay=moves_with_delay,
            )
        ]

    return recipe


def _of_bars(item: PublicObject, subject: AuditSubject) -> list[Builder]:
    """A model of bars, called with them alone."""
    return [
        Builder(
            name=item.name,
            location=item.location,
            inputs=FrameInput(frames={"bars": subject.bars}),
            build=lambda part, t: table_of(
                item.target()(part.frames["bars"]), part.sessions, item.name
            ),
        )
    ]


def _of_events(call: Callable[[Any, pd.DataFrame, pd.DataFrame], Any]) -> BuilderFactory:
    """Builders of a function of events: every observation is an event of its release.

    `call` gets the function, the events (ticker, released, date, value) and prices over the
    sessions.
    """

    def recipe(item: PublicObject, subject: AuditSubject) -> list[Builder]:
        short = subject.last(EVENT_SESSIONS)
        names = [str(name) for name in short.market.columns]
        rows = subject.observations
        chosen = rows[
            rows["series"].isin(names)
            & (rows["period"].dt.day_of_week == 2)
            & (rows["period"] >= short.sessions[0])
        ]

        def build(part: ObservationInput, t: int) -> pd.DataFrame:
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
            return table_of(call(item.target, events, prices), part.sessions, item.name)

        return [
            Builder(
                name=item.name,
                location=item.location,
                build=build,
                moves_with_delay=False,
                inputs=ObservationInput(observations=chosen, sessions=short.sessions),
            )
        ]

    return recipe


def _reports(events: pd.DataFrame) -> pd.DataFrame:
    """Events as earnings reports: a surprise either way, earnings a hundredth of the value."""
    surprise = np.where(events["date"].dt.day % 3 > 0, 4.0, -4.0)
    return events.assign(
        surprise=surprise * events["value"] / (1.0 + events["value"]), eps=events["value"] / 100.0
    )


def _largest(target: Any, events: pd.DataFrame, prices: pd.DataFrame) -> pd.DataFrame:
    table = target(events.assign(market_cap=events["value"]), prices.index, 3)
    return table.reindex(columns=list(prices.columns), fill_value=False).astype(float)


def _asymmetry(target: Any, events: pd.DataFrame, prices: pd.DataFrame) -> pd.DataFrame:
    reacted = report_reactions(_reports(events), prices, prices["sp500"] * 0.0 + 1.0)
    return reaction_asymmetry(reacted, pd.DatetimeIndex(prices.index), 126)


def _dated(events: pd.DataFrame, column: str) -> pd.DataFrame:
    """Events of one series, as in a file of the user."""
    rows = events[events["ticker"] == "sp500"]
    return rows.assign(date=rows["date"].dt.strftime("%Y-%m-%d"), **{column: rows["value"]})


def _curve_codes(target: Any, values: pd.DataFrame) -> pd.Series:
    words = target(values)
    return pd.Series(
        [zlib.crc32(word.encode()) if isinstance(word, str) else np.nan for word in words],
        values.index,
    )


def _states(target: Any, values: pd.DataFrame) -> pd.DataFrame:
    return pd.concat(
        [table.add_prefix(f"{name} ") for name, table in target(values).items()], axis=1
    )


def _pressure(target: Any, values: pd.DataFrame) -> pd.Series:
    price = values["sp500"]
    return target(-values["vix"] / 100.0, price.rolling(42, min_periods=5).mean(), price, -1)


SP500 = CONTRACTS["sp500"]
LEVERAGED = SP500.groups["leveraged_funds"]
MECHANISM_BUILDERS: Mapping[str, BuilderFactory] = {
    "mechanisms.futures_positioning.positioning.contract_price": _of_values(
        lambda target, v: target(v, SP500)
    ),
    "mechanisms.futures_positioning.positioning.net_position": _of_values(
        lambda target, v: target(v, LEVERAGED)
    ),
    "mechanisms.futures_positioning.positioning.net_share": _of_values(
        lambda target, v: target(v, LEVERAGED)
    ),
    "mechanisms.futures_positioning.positioning.new_reports": _of_values(
        lambda target, v: target(v, LEVERAGED).astype(float), moves_with_delay=False
    ),
    "mechanisms.futures_positioning.positioning.squeeze_pressure": _of_values(_pressure),
    "mechanisms.cta.futures_price.future_carry": _of_values(
        lambda target, v: target(v["sp500"], v["sp500"] * (1.0 + v["vix"] / 1e4), v["sp500"] * 0.0)
    ),
    "mechanisms.cta.mechanism.trigger_levels": _of_values(
        lambda target, v: target(v["sp500"], np.log(v["sp500"]), TrendBook())
    ),
    "mechanisms.dealer_gamma.mechanism.DealerGamma": _gamma,
    "mechanisms.tech_valuation.earnings.reaction_asymmetry": _of_events(_asymmetry),
    "mechanisms.tech_valuation.earnings.trailing_earnings": _of_events(
        lambda target, events, prices: target(_reports(events), prices.index)
    ),
    "mechanisms.events.known_values": _of_events(
        lambda target, events, prices: target(
            _dated(events, "value"), "value", prices.index, name="events", longest_age=45
        )
    ),
    "mechanisms.analogs.episode.episode_signals": _of_values(lambda target, v: target(v)),
    "mechanisms.market_depth.spread_estimators.HalfSpread": _of_bars,
    "mechanisms.tech_valuation.leadership.largest_members": _of_events(_largest),
    "mechanisms.tech_valuation.leadership.rotation": _of_values(
        lambda target, v: target(v["nasdaq"], v["sp500"])
    ),
    "mechanisms.long_end.curve_states": _of_values(_curve_codes),
    "mechanisms.volatility_targeting.margin_debt.margin_growth": _of_values(
        lambda target, v: target(v["margin_debt"], v["sp500"])
    ),
    "mechanisms.market_depth.mechanism.book_depth": _of_events(
        lambda target, events, prices: target(_dated(events, "depth"), prices.index)
    ),
    "mechanisms.market_depth.mechanism.spread_estimates": _of_values(
        lambda target, v: target(v, "spy")
    ),
    "mechanisms.analogs.market_state.market_state": _of_values(_states),
    "mechanisms.tech_valuation.multiples.as_reported_multiple": _of_events(
        lambda target, events, prices: target(_reports(events), prices)
    ),
    "mechanisms.tech_valuation.multiples.user_multiple": _of_events(
        lambda target, events, prices: target(_dated(events, "forward_pe"), prices.index)
    ),
    "mechanisms.pension.return_to_date": _of_values(lambda target, v: target(v["sp500"], "month")),
}

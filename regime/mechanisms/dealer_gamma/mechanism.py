"""Dealer gamma: whether those who hedge options lean against the market's moves or push them on.

A dealer who is long gamma sells what rises and buys what falls; one who is short does the reverse,
and a fall then feeds itself. Who is long what is not published: a sign convention stands for it,
named and printed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from regime.errors import ConfigError
from regime.mechanisms.base import (
    Chart,
    DataFile,
    KeyNumber,
    MarketView,
    Mechanism,
    MechanismReading,
    NoReading,
)
from regime.mechanisms.dealer_gamma.daily_series import (
    GammaFeatures,
    days_since_negative,
    gamma_rank,
    relative_gamma,
)
from regime.mechanisms.dealer_gamma.implied import ImpliedCarry, chain_volatility, implied_carry
from regime.mechanisms.dealer_gamma.option_chain import (
    CLOSING,
    EUROPEAN,
    ZONE,
    Contracts,
    check_chain,
    clock,
    live_contracts,
)
from regime.mechanisms.dealer_gamma.profile import CONVENTIONS, GammaBook, gamma_book, spot_grid
from regime.mechanisms.number_formats import LEVEL, SHARE, number_format

__all__ = ["SIDES", "DealerGamma", "chain_sentence", "convention_words", "daily_sentence"]

NAME = "gamma"
DAILY_CONVENTION = "dealers_long_calls_short_puts"
SIDES = {1: "long", -1: "short", 0: "flat"}
EFFECTS = {
    1: "they lean against moves",
    -1: "they trade with moves",
    0: "they neither lean nor push",
}


@dataclass(frozen=True, kw_only=True)
class DealerGamma(Mechanism):
    """Reads dealers' gamma from an option chain, or from a published daily series without one.

    Parameters
    ----------
    convention : str
        What dealers hold: ``dealers_long_calls_short_puts``, ``dealers_short_calls_long_puts``,
        ``dealers_long_all`` or ``dealers_short_all``.
    rate, dividend_yield : float, optional
        Continuous, a year, as fractions; left out, both come from the chain's own put-call parity,
        expiry by expiry, and are 0 where its quotes do not give them.
    grid_width : float
        Fraction of the spot on either side over which the profile is drawn and zeros are sought, in
        (0, 1).
    grid_points : int
        Odd, at least 3.
    lookback : int
        Sessions among which a daily value is ranked.
    max_age_days : int
        Calendar days after which a chain no longer describes today.
    grace_minutes : int
        How long after 16:00 quotes of a date may be stamped and still count for its decision:
        vendors' pages show closing quotes a quarter of an hour late.
    quoted_at : str, optional
        Hour ("HH:MM", New York) of a chain whose file has a date alone.
    same_day_hours : float
        What is taken to be left to options of the chain's own date where that hour is unknown and
        the file shows them alive.

    Examples
    --------
    >>> chain = pd.DataFrame(
    ...     {
    ...         "date": "2024-01-02",
    ...         "spot": 5000.0,
    ...         "strike": [5000.0, 4800.0, 5200.0, 5000.0],
    ...         "expiry": ["2024-02-01", "2024-02-01", "2024-03-02", "2024-03-02"],
    ...         "type": list("CPCP"),
    ...         "iv": [0.20, 0.25, 0.18, 0.21],
    ...         "open_interest": [1000, 2000, 1500, 800],
    ...     }
    ... )
    >>> reading = DealerGamma()(chain=chain, as_of=pd.Timestamp("2024-01-02"))
    >>> round(reading.values["total_usd"], 2), round(reading.values["nearest_zero"], 4)
    (5871793.06, 4955.7114)
    """

    key = "gamma"
    title = "Dealer gamma"
    group = "Positioning and forced flows"
    inputs = ("gex",)
    files = (DataFile(name="chain", form="option chain"),)
    family = GammaFeatures
    numbers = (
        KeyNumber("total_usd", "gamma per 1 %, USD bn", number_format("{:+.2f}", 1e-9)),
        KeyNumber("percentile", "percentile", SHARE),
        KeyNumber("nearest_zero", "nearest zero-gamma price", LEVEL),
        KeyNumber("call_wall", "call wall", LEVEL),
        KeyNumber("put_wall", "put wall", LEVEL),
    )
    chart = Chart("Rank in a year", ".0%", {"rank": "Rank of dollar gamma"})

    convention: str = "dealers_long_calls_short_puts"
    rate: float | None = None
    dividend_yield: float | None = None
    grid_width: float = 0.15
    grid_points: int = 121
    lookback: int = 252
    max_age_days: int = 7
    grace_minutes: int = 60
    quoted_at: str | None = None
    same_day_hours: float = 3.25

    def __post_init__(self) -> None:
        if self.convention not in CONVENTIONS:
            raise ConfigError(
                f"convention: must be one of {', '.join(CONVENTIONS)}, got {self.convention!r}"
            )
        for name in ("rate", "dividend_yield"):
            value = getattr(self, name)
            if value is not None and not -0.2 <= value <= 0.5:
                raise ConfigError(f"{name}: must be a fraction a year in [-0.2, 0.5], got {value}")
        for name, low, high in (
            ("lookback", 2, 10_000),
            ("max_age_days", 0, 31),
            ("grace_minutes", 0, 479),
            ("same_day_hours", 0.01, 6.5),
        ):
            if not low <= getattr(self, name) <= high:
                raise ConfigError(f"{name}: must lie in [{low}, {high}], got {getattr(self, name)}")
        spot_grid(1.0, self.grid_width, self.grid_points)
        if self.quoted_at is not None:
            clock(self.quoted_at, "quoted_at")

    def read(self, view: MarketView) -> MechanismReading | NoReading:
        """Reading of a market view; see `__call__`."""
        return self(as_of=view.as_of, chain=view.files.get("chain"), gex=view.values.get("gex"))

    def __call__(
        self,
        *,
        as_of: pd.Timestamp,
        chain: pd.DataFrame | None = None,
        gex: pd.Series | None = None,
    ) -> MechanismReading | NoReading:
        """Read the newest chain known at a decision, else the daily series.

        Parameters
        ----------
        as_of : Timestamp
            Decision date, naive midnight.
        chain : DataFrame, optional
            Option chains of one or more dates, in the columns of `check_chain`.
        gex : Series, shape (n_sessions,), optional
            Daily dollar gamma as known at each session's close.

        Returns
        -------
        MechanismReading or NoReading

        Raises
        ------
        InvalidDataError
            If the chain breaks a rule.

        **Known at:** a chain counts from the close of its date on. The open interest in it is that
        of the evening before: positions opened on its own date are not in it.

        **Source:** Black and Scholes (1973); the sum over strikes is the field's usual GEX.
        """
        series = None if gex is None else gex.loc[:as_of]
        daily = (
            None
            if series is None or not len(series) or pd.isna(series.iloc[-1])
            else self._daily(series)
        )
        history = pd.DataFrame() if series is None else _history(series, self.lookback)
        note = "no option chain was given"
        if chain is not None:
            known, note = self._newest(check_chain(chain), as_of)
            if known is not None:
                answer = self._chain(known, as_of)
                if not isinstance(answer, str):
                    return MechanismReading(
                        name=NAME,
                        sentence=answer[0],
                        values={**answer[1], "daily": daily},
                        history=history,
                    )
                note = answer
        if daily is None:
            return NoReading(
                name=NAME, reason=f"{note}, and no daily gamma is known on {as_of:%Y-%m-%d}"
            )
        return MechanismReading(
            name=NAME,
            sentence=daily_sentence(daily),
            history=history,
            values={"source": "daily", "chain": note, **daily},
        )

    def _newest(self, chain: pd.DataFrame, as_of: pd.Timestamp) -> tuple[pd.DataFrame | None, str]:
        """Rows of the newest date that was known, or why there are none."""
        cut = (as_of.normalize() + CLOSING + pd.Timedelta(minutes=self.grace_minutes)).tz_localize(
            ZONE
        )
        known = chain[chain["released"] <= cut]
        if not len(known):
            return (
                None,
                f"the chain of {chain['date'].min():%Y-%m-%d} was not yet known on "
                f"{as_of:%Y-%m-%d}",
            )
        newest = known["date"].max()
        age = (as_of.normalize() - newest).days
        if age > self.max_age_days:
            return (
                None,
                f"the chain of {newest:%Y-%m-%d} is {age} days old, at most {self.max_age_days} "
                "count",
            )
        return known[known["date"] == newest], ""

    def _chain(self, chain: pd.DataFrame, as_of: pd.Timestamp) -> tuple[str, dict[str, Any]] | str:
        options = live_contracts(chain, self.quoted_at, self.same_day_hours)
        carried = implied_carry(options, self.rate, self.dividend_yield)
        volatility = chain_volatility(options, carried)
        held = options.open_interest > 0
        kept = held & np.isfinite(volatility.values)
        dropped = {**options.dropped, "no_volatility": int((held & ~kept).sum())}
        if not kept.any():
            return (
                f"no option of the chain of {options.quoted:%Y-%m-%d} can carry gamma "
                f"({_counts(dropped)})"
            )
        book = gamma_book(options, volatility.values, carried, self.convention, kept)
        values = {
            "source": "chain",
            "convention": self.convention,
            **_origin(options, as_of),
            **self._levels(book),
            "zero_dte": _same_day(book, options.same_day[kept]),
            "options": {
                "given": options.listed,
                "kept": int(kept.sum()),
                "dropped": dropped,
                "volatilities_solved": int((kept & volatility.solved).sum()),
                "volatilities_of_twin": int((kept & volatility.of_twin).sum()),
                "open_interest_kept": options.open_interest[kept].sum(),
            },
            "assumptions": self._assumptions(options, carried),
        }
        return chain_sentence(values), values

    def _levels(self, book: GammaBook) -> dict[str, Any]:
        spots = spot_grid(book.spot, self.grid_width, self.grid_points)
        profile = book.profile(spots)
        zeros = book.zeros(spots)
        strikes = book.by_strike()
        total = float(profile[self.grid_points // 2])
        nearest = float(zeros[np.abs(np.log(zeros / book.spot)).argmin()]) if len(zeros) else None
        return {
            "total_usd": total,
            **_side(total),
            "calls_usd": strikes["calls"].sum(),
            "puts_usd": strikes["puts"].sum(),
            "gross_usd": np.abs(book.dollars()).sum(),
            "zeros": zeros.tolist(),
            "nearest_zero": nearest,
            "distance_to_zero": None if nearest is None else nearest / book.spot - 1.0,
            "call_wall": book.wall(call=True),
            "put_wall": book.wall(call=False),
            "profile": {"spot": spots.tolist(), "gamma_usd": profile.tolist()},
            "strikes": {
                "strike": strikes.index.tolist(),
                **{name: strikes[name].tolist() for name in strikes},
            },
        }

    def _assumptions(self, options: Contracts, carried: ImpliedCarry) -> list[str]:
        assumptions = [
            f"sign convention {self.convention}: {convention_words(self.convention)}; who holds "
            "what is not "
            "published",
            "open interest is that of the evening before the chain's date",
            "volatility stays with its strike when the spot moves",
        ]
        if self.rate is None and self.dividend_yield is None:
            assumptions.append(
                f"rate and dividend yield from put-call parity of {carried.from_chain} of "
                f"{carried.expiries} "
                f"expiries; their quotes were made on a spot of {carried.quote_spot:.2f}"
                if carried.from_chain
                else "rate and dividend yield 0: no expiry has quotes that give them"
            )
        else:
            assumptions.append(
                f"rate {self.rate or 0:g} and dividend yield {self.dividend_yield or 0:g}, "
                "continuous"
            )
        if options.underlying and options.underlying not in EUROPEAN:
            assumptions.append(
                f"options on {options.underlying} are American and treated as European"
            )
        assumptions.append(
            "options with root SPX, NDX, RUT or DJX settle at the opening (09:30), all others at "
            "16:00"
        )
        if not options.hour_known:
            assumptions.append(
                "the file has no hour: quotes are taken to be of 16:00"
                + (
                    f", options of its own date to have {self.same_day_hours:g} hours left"
                    if options.same_day.any()
                    else ""
                )
            )
        return assumptions

    def _daily(self, gex: pd.Series) -> dict[str, Any]:
        """The last value of a daily series, compared with those before it."""
        now = float(gex.iloc[-1])
        relative = relative_gamma(gex, self.lookback)
        return {
            "convention": DAILY_CONVENTION,
            "total_usd": now,
            **_side(now),
            "percentile": gamma_rank(gex, self.lookback).iloc[-1],
            "lookback": self.lookback,
            "relative": relative.iloc[-1],
            "change_5": (relative - relative.shift(5)).iloc[-1],
            "days_since_negative": days_since_negative(gex, self.lookback).iloc[-1],
            "assumptions": [
                f"sign convention {DAILY_CONVENTION}, the publisher's: "
                f"{convention_words(DAILY_CONVENTION)}",
                "a session's value is known from the next morning on",
            ],
        }


def _origin(options: Contracts, as_of: pd.Timestamp) -> dict[str, Any]:
    late = (options.quoted - as_of.normalize() - CLOSING) / pd.Timedelta(minutes=1)
    return {
        "underlying": options.underlying,
        "spot": options.spot,
        "chain_date": f"{options.quoted:%Y-%m-%d}",
        "quoted": f"{options.quoted:%Y-%m-%d %H:%M}" if options.hour_known else None,
        "age_days": (as_of.normalize() - options.quoted.normalize()).days,
        "minutes_after_cut_off": max(late, 0.0),
    }


def _same_day(book: GammaBook, same_day: NDArray[np.bool_]) -> dict[str, Any]:
    dollars = book.dollars()
    gross = float(np.abs(dollars).sum())
    return {
        "options": int(same_day.sum()),
        "total_usd": dollars[same_day].sum(),
        "later_usd": dollars[~same_day].sum(),
        "gross_share": float(np.abs(dollars[same_day]).sum()) / gross if gross > 0 else None,
    }


def _side(total: float) -> dict[str, Any]:
    sign = int(np.sign(total))
    return {"sign": sign, "state": f"{SIDES[sign]} gamma"}


def _history(gex: pd.Series, lookback: int) -> pd.DataFrame:
    return (
        pd.DataFrame({"gex": gex, "rank": gamma_rank(gex, lookback)})
        .astype(float)
        .dropna(how="all")
    )


def _counts(dropped: Mapping[str, int]) -> str:
    return ", ".join(
        f"{count} {reason.replace('_', ' ')}" for reason, count in dropped.items() if count
    )


def convention_words(convention: str) -> str:
    """What dealers hold by a sign convention: ``dealers long calls and short puts``."""
    calls, puts = (SIDES[int(sign)] for sign in CONVENTIONS[convention])
    return f"dealers {calls} calls and {puts} puts"


def chain_sentence(values: Mapping[str, Any]) -> str:
    """State, zero gamma, walls, and how old the chain is."""
    walls = ", ".join(
        f"{side} wall {values[f'{side}_wall']:g}"
        for side in ("call", "put")
        if values[f"{side}_wall"] is not None
    )
    age = {0: "of the day itself", 1: "1 day old"}.get(
        values["age_days"], f"{values['age_days']} days old"
    )
    same_day = values["zero_dte"]
    day = (
        f"; options of its own date make {same_day['gross_share']:.0%} of the gross"
        if same_day["options"]
        else ""
    )
    return (
        f"With {convention_words(values['convention'])}, dealers are {values['state']}, "
        f"{_money(values['total_usd'])} per 1 % at {values['spot']:g}: {EFFECTS[values['sign']]}; "
        f"{_zero(values)}; "
        f"{walls}{day}. Chain of {values['chain_date']}, {age}; its open interest is of the "
        "evening before."
    )


def daily_sentence(values: Mapping[str, Any]) -> str:
    """State, rank, and when gamma was last below zero."""
    rank, since = values["percentile"], values["days_since_negative"]
    among = (
        "" if pd.isna(rank) else f", rank {rank:.0%} among the last {values['lookback']} sessions"
    )
    last = (
        ""
        if pd.isna(since) or values["sign"] < 0
        else (
            f"; not below zero for {values['lookback']} sessions or more"
            if since >= values["lookback"]
            else f"; last below zero {since:.0f} sessions ago"
        )
    )
    return (
        f"By the daily series dealers are {values['state']}: {EFFECTS[values['sign']]}; "
        f"{_money(values['total_usd'])} per 1 %{among}{last}."
    )


def _zero(values: Mapping[str, Any]) -> str:
    zero, distance = values["nearest_zero"], values["distance_to_zero"]
    if zero is None:
        return "it changes sign nowhere on the grid"
    others = f" (the nearest of {len(values['zeros'])})" if len(values["zeros"]) > 1 else ""
    side = "above" if distance > 0 else "below"
    return f"zero gamma{others} at {zero:.0f}, {abs(distance):.1%} {side} the spot"


def _money(dollars: float) -> str:
    size = abs(dollars)
    return f"${size / 1e9:.1f}bn" if size >= 1e8 else f"${size / 1e6:.1f}mn"

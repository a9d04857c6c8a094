"""One option chain made ready.

Checked, timed, and without the rows that cannot carry gamma, counted by reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from regime.arrays import Booleans, Floats
from regime.errors import ConfigError, InvalidDataError

__all__ = ["AM_ROOTS", "EUROPEAN", "Contracts", "check_chain", "clock", "live_contracts"]


REQUIRED = ("date", "spot", "expiry", "strike", "type", "open_interest")
# Roots whose options settle on the opening of the expiry date; all others on its close.
AM_ROOTS = frozenset({"SPX", "NDX", "RUT", "DJX"})
# Underlyings whose options cannot be exercised early.
EUROPEAN = frozenset({"SPX", "XSP", "NDX", "XND", "RUT", "MRUT", "DJX", "VIX", "XEO"})
OPENING = pd.Timedelta(hours=9.5)
CLOSING = pd.Timedelta(hours=16)
YEAR = pd.Timedelta(days=365)
ZONE = "America/New_York"
# Volatilities of a whole market: beyond, the column is in percent or something else.
PLAUSIBLE = (0.01, 3.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Contracts:
    """Options of one chain that are alive and well quoted, as columns; the others are counted.

    Parameters
    ----------
    strike, years, volatility, bid, ask, open_interest : ndarray of float64, shape (n_options,)
        Options that nobody holds are among them: their quotes still show volatility. Years to
        expiry, actual over 365 days; volatility NaN where the file gives none.
    call, same_day : ndarray of bool, shape (n_options,)
        Whether a call; whether it expires on the chain's own date.
    expiry : ndarray of datetime64, shape (n_options,)
        Instant of settlement, New York; opening and closing settlements of one date are two
        expiries.
    spot : float
    listed : int
        Rows of the chain.
    dropped : mapping of str to int
        Rows left out by reason; a row counts under the first that holds.
    quoted : Timestamp
        New York, without zone.
    hour_known : bool
        Whether the file gives the hour; else the close was taken.
    underlying : str
        Empty where the file does not say.
    """

    strike: Floats
    years: Floats
    volatility: Floats
    bid: Floats
    ask: Floats
    open_interest: Floats
    call: Booleans
    same_day: Booleans
    expiry: NDArray[np.datetime64]
    spot: float
    listed: int
    dropped: Mapping[str, int]
    quoted: pd.Timestamp
    hour_known: bool
    underlying: str


def check_chain(chain: pd.DataFrame) -> pd.DataFrame:
    """Return the chain with every optional column present, if it keeps the rules.

    Parameters
    ----------
    chain : DataFrame, shape (n_options, 6 or more)
        Columns date, spot, expiry, strike, type ("C" or "P"), open_interest, and iv or bid and ask;
        also underlying, symbol, quoted (New York, without zone), released (UTC).

    Returns
    -------
    DataFrame, shape (n_options, 12)

    Raises
    ------
    InvalidDataError
        All faults together: missing columns; numbers that are negative or missing where they must
        not be; a type that is no C or P; an option that stands twice; two spots or underlyings at
        one date; volatilities in percent.
    """
    faults = [f"option chain: no column `{name}`" for name in REQUIRED if name not in chain]
    if "iv" not in chain and not {"bid", "ask"} <= set(chain.columns):
        faults.append(
            "option chain: neither column `iv` nor both `bid` and `ask`: nothing gives a volatility"
        )
    if faults:
        raise InvalidDataError([*faults, f"its columns are {', '.join(map(str, chain.columns))}"])
    full = chain.assign(
        **{
            name: blank
            for name, blank in {
                "iv": np.nan,
                "bid": np.nan,
                "ask": np.nan,
                "underlying": "",
                "symbol": "",
                "quoted": pd.NaT,
            }.items()
            if name not in chain
        }
    )
    full = full.assign(
        **{name: pd.to_datetime(full[name]) for name in ("date", "expiry", "quoted")}
    )
    if "released" not in full:
        known = full["quoted"].fillna(full["date"] + CLOSING)
        full = full.assign(released=known.dt.tz_localize(ZONE).dt.tz_convert("UTC"))
    faults = _faults(full)
    if faults:
        raise InvalidDataError(faults)
    return full


def _faults(chain: pd.DataFrame) -> list[str]:
    rules = {
        "spot": chain["spot"] > 0,
        "strike": chain["strike"] > 0,
        "open_interest": chain["open_interest"] >= 0,
        "bid": ~(chain["bid"] < 0),
        "ask": ~(chain["ask"] < 0),
        "iv": ~(chain["iv"] < 0),
        "type": chain["type"].isin(["C", "P"]),
        "expiry": chain["expiry"].notna(),
        "date": chain["date"].notna(),
    }
    must = {
        "spot": "above 0",
        "strike": "above 0",
        "type": "C or P",
        "expiry": "a date",
        "date": "a date",
    }
    faults = [
        f"option chain: row {int(np.flatnonzero(~kept)[0])}: {name} "
        f"{chain[name].to_numpy()[~kept][0]} "
        f"must be {must.get(name, 'at least 0')}"
        for name, kept in rules.items()
        if not kept.all()
    ]
    faults += [
        f"option chain: {name} differs within one date: "
        f"{', '.join(map(str, chain[name].unique()[:3]))}"
        for name in ("spot", "underlying", "quoted")
        if len(chain[["date", name]].drop_duplicates()) > chain["date"].nunique()
    ]
    twice = chain.duplicated(["date", "symbol", "expiry", "strike", "type"]).to_numpy()
    if twice.any():
        row = chain.iloc[int(np.flatnonzero(twice)[0])]
        faults.append(
            f"option chain: row {int(np.flatnonzero(twice)[0])}: {row['symbol']} "
            f"{row['expiry']:%Y-%m-%d} "
            f"{row['strike']:g} {row['type']} stands twice; its open interest would count twice"
        )
    known = chain.loc[chain["iv"] > 0, "iv"]
    if len(known) and not PLAUSIBLE[0] <= known.median() <= PLAUSIBLE[1]:
        faults.append(
            f"option chain: the median iv is {known.median():g}; give annualised fractions, such "
            "as 0.2"
        )
    return faults


def clock(text: str, name: str) -> pd.Timedelta:
    """Time of day from "HH:MM".

    Raises
    ------
    ConfigError
        Naming the parameter.
    """
    try:
        hour, minute = (int(part) for part in text.split(":"))
        if 0 <= hour < 24 and 0 <= minute < 60:
            return pd.Timedelta(hours=hour, minutes=minute)
    except ValueError:
        pass
    raise ConfigError(f"{name}: must be a time of day as HH:MM in New York, got {text!r}")


def live_contracts(
    chain: pd.DataFrame, quoted_at: str | None = None, same_day_hours: float = 3.25
) -> Contracts:
    """The live options of one chain.

    Parameters
    ----------
    chain : DataFrame
        Rows of one date that `check_chain` let through.
    quoted_at : str, optional
        Hour of the quotes, New York, where the file has a date alone. Without it the close counts,
        and options of that very date are alive if the file gives a volatility for half of those
        with open interest or more: quotes made after their end have none.
    same_day_hours : float
        What is then left to those options.

    Returns
    -------
    Contracts
        `dropped` counts ``expired`` (settled by the hour of the quotes), ``crossed`` (a bid above
        its ask) and ``zero_interest``; rows of the last kind stay.
    """
    date, stamp = chain["date"].iloc[0], chain["quoted"].iloc[0]
    hour_known = not pd.isna(stamp) or quoted_at is not None
    quoted = (
        stamp
        if not pd.isna(stamp)
        else date + (CLOSING if quoted_at is None else clock(quoted_at, "quoted_at"))
    )
    root = chain["symbol"].astype(str).str.extract(r"^\s*\^?([A-Z]+)", expand=False)
    settled = chain["expiry"] + _settlement(root)
    same_day = (chain["expiry"] == date).to_numpy()
    years = ((settled - quoted) / YEAR).to_numpy(dtype=float)
    held = (chain["open_interest"] > 0).to_numpy()
    if not hour_known and _alive(chain["iv"].to_numpy(dtype=float)[same_day & held]):
        years = np.where(
            same_day & (years <= 0) & (settled.dt.hour == 16), same_day_hours / 24 / 365, years
        )
    reasons = {
        "expired": ~(years > 0),
        "crossed": (chain["bid"] > chain["ask"]).to_numpy(),
        "zero_interest": ~held,
    }
    keep, dropped = np.ones(len(chain), dtype=bool), {}
    for reason, mask in reasons.items():
        dropped[reason] = int((keep & mask).sum())
        keep &= ~mask if reason != "zero_interest" else True
    return Contracts(
        **_columns(chain, keep),
        years=years[keep],
        same_day=same_day[keep],
        expiry=settled.to_numpy()[keep],
        spot=float(chain["spot"].iloc[0]),
        listed=len(chain),
        dropped=dropped,
        quoted=quoted,
        hour_known=hour_known,
        underlying=str(chain["underlying"].iloc[0]),
    )


def _settlement(root: pd.Series) -> pd.Series:
    return root.isin(AM_ROOTS).map({True: OPENING, False: CLOSING}).astype("timedelta64[us]")


def _alive(volatility: Floats) -> bool:
    return bool(volatility.size and (volatility > 0).mean() >= 0.5)


def _columns(chain: pd.DataFrame, keep: Booleans) -> dict[str, Any]:
    numbers = {
        name: chain[name].to_numpy(dtype=float)[keep]
        for name in ("strike", "bid", "ask", "open_interest")
    }
    volatility = chain["iv"].to_numpy(dtype=float)[keep]
    return {
        **numbers,
        "volatility": np.where(volatility > 0, volatility, np.nan),
        "call": (chain["type"] == "C").to_numpy()[keep],
    }

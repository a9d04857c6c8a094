"""Reserve scarcity.

What overnight money costs, how much of it there is, and who must ask the central bank for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from regime.errors import ConfigError
from regime.mechanisms.gauges import above_norm, composite, fill_up, newest, panel_columns
from regime.mechanisms.money_calendar import KINDS, calendar_adjusted, calendar_kinds, rate_days
from regime.mechanisms.reading import Absent, MechanismReading
from regime.mechanisms.reserve_demand import BankAssets, demand_slope, fed_funds_spread
from regime.sessions import YEAR

__all__ = [
    "INPUTS",
    "PARTS",
    "ReserveScarcity",
    "backstop_use",
    "funding_pressure",
    "funding_spread",
    "funding_tail",
    "net_liquidity",
]

INPUTS = (
    "sofr",
    "sofr99",
    "effr",
    "iorb",
    "reserves",
    "fed_assets",
    "fed_securities",
    "tga",
    "rrp",
    "srf",
    "discount_window",
    "swap_lines",
    "bank_assets",
)
PARTS = ("funding", "tail", "fed_funds", "demand_slope", "backstop")
WEEKS_4, WEEKS_13 = 20, 65
SIGNIFICANT = 2.0  # standard errors
USD_BN = 1e-3  # of a balance in USD mn
Numbers = dict[str, Any]


def funding_spread(values: pd.DataFrame, adjusted: bool = True) -> pd.Series:
    """Secured overnight rate less interest on reserves, basis points.

    Parameters
    ----------
    values : DataFrame, shape (n_sessions, n_series)
        Columns sofr, sofr99, iorb, percent.
    adjusted : bool
        Whether what the day of the calendar usually adds is taken off.

    Returns
    -------
    Series, shape (n_sessions,)
        NaN before either rate, and, adjusted, on a special day with too few earlier ones of its
        kind. Special days of the proxy that stands in before SOFR say nothing of those since, and
        the count begins anew.

    **Known at:** row t uses rows up to t; the rate is that of the business day before, and so is
    the interest.
    """
    raw = 100.0 * (values["sofr"] - values["iorb"].shift(1))
    return _by_source(raw, values["sofr99"], calendar_adjusted) if adjusted else raw


def funding_pressure(values: pd.DataFrame) -> pd.Series:
    """Calendar-adjusted funding spread above its own median of a year, basis points.

    The norm, too, begins anew with SOFR: the proxy before it was lower. NaN until half a year of
    either.
    """

    def above(spread: pd.Series) -> pd.Series:
        return above_norm(calendar_adjusted(spread), YEAR)

    return _by_source(funding_spread(values, adjusted=False), values["sofr99"], above)


def funding_tail(values: pd.DataFrame, adjusted: bool = True) -> pd.Series:
    """Dearest hundredth of secured overnight loans less their median, basis points.

    Parameters
    ----------
    values : DataFrame, shape (n_sessions, n_series)
        Columns sofr, sofr99, percent.
    adjusted : bool
        Whether what the day of the calendar usually adds is taken off.

    Returns
    -------
    Series, shape (n_sessions,)
        NaN before 2018-04, when SOFR began.

    **Known at:** row t uses rows up to t.
    """
    raw = 100.0 * (values["sofr99"] - values["sofr"])
    return calendar_adjusted(raw) if adjusted else raw


def net_liquidity(values: pd.DataFrame) -> pd.Series:
    """Fed assets less the Treasury's account and the reverse repo facility (in USD bn.

    None is zero), USD mn.

    Its sign against equities has flipped between decades: no score is built on it.
    """
    return values["fed_assets"] - values["tga"] - values["rrp"].fillna(0.0) / USD_BN


def backstop_use(values: pd.DataFrame) -> pd.DataFrame:
    """What is borrowed from the central bank because the market does not lend it, USD mn.

    Parameters
    ----------
    values : DataFrame, shape (n_sessions, n_series)
        Columns discount_window, swap_lines (USD mn), srf (USD bn), iorb.

    Returns
    -------
    DataFrame, shape (n_sessions, 3)
        Columns discount_window, swap_lines, desk_repo. The Desk's repos count once interest is paid
        on reserves: before, they were how the target was met every day. A day without operation is
        a day of none; all three are NaN before the discount window is reported.
    """
    known = values["discount_window"].notna()
    repo = values["srf"].where(values["iorb"].notna()).fillna(0.0) / USD_BN
    table = {
        "discount_window": values["discount_window"],
        "swap_lines": values["swap_lines"].fillna(0.0),
        "desk_repo": repo,
    }
    return pd.DataFrame({name: column.where(known) for name, column in table.items()})


@dataclass(frozen=True, kw_only=True)
class ReserveScarcity:
    """Whether the banking system is short of reserves, from prices first and quantities beside them.

    The score is the mean of five parts in [0, 1], of those that are known: the calendar-adjusted
    SOFR-IORB and EFFR-IORB against their own median of a year, in widths of the target range; the
    adjusted tail of SOFR; the significance of a negative demand slope; and borrowing from the
    central bank. Net liquidity and the share of reserves are reported but not scored: what they say
    has changed sign between decades.

    Parameters
    ----------
    full_bp : float
        Rise of a spread that fills its part: the width of the target range, basis points.
    full_tail_bp : float
        The same for the tail, basis points.
    full_t : float
        Size of the t-statistic of a negative slope that fills its part.
    full_backstop : float
        Borrowing that fills its part, fraction of bank assets.
    tight, scarce : float
        Scores from which the state is called so; never scarce without a repo rate.
    minimum : int
        Parts that a score needs.
    bank_assets : BankAssets
        What stands in where the panel has no series `bank_assets`.

    Examples
    --------
    >>> ReserveScarcity()(pd.DataFrame(index=pd.DatetimeIndex(["2024-01-02"], name="date"))).to_dict()["available"]
    False
    """

    full_bp: float = 25.0
    full_tail_bp: float = 50.0
    full_t: float = 4.0
    full_backstop: float = 0.005
    tight: float = 0.25
    scarce: float = 0.5
    minimum: int = 3
    bank_assets: BankAssets = field(default_factory=BankAssets)

    def __post_init__(self) -> None:
        for name in ("full_bp", "full_tail_bp", "full_t", "full_backstop"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name}: must be positive, got {getattr(self, name)}")
        if not 0.0 < self.tight < self.scarce <= 1.0:
            raise ConfigError(
                f"tight: must lie above 0 and below scarce <= 1, got {self.tight} and {self.scarce}"
            )
        if not 1 <= self.minimum <= len(PARTS):
            raise ConfigError(f"minimum: must lie in 1..{len(PARTS)} parts, got {self.minimum}")

    def parts(self, values: pd.DataFrame) -> pd.DataFrame:
        """Parts of the score, shape (n_sessions, 5), each in [0, 1]; NaN where unknown.

        **Known at:** row t uses rows up to t.
        """
        v = panel_columns(values, INPUTS)
        slope = demand_slope(v, self.bank_assets)
        borrowed = backstop_use(v).sum(axis=1, skipna=False) / self.bank_assets.of(v)
        return pd.DataFrame(
            {
                "funding": fill_up(funding_pressure(v), self.full_bp),
                "tail": fill_up(above_norm(funding_tail(v), YEAR), self.full_tail_bp),
                "fed_funds": fill_up(above_norm(fed_funds_spread(v), YEAR), self.full_bp),
                "demand_slope": fill_up(-slope["t"], self.full_t),
                "backstop": fill_up(borrowed, self.full_backstop),
            }
        )

    def score(self, values: pd.DataFrame) -> pd.Series:
        """Mean of the known parts, shape (n_sessions,), in [0, 1].

        NaN where fewer than `minimum` are known.

        **Known at:** row t uses rows up to t.
        """
        table = self.parts(values)
        return composite({name: table[name] for name in PARTS}, self.minimum)

    def __call__(
        self, values: pd.DataFrame, as_of: pd.Timestamp | None = None
    ) -> MechanismReading | Absent:
        """Reading at a decision date.

        Parameters
        ----------
        values : DataFrame, shape (n_sessions, n_series)
            The panel's values; columns of `INPUTS`, of which any may be missing.
        as_of : Timestamp, optional
            Decision date; the last row by default.

        Returns
        -------
        MechanismReading or Absent
            Absent without both reserves and a rate against interest on reserves.
        """
        v = panel_columns(values, INPUTS, as_of)
        if v.empty or (np.isnan(newest(v["reserves"])) and np.isnan(newest(fed_funds_spread(v)))):
            return Absent(
                name="reserves",
                reason="neither reserve balances nor a rate against their interest is known",
            )
        parts = self.parts(v)
        score = composite({name: parts[name] for name in PARTS}, self.minimum)
        state = self._state(newest(score), bool(v["sofr"].notna().iloc[-1]))
        numbers: Numbers = {
            "state": state,
            "score": newest(score),
            "parts": {name: newest(parts[name]) for name in PARTS},
            "funding": _funding(v),
            "fed_funds": {"effr_iorb_bp": newest(fed_funds_spread(v))},
            **self._quantity(v),
            "backstops": _backstops(v, self.bank_assets.of(v)),
            "net_liquidity": _net_liquidity(v),
            "runoff": _runoff(v),
        }
        history = parts.assign(score=score, sofr_iorb_adjusted_bp=funding_spread(v))
        return MechanismReading(
            name="reserves", sentence=_sentence(numbers), values=numbers, history=history
        )

    def _state(self, score: float, repo: bool) -> str | None:
        """The word for a score.

        Scarcity shows in the price of repo, so without one there is none.
        """
        if np.isnan(score):
            return None
        return (
            "ample"
            if score < self.tight
            else "scarce"
            if repo and score >= self.scarce
            else "tight"
        )

    def _quantity(self, v: pd.DataFrame) -> Numbers:
        assets, slope = self.bank_assets.of(v), demand_slope(v, self.bank_assets)
        share, t = newest(v["reserves"] / assets), newest(slope["t"])
        sign = (
            None
            if np.isnan(t)
            else "negative"
            if t <= -SIGNIFICANT
            else "positive"
            if t >= SIGNIFICANT
            else "none"
        )
        return {
            "reserves_usd_bn": newest(v["reserves"], USD_BN),
            "share_of_bank_assets": share,
            "share_of_fed_assets": newest(v["reserves"] / v["fed_assets"]),
            "basis": self.bank_assets.basis(v),
            "distance_to_band_points": self.bank_assets.distance(share),
            "demand_slope": {
                "bp_per_point": newest(slope["slope"]),
                "standard_error": newest(slope["error"]),
                "t": t,
                "sign": sign,
            },
        }


def _by_source(
    spread: pd.Series, percentile99: pd.Series, made: Callable[[pd.Series], pd.Series]
) -> pd.Series:
    """Made within each of the two sources.

    SOFR, which comes with its percentiles, and the proxy before it.
    """
    published = percentile99.notna().cummax()
    return made(spread.where(~published)).where(~published, made(spread.where(published)))


def _funding(v: pd.DataFrame) -> Numbers:
    day = rate_days(pd.DatetimeIndex(v.index))[-1:]
    known = v["sofr"].notna().iloc[-1]
    return {
        "sofr_iorb_bp": newest(funding_spread(v, adjusted=False)),
        "adjusted_bp": newest(funding_spread(v)),
        "above_own_year_bp": newest(funding_pressure(v)),
        "tail_bp": newest(funding_tail(v, adjusted=False)),
        "adjusted_tail_bp": newest(funding_tail(v)),
        "rate_day": f"{day[0]:%Y-%m-%d}",
        "kind_of_day": KINDS[calendar_kinds(day)[0]],
        "source": None if not known else "SOFR" if v["sofr99"].notna().any() else "tri-party proxy",
    }


def _backstops(v: pd.DataFrame, assets: pd.Series) -> Numbers:
    use = backstop_use(v)
    rrp = v["rrp"].fillna(0.0)
    return {
        **{f"{name}_usd_bn": newest(use[name], USD_BN) for name in use},
        "share_of_bank_assets": newest(use.sum(axis=1, skipna=False) / assets),
        "buffer_rrp_usd_bn": newest(rrp),
        "rrp_to_reserves": newest(rrp / USD_BN / v["reserves"]),
    }


def _net_liquidity(v: pd.DataFrame) -> Numbers:
    level = net_liquidity(v)
    return {
        "usd_bn": newest(level, USD_BN),
        "change_4w_usd_bn": newest(level.diff(WEEKS_4), USD_BN),
        "change_13w_usd_bn": newest(level.diff(WEEKS_13), USD_BN),
        "change_13w_share": newest(level.diff(WEEKS_13) / v["fed_assets"].shift(WEEKS_13)),
    }


def _runoff(v: pd.DataFrame) -> Numbers:
    securities = newest(v["fed_securities"].diff(WEEKS_13), USD_BN)
    return {
        "securities_13w_usd_bn": securities,
        "usd_bn_per_month": securities / 3.0,
        "assets_13w_usd_bn": newest(v["fed_assets"].diff(WEEKS_13), USD_BN),
    }


def _sentence(numbers: Numbers) -> str:
    """State, spread, share and help from the central bank, of what is known."""
    funding, backstops = numbers["funding"], numbers["backstops"]
    state = numbers["state"] or "not to be judged (too few parts are known)"
    told = [
        f"Reserves are {state}" + (f", score {numbers['score']:.2f}" if numbers["state"] else "")
    ]
    if not np.isnan(spread := funding["sofr_iorb_bp"]):
        told.append(
            f"{funding['source']} is {abs(spread):.0f} bp {'above' if spread > 0 else 'below'} "
            "the interest on "
            f"reserves for {funding['rate_day']}"
        )
    if not np.isnan(share := numbers["share_of_bank_assets"]):
        told.append(f"reserves are about {100 * share:.1f} % of bank assets")
    if not np.isnan(used := backstops["share_of_bank_assets"]):
        borrowed = sum(
            backstops[f"{name}_usd_bn"] for name in ("discount_window", "swap_lines", "desk_repo")
        )
        told.append(
            f"{_amount(borrowed) if used > 0 else 'nothing is'} borrowed from the central bank"
        )
    return "; ".join(told) + "."


def _amount(usd_bn: float) -> str:
    return "less than $1bn is" if usd_bn < 0.95 else f"${usd_bn:,.0f}bn is"

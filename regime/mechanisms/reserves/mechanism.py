"""Reserve scarcity.

What overnight money costs, how much of it there is, and who must ask the central bank for it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from regime.errors import ConfigError
from regime.mechanisms.base import (
    Chart,
    KeyNumber,
    MarketView,
    Mechanism,
    MechanismReading,
    NoReading,
    Numbers,
)
from regime.mechanisms.number_formats import BASIS_POINTS, LEVEL, SCORE, SIGMAS, number_format
from regime.mechanisms.reserves.demand_curve import demand_slope, fed_funds_spread
from regime.mechanisms.reserves.features import ReserveFeatures
from regime.mechanisms.reserves.funding import (
    INPUTS,
    USD_BN,
    backstop_use,
    funding_pressure,
    funding_spread,
    funding_tail,
    net_liquidity,
)
from regime.mechanisms.reserves.money_calendar import (
    KINDS,
    calendar_kinds,
    rate_days,
)
from regime.mechanisms.reserves.scarcity import PARTS, ScarcityScore
from regime.transforms import last_value, mean_of_known, panel_columns

__all__ = ["ReserveScarcity"]

WEEKS_4 = 20
WEEKS_13 = 65
SIGNIFICANT = 2.0  # standard errors


@dataclass(frozen=True, kw_only=True)
class ReserveScarcity(ScarcityScore, Mechanism):
    """Whether the banking system is short of reserves: prices are scored, quantities reported.

    Beside the score, net liquidity and the share of reserves are reported but not scored: what they
    say has changed sign between decades.

    Parameters
    ----------
    tight, scarce : float
        Scores from which the state is called so; never scarce without a repo rate.
    full_bp, full_tail_bp, full_t, full_backstop, minimum, bank_assets
        See `ScarcityScore`.

    Examples
    --------
    >>> nothing = pd.DataFrame(index=pd.DatetimeIndex(["2024-01-02"], name="date"))
    >>> ReserveScarcity()(nothing).available
    False
    """

    key = "reserves"
    title = "Reserves"
    group = "Liquidity and long money"
    inputs = INPUTS
    family = ReserveFeatures
    numbers = (
        KeyNumber("score", "score", SCORE),
        KeyNumber("funding.sofr_iorb_bp", "SOFR - IORB, bp", BASIS_POINTS),
        KeyNumber("funding.adjusted_bp", "adjusted for the calendar, bp", BASIS_POINTS),
        KeyNumber("funding.tail_bp", "tail, bp", BASIS_POINTS),
        KeyNumber("share_of_bank_assets", "reserves of bank assets", number_format("{:.1%}")),
        KeyNumber("distance_to_band_points", "distance to scarcity, points", SIGMAS),
        KeyNumber("net_liquidity.usd_bn", "net liquidity, USD bn", LEVEL),
        KeyNumber("net_liquidity.change_13w_usd_bn", "in 13 weeks, USD bn", BASIS_POINTS),
    )
    chart = Chart(
        "Score", ".1f", {"score": "Scarcity", "funding": "Funding", "backstop": "Backstops"}
    )

    tight: float = 0.25
    scarce: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0.0 < self.tight < self.scarce <= 1.0:
            raise ConfigError(
                f"tight: must lie above 0 and below scarce <= 1, got {self.tight} and {self.scarce}"
            )

    def read(self, view: MarketView) -> MechanismReading | NoReading:
        """Reading of a market view; see `__call__`."""
        return self(view.values, view.as_of)

    def __call__(
        self, values: pd.DataFrame, as_of: pd.Timestamp | None = None
    ) -> MechanismReading | NoReading:
        """Reading at a decision date.

        Parameters
        ----------
        values : DataFrame, shape (n_sessions, n_series)
            The panel's values; columns of `INPUTS`, of which any may be missing.
        as_of : Timestamp, optional
            Decision date; the last row by default.

        Returns
        -------
        MechanismReading or NoReading
            NoReading without both reserves and a rate against interest on reserves.
        """
        v = panel_columns(values, INPUTS, as_of)
        if v.empty or (
            np.isnan(last_value(v["reserves"])) and np.isnan(last_value(fed_funds_spread(v)))
        ):
            return NoReading(
                name="reserves",
                reason="neither reserve balances nor a rate against their interest is known",
            )
        parts = self.parts(v)
        score = mean_of_known({name: parts[name] for name in PARTS}, self.minimum)
        state = self._state(last_value(score), bool(v["sofr"].notna().iloc[-1]))
        numbers: Numbers = {
            "state": state,
            "score": last_value(score),
            "parts": {name: last_value(parts[name]) for name in PARTS},
            "funding": _funding(v),
            "fed_funds": {"effr_iorb_bp": last_value(fed_funds_spread(v))},
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
        share, t = last_value(v["reserves"] / assets), last_value(slope["t"])
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
            "reserves_usd_bn": last_value(v["reserves"], USD_BN),
            "share_of_bank_assets": share,
            "share_of_fed_assets": last_value(v["reserves"] / v["fed_assets"]),
            "basis": self.bank_assets.basis(v),
            "distance_to_band_points": self.bank_assets.distance(share),
            "demand_slope": {
                "bp_per_point": last_value(slope["slope"]),
                "standard_error": last_value(slope["error"]),
                "t": t,
                "sign": sign,
            },
        }


def _funding(v: pd.DataFrame) -> Numbers:
    day = rate_days(pd.DatetimeIndex(v.index))[-1:]
    known = v["sofr"].notna().iloc[-1]
    return {
        "sofr_iorb_bp": last_value(funding_spread(v, adjusted=False)),
        "adjusted_bp": last_value(funding_spread(v)),
        "above_own_year_bp": last_value(funding_pressure(v)),
        "tail_bp": last_value(funding_tail(v, adjusted=False)),
        "adjusted_tail_bp": last_value(funding_tail(v)),
        "rate_day": f"{day[0]:%Y-%m-%d}",
        "kind_of_day": KINDS[calendar_kinds(day)[0]],
        "source": None if not known else "SOFR" if v["sofr99"].notna().any() else "tri-party proxy",
    }


def _backstops(v: pd.DataFrame, assets: pd.Series) -> Numbers:
    use = backstop_use(v)
    rrp = v["rrp"].fillna(0.0)
    return {
        **{f"{name}_usd_bn": last_value(use[name], USD_BN) for name in use},
        "share_of_bank_assets": last_value(use.sum(axis=1, skipna=False) / assets),
        "buffer_rrp_usd_bn": last_value(rrp),
        "rrp_to_reserves": last_value(rrp / USD_BN / v["reserves"]),
    }


def _net_liquidity(v: pd.DataFrame) -> Numbers:
    level = net_liquidity(v)
    return {
        "usd_bn": last_value(level, USD_BN),
        "change_4w_usd_bn": last_value(level.diff(WEEKS_4), USD_BN),
        "change_13w_usd_bn": last_value(level.diff(WEEKS_13), USD_BN),
        "change_13w_share": last_value(level.diff(WEEKS_13) / v["fed_assets"].shift(WEEKS_13)),
    }


def _runoff(v: pd.DataFrame) -> Numbers:
    securities = last_value(v["fed_securities"].diff(WEEKS_13), USD_BN)
    return {
        "securities_13w_usd_bn": securities,
        "usd_bn_per_month": securities / 3.0,
        "assets_13w_usd_bn": last_value(v["fed_assets"].diff(WEEKS_13), USD_BN),
    }


def _sentence(numbers: Numbers) -> str:
    """State, spread, share and help from the central bank, of what is known."""
    funding, backstops = numbers["funding"], numbers["backstops"]
    state = numbers["state"] or "not to be judged (too few parts are known)"
    clauses = [
        f"Reserves are {state}" + (f", score {numbers['score']:.2f}" if numbers["state"] else "")
    ]
    if not np.isnan(spread := funding["sofr_iorb_bp"]):
        clauses.append(
            f"{funding['source']} is {abs(spread):.0f} bp {'above' if spread > 0 else 'below'} "
            "the interest on "
            f"reserves for {funding['rate_day']}"
        )
    if not np.isnan(share := numbers["share_of_bank_assets"]):
        clauses.append(f"reserves are about {100 * share:.1f} % of bank assets")
    if not np.isnan(used := backstops["share_of_bank_assets"]):
        borrowed = sum(
            backstops[f"{name}_usd_bn"] for name in ("discount_window", "swap_lines", "desk_repo")
        )
        clauses.append(
            f"{_amount(borrowed) if used > 0 else 'nothing is'} borrowed from the central bank"
        )
    return "; ".join(clauses) + "."


def _amount(usd_bn: float) -> str:
    return "less than $1bn is" if usd_bn < 0.95 else f"${usd_bn:,.0f}bn is"

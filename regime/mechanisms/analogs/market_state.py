"""The state of the market by mechanism.

A few scale-free quantities each, by which one day is compared with another.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from regime.mechanisms.cross_asset.breadth import HAVENS, MARKETS
from regime.mechanisms.cross_asset.mechanism import CrossAssetSelling
from regime.mechanisms.crypto import SERIES, CryptoStress
from regime.mechanisms.cta.exposure import TrendBook
from regime.mechanisms.cta.mechanism import held_price
from regime.mechanisms.dealer_gamma.daily_series import gamma_rank
from regime.mechanisms.dollar.stress import INPUTS as DOLLAR
from regime.mechanisms.dollar.stress import dash_for_dollars, debasement, equity_correlation
from regime.mechanisms.futures_positioning.contracts import CONTRACTS
from regime.mechanisms.futures_positioning.positioning import net_share, rank_in_window
from regime.mechanisms.long_end import INPUTS as RATES
from regime.mechanisms.long_end import bear_steepening, bull_steepening, rate_volatility
from regime.mechanisms.reserves.demand_curve import fed_funds_spread
from regime.mechanisms.reserves.funding import INPUTS as RESERVES
from regime.mechanisms.reserves.funding import funding_pressure
from regime.mechanisms.tech_valuation.leadership import (
    GROUPS,
    MEGA_CAPS,
    basket_index,
    consolidation_range,
    rotation,
)
from regime.mechanisms.tech_valuation.multiples import derating
from regime.mechanisms.volatility_targeting.margin_debt import margin_growth
from regime.mechanisms.volatility_targeting.vol_control import vol_control_exposure
from regime.schema import MONTH, QUARTER, WEEK, YEAR
from regime.transforms import (
    YEARS_5,
    excess_over_median,
    fall_from_high,
    panel_columns,
    rolling_percentile,
    scaled_change,
    scaled_move,
)

__all__ = ["INPUTS", "STATE_COLUMNS", "market_state"]

CROWDS = {
    "sp500": "asset_managers",
    "ust10": "leveraged_funds",
    "jpy": "leveraged_funds",
    "vix": "leveraged_funds",
}
REPORTED = tuple(
    name for key, group in CROWDS.items() for name in CONTRACTS[key].groups[group].inputs
)
INPUTS = tuple(
    dict.fromkeys(
        (
            *RESERVES,
            *RATES,
            "hy_oas",
            "baa10y",
            *DOLLAR,
            *MEGA_CAPS,
            *(name for group in GROUPS.values() for name in group),
            "nasdaq",
            "sp500",
            "ndx",
            "forward_pe_ndx",
            "xlk",
            "forward_pe_tech",
            "cape",
            "es",
            "dgs3mo",
            "spy",
            "gex",
            "margin_debt",
            "naaim",
            *REPORTED,
            *MARKETS,
            *HAVENS,
            *SERIES,
            "vix",
        )
    )
)
Columns = dict[str, pd.Series]


def market_state(values: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Every quantity of every session, by mechanism.

    Parameters
    ----------
    values : DataFrame, shape (n_sessions, n_series)
        The panel's values; of `INPUTS` any may be missing.

    Returns
    -------
    mapping of str to DataFrame, shape (n_sessions, n_quantities) each
        Ranks, ratios and moves in volatilities. NaN where an input is missing or history is short.

    **Known at:** row t uses rows up to t.
    """
    v = panel_columns(values, INPUTS)
    return {name: pd.DataFrame(of(v), index=v.index) for name, of in STATE_COLUMNS.items()}


def _liquidity(v: pd.DataFrame) -> Columns:
    return {
        "funding": funding_pressure(v),
        "fed_funds": excess_over_median(fed_funds_spread(v), YEAR),
        "high_yield": scaled_move(v["hy_oas"], MONTH),
        "corporate": scaled_change(v["baa10y"], MONTH),
        "rate_volatility": rate_volatility(v),
        "ten_year": scaled_change(v["dgs10"], QUARTER),
        "two_year": scaled_change(v["dgs2"], QUARTER),
        "bear_steepening": bear_steepening(v),
        "bull_steepening": bull_steepening(v),
    }


def _dollar(v: pd.DataFrame) -> Columns:
    return {
        "dash": dash_for_dollars(v),
        "debasement": debasement(v),
        "month": scaled_move(v["dollar_index"], MONTH),
        "quarter": scaled_move(v["dollar_index"], QUARTER),
        "rank": rolling_percentile(v["dollar_index"], 2 * YEAR),
        "equity_correlation": equity_correlation(v),
        "yen": scaled_move(v["usdjpy"], MONTH),
    }


def _valuation(v: pd.DataFrame) -> Columns:
    leaders = basket_index(v[list(MEGA_CAPS)])
    multiples = [
        derating(v[name], v[price])["fall"]
        for name, price in (("forward_pe_ndx", "ndx"), ("forward_pe_tech", "xlk"))
    ]
    against = {
        f"{name}_rotation": rotation(basket_index(v[list(GROUPS[name])], minimum=1), leaders)
        for name in ("equal_weight", "gold", "equipment")
    }
    return {
        "leaders_fall": fall_from_high(leaders, YEAR),
        "leaders_range": consolidation_range(leaders),
        "nasdaq_fall": fall_from_high(v["nasdaq"], YEAR) - fall_from_high(v["sp500"], YEAR),
        "multiple_fall": pd.concat(multiples, axis=1).mean(axis=1),
        "cape": rolling_percentile(v["cape"], 10 * YEAR),
        **against,
    }


def _positioning(v: pd.DataFrame) -> Columns:
    margin = margin_growth(v["margin_debt"], v["sp500"])
    crowds = {
        f"{key}_crowd": rank_in_window(net_share(v, CONTRACTS[key].groups[group]), YEARS_5)
        for key, group in CROWDS.items()
    }
    return {
        "trend": rolling_percentile(TrendBook().exposure(held_price(v)), YEARS_5),
        "vol_control": rolling_percentile(vol_control_exposure(v["sp500"]), YEARS_5),
        "gamma": gamma_rank(v["gex"]),
        "margin": margin["debt"] - margin["market"],
        "managers": rolling_percentile(v["naaim"], YEAR),
        **crowds,
    }


def _cross_asset(v: pd.DataFrame) -> Columns:
    selling, crypto = CrossAssetSelling().history(v), CryptoStress().history(v)
    return {
        "breadth_5": selling["breadth_5"],
        "breadth_10": selling["breadth_10"],
        "correlation": selling["correlation"],
        "absorption_shift": selling["shift"],
        "turbulence": np.log(selling["turbulence_week"].where(selling["turbulence_week"] > 0)),
        "haven_failure": selling["haven_failure"],
        "vix_rise": scaled_move(v["vix"], 2 * WEEK),
        "vix_rank": rolling_percentile(v["vix"], YEARS_5),
        "equity_fall": fall_from_high(v["sp500"], YEAR),
        "bitcoin": crypto["bitcoin_move"],
    }


STATE_COLUMNS: dict[str, Callable[[pd.DataFrame], Columns]] = {
    "liquidity": _liquidity,
    "dollar": _dollar,
    "valuation": _valuation,
    "positioning": _positioning,
    "cross_asset": _cross_asset,
}

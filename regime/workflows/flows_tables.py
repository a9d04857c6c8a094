"""The readings of the mechanisms as tables of text, for the terminal and for the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from regime.mechanisms.reading import Absent, MechanismReading
from regime.report.tables import Row, Table

__all__ = ["GROUPS", "TITLES", "number_rows", "number_table", "reading_tables", "reading_words"]

TITLES = {
    "cta": "Trend followers",
    "gamma": "Dealer gamma",
    "positions": "Futures positions",
    "vol_control": "Volatility control",
    "pension": "Pension funds",
    "reserves": "Reserves",
    "dollar": "Dollar",
    "valuation": "Technology",
    "long_end": "Long end",
    "cross_asset": "Cross-asset selling",
    "crypto": "Crypto",
    "depth": "Market depth",
    "analogs": "Analogs",
}
GROUPS = {
    "Positioning and forced flows": ("cta", "gamma", "positions", "vol_control", "pension"),
    "Liquidity and long money": ("reserves", "long_end"),
    "Dollar": ("dollar",),
    "Technology": ("valuation",),
    "Selling across markets": ("cross_asset", "crypto", "depth"),
    "Like which past": ("analogs",),
}
NOTHING = "–"
Reading = MechanismReading | Absent
Form = Callable[[Any], str]


def _as(form: str, factor: float = 1.0) -> Form:
    return lambda value: form.format(factor * value)


def _flow(value: Mapping[str, float]) -> str:
    """A range of flows, USD bn."""
    if value["mid"] is None:
        return NOTHING
    low, mid, high = (
        "0" if round(value[name]) == 0 else f"{value[name]:+.0f}" for name in ("low", "mid", "high")
    )
    return f"{mid} ({low} to {high})"


_SHARE, _PERCENT, _LEVEL, _SCORE = _as("{:.0%}"), _as("{:+.1%}"), _as("{:,.0f}"), _as("{:.2f}")
_SIGMA, _BP, _BN = _as("{:+.1f}"), _as("{:+.0f}"), _as("{:,.0f}")
# Path into the values, what people call it, how it is written.
NUMBERS: dict[str, tuple[tuple[str, str, Form], ...]] = {
    "cta": (
        ("sp500.exposure", "exposure", _PERCENT),
        ("sp500.percentile", "percentile since 2000", _SHARE),
        ("sp500.triggers.short", "short trigger", _LEVEL),
        ("sp500.triggers.medium", "medium trigger", _LEVEL),
        ("sp500.triggers.long", "long trigger", _LEVEL),
        ("sp500.nearest.sigmas", "nearest trigger, sigmas", _SIGMA),
        *(
            (f"sp500.flows_usd_bn.{span}.{tape}", f"{words}, {tape} tape, USD bn", _flow)
            for span, words in (("1w", "week"), ("1m", "month"))
            for tape in ("up", "flat", "down")
        ),
    ),
    "gamma": (
        ("total_usd", "gamma per 1 %, USD bn", _as("{:+.2f}", 1e-9)),
        ("percentile", "percentile", _SHARE),
        ("nearest_zero", "nearest zero-gamma price", _LEVEL),
        ("call_wall", "call wall", _LEVEL),
        ("put_wall", "put wall", _LEVEL),
    ),
    "positions": tuple(
        (f"contracts.{name}.net_share", f"{words}, net share of open interest", _PERCENT)
        for name, words in (
            ("sp500", "S&P 500"),
            ("nasdaq", "Nasdaq-100"),
            ("ust10", "10-year notes"),
            ("jpy", "yen"),
            ("vix", "VIX"),
        )
    ),
    "vol_control": (
        ("exposure", "exposure", _SHARE),
        ("flows_usd_bn.1w", "week, USD bn", _flow),
        ("due_usd_bn", "on the way, USD bn", _flow),
        ("sensitivity_usd_bn.down_2_sigma", "after -2 sigmas, USD bn", _flow),
        ("risk_parity.leverage", "risk parity, leverage", _SCORE),
        ("risk_parity.flows_usd_bn.1w", "risk parity, week, USD bn", _flow),
        ("margin_debt.growth_12m", "margin debt, year", _PERCENT),
    ),
    "pension": (
        ("month.flow_usd_bn", "month end, USD bn", _flow),
        ("quarter.flow_usd_bn", "quarter end, USD bn", _flow),
    ),
    "reserves": (
        ("score", "score", _SCORE),
        ("funding.sofr_iorb_bp", "SOFR - IORB, bp", _BP),
        ("funding.adjusted_bp", "adjusted for the calendar, bp", _BP),
        ("funding.tail_bp", "tail, bp", _BP),
        ("share_of_bank_assets", "reserves of bank assets", _as("{:.1%}")),
        ("distance_to_band_points", "distance to scarcity, points", _SIGMA),
        ("net_liquidity.usd_bn", "net liquidity, USD bn", _BN),
        ("net_liquidity.change_13w_usd_bn", "in 13 weeks, USD bn", _BP),
    ),
    "dollar": (
        ("dash.score", "dash for dollars", _SCORE),
        ("debasement.score", "debasement", _SCORE),
        ("dollar.percentile", "percentile of two years", _SHARE),
        ("momentum.63", "quarter, volatilities", _SIGMA),
        ("equity_correlation.value", "correlation with equities", _as("{:+.2f}")),
        ("carry.state", "yen carry", str),
    ),
    "valuation": (
        ("multiple.source", "source of the multiple", str),
        ("multiple.fall", "multiple from its peak", _PERCENT),
        ("multiple.price_fall", "price from its peak", _PERCENT),
        ("reaction.beats_sold", "beats that were sold", _SHARE),
        ("capex.growth", "capex, quarter", _PERCENT),
    ),
    "long_end": (
        ("score", "score", _SCORE),
        ("ten_year.change_63_bp", "10-year, quarter, bp", _BP),
        ("thirty_year.change_63_bp", "30-year, quarter, bp", _BP),
        ("curve.state", "curve", str),
        ("mortgage.spread_points", "mortgage spread, points", _SCORE),
        ("move.level", "MOVE", _LEVEL),
    ),
    "cross_asset": (
        ("breadth.5", "sold in 5 sessions", _SHARE),
        ("breadth.10", "sold in 10 sessions", _SHARE),
        ("correlation.percentile", "correlation, percentile", _SHARE),
        ("absorption.shift", "shift of absorption", _SIGMA),
        ("turbulence.percentile", "turbulence, percentile", _SHARE),
        ("havens.score_10", "failure of havens", _as("{:+.2f}")),
    ),
    "crypto": (
        ("stress", "share of alarms", _SHARE),
        ("bitcoin.return_5", "Bitcoin, 5 sessions", _PERCENT),
        ("bitcoin.drawdown", "Bitcoin, from its high", _PERCENT),
        ("bitcoin.weekend", "weekend", _SIGMA),
    ),
    "depth": (
        ("percentile", "thinner than", _SHARE),
        ("estimates.spy.edge.bps", "SPY spread (EDGE), bp", _as("{:.1f}")),
        ("estimates.qqq.edge.bps", "QQQ spread (EDGE), bp", _as("{:.1f}")),
    ),
    "analogs": (
        ("episode.type", "kind", str),
        ("episode.score", "312 (1) or 519 (0)", _SCORE),
        ("episode.grades.one_market", "one market alone", _SCORE),
        ("episode.grades.volatility_shock", "shock of volatility", _SCORE),
        *(
            (f"all.windows.{place}.last", f"nearest window {place + 1} ends", str)
            for place in range(3)
        ),
        *(
            (f"all.median.{days}", f"median after {days} sessions", _PERCENT)
            for days in (5, 21, 63)
        ),
    ),
}


def reading_tables(readings: Mapping[str, Reading]) -> list[Table]:
    """For each group of mechanisms its readings in words, then its key numbers.

    Parameters
    ----------
    readings : mapping of str to MechanismReading or Absent
    """
    tables = []
    for group, names in GROUPS.items():
        told = [name for name in names if name in readings]
        rows = tuple(
            Row(name=TITLES[name], cells=(reading_words(readings[name]),)) for name in told
        )
        numbers = tuple(
            Row(name=f"{TITLES[name]}: {row.name}", cells=row.cells)
            for name in told
            for row in number_rows(readings[name])
        )
        tables += [
            Table(title=group, header=("", "Reading"), rows=rows),
            Table(title=f"{group}: numbers", header=("", "Value"), rows=numbers),
        ]
    return tables


def reading_words(reading: Reading) -> str:
    """The sentence, or why there is none."""
    return (
        reading.sentence
        if isinstance(reading, MechanismReading)
        else f"No reading: {reading.reason}."
    )


def number_table(reading: Reading) -> Table:
    """Key numbers of one mechanism, to be shown on demand."""
    return Table(title="All numbers", header=(), rows=number_rows(reading), folded=True)


def number_rows(reading: Reading) -> tuple[Row, ...]:
    """Key numbers of one mechanism; what is not known is left out."""
    if not isinstance(reading, MechanismReading):
        return ()
    found = (
        (words, form, _at(reading.values, path)) for path, words, form in NUMBERS[reading.name]
    )
    return tuple(
        Row(name=words, cells=(form(value),)) for words, form, value in found if value is not None
    )


def _at(values: Any, path: str) -> Any:
    """The value at a path; None where the way ends."""
    for key in path.split("."):
        if isinstance(values, list):
            values = values[int(key)] if int(key) < len(values) else None
        else:
            values = values.get(key) if isinstance(values, Mapping) else None
    return values

"""The folder of real data.

Every fault that its README lists is found and named, and every warning was looked at.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from regime.cli import main

pytestmark = pytest.mark.real
EURO, MOVE = "prices/EURUSD.csv", "prices/^MOVE.csv"
TFF, DEALERS = (
    "positioning/cot_tff_assetmgr_levfunds.csv",
    "positioning/cot_tff_futonly_key_contracts.csv",
)
NASDAQ, LEGACY = (
    "positioning/cot_tff_levfunds_nq_cons_20974plus.csv",
    "positioning/cot_legacy_noncomm_to_2026.csv",
)
CHAIN = "positioning/option_chain_{}.csv"
EARLY = {
    f"{DEALERS}[VIX]": "2024-06-11",
    "positioning/cta_model_equity_allocation.csv": "2021-12-17",
    "positioning/riskparity_model_equity_allocation.csv": "2021-12-17",
    "positioning/sp_voltarget_model_allocation.csv": "2021-12-17",
    "positioning/sg_trend_3m_pnl.csv": "2021-12-16",
    **{
        f"macro/{rate}{percentile}.csv": "2017-01-12"
        for rate in ("EFFR", "OBFR")
        for percentile in (1, 25, 75, 99)
    },
}
SINGLE_VINTAGE = [
    "nfci",
    "stlfsi",
    "term_premium",
    "broad_dollar",
    "cape",
    "macro/ANFCI.csv",
    "macro/USEPUINDXD.csv",
    "macro/THREEFYTP1.csv",
    "macro/DTWEXAFEGS.csv",
    "macro/ACMTP10.csv",
    "macro/OFR_FSI.csv",
]
# name, check, severity, words of the sentence
KNOWN = [
    *(
        (EURO, "cross_series", "warning", f"{date} ")
        for date in (
            "2008-01-08",
            "2008-02-08",
            "2008-07-08",
            "2008-09-08",
            "2008-10-08",
            "2008-12-08",
        )
    ),
    (EURO, "bad_tick", "warning", "2008-12-08 1.4918 between 1.2717 and 1.29261"),
    (MOVE, "stale_bar", "warning", "2023-03-15 169.65, next open 198.71"),
    ("move", "stale_bar", "note", "2023-03-15 169.65, next open 198.71"),
    (
        "move",
        "repaired",
        "note",
        "1 row dropped: 2023-03-15 (stale: the close before; 198.71 was reported)",
    ),
    ("crude", "negative", "warning", "negative price: -37.63 on 2020-04-20; allowed by the range"),
    ("gold_future", "outside_bar", "warning", "430 closes of 6,106 outside the high-low range"),
    ("silver_future", "outside_bar", "warning", "242 closes of 6,108 outside the high-low range"),
    (
        "hy_oas",
        "weekend",
        "warning",
        "95 rows dated on a Saturday or Sunday; 95 of them at the end of a month",
    ),
    ("ig_oas", "weekend", "warning", "95 rows dated on a Saturday or Sunday"),
    ("dgs10", "gaps", "note", "112 of them federal holidays on which the exchange is open"),
    ("hy_oas", "holiday_repeats", "warning", "rows on exchange holidays repeat the row before"),
    (
        "rrp",
        "sparse",
        "warning",
        "rows on 91 of 2,673 sessions from 2003-02-10 to 2013-09-20: published on some days only",
    ),
    ("srf", "sparse", "warning", "published on some days only"),
    ("macro/IOER.csv", "step_function", "note", "a step function: "),
    ("iorb", "splice", "note", "to 2021-07-28 come from macro/IOER.csv"),
    (
        "sofr",
        "proxy",
        "note",
        "884 rows from 2014-08-22 to 2018-04-02 come from macro/OFR_REPO_TRI_AR_OO.csv, a proxy",
    ),
    (
        f"{TFF}[SP500_CONS]",
        "unit_break",
        "fault",
        "the unit has changed: from 2023-05-02 on multiplied by 5 (",
    ),
    (NASDAQ, "unit_break", "fault", "the unit has changed: from 2023-05-02 on multiplied by 5 ("),
    (
        f"{LEGACY}[sp500]",
        "unit_break",
        "fault",
        "the unit has changed: from 2023-05-02 on multiplied by 5 (",
    ),
    ("cot_tff_sp500_open_interest", "unit_break", "note", "from 2023-05-02 on multiplied by 5 ("),
    ("cot_tff_nq_lev_short", "unit_break", "note", "from 2023-05-02 on multiplied by 5 ("),
    (
        "cot_tff_nq_open_interest",
        "repaired",
        "note",
        "672 rows multiplied by 5: 2010-06-15 to 2023-04-25",
    ),
    (f"{TFF}[SP500_CONS]", "negative_shorts", "note", "written negative on 100% of the rows"),
    (f"{LEGACY}[gold]", "negative_shorts", "note", "written negative on 100% of the rows"),
    ("cot_tff_usdjpy_lev_net", "direction", "note", "one is quoted the other way round"),
    (f"{DEALERS}[ES]", "hole", "warning", "2023-02-28 to 2024-01-02 (308 days)"),
    (
        "prices/VX_TERM.csv",
        "holiday_repeats",
        "warning",
        "136 rows on exchange holidays repeat the row before",
    ),
    *(
        (name, "revised", "note", "its past contains a little of the future")
        for name in SINGLE_VINTAGE
    ),
    ("nvda", "caveat", "note", "today's survivors"),
    (
        "prices/SPY.csv",
        "adjusted",
        "note",
        "`close` is adjusted for later dividends (it equals `adj_close`); `unadj_close`",
    ),
    ("prices/RSP.csv", "adjusted", "note", "`close` is the traded price"),
    ("prices/BTC_FUNDING_BYBIT.csv", "daily_sum", "warning", "the sum of 3 records a day"),
    ("btc_open_interest", "caveat", "note", "made from records of the day"),
    *((name, "stale", "warning", date) for name, date in EARLY.items()),
    ("positioning/sg_trend_3m_pnl.csv", "caveat", "note", "a rolling 3-month figure"),
    (CHAIN.format("SPX_2023-08-20"), "off_session", "warning", "2023-08-20 (Sunday)"),
    (CHAIN.format("SPX_2023-08-20"), "expired", "warning", "1,476 rows of 20,342"),
    (CHAIN.format("SPX_2023-09-04"), "off_session", "warning", "2023-09-04 (Monday)"),
    (
        CHAIN.format("SPX_2023-09-04"),
        "crossed",
        "warning",
        "1 row of 19,158 with the bid above the ask",
    ),
    (
        CHAIN.format("SPX_2023-09-14"),
        "empty",
        "warning",
        "591 rows of 19,920 with zero open interest and zero implied",
    ),
    ("move", "gaps", "note", "no row on 102 US sessions"),
    ("nikkei", "gaps", "note", "no row on 763 US sessions"),
    ("gold", "gaps", "note", "no row on 338 US sessions"),
    (
        "btc",
        "late_known",
        "note",
        "public at 00:00 UTC, at the earliest 3 hours after the New York close",
    ),
    ("eth", "late_known", "note", "it counts from the next session"),
]
# Beyond the README: what else is warned of in series of the catalogue. All of it was looked at and
# is so.
LOOKED_AT = {
    "sp500": {"cross_series"},  # 2021-08-11 is 4442.41; SPY and SqueezeMetrics say 4447.70
    "vxn": {"weekend", "cross_series"},  # FRED's VXN has a Sunday in 2003 and 11.20 on 2024-02-01
    "skew": {"hole"},
    "usdjpy": {"hole", "cross_series"},  # since 1998 it is no H.10 rate
    "uup": {"bad_tick"},  # 2007-06-20, on 4,300 shares; the dollar index stood still
    "crude": {"negative", "outside_bar"},
    "gold_future": {"outside_bar", "upside_down"},
    "silver_future": {"outside_bar"},
    "copper": {"outside_bar", "holiday_repeats"},
    "dollar_index": {"holiday_repeats", "frozen"},  # closed in August 1971
    "nikkei": {"frozen"},  # April 1972 is one value
    "cp_aa_30": {"hole"},
    "tedrate": {"stale"},
    "rrp": {"sparse"},
    "srf": {"sparse"},
    "hy_oas": {"weekend", "holiday_repeats"},
    "ig_oas": {"weekend"},
    "forward_pe_sp500": {"hole"},
    "forward_pe_tech": {"hole"},
    # The file with dealers: 2023-03 to 2023-12 is missing, and it ends in June 2024.
    **{
        f"cot_tff_{part}": {"hole", "stale"}
        for part in (
            *(
                f"{contract}_dealer_{side}"
                for contract in ("sp500", "nq", "ust10", "jpy")
                for side in ("long", "short")
            ),
            "nq_am_long",
            "nq_am_short",
            *(
                f"{contract}_{what}"
                for contract in ("ust2", "ust30")
                for what in ("lev_long", "lev_short", "open_interest")
            ),
        )
    },
}


@pytest.fixture(scope="module")
def summary(real_data: Path) -> dict[str, Any]:
    """The object of `--json`."""
    import contextlib
    import io

    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = main(["data", "check", "--data", str(real_data), "--json", "--quiet"])
    return {**json.loads(out.getvalue()), "code": code}


def inspected(summary: dict[str, Any], name: str) -> dict[str, Any]:
    return summary["series"].get(name) or summary["tables"][name]


@pytest.mark.parametrize(("name", "check", "severity", "words"), KNOWN)
def test_every_known_fault_is_found_and_named(
    summary: dict[str, Any], name: str, check: str, severity: str, words: str
) -> None:
    told = [
        (one["severity"], one["text"])
        for one in inspected(summary, name)["findings"]
        if one["check"] == check
    ]
    assert any(grave == severity and words in text for grave, text in told), told


def test_the_bad_euro_days_are_those_and_no_others(summary: dict[str, Any]) -> None:
    (found,) = [
        one for one in inspected(summary, EURO)["findings"] if one["check"] == "cross_series"
    ]
    assert found["dates"] == [f"2008-{month:02d}-08" for month in (1, 2, 7, 9, 10, 12)]
    sizes = [abs(one["excess"]) for one in found["evidence"]]
    assert min(sizes) == pytest.approx(0.02, abs=0.001) and 0.13 < max(sizes) < 0.17


def test_files_begin_where_their_mechanisms_are_due(summary: dict[str, Any]) -> None:
    first = {
        "gex": "2011-05-02",
        "sofr": "2014-08-22",
        "forward_pe_ndx": "2020-06-30",
        "btc": "2014-09-17",
        "btc_funding": "2020-03-25",
        "positioning/cot_tff_vix_futures.csv": "2022-01-04",
        "positioning/etf_dbmf_daily.csv": "2019-05-08",
        "positioning/etf_kmlm_daily.csv": "2020-12-18",
    }
    assert {name: inspected(summary, name)["first"] for name in first} == first
    assert inspected(summary, "macro/OBFR.csv")["verdict"] == "ok"


def test_a_run_could_use_the_folder_and_nothing_required_is_at_fault(
    summary: dict[str, Any],
) -> None:
    assert (summary["code"], summary["verdict"], summary["data"]["stops"]) == (0, "warning", [])
    assert summary["data"]["unlisted"] == ["PROVENANCE.csv"]
    assert {name for name, one in summary["series"].items() if one["verdict"] == "fault"} == set()
    faulty = {
        name.partition("[")[0]
        for name, one in summary["tables"].items()
        if one["verdict"] == "fault"
    }
    assert faulty == {TFF, NASDAQ, LEGACY}


def test_every_warning_in_the_catalogue_was_looked_at(summary: dict[str, Any]) -> None:
    warned = {
        name: {finding["check"] for finding in one["findings"] if finding["severity"] == "warning"}
        for name, one in summary["series"].items()
        if one["verdict"] != "ok"
    }
    assert warned == LOOKED_AT

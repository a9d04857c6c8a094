"""Reactions to reports by hand.

Which session moved, per unit of surprise, and earnings of the last four reports.
"""

import numpy as np
import pandas as pd
import pytest

from regime.errors import InvalidDataError
from regime.mechanisms.tech_valuation.earnings import (
    earnings_events,
    reaction_asymmetry,
    report_reactions,
    trailing_earnings,
)

DATES = pd.bdate_range("2024-01-01", periods=300, name="date")


def raw(*rows):
    return pd.DataFrame(rows, columns=["ticker", "announce_time", "surprise_pct", "reported_eps"])


def prices(**moves):
    """Prices of 100 that move by a fraction on positions, as in aapl={3: 0.05}."""
    table = pd.DataFrame(0.0, DATES, list(moves))
    for name, told in moves.items():
        for position, move in told.items():
            table.iloc[position, table.columns.get_loc(name)] = np.log1p(move)
    return 100 * np.exp(table.cumsum())


FLAT = pd.Series(50.0, DATES)


def test_sixteen_hundred_means_after_the_close():
    events = earnings_events(
        raw(
            ("AAPL", "2024-01-03 16:00:00", 5.0, 1.0),
            ("AAPL", "2024-01-03 07:00:00", 4.0, 1.0),
            ("AAPL", "2024-01-03 00:00:00", 3.0, 1.0),
        )
    )
    moved = report_reactions(events, prices(aapl={2: 0.02, 3: 0.05}), FLAT)
    assert moved.set_index("surprise")["session"].to_dict() == {4.0: 2, 5.0: 3, 3.0: 3}
    assert moved.set_index("surprise")["reaction"].to_dict() == pytest.approx(
        {4.0: 0.02, 5.0: 0.05, 3.0: 0.05}
    )


def test_a_reaction_is_less_the_markets():
    events = earnings_events(raw(("MSFT", "2024-01-03 16:00:00", 5.0, None)))
    market = prices(sp500={3: 0.03})["sp500"]
    assert report_reactions(events, prices(msft={3: 0.05}), market)[
        "reaction"
    ].tolist() == pytest.approx([0.02])


def test_a_report_counts_only_once_its_session_has_closed():
    events = earnings_events(
        raw(("AAPL", "2024-01-03 16:00:00", 5.0, 1.0), ("GOOG", "2024-01-03 16:00:00", 5.0, 1.0))
    )
    table = prices(aapl={3: 0.05})
    assert len(report_reactions(events, table.iloc[:3], FLAT.iloc[:3])) == 0
    known = report_reactions(events, table.iloc[:4], FLAT.iloc[:4])
    assert known["ticker"].tolist() == ["aapl"]  # no price of the other


def test_repeats_and_reports_without_a_surprise_are_left_out():
    rows = (
        ("AAPL", "2024-01-03 16:00:00", 5.0, 1.0),
        ("AAPL", "2024-01-03 16:00:00", 12.0, 1.0),
        ("AAPL", "2024-02-01 16:00:00", None, 1.0),
    )
    assert earnings_events(raw(*rows))["surprise"].tolist()[:1] == [12.0]
    assert len(report_reactions(earnings_events(raw(*rows)), prices(aapl={3: 0.05}), FLAT)) == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.drop(columns="surprise_pct"), "earnings: column `surprise_pct` is absent"),
        (lambda t: t.drop(columns="announce_time"), "earnings: column `released` is absent"),
        (
            lambda t: t.assign(announce_time="soon"),
            "earnings: column `released`: row 1: `soon` is no date",
        ),
        (
            lambda t: t.assign(surprise_pct="big"),
            "earnings: column `surprise_pct`: row 1: `big` is no number",
        ),
    ],
)
def test_a_broken_file_is_refused(change, words):
    with pytest.raises(InvalidDataError) as told:
        earnings_events(change(raw(("AAPL", "2024-01-03 16:00:00", 5.0, 1.0))))
    assert str(told.value).startswith(words)


def reports(*rows):
    return pd.DataFrame(rows, columns=["ticker", "session", "surprise", "reaction"])


def test_asymmetry_by_hand():
    table = reaction_asymmetry(
        reports(
            ("a", 10, 5.0, 0.02),
            ("b", 11, 200.0, -0.01),
            ("c", 12, -10.0, -0.06),
            ("a", 13, 0.0, -0.5),
        ),
        DATES,
        lookback=50,
        minimum=1,
    )
    now = table.iloc[20]
    assert (now["beats"], now["misses"], now["beats_sold"]) == (2, 1, 0.5)
    assert now["beat_reaction"] == pytest.approx(0.005) and now["miss_reaction"] == pytest.approx(
        -0.06
    )
    assert now["beat_per_unit"] == pytest.approx(0.01 / 25) and now[
        "miss_per_unit"
    ] == pytest.approx(-0.06 / 10)
    assert now["asymmetry"] == pytest.approx(-0.055)
    assert table.iloc[9][["beats", "misses"]].tolist() == [0, 0] and np.isnan(
        table["beat_reaction"].iloc[9]
    )
    assert (
        table["beats"].iloc[59] == 2
        and table["beats"].iloc[60] == 1
        and table["beats"].iloc[62] == 0
    )


def test_few_reports_say_nothing():
    table = reaction_asymmetry(
        reports(*(("a", day, 5.0, 0.02) for day in range(200, 205))), DATES, minimum=6
    )
    assert table["beats"].iloc[-1] == 5 and table[
        ["beat_reaction", "beats_sold", "asymmetry"]
    ].isna().all(axis=None)
    empty = reaction_asymmetry(reports(), DATES)
    assert (
        len(empty) == len(DATES)
        and empty["beat_reaction"].isna().all()
        and (empty["misses"] == 0).all()
    )


def test_a_report_outside_the_sessions_is_refused():
    with pytest.raises(InvalidDataError, match="session 300 lies outside the 300 sessions"):
        reaction_asymmetry(reports(("a", 300, 5.0, 0.02)), DATES)


def test_reactions_know_nothing_of_what_comes_after():
    rng = np.random.default_rng(4)
    table = 100 * np.exp(pd.DataFrame(rng.normal(0, 0.02, (300, 3)), DATES, list("abc")).cumsum())
    rows = [
        ("ABC"[k % 3], f"{DATES[k]:%Y-%m-%d} 16:00:00", float(rng.normal(3, 5)), 1.0)
        for k in range(1, 290, 5)
    ]
    events = earnings_events(raw(*rows))
    whole = reaction_asymmetry(report_reactions(events, table, FLAT), DATES, 100, 3)
    for cut in (120, 201):
        part = reaction_asymmetry(
            report_reactions(events, table.iloc[:cut], FLAT.iloc[:cut]), DATES[:cut], 100, 3
        )
        pd.testing.assert_frame_equal(part, whole.iloc[:cut], check_exact=True)


def test_trailing_earnings_are_the_last_four_as_announced():
    rows = [
        ("AAPL", f"{day} 16:00:00", 1.0, eps)
        for day, eps in (
            ("2023-02-01", 1.0),
            ("2023-05-01", 2.0),
            ("2023-08-01", 3.0),
            ("2023-11-01", 4.0),
            ("2024-02-01", 7.0),
        )
    ]
    earned = trailing_earnings(earnings_events(raw(*rows)), DATES)["aapl"]
    assert earned["2024-02-01"] == 10.0 and earned["2024-02-02"] == 16.0  # known after the close
    assert (
        np.isnan(earned["2024-08-01"]) and earned["2024-06-20"] == 16.0
    )  # too long without a report


def test_a_gap_in_reports_gives_no_year():
    rows = [
        ("AAPL", f"{day} 16:00:00", 1.0, 1.0)
        for day in ("2022-02-01", "2022-05-01", "2023-11-01", "2024-02-01")
    ]
    assert trailing_earnings(earnings_events(raw(*rows)), DATES)["aapl"].isna().all()
    assert trailing_earnings(earnings_events(raw(*rows)).iloc[:0], DATES).shape == (300, 0)

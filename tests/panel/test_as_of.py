"""The panel knows what was released and nothing else.

Brute force, merge_asof, and the truncation law.
"""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regime.errors import InvalidDataError
from regime.panel.as_of import AsOf
from regime.panel.calendar import session_closes

SESSIONS = pd.bdate_range("2024-06-03", "2024-08-30", name="date")
MAX_AGE = {"a": 5, "b": 40, "none": 7}


def observations(rows: list[tuple[str, str, str, float]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["series", "period", "released", "value"])
    return frame.assign(
        period=pd.to_datetime(frame["period"]), released=pd.to_datetime(frame["released"], utc=True)
    )


def random_rows(seed: int, vintages: bool) -> pd.DataFrame:
    """Rows with irregular periods and delays, so that releases come out of order."""
    rng = np.random.default_rng(seed)
    frames = []
    for name in ("a", "b"):
        period = pd.Timestamp("2024-05-20") + pd.to_timedelta(
            np.unique(rng.integers(0, 100, 60)), unit="D"
        )
        period = period.repeat(2) if vintages else period
        delay = pd.to_timedelta(rng.integers(0, 15 * 24, len(period)), unit="h")
        frames.append(
            pd.DataFrame(
                {
                    "series": name,
                    "period": period,
                    "released": (period + delay).tz_localize("UTC"),
                    "value": rng.normal(size=len(period)),
                }
            )
        )
    return pd.concat(frames).sample(frac=1, random_state=seed).reset_index(drop=True)


def brute_force(rows: pd.DataFrame, name: str, t: pd.Timestamp) -> tuple[float, float]:
    cut = session_closes(pd.DatetimeIndex([t]))[0]
    known = rows[(rows["series"] == name) & (rows["released"] <= cut)].sort_values(
        ["period", "released"]
    )
    if known.empty:
        return np.nan, np.nan
    age = (t - known["period"].iloc[-1]).days
    return (known["value"].iloc[-1] if age <= MAX_AGE[name] else np.nan), age


def test_a_value_counts_from_its_release_to_its_maximum_age() -> None:
    rows = observations(
        [
            ("a", "2024-07-01", "2024-07-03 17:00Z", 1.0),
            ("a", "2024-07-02", "2024-07-05 20:00Z", 2.0),
        ]
    )
    panel = AsOf(rows, MAX_AGE).panel(SESSIONS)
    values = panel.values["a"].loc["2024-07-02":"2024-07-09"]
    # 3 July closes at 13:00 New York = 17:00 UTC: the instant itself still counts.
    assert values.fillna(-1).tolist() == [-1, 1, 1, 2, -1, -1]
    assert panel.age["a"].loc["2024-07-03":"2024-07-09"].tolist() == [2, 3, 3, 6, 7]


def test_a_minute_late_is_the_next_session() -> None:
    rows = observations([("a", "2024-07-03", "2024-07-03 17:01Z", 1.0)])
    values = AsOf(rows, MAX_AGE).panel(SESSIONS).values["a"]
    assert values.first_valid_index() == pd.Timestamp("2024-07-04")


def test_columns_depend_on_the_maximum_ages_alone() -> None:
    empty = observations([])
    panel = AsOf(empty, MAX_AGE).panel(SESSIONS)
    assert list(panel.values.columns) == list(panel.age.columns) == ["a", "b", "none"]
    assert panel.values.isna().all(axis=None)
    assert panel.age.isna().all(axis=None)
    assert (panel.values.dtypes == np.float64).all()


def test_an_older_period_released_later_does_not_replace_a_newer_one() -> None:
    rows = observations(
        [
            ("a", "2024-07-02", "2024-07-02 12:00Z", 2.0),
            ("a", "2024-07-01", "2024-07-03 12:00Z", 1.0),
        ]
    )
    assert (
        AsOf(rows, MAX_AGE).panel(SESSIONS).values["a"].loc["2024-07-02":"2024-07-05"].tolist()
        == [2.0] * 4
    )


def test_a_later_vintage_replaces_its_own_period() -> None:
    rows = observations(
        [
            ("b", "2024-07-01", "2024-07-02 12:00Z", 1.0),
            ("b", "2024-07-01", "2024-07-10 12:00Z", 1.5),
        ]
    )
    known = AsOf(rows, MAX_AGE)
    assert known.panel(SESSIONS).values["b"].loc["2024-07-09":"2024-07-10"].tolist() == [1.0, 1.5]
    assert known.history("b", pd.Timestamp("2024-07-09")).tolist() == [1.0]
    assert known.history("b", pd.Timestamp("2024-07-10")).tolist() == [1.5]


@pytest.mark.parametrize("vintages", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_equals_brute_force(seed: int, vintages: bool) -> None:
    rows = random_rows(seed, vintages)
    panel = AsOf(rows, MAX_AGE).panel(SESSIONS)
    for name in ("a", "b"):
        expected = np.array([brute_force(rows, name, t) for t in SESSIONS])
        np.testing.assert_array_equal(panel.values[name].to_numpy(), expected[:, 0])
        np.testing.assert_array_equal(panel.age[name].to_numpy(), expected[:, 1])


def test_equals_merge_asof_where_releases_come_in_order() -> None:
    periods = pd.bdate_range("2024-05-01", "2024-08-30")
    released = (periods + pd.Timedelta("37h")).tz_localize("UTC")
    value = np.arange(len(periods), dtype=float)
    rows = pd.DataFrame({"series": "b", "period": periods, "released": released, "value": value})
    closes = pd.DataFrame({"cut": session_closes(SESSIONS)})
    merged = pd.merge_asof(closes, rows, left_on="cut", right_on="released")
    panel = AsOf(rows, MAX_AGE).panel(SESSIONS)
    np.testing.assert_array_equal(panel.values["b"].to_numpy(), merged["value"].to_numpy())
    np.testing.assert_array_equal(
        panel.age["b"].to_numpy(), (SESSIONS - pd.DatetimeIndex(merged["period"])).days
    )


@given(seed=st.integers(0, 10_000), cut=st.integers(0, len(SESSIONS) - 1), vintages=st.booleans())
@settings(deadline=None, max_examples=60)
def test_truncation_law(seed: int, cut: int, vintages: bool) -> None:
    """What was released by the close of t gives the panel's rows up to t, bit for bit."""
    rows = random_rows(seed, vintages)
    known = rows[rows["released"] <= session_closes(SESSIONS)[cut]]
    whole, short = (
        AsOf(rows, MAX_AGE).panel(SESSIONS),
        AsOf(known, MAX_AGE).panel(SESSIONS[: cut + 1]),
    )
    for one, other in ((whole.values, short.values), (whole.age, short.age)):
        assert one.iloc[: cut + 1].to_numpy().tobytes() == other.to_numpy().tobytes()


@given(seed=st.integers(0, 10_000), t=st.sampled_from(list(SESSIONS)), vintages=st.booleans())
@settings(deadline=None, max_examples=40)
def test_the_end_of_a_history_is_the_panel_s_value(
    seed: int, t: pd.Timestamp, vintages: bool
) -> None:
    known = AsOf(random_rows(seed, vintages), {"a": 4000, "b": 4000})
    history = known.history("a", t)
    assert history.index.is_monotonic_increasing and history.index.is_unique
    value = known.panel(pd.DatetimeIndex([t], name="date")).values["a"].iloc[0]
    assert (history.iloc[-1] if len(history) else np.nan) == pytest.approx(
        value, abs=0, nan_ok=True
    )


def test_categories_that_have_no_rows_are_no_matter() -> None:
    rows = observations([("a", "2024-07-01", "2024-07-01 20:00Z", 1.0)])
    rows["series"] = pd.Categorical(rows["series"], categories=["none", "a", "gone"])
    assert AsOf(rows, MAX_AGE).panel(SESSIONS).values["a"].loc["2024-07-01"] == 1.0


def test_history_of_nothing_is_empty_and_of_a_stranger_an_error() -> None:
    known = AsOf(observations([]), MAX_AGE)
    assert known.history("none", SESSIONS[0]).empty
    with pytest.raises(InvalidDataError, match="no series `other`; known: a, b, none"):
        known.history("other", SESSIONS[0])


def test_faults_are_named() -> None:
    rows = observations([("stranger", "2024-07-01", "2024-07-01 20:00Z", 1.0)])
    with pytest.raises(
        InvalidDataError, match="no maximum age for series stranger; add it to the catalogue"
    ):
        AsOf(rows, MAX_AGE)
    with pytest.raises(InvalidDataError, match="column `released` is missing"):
        AsOf(rows.drop(columns="released"), MAX_AGE)
    with pytest.raises(InvalidDataError, match="a row has no `released`; leave the row out"):
        AsOf(rows.assign(released=pd.DatetimeIndex([pd.NaT], tz="UTC")), MAX_AGE)
    with pytest.raises(InvalidDataError, match="`released` has no time zone"):
        AsOf(rows.assign(released=rows["released"].dt.tz_localize(None)), MAX_AGE)
    with pytest.raises(InvalidDataError, match="a row has no `series`"):
        AsOf(rows.assign(series=pd.Categorical([None], categories=["a"])), MAX_AGE)
    with pytest.raises(InvalidDataError, match="dates must rise strictly"):
        AsOf(rows, {"stranger": 7}).panel(SESSIONS[::-1])

"""Every checker returns valid input unchanged, or names where the first fault is."""

import numpy as np
import pandas as pd
import pytest

from regime.errors import InvalidDataError
from regime.schema import (
    REGIMES,
    FeatureSpec,
    Labels,
    Panel,
    Regime,
    check_dates,
    check_exposure,
    check_features,
    check_observations,
    check_probabilities,
    check_weights,
)

DAYS = pd.DatetimeIndex(["2020-03-12", "2020-03-13", "2020-03-16", "2020-03-17"], name="date")


def refusal(check, *arguments: object, **options: object) -> str:
    with pytest.raises(InvalidDataError) as caught:
        check(*arguments, **options)
    return str(caught.value)


def changed(frame, row: int, column: str, value: object):
    result = frame.copy()
    result.loc[result.index[row], column] = value
    return result


@pytest.fixture
def probabilities() -> pd.DataFrame:
    return pd.DataFrame([[0.7, 0.1, 0.1, 0.1]] * 4, index=DAYS, columns=list(REGIMES))


@pytest.fixture
def observations() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "series": ["vix", "vix", "sofr"],
            "period": DAYS[[0, 1, 0]],
            "released": (DAYS[[0, 1, 1]] + pd.Timedelta(hours=20)).tz_localize("UTC"),
            "value": [75.5, 57.8, 1.2],
        }
    )


@pytest.fixture
def specs() -> tuple[FeatureSpec, ...]:
    return tuple(
        FeatureSpec(
            name=f"dollar_{name}",
            family="dollar",
            mechanism="carry",
            sign=1,
            lookback=0,
            inputs=("usdjpy",),
        )
        for name in ("a", "b")
    )


@pytest.fixture
def features() -> pd.DataFrame:
    return pd.DataFrame({"dollar_a": [np.nan, 1.0, 2.0, 3.0], "dollar_b": [0.0] * 4}, index=DAYS)


@pytest.fixture
def labels(probabilities: pd.DataFrame) -> Labels:
    weights = probabilities.copy()
    weights.iloc[3] = np.nan
    known = pd.Series(DAYS, DAYS).where(weights["calm"].notna())
    return Labels(weights=weights, span_end=known, known_at=known)


def test_regimes_have_one_order() -> None:
    assert REGIMES == ("calm", "fragile", "deleveraging", "recovery") == tuple(Regime)


def test_what_is_right_comes_back_unchanged(probabilities, observations, specs, features) -> None:
    exposure = probabilities["calm"].rename("exposure")
    assert check_dates(DAYS, "x") is DAYS
    assert check_probabilities(probabilities) is probabilities
    assert check_observations(observations) is observations
    assert check_features(features, specs) is features
    assert check_exposure(exposure) is exposure


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (pd.RangeIndex(3), "x: the index must be a DatetimeIndex, got RangeIndex"),
        (
            DAYS.tz_localize("UTC"),
            "x: the index carries time zone UTC; drop it with tz_localize(None)",
        ),
        (pd.DatetimeIndex(["2020-03-12", None], name="date"), "x: the index holds a missing date"),
        (
            DAYS[[0, 2, 1]],
            "x: dates must rise strictly; row 2 is 2020-03-13 after 2020-03-16: sort and drop "
            "duplicates",
        ),
        (DAYS[[0, 1, 1]], "row 2 is 2020-03-13 after 2020-03-13"),
        (
            DAYS + pd.to_timedelta([0, 0, 16, 0], unit="h"),
            "x: row 2 has a time of day (2020-03-16 16:00:00)",
        ),
    ],
)
def test_dates(index: pd.Index, message: str) -> None:
    assert message in refusal(check_dates, index, "x")


@pytest.mark.parametrize(
    ("row", "column", "value", "message"),
    [
        (2, "calm", 0.8, "P: 2020-03-16: [0.8, 0.1, 0.1, 0.1] are not probabilities that sum to 1"),
        (1, "fragile", -0.1, "P: 2020-03-13: "),
        (3, "recovery", np.nan, "P: 2020-03-17: "),
        (0, "calm", 1.3, "2020-03-12"),
        (1, "calm", 0.7 + 2e-9, "2020-03-13"),
    ],
)
def test_probabilities_name_the_first_bad_row(
    probabilities, row: int, column: str, value: float, message: str
) -> None:
    assert message in refusal(check_probabilities, changed(probabilities, row, column, value), "P")


def test_probabilities_keep_their_columns_and_may_miss_whole_rows_only(probabilities) -> None:
    assert "columns must be calm, fragile, deleveraging, recovery, got recovery, " in refusal(
        check_probabilities, probabilities[list(REGIMES)[::-1]]
    )
    gap = probabilities.copy()
    gap.iloc[1] = np.nan
    assert check_probabilities(gap, missing=True) is gap
    assert "2020-03-13" in refusal(check_probabilities, gap)
    assert "2020-03-12" in refusal(
        check_probabilities, changed(gap, 0, "calm", np.nan), missing=True
    )


@pytest.mark.parametrize(("value", "day"), [(-0.01, 0), (1.01, 2), (np.nan, 3), (np.inf, 1)])
def test_exposure_names_the_first_day_outside(value: float, day: int) -> None:
    exposure = pd.Series([0.0, 0.5, 1.0, 1.0], DAYS)
    exposure.iloc[day] = value
    assert f"Exposure: {DAYS[day]:%Y-%m-%d}: {value} lies outside [0, 1]" in refusal(
        check_exposure, exposure
    )


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("value", np.nan, "Observations: vix 2020-03-13: value is not finite; leave the row out"),
        ("value", np.inf, "vix 2020-03-13: value is not finite"),
        ("period", DAYS[0], "Observations: vix 2020-03-12: series repeats a period"),
    ],
)
def test_observations_name_series_and_period(
    observations, column: str, value: object, message: str
) -> None:
    assert message in refusal(check_observations, changed(observations, 1, column, value))


def test_observations_have_their_columns_and_utc(observations) -> None:
    assert "column `released` is missing" in refusal(
        check_observations, observations.drop(columns="released")
    )
    naive = observations.assign(released=observations["released"].dt.tz_localize(None))
    assert "`released` must be in UTC, got datetime64" in refusal(check_observations, naive)


def test_features_name_the_column_and_the_date(features, specs) -> None:
    assert "columns differ from their specs: dollar_b" in refusal(
        check_features, features[["dollar_a"]], specs
    )
    assert "columns differ from their specs: (order)" in refusal(
        check_features, features.iloc[:, ::-1], specs
    )
    assert "column `dollar_b` is int64, must be float64" in refusal(
        check_features, features.astype({"dollar_b": int}), specs
    )
    assert "column `dollar_a` is infinite on 2020-03-16" in refusal(
        check_features, changed(features, 2, "dollar_a", -np.inf), specs
    )


def test_a_panel_has_one_shape(features) -> None:
    panel = Panel(values=features, age=features * 0)
    assert panel.values is features
    assert "same dates and series" in refusal(Panel, values=features, age=features.iloc[:-1])
    assert "same dates and series" in refusal(Panel, values=features, age=features[["dollar_b"]])


def test_labels_know_their_regime_and_when(labels: Labels) -> None:
    assert labels.regime.tolist()[:3] == ["calm"] * 3 and labels.regime.isna().tolist() == [
        False
    ] * 3 + [True]
    assert labels.regime.cat.categories.tolist() == list(REGIMES) and labels.regime.cat.ordered
    assert labels.known_by(DAYS[1]).tolist() == [True, True, False, False]


def test_labels_refuse_what_does_not_fit(labels: Labels) -> None:
    other = labels.known_at.iloc[:-1]
    assert "must share one index" in refusal(
        Labels, weights=labels.weights, span_end=other, known_at=labels.known_at
    )
    always = pd.Series(DAYS, DAYS)
    assert "`known_at` must be missing exactly where" in refusal(
        Labels, weights=labels.weights, span_end=labels.span_end, known_at=always
    )
    assert "Labels: 2020-03-13" in refusal(
        Labels,
        weights=changed(labels.weights, 1, "calm", 0.9),
        span_end=labels.span_end,
        known_at=labels.known_at,
    )


def test_weights_may_leave_cash_and_borrow_nothing():
    weights = pd.DataFrame({"spy": [0.6, 1.0, 0.0, 0.5], "tlt": [0.4, 0.0, 0.0, 0.2]}, index=DAYS)
    assert check_weights(weights) is weights
    assert refusal(check_weights, changed(weights, 1, "tlt", 0.1)) == (
        "Weights: 2020-03-13: weights sum to 1.1, must be at most 1"
    )
    assert "Weights, `tlt`: 2020-03-16: -0.1 lies outside" in refusal(
        check_weights, changed(weights, 2, "tlt", -0.1)
    )
    assert "lies outside" in refusal(check_weights, changed(weights, 2, "tlt", np.nan))
    assert "each once" in refusal(check_weights, weights.set_axis(["spy", "spy"], axis=1))
    assert "each once" in refusal(check_weights, weights[[]])
    assert check_weights(changed(weights, 0, "tlt", 0.4 + 1e-10)) is not None  # room for rounding

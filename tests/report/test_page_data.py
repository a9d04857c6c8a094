import base64
import hashlib
from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regime.report.content import ReportContent
from regime.report.figures import Figure
from regime.report.page import embedded_data, script_policy
from regime.report.regime_figures import probability_figure, regime_figure
from regime.schema import REGIMES


def _decoded(column: dict[str, Any]) -> np.ndarray:
    """What the page's script makes of a column."""
    form = {"date": "<i4", "byte": "u1", "short": "<u2"}.get(column["kind"], "<f4")
    raw = np.frombuffer(base64.b64decode(column["bytes"]), dtype=form)
    if column["kind"] == "sparse":
        values = np.full(column["length"], np.nan, dtype="f4")
        values[np.frombuffer(base64.b64decode(column["at"]), dtype="<i4")] = raw
        return values
    if column["kind"] == "byte":
        return np.where(raw == 255, np.nan, raw)
    if column["kind"] == "short":
        return np.where(raw == 65535, np.nan, column["low"] + column["step"] * raw)
    return raw


def _figure(values: np.ndarray, *coarse: str) -> Figure:
    return Figure(
        key="k",
        title="",
        caption="",
        alternative="",
        height=1,
        columns={"a": values},
        traces=[],
        layout={},
        coarse=coarse,
    )


def _column(values: np.ndarray, *coarse: str) -> dict[str, Any]:
    (only,) = embedded_data([_figure(values, *coarse)])["columns"].values()
    return dict(only)


def test_columns_come_back_as_they_went_in(report_content: ReportContent) -> None:
    figure = probability_figure(report_content.probabilities)
    encoded = embedded_data([figure])
    names = encoded["figures"]["probabilities"]["columns"]
    days = _decoded(encoded["columns"][names["date"]]).astype("datetime64[D]")
    assert pd.DatetimeIndex(days).equals(
        pd.DatetimeIndex(report_content.probabilities.index, name=None).as_unit("s")
    )
    stress = _decoded(encoded["columns"][names["deleveraging"]])
    np.testing.assert_allclose(stress, report_content.probabilities["deleveraging"], atol=1e-5)


@given(
    hnp.arrays(
        float,
        st.integers(0, 60),
        elements=st.one_of(
            st.just(np.nan), st.integers(0, 300).map(float), st.floats(-1e6, 1e6, width=32)
        ),
    )
)
def test_every_form_of_a_column_gives_back_its_values_and_gaps(values: np.ndarray) -> None:
    np.testing.assert_array_equal(_decoded(_column(values)), values.astype("f4"))
    seen, known = _decoded(_column(values, "a")), np.isfinite(values)
    np.testing.assert_array_equal(np.isfinite(seen), known)
    room = (
        np.ptp(values[known]) / 65_000 + 1e-6 * np.abs(values[known]).max() if known.any() else 0.0
    )
    np.testing.assert_allclose(seen[known], values[known], atol=room)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1.0, 0.0, np.nan, 254.0], "byte"),
        ([1.0, 255.0, 2.0], "number"),
        ([0.5, np.nan, 0.25], "short"),
        ([np.nan] * 9 + [0.5], "sparse"),
        ([np.nan] * 3, "sparse"),
        ([-1.0, 2.5], "short"),
        ([0.7, 0.7], "short"),
    ],
)
def test_a_column_takes_the_shortest_form_that_holds_it(values: list[float], kind: str) -> None:
    coarse = ("a",) if kind == "short" else ()
    assert _column(np.array(values), *coarse)["kind"] == kind


def test_missing_stays_missing() -> None:
    index = pd.bdate_range("2020-01-01", periods=2, name="date")
    probabilities = pd.DataFrame(np.eye(4)[[0, 2]], index=index, columns=list(REGIMES))
    encoded = embedded_data(
        [
            regime_figure(
                pd.Series([np.nan, 5.0], index=index), pd.Series(dtype=object), probabilities
            )
        ]
    )
    price = encoded["figures"]["regimes"]["columns"]["price"]
    np.testing.assert_array_equal(
        _decoded(encoded["columns"][price]), np.array([np.nan, 5.0], dtype="f4")
    )


def test_a_column_that_two_figures_share_stands_once(report_content: ReportContent) -> None:
    figures = [
        regime_figure(report_content.prices, report_content.truth, report_content.probabilities),
        probability_figure(report_content.probabilities),
    ]
    encoded = embedded_data(figures)
    assert len({figure["columns"]["date"] for figure in encoded["figures"].values()}) == 1
    assert sum(column["kind"] == "date" for column in encoded["columns"].values()) == 1


def test_the_policy_admits_the_given_scripts_alone() -> None:
    policy = script_policy(["let a = 1;"])
    digest = base64.b64encode(hashlib.sha256(b"let a = 1;").digest()).decode()
    assert f"script-src 'sha256-{digest}'; " in policy
    assert policy.startswith("default-src 'none'")
    assert "http" not in policy and "unsafe-eval" not in policy

import base64
import hashlib

import numpy as np
import pandas as pd

from regime.report.inline import encode, script_policy
from regime.report.page import ReportContent
from regime.report.regime_figures import probability_figure, regime_figure
from regime.schema import REGIMES


def _decoded(column: dict[str, str]) -> np.ndarray:
    kind = "<i4" if column["kind"] == "date" else "<f4"
    return np.frombuffer(base64.b64decode(column["bytes"]), dtype=kind)


def test_columns_come_back_as_they_went_in(report_content: ReportContent) -> None:
    figure = probability_figure(report_content.probabilities)
    encoded = encode([figure])
    names = encoded["figures"]["probabilities"]["columns"]
    days = _decoded(encoded["columns"][names["date"]]).astype("datetime64[D]")
    assert pd.DatetimeIndex(days).equals(pd.DatetimeIndex(report_content.probabilities.index, name=None).as_unit("s"))
    stress = _decoded(encoded["columns"][names["deleveraging"]])
    np.testing.assert_allclose(stress, report_content.probabilities["deleveraging"], rtol=6e-8)


def test_missing_stays_missing() -> None:
    index = pd.bdate_range("2020-01-01", periods=2, name="date")
    probabilities = pd.DataFrame(np.eye(4)[[0, 2]], index=index, columns=list(REGIMES))
    encoded = encode([regime_figure(pd.Series([np.nan, 5.0], index=index), pd.Series(dtype=object), probabilities)])
    price = encoded["figures"]["regimes"]["columns"]["price"]
    np.testing.assert_array_equal(_decoded(encoded["columns"][price]), np.array([np.nan, 5.0], dtype="f4"))


def test_a_column_that_two_figures_share_stands_once(report_content: ReportContent) -> None:
    figures = [regime_figure(report_content.prices, report_content.truth, report_content.probabilities),
               probability_figure(report_content.probabilities)]
    encoded = encode(figures)
    assert len({figure["columns"]["date"] for figure in encoded["figures"].values()}) == 1
    assert sum(column["kind"] == "date" for column in encoded["columns"].values()) == 1


def test_the_policy_admits_the_given_scripts_alone() -> None:
    policy = script_policy(["let a = 1;"])
    digest = base64.b64encode(hashlib.sha256(b"let a = 1;").digest()).decode()
    assert f"script-src 'sha256-{digest}'; " in policy
    assert policy.startswith("default-src 'none'")
    assert "http" not in policy and "unsafe-eval" not in policy

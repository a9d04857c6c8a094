"""The example of a signal of one's own runs on any folder with the two files that it names."""

import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

EXAMPLE = Path(__file__).parents[2] / "experiments" / "05_own_signal.py"


@pytest.fixture
def example():
    return runpy.run_path(str(EXAMPLE))


def test_the_example_prints_its_figures(example, tmp_path, capsys):
    dates = pd.bdate_range("2015-01-01", periods=900, name="date")
    prices = 100 * np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.01, 900)))
    for folder, name, values in (
        ("prices", "SPY", {"adj_close": prices}),
        ("macro", "DGS3MO", {"value": 2.0}),
    ):
        (tmp_path / folder).mkdir()
        pd.DataFrame(values, dates).to_csv(tmp_path / folder / f"{name}.csv")
    example["main"](str(tmp_path))
    told = capsys.readouterr().out
    assert (
        "SPY 2015-01-01 to 2018-06-13; 1 bp one way on traded notional, half-spread 0.5 bp" in told
    )
    assert all(name in told for name in example["FIGURES"])


def test_the_signal_is_the_average_of_ten_month_ends(example):
    dates = pd.bdate_range("2020-01-01", "2020-12-31", name="date")
    rising = pd.Series(np.arange(len(dates)) + 100.0, dates)
    signal = example["ten_months"](rising)
    assert signal.index.tolist() == [
        pd.Timestamp("2020-10-30"),
        pd.Timestamp("2020-11-30"),
        pd.Timestamp("2020-12-31"),
    ]
    assert (
        signal.tolist() == [1.0, 1.0, 1.0]
        and example["ten_months"](rising[::-1].set_axis(dates)).sum() == 0.0
    )

import numpy as np
import pandas as pd
import pytest

from regime.models.raw_scores import (
    RAW_SCORES,
    below_200dma,
    downside_rank,
    drawdown_252,
    raw_scores,
    realised_vol,
)


@pytest.fixture(scope="module")
def market():
    rng = np.random.default_rng(6)
    index = pd.bdate_range("1978-01-02", periods=2600, name="date")
    returns = pd.Series(rng.standard_normal(2600) * 0.01 + 0.0003, index)
    close = 100 * (1 + returns).cumprod()
    vix = pd.Series(20 + 5 * np.sin(np.arange(2600) / 50), index)
    return close, returns, vix


@pytest.fixture(scope="module")
def table(market):
    return raw_scores(*market)


def test_columns_and_history(table):
    assert tuple(table) == RAW_SCORES and (table.dtypes == np.float64).all()
    assert table["drawdown_252"].isna().sum() == table["below_200dma"].isna().sum() == 59


@pytest.mark.parametrize("t", [59, 300, 2599])
def test_price_scores_by_hand(market, table, t):
    close = market[0].to_numpy()
    assert table["drawdown_252"].iloc[t] == pytest.approx(
        1 - close[t] / close[max(0, t - 251) : t + 1].max(), abs=1e-12
    )
    assert table["below_200dma"].iloc[t] == pytest.approx(
        1 - close[t] / close[max(0, t - 199) : t + 1].mean(), abs=1e-12
    )


def test_realised_vol_by_hand(market):
    r = market[1].to_numpy()[:400]
    w = 0.5 ** (np.arange(399, -1, -1) / 21)
    mean = (w * r).sum() / w.sum()
    biased = (w * (r - mean) ** 2).sum() / w.sum()
    unbiased = biased * w.sum() ** 2 / (w.sum() ** 2 - (w**2).sum())
    assert realised_vol(market[1]).iloc[399] == pytest.approx(np.sqrt(252 * unbiased), rel=1e-10)


def test_downside_rank_by_hand(market):
    close = market[0]["1980":]
    r = np.log(close / close.shift()).to_numpy()[1:]
    decay = 0.5 ** (1 / 21)

    def average(values):
        out, top, bottom = [], 0.0, 0.0
        for value in values:
            top, bottom = top * decay + value, bottom * decay + 1
            out.append(top / bottom)
        return np.array(out)

    deviation = np.sqrt(average(np.minimum(r, 0) ** 2))
    weakness = -average(r) / (deviation + 1e-5)
    score = downside_rank(market[0])
    for t in (999, 1500, len(r) - 1):
        ranks = [
            (v[: t + 1] < v[t]).mean() + ((v[: t + 1] == v[t]).sum() + 1) / 2 / (t + 1)
            for v in (deviation, weakness)
        ]
        assert score[close.index[t + 1]] == pytest.approx(np.mean(ranks), abs=1e-9)


def test_downside_rank_starts_after_its_minimum(market):
    close = market[0]
    score = downside_rank(close, start="1981-01-01", min_periods=300)
    first = score.first_valid_index()
    assert close["1981-01-01":first].size == 301  # one return is lost to the difference
    assert score.dropna().between(0, 1).all() and score.index.equals(close.index)


def test_higher_is_more_stress_in_a_crash(market):
    _, returns, vix = market
    fall = returns.copy()
    fall.iloc[-15:] = -0.03
    crashed = raw_scores(
        100 * (1 + fall).cumprod(), fall, vix + np.r_[np.zeros(2585), np.full(15, 30)]
    )
    assert (crashed.iloc[-1] > crashed.iloc[-20]).all() and crashed["downside_rank"].iloc[-1] > 0.99


def test_truncation(market, table):
    close, returns, vix = market
    for cut in (700, 2000):
        part = raw_scores(close[:cut], returns[:cut], vix[:cut])
        assert part.to_numpy().tobytes() == table.iloc[:cut].to_numpy().tobytes()


def test_vix_keeps_its_last_value_for_five_sessions(market):
    close, returns, vix = market
    holes = vix.drop(vix.index[100:108])
    column = raw_scores(close, returns, holes)["vix"]
    assert (column.iloc[100:105] == vix.iloc[99]).all() and column.iloc[105:108].isna().all()


def test_unit_of_the_index_does_not_matter(market):
    close = market[0]
    pd.testing.assert_series_equal(drawdown_252(close), drawdown_252(close * 1000))
    pd.testing.assert_series_equal(below_200dma(close), below_200dma(close * 1000))

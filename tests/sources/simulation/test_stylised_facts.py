"""What every market shows, looked for in ten worlds of thirty years; no model was asked."""

import numpy as np
import pandas as pd

from regime.sources.simulation.rules import (
    CRYPTO_LEVERAGE,
    FUNDING,
    GAMMA,
    LEVERAGE,
    POLICY,
    RESERVES,
)

RISKY = ("sp500", "nasdaq", "iwm", "eem", "hyg", "crude", "copper", "btc")


def returns(made) -> pd.Series:
    return np.log(made.published["sp500"]).diff().dropna()


def each(worlds, quantity) -> np.ndarray:
    return np.array([quantity(made) for made in worlds])


def test_levels_are_those_of_a_stock_market(worlds):
    years = 30
    growth = each(
        worlds,
        lambda made: (
            (made.published["sp500"].iloc[-1] / made.published["sp500"].iloc[0]) ** (1 / years) - 1
        ),
    )
    assert ((growth > 0.03) & (growth < 0.10)).all(), growth
    risk = each(worlds, lambda made: returns(made).std() * 252**0.5)
    assert ((risk > 0.12) & (risk < 0.22)).all(), risk
    vix = each(worlds, lambda made: made.published["vix"].mean())
    assert ((vix > 15) & (vix < 25)).all(), vix


def test_tails_are_fat(worlds):
    excess = each(worlds, lambda made: returns(made).kurt())
    assert (excess > 5).all(), excess


def test_volatility_clusters_for_months(worlds):
    def memory(made) -> np.ndarray:
        size = returns(made).abs()
        return np.array([size.autocorr(lag) for lag in range(1, 51)])

    lags = np.array([memory(made) for made in worlds])
    assert (lags.mean(axis=0) > 0.01).all()  # each lag, over worlds
    assert (lags[:, :10] > 0.10).all() and (lags[:, 40:].mean(axis=1) > -0.01).all()


def test_falls_raise_volatility(worlds):
    def leverage(made) -> float:
        moves, size = returns(made), returns(made).abs()
        return float(np.mean([moves.corr(size.shift(-lag)) for lag in range(1, 21)]))

    assert (each(worlds, leverage) < -0.03).all()


def test_returns_hardly_foretell_themselves(worlds):
    assert np.abs(each(worlds, lambda made: returns(made).autocorr(1))).mean() < 0.15


def test_everything_moves_together_in_stress(worlds):
    def mean_correlation(table: pd.DataFrame) -> float:
        matrix = table.corr().to_numpy()
        return float(matrix[~np.eye(len(matrix), dtype=bool)].mean())

    rises = []
    for made in worlds:
        table = pd.DataFrame({name: np.log(made.daily(name)).diff() for name in RISKY})
        stress, calm = (
            mean_correlation(table[made.regime(name)]) for name in ("deleveraging", "calm")
        )
        rises.append(stress - calm)
    assert min(rises) > 0.03 and np.mean(rises) > 0.08


def test_funding_is_convex_in_reserves(worlds):
    """Slope of SOFR - IORB over the reserve share below the kink, just above and far above."""
    slopes = []
    for made in worlds:
        spread = (made.daily("sofr") - made.daily("iorb")) * 100
        share = made.daily("reserves") / made.daily("fed_assets")
        kink = made.world.rules.reserve_kink
        edges = [kink - 0.02, kink, kink + 0.02, kink + 0.06]
        means = [spread[(share > low) & (share <= low + 0.015)].mean() for low in edges]
        slopes.append(-np.diff(means))
    steep, middle, flat = np.array(slopes).T
    assert (
        (steep > middle).all()
        and (middle > flat - 0.5).all()
        and steep.mean() > 5 * np.abs(flat).mean()
    )


def test_worlds_differ_in_their_rules(worlds):
    table = pd.DataFrame(
        [
            {
                name: value
                for name, value in made.world.rules._asdict().items()
                if np.isscalar(value)
            }
            for made in worlds
        ]
    )
    drawn = table.loc[:, table.nunique() > 1]
    assert drawn.shape[1] >= 25 and (drawn.nunique() == len(worlds)).all()


def test_news_alone_is_calmer_than_the_market(worlds):
    """Most of the tail is made inside.

    What nobody could foresee in value is milder than what prices did.
    """
    for made in worlds:
        price, value = (
            pd.Series(path[:, 0]).diff(10)
            for path in (made.world.path.price, made.world.path.value)
        )
        stress = made.regime("deleveraging").to_numpy()
        assert price[stress].quantile(0.05) < 1.2 * value[stress].quantile(0.05) < 0


def test_states_stay_in_their_ranges(worlds):
    for made in worlds:
        path = made.world.path
        assert all(np.isfinite(part).all() for part in path)
        for place, low, high in (
            (LEVERAGE, 0, 20),
            (GAMMA, -0.46, 0.6),
            (RESERVES, 0.03, 0.6),
            (FUNDING, -6.1, 400),
            (POLICY, 0, 8),
            (CRYPTO_LEVERAGE, 0, 30),
        ):
            assert (path.state[1:, place] >= low).all() and (path.state[1:, place] <= high).all(), (
                place
            )

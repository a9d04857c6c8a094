"""Where each scalar of a session stands in the row that the day loop carries forward.

Depends on: nothing.
"""

STATES = (
    "leverage", "limit", "sold", "dash", "wealth", "regret", "redeemed",  # levered funds
    "volatility_exposure", "parity_leverage", "parity_variance",
    "crypto_leverage", "crypto_sold", "crypto_wealth", "crypto_trend",
    "gamma", "calls", "puts",  # dealers
    "month_equity", "month_treasury", "order",  # pension
    "funding", "reserves", "assets", "buying", "resting", "tension", "policy", "slow_policy",  # central bank
    "yield10", "thin", "stress", "fear")
(LEVERAGE, LIMIT, SOLD, DASH, WEALTH, REGRET, REDEEMED, EXPOSURE, PARITY_LEVERAGE, PARITY_VARIANCE,
 CRYPTO_LEVERAGE, CRYPTO_SOLD, CRYPTO_WEALTH, CRYPTO_TREND, GAMMA, CALLS, PUTS, MONTH_EQUITY, MONTH_TREASURY, ORDER,
 FUNDING, RESERVES, ASSETS, BUYING, RESTING, TENSION, POLICY, SLOW_POLICY, YIELD10, THIN, STRESS, FEAR
 ) = range(len(STATES))

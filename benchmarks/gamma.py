"""Gamma profile of 20,000 options on 121 spots, on one core, against a plain loop over the grid.

Usage: python benchmarks/gamma.py [--json]
"""

import json
import sys
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.stats import norm

from regime.mechanisms.dealer_gamma.implied import implied_carry
from regime.mechanisms.dealer_gamma.mechanism import DealerGamma
from regime.mechanisms.dealer_gamma.option_chain import check_chain, live_contracts
from regime.mechanisms.dealer_gamma.profile import gamma_book, spot_grid

CLAIM = 0.15
OPTIONS = 20_000
SPOTS = 121
REPEATS = 7
SPOT = 5000.0
RATE = 0.045
DIVIDENDS = 0.013
AS_OF = pd.Timestamp("2024-03-01")


def made_chain() -> pd.DataFrame:
    """Options of fifty expiries around one spot, each with a volatility and open interest."""
    rng = np.random.default_rng(7)
    expiries = AS_OF + pd.to_timedelta((np.arange(1, 51) ** 1.74).astype(int), unit="D")
    strikes = np.arange(SPOT - 1000, SPOT + 1000, 10.0)
    table = pd.MultiIndex.from_product(
        [expiries, strikes, ["C", "P"]], names=["expiry", "strike", "type"]
    )
    chain = table.to_frame(index=False)
    skew = 0.16 - 0.5 * np.log(chain["strike"] / SPOT) + rng.normal(0, 0.005, len(chain))
    return chain.assign(
        date=AS_OF,
        spot=SPOT,
        iv=skew.clip(lower=0.05),
        open_interest=rng.integers(1, 5000, len(chain)),
    )


def plain_loop(chain: pd.DataFrame, spots: np.ndarray) -> np.ndarray:
    """The formula, written down spot by spot."""
    years = ((chain["expiry"] - AS_OF).dt.days / 365).to_numpy()
    strike, vol = chain["strike"].to_numpy(), chain["iv"].to_numpy()
    sign = np.where(chain["type"] == "C", 1.0, -1.0)
    width, totals = vol * np.sqrt(years), []
    for spot in spots:
        d1 = (np.log(spot / strike) + (RATE - DIVIDENDS + 0.5 * vol**2) * years) / width
        gamma = np.exp(-DIVIDENDS * years) * norm.pdf(d1) / (spot * width)
        totals.append(
            (sign * gamma * chain["open_interest"].to_numpy() * 100 * spot**2 * 0.01).sum()
        )
    return np.array(totals)


def seconds(action: Callable[[], object]) -> float:
    """Processor seconds of one call."""
    begin = time.process_time()
    action()
    return time.process_time() - begin


def measure() -> dict[str, object]:
    chain, spots = made_chain(), spot_grid(SPOT, 0.15, SPOTS)
    options = live_contracts(check_chain(chain))
    carried = implied_carry(options, RATE, DIVIDENDS)

    def ours() -> np.ndarray:
        return gamma_book(
            options, options.volatility, carried, "dealers_long_calls_short_puts"
        ).profile(spots)

    def whole() -> object:
        return DealerGamma(rate=RATE, dividend_yield=DIVIDENDS)(chain=chain, as_of=AS_OF)

    begin = time.perf_counter()
    first = ours()
    cold = time.perf_counter() - begin
    equal = bool(
        np.allclose(first, plain_loop(chain, spots), rtol=1e-9, atol=1e-9 * np.abs(first).max())
    )
    whole()
    times = np.array(
        [
            (seconds(ours), seconds(lambda: plain_loop(chain, spots)), seconds(whole))
            for _ in range(REPEATS)
        ]
    ).min(axis=0)
    return {
        "claim": f"{OPTIONS} options x {SPOTS} spots in at most {CLAIM:g} s warm, one core",
        "options": len(chain),
        "spots": SPOTS,
        "cores": 1,
        "seconds": round(times[0], 4),
        "plain_seconds": round(times[1], 4),
        "ratio": round(times[1] / times[0], 1),
        "whole_reading_seconds": round(times[2], 4),
        "first_call_seconds": round(cold, 2),
        "values_equal": equal,
        "passed": bool(len(chain) == OPTIONS and times[0] <= CLAIM and times[2] <= CLAIM and equal),
    }


def main() -> int:
    result = measure()
    if "--json" in sys.argv[1:]:
        print(json.dumps(result))
    else:
        print(
            f"{result['seconds']} s against {result['plain_seconds']} s ({result['ratio']}x), "
            "whole reading with "
            f"zeros {result['whole_reading_seconds']} s"
        )
        print(f"claim: {result['claim']}: {'kept' if result['passed'] else 'BROKEN'}")
    return 0 if result["passed"] else 1


if __name__ == "__main__":
    raise SystemExit(main())

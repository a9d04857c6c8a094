"""The sweep decides as the rules do, bit for bit, and accounts as the engine does."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regime.backtest.costs import Costs
from regime.backtest.engine import backtest
from regime.errors import ConfigError, InvalidDataError
from regime.rules.overlays import CapStep, Cooldown, MinimumHold, VolatilityTarget
from regime.rules.stack import RuleStack
from regime.rules.threshold import Hysteresis, Ramp, Threshold
from regime.schema import REGIMES
from regime.studies.sweep.compile import encode
from regime.studies.sweep.sweep import setting_exposure, sweep_settings

SHARED = ("sharpe", "max_drawdown", "cagr", "turnover", "mean_exposure", "flips_per_year")


def market(seed, days=300, holes=0.1):
    """Prices, signals with holes and exact repeats, and a bill rate."""
    rng = np.random.default_rng(seed)
    dates = pd.bdate_range("2019-06-03", periods=days, name="date")
    odds = np.exp(np.cumsum(rng.normal(0, 0.4, (days, 4)), axis=0))
    digits = int(rng.choice([1, 2, 16]))
    signals = pd.DataFrame(
        (odds / odds.sum(axis=1, keepdims=True)).round(digits), dates, list(REGIMES)
    )
    signals["volatility"] = 0.15 * np.exp(np.cumsum(rng.normal(0, 0.05, days)))
    signals.loc[rng.random(days) < 0.02, "volatility"] = 0.0
    signals = signals.mask(rng.random(signals.shape) < holes)
    prices = pd.Series(
        100 * np.exp(np.cumsum(rng.normal(3e-4, 0.015, days))), index=dates, name="stock"
    )
    return prices, signals, pd.Series(rng.normal(1e-4, 1e-4, days), index=dates)


REGIME_SETS = st.sampled_from([("deleveraging",), ("fragile", "deleveraging"), REGIMES])
HALFLIFE = st.sampled_from([0.0, 0.3, 1.0, 4.5, 60.0])
LEVEL = st.floats(0.0, 1.0)
READERS = st.one_of(
    st.builds(Threshold, level=LEVEL, regimes=REGIME_SETS, halflife=HALFLIFE),
    st.builds(
        lambda pair, **rest: Hysteresis(enter=max(pair), leave=min(pair), **rest),
        st.tuples(LEVEL, LEVEL),
        regimes=REGIME_SETS,
        halflife=HALFLIFE,
    ),
    st.builds(
        lambda low, part, **rest: Ramp(low=low, high=low + (1 - low) * part, **rest),
        st.floats(0.0, 0.9),
        st.floats(0.01, 1.0),
        regimes=REGIME_SETS,
        halflife=HALFLIFE,
    ),
)
OVERLAYS = st.one_of(
    st.builds(MinimumHold, days=st.integers(1, 30)),
    st.builds(Cooldown, days=st.integers(0, 30)),
    st.builds(CapStep, per_day=st.floats(0.01, 1.0)),
    st.builds(VolatilityTarget, target=st.floats(0.02, 0.5), cap=st.floats(0.1, 1.0)),
)
RULES = st.lists(st.one_of(READERS, OVERLAYS), min_size=1, max_size=4).map(
    lambda parts: RuleStack(*parts)
)


@pytest.mark.parametrize(
    "rule",
    [
        Threshold(level=0.3),
        Threshold(level=0.3, halflife=4),
        Hysteresis(enter=0.4, leave=0.2),
        Hysteresis(enter=0.4, leave=0.2, halflife=3),
        Ramp(low=0.1, high=0.5),
        Ramp(low=0.1, high=0.5, halflife=8),
        RuleStack(Threshold(level=0.3), MinimumHold(days=5)),
        RuleStack(Threshold(level=0.3), Cooldown(days=5)),
        RuleStack(Threshold(level=0.3), CapStep(per_day=0.3)),
        VolatilityTarget(target=0.12, cap=0.9),
    ],
    ids=str,
)
def test_each_operation_is_its_rule(rule):
    changes = 0
    for seed in range(5):
        _, signals, _ = market(seed)
        decided = setting_exposure(signals, encode([rule]), 0)
        assert decided.equals(rule(signals)), seed
        changes += decided.nunique() - 1
    assert changes > 0


@given(rule=RULES, seed=st.integers(0, 10**6))
@settings(max_examples=150, deadline=None)
def test_any_stack_decides_as_its_rules_do(rule, seed):
    _, signals, _ = market(seed, days=150)
    assert setting_exposure(signals, encode([rule]), 0).equals(rule(signals))


@given(
    rules=st.lists(RULES, min_size=1, max_size=6),
    seed=st.integers(0, 10**6),
    bps=st.sampled_from([0.0, 5.0, 100.0]),
    impact=st.sampled_from([0.0, 50.0]),
    holding=st.sampled_from([0.0, 90.0]),
)
@settings(max_examples=40, deadline=None)
def test_any_stack_earns_what_the_engine_says(rules, seed, bps, impact, holding):
    prices, signals, cash = market(seed, days=200)
    costs = Costs(
        bps=bps, half_spread_bps={"stock": bps / 3}, impact_bps=impact, holding_bps=holding
    )
    result = sweep_settings(prices, signals, encode(rules), costs, cash)
    for i, rule in enumerate(rules):
        agrees(result.table.loc[i], backtest(prices, rule(signals), costs, cash))


def agrees(row, account):
    summary = account.summary()
    assert row["final_equity"] == pytest.approx(account.equity.iloc[-1], rel=1e-12, abs=0)
    assert row["orders"] == summary["orders"]
    for name in SHARED:
        assert row[name] == pytest.approx(summary[name], rel=1e-9, abs=1e-9, nan_ok=True), name


def many(count, seed=0):
    """Settings of several kinds in no order."""
    rng = np.random.default_rng(seed)
    uniform = rng.uniform
    rules = []
    for _ in range(count):
        enter = uniform(0.2, 0.6)
        rules.append(
            [
                RuleStack(
                    Hysteresis(
                        enter=enter,
                        leave=enter * uniform(0.3, 1),
                        halflife=float(rng.integers(0, 5)),
                    ),
                    MinimumHold(days=int(rng.integers(1, 9))),
                    VolatilityTarget(target=uniform(0.08, 0.2)),
                ),
                RuleStack(
                    Ramp(low=enter / 2, high=enter, regimes=("fragile", "deleveraging")),
                    CapStep(per_day=0.3),
                ),
                Threshold(level=enter),
            ][rng.integers(3)]
        )
    return rules


def test_many_settings_each_find_their_own_row():
    prices, signals, cash = market(1, days=400)
    rules = many(300)
    result = sweep_settings(prices, signals, encode(rules), Costs(bps=7), cash)
    assert len(result) == 300
    for i in range(0, 300, 11):
        agrees(result.table.loc[i], backtest(prices, rules[i](signals), Costs(bps=7), cash))


def test_rules_that_settings_share_do_not_mix_them_up():
    prices, signals, cash = market(1)
    leave, hold, step = Threshold(level=0.3), MinimumHold(days=4), CapStep(per_day=0.3)
    stacks = [[leave], [leave, hold, step], [leave, step], [leave, step, hold], [leave], [hold]]
    rules = [RuleStack(*stack) for stack in [*stacks, *stacks[::-1], *stacks[1:3]]]
    result = sweep_settings(prices, signals, encode(rules), Costs(bps=7), cash)
    for i, rule in enumerate(rules):
        alone = sweep_settings(prices, signals, encode([rule]), Costs(bps=7), cash)
        assert result.table.loc[i].equals(alone.table.loc[0].rename(i)), rule


def test_threads_company_and_statistics_change_no_bit():
    prices, signals, cash = market(2)
    encoded = encode(many(150))
    one = sweep_settings(prices, signals, encoded, Costs(bps=7), cash, threads=1)
    two = sweep_settings(prices, signals, encoded, Costs(bps=7), cash, threads=3)
    pd.testing.assert_frame_equal(one.table, two.table, check_exact=True)
    assert np.array_equal(one.sums, two.sums) and np.array_equal(one.squares, two.squares)
    some = sweep_settings(prices, signals, encoded.take([140, 3]), Costs(bps=7), cash)
    assert some.table["final_equity"].tolist() == one.table["final_equity"][[140, 3]].tolist()
    final = sweep_settings(prices, signals, encoded, Costs(bps=7), cash, statistics="final")
    pd.testing.assert_frame_equal(final.table, one.table[list(final.table)], check_exact=True)
    assert not len(final.blocks) and final.sums.shape == (150, 0)


def test_decided_at_a_close_and_filled_at_the_next_by_hand():
    dates = pd.bdate_range("2024-01-01", periods=6, name="date")
    prices = pd.Series([100.0, 110.0, 121.0, 133.1, 146.41, 161.051], index=dates)
    signals = pd.DataFrame({"deleveraging": [0.0, 0.9, 0.9, 0.1, 0.1, 0.9]}, index=dates)
    table = sweep_settings(prices, signals, encode([Threshold(level=0.5)]), Costs(bps=0)).table
    # Out decided on the 2nd session, filled at the 3rd close; back on the 4th and 5th; the last is
    # never filled.
    assert table["final_equity"][0] == pytest.approx(1.1 * 1.1 * 1.1) and table["orders"][0] == 2


def test_signals_on_some_sessions_alone_stand_until_the_next():
    prices, signals, cash = market(3)
    some = signals.iloc[40:260:3]
    some = some[some[list(REGIMES)].notna().all(axis=1)]
    rules = [
        RuleStack(
            Hysteresis(enter=0.4, leave=0.2, halflife=2), MinimumHold(days=3), VolatilityTarget()
        )
    ]
    result = sweep_settings(prices, some, encode(rules), Costs(bps=7), cash)
    agrees(result.table.loc[0], backtest(prices, rules[0](some), Costs(bps=7), cash))


@pytest.mark.parametrize("blocks", [None, 1, 7, 16, "halves"])
def test_sums_by_block_are_those_of_the_engines_returns(blocks):
    prices, signals, cash = market(4)
    labels = np.repeat(["first", "second"], 150) if blocks == "halves" else blocks
    rules = many(12, seed=4)
    result = sweep_settings(prices, signals, encode(rules), Costs(bps=7), cash, blocks=labels)
    assert result.days.sum() == len(prices) - 1 and len(result.blocks) == len(result.days)
    for i, rule in enumerate(rules):
        account = backtest(prices, rule(signals), Costs(bps=7), cash)
        excess = account.returns - account.cash_returns
        parts = np.split(excess.to_numpy(), np.cumsum(result.days)[:-1])
        np.testing.assert_allclose(result.sums[i], [part.sum() for part in parts], atol=1e-12)
        np.testing.assert_allclose(
            result.squares[i], [(part**2).sum() for part in parts], atol=1e-14
        )
        mean = result.sums[i].sum() / 299
        assert mean == pytest.approx(result.table["mean_excess"][i], rel=1e-12, abs=1e-15)
        assert math.sqrt(max(result.squares[i].sum() - 299 * mean**2, 0) / 298) == pytest.approx(
            result.table["deviation"][i], rel=1e-9, abs=1e-12
        )
    if blocks is None:
        assert (
            result.blocks.tolist() == [2019, 2020]
            and result.days[0] == (prices.index.year == 2019).sum() - 1
        )
    elif isinstance(blocks, int):
        assert result.days.max() - result.days.min() <= 1


def test_what_is_kept_does_not_grow_with_the_sessions():
    encoded = encode(many(80))
    sizes = []
    for days in (260, 1300):
        prices, signals, cash = market(5, days)
        result = sweep_settings(prices, signals, encoded, Costs(), cash, blocks=4)
        sizes.append(
            [
                result.table.to_numpy().nbytes,
                result.sums.nbytes,
                result.squares.nbytes,
                result.days.nbytes,
            ]
        )
    assert sizes[0] == sizes[1]


def test_a_setting_that_never_trades_and_one_that_only_leaves():
    prices, signals, cash = market(6)
    result = sweep_settings(
        prices, signals, encode([Threshold(level=1.0), Threshold(level=0.0)]), Costs(bps=0), cash
    )
    assert result.table["orders"].tolist() == [0, 1]
    assert result.table["final_equity"][0] == pytest.approx(
        prices.iloc[-1] / prices.iloc[0], rel=1e-13
    )
    assert result.table["mean_exposure"].tolist() == pytest.approx([1.0, 1 / 299])
    assert math.isnan(
        sweep_settings(
            prices, signals, encode([Threshold(level=0.0)]), Costs(), cash, blocks=9
        ).sharpe_by_block()[0, 5]
    )


def broken(**changes):
    prices, signals, cash = market(7)
    inputs = {
        "prices": prices,
        "signals": signals,
        "rules": [RuleStack(Threshold(level=0.3), VolatilityTarget())],
        "cash": cash,
        "options": {},
    } | changes
    return sweep_settings(
        inputs["prices"],
        inputs["signals"],
        encode(inputs["rules"]),
        Costs(),
        inputs["cash"],
        **inputs["options"],
    )


def edited(frame, row, value, column=None):
    frame = frame.copy()
    if column is None:
        frame.iloc[row] = value
    else:
        frame.iloc[row, frame.columns.get_loc(column)] = value
    return frame


PRICES, SIGNALS, CASH = market(7)


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        ({"prices": edited(PRICES, 5, math.nan)}, InvalidDataError, "Prices: 2019-06-10: no price"),
        ({"prices": edited(PRICES, 5, 0.0)}, InvalidDataError, "Prices: 2019-06-10: .*above 0"),
        ({"prices": PRICES.to_frame()}, InvalidDataError, "Prices: a sweep trades one asset"),
        (
            {"prices": PRICES.iloc[:1], "signals": SIGNALS.iloc[:1]},
            InvalidDataError,
            "at least 2 sessions",
        ),
        (
            {"prices": PRICES.iloc[1:]},
            InvalidDataError,
            "Signals: 2019-06-03 is no session of the prices",
        ),
        (
            {"signals": edited(SIGNALS, 3, 1.2, "deleveraging")},
            InvalidDataError,
            "2019-06-06: `deleveraging` is 1.2",
        ),
        (
            {"signals": edited(SIGNALS, 3, -0.1, "volatility")},
            InvalidDataError,
            "2019-06-06: `volatility` is -0.1",
        ),
        (
            {"signals": edited(SIGNALS, 3, math.inf, "volatility")},
            InvalidDataError,
            "`volatility` is inf",
        ),
        ({"signals": SIGNALS[["calm"]]}, InvalidDataError, "2 faults:\n.*`deleveraging` is absent"),
        ({"signals": SIGNALS.iloc[:0]}, InvalidDataError, "Signals: hold no session"),
        ({"signals": SIGNALS.iloc[::-1]}, InvalidDataError, "Signals: dates must rise"),
        ({"cash": CASH.iloc[10:]}, InvalidDataError, "^Cash: "),
        ({"options": {"blocks": 0}}, ConfigError, r"^blocks: must lie in \[1, 299\]"),
        ({"options": {"blocks": 300}}, ConfigError, "^blocks: "),
        (
            {"options": {"blocks": [1, 2]}},
            ConfigError,
            "^blocks: give a label for each of the 300 sessions, got 2",
        ),
        (
            {"options": {"blocks": [1, 2] * 150}},
            ConfigError,
            "^blocks: every block must be one run",
        ),
        (
            {"options": {"statistics": "some"}},
            ConfigError,
            "^statistics: must be one of full, final",
        ),
        ({"options": {"threads": 0}}, ConfigError, "^threads: "),
    ],
)
def test_bad_input_is_refused(changes, kind, message):
    with pytest.raises(kind, match=message):
        broken(**changes)


def test_a_setting_beyond_the_settings_is_refused():
    with pytest.raises(ConfigError, match=r"^setting: must lie in \[0, 0\], got 1"):
        setting_exposure(SIGNALS, encode([Threshold(level=0.5)]), 1)


def test_columns_that_no_setting_reads_may_be_absent_or_missing():
    encoded = encode([Threshold(level=0.5), VolatilityTarget()])
    decided = setting_exposure(SIGNALS[["deleveraging"]], encoded, 0)
    assert decided.equals(Threshold(level=0.5)(SIGNALS))
    alone = SIGNALS[["deleveraging"]].assign(volatility=math.nan)
    assert len(sweep_settings(PRICES, alone, encode([Threshold(level=0.5)]), Costs(), CASH)) == 1
    assert (
        len(
            sweep_settings(
                PRICES, SIGNALS[["volatility"]], encode([VolatilityTarget()]), Costs(), CASH
            )
        )
        == 1
    )

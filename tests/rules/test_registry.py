"""A rule is one file and one line: config, exposure, sweep and errors follow the registry."""

import dataclasses
import inspect
import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from regime import config
from regime.backtest.costs import Costs
from regime.backtest.engine import backtest
from regime.errors import ConfigError
from regime.rules import RULES
from regime.rules.base import ConflictingValues, EncodedRule, Rule, signal
from regime.rules.stack import RuleStack
from regime.rules.threshold import Threshold
from regime.studies.sweep.compile import encode
from regime.studies.sweep.grid import Grid
from regime.studies.sweep.sweep import setting_exposure, sweep_settings


@dataclass(frozen=True, kw_only=True)
class CalmPremium(Rule):
    """Part of the proposal on every session, all of it while the market is calm."""

    share: float
    calm: float = 0.5
    most: float = 1.0

    def __post_init__(self):
        if self.share > self.most:
            raise ConflictingValues(f"share: must not exceed most = {self.most}, got {self.share}")

    def __str__(self):
        return f"{self.share:g} of it unless P(calm) >= {self.calm:g}"

    @property
    def needs(self):
        return ("calm",)

    def start(self):
        return None

    def step(self, state, row, proposed):
        state = state if math.isnan(signal(row, "calm")) else signal(row, "calm")
        return state, proposed if state is not None and state >= self.calm else (
            self.share * proposed
        )

    def encoded(self):
        return EncodedRule(_calm_premium, (self.share, self.calm), ("calm",))


def _calm_premium(proposed, signal, exposure, parameters):
    share = parameters[0]
    calm = parameters[1]
    for t in range(proposed.size):
        exposure[t] = proposed[t] if signal[t] >= calm else share * proposed[t]


@pytest.fixture
def listed():
    with RULES.added("CalmPremium", f"{__name__}:CalmPremium"):
        yield
    assert "CalmPremium" not in RULES


def market(days=300):
    rng = np.random.default_rng(0)
    dates = pd.bdate_range("2020-01-01", periods=days, name="date")
    signals = pd.DataFrame({"calm": rng.random(days), "deleveraging": rng.random(days)}, dates)
    prices = pd.Series(100 * np.exp(np.cumsum(rng.normal(0, 0.01, days))), dates)
    return prices, signals.mask(rng.random(signals.shape) < 0.1)


def test_a_rule_of_one_file_is_built_from_a_config_and_changes_the_exposure(listed):
    content = {"rules": [{"Threshold": {"level": 0.6}}, {"CalmPremium": {"share": 0.25}}]}
    rule = config.build(RuleStack, content, "test")
    assert rule == RuleStack(Threshold(level=0.6), CalmPremium(share=0.25))
    assert config.build(RuleStack, config.dump(rule), "test") == rule
    assert str(rule).endswith("; 0.25 of it unless P(calm) >= 0.5")
    _, signals = market()
    exposure = rule(signals)
    assert set(exposure) == {0.0, 0.25, 1.0}
    assert not exposure.equals(Threshold(level=0.6)(signals))


def test_a_typo_of_its_name_is_answered(listed):
    with pytest.raises(ConfigError, match="did you mean `CalmPremium`"):
        config.build(RuleStack, {"rules": [{"CalmPremum": {"share": 1}}]}, "test")


def test_a_rule_of_one_file_is_swept_like_any_other(listed):
    premium = {"CalmPremium": {"share": [0.2, 0.4, 0.9], "most": [0.5, 1.0]}}
    stacks = [{"rules": [{"Threshold": {"level": [0.4, 0.6]}}, premium]}]
    grid = config.build(Grid, {"stacks": stacks}, "grid.yaml")
    assert len(grid) == 2 * 5 and grid.dropped == 2
    prices, signals = market()
    result = sweep_settings(prices, signals, grid.encoded(), Costs(bps=5))
    for setting in range(len(grid)):
        exposure = grid.rule(setting)(signals)
        assert setting_exposure(signals, grid.encoded(), setting).equals(exposure)
        account = backtest(prices, exposure, Costs(bps=5))
        equity = result.table["final_equity"][setting]
        assert equity == pytest.approx(account.equity.iloc[-1], rel=1e-12)


def test_without_its_line_it_is_unknown_to_a_config():
    with pytest.raises(ConfigError, match="unknown class `CalmPremium`"):
        config.build(RuleStack, {"rules": [{"CalmPremium": {"share": 1}}]}, "test")


def test_a_rule_without_a_loop_says_which_rules_can_be_swept(listed):
    with pytest.raises(ConfigError, match=r"Floor cannot be swept; a sweep knows .*CalmPremium"):
        encode([RULES["Floor"]()])


@pytest.mark.parametrize("name", list(RULES))
def test_each_entry_is_a_frozen_rule_under_its_own_name(name):
    rule = RULES[name]
    assert rule.__name__ == name and issubclass(rule, Rule) and not inspect.isabstract(rule)
    assert dataclasses.fields(rule) and rule.__dataclass_params__.frozen
    assert inspect.getdoc(rule)


def test_every_rule_of_the_package_is_listed():
    def below(cls):
        return {cls}.union(*map(below, cls.__subclasses__()))

    every = {RULES[name] for name in RULES}
    public = {
        rule
        for rule in below(Rule)
        if rule.__module__.startswith("regime.rules.")
        and dataclasses.is_dataclass(rule)
        and not inspect.isabstract(rule)
    }
    assert public == every

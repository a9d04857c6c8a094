"""No row may know what comes after it: every builder of the package, found by walking it, under one law.

What is built from the first t sessions must equal, bit for bit, the first t rows of what is built from all
of them, and must not change when the rest is stirred. Labels are held to it from `known_at` on. A builder is
any public function or method that gives rows: whoever adds one says here how to call it, or this test fails.
"""

import ast
import functools
import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

import regime
from regime import jump_model, kernels, performance
from regime.features import transforms
from regime.features.build import FeatureSet
from regime.features.feature import Mechanism
from regime.labels import basket, phases
from regime.labels.averaged import AveragedLabels
from regime.labels.episodes import EpisodeLabels
from regime.labels.jump import JumpModelLabels
from regime.mechanisms import cta
from regime.models import baselines, calibration, raw_scores
from regime.models.classifier import DeleveragingClassifier, TreeSettings
from regime.panel import calendar, merge
from regime.panel.as_of import AsOf
from regime.panel.releases import release_times
from regime.progress import NoProgress
from regime.rules import base, benchmarks
from regime.rules.overlays import CapStep, MinimumHold, VolatilityTarget
from regime.rules.ramp import Ramp
from regime.rules.stack import Blend, RuleStack
from regime.rules.threshold import Hysteresis, Threshold
from regime.schema import REGIMES, Labels, Panel
from regime.sources.catalogue import load_catalogue
from regime.sources.simulated import SimulatedSource
from regime.splits.walk_forward import PurgedWalkForward
from regime.workflows.data import read_market
from regime.workflows.forecast import walk_forward
from regime.workflows.settings import load_settings
from regime.workflows.strategy import decide

ROOMS = ("kernels", "performance", "jump_model", "features", "mechanisms", "labels", "models", "panel", "rules",
         "splits")
ROWS = re.compile(r"\b(Series|DataFrame|ndarray|NDArray|Column|Floats|Integers|Positions|Days|DatetimeIndex|Labels"
                  r"|Panel|Feature|Loadings|Fold|Iterator)\b")
CUTS, STIRS = (257, 1100, 1723), (600, 1500)
FEATURES, CATALOGUE = FeatureSet(), load_catalogue()
SPLITS = PurgedWalkForward(first_test=date(2010, 6, 1), refit_months=9, minimum_train=300)


@dataclass(frozen=True)
class Given:
    """What is known: the panel, somebody's signals, and the observations behind the panel."""

    values: pd.DataFrame
    age: pd.DataFrame
    signals: pd.DataFrame
    observations: pd.DataFrame

    def until(self, t: int) -> "Given":
        """What was known at the close of session t - 1."""
        return Given(self.values.iloc[:t], self.age.iloc[:t], self.signals.iloc[:t], self.observations[self._known(t)])

    def stirred(self, t: int) -> "Given":
        """The same until session t - 1, and another future, in which every series has values."""
        rng, known = np.random.default_rng(t), self._known(t)
        values, signals, observed = self.values.copy(), self.signals.copy(), self.observations.copy()
        values.iloc[t:] = values.iloc[t:].fillna(1.0) * np.exp(rng.normal(0, 0.5, values.iloc[t:].shape))
        signals.iloc[t:] = signals.iloc[t:].to_numpy()[rng.permutation(len(signals) - t)]
        observed.loc[~known, "value"] *= np.exp(rng.normal(0, 0.5, int((~known).sum())))
        return Given(values, self.age, signals, observed)

    def _known(self, t: int) -> pd.Series:
        return self.observations["released"] <= calendar.session_closes(self.values.index[t - 1:t])[0]

    @property
    def dates(self) -> pd.DatetimeIndex:
        return self.values.index

    @property
    def close(self) -> pd.Series:
        return self.values["sp500"]

    @property
    def returns(self) -> pd.Series:
        return self.close.pct_change()

    @property
    def market(self) -> pd.DataFrame:
        return self.values[["sp500", "nasdaq", "eem", "hyg"]]

    @functools.cached_property
    def x(self) -> np.ndarray:
        """One column with gaps, as kernels take it."""
        return self.values["naaim"].where(self.age["naaim"] < 6).to_numpy(dtype=float).copy()

    @functools.cached_property
    def moves(self) -> np.ndarray:
        return np.ascontiguousarray(transforms.moves(self.market, list(self.market), 63).to_numpy())

    @functools.cached_property
    def columns(self) -> pd.DataFrame:
        """A few features for models."""
        close = self.close
        return pd.DataFrame({"fall": transforms.drawdown(close, 252), "vol": transforms.volatility(close, 21),
                             "rates": transforms.change(self.values["dgs10"], 63),
                             "vix": np.log(self.values["vix"])})

    @functools.cached_property
    def truth(self) -> tuple[pd.Series, pd.Series, tuple[Any, ...]]:
        """Stress, when it was known, and the folds: what baselines are calibrated on."""
        labels = EpisodeLabels(depth=1.5)(self.market)
        return labels.weights["deleveraging"], labels.known_at, SPLITS.folds(self.dates)


@dataclass(frozen=True)
class Known:
    """Rows, and the position of the session from whose close on each is known (-1: never)."""

    rows: Any
    at: np.ndarray


@dataclass(frozen=True)
class Hindsight:
    """A whole training sample in, coefficients or smoothed rows out: beside its home, only `user` may ask for it."""

    home: str
    user: str = ""


@dataclass(frozen=True)
class Refitted:
    """Labels made anew at each refit, when they become known all at once: asked for as they stood then."""

    call: Callable[..., Known]

    def __call__(self, d: Given, as_of: pd.Timestamp | None = None) -> Known:
        return self.call(d, as_of)


def labelled(labels: Labels) -> Known:
    known_at = labels.known_at
    at = np.where(known_at.notna(), known_at.index.searchsorted(known_at.fillna(pd.Timestamp(0))), -1)
    return Known(pd.concat([labels.weights, labels.span_end.astype("int64")], axis=1), at)


def fallen(d: Given) -> Known:
    table = EpisodeLabels(depth=1.5).episodes(d.market)
    over = np.where(table["end"].notna(), d.dates.searchsorted(table["end"].fillna(d.dates[0])), -1)
    return Known(table.assign(**{name: table[name].astype("int64") for name in ("start", "trough", "end")}), over)


def level_and_unit(d: Given) -> tuple[np.ndarray, np.ndarray]:
    returns = basket.risk_basket(d.market, core_weight=0.7, halflife=252.0)
    unit = basket.prior_volatility(returns, 252.0) * 21 ** 0.5
    return returns.cumsum().to_numpy(copy=True), unit.to_numpy(copy=True)


def phase_codes(d: Given, partial: bool) -> Known:
    _, codes, known = phases.episode_phases(*level_and_unit(d), 1.5, 0.5, 21, partial)
    return Known(codes, known)


def spell_codes(d: Given) -> Known:
    worst = (d.values["vix"] > 25).to_numpy()
    codes = phases.spell_phases(worst, np.log(d.close.to_numpy(copy=True)), 21, 0.5)
    return Known(codes, np.arange(len(codes)) + 21)


def monthly(d: Given) -> np.ndarray:
    return (transforms.volatility(d.close, 252) * 21 ** 0.5).to_numpy(copy=True)


def online_states(d: Given) -> np.ndarray:
    rows = jump_model.jump_features(d.returns.fillna(0.0)).fillna(0.0).to_numpy()
    return jump_model.fit_jump_model(rows[:250], n_states=2, penalty=5.0).online(rows)


def platt(d: Given) -> np.ndarray:
    score = d.values["vix"].to_numpy(copy=True)
    return calibration.fit_platt(score[:250], (score[:250] > 20) * 1.0).predict(score)


@functools.cache
def small_classifier() -> DeleveragingClassifier:
    rng = np.random.default_rng(5)
    X = pd.DataFrame(rng.normal(size=(500, 4)), columns=["fall", "vol", "rates", "vix"])
    trees = TreeSettings(rounds=10, leaf_rows=20)
    model = DeleveragingClassifier(core=("fall", "vol"), composites={"rest": ("rates", "vix")}, trees=trees,
                                   signs={"rates": 1, "vix": 1}, phase_trees=trees)
    return model.fit(X, np.asarray(REGIMES)[np.digitize(X["fall"], [-1, 0, 1])])


def served(d: Given) -> np.ndarray:
    """Refit of the block that serves each session, as a position."""
    rows = np.full(len(d.dates), -1)
    for fold in SPLITS.folds(d.dates):
        rows[fold.test] = d.dates.get_loc(fold.refit)
    return rows


def trained(d: Given, split: bool) -> np.ndarray:
    """How many rows train the block that serves each session, and where they end."""
    rows, labels = np.full((len(d.dates), 2), -1), EpisodeLabels(depth=1.5)(d.market)
    pairs = SPLITS.split(d.values, labels) if split else (
        (SPLITS.train_rows(fold, labels), fold.test) for fold in SPLITS.folds(d.dates))
    for train, test in pairs:
        rows[test] = (len(train), train[-1]) if len(train) else (0, -1)
    return rows


def merged(d: Given) -> np.ndarray:
    own = d.observations[d.observations["series"] == "fed_assets"]
    period, released = (pd.DatetimeIndex(own[name]).as_unit("us").asi8.copy() for name in ("period", "released"))
    cuts = calendar.session_closes(d.dates).as_unit("us").asi8.copy()
    values, ages = merge.merge(period, released, own["value"].to_numpy(copy=True), np.array([0, len(own)]),
                               np.array([16]), cuts, d.dates.as_unit("us").asi8.copy())
    return np.column_stack([values[0], ages[0]])


def histories(d: Given) -> np.ndarray:
    known, rows = AsOf(d.observations, ages_of(d)), np.full((len(d.dates), 2), np.nan)
    for t in range(99, len(rows), 100):
        history = known.history("fed_assets", d.dates[t])
        rows[t] = len(history), history.to_numpy().sum()
    return rows


def ages_of(d: Given) -> dict[str, int]:
    return {name: CATALOGUE.series[name].max_age_days for name in d.observations["series"].cat.categories}


def as_of_panel(d: Given) -> pd.DataFrame:
    panel = AsOf(d.observations, ages_of(d)).panel(d.dates)
    return pd.concat([panel.values, panel.age], axis=1)


def business(d: Given) -> np.ndarray:
    days = d.dates.to_numpy().astype("M8[D]").astype(np.int64)
    return np.isin(days, calendar.business_days(int(days[0]), int(days[-1]), True))


def family(name: str) -> Callable[[Given], pd.DataFrame]:
    return lambda d: pd.DataFrame({f.spec.name: f(d.values) for f in getattr(FEATURES, name).features()})


def labeller(of: Callable[[pd.DataFrame, pd.Timestamp | None], Labels]) -> Callable[..., Known]:
    return lambda d, as_of=None: labelled(of(d.market, as_of))


JUMP = JumpModelLabels(penalties=(20.0,), windows=(None, 4.0), n_init=2)
BUILDERS: dict[str, Callable[..., Any] | Hindsight] = {
    "kernels.ewm_mean": lambda d: kernels.ewm_mean(d.x, 21.0, 20),
    "kernels.ewm_std": lambda d: kernels.ewm_std(d.x, 21.0, 20),
    "kernels.fall_state": lambda d: kernels.fall_state(np.log(d.close.to_numpy(copy=True)), monthly(d), 2.0, 0.5),
    "kernels.mean_correlation": lambda d: kernels.mean_correlation(d.moves, 42.0, 63),
    "kernels.rolling_extreme": lambda d: kernels.rolling_extreme(d.x, 63, 10, 1),
    "kernels.rolling_mean": lambda d: kernels.rolling_mean(d.x, 63, 10),
    "kernels.rolling_rank": lambda d: np.column_stack([kernels.rolling_rank(d.x, days, 10) for days in (0, 252)]),
    "kernels.rolling_zscore": lambda d: kernels.rolling_zscore(d.x, 63, 10),
    "performance.drawdown": lambda d: performance.drawdown(d.returns.fillna(0.0)),
    "performance.realised_volatility": lambda d: performance.realised_volatility(d.returns),
    "jump_model.JumpModel.online": online_states,
    "jump_model.JumpModel.smoothed": Hindsight("regime.jump_model"),
    "jump_model.jump_features": lambda d: jump_model.jump_features(d.returns),
    "jump_model.standardise": Hindsight("regime.jump_model", "regime.labels.jump"),
    "features.build.FeatureSet.__call__": lambda d: FEATURES(Panel(values=d.values, age=d.age)),
    "features.cross_asset.CrossAssetFeatures.features": family("cross_asset"),
    "features.dollar.DollarFeatures.features": family("dollar"),
    "features.feature.Feature.__call__": lambda d: FEATURES.features[0](d.values),
    "features.feature.Mechanism.__call__": lambda d: Mechanism("dollar", "carry")(
        "x", 5, 0, ("usdjpy",), lambda v: transforms.change(v["usdjpy"], 5))(d.values),
    "features.liquidity.LiquidityFeatures.features": family("liquidity"),
    "features.positioning.PositioningFeatures.features": family("positioning"),
    "features.valuation.ValuationFeatures.features": family("valuation"),
    "features.transforms.breadth": lambda d: transforms.breadth(d.market, 10, -1.0, 3),
    "features.transforms.change": lambda d: transforms.change(d.values["dgs10"], 63),
    "features.transforms.deviation": lambda d: transforms.deviation(d.values["move"], 252),
    "features.transforms.drawdown": lambda d: transforms.drawdown(d.close, 252),
    "features.transforms.log_change": lambda d: transforms.log_change(d.values["crude"], 21),
    "features.transforms.moves": lambda d: transforms.moves(d.market, list(d.market), 63),
    "features.transforms.percentile": lambda d: transforms.percentile(d.values["gex"], 252),
    "features.transforms.scaled_move": lambda d: transforms.scaled_move(d.close, 10),
    "features.transforms.strength": lambda d: transforms.strength(d.values["smh"], d.values["spy"], 63),
    "features.transforms.volatility": lambda d: transforms.volatility(d.close, 21),
    "features.transforms.zscore": lambda d: transforms.zscore(d.values["naaim"], 252),
    "mechanisms.cta.trend_exposure": lambda d: cta.trend_exposure(d.close),
    "mechanisms.cta.triggers_broken": lambda d: cta.triggers_broken(d.close),
    "labels.averaged.AveragedLabels.__call__": labeller(AveragedLabels(
        labellers=(EpisodeLabels(depth=1.5), EpisodeLabels(depth=2.5, partial=True)))),
    "labels.basket.known_market": lambda d: basket.known_market(d.market, None),
    "labels.basket.make_labels": lambda d: labelled(basket.make_labels(
        np.eye(4)[phase_codes(d, True).rows], phase_codes(d, True).at, d.dates)),
    "labels.basket.prior_volatility": lambda d: basket.prior_volatility(d.returns, 252.0),
    "labels.basket.risk_basket": lambda d: basket.risk_basket(d.market, core_weight=0.5, halflife=252.0),
    "labels.episodes.EpisodeLabels.__call__": labeller(EpisodeLabels(depth=1.5)),
    "labels.episodes.EpisodeLabels.episodes": fallen,
    "labels.jump.JumpModelLabels.__call__": Refitted(labeller(JUMP)),
    "labels.phases.episode_phases": lambda d: phase_codes(d, False),
    "labels.phases.spell_phases": spell_codes,
    "models.baselines.base_rate": lambda d: baselines.base_rate(*d.truth),
    "models.baselines.baseline_probabilities": lambda d: baselines.baseline_probabilities(d.columns[["vix"]], *d.truth),
    "models.baselines.elastic_net": lambda d: baselines.elastic_net(d.columns, *d.truth),
    "models.baselines.online_jump": lambda d: baselines.online_jump(d.returns, *d.truth),
    "models.baselines.persistence_score": lambda d: baselines.persistence_score(*d.truth[:2]),
    "models.calibration.PlattCurve.predict": platt,
    "models.calibration.calibrated": lambda d: calibration.calibrated(d.columns["fall"], *d.truth),
    "models.calibration.known_rows": lambda d: Known(
        calibration.known_rows(*d.truth[:2], d.dates[250]), np.maximum(np.arange(len(d.dates)), 250)),
    "models.classifier.DeleveragingClassifier.predict": lambda d: small_classifier().predict(d.columns) == "calm",
    "models.classifier.DeleveragingClassifier.predict_proba": lambda d: small_classifier().predict_proba(d.columns),
    "models.composites.loadings": Hindsight("regime.models.composites", "regime.models.classifier"),
    "models.logistic.fit_logistic": Hindsight("regime.models.logistic", "regime.models.classifier"),
    "models.raw_scores.below_200dma": lambda d: raw_scores.below_200dma(d.close),
    "models.raw_scores.downside_rank": lambda d: raw_scores.downside_rank(d.close, start="2006-06-01", min_periods=500),
    "models.raw_scores.drawdown_252": lambda d: raw_scores.drawdown_252(d.close),
    "models.raw_scores.raw_scores": lambda d: raw_scores.raw_scores(d.close, d.returns, d.values["vix"]),
    "models.raw_scores.realised_vol": lambda d: raw_scores.realised_vol(d.returns),
    "panel.as_of.AsOf.history": histories,
    "panel.as_of.AsOf.panel": as_of_panel,
    "panel.calendar.business_days": business,
    "panel.calendar.instants": lambda d: calendar.instants(
        d.dates.to_numpy().astype("M8[D]").astype(np.int64), np.full(len(d.dates), 9 * 3600), "Europe/London").asi8,
    "panel.calendar.session_closes": lambda d: calendar.session_closes(d.dates).asi8,
    "panel.calendar.to_days": lambda d: calendar.to_days(d.dates),
    "panel.merge.merge": merged,
    "panel.releases.release_times": lambda d: np.column_stack([
        release_times(d.dates, CATALOGUE.series[name].release).asi8 for name in ("usdjpy", "fed_assets", "btc")]),
    "rules.base.check_signals": lambda d: base.check_signals(d.signals, ("deleveraging", "volatility")),
    "rules.benchmarks.above_average": lambda d: benchmarks.above_average(d.close),
    "rules.benchmarks.buy_and_hold": lambda d: benchmarks.buy_and_hold(d.close),
    "rules.benchmarks.volatility_target": lambda d: benchmarks.volatility_target(d.returns),
    "rules.overlays.CapStep.__call__": lambda d: RuleStack(Threshold(level=0.3), CapStep(per_day=0.2))(d.signals),
    "rules.overlays.MinimumHold.__call__": lambda d: RuleStack(Threshold(level=0.3), MinimumHold(days=5))(d.signals),
    "rules.overlays.VolatilityTarget.__call__": lambda d: VolatilityTarget(target=0.1)(d.signals),
    "rules.ramp.Ramp.__call__": lambda d: Ramp(low=0.2, high=0.6, halflife=3)(d.signals),
    "rules.stack.Blend.__call__": lambda d: Blend(Threshold(level=0.3), Ramp(low=0.2, high=0.5))(d.signals),
    "rules.stack.RuleStack.__call__": lambda d: RuleStack(Hysteresis(enter=0.5, leave=0.3), CapStep(per_day=0.3),
                                                          VolatilityTarget(target=0.1))(d.signals),
    "rules.threshold.Hysteresis.__call__": lambda d: Hysteresis(enter=0.5, leave=0.3, halflife=2)(d.signals),
    "rules.threshold.Threshold.__call__": lambda d: Threshold(level=0.4)(d.signals),
    "splits.walk_forward.PurgedWalkForward.folds": served,
    "splits.walk_forward.PurgedWalkForward.split": lambda d: trained(d, True),
    "splits.walk_forward.PurgedWalkForward.train_rows": lambda d: trained(d, False),
}


def modules(rooms: tuple[str, ...]) -> Iterator[ModuleType]:
    for name in rooms:
        room = importlib.import_module(f"regime.{name}")
        yield room
        for found in pkgutil.walk_packages(getattr(room, "__path__", []), f"{room.__name__}."):
            yield importlib.import_module(found.name)


def gives_rows(function: Any) -> bool:
    """Whether what a function is said to return may have a row a session; one that does not say may."""
    plain = inspect.unwrap(getattr(function, "py_func", function))
    return bool(ROWS.search(str(plain.__annotations__.get("return", "Series"))))


def builders(of: ModuleType) -> Iterator[str]:
    """Names, after `regime.`, of the public functions and methods of a module that give rows."""
    for name, thing in vars(of).items():
        if name.startswith("_") or getattr(getattr(thing, "py_func", thing), "__module__", None) != of.__name__:
            continue
        place = f"{of.__name__}.{name}".removeprefix("regime.")
        if inspect.isclass(thing):
            if not inspect.isabstract(thing) and not getattr(thing, "_is_protocol", False):
                yield from (f"{place}.{method}" for method, function in inspect.getmembers(thing, inspect.isfunction)
                            if (method == "__call__" or not method.startswith("_"))
                            and function.__module__.startswith("regime") and gives_rows(function))
        elif inspect.isfunction(getattr(thing, "py_func", thing)) and gives_rows(thing):
            yield place


def faults(call: Callable[..., Any], d: Given) -> list[str]:
    """Where what is built from the beginning alone, or beside another future, differs from the whole."""
    found: dict[str, str] = {}
    if not isinstance(call, Refitted):
        whole = call(d)
        found |= {f"cut at {t}": differs(whole, call(d.until(t)), t) for t in CUTS}
        found |= {f"stirred from {t}": differs(whole, call(d.stirred(t)), t) for t in STIRS}
    if "as_of" in inspect.signature(call).parameters:
        for t in (*CUTS, *STIRS):
            then = call(d.until(t))
            found[f"as of {t}"] = (differs(call(d, d.dates[t - 1]), then, t, now=True)
                                   or differs(call(d.stirred(t), d.dates[t - 1]), then, t, now=True))
    return [f"{where}: {fault}" for where, fault in found.items() if fault]


def differs(whole: Any, part: Any, t: int, *, now: bool = False) -> str:
    """The first row known by session t - 1 in which two results differ in a bit; nothing if there is none.

    With `now` both were made for that session, and all rows up to it must agree, known or not.
    """
    if not isinstance(whole, Known):
        whole, part = (Known(result, np.arange(len(result))) for result in (whole, part))
    rows = [np.arange(t) if now else np.flatnonzero((told.at >= 0) & (told.at < t)) for told in (whole, part)]
    if not np.array_equal(*rows):
        return f"{len(rows[1])} rows are known, {len(rows[0])} of them with hindsight"
    a, b = (bits(told.rows)[rows[0]] for told in (whole, part))
    odd = np.flatnonzero((a != b).any(axis=tuple(range(1, a.ndim))))
    return f"row {rows[0][odd[0]]}" if odd.size else ""


def bits(rows: Any) -> np.ndarray:
    values = np.asarray(rows)
    if values.dtype.kind not in "fO":
        return values
    numbers = values.astype(np.float64)
    return np.where(np.isnan(numbers), np.nan, numbers).view(np.int64)


@pytest.fixture(scope="module")
def given() -> Given:
    names = sorted({*FEATURES.inputs, "spy", "dgs3mo", "hyg", "nasdaq", "eem"})
    reading = SimulatedSource(seed=5, years=8).read(CATALOGUE, names, release_times=release_times)
    known = {name: CATALOGUE.series[name].max_age_days for name in names}
    panel, rng = AsOf(reading.observations, known).panel(reading.sessions), np.random.default_rng(1)
    drawn = pd.DataFrame(rng.dirichlet(np.ones(4), len(reading.sessions)), reading.sessions, list(REGIMES))
    signals = drawn.ewm(halflife=5).mean().assign(volatility=rng.uniform(0.05, 0.5, len(drawn)))
    return Given(panel.values, panel.age, signals.mask(rng.random(signals.shape) < 0.02), reading.observations)


FOUND = sorted(name for module in modules(ROOMS) for name in builders(module))


def test_every_builder_is_registered_and_no_other():
    assert len(FOUND) > 60
    unknown, gone = sorted(set(FOUND) - set(BUILDERS)), sorted(set(BUILDERS) - set(FOUND))
    assert not unknown, f"say in BUILDERS how these are called, or make them private: {', '.join(unknown)}"
    assert not gone, f"registered, but not in the package: {', '.join(gone)}"


@pytest.mark.parametrize("name", [name for name, call in BUILDERS.items() if not isinstance(call, Hindsight)])
def test_a_builder_knows_nothing_of_what_comes_after(given, name):
    assert faults(BUILDERS[name], given) == []


def test_results_are_worth_comparing(given):
    """A builder that gave NaN alone, or knew no row by the cuts, would pass for nothing."""
    for name, call in BUILDERS.items():
        if isinstance(call, Hindsight):
            continue
        result = call(given.until(CUTS[-1])) if isinstance(call, Refitted) else call(given)
        rows, at = (result.rows, result.at) if isinstance(result, Known) else (result, np.arange(len(result)))
        early = pd.DataFrame(np.asarray(rows)).loc[(at >= 0) & (at < CUTS[-1])]
        assert early.notna().any().mean() > 0.9, name


def users_of(word: str) -> set[str]:
    """Modules of the package that import a name or look it up on something."""
    home, found = Path(regime.__file__).parent, set()
    for path in home.rglob("*.py"):
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        names = {alias.name for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names}
        if word in names | {node.attr for node in nodes if isinstance(node, ast.Attribute)}:
            found.add(".".join(path.relative_to(home.parent).with_suffix("").parts))
    return found


@pytest.mark.parametrize("name", [name for name, call in BUILDERS.items() if isinstance(call, Hindsight)])
def test_what_reads_a_whole_sample_is_used_by_builders_under_the_law_alone(name):
    told = BUILDERS[name]
    assert users_of(name.split(".")[-1]) <= {told.home, told.user}
    assert not told.user or any(f"regime.{found}".startswith(told.user) for found in FOUND)


# Each leak is one that a reader might overlook; each twin is what it should have been.
LEAKS: dict[str, tuple[Callable[[Given], Any], Callable[[Given], Any]]] = {
    "centred window": (lambda d: d.close.rolling(21, center=True).mean(), lambda d: d.close.rolling(21).mean()),
    "shift the wrong way": (lambda d: d.close.shift(-1), lambda d: d.close.shift(1)),
    "scaler of the whole sample": (lambda d: (d.close - d.close.mean()) / d.close.std(),
                                   lambda d: (d.close - d.close.expanding().mean()) / d.close.expanding().std()),
    "rank in the whole sample": (lambda d: d.close.rank(pct=True), lambda d: d.close.expanding().rank(pct=True)),
    "filled backwards": (lambda d: pd.Series(d.x).bfill(), lambda d: pd.Series(d.x).ffill()),
    "interpolated": (lambda d: pd.Series(d.x).interpolate(), lambda d: pd.Series(d.x).ffill()),
    "smoothed states": (lambda d: smoothed_states(d), online_states),
    "value by period, not by release": (lambda d: by_period(d), as_of_panel),
    "labels known too early": (lambda d: hasty(d), BUILDERS["labels.episodes.EpisodeLabels.__call__"]),
}


def smoothed_states(d: Given) -> np.ndarray:
    rows = jump_model.jump_features(d.returns.fillna(0.0)).fillna(0.0).to_numpy()
    return jump_model.fit_jump_model(rows, n_states=2, penalty=5.0).labels


def by_period(d: Given) -> pd.DataFrame:
    own = d.observations[d.observations["series"] == "dgs10"]
    return own.set_index("period")["value"].reindex(d.dates, method="ffill").to_frame()


def hasty(d: Given) -> Known:
    return Known(labelled(EpisodeLabels(depth=1.5)(d.market)).rows, np.arange(len(d.dates)))


@pytest.mark.parametrize("leak", LEAKS)
def test_a_planted_leak_is_caught_and_its_honest_twin_is_not(given, leak):
    leaking, honest = LEAKS[leak]
    assert {"cut", "stirred"} <= {fault.split()[0] for fault in faults(leaking, given)}
    assert faults(honest, given) == []


def test_one_bit_is_enough():
    rows = np.linspace(0.1, 1, 10)
    part = rows.copy()
    part[3] = np.nextafter(part[3], 2)
    assert differs(rows, part, 4) == "row 3" and differs(rows, part, 3) == ""
    assert differs(rows, np.where(rows < 0.5, rows, np.nan), 10) == "row 4"
    assert differs(Known(rows, np.arange(10)), Known(rows, np.arange(10) + 1), 5) == (
        "4 rows are known, 5 of them with hindsight")


def test_an_unregistered_builder_is_found():
    planted = ModuleType("regime.features.planted")
    exec("class Scaler:\n"
         "    def __call__(self, x: 'pd.DataFrame') -> 'pd.DataFrame': ...\n"
         "    def name(self) -> str: ...\n"
         "def scale(x: 'pd.Series') -> 'pd.Series': ...\n"
         "def untold(x): ...\n"
         "def count(x: 'pd.Series') -> int: ...\n"
         "def _own(x: 'pd.Series') -> 'pd.Series': ...\n", vars(planted))
    assert sorted(builders(planted)) == ["features.planted.Scaler.__call__", "features.planted.scale",
                                         "features.planted.untold"]
    assert not set(builders(planted)) & set(BUILDERS)


def test_the_whole_chain_from_release_to_exposure_knows_nothing_of_what_comes_after():
    """Panel, features, labels, folds, model and rule together, as a run strings them."""
    settings = load_settings("demo.yaml", ["source.SimulatedSource.years=8", "splits.first_test=2011-01-01",
                                           "splits.refit_months=12", "splits.minimum_train=500", "model.seeds=1",
                                           "parallel.jobs=1", "tracking=NullTracker"])
    reading = settings.source.read(CATALOGUE, settings.series, release_times=release_times)

    def chain(observations: pd.DataFrame, sessions: pd.DatetimeIndex) -> pd.DataFrame:
        world = read_market(settings, CATALOGUE, replace(reading, observations=observations, sessions=sessions))
        forecast = walk_forward(settings, settings.features(world.panel), world.market, NoProgress())
        return forecast.probabilities.assign(exposure=decide(settings, world, forecast.probabilities))

    whole = chain(reading.observations, reading.sessions)
    for day in ("2011-09-30", "2013-02-14"):
        known = reading.observations["released"] <= calendar.session_closes(pd.DatetimeIndex([day]))[0]
        stirred = reading.observations.copy()
        stirred.loc[~known, "value"] *= np.random.default_rng(1).uniform(0.7, 1.4, int((~known).sum()))
        past = chain(reading.observations[known], reading.sessions[reading.sessions <= day])
        assert len(past) > 100 and differs(whole, past, len(past)) == ""
        assert differs(whole, chain(stirred, reading.sessions), len(past)) == ""

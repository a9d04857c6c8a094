"""What a model must beat: rule-of-thumb scores, calibrated, and forecasts refitted in its folds.

Every score is higher when stress is higher and uses rows up to its own date only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from inspect import Parameter, signature
from typing import Any

import numpy as np
import pandas as pd

from regime.errors import ConfigError
from regime.jump_model import fit_jump_model, jump_features
from regime.models import BASELINES
from regime.models.calibration_curves import calibrated, known_rows
from regime.parallel import NoProgress, Progress
from regime.schema import YEAR
from regime.splits.walk_forward import Fold

__all__ = [
    "RULE_OF_THUMB_SCORES",
    "base_rate",
    "baseline_probabilities",
    "below_200dma",
    "downside_rank",
    "drawdown_252",
    "elastic_net",
    "forecast_baselines",
    "online_jump",
    "persistence_score",
    "realised_vol",
    "rule_of_thumb_scores",
    "vix_level",
]

RULE_OF_THUMB_SCORES = ("vix", "drawdown_252", "below_200dma", "realised_vol", "downside_rank")
HALFLIFE = 21
RANK_START = "1980-01-01"


def rule_of_thumb_scores(
    close: pd.Series, returns: pd.Series, vix: pd.Series, *, rank_start: str = RANK_START
) -> pd.DataFrame:
    """Return the five uncalibrated scores, side by side; none needs fitting.

    Parameters
    ----------
    close : Series, shape (n_sessions,)
        Index level of the S&P 500.
    returns : Series, shape (n_sessions,)
        Its total return, fractions.
    vix : Series
        VIX close, points; a hole keeps the last value for up to five sessions.
    rank_start : str
        First date of the history against which `downside_rank` ranks.

    Returns
    -------
    DataFrame, shape (n_sessions, 5)
        Columns `RULE_OF_THUMB_SCORES`. NaN until a score has its minimum of history.
    """
    return pd.DataFrame(
        {
            "vix": vix_level(close, vix),
            "drawdown_252": drawdown_252(close),
            "below_200dma": below_200dma(close),
            "realised_vol": realised_vol(returns.reindex(close.index)),
            "downside_rank": downside_rank(close, start=rank_start),
        }
    ).astype(float)


def vix_level(close: pd.Series, vix: pd.Series) -> pd.Series:
    """VIX close on the sessions of `close`, points; a gap keeps the last value for 5 sessions."""
    return vix.reindex(close.index).ffill(limit=5)


def drawdown_252(close: pd.Series) -> pd.Series:
    """Fall from the highest close of 252 sessions, a fraction >= 0; NaN for the first 59 rows."""
    return 1 - close / close.rolling(252, min_periods=60).max()


def below_200dma(close: pd.Series) -> pd.Series:
    """Distance below the mean of 200 closes, a fraction (< 0 above it).

    NaN for the first 59 rows.
    """
    return 1 - close / close.rolling(200, min_periods=60).mean()


def realised_vol(returns: pd.Series) -> pd.Series:
    """Annualised deviation of returns, exponentially weighted with halflife 21 sessions."""
    return returns.ewm(halflife=HALFLIFE).std() * YEAR**0.5


def downside_rank(
    close: pd.Series, *, start: str = RANK_START, min_periods: int = 1000
) -> pd.Series:
    """Mean of two expanding ranks: downside deviation, and how low the Sortino ratio is.

    Parameters
    ----------
    close : Series, shape (n_sessions,)
        Index level.
    start : str
        First date of the history that is ranked: a longer one makes calm decades count for more.
    min_periods : int
        Sessions before the first rank.

    Returns
    -------
    Series, shape (n_sessions,)
        In (0, 1]; NaN before `start` and for `min_periods` sessions after it.
    """
    change = np.log(close.loc[start:]).diff()
    deviation = np.sqrt((change.clip(upper=0) ** 2).ewm(halflife=HALFLIFE).mean())
    weakness = -change.ewm(halflife=HALFLIFE).mean() / (deviation + 1e-5)
    ranks = (
        pd.DataFrame({"deviation": deviation, "weakness": weakness})
        .expanding(min_periods)
        .rank(pct=True)
    )
    return ranks.mean(axis=1).reindex(close.index)


def persistence_score(
    truth: pd.Series, known_at: pd.Series, *, halflife: float = 63.0
) -> pd.Series:
    """Share of recent sessions known by now to have been stress, exponentially weighted.

    Only finished stress counts: an unknown session weighs as a calm one does. How long truth has
    been unknown would reveal that a fall is under way, which was not public on the day.

    Parameters
    ----------
    truth : Series, shape (n_sessions,)
        1 stress, 0 not, NaN unknown.
    known_at : Series, shape (n_sessions,), datetime64
        Session from whose close on each truth is known.
    halflife : float
        Sessions.

    Returns
    -------
    Series, shape (n_sessions,)
        In [0, 1], no NaN.
    """
    decay = 0.5 ** (1 / halflife)
    sessions = np.arange(len(truth))
    stress = truth.fillna(0.0).to_numpy(dtype=float)
    revealed = np.maximum(
        truth.index.searchsorted(known_at.fillna(pd.Timestamp.max.normalize())), sessions
    )
    rows = (stress > 0) & (revealed < len(truth))
    # One row of padding: the recursion starts from nothing known.
    arrivals = np.zeros(len(truth) + 1)
    weight = decay ** (revealed[rows] - sessions[rows])
    np.add.at(arrivals, revealed[rows] + 1, stress[rows] * weight)
    share = pd.Series(arrivals).ewm(alpha=1 - decay, adjust=False).mean()
    return pd.Series(share.to_numpy()[1:], index=truth.index, name="persistence")


def base_rate(truth: pd.Series, known_at: pd.Series, folds: Iterable[Fold]) -> pd.Series:
    """Share of stress among the sessions whose truth was known by each refit.

    NaN outside the test blocks.
    """
    result = pd.Series(np.nan, index=truth.index, name="base_rate")
    for fold in folds:
        rows = known_rows(truth, known_at, fold.refit)
        if rows.any():
            result.iloc[fold.test] = float(truth.to_numpy(dtype=float)[rows].mean())
    return result


def baseline_probabilities(
    scores: pd.DataFrame, truth: pd.Series, known_at: pd.Series, folds: Iterable[Fold]
) -> pd.DataFrame:
    """Return base rate, persistence and each score as probabilities of the same folds.

    Parameters
    ----------
    scores : DataFrame, shape (n_sessions, n_scores)
        As from `rule_of_thumb_scores`.
    truth, known_at : Series, shape (n_sessions,)
        As in `calibrated`.
    folds : iterable of Fold

    Returns
    -------
    DataFrame, shape (n_sessions, 2 + n_scores)
        Columns `base_rate`, `persistence`, then those of `scores`. NaN as in `calibrated`.
    """
    folds = list(folds)
    raw = {
        "persistence": persistence_score(truth, known_at),
        **{str(name): scores[name] for name in scores},
    }
    return pd.DataFrame(
        {
            "base_rate": base_rate(truth, known_at, folds),
            **{name: calibrated(score, truth, known_at, folds) for name, score in raw.items()},
        }
    )


def forecast_baselines(
    *,
    close: pd.Series,
    returns: pd.Series,
    vix: pd.Series,
    X: pd.DataFrame,
    truth: pd.Series,
    known_at: pd.Series,
    folds: Iterable[Fold],
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Out-of-sample probabilities of stress of every baseline in `BASELINES`.

    Parameters
    ----------
    close, returns, vix : Series, shape (n_sessions,)
        As in `rule_of_thumb_scores`.
    X : DataFrame, shape (n_sessions, n_features)
        The model's features.
    truth, known_at : Series, shape (n_sessions,)
        As in `calibrated`.
    folds : iterable of Fold
        The model's.
    progress : Progress, optional
        Advances by one for each baseline.

    Returns
    -------
    DataFrame, shape (n_sessions, n_baselines)
        In the order of `BASELINES`; NaN outside the test blocks.

    Raises
    ------
    ConfigError
        If a baseline has an argument of another name and without a default.
    """
    folds = tuple(folds)
    inputs = {
        "close": close,
        "returns": returns.reindex(close.index),
        "vix": vix,
        "X": X,
        "truth": truth,
        "known_at": known_at,
        "folds": folds,
    }
    columns = {}
    with (progress or NoProgress()).stage("baselines", total=len(BASELINES)) as stage:
        for name, baseline in BASELINES.items():
            made = baseline(**_chosen_arguments(name, baseline, inputs))
            if "folds" not in signature(baseline).parameters:
                made = calibrated(made.astype(float), truth, known_at, folds)
            columns[name] = made
            stage.advance()
    return pd.DataFrame(columns)


def _chosen_arguments(
    name: str, baseline: Callable[..., pd.Series], inputs: Mapping[str, Any]
) -> dict[str, Any]:
    """Those of `inputs` that a baseline has arguments for."""
    parameters = signature(baseline).parameters
    unknown = [
        argument
        for argument, parameter in parameters.items()
        if argument not in inputs and parameter.default is Parameter.empty
    ]
    if unknown:
        raise ConfigError(
            f"baseline `{name}`: argument `{unknown[0]}` is not one of {', '.join(inputs)}"
        )
    return {argument: inputs[argument] for argument in parameters if argument in inputs}


def elastic_net(
    X: pd.DataFrame,
    truth: pd.Series,
    known_at: pd.Series,
    folds: Iterable[Fold],
    *,
    C: float = 0.005,
    l1_ratio: float = 0.5,
    seed: int = 7,
) -> pd.Series:
    """Out-of-sample probability of an elastic-net logistic on the model's own features.

    Parameters
    ----------
    X : DataFrame, shape (n_sessions, n_features)
        Features; standardised in each fold, then NaN counts as the mean.
    truth : Series, shape (n_sessions,)
        In [0, 1]: a soft label enters as two weighted rows. NaN unknown.
    known_at : Series, shape (n_sessions,), datetime64
    folds : iterable of Fold
    C : float
        Inverse strength of the penalty against the sum of the log losses.
    l1_ratio : float
        Share of the absolute part of the penalty.
    seed : int
        Order in which the solver visits rows.

    Returns
    -------
    Series, shape (n_sessions,)
        NaN outside the test blocks and in folds with one class only.

    Notes
    -----
    **Known at:** each fold uses rows up to its refit whose truth was known by then.
    """
    result = np.full(len(X), np.nan)
    values = X.to_numpy(dtype=float)
    outcome = truth.to_numpy(dtype=float)
    for fold in folds:
        rows = known_rows(truth, known_at, fold.refit, X)
        if rows.any() and 0 < outcome[rows].mean() < 1:
            centre, width = _moments(values[rows])
            scaled = _standardised(values[rows], centre, width)
            slopes = _fit_slopes(scaled, outcome[rows], C, l1_ratio, seed)
            intercept = _fit_intercept((scaled * slopes).sum(axis=1), outcome[rows])
            # Row by row: the last bits of a matrix product depend on the length of the block.
            log_odds = (_standardised(values[fold.test], centre, width) * slopes).sum(axis=1)
            result[fold.test] = np.exp(-np.logaddexp(0.0, -(log_odds + intercept)))
    return pd.Series(result, index=X.index, name="elastic_net")


def online_jump(
    returns: pd.Series,
    truth: pd.Series,
    known_at: pd.Series,
    folds: Iterable[Fold],
    *,
    n_states: int = 2,
    penalty: float = 50.0,
    seed: int = 7,
) -> pd.Series:
    """Out-of-sample probability of a jump model's filtered state.

    At each fold the model is refitted on all history; a state's probability is how often its
    sessions were stress, among those known by the refit, with one session of the overall rate
    added.

    Parameters
    ----------
    returns, truth, known_at : Series, shape (n_sessions,)
        Total returns (fractions), stress in [0, 1] or NaN, and when it was known.
    folds : iterable of Fold
    n_states : int
    penalty : float
        Cost of a change of state.
    seed : int

    Returns
    -------
    Series, shape (n_sessions,)
        NaN outside the test blocks and where nothing was known by the refit.
    """
    features = jump_features(np.log1p(returns)).dropna()
    outcome = truth.to_numpy(dtype=float)
    result = np.full(len(truth), np.nan)
    for fold in folds:
        rows = known_rows(truth, known_at, fold.refit, returns)
        if rows.any():
            past = features.loc[: fold.refit].to_numpy()
            seen = features.loc[: truth.index[fold.test[-1]]]
            moments = _moments(past)
            model = fit_jump_model(
                _clipped(past, *moments), n_states=n_states, penalty=penalty, seed=seed
            )
            states = pd.Series(
                model.online(_clipped(seen.to_numpy(), *moments)), seen.index, dtype=float
            )
            filtered = states.reindex(truth.index).to_numpy()
            result[fold.test] = _stress_share(filtered, outcome, rows)[fold.test]
    return pd.Series(result, index=truth.index, name="online_jump")


def _stress_share(states: np.ndarray, outcome: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Share of stress in each row's state, over `rows`, with one session of the overall rate."""
    rate = outcome[rows].mean()
    shares = np.full(len(states), np.nan)
    for state in np.unique(states[np.isfinite(states)]):
        same = states == state
        shares[same] = (outcome[rows & same].sum() + rate) / ((rows & same).sum() + 1)
    return shares


def _moments(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation of each column over its finite rows.

    An empty or constant one gets 0 and 1.
    """
    present = np.isfinite(values)
    count = np.maximum(present.sum(axis=0), 1)
    centre = np.where(present, values, 0.0).sum(axis=0) / count
    spread = np.sqrt(np.where(present, (values - centre) ** 2, 0.0).sum(axis=0) / count)
    return centre, np.where(spread > 1e-12 * np.maximum(1.0, np.abs(centre)), spread, 1.0)


def _standardised(values: np.ndarray, centre: np.ndarray, width: np.ndarray) -> np.ndarray:
    scaled = (values - centre) / width
    return np.where(np.isfinite(scaled), scaled, 0.0)


def _clipped(values: np.ndarray, centre: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Standardised and clipped at three deviations: one crash must not define a state."""
    return np.asarray(np.clip(_standardised(values, centre, width), -3.0, 3.0))


def _fit_slopes(X: np.ndarray, y: np.ndarray, C: float, l1_ratio: float, seed: int) -> np.ndarray:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(
        C=C, l1_ratio=l1_ratio, solver="saga", tol=1e-3, max_iter=2000, random_state=seed
    )
    if np.isin(y, (0.0, 1.0)).all():
        return np.asarray(model.fit(X, y.astype(int)).coef_[0])
    weight = np.r_[y, 1 - y]
    rows = np.r_[X, X]
    target = np.r_[np.ones(len(y), int), np.zeros(len(y), int)]
    return np.asarray(
        model.fit(rows[weight > 0], target[weight > 0], sample_weight=weight[weight > 0]).coef_[0]
    )


def _fit_intercept(log_odds: np.ndarray, y: np.ndarray) -> float:
    """Intercept at which the mean probability is that of `y`.

    The solver watches its slopes alone and stops short.
    """
    low, high = -50.0 - log_odds.max(), 50.0 - log_odds.min()
    for _ in range(60):
        middle = (low + high) / 2
        too_high = np.exp(-np.logaddexp(0.0, -(log_odds + middle))).mean() > y.mean()
        low, high = (low, middle) if too_high else (middle, high)
    return float((low + high) / 2)

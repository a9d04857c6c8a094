"""`regime explain`: why the model in force on a day gave its probability."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from regime.artifacts import to_json_records
from regime.errors import ConfigError
from regime.formatting import chance, display_name, spoken_date
from regime.parallel import NoProgress, Progress
from regime.pipeline.market_data import MarketData, read_market_data
from regime.pipeline.settings import Settings, settings_of
from regime.report.reasons import reason_sentence
from regime.schema import REGIMES, STRESS
from regime.studies.explain.contributions import (
    checked_contributions,
    mechanism_contributions,
    model_log_odds,
    reason_table,
)
from regime.studies.explain.counterfactuals import counterfactual_table, move_directions
from regime.studies.explain.model_in_force import InForce, model_in_force
from regime.studies.explain.stability import importance_by_refit, stability_table

__all__ = ["Explanation", "explain"]

HISTORY = 30  # sessions before the explained one of which contributions are computed


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """One forecast explained.

    Parameters
    ----------
    as_of : date
        Requested day.
    in_force : InForce
        The model, the session that it explains, and its refit.
    probabilities : Series, shape (4,)
        By regime, of that model at that session.
    log_odds : float
        Of a deleveraging: `base` and the contributions of all mechanisms.
    base : float
        Log-odds of the model where nothing is known.
    mechanisms : DataFrame, one row a mechanism
        As from `mechanism_contributions`, with ``text``: the feature that weighs most.
    features : DataFrame, one row a feature
        ``mechanism``, ``value`` (own unit, NaN unknown), ``rank`` (share of its days below it),
        ``now`` (log-odds).
    flips : DataFrame, one row a mechanism
        As from `counterfactual_table`.
    stability : DataFrame or None
        As from `stability_table`; None where it was not requested.
    summary : dict
        All of it as JSON values.
    """

    as_of: date
    in_force: InForce
    probabilities: pd.Series
    log_odds: float
    base: float
    mechanisms: pd.DataFrame
    features: pd.DataFrame
    flips: pd.DataFrame
    stability: pd.DataFrame | None
    summary: dict[str, Any]


def explain(
    config: str | Path | Settings,
    *,
    as_of: str | date,
    data: str | Path | None = None,
    stability: bool = False,
    overrides: Sequence[str] = (),
    progress: Progress | None = None,
) -> Explanation:
    """Explain the forecast of a day by the model that was in force on it.

    Parameters
    ----------
    config : str, Path or Settings
    as_of : str or date
        As ``2024-08-05``. A day without a session counts as the session before it; after the last
        session the model that a run saves explains that session.
    data : str or Path, optional
        Data folder; not needed by a config that simulates.
    stability : bool
        Whether to fit every block's model up to that day too, and compare their importance.
    overrides : sequence of str
        ``section.key=value``.
    progress : Progress, optional

    Returns
    -------
    Explanation

    Raises
    ------
    ConfigError
        If the day is no date or lies before the first test block.
    MissingDataError, InvalidDataError
        As a run.
    RegimeError
        If the contributions do not add up to the raw score.

    **Known at:** the close of the session for features, the refit of its block for the model.
    """
    started = time.perf_counter()
    watch = progress or NoProgress()
    day = _day(as_of)
    settings = settings_of(config, overrides, data)
    market_data = read_market_data(settings, Path(data) if data is not None else None, watch)
    with watch.stage("features"):
        features = settings.features(market_data.panel)
    with watch.stage("model in force"):
        in_force = model_in_force(settings, features, market_data.market, day)
    parts = _contributions(settings, features.loc[: in_force.session], in_force)
    with watch.stage("counterfactuals"):
        history = features.loc[: in_force.refit]
        moves = move_directions(in_force.model, history, settings.features.specs)
        row = features.loc[[in_force.session]]
        flips = counterfactual_table(in_force.model, row, moves, history)
    refits = None
    if stability:
        importance = importance_by_refit(
            settings, features, market_data.market, in_force.session, watch
        )
        refits = stability_table(importance, settings.features.specs)
    explanation = Explanation(
        as_of=day.date(), in_force=in_force, flips=flips, stability=refits, summary={}, **parts
    )
    summary = {
        "config": settings.name,
        "as_of": f"{day:%Y-%m-%d}",
        **_summary(market_data, explanation),
        "seconds": round(time.perf_counter() - started, 1),
    }
    return replace(explanation, summary=summary)


def _day(as_of: str | date) -> pd.Timestamp:
    try:
        return pd.Timestamp(
            as_of if isinstance(as_of, date) else date.fromisoformat(as_of.strip())
        ).normalize()
    except ValueError:
        raise ConfigError(f"as_of: must be a date as 2024-08-05, got `{as_of}`") from None


def _contributions(settings: Settings, known: pd.DataFrame, in_force: InForce) -> dict[str, Any]:
    """Probabilities of the last known session, and the contributions that make them."""
    specs = settings.features.specs
    model = in_force.model
    row = known.iloc[-1:]
    table = mechanism_contributions(model, known.iloc[-HISTORY:], specs)
    text = reason_table(model, known, specs).set_index(table.index)["text"]
    parts = checked_contributions(model, row).iloc[0]
    mechanism = {spec.name: spec.mechanism for spec in specs}
    names = list(model.features)
    features = pd.DataFrame(
        {
            "mechanism": [mechanism[name] for name in names],
            "value": row[names].iloc[0].to_numpy(),
            "rank": [_rank(known[name]) for name in names],
            "now": parts[names].to_numpy(),
        },
        index=pd.Index(names, name="feature"),
    )
    order = features["now"].abs().sort_values(ascending=False, kind="stable").index
    return {
        "probabilities": pd.Series(model.predict_proba(row)[0], index=list(REGIMES)),
        "log_odds": float(model_log_odds(model, row).iloc[0]),
        "base": float(parts["base"]),
        "mechanisms": table.assign(text=text),
        "features": features.loc[order],
    }


def _rank(values: pd.Series) -> float:
    """Share of the known values below the last; NaN where that is unknown."""
    known = values.dropna()
    return float("nan") if np.isnan(values.iloc[-1]) else float((known < values.iloc[-1]).mean())


def _summary(market_data: MarketData, explanation: Explanation) -> dict[str, Any]:
    in_force = explanation.in_force
    stability = explanation.stability
    refits = None
    if stability is not None:
        dates = pd.Index([f"{refit:%Y-%m-%d}" for refit in stability.index], name="refit")
        refits = to_json_records(stability.set_axis(dates).reset_index(), "stability")
    return {
        "session": f"{in_force.session:%Y-%m-%d}",
        "model": {
            "refit": f"{in_force.refit:%Y-%m-%d}",
            "trained_from": in_force.window[0],
            "trained_to": in_force.window[1],
        },
        "data": {
            "last": f"{market_data.sessions[-1]:%Y-%m-%d}",
            "hash": market_data.reading.hash,
        },
        "probabilities": {name: float(value) for name, value in explanation.probabilities.items()},
        "regime": str(explanation.probabilities.idxmax()),
        "log_odds": explanation.log_odds,
        "base": explanation.base,
        "mechanisms": to_json_records(explanation.mechanisms.reset_index(), "mechanisms"),
        "features": to_json_records(explanation.features.reset_index(), "features"),
        "flips": to_json_records(explanation.flips.reset_index(), "flips"),
        "stability": refits,
        "sentences": list(_sentences(explanation)),
    }


def _sentences(explanation: Explanation) -> Iterator[str]:
    yield _probability_sentence(explanation)
    table = explanation.mechanisms.reset_index()
    yield reason_sentence(
        pd.DataFrame(
            {
                "name": table["mechanism"],
                "now": table["now"],
                "week_ago": table["now"] - table["since_5"],
                "text": table["text"],
            }
        )
    )
    yield _counterfactual_sentence(explanation.flips)
    stability = explanation.stability
    if stability is not None and len(stability) > 1:
        agreement = stability["rank_correlation"].iloc[1:]
        yield (
            f"Over {len(stability)} refits the rank correlation of feature importance with the "
            f"refit before has a median of {agreement.median():.2f} and a minimum of "
            f"{agreement.min():.2f}."
        )


def _probability_sentence(explanation: Explanation) -> str:
    probabilities = explanation.probabilities
    in_force = explanation.in_force
    likeliest = str(probabilities.idxmax())
    rest = ""
    if likeliest != STRESS:
        rest = f"; a deleveraging had {chance(probabilities[STRESS])}"
    return (
        f"At the close of {spoken_date(in_force.session)} the most likely regime of the model "
        f"fitted on {spoken_date(in_force.refit)} was {likeliest}, with a probability of "
        f"{chance(probabilities[likeliest])}{rest}."
    )


def _counterfactual_sentence(flips: pd.DataFrame) -> str:
    nearest = flips.iloc[0] if len(flips) else None
    if nearest is None or nearest["move"] is None:
        return (
            "No mechanism alone, moved by up to 4 standard deviations, would make or end a "
            "deleveraging."
        )
    size = f"{abs(nearest['move']):.2f}" if abs(nearest["move"]) >= 0.005 else "less than 0.01"
    direction = "towards" if nearest["move"] > 0 else "away from"
    beyond = "" if nearest["seen"] else ", beyond its historical range"
    return (
        f"The smallest move to another regime is one of {display_name(str(nearest.name))}: {size} "
        f"standard deviations {direction} a deleveraging{beyond}; the regime would be "
        f"{nearest['regime']}."
    )

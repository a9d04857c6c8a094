"""`regime explain`: why the model that was in force on a day said what it said."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from regime.errors import ConfigError
from regime.formatting import chance, display_name, spoken_date
from regime.pipeline.market_data import MarketData, read_market_data
from regime.pipeline.settings import Settings, settings_of
from regime.progress import NoProgress, Progress
from regime.report.reasons import reason_sentence
from regime.schema import REGIMES, STRESS
from regime.workflows.explain_flips import directions, flip_table
from regime.workflows.explain_mechanisms import checked_contributions, mechanism_table, raw_scores
from regime.workflows.explain_model import InForce, model_in_force
from regime.workflows.explain_stability import importance_by_refit, stability_table
from regime.workflows.reasons import reasons

__all__ = ["Explanation", "explain"]

HISTORY = 30  # sessions before the explained one whose contributions are worked out


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """One forecast taken apart.

    Parameters
    ----------
    as_of : date
        Day that was asked for.
    in_force : InForce
        The model, the session that it is asked about, and its refit.
    probabilities : Series, shape (4,)
        By regime, of that model at that session.
    log_odds : float
        Of a deleveraging: `base` and the contributions of all mechanisms.
    base : float
        What the model says where nothing is known, log-odds.
    mechanisms : DataFrame, one row a mechanism
        As from `explain_mechanisms.mechanism_table`, with ``text``: the feature that weighs most.
    features : DataFrame, one row a feature
        ``mechanism``, ``value`` (own unit, NaN unknown), ``rank`` (share of its days below it),
        ``now`` (log-odds).
    flips : DataFrame, one row a mechanism
        As from `explain_flips.flip_table`.
    stability : DataFrame or None
        As from `explain_stability.stability_table`; None where it was not asked for.
    summary : dict
        All of it, plain and finite.
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
    """Take the forecast of a day apart, with the model that was in force on it.

    Parameters
    ----------
    config : str, Path or Settings
    as_of : str or date
        As ``2024-08-05``. A day without a session counts as the session before it; after the last
        session the model that a run saves is asked about that session.
    data : str or Path, optional
        Data folder; not needed by a config that simulates.
    stability : bool
        Whether to fit every block's model up to that day too, and compare what they rest on.
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
    begun, watch, day = time.perf_counter(), progress or NoProgress(), _day(as_of)
    settings = settings_of(config, overrides, data)
    world = read_market_data(settings, Path(data) if data is not None else None, watch)
    with watch.stage("features"):
        features = settings.features(world.panel)
    with watch.stage("model in force"):
        found = model_in_force(settings, features, world.market, day)
    told = _told(settings, features.loc[: found.session], found)
    with watch.stage("moves that change the regime"):
        history = features.loc[: found.refit]
        told["flips"] = flip_table(
            found.model,
            features.loc[[found.session]],
            directions(found.model, history, settings.features.specs),
            history,
        )
    told["stability"] = (
        None
        if not stability
        else stability_table(
            importance_by_refit(settings, features, world.market, found.session, watch),
            settings.features.specs,
        )
    )
    return Explanation(
        as_of=day.date(),
        in_force=found,
        **told,
        summary={
            "config": settings.name,
            "as_of": f"{day:%Y-%m-%d}",
            **_summary(settings, world, found, told),
            "seconds": round(time.perf_counter() - begun, 1),
        },
    )


def _day(as_of: str | date) -> pd.Timestamp:
    try:
        return pd.Timestamp(
            as_of if isinstance(as_of, date) else date.fromisoformat(as_of.strip())
        ).normalize()
    except ValueError:
        raise ConfigError(f"as_of: must be a date as 2024-08-05, got `{as_of}`") from None


def _told(settings: Settings, known: pd.DataFrame, found: InForce) -> dict[str, Any]:
    """What the model says at the last of the known sessions, and of what that is the sum."""
    specs, model, row = settings.features.specs, found.model, known.iloc[-1:]
    table = mechanism_table(model, known.iloc[-HISTORY:], specs)
    text = reasons(model, known, specs).set_index(table.index)["text"]
    parts = checked_contributions(model, row).iloc[0]
    of = {spec.name: spec.mechanism for spec in specs}
    own = pd.DataFrame(
        {
            "mechanism": [of[name] for name in model.features],
            "value": row[list(model.features)].iloc[0].to_numpy(),
            "rank": [_rank(known[name]) for name in model.features],
            "now": parts[list(model.features)].to_numpy(),
        },
        index=pd.Index(model.features, name="feature"),
    )
    order = own["now"].abs().sort_values(ascending=False, kind="stable").index
    probabilities = pd.Series(model.predict_proba(row)[0], index=list(REGIMES))
    return {
        "probabilities": probabilities,
        "log_odds": float(raw_scores(model, row).iloc[0]),
        "base": float(parts["base"]),
        "mechanisms": table.assign(text=text),
        "features": own.loc[order],
    }


def _rank(values: pd.Series) -> float:
    known = values.dropna()
    return float("nan") if np.isnan(values.iloc[-1]) else float((known < values.iloc[-1]).mean())


def _summary(
    settings: Settings, world: MarketData, found: InForce, told: dict[str, Any]
) -> dict[str, Any]:
    ends, stability = world.sessions[-1], told["stability"]
    return {
        "session": f"{found.session:%Y-%m-%d}",
        "model": {
            "refit": f"{found.refit:%Y-%m-%d}",
            "trained_from": found.window[0],
            "trained_to": found.window[1],
        },
        "data": {"last": f"{ends:%Y-%m-%d}", "hash": world.reading.hash},
        "probabilities": {name: float(value) for name, value in told["probabilities"].items()},
        "regime": str(told["probabilities"].idxmax()),
        "log_odds": told["log_odds"],
        "base": told["base"],
        "mechanisms": _records(told["mechanisms"]),
        "features": _records(told["features"]),
        "flips": _records(told["flips"]),
        "stability": None
        if stability is None
        else _records(
            stability.set_axis(
                [f"{refit:%Y-%m-%d}" for refit in stability.index], axis=0
            ).rename_axis("refit")
        ),
        "sentences": list(_sentences(settings, found, told)),
    }


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {
            str(key): None if isinstance(value, float) and not np.isfinite(value) else value
            for key, value in row.items()
        }
        for row in table.reset_index().to_dict("records")
    ]


def _sentences(settings: Settings, found: InForce, told: dict[str, Any]) -> Iterator[str]:
    likeliest, now = str(told["probabilities"].idxmax()), told["probabilities"]
    rest = "" if likeliest == STRESS else f"; a deleveraging had {chance(now[STRESS])}"
    yield (
        f"At the close of {spoken_date(found.session)} the model fitted on "
        f"{spoken_date(found.refit)} held "
        f"{likeliest} for most likely, with a probability of {chance(now[likeliest])}{rest}."
    )
    table = told["mechanisms"].reset_index()
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
    near = told["flips"].iloc[0] if len(told["flips"]) else None
    if near is None or near["move"] is None:
        yield "No mechanism alone, moved by up to 4 standard deviations, would change whether it is a deleveraging."
    else:
        far = " and further than it has ever been" if not near["seen"] else ""
        way = "towards a deleveraging" if near["move"] > 0 else "away from a deleveraging"
        size = f"{abs(near['move']):.2f}" if abs(near["move"]) >= 0.005 else "less than 0.01"
        yield (
            f"The shortest way to another regime is {display_name(str(near.name))}: {size} "
            "standard deviations "
            f"{way}{far}, and it would be {near['regime']}."
        )
    stability = told["stability"]
    if stability is not None and len(stability) > 1:
        agreed = stability["rank_correlation"].iloc[1:]
        yield (
            f"Over {len(stability)} refits the ranking of features by importance agrees with that "
            "of the refit "
            f"before by {agreed.median():.2f} in the median and {agreed.min():.2f} at worst (rank "
            "correlation)."
        )

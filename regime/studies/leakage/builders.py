"""What of a config can be probed: features, labellers, rule, panel and mechanisms."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import MISSING, fields, replace
from typing import Any

import numpy as np
import pandas as pd

from regime.errors import MissingDataError
from regime.labels import LABELLERS
from regime.mechanisms import MECHANISMS
from regime.mechanisms.base import MarketView, Mechanism, MechanismReading
from regime.panel.as_of import AsOf
from regime.schema import REGIMES
from regime.studies.leakage.inputs import Published, Rows
from regime.studies.leakage.probes import Builder, place_of
from regime.studies.leakage.subject import Subject

__all__ = [
    "as_numbers",
    "config_builders",
    "feature_builders",
    "feature_set",
    "labeller_builders",
    "mechanism_builders",
    "panel_builders",
    "reading_history",
    "rule_builder",
]

BESIDE = 1800  # sessions for features that the config does without: ranks of five years fill them
READ = 800  # sessions for a reading
SHORT = 1500  # sessions for what is fitted again at every probe


def config_builders(subject: Subject) -> list[Builder]:
    """Every part of a config that makes rows from data, ready to be probed.

    The features of the config, its panel, its labels and its truth, every other definition of the
    regimes that works by its defaults, its rule, and of every mechanism the reading and those
    features that the config does without.

    Parameters
    ----------
    subject : Subject
    """
    return [
        feature_set(subject),
        *panel_builders(subject),
        *_labellers(subject),
        rule_builder("rule", place_of(type(subject.rule)), subject.rule, subject),
        *mechanism_builders(subject),
    ]


def feature_set(subject: Subject) -> Builder:
    """The whole feature set of the config as one builder: every column at once."""
    singles = {
        builder.name: builder for builder in feature_builders(subject.features.features, subject)
    }

    def build(part: Rows, t: int) -> pd.DataFrame:
        values = part.frames["values"]
        return subject.features(replace(subject.panel, values=values, age=values))

    return Builder(
        name="features.feature_set.FeatureSet",
        place=place_of(type(subject.features)),
        build=build,
        given=Rows(frames={"values": subject.inputs}),
        narrow=singles.__getitem__,
    )


def panel_builders(subject: Subject) -> list[Builder]:
    """The point-in-time panel, and histories of a few series as known at each date."""
    observations = Published(observations=subject.observations, sessions=subject.sessions)
    names = [str(name) for name in subject.observations["series"].unique()]
    shown = [names[position] for position in np.linspace(0, len(names) - 1, 5).astype(int)]

    def panel(part: Published, t: int) -> pd.DataFrame:
        made = AsOf(part.observations, subject.max_age).panel(part.sessions)
        return pd.concat([made.values, made.age.add_suffix(", age")], axis=1)

    def history(part: Published, t: int) -> pd.DataFrame:
        known = AsOf(part.observations, subject.max_age)
        columns = {
            name: known.history(name, subject.sessions[t]).reindex(subject.sessions[: t + 1])
            for name in shown
        }
        return pd.DataFrame(columns).rename_axis("date")

    name, place = "panel.as_of.AsOf", place_of(AsOf)
    return [
        Builder(name=name, place=place, given=observations, build=panel),
        Builder(
            name=f"{name}.history",
            place=place,
            given=observations,
            build=history,
            dated=True,
            delay=False,
        ),
    ]


def mechanism_builders(subject: Subject) -> list[Builder]:
    """Of every mechanism the reading, and the features that the config does without."""
    covered = {type(family) for family in subject.features.families}
    values = subject.every
    builders = []
    for key in MECHANISMS:
        mechanism = MECHANISMS[key]
        builders.append(reading_history(key, mechanism(), subject))
        if mechanism.family is not None and mechanism.family not in covered:
            covered.add(mechanism.family)
            family: Any = mechanism.family()
            builders += feature_builders(family.features(), subject, values.iloc[-BESIDE:])
    return builders


def reading_history(key: str, mechanism: Mechanism, subject: Subject) -> Builder:
    """History of a mechanism, as its reading of the last session tells it.

    What a reading says of an earlier session must be what the reading of that session said. A
    session at which there is no reading contradicts nothing.

    Parameters
    ----------
    key : str
        Of the mechanism in `MECHANISMS`.
    mechanism : Mechanism
    subject : Subject
    """

    def build(part: Rows, t: int) -> pd.DataFrame | None:
        with np.errstate(all="ignore"):  # values put in place of a future may be beyond any market
            try:
                reading = mechanism.read(MarketView(values=part.frames["values"]))
            except MissingDataError:
                return None
        return reading.history if isinstance(reading, MechanismReading) else None

    given = Rows(frames={"values": subject.last(READ).every})
    return Builder(
        name=f"mechanisms.{key}", place=place_of(type(mechanism)), given=given, build=build
    )


def _labellers(subject: Subject) -> list[Builder]:
    """Labels and truth of the config, and every other labeller that works by its defaults."""
    own = {"labels": subject.labels, "truth": subject.truth}
    builders = []
    for name, labeller in own.items():
        builders += labeller_builders(name, place_of(type(labeller)), labeller, subject.market)
    used = {type(labeller) for labeller in own.values()}
    market = subject.last(SHORT).market
    for name in LABELLERS:
        kind = LABELLERS[name]
        if kind not in used and not _needed(kind):
            builders += labeller_builders(name, place_of(kind), kind(), market)
    return builders


def _needed(kind: type) -> list[str]:
    """Fields of a dataclass without a default."""
    return [
        field.name
        for field in fields(kind)
        if field.default is MISSING and field.default_factory is MISSING
    ]


def feature_builders(
    features: Iterable[Any], subject: Subject, values: pd.DataFrame | None = None
) -> list[Builder]:
    """One builder a feature, over the panel's values.

    Over its own inputs among `values` where these are given.
    """
    given = Rows(frames={"values": subject.inputs})

    def of(feature: Any) -> Builder:
        own = given
        if values is not None:
            own = Rows(
                frames={"values": values[[name for name in feature.spec.inputs if name in values]]}
            )
        return Builder(
            name=feature.spec.name,
            place=place_of(feature.compute),
            given=own,
            build=lambda part, t: feature(part.frames["values"]).to_frame(),
        )

    return [of(feature) for feature in features]


def labeller_builders(
    name: str, place: str, labeller: Callable[..., Any], market: pd.DataFrame
) -> list[Builder]:
    """Two laws of a labeller.

    What it says as of a date, and what it says for good once a row is known.

    Parameters
    ----------
    name, place : str
    labeller : callable
        ``labeller(market, as_of) -> Labels``.
    market : DataFrame, shape (n_sessions, n_assets), prices
    """
    sessions = pd.DatetimeIndex(market.index)
    given = Rows(frames={"market": market})
    whole: list[Any] = []

    def at(part: Rows, t: int) -> pd.DataFrame:
        labels = labeller(part.frames["market"], sessions[t])
        return as_numbers(labels.weights.assign(known_at=labels.known_at, span_end=labels.span_end))

    def settled(part: Rows, t: int) -> pd.DataFrame:
        if not whole:
            whole.append(labeller(market))
        labels = whole[0] if part is given else labeller(part.frames["market"])
        known = (
            whole[0].known_by(sessions[t]).iloc[: len(labels.weights)]
        )  # what the whole history says was known by t
        return as_numbers(labels.weights.assign(known_at=labels.known_at).where(known))

    return [
        Builder(name=f"{name}, as of a date", place=place, given=given, build=at, dated=True),
        Builder(name=f"{name}, once known", place=place, given=given, build=settled, dated=True),
    ]


def rule_builder(name: str, place: str, rule: Any, subject: Subject) -> Builder:
    """Exposure that a rule decides, asked about made-up signals.

    Parameters
    ----------
    name, place : str
        How findings call it.
    rule : Rule
    subject : Subject
        For its sessions.
    """

    def build(part: Rows, t: int) -> pd.DataFrame:
        others = {name: part.frames[name] for name in ("volatility", "price")}
        signals = part.frames["probabilities"].assign(**others)
        return pd.DataFrame({"exposure": rule(signals)})

    return Builder(name=name, place=place, given=_signals(subject), build=build)


def as_numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Dates as days since 1970-01-01, missing ones as NaN, and the rest as floats."""

    def plain(column: pd.Series) -> pd.Series:
        if not pd.api.types.is_datetime64_any_dtype(column.dtype):
            return column.astype(float)
        days = column.to_numpy(dtype="M8[D]").astype(float)
        return pd.Series(np.where(column.isna(), np.nan, days), index=column.index)

    return pd.DataFrame({str(name): plain(table[name]) for name in table}, index=table.index)


def _signals(subject: Subject) -> Rows:
    """Probabilities that follow the falls of the index with noise, its volatility, and its total return as a level."""
    rng, n = np.random.default_rng(7), len(subject.sessions)
    fall = 1.0 - subject.close / subject.close.rolling(63, min_periods=1).max()
    stress = np.clip(5.0 * fall.to_numpy() + 0.2 * rng.standard_normal(n), 0.01, 0.97)
    table = pd.DataFrame({name: (1.0 - stress) / 3.0 for name in REGIMES}, subject.sessions).assign(
        deleveraging=stress
    )
    volatility = subject.returns.ewm(halflife=21).std() * 252**0.5
    price = (1.0 + subject.returns.fillna(0.0)).cumprod()
    frames = {"probabilities": table, "volatility": volatility.fillna(0.15), "price": price}
    return Rows(frames=frames, shares=("probabilities",))

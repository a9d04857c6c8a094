"""The parts of a config that make rows from data, each ready to be probed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import MISSING, fields, replace

import numpy as np
import pandas as pd

from regime.errors import MissingDataError
from regime.feature import Feature
from regime.labels import LABELLERS
from regime.labels.basket import Labeller
from regime.mechanisms import MECHANISMS
from regime.mechanisms.base import MarketView, Mechanism, MechanismReading
from regime.panel.as_of import AsOf
from regime.rules.base import Rule
from regime.schema import REGIMES, STRESS, Labels
from regime.studies.leakage.inputs import FrameInput, ObservationInput
from regime.studies.leakage.probes import Builder, source_location
from regime.studies.leakage.subject import AuditSubject

__all__ = [
    "config_builders",
    "feature_builders",
    "feature_set_builder",
    "labeller_builders",
    "mechanism_builders",
    "numeric_table",
    "panel_builders",
    "reading_history",
    "rule_builder",
    "synthetic_forecast",
]

# Sessions of history that a part is probed on, enough for its longest lookback.
FAMILY_SESSIONS = 1800
READING_SESSIONS = 800
REFIT_SESSIONS = 1500

HISTORIES = 5  # series whose histories as of a date are probed


def config_builders(subject: AuditSubject) -> list[Builder]:
    """Every part of a config that makes rows from data.

    The features, panel, labels, truth and rule of the config; every other labeller in `LABELLERS`
    that works by its defaults; and of every mechanism the history of its reading and the features
    that the config does not use.

    Parameters
    ----------
    subject : AuditSubject
    """
    return [
        feature_set_builder(subject),
        *panel_builders(subject),
        *_config_labellers(subject),
        *_default_labellers(subject),
        rule_builder("rule", source_location(type(subject.rule)), subject.rule, subject),
        *mechanism_builders(subject),
    ]


def feature_set_builder(subject: AuditSubject) -> Builder:
    """The feature set of the config as one builder: every column at once."""
    singles = {
        builder.name: builder for builder in feature_builders(subject.features.features, subject)
    }

    def build(part: FrameInput, t: int) -> pd.DataFrame:
        values = part.frames["values"]
        return subject.features(replace(subject.panel, values=values, age=values))

    return Builder(
        name="features.feature_set.FeatureSet",
        location=source_location(type(subject.features)),
        build=build,
        inputs=FrameInput(frames={"values": subject.inputs}),
        for_column=singles.__getitem__,
    )


def feature_builders(
    features: Iterable[Feature], subject: AuditSubject, values: pd.DataFrame | None = None
) -> list[Builder]:
    """One builder a feature.

    Parameters
    ----------
    features : iterable of Feature
    subject : AuditSubject
        Its panel is the input of each feature.
    values : DataFrame, shape (n_sessions, n_series), optional
        Used instead of the panel, of which each feature gets the series that it declares.
    """
    panel = FrameInput(frames={"values": subject.inputs})

    def builder_for(feature: Feature) -> Builder:
        inputs = panel
        if values is not None:
            declared = [name for name in feature.spec.inputs if name in values]
            inputs = FrameInput(frames={"values": values[declared]})
        return Builder(
            name=feature.spec.name,
            location=source_location(feature.compute),
            inputs=inputs,
            build=lambda part, t: feature(part.frames["values"]).to_frame(),
        )

    return [builder_for(feature) for feature in features]


def panel_builders(subject: AuditSubject) -> list[Builder]:
    """The point-in-time panel, and the histories of a few series as known at each date."""
    observations = ObservationInput(observations=subject.observations, sessions=subject.sessions)
    names = [str(name) for name in subject.observations["series"].unique()]
    sample = [names[i] for i in np.linspace(0, len(names) - 1, HISTORIES).astype(int)]

    def panel(part: ObservationInput, t: int) -> pd.DataFrame:
        known = AsOf(part.observations, subject.max_age).panel(part.sessions)
        return pd.concat([known.values, known.age.add_suffix(", age")], axis=1)

    def history(part: ObservationInput, t: int) -> pd.DataFrame:
        known = AsOf(part.observations, subject.max_age)
        columns = {
            name: known.history(name, subject.sessions[t]).reindex(subject.sessions[: t + 1])
            for name in sample
        }
        return pd.DataFrame(columns).rename_axis("date")

    location = source_location(AsOf)
    return [
        Builder(name="panel.as_of.AsOf", location=location, inputs=observations, build=panel),
        Builder(
            name="panel.as_of.AsOf.history",
            location=location,
            inputs=observations,
            build=history,
            depends_on_date=True,
            moves_with_delay=False,
        ),
    ]


def labeller_builders(
    name: str, location: str, labeller: Labeller, market: pd.DataFrame
) -> list[Builder]:
    """A labeller probed twice: its labels as of a date, and the labels that are final by then.

    Parameters
    ----------
    name, location : str
    labeller : Labeller
    market : DataFrame, shape (n_sessions, n_assets), prices
    """
    sessions = pd.DatetimeIndex(market.index)
    inputs = FrameInput(frames={"market": market})
    on_all_data: list[Labels] = []

    def as_of_date(part: FrameInput, t: int) -> pd.DataFrame:
        labels = labeller(pd.DataFrame(part.frames["market"]), sessions[t])
        return numeric_table(
            labels.weights.assign(known_at=labels.known_at, span_end=labels.span_end)
        )

    def once_known(part: FrameInput, t: int) -> pd.DataFrame:
        if not on_all_data:
            on_all_data.append(labeller(market))
        final = on_all_data[0]
        labels = final if part is inputs else labeller(pd.DataFrame(part.frames["market"]))
        known = final.known_by(sessions[t]).iloc[: len(labels.weights)]
        return numeric_table(labels.weights.assign(known_at=labels.known_at).where(known))

    builds = {"as of a date": as_of_date, "once known": once_known}
    return [
        Builder(
            name=f"{name}, {when}",
            location=location,
            inputs=inputs,
            build=build,
            depends_on_date=True,
        )
        for when, build in builds.items()
    ]


def rule_builder(name: str, location: str, rule: Rule, subject: AuditSubject) -> Builder:
    """Exposure of a rule for synthetic probabilities and the volatility and price of the market.

    Parameters
    ----------
    name, location : str
        How findings call it.
    rule : Rule
    subject : AuditSubject
        For its sessions.
    """
    volatility = subject.returns.ewm(halflife=21).std() * 252**0.5
    inputs = FrameInput(
        frames={
            "probabilities": synthetic_forecast(subject),
            "volatility": volatility.fillna(0.15),
            "price": (1.0 + subject.returns.fillna(0.0)).cumprod(),
        },
        probability_frames=("probabilities",),
    )

    def build(part: FrameInput, t: int) -> pd.DataFrame:
        market = {column: part.frames[column] for column in ("volatility", "price")}
        signals = part.frames["probabilities"].assign(**market)
        return pd.DataFrame({"exposure": rule(signals)})

    return Builder(name=name, location=location, inputs=inputs, build=build)


def mechanism_builders(subject: AuditSubject) -> list[Builder]:
    """Of every mechanism the history of its reading, and features that the config leaves out."""
    covered = {type(family) for family in subject.features.families}
    values = subject.all_series.iloc[-FAMILY_SESSIONS:]
    builders = []
    for key, mechanism in MECHANISMS.items():
        builders.append(reading_history(key, mechanism(), subject))
        family = mechanism.family
        if family is not None and family not in covered:
            covered.add(family)
            builders += feature_builders(family().features(), subject, values)
    return builders


def reading_history(key: str, mechanism: Mechanism, subject: AuditSubject) -> Builder:
    """History of a mechanism as in its reading of the last session.

    The reading of a later session must repeat the history of an earlier one. A session without a
    reading is not compared.

    Parameters
    ----------
    key : str
        Of the mechanism in `MECHANISMS`.
    mechanism : Mechanism
    subject : AuditSubject
    """

    def build(part: FrameInput, t: int) -> pd.DataFrame | None:
        view = MarketView(values=pd.DataFrame(part.frames["values"]))
        with np.errstate(all="ignore"):  # perturbed values may lie outside of any real market
            try:
                reading = mechanism.read(view)
            except MissingDataError:
                return None
        return reading.history if isinstance(reading, MechanismReading) else None

    return Builder(
        name=f"mechanisms.{key}",
        location=source_location(type(mechanism)),
        inputs=FrameInput(frames={"values": subject.last(READING_SESSIONS).all_series}),
        build=build,
    )


def synthetic_forecast(subject: AuditSubject) -> pd.DataFrame:
    """Probabilities that follow the drawdowns of the index with noise.

    Parameters
    ----------
    subject : AuditSubject

    Returns
    -------
    DataFrame, shape (n_sessions, 4)
    """
    rng = np.random.default_rng(7)
    drawdown = 1.0 - subject.close / subject.close.rolling(63, min_periods=1).max()
    noise = 0.2 * rng.standard_normal(len(drawdown))
    stress = np.clip(5.0 * drawdown.to_numpy() + noise, 0.01, 0.97)
    table = pd.DataFrame({name: (1.0 - stress) / 3.0 for name in REGIMES}, subject.sessions)
    return table.assign(**{STRESS: stress})


def numeric_table(table: pd.DataFrame) -> pd.DataFrame:
    """Dates as days since 1970-01-01, missing ones as NaN, and the rest as floats."""

    def as_floats(column: pd.Series) -> pd.Series:
        if not pd.api.types.is_datetime64_any_dtype(column.dtype):
            return column.astype(float)
        days = column.to_numpy(dtype="M8[D]").astype(float)
        return pd.Series(np.where(column.isna(), np.nan, days), index=column.index)

    return pd.DataFrame({str(name): as_floats(table[name]) for name in table}, index=table.index)


def _config_labellers(subject: AuditSubject) -> list[Builder]:
    """Labels and truth of the config."""
    builders = []
    for name, labeller in {"labels": subject.labels, "truth": subject.truth}.items():
        location = source_location(type(labeller))
        builders += labeller_builders(name, location, labeller, subject.market)
    return builders


def _default_labellers(subject: AuditSubject) -> list[Builder]:
    """Every labeller that the config does not use and that needs no parameter."""
    used = {type(subject.labels), type(subject.truth)}
    market = subject.last(REFIT_SESSIONS).market
    builders = []
    for name, kind in LABELLERS.items():
        if kind not in used and _has_defaults(kind):
            builders += labeller_builders(name, source_location(kind), kind(), market)
    return builders


def _has_defaults(kind: type) -> bool:
    """Whether every field of a dataclass has a default."""
    return all(
        field.default is not MISSING or field.default_factory is not MISSING
        for field in fields(kind)
    )

"""One feature: what it is, and how it is computed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np
import pandas as pd

from regime.errors import ConfigError
from regime.schema import Family, FeatureSpec

__all__ = ["Compute", "Feature", "FeatureFamily", "Sign", "check_at_least", "check_positive"]

Compute = Callable[[pd.DataFrame], pd.Series]
Sign = Literal[-1, 0, 1]


@dataclass(frozen=True)
class Feature:
    """A specification and the causal function of the panel's values that fulfils it.

    Parameters
    ----------
    spec : FeatureSpec
        Name, family, mechanism, sign, lookback and inputs.
    compute : callable
        From a date x series table, shape (n_sessions, n_series), to one column, shape
        (n_sessions,). It may read only the series in ``spec.inputs`` and, for row t, only rows up
        to t.

    Examples
    --------
    >>> spec = FeatureSpec(
    ...     name="dollar_yen_move_1",
    ...     family="dollar",
    ...     mechanism="carry",
    ...     sign=-1,
    ...     lookback=1,
    ...     inputs=("usdjpy",),
    ... )
    >>> yen = pd.DataFrame({"usdjpy": [150.0, 147.0]})
    >>> Feature(spec, lambda values: values["usdjpy"].diff())(yen).tolist()
    [nan, -3.0]
    """

    spec: FeatureSpec
    compute: Compute

    def __call__(self, values: pd.DataFrame) -> pd.Series:
        """Compute the column, float64, under its name.

        Infinities would be a fault and are not hidden.
        """
        absent = [name for name in self.spec.inputs if name not in values]
        inputs = values[[name for name in self.spec.inputs if name in values]]
        if absent:  # a series that the source does not know at all: the same as one without values
            inputs = inputs.assign(**dict.fromkeys(absent, np.nan))
        column = self.compute(inputs[list(self.spec.inputs)])
        return column.astype(np.float64).rename(self.spec.name)


@dataclass(frozen=True)
class FeatureFamily:
    """Makes the features of one mechanism of one family.

    Parameters
    ----------
    family : str
    name : str
        What the features of this mechanism read, in words.

    Examples
    --------
    >>> make = FeatureFamily("liquidity", "funding")
    >>> spread = make("spread", 21, 1, ("sofr",), lambda v: v["sofr"])
    >>> spread.spec.name
    'liquidity_spread_21'
    """

    family: Family
    name: str

    def __call__(
        self,
        quantity: str,
        lookback: int,
        sign: Sign,
        inputs: tuple[str, ...],
        compute: Compute,
        *,
        proxy: bool = False,
    ) -> Feature:
        """Feature ``family_quantity_lookback``.

        A lookback of 0 (expanding, or none) is left out of the name.
        """
        name = f"{self.family}_{quantity}_{lookback}" if lookback else f"{self.family}_{quantity}"
        return Feature(
            FeatureSpec(
                name=name,
                family=self.family,
                mechanism=self.name,
                sign=sign,
                lookback=lookback,
                inputs=inputs,
                proxy=proxy,
            ),
            compute,
        )


def check_at_least(least: float, **values: float) -> None:
    """Refuse parameters that are below a bound.

    Raises
    ------
    ConfigError
        Naming each.
    """
    faults = [
        f"{name}: must be at least {least:g}, got {value:g}"
        for name, value in values.items()
        if value < least
    ]
    if faults:
        raise ConfigError(faults)


def check_positive(family: Any) -> None:
    """Refuse a family whose parameters, all of them sessions or sizes, are not positive.

    Raises
    ------
    ConfigError
        Naming each parameter at fault.
    """
    values = {field.name: getattr(family, field.name) for field in fields(family)}
    faults = [
        f"{name}: must be positive, got {value}" for name, value in values.items() if not value > 0
    ]
    if faults:
        raise ConfigError(faults)

"""Whether sets of regimes hold the true one as often as promised, and what they cost in width."""

from __future__ import annotations

import numpy as np
import pandas as pd

from regime.errors import InvalidDataError
from regime.evaluation.truth import Truth
from regime.schema import REGIMES

__all__ = ["coverage_table"]


def coverage_table(sets: pd.DataFrame, truth: Truth) -> pd.DataFrame:
    """Realised coverage over all sessions, by calendar year and by the regime that came.

    The promise is about all sessions together: a year or a regime may lie far below, and that is
    what to look at.

    Parameters
    ----------
    sets : DataFrame, shape (n_sessions, 4 or more)
        Whether each regime is in the set, in columns of `REGIMES`.
    truth : Truth
        With its regimes; sessions whose regime is unknown are left out.

    Returns
    -------
    DataFrame, index ``all``, the years, then the regimes that came
        ``sessions`` (count), ``covered`` (share whose regime was in the set), ``regimes`` (mean
        number in a set), ``single`` (share of sets of one regime), ``empty`` (share of sets of
        none). NaN shares without a session.

    Raises
    ------
    InvalidDataError
        If the truth tells no regimes apart, or has not every session.
    """
    if truth.regime is None:
        raise InvalidDataError("coverage: the truth tells no regimes apart; make it from labels")
    if not sets.index.isin(truth.regime.index).all():
        raise InvalidDataError(
            "coverage: sets have a session that the truth has not; make both over one index"
        )
    regime = truth.regime.reindex(sets.index)
    rows = regime.notna().to_numpy()
    inside, codes = (
        sets.loc[rows, list(REGIMES)].to_numpy(dtype=bool),
        regime.cat.codes.to_numpy()[rows],
    )
    size = inside.sum(axis=1)
    table = pd.DataFrame(
        {
            "sessions": 1.0,
            "covered": inside[np.arange(len(codes)), codes].astype(float),
            "regimes": size.astype(float),
            "single": (size == 1).astype(float),
            "empty": (size == 0).astype(float),
        },
        index=sets.index[rows],
    )
    years = [(str(year), table[table.index.year == year]) for year in sorted(set(table.index.year))]
    came = [
        (name, table[codes == place])
        for place, name in enumerate(REGIMES)
        if (codes == place).any()
    ]
    parts = {
        name: part.mean().to_frame(name).T.assign(sessions=len(part))
        for name, part in (("all", table), *years, *came)
    }
    return pd.concat(list(parts.values()))

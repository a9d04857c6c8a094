"""What probabilities are scored against.

A user's list of episodes, or labels of the data themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from regime.errors import InvalidDataError, MissingDataError
from regime.schema import Labels, Regime, check_dates

__all__ = ["Truth", "read_episodes", "truth_from_episodes", "truth_from_labels"]

COLUMNS = ("name", "start", "trough", "end", "counts")
# Calm sessions so close before a fall are known to be calm only when the fall is over.
APPROACH = pd.Timedelta(days=30)


@dataclass(frozen=True, kw_only=True)
class Truth:
    """Which sessions belonged to a deleveraging, and from when that was known.

    Parameters
    ----------
    stress : Series, shape (n_sessions,), float64
        1 deleveraging, 0 not, NaN unknown.
    known_at : Series, shape (n_sessions,), datetime64
        Session from whose close on the row is known; NaT where unknown.
    regime : Series or None, shape (n_sessions,)
        Ordered categorical of all four regimes, where they are distinguished.

    Raises
    ------
    InvalidDataError
        If the indexes differ or a value is not 0, 1 or NaN.

    Examples
    --------
    >>> days = pd.date_range("2020-03-02", periods=4, name="date")
    >>> truth = Truth(stress=pd.Series([0.0, 1, 1, 0], days), known_at=pd.Series(days, days))
    >>> truth.spells.astype(str).values.tolist()
    [['2020-03-03', '2020-03-04']]
    """

    stress: pd.Series
    known_at: pd.Series
    regime: pd.Series | None = None

    def __post_init__(self) -> None:
        check_dates(self.stress.index, "Truth")
        for part in (self.known_at, self.regime):
            if part is not None and not part.index.equals(self.stress.index):
                raise InvalidDataError(
                    "Truth: `stress`, `known_at` and `regime` must share one index"
                )
        odd = ~(self.stress.isin([0.0, 1.0]) | self.stress.isna()).to_numpy()
        if odd.any():
            first = self.stress.index[int(np.flatnonzero(odd)[0])]
            raise InvalidDataError(
                f"Truth: {first:%Y-%m-%d}: {self.stress[first]} must be 0, 1 or NaN"
            )

    @property
    def spells(self) -> pd.DataFrame:
        """Runs of consecutive stress sessions.

        Columns `start` and `end`, the first and the last session.
        """
        dates = self.stress.index
        edges = np.flatnonzero(np.diff(np.r_[0, self.stress.eq(1).to_numpy(dtype=int), 0]))
        return pd.DataFrame({"start": dates[edges[::2]], "end": dates[edges[1::2] - 1]})

    def known(self) -> Truth:
        """Return the rows whose truth is known at all."""
        rows = self.stress.notna().to_numpy()
        return Truth(
            stress=self.stress[rows],
            known_at=self.known_at[rows],
            regime=None if self.regime is None else self.regime[rows],
        )


def truth_from_labels(labels: Labels) -> Truth:
    """Truth of the labels' most likely regime; sessions that are not labelled yet stay unknown."""
    regime = labels.regime
    stress = regime.eq(Regime.DELEVERAGING.value).astype(float).where(regime.notna().to_numpy())
    return Truth(stress=stress.rename("stress"), known_at=labels.known_at, regime=regime)


def truth_from_episodes(path: Path, index: pd.DatetimeIndex, *, since: str = "1980-01-01") -> Truth:
    """Truth of a list of episodes: the sessions after each start, up to and with its trough.

    A positive is known when the first fall that holds it is over; a calm session within 30 days
    before a fall, or between its trough and its end, when all those falls are over; any other on
    its own day. A fall without an end lasts to the last session. Touching falls are one spell.

    Parameters
    ----------
    path : Path
        As for `read_episodes`; rows with `counts` 0 are left out.
    index : DatetimeIndex
        Sessions.
    since : str
        Where the list begins: sessions before are unknown, not calm.

    Returns
    -------
    Truth
        On `index`; NaN before `since`.

    Raises
    ------
    MissingDataError, InvalidDataError
        As `read_episodes`.
    """
    stress = pd.Series(0.0, index=index, name="stress")
    calm_known = pd.Series(index, index=index)
    stress_known = pd.Series(pd.NaT, index=index, dtype=calm_known.dtype)
    for start, trough, end in _counted(read_episodes(path), index[-1]):
        inside = (index > start) & (index <= trough)
        around = (index > start - APPROACH) & (index <= end)
        stress[inside] = 1.0
        stress_known[inside] = stress_known[inside].where(stress_known[inside] <= end, end)
        calm_known[around] = calm_known[around].where(calm_known[around] > end, end)
    listed = np.asarray(index >= pd.Timestamp(since))
    known_at = stress_known.fillna(calm_known).where(listed)
    return Truth(stress=stress.where(listed), known_at=known_at.rename("known_at"))


def read_episodes(path: Path) -> pd.DataFrame:
    """Episodes of a csv: ``name, start, trough, end, counts``, more columns allowed.

    Parameters
    ----------
    path : Path
        Dates are ISO; `end` may be empty; `counts` is 1 for a deleveraging, 0 for a row kept for
        the record.

    Returns
    -------
    DataFrame
        `name`, three dates (`end` NaT where empty), `counts` as int.

    Raises
    ------
    MissingDataError
        If the file is absent or has no row.
    InvalidDataError
        With every fault: the line, the rule, the value.
    """
    table = _read_text(path)
    missing = [column for column in COLUMNS if column not in table]
    if missing:
        raise InvalidDataError(
            f"{path}: line 1: column `{missing[0]}` is missing; expected {', '.join(COLUMNS)}"
        )
    if table.empty:
        raise MissingDataError(f"{path}: no episode in it; add rows of {', '.join(COLUMNS)}")
    parsed = table[["name", "counts"]].copy()
    for column in ("start", "trough", "end"):
        parsed[column] = pd.to_datetime(
            table[column].str.strip(), format="%Y-%m-%d", errors="coerce"
        )
    faults = [
        f"{path}: line {line + 2}: {fault}"
        for line in range(len(table))
        for fault in _faults(table.iloc[line], parsed.iloc[line])
    ]
    if faults:
        raise InvalidDataError(faults)
    parsed["counts"] = parsed["counts"].astype(int)
    return parsed


def _read_text(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path, dtype=str, keep_default_na=False, skipinitialspace=True)
    except FileNotFoundError:
        raise MissingDataError(f"{path}: no such file") from None
    except pd.errors.EmptyDataError:
        raise MissingDataError(f"{path}: the file is empty") from None
    except (OSError, UnicodeDecodeError, pd.errors.ParserError) as error:
        raise InvalidDataError(f"{path}: not a csv: {' '.join(str(error).split())}") from None


def _faults(text: pd.Series, row: pd.Series) -> Iterator[str]:
    for column in ("start", "trough", "end"):
        absent = column == "end" and not text[column].strip()
        if pd.isna(row[column]) and not absent:
            yield f"`{column}` must be a date as 2020-02-19, got `{text[column]}`"
    if text["counts"].strip() not in ("0", "1"):
        yield f"`counts` must be 0 or 1, got `{text['counts']}`"
    if row["trough"] <= row["start"]:
        yield f"`trough` {text['trough']} must lie after `start` {text['start']}"
    if row["end"] < row["trough"]:
        yield f"`end` {text['end']} must not lie before `trough` {text['trough']}"


def _counted(
    episodes: pd.DataFrame, last: pd.Timestamp
) -> Iterator[tuple[pd.Timestamp, pd.Timestamp, pd.Timestamp]]:
    for row in episodes[episodes["counts"] == 1].itertuples():
        yield row.start, row.trough, row.end if pd.notna(row.end) else last

"""The trials made before this run.

A ledger of looks at the test years, their daily returns, and what tuning tried.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from regime.config import find_config
from regime.errors import InvalidDataError, MissingDataError
from regime.pipeline.tuned_choices import load_tuned
from regime.sources.simulated import SimulatedSource
from regime.workflows.settings import LEDGER, Settings

__all__ = ["NO_LEDGER", "Ledger", "read_ledger"]

RETURNS, TUNED = "returns", Path("configs") / "tuned.yaml"
FINISHED = ("complete", "pruned")


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """What was tried before.

    Parameters
    ----------
    rows : int
        Looks at the test years.
    tuned : int
        Finished trials of tuning.
    returns : mapping of trial to Series, fraction a session
        Daily net returns of the looks that kept them.
    note : str
        Where it comes from, or why there is none.

    Examples
    --------
    >>> Ledger(rows=7, tuned=800, note="ledger.csv").trials
    807
    """

    rows: int = 0
    tuned: int = 0
    returns: Mapping[Hashable, pd.Series] = field(default_factory=dict, repr=False)
    note: str = ""

    @property
    def trials(self) -> int:
        """All of them."""
        return self.rows + self.tuned


NO_LEDGER = Ledger(note="no ledger of trials was found, so this run counts as the only one")


def read_ledger(settings: Settings) -> Ledger:
    """Trials that the accounts of a run must count.

    Parameters
    ----------
    settings : Settings
        Its `ledger` is a table with a column ``trial``, or its folder; daily returns lie beside it
        in ``returns/0001.parquet``. Finished trials of tuning are the largest number of its column
        ``trials``, where it has one, or those of its file of tuned choices (``configs/tuned.yaml``
        one folder above the ledger, where it names none), whichever are more.

    Returns
    -------
    Ledger
        `NO_LEDGER` where the default one is not there, or the world is simulated: trials elsewhere
        tell nothing of it.

    Raises
    ------
    MissingDataError
        If a ledger is named and not there.
    InvalidDataError
        If it is no table of trials, or a file of returns is none.
    """
    path = _place(settings)
    if path is None:
        tuned = _tuned(find_config(settings.tuned), settings.name) if settings.tuned else 0
        note = f"no ledger of trials was found; {tuned:,} finished trials of tuning count"
        return replace(NO_LEDGER, tuned=tuned, note=note) if tuned else NO_LEDGER
    table = _table(path)
    choices = (
        find_config(settings.tuned) if settings.tuned else path.absolute().parent.parent / TUNED
    )
    tuned = max(_counted(table), _tuned(choices, settings.name))
    files = {str(trial): path.parent / RETURNS / f"{trial:04d}.parquet" for trial in table["trial"]}
    returns: dict[Hashable, pd.Series] = {
        trial: _returns(file) for trial, file in files.items() if file.is_file()
    }
    told = f" and {tuned:,} finished trials of tuning" if tuned else ""
    return Ledger(
        rows=len(table),
        tuned=tuned,
        returns=returns,
        note=f"{len(table)} rows of {path}{told} count",
    )


def _place(settings: Settings) -> Path | None:
    """File of the ledger; None where there is none to count."""
    if not settings.ledger or (
        settings.ledger == LEDGER and isinstance(settings.source, SimulatedSource)
    ):
        return None
    named = Path(settings.ledger)
    path = named / "ledger.csv" if named.is_dir() else named
    if path.is_file():
        return path
    if settings.ledger != LEDGER:
        raise MissingDataError(
            f"ledger: {path}: no such file; name the table of trials, or none with ledger=''"
        )
    return None


def _table(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path)
    except (ValueError, OSError) as error:
        raise InvalidDataError(
            f"ledger: {path}: not a csv: {' '.join(str(error).split())}"
        ) from None
    whole = (
        "trial" in table
        and pd.api.types.is_integer_dtype(table["trial"])
        and table["trial"].is_unique
    )
    if not whole:
        raise InvalidDataError(
            f"ledger: {path}: needs a column `trial` of whole numbers, each once; mend it or set "
            "ledger=''"
        )
    return table


def _counted(table: pd.DataFrame) -> int:
    """Finished trials of tuning by the time of the last row."""
    told = pd.to_numeric(table["trials"], errors="coerce").max() if "trials" in table else 0
    return int(told) if pd.notna(told) else 0


def _tuned(path: Path, config: str) -> int:
    blocks = load_tuned(path).blocks if path.is_file() else ()
    return sum(
        block.trials.get(state, 0)
        for block in blocks
        if block.config == config
        for state in FINISHED
    )


def _returns(path: Path) -> pd.Series:
    try:
        table = pd.read_parquet(path)
    except (ValueError, OSError) as error:
        raise InvalidDataError(
            f"ledger: {path}: not a parquet file ({type(error).__name__})"
        ) from None
    if table.shape[1] != 1 or not isinstance(table.index, pd.DatetimeIndex):
        raise InvalidDataError(f"ledger: {path}: needs one column of daily returns by date")
    return table.iloc[:, 0].astype(float).dropna()

"""Trials made before a run: its evaluations on the test years, their returns, and tuning."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from regime.config import find_config
from regime.errors import InvalidDataError, MissingDataError
from regime.pipeline.settings import LEDGER, Settings
from regime.pipeline.tuned_choices import load_tuned
from regime.sources.simulated import SimulatedSource

__all__ = ["NO_LEDGER", "TrialLedger", "read_trial_ledger"]

RETURNS = "returns"  # folder beside the ledger, a file a trial
TUNED = "tuned.yaml"
FINISHED = ("complete", "pruned")


@dataclass(frozen=True, kw_only=True)
class TrialLedger:
    """What was tried before.

    Parameters
    ----------
    rows : int
        Evaluations on the test years.
    tuned : int
        Finished trials of tuning.
    returns : mapping of trial to Series, fraction a session
        Daily net returns of the evaluations that kept them.
    note : str
        Where it comes from, or why there is none.

    Examples
    --------
    >>> TrialLedger(rows=7, tuned=800, note="ledger.csv").trials
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


NO_LEDGER = TrialLedger(note="there is no ledger of trials, so this run counts as the only one")


def read_trial_ledger(settings: Settings) -> TrialLedger:
    """Trials that the significance tests of a run must count.

    Parameters
    ----------
    settings : Settings
        Its `ledger` is a table with a column ``trial``, or its folder; daily returns stand beside
        it in ``returns/0001.parquet``. Finished trials of tuning are the largest number of its
        column ``trials``, where it has one, or those of the config's file of tuned choices
        (``tuned.yaml`` beside the ledger, where the config names none), whichever are more.

    Returns
    -------
    TrialLedger
        `NO_LEDGER` where the default one does not exist, or the market is simulated: trials on
        other data do not count there.

    Raises
    ------
    MissingDataError
        If a ledger is named and does not exist.
    InvalidDataError
        If it is no table of trials, or a file of returns cannot be read.
    """
    path = _ledger_file(settings)
    if path is None:
        tuned = _tuned_trials(find_config(settings.tuned), settings.name) if settings.tuned else 0
        note = f"there is no ledger of trials; {tuned:,} finished trials of tuning count"
        return replace(NO_LEDGER, tuned=tuned, note=note) if tuned else NO_LEDGER
    table = _trial_table(path)
    tuned = max(_recorded_tuning(table), _tuned_trials(_tuned_file(settings, path), settings.name))
    files = {str(trial): path.parent / RETURNS / f"{trial:04d}.parquet" for trial in table["trial"]}
    returns: dict[Hashable, pd.Series] = {
        trial: _read_returns(file) for trial, file in files.items() if file.is_file()
    }
    tuning = f" and {tuned:,} finished trials of tuning" if tuned else ""
    return TrialLedger(
        rows=len(table),
        tuned=tuned,
        returns=returns,
        note=f"{len(table)} rows of {path}{tuning} count",
    )


def _ledger_file(settings: Settings) -> Path | None:
    """File of the ledger; None where there is none to count."""
    default = settings.ledger == LEDGER
    if not settings.ledger or (default and isinstance(settings.source, SimulatedSource)):
        return None
    named = Path(settings.ledger)
    path = named / "ledger.csv" if named.is_dir() else named
    if path.is_file():
        return path
    if not default:
        raise MissingDataError(
            f"ledger: {path}: no such file; name the table of trials, or none with ledger=''"
        )
    return None


def _tuned_file(settings: Settings, ledger: Path) -> Path:
    """File of tuned choices: the config's, the one beside the ledger, or where version 1 wrote."""
    if settings.tuned:
        return find_config(settings.tuned)
    beside = ledger.absolute().parent / TUNED
    return beside if beside.is_file() else ledger.absolute().parent.parent / "configs" / TUNED


def _trial_table(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path)
    except (ValueError, OSError) as error:
        raise InvalidDataError(
            f"ledger: {path}: not a csv: {' '.join(str(error).split())}"
        ) from None
    valid = (
        "trial" in table
        and pd.api.types.is_integer_dtype(table["trial"])
        and table["trial"].is_unique
    )
    if not valid:
        raise InvalidDataError(
            f"ledger: {path}: needs a column `trial` of whole numbers, each once; correct it or "
            "set ledger=''"
        )
    return table


def _recorded_tuning(table: pd.DataFrame) -> int:
    """Finished trials of tuning by the time of the last row."""
    if "trials" not in table:
        return 0
    most = pd.to_numeric(table["trials"], errors="coerce").max()
    return int(most) if pd.notna(most) else 0


def _tuned_trials(path: Path, config: str) -> int:
    """Finished trials of a config in a file of tuned choices; 0 where there is no file."""
    blocks = load_tuned(path).blocks if path.is_file() else ()
    return sum(
        block.trials.get(state, 0)
        for block in blocks
        if block.config == config
        for state in FINISHED
    )


def _read_returns(path: Path) -> pd.Series:
    try:
        table = pd.read_parquet(path)
    except (ValueError, OSError) as error:
        raise InvalidDataError(
            f"ledger: {path}: not a parquet file ({type(error).__name__})"
        ) from None
    if table.shape[1] != 1 or not isinstance(table.index, pd.DatetimeIndex):
        raise InvalidDataError(f"ledger: {path}: needs one column of daily returns by date")
    return table.iloc[:, 0].astype(float).dropna()

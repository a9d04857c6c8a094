"""What tuning chose, block by block, and the settings of each refit that follow from it.

A file of choices carries its `schema_version`; files of version 1 are read too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from regime.artifacts import file_lock, output_file
from regime.config import build, dump, read_yaml
from regime.errors import ConfigError, InvalidDataError, LeakageError
from regime.migrations import SCHEMA_VERSION, upgrade
from regime.models.classifier import DeleveragingClassifier
from regime.pipeline.settings import AnyLabels, Settings
from regime.splits.walk_forward import Fold

__all__ = [
    "BlockResult",
    "TunedChoices",
    "TunedParameters",
    "load_tuned",
    "save_choices",
    "settings_by_fold",
    "settings_for_block",
    "upgrade_tuned",
]


HEADER = (
    "# Written by `regime tune`: one choice a block, made on what was known at `known_until`.\n"
    "# A run uses a choice inside its own block only.\n"
)


@dataclass(frozen=True, kw_only=True)
class TunedParameters:
    """The parts of a config that tuning chooses.

    Parameters
    ----------
    labels : one of `LABELLERS`
    model : DeleveragingClassifier
    smoothing : float
        Halflife in sessions of the probability's exponential mean; 0 for none.
    """

    labels: AnyLabels
    model: DeleveragingClassifier
    smoothing: float = 0.0

    def __post_init__(self) -> None:
        if not self.smoothing >= 0:
            raise ConfigError(f"smoothing: must be 0 or more, got {self.smoothing}")


@dataclass(frozen=True, kw_only=True)
class BlockResult:
    """The choice for one block and where it comes from.

    Parameters
    ----------
    config : str
        Name of the config that was tuned.
    year : int
        First year, by which the block is called.
    first, last : date
        Days that the choice is for, both included.
    known_until : date
        Last session that the study used.
    study : str
        Name of the study in its storage.
    seed : int
    trials : dict of str to int
        ``wanted``, ``complete``, ``pruned`` and ``failed`` ones.
    baseline : str
        Raw score over whose log loss on the inner folds the skill is measured.
    chosen, best : dict
        ``trial``, ``value``, ``mean``, ``deviation``, ``standard_error``, ``folds``: the simplest
        trial within one standard error of the best, and the best.
    within : int
        Trials within one standard error of the best.
    plateau : dict
        By parameter, the values that these trials have.
    parameters : TunedParameters
        Of the chosen trial.

    Raises
    ------
    ConfigError
        If the study could use the block itself, or the block ends before it begins.
    """

    config: str
    year: int
    first: date
    last: date
    known_until: date
    study: str
    seed: int
    trials: dict[str, int]
    baseline: str
    chosen: dict[str, Any]
    best: dict[str, Any]
    within: int
    plateau: dict[str, dict[str, Any]]
    parameters: TunedParameters

    def __post_init__(self) -> None:
        if not self.first <= self.last:
            raise ConfigError(f"last: {self.last} lies before the block's first day {self.first}")
        if not self.known_until < self.first:
            raise ConfigError(
                f"known_until: {self.known_until} must lie before the block's first day "
                f"{self.first}"
            )


@dataclass(frozen=True, kw_only=True)
class TunedChoices:
    """Choices of any number of configs and blocks.

    Parameters
    ----------
    blocks : tuple of BlockResult
        One a config and year.

    Raises
    ------
    ConfigError
        If a block is listed twice or two blocks of one config overlap.

    Examples
    --------
    >>> TunedChoices().on("us_macro", date(2012, 6, 1)) is None
    True
    """

    blocks: tuple[BlockResult, ...] = field(default=())

    def __post_init__(self) -> None:
        ordered = sorted(self.blocks, key=lambda block: (block.config, block.first))
        for earlier, later in pairwise(ordered):
            if earlier.config == later.config and later.first <= earlier.last:
                raise ConfigError(
                    f"blocks: {earlier.year} and {later.year} of {earlier.config} overlap; "
                    "keep one of them"
                )

    def on(self, config: str, day: date) -> BlockResult | None:
        """Choice in force on a day; None outside all blocks."""
        return next(
            (
                block
                for block in self.blocks
                if block.config == config and block.first <= day <= block.last
            ),
            None,
        )


def load_tuned(path: str | Path) -> TunedChoices:
    """Choices of a file that `regime tune` wrote, of this version or an earlier one.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    TunedChoices

    Raises
    ------
    MissingDataError
        If there is no such file.
    ConfigError
        With every fault of the file, or if it is of a version that this package cannot read.
    """
    content = read_yaml(Path(path))
    if isinstance(content, dict):
        try:
            content = upgrade_tuned(content)
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from None
    return build(TunedChoices, content, str(path))


def upgrade_tuned(data: dict[str, Any]) -> dict[str, Any]:
    """Content of a file of choices in the words of this version, without its `schema_version`.

    Parameters
    ----------
    data : dict
        As the file has it; not changed. Without a version it is of the first.

    Returns
    -------
    dict
        For `TunedChoices`, which reports whatever is wrong in it.

    Raises
    ------
    ConfigError
        If the version is unknown.

    Examples
    --------
    >>> upgrade_tuned({"blocks": [{"rival": "vix"}]})
    {'blocks': [{'baseline': 'vix'}]}
    """
    try:
        content = upgrade("tuned choices", data, "schema_version")
    except InvalidDataError:
        raise ConfigError(
            f"schema_version: {data['schema_version']} cannot be read; this package reads 1 to "
            f"{SCHEMA_VERSION}: install a newer one, or tune again"
        ) from None
    return {key: value for key, value in content.items() if key != "schema_version"}


def save_choices(path: Path, choices: Sequence[BlockResult]) -> None:
    """Write choices to a file, whole or not at all; those of other configs and blocks in it stay.

    Parameters
    ----------
    path : Path
        Created if missing. A file of an earlier version is written in this one.
    choices : sequence of BlockResult
        Each replaces that of its config and year.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with file_lock(path.parent):  # another process may tune another block at the same time
        kept = load_tuned(path).blocks if path.exists() else ()
        new = {(choice.config, choice.year) for choice in choices}
        blocks = [block for block in kept if (block.config, block.year) not in new] + list(choices)
        blocks.sort(key=lambda block: (block.config, block.first))
        content = {"schema_version": SCHEMA_VERSION, **dump(TunedChoices(blocks=tuple(blocks)))}
        with output_file(path) as staged:
            staged.write_text(
                HEADER + yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120),
                encoding="utf-8",
            )


def settings_for_block(settings: Settings, tuned: TunedChoices, year: int) -> Settings:
    """Settings with the choice of the block that is called by `year`.

    Parameters
    ----------
    settings : Settings
    tuned : TunedChoices
    year : int

    Raises
    ------
    ConfigError
        If there is no such block of this config, or its model has a column that is no feature of
        the config.
    """
    choices = {block.year: block for block in tuned.blocks if block.config == settings.name}
    if year not in choices:
        known = ", ".join(map(str, choices)) or "none"
        raise ConfigError(
            f"block: there is no choice for {year} of {settings.name}; known: {known}"
        )
    return _with_choice(settings, choices[year])


def settings_by_fold(
    settings: Settings, tuned: TunedChoices, folds: Sequence[Fold], sessions: pd.DatetimeIndex
) -> tuple[Settings, ...]:
    """Settings of each fold: a block's choice if the fold begins in it, else those of the config.

    A fold that reaches beyond the end of its block keeps that block's choice: it was made before.

    Parameters
    ----------
    settings : Settings
    tuned : TunedChoices
    folds : sequence of Fold
    sessions : DatetimeIndex, shape (n_sessions,)
        To which the folds' positions refer. A fold may begin right after the last of them, as the
        final model's does: it then counts by the day after.

    Returns
    -------
    tuple of Settings
        One a fold; folds of one block share one object.

    Raises
    ------
    LeakageError
        If a study used more than is known at a refit for which its choice would be in force.
    """
    by_block: dict[int, Settings] = {}
    result = []
    for fold in folds:
        begin = int(fold.test[0])
        day = sessions[begin] if begin < len(sessions) else fold.refit + pd.Timedelta(days=1)
        choice = tuned.on(settings.name, day.date())
        if choice is not None and choice.known_until > fold.refit.date():
            raise LeakageError(
                f"block {choice.year}: chosen on sessions up to {choice.known_until}, after the "
                f"refit of {fold.refit:%Y-%m-%d}; tune it on this data"
            )
        if choice is not None and choice.year not in by_block:
            by_block[choice.year] = _with_choice(settings, choice)
        result.append(settings if choice is None else by_block[choice.year])
    return tuple(result)


def _with_choice(settings: Settings, choice: BlockResult) -> Settings:
    chosen = choice.parameters
    if chosen.smoothing:
        raise ConfigError(
            f"block {choice.year} of {choice.config}: smoothing is {chosen.smoothing:g}, but a "
            "saved model has no memory to smooth with; tune with a space whose smoothing is [0]"
        )
    try:
        return replace(settings, labels=chosen.labels, model=chosen.model)
    except ConfigError as error:
        raise ConfigError(
            f"block {choice.year} of {choice.config}: {error}; tune it again"
        ) from None

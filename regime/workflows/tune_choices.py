"""What tuning chose, block by block, and the settings of each refit that follow from it."""

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
from regime.errors import ConfigError, LeakageError
from regime.labels.ensemble import EnsembleLabels
from regime.labels.episodes import EpisodeLabels
from regime.labels.jump import JumpModelLabels
from regime.models.classifier import DeleveragingClassifier
from regime.splits.walk_forward import Fold
from regime.workflows.settings import Settings

__all__ = [
    "BlockChoice",
    "Design",
    "Tuned",
    "load_tuned",
    "save_choices",
    "settings_by_fold",
    "settings_for_block",
]

HEADER = (
    "# Written by `regime tune`: one choice a block, made on what was known at `known_until`.\n"
    "# A run uses a choice inside its own block only.\n"
)


@dataclass(frozen=True, kw_only=True)
class Design:
    """The parts of a config that tuning chooses.

    Parameters
    ----------
    labels : EnsembleLabels, EpisodeLabels or JumpModelLabels
    model : DeleveragingClassifier
    smoothing : float
        Halflife in sessions of the probability's exponential mean; 0 for none.
    """

    labels: EnsembleLabels | EpisodeLabels | JumpModelLabels
    model: DeleveragingClassifier
    smoothing: float = 0.0

    def __post_init__(self) -> None:
        if not self.smoothing >= 0:
            raise ConfigError(f"smoothing: must be 0 or more, got {self.smoothing}")


@dataclass(frozen=True, kw_only=True)
class BlockChoice:
    """The choice for one block and where it comes from.

    Parameters
    ----------
    config : str
        Name of the config that was tuned.
    year : int
        What the block is called by.
    first, last : date
        Days that the choice is for, both included.
    known_until : date
        Last session that the study saw.
    study : str
        Name of the study in its storage.
    seed : int
    trials : dict of str to int
        ``wanted``, ``complete``, ``pruned`` and ``failed`` ones.
    rival : str
        Whose log loss on the inner folds the skill is over.
    chosen, best : dict
        ``trial``, ``value``, ``mean``, ``deviation``, ``standard_error``, ``folds``: the simplest
        trial within one standard error of the best, and the best.
    within : int
        Trials within one standard error of the best.
    plateau : dict
        By parameter, what these trials have of it.
    design : Design
        Of the chosen trial.

    Raises
    ------
    ConfigError
        If the study could see the block, or the block ends before it begins.
    """

    config: str
    year: int
    first: date
    last: date
    known_until: date
    study: str
    seed: int
    trials: dict[str, int]
    rival: str
    chosen: dict[str, Any]
    best: dict[str, Any]
    within: int
    plateau: dict[str, dict[str, Any]]
    design: Design

    def __post_init__(self) -> None:
        if not self.first <= self.last:
            raise ConfigError(f"last: {self.last} lies before the block's first day {self.first}")
        if not self.known_until < self.first:
            raise ConfigError(
                f"known_until: {self.known_until} must lie before the block's first day "
                f"{self.first}"
            )


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """Choices of any number of configs and blocks.

    Parameters
    ----------
    blocks : tuple of BlockChoice
        One a config and year.

    Raises
    ------
    ConfigError
        If a block is there twice or two blocks of one config overlap.

    Examples
    --------
    >>> Tuned().on("us_macro", date(2012, 6, 1)) is None
    True
    """

    blocks: tuple[BlockChoice, ...] = field(default=())

    def __post_init__(self) -> None:
        ordered = sorted(self.blocks, key=lambda block: (block.config, block.first))
        for one, other in pairwise(ordered):
            if one.config == other.config and other.first <= one.last:
                raise ConfigError(
                    f"blocks: {one.year} and {other.year} of {one.config} overlap; keep one of them"
                )

    def on(self, config: str, day: date) -> BlockChoice | None:
        """Choice that is in force on a day; None outside all blocks."""
        return next(
            (
                block
                for block in self.blocks
                if block.config == config and block.first <= day <= block.last
            ),
            None,
        )


def load_tuned(path: str | Path) -> Tuned:
    """Choices of a file that `regime tune` wrote.

    Raises
    ------
    MissingDataError
        If there is none.
    ConfigError
        With every fault of it.
    """
    return build(Tuned, read_yaml(Path(path)), str(path))


def save_choices(path: Path, choices: Sequence[BlockChoice]) -> None:
    """Write choices to a file, whole or not at all; those of other configs and blocks in it stay.

    Parameters
    ----------
    path : Path
        Made if missing.
    choices : sequence of BlockChoice
        Each takes the place of one of its config and year.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with file_lock(path.parent):  # whoever tunes another block at the same time
        kept = load_tuned(path).blocks if path.exists() else ()
        new = {(choice.config, choice.year) for choice in choices}
        blocks = [block for block in kept if (block.config, block.year) not in new] + list(choices)
        content = dump(
            Tuned(blocks=tuple(sorted(blocks, key=lambda block: (block.config, block.first))))
        )
        with output_file(path) as staged:
            staged.write_text(
                HEADER + yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120),
                encoding="utf-8",
            )


def settings_for_block(settings: Settings, tuned: Tuned, year: int) -> Settings:
    """Settings with the choice of the block that is called by `year`.

    Parameters
    ----------
    settings : Settings
    tuned : Tuned
    year : int

    Raises
    ------
    ConfigError
        If there is no such block of this config, or its model has a column that the config does not
        make.
    """
    found = [
        block for block in tuned.blocks if block.config == settings.name and block.year == year
    ]
    if not found:
        known = (
            ", ".join(str(block.year) for block in tuned.blocks if block.config == settings.name)
            or "none"
        )
        raise ConfigError(
            f"block: there is no choice for {year} of {settings.name}; known: {known}"
        )
    return _with(settings, found[0])


def settings_by_fold(
    settings: Settings, tuned: Tuned, folds: Sequence[Fold], sessions: pd.DatetimeIndex
) -> tuple[Settings, ...]:
    """Settings of each fold.

    A block's choice where its first session lies in that block, else those of the config.

    A fold that reaches beyond the end of its block keeps that block's choice: it was made before.

    Parameters
    ----------
    settings : Settings
    tuned : Tuned
    folds : sequence of Fold
    sessions : DatetimeIndex, shape (n_sessions,)
        That the folds' positions are of. A fold may begin right after the last of them, as the
        final model's does: it then counts by the day after.

    Returns
    -------
    tuple of Settings
        One a fold; folds of one block share one object.

    Raises
    ------
    LeakageError
        If a study saw more than is known at a refit that its choice would serve.
    """
    made: dict[int, Settings] = {}
    found = []
    for fold in folds:
        begin = int(fold.test[0])
        day = sessions[begin] if begin < len(sessions) else fold.refit + pd.Timedelta(days=1)
        choice = tuned.on(settings.name, day.date())
        if choice is not None and choice.known_until > fold.refit.date():
            raise LeakageError(
                f"block {choice.year}: chosen on sessions up to {choice.known_until}, after the "
                "refit "
                f"of {fold.refit:%Y-%m-%d}; tune it on this data"
            )
        if choice is not None and choice.year not in made:
            made[choice.year] = _with(settings, choice)
        found.append(settings if choice is None else made[choice.year])
    return tuple(found)


def _with(settings: Settings, choice: BlockChoice) -> Settings:
    if choice.design.smoothing:
        raise ConfigError(
            f"block {choice.year} of {choice.config}: smoothing is {choice.design.smoothing:g}, "
            "but a "
            "saved model has no memory to smooth with; tune with a space whose smoothing is [0]"
        )
    try:
        return replace(settings, labels=choice.design.labels, model=choice.design.model)
    except ConfigError as error:
        raise ConfigError(
            f"block {choice.year} of {choice.config}: {error}; tune it again"
        ) from None

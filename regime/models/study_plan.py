"""Where a study is kept and how it searches, before anything of it is opened."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from regime.errors import ConfigError

__all__ = ["StudyPlan", "journal_of", "shown"]

JOURNAL = "journal://"
DATABASES = ("sqlite", "postgresql", "mysql", "mariadb")


@dataclass(frozen=True, kw_only=True)
class StudyPlan:
    """Where a study is and how it searches.

    Parameters
    ----------
    name : str
        With whatever makes trials comparable in it: optuna lets a study go on with changed ranges.
    storage : str
        ``journal:///FILE`` on one host, or the URL of a database for any number of them.
    locks : Path
        Folder by which the workers of this host know of each other.
    folds : int
        Values of a complete trial.
    seed : int
    deviations : float
        Standard deviations over folds that a trial's value is less than its mean.
    startup : int
        Trials at random before the sampler learns, and before any is pruned.
    share : float
        A trial is pruned while its value so far is in this lowest share of those before it, in [0,
        1).

    Raises
    ------
    ConfigError
        If a value is out of its range or the storage is of no known kind.

    Examples
    --------
    >>> StudyPlan(name="demo-2014", storage="sqlite:///tuning.db", locks=Path("tuning"), folds=5).startup
    20
    """

    name: str
    storage: str
    locks: Path
    folds: int
    seed: int = 7
    deviations: float = 0.5
    startup: int = 20
    share: float = 0.25

    def __post_init__(self) -> None:
        for name, low in (("folds", 2), ("seed", 0), ("deviations", 0), ("startup", 1)):
            if not getattr(self, name) >= low:
                raise ConfigError(f"{name}: must be at least {low}, got {getattr(self, name)}")
        if not 0 <= self.share < 1:
            raise ConfigError(f"share: must lie in [0, 1), got {self.share}")
        scheme, known, place = self.storage.partition("://")
        if not known or not place.strip("/") or scheme.split("+")[0] not in ("journal", *DATABASES):
            raise ConfigError(
                f"storage: `{shown(self.storage)}` is of no known kind; give the URL of a "
                "database, as "
                "postgresql://HOST/NAME or sqlite:///FILE, or journal:///FILE on one host"
            )


def journal_of(storage: str) -> Path | None:
    """File of a journal's URL; None for a database."""
    return Path(storage.removeprefix(JOURNAL)) if storage.startswith(JOURNAL) else None


def shown(storage: str) -> str:
    """A storage's URL without the password in it.

    Examples
    --------
    >>> shown("postgresql://ann:secret@host/studies")
    'postgresql://ann:***@host/studies'
    """
    return re.sub(r"(://[^:/@]*):[^@]*@", r"\1:***@", storage)

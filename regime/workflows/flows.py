"""`regime flows`: what every mechanism of a deleveraging says at one decision."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from regime.parallel import NoProgress, Progress
from regime.pipeline.mechanism_inputs import UserFiles, read_view
from regime.pipeline.mechanism_readings import MechanismReadings, read_mechanisms
from regime.pipeline.settings import Settings, settings_of

__all__ = ["flows"]


def flows(
    config: str | Path | Settings = "us_macro.yaml",
    *,
    data: str | Path | None = None,
    as_of: str | None = None,
    user_files: UserFiles | None = None,
    overrides: Sequence[str] = (),
    progress: Progress | None = None,
) -> MechanismReadings:
    """Ask every mechanism what it says at one decision.

    Parameters
    ----------
    config : str, Path or Settings
        A file, the name of a shipped config, or settings made in Python; its source, start and
        catalogue are used.
    data : str or Path, optional
        Data folder; not needed by a config that simulates.
    as_of : str, optional
        Decision date, as 2024-08-06; the session before where it is none, the last one by default.
    user_files : UserFiles, optional
        An option chain, a forward multiple, an order book, market capitalisations.
    overrides : sequence of str
        ``section.key=value``.
    progress : Progress, optional

    Returns
    -------
    MechanismReadings

    Raises
    ------
    ConfigError, MissingDataError, InvalidDataError
        As `read_view`. A mechanism without data is no error: its reading says that it is
        unavailable.

    **Known at:** the close of the decision date.
    """
    watch = progress or NoProgress()
    settings = settings_of(config, overrides, data)
    with watch.stage("reading series"):
        view = read_view(settings, Path(data) if data is not None else None, as_of, user_files)
    return read_mechanisms(view, progress=watch)

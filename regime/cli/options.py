"""Arguments and options that commands share, and how free arguments are separated."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from regime.errors import ConfigError

__all__ = [
    "ConfigAndOverrides",
    "Data",
    "Episodes",
    "Json",
    "Out",
    "Probabilities",
    "Quiet",
    "split_arguments",
]

ConfigAndOverrides = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="CONFIG|KEY=VALUE",
        show_default=False,
        help="A config file or the name of a shipped one, and values that override it, as in "
        "splits.embargo=10.",
    ),
]
Data = Annotated[Path | None, typer.Option("--data", metavar="DIR", help="Folder of the data.")]
Out = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Folder to write to.")]
Episodes = Annotated[
    Path | None,
    typer.Option(
        "--episodes",
        metavar="FILE",
        help="CSV of episodes to score against instead of the config's own labels.",
    ),
]
Probabilities = Annotated[
    Path | None,
    typer.Option(
        "--probabilities",
        metavar="FILE",
        help="Parquet or CSV with a date and the column deleveraging, from any model.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one line of JSON and nothing else.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Show no progress.")]


def split_arguments(
    arguments: Sequence[str] | None, default: str | None = None
) -> tuple[str, list[str]]:
    """The config and the overrides among free arguments, in any order.

    Parameters
    ----------
    arguments : sequence of str, optional
        Arguments without an option.
    default : str, optional
        Config to use where none is named.

    Raises
    ------
    ConfigError
        If no config or more than one is named.

    Examples
    --------
    >>> split_arguments(["seed=3", "demo.yaml", "model.trees=10"])
    ('demo.yaml', ['seed=3', 'model.trees=10'])
    """
    free = list(arguments or ())
    configs = [argument for argument in free if "=" not in argument or Path(argument).is_file()]
    if len(configs) > 1:
        raise ConfigError(
            f"one config at a time, got {', '.join(configs)}; an override is written "
            "section.key=value"
        )
    if not configs and default is None:
        raise ConfigError("name a config, as in `configs/demo.yaml`")
    overrides = [argument for argument in free if argument not in configs]
    return (configs[0] if configs else str(default)), overrides

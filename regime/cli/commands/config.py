"""`regime config show`."""

from __future__ import annotations

from pathlib import Path

import typer

from regime.cli.options import ConfigAndOverrides, Json, split_arguments
from regime.cli.printing import print_json

__all__ = ["show"]


def show(arguments: ConfigAndOverrides = None, json: Json = False) -> None:
    """Print a config as a run uses it: defaults filled in, overrides applied."""
    import yaml

    from regime.config import dump, find_config
    from regime.pipeline.settings import load_settings

    config, overrides = split_arguments(arguments)
    content = dump(load_settings(config, overrides))
    files = [str(path) for path in _origins(find_config(config))]
    if json:
        print_json({"files": files, "overrides": overrides, "config": content})
        return
    typer.echo(f"# {' over '.join(files)}")
    for override in overrides:
        typer.echo(f"# {override}")
    typer.echo(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), nl=False)


def _origins(path: Path) -> list[Path]:
    """The config and what it extends, the nearest first."""
    from regime.config import find_config, read_yaml

    base = (read_yaml(path) or {}).get("extends")
    return [path, *(_origins(find_config(path.parent / str(base))) if base else [])]

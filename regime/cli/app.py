"""The commands of `regime` under their names."""

from __future__ import annotations

from typing import Annotated

import typer

from regime.cli.commands.audit import audit
from regime.cli.commands.backtest import backtest
from regime.cli.commands.config import show
from regime.cli.commands.data import check
from regime.cli.commands.evaluate import evaluate
from regime.cli.commands.explain import explain
from regime.cli.commands.features import features
from regime.cli.commands.flows import flows
from regime.cli.commands.report import report
from regime.cli.commands.run import run
from regime.cli.commands.sweep import sweep
from regime.cli.commands.tune import tune

__all__ = ["app"]

app = typer.Typer(
    name="regime", add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
)
config = typer.Typer(rich_markup_mode=None, help="Inspect configs.")
data = typer.Typer(rich_markup_mode=None, help="Inspect data.")

app.command()(run)
app.command()(features)
app.command()(flows)
app.command()(evaluate)
app.command()(explain)
app.command()(backtest)
app.command()(sweep)
app.command()(tune)
app.command()(report)
app.command()(audit)
config.command()(show)
app.add_typer(config, name="config")
data.command()(check)
app.add_typer(data, name="data")


@config.callback()
def _config() -> None:
    """Inspect configs."""


@data.callback()
def _data() -> None:
    """Inspect data."""


def _version(wanted: bool) -> None:
    if wanted:
        from regime import __version__

        typer.echo(f"regime {__version__}")
        raise typer.Exit


@app.callback()
def _app(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
    traceback: Annotated[
        bool,
        typer.Option("--traceback", help="Show the traceback of an error; may stand anywhere."),
    ] = False,
) -> None:
    """Deleveraging regimes: who is forced to sell, since when, and how a portfolio responds."""

"""Which series of a catalogue a folder can give, by the headers of its files."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from regime.sources.catalogue import Catalogue

__all__ = ["readable"]


def readable(catalogue: Catalogue, folder: Path | None, strict: Iterable[str] = ()) -> Catalogue:
    """The catalogue without the series whose file is there but has no such column.

    As if they were not there.

    Prices come in many forms, of which few have volumes or bars. What a config reads by itself must
    be there as the catalogue says; what is welcome beside it may be missing.

    Parameters
    ----------
    catalogue : Catalogue
    folder : Path or None
        Data folder; with None nothing is left out.
    strict : iterable of str
        Series that stay, and are refused by the source for a missing column, beside the required
        ones.

    Returns
    -------
    Catalogue
        Files that are no table stay in it: the source tells of them.
    """
    if folder is None:
        return catalogue
    kept, paths = {*strict, *catalogue.required}, {spec.path for spec in catalogue.series.values()}
    headers = {path: _header(folder / path) for path in paths if (folder / path).is_file()}
    return Catalogue(
        series={
            name: spec
            for name, spec in catalogue.series.items()
            if name in kept
            or "date" not in headers.get(spec.path, ())
            or spec.column in headers[spec.path]
        }
    )


def _header(path: Path) -> list[str]:
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
        return next(csv.reader(lines), [])

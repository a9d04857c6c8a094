"""What the page carries in itself.

Columns as compact text, and the policy that lets nothing else in.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from regime.formatting import display_name
from regime.report.figures import Figure
from regime.schema import REGIMES

__all__ = ["encode", "script_policy"]

FEW = 0.25  # share of values below which their places cost less than the gaps
GAP_BYTE, GAP_SHORT = 255, 65535


def encode(figures: Sequence[Figure]) -> dict[str, Any]:
    """Figures as JSON content; a column that several share is written once, named by its digest."""
    columns: dict[str, dict[str, Any]] = {}
    specs = {}
    for figure in figures:
        names = {}
        for name, values in figure.columns.items():
            encoded = _column(values, coarse=name in figure.coarse)
            names[name] = hashlib.sha256(repr(encoded).encode()).hexdigest()[:12]
            columns[names[name]] = encoded
        specs[figure.key] = {
            "columns": names,
            "traces": figure.traces,
            "layout": figure.layout,
            "fit": figure.fit,
        }
    return {
        "columns": columns,
        "figures": specs,
        "regimes": [display_name(name) for name in REGIMES],
    }


def script_policy(scripts: Sequence[str]) -> str:
    """Content security policy: nothing is fetched, and no script runs but these two."""
    digests = (
        base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in scripts
    )
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {allowed}; "
        "style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def _column(values: np.ndarray, *, coarse: bool) -> dict[str, Any]:
    """Little-endian bytes in base64, of the shortest form that holds the column.

    Dates are days since 1970. Numbers are single precision (7 digits); whole ones up to 254 take
    one byte, coarse ones two (steps of `step` from `low`), columns with few values carry the places
    of those alone.
    """
    if np.issubdtype(values.dtype, np.datetime64):
        return {"kind": "date", "bytes": _base64(values.astype("datetime64[D]").astype("<i4"))}
    known = np.isfinite(values)
    if known.sum() < FEW * len(values):
        return {
            "kind": "sparse",
            "length": len(values),
            "at": _base64(np.flatnonzero(known).astype("<i4")),
            "bytes": _base64(values[known].astype("<f4")),
        }
    if known.any() and np.isin(values[known], np.arange(GAP_BYTE)).all():
        return {"kind": "byte", "bytes": _base64(np.where(known, values, GAP_BYTE).astype("u1"))}
    if coarse and known.any():
        low, high = float(values[known].min()), float(values[known].max())
        step = (high - low) / (GAP_SHORT - 1) or 1.0
        places = np.where(known, np.rint((np.where(known, values, low) - low) / step), GAP_SHORT)
        return {"kind": "short", "low": low, "step": step, "bytes": _base64(places.astype("<u2"))}
    return {"kind": "number", "bytes": _base64(values.astype("<f4"))}


def _base64(values: np.ndarray) -> str:
    return base64.b64encode(values.tobytes()).decode("ascii")

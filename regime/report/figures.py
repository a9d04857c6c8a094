"""What a figure of the page is: a plain plotly specification over shared columns, themed by the page's CSS.

A figure names its data (``{"column": "date"}``) and its colours (``"var(--calm)"``); the page's script
puts both in, so each column stands once in the page and light and dark need no second figure.

Depends on: report.quantities.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from regime.report.quantities import display_name

__all__ = ["DATE", "Figure", "base_layout", "plain", "spans"]

DATE = {"column": "date"}


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One figure of the page.

    Parameters
    ----------
    key : str
        Its id in the page.
    title, caption, alternative : str
        Heading; how to read it; what it shows, in words, for who cannot see it.
    height : int
        Pixels.
    columns : mapping of str to array
        ``datetime64`` or float, all of one length; NaN is a gap.
    traces : list of dict
        Plotly traces that name columns.
    layout : dict
        Plotly layout.
    fit : tuple of str
        Vertical axes that follow the dates in view.
    regimes : bool
        Whether its colours are those of the regimes, so that the page explains them over it.
    """

    key: str
    title: str
    caption: str
    alternative: str
    height: int
    columns: Mapping[str, np.ndarray]
    traces: list[dict[str, Any]]
    layout: dict[str, Any]
    fit: tuple[str, ...] = field(default=())
    regimes: bool = True


def spans(mask: pd.Series) -> list[tuple[pd.Timestamp, pd.Timestamp]]:
    """First and last date of each run of True, in order."""
    edges = np.flatnonzero(np.diff(np.r_[0, mask.to_numpy(dtype=np.int8), 0]))
    return [(mask.index[a], mask.index[b - 1]) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def plain(name: str) -> str:
    """A name that plotly shows letter by letter: its labels would read tags."""
    return escape(display_name(name), quote=False)


def base_layout(**more: Any) -> dict[str, Any]:
    """Layout shared by all figures; axes given in `more` are laid over the common axis."""
    axis = {"gridcolor": "var(--grid)", "zeroline": False, "linecolor": "var(--grid)", "ticks": ""}
    layout: dict[str, Any] = {
        "paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "system-ui, -apple-system, 'Segoe UI', sans-serif", "size": 12, "color": "var(--soft)"},
        "margin": {"l": 50, "r": 10, "t": 10, "b": 28}, "hovermode": "x unified", "dragmode": "zoom",
        "hoverlabel": {"bgcolor": "var(--card)", "bordercolor": "var(--line)", "font": {"color": "var(--ink)"}},
        "legend": {"orientation": "h", "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom",
                   "bgcolor": "rgba(0,0,0,0)", "font": {"color": "var(--ink)"}},
        "xaxis": axis | {"type": "date", "showgrid": False, "hoverformat": "%a %-d %b %Y"}, "yaxis": axis,
    }
    for key, value in more.items():
        layout[key] = (axis | value) if key.startswith("yaxis") else layout.get(key, {}) | value \
            if isinstance(value, dict) else value
    return layout

"""What a figure of the page is.

A plain plotly specification over shared columns, themed by the page's CSS.

A figure names its data (``{"column": "date"}``) and its colours (``"var(--calm)"``); the page's
script puts both in, so each column stands once in the page and light and dark need no second
figure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from regime.formatting import display_name

__all__ = ["DATE", "Figure", "figure_layout", "plotly_text", "shades", "spans", "titled_axis"]

DATE = {"column": "date"}
DAYS = "%a %-d %b %Y"


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One figure of the page.

    Parameters
    ----------
    key : str
        Its id in the page.
    title, caption, alternative : str
        Heading; how to read it; what it shows, in words, for readers who cannot see it.
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
        Whether its colours are those of the regimes, so that the page explains them above it.
    sentence : str
        Its finding, in words above it; may be empty.
    coarse : tuple of str
        Columns on linear axes that a 65,000th of their range tells apart well enough: half the
        bytes.
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
    sentence: str = ""
    coarse: tuple[str, ...] = ()


def spans(mask: pd.Series) -> list[tuple[pd.Timestamp, pd.Timestamp]]:
    """First and last date of each run of True, in order."""
    edges = np.flatnonzero(np.diff(np.r_[0, mask.to_numpy(dtype=np.int8), 0]))
    return [
        (mask.index[start], mask.index[end - 1])
        for start, end in zip(edges[::2], edges[1::2], strict=True)
    ]


def shades(mask: pd.Series, opacity: float = 0.16, **more: Any) -> list[dict[str, Any]]:
    """Rectangles in the colour of a deleveraging behind a figure, one for each run of True."""
    return [
        {
            "type": "rect",
            "xref": "x",
            "yref": "paper",
            "x0": f"{first:%Y-%m-%d}",
            "x1": f"{last:%Y-%m-%d}",
            "y0": 0,
            "y1": 1,
            "fillcolor": "var(--deleveraging)",
            "opacity": opacity,
            "line": {"width": 0},
            "layer": "below",
        }
        | more
        for first, last in spans(mask)
    ]


def titled_axis(text: str) -> dict[str, Any]:
    """An axis with a title, not moved by dragging."""
    return {"title": {"text": text, "font": {"size": 11}, "standoff": 4}, "fixedrange": True}


def plotly_text(name: str) -> str:
    """A name that plotly shows as it is: its labels would interpret tags."""
    return escape(display_name(name), quote=False)


def figure_layout(**more: Any) -> dict[str, Any]:
    """Layout shared by all figures; axes and other mappings given by key are merged into it."""
    axis = {"gridcolor": "var(--grid)", "zeroline": False, "linecolor": "var(--grid)", "ticks": ""}
    layout: dict[str, Any] = {
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {
            "family": "system-ui, -apple-system, 'Segoe UI', sans-serif",
            "size": 12,
            "color": "var(--soft)",
        },
        "margin": {"l": 50, "r": 10, "t": 10, "b": 28},
        "hovermode": "x unified",
        "dragmode": "zoom",
        "hoverlabel": {
            "bgcolor": "var(--card)",
            "bordercolor": "var(--line)",
            "font": {"color": "var(--ink)"},
        },
        "legend": {
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "y": 1.02,
            "yanchor": "bottom",
            "bgcolor": "rgba(0,0,0,0)",
            "font": {"color": "var(--ink)"},
        },
        "xaxis": axis | {"type": "date", "showgrid": False, "hoverformat": DAYS},
        "yaxis": axis,
    }
    for key, value in more.items():
        if key.startswith("yaxis"):
            layout[key] = axis | value
        elif isinstance(value, dict):
            layout[key] = layout.get(key, {}) | value
        else:
            layout[key] = value
    if layout["xaxis"]["type"] != "date" and layout["xaxis"].get("hoverformat") == DAYS:
        del layout["xaxis"]["hoverformat"]
    return layout

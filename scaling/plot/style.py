"""One quiet look for all figures: colours, ticks, and where a figure begins."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from scaling.columns import COLUMNS
from scaling.errors import ScalingError
from scaling.text import human

__all__ = [
    "BAND", "INK", "MAIN", "QUIET", "SECOND", "axes_for", "human_ticks", "label", "quiet", "title",
]  # fmt: skip

# Okabe and Ito's colours, which stay apart for colour-blind readers and in greyscale.
MAIN, SECOND, INK, QUIET = "#0072B2", "#D55E00", "#333333", "#8a8a8a"
BAND = 0.18  # opacity of an interval
_FEW_DECADES = 1.7
_WIDTH, _HEIGHT = 5.2, 3.6


def axes_for(ax: Axes | None) -> Axes:
    """The axes given, or those of a new figure of notebook size."""
    if ax is not None:
        if not isinstance(ax, Axes):
            raise ScalingError(f"ax must be matplotlib Axes; got {type(ax).__name__}.")
        return ax
    return plt.subplots(figsize=(_WIDTH, _HEIGHT), layout="constrained")[1]


def quiet(ax: Axes) -> None:
    """Take away what carries no information."""
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set_color(QUIET)
    ax.tick_params(colors=INK, which="both", labelsize=8.5)
    ax.tick_params(which="minor", length=0)
    ax.xaxis.label.set(color=INK, size=9.5)
    ax.yaxis.label.set(color=INK, size=9.5)
    ax.grid(True, which="major", color="#e6e6e6", linewidth=0.6)
    ax.set_axisbelow(True)


def title(ax: Axes, text: str) -> None:
    """Title on the left, in the size of the figure's text."""
    ax.set_title(text, loc="left", color=INK, fontsize=10)


def human_ticks(ax: Axes, which: str, values: Any) -> None:
    """Logarithmic axis with ticks such as 70B, 1.4T and 1e24."""
    axis = ax.xaxis if which == "x" else ax.yaxis
    (ax.set_xscale if which == "x" else ax.set_yscale)("log")
    finite = np.asarray(values, dtype=float)
    finite = finite[np.isfinite(finite) & (finite > 0)]
    decades = np.log10(finite.max() / finite.min()) if finite.size else 1.0
    steps = (1.0, 2.0, 5.0) if decades < _FEW_DECADES else (1.0,)
    axis.set_major_locator(LogLocator(base=10, subs=steps, numticks=9))
    axis.set_major_formatter(FuncFormatter(lambda value, _: human(value)))
    axis.set_minor_formatter(NullFormatter())


def label(column: str) -> str:
    """Axis label of a column: its name in words, and its unit where that says more.

    Examples
    --------
    >>> label("compute"), label("params")
    ('compute (FLOPs)', 'params')
    """
    known = COLUMNS.get(column)
    words = column.replace("_", " ")
    unit = known.unit if known else ""
    return words if not unit or unit in words else f"{words} ({unit})"

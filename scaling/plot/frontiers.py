"""Figure of a compute-optimal frontier."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from scaling.columns import COMPUTE
from scaling.errors import one_of
from scaling.frontier import Frontier
from scaling.plot.style import BAND, MAIN, QUIET, axes_for, human_ticks, label, quiet, title
from scaling.text import human

__all__ = ["frontier"]


def frontier(
    frontier: Frontier, *, column: str = "params", runs: Any = None, ax: Axes | None = None
) -> Axes:
    """Best params, tokens or loss against compute, with its interval.

    Parameters
    ----------
    frontier : Frontier
    column : str
        Column of the frontier's table.
    runs : table, optional
        Runs to show as points, with compute and the column.
    ax : Axes, optional

    Returns
    -------
    Axes

    Examples
    --------
    >>> import scaling
    >>> law = scaling.published("besiroglu-2024")
    >>> ax = scaling.plot.frontier(scaling.compute_optimal(law, [1e20, 1e24]))
    >>> ax.get_xlabel()
    'compute (FLOPs)'
    """
    table = frontier.table.sort_values(COMPUTE)
    names = [name for name in table.columns if not name.endswith(("_low", "_high"))]
    one_of("column", column, names[1:])
    ax = axes_for(ax)
    shown = [table[column].to_numpy()]
    computes = [table[COMPUTE].to_numpy()]
    if runs is not None:
        ax.scatter(runs[COMPUTE], runs[column], s=10, color=QUIET, alpha=0.5, linewidths=0)
        shown.append(np.asarray(runs[column], dtype=float))
        computes.append(np.asarray(runs[COMPUTE], dtype=float))
    low, high = table[f"{column}_low"], table[f"{column}_high"]
    if low.notna().any():
        ax.fill_between(table[COMPUTE], low, high, color=MAIN, alpha=BAND, linewidth=0)
        shown += [low.to_numpy(), high.to_numpy()]
    if len(table) == 1 and low.notna().all():
        ax.vlines(table[COMPUTE], low, high, color=MAIN, linewidth=1.2)
    ax.plot(table[COMPUTE], table[column], color=MAIN, linewidth=1.8,
            marker="o" if len(table) < 15 else None, markersize=4)  # fmt: skip
    last = table.iloc[-1]
    text = human(last[column]) if column != "loss" else f"{last[column]:.3f}"
    ax.annotate(text, (last[COMPUTE], last[column]), xytext=(-4, 7), textcoords="offset points",
                color=MAIN, size=9, ha="right")  # fmt: skip
    ax.set(xlabel=label(COMPUTE), ylabel=f"best {label(column)}")
    human_ticks(ax, "x", np.concatenate(computes))
    if column != "loss":
        human_ticks(ax, "y", np.concatenate(shown))
    band = f"; band {frontier.level:.0%}, {frontier.kind}" if frontier.kind != "none" else ""
    title(ax, f"{frontier.title}{band}")
    quiet(ax)
    return ax

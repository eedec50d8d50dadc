"""Figure of one cell of a sweep: its runs, the quadratic through them and its lowest point."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from scaling.errors import ScalingError, one_of
from scaling.forecast.sweeps import Sweep
from scaling.plot.labels import Board, Spot, extent
from scaling.plot.style import (
    INK,
    MAIN,
    QUIET,
    SECOND,
    axes_for,
    label,
    made_by,
    quiet,
    sizes_of,
    title,
)
from scaling.plot.ticks import human_ticks
from scaling.text import human

__all__ = ["sweep"]

_TALL = 1.6  # times as high as the highest run near the optimum reaches the figure
_LEAST = 4.0  # times the excess that counts as near, that it reaches at least
_BELOW = 0.28  # of that height, below the optimum


def sweep(sweep: Sweep, *, cell: int = 0, over: str | None = None, ax: Axes | None = None) -> Axes:
    """Loss of one cell's runs against what was swept, with the quadratic and its lowest point.

    The curve is the quadratic with all else that was swept at its best; runs lie above it where
    that is not. Dark are the runs that it was fitted to.

    Parameters
    ----------
    sweep : Sweep
    cell : int
        Row of its table.
    over : str, optional
        One of what was swept; the first by default.
    ax : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    ScalingError
        If there is no such cell, or that was not swept.

    Examples
    --------
    >>> import numpy as np, scaling
    >>> rate = np.geomspace(1e-4, 1e-2, 9)
    >>> loss = 2.5 * np.exp(0.01 * np.log(rate / 1e-3) ** 2)
    >>> runs = {"params": [1e8] * 9, "tokens": [2e9] * 9, "learning_rate": rate, "loss": loss}
    >>> ax = scaling.plot.sweep(scaling.best_of_sweep(runs, over="learning_rate"))
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('learning rate', 'loss (nats/token)')
    """
    made_by(sweep, Sweep, "sweep", "scaling.best_of_sweep(runs)")
    name = one_of("over", sweep.over[0] if over is None else over, sweep.over)
    row, runs, curve = _cell_of(sweep, cell, name)
    ax = axes_for(ax)
    target, best = sweep.target, float(row[sweep.target])
    near = runs["near"].to_numpy(dtype=bool)
    tall = max(float(runs.loc[near, "excess"].max()) if near.any() else 0.0, _LEAST * sweep.near)
    top = best * (1 + _TALL * tall)
    for chosen, colour, size in ((~near, QUIET, 11), (near, MAIN, 17)):
        ax.scatter(runs.loc[chosen, name], runs.loc[chosen, target], s=size, color=colour,
                   alpha=0.75, linewidths=0)  # fmt: skip
    ax.plot(curve["value"], curve[target], color=MAIN, linewidth=1.4)
    ax.errorbar(
        row[name], best, xerr=_reach(row, name, runs[name]), yerr=_reach(row, target, None),
        fmt="o", color=INK, markerfacecolor=SECOND, markeredgecolor="white", markersize=6.5,
        markeredgewidth=0.9, elinewidth=1.2, capsize=2.5, zorder=4)  # fmt: skip
    ax.set(xlabel=label(name), ylabel=label(target),
           ylim=(best - _BELOW * (top - best), top))  # fmt: skip
    quiet(ax)
    human_ticks(ax, "x", runs[name])
    title(ax, _named(sweep, row))
    _label(ax, sweep, row, runs, curve, name, top)
    return ax


def _cell_of(sweep: Sweep, cell: Any, name: str) -> tuple[pd.Series, pd.DataFrame, pd.DataFrame]:
    """A cell's row, runs and curve."""
    count = len(sweep.table)
    whole = isinstance(cell, int | np.integer) and not isinstance(cell, bool)
    if not (whole and 0 <= cell < count):
        raise ScalingError(f"cell must be a row of the sweep's table, 0 to {count - 1}; "
                           f"got {cell!r}.")  # fmt: skip
    curves = sweep.curves
    return (
        sweep.table.iloc[cell], sweep.excess[sweep.excess["cell"] == cell],
        curves[(curves["cell"] == cell) & (curves["swept"] == name)],
    )  # fmt: skip


def _reach(row: pd.Series, name: str, swept: pd.Series | None) -> list[list[float]]:
    """How far the interval goes below and above; an open end goes to the end of what was swept."""
    value = float(row[name])
    ends = np.array([row[f"{name}_low"], row[f"{name}_high"]], dtype=float)
    if swept is not None:
        ends = np.clip(ends, swept.min(), swept.max())
    low, high = np.where(np.isfinite(ends), ends, value)
    return [[max(value - low, 0.0)], [max(high - value, 0.0)]]


def _named(sweep: Sweep, row: pd.Series) -> str:
    """What makes the cell, in words."""
    parts = [f"{human(row[name]) if isinstance(row[name], float) else row[name]} "
             f"{name.replace('_', ' ')}" for name in sweep.by]  # fmt: skip
    return f"Sweep at {', '.join(parts)}"


def _label(
    ax: Axes, sweep: Sweep, row: pd.Series, runs: pd.DataFrame, curve: pd.DataFrame, name: str,
    top: float,
) -> None:  # fmt: skip
    """What the optimum is, and how many runs lie above the figure."""
    target, note = sweep.target, sizes_of(ax).note
    board = Board(ax, lines=[(curve["value"], curve[target])],
                  dots=[(runs[name], runs[target]), ([row[name]], [row[target]])])  # fmt: skip
    told = "optimum" if row["method"] == "quadratic" else "best run"
    words = f"{told} {human(row[name])},\nloss {row[target]:.4g}"
    middle, low = float(row[name]), ax.get_ylim()[0]
    spots = [Spot(middle, float(row[target]), 0, -down, "center", "top") for down in (7, 12)]
    spots += [Spot(middle, low, across, 2, side, "bottom")
              for across, side in ((8, "left"), (-8, "right"))]  # fmt: skip
    board.write(words, spots, size=note, color=SECOND)
    above = int((runs[target] > top).sum())
    if above:
        width = extent(ax)[0]
        ends = ax.get_xlim()
        spots = [Spot(float(np.sqrt(ends[0] * ends[1])), top, share * width, -2, "center", "top")
                 for share in (0, -0.2, 0.2, -0.35, 0.35)]  # fmt: skip
        board.write(f"{above} runs above", spots, size=note, color=QUIET)

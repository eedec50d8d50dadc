"""Figures of two recipes: which is better where, and what one is worth in the other's compute."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from scaling.errors import ScalingError
from scaling.forecast.crossovers import Crossover
from scaling.forecast.multipliers import Multiplier
from scaling.plot.labels import Board, Spot, extent, wrapped
from scaling.plot.style import (
    BAND,
    INK,
    MAIN,
    QUIET,
    SECOND,
    axes_for,
    label,
    made_by,
    quiet,
    sizes_of,
    spaced_ends,
    title,
)
from scaling.plot.ticks import human_ticks, quantity_ticks
from scaling.text import human

__all__ = ["crossover", "multiplier"]

_RUNS = "#f2f2f2"
_ROOM = 0.12  # of the values' range, above and below them, for words
_ARROW = 7  # points, where an interval goes on outside the axes
_SPOTS = 13  # places across the axes where a text is tried


def crossover(crossover: Crossover, *, ax: Axes | None = None) -> Axes:
    """Difference of the two losses along compute, with its band and where it changes sign.

    Losses of two recipes lie close together, and their errors go together, so what is drawn is
    the difference; the range of the runs is grey.

    Parameters
    ----------
    crossover : Crossover
    ax : Axes, optional

    Returns
    -------
    Axes

    Examples
    --------
    >>> import scaling
    >>> a, b = (scaling.laws.PowerLaw(A=k, alpha=e) for k, e in ((8.0, 0.05), (20.0, 0.07)))
    >>> ax = scaling.plot.crossover(scaling.crossover(a, b, between=(1e18, 1e24)))
    >>> ax.get_ylabel()
    'loss: a less b'
    """
    made_by(crossover, Crossover, "crossover", "scaling.crossover(a, b)")
    ax, curves = axes_for(ax), crossover.curves
    first, second = crossover.names
    axis, target = crossover.axis, crossover.target.replace("_", " ")
    quiet(ax)
    _runs(ax, crossover.reach)
    _band(ax, curves, axis, "difference")
    ax.axhline(0, color=INK, linewidth=0.9)
    ax.set(xlabel=label(axis), ylabel=f"{target}: {first} less {second}")
    ends = _heights(curves, "difference")
    margin = _ROOM * (ends[1] - ends[0])
    ax.set_ylim(ends[0] - margin, ends[1] + margin)
    human_ticks(ax, "x", crossover.between)
    ax.set_xlim(*crossover.between)
    ax.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    band = f"; band {crossover.level:.0%}, {crossover.kind}" if crossover.kind != "none" else ""
    title(ax, f"Which recipe has the lower {target}{band}")
    board = _board(ax, curves, axis, "difference")
    for _, row in crossover.table.iterrows():
        _crossing(ax, board, row, axis, crossover.between)
    note, (low, high) = sizes_of(ax).note, ax.get_ylim()
    across = np.geomspace(*crossover.between, _SPOTS + 2)[1:-1]
    for name, y, va, up in ((second, high, "top", -3), (first, low, "bottom", 3)):
        board.write(f"{name} better", [Spot(x, y, 0, up, "center", va) for x in across[::-1]],
                    size=note, color=MAIN)  # fmt: skip
    _name_runs(board, crossover.reach, low, high, note)
    return ax


def multiplier(multiplier: Multiplier, *, ax: Axes | None = None) -> Axes:
    """Compute that one recipe needs for what the other reaches, over the other's, along compute.

    Parameters
    ----------
    multiplier : Multiplier
        At several computes.
    ax : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    ScalingError
        If the multiplier is finite at no compute.

    Examples
    --------
    >>> import scaling
    >>> adamw, muon = (scaling.published(f"liu-2025-{name}") for name in ("adamw", "muon"))
    >>> found = scaling.compute_multiplier(adamw, muon, [1e20, 1e21, 1e22])
    >>> scaling.plot.multiplier(found).get_xlabel()
    'compute (FLOPs) of liu-2025-adamw'
    """
    made_by(multiplier, Multiplier, "multiplier", "scaling.compute_multiplier(a, b, computes)")
    axis, (first, second) = multiplier.axis, multiplier.names
    table = multiplier.table.sort_values(axis)
    finite = table[np.isfinite(table["multiplier"])]
    if finite.empty:
        raise ScalingError(f"{second} never reaches what {first} does, so there is nothing to "
                           "draw; the answer's issues say why.")  # fmt: skip
    ax = axes_for(ax)
    quiet(ax)
    _runs(ax, multiplier.reach)
    _band(ax, table, axis, "multiplier")
    ax.scatter(table[axis], table["multiplier"], s=14, color=MAIN, zorder=3)
    ax.axhline(1, color=INK, linewidth=0.9)
    ax.set(xlabel=f"{label(axis)} of {first}", ylabel=f"{axis} multiplier\n")
    human_ticks(ax, "x", table[axis])
    seen = np.append(_heights(table, "multiplier"), 1.0)
    quantity_ticks(ax, "y", spaced_ends(seen, log=True), log=True, most=6)
    ends = spaced_ends(table[axis], log=True)
    ax.set_xlim(*ends)
    band = f"; band {multiplier.level:.0%}, {multiplier.kind}" if multiplier.kind != "none" else ""
    title(ax, f"{axis.capitalize()} that {second} needs to match {first}{band}")
    _name_way(ax, f"{axis} multiplier", f"below 1: {second} is better")
    board = _board(ax, table, axis, "multiplier")
    low, high = ax.get_ylim()
    across = np.geomspace(*ends, _SPOTS + 2)[1:-1]
    spots = [Spot(x, 1.0, 0, up, "center", va) for x in across
             for up, va in ((3, "bottom"), (-3, "top"))]  # fmt: skip
    board.write("as good", spots, size=sizes_of(ax).note, color=INK, needed=False)
    _name_runs(board, multiplier.reach, low, high, sizes_of(ax).note)
    return ax


def _name_way(ax: Axes, what: str, way: str) -> None:
    """Label of the upright axis that says which way is good, in lines that it has room for."""
    ax.figure.canvas.figure.draw_without_rendering()  # a title may have taken room
    size = sizes_of(ax).axis
    ax.set_ylabel(f"{what}\n{wrapped(way, size, extent(ax)[1])}")


def _runs(ax: Axes, reach: tuple[float, float] | None) -> None:
    if reach is not None:
        ax.axvspan(*reach, color=_RUNS, linewidth=0, zorder=0)


def _name_runs(
    board: Board, reach: tuple[float, float] | None, low: float, high: float, size: float
) -> None:
    if reach is None:
        return
    left, right = board.ax.get_xlim()
    seen = max(reach[0], left), min(reach[1], right)
    if seen[0] < seen[1]:
        across = np.geomspace(*seen, _SPOTS + 2)[1:-1]
        spots = [Spot(x, y, 0, up, "center", va) for y, va, up in
                 ((low, "bottom", 3), (high, "top", -3)) for x in across]  # fmt: skip
        board.write("runs", spots, size=size, color=QUIET, needed=False)


def _band(ax: Axes, table: pd.DataFrame, axis: str, name: str) -> None:
    low, high = table[f"{name}_low"], table[f"{name}_high"]
    if low.notna().any():
        ax.fill_between(table[axis], low, high, color=MAIN, alpha=BAND, linewidth=0)
    ax.plot(table[axis], table[name], color=MAIN, linewidth=1.6)


def _heights(table: pd.DataFrame, name: str) -> np.ndarray:
    """Least and largest of a column and its ends, where they are finite."""
    values = table[[name, f"{name}_low", f"{name}_high"]].to_numpy(dtype=float).ravel()
    finite = values[np.isfinite(values)]
    ends = np.array([finite.min(), finite.max()]) if finite.size else np.zeros(2)
    return ends if ends[1] > ends[0] else ends + np.array([-1.0, 1.0]) * (abs(ends[0]) * 0.1 + 1e-3)


def _board(ax: Axes, table: pd.DataFrame, axis: str, name: str) -> Board:
    ax.figure.canvas.figure.draw_without_rendering()
    return Board(ax, lines=[(table[axis], table[column]) for column in
                            (name, f"{name}_low", f"{name}_high")])  # fmt: skip


def _crossing(
    ax: Axes, board: Board, row: pd.Series, axis: str, between: tuple[float, float]
) -> None:
    """A crossing with its interval on the line of no difference."""
    at, low, high = (float(row[name]) for name in (axis, f"{axis}_low", f"{axis}_high"))
    words = f"cross at {human(at)}"
    if not np.isnan(low):
        ends = (max(low, between[0]), min(high, between[1]))
        ax.plot(ends, [0, 0], color=SECOND, linewidth=3.5, alpha=0.6, solid_capstyle="butt")
        for end, goes_on, arrow in (
            (ends[0], low < between[0], "<"),
            (ends[1], high > between[1], ">"),
        ):
            if goes_on:
                ax.plot([end], [0], marker=arrow, color=SECOND, markersize=_ARROW, clip_on=False)
        words += f"\n{_end(low, between)} to {_end(high, between)}"
    ax.plot([at], [0], marker="o", color=SECOND, markersize=6, zorder=4)
    spots = [Spot(at, 0, across, up, ha, va) for up, va in ((6, "bottom"), (-6, "top"),
             (24, "bottom"), (-24, "top")) for across, ha in
             ((0, "center"), (8, "left"), (-8, "right"))]  # fmt: skip
    board.write(words, spots, size=sizes_of(ax).note, color=SECOND)


def _end(value: float, between: tuple[float, float]) -> str:
    if value <= between[0]:
        return f"under {human(between[0])}"
    return f"over {human(between[1])}" if value >= between[1] else human(value)

"""Figures of frontiers: best params, tokens or loss against compute, one way or several."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap, LogNorm

from scaling.columns import COMPUTE
from scaling.counting import refuse_mixed_counting
from scaling.errors import ScalingError, one_of
from scaling.frontier import Frontier
from scaling.plot.labels import label_lines
from scaling.plot.style import (
    BAND,
    INK,
    QUIET,
    SERIES,
    axes_for,
    label,
    quiet,
    run_numbers,
    shades,
    sizes_of,
    title,
)
from scaling.plot.ticks import human_ticks
from scaling.text import human

__all__ = ["frontier"]

_FEW = 15  # points that are marked one by one
_AROUND = 10.0  # times a single compute that are shown
_LINE = 41  # points of a line
_THICK = 3.5  # width in points of a line whose colour tells something
_COLOURS = 64
_ONE_COLOUR = 1.01  # factor from which values have colours of their own


def frontier(
    frontier: Frontier | Mapping[str, Frontier], *, column: str = "params",
    colour: str | None = None, runs: Any = None, ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Best params, tokens or loss against compute, with intervals; several frontiers overlaid.

    Parameters
    ----------
    frontier : Frontier, or mapping of str to Frontier
        One, or several by the names they get: those of :func:`scaling.isoflop`,
        :func:`scaling.envelope` and :func:`scaling.compute_optimal`, of runs or published laws.
    column : str
        Column of the frontiers' tables.
    colour : str, optional
        Column that colours the line of a single frontier, such as ``"epochs"``.
    runs : table, optional
        Runs to show as points, with compute and the column.
    ax : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    ScalingError
        If the frontiers count params in different ways, one lacks a column, or several are to be
        coloured.

    Examples
    --------
    >>> import scaling
    >>> law = scaling.published("besiroglu-2024")
    >>> ax = scaling.plot.frontier(scaling.compute_optimal(law, [1e20, 1e24]))
    >>> ax.get_xlabel()
    'compute (FLOPs)'
    """
    several = isinstance(frontier, Mapping)
    shown: dict[str, Frontier] = dict(frontier) if isinstance(frontier, Mapping) else {
        getattr(frontier, "title", ""): frontier}  # fmt: skip
    wrong = [type(one).__name__ for one in shown.values() if not isinstance(one, Frontier)]
    if wrong or not shown:
        raise ScalingError(
            "plot.frontier needs a Frontier or a mapping from name to Frontier; got "
            f"{wrong[0] if wrong else 'an empty mapping'}. Give it the answer of "
            "scaling.compute_optimal(fit, compute), isoflop or envelope."
        )
    refuse_mixed_counting({name: one.table.columns for name, one in shown.items()})
    for name, one in shown.items():
        _check_column(name if several else "", one, column)
    if colour is not None and len(shown) > 1:
        raise ScalingError("colour= tells the values along one line; give one frontier.")
    if colour is not None:
        one_of("colour", colour, _columns(next(iter(shown.values()))))
    computes = np.concatenate([one.table[COMPUTE] for one in shown.values()])
    lines = {name: _line(one, computes, column) for name, one in shown.items()}
    if all(line.empty for line in lines.values()):
        raise ScalingError(f"The frontier has no {column} at any compute, so there is nothing to "
                           "draw; its issues say why.")  # fmt: skip
    points = None if runs is None else run_numbers(runs, (COMPUTE, column), "frontier")
    ax = axes_for(ax)
    seen = [_ends(line, column) for line in lines.values()]
    if points is not None:
        ax.scatter(points[0], points[1], s=10, color=QUIET, alpha=0.5, linewidths=0)
        seen.append(pd.DataFrame({COMPUTE: points[0], column: points[1]}))
    ends = []
    for place, (name, line) in enumerate(lines.items()):
        style = SERIES[place % len(SERIES)]
        if line.empty:
            continue
        seen.append(_draw(ax, shown[name].table, line, column, *style))
        if colour is not None:
            _colour(ax, line.dropna(subset=[colour]), column, colour)
        last = line.iloc[-1]
        text = name if several else _value(last[column], shown[name], column)
        ends.append((last[COMPUTE], last[column], text, style[0]))
    _finish(ax, column, pd.concat(seen), log=_grows(next(iter(shown.values())), column))
    one = next(iter(shown.values()))
    band = f"; band {one.level:.0%}, {one.kind}" if one.kind != "none" else ""
    title(ax, f"Best {column.replace('_', ' ')} by compute{_levels(shown)}" if several else
          f"{one.title}{band}")  # fmt: skip
    label_lines(ax, ends, size=sizes_of(ax).note)
    return ax


def _check_column(name: str, one: Frontier, column: str) -> None:
    known = _columns(one)
    if name and column not in known:
        raise ScalingError(f"{name} has no {column}; it has {', '.join(known)}.")
    one_of("column", column, known)


def _columns(one: Frontier) -> list[str]:
    return [c for c in one.table.columns if not c.endswith(("_low", "_high")) and c != COMPUTE]


def _grows(one: Frontier, column: str) -> bool:
    """Whether the column is a power of compute, or nearly one, rather than the loss."""
    return column in one.exponents.index or column == "tokens_per_param"


def _line(one: Frontier, computes: Any, column: str) -> pd.DataFrame:
    """What is drawn as a line: a frontier by points is its power law, over the whole figure."""
    if one.by_power:
        grid = np.geomspace(float(computes.min()), float(computes.max()), _LINE)
        powers = one.at(grid).table
        if column in powers:
            return powers
    return one.table.dropna(subset=[column]).sort_values(COMPUTE)


def _levels(shown: Mapping[str, Frontier]) -> str:
    levels = {f"{one.level:.0%}" for one in shown.values() if one.kind != "none"}
    return f"; bands {', '.join(sorted(levels))}" if levels else ""


def _value(value: float, one: Frontier, column: str) -> str:
    return human(value) if _grows(one, column) else f"{value:.3f}"


def _ends(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """Compute and the column, with both ends of its interval, below each other."""
    names = [name for name in (column, f"{column}_low", f"{column}_high") if name in table]
    return pd.concat([table[[COMPUTE]].assign(**{column: table[name]}) for name in names])


def _draw(
    ax: Axes, points: pd.DataFrame, line: pd.DataFrame, column: str, colour: str, dashes: Any,
    marker: str,
) -> pd.DataFrame:  # fmt: skip
    """The points drawn one by one, with their ends."""
    low, high = (line.get(f"{column}{end}", pd.Series(np.nan, line.index))
                 for end in ("_low", "_high"))  # fmt: skip
    if low.notna().any():
        ax.fill_between(line[COMPUTE], low, high, color=colour, alpha=BAND, linewidth=0)
    ax.plot(line[COMPUTE], line[column], color=colour, linewidth=1.6, linestyle=dashes)
    if len(points) >= _FEW:
        return _ends(points.iloc[:0], column)
    reach = None
    if f"{column}_low" in points:
        away = [points[column] - points[f"{column}_low"], points[f"{column}_high"] - points[column]]
        reach = np.maximum(np.nan_to_num(away), 0)
    ax.errorbar(points[COMPUTE], points[column], yerr=reach, fmt=marker, color=colour, markersize=4,
                elinewidth=1, linestyle="none")  # fmt: skip
    return _ends(points, column)


def _colour(ax: Axes, line: pd.DataFrame, column: str, colour: str) -> None:
    """The line once more, each part in the colour of its value, with a bar that tells them."""
    value, points = line[colour].to_numpy(), line[[COMPUTE, column]].to_numpy()
    low, high = float(value.min()), float(value.max())
    norm = LogNorm(low, high if high > low * _ONE_COLOUR else low * _ONE_COLOUR)
    colours = ListedColormap(shades(_COLOURS))
    between = np.sqrt(value[1:] * value[:-1])
    ends = [points[[i, i + 1]] for i in range(len(points) - 1)]
    parts = LineCollection(ends, array=between, cmap=colours, norm=norm, linewidths=_THICK,
                           capstyle="round")  # fmt: skip
    ax.add_collection(parts)
    if len(points) < _FEW:
        ax.scatter(points[:, 0], points[:, 1], c=value, cmap=colours, norm=norm, s=26, zorder=3)
    sizes = sizes_of(ax)
    bar = ax.figure.colorbar(parts, ax=ax, pad=0.02, fraction=0.05, aspect=25)
    bar.outline.set_visible(False)
    bar.ax.tick_params(colors=INK, which="both", labelsize=sizes.tick, length=2)
    bar.set_label(label(colour), color=INK, size=sizes.axis)
    human_ticks(bar.ax, "y", [low, high])


def _finish(ax: Axes, column: str, seen: pd.DataFrame, *, log: bool) -> None:
    ax.set(xlabel=label(COMPUTE), ylabel=f"best {label(column)}")
    quiet(ax)
    human_ticks(ax, "x", seen[COMPUTE])
    if log:
        human_ticks(ax, "y", seen[column])
    ax.margins(x=0.03)
    if seen[COMPUTE].nunique() == 1:
        ax.set_xlim(seen[COMPUTE].iloc[0] / _AROUND, seen[COMPUTE].iloc[0] * _AROUND)

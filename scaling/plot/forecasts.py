"""Figure of a forecast: the loss ahead, its intervals, and the runs it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from scaling.columns import PARAMS, TOKENS
from scaling.cost import SIX_ND
from scaling.errors import ScalingError
from scaling.fitting.forecasting import Forecast
from scaling.plot.style import (
    BAND,
    INK,
    MAIN,
    QUIET,
    SERIES,
    axes_for,
    label,
    made_by,
    quiet,
    run_numbers,
    sizes_of,
    spaced_ends,
    title,
)  # fmt: skip
from scaling.plot.ticks import human_ticks
from scaling.text import listed

__all__ = ["forecast"]

Array: TypeAlias = NDArray[np.float64]

_NEXT_RUN, _PLAIN = "next_run", "plain_"
_POINT = 10
_CALL = "fit.forecast(params=..., tokens=...)"


def forecast(
    answer: Forecast | Mapping[str, Forecast], *, runs: Any = None, ax: Axes | None = None
) -> Axes:
    """Loss forecast against compute, with the intervals of the curve and of a single run.

    Parameters
    ----------
    answer : Forecast, or mapping of str to Forecast
        Of one point or more; a line joins them. The plain fit of an ensemble is drawn dashed.
        Several forecasts of one target are drawn by their names, with the curves' intervals.
    runs : table, optional
        Shown as points; they need the columns of the forecast.
    ax : Axes, optional
        New ones by default.

    Returns
    -------
    Axes

    Raises
    ------
    ScalingError
        If the answer is no forecast.
    ColumnError
        If the runs have not the columns of the forecast.

    Examples
    --------
    >>> import scaling
    >>> made = scaling.ensemble(scaling.datasets.load("demo"))
    >>> ax = scaling.plot.forecast(made.forecast(params=[7e9, 70e9], tokens=[1.4e11, 1.4e12]))
    >>> ax.get_xlabel()
    '6 x params x tokens (FLOPs)'
    """
    if isinstance(answer, Mapping):
        return _several(answer, runs, axes_for(ax))
    made_by(answer, Forecast, "forecast", _CALL)
    table = answer.table
    target = _target(table)
    x, name = _place(table, target)
    order = np.argsort(x, kind="stable")
    table, x = table.iloc[order], x[order]
    ax = axes_for(ax)
    drawn = np.append(x, _runs(ax, table, target, runs)) if runs is not None else x
    level = f"{100 * answer.level:.10g}%"
    if np.isfinite(table[f"{target}_low"]).any():
        for stem, shade, said in ((_NEXT_RUN, 0.15, f"{level}, a single run"),
                                  (target, 0.3, f"{level}, the curve")):  # fmt: skip
            ends = table[f"{stem}_low"], table[f"{stem}_high"]
            if len(x) > 1:
                ax.fill_between(x, *ends, color=MAIN, alpha=shade, linewidth=0, label=said)
            else:
                ax.vlines(x, *ends, color=MAIN, alpha=2 * shade, linewidth=6, label=said)
    marker = "o" if len(x) == 1 else ""
    if f"{_PLAIN}{target}" in table:
        ax.plot(x, table[f"{_PLAIN}{target}"], color=INK, linestyle="--", linewidth=1,
                marker="_" if marker else "", label="plain fit of every run")  # fmt: skip
    ax.plot(x, table[target], color=MAIN, linewidth=1.6, marker=marker, label="forecast")
    ax.set(xscale="log", xlabel=name, ylabel=label(target))
    ax.set_xlim(spaced_ends(drawn, log=True))
    human_ticks(ax, "x", drawn)
    quiet(ax)
    ax.legend(frameon=False, fontsize=sizes_of(ax).tick)
    title(ax, answer.title)
    return ax


def _runs(ax: Axes, table: pd.DataFrame, target: str, runs: Any) -> Array:
    """Places of the runs, drawn as points."""
    inputs = _inputs(table, target)
    *places, seen = run_numbers(runs, [*inputs, target], "forecast")
    at = _along(pd.DataFrame(dict(zip(inputs, places, strict=True))), inputs)
    ax.scatter(at, seen, s=_POINT, color=QUIET, alpha=0.6, linewidths=0, label="runs")
    return at


def _several(answers: Mapping[str, Forecast], runs: Any, ax: Axes) -> Axes:
    """Forecasts of one target side by side, each with the interval of its curve."""
    if not answers:
        raise ScalingError("plot.forecast needs one forecast or more; got none.")
    for answer in answers.values():
        made_by(answer, Forecast, "forecast", _CALL)
    axes = {(_target(one.table), _place(one.table, _target(one.table))[1])
            for one in answers.values()}  # fmt: skip
    if len(axes) > 1:
        raise ScalingError("Forecasts on one figure must be of one target along one input; got "
                           f"{listed(sorted(' along '.join(pair) for pair in axes))}.")  # fmt: skip
    ((target, along),) = axes
    shown = next(iter(answers.values()))
    drawn = _runs(ax, shown.table, target, runs) if runs is not None else np.empty(0)
    for (name, answer), (colour, dashes, _) in zip(answers.items(), cycle(SERIES), strict=False):
        x, table = _place(answer.table, target)[0], answer.table
        if np.isfinite(table[f"{target}_low"]).any():
            ax.fill_between(x, table[f"{target}_low"], table[f"{target}_high"], color=colour,
                            alpha=BAND, linewidth=0)  # fmt: skip
        ax.plot(x, table[target], color=colour, linestyle=dashes, linewidth=1.6, label=name)
        drawn = np.append(drawn, x)
    ax.set(xscale="log", xlabel=along, ylabel=label(target))
    ax.set_xlim(spaced_ends(drawn, log=True))
    human_ticks(ax, "x", drawn)
    quiet(ax)
    ax.legend(frameon=False, fontsize=sizes_of(ax).tick)
    band = f"; band {shown.level:.0%}, {shown.kind}" if shown.kind != "none" else ""
    title(ax, f"Forecasts of {target.replace('_', ' ')}{band}")
    return ax


def _target(table: pd.DataFrame) -> str:
    for name in table.columns:
        if f"{name}_low" in table.columns and name != _NEXT_RUN:
            return str(name)
    raise ScalingError("plot.forecast needs a table with a forecast in it.")


def _inputs(table: pd.DataFrame, target: str) -> list[str]:
    own = {target, f"{_PLAIN}{target}", "beyond"}
    ends = tuple(f"{stem}_{end}" for stem in (target, _NEXT_RUN) for end in ("low", "high"))
    return [name for name in table.columns if name not in own and name not in ends]


def _place(table: pd.DataFrame, target: str) -> tuple[Array, str]:
    inputs = _inputs(table, target)
    both = len(inputs) > 1 and inputs[0].startswith(PARAMS) and TOKENS in inputs
    name = f"6 x {inputs[0]} x {TOKENS} (FLOPs)".replace("_", " ") if both else label(inputs[0])
    return _along(table, inputs), name


def _along(table: pd.DataFrame, inputs: list[str]) -> Array:
    """Compute by 6ND of laws of params and tokens, else the first input."""
    if len(inputs) > 1 and inputs[0].startswith(PARAMS) and TOKENS in inputs:
        return np.asarray(SIX_ND.compute(table[inputs[0]].to_numpy(), table[TOKENS].to_numpy()))
    return table[inputs[0]].to_numpy(dtype=float)

"""Figure of a forecast: the loss ahead, its intervals, and the runs it comes from."""

from __future__ import annotations

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
    INK,
    MAIN,
    QUIET,
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

__all__ = ["forecast"]

Array: TypeAlias = NDArray[np.float64]

_NEXT_RUN, _PLAIN = "next_run", "plain_"
_POINT = 10


def forecast(answer: Forecast, *, runs: Any = None, ax: Axes | None = None) -> Axes:
    """Loss forecast against compute, with the intervals of the curve and of a single run.

    Parameters
    ----------
    answer : Forecast
        Of one point or more; a line joins them. The plain fit of an ensemble is drawn dashed.
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
    made_by(answer, Forecast, "forecast", "fit.forecast(params=..., tokens=...)")
    table = answer.table
    target = _target(table)
    x, name = _place(table, target)
    order = np.argsort(x, kind="stable")
    table, x = table.iloc[order], x[order]
    ax = axes_for(ax)
    drawn = x
    if runs is not None:
        inputs = _inputs(table, target)
        *places, seen = run_numbers(runs, [*inputs, target], "forecast")
        frame = pd.DataFrame(dict(zip(inputs, places, strict=True)))
        drawn = np.append(x, _along(frame, inputs))
        ax.scatter(drawn[len(x):], seen, s=_POINT, color=QUIET, alpha=0.6, linewidths=0,
                   label="runs")  # fmt: skip
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

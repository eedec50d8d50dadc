"""Figure of the regret: what each model size costs, and which sizes cost nothing to speak of."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from scaling.frontier import Regret
from scaling.plot.labels import Board, Spot, extent, leave_beside, points_of, text_size
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
    title,
)
from scaling.plot.ticks import human_ticks
from scaling.text import human

__all__ = ["regret"]

_HEADROOM = 1.25
_LEAST_REACH = 2.0  # times smaller and larger than a single candidate that are shown
_BESIDE = 32.0  # points beside the candidates, for names of sizes
_BELOW = 18.0  # points below no excess, for names of sizes
_UNDER, _ASIDE = 4.0, 5.0  # points between a size and its name


def regret(regret: Regret, *, ax: Axes | None = None) -> Axes:
    """Excess loss against model size, with the band of sizes that cost nothing to speak of.

    Parameters
    ----------
    regret : Regret
    ax : Axes, optional

    Returns
    -------
    Axes

    Examples
    --------
    >>> import scaling
    >>> ax = scaling.plot.regret(scaling.regret(scaling.published("besiroglu-2024"), 1e24))
    >>> ax.get_ylabel()
    'excess loss'
    """
    made_by(regret, Regret, "regret", "scaling.regret(fit, 1e24)")
    ax = axes_for(ax)
    table, curve = regret.table, regret.curve
    size = table.columns[0]
    quiet(ax)
    highest = float(np.nanmax(table[["excess_mean", "excess_p90"]].to_numpy()))
    tallest = max(highest, regret.within) * _HEADROOM
    seen = curve[curve["excess_mean"] <= tallest]
    if np.isfinite(regret.band[0]):
        ax.axvspan(*regret.band, color=MAIN, alpha=0.10, linewidth=0)
    ax.axhline(regret.within, color=QUIET, linewidth=0.8, linestyle=(0, (4, 3)))
    drawn = seen["excess_p90"].notna().any()
    if drawn:
        ax.fill_between(seen[size], seen["excess_mean"], seen["excess_p90"], color=MAIN,
                        alpha=BAND, linewidth=0)  # fmt: skip
    ax.plot(seen[size], seen["excess_mean"], color=MAIN, linewidth=1.6)
    ax.scatter(table[size], table["excess_mean"], s=26, color=SECOND, zorder=3)
    ax.set(xlabel=label(size), ylabel="mean excess loss" if drawn else "excess loss",
           ylim=(0, tallest))  # fmt: skip
    human_ticks(ax, "x", table[size])
    ax.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.3g}%"))
    title(ax, f"What each size costs at {human(regret.compute)} FLOPs")
    low, high = float(table[size].min()), float(table[size].max())
    middle, reach = np.sqrt(low * high), max(np.sqrt(high / low), _LEAST_REACH)
    leave_beside(ax, middle / reach, middle * reach, _BESIDE, _BESIDE)
    below = _BELOW / extent(ax)[1]
    ax.set_ylim(-below * tallest / (1 - below), tallest)
    _label(ax, regret, seen, size)
    return ax


def _label(ax: Axes, regret: Regret, seen: pd.DataFrame, size: str) -> None:
    """What the bands mean, and the sizes that have room for their names."""
    table, tallest, note = regret.table, ax.get_ylim()[1], sizes_of(ax).note
    board = Board(
        ax, lines=[(seen[size], seen[name].clip(upper=tallest)) for name in
                   ("excess_mean", "excess_p90")],
        dots=[(table[size], table["excess_mean"])],
    )  # fmt: skip
    if np.isfinite(regret.band[0]):
        middle = float(np.sqrt(regret.band[0] * regret.band[1]))
        spots = [Spot(middle, tallest, 0, -3 - down, "center", "top") for down in (0, 6, 12, 24)]
        words = (f"{human(regret.band[0])} to {human(regret.band[1])}\n"
                 f"within {100 * regret.within:g}% of the best")  # fmt: skip
        board.write(words, spots, size=note, color=MAIN)
    if seen["excess_p90"].notna().any():
        inside = seen[(seen["excess_p90"] <= tallest)
                      & seen[size].between(*table[size].agg(["min", "max"]))]  # fmt: skip
        upper = list(inside[[size, "excess_p90"]].itertuples(index=False))[::-1]
        spots = [Spot(x, y, across, 4, ha, "bottom") for x, y in upper
                 for across, ha in ((-4, "right"), (4, "left"))]  # fmt: skip
        board.write("9 of 10 resamples\nlie below", spots, size=note - 0.5, color=INK)
    left, right = ax.get_xlim()
    spots = [Spot(right, regret.within, -3, 2, "right", "bottom"),
             Spot(left, regret.within, 3, 2, "left", "bottom")]  # fmt: skip
    board.write(f"{100 * regret.within:g}%", spots, size=note - 0.5, color=QUIET)
    order = table["excess_mean"].argsort()
    for _, row in table.iloc[order].iterrows():
        spots = _spots(ax, regret, row[size], row["excess_mean"], note)
        board.write(human(row[size]), spots, size=note, color=INK, needed=False)


def _spots(ax: Axes, regret: Regret, size: float, excess: float, note: float) -> list[Spot]:
    """Places for a size's name by its point, none of them below the point of another size."""
    side = 1 if size > regret.optimum[0] else -1
    outer, inner = ("left", "right") if side > 0 else ("right", "left")
    under = Spot(size, excess, 0, -_UNDER, "center", "top")
    beside = Spot(size, excess, _ASIDE * side, -_UNDER, outer, "top")
    above = Spot(size, excess, -_ASIDE * side, 2, inner, "bottom")
    if excess > regret.within:
        return [beside, under, above]
    sizes = regret.table[regret.table.columns[0]].to_numpy()
    away = side * (points_of(ax, sizes, np.zeros(len(sizes)))[:, 0]
                   - points_of(ax, [size], [0.0])[0, 0])  # fmt: skip
    reach = _ASIDE + text_size(human(size), note)[0]
    return [under] if ((away > 0) & (away < reach)).any() else [under, beside]

"""Figure of smaller models of the same loss: what they cost to train, and when that pays."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from scaling.errors import ScalingError
from scaling.frontier.shrinking import Shrunk
from scaling.plot.labels import Board, Spot
from scaling.plot.style import BAND, INK, MAIN, SECOND, axes_for, label, made_by, quiet, sizes_of
from scaling.plot.style import title as titled
from scaling.plot.ticks import human_ticks
from scaling.text import human

__all__ = ["shrink"]

_HEADROOM = 1.08
_BESIDE = 5.0  # points between a point and its words


def shrink(shrunk: Shrunk, *, ax: Axes | None = None) -> Axes:
    """Extra compute of smaller models of the same loss, with the demand that pays it back.

    Parameters
    ----------
    shrunk : Shrunk
        By overhead, which draws intervals of the sizes.
    ax : Axes, optional

    Returns
    -------
    Axes

    Examples
    --------
    >>> import scaling
    >>> law = scaling.published("besiroglu-2024")
    >>> ax = scaling.plot.shrink(scaling.shrink(law, 1e23))
    >>> ax.get_ylabel()
    'extra training compute'
    """
    made_by(shrunk, Shrunk, "shrink", "scaling.shrink(fit, 1e24)")
    ax = axes_for(ax)
    table = shrunk.table[np.isfinite(shrunk.table["overhead"])].sort_values("overhead")
    if table.empty:
        raise ScalingError("No model of the answer reaches the loss, so there is nothing to draw.")
    size = next(name for name in table.columns if name.startswith("params"))
    quiet(ax)
    low, high = f"{size}_low", f"{size}_high"
    at = np.append(0.0, table["overhead"])
    if low in table.columns and table[low].notna().all():
        ax.fill_betweenx(table["overhead"], table[low], table[high], color=MAIN, alpha=BAND,
                         linewidth=0)  # fmt: skip
    ax.plot(np.append(shrunk.best[0], table[size]), at, color=MAIN, linewidth=1.6)
    ax.scatter(table[size], table["overhead"], s=22, color=MAIN, zorder=3)
    ax.scatter([shrunk.best[0]], [0.0], s=30, color=SECOND, zorder=3)
    ax.set(xlabel=label(size), ylabel="extra training compute", ylim=(0, at.max() * _HEADROOM))
    ax.set_xscale("log")
    human_ticks(ax, "x", np.append(table[size], shrunk.best[0]))
    ax.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.3g}%"))
    titled(ax, f"The loss of the best at {human(shrunk.compute)} FLOPs, in a smaller model")
    line = (np.append(shrunk.best[0], table[size]), at)
    board = Board(ax, lines=[line], dots=[line])
    note = sizes_of(ax).note
    _say(board, f"best: {human(shrunk.best[0])}", shrunk.best[0], 0.0, note, SECOND)
    for row in table.iloc[::-1].itertuples():
        words = f"{human(getattr(row, size))}, pays from\n{human(row.break_even_tokens)} served"
        _say(board, words, getattr(row, size), row.overhead, note, INK)
    return ax


def _say(board: Board, words: str, x: float, y: float, size: float, color: str) -> None:
    sides = ((_BESIDE, "left"), (-_BESIDE, "right"))
    spots = [Spot(x, y, across, up, ha, va) for across, ha in sides
             for up, va in ((0, "center"), (3, "bottom"), (9, "bottom"), (-3, "top"))]  # fmt: skip
    board.write(words, spots, size=size, color=color, needed=False)

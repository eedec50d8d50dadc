"""Figure of the regret: what each model size costs, and which sizes cost nothing to speak of."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from scaling.frontier import Regret
from scaling.plot.style import (
    BAND,
    INK,
    MAIN,
    QUIET,
    SECOND,
    axes_for,
    human_ticks,
    label,
    quiet,
    title,
)
from scaling.text import human

__all__ = ["regret"]

_HEADROOM = 1.25


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
    ax = axes_for(ax)
    table, curve = regret.table, regret.curve
    size = table.columns[0]
    tallest = float(np.nanmax(table[["excess_mean", "excess_p90"]].to_numpy())) * _HEADROOM
    seen = curve[curve["excess_mean"] <= tallest]
    if np.isfinite(regret.band[0]):
        ax.axvspan(*regret.band, color=MAIN, alpha=0.10, linewidth=0)
        middle = float(np.sqrt(regret.band[0] * regret.band[1]))
        ax.annotate(f"{human(regret.band[0])} to {human(regret.band[1])}\nwithin "
                    f"{100 * regret.within:g}% of the best", (middle, 0.97 * tallest), ha="center",
                    va="top", size=8.5, color=MAIN)  # fmt: skip
    ax.axhline(regret.within, color=QUIET, linewidth=0.8, linestyle=(0, (4, 3)))
    if seen["excess_p90"].notna().any():
        ax.fill_between(seen[size], seen["excess_mean"], seen["excess_p90"], color=MAIN,
                        alpha=BAND, linewidth=0)  # fmt: skip
        edge = seen[seen[size] <= table[size].max()].iloc[-1]
        ax.annotate(
            "9 of 10 resamples\nlie below",
            (edge[size], edge["excess_p90"]),
            xytext=(-4, 8),
            textcoords="offset points",
            size=8,
            color=INK,
            ha="right",
            va="bottom",
        )
    ax.plot(seen[size], seen["excess_mean"], color=MAIN, linewidth=1.6)
    ax.scatter(table[size], table["excess_mean"], s=26, color=SECOND, zorder=3)
    for _, row in table.iterrows():
        side = np.sign(np.log(row[size] / regret.optimum[0])) * (row["excess_mean"] > regret.within)
        ax.annotate(human(row[size]), (row[size], row["excess_mean"]), xytext=(6 * side, -12),
                    textcoords="offset points", ha=("right", "center", "left")[int(side) + 1],
                    size=8.5, color=INK)  # fmt: skip
    ax.set(xlabel=label(size), ylabel="excess loss", ylim=(-0.12 * tallest, tallest))
    human_ticks(ax, "x", table[size])
    ax.set_xlim(table[size].min() / 1.3, table[size].max() * 1.3)
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.3g}%"))
    title(ax, f"What each size costs at {human(regret.compute)} FLOPs")
    quiet(ax)
    return ax

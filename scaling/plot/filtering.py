"""Figure of pools of data: the error of each set along samples seen, and where to switch."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from scaling.forecast.filtering import PoolChoice
from scaling.forecast.pool_sets import ERROR, SEEN
from scaling.plot.labels import Board, Spot, label_lines
from scaling.plot.style import (
    BAND,
    INK,
    QUIET,
    SERIES,
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

__all__ = ["pools"]

_SPOTS = (0.98, 0.9, 0.8, 0.7, 0.6)  # heights at which a switch is named
_THIN, _THICK = 1.1, 2.6
_LOSERS = 3  # sets best nowhere that are named


def pools(choice: PoolChoice, *, ax: Axes | None = None) -> Axes:
    """Error of each set of pools along samples seen, with its band, and the switch points.

    The set that is best is drawn thick where it is; sets that are best nowhere are grey.

    Parameters
    ----------
    choice : PoolChoice
        At two numbers of samples or more.
    ax : Axes, optional

    Returns
    -------
    Axes

    Examples
    --------
    >>> import scaling
    >>> from scaling.laws import DataUtility
    >>> laws = {"good": DataUtility(n0=5e5, b=0.2, tau=3, d=0.1),
    ...         "fair": DataUtility(n0=5e5, b=0.16, tau=3, d=0.1)}
    >>> ax = scaling.plot.pools(scaling.which_pools(laws, [1e6, 1e9], sizes=1e7))
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('samples seen', 'error (fraction)')
    """
    made_by(choice, PoolChoice, "pools", "scaling.which_pools(fits, samples)")
    ax, curves = axes_for(ax), choice.curves
    seen, error = (choice.columns[role] for role in (SEEN, ERROR))
    quiet(ax)
    winners = list(dict.fromkeys(curves.sort_values(seen).query("lowest")["keep"]))
    ends, sets = [], curves.groupby("keep", sort=False)
    for name, own in sets:
        wins = name in winners
        colour, dashes, _ = SERIES[winners.index(name) % len(SERIES)] if wins else (QUIET, ":", "")
        _line(ax, own, (seen, error), colour, dashes)
        if wins or len(sets) - len(winners) <= _LOSERS:
            ends.append((own[seen].iloc[-1], own[error].iloc[-1], str(name), colour))
    ax.set(xlabel=label(seen), ylabel=label(error))
    human_ticks(ax, "x", curves[seen])
    quantity_ticks(ax, "y", spaced_ends(curves[error], log=True), log=True, most=6)
    band = f"; band {choice.level:.0%}, {choice.kind}" if choice.kind != "none" else ""
    title(ax, f"Which pools of data to keep{band}")
    label_lines(ax, ends, size=sizes_of(ax).note)
    _name_switches(ax, choice)
    return ax


def _line(ax: Axes, own: pd.DataFrame, names: tuple[str, str], colour: str, dashes: object) -> None:
    """A set's error, thick where no other set has less."""
    x, y = (own[name] for name in names)
    low, high = (own[f"{names[1]}{end}"] for end in ("_low", "_high"))
    if low.notna().any():
        ax.fill_between(x, low, high, color=colour, alpha=BAND, linewidth=0)
    ax.plot(x, y, color=colour, linewidth=_THIN, linestyle=dashes)
    ax.plot(x, y.where(own["lowest"]), color=colour, linewidth=_THICK)


def _name_switches(ax: Axes, choice: PoolChoice) -> None:
    """A line at each switch point, its interval shaded, with its number of samples."""
    curves, (low, high) = choice.curves, ax.get_ylim()
    seen, error = (choice.columns[role] for role in (SEEN, ERROR))
    board = Board(ax, lines=[(own[seen], own[error]) for _, own in curves.groupby("keep")])
    for _, row in choice.switches.iterrows():
        at, ends = float(row[seen]), [float(row[f"{seen}{end}"]) for end in ("_low", "_high")]
        if not np.isnan(ends).any():
            ax.axvspan(*np.clip(ends, curves[seen].min(), curves[seen].max()), color=INK,
                       alpha=BAND / 2, linewidth=0)  # fmt: skip
        ax.axvline(at, color=INK, linewidth=0.8)
        spots = [Spot(at, low * (high / low) ** share, across, 0, side, "top")
                 for share in _SPOTS for across, side in ((5, "left"), (-5, "right"))]  # fmt: skip
        board.write(f"switch at\n{human(at)}", spots, size=sizes_of(ax).note, color=INK)

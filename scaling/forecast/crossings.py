"""Where two curves cross: for the best laws and for every pair of draws."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling.forecast.sides import SAME, Pair
from scaling.law import Law
from scaling.reach import beyond
from scaling.source import summarise

__all__ = ["crossings", "signs", "turning_places", "turns"]

Array: TypeAlias = NDArray[np.float64]

_BISECTIONS = 50


def crossings(pair: Pair, grid: Array, gaps: Sequence[Array], level: float) -> pd.DataFrame:
    """One row a crossing of the best laws, with the draws that cross the same way."""
    lead = [signs(gap) for gap in gaps]
    rows = []
    for place in np.flatnonzero(turns(lead[0])[0]):
        rising = bool(lead[0][0, place + 1] > 0)  # a loses its lead
        best = _refined(pair, pair.laws[0], grid, np.array([place]), rising)
        drawn = _drawn(pair, grid, lead[1], rising, float(best[0])) if pair.drawn else None
        rows.append(_row(pair, float(best[0]), drawn, rising, level))
    axis = pair.a.axis
    columns = [axis, f"{axis}_low", f"{axis}_high", "below", "above", "probability",
               "probability_within_runs", "beyond"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _row(
    pair: Pair, best: float, drawn: Array | None, rising: bool, level: float
) -> tuple[Any, ...]:
    value, low, high = summarise(best, drawn, level)
    below, above = pair.names if rising else pair.names[::-1]
    inside = within = np.nan
    if drawn is not None and not np.isnan(drawn).all():
        known = drawn[~np.isnan(drawn)]
        inside = float((np.isfinite(known) & (known > 0)).mean())
        if pair.reach is not None:
            within = float(((known >= pair.reach[0]) & (known <= pair.reach[1])).mean())
    far = beyond({pair.a.axis: pair.reach} if pair.reach else {}, {pair.a.axis: np.array([best])})
    return (float(value), float(low), float(high), below, above, inside, within,
            float(far[0]) if pair.reach else np.nan)  # fmt: skip


def signs(gap: Array) -> Array:
    """Who leads at each place, shape (k, m): -1 the first, 1 the second; a tie goes on as before
    it, and a draw without a value anywhere has none at all.
    """
    sign = np.sign(np.where(np.abs(gap) < SAME, 0.0, gap))
    sign[np.isnan(sign).any(axis=-1)] = np.nan
    last = np.maximum.accumulate(np.where(sign != 0, np.arange(sign.shape[-1]), 0), axis=-1)
    return np.asarray(np.take_along_axis(sign, last, axis=-1))


def turns(sign: Array) -> NDArray[np.bool_]:
    """Intervals of the grid in which the lead changes, shape (k, m - 1)."""
    turns: NDArray[np.bool_] = sign[:, :-1] * sign[:, 1:] < 0
    return turns


def turning_places(gap: Array, grid: Array) -> Array:
    """Where the lead changes, for all draws together; on a straight line between two places.

    Parameters
    ----------
    gap : ndarray, shape (k, m)
        Log ratio of the losses of each draw.
    grid : ndarray, shape (m,)

    Examples
    --------
    >>> turning_places(np.array([[-1.0, 1.0], [1.0, 2.0]]), np.array([1.0, 100.0])).round(9)
    array([10.])
    """
    draw, place = np.nonzero(turns(signs(gap)))
    before, after = gap[draw, place], gap[draw, place + 1]
    steps = np.diff(np.log(grid))[place]
    return np.asarray(grid[place] * np.exp(steps * before / (before - after)))


def _drawn(pair: Pair, grid: Array, sign: Array, rising: bool, best: float) -> Array:
    """Crossing of each draw that changes the lead the same way, the nearest to the best's; 0 or
    infinite where the draw's lead says that it lies before or after the range.
    """
    sign = np.broadcast_to(sign, (pair.count, len(grid)))
    same = turns(sign) & ((sign[:, 1:] > 0) == rising)
    middles = np.log(np.sqrt(grid[:-1] * grid[1:]))
    away = np.where(same, np.abs(middles - np.log(best)), np.inf)
    found = _refined(pair, pair.laws[1], grid, away.argmin(axis=-1), rising)
    after = sign[:, -1] < 0 if rising else sign[:, -1] > 0  # the winner below still leads
    outside = np.where(after, np.inf, 0.0)
    tied = (sign == 0).all(axis=-1) | np.isnan(sign).any(axis=-1)
    return np.where(same.any(axis=-1), found, np.where(tied, np.nan, outside))


def _refined(
    pair: Pair, laws: tuple[Law, Law], grid: Array, place: NDArray[np.intp], rising: bool
) -> Array:
    """The crossing inside one interval of the grid for each draw, by bisection."""
    low, high = np.log(grid[place]), np.log(grid[place + 1])
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        gap = pair.gap(laws, np.exp(middle)[:, None])[:, 0]
        before = gap < 0 if rising else gap > 0
        low, high = np.where(before, middle, low), np.where(before, high, middle)
    return np.asarray(np.exp((low + high) / 2))

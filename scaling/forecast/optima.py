"""Optima of all cells of a sweep: the lowest points of quadratics, and how well they are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from scaling.forecast.bowls import Bowls, Lowest, fitted
from scaling.forecast.swept import Swept
from scaling.source import summarise

__all__ = ["Optima", "optima_of"]

Array: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.intp]
Mask: TypeAlias = NDArray[np.bool_]

_NEAR = 5e-3  # of the loss, above the lowest point, up to which a quadratic follows most sweeps
_TIMES_NOISE = 5.0  # noise of a run up to which at least runs are near: less, and luck chooses them
_KEPT = 0.5  # share of draws with an optimum inside, below which a cell has none
_BLOCK = 2_000_000  # numbers drawn at once


@dataclass(frozen=True)
class Optima:
    """Optima of all cells, NaN where there is none.

    Attributes
    ----------
    place, place_low, place_high : ndarray, shape (c, d)
        Logs of where they lie, and the ends of their intervals.
    value, value_low, value_high : ndarray, shape (c,)
        Log losses.
    error : ndarray, shape (c,)
        Standard error of the log loss.
    width : ndarray, shape (c, d)
        As in :class:`scaling.forecast.bowls.Lowest`.
    share : ndarray, shape (c,)
        Of the draws, how many have an optimum inside what was swept.
    solid : ndarray of bool, shape (c,)
        Whether there were runs enough for a quadratic.
    edge : ndarray of int, shape (c, d)
        -1 and 1 where an optimum that was not kept lies at or beyond the low or the high end.
    near : ndarray of bool, shape (n,)
        The runs that were fitted.
    noise, within : float
        Standard deviation of a run; excess up to which runs are near.
    """

    place: Array
    place_low: Array
    place_high: Array
    value: Array
    value_low: Array
    value_high: Array
    error: Array
    width: Array
    share: Array
    solid: Mask
    edge: Ints
    near: Mask
    noise: float
    within: float

    @property
    def kept(self) -> Mask:
        """Cells whose optimum lies inside, for the most part of the draws too."""
        return np.isfinite(self.value) & (self.share >= _KEPT)


def optima_of(
    swept: Swept, near: float | None, n: int, level: float, stream: np.random.Generator
) -> Optima:
    """Optima of all cells of a sweep.

    Parameters
    ----------
    swept : Swept
    near : float or None
        Relative excess loss; found from the noise by default.
    n : int
        Draws of each optimum.
    level : float
    stream : Generator
    """
    parts = _parts(swept)
    within = _NEAR if near is None else near
    bowls = [_fitted(swept, cells, dims, within) for cells, dims in parts]
    noise, freedom = _noise(bowls)
    if near is None and _TIMES_NOISE * noise > within:
        within = _TIMES_NOISE * noise
        bowls = [_fitted(swept, cells, dims, within) for cells, dims in parts]
        noise, freedom = _noise(bowls)
    c, d = len(swept.starts), len(swept.over)
    wide = {name: np.full((c, d), np.nan) for name in ("place", "place_low", "place_high", "width")}
    long = {name: np.full(c, np.nan) for name in ("value", "value_low", "value_high", "error")}
    made = Optima(
        **wide, **long, share=np.zeros(c), solid=np.zeros(c, dtype=bool),
        edge=np.zeros((c, d), dtype=int), near=np.zeros(len(swept.y), dtype=bool), noise=noise,
        within=within,
    )  # fmt: skip
    for (cells, dims), bowl in zip(parts, bowls, strict=True):
        _fill(made, swept, cells, dims, bowl, freedom, n, level, stream)
    made.edge[:] = _edges(swept, made)
    return made


def _parts(swept: Swept) -> list[tuple[Mask, Mask]]:
    """Cells by which hyperparameters they vary, those that vary none left out."""
    varied = swept.high > swept.low
    kinds = np.unique(varied, axis=0)
    return [((varied == dims).all(axis=1), dims) for dims in kinds if dims.any()]


def _fitted(swept: Swept, cells: Mask, dims: Mask, near: float) -> Bowls:
    runs = np.repeat(cells, swept.counts)
    starts = np.cumsum(np.append(0, swept.counts[cells]))[:-1]
    return fitted(swept.x[runs][:, dims], swept.y[runs], starts, near)


def _noise(bowls: Sequence[Bowls]) -> tuple[float, float]:
    """Standard deviation of a run, and its degrees of freedom; NaN and 0 where none is known.

    It is that of the middle cell, so that one cell with a broken run does not drown the others.
    """
    freedom = np.concatenate([bowl.freedom for bowl in bowls] or [np.zeros(0)])
    some = freedom > 0
    if not some.any():
        return np.nan, 0.0
    left, free = np.concatenate([bowl.left for bowl in bowls])[some], freedom[some]
    variance = left / free / (1 - 2 / (9 * free)) ** 3  # whose median is that of a run's noise
    return float(np.sqrt(np.median(variance))), float(free.sum())


def _fill(
    made: Optima, swept: Swept, cells: Mask, dims: Mask, bowls: Bowls, freedom: float, n: int,
    level: float, stream: np.random.Generator,
) -> None:  # fmt: skip
    """Write the optima of some cells into the arrays of all."""
    own = bowls.lowest()
    low, high = swept.low[cells][:, dims], swept.high[cells][:, dims]
    rows, both = np.flatnonzero(cells), np.ix_(cells, dims)
    inside = np.isfinite(own.value) & _inside(own.place, low, high)
    made.place[both], made.value[rows] = own.place, np.where(inside, own.value, np.nan)
    made.width[both], made.solid[rows] = own.width, bowls.solid
    made.near[np.repeat(cells, swept.counts)] = bowls.near
    made.share[rows] = inside
    if not (n and freedom):
        return
    made.error[rows] = made.noise * bowls.error_at(own.place)
    size = max(1, _BLOCK // (n * bowls.coefs.shape[1]))
    for first in range(0, len(rows), size):  # blocks of cells, for the memory
        block = slice(first, first + size)
        drawn = bowls.part(block).drawn(made.noise, freedom, n, stream)
        some = rows[block]
        made.share[some] *= _inside(drawn.place, low[block], high[block]).mean(axis=0)
        _, made.value_low[some], made.value_high[some] = summarise(
            own.value[block], drawn.value, level
        )
        place = _open(drawn, low[block], high[block])
        at = np.ix_(some, dims)
        _, made.place_low[at], made.place_high[at] = summarise(own.place[block], place, level)


def _inside(place: Array, low: Array, high: Array) -> Mask:
    """Whether a place lies between the ends of what was swept; not where it is NaN."""
    return np.asarray(((place > low) & (place < high)).all(axis=-1))


def _open(drawn: Lowest, low: Array, high: Array) -> Array:
    """Places of the draws; beyond what was swept nothing is known of how far."""
    place = np.where(drawn.place > high, np.inf, drawn.place)
    return np.where(place < low, -np.inf, place)


def _edges(swept: Swept, made: Optima) -> Ints:
    """At or beyond which ends the optima lie that were not kept."""
    best, known = swept.x[swept.starts], np.isfinite(made.place)
    place = np.where(known, made.place, best)
    middle = swept.y[swept.starts + swept.counts // 2]
    steep = middle - swept.y[swept.starts] > _TIMES_NOISE * np.nan_to_num(made.noise)
    # Where the loss hardly changes and the quadratic has no lowest point, the best run is anywhere.
    told = (swept.high > swept.low) & (made.solid & ~made.kept)[:, None] & (known | steep[:, None])
    high = (place >= swept.high).astype(np.intp)
    return np.where(told, high - (place <= swept.low), 0)

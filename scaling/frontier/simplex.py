"""Shares of a whole that make a sum of exponentials least: many problems solved together.

The logarithm of a sum of exponentials of linear functions is convex, so one least value exists.
It is found by following the minima under a barrier at the bounds (a primal-dual interior-point
method with a line search). The logarithm is taken because its slopes are averages of the
exponents, however unequal the terms are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from scaling.errors import ScalingError

__all__ = ["gap_of", "least_shares"]

Array: TypeAlias = NDArray[np.float64]

_STEPS = 300
_LOWERED = 0.1  # the next barrier, of the last one
_CENTRED = 0.3  # of the barrier: a step that gains less has reached its minimum
_INSIDE = 0.99  # of the way to the nearest bound
_GAINED, _HALVINGS = 1e-4, 40  # of the line search
_ROUNDING = 1e-14
_SOLVED = 1e-11  # gap in the logarithm of the sum
_AT_BOUND = 1e-9  # a share this near to its bound is at it


def least_shares(exponents: Array, logs: Array, low: Array, high: Array) -> Array:
    r"""Shares between bounds, adding to 1, at which :math:`\sum_v e^{b_v + a_v \cdot r}` is least.

    Parameters
    ----------
    exponents : ndarray, shape (k, v, j)
        a, of v terms by j shares, in k problems.
    logs : ndarray, shape (k, v)
        b.
    low, high : ndarray, shape (j,) or (k, j)
        Bounds; shares between them that add to 1 exist.

    Returns
    -------
    ndarray, shape (k, j)

    Raises
    ------
    ScalingError
        If one was not found.

    Examples
    --------
    >>> both = np.log([[[0.1, 1.0], [1.0, 0.1]]])  # each domain's own loss falls tenfold
    >>> least_shares(both, np.zeros((1, 2)), np.zeros(2), np.ones(2)).round(6)
    array([[0.5, 0.5]])
    """
    shape = (len(exponents), exponents.shape[2])
    low, high = _tightened(np.broadcast_to(low, shape), np.broadcast_to(high, shape))
    found = np.empty(shape)
    left = np.arange(len(found))
    problem = _Problem(exponents, logs, low, high)
    at = _Point(_inside(low, high), *(problem.free / problem.width,) * 2, np.ones((len(found), 1)))
    for _ in range(_STEPS):
        slopes, curved = problem.slopes(at.shares)
        solved = _gap(slopes, at.shares, problem.low, problem.high) <= _SOLVED
        found[left[solved]] = at.shares[solved]
        left, problem, at = left[~solved], problem.some(~solved), at.some(~solved)
        if not len(left):
            return _at_bounds(found, low, high)
        at = problem.stepped(at, slopes[~solved], curved[~solved])
    worst = float(np.abs(exponents).max())
    raise ScalingError(f"The best shares were not found in {_STEPS} steps: the logarithms of the "
                       f"law's k reach {worst:.3g}. Fix or bound the smallest.")  # fmt: skip


@dataclass(frozen=True)
class _Point:
    """Shares, what each bound pushes back with, and the barrier, shape (k, 1)."""

    shares: Array
    below: Array
    above: Array
    barrier: Array

    def some(self, rows: NDArray[np.bool_]) -> _Point:
        return _Point(*(value[rows] for value in vars(self).values()))


@dataclass(frozen=True)
class _Problem:
    exponents: Array
    logs: Array
    low: Array
    high: Array

    def some(self, rows: NDArray[np.bool_]) -> _Problem:
        return _Problem(*(value[rows] for value in vars(self).values()))

    @property
    def free(self) -> NDArray[np.bool_]:
        """Shares that can move."""
        return np.asarray(self.high - self.low > _AT_BOUND)

    @property
    def width(self) -> Array:
        return np.where(self.free, self.high - self.low, 1.0)

    def rooms(self, shares: Array) -> tuple[Array, Array]:
        """Distances to the two bounds; 1 where a share cannot move."""
        free = self.free
        return np.where(free, shares - self.low, 1.0), np.where(free, self.high - shares, 1.0)

    def value(self, shares: Array, barrier: Array) -> Array:
        """Logarithm of the sum with the barrier, shape (k,)."""
        terms = self.logs + np.einsum("kvj,kj->kv", self.exponents, shares)
        top = terms.max(axis=1)
        rooms = sum(np.log(room).sum(axis=1) for room in self.rooms(shares))
        return np.asarray(
            top + np.log(np.exp(terms - top[:, None]).sum(axis=1)) - barrier[:, 0] * rooms
        )

    def slopes(self, shares: Array) -> tuple[Array, Array]:
        """First and second derivatives of the logarithm of the sum."""
        terms = self.logs + np.einsum("kvj,kj->kv", self.exponents, shares)
        sizes = np.exp(terms - terms.max(axis=1, keepdims=True))
        sizes /= sizes.sum(axis=1, keepdims=True)
        slopes = np.einsum("kv,kvj->kj", sizes, self.exponents)
        apart = self.exponents - slopes[:, None, :]
        return slopes, np.einsum("kvi,kvj->kij", sizes[:, :, None] * apart, apart, optimize=True)

    def stepped(self, at: _Point, slopes: Array, curved: Array) -> _Point:
        """One step down, and a lower barrier for those that it hardly moved."""
        free, (to_low, to_high) = self.free, self.rooms(at.shares)
        walled = np.where(free, slopes - at.barrier / to_low + at.barrier / to_high, 0.0)
        move = _newton(walled, curved, at.below / to_low + at.above / to_high, free)
        below = np.where(free, (at.barrier - at.below * move) / to_low - at.below, 0.0)
        above = np.where(free, (at.barrier + at.above * move) / to_high - at.above, 0.0)
        gain = (walled * move).sum(axis=1)
        longest = _reach(np.hstack([to_low, to_high]), np.hstack([move, -move]))
        step = self._line(at, move, gain, longest)[:, None]
        push = _reach(np.hstack([at.below, at.above]), np.hstack([below, above]))[:, None]
        centred = (-gain <= _CENTRED * at.barrier[:, 0])[:, None]
        return _Point(at.shares + step * move, at.below + push * below, at.above + push * above,
                      np.where(centred, _LOWERED, 1.0) * at.barrier)  # fmt: skip

    def _line(self, at: _Point, move: Array, gain: Array, step: Array) -> Array:
        """Steps halved until each gains what its slope promises."""
        before = self.value(at.shares, at.barrier)
        for _ in range(_HALVINGS):
            after = self.value(at.shares + step[:, None] * move, at.barrier)
            slack = _ROUNDING * (1 + np.abs(before))
            short = after > before + _GAINED * step * gain + slack
            if not short.any():
                break
            step = np.where(short, step / 2, step)
        return step


def gap_of(exponents: Array, logs: Array, shares: Array, low: Array, high: Array) -> Array:
    """By how much the logarithm of the sum may at most exceed its least value.

    A convex function lies above its tangent, so the lowest point of the tangent is a floor.

    Parameters
    ----------
    exponents, logs, low, high : ndarray
        As in :func:`least_shares`.
    shares : ndarray, shape (k, j)

    Returns
    -------
    ndarray, shape (k,)

    Examples
    --------
    >>> alone = np.log([[[0.1, 1.0]]])
    >>> low, high, even = np.zeros(2), np.ones(2), np.array([[0.5, 0.5]])
    >>> float(gap_of(alone, np.zeros((1, 1)), even, low, high)[0].round(4))  # half of log(10)
    1.1513
    """
    low, high = np.broadcast_to(low, shares.shape), np.broadcast_to(high, shares.shape)
    return _gap(_Problem(exponents, logs, low, high).slopes(shares)[0], shares, low, high)


def _tightened(low: Array, high: Array) -> tuple[Array, Array]:
    """Bounds that each share can reach while the others stay within theirs."""
    others_low = low.sum(axis=1, keepdims=True) - low
    others_high = high.sum(axis=1, keepdims=True) - high
    return np.maximum(low, 1 - others_high), np.minimum(high, 1 - others_low)


def _inside(low: Array, high: Array) -> Array:
    """Shares as far between the bounds as a sum of 1 allows, the same part of the way in all."""
    width = (high - low).sum(axis=1, keepdims=True)
    part = (1 - low.sum(axis=1, keepdims=True)) / np.where(width > 0, width, 1.0)
    return np.asarray(low + part * (high - low))


def _newton(slopes: Array, curved: Array, stiff: Array, free: NDArray[np.bool_]) -> Array:
    """Step that keeps the sum of the shares; those that are not free stay."""
    # Adding 1 to each entry changes no step that keeps the sum, and curves the way that does not.
    both = free[:, :, None] & free[:, None, :]
    diagonal = np.where(free, stiff, 1.0)[:, :, None] * np.eye(slopes.shape[1])
    sides = np.stack([slopes, free.astype(float)], axis=2)
    found = np.linalg.solve(np.where(both, curved + 1.0, 0.0) + diagonal, sides)
    down, along = found[:, :, 0], found[:, :, 1]
    total = along.sum(axis=1, keepdims=True)
    return np.asarray(along * down.sum(axis=1, keepdims=True) / np.where(total, total, 1) - down)


def _reach(distance: Array, speed: Array) -> Array:
    """Longest step, at most 1, after which all distances are still positive."""
    times = np.where(speed < 0, _INSIDE * distance / np.where(speed < 0, -speed, 1.0), 1.0)
    return np.asarray(np.minimum(times.min(axis=1), 1.0))


def _gap(slopes: Array, shares: Array, low: Array, high: Array) -> Array:
    """Slopes along the way to the lowest point of the tangent: the steepest domain gets most."""
    order = np.argsort(slopes, axis=1)
    lows, rooms, down = (
        np.take_along_axis(one, order, axis=1) for one in (low, high - low, slopes)
    )
    before = np.cumsum(rooms, axis=1) - rooms
    spare = 1 - low.sum(axis=1, keepdims=True)
    lowest = (down * (lows + np.clip(spare - before, 0, rooms))).sum(axis=1)
    return np.asarray((slopes * shares).sum(axis=1) - lowest)


def _at_bounds(shares: Array, low: Array, high: Array) -> Array:
    """Shares next to a bound put on it; what that leaves goes to the one with most room."""
    put = np.where(shares - low < _AT_BOUND, low, np.where(high - shares < _AT_BOUND, high, shares))
    widest = np.minimum(put - low, high - put).argmax(axis=1)[:, None]
    rest = 1 - put.sum(axis=1, keepdims=True)
    np.put_along_axis(put, widest, np.take_along_axis(put, widest, axis=1) + rest, axis=1)
    return np.asarray(put)

"""Quadratics of log loss near the best runs of many cells at once, and their lowest points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Bowls", "Lowest", "fitted"]

Array: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.intp]
Mask: TypeAlias = NDArray[np.bool_]

_TIMES_FREE = 2  # runs that a quadratic gets at least, for each of its coefficients
_MORE = 2  # times as many are taken where those lie on too few values
_WIDE = 4.0  # times as high as the runs near the best, lie those that shape a bowl first
_WILD = 2.0  # and from here on a run is none of the bowl, wherever it lies
_FLATTEST = 0.05  # of its steepest direction, that a bowl is taken to bend in its others
_ROUNDS = 6  # of moving to the lowest point and choosing the runs around it
_SINGULAR = 1e-9  # least eigenvalue of the normal equations, whose diagonal is 1
_FLAT = 1e-9  # log loss by which a bowl must rise over its runs' spread


@dataclass(frozen=True)
class Bowls:
    """Quadratics ``y = c + g u + u H u / 2`` of c cells, in units of each cell.

    Attributes
    ----------
    middle, unit : ndarray, shape (c, d)
        ``u = (x - middle) / unit``.
    coefs : ndarray, shape (c, p)
        Constant, slopes, and the products of each two coordinates.
    spread : ndarray, shape (c, p, p)
        Covariance of the coefficients over the variance of a run.
    solid : ndarray of bool, shape (c,)
        Whether the runs fix all coefficients; the others are 0.
    near : ndarray of bool, shape (n,)
        The runs that were fitted.
    freedom : ndarray, shape (c,)
        Runs fitted beyond the number of coefficients.
    left : ndarray, shape (c,)
        Sum of the squares of the residuals.
    """

    middle: Array
    unit: Array
    coefs: Array
    spread: Array
    solid: Mask
    near: Mask
    freedom: Array
    left: Array

    def lowest(self) -> Lowest:
        """The lowest point of each bowl."""
        return Lowest.of(self.coefs, self.middle, self.unit)

    def part(self, cells: slice) -> Bowls:
        """Some of the cells; which runs were near is left out."""
        each = {name: getattr(self, name)[cells] for name in
                ("middle", "unit", "coefs", "spread", "solid", "freedom", "left")}  # fmt: skip
        return Bowls(**each, near=self.near[:0])

    def error_at(self, place: Array) -> Array:
        """Standard error of each bowl at a place of its own, over that of a run, shape (c,)."""
        terms = _terms((np.nan_to_num(place) - self.middle) / self.unit)
        variance = np.einsum("ci,cij,cj->c", terms, self.spread, terms)
        return np.asarray(np.sqrt(np.maximum(variance, 0.0)))

    def drawn(
        self, noise: float, freedom: float, count: int, stream: np.random.Generator
    ) -> Lowest:
        """Lowest points of bowls whose coefficients are drawn from their errors.

        Parameters
        ----------
        noise : float
            Standard deviation of a run.
        freedom : float
            Degrees of freedom that it is known with: the draws are Student's.
        count : int
        stream : Generator
        """
        cells, p = self.coefs.shape
        root = np.linalg.cholesky(np.where(self.solid[:, None, None], self.spread, np.eye(p)))
        scale = noise * np.sqrt(freedom / stream.chisquare(freedom, count))
        steps = np.einsum("cij,kcj->kci", root, stream.normal(size=(count, cells, p)))
        return Lowest.of(self.coefs + scale[:, None, None] * steps, self.middle, self.unit)


@dataclass(frozen=True)
class Lowest:
    """Lowest points of bowls: NaN where one has none.

    Attributes
    ----------
    place : ndarray, shape (..., c, d)
    value : ndarray, shape (..., c)
    width : ndarray, shape (..., c, d)
        How far from its lowest point a coordinate may go until y has risen by one half, the other
        coordinates following at their best.
    """

    place: Array
    value: Array
    width: Array

    @classmethod
    def of(cls, coefs: Array, middle: Array, unit: Array) -> Lowest:
        """Lowest points of quadratics with these coefficients."""
        d = middle.shape[-1]
        slope, bend = coefs[..., 1 : d + 1], _bend(coefs, d)
        rising = np.linalg.eigvalsh(bend)[..., 0] > _FLAT
        inverse = np.linalg.inv(np.where(rising[..., None, None], bend, np.eye(d)))
        step = -np.einsum("...ij,...j->...i", inverse, slope)
        value = coefs[..., 0] + np.einsum("...i,...i->...", step, slope) / 2
        width = np.sqrt(np.diagonal(inverse, axis1=-2, axis2=-1)) * unit
        bad = ~rising[..., None]
        return cls(
            np.where(bad, np.nan, middle + unit * step), np.where(rising, value, np.nan),
            np.where(bad, np.nan, width),
        )  # fmt: skip


def fitted(x: Array, y: Array, starts: Ints, near: float) -> Bowls:
    """A quadratic through the runs of each cell that lie near its best.

    Chosen by their own loss, runs would be chosen for their luck, and the bowl be too low and too
    flat. So a wide bowl, of the runs that lie within four times ``near`` of the lowest, only says
    which runs are close to each other: the ones fitted are those at which it rises by no more
    than ``near`` from the lowest point, which moves to that of the bowl through them, a few times
    over. At least two runs are taken for each coefficient of the quadratic, and more where these
    do not fix it.

    Parameters
    ----------
    x : ndarray, shape (n, d)
        Logs of what was swept.
    y : ndarray, shape (n,)
        Log loss; within a cell the lowest comes first.
    starts : ndarray of int, shape (c,)
        Where each cell begins.
    near : float
    """
    cells = _Cells.of(starts, len(y))
    least = np.full(len(starts), _TIMES_FREE * _free(x.shape[1]))
    above = y - y[starts][cells.cell]
    reach = np.maximum(near, cells.height_of(least, above))[cells.cell]
    usable = above <= _WIDE * reach
    middle, unit = cells.units(x, usable)
    u = (x - middle[cells.cell]) / unit[cells.cell]
    terms = _terms(u)
    wide = _solved(terms, y, cells, usable, middle, unit)
    shape = _rounded_up(_bend(wide.coefs, x.shape[1]))
    bowls, place = wide, u[starts]
    for _ in range(_ROUNDS):
        place = cells.within(u, bowls.near, (bowls.lowest().place - middle) / unit, place)
        away = u - place[cells.cell]
        rise = np.einsum("ni,nij,nj->n", away, shape[cells.cell], away) / 2
        rise[above > _WILD * reach] = np.inf
        chosen = rise <= np.maximum(near, cells.height_of(least, rise))[cells.cell]
        bowls = _solved(terms, y, cells, chosen & (rise < np.inf), middle, unit)
        least = np.where(bowls.solid, least, _MORE * least)
    return bowls


@dataclass(frozen=True)
class _Cells:
    """Which of n runs, in order, are of which cell."""

    starts: Ints
    counts: Ints
    cell: Ints

    @classmethod
    def of(cls, starts: Ints, n: int) -> _Cells:
        counts = np.diff(starts, append=n)
        return cls(starts, counts, np.repeat(np.arange(len(starts)), counts))

    def height_of(self, rank: Ints, height: Array) -> Array:
        """Height of the lowest runs up to this rank, in each cell."""
        ordered = height[np.lexsort((height, self.cell))]
        return np.asarray(ordered[self.starts + np.minimum(rank, self.counts) - 1])

    def units(self, x: Array, used: Mask) -> tuple[Array, Array]:
        """Middle and spread of the used runs of each cell; a spread of 0 becomes 1."""
        weight = used[:, None].astype(float)
        count = np.add.reduceat(weight, self.starts)
        middle = np.add.reduceat(weight * x, self.starts) / count
        away = weight * (x - middle[self.cell])
        spread = np.sqrt(np.add.reduceat(away**2, self.starts) / count)
        return middle, np.where(spread > 0, spread, 1.0)

    def within(self, u: Array, used: Mask, place: Array, before: Array) -> Array:
        """The place, not beyond the runs used; where there is none, the one before."""
        low = np.minimum.reduceat(np.where(used[:, None], u, np.inf), self.starts)
        high = np.maximum.reduceat(np.where(used[:, None], u, -np.inf), self.starts)
        return np.where(np.isfinite(place), np.clip(place, low, high), before)


def _free(d: int) -> int:
    """Coefficients of a quadratic in d coordinates."""
    return (d + 1) * (d + 2) // 2


def _terms(u: Array) -> Array:
    """What the coefficients multiply, shape (n, p)."""
    first, second = np.triu_indices(u.shape[1])
    return np.column_stack([np.ones(len(u)), u, u[:, first] * u[:, second]])


def _bend(coefs: Array, d: int) -> Array:
    """Second derivatives, shape (..., d, d)."""
    first, second = np.triu_indices(d)
    bend = np.zeros((*coefs.shape[:-1], d, d))
    bend[..., first, second] += coefs[..., d + 1 :]
    bend[..., second, first] += coefs[..., d + 1 :]
    return bend


def _rounded_up(bend: Array) -> Array:
    """Second derivatives with none much below the largest, so that they measure how far away."""
    values, vectors = np.linalg.eigh(bend)
    most = values[:, -1:]
    values = np.where(most > _FLAT, np.maximum(values, _FLATTEST * most), 1.0)
    return np.asarray(np.einsum("cij,cj,ckj->cik", vectors, values, vectors))


def _solved(
    terms: Array, y: Array, cells: _Cells, chosen: Mask, middle: Array, unit: Array
) -> Bowls:
    """Least squares of each cell on its chosen runs, all cells at once."""
    kept = np.where(chosen[:, None], terms, 0.0)
    p, base = terms.shape[1], y[cells.starts]
    square = np.stack([
        np.add.reduceat(kept[:, row, None] * kept, cells.starts) for row in range(p)
    ], axis=1)  # fmt: skip
    size = np.sqrt(np.maximum(np.diagonal(square, axis1=1, axis2=2), np.finfo(float).tiny))
    size = size[:, :, None] * size[:, None, :]
    solid = np.linalg.eigvalsh(square / size)[:, 0] > _SINGULAR
    known = solid[:, None, None]
    spread = np.linalg.inv(np.where(known, square / size, np.eye(p))) / size * known
    wanted = np.add.reduceat(kept * (y - base[cells.cell])[:, None], cells.starts)
    coefs = np.einsum("cij,cj->ci", spread, wanted)
    coefs[:, 0] += base * solid
    residual = np.where(chosen, y - np.einsum("np,np->n", terms, coefs[cells.cell]), 0.0)
    freedom = np.add.reduceat(chosen, cells.starts, dtype=float) - p
    left = np.add.reduceat(residual**2, cells.starts)
    return Bowls(middle, unit, coefs, spread, solid, chosen, freedom * solid, left * solid)

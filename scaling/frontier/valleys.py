"""Valleys of loss at fixed computes: three smooth curves through the sizes run, all in batches.

Arrays are padded: ``x`` of shape (b, m) holds log sizes of b budgets with up to m runs each, and
``used`` says which cells are runs. Losses may come as (b, m), or (k, b, m) for k resamples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["METHODS", "Akima", "LawSlice", "Parabola", "Valleys", "neighbour_noise"]

Array: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]

_EXPONENTS = (0.1, 0.8)  # of a law's slice: where those of published laws lie
_GRID = 8  # exponents tried each way before steps begin
_STEPS, _DAMPING = 6, 1e-3
_ALIKE = 0.05  # log sizes this close are one to a spline, which would swing between them
_TINY = 1e-12
_NOTHING = 1e-9  # of the loss: a slope that is rounding
_WINDOWS = 20_000  # of neighbours at most, evenly chosen
_NEIGHBOURS = 4  # consecutive sizes whose third difference tells the noise
_COFACTORS = ((-1, 1, 2, 3), (1, 0, 2, 3), (-1, 0, 1, 3), (1, 0, 1, 2))  # sign, the other three
_APART = 1e-9  # of the span, between sizes that are equal


class Valleys(Protocol):
    """Curves through the runs of each budget, and where they are lowest."""

    def __init__(self, x: Array, y: Array, used: Mask) -> None:
        """Fit the curves to losses of shape (b, m) or (k, b, m)."""

    def lowest(self) -> tuple[Array, Array]:
        """Log size and loss of each minimum, shape (b,) or (k, b); NaN where it is at an end."""

    def at(self, grid: Array) -> Array:
        """Losses on a grid of log sizes of shape (b, g)."""


def _inside(place: Array, x: Array, used: Mask) -> Array:
    low = np.where(used, x, np.inf).min(axis=-1)
    high = np.where(used, x, -np.inf).max(axis=-1)
    return np.where((place > low) & (place < high), place, np.nan)


class Parabola:
    """Parabola of the loss in the log size: approach 2 of Hoffmann et al. 2022, sec. 3.2."""

    def __init__(self, x: Array, y: Array, used: Mask) -> None:
        self.x, self.used = x, used
        self.centre = (x * used).sum(axis=-1) / used.sum(axis=-1)
        away = (x - self.centre[:, None]) * used
        self.scale = np.maximum(np.abs(away).max(axis=-1), _TINY)
        design = self._powers(away / self.scale[:, None]) * used[..., None]
        self.coefs = np.einsum("bcm,...bm->...bc", np.linalg.pinv(design), y * used)

    @staticmethod
    def _powers(z: Array) -> Array:
        return np.stack([np.ones_like(z), z, z**2], axis=-1)

    def lowest(self) -> tuple[Array, Array]:
        """Vertex of each parabola that opens upwards within the sizes run."""
        constant, slope, bend = (self.coefs[..., power] for power in range(3))
        with np.errstate(all="ignore"):
            z = np.where(bend > 0, -slope / (2 * bend), np.nan)
        place = _inside(self.centre + self.scale * z, self.x, self.used)
        return place, np.where(np.isnan(place), np.nan, constant + z * slope / 2)

    def at(self, grid: Array) -> Array:
        """Parabolas on the grid."""
        z = (grid - self.centre[:, None]) / self.scale[:, None]
        return np.asarray(np.einsum("bgc,...bc->...bg", self._powers(z), self.coefs))


class Akima:
    """Akima's spline of log loss in the log size, through every run (Porian et al. 2024)."""

    def __init__(self, x: Array, y: Array, used: Mask) -> None:
        from scipy.interpolate import Akima1DInterpolator

        self.x, self.y, self.used = x, y, used
        self.splines = []
        for row, cells in enumerate(used):
            order = np.argsort(x[row, cells], kind="stable")
            sizes = x[row, cells][order]
            first = _alike(sizes)
            count = np.diff(np.append(first, len(sizes)))
            log_loss = np.log(y[..., row, cells][..., order])
            mean = np.add.reduceat(log_loss, first, axis=-1) / count
            place = np.add.reduceat(sizes, first) / count
            self.splines.append(
                Akima1DInterpolator(place, np.moveaxis(mean, -1, 0)) if len(place) > 1 else None
            )  # sizes that are all alike have no spline

    def lowest(self) -> tuple[Array, Array]:
        """Least of each spline, where it is not at an end."""
        nothing = np.full(self.y.shape[:-2], np.nan)
        found = [(nothing, nothing) if spline is None else _lowest_of(spline)
                 for spline in self.splines]  # fmt: skip
        place = np.stack([place for place, _ in found], axis=-1)
        loss = np.exp(np.stack([least for _, least in found], axis=-1))
        inside = _inside(place, self.x, self.used)
        return inside, np.where(np.isnan(inside), np.nan, loss)

    def at(self, grid: Array) -> Array:
        """Splines on the grid."""
        values = [
            np.full((*self.y.shape[:-2], grid.shape[-1]), np.nan)
            if spline is None
            else np.moveaxis(spline(grid[row], extrapolate=True), 0, -1)
            for row, spline in enumerate(self.splines)
        ]
        with np.errstate(over="ignore"):  # in empty cells
            return np.asarray(np.exp(np.stack(values, axis=-2)))


def _alike(sizes: Array) -> NDArray[np.intp]:
    """Where each group of sizes that are alike begins, of sorted log sizes."""
    first = [0]
    while (following := int(np.searchsorted(sizes, sizes[first[-1]] + _ALIKE, "right"))) < len(
        sizes
    ):
        first.append(following)
    return np.array(first)


def _lowest_of(spline: Any) -> tuple[Array, Array]:
    """Place and value of the least point of a piecewise cubic, over the last axis of its values."""
    c = np.moveaxis(spline.c, 1, -1)  # (4, ..., pieces)
    width = np.diff(spline.x)
    with np.errstate(all="ignore"):
        root = np.sqrt(c[1] ** 2 - 3 * c[0] * c[2])
        # The root of the slope where the cubic bends upwards, in the form that survives c[0] = 0.
        turn = np.where(c[1] + root != 0, -c[2] / (c[1] + root), np.nan)
    turn = np.where((turn >= 0) & (turn <= width), turn, 0.0)
    value = ((c[0] * turn + c[1]) * turn + c[2]) * turn + c[3]
    last = np.moveaxis(spline(spline.x[-1:]), 0, -1)
    every = np.concatenate([value, last], axis=-1)
    where = np.concatenate(
        [spline.x[:-1] + turn, np.broadcast_to(spline.x[-1], (*value.shape[:-1], 1))], axis=-1
    )
    best = every.argmin(axis=-1)[..., None]
    return (np.take_along_axis(where, best, -1)[..., 0],
            np.take_along_axis(every, best, -1)[..., 0])  # fmt: skip


@dataclass(frozen=True)
class _Solved:
    """What the linear part of the slices is at given exponents."""

    down: Array
    up: Array
    residual: Array
    basis: tuple[Array, Array, Array]


class LawSlice:
    """Slices ``E + A N**-alpha + B N**beta`` of a law at fixed computes.

    At a fixed compute the tokens fall as the params rise, so the law of Hoffmann et al. 2022,
    eq. 2, has this form. E, A and B are free at every budget; the two exponents are shared, and
    kept where published laws have them, because valleys hold little on how sharply they rise. They
    are found on a grid and by Gauss-Newton steps on what the linear part leaves over (variable
    projection).
    """

    def __init__(self, x: Array, y: Array, used: Mask) -> None:
        self.x, self.used = x, used
        self.centre = (x * used).sum(axis=-1) / used.sum(axis=-1)
        self.away = np.where(used, x - self.centre[:, None], 0.0)
        self.level = (y * used).sum(axis=-1) / used.sum(axis=-1)
        self.target = np.where(used, y / self.level[..., None], 0.0)
        self.exponents = self._stepped(self._best_of_grid())
        self.coefs = self._coefs()

    @property
    def at_limit(self) -> bool:
        """Whether an exponent ended where it may go no further."""
        low, high = _EXPONENTS
        return bool(((self.exponents <= low) | (self.exponents >= high)).any())

    def _best_of_grid(self) -> Array:
        """Exponents of the grid that leave the least over, for each resample its own."""
        values = np.geomspace(*_EXPONENTS, _GRID)
        pairs = np.stack([axis.ravel() for axis in np.meshgrid(values, values)], axis=-1)
        explained = np.stack([
            sum((np.einsum("bm,...bm->...b", unit, self.target) ** 2).sum(axis=-1)
                for unit in self._basis(pair)[2]) for pair in pairs
        ])  # fmt: skip
        return np.asarray(pairs[explained.argmax(axis=0)])

    @staticmethod
    def _left_over(solved: _Solved) -> Array:
        return np.asarray((solved.residual**2).sum(axis=(-1, -2)))

    def _basis(self, exponents: Array) -> tuple[Array, Array, tuple[Array, Array, Array]]:
        """The falling and the rising part, and unit vectors that span them and a constant."""
        alpha, beta = exponents[..., 0, None, None], exponents[..., 1, None, None]
        down = np.where(self.used, np.exp(-alpha * self.away), 0.0)
        up = np.where(self.used, np.exp(beta * self.away), 0.0)
        flat = np.where(self.used, 1.0, 0.0)
        first = flat / np.sqrt((flat**2).sum(axis=-1, keepdims=True))
        second = _unit(_less(down, first))
        third = _unit(_less(_less(up, first), second))
        return down, up, (first, second, third)

    def _solve(self, exponents: Array) -> _Solved:
        down, up, basis = self._basis(exponents)
        residual = self.target
        for unit in basis:
            residual = _less(residual, unit)
        return _Solved(down, up, residual, basis)

    def _linear(self, solved: _Solved) -> tuple[Array, Array]:
        """Shares of the falling and the rising part in each budget."""
        _, second, third = solved.basis
        with np.errstate(all="ignore"):
            rising = (third * self.target).sum(-1) / (third * solved.up).sum(-1)
            left = (second * self.target).sum(-1) - rising * (second * solved.up).sum(-1)
            return left / (second * solved.down).sum(-1), rising

    def _stepped(self, exponents: Array) -> Array:
        damping = np.full(exponents.shape[:-1], _DAMPING)
        solved = self._solve(exponents)
        for _ in range(_STEPS):
            trial = np.clip(exponents + self._step(solved, exponents, damping), *_EXPONENTS)
            better = self._left_over(self._solve(trial)) < self._left_over(solved)
            exponents = np.where(better[..., None], trial, exponents)
            damping = np.where(better, damping / 10, damping * 10)
            solved = self._solve(exponents)
        return exponents

    def _step(self, solved: _Solved, exponents: Array, damping: Array) -> Array:
        falling, rising = (np.nan_to_num(share) for share in self._linear(solved))
        slopes = np.stack([self.away * solved.down * falling[..., None],
                           -self.away * solved.up * rising[..., None]], axis=-3)  # fmt: skip
        for unit in solved.basis:
            slopes = _less(slopes, unit[..., None, :, :])
        pull = -(slopes * solved.residual[..., None, :, :]).sum(axis=(-1, -2))
        held = (exponents <= _EXPONENTS[0]) & (pull < 0) | (exponents >= _EXPONENTS[1]) & (pull > 0)
        slopes = np.where(held[..., None, None], 0.0, slopes)
        gram = np.einsum("...ibm,...jbm->...ij", slopes, slopes)
        scale = np.einsum("...ii->...i", gram) * damping[..., None] + _TINY
        gram = gram + scale[..., None] * np.eye(2)
        return np.asarray(np.linalg.solve(gram, np.where(held, 0.0, pull)[..., None])[..., 0])

    def _coefs(self) -> tuple[Array, Array, Array]:
        solved = self._solve(self.exponents)
        falling, rising = self._linear(solved)
        count = self.used.sum(axis=-1)
        rest = self.target - falling[..., None] * solved.down - rising[..., None] * solved.up
        return (rest * self.used).sum(axis=-1) / count, falling, rising

    def lowest(self) -> tuple[Array, Array]:
        """Where each slice turns, within the sizes run."""
        constant, falling, rising = self.coefs
        alpha, beta = self.exponents[..., 0, None], self.exponents[..., 1, None]
        with np.errstate(all="ignore"):
            turn = np.log(alpha * falling / (beta * rising)) / (alpha + beta)
            turn = np.where((falling > _NOTHING) & (rising > _NOTHING), turn, np.nan)
            loss = constant + falling * np.exp(-alpha * turn) + rising * np.exp(beta * turn)
        place = _inside(self.centre + turn, self.x, self.used)
        return place, np.where(np.isnan(place), np.nan, loss * self.level)

    def at(self, grid: Array) -> Array:
        """Slices on the grid."""
        constant, falling, rising = (coef[..., None] for coef in self.coefs)
        alpha, beta = self.exponents[..., 0, None, None], self.exponents[..., 1, None, None]
        away = grid - self.centre[:, None]
        shape = constant + falling * np.exp(-alpha * away) + rising * np.exp(beta * away)
        return np.asarray(shape * self.level[..., None])


def _less(vector: Array, unit: Array) -> Array:
    """Vector without its part along a unit vector, over the last axis."""
    return np.asarray(vector - (vector * unit).sum(axis=-1, keepdims=True) * unit)


def _unit(vector: Array) -> Array:
    size = np.sqrt((vector**2).sum(axis=-1, keepdims=True))
    return np.where(size > _TINY, vector / np.maximum(size, _TINY), 0.0)


def neighbour_noise(x: Array, y: Array, used: Mask) -> Array:
    """Noise of single runs in log loss, as a pool of values with its spread.

    Each is the third difference of the log loss over four sizes next to each other, which a
    parabola does not have, scaled to the spread of one run (Gasser, Sroka and Jennen-Steinmetz
    1986). It holds what the method's own curve cannot follow only where valleys bend within four
    sizes.

    Parameters
    ----------
    x, y : ndarray, shape (b, m)
        Log sizes and losses.
    used : ndarray of bool, shape (b, m)

    Examples
    --------
    >>> x = np.log(np.array([[1e8, 2e8, 4e8, 8e8, 16e8]]))
    >>> valley = np.exp((x - x.mean()) ** 2 / 50)
    >>> bool(np.allclose(neighbour_noise(x, valley, x > 0), 0))
    True
    """
    windows = []
    for sizes, losses, cells in zip(x, y, used, strict=True):
        order = np.argsort(sizes[cells], kind="stable")  # the same of equal sizes everywhere
        run = np.stack([sizes[cells][order], np.log(losses[cells][order])], axis=-1)
        if len(run) >= _NEIGHBOURS:
            windows.append(np.lib.stride_tricks.sliding_window_view(run, _NEIGHBOURS, axis=0))
    if not windows:
        return np.zeros(0)
    every = np.concatenate(windows)  # (w, 2, 4)
    every = every[np.linspace(0, len(every) - 1, min(len(every), _WINDOWS)).astype(int)]
    size, log_loss = every[:, 0], every[:, 1]
    away = size - size.mean(axis=-1, keepdims=True)
    away = away / np.maximum(np.abs(away).max(axis=-1, keepdims=True), _TINY)
    away = away + _APART * np.arange(_NEIGHBOURS)
    # The direction of four values that no parabola has, by cofactors.
    gap = away[:, None, :] - away[:, :, None]
    rest = np.stack([sign * gap[:, a, b] * gap[:, a, c] * gap[:, b, c]
                     for sign, a, b, c in _COFACTORS], axis=-1)  # fmt: skip
    rest = rest / np.linalg.norm(rest, axis=-1, keepdims=True)
    return np.asarray((rest * log_loss).sum(axis=-1))


METHODS: dict[str, type[Valleys]] = {
    "parabola": Parabola, "akima": Akima, "law": LawSlice,
}  # fmt: skip

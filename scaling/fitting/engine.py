"""The solver: many candidates refined together by a damped, reweighted Gauss-Newton step.

Beyond the knee the true curvature of Huber's function is zero, so Newton's step fails far from
the minimum, and reweighting (``knee / |r|``) overstates the curvature, so it creeps near it.
The step here starts with half of the reweighted curvature and fades it out for each candidate
while its steps succeed, which ends as Newton's method on the rows inside the knee.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from scaling.fitting.problem import Problem

__all__ = ["Refined", "low_discrepancy", "refine", "same_prediction"]

Array: TypeAlias = NDArray[np.float64]

_POOL_AFTER = 60  # iterations
_BLOCK_ELEMENTS = 60_000  # candidates times rows that fit the cache
_LONGEST_STEP = 3.0
_FAR = 1e-3  # a predicted fall above this share of the objective also tries a longer step
_LONGER = 2.5
_SHORTER = (0.3, 0.1)
_HOPELESS = 1e6  # damping at which no step falls
_MERGE_EVERY = 4
_ALIKE = 0.02  # predictions closer than this share of the residuals belong to one basin
_TINY = 1e-13
_NOTHING = 1e-300
_FLAT = 1e-6  # of the largest curvature: a coordinate below it is scaled as if it had that much


@dataclass(frozen=True)
class Refined:
    """Where the candidates ended.

    Attributes
    ----------
    u : ndarray, shape (k, q)
        Coordinates.
    value : ndarray, shape (k,)
        Objective at the knee that was used.
    owner : ndarray of int, shape (k,)
        The candidate each was merged into; itself where it was not.
    settled : ndarray of bool, shape (k,)
        Whether it met the tolerance within the iterations allowed.
    """

    u: Array
    value: Array
    owner: NDArray[np.intp]
    settled: NDArray[np.bool_]


def low_discrepancy(count: int, dimensions: int, seed: int) -> Array:
    """Points that fill the unit cube evenly: the additive recurrence of the generalised golden
    ratio, shifted by the seed.

    Source: Roberts 2018, "The unreasonable effectiveness of quasirandom sequences".

    Examples
    --------
    >>> low_discrepancy(4, 2, seed=0).shape
    (4, 2)
    """
    ratio = 2.0
    for _ in range(60):
        ratio = (1 + ratio) ** (1 / (dimensions + 1))
    steps = ratio ** -np.arange(1.0, dimensions + 1)
    shift = np.random.default_rng(seed).random(dimensions)
    points: Array = (shift + np.arange(1, count + 1)[:, None] * steps) % 1.0
    return points


def refine(
    problem: Problem, u: Array, weights: Array | None = None, *, knee: float,
    damping: float = 1e-3, tolerance: float = 1e-8, limit: int = 200, merge: bool = False,
) -> Refined:  # fmt: skip
    """Candidates moved to the minima below them.

    Parameters
    ----------
    problem : Problem
    u : ndarray, shape (k, q)
        Coordinates to start from.
    weights : ndarray, shape (k, n), optional
        Weights of the runs for each candidate; the problem's own by default.
    knee : float
        Residual where the objective turns linear; infinite for least squares.
    damping : float
        First damping; small where the start is close to the minimum.
    tolerance : float
        Relative fall of the objective at which a candidate is done.
    limit : int
        Iterations at most.
    merge : bool
        Whether candidates that come to predict the same are followed as one.
    """
    lower, upper = problem.limits
    u = np.clip(u, lower, upper)
    count, n = len(u), problem.target.size
    out = Refined(u.copy(), np.full(count, np.inf), np.arange(count), np.zeros(count, dtype=bool))
    size = count if merge else max(1, _BLOCK_ELEMENTS // max(n, 1))
    moving = np.arange(count)
    # Blocks stop early where there are several, and what still moves then goes on in fewer.
    for allowed in (limit,) if count <= size else (min(_POOL_AFTER, limit), limit):
        for start in range(0, len(moving), size):
            block = moving[start : start + size]
            given = problem.weights[None, :] if weights is None else weights[block]
            _Batch(problem, out, block, given, knee, damping, tolerance).run(allowed, merge)
        moving = np.flatnonzero(~out.settled & np.isfinite(out.value))
    return out


class _Batch:
    """The candidates of one block that are still moving."""

    def __init__(
        self, problem: Problem, out: Refined, index: NDArray[np.intp], weights: Array, knee: float,
        damping: float, tolerance: float,
    ) -> None:  # fmt: skip
        self.problem, self.out, self.knee, self.tolerance = problem, out, knee, tolerance
        self.index, self.weights = index, weights
        self.u = out.u[index]
        self.prediction, self.residual, self.value = self._evaluate(self.u, weights)
        self.damping = np.full(len(index), damping)
        self.fade = np.full(len(index), 0.5)
        out.value[index] = self.value
        self._keep(np.isfinite(self.value))

    def _evaluate(self, u: Array, weights: Array) -> tuple[Array, Array, Array]:
        prediction = self.problem.predict(u)
        residual = self.problem.residual(prediction)
        return prediction, residual, self.problem.score(residual, weights, self.knee)

    def _keep(self, mask: NDArray[np.bool_]) -> None:
        if mask.all():
            return
        for name in ("index", "u", "prediction", "residual", "value", "damping", "fade"):
            setattr(self, name, getattr(self, name)[mask])
        if len(self.weights) > 1:
            self.weights = self.weights[mask]

    def _weights_of(self, chosen: NDArray[np.bool_]) -> Array:
        return self.weights[chosen] if len(self.weights) > 1 else self.weights

    def run(self, limit: int, merge: bool) -> None:
        for iteration in range(1, limit + 1):
            if not len(self.index):
                return
            gradient, hessian = self._model()
            whole, fall = self._step(gradient, hessian)
            outward = self._at_bound(-whole)
            if outward.any():  # a coordinate at its bound would leave: hold it and step again
                whole, fall = self._step(*_held(gradient, hessian, outward))
            small = fall <= self.tolerance * (self.value + self.problem.floor)
            longest = np.abs(whole).max(axis=1, keepdims=True, initial=0.0)
            step = whole * np.minimum(1.0, _LONGEST_STEP / np.maximum(longest, _TINY))
            stalled = self._move(step, fall) & (longest[:, 0] <= _LONGEST_STEP)
            done = stalled | small | (self.damping > _HOPELESS)
            self.out.u[self.index], self.out.value[self.index] = self.u, self.value
            self.out.settled[self.index] = done
            self._keep(~done)
            if merge and iteration % _MERGE_EVERY == 0 and len(self.index) > 1:
                self._merge()

    def _model(self) -> tuple[Array, Array]:
        """Gradient and model Hessian in the coordinates, rows at a bound taken out."""
        with np.errstate(all="ignore"):
            slope = self.problem.objective.slope(self.prediction)
            size = np.abs(self.residual)
            pull = self.weights * slope
            bend = np.where(size <= self.knee, 1.0, self.fade[:, None] * self.knee / size)
            rows = self.problem.rows(self.u)
            chain = self.problem.chain(self.u)
            capped = np.clip(self.residual, -self.knee, self.knee)
            gradient = (rows @ (pull * capped)[:, :, None])[:, :, 0] * chain
            hessian = (rows * (bend * pull * slope)[:, None, :]) @ rows.swapaxes(1, 2)
            hessian *= chain[:, :, None] * chain[:, None, :]
        gradient, hessian = _held(gradient, hessian, self._at_bound(gradient))
        broken = ~(np.isfinite(gradient).all(axis=1) & np.isfinite(hessian).all(axis=(1, 2)))
        if broken.any():
            gradient[broken], hessian[broken] = 0.0, 0.0
        return gradient, hessian

    def _at_bound(self, slope: Array) -> NDArray[np.bool_]:
        """Coordinates at a bound that a move against the slope would leave."""
        lower, upper = self.problem.limits
        out: NDArray[np.bool_] = (self.u <= lower) & (slope > 0) | (self.u >= upper) & (slope < 0)
        return out

    def _step(self, gradient: Array, hessian: Array) -> tuple[Array, Array]:
        """Step to the model's minimum, and the fall it promises.

        The step may be too long to take: a positive coefficient near zero has a small slope in
        its logarithm, and is far from where it would matter. Its fall tells that it is not the end.
        """
        diagonal = np.einsum("kqq->kq", hessian)
        largest = diagonal.max(axis=1, keepdims=True, initial=0.0)
        scale = 1 / np.sqrt(np.maximum(diagonal, np.maximum(_FLAT * largest, _NOTHING)))
        matrix = hessian * scale[:, :, None] * scale[:, None, :]
        ridge = self.damping + _TINY
        np.einsum("kqq->kq", matrix)[...] += ridge[:, None] + (diagonal == 0)
        step: Array = -np.linalg.solve(matrix, (scale * gradient)[:, :, None])[:, :, 0] * scale
        fall = -0.5 * np.einsum("kq,kq->k", gradient, step)
        return step, fall

    def _move(self, step: Array, fall: Array) -> NDArray[np.bool_]:
        """Try the step; while far a longer one where it helped, and shorter ones where not.

        Returns whether the fall was too small to go on.
        """
        lower, upper = self.problem.limits
        u = np.clip(self.u + step, lower, upper)
        prediction, residual, value = self._evaluate(u, self.weights)
        far, helped = fall > _FAR * self.value, value < self.value
        for length in (_LONGER, *_SHORTER):
            chosen = far & (helped if length > 1 else value >= self.value)
            if chosen.any():
                other = np.clip(self.u[chosen] + length * step[chosen], lower, upper)
                found = self._evaluate(other, self._weights_of(chosen))
                wins = found[2] < value[chosen]
                if not wins.any():
                    continue
                better = np.flatnonzero(chosen)[wins]
                u[better], value[better] = other[wins], found[2][wins]
                prediction = prediction if prediction.flags.writeable else prediction.copy()
                prediction[better], residual[better] = found[0][wins], found[1][wins]
        accepted = value < self.value
        change = np.where(accepted, self.value - np.where(accepted, value, 0.0), 0.0)
        stalled = helped & (change < self.tolerance * (self.value + self.problem.floor))
        rejected_far = ~helped & (self.fade > 0.4)
        self.damping = np.where(
            helped,
            np.maximum(self.damping / 5, 1e-12),
            np.where(rejected_far, np.maximum(10 * self.damping, 1e-8), self.damping),
        )
        self.fade = np.where(
            helped, np.maximum(self.fade / 2, 1e-3), np.minimum(3 * self.fade + 0.02, 1.0)
        )
        self.u = np.where(accepted[:, None], u, self.u)
        if accepted.all():
            self.prediction, self.residual, self.value = prediction, residual, value
        else:
            self.prediction = np.where(accepted[:, None], prediction, self.prediction)
            self.residual = np.where(accepted[:, None], residual, self.residual)
            self.value = np.where(accepted, value, self.value)
        return stalled

    def _merge(self) -> None:
        """Follow candidates that predict the same as one."""
        order = np.argsort(self.value, kind="stable")
        keep = np.ones(len(order), dtype=bool)
        scale = np.abs(self.residual).mean(axis=1)
        for position, i in enumerate(order):
            if not keep[i]:
                continue
            rest = order[position + 1 :]
            rest = rest[keep[rest] & (self.value[rest] <= self.value[i] * (1 + _ALIKE))]
            if not len(rest):
                continue
            gap = np.abs(self.residual[rest] - self.residual[i]).mean(axis=1)
            gone = rest[gap < _ALIKE * scale[i]]
            keep[gone] = False
            self.out.owner[self.index[gone]] = self.index[i]
        self._keep(keep)


def _held(gradient: Array, hessian: Array, mask: NDArray[np.bool_]) -> tuple[Array, Array]:
    """Gradient and Hessian without the coordinates of the mask."""
    if not mask.any():
        return gradient, hessian
    kept = ~mask
    both = kept[:, :, None] & kept[:, None, :]
    return np.where(kept, gradient, 0.0), np.where(both, hessian, 0.0)


def same_prediction(first: Array, second: Array) -> bool:
    """Whether two residual vectors belong to one basin: the same to 2% of their size."""
    gap = float(np.abs(first - second).mean())
    return gap <= _ALIKE * float(np.abs(first).mean()) + _TINY

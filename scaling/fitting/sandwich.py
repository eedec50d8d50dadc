"""Errors of a fit from its curvature and the spread of its slopes, without resamples.

An objective such as Huber's with a small knee is no log-likelihood: its curvature at the minimum
comes from the few runs near the kink, and its height says nothing of the noise. So the curvature is
that of a window of residuals, and what the noise does is read from the slopes of the runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from scaling.fitting.polishing import bend_of_rows, slopes_at
from scaling.fitting.problem import Problem
from scaling.robust import usual_spread

__all__ = ["Sandwich", "pull_of", "sandwich_at"]

Array: TypeAlias = NDArray[np.float64]

# Window of a density at its middle: 1.06 s n^-1/5 on either side is Silverman's rule for a normal
# kernel, and a box of the same spread is twice as wide.
_WINDOW = 2.12
_SMALLEST = 1e-12  # of the largest scaled curvature
_PASSED = 1e-9  # of the usual residual, below which a law passes through a run
_DEAD = 1e-14  # of the largest curvature
_UNFELT = 1e-6


@dataclass(frozen=True)
class Sandwich:
    """Curvature and covariance of the coordinates at a minimum.

    Attributes
    ----------
    inverse : ndarray, shape (q, q)
        Of the window's Hessian; rows and columns of held coordinates are zero.
    covariance : ndarray, shape (q, q)
        ``H^-1 V H^-1`` with V from the slopes of the runs, widened for the coefficients fitted.
    """

    inverse: Array
    covariance: Array

    @cached_property
    def alone(self) -> Array:
        """How far each coordinate moves by itself at a like cost, shape (q,); 0 where held."""
        curvature = np.diag(np.linalg.pinv(self.inverse))
        return np.where(curvature > 0, 1 / np.sqrt(np.maximum(curvature, 1e-300)), 0.0)

    def sd(self, slope: Array) -> float:
        """Standard deviation of a quantity with these slopes by the coordinates."""
        return float(np.sqrt(max(float(slope @ self.covariance @ slope), 0.0)))

    def rise(self, slopes: Array) -> float:
        """Rise of the objective for each unit of half a chi-squared.

        Twice the rise of the profiled objective over its minimum is distributed as a weighted sum
        of chi-squareds of one degree; for one quantity the weight is the ratio of its variance to
        its inverse curvature, for several their mean takes the place of the weights. It is the
        residual variance under least squares with errors of one size.

        Parameters
        ----------
        slopes : ndarray, shape (d, q)
            Of each quantity by the coordinates.
        """
        rise = _mean_ratio(slopes @ self.inverse @ slopes.T, slopes @ self.covariance @ slopes.T)
        usual = _mean_ratio(self.inverse, self.covariance)
        # What no run feels has no slopes to read a spread from.
        return rise if rise > _UNFELT * usual else usual

    def ridge(self, slopes: Array) -> Array:
        """How the coordinates follow quantities held at other values, shape (d, q)."""
        along = slopes @ self.inverse
        along = np.where(along.any(axis=1, keepdims=True), along, slopes)  # of what is held
        found: Array = np.linalg.pinv(along @ slopes.T) @ along
        return found


def sandwich_at(
    problem: Problem, u: Array, held: NDArray[np.bool_], groups: NDArray[np.intp] | None = None
) -> Sandwich:
    """Curvature and covariance at a minimum.

    Parameters
    ----------
    problem : Problem
    u : ndarray, shape (q,)
    held : ndarray of bool, shape (q,)
        Coordinates at a bound, which do not move.
    groups : ndarray of int, shape (n,), optional
        Number of the group of each run, where runs of a group share an error.
    """
    residual, jacobian = slopes_at(problem, u)
    n, q = len(residual), len(u)
    knee = problem.objective.knee
    pull, bend = pull_of(residual, knee), _bend_of(residual, knee, q)
    weights = problem.weights
    hessian = (jacobian * (weights * bend)) @ jacobian.T + bend_of_rows(problem, u, weights * pull)
    slopes = jacobian * (weights * pull)
    if groups is not None:
        slopes = np.stack([np.bincount(groups, row) for row in slopes])
    meat = slopes @ slopes.T
    moving = ~held
    inverse = np.zeros((q, q))
    inverse[np.ix_(moving, moving)] = _inverse(hessian[np.ix_(moving, moving)])
    units = slopes.shape[1]
    wider = n / max(n - int(moving.sum()), 1) * (1.0 if units == n else units / (units - 1))
    return Sandwich(inverse, wider * (inverse @ meat @ inverse))


def _mean_ratio(inverse: Array, covariance: Array) -> float:
    free = np.linalg.matrix_rank(inverse)
    return float(np.trace(np.linalg.pinv(inverse) @ covariance)) / max(int(free), 1)


def pull_of(residual: Array, knee: float) -> Array:
    """Derivative of the objective by each residual.

    Least absolute deviations pass through some runs; what is left of their residuals is rounding,
    whose sign says nothing.
    """
    if knee > 0:
        return np.clip(residual, -knee, knee)
    passed = np.abs(residual) <= _PASSED * usual_spread(residual)
    return np.where(passed, 0.0, np.sign(residual))


def _bend_of(residual: Array, knee: float, free: int) -> Array:
    """Second derivative of the objective by each residual, spread over a window at the kinks."""
    if not np.isfinite(knee):
        return np.ones_like(residual)
    size = np.abs(residual)
    # Least absolute deviations pass through as many runs as they have coefficients.
    told = np.sort(size)[free if knee == 0 and len(size) > free else 0 :]
    spread = usual_spread(told)
    window = max(_WINDOW * spread * len(residual) ** -0.2, knee, 1e-300)
    return np.where(size <= window, (knee if knee > 0 else 1.0) / window, 0.0)


def _inverse(hessian: Array) -> Array:
    """Inverse of a Hessian, without directions of negative or no curvature."""
    hessian = np.nan_to_num(hessian)
    size = np.abs(np.diag(hessian))
    scale = 1 / np.sqrt(np.maximum(size, max(_DEAD * float(size.max(initial=0)), 1e-300)))
    values, vectors = np.linalg.eigh(hessian * scale[:, None] * scale)
    values = np.maximum(
        np.abs(values), _SMALLEST * max(float(np.abs(values).max(initial=0)), 1e-300)
    )
    found: Array = (vectors / values) @ vectors.T * scale[:, None] * scale
    return found

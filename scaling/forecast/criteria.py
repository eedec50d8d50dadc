"""Information criteria of a fit, for the noise that its objective stands for."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from scaling.fitting import Fit
from scaling.fitting.objective import Objective
from scaling.forecast.candidates import free_coefficients
from scaling.runs.door import numbers

__all__ = ["Criteria", "criteria_of", "log_likelihood"]

_REACH = 20.0  # logarithm by which the scale is searched on each side of the residuals' own


class Criteria(NamedTuple):
    """Information criteria; lower is better, and only differences mean anything."""

    aic: float
    aicc: float
    bic: float


def criteria_of(fit: Fit) -> Criteria:
    """Criteria of a fit with its runs; coefficients and the scale of the noise are counted.

    Parameters
    ----------
    fit : Fit

    Examples
    --------
    >>> import scaling
    >>> runs = scaling.datasets.load("demo")
    >>> fit = scaling.fit(scaling.laws.Chinchilla, runs, bootstrap=0)
    >>> found = criteria_of(fit)
    >>> found.aic < found.aicc < found.bic
    True
    """
    table = fit.residuals()
    n, k = len(table), free_coefficients(fit) + 1
    weights = np.array(fit.weights) if fit.weights else np.ones(n)
    total = float(fit.objective.total(table["residual"].to_numpy(), weights / weights.mean()))
    likelihood = log_likelihood(fit.objective, total, n)
    if fit.objective.space == "log":  # the density of the target itself, so that spaces compare
        target = numbers(table, fit.columns[fit.law.target])
        likelihood -= float((weights / weights.mean() * np.log(target)).sum())
    aic = 2 * k - 2 * likelihood
    small = 2 * k * (k + 1) / (n - k - 1) if n > k + 1 else math.nan
    return Criteria(aic, aic + small, k * math.log(n) - 2 * likelihood)


def log_likelihood(objective: Objective, total: float, n: int) -> float:
    """Largest log likelihood of n residuals whose objective is ``total``.

    The noise has the density ``exp(-objective(r) / scale)``, normalised: Gaussian under least
    squares, Laplace under least absolute deviations, and under Huber's objective Gaussian inside
    delta with exponential tails. The scale is the one that makes the residuals likeliest.

    Parameters
    ----------
    objective : Objective
    total : float
        Sum of the objective over the residuals.
    n : int

    Examples
    --------
    >>> from scaling.fitting.objective import LeastAbsolute
    >>> round(log_likelihood(LeastAbsolute(), 2.0, 4), 4)
    -4.0
    """
    if not total > 0:
        return math.inf
    knee = objective.knee
    if knee == 0:
        return -n - n * math.log(2 * total / n)
    if math.isinf(knee):
        return -n / 2 - n / 2 * math.log(4 * math.pi * total / n)
    from scipy.optimize import minimize_scalar

    def lost(log_scale: float) -> float:
        return total / math.exp(log_scale) + n * _log_mass(math.exp(log_scale), knee)

    middle = math.log(total / n)
    ends = (middle - _REACH, middle + _REACH)
    return -float(minimize_scalar(lost, bounds=ends, method="bounded",
                                  options={"xatol": 1e-10}).fun)  # fmt: skip


def _log_mass(scale: float, knee: float) -> float:
    """Log of the integral of ``exp(-huber(r) / scale)`` over all residuals."""
    inside = math.sqrt(2 * math.pi * scale) * math.erf(knee / math.sqrt(2 * scale))
    tails = 2 * scale / knee * math.exp(-(knee**2) / (2 * scale))
    return math.log(inside + tails)

"""Coefficients that the runs put at zero: found, fixed there, and lifted for the resamples."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from scaling.errors import Issue
from scaling.fitting.problem import Problem
from scaling.fitting.search import settle

__all__ = ["off_zero", "without_zeros", "zero_issue"]

Array: TypeAlias = NDArray[np.float64]

_NO_EFFECT = 1e-6  # share of the prediction below which a coefficient counts as zero
_AT_LIMIT = 1e-9
_RESTART_AT = 1e-2  # share of the prediction at which resamples start such a coefficient


def without_zeros(problem: Problem, u: Array) -> tuple[Problem, list[str]]:
    """The problem with coefficients that have no effect fixed at zero, and their names."""
    zeros: list[str] = []
    while True:
        names = [n for n in problem.free if problem.family.coefficients[n].positive]
        if not names or len(problem.free) == 1:
            return problem, zeros
        effect = _effects(problem, u)
        least = min(names, key=lambda name: effect[name])
        if not effect[least] < _NO_EFFECT or least in problem.constraints.bounds:
            return problem, zeros
        fixed = {**problem.constraints.fixed, least: 0.0}
        smaller = replace(problem, constraints=replace(problem.constraints, fixed=fixed))
        rest = smaller.encode(problem.law(u).values)[0]
        rest = settle(smaller, rest)[0]
        before = problem.objective_at(u[None, :])[0]
        after = smaller.objective_at(rest[None, :])[0]
        if not after <= before * (1 + _NO_EFFECT) + problem.floor:
            return problem, zeros
        problem, u = smaller, rest
        zeros.append(least)


def _effects(problem: Problem, u: Array) -> dict[str, float]:
    """Largest share of the prediction that each free coefficient's logarithm moves."""
    prediction = np.abs(problem.predict(u[None, :])).max()
    rows = problem.rows(u[None, :])[0] * problem.yardstick(u[None, :])[0][:, None]
    largest = np.abs(rows).max(axis=1) / max(float(prediction), 1e-300)
    return dict(zip(problem.free, largest.tolist(), strict=True))


def off_zero(problem: Problem, u: Array) -> Array:
    """Coordinates with the zeros lifted to where a resample can still feel them."""
    low, high = problem.box
    zero = ~np.isfinite(u) | (problem.positive & (u <= problem.limits[0] + _AT_LIMIT))
    lifted = np.where(zero, (low + high) / 2, u)
    for j, name in enumerate(problem.free):
        if not np.isfinite(u[j]):  # a prefactor; the exponents beside it are in their usual range
            effect = max(_effects(problem, lifted)[name], 1e-300)
            lifted[j] += np.log(_RESTART_AT / effect)
    return lifted


def zero_issue(name: str) -> Issue:
    """Issue of a coefficient that ended at zero."""
    return Issue("at-zero", "weakens",
                 f"{name} ended at 0: its part of the prediction fell below a millionth.",
                 f"Use a law without {name}, or add runs that show its effect.")  # fmt: skip

"""Partial pooling: each recipe's exponents drawn towards the others' by as much as they are alike.

The recipes are fitted twice, with the pooled coefficients free and with them shared. Where the
free ones scatter more than their errors explain, the rest is a variance between recipes (Paule and
Mandel 1982), and each recipe keeps of its own deviation the share that is not error. All other
coefficients are then fitted again, in every resample too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from scaling.errors import FitError, worst_first
from scaling.fitting.data import Data
from scaling.fitting.engine import refine
from scaling.fitting.jointly import fit_shared, grouped_problem, parts_of
from scaling.fitting.joints import Joint
from scaling.fitting.preparing import used_columns
from scaling.fitting.problem import Problem
from scaling.fitting.recipes import Recipes
from scaling.fitting.resampling import resample_counts
from scaling.fitting.result import Fit
from scaling.fitting.search import knees, settle
from scaling.law import Law
from scaling.laws.grouping import own

__all__ = ["fit_pooled"]

Array: TypeAlias = NDArray[np.float64]

_LEAST = 3  # recipes with estimates of their own, that a variance is read from
_BISECTIONS = 60
# Resamples of few runs are now and then degenerate, which a standard deviation would answer for.
_MIDDLE = (0.1587, 0.8413)
_BETWEEN = 3  # random streams (3, place of the coefficient)


@dataclass(frozen=True)
class Estimates:
    """A coefficient of each recipe, as its runs alone have it.

    Attributes
    ----------
    value, error : ndarray, shape (recipes,)
        NaN where a recipe has too few runs for one of its own.
    drawn : ndarray, shape (k, recipes)
    """

    value: Array
    error: Array
    drawn: Array

    @property
    def known(self) -> NDArray[np.bool_]:
        """Recipes whose runs tell the coefficient; one at a bound in every draw tells nothing."""
        return np.isfinite(self.value) & np.isfinite(self.error) & (self.error > 0)

    @property
    def variance(self) -> float:
        """Variance between recipes at which the scatter of the values is explained."""
        value, variance = self.value[self.known], self.error[self.known] ** 2
        freedom = len(value) - 1

        def excess(between: float) -> float:
            weight = 1 / (variance + between)
            middle = (weight * value).sum() / weight.sum()
            return float((weight * (value - middle) ** 2).sum() - freedom)

        if freedom < 1 or excess(0.0) <= 0:
            return 0.0
        low, high = 0.0, float(np.ptp(value)) ** 2 * len(value)
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            low, high = (middle, high) if excess(middle) > 0 else (low, middle)
        return (low + high) / 2

    def pooled(self, variance: float, centre: Any, values: Array) -> Array:
        """Values drawn towards a centre.

        Parameters
        ----------
        variance : float
            Between recipes.
        centre : ndarray, shape () or (k, 1) or (k, recipes)
            The coefficient shared by all.
        values : ndarray, shape (recipes,) or (k, recipes)
            Each recipe's own.
        """
        known = self.known
        kept = np.where(known, variance / (variance + np.where(known, self.error, 1.0) ** 2), 0.0)
        return np.asarray(
            centre + kept * (np.where(known, values, 0.0) - np.where(known, centre, 0.0))
        )

    def shift(self, variance: float, values: Array) -> Array:
        """How far the mean of the recipes moves when they count as different ones."""
        known = self.known
        means = []
        for spread in (variance, 0.0):
            weight = np.where(known, 1 / (np.where(known, self.error, 1.0) ** 2 + spread), 0.0)
            total = weight.sum() or 1.0  # where no recipe tells, nothing moves
            means.append((weight * np.where(known, values, 0.0)).sum(axis=-1) / total)
        return np.asarray(means[0] - means[1])


def fit_pooled(recipes: Recipes, shared: tuple[str, ...], pooled: tuple[str, ...]) -> Joint:
    """Recipes fitted with partly pooled coefficients: see :func:`scaling.fit`.

    Raises
    ------
    FitError
        If there are no resamples, or fewer than three recipes have estimates of their own.
    """
    if recipes.options["bootstrap"] == 0:
        raise FitError("pooled= weighs recipes by the errors of their fits; give bootstrap=200.")
    free = _free(recipes, shared, pooled)
    tight = fit_shared(recipes, (*shared, *pooled))
    between, best, drawn = {}, {}, {}
    for place, name in enumerate(pooled):
        found = free[name]
        known = int(np.isfinite(found.value).sum())
        if known < _LEAST:
            raise FitError(
                f"pooled= learns from {_LEAST} recipes or more how much they differ; {known} "
                f"{'has' if known == 1 else 'have'} the runs for {name} of its own. Share it."
            )
        variance = found.variance
        between[name] = float(np.sqrt(variance))
        best[name] = _drawn_together(found, variance, tight.law, name, found.value, 0.0)
        stream = np.random.default_rng(
            np.random.SeedSequence(recipes.options["seed"], spawn_key=(_BETWEEN, place))
        )
        # A recipe is one draw of what recipes may be, so the pull is towards a random place.
        away = stream.normal(0.0, between[name], found.drawn.shape)
        drawn[name] = _drawn_together(found, variance, tight.draws, name, found.drawn, away)
    if not any(between.values()):
        return parts_of(recipes, tight, shared, pooled, between)
    whole = _refitted(recipes, shared, tight, best, drawn)
    return parts_of(recipes, whole, shared, pooled, between)


def _drawn_together(
    found: Estimates, variance: float, law: Any, name: str, values: Array, away: Any
) -> Array:
    """The coefficient of each recipe, shape (recipes,) or (k, recipes)."""
    centre = np.reshape(law.values[name], -1) + found.shift(variance, values)
    centre = centre[0] if np.ndim(values) == 1 else centre[:, None]
    return found.pooled(variance, centre + away, values)


def _free(
    recipes: Recipes, shared: tuple[str, ...], pooled: tuple[str, ...]
) -> dict[str, Estimates]:
    """Estimates of the coefficients left free, from one law of all where others are shared."""
    count = len(recipes.labels)
    if shared:
        fit = fit_shared(recipes, shared)
        values = {name: [_pair(fit, own(name, code)) for code in range(count)] for name in pooled}
    else:
        few = recipes.too_few(len(recipes.free))
        fits = [None if label in few else recipes.alone(code)
                for code, label in enumerate(recipes.labels)]  # fmt: skip
        values = {name: [_pair(fit, name) for fit in fits] for name in pooled}
    made = {}
    for name, pairs in values.items():
        value = np.array([best for best, _ in pairs])
        size = recipes.options["bootstrap"]
        drawn = np.stack([np.broadcast_to(draws, size) for _, draws in pairs], axis=-1)
        made[name] = Estimates(
            value, np.ptp(np.quantile(drawn, _MIDDLE, axis=0), axis=0) / 2, drawn
        )
    return made


def _pair(fit: Fit | None, name: str) -> tuple[float, Array]:
    if fit is None or fit.draws is None:
        return np.nan, np.array(np.nan)
    return float(fit.law.values[name]), np.ravel(fit.draws.values[name])


def _refitted(
    recipes: Recipes, shared: tuple[str, ...], tight: Fit, best: Mapping[str, Array],
    drawn: Mapping[str, Array],
) -> Fit:  # fmt: skip
    """All other coefficients fitted again beside the pooled ones, of the fit and of its draws."""
    problem = grouped_problem(recipes, shared)
    count = len(recipes.labels)
    names = tuple(own(name, code) for name in best for code in range(count))
    values = {own(name, code): best[name][code] for name in best for code in range(count)}
    fixed = {**problem.constraints.fixed, **{name: float(values[name]) for name in names}}
    bounds = {n: ends for n, ends in problem.constraints.bounds.items() if n not in fixed}
    held = replace(problem, constraints=replace(problem.constraints, fixed=fixed, bounds=bounds))
    u = np.clip(held.encode(_opened(problem, recipes, tight.law))[0], *held.limits)
    u = settle(held, refine(held, u[None, :], knee=held.objective.knee or np.inf).u[0])[0]
    law = held.law(u)
    moved = {own(name, code): drawn[name][:, code] for name in drawn for code in range(count)}
    draws = _draws(recipes, replace(problem, pinned=names), held, u, law, moved)
    residual = held.residual(held.predict(u[None, :]))[0]
    frame = tight.with_runs()
    used = used_columns(frame, tight.columns, tight.cost)
    data = Data.of(used, tight.columns, residual, len(held.free))
    return replace(
        tight, law=law, draws=draws, data=data, constraints=held.constraints,
        objective_value=float(held.objective_at(u[None, :])[0]), issues=worst_first(tight.issues),
    )  # fmt: skip


def _opened(problem: Problem, recipes: Recipes, law: Law) -> dict[str, Any]:
    """Coefficients of a law with more of them shared, as those of the problem's family."""
    values = dict(law.values)
    for name in problem.family.coefficients:
        values.setdefault(name, values.get(name.rpartition("__")[0]))
    return values


def _draws(
    recipes: Recipes, pinned: Problem, held: Problem, u: Array, law: Law, moved: Mapping[str, Array]
) -> Law:
    """Each resample fitted again beside its own draw of the pooled coefficients."""
    size = recipes.options["bootstrap"]
    start = {name: np.full(size, float(value)) for name, value in law.values.items()}
    start |= moved
    at = np.clip(pinned.encode(start), *pinned.limits)
    strata, groups = recipes.strata, recipes.groups
    rows = len(recipes.codes)
    counts = np.vstack(list(resample_counts(size, len(strata), recipes.options["seed"], rows,
                                            strata)))[:size]  # fmt: skip
    weights = pinned.weights * (counts if groups is None else counts[:, groups])
    for knee in knees(held, u):
        at = refine(pinned, at, weights, knee=knee, damping=1e-5, tolerance=1e-9).u
    return pinned.laws(at)

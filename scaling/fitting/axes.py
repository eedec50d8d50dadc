"""What a profile runs along: a coefficient, or a quantity of the law, on its own scale."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from scaling.errors import FitError, Issue
from scaling.fitting.engine import low_discrepancy
from scaling.fitting.health import at_bounds
from scaling.fitting.paths import Path, Pinned, Steered
from scaling.fitting.preparing import GIVEN, groups_of, problem_behind
from scaling.fitting.problem import Problem
from scaling.fitting.queries import Quantity, name_of
from scaling.fitting.sandwich import Sandwich, sandwich_at
from scaling.fitting.zeros import off_zero
from scaling.law import Law
from scaling.text import quoted

if TYPE_CHECKING:
    from scaling.fitting.result import Fit

__all__ = ["Axis", "Ground", "coefficient_axis", "quantity_axis"]

Array: TypeAlias = NDArray[np.float64]

_TRIED = 64  # laws over the typical ranges, to see whether a quantity is positive by nature
_SPREADS = 2.0  # a log factor above which an error says only that nothing is known


@dataclass(frozen=True)
class Ground:
    """A fit as profiles see it: its problem, its minima in coordinates, and its errors."""

    fit: Fit
    problem: Problem

    @classmethod
    def of(cls, fit: Fit) -> Ground:
        """Ground of a fit that has its runs."""
        return cls(fit, problem_behind(fit))

    @cached_property
    def u(self) -> Array:
        """Coordinates of the best law, shape (q,); a coefficient at zero is at its limit."""
        best: Array = self.coordinates(self.fit.law)[0]
        return best

    @cached_property
    def others(self) -> Array:
        """Other minima, shape (e, q), and the best one with its zeros lifted to where they act."""
        others = [self.coordinates(law) for law in self.fit.starts.others]
        if "zero" in self.fit.ended.values():
            others.append(off_zero(self.problem, self.u)[None, :])
        return np.vstack([np.zeros((0, len(self.u))), *others])

    @cached_property
    def draws(self) -> Array:
        """Coordinates of the resamples, shape (k, q)."""
        if self.fit.draws is None:
            return np.zeros((0, len(self.u)))
        return self.coordinates(self.fit.draws)

    @cached_property
    def sandwich(self) -> Sandwich:
        """Errors at the best law."""
        ended = at_bounds(self.problem, self.u)
        held = np.array([name in ended for name in self.problem.free])
        return sandwich_at(self.problem, self.u, held, self.groups)

    @cached_property
    def groups(self) -> NDArray[np.intp] | None:
        """Number of the group of each run, where a column's groups were resampled."""
        kind = self.fit.draws_kind.rpartition(" n=")[0]
        name = kind.removeprefix("groups=")
        if name in (kind, GIVEN):
            return None
        return groups_of(name, self.fit.with_runs())[0]

    @property
    def freedom(self) -> int:
        """Runs beyond the free coefficients, or groups beyond the first, whichever is fewer."""
        runs = int((self.problem.weights > 0).sum()) - len(self.u)
        return runs if self.groups is None else min(runs, int(self.groups.max()))

    @property
    def exact(self) -> bool:
        """Whether the law passes through every run to rounding."""
        return self.fit.objective_value <= self.problem.floor

    @cached_property
    def issues(self) -> tuple[Issue, ...]:
        """The fit's issues, and one where there is no noise to take errors from."""
        if not self.exact:
            return self.fit.issues
        return (*self.fit.issues, Issue(
            "no-residuals", "weakens",
            "The law passes through every run to rounding, so the runs say nothing of their noise "
            "and intervals have no width.",
            "Check that the losses are measured ones.",
        ))  # fmt: skip

    def coordinates(self, law: Law) -> Array:
        """Coordinates of a law, or of k laws, inside the limits; shape (k, q)."""
        inside: Array = np.clip(self.problem.encode(law.values), *self.problem.limits)
        return inside


@dataclass(frozen=True)
class Axis:
    """A quantity with the scale its profile runs over.

    Attributes
    ----------
    name, unit : str
    path : Path
        Its minima at given places.
    place : callable
        From coordinates, shape (k, q), to places on the scale, shape (k,).
    slope : ndarray, shape (q,)
        Of the place by the coordinates at the best law.
    at : float
        Place of the best law.
    logged : bool
        Whether places are logarithms of the quantity.
    width : float
        Change of the quantity for a unit of place where they are not.
    ends : (float, float)
        Places that it cannot leave.
    bounded : (bool, bool)
        Whether the user set those ends.
    positive : bool
    drawn : ndarray, shape (k,)
        Places of the resamples.
    """

    name: str
    unit: str
    path: Path
    place: Callable[[Array], Array]
    slope: Array
    at: float
    logged: bool
    width: float = 1.0
    ends: tuple[float, float] = (-np.inf, np.inf)
    bounded: tuple[bool, bool] = (False, False)
    positive: bool = False
    drawn: Array = field(default_factory=lambda: np.zeros(0))

    def rise(self, ground: Ground, level: float) -> float:
        """Rise of the objective over its lowest at which an interval of a level ends.

        Half of the square of Student's t with the degrees of freedom left (of a chi-squared, with
        many runs), times what a unit of it is worth.
        """
        from scipy.special import stdtrit

        if ground.exact:
            return 0.0
        student = float(stdtrit(ground.freedom, (1 + level) / 2))
        return student**2 / 2 * ground.sandwich.rise(self.slope[None, :])

    def values(self, places: Any) -> Array:
        """Quantity at places on the scale."""
        with np.errstate(over="ignore"):
            return np.exp(places) if self.logged else np.asarray(places) * self.width

    def places(self, values: Any) -> Array:
        """Places of the quantity's values; NaN where it has none."""
        values = np.asarray(values, dtype=float)
        with np.errstate(all="ignore"):
            found: Array = np.log(values) if self.logged else values / self.width
        return found


def coefficient_axis(ground: Ground, name: str) -> Axis:
    """Axis of a free coefficient.

    Raises
    ------
    FitError
        If the law has no such coefficient, or the fit did not leave it free.
    """
    fit, problem = ground.fit, ground.problem
    free = ", ".join(problem.free)
    if name not in fit.law.coefficients:
        raise FitError(f"{fit.family.__name__} has no coefficient {quoted(name)} to profile; it "
                       f"has {free}.")  # fmt: skip
    if name in fit.constraints.fixed:
        raise FitError(f"{name} is fixed in this fit, so it has no profile; take one of {free}.")
    if name in fit.constraints.tied:
        raise FitError(
            f"{name} is tied ({name} = {fit.constraints.tied[name]}) and has no profile of its "
            f"own; take one of {free}, or lambda law: law.{name}."
        )
    j = problem.free.index(name)
    declared = fit.law.coefficients[name]
    lower, upper = problem.limits
    given = fit.constraints.bounds.get(name)
    return Axis(
        name, declared.unit, Pinned(problem, (name,)), lambda u: u[:, j], np.eye(len(lower))[j],
        float(ground.u[j]), bool(problem.logged[j]), float(problem.width[j]),
        (float(lower[j]), float(upper[j])),
        (given is not None and (given[0] > 0 or not declared.positive), given is not None),
        declared.positive, ground.draws[:, j],
    )  # fmt: skip


def quantity_axis(ground: Ground, query: Callable[[Law], Any], name: str | None) -> Axis:
    """Axis of a function of the law.

    Raises
    ------
    FitError
        If it does not return one number, has none at the best law, or depends on nothing free.
    """
    problem, u = ground.problem, ground.u
    name = name_of(query) if name is None else name
    typical = _typical(problem)
    quantity = Quantity.of(query, problem.laws(np.vstack([u, typical[:2]])))
    best = float(quantity.at(problem.laws(u[None, :]))[0])
    if np.isnan(best):
        raise FitError(f"{name} is not a number at the best law, so it has no profile.")
    others = quantity.at(problem.laws(typical))
    logged = best > 0 and bool((others[np.isfinite(others)] > 0).all())
    path = Steered(problem, quantity, logged, ground.sandwich.alone, error=1.0)
    slope = path.slopes(u[None, :])[0]
    if not slope.any():
        raise FitError(f"{name} depends on no free coefficient of this fit, so it has no profile.")
    error = ground.sandwich.sd(slope)
    at = float(path.value(u[None, :])[0])
    error = max(
        min(error, _SPREADS if logged else _SPREADS * max(abs(best), 1e-300)), 1e-6 * abs(at)
    )
    path = replace(path, error=error)
    return Axis(name, "", path, path.value, slope, at, logged, positive=logged,
                drawn=path.value(ground.draws))  # fmt: skip


def _typical(problem: Problem) -> Array:
    """Candidates spread over the typical ranges."""
    low, high = problem.box
    return low + low_discrepancy(_TRIED, len(low), seed=0) * (high - low)

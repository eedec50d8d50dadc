"""What a fit knows of its own weaknesses, from one Jacobian at the optimum."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from scaling.errors import Issue, name_rows
from scaling.fitting.problem import Problem
from scaling.fitting.search import LOOSE, Found, flatness
from scaling.law import Law
from scaling.robust import usual_spread
from scaling.text import human, percent, scalar_text

__all__ = [
    "AHEAD",
    "Starts",
    "at_bounds",
    "far_places",
    "far_runs",
    "health",
    "joined",
    "one_sided",
]

Array: TypeAlias = NDArray[np.float64]

_SHARE_NEEDED = 0.1
_NEAR = 1.01
_FAR, _TINY = 10.0, 1e-9  # usual spreads from which a run is far, and a spread that is one
_RUNS_PER_COEFFICIENT = 3
_FLAT = 1.0  # log factor by which a flat direction may move before it is told
_FLAT_PART = 0.3
_CONDITION = 1e8
_INSIDE_MOST = 0.9
_DECREMENT = 1e-10
_FAR_FROM_TYPICAL = 30.0
_ONE_SIDE = 0.1  # share of the resamples outside the one end that they give
_AT_LIMIT = 1e-9
_BOUND_SHARE = 0.05  # of the resamples at a bound, from which a 90% interval ends there
AHEAD = 10.0  # other minima are shown by what they predict at this multiple of the largest run


@dataclass(frozen=True)
class Starts:
    """How the search for the minimum went.

    Attributes
    ----------
    tried : int
        Raw starts.
    share : float
        Share of them that arrived at the lowest minimum.
    others : tuple of Law
        Other distinct minima that a resample may prefer, the lowest first.
    values : tuple of float
        Their objectives.
    """

    tried: int
    share: float
    others: tuple[Law, ...] = ()
    values: tuple[float, ...] = ()

    def near(self, objective_value: float) -> list[tuple[Law, float]]:
        """Other minima within 1% of the objective."""
        pairs = zip(self.others, self.values, strict=True)
        return [(law, value) for law, value in pairs if value <= _NEAR * objective_value]


def at_bounds(problem: Problem, u: Array) -> dict[str, str]:
    """Coefficients that ended at a bound, and which: ``lower`` or ``upper``."""
    lower, upper = problem.limits
    ended = {}
    for j, name in enumerate(problem.free):
        if u[j] <= lower[j] + _AT_LIMIT:
            ended[name] = "lower"
        elif u[j] >= upper[j] - _AT_LIMIT:
            ended[name] = "upper"
    return ended


def health(
    problem: Problem, found: Found, starts: Starts, law: Law, value: float
) -> tuple[Issue, ...]:
    """Issues of a fit, each with a remedy.

    Parameters
    ----------
    problem : Problem
    found : Found
        What the search met.
    starts : Starts
    law : Law
        The best law.
    value : float
        Its objective.
    """
    residual = problem.residual(problem.predict(found.u[None, :]))[0]
    return (
        *_surface(problem, found, starts, law, value),
        *_bounds(problem, found.u, law),
        *_directions(problem, found.u),
        *_numbers(problem, residual),
    )


def _surface(
    problem: Problem, found: Found, starts: Starts, law: Law, value: float
) -> Iterator[Issue]:
    if starts.share < _SHARE_NEEDED and value > problem.floor:
        yield Issue(
            "hard-surface", "weakens",
            f"Only {round(starts.share * starts.tried) or 'none'} of {starts.tried} starts arrived "
            "at the lowest minimum, so a lower one may have been missed.",
            "Fit again with another seed, or fix or tie a coefficient.")  # fmt: skip
    near = starts.near(value)
    if near and value > problem.floor:
        ahead = tuple(np.array([AHEAD * column.max()]) for column in problem.inputs)

        def say(one: Law) -> str:
            return scalar_text(float(np.ravel(one.formula(*ahead))[0]))

        told = ", ".join(f"{say(one)} (objective {100 * (v / value - 1):.2g}% higher)"
                         for one, v in near[:3])  # fmt: skip
        yield Issue(
            "other-minima", "weakens",
            f"{len(near)} other minimum lies within 1% of the best; at ten times the largest "
            f"inputs the best predicts {say(law)}, the other {told}."
            if len(near) == 1 else
            f"{len(near)} other minima lie within 1% of the best; at ten times the largest inputs "
            f"the best predicts {say(law)}, the others {told}.",
            "Read fit.starts.others, and treat the answer as one of several.")  # fmt: skip
    if found.decrement > _DECREMENT:
        yield Issue(
            "not-converged", "weakens",
            f"The last step still promised {found.decrement:.1e} of the objective.",
            "Fix or tie a coefficient, or drop runs that the law cannot describe.")  # fmt: skip


def _bounds(problem: Problem, u: Array, law: Law) -> Iterator[Issue]:
    for name, end in at_bounds(problem, u).items():
        asked = "infinity" if end == "upper" else "zero"
        if name in problem.constraints.bounds:
            asked = f"a {'higher' if end == 'upper' else 'lower'} value"
        yield Issue(
            "at-bound", "weakens",
            f"{name} ended at its {end} bound, {human(float(law.values[name]))}: the data ask for "
            f"{asked}.",
            f"Use a law without {name}, fix it, or add runs that show its effect.")  # fmt: skip
    for name in problem.free:
        declared, found = problem.family.coefficients[name], float(law.values[name])
        low, high = declared.typical
        if not declared.positive or found == 0 or name in at_bounds(problem, u):
            continue
        if not low / _FAR_FROM_TYPICAL <= found <= high * _FAR_FROM_TYPICAL:
            yield Issue(
                "unusual-coefficient", "note",
                f"{name} is {human(found)}; it is usually between {human(low)} and {human(high)}.",
                "Check the units of the inputs.")  # fmt: skip


def one_sided(problem: Problem, drawn: Array) -> tuple[Issue, ...]:
    """An issue where so many resamples ended at a bound that the runs give no end there.

    Parameters
    ----------
    problem : Problem
    drawn : ndarray, shape (n, q)
        Coordinates of the resamples.
    """
    lower, upper = problem.limits
    at_end = {"lower": drawn <= lower + _AT_LIMIT, "upper": drawn >= upper - _AT_LIMIT}
    values = problem.laws(drawn).values
    told = []
    for end, there in at_end.items():
        beyond = _ONE_SIDE if end == "upper" else 1 - _ONE_SIDE
        for name, share in zip(problem.free, there.mean(axis=0), strict=True):
            if share > _BOUND_SHARE:
                known = scalar_text(float(np.quantile(values[name], beyond)))
                side = "above" if end == "upper" else "below"
                told.append(
                    f"{name} ended at its {end} bound in {percent(share)} of resamples, so these "
                    f"runs say little more than that it is {side} {known}"
                )
    if not told:
        return ()
    return (Issue(
        "resamples-at-bound", "weakens", f"{'; '.join(told)}.",
        "That end of its interval is the bound, not the data: see scaling.profile, fix it, or add "
        "runs that show its effect.",
    ),)  # fmt: skip


def _directions(problem: Problem, u: Array) -> Iterator[Issue]:
    """The direction the data say least about, in words."""
    eigenvalues, vectors, spread = flatness(problem, u)
    factor = spread / np.sqrt(float(eigenvalues[0]))
    gram = (vectors * eigenvalues) @ vectors.T
    scale = np.sqrt(np.maximum(np.diag(gram), 1e-300))
    condition = np.linalg.cond(gram / scale[:, None] / scale[None, :])
    named = [problem.free[j] for j in np.flatnonzero(np.abs(vectors[:, 0]) > _FLAT_PART)]
    if factor > _FLAT or condition > 1 / np.finfo(float).eps:
        known = f"a factor of {human(float(np.exp(min(factor, 300.0))), 2)}"
        yield Issue(
            "flat-direction", "blocks" if factor > LOOSE else "weakens",
            f"{joined(named)} cannot be told apart by these runs: together they may move by "
            f"{known} with no visible change in the fit."
            if len(named) > 1 else
            f"These runs do not determine {joined(named)}: it may move by {known} with no visible "
            "change in the fit.",
            "Fix or tie one of them, or add runs that differ more.")  # fmt: skip
    elif condition > _CONDITION:
        yield Issue(
            "flat-direction", "note",
            f"{joined(named)} nearly compensate each other (condition number {condition:.0e}).",
            "Read answers (loss, best size) rather than single coefficients.")  # fmt: skip


def far_places(residual: Array) -> NDArray[np.intp]:
    """Places of the residuals that lie far from the others, the farthest first.

    Examples
    --------
    >>> far_places(np.array([0.1, -0.1, 9.0, 0.1, -20.0]))
    array([4, 2])
    """
    size, spread = np.abs(residual), usual_spread(residual)
    far = np.flatnonzero((size > _FAR * spread) & (spread > _TINY))
    return far[np.argsort(-size[far])]


def far_runs(residual: Array, labels: Any, *, relative: bool) -> tuple[Issue, ...]:
    """An issue where runs lie far from the law that the others follow.

    Parameters
    ----------
    residual : ndarray, shape (n,)
    labels : Index, n
        Of the runs.
    relative : bool
        Whether residuals are of a logarithm.
    """
    far = far_places(residual)
    if not len(far):
        return ()
    rows = tuple(labels[place] for place in far)
    worst = float(np.abs(residual).max())
    off = f"{100 * worst:.2g}%" if relative else scalar_text(worst)
    are = "run lies" if len(far) == 1 else "runs lie"
    return (Issue(
        "far-runs", "weakens",
        f"{len(far)} {are} more than {_FAR:g} times the usual spread from the law, up to {off} "
        f"({name_rows(rows)}); a few such runs can move an answer by more than its interval.",
        "Look at them with scaling.lint(runs), and fit with and without them.", rows,
    ),)  # fmt: skip


def joined(names: list[str]) -> str:
    """Names in words.

    Examples
    --------
    >>> joined(["E", "A", "B"])
    'E, A and B'
    """
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _numbers(problem: Problem, residual: Array) -> Iterator[Issue]:
    n, q = len(residual), len(problem.free)
    if n < _RUNS_PER_COEFFICIENT * q:
        yield Issue(
            "few-runs", "weakens", f"{n} runs for {q} free coefficients.",
            f"Add runs (at least {_RUNS_PER_COEFFICIENT * q}), or fix or tie coefficients; "
            "intervals from so few are too narrow.")  # fmt: skip
    knee = problem.objective.knee
    if np.isfinite(knee) and knee > 0 and float(np.abs(residual).max()) > 1e-9:
        inside = float((np.abs(residual) <= knee).mean())
        typical = scalar_text(float(np.median(np.abs(residual))))
        if inside < q / n or inside > _INSIDE_MOST:
            which = "nearly all" if inside > _INSIDE_MOST else "almost none"
            acts = "squares" if inside > _INSIDE_MOST else "absolute deviations"
            yield Issue(
                "delta-mismatch", "note",
                f"{which.capitalize()} of the residuals (median {typical}) lie within delta "
                f"{knee:g}, so the objective acts as least {acts}.",
                f"Set delta near {typical} to weigh outliers less.")  # fmt: skip

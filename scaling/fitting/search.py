"""The search for the lowest minimum, and a record of every other one that was met."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from scaling.errors import FitError
from scaling.fitting.engine import Refined, low_discrepancy, refine, same_prediction
from scaling.fitting.polishing import polish, to_vertex
from scaling.fitting.problem import Problem
from scaling.robust import usual_spread

__all__ = [
    "LOOSE",
    "RAW_STARTS",
    "Found",
    "flatness",
    "knees",
    "loose_directions",
    "search",
    "settle",
    "valley",
]

Array: TypeAlias = NDArray[np.float64]

RAW_STARTS = 64
_SCREENED, _SCREENED_KEPT = 1024, 16
_ROWS_A_COEFFICIENT = 5  # that the first stages see at least
_NEAR_SHARE = 1.25  # other minima up to this share above the lowest are kept for resamples
_OTHERS_KEPT = 8
_ENDS_KEPT = 16
_AGREES = 1e-4
_SETTLED = 1e-6  # relative fall still promised, below which an end is a minimum
_STEPS = (-3.0, -2.0, -1.0, -0.5, 0.5, 1.0, 2.0, 3.0)  # along a valley, in standard deviations
_WALKS, _WALK_TOLERANCE, _WALK_LIMIT = 5, 1e-6, 15
_REACH = 5.0  # of one standard deviation, in coordinates
LOOSE = 10.0  # log factor from which the runs say nothing about a direction
_WANDER = 2.0
_LOWER = 1e-9
_ROUNDING = 1e-16
_SCREEN_ELEMENTS = 100_000
_ABSOLUTE_KNEES = 10.0 ** -np.arange(1, 11)  # times the median residual, down to the vertex


@dataclass(frozen=True)
class _Stage:
    """One stage of the search: on how many runs, how long, and which ends go on."""

    rows: int
    tolerance: float
    limit: int
    within: float = 1e9  # ends this share above the lowest do not go on


# The basins of a law with few coefficients show on few runs; the last stage takes all of them.
_FIRST = _Stage(64, 1e-6, 60)
_MIDDLE = _Stage(4096, 1e-8, 40, within=0.05)
_LAST = _Stage(0, 1e-8, 40)


@dataclass(frozen=True)
class Found:
    """What the search met.

    Attributes
    ----------
    u : ndarray, shape (q,)
        Coordinates of the lowest minimum.
    share : float
        Share of the raw starts that arrived there, to 1e-4 of the objective.
    others : ndarray, shape (e, q)
        Other distinct minima, up to a quarter above the objective, the lowest first.
    decrement : float
        Relative fall that the last step still promised.
    """

    u: Array
    share: float
    others: Array
    decrement: float


def search(problem: Problem, seed: int, more: Array | None = None) -> Found:
    """Lowest minimum from many starts, and how the surface looked on the way.

    Parameters
    ----------
    problem : Problem
    seed : int
        Shifts the low-discrepancy starts.
    more : ndarray, shape (e, q), optional
        Further starts, where good ones are known.
    """
    knee = _first_knee(problem)
    parts = list(_parts(problem))
    ends = _starts(parts[0][1], seed)
    ends = ends if more is None else np.vstack([ends, more])
    came_to = np.arange(RAW_STARTS)
    for stage, part in parts:
        refined = refine(
            part, ends, knee=knee, tolerance=stage.tolerance, limit=stage.limit, merge=True
        )
        if not np.isfinite(refined.value).any():
            raise FitError(
                f"{problem.family.__name__} is not a number at any start of the search; check its "
                "formula, the ties, and the units of the inputs."
            )
        kept, like = _distinct(part, refined, stage.within)
        ends, values = refined.u[kept], refined.value[kept]
        came_to = np.where(came_to < 0, -1, like[came_to])
    agreed = values <= values[0] * (1 + _AGREES) + problem.floor
    share = float(((came_to >= 0) & agreed[came_to]).mean())
    lowest, along = _down_the_valley(problem, ends[0], knee)
    # A crawl along a valley that has not settled is no minimum of its own.
    near = refined.settled[kept] & (values <= values[0] * _NEAR_SHARE + problem.floor)
    near[0] = True
    ends = np.vstack([lowest, along, ends[near]])[: _OTHERS_KEPT + 1]
    settled = [settle(problem, end) for end in ends]
    u, decrement = np.array([u for u, _ in settled]), np.array([d for _, d in settled])
    order = np.argsort(problem.objective_at(u), kind="stable")
    kept = order[_apart(problem.residual(problem.predict(u[order])), len(order))[0]]
    return Found(u[kept[0]], share, u[kept[1:]], float(decrement[kept[0]]))


def _parts(problem: Problem) -> Iterator[tuple[_Stage, Problem]]:
    """The stages, each with the problem on its runs; the last has all of them."""
    n = len(problem.target)
    rows = max(_FIRST.rows, _ROWS_A_COEFFICIENT * len(problem.free))
    yield _FIRST, problem.subset(_evenly(problem.target, min(rows, n)))
    if 5 * _MIDDLE.rows < 4 * n:
        yield _MIDDLE, problem.subset(_evenly(problem.target, _MIDDLE.rows))
    yield _LAST, problem


def settle(problem: Problem, u: Array) -> tuple[Array, float]:
    """One candidate taken to the bottom of its minimum; its last relative decrement."""
    decrement = 0.0
    for knee in knees(problem, u):
        u = refine(problem, u[None, :], knee=knee, damping=1e-5, tolerance=1e-9).u[0]
        u, decrement = polish(problem, u, knee)
    return (u if problem.objective.knee > 0 else to_vertex(problem, u)), decrement


def knees(problem: Problem, u: Array) -> Iterator[float]:
    """Knees to go through from coordinates of shape (q,) to a settled minimum.

    One for Huber and least squares; for least absolute deviations a falling sequence, whose
    last is the vertex to rounding.
    """
    if problem.objective.knee > 0:
        yield problem.objective.knee
        return
    scale = float(np.median(np.abs(problem.residual(problem.predict(u[None, :])))))
    scale = max(scale, 1e-9 * float(np.abs(problem.wanted).max()), 1e-300)
    yield from (_ABSOLUTE_KNEES * scale).tolist()


def _first_knee(problem: Problem) -> float:
    """Knee the search runs at: the objective's, or a small one under least absolute."""
    if problem.objective.knee > 0:
        return problem.objective.knee
    return 1e-2 * max(float(np.ptp(problem.wanted)), 1e-9)


def _evenly(target: Array, count: int) -> NDArray[np.intp]:
    """Rows spread evenly over the order of the target."""
    order = np.argsort(target, kind="stable")
    return np.sort(order[np.linspace(0, len(target) - 1, count).astype(int)])


def _starts(problem: Problem, seed: int) -> Array:
    """Raw starts, and after them the best of many more after one evaluation each."""
    low, high = problem.box
    points = low + low_discrepancy(RAW_STARTS + _SCREENED, len(low), seed) * (high - low)
    raw, screened = points[:RAW_STARTS], points[RAW_STARTS:]
    blocks = max(1, _SCREENED * problem.target.size // _SCREEN_ELEMENTS)
    knee = _first_knee(problem)
    value = np.concatenate([
        problem.score(problem.residual(problem.predict(block)), problem.weights[None, :], knee)
        for block in np.array_split(screened, blocks)
    ])  # fmt: skip
    return np.vstack([raw, screened[np.argsort(value, kind="stable")[:_SCREENED_KEPT]]])


def _down_the_valley(problem: Problem, u: Array, knee: float) -> tuple[Array, Array]:
    """The lowest of the minima along a valley, and those passed on the way.

    In a flat valley the kinks of the objective make minima that lie close together, and a search
    that came down elsewhere in the valley may have stopped at a higher one. So candidates start on
    either side, along the direction that the runs say least about, and again from a lower one.
    """
    passed: list[Array] = []
    value = problem.score(problem.residual(problem.predict(u[None, :])),
                          problem.weights[None, :], knee)[0]  # fmt: skip
    for _ in range(_WALKS):
        sides = valley(problem, u)[0]
        found = refine(problem, sides, knee=knee, tolerance=_WALK_TOLERANCE, limit=_WALK_LIMIT)
        lowest = int(found.value.argmin())
        if not found.value[lowest] < value * (1 - _LOWER) - problem.floor:
            break
        passed.append(u)
        u, value = found.u[lowest], found.value[lowest]
    return u, np.array(passed).reshape(-1, len(u))


def valley(problem: Problem, u: Array) -> tuple[Array, float]:
    """Starts on either side of a minimum along its flattest direction, and how flat it is.

    Returns
    -------
    sides : ndarray, shape (8, q)
        Coordinates.
    width : float
        Standard deviation along the direction: the log factor by which its coefficients may
        move together.
    """
    eigenvalues, vectors, spread = flatness(problem, u)
    width = spread / float(np.sqrt(eigenvalues[0]))
    relative = (problem.yardstick(u[None, :]) / problem.chain(u[None, :]))[0]
    along = vectors[:, 0] * relative
    sides = u + min(width, _REACH) * np.array(_STEPS)[:, None] * along
    return np.clip(sides, *problem.limits), width


def loose_directions(problem: Problem, u: Array) -> Array:
    """Directions that the runs say nothing about, in coordinates, shape (d, q).

    Each is as long as the log factor of two by which its coefficients are let wander.
    """
    eigenvalues, vectors, spread = flatness(problem, u)
    none = spread / np.sqrt(eigenvalues) > LOOSE
    relative = (problem.yardstick(u[None, :]) / problem.chain(u[None, :]))[0]
    wander: Array = np.nan_to_num(_WANDER * (vectors[:, none] * relative[:, None]).T)
    return wander


def flatness(problem: Problem, u: Array) -> tuple[Array, Array, float]:
    """What the runs say about each direction at a minimum, the flattest first.

    Directions are of relative changes: of the logarithms of positive coefficients, and of the
    others over the widths of their typical ranges.

    Returns
    -------
    eigenvalues : ndarray, shape (q,)
        Of the residuals' Gram matrix, none below rounding.
    vectors : ndarray, shape (q, q)
        Directions, one a column.
    spread : float
        Standard deviation of the residuals, from their median.
    """
    with np.errstate(all="ignore"):
        prediction = problem.predict(u[None, :])
        slope = np.broadcast_to(problem.objective.slope(prediction), prediction.shape)
        weight = np.sqrt(problem.weights / problem.weights.mean()) * slope[0]
        jacobian = (problem.rows(u[None, :]) * problem.yardstick(u[None, :])[:, :, None])[
            0
        ] * weight
        gram = np.nan_to_num(jacobian @ jacobian.T)
    eigenvalues, vectors = np.linalg.eigh(gram)
    lowest = max(_ROUNDING * float(eigenvalues[-1]), 1e-300)
    residual = problem.residual(prediction)
    spread = usual_spread(residual)
    return np.maximum(eigenvalues, lowest), vectors, spread


def _distinct(
    problem: Problem, refined: Refined, within: float
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Distinct end points, lowest first, and which of them each candidate came to.

    Returns
    -------
    kept : ndarray of int
        Indices of candidates, one an end point.
    place : ndarray of int
        For each candidate the position of its end point in ``kept``; -1 where it is not kept.
    """
    roots = np.arange(len(refined.owner))
    while (refined.owner[roots] != roots).any():
        roots = refined.owner[roots]
    unique = np.unique(roots)
    unique = unique[np.argsort(refined.value[unique], kind="stable")]
    highest = refined.value[unique[0]] * (1 + within) + problem.floor
    allowed = np.isfinite(refined.value[unique]) & (refined.value[unique] <= highest)
    residual = problem.residual(problem.predict(refined.u[unique]))
    kept, came_to = _apart(residual, _ENDS_KEPT, allowed)
    position = np.full(len(refined.owner), -1)
    position[unique] = came_to
    return unique[kept], position[roots]


def _apart(
    residual: Array, most: int, allowed: NDArray[np.bool_] | None = None
) -> tuple[list[int], NDArray[np.intp]]:
    """The first rows that predict differently, at most so many, and which each row is like."""
    kept: list[int] = []
    like = np.full(len(residual), -1)
    for i, row in enumerate(residual):
        alike = (k for k, j in enumerate(kept) if same_prediction(residual[j], row))
        found = next(alike, -1)
        if found < 0 and len(kept) < most and (allowed is None or allowed[i]):
            found = len(kept)
            kept.append(i)
        like[i] = found
    return kept, like

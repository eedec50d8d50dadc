"""The search for the lowest minimum, and a record of every other one that was met."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from scaling.fitting.engine import low_discrepancy, refine, same_prediction
from scaling.fitting.polishing import polish
from scaling.fitting.problem import Problem

__all__ = ["RAW_STARTS", "Found", "knees", "search", "settle"]

Array: TypeAlias = NDArray[np.float64]

RAW_STARTS = 64
_SCREENED, _SCREENED_KEPT = 1024, 16
_SEARCH_ROWS = 128  # the basins of a law with few coefficients show on this many runs
_SEARCH_LIMIT, _SEARCH_TOLERANCE, _FULL_LIMIT = 60, 1e-6, 40
_ENDS_KEPT = 16
_AGREES = 1e-4
_NEAR, _BOOTSTRAP_NEAR, _BOOTSTRAP_ENDS = 1.01, 1.25, 8
_SCREEN_ELEMENTS = 100_000
_ABSOLUTE_KNEES = 10.0 ** -np.arange(1, 8)  # times the median residual, down to the vertex


@dataclass(frozen=True)
class Found:
    """What the search met.

    Attributes
    ----------
    u : ndarray, shape (q,)
        Coordinates of the lowest minimum.
    share : float
        Share of the raw starts that arrived there, to 1e-4 of the objective.
    near : ndarray, shape (m, q)
        Every other distinct minimum within 1% of the objective.
    near_values : ndarray, shape (m,)
        Their objectives.
    ends : ndarray, shape (e, q)
        Distinct end points a resample may fall into, besides the lowest.
    decrement : float
        Relative fall that the last step still promised.
    settled : bool
        Whether the lowest met the tolerance.
    """

    u: Array
    share: float
    near: Array
    near_values: Array
    ends: Array
    decrement: float
    settled: bool


def search(problem: Problem, seed: int, starts: Array | None = None) -> Found:
    """Lowest minimum from many starts, and how the surface looked on the way.

    Parameters
    ----------
    problem : Problem
    seed : int
        Shifts the low-discrepancy starts.
    starts : ndarray, shape (k, q), optional
        Starts to use instead, all of them counted as raw.
    """
    small = problem.subset(_evenly(problem.target, _SEARCH_ROWS))
    raw = RAW_STARTS if starts is None else len(starts)
    if starts is None:
        starts = _starts(small, seed)
    knee = _first_knee(problem)
    first = refine(small, starts, knee=knee, tolerance=_SEARCH_TOLERANCE, limit=_SEARCH_LIMIT,
                   merge=True)  # fmt: skip
    ends, end_of = _ends(problem, first.u, first.value, first.owner, knee)
    second = refine(problem, ends, knee=knee, limit=_FULL_LIMIT, merge=True)
    final = np.array([_root(second.owner, i) for i in range(len(ends))])
    lowest = int(np.argmin(second.value))
    values = second.value[final]
    limit = second.value[lowest] * (1 + _AGREES) + problem.floor
    arrived = np.append(values, np.inf)[end_of] <= limit
    u, decrement = settle(problem, second.u[lowest])
    others = _distinct(problem, second.u[lowest], second.u[np.unique(final)])
    other_values = problem.score(
        problem.residual(problem.predict(others)), problem.weights[None, :], knee
    )
    best = second.value[lowest]
    near = other_values <= _NEAR * best + problem.floor
    wide = np.argsort(other_values)[:_BOOTSTRAP_ENDS]
    wide = wide[other_values[wide] <= _BOOTSTRAP_NEAR * best + problem.floor]
    return Found(
        u, float(arrived[:raw].mean()), others[near], other_values[near], others[wide],
        decrement, bool(second.settled[lowest]) or decrement < _SEARCH_TOLERANCE,
    )  # fmt: skip


def settle(problem: Problem, u: Array) -> tuple[Array, float]:
    """One candidate taken to the bottom of its minimum; its last relative decrement."""
    decrement = 0.0
    for knee in knees(problem, u):
        u = refine(problem, u[None, :], knee=knee, damping=1e-5, tolerance=1e-9).u[0]
        u, decrement = polish(problem, u, knee)
    return u, decrement


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


def _evenly(target: Array, most: int) -> NDArray[np.intp]:
    """Rows spread evenly over the order of the target, all of them where there are few."""
    if len(target) <= most * 5 // 4:
        return np.arange(len(target))
    order = np.argsort(target, kind="stable")
    return np.sort(order[np.linspace(0, len(target) - 1, most).astype(int)])


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


def _root(owner: NDArray[np.intp], index: int) -> int:
    while owner[index] != index:
        index = int(owner[index])
    return index


def _ends(
    problem: Problem, u: Array, value: Array, owner: NDArray[np.intp], knee: float
) -> tuple[Array, NDArray[np.intp]]:
    """Distinct end points of a search, lowest first, and which of them each start came to.

    A start that came to none of the lowest gets the index after the last.
    """
    roots = np.array([_root(owner, i) for i in range(len(u))])
    unique = np.unique(roots)
    unique = unique[np.argsort(value[unique], kind="stable")]
    residual = problem.residual(problem.predict(u[unique]))
    kept: list[int] = []
    place: dict[int, int] = {}
    for position, root in enumerate(unique):
        same = (k for k, i in enumerate(kept) if same_prediction(residual[i], residual[position]))
        found = next(same, None)
        if found is None and len(kept) < _ENDS_KEPT:
            found = len(kept)
            kept.append(position)
        place[int(root)] = _ENDS_KEPT if found is None else found
    end_of = np.array([place[int(root)] for root in roots])
    return u[unique[kept]], np.where(end_of == _ENDS_KEPT, len(kept), end_of)


def _distinct(problem: Problem, u: Array, others: Array) -> Array:
    """Those of the others that neither predict as the best does nor as one another."""
    seen = [problem.residual(problem.predict(u[None, :]))[0]]
    kept = []
    for candidate, residual in zip(others, problem.residual(problem.predict(others)), strict=True):
        if not any(same_prediction(known, residual) for known in seen):
            seen.append(residual)
            kept.append(candidate)
    return np.array(kept).reshape(-1, len(u))

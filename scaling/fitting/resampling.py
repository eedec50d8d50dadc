"""Resamples of the runs, refitted: the errors of a fit come from these."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from scaling.fitting.engine import refine
from scaling.fitting.problem import Problem
from scaling.fitting.search import knees

__all__ = ["Resampled", "lowest", "resample", "resample_counts"]

Array: TypeAlias = NDArray[np.float64]

# Each block of 100 resamples has a random stream of its own and is refitted by itself, so that any
# number of workers, and any number of resamples asked for, gives the same first ones to the bit.
_BLOCK, _BLOCK_ELEMENTS = 100, 1_000_000
_STRATA = 2  # streams (block, 2, stratum); (block, 1) shifts the starts
_DAMPING, _TOLERANCE = 1e-5, 1e-9
_ABSOLUTE_KNEES = 5  # of the falling sequence of least absolute deviations
_IMPROVED = 1e-6
_IMPROVED_SHARE = 0.01


@dataclass(frozen=True)
class Resampled:
    """Refitted resamples.

    Attributes
    ----------
    u : ndarray, shape (n, q)
        Coordinates of each resample's minimum.
    moved : float
        Share of the pilot resamples that preferred another minimum than the fit's.
    """

    u: Array
    moved: float


def resample_counts(
    n: int, units: int, seed: int, rows: int = 0, strata: NDArray[np.intp] | None = None
) -> Iterator[Array]:
    """How often each unit is drawn in each resample, in whole blocks of shape (100, units).

    Blocks are smaller where there are more than 10,000 rows. Units in strata are drawn among
    their own; each stratum has a random stream of its own, whichever others stand beside it.

    Examples
    --------
    >>> block = next(resample_counts(10, units=5, seed=0))
    >>> block.shape, block.sum(axis=1)[:2]
    ((100, 5), array([5., 5.]))
    """
    size = max(1, min(_BLOCK, _BLOCK_ELEMENTS // max(rows, units)))
    for block in range(-(-n // size)):
        if strata is None:
            yield _counts(units, size, seed, (block,))
            continue
        counts = np.empty((size, units))
        for stratum in np.unique(strata):
            among = strata == stratum
            key = (block, _STRATA, int(stratum))
            counts[:, among] = _counts(int(among.sum()), size, seed, key)
        yield counts


def _counts(units: int, size: int, seed: int, key: tuple[int, ...]) -> Array:
    stream = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
    drawn = stream.integers(0, units, (size, units)) + units * np.arange(size)[:, None]
    counts = np.bincount(drawn.ravel(), minlength=size * units).reshape(size, units)
    return counts.astype(float)


def resample(
    problem: Problem, u: Array, others: Array, n: int, *, loose: Array,
    groups: NDArray[np.intp] | None, seed: int, strata: NDArray[np.intp] | None = None,
) -> Resampled:  # fmt: skip
    """The problem refitted on resamples of its runs, or of whole groups of them.

    Parameters
    ----------
    problem : Problem
    u : ndarray, shape (q,)
        The fit's own minimum.
    others : ndarray, shape (e, q)
        Other minima that a resample may prefer; each is tried on the first block.
    n : int
        Resamples.
    loose : ndarray, shape (d, q)
        Directions that the runs say nothing about. No resample moves along them by itself, so
        each starts at a random place, or the interval would pass for exact knowledge.
    groups : ndarray of int, shape (runs,), optional
        Number of the group of each run; single runs are drawn without it.
    seed : int
    strata : ndarray of int, shape (units,), optional
        Number of the stratum of each run, or of each group: every stratum keeps its size.
    """
    units = problem.target.size if groups is None else int(groups.max()) + 1
    starts, moved = u[None, :], 0.0
    stages = list(knees(problem, u))[:_ABSOLUTE_KNEES]
    found = []
    for block, counts in enumerate(resample_counts(n, units, seed, problem.target.size, strata)):
        weights = problem.weights * (counts if groups is None else counts[:, groups])
        stream = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(block, 1)))
        shift = stream.normal(size=(len(weights), len(loose))) @ loose
        if block == 0 and len(others):
            starts, moved, ended = _pilot(problem, np.vstack([u, others]), weights, stages, shift)
        else:
            ended = lowest(problem, starts, weights, stages, shift)[0]
        found.append(ended)
    return Resampled(np.vstack(found)[:n], moved)


def _pilot(
    problem: Problem, starts: Array, weights: Array, stages: list[float], shift: Array
) -> tuple[Array, float, Array]:
    """The starts worth giving to every resample, the share that left the fit's minimum, and where
    the first block ended.
    """
    ended, values = lowest(problem, starts, weights, stages, shift)
    winner = values.argmin(axis=1)
    better = values.min(axis=1) < values[:, 0] * (1 - _IMPROVED) - problem.floor
    moved = float(better.mean())
    if moved <= _IMPROVED_SHARE:
        return starts[:1], moved, ended
    return starts[np.unique(np.append(winner[better], 0))], moved, ended


def lowest(
    problem: Problem, starts: Array, weights: Array, stages: list[float], shift: Array
) -> tuple[Array, Array]:
    """Lowest end of each resample over the starts, and the objective from every start."""
    ends, values = [], []
    for start in starts:
        u = np.clip(start + shift, *problem.limits)
        for knee in stages:
            refined = refine(problem, u, weights, knee=knee, damping=_DAMPING, tolerance=_TOLERANCE)
            u = refined.u
        ends.append(u)
        values.append(refined.value)
    value = np.stack(values, axis=1)
    chosen = value.argmin(axis=1)
    return np.stack(ends)[chosen, np.arange(len(weights))], value

"""Where a table is cut into runs to fit and larger runs to forecast."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling.columns import COMPUTE
from scaling.errors import ColumnError, Issue, ScalingError
from scaling.fitting.preparing import used_columns
from scaling.frontier.terms import positive
from scaling.runs.budgets import budgets_of
from scaling.runs.door import numbers
from scaling.runs.reading import cost_of
from scaling.text import human, listed, quoted

__all__ = ["Split", "Splits", "splits_of"]

Array: TypeAlias = NDArray[np.float64]
Places: TypeAlias = NDArray[np.intp]

_MOST_CUTS = 6
_SPARE = 2  # runs more than coefficients that any fit below a cut needs
_FEW_BELOW, _TIMES_FREE = 10, 2  # runs below a cut chosen here, and runs a coefficient
_FEW_ABOVE = 5  # runs that a cut chosen here leaves above it
_RANGE_BELOW = 8.0  # factor between the runs below such a cut; three budgets x 3 span 9
_FEWEST_BUDGETS = 2
_MOST_HELD = 2000  # runs forecast at a cut; more of them say nothing new of one misfit


@dataclass(frozen=True)
class Split:
    """Runs to fit and runs to forecast.

    Attributes
    ----------
    cut : float
    below, above : ndarray of int
        Rows, by position.
    distance : ndarray
        By which factor each run above lies beyond the largest below: in compute, or in what the
        runs are cut by where compute is not known.
    """

    cut: float
    below: Places
    above: Places
    distance: Array


@dataclass(frozen=True)
class Splits:
    """All splits of a table.

    Attributes
    ----------
    by : str
    parts : tuple of Split
        The smallest cut first.
    largest : float
        Largest compute of the runs; NaN where it is not known.
    issues : tuple of Issue
        Cuts that cannot be used.
    """

    by: str
    parts: tuple[Split, ...]
    largest: float
    issues: tuple[Issue, ...]


def splits_of(
    runs: pd.DataFrame, by: str, cuts: Any, columns: Mapping[str, str], free: int,
    farthest: float | None,
) -> Splits:  # fmt: skip
    """Splits of a table at the cuts given, or at those its own budgets or range suggest.

    Parameters
    ----------
    runs : DataFrame
    by : str
        ``compute``, or any column of numbers.
    cuts : array_like, optional
    columns : mapping of str to str
        Which columns play params and tokens.
    free : int
        Coefficients: two runs more must lie below a cut.
    farthest : float, optional
        Runs above count up to this distance.

    Raises
    ------
    ScalingError
        If no cut can be used.
    """
    compute = _compute(runs, columns)
    values = _values(runs, by, compute)
    measure = values if compute is None else compute
    if (measure <= 0).any():
        raise ColumnError(f"Distances are factors, so {by} must be above 0 in every run.")
    asked = cuts is not None
    least = free + _SPARE if asked else max(_FEW_BELOW, _TIMES_FREE * free)
    wanted = np.unique(positive("cuts", cuts)) if asked else _chosen(values, by, least)
    parts, issues, seen = [], [], set()
    for cut in wanted:
        split, why = _split(values, measure, float(cut), farthest)
        if not why and len(split.below) < least:
            why = f"{len(split.below)} runs lie at or below it, and {least} are needed"
        if not why and tuple(split.above) in seen:
            why = "another cut splits the runs in the same way"
        if why:
            issues.append(Issue("cut-not-used", "note", f"The cut at {human(cut)} is not used: "
                                f"{why}.", "Choose cuts with runs on both sides."))  # fmt: skip
            continue
        seen.add(tuple(split.above))
        parts.append(split)
    if not parts:
        wide = "" if asked else f" over a factor of {_RANGE_BELOW:g}"
        told = f" {issues[0].message}" if issues else " Give cuts= to choose them yourself."
        raise ScalingError(
            f"A backtest needs a cut in {by} with at least {least} runs below it{wide} and "
            f"{1 if asked else _FEW_ABOVE} or more above; these {len(runs)} runs have none.{told}"
        )
    return Splits(by, tuple(parts), np.nan if compute is None else float(compute.max()),
                  tuple(issues))  # fmt: skip


def _compute(runs: pd.DataFrame, columns: Mapping[str, str]) -> Array | None:
    """Compute of each run, logged or by its cost; None where neither is there."""
    there = {role: name for role, name in columns.items() if name in runs.columns}
    return used_columns(runs, there, cost_of(runs)).get(COMPUTE)


def _values(runs: pd.DataFrame, by: str, compute: Array | None) -> Array:
    if by == COMPUTE and compute is not None:
        return compute
    if not isinstance(by, str) or by not in runs.columns:
        remedy = "Add compute, or params and tokens" if by == COMPUTE else "Name one of them"
        raise ColumnError(f"by={quoted(by)} is no column of these runs, which have "
                          f"{listed(runs.columns)}. {remedy}.")  # fmt: skip
    return numbers(runs, by)


def _split(values: Array, measure: Array, cut: float, farthest: float | None) -> tuple[Split, str]:
    """The split at a cut, and why it cannot be used; empty where it can."""
    below, above = np.flatnonzero(values <= cut), np.flatnonzero(values > cut)
    if not len(below) or not len(above):
        return Split(cut, below, above, np.zeros(0)), (
            f"no run lies {'above' if len(below) else 'at or below'} it")  # fmt: skip
    distance = measure[above] / measure[below].max()
    if farthest is not None:
        above, distance = above[distance <= farthest], distance[distance <= farthest]
        if not len(above):
            return Split(cut, below, above, distance), f"no run above it lies within {farthest:g}x"
    if len(above) > _MOST_HELD:
        order = np.argsort(values[above], kind="stable")
        kept = np.sort(order[np.linspace(0, len(above) - 1, _MOST_HELD).astype(int)])
        above, distance = above[kept], distance[kept]
    return Split(cut, below, above, distance), ""


def _chosen(values: Array, by: str, least: int) -> Array:
    """Cuts at the upper ends of the table's budgets, or evenly in the log of what it is cut by."""
    ordered = np.sort(values)
    enough = np.searchsorted(ordered, values, "right") >= least
    possible = enough & (values >= _RANGE_BELOW * ordered[0])
    possible &= values < ordered[max(len(ordered) - _FEW_ABOVE, 0)]
    if not possible.any():
        return np.zeros(0)
    tops = _budget_tops(values) if by == COMPUTE else np.zeros(0)
    if len(tops):  # a cut inside a budget would forecast runs no larger than those it fits
        tops = tops[np.isin(tops, values[possible])]
        places = np.linspace(0, len(tops) - 1, min(len(tops), _MOST_CUTS)).round().astype(int)
        return np.asarray(tops[places])
    low, high = values[possible].min(), values[possible].max()
    even = np.geomspace(low, high, _MOST_CUTS) * (1 + 1e-12)
    return np.unique(ordered[np.searchsorted(ordered, even, "right") - 1])


def _budget_tops(values: Array) -> Array:
    """Largest value of each budget, where most runs are on one."""
    budgets = budgets_of(values)
    count = int(budgets.max(initial=-1)) + 1
    if count < _FEWEST_BUDGETS or (budgets >= 0).mean() < 0.5:
        return np.zeros(0)
    return np.array([values[budgets == budget].max() for budget in range(count)])

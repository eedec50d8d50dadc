"""How good forecasts of held-out runs were: errors, coverage and scores by candidate and cut."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["relative_scores", "scores_of", "shared_errors", "summary_of"]

Array: TypeAlias = NDArray[np.float64]

_TINY = 1e-12  # relative error below which a forecast is exact


def relative_scores(observed: Array, low: Array, high: Array, level: float) -> NDArray[np.float64]:
    """Interval score of each observation over its size; lower is better.

    The width of the interval, and where the observation lies outside, ``2 / (1 - level)`` times
    the distance by which: Winkler 1972; Gneiting and Raftery 2007, eq. 43.

    Examples
    --------
    >>> relative_scores(np.array([2.0, 2.0]), np.array([1.9, 2.1]), np.array([2.1, 2.2]), 0.9)
    array([0.1 , 1.05])
    """
    missed = np.maximum(low - observed, 0) + np.maximum(observed - high, 0)
    scores: NDArray[np.float64] = (high - low + 2 / (1 - level) * missed) / observed
    return scores


def scores_of(points: pd.DataFrame, below: Mapping[float, int], level: float) -> pd.DataFrame:
    """One row a candidate and cut, from its points and how many runs lie below each cut."""
    observed, low, high = (points[name].to_numpy() for name in (
        "observed", "forecast_low", "forecast_high"))  # fmt: skip
    known = np.isfinite(low) & np.isfinite(high)
    judged = points[["candidate", "cut"]].assign(
        runs_above=1, mean_error=points["error"].abs(), bias=points["error"],
        coverage=np.where(known, (low <= observed) & (observed <= high), np.nan),
        interval_score=relative_scores(observed, low, high, level), farthest=points["distance"],
    )  # fmt: skip
    grouped = judged.groupby(["candidate", "cut"], sort=False)
    mean = grouped[["mean_error", "bias", "coverage", "interval_score"]].mean()
    counts = grouped.agg(runs_above=("runs_above", "sum"), farthest=("farthest", "max"))
    table = counts[["runs_above"]].join(mean).join(counts[["farthest"]]).reset_index()
    table.insert(2, "runs_below", table["cut"].map(below))
    return table


def shared_errors(table: pd.DataFrame) -> pd.DataFrame:
    """Mean errors by cut and candidate, at the cuts that all candidates of a table have."""
    wide = table.pivot_table(index="cut", columns="candidate", values="mean_error", sort=False)
    return wide.dropna().clip(lower=_TINY)


def summary_of(table: pd.DataFrame) -> pd.DataFrame:
    """One row a candidate, over the cuts that all have."""
    errors = shared_errors(table)
    grouped = table[table["cut"].isin(errors.index)].groupby("candidate", sort=False)
    summary = grouped[["mean_error", "bias", "coverage", "interval_score"]].mean()
    summary.insert(0, "cuts", grouped["cut"].nunique())
    ratios = errors.div(errors[table["candidate"].iloc[0]], axis=0)
    summary.insert(2, "ratio", ratios.product() ** (1 / len(errors)))
    return summary.reset_index()

"""How coefficients and the best size move as larger runs are let in, and whether they still do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling.columns import PARAMS, TOKENS
from scaling.errors import Issue, ScalingError
from scaling.frontier import compute_optimal
from scaling.source import summarise
from scaling.text import human, listed

__all__ = ["drift_issues", "drift_of"]

Array: TypeAlias = NDArray[np.float64]


def drift_of(
    fits: Mapping[str, Sequence[tuple[float, Any]]], ahead: float, level: float
) -> pd.DataFrame:
    """One row a candidate, cut and quantity: each coefficient, and the best params at a compute.

    Parameters
    ----------
    fits : mapping of str to sequence of (float, source)
        Cuts and what was fitted there, by candidate.
    ahead : float
        Compute of the best params; NaN where compute is not known.
    level : float
    """
    rows = []
    for name, made in fits.items():
        for cut, source in made:
            for quantity, (value, low, high) in _quantities(source, ahead, level).items():
                rows.append((name, cut, quantity, value, low, high))
    names = ["candidate", "cut", "quantity", "value", "value_low", "value_high"]
    return pd.DataFrame(rows, columns=names)


def _quantities(
    source: Any, ahead: float, level: float
) -> dict[str, tuple[float, float, float]]:
    """Coefficients and the best params, each with its ends."""
    draws = {} if source.draws is None else source.draws.values
    found = {}
    for name, value in source.best.values.items():
        ends = summarise(value, draws.get(name), level)
        found[name] = (float(ends[0]), float(ends[1]), float(ends[2]))
    if set(source.best.inputs) == {PARAMS, TOKENS} and np.isfinite(ahead):
        try:
            row = compute_optimal(source, ahead, level=level).table.iloc[0]
        except ScalingError:  # the law has no best size, such as one in which tokens do nothing
            return found
        size = source.columns[PARAMS]
        found[f"best {size} at {human(ahead)}"] = (
            row[size], row[f"{size}_low"], row[f"{size}_high"])  # fmt: skip
    return found


def drift_issues(drift: pd.DataFrame, level: float) -> list[Issue]:
    return []

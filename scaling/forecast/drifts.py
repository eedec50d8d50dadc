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
from scaling.fitting import Fit
from scaling.frontier import compute_optimal
from scaling.source import summarise
from scaling.text import human, listed

__all__ = ["drift_issues", "drift_of"]

Array: TypeAlias = NDArray[np.float64]

_LARGE = (
    3.0  # errors by which a quantity moves that still drifts; a stable law does in 4% of tables
)
_LEAST_SHARE = 0.25  # of the earlier variance that a step's own is taken to be


def drift_of(
    fits: Mapping[str, Sequence[tuple[float, Any]]], ahead: float, level: float
) -> pd.DataFrame:
    """One row a candidate, cut and quantity: a fit's coefficients, and the best params ahead.

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


def _quantities(source: Any, ahead: float, level: float) -> dict[str, tuple[float, float, float]]:
    """Coefficients and the best params, each with its ends."""
    draws = {} if source.draws is None else source.draws.values
    found = {}
    for name, value in source.best.values.items() if isinstance(source, Fit) else ():
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
    """An issue for each candidate that still moves over the later half of its cuts.

    The runs below a cut are among those below the next, so what a quantity should move by is the
    difference of its two variances; at least a quarter of the first, as both are estimates.

    Parameters
    ----------
    drift : DataFrame
        Of :func:`drift_of`.
    level : float
        Of its intervals.
    """
    times = 2 * NormalDist().inv_cdf((1 + level) / 2)
    issues = []
    for name, own in drift.groupby("candidate", sort=False):
        moved: dict[str, tuple[float, str]] = {}
        for quantity, rows in own.groupby("quantity", sort=False):
            early, late = rows.iloc[(len(rows) - 1) // 2], rows.iloc[-1]
            ends = [row[["value", "value_low", "value_high"]].to_numpy(float)
                    for row in (early, late)]  # fmt: skip
            if all((end > 0).all() for end in ends):
                ends = [np.log(end) for end in ends]
            first, last = ((high - low) / times for _, low, high in ends)
            error = np.sqrt(max(first**2 - last**2, _LEAST_SHARE * first**2))
            step = abs(ends[1][0] - ends[0][0])
            if error > 0 and step > _LARGE * error:
                moved[str(quantity)] = (step / error, (
                    f"{quantity} from {human(early['value'])} below {human(early['cut'])} to "
                    f"{human(late['value'])} below {human(late['cut'])}"))  # fmt: skip
        if moved:
            times_error, said = max(moved.values())
            others = [quantity for quantity in moved if moved[quantity][1] != said]
            also = f", and so do {listed(others)}" if others else ""
            issues.append(Issue(
                "still-drifting", "weakens",
                f"{name} still moves as larger runs are let in: {said}, {times_error:.2g} times "
                f"its error{also}.",
                "Try a law that bends; scaling.calibrate widens intervals by what such drift "
                "has cost.",
            ))  # fmt: skip
    return issues

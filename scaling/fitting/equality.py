"""Whether coefficients are the same in several recipes, by their paired draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling.answer import Answer, level_issues
from scaling.errors import FitError, Issue, one_of
from scaling.fitting.result import Fit
from scaling.source import summarise
from scaling.text import brief, listed

__all__ = ["Equality", "equality_of"]

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Equality(Answer):
    """Differences of coefficients between recipes, and how likely such ones are by chance.

    Attributes
    ----------
    p_value : float
        Share of resamples that differ from the estimate by as much as it differs from equality;
        small where the recipes do not have the same coefficients.
    """

    p_value: float = np.nan

    @property
    def notes(self) -> tuple[str, ...]:
        """The p-value in words, and what the intervals are."""
        return (f"All the same: p = {self.p_value:.2g}.", self.intervals)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, with the p-value."""
        return {**super().to_dict(), "p_value": self.p_value}


def equality_of(
    by: str, fits: Mapping[str, Fit], coefficients: Sequence[str], issues: tuple[Issue, ...],
    level: float,
) -> Equality:  # fmt: skip
    """Test that coefficients are the same in all fits: see ``Joint.equal``."""
    (first_label, first), *others = fits.items()
    if not coefficients:
        raise FitError("equal needs coefficients, such as equal('alpha', 'beta').")
    for name in coefficients:
        one_of("coefficient", name, tuple(first.law.coefficients))
        held = {**first.constraints.fixed, **first.constraints.tied}
        if name in held:
            how = str(first.table()["status"][name])
            raise FitError(
                f"{name} is {how} in this fit, which says nothing of whether recipes have the same "
                "one; leave it free: fit(..., by=...)."
            )
    if first.draws is None:
        raise FitError("equal compares draws, and this fit has none; fit with bootstrap=200.")
    best = np.array([[float(fit.law.values[name]) for name in coefficients]
                     for fit in fits.values()])  # fmt: skip
    drawn = np.stack([_drawn(fit, coefficients) for fit in fits.values()])
    away, away_drawn = best[1:] - best[0], drawn[1:] - drawn[0]
    rows = []
    for place, (label, _) in enumerate(others):
        for column, name in enumerate(coefficients):
            value, low, high = summarise(away[place, column], away_drawn[place, column], level)
            rows.append((name, brief(label), brief(first_label), float(value), float(low),
                         float(high)))  # fmt: skip
    names = ["coefficient", by, "beside", "difference", "difference_low", "difference_high"]
    p_value = _p_value(away.ravel(), away_drawn.reshape(away.size, -1).T)
    asked = listed(list(coefficients))
    title = f"Are {asked} the same in all by {brief(by)}?"
    told = (*issues, *level_issues(first.draws.count, level))
    return Equality(
        pd.DataFrame(rows, columns=names), title, level, first.draws_kind, told, p_value
    )


def _drawn(fit: Fit, coefficients: Sequence[str]) -> Array:
    """Draws of some coefficients, shape (coefficients, k)."""
    if fit.draws is None:
        raise FitError("equal compares draws, and a recipe has none; fit with bootstrap=200.")
    return np.stack([np.ravel(fit.draws.values[name]) for name in coefficients])


def _p_value(away: Array, drawn: Array) -> float:
    """Share of the draws as far from the estimate as the estimate is from no difference.

    Distances are in units of the spread of the draws, so that the draws' own law, not the normal
    one, says how far is far.

    Parameters
    ----------
    away : ndarray, shape (d,)
    drawn : ndarray, shape (k, d)
    """
    moved = drawn - away
    spread = np.atleast_2d(np.cov(drawn.T))
    inverse = np.linalg.pinv(spread)
    distance = float(away @ inverse @ away)
    drawn_distance = np.einsum("kd,de,ke->k", moved, inverse, moved)
    return float((1 + (drawn_distance >= distance).sum()) / (1 + len(drawn)))

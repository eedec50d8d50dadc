"""The laws of an ensemble: forms that forecast well together, and the mean of their predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling.errors import FitError
from scaling.fitting import Fit, Huber, fit
from scaling.fitting.again import refit
from scaling.forecast.widening import Drift
from scaling.law import Law
from scaling.laws import Chinchilla, CoupledChinchilla
from scaling.laws.combined import averaged, drifting
from scaling.text import quoted

__all__ = [
    "DEFAULT_MEMBERS", "DEFAULT_OBJECTIVE", "Member", "drawn_of", "fitted_member",
    "mean_of", "members_of",
]  # fmt: skip

Array: TypeAlias = NDArray[np.float64]

# Chosen on five public tables and confirmed on others, as are the floor and the bounds:
# benchmarks/forecasting.py.
DEFAULT_OBJECTIVE = Huber(delta=3e-3)
_EXPONENT, _COUPLING = (0.01, 3.0), (0.3, 1.0)
_FLOOR = "E"


@dataclass(frozen=True)
class Member:
    """A form with what is held of it.

    Attributes
    ----------
    family : type of Law
    tied : mapping of str to str
    bounds : mapping of str to (float, float)
    floor : float
        Least irreducible loss, as a share of the lowest loss among the runs.
    """

    family: type[Law]
    tied: Mapping[str, str] = field(default_factory=dict)
    bounds: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    floor: float = 0.3

    def fitted(self, runs: pd.DataFrame, loss: Array, **options: Any) -> Fit:
        """The form fitted to runs whose losses are given."""
        floor = float(f"{self.floor * loss.min():.2g}")  # a saved bound tells no loss
        bounds = {_FLOOR: (floor, np.inf), **self.bounds}
        made: Fit = fit(self.family, runs, tied=self.tied, bounds=bounds, **options)
        return made


_TIED = {"beta": "alpha"}
DEFAULT_MEMBERS = (
    Member(Chinchilla, _TIED, {"alpha": _EXPONENT}),
    Member(CoupledChinchilla, {}, {"alpha": _EXPONENT, "beta": _EXPONENT, "gamma": _COUPLING}),
    Member(CoupledChinchilla, _TIED, {"alpha": _EXPONENT, "gamma": _COUPLING}),
)


def members_of(families: Any) -> tuple[Member | Fit | type[Law], ...]:
    """What is to be averaged: the default forms, or families and fits as they were given."""
    if families is None:
        return DEFAULT_MEMBERS
    given = tuple(families) if isinstance(families, Sequence) else (families,)
    for one in given:
        if not isinstance(one, Fit | Member) and not (
            isinstance(one, type) and issubclass(one, Law)
        ):
            raise FitError("families must hold families such as scaling.laws.Chinchilla, or fits; "
                           f"got {quoted(one)}.")  # fmt: skip
    if not given:
        raise FitError("families must hold one or more families or fits; got none.")
    return given


def fitted_member(
    one: Member | Fit | type[Law], runs: pd.DataFrame, loss: Array, **options: Any
) -> Fit:
    """A member fitted to runs; a fit keeps its own choices."""
    if isinstance(one, Member):
        return one.fitted(runs, loss, **options)
    if isinstance(one, Fit):
        own = {"columns", "objective", "seed"}
        return refit(one, runs, **{k: v for k, v in options.items() if k not in own})
    made: Fit = fit(one, runs, **options)
    return made


def mean_of(members: Sequence[Fit]) -> Law:
    """Law that predicts the geometric mean of what the members predict."""
    family = averaged(*(member.family for member in members))
    shares = {f"weight_{place}": 1 / len(members) for place in range(1, len(members) + 1)}
    return family(**_numbered([member.law.values for member in members]), **shares)


def drawn_of(members: Sequence[Fit], drift: Drift, reach: float, seed: int) -> Law | None:
    """Draws of the mean: each one member's own resample, times a drift beyond the runs.

    That a draw is one member and not the mean of all lets the members' disagreement into every
    interval. All pairs of a member and a resample occur once.
    """
    drawn = [member.draws for member in members]
    if any(law is None for law in drawn):
        return None
    count, several = min(law.count for law in drawn if law is not None), len(members)
    place = np.arange(count * several)
    resample = place % count
    chosen = (resample + place // count) % several
    family = drifting(averaged(*(member.family for member in members)))
    values = _numbered([
        {name: np.broadcast_to(value, (law.count, 1))[resample] for name, value in
         law.values.items()} for law in drawn if law
    ])  # fmt: skip
    for one in range(several):
        values[f"weight_{one + 1}"] = (chosen == one).astype(float)[:, None]
    values["drift"] = drift.draws(len(place), seed, members[0].objective_value)[:, None]
    return family.unchecked({**values, "reach": np.float64(reach)})


def _numbered(values: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Coefficients of all members by name and place."""
    return {f"{name}_{place}": value for place, of_one in enumerate(values, start=1)
            for name, value in of_one.items()}  # fmt: skip

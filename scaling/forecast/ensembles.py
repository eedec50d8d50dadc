"""Forecasts from the mean of several laws on the runs that say most about larger ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from scaling.cost import Cost
from scaling.errors import ColumnError, FitError, Issue, name_rows, whole, worst_first
from scaling.fitting import Fit, fit
from scaling.fitting.data import Data, ranges_of
from scaling.fitting.forecasting import Forecast, forecast_of
from scaling.fitting.objective import Objective
from scaling.fitting.preparing import checked, used_columns
from scaling.forecast.candidates import free_coefficients
from scaling.forecast.members import (
    DEFAULT_OBJECTIVE,
    drawn_of,
    fitted_member,
    mean_of,
    members_of,
)
from scaling.forecast.nearness import NEAR, enough, near_frontier
from scaling.forecast.widening import Drift
from scaling.forecast.wording import ensemble_html, ensemble_text, member_name, members_table
from scaling.law import Law
from scaling.laws.combined import product_of
from scaling.runs.door import numbers
from scaling.runs.noise import Noise
from scaling.runs.reading import cost_of
from scaling.runs.suspicion import assumptions, suspicions
from scaling.text import percent

__all__ = ["DRIFT", "Ensemble", "ensemble"]

Array: TypeAlias = NDArray[np.float64]

_OF_MEMBERS = {"far-runs", "few-runs", "few-groups", "lack-of-fit"}
DRIFT = Drift(scale=0.004, freedom=4)  # measured by benchmarks/forecasting.py


@dataclass(frozen=True)
class Ensemble:
    """The mean of several laws; made by :func:`scaling.ensemble`, and asked as a fit is.

    Attributes
    ----------
    members : tuple of Fit
        The laws, each fitted to the runs that were kept.
    plain : Fit
        The first family as :func:`scaling.fit` fits it, on every run, to compare with.
    best : Law
        Geometric mean of the members' predictions.
    draws : Law or None
        Resamples of single members, times a drift beyond the runs.
    draws_kind : str
    runs : DataFrame or None
        Every run, kept or not; None when loaded from a file that kept only their hash.
    kept : ndarray of bool, shape (n,)
        Which runs the members were fitted to.
    columns : mapping of str to str
    cost : Cost
    objective : Objective
    data : Data
        Ranges of every run, and residuals of the kept ones about the mean.
    issues : tuple of Issue
    assumptions : tuple of str
    drift : Drift
    options : mapping of str to object
        Arguments that make the same ensemble of other runs.

    Examples
    --------
    >>> import scaling
    >>> made = scaling.ensemble(scaling.datasets.load("demo"))
    >>> made.forecast(params=70e9, tokens=1.4e12).table.columns[-1]
    'beyond'
    """

    members: tuple[Fit, ...]
    plain: Fit
    best: Law
    draws: Law | None
    draws_kind: str
    runs: pd.DataFrame | None
    kept: NDArray[np.bool_]
    columns: Mapping[str, str]
    cost: Cost
    objective: Objective
    data: Data
    issues: tuple[Issue, ...]
    assumptions: tuple[str, ...]
    drift: Drift
    options: Mapping[str, Any]

    @property
    def law(self) -> Law:
        """The mean of the members."""
        return self.best

    @property
    def family(self) -> type[Law]:
        """Form of the mean."""
        return type(self.best)

    @property
    def ranges(self) -> Mapping[str, tuple[float, float]]:
        """Smallest and largest value of each column used, over every run."""
        return self.data.ranges

    @property
    def seed(self) -> int:
        """Seed of the starts, the resamples and the drifts."""
        return int(self.options["seed"])

    @property
    def objective_value(self) -> float:
        """Objective of the first member, a sum over the kept runs."""
        return self.members[0].objective_value

    @property
    def noise(self) -> Noise | None:
        """None: the spread of the residuals stands for it."""
        return None

    def forecast(self, points: Any = None, *, level: float = 0.9, **inputs: ArrayLike) -> Forecast:
        """Losses forecast at points, with intervals that widen with the distance from the runs.

        Parameters
        ----------
        points : table, optional
            Has a column for each input, named as in ``columns``.
        level : float
        **inputs : float or array_like
            The same by name, such as ``params=70e9, tokens=1.4e12``; they broadcast.

        Returns
        -------
        Forecast
            As of :meth:`Fit.forecast`, with the forecast of the plain fit in one more column.

        Raises
        ------
        ScalingError
            If an input is missing, unknown, or outside its column's domain.
        """
        made = forecast_of(self, points, inputs, level)
        named = {role: made.table[self.columns[role]].to_numpy() for role in self.best.inputs}
        target = self.columns[self.best.target]
        table = made.table.assign(**{f"plain_{target}": self.plain.law.predict(named)})
        table = table[[*table.columns.drop("beyond"), "beyond"]]
        title = f"Forecast of {target} by the mean of {len(self.members)} laws"
        return replace(made, table=table, title=title)

    def again(self, runs: Any, **changes: Any) -> Ensemble:
        """The same ensemble of other runs, or with some of its choices changed.

        Parameters
        ----------
        runs : table
        **changes
            Any argument of :func:`scaling.ensemble`.

        Returns
        -------
        Ensemble
        """
        return ensemble(runs, **{**self.options, **changes})

    def table(self) -> pd.DataFrame:
        """One row a law, the mean and the plain fit below: what each has and what it predicts.

        Returns
        -------
        DataFrame
            ``law``, ``ended`` (coefficients at a bound), and the prediction at ten times the
            largest of each input.
        """
        return members_table(self)

    def __str__(self) -> str:
        return ensemble_text(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return ensemble_html(self)


def ensemble(
    runs: Any,
    *,
    families: Any = None,
    rows: str | float = "near-frontier",
    columns: Mapping[str, str] | None = None,
    objective: Objective | None = None,
    bootstrap: int = 200,
    groups: Any = None,
    drift: Drift = DRIFT,
    seed: int = 0,
) -> Ensemble:
    """Mean of several laws, which forecasts larger runs better than any one of them.

    By default three bounded forms of params and tokens are fitted to the runs near the frontier,
    and their log predictions are averaged: Chinchilla with one exponent, the coupled form, and the
    coupled form with one exponent. Intervals hold the disagreement of the laws, the resamples, and
    a drift that grows with the compute beyond the runs, as forecasts on public tables erred.

    Parameters
    ----------
    runs : table
        One row a run; pandas, Polars, Arrow, or a mapping of columns.
    families : family, Fit, or sequence of them, optional
        What is averaged instead. A fit keeps its own choices.
    rows : {"near-frontier", "all"} or float
        Runs that are kept: those with a loss within 5% (or a share of your own) of the best at up
        to 1.1 times their compute. All are kept where fewer than 10 or 30% would be.
    columns : mapping of str to str, optional
        Role to column.
    objective : Objective, optional
        ``Huber(delta=3e-3)`` of the log of the loss by default.
    bootstrap : int
        Resamples of each law; 0 for no intervals.
    groups : str, optional
        Column whose groups are resampled whole.
    drift : Drift
        How far forecasts are off for each e-fold of compute beyond the runs.
    seed : int

    Returns
    -------
    Ensemble

    Raises
    ------
    ColumnError
        If a column is missing or holds what cannot be used.
    FitError
        If there are too few runs, or an option does not apply.

    Examples
    --------
    >>> import scaling
    >>> made = scaling.ensemble(scaling.datasets.load("demo"))
    >>> frontier = scaling.compute_optimal(made, 1e24)
    >>> len(made.members)
    3
    """
    count, seed = whole("bootstrap", bootstrap), whole("seed", seed)
    if not isinstance(drift, Drift):
        raise FitError(f"drift must be a Drift, such as {DRIFT}; got {drift!r}.")
    if groups is not None and not isinstance(groups, str):
        raise FitError("groups must be the name of a column, since an ensemble leaves runs out; "
                       f"got {type(groups).__name__}.")  # fmt: skip
    given = members_of(families)
    family = given[0] if isinstance(given[0], type) else given[0].family
    if columns is None and isinstance(given[0], Fit):
        columns = given[0].columns
    frame, mapping = checked(family, runs, columns)
    loss = numbers(frame, mapping[family.target])
    if (loss <= 0).any():
        raise ColumnError(
            f"An ensemble averages logarithms and needs {mapping[family.target]} above 0; got "
            f"{loss.min():g} in {name_rows(list(frame.index[loss <= 0]))}. Use fit."
        )
    spent = product_of(family, [numbers(frame, mapping[role]) for role in family.inputs])
    kept, said = _kept(rows, spent, loss)
    objective = DEFAULT_OBJECTIVE if objective is None else objective
    fitted = partial(fitted_member, runs=frame[kept], loss=loss[kept], columns=mapping,
                     objective=objective, bootstrap=count, groups=groups, seed=seed)  # fmt: skip
    members = tuple(fitted(one) for one in given)
    _same_question(members)
    cost = cost_of(frame)
    best = mean_of(members)
    inputs = tuple(numbers(frame[kept], mapping[role]) for role in family.inputs)
    residual = objective.transform(best.formula(*inputs)) - objective.transform(loss[kept])
    free = max(free_coefficients(member) for member in members)
    data = Data.of(used_columns(frame[kept], mapping, cost), mapping, residual, free)
    data = replace(data, ranges=ranges_of(used_columns(frame, mapping, cost), mapping))
    kind = members[0].draws_kind
    return Ensemble(
        members=members, plain=fit(family, frame, columns=mapping, bootstrap=0, seed=seed),
        best=best, draws=drawn_of(members, drift, float(spent.max()), seed),
        draws_kind=kind if kind == "none" else
        f"{len(members)} laws, {kind}, and past errors of losses",
        runs=frame, kept=kept, columns=mapping, cost=cost, objective=objective, data=data,
        issues=worst_first((*suspicions(frame, mapping, cost, family), *_issues(members))),
        assumptions=(*assumptions(frame, mapping), said), drift=drift,
        options={"families": families, "rows": rows, "columns": dict(mapping),
                 "objective": objective, "bootstrap": count, "groups": groups, "drift": drift,
                 "seed": seed},
    )  # fmt: skip


def _kept(rows: str | float, spent: Array, loss: Array) -> tuple[NDArray[np.bool_], str]:
    """Which runs are kept, and that in words."""
    everything = np.ones(len(loss), dtype=bool)
    if rows == "all":
        return everything, "every run counts the same."
    within = NEAR if rows == "near-frontier" else rows
    if not isinstance(within, int | float) or isinstance(within, bool) or not within > 0:
        raise FitError(
            f"rows must be 'near-frontier', 'all' or a share such as 0.05; got {rows!r}."
        )
    near = near_frontier(spent, loss, float(within))
    if not enough(near):
        return everything, (f"every run is kept, because only {near.sum()} of {len(near)} lie "
                            f"within {percent(within)} of the best.")  # fmt: skip
    if near.all():
        return near, f"every run is within {percent(within)} of the best loss of its compute."
    return near, (f"{(~near).sum()} of {len(near)} runs, more than {percent(within)} above the "
                  "best loss of their compute, are left out.")  # fmt: skip


def _same_question(members: tuple[Fit, ...]) -> None:
    first = members[0]
    for other in members[1:]:
        if (other.columns, other.family.target) != (first.columns, first.family.target):
            raise FitError(
                "The laws of an ensemble must predict the same target from the same columns; "
                f"{first.family.__name__} uses {', '.join(first.columns.values())}, "
                f"{other.family.__name__} {', '.join(other.columns.values())}."
            )


def _issues(members: tuple[Fit, ...]) -> Iterator[Issue]:
    """What is known against the members, as far as it matters to their mean."""
    ended = [f"{member_name(member)} ended with {_ends(member)}"
             for member in members if member.ended]  # fmt: skip
    if ended:
        yield Issue(
            "bound-in-member", "note", f"{'; '.join(ended)}.",
            "Bounds are part of what makes the mean forecast well; read .members for each law by "
            "itself.")  # fmt: skip
    for member in members:
        yield from (issue for issue in member.issues if issue.code in _OF_MEMBERS)


def _ends(member: Fit) -> str:
    """Which coefficients of a member ended where."""
    return ", ".join(f"{name} at its {end}" if "bound" in end else f"{name} at zero"
                     for name, end in member.ended.items())  # fmt: skip

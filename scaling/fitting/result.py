"""A fit: a law, the runs it came from, and what is known about its errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from scaling.answer import Answer, level_issues
from scaling.cost import Cost
from scaling.errors import FitError, Issue
from scaling.fitting.constraints import Constraints, lmfit_result
from scaling.fitting.data import Data, Part
from scaling.fitting.forecasting import Forecast, forecast_of
from scaling.fitting.health import Starts
from scaling.fitting.objective import Objective
from scaling.fitting.queries import name_of, numbers_of, on_draws, undefined_issues
from scaling.fitting.wording import fit_html, fit_text
from scaling.law import Law
from scaling.runs.door import numbers
from scaling.runs.noise import Noise
from scaling.source import summarise

if TYPE_CHECKING:
    from lmfit.model import ModelResult

    from scaling.fitting.leaving_out import Influence
    from scaling.fitting.separating import Inseparable

__all__ = ["Fit"]

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Fit:
    """A law with the runs it was fitted to and its errors; made by :func:`scaling.fit`.

    Attributes
    ----------
    law : Law
        The best law.
    runs : DataFrame or None
        The runs; None when loaded from a file that kept only their hash.
    columns : mapping of str to str
        Which column plays each role.
    cost : Cost
        What compute means.
    objective : Objective
    objective_value : float
        A sum over runs.
    draws : Law or None
        The law refitted to resamples, coefficients of shape (k, 1).
    draws_kind : str
        Such as ``pairs n=200``.
    starts : Starts
        How the search went.
    issues : tuple of Issue
    assumptions : tuple of str
        What any forecast from this fit takes for granted.
    constraints : Constraints
    data : Data
        Size, ranges and hash of the runs.
    ended : mapping of str to str
        Coefficients that ended at ``zero`` or at a bound.
    noise : Noise or None
    lack_of_fit : float
        Spread of the residuals over the noise; NaN where the noise was not said.
    weights : tuple of float
        One a run, or empty for equal weights.
    seed : int
    part : Part or None
        Which recipe of a joint fit it is.

    Examples
    --------
    >>> import scaling
    >>> runs = scaling.datasets.load("demo")
    >>> fit = scaling.fit(scaling.laws.Chinchilla, runs)
    >>> fit.table().loc["alpha", "status"]
    'free'
    """

    law: Law
    runs: pd.DataFrame | None
    columns: Mapping[str, str]
    cost: Cost
    objective: Objective
    objective_value: float
    draws: Law | None
    draws_kind: str
    starts: Starts
    issues: tuple[Issue, ...]
    assumptions: tuple[str, ...]
    constraints: Constraints
    data: Data
    ended: Mapping[str, str] = field(default_factory=dict)
    noise: Noise | None = None
    lack_of_fit: float = float("nan")
    weights: tuple[float, ...] = ()
    seed: int = 0
    part: Part | None = None

    @property
    def best(self) -> Law:
        """The law, as a source of answers."""
        return self.law

    @property
    def ranges(self) -> Mapping[str, tuple[float, float]]:
        """Smallest and largest value of each column used."""
        return self.data.ranges

    @property
    def family(self) -> type[Law]:
        """The law's form."""
        return type(self.law)

    def table(self, level: float = 0.9) -> pd.DataFrame:
        """Coefficients with their errors.

        Parameters
        ----------
        level : float
            Share of the resamples between low and high.

        Returns
        -------
        DataFrame
            One row a coefficient: value, low, high, sd, status, meaning, unit. Errors are NaN
            without resamples.
        """
        rows = []
        for name, declared in self.law.coefficients.items():
            draws = None if self.draws is None else self.draws.values[name]
            value, low, high = summarise(self.law.values[name], draws, level)
            if name in self.ended:  # an end of the range belongs to what the runs allow
                low, high = np.fmin(low, value), np.fmax(high, value)
            sd = np.nan if draws is None else float(np.std(draws))
            rows.append((name, float(value), float(low), float(high), sd, self._status(name),
                         declared.meaning, declared.unit))  # fmt: skip
        names = ["coefficient", "value", "low", "high", "sd", "status", "meaning", "unit"]
        return pd.DataFrame(rows, columns=names).set_index("coefficient")

    def _status(self, name: str) -> str:
        if self.part is not None and name in self.part.held:
            return self.part.held[name]
        if name in self.constraints.fixed:
            return "fixed"
        if name in self.constraints.tied:
            return f"= {self.constraints.tied[name]}"
        return f"at {self.ended[name]}" if name in self.ended else "free"

    def forecast(self, points: Any = None, *, level: float = 0.9, **inputs: ArrayLike) -> Forecast:
        """Losses forecast at points, with intervals and the distance beyond the runs.

        The confidence interval (``_low``, ``_high``) is that of the law's curve; the prediction
        interval (``next_run_low``, ``next_run_high``) adds the spread of single runs. Both are
        sampling errors of one law: neither knows whether the law holds beyond the runs.

        Parameters
        ----------
        points : table, optional
            Has a column for each input of the law, named as in ``fit.columns``.
        level : float
        **inputs : float or array_like
            The same by name, such as ``params=70e9, tokens=1.4e12``; they broadcast.

        Returns
        -------
        Forecast
            Its table has the inputs, the target with both intervals, and ``beyond``: by which
            factor the point lies outside the range of the runs, in an input or in compute.

        Raises
        ------
        ScalingError
            If an input is missing, unknown, or outside its column's domain.
        """
        return forecast_of(self, points, inputs, level)

    def residuals(self) -> pd.DataFrame:
        """Each run's prediction and residual, with the runs' own index.

        Returns
        -------
        DataFrame
            The columns used, ``predicted``, and ``residual`` in the objective's space
            (predicted minus observed).

        Raises
        ------
        FitError
            If the fit was loaded without its runs.
        """
        frame = self.with_runs()
        used = {name: numbers(frame, name) for name in self.columns.values()}
        predicted = self.law.predict({role: used[self.columns[role]] for role in self.law.inputs})
        observed = used[self.columns[self.law.target]]
        residual = self.objective.transform(predicted) - self.objective.transform(observed)
        return pd.DataFrame(
            {**used, "predicted": predicted, "residual": residual}, index=frame.index
        )

    def propagate(self, query: Callable[[Law], Any], level: float = 0.9) -> Answer:
        """A function of the law, with the interval that the law's errors give it.

        Parameters
        ----------
        query : callable
            Takes a law, returns a number or an array. It is called once on all draws together,
            whose coefficients have shape (k, 1); where it cannot take those, one by one, and the
            answer's ``kind`` says so.
        level : float

        Returns
        -------
        Answer
            Its table has ``value``, ``value_low`` and ``value_high``.

        Examples
        --------
        >>> import scaling
        >>> fit = scaling.fit(scaling.laws.Chinchilla, scaling.datasets.load("demo"))
        >>> answer = fit.propagate(lambda law: law.beta / (law.alpha + law.beta))
        >>> list(answer.table.columns)
        ['value', 'value_low', 'value_high']
        """
        best = numbers_of(query, self.law)
        draws, how, issues = None, self.draws_kind, self.issues
        if self.draws is not None:
            draws, together = on_draws(query, self.draws, best)
            how = how if together else f"{how}, one by one"
            few = level_issues(self.draws.count, level)
            issues = (*issues, *few, *undefined_issues(best, draws))
        value, low, high = summarise(best, draws, level)
        table = pd.DataFrame({"value": value.ravel(), "value_low": low.ravel(),
                              "value_high": high.ravel()})  # fmt: skip
        return Answer(table, f"{name_of(query)} of {self.family.__name__}", level, how, issues)

    def influence(
        self, query: str | Callable[[Law], Any] | None = None, *, name: str | None = None,
        groups: Any = None, level: float = 0.9,
    ) -> Influence:  # fmt: skip
        """The answer refitted without each run, the run that moves it most first.

        Parameters
        ----------
        query : str or callable, optional
            A coefficient, or a function of a law that returns one number; the target predicted
            at ten times the largest of each input by default.
        name : str, optional
            What the query is to be called.
        groups : str or array_like, shape (runs,), optional
            Leave out whole groups, such as all runs of one model size.
        level : float
            Of the interval that shifts are measured in.

        Returns
        -------
        Influence
            Its table has what is known of each run, the value without it, the shift relative to
            the value, and in half widths of the interval of the resamples. Of more than 400 runs
            the 400 that matter most to first order are left out.

        Raises
        ------
        FitError
            If the fit has no runs, or the query does not return one number.

        Examples
        --------
        >>> import scaling
        >>> fit = scaling.fit(scaling.laws.Chinchilla, scaling.datasets.load("demo"))
        >>> list(fit.influence("alpha").table.columns[-3:])
        ['without', 'shift', 'shift_in_half_widths']
        """
        from scaling.fitting.leaving_out import influence_of  # few scripts ask

        return influence_of(self, query, name, groups, level)

    def inseparable(self, level: float = 0.9) -> Inseparable:
        """Which coefficients compensate each other, how far, and which have no end, in words.

        Parameters
        ----------
        level : float
            Of the profile of each coefficient.

        Returns
        -------
        Inseparable
            Its sentences, and a table with one row a free coefficient: its profile interval, what
            it moves with, and how many times wider its error is because of the others.

        Raises
        ------
        FitError
            If the fit was loaded without its runs.

        Examples
        --------
        >>> import scaling
        >>> fit = scaling.fit(scaling.laws.Chinchilla, scaling.datasets.load("demo"))
        >>> print(fit.inseparable().sentences[0].partition(":")[0])
        A and alpha rise together
        """
        from scaling.fitting.separating import inseparable_of  # few scripts ask

        return inseparable_of(self, level)

    def to_lmfit(self) -> ModelResult:
        """lmfit's least-squares fit of the same law, started from this one.

        Returns
        -------
        lmfit.model.ModelResult
            In the objective's space; ``fit_report()`` and ``conf_interval()`` are lmfit's own.
            It is least squares whatever this fit's objective, so its numbers differ under Huber.

        Raises
        ------
        FitError
            If the fit was loaded without its runs.
        """
        frame = self.with_runs()
        inputs = tuple(numbers(frame, self.columns[role]) for role in self.law.inputs)
        target = numbers(frame, self.columns[self.law.target])
        weights = np.array(self.weights) if self.weights else np.ones(len(target))
        return lmfit_result(self.law, inputs, target, self.objective, self.constraints, weights)

    def with_runs(self) -> pd.DataFrame:
        """The runs, or one sentence where they were not kept."""
        if self.runs is None:
            raise FitError("This fit was saved without its runs; load one saved with runs='full'.")
        return self.runs

    def __str__(self) -> str:
        return fit_text(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return fit_html(self)

"""A fit: a law, the runs it came from, and what is known about its errors."""

from __future__ import annotations

import hashlib
import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from scaling.answer import Answer, issue_lines, shown
from scaling.columns import COLUMNS, COMPUTE, PARAMS, TOKENS
from scaling.cost import Cost
from scaling.errors import FitError, Issue, ScalingError
from scaling.fitting.constraints import Constraints, lmfit_result
from scaling.fitting.health import Starts
from scaling.fitting.noise import Noise
from scaling.fitting.objective import Objective
from scaling.law import Law, summarise
from scaling.runs.door import as_frame, numbers
from scaling.text import human, rounded, scalar_text

if TYPE_CHECKING:
    from lmfit.model import ModelResult

__all__ = ["Data", "Fit", "Forecast"]

Array: TypeAlias = NDArray[np.float64]

_QUANTILES = np.linspace(0.0, 1.0, 101)
_TOLD_BEYOND = 3.0  # a forecast this many times beyond the runs is told to be one


@dataclass(frozen=True)
class Data:
    """What remains of the runs when the runs themselves are not kept.

    Attributes
    ----------
    count : int
    ranges : mapping of str to (float, float)
        Smallest and largest value of each column the fit used, and of compute.
    digest : str
        SHA-256 of the columns the fit used.
    residual_quantiles : tuple of float
        The 0th to 100th percentile of the residuals in the objective's space, widened for the
        coefficients that were fitted.
    """

    count: int
    ranges: Mapping[str, tuple[float, float]]
    digest: str
    residual_quantiles: tuple[float, ...]

    @classmethod
    def of(cls, columns: Mapping[str, Array], residual: Array, free: int) -> Data:
        """Summary of the columns used and of the residuals left."""
        n = len(residual)
        digest = hashlib.sha256()
        for name in sorted(columns):
            digest.update(name.encode() + np.ascontiguousarray(columns[name]).tobytes())
        ranges = {name: (float(v.min()), float(v.max())) for name, v in columns.items()}
        widened = residual * np.sqrt(n / max(n - free, 1))
        quantiles = tuple(np.quantile(widened, _QUANTILES).tolist())
        return cls(n, ranges, digest.hexdigest(), quantiles)


@dataclass(frozen=True)
class Forecast(Answer):
    """Losses a law forecasts, each with a confidence and a prediction interval."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What the two intervals are."""
        return (
            self.intervals,
            "next run low and high hold a single new run: the same with the spread of the runs.",
        )


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

    @property
    def best(self) -> Law:
        """The law, as a source of answers."""
        return self.law

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
            sd = np.nan if draws is None else float(np.std(draws))
            rows.append((name, float(value), float(low), float(high), sd, self._status(name),
                         declared.meaning, declared.unit))  # fmt: skip
        names = ["coefficient", "value", "low", "high", "sd", "status", "meaning", "unit"]
        return pd.DataFrame(rows, columns=names).set_index("coefficient")

    def _status(self, name: str) -> str:
        if name in self.constraints.fixed:
            return "fixed"
        if name in self.constraints.tied:
            return f"= {self.constraints.tied[name]}"
        return f"at {self.ended[name]}" if name in self.ended else "free"

    def forecast(
        self, points: Any = None, *, level: float = 0.9, **inputs: ArrayLike
    ) -> Forecast:
        """Losses forecast at points, with intervals and the distance beyond the runs.

        The confidence interval (``_low``, ``_high``) is that of the law's curve; the prediction
        interval (``next_run_low``, ``next_run_high``) adds the spread of single runs. Both are
        sampling errors of one law: neither knows whether the law holds beyond the runs.

        Parameters
        ----------
        points : table, optional
            Has a column for each input of the law, named as in :attr:`columns`.
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
        roles = {self.columns[role]: role for role in self.law.inputs}
        frame = self._points(points, inputs, tuple(roles))
        named = {role: frame[column].to_numpy() for column, role in roles.items()}
        best = self.law.predict(named)
        draws = None if self.draws is None else self.draws.predict(named)
        target = self.columns[self.law.target]
        value, low, high = summarise(best, draws, level)
        new_low, new_high = summarise(best, self._next_run(draws), level)[1:]
        beyond = self._beyond(frame)
        table = frame.assign(**{
            target: value, f"{target}_low": low, f"{target}_high": high,
            "next_run_low": new_low, "next_run_high": new_high, "beyond": beyond,
        })  # fmt: skip
        farthest = float(beyond.max(initial=1.0))
        issues = self.issues
        if farthest >= _TOLD_BEYOND:
            issues = (*issues, Issue(
                "beyond-the-runs", "weakens",
                f"The forecast lies {human(farthest)}x beyond the runs, and its interval is the "
                "sampling error of one law: it does not know whether the law holds there.",
                "Hold out your largest runs, forecast them, and compare.",
            ))  # fmt: skip
        title = f"{self.family.__name__} forecast of {target}"
        return Forecast(table, title, level, self.draws_kind, issues)

    def _points(
        self, points: Any, inputs: Mapping[str, Any], names: tuple[str, ...]
    ) -> pd.DataFrame:
        given: dict[str, Any] = {} if points is None else dict(as_frame(points, "points").items())
        given |= inputs
        wrong = [name for name in inputs if name not in names]
        missing = [name for name in names if name not in given]
        if wrong or missing:
            raise ScalingError(
                f"This fit forecasts from {', '.join(names)}; "
                f"got {', '.join(map(str, given)) or 'nothing'}."
            )
        try:
            arrays = np.broadcast_arrays(*(np.atleast_1d(given[name]) for name in names))
        except ValueError:
            sizes = ", ".join(f"{name} {np.size(given[name])}" for name in names)
            raise ScalingError(f"Inputs have different lengths: {sizes}.") from None
        frame = pd.DataFrame({name: np.ravel(array) for name, array in zip(names, arrays, strict=True)})
        return pd.DataFrame({name: numbers(frame, name) for name in names})

    def _next_run(self, draws: Array | None) -> Array | None:
        """Draws of a single new run: each draw of the curve with a residual of the runs."""
        if draws is None:
            return None
        residuals = np.array(self.data.residual_quantiles)
        if self.noise is not None:
            spread = float(np.sqrt(np.mean(residuals**2)))
            residuals = residuals * max(1.0, self.noise.sd / spread) if spread > 0 else residuals
        # Evenly spread residuals in a shuffled order: the least noise for the number of draws.
        place = (np.random.default_rng(self.seed).permutation(len(draws)) + 0.5) / len(draws)
        drawn = np.interp(place, _QUANTILES, residuals)
        return np.asarray(
            self.objective.restore(self.objective.transform(draws) - drawn[:, None])
        )

    def _beyond(self, frame: pd.DataFrame) -> Array:
        """By which factor each point lies outside the range of the runs."""
        columns = {name: frame[name].to_numpy() for name in frame.columns}
        size = next((name for name in columns if name.startswith(PARAMS)), None)
        if size is not None and TOKENS in columns:
            columns[COMPUTE] = self.cost.compute(columns[size], columns[TOKENS])
        factor = np.ones(len(frame))
        for name, values in columns.items():
            low, high = self.data.ranges.get(name, (np.nan, np.nan))
            if low > 0:
                factor = np.fmax(factor, np.fmax(values / high, low / values))
        return factor

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
        return pd.DataFrame({**used, "predicted": predicted, "residual": residual}, index=frame.index)

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
        best = np.atleast_1d(np.asarray(query(self.law), dtype=float))
        draws, how = None, self.draws_kind
        if self.draws is not None:
            together = _together(query, self.draws, best)
            if together is None:
                picked = (self.draws.pick(i) for i in range(self.draws.count))
                together = np.array([np.atleast_1d(query(law)) for law in picked], dtype=float)
                how = f"{how}, one by one"
            draws = together
        value, low, high = summarise(best, draws, level)
        table = pd.DataFrame({"value": value.ravel(), "value_low": low.ravel(),
                              "value_high": high.ravel()})  # fmt: skip
        name = getattr(query, "__name__", "query")
        return Answer(table, f"{name} of {self.family.__name__}", level, how, self.issues)

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

    def _lines(self, level: float) -> tuple[str, list[str]]:
        target = self.columns[self.law.target]
        space = f"log {target}" if self.objective.space == "log" else target
        title = f"{self.family.__name__} on {self.data.count} runs, {_named(self.objective)} of {space}"
        arrived = f"{round(self.starts.share * self.starts.tried)} of {self.starts.tried}"
        lines = [f"objective {self.objective_value:.6g}; {arrived} starts agree"]
        said = self.constraints.describe()
        lines += [said] if said else []
        ranges = [f"{name} {human(low)} to {human(high)}" for name, (low, high) in
                  self.data.ranges.items() if name != target]  # fmt: skip
        lines.append("runs: " + ", ".join(ranges))
        if np.isfinite(self.lack_of_fit) and self.noise is not None:
            lines.append(f"residuals are {self.lack_of_fit:.2g}x the noise "
                         f"({scalar_text(self.noise.sd)}, {self.noise.source})")  # fmt: skip
        kind = f"[low, high] hold {level:.0%}: {self.draws_kind}"
        lines.append(kind if self.draws is not None else "no intervals: bootstrap=0")
        return title, lines

    def _coefficients(self, level: float) -> pd.DataFrame:
        table = self.table(level)
        cells = []
        for name, row in table.iterrows():
            error = (row["high"] - row["low"]) / 4
            text = rounded(row["value"], error)
            if np.isfinite(error) and error > 0:
                text += f" [{rounded(row['low'], error)}, {rounded(row['high'], error)}]"
            status = "" if row["status"] == "free" else row["status"]
            unit = f" ({row['unit']})" if row["unit"] else ""
            cells.append((name, text, f"{row['meaning']}{unit}", status))
        return pd.DataFrame(cells, columns=["", "value", "meaning", "status"])

    def __str__(self) -> str:
        title, lines = self._lines(0.9)
        rows = self._coefficients(0.9)
        width = [rows[column].str.len().max() for column in rows.columns]
        body = [
            "  " + "  ".join(str(cell).ljust(w) for cell, w in zip(row, width, strict=True)).rstrip()
            for row in rows.itertuples(index=False)
        ]
        return "\n".join([title, *body, *lines, *issue_lines(self.issues)])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        title, lines = self._lines(0.9)
        body = self._coefficients(0.9).to_html(index=False, border=0)
        below = "".join(f"<p>{html.escape(line)}</p>" for line in [*lines, *issue_lines(self.issues)])
        return f"<p><b>{html.escape(title)}</b></p>{body}{below}"


def _named(objective: Objective) -> str:
    """Objective as it is written in a paper's method section."""
    values = {k: v for k, v in vars(objective).items() if k != "space"}
    inside = ", ".join(f"{name}={value:g}" for name, value in values.items())
    return f"{type(objective).__name__}({inside})" if inside else type(objective).__name__


def _together(query: Callable[[Law], Any], draws: Law, best: Array) -> Array | None:
    """The query on all draws at once, or None where it cannot take them."""
    k = draws.count
    try:
        answer = np.asarray(query(draws), dtype=float)
    except (TypeError, ValueError, AttributeError, IndexError):
        return None
    if answer.ndim == 0 or answer.shape[0] != k or answer.size != k * best.size:
        return None
    answer = answer.reshape(k, *best.shape)
    # A query may take arrays and yet mix the draws up, so one draw is asked by itself.
    alone = np.atleast_1d(np.asarray(query(draws.pick(k - 1)), dtype=float))
    return answer if np.allclose(answer[-1], alone, rtol=1e-6, equal_nan=True) else None

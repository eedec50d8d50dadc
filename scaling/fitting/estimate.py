"""From runs to a law with errors: the verbs fit and bootstrap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling.columns import COLUMNS, COMPUTE
from scaling.errors import ColumnError, FitError, Issue, worst_first
from scaling.fitting.constraints import Constraints
from scaling.fitting.health import Starts, at_bounds, health
from scaling.fitting.noise import read_noise
from scaling.fitting.objective import Huber, Objective
from scaling.fitting.problem import Problem
from scaling.fitting.resampling import resample
from scaling.fitting.result import Data, Fit
from scaling.fitting.search import RAW_STARTS, Found, search
from scaling.law import Law
from scaling.runs.door import as_frame, check_roles, numbers
from scaling.runs.reading import cost_of
from scaling.runs.suspicion import assumptions, refuse_mixed_losses, suspicions

__all__ = ["bootstrap", "fit"]

Array: TypeAlias = NDArray[np.float64]

_NO_EFFECT = 1e-6  # share of the prediction below which a coefficient counts as zero
_RESTART_AT = 1e-2  # share of the prediction at which resamples start such a coefficient
_FEW_GROUPS = 10
_LACK_OF_FIT = 1.5
_BOUND_SHARE = 0.1


def fit(
    family: type[Law],
    runs: Any,
    *,
    columns: Mapping[str, str] | None = None,
    objective: Objective | None = None,
    fixed: Mapping[str, float] | None = None,
    tied: Mapping[str, str] | None = None,
    bounds: Mapping[str, tuple[float, float]] | None = None,
    weights: Any = None,
    noise: Any = None,
    bootstrap: int = 200,
    groups: Any = None,
    seed: int = 0,
) -> Fit:
    """Law of the given family that best explains the runs under the objective.

    Parameters
    ----------
    family : type of Law
        A class from :mod:`scaling.laws`, or your own.
    runs : table
        One row a run; pandas, Polars, Arrow, or a mapping of columns.
    columns : mapping of str to str, optional
        Role to column, such as ``{"params": "params_non_embedding", "loss": "loss_c4"}``. A
        role is played by the column of its own name by default.
    objective : Objective, optional
        ``Huber(delta=1e-3)`` of the log of the loss by default.
    fixed : mapping of str to float, optional
        Coefficients held at a number.
    tied : mapping of str to str, optional
        Coefficients tied to another, or to an lmfit expression: ``{"beta": "alpha"}``.
    bounds : mapping of str to (float, float), optional
        Ranges that replace the default ones.
    weights : str or array_like, shape (n,), optional
        Weight of each run in the objective, 0 or more; equal by default.
    noise : float, str, optional
        Standard deviation of log loss, a column of them, or ``"replicates"`` to measure it on
        rows that differ in seed only. It gives the lack-of-fit ratio and widens predictions.
    bootstrap : int
        Resamples of the runs that the errors come from; 0 for none, and NaN errors.
    groups : str or array_like, shape (n,), optional
        Resample whole groups, such as all runs of one model size, instead of single runs.
    seed : int
        Of the starts and the resamples.

    Returns
    -------
    Fit

    Raises
    ------
    ColumnError
        If a column is missing or holds what cannot be used.
    FitError
        If there are no more runs than free coefficients, or an option does not apply.

    Examples
    --------
    >>> import scaling
    >>> runs = scaling.datasets.load("demo")
    >>> fit = scaling.fit(scaling.laws.Chinchilla, runs, tied={"beta": "alpha"})
    >>> fit.law.alpha == fit.law.beta
    True
    """
    count, seed = _whole("bootstrap", bootstrap), _whole("seed", seed)
    frame, mapping = _checked(family, runs, columns)
    objective = Huber() if objective is None else objective
    if not isinstance(objective, Objective):
        raise FitError(f"objective must be Huber(), LeastSquares() or LeastAbsolute(); "
                       f"got {objective!r}.")  # fmt: skip
    given = Constraints(_mapping("fixed", fixed), _mapping("tied", tied), _mapping("bounds", bounds))
    weighing = _weights(weights, frame)
    problem = _problem(family, frame, mapping, objective, given.check(family), weighing)
    measured = read_noise(noise, frame, mapping, family.target)
    found = search(problem, seed)
    reduced, zeros = _reduce(problem, found)
    final = found if not zeros else search(reduced, seed)
    law = reduced.law(final.u)
    residual = reduced.residual(reduced.predict(final.u[None, :]))[0]
    value = float(objective.total(residual, reduced.weights))
    starts = _starts(problem, found)
    cost = cost_of(frame)
    issues = [*suspicions(frame, mapping, cost), *health(reduced, final, starts, law, value)]
    issues += [_zero_issue(name) for name in zeros]
    lack = np.nan
    if measured is not None:
        observed = numbers(frame, mapping[family.target])
        log_residual = np.log(np.maximum(objective.restore(residual + problem.wanted), 1e-300))
        lack = measured.ratio(log_residual - np.log(observed), len(problem.free))
        issues += _lack_issues(lack)
    ended = {**at_bounds(reduced, final.u), **dict.fromkeys(zeros, "zero")}
    result = Fit(
        law=law, runs=frame, columns=mapping, cost=cost, objective=objective, objective_value=value,
        draws=None, draws_kind="none", starts=starts, issues=worst_first(issues),
        assumptions=assumptions(frame, mapping), constraints=problem.constraints,
        data=Data.of(_used(frame, mapping), residual, len(problem.free)),
        ended={name: end if end == "zero" else f"{end} bound" for name, end in ended.items()},
        noise=measured, lack_of_fit=lack, weights=() if weighing is None else tuple(weighing),
        seed=seed,
    )  # fmt: skip
    return _with_draws(result, problem, count, groups) if count else result


def bootstrap(fit: Fit, n: int = 1000, *, groups: Any = None) -> Fit:
    """The same fit with its errors from n resamples of its runs.

    Parameters
    ----------
    fit : Fit
    n : int
        Resamples; the first ones are the same for any n.
    groups : str or array_like, shape (runs,), optional
        Resample whole groups instead of single runs.

    Returns
    -------
    Fit

    Raises
    ------
    FitError
        If the fit was loaded without its runs, or n is not 1 or more.

    Examples
    --------
    >>> import scaling
    >>> fit = scaling.fit(scaling.laws.Chinchilla, scaling.datasets.load("demo"), bootstrap=0)
    >>> scaling.bootstrap(fit, 400).draws_kind
    'pairs n=400'
    """
    frame = fit.with_runs()
    count = _whole("n", n)
    if count == 0:
        raise FitError("n must be 1 or more resamples; got 0.")
    weights = np.array(fit.weights) if fit.weights else None
    problem = _problem(fit.family, frame, fit.columns, fit.objective, fit.constraints, weights)
    return _with_draws(fit, problem, count, groups)


def _with_draws(fit: Fit, problem: Problem, count: int, groups: Any) -> Fit:
    codes, kind = _groups(groups, fit.with_runs())
    u = problem.encode(fit.law.values)[0]
    if "zero" in fit.ended.values():
        u = _off_zero(problem, u)
    others = [problem.encode(law.values)[0] for law in fit.starts.others]
    drawn = resample(problem, u, np.array(others).reshape(-1, len(u)), count, groups=codes,
                     seed=fit.seed)  # fmt: skip
    issues = list(fit.issues)
    if drawn.moved > 0.01:
        issues.append(Issue(
            "several-minima", "weakens",
            f"{drawn.moved:.0%} of resamples preferred another minimum than the fit's.",
            "The intervals include both; read fit.starts.others."))  # fmt: skip
    if drawn.bound > _BOUND_SHARE and "zero" not in fit.ended.values():
        issues.append(Issue(
            "resamples-at-bound", "weakens",
            f"{drawn.bound:.0%} of resamples ended with a coefficient at a bound.",
            "That end of its interval is the bound, not the data; fix it or add runs."))  # fmt: skip
    if codes is not None and codes.max() + 1 < _FEW_GROUPS:
        issues.append(Issue(
            "few-groups", "weakens", f"Only {codes.max() + 1} groups are resampled.",
            "Intervals from so few groups are too narrow; use more groups or single runs."))  # fmt: skip
    return replace(fit, draws=problem.laws(drawn.u), draws_kind=f"{kind} n={count}",
                   issues=worst_first(issues))  # fmt: skip


def _whole(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 0:
        raise FitError(f"{name} must be a whole number, 0 or more; got {value!r}.")
    return int(value)


def _mapping(name: str, value: Any) -> Mapping[str, Any]:
    if value is not None and not isinstance(value, Mapping):
        raise FitError(f"{name} must be a mapping from coefficient to value; got {value!r}.")
    return dict(value or {})


def _checked(
    family: type[Law], runs: Any, columns: Mapping[str, str] | None
) -> tuple[pd.DataFrame, dict[str, str]]:
    """The runs as a DataFrame, and which column plays each role."""
    if not (isinstance(family, type) and issubclass(family, Law)) or family is Law:
        raise FitError(f"fit needs a family of laws, such as scaling.laws.Chinchilla; "
                       f"got {family!r}.")  # fmt: skip
    frame = as_frame(runs)
    roles = (*family.inputs, family.target)
    mapping = check_roles(frame, roles, columns, family.__name__)
    for role, column in mapping.items():
        numbers(frame, column, domain=column if column in COLUMNS else role)
    refuse_mixed_losses(frame, mapping[family.target])
    return frame, mapping


def _problem(
    family: type[Law], frame: pd.DataFrame, columns: Mapping[str, str], objective: Objective,
    constraints: Constraints, weights: Array | None,
) -> Problem:  # fmt: skip
    target = numbers(frame, columns[family.target])
    if objective.space == "log" and (target <= 0).any():
        row = frame.index[int(np.flatnonzero(target <= 0)[0])]
        raise ColumnError(
            f"Column {columns[family.target]!r} has no logarithm in row {row} "
            f"({target[target <= 0][0]:g}); use {type(objective).__name__}(space='linear')."
        )
    inputs = tuple(numbers(frame, columns[role]) for role in family.inputs)
    weights = np.ones(len(target)) if weights is None else weights
    problem = Problem(family, inputs, target, weights, objective, constraints)
    n, q = int((weights > 0).sum()), len(problem.free)
    if q == 0:
        raise FitError("Every coefficient is fixed or tied, so nothing is left to fit.")
    if n <= q:
        raise FitError(
            f"{family.__name__} has {q} free coefficients ({', '.join(problem.free)}) and needs "
            f"at least {q + 1} runs; got {n}. Add runs, or fix or tie coefficients."
        )
    return problem


def _weights(weights: Any, frame: pd.DataFrame) -> Array | None:
    if weights is None:
        return None
    if isinstance(weights, str):
        if weights not in frame.columns:
            raise FitError(f"weights={weights!r} is not a column of runs.")
        weights = frame[weights]
    try:
        array = np.array(weights, dtype=float)
    except (TypeError, ValueError):
        raise FitError("weights must be numbers, one a run.") from None
    if array.shape != (len(frame),) or not np.isfinite(array).all() or (array < 0).any():
        raise FitError(f"weights must be {len(frame)} finite numbers, 0 or more, one a run; got "
                       f"shape {array.shape}.")  # fmt: skip
    return array


def _groups(groups: Any, frame: pd.DataFrame) -> tuple[NDArray[np.intp] | None, str]:
    if groups is None:
        return None, "pairs"
    name = groups if isinstance(groups, str) else "given"
    if isinstance(groups, str):
        if groups not in frame.columns:
            raise FitError(f"groups={groups!r} is not a column of runs.")
        groups = frame[groups]
    labels: Sequence[Any] = np.asarray(groups)
    if np.shape(labels) != (len(frame),):
        raise FitError(f"groups must be one label a run ({len(frame)}); got shape "
                       f"{np.shape(labels)}.")  # fmt: skip
    codes = pd.factorize(labels, use_na_sentinel=False)[0]
    if codes.max() < 1:
        raise FitError("groups must hold at least two different labels.")
    return codes, f"groups={name}"


def _used(frame: pd.DataFrame, columns: Mapping[str, str]) -> dict[str, Array]:
    used = {name: numbers(frame, name) for name in columns.values()}
    if COMPUTE in frame.columns and COMPUTE not in used:
        compute = pd.to_numeric(frame[COMPUTE], errors="coerce").to_numpy(dtype=float)
        if np.isfinite(compute).all():
            used[COMPUTE] = compute
    return used


def _starts(problem: Problem, found: Found) -> Starts:
    values = problem.score(
        problem.residual(problem.predict(found.ends)), problem.weights[None, :],
        problem.objective.knee or np.inf,
    )  # fmt: skip
    laws = tuple(problem.law(u) for u in found.ends)
    return Starts(RAW_STARTS, found.share, laws, tuple(values.tolist()))


def _reduce(problem: Problem, found: Found) -> tuple[Problem, list[str]]:
    """The problem with coefficients that have no effect fixed at zero, and their names."""
    zeros: list[str] = []
    u = found.u
    while True:
        names = [n for n in problem.free if problem.family.coefficients[n].positive]
        if not names or len(problem.free) == 1:
            return problem, zeros
        effect = _effects(problem, u)
        least = min(names, key=lambda name: effect[name])
        if not effect[least] < _NO_EFFECT or least in problem.constraints.bounds:
            return problem, zeros
        fixed = {**problem.constraints.fixed, least: 0.0}
        smaller = replace(problem, constraints=replace(problem.constraints, fixed=fixed))
        rest = smaller.encode(problem.law(u).values)[0]
        before = problem.score(problem.residual(problem.predict(u[None, :])),
                               problem.weights[None, :], problem.objective.knee or np.inf)[0]  # fmt: skip
        after = smaller.score(smaller.residual(smaller.predict(rest[None, :])),
                              smaller.weights[None, :], problem.objective.knee or np.inf)[0]  # fmt: skip
        if not after <= before * (1 + _NO_EFFECT) + problem.floor:
            return problem, zeros
        problem, u = smaller, rest
        zeros.append(least)


def _effects(problem: Problem, u: Array) -> dict[str, float]:
    """Largest share of the prediction that each free coefficient's logarithm moves."""
    prediction = np.abs(problem.predict(u[None, :])).max()
    rows = problem.rows(u[None, :])[0] * problem.chain(u[None, :])[0][:, None]
    largest = np.abs(rows).max(axis=1) / max(float(prediction), 1e-300)
    return dict(zip(problem.free, largest.tolist(), strict=True))


def _off_zero(problem: Problem, u: Array) -> Array:
    """Coordinates with the zeros lifted to where a resample can still feel them."""
    low, _ = problem.box
    lifted = np.where(np.isfinite(u), u, low)
    for j, name in enumerate(problem.free):
        if not np.isfinite(u[j]):
            effect = max(_effects(problem, lifted)[name], 1e-300)
            lifted[j] += np.log(_RESTART_AT / effect)
    return lifted


def _zero_issue(name: str) -> Issue:
    return Issue("at-zero", "weakens",
                 f"{name} ended at 0: its part of the prediction fell below a millionth.",
                 f"Use a law without {name}, or add runs that show its effect.")  # fmt: skip


def _lack_issues(ratio: float) -> list[Issue]:
    if ratio <= _LACK_OF_FIT:
        return []
    return [Issue(
        "lack-of-fit", "weakens",
        f"Residuals are {ratio:.2g} times the noise, so the law misses something the runs show.",
        "Try another law, or look for what else changes between the runs.")]  # fmt: skip

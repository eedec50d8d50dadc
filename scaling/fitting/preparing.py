"""What fit was given, checked and made into a problem."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling.columns import COLUMNS, COMPUTE
from scaling.cost import Cost
from scaling.errors import ColumnError, FitError, ScalingError, name_rows
from scaling.fitting.constraints import Constraints
from scaling.fitting.objective import Objective
from scaling.fitting.problem import Problem
from scaling.law import Law
from scaling.runs.door import REASON, as_frame, check_roles, loose_numbers, numbers
from scaling.runs.suspicion import refuse_mixed_losses
from scaling.text import brief

if TYPE_CHECKING:
    from scaling.fitting.result import Fit

__all__ = [
    "GIVEN", "checked", "groups_of", "mapping_of", "problem_behind", "problem_of", "refuse_parts",
    "used_columns", "weights_of",
]  # fmt: skip

Array: TypeAlias = NDArray[np.float64]


GIVEN = "given"  # what groups are called that are no column


def mapping_of(name: str, value: Any) -> Mapping[str, Any]:
    """A dict of a mapping or of None, or one sentence."""
    if value is not None and not isinstance(value, Mapping):
        raise FitError(f"{name} must be a mapping from coefficient to value; got {value!r}.")
    return dict(value or {})


def checked(
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
    given = {role: numbers(frame, mapping[role]) for role in family.inputs}
    for wrong, why in family.impossible(given):
        if wrong.any():
            raise ColumnError(f"{why}; not so in {name_rows(list(frame.index[wrong]))}.")
    refuse_mixed_losses(frame, mapping[family.target])
    return frame, mapping


def problem_of(
    family: type[Law], frame: pd.DataFrame, columns: Mapping[str, str], objective: Objective,
    constraints: Constraints, weights: Array | None,
) -> Problem:  # fmt: skip
    """The problem the engine solves, if the target and the number of runs allow it."""
    target = numbers(frame, columns[family.target])
    if objective.space == "log" and (target <= 0).any():
        row = name_rows(list(frame.index[target <= 0]))
        raise ColumnError(
            f"Column {columns[family.target]!r} has no logarithm in {row} "
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
    _probe(problem)
    return problem


def problem_behind(fit: Fit) -> Problem:
    """The problem that a fit solved.

    Raises
    ------
    FitError
        If the fit was loaded without its runs, or other runs had a say in it.
    """
    frame = fit.with_runs()
    refuse_parts(fit)
    weights = np.array(fit.weights) if fit.weights else None
    return problem_of(fit.family, frame, fit.columns, fit.objective, fit.constraints, weights)


def refuse_parts(fit: Fit) -> None:
    """Refuse to fit one recipe of a joint fit again by itself.

    Raises
    ------
    FitError
    """
    if fit.part is not None and fit.part.held:
        raise FitError(
            f"This is {brief(fit.part.label)} of a joint fit, whose {', '.join(fit.part.held)} the "
            "runs of other recipes decide too, so it is not fitted again alone. Fit its runs by "
            "themselves, or ask the joint fit."
        )


def _probe(problem: Problem) -> None:
    """Refuse a formula that cannot take arrays, or that mixes the runs up."""
    name = problem.family.__name__
    low, high = problem.box
    u = low + np.array([[0.4], [0.6]]) * (high - low)
    few = problem.subset(slice(0, 3))
    try:
        together = few.predict(u)
        few.rows(u)
        alone = few.subset(slice(0, 1)).predict(u)
    except ScalingError:
        raise
    except (TypeError, ValueError, AttributeError, IndexError) as reason:
        raise FitError(
            f"The formula of {name} cannot take arrays ({brief(reason, REASON)}); write it with "
            "operators and NumPy functions that work element by element."
        ) from None
    if not np.allclose(together[:, :1], alone, rtol=1e-9, equal_nan=True):
        raise FitError(
            f"The formula of {name} predicts a run differently when other runs stand beside it; "
            "write it element by element, without means or sums over its inputs."
        )


def weights_of(weights: Any, frame: pd.DataFrame) -> Array | None:
    """Weights as numbers, one a run; None for equal ones."""
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


def groups_of(groups: Any, frame: pd.DataFrame) -> tuple[NDArray[np.intp] | None, str]:
    """Number of the group of each run, and what the resampling is called."""
    if groups is None:
        return None, "pairs"
    name = groups if isinstance(groups, str) else GIVEN
    if isinstance(groups, str):
        if groups not in frame.columns:
            raise FitError(f"groups={groups!r} is not a column of runs.")
        groups = frame[groups]
    labels = np.asarray(groups)
    if np.shape(labels) != (len(frame),):
        raise FitError(f"groups must be one label a run ({len(frame)}); got shape "
                       f"{np.shape(labels)}.")  # fmt: skip
    codes = pd.factorize(labels, use_na_sentinel=False)[0]
    if codes.max() < 1:
        raise FitError("groups must hold at least two different labels.")
    return codes, f"groups={name}"


def used_columns(frame: pd.DataFrame, columns: Mapping[str, str], cost: Cost) -> dict[str, Array]:
    """Columns the fit used, and the compute of each run: as logged, or by the cost."""
    used = {name: numbers(frame, name) for name in columns.values()}
    logged = loose_numbers(frame[COMPUTE]) if COMPUTE in frame.columns else np.array([np.nan])
    if np.isfinite(logged).all():
        used.setdefault(COMPUTE, logged)
    elif set(cost.pays_for) <= set(columns):
        with np.errstate(over="ignore", under="ignore"):
            paid = {role: used[columns[role]] for role in cost.pays_for}
            used.setdefault(COMPUTE, cost.of(paid))
    return used

"""What can be tried on other runs: a family, a fit, an ensemble, or a function of runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd

from scaling.columns import PARAMS, TOKENS
from scaling.errors import ScalingError
from scaling.fitting import Fit, fit
from scaling.fitting.again import refit
from scaling.fitting.joints import Joint
from scaling.fitting.objective import Objective
from scaling.fitting.preparing import checked
from scaling.fitting.wording import objective_name
from scaling.forecast.widening import CALIBRATED
from scaling.law import Law
from scaling.text import quoted

__all__ = ["Candidate", "candidates_of", "free_coefficients", "named_things"]


@dataclass(frozen=True)
class Candidate:
    """One way from runs to forecasts.

    Attributes
    ----------
    again : callable
        From a table of runs to a source with ``forecast``.
    columns : mapping of str to str
        Which column plays each role, as far as it is known before a fit.
    free : int
        Free coefficients; 0 where only a fit can tell.
    """

    again: Callable[[pd.DataFrame], Any]
    columns: Mapping[str, str]
    free: int = 0


def candidates_of(
    families: Any, runs: pd.DataFrame, objectives: Any, columns: Mapping[str, str] | None,
    bootstrap: int, seed: int,
) -> dict[str, Candidate]:  # fmt: skip
    """Candidates by name, each with every objective.

    Parameters
    ----------
    families : family, Fit, object with ``again``, callable, or a list or mapping of them
    runs : DataFrame
        All runs; a family or a fit is refused here where they cannot be fitted at all.
    objectives : Objective, or a list or mapping of them, optional
    columns : mapping of str to str, optional
        Of families.
    bootstrap, seed : int
        Of families; a fit keeps its own seed.

    Raises
    ------
    ScalingError
        If one is none of these, or an option does not apply.
    """
    crossed = {"": None} if objectives is None else named_things(objectives, "objectives")
    found = {}
    for name, thing in named_things(families, "families").items():
        for label, objective in crossed.items():
            changes: dict[str, Any] = {"bootstrap": bootstrap}
            if objective is not None:
                if not isinstance(objective, Objective):
                    raise ScalingError("objectives must hold Huber(), LeastSquares() or "
                                       f"LeastAbsolute(); got {quoted(objective)}.")  # fmt: skip
                changes["objective"] = objective
            made = _candidate(thing, runs, changes, columns, seed)
            found[f"{name}, {label}" if label else name] = made
    return found


def _candidate(
    thing: Any, runs: pd.DataFrame, changes: dict[str, Any], columns: Mapping[str, str] | None,
    seed: int,
) -> Candidate:  # fmt: skip
    if getattr(thing, "draws_kind", "") == CALIBRATED:
        raise ScalingError(
            "The intervals of a calibrated fit come from a backtest, and would not be made again; "
            "give the fit as it was before."
        )
    if isinstance(thing, Fit):
        mapping = checked(thing.family, runs, thing.columns)[1]
        if thing.weights:
            raise ScalingError(
                f"The weights of this {_called(thing)} fit were given by hand and cannot follow to "
                "the runs of a cut; give a function from runs to a fit that weighs them."
            )
        return Candidate(partial(refit, thing, **changes), mapping, free_coefficients(thing))
    if isinstance(thing, type) and issubclass(thing, Law):
        mapping = checked(thing, runs, columns)[1]
        again = partial(fit, thing, columns=columns, seed=seed, **changes)
        return Candidate(again, mapping, len(thing.coefficients))
    again = getattr(thing, "again", thing)
    if isinstance(thing, type) or not callable(again):
        raise ScalingError(
            "families must hold families such as scaling.laws.Chinchilla, fits, ensembles, or "
            f"functions from runs to a fit; got {quoted(thing)}."
        )
    if "objective" in changes:
        raise ScalingError("objectives= applies to families and fits; "
                           f"{_called(thing)} chooses its own.")  # fmt: skip
    known = dict(getattr(thing, "columns", None) or {role: role for role in (PARAMS, TOKENS)})
    return Candidate(again, known)


def free_coefficients(known: Fit) -> int:
    """How many coefficients of a fit were neither fixed nor tied."""
    constraints = known.constraints
    return len(known.law.coefficients) - len(constraints.fixed) - len(constraints.tied)


def named_things(given: Any, argument: str) -> dict[str, Any]:
    """Things by name, from a mapping, a list, or one of them.

    Raises
    ------
    ScalingError
        If there are none, or they are the parts of a joint fit, which have different runs.
    """
    if isinstance(given, Joint):
        raise ScalingError(f"{argument} take one recipe's fit and its runs, such as "
                           f"joint[{next(iter(given))!r}]; got a joint fit.")  # fmt: skip
    if isinstance(given, Mapping):
        named = {str(name): thing for name, thing in given.items()}
    else:
        things = list(given) if isinstance(given, Sequence) and not isinstance(given, str) else [
            given]  # fmt: skip
        names = _distinct(things)
        named = dict(zip(names, things, strict=True))
    if not named:
        raise ScalingError(f"{argument} must hold one or more; got none.")
    return named


def _distinct(things: Sequence[Any]) -> list[str]:
    """Names of things, told apart by their choices, or by a number where those are the same."""
    names = [_called(thing) for thing in things]
    told = [f"{name}, {_choices(thing)}" if names.count(name) > 1 and _choices(thing) else name
            for name, thing in zip(names, things, strict=True)]  # fmt: skip
    counted: list[str] = []
    for place, name in enumerate(told):
        before = told[:place].count(name)
        counted.append(f"{name} ({before + 1})" if before else name)
    return counted


def _called(thing: Any) -> str:
    if isinstance(thing, Objective):
        return objective_name(thing) + (", linear" if thing.space == "linear" else "")
    if isinstance(thing, Fit):
        return thing.family.__name__
    return str(getattr(thing, "__name__", type(thing).__name__))


def _choices(thing: Any) -> str:
    if not isinstance(thing, Fit):
        return ""
    said = (thing.constraints.describe(), _called(thing.objective))
    return ", ".join(part for part in said if part)

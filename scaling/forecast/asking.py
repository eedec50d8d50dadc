"""What is asked of a law: a coefficient, a function of it, or the best size at a compute."""

from __future__ import annotations

from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from scaling.columns import COMPUTE, PARAMS, TOKENS
from scaling.cost import Cost
from scaling.errors import FitError, ScalingError
from scaling.fitting import Fit
from scaling.fitting.health import AHEAD
from scaling.fitting.leaving_out import target_ahead
from scaling.fitting.queries import Query, name_of
from scaling.frontier.terms import ask, positive
from scaling.law import Law
from scaling.text import human, listed, quoted

__all__ = ["query_of"]

Array: TypeAlias = NDArray[np.float64]


def query_of(fit: Fit, query: str | Query | None, compute: Any) -> tuple[Query, str]:
    """What is asked as a function of a law, and what it is called.

    Parameters
    ----------
    fit : Fit
        With its runs.
    query : str or callable, optional
        A coefficient, or a function of a law; the best size, or else the target, by default.
    compute : float or str, optional
        At which the best size is asked.
    """
    if query is None:
        return _best_size(fit, compute) or target_ahead(fit)
    if compute is not None:
        raise ScalingError("Give a query or a compute, not both: compute asks for the best size.")
    if not isinstance(query, str):
        return query, name_of(query)
    if query not in fit.law.coefficients:
        raise FitError(f"{fit.family.__name__} has no coefficient {quoted(query)}; it has "
                       f"{listed(fit.law.coefficients)}.")  # fmt: skip
    return partial(_coefficient, query), query


def _coefficient(name: str, law: Law) -> Any:
    if name not in law.coefficients:
        raise ScalingError(f"{type(law).__name__} has no coefficient {name}")
    return law.values[name]


def _best_size(fit: Fit, compute: Any) -> tuple[Query, str] | None:
    """Best size at a compute; without one, at ten times the largest where there is a best size."""
    if compute is not None:
        at = positive(COMPUTE, compute)
        if len(at) != 1:
            raise ScalingError(f"audit takes one compute; got {len(at)}.")
        ask(fit, None, None).best_inputs(at)
    elif set(fit.law.inputs) == {PARAMS, TOKENS} and COMPUTE in fit.ranges:
        at = np.array([AHEAD * fit.ranges[COMPUTE][1]])
        if not np.isfinite(_size_at(at, fit.cost, fit.law)).all():
            return None
    else:
        return None
    return partial(_size_at, at, fit.cost), f"best {fit.columns[PARAMS]} at {human(at[0])} FLOPs"


def _size_at(compute: Array, cost: Cost, law: Law) -> Array:
    question = ask(law, cost, None)
    return question.allocate(law, compute)[question.size]

"""A question that a user asks of a law: a function of one law, or of many laws at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from scaling.errors import FitError, Issue, ScalingError
from scaling.law import Law
from scaling.text import percent, quoted

__all__ = ["Quantity", "Query", "name_of", "numbers_of", "on_draws", "undefined_issues"]

Array: TypeAlias = NDArray[np.float64]
Query: TypeAlias = Callable[[Law], Any]


def name_of(query: Query) -> str:
    """Name of a function of a law; ``quantity`` where it has none of its own.

    Examples
    --------
    >>> name_of(lambda law: law.E)
    'quantity'
    """
    name = str(getattr(query, "__name__", "quantity"))
    return name if name.isidentifier() else "quantity"


def numbers_of(query: Query, law: Law, shape: tuple[int, ...] | None = None) -> Array:
    """What a query says of one law, as numbers of a shape; None becomes NaN."""
    if not callable(query):
        raise FitError(f"This takes a function of a law; got {quoted(query)}.")
    with np.errstate(all="ignore"):
        answer = query(law)
    try:
        if np.iscomplexobj(answer):
            raise TypeError("complex")  # which would lose its imaginary part
        array = np.atleast_1d(np.asarray(answer, dtype=float))
    except (TypeError, ValueError):
        array = np.zeros(0)
    if array.size == 0 or (shape is not None and array.shape != shape):
        raise FitError("The query must return a number, or an array of the same shape for every "
                       f"law; got {quoted(answer)}.")  # fmt: skip
    return array


def on_draws(query: Query, draws: Law, best: Array) -> tuple[Array, bool]:
    """The query at every draw, and whether it took them all at once."""
    answer = _together(query, draws, best)
    if answer is not None:
        return answer, True
    picked = (draws.pick(i) for i in range(draws.count))
    return np.array([numbers_of(query, law, best.shape) for law in picked]), False


def _together(query: Query, draws: Law, best: Array) -> Array | None:
    """The query on all draws at once, or None where it cannot take them."""
    answer = _at_once(query, draws, best.size)
    if answer is None:
        return None
    answer = answer.reshape(draws.count, *best.shape)
    # A query may take arrays and yet mix the draws up, so one draw is asked by itself.
    alone = numbers_of(query, draws.pick(draws.count - 1), best.shape)
    return answer if np.allclose(answer[-1], alone, rtol=1e-6, equal_nan=True) else None


def _at_once(query: Query, laws: Law, size: int) -> Array | None:
    try:
        with np.errstate(all="ignore"):
            found = query(laws)
            if np.iscomplexobj(found):
                return None
            answer = np.asarray(found, dtype=float)
    except (TypeError, ValueError, AttributeError, IndexError):
        return None
    rightly = answer.ndim > 0 and answer.shape[0] == laws.count
    return answer if rightly and answer.size == laws.count * size else None


def undefined_issues(best: Array, draws: Array) -> tuple[Issue, ...]:
    """An issue where the query has no value at the best law or at some draws."""
    share = float(np.isnan(draws).any(axis=tuple(range(1, draws.ndim))).mean())
    if share == 0 and not np.isnan(best).any():
        return ()
    return (Issue(
        "undefined-in-draws", "blocks" if np.isnan(best).any() else "weakens",
        f"The query has no value at {percent(share)} of resamples, which the interval leaves out"
        + (", and none at the best law." if np.isnan(best).any() else "."),
        "Ask for something that every resample has.",
    ),)  # fmt: skip


@dataclass(frozen=True)
class Quantity:
    """A query that returns one number, asked of many laws.

    Attributes
    ----------
    query : callable
    together : bool
        Whether it takes all laws at once.
    """

    query: Query
    together: bool

    @classmethod
    def of(cls, query: Query, laws: Law) -> Quantity:
        """The query, tried on two or more laws.

        Raises
        ------
        FitError
            If it does not return one number.
        """
        first = numbers_of(query, laws.pick(0))
        if first.size != 1:
            raise FitError(f"The query must return one number; got {first.size}.")
        return cls(query, _together(query, laws, first) is not None)

    def at(self, laws: Law) -> Array:
        """The number at each of k laws, shape (k,); NaN where a law has none."""
        if self.together:
            answer = _at_once(self.query, laws, 1)
            found = np.full(laws.count, np.nan) if answer is None else answer.reshape(-1)
        else:
            found = np.array([self._alone(laws, i) for i in range(laws.count)])
        return np.where(np.isfinite(found), found, np.nan)

    def _alone(self, laws: Law, index: int) -> float:
        try:
            return float(numbers_of(self.query, laws.pick(index), None).ravel()[0])
        except ScalingError:  # such as a law without a best size
            return np.nan

"""What a question asks of its first argument, and the one place where an interval is taken."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scaling.cost import Cost
from scaling.errors import Issue, ScalingError
from scaling.law import Law

__all__ = ["Source", "check_level", "summarise", "widens"]

Array: TypeAlias = NDArray[np.float64]


class Source(Protocol):
    """What a question asks of its first argument: a law, a published law or a fit."""

    @property
    def best(self) -> Law:
        """The law itself."""

    @property
    def draws(self) -> Law | None:
        """The same family with (k, 1) coefficients, or None."""

    @property
    def draws_kind(self) -> str:
        """How the draws were made, such as ``pairs n=200``."""

    @property
    def columns(self) -> Mapping[str, str]:
        """Which column plays each role of the family."""

    @property
    def cost(self) -> Cost | None:
        """What compute means for these runs; None where it was not said."""

    @property
    def ranges(self) -> Mapping[str, tuple[float, float]]:
        """Smallest and largest value of each column of the runs, as far as known."""

    @property
    def issues(self) -> tuple[Issue, ...]:
        """What weakens any answer from this source."""


def summarise(best: ArrayLike, draws: ArrayLike | None, level: float) -> tuple[Array, Array, Array]:
    """Value, low end and high end: the one place where a quantile is taken.

    Parameters
    ----------
    best : array_like, shape (...)
        The question's answer at the best law; it is the central value.
    draws : array_like, shape (k, ...), or None
        The answer at each draw; infinities are kept as such, NaN are left out.
    level : float
        Share of the draws between the two ends.

    Returns
    -------
    value, low, high : ndarray, shape (...)
        The ends are NaN without draws.

    Raises
    ------
    ScalingError
        If ``level`` is not between 0 and 1.

    Examples
    --------
    >>> value, low, high = summarise(1.0, [0.9, 1.0, 1.1], level=0.9)
    >>> round(float(low), 2), round(float(high), 2)
    (0.91, 1.09)
    """
    check_level(level)
    value = np.asarray(best, dtype=float)
    if draws is None:
        return value, np.full_like(value, np.nan), np.full_like(value, np.nan)
    sample = np.asarray(draws, dtype=float).reshape(-1, *value.shape)
    ends = [(1 - level) / 2, (1 + level) / 2]
    kept = np.where(np.isnan(sample).all(axis=0), 0.0, sample)
    quantile: Any = np.nanquantile if np.isnan(kept).any() else np.quantile
    whole = np.isfinite(kept) | np.isnan(kept)
    ends_of = quantile(np.where(whole, kept, 0.0), ends, axis=0)
    if not whole.all():  # between two infinities there is no middle, so the nearer draw is taken
        ends_of = np.where(
            whole.all(axis=0), ends_of, quantile(kept, ends, axis=0, method="nearest")
        )
    low, high = ends_of
    empty = np.isnan(sample).all(axis=0)
    return value, np.where(empty, np.nan, low), np.where(empty, np.nan, high)


def widens(draws: Law | None) -> bool:
    """Whether draws carry an error that grows with the distance beyond the runs."""
    return draws is not None and "drift" in draws.coefficients


def check_level(level: float) -> None:
    """Refuse a level that is not a share."""
    if not (isinstance(level, int | float | np.floating) and 0 < level < 1):
        hint = f" Did you mean {level / 100:g}?" if isinstance(level, int) and level > 1 else ""
        raise ScalingError(f"level must be between 0 and 1, such as 0.9; got {level!r}.{hint}")

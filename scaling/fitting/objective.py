"""What a fit minimises: a sum over runs of a function of the residual, in a space."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from scaling.errors import ScalingError, one_of

__all__ = ["OBJECTIVES", "Huber", "LeastAbsolute", "LeastSquares", "Objective", "Space"]

Array: TypeAlias = NDArray[np.float64]
Space: TypeAlias = Literal["log", "linear"]


@dataclass(frozen=True, kw_only=True)
class Objective:
    """Sum over runs of a function of the residual; the base of the three below.

    Attributes
    ----------
    space : {"log", "linear"}
        Residuals are of the logarithm of the target, or of the target itself.
    """

    space: Space = "log"
    label: ClassVar[str] = ""

    def __post_init__(self) -> None:
        one_of("space", self.space, ("log", "linear"))

    @property
    def knee(self) -> float:
        """Residual at which the objective turns from quadratic to linear."""
        return inf

    def transform(self, target: Any) -> Any:
        """Target in the space of the residuals."""
        return np.log(target) if self.space == "log" else np.asarray(target, dtype=float)

    def restore(self, transformed: Any) -> Any:
        """Inverse of :meth:`transform`."""
        return np.exp(transformed) if self.space == "log" else np.asarray(transformed, dtype=float)

    def slope(self, prediction: Array) -> Any:
        """Derivative of :meth:`transform` at the prediction."""
        return 1 / prediction if self.space == "log" else np.float64(1.0)

    def total(self, residual: Array, weights: Any = 1.0) -> Any:
        """Objective: the sum over the last axis, never a mean."""
        return (weights * huber(np.asarray(residual, dtype=float), self.knee)).sum(axis=-1)


@dataclass(frozen=True, kw_only=True)
class Huber(Objective):
    """Huber's function: quadratic to ``delta``, linear beyond.

    ``r**2 / 2`` where ``|r| <= delta``, else ``delta * (|r| - delta / 2)``.

    Parameters
    ----------
    delta : float
        The knee; 1e-3 on log loss in Hoffmann et al. 2022, eq. 3, where most residuals lie
        beyond it and the objective is close to least absolute deviations.
    space : {"log", "linear"}

    Examples
    --------
    >>> f"{Huber(delta=1e-3).total(np.array([5e-4, 2e-3])):.4g}"
    '1.625e-06'
    """

    delta: float = 1e-3
    label: ClassVar[str] = "huber"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (np.isfinite(self.delta) and self.delta > 0):
            raise ScalingError(f"Huber needs delta above 0, such as 1e-3; got {self.delta!r}.")

    @property
    def knee(self) -> float:
        """The delta."""
        return self.delta


@dataclass(frozen=True, kw_only=True)
class LeastSquares(Objective):
    """Half the sum of squared residuals.

    Examples
    --------
    >>> f"{LeastSquares().total(np.array([0.1, 0.2])):.4g}"
    '0.025'
    """

    label: ClassVar[str] = "least_squares"


@dataclass(frozen=True, kw_only=True)
class LeastAbsolute(Objective):
    """Sum of absolute residuals.

    Examples
    --------
    >>> round(float(LeastAbsolute().total(np.array([0.1, -0.2]))), 12)
    0.3
    """

    label: ClassVar[str] = "least_absolute"

    @property
    def knee(self) -> float:
        """Zero: linear everywhere."""
        return 0.0

    def total(self, residual: Array, weights: Any = 1.0) -> Any:
        """Sum of the absolute residuals over the last axis."""
        return (weights * np.abs(np.asarray(residual, dtype=float))).sum(axis=-1)


OBJECTIVES: dict[str, type[Objective]] = {
    objective.label: objective for objective in (Huber, LeastSquares, LeastAbsolute)
}


def huber(residual: Array, knee: float) -> Array:
    """Huber's function of each residual; half the square where the knee is infinite.

    Examples
    --------
    >>> float(huber(np.array(2.0), 1.0))
    1.5
    """
    size = np.abs(residual)
    capped = np.minimum(size, knee)
    size -= 0.5 * capped
    size *= capped
    return size

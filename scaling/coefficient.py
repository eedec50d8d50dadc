"""What a family declares of its coefficients."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeAlias

import numpy as np

from scaling.errors import ScalingError

__all__ = ["Coef", "Coefficient", "coef"]

# A law's coefficient: a number, or an array of shape (k, 1) that makes the law k laws at once.
Coef: TypeAlias = Any


@dataclasses.dataclass(frozen=True)
class Coefficient:
    """What a family declares of one coefficient: see :func:`coef`."""

    meaning: str
    typical: tuple[float, float]
    unit: str = ""
    positive: bool = True

    def redeclared(self) -> Any:
        """Declaration of the same coefficient in another family."""
        return coef(self.meaning, self.typical, unit=self.unit, positive=self.positive)


def coef(
    meaning: str, typical: tuple[float, float], *, unit: str = "", positive: bool = True
) -> Any:
    """Declaration of one coefficient of a family.

    Parameters
    ----------
    meaning : str
        What it is, in words.
    typical : (float, float)
        Generous range with published values inside; it gives the fitter its starts.
    unit : str
        Unit, where it has one.
    positive : bool
        Whether it is positive by meaning; with a wide range it is fitted as its logarithm.

    Raises
    ------
    ScalingError
        If the range is empty, or not positive where the coefficient is.

    Examples
    --------
    >>> from scaling.law import Law
    >>> class Line(Law):
    ...     inputs = ("tokens",)
    ...     A: Coef = coef("loss after one token", typical=(1, 100))
    ...     b: Coef = coef("slope", typical=(-1, 1), positive=False)
    ...     def formula(self, D):
    ...         return self.A * D**self.b
    >>> Line(A=10.0, b=-0.1)
    Line(A=10, b=-0.1)
    """
    low, high = (float(end) for end in typical)
    if not (np.isfinite([low, high]).all() and low < high) or (positive and low <= 0):
        wanted = "0 < low < high" if positive else "low < high"
        raise ScalingError(f"typical of {meaning!r} must be finite with {wanted}; got {typical}.")
    declared = Coefficient(meaning, (low, high), unit, positive)
    return dataclasses.field(metadata={"coefficient": declared})

"""How far forecasts drift off beyond their runs, as draws that every question can carry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from scaling.errors import FitError

__all__ = ["CALIBRATED", "Drift"]

Array: TypeAlias = NDArray[np.float64]

CALIBRATED = "calibrated"  # kind of intervals whose drift comes from the runs themselves


@dataclass(frozen=True)
class Drift:
    """Error of log loss for each e-fold of compute beyond the runs.

    Attributes
    ----------
    scale : float
        Of the error, where it was measured.
    freedom : int
        Degrees of freedom that it was measured with: drifts are drawn from Student's t, because
        a few tables or cuts hardly tell the scale itself.
    """

    scale: float
    freedom: int

    def __post_init__(self) -> None:
        if not 0 <= self.scale < np.inf or not self.freedom >= 1:
            raise FitError(
                "A drift needs a finite scale, 0 or more, and 1 or more degrees of freedom; got "
                f"scale={self.scale!r}, freedom={self.freedom!r}."
            )

    def draws(self, n: int, seed: int, objective_value: float = 0.0) -> Array:
        """Drifts at the middles of n equal shares of their distribution, shuffled.

        The order follows from the seed and the objective of the fit, so that the drifts of two
        recipes are independent, and not the same by index.
        """
        from scipy.special import stdtrit  # costs as much to import as all the rest

        sizes = self.scale * stdtrit(self.freedom, (np.arange(n) + 0.5) / n)
        order = np.random.default_rng([seed, crc32(f"{objective_value:.4g}".encode())])
        return order.permutation(sizes)

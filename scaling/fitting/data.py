"""What is kept of the runs when the runs themselves are not."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from scaling.columns import PARAMS, RATIO, TOKENS

__all__ = ["QUANTILES", "Data", "Part", "ranges_of"]

Array: TypeAlias = NDArray[np.float64]

QUANTILES = np.linspace(0.0, 1.0, 101)


@dataclass(frozen=True)
class Part:
    """What a fit is one recipe of.

    Attributes
    ----------
    by, label : str
        Column that names the recipe, and its value there.
    held : mapping of str to str
        Coefficients found together with other recipes: ``shared`` or ``pooled``.
    """

    by: str
    label: str
    held: Mapping[str, str]


@dataclass(frozen=True)
class Data:
    """What remains of the runs when the runs themselves are not kept.

    Attributes
    ----------
    count : int
    ranges : mapping of str to (float, float)
        Smallest and largest value of each column the fit used, of compute, and of tokens per
        param where the law has both.
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
    def of(
        cls, columns: Mapping[str, Array], roles: Mapping[str, str], residual: Array, free: float
    ) -> Data:
        """Summary of the columns used, the roles they play, and the residuals left."""
        n = len(residual)
        digest = hashlib.sha256()
        for name in sorted(columns):
            digest.update(name.encode() + np.ascontiguousarray(columns[name]).tobytes())
        widened = residual * np.sqrt(n / max(n - free, 1))
        quantiles = tuple(np.quantile(widened, QUANTILES).tolist())
        return cls(n, ranges_of(columns, roles), digest.hexdigest(), quantiles)


def ranges_of(
    columns: Mapping[str, Array], roles: Mapping[str, str]
) -> dict[str, tuple[float, float]]:
    """Smallest and largest value of each column, and of tokens per param."""
    known = dict(columns)
    if PARAMS in roles and TOKENS in roles:
        with np.errstate(over="ignore", under="ignore"):
            known.setdefault(RATIO, columns[roles[TOKENS]] / columns[roles[PARAMS]])
    return {name: (float(v.min()), float(v.max())) for name, v in known.items()}

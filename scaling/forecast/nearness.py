"""Which runs say most about larger ones: those near the best that their compute could buy."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["NEAR", "enough", "near_frontier"]

Array: TypeAlias = NDArray[np.float64]

NEAR = 0.05  # share of the best loss, chosen on public tables: benchmarks/forecasting.py
_FEWEST, _LEAST_SHARE = 10, 0.3  # with fewer runs left, or a smaller share of them, all are kept
_RIVALS = 1.1  # runs are compared with those of up to this many times their compute


def near_frontier(compute: Array, loss: Array, within: float) -> NDArray[np.bool_]:
    """Which runs have a loss within a share of the best at up to 1.1 times their compute.

    Parameters
    ----------
    compute, loss : ndarray, shape (n,)
    within : float
        Such as 0.05.

    Returns
    -------
    ndarray of bool, shape (n,)

    Examples
    --------
    >>> near_frontier(np.array([1e20, 1e20, 1e21]), np.array([3.0, 3.5, 2.5]), 0.05)
    array([ True, False,  True])
    """
    order = np.argsort(compute, kind="stable")
    lowest = np.minimum.accumulate(loss[order])
    rivals = np.searchsorted(compute[order], _RIVALS * compute, side="right")
    near: NDArray[np.bool_] = loss <= (1 + within) * lowest[rivals - 1]
    return near


def enough(near: NDArray[np.bool_]) -> bool:
    """Whether the runs near the frontier can be fitted without the others.

    Examples
    --------
    >>> enough(np.arange(30) < 10), enough(np.arange(30) < 9), enough(np.arange(100) < 20)
    (True, False, False)
    """
    return bool(near.sum() >= _FEWEST and near.mean() >= _LEAST_SHARE)

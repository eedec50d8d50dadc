"""The lowest point of many functions at once: a grid over the whole box, then repeated zooms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["MOST_AXES", "lowest"]

Array: TypeAlias = NDArray[np.float64]

# By the number of axes: points an axis of the first grid and of each zoom, spacings that a zoom
# reaches to either side, and zooms. With several axes a valley may run askew, so a zoom stays wide.
_PLANS = {1: (193, 17, 1.0, 10), 2: (65, 9, 2.0, 30), 3: (25, 7, 1.5, 30)}
MOST_AXES = max(_PLANS)


def lowest(
    function: Callable[[list[Array]], Array], low: Sequence[Array], high: Sequence[Array]
) -> tuple[list[Array], list[NDArray[np.int8]]]:
    """Where each of many functions of a few coordinates is least, in a box.

    Parameters
    ----------
    function : callable
        Takes d arrays of shape (..., g) and returns the values, of that shape; NaN is no value.
    low, high : sequence of ndarray, d of shape (...)
        Ends of the box.

    Returns
    -------
    place : list of ndarray, d of shape (...)
    side : list of ndarray, d of shape (...)
        -1 and 1 where the first grid was least at its low and its high end, else 0.

    Examples
    --------
    >>> ends = np.zeros(2) - 3, np.zeros(2) + 5
    >>> place, side = lowest(lambda at: (at[0] - [[1.0], [9.0]]) ** 2, ends[:1], ends[1:])
    >>> place[0].round(6), side[0]
    (array([1., 5.]), array([0, 1], dtype=int8))
    """
    first, points, reach, zooms = _PLANS[len(low)]
    low, high = list(low), list(high)
    place, index = _least(function, low, high, first)
    side = [(at == first - 1).astype(np.int8) - (at == 0).astype(np.int8) for at in index]
    spacing = [(top - bottom) / (first - 1) for bottom, top in zip(low, high, strict=True)]
    for _ in range(zooms):
        box = zip(place, spacing, low, high, strict=True)
        ends = [(np.maximum(at - reach * step, bottom), np.minimum(at + reach * step, top))
                for at, step, bottom, top in box]  # fmt: skip
        place, _ = _least(function, [end for end, _ in ends], [end for _, end in ends], points)
        spacing = [(top - bottom) / (points - 1) for bottom, top in ends]
    return place, side


def _least(
    function: Callable[[list[Array]], Array], low: list[Array], high: list[Array], points: int
) -> tuple[list[Array], list[NDArray[np.intp]]]:
    """The least point of a grid over the box, and its index on each axis."""
    steps = np.meshgrid(*[np.linspace(0, 1, points)] * len(low), indexing="ij")
    grid = [bottom[..., None] + step.ravel() * (top - bottom)[..., None]
            for bottom, top, step in zip(low, high, steps, strict=True)]  # fmt: skip
    values = np.broadcast_to(function(grid), grid[0].shape)
    best = np.where(np.isnan(values), np.inf, values).argmin(axis=-1)
    place = [np.take_along_axis(axis, best[..., None], -1)[..., 0] for axis in grid]
    return place, list(np.unravel_index(best, (points,) * len(low)))

"""Params in use over a training that prunes or grows its model."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling.errors import ScalingError, one_of
from scaling.runs.door import loose_numbers
from scaling.text import human, quoted

__all__ = ["average_params"]

Array: TypeAlias = NDArray[np.float64]

_LINEAR, _STEPWISE = "linear", "stepwise"


def average_params(schedule: Any, params: Any, *, between: str = _LINEAR) -> Any:
    """Mean of the params in use over a training, from its density at some places.

    With the column that it makes, the law of Jin et al. 2025 (arXiv:2501.12486) for sparse and
    dense pre-training is ``fit(Chinchilla, runs, columns={"params": "params_average"})``, and the
    compute is six times this mean times the tokens.

    Parameters
    ----------
    schedule : array_like, shape (m, 2)
        Places and densities. Places are tokens or steps, of one size, and grow from 0 to the end of
        the training; a density is the share of the params in use, above 0 and at most 1.
    params : float, str or array_like
        Size of the dense model.
    between : {"linear", "stepwise"}
        Whether the density moves evenly from one place to the next, or stays until the next place.

    Returns
    -------
    float, or ndarray of the shape of params

    Raises
    ------
    ScalingError
        If the places do not grow from 0, a density is outside (0, 1], or params are not above 0.

    Examples
    --------
    Dense for a quarter of the tokens, pruned evenly to 20% by three quarters, then left so:

    >>> pruned = [(0, 1), (5e9, 1), (15e9, 0.2), (20e9, 0.2)]
    >>> round(average_params(pruned, 1e9) / 1e6, 3)
    600.0
    """
    one_of("between", between, (_LINEAR, _STEPWISE))
    places, density = _checked(schedule)
    size = _floats(params)
    if not (np.isfinite(size) & (size > 0)).all():
        raise ScalingError(f"params must be finite numbers above 0; got {quoted(params)}.")
    held = density[:-1] if between == _STEPWISE else (density[:-1] + density[1:]) / 2
    mean = size * float(held @ np.diff(places) / places[-1])
    return mean if mean.ndim else float(mean)


def _floats(values: Any) -> Array:
    """Numbers of the same shape, texts such as 1B read; NaN for what is no number."""
    items = np.asarray(values, dtype=object)
    return loose_numbers(pd.Series(items.ravel())).reshape(items.shape)


def _checked(schedule: Any) -> tuple[Array, Array]:
    """Places and densities, or one sentence."""
    points = _floats(schedule)
    if points.ndim != 2 or points.shape[1] != 2 or len(points) < 2:
        raise ScalingError(
            "A schedule is two or more pairs of a place (tokens or steps) and a density, such as "
            f"[(0, 1), (1e9, 0.5)]; got {quoted(schedule)}."
        )
    places, density = points.T
    if not np.isfinite(places).all() or places[0] != 0 or (np.diff(places) <= 0).any():
        raise ScalingError(
            "Places of a schedule must be finite and grow from 0, where training starts, to its "
            f"end; got {', '.join(human(place) for place in places)}."
        )
    outside = ~((density > 0) & (density <= 1))
    if outside.any():
        raise ScalingError("A density is the share of the params in use, above 0 and at most 1; "
                           f"got {density[outside][0]:g}.")  # fmt: skip
    return places, density

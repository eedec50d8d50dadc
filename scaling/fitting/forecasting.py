"""What a fit says of points that were not run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Protocol, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling.answer import Answer, level_issues
from scaling.columns import COMPUTE
from scaling.errors import ScalingError
from scaling.fitting.data import QUANTILES, Data
from scaling.fitting.objective import Objective
from scaling.reach import beyond, beyond_issues, input_issues
from scaling.runs.door import as_frame, numbers
from scaling.runs.noise import Noise
from scaling.source import Source, summarise, widens

__all__ = ["Forecast", "Forecaster", "forecast_of"]

Array: TypeAlias = NDArray[np.float64]

_PARTS = 40  # equal parts of the residuals that each draw of the curve is combined with


@dataclass(frozen=True)
class Forecast(Answer):
    """Losses a law forecasts, each with a confidence and a prediction interval.

    Attributes
    ----------
    assumptions : tuple of str
        What the forecast takes for granted.
    """

    assumptions: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What the two intervals are, and what is taken for granted."""
        next_run = (
            "next run low and high hold a single new run: the same with the spread of the runs."
        )
        return (
            self.intervals,
            *((next_run,) if self.kind != "none" else ()),
            *(("Assumed: " + " ".join(self.assumptions),) if self.assumptions else ()),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values, with the assumptions."""
        return {**super().to_dict(), "assumptions": list(self.assumptions)}


class Forecaster(Source, Protocol):
    """What a forecast asks of a fit, or of several taken together."""

    @property
    def objective(self) -> Objective:
        """The space that residuals are in."""

    @property
    def data(self) -> Data:
        """Ranges of the runs, and quantiles of their residuals."""

    @property
    def noise(self) -> Noise | None:
        """Noise of single runs, where it was said."""

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What any forecast takes for granted."""


def forecast_of(
    source: Forecaster, points: Any, inputs: Mapping[str, Any], level: float
) -> Forecast:
    """Forecast of a fit or an ensemble at points: see :meth:`Fit.forecast`."""
    roles = {source.columns[role]: role for role in source.best.inputs}
    frame = _points(points, inputs, tuple(roles))
    named = {role: frame[column].to_numpy() for column, role in roles.items()}
    best = source.best.predict(named)
    draws = None if source.draws is None else source.draws.predict(named)
    target = source.columns[source.best.target]
    value, low, high = summarise(best, draws, level)
    new = None if draws is None else _next_run(source, draws)
    new_low, new_high = summarise(best, new, level)[1:]
    columns = {name: frame[name].to_numpy() for name in frame.columns}
    if source.cost is not None and set(source.cost.pays_for) <= set(named):
        columns[COMPUTE] = source.cost.of(named)
    factor = beyond(source.ranges, columns)
    table = frame.assign(**{
        target: value, f"{target}_low": low, f"{target}_high": high,
        "next_run_low": new_low, "next_run_high": new_high, "beyond": factor,
    })  # fmt: skip
    title = f"{type(source.best).__name__} forecast of {target}"
    far = beyond_issues(factor, widened=widens(source.draws), drawn=draws is not None)
    issues = (*source.issues, *far, *input_issues(source.ranges, named))
    if source.draws is not None:
        issues = (*issues, *level_issues(source.draws.count, level))
    return Forecast(table, title, level, source.draws_kind, issues, source.assumptions)


def _points(points: Any, inputs: Mapping[str, Any], names: tuple[str, ...]) -> pd.DataFrame:
    table = pd.DataFrame() if points is None else as_frame(points)
    given: dict[str, Any] = {str(name): table[name] for name in table.columns}
    given |= inputs
    wrong = [name for name in inputs if name not in names]
    missing = [name for name in names if name not in given]
    if wrong or missing:
        raise ScalingError(
            f"This fit forecasts from {', '.join(names)}; "
            f"got {', '.join(map(str, given)) or 'nothing'}."
        )
    try:
        arrays = np.broadcast_arrays(*(np.atleast_1d(given[name]) for name in names))
    except ValueError:
        sizes = ", ".join(f"{name} {np.size(given[name])}" for name in names)
        raise ScalingError(f"Inputs have different lengths: {sizes}.") from None
    frame = pd.DataFrame({name: np.ravel(array) for name, array in zip(names, arrays, strict=True)})
    return pd.DataFrame({name: numbers(frame, name) for name in names})


def _next_run(source: Forecaster, draws: Array) -> Array:
    """Draws of a single new run: each draw of the curve with every part of the residuals.

    Where the noise was said to be larger than the spread of the residuals, it takes their place.
    """
    residuals = np.array(source.data.residual_quantiles)
    shares = (np.arange(_PARTS) + 0.5) / _PARTS
    drawn = np.interp(shares, QUANTILES, residuals)[:, None, None]
    if source.noise is not None:
        normal = np.array([NormalDist().inv_cdf(share) for share in shares])[:, None, None]
        noise = source.noise.sd * (1.0 if source.objective.space == "log" else np.abs(draws))
        drawn = np.where(noise > float(np.sqrt(np.mean(residuals**2))), normal * noise, drawn)
    new = source.objective.restore(source.objective.transform(draws) - drawn)
    return np.asarray(new).reshape(-1, draws.shape[-1])

"""Intervals that grow with the distance beyond the runs, as errors did on runs held out."""

from __future__ import annotations

from dataclasses import replace
from statistics import NormalDist
from typing import Any, TypeAlias, TypeVar, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling.columns import COMPUTE, PARAMS, TOKENS
from scaling.cost import SIX_ND
from scaling.errors import FitError
from scaling.forecast.backtests import Backtest, candidate_of
from scaling.forecast.widening import CALIBRATED, Drift
from scaling.law import Law
from scaling.laws.combined import drifting, product_of
from scaling.runs.door import numbers
from scaling.text import times

__all__ = ["calibrate"]

Array: TypeAlias = NDArray[np.float64]
Made = TypeVar("Made")

_ASSUMED = "beyond the runs the law may drift off by"
_FEWEST_CUTS = 4
_ZERO = np.finfo(float).tiny
_APART = 1.5  # factor between cuts that count as two


def calibrate(fit: Made, backtest: Backtest) -> Made:
    """The same fit with intervals that held its own held-out runs.

    Each draw of the law drifts off beyond the runs by a power of compute, as often up as down. The
    spread of the drifts is the smallest for which the next-run intervals of the backtest hold
    their level, every cut weighing the same, since the runs above one cut share one misfit; with
    Student's t for so few cuts. Forecasts, losses of a frontier and the compute of a loss all carry
    it; the central values stay, and so do best sizes, since what a compute buys drifts alike.

    Parameters
    ----------
    fit : Fit or Ensemble
        With resamples.
    backtest : Backtest
        One of its candidates is this fit: the same family, constraints, objective and columns.

    Returns
    -------
    Fit or Ensemble
        With ``draws_kind`` ``"calibrated"``.

    Raises
    ------
    FitError
        If the fit is no candidate of the backtest, one of them has no resamples, or fewer than
        four cuts, a factor of 1.5 apart, have runs beyond them.

    Examples
    --------
    >>> import scaling
    >>> runs = scaling.datasets.load("demo")
    >>> fit = scaling.fit(scaling.laws.Chinchilla, runs)
    >>> scaling.calibrate(fit, scaling.backtest(fit, runs)).draws_kind
    'calibrated'
    """
    if not isinstance(backtest, Backtest):
        raise FitError(f"calibrate needs a Backtest; got {type(backtest).__name__}. Make one with "
                       "scaling.backtest(fit, runs).")  # fmt: skip
    source: Any = fit
    if not hasattr(source, "draws") or not hasattr(source, "forecast"):
        raise FitError(f"calibrate takes a fit or an ensemble; got {type(source).__name__}.")
    name = candidate_of(backtest, source)
    points = backtest.points[backtest.points["candidate"] == name]
    points = points[points["distance"] > 1]
    if source.draws is None or points["forecast_low"].isna().any():
        raise FitError("calibrate widens intervals, and there are none without resamples; use "
                       "bootstrap=200 in the fit and in the backtest.")  # fmt: skip
    cuts = _apart(points["cut"])
    if cuts < _FEWEST_CUTS:
        raise FitError(
            f"calibrate needs {_FEWEST_CUTS} cuts or more, a factor of {_APART:g} apart, with runs "
            f"beyond them; the backtest has {cuts}. Give more cuts=, or add runs."
        )
    spread = _spread(points, _built_in(backtest, name), backtest.level)
    told = {"draws": _drifting(source, spread, cuts), "draws_kind": CALIBRATED}
    if hasattr(source, "assumptions"):
        before = [said for said in source.assumptions if not said.startswith(_ASSUMED)]
        told["assumptions"] = (*before, (
            f"{_ASSUMED} {100 * spread:.2g}% for each factor of e in compute, as on {cuts} cuts up "
            f"to {times(points['distance'].max())} beyond."
        ))  # fmt: skip
    made: Made = replace(source, **told)
    return made


def _apart(cuts: pd.Series) -> int:
    """How many cuts there are, those close together counted as one."""
    count, last = 0, -np.inf
    for cut in np.sort(np.log(cuts.unique())):
        if cut >= last + np.log(_APART) - 1e-9:
            count, last = count + 1, cut
    return count


def _built_in(backtest: Backtest, name: str) -> float:
    """Drift at the level that the intervals of the backtest had already, as an ensemble's do."""
    draws = backtest.fits[name][-1].draws
    drift = getattr(draws, "drift", 0.0)
    return float(np.quantile(np.abs(drift), backtest.level))


def _spread(points: pd.DataFrame, built_in: float, level: float) -> float:
    """Standard deviation of the drift with which the level holds on the held-out runs.

    Independent half widths add in squares: what the drift of the backtest's intervals gave is taken
    out of them first, and the new one has to make up for what they then lack.
    """
    forecast, observed, low, high, distance = (
        points[["forecast", "observed", "forecast_low", "forecast_high", "distance"]]
        .to_numpy(dtype=float)
        .T
    )
    if (forecast <= 0).any():
        raise FitError("calibrate widens intervals by factors, and some forecasts of the backtest "
                       "are not above 0; fit the logarithm of the target.")  # fmt: skip
    error = np.log(observed / forecast)
    # An interval that reaches 0 holds whatever is below it, by any factor.
    low = np.where(low > 0, low, _ZERO)
    half = np.where(error > 0, np.log(high) - np.log(forecast), np.log(forecast) - np.log(low))
    times = NormalDist().inv_cdf((1 + level) / 2)
    away = np.log(distance)
    bare = np.maximum(half**2 - (built_in * away) ** 2, 0.0)
    needed = np.sqrt(np.maximum(error**2 - bare, 0.0)) / (times * away)
    weight = 1 / points.groupby("cut")["cut"].transform("size").to_numpy()
    order = np.argsort(needed, kind="stable")
    held = np.cumsum(weight[order]) / weight.sum()
    return float(needed[order][np.searchsorted(held, level - 1e-9)])


def _drifting(source: Any, spread: float, cuts: int) -> Law:
    """The draws, each with a drift of its own."""
    draws, family = source.draws, type(source.best)
    count, seed = draws.count, getattr(source, "seed", 0)
    drift = Drift(spread, cuts - 1).draws(count, seed, source.objective_value)[:, None]
    shape, drifter = (count, 1), cast(Any, drifting)
    values = {name: np.broadcast_to(draws.values[name], shape) for name in family.coefficients}
    reach = np.full(shape, _reach(source))
    made: Law = drifter(family).unchecked({**values, "drift": drift, "reach": reach})
    return made


def _reach(source: Any) -> float:
    """Largest product of inputs among the runs, as far as they are known."""
    family, runs = type(source.best), source.runs
    columns = [source.columns[role] for role in family.inputs]
    if runs is not None:
        return float(np.max(product_of(family, [numbers(runs, name) for name in columns])))
    if {PARAMS, TOKENS} <= set(family.inputs):
        return float((source.cost or SIX_ND).budget(source.ranges[COMPUTE][1]))
    return float(product_of(family, [source.ranges[name][1] for name in columns]))

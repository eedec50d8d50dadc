"""Runs drawn from a law, for demonstrations and for tests of what a fit finds again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from scaling.columns import COMPUTE, LOSS, PARAMS, TOKENS
from scaling.cost import SIX_ND
from scaling.errors import ScalingError
from scaling.law import Law

__all__ = ["isoflop_runs", "sweep_runs"]

# Excess log loss by the logs of learning rate and batch size over their best, about as in the
# runs of Li et al. 2025: a factor of two in one of them costs a third to half a percent.
_RATE, _BATCH, _BOTH = 0.010, 0.007, -0.006


def isoflop_runs(
    law: Law, budgets: Sequence[float], *, sizes: int, spread: float, noise: float, seed: int
) -> pd.DataFrame:
    """Runs of several sizes at each compute budget, spread around the best size of the law.

    Parameters
    ----------
    law : Law
        Of params and tokens, with a closed form for its best allocation.
    budgets : sequence of float
        FLOPs.
    sizes : int
        Model sizes a budget.
    spread : float
        The smallest and largest size are the best one over and times this.
    noise : float
        Standard deviation of the log of the loss.
    seed : int

    Returns
    -------
    DataFrame
        Columns params, tokens, compute, loss.

    Raises
    ------
    ScalingError
        If the law has no closed form for its best allocation.

    Examples
    --------
    >>> from scaling.laws import published
    >>> law = published("besiroglu-2024").law
    >>> isoflop_runs(law, [1e19], sizes=5, spread=3, noise=0.0, seed=0).shape
    (5, 4)
    """
    compute = np.repeat(np.asarray(budgets, dtype=float), sizes)
    best = law.optimum(SIX_ND.budget(compute))
    if best is None:
        raise ScalingError(f"{law!r} has no closed form for its best allocation.")
    params = best[PARAMS] * np.tile(np.geomspace(1 / spread, spread, sizes), len(budgets))
    tokens = SIX_ND.tokens(params, compute)
    error = np.random.default_rng(seed).normal(0.0, noise, len(compute)) if noise else 0.0
    loss = law.predict(params=params, tokens=tokens) * np.exp(error)
    return pd.DataFrame({PARAMS: params, TOKENS: tokens, COMPUTE: compute, LOSS: loss})


def sweep_runs(
    law: Law,
    cells: Sequence[tuple[float, float]],
    *,
    rates: Sequence[float],
    batches: Sequence[float],
    noise: float,
    seed: int,
) -> pd.DataFrame:
    """Runs of every learning rate and batch size at each of some params and tokens.

    The best ones are those of Li et al. 2025, arXiv:2503.04715: ``1.79 N**-0.713 D**0.307`` and
    ``0.58 D**0.571`` tokens. At them a run has the loss of the law, elsewhere a quadratic of the
    logs more.

    Parameters
    ----------
    law : Law
        Of params and tokens.
    cells : sequence of (params, tokens)
    rates, batches : sequence of float
        Learning rates, and batch sizes in tokens.
    noise : float
        Standard deviation of the log of the loss.
    seed : int

    Returns
    -------
    DataFrame
        Columns params, tokens, learning_rate, batch_size, loss.

    Examples
    --------
    >>> from scaling.laws import published
    >>> law = published("besiroglu-2024").law
    >>> sweep_runs(law, [(1e9, 2e10)], rates=[1e-3, 2e-3], batches=[5e5], noise=0, seed=0).shape
    (2, 5)
    """
    params, tokens = (np.array(values, dtype=float) for values in zip(*cells, strict=True))
    cell, rate, batch = (axis.ravel() for axis in np.meshgrid(
        np.arange(len(params)), rates, batches, indexing="ij"))  # fmt: skip
    params, tokens = params[cell], tokens[cell]
    away = np.log(rate / (1.79 * params**-0.713 * tokens**0.307))
    apart = np.log(batch / (0.58 * tokens**0.571))
    excess = _RATE * away**2 + _BATCH * apart**2 + _BOTH * away * apart
    error = np.random.default_rng(seed).normal(0.0, 1.0, len(cell)) * noise
    loss = law.predict(params=params, tokens=tokens) * np.exp(excess + error)
    return pd.DataFrame({PARAMS: params, TOKENS: tokens, "learning_rate": rate,
                         "batch_size": batch, LOSS: loss})  # fmt: skip

"""Runs drawn from a law, for demonstrations and for tests of what a fit finds again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from scaling.columns import COMPUTE, LOSS, PARAMS, TOKENS
from scaling.cost import SIX_ND
from scaling.errors import ScalingError
from scaling.law import Law

__all__ = ["isoflop_runs"]


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

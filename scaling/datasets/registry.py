"""The tables by name."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from scaling.datasets.simulated import isoflop_runs
from scaling.errors import one_of
from scaling.laws.presets import published
from scaling.runs.reading import read_runs

__all__ = ["load", "names"]

_DEMO_BUDGETS = (6e18, 1e19, 3e19, 6e19, 1e20, 3e20, 6e20, 1e21, 3e21)  # Hoffmann et al. 2022
_DEMO_LAW, _DEMO_NOISE = "besiroglu-2024", 0.003


def _demo() -> pd.DataFrame:
    law = published(_DEMO_LAW).law
    runs = isoflop_runs(law, _DEMO_BUDGETS, sizes=7, spread=3.0, noise=_DEMO_NOISE, seed=0)
    runs["origin"] = f"drawn from {_DEMO_LAW} with {_DEMO_NOISE:.1%} noise; not measured"
    return read_runs(runs)


_TABLES: dict[str, Callable[[], pd.DataFrame]] = {"demo": _demo}


def names() -> tuple[str, ...]:
    """Names that :func:`load` takes.

    Examples
    --------
    >>> names()
    ('demo',)
    """
    return tuple(_TABLES)


def load(name: str) -> pd.DataFrame:
    """Table of runs by name.

    ``demo`` holds no measured runs: 63 runs on 9 compute budgets, drawn from the law of
    Besiroglu et al. 2024 with 0.3% of noise on the loss.

    Parameters
    ----------
    name : str
        One of :func:`names`.

    Returns
    -------
    DataFrame

    Raises
    ------
    ScalingError
        If there is no such table.

    Examples
    --------
    >>> load("demo").shape[0]
    63
    """
    return _TABLES[one_of("name", name, names())]()

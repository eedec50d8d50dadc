"""The tables by name."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from scaling.datasets.shipped import measured_curves, measured_runs, written_forecasts
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


_TABLES: dict[str, Callable[[], pd.DataFrame]] = {
    "demo": _demo,
    "sweep": measured_runs,
    "sweep_curves": measured_curves,
    "sweep_forecast": written_forecasts,
}


def names() -> tuple[str, ...]:
    """Names that :func:`load` takes.

    Examples
    --------
    >>> names()
    ('demo', 'sweep', 'sweep_curves', 'sweep_forecast')
    """
    return tuple(_TABLES)


def load(name: str, *, rows: str = "all") -> pd.DataFrame:
    """Table of runs by name.

    ``sweep`` holds small language models, trained for this library on the sources of Linux;
    ``sweep_curves`` has their loss along the training, on a part of the validation text. The arms
    of the sweep answer different questions and are not to be fitted together: ``rows="isoflop"``
    gives those of one recipe. ``sweep_forecast`` is what was forecast of the run of the arm
    ``big`` before it was trained.

    ``demo`` holds no measured runs: 63 runs on 9 compute budgets, drawn from the law of
    Besiroglu et al. 2024 with 0.3% of noise on the loss.

    Parameters
    ----------
    name : str
        One of :func:`names`.
    rows : str
        Part of the table. For the sweep and its curves an arm: ``"isoflop"``, ``"seeds"``,
        ``"learning-rate"``, ``"rate-and-batch"``, ``"schedules"``, ``"repetition"``,
        ``"vocabulary"``, or ``"big"``, the one run that was forecast before it was trained.

    Returns
    -------
    DataFrame

    Raises
    ------
    ScalingError
        If there is no such table, or it has no such rows.

    Examples
    --------
    >>> runs = load("sweep", rows="isoflop")
    >>> runs.shape[0], int(runs["params"].max())
    (39, 820352)
    """
    table = _TABLES[one_of("name", name, names())]()
    arms = ("all", *table["arm"].unique()) if "arm" in table else ("all",)
    if one_of("rows", rows, arms) == "all":
        return table
    return table[table["arm"] == rows].reset_index(drop=True)

"""The best of a sweep: the lowest loss of each cell, and where it lies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling.answer import Answer, level_issues
from scaling.errors import Issue, ScalingError, name_rows, whole
from scaling.forecast.optima import Optima, optima_of
from scaling.forecast.swept import Swept, read_sweep
from scaling.runs.tuning import as_tuned
from scaling.source import check_level
from scaling.text import listed, percent

__all__ = ["Sweep", "best_of_sweep"]

Array: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]

_LOST = 0.05  # share of draws without one, from which that is told
_LEAST_VALUES = 3  # of each hyperparameter, through which a quadratic passes
_TOLD = 0.0025  # excess loss of which it is told how far from the optimum it begins
_GRID = 41


@dataclass(frozen=True)
class Sweep(Answer):
    """Best of each cell of a sweep; made by :func:`scaling.best_of_sweep`.

    Attributes
    ----------
    by, over : tuple of str
        What makes a cell, and what was swept in it.
    target : str
    excess : DataFrame
        One row a run, in the order given: cell (the row of the table), by, over, loss, and
        ``excess``, the loss over that of the cell's optimum, minus 1; ``near`` says which runs
        the quadratic was fitted to.
    curves : DataFrame
        The quadratics on a grid: cell, ``swept`` (the hyperparameter), its value, and the loss
        with the other ones at their best there.
    noise : float
        Standard deviation of log loss about the quadratics, over all cells; NaN where unknown.
    near : float
        Excess loss up to which runs count as near an optimum.
    reach : tuple of float
        For each of ``over``, by which factor it may miss its optimum in the median cell until the
        loss is 0.25% higher; NaN where unknown.
    """

    by: tuple[str, ...] = ()
    over: tuple[str, ...] = ()
    target: str = "loss"
    excess: pd.DataFrame = field(default_factory=pd.DataFrame)
    curves: pd.DataFrame = field(default_factory=pd.DataFrame)
    noise: float = np.nan
    near: float = np.nan
    reach: tuple[float, ...] = ()

    @property
    def printed(self) -> pd.DataFrame:
        """The table without the columns that are only carried along."""
        ends = ("", "_low", "_high")
        found = [f"{name}{end}" for name in (self.target, *self.over) for end in ends]
        last = ["edge", "method", "runs", "near", "run"]
        return self.table[[*self.by, *found, *last]].assign(run=self.table["run"].map(str))

    @property
    def notes(self) -> tuple[str, ...]:
        """What the runs lost, what a wrong value costs, and what the intervals are."""
        lost = self.excess["excess"]
        scatter = f"; a run scatters by {100 * self.noise:.2g}%" if np.isfinite(self.noise) else ""
        said = [f"Half of the runs lost {100 * lost.median():.2g}% or more against the optimum of "
                f"their cell{scatter}."]  # fmt: skip
        known = [f"{name} by {factor:.2g}x" for name, factor in
                 zip(self.over, self.reach, strict=True) if np.isfinite(factor)]  # fmt: skip
        if known:
            said.append(f"{100 * _TOLD:g}% more loss is what it costs to miss {' or '.join(known)} "
                        "in the median cell, with the others at their best.")  # fmt: skip
        return (" ".join(said), self.intervals)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, with what was swept, the noise, and what a wrong value costs."""
        more = {"by": list(self.by), "over": list(self.over), "target": self.target,
                "noise": self.noise, "near": self.near, "reach": list(self.reach)}  # fmt: skip
        return {**super().to_dict(), **more}


def best_of_sweep(
    runs: Any,
    *,
    by: Sequence[str] | str = ("params", "tokens"),
    over: Sequence[str] | str = ("learning_rate", "batch_size"),
    target: str = "loss",
    near: float | None = None,
    n: int = 1000,
    level: float = 0.9,
    seed: int = 0,
) -> Sweep:
    """Lowest loss of each cell of a sweep and where it lies, by a quadratic near the best runs.

    The quadratic is of log loss in the logs of what was swept. It passes through the runs at
    which it lies no more than ``near`` above its lowest point, and through at least two for each
    of its coefficients; a run that itself lost more than twice that is none of them. The lowest
    of many noisy runs is too low, the lowest point of a quadratic through them is not. Where it
    has no lowest point among the values swept, the best run stands in its place, and an issue
    says so.

    Parameters
    ----------
    runs : table
        One row a run. Runs without a finite loss are left out.
    by : sequence of str
        What makes a cell: columns that are the same in its runs, within 1%.
    over : sequence of str
        What was swept: columns above 0. One that a cell does not vary is left out there.
    target : str
        The column of losses, above 0.
    near : float, optional
        Relative excess loss. 0.005 by default, or five times the noise of a run where that is
        more.
    n : int
        Draws for the intervals, from the errors of the quadratic; 0 for none.
    level : float
    seed : int

    Returns
    -------
    Sweep
        Its table has one row a cell and goes straight into :func:`scaling.fit`: by, all columns
        that the runs of a cell share, the loss (with its ends, and ``_error``, its relative
        standard error), over (each with its ends), ``edge``, ``method``, ``runs`` and ``near``
        (how many there are), ``run`` (the best one).

    Raises
    ------
    ColumnError
        If a column is missing, or holds what cannot be used.
    ScalingError
        If an option does not apply.

    Examples
    --------
    >>> import numpy as np, scaling
    >>> rate = np.geomspace(1e-4, 1e-2, 9)
    >>> loss = 2.5 * np.exp(0.01 * np.log(rate / 1e-3) ** 2)
    >>> runs = {"params": [1e8] * 9, "tokens": [2e9] * 9, "learning_rate": rate, "loss": loss}
    >>> best = scaling.best_of_sweep(runs, over="learning_rate").table
    >>> float(best["learning_rate"].iloc[0].round(6)), float(best["loss"].iloc[0].round(6))
    (0.001, 2.5)
    """
    check_level(level)
    n, seed = whole("n", n), whole("seed", seed)
    if near is not None and not (isinstance(near, int | float | np.floating) and 0 < near < 1):
        raise ScalingError(f"near must be a relative excess loss between 0 and 1, such as 0.005; "
                           f"got {near!r}.")  # fmt: skip
    swept = read_sweep(runs, by, over, target)
    found = optima_of(swept, near, n, level, np.random.default_rng(seed))
    return _answer(swept, found, n, level)


def _answer(swept: Swept, found: Optima, n: int, level: float) -> Sweep:
    """The tables, the sentences and the issues."""
    kept, best = found.kept, swept.starts
    edges = _in_words(swept, found)
    value = np.where(kept, found.value, swept.y[best])
    table = swept.cells.assign(**_ended(
        swept.target, value, found.value_low, found.value_high, kept))  # fmt: skip
    known = np.isfinite(found.error) & kept
    table[f"{swept.target}_error"] = np.where(known, found.error, found.noise)
    for j, name in enumerate(swept.over):
        varied = kept & np.isfinite(found.place[:, j])
        place = np.where(varied, found.place[:, j], swept.x[best, j])
        table = table.assign(**_ended(
            name, place, found.place_low[:, j], found.place_high[:, j], varied))  # fmt: skip
    counts = np.add.reduceat(found.near, best, dtype=int)
    table = table.assign(
        edge=[", ".join(words) for words in edges],
        method=np.where(kept, "quadratic", "best run"), runs=swept.counts,
        near=np.where(kept, counts, 0), run=swept.best,
    )  # fmt: skip
    inside = (found.edge == 0).all(axis=0)
    tuned = [name for name, kept_in in zip(swept.over, inside, strict=True) if kept_in]
    table.attrs = as_tuned(swept.frame, tuned)
    drawn = bool(n and np.isfinite(found.noise))
    few = level_issues(n, level, "Use n={}") if drawn else ()
    title = (f"Best of a sweep over {listed(swept.over)}: {len(best)} "
             f"cell{'s' if len(best) > 1 else ''}, {len(swept.y)} runs")  # fmt: skip
    return Sweep(
        table, title, level, f"quadratic n={n}" if drawn else "none",
        (*swept.issues, *_issues(swept, found, edges), *few), by=swept.by, over=swept.over,
        target=swept.target, excess=_excess(swept, found, value), curves=_curves(swept, found),
        noise=found.noise, near=found.within, reach=_reach(found),
    )  # fmt: skip


def _ended(name: str, value: Array, low: Array, high: Array, known: Mask) -> dict[str, Array]:
    """A column and its ends, from logs."""
    with np.errstate(over="ignore"):
        ends = {end: np.where(known, np.exp(log), np.nan)
                for end, log in (("_low", low), ("_high", high))}  # fmt: skip
    return {name: np.exp(value), **{f"{name}{end}": values for end, values in ends.items()}}


def _in_words(swept: Swept, found: Optima) -> list[list[str]]:
    """By cell, at which ends of what was swept its optimum lies."""
    ends = {-1: "low", 1: "high"}
    return [[f"{name} {ends[end]}" for name, end in zip(swept.over, row, strict=True) if end]
            for row in found.edge.tolist()]  # fmt: skip


def _excess(swept: Swept, found: Optima, value: Array) -> pd.DataFrame:
    """One row a run, in the order given."""
    cell = np.repeat(np.arange(len(swept.starts)), swept.counts)
    table = swept.frame[[*swept.by, *swept.over, swept.target]].assign(
        excess=np.expm1(swept.y - value[cell]), near=found.near & found.kept[cell]
    )
    table.insert(0, "cell", cell)
    return table.iloc[np.argsort(swept.place)]


def _curves(swept: Swept, found: Optima) -> pd.DataFrame:
    """The quadratics along each hyperparameter, over the runs near the optimum."""
    tables = []
    low, high = (
        part(np.where(found.near[:, None], swept.x, fill), swept.starts)
        for part, fill in ((np.minimum.reduceat, np.inf), (np.maximum.reduceat, -np.inf))
    )
    for j, name in enumerate(swept.over):
        cells = np.flatnonzero(found.kept & np.isfinite(found.width[:, j]))
        x = np.linspace(low[cells, j], high[cells, j], _GRID, axis=1)
        rise = ((x - found.place[cells, j, None]) / found.width[cells, j, None]) ** 2 / 2
        tables.append(pd.DataFrame({
            "cell": np.repeat(cells, _GRID), "swept": name, "value": np.exp(x.ravel()),
            swept.target: np.exp((found.value[cells, None] + rise).ravel()),
        }))  # fmt: skip
    return pd.concat(tables, ignore_index=True)


def _reach(found: Optima) -> tuple[float, ...]:
    """Factor by which each hyperparameter may miss its optimum at the cost told, median cell."""
    wide = np.where(found.kept[:, None], found.width, np.nan) * np.sqrt(2 * _TOLD)
    known = np.isfinite(wide).any(axis=0)
    middle = np.full(wide.shape[1], np.nan)
    middle[known] = np.nanmedian(wide[:, known], axis=0)
    return tuple(np.exp(middle).tolist())


def _issues(swept: Swept, found: Optima, edges: list[list[str]]) -> Iterator[Issue]:
    cells = len(edges)
    at_edge = np.array([bool(words) for words in edges])
    if at_edge.any():
        ends = sorted({word for words in edges for word in words})
        yield Issue(
            "sweep-edge", "weakens",
            f"In {int(at_edge.sum())} of {cells} cells the optimum lies at or beyond the end of "
            f"what was swept ({listed(ends)}), and the best run stands in its place "
            f"({name_rows(swept.rows(at_edge))}).",
            "Sweep further there, or leave these cells out: "
            "table[table['edge'] == ''].", swept.rows(at_edge))  # fmt: skip
    few = ~found.solid & ~at_edge
    if few.any():
        yield Issue(
            "small-cells", "weakens",
            f"{int(few.sum())} of {cells} cells hold too few different values near their best run "
            f"for a quadratic, and that run stands in its place ({name_rows(swept.rows(few))}). It "
            "is too low where luck chose it.",
            f"Run {_LEAST_VALUES} values or more of each of {listed(swept.over)}.",
            swept.rows(few))  # fmt: skip
    flat = ~found.kept & ~few & ~at_edge
    if flat.any():
        yield Issue(
            "flat-sweep", "weakens",
            f"In {int(flat.sum())} of {cells} cells the runs do not say where the optimum is: "
            f"the loss hardly changes, or not like a valley. The best run stands in its place "
            f"({name_rows(swept.rows(flat))}).",
            "Sweep further apart, or repeat runs.", swept.rows(flat))  # fmt: skip
    wide = found.kept & (found.share < 1 - _LOST)
    if wide.any():
        yield Issue(
            "flat-sweep", "weakens",
            f"In {int(wide.sum())} of {cells} cells the optimum is hardly known: up to "
            f"{percent(1 - found.share[wide].min())} of draws have none among the values swept.",
            "Sweep further apart, or repeat runs.", swept.rows(wide))  # fmt: skip
    if not np.isfinite(found.noise):
        yield Issue(
            "sweep-noise-unknown", "weakens",
            "No cell holds more runs than its quadratic has coefficients, so nothing is known of "
            "the noise, and there are no intervals.",
            "Run more values in a cell.")  # fmt: skip

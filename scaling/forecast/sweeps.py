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
from scaling.forecast.bowls import Bowls, Lowest, fitted
from scaling.forecast.swept import Swept, read_sweep
from scaling.runs.tuning import as_tuned
from scaling.source import check_level, summarise
from scaling.text import listed, percent

__all__ = ["Sweep", "best_of_sweep"]

Array: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]

_NEAR = 5e-3  # of the loss, above the lowest point, up to which a quadratic follows most sweeps
_TIMES_NOISE = 5.0  # noise of a run up to which at least runs are near: less, and luck chooses them
_KEPT = 0.5  # share of draws with an optimum inside, below which a cell has none
_LOST = 0.05  # share of draws without one, from which that is told
_LEAST_VALUES = 3  # of each hyperparameter, through which a quadratic passes
_TOLD = 0.0025  # excess loss of which it is told how far from the optimum it begins
_GRID = 41
_BLOCK = 2_000_000  # numbers drawn at once


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
        return self.table[[*self.by, *found, "edge", "method", "runs", "near", "run"]]

    @property
    def notes(self) -> tuple[str, ...]:
        """What the runs lost, what a wrong value costs, and what the intervals are."""
        lost = self.excess["excess"]
        said = [f"Half of the runs lost {100 * lost.median():.2g}% or more against the optimum of "
                f"their cell; a run scatters by {100 * self.noise:.2g}%."]  # fmt: skip
        known = [f"{name} by {factor:.2g}x" for name, factor in
                 zip(self.over, self.reach, strict=True) if np.isfinite(factor)]  # fmt: skip
        if known:
            said.append(f"{100 * _TOLD:g}% more loss is what it costs to miss {' or '.join(known)} "
                        "in the median cell, with the others at their best.")  # fmt: skip
        return (" ".join(said), self.intervals)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, with what was swept and the noise."""
        more = {"by": list(self.by), "over": list(self.over), "target": self.target,
                "noise": self.noise, "near": self.near}  # fmt: skip
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
    found = _found(swept, near, n, level, np.random.default_rng(seed))
    return _answer(swept, found, n, level)


@dataclass(frozen=True)
class _Found:
    """Optima of all cells, NaN where there is none; logs, but for the share."""

    place: Array
    place_low: Array
    place_high: Array
    value: Array
    value_low: Array
    value_high: Array
    error: Array
    width: Array
    share: Array  # of the draws that have an optimum inside what was swept
    solid: Mask
    near: Mask
    noise: float
    within: float

    @property
    def kept(self) -> Mask:
        return np.isfinite(self.value) & (self.share >= _KEPT)


def _found(
    swept: Swept, near: float | None, n: int, level: float, stream: np.random.Generator
) -> _Found:
    parts = _parts(swept)
    within = _NEAR if near is None else near
    bowls = [_fitted(swept, cells, dims, within) for cells, dims in parts]
    noise, freedom = _noise(bowls)
    if near is None and _TIMES_NOISE * noise > within:
        within = _TIMES_NOISE * noise
        bowls = [_fitted(swept, cells, dims, within) for cells, dims in parts]
        noise, freedom = _noise(bowls)
    c, d = len(swept.starts), len(swept.over)
    blank = {name: np.full((c, d), np.nan) for name in ("place", "place_low", "place_high", "width")}
    blank |= {name: np.full(c, np.nan) for name in ("value", "value_low", "value_high", "error")}
    made = _Found(**blank, share=np.zeros(c), solid=np.zeros(c, dtype=bool),
                  near=np.zeros(len(swept.y), dtype=bool), noise=noise, within=within)  # fmt: skip
    for (cells, dims), bowl in zip(parts, bowls, strict=True):
        _fill(made, swept, cells, dims, bowl, freedom, n, level, stream)
    return made


def _parts(swept: Swept) -> list[tuple[Mask, Mask]]:
    """Cells by which hyperparameters they vary, those that vary none left out."""
    varied = swept.high > swept.low
    kinds = np.unique(varied, axis=0)
    return [((varied == dims).all(axis=1), dims) for dims in kinds if dims.any()]


def _fitted(swept: Swept, cells: Mask, dims: Mask, near: float) -> Bowls:
    runs = np.repeat(cells, swept.counts)
    starts = np.cumsum(np.append(0, swept.counts[cells]))[:-1]
    return fitted(swept.x[runs][:, dims], swept.y[runs], starts, near)


def _noise(bowls: Sequence[Bowls]) -> tuple[float, float]:
    """Standard deviation about all quadratics, and its degrees of freedom; NaN and 0 for none."""
    freedom = float(sum(bowl.freedom.sum() for bowl in bowls))
    left = float(sum(bowl.left.sum() for bowl in bowls))
    return (float(np.sqrt(left / freedom)), freedom) if freedom > 0 else (np.nan, 0.0)


def _fill(
    made: _Found, swept: Swept, cells: Mask, dims: Mask, bowls: Bowls, freedom: float, n: int,
    level: float, stream: np.random.Generator,
) -> None:  # fmt: skip
    """Write the optima of some cells into the arrays of all."""
    own = bowls.lowest()
    low, high = swept.low[cells][:, dims], swept.high[cells][:, dims]
    rows, both = np.flatnonzero(cells), np.ix_(cells, dims)
    inside = np.isfinite(own.value) & _inside(own.place, low, high)
    made.place[both], made.value[rows] = own.place, np.where(inside, own.value, np.nan)
    made.width[both], made.solid[rows] = own.width, bowls.solid
    made.near[np.repeat(cells, swept.counts)] = bowls.near
    made.share[rows] = inside
    if not (n and freedom):
        return
    made.error[rows] = made.noise * bowls.error_at(own.place)
    size = max(1, _BLOCK // (n * bowls.coefs.shape[1]))
    for first in range(0, len(rows), size):  # blocks of cells, for the memory
        block = slice(first, first + size)
        drawn = bowls.part(block).drawn(made.noise, freedom, n, stream)
        some = rows[block]
        made.share[some] *= _inside(drawn.place, low[block], high[block]).mean(axis=0)
        _, made.value_low[some], made.value_high[some] = summarise(
            own.value[block], drawn.value, level
        )
        place = _open(drawn, low[block], high[block])
        at = np.ix_(some, dims)
        _, made.place_low[at], made.place_high[at] = summarise(own.place[block], place, level)


def _inside(place: Array, low: Array, high: Array) -> Mask:
    """Whether a place lies between the ends of what was swept; not where it is NaN."""
    return np.asarray(((place > low) & (place < high)).all(axis=-1))


def _open(drawn: Lowest, low: Array, high: Array) -> Array:
    """Places of the draws; beyond what was swept nothing is known of how far."""
    place = np.where(drawn.place > high, np.inf, drawn.place)
    return np.where(place < low, -np.inf, place)


def _answer(swept: Swept, found: _Found, n: int, level: float) -> Sweep:
    """The tables, the sentences and the issues."""
    kept, best = found.kept, swept.starts
    edges = _edges(swept, found)
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
    at_edge = {name for words in edges for name in swept.over if any(name in w for w in words)}
    table.attrs = as_tuned(swept.frame, [name for name in swept.over if name not in at_edge])
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


def _edges(swept: Swept, found: _Found) -> list[list[str]]:
    """In words, by cell, at which ends of what was swept its optimum lies."""
    best = swept.x[swept.starts]
    known = np.isfinite(found.place)
    place = np.where(known, found.place, best)
    varied = (swept.high > swept.low) & ~found.kept[:, None]
    words: list[list[str]] = [[] for _ in best]
    for end, at in (("low", (place <= swept.low) | (~known & (best <= swept.low))),
                    ("high", (place >= swept.high) | (~known & (best >= swept.high)))):  # fmt: skip
        for cell, j in zip(*np.nonzero(at & varied), strict=True):
            words[cell].append(f"{swept.over[j]} {end}")
    return words


def _excess(swept: Swept, found: _Found, value: Array) -> pd.DataFrame:
    """One row a run, in the order given."""
    cell = np.repeat(np.arange(len(swept.starts)), swept.counts)
    table = swept.frame[[*swept.by, *swept.over, swept.target]].assign(
        excess=np.expm1(swept.y - value[cell]), near=found.near & found.kept[cell]
    )
    table.insert(0, "cell", cell)
    return table.iloc[np.argsort(swept.place)]


def _curves(swept: Swept, found: _Found) -> pd.DataFrame:
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


def _reach(found: _Found) -> tuple[float, ...]:
    """Factor by which each hyperparameter may miss its optimum at the cost told, median cell."""
    wide = np.where(found.kept[:, None], found.width, np.nan) * np.sqrt(2 * _TOLD)
    known = np.isfinite(wide).any(axis=0)
    middle = np.full(wide.shape[1], np.nan)
    middle[known] = np.nanmedian(wide[:, known], axis=0)
    return tuple(np.exp(middle).tolist())


def _issues(swept: Swept, found: _Found, edges: list[list[str]]) -> Iterator[Issue]:
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
            f"{int(few.sum())} of {cells} cells hold too few different values for a quadratic, and "
            f"the best run stands in its place ({name_rows(swept.rows(few))}). It is too low where "
            "luck chose it.",
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


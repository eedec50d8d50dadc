"""Runs of a sweep in cells: what was swept, what makes a cell, and what all its runs share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling.columns import COLUMNS
from scaling.errors import ColumnError, Issue, ScalingError, name_rows
from scaling.runs.door import as_frame, loose_numbers, numbers
from scaling.runs.suspicion import levels, refuse_mixed_losses
from scaling.text import human, listed, quoted

__all__ = ["Swept", "read_sweep"]

Array: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.intp]

_ROUNDING = 1e-2  # relative difference within which sizes, tokens and compute are the same
_OWN = ("edge", "method", "runs", "near", "run", "cell", "excess")
_ENDS = ("_low", "_high", "_error")
_IMPLIED = ("steps",)  # follows from tokens and batch size


@dataclass(frozen=True)
class Swept:
    """Runs with a finite loss, cell by cell, in each the lowest loss first.

    Attributes
    ----------
    frame : DataFrame
    cells : DataFrame
        One row a cell: what makes it, then every other column that all its runs share.
    by, over : tuple of str
    target : str
    x : ndarray, shape (n, d)
        Logs of what was swept.
    y : ndarray, shape (n,)
        Log loss.
    starts : ndarray of int, shape (c,)
    place : ndarray of int, shape (n,)
        Where each run stands in the table given, of the runs with a finite loss.
    issues : tuple of Issue
    """

    frame: pd.DataFrame
    cells: pd.DataFrame
    by: tuple[str, ...]
    over: tuple[str, ...]
    target: str
    x: Array
    y: Array
    starts: Ints
    place: Ints
    issues: tuple[Issue, ...]

    @property
    def counts(self) -> Ints:
        """Runs of each cell."""
        return np.diff(self.starts, append=len(self.y))

    @property
    def low(self) -> Array:
        """Log of the smallest value swept, shape (c, d)."""
        return np.asarray(np.minimum.reduceat(self.x, self.starts))

    @property
    def high(self) -> Array:
        """Log of the largest value swept, shape (c, d)."""
        return np.asarray(np.maximum.reduceat(self.x, self.starts))

    @property
    def best(self) -> list[Any]:
        """Name of the best run of each cell: its ``run``, or the label of its row."""
        named = self.frame["run"] if "run" in self.frame.columns else self.frame.index
        return [name if isinstance(name, int) else str(name)
                for name in np.asarray(named)[self.starts].tolist()]  # fmt: skip

    def rows(self, which: NDArray[np.bool_]) -> tuple[Any, ...]:
        """Labels of the best runs of some cells."""
        return tuple(self.frame.index[self.starts[which]])


def read_sweep(runs: Any, by: Sequence[str] | str, over: Sequence[str] | str, target: str) -> Swept:
    """A sweep in its cells, checked.

    Raises
    ------
    ColumnError
        If a column is missing or unusable, or losses are not of one kind.
    """
    cells_by, swept = _names("by", by), _names("over", over)
    frame = as_frame(runs)
    _check(frame, cells_by, swept, target)
    frame, diverged = _finished(frame, target)
    frame, copies = _without_copies(frame, [*cells_by, *swept, target])
    loss = numbers(frame, target)
    _refuse_below_zero(frame, target, loss, "has losses")
    values = [numbers(frame, name) for name in swept]
    for name, array in zip(swept, values, strict=True):
        _refuse_below_zero(frame, name, array, "was swept over values")
    frame = frame.assign(**{target: loss, **dict(zip(swept, values, strict=True))})  # not texts
    if not {"tokenizer", "validation_set"} & set(cells_by):
        refuse_mixed_losses(frame, target)
    cell = _cells(frame, cells_by)
    y = np.log(loss)
    order = np.lexsort((y, cell))
    cell = cell[order]
    starts = np.flatnonzero(np.diff(cell, prepend=-1))
    ordered = frame.iloc[order]
    table, mixed = _shared(ordered, cell, starts, cells_by, [*swept, target])
    return Swept(
        ordered, table, cells_by, swept, target, np.log(np.column_stack(values))[order], y[order],
        starts, order, (*diverged, *copies, *mixed),
    )  # fmt: skip


def _names(option: str, given: Any) -> tuple[str, ...]:
    names = (given,) if isinstance(given, str) else given
    if not isinstance(names, Sequence) or not all(isinstance(name, str) for name in names):
        raise ScalingError(f"{option}= must name columns, such as ('params', 'tokens'); "
                           f"got {quoted(given)}.")  # fmt: skip
    if not names:
        raise ScalingError(f"{option}= must name one column or more; got none.")
    return tuple(names)


def _check(frame: pd.DataFrame, by: Sequence[str], over: Sequence[str], target: Any) -> None:
    """Refuse columns that are missing, that are used twice, or whose names the answer needs."""
    if not isinstance(target, str):
        raise ScalingError(f"target= must name the column of losses; got {quoted(target)}.")
    wanted = [*by, *over, target]
    missing = [name for name in wanted if name not in frame.columns]
    if missing:
        lacks = f"{listed(missing)} {'is' if len(missing) == 1 else 'are'} missing"
        raise ColumnError(
            f"best_of_sweep needs columns {listed(wanted)}; the table has "
            f"{listed(frame.columns) or 'no columns'}, so {lacks}. Say what was swept with over=, "
            "what makes a cell with by=, which column holds the loss with target=, or let "
            "read_runs recognise columns first."
        )
    if len(set(wanted)) < len(wanted):
        raise ColumnError("best_of_sweep needs different columns in by=, over= and target=; got "
                          f"{listed(wanted)}.")  # fmt: skip
    taken = [name for name in wanted if name in _OWN or name.endswith(_ENDS)]
    if taken:
        raise ColumnError(f"best_of_sweep has columns such as {quoted(taken[0])} of its own; "
                          "rename yours.")  # fmt: skip
    if not len(frame):
        raise ColumnError("The table is empty: it has columns but no rows.")


def _finished(frame: pd.DataFrame, target: str) -> tuple[pd.DataFrame, tuple[Issue, ...]]:
    """Runs with a finite loss, and an issue of the others."""
    finite = np.isfinite(loose_numbers(frame[target]))
    if finite.all() or not finite.any():  # numbers() says what is wrong where none is finite
        return frame, ()
    rows = tuple(frame.index[~finite])
    several = len(rows) > 1
    return frame[finite], (Issue(
        "diverged-runs", "note",
        f"{len(rows)} of {len(frame)} runs {'have' if several else 'has'} no finite {target} "
        f"({name_rows(rows)}), and {'are' if several else 'is'} left out.",
        "Check that these diverged, and were not merely read wrong.", rows,
    ),)  # fmt: skip


def _without_copies(
    frame: pd.DataFrame, names: Sequence[str]
) -> tuple[pd.DataFrame, tuple[Issue, ...]]:
    """Runs that are the same in all these columns once, and an issue of the others."""
    same = frame[list(names)].assign(**{
        name: levels(frame[name]) for name in names
        if not pd.api.types.is_numeric_dtype(frame[name])  # lists cannot be compared as they are
    })  # fmt: skip
    if "seed" in frame.columns:  # runs of two seeds may reach one loss
        same = same.assign(seed=levels(frame["seed"]))
    copied = same.duplicated().to_numpy()
    if not copied.any():
        return frame, ()
    rows = tuple(frame.index[copied])
    several = len(rows) > 1
    return frame[~copied], (Issue(
        "copied-runs", "note",
        f"{len(rows)} run{'s are' if several else ' is'} an exact copy of another "
        f"({name_rows(rows)}), and {'are' if several else 'is'} left out.",
        "Give repeats of a run a column seed, and they count.", rows,
    ),)  # fmt: skip


def _refuse_below_zero(frame: pd.DataFrame, name: str, values: Array, what: str) -> None:
    low = values <= 0
    if low.any():
        rows = list(frame.index[low])
        raise ColumnError(
            f"{quoted(name)} {what} that must be above 0, because its log is taken; "
            f"{name_rows(rows)} {'holds' if len(rows) == 1 else 'hold'} "
            f"{human(float(values[low][0]))}. Drop such rows."
        )


def _cells(frame: pd.DataFrame, by: Sequence[str]) -> Ints:
    """Number of the cell of each run, in the order of what makes the cells."""
    codes = pd.DataFrame({name: _levels(frame, name) for name in by}, index=frame.index)
    return np.asarray(codes.groupby(list(by), sort=True).ngroup(), dtype=np.intp)


def _levels(frame: pd.DataFrame, name: str) -> Ints:
    """Number of each run's level of a column: numbers within rounding, or texts."""
    known = COLUMNS.get(name)
    if known is not None and known.numeric:
        return _rounded(numbers(frame, name))
    values = loose_numbers(frame[name])
    if np.isfinite(values).all():
        return _rounded(values)
    texts = levels(frame[name])
    empty = texts.isna().to_numpy()
    if empty.any():
        raise ColumnError(f"by= names {quoted(name)}, which is missing in "
                          f"{name_rows(list(frame.index[empty]))}; fill or drop.")  # fmt: skip
    return np.asarray(pd.factorize(texts, sort=True)[0])


def _rounded(values: Array) -> Ints:
    """Levels of numbers: those within rounding of each other are one, if their neighbours are."""
    distinct, level = np.unique(values, return_inverse=True)
    scale = np.abs(distinct)
    apart = np.diff(distinct, prepend=-np.inf) > _ROUNDING * scale
    chain = np.cumsum(apart) - 1
    first = np.flatnonzero(apart)
    last = np.append(first[1:], len(distinct)) - 1
    wide = distinct[last] - distinct[first] > _ROUNDING * np.maximum(scale[first], scale[last])
    alone = apart | wide[chain]  # a chain of close values longer than rounding is no one value
    return (np.cumsum(alone) - 1)[level]


def _shared(
    frame: pd.DataFrame, cell: Ints, starts: Ints, by: Sequence[str], used: Sequence[str]
) -> tuple[pd.DataFrame, tuple[Issue, ...]]:
    """What all runs of each cell share, and issues of settings that they do not."""
    columns: dict[str, Any] = {}
    mixed = []
    for name in [*by, *(name for name in frame.columns if name not in (*by, *used))]:
        value, differs = _common(frame[name], cell, starts)
        if name in by or not differs.any():
            columns[name] = value
        else:
            mixed += list(_mixed(name, differs))
    kept = {name: value for name, value in columns.items() if name not in _OWN}
    return pd.DataFrame(kept), tuple(mixed)


def _common(values: pd.Series, cell: Ints, starts: Ints) -> tuple[Any, NDArray[np.bool_]]:
    """A column's value in each cell, and whether it differs within it."""
    array = loose_numbers(values)
    if np.isfinite(array).all():
        low, high = np.minimum.reduceat(array, starts), np.maximum.reduceat(array, starts)
        differs = high - low > _ROUNDING * np.maximum(np.abs(low), np.abs(high))
        return pd.Series(array).groupby(cell).median().to_numpy(), differs
    texts = levels(values)
    codes = pd.factorize(texts)[0]
    differs = np.minimum.reduceat(codes, starts) != np.maximum.reduceat(codes, starts)
    return texts.to_numpy()[starts], differs


def _mixed(name: str, differs: NDArray[np.bool_]) -> Iterator[Issue]:
    known = COLUMNS.get(name)
    if known is None or known.kind != "setting" or name in _IMPLIED:
        return
    yield Issue(
        "mixed-cells", "weakens",
        f"{name} differs between the runs of {int(differs.sum())} of {len(differs)} cells, and "
        "what it does to the loss is read as noise, or as the effect of what was swept.",
        f"Name {name} in by=, or in over= if it was swept.")  # fmt: skip

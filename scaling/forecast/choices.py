"""Other choices that a reasonable person could have made in a fit."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling.columns import COMPUTE, PARAMS, TOKENS
from scaling.counting import NON_EMBEDDING, recounted, total_params
from scaling.errors import ScalingError
from scaling.fitting import Fit, Huber, LeastAbsolute, LeastSquares
from scaling.fitting.again import refit
from scaling.fitting.health import far_places
from scaling.fitting.objective import Objective, Space
from scaling.fitting.preparing import checked, used_columns
from scaling.fitting.wording import objective_text
from scaling.forecast.nearness import NEAR, enough, near_frontier
from scaling.law import Law
from scaling.laws import FAMILIES
from scaling.robust import usual_spread
from scaling.runs.budgets import budgets_of
from scaling.runs.door import loose_numbers
from scaling.text import human

__all__ = ["Choice", "choices_of", "table_with_left_out", "without_run"]

Array: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.intp]

_DELTAS = (1e-4, 1e-3, 1e-2, 1e-1)
_EFFICIENT = 1.345  # usual spreads at which Huber loses 5% on normal noise (Huber 1981, table 4.2)
_FARTHEST = (0.02, 0.05)  # shares of the runs
_FIFTH = 0.2
_SAME_COUNTING = 0.05  # log params by which embeddings may stray from a multiple of the cube root
_EQUAL = {"beta": "alpha"}


@dataclass(frozen=True)
class Choice:
    """One choice made otherwise.

    Attributes
    ----------
    group, words : str
        What kind of choice, and which.
    changes : mapping
        Arguments of :func:`scaling.fit`.
    rows : ndarray of int, optional
        Places of the runs that are kept; all by default.
    runs : DataFrame, optional
        Other runs instead.
    law : Law, optional
        What it leads to, where nothing needs a fit.
    seen : callable, optional
        From the fitted law to the law that questions are asked of.
    impossible : str
        Why it cannot be made; empty where it can.
    """

    group: str
    words: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    rows: Ints | None = None
    runs: pd.DataFrame | None = None
    law: Law | None = None
    seen: Callable[[Law], Law] | None = None
    impossible: str = ""

    def made(self, fit: Fit) -> Fit:
        """The fit with this choice, without resamples.

        Raises
        ------
        ScalingError
            If the choice cannot be made, or the runs do not allow it.
        """
        if self.impossible:
            raise ScalingError(self.impossible)
        given: dict[str, Any] = {"bootstrap": 0, "groups": None, "noise": None}
        if self.runs is not None:
            return refit(fit, self.runs, **{**given, **self.changes})
        frame, weights = fit.with_runs(), np.array(fit.weights)
        rows = np.arange(len(frame)) if self.rows is None else self.rows
        given["weights"] = weights[rows] if len(weights) else None
        return refit(fit, frame.iloc[rows], **{**given, **self.changes})

    @property
    def same_problem(self) -> bool:
        """Whether its law has the coefficients of the fit's own, free and tied alike."""
        changed = {"family", "columns", "fixed", "tied", "bounds"} & set(self.changes)
        return not changed and self.law is None


def choices_of(fit: Fit, all_runs: Any = None) -> Iterator[Choice]:
    """Every other choice for a fit, by group.

    Parameters
    ----------
    fit : Fit
        With its runs.
    all_runs : table, optional
        The runs with those that were left out of the fit.
    """
    yield from _objectives(fit)
    yield from _outliers(fit, all_runs)
    yield from _countings(fit)
    yield from _rows(fit)
    yield from _forms(fit)
    yield from _starts(fit)


def without_run(fit: Fit, place: int) -> Choice:
    """The choice without one run, named."""
    frame = fit.with_runs()
    name = f"run {frame['run'].iloc[place]}" if "run" in frame.columns else (
        f"the run in row {_label(frame.index, place)}")  # fmt: skip
    kept = np.delete(np.arange(len(frame)), place)
    return Choice("one run", f"without {name}", rows=kept)


def table_with_left_out(fit: Fit, all_runs: Any) -> pd.DataFrame:
    """The whole table as a DataFrame, if it holds more rows than were fitted.

    Raises
    ------
    ScalingError
        If it does not.
    """
    frame = checked(fit.family, all_runs, fit.columns)[0]
    if len(frame) <= fit.data.count:
        raise ScalingError(f"all_runs must hold the {fit.data.count} runs of the fit and those "
                           f"left out; got {len(frame)} rows.")  # fmt: skip
    return frame


def _label(index: pd.Index, place: int) -> str:
    """The label of a row, said to be one where labels do not count the rows."""
    counts = index.equals(pd.RangeIndex(len(index)))
    return f"{'' if counts else 'labelled '}{index[place]}"


def _objectives(fit: Fit) -> Iterator[Choice]:
    target, space = fit.columns[fit.law.target], fit.objective.space
    residual = fit.residuals()["residual"]
    spread, largest = usual_spread(residual), float(residual.abs().max())
    other: Space = "linear" if space == "log" else "log"
    own: list[Objective] = [
        Huber(delta=delta, space=space) for delta in _DELTAS if delta < largest
    ]  # beyond it stands least squares
    matched = Huber(delta=float(f"{_EFFICIENT * spread:.2g}"), space=space) if spread > 0 else None
    own += [LeastAbsolute(space=space), LeastSquares(space=space)]
    beside = [LeastAbsolute(space=other), LeastSquares(space=other)]
    for objective in (*own, *beside):
        if objective not in (fit.objective, matched):
            yield Choice("objective", objective_text(objective, target), {"objective": objective})
    if matched not in (fit.objective, None):
        words = f"{objective_text(matched, target)}, matched"
        yield Choice("objective", words, {"objective": matched})
    if fit.weights:
        yield Choice("objective", "equal weights", {"weights": None})


def _outliers(fit: Fit, all_runs: Any) -> Iterator[Choice]:
    residual = fit.residuals()["residual"].to_numpy()
    order = np.argsort(-np.abs(residual), kind="stable")
    n = len(order)
    far = len(far_places(residual))
    counts = {1, *(round(share * n) for share in _FARTHEST), far}
    for count in sorted(count for count in counts if 0 < count < n):
        kind = "far" if count == far else "farthest"
        which = f"{kind} run" if count == 1 else f"{count} {kind} runs"
        yield Choice("outliers", f"without the {which}", rows=np.sort(order[count:]))
    if all_runs is None:
        yield Choice("outliers", "with the runs left out before the fit",
                     impossible="if there are any, give the whole table in all_runs=")  # fmt: skip
        return
    frame = table_with_left_out(fit, all_runs)
    more = len(frame) - n
    yield Choice(
        "outliers", f"with the {more} {'run' if more == 1 else 'runs'} left out", runs=frame
    )


def _countings(fit: Fit) -> Iterator[Choice]:
    here = fit.columns.get(PARAMS)
    if here is None:
        return
    frame, words = fit.with_runs(), "params counted otherwise"
    there = {PARAMS: NON_EMBEDDING, NON_EMBEDDING: PARAMS}.get(here)
    if there is None or there not in frame.columns:
        yield Choice("counting", words, impossible="the runs hold params of one counting")
        return
    outside, total = (loose_numbers(frame[name]) for name in (NON_EMBEDDING, PARAMS))
    with np.errstate(all="ignore"):
        omega = float(np.median((total - outside) / np.cbrt(outside)))
        off = np.median(np.abs(np.log(total_params(outside, omega) / total)))
    if not (omega > 0 and off < _SAME_COUNTING):
        why = "embeddings do not grow as the cube root of the other params, so one counting "
        yield Choice("counting", words, impossible=f"{why}cannot be said in the other")
        return
    yield Choice("counting", f"{there} for {here}", {"columns": {**fit.columns, PARAMS: there}},
                 seen=partial(recounted, counting=here, omega=omega))  # fmt: skip


def _rows(fit: Fit) -> Iterator[Choice]:
    frame = fit.with_runs()
    used = used_columns(frame, fit.columns, fit.cost)
    for words, values in _orders(fit, used):
        low, high = np.quantile(values, [_FIFTH, 1 - _FIFTH])
        for end, kept in zip(words, (values > low, values < high), strict=True):
            if low < high:
                yield Choice("rows", f"without the {end} fifth", rows=np.flatnonzero(kept))
    if COMPUTE not in used:
        return
    loss = used[fit.columns[fit.law.target]]
    near = near_frontier(used[COMPUTE], loss, NEAR)
    if (loss > 0).all() and enough(near) and not near.all():
        yield Choice("rows", "only near the frontier", rows=np.flatnonzero(near))
    budget = budgets_of(used[COMPUTE])
    for number in range(budget.max() + 1):
        inside = budget == number
        if not inside.all():
            middle = human(float(np.median(used[COMPUTE][inside])))
            yield Choice("rows", f"without the budget {middle}", rows=np.flatnonzero(~inside))


def _orders(fit: Fit, used: Mapping[str, Array]) -> Iterator[tuple[tuple[str, str], Array]]:
    """What runs can be ordered by, with words for the least and the most of it."""
    traded = [role for role in (PARAMS, TOKENS) if role in fit.law.inputs]
    if len(traded) == len((PARAMS, TOKENS)):
        size, tokens = (used[fit.columns[role]] for role in traded)
        yield ("smallest", "largest"), size
        yield ("least trained", "most trained"), tokens / size
    for role in fit.law.inputs:
        if len(traded) < len((PARAMS, TOKENS)) or role not in traded:
            name = fit.columns[role]
            yield (f"lowest {name}", f"highest {name}"), used[name]


def _forms(fit: Fit) -> Iterator[Choice]:
    held = fit.constraints
    if held.fixed or held.tied:
        yield Choice("form", "no coefficient fixed or tied", {"fixed": {}, "tied": {}})
    if held.bounds:
        yield Choice("form", "no bounds", {"bounds": {}})
    free = {name for name in fit.law.coefficients if name not in {**held.fixed, **held.tied}}
    equal = _EQUAL if free.issuperset(_EQUAL.keys() | _EQUAL.values()) else {}
    if equal:
        bounds = {name: ends for name, ends in held.bounds.items() if name not in equal}
        changes = {"tied": {**held.tied, **equal}, "bounds": bounds}
        yield Choice("form", "equal exponents", changes)
    for name, family in FAMILIES.items():
        alike = set(family.inputs) == set(fit.law.inputs) and family.target == fit.law.target
        twin = equal and family.equals.get(fit.family.__name__) == equal
        if alike and family is not fit.family and not twin:  # one choice is not two
            yield Choice("form", name, {"family": family, **_carried(fit, family)})


def _carried(fit: Fit, family: type[Law]) -> dict[str, Any]:
    """The fit's constraints on coefficients that another family means the same by."""
    own, held = fit.law.coefficients, fit.constraints
    same = {name for name, item in family.coefficients.items()
            if name in own and own[name].meaning == item.meaning}  # fmt: skip
    tied = {
        name: text for name, text in held.tied.items()
        if {name, *re.findall(r"[A-Za-z_]\w*", text)} & set(own) <= same
    }  # fmt: skip
    return {
        "tied": tied,
        "fixed": {name: value for name, value in held.fixed.items() if name in same},
        "bounds": {name: ends for name, ends in held.bounds.items() if name in same},
    }


def _starts(fit: Fit) -> Iterator[Choice]:
    yield Choice("starts", "another seed", {"seed": fit.seed + 1})
    for law, value in fit.starts.near(fit.objective_value):
        higher = 100 * (value / (fit.objective_value or 1.0) - 1)
        yield Choice("starts", f"another minimum, {higher:.2g}% higher", law=law)

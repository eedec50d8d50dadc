"""What an answer would be without each run: which runs it hangs on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling.answer import Answer, level_issues
from scaling.errors import Issue
from scaling.fitting.axes import Axis, Ground, coefficient_axis, quantity_axis
from scaling.fitting.health import AHEAD
from scaling.fitting.polishing import slopes_at
from scaling.fitting.preparing import groups_of
from scaling.fitting.resampling import lowest
from scaling.fitting.sandwich import pull_of
from scaling.fitting.search import knees
from scaling.law import Law
from scaling.runs.door import numbers
from scaling.source import summarise
from scaling.text import brief, rounded

if TYPE_CHECKING:
    from scaling.fitting.result import Fit

__all__ = ["Influence", "influence_of", "target_ahead"]

Array: TypeAlias = NDArray[np.float64]

_MOST = 400  # refits
_PRINTED = 10
_DECIDES = 0.5  # of the interval's half width
_RUN = "run"
_OWN = ("rank", "row", "runs", "without", "shift", "shift_in_half_widths")  # of the table itself


@dataclass(frozen=True)
class Influence(Answer):
    """The answer without each run, the run that moves it most first.

    Attributes
    ----------
    quantity : str
        What was asked.
    value : float
        Its value with all runs.
    half_width : float
        Half the width of its interval; NaN without resamples.
    skipped : int
        Runs that were not refitted, because their influence is small to first order.
    """

    quantity: str = ""
    value: float = np.nan
    half_width: float = np.nan
    skipped: int = 0

    @property
    def printed(self) -> pd.DataFrame:
        """The rows of most influence."""
        return self.table.head(_PRINTED)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was asked, and what is not shown."""
        value = rounded(self.value, self.half_width / 2)
        wide = f", interval +-{rounded(self.half_width, self.half_width / 2)}"
        width = f"{wide} at {100 * self.level:.10g}%: {self.kind}" if self.kind != "none" else ""
        left = len(self.table) - len(self.printed)
        more = f"{left} more in .table." if left else ""
        skipped = (
            f"{self.skipped} runs of less influence, to first order, were not left out."
            if self.skipped
            else ""
        )
        said = f"With all runs {self.quantity} is {value}{width}."
        return tuple(line for line in (said, f"{more} {skipped}".strip()) if line)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, with the answer of all runs."""
        return {**super().to_dict(), "quantity": self.quantity, "value": self.value,
                "half_width": self.half_width, "skipped": self.skipped}  # fmt: skip


def influence_of(
    fit: Fit, query: str | Callable[[Law], Any] | None, name: str | None, groups: Any, level: float
) -> Influence:
    """Influence of each run, or group of runs, on an answer: see :meth:`Fit.influence`."""
    ground = Ground.of(fit)
    if query is None:
        query, ahead = target_ahead(fit)
        name = name or ahead
    axis = (coefficient_axis(ground, query) if isinstance(query, str)
            else quantity_axis(ground, query, name))  # fmt: skip
    codes, kind = groups_of(groups, fit.with_runs())
    codes = np.arange(len(ground.problem.target)) if codes is None else codes
    chosen = _most_influential(ground, axis, codes)
    found = _refitted(ground, axis, codes, chosen)
    value = float(axis.values(axis.at))
    draws = axis.values(axis.drawn) if len(axis.drawn) else None
    _, low, high = (float(end) for end in summarise(value, draws, level))
    half = (high - low) / 2
    table = pd.concat([_labels(fit, codes, chosen, groups), pd.DataFrame({
        "without": found, "shift": (found - value) / (abs(value) or 1.0),
        "shift_in_half_widths": (found - value) / (half or np.nan),
    })], axis=1)  # fmt: skip
    order = np.argsort(-np.abs(np.nan_to_num(found - value)), kind="stable")
    table = table.iloc[order].reset_index(drop=True)
    table.insert(0, "rank", np.arange(1, len(table) + 1))
    few = () if fit.draws is None else level_issues(fit.draws.count, level)
    unit = "run" if groups is None else kind.removeprefix("groups=")
    title = f"{axis.name} of {fit.family.__name__} without each {unit}"
    answer = Influence(table, title, level, fit.draws_kind, (*ground.issues, *few), axis.name,
                       value, half, int(codes.max()) + 1 - len(chosen))  # fmt: skip
    return replace(answer, issues=(*answer.issues, *_decided(answer)))


def target_ahead(fit: Fit) -> tuple[Callable[[Law], Any], str]:
    """Target that a law predicts at ten times the largest of each input, and its name."""
    inputs = (fit.columns[role] for role in fit.law.inputs)
    ahead = tuple(AHEAD * numbers(fit.with_runs(), column).max() for column in inputs)
    name = f"{fit.columns[fit.law.target]} at {AHEAD:g}x the largest inputs"
    return partial(_target_at, ahead), name


def _target_at(inputs: tuple[Any, ...], law: Law) -> Any:
    return law.formula(*inputs)


def _most_influential(ground: Ground, axis: Axis, codes: NDArray[np.intp]) -> NDArray[np.intp]:
    """Groups to leave out: all, or the ones that move the answer most to first order."""
    count = int(codes.max()) + 1
    if count <= _MOST:
        return np.arange(count)
    residual, jacobian = slopes_at(ground.problem, ground.u)
    pull = ground.problem.weights * pull_of(residual, ground.problem.objective.knee)
    moved = (axis.slope @ ground.sandwich.inverse @ jacobian) * pull
    by_group = np.abs(np.bincount(codes, moved, count))
    return np.sort(np.argsort(-by_group, kind="stable")[:_MOST])


def _refitted(ground: Ground, axis: Axis, codes: NDArray[np.intp], chosen: Any) -> Array:
    """The answer refitted without each chosen group; NaN where too few runs are left."""
    problem = ground.problem
    weights = np.where(codes == chosen[:, None], 0.0, problem.weights)
    starts = np.vstack([ground.u, ground.others])
    still = np.zeros((len(weights), 1))
    u = lowest(problem, starts, weights, list(knees(problem, ground.u)), still)[0]
    enough = (weights > 0).sum(axis=1) > len(problem.free)
    return np.where(enough, axis.values(axis.place(u)), np.nan)


def _labels(fit: Fit, codes: NDArray[np.intp], chosen: Any, groups: Any) -> pd.DataFrame:
    """What is known of each run left out, or the label and the size of each group."""
    frame = fit.with_runs()
    if groups is None:
        names = [name for name in (_RUN, *fit.columns.values())
                 if name in frame.columns and name not in _OWN]  # fmt: skip
        some = frame.iloc[chosen][list(dict.fromkeys(names))]
        found: pd.DataFrame = some.rename_axis("row").reset_index(allow_duplicates=True)
        return found
    first = np.unique(codes, return_index=True)[1][chosen]
    named = isinstance(groups, str) and groups not in _OWN
    labels = frame[groups] if isinstance(groups, str) else groups
    name = groups if named else "group"
    return pd.DataFrame({name: np.asarray(labels)[first], "runs": np.bincount(codes)[chosen]})


def _decided(influence: Influence) -> tuple[Issue, ...]:
    """An issue where one run makes most of the interval.

    Resamples draw a run about as often as a Poisson variable of mean 1 says. So if one run alone
    made the interval, it would reach from once its influence on one side to twice on the other,
    and leaving it out would move the answer by two thirds of the half width.
    """
    table, half = influence.table, influence.half_width
    much = table[np.abs(table["shift_in_half_widths"]) > _DECIDES]
    if not len(much):
        return ()
    label, single = table.columns[1], "row" in table.columns
    who = f"{label} {brief(much[label].iloc[0])}"
    if single:
        named = _RUN in table.columns
        who = f"run {brief(much[_RUN].iloc[0])}" if named else f"the run in {who}"
    without, share = much["without"].iloc[0], abs(much["shift_in_half_widths"].iloc[0])
    more = f" ({len(much) - 1} more matter as much)" if len(much) > 1 else ""
    return (Issue(
        "one-run-decides", "weakens",
        f"Without {who} {influence.quantity} moves from {rounded(influence.value, half / 2)} to "
        f"{rounded(without, half / 2)}, {share:.0%} of the "
        f"interval's half width{more}.",
        "Check it, repeat it, or add runs beside it.",
        tuple(much["row"]) if single else (),
    ),)  # fmt: skip

"""What more of an input is worth in compute: unique tokens, or anything else that is held."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling.answer import Answer
from scaling.columns import COLUMNS, COMPUTE
from scaling.cost import Cost
from scaling.errors import Issue, ScalingError
from scaling.frontier.allocation import Question
from scaling.frontier.table import with_ends
from scaling.frontier.terms import ask, positive
from scaling.law import Law
from scaling.source import Source
from scaling.text import human, percent

__all__ = ["Worth", "worth_of"]

Array: TypeAlias = NDArray[np.float64]

_STEP = 1e-6  # of an input, forwards: one more is never one less, which may lie across a kink
_STEP_OF_COMPUTE = 1e-4
_ROUNDING = 1e-14  # share of the loss below which a fall is none


@dataclass(frozen=True)
class Worth(Answer):
    """What more of an input gains, and the compute that would gain as much.

    Its table has two rows for each compute and input: one more unit, and the amount asked for.
    """

    @property
    def notes(self) -> tuple[str, ...]:
        """What the columns are, below the table."""
        return (
            "gained: fall of the loss, each side allocated best. multiplier: compute that gains as "
            "much with no more of the input, over the compute. worth: the FLOPs that this adds.",
            self.intervals,
        )


def worth_of(
    source: Source,
    compute: Any,
    *,
    more: Mapping[str, Any],
    held: Mapping[str, Any],
    cost: Cost | None = None,
    level: float = 0.9,
) -> Worth:
    """Loss that more of a held input gains, and the compute that would gain as much without it.

    Parameters
    ----------
    source : Fit, Published or Law
        A fit gives intervals, a bare law points.
    compute : float, str or array_like, shape (m,)
        FLOPs; both with and without more, they are allocated best.
    more : mapping of str to float
        What is added to inputs, one at a time, such as ``{"unique_tokens": 1e12}``.
    held : mapping of str to float
        What there is of them, and of other inputs that do not move.
    cost : Cost, optional
        What compute means; the source's own, or 6ND.
    level : float

    Returns
    -------
    Worth
        Two rows for each compute and input, one more unit and the amount asked for: the loss then
        reached, ``gained``, ``multiplier`` and ``worth`` in FLOPs, each with its ends. Infinite,
        with an issue, where no compute gains as much.

    Raises
    ------
    ScalingError
        If an option does not apply, or more names an input that is not held.
    NoTradeoffError
        If the law has no best allocation.

    Examples
    --------
    >>> import scaling
    >>> law = scaling.published("muennighoff-2023").law
    >>> answer = scaling.worth_of(law, 1e22, more={"unique_tokens": 25e9},
    ...                           held={"unique_tokens": 25e9})
    >>> one, doubled = answer.table["worth"]
    >>> f"{one:.3g} FLOPs a token, {doubled:.3g} FLOPs for as many again"
    '4.36e+11 FLOPs a token, 8.33e+21 FLOPs for as many again'
    """
    question = ask(source, cost, held)
    budgets = positive(COMPUTE, compute)
    best = question.best_inputs(budgets)
    parts, sizes = [], None
    issues: list[Issue] = []
    if source.draws is not None:
        found = question.allocate(source.draws, budgets)[question.size]
        sizes = np.broadcast_to(found, (source.draws.count, len(budgets)))
    for role, amount in _amounts(question, more):
        part, drawn = _part(question, budgets, role, amount, level)
        parts.append(part)
        issues += _infinite(part, drawn)
    told = (*question.issues_at(best, sizes, level), *issues)
    title = f"What more is worth in compute, by {question.family.__name__}"
    return Worth(pd.concat(parts, ignore_index=True), title, level, source.draws_kind, told)


def _amounts(question: Question, more: Any) -> list[tuple[str, float]]:
    """Role and amount of each input that is to be added to."""
    if not isinstance(more, Mapping) or not more:
        raise ScalingError("more must be a mapping from input to what is added, such as "
                           f"{{'unique_tokens': 1e12}}; got {more!r}.")  # fmt: skip
    by_column = {question.column(role): role for role in question.family.inputs}
    found = []
    for name, value in more.items():
        role = str(by_column.get(name, name))
        if role not in question.held:
            known = ", ".join(question.column(one) for one in question.held) or "nothing"
            raise ScalingError(f"more names {name!r}, but held= has {known}: say how much there is "
                               f"now, such as held={{{name!r}: 25e9}}.")  # fmt: skip
        amounts = positive(name, value)
        if len(amounts) != 1:
            raise ScalingError(f"more takes one number for {name}; got {len(amounts)}.")
        column, after = COLUMNS.get(role), question.held[role] + float(amounts[0])
        if column is not None and not column.allows(after):
            raise ScalingError(f"{name} must be {column.domain}; with more it is {human(after)}.")
        found.append((role, float(amounts[0])))
    return found


def _part(
    question: Question, budgets: Array, role: str, amount: float, level: float
) -> tuple[pd.DataFrame, Array | None]:
    """Rows of one input, and what it is worth to each draw."""
    source = question.source
    best = _worth(question, source.best, budgets, role, amount)
    drawn = None
    if source.draws is not None:
        shape = (source.draws.count, 2 * len(budgets))
        drawn = {name: np.broadcast_to(value, shape) for name, value in _worth(
            question, source.draws, budgets, role, amount).items()}  # fmt: skip
    table = pd.DataFrame({
        COMPUTE: np.repeat(budgets, 2), "input": question.column(role),
        "held": question.held[role], "more": np.tile([1.0, amount], len(budgets)),
    })  # fmt: skip
    for name, value in best.items():
        table = with_ends(table, name, value, None if drawn is None else drawn[name], level)
    return table, None if drawn is None else drawn["worth"]


def _worth(
    question: Question, law: Law, budgets: Array, role: str, amount: float
) -> dict[str, Array]:
    """Answers of a law, or of k laws, for one more and for the amount, side by side."""
    value = question.held[role]
    best = question.allocate(law, budgets)
    before = question.loss(law, best)

    # By the envelope theorem the best inputs may stay where they are for one more.
    step = _STEP * (value or amount)
    one = (before - question.loss(law, {**best, role: value + step})) / step
    ends = [question.optimal_loss(law, budgets * (1 + side * _STEP_OF_COMPUTE)) for side in (1, -1)]
    fall = (ends[1] - ends[0]) / (2 * _STEP_OF_COMPUTE)  # in an e-fold of compute
    with np.errstate(all="ignore"):
        worth = np.where(fall > _ROUNDING * before / _STEP_OF_COMPUTE, budgets * one / fall, np.inf)
    worth = np.where(one == 0, 0.0, worth)

    added = {role: np.full(budgets.shape, value + amount)}
    after = question.loss(law, question.allocate(law, budgets, added))
    gained = before - after
    needed = np.where(gained == 0, budgets, question.least_compute(law, after))
    return {
        question.column(law.target): _beside(before - one, after),
        "gained": _beside(one, gained),
        "multiplier": _beside(1 + worth / budgets, needed / budgets),
        "worth": _beside(worth, needed - budgets),
    }


def _beside(one: Array, all_of_it: Array) -> Array:
    """Values of one more and of the amount, one after the other for each compute."""
    pair = np.stack(np.broadcast_arrays(one, all_of_it), axis=-1)
    return np.asarray(pair.reshape(*pair.shape[:-2], -1))


def _infinite(table: pd.DataFrame, drawn: Array | None) -> Iterator[Issue]:
    """An issue where no compute gains as much as more of the input does."""
    never = np.isposinf(table["worth"])
    if never.any():
        row = table[never].iloc[0]
        yield Issue(
            "beyond-any-compute", "weakens",
            f"At {human(row[COMPUTE])} FLOPs no compute gains as much as {human(row['more'])} more "
            f"{row['input']}: with {human(row['held'])} of them the loss does not fall so low.",
            "Where the loss ends is the law's word, not that of the runs: add runs of more compute "
            f"at as many {row['input']}.")  # fmt: skip
    elif drawn is not None and np.isposinf(drawn).any():
        share = percent(float(np.isposinf(drawn).any(axis=-1).mean()))
        yield Issue(
            "unreachable-in-draws", "weakens",
            f"In {share} of resamples no compute gains as much; they count as infinite.",
            "Add larger runs, which pin where the loss ends.")  # fmt: skip

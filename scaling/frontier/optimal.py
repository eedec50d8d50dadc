"""The compute-optimal frontier of a law."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling.columns import COMPUTE, TOKENS
from scaling.cost import Cost
from scaling.errors import Issue, one_of
from scaling.frontier.allocation import Question
from scaling.frontier.stated import stated_frontier, states_allocation
from scaling.frontier.table import Frontier, slopes, with_ends
from scaling.frontier.terms import ask, positive
from scaling.law import Law
from scaling.source import Source
from scaling.text import human

__all__ = ["compute_optimal"]

Array: TypeAlias = NDArray[np.float64]

_UNIQUE = "unique_tokens"
_LEFT = 0.01  # share of the compute that is left over


def compute_optimal(
    source: Source,
    compute: Any,
    *,
    cost: Cost | None = None,
    held: Mapping[str, Any] | None = None,
    at_most: Mapping[str, Any] | None = None,
    choices: Any = None,
    method: str | None = None,
    level: float = 0.9,
) -> Frontier:
    """Best params and tokens for each compute, and the loss they reach.

    Whatever the cost pays for and is not held is found: in closed form where the law has one,
    else by a search over the logs of all of them together.

    Parameters
    ----------
    source : Fit, Published or Law
        A fit gives intervals, a bare law points. A law of compute that states the best params or
        tokens itself, such as ``published("kaplan-2020-size")``, is taken at its word.
    compute : float, str or array_like, shape (m,)
        FLOPs.
    cost : Cost, optional
        What compute means; the source's own, or 6ND.
    held : mapping of str to float, optional
        Inputs that do not move, such as ``{"unique_tokens": 2e12}``.
    at_most : mapping of str to float, optional
        Largest value of inputs, such as ``{"params": 8e9}``; compute may then be left over.
    choices : mapping of str to array_like, or table, optional
        The only values that inputs may take, such as ``{"params": [1e9, 3e9, 7e9]}``, in any
        combination; or a table with a row for each way, such as the shapes that can be built. The
        best is found for each draw.
    method : {"formula", "numeric"}, optional
        Closed form or search; by default the first where the law has one.
    level : float

    Returns
    -------
    Frontier
        Its table has compute, params, tokens, tokens_per_param, epochs where the law knows unique
        tokens, training_compute where serving is paid too, and the loss, each with its ends.

    Raises
    ------
    ScalingError
        If an option does not apply.
    NoTradeoffError
        If the law has no best allocation.

    Examples
    --------
    >>> import scaling
    >>> law = scaling.published("besiroglu-2024").law
    >>> frontier = scaling.compute_optimal(law, 5.76e23)
    >>> f"{frontier.table['params'].iloc[0]:.3e}"
    '7.225e+10'
    """
    if method is not None:
        one_of("method", method, ("formula", "numeric"))
    if states_allocation(source) and not (held or at_most or choices) and method is None:
        return stated_frontier(source, compute, cost=cost, level=level)
    question = ask(source, cost, held, method, at_most=at_most, choices=choices)
    budgets = positive(COMPUTE, compute)
    best = question.best_inputs(budgets)
    values = _answers(question, source.best, best)
    drawn: dict[str, Array] = {}
    sizes = None
    if source.draws is not None:
        found = question.allocate(source.draws, budgets)
        sizes = np.broadcast_to(found[question.size], (source.draws.count, len(budgets)))
        drawn = _answers(question, source.draws, found)
    table = pd.DataFrame({COMPUTE: budgets})
    for name, value in values.items():
        draws = drawn.get(name)
        if draws is not None and source.draws is not None:
            draws = np.broadcast_to(draws, (source.draws.count, len(budgets)))
        table = with_ends(table, name, value, draws, level)
    title = f"Compute-optimal frontier of {question.family.__name__}"
    exponents = _exponents(question, budgets, level)
    issues = (*question.issues_at(best, sizes, level), *_left_over(question, budgets, best))
    again = partial(compute_optimal, source, cost=cost, held=held, at_most=at_most,
                    choices=choices, method=method, level=level)  # fmt: skip
    return Frontier(table, title, level, source.draws_kind, issues,
                    "formula" if question.closed else "numeric", exponents, question.cost,
                    again)  # fmt: skip


def _answers(question: Question, law: Law, found: Mapping[str, Array]) -> dict[str, Array]:
    paid = question.cost.pays_for
    shown = [*paid, *(role for role in found if role not in (*paid, *question.held))]
    answers = {question.column(role): found[role] for role in shown}
    size = np.asarray(sum(found[role] for role in question.cost.sizes))
    answers["tokens_per_param"] = found[TOKENS] / size
    if _UNIQUE in found:
        answers["epochs"] = np.maximum(found[TOKENS] / found[_UNIQUE], 1.0)
    if question.cost.served:
        answers["training_compute"] = question.training_compute(found)
    return {**answers, question.column(law.target): question.loss(law, found)}


def _exponents(question: Question, budgets: Array, level: float) -> pd.DataFrame:
    def column(role: str, law: Law, at: Array) -> Array:
        return question.allocate(law, at)[role]

    steps = () if question.choices else question.cost.pays_for  # choices follow no power law
    columns = {question.column(role): partial(column, role) for role in steps}
    return slopes(question.source, budgets, level, columns)


def _left_over(question: Question, budgets: Array, best: Mapping[str, Array]) -> Iterator[Issue]:
    """An issue where caps or choices keep the best allocation from spending the compute."""
    left = 1 - question.cost.of(best) / budgets
    if (left > _LEFT).any():
        worst = human(budgets[left.argmax()])
        yield Issue(
            "compute-left-over", "note",
            f"What is allowed spends no more than {1 - left.max():.0%} of {worst} FLOPs.",
            "Offer larger choices." if question.choices else "Raise at_most.")  # fmt: skip

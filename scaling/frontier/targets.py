"""What a loss costs: the compute, tokens or params it takes to reach it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling.answer import Answer
from scaling.columns import COMPUTE
from scaling.cost import SIX_ND, Cost
from scaling.errors import Issue, ScalingError, one_of
from scaling.frontier.allocation import Question, root
from scaling.frontier.table import with_ends
from scaling.frontier.terms import ask, ask_held
from scaling.law import Law
from scaling.source import Source
from scaling.text import percent, scalar_text

__all__ = ["required"]

Array: TypeAlias = NDArray[np.float64]


def required(
    source: Source,
    what: str,
    *,
    loss: Any,
    held: Mapping[str, Any] | None = None,
    at_most: Mapping[str, Any] | None = None,
    choices: Any = None,
    cost: Cost | None = None,
    level: float = 0.9,
) -> Answer:
    """Least compute, tokens or params that reach a loss.

    Parameters
    ----------
    source : Fit, Published or Law
    what : str
        ``"compute"``, which is allocated best, or an input of the law, such as ``"tokens"``: all
        others are then given in ``held``.
    loss : float or array_like, shape (m,)
        Target of the law to reach.
    held : mapping of str to float, optional
        Inputs that do not move, such as ``{"params": 8e9}``.
    at_most, choices : mapping or table, optional
        Conditions on inputs, as in :func:`compute_optimal`.
    cost : Cost, optional
        What compute means; the source's own, or 6ND.
    level : float

    Returns
    -------
    Answer
        One row a loss: the law's inputs and compute with intervals. Infinite, with an issue, where
        the law does not reach the loss.

    Raises
    ------
    ScalingError
        If an option does not apply, or any number of tokens would reach the loss.

    Examples
    --------
    >>> import scaling
    >>> law = scaling.published("besiroglu-2024").law
    >>> answer = scaling.required(law, "tokens", loss=2.0, held={"params": 70e9})
    >>> f"{answer.table['tokens'].iloc[0]:.3e}"
    '6.196e+11'
    """
    columns = dict(source.columns) if hasattr(source, "best") else {}
    role = {column: role for role, column in columns.items()}.get(what, what)
    if role == COMPUTE or not columns:
        question = ask(source, cost, held, at_most=at_most, choices=choices)
    elif at_most or choices:
        raise ScalingError(f"required {what} holds all other inputs; at_most= and choices= belong "
                           "to 'compute', which allocates them.")  # fmt: skip
    else:
        inputs = source.best.inputs
        one_of("what", role, (COMPUTE, *(columns.get(name, name) for name in inputs), *inputs))
        if what in dict(held or {}) or role in dict(held or {}):
            raise ScalingError(f"{what} is both asked for and held; drop it from held=.")
        question = ask_held(source, cost, held or {}, role)
    wanted = _losses(loss, question.family.target)
    best = _inputs(question, source.best, role, wanted)
    too_easy = best[role] == 0
    if too_easy.any():
        raise ScalingError(f"Any amount of {what} reaches a loss of "
                           f"{scalar_text(float(wanted[too_easy][0]))}.")  # fmt: skip
    drawn = None if source.draws is None else _inputs(question, source.draws, role, wanted)
    table = pd.DataFrame({question.column(question.family.target): wanted})
    for name in (*question.family.inputs, COMPUTE):
        draws = None
        if drawn is not None and source.draws is not None:
            draws = np.broadcast_to(drawn[name], (source.draws.count, len(wanted)))
        if name in question.held:
            table[question.column(name)] = best[name]
        else:
            table = with_ends(table, question.column(name), best[name], draws, level)
    issues = (
        *question.issues_at(best, None, level),
        *_unreachable(wanted, best[role], None if drawn is None else drawn[role]),
    )
    told = "" if question.cost == SIX_ND else f"; compute is {question.cost.name}"
    title = f"Least {what} to reach the loss, by {question.family.__name__}{told}"
    return Answer(table, title, level, source.draws_kind, issues)


def _losses(loss: Any, target: str) -> Array:
    try:
        wanted = np.atleast_1d(np.asarray(loss, dtype=float)).ravel()
    except (TypeError, ValueError):
        wanted = np.array([np.nan])
    if not wanted.size or not np.isfinite(wanted).all():
        raise ScalingError(f"{target} must be a finite number to reach, such as 1.9; got {loss!r}.")
    return wanted


def _inputs(question: Question, law: Law, what: str, wanted: Array) -> dict[str, Array]:
    """The law's inputs and the compute that reach each loss; infinite where nothing does."""
    held = {role: np.full(wanted.shape, value) for role, value in question.held.items()}
    if what == COMPUTE:
        compute = question.least_compute(law, wanted)
        reached = np.isfinite(compute) & (compute > 0)
        best = question.allocate(law, np.where(reached, compute, 1.0))
        found = {role: np.where(reached, value, compute) for role, value in best.items()}
        return {**found, **held, COMPUTE: compute}
    amount = root(lambda at: question.loss(law, {**question.held, what: at}), wanted, law)
    values = {**held, what: amount}
    return {**values, COMPUTE: question.cost.of(values)}


def _unreachable(wanted: Array, best: Array, drawn: Array | None) -> tuple[Issue, ...]:
    """An issue where no amount of what is asked for reaches a loss, or not in all draws."""
    never = np.isinf(best)
    if never.any():
        lost = ", ".join(scalar_text(float(loss)) for loss in wanted[never][:3])
        return (Issue(
            "unreachable", "blocks", f"The law never reaches a loss of {lost} here.",
            "Ask for a higher loss, or hold other inputs.",
        ),)  # fmt: skip
    if drawn is not None and np.isinf(drawn).any():
        share = float(np.isinf(drawn).any(axis=-1).mean())
        return (Issue(
            "unreachable-in-draws", "weakens",
            f"{percent(share)} of resamples never reach the loss; their answer counts as infinite.",
            "Add larger runs, which pin the irreducible loss.",
        ),)  # fmt: skip
    return ()

"""What a recipe is worth in compute: how much of it the other would save."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling.answer import Answer
from scaling.cost import Cost
from scaling.errors import Issue
from scaling.forecast.sides import Pair, pair_of, same_recipes, share_below, undefined
from scaling.frontier.table import with_ends
from scaling.frontier.terms import positive
from scaling.law import Law
from scaling.reach import beyond, beyond_issues
from scaling.source import Source
from scaling.text import human, percent

__all__ = ["Multiplier", "compute_multiplier"]

Array: TypeAlias = NDArray[np.float64]

_AROUND = np.array([0.1, 1.0, 10.0])  # times a compute: two recipes that only cross differ there


@dataclass(frozen=True)
class Multiplier(Answer):
    """Compute that one recipe needs for what the other reaches, over the other's.

    Attributes
    ----------
    names : (str, str)
        What the two are called.
    axis : str
        Column that is saved or spent.
    reach : (float, float) or None
        From the first to the last run of both, where known.
    """

    names: tuple[str, str] = ("a", "b")
    axis: str = "compute"
    reach: tuple[float, float] | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """Which way round the multiplier is, and what the intervals are."""
        a, b = self.names
        way = (f"multiplier: {self.axis} that {b} needs to reach the loss of {a}, over that of "
               f"{a}; below 1 {b} is the better.")  # fmt: skip
        if self.table["probability"].isna().all():
            return (way, self.intervals)
        return (way, f"probability: share of draws in which {b} needs less.", self.intervals)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, with the names."""
        return {**super().to_dict(), "names": list(self.names), "axis": self.axis}


def compute_multiplier(
    a: Source,
    b: Source,
    compute: Any,
    *,
    names: Sequence[str] | None = None,
    cost: Cost | None = None,
    held: Mapping[str, Any] | None = None,
    level: float = 0.9,
) -> Multiplier:
    """Compute that recipe b needs to reach the loss of recipe a, over what a spends.

    A multiplier of 0.5 means that b needs half: it is worth twice its compute.

    Parameters
    ----------
    a, b : Fit, Published or Law
        The two recipes. Resamples are paired by index.
    compute : float, str or array_like, shape (m,)
        What a spends, in FLOPs. For laws of one input other than compute, values of that input.
    names : (str, str), optional
        What to call the two; see :func:`scaling.crossover`.
    cost : Cost, optional
        What compute means for both; each one's own by default.
    held : mapping of str to float, optional
        Inputs that do not move.
    level : float

    Returns
    -------
    Multiplier
        One row a compute: the loss that a reaches, ``needed``: the compute that b needs,
        ``multiplier``, each with its ends, ``probability`` that b needs less, and ``beyond``: how
        far the farther of the two computes lies beyond the runs of its recipe. Infinite, with an
        issue, where b never reaches the loss.

    Raises
    ------
    ScalingError
        If the two cannot be compared.

    Examples
    --------
    >>> import scaling
    >>> adamw, muon = (scaling.published(f"liu-2025-{name}") for name in ("adamw", "muon"))
    >>> pf_day = 8.64e19
    >>> found = scaling.compute_multiplier(adamw, muon, 18.4 * pf_day)
    >>> round(found.table["multiplier"].item(), 3)
    0.519
    """
    pair = pair_of(a, b, names, cost, held, level)
    axis, target = pair.a.axis, pair.a.target
    spent = positive(axis, compute)
    loss, needed = _needed(pair, pair.laws[0], spent)
    drawn: tuple[Array, Array] | None = None
    if pair.drawn:
        both = _needed(pair, pair.laws[1], spent)
        drawn = (both[0], np.broadcast_to(both[1], (pair.count, len(spent))))
    table = pd.DataFrame({axis: spent})
    own = drawn[0] if drawn and pair.draws_a is not None else None
    table = with_ends(table, target, loss, own, level)
    table = with_ends(table, "needed", needed, drawn[1] if drawn else None, level)
    ratio = drawn[1] / spent if drawn else None
    table = with_ends(table, "multiplier", needed / spent, ratio, level)
    table["probability"] = np.nan if ratio is None else share_below(ratio, 1.0)
    around = np.outer(spent, _AROUND).ravel()
    issues = [*same_recipes(pair, pair.gap(pair.laws[0], around)),
              *_unreached(pair, spent, needed, drawn and drawn[1])]  # fmt: skip
    issues += undefined(drawn[1]) if drawn else ()
    if pair.reach is not None:
        farther = np.fmax(_distance(pair.a.reach, spent), _distance(pair.b.reach, needed))
        table["beyond"] = farther
        known = farther[np.isfinite(farther)]
        issues += beyond_issues(known, widened=pair.widens, drawn=pair.drawn)
    issues += pair.issues(level)
    title = f"What {pair.b.name} is worth in {axis}, beside {pair.a.name}"
    return Multiplier(table, title, level, pair.kind, tuple(issues), pair.names, axis, pair.reach)


def _needed(pair: Pair, laws: tuple[Law, Law], spent: Array) -> tuple[Array, Array]:
    """Loss that the first reaches, and what the second needs for it, shape (m,) or (k, m)."""
    loss = pair.a.loss(laws[0], spent)
    return loss, pair.b.least(laws[1], loss)


def _distance(reach: tuple[float, float] | None, at: Array) -> Array:
    return np.ones(len(at)) if reach is None else beyond({"": reach}, {"": at})


def _unreached(pair: Pair, spent: Array, needed: Array, drawn: Array | None) -> list[Issue]:
    never = np.isinf(needed)
    if never.any():
        at = ", ".join(human(value) for value in spent[never][:3])
        return [Issue(
            "never-reached", "weakens",
            f"{pair.b.name} never reaches what {pair.a.name} does at {at}: no multiple is enough.",
            "Its irreducible loss decides that; add larger runs, which pin it.")]  # fmt: skip
    if drawn is not None and np.isinf(drawn).any():
        share = percent(float(np.isinf(drawn).any(axis=-1).mean()))
        return [Issue(
            "unreachable-in-draws", "weakens",
            f"In {share} of resamples {pair.b.name} never reaches the loss; they count as "
            "infinite.",
            "Add larger runs, which pin the irreducible loss.")]  # fmt: skip
    return []

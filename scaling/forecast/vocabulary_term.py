"""The law of a vocabulary: its fit, where it is least, and what its exponent leaves open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling.cost import Cost
from scaling.errors import Issue
from scaling.fitting import Fit, Huber, fit
from scaling.fitting.again import refit
from scaling.forecast.vocabulary_runs import Wanted
from scaling.frontier.terms import ask
from scaling.law import Law
from scaling.laws import Vocabulary
from scaling.source import Source
from scaling.text import human, scalar_text

__all__ = ["Flat", "best_entries", "fitted", "flat_range", "unidentified", "valleys"]

Array: TypeAlias = NDArray[np.float64]

_EXPONENT = "alpha2"
_TRIED = 9  # exponents over the typical range
_AROUND = 2.0 ** np.linspace(-3, 3, 49)  # times the best, where a valley is laid out
_APART = 2.0  # ends of the range of best vocabularies over each other, from which it is told
_ALIKE = 0.01  # by which an objective may rise before a law explains the runs worse


@dataclass(frozen=True)
class Flat:
    """Best vocabularies by the exponents of the vocabulary that explain the runs alike.

    Attributes
    ----------
    table : DataFrame
        All exponents tried: alpha2, rise, params_non_embedding, vocab_size.
    ends : (ndarray, ndarray), each of shape (m,)
        Smallest and largest best vocabulary of each size.
    words : str
        From which exponent to which.
    rise : float
        Of the objective, at most.
    """

    table: pd.DataFrame
    ends: tuple[Array, Array]
    words: str
    rise: float


def unidentified(tried: Flat, wanted: Wanted) -> tuple[Issue, ...]:
    """An issue where exponents that explain the runs alike give other vocabularies."""
    low, high = tried.ends
    worst = int(np.argmax(high / low))
    if not high[worst] / low[worst] > _APART:
        return ()
    return (Issue(
        "vocabulary-unidentified", "weakens",
        f"The runs do not determine the vocabulary term: with {tried.words} the objective rises "
        f"by {100 * tried.rise:.1g}% at most, and the best vocabulary of "
        f"{human(wanted.params[worst])} params goes from {human(low[worst])} to "
        f"{human(high[worst])}.",
        "Read the interval, or use method='isoflop' or 'derivative'.",
    ),)  # fmt: skip


def fitted(table: Any, bootstrap: int, seed: int) -> Fit:
    """The law fitted as Tao et al. do: Huber's objective of the loss itself, alpha1 = beta.

    Rows of one run are resampled together.
    """
    made: Fit = fit(
        Vocabulary, table, objective=Huber(space="linear"), tied={"alpha1": "beta"},
        groups="run", bootstrap=bootstrap, seed=seed)  # fmt: skip
    return made


def best_entries(source: Source, law: Law, wanted: Wanted, cost: Cost) -> Array:
    """Params of the vocabulary at which a law, or each of k laws, is least; (m,) or (k, m)."""
    question = ask(source, cost, None)
    compute, size = np.asarray(wanted.compute), {"params_non_embedding": wanted.params}
    return question.allocate(law, compute, size)["params_vocabulary"]


def flat_range(known: Fit, wanted: Wanted, cost: Cost) -> Flat | None:
    """Best vocabularies by every exponent that explains the runs about as well as the best.

    Returns
    -------
    Flat or None
        None where the exponent was held.
    """
    held = {*known.constraints.fixed, *known.constraints.tied}
    if _EXPONENT in held:
        return None
    rows = []
    for exponent in np.geomspace(*known.law.coefficients[_EXPONENT].typical, _TRIED):
        fixed = {**known.constraints.fixed, _EXPONENT: float(exponent)}
        law = refit(known, fixed=fixed, bootstrap=0)
        rows.append((exponent, law.objective_value, best_entries(law, law.best, wanted, cost)))
    exponents, values, parts = (np.array(column) for column in zip(*rows, strict=True))
    least = min(known.objective_value, values.min())
    alike = values <= least * (1 + _ALIKE)
    entries = parts / wanted.width
    table = pd.DataFrame({
        _EXPONENT: np.repeat(exponents, len(wanted.params)),
        "rise": np.repeat(values / least - 1, len(wanted.params)),
        "params_non_embedding": np.tile(wanted.params, _TRIED), "vocab_size": entries.ravel(),
    })  # fmt: skip
    if not alike.any():
        return None
    kept = entries[alike]
    first, last = (scalar_text(exponents[alike][end]) for end in (0, -1))
    words = f"near {first}" if first == last else f"from {first} to {last}"
    return Flat(table, (kept.min(axis=0), kept.max(axis=0)), f"{_EXPONENT} {words}",
                float(values[alike].max() / least - 1))  # fmt: skip


def valleys(source: Source, wanted: Wanted, best: Array, cost: Cost) -> pd.DataFrame:
    """The loss along the vocabulary at the compute, and its excess over the best.

    Parameters
    ----------
    source : Source
    wanted : Wanted
    best : ndarray, shape (m,)
        Params of the best vocabularies.
    cost : Cost
    """
    law, size = source.best, wanted.params[:, None]
    compute = np.asarray(wanted.compute)[:, None]
    part = best[:, None] * _AROUND

    def loss(part: Array) -> Array:
        inputs = {"params_non_embedding": size, "params_vocabulary": part,
                  "tokens": cost.tokens(size + part, compute)}  # fmt: skip
        return np.asarray(law.formula(*(inputs[role] for role in law.inputs)), dtype=float)

    along = loss(part)
    return pd.DataFrame({
        "params_non_embedding": np.repeat(wanted.params, len(_AROUND)),
        "vocab_size": (part / wanted.width[:, None]).ravel(), law.target: along.ravel(),
        "excess": (along - loss(best[:, None])).ravel(),
    })  # fmt: skip

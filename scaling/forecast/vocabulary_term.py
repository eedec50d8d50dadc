"""The law of a vocabulary: its fit, where it is least, and what its exponent leaves open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling.errors import Issue
from scaling.fitting import Fit, Huber, fit
from scaling.fitting.again import refit
from scaling.forecast.vocabulary_runs import Wanted
from scaling.frontier.allocation import Question
from scaling.law import Law
from scaling.laws import Vocabulary
from scaling.text import human, scalar_text

__all__ = ["Flat", "best_params", "fitted", "flat_range", "valleys"]

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
        Smallest and largest best vocabulary of each size; 0 or infinite where it is that of the
        first or the last exponent tried, since those beyond may explain the runs as well.
    words : str
        Which exponents, of which tried.
    issues : tuple of Issue
        Where they disagree, or do not end within those tried.
    """

    table: pd.DataFrame
    ends: tuple[Array, Array]
    words: str
    issues: tuple[Issue, ...]


def fitted(table: Any, bootstrap: int, seed: int) -> Fit:
    """The law fitted as Tao et al. do: Huber's objective of the loss itself, alpha1 = beta.

    Rows of one run are resampled together.
    """
    made: Fit = fit(
        Vocabulary, table, objective=Huber(space="linear"), tied={"alpha1": "beta"},
        groups="run", bootstrap=bootstrap, seed=seed)  # fmt: skip
    return made


def best_params(question: Question, law: Law, wanted: Wanted) -> Array:
    """Params of the vocabulary at which a law, or each of k laws, is least; (m,) or (k, m)."""
    size = {"params_non_embedding": wanted.params}
    return question.allocate(law, np.asarray(wanted.compute), size)["params_vocabulary"]


def flat_range(known: Fit, question: Question, wanted: Wanted) -> Flat | None:
    """Best vocabularies by every exponent that explains the runs about as well as the best.

    Returns
    -------
    Flat or None
        None where the exponent was held, or no other explains the runs.
    """
    if _EXPONENT in {*known.constraints.fixed, *known.constraints.tied}:
        return None
    tried = np.geomspace(*known.law.coefficients[_EXPONENT].typical, _TRIED)
    made = [refit(known, fixed={**known.constraints.fixed, _EXPONENT: float(exponent)}, bootstrap=0)
            for exponent in tried]  # fmt: skip
    values = np.array([one.objective_value for one in made])
    rise = values / min(known.objective_value, values.min()) - 1
    entries = np.array([best_params(question, one.best, wanted) for one in made]) / wanted.width
    alike = rise <= _ALIKE
    if not alike.any():
        return None
    low, high = entries[alike].min(axis=0), entries[alike].max(axis=0)
    outer = entries[[0, -1]][alike[[0, -1]]]
    ends = (np.where((outer <= low).any(axis=0), 0.0, low),
            np.where((outer >= high).any(axis=0), np.inf, high))  # fmt: skip
    first, last, *every = map(scalar_text, (*tried[alike][[0, -1]], *tried[[0, -1]]))
    span = f"near {first}" if first == last else f"from {first} to {last}"
    taken = f"{span} (tried: {' to '.join(every)})"
    words = (f"the best by each {_EXPONENT} that raises the objective by {_ALIKE:.0%} at most: "
             f"{taken}{'; an end of 0 or inf is open' if len(outer) else ''}")  # fmt: skip
    table = pd.DataFrame({
        _EXPONENT: np.repeat(tried, len(wanted.params)),
        "rise": np.repeat(rise, len(wanted.params)),
        "params_non_embedding": np.tile(wanted.params, _TRIED), "vocab_size": entries.ravel(),
    })  # fmt: skip
    told = f"{_EXPONENT} {taken} raises the objective by {100 * rise[alike].max():.1g}% at most"
    return Flat(table, ends, words, _unidentified(told, wanted, low, high, len(outer) > 0))


def _unidentified(
    told: str, wanted: Wanted, low: Array, high: Array, is_open: bool
) -> tuple[Issue, ...]:
    """An issue where exponents that explain the runs alike give other vocabularies, or go on."""
    worst = int(np.argmax(high / low))
    if not is_open and not high[worst] > _APART * low[worst]:
        return ()
    beyond = ", and others beyond may as well, so the interval is open" if is_open else ""
    return (Issue(
        "vocabulary-unidentified", "weakens",
        f"The runs do not determine the vocabulary term: {told}{beyond}. Within the exponents "
        f"tried the best vocabulary of {human(wanted.params[worst])} params goes from "
        f"{human(low[worst])} to {human(high[worst])}.",
        "Train vocabularies farther apart, or use method='isoflop' or 'derivative'.",
    ),)  # fmt: skip


def valleys(question: Question, wanted: Wanted, best: Array) -> pd.DataFrame:
    """The loss along the vocabulary at the compute, and how far it lies above the best.

    Parameters
    ----------
    question : Question
    wanted : Wanted
    best : ndarray, shape (m,)
        Params of the best vocabularies.
    """
    law, size = question.source.best, wanted.params[:, None]
    compute = np.asarray(wanted.compute)[:, None]

    def loss(part: Array) -> Array:
        tokens = question.cost.tokens(size + part, compute)
        return question.loss(law, {"params_non_embedding": size, "params_vocabulary": part,
                                   "tokens": tokens})  # fmt: skip

    part = best[:, None] * _AROUND
    along = loss(part)
    return pd.DataFrame({
        "params_non_embedding": np.repeat(wanted.params, len(_AROUND)),
        "vocab_size": (part / wanted.width[:, None]).ravel(), law.target: along.ravel(),
        "excess_loss": (along - loss(best[:, None])).ravel(),
    })  # fmt: skip

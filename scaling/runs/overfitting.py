"""Runs that more epochs made worse, and answers where they would: no law of repeats says it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling.columns import PARAMS, TOKENS
from scaling.errors import Issue, name_rows
from scaling.text import human

__all__ = ["overfitted", "repeat_issues"]

Array: TypeAlias = NDArray[np.float64]

_HIGHER = 1.01  # times the loss of a run of fewer epochs: seeds differ by less
# Muennighoff et al. 2023: up to four epochs repeated tokens are nearly as good as new ones. Of 44
# runs of theirs whose loss is 1% above that of a run of fewer epochs, 41 have more than four epochs
# and half a param for each unique token.
_MANY_EPOCHS, _CROWDED = 4.0, 0.5
_UNIQUE = "unique_tokens"


def overfitted(labels: pd.Index, inputs: Mapping[str, Array], target: Array) -> Iterator[Issue]:
    """An issue where more epochs on the same text led to a higher loss.

    Parameters
    ----------
    labels : Index, n
        Of the runs.
    inputs : mapping of str to ndarray, shape (n,)
        By role; runs are compared where all but tokens are the same.
    target : ndarray, shape (n,)
        Losses.

    Examples
    --------
    >>> inputs = {"params": np.array([1e7, 1e7]), "tokens": np.array([1e9, 9e9]),
    ...           "unique_tokens": np.array([1e8, 1e8])}
    >>> [issue.rows for issue in overfitted(pd.RangeIndex(2), inputs, np.array([3.0, 3.1]))]
    [(1,)]
    """
    if not {TOKENS, _UNIQUE} <= set(inputs):
        return
    worse = target > _HIGHER * _least_of_fewer(pd.DataFrame(dict(inputs)), target)
    if worse.any():
        rows: Sequence[object] = tuple(labels[worse])
        yield Issue(
            "overfitted-runs", "weakens",
            f"{int(worse.sum())} of {len(target)} runs have a higher loss than one of fewer epochs "
            f"on the same text ({name_rows(rows)}). A law whose tokens only lose their worth "
            "cannot bend up, so these runs pull all its coefficients.",
            "Fit with and without them, and take no forecast from where they lie.",
            tuple(rows))  # fmt: skip


def _least_of_fewer(frame: pd.DataFrame, target: Array) -> Array:
    """Lowest loss of the runs of fewer tokens that are otherwise the same; NaN where none is."""
    same = [role for role in frame.columns if role != TOKENS]
    least = pd.Series(target).groupby([frame[role] for role in (*same, TOKENS)]).min()
    fewer = least.groupby(level=same).cummin().groupby(level=same).shift()
    places = pd.MultiIndex.from_frame(frame[[*same, TOKENS]])
    return np.asarray(fewer.reindex(places), dtype=float)


def repeat_issues(inputs: Mapping[str, Any]) -> tuple[Issue, ...]:
    """An issue where tokens are seen often, and a worse one where so large a model would overfit.

    Parameters
    ----------
    inputs : mapping of str to float or ndarray
        By role; nothing is said without unique tokens.

    Examples
    --------
    >>> few = {"params": 1e9, "tokens": 2e11, "unique_tokens": 25e9}
    >>> [issue.code for issue in repeat_issues(few)]
    ['many-epochs']
    >>> [issue.code for issue in repeat_issues({**few, "params": 2e10})]
    ['overfit-region']
    """
    if not {TOKENS, _UNIQUE} <= set(inputs):
        return ()
    epochs = np.asarray(inputs[TOKENS]) / inputs[_UNIQUE]
    often = epochs > _MANY_EPOCHS
    if not often.any():
        return ()
    crowded = often & (np.asarray(inputs.get(PARAMS, 0.0)) > _CROWDED * inputs[_UNIQUE])
    most = human(float(np.max(np.where(crowded if crowded.any() else often, epochs, 0))))
    if crowded.any():
        return (Issue(
            "overfit-region", "weakens",
            f"More than half a param for each unique token, seen up to {most} times: there runs "
            "overfit, and more epochs or params raise the loss, which no law of effective tokens "
            "can say.",
            "Take a smaller model or fewer epochs, or regularise and measure a run there.",
        ),)  # fmt: skip
    return (Issue(
        "many-epochs", "weakens",
        f"Tokens are seen up to {most} times; up to about {_MANY_EPOCHS:g} they are nearly as good "
        "as new ones, and beyond that the answer rests on how their worth fades.",
        "Ask again with the ends of R_D's interval, or measure runs of as many epochs.",
    ),)  # fmt: skip

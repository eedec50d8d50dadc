"""Runs that more epochs made worse, which no law of effective tokens can describe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling.columns import TOKENS
from scaling.errors import Issue, name_rows

__all__ = ["overfitted"]

Array: TypeAlias = NDArray[np.float64]

_HIGHER = 1.01  # times the loss of a run of fewer epochs: seeds differ by less
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

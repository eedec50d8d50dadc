"""Answers that rest on tokens seen again, told by how often and by how large a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from scaling.columns import PARAMS, TOKENS
from scaling.errors import Issue
from scaling.text import human

__all__ = ["repeat_issues"]

# Muennighoff et al. 2023: up to four epochs repeated tokens are nearly as good as new ones. Of 44
# runs of theirs whose loss is 1% above that of a run of fewer epochs, 41 have more than four epochs
# and half a param for each unique token.
_MANY_EPOCHS, _CROWDED = 4.0, 0.5
_UNIQUE = "unique_tokens"


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

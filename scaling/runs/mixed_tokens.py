"""Tokens of several tokenizers: losses per byte may be compared, tokens may not."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import pandas as pd

from scaling.columns import TOKENS
from scaling.errors import Issue

__all__ = ["several_tokenizers"]

_PER_BYTE = "_per_byte"  # how losses end that tokenizers may share


def several_tokenizers(frame: pd.DataFrame, played: Collection[str]) -> Iterator[Issue]:
    """Issue of losses per byte as a law of tokens that several tokenizers made.

    Parameters
    ----------
    frame : DataFrame
    played : collection of str
        Columns of the law, by their names in the vocabulary of columns.

    Examples
    --------
    >>> runs = pd.DataFrame({"tokenizer": ["bytes", "bpe"]})
    >>> [issue.code for issue in several_tokenizers(runs, ["tokens", "loss_nats_per_byte"])]
    ['mixed-tokens']
    """
    per_byte = any(name.endswith(_PER_BYTE) for name in played)
    if not per_byte or TOKENS not in played or "tokenizer" not in frame.columns:
        return
    count = frame["tokenizer"].dropna().map(str).nunique()
    if count > 1:
        yield Issue(
            "mixed-tokens", "weakens",
            f"The tokens are those of {count} tokenizers, and a token of one is more text than a "
            "token of another.",
            "Fit the runs of one tokenizer, or count the text in characters or bytes.")  # fmt: skip

"""Text in tokens: how many a vocabulary makes of it, what their frequencies alone tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from scaling.errors import ColumnError, ScalingError, above_zero
from scaling.runs.door import as_frame, numbers
from scaling.text import human, listed

__all__ = ["TokensPerCharacter", "unigram_loss"]

Array: TypeAlias = NDArray[np.float64]

_COEFFICIENTS = 3
_SMALLEST = 2.0  # entries of a vocabulary
_BISECTIONS = 60


@dataclass(frozen=True)
class TokensPerCharacter:
    r"""Tokens that a vocabulary makes of a character of text.

    .. math:: f(V) = a \ln^2 V + b \ln V + c

    The defaults are those of Tao et al. 2024, arXiv:2407.13623, for English text of SlimPajama.

    Attributes
    ----------
    a, b, c : float
    most : float
        Vocabulary from which on more entries change nothing.

    Examples
    --------
    >>> text = TokensPerCharacter()
    >>> round(float(text.tokens(1e9, 32_000)) / 1e6)
    252
    """

    a: float = 0.00639222
    b: float = -0.15811069
    c: float = 1.20470122
    most: float = 200_000.0

    def at(self, vocab_size: Any) -> Array:
        """Tokens a character."""
        size = np.log(np.minimum(above_zero("vocab_size", vocab_size), self.most))
        return np.asarray((self.a * size + self.b) * size + self.c)

    def tokens(self, characters: Any, vocab_size: Any) -> Array:
        """Tokens that a text of so many characters has.

        Raises
        ------
        ScalingError
            If a number is not above 0.
        """
        return np.asarray(above_zero("characters", characters) * self.at(vocab_size))

    def characters(self, tokens: Any, vocab_size: Any) -> Array:
        """Characters of text in so many tokens.

        Raises
        ------
        ScalingError
            If a number is not above 0.
        """
        return np.asarray(above_zero("tokens", tokens) / self.at(vocab_size))

    def cheapest(self, params_non_embedding: Any, embedding_width: Any) -> Array:
        """Vocabulary that trains on the same text with the least compute.

        Compute is ``6 (N + V d) H f(V)``: more entries make fewer tokens, of more params. What a
        vocabulary does to the loss is not in it.

        Parameters
        ----------
        params_non_embedding, embedding_width : float or array_like
            They broadcast.

        Returns
        -------
        ndarray
            Entries; ``most`` where compute falls up to there.

        Raises
        ------
        ScalingError
            If a number is not above 0.

        References
        ----------
        Tao et al. 2024, arXiv:2407.13623, approach 2.

        Examples
        --------
        >>> round(float(TokensPerCharacter().cheapest(33e6, 512)))
        10323
        """
        size = above_zero("params_non_embedding", params_non_embedding)
        width = above_zero("embedding_width", embedding_width)
        low = np.full(np.broadcast_shapes(size.shape, width.shape), np.log(_SMALLEST))
        high = np.full_like(low, np.log(self.most))

        def slope(log_size: Array) -> Array:
            """Of the log of compute, by the log of the vocabulary."""
            share = 1 / (1 + size / (width * np.exp(log_size)))
            each = (self.a * log_size + self.b) * log_size + self.c
            return np.asarray(share + (2 * self.a * log_size + self.b) / each)

        falls = slope(high) < 0
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            rises = slope(middle) > 0
            low, high = np.where(rises, low, middle), np.where(rises, middle, high)
        return np.asarray(np.where(falls, self.most, np.exp(low)))

    @classmethod
    def from_runs(cls, runs: Any) -> TokensPerCharacter:
        """The curve through vocabularies that were tried, by least squares.

        Parameters
        ----------
        runs : table
            Has vocab_size, and bytes_per_token or both of tokens and characters. Rows of one
            vocabulary count once. Texts in bytes instead of characters do as well.

        Returns
        -------
        TokensPerCharacter
            ``most`` is the largest vocabulary tried, or where the curve turns if that is less.

        Raises
        ------
        ColumnError
            If a column is missing, or there are fewer than three vocabularies.

        Examples
        --------
        >>> table = {"vocab_size": [1e3, 1e4, 1e5], "bytes_per_token": [2.6, 3.6, 4.2]}
        >>> TokensPerCharacter.from_runs(table).at([1e4]).round(6)
        array([0.277778])
        """
        frame = as_frame(runs)
        if "bytes_per_token" in frame and "vocab_size" in frame:
            each = 1 / numbers(frame, "bytes_per_token")
        elif {"vocab_size", "tokens", "characters"} <= set(frame):
            each = numbers(frame, "tokens") / numbers(frame, "characters")
        else:
            raise ColumnError(
                "TokensPerCharacter.from_runs needs vocab_size, and bytes_per_token or both of "
                f"tokens and characters; the table has {listed(frame.columns) or 'no columns'}."
            )
        sizes, which = np.unique(numbers(frame, "vocab_size"), return_inverse=True)
        if len(sizes) < _COEFFICIENTS:
            raise ColumnError(
                "TokensPerCharacter.from_runs needs three vocabularies or more; the table has "
                f"{listed(human(size) for size in sizes)}."
            )
        mean = np.bincount(which, each) / np.bincount(which)
        a, b, c = np.polyfit(np.log(sizes), mean, 2)
        turn = float(np.exp(-b / (2 * a))) if a > 0 else np.inf
        return cls(float(a), float(b), float(c), min(float(sizes[-1]), turn))


def unigram_loss(counts: Any) -> float:
    """Loss in nats per token of a model that knows the frequencies of the tokens only.

    The loss of a model less this is its unigram-normalised loss: below 0, and lower is better.

    Parameters
    ----------
    counts : array_like, shape (vocab_size,)
        How often each token occurs in the training text.

    Returns
    -------
    float
        The entropy of the frequencies.

    Raises
    ------
    ScalingError
        If a count is negative or no number, or all are 0.

    Examples
    --------
    >>> round(unigram_loss([2, 1, 1]) / 0.6931471805599453, 9)
    1.5
    """
    try:
        found = np.asarray(counts, dtype=float)
    except (TypeError, ValueError):
        found = np.full(1, np.nan)
    if found.ndim != 1 or not (np.isfinite(found) & (found >= 0)).all() or not found.sum() > 0:
        raise ScalingError("unigram_loss needs one count a token, 0 or more and not all 0; give "
                           "how often each token occurs in the training text.")  # fmt: skip
    share = found[found > 0] / found.sum()
    return float(-(share * np.log(share)).sum())

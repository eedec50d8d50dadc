"""Rows of runs with several vocabularies, checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling.columns import COMPUTE, TOKENS
from scaling.counting import embedding_width
from scaling.errors import ColumnError, Issue
from scaling.laws import Vocabulary
from scaling.runs.door import as_frame, numbers
from scaling.runs.text_lengths import TokensPerCharacter
from scaling.text import human, listed

__all__ = ["ENTRIES", "LOSS", "PART", "SIZE", "TEXT", "THOUSAND", "Tried"]

Array: TypeAlias = NDArray[np.float64]

SIZE, ENTRIES, LOSS = "params_non_embedding", "vocab_size", "loss_unigram_normalised"
PART, TEXT = "params_vocabulary", "characters"
THOUSAND = 1000.0
_WIDTH = "embedding_width"
_MISCOUNTED = 1.3  # factor between tokens counted and made of characters that is told


@dataclass(frozen=True)
class Tried:
    """Rows of a table of runs with several vocabularies; arrays of shape (n,)."""

    size: Array
    width: Array
    entries: Array
    characters: Array
    loss: Array
    text: TokensPerCharacter
    counted: float = np.nan  # tokens of the table over those made of its characters, their median

    @classmethod
    def read(cls, table: Any, text: TokensPerCharacter) -> Tried:
        """The rows of a table, checked.

        Raises
        ------
        ColumnError
        """
        frame = as_frame(table)
        missing = [name for name in (SIZE, ENTRIES, LOSS) if name not in frame]
        if missing or not {TEXT, TOKENS} & set(frame):
            missing += [] if {TEXT, TOKENS} & set(frame) else [f"{TEXT} (or {TOKENS})"]
            raise ColumnError(
                f"best_vocabulary needs columns {SIZE}, {ENTRIES}, {TEXT} or {TOKENS}, and "
                f"{LOSS}; the table has {listed(frame.columns) or 'no columns'}, so "
                f"{listed(missing)} {'is' if len(missing) == 1 else 'are'} missing. Read it with "
                "scaling.read_runs(runs, columns=...)."
            )
        size, entries, loss = (numbers(frame, name) for name in (SIZE, ENTRIES, LOSS))
        width = numbers(frame, _WIDTH) if _WIDTH in frame else embedding_width(size)
        characters = (
            numbers(frame, TEXT)
            if TEXT in frame
            else text.characters(numbers(frame, TOKENS), entries)
        )
        rows = pd.DataFrame({"size": size, "width": width, "entries": entries,
                             "characters": characters, "loss": loss})  # fmt: skip
        # Copies of a checkpoint are one, and the order of the rows says nothing.
        places = ["size", "width", "entries", "characters"]
        rows = rows.groupby(places, as_index=False).agg({"loss": "mean"})
        counted = np.nan
        if {TEXT, TOKENS} <= set(frame):
            counted = float(np.median(numbers(frame, TOKENS) / text.tokens(characters, entries)))
        size, width, entries, characters, loss = (
            rows[name].to_numpy(dtype=float) for name in (*places, "loss")
        )
        return cls(size, width, entries, characters, loss, text, counted)

    @property
    def issues(self) -> tuple[Issue, ...]:
        """What speaks against the table."""
        found = []
        if np.median(self.loss) > 0:
            found.append(Issue(
                "loss-not-normalised", "weakens",
                "The unigram-normalised loss is above 0 in most rows, which would be worse than "
                "the frequencies of the tokens alone.",
                "Take scaling.unigram_loss(counts) of each tokenizer from its loss."))  # fmt: skip
        if self.entries.max() < THOUSAND:
            found.append(Issue(
                "vocabulary-unit", "weakens",
                f"The largest vocabulary has {human(self.entries.max())} entries: vocab_size looks "
                "like thousands.", "Give a count: 32000, not 32."))  # fmt: skip
        if not 1 / _MISCOUNTED < (self.counted if self.counted > 0 else 1.0) < _MISCOUNTED:
            found.append(Issue(
                "tokens-differ", "weakens",
                f"The tokens of the table are {self.counted:.2g} times those that text= makes of "
                "its characters, and characters are what is used.",
                "Give text=TokensPerCharacter.from_runs(runs), or leave characters out."
            ))  # fmt: skip
        return tuple(found)

    @property
    def tokens(self) -> Array:
        """Tokens seen."""
        return self.text.tokens(self.characters, self.entries)

    @property
    def compute(self) -> Array:
        """FLOPs, one matrix of the vocabulary counted."""
        return np.asarray(
            Vocabulary.cost.compute(self.size + self.entries * self.width, self.tokens)
        )

    @property
    def ranges(self) -> Mapping[str, tuple[float, float]]:
        """Smallest and largest of what an answer is far from."""
        seen = {SIZE: self.size, ENTRIES: self.entries, COMPUTE: self.compute}
        return {name: (float(values.min()), float(values.max())) for name, values in seen.items()}

    @property
    def widths_of_paper(self) -> bool:
        """Whether the embeddings are as wide as those of the paper for their sizes."""
        return bool((embedding_width(self.size) == self.width).all())

    def width_of(self, params: Array) -> Array:
        """Width of the embeddings of sizes: the paper's, or between those of the runs."""
        if self.widths_of_paper:
            return embedding_width(params)
        size, first = np.unique(self.size, return_index=True)
        own = np.log(self.width[first])
        return np.asarray(np.exp(np.interp(np.log(params), np.log(size), own)))

    def where(self, kept: Any) -> Tried:
        """Some of the rows."""
        return Tried(self.size[kept], self.width[kept], self.entries[kept], self.characters[kept],
                     self.loss[kept], self.text)  # fmt: skip

    def beside(self, others: Iterable[Tried]) -> Tried:
        """These rows and those of others."""
        every = [self, *others]
        columns = ("size", "width", "entries", "characters", "loss")
        joined = (np.concatenate([getattr(part, name) for part in every]) for name in columns)
        size, width, entries, characters, loss = joined
        return Tried(size, width, entries, characters, loss, self.text)

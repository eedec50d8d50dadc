"""Figure of a vocabulary's valley: loss against the vocabulary, one line a model size."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from scaling.errors import ColumnError, ScalingError
from scaling.forecast.vocabularies import BestVocabulary
from scaling.plot.labels import extent, label_lines, wrapped
from scaling.plot.style import (
    axes_for,
    label,
    quiet,
    run_numbers,
    shades,
    sizes_of,
    spaced_ends,
    title,
)
from scaling.plot.ticks import human_ticks
from scaling.runs.door import as_frame
from scaling.text import human

__all__ = ["vocabulary"]

_ROW = 0.055  # of the height of the valleys, that an interval below them takes
_SIZE, _ENTRIES = "params_non_embedding", "vocab_size"
_LOSSES = ("loss_nats_per_byte", "loss_bits_per_byte", "loss_unigram_normalised")


def vocabulary(best: Any, *, loss: str | None = None, ax: Axes | None = None) -> Axes:
    """Loss against the vocabulary, one line a model size, with the best of each marked.

    An open mark is the best of those tried where it is the first or the last of them.

    Parameters
    ----------
    best : BestVocabulary or table
        The answer of a law, drawn as the loss over that of the best vocabulary at the compute,
        with the intervals of the best in rows below. Or runs that read the same text, with
        vocab_size, params_non_embedding and a loss that vocabularies can be compared by.
    loss : str, optional
        Column of a table: the first of loss_nats_per_byte, loss_bits_per_byte and
        loss_unigram_normalised that it has by default.
    ax : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    ScalingError
        If the answer came without a law, and so has no valley.
    ColumnError
        If the table lacks a column.

    Examples
    --------
    >>> import scaling
    >>> ax = scaling.plot.vocabulary(scaling.datasets.load("sweep", rows="vocabulary"))
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('vocab size (entries)', 'loss nats per byte (nats/byte)')
    """
    if isinstance(best, BestVocabulary):
        lines, column, named = _valleys_of(best), "excess_loss", "Excess loss by vocabulary"
    else:
        lines, column = _runs_of(best, loss)
        named = "Loss by vocabulary"
    ax = axes_for(ax)
    ends = []
    for colour, (size, line) in zip(shades(len(lines)), lines.items(), strict=True):
        ax.plot(line["x"], line["y"], color=colour, linewidth=1.3,
                marker="o" if column != "excess_loss" else "", markersize=3.5)  # fmt: skip
        ends.append((line["x"].iloc[-1], line["y"].iloc[-1], human(size), colour))
    words = "loss over the best (nats/token)" if column == "excess_loss" else label(column)
    ax.set(xlabel=label(_ENTRIES), ylabel=wrapped(words, sizes_of(ax).axis, extent(ax)[1]))
    quiet(ax)
    every = pd.concat(lines.values())
    human_ticks(ax, "x", every["x"])
    ax.set_xlim(spaced_ends(every["x"], log=True))
    low, high = spaced_ends(every["y"], log=False)
    known = isinstance(best, BestVocabulary) and best.table[f"{_ENTRIES}_low"].notna().any()
    step = (high - low) * _ROW if known else 0.0
    ax.set_ylim(low - step * len(lines), high)
    for row, (colour, size) in enumerate(zip(shades(len(lines)), lines, strict=True), start=1):
        _mark(ax, best, size, lines[size], colour)
        if known:
            _interval(ax, best, size, low + (high - low) * 0.5 * _ROW - step * row, colour)
    title(ax, f"{named}, one line a size")
    label_lines(ax, ends, size=sizes_of(ax).note)
    return ax


def _valleys_of(best: BestVocabulary) -> dict[float, pd.DataFrame]:
    """Vocabulary and excess loss of each size."""
    if best.valleys.empty:
        raise ScalingError(
            "plot.vocabulary draws what a law says of the loss; this answer came by another way. "
            "Use method='parametric', or give it the runs."
        )
    table = best.valleys.rename(columns={_ENTRIES: "x", "excess_loss": "y"})
    return _by_size(table)


def _runs_of(runs: Any, loss: str | None) -> tuple[dict[float, pd.DataFrame], str]:
    """Vocabulary and loss of the runs of each size, and the column of the loss."""
    if loss is None:
        known = [name for name in _LOSSES if name in as_frame(runs)]
        if not known:
            raise ColumnError(
                "plot.vocabulary needs a loss that vocabularies can be compared by: "
                f"{', '.join(_LOSSES)}, or name it with loss=."
            )
        loss = known[0]
    size, entries, losses = run_numbers(runs, (_SIZE, _ENTRIES, loss), "vocabulary")
    table = pd.DataFrame({_SIZE: size, "x": entries, "y": losses}).sort_values("x")
    return _by_size(table), loss


def _by_size(table: pd.DataFrame) -> dict[float, pd.DataFrame]:
    return {size: table[table[_SIZE] == size] for size in np.unique(table[_SIZE]).tolist()}


def _mark(ax: Axes, best: Any, size: float, line: pd.DataFrame, colour: Any) -> None:
    """The best vocabulary of a size; open where it is the first or last of those tried."""
    if isinstance(best, BestVocabulary):
        x, y, at_end = float(_row(best, size)[_ENTRIES]), 0.0, False
    else:
        place = line.iloc[int(line["y"].to_numpy().argmin())]
        x, y = float(place["x"]), float(place["y"])
        at_end = x in (line["x"].min(), line["x"].max())
    inside, edge = ("white", colour) if at_end else (colour, "white")
    ax.plot([x], [y], "o", markersize=7, markerfacecolor=inside, markeredgecolor=edge,
            markeredgewidth=1.2, zorder=5)  # fmt: skip


def _interval(ax: Axes, best: BestVocabulary, size: float, y: float, colour: Any) -> None:
    """The interval of the best vocabulary of a size, in a row below the valleys."""
    row = _row(best, size)
    ends = np.array([row[f"{_ENTRIES}_low"], row[f"{_ENTRIES}_high"]], dtype=float)
    if not np.isnan(ends).any():
        ax.plot(np.clip(ends, *ax.get_xlim()), [y, y], color=colour, linewidth=2.2, alpha=0.6,
                solid_capstyle="butt")  # fmt: skip
        ax.plot([row[_ENTRIES]], [y], "|", color=colour, markersize=6)


def _row(best: BestVocabulary, size: float) -> pd.Series:
    return best.table[best.table[_SIZE] == size].iloc[0]

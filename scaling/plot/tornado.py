"""Figure of an audit: how far each choice moves the answer, the one that moves it most on top."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from scaling.forecast.audits import Audit
from scaling.plot.labels import extent, text_size, wrapped
from scaling.plot.style import (
    BAND,
    INK,
    MAIN,
    QUIET,
    SECOND,
    axes_for,
    label,
    made_by,
    quiet,
    sizes_of,
    title,
)
from scaling.plot.ticks import quantity_ticks
from scaling.text import rounded

__all__ = ["audit"]

_MOST = 20  # bars
_WIDTH, _ROW, _REST = 5.2, 0.19, 1.4  # inches: of a figure, of each bar, and of all else
_BAR = 0.66  # height of a bar, of its row's
_LOGARITHMIC = 5.0  # times from the least to the largest value, from which the axis is logarithmic
_BESIDE = 3.0  # points between a bar and its value
_BELOW = 3.6  # sizes of the axis label, between the axes and the legend
_WIDER = 2.0  # times the range of the bars that the interval may add on either side
_SHARE = 0.45  # of the figure's width that the name of a choice may take
_SMALLER = 0.8  # size of a name in two lines, which its row must hold, over that of one
_POINTS = 72.0  # an inch
_TIGHT = 0.95  # sizes from one of these lines to the next


def audit(audit: Audit, *, ax: Axes | None = None) -> Axes:
    """A tornado: one bar a choice from the fit's answer to the choice's, the longest on top.

    The band is the interval of the resamples, and orange bars end outside it; hollow ones belong
    to choices that miss the runs and do not count. Of more than 20 choices the 20 that move the
    answer most are drawn.

    Parameters
    ----------
    audit : Audit
    ax : Axes, optional
        Has room where it is 0.2 inches high for each bar.

    Returns
    -------
    Axes

    Examples
    --------
    >>> import scaling
    >>> fit = scaling.fit(scaling.laws.Chinchilla, scaling.datasets.load("demo"))
    >>> ax = scaling.plot.audit(scaling.audit(fit))
    >>> ax.get_xlabel()
    'best params at 3e22 FLOPs'
    """
    made_by(audit, Audit, "audit", "scaling.audit(fit)")
    base, rest = audit.table.iloc[0], audit.table.iloc[1:]
    order = rest["shift"].abs().sort_values(ascending=False, kind="stable").index
    drawn = rest.loc[order].head(_MOST)
    if ax is None:
        size = (_WIDTH, _REST + _ROW * len(drawn))
        ax = plt.subplots(figsize=size, layout="constrained")[1]
    ax = axes_for(ax)
    places = np.arange(len(drawn))[::-1]
    fills = [_fill(row) for _, row in drawn.iterrows()]
    ends = base[["value_low", "value_high"]].to_numpy(dtype=float)
    if np.isfinite(ends).all():
        ax.axvspan(*ends, color=MAIN, alpha=BAND, linewidth=0)
    ax.barh(places, drawn["value"] - base["value"], left=base["value"], height=_BAR,
            color=[fill for fill, _ in fills], edgecolor=[edge for _, edge in fills],
            linewidth=0.8, zorder=3)  # fmt: skip
    ax.axvline(base["value"], color=INK, linewidth=1.0, zorder=4)
    ax.set_yticks(places, [words.partition(", ")[0] for words in drawn["choice"]])
    ax.set_ylim(-0.7, max(len(drawn) - 0.3, 0.7))
    ax.set_xlabel(label(audit.quantity), loc="right")  # it may be wider than narrow axes
    quiet(ax)
    _fit_names(ax)
    ax.grid(False, axis="y")
    ax.tick_params(axis="y", length=0)
    _legend(ax, audit, drawn)
    made = base["choice"].partition(", ")[0]
    some = f"; the {_MOST} of {len(rest)} that move it most" if len(rest) > _MOST else ""
    title(ax, f"{made} under other choices{some}")
    _values(ax, base, drawn, places, ends)
    return ax


def _fill(row: pd.Series) -> tuple[str, str]:
    """Colours of a bar and of its edge."""
    if not row["counted"]:
        return "none", QUIET
    return (SECOND, SECOND) if row["outside"] else (MAIN, MAIN)


def _fit_names(ax: Axes) -> None:
    """Put names of choices that are too long for the figure in two smaller lines."""
    size = sizes_of(ax).tick
    room = _SHARE * ax.figure.canvas.figure.get_figwidth() * _POINTS
    ticks = ax.get_yticks()
    names = [text.get_text() for text in ax.get_yticklabels()]
    ax.set_yticks(ticks, [_in_lines(name, size, room) for name in names])
    for text in ax.get_yticklabels():
        if "\n" in text.get_text():
            text.set(size=_SMALLER * size, linespacing=_TIGHT)


def _in_lines(name: str, size: float, room: float) -> str:
    """The name in one line, or in two smaller ones, cut where even they are too short."""
    if text_size(name, size)[0] <= room:
        return name
    small = _SMALLER * size
    first, *more = wrapped(name, small, room).split("\n")
    lines = [first, " ".join(more)] if more else [first]
    return "\n".join(_cut(line, small, room) for line in lines)


def _cut(line: str, size: float, room: float) -> str:
    """The line, without its middle where it is too long."""
    kept = len(line)
    short = line
    while text_size(short, size)[0] > room and kept > 2:
        kept -= 1
        short = f"{line[: (kept + 1) // 2]}...{line[len(line) - kept // 2 :]}"
    return short


def _legend(ax: Axes, audit: Audit, drawn: pd.DataFrame) -> None:
    """What the colours mean, below the axis."""
    handles = []
    if audit.kind != "none":
        level = f"{100 * audit.level:.10g}% interval"
        handles.append(Patch(facecolor=MAIN, alpha=BAND, linewidth=0, label=level))
    if drawn["outside"].any():
        handles.append(Patch(color=SECOND, label="outside it"))
    if not drawn["counted"].all():
        handles.append(Patch(facecolor="none", edgecolor=QUIET, label="misses the runs"))
    if handles:
        below = -_BELOW * sizes_of(ax).axis / extent(ax)[1]
        ax.legend(handles=handles, loc="upper right", bbox_to_anchor=(1.0, below), frameon=False,
                  ncols=len(handles), fontsize=sizes_of(ax).note, labelcolor=INK, handlelength=1.2,
                  columnspacing=1.0, borderpad=0, borderaxespad=0)  # fmt: skip


def _values(
    ax: Axes, base: pd.Series, drawn: pd.DataFrame, places: np.ndarray, ends: np.ndarray
) -> None:
    """The answer beside the end of each bar, with room for it."""
    size = sizes_of(ax).note - 0.5
    error = (ends[1] - ends[0]) / 4
    texts = [rounded(value, error) for value in drawn["value"]]
    wide = max((text_size(text, size)[0] for text in texts), default=0.0) + 2 * _BESIDE
    seen = np.append(drawn["value"], base["value"])
    log = bool((seen > 0).all() and seen.max() > _LOGARITHMIC * seen.min())
    scale, back = (np.log, np.exp) if log else (np.asarray, np.asarray)
    low, high = float(scale(seen.min())), float(scale(seen.max()))
    far = _WIDER * ((high - low) or abs(high) or 1.0)
    band = scale(np.maximum(ends, np.finfo(float).tiny) if log else ends)
    low, high = (float(np.fmin(low, max(band[0], low - far))),
                 float(np.fmax(high, min(band[1], high + far))))  # fmt: skip
    beside = wide * ((high - low) or abs(high) or 1.0) / max(extent(ax)[0] - 2 * wide, wide)
    quantity_ticks(ax, "x", (float(back(low - beside)), float(back(high + beside))), log=log)
    for value, place, text in zip(drawn["value"], places, texts, strict=True):
        right = value >= base["value"]
        ax.annotate(text, (value, place), xytext=(_BESIDE if right else -_BESIDE, 0),
                    textcoords="offset points", ha="left" if right else "right", va="center",
                    size=size, color=INK, zorder=5)  # fmt: skip

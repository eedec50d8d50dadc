"""Figure of a best mixture: loss against the share of two domains, or a triangle of three."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from scaling.forecast.mixtures import Mixture
from scaling.plot.labels import Board, Spot, extent, pieces_of
from scaling.plot.style import (
    BAND,
    INK,
    MAIN,
    QUIET,
    SECOND,
    axes_for,
    made_by,
    quiet,
    run_numbers,
    sizes_of,
    title,
)
from scaling.text import rounded, scalar_text

__all__ = ["mixture"]

_HIGH = np.sqrt(3) / 2  # of a triangle with sides of 1
_APART = 20.0  # points of height for each line of the triangle
_ABOVE, _BELOW, _BESIDE = 0.14, 0.12, 0.03  # of the triangle's side: room for names
_BESIDE_TOP = 0.65  # along the triangle's base: where words beside its top begin
_SHOWN = 0.75  # share of the losses that lines are drawn for, the lowest ones
_PLACES = 40  # on a line, where its number may stand
_ROOM = 0.35  # of the curve's height, above it, for words


def mixture(mixture: Mixture, *, runs: Any = None, ax: Axes | None = None) -> Axes:
    """The weighted loss over the mixtures, the best one and its spread, and the runs.

    Two domains: the loss against the share of the first, dashed where the mixture was not
    allowed. Three: lines of equal loss in a triangle whose corners are the domains alone, the
    allowed part inside dashes. More: each best share with its interval.

    Parameters
    ----------
    mixture : Mixture
    runs : table, optional
        Its mixtures are marked.
    ax : Axes, optional

    Returns
    -------
    Axes

    Examples
    --------
    >>> import scaling
    >>> law = scaling.laws.data_mixing(("web", "code"))
    >>> fits = {"prose": law(c=2.5, k_web=0.2, k_code=1.0),
    ...         "programs": law(c=1.0, k_web=1.0, k_code=0.2)}
    >>> ax = scaling.plot.mixture(scaling.best_mixture(fits))
    >>> ax.get_xlabel()
    'share of web'
    """
    made_by(mixture, Mixture, "mixture", "scaling.best_mixture(fits)")
    shares = None if runs is None else np.stack(
        run_numbers(runs, mixture.columns, "mixture"), axis=1)  # fmt: skip
    ax = axes_for(ax)
    count = len(mixture.table)
    draw = {2: _two, 3: _three}.get(count, _many)
    draw(ax, mixture, shares)
    return ax


def _told(mixture: Mixture) -> str:
    """What the loss is, and what the spread is."""
    names = [name for name in mixture.losses["validation"] if name != "weighted mean"]
    loss = f"Loss on {names[0]}" if len(names) == 1 else f"Weighted loss of {len(names)} sets"
    return loss if mixture.kind == "none" else f"{loss}; {mixture.level:.0%}, {mixture.kind}"


def _best(row: pd.Series) -> str:
    """A share with its interval."""
    low, high = row["share_low"], row["share_high"]
    if np.isnan(low):
        return f"{row['domain']} {scalar_text(row['share'])}"
    share, below, above = (rounded(end, (high - low) / 4) for end in (row["share"], low, high))
    return f"{row['domain']} {share} [{below}, {above}]"


def _two(ax: Axes, mixture: Mixture, runs: NDArray[np.float64] | None) -> None:
    surface, row = mixture.surface, mixture.table.iloc[0]
    name, (low, high) = row["domain"], next(iter(mixture.within.values()))
    x, loss = surface[name], surface["loss"]
    inside = (x >= low) & (x <= high)
    quiet(ax)
    ax.plot(x, loss, color=QUIET, linewidth=1.1, linestyle=(0, (3, 2)))
    ax.plot(x[inside], loss[inside], color=MAIN, linewidth=1.6)
    if surface["loss_low"].notna().all():
        ax.fill_between(x[inside], surface["loss_low"][inside], surface["loss_high"][inside],
                        color=MAIN, alpha=BAND, linewidth=0)  # fmt: skip
        ax.axvspan(row["share_low"], row["share_high"], color=SECOND, alpha=BAND, linewidth=0)
    best = float(mixture.losses["loss"].iloc[-1])
    ax.plot([row["share"]], [best], "o", color=SECOND, markeredgecolor="white", markersize=7,
            zorder=4)  # fmt: skip
    top = float(loss[inside].max())
    rise = (top - float(loss[inside].min())) or abs(top) * 0.01
    ax.set(xlabel=f"share of {name}", ylabel="loss", xlim=(0, 1),
           ylim=(best - _ROOM * rise, top + _ROOM * rise))  # fmt: skip
    ax.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    title(ax, _told(mixture))
    if runs is not None:
        ax.plot(runs[:, 0], np.full(len(runs), 0.015), "|", color=INK, markersize=7,
                transform=ax.get_xaxis_transform(), zorder=3)  # fmt: skip
    board, note = Board(ax, lines=[(x, loss)], dots=[([row["share"]], [best])]), sizes_of(ax).note
    across = [Spot(float(row["share"]), best, side, up, ha, va)
              for up, va in ((-9, "top"), (-14, "top"), (12, "bottom"), (30, "bottom"))
              for side, ha in ((0, "center"), (8, "left"), (-8, "right"))]  # fmt: skip
    board.write(f"best {_best(row)}", across, size=note, color=SECOND)


def _corners(shares: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Places of mixtures in the triangle: the first domain left, the second right, then above."""
    shares = np.asarray(shares, dtype=float)
    return shares[:, 1] + shares[:, 2] / 2, shares[:, 2] * _HIGH


def _three(ax: Axes, mixture: Mixture, runs: NDArray[np.float64] | None) -> None:
    names = list(mixture.table["domain"])
    shares, loss = mixture.surface[names].to_numpy(), mixture.surface["loss"].to_numpy()
    x, y = _corners(shares)
    ax.set_axis_off()
    title(ax, _told(mixture))
    width, height = extent(ax)
    tall = _HIGH + _ABOVE + _BELOW
    point = max(tall / height, (1 + 2 * _BESIDE) / width)  # what a point of paper is in data
    ax.set(xlim=(-_BESIDE, width * point - _BESIDE), ylim=(-_BELOW, height * point - _BELOW))
    levels = MaxNLocator(max(int(extent(ax)[1] / _APART), 4), steps=[1, 2, 2.5, 5, 10])
    inside = _inside(mixture, shares)
    values = levels.tick_values(float(loss.min()), float(np.quantile(loss, _SHOWN)))
    ax.tricontourf(x, y, loss, levels=values, cmap="Blues_r", alpha=0.4, extend="both")
    lines = ax.tricontour(x, y, loss, levels=values, colors=MAIN, linewidths=0.7)
    if (inside < 0).any() and (inside > 0).any():
        ax.tricontour(x, y, inside, levels=[0], colors=INK, linewidths=1, linestyles="--")
    edge = _corners(np.eye(3)[[0, 1, 2, 0]])
    ax.plot(*edge, color=INK, linewidth=1, clip_on=False)
    drawn = np.empty((0, 3)) if mixture.drawn is None else mixture.drawn.to_numpy()
    ax.plot(*_corners(drawn), "o", color=SECOND, alpha=0.25, markersize=3, markeredgewidth=0)
    dots = _corners(np.empty((0, 3)) if runs is None else runs)
    ax.plot(*dots, "o", color=INK, markersize=3.2, alpha=0.8, markeredgewidth=0)
    best = _corners(mixture.table["share"].to_numpy()[None])
    ax.plot(*best, "o", color=SECOND, markeredgecolor="white", markersize=8, zorder=5)
    _write_three(ax, mixture, (x, y), pieces_of(lines), values, [dots, _corners(drawn), best])


def _inside(mixture: Mixture, shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far inside what was allowed each mixture is; a side of the triangle is no bound."""
    low, high = np.array(list(mixture.within.values())).T
    below = np.where(low > 0, shares - low, 1.0)
    above = np.where(high < 1, high - shares, 1.0)
    return np.asarray(np.minimum(below, above).min(axis=1))


def _write_three(
    ax: Axes, mixture: Mixture, at: Any, lines: list[Any], values: Any, dots: list[Any]
) -> None:
    """Names of the corners, the numbers of the lines, and the best mixture in words."""
    note = sizes_of(ax).note
    board = Board(ax, lines=[_corners(np.eye(3)[[0, 1, 2, 0]])], dots=dots)
    names = mixture.table["domain"]
    corners = ((0, 0, -4, "left", "top"), (1, 0, -4, "right", "top"),
               (0.5, _HIGH, 4, "center", "bottom"))  # fmt: skip
    for name, (x, y, up, ha, va) in zip(names, corners, strict=True):
        text = ax.annotate(f"all {name}", (x, y), xytext=(0, up), textcoords="offset points",
                           ha=ha, va=va, size=note, color=INK, annotation_clip=False)  # fmt: skip
        board.take(text)
    words = "\n".join(_best(row) for _, row in mixture.table.iterrows())
    spots = [Spot(_BESIDE_TOP, _HIGH, 0, 0, "left", "top"),
             Spot(ax.get_xlim()[1], ax.get_ylim()[1], -2, 0, "right", "top")]  # fmt: skip
    if not board.write(words, spots, size=note, color=SECOND, needed=False):
        board.write(words.replace(" [", "\n["), spots, size=note, color=SECOND)
    for level, pieces in zip(values, lines, strict=True):
        places = [spot for piece in pieces for spot in piece[:: max(1, len(piece) // _PLACES)]]
        board.write(f"{level:g}", [Spot(x, y) for x, y in places], size=note - 0.5, color=INK,
                    needed=False)  # fmt: skip


def _many(ax: Axes, mixture: Mixture, runs: NDArray[np.float64] | None) -> None:
    table = mixture.table
    places = np.arange(len(table))[::-1]
    quiet(ax)
    if runs is not None:
        for place, own in zip(places, runs.T, strict=True):
            ax.plot(own, np.full(len(own), place - 0.22), "|", color=QUIET, markersize=5)
    share = table["share"].to_numpy()
    ax.hlines(places, table["share_low"], table["share_high"], color=SECOND, linewidth=1.6)
    ax.plot(share, places, "o", color=SECOND, markeredgecolor="white", markersize=6.5, zorder=4)
    ax.set_yticks(places, list(table["domain"]))
    ax.set(xlabel="best share", ylim=(-0.6, len(table) - 0.4))
    ax.set_xlim(left=0)
    ax.grid(False, axis="y")
    title(ax, _told(mixture))

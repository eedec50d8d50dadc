"""Figure of the resamples: every pair of coefficients, and each by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from scaling.errors import ScalingError
from scaling.fitting import Fit
from scaling.plot.style import INK, MAIN, QUIET, SECOND, made_by, spaced_ends
from scaling.plot.ticks import quantity_ticks
from scaling.text import listed

__all__ = ["pairs"]

_PANEL = 1.25
_SPAN = 100.0  # a positive coefficient whose typical range spans more has a logarithmic axis
_SHARE = 0.005  # of the resamples on either side, that the axes may leave outside
_BINS = 16


def pairs(
    fit: Fit, *, coefficients: Sequence[str] | None = None, axes: Any = None
) -> list[list[Axes]]:
    """Resamples of every pair of coefficients, with the best law, and histograms of each.

    Parameters
    ----------
    fit : Fit
        With resamples.
    coefficients : sequence of str, optional
        Two or more; all that the resamples move by default.
    axes : array_like of Axes, shape (m, m), optional
        A new figure by default. Those above the diagonal stay empty.

    Returns
    -------
    list of list of Axes

    Raises
    ------
    ScalingError
        If the fit has no resamples, or a coefficient is unknown or does not move.

    Examples
    --------
    >>> import scaling
    >>> fit = scaling.fit(scaling.laws.Chinchilla, scaling.datasets.load("demo"))
    >>> panels = scaling.plot.pairs(fit, coefficients=["A", "alpha"])
    >>> panels[1][0].get_xlabel(), panels[1][0].get_ylabel()
    ('A', 'alpha')
    """
    made_by(fit, Fit, "pairs", "scaling.fit(family, runs)")
    names = _chosen(fit, coefficients)
    panels = _panels(axes, len(names))
    drawn = {name: np.ravel(fit.draws.values[name]) for name in names}  # type: ignore[union-attr]
    best = {name: float(fit.law.values[name]) for name in names}
    log = {name: _logarithmic(fit, name, drawn[name]) for name in names}
    ends = {}
    for name in names:
        most = np.quantile(drawn[name], [_SHARE, 1 - _SHARE])
        ends[name] = spaced_ends(np.append(most, best[name]), log[name])
    for i, y in enumerate(names):
        for j, x in enumerate(names):
            ax = panels[i][j]
            if j > i:
                ax.set_axis_off()
                continue
            if i == j:
                space = np.geomspace if log[x] else np.linspace
                ax.hist(drawn[x], bins=space(*ends[x], _BINS).tolist(), color=MAIN, alpha=0.45)
                ax.axvline(best[x], color=SECOND, linewidth=1.2)
            else:
                ax.scatter(drawn[x], drawn[y], s=4, color=MAIN, alpha=0.35, linewidths=0)
                ax.plot([best[x]], [best[y]], "o", color=SECOND, markersize=4,
                        markeredgecolor="white", markeredgewidth=0.7)  # fmt: skip
                _axis(ax, "y", ends[y], log[y], y if j == 0 else "")
            _axis(ax, "x", ends[x], log[x], x if i == len(names) - 1 else "")
            _plain(ax, counted=i == j)
    for height, words, colour in ((0.95, "best law", SECOND), (0.72, fit.draws_kind, MAIN)):
        panels[0][-1].text(1, height, words, color=colour, size=8.5, ha="right", va="top",
                           transform=panels[0][-1].transAxes)  # fmt: skip
    return panels


def _chosen(fit: Fit, coefficients: Sequence[str] | None) -> list[str]:
    if fit.draws is None:
        raise ScalingError("This fit has no resamples to draw; use scaling.bootstrap(fit, 200).")
    if not isinstance(coefficients, Sequence | None):
        raise ScalingError("coefficients must be a list of names; got "
                           f"{type(coefficients).__name__}.")  # fmt: skip
    moving = [name for name in fit.law.coefficients if np.ptp(fit.draws.values[name]) > 0]
    names = moving if coefficients is None else list(coefficients)
    wrong = [name for name in names if name not in moving]
    if wrong or len(names) < 2 or isinstance(coefficients, str):
        raise ScalingError(f"pairs draws two or more of {listed(moving)}; "
                           f"got {listed(names)}.")  # fmt: skip
    return names


def _logarithmic(fit: Fit, name: str, drawn: np.ndarray) -> bool:
    declared = fit.law.coefficients[name]
    wide = declared.positive and declared.typical[1] > _SPAN * declared.typical[0]
    return wide and bool((drawn > 0).all()) and float(fit.law.values[name]) > 0


def _axis(ax: Axes, which: str, ends: tuple[float, float], log: bool, text: str) -> None:
    quantity_ticks(ax, which, ends, log=log, most=3, tilted=which == "x")
    (ax.set_xlabel if which == "x" else ax.set_ylabel)(text)
    if not text:
        (ax.xaxis if which == "x" else ax.yaxis).set_tick_params(labelbottom=False, labelleft=False)


def _plain(ax: Axes, counted: bool) -> None:
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set_color(QUIET)
    if counted:
        ax.spines["left"].set_visible(False)
        ax.set_yticks([])
    ax.tick_params(colors=INK, which="both", labelsize=6.5, length=2)
    ax.tick_params(which="minor", length=0)
    plt.setp(ax.get_xticklabels(), rotation=45, ha="right", rotation_mode="anchor")
    ax.xaxis.label.set(color=INK, size=8.5)
    ax.yaxis.label.set(color=INK, size=8.5)


def _panels(axes: Any, count: int) -> list[list[Axes]]:
    if axes is None:
        size = (_PANEL * count + 0.4, _PANEL * count + 0.2)
        axes = plt.subplots(count, count, figsize=size, layout="constrained", squeeze=False)[1]
    rows = np.asarray(axes)
    if rows.shape != (count, count) or not all(isinstance(ax, Axes) for ax in rows.flat):
        raise ScalingError(f"axes must be {count} by {count} matplotlib Axes; got shape "
                           f"{rows.shape}.")  # fmt: skip
    return [list(row) for row in rows]

"""Figure of over-training: loss against tokens per param at one compute."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from scaling.columns import COMPUTE, RATIO
from scaling.errors import ScalingError
from scaling.frontier import Regret
from scaling.plot.labels import label_lines
from scaling.plot.style import (
    BAND,
    QUIET,
    SERIES,
    axes_for,
    label,
    made_by,
    quiet,
    run_numbers,
    sizes_of,
    spaced_ends,
    title,
)
from scaling.plot.ticks import human_ticks
from scaling.text import human

__all__ = ["over_training"]

_NEAR = 1.2  # runs within this factor of the compute are shown
_POINT, _BEST = 14, 30


def over_training(
    regret: Regret | Mapping[str, Regret], *, runs: Any = None, ax: Axes | None = None
) -> Axes:
    """Loss against tokens per param at one compute, with bands; several laws overlaid.

    Parameters
    ----------
    regret : Regret, or mapping of str to Regret
        One, or several of the same compute by the names they get.
    runs : table, optional
        Those within a fifth of the compute are shown as points, beyond the sizes asked too.
    ax : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    ScalingError
        If something is no answer of ``scaling.regret``, or their computes differ.
    ColumnError
        If the runs lack a column of params, tokens, compute or the loss.

    Examples
    --------
    >>> import scaling
    >>> law = scaling.published("gadre-2024-redpajama")
    >>> ax = scaling.plot.over_training(scaling.regret(law, 1e21, ["1B", "3B"]))
    >>> ax.get_xlabel()
    'tokens per param'
    """
    several = isinstance(regret, Mapping)
    shown: dict[str, Regret] = dict(regret) if isinstance(regret, Mapping) else {"": regret}
    for one in shown.values():
        made_by(one, Regret, "over_training", "scaling.regret(fit, 1e24)")
    computes = {one.compute for one in shown.values()}
    if len(computes) != 1:
        raise ScalingError("plot.over_training needs answers of one compute; got "
                           f"{', '.join(map(human, sorted(computes))) or 'none'}.")  # fmt: skip
    compute = computes.pop()
    target = str(next(iter(shown.values())).table.columns[3])
    points = None if runs is None else _near(runs, compute, shown, target)
    asked = [_ratio(one.table) for one in shown.values()]
    seen = np.concatenate(asked if points is None else [*asked, points[0]])
    low, high = spaced_ends(seen, log=True)
    ax = axes_for(ax)
    if points is not None:
        ax.scatter(points[0], points[1], s=_POINT, color=QUIET, linewidths=0, zorder=3)
    ends = []
    for place, (name, one) in enumerate(shown.items()):
        colour, dashes, _ = SERIES[place % len(SERIES)]
        curve = one.curve.assign(**{RATIO: _ratio(one.curve)})
        curve = curve[curve[RATIO].between(low, high)].sort_values(RATIO)
        if curve[f"{target}_low"].notna().any():
            ax.fill_between(curve[RATIO], curve[f"{target}_low"], curve[f"{target}_high"],
                            color=colour, alpha=BAND, linewidth=0)  # fmt: skip
        ax.plot(curve[RATIO], curve[target], color=colour, linewidth=1.6, linestyle=dashes)
        place_of_best = int(curve[target].argmin())
        if 0 < place_of_best < len(curve) - 1:  # at an end it would be that of the figure
            best = curve.iloc[place_of_best]
            ax.scatter(best[RATIO], best[target], s=_BEST, color=colour, edgecolors="white",
                       zorder=4)  # fmt: skip
        ends.append((curve[RATIO].iloc[-1], curve[target].iloc[-1], name, colour))
    ax.set(xscale="log", xlim=(low, high), xlabel=label(RATIO), ylabel=label(target))
    quiet(ax)
    human_ticks(ax, "x", seen)
    title(ax, f"Loss by tokens per param at {human(compute)} FLOPs")
    if several:
        label_lines(ax, ends, size=sizes_of(ax).note)
    return ax


def _ratio(table: pd.DataFrame) -> Any:
    """Tokens per param; a regret's table has the size first and the tokens second."""
    return table.iloc[:, 1].to_numpy() / table.iloc[:, 0].to_numpy()


def _near(runs: Any, compute: float, shown: Mapping[str, Regret], target: str) -> list[Any]:
    """Tokens per param and losses of the runs of about that compute."""
    size, tokens = next(iter(shown.values())).table.columns[:2]
    sizes, seen, spent, losses = run_numbers(runs, (size, tokens, COMPUTE, target), "over_training")
    near = np.abs(np.log(spent / compute)) < np.log(_NEAR)
    return [(seen / sizes)[near], losses[near]]

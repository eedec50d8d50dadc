"""The best mixture of training domains, by laws of the loss on one or several validation sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling.answer import Answer, issue_lines, level_issues, report_html, report_text, shown
from scaling.errors import Issue
from scaling.forecast.mixture_laws import SAME, Laws, Many, limits
from scaling.forecast.pairing import one_sided, unpaired
from scaling.forecast.sides import merged
from scaling.frontier.table import with_ends
from scaling.source import Source, check_level
from scaling.text import human, listed

__all__ = ["Mixture", "best_mixture"]

Array: TypeAlias = NDArray[np.float64]
Bounds: TypeAlias = Mapping[str, tuple[float, float]]

MEAN = "weighted mean"
_MOVED = 0.1  # of the mixture: what a share is moved by to see what that costs
_FLAT = 1e-3  # of the loss: a move that costs less says nothing
_CURVE, _SIDE = 101, 51  # points along two domains, and along each side of three


@dataclass(frozen=True)
class Mixture(Answer):
    """The best shares of the domains; made by :func:`scaling.best_mixture`.

    Attributes
    ----------
    table : DataFrame
        One row a domain: ``share`` with its ends, ``cost_of_less`` and ``cost_of_more`` (what the
        weighted loss rises by where the share is 0.1 lower or higher and all others are best for
        that), and the range of the runs.
    losses : DataFrame
        One row a validation set, and their weighted mean: ``weight`` and ``loss`` with its ends.
    drawn : DataFrame or None
        The best shares of each draw.
    surface : DataFrame
        The weighted loss over the mixtures of two domains (with its ends) or of three; no rows
        for more.
    bounds : mapping of str to (float, float)
        What was asked for.
    within : mapping of str to (float, float)
        Least and largest share of each domain that were allowed.
    columns : tuple of str
        Columns of the shares.
    """

    losses: pd.DataFrame = field(default_factory=pd.DataFrame)
    drawn: pd.DataFrame | None = None
    surface: pd.DataFrame = field(default_factory=pd.DataFrame)
    bounds: Bounds = field(default_factory=dict)
    within: Bounds = field(default_factory=dict)
    columns: tuple[str, ...] = ()

    @property
    def shares(self) -> dict[str, float]:
        """The best share of each domain."""
        return dict(zip(self.table["domain"], self.table["share"].tolist(), strict=True))

    @property
    def notes(self) -> tuple[str, ...]:
        """What the costs and the intervals are."""
        held = [f"{name} {low:g} to {high:g}" for name, (low, high) in self.bounds.items()]
        runs = [] if self.table["runs_from"].isna().all() else ["the runs' range"]
        return (
            f"cost of less, more: what the loss rises by where that share is {_MOVED:g} lower or "
            "higher, the others at their best.",
            *([f"Held within: {', '.join([*held, *runs])}."] if held or runs else []),
            self.intervals,
        )

    def __str__(self) -> str:
        below = (*self.notes, *issue_lines(self.issues))
        shares = shown(self.table).to_string(index=False)
        return f"{self.title}\n\n{shares}{report_text('', self.losses, below)}"

    def _repr_html_(self) -> str:
        below = (*self.notes, *issue_lines(self.issues))
        return report_html(self.title, self.table, ()) + report_html("", self.losses, below)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, with the losses."""
        return {**super().to_dict(), "losses": self.losses.to_dict(orient="records"),
                "bounds": {name: list(ends) for name, ends in self.bounds.items()}}  # fmt: skip


def best_mixture(
    fits: Source | Mapping[str, Source],
    weights: Mapping[str, float] | None = None,
    *,
    bounds: Bounds | None = None,
    level: float = 0.9,
) -> Mixture:
    r"""Shares of the training domains that make a weighted mean of validation losses least.

    The target is :math:`\sum_v w_v (c_v + \prod_j k_{vj}^{r_j})`, which is convex in the shares.

    Parameters
    ----------
    fits : Fit or Law of ``data_mixing``, or mapping of str to them
        One a validation set, by its name, all of the same domains. Draws are paired by index:
        fits of the same runs with the same seed share their resamples.
    weights : mapping of str to float, optional
        Of each validation set, 0 or more; they are divided by their sum. Equal by default.
    bounds : mapping of str to (float, float), optional
        Least and largest share of a domain, such as ``{"web": (0.2, 0.8)}``. Those of the runs by
        default, because the law is often wrong beyond them; 0 and 1 for a law without runs.
    level : float

    Returns
    -------
    Mixture

    Raises
    ------
    ScalingError
        If the laws are not of mixtures of the same domains, or no mixture is within the bounds.

    Examples
    --------
    >>> from scaling.laws import data_mixing
    >>> law = data_mixing(("web", "code"))
    >>> prose, programs = law(c=2.5, k_web=0.2, k_code=1.0), law(c=1.0, k_web=1.0, k_code=0.2)
    >>> found = best_mixture({"prose": prose, "programs": programs}, bounds={"code": (0.0, 0.4)})
    >>> {domain: round(share, 3) for domain, share in found.shares.items()}
    {'web': 0.6, 'code': 0.4}
    """
    check_level(level)
    laws = Laws.of(fits, weights)
    low, high = limits(bounds, laws)
    best = laws.best.least(low, high)
    drawn = None if laws.drawn is None else laws.drawn.least(low, high)
    shares = with_ends(pd.DataFrame({"domain": laws.domains}), "share", best[0], drawn, level)
    cost = _costs(laws.best, best[0], low, high)
    table = shares.assign(cost_of_less=cost[0], cost_of_more=cost[1], runs_from=laws.ranges[0],
                          runs_to=laws.ranges[1])  # fmt: skip
    issues = (
        *_at_edge(table), *_flat(table, float(laws.best.target(best)[0, 0])),
        *one_sided(laws.sources), *unpaired(laws.sources),
        *merged((name, issue) for name, source in laws.sources.items() for issue in source.issues),
        *(() if drawn is None else level_issues(len(drawn), level)),
    )  # fmt: skip
    return Mixture(
        table, f"Best mixture of {listed(laws.domains)}", level, laws.kind, issues,
        losses=_losses(laws, best, drawn, level), surface=_surface(laws, level),
        drawn=None if drawn is None else pd.DataFrame(drawn, columns=laws.domains),
        bounds=dict(bounds or {}), columns=laws.columns,
        within={name: (float(a), float(b))
                for name, a, b in zip(laws.domains, low, high, strict=True)},
    )  # fmt: skip


def _costs(many: Many, best: Array, low: Array, high: Array) -> Array:
    """What moving each share down and up costs, the others at their best; NaN out of bounds."""
    count = len(best)
    costs = np.full((2, count), np.nan)
    for side, move in enumerate((-_MOVED, _MOVED)):
        moved = best + move
        others = [(ends.sum() - ends, 1 - moved) for ends in (low, high)]
        fits = (moved >= low) & (moved <= high)
        fits &= (others[0][0] <= others[0][1]) & (others[1][0] >= others[1][1])
        which = np.flatnonzero(fits)
        lows, highs = (np.where(np.eye(count, dtype=bool), moved[:, None], ends)[which]
                       for ends in (low, high))  # fmt: skip
        floors, logs = (np.repeat(value, len(which), axis=0) for value in (many.floors, many.logs))
        same = Many(floors, logs, many.weights)
        found = same.least(lows, highs) if len(which) else np.empty((0, count))
        costs[side, which] = many.target(found)[0] - many.target(best[None])[0, 0]
    return costs


def _losses(laws: Laws, best: Array, drawn: Array | None, level: float) -> pd.DataFrame:
    """Losses at the best shares, and their weighted mean."""
    names = [*laws.sources, *([MEAN] if len(laws.sources) > 1 else [])]

    def each(many: Many) -> Array:
        found = many.losses(best)[:, 0]
        return np.hstack([found, found @ many.weights[:, None]])[:, : len(names)]

    weights = [*laws.best.weights, 1.0][: len(names)]
    table = pd.DataFrame({"validation": names, "weight": weights})
    draws = None if laws.drawn is None else each(laws.drawn)
    return with_ends(table, "loss", each(laws.best)[0], draws, level)


def _surface(laws: Laws, level: float) -> pd.DataFrame:
    """The weighted loss over all mixtures of two domains, or of three."""
    count = len(laws.domains)
    first = np.linspace(0, 1, _CURVE)
    shares = np.stack([first, 1 - first], axis=1)
    if count > 2:
        steps = np.arange(_SIDE)
        a, b = (grid.ravel() for grid in np.meshgrid(steps, steps, indexing="ij"))
        kept = a + b < _SIDE
        shares = np.stack([a, b, _SIDE - 1 - a - b], axis=1)[kept] / (_SIDE - 1)
    if count > 3:
        shares = np.empty((0, count))
    table = pd.DataFrame(shares, columns=list(laws.domains))
    draws = laws.drawn.target(shares) if laws.drawn is not None and count == 2 else None
    return with_ends(table, "loss", laws.best.target(shares)[0], draws, level)


def _at_edge(table: pd.DataFrame) -> tuple[Issue, ...]:
    """An issue where a best share is not inside what the runs had."""
    share, low, high = (table[name].to_numpy() for name in ("share", "runs_from", "runs_to"))
    below = (share <= low + SAME) & (low > SAME)
    above = (share >= high - SAME) & (high < 1 - SAME)
    edge = np.flatnonzero(below | above)
    if not len(edge):
        return ()
    told = ", ".join(f"{table['domain'][j]} {human(share[j])} (runs {human(low[j])} to "
                     f"{human(high[j])})" for j in edge)  # fmt: skip
    return (Issue(
        "mixture-at-edge", "weakens",
        f"The best share is at or beyond the end of what the runs had: {told}.",
        "Add runs beyond it; the law alone does not tell what they would lose."),)  # fmt: skip


def _flat(table: pd.DataFrame, loss: float) -> tuple[Issue, ...]:
    """An issue where shares may be moved at hardly any cost."""
    least = table[["cost_of_less", "cost_of_more"]].min(axis=1).to_numpy()
    names = table.loc[least < _FLAT * abs(loss), "domain"]
    if not len(names):
        return ()
    return (Issue(
        "flat-mixture", "note",
        f"Moving the share of {listed(names)} by {_MOVED:g} costs less than "
        f"{100 * _FLAT:g}% of the loss.",
        "Let supply, price or other losses decide there."),)  # fmt: skip

"""Where two recipes cross: which is better below, which above, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling.answer import Answer
from scaling.columns import COLUMNS
from scaling.cost import Cost
from scaling.errors import Issue, ScalingError
from scaling.forecast.crossings import crossings, signs, turning_places, turns
from scaling.forecast.sides import (
    SAME,
    UNNAMED,
    Pair,
    pair_of,
    same_recipes,
    share_below,
    undefined,
)  # fmt: skip
from scaling.frontier.table import with_ends
from scaling.frontier.terms import positive
from scaling.reach import HORIZON, beyond, beyond_issues
from scaling.source import Source, summarise
from scaling.text import human, percent

__all__ = ["Crossover", "crossover"]

Array: TypeAlias = NDArray[np.float64]

_GRID = 97
_FAR = 10.0 ** np.arange(0.0, 61.0)  # where the best laws are looked at outside the range
_SHOWN = 8  # rows of winners at most, where none were asked for
_TOLD_FAR = 6  # powers of ten from which a distance is no longer counted
_EITHER = "either"  # wins where the best laws tie
_UNDECIDED = "undecided"
_DECIDED = 0.9  # share of draws that must agree with the best laws for a winner to be named


@dataclass(frozen=True)
class Crossover(Answer):
    """Where two recipes cross, and which one wins where.

    Its table has one row a crossing of the best laws in the range asked for: the place with its
    ends (0 or infinite where that end of the draws crosses outside the range), the winners
    ``below`` and ``above``, the probabilities that the recipes cross so within the range and
    within the runs, and how far beyond the runs the place is.

    Attributes
    ----------
    names : (str, str)
        What the two are called.
    axis : str
        Column along which they cross.
    target : str
        Column of the loss.
    between : (float, float)
        Range that crossings were looked for in.
    reach : (float, float) or None
        From the first to the last run of both, where known.
    probability : float
        Share of the draws that cross anywhere in the range, either way, of those that have a loss
        throughout it; NaN without draws.
    crossed : (float, float)
        Between which places the middle ``level`` of all crossings of the draws lie, either way;
        NaN where none cross.
    winners : DataFrame
        At a few places: both losses with ends, ``difference`` (the first less the second), the
        ``winner``, and ``probability``: the share of draws in which it has the lower loss. Where
        fewer than 90% of draws agree with the best laws the winner is ``undecided``, and the
        probability is that of the one with the lower loss at its best law. ``either`` is a tie.
    curves : DataFrame
        The same at many places, for a figure.
    """

    names: tuple[str, str] = ("a", "b")
    axis: str = "compute"
    target: str = "loss"
    between: tuple[float, float] = (0.0, np.inf)
    reach: tuple[float, float] | None = None
    probability: float = np.nan
    crossed: tuple[float, float] = (np.nan, np.nan)
    winners: pd.DataFrame = field(default_factory=pd.DataFrame)
    curves: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)

    @property
    def printed(self) -> pd.DataFrame:
        """Who wins where; the crossings are told in sentences."""
        return self.winners.drop(columns=["difference", "difference_low", "difference_high"])

    @property
    def notes(self) -> tuple[str, ...]:
        """The crossings in words, and what the intervals are."""
        unit = _unit(self.axis)
        low, high = (human(end) for end in self.between)
        said = [self._said(row, unit) for _, row in self.table.iterrows()]
        if self.table.empty:
            none = f"The best laws do not cross between {low} and {high}{unit}"
            said = [f"{none}{self._said_of_draws()}."]
        return (*said, *self._said_of_winners(), self.intervals)

    def _said_of_draws(self) -> str:
        if np.isnan(self.probability):
            return ""
        share = f"; {percent(self.probability)} of draws do"
        if np.isnan(self.crossed).any():
            return share
        first, last = (human(end) for end in self.crossed)
        return f"{share}, {100 * self.level:.10g}% of their crossings between {first} and {last}"

    def _said_of_winners(self) -> tuple[str, ...]:
        if self.winners["probability"].isna().all():
            return ()
        said = "probability: share of draws in which the winner has the lower loss"
        if (self.winners["winner"] == _UNDECIDED).any():
            said += (f"; undecided where under {percent(_DECIDED)}, and then of the one whose best "
                     "law is lower")  # fmt: skip
        return (f"{said}.",)

    def _said(self, row: pd.Series, unit: str) -> str:
        at = human(row[self.axis])
        low, high = row[f"{self.axis}_low"], row[f"{self.axis}_high"]
        if not np.isnan(low):
            first = f"under {human(self.between[0])}" if low == 0 else human(low)
            last = f"over {human(self.between[1])}" if np.isinf(high) else human(high)
            at += f" [{first}, {last}]"
        said = f"{row['below']} is better below {at}{unit}, {row['above']} above"
        if np.isnan(row["probability"]):
            return f"{said}."
        share = f"; {percent(row['probability'])} of draws cross so in the range asked for"
        if np.isfinite(row["probability_within_runs"]):
            share += f", {percent(row['probability_within_runs'])} within the runs"
        return f"{said}{share}."

    def to_dict(self) -> dict[str, Any]:
        """Plain values, with who wins where."""
        return {
            **super().to_dict(), "names": list(self.names), "axis": self.axis,
            "target": self.target, "between": list(self.between), "probability": self.probability,
            "crossed": list(self.crossed), "winners": self.winners.to_dict(orient="records"),
        }  # fmt: skip


def crossover(
    a: Source,
    b: Source,
    *,
    compute: Any = None,
    between: Sequence[Any] | None = None,
    names: Sequence[str] | None = None,
    cost: Cost | None = None,
    held: Mapping[str, Any] | None = None,
    level: float = 0.9,
) -> Crossover:
    """Where the losses of two recipes cross, each at its best for the compute.

    Laws of params and tokens are compared at a compute, each with its own best size; laws of one
    input along that input.

    Parameters
    ----------
    a, b : Fit, Published or Law
        The two recipes. Resamples are paired by index.
    compute : float, str or array_like, shape (m,), optional
        Where to say who wins; powers of ten in the range by default. For laws of one input other
        than compute, values of that input.
    between : (float, float), optional
        Range to look for crossings in; by default from the smallest run to a thousand times the
        largest.
    names : (str, str), optional
        What to call the two; by default the recipe of their runs, a published law's name, or
        ``a`` and ``b``.
    cost : Cost, optional
        What compute means for both; each one's own by default.
    held : mapping of str to float, optional
        Inputs that do not move.
    level : float

    Returns
    -------
    Crossover

    Raises
    ------
    ScalingError
        If the two cannot be compared, or ``between`` is needed: neither knows its runs.

    Examples
    --------
    >>> import scaling
    >>> quick = scaling.laws.PowerLaw(A=8.0, alpha=0.05)
    >>> steady = scaling.laws.PowerLaw(A=20.0, alpha=0.07)
    >>> found = scaling.crossover(quick, steady, between=(1e18, 1e24), names=("quick", "steady"))
    >>> found.table["below"].item(), f"{found.table['x'].item():.3g}"
    ('quick', '7.89e+19')
    """
    pair = pair_of(a, b, names, cost, held, level)
    low, high = _between(between, pair)
    places = _places(low, high) if compute is None else positive(pair.a.axis, compute)
    grid = np.geomspace(low, high, _GRID)
    gaps = [np.atleast_2d(pair.gap(laws, grid)) for laws in pair.laws]
    table = crossings(pair, grid, gaps, level)
    issues = _outside(pair, table, gaps[0], (low, high))
    share, crossed = np.nan, (np.nan, np.nan)
    if pair.drawn:
        issues += undefined(gaps[1])
        lead = signs(gaps[1])
        known = ~np.isnan(lead).any(axis=-1)
        share = float(turns(lead[known]).any(axis=-1).mean()) if known.any() else np.nan
        crossed = _middle(turning_places(gaps[1], grid), level)
    curves = _winners(pair, grid, level)
    issues += [*_not_told_apart(pair, curves), *pair.issues(level)]
    first, second = pair.names
    both = f"{first} or {second}" if (first, second) == UNNAMED else f"{first} (a) or {second} (b)"
    return Crossover(
        table, f"Which is better, {both}", level, pair.kind, tuple(issues), pair.names,
        pair.a.axis, pair.a.target, (low, high), pair.reach, share, crossed,
        _winners(pair, places, level), curves,
    )  # fmt: skip


def _between(between: Sequence[Any] | None, pair: Pair) -> tuple[float, float]:
    if between is None:
        if pair.reach is None:
            raise ScalingError(
                f"Neither {pair.a.name} nor {pair.b.name} knows the {pair.a.axis} of its runs; "
                "say where to look with between=(low, high)."
            )
        return pair.reach[0], pair.reach[1] * HORIZON
    ends = positive(pair.a.axis, between)
    if len(ends) != 2 or not ends[0] < ends[1]:
        raise ScalingError(f"between must be two numbers, the lower first; got {between!r}.")
    return float(ends[0]), float(ends[1])


def _middle(places: Array, level: float) -> tuple[float, float]:
    """Ends of the middle of the crossings; NaN where there are none."""
    _, low, high = summarise(np.nan, places if places.size else None, level)
    return float(low), float(high)


def _places(low: float, high: float) -> Array:
    """Powers of ten in a range, few of them; the range in parts where it holds under three."""
    powers = np.arange(np.ceil(np.log10(low) - 1e-9), np.floor(np.log10(high) + 1e-9) + 1)
    if len(powers) < 3:
        return np.geomspace(low, high, 5)
    return np.asarray(10.0 ** powers[:: -(-len(powers) // _SHOWN)])


def _winners(pair: Pair, at: Array, level: float) -> pd.DataFrame:
    """Both losses, their difference and the winner at places along the axis."""
    best = [curve.loss(law, at) for curve, law in zip((pair.a, pair.b), pair.laws[0], strict=True)]
    drawn: list[Array] | None = None
    if pair.drawn:
        drawn = [
            np.broadcast_to(curve.loss(law, at), (pair.count, len(at)))
            for curve, law in zip((pair.a, pair.b), pair.laws[1], strict=True)
        ]
    table = pd.DataFrame({pair.a.axis: at})
    for place, name in enumerate((f"{pair.a.target}_a", f"{pair.b.target}_b")):
        own = (pair.draws_a, pair.draws_b)[place] is not None
        table = with_ends(table, name, best[place], drawn[place] if drawn and own else None, level)
    gap = best[0] - best[1]
    table = with_ends(table, "difference", gap, drawn[0] - drawn[1] if drawn else None, level)
    tie = np.abs(np.log(best[0]) - np.log(best[1])) < SAME
    table["winner"] = np.where(tie, _EITHER, np.where(gap < 0, *pair.names))
    table["probability"] = np.nan
    if drawn:
        behind = np.where(gap < 0, drawn[0] - drawn[1], drawn[1] - drawn[0])
        table["probability"] = share_below(behind, 0.0)
        open_ = table["probability"].round(2) < _DECIDED  # rounded as it is printed
        table.loc[~tie & open_, "winner"] = _UNDECIDED
    if pair.reach is not None:
        table["beyond"] = beyond({pair.a.axis: pair.reach}, {pair.a.axis: at})
    return table


def _outside(
    pair: Pair, table: pd.DataFrame, gap: Array, between: tuple[float, float]
) -> list[Issue]:
    """What there is to say of laws that do not cross in the range, or only far from the runs."""
    same = same_recipes(pair, gap)
    if same:
        return list(same)
    far = [row for row in table["beyond"] if row > HORIZON]
    if far:
        return [_far_issue(f"a crossing is {_distance(max(far))} beyond the runs")]
    if not table.empty or pair.reach is None:
        far_away = table["beyond"].dropna().to_numpy()
        return list(beyond_issues(far_away, widened=pair.widens, drawn=pair.drawn))
    sign = signs(np.atleast_2d(pair.gap(pair.laws[0], _FAR)))
    found = np.sqrt(_FAR[:-1] * _FAR[1:])[turns(sign)[0]]
    away = np.where(found > between[1], found / pair.reach[1], pair.reach[0] / found)
    outside = np.sort(away[(found < between[0]) | (found > between[1])])
    if not outside.size:
        return []
    if outside[0] > HORIZON:
        return [_far_issue(f"the best laws cross only {_distance(outside[0])} beyond the runs")]
    return [Issue(
        "crossing-outside", "note",
        f"The best laws cross outside the range asked for, {_distance(outside[0])} beyond the "
        "runs.",
        "Ask again with a wider between=(low, high).")]  # fmt: skip


def _not_told_apart(pair: Pair, curves: pd.DataFrame) -> list[Issue]:
    """An issue where the interval of the difference holds 0 all along, as for one recipe twice."""
    low, high = curves["difference_low"], curves["difference_high"]
    if not ((low <= 0) & (high >= 0)).all() or (curves["winner"] == _EITHER).all():
        return []
    return [Issue(
        "not-told-apart", "weakens",
        f"Nowhere in the range does the interval of the difference of {pair.a.name} and "
        f"{pair.b.name} leave out 0: who wins, and any crossing, may be noise.",
        "Add runs of both, or repeat some.")]  # fmt: skip


def _distance(times: float) -> str:
    """A distance in words: no digits that mean nothing."""
    power = int(np.floor(np.log10(times)))
    return f"over 10^{min(power, _TOLD_FAR)} times" if power >= 1 else "a little"


def _far_issue(found: str) -> Issue:
    return Issue(
        "crossing-far", "weakens",
        f"{found[0].upper()}{found[1:]}: rounding or noise in an exponent moves such a crossing by "
        "many powers of ten, so take it as no crossing.",
        "Judge by who wins at the computes you plan.",
    )  # fmt: skip


def _unit(axis: str) -> str:
    unit = COLUMNS[axis].unit if axis in COLUMNS else axis
    return f" {unit}" if unit else ""

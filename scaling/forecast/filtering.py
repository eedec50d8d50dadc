"""Which pools of data to keep at each number of samples seen: quality against repetition."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling.answer import Answer, level_issues
from scaling.errors import Issue, worst_first
from scaling.forecast.pairing import one_sided, unpaired
from scaling.forecast.pool_sets import (
    ERROR,
    SEEN,
    SIZE,
    draws_of,
    errors_of,
    pools_of,
    reach_of,
    sets_of,
    sizes_of,
    total_of,
)
from scaling.frontier.table import with_ends
from scaling.frontier.terms import positive
from scaling.reach import beyond, beyond_issues
from scaling.source import Source, check_level, summarise
from scaling.text import human, percent

__all__ = ["PoolChoice", "which_pools"]

Array: TypeAlias = NDArray[np.float64]

_PLACES = 121  # along the range asked for, where sets are compared
_SURE = 0.9  # share of draws that must agree
_SAME_FLOOR = 1e-9
_BETWEEN = " + "


@dataclass(frozen=True)
class PoolChoice(Answer):
    """The pools to keep at each number of samples seen.

    Attributes
    ----------
    table : DataFrame
        One row a number of samples: the set to ``keep``, its ``pool_size`` and ``epochs``, the
        ``error`` with its ends, the ``probability`` that no other set has a lower one, and
        ``beyond``.
    curves : DataFrame
        Error of each set along the range, with its ends and the probability that it wins.
    switches : DataFrame
        One row a change of the best set: ``before``, ``after``, and the ``samples_seen`` where
        their errors cross, with its ends: 0 or infinite where ``before`` or ``after`` is never
        the better in that many draws.
    columns : mapping of str to str
        What ``samples_seen``, ``pool_size`` and ``error`` are called in these tables: as in the
        runs.
    """

    curves: pd.DataFrame = field(default_factory=pd.DataFrame)
    switches: pd.DataFrame = field(default_factory=pd.DataFrame)
    columns: Mapping[str, str] = field(default_factory=dict)

    @property
    def notes(self) -> tuple[str, ...]:
        """Where to switch, what the columns mean, and what the intervals are."""
        seen = self.columns[SEEN]
        said = [
            f"Keep {row['before']} up to {_place(row, seen)} samples seen, then {row['after']}."
            for _, row in self.switches.iterrows()
        ]
        kept = self.table["keep"].iloc[0]
        return (
            *(said or [f"Keep {kept} throughout."]),
            "probability: share of draws in which the set kept has the lowest error.",
            "A mix is taken as in Goyal et al. 2024: the half-life of a pool, in passes over the "
            "mix, is longer by the inverse of its share.",
            self.intervals,
        )  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """Plain values, with the switches."""
        return {**super().to_dict(), "switches": self.switches.to_dict(orient="records")}


def which_pools(
    fits: Mapping[str, Source],
    samples: Any,
    *,
    sizes: Mapping[str, float] | float | None = None,
    sets: str | Sequence[Collection[str]] = "top",
    level: float = 0.9,
) -> PoolChoice:
    """Pools of data whose mix has the lowest error at each number of samples seen.

    A small good pool wins at first; repeated often it teaches no more, and a larger, worse mix
    overtakes it. A mix takes samples evenly from the union of its pools.

    Parameters
    ----------
    fits : mapping of str to Fit or DataUtility
        The law of each pool, best from one joint fit:
        ``fit(DataUtility, runs, by="pool", shared=("n0", "d"))``. Draws are paired by index.
    samples : float, str or array_like, shape (m,)
        Samples seen, repeats counted.
    sizes : mapping of str to float, or float, optional
        Distinct samples in each pool, or in every one; those of the runs by default.
    sets : "top", "any", or sequence of collections of str
        Sets to choose from: the pools of most utility, one, two, and so on; any set of at most
        eight pools; or those named.
    level : float

    Returns
    -------
    PoolChoice

    Raises
    ------
    ScalingError
        If the fits are not of ``DataUtility``, a pool's size is not known, or a set names no pool.

    Notes
    -----
    For pools of one size the mix is that of Goyal et al. 2024: p pools have half-lives p times as
    long, and their utility is the mean. Pools of other sizes weigh by their share, which gives the
    same for a pool that is split. So the log of the error above d is the mean of those that each
    pool would have at the size of the mix. The rule is the paper's; only runs on a mix test it.

    Examples
    --------
    >>> from scaling.laws import DataUtility
    >>> pools = {"good": DataUtility(n0=5e5, b=0.2, tau=3, d=0.1),
    ...          "fair": DataUtility(n0=5e5, b=0.16, tau=3, d=0.1)}
    >>> found = which_pools(pools, [1e7, 1e9], sizes=1e7)
    >>> list(found.table["keep"])
    ['good', 'good + fair']
    """
    check_level(level)
    pools = pools_of(fits)
    seen = positive(SEEN, samples)
    size = sizes_of(pools, sizes)
    chosen = sets_of(pools, sets)
    places = np.unique(np.concatenate([seen, np.geomspace(seen.min(), seen.max(), _PLACES)]))
    best = errors_of(chosen, {name: one.best for name, one in pools.items()}, size, places)[:, 0]
    drawn = draws_of(pools)
    draws = None if drawn is None else errors_of(chosen, drawn, size, places)
    names = [_BETWEEN.join(members) for members in chosen]
    curves = _curves(names, places, best, draws, level)
    switches = _switches(names, places, best, draws, level)
    table = _table(curves, seen, dict(zip(names, (total_of(m, size) for m in chosen), strict=True)))
    reach = reach_of(pools)
    if reach is not None:
        table["beyond"] = beyond({SEEN: reach}, {SEEN: seen})
    issues = [*_issues(pools, table), *one_sided(pools), *unpaired(pools), *_told(fits, pools)]
    if reach is not None:
        issues += beyond_issues(table["beyond"].to_numpy(), drawn=draws is not None)
    if draws is not None:
        issues += level_issues(draws.shape[1], level)
    kinds = {} if draws is None else dict.fromkeys(one.draws_kind for one in pools.values())
    title = f"Which of {len(pools)} pools to keep, by the number of samples seen"
    columns = dict(next(iter(pools.values())).columns)
    called = {f"{role}{end}": f"{columns[role]}{end}" for role in columns
              for end in ("", "_low", "_high")}  # fmt: skip
    table, curves, switches = (one.rename(columns=called) for one in (table, curves, switches))
    return PoolChoice(
        table, title, level, " and ".join(kinds) or "none", worst_first(issues), curves, switches,
        columns,
    )  # fmt: skip


def _curves(
    names: Sequence[str], places: Array, best: Array, draws: Array | None, level: float
) -> pd.DataFrame:
    """Error of each set at each place, and the share of draws in which it is the lowest."""
    wins = None if draws is None else draws.argmin(axis=0)
    tables = []
    for number, name in enumerate(names):
        table = pd.DataFrame({"keep": name, SEEN: places})
        own = None if draws is None else draws[number]
        table = with_ends(table, ERROR, best[number], own, level)
        table["probability"] = np.nan if wins is None else (wins == number).mean(axis=0)
        tables.append(table.assign(lowest=best.argmin(axis=0) == number))
    return pd.concat(tables, ignore_index=True)


def _table(curves: pd.DataFrame, seen: Array, totals: Mapping[str, float]) -> pd.DataFrame:
    """The best set at each number of samples asked for."""
    lowest = curves[curves["lowest"]].set_index(SEEN)
    table = lowest.reindex(seen).reset_index().drop(columns="lowest")
    table.insert(2, SIZE, [totals[name] for name in table["keep"]])
    table.insert(3, "epochs", table[SEEN] / table[SIZE])
    return table


def _switches(
    names: Sequence[str], places: Array, best: Array, draws: Array | None, level: float
) -> pd.DataFrame:
    """Where the best set changes, and how far its draws move that place."""
    lowest = best.argmin(axis=0)
    rows = []
    for place in np.flatnonzero(np.diff(lowest)):
        before, after = lowest[place], lowest[place + 1]
        gap = np.log(best[before]) - np.log(best[after])
        near = np.log(places[place : place + 2])
        at = float(np.exp(np.interp(0.0, gap[place : place + 2], near)))
        moved = None if draws is None else _crossings(
            np.log(draws[before]) - np.log(draws[after]), np.log(places), np.log(at))  # fmt: skip
        value, low, high = summarise(at, moved, level)
        rows.append((names[before], names[after], float(value), float(low), float(high)))
    columns = ["before", "after", SEEN, f"{SEEN}_low", f"{SEEN}_high"]
    return pd.DataFrame(rows, columns=columns)


def _crossings(gap: Array, logs: Array, near: float) -> Array:
    """Place where each draw's gap, shape (k, m), turns positive, the nearest to a log place.

    0 where it is positive all along, infinite where it never turns so.
    """
    left, right = gap[:, :-1], gap[:, 1:]
    turns = (left <= 0) & (right > 0)
    share = np.where(turns, -left / np.where(turns, right - left, 1.0), 0.0)
    at = logs[:-1] + share * np.diff(logs)
    nearest = np.where(turns, np.abs(at - near), np.inf).argmin(axis=1)
    never = np.where((gap > 0).all(axis=1), 0.0, np.inf)
    return np.where(turns.any(axis=1), np.exp(at[np.arange(len(gap)), nearest]), never)


def _place(row: pd.Series, seen: str) -> str:
    at, low, high = (float(row[f"{seen}{end}"]) for end in ("", "_low", "_high"))
    if np.isnan(low):
        return human(at)
    ends = ("any" if low == 0 else human(low), "never" if np.isinf(high) else human(high))
    return f"{human(at)} [{ends[0]}, {ends[1]}]"


def _issues(pools: Mapping[str, Source], table: pd.DataFrame) -> list[Issue]:
    """What weakens the choice itself."""
    found = []
    floors = [float(np.ravel(one.best.values["d"])[0]) for one in pools.values()]
    if np.ptp(floors) > _SAME_FLOOR:
        found.append(Issue(
            "floors-apart", "weakens",
            f"The irreducible errors of the pools run from {min(floors):.3g} to "
            f"{max(floors):.3g}: at many samples these decide, and they are the least known.",
            "Share d among the pools: fit(DataUtility, runs, by=..., shared=('n0', 'd')).",
        ))  # fmt: skip
    least = table.sort_values("probability", kind="stable")
    if least["probability"].iloc[0] < _SURE:
        row = least.iloc[0]
        found.append(Issue(
            "set-undecided", "weakens",
            f"At {human(row[SEEN])} samples seen {row['keep']} is the best set in only "
            f"{percent(row['probability'])} of the draws.",
            "Read .curves for the others; runs near there would decide."))  # fmt: skip
    return found


def _told(fits: Any, pools: Mapping[str, Source]) -> Sequence[Issue]:
    """What weakens the fits, each issue once."""
    together: Sequence[Issue] = getattr(fits, "issues", ())
    return together or [issue for one in pools.values() for issue in one.issues]

"""Sets of pools: which there are, how large, and the error of a mix of each."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import combinations
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from scaling.errors import ScalingError, one_of
from scaling.forecast.pairing import paired
from scaling.frontier.terms import positive
from scaling.law import Law
from scaling.laws import DataUtility
from scaling.source import Source
from scaling.text import human, listed, quoted

__all__ = [
    "ERROR", "SEEN", "SIZE", "draws_of", "errors_of", "pools_of", "reach_of", "sets_of",
    "sizes_of", "total_of",
]  # fmt: skip

Array: TypeAlias = NDArray[np.float64]
Sets: TypeAlias = tuple[tuple[str, ...], ...]

SEEN, SIZE = DataUtility.inputs
ERROR = DataUtility.target
_MOST_POOLS = 8  # of which every subset is tried: 255 sets
_TOP, _ANY = "top", "any"


def pools_of(fits: Any) -> dict[str, Source]:
    """The laws by pool, or one sentence."""
    if not isinstance(fits, Mapping) or not fits:
        raise ScalingError(
            "which_pools needs a mapping from pool to its law, such as fit(DataUtility, runs, "
            f"by='pool', shared=('n0', 'd')); got {quoted(fits)}."
        )
    for name, one in fits.items():
        if not isinstance(getattr(one, "best", None), DataUtility):
            kind = type(getattr(one, "best", one)).__name__
            raise ScalingError(f"which_pools needs a DataUtility law of every pool; {name} has "
                               f"{kind}.")  # fmt: skip
    for role in (SEEN, SIZE, ERROR):
        called = dict.fromkeys(one.columns[role] for one in fits.values())
        if len(called) > 1:
            raise ScalingError(f"All pools must have one column as {role}; theirs are "
                               f"{listed(called)}.")  # fmt: skip
    return {str(name): one for name, one in fits.items()}


def reach_of(pools: Mapping[str, Source]) -> tuple[float, float] | None:
    """Fewest and most samples seen by a run of any pool, where that is known."""
    ends = [one.ranges[one.columns[SEEN]] for one in pools.values()
            if one.columns[SEEN] in one.ranges]  # fmt: skip
    return (min(low for low, _ in ends), max(high for _, high in ends)) if ends else None


def sizes_of(pools: Mapping[str, Source], sizes: Any) -> dict[str, float]:
    """Distinct samples of each pool."""
    if sizes is not None and not isinstance(sizes, Mapping):
        sizes = dict.fromkeys(pools, sizes)
    found = {}
    for name, one in pools.items():
        low, high = one.ranges.get(one.columns[SIZE], (np.nan, np.nan))
        if sizes is not None and name in sizes:
            given = positive(SIZE, sizes[name])
            if np.ndim(sizes[name]):
                raise ScalingError(f"The size of {name} must be one number; got {len(given)}. Name "
                                   "those of several pools: sizes={'a': 1e7, ...}.")  # fmt: skip
            found[name] = float(given[0])
        elif low == high:
            found[name] = low
        else:
            known = f"from {human(low)} to {human(high)} in its runs" if high > low else "not known"
            raise ScalingError(f"The size of {name} is {known}; say it: sizes={{{name!r}: ...}}.")
    for name in sizes or ():
        one_of("sizes", name, tuple(pools))
    return found


def sets_of(pools: Mapping[str, Source], sets: Any) -> Sets:
    """Sets of pools to choose from, each in the order of utility."""
    order = sorted(pools, key=lambda name: -float(np.ravel(pools[name].best.values["b"])[0]))
    if isinstance(sets, str):
        one_of("sets", sets, (_TOP, _ANY))
        if sets == _TOP:
            return tuple(tuple(order[:count]) for count in range(1, len(order) + 1))
        if len(order) > _MOST_POOLS:
            raise ScalingError(f"sets='any' tries every set of at most {_MOST_POOLS} pools; got "
                               f"{len(order)}. Name the sets, or use sets='top'.")  # fmt: skip
        return tuple(members for count in range(1, len(order) + 1)
                     for members in combinations(order, count))  # fmt: skip
    if not isinstance(sets, Collection) or not all(isinstance(one, Collection) for one in sets):
        raise ScalingError("sets must be 'top', 'any', or a list of sets of pools, such as "
                           f"[('a', 'b'), ('c',)]; got {quoted(sets)}.")  # fmt: skip
    named = [(members,) if isinstance(members, str) else tuple(members) for members in sets]
    for member in (member for members in named for member in members):
        one_of("sets", member, tuple(order))
    if not named or not all(named):
        raise ScalingError("sets must hold one set of pools or more, none of them empty.")
    return tuple(dict.fromkeys(tuple(name for name in order if name in members)
                               for members in named))  # fmt: skip


def total_of(members: Sequence[str], size: Mapping[str, float]) -> float:
    """Distinct samples in a set."""
    return sum(size[name] for name in members)


def draws_of(pools: Mapping[str, Source]) -> dict[str, Law] | None:
    """As many draws of each pool, paired by index; None where a pool has none."""
    known = {name: law for name, law in zip(pools, paired(pools.values()), strict=True)
             if law is not None}  # fmt: skip
    return known if len(known) == len(pools) else None


def errors_of(
    sets: Sets, laws: Mapping[str, Law], size: Mapping[str, float], places: Array
) -> Array:  # fmt: skip
    """Error of each set at each place, shape (sets, k, m)."""
    known: dict[tuple[str, float], Array] = {}
    found = []
    for members in sets:
        total = total_of(members, size)
        log_excess, floor = np.zeros(1), np.zeros(1)
        for name in members:
            share = size[name] / total
            if (name, total) not in known:
                known[name, total] = _log_excess(laws[name], share, places, total)
            log_excess = log_excess + share * known[name, total]
            floor = floor + share * np.reshape(laws[name].values["d"], (-1, 1))
        found.append(np.exp(log_excess) + floor)
    return np.stack(found)


def _log_excess(law: Law, share: float, places: Array, total: float) -> Array:
    """Log of a pool's error above d, were all of the mix of its kind, shape (k, m)."""
    values = {name: np.reshape(value, (-1, 1)) for name, value in law.values.items()}
    mixed = DataUtility.unchecked({**values, "tau": values["tau"] / share, "d": 0.0})
    return np.asarray(np.log(mixed.formula(places, total)))

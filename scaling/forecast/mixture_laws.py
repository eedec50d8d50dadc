"""Laws of mixtures as arrays: checked, weighted, and solved for their best shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from scaling.errors import ScalingError
from scaling.forecast.pairing import paired
from scaling.frontier.simplex import least_shares
from scaling.law import Law
from scaling.laws.factories import Origin, origin_of
from scaling.source import Source
from scaling.text import brief, listed, quoted

__all__ = ["SAME", "Laws", "Many", "limits"]

Array: TypeAlias = NDArray[np.float64]

SAME = 1e-6  # shares this near are one
_LEAST_K = 1e-300  # stands for a k of 0, which has no logarithm


@dataclass(frozen=True)
class Many:
    """k laws of each of v validation sets in j domains, as arrays."""

    floors: Array  # (k, v)
    logs: Array  # (k, v, j): logarithms of the coefficients k
    weights: Array  # (v,), which add to 1

    @classmethod
    def of(cls, laws: list[Law], domains: tuple[str, ...], count: int, weights: Array) -> Many:
        """``count`` laws of each validation set; a single law stands for as many."""

        def column(law: Law, name: str) -> Array:
            return np.broadcast_to(np.ravel(law.values[name]), count)

        floors = [column(law, "c") for law in laws]
        alone = [[column(law, f"k_{name}") for name in domains] for law in laws]
        logs = np.log(np.maximum(alone, _LEAST_K))
        return cls(np.stack(floors, axis=1), np.moveaxis(logs, 2, 0), weights)

    def losses(self, shares: Array) -> Array:
        """Losses of n mixtures, shape (k, n, v); shares have shape (n, j) or (k, n, j)."""
        return np.asarray(self.floors[:, None] + np.exp(shares @ np.swapaxes(self.logs, 1, 2)))

    def target(self, shares: Array) -> Array:
        """Weighted mean of the losses, shape (k, n)."""
        return np.asarray(self.losses(shares) @ self.weights)

    def least(self, low: Array, high: Array) -> Array:
        """Best shares of each of the k laws, shape (k, j)."""
        counted = self.weights > 0
        logs = np.broadcast_to(np.log(self.weights[counted]), self.floors[:, counted].shape)
        return least_shares(self.logs[:, counted], logs, low, high)


@dataclass(frozen=True)
class Laws:
    """What was asked: laws by validation set, checked, with what is known of them."""

    sources: Mapping[str, Source]
    domains: tuple[str, ...]
    best: Many
    drawn: Many | None
    kind: str
    ranges: tuple[Array, Array]

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the shares."""
        one = next(iter(self.sources.values()))
        return tuple(one.columns[role] for role in type(one.best).inputs)

    @classmethod
    def of(cls, fits: Any, weights: Any) -> Laws:
        """What the arguments of the same names say, or one sentence."""
        sources = _sources(fits)
        domains = _domains(sources)
        shares = _weights(weights, tuple(sources))
        best = [source.best for source in sources.values()]
        drawn = [law or one for law, one in zip(paired(sources.values()), best, strict=True)]
        kinds = dict.fromkeys(s.draws_kind for s in sources.values() if s.draws is not None)
        return cls(
            sources, domains, Many.of(best, domains, 1, shares),
            Many.of(drawn, domains, max(law.count for law in drawn), shares) if kinds else None,
            " and ".join(kinds) or "none", _ranges(sources, domains),
        )  # fmt: skip


def _sources(fits: Any) -> dict[str, Source]:
    """Sources by the name of their validation set, each a law of mixtures."""
    named = fits if isinstance(fits, Mapping) else {_target_of(fits): fits}
    if not named:
        raise ScalingError("best_mixture needs a fit of data_mixing; got an empty mapping.")
    for name, source in named.items():
        family = type(getattr(source, "best", None))
        origin = origin_of(family)
        if not isinstance(origin, Origin) or origin.factory != "data_mixing":
            called = family.__name__ if hasattr(source, "best") else type(source).__name__
            raise ScalingError("best_mixture needs fits of scaling.laws.data_mixing, one a "
                               f"validation set; got {called} for {quoted(name)}.")  # fmt: skip
    return {str(name): source for name, source in named.items()}


def _target_of(source: Any) -> str:
    """Column of the loss of one source, which is then its validation set's name."""
    columns = getattr(source, "columns", None)
    return str(columns["loss"]) if isinstance(columns, Mapping) and "loss" in columns else "loss"


def _domains(sources: Mapping[str, Source]) -> tuple[str, ...]:
    """Domains that all laws have, in the same columns."""
    told = [(name, type(source.best).inputs, source) for name, source in sources.items()]
    first, roles, one = told[0]
    for name, others, source in told[1:]:
        ours, theirs = (
            [s.columns[role] for role in r] for s, r in ((one, roles), (source, others))
        )
        if others != roles or ours != theirs:
            raise ScalingError(
                f"All laws must be of the same shares in the same order; {first} has "
                f"{listed(ours)}, and {name} {listed(theirs)}."
            )
    domains: tuple[str, ...] = origin_of(type(one.best)).arguments["domains"]
    return domains


def _weights(weights: Any, names: tuple[str, ...]) -> Array:
    """Weights of the validation sets, which add to 1."""
    if weights is None:
        return np.full(len(names), 1 / len(names))
    if not isinstance(weights, Mapping) or set(map(str, weights)) != set(names):
        got = listed(weights) if isinstance(weights, Mapping) else quoted(weights)
        raise ScalingError(f"weights= must have a number for each of {listed(names)}; got {got}.")
    given = {str(name): _number(value) for name, value in weights.items()}
    array = np.array([given[name] for name in names])
    if not (np.isfinite(array).all() and (array >= 0).all() and array.sum() > 0):
        raise ScalingError("weights= must be 0 or more, and not all 0; got "
                           f"{', '.join(brief(value) for value in weights.values())}.")  # fmt: skip
    return np.asarray(array / array.sum())


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float | np.number) else float("nan")


def limits(bounds: Any, laws: Laws) -> tuple[Array, Array]:
    """Least and largest share of each domain, between which there is a mixture.

    They are those of the runs where none are asked for: a law of mixtures is often wrong beyond,
    most of all where a domain is left out.
    """
    domains = laws.domains
    low, high = (np.where(np.isnan(ends), whole, ends)
                 for ends, whole in zip(laws.ranges, (0.0, 1.0), strict=True))  # fmt: skip
    if bounds is not None and not isinstance(bounds, Mapping):
        raise ScalingError(
            "bounds= must be a mapping from domain to its least and largest share, such as "
            f"{domains[0]!r} to (0.2, 0.8); got {quoted(bounds)}."
        )
    for name, ends in (bounds or {}).items():
        if name not in domains:
            raise ScalingError(f"bounds= names {quoted(name)}; the domains are {listed(domains)}.")
        pair = [_number(end) for end in ends] if isinstance(ends, tuple | list) else []
        if len(pair) != 2 or not 0 <= pair[0] <= pair[1] <= 1:
            raise ScalingError(f"bounds= of {name} must be its least and largest share, such as "
                               f"(0.2, 0.8); got {brief(ends)}.")  # fmt: skip
        low[domains.index(name)], high[domains.index(name)] = pair
    for total, wrong, which, what in (
        (low.sum(), low.sum() > 1 + SAME, "least", "more than 1: lower some"),
        (high.sum(), high.sum() < 1 - SAME, "largest", "less than 1: raise some"),
    ):
        if wrong:
            ends = ", ".join(f"{name} {a:g} to {b:g}"
                             for name, a, b in zip(domains, low, high, strict=True))  # fmt: skip
            raise ScalingError(f"No mixture is within the bounds ({ends}): the {which} shares add "
                               f"to {total:.4g}, {what}.")  # fmt: skip
    return low, high


def _ranges(sources: Mapping[str, Source], domains: tuple[str, ...]) -> tuple[Array, Array]:
    """Least and largest share among the runs; NaN where that is not known."""
    ends = np.array([
        [source.ranges.get(source.columns[f"share_{name}"], (np.nan, np.nan)) for name in domains]
        for source in sources.values()
    ])  # fmt: skip
    return np.fmin.reduce(ends[:, :, 0]), np.fmax.reduce(ends[:, :, 1])

"""Draws of several sources, paired by index, and what is lost where they do not belong together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations

import numpy as np

from scaling.errors import Issue
from scaling.fitting import Fit
from scaling.law import Law
from scaling.source import Source
from scaling.text import listed

__all__ = ["one_sided", "paired", "unpaired"]


def paired(sources: Iterable[Source]) -> list[Law | None]:
    """As many draws of each source, the first ones; None for a source that has none."""
    draws = [source.draws for source in sources]
    count = min((law.count for law in draws if law is not None), default=0)
    return [None if law is None else _first(law, count) for law in draws]


def _first(draws: Law, count: int) -> Law:
    return type(draws).unchecked({
        name: value[:count] if np.size(value) > 1 else value for name, value in draws.values.items()
    })  # fmt: skip


def one_sided(sources: Mapping[str, Source]) -> list[Issue]:
    """An issue where only some of the sources have draws.

    Examples
    --------
    >>> import scaling
    >>> fit = scaling.fit(scaling.laws.Chinchilla, scaling.datasets.load("demo"), bootstrap=20)
    >>> [issue.code for issue in one_sided({"fit": fit, "law": fit.law})]
    ['one-sided-errors']
    """
    bare = [name for name, one in sources.items() if one.draws is None]
    if not 0 < len(bare) < len(sources):
        return []
    drawn = [name for name in sources if name not in bare]
    return [Issue(
        "one-sided-errors", "weakens",
        f"{listed(bare)} {'has' if len(bare) == 1 else 'have'} no resamples, so intervals hold the "
        f"errors of {listed(drawn)} only.", "Fit all to their runs with resamples.")]  # fmt: skip


def unpaired(sources: Mapping[str, Source]) -> list[Issue]:
    """An issue where fits share runs and not the resamples of them.

    Fits of runs that have nothing in common lose nothing: any draw of one goes with any of another.

    Examples
    --------
    >>> import scaling
    >>> runs = scaling.datasets.load("demo")
    >>> fits = {f"seed {seed}": scaling.fit(scaling.laws.Chinchilla, runs, seed=seed, bootstrap=20)
    ...         for seed in (0, 1)}
    >>> [issue.code for issue in unpaired(fits)]
    ['draws-unpaired']
    """
    fits = {name: one for name, one in sources.items()
            if isinstance(one, Fit) and one.draws is not None and one.runs is not None}  # fmt: skip
    apart = [pair for pair in combinations(fits, 2)
             if not _same_resamples(*(fits[name] for name in pair))
             and _share_runs(*(fits[name] for name in pair))]  # fmt: skip
    if not apart:
        return []
    names = listed(dict.fromkeys(name for pair in apart for name in pair))
    return [Issue(
        "draws-unpaired", "weakens",
        f"{names} share runs, and their resamples are not the same runs: what their errors have "
        "in common is lost, so intervals are too wide or too narrow.",
        "Fit each by itself to the same runs in the same order, with one seed.")]  # fmt: skip


def _same_resamples(a: Fit, b: Fit) -> bool:
    """Whether draw i of both is of the same runs: a joint fit resamples each recipe by itself."""
    ways = [(one.part, one.seed, one.draws_kind.partition(" ")[0]) for one in (a, b)]
    inputs = [one.with_runs()[[one.columns[role] for role in one.law.inputs]] for one in (a, b)]
    return a.part is None and ways[0] == ways[1] and inputs[0].equals(inputs[1])


def _share_runs(a: Fit, b: Fit) -> bool:
    """Whether a row of both is alike in all columns that both use: the inputs, and one target."""
    both = sorted(set(a.columns.values()) & set(b.columns.values()))
    used = [one.with_runs()[both] for one in (a, b)]
    return bool(both) and not used[0].merge(used[1], on=both).empty

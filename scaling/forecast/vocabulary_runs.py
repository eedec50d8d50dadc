"""Runs of several vocabularies, and the first two approaches of Tao et al. 2024 on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling.columns import COMPUTE, TOKENS
from scaling.errors import ColumnError, Issue
from scaling.fitting import fit
from scaling.forecast.vocabulary_table import ENTRIES, LOSS, PART, SIZE, TEXT, THOUSAND, Tried
from scaling.laws import PowerLaw
from scaling.runs.text_lengths import TokensPerCharacter
from scaling.text import human

__all__ = [
    "Known", "Wanted", "best_at_end", "by_derivative", "by_isoflop", "cheapest_power",
    "law_table", "lowest_points",
]  # fmt: skip

Array: TypeAlias = NDArray[np.float64]

_CURVED = 3  # values that a quadratic passes through
_TOLD_R2 = 0.7  # of a power law, below which it is told; those of the paper have .87 and more
# Tao et al. 2024, utils.py: how many points are laid between the runs, and between vocabularies.
_BETWEEN_RUNS, _BETWEEN_ENTRIES = 50, 20
_HALF = {"alpha": -0.5}  # powers of size and text that approach 1 holds at the square root


@dataclass(frozen=True)
class Wanted:
    """Model sizes whose vocabulary is asked for; arrays of shape (m,).

    Attributes
    ----------
    params, width : ndarray
    compute : ndarray or None
    paid : bool
        Whether the compute is that of the paper for the size.
    """

    params: Array
    width: Array
    compute: Array | None = None
    paid: bool = False


@dataclass(frozen=True)
class Known:
    """Params that the vocabularies wanted should have, the power laws behind them, and doubts."""

    wanted: Wanted
    params_vocabulary: Array
    powers: pd.DataFrame = field(default_factory=pd.DataFrame)
    issues: tuple[Issue, ...] = ()


def law_table(runs: Tried, in_thousands: bool) -> pd.DataFrame:
    """Table that the law is fitted to; ``run`` names the rows of one run.

    Parameters
    ----------
    runs : Tried
    in_thousands : bool
        Whether tokens are counted with the vocabulary in thousands, as the paper's code does.
    """
    entries = runs.entries / (THOUSAND if in_thousands else 1.0)
    return pd.DataFrame({
        SIZE: runs.size, PART: runs.entries * runs.width,
        TOKENS: runs.text.tokens(runs.characters, entries), LOSS: runs.loss,
        "run": [f"{size:g}, {count:g}" for size, count in
                zip(runs.size, runs.entries, strict=True)],
    })  # fmt: skip


def by_isoflop(runs: Tried, wanted: Wanted) -> Known:
    """Params of the best vocabulary by approach 1: power laws through the points of lowest loss."""
    best = lowest_points(runs)
    powers = pd.DataFrame({
        name: _power(best.compute, values, fixed)
        for name, values, fixed in ((SIZE, best.size, _HALF), (TEXT, best.characters, _HALF),
                                    (PART, best.entries * best.width, {}))
    }).T  # fmt: skip
    budget = wanted.compute
    if budget is None:
        size = powers.loc[SIZE]
        budget = (wanted.params / size["coefficient"]) ** (1 / size["exponent"])
    part = powers.loc[PART]
    found = np.asarray(part["coefficient"] * budget ** part["exponent"], dtype=float)
    poor = tuple(Issue(
        "poor-power", "weakens",
        f"A power of compute explains {max(row['r2'], 0):.0%} of how {name} varies over the points "
        "of lowest loss.", "Add sizes, vocabularies and checkpoints, or use method='parametric'.")
        for name, row in powers.iterrows() if not row["r2"] > _TOLD_R2)  # fmt: skip
    return Known(replace(wanted, compute=budget.astype(float)), found, powers, poor)


def lowest_points(runs: Tried) -> Tried:
    """Points that have a lower loss than every one of less compute.

    They are runs, and points laid between them: along the diagonal of sizes and texts for each
    vocabulary, and between the vocabularies of each size at the end of its training.
    """
    _refuse_few(runs)
    every = runs.beside([*_between_runs(runs), *_between_entries(runs)])
    order = np.argsort(every.compute, kind="stable")
    least = np.minimum.accumulate(every.loss[order])
    return every.where(order[every.loss[order] < np.append(np.inf, least[:-1])])


def _refuse_few(runs: Tried) -> None:
    """Refuse runs between which no points can be laid."""
    for entries in np.unique(runs.entries):
        own = runs.where(runs.entries == entries)
        sizes, counts = np.unique(own.size, return_counts=True)
        if len(sizes) < 2 or counts.min() < _CURVED:
            raise ColumnError(
                "method='isoflop' needs two sizes or more of every vocabulary, and three "
                f"checkpoints or more of every run; of the vocabulary of {entries:g} it has "
                f"{len(sizes)} and {counts.min()}. Add checkpoints as rows, or use another method."
            )
    for size in np.unique(runs.size):
        if len(np.unique(runs.entries[runs.size == size])) < _CURVED:
            raise ColumnError("method='isoflop' needs three vocabularies or more of every size; "
                              f"the size of {size:g} params has fewer.")  # fmt: skip


def _between_runs(runs: Tried) -> Iterator[Tried]:
    """Points of each vocabulary along the diagonal of sizes and texts, by cubic interpolation."""
    from scipy.interpolate import griddata

    size = np.geomspace(runs.size.min(), runs.size.max(), _BETWEEN_RUNS)
    text = np.geomspace(runs.characters.min(), runs.characters.max(), _BETWEEN_RUNS)
    for entries in np.unique(runs.entries):
        own = runs.where(runs.entries == entries)
        places = np.column_stack([own.size, own.characters])
        loss = np.asarray(
            griddata(places, own.loss, np.column_stack([size, text]), method="cubic"), dtype=float
        )
        inside = np.isfinite(loss)
        yield replace(
            runs, size=size[inside], width=runs.width_of(size[inside]), loss=loss[inside],
            entries=np.full(int(inside.sum()), entries), characters=text[inside])  # fmt: skip


def _between_entries(runs: Tried) -> Iterator[Tried]:
    """Points of each size between its vocabularies, where its runs end, by quadratics."""
    from scipy.interpolate import interp1d

    entries = np.geomspace(runs.entries.min(), runs.entries.max(), _BETWEEN_ENTRIES)
    for size in np.unique(runs.size):
        own = runs.where(runs.size == size)
        order = np.lexsort((own.characters, own.entries))
        last = own.where(order[np.append(np.diff(own.entries[order]) > 0, True)])
        curve = interp1d(last.entries, last.loss, kind="quadratic", fill_value="extrapolate")
        tokens = np.full(_BETWEEN_ENTRIES, np.median(last.tokens))
        yield replace(
            runs, size=np.full(_BETWEEN_ENTRIES, size), entries=entries,
            loss=np.asarray(curve(entries), dtype=float),
            width=np.full(_BETWEEN_ENTRIES, own.width[0]),
            characters=runs.text.characters(tokens, entries))  # fmt: skip


def _power(x: Array, y: Array, fixed: Mapping[str, float]) -> dict[str, Any]:
    """Power law by the default objective, Huber's of the logs, and how well it fits."""
    law = fit(PowerLaw, {"x": x, "loss": y}, fixed=fixed, bootstrap=0).law
    missed = np.log(y / law.predict(x=x))
    spread = np.log(y) - np.log(y).mean()
    varies = float(spread @ spread)
    return {"of": COMPUTE, "coefficient": float(law.values["A"]),
            "exponent": -float(law.values["alpha"]),
            "r2": 1 - float(missed @ missed) / varies if varies > 0 else 0.0}  # fmt: skip


def by_derivative(runs: Tried, wanted: Wanted) -> Known:
    """Params of the best vocabulary by approach 2.

    The vocabulary of least compute for a text grows as a power of the size; the best one grows
    alike, from the vocabulary of the lowest loss at the smallest size.
    """
    sizes = np.unique(runs.size)
    if len(sizes) < _CURVED:
        raise ColumnError("method='derivative' needs three sizes or more; the table has "
                          f"{len(sizes)}.")  # fmt: skip
    if len(np.unique(runs.entries[runs.size == sizes[0]])) < _CURVED:
        raise ColumnError("method='derivative' needs three vocabularies or more at the smallest "
                          "size.")  # fmt: skip
    exponent, r2 = cheapest_power(sizes, runs.width_of(sizes), runs.text)
    best = best_at_end(runs.where(runs.size == sizes[0]))
    start = best * runs.width_of(sizes[:1])[0]
    powers = pd.DataFrame({PART: {
        "of": SIZE, "coefficient": start * sizes[0] ** -exponent, "exponent": exponent, "r2": r2,
    }}).T  # fmt: skip
    found = start * (wanted.params / sizes[0]) ** exponent
    return Known(wanted, found, powers, _at_edge(runs, best))


def _at_edge(runs: Tried, best: float) -> tuple[Issue, ...]:
    """An issue where the vocabulary that all others are scaled from is the first or last tried."""
    if best not in runs.ranges[ENTRIES]:
        return ()
    return (Issue(
        "vocabulary-at-edge", "weakens",
        f"The best vocabulary of the smallest size, from which all others are scaled, is at the "
        f"end of those tried: {human(best)}.",
        "Train vocabularies beyond it at the smallest size.",
    ),)  # fmt: skip


def cheapest_power(size: Array, width: Array, text: TokensPerCharacter) -> tuple[float, float]:
    """Power of the size by which the vocabulary of least compute grows from that of the first.

    Returns
    -------
    exponent, r2 : float
        Of the logs of the others' params over the first's.

    Examples
    --------
    >>> size, width = np.array([33e6, 85e6, 302e6]), np.array([512.0, 768.0, 1024.0])
    >>> exponent, _ = cheapest_power(size, width, TokensPerCharacter())
    >>> round(exponent, 2)
    0.84
    """
    part = text.cheapest(size, width) * width
    power = _power(size[1:] / size[0], part[1:] / part[0], {"A": 1.0})
    return float(power["exponent"]), float(power["r2"])


def best_at_end(runs: Tried, compute: float | None = None) -> float:
    """Vocabulary of the lowest loss of one size, at a compute.

    Parameters
    ----------
    runs : Tried
        Of one size.
    compute : float, optional
        The largest that all vocabularies reach by default; beyond it curves are carried on.
    """
    from scipy.interpolate import interp1d

    tried = [runs.where(runs.entries == entries) for entries in np.unique(runs.entries)]
    few = [own.entries[0] for own in tried if len(own.loss) < _CURVED]
    if few:
        raise ColumnError("method='derivative' needs three checkpoints or more of each vocabulary "
                          f"at the smallest size; that of {few[0]:g} has fewer.")  # fmt: skip
    at = min(own.compute.max() for own in tried) if compute is None else compute
    losses = [interp1d(own.compute, own.loss, kind="quadratic", fill_value="extrapolate")(at)
              for own in tried]  # fmt: skip
    return float(tried[int(np.argmin(losses))].entries[0])

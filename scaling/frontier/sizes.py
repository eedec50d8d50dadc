"""What each candidate model size costs at a compute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling.answer import Answer
from scaling.columns import COMPUTE, PARAMS, TOKENS
from scaling.cost import Cost, Hardware
from scaling.errors import Issue, ScalingError
from scaling.frontier.allocation import Question
from scaling.frontier.table import with_ends
from scaling.frontier.terms import ask_size, positive
from scaling.law import Law
from scaling.source import Source, summarise
from scaling.text import human

__all__ = ["Regret", "regret"]

Array: TypeAlias = NDArray[np.float64]

_STEPS = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)  # leading digits of the sizes offered
_OFFERED = 5.0  # times smaller and larger than the best
_CURVE, _CURVE_POINTS = 1e4, 601  # times smaller and larger than the best, over how many sizes
_BAND_PROBABILITY = 0.9


@dataclass(frozen=True)
class Regret(Answer):
    """Candidate sizes at one compute and what each costs.

    Attributes
    ----------
    compute : float
        FLOPs.
    within : float
        Relative excess loss that counts as no difference.
    band : (float, float)
        Smallest and largest size that lie within it with probability 0.9; for a bare law, those
        that do. NaN where none does.
    optimum : (float, float, float)
        Best size, with its low and high end.
    curve : DataFrame
        The same over a fine grid of sizes, for the figure.
    """

    compute: float = np.nan
    within: float = np.nan
    band: tuple[float, float] = (np.nan, np.nan)
    optimum: tuple[float, float, float] = (np.nan, np.nan, np.nan)
    curve: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def notes(self) -> tuple[str, ...]:
        """The best size and the band, below the table."""
        best, low, high = self.optimum
        ends = f" [{human(low)}, {human(high)}]" if np.isfinite(low) else ""
        sure = "" if self.kind == "none" else f" with probability {_BAND_PROBABILITY:g}"
        band = (
            f"Sizes from {human(self.band[0])} to {human(self.band[1])} cost less than "
            f"{self.within:.2%} of the loss{sure}."
            if np.isfinite(self.band[0])
            else f"No size costs less than {self.within:.2%} of the loss{sure}."
        )
        return (f"Best size {human(best)}{ends}. {band}", self.intervals)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, with the band and the best size."""
        return {**super().to_dict(), "compute": self.compute, "within": self.within,
                "band": list(self.band), "optimum": list(self.optimum)}  # fmt: skip


def regret(
    source: Source,
    compute: Any,
    params: Any = None,
    *,
    cost: Cost | None = None,
    held: Mapping[str, Any] | None = None,
    hardware: Hardware | None = None,
    within: float = 0.0025,
    level: float = 0.9,
) -> Regret:
    """What each candidate size costs at a compute, in loss, compute and money.

    Parameters
    ----------
    source : Fit, Published or Law
    compute : float or str
        FLOPs of the run.
    params : float, str or array_like, shape (m,), optional
        Candidate sizes; round sizes around the best by default.
    cost : Cost, optional
        What compute means; the source's own, or 6ND.
    held : mapping of str to float, optional
        Other inputs of the law, such as ``{"unique_tokens": 2e12}``.
    hardware : Hardware, optional
        Adds device_hours, days and dollars of the run, and the dollars wasted.
    within : float
        Relative excess loss that counts as no difference.
    level : float

    Returns
    -------
    Regret
        One row a size: tokens, loss, excess loss over the best size of each draw (mean and 90th
        percentile), the share of compute wasted (a best run reaches the same loss with the
        rest), and the probability of lying within ``within``.

    Raises
    ------
    ScalingError
        If an option does not apply.
    NoTradeoffError
        If the law has no best allocation.

    Examples
    --------
    >>> import scaling
    >>> answer = scaling.regret(scaling.published("besiroglu-2024"), 1e24, ["70B", "100B"])
    >>> [f"{excess:.2%}" for excess in answer.table["excess_mean"]]
    ['0.05%', '0.00%']
    """
    question, budget = ask_size(source, compute, cost, held, "regret")
    if not (np.isfinite(within) and 0 < within < 1):
        raise ScalingError(
            f"within must be a share between 0 and 1, such as 0.0025; got {within!r}."
        )
    if hardware is not None and not isinstance(hardware, Hardware):
        raise ScalingError(f"hardware must be a Hardware; got {hardware!r}.")
    best = question.best_inputs(budget)
    best_size = float(best[question.size][0])
    sizes = _affordable(question, budget, _offered(best_size)) if params is None else positive(
        PARAMS, params)  # fmt: skip
    dear = set(sizes) - set(_affordable(question, budget, sizes))
    if dear:
        raise ScalingError(f"{human(min(dear))} params cost more to serve than all of "
                           f"{human(float(budget[0]))} FLOPs; ask for smaller ones.")  # fmt: skip
    drawn = None if source.draws is None else question.allocate(source.draws, budget)[question.size]
    optimum = with_ends(
        pd.DataFrame(index=[0]), "size", np.array([best_size]),
        drawn, level,
    ).iloc[0]  # fmt: skip
    table = _table(question, budget, sizes, within, level, wasted=True)
    if hardware is not None:
        table = hardware.add_to(table)
        if np.isfinite(hardware.dollars_per_device_hour):
            table["wasted_dollars"] = table["wasted_compute"] * table["dollars"]
    grid = _affordable(
        question, budget, best_size * np.geomspace(1 / _CURVE, _CURVE, _CURVE_POINTS)
    )
    curve = _table(question, budget, grid, within, level, wasted=False)
    band = _band(grid, curve["probability_within"].to_numpy())
    spent = np.full(len(sizes) + 1, budget[0])  # of the sizes asked, and of the best one
    given = {question.size: np.append(sizes, best_size)}
    issues = question.issues_at(question.allocate(source.best, spent, given), drawn, level)
    if np.isnan(band[0]):
        issues = (*issues, Issue(
            "no-safe-size", "weakens",
            f"No size lies within {within:.2%} of the best loss with probability "
            f"{_BAND_PROBABILITY:g}.",
            "Add runs, or accept a larger excess with within=.",
        ))  # fmt: skip
    title = f"Regret at {human(float(budget[0]))} FLOPs, by {question.family.__name__}"
    return Regret(table, title, level, source.draws_kind, issues, float(budget[0]), within, band,
                  (optimum["size"], optimum["size_low"], optimum["size_high"]), curve)  # fmt: skip


def _band(sizes: Array, probability: Array) -> tuple[float, float]:
    """Ends of the sizes around the surest that are sure enough; 0 or infinite beyond the grid."""
    inside = probability >= _BAND_PROBABILITY
    surest = int(np.nanargmax(probability))
    if not inside[surest]:
        return np.nan, np.nan
    outside = np.flatnonzero(~inside)
    low, high = outside[outside < surest], outside[outside > surest]
    return (
        float(sizes[low[-1] + 1]) if len(low) else 0.0,
        float(sizes[high[0] - 1]) if len(high) else np.inf,
    )


def _affordable(question: Question, budget: Array, sizes: Array) -> Array:
    """The sizes that leave compute for training, once they are served."""
    spent = np.full(len(sizes), budget[0])
    found = question.allocate(question.source.best, spent, {question.size: sizes})
    return sizes[found[TOKENS] > 0]


def _offered(best: float) -> Array:
    decades = 10.0 ** np.arange(np.floor(np.log10(best)) - 1, np.floor(np.log10(best)) + 3)
    sizes: Array = (decades[:, None] * np.array(_STEPS)).ravel()
    return sizes[(sizes >= best / _OFFERED) & (sizes <= best * _OFFERED)]


def _table(
    question: Question, budget: Array, sizes: Array, within: float, level: float, *, wasted: bool
) -> pd.DataFrame:
    source = question.source
    spent, given = np.full(len(sizes), budget[0]), {question.size: sizes}
    values = question.allocate(source.best, spent, given)
    loss = question.loss(source.best, values)
    drawn = None if source.draws is None else question.loss(
        source.draws, question.allocate(source.draws, spent, given))  # fmt: skip
    laws: Law = source.best if source.draws is None else source.draws
    reached = np.atleast_2d(loss if drawn is None else drawn)
    least = np.atleast_2d(question.optimal_loss(laws, budget))
    excess = (reached - least) / np.abs(least)
    table = pd.DataFrame({
        question.column(question.size): sizes, question.column(TOKENS): values[TOKENS],
        COMPUTE: budget[0],
    })  # fmt: skip
    table = with_ends(table, question.column(question.family.target), loss, drawn, level)
    table["excess_mean"] = np.nanmean(excess, axis=0)
    # The high end of a central 80% is the 90th percentile.
    table["excess_p90"] = np.nan if drawn is None else summarise(excess[0], excess, 0.8)[2]
    if wasted:
        least = question.least_compute(source.best, loss)
        table["wasted_compute"] = 1 - least / budget[0]
    sure = np.where(np.isnan(excess), np.nan, excess <= within)
    table["probability_within"] = np.nanmean(sure, axis=0)
    return table

"""Does an answer survive other reasonable choices: objective, rows, counting, form, starts?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from scaling.answer import Answer
from scaling.errors import FitError, Issue, ScalingError
from scaling.fitting import Fit
from scaling.fitting.axes import Ground
from scaling.fitting.engine import refine, same_prediction
from scaling.fitting.queries import Query, numbers_of
from scaling.fitting.search import knees
from scaling.fitting.wording import objective_text
from scaling.forecast.asking import query_of
from scaling.forecast.checklists import checklist
from scaling.forecast.choices import Choice, choices_of, without_run
from scaling.forecast.spreads import AS_FITTED, decide, how_wide, not_counted, said, spread_of
from scaling.law import Law
from scaling.robust import usual_spread
from scaling.text import brief, listed

__all__ = ["Audit", "audit"]

_REASON = 160  # characters of why a choice has no answer
_WORSE = 1.5  # times the fit's own residuals: a form that misses the runs by more is not counted
_FORM = "form"  # the group that may miss the runs: an objective that does is still one to argue for
_TINY = 1e-9  # residuals of this size are rounding
_OTHER_MINIMUM = 1e-3  # share of the objective from which a settled end is a minimum of its own
_LOWER = 1e-6  # share of the objective by which an end is lower than the fit's
_NO_ANSWER = (ScalingError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


@dataclass(frozen=True)
class Audit(Answer):
    """An answer under every other reasonable choice, one row each, the fit's own first.

    The table has the group of the choice, the choice in words, the runs fitted, ``misfit`` (how
    large residuals usually are, over the fit's own), the value, its ``shift`` relative to the fit's
    and in half widths of the interval, whether it lies ``outside`` the interval, and whether it is
    ``counted``: a form that misses the runs by over 1.5 times as much is shown, but not counted.

    Attributes
    ----------
    quantity : str
        What was asked.
    spread : DataFrame
        One row a group and one for all: how many choices count, the lowest and the highest value
        with the choices that give them, ``times``, the highest over the lowest,
        ``in_intervals``, the width between them over that of the interval, and how many of the
        choices lie ``outside`` it.
    left_out : mapping of str to str
        Choices without an answer, and why.
    checklist : str
        What a report should say of the fit, in Markdown: :func:`scaling.checklist`.
    """

    quantity: str = ""
    spread: pd.DataFrame = field(default_factory=pd.DataFrame)
    left_out: Mapping[str, str] = field(default_factory=dict)
    checklist: str = ""

    @property
    def printed(self) -> pd.DataFrame:
        """The table, with words for what lies outside the interval or does not count."""
        told = np.where(self.table["outside"], "outside", "")
        told = np.where(self.table["counted"], told, "not counted")
        unsaid = ["shift_in_half_widths", "outside", "counted"]
        return self.table.drop(columns=unsaid).assign(**{"": told})

    @property
    def notes(self) -> tuple[str, ...]:
        """The spread over the choices beside the interval, and what could not be asked."""
        whole = self.spread.iloc[-1]
        low, high = (said(self.table, whole[end]) for end in ("lowest", "highest"))
        over = (f"Over {whole['choices']} choices {self.quantity} goes from {low} "
                f"({whole['lowest_choice']}) to {high} ({whole['highest_choice']})")  # fmt: skip
        left = (f"Left out: {choice} ({why})." for choice, why in self.left_out.items())
        return (
            self.intervals,
            f"{', '.join([over, *how_wide(whole)])}. {not_counted(self.table)}".rstrip(),
            f"misfit: usual residual over the fit's own; above {_WORSE:g} a form does not count.",
            *left,
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values, with the spread, the choices that have no answer and the checklist."""
        return {**super().to_dict(), "quantity": self.quantity, "left_out": dict(self.left_out),
                "spread": self.spread.to_dict(orient="records"),
                "checklist": self.checklist}  # fmt: skip


def audit(
    fit: Fit,
    query: str | Query | None = None,
    *,
    compute: Any = None,
    name: str | None = None,
    all_runs: Any = None,
    level: float = 0.9,
) -> Audit:
    """The answer under every other reasonable choice, beside its interval.

    The runs are fitted again under other objectives and deltas, without outliers, without the
    smallest, the largest, the least and the most trained runs, without each budget, with params
    counted the other way where the runs have both, with neighbouring forms, from other starts, and
    without the run that moves the answer most.

    Parameters
    ----------
    fit : Fit
        With its runs.
    query : str or callable, optional
        A coefficient, or a function of a law that returns one number. By default the best size,
        where the law trades params against tokens; the target at ten times the largest inputs
        elsewhere.
    compute : float or str, optional
        FLOPs at which the best size is asked; ten times the largest of the runs by default.
    name : str, optional
        What the query is to be called.
    all_runs : table, optional
        The runs with those that were left out of the fit, to put them back.
    level : float
        Of the interval that the fit's resamples give.

    Returns
    -------
    Audit

    Raises
    ------
    FitError
        If the fit has no runs, or the query does not return one number.
    NoTradeoffError
        If the law has no best size at the compute that was given.

    Examples
    --------
    >>> import scaling
    >>> fit = scaling.fit(scaling.laws.Chinchilla, scaling.datasets.load("demo"))
    >>> audit = scaling.audit(fit)
    >>> audit.quantity
    'best params at 3e22 FLOPs'
    >>> audit.table.iloc[0]["choice"]
    'Chinchilla, Huber(delta=0.001) of log loss'
    """
    if not isinstance(fit, Fit):
        raise ScalingError(f"audit takes a fit; got {type(fit).__name__}.")
    fit.with_runs()
    asked, called = query_of(fit, query, compute)
    called = name or called
    propagated = fit.propagate(asked, level)
    if len(propagated.table) != 1:
        raise FitError(f"The query must return one number; got {len(propagated.table)}.")
    value, low, high = (float(end) for end in propagated.table.iloc[0])
    if not np.isfinite(value):
        raise FitError(f"{called} is not a number at the best law, so there is nothing to audit.")
    choices = [*choices_of(fit, all_runs), _influential(fit, asked)]
    rows, left_out = _answers(fit, asked, choices)
    table = _table(fit, rows, (value, low, high))
    answer = Audit(
        table, f"{called} of {fit.family.__name__} under other choices", level, fit.draws_kind,
        propagated.issues, called, spread_of(table), left_out,
        checklist(fit, all_runs=all_runs),
    )  # fmt: skip
    return replace(answer, issues=(*answer.issues, *_wide(answer), *_basins(fit, rows)))


@dataclass(frozen=True)
class _Row:
    """What a choice leads to."""

    choice: Choice
    law: Law
    runs: int
    misfit: float
    value: float


def _influential(fit: Fit, query: Query) -> Choice:
    """The choice without the run that moves the answer most."""
    try:
        first = fit.influence(query, groups=np.arange(fit.data.count)).table.iloc[0]
    except FitError as reason:
        return Choice("one run", "without the run that moves it most", impossible=str(reason))
    return without_run(fit, int(first["group"]))


def _answers(
    fit: Fit, query: Query, choices: Iterable[Choice]
) -> tuple[list[_Row], dict[str, str]]:
    """What each choice leads to, and why some lead to nothing."""
    rows, left_out = [], {}
    usual = _usual(fit, fit)
    for choice in choices:
        try:
            made = fit if choice.law is not None else choice.made(fit)
        except ScalingError as reason:
            left_out[choice.words] = brief(reason, _REASON).rstrip(".")
            continue
        law = made.law if choice.law is None else choice.law
        try:
            value = _number(query, law if choice.seen is None else choice.seen(law))
        except _NO_ANSWER as reason:  # a question made for one law may not suit another
            cannot = f"the query has no value at this {type(law).__name__}: "
            left_out[choice.words] = cannot + brief(reason, _REASON).rstrip(".")
            continue
        misfit = max(_usual(made, fit), _TINY) / max(usual, _TINY)
        rows.append(_Row(choice, law, made.data.count, misfit, value))
    return rows, left_out


def _number(query: Query, law: Law) -> float:
    value = numbers_of(query, law)
    if value.size != 1 or not np.isfinite(value).all():
        raise ScalingError("it is not one finite number")
    return float(value[0])


def _usual(made: Fit, fit: Fit) -> float:
    """Usual residual of a fit, in the space of another's objective."""
    table = made.residuals()
    observed, predicted = table[made.columns[made.law.target]], table["predicted"]
    with np.errstate(all="ignore"):
        residual = fit.objective.transform(predicted) - fit.objective.transform(observed)
    # The fit itself makes as many residuals 0 as it has coefficients, under some objectives.
    sizes = np.sort(np.abs(residual))[min(len(made.law.coefficients), len(residual) - 1) :]
    return usual_spread(sizes)


def _table(fit: Fit, rows: list[_Row], base: tuple[float, float, float]) -> pd.DataFrame:
    value, low, high = base
    own = objective_text(fit.objective, fit.columns[fit.law.target])
    table = pd.DataFrame(
        [(row.choice.group, row.choice.words, row.runs, row.misfit, row.value) for row in rows],
        columns=["group", "choice", "runs", "misfit", "value"],
    )  # fmt: skip
    shift = table["value"] - value
    order = pd.DataFrame({"group": pd.factorize(table["group"])[0], "shift": -shift.abs()})
    table = table.loc[order.sort_values(["group", "shift"], kind="stable").index]
    first = (AS_FITTED, f"{fit.family.__name__}, {own}", fit.data.count, 1.0, value)
    table = pd.concat([pd.DataFrame([first], columns=table.columns), table], ignore_index=True)
    shift = table["value"] - value
    ends = {name: np.where(table.index == 0, end, np.nan)
            for name, end in (("value_low", low), ("value_high", high))}  # fmt: skip
    return table.assign(
        **ends, shift=shift / (abs(value) or 1.0),
        shift_in_half_widths=2 * shift / (high - low if high > low else np.nan),
        outside=(table["value"] < low) | (table["value"] > high),
        counted=~((table["misfit"] > _WORSE) & (table["group"] == _FORM)),
    )  # fmt: skip


def _wide(answer: Audit) -> Iterator[Issue]:
    """An issue where the choices decide the answer."""
    base, whole = answer.table.iloc[0], answer.spread.iloc[-1]
    if not decide(whole):
        return
    counted = answer.table[answer.table["counted"]]
    most = counted.iloc[int(counted["shift"].abs().to_numpy().argmax())]
    low, high, below, above = (
        said(answer.table, end)
        for end in (whole["lowest"], whole["highest"], base["value_low"], base["value_high"])
    )
    moved = f"Reasonable choices move {answer.quantity} from {low} to {high}"
    interval = (f"; the {100 * answer.level:.10g}% interval of the resamples is {below} to {above}"
                if np.isfinite(base["value_low"]) else "")  # fmt: skip
    yield Issue(
        "choices-decide", "weakens",
        f"{', '.join([moved, *how_wide(whole)])}{interval}; most moves it: {most['choice']}.",
        "Report the spread beside the interval, or say why your choice is the right one.",
    )  # fmt: skip


def _basins(fit: Fit, rows: list[_Row]) -> Iterator[Issue]:
    """Issues where choices led to another minimum of the fit's own objective."""
    alike = [row for row in rows if row.choice.same_problem]
    ground = Ground.of(fit)
    problem, best = ground.problem, ground.u[None, :]
    if not alike or ground.exact:
        return
    ends = np.vstack([ground.coordinates(row.law) for row in alike])
    for knee in knees(problem, ground.u):
        refined = refine(problem, ends, knee=knee)
        ends = refined.u
    values = problem.objective_at(ends)
    residual = problem.residual(problem.predict(np.vstack([best, ends])))
    apart = [not same_prediction(residual[0], other) for other in residual[1:]]
    lowest = float(problem.objective_at(best)[0])
    other = (values > lowest * (1 + _OTHER_MINIMUM)) & refined.settled & apart
    lower = (values < lowest * (1 - _LOWER)) & apart
    if lower.any():
        yield Issue(
            "lower-minimum", "weakens",
            f"From the law of another choice the objective falls to {values.min():.6g}, below the "
            f"fit's {lowest:.6g}.",
            "Fit again with another seed.",
        )  # fmt: skip
    if other.any():
        named = listed([row.choice.words for row, left in zip(alike, other, strict=True) if left])
        yield Issue(
            "choice-changes-basin", "weakens",
            f"{int(other.sum())} of {len(alike)} choices lead to another minimum of the fit's own "
            f"objective, {100 * (values[other].min() / lowest - 1):.2g}% higher or more: {named}.",
            "Read fit.starts.others; fix or tie a coefficient, or add runs that decide.",
        )  # fmt: skip

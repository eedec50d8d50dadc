"""Recipes fitted together: the runs sorted by recipe, one law for all, and its parts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling.errors import ColumnError, FitError, Issue, name_rows, worst_first
from scaling.fitting.constraints import Constraints
from scaling.fitting.data import Data, Part
from scaling.fitting.engine import refine
from scaling.fitting.estimate import fit_one
from scaling.fitting.health import Starts, far_runs
from scaling.fitting.joints import Joint
from scaling.fitting.objective import Huber
from scaling.fitting.preparing import (
    GIVEN,
    checked,
    mapping_of,
    problem_of,
    used_columns,
    weights_of,
)
from scaling.fitting.problem import Problem
from scaling.fitting.result import Fit
from scaling.law import Law
from scaling.laws.grouping import GROUP, grouped, member, own
from scaling.runs.door import as_frame
from scaling.runs.suspicion import assumptions, levels, suspicions
from scaling.text import brief, listed, quoted

__all__ = ["Recipes", "fit_jointly", "fit_shared", "grouped_problem", "parts_of"]

Array: TypeAlias = NDArray[np.float64]

_RUNS_A_COEFFICIENT = 3


@dataclass(frozen=True)
class Recipes:
    """Runs sorted by recipe, with all that was asked of their fit.

    Attributes
    ----------
    family : type of Law
    frame : DataFrame
    columns : mapping of str to str
    by : str
    labels : tuple of str
    codes : ndarray of int, shape (runs,)
    given : Constraints
        Of the family's own coefficients.
    weights : ndarray or None
    groups : ndarray of int, or None
        Number of each run's group, no group in two recipes.
    options : mapping
        Arguments of :func:`scaling.fit` that stay as they are.
    """

    family: type[Law]
    frame: pd.DataFrame
    columns: Mapping[str, str]
    by: str
    labels: tuple[str, ...]
    codes: NDArray[np.intp]
    given: Constraints
    weights: Array | None
    groups: NDArray[np.intp] | None
    options: Mapping[str, Any]

    @property
    def free(self) -> tuple[str, ...]:
        """Coefficients to be found."""
        held = {**self.given.fixed, **self.given.tied}
        return tuple(name for name in self.family.coefficients if name not in held)

    @property
    def kind(self) -> str:
        """How the runs are resampled."""
        named = self.options["groups"]
        how = "pairs" if named is None else f"groups={named if isinstance(named, str) else GIVEN}"
        return f"{how} within {brief(self.by)} n={self.options['bootstrap']}"

    @property
    def strata(self) -> NDArray[np.intp]:
        """Recipe of each unit that is resampled."""
        if self.groups is None:
            return self.codes
        return self.codes[np.unique(self.groups, return_index=True)[1]]

    def runs_of(self, code: int) -> pd.DataFrame:
        """The runs of one recipe."""
        return self.frame[self.codes == code]

    def alone(self, code: int, **changes: Any) -> Fit:
        """One recipe fitted by itself, its resamples those that it has beside the others."""
        mine = self.codes == code
        groups = None if self.groups is None else self.groups[mine]
        units = int(mine.sum()) if groups is None else len(np.unique(groups))
        made = {
            **self.options, "columns": self.columns, **vars(self.given),
            "weights": None if self.weights is None else self.weights[mine], "groups": groups,
            **changes,
        }  # fmt: skip
        fit = fit_one(self.family, self.frame[mine], **made, strata=np.full(units, code))
        kind = self.kind if fit.draws is not None else fit.draws_kind
        return replace(fit, draws_kind=kind, part=Part(self.by, self.labels[code], {}))

    def too_few(self, own_free: int) -> tuple[str, ...]:
        """Recipes without a run more than so many coefficients of their own."""
        counts = np.bincount(self.codes)
        return tuple(label for label, count in zip(self.labels, counts, strict=True)
                     if count <= own_free)  # fmt: skip


def fit_jointly(
    family: type[Law], runs: Any, by: Any, shared: Any, pooled: Any, options: Mapping[str, Any]
) -> Joint:
    """Recipes fitted together: see :func:`scaling.fit`."""
    recipes = _recipes(family, runs, by, options)
    shared = _names("shared", shared, recipes)
    pooled = _names("pooled", pooled, recipes)
    for name in pooled:
        if name in shared or name not in recipes.free:
            raise FitError(f"{name} is pooled and also shared, fixed or tied; keep one.")
    _check_counts(recipes, shared, pooled)
    if pooled:
        from scaling.fitting.pooling import fit_pooled  # imports this file

        return fit_pooled(recipes, shared, pooled)
    if shared:
        return parts_of(recipes, fit_shared(recipes, shared), shared)
    fits = {label: recipes.alone(code) for code, label in enumerate(recipes.labels)}
    issues = [_of(label, issue) for label, fit in fits.items() for issue in fit.issues]
    return Joint(recipes.by, fits, (), (), {}, None, worst_first(issues))


def _recipes(family: type[Law], runs: Any, by: Any, options: Mapping[str, Any]) -> Recipes:
    frame = as_frame(runs)
    if not isinstance(by, str) or by not in frame.columns:
        raise FitError(f"by= must name a column of runs that says which recipe each is of; got "
                       f"{quoted(by)}. The table has {listed(frame.columns)}.")  # fmt: skip
    frame, mapping = checked(family, frame, options["columns"])
    weights = weights_of(options["weights"], frame)
    groups = options["groups"]
    grouping = frame.get(groups) if isinstance(groups, str) else groups
    if groups is not None and np.shape(grouping) != (len(frame),):
        raise FitError("groups must be a column of runs, or one label a run.")
    named = np.asarray(levels(frame[by]), dtype=object)
    missing = np.array([label is None for label in named])
    if missing.any():
        raise ColumnError(
            f"Column {quoted(by)} must say of every run which recipe it is of; "
            f"{name_rows(list(frame.index[missing]))} has nothing. Name it, or drop such runs."
        )
    used = np.ones(len(frame), dtype=bool) if weights is None else weights > 0
    codes, labels = pd.factorize(named[used])
    if len(labels) < 2:
        raise FitError(f"by={by!r} needs runs of two recipes or more; all are of "
                       f"{quoted(labels[0]) if len(labels) else 'none'}. Fit without by=.")  # fmt: skip
    nested = None
    if groups is not None:
        pairs = list(zip(codes, np.asarray(grouping)[used], strict=True))
        nested = np.asarray(pd.factorize(pd.MultiIndex.from_tuples(pairs))[0])
        few = [labels[code] for code in range(len(labels)) if np.ptp(nested[codes == code]) == 0]
        if few:
            raise FitError(f"groups must hold two labels or more in each recipe; {brief(few[0])} "
                           "has one.")  # fmt: skip
    given = Constraints(*(mapping_of(kind, options[kind]) for kind in ("fixed", "tied", "bounds")))
    rest = {name: options[name] for name in ("objective", "noise", "bootstrap", "groups", "seed")}
    return Recipes(
        family, frame[used], mapping, by, tuple(map(str, labels)), codes, given.check(family),
        None if weights is None else weights[used], nested, rest,
    )  # fmt: skip


def _names(kind: str, names: Any, recipes: Recipes) -> tuple[str, ...]:
    """Coefficients named, in the family's order."""
    given = [names] if isinstance(names, str) else list(names)
    known = recipes.family.coefficients
    for name in given:
        if name not in known:
            raise FitError(f"{kind} names {name!r}; {recipes.family.__name__} has "
                           f"{', '.join(known)}.")  # fmt: skip
    return tuple(name for name in known if name in given)


def _check_counts(recipes: Recipes, shared: Sequence[str], pooled: Sequence[str]) -> None:
    mine = [name for name in recipes.free if name not in (*shared, *pooled)]
    few = recipes.too_few(len(mine))
    if few:
        held = f" beside {listed([*shared, *pooled])}" if shared or pooled else ""
        raise FitError(
            f"Each recipe needs at least {len(mine) + 1} runs for coefficients of its own "
            f"({listed(mine) or 'none'}){held}; {listed(few)} has fewer. Add runs, leave it out, "
            "or share more coefficients."
        )


def fit_shared(recipes: Recipes, shared: tuple[str, ...], **changes: Any) -> Fit:
    """All recipes as one law with some coefficients shared."""
    family = grouped(recipes.family, len(recipes.labels), shared)
    frame = recipes.frame.assign(**{GROUP: recipes.codes})
    if recipes.by not in recipes.columns.values():
        frame = frame.drop(columns=recipes.by)  # the law knows it
    constraints = _spread(recipes, shared)
    made = {
        **recipes.options, "columns": {**recipes.columns, GROUP: GROUP}, **vars(constraints),
        "weights": recipes.weights, "groups": recipes.groups, **changes,
    }  # fmt: skip
    first = _first_guesses(recipes)

    def starts(problem: Problem) -> Array:
        return _starts(problem, recipes, first, shared)

    fit = fit_one(family, frame, **made, strata=recipes.strata, starts=starts)
    return fit if fit.draws is None else replace(fit, draws_kind=recipes.kind)


def grouped_problem(recipes: Recipes, shared: tuple[str, ...]) -> Problem:
    """The problem of all recipes as one law."""
    family = grouped(recipes.family, len(recipes.labels), shared)
    frame = recipes.frame.assign(**{GROUP: recipes.codes})
    objective = recipes.options["objective"] or Huber()
    return problem_of(family, frame, {**recipes.columns, GROUP: GROUP}, objective,
                      _spread(recipes, shared), recipes.weights)  # fmt: skip


def _spread(recipes: Recipes, shared: Sequence[str]) -> Constraints:
    """The constraints, said of every recipe's own coefficients."""
    count = len(recipes.labels)

    def each(name: str) -> list[tuple[str, int]]:
        return [(name, 0)] if name in shared else [(own(name, g), g) for g in range(count)]

    tied = {}
    for name, expression in recipes.given.tied.items():
        for one, group in each(name):
            tied[one] = re.sub(r"\b[A-Za-z_]\w*\b", lambda found, group=group: (  # type: ignore[misc]
                own(found[0], group) if found[0] in recipes.family.coefficients
                and found[0] not in shared else found[0]), expression)  # fmt: skip
            if name in shared and tied[one] != expression:
                raise FitError(f"{name} is shared and cannot be tied to what each recipe has its "
                               f"own of: {expression!r}.")  # fmt: skip
    return Constraints(
        {one: value for name, value in recipes.given.fixed.items() for one, _ in each(name)},
        tied,
        {one: ends for name, ends in recipes.given.bounds.items() for one, _ in each(name)},
    )


def _first_guesses(recipes: Recipes) -> dict[int, Law]:
    """Law of each recipe that has the runs to be fitted alone."""
    counts = np.bincount(recipes.codes)
    return {
        code: recipes.alone(code, bootstrap=0, noise=None).law
        for code in range(len(recipes.labels)) if counts[code] > len(recipes.free)
    }  # fmt: skip


def _starts(
    problem: Problem, recipes: Recipes, first: Mapping[int, Law], shared: Sequence[str]
) -> Array:
    """Starts with the shared coefficients of each recipe in turn, the others fitted to them."""
    if not first:
        return np.empty((0, len(problem.free)))
    found = {name: np.array([float(law.values[name]) for law in first.values()])
             for name in recipes.family.coefficients}  # fmt: skip
    values: dict[str, Any] = {name: found[name] for name in shared}
    for name in recipes.family.coefficients:
        for group in range(len(recipes.labels)):
            middle = np.median(found[name])
            mine = float(first[group].values[name]) if group in first else middle
            values[own(name, group)] = np.full(len(first), mine)
    u = np.clip(problem.encode(values), *problem.limits)
    pinned = replace(problem, pinned=tuple(name for name in shared if name in problem.free))
    return refine(pinned, u, knee=problem.objective.knee or np.inf).u


def parts_of(
    recipes: Recipes, whole: Fit, shared: tuple[str, ...], pooled: tuple[str, ...] = (),
    between: Mapping[str, float] | None = None,
) -> Joint:  # fmt: skip
    """The joint fit that a law of all recipes stands for, with each recipe's own fit."""
    named = tuple(_named(issue, recipes.labels) for issue in whole.issues)
    fits = {
        label: _part(recipes, whole, code, {**dict.fromkeys(shared, "shared"),
                                            **dict.fromkeys(pooled, "pooled")}, named)
        for code, label in enumerate(recipes.labels)
    }  # fmt: skip
    few = [issue for label, fit in fits.items() for issue in fit.issues
           if issue.code == "few-runs-of-its-own"]  # fmt: skip
    issues = worst_first([*named, *few])
    return Joint(recipes.by, fits, shared, pooled, between or {}, whole, issues)


def _part(
    recipes: Recipes, whole: Fit, code: int, held: Mapping[str, str], named: Sequence[Issue]
) -> Fit:
    """One recipe of a joint fit as a fit of its own."""
    mine = recipes.codes == code
    frame, family, label = recipes.frame[mine], recipes.family, recipes.labels[code]
    law = member(family, whole.law, code)
    residual = whole.residuals()["residual"].to_numpy()[mine]
    weights = np.array(whole.weights)[mine] if whole.weights else np.ones(len(frame))
    free_own = [name for name in recipes.free if name not in held]
    # A shared coefficient takes from each recipe what its runs had a say in it.
    free = len(free_own) + (len(recipes.free) - len(free_own)) * float(mine.mean())
    noise = whole.noise
    if noise is not None and noise.by_run:
        noise = replace(noise, by_run=tuple(np.array(noise.by_run)[mine].tolist()))
    fixed = {name: float(law.values[name]) for name in held if name not in recipes.given.tied}
    others = [other for other in recipes.labels if other != label]
    issues = [
        *suspicions(frame, recipes.columns, whole.cost),
        *far_runs(residual, frame.index, relative=whole.objective.space == "log"),
        *_few(label, len(frame), len(free_own)),
        *(issue for issue in named if not any(f" of {brief(o)}" in issue.message for o in others)
          and issue.code not in _OF_A_TABLE),
    ]  # fmt: skip
    return replace(
        whole, law=law, runs=frame.copy(), columns=recipes.columns,
        objective_value=float(whole.objective.total(residual, weights)),
        draws=None if whole.draws is None else member(family, whole.draws, code),
        starts=Starts(whole.starts.tried, whole.starts.share), issues=worst_first(issues),
        assumptions=assumptions(frame, recipes.columns),
        constraints=replace(recipes.given, fixed={**recipes.given.fixed, **fixed}, bounds={
            name: ends for name, ends in recipes.given.bounds.items() if name not in fixed}),
        data=Data.of(used_columns(frame, recipes.columns, whole.cost), residual, free),
        ended=_ended(whole.ended, family, code), noise=noise,
        weights=tuple(weights.tolist()) if whole.weights else (),
        part=Part(recipes.by, label, held),
    )  # fmt: skip


# Found in the runs of each recipe by itself.
_OF_A_TABLE = ("far-runs", "narrow-range", "constant-tokens-per-param", "duplicate-runs",
               "cost-mismatch", "changes-with-size", "params-unit", "tokens-unit")  # fmt: skip


def _ended(ended: Mapping[str, str], family: type[Law], code: int) -> dict[str, str]:
    mine = {name: name for name in family.coefficients}
    mine |= {own(name, code): name for name in family.coefficients}
    return {mine[name]: end for name, end in ended.items() if name in mine}


def _few(label: str, count: int, free: int) -> tuple[Issue, ...]:
    if count >= _RUNS_A_COEFFICIENT * free:
        return ()
    return (Issue(
        "few-runs-of-its-own", "weakens",
        f"{count} runs of {brief(label)} for {free} coefficients of its own.",
        f"Add runs (at least {_RUNS_A_COEFFICIENT * free}), or share or pool more coefficients.",
    ),)  # fmt: skip


def _of(label: str, issue: Issue) -> Issue:
    return replace(issue, message=f"{brief(label)}: {issue.message}")


def _named(issue: Issue, labels: Sequence[str]) -> Issue:
    """The issue with coefficients called by their recipe: A__2 is A of muon."""

    def name(found: re.Match[str]) -> str:
        return f"{found[1]} of {brief(labels[int(found[2]) - 1])}"

    return replace(issue, message=re.sub(r"\b(\w+?)__(\d+)\b", name, issue.message),
                   remedy=re.sub(r"\b(\w+?)__(\d+)\b", name, issue.remedy))  # fmt: skip

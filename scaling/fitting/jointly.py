"""Recipes fitted together: the runs sorted by recipe, one law for all, and its parts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from scaling.errors import FitError, Issue, worst_first
from scaling.fitting.constraints import Constraints
from scaling.fitting.data import Data, Part
from scaling.fitting.engine import refine
from scaling.fitting.estimate import fit_one
from scaling.fitting.health import Starts, far_runs
from scaling.fitting.joints import Joint
from scaling.fitting.objective import Huber
from scaling.fitting.preparing import (
    problem_of,
    used_columns,
)
from scaling.fitting.problem import Problem
from scaling.fitting.recipes import Recipes, check_counts, coefficients_named, read_recipes
from scaling.fitting.result import Fit
from scaling.law import Law
from scaling.laws.grouping import GROUP, grouped, law_of, own
from scaling.runs.suspicion import assumptions, suspicions
from scaling.text import brief

__all__ = ["fit_jointly", "fit_shared", "grouped_problem", "parts_of"]

Array: TypeAlias = NDArray[np.float64]

_RUNS_A_COEFFICIENT = 3
_WORD = re.compile(r"\b[A-Za-z_]\w*\b")


def fit_jointly(
    family: type[Law], runs: Any, by: Any, shared: Any, pooled: Any, options: Mapping[str, Any]
) -> Joint:
    """Recipes fitted together: see :func:`scaling.fit`."""
    recipes = read_recipes(family, runs, by, options)
    shared = coefficients_named("shared", shared, recipes)
    pooled = coefficients_named("pooled", pooled, recipes)
    for name in pooled:
        if name in shared or name not in recipes.free:
            raise FitError(f"{name} is pooled and also shared, fixed or tied; keep one.")
    check_counts(recipes, shared, pooled)
    if pooled:
        from scaling.fitting.pooling import fit_pooled  # imports this file

        return fit_pooled(recipes, shared, pooled)
    if shared:
        return parts_of(recipes, fit_shared(recipes, shared), shared)
    fits = {label: recipes.alone(code) for code, label in enumerate(recipes.labels)}
    issues = [_of(label, issue) for label, fit in fits.items() for issue in fit.issues]
    return Joint(recipes.by, fits, (), (), {}, None, worst_first(issues))


def fit_shared(recipes: Recipes, shared: tuple[str, ...], **changes: Any) -> Fit:
    """All recipes as one law with some coefficients shared."""
    base: Any = recipes.family
    family = grouped(base, len(recipes.labels), shared)
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
    base: Any = recipes.family
    family = grouped(base, len(recipes.labels), shared)
    frame = recipes.frame.assign(**{GROUP: recipes.codes})
    objective = recipes.options["objective"] or Huber()
    return problem_of(family, frame, {**recipes.columns, GROUP: GROUP}, objective,
                      _spread(recipes, shared), recipes.weights)  # fmt: skip


def _own_word(recipes: Recipes, shared: Sequence[str], group: int, word: re.Match[str]) -> str:
    """What a word of a tie is called for one recipe."""
    its_own = word[0] in recipes.family.coefficients and word[0] not in shared
    return own(word[0], group) if its_own else word[0]


def _spread(recipes: Recipes, shared: Sequence[str]) -> Constraints:
    """The constraints, said of every recipe's own coefficients."""
    count = len(recipes.labels)

    def each(name: str) -> list[tuple[str, int]]:
        return [(name, 0)] if name in shared else [(own(name, g), g) for g in range(count)]

    tied = {}
    for name, expression in recipes.given.tied.items():
        for one, group in each(name):
            tied[one] = _WORD.sub(partial(_own_word, recipes, shared, group), expression)
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
    mine = len([name for name in recipes.free if name not in (*shared, *pooled)])
    few = [issue for label, fit in fits.items() for issue in _few(label, fit.data.count, mine)]
    issues = worst_first([*named, *few])
    return Joint(recipes.by, fits, shared, pooled, between or {}, whole, issues)


def _part(
    recipes: Recipes, whole: Fit, code: int, held: Mapping[str, str], named: Sequence[Issue]
) -> Fit:
    """One recipe of a joint fit as a fit of its own."""
    mine = recipes.codes == code
    frame, family, label = recipes.frame[mine], recipes.family, recipes.labels[code]
    law = law_of(family, whole.law, code)
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
        *suspicions(frame, recipes.columns, whole.cost, recipes.family),
        *far_runs(residual, frame.index, relative=whole.objective.space == "log"),
        *_few(label, len(frame), len(free_own)),
        *(issue for issue in named if not any(f" of {brief(o)}" in issue.message for o in others)
          and issue.code not in _OF_A_RECIPE),
    ]  # fmt: skip
    return replace(
        whole, law=law, runs=frame.copy(), columns=recipes.columns,
        objective_value=float(whole.objective.total(residual, weights)),
        draws=None if whole.draws is None else law_of(family, whole.draws, code),
        starts=Starts(whole.starts.tried, whole.starts.share), issues=worst_first(issues),
        assumptions=assumptions(frame, recipes.columns),
        constraints=replace(recipes.given, fixed={**recipes.given.fixed, **fixed}, bounds={
            name: ends for name, ends in recipes.given.bounds.items() if name not in fixed}),
        data=Data.of(used_columns(frame, recipes.columns, whole.cost), recipes.columns, residual,
                     free),
        ended=_ended(whole.ended, family, code), noise=noise,
        weights=tuple(weights.tolist()) if whole.weights else (),
        part=Part(recipes.by, label, held),
    )  # fmt: skip


# Found of each recipe by itself.
_OF_A_RECIPE = (
    "few-runs", "mixed-recipes", "mixed-tokens", "far-runs", "narrow-range", "params-unit",
    "constant-tokens-per-param", "duplicate-runs", "cost-mismatch", "changes-with-size",
    "tokens-unit",
)  # fmt: skip


def _ended(ended: Mapping[str, str], family: type[Law], code: int) -> dict[str, str]:
    mine = {name: name for name in family.coefficients}
    mine |= {own(name, code): name for name in family.coefficients}
    return {mine[name]: end for name, end in ended.items() if name in mine}


def _few(label: str, count: int, free: int) -> tuple[Issue, ...]:
    if count >= _RUNS_A_COEFFICIENT * free:
        return ()
    return (Issue(
        "few-runs", "weakens",
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

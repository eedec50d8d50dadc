"""Runs sorted by recipe, with all that was asked of their joint fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling.errors import ColumnError, FitError, name_rows
from scaling.fitting.constraints import Constraints
from scaling.fitting.data import Part
from scaling.fitting.estimate import fit_one
from scaling.fitting.preparing import GIVEN, checked, mapping_of, weights_of
from scaling.fitting.result import Fit
from scaling.law import Law
from scaling.runs.door import as_frame
from scaling.runs.suspicion import levels
from scaling.text import brief, listed, quoted

__all__ = ["Recipes", "check_counts", "coefficients_named", "read_recipes"]

Array: TypeAlias = NDArray[np.float64]


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


def read_recipes(family: type[Law], runs: Any, by: Any, options: Mapping[str, Any]) -> Recipes:
    """Runs sorted by recipe, if that can be done.

    Raises
    ------
    ColumnError
        If a run has no recipe, or a column cannot be used.
    FitError
        If there are fewer than two recipes, or an option does not apply.
    """
    frame = as_frame(runs)
    if not isinstance(by, str) or by not in frame.columns:
        raise FitError(f"by= must name a column of runs that says which recipe each is of; got "
                       f"{quoted(by)}. The table has {listed(frame.columns)}.")  # fmt: skip
    frame, mapping = checked(family, frame, options["columns"])
    weights = weights_of(options["weights"], frame)
    groups = options["groups"]
    if isinstance(groups, str) and groups not in frame.columns:
        raise FitError(f"groups={groups!r} is not a column of runs.")
    grouping: Any = frame[groups] if isinstance(groups, str) else groups
    if groups is not None and np.shape(grouping) != (len(frame),):
        raise FitError(f"groups must be one label a run ({len(frame)}); got shape "
                       f"{np.shape(grouping)}.")  # fmt: skip
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
        raise FitError(f"by={by!r} needs runs of two recipes or more; got "
                       f"{listed(labels) or 'none'}. Fit without by=.")  # fmt: skip
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


def coefficients_named(kind: str, names: Any, recipes: Recipes) -> tuple[str, ...]:
    """Coefficients named, in the family's order."""
    given = [names] if isinstance(names, str) else list(names)
    known = recipes.family.coefficients
    for name in given:
        if name not in known:
            raise FitError(f"{kind} names {name!r}; {recipes.family.__name__} has "
                           f"{', '.join(known)}.")  # fmt: skip
    return tuple(name for name in known if name in given)


def check_counts(recipes: Recipes, shared: Sequence[str], pooled: Sequence[str]) -> None:
    """Refuse recipes with too few runs for the coefficients of their own."""
    mine = [name for name in recipes.free if name not in (*shared, *pooled)]
    few = recipes.too_few(len(mine))
    if few:
        held = f" beside {listed([*shared, *pooled])}" if shared or pooled else ""
        raise FitError(
            f"Each recipe needs at least {len(mine) + 1} runs for coefficients of its own "
            f"({listed(mine) or 'none'}){held}; {listed(few)} has fewer. Add runs, leave it out, "
            "or share more coefficients."
        )

"""A joint fit: one law a recipe, fitted together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling.answer import issue_dict, issue_lines, report_html, report_text
from scaling.errors import Issue, one_of
from scaling.fitting.equality import Equality, equality_of
from scaling.fitting.result import Fit
from scaling.fitting.wording import objective_text
from scaling.text import brief, listed, rounded

__all__ = ["Joint"]

Array: TypeAlias = NDArray[np.float64]

_LEVEL = 0.9  # of what is printed
_ALL = "all"  # stands for the recipe in rows of shared coefficients


@dataclass(frozen=True)
class Joint(Mapping[str, Fit]):
    """One law a recipe, fitted together; made by :func:`scaling.fit` with ``by``.

    It is a mapping from recipe to its fit, which answers every question that a fit does. Draws of
    all recipes are paired by index.

    Attributes
    ----------
    by : str
        Column that names the recipes.
    fits : mapping of str to Fit
    shared, pooled : tuple of str
        Coefficients that are the same in all, and those drawn towards each other.
    between : mapping of str to float
        Standard deviation between recipes of each pooled coefficient, as estimated.
    whole : Fit or None
        All recipes as one law; None where they were fitted apart. Own coefficients end in the
        recipe's number: ``A__1``.
    issues : tuple of Issue

    Examples
    --------
    >>> import scaling
    >>> runs = scaling.datasets.load("demo")
    >>> runs = runs.assign(recipe=["old", "new", "old"] * (len(runs) // 3))
    >>> joint = scaling.fit(scaling.laws.Chinchilla, runs, by="recipe", shared=("alpha", "beta"))
    >>> bool(joint["old"].law.alpha == joint["new"].law.alpha)
    True
    """

    by: str
    fits: Mapping[str, Fit]
    shared: tuple[str, ...]
    pooled: tuple[str, ...]
    between: Mapping[str, float]
    whole: Fit | None
    issues: tuple[Issue, ...]

    def __getitem__(self, label: Any) -> Fit:
        return self.fits[one_of(brief(self.by), str(label), tuple(self.fits))]

    def __contains__(self, label: object) -> bool:
        return str(label) in self.fits

    def __iter__(self) -> Iterator[str]:
        return iter(self.fits)

    def __len__(self) -> int:
        return len(self.fits)

    @property
    def first(self) -> Fit:
        """The first recipe's fit."""
        return next(iter(self.fits.values()))

    def table(self, level: float = 0.9) -> pd.DataFrame:
        """Coefficients with their errors.

        Parameters
        ----------
        level : float
            Share of the resamples between low and high.

        Returns
        -------
        DataFrame
            One row a coefficient of a recipe, as in ``Fit.table``; shared ones stand once, with
            the recipe ``all``.
        """
        tables = []
        for place, (label, one) in enumerate(self.fits.items()):
            table = one.table(level).reset_index()
            common = table["coefficient"].isin(self.shared)
            table.insert(0, self.by, np.where(common, _ALL, label))
            tables.append(table if place == 0 else table[~common])
        stacked = pd.concat(tables, ignore_index=True)
        return stacked.sort_values(
            self.by, key=lambda labels: labels != _ALL, kind="stable", ignore_index=True
        )

    def equal(self, *coefficients: str, level: float = 0.9) -> Equality:
        """Whether coefficients are the same in all recipes, by the paired draws.

        Parameters
        ----------
        *coefficients : str
            Such as ``"alpha", "beta"``; each must be free in every recipe.
        level : float
            Of the intervals of the differences.

        Returns
        -------
        Equality
            Its table has one row a coefficient and recipe beside the first one: the difference
            with its ends. ``p_value`` is that of all being equal at once.

        Raises
        ------
        FitError
            If a coefficient is shared, pooled or fixed, or there are no resamples.

        Examples
        --------
        >>> import scaling
        >>> runs = scaling.datasets.load("demo")
        >>> runs = runs.assign(recipe=["old", "new", "old"] * (len(runs) // 3))
        >>> joint = scaling.fit(scaling.laws.Chinchilla, runs, by="recipe")
        >>> joint.equal("alpha", "beta").p_value > 0.05
        True
        """
        return equality_of(self.by, self.fits, coefficients, self.issues, level)

    def _wide(self, level: float) -> pd.DataFrame:
        """One row a recipe, its own coefficients beside each other."""
        rows = []
        for label, one in self.fits.items():
            row: dict[str, Any] = {self.by: brief(label), "runs": one.data.count}
            for name, found in one.table(level).iterrows():
                if name not in self.shared:
                    row |= {f"{name}": found["value"], f"{name}_low": found["low"],
                            f"{name}_high": found["high"]}  # fmt: skip
            rows.append(row)
        return pd.DataFrame(rows)

    def _lines(self, level: float) -> list[str]:
        lines = [self._shared_text(name, level) for name in self.shared]
        lines += [f"{name} differs between recipes by {sd:.2g} (standard deviation)"
                  for name, sd in self.between.items()]  # fmt: skip
        kind = self.first.draws_kind
        known = self.first.draws is not None
        intervals = f"[low, high] hold {100 * level:.10g}%: {kind}"
        lines.append(intervals if known else "no intervals: bootstrap=0")
        return [*lines, *issue_lines(self.issues)]

    def _shared_text(self, name: str, level: float) -> str:
        table = self.first.table(level)
        value, low, high = (float(table[column][name]) for column in ("value", "low", "high"))
        error = (high - low) / 4
        known = np.isfinite(error) and error > 0
        ends = f" [{rounded(low, error)}, {rounded(high, error)}]" if known else ""
        return f"{name} of all: {rounded(value, error)}{ends}"

    @property
    def title(self) -> str:
        """What was fitted, in words."""
        one = self.first
        target = one.columns[one.law.target]
        count = sum(fit.data.count for fit in self.fits.values())
        how = [f"{listed(names)} {kind}" for names, kind in
               ((self.shared, "shared"), (self.pooled, "pooled")) if names]  # fmt: skip
        return (
            f"{one.family.__name__} on {count} runs of {len(self)} laws by {brief(self.by)}; "
            f"{', '.join(how) or 'nothing shared'}; {objective_text(one.objective, target)}"
        )

    def __str__(self, level: float = _LEVEL) -> str:
        return report_text(self.title, self._wide(level), self._lines(level))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return report_html(self.title, self._wide(_LEVEL), self._lines(_LEVEL))

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "title": self.title, "by": self.by, "shared": list(self.shared),
            "pooled": list(self.pooled), "between": dict(self.between),
            "intervals": self.first.draws_kind, "rows": self.table().to_dict(orient="records"),
            "issues": [issue_dict(issue) for issue in self.issues],
        }  # fmt: skip

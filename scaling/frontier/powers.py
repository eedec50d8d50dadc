"""Power laws of compute through best allocations, and the frontier they give at any compute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling.columns import COMPUTE
from scaling.cost import Cost
from scaling.errors import Issue
from scaling.frontier.table import Frontier, with_ends
from scaling.frontier.terms import positive
from scaling.reach import beyond, beyond_issues
from scaling.source import summarise

__all__ = ["Lines", "Power"]

Array: TypeAlias = NDArray[np.float64]

_OF_A_LINE = 2  # numbers that a line takes from its points
_BISECTIONS = 60


@dataclass(frozen=True)
class Power:
    """A power law of compute, or k of them.

    Attributes
    ----------
    exponent : ndarray, shape () or (k,)
    log_value : ndarray, shape () or (k,)
        Log of the value at the compute ``exp(middle)``.
    middle : float
    """

    exponent: Array
    log_value: Array
    middle: float

    @classmethod
    def through(cls, compute: Array, values: Array) -> Power:
        """Least squares in logs; points that are NaN are left out.

        Parameters
        ----------
        compute : ndarray, shape (b,)
        values : ndarray, shape (b,) or (k, b)

        Examples
        --------
        >>> power = Power.through(np.array([1e18, 1e20]), np.array([1e8, 1e9]))
        >>> round(float(power.exponent), 9)
        0.5
        """
        middle = float(np.log(compute).mean())
        x = np.log(compute) - middle
        known = np.isfinite(values)
        y = np.log(np.where(known, values, 1.0))
        count = known.sum(axis=-1)
        with np.errstate(all="ignore"):
            mean_x = (known * x).sum(axis=-1) / count
            mean_y = y.sum(axis=-1) / count
            away = np.where(known, x - mean_x[..., None], 0.0)
            slope = (away * y).sum(axis=-1) / (away**2).sum(axis=-1)
        slope = np.where(count > 1, slope, np.nan)
        return cls(slope, mean_y - slope * mean_x, middle)

    def at(self, compute: Array) -> Array:
        """Values, shape (m,) or (k, m)."""
        away = np.log(compute) - self.middle
        with np.errstate(over="ignore", under="ignore"):
            return np.asarray(np.exp(self.log_value[..., None] + self.exponent[..., None] * away))

    def scattered(
        self, compute: Array, values: Array, draws: Array, stream: np.random.Generator
    ) -> tuple[Array, float]:
        """Draws with the scatter of the values about this power law added, and its ratio.

        Where values lie further from the line than the spread of their draws explains, the rest
        differs from point to point for other reasons, and a line through them is as uncertain as
        that. Its standard deviation is the one at which all residuals are explained (Paule and
        Mandel 1982).

        Parameters
        ----------
        compute : ndarray, shape (b,)
        values : ndarray, shape (b,)
        draws : ndarray, shape (k, b)
            NaN where a point is left out.
        stream : Generator

        Returns
        -------
        draws : ndarray, shape (k, b)
        ratio : float
            Scatter over what the draws explain; 0 where there are too few points to tell.
        """
        known = np.isfinite(draws)
        with np.errstate(all="ignore"):
            logs = np.where(known, np.log(draws), 0.0)
            middle = logs.sum(axis=0) / known.sum(axis=0)
            square = np.where(known, (logs - middle) ** 2, 0.0).sum(axis=0)
            errors = np.sqrt(square / known.sum(axis=0))
            away = np.log(values / self.at(compute))
        told = np.isfinite(away) & np.isfinite(errors) & (errors > 0)
        freedom = int(told.sum()) - _OF_A_LINE
        if freedom < 1:
            return draws, 0.0
        away, errors = away[told], errors[told]

        def excess(variance: float) -> float:
            return float((away**2 / (errors**2 + variance)).sum() - freedom)

        ratio = float(np.sqrt((away**2 / errors**2).sum() / freedom))
        low, high = 0.0, float((away**2).sum()) / freedom + 1e-300
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            low, high = (middle, high) if excess(middle) > 0 else (low, middle)
        added = stream.normal(0.0, np.sqrt(high if excess(0.0) > 0 else 0.0), draws.shape)
        # A variance read from few points is itself uncertain, as in Student's t.
        much = np.sqrt(freedom / stream.chisquare(freedom, (len(draws), 1)))
        with np.errstate(over="ignore"):
            return np.asarray(draws * np.exp(much * added)), ratio

    @property
    def coefficient(self) -> Array:
        """Value at a compute of 1."""
        with np.errstate(over="ignore", under="ignore"):
            return np.asarray(np.exp(self.log_value - self.exponent * self.middle))


@dataclass(frozen=True)
class Lines:
    """Power laws of some columns, with their draws: what a frontier by points rests on.

    Attributes
    ----------
    best, draws : mapping of str to Power
        By column, params first and tokens second; no draws where there are no intervals.
    reach : (float, float)
        Smallest and largest compute of the runs.
    title, method, kind : str
    level : float
    cost : Cost
    issues : tuple of Issue
    """

    best: Mapping[str, Power]
    draws: Mapping[str, Power]
    reach: tuple[float, float]
    title: str
    method: str
    kind: str
    level: float
    cost: Cost
    issues: tuple[Issue, ...] = ()

    @property
    def known(self) -> bool:
        """Whether there are lines at all: two points or more."""
        return all(np.isfinite(power.exponent) for power in self.best.values())

    def exponents(self) -> pd.DataFrame:
        """One row a column: the power of compute, with its ends and the coefficient."""
        rows = {}
        for name, power in self.best.items():
            drawn = self.draws.get(name)
            value, low, high = summarise(
                power.exponent, None if drawn is None else drawn.exponent, self.level
            )
            rows[name] = {"value": float(value), "low": float(low), "high": float(high),
                          "coefficient": float(power.coefficient)}  # fmt: skip
        return pd.DataFrame(rows).T

    def frontier(self, compute: Any) -> Frontier:
        """The lines at any compute."""
        wanted = positive(COMPUTE, compute)
        table = pd.DataFrame({COMPUTE: wanted})
        for name, power in self.best.items():
            drawn = self.draws.get(name)
            table = with_ends(
                table, name, power.at(wanted), None if drawn is None else drawn.at(wanted),
                self.level,
            )  # fmt: skip
        table = self._ratio(table, wanted)
        far = beyond({COMPUTE: self.reach}, {COMPUTE: wanted})
        issues = (*self.issues, *beyond_issues(far))
        return Frontier(table, self.title, self.level, self.kind, issues, self.method,
                        self.exponents(), self.cost, self.frontier)  # fmt: skip

    def _ratio(self, table: pd.DataFrame, compute: Array) -> pd.DataFrame:
        """Table with the tokens per param on the lines."""
        (params, tokens), drawn = self.best.values(), list(self.draws.values())
        draws = drawn[1].at(compute) / drawn[0].at(compute) if drawn else None
        return with_ends(table, "tokens_per_param", tokens.at(compute) / params.at(compute), draws,
                         self.level)  # fmt: skip

    def told(self) -> dict[str, Any]:
        """What every frontier by points is made with."""
        return {
            "title": self.title, "level": self.level, "kind": self.kind, "method": self.method,
            "exponents": self.exponents(), "cost": self.cost,
            "again": self.frontier if self.known else None,
        }  # fmt: skip

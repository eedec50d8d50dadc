"""Answers: a finished table with its level, its kind of interval, and what weakens it."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling.columns import COLUMNS
from scaling.errors import Issue, worst_first
from scaling.source import check_level
from scaling.text import folded, human, rounded, scalar_text, times

__all__ = [
    "Answer",
    "issue_dict",
    "issue_lines",
    "level_issues",
    "report_html",
    "report_text",
    "shown",
]

Array: TypeAlias = NDArray[np.float64]

_ISSUES_SHOWN = 3
_AS_SHARE = {
    "excess_mean", "excess_p90", "wasted_compute", "probability_within", "shift", "mean_error",
    "bias", "coverage", "interval_score", "probability", "overhead", "share_of_best", "excess",
}  # fmt: skip
_AS_TIMES = {"beyond", "misfit", "wider", "farthest", "ratio"}
_AS_COUNT = {"params", "tokens", "FLOPs"}
_AS_AMOUNT = {"device_hours", "days", "cut", "needed"}
_NOTHING = 1e-7  # a share of this size is rounding
_DRAWS_BEYOND = 2  # draws beyond each end that an interval needs


@dataclass(frozen=True)
class Answer:
    """A question's answer.

    Attributes
    ----------
    table : DataFrame
        One row a case; a column ``x`` with an interval stands beside ``x_low`` and ``x_high``.
    title : str
        The question in words.
    level : float
        Level of the intervals.
    kind : str
        How they were made, such as ``pairs n=200``; ``none`` where there are none.
    issues : tuple of Issue
        What weakens the answer, worst first.
    """

    table: pd.DataFrame
    title: str
    level: float
    kind: str
    issues: tuple[Issue, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "issues", worst_first(self.issues))

    @property
    def intervals(self) -> str:
        """What the intervals are, in words."""
        if self.kind == "none":
            return "No intervals: there are no resamples."
        return f"[low, high] hold {100 * self.level:.10g}%: {self.kind}."

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences to print below the table."""
        return (self.intervals,)

    @property
    def printed(self) -> pd.DataFrame:
        """Rows of the table to print: all of them, but for answers with one a run."""
        return self.table

    def __str__(self) -> str:
        return report_text(self.title, self.printed, (*self.notes, *issue_lines(self.issues)))

    def _repr_html_(self) -> str:
        return report_html(self.title, self.printed, (*self.notes, *issue_lines(self.issues)))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as ``--json`` prints them."""
        return {
            "title": self.title,
            "level": self.level,
            "intervals": self.kind,
            "rows": self.table.to_dict(orient="records"),
            "issues": [issue_dict(issue) for issue in self.issues],
        }


def report_text(title: str, table: pd.DataFrame, lines: Iterable[str]) -> str:
    """Title, table and sentences as text."""
    body = shown(table).to_string(index=False)
    return "\n".join([title, "", body, "", *(folded(line) for line in lines)])


def report_html(title: str, table: pd.DataFrame, lines: Iterable[str]) -> str:
    """Title, table and sentences for a notebook."""
    body = shown(table).to_html(index=False, border=0)
    below = "".join(f"<p>{html.escape(line)}</p>" for line in lines)
    return f"<p><b>{html.escape(title)}</b></p>{body}{below}"


def issue_dict(issue: Issue) -> dict[str, Any]:
    """Plain values of an issue."""
    rows = [row.item() if isinstance(row, np.generic) else row for row in issue.rows]
    return {**vars(issue), "rows": rows}


def issue_lines(issues: tuple[Issue, ...], rest: str = "in .issues") -> list[str]:
    """The worst issues as lines, and how many more there are, and where."""
    lines = [str(issue) for issue in worst_first(issues)[:_ISSUES_SHOWN]]
    left = len(issues) - _ISSUES_SHOWN
    return [*lines, *([f"and {left} more {rest}"] if left > 0 else [])]


def level_issues(
    draws: int, level: float, more: str = "Use bootstrap(fit, {})"
) -> tuple[Issue, ...]:
    """An issue where too few draws lie beyond the ends for the level.

    Examples
    --------
    >>> [issue.code for issue in level_issues(200, 0.999)]
    ['few-draws']
    """
    check_level(level)
    beyond_an_end = draws * (1 - level) / 2
    if beyond_an_end >= _DRAWS_BEYOND:
        return ()
    needed = math.ceil(2 * _DRAWS_BEYOND / (1 - level))
    return (Issue(
        "few-draws", "weakens",
        f"Of {draws} resamples only {beyond_an_end:.1g} lie beyond each end of a "
        f"{100 * level:.10g}% interval, so its ends are hardly known.",
        f"{more.format(needed)} or a lower level.",
    ),)  # fmt: skip


def shown(table: pd.DataFrame) -> pd.DataFrame:
    """Table as text: numbers rounded to their errors, intervals in brackets.

    Examples
    --------
    >>> shown(pd.DataFrame({"loss": [1.9731], "loss_low": [1.951], "loss_high": [2.002]}))
                         loss
    0  1.973 [1.951, 2.002]
    """
    ends = {f"{name}{end}" for name in table.columns for end in ("_low", "_high")}
    columns = {}
    for name in table.columns:
        if name in ends:
            continue
        low, high = table.get(f"{name}_low"), table.get(f"{name}_high")
        columns[name.replace("_", " ")] = [
            _cell(name, value, None if low is None else low.iloc[i],
                  None if high is None else high.iloc[i])
            for i, value in enumerate(table[name])
        ]  # fmt: skip
    return pd.DataFrame(columns)


def _cell(name: str, value: Any, low: Any, high: Any) -> str:
    if isinstance(value, str) or value is None:
        return value or ""
    if low is None or high is None or (np.isnan(low) and np.isnan(high)):
        return _number(name, value, np.nan)
    error = (high - low) / 4 if np.isfinite(high - low if np.isfinite(low) else high) else np.nan
    return (
        f"{_number(name, value, error)} [{_number(name, low, error)}, {_number(name, high, error)}]"
    )


def _number(name: str, value: Any, error: float) -> str:
    if np.isnan(value):
        return ""
    unit = COLUMNS[name].unit if name in COLUMNS else ""
    if name in _AS_SHARE:
        value = value if abs(value) > _NOTHING else 0.0
        return f"{100 * value:.2g}%" if 100 * value < 99.5 else f"{100 * value:.0f}%"
    if name in _AS_TIMES:
        return times(value)
    if name == "shift_in_half_widths":
        return f"{value if abs(value) > _NOTHING else 0:.2g}"
    if name.endswith("dollars"):
        return f"${human(value)}"
    if unit in _AS_COUNT or name in _AS_AMOUNT:
        return human(value)
    if np.isfinite(error) and error > 0:
        return rounded(value, error)
    return scalar_text(value)

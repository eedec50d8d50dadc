"""Answers: a finished table with its level, its kind of interval, and what weakens it."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling.columns import COLUMNS, PARAMS, RATIO, TOKENS
from scaling.errors import Issue, worst_first
from scaling.source import check_level
from scaling.text import folded, human, rounded, scalar_text, times

__all__ = [
    "HORIZON",
    "Answer",
    "beyond",
    "beyond_issues",
    "issue_dict",
    "issue_lines",
    "level_issues",
    "ratio_issues",
    "report_html",
    "report_text",
    "shown",
]

Array: TypeAlias = NDArray[np.float64]

_ISSUES_SHOWN = 3
_AS_SHARE = {
    "excess_mean", "excess_p90", "wasted_compute", "probability_within", "shift", "mean_error",
    "bias", "coverage", "interval_score", "probability",
}  # fmt: skip
_AS_TIMES = {"beyond", "misfit", "wider", "farthest", "ratio"}
_AS_COUNT = {"params", "tokens", "FLOPs"}
_AS_AMOUNT = {"device_hours", "days", "cut", "needed"}
_NOTHING = 1e-7  # a share of this size is rounding
_DRAWS_BEYOND = 2  # draws beyond each end that an interval needs
_TOLD_BEYOND = 3.0  # an answer this many times beyond the runs is told to be one
HORIZON = 1e3  # times beyond the runs from which no interval is trusted, however it widens


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


def beyond(ranges: Mapping[str, tuple[float, float]], columns: Mapping[str, Array]) -> Array:
    """By which factor each point lies outside the ranges of the runs; 1 inside.

    A range that reaches 0 is measured in its own widths instead.

    Parameters
    ----------
    ranges : mapping of str to (float, float)
        Smallest and largest value by column; columns without one do not count.
    columns : mapping of str to ndarray, shape (m,)
        The points.

    Examples
    --------
    >>> beyond({"params": (1e8, 1e10)}, {"params": np.array([1e9, 7e10])})
    array([1., 7.])
    """
    factor = np.ones(max(np.size(values) for values in columns.values()))
    for name, values in columns.items():
        low, high = ranges.get(name, (np.nan, np.nan))
        with np.errstate(all="ignore"):
            if low > 0:
                factor = np.fmax(factor, np.fmax(values / high, low / values))
            elif high > low:
                outside = np.maximum(np.maximum(values - high, low - values), 0)
                factor = np.fmax(factor, 1 + outside / (high - low))
    return factor


def beyond_issues(factor: Array, *, widened: bool = False, drawn: bool = True) -> tuple[Issue, ...]:
    """An issue where the farthest point lies well beyond the runs.

    Parameters
    ----------
    factor : ndarray
        As of :func:`beyond`.
    widened : bool
        Whether the intervals widen with the distance.
    drawn : bool
        Whether there are resamples.
    """
    farthest = float(np.max(factor, initial=1.0))
    if not farthest >= _TOLD_BEYOND:
        return ()
    lies = f"The answer lies {times(farthest)} beyond the runs"
    if widened and farthest > HORIZON:
        return (Issue("beyond-the-runs", "weakens",
                      f"{lies}: its intervals widen with the distance, as past forecasts erred, "
                      f"but beyond {times(HORIZON)} that is too little to rely on.",
                      "Train a run on the way, and forecast from there."),)  # fmt: skip
    if widened:
        return (Issue("beyond-the-runs", "note",
                      f"{lies}: its intervals widen with the distance, as past forecasts erred.",
                      "Train a run on the way, and see whether it falls inside."),)  # fmt: skip
    if not drawn:
        return (Issue("beyond-the-runs", "weakens",
                      f"{lies}, and no interval says how far off it may be.",
                      "Forecast with scaling.ensemble and its resamples."),)  # fmt: skip
    return (Issue(
        "beyond-the-runs", "weakens",
        f"{lies}: intervals are the sampling error of one law, and on public tables held about a "
        "third of the larger runs at nominal 90%.",
        "Forecast with scaling.ensemble, or backtest the fit and calibrate it.",
    ),)  # fmt: skip


def ratio_issues(
    ranges: Mapping[str, tuple[float, float]], inputs: Mapping[str, Any]
) -> tuple[Issue, ...]:
    """An issue where tokens per param lie well outside those of the runs.

    Params and tokens may each lie inside, so it is not told by :func:`beyond`; and no interval
    widens with it.

    Parameters
    ----------
    ranges : mapping of str to (float, float)
        Those of a source; it knows the ratios of its runs or it does not.
    inputs : mapping of str to ndarray
        The points, by role; those of other roles do not matter.

    Examples
    --------
    >>> point = {"params": np.array([1e9]), "tokens": np.array([1e12])}
    >>> issues = ratio_issues({"tokens_per_param": (5.0, 50.0)}, point)
    >>> [issue.code for issue in issues]
    ['ratio-beyond']
    """
    if RATIO not in ranges or not {PARAMS, TOKENS} <= set(inputs):
        return ()
    low, high = ranges[RATIO]
    with np.errstate(all="ignore"):
        ratio = np.asarray(inputs[TOKENS], dtype=float) / np.asarray(inputs[PARAMS], dtype=float)
        outside = np.fmax(ratio / high, low / ratio)
    if not (np.isfinite(outside) & (outside >= _TOLD_BEYOND)).any():
        return ()
    worst = float(ratio[np.nanargmax(np.where(np.isfinite(outside), outside, np.nan))])
    lesson = ("Far above the ratios it was fitted at, a law makes more tokens look worth more than "
              "they are (Sardana et al. 2024)." if worst > high else
              "What a law says there no run has shown.")  # fmt: skip
    return (Issue(
        "ratio-beyond", "weakens",
        f"The answer has {human(worst)} tokens per param, and the runs {human(low)} to "
        f"{human(high)}. {lesson}",
        "Train a small model at such a ratio, and fit with it.",
    ),)  # fmt: skip


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

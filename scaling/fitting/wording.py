"""A fit in words: the short report that it prints as, in text and in a notebook."""

from __future__ import annotations

import html
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scaling.answer import issue_lines
from scaling.columns import RATIO
from scaling.fitting.objective import Objective
from scaling.text import brief, folded, human, rounded, scalar_text

if TYPE_CHECKING:
    from scaling.fitting.result import Fit

__all__ = ["fit_html", "fit_text", "objective_name", "objective_text"]


def fit_text(fit: Fit, level: float = 0.9, *, rest: str = "in .issues") -> str:
    """Short report of a fit as text, with intervals of a level."""
    rows = _coefficients(fit, level)
    width = [rows[column].str.len().max() for column in rows.columns]
    body = [
        "  " + "  ".join(cell.ljust(w) for cell, w in zip(row, width, strict=True)).rstrip()
        for row in rows.itertuples(index=False)
    ]
    return "\n".join([_title(fit), *body, *(folded(line) for line in _lines(fit, level, rest))])


def fit_html(fit: Fit, level: float = 0.9) -> str:
    """Short report of a fit for a notebook, with intervals of a level."""
    body = _coefficients(fit, level).to_html(index=False, border=0)
    below = "".join(f"<p>{html.escape(line)}</p>" for line in _lines(fit, level))
    return f"<p><b>{html.escape(_title(fit))}</b></p>{body}{below}"


def _title(fit: Fit) -> str:
    objective = objective_text(fit.objective, fit.columns[fit.law.target])
    return f"{fit.family.__name__} on {fit.data.count} runs, {objective}"


def objective_text(objective: Objective, target: str) -> str:
    """Objective of a target's column as it is written in a paper's method section.

    Examples
    --------
    >>> from scaling.fitting.objective import Huber
    >>> objective_text(Huber(), "loss")
    'Huber(delta=0.001) of log loss'
    """
    space = f"log {target}" if objective.space == "log" else target
    return f"{objective_name(objective)} of {space}"


def objective_name(objective: Objective) -> str:
    """Objective with its numbers.

    Examples
    --------
    >>> from scaling.fitting.objective import Huber
    >>> objective_name(Huber())
    'Huber(delta=0.001)'
    """
    values = {k: v for k, v in vars(objective).items() if k != "space"}
    inside = ", ".join(f"{name}={value:g}" for name, value in values.items())
    return f"{type(objective).__name__}({inside})" if inside else type(objective).__name__


def _lines(fit: Fit, level: float, rest: str = "in .issues") -> list[str]:
    arrived = f"{round(fit.starts.share * fit.starts.tried)} of {fit.starts.tried}"
    lines = [f"objective {fit.objective_value:.6g}; {arrived} starts agree"]
    held = {} if fit.part is None else fit.part.held
    fixed = {name: value for name, value in fit.constraints.fixed.items() if name not in held}
    said = replace(fit.constraints, fixed=fixed).describe()
    lines += [said] if said else []
    if fit.part is not None:
        lines.append(f"one {brief(fit.part.by)} of several: {brief(fit.part.label)}")
    target = fit.columns[fit.law.target]
    ranges = (
        f"{name} {human(low)} to {human(high)}"
        for name, (low, high) in fit.data.ranges.items()
        if name not in (target, RATIO)
    )
    lines.append("runs: " + ", ".join(ranges))
    if fit.noise is not None:
        noise = f"{scalar_text(fit.noise.sd)}, {fit.noise.source}"
        lines.append(f"residuals are {fit.lack_of_fit:.2g}x the noise ({noise})")
    intervals = f"[low, high] hold {100 * level:.10g}%: {fit.draws_kind}"
    lines.append(intervals if fit.draws is not None else "no intervals: bootstrap=0")
    return [*lines, *issue_lines(fit.issues, rest)]


def _coefficients(fit: Fit, level: float) -> pd.DataFrame:
    cells = []
    for name, row in fit.table(level).iterrows():
        error = (row["high"] - row["low"]) / 4
        text = rounded(row["value"], error)
        if np.isfinite(error) and error > 0:
            text += f" [{rounded(row['low'], error)}, {rounded(row['high'], error)}]"
        status = "" if row["status"] == "free" else row["status"]
        unit = f" ({row['unit']})" if row["unit"] else ""
        cells.append((name, text, f"{row['meaning']}{unit}", status))
    return pd.DataFrame(cells, columns=["", "value", "meaning", "status"])

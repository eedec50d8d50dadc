"""An ensemble in words: its laws, what was left out, and what is known against it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scaling.answer import issue_lines, report_html, report_text
from scaling.fitting import Fit
from scaling.fitting.constraints import Constraints
from scaling.fitting.health import AHEAD
from scaling.law import Law

if TYPE_CHECKING:
    from scaling.forecast.ensembles import Ensemble

__all__ = ["ensemble_html", "ensemble_text", "member_name", "members_table"]


def members_table(known: Ensemble) -> pd.DataFrame:
    """One row a law, then the mean and the plain fit: see :meth:`Ensemble.table`."""
    target = known.columns[known.best.target]
    ahead = f"{target} at {AHEAD:g}x the largest inputs"
    laws = [(member_name(fit), _ends(fit), fit.law) for fit in known.members]
    laws.append(("mean of these", "", known.best))
    plain = f"plain {known.plain.family.__name__}, every run"
    laws.append((plain, _ends(known.plain), known.plain.law))
    rows = [(name, ends, _ahead(known, law)) for name, ends, law in laws]
    return pd.DataFrame(rows, columns=["law", "ended", ahead])


def member_name(fit: Fit) -> str:
    """Family of a member, with what is fixed or tied."""
    said = replace(fit.constraints, bounds={}).describe()
    return f"{fit.family.__name__}, {said}" if said else fit.family.__name__


def _bounds(known: Ensemble) -> list[str]:
    """Every bound of the members, in words; the same one once."""
    said = [
        part
        for fit in known.members
        for part in Constraints(bounds=fit.constraints.bounds).describe().split("; ")
        if part
    ]
    return [f"bounds: {', '.join(dict.fromkeys(said))}"] if said else []


def _ends(fit: Fit) -> str:
    return ", ".join(f"{name} at {end}" for name, end in fit.ended.items())


def _ahead(known: Ensemble, law: Law) -> float:
    inputs = [np.array([AHEAD * known.ranges[known.columns[role]][1]]) for role in law.inputs]
    return float(np.ravel(law.formula(*inputs))[0])


def _title(known: Ensemble) -> str:
    return (f"Mean of {len(known.members)} laws on {int(known.kept.sum())} of {len(known.kept)} "
            "runs")  # fmt: skip


def _lines(known: Ensemble) -> list[str]:
    said = [*_bounds(known), f"intervals: {known.draws_kind}" if known.draws is not None else
            "no intervals: bootstrap=0"]  # fmt: skip
    said += [f"assumed: {line}" for line in known.assumptions]
    return [*said, *issue_lines(known.issues)]


def ensemble_text(known: Ensemble) -> str:
    """Short report of an ensemble as text."""
    return report_text(_title(known), known.table(), _lines(known))


def ensemble_html(known: Ensemble) -> str:
    """Short report of an ensemble for a notebook."""
    return report_html(_title(known), known.table(), _lines(known))

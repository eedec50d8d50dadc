"""An ensemble in words: its laws, what was left out, and what is known against it."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scaling.answer import issue_lines, shown
from scaling.fitting import Fit
from scaling.fitting.health import AHEAD
from scaling.law import Law
from scaling.text import folded

if TYPE_CHECKING:
    from scaling.forecast.ensembles import Ensemble

__all__ = ["ensemble_html", "ensemble_text", "members_table"]


def members_table(known: Ensemble) -> pd.DataFrame:
    """One row a law, then the mean and the plain fit: see :meth:`Ensemble.table`."""
    target = known.columns[known.best.target]
    ahead = f"{target} at {AHEAD:g}x the largest inputs"
    laws = [(fit.family.__name__, fit.constraints.describe(), _ends(fit), fit.law)
            for fit in known.members]  # fmt: skip
    laws.append(("mean of these", "", "", known.best))
    laws.append((f"plain {known.plain.family.__name__}, every run", "", _ends(known.plain),
                 known.plain.law))  # fmt: skip
    names = ["law", "constraints", "ended", ahead]
    rows = [(name, held, ends, _ahead(known, law)) for name, held, ends, law in laws]
    return pd.DataFrame(rows, columns=names)


def _ends(fit: Fit) -> str:
    return ", ".join(f"{name} at {end}" for name, end in fit.ended.items())


def _ahead(known: Ensemble, law: Law) -> float:
    inputs = [np.array([AHEAD * known.ranges[known.columns[role]][1]]) for role in law.inputs]
    return float(np.ravel(law.formula(*inputs))[0])


def _title(known: Ensemble) -> str:
    return (f"Mean of {len(known.members)} laws on {int(known.kept.sum())} of {len(known.runs)} "
            "runs")  # fmt: skip


def _lines(known: Ensemble) -> list[str]:
    said = [f"intervals: {known.draws_kind}" if known.draws is not None else "no intervals"]
    said += [f"assumed: {line}" for line in known.assumptions]
    return [*said, *issue_lines(known.issues)]


def ensemble_text(known: Ensemble) -> str:
    """Short report of an ensemble as text."""
    body = shown(known.table()).to_string(index=False)
    return "\n".join([_title(known), "", body, "", *(folded(line) for line in _lines(known))])


def ensemble_html(known: Ensemble) -> str:
    """Short report of an ensemble for a notebook."""
    body = shown(known.table()).to_html(index=False, border=0)
    below = "".join(f"<p>{html.escape(line)}</p>" for line in _lines(known))
    return f"<p><b>{html.escape(_title(known))}</b></p>{body}{below}"

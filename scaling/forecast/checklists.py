"""What a report should say of a fit, filled from the fit itself."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import pandas as pd

from scaling.columns import COLUMNS, COMPUTE
from scaling.errors import ScalingError, name_rows
from scaling.fitting import Fit
from scaling.fitting.data import QUANTILES
from scaling.fitting.wording import objective_text
from scaling.forecast.choices import table_with_left_out
from scaling.runs.reading import provenance
from scaling.text import brief, human, percent, rounded, scalar_text

__all__ = ["checklist"]

_UNKNOWN = "not recorded"
_QUARTER = 0.25
_PACKAGES = ("scaling-laws", "numpy", "scipy", "pandas")
_OPTIMISER = (
    "damped, reweighted Gauss-Newton on all starts together, an active-set Newton step at the end, "
    "and walks along the flattest direction; derivatives are exact"
)
_HEAD = (
    "Items after the checklist of Li, Kudugunta and Zettlemoyer 2025 (arXiv:2502.18969), filled "
    f"from the fit; *{_UNKNOWN}* marks what a fit does not know."
)

Item = tuple[str, str]


def checklist(fit: Fit, *, all_runs: Any = None) -> str:
    """What a report should say of a fit, as Markdown, filled from the fit itself.

    The items are those of the survey of Li, Kudugunta and Zettlemoyer 2025, arXiv:2502.18969. What
    a fit does not know is said to be "not recorded", never guessed. It needs no runs, so it also
    works for a fit that was saved with their hash only.

    Parameters
    ----------
    fit : Fit
    all_runs : table, optional
        The runs with those that were left out of the fit, to say which.

    Returns
    -------
    str
        Markdown.

    Raises
    ------
    ScalingError
        If it is no fit, or the table holds no more runs than were fitted.

    Examples
    --------
    >>> import scaling
    >>> fit = scaling.fit(scaling.laws.Chinchilla, scaling.datasets.load("demo"))
    >>> print(scaling.checklist(fit).partition(chr(10))[0])
    # Checklist of the fit of Chinchilla on 63 runs
    """
    if not isinstance(fit, Fit):
        raise ScalingError(f"checklist takes a fit; got {type(fit).__name__}.")
    parts = {
        "Form": _form(fit), "Runs and how they are counted": _counting(fit),
        "Which rows": _rows(fit, all_runs), "Fit": _fitting(fit), "Validation": _validation(fit),
        "Versions": _versions(),
    }  # fmt: skip
    lines = [f"# Checklist of the fit of {fit.family.__name__} on {fit.data.count} runs", "", _HEAD]
    for heading, items in parts.items():
        lines += ["", f"## {heading}", "", *(f"- **{what}:** {said}" for what, said in items)]
    return "\n".join(lines) + "\n"


def _form(fit: Fit) -> Iterator[Item]:
    written = re.search(r"math:: (.*)", fit.family.__doc__ or "")
    yield "law", f"{fit.family.__name__}{f', ${written[1].strip()}$' if written else ''}"
    yield "source", fit.family.source or _UNKNOWN
    inputs = ", ".join(_named(fit, role) for role in fit.law.inputs)
    yield "predicts", f"{_named(fit, fit.law.target)} from {inputs}"
    for name, row in fit.table().iterrows():
        error = (row["high"] - row["low"]) / 4
        text = rounded(row["value"], error)
        ends = f" [{rounded(row['low'], error)}, {rounded(row['high'], error)}]"
        known = ends if np.isfinite(error) else ""
        yield str(name), f"{text}{known}, {row['meaning']}, {row['status']}"
    yield "constraints", fit.constraints.describe() or "none"


def _named(fit: Fit, role: str) -> str:
    column = fit.columns[role]
    return f"`{brief(column)}`" if column == role else f"`{brief(column)}` (as {role})"


def _counting(fit: Fit) -> Iterator[Item]:
    for role in (*fit.law.inputs, fit.law.target):
        column = fit.columns[role]
        known = COLUMNS.get(column) or COLUMNS.get(role)
        meaning = f"{known.meaning}{f', {known.unit}' if known.unit else ''}" if known else _UNKNOWN
        yield f"`{brief(column)}`", f"{meaning}; {_range(fit, column)}"
    if COMPUTE not in fit.columns.values():
        yield "FLOPs", f"{fit.cost.name}; {_range(fit, COMPUTE)}"
    yield "taken for granted", " ".join(fit.assumptions) or "nothing recorded"
    yield "architecture and training data", _UNKNOWN
    yield "how hyperparameters were chosen", _UNKNOWN


def _range(fit: Fit, column: str) -> str:
    ends = fit.ranges.get(column)
    return f"range {_UNKNOWN}" if ends is None else f"{human(ends[0])} to {human(ends[1])}"


def _rows(fit: Fit, all_runs: Any) -> Iterator[Item]:
    record = provenance(fit.runs) if fit.runs is not None else {}
    yield "table", brief(record["source"]) if record else _UNKNOWN
    yield "runs fitted", str(fit.data.count)
    equal = "equal" if fit.runs is not None else _UNKNOWN  # a hash keeps none
    yield "weights", "given, one a run" if fit.weights else equal
    left = [said for said in fit.assumptions if "left out" in said]
    yield "rows dropped by the fit", " ".join(left) or "none"
    yield "rows dropped before the fit, and why", _dropped(fit, all_runs)
    yield "which checkpoints", _UNKNOWN
    yield "SHA-256 of the columns used", f"`{fit.data.digest}`"


def _dropped(fit: Fit, all_runs: Any) -> str:
    """Which rows were left out of the whole table; why is known to nobody here."""
    if all_runs is None:
        return _UNKNOWN
    frame = table_with_left_out(fit, all_runs)
    dropped = f"{len(frame) - fit.data.count} of {len(frame)}"
    labels = _missing(fit, frame)
    which = f" ({name_rows(labels)})" if labels else ""
    return f"{dropped}{which}, why: {_UNKNOWN}"


def _missing(fit: Fit, frame: pd.DataFrame) -> list[Any]:
    """Labels that the fit's runs lack; none where the labels of the two do not agree."""
    runs, columns = fit.runs, list(fit.columns.values())
    if runs is None or not (frame.index.is_unique and runs.index.isin(frame.index).all()):
        return []
    same = frame.loc[runs.index, columns].reset_index(drop=True)
    if not same.equals(runs[columns].reset_index(drop=True)):
        return []
    return list(frame.index[~frame.index.isin(runs.index)])


def _fitting(fit: Fit) -> Iterator[Item]:
    starts = fit.starts
    target = fit.columns[fit.law.target]
    yield "objective", f"{objective_text(fit.objective, target)}, summed over runs"
    yield "objective reached", f"{fit.objective_value:.6g}"
    yield "optimiser", _OPTIMISER
    ranges = ", ".join(f"{name} {human(item.typical[0])} to {human(item.typical[1])}"
                       for name, item in fit.law.coefficients.items())  # fmt: skip
    yield "starts", (f"{starts.tried} spread over {ranges}, and the best of many more; seed "
                     f"{fit.seed}")  # fmt: skip
    yield "starts that agree", percent(starts.share)
    yield "other minima met", str(len(starts.others))
    ended = ", ".join(f"{name} at {end}" for name, end in fit.ended.items())
    yield "coefficients at an end", ended or "none"
    yield "errors", fit.draws_kind


def _validation(fit: Fit) -> Iterator[Item]:
    ends = [fit.data.residual_quantiles[int(np.flatnonzero(np.isclose(QUANTILES, share))[0])]
            for share in (_QUARTER, 1 - _QUARTER)]  # fmt: skip
    logged = fit.objective.space == "log"
    low, high = (f"{100 * end:.2g}%" if logged else scalar_text(end) for end in ends)
    yield "residuals", f"half lie between {low} and {high}"
    noise = None if fit.noise is None else f"{scalar_text(fit.noise.sd)} ({fit.noise.source})"
    yield "noise of a run", noise or _UNKNOWN
    ratio = f"{fit.lack_of_fit:.2g}" if np.isfinite(fit.lack_of_fit) else _UNKNOWN
    yield "residuals over the noise", ratio
    yield "runs held out", _UNKNOWN
    for issue in fit.issues:
        yield f"{issue.severity}, {issue.code}", issue.message
    if not fit.issues:
        yield "issues", "none"


def _versions() -> Iterator[Item]:
    yield "of the fit", _UNKNOWN
    found = [f"{name} {_version(name)}" for name in _PACKAGES]
    yield "of this report", ", ".join([*found, f"Python {platform.python_version()}"])


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return _UNKNOWN

"""Which columns of a table hold, in each row, the best of a sweep: they are no confound."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from scaling.runs.reading import PROVENANCE, cost_of, provenance

__all__ = ["as_tuned", "tuned_in"]

_KEY = "tuned"


def as_tuned(frame: pd.DataFrame, names: Sequence[str]) -> dict[Any, Any]:
    """Attributes of a table made from these runs, in whose rows the columns are at their best.

    Examples
    --------
    >>> table = pd.DataFrame()
    >>> table.attrs = as_tuned(pd.DataFrame(), ["learning_rate"])
    >>> tuned_in(table)
    ('learning_rate',)
    """
    before = provenance(frame) or {
        "source": "a table in memory", "cost": cost_of(frame).to_dict(), "renamed": {},
        "derived": {},
    }  # fmt: skip
    return {**frame.attrs, PROVENANCE: {**before, _KEY: list(names)}}


def tuned_in(frame: pd.DataFrame) -> tuple[str, ...]:
    """Columns that hold the best of a sweep in each row.

    Examples
    --------
    >>> tuned_in(pd.DataFrame())
    ()
    """
    names = provenance(frame).get(_KEY)
    return tuple(map(str, names)) if isinstance(names, list) else ()

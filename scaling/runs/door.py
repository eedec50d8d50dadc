"""Checks at the door: a table becomes a DataFrame, a column becomes numbers, or one sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling.columns import COLUMNS
from scaling.errors import ColumnError, name_rows
from scaling.text import human, parse_number

__all__ = ["as_frame", "check_roles", "numbers"]

Array: TypeAlias = NDArray[np.float64]


def as_frame(table: Any, what: str = "runs") -> pd.DataFrame:
    """DataFrame of a pandas, Polars or Arrow table, or of a mapping of columns.

    Raises
    ------
    ColumnError
        If it is none of these, has duplicate column names, or needs a package that is missing.

    Examples
    --------
    >>> as_frame({"loss": [2.0, 1.9]}).shape
    (2, 1)
    """
    if isinstance(table, pd.DataFrame):
        frame = table
    elif hasattr(table, "to_pandas"):
        try:
            frame = table.to_pandas()
        except ImportError as missing:
            name = getattr(missing, "name", None) or "pyarrow"
            raise ColumnError(
                f"Reading a {type(table).__module__.partition('.')[0]} table needs the package "
                f"{name}, which is not installed; run: pip install {name}"
            ) from None
        if not isinstance(frame, pd.DataFrame):
            raise ColumnError(f"{what} must be a table with columns; got one column.")
    elif isinstance(table, Mapping):
        try:
            frame = pd.DataFrame(dict(table))
        except ValueError as problem:
            raise ColumnError(f"{what} is not a table: {problem}.") from None
    else:
        raise ColumnError(f"{what} must be a table (pandas, Polars, Arrow, or a mapping of "
                          f"columns); got {type(table).__name__}.")  # fmt: skip
    twice = frame.columns[frame.columns.duplicated()].unique()
    if len(twice):
        raise ColumnError(f"{what} has more than one column named {twice[0]!r}; keep one.")
    return frame


def check_roles(
    frame: pd.DataFrame, roles: Sequence[str], columns: Mapping[str, str] | None, needer: str
) -> dict[str, str]:
    """Which column plays each role.

    Raises
    ------
    ColumnError
        If ``columns`` names an unknown role, or a column is missing.
    """
    if columns is not None and not isinstance(columns, Mapping):
        raise ColumnError("columns= must be a mapping from role to column, such as "
                          f"{{'loss': 'val_loss'}}; got {columns!r}.")  # fmt: skip
    given = dict(columns or {})
    unknown = [role for role in given if role not in roles]
    if unknown:
        raise ColumnError(f"columns= names {unknown[0]!r}; {needer} has the roles "
                          f"{', '.join(roles)}.")  # fmt: skip
    mapping = {role: given.get(role, role) for role in roles}
    missing = [column for column in mapping.values() if column not in frame.columns]
    if missing:
        found = ", ".join(map(str, frame.columns)) or "no columns"
        raise ColumnError(
            f"{needer} needs columns {', '.join(mapping.values())}; runs has {found}. "
            "Name them with columns=, or let read_runs recognise them and derive one of params, "
            "tokens and compute from the other two."
        )
    return mapping


def numbers(frame: pd.DataFrame, column: str, *, domain: str | None = None) -> Array:
    """Column as finite floats inside its domain.

    Parameters
    ----------
    frame : DataFrame
    column : str
    domain : str, optional
        Name in the vocabulary whose domain applies; the column's own by default.

    Raises
    ------
    ColumnError
        Naming the column, the row and the value.

    Examples
    --------
    >>> numbers(as_frame({"params": [1e9]}), "params")
    array([1.e+09])
    """
    series = frame[column]
    if len(series) == 0:
        raise ColumnError("runs is empty: it has columns but no rows.")
    if pd.api.types.is_bool_dtype(series) or pd.api.types.is_complex_dtype(series):
        raise ColumnError(f"Column {column!r} must hold real numbers; it holds {series.dtype}.")
    if pd.api.types.is_numeric_dtype(series):
        array = series.to_numpy(dtype=float, na_value=np.nan)
    else:
        array = np.array([_number(value) for value in series], dtype=float)
    bad = ~np.isfinite(array)
    if bad.any():
        place = int(np.flatnonzero(bad)[0])
        raise ColumnError(
            f"Column {column!r} must hold finite numbers; {name_rows(list(frame.index[bad]))} "
            f"{'holds' if bad.sum() == 1 else 'hold'} {_shown(series.iloc[place])}. Correct the "
            f"value, or drop such rows with runs.drop(index=...)."
        )
    known = COLUMNS.get(domain or column)
    if known is not None:
        low = array > known.low if known.open_low else array >= known.low
        outside = ~(low & (array <= known.high))
        if outside.any():
            place = int(np.flatnonzero(outside)[0])
            raise ColumnError(
                f"Column {column!r} must be {known.domain}; "
                f"{name_rows(list(frame.index[outside]))} "
                f"{'holds' if outside.sum() == 1 else 'hold'} {human(array[place], 6)}."
            )
    return array


def _number(value: Any) -> float:
    if isinstance(value, bool | complex):
        return np.nan
    try:
        return parse_number(value)
    except (TypeError, ValueError, OverflowError):
        return np.nan


def _shown(value: Any) -> str:
    text = "nothing (NaN)" if value is None or value is pd.NA or value != value else repr(value)
    return text if len(text) <= 40 else text[:37] + "..."

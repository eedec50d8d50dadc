"""Reading a table of runs from a file, with the field's usual column names understood."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from scaling.columns import COLUMNS, COMPUTE, PARAMS, TOKENS, canonical
from scaling.cost import SIX_ND, Cost
from scaling.errors import ColumnError
from scaling.runs.door import as_frame, numbers

__all__ = ["PROVENANCE", "cost_of", "provenance", "read_runs"]

PROVENANCE = "scaling"  # key of DataFrame.attrs that says where the columns came from
_COUNTINGS = tuple(name for name in COLUMNS if name.startswith(PARAMS))


def read_runs(
    path: Any, columns: Mapping[str, str] | None = None, cost: Cost | None = None
) -> pd.DataFrame:
    """Table of runs with the vocabulary's column names, checked, from a file or a table.

    Parameters
    ----------
    path : str, path-like or table
        CSV, TSV, JSONL or Parquet by its ending (``.gz`` allowed on text), or a table already
        in memory (pandas, Polars, Arrow, mapping of columns).
    columns : mapping of str to str, optional
        Vocabulary name to header, such as ``{"loss": "c4_loss"}``, where a header is not
        understood or two could be meant.
    cost : Cost, optional
        What compute means; it derives one of params, tokens and compute from the other two.
        6ND by default.

    Returns
    -------
    DataFrame
        Columns of the vocabulary come as floats; all others are kept as they are.
        ``.attrs["scaling"]`` records the file, the headers renamed and the column derived, and a
        fit repeats them among its assumptions.

    Raises
    ------
    ColumnError
        If the file cannot be read as a table, no column is understood, two headers mean the same
        column, or a value is missing, infinite, text, or outside its column's domain.

    Examples
    --------
    >>> runs = read_runs({"Model Size": ["1B", "2B"], "D": ["20B", "40B"], "val_loss": [2.6, 2.4]})
    >>> list(runs.columns), float(runs["compute"].iloc[0])
    (['params', 'tokens', 'loss', 'compute'], 1.2e+20)
    """
    if isinstance(path, str | Path):
        frame, source = _read_file(Path(path)), Path(path).name
    else:
        frame, source = as_frame(path), "a table in memory"
    if cost is not None and not isinstance(cost, Cost):
        raise ColumnError(f"cost= must be a Cost, such as SIX_ND; got {cost!r}.")
    frame = frame.rename(columns=str)
    renamed = _renames(frame, columns)
    frame = frame.rename(columns=renamed)
    if not any(name in COLUMNS for name in frame.columns) and not columns:
        raise ColumnError(
            f"No column of {source} is understood: it has "
            f"{', '.join(map(str, frame.columns)) or 'no columns'}. Name them with columns=, "
            "such as columns={'params': 'my size', 'tokens': 'my tokens', 'loss': 'my loss'}."
        )
    if not len(frame):
        raise ColumnError(f"{source} is empty: it has columns but no rows.")
    return _finish(frame, renamed, source, cost or SIX_ND)


def _finish(
    frame: pd.DataFrame, renamed: Mapping[str, str], source: str, cost: Cost
) -> pd.DataFrame:
    required = {name for name in frame.columns if COLUMNS.get(name) and COLUMNS[name].kind in (
        "input", "target")}  # fmt: skip
    parsed = {name: numbers(frame, name) for name in frame.columns if name in required}
    parsed |= {
        name: array
        for name in frame.columns
        if name in COLUMNS and name not in required
        if (array := _setting(frame, name)) is not None
    }
    derived = _derive(frame, parsed, cost)
    attrs = dict(frame.attrs)
    frame = frame.assign(**parsed)
    record: dict[str, Any] = {"source": source, "cost": cost.to_dict()}
    record["renamed"] = {old: new for old, new in renamed.items() if old != new}
    record["derived"] = derived
    frame.attrs = {**attrs, PROVENANCE: record}
    return frame


def _setting(frame: pd.DataFrame, name: str) -> Any:
    """Settings that are numbers written with a suffix; None where they are left as they are."""
    series = frame[name]
    if pd.api.types.is_numeric_dtype(series) or COLUMNS[name].unit == "":
        return None
    try:
        return numbers(frame, name)
    except ColumnError:
        return None


def _derive(frame: pd.DataFrame, parsed: dict[str, Any], cost: Cost) -> dict[str, str]:
    """Fill in the one of params, tokens and compute that is missing; say how."""
    counted = [name for name in _COUNTINGS if name in frame.columns]
    size = PARAMS if PARAMS in counted or len(counted) != 1 else counted[0]
    missing = [name for name in (size, TOKENS, COMPUTE) if name not in frame.columns]
    if len(missing) != 1 or (missing == [PARAMS] and counted):
        return {}
    name = missing[0]
    with np.errstate(over="ignore", under="ignore"):
        if name == COMPUTE:
            parsed[name], given = cost.compute(parsed[size], parsed[TOKENS]), f"{size} and tokens"
        elif name == TOKENS:
            parsed[name], given = cost.tokens(parsed[size], parsed[COMPUTE]), f"compute and {size}"
        else:
            parsed[name], given = cost.params(parsed[TOKENS], parsed[COMPUTE]), "compute and tokens"
    numbers(pd.DataFrame({name: parsed[name]}, index=frame.index), name)
    return {name: f"{given} by {cost.name}"}


def _renames(frame: pd.DataFrame, columns: Mapping[str, str] | None) -> dict[str, str]:
    """Header to vocabulary name, the user's own word first."""
    headers = [str(header) for header in frame.columns]
    given = {str(header): name for name, header in (columns or {}).items()}
    for header in given:
        if header not in headers:
            raise ColumnError(f"columns= names the header {header!r}; the table has "
                              f"{', '.join(headers)}.")  # fmt: skip
    renamed = dict(given)
    for name in dict.fromkeys(canonical(header) for header in headers):
        if name is None or name in given.values():
            continue
        spelled = [h for h in headers if canonical(h) == name and h not in given]
        if name in spelled or not spelled:
            continue
        if len(spelled) > 1:
            raise ColumnError(
                f"{' and '.join(map(repr, spelled))} could each be {name}; say which with "
                f"columns={{{name!r}: {spelled[0]!r}}}."
            )
        renamed[spelled[0]] = name
    clash = [name for name in renamed.values() if name in headers and name not in renamed]
    if clash:
        raise ColumnError(f"columns= gives a second column the name {clash[0]!r}, which the table "
                          "has already; rename or drop that one.")  # fmt: skip
    return renamed


def _read_file(path: Path) -> pd.DataFrame:
    endings = [ending.lower() for ending in path.suffixes]
    packed = bool(endings) and endings[-1] == ".gz"
    ending = (endings[:-1] if packed else endings)[-1:]
    if not path.exists():
        raise ColumnError(f"There is no file {str(path)!r}.")
    try:
        if ending == [".parquet"]:
            frame = pd.read_parquet(path)
        elif ending in ([".jsonl"], [".ndjson"], [".json"]):
            frame = _read_json(path, packed)
        elif ending in ([".csv"], [".tsv"], [".txt"]):
            frame = _read_text(path, packed)
        else:
            raise ColumnError(
                f"{path.name} should end in .csv, .tsv, .jsonl or .parquet to be read as runs."
            )
    except ImportError:
        raise ColumnError(
            f"Reading {path.name} needs the package pyarrow; run: pip install "
            "'scaling-laws[parquet]'"
        ) from None
    except ColumnError:
        raise
    except (OSError, EOFError, ValueError, csv.Error, RecursionError) as problem:
        reason = " ".join(str(problem).split())[:120] or type(problem).__name__
        raise ColumnError(f"{path.name} cannot be read as a table: {reason}.") from None
    return as_frame(frame, path.name)


def _open(path: Path, packed: bool) -> Any:
    opener = gzip.open if packed else open
    return opener(path, "rt", encoding="utf-8-sig", newline="")


def _read_json(path: Path, packed: bool) -> pd.DataFrame:
    """A run a line, or one list of runs."""
    with _open(path, packed) as file:
        text = file.read()
    if text.lstrip().startswith("["):
        records = json.loads(text)
    else:
        lines = [line for line in text.splitlines() if line.strip()]
        records = [_record(line, number, path) for number, line in enumerate(lines, start=1)]
    if not records or not all(isinstance(record, dict) for record in records):
        raise ColumnError(f"{path.name} should hold one JSON object a run; it does not.")
    return pd.DataFrame(records)


def _record(line: str, number: int, path: Path) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        raise ColumnError(
            f"{path.name} should hold one JSON object a run; line {number} is not JSON."
        ) from None


def _read_text(path: Path, packed: bool) -> pd.DataFrame:
    with _open(path, packed) as file:
        first = file.readline()
    if not first.strip():
        raise ColumnError(f"{path.name} is empty.")
    separator = max(("\t", ";", ","), key=first.count)
    header = next(csv.reader([first], delimiter=separator))
    names = [name.strip() for name in header]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ColumnError(f"{path.name} has more than one column named {twice[0]!r}; keep one.")
    with _open(path, packed) as file:
        return pd.read_csv(
            file, sep=separator, index_col=False, skipinitialspace=True, low_memory=False
        ).rename(columns=lambda name: str(name).strip())


def provenance(frame: pd.DataFrame) -> dict[str, Any]:
    """What read_runs recorded of a table; empty for any other."""
    record = frame.attrs.get(PROVENANCE, {})
    return record if isinstance(record, dict) else {}


def cost_of(frame: pd.DataFrame) -> Cost:
    """Cost that a table was read with, 6ND for any other.

    Examples
    --------
    >>> cost_of(pd.DataFrame()).name
    '6ND'
    """
    values = provenance(frame).get("cost")
    return Cost(**values) if values else SIX_ND

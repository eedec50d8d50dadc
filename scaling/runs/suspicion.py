"""What is possible in a table of runs but should be looked at, and what its runs all share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from scaling.columns import COLUMNS, COMPUTE, PARAMS, TOKENS
from scaling.cost import Cost
from scaling.errors import ColumnError, Issue, name_rows
from scaling.runs.door import numbers
from scaling.runs.reading import provenance
from scaling.text import human

__all__ = ["assumptions", "refuse_mixed_losses", "suspicions"]

_COST_TOLERANCE = 1.2  # compute may differ from its cost by this factor
_SMALL_PARAMS, _SMALL_TOKENS = 1e5, 1e6  # no table of language models lies wholly below these
_DECADE = 10.0
_CONSTANT_RATIO = 0.02  # standard deviation of log tokens per param
_MOVES_WITH_SIZE = 0.9  # rank correlation
_PER_BYTE = ("loss_bits_per_byte", "loss_nats_per_byte", "error")


def refuse_mixed_losses(frame: pd.DataFrame, target: str) -> None:
    """Refuse losses of different tokenizers or texts in one fit, unless they are per byte.

    Raises
    ------
    ColumnError
        Naming the column and its values.
    """
    for column in ("tokenizer", "validation_set"):
        if column not in frame.columns or (column == "tokenizer" and target in _PER_BYTE):
            continue
        found = [str(value) for value in pd.unique(frame[column].dropna())]
        if len(found) > 1:
            remedy = " or use a loss per byte" if column == "tokenizer" else ""
            raise ColumnError(
                f"runs has {len(found)} values of {column} ({', '.join(found[:3])}), and losses "
                f"under different ones cannot be fitted together; keep one{remedy}."
            )


def suspicions(frame: pd.DataFrame, columns: Mapping[str, str], cost: Cost) -> tuple[Issue, ...]:
    """Issues of a table whose roles have been checked.

    Parameters
    ----------
    frame : DataFrame
    columns : mapping of str to str
        Which column plays each role of the family.
    cost : Cost
    """
    return tuple(_found(frame, columns, cost))


def _found(frame: pd.DataFrame, columns: Mapping[str, str], cost: Cost) -> Iterator[Issue]:
    inputs = {role: numbers(frame, name) for role, name in columns.items()
              if pd.api.types.is_numeric_dtype(frame[name])}  # fmt: skip
    sizes = [role for role, name in columns.items() if name.startswith(PARAMS) and role in inputs]
    yield from _units(columns, inputs)
    if sizes and TOKENS in columns.values():
        size = inputs[sizes[0]]
        tokens = inputs[next(role for role, name in columns.items() if name == TOKENS)]
        yield from _cost_mismatch(frame, size, tokens, cost)
        if len(frame) > 1 and np.ptp(size) > 0 and np.std(np.log(tokens / size)) < _CONSTANT_RATIO:
            ratio = float(np.median(tokens / size))
            yield Issue(
                "constant-tokens-per-param", "weakens",
                f"Every run has {human(ratio)} tokens per param, so the effects of params and of "
                "tokens cannot be told apart.",
                "Add runs with fewer and with more tokens per param.")  # fmt: skip
    for role, name in columns.items():
        column = COLUMNS.get(name)
        if role not in inputs or (column is not None and column.kind == "target"):
            continue
        values = inputs[role]
        low, high = float(values.min()), float(values.max())
        if low > 0 and high / low < _DECADE and role != list(columns)[-1]:
            yield Issue(
                "narrow-range", "weakens",
                f"{name} runs only from {human(low)} to {human(high)}, under one decade.",
                f"Add runs with smaller or larger {name}.")  # fmt: skip
    yield from _duplicates(frame, columns)
    if sizes:
        yield from _confounds(frame, columns, inputs[sizes[0]])
    if "recipe" in frame.columns and frame["recipe"].nunique() > 1:
        yield Issue("mixed-recipes", "weakens",
                    f"Runs of {frame['recipe'].nunique()} recipes are fitted as one.",
                    "Fit each recipe by itself.")  # fmt: skip


def _units(columns: Mapping[str, str], inputs: Mapping[str, np.ndarray]) -> Iterator[Issue]:
    for role, name in columns.items():
        if role not in inputs:
            continue
        low, high = (human(float(end)) for end in (inputs[role].min(), inputs[role].max()))
        if name.startswith(PARAMS) and inputs[role].max() < _SMALL_PARAMS:
            yield Issue("params-unit", "weakens",
                        f"{name} runs from {low} to {high}, which looks like millions or billions.",
                        "Give params as a count: 70e6, not 70.")  # fmt: skip
        if name in (TOKENS, "unique_tokens") and inputs[role].max() < _SMALL_TOKENS:
            yield Issue("tokens-unit", "weakens",
                        f"{name} runs from {low} to {high}, which looks like millions or billions.",
                        "Give tokens as a count: 20e9, not 20.")  # fmt: skip


def _cost_mismatch(
    frame: pd.DataFrame, size: np.ndarray, tokens: np.ndarray, cost: Cost
) -> Iterator[Issue]:
    if COMPUTE not in frame.columns or not pd.api.types.is_numeric_dtype(frame[COMPUTE]):
        return
    with np.errstate(all="ignore"):
        ratio = np.asarray(frame[COMPUTE], dtype=float) / cost.compute(size, tokens)
        off = ~(np.abs(np.log(ratio)) <= np.log(_COST_TOLERANCE))
    if off.any():
        middle = float(np.median(ratio[off]))
        yield Issue(
            "cost-mismatch", "weakens",
            f"Compute differs from {cost.name} by more than 20% in {int(off.sum())} of "
            f"{len(frame)} runs, where it is {human(middle)} of it at the median.",
            "Check how params are counted, or use cost=Cost.from_runs(runs).",
            tuple(frame.index[off]))  # fmt: skip


def _duplicates(frame: pd.DataFrame, columns: Mapping[str, str]) -> Iterator[Issue]:
    repeated = frame.duplicated(subset=list(columns.values()), keep="first").to_numpy()
    if repeated.any():
        rows = tuple(frame.index[repeated])
        yield Issue(
            "duplicate-runs", "weakens",
            f"{len(rows)} run{'s are' if len(rows) > 1 else ' is'} an exact copy of another "
            f"({name_rows(rows)}), which makes every error look smaller than it is.",
            "Drop the copies with runs.drop_duplicates().", rows)  # fmt: skip


def _confounds(
    frame: pd.DataFrame, columns: Mapping[str, str], size: np.ndarray
) -> Iterator[Issue]:
    for name, column in COLUMNS.items():
        if not column.confound or name not in frame.columns or name in columns.values():
            continue
        values = frame[name]
        if values.nunique() < 2:
            continue
        codes = values if pd.api.types.is_numeric_dtype(values) else pd.Series(
            pd.factorize(values)[0], index=values.index)  # fmt: skip
        ranked = pd.DataFrame({"a": codes.to_numpy(), "b": size}).rank().corr().to_numpy()[0, 1]
        if abs(ranked) > _MOVES_WITH_SIZE:
            yield Issue(
                "changes-with-size",
                "weakens",
                f"{name} {'rises' if ranked > 0 else 'falls'} with model size: {column.confound}.",
                f"Tune {name} at each size, or vary it at one size to measure its effect.",
            )


def assumptions(frame: pd.DataFrame, columns: Mapping[str, str]) -> tuple[str, ...]:
    """What a forecast from these runs takes for granted, in sentences."""
    record = provenance(frame)
    said = [f"{new} is read from the column {old!r}." for old, new in
            record.get("renamed", {}).items() if new in columns.values()]  # fmt: skip
    said += [f"{name} is derived from {how}." for name, how in record.get("derived", {}).items()
             if name in columns.values()]  # fmt: skip
    for name in columns.values():
        known = COLUMNS.get(name)
        if known is not None and name.startswith(PARAMS):
            said.append(f"{name} counts {known.meaning}.")
    for name, column in COLUMNS.items():
        if column.kind != "setting" or name not in frame.columns or name in columns.values():
            continue
        if len(frame) > 1 and frame[name].nunique(dropna=False) == 1:
            value = frame[name].iloc[0]
            shown = (
                human(float(value)) if isinstance(value, int | float | np.number) else str(value)
            )
            said.append(f"{name} stays {shown}, as in every run.")
    return tuple(said)

"""How far the choices of an audit spread its answer, and whether they decide it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from scaling.text import rounded

__all__ = ["AS_FITTED", "decide", "how_wide", "not_counted", "said", "spread_of"]

AS_FITTED = "as fitted"
# Each of these is reached in few tables that follow the law; see does_it_survive.md.
_WIDER = 1.5  # interval widths from which a spread is told
_OUTSIDE = 4  # choices outside the interval from which they are told
_APART = 3.0  # times the lowest answer from which the highest is told, however wide the interval
_COLUMNS = (
    "group", "choices", "lowest", "lowest_choice", "highest", "highest_choice", "times",
    "in_intervals", "outside",
)  # fmt: skip


def spread_of(table: pd.DataFrame) -> pd.DataFrame:
    """Lowest and highest value of each group's choices and the fit's own, and of all.

    Parameters
    ----------
    table : DataFrame
        Of an audit.
    """
    base, counted = table.iloc[[0]], table[table["counted"]].iloc[1:]
    width = float(base["value_high"].iloc[0] - base["value_low"].iloc[0])
    rows = []
    parts = [*counted.groupby("group", sort=False), ("all", counted)]
    for group, part in parts:
        both = pd.concat([base, part]).reset_index(drop=True)
        low, high = (both.iloc[both["value"].to_numpy().argmin()],
                     both.iloc[both["value"].to_numpy().argmax()])  # fmt: skip
        named = [AS_FITTED if end["group"] == AS_FITTED else end["choice"] for end in (low, high)]
        wide = (high["value"] - low["value"]) / (width if width > 0 else np.nan)
        times = high["value"] / low["value"] if low["value"] > 0 else np.nan
        rows.append((group, len(part), low["value"], named[0], high["value"], named[1], times,
                     wide, int(part["outside"].sum())))  # fmt: skip
    return pd.DataFrame(rows, columns=list(_COLUMNS))


def how_wide(whole: pd.Series) -> list[str]:
    """How far the choices spread, in words: for themselves, and beside the interval.

    Parameters
    ----------
    whole : Series
        The last row of the spread.
    """
    parts = []
    if np.isfinite(whole["times"]):
        parts.append(f"the highest {whole['times']:.3g} times the lowest")
    if np.isfinite(whole["in_intervals"]):
        parts += [f"{whole['in_intervals']:.2g} times as wide as the interval",
                  f"{whole['outside']} of {whole['choices']} choices outside it"]  # fmt: skip
    return parts


def decide(whole: pd.Series) -> bool:
    """Whether the choices move the answer too far, beside the interval or for themselves.

    Outliers widen the interval too, and so hide any spread that is measured by it alone.
    """
    return bool(
        whole["in_intervals"] > _WIDER or whole["outside"] >= _OUTSIDE or whole["times"] > _APART
    )


def said(table: pd.DataFrame, value: float) -> str:
    """A value with the digits that the interval of an audit's table leaves meaning to."""
    base = table.iloc[0]
    return rounded(value, (base["value_high"] - base["value_low"]) / 4)


def not_counted(table: pd.DataFrame) -> str:
    """How many forms miss the runs, and where their answers lie; empty where none does."""
    missed = table[~table["counted"]].sort_values("value")
    if missed.empty:
        return ""
    ends = missed.iloc[sorted({0, len(missed) - 1})]
    where = " to ".join(
        f"{said(table, row['value'])} ({row['choice']})" for _, row in ends.iterrows()
    )
    if len(missed) == 1:
        return f"1 form misses the runs and does not count: {where}."
    return f"{len(missed)} forms miss the runs and do not count: from {where}."

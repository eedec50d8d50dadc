"""Runs that no law of the others explains."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling.columns import COMPUTE, TOKENS
from scaling.errors import Issue, ScalingError
from scaling.fitting import fit
from scaling.law import Law
from scaling.laws import Chinchilla, PowerLawPlusConstant
from scaling.linting.counts import size_of
from scaling.robust import usual_spread
from scaling.runs.door import numbers
from scaling.runs.suspicion import levels
from scaling.text import human, scalar_text

__all__ = ["outliers"]

Array: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]

_FAR = 6.0  # robust standard deviations
_FEW = 10  # runs by which few runs widen that: in simulated tables of 15, 3% had a false alarm
_FLOOR = 0.005  # of log loss; less is nobody's diverged run
_RUNS_A_COEFFICIENT = 3
_FITTED = 2000  # runs at most that the law is fitted to
_ROUNDS = 5  # fits at most, each without the outliers of the one before
_MOST_SOUND = 0.8  # share of runs that must be left to fit
_NAMED = 10  # outliers told one by one
_KINDS = 10  # kinds of runs that are fitted at most, the most frequent ones
_SEED = 0
_AS_BITS = 0.03  # of log loss, around the log of 1 / ln 2
_KIND = ("recipe", "tokenizer", "validation_set")


def outliers(frame: pd.DataFrame, target: str) -> Iterator[Issue]:
    """Issues of runs far from the law of all others, and of what could not be judged.

    Parameters
    ----------
    frame : DataFrame
        Runs at the end of their schedule, with losses above 0.
    target : str
        Column of the loss.
    """
    if not len(frame):
        yield _unjudged("no run has both a loss above 0 and ended its schedule on new data")
        return
    inputs = _inputs(frame)
    if not inputs:
        between = "there is one run only" if len(frame) == 1 else (
            f"no params, tokens or compute differ between the {len(frame)} runs")  # fmt: skip
        yield _unjudged(between)
        return
    family = Chinchilla if len(inputs) > 1 else PowerLawPlusConstant
    columns = dict(zip((*family.inputs, family.target), (*inputs, target), strict=True))
    needed = _RUNS_A_COEFFICIENT * len(family.coefficients)
    kinds = _kinds(frame)
    counts = np.bincount(kinds)
    frequent = np.argsort(-counts, kind="stable")[:_KINDS]
    judged = [kind for kind in frequent if counts[kind] >= needed]
    left = len(frame) - int(counts[judged].sum())
    if left and len(counts) == 1:
        there = "is 1" if left == 1 else f"are {left}"
        yield _unjudged(f"{family.__name__} needs {needed} runs, and there {there}")
    elif left:
        yield _unjudged(
            f"{family.__name__} needs {needed} runs of one recipe, tokenizer and validation set, "
            f"and {left} of {len(frame)} belong to smaller groups"
        )
    for kind in judged:
        yield from _of_kind(frame[kinds == kind], family, columns)


def _unjudged(why: str) -> Issue:
    return Issue("outliers-not-judged", "note", f"Outliers were not looked for: {why}.",
                 "Look at the losses by eye, or add runs.")  # fmt: skip


def _inputs(frame: pd.DataFrame) -> list[str]:
    """Columns of the law's inputs: size and tokens where both differ between runs, or one."""
    size = size_of(frame)
    differ = [name for name in (size, TOKENS, COMPUTE)
              if name in frame.columns and np.ptp(numbers(frame, str(name))) > 0]  # fmt: skip
    both = [name for name in differ if name in (size, TOKENS)]
    return [str(name) for name in (both or differ)]


def _kinds(frame: pd.DataFrame) -> Ints:
    """Number of each run's recipe, tokenizer and validation set together."""
    named = [levels(frame[name]).fillna("") for name in _KIND if name in frame.columns]
    if not named:
        return np.zeros(len(frame), dtype=int)
    return np.asarray(frame.groupby(named, sort=False).ngroup())


def _of_kind(frame: pd.DataFrame, family: type[Law], columns: dict[str, str]) -> Iterator[Issue]:
    try:
        residual, spread, far = _residuals(frame, family, columns)
    except ScalingError as problem:
        yield _unjudged(str(problem).rstrip("."))
        return
    if far.mean() > 1 - _MOST_SOUND:
        yield _unjudged(f"{int(far.sum())} of {len(frame)} runs are far from any {family.__name__} "
                        "law, so something else differs between them")  # fmt: skip
        return
    places = np.flatnonzero(far)
    places = places[np.argsort(-np.abs(residual[places]), kind="stable")]
    inputs = " and ".join(columns[role] for role in family.inputs)
    verb = "predict" if len(family.inputs) > 1 else "predicts"
    loss = numbers(frame, columns[family.target])
    for place in places[:_NAMED]:
        off = float(residual[place])
        yield Issue(
            "outlier", "weakens",
            f"{columns[family.target]} {scalar_text(loss[place])} is {_percent(off)} what {inputs} "
            f"{verb} by {family.__name__}, {human(abs(off) / spread, 2)} times the usual spread of "
            f"{100 * spread:.2g}%: {_why(off)}",
            "Look at the run; drop it for a reason only.", (frame.index[place],))  # fmt: skip
    rest = places[_NAMED:]
    if len(rest):
        yield Issue(
            "outlier", "weakens",
            f"{len(rest)} more of {len(frame)} runs are further than {_FAR:g} times the usual "
            f"spread from what {inputs} {verb} by {family.__name__}.",
            "Look for what else differs between the runs.",
            tuple(frame.index[rest]))  # fmt: skip


def _residuals(
    frame: pd.DataFrame, family: type[Law], columns: dict[str, str]
) -> tuple[Array, float, NDArray[np.bool_]]:
    """Log loss of each run over the law of those that are no outliers, the spread, and outliers.

    Runs at a corner pull the law towards themselves, so that the worst hide the next; the law is
    fitted again without those found, until they are the same.
    """
    inputs = [numbers(frame, columns[role]) for role in family.inputs]
    logs = np.log(numbers(frame, columns[family.target]))
    chosen = np.arange(len(frame))
    if len(frame) > _FITTED:
        chosen = np.random.default_rng(_SEED).choice(len(frame), _FITTED, replace=False)
    kept = np.ones(len(chosen), dtype=bool)
    for _ in range(_ROUNDS):
        few = frame.iloc[np.sort(chosen[kept])][list(columns.values())]
        law = fit(family, few, columns=columns, bootstrap=0).law
        residual = logs - np.log(law.formula(*inputs))
        spread = _spread(residual[chosen[kept]], len(family.coefficients))
        far = _far(residual, spread, len(few))
        if (far[chosen] != kept).all() or far[chosen].mean() > 1 - _MOST_SOUND:
            break
        kept = ~far[chosen]
    return residual, spread, far


def _far(residual: Array, spread: float, fitted: int) -> NDArray[np.bool_]:
    return np.asarray(np.abs(residual) > max(_FAR * (1 + _FEW / fitted) * spread, _FLOOR))


def _spread(residual: Array, coefficients: int) -> float:
    """Robust standard deviation; residuals that the fit itself makes 0 do not count."""
    sizes = np.sort(np.abs(residual))[min(coefficients, len(residual) - 1) :]
    return max(usual_spread(sizes), np.finfo(float).eps)


def _percent(off: float) -> str:
    return f"{human(abs(np.expm1(off)) * 100, 2)}% {'above' if off > 0 else 'below'}"


def _why(off: float) -> str:
    if abs(off - np.log(1 / np.log(2))) < _AS_BITS:
        return "in bits, where the others are in nats?"
    if off > 0:
        return "diverged, stopped early, or another loss?"
    return "another validation text, unit or recipe, or trained on the validation text?"

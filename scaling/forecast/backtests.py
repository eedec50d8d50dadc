"""Would it have forecast the runs that came? Fits on smaller runs, judged by the larger ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling.answer import Answer, level_issues
from scaling.columns import COMPUTE
from scaling.counting import refuse_mixed_counting
from scaling.errors import ColumnError, Issue, ScalingError, whole
from scaling.fitting.health import AHEAD
from scaling.forecast.candidates import Candidate, candidates_of
from scaling.forecast.drifts import drift_issues, drift_of
from scaling.forecast.scoring import scores_of, summary_of
from scaling.forecast.splits import Split, Splits, splits_of
from scaling.runs.door import as_frame, numbers
from scaling.source import check_level
from scaling.text import human, listed, percent

__all__ = ["Backtest", "backtest", "candidate_of"]

Array: TypeAlias = NDArray[np.float64]

_BLOCK = 500  # runs forecast at once, to bound the memory


@dataclass(frozen=True)
class Backtest(Answer):
    """Forecasts of runs that were held out, and how good they were.

    Attributes
    ----------
    table : DataFrame
        One row a candidate and cut: ``runs_below`` fitted and ``runs_above`` forecast, the
        ``mean_error`` (mean size of the relative error), ``bias`` (mean relative error, above 0
        where forecasts are too high), ``coverage`` of the next-run interval, its relative
        ``interval_score`` (its width, and 20 times at 90% what lies outside, over the loss), and
        ``farthest``, by which factor in compute the farthest run lies beyond the cut's largest.
    points : DataFrame
        One row a forecast run: candidate, cut, row, distance, observed, forecast with the ends of
        its next-run interval, error.
    summary : DataFrame
        One row a candidate: means over the cuts that all candidates have, and ``ratio``, the
        geometric mean over cuts of its error over that of the first candidate.
    drift : DataFrame
        One row a candidate, cut and quantity: coefficients, and the best params at ``ahead``.
    fits : mapping of str to tuple
        What each candidate was at each of its cuts.
    by : str
        What the runs are cut by.
    ahead : float
        Compute of the best params in ``drift``: ten times the largest of the runs.

    Examples
    --------
    >>> import scaling
    >>> runs = scaling.datasets.load("demo")
    >>> found = scaling.backtest(scaling.laws.Chinchilla, runs, cuts=[1e20, 5e20])
    >>> list(found.summary["candidate"])
    ['Chinchilla']
    """

    points: pd.DataFrame = field(default_factory=pd.DataFrame)
    summary: pd.DataFrame = field(default_factory=pd.DataFrame)
    drift: pd.DataFrame = field(default_factory=pd.DataFrame)
    fits: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    by: str = COMPUTE
    ahead: float = np.nan

    @property
    def notes(self) -> tuple[str, ...]:
        """Each candidate over all cuts in a sentence, and what the columns mean."""
        return (*(self._said(row) for _, row in self.summary.iterrows()), (
            "mean error, bias (above 0: forecasts too high) and interval score are relative to the "
            "loss; coverage is that of "
            f"the {100 * self.level:.10g}% interval of a next run ({self.kind}), and should be "
            f"{100 * self.level:.10g}%.") if self.kind != "none" else
            "No intervals: there are no resamples.")  # fmt: skip

    def _said(self, row: pd.Series) -> str:
        cuts = f"{row['cuts']} cut{'' if row['cuts'] == 1 else 's'}"
        said = f"{row['candidate']} over {cuts}: off by {row['mean_error']:.2%} on average"
        if row["candidate"] != self.summary["candidate"].iloc[0]:
            first = self.summary["candidate"].iloc[0]
            said += f", {row['ratio']:.2g} times as far as {first} (geometric mean over cuts)"
        inside = f"; {percent(row['coverage'])} inside" if np.isfinite(row["coverage"]) else ""
        return f"{said}{inside}."

    def to_dict(self) -> dict[str, Any]:
        """Plain values, with the summary, the drift and every point."""
        more = {name: getattr(self, name).to_dict(orient="records")
                for name in ("summary", "drift", "points")}  # fmt: skip
        return {**super().to_dict(), "by": self.by, "ahead": self.ahead, **more}


def backtest(
    families: Any,
    runs: Any,
    *,
    by: str = COMPUTE,
    cuts: Any = None,
    objectives: Any = None,
    columns: Mapping[str, str] | None = None,
    farthest: float | None = None,
    level: float = 0.9,
    bootstrap: int = 200,
    seed: int = 0,
) -> Backtest:
    """Errors of forecasts of the larger runs from the smaller ones, at rolling cuts.

    At each cut every candidate is fitted to the runs at or below it and forecasts those above.

    Parameters
    ----------
    families : family, Fit, Ensemble, callable, or a list or mapping of them
        The candidates. A fit is made again with its own choices; an object with ``again(runs)``
        by that; a callable takes runs and returns a fit. A mapping names them.
    runs : table
    by : str
        Column of numbers that the runs are cut by; compute by default, as logged or by the cost.
    cuts : array_like, optional
        By default at most six: the upper ends of the budgets where most runs are on one, else
        places even in the logarithm; each with ten runs or more below, twice as many as
        coefficients, over a factor of eight, and five or more above.
    objectives : Objective, or a list or mapping of them, optional
        Every family and fit is tried with each.
    columns : mapping of str to str, optional
        Which column plays each role, of families; a fit has its own.
    farthest : float, optional
        Forecast only runs up to this factor beyond the cut's largest run.
    level : float
        Of the intervals.
    bootstrap : int
        Resamples behind them, of families and fits; 0 for none, which is faster.
    seed : int
        Of families; a fit has its own.

    Returns
    -------
    Backtest

    Raises
    ------
    ScalingError
        If no cut can be used, or candidates forecast or count different things.

    Examples
    --------
    >>> import scaling
    >>> runs = scaling.datasets.load("demo")
    >>> laws = [scaling.laws.Chinchilla, scaling.laws.Kaplan]
    >>> found = scaling.backtest(laws, runs, bootstrap=0)
    >>> int(found.summary["mean_error"].argmin())
    0
    """
    check_level(level)
    count, seed = whole("bootstrap", bootstrap), whole("seed", seed)
    if farthest is not None and not (isinstance(farthest, int | float) and farthest > 1):
        raise ScalingError(f"farthest must be a factor above 1, such as 30; got {farthest!r}.")
    frame = as_frame(runs)
    candidates = candidates_of(families, frame, objectives, columns, count, seed)
    named = next(iter(candidates.values())).columns
    refuse_mixed_counting({name: one.columns.values() for name, one in candidates.items()})
    free = max(one.free for one in candidates.values())
    splits = splits_of(frame, by, cuts, named, free, farthest)
    fits, issues = _fitted(candidates, frame, splits)
    points = pd.concat([
        _points(name, frame, split, source, level)
        for name, made in fits.items() for split, source in made
    ], ignore_index=True)  # fmt: skip
    table = scores_of(points, {split.cut: len(split.below) for split in splits.parts}, level)
    ahead = AHEAD * splits.largest
    sources = {name: tuple(source for _, source in made) for name, made in fits.items()}
    drift = drift_of({name: [(split.cut, source) for split, source in made]
                      for name, made in fits.items()}, ahead, level)  # fmt: skip
    kinds = dict.fromkeys(source.draws_kind for made in sources.values() for source in made)
    issues += [*splits.issues, *drift_issues(drift, level), *_few_draws(sources, level)]
    return Backtest(
        table, f"Backtest on {len(frame)} runs, cut by {by}", level, listed(kinds), tuple(issues),
        points, summary_of(table), drift, sources, by, ahead,
    )  # fmt: skip


Made: TypeAlias = dict[str, list[tuple[Split, Any]]]


def _fitted(
    candidates: Mapping[str, Candidate], frame: pd.DataFrame, splits: Splits
) -> tuple[Made, list[Issue]]:
    """Every candidate at every cut that it can be fitted at."""
    fits: Made = {}
    issues = []
    for name, candidate in candidates.items():
        fits[name] = []
        reason = ""
        for split in splits.parts:
            try:
                source = candidate.again(frame.iloc[split.below])
            except ScalingError as problem:
                reason = str(problem)
                issues.append(Issue(
                    "cut-not-fitted", "weakens",
                    f"{name} could not be fitted below {human(split.cut)}: {reason}",
                    "Choose larger cuts, or leave the candidate out.",
                ))  # fmt: skip
                continue
            if not (hasattr(source, "forecast") and hasattr(source, "best")):
                raise ScalingError(f"{name} must make a fit or an ensemble from runs; it made "
                                   f"{type(source).__name__}.")  # fmt: skip
            fits[name].append((split, source))
        if not fits[name]:
            raise ScalingError(f"{name} could not be fitted at any cut: {reason}")
    _refuse_apart(fits)
    if not set.intersection(*({split.cut for split, _ in made} for made in fits.values())):
        raise ScalingError(f"{listed(fits)} could be fitted at no common cut; choose larger "
                           "cuts, or backtest them one by one.")  # fmt: skip
    return fits, issues


def _refuse_apart(fits: Made) -> None:
    """Refuse candidates that forecast different columns or count params in different ways."""
    columns = {name: made[0][1].columns for name, made in fits.items()}
    refuse_mixed_counting({name: mapping.values() for name, mapping in columns.items()})
    targets = {name: _target(made[0][1]) for name, made in fits.items()}
    if len(set(targets.values())) > 1:
        told = ", ".join(f"{name} forecasts {target}" for name, target in targets.items())
        raise ScalingError(f"Candidates must forecast the same column; {told}.")


def _few_draws(sources: Mapping[str, tuple[Any, ...]], level: float) -> tuple[Issue, ...]:
    counts = [source.draws.count for made in sources.values() for source in made if source.draws]
    return level_issues(min(counts), level, "Use bootstrap={}") if counts else ()


def _target(source: Any) -> str:
    return str(source.columns[source.best.target])


def _points(
    name: str, frame: pd.DataFrame, split: Split, source: Any, level: float
) -> pd.DataFrame:
    """The held-out runs of a split with what a source forecasts of them."""
    target = _target(source)
    held = frame.iloc[split.above]
    inputs = held[[source.columns[role] for role in source.best.inputs]]
    observed = numbers(held, target)
    if (observed <= 0).any():
        raise ColumnError(f"Errors are relative, so {target} must be above 0 in every run.")
    said = pd.concat([source.forecast(inputs.iloc[start : start + _BLOCK], level=level).table
                      for start in range(0, len(inputs), _BLOCK)])  # fmt: skip
    forecast = said[target].to_numpy()
    return pd.DataFrame({
        "candidate": name, "cut": split.cut, "row": held.index, "distance": split.distance,
        "observed": observed, "forecast": forecast,
        "forecast_low": said["next_run_low"].to_numpy(),
        "forecast_high": said["next_run_high"].to_numpy(), "error": forecast / observed - 1,
    })  # fmt: skip


def candidate_of(backtest: Backtest, source: Any) -> str:
    """Name of the candidate that a source is: made of the same choices.

    Raises
    ------
    ScalingError
        If no candidate is, or several are.
    """
    found = [name for name, made in backtest.fits.items() if _choices(made[-1]) == _choices(source)]
    if len(found) == 1:
        return found[0]
    if found:
        raise ScalingError(f"{listed(found)} of the backtest are made of the same choices, so it "
                           "does not say which is this fit; backtest it alone.")  # fmt: skip
    raise ScalingError(
        f"The backtest has no {type(source.best).__name__} with these constraints, objective and "
        f"columns, only {listed(backtest.fits)}. Make one with scaling.backtest(fit, runs)."
    )


def _choices(source: Any) -> tuple[Any, ...]:
    names = ("constraints", "objective", "columns")
    of_ensemble = dict(getattr(source, "options", {}))
    rows = tuple(of_ensemble.get(name) for name in ("rows", "groups"))
    held = [(one.constraints.fixed, one.constraints.tied) for one in getattr(source, "members", ())]
    return (type(source), type(source.best), rows, held,
            *(getattr(source, name, None) for name in names))  # fmt: skip

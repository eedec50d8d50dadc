"""Which of several fits forecasts best, and whether the difference is one at all."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling.answer import Answer
from scaling.counting import refuse_mixed_counting
from scaling.errors import Issue, ScalingError
from scaling.fitting import Fit
from scaling.fitting.health import joined
from scaling.forecast.backtests import Backtest, backtest, candidate_of
from scaling.forecast.candidates import free_coefficients, named_things
from scaling.forecast.criteria import criteria_of
from scaling.forecast.scoring import shared_errors
from scaling.runs.door import numbers
from scaling.runs.suspicion import refuse_mixed_losses
from scaling.source import check_level

__all__ = ["Comparison", "compare"]

Array: TypeAlias = NDArray[np.float64]

_FEWEST_CUTS = 3
_HAIR = 1.05  # ratio of errors up to which two forecast the same
_NESTED = 1.5  # on the error of a mean over cuts, since cuts share runs (simulated)
_RESAMPLES = 200
_CRITERIA = ("aic", "aicc", "bic")


@dataclass(frozen=True)
class Comparison(Answer):
    """Fits of the same runs side by side, the best forecaster first.

    Attributes
    ----------
    table : DataFrame
        One row a fit: free coefficients, ``mean_error`` on held-out runs, ``ratio`` of that error
        to the best one with its ends, ``verdict`` (``best``, ``tie`` or ``worse``), and the
        information criteria above the lowest.
    backtest : Backtest or None
        Where the errors come from; None where there are too few runs to hold any out.
    cuts : int
        How many cuts all of the fits have, over which ratios are taken.
    """

    backtest: Backtest | None = None
    cuts: int = 0

    @property
    def sentence(self) -> str:
        """What was found, in words: never a winner where there is none."""
        table = self.table
        first = table["fit"].iloc[0]
        if self.backtest is None:
            return "No runs could be held out, so nothing is known of the forecasts."
        tied = list(table.loc[table["verdict"] == "tie", "fit"])
        worse = [f"{row['fit']} ({row['ratio']:.2g} times the error)"
                 for _, row in table[table["verdict"] == "worse"].iterrows()]  # fmt: skip
        said = (f"{joined(tied)} cannot be told apart by the held-out runs." if tied
                else f"{first} forecasts best.")  # fmt: skip
        return said + (f" Worse: {joined(worse)}." if worse else "")

    @property
    def notes(self) -> tuple[str, ...]:
        """What was found, and what the columns mean."""
        ratios = (
            f"ratio [low, high] is the geometric mean over {self.cuts} cuts of the error over that "
            f"of {self.table['fit'].iloc[0]}, at {100 * self.level:.10g}%: {self.kind}.",
        ) if self.cuts else ()  # fmt: skip
        return (self.sentence, *ratios, (
            "aic, aicc, bic are above the lowest, for the noise each objective stands for; they "
            "judge the fit to runs that were seen."))  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """Plain values, with the sentence."""
        return {**super().to_dict(), "sentence": self.sentence}


def compare(fits: Any, *, backtest: Backtest | None = None, level: float = 0.9) -> Comparison:
    """Fits of the same runs by their errors on held-out runs, and then by information criteria.

    The criteria are AIC, AICc and BIC of the likelihood that each fit's objective stands for:
    Gaussian noise under least squares, Laplace under least absolute deviations, and under Huber's
    objective Gaussian inside delta with exponential tails; its scale counts as a coefficient.

    Parameters
    ----------
    fits : list or mapping of Fit or Ensemble
        With their runs, which must be the same; other objectives and laws are what is compared.
    backtest : Backtest, optional
        With each fit among its candidates; one on the fits' own runs is made by default.
    level : float
        Of the ratios, and of the backtest that is made.

    Returns
    -------
    Comparison

    Raises
    ------
    ScalingError
        If there are fewer than two, their runs, targets or countings differ, or the backtest has
        not all of them.

    Examples
    --------
    >>> import scaling
    >>> runs = scaling.datasets.load("demo")
    >>> laws = (scaling.laws.Chinchilla, scaling.laws.Kaplan)
    >>> found = scaling.compare([scaling.fit(law, runs, bootstrap=0) for law in laws])
    >>> list(found.table["verdict"])
    ['best', 'worse']
    """
    check_level(level)
    sources = named_things(fits, "fits")
    if len(sources) < 2:
        raise ScalingError(f"compare needs two fits or more; got {len(sources)}.")
    runs = _same_runs(sources)
    issues: list[Issue] = []
    cuts = 0
    made, called = backtest, {name: name for name in sources}
    if made is None:
        made, issues = _backtested(sources, runs, level)
    elif isinstance(made, Backtest):
        called = {name: candidate_of(made, source) for name, source in sources.items()}
    else:
        raise ScalingError(f"backtest= must be a Backtest; got {type(made).__name__}. Make one "
                           "with scaling.backtest(fits, runs).")  # fmt: skip
    table = _criteria(sources)
    if made is not None:
        logs = _logs(called, made)
        cuts = len(logs)
        ratios, told = _ratios(called, logs, level)
        table = ratios.merge(table, on="fit").sort_values("ratio", kind="stable")
        issues += told
    else:
        table = table.sort_values("aicc", kind="stable")
    columns = ["fit", "free", "mean_error", "ratio", "ratio_low", "ratio_high", "verdict",
               *_CRITERIA]  # fmt: skip
    table = table[[name for name in columns if name in table]].reset_index(drop=True)
    issues += () if made is None else made.issues
    return Comparison(table, f"Comparison of {len(sources)} fits of {len(runs)} runs", level,
                      "none" if made is None else "paired by cut", tuple(issues), made,
                      cuts)  # fmt: skip


def _same_runs(sources: Mapping[str, Any]) -> pd.DataFrame:
    """The runs that all fits share, or one sentence where they do not."""
    for name, source in sources.items():
        if not (hasattr(source, "forecast") and hasattr(source, "runs")):
            raise ScalingError(f"compare takes fits; {name} is {type(source).__name__}. Fit it "
                               "first: scaling.fit(family, runs).")  # fmt: skip
        if source.runs is None:
            raise ScalingError(f"{name} was saved without its runs; load one saved with "
                               "runs='full'.")  # fmt: skip
    refuse_mixed_counting({name: one.columns.values() for name, one in sources.items()})
    targets = {name: one.columns[one.best.target] for name, one in sources.items()}
    first, target = next(iter(targets.items()))
    runs: pd.DataFrame = sources[first].runs
    for name, source in sources.items():
        if targets[name] != target:
            raise ScalingError(f"{first} forecasts {target} and {name} forecasts {targets[name]}; "
                               "fits of one target can be compared.")  # fmt: skip
        refuse_mixed_losses(pd.concat([runs, source.runs]), target)
        if not np.array_equal(numbers(runs, target), numbers(source.runs, target)):
            raise ScalingError(f"{first} and {name} were fitted to different runs; fit both to "
                               "the same ones.")  # fmt: skip
    return runs


def _backtested(
    sources: Mapping[str, Any], runs: pd.DataFrame, level: float
) -> tuple[Backtest | None, list[Issue]]:
    """A backtest of the fits on their own runs, or an issue that says why there is none."""
    drawn = all(source.draws is not None for source in sources.values())
    try:
        return backtest(sources, runs, level=level, bootstrap=_RESAMPLES if drawn else 0), []
    except ScalingError as problem:
        return None, [Issue("not-backtested", "weakens", f"No runs are held out: {problem}",
                            "Add larger runs, or give backtest=.")]  # fmt: skip


def _criteria(sources: Mapping[str, Any]) -> pd.DataFrame:
    """Information criteria of each fit above the lowest; NaN of what is no single fit."""
    rows = []
    for name, source in sources.items():
        plain = isinstance(source, Fit)
        found = criteria_of(source) if plain else (math.nan,) * len(_CRITERIA)
        rows.append((name, free_coefficients(source) if plain else math.nan, *found))
    table = pd.DataFrame(rows, columns=["fit", "free", *_CRITERIA])
    for name in _CRITERIA:
        table[name] -= table[name].min()
    return table


def _logs(candidates: Mapping[str, str], made: Backtest) -> pd.DataFrame:
    """Logs of the mean errors of the fits, one row a cut that all of them have."""
    errors = shared_errors(made.table[made.table["candidate"].isin(candidates.values())])
    return pd.DataFrame(np.log(errors))


def _ratios(
    candidates: Mapping[str, str], logs: pd.DataFrame, level: float
) -> tuple[pd.DataFrame, list[Issue]]:
    """Errors and their ratios to the least, with a verdict on each."""
    cuts = len(logs)
    mean = logs.mean()
    best = mean[list(candidates.values())].idxmin()
    issues = []
    if cuts < _FEWEST_CUTS:
        issues.append(Issue(
            "few-cuts", "weakens",
            f"The errors come from {cuts} cut{'' if cuts == 1 else 's'}, too few to tell which of "
            "the fits forecasts better.",
            f"Give a backtest of {_FEWEST_CUTS} cuts or more."))  # fmt: skip
    rows = []
    for name, called in candidates.items():
        ratio, low, high = _ratio((logs[called] - logs[best]).to_numpy(), level)
        worse = low > 1 and ratio > _HAIR
        rows.append((name, np.exp(logs[called]).mean(), ratio, low, high,
                     "worse" if worse else "tie"))  # fmt: skip
    names = ["fit", "mean_error", "ratio", "ratio_low", "ratio_high", "verdict"]
    table = pd.DataFrame(rows, columns=names)
    if (table["verdict"] == "worse").sum() == len(table) - 1:
        table.loc[table["verdict"] == "tie", "verdict"] = "best"
    return table, issues


def _ratio(logs: Array, level: float) -> tuple[float, float, float]:
    """Geometric mean over cuts and its ends; no ends where there are too few cuts.

    Each cut counts once, since the runs above it share one misfit. Cuts share runs with each other,
    so the error is widened: fits to random halves of simulated runs then differ one time in ten.
    """
    from scipy.special import stdtrit

    mean, count = float(logs.mean()), len(logs)
    if count < _FEWEST_CUTS or not logs.any():
        ends = (math.nan, math.nan)
    else:
        error = float(logs.std(ddof=1)) * _NESTED / math.sqrt(count)
        half = float(stdtrit(count - 1, (1 + level) / 2)) * error
        ends = (math.exp(mean - half), math.exp(mean + half))
    return math.exp(mean), *ends

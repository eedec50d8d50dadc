"""Figure of a backtest: what was forecast, over what came, by the distance beyond the runs."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import Formatter, FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from scaling.columns import COMPUTE
from scaling.forecast.backtests import Backtest
from scaling.plot.labels import label_lines
from scaling.plot.style import BAND, INK, SERIES, axes_for, made_by, quiet, sizes_of, title
from scaling.plot.ticks import human_ticks
from scaling.runs.budgets import budgets_of

__all__ = ["backtest"]

_BINS = 10  # of as many points each
_SHOWN = 0.99  # share of the points within the figure; one wild forecast would hide the others
_HEADROOM = 1.15
_FAINT, _CLEAR = 0.25, 0.6  # opacity of points beside those of other candidates, and alone
_AROUND = 1.3  # factor on each side of a single distance


def backtest(backtest: Backtest, *, ax: Axes | None = None) -> Axes:
    """Forecasts over held-out losses, by the distance beyond the cut, with the intervals.

    A line is the mean of a candidate's points, above 0 where its forecasts are too high; a band is
    the mean of its intervals for a next run: where forecasts are honest, nearly all points lie
    inside it. Points far outside all others are drawn at the edge.

    Parameters
    ----------
    backtest : Backtest
    ax : Axes, optional

    Returns
    -------
    Axes

    Examples
    --------
    >>> import scaling
    >>> runs = scaling.datasets.load("demo")
    >>> ax = scaling.plot.backtest(scaling.backtest(scaling.laws.Chinchilla, runs))
    >>> ax.get_xlabel()
    'compute beyond the largest run fitted'
    """
    made_by(backtest, Backtest, "backtest", "scaling.backtest(families, runs)")
    ax = axes_for(ax)
    quiet(ax)
    points = backtest.points
    shown = pd.DataFrame({
        "candidate": points["candidate"], "distance": points["distance"],
        "off": 100 * (points["forecast"] / points["observed"] - 1),
        "low": 100 * (points["forecast"] / points["forecast_high"] - 1),
        "high": 100 * (points["forecast"] / points["forecast_low"] - 1),
    })  # fmt: skip
    names = list(dict.fromkeys(shown["candidate"]))
    binned = {name: _binned(shown[shown["candidate"] == name]) for name in names}
    top = _HEADROOM * _top(shown, binned)
    shown["off"] = shown["off"].clip(-top, top)
    ax.axhline(0, color=INK, linewidth=0.8)
    ends = []
    for place, name in enumerate(names):
        colour, dashes, marker = SERIES[place % len(SERIES)]
        own, line = shown[shown["candidate"] == name], binned[name]
        ax.scatter(own["distance"], own["off"], s=12, color=colour, marker=marker, linewidths=0,
                   alpha=_CLEAR if len(names) == 1 else _FAINT)  # fmt: skip
        ax.fill_between(line["distance"], line["low"], line["high"], color=colour, linewidth=0,
                        alpha=BAND if len(names) == 1 else BAND / 2)  # fmt: skip
        ax.plot(line["distance"], line["off"], color=colour, linewidth=1.6, linestyle=dashes)
        ends.append((line["distance"].iloc[-1], line["off"].iloc[-1], name, colour))
    what = COMPUTE if np.isfinite(backtest.ahead) else backtest.by
    ax.set(xlabel=f"{what} beyond the largest run fitted", ylabel="forecast, over what came",
           ylim=(-top, top))  # fmt: skip
    human_ticks(ax, "x", shown["distance"])
    if shown["distance"].nunique() == 1:
        ax.set_xlim(ends[0][0] / _AROUND, ends[0][0] * _AROUND)
    ax.xaxis.set_major_formatter(_times(ax.xaxis.get_major_formatter()))
    ax.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:+.3g}%" if value else "0"))
    band = f"; bands {backtest.level:.0%} of a next run" if backtest.kind != "none" else ""
    title(ax, f"Runs held out{band}" if len(names) > 1 else f"{names[0]} on runs held out{band}")
    label_lines(ax, ends if len(names) > 1 else [], size=sizes_of(ax).note)
    return ax


def _binned(own: pd.DataFrame) -> pd.DataFrame:
    """Means of a candidate's points over bins of the log distance."""
    logs = _log_distance(own["distance"].to_numpy())
    edges = np.unique(np.quantile(logs, np.arange(1, _BINS) / _BINS))
    own = own.assign(distance=logs)
    means = own.drop(columns="candidate").groupby(np.searchsorted(edges, logs)).mean()
    return means.assign(distance=np.exp(means["distance"]))


def _log_distance(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logs of distances, equal for all runs of a budget, whose computes differ in last digits."""
    logs, budget = pd.Series(np.log(distance)), budgets_of(distance)
    mean = logs.groupby(budget).transform("mean")
    return np.asarray(np.where(budget >= 0, mean, logs))


def _top(shown: pd.DataFrame, binned: dict[str, pd.DataFrame]) -> float:
    """Largest deviation that the figure shows."""
    bands = np.concatenate([line[["low", "high", "off"]].abs().to_numpy().ravel()
                            for line in binned.values()])  # fmt: skip
    bands = bands[np.isfinite(bands)]
    points = float(np.quantile(shown["off"].abs(), _SHOWN))
    return max(points, float(np.quantile(bands, _SHOWN)), 1e-3)


def _times(written: Formatter) -> FuncFormatter:
    """Ticks written as factors."""
    return FuncFormatter(lambda value, place: f"{written(value, place)}x")

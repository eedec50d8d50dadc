"""The command that goes all the way on the measured sweep inside the package: demo."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer

import scaling
from scaling.cli.fits import fit_dict
from scaling.cli.shared import AsJson, app, draw_to
from scaling.columns import COMPUTE, LOSS, PARAMS, TOKENS
from scaling.datasets import load
from scaling.errors import worst_first
from scaling.fitting import Fit
from scaling.frontier import Frontier
from scaling.laws import Chinchilla
from scaling.printing import (
    console_for_output,
    print_answer,
    print_issues,
    print_json,
    print_rows,
)
from scaling.text import human

_POINTS = 25  # computes at which the law's frontier is drawn


@app.command()
def demo(
    as_json: AsJson = False,
    plot: Annotated[Path | None, typer.Option(help="Write the three frontiers here.")] = None,
) -> None:
    """Go from measured runs to a decision, a forecast, and what came of it."""
    runs, big = load("sweep", rows="isoflop"), load("sweep", rows="big").iloc[0]
    checked, fit = scaling.lint(runs), scaling.fit(Chinchilla, runs)
    ways = _frontiers(runs, fit, big[COMPUTE])
    laws = scaling.ensemble(runs)
    regret = scaling.regret(laws, big[COMPUTE])
    tested = scaling.backtest({"ensemble": scaling.ensemble, "Chinchilla": Chinchilla}, runs)
    ahead = laws.forecast(params=big[PARAMS], tokens=big[TOKENS])
    written = load("sweep_forecast").query("by == 'ensemble'").iloc[0]
    if plot is not None:
        draw_to(lambda: scaling.plot.frontier(ways, runs=runs), plot)
    if as_json:
        print_json({
            "lint": checked.to_dict(), "fit": fit_dict(fit),
            "frontiers": {name: one.to_dict() for name, one in ways.items()},
            "regret": regret.to_dict(), "backtest": tested.to_dict(),
            "forecast": ahead.to_dict(), "written_before": written.to_dict(),
            "outcome": float(big[LOSS]),
        })  # fmt: skip
        return
    console = console_for_output()
    console.print(f"{len(runs)} language models of {human(runs[PARAMS].min())} to "
                  f"{human(runs[PARAMS].max())} params, trained for this library on the sources of "
                  "Linux.\n", soft_wrap=True)  # fmt: skip
    console.print(f"{checked}\n\n{fit}\n", soft_wrap=True)
    rows = [_row(name, one, big[COMPUTE]) for name, one in ways.items()]
    print_rows(f"Best size at {big[COMPUTE]:.3g} FLOPs, in three ways", rows, console)
    print_issues(worst_first(one for way in ways.values() for one in way.issues
                             if one not in fit.issues), console)  # fmt: skip
    console.print()
    for answer in (regret, tested, ahead):
        print_answer(answer, console, known=fit.issues)
    console.print(_outcome(written, big[LOSS]), soft_wrap=True)
    console.print("Next, on runs of your own: scaling lint runs.csv, scaling fit runs.csv --save "
                  "fit.json, scaling backtest runs.csv, scaling frontier runs.csv COMPUTE --regret "
                  "--law ensemble", soft_wrap=True)  # fmt: skip
    if plot is not None:
        console.print(f"drawn in {plot}", soft_wrap=True)


def _frontiers(runs: pd.DataFrame, fit: Fit, compute: float) -> Mapping[str, Frontier]:
    """The frontier of the sweep by its curves, by its budgets and by a law, up to a compute."""
    computes = np.geomspace(runs[COMPUTE].min(), compute, _POINTS)
    return {
        "envelope of the curves": scaling.envelope(load("sweep_curves", rows="isoflop")),
        "IsoFLOP valleys": scaling.isoflop(runs),
        "Chinchilla law": scaling.compute_optimal(fit, computes),
    }


def _outcome(said: pd.Series, loss: float) -> str:
    """What came of the forecast that was written before the run, in a sentence."""
    low, high = said["next_run_low"], said["next_run_high"]
    where = "inside" if low <= loss <= high else "outside"
    off = f"{abs(said[LOSS] / loss - 1):.1%}"
    return (f"Before that run was trained, {said[LOSS]:.3f} [{low:.3f}, {high:.3f}] was written "
            f"down for it. It reached {loss:.3f}: {off} off, {where}.")  # fmt: skip


def _row(name: str, frontier: Frontier, compute: float) -> dict[str, str]:
    """A frontier's exponent and its best size at one compute."""
    power, ahead = frontier.exponents.loc[PARAMS], frontier.at(compute).table.iloc[0]
    return {
        "way": name,
        "params grow with compute to the": f"{power['value']:.3f} [{power['low']:.3f}, "
                                           f"{power['high']:.3f}]",
        "best size": f"{human(ahead[PARAMS])} [{human(ahead['params_low'])}, "
                     f"{human(ahead['params_high'])}]",
    }  # fmt: skip

"""Commands about runs held out: backtest."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

import scaling
from scaling.cli.shared import (
    AsJson,
    ColumnsText,
    Level,
    RunsFile,
    app,
    draw_to,
    is_ensemble,
    show,
    table_of,
)
from scaling.options import family_of


@app.command()
def backtest(
    runs: RunsFile,
    law: Annotated[list[str] | None, typer.Option(
        help="Family to try, or ensemble; repeatable. The ensemble and Chinchilla by default."
    )] = None,
    cut: Annotated[list[str] | None, typer.Option(
        help="Fit the runs up to here, forecast those above; repeatable. Chosen from the runs by "
             "default.")] = None,
    by: Annotated[str, typer.Option(help="Column that the runs are cut by.")] = "compute",
    farthest: Annotated[float | None, typer.Option(
        help="Forecast only runs up to this factor beyond the largest run fitted.")] = None,
    bootstrap: Annotated[int, typer.Option(help="Resamples for the intervals.")] = 200,
    seed: Annotated[int, typer.Option(help="Of starts and resamples.")] = 0,
    column: ColumnsText = None,
    level: Level = 0.9,
    plot: Annotated[Path | None, typer.Option(help="Write the figure here.")] = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Forecast the larger runs of a table from the smaller ones, and tell how far it was off."""
    table, columns = table_of(runs, column)
    mean = partial(scaling.ensemble, columns=columns, bootstrap=bootstrap, seed=seed)
    laws: dict[str, Any] = {
        name: mean if is_ensemble(name) else family_of(name)
        for name in law or ("ensemble", "Chinchilla")
    }
    found = scaling.backtest(
        laws, table, by=by, cuts=cut, columns=columns, farthest=farthest, level=level,
        bootstrap=bootstrap, seed=seed,
    )  # fmt: skip
    if plot is not None:
        draw_to(lambda: scaling.plot.backtest(found), plot)
    show(found, as_json, plot)

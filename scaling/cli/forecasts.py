"""Commands about larger runs: forecast."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import scaling
from scaling.cli.shared import (
    AsJson,
    ColumnsText,
    FitSource,
    Level,
    SourceLaw,
    app,
    draw_to,
    is_ensemble,
    show,
    source_of,
    table_of,
)
from scaling.errors import ScalingError
from scaling.fitting import Fit
from scaling.forecast.ensembles import Ensemble
from scaling.laws import published_names
from scaling.options import number_or_text, pairs_of


@app.command()
def forecast(
    source: FitSource,
    at: Annotated[list[str], typer.Argument(help="Inputs, such as params=70B tokens=1.4T; several "
                                            "values with commas.", show_default=False)],
    law: SourceLaw = "ensemble",
    rows: Annotated[str | None, typer.Option(
        help="Runs that the mean is fitted to: near-frontier (the default), all, or a share such "
        "as 0.05.")] = None,
    column: ColumnsText = None,
    level: Level = 0.9,
    plot: Annotated[Path | None, typer.Option(help="Write the figure here.")] = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Forecast the loss at given inputs: by the mean of three laws, or by one."""
    found = _forecaster(source, law, rows, column)
    inputs = {name: text.split(",") for name, text in pairs_of("input", at).items()}
    answer = found.forecast(level=level, **inputs)
    if plot is not None:
        draw_to(lambda: scaling.plot.forecast(answer, runs=found.runs), plot)
    show(answer, as_json, plot)


def _forecaster(
    source: str, law: str, rows: str | None, column: list[str] | None
) -> Fit | Ensemble:
    known = source in published_names() or source.lower().endswith(".json")
    if not known and is_ensemble(law):
        runs, columns = table_of(source, column)
        return scaling.ensemble(runs, columns=columns, rows=number_or_text(rows) or "near-frontier")
    if rows is not None:
        raise ScalingError("--rows says which runs the mean of three laws is fitted to; give it "
                           "with a table of runs and without another --law.")  # fmt: skip
    found = source_of(source, law, column)
    if not isinstance(found, Fit | Ensemble):
        raise ScalingError("forecast needs a saved fit or a table of runs; a published law has no "
                           "errors to forecast with.")  # fmt: skip
    return found

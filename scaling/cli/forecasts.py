"""Commands about larger runs: forecast."""

from __future__ import annotations

from typing import Annotated

import typer

from scaling.cli.shared import (
    AsJson,
    ColumnsText,
    FitSource,
    LawName,
    Level,
    app,
    show,
    source_of,
)  # fmt: skip
from scaling.errors import ScalingError
from scaling.fitting import Fit
from scaling.options import pairs_of


@app.command()
def forecast(
    source: FitSource,
    at: Annotated[list[str], typer.Argument(help="Inputs, such as params=70B tokens=1.4T; several "
                                            "values with commas.", show_default=False)],
    law: LawName = "Chinchilla",
    column: ColumnsText = None,
    level: Level = 0.9,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Forecast the loss at given inputs."""
    found = source_of(source, law, column)
    if not isinstance(found, Fit):
        raise ScalingError("forecast needs a saved fit or a table of runs; a published law has no "
                           "errors to forecast with.")  # fmt: skip
    inputs = {name: text.split(",") for name, text in pairs_of("input", at).items()}
    show(found.forecast(level=level, **inputs), as_json)

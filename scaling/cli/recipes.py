"""Commands about two recipes: crossover."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import scaling
from scaling.cli.shared import (
    AsJson,
    ColumnsText,
    Level,
    Source,
    SourceLaw,
    app,
    draw_to,
    show,
    source_of,
)  # fmt: skip
from scaling.options import number_or_text
from scaling.printing import print_json


@app.command()
def crossover(
    a: Source,
    b: Source,
    compute: Annotated[list[str] | None, typer.Option(
        help="FLOPs to compare at, such as 1e24; repeatable.")] = None,
    between: Annotated[str | None, typer.Option(
        help="Range to look for crossings in, such as 1e19,1e25.")] = None,
    law: SourceLaw = "Chinchilla",
    column: ColumnsText = None,
    level: Level = 0.9,
    plot: Annotated[Path | None, typer.Option(help="Write the figure here.")] = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Which of two recipes is better where, and what the second is worth in compute."""
    first, second = (source_of(source, law, column) for source in (a, b))
    ends = None if between is None else [number_or_text(end) for end in between.split(",")]
    names = (Path(a).stem, Path(b).stem)
    found = scaling.crossover(
        first, second, compute=compute or None, between=ends, level=level,
        names=names if names[0] != names[1] else None,
    )  # fmt: skip
    worth = scaling.compute_multiplier(
        first, second, found.winners[found.axis], names=found.names, level=level
    )
    if plot is not None:
        draw_to(lambda: scaling.plot.crossover(found), plot)
    if as_json:
        print_json({"crossover": found.to_dict(), "multiplier": worth.to_dict()})
        return
    show(found, as_json)
    print()
    show(worth, as_json, plot)

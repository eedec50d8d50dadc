"""Commands about best allocations: frontier and isoflop."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

import scaling
from scaling.answer import Answer
from scaling.cli.shared import (
    AsJson,
    ColumnsText,
    Level,
    RunsFile,
    Source,
    SourceLaw,
    app,
    draw_to,
    show,
    source_of,
    table_of,
)  # fmt: skip
from scaling.cost import SIX_ND, Hardware
from scaling.errors import ScalingError
from scaling.frontier.terms import positive
from scaling.options import number_or_text, pairs_of


@app.command()
def frontier(
    source: Source,
    compute: Annotated[list[str], typer.Argument(help="FLOPs, such as 1e24.", show_default=False)],
    regret: Annotated[bool, typer.Option("--regret", help="What each size costs instead.")] = False,
    params: Annotated[str | None, typer.Option(
        help="Sizes for --regret, such as 30B,70B; round sizes by default.")] = None,
    within: Annotated[float, typer.Option(help="Excess loss that counts as none.")] = 0.0025,
    held: Annotated[list[str] | None, typer.Option(
        help="An input that does not move, such as unique_tokens=25B; repeatable.")] = None,
    at_most: Annotated[list[str] | None, typer.Option(
        help="The largest value of an input, such as params=8B; repeatable.")] = None,
    choices: Annotated[list[str] | None, typer.Option(
        help="The only values of an input, such as params=1B,3B,7B; repeatable.")] = None,
    served: Annotated[str | None, typer.Option(
        help="Tokens that will be served, such as 10T: compute then pays for them too.")] = None,
    flops_per_second: Annotated[float | None, typer.Option(
        help="Peak of one device: adds hours and days.")] = None,
    utilisation: Annotated[float, typer.Option(help="Share of the peak reached.")] = 0.4,
    devices: Annotated[int, typer.Option(help="Devices at work together.")] = 1,
    dollars_per_hour: Annotated[float, typer.Option(
        help="Price of one device.")] = float("nan"),
    law: SourceLaw = "Chinchilla",
    column: ColumnsText = None,
    level: Level = 0.9,
    plot: Annotated[Path | None, typer.Option(help="Write the figure here.")] = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Best params and tokens for each compute, or with --regret what each size costs."""
    found = source_of(source, law, column)
    if params is not None and not regret:
        raise ScalingError("--params belongs to --regret, which prices sizes; add --regret.")
    if flops_per_second is None and (devices != 1 or dollars_per_hour == dollars_per_hour):
        raise ScalingError("--devices and --dollars-per-hour need --flops-per-second.")
    hardware = None if flops_per_second is None else Hardware(
        flops_per_second, utilisation, devices, dollars_per_hour)  # fmt: skip
    fixed = pairs_of("--held", held)
    cost = None if served is None else (found.cost or SIX_ND).serving(
        float(positive("--served", served)[0]))  # fmt: skip
    answer: Answer
    if regret:
        if len(compute) != 1:
            raise ScalingError(f"--regret takes one compute; got {len(compute)}.")
        if at_most or choices:
            raise ScalingError("--regret prices sizes one by one; drop --at-most and --choices.")
        sizes = None if params is None else params.split(",")
        priced = scaling.regret(
            found, compute[0], sizes, cost=cost, held=fixed, within=within, hardware=hardware,
            level=level,
        )  # fmt: skip
        answer, figure = priced, lambda: scaling.plot.regret(priced)
    else:
        offered = {name: text.split(",") for name, text in pairs_of("--choices", choices).items()}
        best = scaling.compute_optimal(
            found, compute, cost=cost, held=fixed, at_most=pairs_of("--at-most", at_most),
            choices=offered, level=level,
        )  # fmt: skip
        if hardware is not None:
            best = replace(best, table=hardware.add_to(best.table))
        answer, figure = best, lambda: scaling.plot.frontier(best)
    if plot is not None:
        draw_to(figure, plot)
    show(answer, as_json, plot)


@app.command()
def isoflop(
    runs: RunsFile,
    at: Annotated[list[str] | None, typer.Argument(
        help="FLOPs to carry the power law on to, such as 1e24.")] = None,
    method: Annotated[str, typer.Option(help="parabola, akima or law.")] = "parabola",
    groups: Annotated[str, typer.Option(help="Column that names the budgets; found in the "
                                        "compute of the runs by default.")] = "budget",
    noise: Annotated[str | None, typer.Option(
        help="Noise of log loss: a number, a column, or replicates.")] = None,
    column: ColumnsText = None,
    level: Level = 0.9,
    plot: Annotated[Path | None, typer.Option(help="Write the valleys here.")] = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Best size at each compute budget of the runs, read from the runs themselves."""
    table, columns = table_of(runs, column)
    found = scaling.isoflop(
        table, method=method, groups=groups, noise=number_or_text(noise), columns=columns,
        level=level,
    )  # fmt: skip
    if plot is not None:
        draw_to(lambda: scaling.plot.isoflop(found), plot)
    show(found.at(at) if at else found, as_json, plot)

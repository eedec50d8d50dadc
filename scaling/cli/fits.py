"""Commands about one table of runs and one law: fit, lint, laws."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

import scaling
from scaling.answer import issue_dict
from scaling.cli.shared import AsJson, ColumnsText, LawName, Level, RunsFile, app, draw_to, table_of
from scaling.fitting import Fit
from scaling.fitting.wording import fit_text
from scaling.laws import FAMILIES, published, published_names
from scaling.options import bounds_of, family_of, number_or_text, objective_of, pairs_of
from scaling.printing import ALL_ISSUES, console_for_output, print_json, print_rows
from scaling.storage import save
from scaling.text import parse_number

__all__ = ["fit_dict"]


@app.command("fit")
def fit_command(
    runs: RunsFile,
    law: LawName = "Chinchilla",
    column: ColumnsText = None,
    objective: Annotated[str, typer.Option(
        help="huber, least_squares or least_absolute.")] = "huber",
    delta: Annotated[float | None, typer.Option(help="Huber's knee; 0.001 by default.")] = None,
    space: Annotated[str, typer.Option(
        help="Residuals of the log or of the loss: log, linear.")] = "log",
    fixed: Annotated[list[str] | None, typer.Option(help="Such as E=1.7; repeatable.")] = None,
    tied: Annotated[list[str] | None, typer.Option(help="Such as beta=alpha; repeatable.")] = None,
    bounds: Annotated[list[str] | None, typer.Option(
        help="Such as alpha=0.1:0.9; repeatable.")] = None,
    weights: Annotated[str | None, typer.Option(help="Column of weights.")] = None,
    noise: Annotated[str | None, typer.Option(
        help="Noise of log loss: a number, a column, or replicates.")] = None,
    groups: Annotated[str | None, typer.Option(help="Column whose groups are resampled.")] = None,
    bootstrap: Annotated[int, typer.Option(help="Resamples for the intervals.")] = 200,
    seed: Annotated[int, typer.Option(help="Of starts and resamples.")] = 0,
    level: Level = 0.9,
    save_to: Annotated[Path | None, typer.Option(
        "--save", help="Write the fit here (JSON).")] = None,
    keep: Annotated[str, typer.Option(
        help="What --save keeps of the runs: full or hash.")] = "full",
    plot: Annotated[Path | None, typer.Option(help="Write a figure of the fit here.")] = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Fit a law to a table of runs."""
    table, columns = table_of(runs, column)
    made = scaling.fit(
        family_of(law), table, columns=columns,
        objective=objective_of(objective, delta, space),
        fixed={name: parse_number(text) for name, text in pairs_of("--fixed", fixed).items()},
        tied=pairs_of("--tied", tied), bounds=bounds_of(bounds), weights=weights,
        noise=number_or_text(noise), groups=groups, bootstrap=bootstrap, seed=seed,
    )  # fmt: skip
    if save_to is not None:
        save(made, save_to, runs=keep)
    if plot is not None:
        draw_to(lambda: scaling.plot.fit(made)[0], plot)
    if as_json:
        print_json(fit_dict(made, level))
        return
    console = console_for_output()
    console.print(fit_text(made, level, rest=ALL_ISSUES), soft_wrap=True)
    for said in made.assumptions:
        console.print(f"assumed: {said}", soft_wrap=True)
    if save_to is not None:
        console.print(f"saved to {save_to}", soft_wrap=True)
    if plot is not None:
        console.print(f"drawn in {plot}", soft_wrap=True)


@app.command("lint")
def lint_command(
    runs: RunsFile,
    column: Annotated[list[str] | None, typer.Option(
        help="Which header is a column, such as loss=c4_loss; repeatable.")] = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Tell everything that speaks against a table of runs.

    Ends with code 1 if a finding blocks, with 0 otherwise; 2 means that there is no table to read.
    """
    found = scaling.lint(runs, columns=pairs_of("--column", column))
    if as_json:
        print_json(found.to_dict())
    else:
        console_for_output().print(str(found), soft_wrap=True)
    if not found.sound:
        raise typer.Exit(1)


@app.command()
def laws(as_json: AsJson = False) -> None:
    """List the families that can be fitted and the laws that papers report."""
    families = [
        {"family": name, "predicts": f"{family.target} from {', '.join(family.inputs)}",
         "coefficients": ", ".join(family.coefficients), "source": family.source}
        for name, family in FAMILIES.items()
    ]  # fmt: skip
    presets = [
        {"name": name, "law": repr(preset.law), "of": ", ".join(preset.columns.values()),
         "source": preset.source, "evidence": preset.evidence}
        for name in published_names() for preset in [published(name)]
    ]  # fmt: skip
    if as_json:
        print_json({"families": families, "published": presets})
        return
    console = console_for_output()
    print_rows("Families", families, console)
    short = [{key: row[key] for key in ("name", "law", "source")} for row in presets]
    print_rows("Published laws", short, console)


def fit_dict(fit: Fit, level: float = 0.9) -> dict[str, Any]:
    """A fit as ``--json`` prints it."""
    return {
        "family": fit.family.__name__,
        "coefficients": fit.table(level).reset_index().to_dict(orient="records"),
        "level": level,
        "intervals": fit.draws_kind,
        "objective": {"name": fit.objective.label, **vars(fit.objective)},
        "objective_value": fit.objective_value,
        "starts": {"tried": fit.starts.tried, "share": fit.starts.share},
        "columns": dict(fit.columns),
        "cost": fit.cost.to_dict(),
        "runs": {
            "count": fit.data.count,
            "ranges": dict(fit.data.ranges),
            "sha256": fit.data.digest,
        },
        "lack_of_fit": fit.lack_of_fit,
        "assumptions": list(fit.assumptions),
        "issues": [issue_dict(issue) for issue in fit.issues],
    }

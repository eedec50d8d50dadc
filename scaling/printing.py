"""What the command line prints: tables, answers and JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from scaling.answer import Answer, issue_lines, shown
from scaling.errors import Issue
from scaling.storage import plain

__all__ = [
    "ALL_ISSUES",
    "console_for_output",
    "print_answer",
    "print_issues",
    "print_json",
    "print_rows",
]

_WIDTH = 110  # of output that no terminal sets
ALL_ISSUES = "with --json"


def console_for_output() -> Console:
    """Console as wide as the terminal, or of a fixed width where there is none."""
    return Console(width=None if sys.stdout.isatty() else _WIDTH, highlight=False, markup=False)


def print_answer(answer: Answer, console: Console, known: Sequence[Issue] = ()) -> None:
    """Print an answer's table and what is to be known of it, without the issues known already."""
    rows = shown(answer.printed).to_dict(orient="records")
    print_rows(answer.title, [{str(k): str(v) for k, v in row.items()} for row in rows], console)
    for line in answer.notes:
        console.print(line, soft_wrap=True)
    print_issues(tuple(issue for issue in answer.issues if issue not in known), console)
    console.print()


def print_issues(issues: tuple[Issue, ...], console: Console) -> None:
    """Print the worst issues, and by which option the others are shown."""
    for line in issue_lines(issues, ALL_ISSUES):
        console.print(line, soft_wrap=True)


def print_rows(title: str, rows: list[dict[str, str]], console: Console) -> None:
    """Print a table whose rows have the same keys."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False,
                  header_style="bold")  # fmt: skip
    for name in rows[0]:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*row.values())
    console.print(table)


def print_json(value: Any) -> None:
    """Print plain values as strict JSON."""
    print(json.dumps(plain(value), indent=1, allow_nan=False), flush=True)

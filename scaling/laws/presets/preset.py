"""A law as a paper reports it, and how its numbers were checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from scaling.columns import COLUMNS
from scaling.cost import Cost
from scaling.errors import Issue
from scaling.law import Law

__all__ = ["CODE", "PAPER", "QUOTED", "REFITTED", "Maker", "Published", "later"]

Maker = Callable[[], "Published"]

REFITTED = "refitted from public data"
CODE = "read in the authors' code"
PAPER = "read in the paper"
QUOTED = "quoted from the paper by a second text"


@dataclass(frozen=True)
class Published:
    """A law as a paper reports it, with what its numbers mean.

    It answers the same questions as a fit, without intervals.

    Attributes
    ----------
    name : str
        Key that :func:`scaling.laws.published` takes.
    law : Law
    columns : mapping of str to str
        Which column plays each role: it says how params are counted.
    cost : Cost or None
        What compute means; None where the inputs cannot be traded at a compute.
    ranges : mapping of str to (float, float)
        What the paper's runs covered, as far as it says.
    source, evidence : str
        Paper and place; how the number was checked.
    caution : str
        What to know before using it.
    """

    name: str
    law: Law
    columns: Mapping[str, str]
    cost: Cost | None
    ranges: Mapping[str, tuple[float, float]]
    source: str
    evidence: str
    caution: str = ""
    draws: Law | None = field(default=None, init=False, repr=False)
    draws_kind: str = field(default="none", init=False, repr=False)

    @property
    def best(self) -> Law:
        """The law itself."""
        return self.law

    @property
    def units(self) -> Mapping[str, str]:
        """Unit of each role, by the column that plays it."""
        return {role: COLUMNS[column].unit for role, column in self.columns.items()}

    @property
    def issues(self) -> tuple[Issue, ...]:
        """The caution, where there is one."""
        if not self.caution:
            return ()
        return (Issue("published-caution", "weakens", self.caution, f"See {self.source}."),)


def later(build: Callable[..., Published], *args: Any, **kwargs: Any) -> Maker:
    """What makes a preset when it is asked for."""
    return lambda: build(*args, **kwargs)

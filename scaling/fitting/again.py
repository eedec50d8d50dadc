"""The same fit once more: on other runs, or with one choice changed."""

from __future__ import annotations

from typing import Any

import numpy as np

from scaling.errors import FitError
from scaling.fitting.estimate import fit
from scaling.fitting.preparing import GIVEN, refuse_parts
from scaling.fitting.result import Fit

__all__ = ["refit"]

_GROUPS = "groups="


def refit(known: Fit, runs: Any = None, **changes: Any) -> Fit:
    """The same fit on other runs, or with some of its choices changed.

    Parameters
    ----------
    known : Fit
    runs : table, optional
        Other runs; the fit's own by default.
    **changes
        Any argument of :func:`scaling.fit`, such as ``objective`` or ``bootstrap``, and
        ``family``.

    Returns
    -------
    Fit

    Raises
    ------
    FitError
        If the fit has no runs and none are given, or weights or groups that were given by hand
        cannot follow to other runs, or it is one recipe of a joint fit.

    Examples
    --------
    >>> import scaling
    >>> known = scaling.fit(scaling.laws.Chinchilla, scaling.datasets.load("demo"))
    >>> refit(known, objective=scaling.LeastSquares(), bootstrap=0).draws_kind
    'none'
    """
    refuse_parts(known)
    weights = np.array(known.weights) if known.weights else None
    kind = known.draws_kind.partition(" ")[0]
    groups = kind.removeprefix(_GROUPS) if kind.startswith(_GROUPS) else None
    by_hand = {"weights": weights is not None, "groups": groups == GIVEN}
    lost = [name for name, given in by_hand.items() if given and name not in changes]
    if lost and (runs is not None or lost == ["groups"]):
        raise FitError(f"The {lost[0]} of this fit were given by hand and cannot follow to other "
                       f"runs; pass {lost[0]}=.")  # fmt: skip
    made: dict[str, Any] = {
        "family": known.family, "columns": dict(known.columns), "objective": known.objective,
        "fixed": dict(known.constraints.fixed), "tied": dict(known.constraints.tied),
        "bounds": dict(known.constraints.bounds), "weights": weights, "groups": groups,
        "noise": _noise(known), "seed": known.seed,
        "bootstrap": 0 if known.draws is None else known.draws.count,
    }  # fmt: skip
    again: Fit = fit(runs=known.with_runs() if runs is None else runs, **{**made, **changes})
    return again


def _noise(known: Fit) -> Any:
    """The argument that the noise was given by."""
    if known.noise is None:
        return None
    words = {"given": known.noise.sd, "column": known.noise.source.removeprefix("column ")}
    return words.get(known.noise.source.partition(" ")[0], "replicates")

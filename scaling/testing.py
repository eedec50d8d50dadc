"""The conformance suite of a law: what every family must do, examined from its declaration."""

from __future__ import annotations

import pickle
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling.columns import COMPUTE, LOSS, PARAMS, TOKENS
from scaling.cost import SIX_ND
from scaling.dual import differentiate
from scaling.errors import ScalingError
from scaling.fitting import LeastSquares, fit
from scaling.fitting.engine import low_discrepancy
from scaling.frontier import compute_optimal
from scaling.law import Law
from scaling.laws.factories import Origin, origin_of
from scaling.storage import load, save
from scaling.text import human

__all__ = ["check_law", "draw_law", "draw_points"]

Array: TypeAlias = NDArray[np.float64]

_RANGES = {
    PARAMS: (1e7, 1e11), TOKENS: (1e9, 1e13), "unique_tokens": (1e9, 1e13), COMPUTE: (1e18, 1e25),
    "x": (1e6, 1e12), "vocab_size": (1e3, 1e6), "batch_size": (1e4, 1e8), "steps": (1e3, 1e6),
    "sparsity": (0.01, 0.95), "learning_rate": (1e-5, 1e-1), LOSS: (3.0, 10.0),
    "samples_seen": (1e11, 1e13), "pool_size": (1e9, 1e13), "pruned_samples": (1e3, 1e8),
}  # fmt: skip
_OTHER_RANGE = (1.0, 1e4)
_DRAWS, _POINTS = 5, 40
_STEP = 1e-6
_COMPLEX_STEP = 1e-30


def check_law(
    family: type[Law], *, ranges: Mapping[str, tuple[float, float]] | None = None, seed: int = 0
) -> pd.DataFrame:
    """What a family does as every law must, and what it does not.

    Draws coefficients from their typical ranges and checks the declaration, broadcasting, the
    gradient (against differences and the complex step), the closed-form optimum (against a
    search), that a fit finds noise-free predictions again, and that laws can be stored.

    Parameters
    ----------
    family : type of Law
    ranges : mapping of str to (float, float), optional
        Ranges to draw each input from; those of the vocabulary by default, 1 to 10,000 for an
        input it does not know.
    seed : int

    Returns
    -------
    DataFrame
        One row a check: ``check``, ``passed`` and, where it failed, ``detail``.

    Raises
    ------
    ScalingError
        If ``family`` is not a family of laws.

    Examples
    --------
    >>> from scaling.laws import Chinchilla
    >>> bool(check_law(Chinchilla)["passed"].all())
    True
    """
    if not (isinstance(family, type) and issubclass(family, Law)) or family is Law:
        raise ScalingError(f"check_law takes a family of laws; got {family!r}.")
    points = draw_points(family, ranges, seed)
    drawn = [draw_law(family, seed + i) for i in range(_DRAWS)]
    checks: list[tuple[str, Callable[[], str]]] = [
        ("declaration", lambda: _declaration(family)),
        ("prediction", lambda: _prediction(drawn, points)),
        ("gradient by differences", lambda: _each(drawn, points, _by_differences)),
        ("gradient by complex step", lambda: _each(drawn, points, _by_complex_step)),
        ("gradient by dual numbers", lambda: _each(drawn, points, _by_duals)),
        ("optimum", lambda: _optimum(drawn)),
        ("recovery", lambda: _each(drawn, points, _recovery)),
        ("storage", lambda: _storage(family, drawn[0], points)),
    ]
    rows = []
    for name, check in checks:
        try:
            detail = check()
        except (ScalingError, TypeError, ValueError, AttributeError, KeyError) as problem:
            detail = f"{type(problem).__name__}: {problem}"
        rows.append((name, not detail, detail))
    return pd.DataFrame(rows, columns=["check", "passed", "detail"])


def draw_law(family: type[Law], seed: int) -> Law:
    """Law with coefficients drawn evenly from their typical ranges, in log where positive.

    Examples
    --------
    >>> from scaling.laws import PowerLaw
    >>> bool(draw_law(PowerLaw, 0).alpha == draw_law(PowerLaw, 0).alpha)
    True
    """
    random = np.random.default_rng(seed)
    values = {}
    for name, declared in family.coefficients.items():
        low, high = declared.typical
        share = float(random.random())
        values[name] = (
            low * (high / low) ** share if declared.positive else low + share * (high - low)
        )
    return family(**values)


def draw_points(
    family: type[Law], ranges: Mapping[str, tuple[float, float]] | None = None, seed: int = 0
) -> dict[str, Array]:
    """Inputs spread evenly, in log, over each one's range; 40 points.

    Examples
    --------
    >>> from scaling.laws import PowerLaw
    >>> draw_points(PowerLaw)["x"].shape
    (40,)
    """
    known = {**_RANGES, **(ranges or {})}
    unit = low_discrepancy(_POINTS, len(family.inputs), seed)
    points = {}
    for j, role in enumerate(family.inputs):
        low, high = known.get(role, _RANGES[PARAMS] if role.startswith(PARAMS) else _OTHER_RANGE)
        points[role] = low * (high / low) ** unit[:, j]
    for role, whole in family.within.items():
        points[role] = np.minimum(points[role], points[whole])
    total = sum(points[role] for role in family.shares)
    return points | {role: points[role] / total for role in family.shares}


def _declaration(family: type[Law]) -> str:
    missing = [
        what for what, there in (
            ("coefficients", bool(family.coefficients)),
            ("a source", bool(family.source)),
            ("a docstring with the formula", "math::" in (family.__doc__ or "")),
            ("a meaning of every coefficient",
             all(declared.meaning for declared in family.coefficients.values())),
        ) if not there
    ]  # fmt: skip
    return f"lacks {', '.join(missing)}" if missing else ""


def _prediction(drawn: list[Law], points: dict[str, Array]) -> str:
    family = type(drawn[0])
    arrays = tuple(points.values())
    alone = np.stack([np.broadcast_to(law.formula(*arrays), (_POINTS,)) for law in drawn])
    if not np.isfinite(alone).all():
        return f"{(~np.isfinite(alone)).mean():.0%} of predictions are not finite"
    stacked = {name: np.array([[law.values[name]] for law in drawn]) for name in drawn[0].values}
    together = np.broadcast_to(family.unchecked(stacked).formula(*arrays), alone.shape)
    if not np.allclose(together, alone, rtol=1e-12):
        return "coefficients of shape (k, 1) give other predictions than one law at a time"
    return ""


def _each(
    drawn: list[Law], points: dict[str, Array], check: Callable[[Law, tuple[Array, ...]], str]
) -> str:
    for law in drawn:
        detail = check(law, tuple(points.values()))
        if detail:
            return f"{detail}, at {law!r}"
    return ""


def _compare(
    law: Law, inputs: tuple[Array, ...], slope: Callable[[str], Any], tolerance: float
) -> str:
    """The gradient against another route, as changes of the prediction per relative change."""
    gradient = law.gradient(*inputs)
    prediction = np.abs(np.broadcast_to(law.formula(*inputs), inputs[0].shape))
    for name, declared in law.coefficients.items():
        if name not in gradient:
            return f"gradient lacks {name}"
        width = declared.typical[1] - declared.typical[0]
        scale = law.values[name] if declared.positive else width
        other = slope(name)
        if other is None:
            continue
        error = np.abs(np.asarray(gradient[name]) - other) * np.abs(scale) / prediction
        size = 1 + np.abs(other * scale) / prediction
        if not (error <= tolerance * size).all():
            return f"the derivative by {name} is off by {float((error / size).max()):.1e}"
    return ""


def _by_differences(law: Law, inputs: tuple[Array, ...]) -> str:
    def slope(name: str) -> Any:
        declared = law.coefficients[name]
        width = declared.typical[1] - declared.typical[0]
        step = _STEP * (law.values[name] if declared.positive else width)
        ends = [
            type(law)
            .unchecked({**law.values, name: law.values[name] + sign * step})
            .formula(*inputs)
            for sign in (1, -1)
        ]
        return (ends[0] - ends[1]) / (2 * step)

    return _compare(law, inputs, slope, tolerance=1e-5)


def _by_complex_step(law: Law, inputs: tuple[Array, ...]) -> str:
    """An independent witness; silent where the formula cannot take complex numbers."""

    def slope(name: str) -> Any:
        shifted = {**law.values, name: law.values[name] + 1j * _COMPLEX_STEP}
        try:
            return np.imag(type(law).unchecked(shifted).formula(*inputs)) / _COMPLEX_STEP
        except TypeError:
            return None

    return _compare(law, inputs, slope, tolerance=1e-9)


def _by_duals(law: Law, inputs: tuple[Array, ...]) -> str:
    if type(law).gradient is Law.gradient:
        return ""
    family = type(law)
    found = differentiate(
        lambda values: family.unchecked(values).formula(*inputs), law.values, tuple(law.values)
    )[1]
    return _compare(law, inputs, lambda name: found[name], tolerance=1e-10)


def _optimum(drawn: list[Law]) -> str:
    if type(drawn[0]).optimum is Law.optimum:
        return ""
    compute = np.array([1e20, 1e23])
    for law in drawn:
        given = law.optimum(SIX_ND.budget(compute))
        if given is None:
            continue
        product = np.asarray(given[PARAMS]) * np.asarray(given[TOKENS])
        if not np.allclose(product, SIX_ND.budget(compute), rtol=1e-9):
            return f"params times tokens of the optimum is not the budget, at {law!r}"
        table = compute_optimal(law, compute, method="numeric").table
        if not np.allclose(table[PARAMS], given[PARAMS], rtol=1e-4):
            found, claimed = table[PARAMS].iloc[0], np.ravel(given[PARAMS])[0]
            return (
                f"a search finds {human(found)} params where optimum gives {human(claimed)}, "
                f"at {law!r}"
            )
    return ""


def _recovery(law: Law, inputs: tuple[Array, ...]) -> str:
    table = dict(zip(law.inputs, inputs, strict=True))
    truth = np.broadcast_to(law.predict(table), inputs[0].shape)
    objective = LeastSquares(space="log" if (truth > 0).all() else "linear")
    found = fit(type(law), {**table, law.target: truth}, objective=objective, bootstrap=0)
    predicted = found.law.predict(table)
    error = np.abs(predicted - truth) / (truth if objective.space == "log" else np.abs(truth).max())
    return "" if (error < 1e-5).all() else f"a noise-free fit is off by {float(error.max()):.1e}"


def _storage(family: type[Law], law: Law, points: dict[str, Array]) -> str:
    home = sys.modules.get(family.__module__)
    findable = getattr(home, family.__qualname__, None) is family
    if findable or isinstance(origin_of(family), Origin):  # a family that pickle can find again
        copy = pickle.loads(pickle.dumps(law))
        if copy.values != law.values:
            return "pickling changes the coefficients"
    truth = np.broadcast_to(law.formula(*points.values()), (_POINTS,))
    objective = LeastSquares(space="log" if (truth > 0).all() else "linear")
    made = fit(family, {**points, law.target: truth}, objective=objective, bootstrap=0)
    with tempfile.TemporaryDirectory() as folder:
        loaded = load(save(made, Path(folder) / "fit.json"), family=family)
    return "" if loaded.law.values == made.law.values else "saving changes the coefficients"

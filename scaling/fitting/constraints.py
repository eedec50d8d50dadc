"""Fixing, bounding and tying coefficients: the one file that speaks to lmfit."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from scaling.errors import FitError
from scaling.law import Law
from scaling.text import human

if TYPE_CHECKING:
    from lmfit.model import ModelResult

    from scaling.fitting.objective import Objective

__all__ = ["Constraints", "lmfit_result", "tie"]

# What an expression may call; the reader knows more, such as opening files.
_FUNCTIONS = ("abs", "exp", "expm1", "log", "log10", "log1p", "max", "min", "sqrt", "tanh")

Tie = Callable[[Mapping[str, Any]], Any]


@dataclass(frozen=True)
class Constraints:
    """What the user said about coefficients before the fit.

    Attributes
    ----------
    fixed : mapping of str to float
    tied : mapping of str to str
        Another coefficient's name, or an lmfit expression of coefficients.
    bounds : mapping of str to (float, float)
    """

    fixed: Mapping[str, float] = field(default_factory=dict)
    tied: Mapping[str, str] = field(default_factory=dict)
    bounds: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def check(self, family: type[Law]) -> Constraints:
        """The same constraints with plain numbers, if the family can take them.

        Raises
        ------
        FitError
            If a name is not a coefficient, is constrained twice, or its numbers are wrong.
        """
        names = tuple(family.coefficients)
        listed = ", ".join(names)
        for kind, given in (("fixed", self.fixed), ("tied", self.tied), ("bounds", self.bounds)):
            for name in given:
                if name not in names:
                    raise FitError(f"{kind} names {name!r}; {family.__name__} has {listed}.")
        twice = set(self.fixed) & set(self.tied) | (set(self.fixed) | set(self.tied)) & set(
            self.bounds
        )
        if twice:
            raise FitError(f"{', '.join(sorted(twice))} is constrained twice; keep one of fixed, "
                           "tied and bounds for it.")  # fmt: skip
        fixed = {name: _number(name, value) for name, value in self.fixed.items()}
        for name, value in fixed.items():
            if family.coefficients[name].positive and value < 0:
                raise FitError(f"fixed {name} must be 0 or more; got {value:g}.")
        bounds = {name: _pair(name, ends) for name, ends in self.bounds.items()}
        for name, (low, high) in bounds.items():
            if family.coefficients[name].positive and high <= 0:
                raise FitError(f"{name} is positive, so its upper bound must be above 0; "
                               f"got ({low:g}, {high:g}).")  # fmt: skip
        return Constraints(fixed, dict(self.tied), bounds)

    def describe(self) -> str:
        """Constraints in words; empty without any.

        Examples
        --------
        >>> Constraints(fixed={"E": 1.7}, tied={"beta": "alpha"}).describe()
        'E fixed at 1.7; beta = alpha'
        """
        parts = [f"{name} fixed at {human(value, 6)}" for name, value in self.fixed.items()]
        parts += [f"{name} = {expression}" for name, expression in self.tied.items()]
        parts += [_range(name, low, high) for name, (low, high) in self.bounds.items()]
        return "; ".join(parts)


def _range(name: str, low: float, high: float) -> str:
    """Bounds in words, without an end that is none."""
    below = f"{low:g} <= " if np.isfinite(low) else ""
    return f"{below}{name} <= {high:g}" if np.isfinite(high) else f"{below}{name}"


def _number(name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = np.nan
    if not np.isfinite(number):
        raise FitError(f"fixed {name} must be a finite number; got {value!r}.")
    return number


def _pair(name: str, ends: Any) -> tuple[float, float]:
    try:
        low, high = (float(end) for end in ends)
    except (TypeError, ValueError):
        low = high = np.nan
    if not low < high:
        raise FitError(f"bounds of {name} must be (low, high) with low < high; got {ends!r}.")
    return low, high


def tie(name: str, expression: str, family: type[Law], tied: Mapping[str, str]) -> Tie:
    """Function from the other coefficients to a tied one, which passes dual numbers through.

    Parameters
    ----------
    name : str
        The tied coefficient.
    expression : str
        Another coefficient's name, or an lmfit expression.
    family : type of Law
    tied : mapping of str to str
        All ties, so that a tie to a tied coefficient can be refused.

    Raises
    ------
    FitError
        If the expression cannot be read, or names something that is not a free coefficient.
    """
    names = _names(name, expression)
    allowed = [other for other in family.coefficients if other not in tied]
    wrong = [found for found in names if found not in allowed]
    if not expression.isidentifier():
        wrong = [found for found in wrong if found not in _FUNCTIONS]
    if wrong:
        raise FitError(f"{name} is tied to {wrong[0]!r}; it can be tied to {', '.join(allowed)}.")
    if expression.isidentifier():
        return lambda values: values[expression]
    from lmfit.parameter import Interpreter  # the reader of lmfit's own expressions

    reader = Interpreter(minimal=True)
    reader.symtable.update(min=np.minimum, max=np.maximum, abs=np.absolute)  # of arrays
    parsed = reader.parse(expression)

    def evaluate(values: Mapping[str, Any]) -> Any:
        reader.symtable.update({found: values[found] for found in names if found in values})
        result = reader.run(parsed, expr=expression, with_raise=False)
        if reader.error:
            reason = reader.error[-1].get_error()[1].strip().splitlines()[-1]
            reader.error.clear()
            raise FitError(f"{name} = {expression!r} cannot be evaluated: {reason}")
        return result

    middles = {n: np.float64(np.mean(c.typical)) for n, c in family.coefficients.items()}
    with np.errstate(all="ignore"):
        evaluate(middles)
    return evaluate


def _names(name: str, expression: Any) -> tuple[str, ...]:
    try:
        tree = ast.parse(expression, mode="eval")
    except (SyntaxError, TypeError, ValueError):
        raise FitError(
            f"{name} must be tied to a coefficient or an expression of coefficients, such as "
            f"'alpha' or '2 * alpha'; got {expression!r}."
        ) from None
    return tuple(dict.fromkeys(n.id for n in ast.walk(tree) if isinstance(n, ast.Name)))


def lmfit_result(
    law: Law, inputs: tuple[Any, ...], target: Any, objective: Objective, constraints: Constraints,
    weights: Any,
) -> ModelResult:  # fmt: skip
    """lmfit's least-squares fit of the same law, started from ours.

    Returns
    -------
    lmfit.model.ModelResult
        In the objective's space; ``fit_report()`` and ``conf_interval()`` are lmfit's own.
    """
    import lmfit

    family = type(law)
    roles = family.inputs

    def model(**named: Any) -> Any:
        given = tuple(named[f"input_{role}"] for role in roles)
        values = {name: named[name] for name in family.coefficients}
        return objective.transform(family.unchecked(values).formula(*given))

    # lmfit's own arguments are called params and data, as an input may be.
    named_inputs = {f"input_{role}": column for role, column in zip(roles, inputs, strict=True)}
    made = lmfit.Model(
        model, independent_vars=list(named_inputs), param_names=list(family.coefficients)
    )
    params = lmfit.Parameters()
    for name, declared in family.coefficients.items():
        low, high = constraints.bounds.get(name, (0.0 if declared.positive else -np.inf, np.inf))
        params.add(name, value=float(law.values[name]), vary=name not in constraints.fixed,
                   min=low, max=high)  # fmt: skip
    for name, expression in constraints.tied.items():
        params[name].expr = expression
    wanted = objective.transform(target)
    return made.fit(wanted, params, weights=np.sqrt(weights), **named_inputs)

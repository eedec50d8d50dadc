"""Laws made of laws: the mean of several, and one that drifts beyond the runs it came from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scaling.law import Law, coef
from scaling.laws.factories import factory

__all__ = ["averaged", "drifting", "product_of"]

_TRADED = ("params", "tokens")


@factory
def averaged(*families: type[Law]) -> type[Law]:
    """Family that predicts the weighted geometric mean of what several families predict.

    Parameters
    ----------
    *families : type of Law
        All with the same inputs and target. The coefficients of the first end in ``_1``, those of
        the second in ``_2``, and so on; ``weight_1``, ``weight_2``, ... add to 1.

    Returns
    -------
    type of Law

    Examples
    --------
    >>> from scaling.laws import Chinchilla, CoupledChinchilla
    >>> list(averaged(Chinchilla, CoupledChinchilla).coefficients)[-3:]
    ['gamma_2', 'weight_1', 'weight_2']
    """
    named = dict(enumerate(families, start=1))
    declared = {
        f"{name}_{place}": one.redeclared()
        for place, family in named.items() for name, one in family.coefficients.items()
    }  # fmt: skip
    declared |= {f"weight_{place}": coef("share in the mean", (0.01, 1)) for place in named}

    def members(self: Any) -> list[tuple[Any, Law]]:
        return [
            (getattr(self, f"weight_{place}"), family.unchecked(
                {name: getattr(self, f"{name}_{place}") for name in family.coefficients}))
            for place, family in named.items()
        ]  # fmt: skip

    def formula(self: Any, *inputs: Any) -> Any:
        chosen = _single([weight for weight, _ in members(self)])
        if chosen is None:
            logs = (weight * np.log(law.formula(*inputs)) for weight, law in members(self))
            return np.exp(sum(logs))
        return _by_row(chosen, [law.formula for law in _rows_of(members(self), chosen)], inputs)

    def optimum(self: Any, budget: Any) -> Mapping[str, Any] | None:
        """Of draws that are single members, each by its own closed form; none of a mean."""
        chosen = _single([weight for weight, _ in members(self)])
        if chosen is None:
            return None
        laws = _rows_of(members(self), chosen)
        if any(law.optimum(np.float64(1e18)) is None for law in laws):
            return None
        return {
            role: _by_row(chosen, [partial(_best, law, role) for law in laws], (budget,))
            for role in _TRADED
        }

    return _like("Ensemble", families[0], declared, formula, optimum)


def _best(law: Law, role: str, budget: Any) -> Any:
    return dict(law.optimum(budget) or {})[role]


def _single(weights: Sequence[Any]) -> NDArray[np.intp] | None:
    """Which member each of k laws is, where each is one alone: k times faster than all of them."""
    if not all(isinstance(weight, np.ndarray) and weight.ndim == 2 for weight in weights):
        return None
    together = np.hstack(weights)
    alone = ((together == 0) | (together == 1)).all() and (together.sum(axis=1) == 1).all()
    return together.argmax(axis=1) if alone else None


def _rows_of(members: Sequence[tuple[Any, Law]], chosen: NDArray[np.intp]) -> list[Law]:
    """Each member's own laws."""
    return [
        type(law).unchecked({name: value[chosen == place] if np.ndim(value) == 2 else value
                             for name, value in law.values.items()})
        for place, (_, law) in enumerate(members)
    ]  # fmt: skip


def _by_row(chosen: NDArray[np.intp], functions: Sequence[Any], inputs: Sequence[Any]) -> Any:
    """Answers of k laws, each row from the function of its own member."""
    shape = np.broadcast_shapes((len(chosen), 1), *(np.shape(value) for value in inputs))
    found = np.empty(shape)
    for place, function in enumerate(functions):
        own = chosen == place
        if own.any():
            some = [value[..., own, :] if np.ndim(value) > 1 and np.shape(value)[-2] == len(own)
                    else value for value in inputs]  # fmt: skip
            found[..., own, :] = function(*some)
    return found


@factory
def drifting(family: type[Law]) -> type[Law]:
    r"""The family, multiplied by a power of compute beyond the runs it was fitted to.

    The error of a forecast is mostly one shared misfit that grows with the distance, so a law whose
    ``drift`` is drawn from the errors of past forecasts carries it into every answer.

    .. math:: L(x) \max(1, c(x)/\mathrm{reach})^{\mathrm{drift}}

    where c is the product of params and tokens, or of all inputs where a law has not both.

    Parameters
    ----------
    family : type of Law

    Returns
    -------
    type of Law
        With two coefficients more, ``drift`` (any sign) and ``reach``.

    Examples
    --------
    >>> from scaling.laws import PowerLaw
    >>> law = drifting(PowerLaw)(A=2.0, alpha=0.0, drift=0.5, reach=100.0)
    >>> law.predict(x=[50, 400])
    array([2., 4.])
    """
    declared = {name: one.redeclared() for name, one in family.coefficients.items()}
    declared["drift"] = coef("power of compute beyond the runs", (-0.1, 0.1), positive=False)
    declared["reach"] = coef("largest product of inputs among the runs", (1e0, 1e30))

    def base(self: Any) -> Law:
        return family.unchecked({name: getattr(self, name) for name in family.coefficients})

    def formula(self: Any, *inputs: Any) -> Any:
        beyond = np.log(product_of(family, inputs) / self.reach)
        return base(self).formula(*inputs) * np.exp(self.drift * np.maximum(beyond, 0.0))

    def optimum(self: Any, budget: Any) -> Mapping[str, Any] | None:
        return base(self).optimum(budget)  # the drift is the same for all that a budget buys

    return _like(family.__name__, family, declared, formula, optimum)


def product_of(family: type[Law], inputs: Sequence[Any]) -> Any:
    """Product of params and tokens, or of all inputs where a family has not both.

    Examples
    --------
    >>> from scaling.laws import Chinchilla
    >>> product_of(Chinchilla, (1e9, 2e10))
    2e+19
    """
    traded = [value for role, value in zip(family.inputs, inputs, strict=True) if role in _TRADED]
    measured = traded if len(traded) == len(_TRADED) else list(inputs)
    return math.prod(measured[1:], start=measured[0])


def _like(
    name: str, like: type[Law], declared: dict[str, Any], formula: Any, optimum: Any
) -> type[Law]:
    """A family that predicts the target of another one from the same inputs."""
    return type(name, (Law,), {
        "inputs": like.inputs, "target": like.target, "source": like.source, "within": like.within,
        "shares": like.shares, "formula": formula, "optimum": optimum, **declared,
    })  # fmt: skip

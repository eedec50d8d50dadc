"""One law for several recipes: some coefficients shared, the others one a recipe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from scaling.law import Law
from scaling.laws.factories import factory

__all__ = ["GROUP", "grouped", "law_of", "own"]

Array: TypeAlias = NDArray[np.float64]

GROUP = "group_number"  # the input that says whose run it is, from 0


def own(name: str, group: int) -> str:
    """What a coefficient of one group is called.

    Examples
    --------
    >>> own("A", 0)
    'A__1'
    """
    return f"{name}__{group + 1}"


@factory
def grouped(family: type[Law], count: int, shared: tuple[str, ...]) -> type[Law]:
    """Family that is a law of the given family for each of several groups of runs.

    Parameters
    ----------
    family : type of Law
    count : int
        How many groups.
    shared : tuple of str
        Coefficients that are the same in all; each group has one of each other.

    Returns
    -------
    type of Law
        With one input more, ``group_number``.

    Examples
    --------
    >>> from scaling.laws import PowerLaw
    >>> both = grouped(PowerLaw, 2, ("alpha",))(alpha=0.5, A__1=2.0, A__2=6.0)
    >>> both.predict(x=[4, 4], group_number=[0, 1])
    array([1., 3.])
    """
    declared: dict[str, Any] = {}
    for name, one in family.coefficients.items():
        names = [name] if name in shared else [own(name, group) for group in range(count)]
        declared |= {each: one.redeclared() for each in names}

    def placed(self: Any, number: Any) -> tuple[Law, NDArray[np.intp]]:
        place = np.clip(np.asarray(number), 0, count - 1).astype(np.intp)
        values = {
            name: getattr(self, name) if name in shared
            else _at(place, [getattr(self, own(name, group)) for group in range(count)])
            for name in family.coefficients
        }  # fmt: skip
        return family.unchecked(values), place

    def formula(self: Any, *inputs: Any) -> Any:
        return placed(self, inputs[-1])[0].formula(*inputs[:-1])

    def gradient(self: Any, *inputs: Any) -> dict[str, Any]:
        law, place = placed(self, inputs[-1])
        slopes = law.partials(inputs[:-1], tuple(family.coefficients))
        return {
            name if name in shared else own(name, group):
                slope if name in shared else np.where(place == group, slope, 0.0)
            for name, slope in slopes.items() for group in range(1 if name in shared else count)
        }  # fmt: skip

    return type(family.__name__, (Law,), {
        "inputs": (*family.inputs, GROUP), "target": family.target, "source": family.source,
        "within": family.within, "shares": family.shares, "may_stay": family.may_stay,
        "formula": formula, "gradient": gradient, **declared,
    })  # fmt: skip


def law_of(family: type[Law], law: Law, group: int) -> Law:
    """Law of one group, or its draws, from a law of all."""
    values: Mapping[str, Any] = law.values
    return family.unchecked({
        name: values[name] if name in values else values[own(name, group)]
        for name in family.coefficients
    })  # fmt: skip


def _at(place: NDArray[np.intp], values: list[Any]) -> Array:
    """Each run's value of a coefficient, shape (n,), or (k, n) for k laws."""
    together = np.stack(np.broadcast_arrays(*values), axis=-1)
    return np.asarray(together if together.ndim == 1 else together[..., 0, :])[..., place]

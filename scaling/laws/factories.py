"""Families made to order: one class for the same arguments, found again by the factory's name."""

from __future__ import annotations

import functools
import inspect
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

from scaling.errors import ScalingError, one_of
from scaling.law import Law
from scaling.text import brief

__all__ = ["Origin", "factory", "family_from", "origin_of"]

Make: TypeAlias = Callable[..., type[Law]]

_FACTORIES: dict[str, Make] = {}


class Origin(NamedTuple):
    """How a family is made: the factory's name, and what it was given."""

    factory: str
    arguments: Mapping[str, Any]


def factory(make: Make) -> Make:
    """Factory that gives one class for the same arguments, whose laws pickle and load by name.

    Parameters
    ----------
    make : callable
        Returns a new family. It is given numbers, texts, families, and tuples of them; the first
        call with a list gives it a tuple.

    Examples
    --------
    >>> from scaling.laws import data_mixing
    >>> data_mixing(("web", "code")) is data_mixing(domains=["web", "code"])
    True
    """
    signature, name = inspect.signature(make), make.__name__
    made: dict[Any, type[Law]] = {}

    @functools.wraps(make)
    def family(*args: Any, **named: Any) -> type[Law]:
        bound = signature.bind(*args, **named)
        bound.apply_defaults()
        bound.arguments.update({key: _frozen(value) for key, value in bound.arguments.items()})
        key = tuple(bound.arguments.values())
        try:
            if key not in made:
                made[key] = _told(make(*bound.args, **bound.kwargs), name, dict(bound.arguments))
        except TypeError:
            raise ScalingError(
                f"{name} takes texts, numbers and lists of them; got {brief(key)}."
            ) from None
        return made[key]

    _FACTORIES[name] = family
    return family


def _frozen(value: Any) -> Any:
    return tuple(_frozen(one) for one in value) if isinstance(value, list | tuple) else value


def _told(family: type[Law], name: str, arguments: dict[str, Any]) -> type[Law]:
    """The family, with what its laws need to be pickled."""
    origin = Origin(name, {key: origin_of(value) for key, value in arguments.items()})

    def reduce(self: Law) -> Any:
        return _rebuilt, (origin, self.values)

    named: Any = family
    named.made_by, named.__reduce__ = origin, reduce
    return family


def origin_of(value: Any) -> Any:
    """How a family is made; a class of its own, and anything but a family, stands for itself.

    Examples
    --------
    >>> from scaling.laws import PowerLaw, data_mixing
    >>> origin_of(PowerLaw)
    <class 'scaling.laws.power_law.PowerLaw'>
    >>> origin_of(data_mixing(domains=("web", "code")))
    Origin(factory='data_mixing', arguments={'domains': ('web', 'code')})
    """
    if isinstance(value, tuple):
        return tuple(origin_of(one) for one in value)
    return vars(value).get("made_by", value) if isinstance(value, type) else value


def family_from(origin: Any) -> Any:
    """Family that :func:`origin_of` told of; anything else stands for itself.

    Raises
    ------
    ScalingError
        If there is no such factory, or it does not take such arguments.

    Examples
    --------
    >>> family_from(Origin("data_mixing", {"domains": ["web", "code"]})).inputs
    ('share_web', 'share_code')
    """
    if not isinstance(origin, Origin):
        return tuple(map(family_from, origin)) if isinstance(origin, tuple) else origin
    make = _FACTORIES[one_of("family", origin.factory, tuple(_FACTORIES))]
    signature = inspect.signature(make)
    for key in origin.arguments:
        one_of(f"an argument of {origin.factory}", key, tuple(signature.parameters))
    bound = inspect.BoundArguments(signature, OrderedDict())
    bound.arguments.update({key: family_from(value) for key, value in origin.arguments.items()})
    return make(*bound.args, **bound.kwargs)


def _rebuilt(origin: Origin, values: dict[str, Any]) -> Law:
    made: Law = family_from(origin).unchecked(values)
    return made

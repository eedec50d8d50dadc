"""What a family is called in a file, and the family of that name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scaling.errors import ScalingError
from scaling.law import Law
from scaling.laws import FAMILIES
from scaling.laws.factories import Origin, family_from, origin_of
from scaling.text import brief

__all__ = ["family_named", "named"]


def named(family: type[Law]) -> dict[str, Any]:
    """What a family is called: its name, or its factory's with the arguments.

    Examples
    --------
    >>> from scaling.laws import Chinchilla, data_mixing
    >>> named(Chinchilla)
    {'family': 'Chinchilla'}
    >>> named(data_mixing(("web", "code")))
    {'family': 'data_mixing', 'arguments': {'domains': ('web', 'code')}}
    """
    origin = origin_of(family)
    if isinstance(origin, Origin):
        return {"family": origin.factory, "arguments": dict(origin.arguments)}
    return {"family": family.__name__}


def family_named(
    record: Mapping[str, Any], given: type[Law] | None, file: str, *, only: bool = True
) -> type[Law]:
    """Family that a record names: one of the library's, or the user's own class.

    Parameters
    ----------
    record : mapping
        As of :func:`named`.
    given : type of Law or None
        The user's own class.
    file : str
        What messages call the place of the record.
    only : bool
        Whether the file holds no other family that the user's class may be.

    Raises
    ------
    ScalingError
        If it is not known, or not the one given.

    Examples
    --------
    >>> family_named({"family": "Chinchilla"}, None, "fit.json").__name__
    'Chinchilla'
    """
    name = brief(record.get("family"))
    if given is not None and given.__name__ == name:
        return given
    if "arguments" not in record and name not in FAMILIES:
        raise ScalingError(f"{file} holds a {name}, a law of your own; load it with "
                           f"family={name}.")  # fmt: skip
    family: type[Law] = (
        family_from(Origin(name, record["arguments"])) if "arguments" in record else FAMILIES[name]
    )
    if given is not None and given is not family and only:
        raise ScalingError(f"{file} holds a {name}; family= is {given.__name__}.")
    return family

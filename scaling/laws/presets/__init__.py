"""Laws with the numbers that papers report, and where each number comes from."""

from __future__ import annotations

from scaling.errors import one_of
from scaling.laws.presets import bases, dense, one_input, over_training, repetition, vocabulary
from scaling.laws.presets.preset import Maker, Published

__all__ = ["Published", "published", "published_names"]

_MAKERS: dict[str, Maker] = {
    **dense.MAKERS, **one_input.MAKERS, **over_training.MAKERS, **bases.MAKERS,
    **repetition.MAKERS, **vocabulary.MAKERS,
}  # fmt: skip


def published(name: str) -> Published:
    """Law that a paper reports, with its columns, cost, data range, source and evidence.

    Parameters
    ----------
    name : str
        One of :func:`scaling.laws.published_names`.

    Raises
    ------
    ScalingError
        If no such law is known; the message lists the names.

    Examples
    --------
    >>> published("besiroglu-2024").law
    Chinchilla(E=1.817, A=482, B=2085, alpha=0.3478, beta=0.3658)
    """
    return _MAKERS[one_of("name", name, tuple(_MAKERS))]()


def published_names() -> tuple[str, ...]:
    """Names that :func:`scaling.laws.published` takes.

    Examples
    --------
    >>> "hoffmann-2022" in published_names()
    True
    """
    return tuple(_MAKERS)

"""Forward-mode derivatives of a formula: numbers that carry their partial derivatives.

A formula made of operators and NumPy ufuncs is evaluated once on :class:`Dual` values; terms
without a coefficient never see it, so the cost follows the formula. A function without a rule
raises by name rather than answering wrongly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from scaling.errors import ScalingError

__all__ = ["Dual", "differentiate"]

Slope = Callable[..., Any]


def _log_of_base(x: Any) -> Any:
    return np.log(np.where(np.equal(x, 0), 1.0, x))  # 0**y stays 0, and so does its slope in y


# For each ufunc, one slope per argument, called with the arguments and the result;
# None stands for a slope of one.
_RULES: dict[np.ufunc, tuple[Slope | None, ...]] = {
    np.add: (None, None),
    np.subtract: (None, lambda x, y, f: -1.0),
    np.multiply: (lambda x, y, f: y, lambda x, y, f: x),
    np.true_divide: (lambda x, y, f: 1 / y, lambda x, y, f: -f / y),
    np.power: (lambda x, y, f: y * x ** (y - 1), lambda x, y, f: f * _log_of_base(x)),
    np.negative: (lambda x, f: -1.0,),
    np.positive: (None,),
    np.exp: (lambda x, f: f,),
    np.expm1: (lambda x, f: f + 1,),
    np.log: (lambda x, f: 1 / x,),
    np.log1p: (lambda x, f: 1 / (1 + x),),
    np.log2: (lambda x, f: 1 / (x * np.log(2)),),
    np.log10: (lambda x, f: 1 / (x * np.log(10)),),
    np.sqrt: (lambda x, f: 0.5 / f,),
    np.square: (lambda x, f: 2 * x,),
    np.reciprocal: (lambda x, f: -f * f,),
    np.tanh: (lambda x, f: 1 - f * f,),
    np.absolute: (lambda x, f: np.sign(x),),
    np.logaddexp: (lambda x, y, f: np.exp(x - f), lambda x, y, f: np.exp(y - f)),
    np.minimum: (lambda x, y, f: np.less_equal(x, y) * 1.0, lambda x, y, f: np.greater(x, y) * 1.0),
    np.maximum: (lambda x, y, f: np.greater_equal(x, y) * 1.0, lambda x, y, f: np.less(x, y) * 1.0),
}
_COMPARISONS = {
    np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal, np.isfinite,
}  # fmt: skip


class Dual(NDArrayOperatorsMixin):
    """A value and its partial derivatives by name.

    Parameters
    ----------
    value : float or ndarray
    partials : dict of str to float or ndarray
        Each broadcasts against the value.

    Examples
    --------
    >>> x = Dual(3.0, {"x": 1.0})
    >>> (x**2 + 1).partials
    {'x': 6.0}
    """

    __slots__ = ("partials", "value")

    def __init__(self, value: Any, partials: Mapping[str, Any]) -> None:
        self.value = value
        self.partials = dict(partials)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Any:
        plain = [arg.value if isinstance(arg, Dual) else arg for arg in args]
        if ufunc in _COMPARISONS and method == "__call__" and not kwargs:
            return ufunc(*plain)
        kwargs.pop("out", None)  # of y += x, where y becomes what is returned
        if ufunc not in _RULES or method != "__call__" or kwargs:
            raise ScalingError(
                f"{ufunc.__name__} has no derivative rule. Write the formula with "
                "+ - * / **, exp, log, sqrt, minimum, maximum and their like, or give the law a "
                "gradient method."
            )
        value = ufunc(*plain)
        partials: dict[str, Any] = {}
        for arg, slope in zip(args, _RULES[ufunc], strict=True):
            if not isinstance(arg, Dual):
                continue
            factor = None if slope is None else slope(*plain, value)
            for name, partial in arg.partials.items():
                term = partial if factor is None else factor * partial
                partials[name] = partials[name] + term if name in partials else term
        return Dual(value, partials)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function is not np.where or kwargs or len(args) != 3:
            raise ScalingError(f"{function.__name__} has no derivative rule.")
        condition, *branches = args
        plain = [branch.value if isinstance(branch, Dual) else branch for branch in branches]
        partials: dict[str, Any] = {}
        # The branch not taken may be undefined, so it is left out rather than multiplied by zero.
        for place, branch in enumerate(branches):
            for name, partial in branch.partials.items() if isinstance(branch, Dual) else ():
                sides = (partial, 0.0) if place == 0 else (0.0, partial)
                partials[name] = partials.get(name, 0.0) + np.where(condition, *sides)
        return Dual(np.where(condition, *plain), partials)

    def __repr__(self) -> str:
        return f"Dual({self.value!r}, {self.partials!r})"


def differentiate(
    function: Callable[[dict[str, Any]], Any], at: Mapping[str, Any], wrt: Sequence[str]
) -> tuple[Any, dict[str, Any]]:
    """Value of a function of named numbers, and its partial derivatives.

    Parameters
    ----------
    function : callable
        Takes a dict of name to value, returns one value.
    at : mapping of str to float or ndarray
        Where to differentiate.
    wrt : sequence of str
        The names to differentiate by.

    Returns
    -------
    value : float or ndarray
    partials : dict of str to float or ndarray
        One entry for each of ``wrt``; 0.0 where the function does not depend on it.

    Raises
    ------
    ScalingError
        If the function uses a NumPy function without a derivative rule.

    Examples
    --------
    >>> value, slopes = differentiate(lambda v: v["a"] * v["b"], {"a": 2.0, "b": 3.0}, ["a"])
    >>> float(value), slopes
    (6.0, {'a': 3.0})
    """
    values: dict[str, Any] = dict(at)
    for name in wrt:
        values[name] = Dual(values[name], {name: 1.0})
    result = function(values)
    if not isinstance(result, Dual):
        return result, dict.fromkeys(wrt, 0.0)
    return result.value, {name: result.partials.get(name, 0.0) for name in wrt}

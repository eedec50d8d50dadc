"""What a law is: a family is a class, a law an instance, and its coefficients may be arrays."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, dataclass_transform

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scaling.coefficient import Coef, Coefficient, coef
from scaling.columns import COLUMNS
from scaling.dual import differentiate
from scaling.errors import Issue, ScalingError
from scaling.text import human, scalar_text

if TYPE_CHECKING:
    from scaling.cost import Cost

__all__ = ["Coef", "Coefficient", "Law", "coef"]

Array: TypeAlias = NDArray[np.float64]
_ROUNDED = 2e-3  # by which shares may miss 1: three of a third, written with three digits


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(coef,))
class Law:
    """A parametric law. A subclass is a family, an instance is a law.

    A family states ``inputs``, its coefficients (by :func:`coef`) and ``formula``; it may state
    ``target``, ``source``, ``gradient`` and ``optimum``. Coefficients of shape ``(k, 1)`` make
    ``k`` laws at once, and ``formula`` broadcasts to ``(k, n)``.

    Attributes
    ----------
    inputs : tuple of str
        Roles the formula's arguments play, in order.
    target : str
        Role of what the formula predicts.
    source : str
        Paper and equation.
    within : mapping of str to str
        Inputs that cannot exceed another one, such as ``{"unique_tokens": "tokens"}``.
    shares : tuple of str
        Inputs that are parts of a whole and add to 1.
    may_stay : tuple of str
        Inputs whose effect runs can tell that all have one value of it, as the others move it too.
    equals : mapping of str to mapping of str to str
        Families by name that this one is where their coefficients are so tied, such as
        ``{"Chinchilla": {"beta": "alpha"}}``.
    coefficients : mapping of str to Coefficient
        What the family declares, filled in by itself.
    """

    inputs: ClassVar[tuple[str, ...]]
    target: ClassVar[str] = "loss"
    source: ClassVar[str] = ""
    within: ClassVar[Mapping[str, str]] = {}
    shares: ClassVar[tuple[str, ...]] = ()
    may_stay: ClassVar[tuple[str, ...]] = ()
    equals: ClassVar[Mapping[str, Mapping[str, str]]] = {}
    coefficients: ClassVar[Mapping[str, Coefficient]] = {}
    formula: ClassVar[Callable[..., Any]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        annotations = dict(getattr(cls, "__annotations__", {}))
        for name, value in vars(cls).items():
            if isinstance(value, dataclasses.Field) and name not in annotations:
                annotations[name] = Coef
            if "coefficient" in getattr(value, "metadata", {}) and name in _RESERVED:
                raise ScalingError(f"{cls.__name__}: {name!r} means something else on a law; "
                                   "give the coefficient another name.")  # fmt: skip
        cls.__annotations__ = annotations
        for name in annotations:
            if name in (*getattr(cls, "inputs", ()), getattr(cls, "target", "")):
                raise ScalingError(f"{cls.__name__}: {name!r} is an input or the target; give the "
                                   "coefficient another name.")  # fmt: skip
        dataclasses.dataclass(frozen=True, kw_only=True, eq=False, repr=False)(cls)
        declared: tuple[Any, ...] = dataclasses.fields(cls)  # type: ignore[arg-type]
        cls.coefficients = {item.name: item.metadata["coefficient"] for item in declared}
        for needed in ("inputs", "formula"):
            if not hasattr(cls, needed):
                raise ScalingError(f"{cls.__name__} needs {needed}: a family states its inputs, "
                                   "its coefficients and its formula.")  # fmt: skip
        if isinstance(cls.inputs, str):
            raise ScalingError(f"{cls.__name__}.inputs must be a tuple of names such as "
                               f"({cls.inputs!r},); got the text {cls.inputs!r}.")  # fmt: skip

    def __post_init__(self) -> None:
        for name, declared in self.coefficients.items():
            value = getattr(self, name)
            try:
                array = np.asarray(value, dtype=float)
            except (TypeError, ValueError):
                array = np.asarray(np.nan)
            if not np.isfinite(array).all() or (declared.positive and (array < 0).any()):
                wanted = "a finite number, 0 or more" if declared.positive else "a finite number"
                raise ScalingError(
                    f"{type(self).__name__} needs {wanted} for {name} ({declared.meaning}); "
                    f"got {value!r}."
                )
            # NumPy's numbers divide by zero to infinity, where Python's raise.
            object.__setattr__(self, name, array if array.ndim else np.float64(array))

    @classmethod
    def unchecked(cls, values: Mapping[str, Any]) -> Law:
        """Law of this family whose coefficients are taken as they are, whatever their type.

        Examples
        --------
        >>> from scaling.laws import PowerLaw
        >>> PowerLaw.unchecked({"A": 2.0, "alpha": 0.1}).A
        2.0
        """
        law = object.__new__(cls)
        law.__dict__.update(values)
        return law

    @property
    def values(self) -> dict[str, Any]:
        """Coefficients by name."""
        return {name: getattr(self, name) for name in self.coefficients}

    def pick(self, index: int) -> Law:
        """One of the laws that a law with array coefficients is."""
        return type(self)(
            **{name: float(np.broadcast_to(value, (self.count, 1))[index, 0])
               for name, value in self.values.items()}
        )  # fmt: skip

    @property
    def count(self) -> int:
        """How many laws this is: the length of its coefficients, 1 for plain numbers."""
        return max(np.size(value) for value in self.values.values())

    def predict(self, points: Any = None, **inputs: ArrayLike) -> Array:
        """Target that the law predicts.

        Parameters
        ----------
        points : table or mapping, optional
            Has a column for each role in ``inputs``.
        **inputs : float or array_like
            Roles by name, instead of or beside ``points``; they broadcast.

        Returns
        -------
        ndarray
            Shape of the inputs broadcast together, or ``(k, n)`` for ``k`` laws.

        Raises
        ------
        ScalingError
            If an input is missing, unknown, or outside its column's domain.

        Examples
        --------
        >>> from scaling import published
        >>> law = published("besiroglu-2024").law
        >>> round(float(law.predict(params=70e9, tokens=1.4e12)), 4)
        1.9739
        """
        bound = self.bind(points, inputs)
        with np.errstate(divide="ignore"):  # a coefficient may be 0, whose logarithm is a limit
            return np.asarray(self.formula(*bound))

    @classmethod
    def bind(cls, points: Any, inputs: Mapping[str, Any]) -> tuple[Array, ...]:
        """The formula's arguments, in order, from a table or from names."""
        unknown = [name for name in inputs if name not in cls.inputs]
        missing = [
            name
            for name in cls.inputs
            if name not in inputs and (points is None or name not in points)
        ]
        if unknown or missing:
            got = [*inputs, *([] if points is None else points)]
            raise ScalingError(
                f"{cls.__name__} predicts from {', '.join(cls.inputs)}; "
                f"got {', '.join(map(str, got)) or 'nothing'}."
            )
        bound = []
        for name in cls.inputs:
            array = np.asarray(inputs[name] if name in inputs else points[name], dtype=float)
            column = COLUMNS.get(name)
            bad = [v for v in array.flat if column and not column.allows(v)]
            if bad and column:
                raise ScalingError(f"{name} must be {column.domain}; got {human(bad[0])}.")
            bound.append(array)
        for wrong, why in cls.impossible(dict(zip(cls.inputs, bound, strict=True))):
            if wrong.any():
                raise ScalingError(f"{why}.")
        return tuple(bound)

    @classmethod
    def impossible(cls, inputs: Mapping[str, Any]) -> Iterator[tuple[NDArray[np.bool_], str]]:
        """Where inputs contradict each other, and what they would have to be.

        Parameters
        ----------
        inputs : mapping of str to ndarray
            By role.

        Yields
        ------
        mask, sentence : ndarray of bool, str
            Of each condition, where it is broken.

        Examples
        --------
        >>> class Mixed(Law):
        ...     inputs = ("web", "code")
        ...     shares = inputs
        ...     c: Coef = coef("loss of pure web text", typical=(1, 3))
        ...     def formula(self, web, code):
        ...         return self.c * web
        >>> [(bool(wrong), why) for wrong, why in Mixed.impossible({"web": 0.5, "code": 0.4})]
        [(True, 'web, code are shares, 0 or more, and must add to 1')]
        """
        for name, whole in cls.within.items():
            yield np.asarray(inputs[name] > inputs[whole]), f"{name} must be at most {whole}"
        if cls.shares:
            parts = [np.asarray(inputs[name]) for name in cls.shares]
            off = np.abs(sum(parts) - 1) > _ROUNDED
            below = np.logical_or.reduce([part < 0 for part in np.broadcast_arrays(*parts)])
            yield off | below, f"{', '.join(cls.shares)} are shares, 0 or more, and must add to 1"

    def gradient(self, *inputs: Any) -> dict[str, Any]:
        """Derivative of the formula by each coefficient; a family may write its own.

        Parameters
        ----------
        *inputs : ndarray
            The formula's arguments, in order.

        Returns
        -------
        dict of str to float or ndarray
            Each entry broadcasts to the prediction.
        """
        return self.partials(inputs, tuple(self.coefficients))

    def partials(self, inputs: Sequence[Any], wrt: Sequence[str]) -> dict[str, Any]:
        """Derivatives by the coefficients named, from ``gradient`` where the family has one."""
        if type(self).gradient is not Law.gradient:
            return self.gradient(*inputs)
        family = type(self)
        return differentiate(
            lambda values: family.unchecked(values).formula(*inputs), self.values, wrt
        )[1]

    def optimum(self, budget: Any) -> Mapping[str, Any] | None:
        """Best inputs for a budget, where a closed form is known.

        Parameters
        ----------
        budget : float or ndarray
            Product of params and tokens that the compute pays for, ``C / 6``.

        Returns
        -------
        mapping of str to ndarray, or None
            Each input of the trade-off; None (the default) where no closed form is known.
        """
        return None

    @property
    def best(self) -> Law:
        """The law itself, as a source of answers."""
        return self

    @property
    def draws(self) -> Law | None:
        """None: a bare law has no errors."""
        return None

    @property
    def draws_kind(self) -> str:
        """How the draws were made: there are none."""
        return "none"

    @property
    def columns(self) -> Mapping[str, str]:
        """Each role is played by the column of its own name."""
        return {role: role for role in (*self.inputs, self.target)}

    @property
    def cost(self) -> Cost | None:
        """None: a bare law does not say what compute means."""
        return None

    @property
    def ranges(self) -> Mapping[str, tuple[float, float]]:
        """Nothing is known of the runs of a bare law."""
        return {}

    @property
    def issues(self) -> tuple[Issue, ...]:
        """Nothing is known against a bare law."""
        return ()

    def __repr__(self) -> str:
        shown = (
            f"{name}={scalar_text(float(np.reshape(value, -1)[0]))}" if np.size(value) == 1
            else f"{name}=<{np.size(value)} draws>"
            for name, value in self.values.items()
        )  # fmt: skip
        return f"{type(self).__name__}({', '.join(shown)})"


_RESERVED = frozenset(dir(Law))

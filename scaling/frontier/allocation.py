"""How best to spend a compute: one solver for any law of params and tokens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from scaling.answer import beyond, beyond_issues, level_issues
from scaling.columns import COLUMNS, COMPUTE, PARAMS, TOKENS
from scaling.cost import SIX_ND, Cost
from scaling.errors import Issue, NoTradeoffError, ScalingError
from scaling.law import Law
from scaling.source import Source, widens
from scaling.text import human, parse_number, percent

__all__ = ["Question", "ask", "positive", "root"]

Array: TypeAlias = NDArray[np.float64]

_TRADED = (PARAMS, TOKENS)
_GRID = 193  # points over the whole range of sizes
_ZOOM, _ZOOMS = 17, 10  # each zoom narrows the bracket eightfold
_BISECTIONS = 60
_SCANNED = 10.0 ** np.arange(-30.0, 91.0)  # where a function is looked at before bisection
_SMALLEST, _BEYOND_BUDGET = 1e-15, 1e15
_ELEMENTS = 4_000_000  # of one evaluation, to bound the memory


@dataclass(frozen=True)
class Question:
    """A source of laws with the cost and the held inputs that a question uses.

    Attributes
    ----------
    source : Source
    cost : Cost
    held : mapping of str to float
        Inputs, by role, that do not move.
    method : {None, "formula", "numeric"}
        Closed form, search, or the first where there is one.
    """

    source: Source
    cost: Cost
    held: Mapping[str, float]
    method: str | None = None

    @property
    def family(self) -> type[Law]:
        """The law's form."""
        return type(self.source.best)

    def inputs(self, params: Any, tokens: Any) -> tuple[Any, ...]:
        """The formula's arguments, in order."""
        values: dict[str, Any] = {**self.held, PARAMS: params, TOKENS: tokens}
        return tuple(values[role] for role in self.family.inputs)

    def loss(self, law: Law, params: Any, tokens: Any) -> Array:
        """Target that a law, or each of k laws, predicts."""
        with np.errstate(all="ignore"):
            return np.asarray(law.formula(*self.inputs(params, tokens)), dtype=float)

    def column(self, role: str) -> str:
        """Name of the column that plays a role."""
        return dict(self.source.columns).get(role, role)

    def allocate(self, law: Law, compute: Array) -> tuple[Array, Array]:
        """Best params and tokens for each compute; NaN where there is no best.

        Parameters
        ----------
        law : Law
            One law, or k laws.
        compute : ndarray, shape (m,) or (k, m)

        Returns
        -------
        params, tokens : ndarray, shape (m,) or (k, m)
        """
        compute = np.asarray(compute, dtype=float)
        if PARAMS in self.held:
            size = np.broadcast_to(self.held[PARAMS], compute.shape)
            return size, self.cost.tokens(size, compute)
        if TOKENS in self.held:
            tokens = np.broadcast_to(self.held[TOKENS], compute.shape)
            return self.cost.params(tokens, compute), tokens
        with np.errstate(all="ignore"):
            closed = None if self.method == "numeric" or self.held else law.optimum(
                self.cost.budget(compute))  # fmt: skip
        if closed is None:
            if self.method == "formula":
                raise ScalingError(
                    f"{self.family.__name__} has no closed form here; use method='numeric'."
                )
            size = self._search(law, compute)
        else:
            size = np.asarray(closed[PARAMS], dtype=float)
            size = np.where((size > 0) & np.isfinite(size), size, np.nan)
        return size, self.cost.tokens(size, compute)

    def _search(self, law: Law, compute: Array) -> Array:
        """Size of least loss by a grid over log params and repeated zooms."""
        stacked = any(np.ndim(value) for value in law.values.values())  # k laws, or one of k
        shape = (law.count, compute.shape[-1]) if stacked else compute.shape
        log_budget = np.log(np.broadcast_to(self.cost.budget(compute), shape))
        low = np.full(shape, np.log(_SMALLEST))
        high = log_budget + np.log(_BEYOND_BUDGET)
        at_edge = np.zeros(shape, dtype=bool)
        for zoom in range(_ZOOMS + 1):
            points = _GRID if zoom == 0 else _ZOOM
            spacing = (high - low) / (points - 1)
            best = self._least(law, low, spacing, points, compute)
            if zoom == 0:
                at_edge = (best == 0) | (best == points - 1)
            middle = low + best * spacing
            low, high = middle - spacing, middle + spacing
        return np.where(at_edge, np.nan, np.exp((low + high) / 2))

    def _least(
        self, law: Law, low: Array, spacing: Array, points: int, compute: Array
    ) -> NDArray[np.intp]:
        """Index of the least loss on each grid, computed in parts that fit the memory."""
        steps = np.arange(points)
        columns = low.shape[-1]
        part = max(1, _ELEMENTS // max(1, points * low.size // columns))
        found = []
        for start in range(0, columns, part):
            cut = (..., slice(start, start + part))
            grid = low[cut][..., None] + steps * spacing[cut][..., None]
            size = np.exp(grid)
            tokens = self.cost.tokens(size, np.broadcast_to(compute, low.shape)[cut][..., None])
            flat = (*size.shape[:-2], -1)
            loss = self.loss(law, size.reshape(flat), tokens.reshape(flat))
            loss = np.broadcast_to(loss, size.reshape(flat).shape).reshape(size.shape)
            found.append(np.where(np.isnan(loss), np.inf, loss).argmin(axis=-1))
        return np.concatenate(found, axis=-1)

    def optimal_loss(self, law: Law, compute: Array) -> Array:
        """Loss at the best allocation of each compute."""
        return self.loss(law, *self.allocate(law, compute))

    def least_compute(self, law: Law, loss: Array) -> Array:
        """Compute whose best allocation reaches each loss; infinite where none does."""
        return root(lambda compute: self.optimal_loss(law, compute), np.asarray(loss), law)

    def best_inputs(self, compute: Array) -> tuple[Array, Array]:
        """The best law's allocation, or one sentence where it has none.

        Raises
        ------
        NoTradeoffError
        """
        size, tokens = self.allocate(self.source.best, compute)
        bad = ~np.isfinite(size)
        if bad.any():
            first = human(float(np.ravel(compute)[np.ravel(bad)][0]))
            raise NoTradeoffError(
                f"At {first} FLOPs {self.source.best!r} has no best allocation: "
                "its loss falls all the way to one end, as if params or tokens did not matter."
            )
        return size, tokens

    def issues_at(self, compute: Array, sizes: Array | None, level: float) -> tuple[Issue, ...]:
        """The source's issues, and what the answer at these computes adds.

        Parameters
        ----------
        compute : ndarray, shape (m,)
        sizes : ndarray, shape (k, m), or None
            Best size of each draw.
        level : float
        """
        reached = np.asarray(compute)[np.isfinite(compute)]
        far = beyond(self.source.ranges, {COMPUTE: reached}) if reached.size else reached
        draws = self.source.draws
        told = beyond_issues(far, widened=widens(draws), drawn=draws is not None)
        issues = (*self.source.issues, *told)
        if draws is not None:
            issues = (*issues, *level_issues(draws.count, level))
        if sizes is None or np.isfinite(sizes).all():
            return issues
        share = float((~np.isfinite(sizes)).any(axis=1).mean())
        return (*issues, Issue(
            "no-optimum-in-draws", "weakens",
            f"{percent(share)} of resamples have no best allocation and are left out.",
            "Add runs that show the effect of params and of tokens.",
        ))  # fmt: skip


def ask(
    source: Source, cost: Cost | None, held: Mapping[str, Any] | None, method: str | None = None
) -> Question:
    """A question about params and tokens, if the source can answer it.

    Raises
    ------
    ScalingError
        If the source is no law, an input is neither traded nor held, or a held one is unknown.
    NoTradeoffError
        If the law does not take both params and tokens, or its compute is not 6 N D.
    """
    if not hasattr(source, "best"):
        raise ScalingError(f"This question takes a law or a fit; got {type(source).__name__}.")
    law, columns = source.best, dict(source.columns)
    name = type(law).__name__
    missing = [role for role in _TRADED if role not in law.inputs]
    if missing:
        raise NoTradeoffError(
            f"{name} predicts from {', '.join(law.inputs)}; trading params against tokens at a "
            f"compute needs a law of both, such as Chinchilla."
        )
    if cost is None and source.cost is None and not isinstance(source, Law):
        raise NoTradeoffError(f"This law's inputs cannot be traded at a compute: "
                              f"{' '.join(issue.message for issue in source.issues)}")  # fmt: skip
    if cost is not None and not isinstance(cost, Cost):
        raise ScalingError(f"cost must be a Cost, such as SIX_ND; got {cost!r}.")
    if held is not None and not isinstance(held, Mapping):
        raise ScalingError(f"held must be a mapping such as {{'tokens': 2e12}}; got {held!r}.")
    by_column = {column: role for role, column in columns.items()}
    kept = {}
    for key, value in dict(held or {}).items():
        role = by_column.get(key, key)
        if role not in law.inputs:
            raise ScalingError(f"held names {key!r}; {name} has {', '.join(law.inputs)}.")
        values = positive(key, value)
        if len(values) != 1:
            raise ScalingError(f"held takes one number for {key}; got {len(values)}.")
        kept[role] = float(values[0])
    left = [role for role in law.inputs if role not in (*_TRADED, *kept)]
    if left:
        raise ScalingError(f"{name} also needs {', '.join(left)}; give it in held=, such as "
                           f"held={{{left[0]!r}: ...}}.")  # fmt: skip
    if set(_TRADED) <= set(kept):
        raise ScalingError("held fixes both params and tokens, so nothing is left to find.")
    return Question(source, cost or source.cost or SIX_ND, kept, method)


def positive(name: str, value: Any) -> Array:
    """Numbers above zero, from a number, a text such as ``"70B"``, or a sequence of them.

    Raises
    ------
    ScalingError
        If there is none, or one is not a finite number above zero.

    Examples
    --------
    >>> positive("compute", ["1e24", 1e25])
    array([1.e+24, 1.e+25])
    """
    alone = isinstance(value, str) or np.ndim(value) == 0
    items = [value] if alone else np.ravel(value).tolist()
    column = COLUMNS.get(name)
    unit = f" {column.unit}" if column and column.unit else ""
    found = []
    for item in items:
        try:
            number = np.nan if isinstance(item, bool) else parse_number(item)
        except (TypeError, ValueError):
            number = np.nan
        if not (np.isfinite(number) and number > 0):
            example = "1e24" if name == COMPUTE else "70e9"
            raise ScalingError(f"{name} must be{unit and ' in' + unit + ','} a finite number above "
                               f"0, such as {example}; got {item!r}.")  # fmt: skip
        found.append(number)
    if not found:
        raise ScalingError(f"{name} must hold one number or more; got none.")
    return np.array(found)


def root(function: Callable[[Array], Array], wanted: Array, law: Law) -> Array:
    """Least positive number at which a function falls below each wanted value.

    The first decade in which it does is found by a scan, the place in it by bisection.

    Parameters
    ----------
    function : callable
        Takes an array of shape (m,) or (k, m) and returns the same shape.
    wanted : ndarray, shape (m,) or (k, m)
    law : Law
        Gives k.

    Returns
    -------
    ndarray, shape of the values
        Infinite where the function stays above, 0 where it starts below, NaN where wanted is.
    """
    shape = np.shape(wanted) if law.count == 1 else (law.count, np.shape(wanted)[-1])
    wanted = np.broadcast_to(wanted, shape)
    below = np.stack(
        [np.broadcast_to(function(np.full(shape, point)), shape) < wanted for point in _SCANNED],
        axis=-1,
    )
    first = below.argmax(axis=-1)
    never, always = ~below.any(axis=-1), below[..., 0]
    edges = np.log(_SCANNED)
    low, high = edges[np.maximum(first - 1, 0)], edges[first]
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        above = ~(function(np.exp(middle)) < wanted)
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    found = np.where(never, np.inf, np.where(always, 0.0, np.exp((low + high) / 2)))
    return np.where(np.isnan(wanted), np.nan, found)

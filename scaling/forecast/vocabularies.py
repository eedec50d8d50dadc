"""The best vocabulary for a model: from a table of runs, or from a law."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling.answer import Answer
from scaling.columns import COMPUTE
from scaling.counting import embedding_width
from scaling.errors import Issue, ScalingError, above_zero, one_of
from scaling.fitting import Fit
from scaling.forecast.vocabulary_runs import (
    Known,
    Wanted,
    by_derivative,
    by_isoflop,
    law_table,
)
from scaling.forecast.vocabulary_table import Tried
from scaling.forecast.vocabulary_term import (
    best_params,
    fitted,
    flat_range,
    valleys,
)
from scaling.frontier.terms import ask
from scaling.laws import Vocabulary, published
from scaling.reach import beyond, beyond_issues
from scaling.runs.text_lengths import TokensPerCharacter
from scaling.source import Source, check_level, summarise
from scaling.text import human, listed, scalar_text

__all__ = ["BestVocabulary", "best_vocabulary"]

Array: TypeAlias = NDArray[np.float64]

_LAW, _ISOFLOP, _DERIVATIVE, _PARAMETRIC = "a law", "isoflop", "derivative", "parametric"
_TAKES = {  # options of each source or method, beside width and level
    _LAW: ("compute",), _ISOFLOP: ("compute", "text"), _DERIVATIVE: ("text",),
    _PARAMETRIC: ("compute", "text", "convention", "bootstrap", "seed"),
}  # fmt: skip
_METHODS = (_ISOFLOP, _DERIVATIVE, _PARAMETRIC)
_RESAMPLES = 200
_CONVENTIONS = ("correct", "paper-code")
_SIZE, _PART, _ENTRIES = "params_non_embedding", "params_vocabulary", "vocab_size"


@dataclass(frozen=True)
class BestVocabulary(Answer):
    """Best vocabularies; made by :func:`scaling.best_vocabulary`.

    Attributes
    ----------
    method : str
        ``isoflop``, ``derivative``, ``parametric``, or ``stated`` where a law says it itself.
    powers : DataFrame
        The power laws it rests on, one row a quantity: ``of``, ``coefficient``, ``exponent``,
        and ``r2`` of the logs.
    flat : DataFrame
        Of a law fitted to runs, each vocabulary exponent tried: ``alpha2``, ``rise`` of the
        objective over the least, and the best ``vocab_size`` at each ``params_non_embedding``.
    valleys : DataFrame
        Of a law, the loss along the vocabulary at the compute: ``params_non_embedding``,
        ``vocab_size``, ``loss_unigram_normalised``, and its ``excess_loss`` over the best.
    fit : Fit or None
        The law fitted to the runs.
    said : tuple of str
        What the numbers rest on.
    """

    method: str = ""
    powers: pd.DataFrame = field(default_factory=pd.DataFrame)
    flat: pd.DataFrame = field(default_factory=pd.DataFrame)
    valleys: pd.DataFrame = field(default_factory=pd.DataFrame)
    fit: Fit | None = None
    said: tuple[str, ...] = ()

    @property
    def intervals(self) -> str:
        """What the intervals are; where exponents were tried, the kind has the level."""
        return super().intervals if self.flat.empty else f"[low, high] hold {self.kind}."

    @property
    def notes(self) -> tuple[str, ...]:
        """What the numbers rest on, and what the intervals are."""
        return (*self.said, self.intervals)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, with the method, its power laws, and the exponents tried."""
        powers = {str(name): dict(row) for name, row in self.powers.iterrows()}
        return {**super().to_dict(), "method": self.method, "powers": powers,
                "flat": self.flat.to_dict(orient="records")}  # fmt: skip


def best_vocabulary(
    source: Any,
    params_non_embedding: Any,
    *,
    compute: Any = None,
    width: Any = None,
    method: str | None = None,
    convention: str | None = None,
    text: TokensPerCharacter | None = None,
    bootstrap: int | None = None,
    seed: int | None = None,
    level: float = 0.9,
) -> BestVocabulary:
    """Best vocabulary of a model with so many params beside its vocabulary.

    A law takes ``compute`` alone of the options, beside ``width`` and ``level``; of a table,
    ``isoflop`` takes ``compute`` and ``text``, ``derivative`` takes ``text``, and ``parametric``
    takes all. What would change nothing is refused.

    Parameters
    ----------
    source : table, Fit, Published or Law
        Runs of several vocabularies; or a law of the loss, such as ``published("tao-2024")``; or
        one that states the params of the best vocabulary, such as
        ``published("tao-2024-approach-2")``.
    params_non_embedding : float, str or array_like, shape (m,)
        Model sizes without the vocabulary.
    compute : float, str or array_like, optional
        FLOPs of each. By default the compute at which the size is the best: as the runs say for
        ``isoflop``, as Tao et al. 2024 say (``published("tao-2024-approach-1-size")``) otherwise.
        A law that states the vocabulary of a size takes none.
    width : float, str or array_like, optional
        Width of the embeddings; that of the runs where they have the size, else
        :func:`scaling.counting.embedding_width`.
    method : {"isoflop", "derivative", "parametric"}, optional
        How a table is read. ``isoflop`` (default): power laws of compute through the points of
        the lowest loss. ``derivative``: the vocabulary of least compute for the same text, scaled
        from the best one of the smallest size. ``parametric``: the law ``Vocabulary`` fitted
        to all rows.
    convention : {"correct", "paper-code"}, optional
        How ``parametric`` counts tokens: as they are (default), or as the code of the paper did,
        which took the vocabulary in thousands where it needed entries.
    text : TokensPerCharacter, optional
        Tokens of a character; those of the paper by default.
    bootstrap : int, optional
        Resamples of whole runs for ``parametric``; 200 by default.
    seed : int, optional
        Of the resamples; 0 by default.
    level : float

    Returns
    -------
    BestVocabulary
        Its table has params_non_embedding, embedding_width, compute where it matters, vocab_size
        and params_vocabulary with their ends, and ``beyond``. The ends of a fit hold the
        resamples, and every vocabulary exponent of nine over its typical range that raises the
        objective by 1% at most; 0 or infinite where the first or the last of the nine does.

    Raises
    ------
    ColumnError
        If the table lacks a column, or has too few vocabularies, sizes or checkpoints.
    ScalingError
        If an option does not apply, or the law knows nothing of vocabularies.

    References
    ----------
    Tao et al. 2024, arXiv:2407.13623.

    Examples
    --------
    >>> import scaling
    >>> best = scaling.best_vocabulary(scaling.published("tao-2024-approach-2"), 70e9)
    >>> int(best.table["vocab_size"].iloc[0])
    230861
    """
    check_level(level)
    given = {"compute": compute, "text": text, "convention": convention, "bootstrap": bootstrap,
             "seed": seed}  # fmt: skip
    if hasattr(source, "best"):
        _refuse(_LAW, {"method": method, **given})
        return _of_source(source, _wanted(params_non_embedding, compute, width, None), level)
    way = one_of("method", method or _ISOFLOP, _METHODS)
    _refuse(way, given)
    convention = one_of("convention", convention or _CONVENTIONS[0], _CONVENTIONS)
    text = TokensPerCharacter() if text is None else text
    if not isinstance(text, TokensPerCharacter):
        raise ScalingError(f"text must be a TokensPerCharacter; got {text!r}.")
    runs = Tried.read(source, text)
    wanted = _wanted(params_non_embedding, compute, width, runs)
    if way == _PARAMETRIC:
        resamples = _RESAMPLES if bootstrap is None else bootstrap
        return _parametric(runs, wanted, convention, level, resamples, seed or 0)
    known = by_isoflop(runs, wanted) if way == _ISOFLOP else by_derivative(runs, wanted)
    said = tuple(
        f"{name} = {scalar_text(row['coefficient'])} x {row['of']}^{scalar_text(row['exponent'])} "
        f"(R2 {row['r2']:.3f})" for name, row in known.powers.iterrows())  # fmt: skip
    issues = (*runs.issues, *known.issues)
    answer = _answer(known, None, runs.ranges, issues, level, "none")
    return replace(answer, method=way, powers=known.powers, said=said)


def _refuse(way: str, given: dict[str, Any]) -> None:
    """Refuse options that would change nothing."""
    idle = [f"{name}=" for name, value in given.items()
            if value is not None and name not in _TAKES[way]]  # fmt: skip
    if idle:
        asked = way if way == _LAW else f"method={way!r}"
        kept = listed(f"{name}=" for name in (*_TAKES[way], "width", "level"))
        raise ScalingError(f"best_vocabulary by {asked} takes {kept}; leave out {listed(idle)}.")


def _wanted(size: Any, compute: Any, width: Any, runs: Tried | None) -> Wanted:
    """Sizes, widths and computes, of one shape."""
    params = above_zero(_SIZE, size)
    widths = _widths(params, runs) if width is None else above_zero("width", width)
    budget = np.nan if compute is None else above_zero(COMPUTE, compute)
    try:
        every = np.broadcast_arrays(params, widths, budget)
    except ValueError:
        raise ScalingError("params_non_embedding, width and compute must have one length, or be "
                           "single numbers.") from None  # fmt: skip
    params, widths, budget = (values.ravel() for values in every)
    return Wanted(params, widths, None if compute is None else budget)


def _widths(params: Array, runs: Tried | None) -> Array:
    """Widths of the embeddings of sizes, where none are given."""
    if runs is None:
        return embedding_width(params)
    low, high = runs.ranges[_SIZE]
    outside = (params < low) | (params > high)
    if outside.any() and not runs.widths_of_paper:
        raise ScalingError(f"width= is needed: the runs do not say how wide the embeddings of "
                           f"{human(params[outside][0])} params are.")  # fmt: skip
    return runs.width_of(params)


def _answer(
    known: Known, draws: Array | None, ranges: Any, issues: tuple[Issue, ...], level: float,
    kind: str, flat: tuple[Array, Array] | None = None,
) -> BestVocabulary:  # fmt: skip
    """Table of best vocabularies, from the params they should have."""
    wanted, width = known.wanted, known.wanted.width
    table = pd.DataFrame({_SIZE: wanted.params, "embedding_width": width})
    if wanted.compute is not None:
        table[COMPUTE] = wanted.compute
    entries = known.params_vocabulary / width
    value, low, high = summarise(entries, None if draws is None else draws / width, level)
    if flat is not None:
        low, high = np.fmin(low, flat[0]), np.fmax(high, flat[1])
    for name, scale in ((_ENTRIES, 1.0), (_PART, width)):
        table = table.assign(**{name: value * scale, f"{name}_low": low * scale,
                                f"{name}_high": high * scale})  # fmt: skip
    places = {name: table[name].to_numpy(dtype=float)
              for name in (_SIZE, COMPUTE, _ENTRIES) if name in table}  # fmt: skip
    table["beyond"] = beyond(ranges, places)
    count = len(wanted.params)
    title = f"Best vocabulary of {count} model size{'s' if count > 1 else ''}"
    far = beyond_issues(table["beyond"].to_numpy(), drawn=kind != "none")
    return BestVocabulary(table, title, level, kind, (*issues, *far))


def _of_source(source: Source, wanted: Wanted, level: float) -> BestVocabulary:
    """Best vocabulary as a law says."""
    columns, law = dict(source.columns), source.best
    told = columns.get(law.target, law.target)
    inputs = [columns.get(role, role) for role in law.inputs]
    if set(law.inputs) == set(Vocabulary.inputs):
        return _of_law(source, wanted, level, source.ranges)
    if told != _PART or inputs not in ([COMPUTE], [_SIZE]):
        raise ScalingError(
            "best_vocabulary needs a table of runs, a law of params_non_embedding, "
            "params_vocabulary and tokens, or one that states params_vocabulary; this law "
            f"predicts {told} from {', '.join(inputs)}. Take published('tao-2024')."
        )
    if inputs == [COMPUTE]:
        wanted = _paid(wanted)
    elif wanted.compute is not None:
        raise ScalingError("This law states the best vocabulary for a size; leave out compute=.")
    at = wanted.params if inputs == [_SIZE] else wanted.compute
    drawn = None if source.draws is None else np.asarray(source.draws.formula(at))
    known = Known(wanted, np.asarray(law.formula(at)))
    answer = _answer(known, drawn, source.ranges, source.issues, level, source.draws_kind)
    return replace(answer, method="stated", said=_said(wanted, at is wanted.compute))


def _paid(wanted: Wanted) -> Wanted:
    """The compute at which a size is the best, as Tao et al. say, where none was given."""
    if wanted.compute is not None:
        return wanted
    size = published("tao-2024-approach-1-size").law.values
    return replace(wanted, compute=(wanted.params / size["A"]) ** (-1 / size["alpha"]), paid=True)


def _said(wanted: Wanted, matters: bool = True) -> tuple[str, ...]:
    if not (matters and wanted.paid):
        return ()
    return ("Compute is that at which the size is the best by approach 1 of Tao et al. 2024.",)


def _of_law(source: Source, wanted: Wanted, level: float, ranges: Any) -> BestVocabulary:
    """Best vocabulary at a compute, where a law of the loss is least."""
    wanted, question = _paid(wanted), ask(source, None, None)
    found = best_params(question, source.best, wanted)
    draws = None if source.draws is None else best_params(question, source.draws, wanted)
    fit = source if isinstance(source, Fit) and source.runs is not None else None
    tried = None if fit is None else flat_range(fit, question, wanted)
    issues, kind, ends, table = source.issues, source.draws_kind, None, pd.DataFrame()
    if tried is not None:
        issues, ends, table = (*tried.issues, *issues), tried.ends, tried.table
        kind = tried.words if draws is None else f"{100 * level:.10g}% of {kind}, and {tried.words}"
    answer = _answer(Known(wanted, found), draws, ranges, issues, level, kind, ends)
    return replace(answer, method=_PARAMETRIC, fit=fit, said=_said(wanted), flat=table,
                   valleys=valleys(question, wanted, found))  # fmt: skip


def _parametric(
    runs: Tried, wanted: Wanted, convention: str, level: float, bootstrap: int, seed: int
) -> BestVocabulary:
    """The law fitted to the runs, and where it is least."""
    in_thousands = convention == _CONVENTIONS[1]
    table = law_table(runs, in_thousands)
    fit = fitted(table, bootstrap, seed)
    answer = _of_law(fit, wanted, level, runs.ranges)
    if not in_thousands:
        return replace(answer, issues=(*runs.issues, *answer.issues))
    times = table["tokens"] / runs.tokens
    wrong = Issue(
        "vocabulary-in-thousands", "weakens",
        f"As in the paper's code, tokens are counted with the vocabulary in thousands: "
        f"{times.min():.2g} to {times.max():.2g} times as many as there are.",
        "Use convention='correct'; this one is for comparison with the paper.")  # fmt: skip
    return replace(answer, issues=(*answer.issues, wrong))

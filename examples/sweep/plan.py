"""Which runs the sweep has, arm by arm. A later arm reads what an earlier one measured."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from model import counts
from tokens import BYTES
from train import CONTEXT, Run

import scaling

# (width, layers): two layers at least, since one alone cannot copy (Olsson et al. 2022). The
# largest are for a forecast that asks for them.
SHAPES = (
    (8, 2), (12, 2), (16, 2), (24, 2), (32, 2), (40, 2), (48, 3), (64, 3), (80, 3), (96, 4),
    (128, 4), (160, 4), (192, 5),
)  # fmt: skip
BATCH = 1024  # tokens; small, because few tokens would else leave too few steps
BUDGETS = tuple(5e12 / 3**i for i in (4, 3, 2, 1, 0))  # FLOPs, by 6ND
SIZES = 7  # of the smallest budget; the others have one more
FORECAST_FACTOR = 10  # the big run's compute over the largest budget
UNIQUE_SHARE = 0.8  # most of the unique tokens that the big run may need

RATE_POINTS = (((16, 2), 1_000_000), ((32, 2), 1_200_000), ((64, 3), 2_000_000))  # shape, tokens
RATES = tuple(2.5e-3 * 2**i for i in range(5))
UNIQUE, EPOCHS = (2**15, 2**16, 2**17), (1, 2, 4, 8, 16, 32, 64)
REPEATED_SHAPES = ((16, 2), (48, 3))
VOCABULARIES = (256, 512, 1024, 2048, 4096, 8192, 16384)
VOCABULARY_SHAPES, TEXT = ((16, 2), (32, 2), (64, 3)), 1_500_000  # bytes trained on
BATCHES, RATE_FACTORS = (512, 2048, 8192), (0.5, 1.0, 2.0)
SEEDS = (1, 2, 3, 4)  # the run of the IsoFLOP arm has seed 0


def size(shape: tuple[int, int], vocab_size: int = BYTES) -> int:
    """Params of a shape."""
    return counts(vocab_size, *shape, CONTEXT)["params"]


def rule(done: pd.DataFrame) -> Callable[[float], float]:
    """Best learning rate of a size, by the power law through the optima of the first arm."""
    a, b = rule_coefficients(done)
    return lambda params: float(f"{np.exp(a) * params**b:.3g}")


def rule_coefficients(done: pd.DataFrame) -> tuple[float, float]:
    """Intercept and slope of log learning rate on log params."""
    swept = _whole_arm(done, "learning-rate", len(learning_rate(done)))
    best = scaling.best_of_sweep(swept, by=("params", "tokens"), over="learning_rate").table
    slope, intercept = np.polyfit(np.log(best["params"]), np.log(best["learning_rate"]), 1)
    return float(intercept), float(slope)


def _whole_arm(done: pd.DataFrame, arm: str, count: int) -> pd.DataFrame:
    """Runs of an arm that a later arm reads."""
    runs = done[done["arm"] == arm]
    if len(runs) < count:
        raise SystemExit(
            f"{len(runs)} of {count} runs of {arm} are trained; train all of it first."
        )
    return runs


def learning_rate(done: pd.DataFrame) -> list[Run]:
    """The small sweep from which every later arm takes its learning rate."""
    return [Run("learning-rate", *shape, BYTES, tokens, rate, BATCH)
            for shape, tokens in RATE_POINTS for rate in RATES]  # fmt: skip


def isoflop(done: pd.DataFrame) -> list[Run]:
    """Several sizes at each budget, the middle one moving up by a power of compute."""
    rate, runs = rule(done), []
    for place, budget in enumerate(BUDGETS):
        for shape in SHAPES[max(place - 1, 0) : place + SIZES]:
            tokens = round(budget / (6 * size(shape)))
            runs.append(Run("isoflop", *shape, BYTES, tokens, rate(size(shape)), BATCH))
    return runs


def repetition(done: pd.DataFrame) -> list[Run]:
    """From 1 to 64 epochs over few unique tokens."""
    rate = rule(done)
    return [Run("repetition", *shape, BYTES, unique * epochs, rate(size(shape)), BATCH,
                unique_tokens=unique)
            for shape in REPEATED_SHAPES for unique in UNIQUE for epochs in EPOCHS]  # fmt: skip


def vocabulary(done: pd.DataFrame, bytes_per_token: Callable[[int], float]) -> list[Run]:
    """As much text under every vocabulary, in about as many steps."""
    rate, runs = rule(done), []
    for vocab_size in VOCABULARIES:
        each = bytes_per_token(vocab_size)
        batch = CONTEXT * max(round(BATCH / CONTEXT / each), 1)
        runs += [Run("vocabulary", *shape, vocab_size, round(TEXT / each), rate(size(shape)),
                     batch) for shape in VOCABULARY_SHAPES]  # fmt: skip
    return runs


def rate_and_batch(done: pd.DataFrame) -> list[Run]:
    """Learning rate by batch size around the rule, at the best sizes of three budgets."""
    rate, runs = rule(done), []
    for shape, tokens in best_shapes(done, BUDGETS[:3]):
        for batch in BATCHES:
            near = rate(size(shape)) * (batch / BATCH) ** 0.5
            runs += [Run("rate-and-batch", *shape, BYTES, tokens, float(f"{near * factor:.3g}"),
                         batch) for factor in RATE_FACTORS]  # fmt: skip
    return runs


def seeds(done: pd.DataFrame) -> list[Run]:
    """More seeds of the best run of four budgets."""
    rate = rule(done)
    return [Run("seeds", *shape, BYTES, tokens, rate(size(shape)), BATCH, seed=seed)
            for shape, tokens in best_shapes(done, BUDGETS[:4]) for seed in SEEDS]  # fmt: skip


def schedules(done: pd.DataFrame) -> list[Run]:
    """The best run of one budget under other schedules, one of them twice."""
    rate = rule(done)
    ((shape, tokens),) = best_shapes(done, BUDGETS[2:3])
    return [Run("schedules", *shape, BYTES, tokens, rate(size(shape)), BATCH, seed,
                schedule=schedule)
            for schedule, seed in (("wsd", 0), ("wsd", 1), ("constant", 0))]  # fmt: skip


def big(done: pd.DataFrame) -> list[Run]:
    """The run that ``forecast.json`` speaks of."""
    said = json.loads(Path(__file__).with_name("forecast.json").read_text())
    shape = (said["width"], said["layers"])
    return [Run("big", *shape, BYTES, said["tokens"], rule(done)(size(shape)), BATCH)]


def best_shapes(done: pd.DataFrame, budgets: Sequence[float]) -> list[tuple[tuple[int, int], int]]:
    """Shape and tokens of the lowest loss at each budget."""
    found, trained = [], _whole_arm(done, "isoflop", len(isoflop(done)))
    for budget in budgets:
        near = trained[np.isclose(trained["compute"], budget, rtol=0.05)]
        best = near.loc[near["loss"].idxmin()]
        found.append(((int(best["width"]), int(best["layers"])), int(best["tokens"])))
    return found

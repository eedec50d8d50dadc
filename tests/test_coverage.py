"""Simulated coverage: nominal 95% intervals hold what they say where the noise is independent."""

import numpy as np
import pytest

import scaling
from scaling.datasets.simulated import isoflop_runs
from scaling.laws import Chinchilla, published
from scaling.source import summarise

TRUTH = published("besiroglu-2024").law
NOISE = 0.003
REPEATS, RESAMPLES, LEVEL = 500, 400, 0.95
BEYOND = 100.0


def ladder(seed):
    """16 runs: 4 sizes, each at 4 numbers of tokens per param."""
    params, ratio = (
        grid.ravel() for grid in np.meshgrid(np.geomspace(5e7, 2e9, 4), [5, 20, 80, 320])
    )
    tokens = params * ratio
    error = np.random.default_rng(seed).normal(0, NOISE, params.size)
    loss = TRUTH.predict(params=params, tokens=tokens) * np.exp(error)
    return {"params": params, "tokens": tokens, "loss": loss}


def isoflop(budgets, sizes):
    compute = np.geomspace(6e18, 3e21, budgets)
    return lambda seed: isoflop_runs(
        TRUTH, compute, sizes=sizes, spread=4.0, noise=NOISE, seed=seed
    )


DESIGNS = {"ladder-16": ladder, "isoflop-35": isoflop(5, 7), "isoflop-240": isoflop(10, 24)}


def covered(make, seeds):
    """Share of repeats whose interval holds the true loss, and the true best size."""
    hits = []
    for seed in seeds:
        runs = make(seed)
        fit = scaling.fit(Chinchilla, runs, bootstrap=RESAMPLES, seed=seed)
        compute = (
            BEYOND * 6 * float(np.max(np.asarray(runs["params"]) * np.asarray(runs["tokens"])))
        )
        best = TRUTH.optimum(compute / 6)
        point = tuple(np.atleast_1d(best[role]) for role in ("params", "tokens"))
        hits.append([
            _holds(fit.law.formula(*point), fit.draws.formula(*point), TRUTH.formula(*point)),
            _holds(fit.law.optimum(compute / 6)["params"],
                   fit.draws.optimum(compute / 6)["params"], point[0]),
        ])  # fmt: skip
    return np.mean(hits, axis=0)


def _holds(best, draws, truth):
    _, low, high = summarise(np.atleast_1d(best), np.reshape(draws, (-1, 1)), LEVEL)
    return float(low[0]) <= float(np.ravel(truth)[0]) <= float(high[0])


@pytest.mark.slow
@pytest.mark.parametrize("design", DESIGNS)
def test_intervals_of_loss_and_optimum_cover(design):
    loss, size = covered(DESIGNS[design], range(REPEATS))
    assert 0.92 <= loss <= 0.99, f"loss {loss:.3f}, best size {size:.3f}"
    assert 0.92 <= size <= 0.99, f"loss {loss:.3f}, best size {size:.3f}"

"""How often intervals hold the truth where the truth is known: simulated ladders, fitted and asked.

Prints the page benchmarks/coverage.md: ``python benchmarks/coverage.py > benchmarks/coverage.md``
(about a quarter of an hour on one core; ``--repeats 20`` for a quick look).
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

import scaling
from scaling.laws import Chinchilla, CoupledChinchilla, published
from scaling.source import summarise

TRUTH = published("besiroglu-2024").law
NOISE = OFFSET = 0.003
QUIET = 0.001  # about what seeds do
LEVEL, REPEATS, RESAMPLES = 0.9, 200, 200
BEYOND = (10.0, 100.0)  # times the compute of the largest run
GAMMA = 0.5
SLOW = 0.3  # of the repeats, where each table is backtested
QUESTIONS = ("loss at 10x", "loss at 100x", "best params at 100x", "alpha")


@dataclass(frozen=True)
class Design:
    """Points of a simulated table, without its losses: each with a size and a budget."""

    name: str
    says: str
    params: np.ndarray
    tokens: np.ndarray
    budget: np.ndarray  # what runs that were launched together share
    kinds: Mapping[str, Any] = field(default_factory=lambda: KINDS)
    repeats: float = 1.0  # share of the tables that are made of it

    @property
    def compute(self):
        """FLOPs."""
        return scaling.SIX_ND.compute(self.params, self.tokens)


def ladder():
    """Four sizes, each at four numbers of tokens per param."""
    ratio, params = (
        grid.ravel() for grid in np.meshgrid([5.0, 20, 80, 320], np.geomspace(5e7, 2e9, 4))
    )
    says = "4 sizes, each at 5, 20, 80 and 320 tokens per param"
    return Design("ladder, 16 runs", says, params, params * ratio, ratio)


def isoflop(budgets=5):
    """Budgets of seven sizes from one list, which moves by two sizes a budget."""
    ends = (6e18, 3e21)
    compute = np.repeat(np.geomspace(*ends, budgets), 7)
    first, last = (TRUTH.optimum(budget / 6)["params"] for budget in ends)
    steps = np.repeat(2 * np.arange(budgets), 7) + np.tile(np.arange(-3, 4), budgets)
    params = first * (last / first) ** (steps / (2 * budgets - 2))
    says = f"{budgets} budgets of 7 sizes, from one list of {2 * budgets + 5} sizes"
    tokens = scaling.SIX_ND.tokens(params, compute)
    return Design(f"isoFLOP, {len(params)} runs", says, params, tokens, compute)


def calibrated_isoflop():
    """Budgets enough to hold some of them out."""
    return replace(isoflop(9), kinds={**KINDS, "calibrated": calibrated}, repeats=SLOW)


def coupled(design):
    """A law with an outer exponent that has TRUTH's loss and slopes in the middle of the runs."""
    middle = [np.exp(np.mean(np.log(values))) for values in (design.params, design.tokens)]
    terms = [TRUTH.A * middle[0] ** -TRUTH.alpha, TRUTH.B * middle[1] ** -TRUTH.beta]
    powers = {"alpha": TRUTH.alpha / GAMMA, "beta": TRUTH.beta / GAMMA}
    scale = sum(terms) ** (1 / GAMMA - 1)
    prefactors = [
        term * scale * at**power
        for term, at, power in zip(terms, middle, powers.values(), strict=True)
    ]
    return CoupledChinchilla(E=TRUTH.E, A=prefactors[0], B=prefactors[1], gamma=GAMMA, **powers)


def shared(values, sd, stream):
    """A normal offset for each different value."""
    codes = np.unique(values, return_inverse=True)[1]
    return stream.normal(0, sd, codes.max() + 1)[codes]


def true(design):
    """The law that is fitted."""
    return TRUTH


def of_size(design, stream):
    """Offsets of a learning rate that is tuned at some sizes only."""
    return shared(design.params, OFFSET, stream)


def of_budget(design, stream):
    """Offsets of what runs launched together share."""
    return shared(design.budget, OFFSET, stream)


def none(design, stream):
    """No offsets."""
    return 0.0


ERRORS = {  # name: truth, noise of a run, and offsets that runs share
    "noise 0.3%": (true, NOISE, none),
    "noise 0.3%, each size off by 0.3%": (true, NOISE, of_size),
    "noise 0.1%, each size off by 0.3%": (true, QUIET, of_size),
    "noise 0.3%, each budget off by 0.3%": (true, NOISE, of_budget),
    "noise 0.3%, another law is true": (coupled, NOISE, none),
}


def pairs(fit):
    """Resamples of single runs."""
    return scaling.bootstrap(fit, RESAMPLES)


def of_sizes(fit):
    """Resamples of all runs of a size together."""
    return scaling.bootstrap(fit, RESAMPLES, groups="params")


def of_budgets(fit):
    """Resamples of all runs of a budget together; of a ladder, of the same tokens per param."""
    return scaling.bootstrap(fit, RESAMPLES, groups="budget")


def calibrated(fit):
    """Intervals widened with distance until they held the table's own larger runs."""
    drawn = pairs(fit)
    return scaling.calibrate(drawn, scaling.backtest(drawn, fit.runs, bootstrap=RESAMPLES))


KINDS = {"pairs": pairs, "groups of a size": of_sizes, "groups of a budget": of_budgets}


DESIGNS = (ladder(), isoflop(), calibrated_isoflop())


def simulated(design, error, seed):
    """One table."""
    truth, noise, offsets = ERRORS[error]
    stream = np.random.default_rng(seed)
    errors = stream.normal(0, noise, design.params.size) + offsets(design, stream)
    law = truth(design)
    loss = law.predict(params=design.params, tokens=design.tokens) * np.exp(errors)
    return pd.DataFrame({"params": design.params, "tokens": design.tokens, "loss": loss,
                         "budget": design.budget})  # fmt: skip


def asked(law, points):
    """Answers of a law, or of many with coefficients (k, 1), to the questions: shape (..., 4)."""
    budgets = [scaling.SIX_ND.budget(compute) for compute, *_ in points]
    losses = [law.formula(params, tokens) for _, params, tokens in points]
    values = [*losses, law.optimum(budgets[-1])["params"], law.alpha]
    return np.stack([np.ravel(value) for value in values], axis=-1)


def judged(fit, points, answers):
    """Whether each question's interval holds the truth, and its half width over its value."""
    best, draws = asked(fit.law, points)[0], asked(fit.draws, points)
    value, low, high = summarise(best, draws, LEVEL)
    return (low <= answers) & (answers <= high), (high - low) / (2 * value)


def cell(design, error, repeats):
    """Coverage and median half width of each kind of interval, by question."""
    truth = ERRORS[error][0](design)
    points = []
    for times in BEYOND:
        compute = times * design.compute.max()
        best = truth.optimum(scaling.SIX_ND.budget(compute))
        points.append((compute, best["params"], best["tokens"]))
    answers = asked(truth, points)[0]
    if truth is not TRUTH:
        answers[-1] = np.nan  # an exponent of one form is not that of another
    found = {kind: [] for kind in design.kinds}
    for seed in range(repeats):
        fit = scaling.fit(Chinchilla, simulated(design, error, seed), bootstrap=0)
        for kind, drawn in design.kinds.items():
            found[kind].append(judged(drawn(fit), points, answers))
    held = {kind: np.mean([hit for hit, _ in rows], axis=0) for kind, rows in found.items()}
    wide = {kind: np.median([width for _, width in rows], axis=0) for kind, rows in found.items()}
    return held, wide, np.isfinite(answers)


def share(value, repeats):
    """Coverage in percent, with its Monte-Carlo error."""
    return f"{100 * value:.0f} ± {100 * np.sqrt(value * (1 - value) / repeats):.1f}"


def table(design, repeats):
    """Rows of Markdown of one design."""
    heads = ["errors", "intervals", *QUESTIONS, "half width of loss at 100x"]
    yield f"| {' | '.join(heads)} |"
    yield f"| {' | '.join(['---'] * len(heads))} |"
    repeats = round(design.repeats * repeats) or 1
    for error in ERRORS:
        held, wide, known = cell(design, error, repeats)
        for row, kind in enumerate(design.kinds):
            shares = [share(value, repeats) if there else ""
                      for value, there in zip(held[kind], known, strict=True)]  # fmt: skip
            cells = ["" if row else error, kind, *shares, f"{100 * wide[kind][1]:.2g}%"]
            yield f"| {' | '.join(cells)} |"


def main(arguments=None):
    """Print the page."""
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--repeats", type=int, default=REPEATS, help="tables of each kind")
    repeats = options.parse_args(arguments).repeats
    start = time.process_time()
    print(f"Share of nominal {LEVEL:.0%} intervals that held the truth, in percent, of {repeats} "
          f"simulated tables each, with its Monte-Carlo error; {RESAMPLES} resamples.")  # fmt: skip
    for design in DESIGNS:
        count = f"; {round(design.repeats * repeats)} tables" if design.repeats < 1 else ""
        print(f"\n**{design.name}**: {design.says}{count}.\n")
        for line in table(design, repeats):
            print(line, flush=True)
    print(f"{time.process_time() - start:.0f} CPU seconds", file=sys.stderr)


if __name__ == "__main__":
    main()

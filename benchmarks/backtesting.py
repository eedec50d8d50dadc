"""A backtest of four laws at six cuts with 200 resamples, beside a plain loop over SciPy's fits.

CPU seconds on one core, medians of 3; the loop runs 4 resamples a fit and is scaled up.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import statistics
import time
from pathlib import Path

import numpy as np
from scipy.optimize import least_squares

import scaling
from scaling.laws import Chinchilla, CoupledChinchilla, Kaplan

RESAMPLES, SAMPLED, REPEATS, TARGET = 200, 4, 3, 5.0
DATA = Path(os.environ.get("SCALING_DATA", Path(__file__).parents[2] / "shared" / "data"))


def cpu(job, repeats=REPEATS):
    """Median CPU seconds of a job."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        job()
        times.append(time.process_time() - start)
    return statistics.median(times)


def loop(found, runs):
    """The same fits and resamples one by one: SciPy's Huber fit, started from the best law."""
    stream = np.random.default_rng(0)
    for made in found.fits.values():
        for fit in made:
            below = runs.loc[fit.runs.index]
            inputs = [below[name].to_numpy() for name in ("params", "tokens")]
            loss = np.log(below["loss"].to_numpy())
            family, start = fit.family, np.log(np.maximum(list(fit.law.values.values()), 1e-9))
            for _ in range(SAMPLED):
                drawn = stream.integers(0, len(loss), len(loss))

                def residual(u, family=family, inputs=inputs, loss=loss, drawn=drawn):
                    law = family.unchecked(dict(zip(family.coefficients, np.exp(u), strict=True)))
                    return np.log(law.formula(*(values[drawn] for values in inputs))) - loss[drawn]

                least_squares(residual, start, loss="huber", f_scale=1e-3)


def main():
    """Print the table."""
    runs = scaling.read_runs(DATA / "chinchilla-epoch" / "svg_extracted_data.csv")
    runs = runs[runs["loss"] < np.sort(runs["loss"])[-5]]
    tied = scaling.fit(Chinchilla, runs, tied={"beta": "alpha"}, bootstrap=0)
    laws = [Chinchilla, tied, CoupledChinchilla, Kaplan]
    found = scaling.backtest(laws, runs)
    cuts = found.table["cut"].nunique()
    ours = cpu(lambda: scaling.backtest(laws, runs, bootstrap=RESAMPLES))
    theirs = cpu(lambda: loop(found, runs), 1) * RESAMPLES / SAMPLED
    fit = scaling.fit(Chinchilla, runs)
    met = "ok" if ours < TARGET else "MISSED"
    print(f"{len(laws)} laws, {cuts} cuts, {RESAMPLES} resamples, {len(runs)} runs\n")
    print("| job | scaling, CPU s | target | a loop of SciPy fits | ratio |")
    print("| --- | --- | --- | --- | --- |")
    print(f"| backtest | {ours:.3g} | < {TARGET:g} {met} | {theirs:.3g} | {theirs / ours:.3g} |")
    print(f"| calibrate | {cpu(lambda: scaling.calibrate(fit, found)):.2g} | | | |")


if __name__ == "__main__":
    main()

"""The cases of docs/how_fits_go_wrong.md that need public tables, computed from those tables.

Cases that need no table are code on the page, which tests/test_readme.py runs.
"""

import numpy as np
import pandas as pd
import pytest
from pages import DOCS, check_part, table
from paper_laws import C4_BASE
from scipy.optimize import minimize

import scaling
from scaling import Huber, LeastAbsolute, LeastSquares
from scaling.laws import Chinchilla, DataConstrained, PowerLawPlusConstant

PAGE = DOCS / "how_fits_go_wrong.md"
HOFFMANN_START = [6, 6, 0.5, 0.34, 0.28]  # ln A, ln B, ln E, alpha, beta: near the printed law
REPEATS = 100


def terms(runs):
    """Logs of params, tokens and loss."""
    return [np.log(runs[name].to_numpy()) for name in ("params", "tokens", "loss")]


def huber_and_slope(x, n, d, y, size):
    """Sum of Huber's function of log residuals over ``size``, with its slope; as in the paper."""
    parts = np.array([x[0] - x[3] * n, x[1] - x[4] * d, np.full_like(n, x[2])])
    log_sum = np.logaddexp.reduce(parts)
    residual = log_sum - y
    knee = np.clip(residual, -1e-3, 1e-3)
    weights = knee * np.exp(parts - log_sum)
    slope = [*weights.sum(axis=1), -(weights[0] @ n), -(weights[1] @ d)]
    return (knee * (residual - knee / 2)).sum() / size, np.array(slope) / size


def l_bfgs(runs, size, **options):
    return minimize(huber_and_slope, HOFFMANN_START, args=(*terms(runs), size), jac=True,
                    method="L-BFGS-B", options=options)  # fmt: skip


ESTIMATORS = {
    "mean, default tolerances": (True, {}),
    "sum, default tolerances": (False, {}),
    "sum, tight tolerances": (False, {"ftol": 1e-15, "gtol": 1e-10, "maxiter": 5000}),
}


@pytest.fixture(scope="module")
def stops(chinchilla_runs):
    return {name: l_bfgs(chinchilla_runs, len(chinchilla_runs) if mean else 1, **options)
            for name, (mean, options) in ESTIMATORS.items()}  # fmt: skip


def test_an_optimiser_with_default_tolerances_stops_where_it_started(
    stops, chinchilla_runs, printed
):
    """The first row is the fit of Hoffmann et al. as it went wrong; the last is the minimum."""
    rows = []
    for name, stop in stops.items():
        A, B, E = np.exp(stop.x[:3])
        alpha, beta = stop.x[3:]
        total = huber_and_slope(stop.x, *terms(chinchilla_runs), 1)[0]
        rows.append([name, stop.nit, f"{A:.1f}", f"{B:.1f}", f"{E:.4f}", f"{alpha:.4f}",
                     f"{beta:.4f}", f"{total:.7f}"])  # fmt: skip
    first = stops["mean, default tolerances"]
    assert first.nit == 14
    assert list(np.exp(first.x[:3])) == [printed("403.0"), printed("402.8"), printed("1.6960")]
    assert list(first.x[3:]) == [printed(".3382"), printed(".2843")]
    fit = scaling.fit(Chinchilla, chinchilla_runs, bootstrap=0)
    assert stops["sum, tight tolerances"].fun == pytest.approx(fit.objective_value, rel=1e-8)
    header = ["objective of the fit", "iterations", "A", "B", "E", "alpha", "beta", "sum reached"]
    check_part(PAGE, "stops", table(header, rows))


def test_resamples_of_a_fit_that_does_not_move_agree_with_one_another(chinchilla_runs):
    rng = np.random.default_rng(0)
    resamples = [chinchilla_runs.iloc[rng.integers(0, 240, 240)] for _ in range(REPEATS)]
    rows, widths = [], {}
    for name, (mean, options) in ESTIMATORS.items():
        ends = [l_bfgs(runs, 240 if mean else 1, **options).x for runs in resamples]
        shares = np.array([x[4] / (x[3] + x[4]) for x in ends])
        low, high = np.quantile(shares, [0.1, 0.9])
        widths[name] = high - low
        rows.append([name, f"{low:.3f}", f"{high:.3f}"])
    assert widths["mean, default tolerances"] < widths["sum, tight tolerances"] / 15
    check_part(PAGE, "narrow", table(["objective of the fit", "10%", "90%"], rows))


def test_huber_at_a_thousandth_is_nearly_least_absolute(chinchilla_runs, printed):
    huber, lad = (scaling.fit(Chinchilla, chinchilla_runs, objective=objective, bootstrap=0)
                  for objective in (Huber(), LeastAbsolute()))  # fmt: skip
    laws = {"Huber, delta 1e-3": huber.law, "least absolute deviations": lad.law,
            "Besiroglu et al. 2024, printed": scaling.published("besiroglu-2024").law}  # fmt: skip
    rows = []
    for name, law in laws.items():
        n, d, y = terms(chinchilla_runs)
        x = [np.log(law.A), np.log(law.B), np.log(law.E), law.alpha, law.beta]
        residual = np.log(law.predict(chinchilla_runs)) - y
        rows.append([name, f"{law.E:.4f}", f"{law.A:.1f}", f"{law.B:.1f}", f"{law.alpha:.4f}",
                     f"{law.beta:.4f}", f"{huber_and_slope(x, n, d, y, 1)[0]:.8f}",
                     f"{np.abs(residual).sum():.5f}"])  # fmt: skip
    residual = huber.residuals()["residual"].abs()
    linear, middle = (residual > 1e-3).mean(), residual.median()
    assert linear == printed("0.84")
    assert middle == printed("3.2e-3")
    header = ["estimator", "E", "A", "B", "alpha", "beta", "Huber's sum", "absolute sum"]
    sentence = (
        f"\nAt Huber's minimum {linear:.0%} of the residuals are beyond the knee; their median is "
        f"{middle:.4f}.\n"
    )
    check_part(PAGE, "knee", table(header, rows) + sentence)


def test_the_floor_moves_as_budgets_are_added(data):
    """Porian et al. 2024 print 2.01, 1.78 and 1.68 for their first six, seven and eight."""
    optima = pd.read_csv(data / "isoflop-porian" / "optima.csv").dropna(subset=["loss"])
    setting = {"hparams": "tuned", "decay": "const", "param_count": "standard", "loss_kind": "val"}
    for column, value in setting.items():
        optima = optima[optima[column] == value]
    runs = optima.sort_values("flops").assign(x=optima["flops"] / 1e18).reset_index(drop=True)
    assert len(runs) == 12
    theirs = {6: "2.01", 7: "1.78", 8: "1.68"}
    rows = []
    for count in range(6, 13):
        fit = scaling.fit(PowerLawPlusConstant, runs[:count], objective=LeastSquares())
        row = fit.table().loc["E"]
        rows.append([count, f"{runs['flops'][count - 1]:.2g}", f"{row['value']:.2f}",
                     f"{row['low']:.2f} to {row['high']:.2f}", theirs.get(count, "")])  # fmt: skip
        if count in theirs:
            assert row["value"] == pytest.approx(float(theirs[count]), abs=0.02)
    header = ["budgets", "largest (FLOPs)", "E, ours", "90% of resamples", "E, printed"]
    check_part(PAGE, "floor", table(header, rows))


def test_the_worth_of_repeats_is_not_in_the_runs(data):
    """Published: R_D 15.4 and R_N 5.31, objective .0158259."""
    runs = pd.read_csv(data / "data-constrained-muennighoff" / "runs_fit182.csv")
    runs = runs.rename(columns={"val_loss": "loss"})
    rows, objectives = [], []
    for R_D in (5, 8, 12, 15.4, 20, 30, 50, 200):
        fit = scaling.fit(DataConstrained, runs, fixed={**C4_BASE, "R_D": R_D}, bootstrap=0)
        objectives.append(fit.objective_value)
        rows.append([f"{R_D:g}", f"{fit.law.R_N:.1f}", f"{fit.objective_value:.5f}"])
    assert max(objectives[2:]) / min(objectives) - 1 < 0.003
    header = ["R_D held at", "best R_N", "objective"]
    check_part(PAGE, "repeats", table(header, rows))

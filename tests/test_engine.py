"""The fitter against other solvers, algebra and certificates of optimality.

References come from SciPy's own robust least squares, started many times, or are the best values
known for these tables; a fit has to reach or beat them to a relative 1e-9.
"""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from paper_laws import (
    C4_BASE,
    BrokenOnce,
    DataConstrainedC4Threshold,
    Routed,
)
from scipy.optimize import curve_fit, least_squares, linprog

import scaling
from scaling import FitError, Huber, Law, LeastAbsolute, LeastSquares, coef
from scaling.dual import _RULES, Dual, differentiate
from scaling.fitting.engine import refine
from scaling.fitting.problem import Problem
from scaling.fitting.resampling import resample_counts
from scaling.fitting.search import RAW_STARTS, _starts
from scaling.laws import Chinchilla, DataConstrained, PowerLaw, PowerLawPlusConstant

DELTA = 1e-3
REACHED = 1 + 1e-9
STRICT = {"xtol": 1e-15, "ftol": 1e-15, "gtol": 1e-15}

PORIAN_KEYS = ["hparams", "warmup", "decay", "param_count", "loss_kind"]
PORIAN = {
    "reproducing-kaplan": ("base", "long", "kaplan", "kaplan", "train"),
    "counting-the-last-layer": ("base", "long", "kaplan", "standard", "val"),
    "correcting-warmup": ("base", "short", "kaplan", "standard", "val"),
    "cosine-decay": ("base", "short", "chinchilla", "standard", "val"),
    "optimizer-tuning": ("tuned", "short", "const", "standard", "val"),
}
ROUTERS = ("S-Base", "RL-R", "Hash")


def huber_sum(residual, delta=DELTA, weights=1.0):
    """The objective as its formula says: r^2/2 inside delta, delta (|r| - delta/2) beyond."""
    size = np.abs(residual)
    return np.sum(weights * np.where(size <= delta, size**2 / 2, delta * (size - delta / 2)))


def log_residual(fit, runs):
    target = runs[fit.columns[fit.law.target]].to_numpy()
    named = {role: runs[fit.columns[role]].to_numpy() for role in fit.law.inputs}
    return np.log(fit.law.predict(named)) - np.log(target)


def reaches(fit, runs, reference):
    """Whether the law itself, scored by the formula, is as good as the reference."""
    score = huber_sum(log_residual(fit, runs))
    assert fit.objective_value == pytest.approx(score, rel=1e-11)
    return score <= reference * REACHED


def codes(fit):
    return {issue.code for issue in fit.issues}


def drawn_counts(n, units, seed):
    """How often each run or group is in each of the first n resamples."""
    return next(resample_counts(n, units, seed))[:n].astype(int)


class LogChinchilla:
    """Log loss in (ln E, ln A, ln B, alpha, beta) with its Jacobian, as the papers' code has it."""

    def __init__(self, runs):
        self.log_size, self.log_tokens = np.log(runs["params"]), np.log(runs["tokens"])
        self.log_size, self.log_tokens = self.log_size.to_numpy(), self.log_tokens.to_numpy()
        self.wanted = np.log(runs["loss"].to_numpy())

    def _terms(self, x):
        e, a, b, alpha, beta = x
        return np.stack([np.full_like(self.wanted, e), a - alpha * self.log_size,
                         b - beta * self.log_tokens])  # fmt: skip

    def residual(self, x):
        return np.logaddexp.reduce(self._terms(x)) - self.wanted

    def jacobian(self, x):
        terms = self._terms(x)
        share = np.exp(terms - np.logaddexp.reduce(terms))
        return np.column_stack([*share, -share[1] * self.log_size, -share[2] * self.log_tokens])

    def starts(self, count, seed):
        low, high = np.array([-1.0, 1, 1, 0.1, 0.1]), np.array([1.3, 10, 10, 0.8, 0.8])
        return low + np.random.default_rng(seed).random((count, 5)) * (high - low)

    def scipy_huber(self, starts, rows=None):
        """Lowest sum that SciPy reaches from the starts, on some of the rows, repeats allowed."""
        rows = slice(None) if rows is None else rows
        ends = [
            least_squares(lambda x: self.residual(x)[rows], start, lambda x: self.jacobian(x)[rows],
                          loss="huber", f_scale=DELTA, x_scale="jac", max_nfev=2000, **STRICT)
            for start in starts
        ]  # fmt: skip
        return min(huber_sum(self.residual(end.x)[rows]) for end in ends)


def log_coordinates(law):
    return np.array([np.log(law.E), np.log(law.A), np.log(law.B), law.alpha, law.beta], dtype=float)


def scipy_huber_of(free, formula, wanted, starts):
    """Lowest sum that SciPy reaches over the logs of some coefficients of a formula."""

    def residual(u):
        with np.errstate(all="ignore"):
            found = np.log(formula(**dict(zip(free, np.exp(u), strict=True)))) - wanted
        return np.nan_to_num(found, nan=1e3, posinf=1e3, neginf=-1e3)

    ends = [
        least_squares(residual, np.log(start), loss="huber", f_scale=DELTA, max_nfev=2000, **STRICT)
        for start in starts
    ]
    return min(huber_sum(residual(end.x)) for end in ends)


@pytest.fixture(scope="module")
def best(chinchilla_runs):
    return scaling.fit(Chinchilla, chinchilla_runs, bootstrap=0)


@pytest.fixture(scope="module")
def porian(data):
    table = pd.read_csv(data / "isoflop-porian" / "isoflop_points.csv")
    groups = dict(list(table[table["loss"] <= 8].groupby(PORIAN_KEYS)))
    return {name: groups[key] for name, key in PORIAN.items()}


@pytest.fixture(scope="module")
def porian_optima(data):
    table = pd.read_csv(data / "isoflop-porian" / "optima.csv").dropna(subset=["loss"])
    groups = dict(list(table.groupby(PORIAN_KEYS)))
    return {name: groups[key] for name, key in PORIAN.items()}


@pytest.fixture(scope="module")
def llama_runs(data):
    table = pd.read_csv(data / "isoflop-llama3" / "isoflops_points.csv")
    return pd.DataFrame({
        "params": table["compute_budget"] / (6 * table["training_tokens"]),
        "tokens": table["training_tokens"], "loss": table["validation_loss"],
    })  # fmt: skip


@pytest.fixture(scope="module")
def repeated_runs(data):
    table = pd.read_csv(data / "data-constrained-muennighoff" / "runs_fit182.csv")
    return table.rename(columns={"val_loss": "loss"})


@pytest.fixture(scope="module")
def two_free(repeated_runs):
    """Muennighoff's own problem: the base law frozen, R*_D and R*_N free."""
    return scaling.fit(DataConstrained, repeated_runs, fixed=C4_BASE, bootstrap=0)


@pytest.fixture(scope="module")
def routed_runs(data):
    """Last row of each run with routing_frequency 0.5, k 1 and seed 42, by router, each with the
    five dense runs."""
    table = pd.read_csv(data / "routed-clark" / "curves.csv.gz").sort_values("step")
    last = table.groupby("hyper_id").tail(1)
    last = last[(last["routing_frequency"] == 0.5) & (last["k"] == 1) & (last["seed"] == 42)]
    last = last.rename(columns={"dense_parameter_count": "params_active", "num_experts": "experts",
                                "loss_validation": "loss"})  # fmt: skip
    columns = ["params_active", "experts", "loss"]
    return {r: last.loc[last["router_type"].isin([r, "Dense"]), columns] for r in ROUTERS}


def test_chinchilla_240_reaches_the_best_known(best, chinchilla_runs):
    assert len(chinchilla_runs) == 240
    assert reaches(best, chinchilla_runs, 0.0010182740178)
    log_law = LogChinchilla(chinchilla_runs)
    assert reaches(best, chinchilla_runs, log_law.scipy_huber(log_law.starts(12, seed=0)))
    assert {issue.code for issue in best.issues} == {"far-runs"}  # the next highest loss


def test_chinchilla_240_with_tied_exponents_reaches_the_best_known(chinchilla_runs):
    fit = scaling.fit(Chinchilla, chinchilla_runs, tied={"beta": "alpha"}, bootstrap=0)
    assert reaches(fit, chinchilla_runs, 0.0010221748939)
    assert fit.law.beta == fit.law.alpha


def test_chinchilla_245_reaches_the_best_known(chinchilla_runs_all):
    fit = scaling.fit(Chinchilla, chinchilla_runs_all, bootstrap=0)
    assert len(chinchilla_runs_all) == 245
    assert reaches(fit, chinchilla_runs_all, 0.00182601052307)


@pytest.mark.parametrize("setting", PORIAN)
def test_porian_settings_reach_scipy_from_many_starts(porian, reproduces, setting):
    runs = porian[setting]
    log_law = LogChinchilla(runs)
    reference = log_law.scipy_huber(log_law.starts(10, seed=0))
    fit = scaling.fit(Chinchilla, runs, bootstrap=0)
    assert reaches(fit, runs, reference)
    assert reference < fit.objective_value * (1 + 1e-6)  # SciPy arrived, so it is a reference
    reproduces("Porian et al. 2024", f"Chinchilla's law on losses up to 8, {setting}", "",
               fit.objective_value, objective="Huber 1e-3",
               verdict="agrees with SciPy")  # fmt: skip


def test_porian_settings_have_the_known_first_and_last_objective(porian, printed):
    ends = [scaling.fit(Chinchilla, porian[name], bootstrap=0).objective_value
            for name in ("reproducing-kaplan", "optimizer-tuning")]  # fmt: skip
    assert ends[0] == printed(".00244")
    assert ends[1] == printed(".00663")


def test_llama_points_reach_the_best_known(llama_runs, reproduces):
    assert len(llama_runs) == 133
    fit = scaling.fit(Chinchilla, llama_runs, bootstrap=0)
    assert reaches(fit, llama_runs, 0.000390467846005)
    log_law = LogChinchilla(llama_runs)
    assert reaches(fit, llama_runs, log_law.scipy_huber(log_law.starts(10, seed=0)))
    reproduces("Grattafiori et al. 2024", "Chinchilla's law on 133 points of figure 2, params "
               "from 6ND", "", fit.objective_value, digits=9, objective="Huber 1e-3",
               verdict="agrees with SciPy")  # fmt: skip


@pytest.mark.parametrize(
    ("setting", "reference"),
    [("counting-the-last-layer", 4.847641344e-5), ("cosine-decay", 7.225395476e-5)],
)
def test_power_law_plus_constant_reaches_the_best_known(
    porian_optima, reproduces, setting, reference
):
    """Loss at each budget's optimum (column loss) against the budget (column flops)."""
    runs = porian_optima[setting]
    fit = scaling.fit(PowerLawPlusConstant, runs, columns={"x": "flops"}, bootstrap=0)
    assert reaches(fit, runs, reference)
    starts = [(E, 10.0 ** (16 * alpha), alpha) for E in (1, 2, 3) for alpha in (0.1, 0.2, 0.3)]
    x, wanted = runs["flops"].to_numpy(), np.log(runs["loss"].to_numpy())
    names = ("E", "A", "alpha")
    found = scipy_huber_of(names, lambda E, A, alpha: E + A * x**-alpha, wanted, starts)
    assert reaches(fit, runs, found)
    reproduces("Porian et al. 2024", f"loss of the optima against compute, {setting}", "",
               fit.objective_value, digits=7, objective="Huber 1e-3",
               verdict="agrees with SciPy")  # fmt: skip


def test_muennighoff_with_two_free_reaches_the_best_known(two_free, repeated_runs):
    assert reaches(two_free, repeated_runs, 0.015804662474002)


def test_muennighoff_with_seven_free_and_published_threshold_reaches_the_best_known(repeated_runs):
    fit = scaling.fit(DataConstrainedC4Threshold, repeated_runs, bootstrap=0)
    assert reaches(fit, repeated_runs, 0.00636496161673)


def test_muennighoff_with_seven_free_runs_away_to_its_bound_and_says_so(repeated_runs):
    fit = scaling.fit(DataConstrained, repeated_runs, bootstrap=0)
    assert 0.0065658956 < huber_sum(log_residual(fit, repeated_runs)) < 0.0065660
    bound = DataConstrained.coefficients["R_N"].typical[1] * 1e6
    assert pytest.approx(bound, rel=1e-9) == fit.law.R_N
    assert fit.ended == {"R_N": "upper bound"}
    assert {"at-bound", "flat-direction"} <= codes(fit)
    told = next(issue for issue in fit.issues if issue.code == "at-bound")
    assert "R_N" in told.message
    assert "infinity" in told.message


def test_a_runaway_follows_the_users_bound(repeated_runs, printed):
    fit = scaling.fit(DataConstrained, repeated_runs, bounds={"R_N": (1e-3, 1e14)}, bootstrap=0)
    assert fit.objective_value == printed("0.0065658956")
    assert pytest.approx(1e14, rel=1e-9) == fit.law.R_N
    assert fit.ended == {"R_N": "upper bound"}


def scipy_routed(runs, loss):
    """Lowest objective SciPy reaches in log10 of the loss, from about the published law."""
    n, e = np.log10(runs["params_active"].to_numpy()), runs["experts"].to_numpy()
    wanted = np.log10(runs["loss"].to_numpy())

    def residual(x):
        a, b, c, d, log_start, log_span = x
        with np.errstate(all="ignore"):
            start, end = np.exp(log_start), np.exp(log_start) + np.exp(log_span)
            saturated = np.log10(1 / (1 / (e - 1 + 1 / (1 / start - 1 / end)) + 1 / end))
            found = (a * n + b * saturated + c * n * saturated + d - wanted) * np.log(10)
        return np.nan_to_num(found, nan=1e3, posinf=1e3, neginf=-1e3)

    start = np.array([-0.08, -0.1, 0.01, 1.1, np.log(2), np.log(300)])
    moves = np.random.default_rng(0).normal(size=(6, 6)) * [0.01, 0.03, 0.003, 0.05, 0.3, 0.3]
    ends = [least_squares(residual, start + move, loss=loss, f_scale=DELTA, x_scale="jac",
                          max_nfev=5000, **STRICT) for move in moves]  # fmt: skip
    return min(end.cost for end in ends)


@pytest.mark.parametrize(
    ("router", "count", "mean_square"),
    [("S-Base", 58, "1.04168846e-5"), ("RL-R", 59, "1.04280009e-5"), ("Hash", 56, "8.89027566e-6")],
)
def test_clark_reaches_the_best_known_least_squares(
    routed_runs, printed, reproduces, router, count, mean_square
):
    """The reference is the mean square in log10, the objective half the sum of squares in ln:
    objective = count ln(10)^2 / 2 times the reference."""
    runs = routed_runs[router]
    assert len(runs) == count
    fit = scaling.fit(Routed, runs, objective=LeastSquares(), bootstrap=0)
    score = np.sum(log_residual(fit, runs) ** 2) / 2
    assert fit.objective_value == pytest.approx(score, rel=1e-11)
    found = score / (count * np.log(10) ** 2 / 2)
    assert found == printed(mean_square)
    assert score <= scipy_routed(runs, "linear") * REACHED
    reproduces("Clark et al. 2022", f"mean square of log10 residuals, router {router}", "", found,
               digits=9, objective="least squares of log", verdict="agrees with SciPy")  # fmt: skip


@pytest.mark.parametrize("router", ROUTERS)
def test_clark_reaches_scipys_huber(routed_runs, router):
    fit = scaling.fit(Routed, routed_runs[router], bootstrap=0)
    assert reaches(fit, routed_runs[router], scipy_routed(routed_runs[router], "huber"))


def test_clark_reaches_the_best_known_huber(routed_runs):
    fit = scaling.fit(Routed, routed_runs["S-Base"], bootstrap=0)
    assert reaches(fit, routed_runs["S-Base"], 3.22242491696e-4)


@pytest.mark.parametrize("objective", [Huber(), LeastSquares(), LeastAbsolute()], ids=str)
def test_one_break_is_recovered_from_points_without_noise(objective):
    """Synthetic: 14 points of the law that Caballero et al. fit to four-digit addition, both
    sides of its break. Their own 14 points lie before it and are not at hand."""
    law = BrokenOnce(a=0.4138845, b=2.2772723, c0=0.0550773, c1=5.6629038, d1=612.58362,
                     f1=0.0591930)  # fmt: skip
    x = np.geomspace(50, 2000, 14)
    runs = pd.DataFrame({"x": x, "loss": law.predict(x=x)})
    fit = scaling.fit(BrokenOnce, runs, objective=objective, bootstrap=0)
    new = np.geomspace(20, 5000, 200)
    assert_allclose(fit.law.predict(x=new), law.predict(x=new), rtol=1e-9)
    assert_allclose(list(fit.law.values.values()), list(law.values.values()), rtol=1e-6)


@pytest.mark.parametrize("seed", range(10))
def test_no_seed_changes_the_answer(best, chinchilla_runs, two_free, repeated_runs, seed):
    fit = scaling.fit(Chinchilla, chinchilla_runs, seed=seed, bootstrap=0)
    assert fit.objective_value == pytest.approx(best.objective_value, rel=1e-10)
    fit = scaling.fit(DataConstrained, repeated_runs, fixed=C4_BASE, seed=seed, bootstrap=0)
    assert fit.objective_value == pytest.approx(two_free.objective_value, rel=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_no_seed_changes_the_answer_on_any_table(
    porian, llama_runs, repeated_runs, routed_runs, chinchilla_runs_all, seed
):
    cases = [(Chinchilla, runs, {}) for runs in (*porian.values(), llama_runs, chinchilla_runs_all)]
    cases += [(Routed, runs, {}) for runs in routed_runs.values()]
    cases += [(Routed, runs, {"objective": LeastSquares()}) for runs in routed_runs.values()]
    cases += [(DataConstrained, repeated_runs, {}), (DataConstrainedC4Threshold, repeated_runs, {})]
    for family, runs, options in cases:
        values = [scaling.fit(family, runs, seed=s, bootstrap=0, **options).objective_value
                  for s in (0, seed + 1)]  # fmt: skip
        assert values[1] == pytest.approx(values[0], rel=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_the_rows_does_not_matter(best, chinchilla_runs, seed):
    shuffled = chinchilla_runs.sample(frac=1, random_state=seed)
    fit = scaling.fit(Chinchilla, shuffled, bootstrap=0)
    assert fit.objective_value == pytest.approx(best.objective_value, rel=1e-10)
    assert_allclose(log_coordinates(fit.law), log_coordinates(best.law), rtol=1e-6)


def test_units_of_the_inputs_do_not_matter(best, chinchilla_runs):
    runs = chinchilla_runs.assign(params=chinchilla_runs["params"] / 1e9,
                                  tokens=chinchilla_runs["tokens"] / 1e9)  # fmt: skip
    fit = scaling.fit(Chinchilla, runs, bootstrap=0)
    assert fit.objective_value == pytest.approx(best.objective_value, rel=1e-10)
    assert pytest.approx(best.law.A, rel=1e-6) == fit.law.A * 1e9**fit.law.alpha
    assert pytest.approx(best.law.B, rel=1e-6) == fit.law.B * 1e9**fit.law.beta


def test_a_unit_of_loss_scales_the_law_under_a_log_objective(best, chinchilla_runs):
    runs = chinchilla_runs.assign(loss=chinchilla_runs["loss"] / np.log(2))
    fit = scaling.fit(Chinchilla, runs, bootstrap=0)
    assert fit.objective_value == pytest.approx(best.objective_value, rel=1e-10)
    for name in ("E", "A", "B"):
        nats = getattr(fit.law, name) * np.log(2)
        assert nats == pytest.approx(getattr(best.law, name), rel=1e-6)


@pytest.mark.parametrize("objective", [Huber(), LeastSquares(), LeastAbsolute(),
                                       Huber(space="linear"), LeastSquares(space="linear")],
                         ids=str)  # fmt: skip
@pytest.mark.parametrize("name", ["besiroglu-2024", "hoffmann-2022"])
def test_runs_without_noise_give_the_law_back(chinchilla_runs, name, objective):
    law = scaling.published(name).law
    runs = chinchilla_runs.assign(loss=law.predict(chinchilla_runs))
    fit = scaling.fit(Chinchilla, runs, objective=objective, bootstrap=0)
    assert_allclose(list(fit.law.values.values()), list(law.values.values()), rtol=1e-6)
    assert fit.objective_value < 1e-12
    assert "hard-surface" not in codes(fit)


@pytest.mark.parametrize("seed", range(5))
def test_runs_of_a_power_law_with_a_constant_give_it_back(seed):
    rng = np.random.default_rng(seed)
    law = PowerLawPlusConstant(E=rng.uniform(0.5, 3), A=10 ** rng.uniform(0, 3),
                               alpha=rng.uniform(0.1, 0.6))  # fmt: skip
    x = np.geomspace(1e2, 1e8, 12)
    fit = scaling.fit(PowerLawPlusConstant, {"x": x, "loss": law.predict(x=x)}, bootstrap=0)
    assert_allclose(list(fit.law.values.values()), list(law.values.values()), rtol=1e-6)


def test_no_more_runs_than_free_coefficients_are_refused(chinchilla_runs):
    for count in (1, 5):
        with pytest.raises(FitError, match=f"at least 6 runs; got {count}"):
            scaling.fit(Chinchilla, chinchilla_runs[:count])
    with pytest.raises(FitError, match="at least 5 runs; got 4"):
        scaling.fit(Chinchilla, chinchilla_runs[:4], fixed={"E": 1.8})
    with pytest.raises(FitError, match="at least 6 runs; got 5"):
        scaling.fit(Chinchilla, chinchilla_runs, weights=[1.0] * 5 + [0.0] * 235)


def test_one_run_more_than_free_coefficients_is_fitted_with_an_issue(chinchilla_runs):
    fit = scaling.fit(Chinchilla, chinchilla_runs[::40], bootstrap=0)
    assert fit.data.count == 6
    assert "few-runs" in codes(fit)


def test_a_noisy_pure_power_law_ends_with_its_constant_at_zero():
    """In this draw the best constant would be negative, so zero is the best allowed."""
    x = np.geomspace(1e6, 1e12, 30)
    noise = np.random.default_rng(2).normal(0, 0.02, 30)
    runs = pd.DataFrame({"x": x, "loss": 50 * x**-0.15 * np.exp(noise)})
    pure = scaling.fit(PowerLaw, runs, bootstrap=0)
    for E in (1e-3, 1e-2, 0.1):  # the witness: every constant makes the best pure law worse
        wanted = np.log(runs["loss"].to_numpy())
        starts = [(40.0, 0.14), (50.0, 0.15), (60.0, 0.16)]
        raised = scipy_huber_of(("A", "alpha"), lambda A, alpha, E=E: E + A * x**-alpha, wanted,
                                starts)  # fmt: skip
        assert raised > pure.objective_value
    fit = scaling.fit(PowerLawPlusConstant, runs, bootstrap=50)
    assert fit.law.E == 0
    assert fit.ended == {"E": "zero"}
    assert "at-zero" in codes(fit)
    assert fit.table().loc["E", "status"] == "at zero"
    assert fit.objective_value == pytest.approx(pure.objective_value, rel=1e-9)
    assert fit.law.alpha == pytest.approx(pure.law.alpha, rel=1e-6)
    assert fit.table().loc["E", "high"] > 0  # resamples may still want a constant


def test_an_exact_pure_power_law_ends_with_its_constant_at_zero():
    x = np.geomspace(1e6, 1e12, 30)
    fit = scaling.fit(PowerLawPlusConstant, {"x": x, "loss": 50 * x**-0.15}, bootstrap=0)
    assert_allclose(fit.law.predict(x=x), 50 * x**-0.15, rtol=1e-6)
    assert fit.law.E == 0
    assert "at-zero" in codes(fit)


def test_weights_multiply_the_objective(best, chinchilla_runs):
    fit = scaling.fit(Chinchilla, chinchilla_runs, weights=[2.0] * 240, bootstrap=0)
    assert fit.objective_value == pytest.approx(2 * best.objective_value, rel=1e-12)
    assert_allclose(log_coordinates(fit.law), log_coordinates(best.law), rtol=1e-7)


@pytest.mark.parametrize("objective", [Huber(), LeastSquares(), LeastAbsolute()], ids=str)
def test_whole_weights_are_repeated_rows(chinchilla_runs, objective):
    counts = np.random.default_rng(0).integers(0, 4, 240)
    repeated = chinchilla_runs.loc[chinchilla_runs.index.repeat(counts)].reset_index(drop=True)
    weighted = scaling.fit(Chinchilla, chinchilla_runs, weights=counts, objective=objective,
                           bootstrap=0)  # fmt: skip
    plain = scaling.fit(Chinchilla, repeated, objective=objective, bootstrap=0)
    assert weighted.objective_value == pytest.approx(plain.objective_value, rel=1e-10)
    assert_allclose(log_coordinates(weighted.law), log_coordinates(plain.law), rtol=1e-6)


def test_a_column_of_weights_is_the_same_as_the_numbers(chinchilla_runs):
    weights = np.linspace(0.5, 2, 240)
    by_name = scaling.fit(Chinchilla, chinchilla_runs.assign(trust=weights), weights="trust",
                          bootstrap=0)  # fmt: skip
    by_value = scaling.fit(Chinchilla, chinchilla_runs, weights=weights, bootstrap=0)
    assert by_name.objective_value == by_value.objective_value
    score = huber_sum(log_residual(by_value, chinchilla_runs), weights=weights)
    assert by_value.objective_value == pytest.approx(score, rel=1e-11)


def share_to_the_end(runs, fit):
    """Share of the fit's raw starts that arrive when each is followed to the end on all runs."""
    inputs = tuple(runs[name].to_numpy() for name in fit.law.inputs)
    problem = Problem(fit.family, inputs, runs["loss"].to_numpy(), np.ones(len(runs)),
                      fit.objective, fit.constraints)  # fmt: skip
    ends = refine(problem, _starts(problem, fit.seed)[:RAW_STARTS], knee=DELTA, limit=500)
    return np.mean(ends.value <= fit.objective_value * (1 + 1e-4))


def test_the_share_of_starts_does_not_flatter(best, chinchilla_runs):
    """The share counts starts that get few iterations on few runs, and may only be too low."""
    assert 0 < best.starts.share <= share_to_the_end(chinchilla_runs, best) + 0.1


def test_a_surface_is_not_called_hard_where_most_starts_arrive(chinchilla_runs):
    fit = scaling.fit(Chinchilla, chinchilla_runs, bounds={"alpha": (0.1, 0.3)}, bootstrap=0)
    assert share_to_the_end(chinchilla_runs, fit) > 0.5
    assert "hard-surface" not in codes(fit)


def test_several_minima_are_told(two_free, repeated_runs, prints):
    """Besides the lowest, (15.37, 5.315), which Muennighoff et al. report, is a local minimum."""
    assert "other-minima" in codes(two_free)
    near = two_free.starts.near(two_free.objective_value)
    published = [law for law, _ in near if abs(law.R_D - 15.37) < 1]
    assert len(published) == 1
    prints(published[0], R_D="15.37", R_N="5.315")
    wanted = np.log(repeated_runs["loss"].to_numpy())
    for law, value in near:
        score = huber_sum(np.log(law.predict(repeated_runs)) - wanted)
        assert value == pytest.approx(score, rel=1e-9)
        assert value > two_free.objective_value


def test_resamples_of_several_minima_find_the_lowest_of_each(two_free, repeated_runs):
    fit = scaling.bootstrap(two_free, 12)
    assert "several-minima" in codes(fit)
    inputs = [repeated_runs[name].to_numpy() for name in DataConstrained.inputs]
    wanted = np.log(repeated_runs["loss"].to_numpy())
    starts = [(R_D, R_N) for R_D in (3.0, 12.0, 50.0, 1e3) for R_N in (0.3, 1.5, 6.0, 30.0)]
    counts = drawn_counts(12, len(wanted), fit.seed)
    for i, count in enumerate(counts):
        rows = np.repeat(np.arange(len(wanted)), count)
        drawn = [column[rows] for column in inputs]

        def formula(R_D, R_N, drawn=drawn):
            return DataConstrained.unchecked({**C4_BASE, "R_D": R_D, "R_N": R_N}).formula(*drawn)

        found = scipy_huber_of(("R_D", "R_N"), formula, wanted[rows], starts)
        law = fit.draws.pick(i)
        ours = huber_sum(np.log(formula(law.R_D, law.R_N)) - wanted[rows])
        assert ours <= found * (1 + 1e-6)


GENUINE = 1 - 1e-6


def _descends(law, runs, free, objective_value):
    """What SciPy reaches from a law, over its objective."""
    inputs = [runs[name].to_numpy() for name in law.inputs]
    values = law.values

    def formula(**moved):
        return type(law).unchecked({**values, **moved}).formula(*inputs)

    wanted = np.log(runs["loss"].to_numpy())
    return scipy_huber_of(free, formula, wanted, [[values[n] for n in free]]) / objective_value


def test_every_other_minimum_told_is_one_muennighoff(two_free, repeated_runs):
    for law, value in two_free.starts.near(two_free.objective_value):
        assert _descends(law, repeated_runs, ("R_D", "R_N"), value) > GENUINE


def test_every_other_minimum_told_is_one_chinchilla_in_billions(chinchilla_runs):
    runs = chinchilla_runs.assign(params=chinchilla_runs["params"] / 1e9,
                                  tokens=chinchilla_runs["tokens"] / 1e9)  # fmt: skip
    fit = scaling.fit(Chinchilla, runs, bootstrap=0)
    for law, value in fit.starts.near(fit.objective_value):
        assert _descends(law, runs, ("E", "A", "B", "alpha", "beta"), value) > GENUINE


def test_every_other_minimum_told_is_one_power_law_without_constant():
    x = np.geomspace(1e6, 1e12, 30)
    noise = np.random.default_rng(2).normal(0, 0.02, 30)
    runs = pd.DataFrame({"x": x, "loss": 50 * x**-0.15 * np.exp(noise)})
    fit = scaling.fit(PowerLawPlusConstant, runs, bootstrap=0)
    for law, value in fit.starts.near(fit.objective_value):
        assert _descends(law, runs, ("E", "A", "alpha"), value) > GENUINE


def test_resamples_are_no_worse_than_scipy(best, chinchilla_runs):
    fit = scaling.bootstrap(best, 50)
    log_law = LogChinchilla(chinchilla_runs)
    counts = drawn_counts(50, 240, fit.seed)
    assert_array_equal(counts.sum(axis=1), 240)
    for i, count in enumerate(counts):
        rows = np.repeat(np.arange(240), count)
        ours = log_coordinates(fit.draws.pick(i))
        value = huber_sum(log_law.residual(ours)[rows])
        found = log_law.scipy_huber([log_coordinates(best.law), ours], rows)
        assert value <= found * (1 + 1e-8)


def test_resamples_whose_constant_vanishes_are_no_worse_than_scipy():
    x = np.geomspace(1e6, 1e12, 30)
    noise = np.random.default_rng(2).normal(0, 0.02, 30)
    loss = 50 * x**-0.15 * np.exp(noise)
    fit = scaling.fit(PowerLawPlusConstant, {"x": x, "loss": loss}, bootstrap=50)
    counts = drawn_counts(50, 30, fit.seed)
    for i, count in enumerate(counts):
        rows = np.repeat(np.arange(30), count)
        law = fit.draws.pick(i)
        ours = huber_sum(np.log(law.predict(x=x[rows])) - np.log(loss[rows]))
        pure = scipy_huber_of(("A", "alpha"), lambda A, alpha, at=x[rows]: A * at**-alpha,
                              np.log(loss[rows]), [(50.0, 0.15), (law.A, law.alpha)])  # fmt: skip
        assert ours <= pure * (1 + 1e-6)


def test_the_first_resamples_are_the_same_for_any_number(best, two_free):
    for fit in (best, two_free):
        few, many = scaling.bootstrap(fit, 20).draws, scaling.bootstrap(fit, 200).draws
        for name in fit.law.values:
            assert_array_equal(getattr(few, name), getattr(many, name)[:20])


def test_resampling_groups_of_one_run_is_resampling_runs(best):
    single = scaling.bootstrap(best, 30).draws
    grouped = scaling.bootstrap(best, 30, groups=np.arange(240)).draws
    for name in best.law.values:
        assert_array_equal(getattr(grouped, name), getattr(single, name))


def test_resampling_groups_keeps_their_runs_together(best, chinchilla_runs):
    runs = chinchilla_runs.assign(budget=np.round(np.log10(chinchilla_runs["compute"]), 0))
    labels = pd.factorize(runs["budget"])[0]
    fit = scaling.fit(Chinchilla, runs, bootstrap=16, groups="budget")
    assert fit.draws_kind == "groups=budget n=16"
    assert "few-groups" in codes(fit)
    log_law = LogChinchilla(runs)
    counts = drawn_counts(16, labels.max() + 1, fit.seed)
    for i, count in enumerate(counts[:8]):
        rows = np.repeat(np.arange(240), count[labels])
        ours = log_coordinates(fit.draws.pick(i))
        value = huber_sum(log_law.residual(ours)[rows])
        assert value <= log_law.scipy_huber([log_coordinates(best.law), ours], rows) * (1 + 1e-8)


def test_a_fixed_coefficient_stays_and_the_rest_is_scipys(chinchilla_runs):
    fit = scaling.fit(Chinchilla, chinchilla_runs, fixed={"E": 1.7}, bootstrap=10)
    assert fit.law.E == 1.7
    assert_array_equal(fit.draws.E, 1.7)
    assert fit.table().loc["E", "status"] == "fixed"
    log_law = LogChinchilla(chinchilla_runs)

    def residual(x):
        return log_law.residual([np.log(1.7), *x])

    ends = [least_squares(residual, start[1:], loss="huber", f_scale=DELTA, x_scale="jac",
                          max_nfev=2000, **STRICT)
            for start in log_law.starts(8, seed=0)]  # fmt: skip
    assert reaches(fit, chinchilla_runs, min(huber_sum(end.fun) for end in ends))


def test_fixing_a_coefficient_at_its_best_changes_nothing(best, chinchilla_runs):
    fit = scaling.fit(Chinchilla, chinchilla_runs, fixed={"beta": best.law.beta}, bootstrap=0)
    assert fit.objective_value == pytest.approx(best.objective_value, rel=1e-12)


TIES = {
    "alpha + 0.01": lambda alpha: alpha + 0.01,
    "2 * alpha": lambda alpha: 2 * alpha,
    "exp(-alpha) / 2": lambda alpha: np.exp(-alpha) / 2,
    "sqrt(alpha) - 0.2": lambda alpha: np.sqrt(alpha) - 0.2,
    "log(1 + alpha)": lambda alpha: np.log(1 + alpha),
    "alpha / (1 - alpha)": lambda alpha: alpha / (1 - alpha),
    "min(alpha, 0.35)": lambda alpha: np.minimum(alpha, 0.35),
}


@pytest.mark.parametrize("expression", TIES)
def test_a_tie_by_expression_is_the_law_with_the_expression_put_in(chinchilla_runs, expression):
    tie = TIES[expression]

    class Substituted(Law):
        inputs = ("params", "tokens")
        E = coef("irreducible loss", typical=(0.2, 4))
        A = coef("params prefactor", typical=(1e0, 1e5))
        B = coef("tokens prefactor", typical=(1e0, 1e5))
        alpha = coef("params exponent", typical=(0.05, 0.95))

        def formula(self, N, D):
            return self.E + self.A * N**-self.alpha + self.B * D ** -tie(self.alpha)

    fit = scaling.fit(Chinchilla, chinchilla_runs, tied={"beta": expression}, bootstrap=0)
    assert fit.law.beta == pytest.approx(float(tie(fit.law.alpha)), rel=1e-12)
    assert fit.table().loc["beta", "status"] == f"= {expression}"
    plain = scaling.fit(Substituted, chinchilla_runs, bootstrap=0)
    assert fit.objective_value == pytest.approx(plain.objective_value, rel=1e-9)
    assert fit.law.alpha == pytest.approx(plain.law.alpha, rel=1e-5)


def test_a_tie_by_expression_reaches_scipy(chinchilla_runs):
    fit = scaling.fit(Chinchilla, chinchilla_runs, tied={"beta": "alpha + 0.01"}, bootstrap=0)
    log_law = LogChinchilla(chinchilla_runs)
    ends = [least_squares(lambda x: log_law.residual([*x, x[3] + 0.01]), start[:4], loss="huber",
                          f_scale=DELTA, x_scale="jac", max_nfev=2000, **STRICT)
            for start in log_law.starts(8, seed=0)]  # fmt: skip
    assert reaches(fit, chinchilla_runs, min(huber_sum(end.fun) for end in ends))


def test_a_tie_to_a_fixed_coefficient_fixes_both(chinchilla_runs):
    tied = scaling.fit(Chinchilla, chinchilla_runs, fixed={"alpha": 0.35}, tied={"beta": "alpha"},
                       bootstrap=0)  # fmt: skip
    both = scaling.fit(Chinchilla, chinchilla_runs, fixed={"alpha": 0.35, "beta": 0.35},
                       bootstrap=0)  # fmt: skip
    assert tied.law.beta == 0.35
    assert tied.objective_value == pytest.approx(both.objective_value, rel=1e-12)


def test_two_ties_hold_together(chinchilla_runs):
    tied = {"beta": "alpha", "B": "4 * A"}
    fit = scaling.fit(Chinchilla, chinchilla_runs, tied=tied, bootstrap=10)
    assert fit.law.beta == fit.law.alpha
    assert_allclose(fit.law.B, 4 * fit.law.A, rtol=1e-14)
    assert_array_equal(fit.draws.beta, fit.draws.alpha)
    assert_allclose(fit.draws.B, 4 * fit.draws.A, rtol=1e-14)


def test_an_active_bound_is_kept_told_and_as_good_as_fixing_there(chinchilla_runs, best):
    assert best.law.alpha < 0.36
    fit = scaling.fit(Chinchilla, chinchilla_runs, bounds={"alpha": (0.36, 0.5)}, bootstrap=10)
    held = scaling.fit(Chinchilla, chinchilla_runs, fixed={"alpha": 0.36}, bootstrap=0)
    assert fit.law.alpha == pytest.approx(0.36, rel=1e-12)
    assert fit.objective_value == pytest.approx(held.objective_value, rel=1e-9)
    assert fit.ended == {"alpha": "lower bound"}
    assert "at-bound" in codes(fit)
    assert (fit.draws.alpha >= 0.36 * (1 - 1e-12)).all()


def test_an_idle_bound_changes_nothing(chinchilla_runs, best):
    fit = scaling.fit(Chinchilla, chinchilla_runs, bounds={"alpha": (0.1, 0.8)}, bootstrap=0)
    assert fit.objective_value == pytest.approx(best.objective_value, rel=1e-12)
    assert fit.ended == {}


def test_a_bound_on_a_coefficient_of_either_sign_holds(routed_runs):
    runs = routed_runs["S-Base"]
    free = scaling.fit(Routed, runs, objective=LeastSquares(), bootstrap=0)
    assert free.law.c > 0.005
    fit = scaling.fit(Routed, runs, objective=LeastSquares(), bounds={"c": (-0.005, 0.005)},
                      bootstrap=0)  # fmt: skip
    held = scaling.fit(Routed, runs, objective=LeastSquares(), fixed={"c": 0.005}, bootstrap=0)
    assert fit.law.c == pytest.approx(0.005, rel=1e-12)
    assert fit.objective_value == pytest.approx(held.objective_value, rel=1e-9)


def test_constraints_that_cannot_hold_are_refused_in_words(chinchilla_runs):
    def refused(match, **options):
        with pytest.raises(FitError, match=match):
            scaling.fit(Chinchilla, chinchilla_runs, bootstrap=0, **options)

    refused("fixed names 'gamma'", fixed={"gamma": 1.0})
    refused("beta is constrained twice", fixed={"beta": 0.3}, tied={"beta": "alpha"})
    refused("beta is tied to 'gamma'", tied={"beta": "gamma"})
    refused("beta is tied to 'beta'", tied={"beta": "beta"})
    refused("low < high", bounds={"alpha": (0.5, 0.1)})
    refused("fixed E must be 0 or more", fixed={"E": -1.0})
    refused("nothing is left to fit", fixed=dict.fromkeys(Chinchilla.coefficients, 1.0))


def test_least_absolute_240_is_the_known_one(chinchilla_runs, prints):
    fit = scaling.fit(Chinchilla, chinchilla_runs, objective=LeastAbsolute(), bootstrap=0)
    total = np.abs(log_residual(fit, chinchilla_runs)).sum()
    assert fit.objective_value == pytest.approx(total, rel=1e-12)
    assert total <= 1.1294950
    prints(fit.law, A="482.01", B="2085.4", E="1.81686", alpha=".34781", beta=".36585")


def test_least_absolute_meets_the_certificate_of_an_optimum(chinchilla_runs):
    """At a vertex q residuals vanish, and multipliers of at most 1 on their gradients balance
    the signs of all others."""
    fit = scaling.fit(Chinchilla, chinchilla_runs, objective=LeastAbsolute(), bootstrap=0)
    log_law, x = LogChinchilla(chinchilla_runs), log_coordinates(fit.law)
    residual, jacobian = log_law.residual(x), log_law.jacobian(x)
    order = np.argsort(np.abs(residual))
    vertex, others = order[:5], order[5:]
    assert np.abs(residual[vertex]).max() < 1e-8
    pull = jacobian[others].T @ np.sign(residual[others])
    multipliers = np.linalg.solve(jacobian[vertex].T, -pull)
    assert np.abs(multipliers).max() <= 1


def test_no_small_move_lowers_least_absolute(chinchilla_runs):
    fit = scaling.fit(Chinchilla, chinchilla_runs, objective=LeastAbsolute(), bootstrap=0)
    log_law, x = LogChinchilla(chinchilla_runs), log_coordinates(fit.law)
    rng = np.random.default_rng(0)
    for size in (1e-6, 1e-4, 1e-2):
        for move in rng.normal(size=(400, 5)) * size:
            assert np.abs(log_law.residual(x + move)).sum() >= fit.objective_value * (1 - 1e-10)


def test_huber_tends_to_least_absolute_and_to_least_squares(chinchilla_runs):
    absolute = scaling.fit(Chinchilla, chinchilla_runs, objective=LeastAbsolute(), bootstrap=0)
    squares = scaling.fit(Chinchilla, chinchilla_runs, objective=LeastSquares(), bootstrap=0)
    tiny = scaling.fit(Chinchilla, chinchilla_runs, objective=Huber(delta=1e-7), bootstrap=0)
    huge = scaling.fit(Chinchilla, chinchilla_runs, objective=Huber(delta=1e3), bootstrap=0)
    # Huber lies below delta |r| by at most delta^2 / 2 a run.
    assert 0 <= absolute.objective_value - tiny.objective_value / 1e-7 <= 240 * 1e-7 / 2
    assert huge.objective_value == pytest.approx(squares.objective_value, rel=1e-12)
    assert "delta-mismatch" in codes(huge)


def test_least_squares_in_logs_is_scipys(chinchilla_runs):
    fit = scaling.fit(Chinchilla, chinchilla_runs, objective=LeastSquares(), bootstrap=0)
    log_law = LogChinchilla(chinchilla_runs)
    ends = [least_squares(log_law.residual, start, log_law.jacobian, x_scale="jac", max_nfev=2000,
                          **STRICT) for start in log_law.starts(8, seed=0)]  # fmt: skip
    found = min(ends, key=lambda end: end.cost)
    assert fit.objective_value == pytest.approx(found.cost, rel=1e-12)
    assert_allclose(log_coordinates(fit.law), found.x, rtol=1e-6)


def test_least_squares_in_levels_is_curve_fits(chinchilla_runs):
    fit = scaling.fit(Chinchilla, chinchilla_runs, objective=LeastSquares(space="linear"),
                      bootstrap=0)  # fmt: skip

    def curve(points, E, A, B, alpha, beta):
        return E + A * points[0] ** -alpha + B * points[1] ** -beta

    points = chinchilla_runs[["params", "tokens"]].to_numpy().T
    options = {"x_scale": [1, 100, 1000, 0.1, 0.1], "method": "trf", "max_nfev": 5000, **STRICT}
    start = [1.8, 480, 2100, 0.35, 0.37]
    found, _ = curve_fit(curve, points, chinchilla_runs["loss"], p0=start, **options)
    squares = np.sum((curve(points, *found) - chinchilla_runs["loss"]) ** 2) / 2
    assert fit.objective_value <= squares * REACHED
    assert_allclose(list(fit.law.values.values()), found, rtol=1e-4)


def test_huber_in_levels_reaches_scipy(chinchilla_runs):
    fit = scaling.fit(Chinchilla, chinchilla_runs, objective=Huber(space="linear"), bootstrap=0)
    log_law, loss = LogChinchilla(chinchilla_runs), chinchilla_runs["loss"].to_numpy()

    def residual(x):
        return np.exp(np.minimum(log_law.residual(x) + log_law.wanted, 20.0)) - loss

    ends = [least_squares(residual, start, loss="huber", f_scale=DELTA, x_scale="jac",
                          max_nfev=2000, **STRICT)
            for start in log_law.starts(6, seed=0)]  # fmt: skip
    assert fit.objective_value <= min(huber_sum(end.fun) for end in ends) * REACHED
    found = fit.law.predict(chinchilla_runs) - loss
    assert fit.objective_value == pytest.approx(huber_sum(found), rel=1e-11)


class Line(Law):
    """A law linear in its coefficients, whose exact answers other methods give."""

    inputs = ("x",)
    level = coef("value at x = 1", typical=(-10, 10), positive=False)
    slope = coef("change by each factor of e", typical=(-1, 1), positive=False)

    def formula(self, x):
        return self.level + self.slope * np.log(x)


@pytest.fixture
def line_runs():
    """Values of either sign about a line, with heavy tails."""
    rng = np.random.default_rng(0)
    x = np.geomspace(1.0, 1e6, 40)
    return pd.DataFrame({"x": x, "loss": 3 - 0.4 * np.log(x) + 0.05 * rng.standard_t(2, 40)})


def test_least_squares_of_a_line_is_linear_algebra(line_runs):
    fit = scaling.fit(Line, line_runs, objective=LeastSquares(space="linear"), bootstrap=0)
    design = np.column_stack([np.ones(40), np.log(line_runs["x"])])
    found, squares, *_ = np.linalg.lstsq(design, line_runs["loss"], rcond=None)
    assert_allclose(list(fit.law.values.values()), found, rtol=1e-9)
    assert fit.objective_value == pytest.approx(squares[0] / 2, rel=1e-12)


def test_least_absolute_of_a_line_is_linear_programming(line_runs):
    fit = scaling.fit(Line, line_runs, objective=LeastAbsolute(space="linear"), bootstrap=0)
    design = np.column_stack([np.ones(40), np.log(line_runs["x"])])
    exact = {"A_eq": np.hstack([design, np.eye(40), -np.eye(40)]), "b_eq": line_runs["loss"]}
    signs = [(None, None)] * 2 + [(0, None)] * 80
    found = linprog(np.r_[0, 0, np.ones(80)], bounds=signs, **exact)
    assert found.fun / REACHED <= fit.objective_value <= found.fun * REACHED
    assert_allclose(list(fit.law.values.values()), found.x[:2], rtol=1e-6)


def test_huber_of_a_line_reaches_scipy(line_runs):
    fit = scaling.fit(Line, line_runs, objective=Huber(delta=0.03, space="linear"), bootstrap=0)
    design = np.column_stack([np.ones(40), np.log(line_runs["x"])])
    found = least_squares(lambda c: design @ c - line_runs["loss"].to_numpy(), [0.0, 0.0],
                          loss="huber", f_scale=0.03, **STRICT)  # fmt: skip
    assert fit.objective_value == pytest.approx(found.cost, rel=1e-10)
    assert_allclose(list(fit.law.values.values()), found.x, rtol=1e-5)


def test_lmfit_started_from_a_least_squares_fit_agrees(chinchilla_runs):
    fit = scaling.fit(Chinchilla, chinchilla_runs, objective=LeastSquares(), bootstrap=0)
    second = fit.to_lmfit()
    assert second.chisqr / 2 == pytest.approx(fit.objective_value, rel=1e-8)
    for name, value in fit.law.values.items():
        assert second.params[name].value == pytest.approx(value, rel=1e-3)


def test_the_lowest_minimum_is_found_with_one_coefficient_free(repeated_runs):
    """With R*_D = 20 there are two minima in R*_N, 3.21 and the higher 4.13: a fine grid shows
    both."""
    held = {**C4_BASE, "R_D": 20.0}
    inputs = [repeated_runs[name].to_numpy() for name in DataConstrained.inputs]
    wanted = np.log(repeated_runs["loss"].to_numpy())
    grid = np.geomspace(0.1, 1e3, 4001)
    values = [huber_sum(np.log(DataConstrained.unchecked({**held, "R_N": R_N}).formula(*inputs))
                        - wanted) for R_N in grid]  # fmt: skip
    fit = scaling.fit(DataConstrained, repeated_runs, fixed=held, bootstrap=0)
    assert fit.objective_value <= min(values)


UFUNCS = {
    np.add: ((0.7, -1.3),), np.subtract: ((0.7, -1.3),), np.multiply: ((0.7, -1.3),),
    np.true_divide: ((0.7, -1.3),), np.power: ((0.7, -1.3), (2.5, 3.0)),
    np.negative: ((0.7,),), np.positive: ((0.7,),), np.exp: ((0.7,), (-3.0,)),
    np.expm1: ((0.7,), (-1e-9,)), np.log: ((0.7,),), np.log1p: ((0.7,), (-0.3,)),
    np.log2: ((0.7,),), np.log10: ((0.7,),), np.sqrt: ((0.7,),), np.square: ((-0.7,),),
    np.reciprocal: ((-0.7,),), np.tanh: ((0.7,), (-2.0,)), np.absolute: ((0.7,), (-0.7,)),
    np.logaddexp: ((0.7, -1.3), (-40.0, 40.0)), np.minimum: ((0.7, -1.3), (-1.3, 0.7)),
    np.maximum: ((0.7, -1.3), (-1.3, 0.7)),
}  # fmt: skip
# Complex NumPy has no such function, or one that is not analytic.
NOT_ANALYTIC = {np.absolute, np.logaddexp, np.minimum, np.maximum}


def test_every_derivative_rule_is_tested():
    assert set(UFUNCS) == set(_RULES)


@pytest.mark.parametrize(
    ("ufunc", "at"), [(u, at) for u, points in UFUNCS.items() for at in points],
    ids=lambda part: getattr(part, "__name__", str(part)),
)  # fmt: skip
def test_derivative_rule_is_the_difference_quotient(ufunc, at):
    names = [f"x{i}" for i in range(len(at))]
    value, partials = differentiate(lambda v: ufunc(*v.values()), dict(zip(names, at, strict=True)),
                                    names)  # fmt: skip
    assert value == ufunc(*at)
    for i, name in enumerate(names):
        step = 1e-5 * max(1.0, abs(at[i]))
        above, below = (list(at), list(at))
        above[i] += step
        below[i] -= step
        slope = (ufunc(*above) - ufunc(*below)) / (above[i] - below[i])
        assert float(partials[name]) == pytest.approx(slope, rel=1e-8, abs=1e-9)
        if ufunc not in NOT_ANALYTIC:
            nudged = [complex(x) for x in at]
            nudged[i] += 1e-30j
            exact = ufunc(*nudged).imag / 1e-30
            assert float(partials[name]) == pytest.approx(exact, rel=1e-13)


def test_derivatives_broadcast_and_chain():
    n = np.geomspace(1e6, 1e12, 7)
    values = {"A": np.array([[3.0], [5.0]]), "alpha": np.array([[0.2], [0.4]])}
    _, partials = differentiate(lambda v: np.log(v["A"] * n ** -v["alpha"] + 1.7), values,
                                ["A", "alpha"])  # fmt: skip
    power = n ** -values["alpha"]
    below = values["A"] * power + 1.7
    assert_allclose(partials["A"], power / below, rtol=1e-14)
    assert_allclose(partials["alpha"], -values["A"] * power * np.log(n) / below, rtol=1e-14)


def test_derivative_of_a_choice_is_that_of_the_branch_taken():
    x = np.array([0.5, 2.0])
    _, partials = differentiate(lambda v: np.where(x > 1, v["a"] * x, 3 * v["a"] ** 2), {"a": 2.0},
                                ["a"])  # fmt: skip
    assert_allclose(partials["a"], [12.0, 2.0], rtol=1e-15)


def test_a_branch_not_taken_may_be_undefined():
    x = np.array([0.5, 2.0])
    with np.errstate(all="ignore"):
        value, partials = differentiate(
            lambda v: np.where(x > 1, v["a"] * np.log(x - 1), v["a"]), {"a": 2.0}, ["a"]
        )
    assert_allclose(value, [2.0, 0.0])
    assert_allclose(partials["a"], [1.0, 0.0])


def test_a_law_with_an_undefined_branch_not_taken_is_fitted():
    """The data choose gamma = 0.1 beyond x = 1e9, so a fit that cannot move gamma is wrong."""

    class Bent(Law):
        inputs = ("x",)
        A = coef("prefactor", typical=(1, 1e3))
        alpha = coef("exponent", typical=(0.05, 1))
        gamma = coef("bend", typical=(0.01, 1))

        def formula(self, x):
            bend = np.where(x > 1e9, self.gamma * np.log(x - 1e9), 0.0)
            return self.A * x**-self.alpha * (1 + bend)

    law = Bent(A=50.0, alpha=0.2, gamma=0.1)
    x = np.geomspace(1e6, 1e12, 24)
    with np.errstate(all="ignore"):
        runs = pd.DataFrame({"x": x, "loss": law.predict(x=x)})
        fit = scaling.fit(Bent, runs, bootstrap=0)
    assert_allclose(list(fit.law.values.values()), [50.0, 0.2, 0.1], rtol=1e-6)


def test_a_function_without_a_rule_raises_by_its_name():
    x = Dual(2.0, {"x": 1.0})
    for function in (np.sin, np.arctan, np.floor, np.hypot):
        with pytest.raises(scaling.ScalingError, match=function.__name__):
            function(x, x) if function is np.hypot else function(x)
    with pytest.raises(scaling.ScalingError, match="sum"):
        np.sum(x)


def test_operators_and_reflected_operators_carry_derivatives():
    cases = {
        "1 - a": (lambda a: 1 - a, -1.0), "2 / a": (lambda a: 2 / a, -2 / 9),
        "2 ** a": (lambda a: 2**a, 8 * np.log(2)), "a ** 2": (lambda a: a**2, 6.0),
        "-a": (lambda a: -a, -1.0), "abs(-a)": (lambda a: abs(-a), 1.0),
        "a * a": (lambda a: a * a, 6.0), "0 ** a": (lambda a: 0.0**a, 0.0),
    }  # fmt: skip
    for name, (function, slope) in cases.items():
        found = differentiate(lambda v, f=function: f(v["a"]), {"a": 3.0}, ["a"])[1]["a"]
        assert float(found) == pytest.approx(slope, rel=1e-14), name


def test_a_law_without_gradient_is_fitted_as_well_as_one_with(best, chinchilla_runs):
    class Bare(Law):
        inputs = ("params", "tokens")
        E = coef("irreducible loss", typical=(0.2, 4))
        A = coef("params prefactor", typical=(1e0, 1e5))
        B = coef("tokens prefactor", typical=(1e0, 1e5))
        alpha = coef("params exponent", typical=(0.05, 1))
        beta = coef("tokens exponent", typical=(0.05, 1))

        def formula(self, N, D):
            return self.E + self.A * N**-self.alpha + self.B * D**-self.beta

    fit = scaling.fit(Bare, chinchilla_runs, bootstrap=0)
    assert fit.objective_value == pytest.approx(best.objective_value, rel=1e-12)

"""Profiles against other solvers, closed forms and brute force, and what they say of open ends."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from paper_laws import C4_BASE
from scipy import stats
from scipy.optimize import approx_fprime, least_squares, minimize

import scaling
from scaling import FitError, Huber, Law, LeastAbsolute, LeastSquares, coef
from scaling.datasets.simulated import isoflop_runs
from scaling.fitting.paths import _Tangent
from scaling.fitting.preparing import problem_behind
from scaling.fitting.sandwich import sandwich_at
from scaling.laws import Chinchilla, DataConstrained, PowerLawPlusConstant, published

DELTA = 1e-3
STRICT = {"xtol": 1e-15, "ftol": 1e-15, "gtol": 1e-15}
TRUTH = published("besiroglu-2024").law
POINT = {"params": 70e9, "tokens": 1.4e12}
COMPUTE = 1e24


def codes(answer):
    return {issue.code: issue.severity for issue in answer.issues}


def ends(answer, row=0):
    return answer.table.loc[row, ["value_low", "value_high"]].to_numpy(dtype=float)


def huber_sum(residual):
    size = np.abs(residual)
    return np.sum(np.where(size <= DELTA, size**2 / 2, DELTA * (size - DELTA / 2)))


def loss_at_point(law):
    return law.predict(**POINT)


def best_params(law):
    return law.optimum(COMPUTE / 6)["params"]


class Line(Law):
    """Straight, so that least squares is algebra."""

    inputs = ("x",)
    target = "y"
    a = coef("height", typical=(-10, 10), positive=False)
    b = coef("slope", typical=(-10, 10), positive=False)

    def formula(self, x):
        return self.a + self.b * x


@pytest.fixture(scope="module")
def demo():
    return scaling.datasets.load("demo")


@pytest.fixture(scope="module")
def fit(demo):
    return scaling.fit(Chinchilla, demo)


@pytest.fixture(scope="module")
def smooth(demo):
    return scaling.fit(Chinchilla, demo, objective=LeastSquares())


@pytest.fixture(scope="module")
def large(chinchilla_runs):
    return scaling.fit(Chinchilla, chinchilla_runs)


@pytest.fixture(scope="module")
def line_fit():
    random = np.random.default_rng(3)
    x = np.linspace(0, 5, 400)
    runs = {"x": x, "y": 1 + 2 * x + random.normal(0, 0.1, x.size)}
    return scaling.fit(Line, runs, objective=LeastSquares(space="linear"))


@pytest.fixture(scope="module")
def two_free(data):
    table = pd.read_csv(data / "data-constrained-muennighoff" / "runs_fit182.csv")
    runs = table.rename(columns={"val_loss": "loss"})
    return scaling.fit(DataConstrained, runs, fixed=C4_BASE)


def scipy_huber(runs, law_of, starts):
    """Lowest sum over free numbers x of the laws that ``law_of(x)`` names, by SciPy."""
    columns = [runs[name].to_numpy(dtype=float) for name in ("params", "tokens", "loss")]

    def residual(x):
        with np.errstate(all="ignore"):
            E, A, B, alpha, beta = law_of(x)
            found = np.log(E + A * columns[0] ** -alpha + B * columns[1] ** -beta)
        return np.nan_to_num(found - np.log(columns[2]), nan=10.0, posinf=10.0, neginf=-10.0)

    found = [
        least_squares(residual, start, loss="huber", f_scale=DELTA, x_scale="jac", max_nfev=3000,
                      **STRICT)
        for start in starts
    ]  # fmt: skip
    return min(huber_sum(residual(end.x)) for end in found)


def given(name, value):
    """Laws with one coefficient given; the others are x, prefactors as logarithms."""
    order = ("E", "A", "B", "alpha", "beta")

    def law_of(x):
        full = dict(zip([n for n in order if n != name], x, strict=True)) | {name: value}
        return [np.exp(full[n]) if n in ("A", "B") and n != name else full[n] for n in order]

    return law_of


def others(row, name):
    order = [n for n in ("E", "A", "B", "alpha", "beta") if n != name]
    return np.array([np.log(row[n]) if n in ("A", "B") else row[n] for n in order])


# Derivatives


def test_pinned_coefficients_have_no_slope_and_the_rest_keep_theirs(smooth):
    problem = problem_behind(smooth)
    u = problem.encode(smooth.law.values)
    pinned = replace(problem, pinned=("A", "beta")).rows(u)
    assert_array_equal(pinned[:, [1, 4]], 0.0)
    assert_array_equal(pinned[:, [0, 2, 3]], problem.rows(u)[:, [0, 2, 3]])


def test_slopes_on_a_tangent_are_difference_quotients(smooth):
    problem = problem_behind(smooth)
    u = problem.encode(smooth.law.values) + np.array([[0.0], [0.01]])
    column, along = np.array([0, 3]), np.array([[0, 0.3, -0.2, 1.0, 2.0], [0.5, 0.1, 0.2, 0, -1]])
    tangent = _Tangent.of(problem, u, column, along)
    at = np.column_stack([u, [0, 1]])
    rows = tangent.rows(at) * tangent.chain(at)[:, :, None]
    assert_allclose(tangent.completed(at), u, rtol=1e-12)
    step = 1e-6
    for j in range(5):
        move = step * np.eye(6)[j]
        quotient = (tangent.predict(at + move) - tangent.predict(at - move)) / (2 * step)
        assert_allclose(rows[:, j], quotient, rtol=1e-6, atol=1e-8)


def test_sandwich_of_a_line_is_whites(line_fit):
    problem = problem_behind(line_fit)
    u = problem.encode(line_fit.law.values)[0]
    found = sandwich_at(problem, u, np.zeros(2, dtype=bool))
    design = np.column_stack([np.ones(400), line_fit.runs["x"]])
    residual = line_fit.runs["y"] - design @ [line_fit.law.a, line_fit.law.b]
    inverse = np.linalg.inv(design.T @ design)
    white = inverse @ (design.T * residual.to_numpy() ** 2) @ design @ inverse * 400 / 398
    assert_allclose(problem.width * found.covariance * problem.width[:, None], white, rtol=1e-6)
    assert_allclose(problem.width * found.inverse * problem.width[:, None], inverse, rtol=1e-6)


def test_groups_of_a_column_share_their_errors(demo):
    """Against the cluster-robust formula, for a line whose groups have errors of their own."""
    random = np.random.default_rng(1)
    group = np.repeat(np.arange(20), 5)
    x = np.repeat(np.linspace(0, 5, 20), 5) + 0.01 * np.tile(np.arange(5), 20)
    y = 1 + 2 * x + random.normal(0, 0.3, 20)[group] + random.normal(0, 0.05, 100)
    runs = {"x": x, "y": y, "batch": group}
    options = {"objective": LeastSquares(space="linear")}
    answer = scaling.profile(scaling.fit(Line, runs, groups="batch", **options), "b")
    design = np.column_stack([np.ones(100), x])
    inverse = np.linalg.inv(design.T @ design)
    scores = design * (y - design @ (inverse @ design.T @ y))[:, None]
    summed = np.array([scores[group == i].sum(axis=0) for i in range(20)])
    variance = (inverse @ summed.T @ summed @ inverse)[1, 1] * 100 / 98 * 20 / 19
    low, high = ends(answer)
    assert (high - low) / 2 == pytest.approx(stats.t(19).ppf(0.95) * np.sqrt(variance), rel=1e-3)
    labels = scaling.fit(Line, runs, groups=group, **options)
    narrow = scaling.profile(labels, "b")
    assert codes(narrow)["groups-not-profiled"] == "weakens"
    assert np.diff(ends(narrow)) < 0.7 * (high - low)


def test_curvature_of_a_smooth_objective_is_its_second_derivative(smooth):
    problem = problem_behind(smooth)
    u = problem.encode(smooth.law.values)[0]
    found = sandwich_at(problem, u, np.zeros(5, dtype=bool))

    def slope(at):
        return approx_fprime(at, lambda v: float(problem.objective_at(v[None, :])[0]), 1e-6)

    eye = np.eye(5)
    hessian = np.array([(slope(u + 1e-4 * e) - slope(u - 1e-4 * e)) / 2e-4 for e in eye])
    scale = np.sqrt(np.diag(hessian))
    assert_allclose(np.linalg.inv(found.inverse) / scale / scale[:, None],
                    hessian / scale / scale[:, None], atol=2e-3)  # fmt: skip


# Points of a profile


@pytest.mark.parametrize("name", ["E", "A", "B", "alpha", "beta"])
def test_profile_of_a_coefficient_is_scipys(large, chinchilla_runs, name):
    curve = scaling.profile(large, name, points=9).curve
    for _, row in curve.iloc[::2].iterrows():
        start = others(row, name)
        starts = [start, others(large.law.values, name), start * 1.02]
        reference = scipy_huber(chinchilla_runs, given(name, row[name]), starts)
        assert row["objective"] == pytest.approx(reference, rel=2e-7)


def test_profile_of_a_loss_is_scipys_with_the_constant_eliminated(large, chinchilla_runs):
    answer = scaling.profile(large, loss_at_point, points=9)
    for _, row in answer.curve.iloc[::2].iterrows():

        def law_of(x, wanted=row["loss_at_point"]):
            A, B, alpha, beta = np.exp(x[0]), np.exp(x[1]), x[2], x[3]
            E = wanted - A * POINT["params"] ** -alpha - B * POINT["tokens"] ** -beta
            return E, A, B, alpha, beta

        starts = [others(row, "E"), others(large.law.values, "E")]
        reference = scipy_huber(chinchilla_runs, law_of, starts)
        assert row["objective"] == pytest.approx(reference, rel=2e-7)


def test_profile_of_the_best_size_is_scipys_with_a_prefactor_eliminated(large, chinchilla_runs):
    answer = scaling.profile(large, best_params, points=9)
    for _, row in answer.curve.iloc[::2].iterrows():

        def law_of(x, wanted=row["best_params"]):
            E, B, alpha, beta = x[0], np.exp(x[1]), x[2], x[3]
            ratio = wanted ** (alpha + beta) / (COMPUTE / 6) ** beta
            return E, ratio * beta * B / alpha, B, alpha, beta

        starts = [others(row, "A"), others(large.law.values, "A")]
        reference = scipy_huber(chinchilla_runs, law_of, starts)
        assert row["objective"] == pytest.approx(reference, rel=2e-7)
        found = Chinchilla(**row[["E", "A", "B", "alpha", "beta"]])
        assert float(best_params(found)) == pytest.approx(row["best_params"], rel=1e-7)


def test_profile_of_a_loss_is_slsqps_under_least_squares(smooth, demo):
    """A solver that takes the condition as it is, without eliminating anything."""
    answer = scaling.profile(smooth, loss_at_point, points=7)
    n, d, wanted = (np.log(demo[name].to_numpy()) for name in ("params", "tokens", "loss"))
    center = others(smooth.law.values, None)
    scale = np.array([0.02, 0.2, 0.2, 0.01, 0.01])

    def log_loss(x, n, d):
        E, a, b, alpha, beta = center + scale * x
        return np.log(E + np.exp(a - alpha * n) + np.exp(b - beta * d))

    for _, row in answer.curve.iterrows():
        at = np.log(POINT["params"]), np.log(POINT["tokens"])
        condition = {
            "type": "eq",
            "fun": lambda x, at=at, v=row["loss_at_point"]: 100 * (log_loss(x, *at) - np.log(v)),
        }
        found = minimize(lambda x: 1e5 * np.sum((log_loss(x, n, d) - wanted) ** 2) / 2, np.zeros(5),
                         method="SLSQP", constraints=condition,
                         options={"ftol": 1e-13, "maxiter": 1000})  # fmt: skip
        assert row["objective"] == pytest.approx(found.fun / 1e5, rel=1e-6)


@pytest.mark.parametrize("query", [lambda law: law.alpha, lambda law: float(law.alpha)],
                         ids=["together", "one by one"])  # fmt: skip
def test_profile_of_a_derived_quantity_that_is_a_coefficient_is_that_coefficients(fit, query):
    named, derived = scaling.profile(fit, "alpha"), scaling.profile(fit, query, name="exponent")
    assert_allclose(ends(derived), ends(named), rtol=1e-5)
    assert_allclose(ends(derived, 1), ends(named, 1), rtol=1e-9)
    values = named.curve["alpha"].to_numpy()
    same = scaling.profile(fit, query, name="exponent", points=values)
    assert_allclose(same.curve["objective"], named.curve["objective"], rtol=1e-6)


def test_profile_under_least_squares_of_a_line_is_a_parabola(line_fit):
    answer = scaling.profile(line_fit, "b")
    design = np.column_stack([np.ones(400), line_fit.runs["x"]])
    variance = np.linalg.inv(design.T @ design)[1, 1]
    gap = answer.curve["b"] - float(line_fit.law.b)
    assert_allclose(answer.curve["rise"], gap**2 / 2 / variance, rtol=1e-6, atol=1e-12)
    residual = line_fit.residuals()["residual"]
    half = 1.6487 * np.sqrt(variance * np.sum(residual**2) / 398)
    low, high = ends(answer)
    assert (high - low) / 2 == pytest.approx(half, rel=0.1)  # White's errors, not the usual ones
    assert (high + low) / 2 == pytest.approx(float(line_fit.law.b), rel=1e-4)


def test_derived_quantity_of_a_line_is_a_parabola_too(line_fit):
    answer = scaling.profile(line_fit, lambda law: law.a + 7 * law.b, name="ahead")
    design = np.column_stack([np.ones(400), line_fit.runs["x"]])
    along = np.array([1.0, 7.0])
    variance = along @ np.linalg.inv(design.T @ design) @ along
    gap = answer.curve["ahead"] - float(line_fit.law.a + 7 * line_fit.law.b)
    assert_allclose(answer.curve["rise"], gap**2 / 2 / variance, rtol=1e-5, atol=1e-10)


def test_ends_lie_where_the_refitted_objective_meets_the_threshold(large):
    for what in ("beta", loss_at_point):
        answer = scaling.profile(large, what)
        at_ends = scaling.profile(large, what, points=ends(answer)).curve["objective"]
        rise = answer.threshold - answer.lowest
        assert_allclose(at_ends, answer.threshold, atol=2e-3 * rise)


def test_intervals_on_240_runs_are_those_of_an_independent_program(large):
    """Made with other code, interpolating 33 values: window Hessian and sandwich, 95% of a
    chi-squared, which is a little less of Student's t."""
    level = 2 * stats.t(235).cdf(stats.norm.ppf(0.975)) - 1
    known = {"E": (1.770, 1.860), "A": (284, 771), "B": (1147, 4242), "alpha": (0.316, 0.376),
             "beta": (0.336, 0.401)}  # fmt: skip
    for name, interval in known.items():
        answer = scaling.profile(large, name, level=level)
        assert_allclose(ends(answer), interval, rtol=5e-3)


def test_profile_has_the_flat_valley_of_repeated_data(two_free, printed):
    known = {5: ".01616", 8: ".01596", 12: ".01585", 20: ".01584", 30: ".01582", 50: ".01581",
             200: ".01582"}  # fmt: skip
    answer = scaling.profile(two_free, "R_D", points=list(known))
    assert answer.curve["objective"].tolist() == [printed(text) for text in known.values()]
    assert answer.table.loc[0, "value_high"] == np.inf
    assert any(said.startswith("R_D is not bounded above: the objective stays below the threshold")
               for said in answer.notes)  # fmt: skip


def test_profile_is_the_lower_envelope(two_free):
    """With two coefficients free, the other one can be tried at every value."""
    curve = scaling.profile(two_free, "R_D", points=15).curve
    runs = two_free.runs
    tried = np.geomspace(1e-2, 1e8, 4001)[:, None]
    for _, row in curve.iterrows():
        law = DataConstrained(**C4_BASE, R_D=row["R_D"], R_N=tried)
        columns = (runs[name].to_numpy() for name in DataConstrained.inputs)
        residual = np.log(law.formula(*columns)) - np.log(runs["loss"].to_numpy())
        size = np.abs(residual)
        score = np.where(size <= DELTA, size**2 / 2, DELTA * (size - DELTA / 2)).sum(axis=1)
        assert row["objective"] <= score.min() * (1 + 1e-9)
        assert row["objective"] >= score.min() * (1 - 1e-3)


def test_no_point_lies_above_what_another_minimum_leads_to(two_free):
    curve = scaling.profile(two_free, "R_D", points=15).curve
    for law in two_free.starts.others:
        for _, row in curve.iterrows():
            other = scaling.fit(
                DataConstrained, two_free.runs, bootstrap=0,
                fixed={**C4_BASE, "R_D": row["R_D"]}, bounds={"R_N": (law.R_N / 3, law.R_N * 3)},
            )  # fmt: skip
            assert row["objective"] <= other.objective_value * (1 + 1e-8)


@pytest.mark.parametrize("objective", [LeastAbsolute(), Huber(delta=1e-2), LeastSquares(),
                                       Huber(delta=0.01, space="linear")], ids=repr)  # fmt: skip
def test_any_objective_has_profiles(demo, objective):
    made = scaling.fit(Chinchilla, demo, objective=objective)
    answer = scaling.profile(made, "alpha", points=11)
    rise = answer.curve["rise"].to_numpy()
    best = int(rise.argmin())
    assert (np.diff(rise[: best + 1]) <= 0).all()
    assert (np.diff(rise[best:]) >= 0).all()
    low, high = ends(answer)
    drawn_low, drawn_high = ends(answer, 1)
    assert low < float(made.law.alpha) < high
    assert 0.6 < (high - low) / (drawn_high - drawn_low) < 1.6
    for value in answer.curve["alpha"].iloc[[0, -1]]:
        again = scaling.fit(Chinchilla, demo, objective=objective, fixed={"alpha": value},
                            bootstrap=0)  # fmt: skip
        row = answer.curve[answer.curve["alpha"] == value].iloc[0]
        assert row["objective"] == pytest.approx(again.objective_value, rel=1e-5)


def test_weights_count_as_repeated_runs(demo):
    twice = pd.concat([demo, demo.iloc[:20]], ignore_index=True)
    weights = np.where(np.arange(63) < 20, 2.0, 1.0)
    weighted = scaling.profile(
        scaling.fit(Chinchilla, demo, weights=weights, bootstrap=0), "alpha", points=5
    )
    values = weighted.curve["alpha"].to_numpy()
    repeated = scaling.profile(scaling.fit(Chinchilla, twice, bootstrap=0), "alpha", points=values)
    assert_allclose(weighted.curve["objective"], repeated.curve["objective"], rtol=1e-7)


def test_law_of_one_input_has_profiles(demo):
    runs = demo.rename(columns={"compute": "x"})
    fit = scaling.fit(PowerLawPlusConstant, runs, bootstrap=50)
    answer = scaling.profile(fit, lambda law: law.formula(1e24), name="loss", points=5)
    for _, row in answer.curve.iterrows():
        law = PowerLawPlusConstant(**row[["E", "A", "alpha"]])
        assert float(law.formula(1e24)) == pytest.approx(row["loss"], rel=1e-7)


@pytest.mark.slow
def test_best_size_by_search_is_the_best_size_by_formula(large):
    def searched(law):
        return scaling.compute_optimal(law, COMPUTE, method="numeric").table["params"].iloc[0]

    by_search = scaling.profile(large, searched, points=3)
    by_formula = scaling.profile(large, best_params, points=by_search.curve["searched"])
    # A best size found by comparing losses is known to the root of rounding only.
    assert_allclose(by_search.curve["objective"], by_formula.curve["objective"], rtol=5e-6)
    assert_allclose(ends(by_search), ends(by_formula), rtol=1e-3)


# Contours


def test_contours_hold_the_profile_and_scipys_minima(large, chinchilla_runs):
    answer = scaling.profile(large, ("A", "alpha"), points=11)
    grid = answer.grid
    alone = scaling.profile(large, "A", points=np.unique(grid["A"])).curve
    assert_allclose(grid.groupby("row")["objective"].min(), alone["objective"], rtol=2e-4)
    assert (grid.groupby("row")["objective"].min().to_numpy() >= alone["objective"] - 1e-12).all()
    for _, row in grid.iloc[[0, 38, 60, 82, 120]].iterrows():

        def law_of(x, A=row["A"], alpha=row["alpha"]):
            return x[0], A, np.exp(x[1]), alpha, x[2]

        starts = [np.array([row["E"], np.log(row["B"]), row["beta"]]), np.array([1.8, 7.7, 0.367])]
        reference = scipy_huber(chinchilla_runs, law_of, starts)
        assert row["objective"] == pytest.approx(reference, rel=1e-6)


def test_contour_of_a_line_is_the_ellipse_of_algebra(line_fit):
    answer = scaling.profile(line_fit, ("a", "b"), points=15)
    design = np.column_stack([np.ones(400), line_fit.runs["x"]])
    moved = np.stack([answer.grid["a"] - float(line_fit.law.a),
                      answer.grid["b"] - float(line_fit.law.b)])  # fmt: skip
    expected = 0.5 * np.einsum("ik,ij,jk->k", moved, design.T @ design, moved)
    assert_allclose(answer.grid["rise"], expected, rtol=1e-5, atol=1e-9)
    rise = answer.threshold - answer.lowest
    half = np.sqrt(2 * rise * np.diag(np.linalg.inv(design.T @ design)))
    assert_allclose(np.diff([ends(answer, 0), ends(answer, 1)])[:, 0] / 2, half, rtol=1e-3)
    residual = line_fit.residuals()["residual"]
    snedecor = stats.f(2, 398)
    assert rise == pytest.approx(snedecor.ppf(0.9) * np.sum(residual**2) / 398, rel=0.1)
    inner = (answer.thresholds[0.5] - answer.lowest) / rise
    assert inner == pytest.approx(snedecor.ppf(0.5) / snedecor.ppf(0.9), rel=1e-9)


def test_contours_hold_as_many_resamples_as_they_say(smooth):
    """To first order a resample's law lies where its own threshold allows it."""
    drawn = scaling.bootstrap(smooth, 200)
    answer = scaling.profile(drawn, ("E", "alpha"), points=5)
    law = drawn.draws
    inside = [
        scaling.fit(
            Chinchilla, drawn.runs, objective=drawn.objective, bootstrap=0,
            fixed={"E": float(law.E[i, 0]), "alpha": float(law.alpha[i, 0])},
        ).objective_value <= answer.threshold
        for i in range(100)
    ]  # fmt: skip
    assert 0.82 <= np.mean(inside) <= 0.97


# What is said


def test_profile_prints_both_intervals_and_what_they_are(fit):
    answer = scaling.profile(fit, "alpha")
    assert answer.table["interval"].tolist() == ["profile", "pairs n=200"]
    assert_allclose(ends(answer, 1), fit.table().loc["alpha", ["low", "high"]].astype(float))
    said = str(answer)
    assert said.startswith("Profile of alpha of Chinchilla")
    assert "[low, high] hold 90% by the profile" in said
    assert len(answer.curve) == 41
    assert answer.to_dict()["curve"][0]["objective"] > answer.threshold
    assert "<table" in answer._repr_html_()


def test_without_resamples_the_profile_stands_alone(demo):
    answer = scaling.profile(scaling.fit(Chinchilla, demo, bootstrap=0), "E")
    assert answer.table["interval"].tolist() == ["profile"]
    assert answer.drawn.empty


def test_a_users_bound_ends_the_interval_in_words(demo):
    made = scaling.fit(Chinchilla, demo, bounds={"E": (1.5, 1.85)}, bootstrap=0)
    answer = scaling.profile(made, "E")
    assert answer.table.loc[0, "value_high"] == pytest.approx(1.85)
    assert answer.said == ("E is held above by its bound 1.85, not by the runs.",)


def test_a_coefficient_at_zero_is_open_below(demo):
    loss = 40 * demo["params"] ** -0.15 * np.exp(np.random.default_rng(0).normal(0, 3e-3, 63))
    made = scaling.fit(Chinchilla, demo.assign(loss=loss), bootstrap=50)
    answer = scaling.profile(made, "B")
    assert_array_equal(ends(answer), [0.0, np.inf])
    assert len(answer.said) == 2
    answer = scaling.profile(made, "E")
    assert answer.table.loc[0, "value_low"] == 0.0
    assert answer.table.loc[0, "value_high"] < 0.5


def test_runs_without_noise_are_told(demo):
    exact = demo.assign(loss=TRUTH.predict(params=demo["params"], tokens=demo["tokens"]))
    made = scaling.fit(Chinchilla, exact)
    for what in ("alpha", loss_at_point):
        answer = scaling.profile(made, what, points=5)
        assert codes(answer)["no-residuals"] == "weakens"
        assert_allclose(ends(answer), answer.table.loc[0, "value"], rtol=1e-6)


def test_a_profile_that_meets_a_lower_minimum_says_so(two_free):
    stuck = replace(two_free, objective_value=1.01 * two_free.objective_value)
    answer = scaling.profile(stuck, "R_D", points=5)
    assert codes(answer)["lower-minimum"] == "weakens"
    assert answer.lowest == pytest.approx(two_free.objective_value, rel=1e-6)


def test_too_few_resamples_for_the_level_are_told(fit):
    assert "few-draws" in codes(scaling.profile(fit, "alpha", level=0.999, points=3))


@pytest.mark.parametrize(
    ("what", "options", "said"),
    [
        ("E", {}, "E is fixed in this fit"),
        ("beta", {}, r"beta is tied \(beta = alpha\)"),
        ("gamma", {}, "no coefficient 'gamma' to profile; it has A, B, alpha"),
        (3, {}, "takes a coefficient's name, two of them, or a function"),
        (("A", "A"), {}, "two different coefficients"),
        (("A", "E"), {}, "E is fixed"),
        (lambda law: law.E, {}, "depends on no free coefficient"),
        (lambda law: np.array([1.0, 2.0]), {}, "must return one number; got 2"),
        (lambda law: "text", {}, "must return a number"),
        (lambda law: np.log(-law.alpha), {}, "is not a number at the best law"),
        (lambda law: law.alpha, {"name": "alpha"}, "name of a column"),
        ("alpha", {"level": 90}, "level must be between 0 and 1"),
        ("alpha", {"points": 2}, "points must be 3 or more"),
        ("alpha", {"points": "many"}, "points must be a whole number"),
        (("A", "alpha"), {"points": [1, 2]}, "points must be a whole number"),
    ],
)
def test_what_has_no_profile_is_refused_in_words(demo, what, options, said):
    made = scaling.fit(Chinchilla, demo, fixed={"E": 1.82}, tied={"beta": "alpha"}, bootstrap=0)
    with pytest.raises(scaling.ScalingError, match=said):
        scaling.profile(made, what, **options)


def test_profile_needs_a_fit_with_its_runs(fit, tmp_path):
    with pytest.raises(FitError, match="profile takes a fit"):
        scaling.profile(fit.law, "alpha")
    scaling.save(fit, tmp_path / "fit.json", runs="hash")
    with pytest.raises(FitError, match="saved without its runs"):
        scaling.profile(scaling.load(tmp_path / "fit.json"), "alpha")


# What cannot be separated


def test_what_cannot_be_separated_is_said(fit):
    answer = fit.inseparable()
    rising = [said for said in answer.sentences if said.startswith("A and alpha rise together")]
    assert len(rising) == 1
    table = answer.table.set_index("coefficient")
    assert table["moves_with"].tolist() == ["", "alpha", "beta", "A", "B"]
    low, high = ends(scaling.profile(fit, "A"))
    assert f"A goes from {low:.0f} to {high:.0f}" in rising[0]
    for name in fit.law.coefficients:
        alone = ends(scaling.profile(fit, name))
        assert_allclose(table.loc[name, ["value_low", "value_high"]].astype(float), alone)


def test_wider_is_the_root_of_the_variance_inflation(line_fit):
    """In a line the factor is 1 / sqrt(1 - r^2), r between the constant and the input."""
    x = line_fit.runs["x"]
    expected = 1 / np.sqrt(1 - x.mean() ** 2 / (x**2).mean())
    assert_allclose(line_fit.inseparable().table["wider"], expected, rtol=1e-6)
    assert line_fit.inseparable().sentences == ("The runs separate a and b.",)


def test_coefficients_without_end_are_said(two_free, demo):
    said = " ".join(two_free.inseparable().sentences)
    assert "R_D is not bounded above" in said
    loss = TRUTH.predict(params=1e9, tokens=demo["tokens"])
    loss = loss * np.exp(np.random.default_rng(0).normal(0, 3e-3, 63))
    one_size = scaling.fit(Chinchilla, demo.assign(params=1e9, loss=loss), bootstrap=0)
    said = " ".join(one_size.inseparable().sentences)
    assert "alpha is not bounded" in said
    assert "B and beta rise together" in said


# Coverage

REPEATS, LEVEL, BEYOND = 300, 0.9, 10.0


def ladder():
    params, ratio = (x.ravel() for x in np.meshgrid(np.geomspace(5e7, 2e9, 4), [5, 20, 80, 320]))
    return params, params * ratio


def isoflop():
    runs = isoflop_runs(TRUTH, np.geomspace(6e18, 3e21, 5), sizes=7, spread=4.0, noise=0.0, seed=0)
    return np.asarray(runs["params"]), np.asarray(runs["tokens"])


def normal(random, n):
    return random.normal(0, 0.003, n)


def heavy(random, n):
    """Student's t of three degrees, with the same standard deviation."""
    return random.standard_t(3, n) * 0.003 / np.sqrt(3)


@pytest.mark.slow
@pytest.mark.parametrize("errors", [normal, heavy])
@pytest.mark.parametrize("design", [ladder, isoflop])
@pytest.mark.parametrize("objective", [Huber(), LeastSquares()], ids=repr)
def test_profile_intervals_cover(design, errors, objective):
    params, tokens = design()
    budget = BEYOND * float(np.max(params * tokens))
    size, data = (float(TRUTH.optimum(budget)[role]) for role in ("params", "tokens"))
    asked = {
        "alpha": (lambda law: law.alpha, float(TRUTH.alpha)),
        "loss": (lambda law: law.formula(size, data), float(TRUTH.formula(size, data))),
        "best size": (lambda law: law.optimum(budget)["params"], size),
    }
    held = []
    for seed in range(REPEATS):
        random = np.random.default_rng(seed)
        loss = TRUTH.predict(params=params, tokens=tokens) * np.exp(errors(random, params.size))
        made = scaling.fit(
            Chinchilla, {"params": params, "tokens": tokens, "loss": loss}, bootstrap=0,
            objective=objective, seed=seed,
        )  # fmt: skip
        row = []
        for query, truth in asked.values():
            low, high = ends(scaling.profile(made, query, level=LEVEL, points=3))
            row.append(low <= truth <= high)
        held.append(row)
    share = dict(zip(asked, np.mean(held, axis=0).round(3).tolist(), strict=True))
    print(design.__name__, errors.__name__, objective, share)
    assert all(0.81 <= value <= 0.97 for value in share.values()), share


def test_least_absolute_on_few_runs_has_a_width():
    """It passes through as many runs as it has coefficients; those say nothing of the noise."""
    held = []
    for seed in range(12):
        runs = isoflop_runs(TRUTH, (1e19, 1e21), sizes=5, spread=6, noise=0.003, seed=seed)
        fit = scaling.fit(Chinchilla, runs, objective=LeastAbsolute(), bootstrap=0)
        row = scaling.profile(fit, "alpha", points=5).table.iloc[0]
        held.append(row["value_low"] <= TRUTH.alpha <= row["value_high"])
    assert np.mean(held) > 0.6

"""Comparisons: criteria by their definition, ties said to be ties, other runs refused."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.integrate import quad
from scipy.optimize import minimize_scalar

import scaling
from scaling.fitting.objective import huber
from scaling.forecast.criteria import criteria_of, log_likelihood
from scaling.laws import Chinchilla, CoupledChinchilla, Kaplan, PowerLaw

RUNS = scaling.datasets.load("demo")


@pytest.fixture(scope="module")
def fits():
    laws = {"plain": Chinchilla, "coupled": CoupledChinchilla, "Kaplan": Kaplan}
    found = {name: scaling.fit(law, RUNS, bootstrap=0) for name, law in laws.items()}
    one = scaling.fit(Chinchilla, RUNS, tied={"beta": "alpha"}, bootstrap=0)
    return {**found, "one exponent": one}


@pytest.fixture(scope="module")
def found(fits):
    return scaling.compare(fits)


def test_gaussian_criteria_are_those_of_the_density_of_the_loss():
    fit = scaling.fit(Chinchilla, RUNS, objective=scaling.LeastSquares(), bootstrap=0)
    residual = np.log(fit.law.predict(RUNS) / RUNS["loss"])
    sd = np.sqrt(np.mean(residual**2))
    density = stats.lognorm.logpdf(RUNS["loss"], s=sd, scale=fit.law.predict(RUNS)).sum()
    n, k = len(RUNS), 6  # five coefficients and the spread
    aic = 2 * k - 2 * density
    made = criteria_of(fit)
    assert made.aic == pytest.approx(aic)
    assert made.aicc == pytest.approx(aic + 2 * k * (k + 1) / (n - k - 1))
    assert made.bic == pytest.approx(k * np.log(n) - 2 * density)


def test_spaces_compare_as_densities_of_the_same_loss():
    fit = scaling.fit(Chinchilla, RUNS, objective=scaling.LeastSquares(space="linear"), bootstrap=0)
    residual = fit.law.predict(RUNS) - RUNS["loss"]
    density = stats.norm.logpdf(residual, scale=np.sqrt(np.mean(residual**2))).sum()
    assert criteria_of(fit).aic == pytest.approx(12 - 2 * density)


def test_likelihood_of_least_absolute_deviations_is_laplace_s():
    residual = stats.laplace.rvs(size=50, random_state=1)
    objective = scaling.LeastAbsolute()
    found = log_likelihood(objective, float(objective.total(residual)), 50)
    assert found == pytest.approx(stats.laplace.logpdf(
        residual, scale=np.mean(np.abs(residual))).sum())  # fmt: skip


@pytest.mark.parametrize("delta", [0.1, 1.0, 5.0])
def test_likelihood_of_huber_is_normalised_by_quadrature(delta):
    residual = stats.t.rvs(3, size=80, random_state=0)
    objective = scaling.Huber(delta=delta)
    total = float(objective.total(residual))

    def lost(log_scale):
        scale = np.exp(log_scale)
        mass = sum(quad(lambda r: np.exp(-huber(np.array(r), delta) / scale), *ends)[0]
                   for ends in ((-np.inf, -delta), (-delta, delta), (delta, np.inf)))  # fmt: skip
        return total / scale + 80 * np.log(mass)

    best = -minimize_scalar(lost, bracket=(-3, 1)).fun
    assert log_likelihood(objective, total, 80) == pytest.approx(best, rel=1e-7)


def test_errors_come_first_and_are_the_backtest_s(found, fits):
    table = found.table.set_index("fit")
    summary = found.backtest.summary.set_index("candidate")
    np.testing.assert_allclose(table["mean_error"], summary["mean_error"].reindex(table.index))
    assert (found.table["ratio"].diff().dropna() >= 0).all()
    assert table["free"].to_dict() == {"plain": 5, "coupled": 6, "Kaplan": 4, "one exponent": 4}
    for name in ("aic", "aicc", "bic"):
        raw = pd.Series({key: getattr(criteria_of(fit), name) for key, fit in fits.items()})
        np.testing.assert_allclose(table[name], (raw - raw.min()).reindex(table.index))


def test_ratio_and_its_ends_by_hand(found):
    errors = found.backtest.table.pivot(index="cut", columns="candidate", values="mean_error")
    best = found.table["fit"].iloc[0]
    logs = np.log(errors["Kaplan"] / errors[best])
    half = stats.t.ppf(0.95, len(logs) - 1) * 1.5 * logs.std() / np.sqrt(len(logs))
    row = found.table.set_index("fit").loc["Kaplan"]
    assert row["ratio"] == pytest.approx(np.exp(logs.mean()))
    assert row["ratio_low"] == pytest.approx(np.exp(logs.mean() - half))
    assert row["ratio_high"] == pytest.approx(np.exp(logs.mean() + half))


def test_a_tie_is_said_to_be_one_and_a_poor_law_to_be_worse(found):
    verdict = found.table.set_index("fit")["verdict"]
    assert verdict["Kaplan"] == "worse"
    assert verdict["plain"] == verdict["one exponent"] == "tie"
    assert "cannot be told apart by the held-out runs" in found.sentence
    assert "Worse: Kaplan" in str(found)


def test_the_same_fit_twice_is_a_tie():
    twice = {name: scaling.fit(Chinchilla, RUNS, bootstrap=0, seed=seed)
             for name, seed in (("a", 0), ("b", 1))}  # fmt: skip
    evidence = {"a": twice["a"], "b": lambda runs: scaling.fit(Kaplan, runs, bootstrap=0)}
    assert list(scaling.compare(twice).table["verdict"]) == ["tie", "tie"]
    with pytest.raises(scaling.ScalingError, match="does not say which"):
        scaling.compare(twice, backtest=scaling.backtest(twice, RUNS, cuts=[1e20], bootstrap=0))
    other = scaling.fit(CoupledChinchilla, RUNS, bootstrap=0)
    made = scaling.backtest(evidence, RUNS, cuts=[1e20], bootstrap=0)
    with pytest.raises(scaling.ScalingError, match="has no"):
        scaling.compare({"a": twice["a"], "c": other}, backtest=made)


def test_two_halves_of_the_same_runs_seldom_differ():
    """Fits to random halves forecast equally well, so a winner is found about one time in ten."""
    law, winners = scaling.published("besiroglu-2024").law, 0
    for seed in range(8):
        rng = np.random.default_rng(seed)
        half = pd.Series(rng.permutation(np.arange(len(RUNS)) % 2), index=RUNS.index)
        runs = RUNS.assign(loss=law.predict(RUNS) * np.exp(rng.normal(0, 0.003, len(RUNS))))

        def fitted(part, half=half):
            return lambda below: scaling.fit(
                Chinchilla, below[half[below.index] == part], bootstrap=0,
                fixed={"E": 1.8172, "A": 482.01})  # fmt: skip

        made = scaling.backtest({"a": fitted(0), "b": fitted(1)}, runs, bootstrap=0)
        errors = made.table.pivot(index="cut", columns="candidate", values="mean_error")
        logs = np.log(errors["a"] / errors["b"]).to_numpy()
        half_width = 1.5 * stats.t.ppf(0.95, len(logs) - 1) * logs.std(ddof=1) / np.sqrt(len(logs))
        winners += abs(logs.mean()) > half_width
    assert winners <= 3


def test_ensembles_compare_without_criteria(fits):
    mean = scaling.ensemble(RUNS, bootstrap=0)
    row = scaling.compare({"mean": mean, "Kaplan": fits["Kaplan"]}).table.set_index("fit")
    assert np.isnan(row.loc["mean", ["free", "aic"]].to_numpy(float)).all()
    assert row.loc["Kaplan", "verdict"] == "worse"


def test_a_table_too_small_to_hold_runs_out_has_criteria_only():
    few = RUNS.iloc[:8]
    fits = [scaling.fit(Chinchilla, few, bootstrap=0, fixed=fixed) for fixed in (
        {"E": 1.8}, {"E": 1.8, "alpha": 0.35})]  # fmt: skip
    found = scaling.compare(fits)
    assert found.backtest is None
    assert "not-backtested" in {issue.code for issue in found.issues}
    assert "mean_error" not in found.table
    assert "No runs could be held out" in str(found)


def test_cuts_are_those_that_the_fits_compared_have():
    fits = {"one": scaling.fit(Chinchilla, RUNS, bootstrap=0),
            "two": scaling.fit(Chinchilla, RUNS, tied={"beta": "alpha"}, bootstrap=0)}  # fmt: skip

    def late(runs):
        """A candidate that is not compared, and has fewer cuts."""
        if runs["compute"].max() < 5e20:
            raise scaling.FitError("too few runs")
        return scaling.fit(Kaplan, runs, bootstrap=0)

    held = scaling.backtest({**fits, "late": late}, RUNS, bootstrap=0)
    found = scaling.compare(fits, backtest=held)
    assert found.cuts == len(held.fits["one"]) > len(held.fits["late"])
    assert f"over {found.cuts} cuts" in str(found)


def test_few_cuts_are_an_issue_and_all_tie(fits):
    made = scaling.backtest(fits, RUNS, cuts=[1e20, 1e21], bootstrap=0)
    found = scaling.compare(fits, backtest=made)
    assert set(found.table["verdict"]) == {"tie"}
    assert "few-cuts" in {issue.code for issue in found.issues}


def fitted(**changes):
    runs = RUNS.assign(**changes)
    return scaling.fit(Chinchilla, runs, bootstrap=0)


@pytest.mark.parametrize(("other", "said"), [
    (lambda: fitted(loss=RUNS["loss"] * 1.01), "fitted to different runs"),
    (lambda: scaling.fit(Chinchilla, RUNS.iloc[:50], bootstrap=0), "fitted to different runs"),
    (lambda: fitted(tokenizer="b"), "2 values of tokenizer"),
    (lambda: fitted(validation_set="b"), "2 values of validation_set"),
    (lambda: scaling.fit(
        Chinchilla, RUNS.assign(c4=RUNS["loss"]), columns={"loss": "c4"}, bootstrap=0),
     "forecasts c4"),
    (lambda: scaling.fit(Chinchilla, RUNS.assign(params_active=RUNS["params"]), bootstrap=0,
                         columns={"params": "params_active"}), "cannot be compared"),
    (lambda: Chinchilla, "compare takes fits"),
])  # fmt: skip
def test_what_cannot_be_compared_is_refused_in_one_sentence(other, said):
    ours = fitted(tokenizer="a", validation_set="a")
    with pytest.raises(scaling.ScalingError, match=said):
        scaling.compare({"ours": ours, "theirs": other()})


def test_one_fit_or_no_backtest_is_refused(fits):
    with pytest.raises(scaling.ScalingError, match="two fits or more"):
        scaling.compare(fits["plain"])
    with pytest.raises(scaling.ScalingError, match="must be a Backtest"):
        scaling.compare(fits, backtest=3)


def test_laws_of_other_inputs_compare_on_the_same_runs(fits):
    alone = scaling.fit(PowerLaw, RUNS, columns={"x": "compute"}, bootstrap=0)
    found = scaling.compare({"plain": fits["plain"], "compute": alone})
    assert found.table.set_index("fit").loc["compute", "verdict"] == "worse"
    assert found.to_dict()["sentence"] == found.sentence

"""What a fit says of itself: intervals that open, noise, weights, and answers to odd questions."""

import numpy as np
import pandas as pd
import pytest

import scaling
from scaling.laws import Chinchilla, Coef, Law, PowerLaw, PowerLawPlusConstant, coef, published
from scaling.source import summarise

TRUTH = published("besiroglu-2024").law


def codes(answer):
    return {issue.code: issue.severity for issue in answer.issues}


def runs_of(params, tokens, noise=0.003, seed=0):
    error = np.random.default_rng(seed).normal(0, noise, np.size(params))
    loss = TRUTH.predict(params=params, tokens=tokens) * np.exp(error)
    return {"params": params, "tokens": tokens, "loss": loss}


@pytest.fixture(scope="module")
def fit():
    return scaling.fit(Chinchilla, scaling.datasets.load("demo"))


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("sizes", [[1e9], [1e8, 1e9]], ids=["one size", "two sizes"])
def test_what_the_runs_cannot_tell_blocks_and_opens_the_interval(sizes, seed):
    params = np.repeat(sizes, 20 // len(sizes))
    tokens = np.tile(np.geomspace(1e9, 1e12, 20 // len(sizes)), len(sizes))
    fit = scaling.fit(Chinchilla, runs_of(params, tokens), seed=seed)
    assert "blocks" in codes(fit).values()
    row = fit.forecast(params=1e11, tokens=1e12).table.iloc[0]
    truth = float(TRUTH.predict(params=1e11, tokens=1e12))
    assert row["loss_low"] <= truth <= row["loss_high"]
    assert row["loss_high"] - row["loss_low"] > 0.1


def test_next_run_is_less_sure_than_the_curve(fit):
    table = fit.forecast(params=[1e9, 70e9, 1e12], tokens=1.4e12).table
    assert (table["next_run_low"] <= table["loss_low"]).all()
    assert (table["next_run_high"] >= table["loss_high"]).all()


def test_next_run_holds_the_share_of_runs_that_it_says():
    params, ratio = (x.ravel() for x in np.meshgrid(np.geomspace(1e8, 1e10, 8), [10, 20, 40, 80]))
    inside = []
    for seed in range(20):
        fit = scaling.fit(Chinchilla, runs_of(params, params * ratio, seed=seed), bootstrap=100)
        new = runs_of(params, params * ratio, seed=1000 + seed)
        table = fit.forecast(params=params, tokens=params * ratio, level=0.8).table
        inside.append(
            (table["next_run_low"] <= new["loss"]) & (new["loss"] <= table["next_run_high"])
        )
    assert 0.74 <= np.mean(inside) <= 0.88


def test_forecast_tells_how_far_it_lies_beyond_the_runs_in_compute():
    runs = scaling.datasets.load("demo")[["params", "tokens", "loss"]]
    plain = scaling.fit(Chinchilla, runs, bootstrap=50)
    assert plain.forecast(params=70e9, tokens=1.4e12).table["beyond"][0] == pytest.approx(
        196, rel=0.01
    )
    assert "beyond-the-runs" in codes(scaling.compute_optimal(plain, 1e28))
    assert "beyond-the-runs" in codes(scaling.regret(plain, 1e28))


def test_roles_under_other_names_are_looked_at_with_the_same_suspicion():
    runs = scaling.datasets.load("demo")
    renamed = pd.DataFrame(
        {"n": runs["params"] / 1e9, "d": runs["tokens"] / 1e9, "y": runs["loss"]}
    )
    fit = scaling.fit(
        Chinchilla, renamed, columns={"params": "n", "tokens": "d", "loss": "y"}, bootstrap=0
    )
    assert {"params-unit", "tokens-unit"} <= set(codes(fit))
    assert any(line.startswith("n is taken as params") for line in fit.assumptions)


def test_runs_of_weight_zero_are_as_if_they_were_not_there():
    runs = scaling.datasets.load("demo")
    wild = runs.copy()
    wild.loc[[3, 9], "loss"] *= 1.5
    weights = np.ones(len(runs))
    weights[[3, 9]] = 0
    weighted = scaling.fit(Chinchilla, wild, weights=weights, noise=0.003)
    dropped = scaling.fit(Chinchilla, runs.drop([3, 9]), noise=0.003)
    assert weighted.law.values == pytest.approx(dropped.law.values)
    assert weighted.lack_of_fit == pytest.approx(dropped.lack_of_fit)
    assert "2 runs of weight 0 are left out." in weighted.assumptions


def test_scale_of_the_weights_says_nothing_about_the_surface(fit):
    small = scaling.fit(Chinchilla, fit.runs, weights=np.full(63, 1e-6), bootstrap=0)
    assert set(codes(small)) == set(codes(fit))


def test_noise_given_makes_the_lack_of_fit_ratio_and_widens_what_is_too_narrow():
    runs = scaling.datasets.load("demo")
    right = scaling.fit(Chinchilla, runs, noise=0.003)
    assert 0.8 < right.lack_of_fit < 1.2
    assert scaling.fit(Chinchilla, runs, noise=0.001, bootstrap=0).lack_of_fit > 2.5
    assert "lack-of-fit" in codes(scaling.fit(Chinchilla, runs, noise=0.001, bootstrap=0))
    for space in ("log", "linear"):
        objective = scaling.Huber(delta=1e-3, space=space)
        wide = scaling.fit(Chinchilla, runs, noise=0.05, objective=objective)
        row = wide.forecast(params=1e9, tokens=2e10).table.iloc[0]
        half = (row["next_run_high"] - row["next_run_low"]) / 2 / row["loss"]
        assert half == pytest.approx(1.645 * 0.05, rel=0.1)


def test_noise_is_measured_on_replicates():
    base = pd.DataFrame(runs_of(*(x.ravel() for x in np.meshgrid(
        np.geomspace(1e8, 1e10, 5), np.geomspace(1e9, 1e11, 5))), noise=0.0))  # fmt: skip
    random = np.random.default_rng(0)
    seeds = [base.assign(seed=i, loss=base["loss"] * np.exp(random.normal(0, 0.01, 25)))
             for i in range(4)]  # fmt: skip
    fit = scaling.fit(Chinchilla, pd.concat(seeds, ignore_index=True), noise="replicates")
    assert fit.noise.sd == pytest.approx(0.01, rel=0.2)
    assert fit.noise.freedom == 75
    with pytest.raises(scaling.FitError, match="differ in seed only"):
        scaling.fit(Chinchilla, base, noise="replicates")


def test_noise_needs_a_loss_with_a_logarithm():
    x = np.geomspace(1, 100, 12)
    runs = {"x": x, "loss": 2 - np.log(x)}
    with pytest.raises(scaling.FitError, match="must be above 0"):
        scaling.fit(PowerLaw, runs, objective=scaling.LeastSquares(space="linear"), noise=0.01)


@pytest.mark.parametrize("level", [1, True, float("nan"), "0.9", None])
def test_what_is_no_level_is_one_sentence(fit, level):
    with pytest.raises(scaling.ScalingError, match="level must be between 0 and 1"):
        fit.propagate(lambda law: law.alpha, level)


def test_a_level_that_the_resamples_cannot_carry_is_told(fit):
    assert "few-draws" in codes(fit.forecast(params=1e9, tokens=1e10, level=0.999))
    assert "99.9%" in str(fit.forecast(params=1e9, tokens=1e10, level=0.999))
    assert "few-draws" not in codes(fit.forecast(params=1e9, tokens=1e10, level=0.95))


def test_propagate_takes_draws_together_or_one_by_one(fit):
    together = fit.propagate(lambda law: law.beta / (law.alpha + law.beta))
    one_by_one = fit.propagate(lambda law: float(law.beta) / (float(law.alpha) + float(law.beta)))
    assert together.kind == "pairs n=200"
    assert one_by_one.kind == "pairs n=200, one by one"
    pd.testing.assert_frame_equal(together.table, one_by_one.table)
    draws = fit.draws.beta / (fit.draws.alpha + fit.draws.beta)
    _, low, high = summarise(0.0, draws, 0.9)
    assert together.table["value_low"][0] == pytest.approx(float(low))
    assert together.table["value_high"][0] == pytest.approx(float(high))


def test_propagate_is_not_fooled_by_a_query_that_mixes_the_draws(fit):
    answer = fit.propagate(lambda law: law.alpha - np.mean(law.alpha))
    assert answer.kind.endswith("one by one")


def test_propagate_tells_of_draws_without_a_value(fit):
    answer = fit.propagate(lambda law: np.sqrt(law.alpha - float(fit.law.alpha) * 0.999))
    assert "undefined-in-draws" in codes(answer)
    for query, said in ((3, "takes a function"), (lambda law: "text", "must return a number")):
        with pytest.raises(scaling.ScalingError, match=said):
            fit.propagate(query)


def test_each_column_of_quantiles_stands_alone():
    draws = np.random.default_rng(0).normal(size=(200, 2))
    alone = summarise([0.0], draws[:, :1], 0.9)
    draws[:5, 1] = np.inf
    both = summarise([0.0, 0.0], draws, 0.9)
    assert both[1][0] == alone[1][0]
    assert both[2][0] == alone[2][0]
    assert np.isfinite(both[1][1])


def test_formula_that_cannot_take_arrays_or_mixes_runs_is_refused():
    class ByFloat(Law):
        inputs = ("tokens",)
        A: Coef = coef("prefactor", typical=(1, 10))

        def formula(self, D):
            return float(self.A) / D

    class ByMean(Law):
        inputs = ("tokens",)
        A: Coef = coef("prefactor", typical=(1, 10))

        def formula(self, D):
            return self.A * D / np.mean(D)

    runs = {"tokens": np.geomspace(1, 100, 10), "loss": np.linspace(3, 2, 10)}
    with pytest.raises(scaling.FitError, match="cannot take arrays"):
        scaling.fit(ByFloat, runs)
    with pytest.raises(scaling.FitError, match="when other runs stand beside it"):
        scaling.fit(ByMean, runs)


def test_ties_cannot_reach_outside_arithmetic():
    runs = scaling.datasets.load("demo")
    for text in ("len(open('x').read()) * alpha", "__import__('os')", "alpha.__class__"):
        with pytest.raises(scaling.ScalingError):
            scaling.fit(Chinchilla, runs, tied={"beta": text}, bootstrap=0)


def test_constant_that_vanishes_is_zero_and_inside_its_interval():
    x = np.geomspace(1e6, 1e12, 30)
    loss = 50 * x**-0.15 * np.exp(np.random.default_rng(2).normal(0, 0.02, 30))
    fit = scaling.fit(PowerLawPlusConstant, {"x": x, "loss": loss})
    row = fit.table().loc["E"]
    assert row["value"] == row["low"] == 0
    assert row["status"] == "at zero"
    assert row["high"] > 0


def test_runs_far_from_the_law_are_told_by_row():
    runs = scaling.datasets.load("demo")
    runs.loc[[5, 40], "loss"] *= [1.08, 0.95]
    fit = scaling.fit(scaling.laws.Chinchilla, runs, bootstrap=0)
    far = [issue for issue in fit.issues if issue.code == "far-runs"]
    assert [issue.rows for issue in far] == [(5, 40)]
    clean = scaling.fit(scaling.laws.Chinchilla, scaling.datasets.load("demo"), bootstrap=0)
    assert "far-runs" not in {issue.code for issue in clean.issues}

"""Backtests do what a plain loop over fits does, and refuse what cannot be held out."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import least_squares

import scaling
from scaling.datasets.simulated import isoflop_runs
from scaling.forecast.scoring import relative_scores
from scaling.laws import Chinchilla, CoupledChinchilla, Kaplan, PowerLaw
from scaling.storage import plain

RUNS = scaling.datasets.load("demo")
CUTS = [1e20, 5e20]
INPUTS = ["params", "tokens"]


@pytest.fixture(scope="module")
def found():
    return scaling.backtest({"plain": Chinchilla, "Kaplan": Kaplan}, RUNS, cuts=CUTS, bootstrap=50)


def test_cuts_chosen_here_never_split_a_budget():
    runs = scaling.datasets.load("sweep", rows="isoflop")
    found = scaling.backtest(Chinchilla, runs, bootstrap=0)
    assert list(found.table["runs_below"]) == [23, 31]  # whole budgets: 7 and 8 runs each
    assert list(found.table["runs_above"]) == [16, 8]


@pytest.mark.parametrize(("count", "factor", "stray"), [(5, 3, 1e-3), (5, 3, 0.03), (6, 2, 0.01)])
def test_cuts_stand_between_budgets_however_their_runs_stray(count, factor, stray):
    law, rng = scaling.published("besiroglu-2024").law, np.random.default_rng(0)
    budgets = 1e19 * float(factor) ** np.arange(count)
    runs = isoflop_runs(law, budgets, sizes=8, spread=3, noise=0.003, seed=0)
    runs["tokens"] *= np.exp(rng.normal(0, stray, len(runs)))
    runs["compute"] = 6 * runs["params"] * runs["tokens"]
    below = scaling.backtest(Chinchilla, runs, bootstrap=0).table["runs_below"]
    assert (below % 8 == 0).all()


@pytest.mark.parametrize("budgets", [[1e18, 3e18, 9e18], [1e18, 1e20]])
def test_budgets_with_no_cut_between_them_are_refused(budgets):
    law = scaling.published("besiroglu-2024").law
    runs = isoflop_runs(law, budgets, sizes=8, spread=3, noise=0.003, seed=0)
    with pytest.raises(scaling.ScalingError, match="needs a cut in compute"):
        scaling.backtest(Chinchilla, runs, bootstrap=0)


def test_errors_are_those_of_a_loop_over_fits(found):
    for name, family in (("plain", Chinchilla), ("Kaplan", Kaplan)):
        for cut in CUTS:
            below, above = RUNS[RUNS["compute"] <= cut], RUNS[RUNS["compute"] > cut]
            made = scaling.fit(family, below, bootstrap=50)
            said = made.forecast(above[INPUTS]).table
            came = above["loss"].to_numpy()
            error = said["loss"].to_numpy() / came - 1
            inside = (said["next_run_low"] <= came) & (came <= said["next_run_high"])
            row = found.table.set_index(["candidate", "cut"]).loc[(name, cut)]
            assert (row["runs_below"], row["runs_above"]) == (len(below), len(above))
            assert row["mean_error"] == pytest.approx(np.mean(np.abs(error)))
            assert row["bias"] == pytest.approx(np.mean(error))
            assert row["coverage"] == pytest.approx(inside.mean())
            factor = above["compute"].max() / below["compute"].max()
            assert row["farthest"] == pytest.approx(factor)
            points = found.points.query("candidate == @name and cut == @cut")
            np.testing.assert_array_equal(points["row"], above.index)
            np.testing.assert_allclose(
                points["distance"], above["compute"] / below["compute"].max()
            )


def test_errors_are_those_of_scipy_under_least_squares():
    objective = scaling.LeastSquares()
    ours = scaling.backtest(Chinchilla, RUNS, cuts=[3.1e20], objectives=objective, bootstrap=0)
    below, above = RUNS[RUNS["compute"] <= 3.1e20], RUNS[RUNS["compute"] > 3.1e20]

    def log_loss(u, runs):
        n, d = np.log(runs["params"].to_numpy()), np.log(runs["tokens"].to_numpy())
        return np.log(u[0] + np.exp(u[1] - u[3] * n) + np.exp(u[2] - u[4] * d))

    best = least_squares(
        lambda u: log_loss(u, below) - np.log(below["loss"].to_numpy()), [1.8, 6, 7.5, 0.35, 0.37],
        x_scale=[0.1, 1, 1, 0.05, 0.05], xtol=1e-15, ftol=1e-15, gtol=1e-15, max_nfev=5000,
    )  # fmt: skip
    error = np.exp(log_loss(best.x, above)) / above["loss"] - 1
    assert list(ours.summary["candidate"]) == ["Chinchilla, LeastSquares"]
    assert ours.table["mean_error"].iloc[0] == pytest.approx(error.abs().mean(), rel=1e-3)


def test_interval_score_is_winkler_s_by_hand():
    observed, low, high = (np.array(x) for x in ([2.0, 2.0, 4.0], [1.9, 2.2, 3.0], [2.2, 2.3, 3.6]))
    # widths .3, .1, .6; outside by 0, .2, .4; at level .8 a miss counts 2 / .2 = 10 times
    by_hand = [0.3 / 2, (0.1 + 10 * 0.2) / 2, (0.6 + 10 * 0.4) / 4]
    np.testing.assert_allclose(relative_scores(observed, low, high, 0.8), by_hand)


def test_summary_weighs_cuts_equally(found):
    errors = found.table.pivot(index="cut", columns="candidate", values="mean_error")
    summary = found.summary.set_index("candidate")
    assert summary.loc["Kaplan", "mean_error"] == pytest.approx(errors["Kaplan"].mean())
    by_hand = np.sqrt(np.prod(errors["Kaplan"] / errors["plain"]))
    assert summary.loc["Kaplan", "ratio"] == pytest.approx(by_hand)
    assert summary.loc["plain", "ratio"] == 1
    assert "Kaplan over 2 cuts" in str(found)


def test_drift_has_coefficients_and_the_best_size_at_every_cut(found):
    fit = found.fits["plain"][0]
    one = found.drift.query("candidate == 'plain' and cut == 1e20").set_index("quantity")
    assert one.loc["alpha", "value"] == fit.law.alpha
    assert one.loc["alpha", ["value_low", "value_high"]].tolist() == (
        fit.table().loc["alpha", ["low", "high"]].tolist()
    )
    frontier = scaling.compute_optimal(fit, found.ahead).table
    assert found.ahead == pytest.approx(10 * RUNS["compute"].max())
    assert one.loc["best params at 3e22", "value"] == frontier["params"].iloc[0]


def test_chinchilla_below_1e20_forecasts_the_larger_runs_to_089_percent(
    chinchilla_runs, chinchilla_runs_all
):
    errors = {
        len(runs): scaling.backtest(Chinchilla, runs, cuts=[1e20], bootstrap=0).table.iloc[0]
        for runs in (chinchilla_runs, chinchilla_runs_all)
    }
    assert round(100 * errors[240]["mean_error"], 2) <= 0.89
    assert errors[240]["runs_above"] == errors[245]["runs_above"] == 104
    assert 100 * errors[245]["mean_error"] == pytest.approx(1.36, abs=0.005)


def test_cuts_are_the_tops_of_the_budgets(chinchilla_runs):
    demo = scaling.backtest(Chinchilla, RUNS, bootstrap=0)
    assert list(demo.table["cut"]) == [6e19, 1e20, 3e20, 6e20, 1e21]
    cuts = scaling.backtest(Chinchilla, chinchilla_runs, bootstrap=0).table["cut"]
    named = np.array([2.92e19, 5.9e19, 1e20, 3e20, 6e20, 1e21])  # budgets of the figure
    np.testing.assert_allclose(cuts, named, rtol=0.02)


def test_cuts_of_a_table_without_budgets_leave_enough_on_both_sides():
    rng = np.random.default_rng(0)
    runs = RUNS.sample(200, replace=True, random_state=0).reset_index(drop=True)
    runs[INPUTS] *= np.exp(rng.uniform(-1, 1, (200, 2)))
    runs["compute"] = 6 * runs["params"] * runs["tokens"]
    table = scaling.backtest(Chinchilla, runs, bootstrap=0).table
    assert 4 <= len(table) <= 6
    assert (table["runs_below"] >= 10).all()
    assert (table["runs_above"] >= 5).all()
    assert (table["cut"] >= 8 * runs["compute"].min()).all()


def test_fits_ensembles_and_functions_are_candidates():
    tied = scaling.fit(Chinchilla, RUNS, tied={"beta": "alpha"}, bootstrap=0)

    def doubled(runs):
        return scaling.fit(Chinchilla, runs, bootstrap=0, weights=np.full(len(runs), 2.0))

    mean = scaling.ensemble(RUNS, bootstrap=0)
    found = scaling.backtest([tied, Chinchilla, doubled, mean], RUNS, cuts=[3.1e20], bootstrap=0)
    assert list(found.summary["candidate"]) == [
        "Chinchilla, beta = alpha, Huber(delta=0.001)", "Chinchilla", "doubled", "Ensemble"
    ]  # fmt: skip
    law = found.fits["Chinchilla, beta = alpha, Huber(delta=0.001)"][0].law
    assert law.alpha == law.beta
    errors = found.summary["mean_error"]
    assert errors[1] == pytest.approx(errors[2], rel=1e-6)
    below = RUNS[RUNS["compute"] <= 3.1e20]
    alone = scaling.ensemble(below, bootstrap=0).forecast(RUNS.drop(below.index)[INPUTS]).table
    came = RUNS.drop(below.index)["loss"].to_numpy()
    assert errors[3] == pytest.approx(np.abs(alone["loss"] / came - 1).mean())


def test_objectives_cross_families():
    objectives = {"robust": scaling.Huber(), "squares": scaling.LeastSquares()}
    found = scaling.backtest(
        [Chinchilla, Kaplan], RUNS, cuts=CUTS, objectives=objectives, bootstrap=0
    )
    assert list(found.summary["candidate"]) == [
        "Chinchilla, robust", "Chinchilla, squares", "Kaplan, robust", "Kaplan, squares"
    ]  # fmt: skip


def test_a_stable_law_seldom_drifts_and_a_bent_one_often_does():
    straight = scaling.published("besiroglu-2024").law
    bent = CoupledChinchilla(E=1.8, A=482**2.0, B=2085**2.0, alpha=0.696, beta=0.732, gamma=0.5)
    flagged = {straight: 0, bent: 0}
    for law, seed in ((law, seed) for law in flagged for seed in range(4)):
        budgets = np.geomspace(6e18, 3e21, 9)
        runs = isoflop_runs(law, budgets, sizes=7, spread=4.0, noise=0.003, seed=seed)
        found = scaling.backtest(Chinchilla, runs, bootstrap=60, seed=seed)
        flagged[law] += any(issue.code == "still-drifting" for issue in found.issues)
    assert flagged[straight] <= 1
    assert flagged[bent] >= 3


def test_the_answer_is_plain_json_and_draws(found):
    said = json.loads(json.dumps(plain(found.to_dict()), allow_nan=False))
    assert len(said["rows"]) == 4
    assert len(said["points"]) == len(found.points)
    ax = scaling.plot.backtest(found)
    points = np.concatenate([c.get_offsets() for c in ax.collections if len(c.get_offsets()) > 1])
    assert {round(x, 9) for x in points[:, 0]} == {round(x, 9) for x in found.points["distance"]}
    assert {text.get_text() for text in ax.texts} == {"plain", "Kaplan"}


def codes(answer):
    return {issue.code for issue in answer.issues}


def test_figure_has_one_place_for_each_budget():
    found = scaling.backtest(
        Chinchilla, scaling.datasets.load("sweep", rows="isoflop"), bootstrap=0
    )
    line = scaling.plot.backtest(found).lines[1]  # the first is the line of no error
    points = found.points.assign(times=found.points["distance"].round())  # budgets 3x apart
    off = 100 * points["error"].groupby(points["times"]).mean()  # signed as the table's bias
    assert np.round(line.get_xdata()).tolist() == [3, 9]
    np.testing.assert_allclose(line.get_ydata(), off, rtol=1e-9)


def test_cuts_that_cannot_be_used_are_issues():
    found = scaling.backtest(Chinchilla, RUNS, cuts=[1e15, 5e18, 1e20, 1.01e20, 1e25], bootstrap=0)
    assert list(found.table["cut"]) == [1e20]
    said = [issue.message for issue in found.issues if issue.code == "cut-not-used"]
    assert len(said) == 4
    assert sum("no run lies" in text for text in said) == 3
    assert sum("same way" in text for text in said) == 1


def test_a_candidate_that_cannot_be_fitted_at_a_cut_is_an_issue():
    def picky(runs):
        if len(runs) < 40:
            raise scaling.FitError("Too few for me.")
        return scaling.fit(Chinchilla, runs, bootstrap=0)

    found = scaling.backtest([Chinchilla, picky], RUNS, cuts=CUTS, bootstrap=0)
    assert "cut-not-fitted" in codes(found)
    assert list(found.summary["cuts"]) == [1, 1]
    assert found.summary["ratio"].iloc[1] == pytest.approx(1)


def test_without_resamples_there_are_errors_and_no_intervals():
    found = scaling.backtest(Chinchilla, RUNS, cuts=CUTS, bootstrap=0)
    assert found.table["coverage"].isna().all()
    assert "No intervals" in str(found)
    assert scaling.plot.backtest(found).get_xlabel()


def test_too_few_resamples_for_the_level_are_an_issue():
    found = scaling.backtest(Chinchilla, RUNS, cuts=[1e20], bootstrap=20, level=0.99)
    assert "few-draws" in codes(found)


def test_runs_can_be_cut_by_any_column_of_numbers():
    found = scaling.backtest(Chinchilla, RUNS, by="params", cuts=[2e9], bootstrap=0)
    assert found.table["runs_above"].iloc[0] == (RUNS["params"] > 2e9).sum()
    loss = 5 * np.geomspace(1, 1e4, 40) ** -0.1
    line = {"x": np.geomspace(1, 1e4, 40), "loss": loss * (1 + 1e-3 * np.sin(np.arange(40)))}
    alone = scaling.backtest(PowerLaw, line, by="x", bootstrap=0)
    assert alone.table["mean_error"].max() < 0.01
    assert alone.points["distance"].max() == pytest.approx(1e4 / alone.table["cut"].min())
    assert np.isnan(alone.ahead)


def test_farthest_leaves_out_runs_beyond_it():
    found = scaling.backtest(Chinchilla, RUNS, farthest=4, bootstrap=0)
    assert found.points["distance"].max() <= 4


def test_duplicates_and_huge_tables_are_taken():
    twice = pd.concat([RUNS, RUNS])
    assert len(scaling.backtest(Chinchilla, twice, cuts=[1e20], bootstrap=0).points) == 56
    many = RUNS.sample(20_000, replace=True, random_state=0)
    found = scaling.backtest(Chinchilla, many, cuts=[1e20], bootstrap=10)
    assert len(found.points) == 2000
    whole = scaling.backtest(Chinchilla, RUNS, cuts=[1e20], bootstrap=0).table
    assert found.table["mean_error"].iloc[0] == pytest.approx(whole["mean_error"].iloc[0], rel=0.3)


@pytest.mark.parametrize(("arguments", "said"), [
    ({"families": "Chinchilla"}, "families must hold families"),
    ({"families": []}, "families must hold one or more"),
    ({"families": [Chinchilla(E=1, A=1, B=1, alpha=1, beta=1)]}, "families must hold families"),
    ({"families": lambda runs: 3}, "must make a fit or an ensemble"),
    ({"families": scaling.fit(Chinchilla, RUNS.assign(recipe=["a", "b", "a"] * 21), by="recipe",
                              bootstrap=0)}, "take one recipe's fit and its runs"),
    ({"runs": RUNS.iloc[:3]}, "needs a cut in compute"),
    ({"runs": RUNS[RUNS["compute"] == 6e18]}, "needs a cut in compute"),
    ({"runs": RUNS.assign(loss=np.nan)}, "must hold finite numbers"),
    ({"runs": RUNS.assign(loss=-RUNS["loss"]), "cuts": [1e20], "bootstrap": 0,
      "objectives": scaling.LeastSquares(space="linear")}, "Errors are relative"),
    ({"by": "nothing"}, "no column of these runs"),
    ({"by": ["compute"]}, "no column of these runs"),
    ({"families": scaling.fit(Chinchilla, RUNS, weights=np.ones(63), bootstrap=0)},
     "weights of this Chinchilla fit were given by hand"),
    ({"runs": RUNS.assign(label="a"), "by": "label"}, "must hold finite numbers"),
    ({"by": "compute", "runs": {"x": [1.0, 2, 3], "loss": [3.0, 2, 1]}, "families": PowerLaw},
     "Add compute, or params and tokens"),
    ({"cuts": "lots"}, "cuts must be"),
    ({"cuts": [1e30]}, "no run lies above it"),
    ({"farthest": 0.5}, "farthest must be a factor above 1"),
    ({"level": 90}, "level must be between"),
    ({"bootstrap": -1}, "whole number"),
    ({"objectives": "huber"}, "objectives must hold"),
    ({"families": lambda runs: None, "objectives": scaling.Huber()}, "chooses its own"),
    ({"families": {"a": Chinchilla, "b": scaling.fit(
        Chinchilla, RUNS.rename(columns={"params": "params_non_embedding"}), bootstrap=0,
        columns={"params": "params_non_embedding"})},
      "runs": RUNS.assign(params_non_embedding=RUNS["params"])}, "cannot be compared"),
    ({"families": {"a": Chinchilla, "b": scaling.fit(
        Chinchilla, RUNS.rename(columns={"loss": "c4"}), columns={"loss": "c4"}, bootstrap=0)},
      "runs": RUNS.assign(c4=RUNS["loss"])}, "must forecast the same column"),
])  # fmt: skip
def test_mistakes_end_in_one_sentence(arguments, said):
    with pytest.raises(scaling.ScalingError, match=said):
        scaling.backtest(**{"families": Chinchilla, "runs": RUNS, **arguments})


def test_hostile_names_are_only_names():
    found = scaling.backtest({"$\\frac{": Chinchilla, "<b>": Kaplan}, RUNS, cuts=CUTS, bootstrap=0)
    assert "<b>" in str(found)
    assert "<b>Kaplan" not in found._repr_html_()
    scaling.plot.backtest(found).figure.canvas.draw()


def test_calibrated_fit_is_no_candidate():
    runs = scaling.datasets.load("demo")
    known = scaling.fit(scaling.laws.Chinchilla, runs)
    calibrated = scaling.calibrate(known, scaling.backtest(known, runs))
    with pytest.raises(scaling.ScalingError, match="as it was before"):
        scaling.backtest(calibrated, runs)

"""Calibrated intervals hold what they say where the law is wrong, and every question carries it."""

import pickle

import numpy as np
import pandas as pd
import pytest
from pages import DOCS, check_part, table
from scipy import stats

import scaling
from scaling.answer import shown
from scaling.datasets.simulated import isoflop_runs
from scaling.laws import Chinchilla, CoupledChinchilla, Kaplan, PowerLaw

RUNS = scaling.datasets.load("demo")
AHEAD = {"params": [7e9, 70e9], "tokens": [1.4e11, 1.4e12]}
NOISE, LARGEST = 0.003, 3e21


@pytest.fixture(scope="module")
def fit():
    return scaling.fit(Chinchilla, RUNS)


@pytest.fixture(scope="module")
def held(fit):
    return scaling.backtest(fit, RUNS)


@pytest.fixture(scope="module")
def calibrated(fit, held):
    return scaling.calibrate(fit, held)


def test_drift_is_student_s_t_as_wide_as_the_held_out_runs_ask(held, calibrated):
    points = held.points.assign(away=np.log(held.points["distance"]))
    log = np.log(points[["observed", "forecast", "forecast_low", "forecast_high"]])
    cuts = points["cut"].nunique()
    drift = calibrated.draws.drift.ravel()
    spread = np.abs(drift).max() / stats.t.ppf(1 - 0.5 / 200, cuts - 1)
    shares = (np.arange(200) + 0.5) / 200
    np.testing.assert_allclose(np.sort(drift), spread * stats.t.ppf(shares, cuts - 1), rtol=1e-6)
    over = log["observed"] > log["forecast"]
    half = np.where(over, log["forecast_high"] - log["forecast"],
                    log["forecast"] - log["forecast_low"])  # fmt: skip

    def held_share(width):
        reach = np.hypot(half, stats.norm.ppf(0.95) * width * points["away"])
        inside = np.abs(log["observed"] - log["forecast"]) <= reach * (1 + 1e-9)
        return inside.groupby(points["cut"]).mean().mean()

    assert held_share(spread) >= 0.9 - 1e-9
    assert held_share(0.98 * spread) < 0.9


def test_intervals_widen_beyond_the_runs_only(fit, calibrated):
    inside = {"params": [1e9, 3e9], "tokens": [2e10, 4e10]}
    for points, wider in ((inside, False), (AHEAD, True)):
        plain, wide = (one.forecast(pd.DataFrame(points)).table for one in (fit, calibrated))
        np.testing.assert_array_equal(plain["loss"], wide["loss"])
        for ends in (("loss_low", "loss_high"), ("next_run_low", "next_run_high")):
            width = [table[ends[1]] - table[ends[0]] for table in (plain, wide)]
            assert ((width[1] > width[0]) == wider).all()
            assert wider or width[0].tolist() == width[1].tolist()


def test_every_question_carries_the_drift(fit, calibrated):
    assert calibrated.draws_kind == "calibrated"
    pd.testing.assert_frame_equal(calibrated.table(), fit.table())
    assert "calibrated" in str(calibrated)
    for ask in (
        lambda one: scaling.compute_optimal(one, 1e24).table.filter(like="loss"),
        lambda one: scaling.required(one, "compute", loss=2.05).table.filter(like="compute"),
        lambda one: scaling.regret(one, 1e24, [70e9]).table.filter(like="loss"),
    ):
        plain, wide = (ask(one).to_numpy()[0] for one in (fit, calibrated))
        assert plain[0] == wide[0]
        assert wide[2] - wide[1] > 1.2 * (plain[2] - plain[1])
    forecast = calibrated.forecast(pd.DataFrame(AHEAD))
    assert forecast.kind == "calibrated"
    assert [i.severity for i in forecast.issues if i.code == "beyond-the-runs"] == ["note"]
    assert "drift" in forecast.assumptions[-1]
    assert "drift" not in shown(calibrated.table().reset_index()).to_string()
    assert scaling.plot.pairs(calibrated)


def test_views_files_and_pickles_keep_the_drift(calibrated, fit, tmp_path):
    wanted = calibrated.forecast(pd.DataFrame(AHEAD)).table
    scaling.save(calibrated, tmp_path / "fit.json")
    for again in (scaling.load(tmp_path / "fit.json"), pickle.loads(pickle.dumps(calibrated))):
        assert again.draws_kind == "calibrated"
        pd.testing.assert_frame_equal(again.forecast(pd.DataFrame(AHEAD)).table, wanted)
    view = scaling.nonembedding_view(calibrated)
    rows = [scaling.compute_optimal(one, 1e24).table.iloc[0] for one in (
        view, pickle.loads(pickle.dumps(view)), scaling.nonembedding_view(fit))]  # fmt: skip
    width = [row["loss_high"] - row["loss_low"] for row in rows]
    assert width[0] == width[1] > 1.2 * width[2]


def test_it_is_the_same_each_time_and_takes_the_place_of_itself(fit, held, calibrated):
    again = scaling.calibrate(calibrated, held)
    np.testing.assert_array_equal(again.draws.drift, calibrated.draws.drift)
    assert len(again.assumptions) == len(fit.assumptions) + 1


def test_an_ensemble_s_drift_is_replaced_by_the_runs_own(held):
    made = scaling.ensemble(RUNS, bootstrap=40)
    own = scaling.calibrate(made, scaling.backtest(made, RUNS))
    assert type(own) is type(made)
    assert own.draws_kind == "calibrated"
    assert own.draws.count == made.draws.count
    sizes = [np.abs(one.draws.drift).mean() for one in (made, own)]
    assert sizes[1] < sizes[0]  # the demo's runs follow the law they were drawn from
    widths = [one.forecast(params=70e9, tokens=1.4e12).table.iloc[0] for one in (made, own)]
    assert widths[1]["loss"] == widths[0]["loss"]


def test_a_calibrated_ensemble_is_saved_and_loaded(held, tmp_path):
    made = scaling.ensemble(RUNS, bootstrap=40)
    own = scaling.calibrate(made, scaling.backtest(made, RUNS))
    for runs in ("full", "hash"):
        back = scaling.load(scaling.save(own, tmp_path / "made.json", runs=runs))
        assert back.draws_kind == "calibrated"
        tables = [one.forecast(params=70e9, tokens=1.4e12).table for one in (own, back)]
        pd.testing.assert_frame_equal(*tables)


def test_other_inputs_have_a_reach_of_their_own():
    x = np.geomspace(1, 1e4, 60)
    loss = 2.0 + 3 * x**-0.3
    loss *= np.exp(np.random.default_rng(0).normal(0, 1e-3, 60))
    made = scaling.fit(PowerLaw, {"x": x, "loss": loss})
    wide = scaling.calibrate(made, scaling.backtest(made, made.runs, by="x"))
    assert float(wide.draws.reach[0, 0]) == x[-1]
    assert wide.draws.drift.std() > 0.01


def test_intervals_that_reach_zero_are_as_wide_as_they_are():
    rng = np.random.default_rng(0)
    x = np.geomspace(1e18, 1e22, 60)
    y = np.abs(3e4 * x**-0.28 + rng.normal(0, 0.05, 60)) + 1e-6
    made = scaling.fit(PowerLaw, {"x": x, "loss": y}, bootstrap=60,
                       objective=scaling.LeastSquares(space="linear"))  # fmt: skip
    held = scaling.backtest(made, made.runs, by="x")
    assert (held.points["forecast_low"] <= 0).any()
    assert np.isfinite(scaling.calibrate(made, held).draws.drift).all()


@pytest.mark.parametrize(("source", "evidence", "said"), [
    ("fit", lambda fit: scaling.backtest(fit, RUNS, cuts=[1e20, 3e20, 1e21]),
     "needs 4 cuts or more, a factor of 1.5 apart, .* has 3"),
    ("fit", lambda fit: scaling.backtest(fit, RUNS, cuts=[1e20, 1.3e20, 6e20, 1e21]),
     "needs 4 cuts or more"),
    ("fit", lambda fit: scaling.backtest(fit, RUNS, bootstrap=0), "none without resamples"),
    ("fit", lambda fit: scaling.backtest(Kaplan, RUNS, cuts=[1e20]), "has no Chinchilla with"),
    ("fit", lambda fit: scaling.backtest(
        fit, RUNS, cuts=[1e20], objectives=scaling.LeastSquares()), "has no Chinchilla with"),
    ("fit", lambda fit: scaling.backtest({"a": fit, "b": Chinchilla}, RUNS, cuts=[1e20]),
     "does not say which"),
    ("fit", lambda fit: None, "needs a Backtest; got NoneType"),
    ("law", lambda fit: scaling.backtest(fit, RUNS, cuts=[1e20]), "takes a fit or an ensemble"),
])  # fmt: skip
def test_what_cannot_be_calibrated_is_refused_in_one_sentence(fit, source, evidence, said):
    given = {"fit": fit, "law": fit.law}[source]
    with pytest.raises(scaling.ScalingError, match=said):
        scaling.calibrate(given, evidence(fit))


def ladder(truth, seed):
    """63 runs of a law on nine budgets, sizes over a factor of 16."""
    budgets = np.geomspace(6e18, LARGEST, 9)
    return isoflop_runs(truth, budgets, sizes=7, spread=4.0, noise=NOISE, seed=seed)


def coupled(gamma):
    """Coupled law whose exponents, multiplied out, are those of Besiroglu et al. 2024."""
    return CoupledChinchilla(E=1.8, A=482 ** (1 / gamma), B=2085 ** (1 / gamma),
                             alpha=0.348 / gamma, beta=0.366 / gamma, gamma=gamma)  # fmt: skip


def covered(truth, seeds, bootstrap):
    """Share of single new runs at 3, 10 and 30 times the largest compute inside their intervals,
    by the plain fit and by the calibrated one.
    """
    far = np.repeat([3.0, 10.0, 30.0], 3) * LARGEST
    best = scaling.published("besiroglu-2024").law.optimum(far / 6)["params"]
    size = best * np.tile([0.5, 1.0, 2.0], 3)
    points = pd.DataFrame({"params": size, "tokens": far / 6 / size})
    inside = []
    for seed in seeds:
        runs = ladder(truth, seed)
        plain = scaling.fit(Chinchilla, runs, bootstrap=bootstrap, seed=seed)
        wide = scaling.calibrate(plain, scaling.backtest(plain, runs, bootstrap=bootstrap))
        noise = np.random.default_rng(1000 + seed).normal(0, NOISE, len(points))
        came = truth.predict(points) * np.exp(noise)
        tables = [one.forecast(points).table for one in (plain, wide)]
        inside.append([((said["next_run_low"] <= came) & (came <= said["next_run_high"])).mean()
                       for said in tables])  # fmt: skip
    return np.mean(inside, axis=0)


def test_calibrated_intervals_hold_where_the_law_is_wrong_and_plain_ones_do_not():
    plain, wide = covered(coupled(0.5), range(4), 60)
    assert plain < 0.5
    assert wide > 0.85


@pytest.mark.slow
def test_coverage_of_calibrated_intervals():
    truths = {
        "coupled, outer exponent 0.5": (coupled(0.5), 0.35),
        "coupled, outer exponent 0.7": (coupled(0.7), 0.6),
        "Chinchilla, the law fitted": (scaling.published("besiroglu-2024").law, 1.0),
    }
    rows = []
    for name, (truth, most_plain) in truths.items():
        plain, wide = covered(truth, range(40), 200)
        said = f"{name}: plain {plain:.3f}, calibrated {wide:.3f}"
        assert plain < most_plain, said
        assert wide > 0.87, said
        rows.append([name, f"{plain:.2f}", f"{wide:.2f}"])
    page = DOCS / "questions" / "would_it_have_forecast.md"
    header = ["the law of the runs", "resamples", "calibrated"]
    check_part(page, "coverage", "\n" + table(header, rows) + "\n")

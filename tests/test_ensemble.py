"""Ensembles against their parts, against each other, and against what larger runs came to."""

import json
import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import scaling
from scaling.forecast.ensembles import DRIFT
from scaling.forecast.nearness import near_frontier
from scaling.forecast.widening import Drift
from scaling.laws import Chinchilla, CoupledChinchilla, PowerLaw, PowerLawPlusConstant

RUNS = scaling.datasets.load("demo")
MADE = scaling.ensemble(RUNS)
POINT = {"params": 70e9, "tokens": 1.4e12}


def near_by_hand(runs, within):
    """The rule said in a loop: within a share of the best loss at up to 1.1 times the compute."""
    spent = (runs["params"] * runs["tokens"]).to_numpy()
    loss = runs["loss"].to_numpy()
    return np.array([loss[i] <= (1 + within) * loss[spent <= 1.1 * spent[i]].min()
                     for i in range(len(loss))])  # fmt: skip


@pytest.mark.parametrize("within", [0.01, 0.05, 0.2])
def test_rows_near_the_frontier_are_those_of_the_rule(within):
    spent = (RUNS["params"] * RUNS["tokens"]).to_numpy()
    found = near_frontier(spent, RUNS["loss"].to_numpy(), within)
    np.testing.assert_array_equal(found, near_by_hand(RUNS, within))


def test_members_are_the_fits_that_their_choices_make():
    kept = RUNS[near_by_hand(RUNS, 0.05)]
    floor = float(f"{0.3 * kept['loss'].min():.2g}")
    ends = {"E": (floor, np.inf), "alpha": (0.01, 3)}
    wanted = [
        scaling.fit(Chinchilla, kept, tied={"beta": "alpha"}, bounds=ends,
                    objective=scaling.Huber(delta=3e-3)),
        scaling.fit(CoupledChinchilla, kept, objective=scaling.Huber(delta=3e-3),
                    bounds={**ends, "beta": (0.01, 3), "gamma": (0.3, 1)}),
        scaling.fit(CoupledChinchilla, kept, tied={"beta": "alpha"},
                    bounds={**ends, "gamma": (0.3, 1)}, objective=scaling.Huber(delta=3e-3)),
    ]  # fmt: skip
    assert [m.law.values for m in MADE.members] == [w.law.values for w in wanted]
    logs = [np.log(w.law.predict(**POINT)) for w in wanted]
    np.testing.assert_allclose(MADE.best.predict(**POINT), np.exp(np.mean(logs)), rtol=1e-12)


def test_every_draw_is_one_member_on_one_resample_times_its_drift():
    n, several = 200, 3
    assert MADE.draws.count == n * several
    predicted = MADE.draws.predict(params=[1e9, 70e9], tokens=[2e10, 1.4e12])
    members = [m.draws.predict(params=[1e9, 70e9], tokens=[2e10, 1.4e12]) for m in MADE.members]
    reach = (RUNS["params"] * RUNS["tokens"]).max()
    far = np.maximum(np.log(np.array([1e9 * 2e10, 70e9 * 1.4e12]) / reach), 0)
    seen = set()
    for place, (row, drift) in enumerate(zip(predicted, MADE.draws.values["drift"], strict=True)):
        plain = row / np.exp(drift * far)
        match = [(j, place % n) for j in range(several)
                 if np.allclose(members[j][place % n], plain, rtol=1e-12)]  # fmt: skip
        assert match
        seen |= set(match)
    assert len(seen) == n * several


def test_drift_is_drawn_from_students_t():
    drawn = np.sort(np.ravel(MADE.draws.values["drift"]))
    shares = (np.arange(len(drawn)) + 0.5) / len(drawn)
    np.testing.assert_allclose(drawn, DRIFT.scale * stats.t(DRIFT.freedom).ppf(shares))
    assert not np.array_equal(drawn, np.ravel(MADE.draws.values["drift"]))
    np.testing.assert_array_equal(Drift(0.1, 4).draws(50, 3), Drift(0.1, 4).draws(50, 3))


def test_drifts_of_two_tables_are_independent():
    noise = np.random.default_rng(0).normal(0, 1e-3, len(RUNS))
    other = scaling.ensemble(RUNS.assign(loss=RUNS["loss"] * np.exp(noise)), bootstrap=200)
    pair = np.corrcoef(np.ravel(MADE.draws.drift), np.ravel(other.draws.drift))[0, 1]
    assert abs(pair) < 4 / np.sqrt(MADE.draws.count)


def test_forecast_widens_with_distance_and_has_the_plain_fit_beside_it():
    tokens = 20.0 * np.array([2e9, 2e10, 2e11])
    told = MADE.forecast(params=[2e9, 2e10, 2e11], tokens=tokens)
    width = np.log(told.table["loss_high"] / told.table["loss_low"])
    assert (np.diff(width) > 0).all()
    plain = scaling.fit(Chinchilla, RUNS, bootstrap=0).forecast(params=[2e9, 2e10, 2e11],
                                                               tokens=tokens)  # fmt: skip
    np.testing.assert_array_equal(told.table["plain_loss"], plain.table["loss"])
    assert [i.severity for i in told.issues if i.code == "beyond-the-runs"] == ["weakens"]
    plain_said = [i.severity for i in plain.issues if i.code == "beyond-the-runs"]
    assert plain_said == ["weakens"]


@pytest.mark.parametrize(("times", "severity"), [(2, []), (900, ["note"]), (1100, ["weakens"])])
def test_intervals_that_widen_are_trusted_up_to_a_thousand_times_the_runs(times, severity):
    params = MADE.ranges["params"][1]
    tokens = times * MADE.ranges["compute"][1] / (6 * params)
    told = MADE.forecast(params=params, tokens=tokens)
    assert told.table["beyond"].iloc[0] == pytest.approx(times)
    assert [i.severity for i in told.issues if i.code == "beyond-the-runs"] == severity


def test_without_resamples_nothing_is_said_of_intervals_that_are_not_there():
    bare = scaling.ensemble(RUNS, bootstrap=0)
    for told in (bare.forecast(**POINT), scaling.compute_optimal(bare, 1e24)):
        said = [i.message for i in told.issues if i.code == "beyond-the-runs"]
        assert len(said) == 1
        assert "no interval" in said[0]
        assert "held about a third" not in said[0]


def test_questions_take_an_ensemble_as_they_take_a_fit():
    frontier = scaling.compute_optimal(MADE, 1e24)
    row = frontier.table.iloc[0]
    sizes = np.geomspace(row["params"] / 3, row["params"] * 3, 2001)
    losses = MADE.best.predict(params=sizes, tokens=1e24 / 6 / sizes)
    assert row["params"] == pytest.approx(sizes[losses.argmin()], rel=2e-3)
    assert row["loss_low"] < losses.min() < row["loss_high"]
    needed = scaling.required(MADE, "compute", loss=row["loss"])
    assert needed.table["compute"].iloc[0] == pytest.approx(1e24, rel=1e-4)
    priced = scaling.regret(MADE, 1e24, [row["params"]])
    assert priced.table["excess_mean"].iloc[0] >= 0


def test_same_seed_same_numbers_and_another_seed_another():
    again, other = scaling.ensemble(RUNS), scaling.ensemble(RUNS, seed=1)
    for name, values in MADE.draws.values.items():
        np.testing.assert_array_equal(values, again.draws.values[name])
    assert not np.array_equal(MADE.draws.values["drift"], other.draws.values["drift"])


def test_again_on_other_runs_keeps_every_choice():
    some = RUNS[RUNS["compute"] <= 1e21]
    made = scaling.ensemble(RUNS, rows=0.1, bootstrap=20, objective=scaling.LeastSquares(), seed=2)
    again = made.again(some)
    wanted = scaling.ensemble(
        some, rows=0.1, bootstrap=20, objective=scaling.LeastSquares(), seed=2
    )
    assert again.best.values == wanted.best.values
    assert made.again(some, bootstrap=0).draws is None


def test_families_may_be_ones_own_with_one_input():
    x = np.geomspace(1e8, 1e11, 12)
    runs = pd.DataFrame({"x": x, "loss": 1.7 + 30 * x**-0.2})
    made = scaling.ensemble(runs, families=[PowerLawPlusConstant, PowerLaw], bootstrap=20)
    fits = [scaling.fit(f, runs, objective=scaling.Huber(delta=3e-3), bootstrap=0)
            for f in (PowerLawPlusConstant, PowerLaw)]  # fmt: skip
    wanted = np.exp(np.mean([np.log(f.law.predict(x=1e12)) for f in fits]))
    assert made.best.predict(x=1e12) == pytest.approx(wanted, rel=1e-12)
    assert made.forecast(x=1e12).table["beyond"].iloc[0] == pytest.approx(10)


def test_a_fit_among_the_families_keeps_its_own_choices():
    known = scaling.fit(Chinchilla, RUNS, fixed={"E": 1.8}, objective=scaling.LeastAbsolute())
    made = scaling.ensemble(RUNS, families=[known, CoupledChinchilla], rows="all", bootstrap=0)
    assert made.members[0].law.values == known.law.values
    assert made.members[1].objective == scaling.Huber(delta=3e-3)


def test_all_rows_are_kept_where_few_lie_near_and_it_is_said():
    made = scaling.ensemble(RUNS, rows=1e-6, bootstrap=0)
    assert made.kept.all()
    assert any("every run is kept" in said for said in made.assumptions)
    near = scaling.ensemble(RUNS, rows=0.02, bootstrap=0)
    left = f"{(~near.kept).sum()} of {len(RUNS)} runs"
    assert any(said.startswith(left) for said in near.assumptions)
    assert left in str(near).replace("\n  ", " ")


def test_bounds_that_act_are_told():
    runs = RUNS.assign(loss=RUNS["loss"] - 1.7)  # a floor far below .3 of the lowest loss
    made = scaling.ensemble(runs, bootstrap=0, rows="all")
    said = [issue.message for issue in made.issues if issue.code == "bound-in-member"]
    ended = [member for member in made.members if member.ended]
    assert len(ended) > 1
    assert len(said) == 1  # one sentence for all members
    assert said[0].count("ended with E at its lower bound") == len(ended)


@pytest.mark.parametrize(("options", "said"), [
    ({"rows": "nearest"}, "rows must be"), ({"rows": 0}, "rows must be"),
    ({"rows": None}, "rows must be"), ({"rows": True}, "rows must be"),
    ({"drift": 0.004}, "drift must be"), ({"families": []}, "one or more"),
    ({"families": [3]}, "families must hold"),
    ({"families": [Chinchilla, PowerLaw]}, "PowerLaw has the roles"),
    ({"drift": 0.01}, "drift must be a Drift"),
])  # fmt: skip
def test_mistakes_end_in_one_sentence(options, said):
    with pytest.raises(scaling.ScalingError, match=said):
        scaling.ensemble(RUNS, **options)


@pytest.mark.parametrize(("scale", "freedom"), [(np.nan, 4), (-1.0, 4), (np.inf, 4), (0.004, 0)])
def test_drift_without_a_size_is_refused(scale, freedom):
    with pytest.raises(scaling.ScalingError, match="A drift needs"):
        Drift(scale, freedom)


def test_losses_without_a_logarithm_are_refused():
    with pytest.raises(scaling.ColumnError, match="averages logarithms"):
        scaling.ensemble(RUNS.assign(loss=RUNS["loss"] - 3))


def test_pickles():
    again = pickle.loads(pickle.dumps(MADE))
    np.testing.assert_array_equal(again.draws.values["drift"], MADE.draws.values["drift"])
    assert again.forecast(**POINT).table.equals(MADE.forecast(**POINT).table)


@pytest.mark.parametrize("runs", ["full", "hash"])
@pytest.mark.parametrize("options", [
    {}, {"bootstrap": 0}, {"families": [Chinchilla, CoupledChinchilla], "bootstrap": 20},
])  # fmt: skip
def test_saved_and_loaded_is_the_same(tmp_path, runs, options):
    made = scaling.ensemble(RUNS, **options)
    back = scaling.load(scaling.save(made, tmp_path / "made.json", runs=runs))
    told, again = made.forecast(**POINT), back.forecast(**POINT)
    pd.testing.assert_frame_equal(again.table, told.table)
    assert (str(back), again.issues) == (str(made), told.issues)
    assert (back.runs is None) == (runs == "hash")
    some = RUNS[RUNS["compute"] <= 1e21]
    assert back.again(some, bootstrap=0).best.values == made.again(some, bootstrap=0).best.values
    if runs == "hash":
        text = (tmp_path / "made.json").read_text()
        assert not any(f"{loss!r}" in text for loss in RUNS["loss"])


def test_damaged_file_of_an_ensemble_is_refused(tmp_path):
    path = scaling.save(scaling.ensemble(RUNS, bootstrap=20), tmp_path / "made.json")
    record = json.loads(path.read_text())
    for key in record:
        path.write_text(json.dumps({k: v for k, v in record.items() if k != key}))
        with pytest.raises(scaling.ScalingError, match=r"damaged|not a fit|schema"):
            scaling.load(path)


def test_more_resamples_of_an_ensemble_are_asked_of_itself():
    with pytest.raises(scaling.FitError, match=r"again\(runs, bootstrap=n\)"):
        scaling.bootstrap(MADE, 400)
    assert MADE.again(RUNS, bootstrap=30).draws.count == 90

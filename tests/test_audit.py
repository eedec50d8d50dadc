"""Each choice of an audit against a fit made by hand, and what the checklist says."""

import dataclasses
import json
import time

import numpy as np
import pandas as pd
import pytest

import scaling
from scaling import FitError, Huber, Law, LeastAbsolute, LeastSquares, ScalingError, coef
from scaling.counting import total_params, without_embeddings
from scaling.datasets.simulated import isoflop_runs
from scaling.forecast.choices import without_run
from scaling.forecast.spreads import decide, not_counted, spread_of
from scaling.laws import Chinchilla, CoupledChinchilla, Kaplan, PowerLaw, PowerLawPlusConstant
from scaling.storage import plain

DEMO = scaling.datasets.load("demo")
SOME = DEMO.iloc[::3]


def by_choice(audit):
    return audit.table.set_index("choice")


def codes(answer):
    return {issue.code: issue for issue in answer.issues}


def size_at_1e24(law):
    return scaling.compute_optimal(law, 1e24).table["params"].iloc[0]


@pytest.fixture(scope="module")
def fit():
    return scaling.fit(Chinchilla, DEMO)


@pytest.fixture(scope="module")
def audit(fit):
    return scaling.audit(fit, compute=1e24)


@pytest.fixture(scope="module")
def real(chinchilla_runs, chinchilla_runs_all):
    made = scaling.fit(Chinchilla, chinchilla_runs)
    return scaling.audit(made, compute=1e24, all_runs=chinchilla_runs_all)


def by_hand(fit):
    """The same choices, made with scaling.fit alone: arguments and runs by name."""
    runs = fit.runs
    off = (np.log(fit.law.predict(runs)) - np.log(runs["loss"])).abs()
    delta = float(f"{1.345 * 1.4826 * off.median():.2g}")
    ratio = runs["tokens"] / runs["params"]
    far = off.sort_values(ascending=False).index
    choices = {
        "Huber(delta=0.0001) of log loss": ({"objective": Huber(delta=1e-4)}, runs),
        f"Huber(delta={delta:g}) of log loss, matched": (
            {"objective": Huber(delta=delta)}, runs),
        "LeastAbsolute of log loss": ({"objective": LeastAbsolute()}, runs),
        "LeastSquares of log loss": ({"objective": LeastSquares()}, runs),
        "LeastAbsolute of loss": ({"objective": LeastAbsolute(space="linear")}, runs),
        "LeastSquares of loss": ({"objective": LeastSquares(space="linear")}, runs),
        "without the farthest run": ({}, runs.drop(far[:1])),
        "without the 3 farthest runs": ({}, runs.drop(far[:3])),
        "without the smallest fifth": ({}, runs[runs["params"] > runs["params"].quantile(0.2)]),
        "without the largest fifth": ({}, runs[runs["params"] < runs["params"].quantile(0.8)]),
        "without the least trained fifth": ({}, runs[ratio > ratio.quantile(0.2)]),
        "without the most trained fifth": ({}, runs[ratio < ratio.quantile(0.8)]),
        "equal exponents": ({"tied": {"beta": "alpha"}}, runs),
        "CoupledChinchilla": ({"family": CoupledChinchilla}, runs),
        "Kaplan": ({"family": Kaplan}, runs),
        "another seed": ({"seed": 1}, runs),
    }  # fmt: skip
    for budget in (6e18, 1e19, 3e19, 6e19, 1e20, 3e20, 6e20, 1e21, 3e21):
        near = np.isclose(runs["compute"], budget, rtol=0.05)
        choices[f"without the budget {scaling.text.human(budget)}"] = ({}, runs[~near])
    return choices


def test_each_row_is_a_fit_made_by_hand(fit, audit):
    rows, choices = by_choice(audit), by_hand(fit)
    single = rows.index[rows["group"] == "one run"]
    assert set(rows.index) == {*choices, *single, "Chinchilla, Huber(delta=0.001) of log loss"}
    for name, (options, runs) in choices.items():
        made = scaling.fit(**{"family": Chinchilla, "runs": runs, "bootstrap": 0, **options})
        assert rows.loc[name, "value"] == pytest.approx(size_at_1e24(made), rel=1e-6), name
        assert rows.loc[name, "runs"] == len(runs), name


def test_the_first_row_is_the_fit_with_its_interval(fit, audit):
    answer = scaling.compute_optimal(fit, 1e24).table.iloc[0]
    first = audit.table.iloc[0]
    for mine, theirs in (("value", ""), ("value_low", "_low"), ("value_high", "_high")):
        assert first[mine] == pytest.approx(answer[f"params{theirs}"], rel=1e-9)
    half = (answer["params_high"] - answer["params_low"]) / 2
    rest = audit.table.iloc[1:]
    np.testing.assert_allclose(rest["shift"], rest["value"] / answer["params"] - 1, atol=1e-9)
    np.testing.assert_allclose(
        rest["shift_in_half_widths"], (rest["value"] - answer["params"]) / half, atol=1e-9
    )
    outside = ~rest["value"].between(answer["params_low"], answer["params_high"])
    assert rest["outside"].tolist() == outside.tolist()


def test_the_run_left_out_is_the_one_that_moves_it_most(fit, audit):
    moved = {
        label: size_at_1e24(scaling.fit(Chinchilla, DEMO.drop(label), bootstrap=0))
        for label in DEMO.index[::-2]
    }
    base = size_at_1e24(fit)
    most = max(moved, key=lambda label: abs(moved[label] - base))
    row = by_choice(audit).loc[f"without the run in row {most}"]
    assert row["value"] == pytest.approx(moved[most], rel=1e-6)


def test_spread_is_from_the_lowest_to_the_highest_counted_choice(audit):
    counted = audit.table[audit.table["counted"]]
    whole = audit.spread.iloc[-1]
    assert (whole["group"], whole["choices"]) == ("all", len(counted) - 1)
    assert whole["lowest"] == counted["value"].min()
    assert whole["highest"] == counted["value"].max()
    width = audit.table["value_high"][0] - audit.table["value_low"][0]
    assert whole["in_intervals"] == pytest.approx(np.ptp(counted["value"]) / width)
    forms = audit.spread.set_index("group").loc["form"]
    assert forms["lowest_choice"] == "equal exponents"
    assert "choices-decide" not in codes(audit)


def test_a_form_that_misses_the_runs_is_shown_and_not_counted(fit, audit):
    row = by_choice(audit).loc["Kaplan"]
    kaplan = scaling.fit(Kaplan, DEMO, bootstrap=0)
    usual = [one.residuals()["residual"].abs().median() for one in (kaplan, fit)]
    assert row["misfit"] == pytest.approx(usual[0] / usual[1], rel=0.2)
    assert row["misfit"] > 1.5
    assert not row["counted"]
    assert "not counted" in str(audit)


def test_hoffmann_objective_and_rows_move_the_best_size(
    chinchilla_runs, chinchilla_runs_all, real, printed
):
    """At 1e24 FLOPs: 97B, 130B by least squares of the loss, 162B with the 2% put back."""
    rows = by_choice(real)["value"] / 1e9
    linear = LeastSquares(space="linear")
    for text, name, runs, objective in (
        ("97", "Chinchilla, Huber(delta=0.001) of log loss", chinchilla_runs, None),
        ("130", "LeastSquares of loss", chinchilla_runs, linear),
        ("162", "with the 5 runs left out", chinchilla_runs_all, None),
    ):
        alone = scaling.fit(Chinchilla, runs, objective=objective, bootstrap=0)
        assert size_at_1e24(alone) / 1e9 == printed(text)
        assert rows[name] == pytest.approx(size_at_1e24(alone) / 1e9, rel=1e-6)
    assert len(chinchilla_runs_all) - len(chinchilla_runs) == round(0.02 * 245)


@pytest.mark.slow
def test_choices_seldom_decide_in_tables_that_follow_the_law():
    """The share and the middle that docs/questions/does_it_survive.md tells, of 140 tables."""
    law = scaling.published("besiroglu-2024").law
    budgets = (6e18, 1e19, 3e19, 6e19, 1e20, 3e20, 6e20, 1e21, 3e21)
    audits = []
    for seed in range(40):
        runs = isoflop_runs(law, budgets, sizes=7, spread=3.0, noise=0.003, seed=seed)
        audits.append(scaling.audit(scaling.fit(Chinchilla, runs, seed=seed)))
    wide = np.array([audit.spread["in_intervals"].iloc[-1] for audit in audits])
    told = np.array(["choices-decide" in codes(audit) for audit in audits])
    times = np.array([audit.spread["times"].iloc[-1] for audit in audits])
    outside = np.array([audit.spread["outside"].iloc[-1] for audit in audits])
    assert told.tolist() == ((wide > 1.5) | (outside >= 4) | (times > 3)).tolist()
    assert told.mean() <= 0.1
    assert times.max() < 2
    assert np.median(wide) == pytest.approx(0.8, abs=0.15)


def test_runs_near_the_frontier_are_a_choice(chinchilla_runs, real):
    """Those within 5% of the best loss at up to 1.1 times their compute."""
    runs = chinchilla_runs
    best = [runs["loss"][runs["compute"] <= 1.1 * compute].min() for compute in runs["compute"]]
    near = runs[runs["loss"] <= 1.05 * np.array(best)]
    row = by_choice(real).loc["only near the frontier"]
    assert row["runs"] == len(near) < len(runs)
    alone = scaling.fit(Chinchilla, near, bootstrap=0)
    assert row["value"] == pytest.approx(size_at_1e24(alone), rel=1e-6)


def test_the_interval_of_one_objective_excludes_the_forecast_of_another(chinchilla_runs):
    """Both ways of saying it need no luck of the resamples: 1000 of them."""
    default = scaling.fit(Chinchilla, chinchilla_runs, bootstrap=1000)
    other = scaling.fit(
        Chinchilla, chinchilla_runs, objective=LeastSquares(space="linear"), bootstrap=0
    )
    ends = scaling.compute_optimal(default, 1e24, level=0.95).table.iloc[0]
    said = scaling.compute_optimal(other, 1e24).table["loss"].iloc[0]
    assert said > ends["loss_high"]

    def best_loss(law):
        return scaling.compute_optimal(law, 1e24).table["loss"].iloc[0]

    made = scaling.fit(Chinchilla, chinchilla_runs)
    row = by_choice(scaling.audit(made, best_loss, level=0.9)).loc["LeastSquares of loss"]
    assert row["value"] == pytest.approx(said, rel=1e-6)
    assert row["outside"]


def test_on_the_runs_of_hoffmann_choices_decide(real):
    issue = codes(real)["choices-decide"]
    whole = real.spread.iloc[-1]
    assert whole["in_intervals"] > 1.5
    assert f"{whole['in_intervals']:.2g} times as wide" in issue.message
    most = real.table[real.table["counted"]]["shift"].abs().idxmax()
    assert issue.message.endswith(f"most moves it: {real.table.loc[most, 'choice']}.")


def test_outliers_do_not_hide_that_choices_decide(chinchilla_runs_all):
    """They widen the interval as much as the spread; every objective counts all the same."""
    answer = scaling.audit(scaling.fit(Chinchilla, chinchilla_runs_all), compute=1e24)
    values = answer.table["value"][answer.table["group"] != "form"]
    squares = scaling.fit(
        Chinchilla, chinchilla_runs_all, objective=LeastSquares(space="linear"), bootstrap=0
    )
    row = by_choice(answer).loc["LeastSquares of loss"]
    assert row["value"] == pytest.approx(size_at_1e24(squares), rel=1e-6)
    assert row["misfit"] > 1.5
    assert row["counted"]
    whole = answer.spread.iloc[-1]
    assert whole["times"] == pytest.approx(values.max() / values.min())
    assert codes(answer)["choices-decide"]
    sentence = answer.notes[1]
    assert f"the highest {whole['times']:.3g} times the lowest" in sentence
    counted = answer.table[answer.table["counted"]].iloc[1:]
    out = (~counted["value"].between(*answer.table.iloc[0][["value_low", "value_high"]])).sum()
    assert f"{out} of {len(counted)} choices outside it" in sentence
    assert sentence.endswith("1 form misses the runs and does not count: 186B (Kaplan).")


@pytest.mark.parametrize(("values", "interval", "told"), [
    ([10.0] * 20 + [11.0, 14.0], (8.0, 12.0), False),  # one outside, one interval apart
    ([10.0] * 20 + [7.0, 14.0], (8.0, 12.0), True),  # 1.75 intervals apart
    ([10.0] * 20 + [11.2] * 3, (9.0, 11.0), False),
    ([10.0] * 20 + [11.2] * 4, (9.0, 11.0), True),  # four outside
    ([10.0] * 20 + [5.0, 14.9], (0.0, 20.0), False),
    ([10.0] * 20 + [5.0, 15.1], (0.0, 20.0), True),  # thrice apart, all inside
    ([10.0] * 20 + [5.0, 15.1], (np.nan, np.nan), True),  # without resamples
    ([10.0] * 20 + [-5.0, 15.1], (-10.0, 30.0), False),  # no ratio where signs differ
])  # fmt: skip
def test_choices_decide_by_width_by_count_or_by_ratio(values, interval, told):
    low, high = interval
    value = np.array([10.0, *values])
    table = pd.DataFrame({
        "group": ["as fitted", *["rows"] * len(values)], "choice": "one", "value": value,
        "outside": (value < low) | (value > high), "counted": True,
        "value_low": low, "value_high": high,
    })  # fmt: skip
    assert decide(spread_of(table).iloc[-1]) is told


def test_forms_that_miss_the_runs_are_counted_and_placed():
    table = pd.DataFrame({
        "choice": ["own", "a", "b", "c", "d"], "value": [1.0, 3.0, 7.0, 5.0, 2.0],
        "counted": [True, False, False, False, True], "value_low": np.nan, "value_high": np.nan,
    })  # fmt: skip
    assert not_counted(table) == (
        "3 forms miss the runs and do not count: from 3 (a) to 7 (b).")  # fmt: skip
    assert not not_counted(table[table["counted"]])


def test_a_row_is_said_to_be_labelled_where_labels_do_not_count_rows(fit):
    assert without_run(fit, 5).words == "without the run in row 5"
    later = scaling.fit(Chinchilla, DEMO.iloc[3:], bootstrap=0)
    assert without_run(later, 2).words == "without the run in row labelled 5"


def test_the_checklist_names_the_rows_left_out():
    rows = [4, 40]
    item = "rows dropped before the fit, and why"
    fitted = scaling.fit(Chinchilla, DEMO.drop(rows), bootstrap=0)
    said = items(scaling.audit(fitted, "E", all_runs=DEMO).checklist)
    assert said[item] == "2 of 63 (rows 4, 40), why: not recorded"
    assert items(scaling.checklist(fitted, all_runs=DEMO)) == said
    again = scaling.fit(Chinchilla, DEMO.drop(rows).reset_index(drop=True), bootstrap=0)
    said = items(scaling.checklist(again, all_runs=DEMO))
    assert said[item] == "2 of 63, why: not recorded"  # new labels name other rows
    shuffled = DEMO.set_axis(np.arange(63) + 100)
    assert items(scaling.checklist(fitted, all_runs=shuffled))[item] == said[item]
    with pytest.raises(ScalingError, match="61 runs of the fit and those left out; got 61"):
        scaling.checklist(fitted, all_runs=DEMO.drop(rows))


def test_an_audit_takes_less_than_five_seconds(chinchilla_runs):
    made = scaling.fit(Chinchilla, chinchilla_runs)
    began = time.process_time()
    scaling.audit(made)
    assert time.process_time() - began < 5


def test_counting_says_the_answer_in_the_counting_of_the_fit():
    """The law holds for params without embeddings; the question is asked of params with them."""
    law = scaling.published("besiroglu-2024").law
    outside = SOME["params"]
    both = SOME.assign(
        params_non_embedding=outside, params=total_params(outside, 3e4),
        loss=law.predict(params=outside, tokens=SOME["tokens"]),
    ).drop(columns="compute")  # fmt: skip
    made = scaling.fit(Chinchilla, both, bootstrap=5)
    row = by_choice(scaling.audit(made, size_at_1e24, name="best size"))
    total = np.geomspace(1e10, 1e12, 200_001)
    loss = law.predict(params=without_embeddings(total, 3e4), tokens=1e24 / 6 / total)
    found = row.loc["params_non_embedding for params", "value"]
    assert found == pytest.approx(total[loss.argmin()], rel=1e-3)
    columns = {"params": "params_non_embedding"}
    other = scaling.fit(Chinchilla, both, columns=columns, objective=LeastSquares(), bootstrap=5)
    answer = scaling.audit(other, lambda one: one.predict(params=1e9, tokens=1e11))
    kept = scaling.fit(Chinchilla, both, objective=LeastSquares(), bootstrap=0)
    want = kept.law.predict(params=total_params(1e9, 3e4), tokens=1e11)
    assert by_choice(answer).loc["params for params_non_embedding", "value"] == pytest.approx(
        float(want), rel=1e-9
    )


def test_countings_that_cannot_be_translated_are_told():
    odd = SOME.assign(params_non_embedding=SOME["params"] ** 0.9)
    answer = scaling.audit(scaling.fit(Chinchilla, odd, bootstrap=0), "E")
    assert "do not grow as the cube root" in answer.left_out["params counted otherwise"]
    answer = scaling.audit(scaling.fit(Chinchilla, SOME, bootstrap=0), "E")
    assert "one counting" in answer.left_out["params counted otherwise"]


def test_without_a_query_the_best_size_at_ten_times_the_compute_is_asked(fit):
    answer = scaling.audit(fit)
    compute = 10 * float((6 * DEMO["params"] * DEMO["tokens"]).max())
    best = scaling.compute_optimal(fit, compute).table["params"].iloc[0]
    assert answer.table["value"][0] == pytest.approx(best, rel=1e-6)
    given = scaling.audit(fit, compute="1e24")
    assert given.quantity == "best params at 1e24 FLOPs"
    assert given.table["value"][0] == pytest.approx(size_at_1e24(fit), rel=1e-6)
    line = scaling.fit(PowerLaw, DEMO, columns={"x": "tokens"}, bootstrap=0)
    answer = scaling.audit(line)
    assert answer.quantity == "loss at 10x the largest inputs"
    said = float(line.law.predict(x=10 * DEMO["tokens"].max()))
    assert answer.table["value"][0] == pytest.approx(said)
    made = scaling.fit(PowerLawPlusConstant, DEMO, columns={"x": "tokens"}, bootstrap=0)
    said = float(made.law.predict(x=10 * DEMO["tokens"].max()))
    assert by_choice(answer).loc["PowerLawPlusConstant", "value"] == pytest.approx(said, rel=1e-6)


def test_a_coefficient_is_asked_by_name_and_forms_without_it_are_told(fit):
    answer = scaling.audit(fit, "alpha")
    low, high = fit.table().loc["alpha", ["low", "high"]]
    assert answer.table.iloc[0][["value_low", "value_high"]].tolist() == [low, high]
    assert answer.left_out["Kaplan"].endswith("Kaplan has no coefficient alpha")
    coupled = scaling.fit(CoupledChinchilla, DEMO, bootstrap=0)
    assert by_choice(answer).loc["CoupledChinchilla", "value"] == pytest.approx(
        float(coupled.law.alpha), rel=1e-6)  # fmt: skip


class Wave(Law):
    """Frequencies w and 2 pi - w agree at whole x, so only the runs between decide."""

    inputs = ("x",)
    target = "y"
    a = coef("height", typical=(-5, 5), positive=False)
    w = coef("frequency", typical=(0.1, 6))

    def formula(self, x):
        return self.a + np.cos(self.w * x)

    def gradient(self, x):
        return {"a": 1.0, "w": -x * np.sin(self.w * x)}


def test_a_choice_that_leads_to_another_basin_is_told():
    x = np.append(np.arange(1.0, 31.0), [0.5, 1.5, 20.5])
    frequency = np.append(np.full(32, 1.0), 2 * np.pi - 1)  # the last run speaks for the alias
    noise = np.random.default_rng(0).normal(0, 0.01, len(x))
    runs = pd.DataFrame({"x": x, "y": 3 + np.cos(frequency * x) + noise})
    made = scaling.fit(Wave, runs, objective=LeastSquares(space="linear"))
    assert float(made.law.w) == pytest.approx(1, abs=0.01)
    answer = scaling.audit(made, "w")
    alias = by_choice(answer).loc["without the lowest x fifth", "value"]
    assert alias == pytest.approx(2 * np.pi - 1, abs=0.01)
    assert "without the lowest x fifth" in codes(answer)["choice-changes-basin"].message


def test_other_minima_are_rows(fit):
    law = fit.law
    near = type(law)(**{**law.values, "E": float(law.E) + 0.1})
    starts = type(fit.starts)(64, 0.5, (near,), (1.004 * fit.objective_value,))
    made = scaling.audit(dataclasses.replace(fit, starts=starts), "E")
    row = by_choice(made).loc["another minimum, 0.4% higher"]
    assert row["value"] == pytest.approx(float(law.E) + 0.1)


def test_constraints_weights_and_bounds_have_their_opposite():
    weights = np.linspace(1, 2, len(SOME))
    tied = scaling.fit(Chinchilla, SOME, tied={"beta": "alpha"}, weights=weights, bootstrap=0)
    rows = by_choice(scaling.audit(tied, "E", all_runs=pd.concat([SOME, SOME.iloc[:2]])))
    free = scaling.fit(Chinchilla, SOME, weights=weights, bootstrap=0)
    assert rows.loc["no coefficient fixed or tied", "value"] == pytest.approx(
        float(free.law.E), rel=1e-6)  # fmt: skip
    equal = scaling.fit(Chinchilla, SOME, tied={"beta": "alpha"}, bootstrap=0)
    assert rows.loc["equal weights", "value"] == pytest.approx(float(equal.law.E), rel=1e-6)
    kept = (SOME["params"] > SOME["params"].quantile(0.2)).to_numpy()
    some = scaling.fit(
        Chinchilla, SOME[kept], tied={"beta": "alpha"}, weights=weights[kept], bootstrap=0
    )
    assert rows.loc["without the smallest fifth", "value"] == pytest.approx(
        float(some.law.E), rel=1e-6)  # fmt: skip
    bounded = scaling.fit(Chinchilla, SOME, bounds={"E": (1.0, 1.7)}, bootstrap=0)
    rows = by_choice(scaling.audit(bounded, "alpha"))
    free = scaling.fit(Chinchilla, SOME, bootstrap=0)
    assert rows.loc["no bounds", "value"] == pytest.approx(float(free.law.alpha), rel=1e-6)
    coupled = scaling.fit(CoupledChinchilla, SOME, bounds={"E": (1.0, 1.7)}, bootstrap=0)
    assert rows.loc["CoupledChinchilla", "value"] == pytest.approx(
        float(coupled.law.alpha), rel=1e-6)  # fmt: skip


@pytest.mark.parametrize("change", [
    {"groups": np.arange(21) % 7}, {"weights": np.linspace(0, 1, 21)}, {"noise": 0.003},
    {"fixed": {"E": 1.8}}, {"bootstrap": 0}, {"family": Kaplan},
    {"runs": SOME.set_axis([7] * 21)}, {"runs": DEMO.iloc[::11]},
    {"runs": SOME.assign(loss=SOME["loss"] - 3), "objective": LeastSquares(space="linear")},
])  # fmt: skip
def test_every_kind_of_fit_has_an_audit_that_json_holds(change):
    made = scaling.fit(**{"family": Chinchilla, "runs": SOME, "bootstrap": 10, **change})
    answer = scaling.audit(made)
    kept = json.loads(json.dumps(plain(answer.to_dict()), allow_nan=False))
    assert len(kept["rows"]) == len(answer.table) > 5
    assert kept["left_out"] == dict(answer.left_out)
    assert set(kept["spread"][-1]) == set(answer.spread.columns)
    assert answer.quantity in str(answer)


def test_the_run_that_moves_a_searched_answer_most_is_found():
    """Kaplan's best size is searched for, of one law as of many."""
    answer = scaling.audit(scaling.fit(Kaplan, SOME, bootstrap=5))
    assert answer.table["group"].iloc[-1] == "one run"


def test_choices_that_the_runs_do_not_allow_are_told():
    answer = scaling.audit(scaling.fit(Chinchilla, DEMO.iloc[::11], bootstrap=5))
    assert "needs at least 7 runs" in answer.left_out["CoupledChinchilla"]
    assert "all_runs=" in answer.left_out["with the runs left out before the fit"]
    assert "Left out: CoupledChinchilla (" in str(answer)
    made = scaling.fit(Chinchilla, SOME, weights=np.ones(21), bootstrap=0)
    answer = scaling.audit(made, "E", all_runs=pd.concat([SOME, DEMO.iloc[:1]]))
    assert "weights of this fit were given by hand" in answer.left_out["with the 1 run left out"]


def test_audit_refuses_in_words(fit, tmp_path):
    for query, said in (
        (3, "takes a function"), (lambda law: [1.0, 2.0], "one number; got 2"),
        (lambda law: np.nan, "nothing to audit"), ("gamma", "no coefficient 'gamma'; it has E, A"),
    ):  # fmt: skip
        with pytest.raises(FitError, match=said):
            scaling.audit(fit, query)
    with pytest.raises(ScalingError, match="a query or a compute, not both"):
        scaling.audit(fit, "E", compute=1e24)
    with pytest.raises(ScalingError, match="one compute; got 2"):
        scaling.audit(fit, compute=[1e23, 1e24])
    line = scaling.fit(PowerLaw, DEMO, columns={"x": "tokens"}, bootstrap=0)
    with pytest.raises(scaling.NoTradeoffError, match="needs a law of both"):
        scaling.audit(line, compute=1e24)
    with pytest.raises(ScalingError, match="audit takes a fit; got Chinchilla"):
        scaling.audit(fit.law)
    with pytest.raises(ScalingError, match="63 runs of the fit and those left out; got 9"):
        scaling.audit(fit, all_runs=DEMO.iloc[:9])
    with pytest.raises(ScalingError, match="needs columns params, tokens, loss"):
        scaling.audit(fit, all_runs=DEMO.drop(columns="loss"))
    scaling.save(fit, tmp_path / "fit.json", runs="hash")
    with pytest.raises(FitError, match="saved without its runs"):
        scaling.audit(scaling.load(tmp_path / "fit.json"))


def items(text):
    """Items of a checklist: what it is, and what is said of it."""
    lines = [line[4:].split(":** ", 1) for line in text.splitlines() if line.startswith("- **")]
    return dict(lines)


def test_the_checklist_is_filled_from_the_fit(fit, audit):
    text = scaling.checklist(fit)
    assert text == audit.checklist
    said = items(text)
    assert said["law"].startswith("Chinchilla, $L(N, D)")
    assert said["source"] == Chinchilla.source
    assert said["objective"] == "Huber(delta=0.001) of log loss, summed over runs"
    assert float(said["objective reached"]) == pytest.approx(fit.objective_value, rel=1e-5)
    assert said["runs fitted"] == "63"
    assert said["SHA-256 of the columns used"] == f"`{fit.data.digest}`"
    assert said["FLOPs"].startswith("6ND; 6e18 to 3e21")
    assert said["starts that agree"] == f"{fit.starts.share:.0%}"
    assert said["starts"].startswith("64 spread over E 0.2 to 4,")
    assert said["errors"] == fit.draws_kind == "pairs n=200"
    low, high = np.quantile(fit.residuals()["residual"], [0.25, 0.75]) * np.sqrt(63 / 58)
    assert said["residuals"] == f"half lie between {100 * low:.2g}% and {100 * high:.2g}%"
    row = fit.table().loc["E"]
    assert said["E"].startswith(f"{row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}]")
    for unknown in ("which checkpoints", "rows dropped before the fit, and why", "runs held out",
                    "noise of a run", "how hyperparameters were chosen"):  # fmt: skip
        assert said[unknown] == "not recorded"
    assert f"numpy {np.__version__}" in said["of this report"]
    assert f"scaling-laws {scaling.__version__}" in said["of this report"]


def test_the_checklist_says_what_was_chosen():
    weights = np.append(np.zeros(3), np.ones(60))
    made = scaling.fit(
        Chinchilla, DEMO.assign(learning_rate=3e-4), objective=LeastSquares(space="linear"),
        tied={"beta": "alpha"}, weights=weights, noise=0.003, seed=5, groups="compute",
    )  # fmt: skip
    said = items(scaling.checklist(made))
    assert said["objective"] == "LeastSquares of loss, summed over runs"
    assert said["constraints"] == "beta = alpha"
    assert said["rows dropped by the fit"] == "3 runs of weight 0 are left out."
    assert said["weights"] == "given, one a run"
    assert "learning_rate stays" in said["taken for granted"]
    assert said["starts"].endswith("seed 5")
    assert said["errors"].startswith("groups=compute")
    assert said["noise of a run"].startswith("0.003")
    assert said["residuals over the noise"] == f"{made.lack_of_fit:.2g}"


def test_the_checklist_needs_no_runs(fit, tmp_path):
    scaling.save(fit, tmp_path / "fit.json", runs="hash")
    with_runs, without = items(scaling.checklist(fit)), items(
        scaling.checklist(scaling.load(tmp_path / "fit.json")))  # fmt: skip
    differ = {what for what, said in with_runs.items() if without[what] != said}
    assert differ <= {"table", "weights", "`loss`"}
    assert without["`loss`"].endswith("range not recorded")
    with pytest.raises(ScalingError, match="checklist takes a fit"):
        scaling.checklist(fit.law)

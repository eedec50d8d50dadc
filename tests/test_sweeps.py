"""The best of a sweep: against closed forms, NumPy's least squares, simulation, public runs."""

import json
import time

import numpy as np
import pandas as pd
import pytest
from pages import DOCS, check_part, table

import scaling
from scaling.laws import Chinchilla, published

OVER = ("learning_rate", "batch_size")
BY = ("params_non_embedding", "tokens")
PAGE = DOCS / "questions" / "which_runs_were_tuned.md"
TRUTH = published("besiroglu-2024").law
RATES, BATCHES = np.geomspace(2.5e-4, 1.1e-2, 12), np.geomspace(6.5e4, 4.2e6, 10)


def grid(*values):
    return [axis.ravel() for axis in np.meshgrid(*values)]


def bowl(away_rate, away_batch):
    """Excess log loss with a correlation between the two, as in Step Law's runs."""
    return 0.01 * away_rate**2 + 0.007 * away_batch**2 - 0.006 * away_rate * away_batch


def lopsided(away_rate, away_batch):
    """Steeper towards high learning rates, its lowest point at 0, 0."""
    along = away_rate - 0.4 * away_batch
    return 0.02 * (np.expm1(0.9 * along) - 0.9 * along) / 0.81 + 0.005 * away_batch**2


def sweep_of(sizes, *, noise=0.0, seed=0, excess=bowl, best=None):
    """A table of cells with their optima: its runs, and the truth of each cell."""
    stream = np.random.default_rng(seed)
    rate, batch = grid(RATES, BATCHES)
    runs, truths = [], []
    for size in sizes:
        at = np.array([1e-3, 5e5]) * np.exp(stream.uniform(-0.5, 0.5, 2)) if best is None else best
        loss = TRUTH.predict(params=size, tokens=20 * size)
        error = excess(np.log(rate / at[0]), np.log(batch / at[1])) + stream.normal(
            0, noise, rate.size
        )
        runs.append(pd.DataFrame({
            "params": size, "tokens": 20 * size, "learning_rate": rate, "batch_size": batch,
            "loss": loss * np.exp(error)}))  # fmt: skip
        truths.append((float(np.squeeze(loss)), *at))
    return pd.concat(runs, ignore_index=True), np.array(truths)


def codes(answer):
    return {issue.code for issue in answer.issues}


@pytest.fixture(scope="module")
def steplaw(data):
    """Dense runs of Li et al. 2025: 17 cells of sizes without embeddings and tokens."""
    table = pd.read_csv(data / "steplaw-li" / "dense_lr_bs_loss.csv").drop(columns="loss")
    table["bs"] *= 2048  # sequences to tokens
    return scaling.read_runs(table, {
        "params_non_embedding": "N", "tokens": "D", "learning_rate": "lr", "batch_size": "bs",
        "loss": "smooth loss"})  # fmt: skip


# What it finds


def test_an_exact_bowl_is_found_exactly():
    runs, truth = sweep_of([1e8, 1e9])
    found = scaling.best_of_sweep(runs).table
    np.testing.assert_allclose(found[["loss", *OVER]].to_numpy(), truth, rtol=1e-9)
    assert (found["method"] == "quadratic").all()
    assert (found["edge"] == "").all()


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_bowls_of_one_two_and_three_dimensions(dimensions):
    stream = np.random.default_rng(dimensions)
    bend = stream.normal(size=(dimensions, dimensions))
    bend = 0.01 * (bend @ bend.T + np.eye(dimensions))
    best = stream.uniform(-0.5, 0.5, dimensions)
    x = stream.uniform(-2, 2, (300, dimensions))
    away = x - best
    runs = pd.DataFrame(np.exp(x), columns=["a", "b", "c"][:dimensions]).assign(
        params=1e8, loss=2.0 * np.exp(np.einsum("ni,ij,nj->n", away, bend, away)))  # fmt: skip
    found = scaling.best_of_sweep(runs, by="params", over=list(runs.columns[:dimensions]))
    row = found.table.iloc[0]
    np.testing.assert_allclose(np.log(row[list(found.over)].astype(float)), best, atol=1e-6)
    assert row["loss"] == pytest.approx(2.0, rel=1e-9)


def test_it_is_numpys_least_squares_through_the_runs_near_the_optimum():
    runs, _ = sweep_of([1e8, 3e8, 1e9], noise=1e-3, excess=lopsided)
    found = scaling.best_of_sweep(runs)
    for cell, row in found.table.iterrows():
        near = found.excess[(found.excess["cell"] == cell) & found.excess["near"]]
        u, v = (np.log(near[name] / near[name].mean()) for name in OVER)
        terms = np.column_stack([np.ones(len(u)), u, v, u * u, u * v, v * v])
        c = np.linalg.lstsq(terms, np.log(near["loss"]), rcond=None)[0]
        at = np.linalg.solve([[2 * c[3], c[4]], [c[4], 2 * c[5]]], -c[1:3])
        low = c @ [1, *at, at[0] ** 2, at[0] * at[1], at[1] ** 2]
        expected = [np.exp(low), *(np.exp(at) * [near[name].mean() for name in OVER])]
        np.testing.assert_allclose(row[["loss", *OVER]].astype(float), expected, rtol=1e-8)
        assert row["near"] == len(near)


@pytest.fixture(scope="module")
def many():
    """400 cells with noise of 0.2%, and their truth."""
    return sweep_of(1e8 * 1.05 ** np.arange(400), noise=2e-3, seed=3)


def test_its_loss_has_no_winners_curse_and_its_intervals_hold_the_truth(many):
    runs, truth = many
    answer = scaling.best_of_sweep(runs)
    found = answer.table
    luckiest = runs.groupby("params")["loss"].min().to_numpy() / truth[:, 0] - 1
    ours = found["loss"].to_numpy() / truth[:, 0] - 1
    assert luckiest.mean() < -1.5e-3
    assert abs(ours.mean()) < 1.5e-4  # a thirteenth of the noise; the mean is known to 3e-5
    assert ours.std() < 1e-3
    assert answer.noise == pytest.approx(2e-3, rel=0.05)
    assert (found["method"] == "quadratic").all()
    rows = [["loss of the best run", f"{100 * luckiest.mean():+.3f}%",
             f"{100 * luckiest.std():.3f}%", ""]]  # fmt: skip
    for place, name in enumerate(("loss", *OVER)):
        held = found[f"{name}_low"].le(truth[:, place]) & found[f"{name}_high"].ge(truth[:, place])
        assert 0.85 <= held.mean() <= 0.95, name  # 0.9 within three Monte-Carlo errors
        off = found[name] / truth[:, place] - 1
        words = f"{name.replace('_', ' ')} of the optimum"
        digits = 3 if name == "loss" else 1
        rows.append([words, f"{100 * off.mean():+.{digits}f}%", f"{100 * off.std():.{digits}f}%",
                     f"{100 * held.mean():.0f}%"])  # fmt: skip
    header = ["", "mean error", "its spread", "90% intervals that held the truth"]
    check_part(PAGE, "luck", "\n" + table(header, rows) + "\n")
    standard = found["loss_error"].to_numpy()
    assert np.sqrt(np.mean((ours / standard) ** 2)) == pytest.approx(1, abs=0.12)


@pytest.mark.parametrize("noise", [3e-4, 1e-3, 5e-3])
def test_the_runs_near_the_optimum_follow_the_noise(noise):
    runs, truth = sweep_of(1e8 * 1.05 ** np.arange(200), noise=noise, seed=5)
    answer = scaling.best_of_sweep(runs)
    assert answer.near == pytest.approx(max(5e-3, 5 * noise), rel=0.1)
    luckiest = runs.groupby("params")["loss"].min().to_numpy()
    bias, curse = (np.mean(loss / truth[:, 0] - 1) for loss in (answer.table["loss"], luckiest))
    assert abs(bias) < 0.15 * noise
    assert abs(bias) < 0.3 * abs(curse) or noise < 1e-3  # below, the grid hides the curse


def test_a_lopsided_valley_moves_the_place_a_little_and_the_loss_hardly():
    runs, truth = sweep_of(1e8 * 1.05 ** np.arange(200), noise=6e-4, excess=lopsided, seed=1)
    found = scaling.best_of_sweep(runs).table
    moved = np.log(found["learning_rate"] / truth[:, 1])
    assert -0.05 < moved.mean() < 0  # towards the flat side, by less than 5%
    assert abs(np.mean(found["loss"] / truth[:, 0] - 1)) < 1e-4


def test_it_does_not_matter_in_which_order_or_unit_the_runs_come(many):
    runs = many[0].iloc[:600]
    plain = scaling.best_of_sweep(runs).table
    other = runs.sample(frac=1, random_state=0).assign(learning_rate=runs["learning_rate"] * 1e3)
    moved = scaling.best_of_sweep(other).table
    columns = ["loss", "loss_low", "batch_size", "batch_size_high"]
    np.testing.assert_allclose(moved[columns], plain[columns], rtol=1e-9)
    np.testing.assert_allclose(moved["learning_rate"], 1e3 * plain["learning_rate"], rtol=1e-9)


# What it is for


def test_its_table_goes_straight_into_a_fit():
    sizes = np.geomspace(5e7, 2e9, 12)
    runs, _ = sweep_of(sizes, noise=1e-3)
    cell = runs.groupby("params").ngroup()
    tokens = runs["params"] * np.array([5.0, 20, 80, 320])[cell % 4]
    lost = runs["loss"] / TRUTH.predict(params=runs["params"], tokens=20 * runs["params"])
    runs = runs.assign(tokens=tokens, loss=lost * TRUTH.predict(
        params=runs["params"], tokens=tokens), tokenizer="a")  # fmt: skip
    cost = scaling.Cost.from_runs({"params": [1e8, 1e9], "tokens": [2e9, 2e10],
                                   "compute": [1.6e18, 1.6e20]})  # fmt: skip
    read = scaling.read_runs(runs, cost=cost)
    best = scaling.best_of_sweep(read)
    fit = scaling.fit(Chinchilla, best.table, noise="loss_error", bootstrap=0)
    assert fit.cost == cost
    assert 0.5 < fit.lack_of_fit < 1.7
    assert "tokenizer stays a, as in every run." in fit.assumptions
    point = {"params": 1e10, "tokens": 2e11}
    swept = float(np.squeeze(fit.law.predict(**point)))
    plain = float(np.squeeze(scaling.fit(Chinchilla, read, bootstrap=0).law.predict(**point)))
    truth = float(np.squeeze(TRUTH.predict(**point)))
    assert abs(swept / truth - 1) < 0.01
    assert abs(plain / truth - 1) > 2 * abs(swept / truth - 1)


def test_what_was_tuned_is_no_confound_of_a_fit_and_what_was_not_is():
    sizes = np.geomspace(5e7, 2e9, 8)
    best = [(1e-3 * (size / 1e9) ** -0.5, 5e5) for size in sizes]
    cells = enumerate(zip(sizes, best, strict=True))
    runs = pd.concat([sweep_of([size], noise=3e-4, seed=seed, best=np.array(at))[0]
                      for seed, (size, at) in cells])  # fmt: skip
    runs = runs.assign(tokens=runs["params"] * np.random.default_rng(0).choice(
        [10.0, 20, 40], len(sizes))[runs.groupby("params").ngroup()])  # fmt: skip
    table = scaling.best_of_sweep(runs).table
    tuned = scaling.fit(Chinchilla, table, bootstrap=0)
    assert "changes-with-size" not in codes(tuned)
    assert any("learning_rate, batch_size are tuned anew" in line for line in tuned.assumptions)
    plain = pd.DataFrame(table[["params", "tokens", "learning_rate", "loss"]])
    plain.attrs = {}
    found = [one for one in scaling.fit(Chinchilla, plain, bootstrap=0).issues
             if one.code == "changes-with-size"]  # fmt: skip
    assert [one.message[:39] for one in found] == ["learning_rate falls with model size: if"]
    low = runs[runs["learning_rate"] < 8e-4]  # the optimum of the small sizes lies beyond
    again = scaling.best_of_sweep(low)
    assert "sweep-edge" in codes(again)
    said = scaling.fit(Chinchilla, again.table, bootstrap=0).assumptions
    assert any("batch_size is tuned anew" in line for line in said)


def test_numbers_that_are_texts_are_numbers_everywhere():
    runs, _ = sweep_of([1e8, 1e9])
    texts = runs.assign(learning_rate=runs["learning_rate"].map(repr))
    found, wanted = (scaling.best_of_sweep(one, over=OVER, n=50) for one in (texts, runs))
    pd.testing.assert_frame_equal(found.table, wanted.table)
    pd.testing.assert_frame_equal(found.excess, wanted.excess)
    assert scaling.plot.sweep(found)


def test_excess_is_what_each_run_lost(many):
    runs = many[0].iloc[:240].sample(frac=1, random_state=1)
    answer = scaling.best_of_sweep(runs)
    assert answer.excess.index.equals(runs.index)
    best = answer.table.set_index("params")["loss"]
    np.testing.assert_allclose(
        answer.excess["excess"], runs["loss"] / runs["params"].map(best) - 1, atol=1e-12
    )


# Where there is no optimum


def test_an_optimum_beyond_what_was_swept_is_told():
    runs, _ = sweep_of([1e8, 1e9], noise=5e-4, best=np.array([3e-2, 5e5]))
    answer = scaling.best_of_sweep(runs)
    assert answer.table["edge"].tolist() == ["learning_rate high"] * 2
    assert answer.table["method"].tolist() == ["best run"] * 2
    least = runs.loc[runs.groupby("params")["loss"].idxmin()]
    np.testing.assert_allclose(answer.table["loss"], least["loss"])
    assert answer.table["run"].tolist() == least.index.tolist()
    assert answer.table[["loss_low", "learning_rate_high"]].isna().all(axis=None)
    assert codes(answer) == {"sweep-edge"}
    assert answer.issues[0].rows == tuple(least.index)


def test_cells_too_small_or_too_flat_keep_their_best_run():
    runs, truth = sweep_of([1e8, 1e9, 1e10], noise=5e-4)
    one = runs.drop(index=runs.index[runs["params"] == 1e9][1:])
    answer = scaling.best_of_sweep(one)
    assert answer.table["method"].tolist() == ["quadratic", "best run", "quadratic"]
    assert codes(answer) == {"small-cells"}
    same = runs.assign(loss=np.where(runs["params"] == 1e9, 2.5, runs["loss"]))
    answer = scaling.best_of_sweep(same)
    assert answer.table["method"].tolist() == ["quadratic", "best run", "quadratic"]
    assert answer.table["edge"].tolist() == [""] * 3
    assert codes(answer) == {"flat-sweep"}
    np.testing.assert_allclose(answer.table["loss"].iloc[[0, 2]], truth[[0, 2], 0], rtol=2e-3)


def test_single_runs_have_no_noise_to_speak_of():
    runs = sweep_of([1e8, 1e9])[0].groupby("params").head(1)
    answer = scaling.best_of_sweep(runs)
    assert codes(answer) == {"small-cells", "sweep-noise-unknown"}
    assert answer.kind == "none"
    assert "nan" not in answer.notes[0]
    np.testing.assert_allclose(answer.table["loss"], runs["loss"])
    assert np.isnan(answer.noise)


def test_what_one_cell_does_not_vary_is_left_out_there():
    runs, _ = sweep_of([1e8, 1e9], noise=3e-4)
    kept = runs[(runs["params"] > 5e8) | np.isclose(runs["batch_size"], BATCHES[4])]
    answer = scaling.best_of_sweep(kept)
    assert answer.table["method"].tolist() == ["quadratic"] * 2
    assert answer.table["batch_size"].iloc[0] == pytest.approx(BATCHES[4])
    assert np.isnan(answer.table["batch_size_low"].iloc[0])
    alone = scaling.best_of_sweep(kept[kept["params"] < 5e8], over="learning_rate")
    assert alone.table["learning_rate"].iloc[0] == pytest.approx(
        answer.table["learning_rate"].iloc[0], rel=1e-9)  # fmt: skip


def test_the_runs_nearest_lie_on_two_values_only():
    runs, _ = sweep_of([1e8], noise=3e-4, best=np.array([1e-3, 5e5]))
    sparse = runs[runs["batch_size"].isin(BATCHES[[2, 4, 5]])]
    answer = scaling.best_of_sweep(sparse)
    assert answer.table["method"].iloc[0] == "quadratic"
    assert answer.table["batch_size"].iloc[0] == pytest.approx(5e5, rel=0.1)


# What is wrong with a table


def test_diverged_and_copied_runs_are_left_out_and_told():
    runs, _ = sweep_of([1e8, 1e9], noise=3e-4)
    plain = scaling.best_of_sweep(runs).table
    worst = runs["loss"].nlargest(5).index
    bad = runs.assign(loss=runs["loss"].astype(object))
    bad.loc[worst, "loss"] = [np.nan, np.inf, "diverged", None, ""]
    bad = pd.concat([bad, bad.drop(index=worst)], ignore_index=True)
    answer = scaling.best_of_sweep(bad)
    assert codes(answer) == {"diverged-runs", "copied-runs"}
    rows = {issue.code: issue.rows for issue in answer.issues}
    assert set(rows["diverged-runs"]) == set(worst)
    assert len(rows["copied-runs"]) == len(runs) - 5
    np.testing.assert_allclose(answer.table["loss"], plain["loss"], rtol=1e-4)
    assert answer.table["runs"].sum() == len(runs) - 5


def test_seeds_are_no_copies():
    runs, _ = sweep_of([1e8])
    seeds = pd.concat([runs.assign(seed=0), runs.assign(seed=1)])
    assert not codes(scaling.best_of_sweep(seeds))


def test_one_broken_run_stays_in_its_cell():
    runs, truth = sweep_of([1e8, 1e9, 1e10], noise=5e-4)
    runs.loc[0, "loss"] = 0.5
    found = scaling.best_of_sweep(runs).table
    assert found["method"].tolist() == ["best run", "quadratic", "quadratic"]
    np.testing.assert_allclose(found["loss"].iloc[1:], truth[1:, 0], rtol=2e-3)
    runs.loc[0, "loss"] = 11.0  # and one that is too high is in nobody's way
    np.testing.assert_allclose(
        scaling.best_of_sweep(runs).table["loss"], truth[:, 0], rtol=2e-3)  # fmt: skip


def test_sizes_are_the_same_within_rounding():
    runs, truth = sweep_of([1e8, 1.05e8], noise=3e-4)
    jitter = np.random.default_rng(0).uniform(0.999, 1.001, len(runs))
    found = scaling.best_of_sweep(runs.assign(tokens=runs["tokens"] * jitter)).table
    assert len(found) == 2
    np.testing.assert_allclose(found["tokens"], [2e9, 2.1e9], rtol=1e-3)
    np.testing.assert_allclose(found["loss"], truth[:, 0], rtol=2e-3)
    chain = runs.assign(tokens=np.geomspace(1e9, 1e10, len(runs)))  # no two are one value
    assert len(scaling.best_of_sweep(chain).table) == len(runs)


def test_texts_and_other_columns_are_read_and_carried():
    runs, _ = sweep_of([1e8, 1e9], noise=3e-4)
    texts = runs.assign(
        params=np.where(runs["params"] == 1e8, "100M", "1B"), recipe="plain", run=np.arange(240),
        layers=np.where(runs["params"] == 1e8, 12, 24), note=[[1]] * 240,
        schedule=np.where(np.arange(240) % 2, "cosine", "wsd"),
    )  # fmt: skip
    answer = scaling.best_of_sweep(texts)
    assert answer.table["params"].tolist() == [1e8, 1e9]
    assert answer.table["layers"].tolist() == [12, 24]
    assert answer.table["recipe"].tolist() == ["plain"] * 2
    assert "schedule" not in answer.table
    assert codes(answer) == {"mixed-cells"}
    assert "schedule differs between the runs of 2 of 2 cells" in answer.issues[0].message
    apart = scaling.best_of_sweep(texts, by=("params", "tokens", "schedule"))
    assert len(apart.table) == 4
    assert not codes(apart)
    assert "layers" not in str(apart)


@pytest.mark.parametrize(("change", "options", "message"), [
    ({"learning_rate": 0.0}, {}, "learning_rate' must be greater than 0"),
    ({"wd": 0.0}, {"over": "wd"}, "'wd' was swept over values that must be above 0"),
    ({"loss": -1.0}, {}, "'loss' has losses that must be above 0"),
    ({"loss": np.nan}, {}, "'loss' must hold finite numbers"),
    ({"batch_size": None}, {}, "'batch_size' must hold finite numbers"),
    ({"recipe": None}, {"by": "recipe"}, "'recipe', which is missing in"),
    ({}, {"over": "warmup"}, "needs columns params, tokens, warmup, loss; the table has"),
    ({}, {"over": 3}, "over= must name columns"),
    ({}, {"by": ()}, "by= must name one column or more"),
    ({}, {"target": None}, "target= must name the column"),
    ({}, {"over": "params"}, "needs different columns"),
    ({"edge": 1.0}, {"over": "edge"}, "columns such as 'edge' of its own"),
    ({}, {"near": 2}, "near must be a relative excess loss"),
    ({}, {"n": -1}, "n must be a whole number"),
    ({}, {"level": 90}, "level must be between 0 and 1"),
])  # fmt: skip
def test_bad_input_ends_in_one_sentence(change, options, message):
    runs, _ = sweep_of([1e8])
    with pytest.raises(scaling.ScalingError, match=message):
        scaling.best_of_sweep(runs.assign(**change), **options)


def test_losses_of_two_tokenizers_are_refused_unless_each_has_its_cells():
    runs, _ = sweep_of([1e8], noise=3e-4)
    two = pd.concat([runs.assign(tokenizer="a"), runs.assign(tokenizer="b", loss=runs.loss * 1.1)])
    with pytest.raises(scaling.ColumnError, match="values of tokenizer"):
        scaling.best_of_sweep(two)
    found = scaling.best_of_sweep(two, by=("params", "tokenizer")).table
    assert found["loss"].iloc[1] == pytest.approx(1.1 * found["loss"].iloc[0], rel=1e-6)


def test_it_prints_and_becomes_json(many):
    answer = scaling.best_of_sweep(many[0].iloc[:240], n=40)
    assert "few-draws" in codes(answer)
    assert "quadratic n=40" in str(answer)
    assert "miss learning_rate by" in str(answer)
    plain = json.loads(json.dumps(answer.to_dict()))
    assert plain["over"] == list(OVER)
    assert len(plain["rows"]) == 2
    bare = scaling.best_of_sweep(many[0].iloc[:240], n=0)
    assert bare.kind == "none"
    np.testing.assert_allclose(bare.table["loss"], answer.table["loss"])


def test_many_runs_take_little_time():
    stream = np.random.default_rng(0)
    cell = np.repeat(np.arange(100), 1000)
    x = stream.uniform(-2, 2, (len(cell), 2))
    runs = {"params": 1e8 * 1.1**cell, "tokens": 2e9 * 1.1**cell, "learning_rate": np.exp(x[:, 0]),
            "batch_size": np.exp(x[:, 1]), "loss": 2 + 0.02 * (x**2).sum(axis=1)}  # fmt: skip
    start = time.process_time()
    found = scaling.best_of_sweep(runs).table
    assert time.process_time() - start < 5
    np.testing.assert_allclose(found["loss"], 2.0, rtol=1e-3)


# Public runs


def powers(terms, logs):
    """Least squares by NumPy, with its standard errors."""
    found, left, *_ = np.linalg.lstsq(terms, logs, rcond=None)
    variance = left[0] / (len(terms) - terms.shape[1]) * np.linalg.inv(terms.T @ terms)
    return found, np.sqrt(np.diag(variance))


def test_step_law_cells_agree_with_the_paper_and_where_they_do_not(steplaw):
    start = time.process_time()
    answer = scaling.best_of_sweep(steplaw, by=BY)
    assert time.process_time() - start < 1
    found = answer.table
    assert len(found) == 17
    assert (found["method"] == "quadratic").all()
    assert answer.excess["excess"].min() > -0.002
    logs = np.column_stack([np.ones(17), *(np.log(found[name]) for name in BY)])
    rate, rate_error = powers(logs, np.log(found["learning_rate"]))
    batch, batch_error = powers(logs[:, [0, 2]], np.log(found["batch_size"]))
    assert rate[1] == pytest.approx(-0.713, abs=0.06)  # the paper's power of params
    assert rate[2] == pytest.approx(0.20, abs=0.03)  # not its .307 of tokens
    assert batch[1] == pytest.approx(0.571, abs=0.05)  # the paper's
    least = steplaw.groupby(list(BY))["loss"].transform("min")
    close = steplaw[steplaw["loss"] < 1.0025 * least]
    assert len(close) == 129  # as the paper's own code keeps
    logs = np.column_stack([np.ones(129), *(np.log(close[name]) for name in BY)])
    theirs = powers(logs, np.log(close["learning_rate"]))[0]
    theirs_batch = powers(logs[:, [0, 2]], np.log(close["batch_size"]))[0]
    rows = [
        [words, printed, f"{rule:.3f}", f"{value:.3f}", f"{error:.3f}"]
        for words, printed, rule, value, error in (
            ("learning rate, of $N$", "-0.713", theirs[1], rate[1], rate_error[1]),
            ("learning rate, of $D$", "0.307", theirs[2], rate[2], rate_error[2]),
            ("batch size, of $D$", "0.571", theirs_batch[1], batch[1], batch_error[1]),
        )
    ]
    header = ["power", "printed", "by the paper's rule", "of the optima", "standard error"]
    check_part(PAGE, "steplaw", "\n" + table(header, rows) + "\n")
    published_rate = 1.797 * found[BY[0]] ** -0.71291 * found["tokens"] ** 0.30749
    published_batch = 0.5807 * found["tokens"] ** 0.57094
    assert np.exp(np.log(found["learning_rate"] / published_rate).abs().mean()) < 1.15
    assert np.exp(np.log(found["batch_size"] / published_batch).abs().mean()) < 1.2


def test_step_law_forecasts_of_larger_cells_from_the_best_of_the_smaller(steplaw):
    cells = scaling.best_of_sweep(steplaw, by=BY, n=0).table
    compute = 6 * cells[BY[0]] * cells["tokens"]
    rows = []
    for count in (2, 4, 6, 8):
        ahead = cells[compute >= compute.nlargest(count).min()]
        spent = 6 * steplaw[BY[0]] * steplaw["tokens"]
        smaller = steplaw[spent < 0.99 * compute[ahead.index].min()]
        luckiest = smaller.loc[smaller.groupby(list(BY))["loss"].idxmin()]
        errors = []
        for runs in (smaller, luckiest, scaling.best_of_sweep(smaller, by=BY, n=0).table):
            fit = scaling.fit(Chinchilla, runs, columns={"params": BY[0]}, bootstrap=0)
            forecast = fit.law.predict({"params": ahead[BY[0]], "tokens": ahead["tokens"]})
            errors.append(float(np.abs(forecast / ahead["loss"] - 1).mean()))
        assert errors[2] < 0.6 * errors[0], f"{count} cells: {errors}"
        rows.append([count, *(f"{100 * error:.2f}%" for error in errors)])
    header = ["cells ahead", "all runs", "best run of each cell", "optima"]
    check_part(PAGE, "ahead", "\n" + table(header, rows) + "\n")


def test_mixture_of_experts_cells(data):
    table = pd.read_csv(data / "steplaw-li" / "moe_lr_bs_loss.csv")
    runs = scaling.read_runs(
        table.assign(bs=table["bs"] * 2048).drop(columns=["loss", "M", "kvcache"]),
        {"params_active": "Na", "params_non_embedding": "N", "tokens": "D", "learning_rate": "lr",
         "batch_size": "bs", "loss": "smooth loss"})  # fmt: skip
    found = scaling.best_of_sweep(runs, by=("params_active", "tokens")).table
    assert len(found) == 16
    assert (found["method"] == "quadratic").all()
    assert (
        found.groupby("params_active")["loss"]
        .apply(lambda loss: loss.is_monotonic_decreasing)
        .all()
    )

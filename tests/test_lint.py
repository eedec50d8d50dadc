"""Each finding, planted in a sound table, is found with its rows; sound tables have none."""

import json

import numpy as np
import pandas as pd
import pytest

import scaling
from scaling.datasets.simulated import isoflop_runs
from scaling.linting.counts import embedding_share

LAW = scaling.published("besiroglu-2024").law
OUTLIERS = [5.0056, 4.6652, 3.7939, 3.7656, 3.4470]  # the five that Besiroglu et al. drop


@pytest.fixture
def runs():
    """Sound runs of an IsoFLOP design: six budgets, seven sizes, 0.2% of noise."""
    return isoflop_runs(LAW, 10.0 ** np.arange(18, 24), sizes=7, spread=5, noise=0.002, seed=1)


def codes(found):
    return set(found.table["code"])


def only(found, code):
    """The one finding of a code."""
    (issue,) = [issue for issue in found.issues if issue.code == code]
    return issue


def with_loss(runs, loss):
    return runs.assign(loss=loss)


def test_sound_tables_have_no_findings(runs):
    assert len(scaling.lint(runs).table) == 0
    assert scaling.lint(runs).sound
    assert str(scaling.lint(runs)) == "42 runs read. Nothing found."


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("loss", None, "missing-value"),
        ("loss", "diverged", "not-a-number"),
        ("loss", True, "not-a-number"),
        ("tokens", np.inf, "infinite-value"),
        ("params", 0, "outside-domain"),
        ("params", -7e9, "outside-domain"),
        ("loss", 0, "loss-not-positive"),
    ],
)
def test_cells_that_cannot_be_used_block_and_are_left_out(runs, column, value, code):
    broken = runs.astype({column: object})
    broken.loc[5, column] = value
    found = scaling.lint(broken)
    assert codes(found) == {code}
    assert only(found, code).rows == (5,)
    assert only(found, code).severity == "blocks"
    assert not found.sound


def test_all_that_is_wrong_is_told_at_once(runs):
    broken = runs.astype({"loss": object, "params": object})
    broken.loc[3, "loss"], broken.loc[4, "params"], broken.loc[9, "loss"] = None, "big", "nan?"
    broken.loc[12, "loss"] = runs.loc[12, "loss"] * 1.3
    found = scaling.lint(broken)
    assert codes(found) == {"missing-value", "not-a-number", "outlier"}
    assert {issue.rows for issue in found.issues} == {(3,), (4,), (9,), (12,)}
    with pytest.raises(scaling.ColumnError):
        scaling.read_runs(broken)


def test_a_table_of_nothing_usable_is_still_answered(runs):
    found = scaling.lint(runs.assign(loss="lost"))
    assert codes(found) == {"not-a-number"}
    assert len(only(found, "not-a-number").rows) == len(runs)


def test_what_is_derived_out_of_range_blocks():
    found = scaling.lint({"params": [1e200, 1e9], "tokens": [1e200, 1e9], "loss": [2.0, 2.1]})
    assert codes(found) == {"not-derived"}


@pytest.mark.parametrize("table", [[], 3, {}, {"colour": ["red"]}, {"loss": []}, "no.csv", None])
def test_no_table_is_one_sentence(table):
    with pytest.raises(scaling.ColumnError) as caught:
        scaling.lint(table)
    with pytest.raises(scaling.ColumnError) as read:
        scaling.read_runs(table)
    assert str(caught.value) == str(read.value)


def test_text_in_a_setting_is_a_note(runs):
    found = scaling.lint(runs.assign(learning_rate=["auto"] * 2 + ["3e-4"] * 40))
    assert codes(found) == {"setting-not-a-number"}
    assert only(found, "setting-not-a-number").rows == (0, 1)
    assert found.sound


@pytest.mark.parametrize(
    ("column", "factor", "code"),
    [("params", 1e-9, "params-unit"), ("tokens", 1e-9, "tokens-unit"),
     ("compute", 1e-9, "compute-unit"), ("compute", 1 / 8.64e19, "compute-unit")],
)  # fmt: skip
def test_units_of_inputs(runs, column, factor, code):
    found = scaling.lint(runs.assign(**{column: runs[column] * factor}))
    assert code in codes(found)


def test_runs_tuned_otherwise_are_told_where_they_share_inputs():
    one, swept = (
        scaling.datasets.load("sweep", rows=rows) for rows in ("isoflop", "learning-rate")
    )
    assert "settings-vary" not in codes(scaling.lint(one))
    both = pd.concat([one, swept], ignore_index=True)
    found = only(scaling.lint(both), "settings-vary")
    cells = both.groupby([both["params"], both["tokens"].round(-4)])["learning_rate"]
    assert list(found.rows) == np.flatnonzero(cells.transform("nunique") > 1).tolist()
    assert "learning_rate" in found.message
    for answer in (
        scaling.fit(scaling.laws.Chinchilla, both, bootstrap=0),
        scaling.isoflop(both, n=0),
    ):
        assert "settings-vary" in [issue.code for issue in answer.issues]
    best = scaling.best_of_sweep(swept, over="learning_rate").table
    assert "settings-vary" not in codes(scaling.lint(best))


def test_small_models_are_no_mistake_of_units():
    small = scaling.datasets.load("sweep", rows="seeds").drop(columns="compute")
    assert small["params"].max() < 1e5
    assert "params-unit" not in codes(scaling.lint(small))
    assert "params-unit" in codes(scaling.lint(small.assign(params=small["params"] / 1e6)))


@pytest.mark.parametrize("law", ["besiroglu-2024", "hoffmann-2022"])
@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda loss: loss / np.log(2), "in bits per token"),
        (np.exp, "perplexity"),
        (lambda loss: loss / np.log(2) / 4.5, "per byte"),
        (lambda loss: loss / 4.5, "per byte"),
    ],
)
def test_units_of_loss_are_suspected_from_its_size(law, change, word):
    law = scaling.published(law).law
    runs = isoflop_runs(law, [1e19, 1e20, 1e21], sizes=7, spread=4, noise=0.002, seed=2)
    assert "loss-unit" not in codes(scaling.lint(runs))
    found = scaling.lint(with_loss(runs, change(runs["loss"])))
    assert word in only(found, "loss-unit").message
    alone = scaling.lint(with_loss(runs, change(runs["loss"]))[["compute", "loss"]])
    assert word in only(alone, "loss-unit").message


def test_a_second_column_proves_the_unit_of_the_loss(runs):
    nats = runs["loss"]
    for other, loss, word in ((nats, nats / np.log(2), "in bits"),
                              (nats, np.exp(nats), "perplexity")):  # fmt: skip
        found = scaling.lint(runs.assign(loss=loss, c4_loss_nats=other))
        assert "c4_loss_nats" in only(found, "loss-unit").message
        assert word in only(found, "loss-unit").message
    sound = runs.assign(c4_loss_bits=nats / np.log(2), c4_perplexity=np.exp(nats))
    assert codes(scaling.lint(sound)) == set()


def test_loss_beyond_guessing_a_small_vocabulary(runs):
    """Guessing among 256 bytes costs ln 256 = 5.5 nats; nothing trained is worse at the median."""
    found = scaling.lint({"loss": np.linspace(6, 8, 10), "vocab_size": [256] * 10,
                          "params": np.geomspace(1e5, 2e6, 10)})  # fmt: skip
    assert "worse than guessing" in only(found, "loss-unit").message
    more = scaling.lint({"loss": np.linspace(6, 8, 10), "vocab_size": [50257] * 10,
                         "params": np.geomspace(1e5, 2e6, 10)})  # fmt: skip
    assert "loss-unit" not in codes(more)


def counted(direction):
    """Runs with one count of params and compute of the other (Pearce and Song 2024, eq. 8)."""
    non_embedding = np.geomspace(3e6, 1e10, 12)
    total = non_embedding + 47491 * non_embedding ** (1 / 3)
    tokens = 1e10 * np.tile([1.0, 4.0, 16.0], 4)
    params, other = (total, non_embedding) if direction < 0 else (non_embedding, total)
    loss = LAW.predict(params=total, tokens=tokens)
    return pd.DataFrame({"params": params, "tokens": tokens, "compute": 6 * other * tokens,
                         "loss": loss})  # fmt: skip


@pytest.mark.parametrize(
    ("direction", "word"),
    [(-1, "params count embeddings that compute leaves out"), (1, "that params leave out")],
)
def test_a_gap_to_compute_that_closes_with_size_is_counting(direction, word):
    found = scaling.lint(counted(direction))
    assert word in only(found, "likely-counting").message
    assert "cost-mismatch" in codes(found)


def test_a_gap_to_compute_that_stays_is_not_counting(runs):
    found = scaling.lint(runs.assign(compute=runs["compute"] * 1.33))
    assert codes(found) == {"cost-mismatch"}
    assert codes(scaling.lint(runs.assign(compute=runs["compute"] * 1.33), cost=scaling.Cost(8.0))
                 ) == set()  # fmt: skip


@pytest.mark.parametrize("non_embedding", [1e5, 1e8, 1e11])
def test_share_of_embeddings_inverts_the_papers_formula(non_embedding):
    total = non_embedding + 47491 * non_embedding ** (1 / 3)
    assert embedding_share(total) == pytest.approx(1 - non_embedding / total, rel=1e-9)


def test_two_counts_of_params_are_told_apart_by_compute():
    table = counted(-1).rename(columns={"compute": "of_non_embedding"})
    total = table["params"]
    table["params_non_embedding"] = table.pop("of_non_embedding") / (6 * table["tokens"])
    compute = 6 * total * table["tokens"]
    fits = only(scaling.lint(table.assign(compute=compute)), "several-countings")
    assert fits.severity == "note"
    assert "closest to compute with params," in fits.message
    compute = 6 * table["params_non_embedding"] * table["tokens"]
    other = only(scaling.lint(table.assign(compute=compute)), "several-countings")
    assert "closest to compute with params_non_embedding" in other.message
    same = only(scaling.lint(table.assign(params_non_embedding=total)), "several-countings")
    assert "agree" in same.message


def test_issues_of_a_fit_are_found_too():
    params = np.geomspace(1e8, 9e8, 8)
    tokens = 20 * params
    table = pd.DataFrame({"params": params, "tokens": tokens,
                          "loss": LAW.predict(params=params, tokens=tokens),
                          "learning_rate": params**-0.3, "recipe": list("aabbaabb")})  # fmt: skip
    table = pd.concat([table, table.iloc[[2]]], ignore_index=True)
    found = scaling.lint(table)
    fit = scaling.fit(scaling.laws.Chinchilla, scaling.read_runs(table), bootstrap=0)
    of_table = {"constant-tokens-per-param", "narrow-range", "duplicate-runs", "changes-with-size",
                "mixed-recipes"}  # fmt: skip
    assert of_table <= codes(found)
    assert set(found.issues) >= {issue for issue in fit.issues if issue.code in of_table}


def test_an_input_held_fixed_blocks_only_where_nothing_moves():
    params = np.geomspace(1e7, 1e10, 12)
    table = pd.DataFrame({"params": params, "tokens": 1e11, "loss": 1.7 + 400 * params**-0.34})
    assert only(scaling.lint(table), "narrow-range").severity == "weakens"
    assert not scaling.lint({"params": [1e9], "tokens": [1e10], "loss": [2.6]}).sound


@pytest.mark.parametrize("column", ["tokenizer", "validation_set"])
def test_losses_that_cannot_be_compared_block(runs, column):
    found = scaling.lint(runs.assign(**{column: ["one", "other"] * 21}))
    assert codes(found) == {"mixed-losses"}
    assert not found.sound


def test_budgets_of_too_few_sizes(runs):
    thin = runs.drop(index=[0, 1, 3, 5, 6, 7, 8, 12, 13])  # leaves 2 and 3 of the first two budgets
    found = scaling.lint(thin)
    issue = only(found, "few-sizes")
    assert set(issue.rows) == {2, 4, 9, 10, 11}
    assert "1e18 (2), 1e19 (3)" in issue.message
    assert codes(found) == {"few-sizes"}


def test_budgets_whose_best_size_is_at_an_end(runs):
    best = LAW.optimum(runs["compute"] / 6)["params"]
    cut = runs[(runs["params"] > best * 1.5) | (runs["compute"] > 1e20)]
    more = isoflop_runs(LAW, [1e18, 1e19, 1e20], sizes=3, spread=1.3, noise=0, seed=0)
    more[["params", "tokens"]] *= [2.4, 1 / 2.4]
    cut = pd.concat([cut, more], ignore_index=True)
    cut["loss"] = LAW.predict(cut[["params", "tokens"]])
    issue = only(scaling.lint(cut), "edge-minimum")
    smallest = [cut.index[cut["compute"] == c][cut["params"][cut["compute"] == c].argmin()]
                for c in (1e18, 1e19, 1e20)]  # fmt: skip
    assert set(issue.rows) == set(smallest)
    assert issue.message.count("smallest)") == 3


def test_a_grid_of_sizes_and_tokens_is_no_isoflop_design():
    params, tokens = (grid.ravel() for grid in np.meshgrid(1e8 * 2.0 ** np.arange(7),
                                                           2e9 * 2.0 ** np.arange(7)))  # fmt: skip
    table = pd.DataFrame({"params": params, "tokens": tokens})
    assert codes(scaling.lint(with_loss(table, LAW.predict(table)))) == set()


def test_earlier_points_of_a_run_are_mid_schedule(runs):
    early = runs.assign(tokens=runs["tokens"] / 2, loss=runs["loss"] * 1.2)
    both = pd.concat([runs, early], ignore_index=True).drop(columns="compute")
    both["run"] = [f"run-{i % 42}" for i in range(84)]
    found = scaling.lint(both)
    assert codes(found) == {"mid-schedule"}
    assert only(found, "mid-schedule").rows == tuple(range(42, 84))
    assert "42 of 84 rows are earlier points of 42 runs" in only(found, "mid-schedule").message
    constant = scaling.lint(both.assign(schedule="constant"))
    assert "mid-schedule" not in codes(constant)


def test_runs_read_before_their_last_step_are_mid_schedule(runs):
    steps = np.full(42, 1000.0)
    step = np.where(np.arange(42) % 14 == 0, 500.0, 1000.0)
    found = scaling.lint(runs.assign(step=step, steps=steps))
    assert codes(found) == {"mid-schedule"}
    assert only(found, "mid-schedule").rows == (0, 14, 28)
    assert codes(scaling.lint(runs.assign(step=steps - 1, steps=steps))) == set()
    never = scaling.lint(runs.assign(step=steps / 2, steps=steps))
    assert codes(never) == {"mid-schedule", "outliers-not-judged"}


def test_tokens_in_equal_steps_look_like_a_curve():
    params, tokens = (grid.ravel() for grid in np.meshgrid(np.geomspace(1e7, 3e9, 6),
                                                           1e9 * np.arange(1, 21)))  # fmt: skip
    table = pd.DataFrame({"params": params, "tokens": tokens})
    found = scaling.lint(with_loss(table, LAW.predict(table)))
    last = tuple(table.index[tokens < 20e9])
    assert only(found, "mid-schedule").rows == last


def test_runs_that_do_not_decay_next_to_runs_that_do(runs):
    found = scaling.lint(runs.assign(lr_final_fraction=[0.5, 1.0] + [0.1] * 40))
    assert only(found, "undecayed-runs").rows == (0, 1)
    assert only(found, "undecayed-runs").severity == "weakens"
    named = scaling.lint(runs.assign(schedule=["Constant"] + ["cosine"] * 41))
    assert only(named, "undecayed-runs").rows == (0,)
    never = scaling.lint(runs.assign(lr_final_fraction=1.0))
    assert only(never, "undecayed-runs").severity == "note"


def test_repeated_data_are_told_and_are_no_outliers(runs):
    repeated = runs.assign(unique_tokens=runs["tokens"])
    repeated.loc[[7, 20], "unique_tokens"] /= 10
    repeated.loc[[7, 20], "loss"] *= 1.3
    found = scaling.lint(repeated)
    assert codes(found) == {"repeated-data"}
    assert only(found, "repeated-data").rows == (7, 20)


def test_the_very_same_loss_of_different_runs(runs):
    copied = runs.copy()
    copied.loc[10, "loss"] = copied.loc[11, "loss"]
    found = scaling.lint(copied)
    assert only(found, "repeated-loss").rows == (10, 11)
    assert "repeated-loss" not in codes(scaling.lint(copied.round({"loss": 2})))


@pytest.mark.parametrize("factor", [0.97, 1.03, 2.0])
@pytest.mark.parametrize("row", [0, 3, 20, 41])
def test_an_outlier_is_found_wherever_it_is(runs, row, factor):
    off = runs.copy()
    off.loc[row, "loss"] *= factor
    found = scaling.lint(off)
    issue = only(found, "outlier")
    assert issue.rows == (row,)
    assert ("above" if factor > 1 else "below") in issue.message


def test_a_tenth_of_outliers_neither_hide_nor_swamp():
    runs = isoflop_runs(LAW, 10.0 ** np.arange(18, 24), sizes=10, spread=5, noise=0.002, seed=3)
    rng = np.random.default_rng(3)
    rows = rng.choice(len(runs), 6, replace=False)
    runs.loc[rows, "loss"] *= np.exp(rng.choice([-1, 1], 6) * rng.uniform(0.04, 0.3, 6))
    found = scaling.lint(runs)
    assert {issue.rows[0] for issue in found.issues if issue.code == "outlier"} == set(rows)


def test_sound_noise_has_no_outliers():
    for seed in range(20):
        runs = isoflop_runs(LAW, [1e19, 1e20, 1e21], sizes=5, spread=4, noise=0.01, seed=seed)
        assert "outlier" not in codes(scaling.lint(runs))


def test_an_outlier_in_bits_is_told_so(runs):
    off = runs.copy()
    off.loc[9, "loss"] /= np.log(2)
    assert "in bits" in only(scaling.lint(off), "outlier").message


def test_outliers_of_one_input_and_of_each_recipe(runs):
    params = np.geomspace(1e7, 1e10, 30)
    table = pd.DataFrame({"params": params, "loss": 1.7 + 400 * params**-0.34})
    table.loc[12, "loss"] *= 1.1
    assert only(scaling.lint(table), "outlier").rows == (12,)
    other = runs.assign(loss=runs["loss"] * 1.2)
    both = pd.concat([runs, other], ignore_index=True)
    both["recipe"] = ["a"] * 42 + ["b"] * 42
    both.loc[50, "loss"] *= 1.05
    found = scaling.lint(both)
    assert codes(found) == {"mixed-recipes", "outlier"}
    assert only(found, "outlier").rows == (50,)


@pytest.mark.parametrize("count", [2, 14])
def test_outliers_that_cannot_be_judged_are_a_note(runs, count):
    assert "outliers-not-judged" in codes(scaling.lint(runs.iloc[:count]))


def test_an_input_that_is_not_there_is_a_note(runs):
    found = scaling.lint(runs[["params", "tokens"]])
    assert codes(found) == {"missing-column"}
    assert found.sound


def test_rows_are_named_by_label_and_run(runs):
    named = runs.assign(run=[f"gpt-{i}" for i in range(42)])
    named.index = [f"row-{i}" for i in range(42)]
    named.loc["row-17", "loss"] *= 1.2
    found = scaling.lint(named)
    assert found.table["row"].tolist() == ["row-17 (gpt-17)"]
    assert only(found, "outlier").rows == ("row-17",)
    assert "in row row-17 (gpt-17): " in str(found)


def test_labels_of_several_levels_and_labels_that_repeat(runs):
    off = runs.copy()
    off.loc[5, "loss"] = np.nan
    off.index = pd.MultiIndex.from_product([list("abcdef"), range(7)])
    assert only(scaling.lint(off), "missing-value").rows == (("a", 5),)
    off.index = [0] * 42
    found = scaling.lint(off)
    assert only(found, "missing-value").rows == (5,)
    assert codes(found) == {"missing-value", "repeated-labels"}


def test_categories_are_read_like_texts(runs):
    told = runs.assign(recipe=pd.Categorical(list("ab") * 21),
                       tokenizer=pd.Categorical(["x"] * 42))  # fmt: skip
    told["params"] = pd.Categorical(told["params"])
    assert codes(scaling.lint(told)) == {"mixed-recipes"}


def test_hostile_texts_stay_on_their_line(runs):
    bad = runs.astype({"loss": object}).assign(run="\x1b[31m\n<b>" + "x" * 10_000)
    bad.loc[2, "loss"] = "\n\x1b[2J<script>" + "y" * 10_000
    found = scaling.lint(bad)
    assert all(line.isprintable() for line in str(found).splitlines())
    assert len(str(found)) < 1000
    assert "<script>" not in found._repr_html_()
    assert "<b>" not in found._repr_html_().replace("<p><b>42 runs read", "")


def test_table_is_not_changed(runs):
    before = runs.copy(deep=True)
    scaling.lint(runs)
    pd.testing.assert_frame_equal(runs, before)
    assert runs.attrs == {}


def test_plain_values_are_json(runs):
    broken = runs.astype({"loss": object})
    broken.loc[[3, 5], "loss"] = None
    said = json.loads(json.dumps(scaling.lint(broken).to_dict(), allow_nan=False))
    assert said["sound"] is False
    assert said["findings"][0]["rows"] == [3, 5]
    assert set(said["findings"][0]) == {"code", "severity", "row", "reason", "remedy", "rows"}


def test_findings_come_worst_first_and_are_counted(runs):
    broken = runs.astype({"loss": object}).assign(lr_final_fraction=1.0, recipe=["a", "b"] * 21)
    broken.loc[3, "loss"] = None
    found = scaling.lint(broken)
    assert found.table["severity"].tolist() == ["blocks", "weakens", "note"]
    assert found.title == "42 runs read, 1 finding blocks, 1 weakens, 1 note."


def test_a_hundred_thousand_rows():
    rng = np.random.default_rng(4)
    table = pd.DataFrame({"params": 10 ** rng.uniform(7, 10, 100_000),
                          "tokens": 10 ** rng.uniform(9, 12, 100_000)})  # fmt: skip
    loss = LAW.predict(table) * np.exp(rng.normal(0, 0.003, 100_000))
    loss[777] *= 1.5
    found = scaling.lint(with_loss(table, loss))
    assert only(found, "outlier").rows == (777,)


def test_outliers_of_hoffmann_2022(chinchilla_runs_all):
    """The five runs that Besiroglu et al. 2024 leave out, and few others."""
    found = scaling.lint(chinchilla_runs_all)
    losses = [chinchilla_runs_all.loc[issue.rows[0], "loss"] for issue in found.issues
              if issue.code == "outlier"]  # fmt: skip
    assert codes(found) == {"outlier", "edge-minimum"}
    for known in OUTLIERS:
        assert min(abs(np.array(losses) - known)) < 1e-4
    assert len(losses) <= 8


def test_loss_of_llama_3_is_not_in_nats_per_token(data):
    found = scaling.lint(data / "isoflop-llama3" / "isoflops_points.csv")
    assert codes(found) == {"loss-unit"}


def test_tables_of_porian_2024_and_marin_are_sound(data):
    assert codes(scaling.lint(data / "isoflop-porian" / "isoflop_points.csv")) == set()
    marin = data / "isoflop-marin" / "isoflop-comma.csv"
    assert codes(scaling.lint(marin, columns={"loss": "eval/paloma/macro_loss"})) == set()
    logged = scaling.lint(marin, columns={"loss": "eval/paloma/macro_loss",
                                          "compute": "throughput/total_gflops"})  # fmt: skip
    assert "GFLOPs" in only(logged, "compute-unit").message


def test_checkpoints_of_tao_2024_are_told(data):
    """60 runs of 20 equally spaced checkpoints: all but the last of each."""
    found = scaling.lint(data / "vocabulary-tao" / "exp_data.csv", columns={"loss": "Lossu"})
    assert len(only(found, "mid-schedule").rows) == 60 * 19


def test_repeated_data_and_a_copied_loss_of_muennighoff_2023(data):
    found = scaling.lint(data / "data-constrained-muennighoff" / "runs_fit182.csv")
    assert "83m32b100m" in found.table.set_index("code").loc["repeated-loss", "row"]
    assert "repeated-data" in codes(found)


CELLS = [None, np.nan, np.inf, -np.inf, 0, -1, 1e-300, 1e300, True, "", "70B", "many", "1e400",
         b"bytes", [1], {"a": 1}, {1, 2}, pd.NaT, pd.NA, 10**400, 1j, object, "\x00\n"]  # fmt: skip
NAMES = [*scaling.columns.COLUMNS, "N", "flops", "val_loss", "loss_other", "ppl", "notes"]


def mutated(rng):
    """A sound table with cells, columns and rows broken at random."""
    table = isoflop_runs(LAW, [1e19, 1e20, 1e21], sizes=5, spread=4, noise=0.01, seed=1)
    for _ in range(rng.integers(1, 7)):
        name = NAMES[rng.integers(len(NAMES))]
        kind = rng.integers(7)
        if kind == 0 and name in table:
            table = table.drop(columns=name)
        elif kind == 1 and len(table):
            table = table.iloc[rng.integers(0, len(table), rng.integers(0, 20))]
        elif kind == 2:
            cells = [CELLS[i] for i in rng.integers(len(CELLS), size=len(table))]
            table = table.assign(**{name: pd.Series(cells, index=table.index, dtype=object)})
        elif kind == 3:
            table = table.assign(**{name: rng.lognormal(0, 20, len(table))})
        elif kind == 4:
            table = table.assign(**{name: [f"v{i}" for i in rng.integers(3, size=len(table))]})
        elif len(table) and len(table.columns):
            target = table.columns[rng.integers(len(table.columns))]
            cells = table[target].astype(object).tolist()
            cells[rng.integers(len(cells))] = CELLS[rng.integers(len(CELLS))]
            table = table.assign(**{target: pd.Series(cells, index=table.index, dtype=object)})
    return table


@pytest.mark.parametrize("seed", range(8))
def test_broken_tables_are_answered_or_refused_in_a_sentence(seed):
    rng, said = np.random.default_rng(seed), []
    for _ in range(40):
        table = mutated(rng)
        try:
            found = scaling.lint(table)
        except scaling.ScalingError as refused:
            said.append(str(refused))
            continue
        assert all(line.isprintable() for line in str(found).splitlines())
        assert list(found.table.columns) == ["code", "severity", "row", "reason", "remedy"]
        assert len(found.table) == len(found.issues)
        assert found._repr_html_()
    assert all(sentence.isprintable() for sentence in said)


@pytest.mark.parametrize("table", [{"step": [1, 2]}, {"recipe": ["a", "b"]}, {"tokens": [1e9]}])
def test_a_table_without_size_or_loss_is_examined_all_the_same(table):
    found = scaling.lint(table)
    assert "missing-column" in {issue.code for issue in found.issues}


def test_headers_that_are_not_understood_are_named():
    runs = scaling.datasets.load("demo")[["params", "compute", "loss"]]
    found = scaling.lint(runs.rename(columns={"params": "my size"}))
    said = [issue for issue in found.issues if issue.code == "missing-column"]
    assert "my size" in said[0].message
    assert said[0].severity == "weakens"


def test_real_exports_of_logs_end_in_a_table(data):
    for path in sorted((data / "logs-wandb-olmo").glob("*.csv")):
        assert scaling.lint(path).issues
    assert scaling.lint(data / "routed-clark" / "curves.csv.gz").issues


def test_recipes_are_seen_in_the_columns_that_name_them():
    runs = scaling.datasets.load("demo")
    two = runs.assign(corpus=["a", "b", "a"] * (len(runs) // 3))
    found = [i for i in scaling.lint(two).issues if i.code == "mixed-recipes"]
    assert "by='corpus'" in found[0].remedy
    own = runs.assign(corpus=[f"run {i}" for i in range(len(runs))])
    assert "mixed-recipes" not in codes(scaling.lint(own))

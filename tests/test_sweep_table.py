"""The sweep inside the package: its tables against their own log, and what the runs must obey."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import scaling
from scaling.datasets import load
from scaling.laws import Chinchilla

ROOT = Path(__file__).parent.parent
LOG = ROOT / "examples" / "sweep" / "runs.jsonl"
SHIPPED = ROOT / "scaling" / "datasets"
FEWEST_RUNS = 150
TEXT = 1_500_000  # bytes that each run of the vocabulary arm reads


@pytest.fixture(scope="module")
def logged():
    """The log, one row a finished run, in the order of the table."""
    lines = LOG.read_text(encoding="utf-8").splitlines()
    return pd.DataFrame([json.loads(line) for line in lines]).set_index("run")


@pytest.fixture(scope="module")
def runs():
    return load("sweep")


def test_the_table_is_its_log(runs, logged):
    assert len(runs) >= FEWEST_RUNS
    assert runs["run"].is_unique
    assert set(runs["run"]) == set(logged.index)
    assert not runs.isna().any().any()
    there = logged.loc[runs["run"]]
    shared = [column for column in runs if column in there and column != "run"]
    assert {"params", "tokens", "loss", "learning_rate", "seconds", "seed"} <= set(shared)
    for column in shared:
        if pd.api.types.is_numeric_dtype(there[column]):
            assert_allclose(runs[column], there[column].to_numpy(float), rtol=1e-6, err_msg=column)
        else:
            assert runs[column].tolist() == there[column].tolist(), column


def test_the_curves_are_those_of_the_log(logged):
    curves = load("sweep_curves")
    points = [{"run": run, **point} for run, curve in logged["curve"].items() for point in curve]
    expected = pd.DataFrame(points).set_index(["run", "step"]).sort_index()
    found = curves.set_index(["run", "step"]).sort_index()
    assert found.index.equals(expected.index)
    expected = expected.rename(columns={"learning_rate": "learning_rate_now"})
    for column in ("tokens", "learning_rate_now", "loss", "training_loss"):
        assert_allclose(found[column], expected[column].to_numpy(float), rtol=1e-6, atol=1e-12)


def test_counts_follow_from_shapes(runs):
    width, layers, context = (runs[name] for name in ("width", "layers", "context_length"))
    matrices = 12 * layers * width**2
    gains = (2 * layers + 1) * width
    head = runs["vocab_size"] * width
    assert (runs["params_embedding"] == head).all()
    assert (runs["params_non_embedding"] == matrices + gains).all()
    assert (runs["params"] == head + matrices + gains).all()
    assert (runs["compute"] == 6 * runs["params"] * runs["tokens"]).all()
    attention = 6 * layers * width * (context + 1)
    exact = (6 * (head + matrices) + attention) * runs["tokens"]
    assert_allclose(runs["compute_exact"], exact, rtol=1e-6)
    assert (runs["tokens"] == runs["steps"] * runs["batch_size"]).all()
    assert_allclose(runs["loss_nats_per_byte"] * runs["bytes_per_token"], runs["loss"], rtol=1e-6)


def test_no_run_but_the_repeated_ones_saw_text_twice(runs):
    corpus = json.loads((LOG.parent / "corpus.json").read_text())
    repeated = runs["arm"] == "repetition"
    once = runs[~repeated]
    assert (once["unique_tokens"] == once["tokens"]).all()
    of_bytes = once[once["tokenizer"] == "bytes"]
    assert (of_bytes["tokens"] <= corpus["bytes"]).all()
    again = runs[repeated]
    epochs = again["tokens"] / again["unique_tokens"]
    assert sorted(epochs.unique()) == [1, 2, 4, 8, 16, 32, 64]
    assert again.groupby(["params", "unique_tokens"]).size().tolist() == [7] * 6


def test_arms_hold_what_they_were_planned_to(runs):
    isoflop = load("sweep", rows="isoflop")
    thirds = np.log(5e12 / isoflop["compute"]) / np.log(3)
    assert_allclose(thirds, thirds.round(), atol=0.01)
    budgets = isoflop.groupby(thirds.round())
    assert sorted(budgets.groups) == [0, 1, 2, 3, 4]
    assert (budgets.size() >= 7).all()
    for _, budget in budgets:
        lowest = budget.sort_values("params")["loss"].to_numpy().argmin()
        assert 0 < lowest < len(budget) - 1
    vocabulary = load("sweep", rows="vocabulary")
    assert vocabulary.groupby("vocab_size").size().to_dict() == dict.fromkeys(
        (256, 512, 1024, 2048, 4096, 8192, 16384), 3)  # fmt: skip
    known = json.loads((LOG.parent / "vocabularies.json").read_text())
    corpus = json.loads((LOG.parent / "corpus.json").read_text())
    in_training = vocabulary["vocab_size"].map(
        lambda size: corpus["bytes"] / known[str(int(size))]["training_tokens"])  # fmt: skip
    text = vocabulary["tokens"] * in_training
    assert (np.abs(text - TEXT) <= 0.51 * vocabulary["batch_size"] * in_training).all()
    seeds = load("sweep", rows="seeds").groupby(["params", "tokens"])["seed"].nunique()
    assert seeds.tolist() == [4] * 4
    batches = load("sweep", rows="rate-and-batch").groupby("params")
    assert batches["batch_size"].value_counts().tolist() == [3] * 9
    assert (batches["tokens"].max() / batches["tokens"].min() < 1.01).all()  # whole batches
    schedules = load("sweep", rows="schedules")["schedule"]
    assert sorted(schedules) == ["constant", "wsd", "wsd"]
    curves = load("sweep_curves")
    assert set(curves["run"]) == set(runs["run"])


def test_tables_are_small_and_the_fit_of_one_arm_is_sound():
    size = sum((SHIPPED / name).stat().st_size for name in ("sweep.csv", "sweep_curves.csv.gz"))
    assert size < 1_000_000
    fit = scaling.fit(Chinchilla, load("sweep", rows="isoflop"))
    assert not [issue for issue in fit.issues if issue.severity == "blocks"]
    runs = load("sweep")
    same = fit.residuals()["residual"].std()
    noise = scaling.fit(Chinchilla, runs[runs["arm"].isin(["isoflop", "seeds"])],
                        noise="replicates", bootstrap=0).noise.sd  # fmt: skip
    assert noise < same < 3 * noise


def test_rows_that_are_not_there_are_refused():
    with pytest.raises(scaling.ScalingError, match="rows must be one of 'all', 'big', 'isoflop'"):
        load("sweep", rows="nothing")
    with pytest.raises(scaling.ScalingError, match="rows must be one of 'all'"):
        load("demo", rows="isoflop")


def test_what_was_forecast_is_what_the_tables_say(runs):
    said = json.loads((LOG.parent / "forecast.json").read_text())
    isoflop, big = load("sweep", rows="isoflop"), load("sweep", rows="big").iloc[0]
    assert said["runs"] == len(isoflop)
    assert said["compute"] == 10 * round(isoflop["compute"].max(), -10) == 5e13
    assert big["params"] == said["params"]
    assert abs(big["tokens"] - said["tokens"]) <= big["batch_size"] / 2
    unique = json.loads((LOG.parent / "corpus.json").read_text())["bytes"]
    assert said["tokens"] <= 0.8 * unique
    shipped = load("sweep_forecast").set_index("by")
    for by, row in said["forecasts"].items():
        assert_allclose(shipped.loc[by, list(row)].to_numpy(float), list(row.values()), rtol=1e-6)
    again = scaling.ensemble(isoflop, bootstrap=0).forecast(
        params=said["params"], tokens=said["tokens"])  # fmt: skip
    assert again.table["loss"].iloc[0] == pytest.approx(
        said["forecasts"]["ensemble"]["loss"], rel=1e-4
    )
    best = scaling.compute_optimal(scaling.ensemble(isoflop, bootstrap=0), 5e13).table.iloc[0]
    assert best["params"] == pytest.approx(said["best params"]["ensemble"]["params"], rel=1e-3)

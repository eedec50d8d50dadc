"""Fits are written whole or not at all, and come back the same."""

import json

import numpy as np
import pandas as pd
import pytest

import scaling
from scaling.laws import Chinchilla


@pytest.fixture(scope="module")
def fit():
    runs = scaling.datasets.load("demo")
    runs["note"] = ["run \U0001f680 " + str(i) for i in range(len(runs))]
    runs["when"] = pd.Timestamp("2026-01-01")
    return scaling.fit(
        Chinchilla, runs, tied={"beta": "alpha"}, bounds={"E": (0.5, 3)}, noise=0.003,
        weights=np.linspace(0.5, 1.5, len(runs)), bootstrap=50,
        objective=scaling.Huber(delta=2e-3),
    )  # fmt: skip


def test_full_file_gives_the_same_answers(fit, tmp_path):
    loaded = scaling.load(scaling.save(fit, tmp_path / "fit.json"))
    assert loaded.law.values == fit.law.values
    np.testing.assert_array_equal(loaded.draws.alpha, fit.draws.alpha)
    assert str(loaded) == str(fit)
    for question in (
        lambda f: scaling.compute_optimal(f, 1e24).table,
        lambda f: f.forecast(params=70e9, tokens=1e12).table,
        lambda f: f.residuals(),
        lambda f: f.table(0.5),
    ):
        pd.testing.assert_frame_equal(question(loaded), question(fit))
    again = scaling.bootstrap(loaded, 70)
    np.testing.assert_allclose(again.draws.E, scaling.bootstrap(fit, 70).draws.E, rtol=1e-9)


def test_hash_file_holds_no_losses_and_still_answers(fit, tmp_path):
    path = scaling.save(fit, tmp_path / "fit.json", runs="hash")
    record = json.loads(path.read_text())
    assert record["runs"] is None
    assert record["weights"] == []
    written = path.read_text()
    assert not any(f"{loss:.10f}"[:12] in written for loss in fit.runs["loss"])
    loaded = scaling.load(path)
    pd.testing.assert_frame_equal(
        scaling.compute_optimal(loaded, 1e24).table, scaling.compute_optimal(fit, 1e24).table
    )
    pd.testing.assert_frame_equal(
        loaded.forecast(params=1e9, tokens=1e12).table, fit.forecast(params=1e9, tokens=1e12).table
    )
    for needs_runs in (loaded.residuals, loaded.to_lmfit, lambda: scaling.bootstrap(loaded, 10)):
        with pytest.raises(scaling.FitError, match="saved without its runs"):
            needs_runs()


def test_failed_write_leaves_the_old_file(fit, tmp_path):
    path = tmp_path / "fit.json"
    scaling.save(fit, path)
    before = path.read_text()
    with pytest.raises(scaling.ScalingError, match="cannot be written"):
        scaling.save(fit, tmp_path / "missing" / "fit.json")
    with pytest.raises(scaling.ScalingError, match="save takes a fit"):
        scaling.save(fit.law, path)
    assert path.read_text() == before
    assert [p.name for p in tmp_path.iterdir()] == ["fit.json"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda record: record.update(kind="recipe"), "not a fit saved"),
        (lambda record: record.update(schema=99), "schema 99"),
        (lambda record: record.update(family="Mystery"), "family=Mystery"),
        (lambda record: record.pop("coefs"), "damaged"),
        (lambda record: record["coefs"].update(E=-1), "0 or more"),
        (lambda record: record.update(draws={"E": [1.0]}), "damaged"),
        (lambda record: record.update(draws=5), "damaged"),
    ],
)
def test_changed_files_are_refused_in_a_sentence(fit, tmp_path, change, said):
    path = scaling.save(fit, tmp_path / "fit.json")
    record = json.loads(path.read_text())
    change(record)
    path.write_text(json.dumps(record))
    with pytest.raises(scaling.ScalingError, match=said):
        scaling.load(path)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff\xfe\x00", b"nan"])
def test_other_files_are_refused_in_a_sentence(tmp_path, content):
    path = tmp_path / "no.json"
    path.write_bytes(content)
    with pytest.raises(scaling.ScalingError, match="not a fit saved"):
        scaling.load(path)


def test_family_given_must_be_the_one_in_the_file(fit, tmp_path):
    path = scaling.save(fit, tmp_path / "fit.json")
    with pytest.raises(scaling.ScalingError, match="holds a Chinchilla"):
        scaling.load(path, family=scaling.laws.Kaplan)


def test_open_bounds_odd_indices_and_links_survive(tmp_path):
    runs = scaling.datasets.load("demo")
    runs.index = pd.MultiIndex.from_arrays([range(63), pd.date_range("2026-01-01", periods=63)])
    runs = pd.concat([runs, runs.iloc[:1]])
    fit = scaling.fit(Chinchilla, runs, bounds={"E": (1.0, np.inf)}, bootstrap=20)
    link, target = tmp_path / "link.json", tmp_path / "target.json"
    target.write_text("old")
    link.symlink_to(target)
    scaling.save(fit, link)
    assert link.is_symlink()
    loaded = scaling.load(target)
    assert loaded.constraints.bounds["E"] == (1.0, np.inf)
    assert str(loaded).splitlines()[0] == str(fit).splitlines()[0]
    assert loaded.runs.shape == fit.runs.shape


@pytest.mark.parametrize("path", [".", "", "/", "a" * 300, "a\0b", None, 3])
def test_places_that_cannot_be_written_are_refused(fit, tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(scaling.ScalingError, match="written"):
        scaling.save(fit, path)
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_regular_file_is_left_as_it_is(fit, tmp_path):
    import os

    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(scaling.ScalingError, match="not a file that can be written"):
        scaling.save(fit, pipe)
    assert pipe.is_fifo()

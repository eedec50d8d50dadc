"""How often intervals hold the truth where runs share errors: benchmarks/coverage.py, in part."""

import dataclasses
import importlib.util
import re
import sys
from pathlib import Path

import numpy as np
import pytest

import scaling
from scaling.laws import Chinchilla

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "benchmarks" / "coverage.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def script():
    """The script as a module; its name is that of a package for measuring tests."""
    path = ROOT / "benchmarks" / "coverage.py"
    spec = importlib.util.spec_from_file_location("measured_coverage", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_a_small_run_of_the_script_prints_the_page(script, capsys, monkeypatch):
    monkeypatch.setattr(script, "ERRORS", dict(list(script.ERRORS.items())[:2]))
    script.main(["--repeats", "2"])
    printed = capsys.readouterr().out
    words = [
        re.sub(r"[-\d.±%|\s]+", " ", line) for line in printed.splitlines() if "groups" in line
    ]
    page = [re.sub(r"[-\d.±%|\s]+", " ", line) for line in PAGE.splitlines()]
    assert len(words) == 12
    assert set(words) <= set(page)
    heads = [line for line in printed.splitlines() if line.startswith(("**", "| errors"))]
    assert len(heads) == 6
    assert all(line.partition(";")[0] in PAGE for line in heads)


def test_the_other_law_is_the_truth_in_the_middle_of_the_runs(script):
    """Same loss and slopes there, and the same range of losses over the runs to 2%."""
    for design in (script.ladder(), script.isoflop()):
        law = script.coupled(design)
        middle = {"params": np.exp(np.log(design.params).mean()),
                  "tokens": np.exp(np.log(design.tokens).mean())}  # fmt: skip
        for one in middle:
            for step in (0.99, 1.0, 1.01):
                point = {**middle, one: middle[one] * step}
                assert law.predict(**point) == pytest.approx(
                    script.TRUTH.predict(**point), rel=1e-6
                )
        points = {"params": design.params, "tokens": design.tokens}
        apart = np.abs(np.log(law.predict(**points) / script.TRUTH.predict(**points)))
        assert 0.003 < apart.max() < 0.1


def test_offsets_are_shared_by_runs_of_a_size(script):
    design = script.ladder()
    offsets = script.of_size(design, np.random.default_rng(0))
    assert len(np.unique(offsets)) == 4
    assert all(len(np.unique(offsets[design.params == size])) == 1 for size in design.params)
    error = "noise 0.1%, each size off by 0.3%"
    logs = [
        np.log(script.simulated(design, error, seed)["loss"])
        - np.log(script.TRUTH.predict(params=design.params, tokens=design.tokens))
        for seed in range(300)
    ]
    assert np.std(logs) == pytest.approx(np.hypot(0.001, 0.003), rel=0.05)
    within = np.reshape(logs, (300, 4, 4))  # repeats, sizes, tokens per param
    assert np.std(within - within.mean(axis=2, keepdims=True)) == pytest.approx(
        0.001 * np.sqrt(3 / 4), rel=0.05)  # fmt: skip


def test_a_learning_rate_that_falls_with_size_is_told():
    runs = scaling.datasets.load("demo")
    fit = scaling.fit(Chinchilla, runs.assign(learning_rate=1e-3 * (runs["params"] / 1e8) ** -0.4),
                      bootstrap=0)  # fmt: skip
    found = [issue.message for issue in fit.issues if issue.code == "changes-with-size"]
    assert len(found) == 1
    assert found[0].startswith("learning_rate falls with model size")


CASES = [  # design, errors, intervals, and in which range the loss at 100x must be held
    ("ladder", "noise 0.3%", "pairs", 0.87, 0.99),
    ("ladder", "noise 0.1%, each size off by 0.3%", "pairs", 0.45, 0.70),
    ("isoflop", "noise 0.3%", "pairs", 0.85, 0.99),
    ("isoflop", "noise 0.3%, another law is true", "pairs", 0.0, 0.35),
    ("calibrated_isoflop", "noise 0.3%, each budget off by 0.3%", "pairs", 0.4, 0.82),
    ("calibrated_isoflop", "noise 0.3%, each budget off by 0.3%", "calibrated", 0.82, 1.0),
]


@pytest.mark.slow
@pytest.mark.parametrize(("design", "error", "kind", "least", "most"), CASES)
def test_coverage_is_what_the_page_says(script, design, error, kind, least, most):
    """At 60 tables a share of 0.55 is known to 0.064, one of 0.94 to 0.03."""
    made = getattr(script, design)()
    made = dataclasses.replace(made, kinds={kind: made.kinds[kind]})
    repeats = 60
    held, _, _ = script.cell(made, error, repeats)
    share = held[kind][script.QUESTIONS.index("loss at 100x")]
    assert least <= share <= most
    page = PAGE[PAGE.index(f"**{made.name}**") :]
    rows = page[page.index(f"| {error} |") :].splitlines()
    written = next(row for row in rows if f"| {kind} |" in row).split("|")[4]
    said, known = (float(number) / 100 for number in written.split("±"))
    error_here = np.sqrt(said * (1 - said) / repeats + known**2)
    assert abs(share - said) < 3 * max(error_here, 0.02)

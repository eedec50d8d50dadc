"""The command line: text for people, --json for programs, one sentence for mistakes."""

import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import scaling


def run(*arguments, cwd=None):
    """Whole process of the command line."""
    code = "from scaling.cli import main; main()"
    environment = {**os.environ, "MPLBACKEND": "Agg", "COLUMNS": "110", "NO_COLOR": "1"}
    return subprocess.run([sys.executable, "-W", "error", "-c", code, *map(str, arguments)],
                          capture_output=True, text=True, cwd=cwd, env=environment)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("cli")
    runs = scaling.datasets.load("demo")
    runs[["params", "compute", "loss"]].rename(
        columns={"params": "Model Size", "compute": "Training FLOP"}
    ).to_csv(place / "runs.csv", index=False)
    done = run("fit", "runs.csv", "--save", "fit.json", "--noise", "0.003", cwd=place)
    assert done.returncode == 0, done.stderr
    return place


def test_demo_goes_from_measured_runs_to_a_decision_and_what_came_of_it(tmp_path):
    done = run("demo", "--plot", "ways.png", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for part in ("trained for this library", "Chinchilla on 39 runs", "in three ways",
                 "with probability 0.9", "Backtest",
                 "1.427 [1.367, 1.492] was written"):  # fmt: skip
        assert part in done.stdout
    assert (tmp_path / "ways.png").stat().st_size > 10_000


def test_fit_prints_the_fit_and_what_it_assumed(folder):
    done = run("fit", "runs.csv", cwd=folder)
    assert "Chinchilla on 63 runs" in done.stdout
    assert "tokens is derived from compute and params by 6ND." in done.stdout
    assert {path.name for path in folder.iterdir()} == {"runs.csv", "fit.json"}


def test_forecast_takes_a_share_of_rows(tmp_path):
    runs = scaling.datasets.load("demo")
    runs.to_csv(tmp_path / "demo.csv", index=False)
    point = ("params=70B", "tokens=1.4T")
    done = run("forecast", "demo.csv", *point, "--rows", "0.02", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    made = scaling.ensemble(runs, rows=0.02, bootstrap=0)
    row = json.loads(done.stdout)["rows"][0]
    assert row["loss"] == pytest.approx(made.forecast(params=70e9, tokens=1.4e12).table["loss"][0])


def test_forecast_is_the_library_s(folder):
    done = run("forecast", "fit.json", "params=70B,7B", "tokens=1.4T", "--json", cwd=folder)
    rows = json.loads(done.stdout)["rows"]
    fit = scaling.load(folder / "fit.json")
    expected = fit.forecast(params=[70e9, 7e9], tokens=1.4e12).table
    np.testing.assert_allclose([row["loss"] for row in rows], expected["loss"])


@pytest.mark.parametrize(
    ("arguments", "ask"),
    [
        (["frontier", "runs.csv", "1e24"], lambda made: scaling.compute_optimal(made, 1e24)),
        (["frontier", "runs.csv", "1e24", "--regret", "--params", "30B,70B", "--within", "0.01"],
         lambda made: scaling.regret(made, 1e24, ["30B", "70B"], within=0.01)),
        (["forecast", "runs.csv", "params=7B", "tokens=1T"],
         lambda made: made.forecast(params=7e9, tokens=1e12)),
    ],
)  # fmt: skip
def test_the_ensemble_of_a_table_answers_as_the_library_s(folder, arguments, ask):
    done = run(*arguments, "--law", "Ensemble", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    wanted = ask(scaling.ensemble(scaling.read_runs(folder / "runs.csv"))).table
    for row, said in zip(wanted.to_dict("records"), json.loads(done.stdout)["rows"], strict=True):
        assert said == pytest.approx(row)


def test_crossover_takes_an_ensemble_beside_a_published_law(folder):
    command = ("crossover", "runs.csv", "hoffmann-2022", "--compute", "1e21")
    done = run(*command, "--law", "ensemble", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    made = scaling.ensemble(scaling.read_runs(folder / "runs.csv"))
    worth = scaling.compute_multiplier(made, scaling.published("hoffmann-2022"), 1e21).table
    found = json.loads(done.stdout)["multiplier"]["rows"][0]["multiplier"]
    assert found == pytest.approx(worth["multiplier"].iloc[0])


def test_a_figure_is_confirmed_and_never_where_json_is_printed(folder, tmp_path):
    command = ("frontier", folder / "fit.json", "1e24", "--plot", "best.png")
    assert run(*command, cwd=tmp_path).stdout.endswith("drawn in best.png\n")
    assert json.loads(run(*command, "--json", cwd=tmp_path).stdout)


def test_issues_left_out_on_the_console_are_said_to_be_in_json(folder, tmp_path):
    runs = pd.read_csv(folder / "runs.csv").iloc[:7]
    runs.to_csv(tmp_path / "few.csv", index=False)
    command = ("frontier", "few.csv", "1e28")
    said = json.loads(run(*command, "--json", cwd=tmp_path).stdout)["issues"]
    assert len(said) > 3
    text = run(*command, cwd=tmp_path).stdout
    assert f"and {len(said) - 3} more with --json" in text
    assert ".issues" not in text


def test_crossover_is_the_library_s(folder):
    runs = scaling.datasets.load("demo")
    runs.assign(loss=0.04 + 0.98 * runs["loss"]).to_csv(folder / "other.csv", index=False)
    command = ("crossover", "fit.json", "other.csv", "--compute", "1e21", "--compute", "1e23")
    done = run(*command, "--json", "--plot", "cross.png", cwd=folder)
    assert done.returncode == 0, done.stderr
    values = json.loads(done.stdout)
    assert values["crossover"]["names"] == ["fit", "other"]
    other = scaling.fit(scaling.laws.Chinchilla, scaling.read_runs(folder / "other.csv"))
    first = scaling.load(folder / "fit.json")
    expected = scaling.compute_multiplier(first, other, [1e21, 1e23]).table
    found = [row["multiplier"] for row in values["multiplier"]["rows"]]
    np.testing.assert_allclose(found, expected["multiplier"])
    assert (folder / "cross.png").exists()
    text = run(*command, cwd=folder).stdout
    assert "Which is better, fit (a) or other (b)" in text
    assert "below 1 other is the" in text
    wrong = run("crossover", "fit.json", "other.csv", "--between", "1e22", cwd=folder)
    assert wrong.returncode == 2
    assert "between must be two numbers" in wrong.stderr
    for name in ("other.csv", "cross.png"):
        (folder / name).unlink()


def test_headers_that_are_not_understood_can_be_named(folder):
    table = pd.read_csv(folder / "runs.csv").rename(columns={"Model Size": "my size"})
    table.to_csv(folder / "own.csv", index=False)
    known, named = (run(*command, "--json", cwd=folder) for command in (
        ("frontier", "runs.csv", "1e24"),
        ("frontier", "own.csv", "1e24", "--column", "params=my size")))  # fmt: skip
    assert named.returncode == 0, named.stderr
    for ours, wanted in zip(json.loads(named.stdout)["rows"], json.loads(known.stdout)["rows"],
                            strict=True):  # fmt: skip
        assert ours == pytest.approx(wanted, rel=1e-6)
    other = table.rename(columns={"my size": "params_non_embedding"})
    other.to_csv(folder / "own.csv", index=False)
    kept = run("fit", "own.csv", "--column", "params=params_non_embedding", "--json", cwd=folder)
    assert json.loads(kept.stdout)["columns"]["params"] == "params_non_embedding"
    (folder / "own.csv").unlink()


def test_isoflop_is_the_library_s(folder):
    done = run("isoflop", "runs.csv", "--plot", "valleys.png", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    runs = scaling.read_runs(folder / "runs.csv")
    found = scaling.isoflop(runs).table
    np.testing.assert_allclose([row["params"] for row in json.loads(done.stdout)["rows"]],
                               found["params"])  # fmt: skip
    assert (folder / "valleys.png").stat().st_size > 0
    (folder / "valleys.png").unlink()
    ahead = run("isoflop", "runs.csv", "1e24", "--method", "law", "--json", cwd=folder)
    wanted = scaling.isoflop(runs, method="law").at(1e24).table["params"]
    assert json.loads(ahead.stdout)["rows"][0]["params"] == pytest.approx(wanted.iloc[0])
    refused = run("isoflop", "runs.csv", "--method", "spline", cwd=folder)
    assert refused.returncode == 2
    assert "method must be one of" in refused.stderr


def test_backtest_is_the_library_s(folder):
    done = run("backtest", "runs.csv", "--law", "Kaplan", "--cut", "1e20", "--bootstrap", "0",
               "--plot", "held.png", "--json", cwd=folder)  # fmt: skip
    assert done.returncode == 0, done.stderr
    runs = scaling.read_runs(folder / "runs.csv")
    found = scaling.backtest(scaling.laws.Kaplan, runs, cuts=[1e20], bootstrap=0).table
    said = json.loads(done.stdout)["rows"]
    assert [row["mean_error"] for row in said] == pytest.approx(found["mean_error"].tolist())
    assert (folder / "held.png").stat().st_size > 0
    (folder / "held.png").unlink()
    refused = run("backtest", "runs.csv", "--law", "Kaplan", "--cut", "1e30", cwd=folder)
    assert refused.returncode == 2
    assert "no run lies above it" in refused.stderr


def test_frontier_from_fit_table_and_published_law(folder):
    for source in ("fit.json", "runs.csv", "besiroglu-2024"):
        done = run("frontier", source, "1e22", "1e24", "--json", cwd=folder)
        rows = json.loads(done.stdout)["rows"]
        assert [row["compute"] for row in rows] == [1e22, 1e24]


def test_regret_with_prices_and_figure(folder, tmp_path):
    figure = tmp_path / "regret.png"
    done = run("frontier", "fit.json", "1e24", "--regret", "--params", "70B,200B", "--plot", figure,
               "--flops-per-second", "989e12", "--dollars-per-hour", "2", cwd=folder)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "$" in done.stdout
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_lint_ends_with_0_where_nothing_blocks_and_1_where_something_does(folder, tmp_path):
    sound = run("lint", "runs.csv", cwd=folder)
    assert (sound.returncode, sound.stdout) == (0, "63 runs read. Nothing found.\n")
    runs = pd.read_csv(folder / "runs.csv").rename(columns={"loss": "c4"})
    runs.loc[7, "c4"] = np.nan
    runs.to_csv(tmp_path / "broken.csv", index=False)
    broken = run("lint", "broken.csv", "--column", "loss=c4", "--json", cwd=tmp_path)
    assert broken.returncode == 1, broken.stderr
    said = json.loads(broken.stdout)
    assert [(row["code"], row["rows"]) for row in said["findings"]] == [("missing-value", [7])]
    assert "blocks in row 7: loss is missing." in run(
        "lint", "broken.csv", "--column", "loss=c4", cwd=tmp_path).stdout  # fmt: skip


def test_laws_lists_families_and_published_laws():
    listed = json.loads(run("laws", "--json").stdout)
    assert {row["family"] for row in listed["families"]} == set(scaling.laws.FAMILIES)
    assert {row["name"] for row in listed["published"]} == set(scaling.laws.published_names())
    assert "besiroglu-2024" in run("laws").stdout


@pytest.mark.parametrize("command", ["demo", "fit", "frontier"])
def test_json_is_strict(folder, command):
    more = {"demo": [], "fit": ["runs.csv", "--bootstrap", "0"], "frontier": ["fit.json", "1e24"]}
    done = run(command, *more[command], "--json", cwd=folder)
    assert "NaN" not in done.stdout
    assert json.loads(done.stdout)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["fit", "nowhere.csv"], "There is no file 'nowhere.csv'."),
        (["fit", "fit.json"], "one JSON object a run"),
        (["lint", "nowhere.csv"], "There is no file 'nowhere.csv'."),
        (["lint", "runs.csv", "--column", "loss=nothing"], "nothing"),
        (["fit", "runs.csv", "--law", "Banana"], "--law must be one of"),
        (["fit", "runs.csv", "--fixed", "E"], "--fixed must look like name=value"),
        (["fit", "runs.csv", "--fixed", "Q=1"], "fixed names 'Q'"),
        (["fit", "runs.csv", "--bounds", "E=1"], "--bounds must look like"),
        (["fit", "runs.csv", "--tied", "beta=__import__('os')"], "beta"),
        (["fit", "runs.csv", "--column", "loss=nothing"], "nothing"),
        (["fit", "runs.csv", "--plot", "figure.banana"], "cannot be written as a figure"),
        (["fit", "runs.csv", "--plot", "."], "--plot must name a file"),
        (["fit", "runs.csv", "--plot", ""], "--plot must name a file"),
        (["fit", "runs.csv", "--save", "missing/fit.json"], "cannot be written"),
        (["audit", "runs.csv", "--law", "ensemble"], "an ensemble is made of several fits"),
        (["fit", "runs.csv", "--bootstrap", "-3"], "whole number"),
        (["fit", "runs.csv", "--objective", "least_squares", "--delta", "1"], "--delta belongs"),
        (["forecast", "fit.json", "params=70B"], "forecasts from params, tokens"),
        (["forecast", "fit.json", "params=big", "tokens=1T"], "finite numbers"),
        (
            ["forecast", "fit.json", "params=1B", "tokens=1B", "--rows", "all"],
            "without another --law",
        ),
        (["forecast", "besiroglu-2024", "params=1B", "tokens=1B"], "saved fit or a table"),
        (["frontier", "fit.json", "lots"], "compute must be"),
        (["frontier", "fit.json", "1e22", "1e23", "--regret"], "one compute"),
        (["frontier", "kaplan-2020-joint", "1e22"], "cannot be traded"),
        (["frontier", "fit.json", "1e24", "--level", "90"], "level must be between"),
    ],
)
def test_mistakes_end_in_one_sentence_and_code_two(folder, arguments, said):
    done = run(*arguments, cwd=folder)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert {path.name for path in folder.iterdir()} == {"runs.csv", "fit.json"}


@pytest.mark.parametrize("name", ["a b.csv", "-dash.csv", "quo'te\".csv", "ünï.csv", "100%.csv"])
def test_hostile_file_names_are_only_names(folder, tmp_path, name):
    (tmp_path / name).write_bytes((folder / "runs.csv").read_bytes())
    done = run("fit", "--bootstrap", "0", "--", name, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_audit_is_the_library_s_with_its_checklist_and_figure(folder, tmp_path):
    done = run("audit", folder / "fit.json", "--compute", "1e24", "--checklist", "list.md",
               "--plot", "audit.png", "--json", cwd=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stderr
    fit = scaling.load(folder / "fit.json")
    answer = json.loads(done.stdout)
    assert answer["quantity"] == "best params at 1e24 FLOPs"
    values = [row["value"] for row in answer["rows"]]
    np.testing.assert_allclose(values, scaling.audit(fit, compute=1e24).table["value"])
    assert (tmp_path / "list.md").read_text(encoding="utf-8") == scaling.checklist(fit)
    assert (tmp_path / "audit.png").stat().st_size > 0


def test_audit_of_a_fit_without_runs_writes_the_checklist_and_says_what_is_missing(
    folder, tmp_path
):
    scaling.save(scaling.load(folder / "fit.json"), tmp_path / "hash.json", runs="hash")
    done = run("audit", "hash.json", "--checklist", "list.md", cwd=tmp_path)
    assert done.returncode == 2
    assert "saved without its runs" in done.stderr
    assert (tmp_path / "list.md").read_text(encoding="utf-8").startswith("# Checklist of the fit")
    done = run("audit", "besiroglu-2024", cwd=tmp_path)
    assert "audit needs a saved fit or a table of runs" in done.stderr


def test_audit_puts_runs_back_and_asks_a_coefficient(folder, tmp_path):
    runs = pd.read_csv(folder / "runs.csv")
    runs.iloc[::3].to_csv(tmp_path / "some.csv", index=False)
    done = run("audit", "some.csv", "--coefficient", "alpha", "--all-runs", folder / "runs.csv",
               cwd=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "with the 42 runs left out" in " ".join(done.stdout.split())
    assert "alpha of Chinchilla under other choices" in done.stdout


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        (["--at-most", "params=8B"], {"at_most": {"params": 8e9}}),
        (["--choices", "params=1B,7B"], {"choices": {"params": [1e9, 7e9]}}),
        (["--served", "10T"], {"cost": scaling.SIX_ND.serving(1e13)}),
        (["--held", "tokens=2T"], {"held": {"tokens": 2e12}}),
    ],
)
def test_frontier_takes_limits_and_demand(options, wanted):
    done = run("frontier", "besiroglu-2024", "1e24", *options, "--json")
    assert done.returncode == 0, done.stderr
    answer = scaling.compute_optimal(scaling.published("besiroglu-2024"), 1e24, **wanted)
    row = json.loads(done.stdout)["rows"][0]
    assert row["params"] == pytest.approx(answer.table["params"][0])
    assert row["loss"] == pytest.approx(answer.table["loss"][0])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--served", "abc"], "finite number above 0"),
        (["--held", "tokens"], "--held must look like name=value"),
        (["--at-most", "foo=3"], "at_most names 'foo'"),
        (["--regret", "--choices", "params=1B"], "drop --at-most and --choices"),
    ],
)
def test_frontier_refuses_limits_in_one_sentence(options, words):
    done = run("frontier", "besiroglu-2024", "1e24", *options)
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1

"""The code of every page runs and prints what the page says; with UPDATE_README=1 the outputs and
pictures of the pages are written here."""

import contextlib
import functools
import io
import re
import shlex

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from pages import DOCS, PAGES, README, ROOT, UPDATE, check_part, same, table
from typer.testing import CliRunner

import scaling
from scaling.cli import app
from scaling.datasets.simulated import sweep_runs

SWEEP_COLUMNS = ["params", "tokens", "compute", "loss", "tokenizer", "schedule"]  # of runs.csv
AHEAD = 5e13  # ten times the largest budget of the sweep
BLOCK = re.compile(
    r"```(python|sh)\n(.*?)```\n(?:\s*<!--[^\n]*-->\n)?(?:```text\n(.*?)```)?", re.DOTALL
)


def sweep_of_pages():
    """The measured runs that a page finds as runs.csv, as start.md writes them."""
    return scaling.datasets.load("sweep", rows="isoflop")[SWEEP_COLUMNS]


def run_python(code, name, names):
    exec(compile(code, name, "exec"), names)


def run_shell(code):
    """Run the lines of the library's own command; installing and testing is for .ci/run."""
    for line in code.splitlines():
        command = shlex.split(line, comments=True)
        if command[:1] == ["scaling"]:
            done = CliRunner().invoke(app, command[1:])
            assert done.exit_code == 0, done.output
            print(done.output)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_code_of_a_page_prints_what_the_page_shows(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sweep_of_pages().to_csv("runs.csv", index=False)
    text = page.read_text(encoding="utf-8")
    names, made, end = {}, [], 0
    for block in BLOCK.finditer(text):
        language, code, written = block.groups()
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            run_shell(code) if language == "sh" else run_python(code, page.name, names)
        plt.close("all")
        output = "\n".join(line.rstrip() for line in printed.getvalue().splitlines()) + "\n"
        if written is None:
            continue
        assert UPDATE or same(output, written), f"{page.name} should show:\n{output}"
        made += [text[end : block.start(3)], output]
        end = block.end(3)
    if UPDATE:
        page.write_text("".join(made) + text[end:], encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_of_a_page_is_code_that_runs_or_its_output(page):
    fences = re.findall(r"^ *```(.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert all(re.fullmatch(r"(python|sh|text|\{[a-z]+\}.*)?", fence) for fence in fences)
    assert len(fences) % 2 == 0
    text = page.read_text(encoding="utf-8")
    outputs = sum(block[3] is not None for block in BLOCK.finditer(text))
    assert outputs == text.count("```text\n")


def test_table_of_laws_is_that_of_the_code():
    rows = ["| family | formula | coefficients | source |", "| --- | --- | --- | --- |"]
    for name, family in scaling.laws.FAMILIES.items():
        formula = re.search(r"math:: (.*)", family.__doc__)[1].strip()
        rows.append(
            f"| `{name}` | ${formula}$ | {', '.join(family.coefficients)} | {family.source} |"
        )
    count = len(scaling.laws.published_names())
    rows += [
        "",
        f"`scaling.published(name)` gives {count} laws with the numbers of their papers, how "
        "params are counted, and how each number was checked.",
    ]
    check_part(README, "laws", "\n".join(rows) + "\n")


def test_choosing_a_law_has_every_family():
    rows = []
    made = {f"{name}()": make() for name, make in scaling.laws.FACTORIES.items()}
    for name, family in {**scaling.laws.FAMILIES, **made}.items():
        formula = re.search(r"math:: (.*)", family.__doc__)[1].strip()
        law = scaling.testing.draw_law(family, seed=0)
        best = "closed form" if law.optimum(1e21) is not None else "search"
        rows.append([
            f"`{name}`", f"${formula}$", ", ".join(f"`{column}`" for column in family.inputs),
            len(family.coefficients),
            best if set(family.inputs) == {"params", "tokens"} else "none",
        ])  # fmt: skip
    page = DOCS / "choose_a_law.md"
    header = ["family", "formula", "inputs", "coefficients", "best allocation"]
    check_part(page, "families", table(header, rows))
    headings = re.findall(r"^### (\w+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(headings) == sorted([*scaling.laws.FAMILIES, *scaling.laws.FACTORIES])


@pytest.fixture(scope="module")
def sweep_fit():
    return scaling.fit(scaling.laws.Chinchilla, scaling.read_runs(sweep_of_pages()))


def drawn_decision(fit):
    answer = scaling.regret(scaling.ensemble(fit.runs), AHEAD, within=0.01)
    return scaling.plot.regret(answer), answer.notes[0]


def drawn_frontier(fit):
    made = scaling.ensemble(fit.runs)
    answer = scaling.compute_optimal(made, np.geomspace(5e10, AHEAD, 25))
    return scaling.plot.frontier(answer, runs=fit.runs), answer.notes[0]


def drawn_fit(fit):
    return scaling.plot.fit(fit)[0], repr(fit.law)


def drawn_valleys(fit):
    found = scaling.isoflop(fit.runs)
    return scaling.plot.isoflop(found), found.notes[0]


def drawn_sweep(fit):
    cells = list(zip(np.geomspace(5e7, 2e9, 6), [4e9, 1e9, 2e10, 5e9, 1e11, 2e10], strict=True))
    runs = sweep_runs(
        scaling.published("besiroglu-2024").law, cells, rates=np.geomspace(2e-4, 9e-3, 12),
        batches=np.geomspace(3.2e4, 4e6, 8), noise=1e-3, seed=0,
    )  # fmt: skip
    best = scaling.best_of_sweep(runs)
    return scaling.plot.sweep(best, cell=2), best.notes[0]


def drawn_over_training(fit):
    usual = fit.runs[fit.runs["tokens"] <= 100 * fit.runs["params"]]
    laws = {"all runs": fit, "runs of up to 100": scaling.fit(scaling.laws.Chinchilla, usual)}
    largest = fit.runs.loc[fit.runs["compute"] > 4e12, "params"]
    found = {name: scaling.regret(law, 5e12, largest) for name, law in laws.items()}
    return scaling.plot.over_training(found, runs=fit.runs), found["runs of up to 100"].notes[0]


def drawn_vocabulary(fit):
    runs = scaling.datasets.load("sweep", rows="vocabulary")
    least = runs["loss_nats_per_byte"].min()
    return scaling.plot.vocabulary(runs), f"lowest loss per byte {least:.4f}"


def drawn_vocabulary_law(fit):
    answer = scaling.best_vocabulary(scaling.published("tao-2024"), [3e9, 13e9, 70e9])
    said = " ".join(f"{entries:.0f}" for entries in answer.table["vocab_size"])
    return scaling.plot.vocabulary(answer), f"best vocabularies {said}"


def best_size_ahead(law):
    return law.optimum(AHEAD / 6)["params"]


def drawn_profile(fit):
    found = scaling.profile(fit, best_size_ahead, name="best size at 5e13")
    return scaling.plot.profile(found), found.notes[0]


def drawn_contours(fit):
    found = scaling.profile(fit, ("B", "beta"))
    return scaling.plot.profile(found), found.notes[0]


def drawn_audit(fit):
    found = scaling.audit(fit, compute=AHEAD)
    return scaling.plot.audit(found), found.notes[1]


def test_other_choices_on_the_runs_of_hoffmann_2022(chinchilla_runs, chinchilla_runs_all):
    linear = scaling.LeastSquares(space="linear")
    choices = {
        "240 runs, `Huber(delta=0.001)` of log loss": (chinchilla_runs, None),
        "240 runs, `LeastSquares` of loss": (chinchilla_runs, linear),
        "245 runs, `Huber(delta=0.001)` of log loss": (chinchilla_runs_all, None),
    }
    rows = []
    for name, (runs, objective) in choices.items():
        fit = scaling.fit(scaling.laws.Chinchilla, runs, objective=objective, bootstrap=1000)
        row = scaling.compute_optimal(fit, 1e24, level=0.95).table.iloc[0]
        rows.append([name, f"{row['params'] / 1e9:.0f}B", f"{row['loss']:.3f}",
                     f"{row['loss_low']:.3f} to {row['loss_high']:.3f}"])  # fmt: skip
    page = DOCS / "questions" / "does_it_survive.md"
    header = ["fit", "best size", "loss", "95% interval"]
    check_part(page, "hoffmann", "\n" + table(header, rows))


def drawn_backtest(fit):
    laws = {"Chinchilla": fit, "Kaplan": scaling.laws.Kaplan, "ensemble": scaling.ensemble}
    found = scaling.backtest(laws, fit.runs)
    return scaling.plot.backtest(found), found.notes[0]


@pytest.fixture(scope="module")
def isoflop_tables(chinchilla_runs, data):
    """Public IsoFLOP tables: name, runs."""
    porian = pd.read_csv(data / "isoflop-porian" / "isoflop_points.csv")
    settings = porian.groupby(["hparams", "warmup", "decay", "param_count"], sort=False)
    return {
        "Hoffmann et al. 2022": chinchilla_runs,
        "Grattafiori et al. 2024": scaling.read_runs(
            data / "isoflop-llama3" / "isoflops_points.csv"),
        **{f"Porian et al. 2024, {'/'.join(setting)}": scaling.read_runs(runs)
           for setting, runs in settings},
    }  # fmt: skip


def scatter(runs, method):
    """The ratio that line-misfit tells; it is silent below two."""
    found = [
        one for one in scaling.isoflop(runs, method=method).issues if one.code == "line-misfit"
    ]
    return re.search(r"lie (\S+) times", found[0].message)[1] if found else "below 2"


def test_scatter_of_the_minima_of_public_tables(isoflop_tables):
    rows = [[name, scatter(runs, "parabola"), scatter(runs, "akima")]
            for name, runs in isoflop_tables.items()]  # fmt: skip
    page = DOCS / "questions" / "three_ways.md"
    check_part(page, "scatter", "\n" + table(["table", "parabola", "akima"], rows))


def three_ways(runs, fit):
    computes = [6e18 * 10 ** (i / 5) for i in range(27)]
    return {
        "IsoFLOP": scaling.isoflop(runs), "Chinchilla law": scaling.compute_optimal(fit, computes),
        "Hoffmann, approach 2": scaling.compute_optimal(
            scaling.published("hoffmann-2022-approach-2"), computes),
    }  # fmt: skip


@functools.cache
def two_recipes():
    """The recipes of which_recipe_wins.md, fitted together."""
    design = scaling.datasets.load("demo")[["params", "tokens"]]
    rng = np.random.default_rng(0)
    tables = []
    for name, E, A, B in (("old", 1.82, 482.0, 2085.0), ("new", 1.86, 470.0, 1500.0)):
        law = scaling.laws.Chinchilla(E=E, A=A, B=B, alpha=0.348, beta=0.366)
        loss = law.predict(design) * np.exp(rng.normal(0, 0.003, len(design)))
        tables.append(design.assign(loss=loss, recipe=name))
    runs = pd.concat(tables, ignore_index=True)
    return scaling.fit(scaling.laws.Chinchilla, runs, by="recipe", shared=("alpha", "beta"))


def drawn_crossover(fit):
    joint = two_recipes()
    found = scaling.crossover(joint["new"], joint["old"])
    return scaling.plot.crossover(found), found.notes[0]


def drawn_multiplier(fit):
    joint = two_recipes()
    computes = np.geomspace(1e19, 1e24, 21)
    found = scaling.compute_multiplier(joint["old"], joint["new"], computes)
    return scaling.plot.multiplier(found), found.notes[0]


def drawn_mixture(fit):
    """The answer of best_mixture.md, drawn by the call that the page shows."""
    names, page = {}, DOCS / "questions" / "best_mixture.md"
    for block in BLOCK.finditer(page.read_text(encoding="utf-8")):
        run_python(block[2], page.name, names)
        if "found" in names:
            break
    found = names["found"]
    says = ", ".join(f"{domain} {share:.4f}" for domain, share in found.shares.items())
    return scaling.plot.mixture(found, runs=names["largest"]), says


def drawn_three_ways(fit):
    curves = scaling.datasets.load("sweep_curves", rows="isoflop")
    ways = {
        "envelope of the curves": scaling.envelope(curves), "IsoFLOP": scaling.isoflop(fit.runs),
        "Chinchilla law": scaling.compute_optimal(fit, np.geomspace(6e10, AHEAD, 25)),
    }  # fmt: skip
    ax = scaling.plot.frontier(ways, column="tokens_per_param")
    return ax, ways["IsoFLOP"].notes[0]


def test_three_ways_on_the_runs_of_hoffmann_2022(chinchilla_runs):
    fit = scaling.fit(scaling.laws.Chinchilla, chinchilla_runs)
    ways = three_ways(chinchilla_runs, fit)
    rows = []
    for name, frontier in ways.items():
        found = frontier.exponents.loc["params"]
        ends = f"{found.low:.2f} to {found.high:.2f}" if frontier.kind != "none" else ".462 to .534"
        rows.append([name, f"{found.value:.3f}", ends])
    approach_3 = scaling.compute_optimal(scaling.published("hoffmann-2022"), [1e20, 1e22])
    value = approach_3.exponents.loc["params", "value"]
    rows.append(["Hoffmann, approach 3", f"{value:.3f}", ".454 to .455"])
    page = DOCS / "questions" / "three_ways.md"
    check_part(page, "chinchilla", "\n" + table(["way", "params ~ compute^", "interval"], rows))
    ax = scaling.plot.frontier(ways, column="tokens_per_param")
    path = DOCS / "images" / "chinchilla_three_ways.png"
    picture_says(path, ax, ways["IsoFLOP"].notes[0])


def drawn_epochs(fit):
    law = scaling.published("muennighoff-2023")
    computes = [10 ** (19 + i / 12) for i in range(61)]
    frontier = scaling.compute_optimal(law, computes, held={"unique_tokens": 25e9})
    last = frontier.table.iloc[-1]
    ax = scaling.plot.frontier(frontier, column="loss", colour="epochs")
    return ax, f"loss {last['loss']:.4f} after {last['epochs']:.1f} epochs"


def drawn_next_run(fit):
    made = scaling.ensemble(fit.runs)
    ahead = scaling.compute_optimal(made, np.geomspace(1e12, AHEAD, 30)).table
    answer = made.forecast(ahead[["params", "tokens"]])
    last = answer.table.iloc[-1]
    says = " ".join(f"{last[name]:.3f}" for name in ("loss", "loss_low", "loss_high", "plain_loss"))
    return scaling.plot.forecast(answer, runs=fit.runs), says


def drawn_shrink(fit):
    found = scaling.shrink(fit, 5e12)
    return scaling.plot.shrink(found), found.notes[0]


@functools.cache
def four_pools():
    """The pools of filter_or_keep.md, fitted together."""
    rng = np.random.default_rng(0)
    seen = np.geomspace(2e6, 5e8, 12)
    tables = []
    for name, b, tau in (
        ("best", 0.20, 3.0), ("good", 0.17, 4.0), ("fair", 0.14, 6.0), ("poor", 0.11, 8.0),
    ):  # fmt: skip
        law = scaling.laws.DataUtility(n0=5e5, b=b, tau=tau, d=0.1)
        error = law.predict(samples_seen=seen, pool_size=1.28e7)
        noisy = error * np.exp(rng.normal(0, 0.004, len(seen)))
        tables.append(pd.DataFrame(
            {"pool": name, "samples_seen": seen, "pool_size": 1.28e7, "error": noisy}))  # fmt: skip
    runs = pd.concat(tables, ignore_index=True)
    return scaling.fit(scaling.laws.DataUtility, runs, by="pool", shared=("n0", "d"))


def drawn_pools(fit):
    found = scaling.which_pools(four_pools(), [1e7, 3e7, 1e8, 3e8, 1e9])
    return scaling.plot.pools(found), found.notes[0]


def drawn_pruned(fit):
    """Both laws of pruned size, fitted below 200K samples and drawn beyond."""
    truth = scaling.laws.ExponentialDecay(e0=0.03, A=0.6, P0=1.2e5, s=0.9)
    kept = np.geomspace(1e4, 1e6, 30)
    noise = np.exp(np.random.default_rng(0).normal(0, 0.003, len(kept)))
    error = truth.predict(pruned_samples=kept)
    runs = pd.DataFrame({"pruned_samples": kept, "error": error * noise})
    below = runs[kept < 2e5]
    columns = {"x": "pruned_samples", "loss": "error"}
    fits = {
        "exponential": scaling.fit(scaling.laws.ExponentialDecay, below),
        "power law": scaling.fit(scaling.laws.PowerLawPlusConstant, below, columns=columns),
    }
    answers = {name: fit.forecast(pruned_samples=np.geomspace(1e4, 1e6, 60))
               for name, fit in fits.items()}  # fmt: skip
    ends = [f"{answer.table['error'].iloc[-1]:.3f}" for answer in answers.values()]
    return scaling.plot.forecast(answers, runs=runs), " ".join(ends)


@pytest.mark.parametrize(
    "draw",
    [
        drawn_pools,
        drawn_pruned,
        drawn_next_run,
        drawn_shrink,
        drawn_decision,
        drawn_frontier,
        drawn_epochs,
        drawn_fit,
        drawn_valleys,
        drawn_over_training,
        drawn_three_ways,
        drawn_mixture,
        drawn_crossover,
        drawn_multiplier,
        drawn_profile,
        drawn_contours,
        drawn_audit,
        drawn_backtest,
        drawn_sweep,
        drawn_vocabulary,
        drawn_vocabulary_law,
    ],
)
def test_picture_shows_what_its_description_says(sweep_fit, draw):
    path = DOCS / "images" / f"{draw.__name__.removeprefix('drawn_')}.png"
    picture_says(path, *draw(sweep_fit))


def picture_says(path, axes, says):
    """A picture of the pages carries the answer it shows as text inside its file."""
    if UPDATE:
        axes.figure.savefig(path, dpi=150, metadata={"Description": says})
    plt.close("all")
    drawn = re.search(rb"tEXtDescription\x00([ -~]+)", path.read_bytes())
    assert same(says, drawn[1].decode().split("IDAT")[0][: len(says)])


def test_citation_is_that_of_the_repository():
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    entry = dict(re.findall(r'^([a-z]+): "?(.*?)"?$', text, re.MULTILINE))
    author = re.search(r'- name: "(.*)"', text)[1]
    assert entry["version"] == scaling.__version__
    lines = [
        "@software{scaling_laws,", f"  title = {{{entry['title']}}},",
        f"  author = {{{{{author}}}}},", f"  version = {{{entry['version']}}},",
        f"  license = {{{entry['license']}}}", "}",
    ]  # fmt: skip
    check_part(DOCS / "cite.md", "bibtex", "\n".join(["", "```", *lines, "```", ""]))


def test_commands_for_a_fresh_machine_are_two():
    listed = re.findall(r"```sh\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)[:2]
    assert "scaling demo" in listed[0]
    assert "pytest" in listed[1]
    assert all(block.count("\n") == 1 for block in listed)

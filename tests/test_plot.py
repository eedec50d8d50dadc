"""Figures draw finished tables on the axes given and return them."""

import dataclasses
import itertools

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

mpl.use("Agg")
import matplotlib.pyplot as plt

import scaling
from scaling.laws import published


@pytest.fixture(scope="module")
def fit():
    return scaling.fit(scaling.laws.Chinchilla, scaling.datasets.load("demo"), bootstrap=50)


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def test_fit_draws_observed_against_predicted_and_each_input(fit):
    axes = scaling.plot.fit(fit)
    assert [ax.get_xlabel() for ax in axes] == ["observed loss (nats/token)", "params", "tokens"]
    points = axes[0].collections[0].get_offsets()
    np.testing.assert_allclose(points[:, 0], fit.runs["loss"])
    residual = axes[1].collections[0].get_offsets()[:, 1]
    np.testing.assert_allclose(residual, 100 * fit.residuals()["residual"])


def test_frontier_draws_line_and_band(fit):
    answer = scaling.compute_optimal(fit, np.geomspace(1e19, 1e24, 20))
    ax = scaling.plot.frontier(answer, runs=fit.runs)
    np.testing.assert_allclose(ax.lines[0].get_ydata(), answer.table["params"])
    assert len(ax.collections) == 2
    assert ax.get_xscale() == ax.get_yscale() == "log"


def test_isoflop_draws_runs_valleys_and_minima():
    found = scaling.isoflop(scaling.datasets.load("demo"))
    ax = scaling.plot.isoflop(found)
    runs = np.concatenate([c.get_offsets() for c in ax.collections if len(c.get_offsets()) == 7])
    np.testing.assert_allclose(runs[:, 1], found.points["loss"])
    labels = {text.get_text() for text in ax.texts}
    assert labels == {"6e18", "1e19", "3e19", "6e19", "1e20", "3e20", "6e20", "1e21", "3e21"}
    np.testing.assert_allclose(ax.lines[-1].get_ydata(), found.table["loss"])


def test_several_frontiers_are_overlaid_with_their_names(fit):
    found = scaling.isoflop(fit.runs)
    computes = np.geomspace(1e19, 1e24, 20)
    ax = scaling.plot.frontier({
        "IsoFLOP": found, "law": scaling.compute_optimal(fit, computes),
        "approach 2": scaling.compute_optimal(published("hoffmann-2022-approach-2"), computes),
    })  # fmt: skip
    assert {text.get_text() for text in ax.texts} == {"IsoFLOP", "law", "approach 2"}
    line = ax.lines[0]
    np.testing.assert_allclose(line.get_ydata(), found.at(line.get_xdata()).table["params"])
    assert len({(line.get_color(), line.get_linestyle()) for line in ax.lines}) >= 3


def test_frontiers_of_different_countings_are_refused(fit):
    kaplan = scaling.compute_optimal(published("kaplan-2020-size"), [1e20, 1e24])
    ours = scaling.compute_optimal(fit, [1e20, 1e24])
    with pytest.raises(scaling.ScalingError, match=r"ours counts params .* Kaplan counts params_n"):
        scaling.plot.frontier({"ours": ours, "Kaplan": kaplan})
    with pytest.raises(scaling.ScalingError, match="mapping from name to Frontier; got Fit"):
        scaling.plot.frontier({"ours": fit})


def test_surface_draws_runs_and_frontier(fit):
    frontier = scaling.compute_optimal(fit, np.geomspace(1e19, 1e23, 9))
    ax = scaling.plot.surface(fit, frontier=frontier)
    np.testing.assert_allclose(ax.lines[-1].get_ydata(), frontier.table["tokens"])
    shown = [c.get_offsets() for c in ax.collections if len(c.get_offsets()) == len(fit.runs)]
    np.testing.assert_allclose(shown[0][:, 0], fit.runs["params"])
    with pytest.raises(scaling.ScalingError, match="needs a law of params and tokens"):
        scaling.plot.surface(published("kaplan-2020-params"))
    with pytest.raises(scaling.ScalingError, match="Nothing says which params"):
        scaling.plot.surface(published("busbridge-2025"))


def test_regret_draws_sizes_and_band(fit):
    answer = scaling.regret(fit, 1e24)
    ax = scaling.plot.regret(answer)
    offsets = ax.collections[-1].get_offsets()
    np.testing.assert_allclose(offsets[:, 0], answer.table["params"])
    np.testing.assert_allclose(offsets[:, 1], answer.table["excess_mean"])
    assert ax.get_ylabel() == "mean excess loss"
    dashed = next(line for line in ax.lines if line.is_dashed())
    np.testing.assert_allclose(dashed.get_ydata(), answer.within)
    (name,) = [text for text in ax.texts if text.get_text() == "0.25%"]
    assert name.xy[1] == answer.within


def test_profile_draws_the_curve_its_threshold_and_both_intervals(fit):
    answer = scaling.profile(fit, "B", points=15)
    ax = scaling.plot.profile(answer)
    threshold, curve, best, resamples = ax.lines
    percent = 100 * (answer.threshold / answer.lowest - 1)
    np.testing.assert_allclose(threshold.get_ydata(), percent)
    shown = np.isin(answer.curve["B"], curve.get_xdata())
    np.testing.assert_allclose(curve.get_ydata(), 100 * answer.curve["rise"][shown] / answer.lowest)
    assert best.get_xdata()[0] == answer.table.loc[0, "value"]
    low, high = answer.table.loc[1, ["value_low", "value_high"]]
    ends = ax.get_xlim()
    np.testing.assert_allclose(resamples.get_xdata(), [low, high])
    assert ends[0] <= low < high <= ends[1]
    patch = ax.patches[0]
    box = patch.get_path().get_extents(patch.get_patch_transform())
    low, high = answer.table.loc[0, ["value_low", "value_high"]]
    assert (box.x0, box.x1) == pytest.approx((low, high))
    assert ax.get_xscale() == "log"
    assert ax.get_xlabel() == "B"


def test_profile_with_an_open_end_says_so(fit):
    runs = fit.runs.assign(loss=40 * fit.runs["params"] ** -0.15)
    runs["loss"] *= np.exp(np.random.default_rng(0).normal(0, 3e-3, len(runs)))
    answer = scaling.profile(scaling.fit(scaling.laws.Chinchilla, runs, bootstrap=0), "beta")
    words = " ".join(text.get_text() for text in scaling.plot.profile(answer).texts)
    assert "(no end)" in words or "(above 0)" in words


def test_profile_of_runs_without_noise_is_drawn(fit):
    runs = fit.runs.assign(loss=published("besiroglu-2024").law.predict(fit.runs))
    exact = scaling.fit(scaling.laws.Chinchilla, runs, bootstrap=0)
    for what in ("alpha", ("A", "alpha")):
        ax = scaling.plot.profile(scaling.profile(exact, what, points=5))
        ax.figure.canvas.draw()


def test_contours_draw_both_levels_the_best_and_the_resamples(fit):
    answer = scaling.profile(fit, ("E", "alpha"), points=11)
    ax = scaling.plot.profile(answer)
    ax.figure.canvas.draw()
    assert [text.get_text() for text in ax.texts] == ["50%", "90%"]
    np.testing.assert_allclose(ax.collections[-1].get_offsets(), answer.drawn)
    assert ax.lines[0].get_xydata()[0] == pytest.approx([fit.law.E, fit.law.alpha])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("E (nats/token)", "alpha")


def test_pairs_draw_every_two_coefficients(fit):
    panels = scaling.plot.pairs(fit)
    assert [ax.get_xlabel() for ax in panels[-1]] == ["E", "A", "B", "alpha", "beta"]
    offsets = panels[3][1].collections[0].get_offsets()
    np.testing.assert_allclose(offsets[:, 0], np.ravel(fit.draws.A))
    np.testing.assert_allclose(offsets[:, 1], np.ravel(fit.draws.alpha))
    assert panels[3][1].get_xscale() == "log"
    assert panels[3][1].get_yscale() == "linear"
    assert not panels[0][1].axison
    _, axes = plt.subplots(2, 2)
    given = scaling.plot.pairs(fit, coefficients=["E", "beta"], axes=axes)
    assert given[1][0] is axes[1, 0]


def test_pairs_refuse_what_they_cannot_draw(fit):
    plain = scaling.fit(scaling.laws.Chinchilla, fit.runs, bootstrap=0)
    with pytest.raises(scaling.ScalingError, match="no resamples to draw"):
        scaling.plot.pairs(plain)
    with pytest.raises(scaling.ScalingError, match="two or more of E, A, B"):
        scaling.plot.pairs(fit, coefficients=["E", "N"])
    with pytest.raises(scaling.ScalingError, match="5 by 5 matplotlib Axes"):
        scaling.plot.pairs(fit, axes=plt.subplots()[1])


def test_figures_use_the_axes_given(fit):
    _, axes = plt.subplots(1, 3)
    assert scaling.plot.fit(fit, axes=axes) == list(axes)
    _, ax = plt.subplots()
    assert scaling.plot.regret(scaling.regret(published("besiroglu-2024"), 1e24), ax=ax) is ax
    assert scaling.plot.frontier(scaling.compute_optimal(fit, 1e22), column="loss", ax=ax) is ax


def test_figures_refuse_what_they_cannot_draw_on(fit):
    with pytest.raises(scaling.ScalingError, match="must be 3 matplotlib Axes"):
        scaling.plot.fit(fit, axes=[plt.subplots()[1]])
    with pytest.raises(scaling.ScalingError, match="ax must be matplotlib Axes"):
        scaling.plot.regret(scaling.regret(fit, 1e24), ax="here")
    with pytest.raises(scaling.ScalingError, match="column must be one of"):
        scaling.plot.frontier(scaling.compute_optimal(fit, 1e24), column="colour")


PAPER, NOTEBOOK = (3.3, 2.5), (5.2, 3.6)
INK_TOUCHES = 1.5  # points by which two texts' boxes may overlap, which hold more than their ink


def mixture_of(count):
    """Best mixture of so many domains, each of which a validation set is like."""
    names = ("github", "common_crawl", "books", "papers", "chat", "wiki")[:count]
    family = scaling.laws.data_mixing(names)
    runs = pd.DataFrame(np.random.default_rng(0).dirichlet(np.full(count, 3.0), 8 * count),
                        columns=family.inputs)  # fmt: skip
    stream, fits = np.random.default_rng(1), {}
    for name in names:
        law = family(c=2.0, **{f"k_{one}": 0.1 if one == name else 1.0 for one in names})
        loss = law.predict(runs) * np.exp(stream.normal(0, 0.003, len(runs)))
        fits[name] = scaling.fit(family, runs.assign(loss=loss))
    return scaling.best_mixture(fits), runs


@pytest.fixture(scope="module")
def answers(fit):
    computes = np.geomspace(6e18, 1e24, 9)
    optimal = scaling.compute_optimal(fit, computes)
    isoflop = scaling.isoflop(fit.runs)
    approach_2 = scaling.compute_optimal(published("hoffmann-2022-approach-2"), computes)
    return {
        "fit": fit, "optimal": optimal, "isoflop": isoflop, "regret": scaling.regret(fit, 1e24),
        "ways": {"IsoFLOP": isoflop, "Chinchilla law": optimal, "Hoffmann, approach 2": approach_2},
        "line": scaling.profile(fit, "B"), "share": scaling.profile(fit, "alpha"),
        "contours": scaling.profile(fit, ("E", "alpha")),
        "valley": scaling.profile(fit, ("B", "beta")),
        "mixtures": {count: mixture_of(count) for count in (2, 3, 6)},
    }  # fmt: skip


FIGURES = {
    "isoflop": lambda made, ax: scaling.plot.isoflop(made["isoflop"], ax=ax),
    "frontier": lambda made, ax: scaling.plot.frontier(
        made["optimal"], runs=made["fit"].runs, ax=ax),
    "loss": lambda made, ax: scaling.plot.frontier(made["optimal"], column="loss", ax=ax),
    "points": lambda made, ax: scaling.plot.frontier(made["isoflop"], ax=ax),
    "ways": lambda made, ax: scaling.plot.frontier(made["ways"], ax=ax),
    "ratio": lambda made, ax: scaling.plot.frontier(
        made["ways"], column="tokens_per_param", ax=ax),
    "regret": lambda made, ax: scaling.plot.regret(made["regret"], ax=ax),
    "surface": lambda made, ax: scaling.plot.surface(
        made["fit"], frontier=made["optimal"], ax=ax),
    "line": lambda made, ax: scaling.plot.profile(made["line"], ax=ax),
    "share": lambda made, ax: scaling.plot.profile(made["share"], ax=ax),
    "contours": lambda made, ax: scaling.plot.profile(made["contours"], ax=ax),
    "valley": lambda made, ax: scaling.plot.profile(made["valley"], ax=ax),
}  # fmt: skip


def tick_labels(axis):
    """Labels of the ticks in view, in their order."""
    low, high = sorted(axis.get_view_interval())
    shown = [tick for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
    texts = [tick.label1 for tick in sorted(shown, key=lambda tick: tick.get_loc())]
    return [text for text in texts if text.get_visible() and text.get_text()]


def assert_readable(figure):
    """Every text lies in the figure, and none on another of its kind."""
    figure.draw_without_rendering()
    point = figure.dpi / 72
    for ax in figure.axes:
        if not ax.axison and not ax.texts:
            continue
        notes = [text for text in [*ax.texts, ax.title, ax._left_title] if text.get_text()]
        along = [tick_labels(axis) for axis in (ax.xaxis, ax.yaxis)] if ax.axison else []
        for text in [*notes, *(label for labels in along for label in labels)]:
            box = text.get_window_extent()
            inside = figure.bbox.padded(point)
            assert inside.contains(box.x0, box.y0), text.get_text()
            assert inside.contains(box.x1, box.y1), text.get_text()
        for i, first in enumerate(notes):
            for second in notes[:i]:
                boxes = [one.get_window_extent().padded(-INK_TOUCHES * point / 2)
                         for one in (first, second)]  # fmt: skip
                assert not boxes[0].overlaps(boxes[1]), (first.get_text(), second.get_text())
        for labels in along:
            for first, second in itertools.pairwise(labels):
                if first.get_rotation():
                    apart = np.hypot(*(np.array(first.get_window_extent().p1)
                                       - second.get_window_extent().p1))  # fmt: skip
                    assert apart >= first.get_fontsize() * point
                else:
                    assert not first.get_window_extent().overlaps(second.get_window_extent())


@pytest.mark.parametrize("size", [PAPER, NOTEBOOK], ids=["paper", "notebook"])
@pytest.mark.parametrize("name", FIGURES)
def test_texts_of_a_figure_can_be_read_at_the_size_of(answers, name, size):
    figure, ax = plt.subplots(figsize=size, layout="constrained")
    FIGURES[name](answers, ax)
    assert_readable(figure)
    for axis in (ax.xaxis, ax.yaxis):
        assert len(tick_labels(axis)) >= 2


@pytest.mark.parametrize("size", [PAPER, NOTEBOOK], ids=["paper", "notebook"])
@pytest.mark.parametrize("count", [2, 3, 6])
def test_texts_of_mixtures_can_be_read(answers, count, size):
    figure, ax = plt.subplots(figsize=size, layout="constrained")
    found, runs = answers["mixtures"][count]
    scaling.plot.mixture(found, runs=runs, ax=ax)
    assert_readable(figure)


@pytest.mark.parametrize("size", [PAPER, NOTEBOOK], ids=["paper", "notebook"])
def test_texts_of_the_published_sweeps_can_be_read(chinchilla_runs, data, size):
    llama = scaling.read_runs(data / "isoflop-llama3" / "isoflops_points.csv")
    for runs in (chinchilla_runs, llama):
        made = {"isoflop": scaling.isoflop(runs)}
        made["fit"] = scaling.fit(scaling.laws.Chinchilla, runs, bootstrap=20)
        made["optimal"] = scaling.compute_optimal(made["fit"], np.geomspace(6e18, 1e24, 9))
        made["regret"] = scaling.regret(made["fit"], 1e24)
        made["line"] = scaling.profile(made["fit"], "B", points=15)
        made["ways"] = {"IsoFLOP": made["isoflop"], "Chinchilla law": made["optimal"]}
        for name in ("isoflop", "points", "frontier", "ways", "ratio", "regret", "surface", "line"):
            figure, ax = plt.subplots(figsize=size, layout="constrained")
            FIGURES[name](made, ax)
            assert_readable(figure)


@pytest.mark.parametrize("size", [PAPER, NOTEBOOK], ids=["paper", "notebook"])
def test_texts_of_figures_with_several_panels_can_be_read(fit, size):
    figure, axes = plt.subplots(1, 3, figsize=(3 * size[0], size[1]), layout="constrained")
    scaling.plot.fit(fit, axes=axes)
    assert_readable(figure)
    figure, axes = plt.subplots(2, 2, figsize=size, layout="constrained")
    scaling.plot.pairs(fit, coefficients=["A", "alpha"], axes=axes)
    assert_readable(figure)
    assert_readable(scaling.plot.pairs(fit)[0][0].figure)


@pytest.mark.parametrize("size", [PAPER, NOTEBOOK], ids=["paper", "notebook"])
def test_labels_of_valleys_lie_off_the_valleys(answers, size):
    figure, ax = plt.subplots(figsize=size, layout="constrained")
    scaling.plot.isoflop(answers["isoflop"], ax=ax)
    figure.draw_without_rendering()
    curves = answers["isoflop"].curves
    places = ax.transData.transform(curves[["params", "loss"]])
    for text in ax.texts:
        box = text.get_window_extent()
        assert not any(box.contains(*place) for place in places), text.get_text()


def test_numbers_on_contours_are_levels_at_their_loss(fit):
    frontier = scaling.compute_optimal(fit, np.geomspace(1e19, 1e23, 9))
    ax = scaling.plot.surface(fit, frontier=frontier)
    numbers = [text for text in ax.texts if text.get_text() != "compute-optimal"]
    assert len(numbers) >= 5
    for text in numbers:
        level, (params, tokens) = float(text.get_text()), text.xy
        assert level == pytest.approx(round(level, 1), abs=1e-9)
        reached = fit.law.predict({"params": [params], "tokens": [tokens]})
        assert float(reached[0]) == pytest.approx(level, abs=2e-3)


def test_profile_over_less_than_a_factor_of_two_has_three_ticks(answers):
    for size in (PAPER, NOTEBOOK):
        figure, ax = plt.subplots(figsize=size, layout="constrained")
        scaling.plot.profile(answers["line"], ax=ax)
        for ends in ((1300.0, 2400.0), (1010.0, 1990.0), (2100.0, 3900.0)):
            ax.set_xlim(*ends)
            figure.draw_without_rendering()
            inside = [tick for tick in ax.get_xticks() if ends[0] <= tick <= ends[1]]
            assert len(inside) >= 3


def test_profile_marks_resamples_beyond_the_axis(answers):
    narrow, table = answers["share"], answers["share"].table.copy()
    table.loc[1, ["value_low", "value_high"]] = [0.01, np.inf]
    ax = scaling.plot.profile(dataclasses.replace(narrow, table=table))
    arrows = [line for line in ax.lines if line.get_marker() in ("<", ">")]
    assert [line.get_xdata()[0] for line in arrows] == pytest.approx(list(ax.get_xlim()))


def test_figures_refuse_what_another_question_answers(answers):
    fit, plot = answers["fit"], scaling.plot
    wrong = [
        (plot.isoflop, answers["optimal"], "plot.isoflop needs IsoFLOP; got Frontier"),
        (plot.profile, fit, "plot.profile needs Profile; got Fit"),
        (plot.regret, fit, "plot.regret needs Regret; got Fit"),
        (plot.pairs, fit.law, "plot.pairs needs Fit; got Chinchilla"),
        (plot.fit, fit.law, "plot.fit needs Fit; got Chinchilla"),
        (plot.surface, "x", "plot.surface draws a fit, a published law or a law; got str"),
        (plot.frontier, fit, "plot.frontier needs a Frontier or a mapping .* got Fit"),
        (plot.frontier, {}, "got an empty mapping"),
    ]  # fmt: skip
    for draw, value, says in wrong:
        with pytest.raises(scaling.ScalingError, match=says):
            draw(value)
    with pytest.raises(scaling.ScalingError, match=r"surface\(frontier=\) needs Frontier; got str"):
        plot.surface(fit, frontier="x")
    with pytest.raises(scaling.ScalingError, match=r"held must be a mapping .* got int"):
        plot.surface(fit, held=3)
    with pytest.raises(scaling.ScalingError, match="coefficients must be a list of names; got int"):
        plot.pairs(fit, coefficients=3)


def test_figures_say_which_column_of_the_runs_they_lack(answers):
    fit, optimal = answers["fit"], answers["optimal"]
    with pytest.raises(scaling.ColumnError, match=r"compute and params.* Add compute,"):
        scaling.plot.frontier(optimal, runs=fit.runs.drop(columns="compute"))
    with pytest.raises(scaling.ColumnError, match=r"compute and tokens_per_param.*Add tokens_per"):
        scaling.plot.frontier(optimal, column="tokens_per_param", runs=fit.runs)
    with pytest.raises(scaling.ColumnError, match=r"params and tokens.* Add params,"):
        scaling.plot.surface(fit, runs=fit.runs.drop(columns="params"))


def test_frontier_draws_a_loss_of_another_name(fit):
    runs = fit.runs.rename(columns={"loss": "c4"})
    found = scaling.isoflop(runs, columns={"loss": "c4"}, n=20)
    ax = scaling.plot.frontier(found, column="c4")
    np.testing.assert_allclose(ax.lines[0].get_ydata(), found.table["c4"])
    assert ax.get_yscale() == "linear"


def test_surface_and_frontier_must_count_alike(fit):
    kaplan = scaling.compute_optimal(published("kaplan-2020-size"), [1e20, 1e24])
    with pytest.raises(scaling.ScalingError, match=r"counts params .* counts params_non_embedding"):
        scaling.plot.surface(fit, frontier=kaplan)


def test_budgets_stay_in_order_in_greyscale(answers):
    ax = scaling.plot.isoflop(answers["isoflop"])
    grid = len(answers["isoflop"].curves) // len(answers["isoflop"].table)
    valleys = [line for line in ax.lines if len(line.get_xdata()) == grid]
    grey = [np.dot(mpl.colors.to_rgb(line.get_color()), (0.299, 0.587, 0.114)) for line in valleys]
    assert len(grey) == 9
    assert (np.diff(grey) > 0.02).all()
    assert grey[-1] < 0.65


def test_one_size_and_one_compute_are_drawn_in_their_surroundings(fit):
    ax = scaling.plot.regret(scaling.regret(fit, 1e24, ["70B"]))
    assert_readable(ax.figure)
    assert "70B" in [text.get_text() for text in ax.texts]
    assert ax.get_ylim()[1] > 0.0025
    low, high = ax.get_xlim()
    assert low < 70e9 / 2 < 70e9 * 2 < high
    ax = scaling.plot.frontier(scaling.compute_optimal(fit, 1e24))
    assert_readable(ax.figure)
    low, high = ax.get_xlim()
    assert low < 1e24 / 5 < 1e24 * 5 < high


@pytest.mark.parametrize("points", [[0.3, 0.35, 0.4], [0.3, 0.4], [0.2, 0.5], 5])
def test_profiles_of_any_points_are_drawn(fit, points):
    ax = scaling.plot.profile(scaling.profile(fit, "alpha", points=points))
    ax.figure.draw_without_rendering()
    low, high = ax.get_xlim()
    assert low < fit.law.alpha < high


@pytest.mark.parametrize("points", [[], [0.3], ["a", "b"], [[0.3, 0.4]], [0.3, np.nan]])
def test_points_that_are_no_values_are_one_sentence(fit, points):
    with pytest.raises(scaling.FitError, match="points must be"):
        scaling.profile(fit, "alpha", points=points)


def drawn_bars(ax):
    return [bar for container in ax.containers for bar in container]


@pytest.mark.parametrize("width", [3.3, 5.2])
def test_audit_draws_a_bar_from_the_answer_to_each_choice(fit, width):
    audit = scaling.audit(fit, compute=1e24)
    figure, ax = plt.subplots(figsize=(width, 5), layout="constrained")
    assert scaling.plot.audit(audit, ax=ax) is ax
    base, rest = audit.table.iloc[0], audit.table.iloc[1:]
    order = rest["shift"].abs().sort_values(ascending=False, kind="stable").index[:20]
    most = rest.loc[order]
    bars = drawn_bars(ax)
    np.testing.assert_allclose([bar.get_x() + bar.get_width() for bar in bars], most["value"])
    np.testing.assert_allclose([bar.get_x() for bar in bars], base["value"])
    heights = [bar.get_y() for bar in bars]
    assert heights == sorted(heights, reverse=True)
    named = dict(zip(ax.get_yticks(), [t.get_text() for t in ax.get_yticklabels()], strict=True))
    assert [named[height + bars[0].get_height() / 2] for height in heights] == [
        words.partition(", ")[0] for words in most["choice"]
    ]
    band = ax.patches[0].get_extents().transformed(ax.transData.inverted())
    np.testing.assert_allclose([band.x0, band.x1], [base["value_low"], base["value_high"]])
    figure.draw_without_rendering()
    inside = figure.bbox
    for text in [*ax.texts, *ax.get_yticklabels(), ax.title, ax.xaxis.label,
                 *ax.get_legend().get_texts()]:  # fmt: skip
        box = text.get_window_extent()
        assert box.x0 >= inside.x0 - 1
        assert box.x1 <= inside.x1 + 1


def test_long_names_of_choices_keep_their_words_in_a_narrow_figure(fit):
    audit = scaling.audit(fit, compute=1e24)
    table = audit.table.copy()
    most = table.iloc[1:]["shift"].abs().sort_values(ascending=False, kind="stable").index
    table.loc[most[0], "choice"] = "without the highest tokens_per_parameter_seen fifth"
    table.loc[most[1], "choice"] = f"without run {'x' * 60}-seed1"
    figure, ax = plt.subplots(figsize=(3.3, 5), layout="constrained")
    scaling.plot.audit(dataclasses.replace(audit, table=table), ax=ax)
    figure.draw_without_rendering()
    whole, cut = ax.get_yticklabels()[:2]
    assert whole.get_text().split() == table.loc[most[0], "choice"].split()
    assert cut.get_text().startswith("without run\nxxx")
    assert cut.get_text().endswith("-seed1")
    boxes = [text.get_window_extent() for text in ax.get_yticklabels()]
    assert min(box.x0 for box in boxes) >= figure.bbox.x0 - 1
    assert max(box.width for box in boxes) <= 0.5 * figure.bbox.width
    for above, below in itertools.pairwise(boxes):
        assert above.y0 >= below.y1 - 1


def test_audit_colours_what_lies_outside_and_leaves_what_does_not_count_hollow(fit):
    audit = scaling.audit(fit, compute=1e24)
    table = audit.table.copy()
    table.loc[3, "outside"] = True
    table.loc[4, "counted"] = False
    ax = scaling.plot.audit(dataclasses.replace(audit, table=table))
    colours = {
        words: bar.get_facecolor()
        for words, bar in zip(
            table.iloc[1:].assign(size=table["shift"].abs()).sort_values(
                "size", ascending=False, kind="stable")["choice"], drawn_bars(ax), strict=False)
    }  # fmt: skip
    plain = mpl.colors.to_rgba(scaling.plot.style.MAIN)
    for words, colour in colours.items():
        row = table.set_index("choice").loc[words]
        wanted = (0, 0, 0, 0) if not row["counted"] else (
            mpl.colors.to_rgba(scaling.plot.style.SECOND) if row["outside"] else plain)  # fmt: skip
        assert colour == wanted
    assert len(set(colours.values())) > 1
    with pytest.raises(scaling.ScalingError, match=r"plot.audit needs Audit; got Fit"):
        scaling.plot.audit(fit)


def test_an_audit_without_resamples_has_no_band(fit):
    bare = scaling.fit(scaling.laws.Chinchilla, fit.runs.iloc[::4], bootstrap=0)
    ax = scaling.plot.audit(scaling.audit(bare, "E"))
    assert len(ax.patches) == len(drawn_bars(ax))

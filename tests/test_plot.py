"""Figures draw finished tables on the axes given and return them."""

import matplotlib as mpl
import numpy as np
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


def test_regret_draws_sizes_and_band(fit):
    answer = scaling.regret(fit, 1e24)
    ax = scaling.plot.regret(answer)
    offsets = ax.collections[-1].get_offsets()
    np.testing.assert_allclose(offsets[:, 0], answer.table["params"])
    np.testing.assert_allclose(offsets[:, 1], answer.table["excess_mean"])


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

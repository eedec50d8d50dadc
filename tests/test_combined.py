"""Laws made of laws, against what their parts predict."""

import pickle

import numpy as np
import pytest

import scaling
from scaling.laws import Chinchilla, CoupledChinchilla, PowerLaw
from scaling.laws.combined import averaged, drifting, product_of

N, D = np.array([1e8, 7e10, 3e9]), np.array([2e10, 1.4e12, 1e9])
ONE = scaling.published("besiroglu-2024").law
TWO = CoupledChinchilla(E=1.5, A=300.0, B=900.0, alpha=0.5, beta=0.45, gamma=0.7)
MEAN = averaged(Chinchilla, CoupledChinchilla)(
    **{f"{name}_1": value for name, value in ONE.values.items()},
    **{f"{name}_2": value for name, value in TWO.values.items()}, weight_1=0.25, weight_2=0.75,
)  # fmt: skip
DRIFTED = drifting(Chinchilla)(**ONE.values, drift=0.02, reach=1e20)


def test_mean_is_the_weighted_geometric_mean():
    wanted = ONE.predict(params=N, tokens=D) ** 0.25 * TWO.predict(params=N, tokens=D) ** 0.75
    np.testing.assert_allclose(MEAN.predict(params=N, tokens=D), wanted, rtol=1e-13)


def test_drift_is_a_power_of_compute_beyond_the_reach_only():
    wanted = ONE.predict(params=N, tokens=D) * np.maximum(N * D / 1e20, 1) ** 0.02
    np.testing.assert_allclose(DRIFTED.predict(params=N, tokens=D), wanted, rtol=1e-13)
    assert set(N * D < 1e20) == {True, False}


def test_product_is_of_params_and_tokens_where_both_are_inputs():
    assert product_of(PowerLaw, (3.0,)) == 3.0
    three = type("Three", (Chinchilla,), {"inputs": ("experts", "params", "tokens")})
    assert product_of(three, (8.0, 2.0, 5.0)) == 10.0


@pytest.mark.parametrize("law", [MEAN, DRIFTED], ids=["mean", "drifting"])
def test_slopes_are_those_of_differences(law):
    slopes = law.gradient(N, D)
    for name, value in law.values.items():
        step = 1e-6 * max(abs(float(value)), 1e-3)
        up, down = (type(law).unchecked({**law.values, name: value + sign * step}).formula(N, D)
                    for sign in (1, -1))  # fmt: skip
        wanted = (up - down) / (2 * step)
        found = np.broadcast_to(slopes[name], N.shape)
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("law", [MEAN, DRIFTED], ids=["mean", "drifting"])
def test_pickles_and_is_one_family_however_often_it_is_made(law):
    again = pickle.loads(pickle.dumps(law))
    assert type(again) is type(law)
    assert again.values == law.values
    assert averaged(Chinchilla, CoupledChinchilla) is type(MEAN)


def test_drift_does_not_move_the_best_size():
    best = [scaling.compute_optimal(law, [1e20, 1e24]).table["params"] for law in (ONE, DRIFTED)]
    np.testing.assert_allclose(best[0], best[1], rtol=1e-12)
    numeric = scaling.compute_optimal(DRIFTED, [1e20, 1e24], method="numeric").table["params"]
    np.testing.assert_allclose(numeric, best[0], rtol=1e-6)


def alone(chosen):
    """Draws of the mean that are one member each."""
    k = len(chosen)
    values = {name: np.full((k, 1), float(value)) for name, value in MEAN.values.items()}
    values["E_1"] = np.linspace(1.7, 1.9, k)[:, None]
    values["weight_1"] = (chosen == 0).astype(float)[:, None]
    values["weight_2"] = (chosen == 1).astype(float)[:, None]
    return type(MEAN).unchecked(values)


@pytest.mark.parametrize("shape", [(3,), (1, 3), (5, 3), (2, 5, 3), (2, 1, 3)])
def test_draws_that_are_one_member_are_what_the_weighted_mean_says(shape):
    chosen = np.array([0, 1, 1, 0, 1])
    draws = alone(chosen)
    sizes = np.broadcast_to(N, shape) * np.linspace(1, 2, int(np.prod(shape))).reshape(shape)
    tokens = np.broadcast_to(D, shape)
    one = Chinchilla.unchecked({n: draws.values[f"{n}_1"] for n in Chinchilla.coefficients})
    two = CoupledChinchilla.unchecked(
        {n: draws.values[f"{n}_2"] for n in CoupledChinchilla.coefficients}
    )
    wanted = np.where(chosen[:, None] == 0, one.formula(sizes, tokens), two.formula(sizes, tokens))
    np.testing.assert_allclose(draws.formula(sizes, tokens), wanted, rtol=1e-14)


def test_best_size_of_draws_that_are_one_member_is_that_of_a_search():
    made = scaling.ensemble(scaling.datasets.load("demo"), bootstrap=10)
    computes = [1e20, 1e24]
    ways = [scaling.compute_optimal(made, computes, method=m).table for m in (None, "numeric")]
    for name in ("params", "params_low", "params_high", "loss_low", "loss_high"):
        np.testing.assert_allclose(ways[0][name], ways[1][name], rtol=1e-4)

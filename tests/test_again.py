"""A fit made once more is the fit that its own arguments make."""

import numpy as np
import pytest

import scaling
from scaling.fitting.again import refit
from scaling.laws import Chinchilla

RUNS = scaling.datasets.load("demo")


@pytest.mark.parametrize("options", [
    {}, {"tied": {"beta": "alpha"}, "bootstrap": 20}, {"fixed": {"E": 1.8}},
    {"bounds": {"alpha": (0.1, 0.3)}, "objective": scaling.LeastSquares()},
    {"noise": 0.003, "seed": 3}, {"groups": "params", "bootstrap": 30},
])  # fmt: skip
def test_again_without_changes_is_the_same_fit(options):
    known = scaling.fit(Chinchilla, RUNS, **options)
    again = refit(known)
    assert again.law.values == known.law.values
    assert (again.draws_kind, again.noise) == (known.draws_kind, known.noise)
    for name, drawn in known.draws.values.items():
        np.testing.assert_array_equal(drawn, again.draws.values[name])


def test_again_on_some_runs_with_a_change_is_what_fit_makes_of_them():
    known = scaling.fit(Chinchilla, RUNS, tied={"beta": "alpha"}, bootstrap=0)
    some = RUNS.iloc[::2]
    again = refit(known, some, objective=scaling.LeastAbsolute())
    made = scaling.fit(
        Chinchilla, some, tied={"beta": "alpha"}, objective=scaling.LeastAbsolute(), bootstrap=0
    )
    assert again.law.values == made.law.values


def test_weights_given_by_hand_follow_on_the_same_runs_only():
    weights = np.linspace(1, 2, len(RUNS))
    known = scaling.fit(Chinchilla, RUNS, weights=weights, bootstrap=0)
    assert refit(known).law.values == known.law.values
    with pytest.raises(scaling.FitError, match="weights of this fit were given by hand"):
        refit(known, RUNS.iloc[:50])
    assert refit(known, RUNS.iloc[:50], weights=weights[:50]).data.count == 50

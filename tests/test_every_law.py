"""One suite for all families, and for a law that a user writes in a notebook."""

import inspect
import pickle

import numpy as np
import pytest

import scaling
from scaling.laws import FACTORIES, FAMILIES, Coef, Law, coef, published, published_names
from scaling.testing import check_law, draw_law, draw_points

ALL = {**FAMILIES, **{name: make() for name, make in FACTORIES.items()}}


@pytest.mark.parametrize("family", ALL.values(), ids=list(ALL))
@pytest.mark.parametrize("seed", [0, 100])
def test_family_conforms(family, seed):
    report = check_law(family, seed=seed)
    assert report["passed"].all(), report[~report["passed"]].to_string()


@pytest.mark.parametrize("family", FAMILIES.values(), ids=list(FAMILIES))
def test_family_is_one_short_file(family):
    lines = inspect.getsource(family).splitlines()
    assert len([line for line in lines if line.strip()]) < 40


EQUAL = [(name, other) for name, family in FAMILIES.items() for other in family.equals]


@pytest.mark.parametrize(("name", "other"), EQUAL, ids=[" is ".join(pair) for pair in EQUAL])
def test_family_is_the_one_that_it_says_it_equals(name, other):
    """Fitted to the other's noise-free losses, with its coefficients tied so, it gives them."""
    family, like = FAMILIES[name], FAMILIES[other]
    values = draw_law(like, 0).values
    ties = family.equals[other]
    law = like(**{**values, **{one: values[same] for one, same in ties.items()}})
    points = draw_points(like, 0, 60)
    points[law.target] = law.predict(points)
    fit = scaling.fit(family, points, objective=scaling.LeastSquares(), bootstrap=0)
    assert np.abs(fit.residuals()["residual"]).max() < 1e-6
    assert len(family.coefficients) == len(like.coefficients) - len(ties)


@pytest.mark.parametrize("make", FACTORIES.values(), ids=list(FACTORIES))
def test_factory_gives_one_class_that_pickle_finds_again(make):
    assert make() is make()
    law = draw_law(make(), 0)
    copy = pickle.loads(pickle.dumps(law))
    assert type(copy) is make()
    assert copy.values == law.values


@pytest.mark.parametrize("name", published_names())
def test_published_law_lies_in_its_typical_ranges_and_says_where_it_is_from(name):
    preset = published(name)
    assert preset.source
    assert preset.evidence
    for coefficient, declared in preset.law.coefficients.items():
        low, high = declared.typical
        assert low <= preset.law.values[coefficient] <= high, coefficient
    assert set(preset.columns) == {*preset.law.inputs, preset.law.target}
    assert set(preset.units) == set(preset.columns)


class Saturating(Law):
    r"""Loss in tokens that a user wrote, with nothing but its formula.

    .. math:: L(D) = E + A / (1 + D / D_0)^{b}
    """

    inputs = ("tokens",)
    source = "a test"

    E: Coef = coef("floor", typical=(0.1, 5))
    A: Coef = coef("height", typical=(0.1, 50))
    D0: Coef = coef("knee", typical=(1e6, 1e12))
    b: Coef = coef("exponent", typical=(0.05, 1))

    def formula(self, D):
        return self.E + self.A / (1 + D / self.D0) ** self.b


def test_own_law_conforms_with_nothing_else_written():
    report = check_law(Saturating)
    assert report["passed"].all(), report[~report["passed"]].to_string()


def test_own_law_is_fitted_saved_and_loaded(tmp_path):
    truth = Saturating(E=1.7, A=4.0, D0=1e9, b=0.4)
    tokens = np.geomspace(1e7, 1e13, 30)
    runs = {"tokens": tokens, "loss": truth.predict(tokens=tokens)}
    fit = scaling.fit(Saturating, runs, bootstrap=20)
    assert fit.forecast(tokens=1e14).table["loss"][0] == pytest.approx(
        float(truth.predict(tokens=1e14)), rel=1e-4
    )
    path = scaling.save(fit, tmp_path / "own.json")
    with pytest.raises(scaling.ScalingError, match="family=Saturating"):
        scaling.load(path)
    assert scaling.load(path, family=Saturating).law.values == fit.law.values


def test_check_law_finds_what_is_wrong():
    class Wrong(Law):
        inputs = ("params", "tokens")
        A: Coef = coef("prefactor", typical=(1, 10))
        b: Coef = coef("exponent", typical=(0.1, 0.5))

        def formula(self, N, D):
            return self.A * N**-self.b + D**-self.b

        def gradient(self, N, D):
            return {"A": N**-self.b, "b": -self.A * N**-self.b * np.log(N)}

        def optimum(self, budget):
            return {"params": budget**0.7, "tokens": budget**0.3}

    report = check_law(Wrong).set_index("check")
    failed = set(report.index[~report["passed"]])
    assert {"declaration", "gradient by differences", "gradient by complex step",
            "gradient by dual numbers", "optimum"} <= failed  # fmt: skip


def test_check_law_says_which_function_has_no_derivative():
    class Wavy(Law):
        inputs = ("tokens",)
        A: Coef = coef("prefactor", typical=(1, 10))

        def formula(self, D):
            return 2 + np.sinc(self.A)

    report = check_law(Wavy).set_index("check")
    assert "derivative rule" in report.loc["gradient by differences", "detail"]


def test_coefficient_without_annotation_is_still_declared():
    class Bare(Law):
        inputs = ("tokens",)
        A = coef("prefactor", typical=(1, 10))

        def formula(self, D):
            return self.A / D

    assert Bare(A=2.0).predict(tokens=4.0) == pytest.approx(0.5)


@pytest.mark.parametrize("family", ALL.values(), ids=list(ALL))
def test_law_with_many_coefficients_is_many_laws(family):
    laws = [draw_law(family, seed) for seed in range(4)]
    stacked = family.unchecked(
        {name: np.array([[law.values[name]] for law in laws]) for name in family.coefficients}
    )
    points = draw_points(family)
    for i, law in enumerate(laws):
        np.testing.assert_allclose(stacked.predict(points)[i], law.predict(points), rtol=1e-13)
        assert stacked.pick(i).values == pytest.approx(law.values)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"E": -1.0}, "0 or more for E"),
        ({"A": float("nan")}, "finite number"),
        ({"B": "big"}, "finite number"),
    ],
)
def test_law_refuses_bad_coefficients(values, said):
    good = {"E": 1.7, "A": 400.0, "B": 400.0, "alpha": 0.34, "beta": 0.28}
    with pytest.raises(scaling.ScalingError, match=said):
        scaling.laws.Chinchilla(**{**good, **values})


def test_predict_refuses_what_it_cannot_use():
    law = published("besiroglu-2024").law
    with pytest.raises(scaling.ScalingError, match="predicts from params, tokens; got params"):
        law.predict(params=1e9)
    with pytest.raises(scaling.ScalingError, match="params must be greater than 0"):
        law.predict(params=-1e9, tokens=1e10)


def test_coef_refuses_an_empty_range():
    with pytest.raises(scaling.ScalingError, match="0 < low < high"):
        coef("wrong", typical=(0, 1))


def test_law_refuses_a_coefficient_named_like_its_own_methods():
    with pytest.raises(scaling.ScalingError, match="another name"):

        class Clash(Law):
            inputs = ("tokens",)
            draws: Coef = coef("oops", typical=(1, 2))

            def formula(self, D):
                return self.draws / D

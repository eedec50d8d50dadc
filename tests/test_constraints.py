"""Any law under constraints: every optimum against SciPy, a dense grid, or its conditions."""

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

import scaling
from scaling import SIX_ND, Cost
from scaling.frontier.searching import lowest
from scaling.laws import Chinchilla, Coef, Law, coef, published
from scaling.text import human, times


class TwoSizes(Law):
    """Three terms, one of each size and one of the tokens; the sizes are paid for together."""

    inputs = ("params_non_embedding", "params_vocabulary", "tokens")
    A: Coef = coef("params prefactor", typical=(10, 1e3))
    V: Coef = coef("vocabulary prefactor", typical=(10, 1e3))
    B: Coef = coef("tokens prefactor", typical=(10, 1e3))
    alpha: Coef = coef("params exponent", typical=(0.2, 0.5))
    nu: Coef = coef("vocabulary exponent", typical=(0.2, 0.6))
    beta: Coef = coef("tokens exponent", typical=(0.2, 0.5))

    def formula(self, N, V, D):
        return self.A * N**-self.alpha + self.V * V**-self.nu + self.B * D**-self.beta


TOGETHER = Cost(sizes=("params_non_embedding", "params_vocabulary"), name="6(N+V)D")


@pytest.fixture(scope="module")
def law():
    return Chinchilla(E=1.69, A=406.4, B=410.7, alpha=0.336, beta=0.283)


@pytest.fixture(scope="module")
def fit():
    return scaling.fit(Chinchilla, scaling.datasets.load("demo"))


@pytest.fixture(scope="module")
def two_sizes():
    return TwoSizes(A=300, V=60, B=500, alpha=0.34, nu=0.45, beta=0.3)


def test_search_of_several_axes_finds_the_lowest_of_several_valleys():
    rng = np.random.default_rng(0)
    place = rng.uniform(-4, 4, (3, 6))
    skew = np.linalg.qr(rng.normal(size=(3, 3)))[0] * np.array([1.0, 3.0, 9.0])

    def bowls(at):
        away = np.stack([axis - place[j][:, None] for j, axis in enumerate(at)])
        true = 1 - np.exp(-((np.tensordot(skew.T, away, 1)) ** 2).sum(axis=0) / 20)
        decoy = 1 - 0.9 * np.exp(-((np.stack(at) + 5) ** 2).sum(axis=0) / 20)
        return np.minimum(true, decoy)

    found, side = lowest(bowls, [np.full(6, -8.0)] * 3, [np.full(6, 8.0)] * 3)
    np.testing.assert_allclose(np.stack(found), place, atol=2e-3)
    assert not np.any(side)


def test_two_sizes_meet_the_conditions_of_an_optimum(two_sizes):
    compute = np.array([1e20, 1e23])
    row = scaling.compute_optimal(two_sizes, compute, cost=TOGETHER).table
    N, V, D = (row[name].to_numpy() for name in two_sizes.inputs)
    np.testing.assert_allclose(6 * (N + V) * D, compute, rtol=1e-9)
    # Lagrange: dL/dN = dL/dV, and N + V of either is worth D of tokens.
    by_N = two_sizes.A * two_sizes.alpha * N ** (-two_sizes.alpha - 1)
    by_V = two_sizes.V * two_sizes.nu * V ** (-two_sizes.nu - 1)
    by_D = two_sizes.B * two_sizes.beta * D ** (-two_sizes.beta - 1)
    np.testing.assert_allclose(by_V, by_N, rtol=1e-4)
    np.testing.assert_allclose(by_N * (N + V), by_D * D, rtol=1e-4)


def test_two_sizes_agree_with_scipy(two_sizes):
    row = scaling.compute_optimal(two_sizes, 1e22, cost=TOGETHER).table.iloc[0]

    def loss(logs):
        N, V = np.exp(logs)
        return float(two_sizes.formula(N, V, 1e22 / (6 * (N + V))))

    best = minimize(loss, np.log([1e9, 1e8]), method="Nelder-Mead",
                    options={"xatol": 1e-9, "fatol": 1e-15, "maxiter": 4000})  # fmt: skip
    assert row["params_non_embedding"] == pytest.approx(np.exp(best.x[0]), rel=1e-4)
    assert row["params_vocabulary"] == pytest.approx(np.exp(best.x[1]), rel=1e-4)
    assert row["loss"] <= best.fun * (1 + 1e-12)


@pytest.mark.parametrize(("compute", "cap"), [(1e22, 3e9), (1e24, 20e9), (1e21, 1e12)])
def test_a_cap_binds_where_the_optimum_lies_beyond_it(law, compute, cap):
    free = scaling.compute_optimal(law, compute).table.iloc[0]
    row = scaling.compute_optimal(law, compute, at_most={"params": cap}).table.iloc[0]
    assert row["params"] == pytest.approx(min(free["params"], cap), rel=1e-5)
    assert 6 * row["params"] * row["tokens"] == pytest.approx(compute)


def test_a_cap_on_tokens_makes_the_model_larger(law):
    row = scaling.compute_optimal(law, 1e24, at_most={"tokens": 1e12}).table.iloc[0]
    assert row["tokens"] == pytest.approx(1e12, rel=1e-5)
    assert row["params"] == pytest.approx(1e24 / 6e12, rel=1e-5)


def test_caps_on_all_leave_compute_over_and_say_so(law):
    answer = scaling.compute_optimal(law, 1e24, at_most={"params": 8e9, "tokens": 2e12})
    row = answer.table.iloc[0]
    assert (row["params"], row["tokens"]) == pytest.approx((8e9, 2e12))
    assert "compute-left-over" in [issue.code for issue in answer.issues]


def test_choices_are_the_best_of_all_of_them(law, two_sizes):
    sizes, vocabularies = np.geomspace(1e7, 1e10, 25), np.geomspace(1e6, 1e9, 20)
    chosen = scaling.compute_optimal(
        two_sizes, 1e21, cost=TOGETHER,
        choices={"params_non_embedding": sizes, "params_vocabulary": vocabularies},
    ).table.iloc[0]  # fmt: skip
    N, V = np.meshgrid(sizes, vocabularies)
    loss = two_sizes.formula(N, V, 1e21 / (6 * (N + V)))
    at = np.unravel_index(loss.argmin(), loss.shape)
    assert chosen["params_non_embedding"] == N[at]
    assert chosen["params_vocabulary"] == V[at]
    sizes, tokens = (1e9, 3e9, 1e10), (1e11, 1e12, 1e13)
    both = scaling.compute_optimal(law, 1e22, choices={"params": sizes, "tokens": tokens})
    paid = [(float(law.formula(n, d)), n, d) for n in sizes for d in tokens if 6 * n * d <= 1e22]
    assert (both.table["params"][0], both.table["tokens"][0]) == min(paid)[1:]


def test_choices_of_a_table_are_its_rows(law, two_sizes):
    shapes = scaling.buildable(law, 1e22).table[["params", "layers"]]
    row = scaling.compute_optimal(law, 1e22, choices=shapes[["params"]]).table.iloc[0]
    losses = law.predict(params=shapes["params"], tokens=1e22 / 6 / shapes["params"])
    assert row["params"] == shapes["params"][np.argmin(losses)]
    pairs = pd.DataFrame({"params_non_embedding": [1e8, 1e9, 3e9],
                          "params_vocabulary": [1e9, 1e7, 1e8]})  # fmt: skip
    best = scaling.compute_optimal(two_sizes, 1e21, cost=TOGETHER, choices=pairs).table.iloc[0]
    N, V = pairs.to_numpy().T
    at = two_sizes.formula(N, V, 1e21 / (6 * (N + V))).argmin()
    assert (best["params_non_embedding"], best["params_vocabulary"]) == (N[at], V[at])
    with pytest.raises(scaling.ScalingError, match="choices names 'layers'"):
        scaling.compute_optimal(law, 1e22, choices=shapes)


def test_choices_of_a_fit_are_made_draw_by_draw(fit):
    sizes = np.geomspace(1e8, 1e11, 31)
    table = scaling.compute_optimal(fit, [1e21, 1e23], choices={"params": sizes}).table
    for place, compute in enumerate([1e21, 1e23]):
        draws = fit.draws.formula(sizes, compute / 6 / sizes)
        best = sizes[draws.argmin(axis=1)]
        assert table["params_low"][place] == np.quantile(best, 0.05)
        assert table["params_high"][place] == np.quantile(best, 0.95)


def test_a_capped_search_of_the_draws_is_each_draw_s_own(fit):
    few = scaling.compute_optimal(fit, 1e23, at_most={"params": 1e10})
    for place in (0, 57, 199):
        one = scaling.compute_optimal(fit.draws.pick(place), 1e23, at_most={"params": 1e10})
        assert one.table["params"][0] == pytest.approx(
            min(1e10, scaling.compute_optimal(fit.draws.pick(place), 1e23).table["params"][0]),
            rel=1e-5,
        )
    assert few.table["params_high"][0] <= 1e10 * (1 + 1e-9)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"at_most": {"sparsity": 0.5}}, "at_most names 'sparsity'; Chinchilla has params, tokens"),
        ({"choices": {"params": []}}, "one number or more"),
        ({"choices": {"params": [1e9, -1]}}, "finite number above 0"),
        ({"at_most": {"params": [1e9, 2e9]}}, "one number for params; got 2"),
        ({"at_most": 8e9}, "must be a mapping"),
        ({"held": {"params": 1e9}, "at_most": {"params": 1e9}}, "more than one of"),
        ({"choices": {"params": np.arange(1, 1e3), "tokens": np.arange(1, 1e3)}}, "combinations"),
        ({"held": {"params": 1e9, "tokens": 1e9}}, "nothing is left"),
        ({"method": "formula", "at_most": {"params": 1e9}}, "no closed form here"),
    ],
)  # fmt: skip
def test_a_wrong_condition_is_one_sentence(law, options, words):
    with pytest.raises(scaling.ScalingError, match=words):
        scaling.compute_optimal(law, 1e22, **options)


def test_choices_that_cost_too_much_are_told(law):
    with pytest.raises(scaling.NoTradeoffError, match="costs more than the compute"):
        scaling.compute_optimal(law, 1e18, choices={"params": [1e9], "tokens": [1e12]})


def test_a_cost_of_inputs_that_the_law_has_not_is_told(law, two_sizes):
    with pytest.raises(scaling.NoTradeoffError, match="predicts from params, tokens"):
        scaling.compute_optimal(law, 1e22, cost=TOGETHER)
    with pytest.raises(scaling.NoTradeoffError, match="predicts from params_non_embedding"):
        scaling.compute_optimal(two_sizes, 1e22)


def test_required_takes_any_input_and_lies_on_the_law(two_sizes):
    held = {"params_non_embedding": 1e9, "tokens": 1e11}
    wanted = float(two_sizes.formula(1e9, 3e7, 1e11))
    row = scaling.required(two_sizes, "params_vocabulary", loss=wanted, held=held,
                           cost=TOGETHER).table.iloc[0]  # fmt: skip
    assert row["params_vocabulary"] == pytest.approx(3e7)
    assert row["compute"] == pytest.approx(6 * 1.03e9 * 1e11)
    with pytest.raises(scaling.ScalingError, match="needs tokens in held"):
        scaling.required(two_sizes, "params_vocabulary", loss=2.0, cost=TOGETHER,
                         held={"params_non_embedding": 1e9})  # fmt: skip


# Serving


@pytest.mark.parametrize(
    ("law_of", "small", "times", "saved"),
    [
        ({"E": 1.69, "A": 406.4, "B": 410.7, "alpha": 0.34, "beta": 0.28}, 15.9e9, 2.21, 0.182),
        ({"E": 1.8172, "A": 482.01, "B": 2085.43, "alpha": 0.3478, "beta": 0.3658}, 11.6e9, 4.25,
         0.427),
    ],
)  # fmt: skip
def test_the_worked_example_hangs_on_the_coefficients(law_of, small, times, saved):
    law = Chinchilla(**law_of)
    G = (law.alpha * law.A / (law.beta * law.B)) ** (1 / (law.alpha + law.beta))
    tokens = (30e9 / G) ** (law.alpha / law.beta) / G
    loss, cost = float(law.predict(params=30e9, tokens=tokens)), SIX_ND.serving(1e13)
    row = scaling.required(law, "compute", loss=loss, cost=cost).table.iloc[0]
    assert row["params"] == pytest.approx(small, rel=5e-3)
    assert row["tokens"] / tokens == pytest.approx(times, abs=0.006)
    assert 1 - row["compute"] / cost.compute(30e9, tokens) == pytest.approx(saved, abs=6e-4)


@pytest.mark.parametrize(
    ("size", "served", "small", "times", "saved"),
    [(30e9, 1e13, "13.6e9", "2.84", "0.280"), (7e9, 1e11, "6.0e9", "1.18", None)],
)
def test_sardana_et_al_worked_examples(law, size, served, small, times, saved):
    """Sardana et al. 2024, sec. 2: the model of the same quality that is cheapest in all."""
    G = (law.alpha * law.A / (law.beta * law.B)) ** (1 / (law.alpha + law.beta))
    tokens = (size / G) ** (law.alpha / law.beta) / G  # of the size that is best at its compute
    loss = float(law.predict(params=size, tokens=tokens))
    row = scaling.required(law, "compute", loss=loss, cost=SIX_ND.serving(served)).table.iloc[0]
    assert row["params"] == pytest.approx(float(small), rel=5e-3)
    assert row["tokens"] / tokens == pytest.approx(float(times), abs=0.005)
    if saved:
        all_in = 6 * size * tokens + 2 * size * served
        assert 1 - row["compute"] / all_in == pytest.approx(float(saved), abs=5e-4)
    # Condition of the optimum: eps_N / eps_D = 1 + served / (3 D).
    by_size = law.alpha * law.A * row["params"] ** -law.alpha
    by_tokens = law.beta * law.B * row["tokens"] ** -law.beta
    assert by_size / by_tokens == pytest.approx(1 + served / (3 * row["tokens"]), rel=1e-4)


def test_prices_and_prompts_weigh_what_is_served():
    plain = SIX_ND.serving(1e12)
    assert plain.served == 2e12
    assert SIX_ND.serving("1T", price=2.5).served == 5e12
    mixed = SIX_ND.serving(1e12, prompt_tokens=4e12, price=2.0, prompt_price=0.5)
    assert mixed.served == pytest.approx(2 * (1e12 * 2 + 4e12 * 0.5))
    assert plain.tokens(7e9, plain.compute(7e9, 2e12)) == pytest.approx(2e12)
    assert plain.params(2e12, plain.compute(7e9, 2e12)) == pytest.approx(7e9)
    for bad in ({"tokens": -1.0}, {"tokens": 1e12, "price": -1}, {}, {"tokens": np.nan}):
        with pytest.raises(scaling.ScalingError, match="serving needs"):
            SIX_ND.serving(**bad)


def test_more_demand_makes_the_best_model_smaller_and_longer_trained(law):
    found = [
        scaling.compute_optimal(law, 1e24, cost=SIX_ND.serving(served)).table.iloc[0]
        for served in (1e10, 1e12, 1e13)
    ]
    sizes = [row["params"] for row in found]
    assert sizes == sorted(sizes, reverse=True)
    for row, served in zip(found, (1e10, 1e12, 1e13), strict=True):
        assert row["training_compute"] + 2 * row["params"] * served == pytest.approx(1e24)
        near = row["params"] * np.array([0.98, 1.02])
        assert (law.formula(near, (1e24 / near - 2 * served) / 6) > row["loss"]).all()


def test_regret_under_serving_leaves_out_what_cannot_be_trained(law):
    cost = SIX_ND.serving(1e12)
    answer = scaling.regret(law, 1e24, cost=cost)
    assert (6 * answer.table["tokens"] + 2e12 > 0).all()
    assert answer.curve["params"].max() < 1e24 / 2e12  # all of it would go into serving
    assert np.isfinite(answer.curve["excess_mean"]).all()
    with pytest.raises(scaling.ScalingError, match="600B params cost more to serve"):
        scaling.regret(law, 1e24, ["10B", "600B"], cost=cost)


# Smaller models


@pytest.mark.parametrize(
    ("share", "times", "overhead"),
    [(0.5, 2.4156, 0.2078), (0.7, 1.4931, 0.0451), (2, 0.5656, 0.1312)],
)  # fmt: skip
def test_smaller_models_follow_the_closed_form(law, share, times, overhead):
    """De Vries 2023: k_D = [1 - (beta/alpha)(k_N^-alpha - 1)]^(-1/beta), overhead k_N k_D - 1."""
    best = scaling.compute_optimal(law, 1e23).table.iloc[0]
    row = scaling.shrink(law, 1e23, params=share * best["params"]).table.iloc[0]
    closed = (1 - law.beta / law.alpha * (share**-law.alpha - 1)) ** (-1 / law.beta)
    assert closed == pytest.approx(times, abs=5e-5)
    assert row["tokens"] / best["tokens"] == pytest.approx(closed, rel=1e-6)
    assert row["overhead"] == pytest.approx(overhead, abs=5e-5)
    back = scaling.shrink(law, 1e23, overhead=row["overhead"]).table.iloc[0]
    if share < 1:
        assert back["share_of_best"] == pytest.approx(share, rel=1e-6)


def test_a_size_below_the_smallest_never_reaches_the_loss(law):
    size = scaling.compute_optimal(law, 1e23).table["params"][0]
    least = (1 + law.alpha / law.beta) ** (-1 / law.alpha)
    assert least == pytest.approx(0.0974, abs=5e-5)
    answer = scaling.shrink(law, 1e23, params=[size * least * 0.999, size * least * 1.01])
    assert np.isinf(answer.table["overhead"][0])
    assert np.isfinite(answer.table["overhead"][1])
    assert [issue.code for issue in answer.issues] == ["unreachable"]


def test_break_even_is_where_both_cost_the_same(law):
    answer = scaling.shrink(law, 1e23, params=["10B", "30B"])
    row = answer.table.iloc[0]
    demand = row["break_even_tokens"]
    size, tokens = answer.best
    assert 6 * row["params"] * row["tokens"] + 2 * row["params"] * demand == pytest.approx(
        6 * size * tokens + 2 * size * demand
    )
    assert np.isinf(answer.table["break_even_tokens"][1])  # larger: never cheaper


def test_shrink_of_a_fit_is_each_draw_s_own(fit):
    table = scaling.shrink(fit, 1e22, overhead=[0.1, 0.5]).table
    drawn = [scaling.shrink(fit.draws.pick(place), 1e22, overhead=[0.1, 0.5]).table
             for place in range(fit.draws.count)]  # fmt: skip
    for column in ("params", "share_of_best", "tokens", "break_even_tokens"):
        ends = np.quantile([one[column] for one in drawn], [0.05, 0.95], axis=0)
        np.testing.assert_allclose(table[f"{column}_low"], ends[0], rtol=1e-6)
        np.testing.assert_allclose(table[f"{column}_high"], ends[1], rtol=1e-6)


def test_shrink_tells_of_its_own_rows_not_of_the_best(fit):
    codes = {issue.code for issue in scaling.shrink(fit, 1e20, overhead=20).issues}
    row = scaling.shrink(fit, 1e20, overhead=20).table.iloc[0]
    assert row["tokens_per_param"] > 3 * fit.ranges["tokens_per_param"][1]
    assert "ratio-beyond" in codes
    assert "ratio-beyond" not in {i.code for i in scaling.shrink(fit, 1e20, overhead=0.05).issues}
    repeated = published("muennighoff-2023")
    told = scaling.shrink(repeated, 1e21, overhead=[1, 5], held={"unique_tokens": 25e9}).issues
    assert "many-epochs" in {issue.code for issue in told}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"overhead": 0.1, "params": 1e9}, "not both"),
        ({"overhead": -0.1}, "finite number above 0"),
        ({"held": {"tokens": 1e12}}, "hold neither of them"),
    ],
)
def test_shrink_refuses_in_one_sentence(law, options, words):
    with pytest.raises(scaling.ScalingError, match=words):
        scaling.shrink(law, 1e23, **options)


# Shapes


def test_shapes_are_legal_and_near_the_best_size(law):
    answer = scaling.buildable(law, 1e23, vocab_size=50_000)
    best = scaling.compute_optimal(law, 1e23).table.iloc[0]
    table = answer.table
    assert len(table) == 5
    assert (table["width"] % 128 == 0).all()
    assert (table["heads"] * 128 == table["width"]).all()
    aspect = table["width"] / table["layers"]
    assert aspect.between(64, 160).all()
    counted = 12 * table["layers"] * table["width"] ** 2 + 2 * 50_000 * table["width"]
    np.testing.assert_array_equal(table["params"], counted)
    np.testing.assert_allclose(6 * table["params"] * table["tokens"], 1e23)
    assert np.abs(np.log(table["params"] / best["params"])).max() < 0.05
    loss = law.predict(params=table["params"], tokens=table["tokens"])
    np.testing.assert_allclose(table["excess"], loss / best["loss"] - 1, atol=1e-12)


def test_shapes_count_params_as_the_law_does():
    body, head = (
        scaling.buildable(published("besiroglu-2024").law, 1e22, shapes=1, tied=tied).table.iloc[0]
        for tied in (True, False)
    )
    for row, matrices in ((body, 1), (head, 2)):
        shape = 12 * row["layers"] * row["width"] ** 2
        assert row["params"] - shape == matrices * 32_000 * row["width"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"aspect": (160, 64)}, "the lower first"),
        ({"head_size": 0}, "1 or more"),
        ({"width_step": 100}, "whole heads of 128"),
        ({"aspect": (1e6, 1e7)}, "widen aspect"),
        ({"vocab_size": -5}, "whole number"),
        ({"aspect": 64}, "two numbers"),
        ({"aspect": ("a", 3)}, "finite number above 0"),
    ],
)
def test_shapes_refuse_in_one_sentence(law, options, words):
    with pytest.raises(scaling.ScalingError, match=words):
        scaling.buildable(law, 1e23, **options)


# The figure


@pytest.mark.parametrize("width", [3.3, 5.2])
def test_figure_of_smaller_models_says_when_each_pays(fit, width):
    answer = scaling.shrink(fit, 1e22)
    _, ax = plt.subplots(figsize=(width, 0.7 * width), layout="constrained")
    scaling.plot.shrink(answer, ax=ax)
    said = " ".join(text.get_text() for text in ax.texts)
    assert f"best: {human(answer.best[0])}" in said
    told = [f"{human(demand)} served" in said for demand in answer.table["break_even_tokens"]]
    assert sum(told) >= 2
    line = ax.get_lines()[0].get_xydata()
    np.testing.assert_array_equal(line[1:, 0], answer.table["params"])
    plt.close("all")


def test_figure_of_smaller_models_refuses_other_answers(fit):
    with pytest.raises(scaling.ScalingError, match=r"scaling\.shrink"):
        scaling.plot.shrink(scaling.regret(fit, 1e22))


@pytest.mark.parametrize("verb", [scaling.shrink, scaling.buildable])
def test_a_law_of_two_sizes_is_told_to_ask_otherwise(verb):
    with pytest.raises(scaling.ScalingError, match="pays for params_non_embedding"):
        verb(published("tao-2024"), 1e22)


# What an attack found


def test_regret_of_a_loss_below_zero_is_still_a_loss_of_something():
    law = published("tao-2024")
    best = scaling.compute_optimal(law, 1e21).table.iloc[0]
    sizes = best["params_non_embedding"] * np.array([0.25, 1.0, 16.0])
    answer = scaling.regret(law, 1e21, sizes)
    found = answer.table["excess_mean"].to_numpy()
    assert found[1] == pytest.approx(0, abs=1e-6)
    lost = answer.table["loss_unigram_normalised"] - best["loss_unigram_normalised"]
    np.testing.assert_allclose(found, lost / abs(best["loss_unigram_normalised"]), atol=1e-9)
    assert (found[[0, 2]] > 0.005).all()
    assert answer.band[0] > 0
    assert np.isfinite(answer.band[1])


def test_required_holds_all_others_so_it_takes_no_caps(law):
    for option in ({"at_most": {"tokens": 1e6}}, {"choices": {"tokens": [1e6]}}):
        with pytest.raises(scaling.ScalingError, match="belong to 'compute'"):
            scaling.required(law, "tokens", loss=2.5, held={"params": 1e9}, **option)


def test_required_finds_an_input_that_takes_no_compute():
    law = published("muennighoff-2023").law
    wanted = float(law.predict(params=3e9, tokens=1e11, unique_tokens=2e10))
    held = {"params": 3e9, "tokens": 1e11}
    row = scaling.required(law, "unique_tokens", loss=wanted, held=held).table.iloc[0]
    assert row["unique_tokens"] == pytest.approx(2e10, rel=1e-6)
    never = scaling.required(law, "unique_tokens", loss=1.9, held=held)
    assert np.isinf(never.table["unique_tokens"][0])
    assert "unreachable" in {issue.code for issue in never.issues}
    with pytest.raises(scaling.ScalingError, match="both asked for and held"):
        scaling.required(law, "tokens", loss=2.3, held=held)


@pytest.mark.parametrize(
    ("limits", "column"),
    [({"at_most": {"params": 8}}, "params"), ({"held": {"tokens": 20}}, "tokens")],
)
def test_a_limit_in_the_wrong_unit_lies_beyond_the_runs(limits, column):
    source = published("besiroglu-2024")
    answer = scaling.compute_optimal(source, 1e21, **limits)
    found = [issue for issue in answer.issues if issue.code == "beyond-the-runs"]
    assert source.ranges[column][0] / answer.table[column][0] > 1e6
    row, ends = answer.table.iloc[0], source.ranges
    far = max(max(row[name] / high, low / row[name]) for name, (low, high) in ends.items())
    assert times(far) in found[0].message


@pytest.mark.parametrize("sizes", ["params", (), ("tokens",), ("params", "params")])
def test_a_cost_of_no_sizes_is_refused(sizes):
    with pytest.raises(scaling.ScalingError, match="tuple of different inputs"):
        Cost(sizes=sizes)


def test_a_share_of_an_input_keeps_to_its_domain():
    class Sparse(Law):
        inputs = ("params", "tokens", "sparsity")
        A: Coef = coef("prefactor", typical=(10, 1e3))

        def formula(self, N, D, S):
            return self.A * (N**-0.3 + D**-0.3) * (1 + S)

    law = Sparse(A=100.0)
    assert scaling.compute_optimal(law, 1e22, held={"sparsity": 0}).table["params"][0] > 0
    for bad in ({"sparsity": 2}, {"sparsity": "abc"}, {"sparsity": None}):
        with pytest.raises(scaling.ScalingError, match="sparsity must be at least 0 and less"):
            scaling.compute_optimal(law, 1e22, held=bad)
    with pytest.raises(scaling.ScalingError, match="above 0"):
        scaling.compute_optimal(law, 1e22, at_most={"sparsity": 0})


def test_what_is_no_law_is_told_what_to_ask(fit):
    with pytest.raises(scaling.ScalingError, match="takes a law or a fit; got DataFrame"):
        scaling.required(fit.runs, "compute", loss=2)
    runs = fit.runs.assign(recipe=["old", "new", "old"] * (len(fit.runs) // 3))
    joint = scaling.fit(Chinchilla, runs, by="recipe", bootstrap=0)
    with pytest.raises(scaling.ScalingError, match=r"such as joint\['a'\]"):
        scaling.compute_optimal(joint, 1e22)


def test_a_huge_compute_warns_of_nothing(law):
    row = scaling.compute_optimal(law, 1e200, at_most={"params": 1e9}).table.iloc[0]
    assert (row["params"], row["tokens"]) == pytest.approx((1e9, 1e200 / 6e9), rel=1e-5)
    with pytest.raises(scaling.ScalingError, match="serving needs"):
        SIX_ND.serving(10**400)

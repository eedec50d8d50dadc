"""The algebra of L = E + A N^-alpha + B D^-beta at C = k N D, against the numeric routes.

The formulas are written out here, from Hoffmann et al. 2022 (appendix), de Vries 2023 ("Go smol
or go home") and what follows from them by hand; the library's searches and bisections have to
arrive at the same numbers without them.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import scaling
from scaling.laws import Chinchilla, CoupledChinchilla

EPS = np.finfo(float).eps
COMPUTE = np.array([1e18, 5.76e23, 1e26])

PRESETS = {
    "hoffmann-rounded": {"A": 406.4, "B": 410.7, "E": 1.69, "alpha": 0.34, "beta": 0.28},
    "hoffmann": {"A": 406.401018, "B": 410.722827, "E": 1.69337368, "alpha": 0.33917084,
                 "beta": 0.2849083},
    "besiroglu": {"A": 482.01, "B": 2085.43, "E": 1.8172, "alpha": 0.3478, "beta": 0.3658},
    "huber-refit-240": {"A": 477.8259, "B": 2143.4174, "E": 1.817218, "alpha": 0.3473105,
                        "beta": 0.3671724},
    "muennighoff-c4": {"A": 520.825, "B": 1487.716, "E": 1.869144, "alpha": 0.3526596,
                       "beta": 0.3526596},
    "sardana": {"A": 406.4, "B": 410.7, "E": 1.69, "alpha": 0.336, "beta": 0.283},
}  # fmt: skip


def _drawn(count, seed):
    rng = np.random.default_rng(seed)
    ranges = {"E": (0.5, 3), "A": (10, 1e4), "B": (10, 1e4), "alpha": (0.15, 0.45),
              "beta": (0.15, 0.45)}  # fmt: skip
    return [
        {name: float(np.exp(rng.uniform(*np.log(ends)))) for name, ends in ranges.items()}
        for _ in range(count)
    ]


LAWS = {name: Chinchilla(**coefs) for name, coefs in PRESETS.items()} | {
    f"drawn-{i}": Chinchilla(**coefs) for i, coefs in enumerate(_drawn(8, seed=1))
}
every_law = pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)


class Algebra:
    """The closed forms, k FLOPs per param and token."""

    def __init__(self, law, k=6.0):
        self.E, self.A, self.B = law.E, law.A, law.B
        self.alpha, self.beta, self.k = law.alpha, law.beta, k
        total = self.alpha + self.beta
        self.G = (self.alpha * self.A / (self.beta * self.B)) ** (1 / total)
        self.a, self.b = self.beta / total, self.alpha / total
        self.gamma = self.alpha * self.beta / total
        self.K = self.A * self.G**-self.alpha + self.B * self.G**self.beta

    def params(self, C):
        return self.G * (C / self.k) ** self.a

    def tokens(self, C):
        return (C / self.k) ** self.b / self.G

    def tokens_per_param(self, C):
        return self.G**-2 * (C / self.k) ** (self.b - self.a)

    def loss(self, C):
        return self.E + self.K * (C / self.k) ** -self.gamma

    def compute(self, L):
        return self.k * ((L - self.E) / self.K) ** (-1 / self.gamma)

    def tokens_beside(self, N):
        return (N / self.G) ** (self.alpha / self.beta) / self.G

    def params_beside(self, D):
        return self.G * (self.G * D) ** (self.beta / self.alpha)

    def tokens_for(self, N, L):
        return (self.B / (L - self.E - self.A * N**-self.alpha)) ** (1 / self.beta)

    def params_for(self, D, L):
        return (self.A / (L - self.E - self.B * D**-self.beta)) ** (1 / self.alpha)

    def tokens_factor(self, kN):
        return (1 - self.beta / self.alpha * (kN**-self.alpha - 1)) ** (-1 / self.beta)

    @property
    def smallest_factor(self):
        return (1 + self.alpha / self.beta) ** (-1 / self.alpha)

    def resolution(self, C):
        """How well a search can place log N: where the loss changes by its rounding."""
        bend = (self.alpha**2 * self.A * self.params(C) ** -self.alpha
                + self.beta**2 * self.B * self.tokens(C) ** -self.beta)  # fmt: skip
        return 4 * np.sqrt(2 * EPS * self.loss(C) / bend)


def numeric(law, compute, **options):
    return scaling.compute_optimal(law, compute, method="numeric", **options)


@every_law
def test_best_allocation_by_search_is_the_closed_form(law):
    algebra, table = Algebra(law), numeric(law, COMPUTE).table
    allowed = algebra.resolution(COMPUTE)
    assert allowed.max() < 1e-5
    assert (np.abs(np.log(table["params"] / algebra.params(COMPUTE))) < allowed).all()
    assert (np.abs(np.log(table["tokens"] / algebra.tokens(COMPUTE))) < allowed).all()
    ratio = table["tokens_per_param"] / algebra.tokens_per_param(COMPUTE)
    assert (np.abs(np.log(ratio)) < 2 * allowed).all()
    assert_allclose(table["loss"], algebra.loss(COMPUTE), rtol=4 * EPS)


@every_law
def test_best_allocation_by_formula_is_the_closed_form(law):
    algebra = Algebra(law)
    table = scaling.compute_optimal(law, COMPUTE, method="formula").table
    assert_allclose(table["params"], algebra.params(COMPUTE), rtol=1e-12)
    assert_allclose(table["tokens"], algebra.tokens(COMPUTE), rtol=1e-12)
    assert_allclose(table["tokens_per_param"], algebra.tokens_per_param(COMPUTE), rtol=1e-12)
    assert_allclose(table["loss"], algebra.loss(COMPUTE), rtol=4 * EPS)


@every_law
def test_exponents_by_search_are_beta_and_alpha_over_their_sum(law):
    algebra, exponents = Algebra(law), numeric(law, COMPUTE).exponents["value"]
    allowed = 2 * algebra.resolution(COMPUTE).max() / np.log(COMPUTE.max() / COMPUTE.min())
    assert exponents["params"] == pytest.approx(algebra.a, abs=allowed)
    assert exponents["tokens"] == pytest.approx(algebra.b, abs=allowed)


@every_law
def test_exponents_of_the_law_come_back_from_its_frontier(law):
    frontier = numeric(law, COMPUTE)
    reducible = np.log(frontier.table["loss"].to_numpy() - law.E)
    gamma = -(reducible[-1] - reducible[0]) / np.log(COMPUTE[-1] / COMPUTE[0])
    exponents = frontier.exponents["value"]
    assert gamma / exponents["params"] == pytest.approx(law.alpha, rel=1e-5)
    assert gamma / exponents["tokens"] == pytest.approx(law.beta, rel=1e-5)


@every_law
def test_share_of_reducible_loss_due_to_size_is_the_params_exponent(law):
    algebra, table = Algebra(law), numeric(law, COMPUTE).table
    share = law.A * table["params"] ** -law.alpha / (table["loss"] - law.E)
    assert_allclose(share, algebra.a, rtol=1e-5)


@every_law
def test_params_and_tokens_of_the_frontier_follow_from_each_other(law):
    algebra, table = Algebra(law), numeric(law, COMPUTE).table
    allowed = 1 + law.alpha / law.beta + law.beta / law.alpha
    allowed = allowed * algebra.resolution(COMPUTE)
    size, tokens = table["params"].to_numpy(), table["tokens"].to_numpy()
    assert (np.abs(np.log(algebra.tokens_beside(size) / tokens)) < allowed).all()
    assert (np.abs(np.log(algebra.params_beside(tokens) / size)) < allowed).all()


@every_law
def test_least_compute_for_a_loss_is_the_inverse_of_the_best_loss(law):
    algebra = Algebra(law)
    wanted = algebra.loss(COMPUTE)
    table = scaling.required(law, "compute", loss=wanted).table
    assert_allclose(table["compute"], algebra.compute(wanted), rtol=1e-9)
    assert_allclose(table["compute"], COMPUTE, rtol=1e-9)
    assert_allclose(table["params"], algebra.params(COMPUTE), rtol=1e-9)


def test_least_compute_for_a_loss_at_or_below_the_floor_is_infinite():
    law = LAWS["besiroglu"]
    answer = scaling.required(law, "compute", loss=[law.E, law.E - 0.1])
    assert np.isinf(answer.table["compute"]).all()
    assert "unreachable" in {issue.code for issue in answer.issues}


@every_law
def test_tokens_for_a_loss_at_a_size_are_the_iso_loss_curve(law):
    algebra = Algebra(law)
    for factor in (0.5, 1.0, 3.0):
        N, L = factor * algebra.params(1e24), algebra.loss(1e24)
        got = scaling.required(law, "tokens", loss=L, held={"params": N}).table.iloc[0]
        assert_allclose(got["tokens"], algebra.tokens_for(N, L), rtol=1e-9)
        assert_allclose(got["compute"], 6 * N * algebra.tokens_for(N, L), rtol=1e-9)


@every_law
def test_params_for_a_loss_at_tokens_are_the_iso_loss_curve(law):
    algebra = Algebra(law)
    for factor in (0.5, 1.0, 3.0):
        D, L = factor * algebra.tokens(1e24), algebra.loss(1e24)
        got = scaling.required(law, "params", loss=L, held={"tokens": D}).table.iloc[0]
        assert_allclose(got["params"], algebra.params_for(D, L), rtol=1e-9)


@every_law
def test_iso_loss_curve_ends_where_the_size_alone_keeps_the_loss_above(law):
    N = Algebra(law).params(1e22)
    edge = law.E + law.A * N**-law.alpha
    reached = scaling.required(law, "tokens", loss=edge + 1e-3, held={"params": N})
    never = scaling.required(law, "tokens", loss=edge - 1e-12, held={"params": N})
    assert np.isfinite(reached.table["tokens"]).all()
    assert np.isinf(never.table["tokens"]).all()
    assert "unreachable" in {issue.code for issue in never.issues}


@every_law
def test_a_size_off_the_best_needs_tokens_by_the_closed_form(law):
    algebra, C = Algebra(law), 1e23
    for kN in (1.2 * algebra.smallest_factor, 0.7, 1.0, 2.0, 10.0):
        if kN <= algebra.smallest_factor:
            continue
        N = kN * algebra.params(C)
        got = scaling.required(law, "tokens", loss=algebra.loss(C), held={"params": N}).table.iloc[
            0
        ]
        kD = algebra.tokens_factor(kN)
        assert got["tokens"] / algebra.tokens(C) == pytest.approx(kD, rel=1e-9)
        assert got["compute"] / C - 1 == pytest.approx(kN * kD - 1, rel=1e-9, abs=1e-9)


@every_law
def test_the_smallest_size_that_reaches_the_best_loss_is_the_closed_form(law):
    algebra, C = Algebra(law), 1e23
    edge = algebra.smallest_factor * algebra.params(C)

    def tokens(N):
        answer = scaling.required(law, "tokens", loss=algebra.loss(C), held={"params": N})
        return answer.table["tokens"].iloc[0]

    assert np.isfinite(tokens(1.01 * edge))
    assert np.isinf(tokens(0.99 * edge))


@every_law
def test_regret_of_a_size_is_its_loss_and_wasted_compute_by_the_closed_form(law):
    algebra, C = Algebra(law), 1e24
    kN = np.array([0.3, 0.7, 1.0, 2.0, 5.0])
    N = kN * algebra.params(C)
    loss = law.E + law.A * N**-law.alpha + law.B * (C / 6 / N) ** -law.beta
    table = scaling.regret(law, C, N).table
    assert_allclose(table["loss"], loss, rtol=4 * EPS)
    assert_allclose(table["excess_mean"], loss / algebra.loss(C) - 1, atol=8 * EPS)
    wasted = 1 - algebra.compute(loss) / C
    assert_allclose(table["wasted_compute"], wasted, rtol=1e-9, atol=1e-9)
    assert table["wasted_compute"].iloc[2] == pytest.approx(0, abs=1e-9)


@every_law
def test_another_cost_of_compute_enters_as_its_factor(law):
    algebra, cost = Algebra(law, k=8.0), scaling.Cost(factor=8.0, name="8ND")
    table = numeric(law, COMPUTE, cost=cost).table
    allowed = algebra.resolution(COMPUTE)
    assert (np.abs(np.log(table["params"] / algebra.params(COMPUTE))) < allowed).all()
    assert_allclose(table["loss"], algebra.loss(COMPUTE), rtol=4 * EPS)
    required = scaling.required(law, "compute", loss=algebra.loss(COMPUTE), cost=cost).table
    assert_allclose(required["compute"], COMPUTE, rtol=1e-9)


def test_a_held_input_leaves_the_other_to_the_compute():
    law = LAWS["besiroglu"]
    table = scaling.compute_optimal(law, 1e24, held={"tokens": 2e12}).table
    assert_allclose(table["params"], 1e24 / 6 / 2e12, rtol=1e-12)
    table = scaling.compute_optimal(law, 1e24, held={"params": 8e9}).table
    assert_allclose(table["tokens"], 1e24 / 6 / 8e9, rtol=1e-12)
    assert_allclose(table["loss"], law.predict(params=8e9, tokens=1e24 / 6 / 8e9), rtol=1e-15)


@pytest.mark.parametrize("gamma", [0.452, 1.3])
def test_an_outer_exponent_keeps_the_allocation_and_bends_the_loss(gamma):
    coefs = {"A": 3355.0, "B": 18186.0, "alpha": 0.408, "beta": 0.431}
    law = CoupledChinchilla(E=1.22, **coefs, gamma=gamma)
    inner = Algebra(Chinchilla(E=0.0, **coefs))
    table = numeric(law, COMPUTE).table
    assert_allclose(table["params"], inner.params(COMPUTE), rtol=1e-5)
    assert_allclose(table["loss"], 1.22 + inner.loss(COMPUTE) ** gamma, rtol=4 * EPS)


def test_intervals_by_search_are_those_of_the_closed_form():
    fit = scaling.fit(Chinchilla, scaling.datasets.load("demo"), bootstrap=40)
    by_search = scaling.compute_optimal(fit, [1e22, 1e24], method="numeric").table
    by_formula = scaling.compute_optimal(fit, [1e22, 1e24], method="formula").table
    assert list(by_search.columns) == list(by_formula.columns)
    assert_allclose(by_search, by_formula, rtol=2e-6)


@pytest.mark.parametrize(
    ("name", "G", "a", "ratio_low", "ratio_high", "params", "loss"),
    [
        ("hoffmann-rounded", "1.3447", ".4516", "25.67", "92.65", "3.219e10", "1.9307"),
        ("hoffmann", "1.3000", ".4565", "18.60", "58.93", "4.036e10", "1.9184"),
        ("besiroglu", ".11963", ".5126", "25.70", "18.39", "7.225e10", "1.9744"),
        ("huber-refit-240", ".11321", ".5139", "25.91", "17.92", "7.319e10", "1.9739"),
        ("muennighoff-c4", ".22580", ".5000", "19.61", "19.61", "6.996e10", "2.0252"),
    ],
)
def test_known_values_of_the_published_laws(
    printed, name, G, a, ratio_low, ratio_high, params, loss
):
    frontier = numeric(LAWS[name], [1e18, 5.76e23])
    low, high = (row for _, row in frontier.table.iterrows())
    exponent = frontier.exponents["value"]["params"]
    assert high["params"] / (5.76e23 / 6) ** exponent == printed(G)  # N* = G (C/6)^a
    assert exponent == printed(a)
    assert low["tokens_per_param"] == printed(ratio_low)
    assert high["tokens_per_param"] == printed(ratio_high)
    assert high["params"] == printed(params)
    assert high["loss"] == printed(loss)


@pytest.mark.parametrize(
    ("kN", "kD", "overhead_percent"),
    [(0.5, "2.4156", "20.78"), (0.7, "1.4931", "4.51"), (2.0, ".5656", "13.12")],
)
def test_known_values_of_sizes_off_the_best(printed, kN, kD, overhead_percent):
    law = LAWS["sardana"]
    best = numeric(law, 1e23).table.iloc[0]
    held = {"params": kN * best["params"]}
    got = scaling.required(law, "tokens", loss=best["loss"], held=held).table.iloc[0]
    assert got["tokens"] / best["tokens"] == printed(kD)
    assert 100 * (got["compute"] / 1e23 - 1) == printed(overhead_percent)


def test_known_value_of_the_smallest_size_off_the_best(printed):
    law = LAWS["sardana"]
    best = numeric(law, 1e23).table.iloc[0]

    def reaches(kN):
        held = {"params": kN * best["params"]}
        answer = scaling.required(law, "tokens", loss=best["loss"], held=held)
        return bool(np.isfinite(answer.table["tokens"].iloc[0]))

    low, high = 0.05, 0.2
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (low, middle) if reaches(middle) else (middle, high)
    assert high == printed(".0974")

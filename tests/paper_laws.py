"""Laws of papers that the library does not have, written as a user would write them."""

import numpy as np

from scaling import Law, coef
from scaling.laws import DataConstrained

# Muennighoff et al. 2023, github.com/huggingface/datablations: the base law they freeze.
C4_BASE = {
    "E": np.exp(0.6254804),
    "A": np.exp(6.255414),
    "B": np.exp(7.3049974),
    "alpha": 0.3526596,
    "beta": 0.3526596,
}


class DataConstrainedC4Threshold(DataConstrained):
    """The law of repeated data whose excess params are told by the published base."""

    def filled(self, U):
        return DataConstrained(**C4_BASE, R_D=1.0, R_N=1.0).filled(U)


class Routed(Law):
    """Clark et al. 2022, arXiv:2202.01169, eqs. 4-5: a bilinear law in logs to base 10.

    The saturation runs from ``E_start`` to ``E_start + span``, which keeps the ends in order.
    """

    inputs = ("params_active", "experts")
    source = "Clark et al. 2022, arXiv:2202.01169, eq. 4"

    a = coef("exponent of params", typical=(-0.3, 0.0), positive=False)
    b = coef("exponent of experts", typical=(-0.4, 0.1), positive=False)
    c = coef("interaction", typical=(-0.02, 0.05), positive=False)
    d = coef("log10 of the loss at one param and one expert", typical=(0.5, 2), positive=False)
    E_start = coef("saturated experts of a dense model", typical=(0.5, 10))
    span = coef("saturated experts gained by routing without end", typical=(10, 5000))

    def saturated(self, E):
        end = self.E_start + self.span
        return 1 / (1 / (E - 1 + 1 / (1 / self.E_start - 1 / end)) + 1 / end)

    def formula(self, N, E):
        n, e = np.log10(N), np.log10(self.saturated(E))
        return 10.0 ** (self.a * n + self.b * e + self.c * n * e + self.d)


class BrokenOnce(Law):
    """Caballero et al. 2023, arXiv:2210.14891, eq. 1 with one break."""

    inputs = ("x",)
    source = "Caballero et al. 2023, arXiv:2210.14891, eq. 1"

    a = coef("limit", typical=(0.01, 1))
    b = coef("offset", typical=(0.1, 10))
    c0 = coef("first slope", typical=(0.005, 1))
    c1 = coef("change of slope", typical=(0.1, 10))
    d1 = coef("place of the break", typical=(100, 1000))
    f1 = coef("width of the break", typical=(0.01, 2))

    def formula(self, x):
        bend = np.logaddexp(0.0, (np.log(x) - np.log(self.d1)) / self.f1)
        return self.a + self.b * x**-self.c0 * np.exp(-self.c1 * self.f1 * bend)

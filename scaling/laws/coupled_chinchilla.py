"""The Chinchilla law with params and tokens coupled by an outer exponent."""

import numpy as np

from scaling.law import Coef, Law, coef


class CoupledChinchilla(Law):
    r"""Loss as an outer power of the sum of power laws in params and tokens.

    .. math:: L(N, D) = E + (A N^{-\alpha} + B D^{-\beta})^{\gamma}
    """

    inputs = ("params", "tokens")
    source = "Busbridge et al. 2025, arXiv:2502.08606, supervised form"

    E: Coef = coef("irreducible loss", typical=(0.2, 4), unit="nats/token")
    A: Coef = coef("params prefactor", typical=(1e0, 1e6))
    B: Coef = coef("tokens prefactor", typical=(1e0, 1e6))
    alpha: Coef = coef("params exponent", typical=(0.05, 1))
    beta: Coef = coef("tokens exponent", typical=(0.05, 1))
    gamma: Coef = coef("coupling exponent", typical=(0.1, 1.5))

    def formula(self, N, D):
        inner = self.A * N**-self.alpha + self.B * D**-self.beta
        return self.E + inner**self.gamma

    def gradient(self, N, D):
        n, d = N**-self.alpha, D**-self.beta
        inner = self.A * n + self.B * d
        power = inner**self.gamma
        outer = self.gamma * power / inner
        return {
            "E": 1.0, "A": outer * n, "B": outer * d, "alpha": -outer * self.A * n * np.log(N),
            "beta": -outer * self.B * d * np.log(D), "gamma": power * np.log(inner),
        }  # fmt: skip

    def optimum(self, budget):
        # The outer power is monotone, so the best allocation is that of the sum inside.
        a, b = self.alpha, self.beta
        N = (a * self.A / (b * self.B) * budget**b) ** (1 / (a + b))
        return {"params": N, "tokens": budget / N}

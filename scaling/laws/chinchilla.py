"""The Chinchilla law."""

import numpy as np

from scaling.law import Coef, Law, coef


class Chinchilla(Law):
    r"""Loss as a sum of power laws in params and tokens, each token seen once.

    .. math:: L(N, D) = E + A N^{-\alpha} + B D^{-\beta}
    """

    inputs = ("params", "tokens")
    source = "Hoffmann et al. 2022, arXiv:2203.15556, eq. 2"

    E: Coef = coef("irreducible loss", typical=(0.2, 4), unit="nats/token")
    A: Coef = coef("params prefactor", typical=(1e0, 1e5))
    B: Coef = coef("tokens prefactor", typical=(1e0, 1e5))
    alpha: Coef = coef("params exponent", typical=(0.05, 1))
    beta: Coef = coef("tokens exponent", typical=(0.05, 1))

    def formula(self, N, D):
        return self.E + self.A * N**-self.alpha + self.B * D**-self.beta

    def gradient(self, N, D):
        n, d = N**-self.alpha, D**-self.beta
        return {
            "E": 1.0,
            "A": n,
            "B": d,
            "alpha": -self.A * n * np.log(N),
            "beta": -self.B * d * np.log(D),
        }

    def optimum(self, budget):
        a, b = self.alpha, self.beta
        N = (a * self.A / (b * self.B) * budget**b) ** (1 / (a + b))
        return {"params": N, "tokens": budget / N}

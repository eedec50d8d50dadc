"""Over-trained models: loss by compute and tokens per param, and the error the loss leads to."""

import numpy as np

from scaling.law import Coef, Law, coef


class OverTrained(Law):
    r"""Loss as a power of compute, whose prefactor depends on the tokens per param.

    .. math:: L(C, M) = E + (a M^{\eta} + b M^{-\eta}) C^{-\eta}, \quad C = 6 N D, M = D/N
    """

    inputs = ("params", "tokens")
    source = "Gadre et al. 2024, arXiv:2403.08540, eq. 4"
    equals = {"Chinchilla": {"beta": "alpha"}}

    E: Coef = coef("irreducible loss", typical=(0.2, 4), unit="nats/token")
    a: Coef = coef("prefactor of models too small", typical=(1e0, 1e5))
    b: Coef = coef("prefactor of models too large", typical=(1e0, 1e5))
    eta: Coef = coef("compute exponent", typical=(0.025, 0.5))

    def formula(self, N, D):
        C, M = 6 * N * D, D / N
        return self.E + (self.a * M**self.eta + self.b * M**-self.eta) * C**-self.eta

    def gradient(self, N, D):
        C, M = 6 * N * D, D / N
        small, large = (M / C) ** self.eta, (M * C) ** -self.eta
        return {
            "E": 1.0, "a": small, "b": large,
            "eta": self.a * small * np.log(M / C) - self.b * large * np.log(M * C),
        }  # fmt: skip

    def optimum(self, budget):
        M = (self.b / self.a) ** (1 / (2 * self.eta))  # the same at every compute
        N = np.sqrt(budget / M)
        return {"params": N, "tokens": budget / N}


class DownstreamError(Law):
    r"""Share of wrong answers as it falls with the loss, from that of a guess.

    .. math:: \mathrm{Err}(L) = \epsilon - k e^{-\gamma L}
    """

    inputs = ("loss",)
    target = "error"
    source = "Gadre et al. 2024, arXiv:2403.08540, eq. 5"

    epsilon: Coef = coef("error of a model with no skill", typical=(0.6, 1))
    k: Coef = coef("fall of the error at loss 0", typical=(0.5, 2.5))
    gamma: Coef = coef("rate of the fall", typical=(0.5, 2))

    def formula(self, L):
        return self.epsilon - self.k * np.exp(-self.gamma * L)

    def gradient(self, L):
        fall = np.exp(-self.gamma * L)
        return {"epsilon": 1.0, "k": -fall, "gamma": self.k * L * fall}

"""The joint law of Kaplan et al. in model size and data."""

import numpy as np

from scaling.law import Coef, Law, coef


class Kaplan(Law):
    r"""Loss when both model size and early-stopped data limit it; it has no constant.

    .. math:: L(N, D) = \left[(N_c/N)^{\alpha_N/\alpha_D} + D_c/D\right]^{\alpha_D}
    """

    inputs = ("params", "tokens")
    source = "Kaplan et al. 2020, arXiv:2001.08361, eq. 1.5"

    Nc: Coef = coef("params at which the loss would be 1", typical=(1e10, 1e17), unit="params")
    Dc: Coef = coef("tokens at which the loss would be 1", typical=(1e10, 1e17), unit="tokens")
    alpha_N: Coef = coef("params exponent", typical=(0.01, 0.5))
    alpha_D: Coef = coef("tokens exponent", typical=(0.01, 0.5))

    def formula(self, N, D):
        # The sum is taken of logarithms: its terms overflow where alpha_N is many times alpha_D.
        size = self.alpha_N / self.alpha_D * np.log(self.Nc / N)
        return np.exp(self.alpha_D * np.logaddexp(size, np.log(self.Dc / D)))

    def gradient(self, N, D):
        ahead = np.log(self.Nc / N)
        size, data = self.alpha_N / self.alpha_D * ahead, np.log(self.Dc / D)
        total = np.logaddexp(size, data)
        loss, share = np.exp(self.alpha_D * total), np.exp(size - total)
        return {
            "Nc": loss * share * self.alpha_N / self.Nc,
            "Dc": loss * (1 - share) * self.alpha_D / self.Dc,
            "alpha_N": loss * share * ahead, "alpha_D": loss * (total - share * size),
        }  # fmt: skip

    def optimum(self, budget):
        # The inner sum is least where r (Nc/N)^r = Dc N / budget; in logs, as Nc^r overflows.
        r = self.alpha_N / self.alpha_D
        log_N = np.log(r) + r * np.log(self.Nc) + np.log(budget) - np.log(self.Dc)
        N = np.exp(log_N / (1 + r))
        return {"params": N, "tokens": budget / N}

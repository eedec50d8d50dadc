"""The joint law of Kaplan et al. in model size and data."""

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
        size = (self.Nc / N) ** (self.alpha_N / self.alpha_D)
        return (size + self.Dc / D) ** self.alpha_D

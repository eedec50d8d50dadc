"""Error that falls faster than any power of the samples kept."""

import numpy as np

from scaling.law import Coef, Law, coef


class ExponentialDecay(Law):
    r"""Error as a stretched exponential in the number of samples kept after pruning.

    .. math:: \epsilon(P) = \epsilon_0 + A \exp\!\left(-(P/P_0)^{s}\right)
    """

    inputs = ("pruned_samples",)
    target = "error"
    source = "Sorscher et al. 2022, arXiv:2206.14486, section 2, with a stretch s"

    e0: Coef = coef("irreducible error", typical=(1e-3, 0.3), unit="fraction")
    A: Coef = coef("error above it without samples", typical=(0.05, 0.7), unit="fraction")
    P0: Coef = coef("samples that cut it by e", typical=(1e2, 1e8), unit="samples")
    s: Coef = coef("stretch: 1 is a plain exponential", typical=(0.2, 2))

    def formula(self, P):
        return self.e0 + self.A * np.exp(-((P / self.P0) ** self.s))

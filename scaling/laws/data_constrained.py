"""The law of repeated data."""

import numpy as np

from scaling.law import Coef, Law, coef

_NOTHING = 1e-9  # a coefficient below it acts as if it were this, so that 0 divides nothing


def worth(total, first, decay):
    """How much fresh a total is worth, of which only the first part counts in full."""
    again = total / first - 1
    decay = np.maximum(decay, _NOTHING)
    return first * (1 - decay * np.expm1(-again / decay))


class DataConstrained(Law):
    r"""Loss with tokens seen again, and params beyond what the unique tokens can fill, fading.

    .. math:: L(N, D, U) = E + A N'^{-\alpha} + B D'^{-\beta}

    with :math:`D' = U + U R_D (1 - e^{-(D/U - 1) / R_D})`, and :math:`N'` likewise.
    """

    inputs = ("params", "tokens", "unique_tokens")
    within = {"unique_tokens": "tokens"}
    source = "Muennighoff et al. 2023, arXiv:2305.16264, eqs. 5-6"

    E: Coef = coef("irreducible loss", typical=(0.2, 4), unit="nats/token")
    A: Coef = coef("params prefactor", typical=(1e0, 1e5))
    B: Coef = coef("tokens prefactor", typical=(1e0, 1e5))
    alpha: Coef = coef("params exponent", typical=(0.1, 0.8))
    beta: Coef = coef("tokens exponent", typical=(0.1, 0.8))
    R_D: Coef = coef("epochs after which a repeated token is worth 1/e", typical=(0.5, 500))
    R_N: Coef = coef("the same for params in excess", typical=(0.5, 1000))

    def filled(self, U):
        """Compute-optimal params of so many tokens, where both terms fall alike."""
        falls = np.maximum(self.alpha * self.A, _NOTHING) / np.maximum(self.beta * self.B, _NOTHING)
        return (falls * U**self.beta) ** (1 / self.alpha)

    def formula(self, N, D, U):
        U = np.minimum(U, D)  # who sees fewer tokens than there are sees each once
        n = worth(N, np.minimum(N, self.filled(U)), self.R_N)
        d = worth(D, U, self.R_D)
        return self.E + self.A * n**-self.alpha + self.B * d**-self.beta

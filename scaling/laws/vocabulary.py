"""The law of Tao et al. 2024: the size of the network, that of its vocabulary, and tokens."""

import numpy as np

from scaling.cost import Cost
from scaling.law import Coef, Law, coef


class Vocabulary(Law):
    r"""Unigram-normalised loss in params without vocabulary, params of the vocabulary, and tokens.

    .. math:: L_u = -E + A_1 N_{nv}^{-\alpha_1} + A_2 N_v^{-\alpha_2} + B D^{-\beta}
    """

    inputs = ("params_non_embedding", "params_vocabulary", "tokens")
    target = "loss_unigram_normalised"
    source = "Tao et al. 2024, arXiv:2407.13623, approach 3"
    cost = Cost(sizes=inputs[:2])  # of the network and of one matrix of the vocabulary

    E: Coef = coef("most that can be gained over token frequencies", typical=(1, 20),
                   unit="nats/token")  # fmt: skip
    A1: Coef = coef("non-vocabulary params prefactor", typical=(10, 1e5))
    A2: Coef = coef("vocabulary params prefactor", typical=(1, 1e7))
    B: Coef = coef("tokens prefactor", typical=(10, 1e6))
    alpha1: Coef = coef("non-vocabulary params exponent", typical=(0.1, 0.8))
    alpha2: Coef = coef("vocabulary params exponent", typical=(0.2, 1.5))
    beta: Coef = coef("tokens exponent", typical=(0.1, 0.8))

    def formula(self, N, V, D):
        size = self.A1 * N**-self.alpha1 + self.A2 * V**-self.alpha2
        return size + self.B * D**-self.beta - self.E

    def gradient(self, N, V, D):
        n, v, d = N**-self.alpha1, V**-self.alpha2, D**-self.beta
        return {"E": -1.0, "A1": n, "A2": v, "B": d, "alpha1": -self.A1 * n * np.log(N),
                "alpha2": -self.A2 * v * np.log(V), "beta": -self.B * d * np.log(D)}  # fmt: skip

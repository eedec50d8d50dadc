"""Power laws in one input: pure, and with an irreducible constant."""

import numpy as np

from scaling.law import Coef, Law, coef


class PowerLaw(Law):
    r"""A quantity as a power of one input; it falls where the exponent is positive.

    .. math:: L(x) = A x^{-\alpha}
    """

    inputs = ("x",)
    source = "Kaplan et al. 2020, arXiv:2001.08361, eq. 1.1-1.3, with A = x_c^alpha"

    A: Coef = coef("value at x = 1", typical=(1e-10, 1e10))
    alpha: Coef = coef("exponent", typical=(-1, 1), positive=False)

    def formula(self, x):
        return self.A * x**-self.alpha

    def gradient(self, x):
        power = x**-self.alpha
        return {"A": power, "alpha": -self.A * power * np.log(x)}


class PowerLawPlusConstant(Law):
    r"""Loss as a power of one input above an irreducible constant.

    .. math:: L(x) = E + A x^{-\alpha}
    """

    inputs = ("x",)
    source = "Henighan et al. 2020, arXiv:2010.14701, eq. 1.1, with A = x_0^alpha"

    E: Coef = coef("irreducible loss", typical=(0.05, 5), unit="nats/token")
    A: Coef = coef("prefactor", typical=(1e-1, 1e6))
    alpha: Coef = coef("exponent", typical=(0.02, 1))

    def formula(self, x):
        return self.E + self.A * x**-self.alpha

    def gradient(self, x):
        power = x**-self.alpha
        return {"E": 1.0, "A": power, "alpha": -self.A * power * np.log(x)}

"""The law of Goyal et al.: each sample of a pool teaches less the more often it is seen."""

import numpy as np

from scaling.law import Coef, Law, coef

_SHORTEST = 1e-3  # epochs: with a half-life of less, nothing is left of a second epoch
# Places and shares of a trapezoidal sum in log t; the small t, where all is linear, are one place.
_STEP, _SMALL = 0.6, 1e-7
_T = np.exp(np.arange(-34.0, 3.5, _STEP))
_SHARES = -_STEP * np.expm1(-_T)
_LUMP = np.average(_T[_T < _SMALL], weights=_SHARES[_T < _SMALL]), _SHARES[_T < _SMALL].sum()
_SUM = (_LUMP, *zip(_T[_T >= _SMALL], _SHARES[_T >= _SMALL], strict=True))


class DataUtility(Law):
    r"""Error in samples seen of a pool whose utility falls by half every tau epochs.

    .. math:: y(n, U) = (n_1/n_0)^{-b_0} \prod_{j \ge 2} (n_j/n_{j-1})^{-b_{j-1}} + d

    with :math:`b_k = b \, 2^{-k/\tau}` and :math:`n_j = \min(j U, n)`, the samples seen by the end
    of epoch j; the last epoch may be a part.

    Notes
    -----
    The paper writes :math:`a n_1^{b_0}` with b below 0, so its a is :math:`n_0^b`. The authors'
    code has a inside the power, as here, with :math:`n_0 = 100\,000 / a`, and shares it among
    pools. It adds d before it multiplies by the later epochs, so that d shrinks with them; the
    paper, and this law, add it at the end. It fits by grid search under squared error; d is given.

    The sum over epochs, :math:`\sum_{j<k} 2^{-j/\tau} \ln(1 + 1/j)`, is an integral of geometric
    sums, since :math:`\ln(1 + 1/j) = \int_0^\infty e^{-jt} (1 - e^{-t}) \, dt / t`. So it takes the
    same time for any number of epochs, and is off by less than 2e-7 up to 100,000.
    """

    inputs = ("samples_seen", "pool_size")
    target = "error"
    may_stay = ("pool_size",)  # it acts by how often it is seen
    source = "Goyal et al. 2024, arXiv:2404.07177, with a = n0^b and b > 0"

    n0: Coef = coef("samples at which the error would be 1 + d", typical=(1e3, 1e9), unit="samples")
    b: Coef = coef("utility: exponent of samples seen once", typical=(0.05, 0.8))
    tau: Coef = coef("half-life of the utility", typical=(0.2, 100), unit="epochs")
    d: Coef = coef("irreducible error", typical=(1e-3, 0.2), unit="fraction")

    def formula(self, n, U):
        epochs = np.maximum(np.floor(n / U), 1.0)
        decay = np.exp(-np.log(2) / np.maximum(self.tau, _SHORTEST))
        last = decay**epochs * np.log(np.maximum(n / U, 1.0) / epochs)
        seen = np.log(np.minimum(n, U) / self.n0) + _repeats(decay, epochs) + last
        return np.exp(-self.b * seen) + self.d


def _repeats(decay: Coef, epochs: Coef) -> Coef:
    """Sum over j from 1 to epochs - 1 of decay^j log(1 + 1/j)."""
    once, later = 0.0, 0.0
    for t, share in _SUM:
        left = decay * np.exp(-t)
        each = share / (1 - left)
        once = once + each * left
        later = later + each * np.exp(-epochs * t)
    return once - decay**epochs * later

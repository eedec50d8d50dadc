"""The law of data mixtures: loss on one validation set by the shares of the training domains."""

from scaling.errors import ScalingError
from scaling.law import Law, coef
from scaling.laws.factories import factory


@factory
def data_mixing(domains=("github", "pile_cc")):
    r"""Family that predicts loss from the shares of training domains, which add to 1.

    .. math:: L(r) = c + \prod_j k_j^{r_j}

    It is :math:`c + k \exp(\sum_j t_j r_j)` of Ye et al., in which only products
    :math:`k_j = k e^{t_j}` can be known, because the shares add to 1.

    Parameters
    ----------
    domains : tuple of str
        Names of two or more training domains. The inputs are ``share_<domain>``, the coefficients
        ``c`` and ``k_<domain>``: what a model trained on that domain alone would lose above c.

    Returns
    -------
    type of Law

    Raises
    ------
    ScalingError
        If there are fewer than two domains, or one is named twice or cannot be part of a name.

    Examples
    --------
    >>> law = data_mixing(("web", "code"))(c=2.0, k_web=0.5, k_code=2.0)
    >>> law.predict(share_web=[1, 0.5, 0], share_code=[0, 0.5, 1])
    array([2.5, 3. , 4. ])
    """
    names = domains if isinstance(domains, tuple) else (domains,)
    if len(names) < 2 or len(set(names)) < len(names):
        raise ScalingError("data_mixing needs two or more different domains, such as "
                           f"('web', 'code'); got {domains!r}.")  # fmt: skip
    for name in names:
        if not f"{name}".isidentifier():
            raise ScalingError("A domain becomes part of a coefficient's name, so it is written "
                               f"with letters, digits and _ only; got {name!r}.")  # fmt: skip
    shares = tuple(f"share_{name}" for name in names)
    alone = {
        f"k_{name}": coef(f"loss above c of a model trained on {name} alone", typical=(1e-6, 1e2))
        for name in names
    }

    def formula(self, *parts):
        above = 1.0
        for k, r in zip(alone, parts, strict=True):
            above = above * getattr(self, k) ** r
        return self.c + above

    return type("DataMixing", (Law,), {
        "__doc__": data_mixing.__doc__, "__module__": __name__, "inputs": shares, "shares": shares,
        "source": "Ye et al. 2024, arXiv:2403.16952", "formula": formula,
        "c": coef("loss that no mixture goes below", typical=(0.1, 10), unit="nats/token"), **alone,
    })  # fmt: skip

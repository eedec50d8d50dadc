"""Law families, one a file, and the laws that papers report."""

from collections.abc import Callable

from scaling.law import Coef, Law, coef
from scaling.laws.chinchilla import Chinchilla
from scaling.laws.coupled_chinchilla import CoupledChinchilla
from scaling.laws.data_constrained import DataConstrained
from scaling.laws.data_mixing import data_mixing
from scaling.laws.data_utility import DataUtility
from scaling.laws.exponential_decay import ExponentialDecay
from scaling.laws.kaplan import Kaplan
from scaling.laws.over_trained import DownstreamError, OverTrained
from scaling.laws.power_law import PowerLaw, PowerLawPlusConstant
from scaling.laws.presets import Published, published, published_names
from scaling.laws.vocabulary import Vocabulary

FAMILIES: dict[str, type[Law]] = {
    family.__name__: family
    for family in (
        PowerLaw, PowerLawPlusConstant, Chinchilla, CoupledChinchilla, Kaplan, OverTrained,
        DataConstrained, DownstreamError, DataUtility, ExponentialDecay, Vocabulary,
    )
}  # fmt: skip
# Families of as many coefficients as asked for; each makes one without arguments too.
FACTORIES: dict[str, Callable[..., type[Law]]] = {"data_mixing": data_mixing}

__all__ = [
    "FACTORIES",
    "FAMILIES",
    "Chinchilla",
    "Coef",
    "CoupledChinchilla",
    "DataConstrained",
    "DataUtility",
    "DownstreamError",
    "ExponentialDecay",
    "Kaplan",
    "Law",
    "OverTrained",
    "PowerLaw",
    "PowerLawPlusConstant",
    "Published",
    "Vocabulary",
    "coef",
    "data_mixing",
    "published",
    "published_names",
]

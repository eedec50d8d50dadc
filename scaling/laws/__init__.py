"""Law families, one a file, and the laws that papers report."""

from scaling.law import Coef, Law, coef
from scaling.laws.chinchilla import Chinchilla
from scaling.laws.coupled_chinchilla import CoupledChinchilla
from scaling.laws.data_constrained import DataConstrained
from scaling.laws.kaplan import Kaplan
from scaling.laws.over_trained import DownstreamError, OverTrained
from scaling.laws.power_law import PowerLaw, PowerLawPlusConstant
from scaling.laws.presets import Published, published, published_names

FAMILIES: dict[str, type[Law]] = {
    family.__name__: family
    for family in (
        PowerLaw, PowerLawPlusConstant, Chinchilla, CoupledChinchilla, Kaplan, DataConstrained,
        OverTrained, DownstreamError,
    )
}  # fmt: skip

__all__ = [
    "FAMILIES",
    "Chinchilla",
    "Coef",
    "CoupledChinchilla",
    "DataConstrained",
    "DownstreamError",
    "Kaplan",
    "Law",
    "OverTrained",
    "PowerLaw",
    "PowerLawPlusConstant",
    "Published",
    "coef",
    "published",
    "published_names",
]

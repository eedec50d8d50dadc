"""Published laws of repeated data, and the law of fresh data that they rest on."""

from __future__ import annotations

from math import exp

from scaling.cost import SIX_ND
from scaling.laws.chinchilla import Chinchilla
from scaling.laws.data_constrained import DataConstrained
from scaling.laws.presets.preset import CODE, Maker, Published, later

__all__ = ["MAKERS"]

_SOURCE = "Muennighoff et al. 2023, arXiv:2305.16264"
_FRESH = {"params": "params", "tokens": "tokens", "loss": "loss"}
_REPEATED = {**_FRESH, "unique_tokens": "unique_tokens"}
_RANGES = {"params": (7.1e6, 8.67e9), "tokens": (1e8, 9e11), "unique_tokens": (1e8, 1.78e11)}
_FLAT_VALLEY = (
    "The 182 runs say of R_D little more than that it is above 8 (their objective is lower at R_D "
    "95, R_N 1.7). 48 runs whose loss more epochs or params raised were left out: no law of this "
    "form says when text is overfitted."
)
_READ_OFF = (
    "Fitted to 54 points of Hoffmann et al. 2022, and printed with few digits; the authors' own 29 "
    "runs that saw each token once lie 6% to 43% above it."
)


def _tied() -> DataConstrained:
    return DataConstrained(E=exp(0.6254804), A=exp(6.255414), B=exp(7.3049974), alpha=0.3526596,
                           beta=0.3526596, R_D=15.387756, R_N=5.309743)  # fmt: skip


def _untied() -> Chinchilla:
    return Chinchilla(E=exp(0.63032), A=exp(5.9577), B=exp(7.9145), alpha=0.33480, beta=0.38289)


MAKERS: dict[str, Maker] = {
    "muennighoff-2023": later(
        lambda: Published("muennighoff-2023", _tied(), _REPEATED, SIX_ND, _RANGES,
                          f"{_SOURCE}, eqs. 5-6 and 16-20", CODE, _FLAT_VALLEY)),
    "muennighoff-2023-untied": later(
        lambda: Published("muennighoff-2023-untied", _untied(), _FRESH, SIX_ND, {},
                          f"{_SOURCE}, C4 without equal exponents", CODE, _READ_OFF)),
}  # fmt: skip

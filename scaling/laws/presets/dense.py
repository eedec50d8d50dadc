"""Published laws of params and tokens, each token seen once."""

from __future__ import annotations

from scaling.cost import SIX_ND
from scaling.laws.chinchilla import Chinchilla
from scaling.laws.coupled_chinchilla import CoupledChinchilla
from scaling.laws.kaplan import Kaplan
from scaling.laws.presets.preset import CODE, PAPER, QUOTED, REFITTED, Maker, Published, later

__all__ = ["MAKERS"]

_HOFFMANN = "Hoffmann et al. 2022, arXiv:2203.15556"
_BESIROGLU = "Besiroglu et al. 2024, arXiv:2404.10102"
_CHINCHILLA_RANGES = {"params": (70e6, 16e9), "tokens": (5e9, 500e9), "compute": (6e18, 3e21)}
_KAPLAN_RANGES = {"params_non_embedding": (768.0, 1.5e9), "tokens": (22e6, 23e9)}
_TOTAL = {"params": "params", "tokens": "tokens", "loss": "loss"}
_NON_EMBEDDING = {"params": "params_non_embedding", "tokens": "tokens", "loss": "loss"}


def _chinchilla(
    name: str, evidence: str, source: str, caution: str = "", **coefs: float
) -> Published:
    law = Chinchilla(**coefs)
    return Published(name, law, _TOTAL, SIX_ND, _CHINCHILLA_RANGES, source, evidence, caution)


def _kaplan_joint() -> Published:
    law = Kaplan(Nc=6.4e13, Dc=1.8e13, alpha_N=0.076, alpha_D=0.103)
    caution = (
        "Tokens are distinct tokens seen until early stopping, over many epochs, so compute is "
        "not 6 N D and no compute-optimal size follows from this law."
    )
    source = "Kaplan et al. 2020, arXiv:2001.08361, table 2"
    return Published(
        "kaplan-2020-joint", law, _NON_EMBEDDING, None, _KAPLAN_RANGES, source, PAPER, caution
    )


MAKERS: dict[str, Maker] = {
    "hoffmann-2022-rounded": later(
        _chinchilla, "hoffmann-2022-rounded", QUOTED, f"{_HOFFMANN}, eq. 10",
        "Rounding moves the best size at 5.76e23 FLOPs from 40B to 32B; prefer the unrounded law.",
        E=1.69, A=406.4, B=410.7, alpha=0.34, beta=0.28),
    "hoffmann-2022": later(
        _chinchilla, "hoffmann-2022", CODE, f"{_HOFFMANN}, eq. 10, unrounded in its TeX source",
        "The optimiser stopped early: on the published runs this law's objective is 21% above "
        "the minimum (Besiroglu et al. 2024).",
        E=1.69337368, A=406.401018, B=410.722827, alpha=0.33917084, beta=0.2849083),
    "besiroglu-2024": later(
        _chinchilla, "besiroglu-2024",
        f"{REFITTED}; the printed numbers are its least-absolute limit", f"{_BESIROGLU}, table 1",
        E=1.8172, A=482.01, B=2085.43, alpha=0.3478, beta=0.3658),
    "busbridge-2025": later(
        Published, "busbridge-2025",
        CoupledChinchilla(E=1.220, A=3355, B=18186, alpha=0.408, beta=0.431, gamma=0.452),
        _TOTAL, SIX_ND, {}, "Busbridge et al. 2025, arXiv:2502.08606, supervised law", QUOTED),
    "kaplan-2020-joint": _kaplan_joint,
}  # fmt: skip

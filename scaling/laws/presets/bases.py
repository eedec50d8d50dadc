"""Published best sizes and settings that count otherwise: MiniCPM and DeepSeek LLM."""

from __future__ import annotations

from scaling.columns import FLOPS_PER_TOKEN
from scaling.cost import SIX_ND, Cost
from scaling.laws.power_law import PowerLaw
from scaling.laws.presets.preset import PAPER, Maker, Published, later

__all__ = ["MAKERS"]

_HU = "Hu et al. 2024, arXiv:2404.06395, sec. 4.4"
_BI = "Bi et al. 2024, arXiv:2401.02954"
_MD = Cost(factor=1.0, name="MD", sizes=(FLOPS_PER_TOKEN,))
_SEARCHED, _ISOFLOP = (1e17, 2e19), (1e17, 3e20)  # FLOPs of DeepSeek's runs
# MiniCPM: N/D = K^2 (C/6)^eta of its average task, where N and D are in billions.
_K_SQUARED, _ETA, _BILLION = 0.01, -0.10, 1e9


def _minicpm() -> Published:
    """Best size from the ratio: with N D = C / 6, N is the root of ratio times C / 6."""
    exponent = (1 + _ETA) / 2
    prefactor = _BILLION * _K_SQUARED**0.5 * (6 * _BILLION**2) ** -exponent
    return Published(
        "hu-2024-size", PowerLaw(A=prefactor, alpha=-exponent),
        {"x": "compute", "loss": "params_non_embedding"}, SIX_ND, {}, _HU, PAPER,
        "The paper prints the ratio N/D = .01 (C/6)^-.10, which holds with params and tokens in "
        "billions only, and with one digit: 192 tokens per param on average.",
    )  # fmt: skip


def _deepseek(
    name: str, target: str, coefficient: float, exponent: float, place: str,
    compute: tuple[float, float],
) -> Published:  # fmt: skip
    return Published(
        name, PowerLaw(A=coefficient, alpha=-exponent), {"x": "compute", "loss": target}, _MD,
        {"compute": compute}, f"{_BI}, {place}", PAPER,
        "Compute is M D, where M is the training FLOPs of one token without those of embeddings; "
        "scaling.counting.flops_per_token gives it.",
    )  # fmt: skip


def _bi(name: str, target: str, coefficient: float, exponent: float, place: str,
        compute: tuple[float, float]) -> tuple[str, Maker]:  # fmt: skip
    return name, later(_deepseek, name, target, coefficient, exponent, place, compute)


MAKERS: dict[str, Maker] = {
    "hu-2024-size": _minicpm,
    **dict([
        _bi("bi-2024-learning-rate", "learning_rate", 0.3118, -0.1250, "eq. 1", _SEARCHED),
        _bi("bi-2024-batch", "batch_size", 0.2920, 0.3271, "eq. 1", _SEARCHED),
        _bi("bi-2024-size", FLOPS_PER_TOKEN, 0.1715, 0.5243, "eq. 4", _ISOFLOP),
        _bi("bi-2024-tokens", "tokens", 5.8316, 0.4757, "eq. 4", _ISOFLOP),
    ]),
}  # fmt: skip

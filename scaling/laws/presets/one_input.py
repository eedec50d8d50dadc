"""Published laws of one input, and of the best size or tokens for a compute."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scaling.cost import SIX_ND
from scaling.laws.power_law import PowerLaw, PowerLawPlusConstant
from scaling.laws.presets.preset import CODE, PAPER, QUOTED, REFITTED, Maker, Published, later

__all__ = ["MAKERS"]

_FLOPS_PER_PF_DAY = 8.64e19
_KAPLAN_RANGES = {"params_non_embedding": (768.0, 1.5e9), "tokens": (22e6, 23e9)}
_HOFFMANN = "Hoffmann et al. 2022, arXiv:2203.15556"


def _one_input(
    name: str, column: str, scale: float, exponent: float, source: str, *,
    constant: float = 0.0, target: str = "loss", ranges: Mapping[str, tuple[float, float]] = {},
    caution: str = "", evidence: str = PAPER,
) -> Published:  # fmt: skip
    """Law ``constant + (x / scale)**-exponent``; scales of compute are in PF-days."""
    unit = _FLOPS_PER_PF_DAY if column == "compute" else 1.0
    prefactor = (scale * unit) ** exponent
    law = (
        PowerLawPlusConstant(E=constant, A=prefactor, alpha=exponent)
        if constant
        else PowerLaw(A=prefactor, alpha=exponent)
    )
    columns = {"x": column, "loss": target}
    return Published(name, law, columns, None, ranges, source, evidence, caution)


# Henighan et al. 2020, table 1: constant, scale and exponent of L(N) and L(C), then scale and
# exponent of the best size N(C). N counts no embeddings; scales of C are in PF-days.
_HENIGHAN = {
    "language": ((0.0, 1.47e14, 0.070), (0.0, 3.47e8, 0.048), (3.3e-13, 0.73)),
    "image-8x8": ((3.12, 8.0e1, 0.24), (3.13, 1.8e-8, 0.19), (5.3e-14, 0.64)),
    "image-16x16": ((2.64, 2.8e2, 0.22), (2.64, 1.6e-8, 0.16), (4.8e-12, 0.75)),
    "image-32x32": ((2.20, 6.3e1, 0.13), (2.21, 3.6e-9, 0.1), (1.6e-13, 0.65)),
    "image-vq-16x16": ((3.99, 2.7e4, 0.13), (4.09, 6.1e-7, 0.11), (6.2e-14, 0.64)),
    "image-vq-32x32": ((3.07, 1.9e4, 0.14), (3.17, 2.6e-6, 0.12), (9.4e-13, 0.7)),
    "text-to-image-text": ((0.0, 5.6e8, 0.037), None, None),
    "text-to-image-image": ((2.0, 5.1e3, 0.16), (1.93, 1.5e-6, 0.15), (9.4e-13, 0.7)),
    "image-to-text-text": ((0.0, 7.0e8, 0.039), None, None),
    "image-to-text-image": ((2.0, 5.5e3, 0.15), (1.97, 1.5e-6, 0.16), (3.3e-12, 0.72)),
    "video-vq-16x16x16": ((1.01, 3.7e4, 0.24), (0.95, 2.2e-5, 0.14), (1.13e-12, 0.71)),
    "math": ((0.28, 1.1e4, 0.16), (0.14, 1.4e-5, 0.17), (2.3e-12, 0.69)),
}
_HENIGHAN_SOURCE = "Henighan et al. 2020, arXiv:2010.14701, table 1"
_ALLOCATION_CAUTION = (
    "The exponent of the best size was found with a schedule and counting that later work "
    "corrected (Porian et al. 2024)."
)

_LIU_CAUTION = (
    "The unit of compute, PF-days, is inferred, and exponents have three decimals: enough for what "
    "one optimizer is worth near the runs, too few for where the two would cross."
)


def _henighan() -> dict[str, Maker]:
    made: dict[str, Maker] = {}
    for domain, (by_params, by_compute, best_size) in _HENIGHAN.items():
        rows: list[tuple[str, str, str, tuple[float, ...] | None, str]] = [
            ("params", "params_non_embedding", "loss", by_params, ""),
            ("compute", "compute", "loss", by_compute, ""),
            ("size", "compute", "params_non_embedding",
             best_size and (0.0, best_size[0], -best_size[1]), _ALLOCATION_CAUTION),
        ]  # fmt: skip
        for suffix, column, target, numbers, caution in rows:
            if numbers is None:
                continue
            constant, scale, exponent = numbers
            name = f"henighan-2020-{domain}-{suffix}"
            made[name] = later(
                _one_input, name, column, scale, exponent, _HENIGHAN_SOURCE,
                constant=constant, target=target, caution=caution,
            )  # fmt: skip
    return made


def _kaplan(name: str, *args: Any, place: str, **kwargs: Any) -> Maker:
    source = f"Kaplan et al. 2020, arXiv:2001.08361, {place}"
    return later(_one_input, name, *args, source, ranges=_KAPLAN_RANGES, **kwargs)


def _liu(optimizer: str, coefficient: float, exponent: float) -> Maker:
    return later(
        _one_input, f"liu-2025-{optimizer}", "compute", coefficient ** (1 / exponent), exponent,
        "Liu et al. 2025, arXiv:2502.16982, table 3", evidence=QUOTED, caution=_LIU_CAUTION,
    )  # fmt: skip


def _stated(name: str, target: str, coefficient: float, exponent: float, *told: str) -> Published:
    """Best params or tokens as ``coefficient * compute**exponent``."""
    columns = {"x": "compute", "loss": target}
    law = PowerLaw(A=coefficient, alpha=-exponent)
    return Published(name, law, columns, SIX_ND, {}, *told)


MAKERS: dict[str, Maker] = {
    "hoffmann-2022-approach-1": later(
        _stated, "hoffmann-2022-approach-1", "params", 0.099159, 0.49810,
        f"{_HOFFMANN}, line through the logs of table 3", PAPER),
    "hoffmann-2022-approach-2": later(
        _stated, "hoffmann-2022-approach-2", "params", 0.144877, 0.48994,
        f"{_HOFFMANN}, line through the logs of table A3", PAPER),
    "grattafiori-2024-tokens": later(
        _stated, "grattafiori-2024-tokens", "tokens", 0.299, 0.537,
        "Grattafiori et al. 2024, arXiv:2407.21783, figure 3", REFITTED,
        "The text of section 3.2.1 prints .53 and .29, which are cut off: they give 10.5T tokens "
        "at 3.8e25 FLOPs where the paper says 16.55T."),
    "porian-2024-size": later(
        _stated, "porian-2024-size", "params_without_input_embedding", 0.1189, 0.497,
        "Porian et al. 2024, arXiv:2406.19146, RefinedWeb, tuned, no decay", CODE),
    "kaplan-2020-params": _kaplan(
        "kaplan-2020-params", "params_non_embedding", 8.8e13, 0.076, place="table 5"),
    "kaplan-2020-tokens": _kaplan(
        "kaplan-2020-tokens", "tokens", 5.4e13, 0.095, place="table 5"),
    "kaplan-2020-compute-naive": _kaplan(
        "kaplan-2020-compute-naive", "compute", 1.6e7, 0.057, place="table 5"),
    "kaplan-2020-compute": _kaplan(
        "kaplan-2020-compute", "compute", 3.1e8, 0.050, place="table 5",
        caution="Compute is the least that would have reached the loss, at a batch far below "
        "the critical one."),
    "kaplan-2020-size": _kaplan(
        "kaplan-2020-size", "compute", 1.3e9 ** (-1 / 0.73), -0.73, place="table 6",
        target="params_non_embedding", caution=_ALLOCATION_CAUTION),
    "kaplan-2020-size-naive": _kaplan(
        "kaplan-2020-size-naive", "compute", 1.6e9 ** (-1 / 0.88), -0.88, place="figure 14",
        target="params_non_embedding", caution=_ALLOCATION_CAUTION, evidence=QUOTED),
    "kaplan-2020-batch": _kaplan(
        "kaplan-2020-batch", "compute", 2.0e6 ** (-1 / 0.24), -0.24, place="table 6",
        target="batch_size", caution="The critical batch; training at it costs twice the least "
        "compute and twice the fewest steps."),
    "kaplan-2020-steps": _kaplan(
        "kaplan-2020-steps", "compute", 5.4e3 ** (-1 / 0.03), -0.03, place="table 6",
        target="steps", caution="The fewest steps, at a batch far above the critical one."),
    "kaplan-2020-data": _kaplan(
        "kaplan-2020-data", "compute", 2e10 ** (-1 / 0.27), -0.27, place="table 6",
        target="tokens", caution=_ALLOCATION_CAUTION),
    "liu-2025-muon": _liu("muon", 2.506, 0.052),
    "liu-2025-adamw": _liu("adamw", 2.608, 0.054),
    **_henighan(),
}  # fmt: skip

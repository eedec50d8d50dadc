"""Published laws of over-trained models: their loss, and the error of tasks it leads to."""

from __future__ import annotations

from scaling.columns import RATIO
from scaling.cost import SIX_ND
from scaling.laws.chinchilla import Chinchilla
from scaling.laws.over_trained import DownstreamError, OverTrained
from scaling.laws.presets.preset import QUOTED, REFITTED, Maker, Published, later

__all__ = ["MAKERS"]

_GADRE = "Gadre et al. 2024, arXiv:2403.08540"
_TOTAL = {"params": "params", "tokens": "tokens", "loss": "loss"}
_RANGES = {
    "params": (10.57e6, 411.6e6), "tokens": (211e6, 8.23e9), "compute": (1.34e16, 2.03e19),
    RATIO: (20.0, 320.0),
}  # fmt: skip
_LOSS_CAUTION = (
    "Four coefficients rest on five runs, and the best tokens per param lie below all of them. "
    "Coefficients are the paper's, with the digits that its table cuts off."
)

# Training set: its loss law, then by number of tasks the error law and the losses of its runs.
_SETS = {
    "c4": ((1.50826, 141.277, 189.516, 0.121236), (2.66, 5.22),
           {17: (0.84974, 2.0789, 0.756119), 46: (0.75895, 1.28851, 0.972164)}),
    "redpajama": ((1.83665, 212.236, 366.687, 0.136425), (2.77, 5.39),
                  {17: (0.85699, 2.20649, 0.714591), 46: (0.76085, 1.32291, 0.890710)}),
    "refinedweb": ((1.73446, 157.116, 246.207, 0.127197), (2.76, 5.27),
                   {17: (0.86528, 2.21482, 0.707049), 46: (0.76768, 1.12808, 0.821523)}),
}  # fmt: skip

# Most tokens per param of the runs: E, A, B, alpha, beta. The law of those up to 100 is not here:
# its constant, .17, is below any that a loss of text has been found to have.
_SARDANA = {
    "250": (250.0, (0.98, 14.23, 39.54, 0.13, 0.16)),
    "500": (500.0, (0.95, 17.07, 35.80, 0.13, 0.16)),
    "all": (10_000.0, (1.45, 33.66, 138.9, 0.18, 0.24)),
}


def _gadre() -> dict[str, Maker]:
    made: dict[str, Maker] = {}
    for trained_on, ((E, a, b, eta), losses, errors) in _SETS.items():
        name = f"gadre-2024-{trained_on}"
        law = OverTrained(E=E, a=a, b=b, eta=eta)
        made[name] = later(
            Published, name, law, _TOTAL, SIX_ND, _RANGES, f"{_GADRE}, table of coefficients",
            REFITTED, _LOSS_CAUTION)  # fmt: skip
        for tasks, (epsilon, k, gamma) in errors.items():
            named = f"{name}-error-{tasks}"
            made[named] = later(
                Published, named, DownstreamError(epsilon=epsilon, k=k, gamma=gamma),
                {"loss": "loss", "error": "error"}, None, {"loss": losses},
                f"{_GADRE}, mean top-1 error of {tasks} tasks", REFITTED,
                "The loss is that on C4's validation set, whatever was trained on, and three "
                "coefficients rest on six runs.")  # fmt: skip
    return made


def _sardana(name: str, most: float, E: float, A: float, B: float, alpha: float, beta: float
             ) -> Published:  # fmt: skip
    law = Chinchilla(E=E, A=A, B=B, alpha=alpha, beta=beta)
    caution = (
        f"Fitted to runs of up to {most:,.0f} tokens per param, with exponents of two digits. The "
        "fewer those tokens, the more a law makes further ones look worth."
    )
    return Published(name, law, _TOTAL, SIX_ND, {"params": (150e6, 6e9), RATIO: (10.0, most)},
                     "Sardana et al. 2024, arXiv:2401.00448, table 1", QUOTED, caution)  # fmt: skip


MAKERS: dict[str, Maker] = {
    **_gadre(),
    **{f"sardana-2024-{runs}": later(_sardana, f"sardana-2024-{runs}", most, *coefs)
       for runs, (most, coefs) in _SARDANA.items()},
}  # fmt: skip

"""Decisions from a law: best allocations, what a loss costs, what each size costs."""

from scaling.frontier.optimal import Frontier, compute_optimal
from scaling.frontier.sizes import Regret, regret
from scaling.frontier.targets import required

__all__ = ["Frontier", "Regret", "compute_optimal", "regret", "required"]

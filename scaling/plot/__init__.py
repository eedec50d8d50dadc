"""Figures of finished answers: each draws a table on Axes and returns the Axes."""

from scaling.plot.draws import pairs
from scaling.plot.filtering import pools
from scaling.plot.fits import fit
from scaling.plot.forecasts import forecast
from scaling.plot.frontiers import frontier
from scaling.plot.held_out import backtest
from scaling.plot.mixtures import mixture
from scaling.plot.profiles import profile
from scaling.plot.ratios import over_training
from scaling.plot.recipes import crossover, multiplier
from scaling.plot.shrinks import shrink
from scaling.plot.sizes import regret
from scaling.plot.surfaces import surface
from scaling.plot.sweeps import sweep
from scaling.plot.tornado import audit
from scaling.plot.valleys import isoflop
from scaling.plot.vocabularies import vocabulary

__all__ = [
    "audit",
    "backtest",
    "crossover",
    "fit",
    "forecast",
    "frontier",
    "isoflop",
    "mixture",
    "multiplier",
    "over_training",
    "pairs",
    "pools",
    "profile",
    "regret",
    "shrink",
    "surface",
    "sweep",
    "vocabulary",
]

"""The measured sweep inside the package: small language models, trained for it."""

from __future__ import annotations

from importlib import resources

import pandas as pd

from scaling.runs.reading import read_runs

__all__ = ["sweep_curves", "sweep_runs"]

_OF_A_RUN = ["run", "arm", "params"]


def sweep_runs() -> pd.DataFrame:
    """Finished runs of the sweep, one row each."""
    with resources.files("scaling.datasets").joinpath("sweep.csv").open("rb") as file:
        return read_runs(pd.read_csv(file))


def sweep_curves() -> pd.DataFrame:
    """Validation loss along the training of every run, with the run's arm and params."""
    with resources.files("scaling.datasets").joinpath("sweep_curves.csv.gz").open("rb") as file:
        curves = pd.read_csv(file, compression="gzip")
    return sweep_runs()[_OF_A_RUN].merge(curves, on="run", validate="one_to_many")

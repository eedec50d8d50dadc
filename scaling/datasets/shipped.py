"""The measured sweep inside the package: small language models, trained for it."""

from __future__ import annotations

from importlib import resources

import pandas as pd

from scaling.runs.reading import read_runs

__all__ = ["measured_curves", "measured_runs", "written_forecasts"]

_OF_A_RUN = [  # what tells whose curves may be read together
    "run", "arm", "params", "tokenizer", "schedule", "batch_size", "seed", "unique_tokens",
]  # fmt: skip


def measured_runs() -> pd.DataFrame:
    """Finished runs of the sweep, one row each."""
    with resources.files("scaling.datasets").joinpath("sweep.csv").open("rb") as file:
        return read_runs(pd.read_csv(file))


def measured_curves() -> pd.DataFrame:
    """Validation loss along the training of every run, with the run's arm and params."""
    with resources.files("scaling.datasets").joinpath("sweep_curves.csv.gz").open("rb") as file:
        curves = pd.read_csv(file, compression="gzip")
    return measured_runs()[_OF_A_RUN].merge(curves, on="run", validate="one_to_many")


def written_forecasts() -> pd.DataFrame:
    """What was forecast of the big run before it was trained, one row a way of forecasting."""
    with resources.files("scaling.datasets").joinpath("sweep_forecast.csv").open("rb") as file:
        return pd.read_csv(file)

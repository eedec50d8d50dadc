"""The measured sweep that comes inside the package: small language models, trained for it."""

from __future__ import annotations

import io
from importlib import resources

import pandas as pd

from scaling.errors import one_of
from scaling.runs.reading import read_runs

__all__ = ["ARMS", "sweep_curves", "sweep_rows"]

ARMS = (
    "isoflop", "learning-rate", "rate-and-batch", "repetition", "schedules", "seeds", "vocabulary",
)  # fmt: skip


def sweep_rows(rows: str) -> pd.DataFrame:
    """Runs of one arm of the sweep, or all."""
    runs = read_runs(pd.read_csv(io.BytesIO(_content("sweep.csv"))))
    if one_of("rows", rows, ("all", *ARMS, "big")) == "all":
        return runs
    return runs[runs["arm"] == rows].reset_index(drop=True)


def sweep_curves() -> pd.DataFrame:
    """Validation loss of every run of the sweep along its training."""
    return pd.read_csv(io.BytesIO(_content("sweep_curves.csv.gz")), compression="gzip")


def _content(name: str) -> bytes:
    return resources.files("scaling.datasets").joinpath(name).read_bytes()

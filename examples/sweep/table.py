"""The tables that ship, from the log: ``python table.py`` writes them to ``scaling/datasets``."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path

import pandas as pd
from forecast import FORECAST
from sweep import LOG, finished
from tokens import BYTES
from train import WARMUP

HERE = Path(__file__).parent
SHIPPED = HERE.parents[1] / "scaling" / "datasets"
COLUMNS = (
    "run", "arm", "params", "params_embedding", "params_non_embedding", "tokens", "unique_tokens",
    "compute", "compute_exact", "loss", "loss_nats_per_byte", "unigram_loss", "vocab_size",
    "tokenizer", "bytes_per_token", "learning_rate", "batch_size",
    "steps", "schedule", "lr_final_fraction", "warmup_tokens", "seed", "width", "layers", "heads",
    "context_length", "validation_set", "seconds", "threads", "device",
)  # fmt: skip
CURVE = ("run", "step", "tokens", "learning_rate_now", "loss", "training_loss", "validation_set")
HELD_OUT = "linux-source-6.1 held-out files"
FINAL = {"cosine": 0.0, "wsd": 0.0, "constant": 1.0}  # last learning rate over the highest
DIGITS = 7


def runs_table(log: Path = LOG) -> pd.DataFrame:
    """One row a finished run, in the order of the arms and the names of the runs."""
    runs = finished(log)
    runs["tokenizer"] = [f"bpe-{v}" if v != BYTES else "bytes" for v in runs["vocab_size"]]
    runs["lr_final_fraction"] = runs["schedule"].map(FINAL)
    warm = (WARMUP * runs["steps"]).round().clip(lower=1).astype(int)
    runs["warmup_tokens"] = warm * runs["batch_size"]
    runs["validation_set"] = HELD_OUT
    return runs.sort_values(["arm", "run"], ignore_index=True)[list(COLUMNS)]


def curves_table(log: Path = LOG) -> pd.DataFrame:
    """One row a point of a training curve."""
    runs = finished(log).sort_values(["arm", "run"])
    rows = [{"run": run.run, **point} for run in runs.itertuples() for point in run.curve]
    curves = pd.DataFrame(rows).rename(columns={"learning_rate": "learning_rate_now"})
    return curves.assign(validation_set=f"{HELD_OUT}, first eighth")[list(CURVE)]


def forecast_table() -> pd.DataFrame:
    """One row a way in which the big run was forecast."""
    said = json.loads(FORECAST.read_text())
    model = {name: said[name] for name in ("params", "tokens", "compute", "level")}
    return pd.DataFrame([{"by": by, **model, **row} for by, row in said["forecasts"].items()])


def text_of(table: pd.DataFrame) -> str:
    """Table as CSV, floats to the digits that mean something."""
    return table.to_csv(index=False, float_format=f"%.{DIGITS}g", lineterminator="\n")


def packed(text: str) -> bytes:
    """Text as gzip, the same bytes each time."""
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, mtime=0) as file:
        file.write(text.encode())
    return buffer.getvalue()


if __name__ == "__main__":
    (SHIPPED / "sweep.csv").write_text(text_of(runs_table()), encoding="utf-8")
    (SHIPPED / "sweep_forecast.csv").write_text(text_of(forecast_table()), encoding="utf-8")
    (SHIPPED / "sweep_curves.csv.gz").write_bytes(packed(text_of(curves_table())))

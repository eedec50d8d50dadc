"""Say what a run with ten times the compute will reach, before it is trained.

``python forecast.py WORK`` reads the finished runs, chooses the model for that compute, and writes
``forecast.json`` beside this file. ``python sweep.py WORK big`` then trains what is written there.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import plan
from sweep import LOG, corpus_facts, finished

import scaling
from scaling.laws import Chinchilla

FORECAST = Path(__file__).with_name("forecast.json")
LEVEL = 0.9


def fitted_runs(log: Path = LOG) -> Any:
    """Runs the forecast rests on: the IsoFLOP arm, which is all of one recipe."""
    done = finished(log)
    runs = done[done["arm"] == "isoflop"]
    return scaling.read_runs(runs[["run", "params", "tokens", "compute", "loss"]])


def forecast(unique_tokens: int) -> dict[str, Any]:
    """The chosen model and what is forecast of it: by the ensemble, and by others beside it."""
    runs = fitted_runs()
    compute = plan.FORECAST_FACTOR * plan.BUDGETS[-1]
    laws = scaling.ensemble(runs)
    sizes = {
        "ensemble": scaling.compute_optimal(laws, compute),
        "isoflop": scaling.isoflop(runs).at(compute),
    }
    best = sizes["ensemble"].table.iloc[0]
    shape = min(plan.SHAPES, key=lambda one: abs(np.log(plan.size(one) / best["params"])))
    params = plan.size(shape)
    tokens = round(compute / (6 * params))
    if tokens > plan.UNIQUE_SHARE * unique_tokens:
        raise SystemExit(f"{params} params at {compute:g} FLOPs need {tokens} tokens; at most "
                         f"{plan.UNIQUE_SHARE:.0%} of {unique_tokens} are allowed.")  # fmt: skip
    sources = {"ensemble": laws, "Chinchilla": scaling.fit(Chinchilla, runs)}
    said = {name: _row(one, params, tokens) for name, one in sources.items()}
    ends = ("params", "params_low", "params_high")
    return {
        "runs": len(runs), "largest compute": float(runs["compute"].max()), "compute": compute,
        "unique tokens": unique_tokens, "share of unique tokens": tokens / unique_tokens,
        "best params": {
            name: {end: float(one.table[end].iloc[0]) for end in ends}
            for name, one in sizes.items()},
        "width": shape[0], "layers": shape[1], "params": params, "tokens": tokens, "level": LEVEL,
        "forecasts": said,
    }  # fmt: skip


def _row(source: Any, params: int, tokens: int) -> dict[str, float]:
    row = source.forecast(params=params, tokens=tokens, level=LEVEL).table.iloc[0]
    return {name: float(row[name]) for name in (
        "loss", "loss_low", "loss_high", "next_run_low", "next_run_high", "beyond")}  # fmt: skip


def main(arguments: Sequence[str]) -> None:
    """Write the forecast, in place of one that is there."""
    if len(arguments) != 1:
        raise SystemExit("Say: python forecast.py WORK, the folder of corpus.py.")
    size = corpus_facts(Path(arguments[0]))["bytes"]
    FORECAST.write_text(json.dumps(forecast(size), indent=1) + "\n")
    print(FORECAST.read_text())


if __name__ == "__main__":
    main(sys.argv[1:])

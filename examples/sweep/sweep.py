"""Train the sweep: ``python sweep.py WORK [ARM ...]``; killed, it goes on where it stopped.

``WORK`` is the folder of ``corpus.py``. Every finished run is one line of ``runs.jsonl`` beside
this file. ``python sweep.py WORK calibrate`` measures how fast each shape trains, from which the
time left is told.
"""

from __future__ import annotations

import json
import math
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path

import pandas as pd
import plan
import torch
from tokens import BYTES, encoded
from train import Run, train

LOG = Path(__file__).with_name("runs.jsonl")
CORPUS = Path(__file__).with_name("corpus.json")
SPEEDS = Path(__file__).with_name("calibration.json")
ARMS = (
    "learning-rate",
    "isoflop",
    "seeds",
    "schedules",
    "repetition",
    "vocabulary",
    "rate-and-batch",
)
CALIBRATED_STEPS = 30
UNMEASURED_SPEED = 1e10  # FLOPs per second, where nothing was calibrated


def finished(log: Path = LOG) -> pd.DataFrame:
    """Runs in the log, one row each, with ``compute`` by 6ND."""
    whole = log.read_text().split("\n")[:-1] if log.exists() else []
    records = [_record(line, number, log) for number, line in enumerate(whole, 1)]
    runs = pd.DataFrame(records or {"run": [], "arm": []})
    return runs.drop_duplicates("run", ignore_index=True)  # two sweeps may share a log


def _record(line: str, number: int, log: Path) -> dict:
    try:
        return json.loads(line)
    except json.JSONDecodeError:
        raise SystemExit(f"Line {number} of {log} is no record of a run; mend it.") from None


def append(record: dict, log: Path) -> None:
    """Add a line to the log, in place of one that a kill cut short."""
    whole = log.read_text().rpartition("\n") if log.exists() else ("", "", "")
    if whole[2]:
        log.write_text(whole[0] + whole[1])
    with log.open("a") as file:
        file.write(json.dumps(record) + "\n")


def planned(arm: str, work: Path, done: pd.DataFrame) -> list[Run]:
    """Runs of an arm, done or not."""
    if arm == "vocabulary":
        size = (work / "training.txt").stat().st_size
        return plan.vocabulary(done, lambda vocab: size / encoded(work, vocab)["training"].size)
    return getattr(plan, arm.replace("-", "_"))(done)


def lacking(runs: Sequence[Run], log: Path = LOG) -> list[Run]:
    """Runs that the log has not, longest first."""
    names = set(finished(log)["run"])
    return sorted((run for run in runs if run.name not in names), key=estimate, reverse=True)


def corpus_facts(work: Path) -> dict:
    """What ``corpus.py`` wrote down of the text in its folder."""
    try:
        return json.loads((work / "corpus.json").read_text())
    except OSError:
        raise SystemExit(f"{work} has no corpus.json; make it by corpus.py.") from None


def run_all(runs: Sequence[Run], work: Path, *, workers: int, log: Path = LOG) -> None:
    """Train what the log lacks, longest first, and append one line a finished run."""
    left = lacking(runs, log)
    needs = {run.name: estimate(run) for run in left}
    began, total = time.perf_counter(), sum(needs.values())
    spent = 0.0
    for count, record in enumerate(_records(left, work, workers), 1):
        append(record, log)
        spent += needs[record["run"]]
        passed = time.perf_counter() - began
        print(f"{count}/{len(left)} {record['run']} params {record['params']} loss "
              f"{record['loss']:.4f} in {record['seconds']:.0f} s; about "
              f"{passed * (total / spent - 1) / 60:.0f} min left", flush=True)  # fmt: skip


def _records(runs: Sequence[Run], work: Path, workers: int) -> Iterator[dict]:
    """Records of runs as they finish; what failed is raised when the others are done."""
    if torch.cuda.is_available():
        yield from (train(run, work, device="cuda") for run in runs)
        return
    for vocab_size in {run.vocab_size for run in runs}:
        encoded(work, vocab_size)
    fresh = multiprocessing.get_context("spawn")
    failed = []
    with ProcessPoolExecutor(workers, fresh, _begin_worker) as pool:
        for done in as_completed([pool.submit(train, run, work) for run in runs]):
            if done.exception() is None:
                yield done.result()
            else:
                failed.append(done.exception())
    if failed:
        raise failed[0]


def _begin_worker() -> None:
    """One core, and no life after the sweep."""
    torch.set_num_threads(1)
    threading.Thread(target=_end_with_the_sweep, daemon=True).start()


def _end_with_the_sweep() -> None:
    multiprocessing.parent_process().join()
    os._exit(1)


def estimate(run: Run) -> float:
    """Seconds a run takes, by the speed of the calibrated shape nearest in FLOPs a step."""
    speeds = json.loads(SPEEDS.read_text()) if SPEEDS.exists() else {"1": UNMEASURED_SPEED}
    each = math.log(run.flops / run.steps)
    near = min(speeds, key=lambda one: abs(math.log(float(one)) - each))
    return run.flops / speeds[near]


def calibrate(work: Path, workers: int) -> None:
    """Measure FLOPs per second of each shape, all workers at work."""
    speeds = {}
    for shape in plan.SHAPES:
        run = Run("calibration", *shape, BYTES, CALIBRATED_STEPS * plan.BATCH, 1e-3, plan.BATCH)
        both = list(_records([replace(run, seed=seed) for seed in range(workers)], work, workers))
        slowest = max(record["seconds"] for record in both)
        speeds[f"{run.flops / run.steps:.4g}"] = float(f"{run.flops / slowest:.3g}")
        print(
            f"{plan.size(shape)} params: {run.flops / slowest / 1e9:.1f} GFLOP/s a worker",
            flush=True,
        )
    SPEEDS.write_text(json.dumps(speeds, indent=1) + "\n")


def main(arguments: Sequence[str]) -> None:
    """Calibrate, or train the arms named, or all."""
    known = (*ARMS, "big", "calibrate")
    alone = "calibrate" not in arguments[1:] or len(arguments) == 2
    if not arguments or not set(arguments[1:]) <= set(known) or not alone:
        raise SystemExit(f"Say: python sweep.py WORK, and of {', '.join(known)} what to train; "
                         "calibrate by itself.")  # fmt: skip
    work, names = Path(arguments[0]), list(arguments[1:]) or list(ARMS)
    if corpus_facts(work) != json.loads(CORPUS.read_text()):
        raise SystemExit(f"{work} holds another text than {CORPUS}, whose runs the log has.")
    workers = 1 if torch.cuda.is_available() else multiprocessing.cpu_count()
    if names == ["calibrate"]:
        calibrate(work, workers)
        return
    for arm in names:
        runs = planned(arm, work, finished())
        left = lacking(runs)
        minutes = sum(map(estimate, left)) / workers / 60
        print(f"{arm}: {len(left)} of {len(runs)} runs to train, about {minutes:.0f} min",
              flush=True)  # fmt: skip
        run_all(runs, work, workers=workers)


if __name__ == "__main__":
    main(sys.argv[1:])

"""One run: a model trained from nothing, its validation loss along the way and at its end."""

from __future__ import annotations

import hashlib
import json
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from model import Transformer, counts
from numpy.typing import NDArray
from tokens import encoded, unigram_loss
from torch import Tensor
from torch.nn import functional

CONTEXT = 128
HEAD, NARROW = 16, 48  # channels
WARMUP = 0.05  # of the steps
DECAY = 0.2  # of the steps, under warmup-stable-decay
SCHEDULES = ("cosine", "wsd", "constant")
WEIGHT_DECAY, BETAS, CLIP = 0.1, (0.9, 0.95), 1.0
POINTS = 10  # of a curve, its last included
FIRST_POINT = 16  # steps
CURVE_TEXT = 1 / 8  # of the validation text, on which curves are measured
EVALUATED = 64  # sequences at once
ORDER = 20_260_101  # which text is the first of the unique tokens, alike for every run


@dataclass(frozen=True)
class Run:
    """The settings that differ between runs; two runs with the same are the same.

    The constants of this file and the text are alike for all runs of a log and not in their names:
    change one and start a new log.
    """

    arm: str
    width: int
    layers: int
    vocab_size: int
    tokens: int
    learning_rate: float
    batch_size: int  # tokens
    seed: int = 0
    unique_tokens: int | None = None  # None: no token twice
    schedule: str = "cosine"

    def __post_init__(self) -> None:
        """Refuse what cannot be trained as it is said."""
        wrong = [
            f"batch_size {self.batch_size} is no multiple of {CONTEXT}"
            if self.batch_size % CONTEXT or self.batch_size <= 0 else "",
            f"tokens {self.tokens} are less than a batch" if self.tokens < self.batch_size else "",
            f"unique_tokens {self.unique_tokens} is no multiple of {CONTEXT}"
            if self.unique_tokens is not None and (
                self.unique_tokens % CONTEXT or self.unique_tokens <= 0) else "",
            f"schedule {self.schedule!r} is none of {', '.join(SCHEDULES)}"
            if self.schedule not in SCHEDULES else "",
            f"width {self.width} gives {self.heads} heads no even number of channels"
            if self.heads < 1 or self.width % (2 * self.heads) else "",
        ]  # fmt: skip
        if any(wrong):
            raise ValueError(f"This run cannot be trained: {next(filter(None, wrong))}.")

    @property
    def name(self) -> str:
        """Short, stable name: a hash of all else."""
        facts = json.dumps(asdict(self), sort_keys=True)
        return f"{self.arm}-{hashlib.sha256(facts.encode()).hexdigest()[:8]}"

    @property
    def heads(self) -> int:
        """Heads of 16 channels, of about 8 in narrow models so that they too have several."""
        return self.width // HEAD if self.width >= NARROW else round(2 * self.width / HEAD)

    @property
    def steps(self) -> int:
        """Steps of a whole batch, at least one."""
        return max(round(self.tokens / self.batch_size), 1)

    @property
    def seen(self) -> int:
        """Tokens trained on: whole batches."""
        return self.steps * self.batch_size

    @property
    def flops(self) -> int:
        """FLOPs of training, exact: what the record calls ``compute_exact``."""
        return (
            self.seen * counts(self.vocab_size, self.width, self.layers, CONTEXT)["flops_per_token"]
        )


def rate(run: Run, step: int) -> float:
    """Learning rate of a step, over its highest."""
    warm = max(round(WARMUP * run.steps), 1)
    if step < warm:
        return (step + 1) / warm
    left = (run.steps - step) / max(run.steps - warm, 1)
    if run.schedule == "cosine":
        return 0.5 * (1 + math.cos(math.pi * (1 - left)))
    if run.schedule == "wsd":
        return min(1.0, (run.steps - step) / (DECAY * run.steps))
    return 1.0


def sequences(run: Run, size: int) -> NDArray[np.int64]:
    """Where each training sequence begins in the text, in the order of training.

    The text is cut into sequences once and shuffled alike for all runs; unique tokens are the
    first of that order. Each epoch is shuffled by the run's seed.
    """
    order = np.random.default_rng(ORDER).permutation((size - 1) // CONTEXT)
    needed = run.seen // CONTEXT
    unique = needed if run.unique_tokens is None else run.unique_tokens // CONTEXT
    if unique > order.size:
        raise ValueError(f"{run} needs {unique * CONTEXT} unique tokens; there are {size}.")
    shuffle = np.random.default_rng(run.seed)
    epochs = [shuffle.permutation(order[:unique]) for _ in range(-(-needed // unique))]
    return CONTEXT * np.concatenate(epochs)[:needed]


def points(steps: int) -> list[int]:
    """Steps after which the validation loss is taken, evenly spaced in their log."""
    first = min(FIRST_POINT, steps)
    return sorted({round(one) for one in np.geomspace(first, steps, POINTS)})


@torch.no_grad()
def validation_loss(model: Transformer, text: Tensor) -> float:
    """Mean loss of a text cut into whole contexts, in nats per token."""
    whole = (len(text) - 1) // CONTEXT * CONTEXT
    inputs = text[:whole].view(-1, CONTEXT)
    targets = text[1 : whole + 1].view(-1, CONTEXT)
    return (
        sum(
            functional.cross_entropy(model(x).flatten(0, 1), y.flatten(), reduction="sum").item()
            for x, y in zip(inputs.split(EVALUATED), targets.split(EVALUATED), strict=True)
        )
        / whole
    )


def train(run: Run, work: Path, *, device: str = "cpu") -> dict[str, Any]:
    """Return the record of a run: its settings, counts, losses, curve and wall time."""
    data = encoded(work, run.vocab_size)
    held_out = torch.from_numpy(data["validation"].astype(np.int64)).to(device)
    followed = held_out[: round(CURVE_TEXT * len(held_out))]
    if len(followed) <= CONTEXT:
        raise ValueError(f"{len(held_out)} validation tokens are too few: a curve is measured on "
                         f"{CURVE_TEXT:.0%} of them, and a context is {CONTEXT}.")  # fmt: skip
    torch.manual_seed(run.seed)
    model = Transformer(run.vocab_size, run.width, run.layers, run.heads, CONTEXT).to(device)
    optimizer = _optimizer(model, run)
    curve, recent, asked = [], [], set(points(run.steps))
    began, evaluating = time.perf_counter(), 0.0
    starts = sequences(run, data["training"].size).reshape(run.steps, -1)
    for step, begins in enumerate(starts):
        window = data["training"][begins[:, None] + np.arange(CONTEXT + 1)].astype(np.int64)
        recent.append(_step(model, optimizer, run, step, torch.from_numpy(window).to(device)))
        if step + 1 in asked:
            paused = time.perf_counter()
            point = {
                "step": step + 1, "tokens": (step + 1) * run.batch_size,
                "learning_rate": run.learning_rate * rate(run, step),
                "loss": validation_loss(model, followed),
                "training_loss": torch.stack(recent).mean().item(),
            }  # fmt: skip
            curve.append(point)
            recent = []
            evaluating += time.perf_counter() - paused
    seconds = time.perf_counter() - began - evaluating
    loss = validation_loss(model, held_out)
    if not math.isfinite(loss):
        raise ValueError(f"{run.name} diverged: {run}.")
    per_token = (work / "validation.txt").stat().st_size / len(held_out)
    counted = counts(run.vocab_size, run.width, run.layers, CONTEXT)
    return {
        "run": run.name, **asdict(run), "heads": run.heads, "steps": run.steps, "tokens": run.seen,
        "unique_tokens": min(run.unique_tokens or run.seen, run.seen), **counted,
        "compute": 6 * counted["params"] * run.seen, "compute_exact": run.flops,
        "loss": loss, "loss_nats_per_byte": loss / per_token,
        "unigram_loss": unigram_loss(data, run.vocab_size), "bytes_per_token": per_token,
        "context_length": CONTEXT, "seconds": round(seconds, 3),
        "threads": torch.get_num_threads(), "device": device, "torch": torch.__version__,
        "curve": curve,
    }  # fmt: skip


def _optimizer(model: Transformer, run: Run) -> torch.optim.Optimizer:
    """AdamW that decays matrices and leaves the gains of the norms."""
    matrices = [weight for weight in model.parameters() if weight.ndim > 1]
    gains = [weight for weight in model.parameters() if weight.ndim == 1]
    groups = [
        {"params": matrices, "weight_decay": WEIGHT_DECAY},
        {"params": gains, "weight_decay": 0},
    ]
    return torch.optim.AdamW(groups, lr=run.learning_rate, betas=BETAS, fused=True)


def _step(
    model: Transformer, optimizer: torch.optim.Optimizer, run: Run, step: int, text: Tensor
) -> Tensor:
    """Training loss of one batch, before the step it makes."""
    for group in optimizer.param_groups:
        group["lr"] = run.learning_rate * rate(run, step)
    loss = functional.cross_entropy(model(text[:, :-1]).flatten(0, 1), text[:, 1:].flatten())
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
    optimizer.step()
    return loss.detach()

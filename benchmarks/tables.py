"""The public run tables that forecasts are judged on, with cuts that hold larger runs out.

``SCALING_DATA`` names the folder of the tables; ``../shared/data`` otherwise.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

import scaling

DATA = Path(os.environ.get("SCALING_DATA", Path(__file__).parents[2] / "shared" / "data"))


@dataclass(frozen=True)
class Series:
    """Runs of one recipe, and the computes below which they are fitted."""

    table: str
    name: str
    runs: pd.DataFrame
    cuts: tuple[float, ...]


def _frame(params, tokens, loss, compute=None):
    frame = pd.DataFrame({"params": params, "tokens": tokens, "loss": loss}).astype(float)
    frame["compute"] = 6 * frame.params * frame.tokens if compute is None else compute
    return frame.dropna().reset_index(drop=True)


def developed():
    """The five tables that the defaults were chosen on."""
    return [*_chinchilla(), *_gadre(), *_porian(), *_llama(), *_marin()]


def confirmed():
    """Other tables, which nothing was chosen on."""
    return [*_muennighoff(), *_vocabulary(), *_steplaw(), *_olmo()]


def _chinchilla():
    runs = scaling.read_runs(DATA / "chinchilla-epoch" / "svg_extracted_data.csv")
    kept = runs[runs.loss < np.sort(runs.loss)[-5]]  # the rule of Besiroglu et al. 2024
    frame = _frame(kept.params, kept.tokens, kept.loss, kept.compute)
    yield Series("Chinchilla (Epoch)", "", frame, (3e19, 1e20, 3e20, 1e21))


def _gadre():
    runs = pd.read_csv(DATA / "overtraining-gadre" / "runs.csv")
    for name, some in runs.groupby("dataset"):
        frame = _frame(some.params, some.tokens, some.loss_c4_val)
        yield Series("Gadre", str(name), frame, (1e19, 1e20))


def _porian():
    runs = pd.read_csv(DATA / "isoflop-porian" / "isoflop_points.csv")
    keys = ["dataset", "hparams", "warmup", "decay", "param_count", "loss_kind"]
    for name, some in runs.groupby(keys):
        frame = _frame(some.params, some.tokens, some.loss, some.flops)
        yield Series("Porian", "/".join(name[1:]), frame, (1e18, 2e18))


def _llama():
    runs = pd.read_csv(DATA / "isoflop-llama3" / "isoflops_points.csv")
    compute, tokens = runs.compute_budget.astype(float), runs.training_tokens
    frame = _frame(compute / (6 * tokens), tokens, runs.validation_loss, compute)
    yield Series("Llama 3", "", frame, (7e19, 2e20, 4e20))


def _marin():
    for name in ("comma", "dclm"):
        runs = pd.read_csv(DATA / "isoflop-marin" / f"isoflop-{name}.csv")
        runs = runs[runs.Name.str.startswith("isoflop")]  # the regular runs
        frame = _frame(runs.parameter_count, runs["throughput/total_tokens"],
                       runs["eval/paloma/macro_loss"])  # fmt: skip
        yield Series("Marin", name, frame, (2.6e19, 5e19))


def _muennighoff():
    runs = pd.read_csv(DATA / "data-constrained-muennighoff" / "runs_all.csv")
    runs = runs[runs.tokens <= 1.01 * runs.unique_tokens]  # tokens seen once
    frame = _frame(runs.params, runs.tokens, runs.val_loss)
    yield Series("Muennighoff", "seen once", frame, (3e20, 9e20))


def _vocabulary():
    runs = pd.read_csv(DATA / "vocabulary-tao" / "exp_data.csv")
    for size, some in runs.groupby("vocab_size"):
        log_size = np.log(size)
        per_character = 0.00639222 * log_size**2 - 0.15811069 * log_size + 1.20470122
        # Losses are below those of a unigram model, whose entropy the table does not have; that of
        # a uniform one makes them positive, and the irreducible loss takes the difference up.
        frame = _frame(
            some.Non_vocab_parameters + size * some.embed_dim,
            some.num_characters * per_character,
            some.Lossu + log_size,
            some.FLOPs,
        )
        yield Series("Tao", f"vocabulary {size}", frame, (4e18, 2e19))


def _steplaw():
    runs = pd.read_csv(DATA / "steplaw-li" / "dense_lr_bs_loss.csv")
    best = runs.sort_values("smooth loss").groupby(["N", "D"]).head(1)
    frame = _frame(best.N, best.D, best["smooth loss"])
    yield Series("Step Law", "best of each sweep", frame, (6.5e19, 1.3e20))


def _olmo():
    runs = pd.read_csv(DATA / "ladder-olmo" / "runs_tail12.csv")
    runs = runs[~runs.run.str.contains("rerun")]
    tokens = runs.total_tokens.fillna(runs.step * runs.batch_size_in_tokens)
    for column in (name for name in runs.columns if name.endswith("CrossEntropyLoss")):
        frame = pd.DataFrame({"run": runs.run, "params": runs.params, "tokens": tokens,
                              "loss": runs[column]}).sort_values(["run", "tokens"])  # fmt: skip
        last = frame.groupby("run").tail(5).groupby("run")  # the paper's mean of the last five
        some = last.agg({"params": "first", "tokens": "max", "loss": "mean"})
        yield Series("OLMo ladder", column.split("/")[1], _frame(some.params, some.tokens,
                                                                 some.loss), (1.4e22,))  # fmt: skip


def one_input():
    """Tables in which only params change, six sizes or so in a series, the largest held out."""
    return [*_parscale(), *_routed()]


def _sizes(table, name, params, loss):
    frame = pd.DataFrame({"x": params, "loss": loss}).astype(float).groupby("x", as_index=False)
    runs = frame.mean().sort_values("x")
    return Series(table, name, runs, (float(runs.x.iloc[3]),))


def _parscale():
    runs = pd.read_csv(DATA / "parscale-chen" / "runs.csv")
    for (corpus, streams), some in runs.groupby(["corpus", "P"]):
        yield _sizes("ParScale", f"{corpus} {streams}", some.params_non_embedding, some.loss)


def _routed():
    runs = pd.read_csv(DATA / "routed-clark" / "curves.csv.gz")
    last = runs.sort_values("step").groupby("hyper_id").tail(1)
    dense = last.router_type == "Dense"
    usual = (last.routing_frequency == 0.5) & (last.k == 1) & (last.seed == 42)
    for (router, experts), some in last[dense | usual].groupby(["router_type", "num_experts"]):
        yield _sizes("Routed (Clark)", f"{router} {experts}", some.dense_parameter_count,
                     some.loss_validation)  # fmt: skip

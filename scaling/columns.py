"""The vocabulary of run tables: each column's name, symbol, unit, domain, meaning and aliases.

A column's name carries how a thing is counted and in what unit, because nothing else survives
a table: ``params`` counts embeddings, ``params_non_embedding`` does not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from types import MappingProxyType

__all__ = ["COLUMNS", "COMPUTE", "FLOPS_PER_TOKEN", "LOSS", "PARAMS", "RATIO", "TOKENS", "Column",
           "canonical"]  # fmt: skip

PARAMS, TOKENS, COMPUTE, LOSS = "params", "tokens", "compute", "loss"
FLOPS_PER_TOKEN = "flops_per_token"
RATIO = "tokens_per_param"  # in ranges and answers; no column of a table is read as it


@dataclass(frozen=True)
class Column:
    """One column of the vocabulary.

    Attributes
    ----------
    name, symbol, unit, meaning : str
        How the column is called, written in formulas, measured and read.
    low, high : float
        Domain; ``open_low`` and ``open_high`` say whether an end itself is outside it.
    aliases : tuple of str
        Spellings that are read as this column, compared without case and punctuation.
    kind : {"input", "target", "setting", "label"}
        What a run is, what it reached, how it was trained, and how it is told apart.
    confound : str
        What happens to a fit when the column changes together with model size.
    numeric : bool
        Whether its values are numbers.
    """

    name: str
    symbol: str
    unit: str
    meaning: str
    low: float = 0.0
    high: float = inf
    open_low: bool = True
    open_high: bool = False
    aliases: tuple[str, ...] = ()
    kind: str = "input"
    confound: str = ""
    numeric: bool = True

    def allows(self, value: float) -> bool:
        """Whether the value lies in the column's domain.

        Examples
        --------
        >>> COLUMNS["params"].allows(0), COLUMNS["step"].allows(0)
        (False, True)
        """
        above = value > self.low if self.open_low else value >= self.low
        return above and (value < self.high if self.open_high else value <= self.high)

    @property
    def domain(self) -> str:
        """Domain in words.

        Examples
        --------
        >>> COLUMNS["params"].domain
        'greater than 0'
        """
        low = f"{'greater than' if self.open_low else 'at least'} {self.low:g}"
        if self.high == inf:
            return low if self.low > -inf else "any number"
        return f"{low} and {'less than' if self.open_high else 'at most'} {self.high:g}"


_TUNED = (
    "if it is not the best one at every size, part of its effect is read as the effect of size, "
    "and the law carries that on to larger models"
)
_SCHEDULE = (
    "runs that stop before their decay, or decay less, look worse than they are, which bends the "
    "exponents towards the sizes treated best"
)

_ALL = (
    Column(PARAMS, "N", "params", "model size with embeddings", aliases=(
        "n", "params", "n_params", "num_params", "parameters", "n_parameters", "num_parameters",
        "model_size", "size", "params_total", "total_params", "parameter_count", "param_count",
        "model_params", "model_parameters", "nparams", "total_parameters")),
    Column("params_non_embedding", "N", "params", "model size without any embedding", aliases=(
        "non_embedding_params", "n_non_embedding", "params_no_embed", "non_vocab_parameters",
        "non_embedding_parameters", "params_nonembedding")),
    Column("params_active", "N", "params", "params one token passes through", aliases=(
        "active_params", "n_active", "activated_params", "active_parameters")),
    Column("params_without_input_embedding", "N", "params", "model size with the output head only"),
    Column("params_vocabulary", "N_v", "params", "params of one embedding matrix", aliases=(
        "vocab_params", "vocabulary_params", "embedding_params")),
    Column("params_average", "N", "params", "params in use, averaged over training", aliases=(
        "avg_params", "mean_params", "average_params")),
    Column("params_trainable", "N", "params", "params that training moves", aliases=(
        "trainable_params", "n_trainable")),
    Column(FLOPS_PER_TOKEN, "M", "FLOPs/token", "model scale: training FLOPs of one token",
           aliases=("model_flops_per_token",)),
    Column(TOKENS, "D", "tokens", "training tokens seen", aliases=(
        "d", "n_tokens", "num_tokens", "tokens", "training_tokens", "train_tokens", "total_tokens",
        "tokens_seen", "dataset_size", "data_size", "throughput/total_tokens", "tokens_total")),
    Column("unique_tokens", "U", "tokens", "distinct training tokens", aliases=(
        "tokens_unique", "n_unique_tokens")),
    Column("characters", "H", "characters", "training text in characters", aliases=(
        "num_characters", "n_characters", "chars")),
    Column("samples_seen", "n", "samples", "training samples seen, repeats counted", aliases=(
        "n_samples", "seen_samples", "seen_examples")),
    Column("pool_size", "n", "samples", "distinct training samples", aliases=(
        "samples_per_epoch", "unique_samples")),
    Column("pruned_samples", "P", "samples", "training samples kept after pruning"),
    Column(COMPUTE, "C", "FLOPs", "training compute", aliases=(
        "c", "flops", "flop", "training_flop", "training_flops", "train_flops", "total_flops",
        "compute_flops", "compute_budget", "training_compute", "train_compute", "budget")),
    Column(LOSS, "L", "nats/token", "loss of the run", kind="target", low=-inf, aliases=(
        "l", "val_loss", "validation_loss", "valid_loss", "eval_loss", "test_loss", "final_loss",
        "loss_val", "cross_entropy", "ce_loss", "eval/loss", "val/loss", "validation/loss",
        "train_loss", "training_loss")),
    Column("loss_bits_per_byte", "L", "bits/byte", "loss per byte of text", kind="target", aliases=(
        "bpb", "bits_per_byte", "val_bpb")),
    Column("loss_nats_per_byte", "L", "nats/byte", "loss per byte of text", kind="target"),
    Column("loss_unigram_normalised", "L_u", "nats/token", "loss less that of token frequencies",
           kind="target", low=-inf, aliases=("lossu", "unigram_normalised_loss")),
    Column("error", "e", "fraction", "share of wrong answers", kind="target", high=1.0,
           open_low=False, aliases=("err", "error_rate")),
    Column("embedding_width", "d", "channels", "width of the model's embeddings", kind="setting",
           aliases=("embed_dim", "d_model", "hidden_size", "model_width")),
    Column("vocab_size", "V", "entries", "size of the vocabulary", kind="setting", aliases=(
        "vocabulary_size", "n_vocab", "vocabulary")),
    Column("batch_size", "B", "tokens", "tokens per optimiser step", kind="setting",
           confound=_TUNED, aliases=("batch_tokens", "batch_size_in_tokens", "tokens_per_batch")),
    Column("learning_rate", "eta", "", "peak learning rate", kind="setting", confound=_TUNED,
           aliases=("lr", "peak_lr", "max_lr", "optimizer_learning_rate")),
    Column("steps", "S", "steps", "optimiser steps of the whole run", kind="setting", aliases=(
        "n_steps", "num_steps", "train_steps", "training_steps", "num_train_steps")),
    Column("step", "s", "steps", "optimiser steps so far", kind="label", open_low=False),
    Column("sparsity", "S", "fraction", "share of params that is zero", kind="setting", high=1.0,
           open_low=False, open_high=True),
    Column("run", "", "", "name of the run", kind="label", numeric=False,
           aliases=("run_name", "name", "run_id")),
    Column("recipe", "", "", "way of training", kind="setting", numeric=False),
    Column("seed", "", "", "random seed", kind="label", numeric=False, aliases=("random_seed",)),
    Column("tokenizer", "", "", "tokenizer of the loss", kind="setting", numeric=False),
    Column("validation_set", "", "", "text the loss is measured on", kind="setting", numeric=False),
    Column("context_length", "T", "tokens", "tokens per sequence", kind="setting", aliases=(
        "seq_len", "sequence_length", "n_ctx", "context")),
    Column("schedule", "", "", "learning-rate schedule", kind="setting", numeric=False,
           confound=_SCHEDULE, aliases=("lr_schedule",)),
    Column("lr_final_fraction", "", "fraction", "last learning rate over the peak", kind="setting",
           high=1.0, open_low=False, confound=_SCHEDULE, aliases=("final_lr_fraction",)),
    Column("warmup_tokens", "", "tokens", "tokens of warm-up", kind="setting", open_low=False,
           confound="a warm-up that is long for the small runs makes small models look worse, "
           "which makes the best model size grow too fast with compute (Porian et al. 2024)"),
    Column("bytes_per_token", "", "bytes/token", "text bytes in a token", kind="setting"),
)  # fmt: skip

COLUMNS: Mapping[str, Column] = MappingProxyType({column.name: column for column in _ALL})


def _plain(header: str) -> str:
    return re.sub(r"[^a-z0-9]", "", header.lower())


_ALIASES = {
    _plain(spelling): column.name for column in _ALL for spelling in (column.name, *column.aliases)
}


def canonical(header: str) -> str | None:
    """Name in the vocabulary that a header stands for, or None.

    Parameters
    ----------
    header : str
        Case, spaces and punctuation do not matter.

    Examples
    --------
    >>> canonical("Model Size"), canonical("Training FLOP"), canonical("colour")
    ('params', 'compute', None)
    """
    return _ALIASES.get(_plain(str(header)))

"""A decoder-only transformer (rotary, pre-norm, no dropout, head tied to the embedding)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

INITIAL = 0.02  # standard deviation of the weights
ROTARY_BASE = 10_000.0


class Block(nn.Module):
    """Attention, then a perceptron four times as wide, each added to what came in."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.before_attention, self.before_perceptron = nn.RMSNorm(width), nn.RMSNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width, bias=False)
        self.attended = nn.Linear(width, width, bias=False)
        self.up = nn.Linear(width, 4 * width, bias=False)
        self.down = nn.Linear(4 * width, width, bias=False)

    def forward(self, x: Tensor, angles: tuple[Tensor, Tensor]) -> Tensor:
        """Return what leaves the block, of the shape that came in: (batch, context, width)."""
        batch, context, width = x.shape
        mixed = self.query_key_value(self.before_attention(x))
        q, k, v = mixed.view(batch, context, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(
            rotated(q, angles), rotated(k, angles), v, is_causal=True)  # fmt: skip
        x = x + self.attended(seen.transpose(1, 2).reshape(batch, context, width))
        return x + self.down(functional.gelu(self.up(self.before_perceptron(x))))


class Transformer(nn.Module):
    """Logits of the next token; one matrix embeds the tokens and reads them out."""

    def __init__(self, vocab_size: int, width: int, layers: int, heads: int, context: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, width)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.last = nn.RMSNorm(width)
        turns = ROTARY_BASE ** -(torch.arange(0, width // heads, 2) / (width // heads))
        angle = torch.outer(torch.arange(context), turns)
        self.register_buffer("cos", angle.cos(), persistent=False)
        self.register_buffer("sin", angle.sin(), persistent=False)
        for name, weight in self.named_parameters():
            if weight.ndim == 2:
                into = name.endswith(("attended.weight", "down.weight"))
                nn.init.normal_(weight, std=INITIAL / math.sqrt(2 * layers) if into else INITIAL)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return logits of shape (batch, context, vocab_size) of tokens (batch, context)."""
        x = self.embedding(tokens)
        for block in self.blocks:
            x = block(x, (self.cos, self.sin))
        return self.last(x) @ self.embedding.weight.T


def rotated(x: Tensor, angles: tuple[Tensor, Tensor]) -> Tensor:
    """Return queries or keys turned by their place, in pairs of halves (Su et al. 2021)."""
    cos, sin = angles
    a, b = x.chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, a * sin + b * cos), dim=-1)


def counts(vocab_size: int, width: int, layers: int, context: int) -> dict[str, int]:
    """Params by kind, and FLOPs of one training token, exact: matrices and causal attention.

    Three times the forward pass. A token at place ``t`` attends to ``t`` tokens, on average
    ``(context + 1) / 2``; norms, activations and the softmax are not counted.
    """
    embedding, blocks = vocab_size * width, layers * 12 * width**2
    gains = (2 * layers + 1) * width
    return {
        "params": embedding + blocks + gains,
        "params_embedding": embedding,
        "params_non_embedding": blocks + gains,
        "flops_per_token": 6 * (embedding + blocks) + 6 * layers * width * (context + 1),
    }

"""Text as numbers: bytes, or a byte-level BPE trained on the training text.

``python tokens.py WORK`` writes ``vocabularies.json`` beside this file: what each vocabulary made
of the text.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

BYTES = 256
LEARNED_FROM, CHUNK = 16 << 20, 4 << 20  # bytes of text


def encoded(work: Path, vocab_size: int) -> dict[str, NDArray[np.uint16]]:
    """Tokens of the training and of the validation text under one vocabulary, kept in ``work``.

    A vocabulary of 256 is the bytes themselves.
    """
    folder = work / f"vocab-{vocab_size}"
    parts = {part: folder / f"{part}.npy" for part in ("training", "validation")}
    if not all(path.exists() for path in parts.values()):
        folder.mkdir(parents=True, exist_ok=True)
        encode = _encoder(work, folder, vocab_size)
        for part, path in parts.items():
            done = np.concatenate([encode(text) for text in _chunks(work / f"{part}.txt")])
            with (unfinished := path.with_suffix(".part")).open("wb") as file:
                np.save(file, done)
            unfinished.rename(path)
    return {part: np.load(path, mmap_mode="r") for part, path in parts.items()}


def unigram_loss(data: dict[str, NDArray[np.uint16]], vocab_size: int) -> float:
    """Nats per token of the validation text by the shares of the tokens in the training text."""
    counted = np.bincount(data["training"], minlength=vocab_size) + 1  # none is impossible
    return float(-np.log(counted[data["validation"]] / counted.sum()).mean())


def facts(work: Path) -> dict[str, dict[str, object]]:
    """Tokens of the training text and hash of the tokenizer, of every vocabulary in ``work``."""
    found = {}
    for folder in sorted(work.glob("vocab-*"), key=lambda one: int(one.name[6:])):
        size, kept = int(folder.name[6:]), folder / "tokenizer.json"
        digest = hashlib.sha256(kept.read_bytes()).hexdigest() if kept.exists() else "bytes"
        count = len(encoded(work, size)["training"])
        found[str(size)] = {"training_tokens": count, "tokenizer_sha256": digest}
    return found


def _encoder(work: Path, folder: Path, vocab_size: int):
    """What turns text to tokens; a BPE is trained if there is none yet."""
    if vocab_size == BYTES:
        return lambda text: np.frombuffer(text.encode(), dtype=np.uint8).astype(np.uint16)
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    kept = folder / "tokenizer.json"
    if kept.exists():
        bpe = Tokenizer.from_file(str(kept))
    else:
        bpe = Tokenizer(models.BPE())
        bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        bpe.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=vocab_size, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False)  # fmt: skip
        text = (work / "training.txt").read_bytes()[:LEARNED_FROM].decode(errors="ignore")
        bpe.train_from_iterator(text.splitlines(keepends=True), trainer)
        if bpe.get_vocab_size() != vocab_size:
            raise ValueError(f"The text supports {bpe.get_vocab_size()} of {vocab_size} entries.")
        bpe.save(str(kept))
    return lambda text: np.array(
        [one for line in bpe.encode_batch(text.splitlines(keepends=True)) for one in line.ids],
        dtype=np.uint16)  # fmt: skip


def _chunks(path: Path):
    """Text a few megabytes at a time, cut at line ends."""
    with path.open(encoding="utf-8", newline="") as file:
        while lines := file.readlines(CHUNK):
            yield "".join(lines)


def main(arguments: Sequence[str]) -> None:
    """Write the facts of the vocabularies beside this file."""
    if len(arguments) != 1:
        raise SystemExit("Say: python tokens.py WORK, the folder of corpus.py.")
    found = json.dumps(facts(Path(arguments[0])), indent=1) + "\n"
    Path(__file__).with_name("vocabularies.json").write_text(found)


if __name__ == "__main__":
    main(sys.argv[1:])

"""Text of the sweep: files of the Linux source tree, from a Debian package of a pinned version.

The text is GPL-2.0 and is not shipped; what is measured on it is. Get the package once, on Debian
by ``apt-get download linux-source-6.1=6.1.192-2``, elsewhere from snapshot.debian.org, which keeps
every version, and give its path: ``python corpus.py linux-source-6.1_6.1.192-2_all.deb WORK``.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import sys
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

PACKAGE, VERSION, LICENCE = "linux-source-6.1", "6.1.192-2", "GPL-2.0"
SHA256 = "ae95fe63d4c553f8d0e6c86cb1ab566f3894a43743eb19ab585cd97d82f26514"
FOLDERS = (
    "Documentation", "block", "certs", "crypto", "fs", "init", "io_uring", "ipc", "kernel", "lib",
    "mm", "net", "rust", "samples", "scripts", "security", "virt",
)  # fmt: skip
LEFT_OUT = "Documentation/translations/"
LARGEST_FILE = 256 * 1024  # larger ones are tables of numbers
HELD_OUT = 20  # one file in this many, whole
PIECE, VALIDATION = 1024, 256 * 1024  # bytes: of each held-out file, and in all
WINDOWS = (64, 128)  # bytes, of which is told how many of the validation text are in training too
BLOCK, FACTOR = 1 << 22, 0x9E3779B97F4A7C15  # bytes hashed at once; any large odd number


def files(package: Path) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of every file of the source tree that is text and not large."""
    with package.open("rb") as deb:
        if deb.read(8) != b"!<arch>\n":
            raise SystemExit(f"{package} is no Debian package; get {PACKAGE} {VERSION}.")
        while header := deb.read(60):
            size = int(header[48:58])
            if header.startswith(b"data.tar"):
                break
            deb.seek(size + size % 2, io.SEEK_CUR)
        with tarfile.open(fileobj=deb, mode="r|xz") as outer:
            tree = next(entry for entry in outer if entry.name.endswith(".tar.xz"))
            with tarfile.open(fileobj=outer.extractfile(tree), mode="r|xz") as inner:
                yield from _texts(inner)


def _texts(tree: tarfile.TarFile) -> Iterator[tuple[str, bytes]]:
    for entry in tree:
        name = entry.name.partition("/")[2]
        if not entry.isfile() or not 0 < entry.size <= LARGEST_FILE:
            continue
        if name.split("/")[0] not in FOLDERS or name.startswith(LEFT_OUT):
            continue
        content = tree.extractfile(entry).read()
        if _is_text(content):
            yield name, content


def _is_text(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def write(package: Path, work: Path) -> dict[str, object]:
    """Facts of the corpus, whose training and validation text are written to the folder ``work``.

    Whole files are held out, by the hash of their content; a file that occurs twice is used once.
    The validation text is one piece of each of the first held-out files, the same bytes for every
    tokenizer.
    """
    found = hashlib.sha256(package.read_bytes()).hexdigest()
    if found != SHA256:
        raise SystemExit(f"{package} has sha256 {found}, not {SHA256} of {PACKAGE} {VERSION}.")
    kept = {hashlib.sha256(content).digest(): (name, content) for name, content in files(package)}
    training, held_out, names = [], [], []
    for digest, (name, content) in sorted(kept.items()):
        out = digest[0] * 256 + digest[1] < 65536 // HELD_OUT
        (held_out if out else training).append(content)
        names.append(f"{'validation' if out else 'training'}\t{len(content)}\t{name}")
    pieces = _whole(b"\n".join(_piece(content) for content in held_out)[:VALIDATION])
    text = b"\n".join(training)
    work.mkdir(parents=True, exist_ok=True)
    (work / "training.txt").write_bytes(text)
    (work / "validation.txt").write_bytes(pieces)
    (work / "files.tsv").write_text("\n".join(sorted(names)) + "\n")
    facts = {
        "package": PACKAGE, "version": VERSION, "sha256": SHA256, "licence": LICENCE,
        "files": len(training), "bytes": len(text), "held_out_files": len(held_out),
        "held_out_bytes": sum(map(len, held_out)), "validation_bytes": len(pieces),
        "training_sha256": hashlib.sha256(text).hexdigest(),
        "validation_sha256": hashlib.sha256(pieces).hexdigest(),
        "shared_windows": {str(one): round(shared(text, pieces, one), 4) for one in WINDOWS},
        "files_sha256": hashlib.sha256((work / "files.tsv").read_bytes()).hexdigest(),
    }  # fmt: skip
    (work / "corpus.json").write_text(json.dumps(facts, indent=1) + "\n")
    return facts


def shared(training: bytes, validation: bytes, window: int) -> float:
    """Share of the windows of the validation text that stand somewhere in the training text.

    Windows are compared by a hash: a polynomial modulo 2^64, by running sums.
    """
    power, back = (np.multiply.accumulate(np.full(BLOCK + window, factor, np.uint64))
                   for factor in (FACTOR, pow(FACTOR, -1, 1 << 64)))  # fmt: skip

    def hashes(text: bytes) -> NDArray[np.uint64]:
        letters = np.frombuffer(text, np.uint8).astype(np.uint64) + np.uint64(1)
        sums = np.concatenate(([np.uint64(0)], np.cumsum(letters * power[: len(letters)])))
        return (sums[window:] - sums[:-window]) * back[: len(sums) - window]

    asked = hashes(validation)
    found = np.zeros(len(asked), dtype=bool)
    for start in range(0, len(training), BLOCK):
        found |= np.isin(asked, hashes(training[start : start + BLOCK + window - 1]))
    return float(found.mean())


def _piece(content: bytes) -> bytes:
    """Bytes from the middle of a file: its head is a licence that many files share."""
    start = max(len(content) // 2 - PIECE // 2, 0)
    return _whole(content[start : start + PIECE])


def _whole(content: bytes) -> bytes:
    """Content without the halves of letters at its ends."""
    return content.decode("utf-8", errors="ignore").encode()


def main(arguments: Sequence[str]) -> None:
    """Write the text, and its facts beside this file too."""
    if len(arguments) != 2:
        raise SystemExit(f"Say: python corpus.py PACKAGE WORK, with the .deb of {PACKAGE}.")
    work, here = Path(arguments[1]), Path(__file__).parent
    print(json.dumps(write(Path(arguments[0]), work), indent=1))
    (here / "corpus.json").write_text((work / "corpus.json").read_text())
    listed = gzip.compress((work / "files.tsv").read_bytes(), mtime=0)
    (here / "files.tsv.gz").write_bytes(listed)


if __name__ == "__main__":
    main(sys.argv[1:])

"""Pages whose outputs and tables tests write with UPDATE_README=1, and otherwise compare."""

import os
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
README = ROOT / "README.md"
PAGES = [README, *sorted(DOCS.rglob("*.md"))]
UPDATE = os.environ.get("UPDATE_README") == "1"
HASH = re.compile(r"\b[0-9a-f]{64}\b")  # of numbers whose last bits differ between versions
# Digits inside a word, such as a hash, are no number.
NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")


def unit(text):
    """One unit of the last digit of a number as it is written."""
    digits, _, power = text.partition("e")
    return 10.0 ** (int(power or 0) - len(digits.partition(".")[2]))


def same(printed, written):
    """Same words, and numbers the same to two units of their last digit; any hash is as another."""
    printed, written = (HASH.sub("hash", text) for text in (printed, written))
    if NUMBER.sub("#", printed).split() != NUMBER.sub("#", written).split():
        return False
    pairs = zip(NUMBER.findall(printed), NUMBER.findall(written), strict=True)
    return all(abs(float(a) - float(b)) <= 2.01 * unit(b) for a, b in pairs)


def table(header, rows):
    """Markdown table with a header and rows of cells."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, cells)) + " |" for cells in lines) + "\n"


def check_part(page, name, made):
    """The part of a page between its marks is what was made; or it is written there."""
    text = page.read_text(encoding="utf-8")
    marks = rf"(<!-- {name}: written by [^\n]*-->\n)(.*?)(<!-- end of {name} -->)"
    found = re.search(marks, text, re.DOTALL)
    assert found, f"{page.name} has no part marked {name!r}"
    if UPDATE:
        page.write_text(text[: found.start(2)] + made + text[found.end(2) :], encoding="utf-8")
    else:
        assert same(made, found[2]), f"{page.name} should have as {name}:\n{made}"

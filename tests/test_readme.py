"""The README's code runs and prints what it says; with UPDATE_README=1 these tests write it."""

import contextlib
import io
import os
import re
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import pytest

import scaling

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PICTURE = ROOT / "docs" / "images" / "decision.png"
UPDATE = os.environ.get("UPDATE_README") == "1"
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
PAGES = [README, *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page):
    """Each Python block of a page with the text block that follows it, if any."""
    pattern = r"```python\n(.*?)```\n(?:\s*<!--[^\n]*-->\n)?(?:```text\n(.*?)```)?"
    return re.findall(pattern, page.read_text(encoding="utf-8"), re.DOTALL)


def same(printed, written):
    """Same words, and numbers the same to two units of their last digit."""
    if NUMBER.sub("#", printed).split() != NUMBER.sub("#", written).split():
        return False
    pairs = zip(NUMBER.findall(printed), NUMBER.findall(written), strict=True)
    return all(
        abs(float(a) - float(b)) <= 2.01 * 10.0 ** -len(b.partition(".")[2]) for a, b in pairs
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_code_of_a_page_prints_what_the_page_shows(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    scaling.datasets.load("demo").to_csv("runs.csv", index=False)
    text = page.read_text(encoding="utf-8")
    names = {}
    for code, written in blocks(page):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, page.name, "exec"), names)
        output = "\n".join(line.rstrip() for line in printed.getvalue().splitlines()) + "\n"
        if UPDATE and f"```text\n{written}```" in text:
            text = text.replace(f"```text\n{written}```", f"```text\n{output}```", 1)
        elif written:
            assert same(output, written), f"{page.name} should show:\n{output}"
    if UPDATE:
        page.write_text(text, encoding="utf-8")


def test_table_of_laws_is_that_of_the_code():
    rows = ["| family | formula | coefficients | source |", "| --- | --- | --- | --- |"]
    for name, family in scaling.laws.FAMILIES.items():
        formula = re.search(r"math:: (.*)", family.__doc__)[1].strip()
        rows.append(
            f"| `{name}` | ${formula}$ | {', '.join(family.coefficients)} | {family.source} |"
        )
    count = len(scaling.laws.published_names())
    rows += [
        "",
        f"`scaling.published(name)` gives {count} laws with the numbers of their papers, how "
        "params are counted, and how each number was checked.",
    ]
    text = README.read_text(encoding="utf-8")
    start, end = "<!-- laws: written by tests/test_readme.py -->\n", "<!-- end of laws -->"
    before, rest = text.split(start)
    written, after = rest.split(end)
    made = "\n".join(rows) + "\n"
    if UPDATE:
        README.write_text(before + start + made + end + after, encoding="utf-8")
    else:
        assert written == made


def test_picture_is_the_decision():
    fit = scaling.fit(scaling.laws.Chinchilla, scaling.datasets.load("demo"))
    answer = scaling.regret(fit, 1e24)
    if UPDATE:
        figure = scaling.plot.regret(answer).figure
        figure.savefig(PICTURE, dpi=150, metadata={"Description": answer.notes[0]})
    drawn = re.search(rb"tEXtDescription\x00([ -~]+)", PICTURE.read_bytes())
    assert same(answer.notes[0], drawn[1].decode().split("IDAT")[0][: len(answer.notes[0])])


def test_commands_for_a_fresh_machine_are_two():
    listed = re.findall(r"```sh\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)[:2]
    assert "scaling demo" in listed[0]
    assert "pytest" in listed[1]
    assert all(block.count("\n") == 1 for block in listed)

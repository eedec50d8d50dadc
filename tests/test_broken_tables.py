"""Two thousand broken tables: each ends in a fit or in one readable sentence, and warns of nothing.

Every kind of damage is done to tables that are sound without it. What must be refused, and which
issues a fit of a degenerate table must carry, stands beside the damage.
"""

import gzip
import json
import re
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from test_runs import readable

import scaling
from scaling import ScalingError
from scaling.columns import canonical
from scaling.laws import Chinchilla, PowerLawPlusConstant

try:
    import polars
    import pyarrow
except ImportError:  # the lowest versions are tested without them
    polars = pyarrow = None

RESAMPLES = 20
HEADERS = {
    "params": ("params", "N", "n_params", "Model Size", "num_parameters", "MODEL_SIZE"),
    "tokens": ("tokens", "D", "n_tokens", "Training Tokens", "dataset size"),
    "compute": ("compute", "C", "flops", "Training FLOP", "train_flops"),
    "loss": ("loss", "L", "val_loss", "Validation Loss", "eval/loss", "final_loss"),
}
INPUTS = ("params", "tokens", "compute")


@dataclass
class Table:
    """A sound table with a law that fits it, to be damaged."""

    frame: pd.DataFrame
    family: type
    x: str = "params"
    names: dict[str, str] = field(default_factory=dict)
    medium: str = ""

    @property
    def columns(self):
        return None if self.family is Chinchilla else {"x": self.x}

    def pick(self, rng, *roles):
        """Header of one of the roles that the table has."""
        there = [role for role in (roles or (*INPUTS, "loss")) if role in self.names]
        return self.names[there[rng.integers(len(there))]]

    def scale(self, role, factor):
        self.frame[self.names[role]] *= factor


def sound(rng, family=None):
    """Runs of a law with noise, sizes apart from tokens, under headers people use."""
    family = family or (Chinchilla if rng.random() < 0.75 else PowerLawPlusConstant)
    count = int(rng.integers(16, 29))
    params = np.geomspace(1e7, 10 ** rng.uniform(9, 10.5), count)[rng.permutation(count)]
    tokens = np.geomspace(1e9, 10 ** rng.uniform(11, 12.5), count)[rng.permutation(count)]
    x = "params"
    loss = 1.8 + 482 / params**0.348 + (2085 / tokens**0.366 if family is Chinchilla else 0.0)
    loss = loss * np.exp(rng.normal(0, 0.003, count))
    columns = {"params": params, "tokens": tokens, "compute": 6 * params * tokens, "loss": loss}
    if rng.random() < 0.6:
        columns.pop(INPUTS[rng.integers(3)])
    names = {role: HEADERS[role][rng.integers(len(HEADERS[role]))] for role in columns}
    frame = pd.DataFrame({names[role]: column for role, column in columns.items()})
    if rng.random() < 0.3:
        frame["run"] = [f"run {i}" for i in range(count)]
    if rng.random() < 0.3:
        frame["learning_rate"] = np.geomspace(1e-4, 1e-2, count)[rng.permutation(count)]
    return Table(frame, family, x, names)


def set_cells(table, header, rng, value, most=3):
    """Some cells of a column replaced, whatever the kind of the value."""
    count = len(table.frame)
    cells = np.empty(count, dtype=object)
    cells[:] = table.frame[header].tolist()
    for place in rng.choice(count, size=int(rng.integers(1, most + 1)), replace=False):
        cells[place] = value
    kept = pd.Series(cells, index=table.frame.index, dtype=object)
    table.frame[header] = kept.astype(float) if isinstance(value, float) else kept


# Damage to the cells, in place


def not_a_number(rng, table):
    set_cells(table, table.pick(rng), rng, float("nan"))


def infinite(rng, table):
    set_cells(table, table.pick(rng), rng, float(rng.choice([np.inf, -np.inf])))


def negative(rng, table):
    set_cells(table, table.pick(rng, *INPUTS), rng, -float(10 ** rng.uniform(-3, 12)))


def zero(rng, table):
    set_cells(table, table.pick(rng, *INPUTS), rng, 0.0)


def text(rng, table):
    words = (
        "oops",
        "n/a",
        "-",
        "?",
        "70 B params",
        "1e",
        "--",
        "#REF!",
        "3,14159",
        "\uff11\uff12x",
        "∞",
        "1 2",
    )
    set_cells(table, table.pick(rng), rng, words[rng.integers(len(words))])


def empty_text(rng, table):
    set_cells(table, table.pick(rng), rng, ("", " ", "\t", "\u00a0")[rng.integers(4)])


def missing(rng, table):
    set_cells(table, table.pick(rng), rng, (None, pd.NA, pd.NaT)[rng.integers(3)])
    table.medium = ("frame", "csv", "mapping")[rng.integers(3)]


def odd_cells(rng, table):
    odd = (
        [1.0, 2.0],
        {"a": 1},
        1 + 2j,
        np.array([1.0, 2.0]),
        b"\xff",
        np.True_,
        True,
        (1,),
        {1, 2},
    )
    set_cells(table, table.pick(rng), rng, odd[rng.integers(len(odd))])
    table.medium = "frame"


def random_unicode_cells(rng, table):
    letters = "".join(chr(c) for c in rng.integers(0x20, 0x2FFF, 12) if chr(c).isprintable())
    set_cells(table, table.pick(rng), rng, "x" + letters)


def booleans(rng, table):
    table.frame[table.pick(rng)] = np.arange(len(table.frame)) % 2 == 0
    table.medium = ("frame", "mapping", "csv", "jsonl", "parquet", "polars")[rng.integers(6)]


def complex_numbers(rng, table):
    header = table.pick(rng)
    table.frame[header] = table.frame[header].astype(complex) * (1 + 1j)
    table.medium = ("frame", "mapping")[rng.integers(2)]


def dates(rng, table):
    days = pd.date_range("2024-01-01", periods=len(table.frame), tz=(None, "UTC")[rng.integers(2)])
    table.frame[table.pick(rng)] = days
    table.medium = ("frame", "csv", "mapping")[rng.integers(3)]


def all_missing(rng, table):
    table.frame[table.pick(rng)] = np.nan


def loss_not_above_zero(rng, table):
    header = table.names["loss"]
    if rng.random() < 0.5:
        set_cells(table, header, rng, float(rng.choice([0.0, -0.0, -1.5, -1e-300, -1e300])))
    else:
        table.frame[header] -= table.frame[header].median()


def derived_beyond_floats(rng, table):
    for role in ("compute", "params", "tokens"):
        if role in table.names and len(table.names) > 3:
            table.frame = table.frame.drop(columns=table.names.pop(role))
    here = [role for role in INPUTS if role in table.names]
    power = 300.0 if rng.random() < 0.5 else -300.0
    for role in here:
        opposite = "compute" in here and role != "compute"
        table.frame[table.names[role]] = 10.0 ** (-power if opposite else power)
    table.family, table.x = Chinchilla, "params"


# Damage to columns and rows


def lost_column(rng, table):
    gone = ["loss"] if rng.random() < 0.5 else [role for role in INPUTS if role in table.names][1:]
    table.frame = table.frame.drop(columns=[table.names[role] for role in gone])
    table.x = gone[0] if gone[0] != "loss" else table.x


def duplicated_header(rng, table):
    frame = table.frame
    copied = frame.columns[rng.integers(len(frame.columns))]
    table.frame = pd.concat([frame, frame[[copied]]], axis=1)
    table.medium = ("frame", "csv", "tsv", "csv.gz")[rng.integers(4)]


def two_spellings(rng, table):
    role = ("params", "tokens", "loss")[rng.integers(3)]
    if role not in table.names:
        role = "loss"
    one, other = [h for h in HEADERS[role] if h != role][:2]
    values = table.frame[table.names[role]]
    table.frame = table.frame.drop(columns=table.names[role]).assign(**{one: values, other: values})


def unknown_headers(rng, table):
    marks = "äπ模🚀 _-%{}'\"\\;|"
    unknown = {h: f"{marks[rng.integers(len(marks))]}zz{i}" for i, h in enumerate(table.frame)}
    table.frame = table.frame.rename(columns=unknown)


def hostile_headers(rng, table):
    hostile = ("\n", "\r\n", "\x07", "\u2028", "z" * 900)
    table.frame = table.frame[[table.names["loss"]]].copy()
    for i in range(6):
        table.frame[f"zz{hostile[rng.integers(len(hostile))]}{i}"] = 1.0
    table.medium = ("frame", "mapping", "jsonl", "csv")[rng.integers(4)]


def many_columns(rng, table):
    table.frame = pd.DataFrame(np.ones((6, 400)), columns=[f"metric {i}" for i in range(400)])
    if rng.random() < 0.5:
        table.frame["loss"] = 2.0


def few_rows(rng, table):
    free = 5 if table.family is Chinchilla else 3
    table.frame = table.frame.iloc[: rng.integers(1, free + 1)]


def one_row(rng, table):
    table.frame = table.frame.iloc[[rng.integers(len(table.frame))]]


def two_rows(rng, table):
    table.frame = table.frame.iloc[:2]


def no_rows(rng, table):
    table.frame = table.frame.iloc[:0]
    table.medium = ("frame", "mapping", "csv", "tsv", "parquet", "polars")[rng.integers(6)]


def two_tokenizers(rng, table):
    name = ("tokenizer", "validation_set")[rng.integers(2)]
    kinds = ("a", "b", "ü 模", "x" * 700)
    table.frame[name] = [kinds[i] for i in rng.integers(0, 4, len(table.frame))]
    table.frame.loc[table.frame.index[:2], name] = list(kinds[:2])


def hostile_index(rng, table):
    labels = ("a\nb", "\x07", "z" * 900, ("t", 1), 3.5, "ok")
    count = len(table.frame)
    table.frame.index = pd.Index([labels[rng.integers(6)] for _ in range(count)], dtype=object)
    header = table.pick(rng, *INPUTS)
    table.frame[header] = np.where(rng.random(count) < 0.8, -1.0, table.frame[header])
    table.frame.iloc[0, table.frame.columns.get_loc(header)] = -1.0
    table.medium = "frame"


# What is possible but degenerate


def params_in_a_unit(rng, table):
    table.scale("params", rng.choice([1e-9, 1e-6]))


def tokens_in_billions(rng, table):
    table.scale("tokens", 1e-9)


def one_model_size(rng, table):
    table.frame[table.names["params"]] = 10 ** rng.uniform(7, 11)


def one_number_of_tokens(rng, table):
    table.frame[table.names["tokens"]] = 10 ** rng.uniform(9, 13)


def one_decade(rng, table):
    header = table.names["params"]
    low = np.log10(table.frame[header].min())
    table.frame[header] = 10 ** rng.uniform(low, low + 0.5, len(table.frame))


def identical_rows(rng, table):
    table.frame = table.frame.iloc[[0] * len(table.frame)].reset_index(drop=True)
    if "learning_rate" in table.frame:
        table.frame = table.frame.drop(columns="learning_rate")


def doubled_rows(rng, table):
    table.frame = pd.concat([table.frame, table.frame.iloc[: rng.integers(1, 5)]])


def rising_loss(rng, table):
    header = table.names["loss"]
    low = float(table.frame[header].min())
    table.frame[header] = low + (table.frame[header].max() - table.frame[header])


def constant_loss(rng, table):
    table.frame[table.names["loss"]] = 10 ** rng.uniform(-1, 1)


def constant_tokens_per_param(rng, table):
    table.frame[table.names["tokens"]] = table.frame[table.names["params"]] * rng.uniform(1, 1000)


def compute_off(rng, table):
    table.scale("compute", float(rng.choice([0.5, 1.5, 3.0, 1e3, 1e-3])))


def huge_losses(rng, table):
    table.scale("loss", 10 ** rng.uniform(8, 300))


def tiny_losses(rng, table):
    table.scale("loss", 10 ** rng.uniform(-300, -10))


def random_losses(rng, table):
    table.frame[table.names["loss"]] = 10 ** rng.uniform(-2, 4, len(table.frame))


def extreme_sizes(rng, table):
    header = table.pick(rng, "params", "tokens")
    sign = rng.choice([-1, 1])
    table.frame[header] = 10 ** (sign * rng.uniform(100, 140, len(table.frame)))


def extreme_range(rng, table):
    header = table.pick(rng, "params", "tokens")
    table.frame[header] = 10.0 ** rng.uniform(-300, 300, len(table.frame))


def tokens_below_params(rng, table):
    table.frame[table.names["tokens"]] = table.frame[table.names["params"]] / 10 ** rng.uniform(
        0.5, 3, len(table.frame))  # fmt: skip


def swapped_columns(rng, table):
    there = list(table.names.values())
    one, other = (there[i] for i in rng.choice(len(there), 2, replace=False))
    table.frame = table.frame.rename(columns={one: other, other: one})


# What is unusual but sound: it must be fitted


def shuffled(rng, table):
    table.frame = table.frame[list(rng.permutation(table.frame.columns))].sample(
        frac=1, random_state=int(rng.integers(1 << 30)))  # fmt: skip


def mixed_kinds(rng, table):
    kinds = ("object", "category", "Float64", "Int64", "text", "mixed", "float32")
    for role in table.names:
        header, kind = table.names[role], kinds[rng.integers(len(kinds))]
        values = table.frame[header]
        if kind == "text":
            table.frame[header] = values.map("{:.8g}".format)
        elif kind == "mixed":
            cells = [f"{v:.8g}" if i % 2 else v for i, v in enumerate(values)]
            table.frame[header] = pd.Series(cells, index=values.index, dtype=object)
        elif kind == "Int64":
            table.frame[header] = (
                values if role in ("loss", "compute") else values.round().astype(kind)
            )
        elif not (kind == "float32" and role == "compute"):
            table.frame[header] = values.astype(kind)
    table.medium = ("frame", "mapping", "csv")[rng.integers(3)]


def in_short_forms(rng, table):
    for role in table.names:
        if role != "loss":
            header = table.names[role]
            table.frame[header] = table.frame[header].map(lambda v: scaling.text.human(v, 6))


def odd_indexes(rng, table):
    count = len(table.frame)
    indexes = (
        pd.Index([7] * count), pd.MultiIndex.from_product([["a", "b"], range(count)])[:count],
        pd.date_range("2024-01-01", periods=count, tz="UTC"),
        pd.Index([None] * count, dtype=object),
        pd.Index([f"run\n{i}" for i in range(count)]),
    )  # fmt: skip
    table.frame = table.frame.set_index(indexes[rng.integers(len(indexes))])
    table.medium = "frame"


def other_columns(rng, table):
    count = len(table.frame)
    table.frame = table.frame.assign(
        started=pd.date_range("2024-01-01", periods=count, tz="UTC"), tags=[["a"]] * count,
        note=["", None] * (count // 2) + [""] * (count % 2), flag=True, phase=1j, gone=np.nan,
    )  # fmt: skip
    table.medium = ("frame", "mapping")[rng.integers(2)]


# Damage to the bytes of a file: bytes in, bytes out


def truncated(rng, content):
    return content[: rng.integers(0, len(content))]


def overwritten(rng, content):
    content = bytearray(content)
    for place in rng.integers(0, len(content), int(rng.integers(1, 30))):
        content[place] = rng.integers(0, 256)
    return bytes(content)


def cut_out(rng, content):
    start, end = sorted(rng.integers(0, len(content), 2))
    return content[:start] + content[end:]


def noise_inserted(rng, content):
    place = rng.integers(0, len(content))
    return content[:place] + rng.bytes(int(rng.integers(1, 200))) + content[place:]


def only_noise(rng, content):
    return rng.bytes(int(rng.integers(0, 2000)))


def only_unicode(rng, content):
    letters = [chr(c) for c in rng.integers(1, 0xD800, int(rng.integers(1, 500)))]
    return "".join(letters).encode() + b",\t;\n" * int(rng.integers(0, 3))


def other_encoding(rng, content):
    return content.decode("utf-8", "replace").encode(("utf-16", "utf-32", "cp037")[rng.integers(3)])


def nul_bytes(rng, content):
    return content.replace(b"\n", b"\0\n" if rng.random() < 0.5 else b"\0")


def ragged(rng, content):
    lines = content.decode().splitlines()
    for i in rng.integers(1, len(lines), int(rng.integers(1, 6))):
        cells = re.split(r"[,;\t]", lines[i])
        lines[i] = ",".join(cells[:-1] if rng.random() < 0.5 else [*cells, "9", "9"])
    return "\n".join(lines).encode()


def longer_rows(rng, content):
    lines = content.decode().splitlines()
    extra = "9" + ",9" * int(rng.integers(0, 3))
    return "\n".join([lines[0], *(f"{extra},{line}" for line in lines[1:])]).encode()


def quotes(rng, content):
    text_ = content.decode()
    for place in sorted(rng.integers(0, len(text_), int(rng.integers(1, 6)))):
        text_ = text_[:place] + '"' + text_[place:]
    return text_.encode()


def repeated_header(rng, content):
    lines = content.splitlines(keepends=True)
    place = int(rng.integers(1, len(lines)))
    return b"".join([*lines[:place], lines[0], *lines[place:]])


def only_a_header(rng, content):
    return content.splitlines()[0] + (b"\n" if rng.random() < 0.5 else b"")


def decimal_commas(rng, content):
    return re.sub(rb"(\d)\.(\d)", rb"\1,\2", content)


def windows_lines(rng, content):
    return (b"\xef\xbb\xbf" if rng.random() < 0.5 else b"") + content.replace(b"\n", b"\r\n")


@dataclass(frozen=True)
class Kind:
    """A kind of damage: how it is done, how often, and how it must end."""

    damage: Callable[..., Any]
    count: int
    end: str = "either"  # or "refused", or "fitted"
    codes: tuple[str, ...] = ()  # one of these must be among the issues of a fit
    file: str = ""  # ending of the file whose bytes are damaged
    family: type | None = None
    needs: str = ""  # column that the table must have

    @property
    def name(self):
        return f"{self.damage.__name__}-{self.file}" if self.file else self.damage.__name__


WEAK = ("at-zero", "at-bound", "flat-direction", "hard-surface", "other-minima", "several-minima",
        "resamples-at-bound", "unusual-coefficient", "not-converged")  # fmt: skip

KINDS = [
    *(Kind(damage, 50, "refused") for damage in (
        not_a_number, infinite, negative, zero, text, empty_text, missing, odd_cells,
        random_unicode_cells, booleans, complex_numbers, dates, all_missing, loss_not_above_zero,
        derived_beyond_floats, lost_column, duplicated_header, two_spellings, unknown_headers,
        hostile_headers, few_rows, one_row, two_rows, no_rows, two_tokenizers, hostile_index)),
    Kind(many_columns, 14, "refused"),
    Kind(params_in_a_unit, 10, "fitted", ("params-unit",), needs="params"),
    Kind(tokens_in_billions, 10, "fitted", ("tokens-unit",), family=Chinchilla, needs="tokens"),
    Kind(one_model_size, 2, "fitted", ("narrow-range",), needs="params"),
    Kind(one_number_of_tokens, 1, "fitted", ("narrow-range",), family=Chinchilla, needs="tokens"),
    Kind(one_decade, 2, "fitted", ("narrow-range",), needs="params"),
    Kind(identical_rows, 10, "fitted", ("duplicate-runs",)),
    Kind(doubled_rows, 12, "fitted", ("duplicate-runs",)),
    Kind(rising_loss, 2, "fitted", WEAK),
    Kind(constant_loss, 2, "fitted", WEAK),
    Kind(constant_tokens_per_param, 1, "fitted", ("constant-tokens-per-param",), family=Chinchilla,
         needs="params tokens"),
    Kind(compute_off, 12, "fitted", ("cost-mismatch",), family=Chinchilla,
         needs="params tokens compute"),
    Kind(huge_losses, 8, "fitted", WEAK),
    Kind(tiny_losses, 8, "fitted", WEAK),
    Kind(random_losses, 1, "fitted", WEAK),
    Kind(extreme_sizes, 1, "either", WEAK, family=Chinchilla, needs="params tokens"),
    Kind(extreme_range, 1, "either", WEAK, family=Chinchilla, needs="params tokens"),
    Kind(tokens_below_params, 1, "fitted", needs="params tokens"),
    Kind(swapped_columns, 2),
    Kind(shuffled, 16, "fitted"),
    Kind(mixed_kinds, 16, "fitted"),
    Kind(in_short_forms, 12, "fitted"),
    Kind(odd_indexes, 12, "fitted"),
    Kind(other_columns, 12, "fitted"),
    *(Kind(damage, 19, file="csv") for damage in (truncated, overwritten, cut_out, quotes)),
    *(Kind(damage, 28, file="csv") for damage in (noise_inserted, ragged)),
    *(Kind(damage, 23, file="jsonl")
      for damage in (truncated, overwritten, cut_out, noise_inserted)),
    *(Kind(damage, 20, "refused", file="csv.gz") for damage in (truncated, noise_inserted)),
    Kind(overwritten, 20, file="csv.gz"),
    *(Kind(damage, 14, "refused", file=file)
      for damage in (only_noise, only_unicode) for file in ("csv", "jsonl", "parquet", "csv.gz")),
    *(Kind(damage, 14, "refused", file="csv") for damage in (
        other_encoding, longer_rows, repeated_header, only_a_header, decimal_commas)),
    Kind(nul_bytes, 16, file="csv"),
    *(Kind(damage, 14, file="parquet") for damage in (truncated, overwritten, cut_out)),
    Kind(windows_lines, 8, "fitted", file="csv"),
]  # fmt: skip


def test_there_are_two_thousand_tables():
    assert sum(kind.count for kind in KINDS) == 2000
    assert len({kind.name for kind in KINDS}) == len(KINDS)


def given(rng, table, folder):
    """The table as a frame, a mapping, a file or a table of another package."""
    frame = table.frame
    media = ("frame", "mapping", "csv", "tsv", "semicolons", "csv.gz", "jsonl", "json", "parquet",
             "polars", "arrow")  # fmt: skip
    medium = table.medium or media[rng.integers(len(media))]
    simple = all(kind is not np.dtype(object) for kind in frame.dtypes) and frame.columns.is_unique
    if medium in ("parquet", "polars", "arrow") and (polars is None or not simple):
        medium = "csv"
    if medium == "frame":
        return frame
    if medium == "mapping":
        return {name: frame[name].to_numpy() for name in frame}
    if medium == "polars":
        return polars.from_arrow(pyarrow.Table.from_pandas(frame, preserve_index=False))
    if medium == "arrow":
        return pyarrow.Table.from_pandas(frame, preserve_index=False)
    return save(frame, folder / f"runs.{'csv' if medium == 'semicolons' else medium}",
                {"tsv": "\t", "semicolons": ";"}.get(medium, ","))  # fmt: skip


def save(frame, path, separator=","):
    if path.suffix == ".parquet":
        frame.to_parquet(path, index=False)
        return path
    if path.suffix in (".jsonl", ".json"):
        records = json.loads(
            frame.to_json(orient="records", double_precision=15, force_ascii=False)
        )
        for record, row in zip(records, frame.to_dict("records"), strict=True):
            record.update({k: v for k, v in row.items() if isinstance(v, float)})  # NaN, Infinity
        lines = [json.dumps(record) for record in records]
        path.write_text("\n".join(lines) if path.suffix == ".jsonl" else f"[{','.join(lines)}]")
        return path
    content = frame.to_csv(index=False, sep=separator).encode()
    path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
    return path


def damaged(kind, number, folder):
    """A table of the kind, ready to be read."""
    rng = np.random.default_rng([zlib.crc32(kind.name.encode()), number])
    table = sound(rng, kind.family)
    while not set(kind.needs.split()) <= set(table.names):
        table = sound(rng, kind.family)
    if not kind.file:
        kind.damage(rng, table)
        return table, given(rng, table, folder)
    path = save(table.frame, folder / f"runs.{kind.file}")
    path.write_bytes(kind.damage(rng, path.read_bytes()))
    return table, path


def ended(kind, number, folder):
    """The fit or the error a table ends in, if its end is a good one."""
    table, read = damaged(kind, number, folder)
    names = tuple(str(name) for name in table.frame.columns)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            runs = scaling.read_runs(read)
            fit = scaling.fit(table.family, runs, columns=table.columns, bootstrap=RESAMPLES)
            said = f"{fit}\n{fit._repr_html_()}"
        except ScalingError as error:
            said = readable(error, *names, *map(str, filter(None, map(canonical, names))), "runs.")
            if kind.end == "fitted":
                raise AssertionError(f"was refused: {said}") from None
            return error
    assert kind.end != "refused", f"was fitted: {fit}"
    assert table.family.__name__ in said
    assert np.isfinite(fit.objective_value)
    assert all(np.isfinite(value) for value in fit.law.values.values()), fit.law
    assert fit.draws.count == RESAMPLES
    for issue in fit.issues:
        assert str(issue).isprintable(), str(issue)
        assert len(str(issue)) < 600, str(issue)
        assert not re.search(r"\b(nan|None|np\.\w+)\b", issue.message), str(issue)
    found = {issue.code for issue in fit.issues}
    assert not kind.codes or found & set(kind.codes), f"has none of {kind.codes}: {fit}"
    return fit


def all_end_well(kind, numbers, folder):
    if kind.file == "parquet" and pyarrow is None:
        pytest.skip("Parquet needs pyarrow")
    bad = []
    for number in numbers:
        try:
            ended(kind, number, folder)
        except Exception as problem:
            said = str(problem).split("\nassert ")[0].strip()
            bad.append(f"{number}: {type(problem).__name__}: {said[:200]!a}")
    assert not bad, f"{len(bad)} of {len(numbers)} ended badly:\n" + "\n".join(bad[:8])


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_broken_table_ends_in_a_fit_or_in_one_sentence(kind, tmp_path):
    all_end_well(kind, range(kind.count), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if kind.end != "refused"], ids=lambda kind: kind.name
)
def test_so_do_many_more_that_can_be_fitted(kind, tmp_path):
    all_end_well(kind, range(kind.count, kind.count + 20), tmp_path)


@pytest.mark.parametrize("family", [Chinchilla, PowerLawPlusConstant])
def test_the_tables_are_sound_before_they_are_broken(family, tmp_path):
    """Otherwise a refusal would say nothing about the damage."""
    for number in range(12):
        rng = np.random.default_rng(number)
        table = sound(rng, family)
        runs = scaling.read_runs(given(rng, table, Path(tmp_path)))
        fit = scaling.fit(family, runs, columns=table.columns, bootstrap=0)
        assert [issue.code for issue in fit.issues if issue.severity != "note"] == []

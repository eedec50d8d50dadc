"""Tables of runs: what is read, what is refused in one sentence, and what is only suspected."""

import contextlib
import copy
import decimal
import fractions
import gzip
import json
import re
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from pandas.testing import assert_frame_equal

import scaling
from scaling import ColumnError, Cost, FitError, Huber, LeastSquares, ScalingError, read_runs
from scaling.laws import Chinchilla, PowerLawPlusConstant

PANDAS_3 = int(pd.__version__.split(".")[0]) >= 3
NAMES = ("params", "tokens", "loss")
LONGEST_MESSAGE = 600

PLAIN = "N,D,L\n1e8,2e9,3.2\n2e8,4e9,3.0\n4e8,8e9,2.8\n"


def law(params, tokens):
    """Chinchilla's law with the numbers of Besiroglu et al. 2024, table 1."""
    return 1.8172 + 482.01 / params**0.3478 + 2085.43 / tokens**0.3658


def clean(count=24, noise=0.003, seed=0):
    """Runs in which nothing is suspicious: sizes and tokens apart, over two decades and more."""
    rng = np.random.default_rng(seed)
    params = np.geomspace(1e7, 1e10, count)[rng.permutation(count)]
    tokens = np.geomspace(1e9, 1e12, count)[rng.permutation(count)]
    loss = law(params, tokens) * np.exp(rng.normal(0, noise, count))
    return pd.DataFrame({"params": params, "tokens": tokens, "loss": loss})


def readable(error, *names):
    """Sentence of an error, if it can be shown to a reader as it is.

    ``names`` are words in lower case that the sentence may start with: columns and files.
    """
    message = str(error)
    message.encode()  # can be printed
    assert 10 < len(message) < LONGEST_MESSAGE, f"{len(message)} characters: {message[:300]}"
    assert message.isprintable(), f"control characters: {message!r}"
    assert message == message.strip()
    inside = re.search(r"Traceback|File \"|\bnp\.\w+\(|<class|<function|object at 0x", message)
    assert not inside, f"speaks of the code ({inside}): {message}"
    known = (*names, "runs ", "columns=", "cost=")
    assert message[0].isupper() or message[0] in "'\"" or message.startswith(known), message
    assert message[-1] in ".!?'" or re.search(r"run: pip install \S+$", message), message
    assert error.__cause__ is None, "two errors instead of one"
    assert error.__context__ is None or error.__suppress_context__, "two errors instead of one"
    return message


@contextlib.contextmanager
def refused(*said, kind=ColumnError, names=()):
    """The block raises one readable sentence that says every one of the words."""
    with pytest.raises(kind) as caught:
        yield caught
    message = readable(caught.value, *names)
    for words in said:
        assert words in message, f"{words!r} is not in: {message}"


@contextlib.contextmanager
def kept_or_refused(*said, names=()):
    """The block works, or raises one readable sentence that says every one of the words."""
    try:
        yield
    except ScalingError as error:
        message = readable(error, *names)
        for words in said:
            assert words in message, f"{words!r} is not in: {message}"


def codes(fit):
    return [issue.code for issue in fit.issues]


def issue(fit, code):
    found = [one for one in fit.issues if one.code == code]
    assert len(found) == 1, f"{code} is not once in {codes(fit)}"
    return found[0]


def fitted(frame, family=Chinchilla, **options):
    return scaling.fit(family, frame, **{"bootstrap": 0, **options})


def write(path, content):
    """File with exactly this text or these bytes."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


# Files


TEXTS = {
    "runs.csv": PLAIN,
    "runs.CSV": PLAIN,
    "runs.txt": PLAIN,
    "tabs in a.csv": PLAIN.replace(",", "\t"),
    "runs.tsv": PLAIN.replace(",", "\t"),
    "semicolons.csv": PLAIN.replace(",", ";"),
    "bom.csv": "\ufeff" + PLAIN,
    "bom.tsv": "\ufeff" + PLAIN.replace(",", "\t"),
    "crlf.csv": PLAIN.replace("\n", "\r\n"),
    "bom crlf.csv": "\ufeff" + PLAIN.replace("\n", "\r\n"),
    "cr.csv": PLAIN.replace("\n", "\r"),
    "no last newline.csv": PLAIN.rstrip("\n"),
    "blank lines at the end.csv": PLAIN + "\n\n",
    "spaces after commas.csv": PLAIN.replace(",", ", "),
    "spaces around headers.csv": PLAIN.replace("N,D,L", " N , D , L "),
    "quoted.csv": '"N","D","L"\n"1e8","2e9","3.2"\n"2e8","4e9","3.0"\n"4e8","8e9","2.8"\n',
    "suffixes.csv": "N,D,L\n100M,2B,3.2\n0.2B,4B,3.0\n400m,8b,2.8\n",
    "mixed.csv": "N,D,L\n100M,2000000000,3.2\n200000000,4B,3.0\n4e8,0.008T,2.8\n",
    "thousands.csv": 'N,D,L\n"100,000,000",2e9,3.2\n"200,000,000",4e9,3.0\n"400,000,000",8e9,2.8\n',
    "comma in a quoted name.csv":
        'N,D,L,"notes, mine"\n1e8,2e9,3.2,"a,b"\n2e8,4e9,3,c\n4e8,8e9,2.8,d\n',
    "trailing commas.csv": PLAIN.replace("\n1", ",\n1"). replace(".2\n", ".2,\n"),
    "index column.csv": ",N,D,L\n0,1e8,2e9,3.2\n1,2e8,4e9,3.0\n2,4e8,8e9,2.8\n",
    "quoted header over two lines.csv": PLAIN.replace("N,D,L", '"Model\nSize",D,L'),
    "runs.jsonl": '{"N":1e8,"D":2e9,"L":3.2}\n{"N":2e8,"D":4e9,"L":3.0}\n{"N":4e8,"D":8e9,"L":2.8}',
    "blank lines.jsonl": '\n{"N":1e8,"D":2e9,"L":3.2}\n\n{"N":2e8,"D":4e9,"L":3}\n'
                         '{"N":"400M","D":8e9,"L":2.8}\n\n',
    "runs.ndjson":
        '{"N":1e8,"D":2e9,"L":3.2}\r\n{"D":4e9,"L":3,"N":2e8}\r\n{"N":4e8,"L":2.8,"D":8e9}',
    "array.json":
        '[{"N":1e8,"D":2e9,"L":3.2},\n {"N":2e8,"D":4e9,"L":3},\n {"N":4e8,"D":8e9,"L":2.8}]',
    "bom.jsonl":
        '\ufeff{"N":1e8,"D":2e9,"L":3.2}\n{"N":2e8,"D":4e9,"L":3}\n{"N":4e8,"D":8e9,"L":2.8}',
    "line separator in a name.jsonl":
        '{"N":1e8,"D":2e9,"L":3.2,"run":"a\u2028b"}\n{"N":2e8,"D":4e9,"L":3,"run":"\x85"}\n'
        '{"N":4e8,"D":8e9,"L":2.8,"run":"c"}\n',
}  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
def test_text_files_are_read(tmp_path, name, packed):
    content = TEXTS[name].encode()
    path = tmp_path / (name + ".gz" if packed else name)
    runs = read_runs(write(path, gzip.compress(content) if packed else content))
    assert_allclose(runs["params"], [1e8, 2e8, 4e8])
    assert_allclose(runs["tokens"], [2e9, 4e9, 8e9])
    assert_allclose(runs["loss"], [3.2, 3.0, 2.8])
    assert_allclose(runs["compute"], 6 * runs["params"] * runs["tokens"])
    assert runs.attrs["scaling"]["source"] == path.name
    assert [runs[column].dtype for column in NAMES] == [np.dtype(float)] * 3


def test_a_path_may_be_text_a_path_or_path_like(tmp_path):
    path = write(tmp_path / "runs.csv", PLAIN)

    class PathLike:
        def __fspath__(self):
            return str(path)

    expected = read_runs(path)
    assert_frame_equal(read_runs(str(path)), expected)
    assert_frame_equal(read_runs(PathLike()), expected)


@pytest.mark.parametrize(
    "name",
    [
        "with spaces in it.csv", " leading space.csv", "-leading-dash.csv", "--.csv", ".hidden.csv",
        "quote'd.csv", 'double"quoted.csv', "per%cent%s%d.csv", "{braces}{0}.csv",
        "naïve-模型-🚀.csv",
        "semi;colon&and|pipe.csv", "$HOME.csv", "~.csv", "*.csv", "[1].csv", "back\\slash.csv",
        "two.dots.v1.2.csv", "http:.csv", "new\nline.csv", "tab\there.csv", "bell\x07.csv",
        "x" * 200 + ".csv",
    ],
)  # fmt: skip
def test_hostile_file_names_are_read_and_named_in_one_line(tmp_path, name):
    path = write(tmp_path / name, PLAIN)
    assert len(read_runs(str(path))) == 3
    starts = (name.split("\n")[0].split("\t")[0].split("\x07")[0],)
    write(path, "N,D,L\n1e8,2e9,3.2\n1e8,oops,3.2\n")
    with refused("'tokens'", "row 1", "'oops'", names=starts):
        read_runs(path)
    for content in ("", "N,D,L\n", "N,N\n1,2\n", "a,b\n1,2\n", b"\xff\xfe\x00"):
        with refused(names=starts):
            read_runs(write(path, content))
    path.unlink()
    with refused("no file", names=starts):
        read_runs(path)


@pytest.mark.parametrize("name", ["x" * 300 + ".csv", "y" * 5000 + ".csv", PLAIN * 100, "a\0b.csv"])
def test_a_name_that_can_be_no_file_is_refused(name):
    with refused():
        read_runs(name)


@pytest.mark.parametrize(
    "name",
    ["", ".", "/", "/.csv", "runs", "runs.", "runs.xlsx", "runs.csv.bz2", "runs.gz", "runs.csv "],
)
def test_a_name_without_a_known_ending_is_refused(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    if name.strip("./"):
        write(tmp_path / name, PLAIN)
    with refused(names=("runs",)):
        read_runs(name)


@pytest.mark.parametrize("name", ["there.csv", "there.jsonl", "there.parquet", "there.csv.gz"])
def test_a_missing_file_is_named(tmp_path, name):
    with refused("no file", "there"):
        read_runs(tmp_path / name)


@pytest.mark.parametrize("name", ["folder.csv", "folder.jsonl", "folder.csv.gz", "folder.parquet"])
def test_a_folder_is_no_file_of_runs(tmp_path, name):
    (tmp_path / name).mkdir()
    with refused("folder", names=("folder",)):
        read_runs(tmp_path / name)


def half(content):
    return content[: len(content) // 2]


def flipped(content):
    """Compressed bytes with a stretch in the middle overwritten."""
    middle = len(content) // 2
    changed = bytes(byte ^ 0x5A for byte in content[middle : middle + 30])
    return content[:middle] + changed + content[middle + 30 :]


MANY = ("N,D,L\n" + "".join(f"{i * 1000003},{i * 7919}e3,3.{i}\n" for i in range(1, 400))).encode()

UNREADABLE = {
    "empty.csv": b"",
    "empty.jsonl": b"",
    "empty.csv.gz": b"",
    "white.csv": b"  \n \n",
    "white.jsonl": b"  \n \n",
    "header only.csv": b"N,D,L\n",
    "header only without newline.csv": b"N,D,L",
    "no objects.jsonl": b"[]",
    "numbers.jsonl": b"1\n2\n",
    "lists.jsonl": b"[1,2]\n[3,4]\n",
    "mixed.jsonl": b'{"N":1,"D":2,"L":3}\n4\n',
    "half an object.jsonl": b'{"N":1e8,"D":2e9,"L":3}\n{"N":1e8,"D":',
    "deep.jsonl": b"[" * 100_000,
    "columns not runs.json": b'{"N":[1e8,2e8],"D":[1e9,2e9],"L":[3,2]}',
    "surrogate.jsonl": b'{"\\ud800":1,"\\udfff":2}',
    "huge integer.jsonl": b'{"N":' + b"9" * 400 + b',"D":1e9,"L":3}',
    "huger integer.jsonl": b'{"N":' + b"9" * 5000 + b',"D":1e9,"L":3}',
    "latin.csv": "N,D,L,café\n1,2,3,é\n".encode("latin-1"),
    "utf16.csv": PLAIN.encode("utf-16"),
    "binary.csv": bytes(range(256)) * 20,
    "binary.jsonl": bytes(range(256)) * 20,
    "binary.parquet": bytes(range(256)) * 20,
    "zeros.csv": b"\0" * 1000,
    "text.parquet": PLAIN.encode(),
    "empty.parquet": b"",
    "plain.csv.gz": PLAIN.encode(),
    "half.csv.gz": half(gzip.compress(MANY)),
    "flipped.csv.gz": flipped(gzip.compress(MANY)),
    "unclosed quote.csv": b'N,D,L\n"1e8,2e9,3.2\n2e8,4e9,3\n',
    "unclosed quote in the header.csv": b'"N,D,L\n1e8,2e9,3.2\n2e8,4e9,3\n',
    "field too long.csv": b"N,D,L\n" + b"x" * 300_000 + b",2,3\n",
    "header too long.csv": b"x" * 300_000 + b",N\n1,2\n",
    "page.csv": b"<!DOCTYPE html>\n<html><body>404, not found</body></html>\n",
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_file_that_holds_no_runs_is_refused(tmp_path, name):
    with refused(names=(name,)):
        read_runs(write(tmp_path / name, UNREADABLE[name]))


def test_every_damage_to_a_packed_file_is_refused(tmp_path):
    whole = gzip.compress(MANY, mtime=0)
    for place in range(10, len(whole) - 8, 97):
        damaged = bytearray(whole)
        for i in range(place, min(place + 20, len(whole) - 8)):
            damaged[i] ^= 0x5A
        with refused(names=("runs.csv.gz",)):
            read_runs(write(tmp_path / "runs.csv.gz", bytes(damaged)))


def test_a_line_that_is_not_json_is_named_by_its_place_in_the_file(tmp_path):
    with refused("line 4", names=("runs.jsonl",)):
        read_runs(write(tmp_path / "runs.jsonl", '\n{"N":1e8,"D":2e9,"L":3}\n\n{"N":1e8,\n'))


def test_a_blank_first_line_does_not_make_a_file_empty(tmp_path):
    assert len(read_runs(write(tmp_path / "runs.csv", "\n\n" + PLAIN))) == 3


LONGER = {
    "one row": "N,D,L\n1e8,2e9,3.2\n2e8,4e9,3.0,9\n4e8,8e9,2.8\n",
    "every row": "N,D,L\n1e8,2e9,3.2,9\n2e8,4e9,3.0,9\n4e8,8e9,2.8,9\n",
    "thousands without quotes": "N,D,L\n100,000,000,2e9,3.2\n200,000,000,4e9,3.0\n",
    "decimal commas between commas": "N,D,L\n1e8,2e9,3,2\n2e8,4e9,3,0\n4e8,8e9,2,8\n",
}


@pytest.mark.parametrize("name", LONGER)
def test_rows_with_more_cells_than_headers_are_refused_and_not_cut(tmp_path, name):
    with refused(names=("runs.csv",)):
        read_runs(write(tmp_path / "runs.csv", LONGER[name]))


def test_a_row_with_too_many_cells_is_refused_by_its_line(tmp_path):
    with refused("line 3", names=("runs.csv",)):
        read_runs(write(tmp_path / "runs.csv", LONGER["one row"]))


def test_a_row_with_too_few_cells_is_refused_by_row(tmp_path):
    with refused("'loss'", "row 1", "nothing"):
        read_runs(write(tmp_path / "runs.csv", "N,D,L\n1e8,2e9,3.2\n2e8,4e9\n4e8,8e9,2.8\n"))


@pytest.mark.parametrize("losses", [("3,25", "3,1"), ("3,125", "2,913")], ids=["two", "three"])
def test_a_decimal_comma_is_never_read_as_thousands(tmp_path, losses):
    rows = "".join(
        f"{size};2e9;{loss}\n" for size, loss in zip(("1e8", "2e8"), losses, strict=True)
    )
    path = write(tmp_path / "european.csv", "N;D;L\n" + rows)
    with kept_or_refused("'loss'"):
        assert_allclose(read_runs(path)["loss"], [float(x.replace(",", ".")) for x in losses])


@pytest.mark.parametrize(
    "header", ["N,D,L,N", "N, N,D,L", '"N",N,D,L', "loss,N,D,loss", "N,N.1,N,L"]
)
def test_duplicate_headers_of_a_file_are_refused(tmp_path, header):
    twice = "loss" if "loss" in header else "N"
    with refused(f"{twice!r}", "more than one", names=("runs.csv",)):
        read_runs(write(tmp_path / "runs.csv", f"{header}\n1e8,2e9,3.2,4\n"))


# Parquet, Polars and Arrow


def test_parquet_is_read(tmp_path):
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame({"n_params": [1e8, 2e8], "D": ["2B", "4B"], "val_loss": [3.2, 3.0]})
    frame.to_parquet(tmp_path / "runs.parquet")
    runs = read_runs(tmp_path / "runs.parquet")
    assert_allclose(runs["tokens"], [2e9, 4e9])
    assert_allclose(runs["params"], [1e8, 2e8])


@pytest.mark.parametrize("cells", [[[1e8, 2e8], [3e8]], [[1e8], [2e8]], [{"a": 1}, {"a": 2}]])
def test_parquet_with_lists_for_numbers_is_refused(tmp_path, cells):
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame({"params": cells, "tokens": [1e9, 2e9], "loss": [3.2, 3.0]})
    frame.to_parquet(tmp_path / "runs.parquet")
    with refused("'params'", "row"):
        read_runs(tmp_path / "runs.parquet")


@pytest.mark.parametrize("damage", [half, flipped], ids=["half", "flipped"])
def test_a_damaged_parquet_file_is_refused(tmp_path, damage):
    pytest.importorskip("pyarrow")
    path = tmp_path / "runs.parquet"
    clean(200).to_parquet(path)
    path.write_bytes(damage(path.read_bytes())[:-10])
    with refused(names=("runs.parquet",)):
        read_runs(path)


def test_parquet_without_pyarrow_says_what_to_install(tmp_path, monkeypatch):
    path = write(tmp_path / "runs.parquet", b"PAR1")
    for package in ("pyarrow", "fastparquet"):
        monkeypatch.setitem(sys.modules, package, None)
    with refused("runs.parquet", "pyarrow", "pip install", names=("runs.parquet",)):
        read_runs(path)


def test_polars_tables_are_read():
    polars = pytest.importorskip("polars")
    pytest.importorskip("pyarrow")
    table = polars.DataFrame({"N": [100_000_000, 200_000_000], "D": ["2B", "4B"], "L": [3.2, 3.0]})
    runs = read_runs(table)
    assert_allclose(runs["params"], [1e8, 2e8])
    assert_allclose(runs["compute"], [1.2e18, 4.8e18])
    with refused("'params'", "row 1", "nothing"):
        read_runs(polars.DataFrame({"N": [1e8, None], "D": [2e9, 4e9], "L": [3.2, 3.0]}))
    assert codes(fitted(polars.from_dict(clean().to_dict("list")))) == []


def test_arrow_tables_are_read():
    arrow = pytest.importorskip("pyarrow")
    table = arrow.table({"N": [100_000_000, 200_000_000], "D": ["2B", "4B"], "L": [3.2, 3.0]})
    for given in (table, table.to_batches()[0]):
        assert_allclose(read_runs(given)["tokens"], [2e9, 4e9])
    with refused("'loss'", "row 0", "nothing"):
        read_runs(arrow.table({"N": [1e8], "D": [2e9], "L": arrow.array([None], arrow.float64())}))
    twice = arrow.Table.from_arrays([table["N"], table["N"]], names=["N", "N"])
    with refused("'N'", "more than one"):
        read_runs(twice)


@pytest.mark.parametrize(
    ("kind", "cells"),
    [
        ("int64", [100_000_000, 200_000_000]),
        ("float64", [1e8, 2e8]),
        ("float32", [1e8, 2e8]),
        ("string", ["100M", "2e8"]),
        ("decimal", [decimal.Decimal(10**8), decimal.Decimal(2 * 10**8)]),
    ],
)
def test_arrow_backed_columns_of_pandas_are_read(kind, cells):
    arrow = pytest.importorskip("pyarrow")
    dtype = arrow.decimal128(12, 2) if kind == "decimal" else getattr(arrow, kind)()
    series = pd.Series([*cells, None], dtype=pd.ArrowDtype(dtype))
    runs = read_runs(pd.DataFrame({"params": series, "tokens": 2e9, "loss": 3.0}).iloc[:2])
    assert_allclose(runs["params"], [1e8, 2e8])
    with refused("'params'", "row 2", "nothing"):
        read_runs(pd.DataFrame({"params": series, "tokens": 2e9, "loss": 3.0}))


def test_a_table_whose_package_is_missing_is_refused_in_one_sentence():
    class Table:
        __module__ = "polars.dataframe.frame"

        def to_pandas(self):
            raise ModuleNotFoundError("No module named 'pyarrow'", name="pyarrow")

    for verb in (read_runs, fitted):
        with refused("polars", "pyarrow", "pip install pyarrow"):
            verb(Table())


def test_polars_without_pyarrow_is_refused_in_one_sentence(monkeypatch):
    polars = pytest.importorskip("polars")
    table = polars.DataFrame({"N": [1e8], "D": [2e9], "L": ["3.2"]})
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with kept_or_refused("pip install pyarrow"):  # newer versions may do without it
        assert_allclose(read_runs(table)["loss"], [3.2])


@pytest.mark.parametrize(
    "given",
    [None, 3, 2.5, b"runs.csv", [1, 2], [{"params": 1}], (1, 2), {1, 2}, np.ones((3, 3)), object(),
     pd.Series([1.0], name="loss"), pd.DataFrame, iter([]), open],
    ids=lambda given: type(given).__name__,
)  # fmt: skip
def test_what_is_no_table_is_refused(given):
    with refused("table"):
        read_runs(given)
    with refused("table"):
        fitted(given)


@pytest.mark.parametrize(
    "given",
    [{}, {"params": 1.0, "loss": 2.0}, {"params": [1.0, 2.0], "loss": [2.0]},
     {"params": np.ones((2, 2)), "loss": [1, 2]}, {"params": {1, 2}, "loss": [1, 2]},
     {"params": [], "loss": []}],
    ids=["nothing", "scalars", "lengths", "matrix", "set", "no rows"],
)  # fmt: skip
def test_a_mapping_that_is_no_table_is_refused(given):
    with refused():
        read_runs(given)
    with refused():
        fitted(given)


# Headers


ALIASES = {
    "N": "params", "n": "params", "n_params": "params", "num_params": "params", "params": "params",
    "model_size": "params", "Model Size": "params", "MODEL-SIZE": "params", "model.size": "params",
    "parameters": "params", "Parameter Count": "params", "non_embedding_params":
    "params_non_embedding", "active_params": "params_active", "D": "tokens", "n_tokens": "tokens",
    "num_tokens": "tokens", "Training Tokens": "tokens", "dataset_size": "tokens", "C": "compute",
    "flops": "compute", "FLOPs": "compute", "Training FLOP": "compute", "training_flops": "compute",
    "compute": "compute", "L": "loss", "loss": "loss", "val_loss": "loss", "eval/loss": "loss",
    "Validation Loss": "loss", "final_loss": "loss", "bpb": "loss_bits_per_byte",
    "error_rate": "error", "lr": "learning_rate", "seq_len": "context_length", "Run ID": "run",
    "unique_tokens": "unique_tokens", "peak_lr": "learning_rate", "random_seed": "seed",
}  # fmt: skip


@pytest.mark.parametrize("header", ALIASES)
def test_the_fields_usual_headers_are_understood(header):
    value = 0.5 if ALIASES[header] == "error" else 3.0
    runs = read_runs(pd.DataFrame({header: [value], "mine": [1]}))
    assert ALIASES[header] in runs.columns
    assert runs[ALIASES[header]].iloc[0] == value
    renamed = {} if header == ALIASES[header] else {header: ALIASES[header]}
    assert runs.attrs["scaling"]["renamed"] == renamed
    assert "mine" in runs.columns


@pytest.mark.parametrize("header", ["colour", "Nn", "lossy", "my loss", "params2", "token", "x"])
def test_other_headers_are_left_alone(header):
    runs = read_runs({header: [1.0], "params": [1e8]})
    assert list(runs.columns) == [header, "params"]


def test_headers_read_are_among_the_fits_assumptions():
    fit = fitted(read_runs(clean().rename(columns={"params": "Model Size", "loss": "val_loss"})))
    assert "params is read from the column 'Model Size'." in fit.assumptions
    assert "loss is read from the column 'val_loss'." in fit.assumptions
    assert not any("tokens is read" in line for line in fit.assumptions)


def test_a_column_with_the_very_name_wins_over_an_alias():
    runs = read_runs({"val_loss": [9.0], "loss": [3.0], "N": [5e8], "params": [1e8]})
    assert runs["loss"].iloc[0] == 3.0
    assert runs["params"].iloc[0] == 1e8
    assert runs["val_loss"].iloc[0] == 9.0


def test_two_headers_that_could_mean_one_column_are_refused_and_the_remedy_works():
    table = {"N": [1e8], "D": [2e9], "val_loss": [3.2], "train_loss": [3.1]}
    with refused("'val_loss' and 'train_loss'", "loss", "columns={'loss': 'val_loss'}"):
        read_runs(table)
    assert read_runs(table, columns={"loss": "val_loss"})["loss"].iloc[0] == 3.2
    assert read_runs(table, columns={"loss": "train_loss"})["loss"].iloc[0] == 3.1


def test_columns_name_a_header_that_is_not_understood():
    table = {"größe": ["100M"], "D": [2e9], "c4 en": [3.2]}
    runs = read_runs(table, columns={"params": "größe", "loss": "c4 en"})
    assert list(runs.columns) == ["params", "tokens", "loss", "compute"]
    assert runs.attrs["scaling"]["renamed"]["größe"] == "params"


def test_columns_may_swap_two_names():
    runs = read_runs(
        {"params": [2e9], "tokens": [1e8]}, columns={"params": "tokens", "tokens": "params"}
    )
    assert runs["params"].iloc[0] == 1e8
    assert runs["tokens"].iloc[0] == 2e9


def test_columns_that_name_no_header_are_refused_with_the_headers_there():
    with refused("'c4'", "N, D, L"):
        read_runs({"N": [1e8], "D": [2e9], "L": [3.2]}, columns={"loss": "c4"})


def test_columns_that_give_a_name_twice_are_refused():
    with refused("'loss'"):
        read_runs({"loss": [1.0], "c4": [2.0]}, columns={"loss": "c4"})
    with refused("'c4'"):
        read_runs({"c4": [0.5], "N": [1e8]}, columns={"loss": "c4", "error": "c4"})


@pytest.mark.parametrize("columns", [["loss"], "loss", 3, ("loss", "c4")], ids=repr)
def test_columns_that_are_no_mapping_are_refused(columns):
    with refused("columns=", "mapping"):
        read_runs({"N": [1e8], "D": [2e9], "L": [3.2]}, columns=columns)
    with refused("columns=", "mapping"):
        fitted(clean(), columns=columns)


@pytest.mark.parametrize("factor", ["6", None, 0, -6.0, np.nan, np.inf])
def test_a_cost_without_a_factor_above_zero_is_refused(factor):
    with refused("Cost", "factor", repr(factor), kind=ScalingError):
        Cost(factor=factor)


def test_a_cost_that_is_no_cost_is_refused():
    with refused("cost=", "Cost"):
        read_runs({"N": [1e8], "D": [2e9], "L": [3.2]}, cost=6)


def test_a_table_with_no_known_column_is_refused_with_its_headers():
    with refused("colour, shape", "columns="):
        read_runs({"colour": [1], "shape": [2]})


@pytest.mark.parametrize("count", [1, 30, 500])
def test_however_many_headers_there_are_the_sentence_stays_short(count):
    table = pd.DataFrame({f"some column {i}": [1.0] for i in range(count)})
    with refused("some column 0"):
        read_runs(table)
    with refused("some column 0"):
        fitted(table)
    with refused("'mine'"):
        read_runs(table, columns={"loss": "mine"})


@pytest.mark.parametrize("header", ["p" * 3000, "two\nlines", "bell\x07", "nul\x00", "tab\t"])
def test_hostile_headers_are_shown_in_one_short_line(header):
    with refused():
        read_runs({header: [1.0]})
    with refused():
        fitted({header: [1.0]})
    with refused("rows 0"):
        fitted(clean().rename(columns={"loss": header}).assign(**{header: "oops"}),
               columns={"loss": header})  # fmt: skip


def test_column_names_that_are_not_text_are_understood_by_their_text():
    runs = read_runs(pd.DataFrame([[1e8, 2e9, 3.2]], columns=[0, 1, 2]),
                     columns={"params": "0", "tokens": "1", "loss": "2"})  # fmt: skip
    assert runs[list(NAMES)].iloc[0].tolist() == [1e8, 2e9, 3.2]
    dated = pd.DataFrame(
        [[1e8, 2e9, 3.2, 1.0]], columns=["N", "D", "L", pd.Timestamp("2024-01-01")]
    )
    assert read_runs(dated).shape == (1, 5)


def test_column_names_that_are_not_text_can_be_fitted_or_are_refused():
    frame = clean()
    expected = fitted(frame).law.values
    numbered = frame.set_axis([0, 1, 2], axis=1)
    fit = fitted(numbered, columns={"params": 0, "tokens": 1, "loss": 2})
    assert fit.law.values == pytest.approx(expected)
    with refused("7"):
        fitted(numbered, columns={"params": 0, "tokens": 1, "loss": 7})


@pytest.mark.parametrize("name", [["a"], {"a": 1}, None, 2.5])
def test_a_column_that_cannot_be_one_is_refused(name):
    with refused():
        fitted(clean(), columns={"loss": name})


def test_duplicate_names_of_a_frame_are_refused():
    for names, shown in ((["loss", "loss"], "'loss'"), ([3, 3], "3")):
        with refused(f"more than one column named {shown};"):
            read_runs(pd.DataFrame([[1.0, 2.0]], columns=names))
        with refused(f"more than one column named {shown};"):
            fitted(pd.DataFrame([[1.0, 2.0]], columns=names))


def test_names_that_differ_only_as_number_and_text_are_refused_or_kept_apart():
    frame = pd.DataFrame([[1e8, 2e9, 3.0, 4.0]], columns=["params", "tokens", 1, "1"])
    for columns in (None, {"loss": "1"}):
        with refused("'1'"):
            read_runs(frame, columns=columns)


def test_a_frame_with_levels_of_columns_is_refused():
    columns = pd.MultiIndex.from_tuples([("params", ""), ("tokens", ""), ("loss", "val")])
    frame = pd.DataFrame([[1e8, 2e9, 3.2]], columns=columns)
    for given in (None, {"loss": "('loss', 'val')"}):
        with refused("params"):
            read_runs(frame, columns=given)
    with refused("params"):
        fitted(frame)


# Cells


BAD_CELLS = {
    "NaN": (np.nan, "nothing"),
    "None": (None, "nothing"),
    "NA": (pd.NA, "nothing"),
    "NaT": (pd.NaT, "nothing"),
    "inf": (np.inf, "inf"),
    "minus inf": (-np.inf, "-inf"),
    "text": ("oops", "'oops'"),
    "empty text": ("", "''"),
    "text nan": ("nan", "'nan'"),
    "text inf": ("inf", "'inf'"),
    "decimal comma": ("3,2", "'3,2'"),
    "bool": (True, "True"),
    "NumPy bool": (np.True_, "True"),
    "complex": (1 + 2j, "(1+2j)"),
    "NumPy complex": (np.complex64(1 + 2j), "1+2j"),
    "list": ([1.0], "[1.0]"),
    "dict": ({"a": 1}, "{'a': 1}"),
    "array": (np.array([1.0, 2.0]), "1."),
    "array of one": (np.array([1.0]), "1."),
    "date": (pd.Timestamp("2024-01-01", tz="Europe/Berlin"), "2024"),
    "bytes": (b"12", "b'12'"),
    "long text": ("x" * 10_000, "'xxx"),
    "two lines": ("a\nb", r"'a\nb'"),
    "signalling NaN": (decimal.Decimal("sNaN"), "NaN"),
    "integer beyond floats": (10**400, "1000"),
}


@pytest.mark.parametrize("kind", BAD_CELLS)
@pytest.mark.parametrize("column", ["params", "tokens", "compute", "loss"])
def test_a_cell_that_is_no_number_is_refused_by_column_row_and_value(kind, column):
    value, shown = BAD_CELLS[kind]
    frame = clean(8).assign(compute=lambda f: 6 * f["params"] * f["tokens"])
    frame.index = pd.Index([f"run-{i}" for i in range(8)])
    cells = np.array([*frame[column].tolist(), None], dtype=object)[:8]
    cells[5] = value
    frame[column] = pd.Series(cells, index=frame.index)
    with refused(f"'{column}'", "row run-5 holds", shown):
        read_runs(frame)
    roles = {"x": column, "loss": "tokens" if column == "loss" else "loss"}
    roles = {"x": "params", "loss": "loss"} if column == "loss" else roles
    with refused(f"'{column}'", "row run-5 holds", shown):
        fitted(frame, PowerLawPlusConstant, columns=roles)


@pytest.mark.parametrize(
    ("value", "shown"), [(np.nan, "nothing"), (np.inf, " inf"), (-np.inf, "-inf")]
)
def test_a_float_that_is_no_number_is_refused_by_column_rows_and_value(value, shown):
    frame = clean(12)
    frame.loc[[2, 7], "tokens"] = value
    with refused("'tokens'", "rows 2, 7 hold", shown):
        read_runs(frame)
    frame.loc[:10, "tokens"] = value
    with refused("rows 0, 1, 2, 3, 4, 5 and 5 more hold", shown):
        read_runs(frame)


DOMAINS = [
    ("params", 0.0), ("params", -1e8), ("tokens", 0.0), ("tokens", -5.0), ("compute", 0.0),
    ("compute", -1e20), ("unique_tokens", 0.0), ("params_non_embedding", 0.0), ("error", 1.5),
    ("error", -0.1), ("params_active", -1.0),
]  # fmt: skip


@pytest.mark.parametrize(("column", "value"), DOMAINS)
def test_a_value_outside_its_columns_domain_is_refused(column, value):
    good = {"error": 0.5}.get(column, 1e9)
    table = pd.DataFrame({column: [good, good, value]}, index=["a", "b", "c"])
    with refused(f"'{column}'", "row c", scaling.text.human(value, 6)):
        read_runs(table)
    text = table.assign(**{column: table[column].map(repr)})
    with refused(f"'{column}'", "row c", scaling.text.human(value, 6)):
        read_runs(text)


@pytest.mark.parametrize(
    ("column", "value"),
    [("sparsity", 1.5), ("sparsity", -0.1), ("lr_final_fraction", 3.0), ("step", -1),
     ("batch_size", 0), ("batch_size", -512), ("vocab_size", -1), ("context_length", 0)],
)  # fmt: skip
def test_a_setting_outside_its_columns_domain_is_refused(column, value):
    with refused(f"'{column}'", "row 1"):
        read_runs(clean(3).assign(**{column: [0.5, value, 0.5]}))


@pytest.mark.parametrize("column", ["error", "loss", "params", "tokens"])
def test_values_at_the_edge_of_a_domain_are_read(column):
    edge = {"error": [0.0, 1.0], "loss": [0.0, -3.0]}.get(column, [5e-324, 1.7e308])
    assert read_runs({column: edge})[column].tolist() == edge


@pytest.mark.parametrize("dtype", ["bool", "boolean", "complex128", "complex64"])
@pytest.mark.parametrize("column", NAMES)
def test_boolean_and_complex_columns_are_refused(column, dtype):
    frame = clean(3)
    frame[column] = pd.Series([True, False, True]).astype(dtype)
    with refused(f"'{column}'", dtype):
        read_runs(frame)
    with refused(f"'{column}'", dtype):
        fitted(frame)


def test_missing_columns_are_named_with_those_there():
    with refused("Chinchilla", "params, tokens, loss", "colour", "columns="):
        fitted({"params": [1e8], "colour": [2e9], "loss": [3.2]})
    with refused("'width'", "params, tokens, loss"):
        fitted(clean(), columns={"width": "params"})
    with refused("c4"):
        fitted(clean(), columns={"loss": "c4"})


@pytest.mark.parametrize("make", [
    lambda: clean().iloc[:0], lambda: {"params": [], "tokens": [], "loss": []},
    lambda: pd.DataFrame(columns=list(NAMES)), lambda: pd.DataFrame(),
], ids=["no rows left", "empty lists", "names only", "nothing"])  # fmt: skip
def test_an_empty_table_is_refused(make):
    with refused():
        read_runs(make())
    with refused():
        fitted(make())


def test_an_empty_table_is_said_to_be_empty():
    with refused("empty"):
        read_runs(clean().iloc[:0])
    with refused("empty"):
        fitted(clean().iloc[:0])


@pytest.mark.parametrize("value", [0.0, -0.5])
def test_a_loss_without_logarithm_is_refused_by_row_and_the_remedy_works(value):
    frame = read_runs(clean())
    frame.index = [f"run-{i}" for i in range(len(frame))]
    frame.loc["run-4", "loss"] = value
    with refused("'loss'", "run-4", f"{value:g}", "Huber(space='linear')"):
        fitted(frame)
    with refused("LeastSquares(space='linear')"):
        fitted(frame, objective=LeastSquares())
    fit = fitted(frame, objective=Huber(space="linear"))
    assert np.isfinite(fit.objective_value)


@pytest.mark.parametrize("count", [1, 2, 4, 5])
def test_fewer_runs_than_free_coefficients_are_refused(count):
    with refused("Chinchilla", "5 free coefficients", f"got {count}", kind=FitError):
        fitted(clean().iloc[:count])


def test_fixing_coefficients_lets_fewer_runs_be_fitted():
    runs = clean().iloc[:5]
    fit = fitted(runs, fixed={"alpha": 0.3478, "beta": 0.3658})
    assert issue(fit, "few-runs").severity == "weakens"
    assert "5 runs for 3 free coefficients" in issue(fit, "few-runs").message


# Kinds of columns and indexes


WHOLE = [100_000_000, 200_000_000, 400_000_000]


KINDS = {
    "Int64": pd.array(WHOLE, dtype="Int64"),
    "UInt64": pd.array(WHOLE, dtype="UInt64"),
    "Float64": pd.array(WHOLE, dtype="Float64"),
    "uint32": np.array(WHOLE, dtype=np.uint32),
    "int32": np.array(WHOLE, dtype=np.int32),
    "float32": np.array(WHOLE, dtype=np.float32),
    "longdouble": np.array(WHOLE, dtype=np.longdouble),
    "big-endian": np.array(WHOLE, dtype=">f8"),
    "category": pd.Categorical(WHOLE),
    "category of text": pd.Categorical(["100M", "200M", "0.4B"]),
    "string": pd.array(["100M", "200M", "0.4B"], dtype="string"),
    "NumPy text": np.array(["100M", "2e8", "0.4B"]),
    "sparse": pd.arrays.SparseArray(np.array(WHOLE, dtype=float)),
    "mixed": np.array(["100M", 200_000_000, 4e8], dtype=object),
    "exact": [decimal.Decimal("1e8"), fractions.Fraction(200_000_000), np.float32(4e8)],
    "commas": ["100,000,000", " 200M ", "4E8"],
    "tuple": tuple(WHOLE),
}


@pytest.mark.parametrize("kind", KINDS)
def test_numbers_of_every_kind_become_floats(kind):
    runs = read_runs({"N": KINDS[kind], "D": [2e9, 4e9, 8e9], "L": [3.2, 3.0, 2.8]})
    assert runs["params"].dtype == np.dtype(float)
    assert_allclose(runs["params"], WHOLE)


@pytest.mark.parametrize("dtype", ["Int64", "Float64", "string", "category", "object"])
def test_missing_cells_of_every_kind_are_refused(dtype):
    cells = pd.Series([100_000_000, None, 400_000_000], dtype="Int64")
    cells = cells.astype(dtype)
    with refused("'params'", "row 1 holds nothing"):
        read_runs({"N": cells, "D": [2e9, 4e9, 8e9], "L": [3.2, 3.0, 2.8]})


@pytest.mark.parametrize(
    "cells",
    [pd.date_range("2024-01-01", periods=2, tz="Asia/Kathmandu"), pd.to_timedelta([1, 2], unit="h"),
     pd.period_range("2024-01", periods=2, freq="M"), pd.interval_range(0, 2)],
    ids=["dates", "durations", "periods", "intervals"],
)  # fmt: skip
def test_columns_of_time_and_intervals_are_refused(cells):
    with refused("'loss'", "rows 0, 1 hold"):
        read_runs({"N": [1e8, 2e8], "D": [2e9, 4e9], "L": cells})


def test_other_columns_are_kept_as_they_are():
    frame = clean(3).assign(
        finished=pd.date_range("2024-01-01", periods=3, tz="America/New_York"),
        took=pd.to_timedelta([1, 2, 3], unit="h"), tags=[["a"], ["b"], []], note=["70B", "", None],
        group=pd.Categorical(["x", "y", "x"]), flag=[True, False, True],
        done=pd.array([1, None, 3], "Int64"),
    )  # fmt: skip
    runs = read_runs(frame)
    assert_frame_equal(runs.drop(columns=["compute", *NAMES]), frame.drop(columns=list(NAMES)))
    assert "finished" in fitted(pd.concat([frame, clean().iloc[3:]])).runs.columns


def indexes():
    times = pd.date_range("2024-01-01", periods=24, tz="Europe/Berlin")
    return {
        "all the same": pd.Index([7] * 24),
        "text": pd.Index([f"run {i}" for i in range(24)]),
        "levels": pd.MultiIndex.from_product([["small", "large"], range(12)], names=["size", None]),
        "times": times,
        "floats": pd.Index(np.linspace(0, 1, 24)),
        "missing": pd.Index([None] * 24, dtype=object),
        "categories": pd.CategoricalIndex(["a", "b"] * 12),
        "unsorted": pd.Index(np.arange(24)[::-1]),
    }


@pytest.mark.parametrize("name", indexes())
def test_any_index_is_kept_and_changes_no_number(name):
    index = indexes()[name]
    frame = clean()
    indexed = frame.set_index(index)
    runs = read_runs(indexed)
    assert runs.index.equals(index)
    assert_allclose(runs["loss"], frame["loss"])
    assert_allclose(runs["compute"], 6 * frame["params"] * frame["tokens"])
    assert fitted(runs).law.values == pytest.approx(fitted(frame).law.values)
    doubled = fitted(pd.concat([runs, runs.iloc[:2]]))
    assert len(issue(doubled, "duplicate-runs").rows) == 2
    assert str(doubled)
    indexed["loss"] = [*indexed["loss"].iloc[:-1], np.nan]
    with refused("'loss'", str(index[-1])):
        read_runs(indexed)


@pytest.mark.parametrize("label", ["x" * 2000, "two\nlines", "bell\x07"])
def test_hostile_labels_of_rows_are_shown_in_one_short_line(label):
    frame = clean(8).set_index(pd.Index([label] * 8))
    with refused("'params'"):
        read_runs(frame.assign(params=-1.0))
    with refused("'params'"):
        read_runs(frame.assign(params="oops"))
    with refused("'loss'"):
        fitted(frame.assign(loss=-1.0))


@pytest.mark.parametrize("scale", [1e-300, 1e-150, 1e150, 1e290])
def test_huge_and_tiny_numbers_are_read_as_they_are(scale):
    runs = read_runs({"params": [scale, 2 * scale], "loss": [scale, 3.0]})
    assert runs["params"].tolist() == [scale, 2 * scale]
    assert runs["loss"].tolist() == [scale, 3.0]


@pytest.mark.parametrize("given", [
    {"params": [1e8, 1e300], "tokens": [1e9, 1e300]},
    {"params": [1e8, 1e-300], "tokens": [1e9, 1e-300]},
    {"compute": [1e20, 1e300], "params": [1e8, 1e-300]},
    {"compute": [1e20, 1e-300], "tokens": [1e9, 1e300]},
], ids=["too large", "too small", "tokens", "params"])  # fmt: skip
def test_a_derived_value_beyond_floats_is_refused_as_derived(given):
    with refused("row 1", "derived"):
        read_runs({**given, "loss": [3.0, 2.0]})


def test_sizes_further_apart_than_a_float_can_say_are_fitted_without_a_warning():
    frame = clean()
    frame["params"] = np.geomspace(1e-300, 1e300, len(frame))
    frame["tokens"] = np.geomspace(1e300, 1e-300, len(frame))
    fit = fitted(frame)
    assert fit.issues
    assert np.isfinite(fit.objective_value)


def test_long_floats_beyond_the_usual_ones_are_refused():
    beyond = np.array([1e8, 1e300], dtype=np.longdouble) ** 2
    if not np.isfinite(beyond[1]):
        pytest.skip("long floats are no longer than the usual ones here")
    with refused("'params'", "row 1", "e+600"):
        read_runs({"params": beyond, "loss": [3.0, 2.0]})


# Derived columns


@pytest.mark.parametrize("missing", ["params", "tokens", "compute"])
@pytest.mark.parametrize("cost", [None, Cost(factor=8.0, name="8ND")], ids=["6ND", "8ND"])
def test_one_of_params_tokens_and_compute_is_derived_and_marked(missing, cost):
    factor, name = (6.0, "6ND") if cost is None else (8.0, "8ND")
    whole = clean().assign(compute=lambda f: factor * f["params"] * f["tokens"])
    runs = read_runs(whole.drop(columns=missing), cost=cost)
    assert_allclose(runs[missing], whole[missing], rtol=1e-12)
    derived = runs.attrs["scaling"]["derived"]
    assert list(derived) == [missing]
    assert name in derived[missing]
    assert runs.attrs["scaling"]["cost"]["factor"] == factor
    fit = fitted(runs)
    assert fit.cost.factor == factor
    said = [line for line in fit.assumptions if "derived" in line]
    if missing == "compute":  # no role of this law
        assert said == []
    else:
        others = {"params", "tokens", "compute"} - {missing}
        assert len(said) == 1
        assert said[0].startswith(f"{missing} is derived from")
        assert all(word in said[0] for word in (*others, name))


def test_nothing_is_derived_where_all_three_are_given_or_two_are_missing():
    whole = clean().assign(compute=1e20)
    assert read_runs(whole).attrs["scaling"]["derived"] == {}
    assert (read_runs(whole)["compute"] == 1e20).all()
    alone = read_runs(clean()[["params", "loss"]])
    assert alone.attrs["scaling"]["derived"] == {}
    assert list(alone.columns) == ["params", "loss"]


def test_a_cost_fitted_to_runs_derives_with_its_own_factor():
    logged = clean().assign(compute=lambda f: 7.5 * f["params"] * f["tokens"])
    cost = Cost.from_runs(logged)
    runs = read_runs(logged.drop(columns="compute"), cost=cost)
    assert_allclose(runs["compute"], logged["compute"])
    assert cost.name in runs.attrs["scaling"]["derived"]["compute"]


def test_params_counted_without_embeddings_are_named_in_what_is_derived():
    runs = read_runs(clean().rename(columns={"params": "params_non_embedding"}))
    assert "params_non_embedding" in runs.attrs["scaling"]["derived"]["compute"]
    assert "params" not in runs.columns


def test_a_compute_that_is_given_is_never_replaced():
    logged = clean().assign(compute=lambda f: 12 * f["params"] * f["tokens"])
    assert_allclose(read_runs(logged, cost=Cost(factor=6.0))["compute"], logged["compute"])


def test_what_was_recorded_survives_filtering_and_a_second_reading():
    given = clean().rename(columns={"params": "N"})
    given["compute"] = 8 * given["N"] * given.pop("tokens")
    first = read_runs(given, cost=Cost(factor=8.0, name="8ND"))
    kept = first[first["params"] > 2e7]
    again = read_runs(first)
    for runs in (kept, again):
        fit = fitted(runs)
        assert fit.cost.name == "8ND"
        assert any(line.startswith("tokens is derived from") for line in fit.assumptions)
        assert "params is read from the column 'N'." in fit.assumptions


# Arguments stay as they are


def test_the_table_and_the_mapping_given_are_not_changed():
    frame = (
        clean().rename(columns={"params": "N"}).assign(size=lambda f: f["N"].map("{:.6g}".format))
    )
    frame = frame.drop(columns="N")
    frame.attrs = {"mine": [1, 2]}
    columns = {"loss": "loss"}
    before, said = frame.copy(deep=True), copy.deepcopy(columns)
    runs = read_runs(frame, columns=columns)
    fitted(runs, bootstrap=5)
    assert_frame_equal(frame, before)
    assert frame.attrs == {"mine": [1, 2]}
    assert columns == said
    assert runs.attrs["mine"] == [1, 2]


def test_a_mapping_of_arrays_is_not_changed():
    table = {"N": np.array([1e8, 2e8]), "D": ["2B", "4B"], "L": [3.2, 3.0]}
    before = copy.deepcopy(table)
    runs = read_runs(table)
    runs.loc[0, "params"] = 1.0
    assert list(table) == list(before)
    assert all(list(table[name]) == list(before[name]) for name in table)


@pytest.mark.parametrize("column", [*NAMES, "extra"])
def test_writing_to_the_result_does_not_reach_the_table_given(column):
    frame = clean().assign(extra=1.0)
    before = frame.copy(deep=True)
    runs = read_runs(frame)
    runs.loc[runs.index[0], column] = 123.0
    runs.attrs["scaling"]["source"] = "elsewhere"
    assert_frame_equal(frame, before)
    assert "scaling" not in frame.attrs


def test_a_fit_keeps_its_runs_when_the_table_changes_later():
    frame = clean()
    fit = fitted(frame)
    before = fit.residuals()
    frame.loc[:, "loss"] = 99.0
    assert_frame_equal(fit.residuals(), before)


def test_read_only_columns_are_read_and_fitted():
    arrays = {name: clean()[name].to_numpy(copy=True) for name in NAMES}
    for array in arrays.values():
        array.setflags(write=False)
    frame = pd.DataFrame(arrays, copy=False)
    runs = read_runs(frame)
    fit = fitted(runs, bootstrap=5)
    assert codes(fit) == []
    assert fitted(frame).law.values == pytest.approx(fit.law.values)
    assert fitted(arrays).law.values == pytest.approx(fit.law.values)
    assert not any(array.flags.writeable for array in arrays.values())


@pytest.mark.skipif(PANDAS_3, reason="pandas 3 always copies on write")
@pytest.mark.parametrize("mode", [True, False, "warn"])
def test_copy_on_write_may_be_on_or_off(mode):
    with pd.option_context("mode.copy_on_write", mode):
        frame = clean()
        before = frame.copy(deep=True)
        runs = read_runs(frame)
        assert codes(fitted(runs)) == []
        runs.loc[0, "loss"] = 9.0
        assert_frame_equal(frame, before)


@pytest.mark.parametrize("dtype", [object, "string", "category"])
def test_the_kind_of_a_text_column_changes_nothing(dtype):
    text = clean()["params"].map("{:.17g}".format).astype(dtype)
    runs = read_runs(clean().assign(params=text))
    assert_frame_equal(runs, read_runs(clean()))


# What is possible but suspicious


def test_a_clean_table_raises_no_suspicion():
    runs = read_runs(clean())
    fit = fitted(runs, bootstrap=20)
    assert fit.issues == ()


@pytest.mark.parametrize(("factor", "told"), [(1.19, False), (1.21, True), (1 / 1.19, False),
                                              (1 / 1.21, True), (3.0, True)])  # fmt: skip
def test_compute_over_a_fifth_from_its_cost_is_told_with_the_rows(factor, told):
    frame = clean().assign(compute=lambda f: 6 * f["params"] * f["tokens"])
    frame.index = [f"run-{i}" for i in range(len(frame))]
    frame.loc[["run-3", "run-9"], "compute"] *= factor
    fit = fitted(read_runs(frame))
    assert ("cost-mismatch" in codes(fit)) == told
    if told:
        found = issue(fit, "cost-mismatch")
        assert found.rows == ("run-3", "run-9")
        assert "2 of 24 runs" in found.message
        assert "6ND" in found.message
        assert scaling.text.human(factor) in found.message


def test_compute_that_some_runs_lack_is_no_difference_from_the_cost():
    frame = clean().assign(compute=lambda f: 6 * f["params"] * f["tokens"])
    frame.loc[3:, "compute"] = np.nan
    assert codes(fitted(frame)) == []


def test_compute_that_agrees_with_the_cost_given_is_not_suspicious():
    frame = clean().assign(compute=lambda f: 9 * f["params"] * f["tokens"])
    assert "cost-mismatch" in codes(fitted(read_runs(frame)))
    assert codes(fitted(read_runs(frame, cost=Cost.from_runs(frame)))) == []


@pytest.mark.parametrize(("column", "unit"), [("params", 1e6), ("params", 1e9), ("tokens", 1e9)])
def test_values_that_look_like_millions_or_billions_are_told(column, unit):
    frame = clean()
    fit = fitted(read_runs(frame.assign(**{column: frame[column] / unit})))
    found = issue(fit, f"{column}-unit")
    assert "millions or billions" in found.message
    assert scaling.text.human(frame[column].max() / unit) in found.message
    assert column in found.remedy


def test_the_same_tokens_per_param_everywhere_are_told():
    fit = fitted(read_runs(clean().assign(tokens=lambda f: 20 * f["params"])))
    assert "20 tokens per param" in issue(fit, "constant-tokens-per-param").message
    varied = clean().assign(tokens=lambda f: 20 * f["params"] * np.geomspace(0.8, 1.25, len(f)))
    assert "constant-tokens-per-param" not in codes(fitted(read_runs(varied)))


@pytest.mark.parametrize("column", ["params", "tokens"])
@pytest.mark.parametrize(("span", "told"), [(1.0, True), (9.0, True), (11.0, False)])
def test_under_one_decade_of_range_is_told(column, span, told):
    frame = clean()
    frame[column] = np.geomspace(1e9, span * 1e9, len(frame))
    found = [one for one in fitted(read_runs(frame)).issues if one.code == "narrow-range"]
    assert [column in one.message for one in found] == ([True] if told else [])


def test_duplicate_runs_are_told_with_the_rows():
    frame = clean()
    doubled = pd.concat([frame, frame.iloc[[4, 8]]], ignore_index=True)
    found = issue(fitted(read_runs(doubled)), "duplicate-runs")
    assert found.rows == (24, 25)
    assert "rows 24, 25" in found.message
    seeds = pd.concat([frame, frame.iloc[[4]].assign(loss=frame["loss"].iloc[4] * 1.01)])
    assert "duplicate-runs" not in codes(fitted(read_runs(seeds)))


@pytest.mark.parametrize(
    "column", ["learning_rate", "batch_size", "lr_final_fraction", "warmup_tokens"]
)
@pytest.mark.parametrize(("sign", "word"), [(1, "rises"), (-1, "falls")])
@pytest.mark.parametrize("as_text", [False, True], ids=["numbers", "text"])
def test_a_column_that_changes_with_size_is_told_with_its_direction(column, sign, word, as_text):
    frame = clean().sort_values("params", ignore_index=True)
    values = np.geomspace(1e-3, 1e-1, len(frame))[::sign]
    frame[column] = [f"{value:.4g}" for value in values] if as_text else values
    found = issue(fitted(read_runs(frame)), "changes-with-size")
    assert column in found.message
    assert word in found.message
    shuffled = frame.sample(frac=1, random_state=1)
    assert word in issue(fitted(read_runs(shuffled)), "changes-with-size").message


@pytest.mark.parametrize("levels", [2, 3, 5])
@pytest.mark.parametrize("column", ["batch_size", "schedule"])
def test_a_column_with_a_few_levels_that_change_with_size_is_told(column, levels):
    frame = clean().sort_values("params", ignore_index=True)
    level = np.arange(len(frame)) * levels // len(frame)
    frame[column] = [f"kind {i}" for i in level] if column == "schedule" else 2.0 ** (19 + level)
    for ordered in (frame, frame.iloc[::-1], frame.sample(frac=1, random_state=2)):
        assert column in issue(fitted(read_runs(ordered)), "changes-with-size").message


def test_columns_that_do_not_change_with_size_are_not_told():
    frame = clean().assign(
        learning_rate=np.geomspace(1e-4, 1e-2, 24), schedule=["cosine", "wsd"] * 12
    )
    assert "changes-with-size" not in codes(fitted(read_runs(frame)))


@pytest.mark.parametrize("column", ["tokenizer", "validation_set"])
def test_losses_of_different_tokenizers_or_texts_are_refused(column):
    frame = clean().assign(**{column: ["one", "other"] * 12})
    with refused(column, "one, other", "cannot be fitted together"):
        fitted(read_runs(frame))
    assert codes(fitted(read_runs(frame.assign(**{column: "one"})))) == []
    with refused(column):
        fitted(frame.assign(**{column: pd.Categorical(frame[column])}))
    with refused(column):
        fitted(read_runs(frame.assign(**{column: ["a" * 1000, "b" * 1000] * 12})))


def test_losses_per_byte_of_different_tokenizers_may_be_fitted_together():
    frame = clean().rename(columns={"loss": "bpb"}).assign(tokenizer=["one", "other"] * 12)
    roles = {"loss": "loss_bits_per_byte"}
    assert codes(fitted(read_runs(frame), columns=roles)) == ["mixed-tokens"]
    same = read_runs(frame.assign(tokenizer="one"))
    assert codes(fitted(same, columns=roles)) == []
    with refused("validation_set"):
        fitted(read_runs(frame.assign(validation_set=["c4", "pile"] * 12)), columns=roles)


def test_what_is_the_same_in_every_run_is_an_assumption_and_what_is_missing_is_not():
    frame = clean().assign(batch_size=2**20, schedule="cosine", tokenizer="mine", recipe=None,
                           learning_rate=np.nan, context_length="2k", vocab_size=1536)  # fmt: skip
    said = fitted(read_runs(frame)).assumptions
    for line in ("schedule stays cosine", "tokenizer stays mine", "batch_size stays 1.05M",
                 "context_length stays 2K", "vocab_size stays 1536"):  # fmt: skip
        assert any(one.startswith(line) for one in said), (line, said)
    assert not any(re.search(r"stays (nan|None|<NA>)", one) for one in said), said


@pytest.mark.parametrize(
    "column", ["tokenizer", "validation_set", "recipe", "schedule", "learning_rate"]
)
@pytest.mark.parametrize(
    "cell", [["a"], {"type": "bpe"}, 1j, {1, 2}], ids=["list", "dict", "complex", "set"]
)
def test_settings_that_are_lists_or_dicts_are_refused_or_kept(column, cell):
    frame = clean().assign(**{column: [cell] * 24})
    with kept_or_refused(column):
        assert str(fitted(read_runs(frame)))


@pytest.mark.parametrize("cells", [
    ["abc"] * 24, [[1]] * 24, [True] * 24, [1j] * 24, [-1.0] * 24,
    pd.array([None] * 24, dtype="Int64"),
    pd.date_range("2024-01-01", periods=24, tz="UTC"),
], ids=["text", "lists", "bool", "complex", "negative", "missing", "dates"])  # fmt: skip
def test_a_compute_that_cannot_be_used_does_not_stop_a_law_without_compute(cells):
    """The frame did not come through read_runs, which refuses it."""
    frame = clean().assign(compute=cells)
    with refused("'compute'"):
        read_runs(frame)
    with kept_or_refused("'compute'"):
        assert str(fitted(frame))


@pytest.mark.parametrize(
    "mine",
    ["mine", {}, {"cost": {"x": 1}}, {"cost": 6}, {"renamed": 3, "derived": 4}, None],
    ids=str,
)
def test_attributes_of_others_do_not_stop_a_fit(mine):
    frame = clean()
    frame.attrs = {"scaling": mine}
    with kept_or_refused("attrs"):
        assert str(fitted(frame))
    assert str(fitted(read_runs(frame)))


def test_reading_and_fitting_warn_of_nothing(tmp_path):
    path = write(tmp_path / "runs.csv", clean().to_csv(index=False))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fitted(read_runs(path), bootstrap=20)
    assert [str(one.message) for one in caught] == []


def test_the_same_runs_give_the_same_fit_from_every_kind_of_table(tmp_path):
    frame = clean()
    csv, jsonl = tmp_path / "runs.csv", tmp_path / "runs.jsonl"
    csv.write_text(frame.to_csv(index=False))
    jsonl.write_text("\n".join(json.dumps(row) for row in frame.to_dict("records")))
    tables = [frame, frame.to_dict("list"), str(csv), Path(jsonl)]
    with contextlib.suppress(ImportError):
        import polars
        import pyarrow

        tables += [polars.from_dict(frame.to_dict("list")), pyarrow.table(frame.to_dict("list"))]
    fits = [fitted(read_runs(table)) for table in tables]
    for fit in fits:
        assert fit.law.values == pytest.approx(fits[0].law.values, rel=1e-6)

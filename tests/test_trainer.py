"""The trainer of the sweep: counts against PyTorch's own, and two micro-models from nothing."""

import io
import json
import lzma
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("torch", reason="the trainer needs PyTorch: pip install '.[sweep]'")
pytest.importorskip("tokenizers", reason="the trainer needs tokenizers: pip install '.[sweep]'")

SWEEP = Path(__file__).parent.parent / "examples" / "sweep"
sys.path.insert(0, str(SWEEP))  # and left there, for the workers

import corpus  # noqa: E402
import forecast  # noqa: E402
import model  # noqa: E402
import plan  # noqa: E402
import sweep  # noqa: E402
import table  # noqa: E402
import tokens  # noqa: E402
import torch  # noqa: E402
import train  # noqa: E402
from train import CONTEXT, Run  # noqa: E402

MICRO = Run("smoke", 16, 2, 256, 48 * 1024, 1e-2, 1024)


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A corpus of this repository's own pages."""
    folder = tmp_path_factory.mktemp("work")
    pages = sorted((SWEEP.parents[1] / "docs").rglob("*.md"))
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    (folder / "training.txt").write_text(text[8192:], encoding="utf-8")
    (folder / "validation.txt").write_text(text[:8192], encoding="utf-8")
    return folder


def test_two_micro_models_append_valid_rows_and_a_killed_sweep_goes_on(work, tmp_path, capsys):
    log = tmp_path / "runs.jsonl"
    two = [MICRO, replace(MICRO, width=24, vocab_size=512)]
    sweep.run_all(two[:1], work, workers=1, log=log)
    first = log.read_text()
    log.write_text(first + '{"run": "cut sho')
    sweep.run_all(two, work, workers=1, log=log)
    assert log.read_text().startswith(first)
    sweep.run_all(two, work, workers=1, log=log)
    runs, curves = table.runs_table(log), table.curves_table(log)
    assert sorted(runs["run"]) == sorted(run.name for run in two)
    assert runs["tokens"].tolist() == [48 * 1024] * 2
    assert (runs["loss"] < np.log(runs["vocab_size"]) - 0.5).all()
    assert (runs["loss"] > 1).all()
    assert (runs["loss_nats_per_byte"] <= runs["loss"]).all()
    assert set(curves["run"]) == set(runs["run"])
    assert curves.groupby("run")["loss"].agg(lambda loss: loss.iloc[-1] < loss.iloc[0]).all()
    assert "min left" in capsys.readouterr().out


def test_a_run_is_the_same_when_trained_again(work):
    torch.set_num_threads(1)
    one, two = (train.train(MICRO, work) for _ in range(2))
    assert one["loss"] == two["loss"]
    other = train.train(replace(MICRO, seed=1), work)
    assert other["loss"] != one["loss"]


@pytest.mark.parametrize("shape", plan.SHAPES[:6])
def test_params_are_those_pytorch_counts(shape):
    heads = Run("x", *shape, 256, 1024, 1.0, 1024).heads
    made = model.Transformer(256, *shape, heads, CONTEXT)
    counted = model.counts(256, *shape, CONTEXT)
    assert counted["params"] == sum(weight.numel() for weight in made.parameters())
    assert counted["params_embedding"] == made.embedding.weight.numel()
    assert counted["params"] == counted["params_embedding"] + counted["params_non_embedding"]


def test_flops_are_those_pytorch_counts():
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    vocab_size, width, layers = 256, 32, 2
    made = model.Transformer(vocab_size, width, layers, 2, CONTEXT)
    text = torch.zeros((1, CONTEXT), dtype=torch.long)
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        made(text).sum().backward()
    counted = {str(name): flops for name, flops in counter.get_flop_counts()["Global"].items()}
    whole = counted["aten.bmm"] / CONTEXT  # of attention to every place, also to later ones
    matrices = counter.get_total_flops() / CONTEXT - whole
    per_token = model.counts(vocab_size, width, layers, CONTEXT)["flops_per_token"]
    assert per_token == matrices + whole * (CONTEXT + 1) / (2 * CONTEXT)


def test_attention_looks_at_nothing_that_comes_later():
    torch.manual_seed(0)
    made = model.Transformer(256, 16, 2, 1, CONTEXT)
    text = torch.randint(256, (1, CONTEXT))
    changed = text.clone()
    changed[0, 60:] = (changed[0, 60:] + 1) % 256
    torch.testing.assert_close(made(text)[:, :60], made(changed)[:, :60])
    assert not torch.allclose(made(text)[:, 60:], made(changed)[:, 60:])


def test_no_text_comes_twice_unless_asked_and_unique_tokens_are_nested():
    size = 150 * 1024 + 1
    once = train.sequences(replace(MICRO, tokens=120 * 1024), size)
    assert len(np.unique(once)) == len(once) == 120 * 8
    again = replace(MICRO, tokens=32 * 1024, unique_tokens=8 * 1024)
    starts, counted = np.unique(train.sequences(again, size), return_counts=True)
    assert len(starts) == 8 * 8
    assert (counted == 4).all()
    wider = train.sequences(replace(again, unique_tokens=16 * 1024), size)
    assert set(starts) <= set(wider)
    with pytest.raises(ValueError, match="unique tokens"):
        train.sequences(replace(MICRO, tokens=200 * 1024), size)


@pytest.mark.parametrize(
    ("change", "said"),
    [({"batch_size": 1000}, "no multiple of 128"), ({"tokens": 0}, "less than a batch"),
     ({"unique_tokens": 1000}, "no multiple of 128"), ({"schedule": "cosin"}, "none of cosine"),
     ({"width": 28}, "no even number"), ({"width": 4}, "no even number")],
)  # fmt: skip
def test_a_run_that_cannot_be_trained_as_said_is_refused(change, said):
    with pytest.raises(ValueError, match=said):
        replace(MICRO, **change)


def test_short_text_divergence_and_broken_logs_end_in_one_sentence(work, tmp_path):
    short = tmp_path / "short"
    short.mkdir()
    (short / "training.txt").write_text("long enough " * 10_000, encoding="utf-8")
    (short / "validation.txt").write_text("short", encoding="utf-8")
    with pytest.raises(ValueError, match="5 validation tokens are too few"):
        train.train(MICRO, short)
    with pytest.raises(ValueError, match="diverged"):
        train.train(replace(MICRO, learning_rate=float("inf")), work)
    log = tmp_path / "runs.jsonl"
    log.write_text('{"run": "a", "arm": "x"}\n{"run": "a", "arm": "x"}\n')
    assert len(sweep.finished(log)) == 1
    log.write_text('{"run": "a", "arm": "x"}\nnot json\n{"run": "b", "arm": "x"}\n')
    with pytest.raises(SystemExit, match="Line 2 of"):
        sweep.finished(log)
    for arguments in ([], ["WORK", "unheard-of"], ["WORK", "calibrate", "isoflop"]):
        with pytest.raises(SystemExit, match=r"Say: python sweep\.py WORK"):
            sweep.main(arguments)
    for script in (corpus, forecast, tokens):
        with pytest.raises(SystemExit, match=rf"Say: python {script.__name__}\.py"):
            script.main([])
    for script in (sweep, forecast):
        with pytest.raises(SystemExit, match=r"has no corpus\.json"):
            script.main([str(tmp_path)])


def test_runs_that_are_done_are_not_counted_into_the_time_left(tmp_path, monkeypatch, capsys):
    (tmp_path / "corpus.json").write_text(sweep.CORPUS.read_text())
    monkeypatch.setattr(sweep, "run_all", lambda *_, **__: None)
    sweep.main([str(tmp_path), "isoflop"])
    assert capsys.readouterr().out == "isoflop: 0 of 39 runs to train, about 0 min\n"


def test_a_run_that_fails_costs_no_other(work, tmp_path):
    log = tmp_path / "runs.jsonl"
    with pytest.raises(ValueError, match="unique tokens"):
        sweep.run_all([replace(MICRO, tokens=10**7), MICRO], work, workers=1, log=log)
    assert sweep.finished(log)["run"].tolist() == [MICRO.name]


def test_schedules_warm_up_and_end_where_they_say():
    for schedule, end in (("cosine", 0.0), ("wsd", 0.0), ("constant", 1.0)):
        run = replace(MICRO, tokens=1000 * 1024, schedule=schedule)
        rates = [train.rate(run, step) for step in range(run.steps)]
        assert rates[49] == 1.0
        assert rates[24] == 0.5
        assert rates[-1] == pytest.approx(end, abs=0.01)
        assert max(rates) == 1.0
    flat = replace(run, schedule="wsd")
    assert train.rate(flat, 799) == 1.0
    assert train.rate(flat, 900) == pytest.approx(0.5)


def test_curve_points_are_spaced_evenly_in_their_log_and_end_at_the_end():
    found = train.points(3000)
    assert found[-1] == 3000
    assert len(found) == train.POINTS
    assert np.allclose(np.diff(np.log(found)), np.log(3000 / 16) / 9, atol=0.05)
    assert train.points(5) == [5]


@pytest.mark.parametrize("arm", [arm for arm in sweep.ARMS if arm != "vocabulary"])
def test_the_log_holds_the_runs_that_are_planned(arm):
    logged = sweep.finished()
    names = {run.name for run in getattr(plan, arm.replace("-", "_"))(logged)}
    assert set(logged.loc[logged["arm"] == arm, "run"]) == names


def test_an_arm_is_not_planned_on_half_of_the_one_before():
    logged = sweep.finished()
    half = logged[logged["arm"] == "learning-rate"].iloc[:7]
    with pytest.raises(SystemExit, match="7 of 15 runs of learning-rate are trained"):
        plan.isoflop(half)


def test_bytes_come_back_from_every_vocabulary(work):
    from tokenizers import Tokenizer

    text = (work / "validation.txt").read_text(encoding="utf-8")
    plain = tokens.encoded(work, 256)["validation"]
    assert bytes(plain.astype(np.uint8)).decode() == text
    pairs = tokens.encoded(work, 512)["validation"]
    bpe = Tokenizer.from_file(str(work / "vocab-512" / "tokenizer.json"))
    assert bpe.decode(pairs.tolist()) == text
    assert len(pairs) < 0.8 * len(plain)


def test_unigram_loss_of_even_tokens_is_the_log_of_their_number():
    even = {
        part: np.tile(np.arange(8, dtype=np.uint16), 1000) for part in ("training", "validation")
    }
    assert tokens.unigram_loss(even, 8) == pytest.approx(np.log(8))


def test_corpus_holds_out_whole_files_and_refuses_another_package(tmp_path, monkeypatch):
    package = tmp_path / "source.deb"
    sources = {f"linux/fs/{i}.c": f"int f{i};\n".encode() * 50 for i in range(200)}
    sources["linux/drivers/x.c"] = b"left out"
    sources["linux/fs/binary"] = b"\xff\xfe\x00"
    sources["linux/fs/copy.c"] = sources["linux/fs/0.c"]
    _write_package(package, sources)
    with pytest.raises(SystemExit, match="sha256"):
        corpus.write(package, tmp_path / "work")
    monkeypatch.setattr(corpus, "SHA256", corpus.hashlib.sha256(package.read_bytes()).hexdigest())
    facts = corpus.write(package, tmp_path / "work")
    assert facts == json.loads((tmp_path / "work" / "corpus.json").read_text())
    assert facts["files"] + facts["held_out_files"] == 200
    assert facts["held_out_files"] > 0
    assert set(facts["shared_windows"]) == {"64", "128"}
    training = (tmp_path / "work" / "training.txt").read_bytes()
    rows = pd.read_csv(tmp_path / "work" / "files.tsv", sep="\t", names=["part", "bytes", "name"])
    for row in rows.itertuples():
        inside = sources[f"linux/{row.name}"] in training
        assert inside == (row.part == "training")


def test_share_of_windows_is_that_of_a_search_through_the_text(monkeypatch):
    rng = np.random.default_rng(0)
    training = rng.integers(97, 100, 5000, dtype=np.uint8).tobytes()
    validation = training[1000:1100] + rng.integers(97, 100, 300, dtype=np.uint8).tobytes()
    monkeypatch.setattr(corpus, "BLOCK", 512)
    windows = [validation[i : i + 8] for i in range(len(validation) - 7)]
    searched = np.mean([window in training for window in windows])
    assert 0.2 < searched < 1
    assert corpus.shared(training, validation, 8) == pytest.approx(searched)


def _write_package(path, files):
    """A Debian package around a source tree, as the real one is built."""
    tree = _tar(files)
    data = _tar({"./usr/src/linux-source.tar.xz": lzma.compress(tree)})
    parts = {
        "debian-binary": b"2.0\n",
        "control.tar.xz": b"odd",
        "data.tar.xz": lzma.compress(data),
    }
    with path.open("wb") as file:
        file.write(b"!<arch>\n")
        for name, content in parts.items():
            file.write(f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n".encode())
            file.write(content + b"\n" * (len(content) % 2))


def _tar(files):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()

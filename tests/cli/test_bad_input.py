"""Promise: a usage error or bad input gives one line: what is wrong, where, and what to type."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support import tiny
from support.places import Command


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "films.csv").write_text("id,overview\n1,laugh\n")
    (tmp_path / "no_text.csv").write_text("id,genre\n1,Drama\n")
    (tmp_path / "films.xyz").write_text("id\n")
    (tmp_path / "empty.csv").write_bytes(b"")
    (tmp_path / "fake.parquet").write_text("id,overview\n")
    (tmp_path / "ragged.csv").write_text("id,overview\n1,laugh\n2,a,b\n")
    (tmp_path / "broken.jsonl").write_text('{"overview":"a"}\n{"overview":\n')
    (tmp_path / "there.csv").write_text("precious")
    (tmp_path / "random.csv").write_bytes(bytes(range(256)) * 20)
    (tmp_path / "broken.onnx").write_bytes(b"no model")
    (tmp_path / "plain_text.onnx").write_text("no model")
    tiny.write_model(tmp_path / "no_labels.onnx", without="labels")
    return tmp_path


def _fails(
    command: Command, place: Path, code: int, *arguments: object, output: str = "out.csv"
) -> str:
    before = {path: path.read_bytes() for path in place.iterdir()}
    done = command(*[str(argument).replace("@", f"{place}/") for argument in arguments])
    assert done.returncode == code
    assert done.stdout == b""
    lines = done.stderr.decode().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("Error: ")
    assert {path: path.read_bytes() for path in place.iterdir()} == before
    return lines[0]


@pytest.mark.parametrize(
    ("code", "arguments", "parts"),
    [
        (2, ["@none.csv"], ["no such file: ", "none.csv"]),
        (1, ["@no_text.csv"], ["no column named overview, plot,", "columns: id, genre"]),
        (1, ["@films.csv", "--text-column", "plot"], ["no column 'plot'", "columns: id, overview"]),
        (2, ["@films.xyz"], ["films.xyz", "--input-format"]),
        (2, ["@films.csv", "-o", "@out.doc"], ["out.doc", "--output-format"]),
        (2, ["@films.csv", "-o", "@no/out.csv"], ["no such folder", "mkdir -p"]),
        (1, ["@films.csv", "-o", "@there.csv"], ["there.csv exists", "--force"]),
        (1, ["@empty.csv"], ["empty.csv is empty"]),
        (1, ["@fake.parquet"], ["fake.parquet is text: set --input-format to csv"]),
        (1, ["@random.csv"], ["random.csv"]),
        (1, ["@ragged.csv", "--strict"], ["ragged.csv, line 3 (byte 20) has more fields than"]),
        (2, ["@films.csv", "--strict", "--rejects", "@r"], ["--strict", "--rejects"]),
        (2, ["@films.csv", "--delimiter", "--"], ["--delimiter", "one character"]),
        (2, ["@films.csv", "--encoding", "klingon"], ["--encoding klingon", "latin-1"]),
        (2, ["@films.csv", "--encoding", "punycode"], ["--encoding punycode", "latin-1"]),
        (2, ["@films.csv", "--encoding", "unicode_escape"], ["--encoding unicode_escape"]),
        (2, ["@films.csv", "--cache-size", "1G"], ["--cache-size", "--cache"]),
        (
            2,
            ["@films.csv", "--cache", "@c", "--cache-size", "much"],
            ["--cache-size must be", "2GB"],
        ),
        (2, ["@films.csv", "--cache", "@films.csv"], ["films.csv is a file"]),
        (2, ["@films.csv", "--cache", "@"], ["other content"]),
        (2, ["@*.tsv"], ["nothing to read"]),
        (2, ["@films.csv", "-"], ["stdin can only be read alone"]),
        (2, ["ftp://host/films.csv"], ["ftp://", "s3://"]),
        (1, ["@films.csv", "-m", "@broken.onnx"], ["broken.onnx is not an ONNX file"]),
        (1, ["@films.csv", "-m", "@no_labels.onnx"], ["no_labels.onnx", "genre_batch.labels"]),
        (2, ["@films.csv", "-m", "@none.onnx"], ["no such model: ", "none.onnx"]),
        (2, ["@films.csv", "--operating-point", "no"], ["it has f1, no-drama", "genre-batch tune"]),
        (2, ["@films.csv", "--min-k", "3", "--top-k", "2"], ["--min-k must be at most --top-k"]),
        (
            2,
            ["@films.csv", "--threshold", "0.5", "--operating-point", "f1"],
            ["cannot be used together"],
        ),
        (2, ["@films.csv", "--threshold", "2"], ["--threshold", "genre-batch tag --help"]),
        (2, ["@films.csv", "--top-k", "0"], ["--top-k"]),
        (2, ["@films.csv", "--no-such-option"], ["--no-such-option"]),
        (1, ["@films.csv", "--only-missing", "genre"], ["no column 'genre'", "--only-missing"]),
    ],
)
def test_tag_fails_in_one_line(
    command: Command, place: Path, code: int, arguments: list[str], parts: list[str]
) -> None:
    if "-o" not in arguments:
        arguments = [*arguments, "-o", "@out.csv"]
    message = _fails(command, place, code, "tag", *arguments)
    for part in parts:
        assert part in message


def test_a_broken_line_of_json_is_named(command: Command, place: Path) -> None:
    message = _fails(command, place, 1, "tag", "@broken.jsonl", "--strict", "-o", "@out.jsonl")
    assert "broken.jsonl, line 2 (byte 17) is not valid JSON" in message


def test_debug_adds_the_traceback(command: Command, place: Path) -> None:
    done = command("--debug", "tag", place / "none.csv")
    assert b"Traceback" in done.stderr
    assert done.returncode == 2


def test_an_unknown_command_is_a_usage_error(command: Command, place: Path) -> None:
    assert "unknown command 'tga'" in _fails(command, place, 2, "tga")


@pytest.mark.parametrize(
    ("name", "message"),
    [("none.onnx", "no such model"), ("plain_text.onnx", "not an ONNX file")],
)
def test_inspect_fails_in_one_line(command: Command, place: Path, name: str, message: str) -> None:
    assert message in _fails(command, place, 2 if "none" in name else 1, "inspect", f"@{name}")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "arguments", "parts"),
    [
        (2, ["@none.csv", "-o", "@run"], ["no such file"]),
        (1, ["@films.csv", "-o", "@run"], ["--genre-column", "columns: id, overview"]),
        (
            1,
            ["@films.csv", "-o", "@run", "--genre-column", "genre"],
            ["no column 'genre'", "columns: id, overview"],
        ),
        (1, ["@one_class.csv", "-o", "@run"], ["the same genre 'Drama'", "--genre-column"]),
        (2, ["@one_class.csv", "-o", "@run", "--split", "@none.csv"], ["no such file"]),
        (1, ["@films.csv", "-o", "@there.csv"], ["is a file"]),
    ],
)
def test_train_fails_in_one_line_and_makes_no_folder(
    command: Command, place: Path, code: int, arguments: list[str], parts: list[str]
) -> None:
    rows = "".join(f"film {number},Drama\n" for number in range(20))
    (place / "one_class.csv").write_text(f"overview,genre\n{rows}")
    message = _fails(command, place, code, "train", *arguments, "--base-model", "minilm")
    for part in parts:
        assert part in message


@pytest.mark.slow
def test_exporting_a_folder_without_a_run_fails_in_one_line(command: Command, place: Path) -> None:
    (place.parent / "empty").mkdir(exist_ok=True)
    message = _fails(command, place, 1, "export-onnx", place.parent / "empty", "-o", "@out.onnx")
    assert "not a run folder" in message
    assert "no such folder" in _fails(command, place, 2, "export-onnx", "@none", "-o", "@out.onnx")


def test_a_missing_extra_is_one_sentence_that_names_it(place: Path) -> None:
    code = (
        "import sys, importlib.util\n"
        "found = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *a: None if name == 'torch' else found(name, *a)\n"
        f"sys.argv = ['genre-batch', 'train', {str(place / 'films.csv')!r}, '-o', 'run']\n"
        "from genre_batch.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ, check=False
    )
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "Error: genre-batch train needs the extra 'train' (torch is not installed): "
        "pip install 'genre-batch[train]'"
    ]

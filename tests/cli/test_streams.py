"""Promise: closed, full or ASCII standard streams cost one line at most, and never a run."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from pathlib import Path

import pytest

from genre_batch.model.tagger import MODEL_VARIABLE
from support.places import COMMAND, Command

pytestmark = pytest.mark.process


def _shell(model: Path, folder: Path, line: str, **variables: str) -> tuple[int, str]:
    """Run a line of shell, where GB is the command; return its exit code and stderr."""
    done = subprocess.run(
        ["bash", "-c", line.replace("GB", shlex.quote(str(COMMAND)))],
        cwd=folder,
        stderr=subprocess.PIPE,
        env=os.environ | {MODEL_VARIABLE: str(model)} | variables,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stderr.decode()


CLOSED = "Error: stdout is closed: redirect it to a file, or to /dev/null\n"
FULL = "Error: cannot write stdout: No space left on device: free some space\n"


@pytest.mark.parametrize(
    ("line", "code", "stderr"),
    [
        ("GB tag films.csv >&-", 2, "Error: stdout is closed: name a file with -o\n"),
        ("GB tag - <&-", 2, "Error: stdin is closed: name a file to read\n"),
        ("GB evaluate - <&-", 2, "Error: stdin is closed: name a file to read\n"),
        ("GB inspect films.csv >&-", 1, CLOSED),
        ("GB inspect films.csv --json >&-", 1, CLOSED),
        ("GB --help >&-", 1, CLOSED),
        ("GB --version >/dev/full", 1, FULL),
        ("GB tag films.csv >/dev/full", 1, FULL),
        ("GB tag films.csv --output-format parquet >/dev/full", 1, FULL),
        ("GB inspect films.csv >/dev/full", 1, FULL),
        ("GB inspect films.csv --json >/dev/full", 1, FULL),
        ("GB evaluate films.csv --json >/dev/full", 1, FULL),
    ],
)
def test_a_stream_that_cannot_be_used_is_named(
    tiny_model: Path, films: Path, line: str, code: int, stderr: str
) -> None:
    assert _shell(tiny_model, films.parent, line) == (code, stderr)


def test_without_stdin_there_is_nothing_to_read(tiny_model: Path, films: Path) -> None:
    code, stderr = _shell(tiny_model, films.parent, "GB tag <&-")
    assert code == 2
    assert stderr.startswith("Error: nothing to read: name a catalog")
    assert len(stderr.splitlines()) == 1


@pytest.mark.parametrize("stderr", ["2>&-", "2>/dev/full", "2> >(true)"])
@pytest.mark.parametrize("options", ["", "--summary --progress", "-v"])
def test_no_run_fails_because_its_messages_cannot_be_written(
    tiny_model: Path, films: Path, stderr: str, options: str
) -> None:
    group = options if options == "-v" else ""
    rest = "" if options == "-v" else options
    line = f"GB {group} tag films.csv -o o.csv {rest} >&- <&- {stderr}"
    assert _shell(tiny_model, films.parent, line)[0] == 0
    output = films.parent / "o.csv"
    assert output.read_text() == "overview,genres,predicted_genres\nlaugh,Comedy,Comedy\n"


@pytest.mark.parametrize("encoding", ["ascii", "ascii:strict", "latin-1", "utf-8"])
def test_a_stream_of_another_encoding_escapes_what_it_cannot_write(
    tiny_model: Path, films: Path, encoding: str
) -> None:
    films.write_text("résumé ☃,overview,genres\n1,laugh,Comédie\n", encoding="utf-8")
    for line in ("GB inspect films.csv >o", "GB inspect films.csv --json >o"):
        assert _shell(tiny_model, films.parent, line, PYTHONIOENCODING=encoding) == (0, "")
    described = json.loads((films.parent / "o").read_text(encoding="utf-8"))
    assert described["columns"][0]["name"] == "résumé ☃"
    assert described["genres"] == {"Comédie": 1}
    code, stderr = _shell(tiny_model, films.parent, "GB tag '☃.csv'", PYTHONIOENCODING=encoding)
    assert (code, len(stderr.splitlines())) == (2, 1)


def test_the_command_alone_prints_its_help(command: Command) -> None:
    done = command()
    assert done.returncode == 2
    assert done.stderr == command("--help").stdout
    assert done.stdout == b""

"""Promise: `genre-batch tag` as a process: pipes, streams, exit codes, stdout and stderr."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import click
import polars as pl
import pytest
from click.testing import CliRunner

from genre_batch.cli.group import cli
from genre_batch.cli.tag import GROUPS, tag
from genre_batch.model.tagger import MODEL_VARIABLE
from support.places import COMMAND, Command

pytestmark = [pytest.mark.alone, pytest.mark.process]


@pytest.fixture
def films(tmp_path: Path) -> Path:
    path = tmp_path / "films.csv"
    path.write_text('id,title,overview\n007,A,"a robot, robot, robot"\n008,B,\n009,C,laugh laugh\n')
    return path


def _start(model: Path, *arguments: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [COMMAND, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {MODEL_VARIABLE: str(model)},
    )


def test_the_help_lists_every_option_in_a_group() -> None:
    output = CliRunner().invoke(cli, ["tag", "--help"]).output
    sections = [line for line in output.splitlines() if line.endswith(":") and line[0] != " "]
    assert sections == ["Input:", "Output:", "Model:", "Parts:", "Run:"]
    grouped = {name for names in GROUPS.values() for name in names}
    assert grouped == {option.name for option in tag.params if isinstance(option, click.Option)}


def test_a_catalog_becomes_another_catalog_without_any_message(
    command: Command, films: Path, tmp_path: Path
) -> None:
    done = command("tag", films, "-o", tmp_path / "out.parquet")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    table = pl.read_parquet(tmp_path / "out.parquet")
    assert table["id"].to_list() == ["007", "008", "009"]
    assert table["predicted_genres"].to_list() == [["Science Fiction"], None, ["Comedy"]]


def test_without_an_output_the_rows_go_to_stdout_as_json_lines(
    command: Command, films: Path
) -> None:
    rows = [json.loads(line) for line in command("tag", films).stdout.splitlines()]
    assert [row["predicted_genres"] for row in rows] == [["Science Fiction"], None, ["Comedy"]]
    assert rows[0]["id"] == "007"


def test_stdin_is_json_lines_and_each_object_stays_as_it_is(command: Command) -> None:
    lines = b'{"n": 1.50, "overview": "laugh", "big": 123456789012345678901}\n{}\n{"overview":5}'
    assert command("tag", stdin=lines).stdout.splitlines() == [
        b'{"n": 1.50, "overview": "laugh", "big": 123456789012345678901,'
        b'"predicted_genres":["Comedy"]}',
        b'{"predicted_genres":null}',
        b'{"overview":5,"predicted_genres":null}',
    ]


def test_a_dash_reads_stdin_in_the_given_format(command: Command, films: Path) -> None:
    done = command(
        "tag", "-", "--input-format", "csv", "--output-format", "tsv", stdin=films.read_bytes()
    )
    assert done.stdout.decode().splitlines() == [
        "id\ttitle\toverview\tpredicted_genres",
        "007\tA\ta robot, robot, robot\tScience Fiction",
        "008\tB\t\t",
        "009\tC\tlaugh laugh\tComedy",
    ]


def test_parquet_can_be_piped_too(command: Command, films: Path, tmp_path: Path) -> None:
    command("tag", films, "-o", tmp_path / "a.parquet")
    done = command(
        "tag", "--input-format", "parquet", "--replace", stdin=(tmp_path / "a.parquet").read_bytes()
    )
    assert done.stdout == command("tag", films).stdout


@pytest.mark.parametrize(
    ("kind", "lines"),
    [
        ("jsonl", [b'{"overview":"laugh"}\n', b'{"overview":"cry"}\n']),
        ("csv", [b"overview\nlaugh\n", b"cry\n"]),
    ],
)
def test_each_line_is_answered_while_stdin_is_still_open(
    tiny_model: Path, kind: str, lines: list[bytes]
) -> None:
    process = _start(tiny_model, "tag", "--input-format", kind)
    assert process.stdin is not None
    assert process.stdout is not None
    for line, genre in zip(lines, ("Comedy", "Drama"), strict=True):
        process.stdin.write(line)
        process.stdin.flush()
        assert select.select([process.stdout], [], [], 60)[0]
        assert json.loads(process.stdout.readline())["predicted_genres"] == [genre]
    assert process.poll() is None
    process.stdin.close()
    assert process.wait(60) == 0
    process.stdout.close()
    assert process.stderr is not None
    process.stderr.close()


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_a_closed_stdout_ends_the_run_without_an_error(
    tiny_model: Path, tmp_path: Path, kind: str
) -> None:
    many = tmp_path / "many.csv"
    pl.DataFrame({"overview": [f"laugh {n % 50} " * 20 for n in range(20_000)]}).write_csv(many)
    process = _start(tiny_model, "tag", many, "--output-format", kind)
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdin is not None
    process.stdout.read(100)
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(60) == 0
    process.stderr.close()
    process.stdin.close()


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["SIGINT", "SIGTERM"]
)
def test_a_signal_stops_it_and_the_same_command_resumes(
    tiny_model: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    catalog, output = tmp_path / "films.csv", tmp_path / "o.csv"
    os.mkfifo(catalog)
    rows = b"overview\n" + b"".join(b"laugh %d\n" % row for row in range(100))
    process = _start(tiny_model, "tag", catalog, "-o", output)
    with catalog.open("wb", buffering=0) as pipe:
        pipe.write(rows)
        store = tmp_path / ".o.csv.genre-batch" / "store" / "data.mdb"
        _wait_until(lambda: store.exists() and store.stat().st_blocks > 24)
        process.send_signal(number)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == code
    assert stderr.decode().splitlines() == [
        f"Stopped by {number.name}: no incomplete output was left; "
        "predictions are kept: run the same command again to resume"
    ]
    assert not output.exists()
    catalog.unlink()
    catalog.write_bytes(rows)
    summary = tmp_path / "s.json"
    process = _start(tiny_model, "tag", catalog, "-o", output, "--summary-json", summary)
    process.communicate(timeout=60)
    assert json.loads(summary.read_text())["texts_from_cache"] == 100
    assert not store.exists()


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert condition()


def test_a_second_run_on_the_same_output_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    output = tmp_path / "o.csv"
    first = _start(tiny_model, "tag", "-", "--input-format", "csv", "-o", output)
    _wait_until(lambda: (tmp_path / ".o.csv.genre-batch" / "run.lock").exists())
    second = _start(tiny_model, "tag", "-", "--input-format", "csv", "-o", output)
    _, stderr = second.communicate(b"overview\nlaugh\n", timeout=60)
    assert second.returncode == 1
    assert f"another run (process {first.pid}) is writing {output}" in stderr.decode()
    first.communicate(b"overview\nlaugh\n", timeout=60)
    assert first.returncode == 0
    assert output.read_text() == "overview,predicted_genres\nlaugh,Comedy\n"


def test_bad_rows_cause_a_warning_and_are_saved_on_request(
    command: Command, tmp_path: Path
) -> None:
    lines = b'{"overview":"laugh"}\noops\n{"overview":"cry"}\n'
    done = command("tag", "--rejects", tmp_path / "bad.jsonl", stdin=lines)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 2
    message = done.stderr.decode()
    assert "Warning: 1 row could not be read (the first: stdin, line 2 (byte 21)" in message
    reject = json.loads((tmp_path / "bad.jsonl").read_text())
    assert (reject["line"], reject["raw"]) == (2, "oops")
    assert "save it with --rejects PATH" in command("tag", stdin=lines).stderr.decode()
    assert command("-q", "tag", stdin=lines).stderr == b""


def test_many_rejects_files_are_counted_not_listed(command: Command, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in "abcd":
        (tmp_path / "in" / f"{name}.csv").write_text("overview\nlaugh\ncry,cry\n")
    rejects = f"{tmp_path}/out.genre-batch/rejects/"
    done = command("tag", tmp_path / "in", "-o", f"{tmp_path}/out/")
    assert f"'cry,cry'): written to 4 files in {rejects}" in done.stderr.decode()
    (tmp_path / "in" / "d.csv").unlink()
    done = command("tag", tmp_path / "in", "-o", f"{tmp_path}/out/")
    listed = ", ".join(f"{rejects}{name}.csv.rejects.jsonl" for name in "abc")
    assert f"'cry,cry'): written to {listed}" in done.stderr.decode()


def test_several_inputs_become_one_output_or_one_each(command: Command, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id;overview\n1;laugh\n")
    (tmp_path / "b.csv").write_bytes("id,overview\n2,crý cry\n".encode("latin-1"))
    inputs = [tmp_path / "[ab].csv", "--encoding", "latin-1"]
    command("tag", *inputs, "-o", tmp_path / "all.tsv")
    assert (tmp_path / "all.tsv").read_text() == (
        "id\toverview\tpredicted_genres\n1\tlaugh\tComedy\n2\tcrý cry\tDrama\n"
    )
    assert command("tag", *inputs, "-o", f"{tmp_path}/each/").returncode == 0
    names = sorted(path.name for path in (tmp_path / "each").iterdir())
    assert names == ["_SUCCESS", "a.csv", "b.csv"]


def test_a_second_run_is_answered_from_the_cache(
    command: Command, films: Path, tmp_path: Path
) -> None:
    for _ in range(2):
        done = command("-v", "tag", films, "--cache", tmp_path / "cache", "--cache-size", "5MB")
    assert "0 texts predicted, 2 from the cache" in done.stderr.decode()


def test_the_summary_table_is_shown_on_request(command: Command, films: Path) -> None:
    message = command("tag", films, "--summary").stderr.decode()
    assert "Science Fiction" in message
    assert "50.0%" in message
    assert "3 rows, 1 without text" in message


def test_the_summary_is_written_as_json_on_request(
    command: Command, films: Path, tmp_path: Path
) -> None:
    command("tag", films, "--summary-json", tmp_path / "s.json")
    summary = json.loads((tmp_path / "s.json").read_text())
    assert (summary["rows"], summary["rows_without_text"]) == (3, 1)


def test_progress_shows_rows_on_request_and_never_when_quiet(command: Command, films: Path) -> None:
    assert b"3/3" in command("tag", films, "--progress").stderr
    assert command("-q", "tag", films, "--progress", "--summary").stderr == b""


def test_a_terminal_gets_the_table_by_default(tiny_model: Path, films: Path) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [COMMAND, "tag", str(films), "-o", str(films) + ".jsonl"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=os.environ | {MODEL_VARIABLE: str(tiny_model), "TERM": "xterm"},
    )
    os.close(theirs)
    output = b""
    try:
        while piece := os.read(ours, 4096):
            output += piece
    except OSError:  # the other side of the terminal is closed: the command has ended
        pass
    os.close(ours)
    assert process.wait(60) == 0
    assert b"Predicted genres" in output
    assert b"rows/s" in output


def test_without_input_on_a_terminal_the_error_shows_an_example(tiny_model: Path) -> None:
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [COMMAND, "tag"],
        stdin=theirs,
        capture_output=True,
        check=False,
        timeout=60,
    )
    os.close(ours)
    os.close(theirs)
    assert done.returncode == 2
    assert b"genre-batch tag films.csv -o tagged.parquet" in done.stderr


def test_verbose_prints_what_was_chosen(command: Command, films: Path) -> None:
    message = command("-v", "tag", films).stderr.decode()
    assert "text column 'overview', title column 'title'" in message


def test_a_device_that_is_full_is_an_error_and_not_a_traceback(
    command: Command, films: Path
) -> None:
    done = command("tag", films, "-o", "/dev/full", "--output-format", "csv")
    assert done.returncode == 1
    assert done.stderr.decode().splitlines() == [
        "Error: cannot write /dev/full: No space left on device: free some space"
    ]


def test_a_full_stdout_is_an_error_too(tiny_model: Path, films: Path) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [COMMAND, "tag", str(films)],
            stdout=full,
            stderr=subprocess.PIPE,
            env=os.environ | {MODEL_VARIABLE: str(tiny_model)},
            check=False,
            timeout=60,
        )
    assert done.returncode == 1
    assert done.stderr.decode().splitlines() == [
        "Error: cannot write stdout: No space left on device: free some space"
    ]


def test_the_output_may_replace_the_input(command: Command, films: Path) -> None:
    assert command("tag", films, "-o", films, "--force").returncode == 0
    assert films.read_text().startswith("id,title,overview,predicted_genres\n007,")

"""`genre-batch audit` as a process."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest

from genre_batch.cli.audit import GROUPS, audit
from support.places import Command


@pytest.fixture
def films(tmp_path: Path) -> Path:
    words = {"fight": "Action", "laugh": "Comedy", "cry": "Drama", "robot": "Science Fiction"}
    lines = [
        f"{index},{word} {word},{genre}\n" for index, (word, genre) in enumerate(words.items())
    ]
    path = tmp_path / "films.csv"
    path.write_text("id,overview,genres\n" + "".join(5 * lines) + "9,laugh laugh,Drama\nx,cry,\n")
    return path


def test_the_help_lists_every_option_in_a_group() -> None:
    grouped = {name for names in GROUPS.values() for name in names}
    assert grouped == {option.name for option in audit.params if isinstance(option, click.Option)}


def test_records_go_to_stdout_and_the_table_to_stderr(command: Command, films: Path) -> None:
    done = command("audit", films, "--summary", "--top", "2")
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(each["row"], each["id"]) for each in records] == [(20, "9"), (20, "9")]
    assert {each["kind"] for each in records} == {"missing", "doubtful"}
    shown = done.stderr.decode()
    for word in ("Audited genres", "missing", "true rows", "Comedy", "1 without genres"):
        assert word in shown
    assert command("-q", "audit", films, "--summary").stderr == b""


def test_a_piped_catalog_is_audited(command: Command, films: Path) -> None:
    by_name = command("audit", films)
    piped = command("audit", "--input-format", "csv", stdin=films.read_bytes())
    assert (piped.returncode, piped.stdout) == (0, by_name.stdout)
    assert by_name.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--genre-column", "genre"), 1, "no column 'genre' (nearest: 'genres'): name one with"),
        (("--genres", "Wester"), 2, "--genres: unknown genre 'Wester'"),
        (("--select", "3", "--all"), 2, "--select and --all cannot be used together: give one"),
        (("--cache-size", "1GB"), 2, "--cache-size needs --cache"),
        (("--min-score", "2"), 2, "--min-score"),
        (("-o", "."), 2, "-o . is a folder: name a file for the records"),
        (("-o", "review.docx"), 2, "unknown suffix: review.docx"),
    ],
)
def test_a_mistake_is_reported_in_one_line(
    command: Command, films: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    done = command("audit", films, *arguments)
    assert (done.returncode, done.stdout) == (code, b"")
    (line,) = done.stderr.decode().splitlines()
    assert message in line


def test_a_catalog_without_labels_is_answered_with_the_option_for_it(
    command: Command, films: Path
) -> None:
    films.write_text("overview,genres\nlaugh,\ncry,\n")
    done = command("audit", films)
    assert done.returncode == 1
    assert b"no row has a text and a genre" in done.stderr
    assert b"add --select N" in done.stderr
    done = command("audit", films, "--select", "2")
    assert [json.loads(line)["kind"] for line in done.stdout.splitlines()] == ["unlabeled"] * 2

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from genre_batch.cli.apply import GROUPS, apply
from genre_batch.cli.group import cli
from support.places import Command

FILMS = 'title,overview,genres\nA,cry,"Drama, Comedy"\nB,laugh,Comedy\n'
REVIEW = (
    "row,kind,genre,decision\n0,doubtful,Comedy,wrong\n1,missing,Drama,right\n1,doubtful,Comedy,\n"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "films.csv").write_text(FILMS)
    (tmp_path / "review.csv").write_text(REVIEW)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(cli, ["apply", *arguments], catch_exceptions=True)
    return result.exit_code, result.stdout, result.stderr


def test_every_option_is_in_a_group_of_the_help() -> None:
    grouped = {name for names in GROUPS.values() for name in names}
    assert grouped == {param.name for param in apply.params} - {"review", "catalog"}


def test_the_tables_say_what_was_changed(folder: Path) -> None:
    options = ("-o", "out.csv", "--summary", "--summary-json", "changes.json")
    code, out, err = run("review.csv", "films.csv", *options)
    assert (code, out) == (0, "")
    assert (folder / "out.csv").read_text() == FILMS.replace('"Drama, Comedy"', '"Drama"').replace(
        "laugh,Comedy", 'laugh,"Comedy, Drama"'
    )
    assert "Changed labels" in err
    assert "1 right, 1 wrong, 0 skipped, 1 undecided" in err
    assert "2 of 2 rows changed, written to out.csv" in err
    assert json.loads((folder / "changes.json").read_text())["rows_changed"] == 2


def test_stdout_gets_the_catalog(folder: Path, command: Command) -> None:
    options = ("-o", "-", "--output-format", "csv", "--input-format", "csv")
    done = command("apply", "review.csv", "-", *options, stdin=FILMS.encode())
    assert done.returncode == 0
    assert done.stdout.decode().splitlines()[1] == 'A,cry,"Drama"'
    assert done.stderr == b""


def test_an_error_names_the_options(folder: Path) -> None:
    code, _, _ = run("review.csv", "films.csv", "-o", "out.csv")
    assert code == 0
    done = CliRunner().invoke(cli, ["apply", "review.csv", "films.csv", "-o", "out.csv"])
    assert "--force" in str(done.exception)
    (folder / "other.csv").write_text("a,b\n1,2\n")
    done = CliRunner().invoke(cli, ["apply", "review.csv", "other.csv", "-o", "x.csv"])
    assert "--genre-column" in str(done.exception)


def test_a_missing_review_is_a_usage_error(folder: Path, command: Command) -> None:
    done = command("apply", "none.csv", "films.csv", "-o", "out.csv")
    assert (done.returncode, done.stderr) == (2, b"Error: no such file: none.csv\n")


def test_rows_that_cannot_be_read_are_reported(folder: Path, command: Command) -> None:
    (folder / "films.csv").write_text(FILMS + '"bad" x,y\n')
    done = command("apply", "review.csv", "films.csv", "-o", "out.csv")
    assert b"1 row of the catalog could not be read: kept as they are" in done.stderr
    assert (folder / "out.csv").read_text().endswith('"bad" x,y\n')

"""`genre-batch evaluate` as a process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from support import tiny
from support.places import Command


@pytest.fixture
def films(tmp_path: Path) -> Path:
    path = tmp_path / "films.csv"
    path.write_text("overview,genre\nlaugh,Comedy\ncry,Drama\nfight,Drama\n")
    return path


def test_tables_go_to_stdout_and_notes_to_stderr(command: Command, films: Path) -> None:
    done = command("evaluate", films)
    assert done.returncode == 0
    shown = done.stdout.decode()
    for word in ("macro-F1", "95 % interval", "calibration error", "Drama", "MCC"):
        assert word in shown
    assert done.stderr.decode().startswith("3 films; model ")


def test_genres_that_no_film_has_are_told(command: Command, films: Path) -> None:
    dramas = films.with_name("dramas.csv")
    dramas.write_text("overview,genre\ncry,Drama\nfight,Drama\n")
    told = command("evaluate", dramas).stderr.decode().splitlines()[1]
    assert told.startswith("genres that none of these films has: Action, Comedy")
    option = told.rpartition("left out with --exclude-genres ")[2]
    again = command("evaluate", dramas, "--exclude-genres", option.strip("'"))
    assert "none of these" not in again.stderr.decode()


def test_json_output_holds_the_figures_and_nothing_else(command: Command, films: Path) -> None:
    done = command("-q", "evaluate", films, "--json")
    result = json.loads(done.stdout)
    assert done.stderr == b""
    assert (result["films"], result["genres"][1]["genre"]) == (3, "Comedy")
    assert result["genres"][1]["f1"] == 1.0


def test_wordings_are_evaluated_and_tuned_by_film(command: Command, tmp_path: Path) -> None:
    films = tmp_path / "films.csv"
    rows = [f"laugh {row},Comedy,{row // 2}" for row in range(50)]
    films.write_text("overview,genre,film\n" + "\n".join(rows) + "\n")
    done = command("tune", films, "-o", tmp_path / "tuned.onnx", "--group", "film")
    assert "50 wordings of 25 films, macro-F1" in done.stderr.decode()
    done = command("evaluate", films, "-m", tmp_path / "tuned.onnx", "--group", "film")
    assert done.stderr.decode().startswith("50 wordings of 25 films; model ")
    done = command("tune", films, "-o", tmp_path / "other.onnx", "--group", "fim")
    assert done.returncode == 1
    assert "no column 'fim' (nearest: 'film')" in done.stderr.decode()
    assert "--group" in done.stderr.decode()
    assert not (tmp_path / "other.onnx").exists()


def test_a_catalog_can_be_read_with_other_options(command: Command, tmp_path: Path) -> None:
    films = tmp_path / "films.txt"
    films.write_bytes("titre#résumé#genre\na#laugh#Comedy\nb#cry#Drama\n".encode("latin-1"))
    options = ["--input-format", "csv", "--delimiter", "#", "--encoding", "latin-1"]
    done = command("evaluate", films, *options, "--text-column", "résumé", "--json")
    assert (json.loads(done.stdout)["films"], json.loads(done.stdout)["exact_match"]) == (2, 1.0)


@pytest.mark.slow
def test_a_report_is_written_in_addition_to_the_printed_figures(
    command: Command, films: Path, tmp_path: Path
) -> None:
    report = tmp_path / "report.html"
    done = command("evaluate", films, "--json", "--report", report)
    assert json.loads(done.stdout)["films"] == 3
    assert f"report written to {report}" in done.stderr.decode()
    first = report.read_bytes()
    assert first.startswith(b"<!DOCTYPE html>")
    command("evaluate", films, "--report", report)
    assert report.read_bytes() == first


@pytest.mark.parametrize(
    ("where", "message"),
    [("", b"is a folder: name a file in it"), ("no/report.html", b"make it first (mkdir -p)")],
)
def test_a_report_path_that_cannot_be_written_is_a_usage_error(
    command: Command, films: Path, tmp_path: Path, where: str, message: bytes
) -> None:
    done = command("evaluate", films, "--report", tmp_path / where)
    assert (done.returncode, done.stdout) == (2, b"")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_report_replaces_a_page_and_nothing_else(
    command: Command, films: Path, tmp_path: Path
) -> None:
    before = films.read_bytes()
    done = command("evaluate", films, "--report", films)
    assert done.returncode == 2
    assert b"--report: " in done.stderr
    assert b"is one of the inputs" in done.stderr
    notes = tmp_path / "notes.html"
    notes.write_text("of mine")
    done = command("evaluate", films, "--report", notes)
    assert done.returncode == 1
    assert b"is not an HTML page: choose another --report" in done.stderr
    assert (films.read_bytes(), notes.read_text()) == (before, "of mine")
    notes.write_text("<!doctype html>")
    assert command("evaluate", films, "--report", notes).returncode == 0


def test_without_the_extra_a_report_is_refused_and_figures_are_not(
    films: Path, tiny_model: Path, tmp_path: Path
) -> None:
    # A process to which the packages of the extra are unknown.
    code = (
        "import sys, importlib.util as util; find = util.find_spec\n"
        "missing = ('altair', 'jinja2', 'vl_convert')\n"
        "util.find_spec = lambda name, *rest: None if name in missing else find(name, *rest)\n"
        "for name in missing: sys.modules[name] = None\n"
        "from genre_batch.cli import main; main()"
    )

    def run(*arguments: object) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-c", code, *map(str, arguments), "-m", str(tiny_model)],
            capture_output=True,
            check=False,
        )

    report = tmp_path / "report.html"
    done = run("evaluate", films, "--report", report)
    assert (done.returncode, done.stdout, report.exists()) == (2, b"", False)
    assert b"needs the extra 'report' (altair is not installed)" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert run("evaluate", films).returncode == 0


def test_an_error_is_one_line(command: Command, films: Path) -> None:
    films.write_text("overview,genre\nlaugh,Noir\ncry,Drama\n")
    done = command("evaluate", films)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert b"does not know 'Noir' (1 film): add --ignore-unknown" in done.stderr
    assert done.stdout == b""


def test_a_tuned_model_can_be_tagged_with_at_an_operating_point(
    command: Command, tmp_path: Path
) -> None:
    films, model = tmp_path / "many.csv", tmp_path / "tuned.onnx"
    rows = "".join(f"laugh {row},Comedy\ncry {row},Drama\n" for row in range(20))
    films.write_text("overview,genre\n" + rows)
    done = command("tune", films, "-o", model)
    assert done.returncode == 0
    assert "precision=0.9" in done.stderr.decode()
    done = command(
        "tag", films, "-m", model, "--operating-point", "precision=0.9", "--limit", 1, "--summary"
    )
    assert json.loads(done.stdout)["predicted_genres"] == ["Comedy"]
    assert "off at this operating point: Action, Science Fiction" in done.stderr.decode()


def test_a_model_with_two_thresholds_per_genre_can_be_tuned_and_used(
    command: Command, tmp_path: Path
) -> None:
    films, model = tmp_path / "many.csv", tmp_path / "tuned.onnx"
    films.write_text(tiny.films_by_drama())
    done = command("tune", films, "-o", model, "--method", "conditional")
    assert done.returncode == 0
    assert b"genres with two thresholds: Comedy given Drama\n" in done.stderr
    done = command("tag", films, "-m", model, "--limit", 3)
    assert [json.loads(line)["predicted_genres"] for line in done.stdout.splitlines()] == [
        ["Drama", "Comedy"],
        ["Comedy"],
        ["Science Fiction"],
    ]


def test_the_conditional_method_reports_if_it_finds_nothing(
    command: Command, tmp_path: Path
) -> None:
    films = tmp_path / "many.csv"
    rows = "".join(f"laugh {row},Comedy\ncry {row},Drama\n" for row in range(20))
    films.write_text("overview,genre\n" + rows)
    done = command("tune", films, "-o", tmp_path / "tuned.onnx", "--method", "conditional")
    assert b"no genre gains from a second threshold" in done.stderr


def test_train_does_not_offer_conditional_thresholds(
    command: Command, films: Path, tmp_path: Path
) -> None:
    done = command("train", films, "-o", tmp_path / "run", "--thresholds", "conditional")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "tune also finds conditional thresholds" in " ".join(
        command("train", "--help").stdout.decode().split()
    )

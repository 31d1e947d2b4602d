"""`genre-batch evaluate` as a process."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Command = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.fixture
def films(tmp_path: Path) -> Path:
    path = tmp_path / "films.csv"
    path.write_text("overview,genre\nlaugh,Comedy\ncry,Drama\nfight,Drama\n")
    return path


def test_tables_go_to_stdout_and_remarks_to_stderr(command: Command, films: Path) -> None:
    done = command("evaluate", films)
    assert done.returncode == 0
    shown = done.stdout.decode()
    for word in ("macro-F1", "95 % interval", "calibration error", "Drama", "MCC"):
        assert word in shown
    assert done.stderr.decode().startswith("3 films; model ")


def test_json_is_for_programs(command: Command, films: Path) -> None:
    done = command("-q", "evaluate", films, "--json")
    result = json.loads(done.stdout)
    assert done.stderr == b""
    assert (result["films"], result["genres"][1]["genre"]) == (3, "Comedy")
    assert result["genres"][1]["f1"] == 1.0


def test_a_mistake_is_one_line(command: Command, films: Path) -> None:
    films.write_text("overview,genre\nlaugh,Noir\n")
    done = command("evaluate", films)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert b"'Noir' (1 films): add --ignore-unknown" in done.stderr
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

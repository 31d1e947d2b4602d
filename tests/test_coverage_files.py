"""Promise: coverage files that a process left half written do not stop CI; the others count."""

from __future__ import annotations

import os
import sqlite3
import sys
from pathlib import Path

from coverage import CoverageData

from support.places import ROOT

sys.path.append(str(ROOT / "scripts"))

from coverage_files import remove_unreadable, still_running


def write_coverage(folder: Path, name: str, source: str) -> Path:
    file = folder / f".coverage.{name}"
    data = CoverageData(str(file))
    data.add_arcs({source: {(1, 2), (2, -1)}})
    data.close()
    return file


def test_files_that_coverage_cannot_combine_are_removed_by_name(tmp_path: Path) -> None:
    whole = write_coverage(tmp_path, "vm.pid1.a", "films.py")
    empty = tmp_path / ".coverage.vm.pid2.b"
    empty.write_bytes(b"")
    cut = write_coverage(tmp_path, "vm.pid3.c", "genres.py")
    cut.write_bytes(cut.read_bytes()[:5000])
    # A file's row without its path, as where a write was cut between two pages.
    pathless = write_coverage(tmp_path, "vm.pid4.d", "titles.py")
    with sqlite3.connect(pathless) as connection:
        connection.execute("UPDATE file SET path = NULL")
    connection.close()

    reasons = remove_unreadable(tmp_path)

    assert whole.exists()
    assert not cut.exists()
    assert not pathless.exists()
    assert {reason.split(":")[0] for reason in reasons} >= {cut.name, pathless.name}
    together = CoverageData(str(tmp_path / ".coverage"))
    for file in tmp_path.glob(".coverage.*"):
        together.update(CoverageData(str(file)))
    assert {Path(source).name for source in together.measured_files()} == {"films.py"}


def test_processes_of_an_environment_are_told_by_their_command(tmp_path: Path) -> None:
    commands = {7: "/env/bin/python\0agent.py", 8: "/other/bin/python", os.getpid(): "/env/bin/x"}
    for process, command in commands.items():
        (tmp_path / str(process)).mkdir()
        (tmp_path / str(process) / "cmdline").write_text(command)
    (tmp_path / "9").mkdir()  # ended between the two steps
    assert still_running("/env/", tmp_path) == [7]

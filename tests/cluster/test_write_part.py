"""cluster/write_part.py: an input that changes while it is read is not written."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from genre_batch import CatalogError, tag_catalog
from genre_batch.catalog.reading import blocks
from genre_batch.cluster import folder_job
from genre_batch.tagging.task import TaskWriter

pytestmark = pytest.mark.usefixtures("default_model")


@pytest.fixture(autouse=True)
def _catalogs(working_folder: Path) -> None:
    Path("in").mkdir()
    for name in "abc":
        rows = "".join(f"{row},laugh {name} {row}\n" for row in range(50))
        Path(f"in/{name}.csv").write_text(f"id,overview\n{rows}")


def _append() -> None:
    with Path("in/b.csv").open("a") as file:
        file.write("50,laugh\n")


def _replace() -> None:
    """Write as many bytes, as a program of another machine may have done a minute later."""
    content = Path("in/b.csv").read_bytes().replace(b"laugh", b"scare")
    Path("in/b.csv").write_bytes(content)
    os.utime("in/b.csv", (2_000_000_000, 2_000_000_000))


CHANGES = pytest.mark.parametrize("change", [_append, _replace])


def _while_reading(monkeypatch: pytest.MonkeyPatch, change: Callable[[], None]) -> None:
    write = TaskWriter.write

    def changed(self: TaskWriter) -> object:
        if self.task.sources[0].name.endswith("b.csv"):
            change()
        return write(self)

    monkeypatch.setattr(TaskWriter, "write", changed)


def _after_planning(monkeypatch: pytest.MonkeyPatch, change: Callable[[], None]) -> None:
    begin = folder_job.FolderJob.begin

    def changed(self: folder_job.FolderJob) -> None:
        begin(self)
        change()

    monkeypatch.setattr(folder_job.FolderJob, "begin", changed)


@CHANGES
@pytest.mark.parametrize("when", [_while_reading, _after_planning])
def test_an_input_that_changes_fails_and_the_same_command_completes_it(
    monkeypatch: pytest.MonkeyPatch,
    when: Callable[[pytest.MonkeyPatch, Callable[[], None]], None],
    change: Callable[[], None],
) -> None:
    with monkeypatch.context() as patches:
        when(patches, change)
        with pytest.raises(CatalogError, match=r"1 of 3 parts .*in/b\.csv changed while the run"):
            tag_catalog("in", "out/")
    assert sorted(os.listdir("out")) == ["a.csv", "c.csv"]
    summary = tag_catalog("in", "out/")
    assert summary.parts_done_before == 2
    tag_catalog("in", "here/")
    for name in "abc":
        assert Path(f"out/{name}.csv").read_bytes() == Path(f"here/{name}.csv").read_bytes()


def test_parts_of_a_cut_input_are_not_mixed_with_those_of_its_next_content(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 64)
    with monkeypatch.context() as patches:
        _after_planning(patches, _replace)
        with pytest.raises(CatalogError, match=r"in/b\.csv changed while the run was reading it"):
            tag_catalog("in", "out/", split_size=300)
    assert not Path("out/_SUCCESS").exists()
    assert not [*Path("out/b.csv").glob("*")]
    tag_catalog("in", "out/", split_size=300)
    tag_catalog("in", "here/")
    pieces = [path.read_text().partition("\n")[2] for path in sorted(Path("out/b.csv").glob("*"))]
    assert len(pieces) > 1
    assert "".join(pieces) == Path("here/b.csv").read_text().partition("\n")[2]


def test_a_pipe_has_no_time_that_could_be_compared() -> None:
    os.mkfifo("films.csv")

    def feed() -> None:
        Path("films.csv").write_text("id,overview\n1,laugh\n")

    threading.Thread(target=feed, daemon=True).start()
    assert tag_catalog("films.csv", "piped/").rows == 1

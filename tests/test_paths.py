"""paths.py: streams are recognized under every name, folders created, neighbors' names fit."""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genre_batch.paths import is_stream, make_folder, neighbor, open_stream


def test_devices_fifos_and_open_files_are_streams(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("/dev/stdout")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    streams = ("/dev/stdout", "/dev/stderr", "/dev/fd/1", "/proc/self/fd/1", "/dev/null")
    for path in (*streams, f"/proc/{os.getpid()}/fd/2", tmp_path / "fifo", tmp_path / "link"):
        assert is_stream(path), path
    for path in (tmp_path, tmp_path / "file", tmp_path / "new", tmp_path / "circle", "/no/file"):
        assert not is_stream(path), path


def test_an_open_file_is_continued_and_not_truncated(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as file:
        file.write(b"before,")
        file.flush()
        with open_stream(f"/dev/fd/{file.fileno()}") as stream:
            stream.write(b"after")
    assert (tmp_path / "file").read_bytes() == b"before,after"


@given(
    name=st.binary(min_size=1, max_size=255).filter(lambda name: not set(name) & {0, ord("/")}),
    suffix=st.sampled_from([".genre-batch", ".rejects.jsonl", ".0123abcd.partial"]),
)
def test_a_neighbor_s_name_fits_and_is_its_own(name: bytes, suffix: str) -> None:
    path = os.path.join("/tmp", os.fsdecode(name))
    folder, chosen = os.path.split(neighbor(path, ".", suffix))
    assert folder == "/tmp"
    assert len(os.fsencode(chosen)) <= 255
    assert chosen.startswith(".")
    assert chosen.endswith(suffix)
    if len(name) + 1 + len(suffix) <= 255:
        assert os.fsencode(chosen) == b"." + name + suffix.encode()


@pytest.mark.parametrize("ends", [("a", "b"), ("é", "è"), ("\udce9", "\udce8")])
def test_long_names_that_differ_at_their_end_have_different_neighbors(
    ends: tuple[str, str],
) -> None:
    first, second = (neighbor("x" * 250 + end, ".", ".genre-batch") for end in ends)
    assert first != second


def test_a_folder_that_another_process_keeps_removing_is_created(tmp_path: Path) -> None:
    folder = tmp_path / "output.genre-batch" / "temporary"
    done = threading.Event()

    def remove() -> None:
        while not done.is_set():
            with contextlib.suppress(OSError):
                folder.rmdir()
                folder.parent.rmdir()

    remover = threading.Thread(target=remove)
    remover.start()
    try:
        for _ in range(3_000):
            make_folder(folder)
    finally:
        done.set()
        remover.join()


def test_a_file_in_place_of_a_folder_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(FileExistsError):
        make_folder(file)
    with pytest.raises(NotADirectoryError):
        make_folder(file / "below")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileExistsError):
        make_folder(tmp_path / "link")

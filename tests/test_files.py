"""Writing under a temporary name, and the checks of paths before any work is done."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO

import pytest

from genre_batch.files import rename_into_place, replacing, replacing_path, write_json, write_text

Writer = Callable[[Path], AbstractContextManager[BinaryIO | Path]]


def _fail_half_way(writing: AbstractContextManager[BinaryIO | Path], error: BaseException) -> None:
    with writing as target:
        if isinstance(target, Path):
            target.write_bytes(b"half")
        else:
            target.write(b"half")
        raise error


def test_a_file_appears_only_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with replacing(path) as stream:
        stream.write(b"whole")
        assert not path.exists()
    assert path.read_bytes() == b"whole"
    assert list(tmp_path.iterdir()) == [path]


def test_a_library_may_write_the_temporary_path_itself(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with replacing_path(path) as temporary:
        temporary.write_bytes(b"whole")
        assert temporary.parent == tmp_path
        assert not path.exists()
    assert path.read_bytes() == b"whole"
    assert list(tmp_path.iterdir()) == [path]


def test_the_temporary_name_can_be_chosen(tmp_path: Path) -> None:
    with replacing(tmp_path / "out", str(tmp_path / "draft")) as stream:
        stream.write(b"whole")
        assert (tmp_path / "draft").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
@pytest.mark.parametrize("writer", [replacing, replacing_path])
def test_a_failing_block_leaves_neither_the_file_nor_the_temporary(
    tmp_path: Path, writer: Writer, error: type[BaseException]
) -> None:
    with pytest.raises(error):
        _fail_half_way(writer(tmp_path / "out"), error())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_failing_block_leaves_an_existing_file_unchanged(
    tmp_path: Path, error: type[BaseException]
) -> None:
    path = tmp_path / "out"
    path.write_bytes(b"old")
    with pytest.raises(error):
        _fail_half_way(replacing(path), error())
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_block_that_writes_no_file_fails(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), replacing_path(tmp_path / "out"):
        pass


def test_a_symbolic_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    real, link = tmp_path / "folder" / "real", tmp_path / "link"
    link.symlink_to(real)
    for text in ("new", "newer"):
        write_text(link, text)
        assert link.is_symlink()
        assert real.read_text() == text


def test_a_complete_file_gets_its_final_name(tmp_path: Path) -> None:
    (tmp_path / "draft").write_bytes(b"whole")
    (tmp_path / "out").write_bytes(b"old")
    rename_into_place(tmp_path / "draft", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b"whole"
    assert not (tmp_path / "draft").exists()


def test_text_and_json_are_written_as_utf8(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "Amélie\n")
    assert (tmp_path / "a.txt").read_bytes() == "Amélie\n".encode()
    write_json(tmp_path / "a.json", {"title": "Amélie"})
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert json.loads(text) == {"title": "Amélie"}
    assert "é" in text
    assert text.endswith("}\n")


def test_a_value_without_a_json_form_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        write_json(tmp_path / "a.json", {"title": b"Alien"})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444, 0o660])
def test_a_replaced_file_gives_its_mode_to_the_new_one(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "private.csv"
    path.write_text("old")
    path.chmod(mode)
    with replacing(path) as stream:
        stream.write(b"new")
        assert os.fstat(stream.fileno()).st_mode & 0o777 == mode
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("new", mode)


def test_a_replaced_file_keeps_its_owner_or_gives_its_group_no_permission(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, wanted = tmp_path / "shared.csv", []
    path.write_text("old")
    path.chmod(0o660)
    owner = path.stat()
    monkeypatch.setattr(os, "chown", lambda *given: wanted.append(given[1:]))
    write_text(path, "new")
    assert set(wanted) == {(-1, owner.st_gid), (owner.st_uid, -1)}
    if os.geteuid() == 0:
        monkeypatch.undo()
        os.chown(path, 12345, 12345)
        write_text(path, "newer")
        assert (path.stat().st_uid, path.stat().st_gid) == (12345, 12345)
        monkeypatch.setattr(os, "chown", lambda *_: None)
        write_text(path, "newest")
        assert path.stat().st_mode & 0o777 == 0o600

"""Writing under a temporary name, and the checks of paths before any work is done."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO

import pytest

from genre_batch.errors import OutputExistsError, TrainingError, UsageError
from genre_batch.files import (
    check_input_file,
    check_input_folder,
    check_output_file,
    check_output_folder,
    check_parent_folder,
    check_separate_files,
    first_line,
    rename_into_place,
    replacing,
    replacing_path,
    write_json,
    write_text,
)

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


def test_an_input_is_an_existing_file(tmp_path: Path) -> None:
    check_input_file("/dev/null")
    with pytest.raises(UsageError, match=r"^no such file: .*none\.csv$"):
        check_input_file(tmp_path / "none.csv")
    with pytest.raises(UsageError, match=r"^`split`: .* is a folder: name a file in it$"):
        check_input_file(tmp_path, "`split`")


def test_an_input_folder_exists(tmp_path: Path) -> None:
    check_input_folder(tmp_path)
    (tmp_path / "file").touch()
    for name in ("none", "file"):
        with pytest.raises(UsageError, match=f"^`models`: no such folder: .*{name}$"):
            check_input_folder(tmp_path / name, "`models`")


def test_an_output_is_a_file_in_an_existing_folder(tmp_path: Path) -> None:
    check_output_file(tmp_path / "new.csv", force=False)
    with pytest.raises(UsageError, match="is a folder: name a file in it"):
        check_output_file(tmp_path)
    with pytest.raises(UsageError, match=r"^`report`: no such folder: .*no: make it first"):
        check_output_file(tmp_path / "no" / "page.html", name="`report`")
    check_output_file(tmp_path / "no" / "page.html", in_new_folder=True)


def test_an_existing_output_is_overwritten_only_by_force(tmp_path: Path) -> None:
    (tmp_path / "out.csv").touch()
    check_output_file(tmp_path / "out.csv")
    with pytest.raises(OutputExistsError, match=r"out\.csv exists: add `force` to overwrite it"):
        check_output_file(tmp_path / "out.csv", force=False)


def test_an_output_folder_may_be_new_but_not_a_file(tmp_path: Path) -> None:
    check_output_folder(tmp_path)
    check_output_folder(tmp_path / "new")
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"^`cache`: .*file is a file: choose a folder$"):
        check_output_folder(tmp_path / "file", name="`cache`")
    with pytest.raises(TrainingError, match="is a file: choose a folder"):
        check_output_folder(tmp_path / "file", error=TrainingError)


def test_a_relative_name_lies_in_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    check_parent_folder("out.csv")
    check_output_file("out.csv")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("bad header"), "bad header"),
        (ValueError("\n  bad header\nstack"), "bad header"),
        (ValueError(""), "ValueError"),
    ],
)
def test_an_error_is_shortened_to_its_first_line(error: Exception, line: str) -> None:
    assert first_line(error) == line


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


@pytest.fixture
def names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("in.csv").write_text("id\n")
    Path("folder").mkdir()
    Path("link.csv").symlink_to("in.csv")
    Path("linked").symlink_to("folder")
    Path("new.csv").symlink_to("folder/later.csv")
    os.link("in.csv", "hard.csv")
    return tmp_path


@pytest.mark.parametrize(
    "output",
    ["in.csv", "./in.csv", "folder/../in.csv", "link.csv", "hard.csv", "linked/../in.csv"],
)
def test_an_output_that_is_an_input_in_any_spelling_is_refused(names: Path, output: str) -> None:
    with pytest.raises(UsageError, match=r"`output`: .* is one of the inputs"):
        check_separate_files([("`output`", output)], ["in.csv"])
    with pytest.raises(UsageError, match="is one of the inputs"):
        check_separate_files([("`output`", names / output)], ["in.csv"])


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("o.csv", "./o.csv"),
        ("folder/o.csv", "linked/o.csv"),
        ("folder/deep/o.csv", "linked/deep//o.csv"),
        ("new.csv", "folder/later.csv"),
        ("in.csv", "hard.csv"),
        ("-", "-"),
        ("s3://b/o.csv", "s3://b/o.csv"),
        ("folder", "folder/"),
    ],
)
def test_two_outputs_that_are_one_file_are_refused(names: Path, first: str, second: str) -> None:
    with pytest.raises(UsageError, match="`output` and `rejects` would be one file"):
        check_separate_files([("`output`", first), ("`rejects`", second)])


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("o.csv", "o.tsv"),
        ("folder/o.csv", "o.csv"),
        ("/dev/null", "/dev/null"),
        ("o.csv", "O.csv"),
        ("s3://a/o.csv", "s3://b/o.csv"),
    ],
)
def test_separate_files_and_devices_are_fine(names: Path, first: str, second: str) -> None:
    if Path("IN.CSV").exists():
        pytest.skip("this file system ignores case")
    check_separate_files([("`output`", first), ("`rejects`", second)], ["in.csv", "/dev/null"])


def test_names_that_differ_in_case_are_one_where_the_file_system_says_so(
    names: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exists = os.path.exists

    def ignoring_case(path: str) -> bool:
        folder, name = os.path.split(path)
        return exists(path) or (
            exists(folder) and name.lower() in (other.lower() for other in os.listdir(folder))
        )

    monkeypatch.setattr(os.path, "exists", ignoring_case)
    with pytest.raises(UsageError, match="would be one file"):
        check_separate_files([("`output`", "folder/o.csv"), ("`rejects`", "folder/O.csv")])
    assert os.listdir("folder") == []


def test_an_output_below_a_file_is_refused(names: Path) -> None:
    with pytest.raises(UsageError, match=r"in\.csv is a file: choose a folder"):
        check_output_file("in.csv/deep/o.csv", in_new_folder=True)

"""The checks of paths before any work is done."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from genre_batch.errors import OutputExistsError, TrainingError, UsageError
from genre_batch.path_checks import (
    check_input_file,
    check_input_folder,
    check_output_file,
    check_output_folder,
    check_parent_folder,
    check_separate_files,
)


def test_an_input_is_an_existing_file(tmp_path: Path) -> None:
    check_input_file("/dev/null")
    with pytest.raises(UsageError, match=r"^no such file: .*none\.csv$"):
        check_input_file(tmp_path / "none.csv")
    with pytest.raises(UsageError, match=r"^`split`: .* is a folder: name a file in it$"):
        check_input_file(tmp_path, "`split`")


def test_an_input_folder_exists(tmp_path: Path) -> None:
    check_input_folder(tmp_path)
    with pytest.raises(UsageError, match=r"^`models`: no such folder: .*none$"):
        check_input_folder(tmp_path / "none", "`models`")
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"^`models`: .*file is a file: name a folder$"):
        check_input_folder(tmp_path / "file", "`models`")


def test_an_output_is_a_file_in_an_existing_folder(tmp_path: Path) -> None:
    check_output_file(tmp_path / "new.csv", force=False)
    with pytest.raises(UsageError, match="is a folder: name a file in it"):
        check_output_file(tmp_path)
    with pytest.raises(UsageError, match=r"^`report`: no such folder: .*no: make it first"):
        check_output_file(tmp_path / "no" / "page.html", name="`report`")
    check_output_file(tmp_path / "no" / "page.html", in_new_folder=True)
    # The system does not find `no/..`, and so would not find an existing file either.
    with pytest.raises(UsageError, match=r"no such folder: .*no/\.\.: make it first"):
        check_output_file(f"{tmp_path}/no/../out.csv", force=False)


def test_a_path_with_a_nul_byte_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a path cannot have a NUL byte"):
        check_output_file(f"{tmp_path}/a\0b.csv")


def test_an_empty_path_is_refused() -> None:
    for check in (check_output_file, check_input_file):
        with pytest.raises(UsageError, match=r"^`rejects`: the path is empty: name a file$"):
            check("", name="`rejects`")


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

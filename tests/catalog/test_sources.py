"""Files, globs and folders are expanded to catalogs, in a fixed order."""

from __future__ import annotations

from pathlib import Path

import pytest

from genre_batch.catalog.formats import Location, input_location
from genre_batch.catalog.sources import find_sources, output_names
from genre_batch.errors import UsageError


@pytest.fixture
def films(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("b.csv", "a.jsonl", "deep/c.csv.gz", "notes.md", ".hidden.csv", "_SUCCESS.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "old.csv.rejects.jsonl").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _paths(*inputs: str, override: str | None = None) -> list[str]:
    return [location.path for location in find_sources(inputs, override)]


def test_files_stay_in_the_given_order(films: Path) -> None:
    assert _paths("b.csv", "a.jsonl") == ["b.csv", "a.jsonl"]


def test_a_folder_is_every_catalog_below_it_sorted_by_name(films: Path) -> None:
    assert _paths(".") == ["./a.jsonl", "./b.csv", "./deep/c.csv.gz"]


def test_with_a_given_format_a_folder_is_every_file_below_it(films: Path) -> None:
    assert "./notes.md" in _paths(".", override="csv")


def test_a_glob_is_what_it_matches(films: Path) -> None:
    assert _paths("*.csv", "deep/*") == ["_SUCCESS.csv", "b.csv", "deep/c.csv.gz"]
    assert _paths("**/*.gz") == ["deep/c.csv.gz"]


def test_a_file_whose_name_looks_like_a_glob_is_that_file(films: Path) -> None:
    (films / "x[1].csv").write_bytes(b"")
    assert _paths("x[1].csv") == ["x[1].csv"]


@pytest.mark.parametrize("nothing", ["*.parquet", "empty"])
def test_nothing_to_read_is_wrong_usage(films: Path, nothing: str) -> None:
    (films / "empty").mkdir()
    with pytest.raises(UsageError, match="nothing to read"):
        _paths(nothing)


def test_stdin_is_read_alone(films: Path) -> None:
    assert _paths("-") == ["-"]
    with pytest.raises(UsageError, match="stdin can only be read alone"):
        _paths("b.csv", "-")


def test_outputs_are_named_after_inputs_relative_to_their_common_folder(films: Path) -> None:
    assert output_names(find_sources(["."])) == ["a.jsonl", "b.csv", "deep/c.csv.gz"]
    assert output_names([input_location("deep/c.csv.gz")]) == ["c.csv.gz"]


def test_one_input_twice_cannot_have_two_outputs(films: Path) -> None:
    with pytest.raises(UsageError, match=r"duplicate input b\.csv"):
        output_names(find_sources(["b.csv", "b.csv"]))


def test_files_and_urls_cannot_share_a_folder(films: Path) -> None:
    places = [input_location("b.csv"), Location("s3://films/a.csv", input_location("b.csv").format)]
    with pytest.raises(UsageError, match="in separate runs"):
        output_names(places)

"""Files, globs and folders stand for catalogs, in a settled order."""

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


def test_files_stay_in_the_order_they_were_typed(films: Path) -> None:
    assert _paths("b.csv", "a.jsonl") == ["b.csv", "a.jsonl"]


def test_a_folder_is_every_catalog_beneath_it_by_name(films: Path) -> None:
    assert _paths(".") == ["./a.jsonl", "./b.csv", "./deep/c.csv.gz"]


def test_a_folder_in_one_named_format_is_every_file_of_it(films: Path) -> None:
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


def test_outputs_are_called_as_their_inputs_below_what_these_share(films: Path) -> None:
    assert output_names(find_sources(["."])) == ["a.jsonl", "b.csv", "deep/c.csv.gz"]
    assert output_names([input_location("deep/c.csv.gz")]) == ["c.csv.gz"]


def test_one_input_twice_cannot_have_two_outputs(films: Path) -> None:
    with pytest.raises(UsageError, match=r"b\.csv is named twice"):
        output_names(find_sources(["b.csv", "b.csv"]))


def test_files_and_urls_cannot_share_a_folder(films: Path) -> None:
    places = [input_location("b.csv"), Location("s3://films/a.csv", input_location("b.csv").format)]
    with pytest.raises(UsageError, match="tag them apart"):
        output_names(places)

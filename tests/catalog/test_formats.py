"""Formats are detected from suffixes, and an unknown one is an error."""

from __future__ import annotations

from pathlib import Path

import pytest

from genre_batch.catalog.formats import (
    Format,
    input_location,
    is_regular_or_new,
    output_location,
)
from genre_batch.errors import UsageError


@pytest.mark.parametrize(
    ("name", "kind", "compression"),
    [
        ("a.csv", Format.CSV, None),
        ("A.CSV", Format.CSV, None),
        ("a.tsv.gz", Format.TSV, "gzip"),
        ("a.b.jsonl.zst", Format.JSONL, "zstd"),
        ("a.ndjson", Format.JSONL, None),
        ("x[1].parquet", Format.PARQUET, None),
        ("a.arrow", Format.ARROW, None),
    ],
)
def test_the_suffix_determines_format_and_compression(
    tmp_path: Path, name: str, kind: Format, compression: str | None
) -> None:
    (tmp_path / name).touch()
    for location in (input_location(str(tmp_path / name)), output_location(str(tmp_path / name))):
        assert (location.format, location.compression) == (kind, compression)


def test_an_option_overrides_the_suffix_but_not_the_compression(tmp_path: Path) -> None:
    location = output_location(str(tmp_path / "films.txt.gz"), "csv")
    assert (location.format, location.compression) == (Format.CSV, "gzip")


@pytest.mark.parametrize("name", ["films", "films.txt", "films.gz"])
def test_an_unknown_suffix_is_refused_and_names_the_parameter(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(UsageError, match="set `input_format` to csv"):
        input_location(str(tmp_path / name))
    with pytest.raises(UsageError, match="set `output_format` to csv"):
        output_location(str(tmp_path / name))


@pytest.mark.parametrize(
    ("name", "kind"), [("f.feather", "arrow"), ("f.PQ", "parquet"), ("f.tab", "tsv")]
)
def test_a_suffix_of_one_format_is_answered_with_it(tmp_path: Path, name: str, kind: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(UsageError, match=f"{name}: set `input_format` to {kind}$"):
        input_location(str(tmp_path / name))


def test_a_link_to_a_missing_file_is_named_as_one(tmp_path: Path) -> None:
    (tmp_path / "a.csv").symlink_to("gone.csv")
    with pytest.raises(UsageError, match=r"a\.csv is a link to gone\.csv, which is not there"):
        input_location(str(tmp_path / "a.csv"))


def test_a_model_in_place_of_a_catalog_is_recognized(tmp_path: Path) -> None:
    model = tmp_path / "Model.ONNX"
    model.touch()
    with pytest.raises(UsageError, match=r"Model\.ONNX is a model, not a catalog"):
        input_location(str(model))


def test_a_compressed_parquet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="their own compression"):
        output_location(str(tmp_path / "a.parquet.gz"))


def test_a_missing_file_or_a_folder_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        input_location(str(tmp_path / "none.csv"))
    with pytest.raises(UsageError, match="is a folder"):
        input_location(str(tmp_path))


def test_the_folder_of_an_output_must_exist(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        output_location(str(tmp_path / "no" / "a.csv"))


@pytest.mark.parametrize("path", ["-", None])
def test_the_standard_streams_are_json_lines_by_default(path: str | None) -> None:
    assert output_location(path).format is Format.JSONL
    assert output_location(path, "tsv").format is Format.TSV
    assert input_location("-").is_stdio
    assert input_location("-").name == "stdin"


def test_only_files_and_new_names_can_be_replaced(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert is_regular_or_new(str(tmp_path / "file"))
    assert is_regular_or_new(str(tmp_path / "new"))
    assert not is_regular_or_new("/dev/null")

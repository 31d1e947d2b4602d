"""Folders named `name=value` become columns after a catalog's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from genre_batch import UsageError, tag_catalog
from genre_batch.catalog.describe import describe_catalog
from genre_batch.catalog.hive import folder_values
from genre_batch.catalog.options import ReadingOptions
from genre_batch.errors import CatalogError, GenreBatchWarning

NULL = "__HIVE_DEFAULT_PARTITION__"


pytestmark = pytest.mark.usefixtures("default_model", "working_folder")


def _write(path: str, **columns: Any) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    table = {"overview": ["laugh"], **columns}
    if path.endswith(".csv"):
        pl.DataFrame(table).write_csv(path)
    elif path.endswith(".parquet"):
        pq.write_table(pa.table(table), path)
    else:
        pl.DataFrame(table).write_ndjson(path)


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("sp/year=2020/a.csv", (("year", "2020"),)),
        ("year=007/lang=en/a.csv", (("year", "007"), ("lang", "en"))),
        (f"year={NULL}/a.csv", (("year", None),)),
        (
            "genre=Science%20Fiction/a%3Db=c%2Fd/a.csv",
            (("genre", "Science Fiction"), ("a=b", "c/d")),
        ),
        ("a=b=c/a.csv", (("a", "b=c"),)),
        ("a=/a.csv", (("a", ""),)),
        ("=x/_tmp=1/.h=2/plain/year=2020.csv", ()),
        ("a=1/a=1/x.csv", (("a", "1"),)),
        ("s3://bucket=1/year=2020/a.csv", (("year", "2020"),)),
        ("/data/k=%FF/a.csv", (("k", "\ufffd"),)),
        ("k=é/a.csv", (("k", "é"),)),
    ],
)
def test_the_names_and_values_of_a_path(path: str, values: tuple[Any, ...]) -> None:
    assert folder_values(path) == values


def test_two_values_for_one_name_are_refused() -> None:
    with pytest.raises(UsageError, match="two folders give values for 'a': add `no_hive`"):
        folder_values("a=1/a=2/x.csv")


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl"])
@pytest.mark.parametrize("source", ["sp", "sp/*/*", "sp/year=*", "sp/**/*.{}"])
@pytest.mark.parametrize("output", ["o.csv", "o.parquet", "o.jsonl"])
def test_values_are_columns_before_the_genres_in_every_format(
    suffix: str, source: str, output: str
) -> None:
    _write(f"sp/year=007/a.{suffix}")
    _write(f"sp/year={NULL}/b.{suffix}")
    tag_catalog(source.format(suffix), output)
    tag_catalog(output, "back.parquet", replace=True)
    table = pl.read_parquet("back.parquet")
    assert table.columns == ["overview", "year", "predicted_genres"]
    assert table["year"].to_list() == ["007", None]
    if output == "o.jsonl":
        lines = Path(output).read_text().splitlines()
        assert [list(json.loads(line)) for line in lines] == [table.columns] * 2


def test_the_same_columns_as_pyarrow_reads() -> None:
    for year in ("2019", "2020"):
        for language in ("en", "pt%20BR"):
            _write(f"sp/year={year}/lang={language}/a.parquet", id=[year + language])
    kinds = pa.schema([("year", pa.string()), ("lang", pa.string())])
    expected = ds.dataset("sp", partitioning=ds.partitioning(kinds, flavor="hive")).to_table()
    tag_catalog("sp", "o.parquet")
    table = pq.read_table("o.parquet").drop_columns("predicted_genres")
    assert table.column_names == expected.column_names
    assert table.to_pylist() == expected.to_pylist()


def test_without_hive_there_are_no_columns() -> None:
    _write("sp/year=2020/a.csv")
    tag_catalog("sp", "o.csv", no_hive=True)
    assert pl.read_csv("o.csv").columns == ["overview", "predicted_genres"]


def test_a_folder_of_outputs_repeats_the_folders_and_needs_no_columns() -> None:
    _write("sp/lang=en/year=2020/a.csv")
    _write("sp/lang=en/year=2021/b.csv")
    tag_catalog("sp", "out/")
    assert pl.read_csv("out/year=2020/a.csv").columns == ["overview", "lang", "predicted_genres"]
    tag_catalog("sp/lang=en/year=2020/a.csv", "flat/")
    columns = pl.read_csv("flat/a.csv").columns
    assert columns == ["overview", "lang", "year", "predicted_genres"]


def test_a_file_outside_the_folders_has_nulls_there() -> None:
    _write("sp/a.csv")
    _write("sp/year=2020/b.csv")
    for output in ("o.parquet", "o.jsonl"):
        tag_catalog("sp", output)
    assert pl.read_parquet("o.parquet")["year"].to_list() == [None, "2020"]
    assert pl.read_ndjson("o.jsonl")["year"].to_list() == [None, "2020"]


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl"])
@pytest.mark.parametrize("output", ["o.csv", "o.jsonl"])
def test_a_column_of_the_file_is_kept(suffix: str, output: str) -> None:
    _write(f"same/year=2020/a.{suffix}", year=[2020])
    tag_catalog("same", output)
    _write(f"other/year=2020/a.{suffix}", year=[1999])
    with pytest.warns(GenreBatchWarning, match="has a column 'year' of its own"):
        tag_catalog("other", output, force=True)
    tag_catalog(output, "back.csv", replace=True)
    assert pl.read_csv("back.csv")["year"].to_list() == [1999]


def test_a_number_in_one_file_is_not_joined_with_a_folder_of_another() -> None:
    _write("sp/year=2020/a.parquet", year=[2020])
    _write("sp/year=2021/b.parquet")
    with pytest.raises(CatalogError, match="column 'year' is string, but int64"):
        tag_catalog("sp", "o.parquet")


def test_other_commands_see_the_columns_too() -> None:
    _write("year=2020/a.csv")
    for no_hive, columns in ((False, ["overview", "year"]), (True, ["overview"])):
        reading = ReadingOptions(no_hive=no_hive)
        described = describe_catalog(reading.locate("year=2020/a.csv"), reading)
        assert [column.name for column in described.columns] == columns

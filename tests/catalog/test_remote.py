"""Catalogs in cloud storage, against a real S3 API on loopback."""

from __future__ import annotations

import gzip
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import polars as pl
import pytest

from genre_batch import CatalogError, OutputExistsError, UsageError, tag_catalog
from genre_batch.catalog import remote
from genre_batch.catalog.remote import list_remote, open_remote, remote_exists, upload
from genre_batch.catalog.sources import find_sources
from genre_batch.errors import GenreBatchWarning
from support.object_storage import ObjectStorage, object_storage

pytestmark = [pytest.mark.process, pytest.mark.usefixtures("default_model")]


@pytest.fixture(scope="module")
def storage() -> Iterator[ObjectStorage]:
    with object_storage() as storage:
        yield storage


@pytest.fixture
def bucket(
    storage: ObjectStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    """An empty bucket called films."""
    for name, value in storage.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    bucket = boto3.resource("s3").create_bucket(Bucket="films")
    yield bucket
    bucket.objects.all().delete()
    bucket.delete()


def _put(bucket: Any, **objects: bytes) -> None:
    for name, content in objects.items():
        bucket.put_object(Key=name.replace("__", "/").replace("_csv", ".csv"), Body=content)


def _keys(bucket: Any) -> list[str]:
    return [found.key for found in bucket.objects.all()]


def test_a_catalog_is_read_and_written_in_place(bucket: Any, tmp_path: Path) -> None:
    _put(bucket, in_csv=b"id,overview\n1,laugh\n2,x,y\n")
    summary = tag_catalog("s3://films/in.csv", "s3://films/out/tagged.parquet")
    assert (summary.rows, summary.rows_rejected) == (1, 1)
    assert _keys(bucket) == [
        "in.csv",
        "out/tagged.parquet",
        "out/tagged.parquet.rejects.jsonl",
    ]
    content = bucket.Object("out/tagged.parquet").get()["Body"].read()
    assert pl.read_parquet(io.BytesIO(content))["predicted_genres"].to_list() == [["Comedy"]]
    rejects = bucket.Object("out/tagged.parquet.rejects.jsonl").get()["Body"].read()
    assert json.loads(rejects)["file"] == "s3://films/in.csv"
    assert not list((tmp_path / "home").rglob("*.partial"))


def test_rejects_and_summary_of_a_local_output_may_be_urls(bucket: Any, tmp_path: Path) -> None:
    films = tmp_path / "in.csv"
    films.write_bytes(b"id,overview\n1,laugh\n2,x,y\n")
    tag_catalog(
        films,
        tmp_path / "out.csv",
        rejects="s3://films/bad.jsonl",
        summary_json="s3://films/summary.json",
    )
    assert _keys(bucket) == ["bad.jsonl", "summary.json"]
    summary = json.loads(bucket.Object("summary.json").get()["Body"].read())
    assert (summary["rows"], summary["rejects"]) == (1, ["s3://films/bad.jsonl"])


def test_folders_and_globs_are_listed(bucket: Any) -> None:
    _put(bucket, a__one_csv=b"", a__b__two_csv=b"", a__notes=b"ab", c_csv=b"")
    assert list_remote("s3://films/a/") == {
        "s3://films/a/b/two.csv": 0,
        "s3://films/a/notes": 2,
        "s3://films/a/one.csv": 0,
    }
    assert list_remote("s3://films/a/*.csv") == {"s3://films/a/one.csv": 0}
    assert [*(list_remote("s3://films/a/**.csv") or ())] == [
        "s3://films/a/b/two.csv",
        "s3://films/a/one.csv",
    ]
    assert list_remote("s3://films/c.csv") is None


def test_a_folder_of_objects_becomes_a_folder_of_objects(bucket: Any) -> None:
    row = b"overview\ncry\n"
    _put(bucket, a__one_csv=row, a__b__two_csv=row, a__notes=b"no catalog", a___SUCCESS_csv=b"")
    bucket.put_object(Key="a/one.csv.rejects.jsonl", Body=b"{}")
    tag_catalog("s3://films/a/", "s3://films/tagged/")
    marks = [key for key in _keys(bucket) if key.startswith("tagged.genre-batch/parts/")]
    assert len(marks) == 2
    assert [key for key in _keys(bucket) if key.startswith("tagged")] == [
        *("tagged.genre-batch/job.json", *marks),
        *("tagged/_SUCCESS", "tagged/b/two.csv", "tagged/one.csv"),
    ]


def test_folders_of_markers_are_passed_over_as_those_of_files_are(bucket: Any) -> None:
    row = b"overview\ncry\n"
    for key in ("one.csv", "_temporary/0/one.csv", ".old/one.csv", "b/_delta_log/0.csv", "b.pq"):
        bucket.put_object(Key=f"a/{key}", Body=row)
    with pytest.warns(GenreBatchWarning, match=r"passed over 1 file .* s3://films/a/b\.pq: set"):
        assert [place.path for place in find_sources(["s3://films/a"])] == ["s3://films/a/one.csv"]
    bucket.Object("a/b.pq").delete()
    bucket.put_object(Key="a/_delta_log/0.json", Body=b"{}")
    with pytest.warns(GenreBatchWarning, match="is a Delta table"):
        find_sources(["s3://films/a"])


EMPTY = {
    "csv": b"",
    "tsv": b"\n\r\n",
    "csv.gz": gzip.compress(b""),
    "parquet": b"",
    "arrow": b"",
}


@pytest.mark.parametrize("suffix", EMPTY)
@pytest.mark.parametrize("source", ["s3://films/a/", "s3://films/a", "s3://films/a/**.*"])
def test_empty_objects_and_folder_markers_are_passed_over_as_empty_files_are(
    bucket: Any, tmp_path: Path, suffix: str, source: str
) -> None:
    _put(bucket, a__one_csv=b"id,overview\n1,laugh\n", a__y__two_csv=b"id,overview\n2,cry\n")
    for key, content in {
        "a/": b"",
        "a/y/": b"",
        "a/z/": b"",
        f"a/x.{suffix}": EMPTY[suffix],
        f"a/y/x.{suffix}": EMPTY[suffix],
    }.items():
        bucket.put_object(Key=key, Body=content)
    with pytest.warns(
        GenreBatchWarning,
        match=rf"2 empty files of {re.escape(source)} \(the first: s3://films/a/x",
    ):
        assert tag_catalog(source, tmp_path / "o.csv").rows == 2
    with pytest.warns(GenreBatchWarning, match="2 empty files"):
        tag_catalog(source, "s3://films/out/")
    assert [key for key in _keys(bucket) if key.startswith("out/")] == [
        "out/_SUCCESS",
        "out/one.csv",
        "out/y/two.csv",
    ]


def test_a_cloud_folder_of_nothing_but_empty_objects_is_a_usage_error(
    bucket: Any, tmp_path: Path
) -> None:
    for key in ("a/", "a/x.csv", "a/y.parquet"):
        bucket.put_object(Key=key, Body=b"")
    with pytest.raises(UsageError, match=r"every catalog of s3://films/a/ is empty"):
        tag_catalog("s3://films/a/", tmp_path / "o.csv")
    with pytest.raises(UsageError, match="nothing to read"):
        tag_catalog("s3://films/b/", tmp_path / "o.csv")
    with pytest.raises(CatalogError, match=r"s3://films/a/x\.csv is empty"):
        tag_catalog("s3://films/a/x.csv", tmp_path / "o.csv")


def test_an_existing_object_is_kept_unless_forced(bucket: Any, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("overview\nlaugh\n")
    _put(bucket, out_csv=b"precious")
    with pytest.raises(OutputExistsError, match=r"s3://films/out\.csv exists"):
        tag_catalog(tmp_path / "in.csv", "s3://films/out.csv")
    tag_catalog(tmp_path / "in.csv", "s3://films/out.csv", force=True)
    assert bucket.Object("out.csv").get()["Body"].read() == (
        b"overview,predicted_genres\nlaugh,Comedy\n"
    )


def test_a_missing_object_is_a_usage_error(bucket: Any, tmp_path: Path) -> None:
    assert not remote_exists("s3://films/none.csv")
    with pytest.raises(UsageError, match=r"no such file: s3://films/none\.csv"):
        open_remote("s3://films/none.csv")
    with pytest.raises(UsageError, match="nothing to read"):
        tag_catalog("s3://films/*.csv", tmp_path / "o.csv")


def test_a_storage_that_refuses_the_output_is_one_clear_error(bucket: Any, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("overview\nlaugh\n")
    with pytest.raises(CatalogError, match=r"cannot write s3://no-such-bucket/o\.csv") as raised:
        tag_catalog(tmp_path / "in.csv", "s3://no-such-bucket/o.csv")
    assert "\n" not in str(raised.value)


def test_an_upload_that_fails_leaves_no_object(
    bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell():
                raise OSError("the disk went away")
            return super().read(size)

    with pytest.raises(OSError, match="the disk went away"):
        upload(Failing(bytes(3 << 20)), "s3://films/out.bin")
    assert _keys(bucket) == []


@pytest.mark.parametrize("path", ["films.csv", "/a/b.csv", "c:/films.csv", "a:b.csv"])
def test_a_path_is_not_a_url(path: str) -> None:
    assert not remote.is_remote(path)


def test_an_unknown_scheme_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"cannot read ftp:// \(supported: s3://"):
        remote.is_remote("ftp://host/films.csv")

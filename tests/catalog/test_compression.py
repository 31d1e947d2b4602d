"""Compressed files are read by their first bytes; archives are answered with what to type."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from genre_batch.catalog.compression import decompressed
from genre_batch.catalog.formats import input_location
from genre_batch.catalog.reading.csv_dialect import Dialect
from genre_batch.catalog.reading.csv_header import Header
from genre_batch.catalog.reading.jsonlines import read_json_lines
from genre_batch.catalog.reading.whole import read_table
from genre_batch.errors import CatalogError, GenreBatchWarning, UsageError
from support.delivery import Pieces

TEXT = b"id,overview\n" + b"".join(b"%d,film %d\n" % (row, row) for row in range(2000))
Compress = Callable[[bytes], bytes]


def _zstd(data: bytes) -> bytes:
    return cast(bytes, pa.compress(data, "zstd", asbytes=True))


COMPRESSIONS: dict[str, Compress] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": _zstd,
}


class _Pipe(Pieces):
    """Delivers its bytes in pieces of one size, and cannot seek."""

    def read(self, size: int = -1) -> bytes:
        return self.read1(size)


def _all(data: bytes, size: int = 1 << 20) -> bytes:
    stream = decompressed(cast(BinaryIO, _Pipe(data, size)), "films.csv")
    read = getattr(stream, "read1", stream.read)
    pieces = []
    while piece := read(1 << 20):
        pieces.append(piece)
    return b"".join(pieces)


@pytest.mark.parametrize("size", [1, 100, 1 << 20])
@pytest.mark.parametrize("name", COMPRESSIONS)
def test_a_pipe_is_decompressed(name: str, size: int) -> None:
    assert _all(COMPRESSIONS[name](TEXT[:200]), size) == TEXT[:200]


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "csv.bz2", "csv.xz", "csv.zst"])
@pytest.mark.parametrize("name", [*COMPRESSIONS, "none"])
def test_a_file_is_read_by_its_content_whatever_its_suffix(
    tmp_path: Path, name: str, suffix: str
) -> None:
    path = tmp_path / f"films.{suffix}"
    path.write_bytes(COMPRESSIONS[name](TEXT) if name != "none" else TEXT)
    assert read_table(input_location(str(path))).num_rows == 2000


@pytest.mark.parametrize("name", ["gz", "bz2", "xz"])
def test_members_and_padding_are_read_as_their_own_tools_read_them(name: str) -> None:
    compress = COMPRESSIONS[name]
    for size in (1, 64, 1 << 20):
        assert _all(compress(b"a,b\n") + compress(b"") + compress(b"1,2\n"), size) == b"a,b\n1,2\n"
        assert _all(compress(b"a,b\n") + bytes(512), size) == b"a,b\n"
        assert _all(compress(b"a\n") + bytes(8) + compress(b"b\n"), size) == b"a\nb\n"


@pytest.mark.parametrize("name", ["gz", "bz2", "xz"])
@pytest.mark.parametrize("rest", [b"x", b"trailing bytes", b"\0\0\0\0rest"])
def test_bytes_after_the_end_are_left_out_with_a_warning(name: str, rest: bytes) -> None:
    with pytest.warns(GenreBatchWarning, match=r"films\.csv: the bytes after the end"):
        assert _all(COMPRESSIONS[name](TEXT) + rest) == TEXT


@pytest.mark.parametrize("name", ["gz", "bz2", "xz"])
def test_data_that_is_cut_off_or_damaged_is_an_error(tmp_path: Path, name: str) -> None:
    path = tmp_path / "films.csv"
    whole = COMPRESSIONS[name](TEXT)
    path.write_bytes(whole[:-9])
    with pytest.raises(CatalogError, match=r"cannot be read after line .*: the .* data"):
        read_table(input_location(str(path)))
    damaged = bytearray(whole)
    damaged[len(whole) // 2] ^= 0xFF
    path.write_bytes(damaged)
    with pytest.raises(CatalogError, match=r"films\.csv"):
        read_table(input_location(str(path)))


def test_a_file_that_was_compressed_twice_is_read() -> None:
    assert _all(gzip.compress(bz2.compress(TEXT))) == TEXT


@pytest.mark.parametrize("text", [b"BZh9,title\n1,a\n", b"P,title\n", b"7z,title\n", b"(,b\n", b""])
def test_a_text_that_starts_like_a_compression_is_a_text(text: bytes) -> None:
    assert _all(text, 1) == text


def _zip(data: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("films.csv", data)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("films.csv.zip", "unzip -p films.csv.zip | genre-batch tag - `input_format` csv"),
        ("films.jsonl.zip", "unzip -p films.jsonl.zip | genre-batch tag - `input_format` jsonl"),
        ("my films.zip", "unzip -p 'my films.zip' |"),
        ("films.tsv.7z", "7z x -so films.tsv.7z | genre-batch tag - `input_format` tsv"),
        ("films.rar", "unrar p -inul films.rar |"),
        ("films.tar", "tar -xOf films.tar |"),
        ("films.tgz", "tar -xOzf films.tgz |"),
        ("films.csv.lz4", "lz4 -dc films.csv.lz4 |"),
        ("films.csv.br", "brotli -dc films.csv.br |"),
        ("films.csv.Z", "zcat films.csv.Z |"),
        ("films.xlsx", "xlsx2csv films.xlsx |"),
        ("films.xls", "libreoffice --headless --convert-to csv films.xls"),
        ("films.ods", "libreoffice --headless --convert-to csv films.ods"),
    ],
)
def test_an_archive_or_workbook_is_answered_with_what_to_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).touch()
    with pytest.raises(UsageError) as raised:
        input_location(name)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("members", "said"),
    [
        (["films.tsv"], "ZIP archive: unpack it, or type: unzip -p f.zip | genre-batch tag - `inp"),
        (["films.tsv"], "`input_format` tsv"),
        (["a.csv", "b.jsonl", "readme.txt"], "a ZIP archive of 3 files: unpack it, or type: unzip "
         "-p f.zip a.csv | genre-batch tag - `input_format` csv"),
        (["a/", "a/my b.jsonl", "__MACOSX/a/._x", "b.txt"], "unzip -p f.zip 'a/my b.jsonl' |"),
        (["films.parquet"], "f.zip is a ZIP archive: unpack it first"),
        (["films.xlsx", "b.pdf"], "f.zip is a ZIP archive of 2 files: unpack it first"),
        ([], "f.zip is a ZIP archive of 0 files: unpack it first"),
    ],
)  # fmt: skip
def test_a_zip_archive_is_answered_with_the_member_to_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, members: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with zipfile.ZipFile("f.zip", "w") as archive:
        for member in members:
            archive.writestr(member, TEXT)
    with pytest.raises(UsageError) as raised:
        input_location("f.zip")
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (_zip(TEXT), "stdin is a ZIP archive: save it to a file and unpack it first"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "stdin is an Excel workbook: save it as CSV$"),
        (b"\x04\x22\x4d\x18", r"lz4 -dc - \| genre-batch tag -"),
    ],
)
def test_the_command_for_a_pipe_reads_a_pipe(content: bytes, said: str) -> None:
    with pytest.raises(CatalogError, match=said):
        decompressed(io.BytesIO(content), "stdin")


def test_a_tar_archive_is_named_under_any_suffix() -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("films.csv"))
    for data in (stream.getvalue(), gzip.compress(stream.getvalue())):
        with pytest.raises(CatalogError, match=r"is a tar archive: .* tar -xOf f.csv.gz \|"):
            Header(decompressed(io.BytesIO(data), "f.csv.gz"), "f.csv.gz", Dialect())
        with pytest.raises(CatalogError, match="is a tar archive"):
            list(read_json_lines(decompressed(io.BytesIO(data), "f"), "f", lambda reject: None))


@pytest.mark.parametrize("mark", [0x50, 0x5E])
def test_frames_of_zstd_without_data_are_skipped(mark: int) -> None:
    frame = bytes([mark]) + b"\x2a\x4d\x18\x03\0\0\0xyz"
    assert _all(frame + pa.compress(TEXT, "zstd", asbytes=True)) == TEXT


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (_zip(TEXT), "films.csv is a ZIP archive"),
        (b"<!DOCTYPE html>\n<html>", "is a web page, not a catalog: download the file itself"),
        (b'<?xml version="1.0"?>\n<films/>', "is XML"),
        (b"\x93NUMPY\x01\0", "is a NumPy file"),
        (b"\x89PNG\r\n\x1a\n", "is an image"),
        (b"7z\xbc\xaf\x27\x1c\0\4", "films.csv is a 7z archive"),
        (b"Rar!\x1a\x07\x01\0", "films.csv is a RAR archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "films.csv is an Excel workbook"),
        (b"SQLite format 3\0", "is an SQLite database"),
        (b"%PDF-1.7\n", "is a PDF document"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"Obj\x01\x04", "is an Avro file"),
    ],
)
def test_content_that_is_not_text_is_named_whatever_the_suffix(content: bytes, said: str) -> None:
    for data in (content, gzip.compress(content)):
        with pytest.raises(CatalogError, match=said):
            _all(data)


def test_columnar_files_with_another_suffix_name_their_format(tmp_path: Path) -> None:
    path = tmp_path / "films.csv"
    pq.write_table(pa.table({"overview": ["a"]}), path)
    with pytest.raises(CatalogError, match="is a Parquet file: set `input_format` to parquet"):
        read_table(input_location(str(path)))

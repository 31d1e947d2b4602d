"""Files, globs and folders are expanded to catalogs, in a fixed order."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from genre_batch.catalog.formats import Location, input_location
from genre_batch.catalog.sources import (
    check_named_once,
    find_sources,
    output_names,
    warn_of_repeated,
)
from genre_batch.errors import CatalogError, GenreBatchWarning, UsageError


@pytest.fixture
def films(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("b.csv", "a.jsonl", "deep/c.csv.gz", "notes.md", ".hidden.csv", "_SUCCESS.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"overview\n")
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


def test_no_input_at_all_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="nothing to read: name at least one catalog"):
        find_sources([])


def test_stdin_is_read_alone(films: Path) -> None:
    assert _paths("-") == ["-"]
    with pytest.raises(UsageError, match="stdin can only be read alone"):
        _paths("b.csv", "-")


def test_outputs_are_named_after_inputs_relative_to_their_common_folder(films: Path) -> None:
    assert output_names(find_sources(["."])) == ["a.jsonl", "b.csv", "deep/c.csv.gz"]
    assert output_names([input_location("deep/c.csv.gz")]) == ["c.csv.gz"]


def test_one_input_twice_cannot_have_two_outputs(films: Path) -> None:
    with pytest.raises(UsageError, match=r"duplicate input .*/b\.csv: name"):
        output_names(find_sources(["b.csv", "b.csv"]))


@pytest.mark.parametrize("kind", ["link", "hard link", "folder"])
def test_one_file_under_two_names_is_named_twice(films: Path, kind: str) -> None:
    if kind == "link":
        Path("deep/latest.csv").symlink_to("../b.csv")
    elif kind == "hard link":
        os.link("b.csv", "deep/latest.csv")
    else:
        Path("deep/latest.csv").symlink_to("c.csv.gz")
    found = find_sources(["deep"] if kind == "folder" else ["b.csv", "deep/latest.csv"])
    other = "c.csv.gz" if kind == "folder" else "b.csv"
    said = rf"latest.csv \(the same file as .*{other}\)"
    with pytest.raises(UsageError, match=f"duplicate input .*{said}: "):
        check_named_once(found)
    with pytest.raises(UsageError, match="duplicate input"):
        output_names(found)
    with pytest.warns(GenreBatchWarning, match=f"{said} is named more than once"):
        warn_of_repeated(found)


def test_two_files_and_two_pipes_are_named_once(films: Path) -> None:
    for name in ("p.jsonl", "q.jsonl"):
        os.mkfifo(name)
    places = find_sources(["b.csv", "a.jsonl", "p.jsonl", "q.jsonl"])
    check_named_once([*places, Location("gone.csv", places[0].format)])


def test_files_and_urls_cannot_share_a_folder(films: Path) -> None:
    places = [input_location("b.csv"), Location("s3://films/a.csv", input_location("b.csv").format)]
    with pytest.raises(UsageError, match="in separate runs"):
        output_names(places)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("d/a/1.csv", "d/b/c/2.csv", "other/3.csv", "data[1]/x[2]/4.csv", "data1/5.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("overview\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("pattern", ["d", "d/**/*.csv"])
def test_links_to_folders_and_files_are_followed(tree: Path, pattern: str) -> None:
    Path("d/b/linked").symlink_to("../../other")
    Path("d/e.csv").symlink_to("../other/3.csv")
    assert sorted(_paths(pattern)) == [
        "d/a/1.csv",
        "d/b/c/2.csv",
        "d/b/linked/3.csv",
        "d/e.csv",
    ]


@pytest.mark.parametrize("target", [".", "..", "b", "../d", "../..", "/"])
def test_a_link_in_a_circle_or_into_the_same_tree_is_read_once(tree: Path, target: str) -> None:
    Path("d/a/link").symlink_to(target)
    if target in ("b", "../d"):
        Path("d/a/link").unlink()
        Path("d/link").symlink_to(target)
    with pytest.warns(GenreBatchWarning, match="link .*link was not followed"):
        assert _paths("d") == ["d/a/1.csv", "d/b/c/2.csv"]


def test_two_links_to_one_folder_are_read_once_and_a_link_to_itself_is_no_folder(
    tree: Path,
) -> None:
    Path("d/x").symlink_to("../other")
    Path("d/y").symlink_to("../other")
    Path("d/z").symlink_to("z")
    with pytest.warns(GenreBatchWarning, match="d/y was not followed"):
        assert _paths("d") == ["d/a/1.csv", "d/b/c/2.csv", "d/x/3.csv"]


def test_a_glob_with_circles_ends(tree: Path) -> None:
    for name in ("d/one", "d/two", "d/a/three", "d/b/four"):
        Path(name).symlink_to(tree / "d")
    assert _paths("d/**/*.csv") == ["d/a/1.csv", "d/b/c/2.csv"]
    Path("d/0").symlink_to("b")
    assert _paths("d/**/*.csv") == ["d/a/1.csv", "d/b/c/2.csv"]


@pytest.mark.parametrize("name", ["d", "d/**/*.csv", "d/*/*.csv", "d/b/*"])
def test_a_folder_that_cannot_be_listed_is_an_error(
    tree: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    scandir: Callable[[str], object] = os.scandir

    def refusing(path: str) -> object:
        if path.endswith("b"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(CatalogError, match="cannot read the folder d/b: Permission denied"):
        _paths(name)


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("data[1]/*/*.csv", ["data[1]/x[2]/4.csv"]),
        ("data[1]/x[2]/*.csv", ["data[1]/x[2]/4.csv"]),
        ("data[1]/**/*.csv", ["data[1]/x[2]/4.csv"]),
        ("data[12]/*.csv", ["data1/5.csv"]),
        ("./data[1]/x*", ["./data[1]/x[2]/4.csv"]),
        ("d/[ab]", ["d/a/1.csv", "d/b/c/2.csv"]),
        ("d/**", ["d/a/1.csv", "d/b/c/2.csv"]),
        ("d/../o*/?.csv", ["d/../other/3.csv"]),
    ],
)
def test_folders_with_brackets_and_globs_that_match_folders(
    tree: Path, pattern: str, found: list[str]
) -> None:
    assert _paths(pattern) == found
    assert _paths(str(tree / pattern)) == [str(tree / name) for name in found]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("e.csv", b""),
        ("e.parquet", b""),
        ("e.arrow", b""),
        ("e.csv", b"\xef\xbb\xbf"),
        ("e.tsv", b"\n\r\n"),
        ("e.csv.gz", gzip.compress(b"", mtime=0)),
        ("e.tsv.gz", gzip.compress(b"\n", mtime=0)),
    ],
)
def test_an_empty_part_of_a_folder_or_glob_is_passed_over(
    tree: Path, name: str, content: bytes
) -> None:
    (tree / "d" / name).write_bytes(content)
    for pattern in ("d", "d/*"):
        with pytest.warns(GenreBatchWarning, match=rf"1 empty file .* \(the first: d/{name}\)"):
            assert _paths(pattern) == ["d/a/1.csv", "d/b/c/2.csv"]
    assert _paths(f"d/{name}") == [f"d/{name}"]
    with pytest.raises(UsageError, match=r"every catalog of .* is empty"):
        _paths(f"d/*{name[1:]}")


def test_empty_json_lines_are_a_catalog(tree: Path) -> None:
    (tree / "d" / "e.jsonl").write_bytes(b"")
    assert "d/e.jsonl" in _paths("d")


def test_json_files_of_a_folder_are_read_if_they_hold_rows(tree: Path) -> None:
    Path("d/1.json").write_text('[{"overview": "x"}]')
    Path("d/2.json").write_text('{"overview":"x"}\n{"overview":"y"}\n')
    Path("d/3.json.gz").write_bytes(gzip.compress(b'[\n  {"overview": "x"}\n]'))
    Path("d/package.json").write_text('{\n  "name": "films"\n}\n')
    with pytest.warns(GenreBatchWarning, match=r"1 \.json file of d .* d/package\.json\)"):
        assert _paths("d") == ["d/1.json", "d/2.json", "d/3.json.gz", "d/a/1.csv", "d/b/c/2.csv"]
    assert _paths("d/package.json") == ["d/package.json"]


@pytest.mark.parametrize("name", ["x.geojson", "x.topojson.gz", "x.JSON5JSON"])
def test_other_suffixes_of_json_are_answered_with_what_to_type(tree: Path, name: str) -> None:
    Path(name).write_text("{}")
    with pytest.raises(UsageError, match=r"`input_format` to jsonl .* jq -c"):
        _paths(name)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("b.pq", "set `input_format` to parquet"),
        ("b.feather", "set `input_format` to arrow"),
        ("b.tab.gz", "set `input_format` to"),
        ("b.csv.zip", "is a ZIP archive: unpack it"),
        ("b.xlsx", "is an Excel workbook"),
        ("b.avro", "is an Avro file: convert it to Parquet or CSV"),
        ("part-00000", "set `input_format` to csv, tsv, jsonl, parquet or arrow"),
        ("films000000000001", "set `input_format` to csv, tsv, jsonl, parquet or arrow"),
    ],
)
def test_files_of_a_folder_that_may_be_catalogs_are_named(
    tmp_path: Path, name: str, said: str
) -> None:
    for each in ("a.csv", name, "README.txt", "LICENSE", "Makefile", "poster.png", "_SUCCESS"):
        (tmp_path / each).write_bytes(b"overview\n")
    with pytest.warns(GenreBatchWarning, match="passed over 1 file of .* may hold rows") as warned:
        assert _paths(str(tmp_path)) == [str(tmp_path / "a.csv")]
    assert said in str(warned[0].message)


@pytest.mark.parametrize(
    ("log", "kind"),
    [
        ("_delta_log/0.json", "Delta"),
        (".hoodie/hoodie.properties", "Hudi"),
        ("metadata/v1.metadata.json", "Iceberg"),
    ],
)
@pytest.mark.filterwarnings("ignore:skipped 1 .json file")
def test_the_folder_of_a_table_with_versions_is_warned_of(
    tmp_path: Path, log: str, kind: str
) -> None:
    for name in (log, "data/a.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"overview\n")
    with pytest.warns(GenreBatchWarning, match=f"{kind} table: .* export the table to Parquet"):
        assert _paths(str(tmp_path)) == [str(tmp_path / "data/a.csv")]


def test_a_folder_of_data_beside_one_of_metadata_is_no_table_with_versions(tmp_path: Path) -> None:
    for name in ("metadata/countries.csv", "data/a.csv"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"overview\n")
    assert len(_paths(str(tmp_path))) == 2

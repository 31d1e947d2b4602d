"""All commands that read a labeled catalog use the same rows and genres of it."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from genre_batch.augmentation.augment import augment
from genre_batch.augmentation.job import AugmentJob
from genre_batch.catalog.formats import input_location
from genre_batch.catalog.options import ColumnOptions, ReadingOptions
from genre_batch.comparison.job import CompareJob
from genre_batch.comparison.splits import Catalogs
from genre_batch.comparison.systems.registry import SYSTEMS
from genre_batch.dataset.labelled import encode_labels, read_labelled, sha256_of
from genre_batch.dataset.labelled_columns import stored_separator
from genre_batch.dataset.load import load_dataset
from genre_batch.errors import CatalogError, ColumnError, GenreBatchWarning, UsageError
from genre_batch.evaluation.films import EvaluationJob, read_films
from genre_batch.evaluation.tune import TuneJob, tune
from genre_batch.model.tagger import GenreTagger
from genre_batch.model.text_keys import text_key
from genre_batch.progress import no_step_progress
from support import tiny
from support.catalogs import genres_of, overviews, write_csv

Row = tuple[str | None, list[str]]

FILMS: list[Row] = [
    *((f"laugh {number}", ["Comedy"]) for number in range(12)),
    *((f"cry {number}", ["Comedy", "Drama"]) for number in range(12)),
]
ROWS: list[Row] = [
    (None, ["Drama"]),
    *FILMS[:20],
    ("   ", ["Drama"]),
    ("a film without genre", []),
    *FILMS[20:],
    ("  LAUGH, 3! ", ["Drama"]),  # the key of "laugh 3", other genres
    ("laugh 3", ["Comedy"]),  # an exact duplicate
]
USABLE = [row for row, (text, genres) in enumerate(ROWS) if genres and (text or "").strip()]


class Catalog(NamedTuple):
    """A catalog of `ROWS`, and the options with which it is read."""

    path: Path
    columns: ColumnOptions
    reading: ReadingOptions


def _joined(separator: str) -> list[tuple[str, str]]:
    return [(text or "", separator.join(genres)) for text, genres in ROWS]


def _by_suffix(path: Path, columns: ColumnOptions | None = None) -> Catalog:
    return Catalog(path, columns or ColumnOptions(), ReadingOptions())


def _plain(folder: Path) -> Catalog:
    write_csv(folder / "films.csv", ("overview", "genres"), _joined(", "))
    return _by_suffix(folder / "films.csv")


def _usual_names_in_other_spellings(folder: Path) -> Catalog:
    rows = [("x", text, "y", genres) for text, genres in _joined("|")]
    header = ("text", " Plot ", "Tags", "GENRE")  # text and tags are usual names, too, but later
    write_csv(folder / "films.csv", header, rows)
    return _by_suffix(folder / "films.csv")


def _named_columns(folder: Path) -> Catalog:
    rows = [("x", text, "y", genres) for text, genres in _joined("~")]
    write_csv(folder / "films.csv", ("overview", "blurb", "genres", "kind"), rows)
    return _by_suffix(
        folder / "films.csv",
        ColumnOptions(text_column="blurb", genre_column="kind", genre_separator="~"),
    )


def _latin_1_with_semicolons(folder: Path) -> Catalog:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";")
    writer.writerows([("été", "overview", "genres"), *(("é", *row) for row in _joined(", "))])
    (folder / "films.txt").write_bytes(text.getvalue().encode("latin-1"))
    reading = ReadingOptions(input_format="csv", delimiter=";", encoding="latin-1")
    return Catalog(folder / "films.txt", ColumnOptions(), reading)


def _json_cells(folder: Path) -> Catalog:
    rows = [
        (text or "", json.dumps([{"id": 1, "name": name} for name in genres]))
        for text, genres in ROWS
    ]
    write_csv(folder / "films.tsv", ("overview", "genres"), rows)
    reading = ReadingOptions(delimiter=",")
    return Catalog(folder / "films.tsv", ColumnOptions(), reading)


def _json_lines(folder: Path) -> Catalog:
    objects = [
        {"genres": genres} | ({} if text is None else {"overview": text}) for text, genres in ROWS
    ]
    text = "".join(json.dumps(value) + "\n" for value in objects)
    (folder / "films.jsonl").write_text(text, encoding="utf-8")
    return _by_suffix(folder / "films.jsonl")


def _parquet_lists(folder: Path) -> Catalog:
    texts, genres = zip(*ROWS, strict=True)
    pq.write_table(pa.table({"overview": texts, "genres": genres}), folder / "films.parquet")
    return _by_suffix(folder / "films.parquet")


@pytest.fixture(
    params=[
        _plain,
        _usual_names_in_other_spellings,
        _named_columns,
        _latin_1_with_semicolons,
        _json_cells,
        _json_lines,
        _parquet_lists,
    ],
    ids=lambda write: write.__name__.strip("_"),
)
def written(request: pytest.FixtureRequest, tmp_path: Path) -> Catalog:
    write: Callable[[Path], Catalog] = request.param
    return write(tmp_path)


def _rows(rows: Sequence[int], genres: Sequence[Sequence[str]]) -> list[tuple[int, list[str]]]:
    return [(row, sorted(names)) for row, names in zip(rows, genres, strict=True)]


EXPECTED = _rows(USABLE, [ROWS[row][1] for row in USABLE])


def test_train_uses_the_rows_with_text_and_genre(written: Catalog) -> None:
    location = written.reading.locate(written.path)
    films = load_dataset(location, written.columns, with_title=False, reading=written.reading)
    assert _rows(films.rows.tolist(), genres_of(films)) == EXPECTED
    assert films.keys.tolist() == [text_key(ROWS[row][0] or "") for row in USABLE]
    assert films.dropped == len(ROWS) - len(USABLE)


def test_compare_uses_the_same(written: Catalog, tmp_path: Path) -> None:
    job = CompareJob(
        written.path,
        tmp_path / "run",
        systems=("always-0",),
        columns=written.columns,
        reading=written.reading,
    )
    (tmp_path / "run").mkdir()
    catalogs = Catalogs(job, no_step_progress)
    parts = catalogs.films("clean", SYSTEMS["always-0"])
    films = [parts.training, parts.development, parts.test]
    rows = [row for part in films for row in _rows(part.rows.tolist(), genres_of(part))]
    assert sorted(rows) == EXPECTED
    assert catalogs.counts() == {"before": {"Comedy": 25, "Drama": 15}}


def test_evaluate_and_tune_use_the_same(
    written: Catalog, tiny_model: Path, tagger: GenreTagger, tmp_path: Path
) -> None:
    job = EvaluationJob(
        written.path, model=tiny_model, columns=written.columns, reading=written.reading
    )
    films = read_films(job, written.reading.locate(written.path), tagger)
    assert films.keys.tolist() == [text_key(ROWS[row][0] or "") for row in USABLE]
    expected = encode_labels([ROWS[row][1] for row in USABLE], tiny.LABELS)
    assert np.array_equal(films.labels, expected)
    assert films.left_out == len(ROWS) - len(USABLE)
    assert tune(TuneJob(job, tmp_path / "tuned.onnx", "fixed-0.5")).films == len(USABLE)


class _Reversing:
    """Translates by reversing."""

    name = "Reversing"
    pivots: tuple[str, ...] = ("reversed",)
    batch_size = 8

    def identity(self, pivot: str) -> str:
        return pivot

    def back_translate(self, texts: Sequence[str], pivot: str) -> list[str]:
        return [text[::-1] for text in texts]


@pytest.mark.parametrize("suffix", ["parquet", "jsonl"])
def test_augment_copies_the_same(written: Catalog, tmp_path: Path, suffix: str) -> None:
    output = tmp_path / f"copies.{suffix}"
    result = augment(
        AugmentJob(
            written.path,
            output,
            _Reversing(),
            rows="all",
            columns=written.columns,
            reading=written.reading,
            cache=tmp_path / "cache.sqlite",
        )
    )
    assert (result.rows, result.films) == (len(ROWS), len(USABLE))
    copies = load_dataset(
        input_location(str(output)), written.columns, with_title=False, protocol="paper"
    )
    assert copies.names == ["Comedy", "Drama"]
    sources = (
        [json.loads(line)["source_row"] for line in output.read_text("utf-8").splitlines()]
        if suffix == "jsonl"
        else pq.read_table(output).column("source_row").to_pylist()
    )
    assert sources == [*range(len(ROWS)), *USABLE]


def test_a_catalog_without_a_genre_column_may_have_one_for_each_genre(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "films.csv", ("overview", "horror"), [("A ghost.", "1")])
    with pytest.raises(ColumnError, match="has a column of 0 and 1, name those with `label_col"):
        read_labelled(path, ColumnOptions(), None)


def test_a_column_in_two_spellings_must_be_chosen(tmp_path: Path, tagger: GenreTagger) -> None:
    location = write_csv(tmp_path / "a.csv", ("overview", "Genres", "genres"), [("a", "b", "c")])
    message = r"'Genres' and 'genres'.*`genre_column`"
    with pytest.raises(ColumnError, match=message):
        load_dataset(location, ColumnOptions(), with_title=False)
    with pytest.raises(ColumnError, match=message):
        read_films(EvaluationJob(location.path), location, tagger)


def test_stdin_has_no_hash() -> None:
    with pytest.raises(UsageError, match="stdin cannot be recorded in the provenance"):
        sha256_of(input_location("-"))


def test_the_hash_is_of_the_bytes_on_disk(tmp_path: Path) -> None:
    location = write_csv(tmp_path / "a.csv", ("overview",), [("a",)])
    assert sha256_of(location) == hashlib.sha256(b"overview\r\na\r\n").hexdigest()


@pytest.mark.parametrize("empty", ["negative", "skip"])
def test_what_empty_cells_are_is_stored_with_their_column(tmp_path: Path, empty: str) -> None:
    rows = [(text, "" if number % 3 else "Drama") for number, text in enumerate(overviews(60))]
    location = write_csv(tmp_path / "films.csv", ("overview", "genres"), rows)
    trained = read_labelled(location, ColumnOptions(empty=empty)).used_columns
    assert trained["empty"] == empty
    again = read_labelled(location, trained_columns=trained, ask=True)
    assert int(again.is_negative.sum()) == (40 if empty == "negative" else 0)
    given = read_labelled(location, ColumnOptions(empty="skip"), trained_columns=trained)
    assert not given.is_negative.any()
    other = write_csv(tmp_path / "other.csv", ("overview", "genre"), rows)
    with pytest.warns(GenreBatchWarning, match="are left out: if they have none"):
        assert not read_labelled(other, trained_columns=trained).is_negative.any()


@pytest.mark.parametrize(
    ("mark", "stored"), [("\n", "\n"), ("\r\n", "\n"), ("\t", "\t"), ("|", "|"), ("\x02", None)]
)
def test_a_separator_that_is_found_is_stored_as_it_is_typed(
    tmp_path: Path, mark: str, stored: str | None
) -> None:
    path = write_csv(tmp_path / "films.csv", ("overview", "genres"), _joined(mark)).path
    catalog = read_labelled(input_location(path), ColumnOptions())
    assert catalog.used_columns["separator"] == stored
    again = read_labelled(input_location(path), ColumnOptions(genre_separator=stored))
    assert again.cells.genres == catalog.cells.genres


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        (
            "{'Noir': 0.25}",
            "numbers beside names; the first, .*: choose .*, or write only the genres",
        ),
        (
            '[{"id": 18}]',
            'objects without a known key; the first, .*: choose .*, or give .* the key "name"',
        ),
        (
            "[18, 35]",
            r"\(the first, .*: choose another .*, or name the numbers in a file for `label_names`",
        ),
        ("[1.5]", r"\(the first, .*: choose another .*, or write lists or texts"),
    ],
)
def test_the_error_for_cells_that_cannot_be_read_has_the_reason_once(
    tmp_path: Path, cell: str, problem: str
) -> None:
    rows = [(f"film {number}", cell) for number in range(9)]
    path = write_csv(tmp_path / "films.csv", ("overview", "genres"), rows).path
    with pytest.raises(CatalogError, match=problem) as raised:
        load_dataset(input_location(path), ColumnOptions(), with_title=False)
    assert str(raised.value).count("could be read as genres") == 1
    assert "could not be read" not in str(raised.value)


@pytest.mark.filterwarnings("always")
def test_the_reason_that_some_cells_cannot_be_read_is_in_the_warning(tmp_path: Path) -> None:
    cells = ['[{"tag": "Noir"}]', '[{"tag": "War", "prob": 0.25}]', '[{"tag": "War"}]'] * 20
    rows = [(f"film {number}", cell) for number, cell in enumerate(cells)]
    path = write_csv(tmp_path / "films.csv", ("overview", "genres"), rows).path
    with pytest.warns(GenreBatchWarning, match=r"20 cells .* \(numbers beside names; the first"):
        catalog = read_labelled(input_location(path), ColumnOptions())
    assert {name for names in catalog.genres for name in names} == {"Noir", "War"}


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (["laugh", "cry"], r"no cell of the column 'text' is a text \(the first, in row 1 .*laugh"),
        ({"en": "laugh"}, r"no cell of the column 'text' is a text \(the first, in row 1 .*en"),
        ("", "all cells of the column 'text' are empty"),
    ],
)
def test_a_text_column_without_a_text_is_told_from_an_empty_one(
    tmp_path: Path, value: object, problem: str
) -> None:
    path = tmp_path / "films.jsonl"
    rows: list[dict[str, object]] = [{"text": None, "genres": "Drama"}]
    rows += [{"text": value, "genres": "Drama"}] * 40
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    with pytest.raises(CatalogError, match=problem):
        load_dataset(input_location(str(path)), ColumnOptions(text_column="text"), with_title=False)


def test_the_name_of_a_separator_that_a_model_stores_is_not_the_separator() -> None:
    names = {"line break": "\n", "tab": "\t", "|": "|"}
    assert {name: stored_separator({"separator": name}) for name in names} == names
    assert stored_separator({}) is None

"""A catalog followed by copies of some of its films, made by a fake translator."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from genre_batch.augmentation.apertium import Apertium
from genre_batch.augmentation.augment import augment
from genre_batch.augmentation.job import AugmentJob, AugmentResult
from genre_batch.catalog.formats import input_location
from genre_batch.catalog.options import ColumnOptions, ReadingOptions
from genre_batch.dataset.load import load_dataset
from genre_batch.errors import (
    ColumnError,
    GenreBatchError,
    OutputExistsError,
    TrainingError,
    UsageError,
)

FILMS = [
    ("Boo", "A ghost screams.", "Horror"),
    ("Ha", "A clown jokes.", "Comedy"),
    ("Mixed", "A clown meets a ghost.", "Comedy, Horror"),
    ("Nothing", "", "Horror"),
    ("Again", "A ghost screams.", "Horror"),
    ("No genre", "A ghost waits.", ""),
    ("Red", "Blood!", "Horror"),
]


@dataclass
class Shouting:
    """Translates to upper case; a text with Blood in it stays unchanged."""

    name: str = "Shouting"
    pivots: tuple[str, ...] = ("loud", "louder")
    batch_size: int = 2
    fails_at: int | None = None
    requests: list[str] = field(default_factory=list)

    def identity(self, pivot: str) -> str:
        return f"shouting, {pivot}"

    def back_translate(self, texts: Sequence[str], pivot: str) -> list[str]:
        self.requests += [f"{pivot}: {text}" for text in texts]
        if self.fails_at is not None and len(self.requests) > self.fails_at:
            raise TrainingError("Shouting failed: no voice left")
        marks = "!" * self.pivots.index(pivot)
        return [text if "Blood" in text else text.upper() + marks for text in texts]


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    path = tmp_path / "films.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("title", "overview", "genres"), *FILMS])
    return path


@pytest.fixture
def copied(
    catalog: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., AugmentResult]:
    """Return a function that augments the catalog with `Comedy` as the only frequent genre."""
    monkeypatch.setattr(
        "genre_batch.augmentation.augment.deciding_genres",
        lambda selection, films: frozenset({"Comedy"}),
    )

    def run(output: Path, translator: Shouting | None = None, **changes: object) -> AugmentResult:
        job = AugmentJob(catalog, output, translator or Shouting(), cache=tmp_path / "cache.sqlite")
        return augment(replace(job, **changes))  # type: ignore[arg-type]

    return run


def test_rows_stay_unchanged_and_copies_follow_with_their_source(
    copied: Callable[..., AugmentResult], tmp_path: Path
) -> None:
    result = copied(tmp_path / "out.parquet")
    table = pq.read_table(tmp_path / "out.parquet").to_pylist()
    originals, copies = table[: len(FILMS)], table[len(FILMS) :]
    assert [(r["title"], r["overview"] or "", r["genres"] or "") for r in originals] == FILMS
    assert [row["source_row"] for row in originals] == list(range(len(FILMS)))
    assert [row["pivot"] for row in originals] == [None] * len(FILMS)
    assert [(r["source_row"], r["pivot"], r["overview"]) for r in copies] == [
        (0, "loud", "A GHOST SCREAMS."),
        (0, "louder", "A GHOST SCREAMS.!"),
        (4, "loud", "A GHOST SCREAMS."),
        (4, "louder", "A GHOST SCREAMS.!"),
    ]
    assert [row["title"] for row in copies] == ["Boo", "Boo", "Again", "Again"]
    assert (result.rows, result.films, result.copies) == (7, 3, {"loud": 2, "louder": 2})
    assert result.left_out == 2  # the unchanged one, by either pivot


def test_several_files_are_one_catalog(
    copied: Callable[..., AugmentResult], catalog: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "a.csv").write_bytes(catalog.read_bytes())
    with (folder / "b.jsonl").open("w", encoding="utf-8") as file:
        for title, overview, genres in FILMS[:2]:
            file.write(json.dumps({"title": title, "overview": overview, "genres": genres}) + "\n")
    copied(tmp_path / "single.parquet")
    for number, given in enumerate(
        ((folder / "a.csv", folder / "b.jsonl"), str(folder), f"{folder}/*"), start=1
    ):
        output = tmp_path / f"out{number}.parquet"
        result = copied(output, catalog=given)
        table = pq.read_table(output)
        assert (result.rows, result.films) == (9, 4)
        assert table.column("source_row").to_pylist() == [*range(9), 0, 0, 4, 4, 7, 7]
        assert table.column("title").to_pylist()[:7] == [title for title, _, _ in FILMS]


def test_files_of_other_columns_are_refused_before_anything_is_written(
    copied: Callable[..., AugmentResult], catalog: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.csv"
    other.write_text("overview,genres\nA ghost.,Horror\n", encoding="utf-8")
    with pytest.raises(GenreBatchError, match=r"other\.csv"):
        copied(tmp_path / "out.parquet", catalog=(catalog, other))
    assert not (tmp_path / "out.parquet").exists()


def test_an_output_that_is_one_of_the_files_is_refused(
    copied: Callable[..., AugmentResult], catalog: Path, tmp_path: Path
) -> None:
    (tmp_path / "more.csv").write_bytes(catalog.read_bytes())
    with pytest.raises(UsageError, match="output"):
        copied(tmp_path / "more.csv", catalog=(catalog, tmp_path / "more.csv"), force=True)


def test_films_are_selected_by_the_names_of_a_map(
    copied: Callable[..., AugmentResult], tmp_path: Path
) -> None:
    (tmp_path / "map.csv").write_text("Horror,Comedy\nComedy,Fun\n")
    options = ColumnOptions(genre_map=tmp_path / "map.csv")
    result = copied(tmp_path / "out.csv", columns=options)
    # A chain is followed to its end, so that every film is a Fun, and none a Comedy.
    assert result.films == 5
    (tmp_path / "map.csv").write_text("Horror,Comedy\n")
    with pytest.raises(TrainingError, match="selects no film"):
        copied(tmp_path / "other.csv", columns=options)


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl", "out.arrow"])
def test_other_formats_have_the_same_rows(
    copied: Callable[..., AugmentResult], tmp_path: Path, name: str
) -> None:
    copied(tmp_path / name)
    if name.endswith("csv"):
        with (tmp_path / name).open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    elif name.endswith("jsonl"):
        rows = [json.loads(line) for line in (tmp_path / name).read_text("utf-8").splitlines()]
    else:
        rows = pa.ipc.open_file(tmp_path / name).read_all().to_pylist()
    assert [int(row["source_row"]) for row in rows] == [*range(7), 0, 0, 4, 4]
    assert [row["pivot"] or None for row in rows] == [None] * 7 + ["loud", "louder"] * 2


def test_a_second_run_translates_nothing(
    copied: Callable[..., AugmentResult], tmp_path: Path
) -> None:
    first, second = Shouting(), Shouting()
    one = copied(tmp_path / "one.csv", first)
    two = copied(tmp_path / "two.csv", second)
    assert (one.translated, one.from_cache) == (4, 2)  # two films have the same overview
    assert second.requests == []
    assert (two.translated, two.from_cache) == (0, 6)
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()


def test_after_a_translator_fails_a_second_run_resumes(
    copied: Callable[..., AugmentResult], tmp_path: Path
) -> None:
    failing = Shouting(batch_size=1, fails_at=3)
    with pytest.raises(TrainingError, match="no voice left") as caught:
        copied(tmp_path / "out.csv", failing)
    (advice,) = caught.value.__notes__
    assert advice.endswith("run again to resume")
    assert not (tmp_path / "out.csv").exists()
    working = Shouting(batch_size=1)
    copied(tmp_path / "out.csv", working)
    assert working.requests == failing.requests[3:]


def test_a_translator_that_loses_a_text_is_refused(
    copied: Callable[..., AugmentResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Shouting, "back_translate", lambda self, texts, pivot: ["one"])
    with pytest.raises(TrainingError, match="returned 1 copies for 2 texts"):
        copied(tmp_path / "out.csv")


def test_copies_are_in_train_only_and_with_their_film(tmp_path: Path) -> None:
    catalog = tmp_path / "many.csv"
    with catalog.open("w", encoding="utf-8", newline="") as file:
        rows = [(f"Film {n} of ghosts.", "Horror" if n % 2 else "Comedy, Drama") for n in range(60)]
        csv.writer(file).writerows([("overview", "genres"), *rows])
    output = tmp_path / "out.parquet"
    augment(AugmentJob(catalog, output, Shouting(), rows="all", cache=tmp_path / "cache.sqlite"))
    copies = load_dataset(input_location(str(output)), ColumnOptions(), with_title=False)
    sources = pq.read_table(output).column("source_row").to_pylist()
    part_of = {
        row: part
        for row, part in zip(copies.rows.tolist(), copies.parts, strict=True)
        if row < len(rows)
    }
    assert len(part_of) == 60
    parts_of_copies = {
        part for row, part in zip(copies.rows.tolist(), copies.parts, strict=True) if row >= 60
    }
    assert parts_of_copies == {"train"}
    for row in copies.rows.tolist():
        assert part_of[sources[row]] == "train" or row < 60


@pytest.mark.parametrize(
    ("header", "row", "error", "message"),
    [
        ("overview,genres,pivot", "A ghost.,Horror,es", ColumnError, "already has .* 'pivot'"),
        ("overview,title", "A ghost.,Boo", ColumnError, "genre"),
        ("overview,genres", "A ghost.,", TrainingError, "no row has both a text and a genre"),
        ("overview,genres", "A ghost.,Comedy", TrainingError, "selects no film"),
    ],
)
def test_a_catalog_that_cannot_be_augmented_is_one_line(
    copied: Callable[..., AugmentResult],
    tmp_path: Path,
    header: str,
    row: str,
    error: type[GenreBatchError],
    message: str,
) -> None:
    other = tmp_path / "other.csv"
    other.write_text(f"{header}\n{row}\n", encoding="utf-8")
    with pytest.raises(error, match=message) as caught:
        copied(tmp_path / "out.csv", catalog=other)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out.csv").exists()


def test_the_output_may_not_be_the_catalog_or_the_cache(
    copied: Callable[..., AugmentResult], tmp_path: Path
) -> None:
    films = tmp_path / "own.csv"
    films.write_text("overview,genres\nA film.,Drama\n")
    with pytest.raises(UsageError, match=r"`output`: .* is one of the inputs"):
        copied(films, catalog=films, force=True)
    with pytest.raises(UsageError, match=r"`cache`: .* is one of the inputs"):
        copied(tmp_path / "o.csv", catalog=films, cache=films)
    with pytest.raises(UsageError, match=r"`output`: .* is one of the inputs"):
        copied(films, columns=ColumnOptions(genre_map=films), force=True)
    assert films.read_text() == "overview,genres\nA film.,Drama\n"


def test_an_existing_output_is_not_overwritten(
    copied: Callable[..., AugmentResult], tmp_path: Path
) -> None:
    (tmp_path / "out.csv").write_text("precious", encoding="utf-8")
    with pytest.raises(OutputExistsError):
        copied(tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text(encoding="utf-8") == "precious"
    copied(tmp_path / "out.csv", force=True)


def test_a_stream_is_refused(copied: Callable[..., AugmentResult], tmp_path: Path) -> None:
    with pytest.raises(GenreBatchError, match="`catalog` is read several times: name a file"):
        copied(tmp_path / "out.csv", catalog="-")


def test_an_unknown_selection_of_rows_is_refused(
    copied: Callable[..., AugmentResult], tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="`rows` must be one of none-of-top-4, rare, all, got 'x'"):
        copied(tmp_path / "out.csv", rows="x")


def test_a_catalog_is_read_by_its_reading_options(
    copied: Callable[..., AugmentResult], tmp_path: Path
) -> None:
    other = tmp_path / "films.txt"
    other.write_text("plot~tags\nA ghost.~Horror\n", encoding="utf-16")
    reading = ReadingOptions(input_format="csv", delimiter="~", encoding="utf-16")
    copied(tmp_path / "out.jsonl", catalog=other, reading=reading)
    first, *copies = map(json.loads, (tmp_path / "out.jsonl").read_text("utf-8").splitlines())
    assert first == {"plot": "A ghost.", "tags": "Horror", "source_row": 0, "pivot": None}
    assert [copy["plot"] for copy in copies] == ["A GHOST.", "A GHOST.!"]


@pytest.mark.parametrize("columns", [{"group_rows": True}, {"label_names": "names.csv"}])
def test_rows_that_are_joined_or_named_by_a_file_are_refused(
    columns: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="cannot be used here: write a catalog of one row"):
        AugmentJob("films.csv", tmp_path / "o.csv", Apertium(), columns=ColumnOptions(**columns))

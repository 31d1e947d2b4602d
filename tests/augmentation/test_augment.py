"""A catalog and, behind it, copies of some of its films, by a translator made up for the test."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from genre_batch.augmentation.augment import AugmentJob, AugmentResult, augment
from genre_batch.catalog.formats import input_location, output_location
from genre_batch.catalog.options import ColumnOptions
from genre_batch.dataset.load import load_dataset
from genre_batch.errors import ColumnError, GenreBatchError, OutputExistsError, TrainingError

FILMS = [
    ("Boo", "A ghost screams.", "Horror"),
    ("Ha", "A clown jokes.", "Comedy"),
    ("Mixed", "A clown meets a ghost.", "Comedy, Horror"),
    ("Nothing", "", "Horror"),
    ("Again", "A ghost screams.", "Horror"),
    ("No genre", "A ghost waits.", ""),
    ("Red", "Blood!", "Horror"),
]
OF_HORROR_ALONE = [0, 4, 6]
"""Rows that are copied once Comedy counts as the frequent genre."""


@dataclass
class Shouting:
    """Translates by shouting; a text with Blood in it comes back unchanged."""

    name: str = "Shouting"
    pivots: tuple[str, ...] = ("loud", "louder")
    batch_size: int = 2
    fails_at: int | None = None
    asked: list[str] = field(default_factory=list)

    def identity(self, pivot: str) -> str:
        return f"shouting, {pivot}"

    def back_translate(self, texts: Sequence[str], pivot: str) -> list[str]:
        self.asked += [f"{pivot}: {text}" for text in texts]
        if self.fails_at is not None and len(self.asked) > self.fails_at:
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
    """Augments the catalog into a file; the one most frequent genre is `Comedy`."""
    monkeypatch.setattr(
        "genre_batch.augmentation.augment.chosen_genres",
        lambda choice, films: frozenset({"Comedy"}),
    )

    def run(output: Path, translator: Shouting | None = None, **changes: object) -> AugmentResult:
        job = AugmentJob(
            input_location(str(catalog)),
            output_location(str(output)),
            translator or Shouting(),
            cache=tmp_path / "kept.sqlite",
        )
        return augment(replace(job, **changes))  # type: ignore[arg-type]

    return run


def test_rows_stay_as_they_are_and_copies_follow_with_their_source(
    copied: Callable[..., AugmentResult], tmp_path: Path
) -> None:
    report = copied(tmp_path / "out.parquet")
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
    assert (report.rows, report.films, report.copies) == (7, 3, {"loud": 2, "louder": 2})
    assert report.left_out == 2  # the one that came back unchanged, by either pivot


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl", "out.arrow"])
def test_other_formats_hold_the_same(
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


def test_a_second_run_takes_nothing_from_the_translator(
    copied: Callable[..., AugmentResult], tmp_path: Path
) -> None:
    first, second = Shouting(), Shouting()
    told = copied(tmp_path / "one.csv", first)
    again = copied(tmp_path / "two.csv", second)
    assert (told.translated, told.from_cache) == (4, 2)  # two films have the same overview
    assert second.asked == []
    assert (again.translated, again.from_cache) == (0, 6)
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()


def test_a_translator_that_dies_keeps_what_it_gave_and_a_rerun_goes_on(
    copied: Callable[..., AugmentResult], tmp_path: Path
) -> None:
    dying = Shouting(batch_size=1, fails_at=3)
    with pytest.raises(TrainingError, match="no voice left") as caught:
        copied(tmp_path / "out.csv", dying)
    (advice,) = caught.value.__notes__
    assert advice.endswith("type the same command to go on")
    assert not (tmp_path / "out.csv").exists()
    well = Shouting(batch_size=1)
    copied(tmp_path / "out.csv", well)
    assert well.asked == dying.asked[3:]


def test_a_translator_that_loses_a_text_is_refused(
    copied: Callable[..., AugmentResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Shouting, "back_translate", lambda self, texts, pivot: ["one"])
    with pytest.raises(TrainingError, match="gave 1 texts back for 2"):
        copied(tmp_path / "out.csv")


def test_copies_go_with_their_film_and_into_training_only(tmp_path: Path) -> None:
    catalog = tmp_path / "many.csv"
    with catalog.open("w", encoding="utf-8", newline="") as file:
        rows = [(f"Film {n} of ghosts.", "Horror" if n % 2 else "Comedy, Drama") for n in range(60)]
        csv.writer(file).writerows([("overview", "genres"), *rows])
    output = tmp_path / "out.parquet"
    augment(
        AugmentJob(
            input_location(str(catalog)),
            output_location(str(output)),
            Shouting(),
            rows="all",
            cache=tmp_path / "kept.sqlite",
        )
    )
    copies = load_dataset(input_location(str(output)), ColumnOptions(), with_title=False)
    sources = pq.read_table(output).column("source_row").to_pylist()
    part_of = {
        row: part
        for row, part in zip(copies.rows.tolist(), copies.parts, strict=True)
        if row < len(rows)
    }
    assert len(part_of) == 60
    assert {copies.parts[at] for at, row in enumerate(copies.rows.tolist()) if row >= 60} == {
        "train"
    }
    for row in copies.rows.tolist():
        assert part_of[sources[row]] == "train" or row < 60


@pytest.mark.parametrize(
    ("header", "row", "error", "message"),
    [
        ("overview,genres,pivot", "A ghost.,Horror,es", ColumnError, "already has .* 'pivot'"),
        ("overview,title", "A ghost.,Boo", ColumnError, "genre"),
        ("overview,genres", "A ghost.,", TrainingError, "no row has both a text and a genre"),
        ("overview,genres", "A ghost.,Comedy", TrainingError, "no film is to be copied"),
    ],
)
def test_what_cannot_be_augmented_is_said_in_one_line(
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
        copied(tmp_path / "out.csv", catalog=input_location(str(other)))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out.csv").exists()


def test_an_existing_output_is_kept(copied: Callable[..., AugmentResult], tmp_path: Path) -> None:
    (tmp_path / "out.csv").write_text("precious", encoding="utf-8")
    with pytest.raises(OutputExistsError):
        copied(tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text(encoding="utf-8") == "precious"
    copied(tmp_path / "out.csv", force=True)


def test_a_stream_is_refused(copied: Callable[..., AugmentResult], tmp_path: Path) -> None:
    with pytest.raises(GenreBatchError, match="is read several times: name a file"):
        copied(tmp_path / "out.csv", catalog=input_location("-"))

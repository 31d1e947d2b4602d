"""Wordings of one film: in one part, one a film and epoch, named by a column of any type."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from genre_batch.catalog.formats import input_location
from genre_batch.dataset.dataset import Dataset
from genre_batch.dataset.load import Further
from genre_batch.dataset.wordings import Wordings, film_ids, keep_together, linked
from genre_batch.errors import ColumnError, GenreBatchWarning, TrainingError
from support.arrow_types import SAMPLES
from support.catalogs import genres_of, load, overviews, write_csv

GROUP = Further(group="film")


def _ids(values: pa.Array, sha256: str = "a") -> list[int]:
    found: list[int] = film_ids(pa.table({"film": values}), "film", sha256, "films").tolist()
    return found


@pytest.mark.parametrize(
    "values",
    [
        pa.array([7, 7, None, 12], pa.int64()),
        pa.array([7, 7, None, 12], pa.float64()),
        pa.array([7, 7, float("nan"), 12], pa.float32()),
        pa.array(["7", " 7", " ", "12"]),
        pa.array(["7.0", "7", "", "12.00"]),
        pa.array(["7", "7", None, "12"], pa.large_string()),
        pa.array(["7", "7", None, "12"]).dictionary_encode(),
    ],
    ids=["integers", "floats", "nan", "texts", "floats as text", "large texts", "dictionary"],
)
def test_the_same_value_is_the_same_film_in_columns_of_any_type(values: pa.Array) -> None:
    first = _ids(pa.array(["7", "7", "", "12"]))
    assert _ids(values, "b")[:2] == first[:2]
    assert _ids(values, "b")[3] == first[3]
    assert len({*_ids(values, "b"), *first}) == 4  # each row without a value is a film of its own


@pytest.mark.parametrize("odd", [float("inf"), -float("inf"), 1e300, 2.0**63, -1e19, 1.5])
@pytest.mark.parametrize("kind", [pa.float64(), pa.float32()])
def test_floats_that_are_no_integers_name_films_too(odd: float, kind: pa.DataType) -> None:
    ids = _ids(pa.array([odd, 2, odd, None], pa.float64()).cast(kind, safe=False), "b")
    assert ids[0] == ids[2]
    assert ids[1] == _ids(pa.array([2]))[0]
    assert len(set(ids)) == 3


def test_large_and_half_floats_name_the_films_of_their_integers() -> None:
    assert _ids(pa.array([1e10, -(2.0**63)])) == _ids(pa.array([10**10, -(2**63)]))
    assert _ids(pa.array([np.float16(7)], pa.float16())) == _ids(pa.array([7]))


def test_a_text_for_null_names_no_film() -> None:
    assert len({*_ids(pa.array(["NULL", "nan", "N/A", "None", "NULL", "nan"]))}) == 6


def test_a_value_of_very_many_rows_is_warned_of() -> None:
    names = [*(str(row) for row in range(70)), *["unknown"] * 30]
    with pytest.warns(GenreBatchWarning, match=r"'film' of `group` holds 'unknown' in 30 of 100 r"):
        _ids(pa.array(names))


def test_too_few_films_to_split_are_counted_as_films(tmp_path: Path) -> None:
    rows = zip(overviews(18), ["Drama", "War"] * 9, [row % 3 for row in range(18)], strict=True)
    catalog = write_csv(tmp_path / "films.csv", ("overview", "genres", "film"), rows)
    with pytest.raises(TrainingError, match="18 rows of only 3 films by `group` cannot be split"):
        load(catalog, further=GROUP)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (pa.array([["a"]]), "list"),
        (pa.array([{"a": 1}]), "struct"),
        (pa.DictionaryArray.from_arrays(pa.array([0]), pa.array([["a"]])), "dictionary"),
        (SAMPLES["interval of months, days and nanoseconds"], "month_day_nano"),
        (SAMPLES["timestamp of an unknown zone"], "timestamp"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_values_that_are_neither_texts_nor_numbers_name_no_film(
    values: pa.Array, kind: str
) -> None:
    with pytest.raises(ColumnError, match=f"films: the column 'film' of `group` holds {kind}"):
        _ids(values)


def test_rows_are_linked_through_texts_and_films() -> None:
    keys = np.array([5, 5, 6, 7, 8], dtype=np.uint64)
    films = np.array([1, 2, 2, 3, 3], dtype=np.uint64)
    assert linked(keys, films).tolist() == [5, 5, 5, 7, 7]


def test_the_held_out_part_wins() -> None:
    groups = np.array([1, 1, 1, 2, 2, 3], dtype=np.uint64)
    parts, several = keep_together(["train", "test", "dev", "dev", "train", "train"], groups)
    assert parts == ["test", "test", "test", "dev", "dev", "train"]
    assert several == 2


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    """60 films in three wordings each, and twenty films in one; only first wordings have genres."""
    rows = [
        (f"{text} {wording}", "Drama, Comedy" if at % 2 else "Horror", at)
        for wording in ("First.", "Second.", "Third.")
        for at, text in enumerate(overviews(60))
    ]
    rows = [(text, cell if at < 60 else "", film) for at, (text, cell, film) in enumerate(rows)]
    rows += [(f"Only {at}.", "Drama", "") for at in range(20)]  # type: ignore[misc]
    write_csv(tmp_path / "films.csv", ("overview", "genres", "film"), rows)
    return tmp_path / "films.csv"


def _by_film(dataset: Dataset) -> list[tuple[int, str]]:
    assert dataset.film_ids is not None
    return list(zip(dataset.film_ids.tolist(), dataset.parts, strict=True))


@pytest.mark.parametrize("protocol", ["clean", "paper"])
def test_a_drawn_split_keeps_wordings_in_one_part(catalog: Path, protocol: str) -> None:
    dataset = load(input_location(str(catalog)), further=GROUP, protocol=protocol)
    assert len(dataset) == 200
    pairs = set(_by_film(dataset))
    assert len(pairs) == len({film for film, _ in pairs}) == 80
    counts = Counter(part for _, part in pairs)
    assert counts["test"] < counts["dev"] < counts["train"]


def test_a_wording_without_genres_has_those_of_its_film(catalog: Path) -> None:
    dataset = load(input_location(str(catalog)), further=GROUP)
    genres = genres_of(dataset)
    for first, second in zip(range(60), range(60, 120), strict=True):
        assert genres[first] == genres[second] != []
    with pytest.warns(GenreBatchWarning, match="empty"):
        assert len(load(input_location(str(catalog)))) == 80


def test_a_split_file_that_separates_wordings_is_repaired_with_a_warning(
    catalog: Path, tmp_path: Path
) -> None:
    parts = ["train"] * 200
    parts[0], parts[60], parts[121], parts[1], parts[2] = "test", "dev", "dev", "train", "dev"
    split = tmp_path / "split.csv"
    split.write_text("row,part\n" + "".join(f"{at},{part}\n" for at, part in enumerate(parts)))
    with pytest.warns(GenreBatchWarning, match="3 films had rows in several parts"):
        dataset = load(
            input_location(str(catalog)), further=GROUP, split_file=input_location(str(split))
        )
    assert dataset.part("test").rows.tolist() == [0, 60, 120]
    assert dataset.part("dev").rows.tolist() == [1, 2, 61, 62, 121, 122]


def test_each_epoch_draws_one_wording_a_film(catalog: Path) -> None:
    dataset = load(input_location(str(catalog)), further=GROUP)
    wordings = Wordings(dataset)
    assert (len(wordings), wordings.several) == (80, True)
    assert wordings.first.tolist() == [*range(60), *range(180, 200)]
    draws = np.stack([wordings.draw(np.random.default_rng(seed)) for seed in range(300)])
    assert (draws[:, :60] % 60 == np.arange(60)).all()
    assert (draws[:, 60:] == np.arange(180, 200)).all()
    shares = [(draws[:, :60] // 60 == wording).mean() for wording in range(3)]
    assert shares == pytest.approx([1 / 3] * 3, abs=0.02)


def test_without_film_ids_every_row_is_a_film(catalog: Path) -> None:
    dataset = replace(load(input_location(str(catalog)), further=GROUP), film_ids=None)
    wordings = Wordings(dataset)
    assert not wordings.several
    assert wordings.draw(np.random.default_rng(0)).tolist() == list(range(200))

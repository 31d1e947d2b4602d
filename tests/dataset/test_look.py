"""A look at a catalog shows what would be learned from it, without loading a model to train."""

from __future__ import annotations

from pathlib import Path

import pytest

from genre_batch.catalog.options import ColumnOptions
from genre_batch.dataset.label_choice import LabelOptions
from genre_batch.dataset.look import LookJob, look_alikes, look_at, scripts_of
from genre_batch.errors import ColumnError, GenreBatchWarning
from support.catalogs import overviews, write_csv


def _look(path: Path, cells: list[str], **options: object):  # type: ignore[no-untyped-def]
    texts = overviews(len(cells))
    texts[0] = "word " * 400
    rows = zip(texts, cells, strict=True)
    location = write_csv(path / "films.csv", ("overview", "genres"), rows)
    return look_at(LookJob(location.path, **options))  # type: ignore[arg-type]


def test_a_look_counts_what_would_be_learned(tmp_path: Path) -> None:
    cells = ["Drama, War", "War", "drama", "Drama"] * 25 + ["", "Noir", "unknown"]
    with pytest.warns(GenreBatchWarning, match="fewer than 5 films"):
        look = _look(tmp_path, cells)
    assert (look.rows, look.text_column, look.genre_column) == (103, "overview", "genres")
    assert list(look.labels) == ["Drama", "War", "drama"]
    assert [sum(parts.values()) for parts in look.labels.values()] == [50, 50, 25]
    assert sum(look.films.values()) == 100
    assert look.left_out_labels == {"Noir": 1, "unknown": 1}
    assert look.look_alikes == [["Drama", "drama"]]
    assert look.placeholders == {"unknown": 1}
    assert look.left_out_rows == {
        "genre cell is empty": 1,
        "no genre that is learned, or not in the split": 2,
    }
    assert look.separator == "separator ',' in 25 of 102 cells"
    assert look.cut == pytest.approx(1 / 100, abs=1e-4)
    assert look.scripts == {"Latin": 1.0}
    assert look.seconds > 0


def test_negatives_and_flags_are_counted(tmp_path: Path) -> None:
    rows = [(text, i % 2, i % 3 == 0) for i, text in enumerate(overviews(60))]
    location = write_csv(tmp_path / "films.csv", ("overview", "a", "b"), rows)
    look = look_at(LookJob(location.path, ColumnOptions(label_columns=("a,b",))))
    assert (look.negatives, look.genre_column) == (20, "a, b")
    assert look.separator == "one column of flags for each genre"


def test_a_missing_column_is_told_before_anything_is_split(tmp_path: Path) -> None:
    with pytest.raises(ColumnError, match="no column 'kind'"):
        _look(tmp_path, ["Drama"], columns=ColumnOptions(genre_column="kind"))


def test_look_alikes_differ_in_case_accents_space_and_width_only() -> None:
    names = ["Drama", "Comédie", "Comedie", "DRAMA", "Sci-Fi", "SciFi", "剧情", "喜剧", "War"]
    assert look_alikes(names) == [["Drama", "DRAMA"], ["Comédie", "Comedie"], ["Sci-Fi", "SciFi"]]


def test_scripts_are_shares_of_letters() -> None:
    assert scripts_of(["abcd", "эюя", "剧"]) == {"Latin": 0.5, "Cyrillic": 0.375, "Han": 0.125}
    assert scripts_of(["123"]) == {}


def test_labels_options_have_the_defaults_of_train() -> None:
    assert LookJob("x").labels == LabelOptions(min_films=5)

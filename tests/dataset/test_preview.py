"""A preview of a catalog shows what would be learned from it, without loading a model to train."""

from __future__ import annotations

from pathlib import Path

import pytest

from genre_batch.catalog.options import ColumnOptions
from genre_batch.dataset.extra import ExtraTrain
from genre_batch.dataset.label_choice import LabelOptions
from genre_batch.dataset.preview import PreviewJob, look_alikes, preview_catalog, scripts_of
from genre_batch.dataset.usable import Further
from genre_batch.errors import ColumnError, GenreBatchWarning
from support.catalogs import overviews, write_csv


def _preview(path: Path, cells: list[str], **options: object):  # type: ignore[no-untyped-def]
    texts = overviews(len(cells))
    texts[0] = "word " * 400
    rows = zip(texts, cells, strict=True)
    location = write_csv(path / "films.csv", ("overview", "genres"), rows)
    return preview_catalog(PreviewJob(location.path, **options))  # type: ignore[arg-type]


def test_a_look_counts_what_would_be_learned(tmp_path: Path) -> None:
    cells = ["Drama, War", "War", "drama", "Drama"] * 25 + ["", "Noir", "unknown"]
    with pytest.warns(GenreBatchWarning, match="fewer than 5 films"):
        preview = _preview(tmp_path, cells)
    assert (preview.rows, preview.text_column, preview.genre_column) == (103, "overview", "genres")
    assert list(preview.labels) == ["Drama", "War", "drama"]
    assert [sum(parts.values()) for parts in preview.labels.values()] == [50, 50, 25]
    assert sum(preview.films.values()) == 100
    assert preview.left_out_labels == {"Noir": 1, "unknown": 1}
    assert preview.look_alikes == [["Drama", "drama"]]
    assert preview.placeholders == {"unknown": 1}
    assert preview.left_out_rows == {
        "genre cell is empty": 1,
        "without a genre that is learned, or not in the split": 2,
    }
    assert preview.separator == "separator ',' in 25 of 102 cells"
    assert preview.cut == pytest.approx(1 / 100, abs=1e-4)
    assert preview.scripts == {"Latin": 1.0}
    assert preview.seconds > 0


def test_rows_that_are_joined_are_not_counted_as_null(tmp_path: Path) -> None:
    texts = overviews(40)
    rows = [(text, genre) for text in texts for genre in ("Drama", "War")] + [("other", "War")]
    location = write_csv(tmp_path / "films.csv", ("overview", "genres"), rows)
    columns = ColumnOptions(group_rows=True)
    preview = preview_catalog(PreviewJob(location.path, columns=columns))
    assert preview.left_out_rows == {"genres unknown (null), or joined to an earlier row": 40}


def test_a_wording_with_the_genres_of_its_film_is_not_counted_as_left_out(tmp_path: Path) -> None:
    rows = [(text, "Drama" if at % 2 else "War", f"f{at}") for at, text in enumerate(overviews(40))]
    rows += [(f"Other words {at}.", "", film) for at, (_, _, film) in enumerate(rows[:10])]
    rows += [("Words of no other film.", "", "x"), ("", "War", "y")]
    location = write_csv(tmp_path / "films.csv", ("overview", "genres", "film"), rows)
    preview = preview_catalog(PreviewJob(location.path, further=Further(group="film")))
    assert preview.left_out_rows == {"without text": 1, "genre cell is empty": 1}


@pytest.mark.parametrize(("rows", "epochs", "advised"), [(60, 4, 30), (60, 30, None), (600, 4, 20)])
def test_more_epochs_are_advised_for_a_small_table(
    tmp_path: Path, rows: int, epochs: int, advised: int | None
) -> None:
    preview = _preview(tmp_path, ["Drama", "War"] * (rows // 2), epochs=epochs)
    assert preview.advised_epochs == advised


def test_the_estimate_of_time_counts_the_films_of_further_catalogs(tmp_path: Path) -> None:
    cells = ["Drama", "War"] * 30
    rows = zip([f"{text} again" for text in overviews(60)], cells, strict=True)
    extra = write_csv(tmp_path / "more.csv", ("overview", "genres"), rows)
    alone = _preview(tmp_path, cells)
    preview = _preview(tmp_path, cells, extra_train=(ExtraTrain(str(extra.path)),))
    assert preview.films == alone.films
    trained = preview.films["train"]
    assert preview.estimate.startswith(f"4 epochs of {trained + 60} at 25 a second")
    assert preview.seconds == pytest.approx(alone.seconds * (1 + 60 / trained), abs=0.1)


def test_negatives_and_flags_are_counted(tmp_path: Path) -> None:
    rows = [(text, i % 2, i % 3 == 0) for i, text in enumerate(overviews(60))]
    location = write_csv(tmp_path / "films.csv", ("overview", "a", "b"), rows)
    preview = preview_catalog(PreviewJob(location.path, ColumnOptions(label_columns=("a,b",))))
    assert (preview.negatives, preview.genre_column) == (20, "a, b")
    assert preview.separator == "one column of flags for each genre"


def test_a_missing_column_is_reported_before_anything_is_split(tmp_path: Path) -> None:
    with pytest.raises(ColumnError, match="no column 'kind'"):
        _preview(tmp_path, ["Drama"], columns=ColumnOptions(genre_column="kind"))


def test_look_alikes_differ_in_case_accents_space_and_width_only() -> None:
    names = ["Drama", "Comédie", "Comedie", "DRAMA", "Sci-Fi", "SciFi", "剧情", "喜剧", "War"]
    assert look_alikes(names) == [["Drama", "DRAMA"], ["Comédie", "Comedie"], ["Sci-Fi", "SciFi"]]


def test_scripts_are_shares_of_letters() -> None:
    assert scripts_of(["abcd", "эюя", "剧"]) == {"Latin": 0.5, "Cyrillic": 0.375, "Han": 0.125}
    assert scripts_of(["123"]) == {}


def test_labels_options_have_the_defaults_of_train() -> None:
    assert PreviewJob("x").labels == LabelOptions(min_films=5)

"""Genre names as a catalog has them, read for a model, for training, and with a map."""

from __future__ import annotations

from pathlib import Path

import pytest

from genre_batch.catalog.options import ColumnOptions
from genre_batch.dataset.extra import ExtraTrain, load_extras
from genre_batch.dataset.genre_names import GenreNames
from genre_batch.dataset.label_choice import LabelOptions
from genre_batch.dataset.labelled import read_labelled
from genre_batch.dataset.load import Further, load_dataset
from genre_batch.errors import CatalogError, GenreBatchWarning
from genre_batch.evaluation.evaluate import EvaluationJob, evaluate
from genre_batch.evaluation.tune import TuneJob, tune
from genre_batch.model.metadata import read_model_file
from support import tiny
from support.catalogs import genres_of, overviews, write_csv, write_films

CELLS = [["SF", "drama"], ["Comedy", "Kids"], [], ["Short"], ["Shrt"]]


def _map(tmp_path: Path, *lines: str) -> ColumnOptions:
    (tmp_path / "map.csv").write_text("\n".join(lines), encoding="utf-8")
    return ColumnOptions(genre_map=tmp_path / "map.csv")


def test_names_are_read_for_a_model_by_map_spelling_and_alias(tmp_path: Path) -> None:
    names = GenreNames.of(_map(tmp_path, "Kids,Comedy,Drama"), tiny.LABELS)
    assert names.read(CELLS) == [
        ["Science Fiction", "Drama"],
        ["Comedy", "Drama"],
        [],
        [],
        ["Shrt"],
    ]
    assert [(one.name, one.by, one.line) for one in names.readings] == [
        ("Comedy", "same", 0),
        ("Kids", "map", 1),
        ("SF", "alias", 0),
        ("Short", "alias", 0),
        ("Shrt", "unknown", 0),
        ("drama", "spelling", 0),
    ]


def test_the_map_comes_before_the_model_s_own_names(tmp_path: Path) -> None:
    names = GenreNames.of(_map(tmp_path, "Drama,Comedy", "SF,", "fight,Action"), tiny.LABELS)
    assert names.read([["drama", "SF", "Fight", "Action"]]) == [["Comedy", "Action"]]


def test_without_a_model_only_the_map_replaces_names(tmp_path: Path) -> None:
    assert GenreNames().read(CELLS) == CELLS
    assert GenreNames().changes_nothing
    names = GenreNames.of(_map(tmp_path, "sf,Science Fiction", "Short,"))
    assert names.read(CELLS) == [
        ["Science Fiction", "drama"],
        ["Comedy", "Kids"],
        [],
        [],
        ["Shrt"],
    ]


def test_training_keeps_a_catalog_s_own_names(tmp_path: Path) -> None:
    cells = ("Sci-Fi, Science Fiction", "Kids", "Family, SF", "Musical")
    films = write_films(tmp_path, overviews(24), cells)
    own = load_dataset(films, ColumnOptions(), with_title=False, labels=LabelOptions())
    assert own.names == ["Family", "Kids", "Musical", "SF", "Sci-Fi", "Science Fiction"]
    options = _map(tmp_path, "Sci-Fi,Science Fiction", "SF,Sci-Fi", "Musical,")
    mapped = load_dataset(films, options, with_title=False, labels=LabelOptions())
    assert mapped.names == ["Family", "Kids", "Science Fiction"]
    assert genres_of(mapped)[:3] == [["Science Fiction"], ["Kids"], ["Family", "Science Fiction"]]
    # A film of which every name stands for nothing is left out: nothing is known of its genres.
    assert len(mapped) == 18


def test_further_catalogs_are_read_with_the_names_of_the_first(tmp_path: Path) -> None:
    films = write_films(tmp_path, overviews(24), ("Science Fiction", "Drama", "Family"))
    dataset = load_dataset(films, ColumnOptions(), with_title=False, labels=LabelOptions())
    rows = [("One.", "Sci-Fi"), ("Two.", "Kids"), ("Three.", "Weepie"), ("Four.", "Opera")]
    write_csv(tmp_path / "more.csv", ("overview", "genres"), rows)
    sources = [ExtraTrain(str(tmp_path / "more.csv"))]
    options = _map(tmp_path, "Weepie,Drama", "Tragedy,Rare")
    with (
        pytest.warns(GenreBatchWarning, match=r"'Kids' as 'Family' \(1 row\), 'Sci-Fi' as"),
        pytest.warns(GenreBatchWarning, match=r"1 of 4 rows .* 'Opera' \(1\)"),
    ):
        (extra,) = load_extras(sources, dataset, Further(), columns=options)
    assert genres_of(extra.films) == [["Science Fiction"], ["Family"], ["Drama"]]
    plain = ColumnOptions(no_aliases=True)
    write_csv(tmp_path / "more.csv", ("overview", "genres"), [*rows, ("Five.", "Drama")])
    with pytest.warns(GenreBatchWarning, match="4 of 5 rows have genres that the catalog lacks"):
        (extra,) = load_extras(sources, dataset, Further(), columns=plain)
    assert genres_of(extra.films) == [["Drama"]]


def test_a_map_that_names_nothing_of_a_catalog_is_reported(tmp_path: Path) -> None:
    films = write_films(tmp_path, overviews(4))
    with pytest.warns(
        GenreBatchWarning,
        match=r"map\.csv of `genre_map` names none of the genres of .*films\.csv, such as 'Action'",
    ):
        read_labelled(films, _map(tmp_path, "Western,War"))


def test_a_map_names_the_numbers_of_genres(tmp_path: Path) -> None:
    (tmp_path / "f.jsonl").write_text(
        '{"overview": "laugh", "genres": [35, 18]}\n{"overview": "cry", "genres": [18, 99]}\n'
    )
    job = EvaluationJob(tmp_path / "f.jsonl").reading.locate(tmp_path / "f.jsonl")
    options = _map(tmp_path, "35,Comedy", "18,Drama", "99,")
    assert read_labelled(job, options).genres == [["Comedy", "Drama"], ["Drama"]]
    with pytest.raises(CatalogError, match=r"map\.csv of `genre_map` has no name for '99'"):
        read_labelled(job, _map(tmp_path, "35,Comedy", "18,Drama"))


def test_a_model_is_scored_on_the_names_of_a_catalog(tmp_path: Path, tiny_model: Path) -> None:
    rows = [("laugh", "Comedies"), ("robot", "SF, Sports"), ("cry", "Weepie"), ("fight", "Sports")]
    films = tmp_path / "f.csv"
    write_csv(films, ("overview", "genres"), rows)
    job = EvaluationJob(films, tiny_model, columns=_map(tmp_path, "weepie,Drama"))
    with pytest.warns(
        GenreBatchWarning,
        match=r"'Sports' as nothing \(2 rows\), 'Comedies' as 'Comedy' \(1 row\), .*`genre_map`, "
        r"or add `no_aliases`",
    ):
        result = evaluate(job)
    assert (result.films, result.left_out, result.exact_match) == (3, 1, 1.0)
    job = EvaluationJob(films, tiny_model, columns=ColumnOptions(no_aliases=True))
    with pytest.raises(CatalogError, match="knows none of the genres"):
        evaluate(job)


def test_an_unknown_name_is_reported_with_its_count_and_the_nearest_genre(
    tmp_path: Path, tiny_model: Path
) -> None:
    rows = [("laugh", "Commedy, Drama"), ("cry", "Commedy, Xyz")]
    write_csv(tmp_path / "f.csv", ("overview", "genres"), rows)
    with pytest.raises(
        CatalogError,
        match=r"does not know 'Commedy' \(2 films\), 'Xyz' \(1 film\): add `ignore_unknown`.* or "
        r"map them to its genres \(the nearest: 'Comedy' for 'Commedy'\) with `genre_map`",
    ):
        evaluate(EvaluationJob(tmp_path / "f.csv", tiny_model))


def test_a_catalog_of_which_nothing_is_left_is_an_error(tmp_path: Path, tiny_model: Path) -> None:
    write_csv(tmp_path / "f.csv", ("overview", "genres"), [("laugh", "Old"), ("cry", "Old")])
    job = EvaluationJob(tmp_path / "f.csv", tiny_model, columns=_map(tmp_path, "Old,"))
    with pytest.raises(CatalogError, match=r"genres of .* are left out, 'Old' as nothing"):
        evaluate(job)


def test_thresholds_are_tuned_as_on_the_model_s_own_names(tmp_path: Path, tiny_model: Path) -> None:
    (tmp_path / "own.csv").write_text(tiny.films_by_drama())
    renamed = tiny.films_by_drama().replace("Science Fiction", "Space").replace("Drama", "drama")
    (tmp_path / "f.csv").write_text(renamed)
    options = _map(tmp_path, "Space,Science Fiction")
    own = TuneJob(EvaluationJob(tmp_path / "own.csv", tiny_model), tmp_path / "own.onnx")
    tune(own)
    job = TuneJob(
        EvaluationJob(tmp_path / "f.csv", tiny_model, columns=options), tmp_path / "t.onnx"
    )
    with pytest.warns(GenreBatchWarning, match="'drama' as 'Drama'"):
        tune(job)
    first, second = (read_model_file(tmp_path / name).metadata for name in ("own.onnx", "t.onnx"))
    assert first.thresholds == second.thresholds
    assert first.operating_points == second.operating_points

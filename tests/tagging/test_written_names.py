"""Predicted genres under the names of a map."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genre_batch import tag_batches, tag_catalog, tag_table
from genre_batch.catalog.options import ColumnOptions
from genre_batch.dataset.genre_names import GenreNames
from genre_batch.errors import CatalogError, GenreBatchWarning, UsageError
from genre_batch.tagging.job import TagJob
from genre_batch.tagging.written_names import WrittenNames, written_names
from support import tiny

TEXTS = ("laugh", "cry cry", "robot", "fight", "cry laugh", "", "the")


def _job(tmp_path: Path, *lines: str) -> TagJob:
    (tmp_path / "map.csv").write_text("\n".join(lines), encoding="utf-8")
    return TagJob(genre_map=tmp_path / "map.csv")


def _names(tmp_path: Path, *lines: str) -> WrittenNames:
    return written_names(_job(tmp_path, *lines), tiny.LABELS)


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    path = tmp_path / "films.csv"
    path.write_text("overview\n" + "".join(f'"{text}"\n' for text in TEXTS))
    return path


def _tagged(catalog: Path, model: Path, **options: object) -> list[list[str] | None]:
    output = catalog.with_name("o.parquet")
    tag_catalog(catalog, output, model=model, force=True, **options)  # type: ignore[arg-type]
    genres: list[list[str] | None] = pq.read_table(output).column("predicted_genres").to_pylist()
    return genres


def test_genres_are_written_by_the_names_of_the_map(
    catalog: Path, tiny_model: Path, tmp_path: Path
) -> None:
    (tmp_path / "map.json").write_text('{"SF": "Science Fiction", "Weepie": "drama"}')
    plain = _tagged(catalog, tiny_model, min_k=2)
    mapped = _tagged(catalog, tiny_model, min_k=2, genre_map=tmp_path / "map.json")
    names = {"Science Fiction": "SF", "Drama": "Weepie"}
    assert mapped == [
        None if row is None else [names.get(name, name) for name in row] for row in plain
    ]
    assert mapped[5] is None


def test_tables_in_memory_have_these_names_too(tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "map.toml").write_text('Weepie = "Drama"\n"Science Fiction" = ""\n')
    table = pa.table({"overview": ["cry", None, "robot"]})
    options: dict[str, Any] = {"model": tiny_model, "genre_map": tmp_path / "map.toml", "min_k": 1}
    expected = [["Weepie"], None, ["Action"]]
    assert tag_table(table, **options).column("predicted_genres").to_pylist() == expected
    batches = tag_batches(table, **options).read_all()
    assert batches.column("predicted_genres").to_pylist() == expected


def test_folders_of_parts_have_these_names_and_are_written_again_with_another_map(
    catalog: Path, tiny_model: Path, tmp_path: Path
) -> None:
    genre_map, folder = tmp_path / "map.csv", tmp_path / "tagged"
    genre_map.write_text("Weepie,Drama\n")
    summary = tag_catalog(catalog, f"{folder}/", model=tiny_model, genre_map=genre_map)
    assert "Weepie" in {count.genre for count in summary.genres if count.rows}
    assert "Weepie" in (folder / "films.csv").read_text()
    genre_map.write_text("Tragedy,Drama\n")
    with pytest.raises(CatalogError, match="genre_map"):
        tag_catalog(catalog, f"{folder}/", model=tiny_model, genre_map=genre_map)
    tag_catalog(catalog, f"{folder}/", model=tiny_model, genre_map=genre_map, force=True)
    assert "Tragedy" in (folder / "films.csv").read_text()


def test_columns_of_probabilities_and_the_summary_have_these_names(
    catalog: Path, tiny_model: Path, tmp_path: Path
) -> None:
    (tmp_path / "map.csv").write_text("SF,Science Fiction\nDrama,\n")
    options = {"genre_map": tmp_path / "map.csv", "probabilities": True}
    summary = tag_catalog(
        catalog,
        tmp_path / "o.parquet",
        model=tiny_model,
        summary_json=tmp_path / "s.json",
        **options,  # type: ignore[arg-type]
    )
    added = ["predicted_genres", "probability_Action", "probability_Comedy", "probability_SF"]
    assert pq.read_schema(tmp_path / "o.parquet").names == ["overview", *added]
    assert {count.genre for count in summary.genres} == {"Action", "Comedy", "Drama", "SF"}
    # The map states that the catalog has no name for Drama.
    assert summary.genres_off == ("Drama",)
    assert json.loads((tmp_path / "s.json").read_text())["genres_off"] == ["Drama"]


def test_the_model_s_own_columns_are_replaced_by_those_of_the_map(
    catalog: Path, tiny_model: Path, tmp_path: Path
) -> None:
    (tmp_path / "map.csv").write_text("SF,Science Fiction\n")
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    tag_catalog(catalog, first, model=tiny_model, probabilities=True)
    options = {"genre_map": tmp_path / "map.csv", "replace": True, "probabilities": True}
    tag_catalog(first, second, model=tiny_model, **options)  # type: ignore[arg-type]
    assert (
        first.read_text().splitlines()[0].replace("Science Fiction", "SF")
        == (second.read_text().splitlines()[0])
    )


def test_the_first_of_several_names_is_written_and_reported(tmp_path: Path) -> None:
    names = _names(tmp_path, "Kids,Comedy", "Teens,Comedy", "Mixed,Comedy,Drama", "Toons,Comedy")
    with pytest.warns(
        GenreBatchWarning,
        match=r"several names of one genre, and the first in the file is written: 'Kids' \(line "
        r"1\), not 'Teens', 'Toons'",
    ):
        names.warn()
    assert names.names == ("Action", "Kids", "Drama", "Science Fiction")


def test_a_name_of_several_genres_is_the_name_of_none(tmp_path: Path) -> None:
    assert _names(tmp_path, "Dramedy,Comedy,Drama").names == tiny.LABELS


def test_a_genre_that_stands_for_nothing_is_not_written(tmp_path: Path) -> None:
    names = _names(tmp_path, "Drama,", "SF,Science Fiction", "Sport,")
    assert names.left_out == ("Drama",)
    assert names.job(TagJob()).decision.exclude_genres == ("Drama",)
    kept = _names(tmp_path, "Drama,", "Weepie,Drama")
    assert (kept.names[2], kept.left_out) == ("Weepie", ())


def test_the_name_of_a_genre_cannot_stand_for_another_one(tmp_path: Path) -> None:
    with pytest.raises(
        CatalogError,
        match=r"map\.csv of `genre_map`, line 2: 'comedy' is mapped to 'Drama', so that the "
        r"model's own 'Comedy' has no name: add a line with its name, NAME,Comedy",
    ):
        _names(tmp_path, "SF,Science Fiction", "comedy,Drama")
    both = _names(tmp_path, "Comedy,Drama", "Fun,Comedy")
    assert both.names == ("Action", "Fun", "Comedy", "Science Fiction")


def test_genres_are_excluded_by_the_names_of_the_map(
    catalog: Path, tiny_model: Path, tmp_path: Path
) -> None:
    (tmp_path / "map.csv").write_text("SF,Science Fiction\n")
    options = {"genre_map": tmp_path / "map.csv", "min_k": 2, "exclude_genres": "sf, comedy"}
    written = {name for row in _tagged(catalog, tiny_model, **options) for name in row or ()}
    assert written == {"Action", "Drama"}
    with pytest.raises(UsageError, match="unknown genre 'Weepie'"):
        _tagged(catalog, tiny_model, genre_map=tmp_path / "map.csv", exclude_genres="Weepie")


def test_usual_names_of_the_model_s_genres_may_be_targets(tmp_path: Path) -> None:
    job = _job(tmp_path, "Future,Sci-Fi")
    assert written_names(job, tiny.LABELS).names[3] == "Future"
    plain = TagJob(genre_map=job.genre_map, no_aliases=True)
    with pytest.raises(CatalogError, match="the model has no genre 'Sci-Fi'"):
        written_names(plain, tiny.LABELS)


@pytest.mark.parametrize("suffix", ["csv", "tsv"])
def test_a_name_with_the_separator_in_it_is_refused_where_names_are_joined(
    catalog: Path, tiny_model: Path, tmp_path: Path, suffix: str
) -> None:
    (tmp_path / "map.csv").write_text('"Fun, games",Comedy\n')
    options = {"model": tiny_model, "genre_map": tmp_path / "map.csv"}
    with pytest.raises(UsageError, match=r"'Fun, games' of `genre_map` has the `separator` ', '"):
        tag_catalog(catalog, tmp_path / f"o.{suffix}", **options)  # type: ignore[arg-type]
    tag_catalog(catalog, tmp_path / f"o.{suffix}", separator="|", **options)  # type: ignore[arg-type]
    assert "Fun, games" in (tmp_path / f"o.{suffix}").read_text()


def test_the_map_is_not_overwritten(catalog: Path, tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "map.csv").write_text("SF,Science Fiction\n")
    with pytest.raises(UsageError, match="is one of the inputs"):
        tag_catalog(
            catalog,
            tmp_path / "map.csv",
            model=tiny_model,
            genre_map=tmp_path / "map.csv",
            force=True,
        )


KEYS = (*tiny.LABELS, "SF", "Weepie", "comedy", "Old")


@given(
    entries=st.dictionaries(
        st.sampled_from(KEYS), st.lists(st.sampled_from(tiny.LABELS), max_size=2), min_size=1
    ),
    genres=st.lists(st.sampled_from(tiny.LABELS), unique=True),
)
def test_what_is_written_is_read_back_as_the_same_genres(
    tmp_path_factory: pytest.TempPathFactory, entries: dict[str, list[str]], genres: list[str]
) -> None:
    tmp_path = tmp_path_factory.mktemp("map")
    lines = [",".join([name, *to, ""]) for name, to in entries.items()]
    try:
        names = _names(tmp_path, *lines)
    except CatalogError:
        return
    written = dict(zip(names.labels, names.names, strict=True))
    kept = [genre for genre in genres if genre not in names.left_out]
    options = ColumnOptions(genre_map=tmp_path / "map.csv")
    (read,) = GenreNames.of(options, tiny.LABELS).read([[written[genre] for genre in kept]])
    # A genre whose name stands for itself and another one is read back with that one.
    wider = [to for name, to in entries.items() if name.lower() in map(str.lower, to)]
    assert set(kept) <= set(read) <= set(kept).union(*wider)
    assert len(set(names.names)) == len(names.names)

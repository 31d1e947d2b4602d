"""Promise: a model reads the columns it was trained on, and calls rows as its catalog did."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from genre_batch import ColumnError, UsageError, tag_catalog
from genre_batch.catalog.options import ColumnOptions
from genre_batch.evaluation.evaluate import EvaluationJob, evaluate
from genre_batch.evaluation.tune import TuneJob, tune
from genre_batch.model.metadata import read_model_file
from support import tiny
from support.places import Command

COLUMNS = {"text": "abstract", "title": "heading", "genres": "fields", "separator": " "}
PAPERS = [
    {"heading": "robot", "abstract": "robot", "overview": "cry", "fields": "Comedy Drama"},
    {"heading": "", "abstract": "cry", "overview": "laugh", "fields": "Drama"},
]
FORMATS = ("papers.csv", "papers.jsonl", "papers.parquet")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a model that was trained on papers."""
    path = tmp_path_factory.mktemp("model") / "papers.onnx"
    return tiny.write_model(path, props={"columns": COLUMNS, "row_name": "papers"})


def _write(path: Path, rows: list[dict[str, str]]) -> Path:
    table = pl.DataFrame(rows)
    if path.suffix == ".csv":
        table.write_csv(path)
    elif path.suffix == ".jsonl":
        table.write_ndjson(path)
    else:
        table.write_parquet(path)
    return path


@pytest.mark.parametrize("name", FORMATS)
def test_the_model_s_columns_are_preferred_to_usual_names(
    model: Path, tmp_path: Path, name: str
) -> None:
    catalog = _write(tmp_path / name, PAPERS)
    summary = tag_catalog(catalog, tmp_path / "o.parquet", model=model)
    assert (summary.text_column, summary.title_column) == ("abstract", "heading")
    genres = pl.read_parquet(tmp_path / "o.parquet")["predicted_genres"].to_list()
    assert genres == [["Science Fiction"], ["Drama"]]


@pytest.mark.parametrize("name", FORMATS)
def test_an_option_overrides_the_model_s_column(model: Path, tmp_path: Path, name: str) -> None:
    catalog = _write(tmp_path / name, PAPERS)
    summary = tag_catalog(catalog, tmp_path / "o.parquet", model=model, text_column="overview")
    assert (summary.text_column, summary.title_column) == ("overview", "heading")


@pytest.mark.parametrize("name", FORMATS)
def test_a_catalog_without_the_model_s_columns_is_read_by_usual_names(
    model: Path, tmp_path: Path, name: str
) -> None:
    rows = [{"Title": "T", "Plot": row["abstract"]} for row in PAPERS]
    summary = tag_catalog(_write(tmp_path / name, rows), tmp_path / "o.parquet", model=model)
    assert (summary.text_column, summary.title_column) == ("Plot", "Title")
    with pytest.raises(ColumnError, match="no column named abstract, overview, plot, "):
        tag_catalog(_write(tmp_path / name, [{"x": "a"}]), tmp_path / "p.parquet", model=model)


def test_the_model_s_spelling_decides_between_two(model: Path, tmp_path: Path) -> None:
    rows = [{"Abstract": "laugh", "abstract": "cry", "ABSTRACT": "robot"}]
    summary = tag_catalog(_write(tmp_path / "p.csv", rows), tmp_path / "o.parquet", model=model)
    assert summary.text_column == "abstract"


def test_a_model_s_column_that_appears_late_is_an_error_as_any_better_one(
    model: Path, tmp_path: Path
) -> None:
    lines = [{"overview": "laugh"}, {"abstract": "cry"}]
    (tmp_path / "p.jsonl").write_text("\n".join(map(json.dumps, lines)))
    with pytest.raises(ColumnError, match="rows before had 'overview', and now a row has"):
        tag_catalog(tmp_path / "p.jsonl", tmp_path / "o.jsonl", model=model)


@pytest.mark.parametrize("name", FORMATS)
def test_an_evaluation_needs_no_column_option(model: Path, tmp_path: Path, name: str) -> None:
    catalog = _write(tmp_path / name, PAPERS)
    result = evaluate(EvaluationJob(catalog, model))
    assert [genre.films for genre in result.genres] == [0, 1, 2, 0]
    assert result.row_name == "papers"
    with pytest.raises(ColumnError, match="no column 'genre'"):
        evaluate(EvaluationJob(catalog, model, columns=ColumnOptions(genre_column="genre")))


def test_the_model_s_separator_is_that_of_its_genre_column(model: Path, tmp_path: Path) -> None:
    rows = [{"abstract": "cry", "genres": "Science Fiction, Drama"}]
    result = evaluate(EvaluationJob(_write(tmp_path / "p.csv", rows), model))
    assert [genre.films for genre in result.genres] == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("cell", "films"),
    [
        pytest.param("Comedy Drama", [0, 1, 1, 0], id="the model's separator"),
        pytest.param('["Comedy", "Drama"]', [0, 1, 1, 0], id="a JSON list"),
        pytest.param("<Comedy><Drama>", [0, 1, 1, 0], id="another style"),
    ],
)
def test_the_model_s_separator_is_for_plain_cells(
    model: Path, tmp_path: Path, cell: str, films: list[int]
) -> None:
    rows = [{"abstract": "cry", "fields": cell}]
    result = evaluate(EvaluationJob(_write(tmp_path / "p.csv", rows), model))
    assert [genre.films for genre in result.genres] == films


def test_a_tuned_model_remembers_what_the_model_did(model: Path, tmp_path: Path) -> None:
    catalog = _write(tmp_path / "p.csv", PAPERS * 10)
    tune(TuneJob(EvaluationJob(catalog, model), tmp_path / "t.onnx"))
    metadata = read_model_file(tmp_path / "t.onnx").metadata
    assert (metadata.columns, metadata.row_name) == (COLUMNS, "papers")


@pytest.mark.training
def test_tables_pages_and_messages_name_the_rows(
    command: Command, model: Path, tmp_path: Path
) -> None:
    catalog = _write(tmp_path / "p.csv", PAPERS)
    page = tmp_path / "page.html"
    done = command("evaluate", catalog, "-m", model, "--report", page)
    shown = (done.stdout + done.stderr).decode()
    assert "2 papers; model" in shown
    for text in (shown, page.read_text(encoding="utf-8")):
        assert "papers" in text
        assert "films" not in text.replace('"films"', "").replace("films:Q", "")
    done = command("tune", catalog, "-m", model, "-o", tmp_path / "t.onnx")
    assert b"2 papers cannot be tuned on" in done.stderr
    one = command("evaluate", _write(tmp_path / "q.csv", PAPERS[:1]), "-m", model)
    assert b"1 paper; model" in one.stderr
    shown = command("inspect", model).stdout.decode()
    assert "row_name" in shown
    assert "text abstract, title heading, genres fields" in shown


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_the_column_of_genres_can_be_named(tiny_model: Path, tmp_path: Path, suffix: str) -> None:
    catalog = _write(tmp_path / "f.csv", [{"overview": "laugh", "genres": "old"}])
    output, again = tmp_path / f"o.{suffix}", tmp_path / "again.parquet"
    options = {"model": tiny_model, "output_column": "tags"}
    tag_catalog(catalog, output, probabilities=True, **options)  # type: ignore[arg-type]
    with pytest.raises(ColumnError, match="the input already has 'tags': add `replace`"):
        tag_catalog(output, again, **options)  # type: ignore[arg-type]
    tag_catalog(output, again, replace=True, **options)  # type: ignore[arg-type]
    table = pl.read_parquet(again)
    assert table.columns == ["overview", "genres", "tags"]
    assert table["tags"].to_list() == [["Comedy"]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"output_column": "overview", "replace": True}, "would replace a column that is read"),
        ({"output_column": "title", "replace": True}, "would replace a column that is read"),
        (
            {"output_column": "genres", "only_missing": "genres", "replace": True},
            "would replace a column that is read",
        ),
        ({"output_column": "genres"}, "the input already has 'genres'"),
        ({"output_column": " "}, "must not be empty"),
        (
            {"output_column": "probability_Drama", "probabilities": True},
            "is also a column of probabilities",
        ),
    ],
)
def test_a_name_that_would_lose_a_column_is_refused(
    tiny_model: Path, tmp_path: Path, options: dict[str, object], message: str
) -> None:
    row = {"title": "T", "overview": "laugh", "genres": "old"}
    catalog = _write(tmp_path / "f.csv", [row])
    with pytest.raises((ColumnError, UsageError), match=message):
        tag_catalog(catalog, tmp_path / "o.csv", model=tiny_model, **options)  # type: ignore[arg-type]
    assert [path.name for path in tmp_path.iterdir()] == ["f.csv"]

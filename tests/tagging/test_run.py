"""tagging/run.py: every row once, in order, followed by its genres."""

from __future__ import annotations

import inspect
import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from genre_batch import ColumnError, OutputExistsError, UsageError, tag_catalog
from genre_batch.catalog.options import ReadingOptions, WritingOptions
from genre_batch.errors import GenreBatchWarning
from genre_batch.model.decision import Decision
from genre_batch.model.tagger import GenreTagger
from genre_batch.tagging.job import EngineOptions, TagJob, tag_job
from genre_batch.tagging.run import run
from support import tiny

FILMS = [
    {"id": "007", "title": "T", "overview": "a robot", "genres": ""},
    {"id": "008", "title": "", "overview": None, "genres": "Drama"},
    {"id": "009", "title": "Laugh laugh", "overview": "the", "genres": None},
    {"id": "010", "title": "U", "overview": "nothing known", "genres": "[]"},
]
EXPECTED = [["Science Fiction"], None, ["Comedy"], []]


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    path = tmp_path / "films.csv"
    pl.DataFrame(FILMS).write_csv(path)
    return path


pytestmark = pytest.mark.usefixtures("default_model")


def _genres(path: Path) -> list[Any]:
    return pl.read_parquet(path)["predicted_genres"].to_list()


@pytest.mark.parametrize("suffix", ["parquet", "arrow", "jsonl", "jsonl.gz"])
def test_every_row_comes_out_with_its_columns_and_its_genres(
    catalog: Path, tmp_path: Path, suffix: str
) -> None:
    output = tmp_path / f"out.{suffix}"
    tag_catalog(catalog, output)
    back = tmp_path / "back.parquet"
    tag_catalog(output, back, replace=True)
    table = pl.read_parquet(back)
    assert table.drop("predicted_genres").to_dicts() == FILMS
    assert table["predicted_genres"].to_list() == EXPECTED


def test_csv_joins_the_genres_and_distinguishes_no_text_from_no_genre(
    tmp_path: Path,
) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text('{"text":"robot laugh"}\n{"text":null}\n{"text":"the"}\n')
    tag_catalog(source, tmp_path / "out.csv", threshold=0.4, separator="|")
    assert (tmp_path / "out.csv").read_text() == (
        'text,predicted_genres\nrobot laugh,Comedy|Science Fiction\n,\nthe,""\n'
    )


def test_probabilities_follow_the_genres_in_label_order(catalog: Path, tmp_path: Path) -> None:
    tag_catalog(catalog, tmp_path / "out.parquet", probabilities=True)
    table = pq.read_table(tmp_path / "out.parquet")
    assert table.column_names[4:] == [
        "predicted_genres",
        "probability_Action",
        "probability_Comedy",
        "probability_Drama",
        "probability_Science Fiction",
    ]
    column = table.column("probability_Science Fiction")
    assert column.type == pa.float32()
    assert column[0].as_py() == 0.5
    assert column[1].as_py() is None


def test_top_k_alone_ignores_thresholds(catalog: Path, tmp_path: Path) -> None:
    tag_catalog(catalog, tmp_path / "out.parquet", top_k=1)
    assert _genres(tmp_path / "out.parquet")[3] == ["Action"]


def test_excluded_genres_have_no_column_and_replace_removes_old_ones(
    catalog: Path, tmp_path: Path
) -> None:
    output, again = tmp_path / "out.parquet", tmp_path / "again.parquet"
    tag_catalog(catalog, output, probabilities=True)
    tag_catalog(
        output, again, probabilities=True, replace=True, exclude_genres="comedy, Science Fiction"
    )
    table = pq.read_table(again)
    columns = ["predicted_genres", "probability_Action", "probability_Drama"]
    assert table.column_names == ["id", "title", "overview", "genres", *columns]
    assert _genres(again) == [[], None, [], []]
    before = pq.read_table(output, columns=columns[1:])
    assert table.select(columns[1:]).to_pylist() == before.to_pylist()


def test_an_unknown_excluded_genre_is_an_error_before_anything_is_written(
    catalog: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=r"unknown genre 'Comdey': did you mean 'Comedy'\?"):
        tag_catalog(catalog, tmp_path / "out.csv", exclude_genres=["Comdey"])
    assert not (tmp_path / "out.csv").exists()


def test_an_operating_point_is_chosen_by_name(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"overview":"cry"}\n')
    tag_catalog(tmp_path / "in.jsonl", tmp_path / "out.parquet", operating_point="no-drama")
    assert _genres(tmp_path / "out.parquet") == [[]]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [["Drama", "Comedy"], []]),
        ({"threshold": 0.5}, [["Drama"], ["Comedy"]]),
        ({"operating_point": "f1"}, [["Drama"], ["Comedy"]]),
        ({"top_k": 1}, [["Drama"], ["Comedy"]]),
    ],
)
def test_conditional_thresholds_apply_only_to_the_default_decision(
    conditional_model: Path, tmp_path: Path, options: dict[str, Any], expected: list[list[str]]
) -> None:
    source, output = tmp_path / "in.jsonl", tmp_path / "out.parquet"
    source.write_text('{"overview":"cry cry laugh"}\n{"overview":"laugh the"}\n')
    tag_catalog(source, output, model=str(conditional_model), **options)
    assert _genres(output) == expected


def test_only_missing_skips_rows_that_have_a_value(catalog: Path, tmp_path: Path) -> None:
    summary = tag_catalog(catalog, tmp_path / "out.parquet", only_missing="genres")
    assert _genres(tmp_path / "out.parquet") == [["Science Fiction"], None, ["Comedy"], []]
    assert (summary.rows_skipped, summary.rows_without_text) == (1, 0)


def test_only_missing_counts_an_empty_list_as_missing(tmp_path: Path) -> None:
    lines = ['{"overview":"cry","g":[]}', '{"overview":"cry","g":["War"]}', '{"overview":"cry"}']
    (tmp_path / "in.jsonl").write_text("\n".join(lines))
    for name in ("out.parquet", "out.jsonl"):
        tag_catalog(tmp_path / "in.jsonl", tmp_path / name, only_missing="g")
    assert _genres(tmp_path / "out.parquet") == [["Drama"], None, ["Drama"]]
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [row["predicted_genres"] for row in rows] == [["Drama"], None, ["Drama"]]


def test_only_missing_of_a_missing_column_is_refused(catalog: Path, tmp_path: Path) -> None:
    with pytest.raises(ColumnError, match=r"no column 'genre'.*`only_missing`.*id, title"):
        tag_catalog(catalog, tmp_path / "out.parquet", only_missing="genre")
    assert not (tmp_path / "out.parquet").exists()


@pytest.mark.parametrize("limit", [0, 1, 3, 99])
def test_a_limit_takes_the_first_rows(catalog: Path, tmp_path: Path, limit: int) -> None:
    summary = tag_catalog(catalog, tmp_path / "out.parquet", limit=limit)
    assert _genres(tmp_path / "out.parquet") == EXPECTED[:limit]
    assert summary.rows == min(limit, 4)


def test_infer_types_converts_csv_cells_to_numbers_and_otherwise_they_stay_strings(
    tmp_path: Path,
) -> None:
    catalog = tmp_path / "in.csv"
    catalog.write_text("imdb,year,overview\n0031381,1939,cry\n0034583,1942,laugh\n")
    tag_catalog(catalog, tmp_path / "typed.parquet", infer_types=True)
    tag_catalog(catalog, tmp_path / "plain.parquet")
    assert pl.read_parquet(tmp_path / "typed.parquet")["year"].to_list() == [1939, 1942]
    assert pl.read_parquet(tmp_path / "typed.parquet")["imdb"].to_list() == ["0031381", "0034583"]
    assert pl.read_parquet(tmp_path / "plain.parquet")["year"].to_list() == ["1939", "1942"]


def test_parquet_metadata_names_the_model_and_the_version(catalog: Path, tmp_path: Path) -> None:
    summary = tag_catalog(catalog, tmp_path / "out.parquet")
    metadata = pq.read_schema(tmp_path / "out.parquet").metadata
    assert metadata[b"genre_batch.model_sha256"].decode() == summary.model_sha256
    assert b"genre_batch.version" in metadata


def test_an_existing_output_is_kept_unless_forced(catalog: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.csv"
    output.write_text("precious")
    with pytest.raises(OutputExistsError, match="add `force`"):
        tag_catalog(catalog, output)
    assert output.read_text() == "precious"
    tag_catalog(catalog, output, force=True)
    assert output.read_text().startswith("id,title")


def test_predicted_columns_in_the_input_are_replaced_only_on_request(
    catalog: Path, tmp_path: Path
) -> None:
    once, twice = tmp_path / "once.csv", tmp_path / "twice.csv"
    tag_catalog(catalog, once)
    with pytest.raises(ColumnError, match="add `replace`"):
        tag_catalog(once, twice)
    assert list(tmp_path.glob("*twice*")) == []
    tag_catalog(once, twice, replace=True)
    assert twice.read_bytes() == once.read_bytes()


def test_the_summary_counts_what_the_output_holds(catalog: Path, tmp_path: Path) -> None:
    summary = tag_catalog(catalog, tmp_path / "out.parquet")
    assert (summary.rows, summary.rows_predicted) == (4, 3)
    assert (summary.rows_without_text, summary.rows_without_genre) == (1, 1)
    assert (summary.text_column, summary.title_column) == ("overview", "title")
    by_genre = {count.genre: count for count in summary.genres}
    assert by_genre["Comedy"].rows == 1
    assert by_genre["Comedy"].share == pytest.approx(1 / 3)
    assert by_genre["Comedy"].mean_confidence == pytest.approx(0.8, abs=0.2)
    assert by_genre["Drama"].mean_confidence is None
    assert json.loads(json.dumps(summary.as_dict()))["rows"] == 4


def test_a_catalog_without_text_column_is_refused_with_its_columns(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("id,genre\n1,Drama\n")
    with pytest.raises(ColumnError, match="`text_column`; columns: id, genre"):
        tag_catalog(tmp_path / "in.csv", tmp_path / "out.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


def test_a_column_of_a_type_that_holds_no_text_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"overview": [1, 2]}), tmp_path / "in.parquet")
    with pytest.raises(ColumnError, match="the column 'overview' is of type int64, not text"):
        tag_catalog(tmp_path / "in.parquet", tmp_path / "out.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["in.parquet"]


def test_utf_8_bytes_are_read_as_text(tmp_path: Path) -> None:
    texts = pa.array([b"a robot", b"\xff", None, b"cry"], pa.binary())
    pq.write_table(pa.table({"overview": texts}), tmp_path / "in.parquet")
    tag_catalog(tmp_path / "in.parquet", tmp_path / "out.parquet")
    assert _genres(tmp_path / "out.parquet") == [["Science Fiction"], None, None, ["Drama"]]
    assert pq.read_table(tmp_path / "out.parquet").column("overview").combine_chunks() == texts


JSON_ROWS: dict[str, tuple[list[str], dict[str, Any]]] = {
    "overviews of several types": (
        ['{"overview":"cry"}', *(f'{{"overview":{v}}}' for v in ("42", "false", '["cry"]', "{}"))],
        {},
    ),
    "overviews that are objects": (['{"overview":{"en":"cry"}}', '{"overview":{}}'], {}),
    "overviews that are numbers": (['{"overview":1}', '{"overview":2.5}', "{}"], {}),
    "titles of several types": (
        ['{"overview":"the","title":"cry"}', '{"overview":"the","title":7}'],
        {},
    ),
    "a late overview": (['{"id":1}'] * 1500 + ['{"id":2,"overview":"cry"}'], {}),
    "a late column that was requested": (
        ['{"id":1}'] * 1500 + ['{"id":2,"about":"cry"}'],
        {"text_column": "about"},
    ),
    "empty lists in many spellings": (
        [
            f'{{"overview":"cry","g":{value}}}'
            for value in ("[]", '"[]"', '"[ ]"', '" "', "1", "{}")
        ],
        {"only_missing": "g"},
    ),
}


@pytest.mark.parametrize(("rows", "options"), JSON_ROWS.values(), ids=JSON_ROWS)
def test_the_genres_of_json_rows_are_the_same_in_every_output_format(
    tmp_path: Path, rows: list[str], options: dict[str, Any]
) -> None:
    (tmp_path / "in.jsonl").write_text("\n".join(rows))
    for suffix in ("jsonl", "parquet", "arrow", "csv"):
        tag_catalog(tmp_path / "in.jsonl", tmp_path / f"out.{suffix}", **options)
    lines = (tmp_path / "out.jsonl").read_text().splitlines()
    genres = [json.loads(line)["predicted_genres"] for line in lines]
    assert _genres(tmp_path / "out.parquet") == genres
    assert pl.read_ipc(tmp_path / "out.arrow")["predicted_genres"].to_list() == genres
    joined = [None if cell is None else ", ".join(cell) for cell in genres]
    assert pl.read_csv(tmp_path / "out.csv")["predicted_genres"].to_list() == joined


def test_a_column_of_only_missing_that_no_json_row_has_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"overview":"cry","genres":[]}')
    for suffix in ("jsonl", "parquet"):
        with pytest.raises(ColumnError, match=r"no column 'genrs' \(nearest: 'genres'\)"):
            tag_catalog(tmp_path / "in.jsonl", tmp_path / f"out.{suffix}", only_missing="genrs")
    assert not list(tmp_path.glob("out.*"))


def test_infer_types_changes_neither_the_texts_read_nor_the_padded_rows(tmp_path: Path) -> None:
    cells = 'id,title,overview\n1,7.0,the\n2,1.50,"cry"\n3\n'
    (tmp_path / "in.csv").write_text(cells)
    padded = []
    for infer in (False, True):
        summary = tag_catalog(
            tmp_path / "in.csv",
            tmp_path / f"out{infer}.parquet",
            infer_types=infer,
            probabilities=True,
            cache=tmp_path / "cache",
        )
        padded.append(summary.rows_padded)
    assert padded == [1, 1]
    assert summary.texts_predicted == 0  # the same texts as before, so all were in the cache
    assert pq.read_schema(tmp_path / "outTrue.parquet").field("title").type == pa.float64()


@pytest.mark.parametrize("name", ["out.parquet", "out.jsonl", "out.csv"])
def test_json_lines_without_a_line_give_a_catalog_without_a_row(tmp_path: Path, name: str) -> None:
    (tmp_path / "in.jsonl").write_bytes(b"\n\n")
    assert tag_catalog(tmp_path / "in.jsonl", tmp_path / name).rows == 0
    assert (tmp_path / name).exists()


def test_a_header_alone_gives_a_header_alone(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("id,Overview\n")
    tag_catalog(tmp_path / "in.csv", tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text() == "id,Overview,predicted_genres\n"


def test_progress_never_goes_back_and_ends_at_the_last_row(catalog: Path, tmp_path: Path) -> None:
    calls: list[tuple[int, int | None]] = []
    run(
        tag_job(sources=(str(catalog),), output=str(tmp_path / "o.csv")),
        lambda done, total: calls.append((done, total)),
    )
    assert [done for done, _ in calls] == sorted(done for done, _ in calls)
    assert calls[-1] == (4, 4)


@pytest.mark.parametrize("limit", [2**63, 10**400])
def test_a_number_that_no_library_holds_is_refused(
    catalog: Path, tmp_path: Path, limit: int
) -> None:
    with pytest.raises(UsageError, match=r"`limit` must be below 2 \*\* 63"):
        tag_catalog(catalog, tmp_path / "out.csv", limit=limit)


@pytest.mark.parametrize("pattern", ["*.csv", ""])
def test_an_input_that_is_named_twice_is_told(catalog: Path, tmp_path: Path, pattern: str) -> None:
    again = catalog.parent / pattern if pattern else catalog
    with pytest.warns(GenreBatchWarning, match=f"{catalog} is named more than once"):
        summary = tag_catalog([catalog, again], tmp_path / "out.parquet")
    assert summary.rows == 8


@pytest.mark.parametrize("wrong", [{"limit": -1}, {"threads": 0}])
def test_numbers_out_of_range_are_usage_errors(
    catalog: Path, tmp_path: Path, wrong: dict[str, int]
) -> None:
    with pytest.raises(UsageError):
        tag_catalog(catalog, tmp_path / "out.csv", **wrong)  # type: ignore[arg-type]


def test_every_option_of_a_job_is_a_keyword_of_tag_catalog_with_the_same_default() -> None:
    keywords = inspect.signature(tag_catalog).parameters
    kinds = (TagJob, ReadingOptions, WritingOptions, EngineOptions, Decision)
    options = {field.name: field.default for kind in kinds for field in fields(kind)}
    for name in ("sources", "output", "reading", "writing", "running", "decision"):
        del options[name]
    assert {name: keywords[name].default for name in list(keywords)[2:]} == options


def test_paths_may_be_path_objects(catalog: Path, tmp_path: Path, tiny_model: Path) -> None:
    summary = tag_catalog(
        [catalog],
        tmp_path / "out.csv",
        model=tiny_model,
        cache=tmp_path / "cache",
        rejects=tmp_path / "rejects.jsonl",
    )
    assert summary.output == str(tmp_path / "out.csv")
    assert summary.rows == 4


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_a_predicted_column_is_refused_before_its_rows_are_predicted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text('{"overview":"laugh"}\n{"overview":"cry","predicted_genres":[]}\n')
    monkeypatch.delattr("genre_batch.tagging.predict.Predictor.predict")
    with pytest.raises(ColumnError, match="already has 'predicted_genres'"):
        tag_catalog(source, tmp_path / f"out.{suffix}")


def test_an_unknown_option_is_a_type_error(catalog: Path, tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        tag_catalog(catalog, tmp_path / "out.csv", color="red")  # type: ignore[call-arg]


def test_calibrated_probabilities_are_written_and_summed_and_the_genres_stay(
    catalog: Path, tmp_path: Path
) -> None:
    pairs = {label: [0.25, 0.0] for label in tiny.LABELS}
    model = tiny.write_model(tmp_path / "m.onnx", props={"calibration": pairs})
    raw, after = tmp_path / "raw.parquet", tmp_path / "after.parquet"
    tag_catalog(catalog, raw, model=model, probabilities=True, cache=tmp_path / "cache")
    summary = tag_catalog(
        catalog, after, model=model, probabilities=True, calibrated=True, cache=tmp_path / "cache"
    )
    assert _genres(after) == _genres(raw) == EXPECTED
    assert summary.texts_predicted == 0  # the cache holds raw probabilities
    table = pl.read_parquet(after)
    tagger = GenreTagger.load(model)
    texts, titles = table["overview"].to_list(), table["title"].to_list()
    expected = tagger.predict_proba(texts, titles, calibrated=True)
    columns = [table[f"probability_{label}"] for label in tiny.LABELS]
    np.testing.assert_array_equal(np.column_stack([c.to_numpy() for c in columns]), expected)
    comedy = next(count for count in summary.genres if count.genre == "Comedy")
    assert comedy.mean_confidence == pytest.approx(float(expected[2, 1]))
    assert summary.calibrated
    tag_catalog(catalog, raw, model=model, threshold=0.7, calibrated=True, force=True)
    passed = [
        None if np.isnan(row[0]) else {tiny.LABELS[at] for at in np.flatnonzero(row >= 0.7)}
        for row in expected
    ]
    assert [None if cell is None else set(cell) for cell in _genres(raw)] == passed


def test_calibrated_without_a_calibration_is_refused_before_anything_is_written(
    catalog: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=r"genre-batch tune CATALOG -o tuned\.onnx"):
        tag_catalog(catalog, tmp_path / "out.parquet", calibrated=True)
    assert [path.name for path in tmp_path.iterdir()] == ["films.csv"]

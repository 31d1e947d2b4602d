"""Promise: texts in other languages than a model reads are counted, warned of, and left out."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from genre_batch import audit, tag_batches, tag_catalog, tag_table
from genre_batch.auditing.job import AuditJob
from genre_batch.errors import GenreBatchWarning
from genre_batch.evaluation.evaluate import EvaluationJob, evaluate
from support import tiny
from support.languages import FILMS
from support.places import ROOT, Command

ENGLISH = "They fight and laugh about the robot, and cry with their friends when it is over."
TEXTS = [ENGLISH, FILMS["es"][0], None, FILMS["ja"][0], "fight", FILMS["es"][3], ENGLISH]
OTHERS = [1, 3, 5]
MESSAGE = (
    r"3 of 6 texts \(50\.00%\) are not in English but in Spanish \(2\), Japanese \(1\), such as "
    r"row 1: 'Una joven periodista"
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the tiny model as one of English."""
    path = tmp_path_factory.mktemp("model") / "english.onnx"
    return tiny.write_model(path, props={"language": "en"})


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    path = tmp_path / "films.parquet"
    pl.DataFrame({"overview": TEXTS, "genres": ["Drama"] * len(TEXTS)}).write_parquet(path)
    return path


def _genres(path: Path) -> list[Any]:
    return pl.read_parquet(path)["predicted_genres"].to_list()


def test_rows_in_other_languages_are_counted_and_warned_of(
    catalog: Path, model: Path, tmp_path: Path
) -> None:
    with pytest.warns(GenreBatchWarning, match=MESSAGE + r".*`only_language` en to leave them"):
        summary = tag_catalog(catalog, tmp_path / "o.parquet", model=model)
    assert (summary.language, summary.rows_in_other_languages) == ("en", 3)
    assert summary.other_languages == {"es": 2, "ja": 1}
    assert summary.first_other_language is not None
    assert (summary.rows_predicted, summary.rows_without_text) == (6, 1)
    assert all(row is not None for row in _genres(tmp_path / "o.parquet")[3:])


def test_rows_in_other_languages_can_be_left_without_genres(
    catalog: Path, model: Path, tmp_path: Path
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        summary = tag_catalog(
            catalog, tmp_path / "o.parquet", model=model, only_language="EN", min_k=1
        )
        plain = tag_catalog(
            catalog, tmp_path / "p.parquet", model=model, only_language="es", min_k=1
        )
    genres = _genres(tmp_path / "o.parquet")
    assert [row for row, names in enumerate(genres) if names is None] == sorted([2, *OTHERS])
    assert (summary.rows_predicted, summary.rows_without_text) == (3, 1)
    assert summary.rows_in_other_languages == 3
    # A text that says too little is not left out.
    left = [row for row, names in enumerate(_genres(tmp_path / "p.parquet")) if names is None]
    assert (left, plain.language) == ([0, 2, 3, 6], "es")


def test_a_row_s_result_depends_on_its_text_alone(
    catalog: Path, model: Path, tmp_path: Path
) -> None:
    rows = pl.read_parquet(catalog)
    rows.reverse().write_ndjson(tmp_path / "r.jsonl")
    options: dict[str, Any] = {"model": model, "only_language": "en", "min_k": 1}
    tag_catalog(catalog, tmp_path / "a.parquet", cache=tmp_path / "cache", **options)
    tag_catalog(catalog, tmp_path / "b.parquet", cache=tmp_path / "cache", threads=1, **options)
    tag_catalog(tmp_path / "r.jsonl", tmp_path / "c.jsonl", **options)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    lines = [json.loads(line) for line in (tmp_path / "c.jsonl").read_text().splitlines()]
    assert [line["predicted_genres"] for line in reversed(lines)] == _genres(tmp_path / "a.parquet")


def test_tables_in_memory_leave_such_rows_out_too(catalog: Path, model: Path) -> None:
    table = pa.table({"overview": TEXTS})
    options: dict[str, Any] = {"model": model, "only_language": "en", "min_k": 1}
    for tagged in (tag_table(table, **options), tag_batches(table, **options).read_all()):
        nulls = tagged.column("predicted_genres").is_null().to_pylist()
        assert [row for row, is_null in enumerate(nulls) if is_null] == [1, 2, 3, 5]
    with pytest.warns(GenreBatchWarning, match=MESSAGE):
        tag_table(table, model=model)


def test_parts_of_a_folder_are_summed(catalog: Path, model: Path, tmp_path: Path) -> None:
    other = tmp_path / "more.parquet"
    other.write_bytes(catalog.read_bytes())
    folder = tmp_path / "tagged"
    with pytest.warns(GenreBatchWarning, match=r"6 of 12 texts .*Spanish \(4\), Japanese \(2\)"):
        summary = tag_catalog([catalog, other], f"{folder}/", model=model)
    assert summary.rows_in_other_languages == 6


def test_evaluations_and_audits_warn_too(catalog: Path, model: Path, tmp_path: Path) -> None:
    with pytest.warns(GenreBatchWarning, match=MESSAGE + r".*remove these rows"):
        evaluate(EvaluationJob(catalog, model))
    with pytest.warns(GenreBatchWarning, match=MESSAGE + r".*remove these rows"):
        result = audit(AuditJob(catalog, tmp_path / "r.jsonl", model=model))
    assert result.rows_in_other_languages == 3


def test_a_model_of_unknown_language_looks_at_none(
    catalog: Path, tiny_model: Path, tmp_path: Path
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        summary = tag_catalog(catalog, tmp_path / "o.parquet", model=tiny_model)
    assert (summary.language, summary.rows_in_other_languages) == (None, 0)
    tag_catalog(catalog, tmp_path / "p.parquet", model=tiny_model, only_language="en")
    assert _genres(tmp_path / "p.parquet")[1] is None


def test_an_unknown_language_is_a_usage_error(command: Command, catalog: Path) -> None:
    refused = command("tag", catalog, "--only-language", "klingon")
    assert refused.returncode == 2
    assert b"--only-language must be a code of ISO 639-1, got 'klingon'" in refused.stderr


def test_the_shipped_model_reads_english() -> None:
    table = pa.table({"overview": [ENGLISH, FILMS["de"][0]]})
    with pytest.warns(GenreBatchWarning, match=r"1 of 2 texts .* but in German \(1\)"):
        tag_table(table, model=ROOT / "export" / "genre-batch.onnx")

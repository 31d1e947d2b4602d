from __future__ import annotations

import base64
import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from genre_batch import (
    ApplyJob,
    AuditJob,
    AuditResult,
    CatalogError,
    ColumnError,
    UsageError,
    apply_review,
    audit,
)
from genre_batch.catalog.options import ColumnOptions
from genre_batch.catalog.writing.text import DelimitedEncoder
from genre_batch.errors import GenreBatchWarning
from genre_batch.model.text_keys import text_key
from genre_batch.options import from_flat_options
from support.tiny import write_model

WORDS = {"fight": "Action", "laugh": "Comedy", "cry": "Drama", "robot": "Science Fiction"}
ROBOTS = " ".join(["robot"] * 10)
FIELDS = ["row", "kind", "genre", "probability", "score", "seen_in_training"]


pytestmark = pytest.mark.usefixtures("default_model")


def _films(rows: int = 80) -> pl.DataFrame:
    """Return films with one genre each, but 7 has Drama too, and 21 Comedy instead of Action."""
    words, genres = list(WORDS), list(WORDS.values())
    cells = [[genres[row % 4]] for row in range(rows)]
    texts = [f"{words[row % 4]} film{row}" for row in range(rows)]
    texts[7], cells[7] = ROBOTS, ["Science Fiction", "Drama"]
    texts[21], cells[21] = "fight " * 10, ["Comedy"]
    return pl.DataFrame(
        {
            "id": [f"m{row}" for row in range(rows)],
            "Title": [f"Film {row}" for row in range(rows)],
            "year": [1990 + row % 30 for row in range(rows)],
            "overview": texts,
            "genres": cells,
        }
    )


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    path = tmp_path / "films.parquet"
    _films().write_parquet(path)
    return path


def _audited(catalog: Path | str, **options: Any) -> tuple[AuditResult, list[dict[str, Any]]]:
    output = Path(options.pop("output", Path(catalog).parent / "review.jsonl"))
    options |= {"catalog": str(catalog), "output": output, "force": True}
    result = audit(from_flat_options(AuditJob, options))
    return result, [json.loads(line) for line in output.read_text().splitlines()]


def test_the_mistakes_come_first_with_the_columns_of_their_rows(catalog: Path) -> None:
    result, records = _audited(catalog)
    found = [(each["row"], each["kind"], each["genre"]) for each in records]
    assert set(found[:3]) == {
        (7, "doubtful", "Drama"),
        (21, "doubtful", "Comedy"),
        (21, "missing", "Action"),
    }
    assert list(records[0]) == [*FIELDS, "id", "Title", "overview", "genres"]
    record = records[found.index((7, "doubtful", "Drama"))]
    assert (record["id"], record["Title"]) == ("m7", "Film 7")
    assert (record["overview"], record["genres"]) == (ROBOTS, ["Science Fiction", "Drama"])
    scores = [each["score"] for each in records]
    assert scores == sorted(scores, reverse=True)
    assert min(scores) >= 0.5
    assert (result.rows, result.rows_audited, result.records) == (80, 80, len(records))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("Title", ["id", "Title", "genres"]), ("id", ["Title", "id", "genres"])],
)
def test_a_column_with_two_roles_is_in_records_once(
    tmp_path: Path, text: str, expected: list[str]
) -> None:
    films = _films().select(
        pl.col("id" if text == "Title" else "overview").alias("id"),
        pl.col("overview" if text == "Title" else "Title").alias("Title"),
        "genres",
    )
    path = tmp_path / "films.parquet"
    films.write_parquet(path)
    _, records = _audited(path, text_column=text)
    assert list(records[0]) == [*FIELDS, *expected]
    assert records[0]["row"] in (7, 21)


def test_every_format_has_the_same_records(catalog: Path, tmp_path: Path) -> None:
    films = _films()
    joined = films.with_columns(pl.col("genres").list.join(", "))
    joined.write_csv(tmp_path / "films.csv")
    films.write_ndjson(tmp_path / "films.jsonl")
    expected = [(each["row"], each["genre"], each["score"]) for each in _audited(catalog)[1]]
    for name in ("films.csv", "films.jsonl"):
        _, records = _audited(tmp_path / name)
        assert [(each["row"], each["genre"], each["score"]) for each in records] == expected
    audit(AuditJob(tmp_path / "films.csv", tmp_path / "review.csv"))
    audit(AuditJob(catalog, tmp_path / "review.parquet"))
    by_csv = pl.read_csv(tmp_path / "review.csv")
    by_parquet = pl.read_parquet(tmp_path / "review.parquet")
    assert "Science Fiction, Drama" in by_csv["genres"].to_list()
    assert by_csv["row"].to_list() == by_parquet["row"].to_list()
    assert by_parquet.schema["score"] == pl.Float32


def test_a_stream_is_read_twice_too(
    catalog: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _films().write_ndjson(tmp_path / "films.jsonl")
    _, expected = _audited(catalog)
    with open(tmp_path / "films.jsonl", "rb") as stream:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(stream))
        _, records = _audited("-", output=tmp_path / "from-stdin.jsonl")
    assert records == expected


def test_all_has_a_record_for_every_row_and_genre_in_order(catalog: Path) -> None:
    films = _films().with_columns(
        pl.when(pl.col("id") == "m3").then(None).otherwise(pl.col("overview")).alias("overview"),
        pl.when(pl.col("id") == "m4").then(None).otherwise(pl.col("genres")).alias("genres"),
    )
    films.write_parquet(catalog)
    result, records = _audited(catalog, all=True)
    assert len(records) == result.records == 80 * 4
    assert [each["row"] for each in records] == np.repeat(np.arange(80), 4).tolist()
    of_row = [each["score"] for each in records if each["row"] == 0]
    assert of_row == sorted(of_row, reverse=True)
    without_text = [each for each in records if each["row"] == 3]
    assert {(each["probability"], each["score"]) for each in without_text} == {(None, None)}
    without_genres = [each for each in records if each["row"] == 4]
    assert {each["score"] for each in without_genres} == {None}
    assert {each["kind"] for each in without_genres} == {"missing"}
    assert (result.rows_without_text, result.rows_without_genres) == (1, 1)


def test_by_row_has_one_record_per_row_with_its_worst_label(catalog: Path) -> None:
    _, records = _audited(catalog, by="row")
    rows = [each["row"] for each in records]
    assert len(set(rows)) == len(rows)
    assert set(rows[:2]) == {7, 21}
    _, every = _audited(catalog, by="row", all=True)
    assert [each["row"] for each in every] == list(range(80))


def test_records_can_be_limited(catalog: Path) -> None:
    _, records = _audited(catalog, top=1)
    assert len(records) == 1
    _, records = _audited(catalog, genres="action", min_score=0)
    assert {each["genre"] for each in records} == {"Action"}
    assert len(records) == 80
    result, records = _audited(catalog, limit=10, all=True)
    assert result.rows == 10
    assert {each["row"] for each in records} == set(range(10))


def test_options_that_exclude_each_other_are_errors() -> None:
    with pytest.raises(UsageError, match="`all` and `top` cannot be used together"):
        AuditJob(all=True, top=3)
    with pytest.raises(UsageError, match="`select` and `genres` cannot be used together"):
        AuditJob(select=3, genres="Drama")
    with pytest.raises(UsageError, match="`genres`: unknown genre 'Dramma': did you mean 'Drama'"):
        _audited(Path(__file__), genres="Dramma", input_format="csv")


def test_a_column_that_has_the_name_of_ours_is_renamed(catalog: Path) -> None:
    films = _films().rename({"genres": "genre", "Title": "title", "id": "row"})
    films.write_parquet(catalog)
    result, records = _audited(catalog)
    assert list(records[0]) == [*FIELDS, "title", "overview", "catalog_genre"]
    assert result.record_columns["genre"] == "catalog_genre"


def test_genres_may_be_columns_of_flags(tmp_path: Path) -> None:
    films = _films()
    flags = [
        pl.col("genres").list.contains(name).cast(pl.Int8).alias(name) for name in WORDS.values()
    ]
    path = tmp_path / "flags.csv"
    films.with_columns(flags).drop("genres").write_csv(path)
    _, records = _audited(path, label_columns=tuple(WORDS.values()))
    assert {each["row"] for each in records[:3]} == {7, 21}
    assert ["Drama", "Science Fiction"] in [each["genres"] for each in records[:3]]


def test_what_the_model_was_trained_on_is_marked(catalog: Path, tmp_path: Path) -> None:
    keys = np.array([text_key(ROBOTS)], dtype=">u8").tobytes()
    props = {
        "training_text_keys": base64.b64encode(keys).decode(),
        "text_key_version": 2,
    }
    model = write_model(tmp_path / "seen.onnx", props=props)
    result, records = _audited(catalog, model=model)
    assert result.rows_seen_in_training == 1
    assert {each["row"] for each in records if each["seen_in_training"]} == {7}


def test_rows_without_genres_are_chosen_for_labeling(tmp_path: Path) -> None:
    texts = ["laugh one", "the", "the", "unknown word", "fight", "laugh fight cry robot"]
    path = tmp_path / "films.csv"
    pl.DataFrame({"overview": texts, "genres": [None] * 6}).write_csv(path)
    _, records = _audited(path, select=3)
    assert [each["kind"] for each in records] == ["unlabeled"] * 3
    assert records[0]["row"] == 1
    assert not {2, 3} & {each["row"] for each in records}
    scores = [each["score"] for each in records]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_rows_are_chosen_from_a_catalog_without_a_genre_column(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"films.{suffix}"
    films = _films().drop("genres")
    getattr(films, {"jsonl": "write_ndjson"}.get(suffix, f"write_{suffix}"))(path)
    _, records = _audited(path, select=3)
    assert [(each["kind"], each["genres"]) for each in records] == [("unlabeled", None)] * 3
    with pytest.raises(ColumnError, match="no column 'mood'"):
        _audited(path, select=3, genre_column="mood")


def test_a_catalog_without_what_is_audited_is_an_error_before_any_prediction(
    catalog: Path, tmp_path: Path
) -> None:
    films = _films()
    path = tmp_path / "other.parquet"

    def fails(frame: pl.DataFrame, error: type[Exception], match: str, **options: Any) -> None:
        frame.write_parquet(path)
        with pytest.raises(error, match=match) as raised:
            _audited(path, **options)
        assert not getattr(raised.value, "__notes__", [])

    without = "no column named genres.*columns: id, Title, year.*add `select` N"
    fails(films.drop("genres"), ColumnError, without)
    twice = films.with_columns(pl.col("genres").alias("Genres"))
    fails(twice, ColumnError, r"'genres' and 'Genres' both match: (?!.*`select`)")
    empty = films.with_columns(pl.lit(None, pl.String).alias("genres"))
    fails(empty, CatalogError, "no row has a text and a genre .*add `select` N")
    fails(films, CatalogError, "every row with a text has genres", select=3)
    unknown = films.with_columns(pl.lit("Commedia|Poetry").alias("genres"))
    fails(unknown, CatalogError, "knows none of its genres: 'Commedia' .80 rows, nearest: 'Comedy'")
    flags = films.drop("genres").with_columns((pl.int_range(pl.len()) % 2).alias("is_Drama"))
    advice = "map their names with `genre_map`, or choose another `label_columns` or `model`"
    fails(flags, CatalogError, advice, label_columns=("is_Drama",))
    fails(films.with_columns(pl.lit("").alias("overview")), CatalogError, "no row has a text")
    numbers = films.with_columns(pl.lit(7).alias("overview"))
    fails(numbers, ColumnError, "'overview' is of type int32, not text: .*`text_column`")
    assert not (tmp_path / "review.jsonl").exists()


def test_genres_that_only_later_rows_have_are_known(tmp_path: Path) -> None:
    films = _films(6000)
    path = tmp_path / "films.parquet"
    films.with_columns(
        pl.when(pl.int_range(6000) < 5900)
        .then(pl.lit(None, pl.List(pl.String)))
        .otherwise(pl.col("genres"))
        .alias("genres")
    ).write_parquet(path)
    result, _ = _audited(path)
    assert (result.rows_audited, result.rows_without_genres) == (100, 5900)


def test_the_option_or_the_model_defines_what_an_empty_cell_means(
    catalog: Path, tmp_path: Path
) -> None:
    films = _films().with_columns(
        pl.when(pl.col("id") == "m4").then([]).otherwise(pl.col("genres")).alias("genres")
    )
    films.write_parquet(catalog)
    assert _audited(catalog)[0].rows_without_genres == 1
    assert _audited(catalog, empty="negative")[0].rows_without_genres == 0
    columns = {"genres": "genres", "empty": "negative"}
    model = write_model(tmp_path / "remembers.onnx", props={"columns": columns})
    result, records = _audited(catalog, model=model)
    assert result.rows_without_genres == 0
    assert (4, "missing", "Action") in [
        (each["row"], each["kind"], each["genre"]) for each in records
    ]
    assert _audited(catalog, model=model, empty="skip")[0].rows_without_genres == 1


def test_unknown_genres_are_left_out_with_a_warning(catalog: Path) -> None:
    films = _films().with_columns(pl.lit(["Drama", "Dramatic"]).alias("genres"))
    films.write_parquet(catalog)
    with pytest.warns(match="does not know 'Dramatic' .80 rows, nearest: 'Drama'"):
        result, _ = _audited(catalog)
    assert result.ignored == {"Dramatic": 80}


def test_the_summary_estimates_the_true_counts(catalog: Path, tmp_path: Path) -> None:
    summary = tmp_path / "summary.json"
    result, _ = _audited(catalog, summary_json=summary)
    by_genre = {each.genre: each for each in result.genres}
    action, drama = by_genre["Action"], by_genre["Drama"]
    assert (action.rows, drama.rows) == (20, 21)
    assert action.true_rows == pytest.approx(21, abs=0.2)
    assert drama.true_rows == pytest.approx(20, abs=0.6)
    for genre in result.genres:
        assert genre.true_rows == pytest.approx(genre.rows - genre.wrong + genre.missing)
        low, high = genre.true_rows_interval
        assert low <= genre.true_rows <= high
    assert json.loads(summary.read_text()) == json.loads(json.dumps(result.as_dict()))


def test_an_interrupted_audit_goes_on_and_writes_the_same_bytes(
    catalog: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, again = tmp_path / "whole.csv", tmp_path / "again.csv"
    audit(AuditJob(catalog, whole))

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(DelimitedEncoder, "finish", fail)
        with pytest.raises(KeyboardInterrupt) as raised:
            audit(AuditJob(catalog, again))
    assert raised.value.__notes__ == ["predictions are kept: run the same command again to resume"]
    assert not again.exists()
    result = audit(AuditJob(catalog, again, threads=1))
    assert (result.texts_predicted, result.texts_from_cache) == (0, 80)
    assert again.read_bytes() == whole.read_bytes()


def test_the_output_is_one_file_that_is_not_there_yet(catalog: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a folder: name a file for the records"):
        audit(AuditJob(catalog, tmp_path))
    with pytest.raises(UsageError, match="is one of the inputs: choose another name"):
        audit(AuditJob(catalog, catalog, force=True))
    names = tmp_path / "names.csv"
    names.write_text("Drama\n")
    columns = ColumnOptions(label_names=names)
    with pytest.raises(UsageError, match=r"`output`: .*names\.csv is one of the inputs"):
        audit(AuditJob(catalog, names, columns=columns, force=True))
    with pytest.raises(UsageError, match=r"`summary_json`: .*names\.csv is one of the inputs"):
        audit(AuditJob(catalog, columns=columns, summary_json=names, force=True))
    (tmp_path / "review.csv").write_text("mine")
    with pytest.raises(CatalogError, match=r"review\.csv exists: add `force`"):
        audit(AuditJob(catalog, tmp_path / "review.csv"))


def test_a_catalog_without_rows_has_no_records(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text("overview,genres\n")
    result, records = _audited(tmp_path / "empty.csv")
    assert (result.rows, records) == (0, [])
    (tmp_path / "empty.jsonl").write_text("")
    result, records = _audited(tmp_path / "empty.jsonl")
    assert (result.rows, records) == (0, [])


def test_a_map_and_usual_names_are_read_and_the_map_s_names_are_written(tmp_path: Path) -> None:
    names = {"Science Fiction": "SF", "Drama": "Weepie", "Comedy": "Comedies"}
    films = _films()
    own = tmp_path / "own.parquet"
    films.write_parquet(own)
    theirs = tmp_path / "theirs.parquet"
    cells = pl.col("genres").list.eval(pl.element().replace(names))
    films.with_columns(cells).write_parquet(theirs)
    (tmp_path / "map.csv").write_text("Weepie,Drama\nTearjerker,Drama,Comedy\n")
    _, expected = _audited(own)
    with pytest.warns(GenreBatchWarning, match=r"'Comedies' as 'Comedy' \(\d+ rows\), 'SF' as"):
        result, records = _audited(theirs, genre_map=tmp_path / "map.csv", genres="weepie,comedy")
    assert {"Weepie"} <= {row.genre for row in result.genres}
    assert [(row["row"], row["kind"], row["score"]) for row in records] == [
        (row["row"], row["kind"], row["score"])
        for row in expected
        if row["genre"] in ("Drama", "Comedy")
    ]
    assert {row["genre"] for row in records} == {"Weepie", "Comedy"}


def test_a_doubtful_genre_has_the_row_s_own_name_so_that_a_review_needs_no_map(
    tmp_path: Path,
) -> None:
    films = _films()
    films[20, "overview"] = films[22, "overview"] = "fight " * 10
    cells = [["Laughs"] if row % 2 else ["Funny"] for row in range(80)]
    wrong = [
        cells[row] if row in (20, 21, 22) else genres for row, genres in enumerate(films["genres"])
    ]
    theirs = tmp_path / "theirs.csv"
    joined = [
        "|".join(genres).replace("Comedy", ("Funny", "Laughs")[row % 2])
        for row, genres in enumerate(wrong)
    ]
    films.with_columns(pl.Series("genres", joined)).write_csv(theirs)
    (tmp_path / "map.csv").write_text("Funny,Comedy\nLaughs,Comedy\n")
    with pytest.warns(GenreBatchWarning, match="several names of one genre"):
        result, records = _audited(theirs, genre_map=tmp_path / "map.csv", genres="funny", top=3)
    assert {row["row"]: (row["kind"], row["genre"]) for row in records} == {
        20: ("doubtful", "Funny"),
        21: ("doubtful", "Laughs"),
        22: ("doubtful", "Funny"),
    }
    assert next(row.records_doubtful for row in result.genres if row.genre == "Funny") == 3
    review = tmp_path / "decided.jsonl"
    review.write_text("".join(json.dumps({**row, "decision": "wrong"}) + "\n" for row in records))
    for genre_map in (None, tmp_path / "map.csv"):
        corrected = tmp_path / f"corrected{genre_map is None}.csv"
        job = ApplyJob(review, theirs, corrected, genre_map=genre_map)
        assert apply_review(job).rows_changed == 3
        assert pl.read_csv(corrected)["genres"][20:23].to_list() == [None, None, None]


def test_a_page_that_fails_costs_no_prediction(catalog: Path, tmp_path: Path) -> None:
    job = AuditJob(catalog, tmp_path / "review.csv")

    def fail(result: AuditResult) -> None:
        raise CatalogError(f"no room for {result.records} records")

    with pytest.raises(CatalogError, match="no room for") as raised:
        audit(job, finish=fail)
    assert "run the same command again to resume" in raised.value.__notes__[0]
    results: list[AuditResult] = []
    audit(job, finish=results.append)
    assert [(result.texts_predicted, result.texts_from_cache) for result in results] == [(0, 80)]
    assert [path.name for path in tmp_path.glob(".*")] == []

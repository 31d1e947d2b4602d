"""A DataFrame of Spark gets the genres that `tag` writes, and keeps its schema."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pytest

from genre_batch import (
    CatalogError,
    ColumnError,
    GenreTagger,
    MissingExtraError,
    ModelError,
    UsageError,
    spark,
    tag_table,
)

OPTIONS: list[dict[str, Any]] = [
    {},
    {"probabilities": True, "top_k": 1},
    {"operating_point": "no-drama"},
    {"text_column": "title", "title_column": "overview"},
    {"only_missing": "genres"},
    {"output_column": "genres", "replace": True, "min_k": 1, "exclude_genres": "drama"},
]
FILMS = pa.table(
    {
        "id": pa.array(range(300)),
        "title": ["fight", None, "", "robot", "x", None] * 50,
        "overview": ["laugh", "cry laugh", None, " ", "the", "fight robot cry"] * 50,
        "genres": [["War"], [], None, ["War"], [], None] * 50,
    }
)


def test_the_package_is_imported_without_pyspark() -> None:
    assert spark.__all__ == ["tag"]


def test_without_pyspark_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genre_batch.extras.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"genre_batch\.spark\.tag needs the extra 'spark'"):
        spark.tag(FILMS)


@pytest.fixture(scope="module")
def session() -> Iterator[Any]:
    """Return a session with two cores, in which a task may fail three times."""
    sql = pytest.importorskip(
        "pyspark.sql", reason="pyspark (490 MB) is not part of the extra test"
    )
    if shutil.which("java") is None:
        pytest.skip("no Java: apt-get install default-jre-headless")
    changes = {"SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable}
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    builder = sql.SparkSession.builder.master("local[2,4]")
    for name, value in {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.driver.memory": "1g",
    }.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()
    for name, old in before.items():
        if old is None:
            del os.environ[name]
        else:
            os.environ[name] = old


@pytest.mark.slow
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_values_are_those_of_a_table(
    options: dict[str, Any], session: Any, tagger: GenreTagger
) -> None:
    films = session.createDataFrame(FILMS).repartition(4)
    tagged = spark.tag(films, model=tagger, **options)
    expected = tag_table(FILMS, model=tagger, **options)
    assert tagged.columns == expected.column_names
    table = tagged.orderBy("id").toArrow()
    for name in expected.column_names:
        assert table.column(name).to_pylist() == expected.column(name).to_pylist(), name


@pytest.mark.slow
def test_names_of_a_file_that_only_the_driver_has(
    session: Any, tagger: GenreTagger, tmp_path: Path
) -> None:
    names = tmp_path / "names.csv"
    names.write_text("Lustspiel,comedy\nTrauerspiel,drama\nAction,\n")
    options: dict[str, Any] = {
        "genre_map": names,
        "exclude_genres": "Trauerspiel",
        "probabilities": True,
        "only_language": "en",
    }
    expected = tag_table(FILMS, model=tagger, **options)
    tagged = spark.tag(session.createDataFrame(FILMS), model=tagger, **options)
    names.unlink()
    table = tagged.orderBy("id").toArrow()
    assert table.column_names == expected.column_names
    assert "Lustspiel" in str(table)
    for name in expected.column_names:
        assert table.column(name).to_pylist() == expected.column(name).to_pylist(), name
    with pytest.raises(UsageError, match=r"no such file: .*names\.csv"):
        spark.tag(session.createDataFrame(FILMS), model=tagger, genre_map=names)
    names.write_text("Lustspiel,Komedy\n")
    with pytest.raises(CatalogError, match="the model has no genre 'Komedy'"):
        spark.tag(session.createDataFrame(FILMS), model=tagger, genre_map=names)


@pytest.mark.slow
def test_the_schema_stays(session: Any, tagger: GenreTagger) -> None:
    from pyspark.sql.types import (
        ArrayType,
        FloatType,
        IntegerType,
        StringType,
        StructField,
        StructType,
    )

    schema = StructType(
        [
            StructField("overview", StringType(), False, {"comment": "what happens"}),
            StructField("n", IntegerType(), False),
        ]
    )
    films = session.createDataFrame([("laugh", 1), ("cry", 2)], schema).selectExpr(
        "*",
        *("current_timestamp() as at", "map('a', 1) as m", "cast(1 as decimal(38, 2)) as d"),
        *("x'00' as b", "null as nothing", "struct(1 as a) as s", "interval '1' day as i"),
    )
    tagged = spark.tag(films, model=tagger, probabilities=True)
    fields = tagged.schema.fields
    assert fields[: len(films.schema)] == films.schema.fields
    genres, *probabilities = fields[len(films.schema) :]
    assert (genres.name, genres.dataType) == ("predicted_genres", ArrayType(StringType()))
    assert genres.metadata["genre_batch.model_sha256"] == tagger.sha256
    assert {(one.dataType, one.nullable) for one in probabilities} == {(FloatType(), True)}
    assert [row.predicted_genres for row in tagged.collect()] == [["Comedy"], ["Drama"]]


@pytest.mark.slow
def test_columns_that_spark_or_the_model_cannot_read_are_refused(
    session: Any, tagger: GenreTagger
) -> None:
    films = session.createDataFrame([("laugh", 1)], "overview string, n int")
    cases: list[tuple[Any, dict[str, Any], str]] = [
        (films.drop("overview"), {}, "no column named overview"),
        (films, {"text_column": "n"}, "'n' is of type int, not text"),
        (films, {"title_column": "n"}, "'n' is of type int, not text"),
        (films, {"only_missing": "x"}, "no column 'x'"),
        (films.withColumn("predicted_genres", films.n), {}, "already has 'predicted_genres'"),
        (films.withColumn("Predicted_Genres", films.n), {}, "already has 'Predicted_Genres'"),
        (films.join(films.select("n"), "n").select("overview", "n", "n"), {}, "`df` has a dupl"),
        (
            films.selectExpr("*", "make_interval(1) as i"),
            {},
            "cannot pass the column 'i' of type interval to Python: drop it",
        ),
        (
            films.selectExpr("*", "array() as `a.b`"),
            {},
            r"cannot pass the column 'a\.b' of type array<void> to Python: drop it",
        ),
    ]
    for frame, options, message in cases:
        with pytest.raises(ColumnError, match=message):
            spark.tag(frame, model=tagger, **options)
    replaced = spark.tag(films.withColumn("Predicted_Genres", films.n), model=tagger, replace=True)
    assert replaced.columns == ["overview", "n", "predicted_genres"]
    assert replaced.collect()[0].predicted_genres == ["Comedy"]


@pytest.mark.slow
def test_names_may_hold_dots_and_backticks(session: Any, tagger: GenreTagger) -> None:
    films = session.createDataFrame([("laugh", 1, 2)], ["film.text", "a`b", "c"])
    tagged = spark.tag(films, model=tagger, text_column="film.text")
    assert tagged.columns == ["film.text", "a`b", "c", "predicted_genres"]
    assert tuple(tagged.collect()[0]) == ("laugh", 1, 2, ["Comedy"])


@pytest.mark.slow
def test_options_and_models_are_checked_on_the_driver(
    session: Any, tagger: GenreTagger, tmp_path: Path
) -> None:
    films = session.createDataFrame([("laugh",)], "overview string")
    (tmp_path / "bad.onnx").write_bytes(b"bad")
    with pytest.raises(UsageError, match="`top_k` must be"):
        spark.tag(films, model=tagger, top_k=0)
    with pytest.raises(UsageError, match="no such model"):
        spark.tag(films, model=tmp_path / "none.onnx")
    with pytest.raises(ModelError, match="not an ONNX file"):
        spark.tag(films, model=tmp_path / "bad.onnx")
    with pytest.raises(UsageError, match=r"`df` must be a DataFrame of Spark, got Table"):
        spark.tag(FILMS, model=tagger)
    with pytest.raises(UsageError, match=r"`df` must be a DataFrame of Spark, got type"):
        spark.tag(cast("Any", type(films)), model=tagger)


@pytest.mark.slow
def test_an_empty_frame_and_the_file_of_a_model(session: Any, tiny_model: Path) -> None:
    films = session.createDataFrame([], "overview string")
    assert spark.tag(films, model=tiny_model).collect() == []
    films = session.createDataFrame([("laugh",)], "overview string")
    tagged = spark.tag(films, model=str(tiny_model), threads=2).collect()
    assert tagged[0].predicted_genres == ["Comedy"]


def _workers() -> list[int]:
    """Return the Python workers of this process's session: children of its daemon."""
    parents, commands = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            stat = (folder / "stat").read_text().rpartition(")")[2].split()
            parents[int(folder.name)] = int(stat[1])
            commands[int(folder.name)] = (folder / "cmdline").read_bytes()

    def is_ours(pid: int) -> bool:
        while pid in parents:
            pid = parents[pid]
            if pid == os.getpid():
                return True
        return False

    daemons = {pid for pid, line in commands.items() if b"pyspark.daemon" in line and is_ours(pid)}
    return [pid for pid in daemons if parents[pid] in daemons]


@pytest.mark.slow
def test_a_worker_that_is_killed_loses_and_doubles_no_row(
    session: Any, tagger: GenreTagger
) -> None:
    films = pa.table({"id": range(4000), "overview": [f"laugh {n}" for n in range(4000)]})
    frame = session.createDataFrame(films).repartition(8)
    killed: list[int] = []
    stop = threading.Event()

    def kill() -> None:
        while not stop.is_set() and len(killed) < 2:
            for pid in _workers()[:1]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    killed.append(pid)
            time.sleep(0.5)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        table = spark.tag(frame, model=tagger, probabilities=True).orderBy("id").toArrow()
    finally:
        stop.set()
        thread.join()
    assert killed
    expected = tag_table(films, model=tagger, probabilities=True)
    for name in expected.column_names:
        assert table.column(name).to_pylist() == expected.column(name).to_pylist(), name

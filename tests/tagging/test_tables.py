"""Tables in memory and streams of batches get the genres that `tag` writes."""

from __future__ import annotations

import contextlib
import copy
import itertools
import pickle
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import genre_batch
from genre_batch import (
    CatalogError,
    ColumnError,
    GenreTagger,
    ModelError,
    UsageError,
    tag_batches,
    tag_catalog,
    tag_table,
)
from genre_batch.errors import GenreBatchWarning
from support.arrow_types import SAMPLES
from support.tiny import LABELS

FILMS = pa.table(
    {
        "id": ["a", "b", "c", "d", "e"],
        "title": ["fight", None, "", "robot", "x"],
        "overview": ["laugh", "cry laugh", None, " ", "the"],
        "genres": [["War"], [], None, ["War"], []],
    }
)
OPTIONS: list[dict[str, Any]] = [
    {},
    {"probabilities": True},
    {"text_column": "title", "title_column": "overview"},
    {"threshold": 0.1},
    {"operating_point": "no-drama", "probabilities": True},
    {"top_k": 1},
    {"min_k": 2, "exclude_genres": "drama", "probabilities": True},
    {"only_missing": "genres"},
    {"null_values": ["laugh", "the"]},
    {"output_column": "genres", "replace": True},
    {"output_column": "kinds", "threads": 1},
]


def _tagged_file(source: pa.Table, folder: Path, model: Path, **options: Any) -> pa.Table:
    with pa.ipc.new_file(folder / "in.arrow", source.schema) as file:
        file.write_table(source)
    tag_catalog(folder / "in.arrow", folder / "out.arrow", model=model, force=True, **options)
    with pa.ipc.open_file(folder / "out.arrow") as file:
        return file.read_all()


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_a_table_gets_what_a_file_gets(
    options: dict[str, Any], tiny_model: Path, tmp_path: Path
) -> None:
    expected = _tagged_file(FILMS, tmp_path, tiny_model, **options)
    tagged = tag_table(FILMS, model=tiny_model, **options)
    assert tagged.equals(expected)
    assert tagged.schema.equals(expected.schema, check_metadata=True)
    batches = tag_batches(FILMS, model=tiny_model, **options)
    assert batches.schema.equals(expected.schema, check_metadata=True)
    assert batches.read_all().equals(expected)


WORDS = st.sampled_from(["laugh", "cry", "fight", "robot", "the", "", " ", "é"])
TEXTS = st.none() | st.lists(WORDS, max_size=5).map(" ".join)


@given(
    texts=st.lists(TEXTS, max_size=30),
    cuts=st.lists(st.integers(0, 30)),
    top_k=st.none() | st.just(1),
)
def test_values_depend_on_the_row_alone(
    texts: list[str | None], cuts: list[int], top_k: int | None, tagger: GenreTagger
) -> None:
    table = pa.table({"overview": pa.array(texts, pa.string())})
    options: dict[str, Any] = {"model": tagger, "probabilities": True, "top_k": top_k}
    bounds = sorted({0, *(cut for cut in cuts if cut < len(texts)), len(texts)})
    pieces = [table.slice(a, b - a) for a, b in itertools.pairwise(bounds)]
    whole = tag_table(table, **options)
    assert whole.column("predicted_genres").to_pylist() == tagger.tag(texts, top_k=top_k)
    proba = tagger.predict_proba(texts)
    for number, label in enumerate(LABELS):
        column = whole.column(f"probability_{label}").to_numpy()
        assert np.array_equal(column, proba[:, number], equal_nan=True)
    if pieces:
        assert whole.equals(pa.concat_tables([tag_table(piece, **options) for piece in pieces]))
        chunked = pa.concat_tables(pieces)
        assert whole.equals(tag_batches(chunked, **options).read_all())
    frame = tag_table(pl.DataFrame({"overview": texts}, {"overview": pl.String}), **options)
    assert frame.to_arrow().cast(whole.schema).equals(whole)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (FILMS, pa.Table),
        (FILMS.to_batches()[0], pa.RecordBatch),
        (FILMS.to_reader(), pa.Table),
        (pl.from_arrow(FILMS), pl.DataFrame),
        (FILMS.to_pydict(), dict),
        (FILMS.to_struct_array().combine_chunks(), None),
    ],
    ids=["Table", "RecordBatch", "RecordBatchReader", "polars", "dict", "StructArray"],
)
def test_the_result_is_of_the_kind_that_was_given(
    data: Any, kind: type, tagger: GenreTagger
) -> None:
    if kind is None:
        with pytest.raises(UsageError, match=r"`data` must be a table .*, got StructArray"):
            tag_table(data, model=tagger)
        return
    tagged = tag_table(data, model=tagger)
    assert type(tagged) is kind
    table = pa.table(tagged)
    assert table.column_names == [*FILMS.column_names, "predicted_genres"]
    genres = [["Action", "Comedy"], ["Comedy", "Drama"], None, None, []]
    assert table.column("predicted_genres").to_pylist()[1:] == genres[1:]


class Exporter:
    """A table of another library."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)


class ArrayExporter:
    """A batch of another library."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        self._batch = batch

    def __arrow_c_array__(self, requested_schema: object = None) -> object:
        return self._batch.__arrow_c_array__(requested_schema)


@pytest.mark.parametrize("data", [Exporter(FILMS), ArrayExporter(FILMS.to_batches()[0])])
def test_anything_that_exports_arrow_data_becomes_a_pyarrow_table(
    data: Any, tagger: GenreTagger
) -> None:
    expected = tag_table(FILMS, model=tagger)
    assert tag_table(data, model=tagger).equals(expected)
    assert tag_batches(data, model=tagger).read_all().equals(expected)


@pytest.mark.parametrize(
    "data",
    [
        *(None, 3, "films.csv", b"x", [1], ["laugh"], [{"overview": "laugh"}], {"laugh"}, object()),
        *(pa.array(["laugh"]), pa.chunked_array([["laugh"]]), pl.Series(["laugh"]), iter([1])),
        *(pa.chunked_array([[{"overview": "laugh"}]]), pl.Series([{"overview": "laugh"}])),
        *({}, {"overview": "laugh"}, {"overview": ["a"], "x": [1, 2]}, {"overview": 3}),
        *({"overview": {"a": 1}.items}, pl.LazyFrame, Exporter),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_not_a_table_is_refused(data: Any, tagger: GenreTagger) -> None:
    for function in (tag_table, tag_batches):
        with pytest.raises(
            UsageError, match=r"^`data` must (be a table|have columns|yield)"
        ) as told:
            function(data, model=tagger)
        assert "\n" not in str(told.value)


def test_what_is_nearly_a_table_is_told_what_reads_it(tagger: GenreTagger, tmp_path: Path) -> None:
    pq.write_table(FILMS, tmp_path / "a.parquet")
    for data, advice in (
        ("films.csv", "got str: tag_catalog reads files"),
        (tmp_path, "tag_catalog reads files"),
        ([{"overview": "laugh"}], r"got list: pyarrow\.Table\.from_pylist makes a table of rows"),
        (iter(FILMS.to_batches()), "tag_batches reads batches"),
        (ds.dataset(tmp_path), "tag_batches reads batches"),
        (ds.dataset(tmp_path).scanner(), "tag_batches reads batches"),
        (pq.ParquetFile(tmp_path / "a.parquet"), r"pass its read\(\), or its iter_batches\(\) to"),
    ):
        with pytest.raises(UsageError, match=advice):
            tag_table(data, model=tagger)


def test_an_array_of_several_dimensions_is_no_column(tagger: GenreTagger) -> None:
    with pytest.raises(UsageError, match="the column 'overview' of `data` has 2 dimensions: make"):
        tag_table({"overview": np.array([["laugh"]])}, model=tagger)
    with pytest.raises(UsageError, match=r"got dict .*1-dimensional"):
        tag_batches({"overview": ["a"], "x": np.zeros((1, 3))}, model=tagger)


@pytest.mark.parametrize("lazy", [False, True])
def test_objects_of_polars_are_not_in_batches(lazy: bool, tagger: GenreTagger) -> None:
    frame = pl.DataFrame({"overview": ["laugh"], "x": pl.Series([object()], dtype=pl.Object)})
    with pytest.raises(UsageError, match="the column 'x' holds Python objects, which batches"):
        tag_batches(frame.lazy() if lazy else frame, model=tagger)


def test_a_lazy_frame_is_read_in_batches_or_collected_first(tagger: GenreTagger) -> None:
    lazy = pl.LazyFrame({"overview": ["laugh", "cry", None], "x": [1, 2, 3]}).filter(
        pl.col("x") > 1
    )
    with pytest.raises(UsageError, match=r"`data` is a LazyFrame: pass frame.collect\(\)"):
        tag_table(lazy, model=tagger)
    tagged = pl.from_arrow(tag_batches(lazy, model=tagger))
    assert isinstance(tagged, pl.DataFrame)
    assert tagged.rows() == [("cry", 2, ["Drama"]), (None, 3, None)]


@pytest.mark.parametrize("name", SAMPLES)
def test_columns_of_every_type_are_passed_through(name: str, tagger: GenreTagger) -> None:
    column = SAMPLES[name]
    table = pa.table({"x": column, "overview": ["laugh"] * len(column)})
    for tagged in (tag_table(table, model=tagger), tag_batches(table, model=tagger).read_all()):
        assert tagged.schema.field("x").equals(table.schema.field("x"))
        assert tagged.column("x").combine_chunks().equals(table.column("x").combine_chunks()) or (
            "NaN" in name or "half" in name
        )
        assert tagged.column("predicted_genres").to_pylist() == [["Comedy"]] * len(column)
    with contextlib.suppress(ColumnError):
        tag_table(table, model=tagger, text_column="x")
    assert tag_table(table, model=tagger, only_missing="x").num_rows == len(column)


def test_texts_of_every_layout_are_read(tagger: GenreTagger) -> None:
    texts = pa.array(["laugh", None, "cry"])
    for kind in (
        *(pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary()),
        pa.dictionary(pa.int8(), pa.string()),
    ):
        column = texts.dictionary_encode() if pa.types.is_dictionary(kind) else texts
        tagged = tag_table(pa.table({"overview": column.cast(kind)}), model=tagger)
        assert tagged.column("predicted_genres").to_pylist() == [["Comedy"], None, ["Drama"]]
    frame = pl.DataFrame({"overview": ["laugh", None, "cry"]})
    for dtype in (pl.Categorical, pl.Enum(["cry", "laugh"]), pl.Binary, pl.Object):
        texts_of = frame["overview"].to_list()
        column = (
            pl.Series("overview", texts_of, dtype=pl.Object)
            if dtype is pl.Object
            else frame["overview"].cast(dtype)
        )
        tagged = tag_table(pl.DataFrame([column]), model=tagger)
        assert tagged["predicted_genres"].to_list() == [["Comedy"], None, ["Drama"]]
        assert tagged["overview"].dtype == dtype


def test_polars_columns_that_arrow_does_not_have_stay(tagger: GenreTagger) -> None:
    things = pl.Series("things", [{1}, None, object], dtype=pl.Object)
    frame = pl.DataFrame([pl.Series("overview", ["laugh", None, "cry"]), things])
    tagged = tag_table(frame, model=tagger, only_missing="things")
    assert tagged["things"].to_list() == [{1}, None, object]
    assert tagged["predicted_genres"].to_list() == [None, None, None]
    assert tagged.columns == ["overview", "things", "predicted_genres"]
    empty = pl.Series("things", [set(), None, float("nan")], dtype=pl.Object)
    tagged = tag_table(frame.with_columns(empty), model=tagger, only_missing="things")
    assert tagged["predicted_genres"].to_list() == [["Comedy"], None, ["Drama"]]


def test_a_mapping_of_arrays_keeps_its_arrays(tagger: GenreTagger) -> None:
    texts = np.array(["laugh", None, float("nan"), 3, b"cry", b"\xff", "\ud800"], dtype=object)
    data = {"overview": texts, 7: np.arange(7), "vector": np.zeros((7, 2))}
    tagged = tag_table(data, model=tagger, probabilities=True)
    assert tagged["overview"] is texts
    assert tagged[7] is data[7]
    assert tagged["predicted_genres"].tolist() == [
        ["Comedy"],
        None,
        None,
        None,
        ["Drama"],
        None,
        [],
    ]
    assert tagged["probability_Comedy"].dtype == np.float32
    assert np.isnan(tagged["probability_Comedy"]).tolist() == [
        False,
        True,
        True,
        True,
        False,
        True,
        False,
    ]
    assert list(
        tag_table(data, model=tagger, text_column="overview", output_column="vector", replace=True)
    ) == [*("overview", 7, "vector")]


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        ({"x": ["a"]}, {}, "no column named overview"),
        ({"overview": ["a"]}, {"text_column": "x"}, "no column 'x': name one with `text_column`"),
        ({"Overview": ["a"], "OVERVIEW": ["b"]}, {}, "both match: choose one with `text_column`"),
        ({"overview": [1]}, {}, "'overview' is of type int64, not text"),
        ({"overview": ["a"], "predicted_genres": ["a"]}, {}, "already has 'predicted_genres': add"),
        (
            {"overview": ["a"], "probability_Drama": [1]},
            {"probabilities": True},
            "already has 'probability_Drama'",
        ),
        ({"overview": ["a"]}, {"only_missing": "x"}, "no column 'x': name one with `only_missing`"),
        ({"overview": ["a"]}, {"title_column": "x"}, "no column 'x': name one with `title_column`"),
        (
            {"overview": ["a"]},
            {"output_column": "overview", "replace": True},
            "`output_column` 'overview' would replace a column that is read",
        ),
    ],
)
def test_columns_that_are_missing_or_taken(
    columns: dict[str, Any], options: dict[str, Any], message: str, tagger: GenreTagger
) -> None:
    arrays = {name: np.array(values) for name, values in columns.items()}
    for data in (pa.table(columns), pl.DataFrame(columns), arrays):
        for function in (tag_table, tag_batches):
            with pytest.raises(ColumnError, match=message):
                function(data, model=tagger, **options)


@pytest.mark.parametrize("names", [["a", "a"], ["overview", "overview"]])
def test_two_columns_of_one_name_are_refused(names: list[str], tagger: GenreTagger) -> None:
    table = pa.table([pa.array(["x"]), pa.array(["y"])], names=names)
    for function in (tag_table, tag_batches):
        with pytest.raises(ColumnError, match=f"`data` has a duplicate column '{names[0]}'"):
            function(table, model=tagger)


def test_a_table_without_columns_is_refused(tagger: GenreTagger) -> None:
    for data in (pa.table({}), pl.DataFrame()):
        for function in (tag_table, tag_batches):
            with pytest.raises(
                ColumnError, match=r"no column named overview.*: there are no columns and"
            ):
                function(data, model=tagger)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"top_k": 0}, "`top_k` must be an integer"),
        ({"threshold": 2}, "`threshold` must be a number"),
        ({"threshold": 0.5, "operating_point": "f1"}, "cannot be used together"),
        ({"operating_point": "nowhere"}, "no operating point 'nowhere'"),
        ({"exclude_genres": "Western"}, "`exclude_genres`"),
        ({"output_column": " "}, "`output_column` must not be empty"),
        ({"text_column": 3}, "`text_column` must be a string"),
        ({"probabilities": "yes"}, "`probabilities` must be true or false"),
        ({"null_values": 3}, "`null_values` must be"),
        ({"threads": 0}, "`threads` must be"),
        ({"threads": 99}, r"`threads` is \d+ in the loaded `model`, got 99: leave it out"),
    ],
)
def test_values_out_of_range_name_their_parameter(
    options: dict[str, Any], message: str, tagger: GenreTagger
) -> None:
    for function in (tag_table, tag_batches):
        with pytest.raises(UsageError, match=message):
            function(FILMS, model=tagger, **options)


def test_a_model_that_is_missing_or_damaged_is_reported(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such model"):
        tag_table(FILMS, model=tmp_path / "none.onnx")
    (tmp_path / "bad.onnx").write_bytes(b"bad")
    with pytest.raises(ModelError, match="not an ONNX file"):
        tag_batches(FILMS, model=str(tmp_path / "bad.onnx"))
    with pytest.raises(UsageError, match="`model` must be a string"):
        tag_table(FILMS, model=3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "data", [FILMS.slice(0, 0), pl.from_arrow(FILMS.slice(0, 0)), {"overview": []}]
)
def test_no_rows_have_the_added_columns_too(data: Any, tagger: GenreTagger) -> None:
    tagged = tag_table(data, model=tagger, probabilities=True)
    names = (
        list(tagged)
        if isinstance(tagged, dict)
        else list(tagged.to_dict())
        if isinstance(tagged, pl.DataFrame)
        else tagged.column_names
    )
    assert names[-5:] == ["predicted_genres", *(f"probability_{label}" for label in LABELS)]


def test_the_input_stays_as_it_is(tagger: GenreTagger) -> None:
    frame, table = pl.from_arrow(FILMS), FILMS.slice(0)
    data = FILMS.to_pydict()
    before = copy.deepcopy(data)
    for one in (frame, table, data):
        tag_table(one, model=tagger, output_column="genres", replace=True)
    assert pa.table(frame).column("genres").to_pylist() == FILMS.column("genres").to_pylist()
    assert table.equals(FILMS)
    assert data == before


def test_replacing_leaves_out_the_old_probabilities(tagger: GenreTagger) -> None:
    once = tag_table(FILMS, model=tagger, probabilities=True)
    for data in (once, pl.from_arrow(once), once.to_pydict()):
        twice = tag_table(data, model=tagger, replace=True)
        names = list(twice) if isinstance(twice, dict) else pa.table(twice).column_names
        assert names == [*FILMS.column_names, "predicted_genres"]
    stays = tag_batches(once, model=tagger, replace=True, probabilities=True)
    assert stays.read_all().equals(once)


def test_each_batch_becomes_one_batch_and_is_read_when_it_is_needed(tagger: GenreTagger) -> None:
    read = []

    def batches() -> Iterator[pa.RecordBatch]:
        for number in range(4):
            read.append(number)
            rows = 5000 if number == 2 else number
            yield pa.record_batch(
                {
                    "overview": pa.array(["laugh"] * rows, pa.string()),
                    "n": pa.array([1] * rows, pa.int64()),
                }
            )

    reader = tag_batches(batches(), model=tagger)
    assert read == [0]
    sizes = []
    for number, batch in enumerate(reader):
        assert read[-1] == number
        sizes.append(batch.num_rows)
        assert batch.schema.equals(reader.schema, check_metadata=True)
        batch.validate(full=True)
    assert sizes == [0, 1, 5000, 3]


def test_a_stream_of_two_schemas_is_refused(tagger: GenreTagger) -> None:
    batches = [pa.record_batch({"overview": ["a"]}), pa.record_batch({"overview": [b"a"]})]
    with pytest.raises(UsageError, match="batches of different schemas"):
        tag_batches(iter(batches), model=tagger).read_all()
    with pytest.raises(UsageError, match="must yield pyarrow record batches, got nothing"):
        tag_batches(iter([]), model=tagger)


def test_an_error_of_the_stream_reaches_the_reader(tagger: GenreTagger) -> None:
    def broken() -> Iterator[pa.RecordBatch]:
        yield pa.record_batch({"overview": ["laugh"]})
        raise CatalogError("films.csv is damaged")

    reader = tag_batches(broken(), model=tagger)
    assert reader.read_next_batch().column("predicted_genres").to_pylist() == [["Comedy"]]
    with pytest.raises(CatalogError, match=r"^films.csv is damaged$"):
        reader.read_next_batch()


def test_files_of_a_data_set_are_tagged_into_a_data_set(
    tagger: GenreTagger, tmp_path: Path
) -> None:
    for number in range(3):
        pq.write_table(FILMS, tmp_path / f"{number}.parquet")
    source = ds.dataset(tmp_path)
    for data in (source, source.scanner(columns=["overview", "id"])):
        reader = tag_batches(data, model=tagger)
        ds.write_dataset(
            reader, tmp_path / "out", format="parquet", existing_data_behavior="overwrite_or_ignore"
        )
        written = ds.dataset(tmp_path / "out").to_table()
        assert written.num_rows == 15
        assert written.column("predicted_genres").to_pylist()[4] == []


def test_memory_does_not_grow_with_the_stream(tagger: GenreTagger) -> None:
    def batches(count: int) -> Iterator[pa.RecordBatch]:
        for number in range(count):
            yield pa.record_batch({"overview": [f"laugh {number} {row}" for row in range(50)]})

    def most_bytes(count: int) -> int:
        before = int(pa.total_allocated_bytes())
        reader = tag_batches(batches(count), model=tagger, probabilities=True)
        return max(int(pa.total_allocated_bytes()) - before for _ in reader)

    most_bytes(2)
    assert most_bytes(100) < 2 * most_bytes(10)


def test_texts_in_a_foreign_script_are_warned_of(tiny_model: Path) -> None:
    table = pa.table({"overview": [f"Фильм номер {number}" for number in range(50)]})
    tagger = GenreTagger.load(tiny_model)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        tag_table(table, model=tagger)
        tag_batches(table, model=tagger).read_all()
    told = [str(one.message) for one in caught if one.category is GenreBatchWarning]
    assert len(told) in (0, 2)


def test_a_loaded_model_is_pickled_with_its_bytes(tiny_model: Path, tmp_path: Path) -> None:
    path = tmp_path / "moved.onnx"
    path.write_bytes(tiny_model.read_bytes())
    tagger = GenreTagger.load(path, threads=3)
    path.unlink()
    for copied in (pickle.loads(pickle.dumps(tagger)), copy.deepcopy(tagger)):
        assert copied.threads == 3
        assert (copied.sha256, copied.labels) == (tagger.sha256, tagger.labels)
        assert copied.tag(["laugh", None]) == [["Comedy"], None]
        assert tag_table(FILMS, model=copied).equals(tag_table(FILMS, model=tagger))


def test_both_are_public() -> None:
    assert {"tag_table", "tag_batches"} <= set(genre_batch.__all__)
    assert genre_batch.tag_table is tag_table

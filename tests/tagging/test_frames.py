"""Tables of pandas, DuckDB and Daft keep what they are, and get the genres that `tag` writes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from genre_batch import ColumnError, GenreTagger, UsageError, tag_batches, tag_catalog, tag_table

TEXTS: list[Any] = ["laugh", None, float("nan"), pd.NA, pd.NaT, "", " ", 3, b"cry", b"\xff", ["a"]]
GENRES = [["Comedy"], *[None] * 7, ["Drama"], None, None]


def _genres(frame: Any) -> list[Any]:
    return list(frame["predicted_genres"])


def test_what_is_no_string_is_no_text(tagger: GenreTagger) -> None:
    frame = pd.DataFrame({"overview": TEXTS})
    tagged = tag_table(frame, model=tagger, probabilities=True)
    assert _genres(tagged) == GENRES
    assert tagged["probability_Comedy"].isna().tolist() == [one is None for one in GENRES]
    assert tagged["overview"].tolist()[4] is pd.NaT


@pytest.mark.parametrize(
    "dtype", ["object", "string", "string[pyarrow]", "category", pd.ArrowDtype(pa.large_string())]
)
def test_texts_of_every_type_are_read(dtype: Any, tagger: GenreTagger) -> None:
    frame = pd.DataFrame({"overview": pd.Series(["laugh", None, "cry"], dtype=dtype)})
    tagged = tag_table(frame, model=tagger)
    assert _genres(tagged) == [["Comedy"], None, ["Drama"]]
    assert tagged["overview"].dtype == frame["overview"].dtype


def test_texts_of_types_that_arrow_does_not_read_are_read(tagger: GenreTagger) -> None:
    texts = pd.arrays.SparseArray(["laugh", "cry", "laugh"], fill_value="laugh")
    frame = pd.DataFrame({"overview": texts})
    assert _genres(tag_table(frame, model=tagger)) == [["Comedy"], ["Drama"], ["Comedy"]]


def test_a_lone_surrogate_is_replaced(tagger: GenreTagger) -> None:
    tagged = tag_table(pd.DataFrame({"overview": ["laugh \ud800", "cry"]}), model=tagger)
    assert _genres(tagged) == [["Comedy"], ["Drama"]]


@pytest.mark.parametrize("values", [[np.nan, np.nan], [pd.NaT, pd.NaT], [None, None], [pd.NA] * 2])
def test_a_column_without_a_value_has_no_text(values: list[Any], tagger: GenreTagger) -> None:
    assert _genres(tag_table(pd.DataFrame({"overview": values}), model=tagger)) == [None, None]


@pytest.mark.parametrize(
    "values", [[1, 2], [1.5, np.nan], [True, False], pd.to_datetime(["2020-01-01", None])]
)
def test_a_column_of_another_type_is_refused(values: Any, tagger: GenreTagger) -> None:
    with pytest.raises(ColumnError, match=r"'overview' is of type .*, not text: choose another"):
        tag_table(pd.DataFrame({"overview": values}), model=tagger)


@pytest.mark.parametrize(
    "index",
    [
        pd.Index(list("xyxz"), name="key"),
        pd.RangeIndex(5, 1, -1),
        pd.MultiIndex.from_tuples([(1, "a"), (1, "a"), (2, "b"), (None, "c")], names=["n", "l"]),
        pd.DatetimeIndex(["2020-01-01", "2020-01-03", "2020-01-02", None]),
        pd.CategoricalIndex(["b", "a", None, "b"]),
    ],
    ids=lambda index: type(index).__name__,
)
def test_the_index_stays(index: pd.Index, tagger: GenreTagger) -> None:
    frame = pd.DataFrame({"overview": ["laugh", "cry", None, "fight"]}, index=index)
    tagged = tag_table(frame, model=tagger, probabilities=True)
    pd.testing.assert_index_equal(tagged.index, index, exact=True)
    assert _genres(tagged) == [["Comedy"], ["Drama"], None, ["Action"]]
    assert tagged["probability_Drama"].iloc[1] > 0.9


class Films(pd.DataFrame):  # type: ignore[misc]
    """A DataFrame of a library that extends pandas."""

    _metadata = ("source",)

    @property
    def _constructor(self) -> Callable[..., Films]:
        return Films


def test_attributes_types_and_kind_stay(tagger: GenreTagger) -> None:
    frame = Films(
        {
            "overview": ["laugh", None],
            7: [1, 2],
            ("a", 1): [{"x"}, object],
            "when": pd.to_datetime(["2020-01-01", None]).tz_localize("Europe/Madrid"),
            "n": pd.array([1, None], dtype="Int8"),
            "c": pd.Categorical(["x", "y"], ordered=True),
            "z": np.array([1j, 2j]),
            "period": pd.period_range("2020", periods=2),
        }
    )
    frame.attrs["license"] = {"name": "CC0"}
    frame.source = "archive"
    before = frame.copy()
    for options in ({}, {"output_column": "when", "replace": True}, {"probabilities": True}):
        tagged = tag_table(frame, model=tagger, **options)
        assert type(tagged) is Films
        assert (tagged.attrs, tagged.source) == ({"license": {"name": "CC0"}}, "archive")
        same = [name for name in frame.columns if name != options.get("output_column")]
        pd.testing.assert_frame_equal(tagged[same], before[same])
        assert list(tagged.columns)[: len(frame.columns)] == list(frame.columns)
        pd.testing.assert_frame_equal(frame, before)
    assert "predicted_genres" not in frame


def test_a_row_of_genres_can_be_exploded_and_written(tagger: GenreTagger, tmp_path: Path) -> None:
    tagged = tag_table(pd.DataFrame({"overview": ["laugh cry", None]}), model=tagger)
    assert tagged.explode("predicted_genres")["predicted_genres"].tolist()[:2] == [
        "Comedy",
        "Drama",
    ]
    tagged.to_parquet(tmp_path / "t.parquet")
    table = pl.read_parquet(tmp_path / "t.parquet")
    assert table["predicted_genres"].to_list() == [["Comedy", "Drama"], None]


def test_many_columns_are_added_at_once(tagger: GenreTagger) -> None:
    """Pandas warns of frames to which more than a hundred columns were added one by one."""
    frame = pd.DataFrame({f"c{number}": [1] for number in range(200)} | {"overview": "laugh"})
    for _ in range(3):
        frame = tag_table(frame, model=tagger, probabilities=True, replace=True)
    assert _genres(frame) == [["Comedy"]]


def test_cells_of_any_kind_select_rows(tagger: GenreTagger) -> None:
    cells = [None, np.nan, pd.NA, "", [], np.array([]), set(), {}, ["War"], {"War"}, object, 3]
    frame = pd.DataFrame({"overview": ["laugh"] * len(cells), "genres": cells})
    tagged = tag_table(frame, model=tagger, only_missing="genres")
    assert [one is not None for one in _genres(tagged)] == [True] * 8 + [False] * 4
    lists = pd.DataFrame({"overview": ["laugh"] * 3, "genres": [["War"], [], None]})
    tagged = tag_table(lists, model=tagger, only_missing="genres")
    assert _genres(tagged) == [None, ["Comedy"], ["Comedy"]]


def test_columns_of_pandas_that_cannot_be_told_apart_are_refused(tagger: GenreTagger) -> None:
    frame = pd.DataFrame([["a", "b"]], columns=["overview", "overview"])
    with pytest.raises(ColumnError, match="`data` has a duplicate column 'overview'"):
        tag_table(frame, model=tagger)
    frame = pd.DataFrame([["a", "b"]], columns=pd.MultiIndex.from_tuples([("x", "a"), ("x", "b")]))
    with pytest.raises(UsageError, match="`data` has columns of several levels"):
        tag_table(frame, model=tagger)
    with pytest.raises(ColumnError, match="no column named overview"):
        tag_table(pd.DataFrame([["a", "b"]]), model=tagger)
    for data in (pd.Series(["laugh"]), pd.DataFrame):
        with pytest.raises(UsageError, match="`data` must be a table"):
            tag_table(data, model=tagger)


def test_no_rows_of_pandas(tagger: GenreTagger) -> None:
    frame = pd.DataFrame({"overview": pd.Series([], dtype="object")})
    tagged = tag_table(frame, model=tagger, probabilities=True)
    assert tagged.shape == (0, 6)
    assert tagged.dtypes["probability_Drama"] == np.float32


def test_batches_of_a_pandas_frame_are_those_of_arrow(tagger: GenreTagger) -> None:
    frame = pd.DataFrame({"overview": ["laugh", None]}, index=["a", "b"])
    table = tag_batches(frame, model=tagger).read_all()
    assert table.column("predicted_genres").to_pylist() == [["Comedy"], None]
    assert table.to_pandas().index.tolist() == ["a", "b"]
    with pytest.raises(UsageError, match=r"`data` must be a table .*, got DataFrame \("):
        tag_batches(pd.DataFrame({"overview": ["a", 3]}), model=tagger)


def test_a_relation_of_duckdb_becomes_a_table_that_duckdb_reads(tagger: GenreTagger) -> None:
    with duckdb.connect() as database:
        films = database.sql(
            "select * from (values (1, 'laugh'), (2, null), (3, 'cry')) films(id, overview)"
        )
        tagged = tag_table(films, model=tagger)
        assert isinstance(tagged, pa.Table)
        counts = database.sql(
            "select genre, count(*) from (select unnest(predicted_genres) genre from tagged) "
            "group by genre order by genre"
        ).fetchall()
        assert counts == [("Comedy", 1), ("Drama", 1)]
        # A connection reads one result at a time: the stream is one, so a second cursor reads it.
        reader = tag_batches(films.filter("id < 3"), model=tagger)
        database = database.cursor()
        read = database.from_arrow(reader).project("id, predicted_genres").fetchall()
        assert read == [(1, ["Comedy"]), (2, None)]


def test_an_error_in_a_stream_that_duckdb_reads_has_its_line(tagger: GenreTagger) -> None:
    def broken() -> Any:
        yield pa.record_batch({"overview": ["laugh"]})
        raise ColumnError("films.csv, line 3 is damaged")

    with duckdb.connect() as database:
        films = database.from_arrow(tag_batches(broken(), model=tagger))
        with pytest.raises(duckdb.Error, match=r"films\.csv, line 3"):
            films.fetchall()


@pytest.mark.parametrize("probabilities", [False, True])
def test_every_library_gets_the_genres_of_the_command(
    probabilities: bool, tagger: GenreTagger, tiny_model: Path, tmp_path: Path
) -> None:
    texts = ["laugh", None, "cry fight", "", "robot"] * 50
    pl.DataFrame({"id": range(250), "overview": texts}).write_parquet(tmp_path / "in.parquet")
    tag_catalog(
        tmp_path / "in.parquet",
        tmp_path / "out.parquet",
        model=tiny_model,
        probabilities=probabilities,
    )
    expected = pl.read_parquet(tmp_path / "out.parquet").drop("id", "overview")
    source = pl.read_parquet(tmp_path / "in.parquet")
    tables: list[Any] = [source, source.to_arrow(), source.to_pandas()]
    tables += [duckdb.from_arrow(source.to_arrow()), source.to_arrow().to_batches()[0]]
    for table in tables:
        tagged = tag_table(table, model=tagger, probabilities=probabilities)
        frame = pl.DataFrame(tagged)
        assert frame.drop("id", "overview").fill_nan(None).equals(expected), type(table)


def test_daft(tagger: GenreTagger) -> None:
    daft = pytest.importorskip("daft", reason="daft (150 MB) is not part of the extra test")
    frame = daft.from_pydict({"overview": ["laugh", None, "cry"]})
    tagged = tag_table(frame, model=tagger)
    assert tagged.column("predicted_genres").to_pylist() == [["Comedy"], None, ["Drama"]]
    assert daft.from_arrow(tagged).count_rows() == 3

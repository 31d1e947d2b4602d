"""A large input is cut into several parts, which joined are what it gives in one."""

from __future__ import annotations

import gzip
import json
import os
import warnings
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genre_batch import CatalogError, TagSummary, UsageError, tag_catalog
from genre_batch.catalog.reading import blocks
from genre_batch.cluster.cut_parts import cores_of_large_parts, split_size
from genre_batch.cluster.folder_job import FolderJob
from genre_batch.errors import GenreBatchWarning
from genre_batch.tagging.job import EngineOptions, TagJob, tag_job

CSV = "films.csv"


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 256)


@pytest.fixture
def here(working_folder: Path, default_model: Path) -> Path:
    return working_folder


def _dirty_csv(rows: int = 400) -> str:
    words = ["laugh", "cry fight", '"robot,\nin two ""lines"""', "", "the"]
    lines = [f"{number},{words[number % 5]}" for number in range(rows)]
    lines[37] = '37,"never closed'
    lines[90] = "90,too,many,fields"
    lines[200] = "200"
    lines[201] = ""
    lines[300] = '300,"closed" late'
    return "id,overview\n" + "\n".join(lines) + "\n"


def _tag(source: str, output: str, **options: Any) -> TagSummary:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GenreBatchWarning)
        return tag_catalog(source, output, **options)


def _joined(folder: Path) -> bytes:
    """Return the files of a folder, one after the other, with the header of the first."""
    files = [path.read_bytes() for path in sorted(folder.glob("part-*"))]
    return files[0] + b"".join(content.split(b"\n", 1)[1] for content in files[1:])


def _rejects(folder: Path) -> list[Any]:
    lines = [path.read_text() for path in sorted(folder.rglob("*.rejects.jsonl"))]
    return [json.loads(line) for line in "".join(lines).splitlines()]


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("form", ["csv", "tsv"])
def test_the_parts_of_a_dirty_text_joined_are_the_whole(form: str, here: Path) -> None:
    text = _dirty_csv() if form == "csv" else _dirty_csv().replace(",", "\t")
    Path(f"films.{form}").write_text(text)
    whole = _tag(f"films.{form}", "whole/")
    cut = _tag(f"films.{form}", "cut/", split_size=900)
    folder = here / "cut" / f"films.{form}"
    names = sorted(path.name for path in folder.iterdir())
    assert names == [f"part-{n:05}-of-{len(names):05}.{form}" for n in range(len(names))]
    assert len(names) >= 5
    assert _joined(folder) == (here / "whole" / f"films.{form}").read_bytes()
    assert _rejects(here / "cut.genre-batch") == _rejects(here / "whole.genre-batch")
    assert len(_rejects(here / "cut.genre-batch")) == cut.rows_rejected == whole.rows_rejected > 2
    assert sorted(path.name for path in (here / "cut").iterdir()) == ["_SUCCESS", f"films.{form}"]
    for name in ("rows", "rows_predicted", "rows_padded", "first_padded", "first_reject"):
        assert getattr(cut, name) == getattr(whole, name), name
    assert [one.rows for one in cut.genres] == [one.rows for one in whole.genres]
    assert (cut.parts, cut.text_column) == (len(names), "overview")


CELLS = st.sampled_from(["laugh", "", '"x\ny"', '"a""b"', '"open', 'a"b', '"bad" x', "é", "a,b"])


@pytest.mark.usefixtures("small_blocks")
@given(cells=st.lists(CELLS, min_size=1, max_size=60), size=st.integers(1, 600))
def test_any_dirty_csv_and_any_size(
    cells: list[str], size: int, tmp_path_factory: pytest.TempPathFactory, tiny_model: Path
) -> None:
    here = tmp_path_factory.mktemp("law")
    (here / CSV).write_text("id,overview\n" + "".join(f"{n},{c}\n" for n, c in enumerate(cells)))
    source = str(here / CSV)
    try:
        _tag(source, f"{here}/whole/", model=tiny_model)
    except CatalogError:
        return
    _tag(source, f"{here}/cut/", model=tiny_model, split_size=size)
    whole, cut = here / "whole" / CSV, here / "cut" / CSV
    assert (_joined(cut) if cut.is_dir() else cut.read_bytes()) == whole.read_bytes()
    assert _rejects(here / "cut.genre-batch") == _rejects(here / "whole.genre-batch")


@pytest.mark.usefixtures("small_blocks", "here")
def test_a_cut_table_is_read_as_one_by_its_folder() -> None:
    Path(CSV).write_text(_dirty_csv())
    _tag(CSV, "whole/", output_format="parquet", probabilities=True)
    _tag(CSV, "cut/", output_format="parquet", probabilities=True, split_size="1KB")
    whole = pq.read_table("whole/films.parquet")
    assert pq.read_table("cut/films.parquet").equals(whole)
    assert pl.read_parquet("cut/films.parquet").equals(pl.read_parquet("whole/films.parquet"))
    pq.write_table(whole.drop_columns(["predicted_genres"]), "in.parquet", row_group_size=50)
    size = os.path.getsize("in.parquet") // 4
    _tag("in.parquet", "again/", probabilities=True, split_size=size, replace=True)
    parts = sorted(Path("again/in.parquet").iterdir())
    assert 3 <= len(parts) <= 6
    names = whole.column_names
    assert pq.read_table("again/in.parquet").select(names).equals(whole)


LINES = [
    '{"id": 0}',
    *(f'{{"id": {n}, "plot": "laugh {n}", "name": "fight"}}' for n in range(200)),
    "nope",
    '{"other": 1}',
]


@pytest.mark.usefixtures("small_blocks", "here")
def test_json_lines_are_cut_with_the_columns_of_the_first_rows() -> None:
    lines = [*LINES, *(f'{{"id": {n}, "x": {{"a": [1]}}}}' for n in range(100))]
    Path("films.jsonl").write_text("\n".join(lines))
    _tag("films.jsonl", "whole/")
    _tag("films.jsonl", "cut/", split_size=1000, text_column="plot")
    _tag("films.jsonl", "found/", split_size=1000)
    whole = Path("whole/films.jsonl").read_bytes()
    for folder in ("cut", "found"):
        parts = sorted(Path(folder, "films.jsonl").iterdir())
        assert len(parts) >= 8
        assert b"".join(path.read_bytes() for path in parts) == whole
        assert _rejects(Path(f"{folder}.genre-batch")) == _rejects(Path("whole.genre-batch"))


@pytest.mark.usefixtures("small_blocks", "here")
@pytest.mark.parametrize("size", ["off", 1000])
def test_a_better_column_in_a_later_part_is_an_error_too(size: Any) -> None:
    Path("films.jsonl").write_text("\n".join([*LINES, '{"overview": "cry"}']))
    with pytest.raises(CatalogError, match="rows before had 'plot', and now a row has 'overview'"):
        _tag("films.jsonl", "out/", split_size=size)
    with pytest.raises(CatalogError, match="no column 'x'"):
        _tag("films.jsonl", "x/", split_size=size, text_column="plot", only_missing="x")


@pytest.mark.usefixtures("small_blocks", "here")
def test_parts_of_another_cut_are_removed() -> None:
    Path(CSV).write_text(_dirty_csv())
    _tag(CSV, "out/", split_size=900)
    before = len(list(Path("out", CSV).iterdir()))
    again = _tag(CSV, "out/", split_size=900)
    assert again.parts == again.parts_done_before == before
    # The input grows: it is cut into more parts, and has other names.
    Path(CSV).write_text(_dirty_csv(800))
    _tag(CSV, "out/", split_size=900)
    _tag(CSV, "whole/")
    assert _joined(Path("out", CSV)) == Path("whole", CSV).read_bytes()
    # Another size, no cut, and a cut again.
    for size in (2000, "off", 900):
        _tag(CSV, "out/", split_size=size, force=True)
        out = Path("out", CSV)
        joined = out.read_bytes() if size == "off" else _joined(out)
        assert joined == Path("whole", CSV).read_bytes(), size
        assert out.is_file() is (size == "off")
        assert {path.name for path in Path("out").iterdir()} == {CSV, "_SUCCESS"}
    with pytest.raises(CatalogError, match=r"holds parts of another job .*`split_size`"):
        _tag(CSV, "out/", split_size=2000)


@pytest.mark.usefixtures("small_blocks", "here")
def test_shards_share_the_parts_of_a_cut_input() -> None:
    Path(CSV).write_text(_dirty_csv())
    for shard in ("2/3", "0/3", "1/3"):
        assert not Path("out/_SUCCESS").exists()
        _tag(CSV, "out/", split_size=900, shard=shard)
    _tag(CSV, "whole/")
    assert _joined(Path("out", CSV)) == Path("whole", CSV).read_bytes()
    assert Path("out/_SUCCESS").exists()


@pytest.mark.usefixtures("small_blocks", "here")
def test_what_cannot_be_cut_is_one_part_and_reported() -> None:
    import gzip

    Path("a.csv.gz").write_bytes(gzip.compress(_dirty_csv().encode(), 0))
    Path("b.jsonl").write_text("\n".join(LINES))
    with pytest.warns(GenreBatchWarning) as told:
        tag_catalog(["a.csv.gz", "b.jsonl"], "out/", output_format="parquet", split_size=900)
    messages = [str(one.message) for one in told]
    assert any(
        "2 inputs above `split_size` will not be cut (the first: a.csv.gz: a compressed file" in one
        for one in messages
    )
    assert Path("out/a.parquet").is_file()
    Path("c.csv").write_text("id,id\n" + "1,2\n" * 900)
    with pytest.raises(CatalogError, match="duplicate column 'id'"):
        _tag("c.csv", "c/", split_size=900)


@pytest.mark.parametrize(
    ("size", "parsed"),
    [("64MB", 64_000_000), ("off", "off"), ("OFF", "off"), (7, 7), ("1.5k", 1500), (None, None)],
)
def test_sizes(size: Any, parsed: Any) -> None:
    assert EngineOptions(split_size=size).split_size == parsed


def test_the_size_is_that_of_the_job_or_depends_on_who_writes_the_parts() -> None:
    for running, stored, expected in (
        (EngineOptions(), None, "off"),
        (EngineOptions(shard="0/2"), None, 64_000_000),
        (EngineOptions(engine="ray"), None, 64_000_000),
        (EngineOptions(engine="ray"), "off", "off"),
        (EngineOptions(), 7, 7),
        (EngineOptions(split_size="off"), 7, "off"),
        (EngineOptions(shard="0/2", split_size="1K"), None, 1000),
    ):
        assert split_size(TagJob(running=running), stored) == expected


@pytest.mark.usefixtures("small_blocks", "here")
def test_a_job_is_gone_on_with_in_the_parts_it_began_with() -> None:
    Path(CSV).write_text(_dirty_csv())
    parts = _tag(CSV, "out/", split_size=900).parts
    again = _tag(CSV, "out/")
    assert again.parts == again.parts_done_before == parts
    stored = json.loads(Path("out.genre-batch/job.json").read_text())
    assert stored["split_size"] == 900


@pytest.mark.parametrize("size", ["0", "-1MB", "big", "", 0, -5, 1.5, True])
def test_what_is_not_a_size(size: Any) -> None:
    with pytest.raises(UsageError, match="`split_size` must be"):
        EngineOptions(split_size=size)


@pytest.mark.usefixtures("here")
def test_one_output_cannot_be_cut() -> None:
    Path(CSV).write_text(_dirty_csv())
    with pytest.raises(UsageError, match=r"`split_size` cuts an input .* needs a folder"):
        _tag(CSV, "out.csv", split_size="1MB")
    assert _tag(CSV, "out.csv", split_size="off").rows > 300


_ALL_BROKEN = "id,overview\n" + "".join(f"{row},too,many,fields\n" for row in range(200))


def _marks() -> list[str]:
    return [path.name for path in Path("out.genre-batch/parts").rglob("*.json")]


def test_an_input_without_a_readable_row_fails_cut_or_not(here: Path, small_blocks: None) -> None:
    Path("in").mkdir()
    Path("in/bad.csv").write_text(_ALL_BROKEN)
    Path("in/good.csv").write_text(_dirty_csv())
    reason = r"no row of in.bad\.csv could be read: in.bad\.csv, line 2 \(byte 12\) has more fields"
    with pytest.raises(CatalogError, match=reason):
        _tag("in/bad.csv", "whole/")
    for _ in range(2):  # and the next run says it again
        with pytest.raises(CatalogError, match=reason) as cut:
            _tag("in", "out/", split_size=1_000)
        assert "name every column in the header; set `delimiter` if" in str(cut.value)
        assert os.listdir("out") == ["good.csv"]
        assert not [name for name in _marks() if not name.startswith("part-")]
        failures = Path("out.genre-batch/failures.jsonl").read_text().splitlines()
        assert {json.loads(line)["source"] for line in failures} == {"in/bad.csv"}
        rejects = Path("out.genre-batch/rejects").rglob("*.jsonl")
        assert {path.parent.name for path in rejects} == {"good.csv"}


def test_a_stretch_without_a_readable_row_is_no_error(here: Path, small_blocks: None) -> None:
    Path(CSV).write_text(_ALL_BROKEN + "201,laugh\n")
    summary = _tag(CSV, "out/", split_size=1_000)
    assert (summary.rows, summary.rows_rejected) == (1, 200)
    assert Path("out/_SUCCESS").exists()


def test_the_last_share_sees_that_no_row_could_be_read(here: Path, small_blocks: None) -> None:
    Path(CSV).write_text(_ALL_BROKEN)
    _tag(CSV, "out/", split_size=1_000, shard="0/2")
    with pytest.raises(CatalogError, match=r"no row of films\.csv could be read"):
        _tag(CSV, "out/", split_size=1_000, shard="1/2")
    assert not Path("out/_SUCCESS").exists()
    Path(CSV).write_text(_dirty_csv())
    _tag(CSV, "out/", split_size=1_000)
    _tag(CSV, "whole/")
    assert _joined(Path("out", CSV)) == Path("whole", CSV).read_bytes()


@pytest.mark.filterwarnings("ignore:.*will not be cut")
def test_what_cannot_be_cut_gets_a_core_for_each_piece(here: Path, small_blocks: None) -> None:
    Path("in").mkdir()
    Path("in/a.csv").write_text(_dirty_csv())
    packed = gzip.compress(_dirty_csv(4_000).encode(), 0)
    Path("in/b.csv.gz").write_bytes(packed)
    objects = [{"id": number, "overview": "laugh"} for number in range(100)]
    Path("in/c.jsonl").write_text(json.dumps(objects))
    Path("in/d.csv").write_text("id,overview\n1,laugh\n")
    folder = FolderJob(tag_job(sources=["in"], output="out/", split_size=2_000))
    assert folder.split_size == 2_000
    for most, expected in {
        64: {"b.csv.gz": -(-len(packed) // 2_000), "c.jsonl": 2},
        3: {"b.csv.gz": 3, "c.jsonl": 2},
    }.items():
        with pytest.warns(GenreBatchWarning, match=r"2 parts above `split_size` will use several"):
            assert cores_of_large_parts(folder.parts, 2_000, most) == expected
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for most in (0, 1):
            assert cores_of_large_parts(folder.parts, 2_000, most) == {}

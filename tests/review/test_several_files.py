"""Promise: a review of a folder or a glob corrects its files, each at its place, or none."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from genre_batch import (
    ApplyJob,
    ApplyResult,
    AuditJob,
    CatalogError,
    ColumnError,
    OutputExistsError,
    ReadingOptions,
    UsageError,
    apply_review,
    audit,
)
from support.reviews import write_review

pytestmark = pytest.mark.usefixtures("default_model")

OLD = "id,title,overview,genres\n1,A,cry,Drama\n2,B,laugh,Comedy\n"
NEW = "id,title,overview,genres\n3,C,fight,Action\n4,D,fight and cry,Action|Drama\n"


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """Return a folder with rows 0 and 1 in one file and 2 and 3 in another."""
    folder = tmp_path / "films"
    (folder / "recent").mkdir(parents=True)
    (folder / "old.csv").write_text(OLD)
    (folder / "recent" / "new.csv").write_text(NEW)
    return folder


def apply(films: Path, output: Path | str, *records: str) -> ApplyResult:
    """Apply a review, written next to the catalog, to the catalog."""
    return apply_review(ApplyJob(write_review(films.parent, *records), films, output))


CHANGES = ("1,doubtful,Comedy,wrong", "1,missing,Drama,right", "2,missing,Comedy,right")
OLD_CORRECTED = OLD.replace("laugh,Comedy", "laugh,Drama")
NEW_CORRECTED = NEW.replace("fight,Action\n", "fight,Action|Comedy\n")


def tree(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): path.read_text() for path in files}


def test_each_file_is_corrected_at_its_place(films: Path, tmp_path: Path) -> None:
    output = tmp_path / "corrected"
    result = apply(films, f"{output}/", *CHANGES)
    assert tree(output) == {"old.csv": OLD_CORRECTED, "recent/new.csv": NEW_CORRECTED}
    assert (result.rows, result.rows_changed) == (4, 2)
    assert result.output == f"{output}/"
    assert [(one.first_row, one.rows, one.rows_changed) for one in result.files] == [
        (0, 2, 1),
        (2, 2, 1),
    ]
    assert (
        json.loads(json.dumps(result.as_dict()))["files"][1]["output"] == f"{output}/recent/new.csv"
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["corrected", "films", "review.csv"]


def test_a_glob_and_a_folder_of_one_file_are_corrected_too(films: Path, tmp_path: Path) -> None:
    output = tmp_path / "corrected"
    output.mkdir()
    apply_review(
        ApplyJob(write_review(tmp_path, "0,missing,Comedy,right"), f"{films}/*/n*.csv", output)
    )
    assert tree(output) == {"new.csv": NEW.replace("fight,Action\n", "fight,Action|Comedy\n")}


def test_rows_are_counted_as_the_audit_counts_them(films: Path, tmp_path: Path) -> None:
    queue = tmp_path / "queue.csv"
    audit(AuditJob(films, queue, all=True, genres="Comedy"))
    lines = queue.read_text().splitlines()
    lines = [f"{lines[0]},decision", *(f"{line},right" for line in lines[1:])]
    queue.write_text("\n".join(lines))
    apply_review(ApplyJob(queue, films, f"{tmp_path}/corrected/"))
    rows = [line for text in tree(tmp_path / "corrected").values() for line in text.splitlines()]
    films_read = [line for line in rows if line[0].isdigit()]
    assert len(films_read) == 4
    assert all("Comedy" in line for line in films_read)


def test_one_output_has_the_rows_of_all_files(films: Path, tmp_path: Path) -> None:
    apply(films, tmp_path / "all.jsonl", *CHANGES)
    rows = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text().splitlines()]
    assert [(row["id"], row["genres"]) for row in rows] == [
        ("1", "Drama"),
        ("2", "Drama"),
        ("3", "Action|Comedy"),
        ("4", "Action|Drama"),
    ]


def test_files_of_lines_become_one_with_their_own_bytes(tmp_path: Path) -> None:
    films = tmp_path / "films"
    films.mkdir()
    (films / "a.jsonl").write_text('{"genres":["Drama"], "n":1.50}\n')
    (films / "b.jsonl").write_text("")
    (films / "c.jsonl").write_text('{"genres": ["Comedy"], "n": 7e1}\n')
    apply(films, tmp_path / "all.jsonl", "1,missing,Drama,right")
    assert (tmp_path / "all.jsonl").read_text() == (
        '{"genres":["Drama"], "n":1.50}\n{"genres": ["Comedy", "Drama"], "n": 7e1}\n'
    )


def test_files_of_other_formats_and_compressions_stay_what_they_are(tmp_path: Path) -> None:
    films, output = tmp_path / "films", tmp_path / "corrected"
    films.mkdir()
    (films / "a.csv.gz").write_bytes(gzip.compress(OLD.encode()))
    genres = pa.array([["Action"], None], pa.list_(pa.string()))
    table = pa.table({"id": ["3", "4"], "overview": ["fight", "cry"], "genres": genres})
    pq.write_table(table, films / "b.parquet")
    (films / "c.jsonl").write_text('{"id": "5", "genres": []}\n')
    apply(films, f"{output}/", *CHANGES, "3,missing,Drama,right", "4,missing,Drama,right")
    assert gzip.decompress((output / "a.csv.gz").read_bytes()).decode() == OLD_CORRECTED
    written = pq.read_table(output / "b.parquet")
    assert written.schema.equals(table.schema)
    assert written.column("genres").to_pylist() == [["Action", "Comedy"], ["Drama"]]
    assert (output / "c.jsonl").read_text() == '{"id": "5", "genres": ["Drama"]}\n'


def test_a_file_without_a_pair_of_genres_joins_them_as_the_others_do(tmp_path: Path) -> None:
    films, output = tmp_path / "films", tmp_path / "corrected"
    films.mkdir()
    (films / "a.csv").write_text("overview,genres\ncry,Drama|Comedy\nlaugh,COMEDY\n")
    (films / "b.csv").write_text("overview,genres\ncry,\nfight,Action\n")
    records = ("2,missing,Comedy,right", "2,missing,Drama,right", "3,missing,Drama,right")
    apply(films, f"{output}/", *records)
    assert (output / "b.csv").read_text() == (
        "overview,genres\ncry,Comedy|Drama\nfight,Action|Drama\n"
    )


def test_a_folder_may_be_replaced_by_its_corrected_self(films: Path, tmp_path: Path) -> None:
    job = ApplyJob(write_review(tmp_path, *CHANGES), films, films)
    with pytest.raises(OutputExistsError):
        apply_review(job)
    assert tree(films) == {"old.csv": OLD, "recent/new.csv": NEW}
    apply_review(ApplyJob(job.review, films, films, force=True))
    assert tree(films) == {"old.csv": OLD_CORRECTED, "recent/new.csv": NEW_CORRECTED}


def test_a_review_in_the_folder_is_not_one_of_its_files(films: Path, tmp_path: Path) -> None:
    inside = Path(shutil.move(write_review(tmp_path, *CHANGES), films / "a-review.csv"))
    apply_review(ApplyJob(inside, films, f"{tmp_path}/corrected/"))
    assert tree(tmp_path / "corrected") == {
        "old.csv": OLD_CORRECTED,
        "recent/new.csv": NEW_CORRECTED,
    }


@pytest.mark.parametrize(
    ("records", "message"),
    [
        (("4,missing,Drama,right",), "has no row 4: it has 4 rows"),
        (("0,doubtful,Action,wrong",), "line 5, .*row 0 of .*, row 0 of .*old.csv, does not have"),
        (("3,missing,Drama,right",), "row 3 of the catalog, row 1 of .*new.csv, has 'Drama'"),
    ],
)
def test_a_review_of_another_catalog_is_refused_before_anything_is_written(
    films: Path, tmp_path: Path, records: tuple[str, ...], message: str
) -> None:
    with pytest.raises(CatalogError, match=message):
        apply(films, f"{tmp_path}/out/", *CHANGES, *records)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["films", "review.csv"]


def test_nothing_is_written_if_a_later_file_cannot_be(films: Path, tmp_path: Path) -> None:
    (films / "z.csv").write_text("overview\ncry\n")
    with pytest.raises(ColumnError, match="no column named genres"):
        apply(films, f"{tmp_path}/out/", *CHANGES)
    assert not (tmp_path / "out").exists()


def test_an_output_for_stdin_is_a_file(films: Path, tmp_path: Path) -> None:
    job = ApplyJob(
        write_review(tmp_path), "-", f"{tmp_path}/out/", reading=ReadingOptions(input_format="csv")
    )
    with pytest.raises(UsageError, match="stdin has no file name"):
        apply_review(job)
    with pytest.raises(UsageError, match=r"or name a folder: .*out/"):
        apply(films, tmp_path / "out")

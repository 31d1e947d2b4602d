"""Further catalogs are read with the options for the catalog, and what is lost is reported."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from genre_batch.catalog.options import ColumnOptions, ReadingOptions
from genre_batch.dataset.dataset import Dataset
from genre_batch.dataset.extra import ExtraFilms, ExtraTrain, load_extras, locate_extra
from genre_batch.dataset.load import Further, LabelOptions
from genre_batch.errors import ColumnError, GenreBatchWarning, TrainingError, UsageError
from support.catalogs import genres_of, load, overviews, write_csv, write_films

HEADER = ("overview", "genres")
PAIRS = [("One.", "Drama, Comedy"), ("Two.", "Horror")]
READ = [["Comedy", "Drama"], ["Horror"]]


def _taken(
    path: Path,
    dataset: Dataset,
    columns: ColumnOptions | None = None,
    reading: ReadingOptions | None = None,
    further: Further | None = None,
) -> ExtraFilms:
    source = ExtraTrain(str(path))
    (extra,) = load_extras([source], dataset, further or Further(), None, columns, reading)
    return extra


def _write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_text(text, encoding=encoding)
    return path


def test_genres_that_the_catalog_lacks_are_counted_and_their_rows_too(
    tmp_path: Path, many: Dataset
) -> None:
    cells = ["Drame, Comedy"] * 4 + ["Drame"] * 2 + ["Guerre, Horror", "Krimi", "Oper", "Drama", ""]
    rows = [(f"New {row}.", cell) for row, cell in enumerate(cells)]
    write_csv(tmp_path / "a.csv", HEADER, rows)
    message = (
        r"a\.csv: 9 of 11 rows have genres that the catalog lacks: 'Drame' \(6\), 'Guerre' \(1\), "
        r"'Krimi' \(1\) and 1 others; these are left out, with 4 rows of no other genre: .* map "
        r"them with `genre_map`, or 5 rows will teach films without those"
    )
    with pytest.warns(GenreBatchWarning, match=message):
        extra = _taken(tmp_path / "a.csv", many)
    assert genres_of(extra.films) == [["Comedy"]] * 4 + [["Horror"], ["Drama"]]
    assert (extra.unlabeled, extra.other_parts) == (5, 0)
    assert str(extra).endswith(", 5 without a text or a genre of the catalog")


def test_genres_that_were_left_out_on_purpose_are_not_warned_of(tmp_path: Path) -> None:
    cells = ["Action, Science Fiction"] * 20 + ["Drama"] * 20 + ["Rare, Drama"]
    further = Further(exclude_genres=("science fiction",))
    with pytest.warns(GenreBatchWarning, match="fewer than 5"):
        dataset = load(
            write_films(tmp_path, overviews(41), cells),
            further=further,
            labels=LabelOptions(min_films=5),
        )
    rows = [("One.", "Sci-Fi, Action"), ("Two.", "Science Fiction"), ("Three.", "Rare, Drama")]
    write_csv(tmp_path / "a.csv", HEADER, rows)
    extra = _taken(tmp_path / "a.csv", dataset, further=further)
    assert genres_of(extra.films) == [["Action"], ["Drama"]]


def test_the_separator_holds_where_a_cell_has_it(tmp_path: Path, many: Dataset) -> None:
    columns = ColumnOptions(genre_separator=":")
    rows = [("One.", "Drama:Comedy"), ("Two.", "Horror")]
    write_csv(tmp_path / "a.csv", HEADER, rows)
    assert genres_of(_taken(tmp_path / "a.csv", many, columns).films) == READ
    write_csv(tmp_path / "b.csv", HEADER, PAIRS)
    assert genres_of(_taken(tmp_path / "b.csv", many, columns).films) == READ


def test_rows_of_one_genre_each_are_joined(tmp_path: Path, many: Dataset) -> None:
    rows = [("One.", "Drama"), ("One.", "Comedy"), ("Two.", "Horror")]
    write_csv(tmp_path / "a.csv", HEADER, rows)
    extra = _taken(tmp_path / "a.csv", many, ColumnOptions(group_rows=True))
    assert genres_of(extra.films) == READ
    assert extra.unlabeled == 0


def test_empty_cells_are_negatives_but_for_wordings_of_known_films(tmp_path: Path) -> None:
    header = ("overview", "genres", "film")
    rows = [(text, "Drama" if at % 2 else "War", f"f{at}") for at, text in enumerate(overviews(60))]
    further = Further(group="film")
    dataset = load(write_csv(tmp_path / "films.csv", header, rows), further=further)
    film = rows[dataset.parts.index("train")]
    path = tmp_path / "a.csv"
    write_csv(path, header, [("None.", "", ""), ("Other words.", "", film[2]), ("A.", "War", "x")])
    extra = _taken(path, dataset, ColumnOptions(empty="negative"), further=further)
    assert genres_of(extra.films) == [[], [film[1]], ["War"]]


PLAIN = 'overview,genres\nOne.,"Drama, Comedy"\nTwo.,Horror\n'


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        (PLAIN.replace(",g", ";g").replace(".,", ".;"), ReadingOptions(delimiter=";")),
        (PLAIN.replace('"', "'"), ReadingOptions(quote="'")),
        (f"an export\n\n{PLAIN}", ReadingOptions(skip_lines=2)),
        (PLAIN, ReadingOptions(delimiter=";")),
        (PLAIN, ReadingOptions(skip_lines=2)),
        (PLAIN, ReadingOptions(quote="none")),
    ],
)
def test_csv_options_hold_unless_the_file_contradicts_them(
    tmp_path: Path, many: Dataset, text: str, reading: ReadingOptions
) -> None:
    path = _write(tmp_path / "a.csv", text)
    assert genres_of(_taken(path, many, reading=reading).films) == READ


def test_csv_options_do_not_matter_to_parquet_and_json_lines(tmp_path: Path, many: Dataset) -> None:
    reading = ReadingOptions(
        input_format="csv", delimiter=";", quote="none", escape="\\", skip_lines=3, strict=True
    )
    table = pa.table({"overview": ["One.", "Two."], "genres": [["Drama", "Comedy"], ["Horror"]]})
    pq.write_table(table, tmp_path / "a.parquet")
    assert genres_of(_taken(tmp_path / "a.parquet", many, reading=reading).films) == READ
    lines = "".join(json.dumps(row) + "\n" for row in table.to_pylist())
    path = _write(tmp_path / "a.jsonl", lines)
    assert genres_of(_taken(path, many, reading=reading).films) == READ


def test_a_file_without_a_suffix_has_the_format_of_the_catalog(
    tmp_path: Path, many: Dataset
) -> None:
    path = _write(tmp_path / "more", "overview\tgenres\nOne.\tDrama, Comedy\nTwo.\tHorror\n")
    reading = ReadingOptions(input_format="tsv")
    assert genres_of(_taken(path, many, reading=reading).films) == READ


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("latin-1", "latin-1"),
        ("latin-1", "utf-8"),
        ("latin-1", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-16", "utf-8"),
    ],
)
def test_the_encoding_holds_unless_a_file_is_plainly_utf_8(
    tmp_path: Path, many: Dataset, given: str, written: str
) -> None:
    text = 'overview,genres\nA café.,"Drama, Comedy"\nTwo.,Horror\n'
    path = _write(tmp_path / "a.csv", text, written)
    extra = _taken(path, many, reading=ReadingOptions(encoding=given))
    assert extra.films.texts == ["A café.", "Two."]
    assert genres_of(extra.films) == READ


def test_texts_that_mean_null_are_null_and_rejects_are_not_overwritten(
    tmp_path: Path, many: Dataset
) -> None:
    path = _write(tmp_path / "a.csv", "overview,genres\nOne.,Drama\nTwo.,none\nThree.,War,3\n")
    rejects = _write(tmp_path / "rejects.jsonl", "of the catalog\n")
    reading = ReadingOptions(null_values="none", rejects=rejects)
    with pytest.warns(GenreBatchWarning, match="1 row could not be read"):
        assert _taken(path, many, reading=reading).films.texts == ["One."]
    assert rejects.read_text() == "of the catalog\n"


NAMED = ColumnOptions(text_column="abstract", genre_column="topics")


@pytest.mark.parametrize(
    "header", [("abstract", "topics"), ("overview", "genres"), ("plot", "topics")]
)
def test_columns_are_those_of_the_catalog_or_have_usual_names(
    tmp_path: Path, many: Dataset, header: tuple[str, str]
) -> None:
    write_csv(tmp_path / "a.csv", header, PAIRS)
    assert genres_of(_taken(tmp_path / "a.csv", many, NAMED).films) == READ


def test_titles_are_read_from_the_named_column(tmp_path: Path) -> None:
    dataset = load(write_films(tmp_path, overviews(60)), with_title=True)
    columns = ColumnOptions(title_column="headline")
    write_csv(tmp_path / "a.csv", ("headline", *HEADER), [("Heat", "A robbery.", "Drama")])
    write_csv(tmp_path / "b.csv", ("Title", *HEADER), [("Ran", "A king.", "Drama")])
    for name, text in (("a.csv", "Heat. A robbery."), ("b.csv", "Ran. A king.")):
        assert _taken(tmp_path / name, dataset, columns).films.texts == [text]


def test_label_columns_are_read_where_a_catalog_has_them(tmp_path: Path, many: Dataset) -> None:
    columns = ColumnOptions(label_columns=("Comedy..Horror",))
    header = ("overview", "Comedy", "Drama", "Horror")
    write_csv(tmp_path / "a.csv", header, [("One.", 1, 1, 0), ("Two.", 0, 0, 1)])
    assert genres_of(_taken(tmp_path / "a.csv", many, columns).films) == READ
    write_csv(tmp_path / "b.csv", HEADER, PAIRS)
    assert genres_of(_taken(tmp_path / "b.csv", many, columns).films) == READ


@pytest.mark.parametrize(
    ("header", "columns", "message"),
    [
        (
            ("body", "topics"),
            NAMED,
            r"a\.csv: no column named abstract, overview, plot.* columns: ",
        ),
        (
            ("abstract", "subject"),
            NAMED,
            "no column named topics, genres, .*by the column options for the catalog, or by usual",
        ),
        (
            ("overview", "Horror"),
            ColumnOptions(label_columns=("Drama", "Horror")),
            "no column named genres, .* nor the columns Drama, Horror of `label_columns`",
        ),
    ],
)
def test_an_error_names_the_columns_that_were_looked_for(
    tmp_path: Path, many: Dataset, header: tuple[str, str], columns: ColumnOptions, message: str
) -> None:
    write_csv(tmp_path / "a.csv", header, PAIRS)
    with pytest.raises(ColumnError, match=f"{message}.*: rename one$"):
        _taken(tmp_path / "a.csv", many, columns)


def test_a_further_catalog_without_a_byte_is_named(tmp_path: Path, many: Dataset) -> None:
    (tmp_path / "a.jsonl").touch()
    with pytest.raises(ColumnError, match=r"a\.jsonl: it has no columns and no rows: check the f"):
        _taken(tmp_path / "a.jsonl", many, ColumnOptions())


def test_label_names_hold_where_cells_are_numbers(tmp_path: Path, many: Dataset) -> None:
    names = _write(tmp_path / "names.csv", "id,name\n7,Comedy\n18,Drama\n27,Horror\n")
    columns = ColumnOptions(label_names=names)
    write_csv(tmp_path / "a.csv", HEADER, [("One.", "18, 7"), ("Two.", "27")])
    assert genres_of(_taken(tmp_path / "a.csv", many, columns).films) == READ
    write_csv(tmp_path / "b.csv", HEADER, PAIRS)
    assert genres_of(_taken(tmp_path / "b.csv", many, columns).films) == READ


def test_words_for_parts_are_read_as_in_a_part_column(tmp_path: Path, many: Dataset) -> None:
    words = ("Train", "TRAINING ", "Validation", "test", "other", "")
    rows = [(f"New {word}.", "Drama", word) for word in words]
    write_csv(tmp_path / "a.csv", (*HEADER, "part"), rows)
    extra = _taken(tmp_path / "a.csv", many)
    assert (len(extra.films), extra.other_parts) == (2, 4)
    assert str(extra).endswith("4 whose column 'part' is not train")


def test_the_error_says_why_no_row_is_usable(tmp_path: Path, many: Dataset) -> None:
    held_out = many.part("test").texts[0]
    rows = [("A.", "Drama", "tomorrow"), ("B.", "Drama", "dev"), (held_out, "Drama", "train")]
    write_csv(tmp_path / "a.csv", (*HEADER, "part"), [*rows, ("C.", "", "train")])
    message = (
        r"a\.csv: no row is usable for training: 2 rows whose column 'part' is not train, 1 row "
        r"without a text or .*, 1 row whose overview .* dev or test part: write train into 'part'"
    )
    with pytest.raises(TrainingError, match=message):
        _taken(tmp_path / "a.csv", many)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_rows_with_soft_labels_need_no_genre_column(
    tmp_path: Path, many: Dataset, suffix: str
) -> None:
    rows: list[tuple[str, list[float | None] | None]] = [
        ("One.", [0.1, 0.9, 0.8, None, 0]),
        ("Nothing.", None),
    ]
    path = tmp_path / f"a{suffix}"
    if suffix == ".csv":
        cells = [(text, "" if soft is None else json.dumps(soft)) for text, soft in rows]
        write_csv(path, ("overview", "p"), cells)
    else:
        lines = [json.dumps({"overview": text, "p": soft}) for text, soft in rows]
        _write(path, "\n".join(lines))
    columns = ColumnOptions(empty="negative", genre_column="topics")
    extra = _taken(path, many, columns, further=Further(soft_labels="p"))
    assert extra.films.texts == ["One."]
    np.testing.assert_array_equal(
        extra.films.training_labels, np.array([[0.1, 0.9, 0.8, np.nan, 0]], np.float32)
    )


@pytest.mark.parametrize("weight", ["0,5", "50%", "abc", ""])
def test_a_weight_that_is_no_number_is_named(tmp_path: Path, weight: str) -> None:
    path = write_csv(tmp_path / "a.csv", HEADER, PAIRS).path
    message = (
        rf"a\.csv:{weight}: the weight '{weight}' is not a number: give one as in .*a\.csv:0\.5"
    )
    with pytest.raises(UsageError, match=message):
        locate_extra(ExtraTrain.parse(f"{path}:{weight}"), ReadingOptions())


def test_two_weights_are_named(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", HEADER, PAIRS).path
    with pytest.raises(UsageError, match=r"a\.csv:0\.5: it has two weights, 0\.5 and 2: give one"):
        locate_extra(ExtraTrain.parse(f"{path}:0.5:2"), ReadingOptions())


def test_other_paths_with_colons_are_paths(tmp_path: Path) -> None:
    odd = tmp_path / "a:b.csv"
    write_csv(odd, HEADER, PAIRS)
    assert locate_extra(ExtraTrain.parse(str(odd)), ReadingOptions()).path == str(odd)
    with pytest.raises(UsageError, match=r"no such file: .*gone:b"):
        locate_extra(ExtraTrain.parse(str(tmp_path / "gone:b.csv")), ReadingOptions())
    with pytest.raises(UsageError, match="stdin: name a file"):
        locate_extra(ExtraTrain("-"), ReadingOptions())

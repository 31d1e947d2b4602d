"""Further catalogs: each with its own weight, without held-out films, and each film once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from genre_batch.dataset.dataset import Dataset, concatenate, read_dataset
from genre_batch.dataset.earlier import EarlierFilms
from genre_batch.dataset.extra import ExtraTrain, load_extras, training_films
from genre_batch.dataset.load import Further
from genre_batch.errors import CatalogError, ColumnError, TrainingError, UsageError
from support.catalogs import as_rows, genres_of, load, overviews, write_csv, write_films

NOTHING = Further()


def _extra(path: Path, texts: list[str], genres: str = "Drama", weight: float = 1.0) -> ExtraTrain:
    write_csv(path, ("overview", "genres"), [(text, genres) for text in texts])
    return ExtraTrain(str(path), weight)


@pytest.mark.parametrize(
    ("text", "path", "weight"),
    [
        ("more.csv", "more.csv", 1.0),
        ("more.csv:0.5", "more.csv", 0.5),
        ("more.csv:0", "more.csv", 0.0),
        ("more.csv:1e-3", "more.csv", 1e-3),
        ("a:b/more.csv", "a:b/more.csv", 1.0),
        ("a:b/more.csv:2", "a:b/more.csv", 2.0),
        ("C:\\films\\more.csv", "C:\\films\\more.csv", 1.0),
        ("C:\\films\\more.csv:.25", "C:\\films\\more.csv", 0.25),
        ("https://host:8443/more.csv", "https://host:8443/more.csv", 1.0),
        ("https://host:8443/more.csv:0.1", "https://host:8443/more.csv", 0.1),
        ("more.csv:", "more.csv:", 1.0),
        ("odd:3:1", "odd:3", 1.0),
    ],
)
def test_what_follows_the_last_colon_is_a_weight_if_it_is_a_number(
    text: str, path: str, weight: float
) -> None:
    extra = ExtraTrain.parse(text)
    assert (extra.path, extra.weight) == (path, weight)
    assert ExtraTrain.parse(str(extra)) == extra


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            "more.csv:-0.5",
            r"`extra_train` more\.csv: the weight must be 0 or more and at most 1,000, got -0\.5",
        ),
        ("more.csv:nan", "at most 1,000, got nan"),
        ("more.csv:inf", "at most 1,000, got inf"),
        ("more.csv:1e30", r"at most 1,000, got 1e\+30"),
        (":0.5", "empty path"),
        ("", "empty path"),
        (3, "must be PATH or PATH:WEIGHT, got 3"),
    ],
)
def test_a_weight_below_0_or_far_above_1_is_an_error(value: object, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ExtraTrain.parse(value)


def test_what_two_further_catalogs_have_is_used_once_and_held_out_films_not_at_all(
    tmp_path: Path, many: Dataset
) -> None:
    held_out = many.part("test").texts[:3]
    first = _extra(tmp_path / "a.csv", ["One.", "Two.", *held_out])
    second = _extra(tmp_path / "b.csv", ["TWO!", "Three.", held_out[0]], "Comedy")
    extras = load_extras([first, second], many, NOTHING)
    assert [extra.films.texts for extra in extras] == [["One.", "Two."], ["Three."]]
    assert [(extra.held_out, extra.repeated) for extra in extras] == [(3, 0), (1, 1)]


def test_films_have_the_weight_of_their_catalog(tmp_path: Path, many: Dataset) -> None:
    sources = [
        _extra(tmp_path / "a.csv", ["One.", "Two."], weight=0.25),
        _extra(tmp_path / "b.csv", ["Three."], weight=2),
    ]
    films = training_films(many, load_extras(sources, many, NOTHING))
    ones = len(many.part("train"))
    assert films.training_weights.tolist() == [1.0] * ones + [0.25, 0.25, 2.0]


def test_weights_of_1_leave_the_films_as_they_are(tmp_path: Path, many: Dataset) -> None:
    extras = load_extras([_extra(tmp_path / "a.csv", ["One."])], many, NOTHING)
    films = training_films(many, extras)
    assert (films.weights, films.soft, films.film_ids) == (None, None, None)
    assert as_rows(films) == as_rows(concatenate(many.part("train"), extras[0].films))


def test_a_further_catalog_without_the_columns_is_an_error(tmp_path: Path, many: Dataset) -> None:
    write_csv(tmp_path / "a.csv", ("name", "year"), [("One", 1999)])
    with pytest.raises(ColumnError, match=r"a\.csv: no column named .* rename one$"):
        load_extras([ExtraTrain(str(tmp_path / "a.csv"))], many, NOTHING)


@pytest.mark.parametrize("further", [Further(group="film"), Further(soft_labels="film")])
def test_a_column_that_no_catalog_has_is_an_error(
    tmp_path: Path, many: Dataset, further: Further
) -> None:
    dataset = load(write_films(tmp_path, overviews(60)), further=further)
    name = "group" if further.group else "soft_labels"
    with pytest.raises(ColumnError, match=f"no column 'film'.*`{name}`; columns: title, overview"):
        load_extras([], dataset, further)
    earlier = EarlierFilms("run", {})
    with pytest.raises(ColumnError, match=f"columns: .*; or, if there is none, give `{name}` ''$"):
        load_extras([], dataset, further, earlier)


def test_wordings_of_a_held_out_film_are_left_out_in_every_catalog(tmp_path: Path) -> None:
    rows = [
        (text, "Drama, Comedy" if at % 2 else "Drama", f"f{at}")
        for at, text in enumerate(overviews(60))
    ]
    catalog = write_csv(tmp_path / "films.csv", ("overview", "genres", "film"), rows)
    further = Further(group="film")
    dataset = load(catalog, further=further)
    in_test, in_train = (dataset.parts.index(part) for part in ("test", "train"))
    test, train = rows[in_test][2], rows[in_train][2]
    header = ("overview", "genres", "film")
    # The first catalog does not show that its film is held out; the second one does.
    write_csv(tmp_path / "a.csv", header, [("Other words.", "Drama", "x"), ("Words.", "", train)])
    write_csv(
        tmp_path / "b.csv",
        header,
        [
            (rows[in_test][0], "Drama", "x"),
            ("In test.", "Drama", test),
            ("Its own.", "Drama", ""),
            (rows[in_train][0], "Drama", train),
        ],
    )
    sources = [ExtraTrain(str(tmp_path / "a.csv"), 0.5), ExtraTrain(str(tmp_path / "b.csv"), 0.25)]
    extras = load_extras(sources, dataset, further)
    assert [extra.films.texts for extra in extras] == [["Words."], ["Its own."]]
    assert [(extra.held_out, extra.repeated) for extra in extras] == [(1, 0), (2, 1)]
    # A wording without genres has those of its film, and a film has one weight.
    assert genres_of(extras[0].films) == [rows[in_train][1].split(", ")]
    films = training_films(dataset, extras)
    assert films.training_weights[-2:].tolist() == [1.0, 0.25]


@pytest.mark.parametrize("film", ["x", ""])
@pytest.mark.parametrize("together", [True, False])
def test_a_text_of_a_held_out_film_is_left_out_under_any_name(
    tmp_path: Path, film: str, together: bool
) -> None:
    further, header = Further(group="film"), ("overview", "genres", "film")
    genres = ("Drama", "War")
    texts = [(text, genres[at % 2], f"f{at}") for at, text in enumerate(overviews(60))]
    dataset = load(write_csv(tmp_path / "films.csv", header, texts), further=further)
    held_out = texts[dataset.parts.index("test")][2]
    # Of the film in test there are other words, which another row has under another name.
    rows = [("Other words.", "War", held_out), ("Own.", "Drama", "own")]
    copies = [("Other words.", "War", film), ("Own, too.", "Drama", "too")]
    write_csv(tmp_path / "a.csv", header, rows + copies if together else rows)
    sources = [ExtraTrain(str(tmp_path / "a.csv"))]
    if not together:
        write_csv(tmp_path / "b.csv", header, copies)
        sources.append(ExtraTrain(str(tmp_path / "b.csv")))
    for chosen in (sources, sources[::-1]):
        extras = load_extras(chosen, dataset, further)
        taken = {text for extra in extras for text in extra.films.texts}
        assert taken == {"Own.", "Own, too."}
        assert sum(extra.held_out + extra.repeated for extra in extras) == 2


def test_a_film_of_the_catalog_s_training_part_is_used_once(tmp_path: Path, many: Dataset) -> None:
    text = many.part("train").texts[0]
    (extra,) = load_extras([_extra(tmp_path / "a.csv", [text, "New."])], many, NOTHING)
    assert extra.films.texts == ["New."]
    assert extra.repeated == 1


def test_a_wording_may_name_its_film_by_the_key_of_its_overview(
    tmp_path: Path, many: Dataset
) -> None:
    further = Further(group="film")
    dataset = load(write_films(tmp_path, overviews(60)), further=further)
    at, held_out = (dataset.parts.index(part) for part in ("train", "dev"))
    rows = [(f"Words {row}.", f"{int(dataset.keys[row]):016x}") for row in (at, held_out)]
    write_csv(tmp_path / "a.csv", ("overview", "genres", "film"), [(t, "", k) for t, k in rows])
    (extra,) = load_extras([ExtraTrain(str(tmp_path / "a.csv"))], dataset, further)
    assert extra.films.texts == [f"Words {at}."]
    assert dataset.film_ids is not None
    assert extra.films.film_ids is not None
    assert extra.films.film_ids[0] == dataset.film_ids[at]


def test_soft_labels_are_taken_where_a_catalog_has_them(tmp_path: Path, many: Dataset) -> None:
    header = ("overview", "genres", "p")
    rows = [("Soft.", "", "[0.9, 0.2, null, 0.4, 0]"), ("Hard.", "Drama", "")]
    rows += [("Both.", "Horror", "[0, 0, 1, 0, 0]"), ("Nothing.", "", "")]
    rows.append(("Unknown.", "", "[null, null, null, null, null]"))
    write_csv(tmp_path / "a.csv", header, rows)
    sources = [ExtraTrain(str(tmp_path / "a.csv")), _extra(tmp_path / "b.csv", ["Other."])]
    soft, hard = load_extras(sources, many, Further(soft_labels="p"))
    assert soft.films.texts == ["Soft.", "Hard.", "Both.", "Unknown."]
    assert genres_of(soft.films) == [["Action"], ["Drama"], ["Horror"], []]
    nan = float("nan")
    np.testing.assert_array_equal(
        soft.films.training_labels,
        np.array(
            [[0.9, 0.2, nan, 0.4, 0], [0, 0, 1, 0, 0], [0, 0, 1, 0, 0], [nan] * 5], np.float32
        ),
    )
    assert soft.films.has_labels.tolist() == [True, True, True, False]
    assert hard.films.soft is None
    films = training_films(many, (soft, hard))
    path = tmp_path / "films.parquet"
    films.write(path)
    np.testing.assert_array_equal(read_dataset(path).training_labels, films.training_labels)


def test_a_catalog_of_held_out_films_alone_is_an_error(tmp_path: Path, many: Dataset) -> None:
    source = _extra(tmp_path / "a.csv", many.part("test").texts)
    with pytest.raises(TrainingError, match="no row is usable for training"):
        load_extras([source], many, NOTHING)


def test_bad_soft_labels_name_the_file_and_the_row(tmp_path: Path, many: Dataset) -> None:
    rows = [("One.", "[0, 0, 0, 0, 1]"), ("Two.", "[0, 0, 0, 0, 1.5]")]
    write_csv(tmp_path / "a.csv", ("overview", "p", "genres"), [(*row, "Drama") for row in rows])
    with pytest.raises(CatalogError, match=r"a\.csv: row 1 .*'p' .* is 1\.5 for 'Romance'"):
        load_extras([ExtraTrain(str(tmp_path / "a.csv"))], many, Further(soft_labels="p"))

"""The films of an earlier run keep their parts: none trained on measures the next run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from genre_batch.dataset.dataset import Dataset
from genre_batch.dataset.earlier import EarlierFilms, read_earlier_films
from genre_batch.dataset.extra import ExtraTrain, load_extras
from genre_batch.dataset.load import Further
from genre_batch.dataset.split import PARTS
from genre_batch.errors import GenreBatchWarning, TrainingError
from genre_batch.model.text_keys import text_keys
from support.catalogs import CELLS, load, overviews, write_csv, write_films


def _earlier(films: Dataset) -> EarlierFilms:
    return EarlierFilms("run", {}).joined(films)


def _parts(films: Dataset) -> dict[str, str]:
    return dict(zip(films.bare_texts, films.parts, strict=True))


@pytest.fixture
def before(tmp_path: Path) -> Dataset:
    """Sixty films, split."""
    return load(write_films(tmp_path, overviews(60)))


def test_known_films_keep_their_parts_and_new_ones_are_split(
    tmp_path: Path, before: Dataset
) -> None:
    texts = [text.upper() for text in overviews(160)][::-1]
    after = load(write_films(tmp_path, texts), seed=7, earlier_run=_earlier(before))
    parts = _parts(after)
    assert {text: parts[text.upper()] for text in before.bare_texts} == _parts(before)
    counts = _earlier(before).counts(after)
    assert [old for old, _ in counts.values()] == [before.parts.count(part) for part in PARTS]
    assert [new for _, new in counts.values()] == [70, 20, 10]


def test_new_films_that_are_too_few_to_split_are_trained_on(
    tmp_path: Path, before: Dataset
) -> None:
    after = load(write_films(tmp_path, overviews(66)), earlier_run=_earlier(before))
    assert {_parts(after)[text] for text in overviews(66)[60:]} == {"train"}


def test_one_known_part_alone_says_what_is_missing(tmp_path: Path, before: Dataset) -> None:
    only = before.part("train").bare_texts
    with pytest.raises(TrainingError, match="no film is left for dev: run has these films already"):
        load(write_films(tmp_path, only), earlier_run=_earlier(before))


def test_films_that_a_given_split_would_move_are_left_out(tmp_path: Path, before: Dataset) -> None:
    wanted = [PARTS[number % 3] for number in range(60)]
    rows = [
        (text, CELLS[number % len(CELLS)], part)
        for number, (text, part) in enumerate(zip(overviews(60), wanted, strict=True))
    ]
    location = write_csv(tmp_path / "films.csv", ("overview", "genres", "fold"), rows)
    with pytest.warns(GenreBatchWarning, match="rows left out: run has the film in another part"):
        after = load(location, part_column="fold", earlier_run=_earlier(before))
    was = _parts(before)
    for text, part in _parts(after).items():
        assert (part == "train") == (was[text] == "train")
    assert len(after) == sum(
        (part == "train") == (was[text] == "train")
        for text, part in zip(overviews(60), wanted, strict=True)
    )


def test_a_wording_of_two_films_joins_none_that_was_held_out(
    tmp_path: Path, before: Dataset
) -> None:
    trained, held_out = before.part("train").bare_texts[0], before.part("test").bare_texts[0]
    rows = [(text, CELLS[number % 4], text) for number, text in enumerate(before.bare_texts)]
    rows = [(text, cell, trained if film == held_out else film) for text, cell, film in rows]
    rows += [("A new wording.", "Drama", trained)]
    location = write_csv(tmp_path / "films.csv", ("overview", "genres", "film"), rows)
    with pytest.warns(GenreBatchWarning, match="1 row left out"):
        after = load(location, further=Further(group="film"), earlier_run=_earlier(before))
    assert held_out not in after.bare_texts
    assert _parts(after)["A new wording."] == "train"


def test_further_films_that_the_earlier_run_held_out_are_left_out(
    tmp_path: Path, before: Dataset
) -> None:
    earlier = _earlier(before)
    new = [f"Another story, number {number}." for number in range(40)]
    after = load(write_films(tmp_path, new), earlier_run=earlier)
    held_out = before.part("dev", "test").bare_texts
    rows = [(text, "Drama") for text in (*held_out, "Quite another one.")]
    path = tmp_path / "more.csv"
    write_csv(path, ("overview", "genres"), rows)
    (extra,) = load_extras([ExtraTrain(str(path))], after, Further(), earlier)
    assert (extra.films.bare_texts, extra.held_out) == (["Quite another one."], len(held_out))


def test_films_of_several_runs_are_kept_in_one_file(tmp_path: Path, before: Dataset) -> None:
    new = [f"Another story, number {number}." for number in range(40)]
    after = load(write_films(tmp_path, new))
    both = _earlier(before).joined(after)
    both.write(tmp_path / "earlier_films.parquet")
    read = read_earlier_films(tmp_path / "earlier_films.parquet")
    assert (read.name, read.key_version, read.knows_held_out) == ("run", 2, True)
    for films in (before, after):
        assert read.parts_of(films).tolist() == films.parts


def test_a_model_that_only_knows_what_it_was_trained_on_keeps_that_out_of_dev_and_test(
    tmp_path: Path, before: Dataset
) -> None:
    keys = np.sort(text_keys(before.part("train").bare_texts, 1))
    model = EarlierFilms("model.onnx", {"train": keys}, 1, knows_held_out=False)
    with pytest.warns(GenreBatchWarning, match=r"model\.onnx does not record which films"):
        after = load(write_films(tmp_path, overviews(60)), seed=3, earlier_run=model)
    assert set(before.part("train").bare_texts) <= set(after.part("train").bare_texts)

"""Promise: films of any script are split, deduplicated and checked like those in English."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from genre_batch.catalog.formats import input_location
from genre_batch.dataset.dataset import Dataset, concatenate, read_dataset
from genre_batch.dataset.extra_rows import load_extra
from genre_batch.dataset.split import PARTS, read_split_file, split_file_text
from genre_batch.errors import CatalogError
from genre_batch.model.text_keys import text_key, text_keys
from support.catalogs import load, overviews, write_csv, write_films
from support.scripts import SCRIPTS, film_texts

FILMS = 60

any_script = pytest.mark.parametrize("script", SCRIPTS)


def _as_version_1(path: Path) -> None:
    """Rewrite a run's splits.parquet as it was written when keys kept a-z and 0-9 only."""
    table = pq.read_table(path)
    keys = text_keys(table.column("text_without_title").to_pylist(), version=1).tolist()
    groups = [f"{key:016x}" for key in keys]
    metadata = dict(table.schema.metadata)
    del metadata[b"text_key_version"]
    index = table.column_names.index("group")
    table = table.set_column(index, "group", [groups]).replace_schema_metadata(metadata)
    pq.write_table(table, path)


@any_script
def test_a_catalog_is_split_70_20_10(tmp_path: Path, script: str) -> None:
    dataset = load(write_films(tmp_path, film_texts(script, FILMS)))
    counts = Counter(dataset.parts)
    assert sum(counts.values()) == FILMS
    assert [counts[part] / FILMS for part in PARTS] == pytest.approx([0.7, 0.2, 0.1], abs=0.05)


@any_script
def test_a_second_language_is_split_too(tmp_path: Path, script: str) -> None:
    texts = [*overviews(FILMS), *film_texts(script, FILMS)]
    dataset = load(write_films(tmp_path, texts))
    parts = Counter(
        part
        for part, text in zip(dataset.parts, dataset.texts, strict=True)
        if text in texts[FILMS:]
    )
    assert all(parts[part] for part in PARTS)


@any_script
def test_duplicates_are_in_one_part(tmp_path: Path, script: str) -> None:
    texts = film_texts(script, FILMS)
    noisy = [f" «{text.upper()}» …" for text in texts]
    dataset = load(write_films(tmp_path, [*texts, *noisy]))
    assert dataset.parts[:FILMS] == dataset.parts[FILMS:]
    assert len(np.unique(dataset.keys)) == FILMS


@any_script
def test_extra_films_of_dev_and_test_are_left_out(tmp_path: Path, script: str) -> None:
    texts = film_texts(script, FILMS + 5)
    (tmp_path / "extra").mkdir()
    dataset = load(write_films(tmp_path, texts[:FILMS]))
    extra = load_extra(write_films(tmp_path / "extra", texts), dataset)
    held_out = {
        text for text, part in zip(dataset.texts, dataset.parts, strict=True) if part != "train"
    }
    assert set(extra.texts) == set(texts) - held_out


@any_script
def test_a_split_file_is_checked(tmp_path: Path, script: str) -> None:
    texts = film_texts(script, FILMS)
    catalog = write_films(tmp_path, texts)
    dataset = load(catalog)
    (tmp_path / "split.csv").write_text(split_file_text(dataset.rows, dataset.parts, dataset.keys))
    dataset.write(tmp_path / "splits.parquet")
    for name in ("split.csv", "splits.parquet"):
        split = input_location(str(tmp_path / name))
        assert load(catalog, split_file=split).parts == dataset.parts
        other = write_csv(
            tmp_path / "other.csv",
            ("overview", "genres"),
            [(text, "Drama" if row % 2 else "Comedy") for row, text in enumerate(reversed(texts))],
        )
        with pytest.raises(CatalogError, match="is the split of another catalog: row 0"):
            load(other, split_file=split)


@any_script
def test_files_with_keys_of_version_1_still_belong_to_their_catalog(
    tmp_path: Path, script: str
) -> None:
    texts = [*film_texts(script, FILMS), *overviews(FILMS)]
    catalog = write_films(tmp_path, texts)
    dataset = load(catalog)
    dataset.write(tmp_path / "splits.parquet")
    _as_version_1(tmp_path / "splits.parquet")
    rows = [
        (row, dataset.parts[row], f"{text_key(text, 1):016x}") for row, text in enumerate(texts)
    ]
    old = write_csv(tmp_path / "split.csv", ("row", "part", "overview_key"), rows)
    for split in (old, input_location(str(tmp_path / "splits.parquet"))):
        assert read_split_file(split).key_version == 1
        assert load(catalog, split_file=split).parts == dataset.parts


def test_datasets_of_both_versions_are_compared_in_one(tmp_path: Path) -> None:
    texts = [*film_texts("Cyrillic", FILMS), *overviews(FILMS)]
    dataset = load(write_films(tmp_path, texts))
    dataset.write(tmp_path / "splits.parquet")
    _as_version_1(tmp_path / "splits.parquet")
    old = read_dataset(tmp_path / "splits.parquet")
    assert (old.key_version, dataset.key_version) == (1, 2)
    assert len(np.unique(old.keys)) == FILMS + 1
    assert old.keys_as(2).tolist() == dataset.keys.tolist()
    assert dataset.keys_as(1).tolist() == old.keys.tolist()
    assert concatenate(dataset, old).keys.tolist() == 2 * dataset.keys.tolist()


def test_a_copy_keeps_the_key_of_its_film_in_the_other_version(many: Dataset) -> None:
    keys = many.keys.copy()
    keys[1] = keys[0]
    copies = type(many)(**{**vars(many), "keys": keys})
    assert copies.keys_as(1)[:2].tolist() == 2 * [text_key(many.texts[0], 1)]

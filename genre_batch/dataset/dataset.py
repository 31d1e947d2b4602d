"""Labeled films in parts, as training and exporting use them, and their file in a run folder."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from genre_batch.catalog.formats import input_location
from genre_batch.catalog.reading.whole import read_table
from genre_batch.dataset.labelled import encode_labels
from genre_batch.errors import CatalogError, TrainingError
from genre_batch.files import replacing_path
from genre_batch.model.text import uses_title
from genre_batch.model.text_keys import TEXT_KEY_VERSION, text_keys

__all__ = ["Dataset", "concatenate", "rarity", "read_dataset", "variants"]


@dataclass(frozen=True)
class Dataset:
    """Labeled films, each in one part.

    Attributes:
        texts: what the model reads of each film, with its title if the template has one.
        bare_texts: the same without titles.
        labels: (films, genres) uint8, 0 or 1.
        names: the genres, in column order.
        rows: (films,) int64, each film's row in its catalog (0-based).
        keys: (films,) uint64, the `text_key` of each overview: equal for duplicates. A copy
            (dataset/copies.py) has the key of its film.
        parts: each film's part, of `PARTS`.
        template: the text template that `texts` were composed with.
        sha256: the SHA-256 of the catalog file.
        dropped: the number of rows left out: without text, without genre, or copies whose film is
            missing.
        used_columns: the columns that were read, as `ModelMetadata.columns` has them.
        key_version: the version of `keys`, of `TEXT_KEY_VERSIONS`.
        soft: (films, genres) float32, 0..1, the labels to train on; NaN where nothing is known of
            a genre. None: those of `labels`.
        weights: (films,) float32, 0 or more, the weight of each film in the training loss. None:
            1 for all.
        film_ids: (films,) uint64: equal for wordings of one film, of which training reads one per
            epoch. None: every row is a film of its own.
        columns: the names of the catalog's columns, for messages.
        excluded: the catalog's genres that are not among `names`.
    """

    texts: list[str]
    bare_texts: list[str]
    labels: npt.NDArray[np.uint8]
    names: list[str]
    rows: npt.NDArray[np.int64]
    keys: npt.NDArray[np.uint64]
    parts: list[str]
    template: str
    sha256: str
    dropped: int = 0
    used_columns: Mapping[str, str | None] = field(default_factory=dict)
    key_version: int = TEXT_KEY_VERSION
    soft: npt.NDArray[np.float32] | None = None
    weights: npt.NDArray[np.float32] | None = None
    film_ids: npt.NDArray[np.uint64] | None = None
    columns: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def training_labels(self) -> npt.NDArray[np.float32]:
        """(films, genres) float32, 0..1: the soft labels, else `labels`; NaN where unknown."""
        return self.labels.astype(np.float32) if self.soft is None else self.soft

    @property
    def training_weights(self) -> npt.NDArray[np.float32]:
        """(films,) float32: the weight of each film in the training loss."""
        return np.ones(len(self), dtype=np.float32) if self.weights is None else self.weights

    @property
    def has_labels(self) -> npt.NDArray[np.bool_]:
        """(films,) bool: whether something is known of at least one genre of a film."""
        return np.asarray(~np.isnan(self.training_labels).all(axis=1), dtype=np.bool_)

    @property
    def is_partial(self) -> bool:
        """Whether a label is unknown."""
        return self.soft is not None and bool(np.isnan(self.soft).any())

    @property
    def label_shares(self) -> npt.NDArray[np.float32]:
        """(genres,) float32, 0..1: the weighted share of the films with each genre.

        Films of which nothing is known of a genre do not count; NaN: no film counts.
        """
        labels = self.training_labels
        known = ~np.isnan(labels)
        weights = self.training_weights[:, None] * known
        counted = weights.sum(axis=0, dtype=np.float64)
        of_genre = (weights * np.where(known, labels, 0)).sum(axis=0, dtype=np.float64)
        shares = np.full(len(self.names), np.nan, dtype=np.float32)
        np.divide(of_genre, counted, out=shares, where=counted > 0, casting="same_kind")
        return shares

    def part(self, *wanted: str) -> Dataset:
        """Return only the films of these parts."""
        return self.take([index for index, part in enumerate(self.parts) if part in wanted])

    def take(self, positions: Sequence[int]) -> Dataset:
        """Return only the films at these positions."""
        return replace(
            self,
            texts=[self.texts[index] for index in positions],
            bare_texts=[self.bare_texts[index] for index in positions],
            labels=self.labels[positions],
            rows=self.rows[positions],
            keys=self.keys[positions],
            parts=[self.parts[index] for index in positions],
            soft=None if self.soft is None else self.soft[positions],
            weights=None if self.weights is None else self.weights[positions],
            film_ids=None if self.film_ids is None else self.film_ids[positions],
        )

    def spread(self, most: int) -> Dataset:
        """Return at most `most` films, evenly spaced, the first and the last among them."""
        if len(self) <= most:
            return self
        return self.take(np.linspace(0, len(self) - 1, most).astype(int).tolist())

    def keys_as(self, version: int) -> npt.NDArray[np.uint64]:
        """Return the keys in another version.

        A copy whose film is not among these films has the key of its own overview.
        """
        if version == self.key_version:
            return self.keys
        is_film = text_keys(self.bare_texts, self.key_version) == self.keys
        keys = text_keys(self.bare_texts, version)
        of_film = dict(zip(self.keys[is_film].tolist(), keys[is_film].tolist(), strict=True))
        for copy in np.flatnonzero(~is_film).tolist():
            keys[copy] = of_film.get(int(self.keys[copy]), int(keys[copy]))
        return keys

    def write(self, path: Path) -> None:
        """Write `row, group, part, text, labels` and the text without title, as Parquet.

        Rows of one group have the same overview, or are copies of a film that has it. Soft labels,
        weights and film ids are further columns, where there are any. The genre names, the template
        and the catalog's hash are in the schema's metadata, so that `read_dataset` needs no other
        file.
        """
        schema = pa.schema(
            [
                ("row", pa.int64()),
                ("group", pa.string()),
                ("part", pa.string()),
                ("text", pa.string()),
                ("labels", pa.list_(pa.string())),
                ("text_without_title", pa.string()),
            ],
            metadata={
                "labels": "\n".join(self.names),
                "template": self.template,
                "sha256": self.sha256,
                "columns": json.dumps(dict(self.used_columns)),
                "text_key_version": str(self.key_version),
            },
        )
        names = np.array(self.names, dtype=object)
        columns = [
            self.rows,
            [f"{key:016x}" for key in self.keys.tolist()],
            self.parts,
            self.texts,
            [names[row.astype(bool)].tolist() for row in self.labels],
            self.bare_texts,
        ]
        table = pa.table(columns, schema)
        if self.soft is not None:
            values = pa.array(self.soft.ravel(), from_pandas=True)
            offsets = np.arange(len(self) + 1, dtype=np.int32) * len(self.names)
            lists = pa.ListArray.from_arrays(pa.array(offsets), values)
            table = table.append_column("soft_labels", lists)
        if self.weights is not None:
            table = table.append_column("weight", pa.array(self.weights))
        if self.film_ids is not None:
            table = table.append_column("film", [[f"{film:016x}" for film in self.film_ids]])
        with replacing_path(path) as temporary:
            pq.write_table(table, temporary)


def read_dataset(path: Path) -> Dataset:
    """Read a file that `Dataset.write` wrote.

    Raises:
        TrainingError: there is no such file: the folder is not a run folder; or it is damaged.
    """
    if not path.exists():
        raise TrainingError(
            f"{path.parent} is not a run folder ({path.name} is missing): train a model first"
        )
    try:
        table = read_table(input_location(str(path)))
        metadata = table.schema.metadata
        names = metadata[b"labels"].decode().split("\n")
        columns = set(table.column_names)
        soft = weights = film_ids = None
        if "soft_labels" in columns:
            values = table.column("soft_labels").combine_chunks().flatten()
            soft = values.to_numpy(zero_copy_only=False).reshape(-1, len(names)).astype(np.float32)
        if "weight" in columns:
            weights = table.column("weight").to_numpy()
        if "film" in columns:
            film_ids = np.array(
                [int(film, 16) for film in table.column("film").to_pylist()], np.uint64
            )
        return Dataset(
            soft=soft,
            weights=weights,
            film_ids=film_ids,
            texts=table.column("text").to_pylist(),
            bare_texts=table.column("text_without_title").to_pylist(),
            labels=encode_labels(table.column("labels").to_pylist(), names),
            names=names,
            rows=table.column("row").to_numpy(),
            keys=np.array([int(key, 16) for key in table.column("group").to_pylist()], np.uint64),
            parts=table.column("part").to_pylist(),
            template=metadata[b"template"].decode(),
            sha256=metadata[b"sha256"].decode(),
            used_columns=json.loads(metadata.get(b"columns", b"{}")),
            key_version=int(metadata.get(b"text_key_version", b"1")),
        )
    except (CatalogError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise TrainingError(
            f"{path} is missing or damaged: repeat the command that trained it, with --resume, to "
            f"repair the folder"
        ) from error


def concatenate(first: Dataset, second: Dataset) -> Dataset:
    """Return the films of both; the second must have the first one's genres and template."""
    both = (first, second)
    soft = weights = film_ids = None
    if any(films.soft is not None for films in both):
        soft = np.concatenate([films.training_labels for films in both])
    if any(films.weights is not None for films in both):
        weights = np.concatenate([films.training_weights for films in both])
    if first.film_ids is not None and second.film_ids is not None:
        film_ids = np.concatenate([first.film_ids, second.film_ids])
    return replace(
        first,
        texts=first.texts + second.texts,
        bare_texts=first.bare_texts + second.bare_texts,
        labels=np.concatenate([first.labels, second.labels]),
        rows=np.concatenate([first.rows, second.rows]),
        keys=np.concatenate([first.keys, second.keys_as(first.key_version)]),
        parts=first.parts + second.parts,
        soft=soft,
        weights=weights,
        film_ids=film_ids,
    )


def rarity(labels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Return (films,) weights: 1 / sqrt(n), where n films have the film's rarest genre.

    A film without a genre counts like one of the most frequent genre.
    """
    counts = np.maximum(labels.sum(axis=0, dtype=np.int64), 1)
    return np.asarray((labels / np.sqrt(counts)).max(axis=1)).clip(min=1 / np.sqrt(counts.max()))


def variants(films: Dataset) -> dict[str, list[str]]:
    """Return the texts to evaluate on: as the model reads them and, if it reads titles, without."""
    if not uses_title(films.template):
        return {"overview": films.texts}
    return {"title_and_overview": films.texts, "overview": films.bare_texts}

"""What to compare, and with which data."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from genre_batch.catalog.formats import Location, input_location
from genre_batch.catalog.options import CATALOG, CatalogPath, ColumnOptions, ReadingOptions
from genre_batch.comparison.systems.registry import SYSTEMS
from genre_batch.errors import UsageError
from genre_batch.options import FLAG, SEED, STRING, STRINGS, Checked, StrPath

__all__ = ["PROTOCOLS", "CompareJob"]

PROTOCOLS = ("clean", "paper")


@dataclass(frozen=True)
class CompareJob(Checked):
    """What to compare, and with which data.

    Attributes:
        catalog: the labeled catalog: a file, glob, folder or URL, or a list of them, whose rows
            are read as one table.
        output: the comparison's folder. An interrupted comparison in it is resumed.
        protocols: of `PROTOCOLS`.
        systems: of `SYSTEMS`.
        columns: the catalog's columns of texts, titles and genres.
        reading: how to read the catalog; split files and copies are read with the defaults.
        split: a split file for the clean protocol; None: a split is drawn.
        base_model: the encoder of `distilbert`.
        bert_model: the encoder of `bert`; None: the same as `base_model`.
        model: the exported .onnx of `shipped`; None: the default model.
        oversampled: the catalog with copies, from `augment`; None: made with Apertium.
        seed: of splits and training.
        quick: the first 1,500 rows, one epoch, no grid searches: to check that everything runs.

    Raises:
        UsageError: an unknown system or protocol.
    """

    catalog: CatalogPath = field(metadata=CATALOG)
    output: StrPath = field(metadata=STRING)
    protocols: tuple[str, ...] = field(default=("clean",), metadata=STRINGS)
    systems: tuple[str, ...] = field(default=tuple(SYSTEMS), metadata=STRINGS)
    columns: ColumnOptions = field(default_factory=ColumnOptions)
    reading: ReadingOptions = field(default_factory=ReadingOptions)
    split: StrPath | None = field(default=None, metadata=STRING)
    base_model: str = field(default="distilbert-base-uncased", metadata=STRING)
    bert_model: str | None = field(default=None, metadata=STRING)
    model: StrPath | None = field(default=None, metadata=STRING)
    oversampled: StrPath | None = field(default=None, metadata=STRING)
    seed: int = field(default=0, metadata=SEED)
    quick: bool = field(default=False, metadata=FLAG)

    def __post_init__(self) -> None:
        super().__post_init__()
        for parameter, names, known in (
            ("systems", self.systems, tuple(SYSTEMS)),
            ("protocols", self.protocols, PROTOCOLS),
        ):
            for name in names:
                if name not in known:
                    raise UsageError(
                        f"unknown name {name!r} in `{parameter}`: choose from {', '.join(known)}"
                    )

    def locate(self) -> tuple[Location, Location | None, Location | None]:
        """Find the catalog, the split file and the catalog with copies.

        Raises:
            UsageError: a file is missing, a folder, or of an unknown format.
        """
        return (
            self.reading.locate_all(self.catalog),
            None if self.split is None else input_location(os.fspath(self.split)),
            None if self.oversampled is None else input_location(os.fspath(self.oversampled)),
        )

"""What to compare, on what."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from genre_batch.catalog.formats import Location
from genre_batch.catalog.options import ColumnOptions, ReadingOptions
from genre_batch.comparison.systems.registry import SYSTEMS
from genre_batch.errors import UsageError

__all__ = ["PROTOCOLS", "CompareJob"]

PROTOCOLS = ("clean", "paper")


@dataclass(frozen=True)
class CompareJob:
    """What to compare, on what.

    Attributes:
        catalog: the labelled catalog.
        folder: where the comparison grows; one that was interrupted is gone on with.
        protocols: of `PROTOCOLS`.
        systems: of `SYSTEMS`.
        columns: where texts, titles and genres are.
        reading: how to read the catalog; split files and copies are read with the defaults.
        split: a split file for the clean protocol; None: one is drawn.
        base_model: the encoder of `distilbert`.
        bert_model: the encoder of `bert`; None: the same.
        model: the exported .onnx of `shipped`; None: the default one.
        oversampled: the catalog with copies, of `augment`; None: made here, with Apertium.
        seed: of splits and training.
        quick: the first 1,500 rows, one epoch, no grids: to see that it runs.
    """

    catalog: Location
    folder: Path
    protocols: tuple[str, ...] = ("clean",)
    systems: tuple[str, ...] = tuple(SYSTEMS)
    columns: ColumnOptions = field(default_factory=ColumnOptions)
    reading: ReadingOptions = field(default_factory=ReadingOptions)
    split: Location | None = None
    base_model: str = "distilbert-base-uncased"
    bert_model: str | None = None
    model: str | None = None
    oversampled: Location | None = None
    seed: int = 0
    quick: bool = False

    def __post_init__(self) -> None:
        for kind, given, known in (
            ("--systems", self.systems, tuple(SYSTEMS)),
            ("--protocol", self.protocols, PROTOCOLS),
        ):
            for name in given:
                if name not in known:
                    raise UsageError(f"{kind} {name}: known are {', '.join(known)}")

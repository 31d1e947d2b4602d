"""What lies where in a run's folder, and the small JSON files in it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genre_batch.errors import TrainingError
from genre_batch.files import write_json, write_text

__all__ = ["RunFolder"]


@dataclass(frozen=True)
class RunFolder:
    """A folder that `train` makes: a transformers checkpoint and what it was made from.

    Attributes:
        path: the folder.
    """

    path: Path

    @property
    def splits(self) -> Path:
        """The catalog's films and the part of each (`Dataset.write`)."""
        return self.path / "splits.parquet"

    @property
    def extra(self) -> Path:
        """The films of `--extra-train`, in the same shape; absent without it."""
        return self.path / "extra_train.parquet"

    @property
    def thresholds(self) -> Path:
        """The method and its threshold for each genre."""
        return self.path / "thresholds.json"

    @property
    def metrics(self) -> Path:
        """Figures on the development and test parts; written last: its presence means done."""
        return self.path / "metrics.json"

    @property
    def log(self) -> Path:
        """One line an epoch."""
        return self.path / "training_log.jsonl"

    @property
    def alignment_log(self) -> Path:
        """One line an epoch of `--align-to`; absent without it."""
        return self.path / "alignment_log.jsonl"

    @property
    def report(self) -> Path:
        """A page of tables and figures, for people; written behind everything else."""
        return self.path / "report.html"

    @property
    def checkpoints(self) -> Path:
        """What `--resume` goes on from; removed when the run is finished."""
        return self.path / "checkpoints"

    @property
    def provenance(self) -> Path:
        """How the run was made: base model, options, data hashes, versions.

        Written once the films are: its presence means a run that can be gone on with.
        """
        return self.path / "provenance.json"

    @property
    def readme(self) -> Path:
        """What the folder holds, for whoever opens it."""
        return self.path / "README.md"

    @property
    def weights(self) -> Path:
        """The trained parameters."""
        return self.path / "model.safetensors"

    @property
    def is_finished(self) -> bool:
        """Whether training came to its end."""
        return self.metrics.exists()

    @staticmethod
    def write_text(path: Path, text: str) -> None:
        """Writes a text file whole or not at all."""
        write_text(path, text)

    @staticmethod
    def write_json(path: Path, value: Any) -> None:
        """Writes a JSON file whole or not at all."""
        write_json(path, value)

    @staticmethod
    def read_json(path: Path) -> Any:
        """Reads a JSON file of a run.

        Raises:
            TrainingError: it is missing or broken: the folder is no finished run.
        """
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise TrainingError(
                f"{path.parent} is no finished run ({path.name} is missing or broken): "
                f"train it with genre-batch train, or go on with --resume"
            ) from error

"""The files of a run's folder, and how far the run in it has come."""

from __future__ import annotations

import contextlib
import enum
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from genre_batch.dataset.dataset import Dataset, read_dataset
from genre_batch.errors import TrainingError
from genre_batch.files import check_output_folder

__all__ = ["RunFolder", "Stage"]


class Stage(enum.IntEnum):
    """How far a run has come. Each stage has what the ones before it have."""

    NEW = 0
    """No folder, or an empty one."""
    BEGUN = 1
    """Films, recipe and provenance are there; training may have left checkpoints."""
    TRAINED = 2
    """The weights are there."""
    MEASURED = 3
    """Thresholds and metrics are there."""
    DONE = 4
    """The report is there."""


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
        """The films of `extra_train`, in the same format; absent if there are none."""
        return self.path / "extra_train.parquet"

    @property
    def recipe(self) -> Path:
        """The run's options as a recipe file."""
        return self.path / "recipe.toml"

    @property
    def provenance(self) -> Path:
        """How the run was made. It is written after the films: then the run can be resumed."""
        return self.path / "provenance.json"

    @property
    def thresholds(self) -> Path:
        """The threshold method and each genre's threshold."""
        return self.path / "thresholds.json"

    @property
    def metrics(self) -> Path:
        """Metrics on the dev and test parts."""
        return self.path / "metrics.json"

    @property
    def log(self) -> Path:
        """The training log: one line per epoch."""
        return self.path / "training_log.jsonl"

    @property
    def alignment_log(self) -> Path:
        """The log of embedding distillation: one line per epoch; absent without it."""
        return self.path / "alignment_log.jsonl"

    @property
    def report(self) -> Path:
        """The HTML page of tables and figures, written last."""
        return self.path / "report.html"

    @property
    def readme(self) -> Path:
        """A description of the folder."""
        return self.path / "README.md"

    @property
    def weights(self) -> Path:
        """The trained parameters."""
        return self.path / "model.safetensors"

    @property
    def partial_model(self) -> Path:
        """The folder in which the transformers checkpoint is written before it is moved."""
        return self.path / "partial"

    @property
    def checkpoints(self) -> Path:
        """What an interrupted training is resumed from; removed when training is done."""
        return self.path / "checkpoints"

    @property
    def best_epoch(self) -> Path:
        """The weights of the best epoch so far."""
        return self.checkpoints / "best.safetensors"

    @property
    def alignment_checkpoints(self) -> Path:
        """What an interrupted embedding distillation is resumed from."""
        return self.checkpoints / "alignment"

    @property
    def aligned_encoder(self) -> Path:
        """The encoder's weights after embedding distillation."""
        return self.checkpoints / "aligned.safetensors"

    def predictions(self, key: str) -> Path:
        """Return the file of this model's probabilities, as a teacher, for films with this key."""
        return self.path / f"answers-{key}.npy"

    @property
    def stage(self) -> Stage:
        """How far the run has come; a folder of something else is NEW."""
        if not self.provenance.exists():
            return Stage.NEW
        if not self.weights.exists():
            return Stage.BEGUN
        if not all(_is_json(file) for file in (self.metrics, self.thresholds)):
            return Stage.TRAINED
        return Stage.DONE if self.report.exists() else Stage.MEASURED

    def check_usable(self, *, resume: bool) -> None:
        """Check that a run can begin in this folder, or continue.

        Args:
            resume: whether the run that is there may be continued.

        Raises:
            TrainingError: it is a file, or not empty and `resume` is false, or not a run's.
        """
        check_output_folder(self.path, error=TrainingError)
        if not self.path.is_dir() or not any(self.path.iterdir()):
            return
        if not resume:
            raise TrainingError(
                f"{self.path} is not empty: add `resume` to continue the run in it, or choose "
                f"another `folder`"
            )
        if self.stage is Stage.NEW:
            raise TrainingError(f"{self.path} holds no run to resume: choose another `folder`")

    def check_same_run(
        self, provenance: dict[str, Any], dataset: Dataset, defaults: dict[str, Any]
    ) -> None:
        """Check that the run in the folder was started with the same options and films.

        Args:
            provenance: the one that the run would have now.
            dataset: the films that it would have now.
            defaults: each training option's default, which a run begun before the option existed
                has.

        Raises:
            TrainingError: they differ.
        """
        before = self.read_json(self.provenance)
        before["options"] = defaults | before.get("options", {})
        for extra in before.get("data", ())[1:]:
            extra.setdefault("weight", 1.0)
        for key, value in provenance.items():
            was = before.get(key)
            if was == value or key == "versions":
                continue
            if key == "options":
                names = [name for name in value if was.get(name) != value[name]]
                was, value = ({name: some.get(name) for name in names} for some in (was, value))
            raise TrainingError(
                f"{self.path} was started with another {key}: {was!r}, now {value!r}: "
                f"repeat the command that began it, or choose another `folder`"
            )
        films = read_dataset(self.splits)
        same = all(
            getattr(films, name) == getattr(dataset, name) for name in ("texts", "parts", "names")
        )
        if not same or not np.array_equal(films.labels, dataset.labels):
            raise TrainingError(
                f"{self.path} was started with other columns or another split: "
                f"repeat the command that began it, or choose another `folder`"
            )

    @property
    def seconds(self) -> float:
        """Training time in seconds, over all epochs."""
        lines = self.log.read_text(encoding="utf-8").splitlines()
        return float(sum(json.loads(line)["seconds"] for line in lines))

    @staticmethod
    def read_json(path: Path) -> Any:
        """Read a JSON file of a run.

        Raises:
            TrainingError: it is missing or broken: the run is not finished.
        """
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise TrainingError(
                f"{path.parent} is not a finished run ({path.name} is missing or broken): "
                f"train it first, or resume its training"
            ) from error


def _is_json(file: Path) -> bool:
    with contextlib.suppress(OSError, ValueError):
        return json.loads(file.read_text(encoding="utf-8")) is not None
    return False

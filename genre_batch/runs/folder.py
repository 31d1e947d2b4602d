"""The files of a run's folder, and how far the run in it has come."""

from __future__ import annotations

import contextlib
import enum
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from genre_batch.errors import TrainingError
from genre_batch.failures import failures_as
from genre_batch.files import rename_into_place
from genre_batch.locks import locked
from genre_batch.options import StrPath
from genre_batch.path_checks import check_output_folder
from genre_batch.runs.integrity import CHECKSUMS, is_whole, read_checksums, write_checksums

__all__ = ["REPAIR", "RunFolder", "Stage", "check_run_folder", "is_readable"]

_REQUIRED = {
    "provenance.json": ("options", "base_model"),
    "thresholds.json": ("method", "thresholds"),
    "metrics.json": ("dev", "test"),
    "config.json": ("model_type",),
}
"""The keys that the JSON files of a run need."""
_UNSEALED = ("README.md", "recipe.toml", "training_log.jsonl", "run.lock", CHECKSUMS)
"""Files without checksums: people edit them, or a run adds lines to them; and the list itself."""
REPAIR = "repeat the command that trained it, with --resume, to repair the folder"
"""What to do about a damaged file of a run."""


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


def is_readable(path: Path) -> bool:
    """Return whether a file of a run can be read, and has the keys that it needs."""
    return is_whole(path, keys=_REQUIRED.get(path.name, ()))


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
    def earlier(self) -> Path:
        """The films of the run that this one started from (`EarlierFilms.write`); else absent."""
        return self.path / "earlier_films.parquet"

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
    def lock(self) -> Path:
        """The lock against a second run; it exists only during a run."""
        return self.path / "run.lock"

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
    def is_begun(self) -> bool:
        """Whether a run has begun here, even if its provenance was lost since."""
        return self.provenance.exists() or self.provenance.name in read_checksums(self.path)

    def next_step(self) -> str:
        """Return what to do after a failure whose cause was removed."""
        return "repeat the command" + (" with `resume`" if self.is_begun else "")

    @property
    def stage(self) -> Stage:
        """How far the run has come, by the files that can be read; NEW if it is no run's folder."""
        if not is_readable(self.provenance):
            return Stage.NEW
        if not is_readable(self.weights):
            return Stage.BEGUN
        if not all(map(is_readable, (self.metrics, self.thresholds))):
            return Stage.TRAINED
        return Stage.DONE if is_readable(self.report) else Stage.MEASURED

    def seal(self, *files: Path) -> None:
        """Record the checksums of files at the end of a stage, of those that exist.

        Raises:
            OSError: the list cannot be written.
        """
        existing = [file for file in files if file.exists() and file.name not in _UNSEALED]
        write_checksums(self.path, existing)

    def seal_all(self) -> None:
        """Record the checksums of files of a finished run that its list lacks.

        An older version made them, or the run was interrupted before it recorded them.
        """
        listed = read_checksums(self.path)
        files = [self.splits, self.extra, self.earlier, self.provenance, self.thresholds]
        files += [self.metrics, self.report, self.weights]
        files += [self.path / name for name in ("config.json", "tokenizer.json")]
        if not listed:
            files = [path for path in self.path.iterdir() if path.is_file()]
        if missing := [path for path in files if path.name not in listed]:
            self.seal(*missing)

    def place_model(self) -> None:
        """Move what `partial_model` has checksums of here, the weights last, and record those.

        If that is interrupted, the next call moves what is left there.
        """
        names = read_checksums(self.partial_model)
        for name in sorted(names, key=lambda name: name == self.weights.name):
            if (saved := self.partial_model / name).exists():
                rename_into_place(saved, self.path / name)
        if names:
            self.seal(*(self.path / name for name in names))
        shutil.rmtree(self.partial_model, ignore_errors=True)

    def damaged(self) -> list[Path]:
        """Return the files of the stages so far that are missing or not whole."""
        checksums = read_checksums(self.path)
        files = dict.fromkeys(self.path / name for name in checksums)
        files |= dict.fromkeys((self.provenance, self.splits))
        if self.weights.exists() or self.weights.name in checksums:
            config = self.path / "config.json"
            files |= dict.fromkeys((self.weights, config, self.path / "tokenizer.json", self.log))
        if self.metrics.exists() or self.thresholds.exists():
            files |= dict.fromkeys((self.metrics, self.thresholds))
        if self.report.exists():
            files[self.report] = None
        return [path for path in files if not self._is_whole(path, checksums.get(path.name))]

    @staticmethod
    def _is_whole(path: Path, checksum: str | None) -> bool:
        if not is_readable(path):
            return False
        return checksum is None or is_whole(path, checksum)

    @contextlib.contextmanager
    def opened(self, *, resume: bool) -> Iterator[None]:
        """Return a context in which no other run may use the folder.

        The folder is created, and removed again if nothing was written into it.

        Args:
            resume: whether the run that is there may be continued.

        Raises:
            TrainingError: the path is a file, or not empty and `resume` is false, or not a run's;
                another run is using it; or it cannot be created.
        """
        check_output_folder(self.path, error=TrainingError)
        busy = "another run (process {}) is using " + f"{self.path}: wait for it, or choose another"
        with locked(self.lock, lambda process: TrainingError(f"{busy.format(process)} `folder`")):
            self._check_usable(resume=resume)
            yield

    def _check_usable(self, *, resume: bool) -> None:
        """Check that a run can begin here, or continue; what a killed start left is removed."""
        start = (self.splits, self.extra, self.earlier, self.readme, self.recipe)
        paths = {path for path in self.path.iterdir() if path != self.lock}
        others = {path for path in paths if not fnmatch(path.name, ".*.partial")}
        if not others or (self.splits in others and others <= set(start)):
            for path in paths:
                path.unlink()
        elif not resume:
            raise TrainingError(
                f"{self.path} is not empty: add `resume` to continue the run in it, or choose "
                f"another `folder`"
            )
        elif not self.is_begun:
            raise TrainingError(f"{self.path} holds no run to resume: choose another `folder`")

    def check_finished(self) -> None:
        """Check that the run is finished and its files are whole.

        Raises:
            TrainingError: it is not a run, not finished, or damaged.
        """
        if not self.is_begun and not self.splits.exists():
            raise TrainingError(
                f"{self.path} is not a run folder ({self.splits.name} is missing): train a model "
                f"first (genre-batch train CATALOG -o {self.path})"
            )
        for path in (self.weights, self.metrics, self.thresholds):
            if not path.exists():
                raise TrainingError(
                    f"{self.path} is not a finished run ({path.name} is missing): {REPAIR}"
                )
        damaged = [path for path in self.damaged() if path not in (self.report, self.log)]
        if damaged:
            raise TrainingError(f"{damaged[0]} is missing or damaged: {REPAIR}")

    def read_thresholds(self, names: Sequence[str]) -> tuple[str, npt.NDArray[np.float64]]:
        """Read the threshold method and the genres' thresholds, (genres,).

        Args:
            names: the genres, in the order of the result.

        Raises:
            TrainingError: the file is missing or broken, or lacks a genre.
        """
        content = self.read_json(self.thresholds)
        try:
            values = [float(content["thresholds"][name]) for name in names]
        except (KeyError, TypeError, ValueError) as error:
            raise TrainingError(f"{self.thresholds} lacks a threshold: {REPAIR}") from error
        return str(content["method"]), np.array(values)

    @property
    def seconds(self) -> float:
        """Training time in seconds, over all epochs whose log lines can be read."""
        return float(sum(line["seconds"] for line in self.read_log(self.log)))

    @staticmethod
    def read_log(log: Path) -> list[dict[str, Any]]:
        """Return the lines of a log that can be read; none if there is no log."""
        lines: list[dict[str, Any]] = []
        with contextlib.suppress(OSError):
            for text in log.read_text(encoding="utf-8", errors="replace").splitlines():
                with contextlib.suppress(ValueError, RecursionError):
                    line = json.loads(text)
                    if isinstance(line, dict) and {"epoch", "seconds"} <= line.keys():
                        lines.append(line)
        return lines

    @staticmethod
    def read_json(path: Path) -> Any:
        """Read a JSON file of a run.

        Raises:
            TrainingError: it is missing, broken, or lacks a key.
        """
        if not is_readable(path):
            raise TrainingError(f"{path} is missing or damaged: {REPAIR}")
        return json.loads(path.read_text(encoding="utf-8"))


def check_run_folder(path: StrPath, *, resume: bool) -> None:
    """Check that a run can begin in a folder, or continue, without leaving anything in it.

    Raises:
        TrainingError: as `RunFolder.opened` raises it.
    """
    folder = RunFolder(Path(path))
    with failures_as(TrainingError, path, folder.next_step), folder.opened(resume=resume):
        pass

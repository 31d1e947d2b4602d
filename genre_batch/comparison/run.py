"""`compare`: the paper's whole experiment, system by system, under one protocol or both."""

from __future__ import annotations

import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from genre_batch.catalog.options import ReadingOptions
from genre_batch.comparison.job import PROTOCOLS, CompareJob
from genre_batch.comparison.report import comparison_report
from genre_batch.comparison.splits import Catalogs, HeldFilms
from genre_batch.comparison.systems.exported import Exported
from genre_batch.comparison.systems.registry import SYSTEMS
from genre_batch.comparison.systems.system import Setting
from genre_batch.comparison.table import (
    FIXED,
    SCHEMES,
    Answers,
    Row,
    Trial,
    comparison_markdown,
    rows_of,
)
from genre_batch.dataset.labelled import sha256_of
from genre_batch.errors import TrainingError
from genre_batch.evaluation.per_genre import Predictions
from genre_batch.files import check_output_folder, replacing, write_json, write_text
from genre_batch.model.text import uses_title
from genre_batch.progress import StepProgress, no_step_progress
from genre_batch.report.page import write_report
from genre_batch.thresholds.methods import find_thresholds
from genre_batch.training.run_folder import RunFolder
from genre_batch.version import versions

__all__ = ["CompareResult", "compare", "write_rows"]

ANSWERS, TRIAL = "answers.npz", "trial.json"


@dataclass(frozen=True)
class CompareResult:
    """What came of it.

    Attributes:
        folder: the comparison's.
        rows: as in comparison.json.
        trials: systems fitted now; the others were there already.
    """

    folder: Path
    rows: list[dict[str, Any]]
    trials: int


def compare(job: CompareJob, progress: StepProgress = no_step_progress) -> CompareResult:
    """Fits what is not there yet, and writes comparison.json, comparison.md and report.html.

    Each system's answers are kept as soon as it has given them, so that a comparison that was
    broken off goes on where it was, and systems can be added to one later.

    Raises:
        UsageError, ColumnError, TrainingError, ModelError: as reading, splitting, loading and
            translating raise them. Also when the folder holds a comparison of something else.
    """
    folder = job.folder
    check_output_folder(folder, error=TrainingError)
    provenance = _provenance(job)
    kept = folder / "provenance.json"
    if folder.is_dir() and any(folder.iterdir()):
        _check_same_comparison(kept, provenance)
    catalogs = Catalogs(job, progress)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(kept, provenance)
    fitted = 0
    for protocol in job.protocols:
        for name in job.systems:
            place = folder / protocol / name
            if not (place / TRIAL).exists():
                progress(0, 0, f"{protocol}: {name}")
                _try(job, catalogs, protocol, name, place, progress)
                fitted += 1
                write_rows(folder)
    progress(0, 0, "writing the report")
    rows = write_rows(folder)
    page = comparison_report(rows, Path(job.catalog.name).name, catalogs.counts(), _shown(folder))
    write_report(page, folder / "report.html")
    return CompareResult(folder, rows, fitted)


def _try(
    job: CompareJob,
    catalogs: Catalogs,
    protocol: str,
    name: str,
    place: Path,
    progress: StepProgress,
) -> None:
    """Fits one system and keeps its answers for both held-out parts."""
    entry = SYSTEMS[name]
    films = catalogs.films(protocol, entry)
    place.mkdir(parents=True, exist_ok=True)
    setting = Setting(
        folder=place,
        base_model=job.base_model,
        bert_model=job.bert_model or job.base_model,
        model=job.model,
        seed=job.seed,
        quick=job.quick,
    )
    system = entry.make(setting)
    seconds = system.fit(
        films.training,
        films.development,
        lambda done, total, what: progress(done, total, f"{name}: {what}"),
    )
    development = system.predict_proba(films.development)
    started = time.perf_counter()
    test = system.predict_proba(films.test)
    rate = len(films.test) / max(time.perf_counter() - started, 1e-9)
    trial = Trial(
        system=name,
        says=entry.says,
        protocol=protocol,
        data=films.data,
        reads="title and overview" if uses_title(films.test.template) else "overview",
        single_genre=entry.single_genre,
        schemes=(FIXED,) if entry.fixed else SCHEMES,
        base_model=entry.starts_from(setting),
        copies_by=catalogs.copies_by() if films.data == "oversampled" else None,
        training_films=len(films.training),
        seen=system.seen(films.test) if isinstance(system, Exported) else 0,
        seed=job.seed,
        seconds=seconds,
        films_per_second=rate,
        parameters=system.parameters,
        quick=job.quick,
        zeros=_zeros(films),
    )
    with replacing(place / ANSWERS) as file:
        np.savez(
            file,
            development=development,
            development_labels=films.development.labels,
            test=test,
            test_labels=films.test.labels,
        )
    # Written last: its presence means that the system is done.
    write_json(place / TRIAL, {"names": films.test.names, "trial": asdict(trial)})
    shutil.rmtree(place / "checkpoints", ignore_errors=True)


def _zeros(films: HeldFilms) -> float:
    """The share of 0 among the labels of all parts."""
    parts = (films.training, films.development, films.test)
    return 1 - float(np.concatenate([part.labels for part in parts]).mean())


def write_rows(folder: Path) -> list[dict[str, Any]]:
    """Scores every system that a comparison's folder holds; writes the JSON and the Markdown.

    Args:
        folder: the comparison's.

    Returns:
        The rows, as in comparison.json, in the order of `SYSTEMS`.
    """
    rows: list[dict[str, Any]] = []
    for protocol in PROTOCOLS:
        for name in SYSTEMS:
            place = folder / protocol / name
            if (place / TRIAL).exists():
                rows.extend(row.as_dict() for row in _rows(place))
    write_json(folder / "comparison.json", rows)
    write_text(folder / "comparison.md", comparison_markdown(rows))
    return rows


def _rows(place: Path) -> list[Row]:
    held = RunFolder.read_json(place / TRIAL)
    trial = Trial(**held["trial"] | {"schemes": tuple(held["trial"]["schemes"])})
    return rows_of(trial, held["names"], *_answers(place))


def _answers(place: Path) -> tuple[Answers, Answers]:
    """A system's probabilities of the development and the test part, and their labels."""
    with np.load(place / ANSWERS, allow_pickle=False) as answers:
        development = answers["development"], answers["development_labels"]
        return development, (answers["test"], answers["test_labels"])


def _shown(folder: Path) -> tuple[str, Predictions] | None:
    """The last system of `SYSTEMS` that has thresholds and clean answers, for the page's curves."""
    for name in reversed(SYSTEMS):
        place = folder / "clean" / name
        if (place / TRIAL).exists() and not (SYSTEMS[name].single_genre or SYSTEMS[name].fixed):
            names = RunFolder.read_json(place / TRIAL)["names"]
            development, (probabilities, labels) = _answers(place)
            thresholds = find_thresholds(SCHEMES[-1], *development)
            return name, Predictions(tuple(names), labels, probabilities, thresholds)
    return None


def _provenance(job: CompareJob) -> dict[str, Any]:
    """What the rows of one folder have in common."""
    return {
        "catalog_sha256": sha256_of(job.catalog),
        "split_sha256": sha256_of(job.split) if job.split else None,
        "oversampled_sha256": sha256_of(job.oversampled) if job.oversampled else None,
        "columns": {
            "text": job.columns.text_column,
            "title": job.columns.title_column,
            "genre": job.columns.genre_column,
            "separator": job.columns.genre_separator,
        },
        "reading": None if job.reading == ReadingOptions() else asdict(job.reading),
        "base_model": job.base_model,
        "bert_model": job.bert_model or job.base_model,
        "model": job.model,
        "seed": job.seed,
        "quick": job.quick,
        "versions": versions(),
    }


def _check_same_comparison(kept: Path, provenance: dict[str, Any]) -> None:
    if not kept.exists():
        raise TrainingError(
            f"{kept.parent} is not empty and holds no comparison: choose another -o"
        )
    before = RunFolder.read_json(kept)
    for key, value in provenance.items():
        if before.get(key) != value and key != "versions":
            raise TrainingError(
                f"{kept.parent} holds a comparison with another {key}: {before.get(key)!r}, now "
                f"{value!r}: type the same command, or choose another -o"
            )

"""`compare`: the paper's experiment, system by system, under one protocol or both."""

from __future__ import annotations

import json
import os
import shutil
import time
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from genre_batch.comparison.job import PROTOCOLS, CompareJob
from genre_batch.comparison.provenance import check_same_comparison, comparison_provenance
from genre_batch.comparison.report import comparison_report
from genre_batch.comparison.scoring import (
    FIXED,
    SCHEMES,
    LabelledPredictions,
    Trial,
    score_trial,
)
from genre_batch.comparison.splits import OVERSAMPLED, QUICKLY_MADE, Catalogs, SystemFilms
from genre_batch.comparison.systems.exported import Exported
from genre_batch.comparison.systems.registry import SYSTEMS
from genre_batch.comparison.systems.system import Setting, System
from genre_batch.comparison.table import PAPER_GENRES, comparison_markdown
from genre_batch.errors import GenreBatchWarning, TrainingError
from genre_batch.evaluation.per_genre import Predictions
from genre_batch.failures import failures_as
from genre_batch.files import replacing, write_json, write_text
from genre_batch.locks import locked
from genre_batch.model.text import uses_title
from genre_batch.options import check_job
from genre_batch.path_checks import check_output_folder
from genre_batch.progress import StepProgress, no_step_progress
from genre_batch.report.page import write_report
from genre_batch.runs.integrity import is_whole
from genre_batch.thresholds.methods import find_thresholds

__all__ = ["CompareResult", "compare"]

PREDICTIONS, TRIAL = "answers.npz", "trial.json"


@dataclass(frozen=True)
class CompareResult:
    """The rows of a comparison.

    Attributes:
        output: the comparison's folder.
        rows: as in comparison.json.
        trials: number of systems fitted by this call; others were already in the folder.
    """

    output: Path
    rows: list[dict[str, Any]]
    trials: int


def compare(job: CompareJob, progress: StepProgress = no_step_progress) -> CompareResult:
    """Train and score systems, and write comparison.json, comparison.md and report.html.

    Each system's predictions are saved when it is fitted. An interrupted comparison is resumed by
    calling this again with the same job, and systems can be added later.

    Args:
        job: what to compare, and with which data.
        progress: called with the progress of each system.

    Raises:
        UsageError, ColumnError, CatalogError, ModelError: as reading, splitting, loading and
            translating raise them.
        TrainingError: likewise; or the output is a file, or a folder with other contents.
    """
    check_job("compare", job, CompareJob)
    with failures_as(TrainingError, job.output, lambda: "run the same command again"):
        return _compare(job, progress)


def _compare(job: CompareJob, progress: StepProgress) -> CompareResult:
    folder = Path(job.output)
    check_output_folder(folder, name="`output`", error=TrainingError)
    provenance = comparison_provenance(job)
    saved = folder / "provenance.json"
    lock = folder / "run.lock"
    if folder.is_dir() and any(path != lock for path in folder.iterdir()):
        check_same_comparison(saved, provenance, begun=_has_begun(folder))

    def busy(process: str) -> TrainingError:
        return TrainingError(
            f"another comparison (process {process}) is using {folder}: wait for it, or choose "
            f"another `output`"
        )

    with locked(lock, busy):
        return _fit_and_score(job, folder, provenance, progress)


def _fit_and_score(
    job: CompareJob, folder: Path, provenance: dict[str, Any], progress: StepProgress
) -> CompareResult:
    """Fit the systems that are not in the folder yet, and write the tables and the page."""
    if not _has_begun(folder):
        # A command that failed before may have had other options.
        for name in QUICKLY_MADE:
            (folder / name).unlink(missing_ok=True)
    catalogs = Catalogs(job, progress)
    write_json(folder / "provenance.json", provenance)
    _warn_of_damage(job, folder)
    fitted = 0
    scored: dict[Path, list[dict[str, Any]]] = {}
    for protocol in job.protocols:
        for name in job.systems:
            trial_folder = folder / protocol / name
            if _saved_trial(trial_folder) is None:
                progress(0, 0, f"{protocol}: {name}")
                _fit_system(job, catalogs, protocol, name, trial_folder, progress)
                fitted += 1
                _write_rows(folder, scored)
    progress(0, 0, "writing the report")
    rows = _write_rows(folder, scored)
    catalog = os.path.basename(job.locate()[0].name)
    page = comparison_report(
        rows,
        catalog,
        catalogs.counts(),
        _predictions_for_curves(folder),
        of_paper=_is_of_paper(folder),
    )
    write_report(page, folder / "report.html")
    return CompareResult(folder, rows, fitted)


def _has_begun(folder: Path) -> bool:
    """Return whether a comparison's folder holds what took long: copies, or files of a system."""
    return (folder / OVERSAMPLED).exists() or any(
        any(folder.glob(f"{protocol}/*/*")) for protocol in PROTOCOLS
    )


def _fit_system(
    job: CompareJob,
    catalogs: Catalogs,
    protocol: str,
    name: str,
    folder: Path,
    progress: StepProgress,
) -> None:
    """Fit one system, and save its predictions of the development and test parts."""
    films = catalogs.films(protocol, SYSTEMS[name])
    folder.mkdir(parents=True, exist_ok=True)
    setting = _setting(job, folder)
    system = SYSTEMS[name].make(setting)
    seconds = system.fit(
        films.training,
        films.development,
        lambda done, total, stage: progress(done, total, f"{name}: {stage}"),
    )
    development = system.predict_proba(films.development)
    started = time.perf_counter()
    test = system.predict_proba(films.test)
    films_per_second = len(films.test) / max(time.perf_counter() - started, 1e-9)
    copies_by = catalogs.copies_by() if films.data == "oversampled" else None
    trial = _trial(name, protocol, setting, system, films, copies_by, seconds, films_per_second)
    with replacing(folder / PREDICTIONS) as file:
        np.savez(
            file,
            development=development,
            development_labels=films.development.labels,
            test=test,
            test_labels=films.test.labels,
        )
    # Written last: its presence means that the system is done.
    write_json(folder / TRIAL, {"names": films.test.names, "trial": asdict(trial)})
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)


def _setting(job: CompareJob, folder: Path) -> Setting:
    return Setting(
        folder=folder,
        base_model=job.base_model,
        bert_model=job.bert_model or job.base_model,
        model=None if job.model is None else os.fspath(job.model),
        seed=job.seed,
        quick=job.quick,
        aliases=not job.columns.no_aliases,
    )


def _trial(
    name: str,
    protocol: str,
    setting: Setting,
    system: System,
    films: SystemFilms,
    copies_by: str | None,
    seconds: float,
    films_per_second: float,
) -> Trial:
    """Describe a fitted system."""
    entry = SYSTEMS[name]
    return Trial(
        system=entry.name_of(name, setting.model),
        says=entry.description_of(setting.model),
        protocol=protocol,
        data=films.data,
        reads="title and overview" if uses_title(films.test.template) else "overview",
        single_genre=entry.single_genre,
        schemes=(FIXED,) if entry.fixed else SCHEMES,
        base_model=entry.encoder_of(setting),
        copies_by=copies_by,
        training_films=len(films.training),
        seen=system.seen(films.test) if isinstance(system, Exported) else 0,
        seed=setting.seed,
        seconds=seconds,
        films_per_second=films_per_second,
        parameters=system.parameters,
        quick=setting.quick,
        zeros=_share_of_zeros(films),
    )


def _share_of_zeros(films: SystemFilms) -> float:
    """Return the share of zeros among the labels of all parts."""
    parts = (films.training, films.development, films.test)
    return 1 - float(np.concatenate([part.labels for part in parts]).mean())


def _write_rows(folder: Path, scored: dict[Path, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Score every fitted system of a comparison, and write the rows as JSON and Markdown.

    Args:
        folder: the comparison's.
        scored: folder of a system -> its rows: those that it lacks are added.

    Returns:
        The rows, in the order of `SYSTEMS`.
    """
    rows: list[dict[str, Any]] = []
    for protocol in PROTOCOLS:
        for name in SYSTEMS:
            trial_folder = folder / protocol / name
            if trial_folder not in scored and (saved := _saved_trial(trial_folder)) is not None:
                trial_rows = score_trial(*saved, *_load_predictions(trial_folder))
                scored[trial_folder] = [row.as_dict() for row in trial_rows]
            rows.extend(scored.get(trial_folder, ()))
    write_json(folder / "comparison.json", rows)
    write_text(folder / "comparison.md", comparison_markdown(rows, of_paper=_is_of_paper(folder)))
    return rows


def _is_of_paper(folder: Path) -> bool:
    """Return whether the genres of a comparison's systems are the paper's."""
    trials = (_saved_trial(path.parent) for path in sorted(folder.glob(f"*/*/{TRIAL}")))
    return all(PAPER_GENRES.issuperset(saved[1]) for saved in trials if saved is not None)


def _saved_trial(folder: Path) -> tuple[Trial, list[str]] | None:
    """Read a fitted system and its genres; None if it is missing or its files are damaged."""
    if not (is_whole(folder / TRIAL, keys=("names", "trial")) and is_whole(folder / PREDICTIONS)):
        return None
    saved = json.loads((folder / TRIAL).read_text(encoding="utf-8"))
    try:
        trial = Trial(**saved["trial"] | {"schemes": tuple(saved["trial"]["schemes"])})
        development, test = _load_predictions(folder)
    except (KeyError, TypeError, ValueError):
        return None
    names = saved["names"]
    shapes = {len(names), *(array.shape[-1] for array in (*development, *test))}
    return (trial, names) if len(shapes) == 1 else None


def _warn_of_damage(job: CompareJob, folder: Path) -> None:
    """Warn of systems that were fitted, and whose files are damaged."""
    for protocol in PROTOCOLS:
        for name in SYSTEMS:
            trial = folder / protocol / name
            files = [path for path in (trial / TRIAL, trial / PREDICTIONS) if path.exists()]
            if len(files) == 2 and _saved_trial(trial) is None:
                again = protocol in job.protocols and name in job.systems
                done = "it is fitted again" if again else "it is left out: add it to `systems`"
                warnings.warn(
                    f"{trial}: the files of the system {name} are damaged: {done}",
                    GenreBatchWarning,
                    stacklevel=3,
                )


def _load_predictions(folder: Path) -> tuple[LabelledPredictions, LabelledPredictions]:
    """Load a system's predictions of the development and test parts."""
    with np.load(folder / PREDICTIONS, allow_pickle=False) as arrays:
        development = arrays["development"], arrays["development_labels"]
        return development, (arrays["test"], arrays["test_labels"])


def _predictions_for_curves(folder: Path) -> tuple[str, Predictions] | None:
    """Load the predictions of the last of `SYSTEMS` with thresholds, under the clean protocol."""
    for name in reversed(SYSTEMS):
        trial_folder = folder / "clean" / name
        uses_thresholds = not (SYSTEMS[name].single_genre or SYSTEMS[name].fixed)
        if uses_thresholds and (saved := _saved_trial(trial_folder)) is not None:
            names = saved[1]
            development, (probabilities, labels) = _load_predictions(trial_folder)
            thresholds = find_thresholds(SCHEMES[-1], *development)
            return name, Predictions(tuple(names), labels, probabilities, thresholds)
    return None

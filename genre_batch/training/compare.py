"""`compare`: the paper's whole experiment, system by system, under one protocol or both."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from genre_batch.catalog.columns import (
    GENRE_COLUMNS,
    TEXT_COLUMNS,
    TITLE_COLUMNS,
    find_column,
    need_column,
)
from genre_batch.catalog.formats import Location, input_location
from genre_batch.catalog.read import read_table
from genre_batch.errors import TrainingError, UsageError
from genre_batch.evaluation.comparison import (
    FIXED,
    SCHEMES,
    Row,
    Trial,
    comparison_markdown,
    rows_of,
)
from genre_batch.evaluation.split_file import PARTS
from genre_batch.model.text import OVERVIEW_ONLY, uses_title
from genre_batch.training.baselines import SYSTEMS, Entry
from genre_batch.training.baselines.shipped import Exported
from genre_batch.training.baselines.system import Progress, Setting
from genre_batch.training.dataset import Columns, Dataset, load_dataset, sha256_of
from genre_batch.training.run_folder import RunFolder
from genre_batch.training.versions import versions

__all__ = ["PROTOCOLS", "CompareJob", "CompareReport", "compare", "write_rows"]

PROTOCOLS = ("clean", "paper")
QUICK_ROWS = 1500
ANSWERS, TRIAL = "answers.npz", "trial.json"


@dataclass(frozen=True)
class CompareJob:
    """What to compare, on what.

    Attributes:
        catalog: the labelled catalog.
        folder: where the comparison grows; one that was interrupted is gone on with.
        protocols: of `PROTOCOLS`.
        systems: of `SYSTEMS`.
        columns: where texts, titles and genres are.
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
    columns: Columns = field(default_factory=Columns)
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


@dataclass(frozen=True)
class CompareReport:
    """What came of it.

    Attributes:
        folder: the comparison's.
        rows: as in comparison.json.
        trials: systems fitted now; the others were there already.
    """

    folder: Path
    rows: list[dict[str, Any]]
    trials: int


@dataclass(frozen=True)
class _Films:
    """One protocol's films for one system."""

    data: str
    training: Dataset
    development: Dataset
    test: Dataset


class _Catalogs:
    """The catalog under each protocol, original and oversampled, read when first asked for."""

    def __init__(self, job: CompareJob, progress: Progress) -> None:
        self._job = job
        self._progress = progress
        held = read_table(job.catalog).column_names
        need_column(held, TEXT_COLUMNS, job.columns.text, "--text-column")
        need_column(held, GENRE_COLUMNS, job.columns.genre, "--genre-column")
        title = find_column(held, TITLE_COLUMNS, job.columns.title, "--title-column")
        self._with_title = title is not None
        self._split = job.split
        self._loaded: dict[tuple[str, str], Dataset] = {}
        self.copies_by = "somebody" if job.oversampled is not None else None

    def films(self, protocol: str, entry: Entry) -> _Films:
        """What a system learns from and is tested on.

        Under the paper's protocol every system has the oversampled rows but the paper's own
        DistilBERT of the original ones; under the clean one copies are learnt from only by the
        system that is there for that, and tested by none.
        """
        data = "oversampled" if entry.oversampled else "original"
        if protocol == "paper" and not entry.original:
            data = "oversampled"
        dataset = self._load(protocol, data)
        if not entry.with_title:
            dataset = replace(dataset, texts=dataset.bare_texts, template=OVERVIEW_ONLY)
        return _Films(data, *(dataset.part(part) for part in PARTS))

    def _load(self, protocol: str, data: str) -> Dataset:
        key = protocol, data
        if key not in self._loaded:
            self._loaded[key] = load_dataset(
                self._oversampled() if data == "oversampled" else self._catalog,
                self._job.columns,
                with_title=self._with_title,
                protocol=protocol,
                split_file=self._clean_split() if protocol == "clean" else None,
                seed=self._job.seed,
            )
        return self._loaded[key]

    @property
    def _catalog(self) -> Location:
        if not self._job.quick:
            return self._job.catalog
        path = self._job.folder / "catalog.parquet"
        if not path.exists():
            partial = path.with_suffix(".partial")
            pq.write_table(read_table(self._job.catalog).slice(0, QUICK_ROWS), partial)
            os.replace(partial, path)
        return input_location(str(path))

    def _clean_split(self) -> Location:
        """The clean split as a file, so that the oversampled catalog gets the very same one."""
        if self._split is None:
            path = self._job.folder / "split.csv"
            if not path.exists():
                drawn = load_dataset(
                    self._catalog, self._job.columns, with_title=False, seed=self._job.seed
                )
                lines = [
                    f"{row},{part},{key:016x}\n"
                    for row, part, key in zip(drawn.rows, drawn.parts, drawn.keys, strict=True)
                ]
                RunFolder.write_text(path, "".join(["row,part,overview_key\n", *lines]))
            self._split = input_location(str(path))
        return self._split

    def _oversampled(self) -> Location:
        """The catalog and its copies."""
        if self._job.oversampled is not None:
            return self._job.oversampled
        raise NotImplementedError


def compare(job: CompareJob, progress: Progress = lambda done, total, what: None) -> CompareReport:
    """Fits what is not there yet, and writes comparison.json, comparison.md and report.html.

    Each system's answers are kept as soon as it has given them, so that a comparison that was
    broken off goes on where it was, and systems can be added to one later.

    Raises:
        UsageError, ColumnError, TrainingError, ModelError: as reading, splitting, loading and
            translating raise them. Also when the folder holds a comparison of something else.
    """
    folder = job.folder
    if folder.exists() and not folder.is_dir():
        raise TrainingError(f"{folder} is a file: choose a folder with -o")
    provenance = _provenance(job)
    kept = folder / "provenance.json"
    if folder.is_dir() and any(folder.iterdir()):
        _check_same_comparison(kept, provenance)
    catalogs = _Catalogs(job, progress)
    folder.mkdir(parents=True, exist_ok=True)
    RunFolder.write_json(kept, provenance)
    fitted = 0
    for protocol in job.protocols:
        for name in job.systems:
            place = folder / protocol / name
            if not (place / TRIAL).exists():
                progress(0, 0, f"{protocol}: {name}")
                _try(job, catalogs, protocol, name, place, progress)
                fitted += 1
                write_rows(folder)
    return CompareReport(folder, write_rows(folder), fitted)


def _try(
    job: CompareJob,
    catalogs: _Catalogs,
    protocol: str,
    name: str,
    place: Path,
    progress: Progress,
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
        copies_by=catalogs.copies_by if films.data == "oversampled" else None,
        training_films=len(films.training),
        seen=system.seen(films.test) if isinstance(system, Exported) else 0,
        seed=job.seed,
        seconds=seconds,
        films_per_second=rate,
        parameters=system.parameters,
        quick=job.quick,
    )
    partial = place / "answers.partial.npz"
    np.savez(
        partial,
        development=development,
        development_labels=films.development.labels,
        test=test,
        test_labels=films.test.labels,
    )
    os.replace(partial, place / ANSWERS)
    # Written last: its presence means that the system is done.
    RunFolder.write_json(place / TRIAL, {"names": films.test.names, "trial": asdict(trial)})
    shutil.rmtree(place / "checkpoints", ignore_errors=True)


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
    RunFolder.write_json(folder / "comparison.json", rows)
    RunFolder.write_text(folder / "comparison.md", comparison_markdown(rows))
    return rows


def _rows(place: Path) -> list[Row]:
    held = RunFolder.read_json(place / TRIAL)
    trial = Trial(**held["trial"] | {"schemes": tuple(held["trial"]["schemes"])})
    with np.load(place / ANSWERS, allow_pickle=False) as answers:
        development = answers["development"], answers["development_labels"]
        test = answers["test"], answers["test_labels"]
    return rows_of(trial, held["names"], development, test)


def _provenance(job: CompareJob) -> dict[str, Any]:
    """What the rows of one folder have in common."""
    return {
        "catalog_sha256": sha256_of(job.catalog),
        "split_sha256": sha256_of(job.split) if job.split else None,
        "oversampled_sha256": sha256_of(job.oversampled) if job.oversampled else None,
        "columns": asdict(job.columns),
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

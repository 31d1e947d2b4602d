"""`audit`: find the labels of a catalog that the model contradicts, or the rows to label next."""

from __future__ import annotations

import contextlib
import os
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace

from genre_batch.auditing.auditable import unknown_genres
from genre_batch.auditing.job import AuditJob
from genre_batch.auditing.kept import KeptRecords
from genre_batch.auditing.reading import (
    AuditedCatalog,
    CatalogPrediction,
    CatalogSource,
)
from genre_batch.auditing.row_copies import RowCopies
from genre_batch.auditing.row_store import RowStore
from genre_batch.auditing.summary import AuditResult, GenreAudit
from genre_batch.auditing.writing import RecordWriter
from genre_batch.catalog.formats import STDIO
from genre_batch.catalog.reading.rereadable import rereadable
from genre_batch.catalog.rejects import RejectsFile, raise_on_reject
from genre_batch.catalog.writing.writer import open_writer
from genre_batch.errors import GenreBatchWarning, UsageError, counted
from genre_batch.model.tagger import GenreTagger
from genre_batch.names import known_names
from genre_batch.options import check_job
from genre_batch.path_checks import check_separate_files
from genre_batch.progress import RowProgress, no_row_progress
from genre_batch.tagging.counts import Tally
from genre_batch.tagging.plan import OutputTask, Plan, plan_outputs
from genre_batch.tagging.predict import Predictor
from genre_batch.tagging.probability_store import check_cache
from genre_batch.tagging.run import kept_on_failure, open_store, prepare, write_summary
from genre_batch.tagging.workspace import Workspace
from genre_batch.tagging.written_names import WrittenNames
from genre_batch.version import __version__

__all__ = ["AuditJob", "AuditResult", "audit"]


def audit(
    job: AuditJob,
    progress: RowProgress = no_row_progress,
    finish: Callable[[AuditResult], None] | None = None,
) -> AuditResult:
    """Write the labels of a catalog that its texts contradict, most doubtful first.

    The catalog is read and predicted as `tag_catalog` does it, in bounded memory, with the same
    cache and resume. Then the scores are fitted to its own labels (auditing/label_model.py). The
    rows of the records come from temporary copies of their columns; if these are too large, the
    catalog is read once more.

    Args:
        job: what to audit.
        progress: called after each chunk of the first reading.
        finish: called with the result, before what resumes the audit is deleted: if it fails or is
            interrupted, the same job predicts nothing again.

    Raises:
        UsageError: an argument is invalid, or there is no such catalog or model.
        ColumnError: a column is missing, or exists in two spellings.
        CatalogError: no row has a text and a genre that the model knows, or the catalog cannot be
            read; no partial output is left.
        ModelError: the model is unusable.
    """
    check_job("audit", job, AuditJob)
    if job.cache is not None:
        check_cache(job.cache)
    output = os.fspath(job.output or "")
    if output.endswith("/") or os.path.isdir(output):
        raise UsageError(f"`output` {output} is a folder: name a file for the records")
    plan = plan_outputs(job.tag_job())
    (task,) = plan.tasks
    _check_paths(job, plan)
    with contextlib.ExitStack() as stack:
        workspace, tagger, names = prepare(job.tag_job(), plan, stack)
        known_names("genres", names.excluded, tagger.labels)
        store = open_store(job, workspace, stack)
        tally = Tally(tagger.labels)
        started = time.perf_counter()
        with kept_on_failure(store, workspace, tally):
            run = _Run(job, task, workspace, tagger, Predictor(tagger, store, tally), tally, names)
            result = run.result(started, progress)
            if not result.rows_in_other_languages:
                tally.warn_of_texts()
            if plan.summary is not None:
                write_summary(result.as_dict(), plan.summary, "the records are complete")
            if finish is not None:
                finish(result)
    return result


def _check_paths(job: AuditJob, plan: Plan) -> None:
    """Check what `plan_outputs` does not: no output replaces the catalog or `label_names`.

    Raises:
        UsageError: an output is one of the inputs.
    """
    (task,) = plan.tasks
    summary = None if plan.summary is None else plan.summary.path
    output = None if task.target.is_stdio else task.target.path
    paths = (("`output`", output), ("`rejects`", task.rejects), ("`summary_json`", summary))
    written = [(name, path) for name, path in paths if path is not None and path != STDIO]
    read = [source.path for source in task.sources if not source.is_stdio]
    names = job.columns.label_names
    check_separate_files(written, read if names is None else [*read, os.fspath(names)])


@dataclass
class _Run:
    """One audit."""

    job: AuditJob
    task: OutputTask
    workspace: Workspace | None
    tagger: GenreTagger
    predictor: Predictor
    tally: Tally
    names: WrittenNames

    def result(self, started: float, progress: RowProgress) -> AuditResult:
        """Predict the catalog, and write the records and the rejects."""
        # Rejects with a path of their own may be on another disk than the workspace.
        has_own_path = self.job.reading.rejects is not None
        temporary = None if has_own_path else self._temporary("rejects")
        rejects = RejectsFile(self.task.rejects, temporary)
        try:
            result = self._audit(rejects, started, progress)
            rejects.commit()
        except BaseException:
            rejects.rollback()
            raise
        return result

    def _temporary(self, what: str) -> str | None:
        return None if self.workspace is None else self.workspace.temporary(0, what)

    def _audit(self, rejects: RejectsFile, started: float, progress: RowProgress) -> AuditResult:
        folder = None if self.workspace is None else self.workspace.folder
        infer = self.job.reading.infer_types and not self.task.target.format.is_text
        with (
            rereadable(self.task.sources) as locations,
            RowStore(len(self.tagger.labels), folder) as store,
            RowCopies(folder) as copies,
        ):
            source = CatalogSource(self.job, locations, self.tagger, infer)
            prediction = CatalogPrediction(source, self.predictor, store, copies, progress)
            catalog = prediction.run(raise_on_reject if self.job.reading.strict else rejects.add)
            self._warn(source, catalog)
            records = RecordWriter(source, catalog, store, copies, self.names)
            temporary = self._temporary("output")
            options = self.job.writing.encoder_options(
                {
                    "genre_batch.model_sha256": self.tagger.sha256,
                    "genre_batch.version": __version__,
                }
            )
            with open_writer(self.task.target, options, force=True, temporary=temporary) as writer:
                kept = KeptRecords(writer) if self.job.profile else None
                records.write(kept or writer)
                if self.workspace is not None:
                    self.workspace.mark_finished(self.task.target.path)
        result = self._summary(catalog, records, rejects, time.perf_counter() - started)
        if kept is None or catalog.profile is None:
            return result
        profile = catalog.profile.profile()
        if catalog.labels is not None:
            labeled = catalog.labels.count_names()
            profile = replace(profile, labeled=labeled, genre_column=result.genre_column)
        return replace(
            result,
            profile=profile.named(self.names.names, self.names.left_out),
            kept=kept.table(),
            texts_foreign=self.tally.counts(rejects).texts_foreign,
        )

    def _warn(self, source: CatalogSource, catalog: AuditedCatalog) -> None:
        """Warn of genres that are read in another way, or not at all."""
        labels = catalog.labels
        catalog.languages.warn()
        if labels is None:
            return
        labels.naming.warn(source.name)
        if labels.unknown:
            names = unknown_genres(labels.unknown, self.tagger.labels)
            _warn(f"{source.name}: the model does not know {names}: they are not audited")
        if labels.unreadable:
            cells = counted(labels.unreadable, "genre cell")
            _warn(f"{source.name}: {cells} cannot be read, such as {labels.example!r}")

    def _summary(
        self,
        catalog: AuditedCatalog,
        written: RecordWriter,
        rejects: RejectsFile,
        seconds: float,
    ) -> AuditResult:
        first, labels = rejects.first, catalog.labels
        with_text = 0 if labels is None else int(labels.rows.sum())
        audited = 0 if labels is None else labels.rows_labeled
        used, own = catalog.columns, catalog.own
        output = self.job.output
        return AuditResult(
            rows=catalog.rows,
            rows_audited=audited,
            rows_without_text=catalog.rows - with_text,
            rows_without_genres=with_text - audited,
            rows_seen_in_training=catalog.seen,
            rows_in_other_languages=catalog.languages.languages.total(),
            rows_rejected=rejects.count,
            rows_padded=catalog.padded.count,
            rejects=rejects.path if rejects.count else None,
            first_reject=None if first is None else str(first),
            reject_advice=None if first is None else first.advice,
            first_padded=catalog.padded.first or None,
            records=written.records,
            calibrated=bool(self.tagger.metadata.calibration),
            genres=_genres(self.names.names, written),
            ignored={} if labels is None else labels.unknown,
            id_column=None if own is None else own.id,
            title_column=None if own is None else own.title,
            text_column=None if used is None else used.text,
            genre_column=None if own is None else own.genres,
            record_columns={} if own is None else own.renamed,
            texts_predicted=self.tally.texts_predicted,
            texts_from_cache=self.tally.texts_from_cache,
            row_name=self.tagger.metadata.row_name,
            model=str(self.tagger.path),
            model_sha256=self.tagger.sha256,
            output=None if output is None else os.fspath(output),
            seconds=seconds,
        )


def _genres(names: tuple[str, ...], written: RecordWriter) -> tuple[GenreAudit, ...]:
    """Return what was found about each genre; nothing if no labels were audited."""
    counts = written.true_counts
    if counts is None:
        return ()
    return tuple(
        GenreAudit(
            genre=name,
            rows=int(written.rows_by_genre[index]),
            missing=float(counts.missing[index]),
            wrong=float(counts.wrong[index]),
            true_rows=float(counts.count[index]),
            true_rows_interval=(float(counts.low[index]), float(counts.high[index])),
            records_missing=int(written.missing[index]),
            records_doubtful=int(written.doubtful[index]),
        )
        for index, name in enumerate(names)
    )


def _warn(message: str) -> None:
    warnings.warn(message, GenreBatchWarning, stacklevel=4)

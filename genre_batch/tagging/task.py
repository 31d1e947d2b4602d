"""Write one output: read its inputs, predict their rows, write them with their genres."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from genre_batch.catalog.chunk import Chunk
from genre_batch.catalog.formats import Format
from genre_batch.catalog.reading.reader import CatalogReader, ReadOptions
from genre_batch.catalog.rejects import Reject, RejectsFile, raise_on_reject
from genre_batch.catalog.writing.encoder import EncoderOptions
from genre_batch.catalog.writing.writer import open_writer
from genre_batch.model.language import model_language
from genre_batch.model.tagger import GenreTagger
from genre_batch.profile.profile import ProfileCollector
from genre_batch.tagging.counts import Tally, TaskCounts
from genre_batch.tagging.job import TagJob
from genre_batch.tagging.plan import OutputTask
from genre_batch.tagging.predict import Predictor
from genre_batch.tagging.prefetch import prefetched
from genre_batch.tagging.probability_store import Store
from genre_batch.tagging.rows import RowTagger
from genre_batch.tagging.written_names import WrittenNames, written_names
from genre_batch.version import __version__

__all__ = ["TaskObserver", "TaskWriter", "no_temporary"]


class TaskObserver:
    """Receives the progress of an output; this base class ignores it."""

    def read(self, rows: int, fraction: float | None, total: int | None) -> None:
        """Receive the number of rows that were read; called by the thread that reads.

        Args:
            rows: their number.
            fraction: the share of the inputs' bytes that is read, 0..1; None if unknown.
            total: the number of rows that the inputs state; None if they do not.
        """

    def written(self, rows: int) -> None:
        """Receive the number of rows that were written."""

    def finishing(self) -> None:
        """Receive the notice that the output is about to get its final name."""


def no_temporary(what: str) -> str | None:
    """Return no temporary name: files are written under one next to their final name."""
    return None


def _no_check() -> None:
    """Let every output get its name."""


@dataclass
class TaskWriter:
    """Writes one output, complete or not at all.

    Attributes:
        job: the run's options.
        task: the output and its inputs.
        tagger: the run's model.
        store: known probabilities.
        temporary: returns the temporary name of the `output` or the `rejects`; None: the default.
        limit: the number of rows to tag; None: all.
        observer: receives the progress.
        names: the names under which genres are written; None: those of the job.
        check: called when all is read, before the output gets its name; what it raises ends the
            write.
    """

    job: TagJob
    task: OutputTask
    tagger: GenreTagger
    store: Store
    temporary: Callable[[str], str | None] = no_temporary
    limit: int | None = None
    observer: TaskObserver = field(default_factory=TaskObserver)
    names: WrittenNames | None = None
    check: Callable[[], None] = _no_check

    def __post_init__(self) -> None:
        language = self.job.only_language or model_language(self.tagger.metadata)
        self.tally = Tally(self.tagger.labels, language)
        if self.job.profile:
            self.tally.profile = ProfileCollector(
                self.tagger.labels, genre_column=self.tagger.metadata.columns.get("genres")
            )
        self._predictor = Predictor(self.tagger, self.store, self.tally)

    def write(self) -> TaskCounts:
        """Write the output, then its rejects.

        Raises:
            UsageError, CatalogError, ModelError: as the parts raise them; nothing is left under the
                output's name.
        """
        # Rejects with a path of their own may be on another disk than the temporary files.
        has_own_path = self.job.reading.rejects is not None
        temporary = None if has_own_path else self.temporary("rejects")
        rejects = RejectsFile(self.task.rejects, temporary)
        try:
            self._write(raise_on_reject if self.job.reading.strict else rejects.add)
            rejects.commit()
        except BaseException:
            rejects.rollback()
            raise
        return self.tally.counts(rejects)

    def _write(self, on_reject: Callable[[Reject], None]) -> None:
        names = self.names or written_names(self.job, self.tagger.labels)
        names.check_separator(self.job.writing.separator, [self.task.target.format])
        rows = RowTagger(names.job(self.job), self._predictor, self.tally, names)
        rows.begin_with(self.task.columns)
        stop = threading.Event()
        temporary = self.temporary("output")
        self.task.make_folder()
        with (
            CatalogReader(self.task.sources, self._read_options(), on_reject) as reader,
            open_writer(
                self.task.target, self._encoder_options(), force=True, temporary=temporary
            ) as writer,
        ):
            predict = functools.partial(rows.columns, stop=stop)
            with prefetched(self._read(reader), predict, stop) as tagged:
                for chunk, added in tagged:
                    writer.write(rows.kept(chunk), added)
                    self.observer.written(len(chunk))
            rows.finish()
            self.tally.unread = reader.unread
            self.tally.values_lost += writer.lost
            self.check()
            self.observer.finishing()

    def _read(self, reader: CatalogReader) -> Iterator[Chunk]:
        """Yield chunks up to the limit; empty ones too, because they have the column names."""
        left = self.limit
        for chunk in reader.chunks():
            if left is not None:
                chunk = chunk.head(left)
                left -= len(chunk)
            self.observer.read(len(chunk), reader.fraction_read, reader.rows)
            yield chunk
            if left == 0:
                return

    def _read_options(self) -> ReadOptions:
        kind = self.task.target.format
        return ReadOptions(
            as_table=kind is not Format.JSONL,
            infer_types=self.job.reading.infer_types and not kind.is_text,
            limit=self.limit,
            stretch=self.task.stretch,
            reading=self.job.reading,
        )

    def _encoder_options(self) -> EncoderOptions:
        return self.job.writing.encoder_options(
            {
                "genre_batch.model_sha256": self.tagger.sha256,
                "genre_batch.version": __version__,
            }
        )

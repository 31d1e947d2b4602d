"""The new cells of a catalog that the decisions of a review make."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import groupby
from typing import Any

from genre_batch.catalog.formats import STDIO
from genre_batch.catalog.genre_map import read_genre_map
from genre_batch.dataset.genre_names import GenreNames
from genre_batch.errors import CatalogError
from genre_batch.model.metadata import read_model_file
from genre_batch.model.shipped import model_path
from genre_batch.names import nearest_known
from genre_batch.options import nearest_name
from genre_batch.review.cells import CellError
from genre_batch.review.checks import check_copy, check_kind, no_such_row, unknown_genre
from genre_batch.review.decisions import LabelDecision, Review
from genre_batch.review.job import ApplyJob, LabelChange
from genre_batch.review.labels import GenreEdit, Labels
from genre_batch.review.lookup import Lookup, ReviewedRow
from genre_batch.review.members import member_spans, with_members

__all__ = ["Edits"]

_SHOWN = 60


class Edits:
    """The changes that the decisions make.

    Attributes:
        changes: every change, in the order of the rows.
        confirmed: decisions that agree with the catalog.
    """

    def __init__(
        self, job: ApplyJob, review: Review, lookups: Sequence[Lookup], labels: Labels
    ) -> None:
        """Start without a change.

        Args:
            job: the options.
            review: the decisions.
            lookups: of each output, the rows that they are about; their labels are finished.
            labels: those of the whole catalog.
        """
        self.changes: list[LabelChange] = []
        self.confirmed = 0
        self._job = job
        self._review = review
        self._lookups = lookups
        self._filled = [lookup for lookup in lookups if lookup.end > lookup.start]
        self._whole = labels
        path = os.fspath(job.catalog)
        self._name = "stdin" if path == STDIO else path
        if job.genre_map is not None or self._are_unknown():
            reading = self._reading()
            for each in (labels, *(lookup.labels for lookup in lookups)):
                if each is not None:
                    each.read_as(reading)
        self._known = set().union(*map(labels.keys, labels.known()))

    @cached_property
    def _model_labels(self) -> tuple[str, ...]:
        return read_model_file(model_path(self._job.model)).metadata.labels

    def _are_unknown(self) -> bool:
        """Return whether some genre is not there under its own name, so that the model is read."""
        if self._job.no_aliases:
            return False
        known = set().union(*map(self._whole.keys, self._whole.known()))
        for decision in self._review.decisions:
            wanted = self._whole.keys(decision.genre)
            lookup = self._lookup(decision.row)
            if lookup is None or lookup.labels is None:
                continue
            genres = lookup.labels.genres(lookup.found[decision.row].values)
            has = set().union(*map(self._whole.keys, genres))
            if not wanted <= (has if decision.kind == "doubtful" else known):
                return True
        return False

    def _lookup(self, row: int) -> Lookup | None:
        """Return the output that has a row; None if there is none."""
        index = bisect_right(self._filled, row, key=lambda one: one.start) - 1
        return self._filled[index] if index >= 0 and row < self._filled[index].end else None

    def _reading(self) -> Callable[[str], tuple[str, ...]]:
        """Return how names are read: by the map, by spelling, and by common aliases."""
        genre_map = None if self._job.genre_map is None else read_genre_map(self._job.genre_map)
        names = GenreNames(genre_map, self._model_labels, aliases=not self._job.no_aliases)
        return lambda name: tuple(names.read([[name]])[0])

    def make(self) -> None:
        """Check every decision against the catalog, and make the new cells.

        Raises:
            CatalogError: a decision does not fit the catalog, or a cell cannot be changed.
        """
        rows = self._lookups[-1].end
        for number, decisions in groupby(self._review.decisions, lambda one: one.row):
            several = list(decisions)
            lookup = self._lookup(number)
            if lookup is None:
                raise no_such_row(self._review, several[0], rows, self._name)
            for decision in several:
                check_copy(self._review, decision, lookup)
            self._change(lookup, number, several)

    def _change(self, lookup: Lookup, number: int, decisions: list[LabelDecision]) -> None:
        row, labels = lookup.found[number], lookup.labels
        assert labels is not None
        names = labels.genres(row.values)
        keys = set().union(*map(labels.keys, names))
        add: list[str] = []
        remove: set[str] = set()
        for decision in decisions:
            wanted = labels.keys(decision.genre)
            has = bool(wanted) and wanted <= keys
            check_kind(self._review, decision, lookup.place(number), has)
            self._check_known(decision, wanted)
            if decision.right == has:
                self.confirmed += 1
            elif decision.right:
                add.append(decision.genre)
            else:
                remove |= wanted
        if not add and not remove:
            return
        try:
            lookup.cells[number - lookup.start] = _edited(row, labels, GenreEdit(remove, add))
        except CellError as error:
            cell = " ".join(str(row.values.get(labels.columns[0])).split())
            raise CatalogError(
                f"{self._name}, {lookup.place(number)}, column {labels.columns[0]!r}: genres "
                f"written like {cell[:_SHOWN]!r} cannot be changed one by one: change this cell by "
                f"hand, and write skip into {self._review.place(decisions[0].record)}"
            ) from error
        removed = [name for name in names if labels.keys(name) & remove]
        self.changes += [LabelChange(number, "removed", name) for name in removed]
        added = map(labels.spelling.of, add)
        self.changes += [LabelChange(number, "added", name) for name in added]

    def _check_known(self, decision: LabelDecision, wanted: frozenset[str]) -> None:
        """Check that a genre is one of the catalog or, if not, of the model.

        Raises:
            CatalogError: it is neither.
        """
        if wanted and wanted <= self._known:
            return
        known = self._whole.known()
        if self._job.label_columns:
            hint = f"{nearest_name(decision.genre, known)} `label_columns` names the columns"
            raise unknown_genre(self._review, decision, hint)
        model_keys = set().union(*map(self._whole.keys, self._model_labels))
        if not wanted or not wanted <= model_keys:
            near = nearest_known(decision.genre, (*known, *self._model_labels))
            hint = f"did you mean {near!r}?" if near else "no row of the catalog has it."
            hint += " If the audit had a `genre_map` or another `model`, give it here too"
            raise unknown_genre(self._review, decision, hint)


def _edited(row: ReviewedRow, labels: Labels, edit: GenreEdit) -> Any:
    """Return the new cells of a row, by their columns; or the bytes of its new JSON object."""
    if row.line is None:
        return labels.changed(row.values, edit)
    line = row.line.decode("utf-8")
    spans = member_spans(line)
    members = {
        name: line[spans[name][0] : spans[name][1]] for name in labels.columns if name in spans
    }
    ascii_only = line.isascii() and "\\u" in line
    new = labels.changed_json(members, edit, ascii_only=ascii_only)
    return with_members(line, new).encode("utf-8")

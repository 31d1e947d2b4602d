"""The new cells of a catalog that the decisions of a review make."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from functools import cached_property
from itertools import groupby
from typing import Any

from genre_batch.catalog.formats import STDIO, Location
from genre_batch.catalog.genre_map import read_genre_map
from genre_batch.catalog.rejects import RejectsFile
from genre_batch.dataset.genre_names import GenreNames
from genre_batch.errors import CatalogError
from genre_batch.model.metadata import read_model_file
from genre_batch.model.shipped import model_path
from genre_batch.options import nearest_name
from genre_batch.review.cells import CellError
from genre_batch.review.checks import check_copy, check_in_catalog, check_kind, unknown_genre
from genre_batch.review.decisions import LabelDecision, Review
from genre_batch.review.job import ApplyJob, ApplyResult, LabelChange
from genre_batch.review.labels import Labels
from genre_batch.review.lookup import Lookup, ReviewedRow
from genre_batch.review.members import member_spans, with_members

__all__ = ["Edits"]

_SHOWN = 60


class Edits:
    """The changes that the decisions make.

    Attributes:
        cells: row -> column -> new value; for JSON objects, row -> the bytes of the new object.
    """

    def __init__(self, job: ApplyJob, review: Review, lookup: Lookup, labels: Labels) -> None:
        """Start without a change.

        Args:
            job: the options.
            review: the decisions.
            lookup: the rows of the catalog that they are about.
            labels: the catalog's labels.
        """
        self.cells: dict[int, Any] = {}
        self._job = job
        self._review = review
        self._lookup = lookup
        self._labels = labels
        path = os.fspath(job.catalog)
        self._name = "stdin" if path == STDIO else path
        self._changes: list[LabelChange] = []
        self._confirmed = 0
        if job.genre_map is not None or self._are_unknown():
            labels.read_as(self._reading())
        self._known = set().union(*map(labels.keys, labels.known()))

    @cached_property
    def _model_labels(self) -> tuple[str, ...]:
        return read_model_file(model_path(self._job.model)).metadata.labels

    def _are_unknown(self) -> bool:
        """Return whether some genre is not there under its own name, so that the model is read."""
        if self._job.no_aliases:
            return False
        known = set().union(*map(self._labels.keys, self._labels.known()))
        for decision in self._review.decisions:
            wanted = self._labels.keys(decision.genre)
            row = self._lookup.found.get(decision.row)
            if row is None:
                continue
            has = set().union(*map(self._labels.keys, self._labels.genres(row.values)))
            if not wanted <= (has if decision.kind == "doubtful" else known):
                return True
        return False

    def _reading(self) -> Callable[[str], tuple[str, ...]]:
        """Return how names are read: by the map, by spelling, and by usual other names."""
        genre_map = None if self._job.genre_map is None else read_genre_map(self._job.genre_map)
        names = GenreNames(genre_map, self._model_labels, aliases=not self._job.no_aliases)
        return lambda name: tuple(names.read([[name]])[0])

    def make(self) -> None:
        """Check every decision against the catalog, and make the new cells.

        Raises:
            CatalogError: a decision does not fit the catalog, or a cell cannot be changed.
        """
        columns = self._lookup.copied_columns()
        for number, decisions in groupby(self._review.decisions, lambda one: one.row):
            several = list(decisions)
            check_in_catalog(self._review, several[0], self._lookup.rows, self._name)
            row = self._lookup.found[number]
            for decision in several:
                check_copy(self._review, decision, row, columns, self._labels)
            self._change(number, row, several)

    def _change(self, number: int, row: ReviewedRow, decisions: list[LabelDecision]) -> None:
        names = self._labels.genres(row.values)
        keys = set().union(*map(self._labels.keys, names))
        add: list[str] = []
        remove: set[str] = set()
        for decision in decisions:
            wanted = self._labels.keys(decision.genre)
            has = bool(wanted) and wanted <= keys
            check_kind(self._review, decision, has)
            self._check_known(decision, wanted)
            if decision.right == has:
                self._confirmed += 1
            elif decision.right:
                add.append(decision.genre)
            else:
                remove |= wanted
        if not add and not remove:
            return
        try:
            self._edit(number, row, remove, add)
        except CellError as error:
            columns = self._labels.columns
            cell = " ".join(str(row.values.get(columns[0])).split())
            raise CatalogError(
                f"{self._name}, row {number} (counted from 0), column {columns[0]!r}: genres "
                f"written like {cell[:_SHOWN]!r} cannot be changed one by one: change this cell by "
                f"hand, and write skip into {self._review.place(decisions[0].record)}"
            ) from error
        removed = [name for name in names if self._labels.keys(name) & remove]
        self._changes += [LabelChange(number, "removed", name) for name in removed]
        added = map(self._labels.spelling.of, add)
        self._changes += [LabelChange(number, "added", name) for name in added]

    def _edit(self, number: int, row: ReviewedRow, remove: set[str], add: list[str]) -> None:
        if row.line is None:
            self.cells[number] = self._labels.changed(row.values, remove, add)
            return
        line = row.line.decode("utf-8")
        spans = member_spans(line)
        members = {
            name: line[spans[name][0] : spans[name][1]]
            for name in self._labels.columns
            if name in spans
        }
        ascii_only = line.isascii() and "\\u" in line
        new = self._labels.changed_json(members, remove, add, ascii_only=ascii_only)
        self.cells[number] = with_members(line, new).encode("utf-8")

    def _check_known(self, decision: LabelDecision, wanted: frozenset[str]) -> None:
        """Check that a genre is one of the catalog or, if not, of the model.

        Raises:
            CatalogError: it is neither.
        """
        if wanted and wanted <= self._known:
            return
        known = self._labels.known()
        if self._job.label_columns:
            hint = f"{nearest_name(decision.genre, known)} `label_columns` names the columns"
            raise unknown_genre(self._review, decision, hint)
        model_keys = set().union(*map(self._labels.keys, self._model_labels))
        if not wanted or not wanted <= model_keys:
            names = {name.lower(): name for name in (*known, *self._model_labels)}
            near = nearest_name(decision.genre, tuple(names))
            hint = near if near.startswith("did") else "no row of the catalog has it"
            hint += "; if it is one of the model that audit used, name that one with `model`"
            raise unknown_genre(self._review, decision, hint)

    def result(self, target: Location, rejects: RejectsFile, *, kept: bool) -> ApplyResult:
        """Return what was decided and changed.

        Args:
            target: the output.
            rejects: the records of the catalog that cannot be read.
            kept: whether the output has them as they were.
        """
        counts = self._review.counts
        words = {word: counts.get(word, 0) for word in ("right", "wrong", "skip")}
        by_change = {
            change: Counter(one.genre for one in self._changes if one.change == change)
            for change in ("added", "removed")
        }
        written = rejects.path if rejects.count else None
        return ApplyResult(
            review=self._review.location.path,
            catalog=os.fspath(self._job.catalog),
            output=None if target.is_stdio else target.path,
            rows=self._lookup.rows,
            rows_changed=len(self.cells),
            rows_rejected=rejects.count,
            rejected_kept=kept,
            rejects=written,
            decisions={**words, "undecided": counts.get("", 0)},
            added=dict(by_change["added"].most_common()),
            removed=dict(by_change["removed"].most_common()),
            confirmed=self._confirmed,
            changes=tuple(self._changes),
        )

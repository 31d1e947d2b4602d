"""Check that a catalog has something to audit, and say what to type if it does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from genre_batch.auditing.job import AuditJob
from genre_batch.auditing.labels import Labels
from genre_batch.errors import CatalogError, counted
from genre_batch.model.tagger import GenreTagger
from genre_batch.names import nearest_known

__all__ = ["check_auditable", "unknown_genres"]

_SHOWN = 5
"""Genres that a message shows."""


def check_auditable(job: AuditJob, name: str, labels: Labels, tagger: GenreTagger) -> None:
    """Check that some row has what the job is about.

    Args:
        job: the options.
        name: of the catalog, for messages.
        labels: its genre cells.
        tagger: the model.

    Raises:
        CatalogError: no row has; the message has what to type.
    """
    if not labels.rows.any():
        raise CatalogError(f"{name}: no row has a text: check `text_column`")
    if job.select is not None:
        if not (labels.rows[~labels.labeled] > 0).any():
            raise CatalogError(
                f"{name}: every row with a text has genres: leave out `select` to audit them"
            )
        return
    if not labels.rows_labeled:
        problem = "all genre cells are empty"
        if labels.unreadable:
            problem = (
                f"{labels.unreadable:,} genre cells cannot be read, such as {labels.example!r}"
            )
        raise CatalogError(
            f"{name}: no row has a text and a genre ({problem}): check `genre_column`; to "
            f"find the rows to label first, add `select` N"
        )
    if not labels.any_known:
        shown = unknown_genres(labels.unknown, tagger.labels)
        known = ", ".join(tagger.labels[:_SHOWN])
        more = ", ..." if len(tagger.labels) > _SHOWN else ""
        advice = "map their names with `genre_map`, or " if ", nearest: " in shown else ""
        column = "label_columns" if job.columns.label_columns else "genre_column"
        raise CatalogError(
            f"{name}: the model {tagger.path} knows none of its genres: {shown}; it "
            f"predicts {known}{more}: {advice}choose another `{column}` or `model`"
        )


def unknown_genres(unknown: Mapping[str, int], labels: Sequence[str]) -> str:
    """Return the most frequent unknown genres, each with its rows and the nearest known one."""
    shown = []
    for name, count in list(unknown.items())[:_SHOWN]:
        near = nearest_known(name, labels)
        hint = "" if near is None else f", nearest: {near!r}"
        shown.append(f"{name!r} ({counted(count, 'row')}{hint})")
    return ", ".join(shown) + (" and others" if len(unknown) > _SHOWN else "")

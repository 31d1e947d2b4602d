"""`genre-batch apply`."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import click

from genre_batch.cli.column_options import genre_name_options, label_place_options
from genre_batch.cli.console import (
    is_shown,
    note,
    print_tables,
    progress_option,
    rows_progress,
    table,
)
from genre_batch.cli.option_groups import READING, WRITING, grouped_command
from genre_batch.cli.options import (
    force_option,
    model_option,
    output_option,
    reading_options,
    writing_options,
)
from genre_batch.cli.run_options import summary_options
from genre_batch.errors import GenreBatchWarning, counted

if TYPE_CHECKING:
    from genre_batch.review.job import ApplyResult

__all__ = ["GROUPS", "apply"]

GROUPS = {
    "Input": (
        *READING,
        *("genre_column", "genre_separator", "label_columns", "label_names"),
        *("genre_map", "no_aliases"),
    ),
    "Output": ("output", *WRITING, "force"),
    "Run": ("model", "summary", "summary_json", "progress"),
}
"""Section of the help text -> names of its options."""

_CHANGES_SHOWN = 10


@grouped_command(GROUPS, "Correct a catalog with a reviewed audit.")
@click.argument("review")
@click.argument("catalog")
@output_option(
    "PATH",
    "Output file; the suffix sets the format, as in tag; - for stdout. In the catalog's own text "
    "format, all other bytes are copied. A folder (a name that ends with /) gets each file of the "
    "catalog at its place.",
)
@reading_options
@writing_options
@label_place_options
@genre_name_options(
    "The map that the audit had, of the catalog's genre names to the model's.",
    "Do not read common aliases, such as Sci-Fi, as the genres of the review.  "
    "[default: read them]",
)
@model_option
@force_option
@summary_options("tables of what was changed", "all changes, by row,")
@progress_option
def apply(summary: bool | None, progress: bool | None, **options: Any) -> None:
    """Write a catalog again with the labels that a person decided on.

    REVIEW is the file that audit wrote, or the one downloaded from its page, with a decision in the
    column decision of each record that was looked at:

    \b
      right   the film has the genre: a missing one is added, a doubtful one stays
      wrong   the film does not have it: a doubtful one is removed, a missing one stays out
      skip    no decision, as if the cell were empty

    CATALOG is the catalog that was audited: a file, a folder, or a glob in quotes. Each row of it
    is written once, in order; only decided labels change, in the style of their own cell. If the
    review does not fit the catalog, the first line that does not is named and nothing is written.

    \b
    Examples:
      genre-batch apply review.csv films.csv -o corrected.csv
      genre-batch apply review.csv films.parquet -o corrected.parquet --summary-json changes.json
      genre-batch apply review.csv films/ -o corrected/
    """
    from genre_batch.options import from_flat_options
    from genre_batch.review.apply import apply_review
    from genre_batch.review.job import ApplyJob

    job = from_flat_options(ApplyJob, options)
    with rows_progress(progress) as advance:
        result = apply_review(job, advance)
    if result.rows_rejected:
        place = "kept as they are" if result.rejected_kept else "left out"
        where = f" (also in {result.rejects})" if result.rejects else ""
        warnings.warn(
            f"{counted(result.rows_rejected, 'row')} of the catalog could not be read: "
            f"{place}{where}",
            GenreBatchWarning,
            stacklevel=1,
        )
    if is_shown(summary):
        _show(result)


def _show(result: ApplyResult) -> None:
    """Print what was changed, and the first changes."""
    genres = table("Changed labels", "genre", "added", "removed")
    names = sorted(
        {**result.added, **result.removed},
        key=lambda name: -(result.added.get(name, 0) + result.removed.get(name, 0)),
    )
    for name in names:
        genres.add_row(name, f"{result.added.get(name, 0):,}", f"{result.removed.get(name, 0):,}")
    first = table("First changes", "row", "change", "genre")
    for change in result.changes[:_CHANGES_SHOWN]:
        first.add_row(f"{change.row:,}", change.change, change.genre)
    if names:
        print_tables(genres, first)
    counts = result.decisions
    note(
        f"{counts['right']:,} right, {counts['wrong']:,} wrong, {counts['skip']:,} skipped, "
        f"{counts['undecided']:,} undecided; {result.confirmed:,} of them agree with the catalog"
    )
    note(
        f"{result.rows_changed:,} of {counted(result.rows, 'row')} changed"
        + (f", written to {result.output}" if result.output is not None else "")
    )

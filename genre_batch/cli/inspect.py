"""`genre-batch inspect`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from genre_batch.cli.console import figures_table, note, print_json, print_tables, table
from genre_batch.cli.options import reading_from, reading_options

if TYPE_CHECKING:
    from rich.table import Table

    from genre_batch.catalog.options import ReadingOptions
    from genre_batch.model.metadata import ModelMetadata

__all__ = ["inspect"]


@click.command(short_help="Show the contents of a model or a catalog.")
@click.argument("path", metavar="[MODEL|CATALOG]", required=False)
@reading_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def inspect(path: str | None, as_json: bool, **options: Any) -> None:
    """Show the contents of a model or a catalog.

    For a MODEL (.onnx; default: the model that tag would use): labels, thresholds, figures and
    provenance. For a CATALOG: rows, columns, genres, and which columns tag and train would read.
    """
    if path is None or path.endswith(".onnx"):
        _inspect_model(path, as_json)
    else:
        _inspect_catalog(path, reading_from(options), as_json)


def _inspect_model(path: str | None, as_json: bool) -> None:
    from genre_batch.model.metadata import read_model_file
    from genre_batch.model.tagger import default_model

    file = read_model_file(Path(path) if path is not None else default_model())
    metadata = file.metadata
    facts: dict[str, Any] = {
        "file": str(file.path),
        "bytes": len(file.content),
        "sha256": file.sha256,
        "text_template": metadata.text_template,
        "max_length": metadata.max_length,
        "training_texts": len(metadata.training_text_keys),
    }
    if as_json:
        print_json(facts | _model_as_dict(metadata))
        return
    print_tables(
        _about(facts | dict(metadata.provenance)),
        _thresholds(metadata),
        *([_conditional_thresholds(metadata)] if metadata.conditional_thresholds else []),
        figures_table(metadata.metrics),
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
        "metrics": metadata.metrics,
        "provenance": metadata.provenance,
    }


def _about(facts: dict[str, Any]) -> Table:
    import json

    about = table("Model", "what", "value")
    about.columns[1].justify = "left"
    for key, value in facts.items():
        about.add_row(key, value if isinstance(value, str) else json.dumps(value))
    return about


def _thresholds(metadata: ModelMetadata) -> Table:
    """Return a table of the genres' thresholds, and of their F1 on the test part if it is known."""
    genres = table("Genres", "genre", "threshold", "F1 on test")
    on_test: list[dict[str, Any]] = list(metadata.metrics.get("test", {}).values())
    scores: dict[str, float] = on_test[0]["f1"] if on_test else {}
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


def _inspect_catalog(path: str, reading: ReadingOptions, as_json: bool) -> None:
    from genre_batch.catalog.describe import describe_catalog

    catalog = describe_catalog(reading.locate(path), reading)
    if as_json:
        print_json(asdict(catalog))
        return
    roles = {
        catalog.text_column: "text",
        catalog.title_column: "title",
        catalog.genre_column: "genres",
    }
    title = f"{Path(path).name}: {catalog.rows:,} rows"
    columns = table(title, "column", "type", "filled", "read as")
    for column in catalog.columns:
        share = f"{column.filled / catalog.rows:.1%}" if catalog.rows else "-"
        columns.add_row(column.name, column.type, share, roles.get(column.name, ""))
    genres = table("Genres", "genre", "rows", "share of rows")
    for name, rows in catalog.genres.items():
        genres.add_row(name, f"{rows:,}", f"{rows / catalog.rows:.1%}")
    if catalog.cells_without_genre:
        note(
            f"{catalog.cells_without_genre:,} filled cells of the column "
            f"{catalog.genre_column!r} have no genre"
        )
    print_tables(columns, *([genres] if catalog.genres else []), stderr=False)

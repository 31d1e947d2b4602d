"""`genre-batch inspect`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from genre_batch.cli.console import figures_table, print_json, print_tables, table

__all__ = ["inspect"]


@click.command(short_help="Show what a model or a catalog holds.")
@click.argument("path", metavar="[MODEL|CATALOG]", required=False)
@click.option("--json", "as_json", is_flag=True, help="As one JSON object, for programs.")
def inspect(path: str | None, as_json: bool) -> None:
    """Show what a model file carries, or what a catalog holds.

    Of a MODEL (.onnx; default: the one that tag would use): labels, thresholds, figures, where it
    comes from. Of a CATALOG: rows, columns, genres, and which columns tag and train would read.
    """
    if path is None or path.endswith(".onnx"):
        _inspect_model(path, as_json)
    else:
        _inspect_catalog(path, as_json)


def _inspect_model(path: str | None, as_json: bool) -> None:
    import json

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
    given = {label: asdict(one) for label, one in metadata.conditional_thresholds.items()}
    if as_json:
        print_json(
            facts
            | {
                "labels": metadata.labels,
                "thresholds": metadata.thresholds,
                **({"conditional_thresholds": given} if given else {}),
                "operating_points": {
                    name: {"precision": point.precision, "recall": point.recall}
                    for name, point in metadata.operating_points.items()
                },
                "metrics": metadata.metrics,
                "provenance": metadata.provenance,
            }
        )
        return
    about = table("Model", "what", "value")
    about.columns[1].justify = "left"
    for key, value in (facts | dict(metadata.provenance)).items():
        about.add_row(key, value if isinstance(value, str) else json.dumps(value))
    genres = table("Genres", "genre", "threshold", "F1 on test")
    on_test: list[dict[str, Any]] = list(metadata.metrics.get("test", {}).values())
    scores: dict[str, float] = on_test[0]["f1"] if on_test else {}
    for label, threshold in zip(metadata.labels, metadata.thresholds, strict=True):
        figure = f"{scores[label]:.3f}" if label in scores else "-"
        genres.add_row(label, f"{threshold:.3f}", figure)
    pairs = table(
        "Two thresholds, in place of the one above", "genre", "given", "if predicted", "if not"
    )
    for label, one in metadata.conditional_thresholds.items():
        cells = ("never" if t is None else f"{t:.3f}" for t in (one.present, one.absent))
        pairs.add_row(label, one.given, *cells)
    print_tables(
        about, genres, *([pairs] if given else []), figures_table(metadata.metrics), stderr=False
    )


def _inspect_catalog(path: str, as_json: bool) -> None:
    from genre_batch.catalog.describe import describe_catalog
    from genre_batch.catalog.formats import input_location

    found = describe_catalog(input_location(path))
    if as_json:
        print_json(asdict(found))
        return
    roles = {found.text_column: "text", found.title_column: "title", found.genre_column: "genres"}
    title = f"{Path(path).name}: {found.rows:,} rows"
    columns = table(title, "column", "type", "filled", "read as")
    for column in found.columns:
        share = f"{column.filled / found.rows:.1%}" if found.rows else "-"
        columns.add_row(column.name, column.type, share, roles.get(column.name, ""))
    genres = table("Genres", "genre", "rows", "share of rows")
    for name, rows in found.genres.items():
        genres.add_row(name, f"{rows:,}", f"{rows / found.rows:.1%}")
    print_tables(columns, *([genres] if found.genres else []), stderr=False)

"""`genre-batch inspect`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from genre_batch.cli.console import figures_table, print_tables, table

__all__ = ["inspect"]


@click.command(short_help="Show what a model file carries.")
@click.argument("model", required=False)
@click.option("--json", "as_json", is_flag=True, help="As one JSON object, for programs.")
def inspect(model: str | None, as_json: bool) -> None:
    """Show what MODEL carries: labels, thresholds, figures, where it comes from.

    Without MODEL: the one that tag would use.
    """
    import json

    from genre_batch.errors import UsageError
    from genre_batch.model.metadata import read_model_file
    from genre_batch.model.tagger import default_model

    path = Path(model) if model is not None else default_model()
    if not path.exists():
        raise UsageError(f"no such file: {path}")
    file = read_model_file(path)
    metadata = file.metadata
    facts: dict[str, Any] = {
        "file": str(path),
        "bytes": len(file.content),
        "sha256": file.sha256,
        "text_template": metadata.text_template,
        "max_length": metadata.max_length,
        "training_texts": len(metadata.training_text_keys),
    }
    if as_json:
        whole = facts | {
            "labels": list(metadata.labels),
            "thresholds": list(metadata.thresholds),
            "operating_points": {
                name: {"precision": point.precision, "recall": point.recall}
                for name, point in metadata.operating_points.items()
            },
            "metrics": metadata.metrics,
            "provenance": metadata.provenance,
        }
        click.echo(json.dumps(whole, indent=2, ensure_ascii=False))
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
    print_tables(about, genres, figures_table(metadata.metrics), stderr=False)

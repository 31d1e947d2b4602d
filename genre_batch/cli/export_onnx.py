"""`genre-batch export-onnx`."""

from __future__ import annotations

from pathlib import Path

import click

from genre_batch.cli.console import (
    figures_table,
    note,
    print_tables,
    progress_option,
    steps_progress,
)

__all__ = ["export_onnx"]


@click.command(short_help="Make one ONNX file of a training run.")
@click.argument("run_dir")
@click.option("-o", "--output", required=True, metavar="MODEL.onnx", help="The file to write.")
@click.option(
    "--precision",
    type=click.Choice(["int8", "fp32"]),
    default="int8",
    show_default=True,
    help="8-bit weights and embeddings, or the checkpoint's float32.",
)
@click.option(
    "--max-loss",
    type=float,
    default=0.5,
    show_default=True,
    metavar="POINTS",
    help="Refuse a model that loses more macro-F1 (in hundredths) on the dev part, at the same "
    "cross-fitted thresholds.",
)
@click.option("--force", is_flag=True, help="Overwrite an existing output.")
@progress_option
def export_onnx(
    run_dir: str, output: str, precision: str, max_loss: float, force: bool, progress: bool | None
) -> None:
    """Make one self-contained ONNX file of RUN_DIR.

    It carries its labels, thresholds, tokenizer and provenance. The file is checked against the
    checkpoint on the dev part, and the thresholds are tuned again on its own probabilities.
    """
    from genre_batch.extras import require_extra
    from genre_batch.files import check_input_folder

    check_input_folder(run_dir)
    require_extra("genre-batch export-onnx", "train")

    from genre_batch.exporting.export import ExportJob
    from genre_batch.exporting.export import export_onnx as run_export

    job = ExportJob(Path(run_dir), Path(output), precision, max_loss, force)
    with steps_progress(progress) as advance:
        report = run_export(job, advance)
    print_tables(figures_table(report.metrics))
    export = report.metrics["export"]
    note(
        f"against the checkpoint, points of macro-F1 lost: {report.loss_points:+.2f} on dev at "
        f"cross-fitted thresholds, {export['macro_f1_loss_points_development_and_test']:+.2f} on "
        f"dev and test at the checkpoint's own, fitted to dev; "
        f"mean difference of probabilities {export['mean_probability_difference']:.4f}"
    )
    note(f"{output}: {report.size / 1e6:.1f} MB: next, genre-batch tag CATALOG -m {output}")

"""`genre-batch export-onnx`."""

from __future__ import annotations

import click

from genre_batch.cli.console import (
    figures_table,
    note,
    print_tables,
    progress_option,
    steps_progress,
)
from genre_batch.cli.options import force_option, output_option

__all__ = ["export_onnx"]


@click.command(short_help="Export a training run as one ONNX file.")
@click.argument("run", metavar="RUN_DIR")
@output_option("MODEL.onnx", "Model file.")
@click.option(
    "--precision",
    type=click.Choice(["int8", "fp32"]),
    default="int8",
    show_default=True,
    help="int8: weights and embeddings in 8 bits; fp32: the checkpoint's 32-bit floats.",
)
@click.option(
    "--max-loss",
    type=float,
    default=0.5,
    show_default=True,
    metavar="POINTS",
    help="Write nothing if the model loses more macro-F1 than this, in points (hundredths), on the "
    "dev part at the same cross-fitted thresholds, and the 95 % interval of the loss excludes 0.",
)
@force_option
@progress_option
def export_onnx(
    run: str, output: str, precision: str, max_loss: float, force: bool, progress: bool | None
) -> None:
    """Export the training run in RUN_DIR as one self-contained ONNX file.

    The file contains labels, thresholds, tokenizer and provenance. It is compared with the
    checkpoint on the dev part, and its thresholds are tuned on its own probabilities.
    """
    from genre_batch.extras import require_extra
    from genre_batch.path_checks import check_input_folder

    check_input_folder(run)
    require_extra("genre-batch export-onnx", "train")

    from genre_batch.exporting.export import ExportJob
    from genre_batch.exporting.export import export_onnx as run_export

    job = ExportJob(run, output, precision, max_loss, force)
    with steps_progress(progress) as advance:
        result = run_export(job, advance)
    print_tables(figures_table(result.metrics, result.row_name))
    losses = result.metrics["export"]
    note(
        f"macro-F1 lost against the checkpoint, in points: {result.loss_points:+.2f} "
        f"({result.loss_interval[0]:+.2f} to {result.loss_interval[1]:+.2f}) on dev at "
        f"cross-fitted thresholds; {losses['macro_f1_loss_points_development_and_test']:+.2f} on "
        f"dev and test at the checkpoint's thresholds, which were fitted on dev; mean difference "
        f"of probabilities {losses['mean_probability_difference']:.4f}"
    )
    note(f"{output}: {result.size / 1e6:.1f} MB: next, genre-batch tag CATALOG -m {output}")

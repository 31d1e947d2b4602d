"""The recipe, arguments and job that benchmarks which train students share."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from benchmarks.common.arguments import benchmark_parser
from genre_batch.errors import GenreBatchError
from genre_batch.runs.folder import RunFolder
from genre_batch.training.encoder.base_model import MINILM
from genre_batch.training.options import TrainingOptions, TrainJob
from genre_batch.training.run import train

RECIPE = TrainingOptions().changed(averaging=0.999, masking=0.05, teacher_weight=0.8)


def student_parser(doc: str, epochs: int) -> argparse.ArgumentParser:
    """Return a parser of the arguments that all of them take.

    Args:
        doc: the script's docstring.
        epochs: the default of `--epochs`.
    """
    parser = benchmark_parser(doc, catalog=True, results=True)
    parser.add_argument("--split", required=True)
    parser.add_argument("--extra", required=True)
    parser.add_argument("--teacher", required=True, type=Path, action="append")
    parser.add_argument("--runs", required=True, type=Path)
    parser.add_argument("--epochs", type=int, default=epochs)
    return parser


def standard_job(options: argparse.Namespace) -> TrainJob:
    """Return the job of the recipe for `--epochs` epochs, without a folder."""
    return TrainJob(
        options.catalog,
        Path(),
        base_model=MINILM,
        options=RECIPE.changed(epochs=options.epochs),
        with_title=True,
        split=options.split,
        extra_train=options.extra,
        teachers=tuple(options.teacher),
    )


def run(job: TrainJob) -> RunFolder:
    """Train, unless a finished run is there, and return the run folder.

    Raises:
        SystemExit: training failed, or the folder holds a run of another recipe.
    """

    folder = Path(job.folder)

    def show(done: int, total: int, what: str) -> None:
        if total and done % 100 == 0:
            print(f"\r{folder.name}: {what} {done:,} of {total:,}   ", end="", flush=True)

    try:
        train(replace(job, resume=folder.exists()), show)
    except GenreBatchError as error:
        raise SystemExit(str(error).replace("another `folder`", "another --runs")) from error
    print(f"\r{folder.name}: done{'':40}")
    return RunFolder(folder)

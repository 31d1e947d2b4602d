"""What the benchmarks that train students share: recipe, arguments, job."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from genre_batch.catalog.formats import input_location
from genre_batch.errors import GenreBatchError
from genre_batch.training.encoder.base_model import MINILM
from genre_batch.training.options import FineTuneOptions
from genre_batch.training.run import TrainJob, train
from genre_batch.training.run_folder import RunFolder

RECIPE = FineTuneOptions(averaging=0.999, masking=0.05, teacher_weight=0.8)


def parser_for(description: str, epochs: int) -> argparse.ArgumentParser:
    """The arguments that all of them take.

    Args:
        description: of the benchmark.
        epochs: the default of `--epochs`.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("catalog")
    parser.add_argument("--split", required=True)
    parser.add_argument("--extra", required=True)
    parser.add_argument("--teacher", required=True, type=Path, action="append")
    parser.add_argument("--runs", required=True, type=Path)
    parser.add_argument("--epochs", type=int, default=epochs)
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/results"))
    return parser


def standard_job(given: argparse.Namespace) -> TrainJob:
    """The recipe for so many epochs; its folder is for the caller to name."""
    return TrainJob(
        input_location(given.catalog),
        Path(),
        base_model=MINILM,
        options=replace(RECIPE, epochs=given.epochs),
        with_title=True,
        split=input_location(given.split),
        extra_train=input_location(given.extra),
        teachers=tuple(given.teacher),
    )


def run(job: TrainJob) -> RunFolder:
    """The run's folder, finished now or before; one of another recipe ends the benchmark."""

    def told(done: int, total: int, what: str) -> None:
        if total and done % 100 == 0:
            print(f"\r{job.folder.name}: {what} {done:,} of {total:,}   ", end="", flush=True)

    try:
        train(replace(job, resume=job.folder.exists()), told)
    except GenreBatchError as error:
        raise SystemExit(str(error).replace("another -o", "another --runs")) from error
    print(f"\r{job.folder.name}: done{'':40}")
    return RunFolder(job.folder)

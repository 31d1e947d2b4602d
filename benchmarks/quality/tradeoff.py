"""Compare smaller students: fewer layers, or narrower feed-forward networks.

    python -m benchmarks.quality.tradeoff CATALOG --split FILE --extra FILE --teacher RUN
        --runs FOLDER [--epochs 3] [--only NAME ...] [--rounds 7] [-o docs/results]

Trains each student by the same short recipe, exports it to 8 bits, scores the exported file on
`dev`, on which the shape is chosen, and on `test`, and times it on the films of `dev`, all files in
turn, so that other load affects all of them alike. The first student takes a quarter of an hour on
four cores, smaller ones less. Runs and exports are kept in FOLDER and reused when the command is
repeated. Writes tradeoff.json and, made from it, tradeoff.md.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.common.results import gain_cell, score_cell, table_row, write_results
from benchmarks.quality.students import run, standard_job, student_parser
from genre_batch import GenreTagger
from genre_batch.dataset.dataset import Dataset, read_dataset
from genre_batch.evaluation.metrics import macro_f1_gain, score_predictions
from genre_batch.exporting.export import ExportJob, export_onnx
from genre_batch.runs.folder import RunFolder
from genre_batch.thresholds.cross_fit import cross_fitted
from genre_batch.thresholds.methods import METHODS
from genre_batch.training.options import TrainJob

WHOLE = "whole"
STUDENTS: dict[str, dict[str, Any]] = {
    WHOLE: {},
    "ffn-768": {"ffn_width": 768},
    "layers-4": {"layers": 4},
    "layers-3": {"layers": 3},
    "layers-2": {"layers": 2},
}
"""Student -> changed fields of the training options."""

MARGIN = 1.0
"""The most points of macro-F1 that a faster model may lose."""


def load_student(job: TrainJob) -> GenreTagger:
    """Train and export the student, unless that is done, and load its 8-bit file.

    The loss by quantization is not limited: the table shows the scores after it.
    """
    folder = run(job)
    file = Path(job.folder).with_suffix(".onnx")
    if not file.exists() or file.stat().st_mtime < folder.weights.stat().st_mtime:
        export_onnx(ExportJob(folder.path, file, max_loss=100, force=True))
    return GenreTagger.load(str(file))


def timed(taggers: dict[str, GenreTagger], texts: list[str], rounds: int) -> dict[str, list[float]]:
    """Return the films/s of each tagger, in each round."""
    rates: dict[str, list[float]] = {name: [] for name in taggers}
    for _ in range(rounds):
        for name, tagger in taggers.items():
            started = time.perf_counter()
            tagger.predict_proba(texts)
            rates[name].append(round(len(texts) / (time.perf_counter() - started), 1))
    return rates


def scored(
    tagger: GenreTagger, dataset: Dataset
) -> tuple[dict[str, Any], dict[str, npt.NDArray[np.bool_]]]:
    """Return the scores on each part, and the genres predicted there, (films, genres).

    Thresholds are the file's own, found on `dev`; the scores on `dev` use cross-fitted ones.
    """
    figures, predicted = {}, {}
    for part in ("dev", "test"):
        films = dataset.part(part)
        probabilities = tagger.predict_proba(films.texts)
        thresholds = np.asarray(tagger.thresholds, dtype=np.float64)
        if part == "dev":
            method = METHODS[tagger.metadata.provenance["thresholds"]]
            thresholds = cross_fitted(method, probabilities, films.labels, seed=0)
        scores = score_predictions(films.labels, probabilities, thresholds, films.names)
        figures[part] = scores.as_dict()
        predicted[part] = probabilities >= thresholds
    return figures, predicted


def measure(jobs: dict[str, TrainJob], rounds: int) -> list[dict[str, Any]]:
    """Return a row for each student, with its gain over the first."""
    taggers = {name: load_student(job) for name, job in jobs.items()}
    dataset = read_dataset(RunFolder(Path(jobs[WHOLE].folder)).splits)
    results = {name: scored(tagger, dataset) for name, tagger in taggers.items()}
    rates = timed(taggers, dataset.part("dev").texts, rounds)
    rows = []
    for name, (figures, predicted) in results.items():
        layers, _, _, width = taggers[name].metadata.provenance["shape"]
        row: dict[str, Any] = {
            "name": name,
            "layers": layers,
            "ffn_width": width,
            "bytes": Path(jobs[name].folder).with_suffix(".onnx").stat().st_size,
            "films_per_second": float(np.median(rates[name])),
            "films_per_second_of_rounds": rates[name],
            "export": taggers[name].metadata.metrics["export"],
        }
        for part, scores in figures.items():
            labels = dataset.part(part).labels
            gain = macro_f1_gain(labels, predicted[part], results[WHOLE][1][part])
            row[part] = scores | {
                "gain_points": round(gain.points, 2),
                "gain_interval": [round(end, 2) for end in gain.interval],
            }
        rows.append(row)
    return rows


def chosen(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the fastest student whose interval on `dev` excludes a loss over `MARGIN` points."""
    eligible = [row for row in rows if row["dev"]["gain_interval"][0] >= -MARGIN]
    return max(eligible, key=lambda row: float(row["films_per_second"]))


def _shape(row: dict[str, Any]) -> str:
    return f"{row['layers']} layers, feed-forward {row['ffn_width']:,}"


def markdown(result: dict[str, Any]) -> str:
    """Return the page, made from the JSON file alone."""
    rows = result["rows"]
    whole = rows[0]
    lines = [
        "# Smaller students: quality and speed",
        "",
        f"MiniLM-L6, whole and pruned, each trained by the same recipe for {result['epochs']} "
        "epochs and exported to 8 bits. The shipped model was trained for longer and on more texts "
        "([quality.md](quality.md)): these students are below it at any size, and only the "
        "differences between them count.",
        "",
        f"Films/s: `predict_proba` on the {whole['dev']['films']:,} films of `dev`, median of "
        f"{result['rounds']} rounds with all files in turn, {result['cores']} cores. Gains: "
        "points of macro-F1 over the first row. Brackets: 95 %, bootstrap over films, paired for "
        "gains, without the spread between seeds. Thresholds are found on `dev`; scores on `dev` "
        "are cross-fitted. Nothing is chosen on `test`.",
        "",
        "| student | MB | films/s | speed-up | dev: macro-F1 | gain | mAP "
        "| test: macro-F1 | gain | mAP |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        rate = row["films_per_second"]
        cells = [
            _shape(row),
            f"{row['bytes'] / 1e6:.1f}",
            f"{rate:,.0f}",
            f"{rate / whole['films_per_second']:.2f}",
        ]
        for part in ("dev", "test"):
            scores = row[part]
            gain = "" if row is whole else gain_cell(scores)
            cells += [score_cell(scores, "macro_f1"), gain, score_cell(scores, "map")]
        lines.append(table_row(cells))
    lines += [
        "",
        "Rule for the shipped model: the fastest shape whose whole interval on `dev` stays within "
        f"a loss of {MARGIN:g} point of macro-F1: {_shape(chosen(rows))}.",
    ]
    return "\n".join([*lines, ""])


def main() -> None:
    """Train, export, measure and write the results."""
    parser = student_parser(__doc__, epochs=3)
    parser.add_argument("--only", nargs="+", choices=STUDENTS, default=list(STUDENTS))
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    standard = standard_job(arguments)
    jobs = {
        name: replace(
            standard,
            folder=arguments.runs / name,
            options=standard.options.changed(**STUDENTS[name]),
        )
        for name in dict.fromkeys([WHOLE, *arguments.only])
    }
    arguments.runs.mkdir(parents=True, exist_ok=True)
    result = {
        "epochs": arguments.epochs,
        "rounds": arguments.rounds,
        "cores": len(os.sched_getaffinity(0)),
        "rows": measure(jobs, arguments.rounds),
    }
    write_results(arguments.output, "tradeoff", result, markdown)


if __name__ == "__main__":
    main()

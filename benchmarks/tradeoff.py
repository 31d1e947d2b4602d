"""Quality against speed: students with fewer layers, or with narrower feed-forward networks.

    python benchmarks/tradeoff.py CATALOG --split FILE --extra FILE --teacher RUN --runs FOLDER
        [--epochs 3] [--only NAME ...] [--rounds 7] [-o docs/results]

Trains each student by the same short recipe, exports it to 8 bits, scores the exported file on
`dev`, which chooses, and on `test`, which does not, and times it on the films of `dev`, all files
in turn, so that whatever else the machine does meets all of them. The first student takes a quarter
of an hour on four cores, smaller ones less. Runs and exports lie in FOLDER and are taken from there
when the command is typed again. Writes tradeoff.json and, made from it, tradeoff.md.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from results import write_results
from students import parser_for, run, standard_job

from genre_batch import GenreTagger
from genre_batch.dataset.dataset import Dataset, read_dataset
from genre_batch.evaluation.metrics import macro_f1_gain, score_predictions
from genre_batch.exporting.export import ExportJob, export_onnx
from genre_batch.thresholds.cross_fit import cross_fitted
from genre_batch.thresholds.methods import METHODS
from genre_batch.training.run import TrainJob
from genre_batch.training.run_folder import RunFolder

WHOLE = "whole"
STUDENTS: dict[str, dict[str, Any]] = {
    WHOLE: {},
    "ffn-768": {"ffn_width": 768},
    "layers-4": {"layers": 4},
    "layers-3": {"layers": 3},
    "layers-2": {"layers": 2},
}
"""Changed fields of the fine-tuning options."""

MARGIN = 1.0
"""Points of macro-F1 that a faster model may cost at most."""


def exported(job: TrainJob) -> GenreTagger:
    """The student's 8-bit file, trained and made now or before.

    However much 8 bits lose: the table shows what is left.
    """
    folder = run(job)
    file = job.folder.with_suffix(".onnx")
    if not file.exists() or file.stat().st_mtime < folder.weights.stat().st_mtime:
        export_onnx(ExportJob(folder.path, file, max_loss=float("inf"), force=True))
    return GenreTagger.load(str(file))


def timed(taggers: dict[str, GenreTagger], texts: list[str], rounds: int) -> dict[str, list[float]]:
    """Films a second of each tagger, in each round."""
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
    """Figures on each part, and which genres were predicted there, (films, genres).

    Thresholds are the file's own, found on `dev`; there, so that nothing is judged by what was
    fitted to it, each half's are found on the other half.
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
    """A row for each student, against the first."""
    taggers = {name: exported(job) for name, job in jobs.items()}
    dataset = read_dataset(RunFolder(jobs[WHOLE].folder).splits)
    found = {name: scored(tagger, dataset) for name, tagger in taggers.items()}
    rates = timed(taggers, dataset.part("dev").texts, rounds)
    rows = []
    for name, (figures, predicted) in found.items():
        layers, _, _, width = taggers[name].metadata.provenance["shape"]
        row: dict[str, Any] = {
            "name": name,
            "layers": layers,
            "ffn_width": width,
            "bytes": jobs[name].folder.with_suffix(".onnx").stat().st_size,
            "films_per_second": float(np.median(rates[name])),
            "films_per_second_of_rounds": rates[name],
            "export": taggers[name].metadata.metrics["export"],
        }
        for part, scores in figures.items():
            labels = dataset.part(part).labels
            gain = macro_f1_gain(labels, predicted[part], found[WHOLE][1][part])
            row[part] = scores | {
                "gain_points": round(gain.points, 2),
                "gain_interval": [round(end, 2) for end in gain.interval],
            }
        rows.append(row)
    return rows


def chosen(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The fastest of those that cost, by the whole interval on `dev`, at most `MARGIN` points."""
    good = [row for row in rows if row["dev"]["gain_interval"][0] >= -MARGIN]
    return max(good, key=lambda row: float(row["films_per_second"]))


def _said(row: dict[str, Any]) -> str:
    return f"{row['layers']} layers, feed-forward {row['ffn_width']:,}"


def markdown(result: dict[str, Any]) -> str:
    """The table, made from the JSON alone."""
    rows = result["rows"]
    whole = rows[0]
    lines = [
        "# Smaller students: quality against speed",
        "",
        f"MiniLM-L6, whole and in part, each taught by the same recipe in {result['epochs']} "
        "epochs and exported to 8 bits. The shipped model learnt for longer and from more texts "
        "([quality.md](quality.md)): the absolute quality of these students is below its own, "
        "whatever their size, and only the differences between them count.",
        "",
        f"Films/s: `predict_proba` on the {whole['dev']['films']:,} films of `dev`, median of "
        f"{result['rounds']} rounds with all files in turn, {result['cores']} cores. Gains: "
        "points of macro-F1 over the first row. Brackets: 95 %, bootstrap over films, paired for "
        "gains; the spread between seeds is not in them. Thresholds are found on `dev`, for "
        "`dev` on its other half; `test` chose nothing.",
        "",
        "| student | MB | films/s | times | dev: macro-F1 | gain | mAP "
        "| test: macro-F1 | gain | mAP |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        rate = row["films_per_second"]
        cells = [
            _said(row),
            f"{row['bytes'] / 1e6:.1f}",
            f"{rate:,.0f}",
            f"{rate / whole['films_per_second']:.2f}",
        ]
        for part in ("dev", "test"):
            scores = row[part]
            gain = "" if row is whole else "{:+.1f} ({:+.1f} to {:+.1f})"
            cells += [
                "{:.3f} ({:.3f}-{:.3f})".format(scores["macro_f1"], *scores["macro_f1_interval"]),
                gain.format(scores["gain_points"], *scores["gain_interval"]),
                "{:.3f} ({:.3f}-{:.3f})".format(scores["map"], *scores["map_interval"]),
            ]
        lines.append(f"| {' | '.join(cells)} |")
    lines += [
        "",
        "The shipped model's shape is to be the fastest that costs, by the whole interval on "
        f"`dev`, at most {MARGIN:g} point of macro-F1: {_said(chosen(rows))}.",
    ]
    return "\n".join([*lines, ""])


def main() -> None:
    """Trains, exports, measures, writes."""
    parser = parser_for(__doc__.splitlines()[0], epochs=3)
    parser.add_argument("--only", nargs="+", choices=STUDENTS, default=list(STUDENTS))
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    standard = standard_job(given)
    jobs = {
        name: replace(
            standard,
            folder=given.runs / name,
            options=replace(standard.options, **STUDENTS[name]),
        )
        for name in dict.fromkeys([WHOLE, *given.only])
    }
    given.runs.mkdir(parents=True, exist_ok=True)
    result = {
        "epochs": given.epochs,
        "rounds": given.rounds,
        "cores": len(os.sched_getaffinity(0)),
        "rows": measure(jobs, given.rounds),
    }
    write_results(given.output, "tradeoff", result, markdown)


if __name__ == "__main__":
    main()

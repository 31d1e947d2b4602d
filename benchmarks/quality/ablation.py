"""Measure the contribution of each ingredient of training.

    python -m benchmarks.quality.ablation CATALOG --split FILE --extra FILE --teacher RUN
        --runs FOLDER [--align-to ENCODER] [--epochs 3] [--only NAME ...] [-o docs/results]

Trains the recipe and its variations, one change at a time, for the same number of epochs (a quarter
of an hour each on four cores). Thresholds are tuned on `dev`; scores are of `test`, on which
nothing is chosen, and of the part `test` of the further films. Runs are kept in FOLDER and reused
when the command is repeated. Writes ablation.json and, made from it, ablation.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.common.results import gain_cell, table_row, write_results
from benchmarks.quality.students import run, standard_job, student_parser
from genre_batch.catalog.formats import input_location
from genre_batch.dataset.dataset import Dataset, read_dataset
from genre_batch.dataset.extra_rows import load_extra
from genre_batch.evaluation.metrics import macro_f1_gain, score_predictions
from genre_batch.runs.folder import RunFolder
from genre_batch.training.encoder.base_model import load_checkpoint
from genre_batch.training.encoder.inference import predict
from genre_batch.training.options import TrainJob


@dataclass(frozen=True)
class Variation:
    """One change to the recipe.

    Attributes:
        description: of the change, for the table.
        options: changed fields of the training options.
        job: changed fields of the job.
    """

    description: str
    options: dict[str, Any] = field(default_factory=dict)
    job: dict[str, Any] = field(default_factory=dict)


VARIATIONS = {
    "recipe": Variation("the recipe"),
    "seed-1": Variation("another seed", {"seed": 1}),
    "no-teacher": Variation("without the teacher", {}, {"teachers": ()}),
    "teacher-alone": Variation("teacher only, no labels", {"teacher_weight": 1.0}),
    "recombined": Variation("with sentence mixing, one mixed text per film", {"recombined": 1.0}),
    "aligned": Variation("with embedding distillation first"),
    "no-extra": Variation("without the further films", {}, {"extra_train": None}),
    "no-title": Variation("without titles", {}, {"with_title": False}),
    "no-masking": Variation("without masking", {"masking": 0.0}),
    "no-averaging": Variation("without EMA of the weights", {"averaging": 0.0}),
    "layer-decay": Variation("layer-wise learning rates, decay 0.9", {"layer_decay": 0.9}),
    "rare": Variation("rare genres sampled more often", {"sampling": "rare"}),
    "focal": Variation("focal loss for the labels", {"loss": "focal"}),
    "asymmetric": Variation("asymmetric loss for the labels", {"loss": "asymmetric"}),
    "class-balanced": Variation("class-balanced loss for the labels", {"loss": "class-balanced"}),
    "first-token": Variation("head on the first token", {"pooling": "first"}),
}


def films_per_second(folder: RunFolder) -> float:
    """Return the training speed, the median over epochs."""
    lines = folder.log.read_text(encoding="utf-8").splitlines()
    return float(np.median([json.loads(line)["films_per_second"] for line in lines]))


def predictions(
    folder: RunFolder, films: Dataset, title: bool
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float64]]:
    """Return (films, genres) probabilities, and the thresholds tuned on the run's part `dev`."""
    model, tokenizer = load_checkpoint(folder.path)
    options = folder.read_json(folder.provenance)["options"]
    texts = films.texts if title else films.bare_texts
    thresholds = folder.read_json(folder.thresholds)["thresholds"]
    return (
        predict(model, tokenizer, texts, options["max_length"]),
        np.array([thresholds[name] for name in films.names]),
    )


def measure(
    jobs: dict[str, TrainJob], variations: Mapping[str, Variation], extra: str
) -> list[dict[str, Any]]:
    """Return a row for each variation, with its gain over the first.

    Args:
        jobs: by the name of their variation.
        variations: by name.
        extra: the further catalog, whose part `test` is scored too.
    """
    rows: list[dict[str, Any]] = []
    reference: npt.NDArray[np.bool_] | None = None
    for name, job in jobs.items():
        folder = run(job)
        dataset = read_dataset(folder.splits)
        row: dict[str, Any] = {
            "name": name,
            "says": variations[name].description,
            "epochs": job.options.optimization.epochs,
            "seed": job.options.seed,
            "training_films_per_second": films_per_second(folder),
        }
        others = load_extra(input_location(extra), dataset, "test")
        for part, films in (("test", dataset.part("test")), ("others", others)):
            probabilities, thresholds = predictions(folder, films, job.with_title)
            scores = score_predictions(films.labels, probabilities, thresholds, films.names)
            row[part] = {key: value for key, value in scores.as_dict().items() if key != "f1"}
            if part == "test":
                predicted = probabilities >= thresholds
                if reference is None:
                    reference = predicted
                gain = macro_f1_gain(films.labels, predicted, reference)
                row["gain_points"] = round(gain.points, 2)
                row["gain_interval"] = [round(end, 2) for end in gain.interval]
        rows.append(row)
    return rows


def markdown(result: dict[str, Any]) -> str:
    """Return the page, made from the JSON file alone."""
    names = {row["name"] for row in result["rows"]}
    lines = [
        "# The contribution of each ingredient",
        "",
        f"One change at a time to one recipe, float32, epochs: {result['epochs']}. The shipped "
        "model of generation 1 was trained by this recipe for 5 epochs, with `--align-to` and one "
        "mixed text per film. Thresholds are tuned on `dev`. `test`: "
        f"{result['rows'][0]['test']['films']} films; others: "
        f"{result['rows'][0]['others']['films']:,} films of other snapshots. Gains in points of "
        "macro-F1 on `test` over the recipe, 95 % intervals of a paired bootstrap over films, "
        "which does not include the spread between seeds"
        + (": the row `another seed` shows some of it." if "seed-1" in names else "."),
        "",
        *ablation_table(result["rows"]),
    ]
    return "\n".join([*lines, ""])


def ablation_table(rows: list[dict[str, Any]]) -> list[str]:
    """Return the lines of a table of the rows of `measure`."""
    lines = [
        "| recipe | macro-F1 | micro-F1 | mAP | gain | others: macro-F1 | micro-F1 | mAP |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        test, others = row["test"], row["others"]
        own, other = (
            [f"{scores[name]:.3f}" for name in ("macro_f1", "micro_f1", "map")]
            for scores in (test, others)
        )
        lines.append(table_row([row["says"], *own, gain_cell(row), *other]))
    return lines


def main() -> None:
    """Train, measure and write the results."""
    parser = student_parser(__doc__, epochs=3)
    parser.add_argument("--only", nargs="+", choices=VARIATIONS)
    parser.add_argument("--align-to", help="an encoder, for the variation `aligned`")
    options = parser.parse_args()
    if options.align_to is None and "aligned" in (options.only or ()):
        parser.error("the variation aligned needs --align-to")
    wanted = options.only or [name for name in VARIATIONS if name != "aligned" or options.align_to]
    standard = standard_job(options)
    jobs = {}
    for name in dict.fromkeys(["recipe", *wanted]):
        variation = VARIATIONS[name]
        if name == "aligned":
            variation = replace(variation, job={"align_to": options.align_to})
        jobs[name] = replace(
            standard,
            folder=options.runs / name,
            options=standard.options.changed(**variation.options),
            **variation.job,
        )
    options.runs.mkdir(parents=True, exist_ok=True)
    rows = measure(jobs, VARIATIONS, options.extra)
    write_results(options.output, "ablation", {"epochs": options.epochs, "rows": rows}, markdown)


if __name__ == "__main__":
    main()

"""What each ingredient of training is worth.

    python benchmarks/ablation.py CATALOG --split FILE --extra FILE --teacher RUN --runs FOLDER
        [--align-to ENCODER] [--epochs 3] [--only NAME ...] [-o docs/results]

Trains the recipe and, one change at a time, its variations, each for the same number of epochs (a
quarter of an hour each on four cores), all with thresholds tuned on `dev` and scored on `test`,
which chooses nothing, and on the part `test` of the further films. Runs lie in FOLDER and are taken
from there when the command is typed again. Writes ablation.json and, made from it, ablation.md.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from results import write_results
from students import parser_for, run, standard_job

from genre_batch.catalog.formats import input_location
from genre_batch.dataset.dataset import Dataset, read_dataset
from genre_batch.dataset.load import load_extra
from genre_batch.evaluation.metrics import macro_f1_gain, score_predictions
from genre_batch.training.encoder.base_model import load_checkpoint
from genre_batch.training.encoder.inference import predict
from genre_batch.training.run import TrainJob
from genre_batch.training.run_folder import RunFolder


@dataclass(frozen=True)
class Variation:
    """One change to the recipe.

    Attributes:
        says: what is changed, for the table.
        options: changed fields of the fine-tuning options.
        job: changed fields of the job.
    """

    says: str
    options: dict[str, Any] = field(default_factory=dict)
    job: dict[str, Any] = field(default_factory=dict)


VARIATIONS = {
    "recipe": Variation("the recipe"),
    "seed-1": Variation("another seed", {"seed": 1}),
    "no-teacher": Variation("without the teacher", {}, {"teachers": ()}),
    "teacher-alone": Variation("the teacher alone, no labels", {"teacher_weight": 1.0}),
    "recombined": Variation("and as many texts of sentences of two films", {"recombined": 1.0}),
    "aligned": Variation("and aligned to another encoder first"),
    "no-extra": Variation("without the further films", {}, {"extra_train": None}),
    "no-title": Variation("without titles", {}, {"with_title": False}),
    "no-masking": Variation("without masking", {"masking": 0.0}),
    "no-averaging": Variation("without averaging the weights", {"averaging": 0.0}),
    "layer-decay": Variation("layer-wise rates, 0.9", {"layer_decay": 0.9}),
    "rare": Variation("rare genres drawn more often", {"sampling": "rare"}),
    "focal": Variation("focal loss for the labels", {"loss": "focal"}),
    "asymmetric": Variation("asymmetric loss for the labels", {"loss": "asymmetric"}),
    "class-balanced": Variation("class-balanced loss for the labels", {"loss": "class-balanced"}),
    "first-token": Variation("head on the first token", {"pooling": "first"}),
}


def films_per_second(folder: RunFolder) -> float:
    """Of training, the median over epochs."""
    lines = folder.log.read_text(encoding="utf-8").splitlines()
    return float(np.median([json.loads(line)["films_per_second"] for line in lines]))


def predictions(
    folder: RunFolder, films: Dataset, title: bool
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float64]]:
    """(films, genres) probabilities, and the thresholds tuned on the run's development part."""
    model, tokenizer = load_checkpoint(folder.path)
    options = folder.read_json(folder.provenance)["options"]
    texts = films.texts if title else films.bare_texts
    thresholds = folder.read_json(folder.thresholds)["thresholds"]
    return (
        predict(model, tokenizer, texts, options["max_length"]),
        np.array([thresholds[name] for name in films.names]),
    )


def measure(jobs: dict[str, TrainJob], extra: str) -> list[dict[str, Any]]:
    """A row for each variation, against the first."""
    rows: list[dict[str, Any]] = []
    reference: npt.NDArray[np.bool_] | None = None
    for name, job in jobs.items():
        folder = run(job)
        dataset = read_dataset(folder.splits)
        row: dict[str, Any] = {
            "name": name,
            "says": VARIATIONS[name].says,
            "epochs": job.options.epochs,
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
    """The table, made from the JSON alone."""
    names = {row["name"] for row in result["rows"]}
    lines = [
        "# What each ingredient is worth",
        "",
        f"One change at a time to one recipe, float32, epochs: {result['epochs']}. The shipped "
        "model has it with 5 epochs, with `--align-to` and with as many recombined texts as films. "
        "Thresholds are tuned on `dev`. `test`: "
        f"{result['rows'][0]['test']['films']} films; others: "
        f"{result['rows'][0]['others']['films']:,} films of other snapshots. Gains in points of "
        "macro-F1 on `test` over the recipe, 95 % intervals of a paired bootstrap over films, "
        "which knows nothing of the spread between seeds"
        + (": another seed shows some of that." if "seed-1" in names else "."),
        "",
        "| what | macro-F1 | micro-F1 | mAP | gain | others: macro-F1 | micro-F1 | mAP |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in result["rows"]:
        test, others = row["test"], row["others"]
        low, high = row["gain_interval"]
        lines.append(
            f"| {row['says']} | {test['macro_f1']:.3f} | {test['micro_f1']:.3f} "
            f"| {test['map']:.3f} | {row['gain_points']:+.1f} ({low:+.1f} to {high:+.1f}) "
            f"| {others['macro_f1']:.3f} | {others['micro_f1']:.3f} | {others['map']:.3f} |"
        )
    return "\n".join([*lines, ""])


def main() -> None:
    """Trains, measures, writes."""
    parser = parser_for(__doc__.splitlines()[0], epochs=3)
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
            options=replace(standard.options, **variation.options),
            **variation.job,
        )
    options.runs.mkdir(parents=True, exist_ok=True)
    rows = measure(jobs, options.extra)
    write_results(options.output, "ablation", {"epochs": options.epochs, "rows": rows}, markdown)


if __name__ == "__main__":
    main()

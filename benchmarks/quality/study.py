"""Search training options within a bounded number of trials.

    pip install optuna
    python -m benchmarks.quality.study CATALOG --split FILE --extra FILE --teacher RUN --runs FOLDER
        [--trials 12] [--epochs 2] [--share 0.33] [-o docs/results]

Each trial fine-tunes for a few epochs on a share of the training films, the same one for all; its
objective is the mean average precision on `dev`; `test` is not read. The first trial is the recipe
of students.py; the others are chosen by optuna's tree-structured Parzen estimator with a fixed
seed. Trials are kept in FOLDER: the same command resumes an interrupted search. Writes study.json
and, made from it, study.md. A trial takes some minutes on four cores.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import optuna

from benchmarks.common.results import table_row, write_results
from benchmarks.quality.students import RECIPE, student_parser
from genre_batch.catalog.formats import input_location
from genre_batch.catalog.options import ColumnOptions
from genre_batch.dataset.dataset import Dataset, concatenate
from genre_batch.dataset.extra_rows import load_extra
from genre_batch.dataset.load import load_dataset
from genre_batch.evaluation.metrics import mean_average_precision
from genre_batch.options import flat_values
from genre_batch.progress import no_step_progress
from genre_batch.runs.folder import RunFolder
from genre_batch.training.distillation.teachers import (
    Targets,
    load_teacher,
    teacher_predictions,
)
from genre_batch.training.encoder.base_model import MINILM, load_base_model
from genre_batch.training.encoder.inference import predict
from genre_batch.training.loop.trainer import fine_tune
from genre_batch.training.options import TrainingOptions

SEARCHED = (
    "learning_rate",
    "head_multiplier",
    "layer_decay",
    "averaging",
    "masking",
    "teacher_weight",
    "title_dropout",
    "sampling",
)
FIRST = {
    name: 1.5e-4 if name == "learning_rate" else flat_values(RECIPE)[name] for name in SEARCHED
}


def suggested(trial: optuna.Trial, epochs: int) -> TrainingOptions:
    """Return the options of a trial, a point of the search space."""
    return RECIPE.changed(
        epochs=epochs,
        learning_rate=trial.suggest_float("learning_rate", 5e-5, 4e-4, log=True),
        head_multiplier=trial.suggest_float("head_multiplier", 1, 30, log=True),
        layer_decay=trial.suggest_float("layer_decay", 0.75, 1.0),
        averaging=trial.suggest_categorical("averaging", [0.0, 0.99, 0.997, 0.999]),
        masking=trial.suggest_float("masking", 0.0, 0.2),
        teacher_weight=trial.suggest_float("teacher_weight", 0.5, 1.0),
        title_dropout=trial.suggest_float("title_dropout", 0.1, 0.5),
        sampling=trial.suggest_categorical("sampling", ["uniform", "rare"]),
    )


def objective_value(
    options: TrainingOptions,
    films: Dataset,
    targets: Targets,
    development: Dataset,
    folder: Path,
) -> float:
    """Return the mean average precision on dev after a short training."""
    folder.mkdir(parents=True, exist_ok=True)
    model, tokenizer = load_base_model(MINILM, films.names, options.model, options.seed)
    run = RunFolder(folder)
    fine_tune(model, tokenizer, films, development, options, run, targets=targets, resume=True)
    probabilities = predict(model, tokenizer, development.texts, options.model.max_length)
    return mean_average_precision(development.labels, probabilities)


def markdown(result: dict[str, Any]) -> str:
    """Return the page, made from the JSON file alone."""
    rows = sorted(result["trials"], key=lambda row: -float(row["map"]))
    lines = [
        "# A bounded search of training options",
        "",
        f"{len(rows)} trials (epochs: {result['epochs']}) on {result['films']:,} of the "
        f"training films, evaluated on `dev` (mean average precision, {result['development']:,} "
        "films); `test` was not read. Trial 0 is the recipe that the search started from. Short "
        "trainings favor high learning rates and a short EMA, so the table is only a guide.",
        "",
        f"| trial | mAP on dev | {' | '.join(name.replace('_', ' ') for name in SEARCHED)} |",
        "|---|---|" + "---|" * len(SEARCHED),
    ]
    for row in rows:
        cells = [
            value if isinstance(value, str) else f"{value:.3g}"
            for value in (row["options"][name] for name in SEARCHED)
        ]
        lines.append(table_row([str(row["trial"]), f"{row['map']:.4f}", *cells]))
    return "\n".join([*lines, ""])


def main() -> None:
    """Search and write the results."""
    parser = student_parser(__doc__, epochs=2)
    parser.add_argument("--trials", type=int, default=12)
    parser.add_argument("--share", type=float, default=0.33)
    arguments = parser.parse_args()
    dataset = load_dataset(
        input_location(str(arguments.catalog)),
        ColumnOptions(),
        with_title=True,
        split_file=input_location(arguments.split),
    )
    extra = load_extra(input_location(arguments.extra), dataset)
    training, development = concatenate(dataset.part("train"), extra), dataset.part("dev")
    arguments.runs.mkdir(parents=True, exist_ok=True)
    targets = teacher_predictions(
        [load_teacher(teacher, dataset) for teacher in arguments.teacher],
        training,
        RunFolder(arguments.runs),
        no_step_progress,
        bare=True,
    )
    selected = np.random.default_rng(0).random(len(training)) < arguments.share
    films, targets = training.take(np.flatnonzero(selected).tolist()), targets[:, selected]
    study = optuna.create_study(
        study_name="student",
        storage=f"sqlite:///{arguments.runs / 'study.sqlite'}",
        sampler=optuna.samplers.TPESampler(seed=0, n_startup_trials=5),
        direction="maximize",
        load_if_exists=True,
    )
    study.enqueue_trial(FIRST, skip_if_exists=True)

    def objective(trial: optuna.Trial) -> float:
        options = suggested(trial, arguments.epochs)
        return objective_value(
            options, films, targets, development, arguments.runs / f"trial-{trial.number}"
        )

    def complete() -> list[optuna.trial.FrozenTrial]:
        states = [optuna.trial.TrialState.COMPLETE]
        trials: list[optuna.trial.FrozenTrial] = study.get_trials(states=states)
        return trials

    study.optimize(objective, n_trials=max(0, arguments.trials - len(complete())))
    result = {
        "epochs": arguments.epochs,
        "films": len(films),
        "development": len(development),
        "recipe": flat_values(RECIPE),
        "trials": [
            {"trial": number, "map": round(trial.values[0], 4), "options": trial.params}
            for number, trial in enumerate(complete())
        ],
    }
    write_results(arguments.output, "study", result, markdown)


if __name__ == "__main__":
    main()

"""Measure the contribution of each source of training data, of soft labels, and of the shape.

    python -m benchmarks.quality.ingredients DATA --split FILE --others FILE --runs FOLDER
        [--teacher MODEL ...] [--epochs 1] [--only NAME ...] [-o docs/results]

DATA is a folder of benchmarks.quality.training_data, FILE of `--others` a catalog whose part
`test` is scored beside the first catalog's. Trains MiniLM on everything, from labels alone, and
then with one change at a time, for the same number of epochs. The teachers know all films, so that
they would hide what a source is worth: they are a variation of their own. Thresholds are tuned on
`dev`; nothing is chosen on `test`. Runs are kept in FOLDER and reused when the command is repeated.
Writes ingredients.json and, made from it, ingredients.md.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.common.arguments import benchmark_parser
from benchmarks.common.results import write_results
from benchmarks.quality.ablation import Variation, ablation_table, measure
from benchmarks.quality.students import RECIPE
from genre_batch.dataset.extra import ExtraTrain
from genre_batch.dataset.wordings import Wordings
from genre_batch.runs.films import training_films
from genre_batch.runs.folder import RunFolder
from genre_batch.training.encoder.base_model import MINILM
from genre_batch.training.options import TrainJob

FILMS = "mymoviedb"
WORDINGS = "wordings"
FURTHER = ("extra", "more", "translated")
_WEIGHTS = {"translated": 0.5}


@dataclass(frozen=True)
class Ingredient(Variation):
    """One change to the recipe.

    Attributes:
        without: catalogs that are left out, with the second wordings of their films.
    """

    without: tuple[str, ...] = ()


INGREDIENTS = {
    "recipe": Ingredient("the recipe: all films, one wording drawn per epoch, labels alone"),
    "seed-1": Ingredient("another seed", {"seed": 1}),
    "teachers": Ingredient("with the teachers"),
    "no-wordings": Ingredient("without second wordings", without=(WORDINGS,)),
    "no-translated": Ingredient(
        "without the films with translated genres", without=("translated",)
    ),
    "no-more": Ingredient("without the further films with the source's genres", without=("more",)),
    "no-further": Ingredient("without any further film or wording", without=(*FURTHER, WORDINGS)),
    "hard": Ingredient("translated genres as hard labels", job={"soft_labels": None}),
    "relu": Ingredient("ReLU in place of GELU", {"activation": "relu"}),
    "layers-3": Ingredient("three of the six layers", {"layers": 3}),
}


def further_catalogs(data: Path, folder: Path, without: Collection[str]) -> tuple[ExtraTrain, ...]:
    """Return the further catalogs to train on.

    Args:
        data: the folder of catalogs.
        folder: for the second wordings, if those of some films are left out.
        without: names of catalogs to leave out.
    """
    kept = [name for name in FURTHER if name not in without]
    catalogs = [ExtraTrain(str(data / f"{name}.parquet"), _WEIGHTS.get(name, 1.0)) for name in kept]
    if WORDINGS not in without:
        wordings = data / f"{WORDINGS}.parquet"
        if len(kept) < len(FURTHER):
            films = pl.concat(
                pl.read_parquet(data / f"{name}.parquet", columns=["film"])
                for name in (FILMS, *kept)
            )
            table = pl.read_parquet(wordings).join(films.unique(), on="film", how="semi")
            wordings = folder / f"{WORDINGS}-{'-'.join(kept)}.parquet"
            table.write_parquet(wordings)
        catalogs.append(ExtraTrain(str(wordings)))
    return tuple(catalogs)


def markdown(result: dict[str, Any]) -> str:
    """Return the page, made from the JSON file alone."""
    rows = result["rows"]
    return "\n".join(
        [
            "# The contribution of each source and shape",
            "",
            f"MiniLM-L6 trained on {result['films']:,} films (a few by a second wording alone), "
            f"epochs: {result['epochs']}, float32, and one change at a time. "
            "The shipped models were trained for longer, in generations and with teachers "
            "([quality.md](quality.md)): only the differences between these rows count. "
            "Thresholds are tuned on `dev`. `test`: "
            f"{rows[0]['test']['films']} films; others: {rows[0]['others']['films']:,} films of "
            "other snapshots. Gains in points of macro-F1 on `test` over the recipe, 95 % "
            "intervals of a paired bootstrap over films, without the spread between seeds.",
            "",
            *ablation_table(rows),
            "",
        ]
    )


def main() -> None:
    """Train, measure and write the results."""
    parser = benchmark_parser(__doc__, results=True)
    parser.add_argument("data", type=Path)
    parser.add_argument("--split", required=True)
    parser.add_argument("--others", required=True)
    parser.add_argument("--runs", required=True, type=Path)
    parser.add_argument("--teacher", type=Path, action="append", default=[])
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--only", nargs="+", choices=INGREDIENTS)
    options = parser.parse_args()
    if not options.teacher and "teachers" in (options.only or ()):
        parser.error("the variation teachers needs --teacher")
    wanted = options.only or [name for name in INGREDIENTS if name != "teachers" or options.teacher]
    options.runs.mkdir(parents=True, exist_ok=True)
    jobs = {}
    for name in dict.fromkeys(["recipe", *wanted]):
        ingredient = INGREDIENTS[name]
        job = TrainJob(
            options.data / f"{FILMS}.parquet",
            options.runs / name,
            base_model=MINILM,
            options=RECIPE.changed(**{"epochs": options.epochs} | ingredient.options),
            with_title=True,
            split=options.split,
            extra_train=further_catalogs(options.data, options.runs, ingredient.without),
            group="film",
            # Only the translated genres are probabilities.
            soft_labels=None if "translated" in ingredient.without else "genre_p",
            teachers=tuple(options.teacher) if name == "teachers" else (),
        )
        jobs[name] = replace(job, **ingredient.job)
    rows = measure(jobs, INGREDIENTS, options.others)
    films = len(Wordings(training_films(RunFolder(options.runs / "recipe"))))
    result = {"epochs": options.epochs, "films": films, "rows": rows}
    write_results(options.output, "ingredients", result, markdown)


if __name__ == "__main__":
    main()

"""Score the shipped model, the checkpoint that it was exported from, and its teachers.

    python -m benchmarks.quality.quality RUN --model MODEL.onnx --extra FILE [--teacher RUN ...]
        [-o docs/results]

RUN is the run that MODEL was exported from. Scores MODEL on the run's part `test`, on which
nothing was chosen, and on the part `test` of the further films FILE; compares it with the float32
checkpoint, film by film, at the same thresholds (paired bootstrap); scores and times the teachers.
Writes quality.json and, made from it, quality.md. Takes some minutes per teacher on four cores.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.common.arguments import benchmark_parser
from benchmarks.common.results import score_cell, table_row, write_results
from genre_batch import GenreTagger
from genre_batch.catalog.formats import input_location
from genre_batch.dataset.dataset import Dataset, read_dataset, variants
from genre_batch.dataset.extra_rows import load_extra
from genre_batch.evaluation.metrics import macro_f1_gain, score_predictions
from genre_batch.runs.folder import RunFolder
from genre_batch.thresholds.methods import find_thresholds
from genre_batch.training.encoder.base_model import load_checkpoint
from genre_batch.training.encoder.inference import predict

Floats = npt.NDArray[np.float32]
Thresholds = npt.NDArray[np.float64]

VARIANTS = {"title_and_overview": "title and overview", "overview": "overview alone"}
"""Variant of the model input -> its name in the table."""


def scored(films: Dataset, probabilities: Floats, thresholds: Thresholds) -> dict[str, Any]:
    """Return the scores on some films."""
    return score_predictions(films.labels, probabilities, thresholds, films.names).as_dict()


def shipped(model: str, dataset: Dataset, others: Dataset) -> dict[str, Any]:
    """Return the exported model's scores and speed."""
    tagger = GenreTagger.load(model)
    thresholds = np.array(tagger.thresholds)
    sets = {"test": dataset.part("test"), "others": others}
    figures = {
        name: {
            variant: scored(films, tagger.predict_proba(texts), thresholds)
            for variant, texts in variants(films).items()
        }
        for name, films in sets.items()
    }
    texts = dataset.part("dev").texts
    started = time.perf_counter()
    tagger.predict_proba(texts)
    rate = len(texts) / (time.perf_counter() - started)
    return {"sha256": tagger.sha256, **figures, "films_per_second": round(rate, 1)}


def against_float(folder: RunFolder, model: str, dataset: Dataset) -> dict[str, Any]:
    """Compare the 8-bit model with the checkpoint on dev and test, at either's thresholds."""
    tagger = GenreTagger.load(model)
    films = dataset.part("dev", "test")
    checkpoint, tokenizer = load_checkpoint(folder.path)
    length = folder.read_json(folder.provenance)["options"]["max_length"]
    before = predict(checkpoint, tokenizer, films.texts, length)
    after = tagger.predict_proba(films.texts)
    tuned = folder.read_json(folder.thresholds)["thresholds"]
    result: dict[str, Any] = {
        "films": len(films),
        "mean_probability_difference": round(float(np.abs(before - after).mean()), 5),
    }
    for owner, thresholds in (
        ("checkpoint", np.array([tuned[name] for name in films.names])),
        ("export", np.array(tagger.thresholds)),
    ):
        gain = macro_f1_gain(films.labels, after >= thresholds, before >= thresholds)
        result[f"gain_at_thresholds_of_{owner}"] = {
            "points": round(gain.points, 2),
            "interval": [round(end, 2) for end in gain.interval],
        }
    return result


def score_teachers(folders: list[Path], dataset: Dataset, method: str) -> list[dict[str, Any]]:
    """Return each teacher's scores and speed and, if there are several, those of their mean.

    Thresholds are found by the shipped model's `method`, so that no gain is due to another one.
    """
    films = {part: dataset.part(part) for part in ("dev", "test")}
    predictions: list[dict[tuple[str, str], Floats]] = []
    rows: list[dict[str, Any]] = []
    for number, path in enumerate(folders, start=1):
        folder = RunFolder(path)
        model, tokenizer = load_checkpoint(path)
        provenance = folder.read_json(folder.provenance)
        length = provenance["options"]["max_length"]
        predicted, seconds, texts_done = {}, 0.0, 0
        for part, dataset_part in films.items():
            for variant, texts in variants(dataset_part).items():
                started = time.perf_counter()
                predicted[part, variant] = predict(model, tokenizer, texts, length, fast=True)
                seconds += time.perf_counter() - started
                texts_done += len(texts)
        predictions.append(predicted)
        parameters = sum(weights.numel() for weights in model.parameters())
        rows.append(
            {
                "name": f"teacher {number}",
                "base_model": Path(provenance["base_model"]).name,
                "parameters": parameters,
                "films_per_second": round(texts_done / seconds, 1),
                "test": _scores(films, predicted, method),
            }
        )
    if len(predictions) > 1:
        mean = {
            key: np.mean([teacher[key] for teacher in predictions], axis=0)
            for key in predictions[0]
        }
        together = 1 / sum(1 / row["films_per_second"] for row in rows)
        rows.append(
            {
                "name": "their mean",
                "base_model": "",
                "parameters": sum(row["parameters"] for row in rows),
                "films_per_second": round(together, 1),
                "test": _scores(films, mean, method),
            }
        )
    return rows


def _scores(
    films: dict[str, Dataset], predicted: dict[tuple[str, str], Floats], method: str
) -> dict[str, Any]:
    """Return test scores of each variant of the text; thresholds are tuned on dev."""
    first = next(iter(variants(films["dev"])))
    thresholds = find_thresholds(method, predicted["dev", first], films["dev"].labels)
    return {
        variant: scored(films["test"], predicted["test", variant], thresholds)
        for variant in variants(films["test"])
    }


def _row(name: str, text: str, scores: dict[str, Any], rate: float | None, size: str) -> str:
    cells = [score_cell(scores, score) for score in ("macro_f1", "micro_f1", "map")]
    speed = "" if rate is None else f"{rate:,.0f}"
    return table_row([name, text, f"{scores['films']:,}", *cells, speed, size])


def markdown(result: dict[str, Any]) -> str:
    """Return the page, made from the JSON file alone."""
    model, cost = result["shipped"], result["against_float"]
    lines = [
        "# The shipped model, its checkpoint and its teachers",
        "",
        f"Model {model['sha256'][:12]}. `clean`: films with the same overview are in one part; "
        "nothing was chosen on `test`; all thresholds, the teachers' too, are tuned on `dev` by "
        f"`{result['thresholds']}`. Other catalogs: the part `test` of the further films. "
        "Intervals: 95 %, bootstrap over films. Films/s: all in one run on the same cores, so that "
        "their ratios are comparable; teachers in bfloat16.",
        "",
        "| model | text | films | macro-F1 | micro-F1 | mAP | films/s | parameters |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for place, name in (("test", "shipped model"), ("others", "shipped model, other catalogs")):
        for number, (variant, scores) in enumerate(model[place].items()):
            rate = model["films_per_second"] if place == "test" and number == 0 else None
            lines.append(_row(name, VARIANTS[variant], scores, rate, ""))
    for row in result["teachers"]:
        for number, (variant, scores) in enumerate(row["test"].items()):
            name = f"{row['name']}: {row['base_model']}" if row["base_model"] else row["name"]
            rate = row["films_per_second"] if number == 0 else None
            lines.append(_row(name, VARIANTS[variant], scores, rate, f"{row['parameters']:,}"))
    lines += [
        "",
        "8-bit model compared with the float32 checkpoint, `dev` and `test` together "
        f"({cost['films']:,} films), points of macro-F1 gained, 95 % interval of a paired "
        "bootstrap over films: "
        + ", ".join(
            f"{cost[key]['points']:+.2f} ({cost[key]['interval'][0]:+.2f} to "
            f"{cost[key]['interval'][1]:+.2f}) {where}"
            for key, where in (
                ("gain_at_thresholds_of_checkpoint", "at the checkpoint's thresholds"),
                ("gain_at_thresholds_of_export", "at the export's"),
            )
        )
        + ". Both sets of thresholds were fitted on `dev`. Probabilities differ by "
        f"{cost['mean_probability_difference']:.4f} on average.",
    ]
    return "\n".join([*lines, ""])


def main() -> None:
    """Measure and write the results."""
    parser = benchmark_parser(__doc__, results=True)
    parser.add_argument("run", type=Path)
    parser.add_argument("--model", required=True)
    parser.add_argument("--extra", required=True)
    parser.add_argument("--teacher", type=Path, action="append", default=[])
    options = parser.parse_args()
    folder = RunFolder(options.run)
    dataset = read_dataset(folder.splits)
    others = load_extra(input_location(options.extra), dataset, "test")
    method = folder.read_json(folder.thresholds)["method"]
    result = {
        "thresholds": method,
        "shipped": shipped(options.model, dataset, others),
        "against_float": against_float(folder, options.model, dataset),
        "teachers": score_teachers(options.teacher, dataset, method),
    }
    write_results(options.output, "quality", result, markdown)


if __name__ == "__main__":
    main()

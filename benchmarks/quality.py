"""How good the shipped model is, beside the checkpoint it was made from and its teachers.

    python benchmarks/quality.py RUN --model MODEL.onnx --extra FILE [--teacher RUN ...]
        [-o docs/results]

RUN is the run that MODEL was exported from. Scores MODEL on the run's part `test`, which chose
nothing, and on the part `test` of the further films FILE; holds it against the float32 checkpoint,
film by film, at the same thresholds (paired bootstrap); and scores and times the teachers. Writes
quality.json and, made from it, quality.md. On four cores it takes some minutes for each teacher.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from results import write_results

from genre_batch import GenreTagger
from genre_batch.catalog.formats import input_location
from genre_batch.dataset.dataset import Dataset, read_dataset, variants
from genre_batch.dataset.load import load_extra
from genre_batch.evaluation.metrics import macro_f1_gain, score_predictions
from genre_batch.thresholds.methods import find_thresholds
from genre_batch.training.encoder.base_model import load_checkpoint
from genre_batch.training.encoder.inference import predict
from genre_batch.training.run_folder import RunFolder

Floats = npt.NDArray[np.float32]
Thresholds = npt.NDArray[np.float64]

SAID = {"title_and_overview": "title and overview", "overview": "overview alone"}


def scored(films: Dataset, probabilities: Floats, thresholds: Thresholds) -> dict[str, Any]:
    """Figures on some films."""
    return score_predictions(films.labels, probabilities, thresholds, films.names).as_dict()


def shipped(model: str, dataset: Dataset, others: Dataset) -> dict[str, Any]:
    """The exported model's figures and speed."""
    tagger = GenreTagger.load(model)
    thresholds = np.array(tagger.thresholds)
    places = {"test": dataset.part("test"), "others": others}
    figures = {
        place: {
            variant: scored(films, tagger.predict_proba(texts), thresholds)
            for variant, texts in variants(films).items()
        }
        for place, films in places.items()
    }
    texts = dataset.part("dev").texts
    started = time.perf_counter()
    tagger.predict_proba(texts)
    rate = len(texts) / (time.perf_counter() - started)
    return {"sha256": tagger.sha256, **figures, "films_per_second": round(rate, 1)}


def against_float(folder: RunFolder, model: str, dataset: Dataset) -> dict[str, Any]:
    """What 8 bits cost on development and test together, at either one's thresholds."""
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
    for whose, thresholds in (
        ("checkpoint", np.array([tuned[name] for name in films.names])),
        ("export", np.array(tagger.thresholds)),
    ):
        gain = macro_f1_gain(films.labels, after >= thresholds, before >= thresholds)
        result[f"gain_at_thresholds_of_{whose}"] = {
            "points": round(gain.points, 2),
            "interval": [round(end, 2) for end in gain.interval],
        }
    return result


def taught(folders: list[Path], dataset: Dataset, method: str) -> list[dict[str, Any]]:
    """Each teacher's figures and speed and, where there are several, those of their mean.

    Thresholds are found by the shipped model's `method`: its gain is not the model's.
    """
    films = {part: dataset.part(part) for part in ("dev", "test")}
    answers: list[dict[tuple[str, str], Floats]] = []
    rows: list[dict[str, Any]] = []
    for number, path in enumerate(folders, start=1):
        folder = RunFolder(path)
        model, tokenizer = load_checkpoint(path)
        provenance = folder.read_json(folder.provenance)
        length = provenance["options"]["max_length"]
        found, seconds, texts_done = {}, 0.0, 0
        for part, held in films.items():
            for variant, texts in variants(held).items():
                started = time.perf_counter()
                found[part, variant] = predict(model, tokenizer, texts, length, fast=True)
                seconds += time.perf_counter() - started
                texts_done += len(texts)
        answers.append(found)
        parameters = sum(one.numel() for one in model.parameters())
        rows.append(
            {
                "name": f"teacher {number}",
                "base_model": Path(provenance["base_model"]).name,
                "parameters": parameters,
                "films_per_second": round(texts_done / seconds, 1),
                "test": _figures(films, found, method),
            }
        )
    if len(answers) > 1:
        mean = {key: np.mean([one[key] for one in answers], axis=0) for key in answers[0]}
        together = 1 / sum(1 / row["films_per_second"] for row in rows)
        rows.append(
            {
                "name": "their mean",
                "base_model": "",
                "parameters": sum(row["parameters"] for row in rows),
                "films_per_second": round(together, 1),
                "test": _figures(films, mean, method),
            }
        )
    return rows


def _figures(
    films: dict[str, Dataset], found: dict[tuple[str, str], Floats], method: str
) -> dict[str, Any]:
    """Test figures of each variant of the text, thresholds tuned on development."""
    first = next(iter(variants(films["dev"])))
    thresholds = find_thresholds(method, found["dev", first], films["dev"].labels)
    return {
        variant: scored(films["test"], found["test", variant], thresholds)
        for variant in variants(films["test"])
    }


def _row(name: str, text: str, scores: dict[str, Any], rate: float | None, size: str) -> str:
    cells = []
    for figure in ("macro_f1", "micro_f1", "map"):
        low, high = scores[f"{figure}_interval"]
        cells.append(f"{scores[figure]:.3f} ({low:.3f}-{high:.3f})")
    speed = "" if rate is None else f"{rate:,.0f}"
    return f"| {name} | {text} | {scores['films']:,} | {' | '.join(cells)} | {speed} | {size} |"


def markdown(result: dict[str, Any]) -> str:
    """The tables, made from the JSON alone."""
    model, cost = result["shipped"], result["against_float"]
    lines = [
        "# The shipped model, its checkpoint and its teachers",
        "",
        f"Model {model['sha256'][:12]}. `clean`: films with the same overview are in one part; "
        f"`test` chose nothing; thresholds are tuned on `dev`, all by `{result['thresholds']}`. "
        "Other people's catalogs: the part `test` of the further films. Intervals: 95 %, bootstrap "
        "over films. Films/s: in one run, on the same cores, so that their ratio counts; teachers "
        "in bfloat16.",
        "",
        "| what | text | films | macro-F1 | micro-F1 | mAP | films/s | parameters |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for place, said in (("test", "shipped model"), ("others", "the same, other people's catalogs")):
        for number, (variant, scores) in enumerate(model[place].items()):
            rate = model["films_per_second"] if place == "test" and number == 0 else None
            lines.append(_row(said, SAID[variant], scores, rate, ""))
    for row in result["teachers"]:
        for number, (variant, scores) in enumerate(row["test"].items()):
            name = f"{row['name']}: {row['base_model']}" if row["base_model"] else row["name"]
            rate = row["films_per_second"] if number == 0 else None
            lines.append(_row(name, SAID[variant], scores, rate, f"{row['parameters']:,}"))
    lines += [
        "",
        f"8 bits against the float32 checkpoint, `dev` and `test` together ({cost['films']:,} "
        "films), points of macro-F1 gained, 95 % interval of a paired bootstrap over films: "
        + ", ".join(
            f"{cost[key]['points']:+.2f} ({cost[key]['interval'][0]:+.2f} to "
            f"{cost[key]['interval'][1]:+.2f}) {said}"
            for key, said in (
                ("gain_at_thresholds_of_checkpoint", "at the checkpoint's thresholds"),
                ("gain_at_thresholds_of_export", "at the export's"),
            )
        )
        + ". Either were fitted to `dev` by their own model. Probabilities differ by "
        f"{cost['mean_probability_difference']:.4f} on average.",
    ]
    return "\n".join([*lines, ""])


def main() -> None:
    """Measures, writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--model", required=True)
    parser.add_argument("--extra", required=True)
    parser.add_argument("--teacher", type=Path, action="append", default=[])
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/results"))
    options = parser.parse_args()
    folder = RunFolder(options.run)
    dataset = read_dataset(folder.splits)
    others = load_extra(input_location(options.extra), dataset, "test")
    method = folder.read_json(folder.thresholds)["method"]
    result = {
        "thresholds": method,
        "shipped": shipped(options.model, dataset, others),
        "against_float": against_float(folder, options.model, dataset),
        "teachers": taught(options.teacher, dataset, method),
    }
    write_results(options.output, "quality", result, markdown)


if __name__ == "__main__":
    main()

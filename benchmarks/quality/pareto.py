"""Compare models by quality and speed, and each with other engines that run the same weights.

    python -m benchmarks.quality.pareto CATALOG MODEL.onnx[=RUN] ... [--split FILE] [--part dev]
        [--films N] [--rounds 6] [--engines NAME ...] [-o docs/results]

Quality is that of the part: macro-F1 and micro-F1 at cross-fitted thresholds (f1-expected, the same
halves for all), mAP, and the mean difference of probabilities from the float32 model; of the genres
that all models know, the page lists the others. Speed is
measured in turn: each round runs every pair of model and engine once on the same films, in an order
that rotates, after one round that is not counted; ratios to the first model are taken within
rounds. A pair is on the frontier if none is both better (macro-F1) and faster.

The float32 model is the checkpoint of RUN; without one it is made from MODEL's own weights, and of
an int8 file those are rounded already. Engines whose packages are not installed are left out and
listed; to install all: pip install -c constraints.txt '.[train]' -r benchmarks/requirements.txt

Writes pareto.json and, made from it, pareto.md. Choose by dev; read test once for what was chosen.
Takes a minute for each pair with 2,000 films; --films 100 --rounds 1 for a first look.
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch

from benchmarks.common.arguments import benchmark_parser
from benchmarks.common.machine import machine_facts, machine_sentence
from benchmarks.common.results import measure_and_write, score_cell, table_row
from benchmarks.common.rounds import confidence_sentence, rotated, spread
from benchmarks.speed.contender import Contender, Films, Floats, Setting, Unavailable, float_graph
from benchmarks.speed.contenders import Library
from benchmarks.speed.engines import CTranslate2, OnnxDynamic, OpenVinoInt8, OpenVinoLow
from genre_batch import EvaluationJob, GenreTagger
from genre_batch.cores import available_cores
from genre_batch.errors import first_line
from genre_batch.evaluation.films import LabelledFilms, read_films
from genre_batch.evaluation.metrics import score_predictions
from genre_batch.model.checkpoint import write_checkpoint
from genre_batch.thresholds.cross_fit import cross_fitted
from genre_batch.thresholds.methods import METHODS
from genre_batch.training.encoder.base_model import MeanPooledDistilBert, load_checkpoint
from genre_batch.training.encoder.inference import predict

ENGINES: dict[str, type[Contender]] = {
    "genre-batch": Library,
    "openvino-int8": OpenVinoInt8,
    "openvino-bf16": OpenVinoLow,
    "ctranslate2-int8": CTranslate2,
    "dynamic-int8": OnnxDynamic,
}
PACKAGES = ("genre-batch", "onnxruntime", "torch", "openvino", "nncf", "ctranslate2")
CALIBRATION_TEXTS = 200
METHOD = "f1-expected"


@dataclass
class Pair:
    """A model in an engine, its probabilities, and its films/s in each round.

    Attributes:
        model, engine: their names.
        contender: prepared.
        films: that it is timed on.
        scores: of the part.
        difference: mean absolute difference of probabilities from the float32 model.
        rates: films/s of each round.
    """

    model: str
    engine: str
    contender: Contender
    films: Films
    scores: dict[str, Any]
    difference: float
    rates: list[float] = field(default_factory=list)

    def measure(self) -> None:
        """Run the films once more."""
        started = time.perf_counter()
        self.contender.run(self.films)
        self.rates.append(len(self.films) / (time.perf_counter() - started))
        print(f"  {self.model}, {self.engine}: {self.rates[-1]:,.0f} films/s", flush=True)


def _setting(tagger: GenreTagger, run: Path | None, texts: list[str], folder: Path) -> Setting:
    """Make what contenders are prepared from; `texts`: those that ranges are measured on."""
    if run is None:
        run = folder / "checkpoint"
        run.mkdir()
        write_checkpoint(tagger.file, run)
    checkpoint, tokenizer = load_checkpoint(run)
    if not isinstance(checkpoint, MeanPooledDistilBert):
        raise SystemExit(f"{run} is not a DistilBERT with a mean-pooled head")
    threads = available_cores()
    return Setting(
        run=run,
        model=tagger.path,
        checkpoint=checkpoint,
        tokenizer=tokenizer,
        max_length=tagger.metadata.max_length,
        graph=float_graph(checkpoint, folder),
        calibration=texts,
        threads=threads,
        folder=folder,
    )


def _as_films(films: LabelledFilms, tagger: GenreTagger) -> Films:
    texts = tagger.compose(films.overviews, films.titles).to_pylist()
    return Films(pl.DataFrame({"overview": texts}), texts)


def _scores(
    films: LabelledFilms, probabilities: Floats, tagger: GenreTagger, genres: list[str]
) -> dict[str, Any]:
    columns = [tagger.labels.index(genre) for genre in genres]
    labels, probabilities = films.labels[:, columns], probabilities[:, columns]
    thresholds = cross_fitted(METHODS[METHOD], probabilities, labels, seed=0)
    return score_predictions(labels, probabilities, thresholds, genres).as_dict()


def _common_genres(paths: list[str]) -> list[str]:
    """Return the genres that all models know, in the first one's order."""
    labels = [GenreTagger.load(path, lazy=True).labels for path in paths]
    common = [genre for genre in labels[0] if all(genre in others for others in labels)]
    if not common:
        raise SystemExit(f"pareto: no genre is known to all of {', '.join(paths)}")
    return common


def _pairs(
    options: argparse.Namespace,
    model: str,
    folder: Path,
    genres: list[str],
    left_out: list[dict[str, str]],
    not_scored: set[str],
) -> list[Pair]:
    """Prepare a model in every engine, and score it on these genres.

    Engines that cannot run are added to `left_out`, other genres to `not_scored`.
    """
    path, _, run = model.partition("=")
    tagger = GenreTagger.load(path)
    job = EvaluationJob(
        str(options.catalog),
        path,
        split=options.split,
        part=options.part,
        ignore_unknown=True,
    )
    location = job.reading.locate(options.catalog)
    films = read_films(job, location, tagger)
    not_scored |= {*films.ignored, *tagger.labels} - {*genres}
    scored = _as_films(films, tagger)
    timed = scored.spread(options.films)
    # Ranges are measured on films of another part, as an export does.
    other = (
        job
        if options.part is None
        else replace(job, part="train" if options.part != "train" else "dev")
    )
    texts = _as_films(read_films(other, location, tagger), tagger).spread(CALIBRATION_TEXTS).texts
    setting = _setting(tagger, Path(run) if run else None, texts, folder)
    truth = predict(setting.checkpoint, setting.tokenizer, scored.texts, setting.max_length)
    pairs = []
    for name in options.engines:
        kind = ENGINES[name]
        missing = [package for package in kind.needs if find_spec(package) is None]
        try:
            if missing:
                raise Unavailable(f"not installed: pip install {' '.join(missing)}")
            contender = kind()
            contender.prepare(setting)
        except Exception as error:  # of another library: the other pairs are worth measuring
            why = str(error) if isinstance(error, Unavailable) else first_line(error)
            left_out.append({"model": Path(path).name, "engine": name, "why": why})
            continue
        probabilities = contender.run(scored).probabilities
        assert probabilities is not None
        scores = _scores(films, probabilities, tagger, genres)
        difference = float(np.abs(probabilities - truth).mean())
        pairs.append(Pair(Path(path).name, name, contender, timed, scores, difference))
    return pairs


def measure(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Return what goes into the JSON file."""
    torch.set_num_threads(available_cores())
    pairs: list[Pair] = []
    left_out: list[dict[str, str]] = []
    not_scored = set[str]()
    genres = _common_genres([model.partition("=")[0] for model in options.models])
    for number, model in enumerate(options.models):
        (folder / str(number)).mkdir()
        pairs += _pairs(options, model, folder / str(number), genres, left_out, not_scored)
    if not pairs:
        raise SystemExit(f"no engine can run: {left_out}")
    for number in range(options.rounds + 1):
        print(f"round {number} of {options.rounds}" + (", not counted" if not number else ""))
        for pair in rotated(pairs, number):
            pair.measure()
    for pair in pairs:
        del pair.rates[0]
    rows = [
        {
            "model": pair.model,
            "engine": pair.engine,
            "scores": pair.scores,
            "difference": round(pair.difference, 5),
            "films_per_second": [round(rate, 1) for rate in pair.rates],
        }
        for pair in pairs
    ]
    return {
        "machine": {**machine_facts(PACKAGES), "threads": available_cores()},
        "part": options.part,
        "films": pairs[0].scores["films"],
        "timed": len(pairs[0].films),
        "rounds": options.rounds,
        "rows": rows,
        "left_out": left_out,
        "not_scored": sorted(not_scored),
    }


def on_frontier(rows: list[dict[str, Any]]) -> list[bool]:
    """Return for each row whether no other is at least as good and fast, and better in one."""
    points = [
        (row["scores"]["macro_f1"], statistics.median(row["films_per_second"])) for row in rows
    ]
    return [
        not any(
            good >= point[0] and fast >= point[1] and (good, fast) != point for good, fast in points
        )
        for point in points
    ]


def markdown(result: dict[str, Any]) -> str:
    """Return the page, made from the JSON file alone."""
    rows = result["rows"]
    first = rows[0]["films_per_second"]
    part = f"the part `{result['part']}`" if result["part"] else "all films"
    lines = [
        "# Quality and speed of models and engines",
        "",
        f"Quality on {result['films']:,} films, {part}, at cross-fitted thresholds (`{METHOD}`); "
        f"films/s on {result['timed']:,} of them. {confidence_sentence(result['rounds'])}. "
        f"{machine_sentence(result['machine'])}",
        "",
        "| model | engine | macro-F1 | micro-F1 | mAP | difference | films/s | times the first | |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row, best in zip(rows, on_frontier(rows), strict=True):
        rates = row["films_per_second"]
        ratios = [rate / base for rate, base in zip(rates, first, strict=True)]
        scores = (score_cell(row["scores"], name) for name in ("macro_f1", "micro_f1", "map"))
        cells = [row["model"], row["engine"], *scores, f"{row['difference']:.4f}"]
        cells += [spread(rates, ",.0f"), spread(ratios, ".2f"), "frontier" if best else ""]
        lines.append(table_row(cells))
    lines += [
        "",
        "difference: mean absolute difference of probabilities from the float32 model. frontier: "
        "no other row is both better in macro-F1 and faster.",
    ]
    if result.get("not_scored"):
        lines += [
            "",
            f"Genres that not all models know, not scored: {', '.join(result['not_scored'])}.",
        ]
    for entry in result["left_out"]:
        lines += ["", f"Left out: {entry['model']} in {entry['engine']}: {entry['why']}."]
    return "\n".join([*lines, ""])


def main() -> None:
    """Measure and write the results."""
    parser = benchmark_parser(__doc__, catalog=True, results=True)
    parser.add_argument("models", nargs="+", metavar="MODEL.onnx[=RUN]")
    parser.add_argument("--split", help="a split file of the catalog")
    parser.add_argument("--part", choices=["train", "dev", "test"], help="default: all films")
    parser.add_argument("--films", type=int, default=2_000, help="films that are timed")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--engines", nargs="+", choices=[*ENGINES], default=[*ENGINES])
    measure_and_write(parser.parse_args(), "pareto", measure, markdown)


if __name__ == "__main__":
    main()

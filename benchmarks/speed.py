"""Films a second: genre-batch, other ways to run the same weights, and what the machine allows.

    python benchmarks/speed.py CATALOG RUN [--model MODEL.onnx] [--films N] [--rounds 6]
        [--seconds 20] [-o docs/results]

RUN is the run that MODEL was exported from. Measures every contender (contenders.py) and the
machine's 8-bit matrix products once a round, in an order that rotates, so that whatever else
changes on the machine changes for all; a first round is not counted. A slow contender gets a share
of the films, evenly spread over the catalog, that takes it about so many seconds. Before, all
answer the same sample, and their probabilities are held against the float32 checkpoint's. Writes
speed.json and, made from it, speed.md. What is not installed is left out and named:

    pip install -c constraints.txt '.[train]' -r benchmarks/requirements.txt

On two cores it takes half an hour.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from contender import Answer, Contender, Films, Floats, Setting, Unavailable
from contenders import CONTENDERS, GraphAlone, Library, Tag
from machine import confidence, described, machine, spread
from optimum.exporters.onnx import export
from optimum.exporters.onnx.model_configs import DistilBertOnnxConfig
from products import LARGE, Products, layer_shapes, operations
from results import write_results

from genre_batch import GenreTagger
from genre_batch.catalog.columns import TEXT_COLUMNS, TITLE_COLUMNS, find_column, require_column
from genre_batch.cores import available_cores
from genre_batch.dataset.dataset import read_dataset
from genre_batch.model.tagger import default_model
from genre_batch.training.encoder.base_model import MeanPooledDistilBert, load_checkpoint
from genre_batch.training.encoder.inference import predict
from genre_batch.training.run_folder import RunFolder

PACKAGES = (
    "genre-batch",
    "onnxruntime",
    "tokenizers",
    "torch",
    "transformers",
    "optimum-onnx",
    "openvino",
    "nncf",
    "ctranslate2",
    "scikit-learn",
)
CALIBRATION_TEXTS = 200
LONGEST, OWN = "2,048 x 768 x 3,072", "the model's own, 512 tokens"


def read_films(path: Path, tagger: GenreTagger) -> Films:
    """The films of a CSV whose texts no earlier film has."""
    catalog = pl.read_csv(path, infer_schema=False)
    text = require_column(catalog.columns, TEXT_COLUMNS, None, "--text-column")
    title = find_column(catalog.columns, TITLE_COLUMNS, None, "--title-column")
    titles = None if title is None else catalog[title].to_list()
    texts = pl.Series(tagger.compose(catalog[text].to_list(), titles).to_pylist(), dtype=pl.String)
    kept = texts.is_not_null() & texts.is_first_distinct()
    return Films(catalog.filter(kept), texts.filter(kept).to_list())


def set_up(run: Path, model: Path, threads: int, folder: Path) -> Setting:
    """What all contenders prepare themselves from."""
    of_run = RunFolder(run)
    checkpoint, tokenizer = load_checkpoint(run)
    if not isinstance(checkpoint, MeanPooledDistilBert):
        raise SystemExit(f"{run} is no run of a DistilBERT with a mean-pooled head")
    graph = folder / "float" / "model.onnx"
    graph.parent.mkdir()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what tracing says of constants
        exported = DistilBertOnnxConfig(checkpoint.config, task="text-classification")
        export(checkpoint, exported, graph, opset=17)
    checkpoint.config.save_pretrained(graph.parent)
    training = read_dataset(of_run.splits).part("train").texts
    return Setting(
        run=run,
        model=model,
        checkpoint=checkpoint,
        tokenizer=tokenizer,
        max_length=of_run.read_json(of_run.provenance)["options"]["max_length"],
        graph=graph,
        calibration=training[:: max(1, len(training) // CALIBRATION_TEXTS)][:CALIBRATION_TEXTS],
        threads=threads,
        folder=folder,
    )


@dataclass
class Measured:
    """A contender, its share of the films, and its films/s in each round.

    Attributes:
        contender: prepared.
        films: its share.
        maximum, mean: how far its probabilities of the sample are from the checkpoint's; None
            where it has other weights.
        rates: films/s by round.
        inner_rates: the same without starting a process, where it starts one.
    """

    contender: Contender
    films: Films
    maximum: float | None
    mean: float | None
    rates: list[float] = field(default_factory=list)
    inner_rates: list[float] = field(default_factory=list)

    def measure(self) -> None:
        """Tags the share once more."""
        seconds, answer = _timed(self.contender, self.films)
        self.rates.append(len(self.films) / seconds)
        if answer.inner_seconds is not None:
            self.inner_rates.append(len(self.films) / answer.inner_seconds)
        print(f"  {self.contender.name}: {self.rates[-1]:,.1f} films/s", flush=True)

    def as_dicts(self) -> list[dict[str, Any]]:
        """Its row in the JSON, and one without start-up where it starts a process."""
        row = {
            "name": self.contender.name,
            "says": self.contender.says,
            "films": len(self.films),
            "films_per_second": [round(rate, 2) for rate in self.rates],
            "max_difference": None if self.maximum is None else round(self.maximum, 6),
            "mean_difference": None if self.mean is None else round(self.mean, 6),
        }
        if not self.inner_rates:
            return [row]
        inner = {
            "name": f"{self.contender.name}, without start-up",
            "says": "the same runs, by the command's own summary",
            "films_per_second": [round(rate, 2) for rate in self.inner_rates],
        }
        return [row, {**row, **inner}]


@dataclass
class MeasuredProducts:
    """Matrix products, and their operations a second in each round."""

    name: str
    products: Products
    rates: list[float] = field(default_factory=list)

    def measure(self) -> None:
        """Multiplies for a second."""
        self.rates.append(self.products.rate())
        print(f"  8-bit products, {self.name}: {self.rates[-1] / 1e9:,.0f} GOP/s", flush=True)


def _timed(contender: Contender, films: Films) -> tuple[float, Answer]:
    """(seconds, answer) of the films, by the contender's own clock if it has one."""
    started = time.perf_counter()
    answer = contender.run(films)
    seconds = time.perf_counter() - started
    return seconds if answer.seconds is None else answer.seconds, answer


def prepared(
    kind: type[Contender], setting: Setting, films: Films, sample: Films, truth: Floats, most: float
) -> Measured:
    """A contender that has answered the sample, with a share that takes it `most` seconds.

    Raises:
        Unavailable: it cannot run here.
    """
    missing = [package for package in kind.needs if find_spec(package) is None]
    if missing:
        raise Unavailable(f"not installed: pip install {' '.join(missing)}")
    contender = kind()
    contender.prepare(setting)
    contender.run(sample)  # shapes are compiled, pages touched
    seconds, answer = _timed(contender, sample)
    share = len(films) if kind.ours else max(1, int(most * len(sample) / seconds))
    if answer.probabilities is None:
        return Measured(contender, films.spread(share), None, None)
    off = np.abs(answer.probabilities - truth)
    return Measured(contender, films.spread(share), float(off.max()), float(off.mean()))


def measure(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """What goes into the JSON."""
    threads = options.threads or available_cores()
    torch.set_num_threads(threads)
    model = options.model or default_model()
    tagger = GenreTagger.load(model)
    films = read_films(options.catalog, tagger).spread(options.films)
    sample = films.spread(options.sample)
    setting = set_up(options.run, model, threads, folder)
    truth = predict(setting.checkpoint, setting.tokenizer, sample.texts, setting.max_length)
    measured, left_out = [], []
    for kind in CONTENDERS:
        try:
            measured.append(prepared(kind, setting, films, sample, truth, options.seconds))
        except Unavailable as error:
            left_out.append({"name": kind.name, "why": str(error)})
            print(f"{kind.name} is left out: {error}", flush=True)
    config = setting.checkpoint.config
    products = [
        MeasuredProducts(LONGEST, Products(LARGE, threads)),
        MeasuredProducts(OWN, Products(layer_shapes(config), threads)),
    ]
    steps: list[Measured | MeasuredProducts] = [*measured, *products]
    for number in range(options.rounds + 1):
        print(f"round {number} of {options.rounds}" + (", not counted" if not number else ""))
        turn = number % len(steps)
        for step in steps[turn:] + steps[:turn]:
            step.measure()
        if not number:
            for step in measured:
                step.rates.clear()
                step.inner_rates.clear()
            for gauge in products:
                gauge.rates.clear()
    lengths = [len(ids) for ids in setting.tokens(films.texts)]
    return {
        "machine": {**machine(PACKAGES), "threads": threads},
        "model_sha256": tagger.sha256,
        "films": len(films),
        "sample": len(sample),
        "mean_tokens": round(float(np.mean(lengths)), 1),
        "rounds": options.rounds,
        "operations_per_film": round(operations(config, lengths)),
        "operations_per_second": {one.name: [round(r) for r in one.rates] for one in products},
        "contenders": [row for one in measured for row in one.as_dicts()],
        "left_out": left_out,
    }


def _bound(result: dict[str, Any]) -> list[str]:
    """What the matrix products allow, and our share of it."""
    each = result["operations_per_film"]
    rates = {row["name"]: row["films_per_second"] for row in result["contenders"]}
    lines = [
        "## What the machine allows",
        "",
        f"A film's matrix products (six layers, attention included, {result['mean_tokens']} tokens "
        f"on average) are {each / 1e9:.2f} billion operations. onnxruntime's 8-bit product "
        "(`MatMulInteger`, uint8 x int8), a session of one thread on each core, measured in the "
        "same rounds:",
        "",
        "| product | GOP/s | films/s it allows | "
        + " | ".join(f"{kind.name}: share" for kind in (Tag, Library, GraphAlone))
        + " |",
        "|---|---|---|---|---|---|",
    ]
    for name, operations_per_second in result["operations_per_second"].items():
        allowed = [rate / each for rate in operations_per_second]
        shares = [
            spread(
                [rate / most for rate, most in zip(rates[kind.name], allowed, strict=True)], ".0%"
            )
            for kind in (Tag, Library, GraphAlone)
        ]
        gops = spread([rate / 1e9 for rate in operations_per_second], ",.0f")
        lines.append(f"| {name} | {gops} | {spread(allowed, ',.0f')} | {' | '.join(shares)} |")
    return lines


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def markdown(result: dict[str, Any]) -> str:
    """The tables, made from the JSON alone."""
    rows = result["contenders"]
    ours = {row["name"]: row["films_per_second"] for row in rows}
    lines = [
        "# Films a second",
        "",
        f"{result['films']:,} films with distinct texts of {result['mean_tokens']} tokens on "
        f"average, model {result['model_sha256'][:12]}. {described(result['machine'])}",
        "",
        f"All in turn, once a round, with {_counted(result['machine']['threads'], 'thread')}. "
        f"{confidence(result['rounds'])}. The two ratios, taken round by round, say how many times "
        "as fast as the row this project is. Contenders run the float32 checkpoint that the model "
        "was exported from, its mean-pooled head included, or what they make of it; tokenising is "
        "part of everybody's time but that of the model alone. Differences: of probabilities, from "
        f"the checkpoint's, on {result['sample']:,} films.",
        "",
        f"| what | how | films a round | films/s | {Tag.name} / it | {Library.name} / it "
        "| largest difference | mean difference |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        rates = row["films_per_second"]
        ratios = [
            spread([one / other for one, other in zip(ours[kind.name], rates, strict=True)], ".2f")
            for kind in (Tag, Library)
        ]
        off = [
            "" if row[key] is None else f"{row[key]:.{digits}f}"
            for key, digits in (("max_difference", 4), ("mean_difference", 5))
        ]
        lines.append(
            f"| {row['name']} | {row['says']} | {row['films']:,} | {spread(rates, ',.0f')} "
            f"| {' | '.join([*ratios, *off])} |"
        )
    lines += ["", *(f"- left out: {one['name']}: {one['why']}." for one in result["left_out"])]
    return "\n".join([*lines, "", *_bound(result), ""]).replace("\n\n\n", "\n\n")


def main() -> None:
    """Measures, writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("catalog", type=Path, help="a CSV of films")
    parser.add_argument("run", type=Path)
    parser.add_argument("--model", type=Path, help="default: the shipped one")
    parser.add_argument("--films", type=int, default=1_000_000, help="at most so many")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=20, help="of a contender in a round")
    parser.add_argument("--sample", type=int, default=256, help="films to compare answers on")
    parser.add_argument("--threads", type=int, help="default: the cores this process may use")
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/results"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = measure(options, Path(folder))
    write_results(options.output, "speed", result, markdown)


if __name__ == "__main__":
    main()

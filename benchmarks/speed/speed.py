"""Compare films/s: genre-batch, other ways to run the same weights, and the machine's limit.

    python -m benchmarks.speed.speed CATALOG RUN [--model MODEL.onnx] [--films N] [--rounds 6]
        [--seconds 20] [-o docs/results]

RUN is the run that MODEL was exported from. Each round measures every contender (contenders.py) and
the machine's 8-bit matrix products once, in an order that rotates, so that whatever else changes on
the machine affects all alike; the first round is not counted. A slow contender gets a share of the
films, evenly spread over the catalog, that takes it about the given seconds. Before the rounds, all
contenders predict the same sample, and their probabilities are compared with the float32
checkpoint's. Writes speed.json and, made from it, speed.md: a section a processor, which replaces
an earlier one of the same processor, and a table of them all. Contenders whose packages are not
installed are left out and listed; to install all of them:

    pip install -c constraints.txt '.[train]' -r benchmarks/requirements.txt

Takes half an hour on two cores.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch

from benchmarks.common.arguments import benchmark_parser
from benchmarks.common.films import read_films, text_column
from benchmarks.common.machine import machine_facts, machine_sentence
from benchmarks.common.results import measure_and_write, table_row, with_other_machines
from benchmarks.common.rounds import confidence_sentence, rotated, spread
from benchmarks.speed.contender import (
    Answer,
    Contender,
    Films,
    Floats,
    Setting,
    Unavailable,
    float_graph,
)
from benchmarks.speed.contenders import CONTENDERS, GraphAlone, Library, Pipeline, Tag
from benchmarks.speed.engines import OnnxFloat, OpenVinoInt8, OpenVinoLow
from benchmarks.speed.products import LARGE, Products, layer_shapes, operations
from genre_batch import GenreTagger
from genre_batch.catalog.columns import TITLE_COLUMNS, find_column
from genre_batch.cores import available_cores
from genre_batch.dataset.dataset import read_dataset
from genre_batch.model.tagger import default_model
from genre_batch.runs.folder import RunFolder
from genre_batch.training.encoder.base_model import MeanPooledDistilBert, load_checkpoint
from genre_batch.training.encoder.inference import predict

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


def distinct_films(path: Path, tagger: GenreTagger) -> Films:
    """Read the films of a CSV file; of several with the same model input, the first."""
    catalog = read_films(path)
    text = text_column(catalog)
    title = find_column(catalog.columns, TITLE_COLUMNS, None, "title_column")
    titles = None if title is None else catalog[title].to_list()
    texts = pl.Series(tagger.compose(catalog[text].to_list(), titles).to_pylist(), dtype=pl.String)
    distinct = texts.is_not_null() & texts.is_first_distinct()
    return Films(catalog.filter(distinct), texts.filter(distinct).to_list())


def prepare_setting(run: Path, model: Path, threads: int, folder: Path) -> Setting:
    """Load the checkpoint and export its float32 graph, for all contenders."""
    run_folder = RunFolder(run)
    checkpoint, tokenizer = load_checkpoint(run)
    if not isinstance(checkpoint, MeanPooledDistilBert):
        raise SystemExit(f"{run} is not a run of a DistilBERT with a mean-pooled head")
    training = read_dataset(run_folder.splits).part("train").texts
    return Setting(
        run=run,
        model=model,
        checkpoint=checkpoint,
        tokenizer=tokenizer,
        max_length=run_folder.read_json(run_folder.provenance)["options"]["max_length"],
        graph=float_graph(checkpoint, folder),
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
        maximum, mean: absolute differences of its probabilities from the checkpoint's, on the
            sample; None where it has other weights.
        rates: films/s of each round.
        inner_rates: the same without the start of a process, if it starts one.
    """

    contender: Contender
    films: Films
    maximum: float | None
    mean: float | None
    rates: list[float] = field(default_factory=list)
    inner_rates: list[float] = field(default_factory=list)

    def measure(self) -> None:
        """Tag the share once more."""
        seconds, answer = _timed(self.contender, self.films)
        self.rates.append(len(self.films) / seconds)
        if answer.inner_seconds is not None:
            self.inner_rates.append(len(self.films) / answer.inner_seconds)
        print(f"  {self.contender.name}: {self.rates[-1]:,.1f} films/s", flush=True)

    def as_dicts(self) -> list[dict[str, Any]]:
        """Return its row in the JSON file, and one without start-up if it starts a process."""
        row = {
            "name": self.contender.name,
            "says": self.contender.how,
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
    """Matrix products, and their operations/s in each round."""

    name: str
    products: Products
    rates: list[float] = field(default_factory=list)

    def measure(self) -> None:
        """Multiply for a second."""
        self.rates.append(self.products.rate())
        print(f"  8-bit products, {self.name}: {self.rates[-1] / 1e9:,.0f} GOP/s", flush=True)


def _timed(contender: Contender, films: Films) -> tuple[float, Answer]:
    """Return (seconds, answer), by the contender's own clock if it has one."""
    started = time.perf_counter()
    answer = contender.run(films)
    seconds = time.perf_counter() - started
    return seconds if answer.seconds is None else answer.seconds, answer


def prepared(
    kind: type[Contender], setting: Setting, films: Films, sample: Films, truth: Floats, most: float
) -> Measured:
    """Prepare a contender, run it on the sample, and give it a share of the films.

    Args:
        kind: of contender.
        setting: to prepare it from.
        films: all films.
        sample: films for comparing probabilities.
        truth: the checkpoint's probabilities of the sample.
        most: about how many seconds the share may take in a round.

    Raises:
        Unavailable: it cannot run here.
    """
    missing = [package for package in kind.needs if find_spec(package) is None]
    if missing:
        raise Unavailable(f"not installed: pip install {' '.join(missing)}")
    contender = kind()
    contender.prepare(setting)
    contender.run(sample)  # warm-up
    seconds, answer = _timed(contender, sample)
    share = len(films) if kind.ours else max(1, int(most * len(sample) / seconds))
    if answer.probabilities is None:
        return Measured(contender, films.spread(share), None, None)
    differences = np.abs(answer.probabilities - truth)
    maximum, mean = float(differences.max()), float(differences.mean())
    return Measured(contender, films.spread(share), maximum, mean)


def measure(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Return what goes into the JSON file."""
    threads = options.threads or available_cores()
    torch.set_num_threads(threads)
    model = Path(options.model or default_model())
    tagger = GenreTagger.load(model)
    films = distinct_films(options.catalog, tagger).spread(options.films)
    sample = films.spread(options.sample)
    setting = prepare_setting(options.run, model, threads, folder)
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
        for step in rotated(steps, number):
            step.measure()
        if not number:
            for step in measured:
                step.rates.clear()
                step.inner_rates.clear()
            for gauge in products:
                gauge.rates.clear()
    lengths = [len(ids) for ids in setting.tokens(films.texts)]
    return {
        "machine": {**machine_facts(PACKAGES), "threads": threads},
        "model_sha256": tagger.sha256,
        "films": len(films),
        "sample": len(sample),
        "mean_tokens": round(float(np.mean(lengths)), 1),
        "rounds": options.rounds,
        "operations_per_film": round(operations(config, lengths)),
        "operations_per_second": {
            gauge.name: [round(rate) for rate in gauge.rates] for gauge in products
        },
        "contenders": [row for step in measured for row in step.as_dicts()],
        "left_out": left_out,
    }


def _bound(result: dict[str, Any]) -> list[str]:
    """Return the section on the machine's limit, and the share of it that is reached."""
    each = result["operations_per_film"]
    rates = {row["name"]: row["films_per_second"] for row in result["contenders"]}
    lines = [
        "### The machine's limit",
        "",
        f"A film's matrix products (six layers, attention included, {result['mean_tokens']} tokens "
        f"on average) are {each / 1e9:.2f} billion operations. onnxruntime's 8-bit product "
        "(`MatMulInteger`, uint8 x int8), with a one-thread session on each core, measured in the "
        "same rounds:",
        "",
        "| product | GOP/s | films/s, at most | "
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
        lines.append(table_row([name, gops, spread(allowed, ",.0f"), *shares]))
    return lines


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


OVERVIEW = tuple(kind.name for kind in (Pipeline, OnnxFloat, OpenVinoLow, OpenVinoInt8))
"""Contenders of the table of processors."""


def _processor(result: dict[str, Any]) -> str:
    facts = result["machine"]
    fast = [flag for flag in facts["flags"] if flag.startswith(("amx", "avx512_vnni", "i8mm"))]
    name = facts["processor"] or facts["architecture"]
    return f"{name}, {facts['cores']} cores, {', '.join(fast) or 'no 8-bit products'}"


def _overview(result: dict[str, Any]) -> str:
    """Return a machine's row of the table of processors."""
    rates = {row["name"]: row["films_per_second"] for row in result["contenders"]}
    cells = [_processor(result), result["model_sha256"][:12], spread(rates[Tag.name], ",.0f")]
    for name in OVERVIEW:
        pairs = zip(rates[Tag.name], rates.get(name, []), strict=False)
        ratios = [own / rate for own, rate in pairs]
        cells.append(spread(ratios, ".2f") if ratios else "")
    return table_row(cells)


def markdown(results: dict[str, Any]) -> str:
    """Return the page, made from the JSON file alone."""
    lines = [
        "# Films per second",
        "",
        "Speed and ratios depend on the processor: one section for each that was measured.",
        "",
        table_row(
            [
                "processor",
                "model",
                f"`{Tag.name}`, films/s",
                *(f"x {name}" for name in OVERVIEW),
            ]
        ),
        "|---" * (3 + len(OVERVIEW)) + "|",
        *(_overview(result) for result in results["machines"]),
        "",
    ]
    return "\n".join([*lines, *(_section(result) for result in results["machines"])])


def _section(result: dict[str, Any]) -> str:
    """Return a machine's section."""
    rows = result["contenders"]
    ours = {row["name"]: row["films_per_second"] for row in rows}
    lines = [
        f"## {_processor(result)}",
        "",
        f"{result['films']:,} films with distinct texts of {result['mean_tokens']} tokens on "
        f"average, model {result['model_sha256'][:12]}. {machine_sentence(result['machine'])}",
        "",
        f"All in turn, once a round, with {_counted(result['machine']['threads'], 'thread')}. "
        f"{confidence_sentence(result['rounds'])}. The two ratios, taken within each round, state "
        "how many times as fast this project is as the contender. Contenders run the float32 "
        "checkpoint that the model was exported from, including its mean-pooled head, or their own "
        "conversion of it. All times include tokenization, except those of the model alone. "
        "Differences: of probabilities, from the checkpoint's, on "
        f"{result['sample']:,} films.",
        "",
        f"| contender | how | films per round | films/s | {Tag.name} / contender "
        f"| {Library.name} / contender "
        "| largest difference | mean difference |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        rates = row["films_per_second"]
        ratios = [
            spread([own / rate for own, rate in zip(ours[kind.name], rates, strict=True)], ".2f")
            for kind in (Tag, Library)
        ]
        differences = [
            "" if row[key] is None else f"{row[key]:.{digits}f}"
            for key, digits in (("max_difference", 4), ("mean_difference", 5))
        ]
        cells = [row["name"], row["says"], f"{row['films']:,}", spread(rates, ",.0f")]
        lines.append(table_row([*cells, *ratios, *differences]))
    lines += ["", *(f"- left out: {row['name']}: {row['why']}." for row in result["left_out"])]
    return "\n".join([*lines, "", *_bound(result), ""]).replace("\n\n\n", "\n\n")


def _measured(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    return with_other_machines(options.output / "speed.json", measure(options, folder))


def main() -> None:
    """Measure and write the results."""
    parser = benchmark_parser(__doc__, catalog=True, model=True, results=True)
    parser.add_argument("run", type=Path)
    parser.add_argument("--films", type=int, default=1_000_000, help="at most")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=20, help="per contender and round, about")
    parser.add_argument("--sample", type=int, default=256, help="films for comparing probabilities")
    parser.add_argument("--threads", type=int, help="default: the cores this process may use")
    measure_and_write(parser.parse_args(), "speed", _measured, markdown)


if __name__ == "__main__":
    main()

"""The whole chain of commands on catalogs of many shapes.

    python -m benchmarks.quality.any_table [--only SHAPE ...] [-o docs/results]

Each shape (benchmarks/common/shapes.py) goes through `train`, `export-onnx`, `inspect`, `tag`,
`evaluate` and `tune` of the installed command. Its texts are made by templates
(benchmarks/common/generated.py), so nothing is downloaded. English shapes start from two layers of
MiniLM; others from a tiny DistilBERT with random weights and a vocabulary of the shape's own words.
All figures are on 500 further rows of the same kind. TF-IDF with logistic regression is fitted to
the same training rows, its thresholds found on the same part `dev` by the same method.

Writes any-table.json and, made from it, any-table.md; with `--only`, shapes that any-table.json has
already stay in it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from benchmarks.common.arguments import benchmark_parser
from benchmarks.common.process import COMMAND
from benchmarks.common.results import table_row, write_results
from benchmarks.common.shapes import SHAPES, Rows, Shape
from genre_batch import Decision, GenreTagger
from genre_batch.thresholds.confusion import f1_per_genre
from genre_batch.thresholds.methods import DEFAULT_METHOD, METHODS

Labels = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

HELD_OUT = 500
MAX_LENGTH = 64
ENGLISH_BASE = ("--base-model", "minilm", "--layers", "2", "--epochs", "4")
OWN_BASE = ("--epochs", "12", "--learning-rate", "3e-3", "--batch-size", "16")
"""Options of a base model with random weights, which has everything to learn."""
CLOSE = 0.02
"""Differences of macro-F1 below it are not told from none."""
MORE_POINTS = ("recall=0.8", "cost=1:2")


def run(*arguments: str | Path) -> str:
    """Run the installed command; return what it prints on stdout.

    Raises:
        SystemExit: it failed.
    """
    done = subprocess.run([COMMAND, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"genre-batch {' '.join(map(str, arguments))}:\n{done.stderr}")
    return done.stdout


def make_base(folder: Path, texts: Sequence[str]) -> None:
    """Write a tiny DistilBERT with random weights whose vocabulary are the words of the texts."""
    import torch
    from tokenizers import normalizers, pre_tokenizers
    from transformers import AutoConfig, AutoModel, AutoTokenizer

    splitter = pre_tokenizers.BertPreTokenizer()
    normalizer = normalizers.BertNormalizer(strip_accents=False, lowercase=False)
    words = {
        word
        for text in texts
        for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(text))
    }
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *sorted(words)]
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    sizes = {"dim": 64, "n_layers": 2, "n_heads": 4, "hidden_dim": 128}
    config = AutoConfig.for_model(
        "distilbert",
        vocab_size=len(vocabulary),
        max_position_embeddings=128,
        initializer_range=0.1,
        **sizes,
    )
    config.save_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(  # type: ignore[no-untyped-call]
        folder, do_lower_case=False, strip_accents=False, model_max_length=128
    )
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    model = AutoModel.from_config(config)  # type: ignore[no-untyped-call]
    model.save_pretrained(folder)


def as_matrix(labels: Sequence[Sequence[str]], names: Sequence[str]) -> Labels:
    """Return (rows, names) labels, 0 or 1."""
    columns = {name: column for column, name in enumerate(names)}
    matrix = np.zeros((len(labels), len(names)), dtype=np.int64)
    for row, chosen in enumerate(labels):
        known = [columns[name] for name in chosen if name in columns]
        matrix[row, known] = 1
    return matrix


def baseline(folder: Path, held_out: Rows, names: Sequence[str]) -> Bools:
    """Return the predictions of TF-IDF with logistic regression, (held-out rows, names)."""
    table = pq.read_table(folder / "splits.parquet")
    texts, parts = table["text"].to_pylist(), np.array(table["part"].to_pylist())
    labels = as_matrix(table["labels"].to_pylist(), names)
    vectorizer = TfidfVectorizer(sublinear_tf=True, token_pattern=r"(?u)\w+")
    train, dev = parts == "train", parts == "dev"
    features = vectorizer.fit_transform(
        [text for text, part in zip(texts, train, strict=True) if part]
    )
    on_dev = vectorizer.transform([text for text, part in zip(texts, dev, strict=True) if part])
    scored = vectorizer.transform(held_out.texts)
    probabilities = [np.full((part.shape[0], len(names)), 1e-3) for part in (on_dev, scored)]
    for column in range(len(names)):
        if 0 < labels[train, column].sum() < train.sum():
            fitted = LogisticRegression(C=10, max_iter=300).fit(features, labels[train, column])
            for part, values in zip((on_dev, scored), probabilities, strict=True):
                values[:, column] = fitted.predict_proba(part)[:, 1]
    predicted: Bools = probabilities[1] >= METHODS[DEFAULT_METHOD](probabilities[0], labels[dev])
    return predicted


def measure(shape: Shape, folder: Path) -> dict[str, Any]:
    """Send a shape through the chain; return its figures."""
    started = time.perf_counter()
    rows, held_out = shape.draw(HELD_OUT)
    catalog, others = folder / f"catalog{shape.suffix}", folder / f"others{shape.suffix}"
    shape.write(rows, catalog)
    shape.write(held_out, others)
    base: tuple[str, ...] = ENGLISH_BASE
    if shape.scripts != ("latin",):
        make_base(folder / "base", rows.texts)
        base = ("--base-model", str(folder / "base"), *OWN_BASE)
    run_folder, model, tuned = folder / "run", folder / "model.onnx", folder / "tuned.onnx"
    length = ("--max-length", str(MAX_LENGTH))
    run("train", catalog, "-o", run_folder, *base, *length, *shape.options, *shape.training)
    run("export-onnx", run_folder, "-o", model, "--max-loss", "100")
    contents = json.loads(run("inspect", model, "--json"))
    plain = folder / "plain.jsonl"
    plain.write_text("".join(json.dumps({"text": text}) + "\n" for text in held_out.texts))
    tagged = run("tag", plain, "-m", model, "--text-column", "text").splitlines()
    evaluated = json.loads(
        run("evaluate", others, "-m", model, "--ignore-unknown", "--json", *shape.options)
    )
    split = ("--split", run_folder / "splits.parquet", "--part", "dev")
    more = [word for point in MORE_POINTS for word in ("--operating-point", point)]
    more += shape.options
    run("tune", catalog, "-m", model, "-o", tuned, *split, *more)
    truth = as_matrix(held_out.labels, shape.labels)
    given = [json.loads(line)["predicted_genres"] for line in tagged]
    best_point, best = best_operating_point(tuned, held_out.texts, truth, shape.labels)
    return {
        "shape": shape.name,
        "what": shape.what,
        "rows": shape.rows,
        "labels": len(shape.labels) + shape.singles,
        "labels_of_the_model": len(contents["labels"]),
        "tfidf": macro_f1(truth, baseline(run_folder, held_out, shape.labels)),
        "ours": macro_f1(truth, as_matrix(given, shape.labels) == 1),
        "evaluated": evaluated["scores"]["macro_f1"],
        "best": best,
        "best_point": best_point,
        "largest_single": largest_single_share(given, rows),
        "seconds": round(time.perf_counter() - started),
    }


def macro_f1(truth: Labels, predicted: Bools) -> float:
    """Return the mean F1 of the labels, to four places."""
    return round(float(f1_per_genre(truth, predicted).mean()), 4)


def best_operating_point(
    model: Path, texts: Sequence[str], truth: Labels, names: Sequence[str]
) -> tuple[str, float]:
    """Return the operating point with the largest macro-F1 on these rows, and that macro-F1."""
    tagger = GenreTagger.load(model)
    probabilities = tagger.predict_proba(texts)
    scores = {}
    for point in tagger.metadata.operating_points:
        decision = Decision(operating_point=point)
        given = decision.genres(tagger.metadata, probabilities).to_pylist()
        scores[point] = macro_f1(truth, as_matrix([row or () for row in given], names) == 1)
    best = max(scores, key=lambda point: scores[point])
    return best, scores[best]


def largest_single_share(given: Sequence[Sequence[str]], rows: Rows) -> float | None:
    """Return the largest share of rows that get a label of one row; None if there is no such."""
    counts = as_matrix(rows.labels, rows.names).sum(axis=0)
    single = [name for name, count in zip(rows.names, counts, strict=True) if count == 1]
    return float(as_matrix(given, single).mean(axis=0).max()) if single else None


def markdown(result: dict[str, Any]) -> str:
    """Return the page, made from the JSON file alone."""
    lines = [
        "# Any table",
        "",
        "Generated catalogs of many shapes, each sent through `train`, `export-onnx`, `inspect`, "
        "`tag`, `evaluate` and `tune` (`benchmarks/quality/any_table.py`). Texts are made by "
        "templates; English shapes start from two layers of MiniLM, those marked * from a tiny "
        f"DistilBERT with random weights. Figures are macro-F1 on {HELD_OUT} further rows, over "
        "the labels with more than one row. TF-IDF: with logistic regression, on the same rows. "
        "Best point: the operating point that is best on those further rows, so somewhat "
        "optimistic.",
        "",
        "| shape | rows | labels | TF-IDF | ours | best point | most rows of a label of one row |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in result["rows"]:
        share = row["largest_single"]
        mark = " *" if row["own_base"] else ""
        cells = [
            f"{row['what']}{mark}",
            f"{row['rows']:,}",
            f"{row['labels']}",
            f"{row['tfidf']:.3f}",
            f"{row['ours']:.3f}",
            f"{row['best']:.3f} ({row['best_point']})",
            "-" if share is None else f"{share:.1%}",
        ]
        lines.append(table_row(cells))
    minutes = sum(row["seconds"] for row in result["rows"]) / 60
    lines += ["", _against_tfidf(result["rows"]), ""]
    lines += [f"All shapes together took {minutes:.0f} minutes, beside other work.", ""]
    return "\n".join(lines)


def _against_tfidf(rows: list[dict[str, Any]]) -> str:
    """Return sentences on where the models are below TF-IDF, and why."""
    gains = {row["what"]: row["ours"] - row["tfidf"] for row in rows}
    below = sorted((gain, what) for what, gain in gains.items() if gain <= -CLOSE)
    level = sum(abs(gain) < CLOSE for gain in gains.values())
    text = (
        f"Of {len(rows)} shapes, the models are better than TF-IDF in "
        f"{sum(gain >= CLOSE for gain in gains.values())}, within {CLOSE} of it in {level} and "
        f"worse in {len(below)}"
    )
    if below:
        text += f" ({', '.join(f'{what}: {gain:+.3f}' for gain, what in below)})"
    return (
        f"{text}. Each label of the templates has words of its own, which is what TF-IDF counts; "
        f"meaning, which a pre-trained encoder adds, decides nothing here. The English models are "
        f"trained for 4 epochs, the default, where `train --dry-run` advises 8 to 30 for tables of "
        f"this size."
    )


def main() -> None:
    """Measure and write the results."""
    parser = benchmark_parser(__doc__, results=True)
    names = [shape.name for shape in SHAPES]
    parser.add_argument("--only", nargs="+", choices=names, metavar="SHAPE", help=", ".join(names))
    options = parser.parse_args()
    path = options.output / "any-table.json"
    done = {}
    if options.only and path.exists():
        done = {row["shape"]: row for row in json.loads(path.read_text())["rows"]}
    for shape in SHAPES:
        if options.only and shape.name not in options.only:
            continue
        print(shape.name, file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory() as folder:
            figures = measure(shape, Path(folder))
        done[shape.name] = figures | {"own_base": shape.scripts != ("latin",)}
        print(json.dumps(done[shape.name]), file=sys.stderr, flush=True)
    rows = [done[name] for name in names if name in done]
    write_results(options.output, "any-table", {"rows": rows}, markdown)


if __name__ == "__main__":
    main()

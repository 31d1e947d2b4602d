"""Measure how often two snapshots of a source give a film the same genres: the ceiling of a model.

    python -m benchmarks.quality.label_agreement ONE TWO [--on COLUMN ...] [--evaluation FILE.json]
        [-o docs/results]

A model that learns one snapshot's labels can hardly agree with them more than another snapshot
does. ONE and TWO are labeled catalogs with films in common, such as downloads of one database in
two years, or of two databases with the same names of genres. Films are matched by their text, or by
--on: the values of columns that both have, such as an id, or a title and a year; a value that
several films of a catalog have is left out. For each genre, the F1 of TWO against ONE (which is
also that of ONE against TWO), how many films have it in each, and Cohen's kappa; overall with
bootstrap intervals over films. --evaluation: the output of `genre-batch evaluate --json` on films
of ONE, whose F1 is put beside it.

Writes label-agreement.json and, made from it, label-agreement.md. Takes seconds.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from benchmarks.common.arguments import benchmark_parser
from benchmarks.common.results import measure_and_write, score_cell, table_row
from genre_batch.catalog.formats import input_location
from genre_batch.catalog.options import ColumnOptions, ReadingOptions
from genre_batch.dataset.labelled import LabelledCatalog, encode_labels, read_labelled
from genre_batch.evaluation.metrics import score_predictions
from genre_batch.model.text_keys import TEXT_KEY_VERSION

Labels = npt.NDArray[np.uint8]


def _read(path: Path) -> LabelledCatalog:
    return read_labelled(
        input_location(str(path)), ColumnOptions(), ReadingOptions(), titles="optional"
    )


def _values(path: Path, catalog: LabelledCatalog, columns: list[str]) -> list[Any]:
    """Return what each row is matched by; None: it is not matched."""
    if not columns:
        keys = catalog.keys_as(TEXT_KEY_VERSION).tolist()
        return [key if has else None for key, has in zip(keys, catalog.has_text, strict=True)]
    try:
        table = catalog.table.select(columns)
    except KeyError as error:
        raise SystemExit(f"{path} lacks a column of --on: {error}") from error
    cells = [column.cast(pa.string()).to_pylist() for column in table.columns]
    rows = zip(*cells, strict=True)
    return [None if None in row else tuple(cell.strip().lower() for cell in row) for row in rows]


def matched(one: list[Any], two: list[Any]) -> list[tuple[int, int]]:
    """Return pairs of rows with the same value, which no other row of either catalog has."""
    places = []
    for values in (one, two):
        counts = Counter(values)
        places.append(
            {
                value: row
                for row, value in enumerate(values)
                if value is not None and counts[value] == 1
            }
        )
    return [(row, places[1][value]) for value, row in places[0].items() if value in places[1]]


def agreement(one: Labels, two: Labels, names: list[str]) -> dict[str, Any]:
    """Compare two sets of labels of the same films, (films, genres) each."""
    scores = score_predictions(one, two.astype(np.float32), np.full(len(names), 0.5), tuple(names))
    genres = []
    for index, name in enumerate(names):
        first, second = one[:, index].astype(bool), two[:, index].astype(bool)
        by_chance = first.mean() * second.mean() + (~first).mean() * (~second).mean()
        equal = (first == second).mean()
        genres.append(
            {
                "genre": name,
                "one": int(first.sum()),
                "two": int(second.sum()),
                "both": int((first & second).sum()),
                "f1": round(scores.f1[name], 4),
                "kappa": round(float((equal - by_chance) / (1 - by_chance)), 4)
                if by_chance < 1
                else None,
            }
        )
    per_film = [round(float(labels.sum(axis=1).mean()), 2) for labels in (one, two)]
    same = float((one == two).all(axis=1).mean())
    figures = scores.as_dict()
    del figures["map"], figures["map_interval"], figures["f1"]
    return {"scores": figures, "per_film": per_film, "same": round(same, 4), "genres": genres}


def measure(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Return what goes into the JSON file."""
    catalogs = [_read(path) for path in (options.one, options.two)]
    values = [
        _values(path, catalog, options.on)
        for path, catalog in zip((options.one, options.two), catalogs, strict=True)
    ]
    pairs = [
        pair
        for pair in matched(*values)
        if all(catalog.has_labels[row] for catalog, row in zip(catalogs, pair, strict=True))
    ]
    if not pairs:
        raise SystemExit("no film is in both catalogs: match them by other columns, --on")
    cells = [
        [catalog.genres[pair[side]] for pair in pairs] for side, catalog in enumerate(catalogs)
    ]
    known = [{name for cell in side for name in cell} for side in cells]
    names = sorted(known[0] & known[1])
    if not names:
        raise SystemExit("the catalogs have no name of a genre in common")
    kept = [[[name for name in cell if name in names] for cell in side] for side in cells]
    one, two = (encode_labels(side, names) for side in kept)
    measured = {}
    if options.evaluation is not None:
        rows = json.loads(options.evaluation.read_text(encoding="utf-8"))["genres"]
        measured = {row["genre"]: row["f1"] for row in rows}
    return {
        "one": options.one.name,
        "two": options.two.name,
        "on": options.on or ["text"],
        "films": len(pairs),
        "left_out": sorted(known[0] ^ known[1]),
        "model_f1": measured,
        **agreement(one, two, names),
    }


def markdown(result: dict[str, Any]) -> str:
    """Return the page, made from the JSON file alone."""
    scores, models = result["scores"], result["model_f1"]
    own = ["model's F1"] if models else []
    lines = [
        "# Agreement of labels",
        "",
        f"{result['films']:,} films that are in both {result['one']} and {result['two']}, matched "
        f"by {' and '.join(result['on'])}: macro-F1 {score_cell(scores, 'macro_f1')}, micro-F1 "
        f"{score_cell(scores, 'micro_f1')}, all genres of a film equal for {result['same']:.1%}; "
        f"{result['per_film'][0]} and {result['per_film'][1]} genres a film. A model that learned "
        "the one can hardly agree with it more than the other does.",
        "",
        "| genre | films in one | in two | in both | F1 | kappa |"
        + (" model's F1 |" if models else ""),
        "|---|---|---|---|---|---|" + "---|" * len(own),
    ]
    for row in result["genres"]:
        kappa = "" if row["kappa"] is None else f"{row['kappa']:.3f}"
        cells = [row["genre"], *(f"{row[key]:,}" for key in ("one", "two", "both"))]
        cells += [f"{row['f1']:.3f}", kappa]
        if models:
            cells.append(f"{models[row['genre']]:.3f}" if row["genre"] in models else "")
        lines.append(table_row(cells))
    if result["left_out"]:
        lines += ["", f"Genres that only one of them has: {', '.join(result['left_out'])}."]
    return "\n".join([*lines, ""])


def main() -> None:
    """Measure and write the results."""
    parser = benchmark_parser(__doc__, results=True)
    parser.add_argument("one", type=Path)
    parser.add_argument("two", type=Path)
    parser.add_argument("--on", nargs="+", default=[], metavar="COLUMN", help="default: the text")
    parser.add_argument("--evaluation", type=Path, metavar="FILE.json")
    measure_and_write(parser.parse_args(), "label-agreement", measure, markdown)


if __name__ == "__main__":
    main()

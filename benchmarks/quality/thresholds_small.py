"""Compare threshold methods on small tables, with rare and many labels.

    python -m benchmarks.quality.thresholds_small [--catalog CATALOG --split FILE] [-o docs/results]

Tables of 100 to 10,000 rows are divided as `train` does: thresholds are found on a fifth of the
rows (`dev`) and scored on 4,000 other rows.

Simulated tables have 3, 20 or 200 labels and 30 further labels of one row each. The log odds of
positives and negatives are normal, more or less apart; the model's are those of a calibrated model,
or compressed, stretched or shifted (`MODELS`). Text tables are made by templates
(benchmarks/common/generated.py); the model is TF-IDF with logistic regression, fitted to seven
tenths of the rows. With a catalog, the shipped model's cross-fitted macro-F1 on its part `dev` is
added; no other part is read.

Writes thresholds-small.json and, made from it, thresholds-small.md. Everything is seeded.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from benchmarks.common.arguments import benchmark_parser
from benchmarks.common.generated import draw_label_sets, write_texts
from benchmarks.common.results import table_row, write_results
from genre_batch import GenreTagger
from genre_batch.thresholds.confusion import f1_per_genre
from genre_batch.thresholds.cross_fit import cross_fitted
from genre_batch.thresholds.exact_f1 import f1_optimal
from genre_batch.thresholds.expected_f1 import f1_expected
from genre_batch.thresholds.methods import DEFAULT_METHOD, METHODS, Method

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]

JOINT_SEARCHES = ("beam", "genetic")
"""Left out: they maximize what `f1` maximizes, and take minutes with 200 labels."""
UNLIMITED: dict[str, Method] = {
    "f1, without the limit": f1_optimal,
    "f1-expected, without the limit": f1_expected,
}
ROWS = (100, 300, 1000, 3000, 10_000)
LABELS = (3, 20, 200)
SINGLES = 30
DISTANCES = {"poor": 0.7, "good": 2.0, "separable": 6.0}
"""Kind of model -> distance between the means of positives and negatives, in deviations."""
MODELS = {
    "calibrated": (1.0, 0.0),
    "underconfident": (0.15, 0.0),
    "overconfident": (3.0, 0.0),
    "shifted": (0.15, 0.5),
}
"""Kind of model -> slope and shift of its log odds."""
LARGE_TABLES = ((3000, "good", "calibrated"), (3000, "good", "underconfident"))
"""Rows, distance and model of tables with 200 labels and more than 1,000 rows."""
SCORED_ROWS = 4000
TEXT_ROWS = (100, 300, 1000, 3000)
TEXT_LABELS = (3, 20, 100)
DRAWS = 10


@dataclass(frozen=True)
class Case:
    """Probabilities to find thresholds on, and others to score them on.

    Attributes:
        source: `simulated` or `texts`.
        rows: of the whole table.
        labels: the number of labels with more than one row.
        distance: of `DISTANCES`; empty for texts.
        model: of `MODELS`; empty for texts.
        dev, dev_labels: (rows / 5, labels + SINGLES).
        scored: (SCORED_ROWS, labels + SINGLES).
        truth: (SCORED_ROWS, labels).
    """

    source: str
    rows: int
    labels: int
    distance: str
    model: str
    dev: Floats
    dev_labels: Labels
    scored: Floats
    truth: Labels


def sigmoid(values: Floats) -> Floats:
    """Return the logistic function of each value."""
    return np.asarray(1 / (1 + np.exp(-values)))


def single_positives(rows: int, random: np.random.Generator) -> Labels:
    """Return (rows, SINGLES) labels of one row in a table five times as long."""
    labels = np.zeros((rows, SINGLES), dtype=np.int64)
    in_dev = np.flatnonzero(random.random(SINGLES) < 0.2)
    labels[random.integers(0, rows, len(in_dev)), in_dev] = 1
    return labels


def simulated(rows: int, labels: int, distance: str, model: str, seed: int) -> Case:
    """Draw log odds that are normal given the label, and distort them as a model would."""
    random = np.random.default_rng([seed, rows, labels, list(DISTANCES).index(distance)])
    films, apart = rows // 5, DISTANCES[distance]
    shares = (
        random.uniform(0.05, 0.4, labels) if labels <= 20 else random.uniform(0.005, 0.1, labels)
    )
    truth = (random.random((films + SCORED_ROWS, labels)) < shares).astype(np.int64)
    spread = random.normal(0, 1, truth.shape) + truth * apart
    odds = apart * spread - apart**2 / 2 + np.log(shares / (1 - shares))
    middles = random.normal(-4, 1, SINGLES)
    others = middles + random.normal(0, 0.7 * apart, (len(odds), SINGLES))
    slope, shift = MODELS[model]
    probabilities = sigmoid(slope * np.hstack([odds, others]) + shift)
    dev_labels = np.hstack([truth[:films], single_positives(films, random)])
    return Case(
        *("simulated", rows, labels, distance, model),
        *(probabilities[:films], dev_labels, probabilities[films:], truth[films:]),
    )


def from_texts(rows: int, labels: int, seed: int) -> Case:
    """Fit logistic regressions on TF-IDF of generated texts; the last labels have one row each."""
    random = np.random.default_rng([seed, rows, labels])
    shares = np.maximum(0.45 / (1 + np.arange(labels)) ** 0.8, 6 / rows)
    sets = draw_label_sets(rows + SCORED_ROWS, shares, random)
    singles = random.integers(0, rows, SINGLES).tolist()
    for position, row in enumerate(singles):
        sets[row] = (*sets[row], labels + position)
    drawn = write_texts(sets, labels + SINGLES, random, signal=0.35)
    truth = np.zeros((len(sets), labels + SINGLES), dtype=np.int64)
    for row, chosen in enumerate(sets):
        truth[row, list(chosen)] = 1
    train, dev = slice(0, int(0.7 * rows)), slice(int(0.7 * rows), int(0.9 * rows))
    vectorizer = TfidfVectorizer(sublinear_tf=True)
    features = vectorizer.fit_transform(drawn.texts[train])
    probabilities = np.full(truth.shape, 1 / (rows + 2))
    others = vectorizer.transform(drawn.texts[train.stop :])
    for label in np.flatnonzero(truth[train].any(axis=0)).tolist():
        fitted = LogisticRegression(C=10, max_iter=300).fit(features, truth[train, label])
        probabilities[train.stop :, label] = fitted.predict_proba(others)[:, 1]
    return Case(
        *("texts", rows, labels, "", ""),
        *(probabilities[dev], truth[dev], probabilities[rows:], truth[rows:, :labels]),
    )


def cases() -> Iterator[Case]:
    """Yield every table; of those with 200 labels and more than 1,000 rows only a few."""
    for rows, labels in itertools.product(ROWS, LABELS):
        large = labels == max(LABELS) and rows > 1000
        for distance, model in itertools.product(DISTANCES, MODELS):
            if not large or (rows, distance, model) in LARGE_TABLES:
                for seed in range(2 if rows <= 1000 and labels <= 20 else 1):
                    yield simulated(rows, labels, distance, model, seed)
    for rows, labels in itertools.product(TEXT_ROWS, TEXT_LABELS):
        for seed in range(3 if labels <= 20 else 1):
            yield from_texts(rows, labels, seed)


def score(case: Case, method: Method) -> dict[str, Any]:
    """Return the macro-F1 of a method and its largest shares of rows."""
    predicted = case.scored >= method(case.dev, case.dev_labels)
    shares = predicted.mean(axis=0)
    few = case.dev_labels.sum(axis=0) < 5
    return {
        "macro_f1": float(f1_per_genre(case.truth, predicted[:, : case.labels]).mean()),
        "largest_single": float(shares[case.labels :].max()),
        "largest_few": float(shares[few].max(initial=0)),
    }


def movies(catalog: str, split: str) -> dict[str, float]:
    """Return each method's cross-fitted macro-F1 of the shipped model on the part `dev`."""
    from benchmarks.quality.thresholds import part

    probabilities, labels = part(catalog, split, GenreTagger.load(), "dev")
    return {
        name: float(
            np.mean(
                [
                    f1_per_genre(
                        labels,
                        probabilities >= cross_fitted(method, probabilities, labels, seed),
                    ).mean()
                    for seed in range(DRAWS)
                ]
            )
        )
        for name, method in METHODS.items()
    }


def measure(catalog: str | None, split: str | None) -> dict[str, Any]:
    """Return what goes into the JSON file."""
    methods = {name: find for name, find in METHODS.items() if name not in JOINT_SEARCHES}
    rows = []
    for number, case in enumerate(cases(), start=1):
        print(f"table {number}: {case.source}, {case.rows} rows", file=sys.stderr, flush=True)
        for name, method in (methods | UNLIMITED).items():
            rows.append(
                {
                    "method": name,
                    "source": case.source,
                    "rows": case.rows,
                    "labels": case.labels,
                    "distance": case.distance,
                    "model": case.model,
                    **score(case, method),
                }
            )
    found = movies(catalog, split) if catalog is not None and split is not None else {}
    return {"default": DEFAULT_METHOD, "tables": summaries(rows), "movies": found}


def summaries(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return each method's figures by source, rows, labels, distance and model."""
    exact = {_place(row, index): row["macro_f1"] for index, row in _numbered(rows, "f1")}
    found = []
    for method in dict.fromkeys(row["method"] for row in rows):
        own = list(_numbered(rows, method))
        groups: dict[str, list[tuple[int, dict[str, Any]]]] = {}
        for index, row in own:
            source = row["source"]
            for name in (f"{source} {row['rows']} rows", f"{source} {row['labels']} labels"):
                groups.setdefault(name, []).append((index, row))
            if source == "simulated":
                groups.setdefault(row["model"], []).append((index, row))
                groups.setdefault(row["distance"], []).append((index, row))
            groups.setdefault(source, []).append((index, row))
        entry: dict[str, Any] = {
            name: round(float(np.mean([row["macro_f1"] for _, row in group])), 4)
            for name, group in groups.items()
        }
        lost = [
            exact[_place(row, index)] - row["macro_f1"]
            for index, row in own
            if row["distance"] == "separable"
        ]
        found.append(
            {
                "method": method,
                "macro_f1": entry,
                "largest_single": round(max(row["largest_single"] for _, row in own), 4),
                "largest_few": round(max(row["largest_few"] for _, row in own), 4),
                "lost_on_separable": round(max(lost), 4),
            }
        )
    return sorted(found, key=lambda row: -float(row["macro_f1"]["simulated"]))


def _numbered(rows: list[dict[str, Any]], method: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the rows of one method with their numbers, which are the same for every method."""
    return iter(enumerate(row for row in rows if row["method"] == method))


def _place(row: dict[str, Any], index: int) -> tuple[Any, ...]:
    return index, row["source"], row["rows"], row["labels"]


def markdown(result: dict[str, Any]) -> str:
    """Return the page, made from the JSON file alone."""
    lines = [
        "# Threshold methods on small tables",
        "",
        "Thresholds found on a fifth of a table's rows, scored on 4,000 other rows. Simulated "
        f"tables have 3, 20 or 200 labels and {SINGLES} further labels of one row each; the texts "
        "are made by templates, their model is TF-IDF with logistic regression. How: the docstring "
        "of `benchmarks/quality/thresholds_small.py`. All methods limit the thresholds of labels "
        "with fewer than five positives (`thresholds/few_positives.py`); two are shown without.",
        "",
    ]
    lines += _group_table(
        result, "Simulated: mean macro-F1 by rows of the table", _names("simulated", "rows")
    )
    lines += _group_table(
        result, "Simulated: mean macro-F1 by labels", _names("simulated", "labels")
    )
    lines += _group_table(
        result,
        "Simulated: mean macro-F1 by the model's probabilities",
        [(name, name) for name in (*MODELS, *DISTANCES)],
    )
    lines += _group_table(result, "Texts: mean macro-F1 by rows", _names("texts", "rows"))
    lines += _group_table(result, "Texts: mean macro-F1 by labels", _names("texts", "labels"))
    lines += [
        "## Largest shares of rows",
        "",
        "The largest share of the 4,000 other rows on which a label is predicted, in any table: a "
        "label of one row, and a label with fewer than five positives among the rows that the "
        "thresholds were found on (with 20 such rows, four positives are a fifth of them). Last "
        "column: the most macro-F1 lost against `f1` on a table whose labels are separable.",
        "",
        "| method | label of one row | label with few positives | lost on separable tables |",
        "|---|---|---|---|",
    ]
    for row in result["tables"]:
        cells = [f"{row['largest_single']:.1%}", f"{row['largest_few']:.0%}"]
        lines.append(table_row([row["method"], *cells, f"{row['lost_on_separable']:.3f}"]))
    if result["movies"]:
        lines += [
            "",
            "## The movies",
            "",
            "The shipped model on its development films, cross-fitted: each half is scored with "
            "thresholds found on the other half.",
            "",
            "| method | macro-F1 |",
            "|---|---|",
        ]
        ordered = sorted(result["movies"].items(), key=lambda item: -item[1])
        lines += [table_row([name, f"{value:.4f}"]) for name, value in ordered]
    lines += ["", f"The default of `train` and `tune` is `{result['default']}`.", ""]
    return "\n".join(lines)


def _names(source: str, kind: str) -> list[tuple[str, str]]:
    """Return (name of the group, heading) of each number of rows or labels."""
    counts = {
        ("simulated", "rows"): ROWS,
        ("simulated", "labels"): LABELS,
        ("texts", "rows"): TEXT_ROWS,
        ("texts", "labels"): TEXT_LABELS,
    }[source, kind]
    return [(f"{source} {count} {kind}", f"{count:,}") for count in counts]


def _group_table(result: dict[str, Any], title: str, groups: list[tuple[str, str]]) -> list[str]:
    lines = [
        f"## {title}",
        "",
        table_row(["method", *(heading for _, heading in groups)]),
        f"|{'---|' * (len(groups) + 1)}",
    ]
    for row in result["tables"]:
        cells = [f"{row['macro_f1'][name]:.3f}" for name, _ in groups]
        lines.append(table_row([row["method"], *cells]))
    return [*lines, ""]


def main() -> None:
    """Measure and write the results."""
    parser = benchmark_parser(__doc__, results=True)
    parser.add_argument("--catalog", help="labeled films for the last table")
    parser.add_argument("--split", help="its file of parts")
    options = parser.parse_args()
    result = measure(options.catalog, options.split)
    write_results(options.output, "thresholds-small", result, markdown)


if __name__ == "__main__":
    main()

"""Generated catalogs of many shapes: each as a file, with the options that `train` needs."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.common.generated import draw_label_sets, write_texts

__all__ = ["SHAPES", "Rows", "Shape"]

Writer = Callable[["Rows", Path], None]


@dataclass(frozen=True)
class Rows:
    """Labeled rows, before they have a format.

    Attributes:
        texts: (n,).
        labels: (n,) names of each row's labels.
        names: all labels.
    """

    texts: Sequence[str]
    labels: Sequence[Sequence[str]]
    names: Sequence[str]


@dataclass(frozen=True)
class Shape:
    """A kind of labeled catalog.

    Attributes:
        name: for `--only`.
        what: one phrase about it, for the page.
        labels: names of its labels, with more than one row each.
        shares: of the rows that each label belongs to, 0..1.
        write: writes rows as a file.
        suffix: of that file.
        options: of `train`, `evaluate` and `tune`, to read it.
        training: further options of `train`.
        rows: of the catalog.
        singles: further labels of one row each.
        scripts: of the texts; any but `latin` alone needs a base model made for them.
        signal: the share of words that come from a row's labels.
        least: the least number of labels of a row.
        exclusive: whether each row has exactly one label.
    """

    name: str
    what: str
    labels: tuple[str, ...]
    shares: tuple[float, ...]
    write: Writer
    suffix: str = ".csv"
    options: tuple[str, ...] = ()
    training: tuple[str, ...] = ()
    rows: int = 900
    singles: int = 0
    scripts: tuple[str, ...] = ("latin",)
    signal: float = 0.45
    least: int = 1
    exclusive: bool = False
    single_names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        names = tuple(f"Single {number + 1}" for number in range(self.singles))
        object.__setattr__(self, "single_names", names)

    def draw(self, held_out: int, seed: int = 0) -> tuple[Rows, Rows]:
        """Draw the catalog, and further rows to score on; these have no single labels."""
        random = np.random.default_rng([seed, len(self.name), self.rows])
        total = self.rows + held_out
        if self.exclusive:
            share = np.array(self.shares) / sum(self.shares)
            drawn = random.choice(len(share), total, p=share)
            sets: list[tuple[int, ...]] = [(label,) for label in drawn.tolist()]
        else:
            sets = draw_label_sets(total, self.shares, random, self.least)
        places = random.choice(self.rows, self.singles, replace=False).tolist()
        for number, row in enumerate(places):
            sets[row] = (*sets[row], len(self.labels) + number)
        names = (*self.labels, *self.single_names)
        drawn_texts = write_texts(
            sets, len(names), random, scripts=self.scripts, signal=self.signal
        ).texts
        labels = [tuple(names[position] for position in chosen) for chosen in sets]
        return (
            Rows(drawn_texts[: self.rows], labels[: self.rows], names),
            Rows(drawn_texts[self.rows :], labels[self.rows :], names),
        )


def _write_csv(header: Sequence[str], rows: Sequence[Sequence[str]], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])


def joined(text: str, label: str, separator: str) -> Writer:
    """Return a writer of CSV whose label cells are joined by a separator."""

    def write(rows: Rows, path: Path) -> None:
        cells = [separator.join(labels) for labels in rows.labels]
        _write_csv((text, label), list(zip(rows.texts, cells, strict=True)), path)

    return write


def tagged(rows: Rows, path: Path) -> None:
    """Write CSV whose label cells are `<a><b>`."""
    cells = ["".join(f"<{label}>" for label in labels) for labels in rows.labels]
    numbers = map(str, range(len(cells)))
    _write_csv(("Id", "body", "tags"), list(zip(numbers, rows.texts, cells, strict=True)), path)


def json_lines(rows: Rows, path: Path) -> None:
    """Write JSON Lines with lists of labels."""
    with path.open("w", encoding="utf-8") as file:
        for text, labels in zip(rows.texts, rows.labels, strict=True):
            record = {"headline": text[:20], "text": text, "topics": list(labels)}
            file.write(json.dumps(record, ensure_ascii=False) + "\n")


def one_hot(rows: Rows, path: Path) -> None:
    """Write CSV with one column of 0 and 1 for each label."""
    cells = [
        [text, *(str(int(name in labels)) for name in rows.names)]
        for text, labels in zip(rows.texts, rows.labels, strict=True)
    ]
    _write_csv(("comment_text", *rows.names), cells, path)


def row_per_label(rows: Rows, path: Path) -> None:
    """Write CSV with one row for each text and label."""
    cells = [
        (text, label)
        for text, labels in zip(rows.texts, rows.labels, strict=True)
        for label in labels
    ]
    _write_csv(("text", "label"), cells, path)


def _tail(count: int) -> tuple[float, ...]:
    """Return falling shares of many labels, the least 0.006."""
    return tuple(float(max(0.12 / (1 + index) ** 0.6, 0.006)) for index in range(count))


_CODES = ("cs.LG", "cs.AI", "cs.CL", "math.ST", "stat.ML", "q-bio.QM")
_TOPICS = ("Economy, Business", "Arts", "Sports", "Health, Food", "Travel", "Weather")
_TAGS = ("python", "c++", "sql", "regex", "docker", "numpy", "linux", "bash")
_GENRES = ("drama", "comedy", "horror", "western", "musical", "thriller")
_HARMS = ("insult", "threat", "obscene", "spam")
_CYRILLIC = tuple(
    "".join(map(chr, code))
    for code in (
        (0x434, 0x440, 0x430, 0x43C, 0x430),
        (0x43A, 0x43E, 0x43C, 0x435, 0x434, 0x438, 0x44F),
        (0x443, 0x436, 0x430, 0x441, 0x44B),
        (0x43C, 0x44E, 0x437, 0x438, 0x43A, 0x43B),
    )
)
_HAN = tuple(
    "".join(map(chr, code)) for code in ((0x5267, 0x60C5), (0x559C, 0x5267), (0x6050, 0x6016))
)
_MANY = tuple(f"topic {number:03}" for number in range(200))

SHAPES = (
    Shape(
        *("papers", "papers, codes joined by spaces", _CODES, (0.5, 0.4, 0.3, 0.15, 0.3, 0.1)),
        joined("abstract", "categories", " "),
        options=("--text-column", "abstract", "--genre-column", "categories"),
    ),
    Shape(
        *("news", "news, JSON lists, names with commas", _TOPICS, (0.3, 0.2, 0.2, 0.2, 0.15, 0.1)),
        json_lines,
        suffix=".jsonl",
        options=("--genre-column", "topics"),
    ),
    Shape(
        *("questions", "questions, `<a><b>`", _TAGS, (0.3, 0.2, 0.2, 0.15, 0.1, 0.1, 0.2, 0.1)),
        tagged,
        options=("--text-column", "body", "--genre-column", "tags"),
    ),
    Shape(
        *("plots", "plots, `drama/comedy`", _GENRES, (0.5, 0.4, 0.2, 0.1, 0.1, 0.2)),
        joined("plot", "genre", "/"),
    ),
    Shape(
        *("moderation", "moderation, flags, 80 % without any", _HARMS, (0.08, 0.05, 0.07, 0.05)),
        one_hot,
        options=("--text-column", "comment_text", "--label-columns", ",".join(_HARMS)),
        least=0,
        rows=1200,
    ),
    Shape(
        *("russian", "Cyrillic", _CYRILLIC, (0.4, 0.3, 0.2, 0.2)),
        joined("text", "genres", ", "),
        scripts=("cyrillic",),
    ),
    Shape(
        *("chinese", "Chinese characters", _HAN, (0.4, 0.4, 0.3)),
        joined("text", "genres", chr(0x3001)),
        scripts=("han",),
    ),
    Shape(
        *("mixed", "four scripts by turns", _GENRES[:4], (0.4, 0.3, 0.3, 0.2)),
        joined("text", "genres", ", "),
        scripts=("latin", "cyrillic", "greek", "han"),
        rows=1200,
    ),
    Shape(
        *("three", "three labels, one a row", _GENRES[:3], (0.5, 0.3, 0.2)),
        joined("text", "genres", ", "),
        exclusive=True,
    ),
    Shape(
        *("many", "200 labels", _MANY, _tail(200)),
        joined("text", "labels", ";"),
        options=("--genre-column", "labels"),
        rows=1500,
    ),
    Shape(
        *(
            "singles",
            "30 labels of one row each besides six",
            _GENRES,
            (0.4, 0.3, 0.2, 0.2, 0.2, 0.1),
        ),
        joined("text", "genres", ", "),
        training=("--min-films", "1"),
        singles=30,
        rows=600,
    ),
    Shape(
        *("rare", "99 : 1", ("usual", "rare"), (0.99, 0.01)),
        joined("text", "genres", ", "),
        exclusive=True,
        rows=1500,
    ),
    Shape(
        *("separable", "300 rows that words separate", _GENRES[:3], (0.4, 0.3, 0.3)),
        joined("text", "genres", ", "),
        exclusive=True,
        rows=300,
        signal=0.95,
    ),
    Shape(
        *("grouped", "one row for each text and label", _GENRES, (0.4, 0.3, 0.2, 0.2, 0.2, 0.2)),
        row_per_label,
        options=("--genre-column", "label", "--group-rows"),
    ),
    Shape(
        *("pipes", "pipes, names with commas", _TOPICS, (0.3, 0.2, 0.2, 0.2, 0.15, 0.1)),
        joined("text", "topics", "|"),
        options=("--genre-column", "topics"),
    ),
)

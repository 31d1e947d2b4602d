"""Systems side by side: the rows of a comparison, and the table beside the paper's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from genre_batch.evaluation.metrics import Scores, score_predictions
from genre_batch.evaluation.per_genre import GenreScores, genre_scores
from genre_batch.thresholds.methods import find_thresholds

__all__ = [
    "FIXED",
    "PAPER",
    "SCHEMES",
    "TOP_GENRE",
    "Answers",
    "Row",
    "Trial",
    "comparison_markdown",
    "rows_of",
]

Answers = tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]
"""(films, genres) probabilities and, of the same films, labels of 0 and 1."""

FIXED = "fixed-0.5"
TOP_GENRE = "top-genre"
SCHEMES = (FIXED, "anneal-1", "anneal-5", "anneal-10", "anneal-10-decay", "mcc-grid", "f1")
"""The paper's threshold schemes, reference [3]'s, and the one that this tool uses."""

PAPER = {
    ("always-0", FIXED): ("control (always 0)", 0.8779, 0.7057),
    ("distilbert", FIXED): ("original model", 0.9579, 0.9296),
    ("distilbert-oversampled", "anneal-1"): ("1 pass, step 0.001", 0.9519, 0.9186),
    ("distilbert-oversampled", "anneal-5"): ("5 passes, step 0.001", 0.9523, 0.9211),
    ("distilbert-oversampled", "anneal-10"): ("10 passes, step 0.001", 0.9519, 0.9222),
    ("distilbert-oversampled", "anneal-10-decay"): ("10 passes, step 0.001/i", 0.9528, 0.9205),
}
"""Balete and Ducay 2024, figure 3: (system, thresholds) -> what they call it, accuracy, score."""

_DIGITS = {"zeros": 4}


@dataclass(frozen=True)
class Trial:
    """What one system made of the held-out films.

    Attributes:
        system: its name.
        says: what it is.
        protocol: `clean` or `paper`.
        data: `original` or `oversampled`: what it learnt from and, under the paper's protocol, was
            tested on too.
        reads: `overview` or `title and overview`.
        single_genre: it gives each film its likeliest genre, and no threshold matters.
        schemes: the threshold schemes to apply.
        base_model: the encoder it started from; None: no encoder.
        copies_by: the translator of the copies it learnt from; None: no copies.
        training_films, seen: films learnt from; films of the test part that it had learnt from.
        seed: of everything random.
        seconds: of learning.
        films_per_second: of predicting the test part.
        parameters: numbers learnt.
        quick: too little was learnt for the figures to mean anything.
        zeros: of all labels of all parts, the share that is 0: what answering 0 for everything
            scores on the whole catalog.
    """

    system: str
    says: str
    protocol: str
    data: str
    reads: str
    single_genre: bool
    schemes: tuple[str, ...]
    base_model: str | None
    copies_by: str | None
    training_films: int
    seen: int
    seed: int
    seconds: float
    films_per_second: float
    parameters: int
    quick: bool
    zeros: float | None = None


@dataclass(frozen=True)
class Row:
    """One trial under one threshold scheme, on the test part.

    Attributes:
        trial: which system, how learnt.
        thresholds: the scheme, or `top-genre`.
        scores: on the test part; the mean average precision is of the probabilities themselves.
        commonest: of the test part's commonest genre, whose confusion matrix the paper shows.
    """

    trial: Trial
    thresholds: str
    scores: Scores
    commonest: GenreScores

    def as_dict(self) -> dict[str, Any]:
        """A flat JSON-ready dict: the trial's fields, the scores' and the confusion matrix."""
        trial = asdict(self.trial)
        del trial["schemes"]
        scores = self.scores.as_dict()
        del scores["f1"]
        matrix = {name: getattr(self.commonest, name) for name in ("genre", "tp", "fp", "fn", "tn")}
        return {
            "system": trial.pop("system"),
            "thresholds": self.thresholds,
            "protocol": trial.pop("protocol"),
            **scores,
            **{
                name: round(value, _DIGITS.get(name, 2)) if isinstance(value, float) else value
                for name, value in trial.items()
            },
            "commonest": matrix,
        }


def rows_of(trial: Trial, names: Sequence[str], development: Answers, test: Answers) -> list[Row]:
    """A row for each threshold scheme of a trial; one for a system that gives one genre.

    Args:
        trial: which system, how learnt.
        names: the genres, in column order.
        development: what thresholds are found on.
        test: what is scored.
    """
    probabilities, labels = test
    commonest = int(labels.sum(axis=0).argmax())
    rows = []
    for scheme in (TOP_GENRE,) if trial.single_genre else trial.schemes:
        if scheme == TOP_GENRE:
            decided, thresholds = _top(probabilities), np.full(len(names), 0.5)
        else:
            decided, thresholds = probabilities, find_thresholds(scheme, *development)
        scores = score_predictions(labels, decided, thresholds, names)
        if trial.single_genre:
            ranked = score_predictions(labels, probabilities, thresholds, names)
            scores = replace(scores, map=ranked.map, map_interval=ranked.map_interval)
        one = [commonest]
        matrix = genre_scores(labels[:, one], decided[:, one], thresholds[one], [names[commonest]])
        rows.append(Row(trial, scheme, scores, matrix[0]))
    return rows


def _top(probabilities: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """1 for each film's likeliest genre, 0 for the others."""
    top = np.zeros_like(probabilities)
    top[np.arange(len(top)), probabilities.argmax(axis=1)] = 1.0
    return top


def _by_system(rows: Sequence[dict[str, Any]]) -> dict[str, dict[str, dict[str, Any]]]:
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["system"], {})[row["thresholds"]] = row
    return found


def _interval(row: dict[str, Any], name: str) -> str:
    low, high = row[f"{name}_interval"]
    return f"{row[name]:.3f} ({low:.3f}-{high:.3f})"


def _paper_table(rows: Sequence[dict[str, Any]]) -> list[str]:
    """The paper's figure 3, ours beside it under each protocol."""
    lines = [
        "## The paper's table",
        "",
        "| paper's description | system, thresholds | accuracy: paper | `paper` | `clean` "
        "| score: paper | `paper` | `clean` |",
        "|---|---|---|---|---|---|---|---|",
    ]
    held = {(row["system"], row["thresholds"], row["protocol"]): row for row in rows}
    for (system, scheme), (description, accuracy, score) in PAPER.items():
        ours = [held.get((system, scheme, protocol)) for protocol in ("paper", "clean")]
        cells = [
            [f"{theirs:.4f}", *("-" if row is None else f"{row[name]:.4f}" for row in ours)]
            for name, theirs in (("accuracy", accuracy), ("score", score))
        ]
        lines.append(
            f"| {description} | {system}, {scheme} | {' | '.join(cells[0])} "
            f"| {' | '.join(cells[1])} |"
        )
    controls = {row["protocol"]: row for row in rows if row["system"] == "always-0"}
    whole = [
        f"{controls[protocol]['zeros']:.4f} on the {what} one (`{protocol}`)"
        for protocol, what in (("clean", "original"), ("paper", "oversampled"))
        if protocol in controls and controls[protocol]["zeros"] is not None
    ]
    if whole:
        lines += [
            "",
            f"Answering 0 for everything scores this accuracy on the whole catalog, of which the "
            f"test part is a sample: {', '.join(whole)}.",
        ]
    paper = [row for row in rows if row["protocol"] == "paper" and not row["seen"]]
    if paper:
        best = max(paper, key=lambda row: float(row["accuracy"]))
        fairest = max(paper, key=lambda row: float(row["score"]))
        lines += [
            "",
            f"Nearest to the paper's 0.9579 under its protocol: {best['system']}, "
            f"{best['thresholds']}, accuracy {best['accuracy']:.4f}; to its score of 0.9296: "
            f"{fairest['system']}, {fairest['thresholds']}, {fairest['score']:.4f}.",
        ]
    return lines


def _systems_table(protocol: str, rows: Sequence[dict[str, Any]]) -> list[str]:
    """Every system at its best-founded thresholds: `f1`, or what it has."""
    chosen = [
        schemes.get("f1") or next(iter(schemes.values())) for schemes in _by_system(rows).values()
    ]
    films = sorted({f"{row['films']:,}" for row in chosen})
    lines = [
        f"## Protocol `{protocol}`: every system",
        "",
        f"Test films: {' or '.join(films)}.",
        "",
        "| system | thresholds | macro-F1 | micro-F1 | mAP | accuracy | score | learnt in "
        "| films/s | parameters |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in chosen:
        seen = f" (learnt from {row['seen']:,} of the test films)" if row["seen"] else ""
        lines.append(
            f"| {row['system']}: {row['says']}{seen} | {row['thresholds']} "
            f"| {_interval(row, 'macro_f1')} | {_interval(row, 'micro_f1')} "
            f"| {_interval(row, 'map')} | {row['accuracy']:.4f} | {row['score']:.4f} "
            f"| {row['seconds']:,.0f} s | {row['films_per_second']:,.0f} | {row['parameters']:,} |"
        )
    return lines


def _schemes_table(protocol: str, rows: Sequence[dict[str, Any]]) -> list[str]:
    """Macro-F1 of every system that takes thresholds, under every scheme."""
    lines = [
        f"## Protocol `{protocol}`: threshold schemes, macro-F1",
        "",
        f"| system | {' | '.join(SCHEMES)} |",
        "|---|" + "---|" * len(SCHEMES),
    ]
    for system, schemes in _by_system(rows).items():
        if "f1" in schemes:
            cells = (f"{schemes[name]['macro_f1']:.3f}" for name in SCHEMES if name in schemes)
            lines.append(f"| {system} | {' | '.join(cells)} |")
    return lines


def comparison_markdown(rows: Sequence[dict[str, Any]]) -> str:
    """The tables of a comparison, from the rows of its JSON alone.

    Args:
        rows: of `Row.as_dict`.
    """
    protocols = list(dict.fromkeys(row["protocol"] for row in rows))
    translators = sorted({row["copies_by"] for row in rows if row["copies_by"]})
    encoders = sorted({row["base_model"] for row in rows if row["base_model"]})
    lines = [
        "# The paper's experiment, and what leakage did to it",
        "",
        "`paper`: films with none of the four commonest genres are back-translated first, then all "
        "rows are split, so that a film and its copies come into different parts. `clean`: films "
        "are split first, those with the same overview together, and copies are learnt from only. "
        "Thresholds are found on the development part. Intervals: 95 %, bootstrap over test films. "
        "Systems marked *one genre* give each film its likeliest genre only and are scored on that "
        "(`top-genre`). Seconds and films/s were taken once, beside whatever else the machine did: "
        "orders of magnitude.",
    ]
    if any(row["quick"] for row in rows):
        lines += ["", "**Made with --quick: it shows that the command runs, and nothing else.**"]
    differences = []
    if translators:
        differences.append(
            f"copies were made by {' and '.join(translators)} (the paper's: Chinese, Filipino, "
            f"Spanish, Japanese, Korean)"
        )
    if encoders:
        differences.append(
            f"the encoders' base weights are {' and '.join(f'`{name}`' for name in encoders)} "
            f"(the paper's: `distilbert-base-uncased`), their heads read the mean of the tokens, "
            f"and those for several genres learn ten times as fast as the encoder"
        )
    if differences:
        lines += ["", f"Done differently from the paper: {'; '.join(differences)}."]
    lines += ["", *_paper_table(rows)]
    for protocol in protocols:
        held = [row for row in rows if row["protocol"] == protocol]
        lines += ["", *_systems_table(protocol, held), "", *_schemes_table(protocol, held)]
    return "\n".join([*lines, ""])

"""The tables of a comparison in Markdown, ours next to the paper's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from genre_batch.comparison.scoring import FIXED, SCHEMES

__all__ = ["PAPER", "PAPER_GENRES", "comparison_markdown"]

PAPER = {
    ("always-0", FIXED): ("control (always 0)", 0.8779, 0.7057),
    ("distilbert", FIXED): ("original model", 0.9579, 0.9296),
    ("distilbert-oversampled", "anneal-1"): ("1 pass, step 0.001", 0.9519, 0.9186),
    ("distilbert-oversampled", "anneal-5"): ("5 passes, step 0.001", 0.9523, 0.9211),
    ("distilbert-oversampled", "anneal-10"): ("10 passes, step 0.001", 0.9519, 0.9222),
    ("distilbert-oversampled", "anneal-10-decay"): ("10 passes, step 0.001/i", 0.9528, 0.9205),
}
"""Balete and Ducay 2024, figure 3: (system, thresholds) -> their name for it, accuracy, score."""

PAPER_GENRES = {
    *("Action", "Adventure", "Animation", "Comedy", "Crime", "Documentary", "Drama", "Family"),
    *("Fantasy", "History", "Horror", "Music", "Mystery", "Romance", "Science Fiction"),
    *("TV Movie", "Thriller", "War", "Western"),
}
"""The genres of the paper's catalog. A catalog with another one is not compared with the paper."""

Rows = Sequence[dict[str, Any]]

_METHOD = (
    "`paper`: films with none of the four most common genres are back-translated first, then all "
    "rows are split, so that a film and its copies may be in different parts. `clean`: films are "
    "split first, keeping those with the same overview together, and copies are used for training "
    "only. Thresholds are fitted on the development part. Intervals: 95 %, bootstrap over test "
    "films. Systems marked *one genre* predict each film's most probable genre only and are scored "
    "on it (`top-genre`). Seconds and films/s were measured once, on a machine with other work: "
    "they only show orders of magnitude."
)


def comparison_markdown(rows: Rows, *, of_paper: bool = True) -> str:
    """Write the tables of a comparison.

    Args:
        rows: of comparison.json.
        of_paper: whether the catalog's genres are the paper's, so that its figures are comparable.
    """
    title = "The paper's experiment, and the effect of leakage" if of_paper else "Systems compared"
    lines = [f"# {title}", "", _METHOD]
    if any(row["quick"] for row in rows):
        lines += [
            "",
            "**Made with --quick: it shows that the command runs; the figures mean nothing.**",
        ]
    differences = _differences(rows)
    if differences and of_paper:
        lines += ["", f"Differences from the paper: {'; '.join(differences)}."]
    if of_paper:
        lines += ["", *_paper_table(rows), *_whole_catalog(rows), *_best(rows)]
    for protocol in dict.fromkeys(row["protocol"] for row in rows):
        selected = [row for row in rows if row["protocol"] == protocol]
        lines += ["", *_systems_table(protocol, selected), "", *_schemes_table(protocol, selected)]
    return "\n".join([*lines, ""])


def _differences(rows: Rows) -> list[str]:
    translators = sorted({row["copies_by"] for row in rows if row["copies_by"]})
    encoders = sorted({row["base_model"] for row in rows if row["base_model"]})
    differences = []
    if translators:
        differences.append(
            f"copies were made by {' and '.join(translators)} (the paper's: Chinese, Filipino, "
            f"Spanish, Japanese, Korean)"
        )
    if encoders:
        differences.append(
            f"the encoders' base weights are {' and '.join(f'`{name}`' for name in encoders)} "
            f"(the paper's: `distilbert-base-uncased`), their heads pool the mean of the tokens, "
            f"and heads for several genres have ten times the encoder's learning rate"
        )
    return differences


def _paper_table(rows: Rows) -> list[str]:
    """Return the paper's figure 3 with our figures under each protocol."""
    lines = [
        "## The paper's table",
        "",
        "| paper's description | system, thresholds | accuracy: paper | `paper` | `clean` "
        "| score: paper | `paper` | `clean` |",
        "|---|---|---|---|---|---|---|---|",
    ]
    by_key = {(row["system"], row["thresholds"], row["protocol"]): row for row in rows}
    for (system, scheme), (description, accuracy, score) in PAPER.items():
        ours = [by_key.get((system, scheme, protocol)) for protocol in ("paper", "clean")]
        cells = [
            cell
            for measure, theirs in (("accuracy", accuracy), ("score", score))
            for cell in (
                f"{theirs:.4f}",
                *("-" if row is None else f"{row[measure]:.4f}" for row in ours),
            )
        ]
        lines.append(f"| {description} | {system}, {scheme} | {' | '.join(cells)} |")
    return lines


def _whole_catalog(rows: Rows) -> list[str]:
    """Return the accuracy of predicting no genre for the whole catalog."""
    controls = {row["protocol"]: row for row in rows if row["system"] == "always-0"}
    accuracies = [
        f"{controls[protocol]['zeros']:.4f} for the {data} catalog (`{protocol}`)"
        for protocol, data in (("clean", "original"), ("paper", "oversampled"))
        if protocol in controls and controls[protocol]["zeros"] is not None
    ]
    if not accuracies:
        return []
    return [
        "",
        f"Predicting no genre for all films of the catalog, of which the test part is a sample, "
        f"has an accuracy of {', '.join(accuracies)}.",
    ]


def _best(rows: Rows) -> list[str]:
    """Name the systems with the best accuracy and score under the paper's protocol."""
    paper = [row for row in rows if row["protocol"] == "paper" and not row["seen"]]
    if not paper:
        return []
    accurate = max(paper, key=lambda row: float(row["accuracy"]))
    scoring = max(paper, key=lambda row: float(row["score"]))
    return [
        "",
        f"Best accuracy under the paper's protocol, where it reports 0.9579: {accurate['system']}, "
        f"{accurate['thresholds']}, {accurate['accuracy']:.4f}; best score (the paper's: 0.9296): "
        f"{scoring['system']}, {scoring['thresholds']}, {scoring['score']:.4f}.",
    ]


def _by_system(rows: Rows) -> dict[str, dict[str, dict[str, Any]]]:
    """Map each system to its rows by threshold scheme."""
    by_system: dict[str, dict[str, dict[str, Any]]] = {}
    for row in rows:
        by_system.setdefault(row["system"], {})[row["thresholds"]] = row
    return by_system


def _interval(row: dict[str, Any], name: str) -> str:
    low, high = row[f"{name}_interval"]
    return f"{row[name]:.3f} ({low:.3f}-{high:.3f})"


def _systems_table(protocol: str, rows: Rows) -> list[str]:
    """List every system at the thresholds `f1`, or at its own."""
    chosen = [
        schemes.get("f1") or next(iter(schemes.values())) for schemes in _by_system(rows).values()
    ]
    films = sorted({f"{row['films']:,}" for row in chosen})
    lines = [
        f"## Protocol `{protocol}`: every system",
        "",
        f"Test films: {' or '.join(films)}.",
        "",
        "| system | thresholds | macro-F1 | micro-F1 | mAP | accuracy | score | trained in "
        "| films/s | parameters |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in chosen:
        seen = f" (trained on {row['seen']:,} of the test films)" if row["seen"] else ""
        lines.append(
            f"| {row['system']}: {row['says']}{seen} | {row['thresholds']} "
            f"| {_interval(row, 'macro_f1')} | {_interval(row, 'micro_f1')} "
            f"| {_interval(row, 'map')} | {row['accuracy']:.4f} | {row['score']:.4f} "
            f"| {row['seconds']:,.0f} s | {row['films_per_second']:,.0f} | {row['parameters']:,} |"
        )
    return lines


def _schemes_table(protocol: str, rows: Rows) -> list[str]:
    """List the macro-F1 of every system with thresholds under every scheme."""
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

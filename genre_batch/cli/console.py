"""Tables, progress bars and messages; all of them go to stderr unless they are data."""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from genre_batch.cli.signals import STOP_SIGNALS
from genre_batch.errors import GenreBatchWarning, counted

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from genre_batch.auditing.summary import AuditResult
    from genre_batch.tagging.summary import TagSummary

__all__ = [
    "figures_table",
    "is_quiet",
    "is_shown",
    "is_verbose",
    "note",
    "note_choices",
    "print_json",
    "print_tables",
    "print_totals",
    "progress_option",
    "rows_progress",
    "set_stop_message",
    "show_summary",
    "steps_progress",
    "table",
    "warn_of_rows",
]


_MOST_NAMED = 3
"""Rejects files that a line names; a folder may have thousands."""


def _group_flag(name: str) -> bool:
    context = click.get_current_context(silent=True)
    flags = context.obj if context is not None else None
    return bool(flags and flags[name])


def is_quiet() -> bool:
    """Return whether `--quiet` was given."""
    return _group_flag("quiet")


def is_verbose() -> bool:
    """Return whether `--verbose` was given."""
    return _group_flag("verbose")


def note(message: str) -> None:
    """Print a line to stderr, unless `--quiet` was given."""
    if not is_quiet():
        click.echo(message, err=True)


def progress_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--progress / --no-progress` to a command."""
    return click.option(
        "--progress/--no-progress",
        default=None,
        help="Show progress on stderr.  [default: when stderr is a terminal]",
    )(command)


def is_shown(requested: bool | None) -> bool:
    """Return whether to print what an option requested; None: if stderr is a terminal."""
    return not is_quiet() and (sys.stderr.isatty() if requested is None else requested)


def set_stop_message(begun: str, advice: str) -> None:
    """Set what a stopped command prints: how to resume, if its work has begun.

    Args:
        begun: a file that exists as soon as there is something to resume.
        advice: what to type then, in ASCII.
    """
    STOP_SIGNALS.outcome = lambda: (
        f"to resume, {advice}" if os.path.exists(begun) else "nothing was written"
    )


class RowsBar:
    """A progress bar of rows, or none; called with the rows done and their total."""

    def __init__(self, bar: Any = None) -> None:
        self._bar = bar

    def __call__(self, done: int, total: int | None) -> None:
        """Move the bar."""
        if self._bar is not None:
            self._bar.total = total
            self._bar.update(done - self._bar.n)

    def status(self, text: str) -> None:
        """Set the words at the end of the bar."""
        if self._bar is not None:
            self._bar.set_postfix_str(text, refresh=False)


@contextlib.contextmanager
def rows_progress(requested: bool | None) -> Iterator[RowsBar]:
    """Show a progress bar of rows, with rate and ETA; yield the callback that moves it.

    Args:
        requested: the value of `--progress`; None: only when stderr is a terminal.
    """
    STOP_SIGNALS.working = True
    if not is_shown(requested):
        yield RowsBar()
        return
    from tqdm import tqdm

    with tqdm(unit=" rows", dynamic_ncols=True, delay=0 if requested else 0.5) as bar:
        yield RowsBar(bar)
        if bar.total is not None:
            bar.total = bar.n


@contextlib.contextmanager
def steps_progress(requested: bool | None) -> Iterator[Callable[[int, int, str], None]]:
    """Show a progress bar for each stage with steps, and a line for each without.

    Args:
        requested: the value of `--progress`; None: only when stderr is a terminal.

    Yields:
        The callback that moves the bars.
    """
    STOP_SIGNALS.working = True
    if not is_shown(requested):
        yield lambda done, total, stage: None
        return
    from tqdm import tqdm

    with contextlib.ExitStack() as stack:
        current = ""
        bars: list[tqdm[Any]] = []

        def advance(done: int, total: int, stage: str) -> None:
            nonlocal current
            if bars and (stage != current or total != bars[0].total):
                bars.pop().close()
            current = stage
            if not total:
                click.echo(f"{stage} ...", err=True)
                return
            if not bars:
                # Of steps or texts, by the stage: the bar has no unit.
                bar = tqdm(desc=stage, total=total, initial=done - 1, unit="", dynamic_ncols=True)
                bars.append(stack.enter_context(bar))
            bars[0].update(done - bars[0].n)

        yield advance


def _console(stderr: bool) -> Console:
    from rich.console import Console

    console = Console(stderr=stderr, highlight=False)
    if not console.is_terminal:
        # Redirected output has no width of its own.
        console.width = 120
    return console


def table(title: str, *columns: str) -> Table:
    """Create a table; the first column is left-justified, the others hold numbers."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    created = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    for index, column in enumerate(columns):
        created.add_column(column, justify="right" if index else "left", overflow="fold")
    return created


def print_tables(*tables: Table, stderr: bool = True) -> None:
    """Print tables to stderr, unless `--quiet`, or to stdout if they are the command's data."""
    if stderr and is_quiet():
        return
    console = _console(stderr)
    for each in tables:
        console.print(each)


def print_json(value: Any) -> None:
    """Print one JSON value to stdout, in ASCII where stdout is not UTF-8."""
    import codecs
    import json

    is_utf8 = codecs.lookup(sys.stdout.encoding or "ascii").name == "utf-8"
    click.echo(json.dumps(value, indent=2, ensure_ascii=not is_utf8))


def show_summary(summary: TagSummary) -> None:
    """Print the table of genre counts and the totals of a run."""
    counts = table("Predicted genres", "genre", "rows", "share of rows", "mean confidence")
    for count in summary.genres:
        confidence = "-" if count.mean_confidence is None else f"{count.mean_confidence:.2f}"
        counts.add_row(count.genre, f"{count.rows:,}", f"{count.share:.1%}", confidence)
    print_tables(counts)
    groups = {
        "without text": summary.rows_without_text,
        "without a genre": summary.rows_without_genre,
        "skipped": summary.rows_skipped,
        "in other languages": summary.rows_in_other_languages,
    }
    work = []
    if summary.texts_from_cache:
        work += [
            f"{counted(summary.texts_predicted, 'text')} predicted",
            f"{summary.texts_from_cache:,} from the cache",
        ]
    speed = f"{summary.rows_per_second:,.0f} rows/s"
    print_totals(summary, summary.rejects, groups, [*work, f"{summary.seconds:,.1f} s", speed])
    if summary.genres_off:
        click.echo(f"off at this operating point: {', '.join(summary.genres_off)}", err=True)


def print_totals(
    result: TagSummary | AuditResult,
    rejects: Sequence[str],
    groups: Mapping[str, int],
    work: Sequence[str],
) -> None:
    """Print a line with the number of rows, some of them, and what the run did.

    Args:
        result: of the run.
        rejects: the files of the rows that could not be read.
        groups: what some rows are -> their number; those of 0 are left out.
        work: what the run did.
    """
    files = _named(rejects) or "not saved"
    groups = {
        **groups,
        "padded with nulls": result.rows_padded,
        f"more rejected ({files})": result.rows_rejected,
    }
    parts = [f"{count:,} {group}" for group, count in groups.items() if count]
    written = [] if result.output is None else [f"written to {result.output}"]
    click.echo(", ".join([counted(result.rows, "row"), *parts, *work, *written]), err=True)


def _named(files: Sequence[str]) -> str:
    """Return the names of files, or only their number and folder if they are many."""
    folder = os.path.dirname(files[0]) if len(files) > _MOST_NAMED else ""
    while len(folder) > 1 and not all(file.startswith(f"{folder}/") for file in files):
        folder = os.path.dirname(folder)
    return f"{len(files):,} files in {folder}/" if len(folder) > 1 else ", ".join(files)


def note_choices(result: TagSummary | AuditResult, role: str, column: str | None) -> None:
    """Print, with `--verbose`, the model and columns of a run, and where probabilities came from.

    Args:
        result: of the run.
        role: of the column besides the text column.
        column: its name; None: there is none.
    """
    if is_verbose():
        note(f"model {result.model} (sha256 {result.model_sha256[:16]})")
        note(f"text column {result.text_column!r}, {role} column {column!r}")
        note(
            f"{counted(result.texts_predicted, 'text')} predicted, "
            f"{result.texts_from_cache:,} from the cache"
        )


def warn_of_rows(result: TagSummary | AuditResult, rejects: Sequence[str]) -> None:
    """Warn of rows that could not be read, and of rows that were padded with nulls.

    Args:
        result: of the run.
        rejects: the files of the rows that could not be read.
    """
    from genre_batch.catalog.rejects import padded_note, rejects_note

    if result.rows_rejected:
        first, advice = result.first_reject or "", result.reject_advice
        text = rejects_note(result.rows_rejected, first, advice, _named(rejects))
        warnings.warn(text, GenreBatchWarning, stacklevel=2)
    if result.rows_padded:
        text = padded_note(result.rows_padded, result.first_padded or "")
        warnings.warn(text, GenreBatchWarning, stacklevel=2)


def figures_table(metrics: Mapping[str, Any], row_name: str = "films") -> Table:
    """Create a table of scores by part and text variant, each with its 95 % interval.

    A model whose thresholds were tuned has one row, for the films that it was tuned on. The column
    of their numbers is headed by what the model calls a row.
    """
    scores_table = table("Figures", "part, text", row_name, "macro-F1", "micro-F1", "mAP")
    for part, by_variant in metrics.items():
        if part == "tuned_on":
            row = f"thresholds tuned on the same {row_name}"
            scores_table.add_row(row, f"{by_variant['films']:,}", *_score_cells(by_variant))
        if part not in ("dev", "test"):
            continue
        for variant, scores in by_variant.items():
            tuned = " (thresholds tuned here)" if part == "dev" else ""
            row = f"{part}, {variant}{tuned}"
            scores_table.add_row(row, f"{scores['films']:,}", *_score_cells(scores))
    return scores_table


def _score_cells(scores: Mapping[str, Any]) -> list[str]:
    return [
        f"{scores[name]:.3f} ({scores[name + '_interval'][0]:.3f}-"
        f"{scores[name + '_interval'][1]:.3f})"
        for name in ("macro_f1", "micro_f1", "map")
    ]

"""Tables, progress bars and lines for people; everything here goes to stderr unless it is data."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from genre_batch.tagging.summary import TagSummary

__all__ = [
    "figures_table",
    "is_quiet",
    "is_verbose",
    "note",
    "print_json",
    "print_tables",
    "progress_option",
    "rows_progress",
    "show_summary",
    "steps_progress",
    "table",
]


def _group_flag(name: str) -> bool:
    context = click.get_current_context(silent=True)
    flags = context.obj if context is not None else None
    return bool(flags and flags[name])


def is_quiet() -> bool:
    """Whether `--quiet` was given."""
    return _group_flag("quiet")


def is_verbose() -> bool:
    """Whether `--verbose` was given."""
    return _group_flag("verbose")


def note(message: str) -> None:
    """A line on stderr, unless `--quiet`."""
    if not is_quiet():
        click.echo(message, err=True)


def progress_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--progress / --no-progress`."""
    return click.option(
        "--progress/--no-progress",
        default=None,
        help="Progress on stderr.  [default: when stderr is a terminal]",
    )(command)


def _shown(asked: bool | None) -> bool:
    return not is_quiet() and (sys.stderr.isatty() if asked is None else asked)


@contextlib.contextmanager
def rows_progress(asked: bool | None) -> Iterator[Callable[[int, int | None], None]]:
    """A bar of rows with rate and ETA; the total may be unknown, or an estimate that settles."""
    if not _shown(asked):
        yield lambda done, total: None
        return
    from tqdm import tqdm

    with tqdm(unit=" rows", dynamic_ncols=True, delay=0 if asked else 0.5) as bar:

        def advance(done: int, total: int | None) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield advance
        if bar.total is not None:
            bar.total = bar.n


@contextlib.contextmanager
def steps_progress(asked: bool | None) -> Iterator[Callable[[int, int, str], None]]:
    """A bar of steps with rate and ETA, and a line for each stage that has no steps."""
    if not _shown(asked):
        yield lambda done, total, what: None
        return
    from tqdm import tqdm

    with contextlib.ExitStack() as stack:
        stage = ""
        bars: list[tqdm[Any]] = []

        def advance(done: int, total: int, what: str) -> None:
            nonlocal stage
            if bars and (what != stage or total != bars[0].total):
                bars.pop().close()
            stage = what
            if not total:
                click.echo(f"{what} ...", err=True)
                return
            if not bars:
                bar = tqdm(
                    desc=what, total=total, initial=done - 1, unit=" steps", dynamic_ncols=True
                )
                bars.append(stack.enter_context(bar))
            bars[0].update(done - bars[0].n)

        yield advance


def _console(stderr: bool) -> Console:
    from rich.console import Console

    console = Console(stderr=stderr, highlight=False)
    if not console.is_terminal:
        # Redirected: whole lines, however long, rather than a guess at somebody's width.
        console.width = 120
    return console


def table(title: str, *columns: str) -> Table:
    """A table whose first column is left-justified and whose others are figures."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    made = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    for at, column in enumerate(columns):
        made.add_column(column, justify="left" if at == 0 else "right", overflow="fold")
    return made


def print_tables(*tables: Table, stderr: bool = True) -> None:
    """Prints tables, on stderr or, where they are the command's data, on stdout."""
    console = _console(stderr)
    for one in tables:
        console.print(one)


def print_json(value: Any) -> None:
    """One JSON value on stdout."""
    import json

    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def show_summary(summary: TagSummary) -> None:
    """The table of genre counts at the end of a run."""
    made = table("Predicted genres", "genre", "rows", "share of rows", "mean confidence")
    for count in summary.genres:
        confidence = "-" if count.mean_confidence is None else f"{count.mean_confidence:.2f}"
        made.add_row(count.genre, f"{count.rows:,}", f"{count.share:.1%}", confidence)
    print_tables(made)
    said = [f"{summary.rows:,} rows"]
    for number, what in (
        (summary.rows_without_text, "without text"),
        (summary.rows_without_genre, "without a genre"),
        (summary.rows_skipped, "left alone"),
        (summary.rows_padded, "filled up with nulls"),
        (summary.rows_rejected, f"more rejected ({', '.join(summary.rejects) or 'not kept'})"),
    ):
        if number:
            said.append(f"{number:,} {what}")
    if summary.texts_from_cache:
        said.append(
            f"{summary.texts_predicted:,} texts predicted, "
            f"{summary.texts_from_cache:,} from the cache"
        )
    said.append(f"{summary.seconds:,.1f} s")
    said.append(f"{summary.rows_per_second:,.0f} rows/s")
    if summary.output is not None:
        said.append(f"written to {summary.output}")
    click.echo(", ".join(said), err=True)
    if summary.genres_off:
        click.echo(f"off at this operating point: {', '.join(summary.genres_off)}", err=True)


def figures_table(metrics: Mapping[str, Any]) -> Table:
    """Figures by part and variant of the text, each with its 95 % interval."""
    made = table("Figures", "part, text", "films", "macro-F1", "micro-F1", "mAP")
    for part, by_variant in metrics.items():
        if part not in ("dev", "test"):
            continue
        for variant, scores in by_variant.items():
            cells = [
                f"{scores[name]:.3f} ({scores[name + '_interval'][0]:.3f}-"
                f"{scores[name + '_interval'][1]:.3f})"
                for name in ("macro_f1", "micro_f1", "map")
            ]
            tuned = " (thresholds tuned here)" if part == "dev" else ""
            made.add_row(f"{part}, {variant}{tuned}", f"{scores['films']:,}", *cells)
    return made

"""`genre-batch tag`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from genre_batch.cli.console import (
    is_quiet,
    is_verbose,
    note,
    progress_option,
    rows_progress,
    show_summary,
)
from genre_batch.cli.options import (
    FORMATS,
    column_options,
    force_option,
    model_option,
    reading_options,
    threads_option,
)

__all__ = ["tag"]


@click.command(short_help="Append predicted genres to a catalog.")
@click.argument("sources", metavar="[INPUT]...", nargs=-1)
@click.option(
    "-o",
    "--output",
    metavar="PATH",
    help="Where to write, the format by its suffix: .csv .tsv .jsonl .ndjson .parquet .arrow; text "
    "ones also .gz or .zst; or a folder/, one output per input.  [default: JSON Lines to stdout]",
)
@reading_options
@click.option(
    "--output-format",
    type=click.Choice(FORMATS),
    help="Output format.  [default: by the output's suffix]",
)
@model_option
@column_options(genres=False)
@click.option(
    "--probabilities", is_flag=True, help="Also one column per genre, probability_<genre>."
)
@click.option(
    "--threshold",
    type=click.FloatRange(0.0, 1.0),
    metavar="X",
    help="One threshold, 0 to 1, for every genre, instead of the model's own.",
)
@click.option(
    "--operating-point", metavar="NAME", help="One of the model's named sets of thresholds."
)
@click.option(
    "--top-k",
    type=click.IntRange(min=1),
    metavar="N",
    help="At most the N most probable genres; alone, it ignores thresholds.",
)
@click.option(
    "--separator",
    default=", ",
    show_default=True,
    metavar="STR",
    help="Joins genres in CSV and TSV.",
)
@click.option(
    "--only-missing",
    metavar="COLUMN",
    help="Predict only rows whose COLUMN is null, empty or an empty list; the others get null.",
)
@click.option(
    "--replace", is_flag=True, help="Replace predicted columns that the input already has."
)
@click.option(
    "--infer-types",
    is_flag=True,
    help="Let CSV cells become numbers and dates in Parquet and Arrow.",
)
@click.option(
    "--rejects",
    metavar="PATH",
    help="Where unreadable rows go, if there are any.  [default: OUTPUT.rejects.jsonl]",
)
@click.option("--strict", is_flag=True, help="Stop at the first unreadable row, with exit code 1.")
@click.option(
    "--no-resume",
    "resume",
    flag_value=False,
    default=True,
    help="Forget what an interrupted run left.",
)
@force_option
@click.option(
    "--cache", metavar="PATH", help="A folder that keeps probabilities across runs and outputs."
)
@click.option(
    "--cache-size",
    metavar="SIZE",
    help="The most the cache may hold, such as 500MB; the oldest goes first.  [default: 10GB]",
)
@threads_option
@click.option("--limit", type=click.IntRange(min=0), metavar="N", help="Only the first N rows.")
@click.option(
    "--summary/--no-summary",
    default=None,
    help="The table of genre counts on stderr.  [default: when stderr is a terminal]",
)
@click.option("--summary-json", metavar="PATH", help="Write the summary as JSON too.")
@progress_option
def tag(
    sources: tuple[str, ...],
    cache_size: str | None,
    summary: bool | None,
    summary_json: str | None,
    progress: bool | None,
    **options: Any,
) -> None:
    """Append predicted genres to a catalog.

    INPUT is a .csv, .tsv, .jsonl, .ndjson, .parquet or .arrow file (text ones also .gz or .zst),
    a glob, a folder, a URL in s3://, gs:// or abfs://, or - for stdin; without it a piped stdin is
    read. stdin is JSON Lines unless --input-format says otherwise, and each line is answered as it
    comes.

    Every row comes out once, in order, its columns unchanged, followed by predicted_genres: a
    list, or joined text in CSV and TSV. A row without text gets null; a row that cannot be read
    goes to the rejects, with its place and the reason.

    An interrupted run goes on where it stopped when the same command is typed again.

    \b
    Examples:
      genre-batch tag films.csv -o tagged.parquet
      genre-batch tag films.parquet -o tagged.csv --probabilities
      genre-batch tag '2024/*.csv.gz' -o tagged/ --cache ~/films.cache
      cat films.jsonl | genre-batch tag | jq .predicted_genres
    """
    if not sources:
        if sys.stdin.isatty():
            raise click.UsageError(
                "nothing to read: name a catalog: genre-batch tag films.csv -o tagged.parquet"
            )
        sources = ("-",)

    from genre_batch.tagging.job import DEFAULT_CACHE_BYTES, tag_job
    from genre_batch.tagging.probability_store import parse_size
    from genre_batch.tagging.run import run

    if cache_size is not None and options["cache"] is None:
        raise click.UsageError("--cache-size bounds a --cache: name one")
    size = DEFAULT_CACHE_BYTES if cache_size is None else parse_size(cache_size)
    job = tag_job(sources=sources, cache_size=size, **options)
    with rows_progress(progress) as advance:
        result = run(job, advance)
    if summary_json is not None:
        _write_json(summary_json, result.as_dict())
    if is_verbose():
        note(f"model {result.model} (sha256 {result.model_sha256[:16]})")
        note(f"text column {result.text_column!r}, title column {result.title_column!r}")
        note(
            f"{result.texts_predicted:,} texts predicted, "
            f"{result.texts_from_cache:,} from the cache"
        )
    if result.rows_rejected:
        files = ", ".join(result.rejects)
        kept = f"they are in {files}" if files else "keep such rows with --rejects PATH"
        note(
            f"Warning: {result.rows_rejected:,} rows could not be read (the first: "
            f"{result.first_reject}): {kept}"
        )
    if not is_quiet() and (sys.stderr.isatty() if summary is None else summary):
        show_summary(result)


def _write_json(path: str, value: dict[str, Any]) -> None:
    import json

    from genre_batch.errors import GenreBatchError

    text = json.dumps(value, indent=2, ensure_ascii=False)
    try:
        Path(path).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise GenreBatchError(
            f"cannot write {path}: {error.strerror}: the rows are done"
        ) from error

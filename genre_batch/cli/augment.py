"""`genre-batch augment`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from genre_batch.cli.console import is_verbose, note, progress_option, steps_progress
from genre_batch.cli.list_option import ListOption
from genre_batch.cli.option_groups import COLUMNS, READING, WRITING, grouped_command
from genre_batch.cli.options import (
    AUGMENTED_ROWS,
    catalog_argument,
    choice_option,
    column_options,
    columns_from,
    force_option,
    output_option,
    reading_from,
    reading_options,
    writing_from,
    writing_options,
)
from genre_batch.errors import counted

if TYPE_CHECKING:
    from genre_batch.augmentation.translator import Translator

__all__ = ["augment"]


_GROUPS = {
    "Input": (*READING, *COLUMNS),
    "Copies": ("rows", "translator", "pivots", "models"),
    "Output": ("output", *WRITING, "force"),
    "Run": ("cache", "workers", "progress"),
}


@grouped_command(_GROUPS, "Add back-translated copies of rarer films to a labeled catalog.")
@catalog_argument
@output_option("PATH", "Output catalog, in the format of its suffix, as in tag.")
@choice_option(
    "--translator",
    ["apertium", "marian"],
    "apertium",
    "apertium: rules and dictionaries, from Debian packages. marian: OPUS-MT models.",
)
@click.option(
    "--pivots",
    cls=ListOption,
    metavar="A,B,...",
    help="Languages to translate through; es>ca: Spanish, then Catalan.  [default: those of "
    "es,ca,gl,es>ca,ca>es (apertium) or zh,tl,es,ja,ko (marian) that are installed]",
)
@choice_option(
    "--rows",
    AUGMENTED_ROWS,
    "none-of-top-4",
    "Films to copy. none-of-top-4: those with none of the four most frequent genres. rare: "
    "those with a genre that has less than a tenth of the films of the most frequent one.",
)
@reading_options
@writing_options
@column_options(titles=False, labels=False)
@click.option(
    "--models",
    metavar="DIR",
    help="Folder of the marian models, each in a folder of its name, such as opus-mt-en-es.  "
    "[default: the model hub]",
)
@click.option(
    "--cache",
    metavar="PATH",
    help="File of the translation cache.  "
    "[default: genre-batch/translations.sqlite in the user's cache folder]",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    metavar="N",
    help="Number of parallel apertium pipelines.  [default: the cores that this process may use]",
)
@force_option
@progress_option
@click.pass_context
def augment(
    context: click.Context,
    /,
    translator: str,
    pivots: str | None,
    models: str | None,
    workers: int | None,
    progress: bool | None,
    **options: Any,
) -> None:
    """Add back-translated copies of rarer films to a labeled catalog.

    CATALOG is one table: files, globs, folders or URLs with the same columns, or a piped stdin. The
    output holds every row of the catalog, unchanged, followed by the copies. A copy is a film
    whose overview was translated into another language and back. Two columns are added: source_row,
    the 0-based number of the row that a copy was made from, and pivot, the language of the copy.
    train uses them to keep copies out of dev and test.

    Translations are cached. An interrupted run resumes when the same command is run again, and a
    second run translates nothing.

    \b
    Examples:
      genre-batch augment films.csv -o augmented.parquet
      genre-batch augment films.csv -o augmented.csv --pivots es,ca --rows rare
      genre-batch augment 'films/*.csv' -o augmented.parquet
      genre-batch train augmented.parquet -o run --base-model minilm
    """
    from genre_batch.augmentation.augment import augment as run
    from genre_batch.augmentation.job import AugmentJob
    from genre_batch.catalog.reading.rereadable import rereadable

    reading, columns = reading_from(options), columns_from(options)
    writing = writing_from(options)
    # A missing catalog is reported before a missing translator.
    location = reading.locate_all(options.pop("catalog"))
    (catalog,) = context.with_resource(rereadable([location]))
    chosen = _translator(translator, pivots, models, workers)
    job = AugmentJob(
        catalog=catalog,
        translator=chosen,
        reading=reading,
        columns=columns,
        writing=writing,
        **options,
    )
    with steps_progress(progress) as advance:
        result = run(job, advance)
    if is_verbose():
        note(f"deciding genres: {', '.join(result.genres) or 'none'}")
        for pivot in chosen.pivots:
            note(f"{pivot}: {chosen.identity(pivot)}")
    by_pivot = ", ".join(f"{count:,} {pivot}" for pivot, count in result.copies.items())
    note(
        f"{counted(result.rows, 'row')}, {counted(result.films, 'film')} copied: {by_pivot}; "
        f"{result.translated:,} translated, {result.from_cache:,} from the cache, "
        f"{result.left_out:,} left out as empty or unchanged; {result.seconds:,.1f} s; "
        f"written to {job.output}"
    )


def _translator(
    name: str, pivots: str | None, models: str | None, workers: int | None
) -> Translator:
    """Make the translator that the options describe."""
    if models is not None and name != "marian":
        raise click.UsageError("--models needs --translator marian")
    if workers is not None and name != "apertium":
        raise click.UsageError("--workers needs --translator apertium")
    names = [part.strip() for part in pivots.split(",") if part.strip()] if pivots else []
    if name == "apertium":
        from genre_batch.augmentation.apertium import Apertium

        return Apertium(names, workers)
    from genre_batch.augmentation.marian import Marian

    return Marian(names, models)

"""`genre-batch augment`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from genre_batch.cli.console import is_verbose, note, progress_option, steps_progress
from genre_batch.cli.options import (
    AUGMENTED_ROWS,
    column_options,
    columns_from,
    force_option,
    reading_from,
    reading_options,
)

__all__ = ["augment"]


@click.command(short_help="Add back-translated copies of rarer films to a labelled catalog.")
@click.argument("catalog")
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="PATH",
    help="Where to write, the format by its suffix, as in tag.",
)
@click.option(
    "--translator",
    type=click.Choice(["apertium", "marian"]),
    default="apertium",
    show_default=True,
    help="apertium: rules and dictionaries, from Debian's packages. marian: OPUS-MT models.",
)
@click.option(
    "--pivots",
    metavar="A,B,...",
    help="The languages to go through; es>ca: Spanish, then Catalan.  [default: es,ca,gl,es>ca,"
    "ca>es with apertium, zh,tl,es,ja,ko with marian, as far as they are installed]",
)
@click.option(
    "--rows",
    type=click.Choice(AUGMENTED_ROWS),
    default="none-of-top-4",
    show_default=True,
    help="Which films are copied. none-of-top-4: those with none of the four most frequent genres; "
    "rare: those with a genre that has less than a tenth of the most frequent one's films.",
)
@reading_options
@column_options(titles=False)
@click.option(
    "--models",
    metavar="DIR",
    help="A folder with marian's models, each in a folder of its name, such as opus-mt-en-es.  "
    "[default: the model hub]",
)
@click.option(
    "--cache",
    metavar="PATH",
    help="The file that keeps translations.  "
    "[default: genre-batch/translations.sqlite in the user's cache folder]",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    metavar="N",
    help="Translations of apertium at a time.  [default: the cores this process may use]",
)
@force_option
@progress_option
def augment(
    catalog: str,
    output: str,
    translator: str,
    pivots: str | None,
    rows: str,
    models: str | None,
    cache: str | None,
    workers: int | None,
    force: bool,
    progress: bool | None,
    **options: Any,
) -> None:
    """Add back-translated copies of rarer films to a labelled catalog.

    The output is the catalog, every row as it is, and behind it the copies: an overview that has
    gone into another language and back, with everything else of its film. source_row says which
    row (0-based) a row was made from, pivot through which language; train keeps copies out of dev
    and test by them.

    Translations are kept as they come: a run that was broken off goes on when the same command is
    typed again, and a second run asks the translator nothing.

    \b
    Examples:
      genre-batch augment films.csv -o augmented.parquet
      genre-batch augment films.csv -o augmented.csv --pivots es,ca --rows rare
      genre-batch train augmented.parquet -o run --base-model minilm
    """
    if models is not None and translator != "marian":
        raise click.UsageError("--models are marian's: add --translator marian")
    if workers is not None and translator != "apertium":
        raise click.UsageError("--workers are apertium's: leave it out")

    from genre_batch.augmentation.augment import AugmentJob
    from genre_batch.augmentation.augment import augment as run
    from genre_batch.augmentation.translator import Translator
    from genre_batch.catalog.formats import output_location

    reading = reading_from(options)
    location, target = reading.locate(catalog), output_location(output)
    asked = tuple(name.strip() for name in pivots.split(",") if name.strip()) if pivots else ()
    chosen: Translator
    if translator == "apertium":
        from genre_batch.augmentation.apertium import Apertium

        chosen = Apertium(asked, workers)
    else:
        from genre_batch.augmentation.marian import Marian

        chosen = Marian(asked, Path(models) if models else None)
    job = AugmentJob(
        catalog=location,
        output=target,
        translator=chosen,
        rows=rows,
        columns=columns_from(options),
        reading=reading,
        cache=Path(cache) if cache else None,
        force=force,
    )
    with steps_progress(progress) as advance:
        report = run(job, advance)
    if is_verbose():
        note(f"decided by {', '.join(report.genres) or 'no genre'}")
        for pivot in chosen.pivots:
            note(f"{pivot}: {chosen.identity(pivot)}")
    by_pivot = ", ".join(f"{count:,} {pivot}" for pivot, count in report.copies.items())
    note(
        f"{report.rows:,} rows, {report.films:,} films copied: {by_pivot}; "
        f"{report.translated:,} translated, {report.from_cache:,} from the cache, "
        f"{report.left_out:,} left out as empty or unchanged; {report.seconds:,.1f} s; "
        f"written to {output}"
    )

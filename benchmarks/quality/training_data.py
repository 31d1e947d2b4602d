"""Prepare catalogs for a model that learns from several sources and several wordings of a film.

    python -m benchmarks.quality.training_data DATA FOLDER

DATA holds mymoviedb.csv, extra_movies.parquet, more_movies.parquet and
alternative_overviews.parquet. FOLDER gets mymoviedb.parquet, extra.parquet (the part `train`),
more.parquet, translated.parquet and wordings.parquet, with the columns title, overview, genres and
`film`: the key of the film's first overview, by which `train --group film` finds wordings of one
film. translated.parquet has the films whose genres were translated from another scheme, as
probabilities in `genre_p`. That scheme has no TV Movie, so its probability is null. sources.md
counts the films of each public source, for the model card.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from benchmarks.common.arguments import benchmark_parser
from genre_batch.model.text_keys import text_key

COLUMNS = ("title", "overview", "genres", "film")
NOT_TRANSLATED = "TV Movie"


def prepare(data: Path, folder: Path) -> None:
    """Write the five catalogs."""
    folder.mkdir(parents=True, exist_ok=True)
    films = pl.read_csv(data / "mymoviedb.csv", infer_schema=False)
    films = films.rename({"Title": "title", "Overview": "overview", "Genre": "genres"})
    films = films.with_columns(pl.col("genres").str.split(", "))
    _write(films, folder / "mymoviedb.parquet")
    genres = sorted(set(films["genres"].explode().drop_nulls()))
    extra = pl.read_parquet(data / "extra_movies.parquet")
    _write(extra.filter(pl.col("part") == "train"), folder / "extra.parquet")
    more = pl.read_parquet(data / "more_movies.parquet")
    is_translated = pl.col("label_from") == "translated"
    _write(more.filter(~is_translated), folder / "more.parquet")
    translated = more.filter(is_translated)
    masked = genres.index(NOT_TRANSLATED)
    probabilities = [
        [None if index == masked else value for index, value in enumerate(row)]
        for row in translated["genre_p"].to_list()
    ]
    translated = translated.with_columns(
        pl.Series("genre_p", probabilities, dtype=pl.List(pl.Float32))
    )
    _write(translated, folder / "translated.parquet", "genre_p")
    wordings = pl.read_parquet(data / "alternative_overviews.parquet")
    wordings = wordings.with_columns(film=pl.col("overview_key"))
    wordings.select(COLUMNS).write_parquet(folder / "wordings.parquet")
    counts = {
        "films, its own genres": more.filter(~is_translated),
        "films, translated genres": translated,
        "second wordings": wordings,
    }
    (folder / "sources.md").write_text(_sources(counts), encoding="utf-8")


def _sources(counts: dict[str, pl.DataFrame]) -> str:
    """Return a table of public sources: the rows of each in these tables, most rows first."""
    found = pl.concat(
        films.select(pl.col("source").str.extract(r"^([^:]+)"), kind=pl.lit(kind))
        for kind, films in counts.items()
    )
    table = found.pivot("kind", index="source", values="kind", aggregate_function="len")
    names = [pl.col(kind).fill_null(0) for kind in counts]
    table = table.with_columns(*names, total=pl.sum_horizontal(names)).sort(
        ["total", "source"], descending=[True, False]
    )
    rows = [("source", *counts), ("---",) * (1 + len(counts))]
    rows += [
        (source, *(f"{count:,}" for count in row))
        for source, *row in table.select("source", *counts).iter_rows()
    ]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _write(films: pl.DataFrame, path: Path, *more: str) -> None:
    keys = [f"{text_key(text or '', version=1):016x}" for text in films["overview"]]
    films = films.with_columns(film=pl.Series(keys))
    films.select(*COLUMNS, *more).write_parquet(path)


def main() -> None:
    """Write the catalogs and print the next command."""
    parser = benchmark_parser(__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    prepare(arguments.data, arguments.folder)
    extra = " ".join(
        f"--extra-train {arguments.folder / name}"
        for name in ("extra.parquet", "more.parquet", "translated.parquet:0.5", "wordings.parquet")
    )
    print(
        f"next: genre-batch train {arguments.folder / 'mymoviedb.parquet'} {extra} "
        "--group film --soft-labels genre_p -o run"
    )


if __name__ == "__main__":
    main()

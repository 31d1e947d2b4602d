from __future__ import annotations

from pathlib import Path

import click
import pytest

from genre_batch.cli.apply_command import apply_command, download_name
from genre_batch.cli.audit import audit

HELP = ["-h", "--help"]
"""A command remembers the first names of its option for help, which those of the group are."""


@pytest.mark.parametrize(
    ("catalog", "expected"),
    [
        ("films.csv", "films.review.csv films.csv -o films-corrected.csv"),
        ("/home/me/films.csv.gz", "films.review.csv films.csv.gz -o films-corrected.csv.gz"),
        ("s3://shop/a.b.parquet", "a.b.review.csv a.b.parquet -o a.b-corrected.parquet"),
        ("my films.tsv", "'my films.review.csv' 'my films.tsv' -o 'my films-corrected.tsv'"),
        ("it's.csv", """'it'"'"'s.review.csv' 'it'"'"'s.csv' -o 'it'"'"'s-corrected.csv'"""),
        ("./-x.csv", "./-x.review.csv ./-x.csv -o ./-x-corrected.csv"),
        ("20*/*.csv", "catalog.review.csv '*.csv' -o corrected/"),
        ("catalogs/2024.01", "2024.01.review.csv 2024.01 -o corrected/"),
    ],
)
def test_the_command_names_the_catalog_and_what_to_write(catalog: str, expected: str) -> None:
    with click.Context(audit, help_option_names=HELP) as context:
        name = catalog.rpartition("/")[2]
        assert apply_command(context, catalog, name) == f"genre-batch apply {expected}"
        assert download_name(name) in expected.replace("'\"'\"'", "'")


def test_stdin_is_applied_to_stdin() -> None:
    arguments = ["-", "--input-format", "csv"]
    with audit.make_context("audit", arguments, help_option_names=HELP) as context:
        assert apply_command(context, "-", "stdin") == (
            "genre-batch apply stdin.review.csv - -o corrected.csv --input-format csv < CATALOG"
        )


def test_options_that_say_how_the_catalog_is_read_are_those_of_the_audit(tmp_path: Path) -> None:
    arguments = ["films.csv", "--genre-map", "private/names.csv", "--delimiter", ";", "--top", "5"]
    arguments += ["--no-aliases", "--label-columns", "Drama,Sci Fi", "--rejects", "r.jsonl"]
    with audit.make_context("audit", arguments, help_option_names=HELP) as context:
        text = apply_command(context, "films.csv", "films.csv")
    assert text.partition("films-corrected.csv ")[2] == (
        "--delimiter ';' --genre-map names.csv --no-aliases --label-columns 'Drama,Sci Fi'"
    )

"""`genre-batch inspect`: the contents of a model or a catalog, as tables and as JSON."""

from __future__ import annotations

import json
import re
from pathlib import Path

from support import tiny
from support.places import Command


def test_a_model_s_labels_thresholds_and_origin_are_shown(
    command: Command, tiny_model: Path
) -> None:
    output = command("inspect", tiny_model).stdout.decode()
    for part in ("Science Fiction", "0.500", "base_model", "tiny", "{title}. {overview}"):
        assert part in output


def test_without_a_model_it_shows_the_one_that_tag_would_use(
    command: Command, tiny_model: Path
) -> None:
    assert json.loads(command("inspect", "--json").stdout)["file"] == str(tiny_model)


def test_a_model_can_be_shown_as_json(command: Command, tiny_model: Path) -> None:
    result = json.loads(command("inspect", tiny_model, "--json").stdout)
    assert result["labels"] == ["Action", "Comedy", "Drama", "Science Fiction"]
    assert result["thresholds"] == [0.5] * 4
    assert result["training_texts"] == 3
    assert result["operating_points"]["no-drama"] == {"precision": 0.9, "recall": 0.3}


def test_two_thresholds_of_a_genre_are_shown_with_the_genre_that_selects_them(
    command: Command, conditional_model: Path, tiny_model: Path
) -> None:
    result = json.loads(command("inspect", conditional_model, "--json").stdout)
    assert result["thresholds"] == [0.5] * 4
    assert result["conditional_thresholds"] == tiny.COMEDY_BY_DRAMA
    output = command("inspect", conditional_model).stdout.decode()
    assert "Two thresholds, in place of the one above" in output
    assert re.search(r"Comedy +Drama +0\.100 +0\.900", output)
    assert "conditional_thresholds" not in json.loads(command("inspect", "--json").stdout)
    assert "Two thresholds" not in command("inspect").stdout.decode()


def test_a_catalog_s_columns_and_genres_are_shown(command: Command, tmp_path: Path) -> None:
    catalog = tmp_path / "films.csv"
    catalog.write_text('Name,Plot,Genre\nA,one,"Drama, War"\nB,,Drama\n')
    result = json.loads(command("inspect", catalog, "--json").stdout)
    assert (result["rows"], result["genres"]) == (2, {"Drama": 2, "War": 1})
    assert (result["text_column"], result["title_column"], result["genre_column"]) == (
        "Plot",
        "Name",
        "Genre",
    )
    assert result["columns"][1] == {"name": "Plot", "type": "string", "filled": 1}
    output = command("inspect", catalog).stdout.decode()
    for part in ("2 rows", "Plot", "text", "50.0%", "Drama", "100.0%"):
        assert part in output


def test_a_catalog_can_be_read_with_other_options(command: Command, tmp_path: Path) -> None:
    catalog = tmp_path / "films.txt"
    catalog.write_bytes("Name#Plot#Genre\nAmélie#one#Drama\n".encode("latin-1"))
    options = ["--input-format", "csv", "--delimiter", "#", "--encoding", "latin-1"]
    result = json.loads(command("inspect", catalog, *options, "--json").stdout)
    assert (result["rows"], result["text_column"], result["genres"]) == (1, "Plot", {"Drama": 1})

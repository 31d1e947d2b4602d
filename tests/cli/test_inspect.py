"""`genre-batch inspect`: the contents of a model or a catalog, as tables and as JSON."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import onnx
import pytest

from genre_batch.model.metadata import read_model_file, write_metadata
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


def test_a_model_s_calibration_is_shown(command: Command, tmp_path: Path) -> None:
    pairs = {label: [1.5, -0.5] for label in tiny.LABELS}
    for name, props in (("own.onnx", {"calibration": pairs}), ("bare.onnx", {})):
        path = tiny.write_model(tmp_path / name, props=props)
        shown = json.loads(command("inspect", path, "--json").stdout)["calibration"]
        assert shown == props.get("calibration", {})
        said = b"tag --calibrated" if props else b"genre-batch tune adds it"
        assert said in command("inspect", path).stdout


@pytest.mark.parametrize("name", ["model", "model.bin", "model.2024", "M.ONNX"])
def test_a_model_is_recognized_whatever_its_name(
    command: Command, tiny_model: Path, tmp_path: Path, name: str
) -> None:
    shutil.copy(tiny_model, tmp_path / name)
    result = json.loads(command("inspect", tmp_path / name, "--json").stdout)
    assert result["file"] == str(tmp_path / name)


def test_other_files_without_a_known_suffix_are_not_models(
    command: Command, tmp_path: Path
) -> None:
    (tmp_path / "notes").write_text("overview\nlaugh\n")
    refused = command("inspect", tmp_path / "notes")
    assert refused.returncode == 2
    assert b"unknown suffix" in refused.stderr
    assert b"1 row" in command("inspect", tmp_path / "notes", "--input-format", "csv").stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("inspect", "run"),
        ("inspect", "run/"),
        ("tag", "f.csv", "-m", "run"),
        ("evaluate", "f.csv", "-m", "run/"),
        ("evaluate", "f.csv", "--split", "run", "--part", "test"),
        ("tune", "f.csv", "-m", "run", "-o", "t.onnx"),
    ],
    ids=" ".join,
)
def test_the_error_for_a_run_folder_in_place_of_a_file_names_what_to_type(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("run").mkdir()
    Path("run/splits.parquet").write_bytes(b"")
    Path("f.csv").write_text("overview,genres\nlaugh,Comedy\n")
    refused = command(*arguments)
    assert refused.returncode == 2
    message = refused.stderr.decode()
    assert message.count("\n") == 1
    assert "run/splits.parquet" in message
    assert "genre-batch export-onnx run" in message


def test_any_other_folder_in_place_of_a_model_is_an_error(command: Command, tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text("overview\nlaugh\n")
    refused = command("tag", tmp_path / "f.csv", "-m", tmp_path)
    assert refused.returncode == 2
    assert b"is a folder: name an .onnx file in it" in refused.stderr


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


def test_a_tuned_model_shows_its_method_and_its_figures(
    command: Command, tiny_model: Path, tmp_path: Path
) -> None:
    films, tuned = tmp_path / "films.csv", tmp_path / "tuned.onnx"
    rows = [f"laugh {row},Comedy\ncry {row},Drama\nthe robot {row},Drama\n" for row in range(10)]
    films.write_text("overview,genres\n" + "".join(rows))
    command("tune", films, "-m", tiny_model, "-o", tuned)
    output = command("inspect", tuned).stdout.decode()
    assert re.search(r"thresholds +f1-expected, tuned on 30 films", output)
    assert re.search(r"thresholds tuned on the same films +30 +0\.\d{3}", output)
    assert "Figures" not in command("inspect", tiny_model).stdout.decode()


def test_nested_provenance_is_shown_in_one_line_each(
    command: Command, tiny_model: Path, tmp_path: Path
) -> None:
    model, path = onnx.load(tiny_model), tmp_path / "nested.onnx"
    metadata = read_model_file(tiny_model).metadata
    data = [{"file": "a.csv", "sha256": "0", "films": 9827}, {"file": "b.csv", "films": 1}]
    teacher = {"base_model": "mpnet", "architecture": "MPNet", "options": {"epochs": 3}}
    versions = {"python": "3.11", "torch": "2", "onnx": "1", "numpy": "2", "optimum": "2"}
    origin = {"data": data, "versions": versions, "teachers": [teacher], "layers": None}
    write_metadata(model, replace(metadata, provenance=origin))
    onnx.save(model, path)
    output = command("inspect", path).stdout.decode()
    assert re.search(r"data +a\.csv \(9,827 rows\), b\.csv \(1 row\)", output)
    assert re.search(r"versions +python 3\.11, torch 2, onnx 1 and 2 more", output)
    assert re.search(r"teachers +mpnet \(MPNet\)", output)
    assert json.loads(command("inspect", path, "--json").stdout)["provenance"] == origin


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


def test_columns_that_match_equally_are_reported_and_everything_else_is_shown(
    command: Command, tmp_path: Path
) -> None:
    catalog = tmp_path / "films.csv"
    catalog.write_text("Overview,overview,genre,Genre,title\na,b,Drama,War,A\n")
    done = command("inspect", catalog)
    assert done.returncode == 0
    assert done.stderr.decode().splitlines() == [
        "Warning: the columns 'Overview' and 'overview' both match: choose one with --text-column "
        "in commands that read it",
        "Warning: the columns 'genre' and 'Genre' both match: choose one with --genre-column "
        "in commands that read it",
    ]
    for part in (b"1 row", b"Overview", b"overview", b"title"):
        assert part in done.stdout
    result = json.loads(command("inspect", catalog, "--json").stdout)
    assert (result["text_column"], result["title_column"], result["genres"]) == (None, "title", {})
    assert result["ambiguous"] == {
        "text_column": ["Overview", "overview"],
        "genre_column": ["genre", "Genre"],
    }


def test_the_names_of_genres_are_shown_as_they_are_read_for_a_model(
    command: Command, tiny_model: Path, tmp_path: Path
) -> None:
    films, genre_map = tmp_path / "films.csv", tmp_path / "map.csv"
    films.write_text('overview,genres\nlaugh,"Fun, SF"\ncry,"Fun, drama, Dramatic"\n')
    genre_map.write_text("Fun,Comedy\nDark,Tragic\nTragic,Drama\n")
    shown = command("inspect", films, "-m", tiny_model, "--genre-map", genre_map, "--json")
    assert [
        (name["name"], name["rows"], name["genres"], name["by"], name["line"], name["nearest"])
        for name in json.loads(shown.stdout)["genre_names"]
    ] == [
        ("Fun", 2, ["Comedy"], "map", 1, None),
        ("Dramatic", 1, ["Dramatic"], "unknown", 0, "Drama"),
        ("SF", 1, ["Science Fiction"], "alias", 0, None),
        ("drama", 1, ["Drama"], "spelling", 0, None),
    ]
    assert json.loads(shown.stdout)["genre_map_unused"] == ["Dark"]
    shown = command("inspect", films, "--genre-map", genre_map, "--no-aliases")
    assert b"map.csv has names that the catalog does not have: 'Dark'" in shown.stderr
    table = shown.stdout.decode()
    for line in (r"Fun +2 +Comedy +map, line 1", r"SF +1 +- +unknown", r"nearest: Drama"):
        assert re.search(line, table)


def test_of_many_names_those_of_most_rows_are_shown(
    command: Command, tiny_model: Path, tmp_path: Path
) -> None:
    films = tmp_path / "films.csv"
    rows = [f'laugh {row},"tag{row}, Fun"\n' for row in range(70)]
    films.write_text("overview,genres\n" + "".join(rows))
    shown = command("inspect", films, "-m", tiny_model).stdout.decode()
    assert re.search(r"Fun +70 +- +unknown", shown)
    assert shown.rstrip().endswith("and 21 others: --json shows all")
    films.write_text("overview,genres\nlaugh,\n")
    assert b"no row has a text and a genre" in command("inspect", films, "-m", tiny_model).stderr


@pytest.mark.parametrize("name", ["default", "fast"])
def test_a_model_is_shown_by_the_option_that_names_it_elsewhere(
    command: Command, name: str
) -> None:
    shown = command("inspect", name, "--json").stdout
    assert json.loads(shown)["file"].endswith(".onnx")
    assert command("inspect", "-m", name, "--json").stdout == shown


def test_names_of_genres_need_a_catalog_that_is_a_file(
    command: Command, tiny_model: Path, tmp_path: Path
) -> None:
    for arguments, message in (
        ([tiny_model, "-m", tiny_model], b"need a CATALOG"),
        (["f.csv", "-m", tiny_model, "--for", "train"], b"-m and --for cannot be used together"),
        (["-", "-m", tiny_model], b"stdin can be read only once"),
    ):
        refused = command("inspect", *arguments)
        assert refused.returncode == 2
        assert message in refused.stderr

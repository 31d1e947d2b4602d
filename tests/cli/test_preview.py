"""`train --dry-run` and `inspect --for train` show what would be learned, and train nothing."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from genre_batch.cli.group import cli
from genre_batch.errors import UsageError
from support.catalogs import overviews, write_csv


@pytest.fixture
def two_genres(tmp_path: Path) -> str:
    cells = ["Drama, War", "War", "Drama"] * 20
    rows = zip(overviews(60), cells, strict=True)
    return write_csv(tmp_path / "films.csv", ("overview", "genres"), rows).path


@pytest.mark.training
def test_a_dry_run_needs_no_output_and_writes_nothing(two_genres: str) -> None:
    result = CliRunner().invoke(cli, ["train", two_genres, "--dry-run", "--min-films", "1"])
    assert result.exit_code == 0, result.output
    assert "2 genres: Drama (40), War (40)" in result.stdout
    assert "separator ',' in 20 of 60 cells" in result.stdout
    assert [path.name for path in Path(two_genres).parent.iterdir()] == ["films.csv"]


@pytest.mark.training
@pytest.mark.parametrize(
    ("free", "told"), [(10_000, "free some space, or choose another -o"), (10**12, "")]
)
def test_the_space_on_the_disk_is_reported_before_training(
    two_genres: str, base_model: Path, monkeypatch: pytest.MonkeyPatch, free: int, told: str
) -> None:
    monkeypatch.setattr("genre_batch.runs.disk_space.free_bytes", lambda path: free)
    folder = Path(two_genres).with_name("run")
    arguments = ["train", two_genres, "--base-model", str(base_model), "-o", str(folder)]
    dry = CliRunner().invoke(cli, [*arguments, "--dry-run"])
    assert dry.exit_code == 0, dry.output
    (line,) = [line for line in dry.stdout.splitlines() if line.startswith("disk: ")]
    assert line.startswith("disk: training writes at least ")
    assert line.endswith(told or "are free there")
    if told:
        result = CliRunner().invoke(cli, arguments)
        assert result.exit_code == 1
        assert str(result.exception).endswith(told)
    assert not folder.exists()


@pytest.mark.training
def test_training_needs_an_output(two_genres: str) -> None:
    result = CliRunner().invoke(cli, ["train", two_genres])
    assert result.exit_code == 2
    assert "missing option -o" in result.stderr


def test_inspect_shows_the_same_as_json(two_genres: str) -> None:
    result = CliRunner().invoke(cli, ["inspect", two_genres, "--for", "train", "--json"])
    assert result.exit_code == 0, result.output
    preview = json.loads(result.stdout)
    assert sum(preview["labels"]["Drama"].values()) == 40
    assert sum(preview["films"].values()) == 60


def test_inspect_takes_options_of_genres_only_for_training(two_genres: str) -> None:
    result = CliRunner().invoke(cli, ["inspect", two_genres, "--min-films", "2"])
    assert result.exit_code == 2
    assert "--for train" in result.stderr


@pytest.mark.training
@pytest.mark.parametrize("option", ["--genre-column", "--text-column", "--label-columns"])
def test_a_wrong_column_is_reported_before_torch_is_imported(two_genres: str, option: str) -> None:
    code = f"""
import sys
from click.testing import CliRunner
from genre_batch.cli.group import cli
command = ["train", {two_genres!r}, "-o", {two_genres + "-run"!r}, {option!r}, "x"]
result = CliRunner().invoke(cli, command)
print(type(result.exception).__name__, {{"torch", "transformers", "sklearn"}} & set(sys.modules))
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "ColumnError set()"


@pytest.mark.training
def test_a_dry_run_tells_what_is_taken_over_from_a_run(run: Path, tmp_path: Path) -> None:
    cells = ["Western, horror", "Western", "horror", "Comedy"] * 20
    more = write_csv(
        tmp_path / "more.csv",
        ("title", "overview", "genres"),
        [(f"More {n}", text, cells[n]) for n, text in enumerate(overviews(80))],
    ).path
    arguments = ["train", more, "--dry-run", "--init-from", str(run), "--epochs", "2"]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, result.output
    assert (
        f"starting from {run}: 2 genres kept (Horror as horror); new: Western; dropped: Action, "
        f"Romance" in result.stdout
    )
    assert re.search(r"its films \+ new ones: 0 \+ \d+ in train, 0 \+ \d+ in dev", result.stdout)
    assert "options: epochs 2, batch_size 8, learning_rate 0.003" in result.stdout
    assert "with_title True" in result.stdout


@pytest.mark.training
def test_a_run_to_start_from_that_is_none_is_reported_before_torch_is_imported(
    two_genres: str, tmp_path: Path
) -> None:
    code = f"""
import sys
from click.testing import CliRunner
from genre_batch.cli.group import cli
result = CliRunner().invoke(
    cli, ["train", {two_genres!r}, "-o", "run", "--init-from", {str(tmp_path)!r}]
)
assert "is not a run folder" in str(result.exception), result.output
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)


def test_names_that_a_map_replaces_are_shown(two_genres: str, tmp_path: Path) -> None:
    (tmp_path / "map.csv").write_text("War,Drama\nHistory,War\n")
    options = ["--for", "train", "--genre-map", str(tmp_path / "map.csv"), "--min-films", "1"]
    refused = CliRunner().invoke(cli, ["inspect", two_genres, *options])
    assert "all rows have the same genre 'Drama'" in str(refused.exception)
    (tmp_path / "map.csv").write_text("War,Conflict\n")
    result = CliRunner().invoke(cli, ["inspect", two_genres, *options])
    assert "names read by the map: 'War' as 'Conflict' (40 rows)" in result.stdout
    assert "2 genres: Conflict (40), Drama (40)" in result.stdout


@pytest.mark.training
def test_several_files_and_stdin_are_one_catalog_each(tmp_path: Path) -> None:
    cells = ["Drama, War", "War", "Drama"] * 20
    rows = list(zip(overviews(60), cells, strict=True))
    for name, some in (("a", rows[:25]), ("b", rows[25:])):
        write_csv(tmp_path / f"{name}.csv", ("overview", "genres"), some)
    command = [sys.executable, "-m", "genre_batch", "train", "--dry-run"]
    several = subprocess.run(
        [*command, "a.csv", "b.csv"], capture_output=True, text=True, cwd=tmp_path, check=True
    )
    assert "a.csv and 1 other file: 60 rows" in several.stdout
    lines = [json.dumps({"overview": text, "genres": cell.split(", ")}) for text, cell in rows]
    piped = subprocess.run(
        command,
        input="\n".join(lines),
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=True,
    )
    assert "stdin: 60 rows" in piped.stdout
    assert piped.stdout.count("Drama (40)") == several.stdout.count("Drama (40)") == 1


@pytest.mark.training
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--group", "film"], "film"),
        (["--soft-labels", "p"], "'p'"),
        (["--extra-train", "more.csv"], "no column named overview"),
    ],
)
def test_a_dry_run_fails_where_training_would(
    two_genres: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "more.csv", ("kind", "words"), [("a", "b")])
    result = CliRunner().invoke(cli, ["train", two_genres, "--dry-run", *options])
    assert result.exit_code == 1
    assert message in str(result.exception)


@pytest.mark.training
def test_genres_of_one_film_each_leave_no_part_empty(tmp_path: Path) -> None:
    rows = [(text, f"Genre {number}") for number, text in enumerate(overviews(60))]
    catalog = write_csv(tmp_path / "films.csv", ("overview", "genres"), rows).path
    result = CliRunner().invoke(cli, ["train", catalog, "--dry-run", "--min-films", "1"])
    assert "no film of dev has a genre that a film of train has" in str(result.exception)


@pytest.mark.training
def test_a_dry_run_shows_what_is_taken_of_further_catalogs(two_genres: str, tmp_path: Path) -> None:
    rows = [("New one.", "Drama"), ("New two.", "Drama|War"), ("New three.", "")]
    write_csv(tmp_path / "more.csv", ("overview", "topics"), rows)
    more = str(tmp_path / "more.csv")
    options = ["--genre-column", "genres", "--extra-train", f"{more}:0.5"]
    refused = CliRunner().invoke(cli, ["train", two_genres, "--dry-run", *options])
    assert "no column named genres" in str(refused.exception)
    write_csv(tmp_path / "more.csv", ("overview", "genres"), rows)
    result = CliRunner().invoke(cli, ["train", two_genres, "--dry-run", *options])
    assert result.exit_code == 0, result.output
    assert (
        f"{more}: 2 rows with weight 0.5; left out: 0 of films in dev or test, 0 that an earlier "
        f"catalog has, 1 without a text or a genre of the catalog" in result.stdout
    )


def test_a_base_model_that_is_a_file_is_refused_before_training(two_genres: str) -> None:
    arguments = ["train", two_genres, "--dry-run", "--base-model", two_genres]
    refused = CliRunner().invoke(cli, arguments).exception
    assert isinstance(refused, UsageError)
    assert re.fullmatch(r"--base-model: .*films\.csv is a file: name a folder", str(refused))


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--base-model", "gone.onnx", "no such model: gone.onnx"),
        ("--teacher", "gone.onnx", "no such model: gone.onnx"),
        ("--teacher", "gone", "--teacher: no such folder: gone"),
        ("--teacher", "films.csv", "films.csv is not an ONNX file"),
    ],
)
def test_a_missing_model_is_named_before_the_catalog_is_read(
    option: str, value: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "films.csv").write_text("unread\n")
    for shown in ([], ["--dry-run"]):
        arguments = ["train", "films.csv", "-o", "run", *shown, option, value]
        assert message in str(CliRunner().invoke(cli, arguments).exception)
    assert not (tmp_path / "run").exists()

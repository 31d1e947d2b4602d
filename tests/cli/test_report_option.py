from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from genre_batch import UsageError
from genre_batch.cli.group import cli
from genre_batch.cli.report_option import catalog_name, check_report
from genre_batch.errors import CatalogError
from support.places import Command

FILMS = "overview,genres,release_date\n" + "".join(
    f"{word} {word} {row},{genre},{1990 + row % 7}-01-01\n"
    for row in range(40)
    for word, genre in [[("laugh", "Comedy"), ("cry", "Drama"), ("fight", "Comedy")][row % 3]]
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "films.csv").write_text(FILMS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _body(path: Path) -> str:
    """Return a page without its title and lead, in which the catalog is named."""
    text = path.read_text(encoding="utf-8")
    return re.sub(r"<title>.*?</title>|<h1>.*?</h1>", "", text)


def test_tag_writes_a_page_beside_any_output(folder: Path, command: Command) -> None:
    done = command("tag", "films.csv", "-o", "tagged.csv", "--report", "page.html")
    assert (done.returncode, done.stderr) == (0, b"report written to page.html\n")
    done = command("tag", "--input-format", "csv", "--report", "piped.html", stdin=FILMS.encode())
    assert done.returncode == 0
    assert done.stdout.count(b"\n") == 40
    assert _body(folder / "piped.html") == _body(folder / "page.html")
    page = (folder / "page.html").read_text()
    assert "<h1>Genres of films.csv</h1>" in page
    assert "Genres by year" in page
    assert 'id="queue"' not in page
    assert str(folder) not in page


def test_a_rerun_and_a_folder_of_parts_give_the_same_page(folder: Path, command: Command) -> None:
    lines = FILMS.splitlines(keepends=True)
    for number, rows in enumerate((lines[1:15], lines[15:])):
        (folder / f"part{number}.csv").write_text("".join([lines[0], *rows]))
    command("tag", "films.csv", "-o", "whole.csv", "--report", "whole.html")
    # The first run has no page: the second reads the rows again for it.
    command("tag", "part0.csv", "part1.csv", "-o", "parts/")
    for page in ("parts.html", "again.html"):
        done = command("tag", "part0.csv", "part1.csv", "-o", "parts/", "--report", page)
        assert done.returncode == 0, done.stderr
        assert _body(folder / page) == _body(folder / "whole.html")


def test_audit_writes_a_page_with_the_queue(folder: Path, command: Command) -> None:
    options = ("--min-score", "0", "--report", "page.html")
    done = command("audit", "films.csv", "-o", "review.csv", *options)
    assert done.returncode == 0, done.stderr
    page = (folder / "page.html").read_text()
    assert "<h1>Labels of films.csv</h1>" in page
    assert 'id="queue-data"' in page


def test_a_page_that_cannot_have_every_label_says_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("genre_batch.report.queue.MAX_BYTES", 2_000)
    options = ["audit", "films.csv", "-o", "all.csv", "--all", "--report", "all.html"]
    result = CliRunner().invoke(cli, options)
    assert result.exit_code == 0, result.stderr
    data = queue_of(folder / "all.html")
    total, count = 40 * 19, len(data["records"])
    assert (data["total"], data["cut"]) == (total, 0)
    assert f"has the {count} labels with the highest scores, of {total}:" in result.stderr
    with (folder / "all.csv").open() as file:
        scores = sorted((float(row["score"]) for row in csv.DictReader(file)), reverse=True)
    assert min(record[4] for record in data["records"]) == pytest.approx(
        scores[count - 1], abs=1e-3
    )


def test_a_page_has_the_names_of_the_map(folder: Path, command: Command) -> None:
    (folder / "names.csv").write_text("Tears,Drama\nWeepie,Drama\nLaughs,Comedy\n")
    films = FILMS.replace("Drama", "Weepie").replace("Comedy", "Laughs")
    (folder / "theirs.csv").write_text(films.replace("1,Weepie", "1,Tears"))
    for name, arguments in {
        "audit": ("-o", "review.csv", "--min-score", "0"),
        "tag": ("-o", "tagged.csv"),
    }.items():
        page = folder / f"{name}.html"
        options = ("--genre-map", "names.csv", "--report", page)
        done = command(name, "theirs.csv", *arguments, *options)
        assert done.returncode == 0, done.stderr
        text = page.read_text()
        assert "<td>Tears</td>" in text.replace('<th scope="row">', "<td>").replace(
            "</th>", "</td>"
        )
        assert "Labels that the model does not know" not in text
    data = queue_of(folder / "audit.html")
    assert {"Tears", "Weepie", "Laughs"} <= set(data["genres"])
    assert data["command"].endswith("-o theirs-corrected.csv --genre-map names.csv")


def queue_of(page: Path) -> dict[str, Any]:
    found = re.search(r'id="queue-data">(.*?)</script>', page.read_text(), re.DOTALL)
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    return data


def test_a_page_never_replaces_another_file(folder: Path) -> None:
    with pytest.raises(UsageError, match="`report`"):
        check_report("tag", "films.csv", ["films.csv"])
    for name in ("output", "summary_json", "rejects", "cache"):
        with pytest.raises(
            UsageError, match=rf"^`{name}` and `report` would be one file, new.html"
        ):
            check_report("tag", "new.html", ["films.csv"], {name: "./new.html"})
    (folder / "cache").mkdir()
    with pytest.raises(UsageError, match=r"^`report`: cache/new\.html is in the folder of `cache`"):
        check_report("tag", "cache/new.html", [], {"cache": "cache"})
    (folder / "notes.html").write_text("notes")
    with pytest.raises(CatalogError, match="not an HTML page"):
        check_report("tag", "notes.html", [])
    with pytest.raises(UsageError, match="no such folder"):
        check_report("tag", "none/page.html", [])


def test_a_page_names_a_catalog_without_its_folders() -> None:
    assert catalog_name(["/home/me/films.csv"]) == "films.csv"
    assert catalog_name(["-"]) == "stdin"
    assert catalog_name(["a.csv", "b.csv"]) == "2 inputs"

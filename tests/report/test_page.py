"""The page: everything escaped, nothing fetched, the same bytes for the same report."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genre_batch import report
from genre_batch.errors import CatalogError
from genre_batch.evaluation.per_genre import Predictions
from genre_batch.report.page import Column, Report, Section, Table, render, write_report
from genre_batch.report.sections import prediction_sections

HOSTILE = '<script>alert(1)</script> & "x"'


def _report(name: str = "Drama") -> Report:
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, (30, 2))
    predictions = Predictions((name, "War"), labels, random.random((30, 2)), np.full(2, 0.5))
    lead, warning = f"About {name}.", f"Beware of {name}."
    return Report(f"Of {name}", (lead,), prediction_sections(predictions, name), (warning,))


def _without_scripts(page: str) -> str:
    return re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)


def test_a_name_that_is_not_unicode_is_shown_with_its_bytes() -> None:
    assert b"Of films\\udcff.csv" in render(_report("films\udcff.csv"))


def test_a_name_that_is_html_is_escaped() -> None:
    page = render(_report(HOSTILE)).decode()
    assert "<script>alert" not in page
    assert page.count(html.escape(HOSTILE).replace("&#x27;", "&#39;").replace("&quot;", "&#34;"))
    for spec in re.findall(r'<script type="application/json">(.*?)</script>', page, re.DOTALL):
        assert json.loads(spec)["description"]
        assert not set("<>&") & set(spec)


def test_the_same_report_gives_the_same_bytes() -> None:
    assert render(_report()) == render(_report())
    assert render(_report()) != render(_report("Music"))


def test_nothing_on_the_page_is_fetched_and_only_its_own_two_scripts_run() -> None:
    page = render(_report()).decode()
    assert set(re.findall(r'(?:src|href)="([^"#]*)', _without_scripts(page))) == {"", "data:,"}
    assert "@import" not in page
    assert "url(" not in (Path(report.__file__).parent / "page.css").read_text(encoding="utf-8")
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-eval" not in policy
    assert "script-src 'unsafe-inline'" not in policy
    scripts = re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)
    allowed = re.findall(r"'sha256-([^']*)'", policy)
    digests = [hashlib.sha256(script.encode()).digest() for script in scripts]
    assert [base64.b64encode(digest).decode() for digest in digests] == allowed
    assert len(allowed) == 2


def test_a_report_is_written_completely_and_replaces_an_existing_one(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")
    write_report(_report(), path)
    assert path.read_bytes() == render(_report())
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_a_report_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match=r"cannot write .*report\.html: No such file"):
        write_report(_report(), tmp_path / "none" / "report.html")
    (tmp_path / "report.html").write_text("old")
    broken = Report("Broken", (object(),), (object(),))  # type: ignore[arg-type]
    with pytest.raises(Exception, match="no attribute 'title'"):
        write_report(broken, tmp_path / "report.html")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_numbers_have_their_decimal_places_and_unknown_values_are_a_dash() -> None:
    counts, shares = Column("films", 0), Column("F1", 3)
    assert [counts.formatted(12345), shares.formatted(0.5), shares.formatted(1)] == [
        "12,345",
        "0.500",
        "1.000",
    ]
    assert {shares.formatted(cell) for cell in (None, float("nan"), float("inf"))} == {"–"}  # noqa: RUF001
    assert Column("genre").formatted("Drama") == "Drama"


@pytest.mark.parametrize("row", [("Drama",), ("Drama", "many"), ("Drama", 1, 2)])
def test_a_table_s_rows_fit_its_columns(row: tuple[Any, ...]) -> None:
    with pytest.raises(ValueError, match=r"films takes numbers|argument 2 is"):
        Table("Counts", (Column("genre"), Column("films", 0)), (row,))


def test_a_section_may_consist_of_text_alone() -> None:
    page = render(Report("Words", (), (Section("One", ("Only words.",)),))).decode()
    assert "<p>Only words.</p>" in page
    assert "<table" not in _without_scripts(page)


def test_a_table_has_a_row_for_each_item() -> None:
    columns = ((Column("word"), str), (Column("letters", 0), len))
    table = Table.of("Words", ["a", "film"], columns)
    assert [column.name for column in table.columns] == ["word", "letters"]
    assert table.rows == (("a", 1), ("film", 4))

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from genre_batch.catalog.chunk import TableChunk
from genre_batch.profile.profile import CatalogProfile, ProfileCollector
from genre_batch.report.catalog_page import CatalogFacts, GenreEstimate, catalog_report
from genre_batch.report.page import Report, render
from genre_batch.report.queue import Queue, QueueRecord, QueueRow

GENRES = ("Action", "Drama", "War")
ESTIMATE = GenreEstimate("Drama", 2, 1.2, 0.4, 2.8, 1.0, 4.0, 1)
QUEUE = Queue(
    "films.review.csv",
    "genre-batch apply films.review.csv films.csv -o corrected.csv",
    {"title": "title", "text": "overview", "genres": "genres"},
    [QueueRow(0, False, ("</script><b>", "text", "Drama"))],
    [QueueRecord(0, "doubtful", "Drama", 0.1, 0.9)],
)


def profile(rows: int = 4) -> CatalogProfile:
    predicted = [["Drama", "War"], [], None, ["Action"]][:rows]
    probabilities = np.array([[0.1, 0.97, 0.5], [0.2, 0.3, 0.1], [np.nan] * 3, [1.0, 0.0, 0.2]])
    table = pa.table({"year": [1999, 1999, None, 2004], "genres": ["Drama", "Noir", None, "War"]})
    collector = ProfileCollector(GENRES)
    if rows:
        chunk = TableChunk(table.slice(0, rows))
        collector.add(chunk, pa.array(predicted, pa.list_(pa.string())), probabilities[:rows])
    return collector.profile()


def titles(report: Report) -> list[str]:
    return [section.title for section in report.sections]


def test_a_tagged_catalog_has_rows_genres_and_predictions() -> None:
    report = catalog_report(profile(), CatalogFacts("films.csv", model={"file": "m.onnx"}))
    assert titles(report) == ["Rows", "Genres", "Predictions", "Model"]
    rows, genres = report.sections[0].tables[0].rows, report.sections[1].tables
    assert rows[:4] == (
        ("all", 4, 100.0),
        ("with text", 3, 75.0),
        ("without text", 1, 25.0),
        ("with text, without a predicted genre", 1, 25.0),
    )
    assert genres[0].rows[1][:3] == ("Drama", 1, 1)
    assert genres[0].rows[1][3:] == pytest.approx((100 / 3, 0.975))
    assert genres[1].rows == (("Noir", 1),)
    assert report.queue is None
    assert b"queue-data" not in render(report)


def test_what_is_known_of_the_rows_is_reported() -> None:
    facts = CatalogFacts(
        "films.csv", rejected=7, hardly_read=2, other_language=3, seen_in_training=1, skipped=1
    )
    report = catalog_report(profile(), facts)
    shown = {row[0]: row[1] for row in report.sections[0].tables[0].rows}
    assert shown["without text"] == 0
    assert shown["in a script that the model hardly reads"] == 2
    assert shown["in another language than the model reads"] == 3
    assert shown["more that could not be read"] == 7
    assert len(report.warnings) == 2


def test_an_audited_catalog_starts_with_its_queue() -> None:
    facts = CatalogFacts("films.csv", estimates=[ESTIMATE], queue=QUEUE, audited=3)
    report = catalog_report(profile(), facts)
    assert titles(report)[0] == "Review"
    page = render(report).decode()
    assert page.count("<script") == 4 + page.count('<div class="plot">')
    assert "</script><b>" not in page
    assert "\\u003c/script\\u003e" in page
    assert page == render(catalog_report(profile(), facts)).decode()


def test_a_catalog_without_rows_has_a_page() -> None:
    report = catalog_report(profile(rows=0), CatalogFacts("empty.csv"))
    assert titles(report) == ["Rows", "Genres"]
    render(report)

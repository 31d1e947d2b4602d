from __future__ import annotations

import json
from dataclasses import replace

from genre_batch.report.queue import CUT, Queue, QueueRecord, QueueRow, queue_data


def queue(rows: int = 3, text: str = "text") -> Queue:
    return Queue(
        "films.review.csv",
        "genre-batch apply films.review.csv films.csv -o corrected.csv",
        {"id": "id", "title": "Title", "text": "overview", "genres": "genres"},
        [QueueRow(row, row == 1, (str(row), f"film {row}", text, None)) for row in range(rows)],
        [QueueRecord(row, "missing", "Drama", 0.987654, 0.5) for row in range(rows)],
    )


def test_a_row_is_there_once_however_many_records_it_has() -> None:
    made = queue()
    doubled = replace(made, records=[*made.records, *made.records])
    data = queue_data(doubled)
    assert len(data["rows"]) == 3
    assert len(data["records"]) == data["total"] == 6
    assert data["records"][1] == [1, 0, 0, 0.9877, 0.5]
    assert data["rows"][1] == [1, 1, "1", "film 1", "text", None]


def test_texts_are_cut_until_the_queue_fits() -> None:
    data = queue_data(queue(rows=50, text="word " * 300), most=40_000)
    assert data["cut"] == 700
    assert all(row[4].endswith(CUT) and len(row[4]) <= 700 for row in data["rows"])
    assert queue_data(queue(rows=50, text="word " * 300))["cut"] == 0


def test_the_records_with_the_lowest_scores_are_left_out_if_that_is_not_enough() -> None:
    made = queue(rows=2_000, text="word " * 300)
    scored = [replace(record, score=record.row * 7 % 2_000 / 2_000) for record in made.records]
    data = queue_data(replace(made, records=scored), most=60_000)
    count = len(data["records"])
    assert 0 < count < 2_000
    assert data["total"] == 2_000
    kept = [record[4] for record in data["records"]]
    assert sorted(kept) == sorted((record.score for record in scored), reverse=True)[:count][::-1]
    rows = [data["rows"][record[0]][0] for record in data["records"]]
    assert rows == sorted(rows)
    text = json.dumps({**data, "key": ""}, ensure_ascii=False, separators=(",", ":"))
    assert len(text.encode()) <= 60_020


def test_characters_that_are_escaped_count_as_they_are_written() -> None:
    plain = queue_data(queue(rows=100, text="a" * 300), most=40_000)
    escaped = queue_data(queue(rows=100, text="<" * 300), most=40_000)
    assert escaped["cut"] < (plain["cut"] or 300)


def test_the_key_is_of_the_content() -> None:
    assert queue_data(replace(queue(), command="x"))["key"] == queue_data(queue())["key"]
    assert queue_data(queue())["key"] == queue_data(queue())["key"]
    assert queue_data(queue())["key"] != queue_data(queue(text="other"))["key"]

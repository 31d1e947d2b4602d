"""Promise: the stretches of an untidy CSV on two nodes join to what one machine writes.

`GENRE_BATCH_ROWS=400000` makes it a long run of that many rows.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from genre_batch import tag_catalog
from support.places import COMMAND
from support.ray_cluster import ray_cluster

pytest.importorskip("ray")
pytestmark = [
    *(pytest.mark.cluster, pytest.mark.process, pytest.mark.slow),
    pytest.mark.filterwarnings("ignore::genre_batch.errors.GenreBatchWarning"),
]

ROWS = int(os.environ.get("GENRE_BATCH_ROWS", "8000"))
BYTES, STRETCHES = 26 << 20, 20
BROKEN = (
    b'%d,laugh,"never closed',
    b"%d,too,many,fields",
    b"%d,\xff\xfe cry,not UTF-8",
    b'%d,"closed" late,x',
    b"%d",
    b"",
)


def _lines() -> Iterator[bytes]:
    chance = random.Random(ROWS)
    texts = [b"laugh", b'"cry,\nfight"', b'"robot ""in""\r\n\r\ntwo lines"', b"", b"the"]
    filler = b"a word, and\nanother; " * (BYTES // ROWS // 21)
    yield b"id,overview,notes\n"
    for number in range(ROWS):
        if chance.random() < 0.002:
            line = chance.choice(BROKEN)
            yield (line % number if b"%d" in line else line) + b"\n"
            continue
        end = chance.choice((b"\n", b"\r\n"))
        yield b'%d,%s,"%s"%s' % (number, chance.choice(texts), filler, end)


def _joined(folder: Path) -> bytes:
    """Return the files of a folder, one after the other, with the header of the first."""
    first, *others = [path.read_bytes() for path in sorted(folder.glob("part-*"))]
    assert len(others) + 1 >= STRETCHES
    return first + b"".join(content.split(b"\n", 1)[1] for content in others)


def _rejects(side: str) -> list[dict[str, object]]:
    found = sorted(Path(side, "rejects").rglob("*.jsonl"))
    return [json.loads(line) for path in found for line in path.read_bytes().splitlines()]


def test_an_untidy_csv_in_stretches_on_two_nodes(working_folder: Path, default_model: Path) -> None:
    with open("films.csv", "wb") as file:
        file.writelines(_lines())
    summary = tag_catalog("films.csv", "whole/")
    with ray_cluster(2) as cluster:
        line = ["tag", "films.csv", "-o", "cut/", "--engine", "ray", "--address", cluster.address]
        subprocess.run(
            [COMMAND, "-q", *line, "--split-size", "1MB"],
            env=os.environ | dict(cluster.environment),
            check=True,
        )
    assert _joined(Path("cut/films.csv")) == Path("whole/films.csv").read_bytes()
    rejects = _rejects("cut.genre-batch")
    assert rejects == _rejects("whole.genre-batch")
    assert summary.rows_rejected == len(rejects) > 0

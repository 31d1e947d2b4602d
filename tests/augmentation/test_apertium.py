"""The real Apertium: Debian's programs and dictionaries, in processes of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genre_batch.augmentation.apertium import CHAINS, Apertium, _unescape
from genre_batch.errors import TrainingError, UsageError
from support.places import ROOT

pytestmark = pytest.mark.process

TEXTS = [
    "A retired detective returns for one last murder case.",
    "The dog sleeps in the old house. Nobody knows why!",
    "Two friends, 5'10\" tall, find [a map] and {gold} worth $5/day @ the_market <soon>",
    "Line one.\n\nLine two\\three^four$",
]


@pytest.mark.parametrize("pivot", CHAINS)
def test_every_copy_is_english_and_in_order(apertium: Apertium, pivot: str) -> None:
    copies = apertium.back_translate(TEXTS, pivot)
    assert len(copies) == len(TEXTS)
    assert "detective" in copies[0]
    assert "dog" in copies[1]
    assert copies[3].count("\n\n") == 1
    assert any(copy != text for copy, text in zip(copies, TEXTS, strict=True))


def test_a_text_s_copy_depends_on_that_text_alone(apertium: Apertium) -> None:
    together = apertium.back_translate(TEXTS, "es")
    assert together == [apertium.back_translate([text], "es")[0] for text in TEXTS]
    assert apertium.back_translate(TEXTS[::-1], "es") == together[::-1]


@pytest.mark.slow
@given(st.text(max_size=60).filter(str.strip))
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_text_changes_the_copies_of_its_neighbors(apertium: Apertium, text: str) -> None:
    guard = "The dog sleeps."
    copies = apertium.back_translate([guard, text, guard], "es")
    assert copies[0] == copies[2] == apertium.back_translate([guard], "es")[0]


def test_an_unknown_pivot_is_named_with_the_known_ones(apertium: Apertium) -> None:
    with pytest.raises(UsageError, match="has no pivot 'ko': choose `pivots` from es, ca, gl"):
        Apertium(["ko"])


def test_the_identity_depends_on_the_chain(apertium: Apertium) -> None:
    assert len({apertium.identity(pivot) for pivot in apertium.pivots}) == len(apertium.pivots)
    assert apertium.identity("es>ca") == Apertium(["es>ca"]).identity("es>ca")


def test_without_apertium_its_packages_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        UsageError, match=r"apt-get install apertium-eng-spa apertium-spa-cat apertium-eng-cat$"
    ):
        Apertium(["es>ca"])


def test_the_package_of_a_missing_mode_is_named(
    apertium: Apertium, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "modes").mkdir()
    for mode in ("eng-spa", "spa-eng"):
        (tmp_path / "modes" / f"{mode}.mode").write_text("cat", encoding="utf-8")
    monkeypatch.setenv("APERTIUM_DATADIR", str(tmp_path))
    assert Apertium().pivots == ("es",)
    with pytest.raises(UsageError, match="apt-get install apertium-en-gl"):
        Apertium(["gl"])


@pytest.mark.parametrize(
    ("pipeline", "reason"),
    [
        ("echo out of memory >&2; exit 3", "out of memory"),
        ("kill -9 $$", "exit code -9"),
        ("head -c 20", "returned 0 of 2 texts"),
    ],
)
def test_a_failing_pipeline_is_one_line(
    apertium: Apertium, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, pipeline: str, reason: str
) -> None:
    (tmp_path / "modes").mkdir()
    for mode in ("eng-spa", "spa-eng"):
        (tmp_path / "modes" / f"{mode}.mode").write_text(pipeline, encoding="utf-8")
    monkeypatch.setenv("APERTIUM_DATADIR", str(tmp_path))
    with pytest.raises(TrainingError, match=f"Apertium failed on eng-spa: .*{reason}") as caught:
        Apertium(["es"]).back_translate(TEXTS[:2], "es")
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_the_command_adds_copies_and_translates_nothing_twice(
    apertium: Apertium,
    command: Callable[..., subprocess.CompletedProcess[bytes]],
    tmp_path: Path,
) -> None:
    shutil.copy(ROOT / "samples" / "films.csv", tmp_path / "films.csv")
    arguments = (tmp_path / "films.csv", "--rows", "all", "--cache", tmp_path / "cache.sqlite")
    first = command("augment", *arguments, "-o", tmp_path / "one.parquet")
    assert first.returncode == 0, first.stderr
    again = command("augment", *arguments, "-o", tmp_path / "two.parquet")
    assert b" 0 translated" in again.stderr
    table = pq.read_table(tmp_path / "one.parquet")
    assert table.equals(pq.read_table(tmp_path / "two.parquet"))
    copies = table.filter(table["pivot"].is_valid())
    assert set(copies["pivot"].to_pylist()) <= set(CHAINS)
    films = table.num_rows - copies.num_rows
    assert copies.num_rows > 3 * films
    assert set(copies["source_row"].to_pylist()) <= set(range(films))


def test_the_command_names_what_to_install(
    command: Callable[..., subprocess.CompletedProcess[bytes]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", os.fspath(tmp_path))
    films = ROOT / "samples" / "films.csv"
    result = command("augment", films, "-o", tmp_path / "out.csv")
    assert result.returncode == 2
    lines = result.stderr.decode().splitlines()
    assert lines[-1].endswith(
        "Apertium is not installed: apt-get install apertium-eng-spa apertium-eng-cat "
        "apertium-en-gl apertium-spa-cat"
    )


@pytest.mark.parametrize(
    ("stream", "plain"),
    [
        ("It ends.[]", "It ends"),
        ("It ends . [] ", "It ends"),
        ("It ends.. []", "It ends."),
        (r"A list \[\]", "A list []"),
        ("It ends.", "It ends."),
    ],
)
def test_an_end_that_was_added_is_removed_again(stream: str, plain: str) -> None:
    assert _unescape(stream, plain) == plain


def test_much_space_in_a_translation_is_one_space() -> None:
    stream = f"a{' ' * 50_000}b.[]"
    assert _unescape(stream, "a b") == "a b"

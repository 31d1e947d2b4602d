"""Fixtures that every room's tests share."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from genre_batch.model.tagger import MODEL_VARIABLE, GenreTagger
from support import tiny
from support.browser import Browser
from support.places import BROWSER, COMMAND, DATA, DRIVER, ROOT

pytest_plugins = ["support.training"]

_TRAINING_ROOMS = {"training", "exporting", "comparison"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by room and fixture, so that `-m "not training and not browser"` is quick."""
    for item in items:
        rooms = item.path.relative_to(ROOT / "tests").parts[:-1]
        if _TRAINING_ROOMS & set(rooms):
            item.add_marker(pytest.mark.training)
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)
    if "torch" in sys.modules:
        # Work this small only gets slower by being shared out.
        sys.modules["torch"].set_num_threads(1)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a model whose words each speak for one genre (tiny.py)."""
    return tiny.write_model(tmp_path_factory.mktemp("model") / "tiny.onnx")


@pytest.fixture(scope="session")
def conditional_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of the tiny model with two thresholds for Comedy, by whether Drama is predicted."""
    return tiny.write_model(
        tmp_path_factory.mktemp("model") / "conditional.onnx",
        props={"format_version": 2, "conditional_thresholds": tiny.COMEDY_BY_DRAMA},
    )


@pytest.fixture(scope="session")
def tagger(tiny_model: Path) -> GenreTagger:
    """The tiny model, loaded."""
    return GenreTagger.load(tiny_model)


@pytest.fixture
def command(tiny_model: Path) -> Callable[..., subprocess.CompletedProcess[bytes]]:
    """Runs `genre-batch` in a process of its own, with the tiny model as the default one."""

    def run(*arguments: object, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [COMMAND, *map(str, arguments)],
            input=stdin,
            capture_output=True,
            env=os.environ | {MODEL_VARIABLE: str(tiny_model), "COLUMNS": "100"},
            timeout=600,
            check=False,
        )

    return run


def _missing(message: str, *demanded_by: str) -> NoReturn:
    """Skips a test for want of something, or fails it where a variable demands that thing."""
    if any(os.environ.get(variable) for variable in demanded_by):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of the real catalogs; where CI asks for it, its absence is a failure."""
    if not DATA.is_dir():
        _missing(
            f"no real catalogs in {DATA}: set GENRE_BATCH_DATA to their folder",
            "GENRE_BATCH_REQUIRE_DATA",
        )
    return DATA


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium; in CI its absence is a failure."""
    if BROWSER is None or DRIVER is None:
        _missing(
            "no chromium and chromedriver: apt-get install chromium chromium-driver",
            "CI",
            "GENRE_BATCH_REQUIRE_DATA",
        )
    with Browser.started(BROWSER, DRIVER) as started:
        yield started

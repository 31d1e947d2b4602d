"""Fixtures that every room's tests share."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import settings

from genre_batch.model.tagger import MODEL_VARIABLE, GenreTagger
from support import tiny
from support.browser import Browser
from support.places import BROWSER, COMMAND, DATA, DRIVER, ROOT, Command

pytest_plugins = ["support.training"]

# No deadlines: how long an example takes depends on what else the machine does.
settings.register_profile("usual", deadline=None)
settings.register_profile("quick", deadline=None, max_examples=20)
settings.register_profile("thorough", deadline=None, max_examples=2000)
settings.load_profile("usual")

_TESTS = ROOT / "tests"
_TRAINING = [
    _TESTS / "augmentation" / "test_marian.py",
    _TESTS / "comparison",
    _TESTS / "dataset" / "test_sentence_mixing.py",
    _TESTS / "exporting",
    _TESTS / "model" / "test_checkpoint.py",
    _TESTS / "training",
]
"""Folders and files whose tests need the extra `train`: their modules import torch."""


def _needs_training(path: Path) -> bool:
    return any(path.is_relative_to(place) for place in _TRAINING)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Skip the modules that import torch where `-m` deselects all their tests anyway.

    Importing them takes longer than most quick tests, and needs the extra `train`. Only
    expressions of the form `not a and not b` are recognized: others may select by name.
    """
    excluded = re.fullmatch(r"not \w+(?: and not \w+)*", config.option.markexpr.strip())
    skipped = excluded is not None and "training" in excluded[0].split()
    return True if skipped and _needs_training(collection_path) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by place and fixture, so that `-m` can select the quick half (scripts/test)."""
    for item in items:
        if "command" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.process)
        if _needs_training(item.path):
            item.add_marker(pytest.mark.training)
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)
        if any(item.get_closest_marker(name) for name in ("browser", "cluster")):
            item.add_marker(pytest.mark.alone)
    if "torch" in sys.modules:
        # Models this small run slower on several threads.
        sys.modules["torch"].set_num_threads(1)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of a model in which each word stands for one genre (tiny.py)."""
    return tiny.write_model(tmp_path_factory.mktemp("model") / "tiny.onnx")


@pytest.fixture
def default_model(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the tiny model the default one, also of processes; return its file."""
    monkeypatch.setenv(MODEL_VARIABLE, str(tiny_model))
    return tiny_model


@pytest.fixture
def working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the test's own folder the current one; return it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def conditional_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the tiny model with two thresholds for Comedy, by whether Drama is predicted."""
    return tiny.write_model(
        tmp_path_factory.mktemp("model") / "conditional.onnx",
        props={"format_version": 2, "conditional_thresholds": tiny.COMEDY_BY_DRAMA},
    )


@pytest.fixture(scope="session")
def tagger(tiny_model: Path) -> GenreTagger:
    """Return the tiny model, loaded."""
    return GenreTagger.load(tiny_model)


@pytest.fixture
def command(tiny_model: Path) -> Command:
    """Return a function that runs `genre-batch` in a process, with the tiny model as default."""

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


def _missing(message: str, *required_by: str) -> NoReturn:
    """Skip a test that lacks something, or fail it where an environment variable requires it."""
    if any(os.environ.get(variable) for variable in required_by):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def data() -> Path:
    """Return the folder of the real catalogs; if CI requires it, its absence is a failure."""
    if not DATA.is_dir():
        _missing(
            f"no real catalogs in {DATA}: set GENRE_BATCH_DATA to their folder",
            "GENRE_BATCH_REQUIRE_DATA",
        )
    return DATA


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start a headless Chromium; in CI its absence is a failure."""
    if BROWSER is None or DRIVER is None:
        _missing(
            "no chromium and chromedriver: apt-get install chromium chromium-driver",
            "CI",
            "GENRE_BATCH_REQUIRE_DATA",
        )
    with Browser.start(BROWSER, DRIVER) as browser:
        yield browser

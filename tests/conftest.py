"""Fixtures that every room's tests share."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import tiny
from genre_batch.model.tagger import MODEL_VARIABLE, GenreTagger
from places import COMMAND, DATA


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a model whose words each speak for one genre (tiny.py)."""
    return tiny.write_model(tmp_path_factory.mktemp("model") / "tiny.onnx")


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


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of the real catalogs; where CI asks for it, its absence is a failure."""
    if not DATA.is_dir():
        message = f"no real catalogs in {DATA}: set GENRE_BATCH_DATA to their folder"
        if os.environ.get("GENRE_BATCH_REQUIRE_DATA"):
            pytest.fail(message)
        pytest.skip(message)
    return DATA

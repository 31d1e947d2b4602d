"""Which model a name means: a shipped one, or a file."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from genre_batch.errors import ModelError, UsageError
from genre_batch.model import shipped
from genre_batch.model.shipped import (
    MODEL_VARIABLE,
    SHIPPED_MODELS,
    default_model,
    installed_models,
    model_path,
)
from genre_batch.model.tagger import GenreTagger


@pytest.fixture(autouse=True)
def _no_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(MODEL_VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def both(tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of shipped models that holds both."""
    folder = tmp_path / "export"
    folder.mkdir()
    for name in SHIPPED_MODELS.values():
        shutil.copy(tiny_model, folder / name)
    monkeypatch.setattr(shipped, "_file", lambda name: folder / SHIPPED_MODELS[name])
    return folder


def test_names_mean_the_shipped_files(both: Path) -> None:
    for name, file in SHIPPED_MODELS.items():
        assert model_path(name) == both / file
        assert GenreTagger.load(name, lazy=True).path == both / file
    assert model_path(None) == default_model() == both / SHIPPED_MODELS["default"]


@pytest.mark.parametrize(
    "path", ["./fast", "models/fast", "fast.onnx", "/default", "default.ONNX", "a.b", "other/"]
)
def test_a_path_has_a_separator_or_a_suffix(both: Path, path: str) -> None:
    assert model_path(path) == Path(path)


def test_a_file_without_a_suffix_is_itself_but_a_name_stays_a_name(
    both: Path, tmp_path: Path
) -> None:
    for name in ("model", "fast"):
        (tmp_path / name).write_bytes(b"")
    assert model_path("model") == Path("model")
    assert model_path("fast") == both / SHIPPED_MODELS["fast"]


@pytest.mark.parametrize("name", ["quick", "Fast", "defualt"])
def test_an_unknown_name_is_answered_with_those_that_ship(both: Path, name: str) -> None:
    said = f"no such model: {name}: the models that ship are default, fast; .* {name}.onnx$"
    with pytest.raises(UsageError, match=said):
        model_path(name)


def test_a_model_that_does_not_ship_yet_is_answered_with_those_that_do(both: Path) -> None:
    (both / SHIPPED_MODELS["fast"]).unlink()
    assert installed_models() == ["default"]
    said = "the model fast does not ship with this version: the models that ship are default"
    with pytest.raises(UsageError, match=f"^{re.escape(said)}$"):
        model_path("fast")
    (both / SHIPPED_MODELS["default"]).unlink()
    with pytest.raises(ModelError, match="not installed: run pip install"):
        model_path("default")


@pytest.mark.parametrize("value", ["fast", "own.onnx"])
def test_the_variable_takes_names_too_and_a_name_overrides_it(
    both: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv(MODEL_VARIABLE, value)
    expected = both / SHIPPED_MODELS["fast"] if value == "fast" else Path(value)
    assert model_path(None) == expected
    assert model_path("default") == both / SHIPPED_MODELS["default"]

"""Every exception of the package arrives in another process as it was raised; first lines."""

from __future__ import annotations

import ast
import builtins
import copy
import functools
import importlib
import inspect
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from genre_batch.errors import MissingExtraError, OutputExistsError, first_line
from support.places import ROOT

MEANT = {"number": 15}
"""Values of parameters that take something else than a string."""


@functools.cache
def _exceptions() -> tuple[type[BaseException], ...]:
    """Return every exception class of the package; only their own modules are imported."""
    module_of: dict[str, str] = {}
    bases: dict[str, set[str]] = {}
    for path in (ROOT / "genre_batch").rglob("*.py"):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                module_of[node.name] = module
                bases[node.name] = {ast.unparse(base) for base in node.bases}
    kinds = {name for name, value in vars(builtins).items() if _is_exception(value)}
    while new := {name for name in bases if bases[name] & kinds} - kinds:
        kinds |= new
    ours = sorted(kinds & bases.keys())
    return tuple(getattr(importlib.import_module(module_of[name]), name) for name in ours)


def _is_exception(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, BaseException)


def _raised(kind: type[BaseException]) -> BaseException:
    """Return an exception with a value for each parameter of its class, and with a note."""
    names: list[str] = []
    if "__init__" in vars(kind):
        names = list(inspect.signature(kind).parameters)
    error = kind(*(MEANT.get(name, f"{name} é") for name in names or ["x.csv, line 3: message"]))
    error.add_note("run the same command again to resume")
    return error


def _pickled(error: BaseException, protocol: int) -> Any:
    return pickle.loads(pickle.dumps(error, protocol))


COPIES: dict[str, Callable[[BaseException], Any]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
} | {
    f"pickle {protocol}": functools.partial(_pickled, protocol=protocol)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
}


def test_the_exceptions_of_every_room_are_found() -> None:
    names = {kind.__name__ for kind in _exceptions()}
    assert {"MissingExtraError", "OutputExistsError", "UnwritableTypeError"} <= names
    assert {"StoppedBySignal", "StoppedError", "GenreBatchWarning"} <= names


@pytest.mark.parametrize("how", COPIES)
def test_a_copy_of_an_exception_says_the_same(how: str) -> None:
    for kind in _exceptions():
        error = _raised(kind)
        copied = COPIES[how](error)
        assert type(copied) is kind
        assert (str(copied), copied.args) == (str(error), error.args)
        assert vars(copied) == vars(error)
        assert copied is not error
        assert getattr(copied, "exit_code", None) == getattr(error, "exit_code", None)


def test_a_message_that_is_made_of_parts_is_not_made_twice() -> None:
    for error in (OutputExistsError("tagged.csv"), MissingExtraError("train", "train", "torch")):
        assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_a_copy_of_a_copy_can_be_raised() -> None:
    error = OutputExistsError("tagged.csv", "`rejects`")
    for _ in range(3):
        error = pickle.loads(pickle.dumps(error))
    with pytest.raises(OutputExistsError, match=r"^tagged\.csv exists: .* another `rejects`$"):
        raise error


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("bad header"), "bad header"),
        (ValueError("\n  bad header\nstack"), "bad header"),
        (ValueError(""), "ValueError"),
    ],
)
def test_an_error_is_shortened_to_its_first_line(error: Exception, line: str) -> None:
    assert first_line(error) == line

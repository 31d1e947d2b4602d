"""Promise: the recipes of docs/guides/dataframes.md give what they show."""

from __future__ import annotations

import doctest
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.places import ROOT

PAGE = ROOT / "docs" / "guides" / "dataframes.md"
NOT_IN_TEST = {"daft": "150 MB", "pyspark": "490 MB"}
"""Libraries that are too large for the extra `test`, and their size."""
IN_A_PROCESS = {
    "pyspark": "",
    "ray": "import ray\n"
    "ray.init(num_cpus=2, include_dashboard=False, object_store_memory=100 << 20,\n"
    "         log_to_driver=False, _node_ip_address='127.0.0.1')\n",
}
"""Libraries that change signal handlers and start processes -> what to run before a recipe."""
ENVIRONMENT = {
    "SPARK_LOCAL_IP": "127.0.0.1",
    "PYSPARK_PYTHON": sys.executable,
    "PYSPARK_SUBMIT_ARGS": "--master local[2] --conf spark.ui.enabled=false pyspark-shell",
    "RAY_AUTH_MODE": "disabled",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
}
RUN = """
import doctest, sys
test = doctest.DocTestParser().get_doctest(sys.stdin.read(), {}, "recipe", None, 0)
sys.exit(doctest.DocTestRunner(verbose=False).run(test).failed)
"""


def _recipes() -> dict[str, str]:
    """Return the Python blocks of the page, by the heading above them and their number."""
    recipes = {}
    for section in PAGE.read_text(encoding="utf-8").split("\n## ")[1:]:
        title = section.partition("\n")[0]
        for number, block in enumerate(re.findall(r"```python\n(.*?)```", section, re.DOTALL), 1):
            recipes[f"{title} {number}"] = block
    return recipes


RECIPES = _recipes()


def _run_in_a_process(before: str, recipe: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", before + RUN],
        input=recipe,
        env=os.environ | ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_gives_what_it_shows(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    modules = re.findall(r"^>>> (?:import|from) (\w+)", RECIPES[name], re.MULTILINE)
    for module in NOT_IN_TEST.keys() & modules:
        pytest.importorskip(module, reason=f"{module} takes {NOT_IN_TEST[module]}")
    if "pyspark" in modules and shutil.which("java") is None:
        pytest.skip("no Java: apt-get install default-jre-headless")
    shutil.copytree(ROOT / "samples", tmp_path / "samples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GENRE_BATCH_MODEL", raising=False)
    for module in IN_A_PROCESS.keys() & modules:
        _run_in_a_process(IN_A_PROCESS[module], RECIPES[name])
        return
    test = doctest.DocTestParser().get_doctest(RECIPES[name], {}, name, str(PAGE), 0)
    runner = doctest.DocTestRunner(verbose=False)
    runner.run(test)
    assert runner.tries >= 3
    assert runner.failures == 0, capsys.readouterr().out


def test_every_library_has_a_recipe() -> None:
    titles = {name.rsplit(" ", 1)[0] for name in RECIPES}
    assert {"pandas", "polars", "pyarrow", "DuckDB", "Daft", "Spark", "Ray Data"} <= titles

"""Promise: docs/guides/cluster.md can be followed word by word, the kill of a node included."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.places import COMMAND, ROOT

pytest.importorskip("ray")
pytestmark = [pytest.mark.cluster, pytest.mark.process, pytest.mark.slow]

PAGE = (ROOT / "docs" / "guides" / "cluster.md").read_text(encoding="utf-8")


def test_two_nodes_on_a_laptop(tmp_path: Path) -> None:
    section = PAGE.partition("### Two nodes on a laptop")[2].partition("### Many nodes")[0]
    first, second = re.findall(r"```console\n(.*?)```", section, re.DOTALL)
    shutil.copytree(ROOT / "samples", tmp_path / "samples")
    path = f"{Path(sys.executable).parent}{os.pathsep}{COMMAND.parent}{os.pathsep}"
    environment = os.environ | {"PATH": path + os.environ["PATH"], "OMP_NUM_THREADS": "1"}
    environment.pop("GENRE_BATCH_MODEL", None)
    with subprocess.Popen(
        ["bash", "-c", first],
        cwd=tmp_path,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as nodes:
        assert nodes.stdout is not None
        address, raylet = nodes.stdout.readline().split()
        typed = second.replace("127.0.0.1:40000", address).replace("12345", raylet)
        done = subprocess.run(
            ["bash", "-c", typed],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert nodes.stdin is not None
        nodes.stdin.write("\n")
    assert (done.returncode, done.stdout) == (0, "tagged-many/_SUCCESS\n"), done.stderr
    assert len(os.listdir(tmp_path / "tagged-many")) == 65

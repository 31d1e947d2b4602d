"""How many cores a process may use."""

from __future__ import annotations

from pathlib import Path

import pytest

from genre_batch import cores as module
from genre_batch.cores import available_cores


@pytest.mark.parametrize(
    ("quota", "cores"), [("max 100000", 8), ("150000 100000", 2), ("10000 100000", 1), ("?", 8)]
)
def test_a_cgroup_s_quota_caps_the_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quota: str, cores: int
) -> None:
    (tmp_path / "cpu.max").write_text(quota)
    monkeypatch.setattr(module, "_CGROUP_QUOTA", tmp_path / "cpu.max")
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(8)))
    assert available_cores() == cores

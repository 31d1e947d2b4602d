"""tagging/workspace.py: a hidden folder, locked during a run and removed after success."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from genre_batch.catalog.formats import Format, Location, output_location
from genre_batch.errors import CatalogError
from genre_batch.tagging.workspace import Workspace, workspace_folder


class _CrashError(Exception):
    """Ends a run half-way."""


def _interrupted(folder: Path, resumable: bool) -> None:
    with Workspace(folder, "out.csv") as workspace:
        (workspace.store).mkdir(exist_ok=True)
        (workspace.store / "data.mdb").write_bytes(b"x")
        Path(workspace.temporary(0, "output")).write_bytes(b"half")
        workspace.resumable = resumable
        raise _CrashError


def test_the_folder_is_hidden_next_to_the_output(tmp_path: Path) -> None:
    location = output_location(str(tmp_path / "out.csv"))
    assert workspace_folder(location) == tmp_path / ".out.csv.genre-batch"


def test_a_symlink_s_folder_is_next_to_its_target(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link.csv").symlink_to(tmp_path / "there" / "file.csv")
    location = output_location(str(tmp_path / "link.csv"))
    assert workspace_folder(location) == tmp_path / "there" / ".file.csv.genre-batch"


def test_streams_have_no_folder_and_cloud_storage_has_one_in_the_user_s_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert workspace_folder(output_location(None)) is None
    assert workspace_folder(Location("/dev/null", Format.CSV)) is None
    folder = workspace_folder(Location("s3://films/out.csv", Format.CSV))
    assert folder is not None
    assert folder.parent == tmp_path / "genre-batch"


def test_nothing_is_left_after_success(tmp_path: Path) -> None:
    with Workspace(tmp_path / "w", "out.csv") as workspace:
        Path(workspace.temporary(0, "output")).write_bytes(b"")
        workspace.resumable = True
    assert list(tmp_path.iterdir()) == []


def test_after_a_failure_a_folder_that_is_not_resumable_is_removed(tmp_path: Path) -> None:
    with pytest.raises(_CrashError):
        _interrupted(tmp_path / "w", resumable=False)
    assert list(tmp_path.iterdir()) == []


def test_after_a_failure_predictions_are_kept_and_partial_outputs_are_not(tmp_path: Path) -> None:
    with pytest.raises(_CrashError):
        _interrupted(tmp_path / "w", resumable=True)
    assert sorted(path.name for path in (tmp_path / "w").iterdir()) == ["run.lock", "store"]
    with Workspace(tmp_path / "w", "out.csv") as workspace:
        assert (workspace.store / "data.mdb").exists()
        assert workspace.resumable


def test_a_fresh_run_deletes_them(tmp_path: Path) -> None:
    with pytest.raises(_CrashError):
        _interrupted(tmp_path / "w", resumable=True)
    with Workspace(tmp_path / "w", "out.csv", fresh=True) as workspace:
        assert not workspace.store.exists()
        assert not workspace.resumable


def test_finished_outputs_are_recorded(tmp_path: Path) -> None:
    def fail_after_one() -> None:
        with Workspace(tmp_path / "w", "out/") as workspace:
            workspace.mark_finished("out/a.csv")
            raise _CrashError

    with pytest.raises(_CrashError):
        fail_after_one()
    with Workspace(tmp_path / "w", "out/") as workspace:
        assert workspace.finished() == {"out/a.csv"}


_HOLD = """
import sys, time
from pathlib import Path
from genre_batch.tagging.workspace import Workspace
with Workspace(Path(sys.argv[1]), "out.csv"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_run_is_refused_with_the_first_one_s_process_id_unless_that_is_dead(
    tmp_path: Path,
) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(tmp_path / "w")], stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(CatalogError, match=f"another run \\(process {holder.pid}\\) is writing"):
        Workspace(tmp_path / "w", "out.csv")
    holder.kill()
    holder.wait(60)
    holder.stdout.close()
    with Workspace(tmp_path / "w", "out.csv"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_an_output_whose_folder_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "makedirs", refuse)
    with pytest.raises(CatalogError, match=r"cannot write out\.csv: Permission denied"):
        Workspace(tmp_path / "w", "out.csv")

"""Promise: names of any bytes and length, streams, and file systems that refuse something."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from genre_batch.model.tagger import MODEL_VARIABLE
from support.places import COMMAND

pytestmark = pytest.mark.process

Command = Callable[..., subprocess.CompletedProcess[bytes]]

NOT_UTF8 = os.fsdecode(b"caf\xe9")
TAGGED = "overview,genres,predicted_genres\nlaugh,Comedy,Comedy\n"


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "bad.csv"
    path.write_text("overview,genres\nlaugh,Comedy\n1,2,3\n")
    return path


def _lines(done: subprocess.CompletedProcess[bytes]) -> list[str]:
    return done.stderr.decode().splitlines()


def test_a_name_that_is_not_utf8_may_be_any_path(
    command: Command, bad: Path, tmp_path: Path
) -> None:
    folder = tmp_path / NOT_UTF8
    folder.mkdir()
    source = folder / f"{NOT_UTF8}.csv"
    shutil.copy(bad, source)
    rejects, summary = folder / f"{NOT_UTF8}.jsonl", folder / f"{NOT_UTF8}.json"
    done = command(
        *("tag", source, "-o", folder / f"{NOT_UTF8}.parquet", "--rejects", rejects),
        *("--summary-json", summary, "--cache", folder / f"{NOT_UTF8}.cache", "--summary"),
    )
    assert done.returncode == 0
    assert b"caf\\udce9" in done.stderr
    assert json.loads(rejects.read_bytes())["file"] == str(source)
    assert json.loads(summary.read_bytes())["output"].endswith(f"{NOT_UTF8}.parquet")
    done = command("tag", folder, "-o", f"{tmp_path}/out{NOT_UTF8}/", "--output-format", "csv")
    assert done.returncode in (0, 2)
    for code, *arguments in ((0, "inspect"), (0, "evaluate"), (1, "tag", "--strict")):
        done = command(*arguments, source)
        assert done.returncode == code
        assert b"report it" not in done.stderr
        assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["a" * 251, "a" * 238, "é" * 125, os.fsdecode(b"\xe9" * 251)])
def test_the_longest_names_have_temporary_files_and_rejects_too(
    command: Command, bad: Path, tmp_path: Path, name: str
) -> None:
    output = tmp_path / f"{name}.csv"
    done = command("tag", bad, "-o", output)
    assert (done.returncode, len(_lines(done))) == (0, 1)
    assert output.read_text() == TAGGED
    (rejects,) = (path for path in tmp_path.iterdir() if path.name.endswith(".rejects.jsonl"))
    assert json.loads(rejects.read_bytes())["raw"] == "1,2,3"
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("option", ["-o", "--rejects", "--summary-json"])
def test_a_name_that_is_too_long_is_reported_before_any_work(
    command: Command, films: Path, tmp_path: Path, option: str
) -> None:
    options = {"-o": tmp_path / "o.csv"} | {option: tmp_path / f"{'x' * 252}.csv"}
    done = command("tag", films, *(str(word) for pair in options.items() for word in pair))
    assert done.returncode == 2
    assert _lines(done)[0].endswith("File name too long: choose a shorter name")
    assert list(tmp_path.iterdir()) == [films]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet", "arrow"])
def test_an_open_file_is_written_as_stdout_is(
    tiny_model: Path, films: Path, tmp_path: Path, kind: str
) -> None:
    (tmp_path / "link").symlink_to("/dev/stdout")
    names = ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "link")
    for output in ("-", *names):
        with (tmp_path / f"to{output.replace('/', '_')}").open("wb") as file:
            file.write(b"before\n")
            file.flush()
            done = subprocess.run(
                [COMMAND, "tag", films, "-o", output, "--output-format", kind],
                stdout=file,
                stderr=subprocess.PIPE,
                cwd=tmp_path,
                env=os.environ | {MODEL_VARIABLE: str(tiny_model)},
                check=False,
            )
        assert (done.returncode, done.stderr) == (0, b"")
    expected = (tmp_path / "to-").read_bytes()
    assert expected.startswith(b"before\n")
    for name in names:
        assert (tmp_path / f"to{name.replace('/', '_')}").read_bytes() == expected, name
    assert (tmp_path / "link").is_symlink()


def test_rejects_and_summary_may_be_open_files(
    tiny_model: Path, bad: Path, films: Path, tmp_path: Path
) -> None:
    line = f"{COMMAND} -q tag {{}} -o o.jsonl --force --rejects /dev/fd/3 3>>r --summary-json "
    for source in (bad, films):
        done = subprocess.run(
            ["bash", "-c", line.format(source) + "/dev/stdout"],
            cwd=tmp_path,
            capture_output=True,
            env=os.environ | {MODEL_VARIABLE: str(tiny_model)},
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, b"")
        assert json.loads(done.stdout)["rows"] == 1
    assert json.loads((tmp_path / "r").read_bytes())["raw"] == "1,2,3"
    assert Path("/dev/stdout").is_symlink()


def test_an_open_file_that_is_not_there_is_named(command: Command, films: Path) -> None:
    done = command("tag", films, "-o", "/dev/fd/77")
    assert (done.returncode, _lines(done)) == (
        1,
        ["Error: cannot write /dev/fd/77: Bad file descriptor"],
    )


@pytest.fixture
def injected(tiny_model: Path, tmp_path: Path) -> Callable[..., tuple[int, list[str]]]:
    """Run the command with a system call that fails; skipped where it cannot be made to fail."""
    strace = shutil.which("strace")
    trial = [strace or "strace", "-f", "-o", os.devnull]
    if strace is None or subprocess.run([*trial, "true"], check=False).returncode:
        pytest.skip("no strace that may trace: apt-get install strace")

    def run(call: str, failure: str, *arguments: object) -> tuple[int, list[str]]:
        done = subprocess.run(
            [
                *trial,
                *("-e", f"trace={call}", "-e", f"inject={call}:{failure}"),
                *(str(COMMAND), *map(str, arguments)),
            ],
            cwd=tmp_path,
            capture_output=True,
            env=os.environ | {MODEL_VARIABLE: str(tiny_model)},
            check=False,
        )
        return done.returncode, done.stderr.decode().splitlines()

    return run


@pytest.mark.parametrize("error", ["ENOLCK", "EOPNOTSUPP", "ENOSYS"])
def test_without_locks_a_run_warns_and_goes_on(
    injected: Callable[..., tuple[int, list[str]]], films: Path, error: str
) -> None:
    code, lines = injected("flock", f"error={error}", "tag", films, "-o", "o.csv")
    assert code == 0
    assert len(lines) == 1
    assert lines[0].startswith(f"Warning: the file system of {films.parent} has no locks")
    assert (films.parent / "o.csv").read_text() == TAGGED


def test_a_folder_that_cannot_be_synced_is_no_failure(
    films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from genre_batch import files

    real = os.fsync

    def fsync(descriptor: int) -> None:
        if os.path.isdir(f"/proc/self/fd/{descriptor}"):
            raise OSError(22, "Invalid argument")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    files.write_text(tmp_path / "o.txt", "text")
    assert (tmp_path / "o.txt").read_text() == "text"


def test_a_disk_that_fails_while_syncing_is_an_error(
    injected: Callable[..., tuple[int, list[str]]], films: Path
) -> None:
    code, lines = injected("fsync", "error=EIO", "tag", films, "-o", "o.csv")
    assert (code, len(lines)) == (1, 1)
    assert not (films.parent / "o.csv").exists()


@pytest.mark.parametrize("error", ["EACCES", "EROFS", "ENOSPC"])
def test_a_folder_that_cannot_be_written_is_named(
    injected: Callable[..., tuple[int, list[str]]], films: Path, error: str
) -> None:
    code, lines = injected("mkdir", f"error={error}", "tag", films, "-o", "o.csv")
    assert (code, len(lines)) == (1, 1)
    assert "cannot write o.csv: " in lines[0]
    assert str(films.parent) in lines[0]
    code, lines = injected("mkdir", f"error={error}", "tag", films, "--cache", "c")
    assert (code, len(lines)) == (1, 1)
    assert "cannot store predictions in c: " in lines[0]


def _full(folder: Path) -> None:
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", folder],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("no small file system can be mounted here")


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        (["-o", "o.parquet"], "jsonl"),
        (["-o", "o.arrow"], "jsonl"),
        (["-o", "o.csv"], "jsonl"),
        (["-o", "o.parquet", "--infer-types"], "csv"),
    ],
)
def test_a_full_temporary_folder_is_named(
    tiny_model: Path, tmp_path: Path, options: list[str], kind: str
) -> None:
    small = tmp_path / "small"
    _full(small)
    row = '{"overview":"laugh"}\n' if kind == "jsonl" else "laugh\n"
    text = ("" if kind == "jsonl" else "overview\n") + row * 50_000
    try:
        done = subprocess.run(
            [COMMAND, "tag", "-", "--input-format", kind, *options],
            input=text.encode(),
            cwd=tmp_path,
            capture_output=True,
            env=os.environ | {MODEL_VARIABLE: str(tiny_model), "TMPDIR": str(small)},
            check=False,
        )
    finally:
        subprocess.run(["umount", small], check=True)
    assert (done.returncode, len(_lines(done))) == (1, 1)
    assert f"to {small}: No space left on device: set TMPDIR" in _lines(done)[0]


def test_without_any_temporary_folder_tmpdir_is_named(
    tiny_model: Path, films: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tempfile

    from genre_batch.catalog.reading.spool import spooled
    from genre_batch.errors import CatalogError

    def nowhere() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", nowhere)
    with films.open("rb") as stream, pytest.raises(CatalogError, match="set TMPDIR"):
        spooled(stream, "stdin")


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet", "arrow", "csv.gz"])
def test_a_full_disk_is_one_line_and_leaves_no_output(
    tiny_model: Path, tmp_path: Path, suffix: str
) -> None:
    many = tmp_path / "many.csv"
    many.write_text("overview\n" + "".join(f"laugh {hash(str(row))}\n" for row in range(20_000)))
    small = tmp_path / "small"
    _full(small)
    try:
        done = subprocess.run(
            [COMMAND, "tag", many, "-o", small / f"o.{suffix}"],
            capture_output=True,
            env=os.environ | {MODEL_VARIABLE: str(tiny_model)},
            check=False,
        )
        names = [path.name for path in small.iterdir() if not path.name.startswith(".")]
    finally:
        subprocess.run(["umount", small], check=True)
    assert (done.returncode, names, len(_lines(done))) == (1, [], 1)
    assert str(small) in _lines(done)[0]
    assert " space" in _lines(done)[0]

"""Errors of the disk and the memory, in the forms that libraries give them, become one line."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from genre_batch.errors import CatalogError, TrainingError
from genre_batch.failures import describe_failure, failures_as, reason_of

TORCH_MEMORY = (
    "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you "
    "tried to allocate 4 bytes. Error code 12 (Cannot allocate memory)"
)
RUST = "Error while serializing: I/O error: {} (os error {})"


def _os_error(number: int, path: str | None = None) -> OSError:
    return OSError(number, os.strerror(number), path)


@pytest.mark.parametrize(
    ("error", "what", "advice"),
    [
        (_os_error(errno.ENOSPC, "a"), "a: No space left on device", "free some space"),
        (_os_error(errno.ENOSPC), "run: No space left on device", "free some space"),
        (_os_error(errno.EDQUOT, "a"), "a: Disk quota exceeded", "free some space"),
        (_os_error(errno.EROFS, "a"), "a: Read-only file system", "choose a path on a file system"),
        (_os_error(errno.EACCES, "a"), "a: Permission denied", "check its permissions"),
        (_os_error(errno.ENOTDIR, "a"), "a: Not a directory", "a file is in the way"),
        (_os_error(errno.EFBIG), "run: File too large", "ulimit -f"),
        (_os_error(errno.EMFILE), "run: Too many open files", "ulimit -n"),
        (_os_error(errno.EIO, "a"), "a: Input/output error", "check the disk"),
        (RuntimeError(RUST.format("x", errno.ENOSPC)), "run: No space left", "free some space"),
        (RuntimeError(RUST.format("x", errno.EFBIG)), "run: File too large", "ulimit -f"),
        (MemoryError(), "not enough memory", "close other programs"),
        (RuntimeError(TORCH_MEMORY), "not enough memory", "close other programs"),
        (RuntimeError("CUDA out of memory. Tried to allocate"), "not enough memory", "close other"),
        (RuntimeError("std::bad_alloc"), "not enough memory", "close other programs"),
        (RuntimeError("can't start new thread"), "not enough memory", "close other programs"),
        (_os_error(errno.ENOMEM), "not enough memory", "close other programs"),
    ],
)
def test_an_error_of_disk_or_memory_is_described(error: Exception, what: str, advice: str) -> None:
    described = describe_failure(error, "run")
    assert described is not None
    assert what in described[0]
    assert advice in described[1]


@pytest.mark.parametrize(
    "message",
    [
        "[enforce fail at inline_container.cc:672] . unexpected pos 576 vs 534",
        "PytorchStreamWriter failed writing file data/0: file write failed",
        "1000000 requested and 24968 written",
    ],
)
def test_where_the_reason_was_lost_it_is_looked_for(tmp_path: Path, message: str) -> None:
    described = describe_failure(RuntimeError(message), tmp_path)
    assert described == (
        f"{tmp_path}: a file cannot be written",
        "free some space, or allow larger files (ulimit -f)",
    )
    assert list(tmp_path.iterdir()) == []
    missing = describe_failure(RuntimeError(message), tmp_path / "none")
    assert missing is not None
    assert "No such file or directory" in missing[0]


def test_the_reason_may_be_in_an_error_that_it_was_raised_from() -> None:
    raised = ValueError("cannot save")
    raised.__cause__ = _os_error(errno.ENOSPC, "a")
    assert describe_failure(raised) == ("a: No space left on device", "free some space")


@pytest.mark.parametrize("error", [ValueError("no"), KeyError("a"), RuntimeError("shape")])
def test_other_errors_pass(error: Exception) -> None:
    assert describe_failure(error) is None
    with pytest.raises(type(error)), failures_as(TrainingError):
        raise error


def test_the_advice_ends_with_what_to_do_next_and_own_errors_pass() -> None:
    with (
        pytest.raises(
            TrainingError, match=r"^run: No space left on device: free some space, then x$"
        ),
        failures_as(TrainingError, "run", lambda: "x"),
    ):
        raise _os_error(errno.ENOSPC)
    with pytest.raises(CatalogError, match=r"^mine$"), failures_as(TrainingError):
        raise CatalogError("mine")


def test_a_reason_is_followed_by_advice_where_there_is_some() -> None:
    assert reason_of(_os_error(errno.ENOSPC, "o.csv")) == "No space left on device: free some space"
    assert reason_of(_os_error(errno.EAGAIN)) == os.strerror(errno.EAGAIN)
    assert reason_of(OSError("AWS Error\nand more")) == "AWS Error"
    assert reason_of(EOFError("the gzip data ends too early")) == "the gzip data ends too early"


WRITERS = {
    "text": "open(path, 'w').write('x' * 10**6)",
    "numpy": "import numpy as np; np.save(open(path, 'wb'), np.zeros(10**6))",
    "parquet": (
        "import numpy as np, pyarrow as pa, pyarrow.parquet as pq;"
        "pq.write_table(pa.table({'a': np.random.rand(10**6)}), path)"
    ),
    "torch": "import torch; torch.save(torch.zeros(10**6), path)",
    "safetensors": (
        "import torch; from safetensors.torch import save_file;"
        "save_file({'a': torch.zeros(10**6)}, path)"
    ),
}
LIMITED = f"""
import resource, sys
from genre_batch.failures import describe_failure
path = sys.argv[2] + "/file"
resource.setrlimit(resource.RLIMIT_FSIZE, (10**5, {resource.RLIM_INFINITY}))
try:
    exec(sys.argv[1])
except Exception as error:
    print(": ".join(describe_failure(error, sys.argv[2])))
"""


@pytest.mark.parametrize(
    "library",
    [
        pytest.param(name, marks=pytest.mark.training if name in ("torch", "safetensors") else ())
        for name in WRITERS
    ],
)
def test_a_file_that_may_not_grow_is_described_for_every_library(
    tmp_path: Path, library: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, WRITERS[library], str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith(f"{tmp_path}: ")
    assert "ulimit -f" in done.stdout

"""The hidden folder beside an output in which a run keeps what it needs until it is whole.

It holds the lock that keeps a second run away, the output under its temporary name, and the
probabilities computed so far, which the same command finds again after an interruption. It is gone
after success.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
from pathlib import Path
from types import TracebackType

from genre_batch.catalog.formats import Location, is_regular_or_new
from genre_batch.errors import CatalogError

__all__ = ["Workspace", "workspace_folder"]

_SUFFIX = ".genre-batch"
_LOCK = "run.lock"
_DONE = "done"
_STORE = "store"


def workspace_folder(target: Location) -> Path | None:
    """Where a run that writes this output works; None where it needs no place.

    stdout, devices and FIFOs cannot be resumed. Cloud storage has no place for a lock or a store:
    they lie in the user's cache folder then, so a run is resumed on the machine that began it.
    """
    if target.is_stdio:
        return None
    if target.is_remote:
        home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
        name = hashlib.sha256(target.path.encode()).hexdigest()[:16]
        return Path(home, "genre-batch", f"{name}{_SUFFIX}")
    if not os.path.isdir(target.path) and not is_regular_or_new(target.path):
        return None
    folder, name = os.path.split(os.path.realpath(target.path))
    return Path(folder, f".{name}{_SUFFIX}")


class Workspace(contextlib.AbstractContextManager["Workspace"]):
    """A run's folder, locked while it lasts.

    Attributes:
        folder: where it is.
        resumable: whether an interrupted run has something to go on from.
    """

    def __init__(self, folder: Path, output: str, fresh: bool = False) -> None:
        """Makes and locks the folder.

        The lock is the kernel's (flock): it ends with its process however that ends, so a stale
        one cannot be.

        Args:
            folder: as `workspace_folder` gives it.
            output: what is written, for messages.
            fresh: forget what an interrupted run left.

        Raises:
            CatalogError: another run has it, or it cannot be made.
        """
        self.folder = folder
        self.resumable = not fresh and (folder / _STORE / "data.mdb").exists()
        try:
            self._lock = self._locked(output)
            kept = () if fresh else (_LOCK, _DONE, _STORE)
            for left in folder.iterdir():
                if left.name not in kept and left.name != _LOCK:
                    shutil.rmtree(left) if left.is_dir() else left.unlink()
        except OSError as error:
            raise CatalogError(f"cannot write {output}: {error.strerror}") from error

    def _locked(self, output: str) -> int:
        while True:
            self.folder.mkdir(parents=True, exist_ok=True)
            path = self.folder / _LOCK
            try:
                lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
            except FileNotFoundError:
                continue  # the run that had it has just removed the folder
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                process = os.pread(lock, 32, 0).decode("ascii", "replace").strip()
                os.close(lock)
                raise CatalogError(
                    f"another run (process {process or 'unknown'}) is writing {output}: "
                    f"wait for it, or choose another -o"
                ) from error
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(lock), os.stat(path)):
                    os.ftruncate(lock, 0)
                    os.pwrite(lock, f"{os.getpid()}\n".encode("ascii"), 0)
                    return lock
            os.close(lock)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None or not self.resumable:
            shutil.rmtree(self.folder, ignore_errors=True)
        else:
            for left in self.folder.glob("*.partial"):
                with contextlib.suppress(OSError):
                    left.unlink()
        os.close(self._lock)

    @property
    def store(self) -> Path:
        """The folder of the probabilities computed so far."""
        return self.folder / _STORE

    def temporary(self, number: int, what: str) -> str:
        """The name under which the output, or the rejects, of a unit are written."""
        return str(self.folder / f"{what}-{number}.partial")

    def finished(self) -> set[str]:
        """The outputs that interrupted runs of this job have finished, or were about to."""
        try:
            return set((self.folder / _DONE).read_text(encoding="utf-8").splitlines())
        except FileNotFoundError:
            return set()

    def publishing(self, output: str) -> None:
        """Notes that an output is whole and about to get its name, so a rerun may overwrite it."""
        with (self.folder / _DONE).open("a", encoding="utf-8") as file:
            file.write(output + "\n")
            file.flush()
            os.fsync(file.fileno())
        self.resumable = True

"""Probabilities by (model, text): used for resume, the cache and duplicates across chunks."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import struct
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import lmdb

from genre_batch.errors import CatalogError, UsageError
from genre_batch.options import size_in_bytes
from genre_batch.path_checks import check_output_folder, check_parent_folder

__all__ = [
    "LmdbStore",
    "MemoryStore",
    "Store",
    "check_cache",
    "open_resume_store",
    "parse_size",
    "text_digests",
]

_MEGABYTE = 1 << 20
_FIRST_MAP_BYTES = 64 * _MEGABYTE
_LOCK_BYTES = 1 << 13
"""The size of LMDB's lock file with the default number of readers."""
_MIN_LIMIT_BYTES = _MEGABYTE
_LOOKUPS_PER_OPENING = 16_384
_MIN_USABLE_FRACTION = 0.3
_MAX_SLACK_BYTES = 128 * _MEGABYTE
"""The two bound how much of a limited store may be in use. LMDB copies each page that a write
touches and only reuses the old pages two writes later; keys are hashes, so each touches a page."""
_EVICTED_PER_WRITTEN = 1.1
_BYTES_PER_KEY_WRITTEN = 1 << 15
"""The bytes of a limited store's limit per key of one write, for the same reason."""
_NOT_WRITABLE = tuple(map(os.strerror, (errno.EACCES, errno.EPERM, errno.EROFS)))
_DAMAGED = (lmdb.CorruptedError, lmdb.InvalidError, lmdb.PageNotFoundError)
_SEQUENCE = struct.Struct(">Q")


class Store(Protocol):
    """Values by key. A value may disappear at any time; it is then computed again."""

    def get(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return each key's value, or None."""

    def put(self, keys: Sequence[bytes], values: Sequence[bytes]) -> None:
        """Store values; a store on disk keeps them after the process ends."""


def text_digests(texts: Sequence[bytes], model: bytes) -> list[bytes]:
    """Return the key of each text under a model: the first 16 bytes of a SHA-256 over both.

    Args:
        texts: UTF-8, as the model reads them.
        model: identifies the model; of the same length for all models.
    """
    sha256 = hashlib.sha256
    return [sha256(model + text).digest()[:16] for text in texts]


class MemoryStore:
    """A store in memory of the most recently used values, for a run without a workspace."""

    def __init__(self, limit: int = 65_536) -> None:
        """Create an empty store.

        Args:
            limit: the maximum number of values (about 250 bytes each).
        """
        self._limit = limit
        self._values: OrderedDict[bytes, bytes] = OrderedDict()

    def get(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """See `Store.get`."""
        values: list[bytes | None] = []
        for key in keys:
            value = self._values.get(key)
            if value is not None:
                self._values.move_to_end(key)
            values.append(value)
        return values

    def put(self, keys: Sequence[bytes], values: Sequence[bytes]) -> None:
        """See `Store.put`."""
        self._values.update(zip(keys, values, strict=True))
        while len(self._values) > self._limit:
            self._values.popitem(last=False)


class LmdbStore(contextlib.AbstractContextManager["LmdbStore"]):
    """A store in an LMDB environment: atomic writes, safe with several processes at once.

    LMDB maps its file into memory, and every page touched counts as memory of the process. The
    environment is reopened every few thousand lookups, so that memory does not grow with the store.
    """

    def __init__(self, folder: Path, limit: int | None = None) -> None:
        """Open the store, or create an empty one.

        Args:
            folder: the folder of its files; created if missing.
            limit: the maximum size of its file in bytes; the oldest values are evicted.

        Raises:
            CatalogError: the store cannot be opened or created.
        """
        self._folder = folder
        self._limit = None if limit is None else max(limit, _MIN_LIMIT_BYTES)
        self._map_bytes = self._limit or _FIRST_MAP_BYTES
        self._environment: lmdb.Environment | None = None
        self._lookups = 0
        with self._errors():
            folder.mkdir(parents=True, exist_ok=True)
            self._open()

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the store; its values are already on disk."""
        if self._environment is not None:
            self._environment.close()
            self._environment = None

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        """Raise errors of LMDB and of the system as a `CatalogError` with what to do."""
        try:
            yield
        except (lmdb.Error, OSError) as error:
            reason = getattr(error, "strerror", None) or str(error).rpartition(": ")[2]
            advice = "free some space, or delete that folder if it is damaged"
            if reason in _NOT_WRITABLE:
                advice = "make that folder writable, or choose another one"
            elif isinstance(error, _DAMAGED):
                advice = "it is damaged: delete that folder"
            raise CatalogError(
                f"cannot store predictions in {self._folder}: {reason}: {advice}, and run the same "
                f"command again"
            ) from error

    def _open(self) -> lmdb.Environment:
        self.close()
        self._lookups = 0
        file = self._folder / "data.mdb"
        _reserve(self._folder / "lock.mdb", _LOCK_BYTES)
        while True:
            size = file.stat().st_size if file.exists() else 0
            environment = lmdb.open(
                os.fsencode(self._folder),
                map_size=max(self._map_bytes, size),
                max_dbs=2,
                max_spare_txns=1,
            )
            try:
                _restore_length(environment, file)
                environment.reader_check()
                self._values = environment.open_db(b"probabilities")
                self._order = environment.open_db(b"order") if self._limit is not None else None
            except lmdb.MapResizedError:  # since its size was looked at
                environment.close()
                continue
            self._environment = environment
            return environment

    def get(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """See `Store.get`.

        Raises:
            CatalogError: the store is damaged.
        """
        with self._errors():
            environment = self._environment
            self._lookups += len(keys)
            if environment is None or self._lookups > _LOOKUPS_PER_OPENING:
                environment = self._open()
            try:
                return self._read(environment, keys)
            except lmdb.MapResizedError:  # another process made the file larger
                return self._read(self._open(), keys)

    def _read(self, environment: lmdb.Environment, keys: Sequence[bytes]) -> list[bytes | None]:
        with environment.begin(db=self._values) as transaction:
            get = transaction.get
            return [get(key) for key in keys]

    def put(self, keys: Sequence[bytes], values: Sequence[bytes]) -> None:
        """See `Store.put`; the values are on disk when it returns.

        Raises:
            CatalogError: they cannot be written, for example because the disk is full.
        """
        size = len(keys) if self._limit is None else self._limit // _BYTES_PER_KEY_WRITTEN
        for start in range(0, len(keys), max(1, size)):
            self._put(keys[start : start + size], values[start : start + size])

    def _put(self, keys: Sequence[bytes], values: Sequence[bytes]) -> None:
        with self._errors():
            environment = self._environment or self._open()
            evicted = round(_EVICTED_PER_WRITTEN * len(keys)) + 1
            while True:
                try:
                    if self._limit is not None:
                        self._evict(environment, evicted)
                    self._write(environment, keys, values)
                except lmdb.MapResizedError:  # another process made the file larger
                    environment = self._open()
                except lmdb.MapFullError:
                    if self._limit is None:
                        self._map_bytes = 2 * max(self._map_bytes, environment.info()["map_size"])
                        environment = self._open()
                    elif evicted > self._limit:
                        return  # the cache is too small for one write: store nothing
                    evicted *= 4
                else:
                    return

    def _write(
        self, environment: lmdb.Environment, keys: Sequence[bytes], values: Sequence[bytes]
    ) -> None:
        with environment.begin(write=True) as transaction:
            if self._order is None:
                transaction.cursor(self._values).putmulti(zip(keys, values, strict=True))
                return
            with transaction.cursor(self._order) as cursor:
                last = _SEQUENCE.unpack(cursor.key())[0] if cursor.last() else 0
            for key, value in zip(keys, values, strict=True):
                if transaction.put(key, value, overwrite=False, db=self._values):
                    last += 1
                    transaction.put(_SEQUENCE.pack(last), key, append=True, db=self._order)

    def _evict(self, environment: lmdb.Environment, entries: int) -> None:
        """Delete the oldest entries, up to the given number, if the store is full."""
        assert self._limit is not None
        usable = max(_MIN_USABLE_FRACTION * self._limit, self._limit - _MAX_SLACK_BYTES)
        with environment.begin(write=True) as transaction:
            stats = [transaction.stat(db) for db in (self._values, self._order)]
            pages = sum(
                stat["branch_pages"] + stat["leaf_pages"] + stat["overflow_pages"] for stat in stats
            )
            if pages * stats[0]["psize"] <= usable:
                return
            with transaction.cursor(self._order) as cursor:
                while entries and cursor.first():
                    transaction.delete(cursor.value(), db=self._values)
                    cursor.delete()
                    entries -= 1


def _restore_length(environment: lmdb.Environment, file: Path) -> None:
    """Fill a file that was cut off, such as an incomplete copy, with zeros to its full length.

    A signal would end the process where it reads beyond the end of a mapped file; LMDB reports
    pages of zeros as damage.

    Raises:
        lmdb.CorruptedError: the length that the file states cannot be.
        OSError: the disk is full.
    """
    length = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
    if length > environment.info()["map_size"]:
        environment.close()
        raise lmdb.CorruptedError("its length cannot be")
    if file.stat().st_size < length:
        _reserve(file, length)


def _reserve(file: Path, length: int) -> None:
    """Reserve the first bytes of a file that is mapped into memory.

    On a full disk, a signal would end the process at the first write to the mapped bytes.

    Raises:
        OSError: the disk is full, or the file cannot be created.
    """
    if not hasattr(os, "posix_fallocate"):
        return
    with open(file, "ab") as stream:
        try:
            os.posix_fallocate(stream.fileno(), 0, length)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise


def open_resume_store(folder: Path | None, stack: contextlib.ExitStack) -> Store:
    """Open the store of a run that has no cache; a damaged one is replaced by an empty one.

    Without a folder, or where its files cannot be mapped into memory, the store is in memory:
    duplicates are still predicted only once, but the run cannot be resumed.

    Args:
        folder: the folder of the store's files; None where the run has no workspace.
        stack: closes the store.
    """
    if folder is None:
        return MemoryStore()
    try:
        return stack.enter_context(LmdbStore(folder))
    except CatalogError as error:
        if not isinstance(error.__cause__, _DAMAGED):
            return MemoryStore()  # what is in the folder may be read by a later run
        shutil.rmtree(folder, ignore_errors=True)
    try:
        return stack.enter_context(LmdbStore(folder))
    except CatalogError:
        return MemoryStore()


def parse_size(text: str) -> int:
    """Parse a size such as `500MB`, `2G`, `1.5 GB` or `1000000`; return bytes.

    Raises:
        UsageError: the text is not a size, or one of less than a byte.
    """
    return size_in_bytes("cache_size", text)


def check_cache(path: str | os.PathLike[str]) -> Path:
    """Check that a folder can be used as a cache, and return its path.

    Raises:
        UsageError: it is a file or a folder with other content, or its parent does not exist.
    """
    folder = Path(path)
    check_output_folder(folder, name="`cache`")
    # LMDB creates its lock first, so another run may just be creating the cache.
    names = set(os.listdir(folder)) - {"lock.mdb"} if folder.is_dir() else set()
    if names and not (folder / "data.mdb").is_file():
        raise UsageError(f"`cache` {path} is a folder with other content: choose a new folder")
    check_parent_folder(folder, "`cache`")
    return folder
